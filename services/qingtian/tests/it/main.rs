//! The binary as others run it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod bench;
mod year;
