//! Questions to the table of declarations (art. 16), one function each.

use chrono::{DateTime, NaiveDate, Utc};
use kit::{
    error::{Reason, Refusal, Result, violated},
    ledger::timestamp,
    order::{Field, Key, Orders, Page},
    pages,
};
use proto::qingtian::draws::v1 as pb;
use sqlx::{AssertSqlSafe, FromRow, PgConnection};

use crate::people::{Sight, is_expert};

/// A declaration as stored.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct DeclarationRow {
    pub id: String,
    pub holder: String,
    pub organisation: String,
    /// Certificate or register number when it was declared.
    pub person: String,
    pub year: i32,
    pub subjects: Vec<String>,
    pub creator: String,
    pub created_at: DateTime<Utc>,
}

impl DeclarationRow {
    /// As the contract shows it.
    pub fn message(&self) -> pb::Declaration {
        pb::Declaration {
            name: format!("{}/declarations/{}", self.organisation, self.id),
            person: self.person.clone(),
            expert: is_expert(&self.holder),
            year: self.year,
            subjects: self.subjects.clone(),
            creator: self.creator.clone(),
            create_time: Some(timestamp(self.created_at)),
        }
    }
}

const DECLARATIONS: &str =
    "select d.id, d.holder, d.organisation, d.person, d.year, d.subjects, d.creator, d.created_at from declaration d";

/// Writes a declaration.
///
/// # Errors
/// `ALREADY_DECLARED`.
pub async fn insert(conn: &mut PgConnection, declaration: &DeclarationRow) -> Result<()> {
    sqlx::query(
        "insert into declaration (id, holder, organisation, person, year, subjects, creator, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&declaration.id)
    .bind(&declaration.holder)
    .bind(&declaration.organisation)
    .bind(&declaration.person)
    .bind(declaration.year)
    .bind(&declaration.subjects)
    .bind(&declaration.creator)
    .bind(declaration.created_at)
    .execute(conn)
    .await
    .map_err(|error| match violated(&error) {
        Some("declaration_once_a_year") => {
            Refusal::new(Reason::AlreadyDeclared).with("person", &declaration.person).with("year", declaration.year)
        }
        _ => error.into(),
    })?;
    Ok(())
}

/// What a person declared for a year.
///
/// # Errors
/// The database fails.
pub async fn of(conn: &mut PgConnection, holder: &str, year: i32) -> Result<Option<DeclarationRow>> {
    // The text is a constant of this module.
    let sql = format!("{DECLARATIONS} where holder = $1 and year = $2");
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(holder).bind(year).fetch_optional(conn).await?)
}

/// By what declarations are listed.
pub const ORDERS: Orders<DeclarationRow> = Orders {
    fields: &[
        Field { name: "create_time", keys: &[ID] },
        Field { name: "person", keys: &[Key::text("d.person collate \"C\"", |row| row.person.clone()), ID] },
        Field { name: "year", keys: &[Key::number("d.year", |row| row.year.into()), ID] },
    ],
    default: "create_time desc",
};

/// Sorts by time.
const ID: Key<DeclarationRow> = Key::text("d.id", |row| row.id.clone());

/// The declarations of a page.
///
/// # Errors
/// The database fails.
pub async fn list(
    conn: &mut PgConnection,
    organisation: &str,
    sight: &Sight,
    (year, query): (Option<i32>, &str),
    page: &Page<DeclarationRow>,
) -> Result<Vec<DeclarationRow>> {
    let sql = format!(
        "{DECLARATIONS} where d.organisation = $1
            and ($2::text is null or d.holder = (select user_name from officer where key = $2))
            and ($3::integer is null or d.year = $3) and d.person ilike $4{}",
        page.sql(5)
    );
    let found = sqlx::query_as(AssertSqlSafe(sql))
        .bind(organisation)
        .bind(sight.certificate())
        .bind(year)
        .bind(pages::like(query));
    Ok(page.bind(found).fetch_all(conn).await?)
}

/// One who has not declared.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct UndeclaredRow {
    pub person: String,
    pub expert: bool,
    pub conflicts: i64,
}

/// `$1`: organisation, `$2`: year, `$3`: today, `$4`: pattern of the number. Who may not be drawn anyway owes nothing.
const UNDECLARED: &str = "(
    select o.key as person, false as expert, o.user_name as holder from officer o
    where o.organisation = $1 and o.active and o.expire_on >= $3
    union all
    select e.key, true, 'experts/' || e.key from expert e
    where e.organisation = $1 and (e.retired_on is null or e.retired_on > $3)) as known
    where not exists (select from declaration d where d.holder = known.holder and d.year = $2) and known.person ilike $4";

/// The next who have not declared, by key, officers before experts, at most `rows`. An officer and an expert may bear one key.
///
/// # Errors
/// The database fails.
pub async fn undeclared(
    conn: &mut PgConnection,
    organisation: &str,
    (year, today, query): (i32, NaiveDate, &str),
    after: Option<(&str, bool)>,
    rows: i64,
) -> Result<Vec<UndeclaredRow>> {
    let sql = format!(
        "select person, expert, (select count(distinct subject) from conflict c where c.holder = known.holder and not exists
            (select from conflict_lift l where l.conflict = c.id and l.state = 'LIFTED')) as conflicts
         from {UNDECLARED} and ($5::text is null or (person collate \"C\", expert) > ($5, $6))
         order by person collate \"C\", expert limit $7"
    );
    let (person, expert) = after.unzip();
    let found = sqlx::query_as(AssertSqlSafe(sql))
        .bind(organisation)
        .bind(year)
        .bind(today)
        .bind(pages::like(query))
        .bind(person)
        .bind(expert)
        .bind(rows)
        .fetch_all(conn)
        .await?;
    Ok(found)
}

/// How many have not declared.
///
/// # Errors
/// The database fails.
pub async fn count_undeclared(
    conn: &mut PgConnection,
    organisation: &str,
    (year, today, query): (i32, NaiveDate, &str),
) -> Result<i64> {
    let sql = format!("select count(*) from {UNDECLARED}");
    let counted = sqlx::query_scalar(AssertSqlSafe(sql)).bind(organisation).bind(year).bind(today);
    Ok(counted.bind(pages::like(query)).fetch_one(conn).await?)
}

/// How many of these officers, by certificate, and of these experts, by key, have not declared for a year.
///
/// # Errors
/// The database fails.
pub async fn undeclared_among(
    conn: &mut PgConnection,
    officers: &[&str],
    experts: &[&str],
    year: i32,
) -> Result<(i64, i64)> {
    let sql = "select
        (select count(*) from officer o where o.key = any($1)
            and not exists (select from declaration d where d.holder = o.user_name and d.year = $3)),
        (select count(*) from unnest($2::text[]) as expert (key)
            where not exists (select from declaration d where d.holder = 'experts/' || expert.key and d.year = $3))";
    Ok(sqlx::query_as(sql).bind(officers).bind(experts).bind(year).fetch_one(conn).await?)
}
