//! Dispatch (art. 15, 17): every drawn subject with a team gets its visit, once, in chunks, so that no transaction grows with
//! the draw.

use kit::{error::Result, ledger::Audience};
use proto::qingtian::draws::events::v1 as events;

use super::{Desk, rules::Event, store, view};
use crate::visits::store as visits;

/// Places of the result dispatched in one transaction.
const CHUNK_PLACES: i64 = 1_000;

impl Desk {
    /// Makes the next visits of a revealed draw, or, when all are made, moves it on.
    pub(super) async fn dispatch(&self, name: &str) -> Result<bool> {
        Ok(self.dispatch_chunk(name).await? || self.dispatch_last(name).await?)
    }

    async fn dispatch_chunk(&self, name: &str) -> Result<bool> {
        let Some((mut tx, mut row, standing)) = self.begin_due("DispatchVisits", name, Event::Dispatch).await? else {
            return Ok(false);
        };
        let drawn = drawn(&mut tx, name).await?.0;
        if row.dispatched >= drawn {
            return Ok(false);
        }
        let (after, now, actor) = (row.dispatched, tx.now(), tx.caller().actor.clone());
        row.dispatched = drawn.min(after + CHUNK_PLACES);
        let made = visits::make(&mut tx, name, (after, row.dispatched), now).await?;
        let before = view::draw(&mut tx, &row).await?;
        store::save(&mut tx, &mut row, standing.state, &actor, "派发 dispatched").await?;
        let draw = view::draw(&mut tx, &row).await?;
        tx.changed(name, Some(&before), Some(&draw));
        tx.commit(&()).await?;
        tracing::debug!(draw.id = name, made, upto = row.dispatched, "made visits");
        Ok(true)
    }

    async fn dispatch_last(&self, name: &str) -> Result<bool> {
        let Some((mut tx, mut row, standing)) = self.begin_due("DispatchDraw", name, Event::Dispatch).await? else {
            return Ok(false);
        };
        let (drawn, without_team) = drawn(&mut tx, name).await?;
        if row.dispatched < drawn {
            return Ok(false);
        }
        let state = standing.apply(Event::Dispatch, tx.now())?;
        let visits = visits::made(&mut tx, name).await?;
        let before = view::draw(&mut tx, &row).await?;
        let actor = tx.caller().actor.clone();
        store::save(&mut tx, &mut row, state, &actor, "派发完毕 dispatched").await?;
        let event = events::DrawDispatched { draw: name.to_owned(), visits, without_team };
        tx.emit(name, row.revision, &event, Audience::Public)?;
        let draw = view::draw(&mut tx, &row).await?;
        tx.changed(name, Some(&before), Some(&draw));
        tx.commit(&()).await?;
        tracing::info!(draw.id = name, visits, without_team, "dispatched draw");
        Ok(true)
    }
}

/// Subjects drawn, and those among them without a team.
async fn drawn(conn: &mut sqlx::PgConnection, name: &str) -> Result<(i64, i64)> {
    let sql = "select drawn, without_team from draw_reveal where draw = $1";
    Ok(sqlx::query_as(sql).bind(name).fetch_one(conn).await?)
}
