//! What catalog learns from identity: organisations, whom items are handed down to (art. 6), and who takes over from whom, so that
//! deadlines always have somebody (art. 27, 35).

use std::sync::Arc;

use kit::{
    clocks,
    env::Env,
    follow::{Follow, method_of, payload},
    ledger::Ledger,
};
use prost::Name;
use proto::qingtian::{
    events::v1::Event,
    identity::events::v1::{DutiesHandedOver, OrganisationChanged},
};
use sqlx::PgConnection;

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
        types: vec![DutiesHandedOver::full_name(), OrganisationChanged::full_name()],
        model: 1,
        apply: Arc::new(|conn, event| Box::pin(identity(conn, event))),
        reset: Arc::new(|conn| Box::pin(forget(conn))),
    };
    kit::follow::spawn(env, ledger.pool().clone(), follow)
}

async fn identity(conn: &mut PgConnection, event: Event) -> anyhow::Result<()> {
    if let Some(organisation) = payload::<OrganisationChanged>(&event)? {
        let sql = "insert into organisation (name, title) values ($1, $2) on conflict (name) do update set title = excluded.title";
        sqlx::query(sql).bind(&organisation.name).bind(&organisation.title).execute(&mut *conn).await?;
    }
    clocks::note_handover(conn, &event).await
}

async fn forget(conn: &mut PgConnection) -> anyhow::Result<()> {
    sqlx::query("delete from organisation").execute(&mut *conn).await?;
    clocks::forget_handovers(conn).await
}
