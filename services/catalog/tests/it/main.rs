//! Catalog through a real client on a real database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod calendars;
mod claims;
mod imports;
mod items;
mod office;
mod orders;
mod versions;
mod workbooks;
