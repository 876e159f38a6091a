//! Questions to the tables an import writes (art. 13, 24), one function each.

use chrono::{DateTime, Utc};
use kit::{
    error::{Refusal, Result},
    ledger::timestamp,
    order::{Field, Key, Orders, Page},
    pages,
    sheet::Problem,
};
use proto::qingtian::common::v1 as pb;
use sqlx::{PgConnection, types::Json};

use super::{entering::Upserted, reading::Rows};

/// Problems kept beside an import; the report holds all.
pub const PROBLEMS_MAX: usize = 100;

/// An import as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ImportRow {
    /// Sorts by time.
    pub id: String,
    /// Register it fills.
    pub organisation: String,
    /// Name of the file.
    pub file_name: String,
    /// `RUNNING`, `FINISHED` or `INTERRUPTED`.
    pub state: String,
    /// Encoding, or empty while unknown.
    pub encoding: String,
    /// Rows read.
    pub rows: i64,
    /// New ones.
    pub created: i64,
    /// Changed ones.
    pub updated: i64,
    /// Ones that were there, the same.
    pub unchanged: i64,
    /// Returned ones.
    pub returned: i64,
    /// Ones with old numbers.
    pub old_numbers: i64,
    /// The first problems.
    pub problems: Json<Vec<Problem>>,
    /// Digest of the report's blob; empty before the end, and after an end by a crash.
    pub report: String,
    /// Who uploaded.
    pub creator: String,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Id of the change by which a second person decides about it; empty where nobody has to.
    pub change: String,
    /// Why; empty where no reason was given.
    pub reason: String,
    /// Digest of the blob with its bytes, while it waits and afterwards; empty where nobody has to decide.
    pub file: String,
    /// How that is to be read.
    pub manner: Option<Json<serde_json::Value>>,
}

impl ImportRow {
    /// `organisations/{organisation}/imports/{import}`.
    pub fn name(&self) -> String {
        format!("{}/imports/{}", self.organisation, self.id)
    }

    /// As the contract shows it.
    pub fn message(&self) -> pb::Import {
        let state = match self.state.as_str() {
            "FINISHED" => pb::ImportState::Finished,
            "INTERRUPTED" => pb::ImportState::Interrupted,
            "RUNNING" => pb::ImportState::Running,
            "WAITING" => pb::ImportState::Waiting,
            "APPLYING" => pb::ImportState::Applying,
            "REJECTED" => pb::ImportState::Rejected,
            // The table's constraint lets nothing else in.
            _ => pb::ImportState::Unspecified,
        };
        let problem = |problem: &Problem| pb::RowProblem {
            line: i64::try_from(problem.line).unwrap_or(i64::MAX),
            field: problem.field.clone(),
            value: problem.value.clone(),
            reason: problem.reason.to_string(),
            message: problem.zh.clone(),
            message_en: problem.en.clone(),
        };
        pb::Import {
            name: self.name(),
            file_name: self.file_name.clone(),
            state: state as i32,
            encoding: self.encoding.clone(),
            rows: self.rows,
            created: self.created,
            updated: self.updated,
            unchanged: self.unchanged,
            returned: self.returned,
            old_numbers: self.old_numbers,
            problems: self.problems.iter().map(problem).collect(),
            create_time: Some(timestamp(self.created_at)),
            end_time: self.ended_at.map(timestamp),
            creator: self.creator.clone(),
            reason: self.reason.clone(),
            change: match self.change.as_str() {
                "" => String::new(),
                change => format!("{}/registerChanges/{change}", self.organisation),
            },
        }
    }

    /// Sets every count back.
    pub fn begin_anew(&mut self) {
        (self.rows, self.created, self.updated, self.unchanged, self.returned, self.old_numbers) = (0, 0, 0, 0, 0, 0);
    }

    /// Counts one more batch.
    pub fn count(&mut self, upserted: Upserted, rows: Rows) {
        // A batch holds a few thousand rows.
        let given = rows.given.len() as i64;
        self.rows += given + rows.returned;
        self.created += upserted.created;
        self.updated += upserted.updated;
        self.unchanged += given - upserted.created - upserted.updated;
        self.returned += rows.returned;
        self.old_numbers += rows.given.iter().filter(|row| row.key.is_old()).count() as i64;
        self.problems.extend(rows.problems);
        if let Some(format) = rows.format.filter(|_| self.encoding != "ROWS") {
            format.as_str().clone_into(&mut self.encoding);
        }
    }
}

const SELECT: &str = "select id, organisation, file_name, state, encoding, rows, created, updated, unchanged, returned,
    old_numbers, problems, report, creator, created_at, ended_at, change, reason, file, manner from import";

