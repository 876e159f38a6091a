//! Questions to the registers' tables (art. 13, 16), one function each.

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use futures::stream::BoxStream;
use kit::{
    auth::Reach,
    error::{Refusal, Result},
};
use sqlx::{PgConnection, Row};

use super::{entering::Origin, life::Life, rules::Officer};
use crate::{
    caps::{reserve, spent, spent_joins},
    plans::rules::{Plan, PoolCount},
    visits::takes_its_quarter,
};

/// A subject's columns, as [`SubjectRow`] reads them.
pub const SELECT: &str = "select organisation, key, title, district, industry, address, in_business, gone, old_number,
    credit_class, revision, created_at, changed_at, changed_by, changed_what, changed_why, changed_with from subject";

/// The subjects in a plan's scope, in the pool or not, as lines of [`super::rules::PoolSubject::of_line`] in no order. Read it in
/// a `repeatable read` transaction, so that officers and subjects belong to the same moment, and under a savepoint of its own,
/// rolled back afterwards: what is set here is meant for this question alone.
///
/// A COPY costs a fifth of what it costs to take ten million rows one by one, but takes no parameters, hence the settings. By
/// the index on keys it would visit a large register's pages in random order, which takes two to five times as long.
///
/// Whoever has a planned visit in `quarter` is left out (art. 17), and whose visits of the year are used up on `day`, by one join
/// each; where nobody has the one, and no cap is in force, they are spared.
///
/// # Errors
/// The database fails.
pub async fn pool<'c>(
    conn: &'c mut PgConnection,
    plan: &Plan,
    (quarter, day): Spared<'_>,
) -> Result<BoxStream<'c, sqlx::Result<Bytes>>> {
    let capped = reserve::any_in_force(conn, day).await?;
    let visited: bool = sqlx::query_scalar(
        "select exists (select from visit where quarter = $4) from
            (select set_config('draws.organisation', $1, true), set_config('draws.districts', $2, true),
                set_config('draws.quarter', $3, true), set_config('enable_indexscan', 'off', true),
                set_config('draws.day', $5, true), set_config('draws.counties', $6, true)) as settings",
    )
    .bind(&plan.organisation)
    .bind(plan.content.districts.join(","))
    .bind(quarter.unwrap_or_default())
    .bind(quarter)
    .bind(day.map(|day| day.to_string()).unwrap_or_default())
    .bind(counties(plan).to_string())
    .fetch_one(&mut *conn)
    .await?;
    if capped {
        let lines = conn.copy_out_raw(concat!(
            "copy (
                select key, s.district, credit_class,
                    case when not in_business then case when gone <> '' then gone else 'NOT_IN_BUSINESS' end
                        when v.subject is not null then 'VISITED_THIS_QUARTER' when ",
            spent!(),
            " then 'BUDGET_SPENT' end, s.title
                from subject s left join visit v on v.subject = s.key
                    and v.quarter = (select current_setting('draws.quarter')) and ",
            takes_its_quarter!(),
            spent_joins!(
                "(select current_setting('draws.day')::date)",
                "(select current_setting('draws.counties')::jsonb)"
            ),
            "   where s.organisation = (select current_setting('draws.organisation'))
                    and ((select current_setting('draws.districts')) = ''
                        or s.district = any((select string_to_array(current_setting('draws.districts'), ','))::text[]))
             ) to stdout",
        ));
        return Ok(lines.await?);
    }
    if visited {
        let lines = conn.copy_out_raw(concat!(
            "copy (
                select key, s.district, credit_class,
                    case when not in_business then case when gone <> '' then gone else 'NOT_IN_BUSINESS' end
                        when v.subject is not null then 'VISITED_THIS_QUARTER' end, s.title
                from subject s left join visit v on v.subject = s.key
                    and v.quarter = (select current_setting('draws.quarter')) and ",
            takes_its_quarter!(),
            "   where s.organisation = (select current_setting('draws.organisation'))
                    and ((select current_setting('draws.districts')) = ''
                        or s.district = any((select string_to_array(current_setting('draws.districts'), ','))::text[]))
             ) to stdout",
        ));
        return Ok(lines.await?);
    }
    let lines = conn.copy_out_raw(
        "copy (
            select key, district, credit_class,
                case when in_business then null when gone <> '' then gone else 'NOT_IN_BUSINESS' end, title
            from subject
            where organisation = (select current_setting('draws.organisation'))
                and ((select current_setting('draws.districts')) = ''
                    or district = any((select string_to_array(current_setting('draws.districts'), ','))::text[]))
         ) to stdout",
    );
    Ok(lines.await?)
}

/// The quarter in which nobody is visited twice, none where a published reason allows it, and the day whose caps
/// count, none where none do.
pub type Spared<'a> = (Option<&'a str>, Option<NaiveDate>);

/// Districts whose visits are another organisation's, which its caps bound then: where counties inspect (市抽县查).
pub(crate) fn counties(plan: &Plan) -> serde_json::Value {
    serde_json::json!(plan.content.foresees.county_units)
}

