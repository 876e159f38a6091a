//! Changes of the register of subjects (名录变更, art. 13): many subjects at once, each for itself; and, from a plan's publication
//! to the reveal of its draw, every change, which then waits for a second person. What a draw has stated is frozen and never
//! reached by any of them. Changes of the register of experts that wait ([`crate::experts::changes`]) are decided here as well.
//!
//! [`rules`] say when a second person is needed and what becomes of a row, [`jobs`] apply what nobody or somebody had to approve,
//! chunk by chunk.

pub mod api;
mod jobs;
pub mod rules;
pub mod store;

use std::sync::Arc;

use kit::{env::Env, ledger::Ledger, serve::Part};
use proto::qingtian::draws::v1::register_changes_server::RegisterChangesServer;
use tokio::sync::Notify;

use crate::people::secrets::Secrets;

/// Adds the service of this noun and its job.
///
/// # Errors
/// The key that seals experts' private words is missing.
pub(crate) fn add(part: Part, env: &Env, ledger: &Ledger) -> anyhow::Result<Part> {
    let woken = Arc::new(Notify::new());
    env.spawn("register changes", jobs::run(env.clone(), ledger.clone(), woken.clone()));
    let secrets = Secrets::of(env)?;
    Ok(part.with(RegisterChangesServer::new(api::Api::new(ledger.clone(), woken, secrets))))
}
