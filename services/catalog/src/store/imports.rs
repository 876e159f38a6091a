//! Imports: what became of an uploaded table, row by row.

use chrono::{DateTime, Duration, Utc};
use kit::{
    error::{Refusal, Result},
    ledger::timestamp,
    order::{Field, Key, Orders, Page},
    pages,
    sheet::Problem,
};
use proto::qingtian::common::v1::{Import, ImportState, RowProblem};
use sqlx::{AssertSqlSafe, FromRow, PgConnection, PgPool};

/// Problems shown with an import; all of them are in its report.
const PROBLEMS_SHOWN: i64 = 100;
/// An upload that stood still for so long is given up.
const STANDSTILL: Duration = Duration::minutes(10);

/// What became of the rows of an import, so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub returned: i64,
}

/// Opens an import.
pub async fn insert_import(
    db: &mut PgConnection,
    name: &str,
    organisation: &str,
    file_name: &str,
    creator: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query(
        "insert into item_import (name, organisation, file_name, state, encoding, created_at, progressed_at, creator)
         values ($1, $2, $3, 'RUNNING', '', $4, $4, $5)",
    )
    .bind(name)
    .bind(organisation)
    .bind(file_name)
    .bind(now)
    .bind(creator)
    .execute(db)
    .await?;
    Ok(())
}

/// Adds what became of some rows, with the values returned.
pub async fn add_progress(
    db: &mut PgConnection,
    name: &str,
    counts: Counts,
    problems: &[Problem],
    now: DateTime<Utc>,
) -> Result<()> {
    let before: Option<i64> = sqlx::query_scalar(
        "update item_import set created = created + $2, updated = updated + $3, unchanged = unchanged + $4,
            returned = returned + $5, problems = problems + $6, progressed_at = $7
         where name = $1 and state = 'RUNNING' returning problems - $6",
    )
    .bind(name)
    .bind(counts.created)
    .bind(counts.updated)
    .bind(counts.unchanged)
    .bind(counts.returned)
    .bind(problems.len() as i64)
    .bind(now)
    .fetch_optional(&mut *db)
    .await?;
    let before = before.ok_or_else(|| Refusal::wrong_state(name, "INTERRUPTED", "import"))?;
    if problems.is_empty() {
        return Ok(());
    }
    // PostgreSQL's text holds no NUL; it is shown by its picture, as other invisible characters are shown by none.
    let texts = |of: fn(&Problem) -> &str| {
        problems.iter().map(|problem| of(problem).replace('\0', "\u{2400}")).collect::<Vec<_>>()
    };
    sqlx::query(
        "insert into item_import_problem (import, number, line, field, value, reason, zh, en)
         select $1, $2 + number, line, field, value, reason, zh, en
         from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
            with ordinality as given (line, field, value, reason, zh, en, number)",
    )
    .bind(name)
    .bind(before)
    .bind(problems.iter().map(|problem| i64::try_from(problem.line).unwrap_or(i64::MAX)).collect::<Vec<_>>())
    .bind(texts(|problem| &problem.field))
    .bind(texts(|problem| &problem.value))
    .bind(texts(|problem| &problem.reason))
    .bind(texts(|problem| &problem.zh))
    .bind(texts(|problem| &problem.en))
    .execute(db)
    .await?;
    Ok(())
}

