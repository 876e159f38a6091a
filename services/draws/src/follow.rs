//! What draws learns from identity (officers) and catalog (items).

use kit::{env::Env, ledger::Ledger};

/// Starts the followers.
///
/// # Errors
/// A peer's address or the part's key is missing.
pub(crate) fn spawn(_env: &Env, _ledger: &Ledger) -> anyhow::Result<()> {
    Ok(())
}
