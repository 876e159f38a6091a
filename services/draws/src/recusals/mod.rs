//! Recusal after the draw (art. 16): an officer or expert with an interest in a drawn subject leaves its team, by exchange or
//! withdrawal. One person asks, another decides, and who comes instead nobody chooses.
//!
//! [`rules`] say who may ask and decide and carry an act out by the protocol; [`api`] adds its line to the draw's chained,
//! signed log and changes the visits' teams in the same transaction. The draw's own result never changes.

pub mod api;
pub mod rules;
pub mod store;

use kit::{env::Env, keys::Purpose, ledger::Ledger, serve::Part};
use proto::qingtian::draws::v1::recusals_server::RecusalsServer;

use crate::PART;

/// Adds the services of this noun.
///
/// # Errors
/// The key that signs heads is missing.
pub(crate) fn add(part: Part, env: &Env, ledger: &Ledger) -> anyhow::Result<Part> {
    env.keys.signing(PART, Purpose::Evidence)?;
    Ok(part.with(RecusalsServer::new(api::Api::new(env, ledger))))
}
