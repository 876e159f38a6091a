//! One function per question to catalog's database, and the table that turns its constraints into refusals.

mod imports;
mod versions;

pub use imports::*;
pub use versions::*;

use chrono::{DateTime, Utc};
use kit::{
    error::{Reason, Refusal, Result, violated},
    order::{Field, Key, Orders, Page},
};
use proto::qingtian::catalog::v1 as pb;
use sqlx::{FromRow, PgConnection, PgPool, types::Json};

use crate::rules::{Check, Content, ItemState, Listing, sort_key};

/// What people write, as columns of `item` and of `item_version`.
const CONTENT: &str = "code, title, sub_title, legal_basis, inspecting_body, subject_scope, ratio, frequency, method,
    officer_demand, remark, grade, random_listed, checklist, leader, undertaking_unit, handler, listing";
const ITEM: &str = "name, organisation, sort_key, code, title, sub_title, legal_basis, inspecting_body, subject_scope, ratio,
    frequency, method, officer_demand, remark, grade, random_listed, checklist, leader, undertaking_unit, handler, listing, state,
    drafters, revision, changed_by, change, version, change_reason";

#[derive(FromRow)]
struct ContentRow {
    code: String,
    title: String,
    sub_title: String,
    legal_basis: String,
    inspecting_body: String,
    subject_scope: String,
    ratio: String,
    frequency: String,
    method: String,
    officer_demand: String,
    remark: String,
    grade: i32,
    random_listed: bool,
    checklist: Json<Vec<Check>>,
    leader: String,
    undertaking_unit: String,
    handler: String,
    listing: Json<Listing>,
}

impl From<ContentRow> for Content {
    fn from(row: ContentRow) -> Self {
        Self {
            code: row.code,
            title: row.title,
            sub_title: row.sub_title,
            legal_basis: row.legal_basis,
            inspecting_body: row.inspecting_body,
            subject_scope: row.subject_scope,
            ratio: row.ratio,
            frequency: row.frequency,
            method: row.method,
            officer_demand: row.officer_demand,
            remark: row.remark,
            grade: pb::ItemGrade::try_from(row.grade).unwrap_or_default(),
            random_listed: row.random_listed,
            checklist: row.checklist.0,
            leader: row.leader,
            undertaking_unit: row.undertaking_unit,
            handler: row.handler,
            listing: row.listing.0,
        }
    }
}

#[derive(FromRow)]
struct ItemRow {
    name: String,
    organisation: String,
    sort_key: String,
    #[sqlx(flatten)]
    content: ContentRow,
    state: String,
    drafters: Vec<String>,
    revision: i64,
    changed_by: String,
    change: String,
    version: i64,
    change_reason: String,
}

/// An item as stored.
#[derive(Debug, Clone)]
pub struct Item {
    pub name: String,
    pub organisation: String,
    pub sort_key: String,
    pub content: Content,
    pub state: ItemState,
    pub drafters: Vec<String>,
    pub revision: i64,
    pub changed_by: String,
    pub change: String,
    /// Number of the version in force; 0 before the first.
    pub version: i64,
    pub change_reason: String,
}

impl From<ItemRow> for Item {
    fn from(row: ItemRow) -> Self {
        Self {
            name: row.name,
            organisation: row.organisation,
            sort_key: row.sort_key,
            content: row.content.into(),
            state: ItemState::stored(&row.state),
            drafters: row.drafters,
            revision: row.revision,
            changed_by: row.changed_by,
            change: row.change,
            version: row.version,
            change_reason: row.change_reason,
        }
    }
}

impl Item {
    /// As the contract carries it.
    pub fn to_proto(&self) -> pb::Item {
        let item = self.content.to_item(&self.name, self.state, self.revision);
        pb::Item { version: self.version, change_reason: self.change_reason.clone(), ..item }
    }
}

