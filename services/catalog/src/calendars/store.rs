//! Questions to the table of calendars, one function each.

use chrono::{DateTime, NaiveDate, Utc};
use kit::{
    error::{Reason, Refusal, Result, violated},
    ledger::timestamp,
    order::{Field, Key, Orders, Page},
    workdays::{Calendar, Exception},
};
use proto::qingtian::catalog::v1 as pb;
use sqlx::{AssertSqlSafe, FromRow, PgConnection};

use super::rules::{State, Year};

const CALENDAR: &str =
    "name, year, version, state, content, bases, creator, created_at, reviewer, reviewed_at, reason, revision";

/// A version as stored.
#[derive(Debug, Clone, FromRow)]
pub struct CalendarRow {
    pub name: String,
    pub year: i32,
    pub version: i64,
    state: String,
    pub content: String,
    bases: Vec<String>,
    pub creator: String,
    created_at: DateTime<Utc>,
    reviewer: String,
    reviewed_at: Option<DateTime<Utc>>,
    reason: String,
    pub revision: i64,
}

impl CalendarRow {
    pub fn state(&self) -> State {
        State::stored(&self.state)
    }

    /// Who wrote it last, and what that was.
    pub fn last_act(&self) -> (&str, &str) {
        match self.state() {
            State::InReview => (&self.creator, "录入 entered"),
            State::Official | State::Replaced => (&self.reviewer, "批准 approved"),
            State::Rejected => (&self.reviewer, "退回 sent back"),
        }
    }

    /// As the contract carries it in lists.
    pub fn to_proto(&self) -> pb::Calendar {
        let state = match self.state() {
            State::InReview => pb::CalendarState::InReview,
            State::Official => pb::CalendarState::Official,
            State::Replaced => pb::CalendarState::Replaced,
            State::Rejected => pb::CalendarState::Rejected,
        };
        pb::Calendar {
            name: self.name.clone(),
            year: self.year,
            // As many as people enter by hand.
            version: i32::try_from(self.version).unwrap_or(i32::MAX),
            state: state.into(),
            bases: self.bases.clone(),
            special_days: Vec::new(),
            creator: self.creator.clone(),
            create_time: Some(timestamp(self.created_at)),
            reviewer: self.reviewer.clone(),
            review_time: self.reviewed_at.map(timestamp),
            reason: self.reason.clone(),
            etag: self.revision.to_string(),
        }
    }

    /// With its days.
    ///
    /// # Errors
    /// What is stored cannot be read.
    pub fn whole(&self) -> Result<pb::Calendar> {
        let calendar = Calendar::parse(&self.content).map_err(Refusal::internal)?;
        let special_days = calendar.exceptions().map(|(day, exception)| special_day(day, exception)).collect();
        Ok(pb::Calendar { special_days, ..self.to_proto() })
    }
}

/// A day that does not follow the week.
pub fn special_day(day: NaiveDate, exception: &Exception) -> pb::SpecialDay {
    pb::SpecialDay {
        date: day.to_string(),
        workday: exception.workday,
        holiday: exception.holiday.clone(),
        basis: exception.basis.clone(),
    }
}

/// Adds the next version of a year, waiting for a second person.
///
/// # Errors
/// `CALENDAR_IN_REVIEW` when one waits already; `CALENDAR_UNCHANGED` when it says what is in force.
pub async fn insert(db: &mut PgConnection, year: &Year, creator: &str, now: DateTime<Utc>) -> Result<CalendarRow> {
    let versions: Vec<(i64, String, String)> =
        sqlx::query_as("select version, state, content from calendar where year = $1 order by version")
            .bind(year.year)
            .fetch_all(&mut *db)
            .await?;
    let waits = || Refusal::new(Reason::CalendarInReview).with("year", year.year);
    if versions.iter().any(|(_, state, _)| state == State::InReview.as_str()) {
        return Err(waits());
    }
    if versions.iter().any(|(_, state, content)| state == State::Official.as_str() && *content == year.content) {
        return Err(Refusal::new(Reason::CalendarUnchanged).with("year", year.year));
    }
    // The first of a year the platform was delivered with is that one, entered or not yet.
    let built_in = i64::from(Calendar::official().is_official(year.year));
    let version = versions.last().map_or(built_in, |(version, _, _)| *version) + 1;
    let sql = format!(
        "insert into calendar (name, year, version, state, content, bases, creator, created_at)
         values ($1, $2, $3, 'IN_REVIEW', $4, $5, $6, $7) returning {CALENDAR}"
    );
    sqlx::query_as(AssertSqlSafe(sql))
        .bind(format!("calendars/{}-{version}", year.year))
        .bind(year.year)
        .bind(version)
        .bind(&year.content)
        .bind(&year.bases)
        .bind(creator)
        .bind(now)
        .fetch_one(db)
        .await
        .map_err(|error| match violated(&error) {
            // Two entered it at the same time.
            Some("calendar_waits_once" | "calendar_version_once" | "calendar_pkey") => waits(),
            _ => error.into(),
        })
}

