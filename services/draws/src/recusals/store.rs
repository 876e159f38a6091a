//! Questions to the tables of recusals and of the draws' logs (art. 16), one function each.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use kit::{
    auth::{Caller, Reach},
    error::{Reason, Refusal, Result, violated},
    pages,
};
use lottery::{Digest, recusal::Placed};
use proto::qingtian::access::v1::Role;
use sqlx::{AssertSqlSafe, FromRow, PgConnection};

use super::rules::NewTeam;
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

/// Which recusals a caller reads: those of an organisation or of all, and always what concerns him or he asked.
#[derive(Debug, Clone)]
pub struct Sight {
    /// None: only the caller's own. Some of none: everybody's.
    office: Option<Option<String>>,
    certificate: String,
    actor: String,
}

impl Sight {
    /// What this caller reads.
    pub fn of(caller: &Caller) -> Self {
        let office = match caller.reach() {
            Reach::City => Some(None),
            Reach::Organisation(name) if caller.has(Role::Handler) || caller.has(Role::Reviewer) => Some(Some(name)),
            Reach::Organisation(_) => None,
        };
        Self { office, certificate: caller.certificate.clone(), actor: caller.actor.clone() }
    }

    /// `$1` to `$4` of [`SEEN`].
    fn parts(&self) -> (bool, Option<&str>, &str, &str) {
        let city = matches!(self.office, Some(None));
        (city, self.office.as_ref().and_then(Option::as_deref), &self.certificate, &self.actor)
    }
}

/// `$1`: everybody's; `$2`: those of an organisation; `$3` and `$4`: the caller's certificate and account.
const SEEN: &str = "($1 or r.organisation = $2 or ($3 <> '' and r.person = $3) or r.creator = $4)";

/// Which recusals a list is asked for.
pub struct Filter<'a> {
    pub sight: &'a Sight,
    /// Only of this draw; empty for all.
    pub draw: &'a str,
    pub state: Option<&'static str>,
    pub query: &'a str,
}

/// `$5` to `$8`: draw, state, query, pattern.
const MATCHING: &str = "($5 = '' or r.draw = $5) and ($6::text is null or r.state = $6)
    and ($7 = '' or starts_with(r.subject, $7) or starts_with(r.person, $7) or r.title ilike $8)";

/// The next recusals, newest first, at most `rows`, after the one of this name.
///
/// # Errors
/// The database fails.
pub async fn list(
    conn: &mut PgConnection,
    filter: &Filter<'_>,
    after: Option<&str>,
    rows: i64,
) -> Result<Vec<RecusalRow>> {
    let sql = format!(
        "{RECUSALS} where {SEEN} and {MATCHING}
            and ($9::text is null or (r.created_at, r.name) < (select created_at, name from recusal where name = $9))
         order by r.created_at desc, r.name desc limit $10"
    );
    let (city, organisation, certificate, actor) = filter.sight.parts();
    let found = sqlx::query_as(AssertSqlSafe(sql))
        .bind(city)
        .bind(organisation)
        .bind(certificate)
        .bind(actor)
        .bind(filter.draw)
        .bind(filter.state)
        .bind(filter.query)
        .bind(pages::like(filter.query))
        .bind(after)
        .bind(rows)
        .fetch_all(conn)
        .await?;
    Ok(found)
}

/// How many recusals match, counted up to 100,001.
///
/// # Errors
/// The database fails.
pub async fn count(conn: &mut PgConnection, filter: &Filter<'_>) -> Result<i64> {
    let sql = format!("select count(*) from (select from recusal r where {SEEN} and {MATCHING} limit $9) found");
    let (city, organisation, certificate, actor) = filter.sight.parts();
    let count = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(city)
        .bind(organisation)
        .bind(certificate)
        .bind(actor)
        .bind(filter.draw)
        .bind(filter.state)
        .bind(filter.query)
        .bind(pages::like(filter.query))
        .bind(COUNT_MAX)
        .fetch_one(conn)
        .await?;
    Ok(count)
}

/// One recusal within a caller's sight.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn find(conn: &mut PgConnection, name: &str, sight: &Sight) -> Result<RecusalRow> {
    let sql = format!("{RECUSALS} where {SEEN} and r.name = $5");
    let (city, organisation, certificate, actor) = sight.parts();
    sqlx::query_as(AssertSqlSafe(sql))
        .bind(city)
        .bind(organisation)
        .bind(certificate)
        .bind(actor)
        .bind(name)
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| Refusal::not_found(name))
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
