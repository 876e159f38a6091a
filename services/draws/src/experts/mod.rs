//! The experts register (专家名录库, art. 13, 15): experts of an organisation, kept by hand and by file, drawn like officers.
//!
//! Everybody of the organisation may see number, employer, specialties and districts; the real name and the words of the
//! interests are sealed ([`crate::people::secrets`]) and read for a stated purpose only (art. 44). What an upload holds goes
//! through [`table`], the same as a download is made of. While a published plan that wants experts is not drawn yet, a change waits
//! for a second person ([`changes`]).

pub mod api;
pub mod changes;
mod keep;
pub mod rules;
pub mod store;
mod table;

use kit::{env::Env, ledger::Ledger, serve::Part, uploads::sessions::Sessions};
use proto::qingtian::draws::v1::experts_server::ExpertsServer;

/// Adds the service of this noun.
///
/// # Errors
/// The key that seals private words is missing.
pub(crate) fn add(part: Part, env: &Env, ledger: &Ledger, uploads: &Sessions) -> anyhow::Result<Part> {
    Ok(part.with(ExpertsServer::new(api::Api::new(env, ledger, uploads)?)))
}
