//! What catalog learns from identity: who takes over from whom, so that deadlines always have somebody (art. 27, 35).

use std::sync::Arc;

use kit::{
    clocks,
    env::Env,
    follow::{Follow, method_of},
    ledger::Ledger,
};
use prost::Name;
use proto::qingtian::identity::events::v1::DutiesHandedOver;

use crate::PART;

/// Starts the follower.
///
/// # Errors
/// A peer's address or the part's key is missing.
pub(crate) fn spawn(env: &Env, ledger: &Ledger) -> anyhow::Result<()> {
    let follow = Follow {
        part: PART,
        peer: "identity",
        method: method_of("identity")?,
        types: vec![DutiesHandedOver::full_name()],
        model: 0,
        apply: Arc::new(|conn, event| Box::pin(async move { clocks::note_handover(conn, &event).await })),
        reset: Arc::new(|conn| Box::pin(clocks::forget_handovers(conn))),
    };
    kit::follow::spawn(env, ledger.pool().clone(), follow)
}
