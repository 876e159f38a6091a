//! The public pages as a browser gets them, before a small portal behind a real gRPC server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod caps;
mod ceremony;
mod city;
mod draws;
mod everywhere;
mod fairness;
mod lists;
mod own_line;
mod recipe;
mod stage;
mod witness;
