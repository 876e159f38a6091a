//! Questions to the tables of uploads, one function each.

use chrono::{DateTime, Utc};
use proto::qingtian::uploads::v1 as pb;
use sqlx::{PgConnection, PgPool};

use crate::{
    error::{Refusal, Result},
    ledger::timestamp,
};

/// An upload as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    pub name: String,
    pub organisation: String,
    pub creator: String,
    pub file_name: String,
    pub media_type: String,
    pub length: Option<i64>,
    pub reserved: i64,
    pub sha256: String,
    pub stored: i64,
    pub state: String,
    pub import: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

impl Row {
    /// As the contract shows it.
    pub fn message(&self) -> pb::Upload {
        let state = match self.state.as_str() {
            "OPEN" => pb::UploadState::Open,
            "COMPLETE" => pb::UploadState::Complete,
            "USED" => pb::UploadState::Used,
            // The table's constraint lets nothing else in.
            _ => pb::UploadState::Unspecified,
        };
        pb::Upload {
            name: self.name.clone(),
            file_name: self.file_name.clone(),
            media_type: self.media_type.clone(),
            length: self.length,
            sha256: self.sha256.clone(),
            offset: self.stored,
            state: state as i32,
            create_time: Some(timestamp(self.created_at)),
            expire_time: Some(timestamp(self.expires_at)),
            import: self.import.clone(),
        }
    }

    /// Whether every byte is there.
    pub fn is_whole(&self) -> bool {
        self.length == Some(self.stored)
    }
}

/// Bytes and sessions that count against the edges: the caller's sessions, the caller's bytes, everybody's bytes. Nobody else
/// opens one before this transaction ends.
///
/// # Errors
/// The database fails.
pub async fn lock_reserved(db: &mut PgConnection, creator: &str) -> Result<(i64, i64, i64)> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('upload', 0))").execute(&mut *db).await?;
    let sums = sqlx::query_as(
        "select count(*) filter (where creator = $1), (coalesce(sum(reserved) filter (where creator = $1), 0))::bigint,
            (coalesce(sum(reserved), 0))::bigint
         from upload where state <> 'USED'",
    );
    Ok(sums.bind(creator).fetch_one(db).await?)
}

/// Writes a new upload.
///
/// # Errors
/// The database fails.
pub async fn insert(db: &mut PgConnection, row: &Row) -> Result<()> {
    sqlx::query(
        "insert into upload (name, organisation, creator, file_name, media_type, length, reserved, sha256, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&row.name)
    .bind(&row.organisation)
    .bind(&row.creator)
    .bind(&row.file_name)
    .bind(&row.media_type)
    .bind(row.length)
    .bind(row.reserved)
    .bind(&row.sha256)
    .bind(row.created_at)
    .bind(row.expires_at)
    .execute(db)
    .await?;
    Ok(())
}

/// An upload of this creator.
///
/// # Errors
/// `NOT_FOUND`, also for one of somebody else and one that has ended.
pub async fn find(pool: &PgPool, name: &str, creator: &str, now: DateTime<Utc>) -> Result<Row> {
    let row = sqlx::query_as("select * from upload where name = $1 and creator = $2 and expires_at > $3");
    let row = row.bind(name).bind(creator).bind(now).fetch_optional(pool).await?;
    row.ok_or_else(|| Refusal::not_found(name))
}

/// [`find`], and nobody else changes it before this transaction ends.
///
/// # Errors
/// As [`find`].
pub async fn lock(db: &mut PgConnection, name: &str, creator: &str, now: DateTime<Utc>) -> Result<Row> {
    let row = sqlx::query_as("select * from upload where name = $1 and creator = $2 and expires_at > $3 for update");
    let row = row.bind(name).bind(creator).bind(now).fetch_optional(db).await?;
    row.ok_or_else(|| Refusal::not_found(name))
}

/// Writes what moves of a locked upload.
///
/// # Errors
/// The database fails.
pub async fn update(db: &mut PgConnection, row: &Row) -> Result<()> {
    sqlx::query(
        "update upload set length = $2, reserved = $3, sha256 = $4, stored = $5, state = $6, expires_at = $7 where name = $1",
    )
    .bind(&row.name)
    .bind(row.length)
    .bind(row.reserved)
    .bind(&row.sha256)
    .bind(row.stored)
    .bind(&row.state)
    .bind(row.expires_at)
    .execute(db)
    .await?;
    Ok(())
}

/// Adds a piece.
///
/// # Errors
/// The database fails.
pub async fn insert_piece(db: &mut PgConnection, name: &str, start: i64, sealed: &[u8]) -> Result<()> {
    sqlx::query("insert into upload_piece (upload, start, sealed) values ($1, $2, $3)")
        .bind(name)
        .bind(start)
        .bind(sealed)
        .execute(db)
        .await?;
    Ok(())
}

/// The piece that begins at an offset; none when it is gone.
///
/// # Errors
/// The database fails.
pub async fn piece(pool: &PgPool, name: &str, start: i64) -> Result<Option<Vec<u8>>> {
    let sealed = sqlx::query_scalar("select sealed from upload_piece where upload = $1 and start = $2");
    Ok(sealed.bind(name).bind(start).fetch_optional(pool).await?)
}

/// Destroys an upload's bytes.
///
/// # Errors
/// The database fails.
pub async fn delete_pieces(db: &mut PgConnection, name: &str) -> Result<()> {
    sqlx::query("delete from upload_piece where upload = $1").bind(name).execute(db).await?;
    Ok(())
}

/// Destroys an upload with its bytes.
///
/// # Errors
/// The database fails.
pub async fn delete(db: &mut PgConnection, name: &str) -> Result<()> {
    sqlx::query("delete from upload where name = $1").bind(name).execute(db).await?;
    Ok(())
}

/// Whether uploads have ended that are still there.
///
/// # Errors
/// The database fails.
pub async fn any_ended(pool: &PgPool, now: DateTime<Utc>) -> Result<bool> {
    let ended = sqlx::query_scalar("select exists (select from upload where expires_at <= $1)");
    Ok(ended.bind(now).fetch_one(pool).await?)
}

/// Destroys some uploads that have ended; answers their names.
///
/// # Errors
/// The database fails.
pub async fn delete_ended(db: &mut PgConnection, now: DateTime<Utc>, at_once_max: i64) -> Result<Vec<String>> {
    let names = sqlx::query_scalar(
        "delete from upload where name in
            (select name from upload where expires_at <= $1 order by expires_at limit $2 for update skip locked)
         returning name",
    );
    Ok(names.bind(now).bind(at_once_max).fetch_all(db).await?)
}

/// Notes the import that is made from an upload, unless another one was begun meanwhile.
///
/// # Errors
/// `WRONG_STATE` then.
pub async fn link(db: &mut PgConnection, name: &str, seen: &str, import: &str) -> Result<()> {
    let linked =
        sqlx::query("update upload set import = $3 where name = $1 and import = $2 and state = 'COMPLETE'").bind(name);
    if linked.bind(seen).bind(import).execute(db).await?.rows_affected() == 1 {
        return Ok(());
    }
    Err(Refusal::wrong_state(name, "导入中 RUNNING", "导入 import"))
}

/// Notes that an upload has been imported, and destroys its bytes. One that was given up meanwhile is gone already.
///
/// # Errors
/// The database fails.
pub async fn used(db: &mut PgConnection, name: &str) -> Result<()> {
    sqlx::query("update upload set state = 'USED' where name = $1").bind(name).execute(&mut *db).await?;
    delete_pieces(db, name).await
}
