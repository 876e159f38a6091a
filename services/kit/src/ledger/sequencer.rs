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
/// Between two looks when nobody here wrote: what another process wrote it sequences itself, unless it ended before.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two looks while another process sequences: what was written here meanwhile may have missed its batch.
const TURN_EVERY: Duration = Duration::from_millis(50);
const HEAD_EVERY: Duration = Duration::from_secs(60);
const FORGET_EVERY: Duration = Duration::from_secs(3_600);

/// What one turn of a sequencer came to.
enum Turn {
    /// So many rows were moved.
    Moved(i64),
    /// Another process is at it.
    Taken,
}

/// Moves rows as soon as this process has committed them: every commit leaves a word in `written`, also one that comes while a
/// batch is under way. A commit whose word was lost with its process is found by the next look of any other one.
pub(super) async fn run(ledger: Ledger) {
    loop {
        match ledger.turn().await {
            Ok(Turn::Moved(moved)) if moved == BATCH_ROWS_MAX => {}
            Ok(Turn::Moved(_)) => drop(tokio::time::timeout(LOOK_EVERY, ledger.written.notified()).await),
            Ok(Turn::Taken) => tokio::time::sleep(TURN_EVERY).await,
            Err(error) => {
                tracing::warn!(service = ledger.part, %error, "sequencer waits for its database");
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }
}

impl Ledger {
    /// Moves one batch of committed rows into the log; answers how many. Only one process does so at a time.
    ///
    /// # Errors
    /// The database is out of reach.
    pub async fn sequence(&self) -> Result<i64> {
        match self.turn().await? {
            Turn::Moved(moved) => Ok(moved),
            Turn::Taken => Ok(0),
        }
    }

    async fn turn(&self) -> Result<Turn> {
        let waiting: bool = sqlx::query_scalar("select exists (select 1 from outbox)").fetch_one(&self.pool).await?;
        if !waiting {
            self.publish_position().await?;
            return Ok(Turn::Moved(0));
        }
        let mut tx = self.pool.begin().await?;
        let mine: bool = sqlx::query_scalar("select pg_try_advisory_xact_lock(hashtext('qingtian sequencer'))")
            .fetch_one(&mut *tx)
            .await?;
        if !mine {
            return Ok(Turn::Taken);
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
        Ok(Turn::Moved(positions.len() as i64))
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
