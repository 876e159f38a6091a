//! Questions to the registers' tables (art. 13, 16), one function each.

use chrono::{DateTime, NaiveDate, Utc};
use futures::stream::BoxStream;
use kit::{
    auth::Reach,
    error::{Reason, Refusal, Result, violated},
    pages,
};
use sqlx::{PgConnection, Row};

use super::rules::{Officer, PoolSubject};
use crate::plans::rules::{DistrictCount, Plan};

/// How far lists count what matches.
const COUNT_MAX: i64 = 100_001;

/// The subjects in a plan's scope, in business or not, by key in the order of bytes. Read it in a `repeatable read`
/// transaction, so that counts and officers belong to the same moment. Rows come one by one and are not kept here.
///
/// `offset 0` has PostgreSQL read the table as it lies and sort: by the index on keys it would visit a large register's
/// pages in random order, which took two to five times as long for a million rows.
pub fn pool<'c>(conn: &'c mut PgConnection, plan: &'c Plan) -> BoxStream<'c, sqlx::Result<PoolSubject>> {
    sqlx::query_as(
        "select key, title, district, in_business from (
            select key, title, district, in_business from subject
            where organisation = $1 and (cardinality($2::text[]) = 0 or district = any($2)) offset 0) as scope
         order by key",
    )
    .bind(&plan.organisation)
    .bind(&plan.content.districts)
    .fetch(conn)
}

/// How many subjects a plan's scope holds, by district.
///
/// # Errors
/// The database fails.
pub async fn counts(conn: &mut PgConnection, plan: &Plan) -> Result<Vec<DistrictCount>> {
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "select district, count(*) filter (where in_business), count(*) filter (where not in_business) from subject
         where organisation = $1 and (cardinality($2::text[]) = 0 or district = any($2)) group by district order by district",
    )
    .bind(&plan.organisation)
    .bind(&plan.content.districts)
    .fetch_all(conn)
    .await?;
    let count = |(district, subjects, left_out): (String, i64, i64)| DistrictCount {
        district,
        subjects: subjects.unsigned_abs(),
        left_out: left_out.unsigned_abs(),
    };
    Ok(rows.into_iter().map(count).collect())
}

/// Titles of organisations by name; those not known are missing.
///
/// # Errors
/// The database fails.
pub async fn organisation_titles(conn: &mut PgConnection, names: &[String]) -> Result<Vec<(String, String)>> {
    Ok(sqlx::query_as("select name, title from organisation where name = any($1)").bind(names).fetch_all(conn).await?)
}

/// A subject as stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SubjectRow {
    /// Register it stands in.
    pub organisation: String,
    /// Key.
    pub key: String,
    /// Registered name.
    pub title: String,
    /// District.
    pub district: String,
    /// Industry.
    pub industry: String,
    /// Address.
    pub address: String,
    /// Status of life.
    pub in_business: bool,
    /// Whether the key is an old number.
    pub old_number: bool,
    /// Credit class or empty.
    pub credit_class: String,
    /// Revision, from 1.
    pub revision: i64,
    /// When it came in.
    pub created_at: DateTime<Utc>,
    /// Who changed it last.
    pub changed_by: String,
    /// What was changed last.
    pub changed_what: String,
}

/// Which subjects are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// `organisations/{organisation}`.
    pub organisation: String,
    /// Beginning of the key, or part of the title; empty for all.
    pub query: String,
    /// District; empty for all.
    pub district: String,
    /// Status; none for all.
    pub in_business: Option<bool>,
}

/// The next subjects by key, at most `rows`.
///
/// # Errors
/// The database fails.
pub async fn subjects(
    conn: &mut PgConnection,
    filter: &Filter,
    after: Option<&str>,
    rows: i64,
) -> Result<Vec<SubjectRow>> {
    let subjects = sqlx::query_as(
        "select organisation, key, title, district, industry, address, in_business, old_number, credit_class, revision,
                created_at, changed_by, changed_what
         from subject where organisation = $1 and ($2 = '' or starts_with(key, $2) or title ilike $3)
            and ($4 = '' or district = $4) and ($5::boolean is null or in_business = $5)
            and ($6::text is null or key > $6) order by key limit $7",
    )
    .bind(&filter.organisation)
    .bind(&filter.query)
    .bind(pages::like(&filter.query))
    .bind(&filter.district)
    .bind(filter.in_business)
    .bind(after)
    .bind(rows)
    .fetch_all(conn)
    .await?;
    Ok(subjects)
}

