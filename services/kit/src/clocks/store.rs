//! Clocks in the part's own database. Whoever changes one locks it first.

use chrono::NaiveDate;
use proto::qingtian::clocks::{events::v1::ClockChanged, v1 as pb};
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use super::{
    job::warn_of,
    rules::{Act, Clock, DayKind, New},
};
use crate::{
    auth::Caller,
    error::{Reason, Refusal, Result, violated},
    ledger::{Audience, Tx},
    order::{Field, Key, Orders, Page},
    pages,
    workdays::{Calendar, legal_day},
};

pub(super) const CLOCK: &str =
    "name, aggregate, kind, organisation, unit, responsible, started_on, day_kind, days, anchor_on, anchor_days,
    due_on, provisional, setting, paused_on, ended_on, warned, acts";

#[derive(FromRow)]
pub(super) struct ClockRow {
    name: String,
    aggregate: String,
    kind: String,
    organisation: String,
    unit: String,
    responsible: String,
    started_on: NaiveDate,
    day_kind: String,
    days: i32,
    anchor_on: NaiveDate,
    anchor_days: i32,
    due_on: NaiveDate,
    provisional: bool,
    setting: String,
    paused_on: Option<NaiveDate>,
    ended_on: Option<NaiveDate>,
    warned: i32,
    acts: i32,
}

impl From<ClockRow> for Clock {
    fn from(row: ClockRow) -> Self {
        // Written from numbers of these sizes.
        let days = |stored: i32| u16::try_from(stored).unwrap_or(u16::MAX);
        Self {
            name: row.name,
            aggregate: row.aggregate,
            kind: row.kind,
            organisation: row.organisation,
            unit: row.unit,
            responsible: row.responsible,
            started_on: row.started_on,
            day_kind: DayKind::stored(&row.day_kind),
            days: days(row.days),
            anchor_on: row.anchor_on,
            anchor_days: days(row.anchor_days),
            due_on: row.due_on,
            provisional: row.provisional,
            setting: row.setting,
            paused_on: row.paused_on,
            ended_on: row.ended_on,
            warned: u8::try_from(row.warned).unwrap_or(u8::MAX),
            acts: row.acts,
        }
    }
}

/// The calendar this part counts by: the one it was built with, and the years it learned since.
///
/// # Errors
/// The database fails, or holds a calendar that cannot be read.
pub async fn calendar(db: &mut PgConnection) -> Result<Calendar> {
    let rows: Vec<String> =
        sqlx::query_scalar("select content from workday_year order by year").fetch_all(&mut *db).await?;
    let mut calendar = Calendar::official().clone();
    for content in rows {
        calendar = calendar.extend(&Calendar::parse(&content).map_err(Refusal::internal)?);
    }
    Ok(calendar)
}

/// Keeps a year's calendar, unless this version or a later one is there. [`super::look`] then counts provisional clocks anew.
///
/// # Errors
/// The database fails.
pub async fn keep_year(db: &mut PgConnection, year: i32, version: i64, content: &str) -> Result<()> {
    // A larger stamp than all before: it is a new row. Whoever comes second waits at the key.
    let replaced = sqlx::query("delete from workday_year where year = $1 and version < $2");
    replaced.bind(year).bind(version).execute(&mut *db).await?;
    let sql = "insert into workday_year (year, version, content) values ($1, $2, $3) on conflict (year) do nothing";
    sqlx::query(sql).bind(year).bind(version).bind(content).execute(db).await?;
    Ok(())
}

/// Of the newest calendar there is; 0 when none came yet.
pub(super) async fn stamp(db: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar("select coalesce(max(stamp), 0) from workday_year").fetch_one(db).await?)
}

/// Starts a clock on the legal day of the transaction.
///
/// # Errors
/// `CLOCK_RUNS` when one of the kind runs on the aggregate; `INVALID` for no days or more than 1,000.
pub async fn start(tx: &mut Tx, new: &New<'_>) -> Result<Clock> {
    // The stamp first: a calendar that comes between the two is counted twice rather than never.
    let stamp = stamp(tx).await?;
    let calendar = calendar(tx).await?;
    if let Some(running) = find(tx, new.aggregate, new.kind).await? {
        return Err(runs(new.aggregate, &running.due_on.to_string()));
    }
    let name = format!("clocks/{}", Uuid::now_v7().simple());
    let clock = Clock::start(name, new, legal_day(tx.now()), &calendar)?;
    sqlx::query(
        "insert into clock (name, aggregate, kind, organisation, unit, responsible, started_on, day_kind, days, anchor_on,
            anchor_days, due_on, provisional, stamp, setting, warn_on, acts)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(&clock.name)
    .bind(&clock.aggregate)
    .bind(&clock.kind)
    .bind(&clock.organisation)
    .bind(&clock.unit)
    .bind(&clock.responsible)
    .bind(clock.started_on)
    .bind(clock.day_kind.as_str())
    .bind(i32::from(clock.days))
    .bind(clock.anchor_on)
    .bind(i32::from(clock.anchor_days))
    .bind(clock.due_on)
    .bind(clock.provisional)
    .bind(stamp)
    .bind(&clock.setting)
    .bind(clock.warn_on(&calendar))
    .bind(clock.acts)
    .execute(&mut **tx)
    .await
    .map_err(|error| match violated(&error) {
        Some("clock_once") => runs(new.aggregate, &clock.due_on.to_string()),
        _ => error.into(),
    })?;
    note(tx, None, &clock, Act::Started, new.setting, &calendar).await?;
    Ok(clock)
}

