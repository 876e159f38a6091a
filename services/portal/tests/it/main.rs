//! The portal through a real client on a real database. What it follows are real ledgers behind small services that serve
//! nothing but their events.

#![allow(clippy::unwrap_used, reason = "helpers of tests stop where a test would")]

mod city;
mod fairness;
mod follow;
mod histories;
mod lists;
mod log;
mod look_up;
mod result;
mod story;
mod upstream;
