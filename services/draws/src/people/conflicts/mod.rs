//! Conflicts of interest (利害关系, art. 16): declared by officers and of experts, standing until another person lifts them.

pub mod acts;
pub mod store;
