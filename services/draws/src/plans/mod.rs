//! (plans)

use kit::{env::Env, ledger::Ledger, serve::Part};

/// Adds the services of this noun.
pub(crate) fn add(part: Part, _env: &Env, _ledger: &Ledger) -> Part {
    part
}
