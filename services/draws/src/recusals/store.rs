//! Questions to the tables of recusals and of the draws' logs (art. 16), one function each.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use kit::{
    auth::Caller,
    error::{Reason, Refusal, Result, violated},
    order::{Field, Key, Orders, Page},
    pages,
};
use lottery::{Digest, recusal::Placed};
use sqlx::{AssertSqlSafe, FromRow, PgConnection, Postgres, QueryBuilder};

use super::rules::{NewTeam, Office, Sight};
use crate::draws::store::{DRAW_COLUMNS, DrawRow};

/// How far lists count what matches.
const COUNT_MAX: i64 = 100_001;

/// A recusal with the line it became, if it was upheld.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct RecusalRow {
    pub name: String,
    pub draw: String,
    pub number: i64,
    pub visit: String,
    pub organisation: String,
    pub subject: String,
    pub title: String,
    pub person: String,
    pub ground: String,
    pub note: String,
    pub creator: String,
    pub asked_as: String,
    pub created_at: DateTime<Utc>,
    pub state: String,
    pub revision: i64,
    pub decider: String,
    pub decided_at: Option<DateTime<Utc>>,
    pub reject_reason: String,
    #[sqlx(flatten)]
    pub line: LineRow,
}

/// What became of it in the log; all empty before.
#[derive(Debug, Clone, Default, PartialEq, Eq, FromRow)]
pub struct LineRow {
    pub n: i64,
    pub act: String,
    pub person_in: String,
    pub other_subject: String,
}

const RECUSALS: &str =
    "select r.name, r.draw, r.number, r.visit, r.organisation, r.subject, r.title, r.person, r.ground, r.note,
        r.creator, r.asked_as, r.created_at, r.state, r.revision, r.decider, r.decided_at, r.reject_reason,
        coalesce(l.n, 0) as n, coalesce(l.act, '') as act, coalesce(l.person_in, '') as person_in,
        coalesce(l.other_subject, '') as other_subject
    from recusal r left join recusal_line l on l.recusal = r.name";

/// Goes on with which recusals a caller reads.
fn seen(query: &mut QueryBuilder<Postgres>, sight: &Sight) {
    query.push(" where (r.creator = ").push_bind(&sight.actor);
    if !sight.certificate.is_empty() {
        query.push(" or r.person = ").push_bind(&sight.certificate);
    }
    match &sight.office {
        Office::City => query.push(" or true"),
        Office::Organisation(name) => query.push(" or r.organisation = ").push_bind(name),
        Office::None => query,
    }
    .push(")");
}

/// Which recusals a list is asked for.
pub struct Filter<'a> {
    pub sight: &'a Sight,
    /// Only of this draw; empty for all.
    pub draw: &'a str,
    pub state: Option<&'static str>,
    pub query: &'a str,
}

/// Goes on with what a filter asks for, alike for a page and for how many there are.
fn matching(query: &mut QueryBuilder<Postgres>, filter: &Filter<'_>) {
    seen(query, filter.sight);
    if !filter.draw.is_empty() {
        query.push(" and r.draw = ").push_bind(filter.draw);
    }
    if let Some(state) = filter.state {
        query.push(" and r.state = ").push_bind(state);
    }
    if !filter.query.is_empty() {
        query.push(" and (starts_with(r.subject, ").push_bind(filter.query);
        query.push(") or starts_with(r.person, ").push_bind(filter.query);
        query.push(") or r.title ilike ").push_bind(pages::like(filter.query)).push(")");
    }
}

/// By what recusals are listed.
pub const ORDERS: Orders<RecusalRow> = Orders {
    fields: &[
        Field { name: "create_time", keys: &[Key::moment("r.created_at", |row| row.created_at), NAME] },
        Field { name: "title", keys: &[Key::text("r.title collate \"C\"", |row| row.title.clone()), NAME] },
        Field { name: "person", keys: &[Key::text("r.person collate \"C\"", |row| row.person.clone()), NAME] },
    ],
    default: "create_time desc",
};

const NAME: Key<RecusalRow> = Key::text("r.name", |row| row.name.clone());

/// The recusals of a page.
///
/// # Errors
/// The database fails.
pub async fn list(conn: &mut PgConnection, filter: &Filter<'_>, page: &Page<RecusalRow>) -> Result<Vec<RecusalRow>> {
    let mut query = QueryBuilder::new(RECUSALS);
    matching(&mut query, filter);
    page.push(&mut query);
    Ok(query.build_query_as().fetch_all(conn).await?)
}

/// How many recusals match, counted up to 100,001.
///
/// # Errors
/// The database fails.
pub async fn count(conn: &mut PgConnection, filter: &Filter<'_>) -> Result<i64> {
    let mut query = QueryBuilder::new("select count(*) from (select from recusal r");
    matching(&mut query, filter);
    query.push(" limit ").push_bind(COUNT_MAX).push(") found");
    Ok(query.build_query_scalar().fetch_one(conn).await?)
}

