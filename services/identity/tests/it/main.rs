//! Identity through a real client on a real database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod certificates;
mod city;
mod events;
mod lists;
mod machines;
mod people;
mod sign_in;
mod users;
