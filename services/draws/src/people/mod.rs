//! People of the draws (art. 13, 15, 16): who is on leave, who has an interest in whom, and who has declared that this year.
//!
//! A person is known for good by a `holder`: `users/{user}` of an officer, `experts/{key}` of an expert. Certificates are
//! replaced in time; what was declared stays with whoever declared it.

pub mod candidates;
