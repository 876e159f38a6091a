//! Questions to the tables of changes (art. 13), one function each.

use chrono::{DateTime, Utc};
use kit::{
    error::{Refusal, Result},
    order::{Field, Key, Orders, Page},
    pages,
};
use sqlx::{PgConnection, QueryBuilder};

use super::rules::{Outcome, PublishedPlan, State, Target};
use crate::{
    draws::rules::State as DrawState,
    registers::{
        life::Life,
        search::{self, Filter},
        store::SubjectRow,
    },
};

/// Who applies changes.
const JOBS: &str = "services/draws";
/// Versions of one subject that are shown.
const VERSIONS_MAX: i64 = 1_000;

/// The published plans over a register with the states of their draws. Until the transaction ends no plan of the
/// organisation that is in review is published: whoever asks this first is done before.
///
/// # Errors
/// The database fails.
pub async fn published_plans(conn: &mut PgConnection, organisation: &str) -> Result<Vec<PublishedPlan>> {
    plans(conn, "plan.organisation = $1", organisation).await
}

/// The same for those that want experts, and take them from this organisation's register: its own, and those in whose teams it
/// takes part.
///
/// # Errors
/// The database fails.
pub async fn published_plans_with_experts(conn: &mut PgConnection, organisation: &str) -> Result<Vec<PublishedPlan>> {
    let over = "(plan.shape -> 'experts' ->> 'count')::bigint > 0 and (plan.organisation = $1 or exists (
        select from jsonb_array_elements(plan.teams) part where part ->> 'organisation' = $1))";
    plans(conn, over, organisation).await
}

async fn plans(conn: &mut PgConnection, over: &str, organisation: &str) -> Result<Vec<PublishedPlan>> {
    // The texts are made of constants of this module.
    let review = format!("select from plan where {over} and state = 'IN_REVIEW' order by year, number for share");
    sqlx::query(sqlx::AssertSqlSafe(review)).bind(organisation).execute(&mut *conn).await?;
    let published = format!(
        "select plan.name, coalesce(array_agg(draw.state) filter (where draw.state is not null), '{{}}') from plan
         left join draw on draw.plan = plan.name where {over} and plan.state = 'PUBLISHED'
         group by plan.name, plan.year, plan.number order by plan.year, plan.number"
    );
    let found: Vec<(String, Vec<String>)> =
        sqlx::query_as(sqlx::AssertSqlSafe(published)).bind(organisation).fetch_all(conn).await?;
    let plan = |(name, draws): (String, Vec<String>)| {
        let draws = draws.iter().map(|state| DrawState::parse(state)).collect::<Result<_>>()?;
        Ok(PublishedPlan { name, draws })
    };
    found.into_iter().map(plan).collect()
}

/// A change as stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ChangeRow {
    /// Sorts by time.
    pub id: String,
    /// Register it changes.
    pub organisation: String,
    /// `STATUS`, `DISTRICT`, `IMPORT` or `EXPERTS`.
    pub kind: String,
    /// New status or district; of an import its id; empty for experts.
    pub value: String,
    /// Why.
    pub reason: String,
    /// The plan that is not drawn yet, or empty.
    pub plan: String,
    /// State.
    pub state: String,
    /// From 1.
    pub revision: i64,
    /// Who asked.
    pub creator: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Who decided, or empty.
    pub decider: String,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// What the decider said.
    pub decide_reason: String,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Subjects, or rows of the upload.
    pub rows: i64,
    /// Changed ones.
    pub changed: i64,
    /// Ones that were so.
    pub unchanged: i64,
    /// Ones left as they are, or returned.
    pub refused: i64,
}

impl ChangeRow {
    /// `organisations/{organisation}/registerChanges/{change}`.
    pub fn name(&self) -> String {
        format!("{}/registerChanges/{}", self.organisation, self.id)
    }