fn runs(aggregate: &str, due: &str) -> Refusal {
    Refusal::new(Reason::ClockRuns).with("aggregate", aggregate).with("due", due)
}

/// The running clock of a kind on an aggregate, locked; none when none runs.
///
/// # Errors
/// The database fails.
pub async fn find(db: &mut PgConnection, aggregate: &str, kind: &str) -> Result<Option<Clock>> {
    let sql = format!("select {CLOCK} from clock where aggregate = $1 and kind = $2 and ended_on is null for update");
    let row: Option<ClockRow> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(aggregate).bind(kind).fetch_optional(db).await?;
    Ok(row.map(Into::into))
}

async fn running(tx: &mut Tx, aggregate: &str, kind: &str) -> Result<Clock> {
    find(tx, aggregate, kind).await?.ok_or_else(|| Refusal::not_found(format!("{aggregate} {kind}")))
}

/// Lets a clock stand from today on.
///
/// # Errors
/// `NOT_FOUND` when none runs; those of [`Clock::pause`].
pub async fn pause(tx: &mut Tx, aggregate: &str, kind: &str, basis: &str) -> Result<Clock> {
    let (before, calendar) = (running(tx, aggregate, kind).await?, calendar(tx).await?);
    let after = before.pause(basis, legal_day(tx.now()))?;
    save(tx, &before, after, (Act::Paused, basis), &calendar).await
}

/// Lets a clock that stands go on.
///
/// # Errors
/// `NOT_FOUND` when there is none; those of [`Clock::resume`].
pub async fn resume(tx: &mut Tx, aggregate: &str, kind: &str, basis: &str) -> Result<Clock> {
    let (before, calendar) = (running(tx, aggregate, kind).await?, calendar(tx).await?);
    let after = before.resume(basis, legal_day(tx.now()), &calendar)?;
    save(tx, &before, after, (Act::Resumed, basis), &calendar).await
}

/// Gives a clock more days.
///
/// # Errors
/// `NOT_FOUND` when none runs; those of [`Clock::extend`].
pub async fn extend(tx: &mut Tx, aggregate: &str, kind: &str, days: u16, basis: &str) -> Result<Clock> {
    let (before, calendar) = (running(tx, aggregate, kind).await?, calendar(tx).await?);
    let after = before.extend(basis, days, legal_day(tx.now()), &calendar)?;
    save(tx, &before, after, (Act::Extended, basis), &calendar).await
}

/// Ends a clock: what was owed is done, however late. Whatever it should have been warned of by now is announced first, so that what
/// was done late is known as late, also where the job of clocks had not come to it yet.
///
/// # Errors
/// `NOT_FOUND` when none runs.
pub async fn end(tx: &mut Tx, aggregate: &str, kind: &str) -> Result<Clock> {
    let (before, calendar) = (running(tx, aggregate, kind).await?, calendar(tx).await?);
    if !before.warnings(legal_day(tx.now()), &calendar).is_empty() {
        warn_of(tx, &before, &calendar).await?;
    }
    let after = before.end(legal_day(tx.now()))?;
    save(tx, &before, after, (Act::Ended, ""), &calendar).await
}

/// Lets somebody else answer for a clock; both may be empty for nobody yet. The deadline stays.
///
/// # Errors
/// `NOT_FOUND` when none runs.
pub async fn assign(tx: &mut Tx, aggregate: &str, kind: &str, unit: &str, responsible: &str) -> Result<Clock> {
    let (before, calendar) = (running(tx, aggregate, kind).await?, calendar(tx).await?);
    let after = before.assign(unit, responsible)?;
    save(tx, &before, after, (Act::Assigned, ""), &calendar).await
}

