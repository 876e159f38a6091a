//! Plumbing every part shares, small and named by purpose. It knows nothing of what is supervised.

pub mod auth;
pub mod blob;
pub mod clocks;
pub mod codes;
pub mod embedded;
pub mod env;
pub mod error;
pub mod faults;
pub mod follow;
pub mod health;
pub mod keys;
pub mod ledger;
pub mod order;
pub mod pages;
pub mod peers;
pub mod serve;
pub mod sheet;
pub mod telemetry;
pub mod testing;
pub mod uploads;
pub mod workdays;
