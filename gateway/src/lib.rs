//! The one door of the web: from JSON over HTTP to the parts' rpcs, by the contract alone (see `design` of the routes in
//! `proto/`). It keeps the sessions of the work portal, hands out the pages, and owns nothing.

pub mod binder;
pub mod codec;
pub mod error;
#[cfg(test)]
mod fixtures;
pub mod json;
pub mod routes;
pub mod template;