/// Enters a year the platform was delivered with, as its first version; answers whether it was not there.
///
/// # Errors
/// The database fails.
pub async fn insert_built_in(db: &mut PgConnection, year: &Year, now: DateTime<Utc>) -> Result<bool> {
    let sql = "insert into calendar (name, year, version, state, content, bases, creator, created_at, reviewed_at)
         select $1, $2, 1, case when exists (select 1 from calendar where year = $2 and state = 'OFFICIAL') then 'REPLACED'
            else 'OFFICIAL' end, $3, $4, 'services/catalog', $5, $5 on conflict do nothing";
    let done = sqlx::query(sql)
        .bind(format!("calendars/{}-1", year.year))
        .bind(year.year)
        .bind(&year.content)
        .bind(&year.bases)
        .bind(now)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// One version.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn get(db: &mut PgConnection, name: &str) -> Result<CalendarRow> {
    let sql = format!("select {CALENDAR} from calendar where name = $1");
    let row = sqlx::query_as(AssertSqlSafe(sql)).bind(name).fetch_optional(db).await?;
    row.ok_or_else(|| Refusal::not_found(name))
}

/// One version, with all others of its year locked too, so that one decision at a time is made on a year.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn lock(db: &mut PgConnection, name: &str) -> Result<CalendarRow> {
    let sql = format!(
        "select {CALENDAR} from calendar where year = (select year from calendar where name = $1) order by version for update"
    );
    let rows: Vec<CalendarRow> = sqlx::query_as(AssertSqlSafe(sql)).bind(name).fetch_all(db).await?;
    rows.into_iter().find(|row| row.name == name).ok_or_else(|| Refusal::not_found(name))
}

/// Takes the version in force of a year out of force; answers whether there was one.
///
/// # Errors
/// The database fails.
pub async fn replace(db: &mut PgConnection, year: i32) -> Result<bool> {
    let sql = "update calendar set state = 'REPLACED', revision = revision + 1 where year = $1 and state = 'OFFICIAL'";
    Ok(sqlx::query(sql).bind(year).execute(db).await?.rows_affected() == 1)
}

/// Saves a decision on a version.
///
/// # Errors
/// The database fails.
pub async fn decide(
    db: &mut PgConnection,
    name: &str,
    state: State,
    (reviewer, reason): (&str, &str),
    now: DateTime<Utc>,
) -> Result<CalendarRow> {
    let sql = format!(
        "update calendar set state = $2, reviewer = $3, reason = $4, reviewed_at = $5, revision = revision + 1 where name = $1
         returning {CALENDAR}"
    );
    let row = sqlx::query_as(AssertSqlSafe(sql)).bind(name).bind(state.as_str()).bind(reviewer).bind(reason).bind(now);
    Ok(row.fetch_one(db).await?)
}

/// By what calendars are listed.
pub const ORDERS: Orders<CalendarRow> = Orders {
    fields: &[
        Field { name: "year", keys: &[Key::number("year", |row| row.year.into()), VERSION, NAME] },
        Field { name: "create_time", keys: &[Key::moment("created_at", |row| row.created_at), NAME] },
    ],
    default: "year desc",
};
const VERSION: Key<CalendarRow> = Key::number("version", |row| row.version);
const NAME: Key<CalendarRow> = Key::text("name", |row| row.name.clone());

/// A page of versions, with one more where there are more, and how many match in all.
///
/// # Errors
/// The database fails.
pub async fn list(
    db: &mut PgConnection,
    (pattern, state): (Option<&str>, Option<State>),
    page: &Page<CalendarRow>,
) -> Result<(Vec<CalendarRow>, i64)> {
    const MATCH: &str = "($1::text is null or year::text like $1 or array_to_string(bases, ' ') like $1)
        and ($2::text is null or state = $2)";
    let state = state.map(State::as_str);
    let sql = format!("select {CALENDAR} from calendar where {MATCH}{}", page.sql(3));
    let rows = sqlx::query_as(AssertSqlSafe(sql)).bind(pattern).bind(state);
    let rows = page.bind(rows).fetch_all(&mut *db).await?;
    let sql = format!("select count(*) from calendar where {MATCH}");
    let total = sqlx::query_scalar(AssertSqlSafe(sql)).bind(pattern).bind(state).fetch_one(db).await?;
    Ok((rows, total))
}
