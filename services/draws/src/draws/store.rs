//! One function per question a draw puts to the database, and the names of its constraints as refusals.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kit::{
    auth::{Caller, Reach},
    error::{Reason, Refusal, Result, violated},
};
use lottery::rules::{Contributor, Kind};
use sqlx::{FromRow, PgConnection, PgPool, types::Json};

use super::{
    follows::rules::{Given, Kind as DrawKind},
    rules::{Schedule, Standing, State},
};
use crate::plans::rules::{Amount, TeamPart};

/// A draw's own row.
#[derive(Debug, Clone, FromRow)]
pub struct DrawRow {
    pub name: String,
    pub plan: String,
    pub plan_title: String,
    pub organisation: String,
    pub unit: String,
    pub beacon_waived: String,
    pub entries_close: DateTime<Utc>,
    pub beacon_time: Option<DateTime<Utc>>,
    pub reveal_by: DateTime<Utc>,
    pub replaces: Option<String>,
    pub creator: String,
    pub created_at: DateTime<Utc>,
    pub state: String,
    pub revision: i64,
    pub quarter: String,
    pub changed_by: String,
    pub changed_act: String,
    pub end_reason: String,
    pub dispatched: i64,
    pub kind: String,
    pub follows: Option<String>,
    pub quotas: Json<BTreeMap<String, Amount>>,
    pub teams: Json<Vec<TeamPart>>,
    pub cover_district: bool,
}

impl DrawRow {
    /// Year and number of `draws/{year}-{number}`.
    pub fn counted(&self) -> (i64, i64) {
        let number = |text: &str| text.parse().unwrap_or_default();
        let told = self.name.strip_prefix("draws/").and_then(|told| told.split_once('-'));
        told.map(|(year, n)| (number(year), number(n))).unwrap_or_default()
    }

    /// What the draw was given at its creation beyond plan, contributors and schedule.
    ///
    /// # Errors
    /// `INTERNAL` for a kind that is none.
    pub fn given(&self) -> Result<Given> {
        Ok(Given {
            kind: DrawKind::parse(&self.kind)?,
            follows: self.follows.clone(),
            quotas: self.quotas.0.clone(),
            teams: self.teams.0.clone(),
            cover_district: self.cover_district,
        })
    }
}

/// Columns of [`DrawRow`].
pub const DRAW_COLUMNS: &str = "name, plan, plan_title, organisation, unit, beacon_waived, entries_close, beacon_time, \
     reveal_by, replaces, creator, created_at, state, revision, quarter, changed_by, changed_act, end_reason, dispatched, \
     kind, follows, quotas, teams, cover_district";

/// Which draws a caller sees: all of them, or those of an organisation and those it contributes to.
#[derive(Debug, Clone)]
pub struct Sight {
    organisation: Option<String>,
    unit: String,
}

impl Sight {
    /// What this caller sees.
    pub fn of(caller: &Caller) -> Self {
        let organisation = match caller.reach() {
            Reach::City => None,
            Reach::Organisation(name) => Some(name),
        };
        Self { organisation, unit: unit_of(&caller.organisation).to_owned() }
    }

    /// `organisations/{organisation}`, or none for all.
    pub fn organisation(&self) -> Option<&str> {
        self.organisation.as_deref()
    }

    /// Last part of the organisation's name.
    pub fn unit(&self) -> &str {
        &self.unit
    }
}

/// Last part of `organisations/{organisation}`: how the protocol names a unit.
pub fn unit_of(organisation: &str) -> &str {
    organisation.rsplit('/').next().unwrap_or_default()
}

/// `$2` and `$3` of a query over `draw`: the caller's organisation, or null for all, and its unit. A county sees what the city
/// draws for it to inspect.
pub const SEEN: &str = "($2::text is null or organisation = $2 or exists \
     (select from draw_contributor c where c.draw = draw.name and c.unit = $3) or exists \
     (select from plan p cross join lateral jsonb_each_text(coalesce(p.foresees -> 'county_units', '{}')) u \
      where p.name = draw.plan and u.value = $2))";

/// Locks a draw within a caller's sight.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn lock(conn: &mut PgConnection, name: &str, sight: &Sight) -> Result<DrawRow> {
    let sql = format!("select {DRAW_COLUMNS} from draw where name = $1 and {SEEN} for update");
    sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(name)
        .bind(sight.organisation())
        .bind(sight.unit())
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| Refusal::not_found(name))
}

