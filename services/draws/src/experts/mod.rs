//! The experts register (专家名录库, art. 13, 15): experts of an organisation, kept by hand and by file, drawn like officers.
//!
//! Everybody who keeps plans may see number, employer, specialties and districts; the real name and the words of the interests
//! are sealed ([`crate::people::secrets`]) and read for a stated purpose only (art. 44).

pub mod store;
