//! One sequencer per service moves committed rows of the outbox into the log. Rows are taken by deletion, never by a
//! cursor over ids or transaction ids: both lose or reorder events, since a lower id may commit later.

use std::time::Duration;

use sqlx::Row;

use super::{
    Ledger,
    chain::{START, head_text, next_hash},
};
use crate::{error::Result, keys::Purpose};

/// Rows of one batch at the most.
const BATCH_ROWS_MAX: i64 = 1_000;
const PAUSE: Duration = Duration::from_millis(50);
const HEAD_EVERY: Duration = Duration::from_secs(60);
const FORGET_EVERY: Duration = Duration::from_secs(3_600);

pub(super) async fn run(ledger: Ledger) {
    loop {
        match ledger.sequence().await {
            Ok(moved) if moved == BATCH_ROWS_MAX => continue,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(service = ledger.part, %error, "sequencer waits for its database");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        // Another process may have written; so look even when nobody here did.
        let _ = tokio::time::timeout(PAUSE, ledger.written.notified()).await;
    }
}

impl Ledger {
    /// Moves one batch of committed rows into the log; answers how many. Only one process does so at a time.
    ///
    /// # Errors
    /// The database is out of reach.
    pub async fn sequence(&self) -> Result<i64> {
        let waiting: bool = sqlx::query_scalar("select exists (select 1 from outbox)").fetch_one(&self.pool).await?;
        if !waiting {
            self.publish_position().await?;
            return Ok(0);
        }
        let mut tx = self.pool.begin().await?;
        let mine: bool = sqlx::query_scalar("select pg_try_advisory_xact_lock(hashtext('qingtian sequencer'))")
            .fetch_one(&mut *tx)
            .await?;
        if !mine {
            return Ok(0);
        }
        let rows = sqlx::query("select id, type, bytes from outbox order by id limit $1")
            .bind(BATCH_ROWS_MAX)
            .fetch_all(&mut *tx)
            .await?;
        let last: Option<(i64, Vec<u8>)> =
            sqlx::query_as("select position, hash from log order by position desc limit 1")
                .fetch_optional(&mut *tx)
                .await?;
        let (mut position, mut hash) = match last {
            Some((position, hash)) => (position, <[u8; 32]>::try_from(hash.as_slice()).unwrap_or(START)),
            None => (0, START),
        };
        let (mut ids, mut positions, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut types, mut contents) = (Vec::<String>::new(), Vec::<Vec<u8>>::new());
        for row in rows {
            let bytes: Vec<u8> = row.try_get("bytes")?;
            position += 1;
            hash = next_hash(&hash, &bytes);
            ids.push(row.try_get::<i64, _>("id")?);
            positions.push(position);
            hashes.push(hash.to_vec());
            types.push(row.try_get("type")?);
            contents.push(bytes);
        }
        sqlx::query(
            "insert into log (position, hash, type, bytes)
             select * from unnest($1::bigint[], $2::bytea[], $3::text[], $4::bytea[])",
        )
        .bind(&positions)
        .bind(&hashes)
        .bind(&types)
        .bind(&contents)
        .execute(&mut *tx)
        .await?;
        sqlx::query("delete from outbox where id = any($1)").bind(&ids).execute(&mut *tx).await?;
        tx.commit().await?;
        self.position.send_replace(position);
        Ok(positions.len() as i64)
    }

    async fn publish_position(&self) -> Result<()> {
        let position: i64 =
            sqlx::query_scalar("select coalesce(max(position), 0) from log").fetch_one(&self.pool).await?;
        self.position.send_if_modified(|known| std::mem::replace(known, position) != position);
        Ok(())
    }

    /// Signs the head of the log, unless it is signed already.
    ///
    /// # Errors
    /// The database is out of reach, or this process was not given the key.
    pub async fn sign_head(&self) -> Result<()> {
        let last: Option<(i64, Vec<u8>)> = sqlx::query_as(
            "select position, hash from log where position > coalesce((select max(position) from head), 0)
             order by position desc limit 1",
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some((position, hash)) = last else { return Ok(()) };
        let signing = self.keys.signing(self.part, Purpose::Head).map_err(crate::error::Refusal::internal)?;
        let signature = signing.sign(head_text(self.part, position, &hex::encode(&hash)).as_bytes());
        sqlx::query(
            "insert into head (position, hash, signed_at, kid, signature) values ($1, $2, $3, $4, $5)
             on conflict do nothing",
        )
        .bind(position)
        .bind(hash)
        .bind(self.clock.now())
        .bind(&signing.kid)
        .bind(signature)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

pub(super) async fn sign_heads(ledger: Ledger) {
    loop {
        tokio::time::sleep(HEAD_EVERY).await;
        if let Err(error) = ledger.sign_head().await {
            tracing::warn!(service = ledger.part, %error, "cannot sign the head of the log");
        }
    }
}

pub(super) async fn forget_requests(ledger: Ledger) {
    loop {
        tokio::time::sleep(FORGET_EVERY).await;
        let before = ledger.clock.now() - super::REQUEST_ID_LIFE;
        let forgotten =
            sqlx::query("delete from idempotency where made_at < $1").bind(before).execute(&ledger.pool).await;
        if let Err(error) = forgotten {
            tracing::warn!(service = ledger.part, %error, "cannot forget old request ids");
        }
    }
}