    /// Who changed it last, and by what.
    pub fn last_act(&self) -> (&str, &str) {
        match (self.decider.as_str(), self.revision) {
            ("", 1) => (&self.creator, "变更申请 change request"),
            // It began before a plan was published, and nobody had to decide then.
            ("", _) => (JOBS, "逐批应用 applied in part"),
            (decider, _) if self.state == State::Rejected.as_str() => (decider, "驳回 rejected"),
            (decider, _) => (decider, "复核同意 approved"),
        }
    }

    /// What it makes of each subject; none for an import, and for experts.
    pub fn target(&self) -> Option<Target> {
        match self.kind.as_str() {
            "STATUS" => Life::named(&self.value).map(Target::Life),
            "DISTRICT" => Some(Target::District(self.value.clone())),
            _ => None,
        }
    }
}

const SELECT: &str =
    "select id, organisation, kind, value, reason, plan, state, revision, creator, created_at, decider,
    decided_at, decide_reason, ended_at, rows, changed, unchanged, refused from register_change";

/// Writes a new change.
///
/// # Errors
/// The database fails.
pub async fn insert(conn: &mut PgConnection, change: &ChangeRow) -> Result<()> {
    sqlx::query(
        "insert into register_change (id, organisation, kind, value, reason, plan, state, revision, creator, created_at, rows)
         values ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $10)",
    )
    .bind(&change.id)
    .bind(&change.organisation)
    .bind(&change.kind)
    .bind(&change.value)
    .bind(&change.reason)
    .bind(&change.plan)
    .bind(&change.state)
    .bind(&change.creator)
    .bind(change.created_at)
    .bind(change.rows)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down all matching subjects as they are now; how many.
///
/// # Errors
/// The database fails.
pub async fn insert_matching(conn: &mut PgConnection, change: &str, filter: &Filter) -> Result<i64> {
    let mut sql = QueryBuilder::new("insert into register_change_row (change, key, revision) select ");
    sql.push_bind(change.to_owned()).push(", key, revision from subject where ");
    search::matches(&mut sql, filter);
    let rows = sql.build().persistent(false).execute(&mut *conn).await?.rows_affected();
    // Somebody may have changed the register since it was counted.
    sqlx::query("update register_change set rows = $2 where id = $1 and rows <> $2 and $2 between 1 and 100000")
        .bind(change)
        .bind(rows.cast_signed())
        .execute(conn)
        .await?;
    Ok(rows.cast_signed())
}

/// Writes down chosen subjects at the revisions at which they were seen; those that are nowhere keep revision 0.
///
/// # Errors
/// The database fails.
pub async fn insert_chosen(
    conn: &mut PgConnection,
    change: &str,
    organisation: &str,
    keys: &[String],
    seen: &[Option<i64>],
) -> Result<()> {
    sqlx::query(
        "insert into register_change_row (change, key, revision)
         select $1, chosen.key, coalesce(chosen.seen, subject.revision, 0)
         from unnest($3::text[], $4::bigint[]) as chosen (key, seen)
         left join subject on subject.organisation = $2 and subject.key = chosen.key",
    )
    .bind(change)
    .bind(organisation)
    .bind(keys)
    .bind(seen)
    .execute(conn)
    .await?;
    Ok(())
}

/// One change.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn get(conn: &mut PgConnection, organisation: &str, id: &str) -> Result<ChangeRow> {
    one(conn, organisation, id, "").await
}

/// One change, locked until the transaction ends.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn lock(conn: &mut PgConnection, organisation: &str, id: &str) -> Result<ChangeRow> {
    one(conn, organisation, id, "for update").await
}

async fn one(conn: &mut PgConnection, organisation: &str, id: &str, lock: &str) -> Result<ChangeRow> {
    // The text is made of constants of this module.
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} where organisation = $1 and id = $2 {lock}")))
        .bind(organisation)
        .bind(id)
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| Refusal::not_found(format!("{organisation}/registerChanges/{id}")))
}

/// By what changes are listed.
pub const ORDERS: Orders<ChangeRow> = Orders {
    fields: &[
        Field { name: "create_time", keys: &[ID] },
        Field { name: "rows", keys: &[Key::number("rows", |change| change.rows), ID] },
    ],
    default: "create_time desc",
};

