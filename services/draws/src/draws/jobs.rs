//! What a draw does by itself (art. 15): entries close and are signed, the demonstration's beacon comes in, the reveal runs,
//! the drawn are dispatched, and what was missed has failed. Safe to run twice and on two pods: every act locks the draw's
//! row, skips a draw somebody else works on, and asks again what is due once it holds the lock.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use chrono::SubsecRound;
use kit::{
    error::{Refusal, Result},
    keys::Purpose,
    ledger::{Audience, Tx},
};
use lottery::{
    beacon::Beacon,
    entries,
    rules::{Kind, Rules},
    sign,
};
use proto::qingtian::draws::events::v1 as events;

use super::{
    Desk, beacons,
    frozen::{self, ClosingRow},
    rules::{Event, Standing},
    store::{self, DrawRow},
    view,
};
use crate::PART;

/// How often it looks at the clock.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Waits after a failure grow from this to that.
const RETRY: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(60);

/// Runs until the process stops.
pub async fn run(desk: Desk) {
    let mut troubled: HashMap<String, (Instant, Duration)> = HashMap::new();
    loop {
        match store::going_on(desk.ledger.pool()).await {
            Ok(standings) => {
                let now = desk.env.clock.now();
                let due: Vec<String> =
                    standings.into_iter().filter(|one| one.due(now).is_some()).map(|one| one.name).collect();
                troubled.retain(|name, _| due.contains(name));
                for name in due {
                    if troubled.get(&name).is_some_and(|(until, _)| Instant::now() < *until) {
                        continue;
                    }
                    match desk.run_due(&name).await {
                        Ok(()) => drop(troubled.remove(&name)),
                        Err(refusal) => {
                            let pause = troubled.get(&name).map_or(RETRY, |(_, pause)| (*pause * 2).min(RETRY_MAX));
                            tracing::error!(draw.id = %name, error = %refusal, retry_secs = pause.as_secs_f32(), "draw cannot go on");
                            metrics::counter!("draw_steps_failed_total").increment(1);
                            troubled.insert(name, (Instant::now() + pause, pause));
                        }
                    }
                }
            }
            Err(refusal) => tracing::warn!(error = %refusal, "cannot look for draws that are due"),
        }
        tokio::select! {
            () = desk.woken.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

impl Desk {
    /// Does everything that is due for a draw now.
    pub(super) async fn run_due(&self, name: &str) -> Result<()> {
        while self.step(name).await? {}
        Ok(())
    }

    /// Does the next thing that is due; whether there was one.
    async fn step(&self, name: &str) -> Result<bool> {
        let mut look = self.ledger.pool().acquire().await?;
        let standing = store::standing(&mut look, name).await?;
        drop(look);
        let due = standing.due(self.env.clock.now());
        match due {
            None => Ok(false),
            Some(Event::Close) => self.close_entries(name).await,
            Some(Event::EnterBeacon) => self.enter_demonstration(name).await,
            Some(Event::Reveal) => self.reveal(name).await,
            Some(Event::Dispatch) => self.dispatch(name).await,
            Some(Event::Fail) => self.fail(name).await,
            Some(Event::State | Event::Enter | Event::Finish | Event::Abandon) => {
                Err(Refusal::internal(anyhow::anyhow!("{name}: only people do {due:?}")))
            }
        }
    }

    /// Opens an act on a draw if `event` is still due for it, under its lock.
    pub(super) async fn begin_due(
        &self,
        act: &str,
        name: &str,
        event: Event,
    ) -> Result<Option<(Tx, DrawRow, Standing)>> {
        let mut tx = self.ledger.begin_job(act).await?;
        let Some(row) = store::lock_free(&mut tx, name).await? else { return Ok(None) };
        let standing = store::standing(&mut tx, name).await?;
        let due = standing.due(self.env.clock.now()) == Some(event);
        Ok(due.then_some((tx, row, standing)))
    }

    /// Publishes the entries but the beacon's, signed.
    async fn close_entries(&self, name: &str) -> Result<bool> {
        let Some((mut tx, mut row, standing)) = self.begin_due("CloseEntries", name, Event::Close).await? else {
            return Ok(false);
        };
        let state = standing.apply(Event::Close, self.env.clock.now())?;
        let statement = frozen::statement(&mut tx, name).await?;
        let rules = Rules::parse(&statement.rules).map_err(Refusal::internal)?;
        let given = store::entries(&mut tx, name).await?;
        let texts: Vec<String> = (0..)
            .zip(&given)
            .map(|(place, (_, value))| rules.entry(place, value))
            .collect::<Result<_, _>>()
            .map_err(Refusal::internal)?;
        let digest = lottery::Digest::parse(&statement.digest).map_err(Refusal::internal)?;
        let text = sign::entries_text(&digest, entries::but_the_beacons(&rules, &texts));
        let signing = self.env.keys.signing(PART, Purpose::Evidence).map_err(Refusal::internal)?;
        let closing = ClosingRow { kid: signing.kid.clone(), signature: signing.sign(text.as_bytes()) };
        let before = view::draw(&mut tx, &row).await?;
        let (now, actor) = (tx.now(), tx.caller().actor.clone());
        frozen::insert_closing(&mut tx, name, &closing, now).await?;
        store::save(&mut tx, &mut row, state, &actor, "截止 closed").await?;
        let event = events::EntriesClosed { draw: name.to_owned(), signature: closing.signature, kid: closing.kid };
        tx.emit(name, row.revision, &event, Audience::Public)?;
        let draw = view::draw(&mut tx, &row).await?;
        tx.changed(name, Some(&before), Some(&draw));
        tx.commit(&()).await?;
        tracing::info!(draw.id = name, entries = given.len(), "closed entries");
        Ok(true)
    }

    /// Draws the demonstration's numbers, once an issue, and enters them.
    async fn enter_demonstration(&self, name: &str) -> Result<bool> {
        let Some((mut tx, row, standing)) = self.begin_due("EnterBeacon", name, Event::EnterBeacon).await? else {
            return Ok(false);
        };
        let now = self.env.clock.now();
        let state = standing.apply(Event::EnterBeacon, now)?;
        let contributing = store::contributors(&mut tx, name).await?;
        let beacons = contributing.iter().enumerate().filter(|(_, one)| one.kind == Kind::Beacon);
        let mut issues = beacons.filter_map(|(place, one)| match Beacon::parse(&one.contributor) {
            Ok(Beacon::LotteryDemo { issue }) => Some((place, one, issue)),
            Ok(Beacon::DrandQuicknet { .. } | Beacon::LotterySsq { .. }) | Err(_) => None,
        });
        let Some((place, beacon, issue)) = issues.next() else { return Ok(false) };
        if !self.env.keys.demonstration() {
            return Err(Refusal::internal(anyhow::anyhow!(
                "{name} has the demonstration's beacon outside a demonstration"
            )));
        }
        let issue = i64::try_from(issue).map_err(Refusal::internal)?;
        let fresh = beacons::draw_numbers().map_err(Refusal::internal)?;
        let value = store::issue_numbers(&mut tx, issue, &fresh, now).await?;
        self.enter(&mut tx, row, (place, &beacon.contributor), &value, state).await?;
        tx.commit(&()).await?;
        Ok(true)
    }

    /// Ends a draw that missed an entry or its last moment.
    async fn fail(&self, name: &str) -> Result<bool> {
        let Some((mut tx, mut row, standing)) = self.begin_due("FailDraw", name, Event::Fail).await? else {
            return Ok(false);
        };
        let now = self.env.clock.now();
        let state = standing.apply(Event::Fail, now)?;
        let before = view::draw(&mut tx, &row).await?;
        row.end_reason = standing.failure(now).map(|failure| failure.as_str().to_owned()).unwrap_or_default();
        let actor = tx.caller().actor.clone();
        store::save(&mut tx, &mut row, state, &actor, "失败 failed").await?;
        let draw = view::draw(&mut tx, &row).await?;
        tx.emit(name, row.revision, &events::DrawEnded { draw: Some(view::public(&draw)) }, Audience::Public)?;
        tx.changed(name, Some(&before), Some(&draw));
        tx.commit(&()).await?;
        tracing::warn!(draw.id = name, reason = %row.end_reason, "draw failed");
        Ok(true)
    }

    /// Fixes the instant of the reveal before anything is computed, so that a repetition yields the same bytes.
    pub(super) async fn fix_reveal(&self, name: &str) -> Result<bool> {
        let Some((mut tx, row, _)) = self.begin_due("FixReveal", name, Event::Reveal).await? else { return Ok(false) };
        if frozen::reveal_time(&mut tx, name).await?.is_none() {
            let at = self.env.clock.now().trunc_subsecs(0);
            frozen::insert_reveal_time(&mut tx, name, at).await?;
            let draw = view::draw(&mut tx, &row).await?;
            tx.changed(name, Some(&draw), Some(&draw));
            tx.commit(&()).await?;
        }
        Ok(true)
    }
}
