//! Applies changes (art. 13), chunk by chunk, each in one transaction with its audit entry. Safe to run twice and on two pods:
//! every chunk locks the change's row, skips one somebody else works on, and takes the subjects nobody dealt with. After a crash
//! it goes on where it was. However many changes and however large ones wait, a few are read at once, and each has its turn.

use std::{collections::HashMap, sync::Arc, time::Duration};

use kit::{
    env::Env,
    error::Result,
    ledger::{Ledger, Tx},
};
use tokio::sync::Notify;

use super::{
    api::{guard, message},
    rules::{Event, Outcome, State, Target, apply, outcome},
    store::{self, ChangeRow},
};
use crate::registers::{
    entering::Origin,
    import::Importer,
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

/// Runs until the process stops.
pub async fn run(env: Env, ledger: Ledger, woken: Arc<Notify>) {
    let importer = Importer::new(env, ledger.clone());
    loop {
        match round(&ledger, &importer).await {
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
async fn round(ledger: &Ledger, importer: &Importer) -> Result<bool> {
    let (mut after, mut any_goes_on) = (String::new(), false);
    loop {
        let mut conn = ledger.pool().acquire().await?;
        let changes = store::under_way(&mut conn, &after, TAKEN_MAX).await?;
        drop(conn);
        let Some(last) = changes.last() else { return Ok(any_goes_on) };
        after.clone_from(&last.id);
        for change in &changes {
            let done = match change.target() {
                Some(target) => apply_rows(ledger, change, &target).await,
                None => importer.apply(change).await.map(|()| false),
            };
            match done {
                Ok(goes_on) => any_goes_on |= goes_on,
                // One that cannot go on does not hold up the others.
                Err(refusal) => {
                    tracing::error!(change.id = %change.id, error = %refusal, "a change of a register cannot go on; it is tried again");
                }
            }
        }
    }
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
