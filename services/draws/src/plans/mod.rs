//! Inspection plans (art. 9, 14): drafted by one person, published by another, public from then on. No plan, no inspection.

pub mod api;
pub mod classes;
pub mod content;
pub mod enough;
pub mod exceptions;
pub mod foresees;
pub mod obstacles;
pub mod rules;
pub mod shape;
pub mod store;

use kit::{env::Env, ledger::Ledger, serve::Part};
use proto::qingtian::draws::v1::plans_server::PlansServer;

/// Adds the services of this noun.
pub(crate) fn add(part: Part, env: &Env, ledger: &Ledger) -> Part {
    part.with(PlansServer::new(api::Api::new(ledger.clone(), env.clock.clone())))
}
