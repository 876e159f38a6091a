//! The fleet: the house's rules, the contract's golden files, who may call what, and the stories people live through.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod browser;
mod calendars;
mod caps;
mod chains;
mod claims;
mod clients;
mod compose;
mod faults;
mod front;
mod golden;
mod golden_events;
mod house;
mod image;
mod items;
mod kubernetes;
mod machines;
mod matrix;
mod new_platform;
mod openapi;
mod recusal;
mod restore;
mod shapes;
mod sign_on;
mod story;
mod streams;
mod telling;
mod up;
mod uploads;
mod users;
mod verifiers;
mod verify;
mod witness;
