//! Deadlines of whoever leaves go to the successor (art. 27, 35). The follower of identity notes it; the job does it, with an act on
//! each clock.

use anyhow::Context;
use chrono::{DateTime, Utc};
use proto::qingtian::{events::v1::Event, identity::events::v1::DutiesHandedOver};
use sqlx::PgConnection;

use super::{
    rules::Act,
    store::{CLOCK, ClockRow, calendar, save},
};
use crate::{
    error::Result,
    follow::payload,
    ledger::{Ledger, Tx},
};

/// What such an act rests on; it tells it from one that a person made.
const BASIS: &str = "职责交接 / duties handed over";

/// Clocks of one transaction.
const CHUNK_ROWS: i64 = 200;

/// Notes a handover that identity announced; any other event is none of it.
///
/// # Errors
/// The event cannot be decoded, or the database fails.
pub async fn note_handover(conn: &mut PgConnection, event: &Event) -> anyhow::Result<()> {
    let Some(handed) = payload::<DutiesHandedOver>(event)? else { return Ok(()) };
    let time = event.time.context("an event without time")?;
    let nanos = u32::try_from(time.nanos).context("time")?;
    let at = DateTime::<Utc>::from_timestamp(time.seconds, nanos).context("time")?;
    sqlx::query(
        "insert into clock_handover (responsible, successor, handed_at) values ($1, $2, $3) on conflict do nothing",
    )
    .bind(&handed.user)
    .bind(&handed.successor)
    .bind(at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets what was noted and not done yet, before the log is read anew.
///
/// # Errors
/// The database fails.
pub async fn forget_handovers(conn: &mut PgConnection) -> anyhow::Result<()> {
    sqlx::query("delete from clock_handover").execute(conn).await?;
    Ok(())
}

/// Does some of what was noted, the eldest first; answers how many clocks changed hands, and how many handovers were done with.
pub(super) async fn hand_over(ledger: &Ledger) -> Result<usize> {
    let mut tx = ledger.begin_job("hand over clocks").await?;
    let noted: Option<(String, String, DateTime<Utc>)> = sqlx::query_as(
        "select responsible, successor, handed_at from clock_handover order by handed_at, responsible limit 1
         for update skip locked",
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some((responsible, successor, at)) = noted else { return Ok(0) };
    let clocks = assign_all(&mut tx, (&responsible, &successor), at).await?;
    let mut done = clocks;
    if clocks == 0 {
        let gone = sqlx::query("delete from clock_handover where responsible = $1 and handed_at = $2");
        gone.bind(&responsible).bind(at).execute(&mut *tx).await?;
        done = 1;
    }
    tx.commit(&()).await?;
    if clocks > 0 {
        tracing::info!(clocks, user.name = %responsible, "handed clocks over");
    }
    Ok(done)
}

/// Those that ran, and were his, when he handed over. What a person assigned later stays; what an earlier handover assigned goes on,
/// whenever that was done.
async fn assign_all(tx: &mut Tx, (responsible, successor): (&str, &str), at: DateTime<Utc>) -> Result<usize> {
    let sql = format!(
        "select {CLOCK} from clock where responsible = $1 and ended_on is null and not exists (
            select from clock_act a where a.clock = clock.name and a.acted_at > $2
                and (a.act = 'STARTED' or a.act = 'ASSIGNED' and a.basis <> $3))
         order by name limit {CHUNK_ROWS} for update"
    );
    let rows: Vec<ClockRow> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(responsible).bind(at).bind(BASIS).fetch_all(&mut **tx).await?;
    let calendar = calendar(tx).await?;
    let clocks = rows.len();
    for row in rows {
        let before = super::Clock::from(row);
        let after = before.assign(&before.unit, successor)?;
        save(tx, &before, after, (Act::Assigned, BASIS), &calendar).await?;
    }
    Ok(clocks)
}
