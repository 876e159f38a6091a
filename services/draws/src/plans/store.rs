//! Questions to the plans' tables (art. 9, 14), one function each.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use kit::{
    auth::Reach,
    error::{Reason, Refusal, Result},
    order::{Field, Key, Orders, Page},
    pages,
};
use proto::qingtian::draws::v1 as pb;
use sqlx::{PgConnection, types::Json};

use super::{
    exceptions::Exceptions,
    foresees::Foresees,
    rules::{Amount, Content, Plan, PlanId, State, TeamPart},
    shape::Shape,
};

const SELECT: &str =
    "select year, number, organisation, title, kind, state, items, districts, stratification, quotas, teams,
    cover_district, start_on, end_on, method, frequency, exceptions, return_reason, late, revision, creator, authors,
    publisher, created_at, published_at, changed_at, changed_by, changed_what, foresees, shape from plan";

#[derive(sqlx::FromRow)]
struct Row {
    year: i32,
    number: i32,
    organisation: String,
    title: String,
    kind: String,
    state: String,
    items: Vec<String>,
    districts: Vec<String>,
    stratification: String,
    quotas: Json<BTreeMap<String, Amount>>,
    teams: Json<Vec<TeamPart>>,
    cover_district: bool,
    start_on: Option<NaiveDate>,
    end_on: Option<NaiveDate>,
    method: String,
    frequency: String,
    exceptions: Json<Exceptions>,
    return_reason: String,
    late: bool,
    revision: i64,
    creator: String,
    authors: Vec<String>,
    publisher: String,
    created_at: DateTime<Utc>,
    published_at: Option<DateTime<Utc>>,
    changed_at: DateTime<Utc>,
    changed_by: String,
    changed_what: String,
    foresees: Json<Foresees>,
    shape: Json<Shape>,
}

impl TryFrom<Row> for Plan {
    type Error = Refusal;

    fn try_from(row: Row) -> Result<Self> {
        let unknown = |what: &str| Refusal::internal(anyhow::anyhow!("stored plan has an unknown {what}"));
        Ok(Self {
            id: PlanId { year: row.year, number: row.number },
            organisation: row.organisation,
            content: Content {
                title: row.title,
                kind: pb::PlanKind::from_str_name(&row.kind).ok_or_else(|| unknown("kind"))?,
                items: row.items,
                districts: row.districts,
                stratification: pb::Stratification::from_str_name(&row.stratification)
                    .ok_or_else(|| unknown("stratification"))?,
                quotas: row.quotas.0,
                teams: row.teams.0,
                cover_district: row.cover_district,
                start: row.start_on,
                end: row.end_on,
                method: row.method,
                frequency: row.frequency,
                exceptions: row.exceptions.0,
                foresees: row.foresees.0,
                shape: row.shape.0,
            },
            state: State::parse(&row.state).ok_or_else(|| unknown("state"))?,
            revision: row.revision,
            creator: row.creator,
            authors: row.authors,
            publisher: row.publisher,
            return_reason: row.return_reason,
            late: row.late,
            created_at: row.created_at,
            published_at: row.published_at,
            changed_at: row.changed_at,
            changed_by: row.changed_by,
            changed_what: row.changed_what,
        })
    }
}

/// A plan, whole, by its name `plans/{plan}`, where the caller reaches its organisation.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn load(conn: &mut PgConnection, name: &str, reach: &Reach) -> Result<Plan> {
    find(conn, name, reach, "").await
}

/// As [`load`], locked until the transaction ends.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn lock(conn: &mut PgConnection, name: &str, reach: &Reach) -> Result<Plan> {
    find(conn, name, reach, " for update").await
}

async fn find(conn: &mut PgConnection, name: &str, reach: &Reach, lock: &str) -> Result<Plan> {
    let id = PlanId::parse(name)?;
    let sql = format!("{SELECT} where year = $1 and number = $2 and ($3::text is null or organisation = $3){lock}");
    // Both parts of the text are constants of this module.
    let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(id.year)
        .bind(id.number)
        .bind(reach.organisation())
        .fetch_optional(conn)
        .await?;
    row.ok_or_else(|| Refusal::not_found(name))?.try_into()
}

/// Which plans are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Part of the title; empty for all.
    pub query: String,
    /// State; none for all.
    pub state: Option<State>,
    /// Year; none for all.
    pub year: Option<i32>,
}

/// By what plans are listed. A plan without end or publication stands before all others.
pub const ORDERS: Orders<Plan> = Orders {
    fields: &[
        Field { name: "number", keys: &[YEAR, NUMBER] },
        Field {
            name: "title",
            keys: &[Key::text("title collate \"C\"", |plan| plan.content.title.clone()), YEAR, NUMBER],
        },
        Field { name: "end_date", keys: &[Key::day(END, |plan| plan.content.end.unwrap_or_default()), YEAR, NUMBER] },
        Field {
            name: "publish_time",
            keys: &[Key::moment(PUBLISHED, |plan| plan.published_at.unwrap_or_default()), YEAR, NUMBER],
        },
    ],
    default: "number desc",
};

const YEAR: Key<Plan> = Key::number("year", |plan| plan.id.year.into());
const NUMBER: Key<Plan> = Key::number("number", |plan| plan.id.number.into());
const END: &str = "coalesce(end_on, 'epoch')";
const PUBLISHED: &str = "coalesce(published_at, 'epoch')";

