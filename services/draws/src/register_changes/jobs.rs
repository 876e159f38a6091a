//! Applies changes (art. 13), chunk by chunk, each in one transaction with its audit entry. Safe to run twice and on two pods:
//! every chunk locks the change's row, skips one somebody else works on, and takes the subjects nobody dealt with. After a crash
//! it goes on where it was. However many changes and however large ones wait, a few are read at once, and each has its turn. One
//! that cannot go on is tried ever more rarely, and the others are none the worse for it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use kit::{
    env::Env,
    error::Result,
    ledger::{Ledger, Tx},
};
use tokio::{sync::Notify, time::Instant};

use super::{
    api::{guard, message},
    rules::{Event, Outcome, State, Target, apply, outcome},
    store::{self, ChangeRow},
};
use crate::registers::{
    entering::Origin,
    import::{Importer, approved::Opened},
    store::{self as registers, Edit, SubjectRow},
};

/// Subjects of one transaction.
const CHUNK_ROWS: i64 = 1_000;
/// Chunks of one change before the next one has its turn.
const TURN_CHUNKS: usize = 10;
/// Changes read at once; the next are read when these have had their turn.
const TAKEN_MAX: i64 = 16;
/// How often it looks for changes that another process was told to apply.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Imports kept open at once, each with a thread that reads it; the next is opened when one of them has ended.
const OPEN_MAX: usize = 4;
/// Pause of a change that could not go on; twice as long each time, up to the longest.
const PAUSE: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_mins(10);

/// Changes that could not go on, and when each is tried again.
#[derive(Default)]
struct Pauses(HashMap<String, (Instant, Duration)>);

impl Pauses {
    /// Whether a change rests now.
    fn rests(&self, id: &str, now: Instant) -> bool {
        self.0.get(id).is_some_and(|(until, _)| now < *until)
    }

    /// Lets one rest that could not go on; how long.
    fn failed(&mut self, id: &str, now: Instant) -> Duration {
        let pause = self.0.get(id).map_or(PAUSE, |(_, last)| (*last * 2).min(PAUSE_MAX));
        self.0.insert(id.to_owned(), (now + pause, pause));
        pause
    }

    fn went_on(&mut self, id: &str) {
        self.0.remove(id);
    }
}

/// What is remembered of the changes under way.
#[derive(Default)]
struct Memory {
    pauses: Pauses,
    opened: HashMap<String, Opened>,
}

