//! Questions to the tables of experts (art. 13, 15), one function each.

use chrono::{DateTime, NaiveDate, Utc};
use kit::{
    error::{Reason, Refusal, Result, violated},
    pages,
};
use proto::qingtian::draws::v1::ExpertOrder;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};

/// How far lists count what matches.
const COUNT_MAX: i64 = 100_001;

/// An expert a draw may send.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Candidate {
    /// Register number.
    pub key: String,
    /// `organisations/{organisation}` whose register it is.
    pub organisation: String,
    /// Districts covered, sorted.
    pub districts: Vec<String>,
    /// Specialties, sorted.
    pub specialties: Vec<String>,
}

/// Experts of these organisations (`organisations/{organisation}`) whom a draw may send on a day: not retired by then, and
/// not known as an officer by the same key, as evidence tells people apart by their keys. By key in the order of bytes.
///
/// # Errors
/// The database fails.
pub async fn candidates(conn: &mut PgConnection, organisations: &[String], on: NaiveDate) -> Result<Vec<Candidate>> {
    let experts = sqlx::query_as(
        "select key, organisation, districts, specialties from expert e
         where organisation = any($1) and (retired_on is null or retired_on > $2)
            and not exists (select from officer o where o.key = e.key) order by key",
    )
    .bind(organisations)
    .bind(on)
    .fetch_all(conn)
    .await?;
    Ok(experts)
}

/// An expert as stored.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ExpertRow {
    pub key: String,
    pub organisation: String,
    /// Sealed.
    pub private: Vec<u8>,
    pub name_digest: String,
    pub employer: String,
    pub districts: Vec<String>,
    pub specialties: Vec<String>,
    /// First day of not being drawn.
    pub retired_on: Option<NaiveDate>,
    pub retire_reason: String,
    pub revision: i64,
    pub created_at: DateTime<Utc>,
    pub changed_at: DateTime<Utc>,
    pub changed_by: String,
    pub changed_what: String,
    /// When this year's interests were declared.
    #[sqlx(default)]
    pub declared_at: Option<DateTime<Utc>>,
    /// Conflicts that stand.
    #[sqlx(default)]
    pub conflicts: i64,
}

impl ExpertRow {
    /// `organisations/{organisation}/experts/{expert}`.
    pub fn name(&self) -> String {
        format!("{}/experts/{}", self.organisation, self.key)
    }
}

/// Everything of the experts, with the declarations of the year that is bound next.
const EXPERTS: &str =
    "select e.key, e.organisation, e.private, e.name_digest, e.employer, e.districts, e.specialties, e.retired_on,
        e.retire_reason, e.revision, e.created_at, e.changed_at, e.changed_by, e.changed_what, d.created_at as declared_at,
        (select count(distinct subject) from conflict c where c.holder = 'experts/' || e.key and not exists
            (select from conflict_lift l where l.conflict = c.id and l.state = 'LIFTED')) as conflicts
    from expert e left join declaration d on d.holder = 'experts/' || e.key and d.year = ";

/// Begins a question about the experts of an organisation, with what they declared in a year.
fn experts_of(organisation: &str, year: i32) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(EXPERTS);
    query.push_bind(year).push(" where e.organisation = ").push_bind(organisation);
    query
}

/// Which experts of an organisation are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub organisation: String,
    /// Part of key or employer.
    pub query: String,
    /// Digest of a whole real name; none for any.
    pub name_digest: Option<String>,
    pub specialty: String,
    pub district: String,
    pub retired: Option<bool>,
}

/// Goes on with what a filter asks for, alike for a page and for how many there are.
fn matching(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    if !filter.query.is_empty() {
        let pattern = pages::like(&filter.query);
        query
            .push(" and (e.key ilike ")
            .push_bind(&pattern)
            .push(" or e.employer ilike ")
            .push_bind(&pattern)
            .push(")");
    }
    if let Some(digest) = &filter.name_digest {
        query.push(" and e.name_digest = ").push_bind(digest);
    }
    if !filter.specialty.is_empty() {
        query.push(" and ").push_bind(&filter.specialty).push(" = any(e.specialties)");
    }
    if !filter.district.is_empty() {
        query.push(" and ").push_bind(&filter.district).push(" = any(e.districts)");
    }
    if let Some(retired) = filter.retired {
        query.push(" and (e.retired_on is not null) = ").push_bind(retired);
    }
}

/// What a list is sorted by, as a text that no two experts share, and whether the last comes first.
fn sorting(order: ExpertOrder) -> (&'static str, bool) {
    match order {
        ExpertOrder::Unspecified => (BY_KEY, false),
        ExpertOrder::KeyDesc => (BY_KEY, true),
        ExpertOrder::Employer => (BY_EMPLOYER, false),
        ExpertOrder::EmployerDesc => (BY_EMPLOYER, true),
    }
}

