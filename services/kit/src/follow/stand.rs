//! Where a follower stands: up to which position, whether what it built is whole, and before what it stopped.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::Follow;

/// Up to where a peer was followed.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Stand {
    pub position: i64,
    /// Of the log there.
    pub hash: String,
    /// By which [`Follow::model`].
    pub model: i32,
    /// What was built was cleared, and the end of the log was not reached since.
    pub building: bool,
}

pub(super) const STAND: &str = "select position, hash, model, building from follower where peer = $1";

impl Stand {
    /// Nothing was followed yet.
    pub fn zero(follow: &Follow) -> Self {
        Self { position: 0, hash: String::new(), model: follow.model, building: false }
    }
}

/// Takes the follower's row: one replica at a time changes what was built from the peer.
pub(super) async fn hold(connection: &mut PgConnection, peer: &str) -> Result<Stand, sqlx::Error> {
    // The text is a constant of this module.
    let locked = sqlx::AssertSqlSafe(format!("{STAND} for update"));
    sqlx::query_as(locked).bind(peer).fetch_one(connection).await
}

/// Goes on: whatever stopped the follower before has passed.
pub(super) async fn moved(connection: &mut PgConnection, peer: &str, to: &Stand) -> Result<(), sqlx::Error> {
    let update = sqlx::query(
        "update follower set position = $2, hash = $3, model = $4, building = $5,
            stopped_position = null, stopped_hash = '', stopped_event = '', problem = '', stopped_at = null
         where peer = $1",
    );
    let update = update.bind(peer).bind(to.position).bind(&to.hash).bind(to.model).bind(to.building);
    update.execute(connection).await.map(drop)
}

/// Keeps before which event the follower stopped, and says so, loudly when it is news.
pub(super) async fn stopped(
    pool: &PgPool,
    follow: &Follow,
    before: &Stand,
    (position, hash): (i64, &str),
    event: &str,
    problem: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("insert into follower (peer, position, hash, model) values ($1, 0, '', $2) on conflict do nothing")
        .bind(follow.peer)
        .bind(follow.model)
        .execute(&mut *tx)
        .await?;
    // Nothing is kept of a follower that another replica has brought on meanwhile.
    let news = sqlx::query(
        "update follower set stopped_position = $3, stopped_hash = $4, stopped_event = $5, problem = $6, stopped_at = $7
         where peer = $1 and position = $2 and (stopped_position, problem) is distinct from ($3, $6)",
    )
    .bind(follow.peer)
    .bind(before.position)
    .bind(position)
    .bind(hash)
    .bind(event)
    .bind(problem)
    .bind(now)
    .execute(&mut *tx)
    .await?
    .rows_affected();
    tx.commit().await?;
    metrics::gauge!("follower_stopped", "part" => follow.part, "peer" => follow.peer).set(1.0);
    if news == 1 {
        tracing::error!(
            part = follow.part,
            peer = follow.peer,
            position,
            event,
            problem,
            "an event cannot be applied: the follower stands before it until it can, or is told to pass over it"
        );
    }
    Ok(())
}

/// Of every peer that is followed: whether what was built from it is whole and goes on.
pub(crate) async fn health(connection: &mut PgConnection) -> Result<Vec<(String, bool)>, sqlx::Error> {
    let sql = "select peer, stopped_position is null and not building from follower order by peer";
    sqlx::query_as(sql).fetch_all(connection).await
}
