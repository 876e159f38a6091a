//! Uploads whose process was killed: their rows are in, their end is noted here. Safe to run twice and on two pods.

use std::time::Duration;

use kit::env::Clock;
use sqlx::PgPool;

use crate::store;

const EVERY: Duration = Duration::from_secs(60);

/// Gives up without end.
pub async fn give_up(pool: PgPool, clock: Clock) {
    loop {
        if let Err(error) = store::give_up_imports(&pool, clock.now()).await {
            tracing::warn!(%error, "cannot give up uploads that stand still");
        }
        tokio::time::sleep(EVERY).await;
    }
}