/// How many subjects match, counted up to 100,001.
///
/// # Errors
/// The database fails.
pub async fn count_subjects(conn: &mut PgConnection, filter: &Filter) -> Result<i64> {
    let count = sqlx::query_scalar(
        "select count(*) from (select from subject
            where organisation = $1 and ($2 = '' or starts_with(key, $2) or title ilike $3)
            and ($4 = '' or district = $4) and ($5::boolean is null or in_business = $5) limit $6) found",
    )
    .bind(&filter.organisation)
    .bind(&filter.query)
    .bind(pages::like(&filter.query))
    .bind(&filter.district)
    .bind(filter.in_business)
    .bind(COUNT_MAX)
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// One subject.
///
/// # Errors
/// `NOT_FOUND` when there is none.
pub async fn subject(conn: &mut PgConnection, organisation: &str, key: &str) -> Result<SubjectRow> {
    sqlx::query_as(
        "select organisation, key, title, district, industry, address, in_business, old_number, credit_class, revision,
                created_at, changed_by, changed_what
         from subject where organisation = $1 and key = $2",
    )
    .bind(organisation)
    .bind(key)
    .fetch_optional(conn)
    .await?
    .ok_or_else(|| Refusal::not_found(format!("{organisation}/subjects/{key}")))
}

/// One subject, locked until the transaction ends.
///
/// # Errors
/// `NOT_FOUND` when there is none.
pub async fn lock_subject(conn: &mut PgConnection, organisation: &str, key: &str) -> Result<SubjectRow> {
    sqlx::query("select from subject where organisation = $1 and key = $2 for update")
        .bind(organisation)
        .bind(key)
        .execute(&mut *conn)
        .await?;
    subject(conn, organisation, key).await
}

/// A change of a subject's status by hand.
#[derive(Debug)]
pub struct StatusChange<'a> {
    /// Status from now on.
    pub in_business: bool,
    /// Why.
    pub reason: &'a str,
    /// `users/{user}`.
    pub by: &'a str,
    /// When.
    pub at: DateTime<Utc>,
}

/// Writes a locked subject's new status, and why.
///
/// # Errors
/// The database fails.
pub async fn set_status(conn: &mut PgConnection, subject: &SubjectRow, change: &StatusChange<'_>) -> Result<()> {
    sqlx::query(
        "update subject set in_business = $3, revision = revision + 1, changed_at = $4, changed_by = $5, changed_what = $6
         where organisation = $1 and key = $2",
    )
    .bind(&subject.organisation)
    .bind(&subject.key)
    .bind(change.in_business)
    .bind(change.at)
    .bind(change.by)
    .bind(if change.in_business { "登记为在业 set in business" } else { "登记为不在业 set not in business" })
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "insert into subject_status (organisation, key, in_business, reason, actor, at) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&subject.organisation)
    .bind(&subject.key)
    .bind(change.in_business)
    .bind(change.reason)
    .bind(change.by)
    .bind(change.at)
    .execute(conn)
    .await?;
    Ok(())
}

/// An officer as known here, with what only lists show.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OfficerRow {
    /// Certificate number.
    pub key: String,
    /// Organisation.
    pub organisation: String,
    /// Districts covered.
    pub districts: Vec<String>,
    /// Specialties.
    pub specialties: Vec<String>,
    /// Last valid day.
    pub expire_on: NaiveDate,
    /// Whether available.
    pub active: bool,
}

/// The next officers of an organisation by key, at most `rows`.
///
/// # Errors
/// The database fails.
pub async fn list_officers(
    conn: &mut PgConnection,
    filter: &Filter,
    after: Option<&str>,
    rows: i64,
) -> Result<Vec<OfficerRow>> {
    let officers = sqlx::query_as(
        "select key, organisation, districts, specialties, expire_on, active from officer
         where organisation = $1 and key ilike $2 and ($3 = '' or $3 = any(districts))
            and ($4::text is null or key > $4) order by key limit $5",
    )
    .bind(&filter.organisation)
    .bind(pages::like(&filter.query))
    .bind(&filter.district)
    .bind(after)
    .bind(rows)
    .fetch_all(conn)
    .await?;
    Ok(officers)
}

