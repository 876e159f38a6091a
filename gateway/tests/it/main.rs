//! The gateway from outside: a browser or a machine client on one side, real rpcs on the other, Redis real.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod described;
mod edges;
mod files;
mod front;
mod kept;
mod limits;
mod parts;
mod raw;
mod shapes;
mod signing_in;
mod stage;
mod streaming;
mod transcoding;