/// Saves an act on a locked clock and announces it.
pub(super) async fn save(
    tx: &mut Tx,
    before: &Clock,
    after: Clock,
    (act, basis): (Act, &str),
    calendar: &Calendar,
) -> Result<Clock> {
    sqlx::query(
        "update clock set unit = $2, responsible = $3, days = $4, anchor_on = $5, anchor_days = $6, due_on = $7,
            provisional = $8, paused_on = $9, ended_on = $10, warn_on = $11, acts = $12 where name = $1",
    )
    .bind(&after.name)
    .bind(&after.unit)
    .bind(&after.responsible)
    .bind(i32::from(after.days))
    .bind(after.anchor_on)
    .bind(i32::from(after.anchor_days))
    .bind(after.due_on)
    .bind(after.provisional)
    .bind(after.paused_on)
    .bind(after.ended_on)
    .bind(after.warn_on(calendar))
    .bind(after.acts)
    .execute(&mut **tx)
    .await?;
    note(tx, Some(before), &after, act, basis, calendar).await?;
    Ok(after)
}

/// Writes down an act and announces it.
async fn note(
    tx: &mut Tx,
    before: Option<&Clock>,
    after: &Clock,
    act: Act,
    basis: &str,
    calendar: &Calendar,
) -> Result<()> {
    let (now, actor) = (tx.now(), tx.caller().actor.clone());
    sqlx::query(
        "insert into clock_act (clock, number, act, actor, basis, acted_at, due_before, due_after)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&after.name)
    .bind(after.acts)
    .bind(act.as_str())
    .bind(actor)
    .bind(basis.trim())
    .bind(now)
    .bind(before.map(|clock| clock.due_on))
    .bind(after.due_on)
    .execute(&mut **tx)
    .await?;
    let event = ClockChanged {
        clock: Some(after.to_proto(now, calendar)),
        act: act.to_proto().into(),
        basis: basis.trim().to_owned(),
        due_date_before: before.map(|clock| clock.due_on.to_string()).unwrap_or_default(),
    };
    let audience = Audience::Organisations(vec![after.organisation.clone()]);
    tx.emit(&after.name, after.acts.into(), &event, audience)
}

/// By what clocks are listed.
const ORDERS: Orders<Clock> = Orders {
    fields: &[
        Field { name: "due_date", keys: &[DUE, NAME] },
        Field { name: "start_date", keys: &[Key::day("started_on", |clock| clock.started_on), NAME] },
        Field { name: "kind", keys: &[Key::text("kind", |clock| clock.kind.clone()), DUE, NAME] },
        Field {
            name: "organisation",
            keys: &[Key::text("organisation", |clock| clock.organisation.clone()), DUE, NAME],
        },
    ],
    default: "due_date",
};
const DUE: Key<Clock> = Key::day("due_on", |clock| clock.due_on);
const NAME: Key<Clock> = Key::text("name", |clock| clock.name.clone());

/// Answers `ListClocks` of a part for a caller.
///
/// # Errors
/// `NOT_FOUND` for an organisation out of reach; `INVALID` and `PAGE_TOKEN` for a page nobody can have.
pub async fn list(
    pool: &PgPool,
    caller: &Caller,
    now: chrono::DateTime<chrono::Utc>,
    request: &pb::ListClocksRequest,
) -> Result<pb::ListClocksResponse> {
    const MATCH: &str = "($1::text is null or organisation = $1) and ($2::text is null or aggregate like $2)
        and ($3 = '' or responsible = $3) and ($4 = '' or unit = $4) and (not $5 or due_on < $6 and ended_on is null)
        and ($7 or ended_on is null)";
    let reach = caller.reach();
    let organisation = match request.parent.as_str() {
        "organisations/-" => reach.organisation(),
        parent => {
            caller.reaches(parent)?;
            Some(parent)
        }
    };
    let page: Page<Clock> = ORDERS.page(&request.order_by, &request.page_token, request.page_size)?;
    let pattern = Some(request.query.trim()).filter(|text| !text.is_empty()).map(pages::like);
    let today = legal_day(now);
    let sql = format!("select {CLOCK} from clock where {MATCH}{}", page.sql(8));
    let rows = sqlx::query_as::<_, ClockRow>(sqlx::AssertSqlSafe(sql))
        .bind(organisation)
        .bind(&pattern)
        .bind(&request.responsible)
        .bind(&request.unit)
        .bind(request.overdue)
        .bind(today)
        .bind(request.ended);
    let mut conn = pool.acquire().await?;
    // `Page` reads its keys from clocks, so the rows become clocks before they are cut.
    let rows = page.bind(rows).fetch_all(&mut *conn).await?;
    let mut clocks: Vec<Clock> = rows.into_iter().map(Into::into).collect();
    let next_page_token = page.cut(&mut clocks);
    let total_size = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from clock where {MATCH}")))
        .bind(organisation)
        .bind(&pattern)
        .bind(&request.responsible)
        .bind(&request.unit)
        .bind(request.overdue)
        .bind(today)
        .bind(request.ended)
        .fetch_one(&mut *conn)
        .await?;
    let calendar = calendar(&mut conn).await?;
    let clocks = clocks.iter().map(|clock| clock.to_proto(now, &calendar)).collect();
    Ok(pb::ListClocksResponse { clocks, next_page_token, total_size })
}
