//! Dispatch (art. 15, 17): every drawn subject with a team gets its visit, once, in chunks, so that no transaction grows with
//! the draw. What gets none is deferred for a published reason, or handed to whoever draws a team for it.

use kit::{error::Result, ledger::Audience};
use proto::qingtian::draws::events::v1 as events;

use super::{
    Desk,
    follows::{self, rules::VISITED_THIS_QUARTER},
    rules::Event,
    store, view,
};
use crate::{caps::BUDGET_SPENT, visits::store as visits};

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
        let visits::Made { made, deferred, spent } = visits::make(&mut tx, name, (after, row.dispatched), now).await?;
        // Of a chunk the audit has the draw's own row; the draw whole, at the cost of a dozen questions, when all visits are made.
        let before = view::bare(row.clone());
        store::save(&mut tx, &mut row, standing.state, &actor, "派发 dispatched").await?;
        if !deferred.is_empty() || !spent.is_empty() {
            let draw = view::draw(&mut tx, &row).await?;
            let spent: Vec<_> = spent.iter().map(|place| (*place, String::new())).collect();
            for (reason, places) in [(VISITED_THIS_QUARTER, &deferred), (BUDGET_SPENT, &spent)] {
                if !places.is_empty() {
                    tx.emit(name, row.revision, &announced(name, reason, places), follows::audience(&draw))?;
                }
            }
        }
        tx.changed(name, Some(&before), Some(&view::bare(row.clone())));
        tx.commit(&()).await?;
        tracing::debug!(
            draw.id = name,
            made,
            deferred = deferred.len() + spent.len(),
            upto = row.dispatched,
            "made visits"
        );
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
        let deferred = visits::deferred(&mut tx, name).await?;
        let handed_over = follows::handed_over(&mut tx, name).await?;
        let event = events::DrawDispatched { draw: name.to_owned(), visits, without_team, deferred, handed_over };
        tx.emit(name, row.revision, &event, Audience::Public)?;
        let draw = view::draw(&mut tx, &row).await?;
        tx.changed(name, Some(&before), Some(&draw));
        tx.commit(&()).await?;
        tracing::info!(draw.id = name, visits, without_team, deferred, "dispatched draw");
        Ok(true)
    }
}

/// Whom a draw visits not, as announced.
fn announced(draw: &str, reason: &str, deferred: &[(i64, String)]) -> events::VisitsDeferred {
    let one = |(place, other_visit): &(i64, String)| events::DeferredVisit {
        // Places are counted from 1 and fit: a pool has at most ten million subjects.
        place: i32::try_from(*place).unwrap_or(i32::MAX),
        other_visit: other_visit.clone(),
    };
    events::VisitsDeferred {
        draw: draw.to_owned(),
        reason: reason.to_owned(),
        deferred: deferred.iter().map(one).collect(),
    }
}

/// Subjects drawn, and those among them without a team.
async fn drawn(conn: &mut sqlx::PgConnection, name: &str) -> Result<(i64, i64)> {
    let sql = "select drawn, without_team from draw_reveal where draw = $1";
    Ok(sqlx::query_as(sql).bind(name).fetch_one(conn).await?)
}