/// Locks a draw of the caller's own organisation: what only the drawing unit may do.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn lock_own(conn: &mut PgConnection, name: &str, organisation: &str) -> Result<DrawRow> {
    let sql = format!("select {DRAW_COLUMNS} from draw where name = $1 and organisation = $2 for update");
    sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(name)
        .bind(organisation)
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| Refusal::not_found(name))
}

/// Locks a draw for whoever holds a secret of it.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn lock_named(conn: &mut PgConnection, name: &str) -> Result<DrawRow> {
    let sql = format!("select {DRAW_COLUMNS} from draw where name = $1 for update");
    sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(name)
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| Refusal::not_found(name))
}

/// Locks a draw for a job, unless somebody works on it already.
///
/// # Errors
/// The database fails.
pub async fn lock_free(conn: &mut PgConnection, name: &str) -> Result<Option<DrawRow>> {
    let sql = format!("select {DRAW_COLUMNS} from draw where name = $1 for update skip locked");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).fetch_optional(conn).await?)
}

/// What the rules look at, of each draw.
const STANDING: &str =
    "select name, state, entries_close, beacon_time, reveal_by, people, people_given, beacon_given, demonstration,
        exists (select from draw_closing where draw = name) as closed
    from draw cross join lateral (
        select count(*) filter (where kind <> 'BEACON') as people,
               count(value) filter (where kind <> 'BEACON') as people_given,
               coalesce(bool_or(kind = 'BEACON' and value is not null), false) as beacon_given,
               coalesce(bool_or(kind = 'BEACON' and contributor like 'lottery:demo:%'), false) as demonstration
        from draw_contributor c left join draw_entry using (draw, index) where c.draw = name) given";

#[derive(FromRow)]
struct StandingRow {
    name: String,
    state: String,
    entries_close: DateTime<Utc>,
    beacon_time: Option<DateTime<Utc>>,
    reveal_by: DateTime<Utc>,
    people: i64,
    people_given: i64,
    beacon_given: bool,
    demonstration: bool,
    closed: bool,
}

impl TryFrom<StandingRow> for Standing {
    type Error = Refusal;

    fn try_from(row: StandingRow) -> Result<Self> {
        Ok(Self {
            name: row.name,
            state: State::parse(&row.state)?,
            schedule: Schedule {
                entries_close: row.entries_close,
                beacon_at: row.beacon_time,
                reveal_by: row.reveal_by,
            },
            // At most CONTRIBUTORS_MAX.
            people: usize::try_from(row.people).unwrap_or_default(),
            people_given: usize::try_from(row.people_given).unwrap_or_default(),
            beacon_given: row.beacon_given,
            demonstration: row.demonstration,
            closed: row.closed,
        })
    }
}

/// How every draw stands for which something may be due.
///
/// # Errors
/// The database fails.
pub async fn going_on(pool: &PgPool) -> Result<Vec<Standing>> {
    let sql = format!("{STANDING} where state in ('STATED', 'CONTRIBUTING', 'REVEALED') order by name");
    let rows: Vec<StandingRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(pool).await?;
    rows.into_iter().map(Standing::try_from).collect()
}

/// How a draw stands. Asked after its row was locked, in a statement of its own: what the lock waited for is seen.
///
/// # Errors
/// The database fails.
pub async fn standing(conn: &mut PgConnection, draw: &str) -> Result<Standing> {
    let sql = format!("{STANDING} where name = $1");
    let row: StandingRow = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(draw).fetch_one(conn).await?;
    row.try_into()
}

/// Takes the next number of a counter. Its row stays locked to the end of the act, so a number is given once and none is lost.
///
/// # Errors
/// The database fails.
pub async fn next_number(conn: &mut PgConnection, counter: &str) -> Result<i64> {
    let sql = "insert into draw_counter (name, last) values ($1, 1)
               on conflict (name) do update set last = draw_counter.last + 1 returning last";
    Ok(sqlx::query_scalar(sql).bind(counter).fetch_one(conn).await?)
}

/// Takes a number a caller chose, if the counter has not come to it yet.
///
/// # Errors
/// The database fails.
pub async fn take_number(conn: &mut PgConnection, counter: &str, number: i64) -> Result<bool> {
    let sql = "insert into draw_counter (name, last) values ($1, $2)
               on conflict (name) do update set last = excluded.last where draw_counter.last < excluded.last";
    Ok(sqlx::query(sql).bind(counter).bind(number).execute(conn).await?.rows_affected() == 1)
}

