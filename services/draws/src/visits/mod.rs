//! Visits (art. 15-17): one for every drawn subject that has a team, made when the draw is dispatched. For now a bare record
//! that waits for the head's approval.

pub mod api;
pub mod store;

use kit::{env::Env, ledger::Ledger, serve::Part};
use proto::qingtian::draws::v1::visits_server::VisitsServer;

/// Adds the services of this noun.
pub(crate) fn add(part: Part, _env: &Env, ledger: &Ledger) -> Part {
    part.with(VisitsServer::new(api::Api::new(ledger.clone())))
}