/// Sorts by time.
const ID: Key<ChangeRow> = Key::text("id", |change| change.id.clone());

/// The changes of a page of a register, those whose reason holds a text.
///
/// # Errors
/// The database fails.
pub async fn list(
    conn: &mut PgConnection,
    organisation: &str,
    (state, query): (Option<State>, &str),
    page: &Page<ChangeRow>,
) -> Result<Vec<ChangeRow>> {
    let sql = format!(
        "{SELECT} where organisation = $1 and ($2::text is null or state = $2) and reason ilike $3{}",
        page.sql(4)
    );
    // The text is made of constants.
    let found = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organisation).bind(state.map(State::as_str));
    Ok(page.bind(found.bind(pages::like(query))).fetch_all(conn).await?)
}

/// The next changes that are being applied after one (empty for the first), oldest first, at most `rows`.
///
/// # Errors
/// The database fails.
pub async fn under_way(conn: &mut PgConnection, after: &str, rows: i64) -> Result<Vec<ChangeRow>> {
    let sql = format!("{SELECT} where state = 'APPLYING' and id > $1 order by id limit $2");
    // The text is a constant of this module.
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(after).bind(rows).fetch_all(conn).await?)
}

/// A change that is being applied, locked; none when it ended or another process works on it.
///
/// # Errors
/// The database fails.
pub async fn take(conn: &mut PgConnection, id: &str) -> Result<Option<ChangeRow>> {
    let sql = format!("{SELECT} where id = $1 and state = 'APPLYING' for update skip locked");
    // The text is a constant of this module.
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(conn).await?)
}

/// Writes a locked change's decision, counts and end.
///
/// # Errors
/// The database fails.
pub async fn save(conn: &mut PgConnection, change: &ChangeRow) -> Result<()> {
    sqlx::query(
        "update register_change set state = $2, revision = revision + 1, decider = $3, decided_at = $4, decide_reason = $5,
            ended_at = $6, changed = $7, unchanged = $8, refused = $9, plan = $10 where id = $1",
    )
    .bind(&change.id)
    .bind(&change.state)
    .bind(&change.decider)
    .bind(change.decided_at)
    .bind(&change.decide_reason)
    .bind(change.ended_at)
    .bind(change.changed)
    .bind(change.unchanged)
    .bind(change.refused)
    .bind(&change.plan)
    .execute(conn)
    .await?;
    Ok(())
}

/// The next subjects of a change that nobody dealt with, with the revisions at which they were seen.
///
/// # Errors
/// The database fails.
pub async fn to_do(conn: &mut PgConnection, change: &str, rows: i64) -> Result<Vec<(String, i64)>> {
    let found = sqlx::query_as(
        "select key, revision from register_change_row where change = $1 and outcome = '' order by key limit $2",
    );
    Ok(found.bind(change).bind(rows).fetch_all(conn).await?)
}

/// Writes what became of subjects: keys, outcomes and notes side by side.
///
/// # Errors
/// The database fails.
pub async fn settle(
    conn: &mut PgConnection,
    change: &str,
    keys: &[String],
    outcomes: &[&str],
    notes: &[String],
) -> Result<()> {
    sqlx::query(
        "update register_change_row r set outcome = given.outcome, note = given.note
         from unnest($2::text[], $3::text[], $4::text[]) as given (key, outcome, note)
         where r.change = $1 and r.key = given.key",
    )
    .bind(change)
    .bind(keys)
    .bind(outcomes)
    .bind(notes)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down subjects an approved import left as they are.
///
/// # Errors
/// The database fails.
pub async fn insert_stale(conn: &mut PgConnection, change: &str, keys: &[String], notes: &[String]) -> Result<()> {
    sqlx::query(
        "insert into register_change_row (change, key, revision, outcome, note)
         select $1, given.key, 0, 'STALE', given.note from unnest($2::text[], $3::text[]) as given (key, note)
         on conflict do nothing",
    )
    .bind(change)
    .bind(keys)
    .bind(notes)
    .execute(conn)
    .await?;
    Ok(())
}

/// A subject of a change, as the register holds it now.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct RowRow {
    /// Key.
    pub key: String,
    /// Name; empty when it is not in the register.
    pub title: String,
    /// Whether it is in business.
    pub in_business: bool,
    /// How it went.
    pub gone: String,
    /// District.
    pub district: String,
    /// What became of it, or empty.
    pub outcome: String,
    /// Who changed it meanwhile; of an expert what changes.
    pub note: String,
}

