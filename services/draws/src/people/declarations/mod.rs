//! The yearly declaration of interests (利害关系申报, art. 16): none, or everything that stands, once a year and kept.

pub mod rules;
pub mod store;