const BY_KEY: &str = "e.key";
/// A key holds no space: what stands after the last one is the key.
const BY_EMPLOYER: &str = "(e.employer || ' ' || e.key) collate \"C\"";

/// Where a page that ends with this expert ends.
pub fn place(order: ExpertOrder, row: &ExpertRow) -> String {
    match order {
        ExpertOrder::Unspecified | ExpertOrder::KeyDesc => row.key.clone(),
        ExpertOrder::Employer | ExpertOrder::EmployerDesc => format!("{} {}", row.employer, row.key),
    }
}

/// The next experts, at most `rows`.
///
/// # Errors
/// The database fails.
pub async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    (order, year): (ExpertOrder, i32),
    after: Option<&str>,
    rows: i64,
) -> Result<Vec<ExpertRow>> {
    let (by, descending) = sorting(order);
    let (beyond, way) = if descending { (" < ", " desc") } else { (" > ", " asc") };
    let mut query = experts_of(&filter.organisation, year);
    matching(&mut query, filter);
    if let Some(after) = after {
        query.push(" and ").push(by).push(beyond).push_bind(after);
    }
    query.push(" order by ").push(by).push(way).push(" limit ").push_bind(rows);
    Ok(query.build_query_as().fetch_all(conn).await?)
}

/// How many experts match, counted up to 100,001.
///
/// # Errors
/// The database fails.
pub async fn count(conn: &mut PgConnection, filter: &Filter) -> Result<i64> {
    let mut query = QueryBuilder::new("select count(*) from (select from expert e where e.organisation = ");
    query.push_bind(&filter.organisation);
    matching(&mut query, filter);
    query.push(" limit ").push_bind(COUNT_MAX).push(") found");
    Ok(query.build_query_scalar().fetch_one(conn).await?)
}

/// How many experts one export may hold on a day (art. 44).
///
/// # Errors
/// The database fails, or no setting is in force.
pub async fn export_max(conn: &mut PgConnection, on: NaiveDate) -> Result<i64> {
    let sql = "select experts_max from export_setting where effective_on <= $1 order by effective_on desc limit 1";
    let found: i32 = sqlx::query_scalar(sql).bind(on).fetch_one(conn).await?;
    Ok(found.into())
}

/// One expert of an organisation.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn get(conn: &mut PgConnection, organisation: &str, key: &str, year: i32) -> Result<ExpertRow> {
    let mut query = experts_of(organisation, year);
    query.push(" and e.key = ").push_bind(key);
    let found = query.build_query_as().fetch_optional(conn).await?;
    found.ok_or_else(|| Refusal::not_found(format!("{organisation}/experts/{key}")))
}

/// Those of these experts an organisation has, as an upload compares them.
///
/// # Errors
/// The database fails.
pub async fn some(conn: &mut PgConnection, organisation: &str, keys: &[&str]) -> Result<Vec<ExpertRow>> {
    let mut query = experts_of(organisation, 0);
    query.push(" and e.key = any(").push_bind(keys).push(")");
    Ok(query.build_query_as().fetch_all(conn).await?)
}

/// Locks experts of an organisation until the transaction ends, in the order of keys.
///
/// # Errors
/// The database fails.
pub async fn lock(conn: &mut PgConnection, organisation: &str, keys: &[&str]) -> Result<()> {
    sqlx::query("select from expert where organisation = $1 and key = any($2) order by key for update")
        .bind(organisation)
        .bind(keys)
        .execute(conn)
        .await?;
    Ok(())
}

/// Which of these keys are taken: by an expert of another organisation, or as an officer's certificate.
///
/// # Errors
/// The database fails.
pub async fn taken(conn: &mut PgConnection, organisation: &str, keys: &[&str]) -> Result<Vec<String>> {
    let sql = "select key from expert where key = any($2) and organisation <> $1
         union select key from officer where key = any($2)";
    Ok(sqlx::query_scalar(sql).bind(organisation).bind(keys).fetch_all(conn).await?)
}

/// Writes a new expert with its first version.
///
/// # Errors
/// `EXPERT_KEY_TAKEN`.
pub async fn insert(conn: &mut PgConnection, row: &ExpertRow) -> Result<()> {
    sqlx::query(
        "insert into expert (key, organisation, private, name_digest, employer, districts, specialties, retired_on, retire_reason,
            revision, created_at, changed_at, changed_by, changed_what)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(&row.key)
    .bind(&row.organisation)
    .bind(&row.private)
    .bind(&row.name_digest)
    .bind(&row.employer)
    .bind(&row.districts)
    .bind(&row.specialties)
    .bind(row.retired_on)
    .bind(&row.retire_reason)
    .bind(row.revision)
    .bind(row.created_at)
    .bind(row.changed_at)
    .bind(&row.changed_by)
    .bind(&row.changed_what)
    .execute(&mut *conn)
    .await
    .map_err(|error| match violated(&error) {
        Some("expert_pkey") => Refusal::new(Reason::ExpertKeyTaken).with("key", &row.key),
        _ => error.into(),
    })?;
    version(conn, row).await
}