/// The next subjects of a change by key, at most `rows`.
///
/// # Errors
/// The database fails.
pub async fn rows(
    conn: &mut PgConnection,
    change: &ChangeRow,
    outcome: Option<Outcome>,
    after: Option<&str>,
    rows: i64,
) -> Result<Vec<RowRow>> {
    let found = sqlx::query_as(
        "select r.key, coalesce(s.title, '') as title, coalesce(s.in_business, false) as in_business,
            coalesce(s.gone, '') as gone, coalesce(s.district, '') as district, r.outcome, r.note
         from register_change_row r left join subject s on s.organisation = $2 and s.key = r.key and $6
         where r.change = $1 and ($3::text is null or r.key > $3) and ($5::text is null or r.outcome = $5)
         order by r.key limit $4",
    )
    .bind(&change.id)
    .bind(&change.organisation)
    .bind(after)
    .bind(rows)
    .bind(outcome.map(Outcome::as_str))
    .bind(change.kind != "EXPERTS")
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// The newest change that waits for a second person and has this subject among its own.
///
/// # Errors
/// The database fails.
pub async fn pending_of(conn: &mut PgConnection, organisation: &str, key: &str) -> Result<Option<String>> {
    let found = sqlx::query_scalar(
        "select c.organisation || '/registerChanges/' || c.id from register_change_row r
         join register_change c on c.id = r.change
         where r.key = $2 and c.organisation = $1 and c.state = 'PENDING' and c.kind <> 'EXPERTS' order by c.id desc limit 1",
    );
    Ok(found.bind(organisation).bind(key).fetch_optional(conn).await?)
}

/// A version of a subject with who approved it.
#[derive(Debug, sqlx::FromRow)]
pub struct VersionRow {
    /// As it stood.
    #[sqlx(flatten)]
    pub subject: SubjectRow,
    /// Who approved it, or empty.
    pub approver: String,
}

/// The newest versions of a subject, the present one first, at most 1,000.
///
/// # Errors
/// The database fails.
pub async fn versions(conn: &mut PgConnection, organisation: &str, key: &str) -> Result<Vec<VersionRow>> {
    let found = sqlx::query_as(
        "select v.*, coalesce(c.decider, '') as approver from (
            select organisation, key, title, district, industry, address, in_business, gone, old_number, credit_class,
                revision, created_at, changed_at, changed_by, changed_what, changed_why, changed_with
            from subject where organisation = $1 and key = $2
            union all
            select v.organisation, v.key, v.title, v.district, v.industry, v.address, v.in_business, v.gone, s.old_number,
                v.credit_class, v.revision, s.created_at, v.changed_at, v.changed_by, v.changed_what, v.changed_why,
                v.changed_with
            from subject_version v join subject s on s.organisation = v.organisation and s.key = v.key
            where v.organisation = $1 and v.key = $2) v
         left join import i on v.changed_with = v.organisation || '/imports/' || i.id and i.organisation = $1
         left join register_change c on c.organisation = $1 and c.id = case
            when v.changed_with = i.organisation || '/imports/' || i.id then i.change
            else split_part(v.changed_with, '/registerChanges/', 2) end
         order by v.revision desc limit $3",
    )
    .bind(organisation)
    .bind(key)
    .bind(VERSIONS_MAX)
    .fetch_all(conn)
    .await?;
    Ok(found)
}