/// What a constraint of these tables means to the caller.
fn refused(error: sqlx::Error, content: &Content) -> Refusal {
    match violated(&error) {
        Some("item_once") => Refusal::new(Reason::AlreadyExists).with("name", content.called()),
        Some("item_published_is_frozen") => Refusal::wrong_state(content.called(), "PUBLISHED", "edit"),
        Some(_) | None => error.into(),
    }
}

/// Locks an organisation's list: one act at a time changes it, so that uploads and people do not overtake one another.
/// Answers how often it was published.
pub async fn lock_list(db: &mut PgConnection, organisation: &str) -> Result<i64> {
    // The conflicting update changes nothing: it waits for whoever holds the row, and locks it.
    let revision = sqlx::query_scalar(
        "insert into item_list (organisation, revision) values ($1, 0)
         on conflict (organisation) do update set organisation = excluded.organisation returning revision",
    );
    Ok(revision.bind(organisation).fetch_one(db).await?)
}

/// Counts a publication of a list.
pub async fn save_list(db: &mut PgConnection, organisation: &str, revision: i64) -> Result<()> {
    let sql = "update item_list set revision = $2 where organisation = $1";
    sqlx::query(sql).bind(organisation).bind(revision).execute(db).await?;
    Ok(())
}

/// Adds a draft.
pub async fn insert_item(
    db: &mut PgConnection,
    name: &str,
    organisation: &str,
    content: &Content,
    drafter: &str,
    now: DateTime<Utc>,
) -> Result<Item> {
    let sql = format!(
        "insert into item (name, organisation, sort_key, code, title, sub_title, legal_basis, inspecting_body, subject_scope,
            ratio, frequency, method, officer_demand, remark, grade, random_listed, checklist, leader, undertaking_unit, handler,
            listing, state, drafters, revision, created_at, changed_by, change)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 'DRAFT',
            array[$22], 1, $23, $22, 'created') returning {ITEM}"
    );
    let row: ItemRow =
        with_content(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).bind(organisation), name, content)
            .bind(drafter)
            .bind(now)
            .fetch_one(db)
            .await
            .map_err(|error| refused(error, content))?;
    Ok(row.into())
}

/// Replaces what a draft says.
pub async fn save_content(
    db: &mut PgConnection,
    item: &Item,
    content: &Content,
    drafter: &str,
    change: &str,
) -> Result<Item> {
    let sql = format!(
        "update item set sort_key = $3, code = $4, title = $5, sub_title = $6, legal_basis = $7, inspecting_body = $8,
            subject_scope = $9, ratio = $10, frequency = $11, method = $12, officer_demand = $13, remark = $14, grade = $15,
            random_listed = $16, checklist = $17, leader = $18, undertaking_unit = $19, handler = $20, listing = $21,
            revision = revision + 1, changed_by = $22, change = $23,
            drafters = case when $22 = any (drafters) then drafters else drafters || $22 end
         where name = $1 and organisation = $2 returning {ITEM}"
    );
    let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(&item.name).bind(&item.organisation);
    let row: ItemRow = with_content(query, &item.name, content)
        .bind(drafter)
        .bind(change)
        .fetch_one(db)
        .await
        .map_err(|error| refused(error, content))?;
    Ok(row.into())
}

type ItemQuery<'q> = sqlx::query::QueryAs<'q, sqlx::Postgres, ItemRow, sqlx::postgres::PgArguments>;

/// Binds $3 to $21.
fn with_content<'q>(query: ItemQuery<'q>, name: &str, content: &'q Content) -> ItemQuery<'q> {
    let id = name.rsplit('/').next().unwrap_or_default();
    query
        .bind(sort_key(&content.code, id))
        .bind(&content.code)
        .bind(&content.title)
        .bind(&content.sub_title)
        .bind(&content.legal_basis)
        .bind(&content.inspecting_body)
        .bind(&content.subject_scope)
        .bind(&content.ratio)
        .bind(&content.frequency)
        .bind(&content.method)
        .bind(&content.officer_demand)
        .bind(&content.remark)
        .bind(content.grade as i32)
        .bind(content.random_listed)
        .bind(Json(&content.checklist))
        .bind(&content.leader)
        .bind(&content.undertaking_unit)
        .bind(&content.handler)
        .bind(Json(&content.listing))
}

