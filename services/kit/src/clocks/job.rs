//! What time does to clocks (art. 18, 35): warnings, once each, whoever answers for them or nobody; and the recount of provisional
//! deadlines when the year's calendar came. Safe to run twice and on two pods: each clock is locked while it is dealt with. No
//! job says that anybody refused, or issues a circular (art. 42).

use std::time::Duration;

use proto::qingtian::clocks::events::v1::ClockWarned;

use super::{
    handover::hand_over,
    rules::{Act, Clock},
    store::{CLOCK, ClockRow, calendar, save, stamp},
};
use crate::{
    env::Env,
    error::Result,
    ledger::{Audience, Ledger, Tx},
    workdays::{Calendar, legal_day},
};

const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Clocks of one transaction.
const CHUNK_ROWS: i64 = 200;

/// Looks after the clocks of a part until it stops.
pub fn spawn(env: &Env, ledger: &Ledger) {
    let ledger = ledger.clone();
    env.spawn("clocks", async move {
        loop {
            if let Err(error) = look(&ledger).await {
                tracing::warn!(%error, "cannot look after clocks");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
}

/// Deals with all clocks that are to be counted anew, handed over or warned of now; answers how many.
/// Handed over before they are warned of: the successor is told.
///
/// # Errors
/// The database fails; what was dealt with before stays.
pub async fn look(ledger: &Ledger) -> Result<usize> {
    let mut done = 0;
    loop {
        let chunk = recount(ledger).await? + hand_over(ledger).await? + warn(ledger).await?;
        if chunk == 0 {
            return Ok(done);
        }
        done += chunk;
    }
}

/// Counts provisional clocks anew whose calendar came, once for each calendar.
async fn recount(ledger: &Ledger) -> Result<usize> {
    let mut tx = ledger.begin_job("recount clocks").await?;
    let newest = stamp(&mut tx).await?;
    let due = format!("select {CLOCK} from clock where provisional and ended_on is null and stamp < $1");
    let clocks = locked(&mut tx, &due, newest).await?;
    if clocks.is_empty() {
        return Ok(0);
    }
    let calendar = calendar(&mut tx).await?;
    for before in &clocks {
        if let Some(after) = before.recompute(&calendar) {
            let years: Vec<String> = calendar.years().map(|year| year.to_string()).collect();
            let basis = format!("工作日历 / calendars {}", years.join(", "));
            save(&mut tx, before, after, (Act::Recomputed, &basis), &calendar).await?;
        }
        let counted = sqlx::query("update clock set stamp = $2 where name = $1").bind(&before.name).bind(newest);
        counted.execute(&mut *tx).await?;
    }
    tx.commit(&()).await?;
    tracing::info!(clocks = clocks.len(), "counted clocks anew");
    Ok(clocks.len())
}

/// Announces the warnings that are due.
async fn warn(ledger: &Ledger) -> Result<usize> {
    let mut tx = ledger.begin_job("warn of clocks").await?;
    let today = legal_day(tx.now());
    let due = format!("select {CLOCK} from clock where warn_on <= $1");
    let clocks = locked(&mut tx, &due, today).await?;
    if clocks.is_empty() {
        return Ok(0);
    }
    let calendar = calendar(&mut tx).await?;
    for clock in &clocks {
        warn_of(&mut tx, clock, &calendar).await?;
    }
    tx.commit(&()).await?;
    tracing::info!(clocks = clocks.len(), "warned of clocks");
    Ok(clocks.len())
}

/// Announces what a locked clock is to be warned of.
pub(super) async fn warn_of(tx: &mut Tx, clock: &Clock, calendar: &Calendar) -> Result<()> {
    let now = tx.now();
    let mut warned = clock.clone();
    for percent in clock.warnings(legal_day(now), calendar) {
        let event = ClockWarned {
            clock: Some(clock.to_proto(now, calendar)),
            percent: percent.into(),
            addressees: clock.addressees(percent),
        };
        let audience = Audience::Organisations(vec![clock.organisation.clone()]);
        tx.emit(&clock.name, clock.acts.into(), &event, audience)?;
        warned.warned = percent;
    }
    // A warning is no act: it moves nothing. Where a corrected calendar gives it later, only the day is noted.
    sqlx::query("update clock set warned = $2, warn_on = $3 where name = $1")
        .bind(&clock.name)
        .bind(i32::from(warned.warned))
        .bind(warned.warn_on(calendar))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Some of the clocks that are due, locked; those somebody else works on are left for the next look.
async fn locked<'q, V>(tx: &mut Tx, due: &str, value: V) -> Result<Vec<Clock>>
where
    V: 'q + sqlx::Encode<'q, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    let sql = format!("{due} order by name limit {CHUNK_ROWS} for update skip locked");
    let rows: Vec<ClockRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(value).fetch_all(&mut **tx).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}
