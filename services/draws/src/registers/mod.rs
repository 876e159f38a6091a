//! Registers of subjects and officers (监管对象名录库、执法人员名录库, art. 13), and the conflicts of interest declared over them
//! (art. 16). What a draw freezes stands here.

pub mod rules;
pub mod store;

use kit::{env::Env, ledger::Ledger, serve::Part};

/// Adds the services of this noun.
pub(crate) fn add(part: Part, _env: &Env, _ledger: &Ledger) -> Part {
    part
}
