//! The witness's one-time link (art. 11, 15; protocol, section 2): a witness from outside, who has no account, receives the
//! signed statement first and then gives exactly one entry.
//!
//! The drawing unit issues a [link](secret::Secret) for a stated draw. Opened, once, it hands over the statement and a permit for
//! one entry; a newer link revokes an older one and its permit. Who issued and when it was opened is public on the draw's
//! page, so that a witness sees when somebody else was there before. [`rules`] decide, [`api`] carries out.

pub mod api;
pub mod rules;
pub mod secret;
pub mod store;

use kit::serve::Part;
use proto::qingtian::draws::v1::witnesses_server::WitnessesServer;

use crate::draws::Desk;

/// Adds the service of this noun, at the desk where draws are worked on.
pub(crate) fn add(part: Part, desk: Desk) -> Part {
    part.with(WitnessesServer::new(api::Api::new(desk)))
}