/// Whether an officer serves in an organisation.
///
/// # Errors
/// The database fails.
pub async fn serves_in(conn: &mut PgConnection, organisation: &str, officer: &str) -> Result<bool> {
    let found = sqlx::query_scalar("select exists (select from officer where organisation = $1 and key = $2)");
    Ok(found.bind(organisation).bind(officer).fetch_one(conn).await?)
}

/// A declared conflict.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ConflictRow {
    /// Sorts by time.
    pub id: String,
    /// Organisation of the officer when it was declared.
    pub organisation: String,
    /// Certificate number.
    pub officer: String,
    /// Key of the subject.
    pub subject: String,
    /// Private reason.
    pub reason: String,
    /// Who declared it.
    pub creator: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Writes a conflict.
///
/// # Errors
/// `ALREADY_EXISTS` when the organisation has declared it before.
pub async fn insert_conflict(conn: &mut PgConnection, conflict: &ConflictRow) -> Result<()> {
    let inserted = sqlx::query(
        "insert into conflict (id, organisation, officer, subject, reason, creator, created_at, holder)
         values ($1, $2, $3, $4, $5, $6, $7, coalesce((select user_name from officer where key = $3), ''))",
    )
    .bind(&conflict.id)
    .bind(&conflict.organisation)
    .bind(&conflict.officer)
    .bind(&conflict.subject)
    .bind(&conflict.reason)
    .bind(&conflict.creator)
    .bind(conflict.created_at)
    .execute(conn)
    .await;
    match inserted {
        Ok(_) => Ok(()),
        Err(error) if violated(&error) == Some("conflict_declared_once") => {
            let name = format!("{} – {}", conflict.officer, conflict.subject);
            Err(Refusal::new(Reason::AlreadyExists).with("name", name))
        }
        Err(error) => Err(error.into()),
    }
}

/// The next conflicts an organisation declared, newest first, at most `rows`.
///
/// # Errors
/// The database fails.
pub async fn list_conflicts(
    conn: &mut PgConnection,
    organisation: &str,
    before: Option<&str>,
    rows: i64,
) -> Result<Vec<ConflictRow>> {
    let conflicts = sqlx::query_as(
        "select id, organisation, officer, subject, reason, creator, created_at from conflict
         where organisation = $1 and ($2::text is null or id < $2) order by id desc limit $3",
    )
    .bind(organisation)
    .bind(before)
    .bind(rows)
    .fetch_all(conn)
    .await?;
    Ok(conflicts)
}

/// Splits `organisations/{organisation}/{collection}/{id}`, and checks that the caller reaches it.
///
/// # Errors
/// `NOT_FOUND`.
pub fn within<'n>(name: &'n str, collection: &str, reach: &Reach) -> Result<(&'n str, &'n str)> {
    let split = || {
        let slash = name.strip_prefix("organisations/")?.find('/')? + "organisations/".len();
        let (organisation, rest) = name.split_at_checked(slash)?;
        let id = rest.strip_prefix('/')?.strip_prefix(collection)?.strip_prefix('/')?;
        (reach.covers(organisation) && !id.is_empty()).then_some((organisation, id))
    };
    split().ok_or_else(|| Refusal::not_found(name))
}

// The pure types of `rules` know nothing of rows; how they are read from one stands here.
impl<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> for Officer {
    fn from_row(row: &'r sqlx::postgres::PgRow) -> std::result::Result<Self, sqlx::Error> {
        Ok(Self {
            key: row.try_get("key")?,
            organisation: row.try_get("organisation")?,
            districts: row.try_get("districts")?,
            specialties: row.try_get("specialties")?,
        })
    }
}

impl<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> for PoolSubject {
    fn from_row(row: &'r sqlx::postgres::PgRow) -> std::result::Result<Self, sqlx::Error> {
        Ok(Self {
            key: row.try_get("key")?,
            title: row.try_get("title")?,
            district: row.try_get("district")?,
            in_business: row.try_get("in_business")?,
        })
    }
}
