//! Sign-ins, and attempts that failed before one (art. 27).

use chrono::{DateTime, Utc};
use kit::error::Result;
use sqlx::{FromRow, PgConnection, PgPool};

use crate::rules::{Attempts, Verdict, sign_in_over};

/// Opens a sign-in.
pub async fn insert_sign_in(
    db: &mut PgConnection,
    digest: &[u8],
    id: &str,
    person: &str,
    address: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let sql = "insert into sign_in (digest, id, person, address, opened_at, used_at) values ($1, $2, $3, $4, $5, $5)";
    sqlx::query(sql).bind(digest).bind(id).bind(person).bind(address).bind(now).execute(db).await?;
    Ok(())
}

/// A sign-in as stored.
#[derive(Debug, FromRow)]
pub struct SignIn {
    pub id: String,
    pub person: String,
    opened_at: DateTime<Utc>,
    used_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl SignIn {
    /// Whether it was ended, or is over by itself.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.ended_at.is_some() || sign_in_over(self.opened_at, self.used_at, now)
    }
}

/// Locks a sign-in.
pub async fn lock_sign_in(db: &mut PgConnection, digest: &[u8]) -> Result<Option<SignIn>> {
    let sql = "select id, person, opened_at, used_at, ended_at from sign_in where digest = $1 for update";
    Ok(sqlx::query_as(sql).bind(digest).fetch_optional(db).await?)
}

/// Notes that a sign-in is in use.
pub async fn touch_sign_in(db: &mut PgConnection, digest: &[u8], now: DateTime<Utc>) -> Result<()> {
    sqlx::query("update sign_in set used_at = $2 where digest = $1").bind(digest).bind(now).execute(db).await?;
    Ok(())
}

/// Ends one sign-in.
pub async fn end_sign_in(db: &mut PgConnection, digest: &[u8], now: DateTime<Utc>) -> Result<()> {
    let sql = "update sign_in set ended_at = $2 where digest = $1 and ended_at is null";
    sqlx::query(sql).bind(digest).bind(now).execute(db).await?;
    Ok(())
}

/// Ends a person's sign-ins, but for the one with this id.
pub async fn end_sign_ins(db: &mut PgConnection, person: &str, except: &str, now: DateTime<Utc>) -> Result<()> {
    let sql = "update sign_in set ended_at = $3 where person = $1 and id <> $2 and ended_at is null";
    sqlx::query(sql).bind(person).bind(except).bind(now).execute(db).await?;
    Ok(())
}

/// Failed attempts under a name, known or not.
pub async fn attempts(pool: &PgPool, key: &[u8]) -> Result<Attempts> {
    let found: Option<(i32, Option<DateTime<Utc>>)> =
        sqlx::query_as("select failures, locked_until from attempt where key = $1")
            .bind(key)
            .fetch_optional(pool)
            .await?;
    Ok(found.map(|(failures, locked_until)| Attempts { failures, locked_until }).unwrap_or_default())
}

/// Judges an attempt in its turn, one after the other for each name, and remembers it.
pub async fn judge(pool: &PgPool, key: &[u8], right: bool, now: DateTime<Utc>) -> Result<Verdict> {
    let mut tx = pool.begin().await?;
    // The conflicting update changes nothing: it waits for whoever holds the row, and locks it.
    let (failures, locked_until) = sqlx::query_as(
        "insert into attempt (key, failures, failed_at) values ($1, 0, $2)
         on conflict (key) do update set key = excluded.key returning failures, locked_until",
    )
    .bind(key)
    .bind(now)
    .fetch_one(&mut *tx)
    .await?;
    let (after, verdict) = Attempts { failures, locked_until }.judge(right, now);
    match verdict {
        Verdict::Admitted => {
            sqlx::query("delete from attempt where key = $1").bind(key).execute(&mut *tx).await?;
        }
        Verdict::Wrong => {
            sqlx::query("update attempt set failures = $2, locked_until = $3, failed_at = $4 where key = $1")
                .bind(key)
                .bind(after.failures)
                .bind(after.locked_until)
                .bind(now)
                .execute(&mut *tx)
                .await?;
        }
        Verdict::Locked(_) => {}
    }
    tx.commit().await?;
    Ok(verdict)
}

/// Forgets sign-ins a week after they were opened, and failures of a day ago.
pub async fn forget(pool: &PgPool, now: DateTime<Utc>) -> Result<()> {
    let week = now - chrono::Duration::days(7);
    sqlx::query("delete from sign_in where opened_at < $1").bind(week).execute(pool).await?;
    let day = now - chrono::Duration::days(1);
    sqlx::query("delete from attempt where failed_at < $1").bind(day).execute(pool).await?;
    Ok(())
}
