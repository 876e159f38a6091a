//! Officers' leave (请假, art. 13): whole days on which an officer is no candidate.

pub mod rules;
pub mod store;
