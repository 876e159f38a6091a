//! A firm's own line of a draw with its proof (art. 10, 11; protocol, section 7). Where the register is withheld the public
//! cannot look a firm up, since credit codes are public; the firm itself gets its line by a one-time code handed to it.
//!
//! [`rules`] say what a code is made of and when it can be used; [`line`] finds the line in the frozen files and proves it;
//! [`api`] issues codes to be handed over and exchanges them, once.

pub mod api;
pub mod line;
pub mod rules;
pub mod store;

use kit::{env::Env, ledger::Ledger, serve::Part};
use proto::qingtian::draws::v1::proofs_server::ProofsServer;

/// Adds the service of this noun.
pub(crate) fn add(part: Part, env: &Env, ledger: &Ledger) -> Part {
    part.with(ProofsServer::new(api::Api::new(env, ledger)))
}