/// Ends an import, unless it was given up.
pub async fn end_import(
    db: &mut PgConnection,
    name: &str,
    finished: bool,
    encoding: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let state = if finished { "FINISHED" } else { "INTERRUPTED" };
    sqlx::query(
        "update item_import set state = $2, encoding = $3, ended_at = $4 where name = $1 and state = 'RUNNING'",
    )
    .bind(name)
    .bind(state)
    .bind(encoding)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Notes the end of uploads that stand still: their process is gone.
pub async fn give_up_imports(pool: &PgPool, now: DateTime<Utc>) -> Result<u64> {
    let sql =
        "update item_import set state = 'INTERRUPTED', ended_at = $2 where state = 'RUNNING' and progressed_at < $1";
    Ok(sqlx::query(sql).bind(now - STANDSTILL).bind(now).execute(pool).await?.rows_affected())
}

const IMPORT: &str = "select name, file_name, state, encoding, created, updated, unchanged, returned, created_at, ended_at, creator from item_import";

#[derive(FromRow)]
struct ImportRow {
    name: String,
    file_name: String,
    state: String,
    encoding: String,
    created: i64,
    updated: i64,
    unchanged: i64,
    returned: i64,
    created_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    creator: String,
}

#[derive(FromRow)]
struct ProblemRow {
    import: String,
    line: i64,
    field: String,
    value: String,
    reason: String,
    zh: String,
    en: String,
}

/// By what imports are listed.
pub const IMPORT_ORDERS: Orders<Import> = Orders {
    fields: &[
        Field { name: "create_time", keys: &[NAME] },
        Field {
            name: "file_name",
            keys: &[Key::text("file_name collate \"C\"", |import| import.file_name.clone()), NAME],
        },
    ],
    default: "create_time desc",
};

/// Grows with time.
const NAME: Key<Import> = Key::text("name", |import| import.name.clone());

/// The imports of a page of an organisation whose file's name holds a text, each with its first problems.
pub async fn imports(pool: &PgPool, organisation: &str, query: &str, page: &Page<Import>) -> Result<Vec<Import>> {
    let sql = format!("{IMPORT} where organisation = $1 and file_name ilike $2{}", page.sql(3));
    // The text is made of constants.
    let rows = sqlx::query_as::<_, ImportRow>(AssertSqlSafe(sql)).bind(organisation).bind(pages::like(query));
    let rows = page.bind(rows).fetch_all(pool).await?;
    with_problems(pool, rows).await
}

/// One import within reach.
pub async fn import(pool: &PgPool, name: &str, reach: Option<&str>) -> Result<Import> {
    let sql = format!("{IMPORT} where name = $1 and ($2::text is null or organisation = $2)");
    let rows = sqlx::query_as::<_, ImportRow>(AssertSqlSafe(sql)).bind(name).bind(reach).fetch_all(pool).await?;
    with_problems(pool, rows).await?.pop().ok_or_else(|| Refusal::not_found(name))
}

async fn with_problems(pool: &PgPool, rows: Vec<ImportRow>) -> Result<Vec<Import>> {
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let mut problems: std::collections::HashMap<String, Vec<RowProblem>> = std::collections::HashMap::new();
    let found: Vec<ProblemRow> = sqlx::query_as(
        "select import, line, field, value, reason, zh, en from item_import_problem
         where import = any ($1) and number <= $2 order by import, number",
    )
    .bind(names)
    .bind(PROBLEMS_SHOWN)
    .fetch_all(pool)
    .await?;
    for row in found {
        let problem = RowProblem {
            line: row.line,
            field: row.field,
            value: row.value,
            reason: row.reason,
            message: row.zh,
            message_en: row.en,
        };
        problems.entry(row.import).or_default().push(problem);
    }
    let import = |row: ImportRow| {
        let state = match row.state.as_str() {
            "RUNNING" => ImportState::Running,
            "FINISHED" => ImportState::Finished,
            "INTERRUPTED" => ImportState::Interrupted,
            // The table's constraint lets nothing else in.
            _ => ImportState::Unspecified,
        };
        Import {
            problems: problems.remove(&row.name).unwrap_or_default(),
            name: row.name,
            file_name: row.file_name,
            state: state as i32,
            encoding: row.encoding,
            rows: row.created + row.updated + row.unchanged + row.returned,
            created: row.created,
            updated: row.updated,
            unchanged: row.unchanged,
            returned: row.returned,
            old_numbers: 0,
            create_time: Some(timestamp(row.created_at)),
            end_time: row.ended_at.map(timestamp),
            creator: row.creator,
            ..Default::default()
        }
    };
    Ok(rows.into_iter().map(import).collect())
}

/// Problems of an import in the order of the file, after a number.
pub async fn problems(pool: &PgPool, import: &str, after: i64, rows: i64) -> Result<Vec<Problem>> {
    let rows: Vec<ProblemRow> = sqlx::query_as(
        "select import, line, field, value, reason, zh, en from item_import_problem
         where import = $1 and number > $2 order by number limit $3",
    )
    .bind(import)
    .bind(after)
    .bind(rows)
    .fetch_all(pool)
    .await?;
    // Lines were counted from 1.
    let problem =
        |row: ProblemRow| Problem::new(row.line.unsigned_abs(), row.field, &row.value, row.reason, row.zh, row.en);
    Ok(rows.into_iter().map(problem).collect())
}