/// Writes a new import, running.
///
/// # Errors
/// The database fails.
pub async fn insert(conn: &mut PgConnection, import: &ImportRow) -> Result<()> {
    sqlx::query(
        "insert into import (id, organisation, file_name, state, encoding, reason, creator, created_at, touched_at)
         values ($1, $2, $3, 'RUNNING', $6, $7, $4, $5, $5)",
    )
    .bind(&import.id)
    .bind(&import.organisation)
    .bind(&import.file_name)
    .bind(&import.creator)
    .bind(import.created_at)
    .bind(&import.encoding)
    .bind(&import.reason)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the counts of a running import, or its end.
///
/// # Errors
/// `INTERNAL` when it does not run any more: another process took this one for dead.
pub async fn update(conn: &mut PgConnection, import: &ImportRow, now: DateTime<Utc>) -> Result<()> {
    let updated = sqlx::query(
        "update import set state = $2, encoding = $3, rows = $4, created = $5, updated = $6, unchanged = $7, returned = $8,
            old_numbers = $9, problems = $10, report = $11, ended_at = $12, touched_at = $13, change = $14, file = $15,
            manner = $16
         where id = $1 and state in ('RUNNING', 'APPLYING')",
    )
    .bind(&import.id)
    .bind(&import.state)
    .bind(&import.encoding)
    .bind(import.rows)
    .bind(import.created)
    .bind(import.updated)
    .bind(import.unchanged)
    .bind(import.returned)
    .bind(import.old_numbers)
    .bind(&import.problems)
    .bind(&import.report)
    .bind(import.ended_at)
    .bind(now)
    .bind(&import.change)
    .bind(&import.file)
    .bind(&import.manner)
    .execute(conn)
    .await?
    .rows_affected();
    if updated == 1 {
        return Ok(());
    }
    Err(Refusal::internal(anyhow::anyhow!("import {} does not run any more", import.id)))
}

/// One import.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn get(conn: &mut PgConnection, organisation: &str, id: &str) -> Result<ImportRow> {
    // The text is a constant of this module.
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} where organisation = $1 and id = $2")))
        .bind(organisation)
        .bind(id)
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| Refusal::not_found(format!("{organisation}/imports/{id}")))
}

/// By what imports are listed.
pub const ORDERS: Orders<ImportRow> = Orders {
    fields: &[
        Field { name: "create_time", keys: &[ID] },
        Field {
            name: "file_name",
            keys: &[Key::text("file_name collate \"C\"", |import| import.file_name.clone()), ID],
        },
        Field { name: "rows", keys: &[Key::number("rows", |import| import.rows), ID] },
    ],
    default: "create_time desc",
};

/// Sorts by time.
const ID: Key<ImportRow> = Key::text("id", |import| import.id.clone());

/// The imports of a page of an organisation, those whose file's name holds a text.
///
/// # Errors
/// The database fails.
pub async fn list(
    conn: &mut PgConnection,
    organisation: &str,
    query: &str,
    page: &Page<ImportRow>,
) -> Result<Vec<ImportRow>> {
    let sql = format!("{SELECT} where organisation = $1 and file_name ilike $2{}", page.sql(3));
    // The text is made of constants.
    let found = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organisation).bind(pages::like(query));
    Ok(page.bind(found).fetch_all(conn).await?)
}

/// Whether running imports have not been touched since.
///
/// # Errors
/// The database fails.
pub async fn any_silent(conn: &mut PgConnection, since: DateTime<Utc>) -> Result<bool> {
    let silent = sqlx::query_scalar("select exists (select from import where state = 'RUNNING' and touched_at < $1)");
    Ok(silent.bind(since).fetch_one(conn).await?)
}

/// Marks running imports that have not been touched since as interrupted; answers their names.
///
/// # Errors
/// The database fails.
pub async fn interrupt_silent(
    conn: &mut PgConnection,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<String>> {
    let names = sqlx::query_scalar(
        "update import set state = 'INTERRUPTED', ended_at = $2 where state = 'RUNNING' and touched_at < $1
         returning organisation || '/imports/' || id",
    );
    Ok(names.bind(since).bind(now).fetch_all(conn).await?)
}

/// Begins to enter a waiting import anew, or ends it rejected.
///
/// # Errors
/// The database fails.
pub async fn decide(conn: &mut PgConnection, id: &str, approved: bool, now: DateTime<Utc>) -> Result<()> {
    sqlx::query(
        "update import set state = case when $2 then 'APPLYING' else 'REJECTED' end,
            ended_at = case when $2 then null else $3 end, touched_at = $3,
            rows = case when $2 then 0 else rows end, created = case when $2 then 0 else created end,
            updated = case when $2 then 0 else updated end, unchanged = case when $2 then 0 else unchanged end,
            returned = case when $2 then 0 else returned end, old_numbers = case when $2 then 0 else old_numbers end
         where id = $1 and state = 'WAITING'",
    )
    .bind(id)
    .bind(approved)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// One import that is being entered, locked; none when it ended.
///
/// # Errors
/// The database fails.
pub async fn lock_applying(conn: &mut PgConnection, organisation: &str, id: &str) -> Result<Option<ImportRow>> {
    let sql = format!("{SELECT} where organisation = $1 and id = $2 and state = 'APPLYING' for update");
    // The text is a constant of this module.
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organisation).bind(id).fetch_optional(conn).await?)
}
