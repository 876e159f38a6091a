//! Questions to the table of visits (art. 15-17), one function each.

use chrono::{DateTime, Utc};
use kit::{
    auth::{Caller, Reach},
    error::Result,
    order::{Field, Key, Orders, Page},
    pages,
};
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};

use super::takes_its_quarter;
use crate::{
    caps::reserve::{self, Places},
    plans::rules::quarter,
};

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

impl Filter<'_> {
    /// Everything by which the visits it asks for are chosen.
    pub fn words(&self) -> Vec<String> {
        let Self { sight: Sight { organisation, certificate }, draw, officer, query } = self;
        // Nothing and the empty text are two things.
        let told = |text: Option<&str>| text.map(|text| format!("={text}")).unwrap_or_default();
        vec![
            told(organisation.as_deref()),
            certificate.clone(),
            (*draw).to_owned(),
            told(*officer),
            (*query).to_owned(),
        ]
    }
}

const VISITS: &str =
    "select name, draw, place, plan, organisation, subject, title, district, officers, experts, empty_places,
        due_date, created_at from visit where ";

/// Goes on with which visits a caller sees.
fn seen(query: &mut QueryBuilder<Postgres>, sight: &Sight) {
    let Some(organisation) = &sight.organisation else {
        query.push("true");
        return;
    };
    query.push("(organisation = ").push_bind(organisation);
    if !sight.certificate.is_empty() {
        query.push(" or officers @> array[").push_bind(&sight.certificate).push("]");
    }
    query.push(")");
}

/// Goes on with what a filter asks for, alike for a page and for how many there are.
fn matching(query: &mut QueryBuilder<Postgres>, filter: &Filter<'_>) {
    seen(query, filter.sight);
    if !filter.draw.is_empty() {
        query.push(" and draw = ").push_bind(filter.draw);
    }
    if let Some(officer) = filter.officer {
        query.push(" and officers @> array[").push_bind(officer).push("]");
    }
    if !filter.query.is_empty() {
        query.push(" and (starts_with(subject, ").push_bind(filter.query);
        query.push(") or title ilike ").push_bind(pages::like(filter.query)).push(")");
    }
}

/// By what visits are listed: the newest draw first, in the order of drawing, where nothing is asked.
pub const ORDERS: Orders<VisitRow> = Orders {
    fields: &[
        Field { name: "draw", keys: &[Key::text("draw", |row| row.draw.clone()), PLACE.opposite()] },
        Field { name: "title", keys: &[Key::text("title collate \"C\"", |row| row.title.clone()), NAME] },
        Field { name: "due_date", keys: &[Key::text("due_date collate \"C\"", |row| row.due_date.clone()), NAME] },
    ],
    default: "draw desc",
};

const PLACE: Key<VisitRow> = Key::number("place", |row| row.place);
const NAME: Key<VisitRow> = Key::text("name collate \"C\"", |row| row.name.clone());

/// The visits of a page.
///
/// # Errors
/// The database fails.
pub async fn list(conn: &mut PgConnection, filter: &Filter<'_>, page: &Page<VisitRow>) -> Result<Vec<VisitRow>> {
    let mut query = QueryBuilder::new(VISITS);
    matching(&mut query, filter);
    page.push(&mut query);
    Ok(query.build_query_as().fetch_all(conn).await?)
}

/// How many visits match, counted up to 100,001.
///
/// # Errors
/// The database fails.
pub async fn count(conn: &mut PgConnection, filter: &Filter<'_>) -> Result<i64> {
    let mut query = QueryBuilder::new("select count(*) from (select from visit where ");
    matching(&mut query, filter);
    query.push(" limit ").push_bind(COUNT_MAX).push(") found");
    Ok(query.build_query_scalar().fetch_one(conn).await?)
}

/// One visit within a caller's sight.
///
/// # Errors
/// The database fails.
pub async fn find(conn: &mut PgConnection, name: &str, sight: &Sight) -> Result<Option<VisitRow>> {
    let mut query = QueryBuilder::new(VISITS);
    seen(&mut query, sight);
    query.push(" and name = ").push_bind(name);
    Ok(query.build_query_as().fetch_optional(conn).await?)
}

/// Why a visit nobody may know of before its day (art. 18) stands beside the quarter's one (art. 17).
const UNANNOUNCED: &str = "公布日期之前不公开的检查，不占用本季度 unannounced until its day of publication";

/// What became of some places of a result.
#[derive(Debug, Default)]
pub struct Made {
    /// Visits made.
    pub made: u64,
    /// Places deferred because of another visit in the quarter, with that visit.
    pub deferred: Vec<(i64, String)>,
    /// Places deferred because the year's visits are used up.
    pub spent: Vec<i64>,
}