/// Runs until the process stops.
pub async fn run(env: Env, ledger: Ledger, woken: Arc<Notify>) {
    let importer = Importer::new(env, ledger.clone());
    let mut memory = Memory::default();
    loop {
        match round(&ledger, &importer, &mut memory).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(refusal) => {
                tracing::warn!(error = %refusal, "cannot look for changes of registers; it is tried again");
            }
        }
        tokio::select! {
            () = woken.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Gives every change under way its turn, oldest first, a few of them read at a time; whether one of them goes on.
async fn round(ledger: &Ledger, importer: &Importer, memory: &mut Memory) -> Result<bool> {
    let (mut after, mut any_goes_on, mut under_way) = (String::new(), false, HashSet::new());
    loop {
        let mut conn = ledger.pool().acquire().await?;
        let changes = store::under_way(&mut conn, &after, TAKEN_MAX).await?;
        drop(conn);
        let Some(last) = changes.last() else { break };
        after.clone_from(&last.id);
        for change in changes {
            if !memory.pauses.rests(&change.id, Instant::now()) {
                match turn(ledger, importer, &mut memory.opened, &change).await {
                    Ok(goes_on) => {
                        any_goes_on |= goes_on;
                        memory.pauses.went_on(&change.id);
                    }
                    Err(refusal) => {
                        let pause = memory.pauses.failed(&change.id, Instant::now());
                        tracing::error!(change.id = %change.id, error = %refusal, pause_s = pause.as_secs(), "a change of a register cannot go on; it is tried again");
                    }
                }
            }
            under_way.insert(change.id);
        }
    }
    memory.pauses.0.retain(|id, _| under_way.contains(id));
    memory.opened.retain(|id, _| under_way.contains(id));
    Ok(any_goes_on)
}

/// One turn of a change; whether it goes on.
async fn turn(
    ledger: &Ledger,
    importer: &Importer,
    opened: &mut HashMap<String, Opened>,
    change: &ChangeRow,
) -> Result<bool> {
    if let Some(target) = change.target() {
        return apply_rows(ledger, change, &target).await;
    }
    let open = match opened.remove(&change.id) {
        Some(open) => open,
        // Those that are open go on, so this one's turn comes.
        None if opened.len() == OPEN_MAX => return Ok(false),
        None => importer.open_approved(change).await?,
    };
    let Some(more) = importer.turn(change, open).await? else { return Ok(false) };
    opened.insert(change.id.clone(), more);
    Ok(true)
}

/// A turn of one change: so many subjects and no more, so that a large one does not hold up small ones. Whether it goes on.
async fn apply_rows(ledger: &Ledger, change: &ChangeRow, target: &Target) -> Result<bool> {
    for _ in 0..TURN_CHUNKS {
        if !apply_chunk(ledger, &change.id, target).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Deals with the next subjects; whether there may be more.
async fn apply_chunk(ledger: &Ledger, id: &str, target: &Target) -> Result<bool> {
    let mut tx = ledger.begin_job("ApplyRegisterChange").await?;
    let Some(before) = store::take(&mut tx, id).await? else { return Ok(false) };
    let now = tx.now();
    let (name, mut after) = (before.name(), before.clone());
    // A plan published since it began: what is done is done, and the rest needs a second person.
    let plan = if before.decider.is_empty() { guard(&mut tx, &before.organisation).await? } else { String::new() };
    if !plan.is_empty() {
        after.state = apply(&name, State::parse(&before.state)?, Event::Wait)?.as_str().to_owned();
        after.plan = plan;
        return save(tx, &before, after).await;
    }
    let to_do = store::to_do(&mut tx, id, CHUNK_ROWS).await?;
    if to_do.is_empty() {
        after.state = apply(&name, State::parse(&before.state)?, Event::Finish)?.as_str().to_owned();
        after.ended_at = Some(now);
    }
    let (keys, seen): (Vec<String>, Vec<i64>) = to_do.into_iter().unzip();
    let found = registers::chosen(&mut tx, &before.organisation, &keys, "for update").await?;
    let found: HashMap<&str, &SubjectRow> = found.iter().map(|subject| (subject.key.as_str(), subject)).collect();
    let origin = Origin { by: &before.creator, why: &before.reason, with: &name, at: now };
    let (mut outcomes, mut notes, mut changed) = (Vec::with_capacity(keys.len()), Vec::new(), Vec::new());
    for (key, seen) in keys.iter().zip(seen) {
        let subject = found.get(key.as_str()).copied();
        let outcome = outcome(seen, subject, target);
        match outcome {
            Outcome::Changed => {
                after.changed += 1;
                changed.push(key.clone());
            }
            Outcome::Unchanged => after.unchanged += 1,
            Outcome::Stale | Outcome::NotFound => after.refused += 1,
        }
        outcomes.push(outcome.as_str());
        notes.push(match (outcome, subject) {
            (Outcome::Stale, Some(subject)) => format!("{}：{}", subject.changed_by, subject.changed_what),
            _ => String::new(),
        });
    }
    let edit = match target {
        Target::Life(life) => Edit::Life(*life),
        Target::District(district) => Edit::District(district),
    };
    registers::edit(&mut tx, &before.organisation, &changed, edit, origin).await?;
    store::settle(&mut tx, id, &keys, &outcomes, &notes).await?;
    save(tx, &before, after).await
}

/// Saves what a chunk made of a change; whether it goes on.
async fn save(mut tx: Tx, before: &ChangeRow, mut after: ChangeRow) -> Result<bool> {
    store::save(&mut tx, &after).await?;
    after.revision += 1;
    tx.changed(&after.name(), Some(&message(before)), Some(&message(&after)));
    tx.commit(&()).await?;
    let (id, changed, refused) = (&after.id, after.changed, after.refused);
    tracing::debug!(change.id = %id, state = %after.state, changed, refused, "a chunk of a change of a register is done");
    Ok(after.state == State::Applying.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_cannot_go_on_is_tried_ever_more_rarely_and_at_once_after_it_went_on() {
        let (mut pauses, mut now) = (Pauses::default(), Instant::now());
        assert!(!pauses.rests("a", now));
        let mut tries = Vec::new();
        for _ in 0..12 {
            let pause = pauses.failed("a", now);
            assert!(pauses.rests("a", now) && pauses.rests("a", now + pause - Duration::from_millis(1)));
            assert!(!pauses.rests("b", now), "the others are none the worse");
            now += pause;
            assert!(!pauses.rests("a", now));
            tries.push(pause.as_secs());
        }
        assert_eq!(tries, [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600]);
        pauses.went_on("a");
        assert_eq!(pauses.failed("a", now), PAUSE);
    }
}