/// One recusal within a caller's sight.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn find(conn: &mut PgConnection, name: &str, sight: &Sight) -> Result<RecusalRow> {
    let mut query = QueryBuilder::new(RECUSALS);
    seen(&mut query, sight);
    query.push(" and r.name = ").push_bind(name);
    let found = query.build_query_as().fetch_optional(conn).await?;
    found.ok_or_else(|| Refusal::not_found(name))
}

/// Locks the draw a recusal is asked in: of the caller's own organisation, or one that sends the caller. Recusals of a draw are
/// asked and decided one after the other.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn lock_draw(conn: &mut PgConnection, draw: &str, caller: &Caller) -> Result<DrawRow> {
    let sql = format!(
        "select {DRAW_COLUMNS} from draw where name = $1 and (organisation = $2 or ($3 <> '' and exists
            (select from visit v where v.draw = draw.name and (v.officers @> array[$3] or v.experts @> array[$3])))) for update"
    );
    sqlx::query_as(AssertSqlSafe(sql))
        .bind(draw)
        .bind(&caller.organisation)
        .bind(&caller.certificate)
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| Refusal::not_found(draw))
}

/// Locks the draw of a recusal that the caller's organisation decides, then reads the recusal as it stands now.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn lock(conn: &mut PgConnection, name: &str, organisation: &str) -> Result<RecusalRow> {
    let sql = "select name from draw where organisation = $2 and name = (select draw from recusal where name = $1) for update";
    let draw = sqlx::query(sql).bind(name).bind(organisation).fetch_optional(&mut *conn).await?;
    draw.ok_or_else(|| Refusal::not_found(name))?;
    let sql = format!("{RECUSALS} where r.name = $1");
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(name).fetch_one(conn).await?)
}

/// A visit's team as it is now.
#[derive(Debug, Clone, FromRow)]
pub struct TeamRow {
    pub visit: String,
    pub title: String,
    pub officers: Vec<String>,
    pub experts: Vec<String>,
    /// Whether the visit has begun: no team changes from then on.
    pub visited: bool,
}

/// The team that goes to a drawn subject; none if there is no visit to it.
///
/// # Errors
/// The database fails.
pub async fn team(conn: &mut PgConnection, draw: &str, subject: &str) -> Result<Option<TeamRow>> {
    let sql = "select name as visit, title, officers, experts, state <> 'PENDING' as visited from visit
               where draw = $1 and subject = $2";
    Ok(sqlx::query_as(sql).bind(draw).bind(subject).fetch_optional(conn).await?)
}

/// Subjects of a draw to whom no team goes any more: their visit has begun, or they were deferred and have none from this draw.
///
/// # Errors
/// The database fails.
pub async fn visited(conn: &mut PgConnection, draw: &str) -> Result<HashSet<String>> {
    let sql = "select subject from visit where draw = $1 and state <> 'PENDING'
               union all select subject from draw_deferred where draw = $1";
    Ok(sqlx::query_scalar::<_, String>(sql).bind(draw).fetch_all(conn).await?.into_iter().collect())
}

/// Account of an officer, where identity has told it.
///
/// # Errors
/// The database fails.
pub async fn account(conn: &mut PgConnection, certificate: &str) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("select user_name from officer where key = $1")
        .bind(certificate)
        .fetch_optional(conn)
        .await?)
}

/// The number of the next recusal of a locked draw.
///
/// # Errors
/// The database fails.
pub async fn next_number(conn: &mut PgConnection, draw: &str) -> Result<i64> {
    let sql = "select coalesce(max(number), 0) + 1 from recusal where draw = $1";
    Ok(sqlx::query_scalar(sql).bind(draw).fetch_one(conn).await?)
}

/// The open recusal about a person and a subject.
///
/// # Errors
/// The database fails.
pub async fn open(conn: &mut PgConnection, draw: &str, subject: &str, person: &str) -> Result<Option<String>> {
    let sql = "select name from recusal where draw = $1 and subject = $2 and person = $3 and state = 'REQUESTED'";
    Ok(sqlx::query_scalar(sql).bind(draw).bind(subject).bind(person).fetch_optional(conn).await?)
}

/// Writes a recusal that was asked for.
///
/// # Errors
/// `RECUSAL_OPEN`.
pub async fn insert(conn: &mut PgConnection, row: &RecusalRow) -> Result<()> {
    sqlx::query(
        "insert into recusal (name, draw, number, visit, organisation, subject, title, person, ground, note, creator, asked_as,
            created_at, state, revision) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(&row.name)
    .bind(&row.draw)
    .bind(row.number)
    .bind(&row.visit)
    .bind(&row.organisation)
    .bind(&row.subject)
    .bind(&row.title)
    .bind(&row.person)
    .bind(&row.ground)
    .bind(&row.note)
    .bind(&row.creator)
    .bind(&row.asked_as)
    .bind(row.created_at)
    .bind(&row.state)
    .bind(row.revision)
    .execute(conn)
    .await
    .map_err(|error| match violated(&error) {
        Some("recusal_open_once") => Refusal::new(Reason::RecusalOpen).with("recusal", &row.name),
        _ => error.into(),
    })?;
    Ok(())
}

