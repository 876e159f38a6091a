//! The draw as its callers and its doubters meet it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot go on has failed

mod archive;
mod fairness;
mod files;
mod fuzz;
mod invariants;
mod own_line;
mod recusal;
mod recusal_tampering;
mod rules;
mod tampering;
mod vectors;
