//! The plumbing, from outside: programs that are started, killed, and looked at.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod clocks;
mod error;
mod followers;
mod guard;
mod health;
mod ledger;
mod uploads;
mod with_servers;