/// Writes the next version of a locked expert.
///
/// # Errors
/// The database fails.
pub async fn update(conn: &mut PgConnection, row: &ExpertRow) -> Result<()> {
    sqlx::query(
        "update expert set private = $2, name_digest = $3, employer = $4, districts = $5, specialties = $6, retired_on = $7,
            retire_reason = $8, revision = $9, changed_at = $10, changed_by = $11, changed_what = $12 where key = $1",
    )
    .bind(&row.key)
    .bind(&row.private)
    .bind(&row.name_digest)
    .bind(&row.employer)
    .bind(&row.districts)
    .bind(&row.specialties)
    .bind(row.retired_on)
    .bind(&row.retire_reason)
    .bind(row.revision)
    .bind(row.changed_at)
    .bind(&row.changed_by)
    .bind(&row.changed_what)
    .execute(&mut *conn)
    .await?;
    version(conn, row).await
}

async fn version(conn: &mut PgConnection, row: &ExpertRow) -> Result<()> {
    sqlx::query(
        "insert into expert_version (key, revision, private, employer, districts, specialties, retired_on, retire_reason,
            changed_at, changed_by, changed_what) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(&row.key)
    .bind(row.revision)
    .bind(&row.private)
    .bind(&row.employer)
    .bind(&row.districts)
    .bind(&row.specialties)
    .bind(row.retired_on)
    .bind(&row.retire_reason)
    .bind(row.changed_at)
    .bind(&row.changed_by)
    .bind(&row.changed_what)
    .execute(conn)
    .await?;
    Ok(())
}

/// What is asked of an expert by a register change.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct AskedRow {
    pub key: String,
    /// Seen when it was asked for; 0 for a new one.
    pub revision: i64,
    pub note: String,
    pub act: String,
    /// Sealed; empty where only the state changes.
    pub content: Vec<u8>,
}

/// Writes down one expert of a register change that waits.
///
/// # Errors
/// The database fails.
pub async fn insert_asked(
    conn: &mut PgConnection,
    change: &str,
    (key, revision): (&str, i64),
    note: &str,
    (act, content): (&str, &[u8]),
) -> Result<()> {
    sqlx::query("insert into register_change_row (change, key, revision, note) values ($1, $2, $3, $4)")
        .bind(change)
        .bind(key)
        .bind(revision)
        .bind(note)
        .execute(&mut *conn)
        .await?;
    sqlx::query("insert into expert_change (change, key, act, content) values ($1, $2, $3, $4)")
        .bind(change)
        .bind(key)
        .bind(act)
        .bind(content)
        .execute(conn)
        .await?;
    Ok(())
}

/// The experts of a register change, by key.
///
/// # Errors
/// The database fails.
pub async fn asked(conn: &mut PgConnection, change: &str) -> Result<Vec<AskedRow>> {
    let found = sqlx::query_as(
        "select key, r.revision, r.note, e.act, e.content from expert_change e
         join register_change_row r using (change, key) where change = $1 order by key",
    );
    Ok(found.bind(change).fetch_all(conn).await?)
}

/// An expert of a change that waits for a second person.
#[derive(Debug, FromRow)]
pub struct WaitingRow {
    /// The change's name.
    pub change: String,
    pub key: String,
    /// Seen when it was asked for; 0 for a new one.
    pub revision: i64,
    pub act: String,
    /// Sealed; empty where only the state changes.
    pub content: Vec<u8>,
}

/// What waits for a second person of these experts.
///
/// # Errors
/// The database fails.
pub async fn waiting(conn: &mut PgConnection, organisation: &str, keys: &[&str]) -> Result<Vec<WaitingRow>> {
    let found = sqlx::query_as(
        "select c.organisation || '/registerChanges/' || c.id as change, e.key, r.revision, e.act, e.content
         from expert_change e join register_change_row r using (change, key) join register_change c on c.id = e.change
         where e.key = any($2) and c.organisation = $1 and c.state = 'PENDING' order by c.id",
    );
    Ok(found.bind(organisation).bind(keys).fetch_all(conn).await?)
}

/// The newest change that waits for a second person and has this expert among its own.
///
/// # Errors
/// The database fails.
pub async fn pending_change(conn: &mut PgConnection, organisation: &str, key: &str) -> Result<Option<String>> {
    let found = sqlx::query_scalar(
        "select c.organisation || '/registerChanges/' || c.id from expert_change e
         join register_change c on c.id = e.change
         where e.key = $2 and c.organisation = $1 and c.state = 'PENDING' order by c.id desc limit 1",
    );
    Ok(found.bind(organisation).bind(key).fetch_optional(conn).await?)
}
