//! One function per question about claims.

use chrono::{DateTime, NaiveDate, Utc};
use kit::{
    error::{Reason, Refusal, Result, violated},
    ledger::timestamp,
    order::{Field, Key, Orders, Page},
};
use prost::Message;
use proto::qingtian::catalog::v1 as pb;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, PgPool};

use super::rules::State;

/// The last day of the clock that runs stands beside the claim.
const CLAIM: &str =
    "claim.name, claim.organisation, code, title, sub_title, item, level, state, decline_reason, ruling_reason,
    made_item, renewal, issuer, issued_at, revision, changed_by, change, clock.due_on";
const FROM: &str =
    "claim left join clock on clock.aggregate = claim.name and clock.kind = 'item_claim' and clock.ended_on is null";

/// A claim as stored.
#[derive(Debug, Clone, FromRow)]
pub struct Claim {
    pub name: String,
    pub organisation: String,
    pub code: String,
    pub title: String,
    pub sub_title: String,
    pub item: Vec<u8>,
    pub level: i32,
    pub state: String,
    pub decline_reason: String,
    pub ruling_reason: String,
    pub made_item: Option<String>,
    pub renewal: bool,
    pub issuer: String,
    pub issued_at: DateTime<Utc>,
    pub revision: i64,
    pub changed_by: String,
    pub change: String,
    pub due_on: Option<NaiveDate>,
}

impl Claim {
    /// State.
    pub fn state(&self) -> State {
        State::stored(&self.state)
    }

    /// What people call it.
    pub fn called(&self) -> String {
        let sub = if self.sub_title.is_empty() { String::new() } else { format!("·{}", self.sub_title) };
        format!("{}{sub}", self.title)
    }

    /// Last day to claim it; empty when its clock ended.
    pub fn due(&self) -> String {
        self.due_on.map(|day| day.to_string()).unwrap_or_default()
    }

    /// The item as it was handed down.
    ///
    /// # Errors
    /// `INTERNAL` when what is stored is no item.
    pub fn handed_down(&self) -> Result<pb::Item> {
        pb::Item::decode(self.item.as_slice()).map_err(Refusal::internal)
    }

    /// As the contract carries it.
    ///
    /// # Errors
    /// As [`Claim::handed_down`].
    pub fn to_proto(&self) -> Result<pb::Claim> {
        Ok(pb::Claim {
            name: self.name.clone(),
            item: Some(self.handed_down()?),
            level: self.level,
            state: self.state().shown() as i32,
            due_date: self.due(),
            decline_reason: self.decline_reason.clone(),
            ruling_reason: self.ruling_reason.clone(),
            made_item: self.made_item.clone().unwrap_or_default(),
            renewal: self.renewal,
            issuer: self.issuer.clone(),
            issue_time: Some(timestamp(self.issued_at)),
            etag: self.revision.to_string(),
        })
    }
}

/// A version of the period in force on a day.
#[derive(Debug, FromRow)]
pub struct Setting {
    pub version: String,
    pub days: i32,
}

/// The period in force on a day.
///
/// # Errors
/// `INTERNAL` where none is, or the database fails.
pub async fn setting(db: &mut PgConnection, day: NaiveDate) -> Result<Setting> {
    let sql = "select version, days from claim_setting where effective_on <= $1 order by effective_on desc limit 1";
    let found: Option<Setting> = sqlx::query_as(sql).bind(day).fetch_optional(db).await?;
    found.ok_or_else(|| Refusal::internal(anyhow::anyhow!("no period for claims is in force on {day}")))
}

/// Those of the named that identity has not announced.
///
/// # Errors
/// The database fails.
pub async fn unknown(db: &mut PgConnection, names: &[String]) -> Result<Vec<String>> {
    let sql = "select n from unnest($1::text[]) n where not exists (select from organisation o where o.name = n)";
    Ok(sqlx::query_scalar(sql).bind(names).fetch_all(db).await?)
}

/// Something to claim.
pub struct New<'a> {
    pub name: &'a str,
    pub organisation: &'a str,
    pub item: &'a pb::Item,
    pub level: i32,
    pub issuer: &'a str,
}

