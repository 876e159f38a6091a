//! Questions to the tables of leaves (art. 13), one function each.

use chrono::{DateTime, NaiveDate, Utc};
use kit::{
    error::{Reason, Refusal, Result},
    order::{Field, Key, Orders, Page},
    pages,
};
use sqlx::{AssertSqlSafe, FromRow, PgConnection};

use super::rules::Period;
use crate::people::Sight;

/// A leave as stored, with its early end.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct LeaveRow {
    pub id: String,
    pub holder: String,
    pub organisation: String,
    /// Certificate number when it was entered.
    pub officer: String,
    pub first_day: NaiveDate,
    pub last_day: NaiveDate,
    pub kind: String,
    /// Sealed.
    pub reason: Vec<u8>,
    pub creator: String,
    pub created_at: DateTime<Utc>,
    /// Last day after all, and who ended it.
    pub ended_day: Option<NaiveDate>,
    pub ender: Option<String>,
}

impl LeaveRow {
    /// Its days as they are now.
    pub fn period(&self) -> Period {
        Period { first: self.first_day, last: self.ended_day.unwrap_or(self.last_day) }
    }

    /// How often it was written: entered, and ended.
    pub fn revision(&self) -> i64 {
        1 + i64::from(self.ended_day.is_some())
    }

    /// Who wrote it last, and what that was.
    pub fn last_act(&self) -> (&str, &str) {
        match &self.ender {
            Some(ender) => (ender, "提前结束 ended early"),
            None => (&self.creator, "登记 entered"),
        }
    }

    /// `organisations/{organisation}/leaves/{leave}`.
    pub fn name(&self) -> String {
        format!("{}/leaves/{}", self.organisation, self.id)
    }
}

const LEAVES: &str =
    "select l.id, l.holder, l.organisation, l.officer, l.first_day, l.last_day, l.kind, l.reason, l.creator,
        l.created_at, e.last_day as ended_day, e.actor as ender
    from leave l left join leave_end e on e.leave = l.id";

/// Writes a leave. The officer's row is locked.
///
/// # Errors
/// `LEAVE_OVERLAPS`.
pub async fn insert(conn: &mut PgConnection, leave: &LeaveRow) -> Result<()> {
    let overlapping: Option<(NaiveDate, NaiveDate)> = sqlx::query_as(
        "select first_day, last_day from (
            select l.first_day, coalesce(e.last_day, l.last_day) as last_day from leave l
            left join leave_end e on e.leave = l.id where l.holder = $1) as known
         where first_day <= last_day and first_day <= $3 and last_day >= $2 order by first_day limit 1",
    )
    .bind(&leave.holder)
    .bind(leave.first_day)
    .bind(leave.last_day)
    .fetch_optional(&mut *conn)
    .await?;
    if let Some((from, to)) = overlapping {
        return Err(Refusal::new(Reason::LeaveOverlaps).with("from", from).with("to", to));
    }
    sqlx::query(
        "insert into leave (id, holder, organisation, officer, first_day, last_day, kind, reason, creator, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&leave.id)
    .bind(&leave.holder)
    .bind(&leave.organisation)
    .bind(&leave.officer)
    .bind(leave.first_day)
    .bind(leave.last_day)
    .bind(&leave.kind)
    .bind(&leave.reason)
    .bind(&leave.creator)
    .bind(leave.created_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds the early end of a leave.
///
/// # Errors
/// The database fails; also when another act ended it in the same moment.
pub async fn end(conn: &mut PgConnection, id: &str, last: NaiveDate, by: &str, at: DateTime<Utc>) -> Result<()> {
    sqlx::query("insert into leave_end (leave, last_day, actor, at) values ($1, $2, $3, $4)")
        .bind(id)
        .bind(last)
        .bind(by)
        .bind(at)
        .execute(conn)
        .await?;
    Ok(())
}

/// One leave within sight.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn get(conn: &mut PgConnection, organisation: &str, id: &str, sight: &Sight) -> Result<LeaveRow> {
    // The text is a constant of this module.
    let sql = format!("{LEAVES} where l.organisation = $1 and l.id = $2 and ({seen})", seen = seen(3));
    sqlx::query_as(AssertSqlSafe(sql))
        .bind(organisation)
        .bind(id)
        .bind(sight.certificate())
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| Refusal::not_found(format!("{organisation}/leaves/{id}")))
}

/// Which leaves a list is asked for.
#[derive(Debug)]
pub struct Filter<'a> {
    pub organisation: &'a str,
    pub sight: &'a Sight,
    pub query: &'a str,
    /// Only those whose last day is this one or later.
    pub open_on: Option<NaiveDate>,
}

/// By what leaves are listed.
pub const ORDERS: Orders<LeaveRow> = Orders {
    fields: &[
        Field { name: "first_day", keys: &[Key::day("l.first_day", |row| row.first_day), ID] },
        Field { name: "last_day", keys: &[Key::day(LAST_DAY, |row| row.ended_day.unwrap_or(row.last_day)), ID] },
        Field { name: "officer", keys: &[Key::text("l.officer", |row| row.officer.clone()), ID] },
    ],
    default: "first_day desc",
};

const ID: Key<LeaveRow> = Key::text("l.id", |row| row.id.clone());
const LAST_DAY: &str = "coalesce(e.last_day, l.last_day)";

/// The leaves of a page.
///
/// # Errors
/// The database fails.
pub async fn list(conn: &mut PgConnection, filter: &Filter<'_>, page: &Page<LeaveRow>) -> Result<Vec<LeaveRow>> {
    let sql = format!(
        "{LEAVES} where l.organisation = $1 and ({seen}) and l.officer ilike $3
            and ($4::date is null or {LAST_DAY} >= $4){page}",
        seen = seen(2),
        page = page.sql(5)
    );
    let found = sqlx::query_as(AssertSqlSafe(sql))
        .bind(filter.organisation)
        .bind(filter.sight.certificate())
        .bind(pages::like(filter.query))
        .bind(filter.open_on);
    Ok(page.bind(found).fetch_all(conn).await?)
}

/// Everybody's when the parameter is null, else those of the officer with that certificate.
fn seen(parameter: usize) -> String {
    format!("${parameter}::text is null or l.holder = (select user_name from officer where key = ${parameter})")
}