/// Makes the visits of the places after `after` up to `upto` of a draw's result, one for each subject with a team. A subject
/// that has its visit from this draw gets no second one. One that has another planned visit in the calendar quarter of `now`
/// (art. 17) gets a second with the plan's published reason alone, and one whose visits of the year are used up gets none; both
/// are otherwise deferred, in a table of their own. Unannounced visits take no part in this.
///
/// # Errors
/// The database fails.
pub async fn make(conn: &mut PgConnection, draw: &str, places: Places, now: DateTime<Utc>) -> Result<Made> {
    // In the order of subjects: two draws over the same ones wait for each other in turn, never both at once.
    const INSERT: &str = "insert into visit (name, draw, place, plan, organisation, subject, title, district, officers, experts, state,
            due_date, created_at, quarter, second_visit_reason, unannounced)
         select 'visits/' || substr(d.name, length('draws/') + 1) || '-' || r.place, d.name, r.place, d.plan, d.organisation,
                r.subject, r.title, r.district, r.officers, r.experts, 'PENDING', s.due_date, $4, $6, $5, $7
         from draw_result r join draw d on d.name = r.draw join draw_statement s on s.draw = r.draw
         where r.draw = $1 and r.place > $2 and r.place <= $3 and cardinality(r.officers) > 0 and r.place <> all($8)
            and not exists (select from visit v where v.draw = r.draw and v.subject = r.subject)
         order by r.subject collate \"C\" on conflict do nothing";
    let ((after, upto), quarter) = (places, quarter(now));
    let (unannounced, reason): (bool, String) = sqlx::query_as(
        "select coalesce(convert_from(s.rules, 'UTF8')::json -> 'publish_after' ->> 'date', '') <> '',
            coalesce((select foresees ->> 'second_visit_reason' from plan p where p.name = d.plan), '')
         from draw d join draw_statement s on s.draw = d.name where d.name = $1",
    )
    .bind(draw)
    .fetch_one(&mut *conn)
    .await?;
    let locked = reserve::lock(&mut *conn, draw, places, now).await?;
    let spent = if unannounced { Vec::new() } else { locked };
    let insert = async |conn: &mut PgConnection, reason: &str| -> Result<u64> {
        let query = sqlx::query(INSERT).bind(draw).bind(after).bind(upto).bind(now).bind(reason).bind(&quarter);
        Ok(query.bind(unannounced).bind(&spent).execute(conn).await?.rows_affected())
    };
    if unannounced {
        return Ok(Made { made: insert(&mut *conn, UNANNOUNCED).await?, ..Made::default() });
    }
    let mut made = insert(&mut *conn, "").await?;
    let mut deferred = Vec::new();
    if reason.is_empty() {
        deferred = defer_visited(&mut *conn, draw, places, &quarter).await?;
    } else {
        made += insert(&mut *conn, &reason).await?;
    }
    let spent = defer_spent(conn, draw, &spent).await?;
    Ok(Made { made, deferred, spent })
}

async fn defer_visited(
    conn: &mut PgConnection,
    draw: &str,
    (after, upto): Places,
    quarter: &str,
) -> Result<Vec<(i64, String)>> {
    let deferred = sqlx::query_as(concat!(
        "insert into draw_deferred (draw, place, subject, reason, other_visit)
         select r.draw, r.place, r.subject, 'VISITED_THIS_QUARTER', v.name
         from draw_result r join visit v on v.quarter = $4 and v.subject = r.subject and ",
        takes_its_quarter!(),
        "where r.draw = $1 and r.place > $2 and r.place <= $3 and cardinality(r.officers) > 0 and v.draw <> r.draw
             and not exists (select from visit own where own.draw = r.draw and own.subject = r.subject)
         order by r.place on conflict do nothing returning place, other_visit",
    ))
    .bind(draw)
    .bind(after)
    .bind(upto)
    .bind(quarter)
    .fetch_all(conn)
    .await?;
    Ok(deferred)
}

async fn defer_spent(conn: &mut PgConnection, draw: &str, places: &[i64]) -> Result<Vec<i64>> {
    let deferred = sqlx::query_scalar(
        "insert into draw_deferred (draw, place, subject, reason)
         select r.draw, r.place, r.subject, 'BUDGET_SPENT' from draw_result r
         where r.draw = $1 and r.place = any($2)
             and not exists (select from visit own where own.draw = r.draw and own.subject = r.subject)
         order by r.place on conflict do nothing returning place",
    );
    Ok(deferred.bind(draw).bind(places).fetch_all(conn).await?)
}

/// Drawn subjects of a draw that were deferred.
///
/// # Errors
/// The database fails.
pub async fn deferred(conn: &mut PgConnection, draw: &str) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from draw_deferred where draw = $1").bind(draw).fetch_one(conn).await?)
}

/// Visits made from a draw.
///
/// # Errors
/// The database fails.
pub async fn made(conn: &mut PgConnection, draw: &str) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from visit where draw = $1").bind(draw).fetch_one(conn).await?)
}