/// Hands an item down to a department.
///
/// # Errors
/// `CLAIM_OPEN`; the database fails.
pub async fn insert(db: &mut PgConnection, new: &New<'_>, now: DateTime<Utc>) -> Result<()> {
    let inserted = sqlx::query(
        "insert into claim (name, organisation, code, title, sub_title, item, level, state, renewal, issuer, issued_at, revision,
            changed_by, change)
         select $1, $2, $3, $4, $5, $6, $7, 'TO_CLAIM', exists (select from claim c where c.organisation = $2 and c.code = $3
            and c.state = 'CLAIMED'), $8, $9, 1, $8, 'issued'",
    )
    .bind(new.name)
    .bind(new.organisation)
    .bind(&new.item.code)
    .bind(&new.item.title)
    .bind(&new.item.sub_title)
    .bind(new.item.encode_to_vec())
    .bind(new.level)
    .bind(new.issuer)
    .bind(now)
    .execute(db)
    .await;
    match inserted {
        Ok(_) => Ok(()),
        Err(error) if violated(&error) == Some("claim_open_once") => {
            let called = format!("{} {}", new.item.code, new.item.title);
            Err(Refusal::new(Reason::ClaimOpen).with("organisation", new.organisation).with("item", called))
        }
        Err(error) => Err(error.into()),
    }
}

/// One claim within reach.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn find(db: &mut PgConnection, name: &str, reach: Option<&str>) -> Result<Claim> {
    let sql =
        format!("select {CLAIM} from {FROM} where claim.name = $1 and ($2::text is null or claim.organisation = $2)");
    let row = sqlx::query_as(AssertSqlSafe(sql)).bind(name).bind(reach).fetch_optional(db).await?;
    row.ok_or_else(|| Refusal::not_found(name))
}

/// Locks one claim within reach.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn lock(db: &mut PgConnection, name: &str, reach: Option<&str>) -> Result<Claim> {
    let sql = "select from claim where name = $1 and ($2::text is null or organisation = $2) for update";
    sqlx::query(sql).bind(name).bind(reach).fetch_optional(&mut *db).await?;
    find(db, name, reach).await
}

/// What a claim becomes.
pub struct Change<'a> {
    pub state: State,
    pub decline_reason: &'a str,
    pub ruling_reason: &'a str,
    pub made_item: Option<&'a str>,
    pub actor: &'a str,
    pub change: &'a str,
}

/// Saves what a locked claim becomes.
///
/// # Errors
/// The database fails.
pub async fn save(db: &mut PgConnection, name: &str, change: &Change<'_>) -> Result<Claim> {
    sqlx::query(
        "update claim set state = $2, decline_reason = $3, ruling_reason = $4, made_item = $5, revision = revision + 1,
            changed_by = $6, change = $7 where name = $1",
    )
    .bind(name)
    .bind(change.state.as_str())
    .bind(change.decline_reason)
    .bind(change.ruling_reason)
    .bind(change.made_item)
    .bind(change.actor)
    .bind(change.change)
    .execute(&mut *db)
    .await?;
    find(db, name, None).await
}

/// The item that a department made of the last claim of the same code.
///
/// # Errors
/// The database fails.
pub async fn made_before(db: &mut PgConnection, claim: &Claim) -> Result<Option<String>> {
    let sql = "select made_item from claim where organisation = $1 and code = $2 and state = 'CLAIMED'
               order by issued_at desc, name desc limit 1";
    Ok(sqlx::query_scalar(sql).bind(&claim.organisation).bind(&claim.code).fetch_optional(db).await?)
}

/// By what claims are listed.
pub const ORDERS: Orders<Claim> = Orders {
    fields: &[
        Field { name: "issue_time", keys: &[Key::moment("claim.issued_at", |claim| claim.issued_at), NAME] },
        Field { name: "code", keys: &[Key::text("code collate \"C\"", |claim| claim.code.clone()), NAME] },
        Field { name: "title", keys: &[Key::text("title collate \"C\"", |claim| claim.title.clone()), NAME] },
    ],
    default: "issue_time desc",
};
const NAME: Key<Claim> = Key::text("claim.name collate \"C\"", |claim| claim.name.clone());

/// Which claims are asked for.
pub struct Filter<'a> {
    pub organisation: Option<&'a str>,
    pub pattern: Option<&'a str>,
    pub state: Option<State>,
}

/// A page of claims, and how many match in all.
///
/// # Errors
/// The database fails.
pub async fn list(pool: &PgPool, filter: &Filter<'_>, page: &Page<Claim>) -> Result<(Vec<Claim>, i64)> {
    const MATCH: &str =
        "($1::text is null or claim.organisation = $1) and ($2::text is null or code like $2 or title like $2)
        and ($3::text is null or state = $3)";
    let state = filter.state.map(State::as_str);
    let sql = format!("select {CLAIM} from {FROM} where {MATCH}{}", page.sql(4));
    let rows = sqlx::query_as(AssertSqlSafe(sql)).bind(filter.organisation).bind(filter.pattern).bind(state);
    let rows = page.bind(rows).fetch_all(pool).await?;
    let sql = format!("select count(*) from claim where {MATCH}");
    let total = sqlx::query_scalar(AssertSqlSafe(sql)).bind(filter.organisation).bind(filter.pattern).bind(state);
    Ok((rows, total.fetch_one(pool).await?))
}
