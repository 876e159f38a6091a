//! (draws)

use kit::{env::Env, ledger::Ledger, serve::Part};

/// Adds the services and jobs of this noun.
///
/// # Errors
/// A key is missing.
pub(crate) fn add(part: Part, _env: &Env, _ledger: &Ledger) -> anyhow::Result<Part> {
    Ok(part)
}
