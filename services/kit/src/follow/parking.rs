//! Passing over an event that cannot be applied: a person's act, with a reason, in the part's audit (art. 43-45).

use std::collections::HashSet;

use anyhow::ensure;
use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::Follow;
use crate::{auth::Caller, ledger::Ledger};

/// Characters of a reason at the most.
const REASON_CHARS_MAX: usize = 500;

/// How a part stands in the log of a peer.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Standing {
    /// The part followed.
    pub peer: String,
    /// Applied up to here.
    pub position: i64,
    /// What was built is being built anew.
    pub building: bool,
    /// Position of the event it cannot apply.
    pub stopped_position: Option<i64>,
    /// What that is: its type and its aggregate.
    pub stopped_event: String,
    /// Why not.
    pub problem: String,
    /// Since when it stands there.
    pub stopped_at: Option<DateTime<Utc>>,
    /// Events passed over so far.
    pub parked: i64,
}

/// How a part stands in the logs of all its peers.
///
/// # Errors
/// The database is out of reach.
pub async fn standing(pool: &PgPool) -> Result<Vec<Standing>, sqlx::Error> {
    let sql = "select f.peer, f.position, f.building, f.stopped_position, f.stopped_event, f.problem, f.stopped_at,
            (select count(*) from parked_event p where p.peer = f.peer and p.model = f.model) as parked
         from follower f order by f.peer";
    sqlx::query_as(sql).fetch_all(pool).await
}

/// Events this follower passes over: position and hash of the log there.
pub(super) async fn parked(pool: &PgPool, follow: &Follow) -> Result<HashSet<(i64, String)>, sqlx::Error> {
    let sql = "select position, hash from parked_event where peer = $1 and model = $2";
    let rows: Vec<(i64, String)> = sqlx::query_as(sql).bind(follow.peer).bind(follow.model).fetch_all(pool).await?;
    let labels = [("part", follow.part), ("peer", follow.peer)];
    metrics::gauge!("follower_parked", &labels).set(rows.len() as f64);
    Ok(rows.into_iter().collect())
}

/// Has the event passed over before which the follower of `peer` stands. What is built from the events lacks it from then on, until a
/// release that builds anew tries it again.
///
/// # Errors
/// The follower does not stand at this position; no reason or no person is named; the database is out of reach. Nothing is done then.
pub async fn park(ledger: &Ledger, peer: &str, position: i64, by: &str, reason: &str) -> anyhow::Result<Standing> {
    let (by, reason) = (by.trim(), reason.trim());
    ensure!(!by.is_empty(), "say who decides this, by real name");
    ensure!(!reason.is_empty(), "say why the event is passed over");
    ensure!(reason.chars().count() <= REASON_CHARS_MAX, "a reason has at most {REASON_CHARS_MAX} characters");
    let part = ledger.part();
    let caller = Caller { purpose: format!("{by}: {reason}"), ..Caller::service(part, "ParkEvent") };
    let mut tx = ledger.begin(&caller, "", &()).await?;
    let stands: Option<(Option<i64>, String, i32, String, String)> = sqlx::query_as(
        "select stopped_position, stopped_hash, model, stopped_event, problem from follower where peer = $1 for update",
    )
    .bind(peer)
    .fetch_optional(&mut *tx)
    .await?;
    let Some((stopped, hash, model, event, problem)) = stands else {
        anyhow::bail!("{part} does not follow {peer}");
    };
    match stopped {
        Some(at) if at == position => {}
        Some(at) => anyhow::bail!("{part} stands before position {at} of {peer}, not before {position}"),
        None => anyhow::bail!("{part} goes on following {peer}; nothing is to be passed over"),
    }
    sqlx::query(
        "insert into parked_event (peer, position, hash, model, event, problem, reason, parked_by, parked_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing",
    )
    .bind(peer)
    .bind(position)
    .bind(hash)
    .bind(model)
    .bind(event)
    .bind(problem)
    .bind(reason)
    .bind(by)
    .bind(tx.now())
    .execute(&mut *tx)
    .await?;
    tx.changed::<()>(&format!("followers/{peer}/events/{position}"), None, None);
    tx.commit(&()).await?;
    let standing = standing(ledger.pool()).await?;
    standing.into_iter().find(|one| one.peer == peer).ok_or_else(|| anyhow::anyhow!("{part} does not follow {peer}"))
}
