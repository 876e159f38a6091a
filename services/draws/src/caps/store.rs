//! Questions to the table of caps (art. 17), one function each.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use kit::{
    auth::Reach,
    error::{Reason, Refusal, Result, violated},
    order::{Field, Key, Orders, Page},
    pages,
};
use sqlx::{FromRow, PgConnection, QueryBuilder, types::Json};

use super::rules::State;
use crate::registers::store::within;

/// A version as stored.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct CapRow {
    /// Sorts by time.
    pub id: String,
    /// Whose people keep it.
    pub organisation: String,
    /// Whose visits it bounds; empty for all together.
    pub authority: String,
    pub year: i32,
    pub limits: Json<BTreeMap<String, i32>>,
    pub basis: String,
    pub effective_on: NaiveDate,
    pub state: String,
    pub revision: i64,
    pub creator: String,
    pub created_at: DateTime<Utc>,
    pub decider: String,
    pub decided_at: Option<DateTime<Utc>>,
    pub reject_reason: String,
}

impl CapRow {
    /// `organisations/{organisation}/caps/{cap}`.
    pub fn name(&self) -> String {
        format!("{}/caps/{}", self.organisation, self.id)
    }

    /// Who wrote it last, and what that was.
    pub fn last_act(&self) -> (&str, &str) {
        match self.state.as_str() {
            "PUBLISHED" => (&self.decider, "公布 published"),
            "REJECTED" => (&self.decider, "退回 rejected"),
            _ => (&self.creator, "起草 drafted"),
        }
    }
}

const CAPS: &str =
    "select id, organisation, authority, year, limits, basis, effective_on, state, revision, creator, created_at,
    decider, decided_at, reject_reason from cap where ";

/// Writes a draft.
///
/// # Errors
/// The database fails.
pub async fn insert(conn: &mut PgConnection, cap: &CapRow) -> Result<()> {
    sqlx::query(
        "insert into cap (id, organisation, authority, year, limits, basis, effective_on, state, revision, creator, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(&cap.id)
    .bind(&cap.organisation)
    .bind(&cap.authority)
    .bind(cap.year)
    .bind(&cap.limits)
    .bind(&cap.basis)
    .bind(cap.effective_on)
    .bind(&cap.state)
    .bind(cap.revision)
    .bind(&cap.creator)
    .bind(cap.created_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Saves a decision; the row is locked.
///
/// # Errors
/// `CAP_DAY_TAKEN` when another published version of the authority takes effect on the same day.
pub async fn decide(conn: &mut PgConnection, cap: &CapRow) -> Result<()> {
    let saved = sqlx::query(
        "update cap set state = $2, revision = $3, decider = $4, decided_at = $5, reject_reason = $6 where id = $1",
    )
    .bind(&cap.id)
    .bind(&cap.state)
    .bind(cap.revision)
    .bind(&cap.decider)
    .bind(cap.decided_at)
    .bind(&cap.reject_reason)
    .execute(conn)
    .await;
    match saved {
        Ok(_) => Ok(()),
        Err(error) if violated(&error) == Some("cap_day_once") => {
            Err(Refusal::new(Reason::CapDayTaken).with("day", cap.effective_on))
        }
        Err(error) => Err(error.into()),
    }
}

/// One version within reach; `lock` until the transaction ends.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn get(conn: &mut PgConnection, name: &str, reach: &Reach, lock: bool) -> Result<CapRow> {
    let (organisation, id) = within(name, "caps", reach)?;
    let mut query = QueryBuilder::new(CAPS);
    query.push("organisation = ").push_bind(organisation).push(" and id = ").push_bind(id);
    if lock {
        query.push(" for update");
    }
    let row = query.build_query_as().fetch_optional(conn).await?;
    row.ok_or_else(|| Refusal::not_found(name))
}

/// Which versions a list is asked for.
#[derive(Debug, Default)]
pub struct Filter<'a> {
    /// Only an organisation's; none for all.
    pub organisation: Option<&'a str>,
    pub state: Option<State>,
    pub year: Option<i32>,
    pub query: &'a str,
}

/// By what versions are listed.
pub const ORDERS: Orders<CapRow> = Orders {
    fields: &[
        Field { name: "create_time", keys: &[Key::moment("created_at", |row| row.created_at), ID] },
        Field { name: "effective_date", keys: &[Key::day("effective_on", |row| row.effective_on), ID] },
    ],
    default: "create_time desc",
};

const ID: Key<CapRow> = Key::text("id collate \"C\"", |row| row.id.clone());

/// The versions of a page; without a page all of them, the last to take effect first.
///
/// # Errors
/// The database fails.
pub async fn list(conn: &mut PgConnection, filter: &Filter<'_>, page: Option<&Page<CapRow>>) -> Result<Vec<CapRow>> {
    let mut query = QueryBuilder::new(CAPS);
    query.push("true");
    if let Some(organisation) = filter.organisation {
        query.push(" and organisation = ").push_bind(organisation);
    }
    if let Some(state) = filter.state {
        query.push(" and state = ").push_bind(state.as_str());
    }
    if let Some(year) = filter.year {
        query.push(" and year = ").push_bind(year);
    }
    if !filter.query.is_empty() {
        query.push(" and basis ilike ").push_bind(pages::like(filter.query));
    }
    match page {
        Some(page) => page.push(&mut query),
        None => drop(query.push(" order by effective_on desc, id desc")),
    }
    Ok(query.build_query_as().fetch_all(conn).await?)
}