/// How many subjects a plan's scope holds, by district and credit class; whoever has a planned visit in the quarter, or none left
/// of the year's, is left out.
///
/// # Errors
/// The database fails.
pub async fn counts(conn: &mut PgConnection, plan: &Plan, (quarter, day): Spared<'_>) -> Result<Vec<PoolCount>> {
    let rows: Vec<(String, String, i64, i64)> = sqlx::query_as(concat!(
        "select district, credit_class, count(*) filter (where stays), count(*) filter (where not stays) from (
            select s.district, s.credit_class, s.in_business and v.subject is null and not (",
        spent!(),
        ") as stays
            from subject s left join visit v on v.quarter = $3 and v.subject = s.key and ",
        takes_its_quarter!(),
        spent_joins!("$4", "$5"),
        "where s.organisation = $1 and (cardinality($2::text[]) = 0 or s.district = any($2))) counted
         group by district, credit_class order by district, credit_class",
    ))
    .bind(&plan.organisation)
    .bind(&plan.content.districts)
    .bind(quarter)
    .bind(day)
    .bind(counties(plan))
    .fetch_all(conn)
    .await?;
    let count = |(district, class, subjects, left_out): (String, String, i64, i64)| PoolCount {
        district,
        class,
        subjects: subjects.unsigned_abs(),
        left_out: left_out.unsigned_abs(),
    };
    Ok(rows.into_iter().map(count).collect())
}

/// Where a subject stands in a pool.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Placed {
    /// Key.
    pub key: String,
    /// District.
    pub district: String,
    /// Credit class; empty for none.
    #[sqlx(rename = "credit_class")]
    pub class: String,
}

/// Those of these subjects that are in a plan's pool.
///
/// # Errors
/// The database fails.
pub async fn placed(conn: &mut PgConnection, plan: &Plan, keys: &[String]) -> Result<Vec<Placed>> {
    let placed = sqlx::query_as(
        "select key, district, credit_class from subject where organisation = $1 and key = any($3) and in_business
            and (cardinality($2::text[]) = 0 or district = any($2)) order by key",
    )
    .bind(&plan.organisation)
    .bind(&plan.content.districts)
    .bind(keys)
    .fetch_all(conn)
    .await?;
    Ok(placed)
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
    /// Whether it may be drawn.
    pub in_business: bool,
    /// How it went, where it is not in business and somebody knows.
    pub gone: String,
    /// Whether the key is an old number.
    pub old_number: bool,
    /// Credit class or empty.
    pub credit_class: String,
    /// Revision, from 1.
    pub revision: i64,
    /// When it came in.
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    pub changed_at: DateTime<Utc>,
    /// Who changed it last.
    pub changed_by: String,
    /// What was changed last.
    pub changed_what: String,
    /// Why; empty where no reason was asked for.
    pub changed_why: String,
    /// Name of the import or change request that brought it; empty for a single change by hand.
    pub changed_with: String,
}

impl SubjectRow {
    /// Status of life.
    pub fn life(&self) -> Life {
        Life::kept(self.in_business, &self.gone)
    }
}

/// One subject.
///
/// # Errors
/// `NOT_FOUND` when there is none.
pub async fn subject(conn: &mut PgConnection, organisation: &str, key: &str) -> Result<SubjectRow> {
    // The text is a constant of this module.
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} where organisation = $1 and key = $2")))
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

/// What changes of a subject by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit<'a> {
    /// Its status of life.
    Life(Life),
    /// Its district, six digits.
    District(&'a str),
}

/// Writes the same change to locked subjects; their versions before are kept by the database.
///
/// # Errors
/// The database fails.
pub async fn edit(
    conn: &mut PgConnection,
    organisation: &str,
    keys: &[String],
    edit: Edit<'_>,
    origin: Origin<'_>,
) -> Result<()> {
    let (life, district, what) = match edit {
        Edit::Life(life) => (Some(life), None, life.change().to_owned()),
        Edit::District(district) => (None, Some(district), format!("区划改为{district} district {district}")),
    };
    sqlx::query(
        "update subject set in_business = coalesce($3, in_business), gone = coalesce($4, gone),
            district = coalesce($5, district), revision = revision + 1, changed_at = $6, changed_by = $7,
            changed_what = $8, changed_why = $9, changed_with = $10
         where organisation = $1 and key = any($2)",
    )
    .persistent(false)
    .bind(organisation)
    .bind(keys)
    .bind(life.map(Life::in_business))
    .bind(life.map(Life::gone))
    .bind(district)
    .bind(origin.at)
    .bind(origin.by)
    .bind(what)
    .bind(origin.why)
    .bind(origin.with)
    .execute(conn)
    .await?;
    Ok(())
}

/// Subjects by key, in the order of keys; `lock` is empty or `for update`.
///
/// # Errors
/// The database fails.
pub async fn chosen(
    conn: &mut PgConnection,
    organisation: &str,
    keys: &[String],
    lock: &'static str,
) -> Result<Vec<SubjectRow>> {
    // The text is made of constants.
    let sql = format!("{SELECT} where organisation = $1 and key = any($2) order by key {lock}");
    let found = sqlx::query_as(sqlx::AssertSqlSafe(sql)).persistent(false).bind(organisation).bind(keys);
    Ok(found.fetch_all(conn).await?)
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
