//! Versions of items: what each publication was, and how an item enters and leaves a revision (art. 8).

use chrono::{DateTime, Utc};
use kit::{
    error::{Refusal, Result},
    ledger::timestamp,
    order::{Field, Key, Orders, Page},
};
use proto::qingtian::catalog::v1 as pb;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, PgPool};

use super::{CONTENT, ContentRow, ITEM, Item, ItemRow, refused};
use crate::rules::{Content, ItemState};

/// Saves that an item is published, and keeps the version it is now.
pub async fn save_published(db: &mut PgConnection, item: &Item, actor: &str, now: DateTime<Utc>) -> Result<Item> {
    let sql = format!(
        "update item set state = 'PUBLISHED', version = version + 1, published_by = $2, published_at = $3,
            revision = revision + 1, changed_by = $2, change = 'published', change_reason = '' where name = $1 returning {ITEM}"
    );
    let row: ItemRow = sqlx::query_as(AssertSqlSafe(sql))
        .bind(&item.name)
        .bind(actor)
        .bind(now)
        .fetch_one(&mut *db)
        .await
        .map_err(|error| refused(error, &item.content))?;
    let sql = format!(
        "insert into item_version (item, number, organisation, sort_key, {CONTENT}, drafters, revision, published_by, published_at,
            reason)
         select name, version, organisation, sort_key, {CONTENT}, drafters, revision, published_by, published_at, $2
         from item where name = $1"
    );
    sqlx::query(AssertSqlSafe(sql)).bind(&item.name).bind(&item.change_reason).execute(db).await?;
    Ok(row.into())
}

/// Opens a revision: whoever opens it is the first who wrote in it.
pub async fn save_revising(db: &mut PgConnection, item: &Item, actor: &str, reason: &str) -> Result<Item> {
    let sql = format!(
        "update item set state = 'REVISING', drafters = array[$2], change_reason = $3, revision = revision + 1, changed_by = $2,
            change = 'revised' where name = $1 returning {ITEM}"
    );
    let query = sqlx::query_as(AssertSqlSafe(sql)).bind(&item.name).bind(actor).bind(reason);
    let row: ItemRow = query.fetch_one(db).await.map_err(|error| refused(error, &item.content))?;
    Ok(row.into())
}

/// Drops what a revision wrote: the item says again what its version in force says, in this state.
pub async fn save_restored(
    db: &mut PgConnection,
    item: &Item,
    state: ItemState,
    actor: &str,
    change: &str,
    reason: &str,
) -> Result<Item> {
    let kept =
        |of: &str| CONTENT.split(',').map(|column| format!("{of}{}", column.trim())).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "update item set (sort_key, drafters, {}) = (select v.sort_key, v.drafters, {} from item_version v
            where v.item = item.name and v.number = item.version),
            state = $2, revision = revision + 1, changed_by = $3, change = $4, change_reason = $5
         where name = $1 returning {ITEM}",
        kept(""),
        kept("v.")
    );
    let row: ItemRow = sqlx::query_as(AssertSqlSafe(sql))
        .bind(&item.name)
        .bind(state.as_str())
        .bind(actor)
        .bind(change)
        .bind(reason)
        .fetch_one(db)
        .await
        .map_err(|error| refused(error, &item.content))?;
    Ok(row.into())
}

/// What an item says in its version in force; none before the first.
pub async fn in_force(db: &mut PgConnection, item: &Item) -> Result<Option<Content>> {
    if item.version == 0 {
        return Ok(None);
    }
    let sql = format!("select {CONTENT} from item_version where item = $1 and number = $2");
    let row: Option<ContentRow> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(&item.name).bind(item.version).fetch_optional(db).await?;
    Ok(row.map(Into::into))
}

#[derive(FromRow)]
struct VersionRow {
    item: String,
    number: i64,
    #[sqlx(flatten)]
    content: ContentRow,
    revision: i64,
    published_by: String,
    published_at: DateTime<Utc>,
    reason: String,
}

/// A version as stored.
pub struct Version {
    pub number: i64,
    pub content: Content,
    item: String,
    revision: i64,
    published_by: String,
    published_at: DateTime<Utc>,
    reason: String,
}

impl From<VersionRow> for Version {
    fn from(row: VersionRow) -> Self {
        Self {
            number: row.number,
            content: row.content.into(),
            item: row.item,
            revision: row.revision,
            published_by: row.published_by,
            published_at: row.published_at,
            reason: row.reason,
        }
    }
}

impl Version {
    /// As the contract carries it.
    pub fn to_proto(&self) -> pb::ItemVersion {
        let item = self.content.to_item(&self.item, ItemState::Published, self.revision);
        pb::ItemVersion {
            name: format!("{}/versions/{}", self.item, self.number),
            number: self.number,
            item: Some(pb::Item { version: self.number, ..item }),
            publish_time: Some(timestamp(self.published_at)),
            publisher: self.published_by.clone(),
            reason: self.reason.clone(),
        }
    }
}

const VERSION: &str = "item, number, code, title, sub_title, legal_basis, inspecting_body, subject_scope, ratio, frequency, method,
    officer_demand, remark, grade, random_listed, checklist, leader, undertaking_unit, handler, listing, revision, published_by,
    published_at, reason";

/// By what versions are listed.
pub const VERSION_ORDERS: Orders<Version> = Orders {
    fields: &[Field { name: "number", keys: &[Key::number("number", |version| version.number)] }],
    default: "number desc",
};

/// The versions of a page of an item.
pub async fn versions(pool: &PgPool, item: &str, page: &Page<Version>) -> Result<Vec<Version>> {
    let sql = format!("select {VERSION} from item_version where item = $1{}", page.sql(2));
    let rows = sqlx::query_as::<_, VersionRow>(AssertSqlSafe(sql)).bind(item);
    Ok(page.bind(rows).fetch_all(pool).await?.into_iter().map(Into::into).collect())
}

/// One version of an item.
pub async fn version(pool: &PgPool, item: &str, number: i64) -> Result<Version> {
    let sql = format!("select {VERSION} from item_version where item = $1 and number = $2");
    let row: Option<VersionRow> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(item).bind(number).fetch_optional(pool).await?;
    row.map(Into::into).ok_or_else(|| Refusal::not_found(format!("{item}/versions/{number}")))
}