/// The plans of a page within reach.
///
/// # Errors
/// The database fails.
pub async fn list(conn: &mut PgConnection, reach: &Reach, filter: &Filter, page: &Page<Plan>) -> Result<Vec<Plan>> {
    let sql = format!(
        "{SELECT} where ($1::text is null or organisation = $1) and title ilike $2 and ($3::text is null or state = $3)
            and ($4::integer is null or year = $4){}",
        page.sql(5)
    );
    // The text is made of constants.
    let found = sqlx::query_as::<_, Row>(sqlx::AssertSqlSafe(sql))
        .bind(reach.organisation())
        .bind(pages::like(&filter.query))
        .bind(filter.state.map(State::as_str))
        .bind(filter.year);
    let found = page.bind(found).fetch_all(conn).await?;
    found.into_iter().map(TryInto::try_into).collect()
}

/// Takes the year's next number. The row stays locked until the transaction ends, so numbers have no gaps.
///
/// # Errors
/// The database fails.
pub async fn next_number(conn: &mut PgConnection, year: i32) -> Result<PlanId> {
    let number = sqlx::query_scalar(
        "insert into plan_year (year, last) values ($1, 1)
         on conflict (year) do update set last = plan_year.last + 1 returning last",
    )
    .bind(year)
    .fetch_one(conn)
    .await?;
    Ok(PlanId { year, number })
}

/// Writes a new plan.
///
/// # Errors
/// The database fails.
pub async fn insert(conn: &mut PgConnection, plan: &Plan) -> Result<()> {
    sqlx::query(
        "insert into plan (year, number, name, organisation, title, kind, state, items, districts, stratification, quotas,
            teams, cover_district, start_on, end_on, method, frequency, exceptions, revision, creator, authors,
            created_at, changed_at, changed_by, changed_what, foresees, shape)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
            $24, $25, $26, $27)",
    )
    .bind(plan.id.year)
    .bind(plan.id.number)
    .bind(plan.name())
    .bind(&plan.organisation)
    .bind(&plan.content.title)
    .bind(plan.content.kind.as_str_name())
    .bind(plan.state.as_str())
    .bind(&plan.content.items)
    .bind(&plan.content.districts)
    .bind(plan.content.stratification.as_str_name())
    .bind(Json(&plan.content.quotas))
    .bind(Json(&plan.content.teams))
    .bind(plan.content.cover_district)
    .bind(plan.content.start)
    .bind(plan.content.end)
    .bind(&plan.content.method)
    .bind(&plan.content.frequency)
    .bind(Json(&plan.content.exceptions))
    .bind(plan.revision)
    .bind(&plan.creator)
    .bind(&plan.authors)
    .bind(plan.created_at)
    .bind(plan.changed_at)
    .bind(&plan.changed_by)
    .bind(&plan.changed_what)
    .bind(Json(&plan.content.foresees))
    .bind(Json(&plan.content.shape))
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes a locked plan's next revision.
///
/// # Errors
/// The database fails.
pub async fn update(conn: &mut PgConnection, plan: &Plan) -> Result<()> {
    sqlx::query(
        "update plan set title = $3, kind = $4, state = $5, items = $6, districts = $7, stratification = $8, quotas = $9,
            teams = $10, cover_district = $11, start_on = $12, end_on = $13, method = $14, frequency = $15,
            exceptions = $16, return_reason = $17, late = $18, revision = $19, authors = $20, publisher = $21,
            published_at = $22, changed_at = $23, changed_by = $24, changed_what = $25, foresees = $26, shape = $27
         where year = $1 and number = $2",
    )
    .bind(plan.id.year)
    .bind(plan.id.number)
    .bind(&plan.content.title)
    .bind(plan.content.kind.as_str_name())
    .bind(plan.state.as_str())
    .bind(&plan.content.items)
    .bind(&plan.content.districts)
    .bind(plan.content.stratification.as_str_name())
    .bind(Json(&plan.content.quotas))
    .bind(Json(&plan.content.teams))
    .bind(plan.content.cover_district)
    .bind(plan.content.start)
    .bind(plan.content.end)
    .bind(&plan.content.method)
    .bind(&plan.content.frequency)
    .bind(Json(&plan.content.exceptions))
    .bind(&plan.return_reason)
    .bind(plan.late)
    .bind(plan.revision)
    .bind(&plan.authors)
    .bind(&plan.publisher)
    .bind(plan.published_at)
    .bind(plan.changed_at)
    .bind(&plan.changed_by)
    .bind(&plan.changed_what)
    .bind(Json(&plan.content.foresees))
    .bind(Json(&plan.content.shape))
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether all items may be planned: published, on the random-inspection list, with an effective checklist (art. 9, 12).
///
/// # Errors
/// `ITEM_NOT_PLANNABLE` names the first that may not.
pub async fn check_items(conn: &mut PgConnection, items: &[String]) -> Result<()> {
    let wrong: Option<String> = sqlx::query_scalar(
        "select coalesce(item.title, wanted.name) from unnest($1::text[]) with ordinality wanted (name, place)
         left join item on item.name = wanted.name
         where item.name is null or not (item.published and item.random_listed and item.has_checklist)
         order by wanted.place limit 1",
    )
    .bind(items)
    .fetch_optional(conn)
    .await?;
    match wrong {
        None => Ok(()),
        Some(item) => Err(Refusal::new(Reason::ItemNotPlannable).with("item", item)),
    }
}
