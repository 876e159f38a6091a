//! Questions to the table of visits (art. 15-17), one function each.

use chrono::{DateTime, Utc};
use kit::{
    auth::{Caller, Reach},
    error::Result,
    pages,
};
use sqlx::{FromRow, PgConnection};

/// How far lists count what matches.
const COUNT_MAX: i64 = 100_001;

/// A visit.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct VisitRow {
    pub name: String,
    pub draw: String,
    pub place: i64,
    pub plan: String,
    pub organisation: String,
    pub subject: String,
    pub title: String,
    pub district: String,
    pub officers: Vec<String>,
    pub experts: Vec<String>,
    pub empty_places: i32,
    pub due_date: String,
    pub created_at: DateTime<Utc>,
}

/// Which visits a caller sees: those of an organisation and those the caller goes to, or all.
#[derive(Debug, Clone)]
pub struct Sight {
    organisation: Option<String>,
    certificate: String,
}

impl Sight {
    /// What this caller sees.
    pub fn of(caller: &Caller) -> Self {
        let organisation = match caller.reach() {
            Reach::City => None,
            Reach::Organisation(name) => Some(name),
        };
        Self { organisation, certificate: caller.certificate.clone() }
    }
}

/// Which visits a list is asked for.
pub struct Filter<'a> {
    pub sight: &'a Sight,
    /// Only this draw; empty for all.
    pub draw: &'a str,
    /// Only this officer's; none for all.
    pub officer: Option<&'a str>,
    pub query: &'a str,
}

/// `$1` to `$6`: sight, certificate, draw, officer, query, pattern.
const MATCHING: &str = "($1::text is null or organisation = $1 or ($2 <> '' and officers @> array[$2]))
    and ($3 = '' or draw = $3) and ($4::text is null or officers @> array[$4])
    and ($5 = '' or starts_with(subject, $5) or title ilike $6)";

/// The next visits, newest draw first, in the order of drawing, at most `rows`.
///
/// # Errors
/// The database fails.
pub async fn list(
    conn: &mut PgConnection,
    filter: &Filter<'_>,
    after: Option<(&str, i64)>,
    rows: i64,
) -> Result<Vec<VisitRow>> {
    let sql = format!(
        "select name, draw, place, plan, organisation, subject, title, district, officers, experts, empty_places, due_date, created_at from visit
         where {MATCHING} and ($7::text is null or draw < $7 or (draw = $7 and place > $8))
         order by draw desc, place limit $9"
    );
    let (draw, place) = after.unzip();
    let found = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(&filter.sight.organisation)
        .bind(&filter.sight.certificate)
        .bind(filter.draw)
        .bind(filter.officer)
        .bind(filter.query)
        .bind(pages::like(filter.query))
        .bind(draw)
        .bind(place)
        .bind(rows)
        .fetch_all(conn)
        .await?;
    Ok(found)
}

/// How many visits match, counted up to 100,001.
///
/// # Errors
/// The database fails.
pub async fn count(conn: &mut PgConnection, filter: &Filter<'_>) -> Result<i64> {
    let sql = format!("select count(*) from (select from visit where {MATCHING} limit $7) found");
    let count = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(&filter.sight.organisation)
        .bind(&filter.sight.certificate)
        .bind(filter.draw)
        .bind(filter.officer)
        .bind(filter.query)
        .bind(pages::like(filter.query))
        .bind(COUNT_MAX)
        .fetch_one(conn)
        .await?;
    Ok(count)
}

/// One visit within a caller's sight.
///
/// # Errors
/// The database fails.
pub async fn find(conn: &mut PgConnection, name: &str, sight: &Sight) -> Result<Option<VisitRow>> {
    let found = sqlx::query_as(
        "select name, draw, place, plan, organisation, subject, title, district, officers, experts, empty_places, due_date, created_at from visit
         where name = $1 and ($2::text is null or organisation = $2 or ($3 <> '' and officers @> array[$3]))",
    )
    .bind(name)
    .bind(&sight.organisation)
    .bind(&sight.certificate)
    .fetch_optional(conn)
    .await?;
    Ok(found)
}

/// Makes the visits of the places after `after` up to `upto` of a draw's result, one for each subject with a team. A subject
/// that has its visit from this draw gets no second one. How many were made.
///
/// # Errors
/// The database fails.
pub async fn make(conn: &mut PgConnection, draw: &str, (after, upto): (i64, i64), now: DateTime<Utc>) -> Result<u64> {
    let made = sqlx::query(
        "insert into visit (name, draw, place, plan, organisation, subject, title, district, officers, experts, state, due_date, created_at)
         select 'visits/' || substr(d.name, length('draws/') + 1) || '-' || r.place, d.name, r.place, d.plan, d.organisation,
                r.subject, r.title, r.district, r.officers, r.experts, 'PENDING', s.due_date, $4
         from draw_result r join draw d on d.name = r.draw join draw_statement s on s.draw = r.draw
         where r.draw = $1 and r.place > $2 and r.place <= $3 and cardinality(r.officers) > 0
         on conflict on constraint visit_once_per_draw do nothing",
    )
    .bind(draw)
    .bind(after)
    .bind(upto)
    .bind(now)
    .execute(conn)
    .await?
    .rows_affected();
    Ok(made)
}

/// Visits made from a draw.
///
/// # Errors
/// The database fails.
pub async fn made(conn: &mut PgConnection, draw: &str) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from visit where draw = $1").bind(draw).fetch_one(conn).await?)
}