/// Writes a decision.
///
/// # Errors
/// `OWN_ACT`; the database fails.
pub async fn save(conn: &mut PgConnection, row: &RecusalRow) -> Result<()> {
    let sql = "update recusal set state = $2, revision = $3, decider = $4, decided_at = $5, reject_reason = $6 where name = $1";
    sqlx::query(sql)
        .bind(&row.name)
        .bind(&row.state)
        .bind(row.revision)
        .bind(&row.decider)
        .bind(row.decided_at)
        .bind(&row.reject_reason)
        .execute(conn)
        .await
        .map_err(|error| match violated(&error) {
            Some("recusal_decided_by_another") => Refusal::new(Reason::OwnAct),
            _ => error.into(),
        })?;
    Ok(())
}

/// What a reveal left, as far as recusals need it.
#[derive(Debug, FromRow)]
pub struct RevealRow {
    pub seed: String,
    pub result_blob: String,
    pub revealed_at: DateTime<Utc>,
}

/// The reveal of a draw.
///
/// # Errors
/// The database fails, or it is not revealed.
pub async fn reveal(conn: &mut PgConnection, draw: &str) -> Result<RevealRow> {
    let sql =
        "select seed, result_blob, revealed_at from draw_reveal join draw_reveal_time using (draw) where draw = $1";
    Ok(sqlx::query_as(sql).bind(draw).fetch_one(conn).await?)
}

/// Who was drawn with which team, in the order of the result.
///
/// # Errors
/// The database fails.
pub async fn placed(conn: &mut PgConnection, draw: &str) -> Result<Vec<Placed>> {
    type Row = (String, String, String, Vec<String>, Vec<String>);
    let sql = "select subject, district, ticket, officers, experts from draw_result where draw = $1 order by place";
    let rows: Vec<Row> = sqlx::query_as(sql).bind(draw).fetch_all(conn).await?;
    let places = |people: Vec<String>| people.into_iter().map(Some).collect();
    let placed = rows.into_iter().map(|(key, district, ticket, officers, experts)| {
        let ticket = Digest::parse(&ticket).map_err(Refusal::internal)?;
        Ok(Placed { key, district: Some(district), ticket, officers: places(officers), experts: places(experts) })
    });
    placed.collect()
}

/// The log of a draw, each line ended by LF.
///
/// # Errors
/// The database fails.
pub async fn log(conn: &mut PgConnection, draw: &str) -> Result<String> {
    let sql = "select coalesce(string_agg(line || chr(10), '' order by n), '') from recusal_line where draw = $1";
    Ok(sqlx::query_scalar(sql).bind(draw).fetch_one(conn).await?)
}

/// A line about to be written.
pub struct NewLine<'a> {
    pub draw: &'a str,
    pub recusal: &'a str,
    pub row: LineRow,
    /// Without its LF.
    pub line: &'a str,
    pub head: &'a str,
}

/// Adds a line to a draw's log.
///
/// # Errors
/// The database fails.
pub async fn insert_line(conn: &mut PgConnection, line: &NewLine<'_>) -> Result<()> {
    let sql = "insert into recusal_line (draw, n, recusal, act, person_in, other_subject, line, head)
               values ($1, $2, $3, $4, $5, $6, $7, $8)";
    sqlx::query(sql)
        .bind(line.draw)
        .bind(line.row.n)
        .bind(line.recusal)
        .bind(&line.row.act)
        .bind(&line.row.person_in)
        .bind(&line.row.other_subject)
        .bind(line.line)
        .bind(line.head)
        .execute(conn)
        .await?;
    Ok(())
}

/// Gives the visit to a subject the new team that line `n` of the draw's log leads to.
///
/// # Errors
/// `INTERNAL` when there is no visit to it.
pub async fn save_team(conn: &mut PgConnection, draw: &str, n: i64, team: &NewTeam) -> Result<()> {
    let empty_places = i32::try_from(team.empty_places).map_err(Refusal::internal)?;
    let sql =
        "insert into visit_team (draw, subject, n, officers, experts, empty_places) values ($1, $2, $3, $4, $5, $6)";
    sqlx::query(sql)
        .bind(draw)
        .bind(&team.subject)
        .bind(n)
        .bind(&team.officers)
        .bind(&team.experts)
        .bind(empty_places)
        .execute(&mut *conn)
        .await?;
    let sql = "update visit set officers = $3, experts = $4, empty_places = $5 where draw = $1 and subject = $2";
    let changed = sqlx::query(sql)
        .bind(draw)
        .bind(&team.subject)
        .bind(&team.officers)
        .bind(&team.experts)
        .bind(empty_places)
        .execute(conn)
        .await?
        .rows_affected();
    if changed != 1 {
        return Err(Refusal::internal(anyhow::anyhow!("no visit to {} from {draw}", team.subject)));
    }
    Ok(())
}
