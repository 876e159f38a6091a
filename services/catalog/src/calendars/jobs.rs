//! The years the platform was delivered with stand among the others, so that whoever looks sees what is counted by.

use std::time::Duration;

use kit::{error::Result, ledger::Ledger, workdays::Calendar};
use proto::qingtian::catalog::v1 as pb;

use super::{rules::Year, store};

const AGAIN: Duration = Duration::from_secs(5);

/// Enters them once; until the database answers it tries again.
pub async fn enter_built_in(ledger: Ledger) {
    while let Err(error) = enter(&ledger).await {
        tracing::warn!(%error, "cannot enter the calendars of the delivery");
        tokio::time::sleep(AGAIN).await;
    }
}

async fn enter(ledger: &Ledger) -> Result<()> {
    let mut tx = ledger.begin_job("enter the calendars of the delivery").await?;
    let now = tx.now();
    let mut entered = 0;
    for year in Calendar::official().years() {
        let year = Year::parse(&Calendar::official_text(year))?;
        entered += u32::from(store::insert_built_in(&mut tx, &year, now).await?);
    }
    if entered > 0 {
        tx.changed::<pb::Calendar>("calendars", None, None);
        tx.commit(&()).await?;
        tracing::info!(entered, "entered the calendars of the delivery");
    }
    Ok(())
}