/// One item within reach.
pub async fn item(pool: &PgPool, name: &str, reach: Option<&str>) -> Result<Item> {
    let sql = format!("select {ITEM} from item where name = $1 and ($2::text is null or organisation = $2)");
    let row: Option<ItemRow> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).bind(reach).fetch_optional(pool).await?;
    row.map(Into::into).ok_or_else(|| Refusal::not_found(name))
}

/// Locks one item within reach.
pub async fn lock_item(db: &mut PgConnection, name: &str, reach: Option<&str>) -> Result<Item> {
    let sql = format!("select {ITEM} from item where name = $1 and ($2::text is null or organisation = $2) for update");
    let row: Option<ItemRow> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).bind(reach).fetch_optional(db).await?;
    row.map(Into::into).ok_or_else(|| Refusal::not_found(name))
}

/// Locks the item with the same code, title and sub-item.
pub async fn lock_same(db: &mut PgConnection, organisation: &str, content: &Content) -> Result<Option<Item>> {
    let sql = format!(
        "select {ITEM} from item where organisation = $1 and code = $2 and title = $3 and sub_title = $4 for update"
    );
    let row: Option<ItemRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(organisation)
        .bind(&content.code)
        .bind(&content.title)
        .bind(&content.sub_title)
        .fetch_optional(db)
        .await?;
    Ok(row.map(Into::into))
}

/// Locks items of an organisation in the order of the list: those named, or its drafts, as many as one act may have.
pub async fn lock_items(db: &mut PgConnection, organisation: &str, names: &[String], rows: i64) -> Result<Vec<Item>> {
    let sql = format!(
        "select {ITEM} from item where organisation = $1
         and case when cardinality($2::text[]) = 0 then state = 'DRAFT' else name = any ($2) end
         order by sort_key limit $3 for update"
    );
    let rows: Vec<ItemRow> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organisation).bind(names).bind(rows).fetch_all(db).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Which items are asked for.
pub struct Filter<'a> {
    pub organisation: &'a str,
    /// Pattern for code, title or sub-item; all when none.
    pub pattern: Option<&'a str>,
    pub state: Option<ItemState>,
}

/// By what items are listed.
pub const ORDERS: Orders<Item> = Orders {
    fields: &[
        Field { name: "code", keys: &[CODE] },
        Field { name: "title", keys: &[Key::text("title collate \"C\"", |item| item.content.title.clone()), CODE] },
        Field { name: "grade", keys: &[Key::number("grade", |item| i64::from(item.content.grade as i32)), CODE] },
    ],
    default: "code",
};

/// As people count: "2" before "10".
const CODE: Key<Item> = Key::text("sort_key", |item| item.sort_key.clone());

/// The items of a page, with one more where there are more, and how many match in all.
pub async fn items(pool: &PgPool, filter: Filter<'_>, page: &Page<Item>) -> Result<(Vec<Item>, i64)> {
    const MATCH: &str = "organisation = $1 and ($2::text is null or code like $2 or title like $2 or sub_title like $2)
        and ($3::text is null or state = $3)";
    let state = filter.state.map(ItemState::as_str);
    let sql = format!("select {ITEM} from item where {MATCH}{}", page.sql(4));
    let rows = sqlx::query_as::<_, ItemRow>(sqlx::AssertSqlSafe(sql))
        .bind(filter.organisation)
        .bind(filter.pattern)
        .bind(state);
    let rows = page.bind(rows).fetch_all(pool).await?;
    let total = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from item where {MATCH}")))
        .bind(filter.organisation)
        .bind(filter.pattern)
        .bind(state)
        .fetch_one(pool)
        .await?;
    Ok((rows.into_iter().map(Into::into).collect(), total))
}
