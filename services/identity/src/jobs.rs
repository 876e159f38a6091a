//! Housekeeping: sign-ins and failed attempts are kept only as long as somebody may need them. Safe to run twice and on two
//! pods; what was done stays in the audit, which is never shortened (art. 43-45).

use std::time::Duration;

use kit::env::Clock;
use sqlx::PgPool;

use crate::store;

const EVERY: Duration = Duration::from_secs(3_600);

/// Forgets without end.
pub async fn forget(pool: PgPool, clock: Clock) {
    loop {
        if let Err(error) = store::forget(&pool, clock.now()).await {
            tracing::warn!(%error, "cannot forget old sign-ins and attempts");
        }
        if let Err(error) = crate::sign_ons::forget(&pool, clock.now()).await {
            tracing::warn!(%error, "cannot forget sign-ons that are over");
        }
        tokio::time::sleep(EVERY).await;
    }
}