/// Writes a new draw with its contributors.
///
/// # Errors
/// `UNFINISHED_DRAW`, without its number; `WRONG_STATE` when the draw it replaces has a successor.
pub async fn insert(
    conn: &mut PgConnection,
    row: &DrawRow,
    year: i32,
    number: i64,
    contributors: &[Contributor],
) -> Result<()> {
    let sql = "insert into draw (name, plan, plan_title, organisation, unit, beacon_waived, entries_close, beacon_time, reveal_by,
                   replaces, creator, created_at, state, revision, quarter, changed_by, changed_act, year, number,
                   kind, follows, quotas, teams, cover_district)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)";
    sqlx::query(sql)
        .bind(&row.name)
        .bind(&row.plan)
        .bind(&row.plan_title)
        .bind(&row.organisation)
        .bind(&row.unit)
        .bind(&row.beacon_waived)
        .bind(row.entries_close)
        .bind(row.beacon_time)
        .bind(row.reveal_by)
        .bind(&row.replaces)
        .bind(&row.creator)
        .bind(row.created_at)
        .bind(&row.state)
        .bind(row.revision)
        .bind(&row.quarter)
        .bind(&row.changed_by)
        .bind(&row.changed_act)
        .bind(year)
        .bind(number)
        .bind(&row.kind)
        .bind(&row.follows)
        .bind(&row.quotas)
        .bind(&row.teams)
        .bind(row.cover_district)
        .execute(&mut *conn)
        .await
        .map_err(refused)?;
    for (index, one) in (1_i32..).zip(contributors) {
        sqlx::query("insert into draw_contributor (draw, index, contributor, kind, unit) values ($1, $2, $3, $4, $5)")
            .bind(&row.name)
            .bind(index)
            .bind(&one.contributor)
            .bind(one.kind.as_str())
            .bind(&one.unit)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Constraints as refusals. Anything else failed inside.
fn refused(error: sqlx::Error) -> Refusal {
    match violated(&error) {
        Some("draw_unfinished_once") => Refusal::new(Reason::UnfinishedDraw),
        Some("draw_replaced_once") => Refusal::new(Reason::AlreadyExists).with("name", "replaces"),
        _ => error.into(),
    }
}

/// The unfinished draw over a plan that competes for the same as a draw of this rivalry ([`Given::rivalry`]), of whatever quarter:
/// the protocol wants one per plan and quarter of `stated_at`, and the turn of a quarter must not let two run at once.
///
/// # Errors
/// The database fails.
pub async fn unfinished(conn: &mut PgConnection, (plan, rivalry): (&str, &str), but: &str) -> Result<Option<String>> {
    let sql = "select name from draw where plan = $1 and name <> $2
               and (case when kind = 'TEAMS' then follows || ' ' || organisation else '' end) = $3
               and state in ('CREATED', 'STATED', 'CONTRIBUTING', 'REVEALED')";
    let query = sqlx::query_scalar(sql).bind(plan).bind(but).bind(rivalry);
    Ok(query.fetch_optional(conn).await?)
}

/// Moves a draw on: state, revision, who and by what act. The row keeps what was written.
///
/// # Errors
/// `UNFINISHED_DRAW` when the plan has another in the quarter; the database refuses a way back.
pub async fn save(conn: &mut PgConnection, row: &mut DrawRow, state: State, actor: &str, act: &str) -> Result<()> {
    state.as_str().clone_into(&mut row.state);
    row.revision += 1;
    actor.clone_into(&mut row.changed_by);
    act.clone_into(&mut row.changed_act);
    sqlx::query(
        "update draw set state = $2, revision = $3, changed_by = $4, changed_act = $5, quarter = $6, end_reason = $7, dispatched = $8
         where name = $1",
    )
    .bind(&row.name)
    .bind(&row.state)
    .bind(row.revision)
    .bind(&row.changed_by)
    .bind(&row.changed_act)
    .bind(&row.quarter)
    .bind(&row.end_reason)
    .bind(row.dispatched)
    .execute(conn)
    .await
    .map_err(refused)?;
    Ok(())
}

/// Contributors of a draw in order.
///
/// # Errors
/// The database fails.
pub async fn contributors(conn: &mut PgConnection, draw: &str) -> Result<Vec<Contributor>> {
    let rows: Vec<(String, String, Option<String>)> =
        sqlx::query_as("select contributor, kind, unit from draw_contributor where draw = $1 order by index")
            .bind(draw)
            .fetch_all(conn)
            .await?;
    let read = |(contributor, kind, unit): (String, String, Option<String>)| {
        Ok(Contributor { contributor, kind: Kind::parse(&kind).map_err(Refusal::internal)?, unit })
    };
    rows.into_iter().map(read).collect()
}

/// Whether identity announced an organisation with this unit's name.
///
/// # Errors
/// The database fails.
pub async fn unit_exists(conn: &mut PgConnection, unit: &str) -> Result<bool> {
    let sql = "select exists (select from organisation where name = 'organisations/' || $1)";
    Ok(sqlx::query_scalar(sql).bind(unit).fetch_one(conn).await?)
}

/// Gives a demonstration issue to a draw.
///
/// # Errors
/// The database fails.
pub async fn insert_issue(conn: &mut PgConnection, issue: i64, draw: &str) -> Result<()> {
    sqlx::query("insert into demonstration_issue (issue, draw) values ($1, $2)")
        .bind(issue)
        .bind(draw)
        .execute(conn)
        .await?;
    Ok(())
}

/// The numbers of a demonstration issue: those drawn before, or else these, for ever.
///
/// # Errors
/// The database fails.
pub async fn issue_numbers(conn: &mut PgConnection, issue: i64, fresh: &str, now: DateTime<Utc>) -> Result<String> {
    sqlx::query("insert into demonstration_value (issue, value, drawn_at) values ($1, $2, $3) on conflict do nothing")
        .bind(issue)
        .bind(fresh)
        .bind(now)
        .execute(&mut *conn)
        .await?;
    Ok(sqlx::query_scalar("select value from demonstration_value where issue = $1").bind(issue).fetch_one(conn).await?)
}

/// Entries given so far: index from 1 and value.
///
/// # Errors
/// The database fails.
pub async fn entries(conn: &mut PgConnection, draw: &str) -> Result<Vec<(i32, String)>> {
    let sql = "select index, value from draw_entry where draw = $1 order by index";
    Ok(sqlx::query_as(sql).bind(draw).fetch_all(conn).await?)
}

/// Adds an entry; the database takes one of each contributor.
///
/// # Errors
/// `ENTRY_GIVEN`.
pub async fn insert_entry(
    conn: &mut PgConnection,
    draw: &str,
    (index, contributor): (i32, &str),
    value: &str,
    now: DateTime<Utc>,
    actor: &str,
) -> Result<()> {
    sqlx::query("insert into draw_entry (draw, index, value, given_at, given_by) values ($1, $2, $3, $4, $5)")
        .bind(draw)
        .bind(index)
        .bind(value)
        .bind(now)
        .bind(actor)
        .execute(conn)
        .await
        .map_err(|error| match violated(&error) {
            Some("draw_entry_once") => Refusal::new(Reason::EntryGiven).with("contributor", contributor),
            _ => error.into(),
        })?;
    Ok(())
}

/// Lottery numbers as an account typed them last.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Typed {
    /// `users/{user}`.
    pub actor: String,
    /// Unit of the account.
    pub unit: String,
    /// The numbers.
    pub value: String,
}

/// What each account typed last.
///
/// # Errors
/// The database fails.
pub async fn typed(conn: &mut PgConnection, draw: &str) -> Result<Vec<Typed>> {
    let sql =
        "select distinct on (actor) actor, unit, value from draw_beacon_report where draw = $1 order by actor, id desc";
    Ok(sqlx::query_as(sql).bind(draw).fetch_all(conn).await?)
}

/// How often an account typed something new.
///
/// # Errors
/// The database fails.
pub async fn times_typed(conn: &mut PgConnection, draw: &str, actor: &str) -> Result<i64> {
    let sql = "select count(*) from draw_beacon_report where draw = $1 and actor = $2";
    Ok(sqlx::query_scalar(sql).bind(draw).bind(actor).fetch_one(conn).await?)
}

/// Keeps what an account typed.
///
/// # Errors
/// The database fails.
pub async fn insert_typed(conn: &mut PgConnection, draw: &str, typed: &Typed, now: DateTime<Utc>) -> Result<()> {
    sqlx::query("insert into draw_beacon_report (draw, actor, unit, value, reported_at) values ($1, $2, $3, $4, $5)")
        .bind(draw)
        .bind(&typed.actor)
        .bind(&typed.unit)
        .bind(&typed.value)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}
