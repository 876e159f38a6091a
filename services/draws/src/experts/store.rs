//! Questions to the tables of experts (art. 13, 15), one function each.

use chrono::{DateTime, NaiveDate, Utc};
use kit::{
    error::{Reason, Refusal, Result, violated},
    pages,
};
use proto::qingtian::draws::v1::ExpertOrder;
use sqlx::{AssertSqlSafe, FromRow, PgConnection};

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

/// `$1`: the year.
const EXPERTS: &str =
    "select e.key, e.organisation, e.private, e.name_digest, e.employer, e.districts, e.specialties, e.retired_on,
        e.retire_reason, e.revision, e.created_at, e.changed_at, e.changed_by, e.changed_what,
        (select created_at from declaration d where d.holder = 'experts/' || e.key and d.year = $1) as declared_at,
        (select count(distinct subject) from conflict c where c.holder = 'experts/' || e.key and not exists
            (select from conflict_lift l where l.conflict = c.id and l.state = 'LIFTED')) as conflicts
    from expert e";

/// Which experts are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub organisation: String,
    pub query: String,
    /// Digest of the query as a whole name.
    pub name_digest: String,
    pub specialty: String,
    pub district: String,
    pub retired: Option<bool>,
}

/// `$2` to `$8`.
const MATCHING: &str =
    "e.organisation = $2 and ($3 = '' or e.key ilike $4 or e.employer ilike $4 or e.name_digest = $5)
    and ($6 = '' or $6 = any(e.specialties)) and ($7 = '' or $7 = any(e.districts))
    and ($8::boolean is null or (e.retired_on is not null) = $8)";

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
    let (beyond, way) = if descending { ("<", "desc") } else { (">", "asc") };
    let sql =
        format!("{EXPERTS} where {MATCHING} and ($9::text is null or {by} {beyond} $9) order by {by} {way} limit $10");
    // Made of constants of this module.
    let found = sqlx::query_as(AssertSqlSafe(sql))
        .bind(year)
        .bind(&filter.organisation)
        .bind(&filter.query)
        .bind(pages::like(&filter.query))
        .bind(&filter.name_digest)
        .bind(&filter.specialty)
        .bind(&filter.district)
        .bind(filter.retired)
        .bind(after)
        .bind(rows)
        .fetch_all(conn)
        .await?;
    Ok(found)
}

/// How many experts match, counted up to 100,001.
///
/// # Errors
/// The database fails.
pub async fn count(conn: &mut PgConnection, filter: &Filter) -> Result<i64> {
    // `$1` is the year of the other question.
    let sql = format!("select count(*) from (select $1::integer from expert e where {MATCHING} limit $9) found");
    let count = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(0)
        .bind(&filter.organisation)
        .bind(&filter.query)
        .bind(pages::like(&filter.query))
        .bind(&filter.name_digest)
        .bind(&filter.specialty)
        .bind(&filter.district)
        .bind(filter.retired)
        .bind(COUNT_MAX)
        .fetch_one(conn)
        .await?;
    Ok(count)
}

/// One expert of an organisation.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn get(conn: &mut PgConnection, organisation: &str, key: &str, year: i32) -> Result<ExpertRow> {
    let sql = format!("{EXPERTS} where e.organisation = $2 and e.key = $3");
    sqlx::query_as(AssertSqlSafe(sql))
        .bind(year)
        .bind(organisation)
        .bind(key)
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| Refusal::not_found(format!("{organisation}/experts/{key}")))
}

/// Those of these experts an organisation has, as an upload compares them.
///
/// # Errors
/// The database fails.
pub async fn some(conn: &mut PgConnection, organisation: &str, keys: &[&str]) -> Result<Vec<ExpertRow>> {
    let sql = format!("{EXPERTS} where e.organisation = $2 and e.key = any($3)");
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(0).bind(organisation).bind(keys).fetch_all(conn).await?)
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
