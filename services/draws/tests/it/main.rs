//! Draws through a real client on a real database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod caps;
mod classes;
mod draws;
mod expert_changes;
mod experts;
mod files;
mod follow;
mod histories;
mod imports;
mod orders;
mod people;
mod plans;
mod proofs;
mod recusals;
mod register_changes;
mod registers;
mod streamed;
mod subjects;
mod witnesses;
mod workbooks;
mod world;
