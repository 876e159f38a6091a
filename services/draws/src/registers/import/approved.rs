//! An import that a second person approved (art. 13): read again from its kept bytes and entered batch by batch, a few at a turn.
//! After a crash it goes on behind the last batch; what somebody else changed since the upload stays and is told.

use std::collections::{HashMap, HashSet};

use kit::{
    blob::Digest,
    error::{Refusal, Result},
};
use sqlx::types::Json;
use tokio::{sync::mpsc, task::JoinHandle};

use super::{Importer, blocking};
use crate::{
    register_changes::{
        api::message,
        rules::{Event, State, apply},
        store::{self as changes, ChangeRow},
    },
    registers::{
        entering::{self, Origin},
        imports,
        reading::{self, Manner, Rows, Step},
    },
};

/// Batches of one turn.
const TURN_BATCHES: usize = 4;

/// An approved import that is being read. It stays open from one turn to the next, so that no turn reads again what another did;
/// its reader waits meanwhile, a few batches ahead. Dropped, it ends.
pub struct Opened {
    steps: mpsc::Receiver<Step>,
    reader: JoinHandle<Result<()>>,
    /// Rows read, those that were in before among them.
    seen: i64,
    whole: bool,
}

impl Importer {
    /// Opens an approved import to enter it from where it was.
    ///
    /// # Errors
    /// Its bytes are gone, or the database fails.
    pub async fn open_approved(&self, change: &ChangeRow) -> Result<Opened> {
        let mut conn = self.ledger.pool().acquire().await?;
        let import = imports::get(&mut conn, &change.organisation, &change.value).await?;
        drop(conn);
        let Some(Json(manner)) = import.manner else {
            return Err(Refusal::internal(anyhow::anyhow!("import {} does not say how it is read", import.id)));
        };
        let manner = Manner::kept(manner)?;
        let digest = Digest::parse(&import.file).map_err(Refusal::internal)?;
        let (file, _) = self.env.blobs.open_blocking(digest).map_err(Refusal::internal)?;
        let (sender, steps) = mpsc::channel(2);
        let blobs = self.env.blobs.clone();
        let reader = tokio::spawn(blocking(move || reading::read(file, &manner, &blobs, &sender)));
        Ok(Opened { steps, reader, seen: 0, whole: false })
    }

    /// Enters the next batches of an open import, or ends it; gives it back where there is more.
    ///
    /// # Errors
    /// What is kept cannot be read, or the database fails; then it is opened again, and goes on from where it was.
    pub async fn turn(&self, change: &ChangeRow, mut opened: Opened) -> Result<Option<Opened>> {
        let mut batches = 0;
        while let Some(step) = opened.steps.recv().await {
            match step {
                Step::Opened => {}
                Step::Rows(rows) => {
                    // A batch holds a few thousand rows.
                    let read = rows.given.len() as i64 + rows.returned;
                    if !self.enter_approved(change, rows, opened.seen).await? || self.env.shutdown.is_cancelled() {
                        return Ok(None);
                    }
                    opened.seen += read;
                    batches += 1;
                    if batches == TURN_BATCHES {
                        return Ok(Some(opened));
                    }
                }
                Step::End { .. } => opened.whole = true,
            }
        }
        opened.reader.await.map_err(Refusal::internal)??;
        if opened.whole {
            self.end_approved(change).await?;
        }
        Ok(None)
    }

    /// Enters a batch that stands behind so many rows, unless it is in; whether the import still goes on.
    async fn enter_approved(&self, change: &ChangeRow, mut rows: Rows, seen: i64) -> Result<bool> {
        let mut tx = self.ledger.begin_job("ApplyImport").await?;
        let Some(mut import) = imports::lock_applying(&mut tx, &change.organisation, &change.value).await? else {
            return Ok(false);
        };
        let (now, name, before) = (tx.now(), import.name(), import.message());
        if import.rows > seen {
            // A batch holds a few thousand rows.
            let behind = seen + rows.given.len() as i64 + rows.returned;
            if import.rows >= behind {
                return Ok(true);
            }
            // It was begun with batches of another size: it is entered from its first row again, which makes no doubles.
            import.begin_anew();
            imports::update(&mut tx, &import, now).await?;
            tx.changed(&name, Some(&before), Some(&import.message()));
            tx.commit(&()).await?;
            return Ok(false);
        }
        let keys: Vec<String> = rows.given.iter().map(|row| row.key.to_string()).collect();
        let stale = entering::changed_since(&mut tx, &import.organisation, &keys, import.created_at, &name).await?;
        if !stale.is_empty() {
            let notes: HashMap<&str, String> =
                stale.iter().map(|(key, who, what)| (key.as_str(), format!("{who}：{what}"))).collect();
            let (keys, notes): (Vec<String>, Vec<String>) =
                notes.into_iter().map(|(key, note)| (key.to_owned(), note)).unzip();
            changes::insert_stale(&mut tx, &change.id, &keys, &notes).await?;
            let keys: HashSet<String> = keys.into_iter().collect();
            rows.given.retain(|row| !keys.contains(&row.key.to_string()));
            rows.returned += keys.len() as i64;
        }
        let origin = Origin { by: &import.creator, why: &import.reason, with: &name, at: now };
        let upserted = entering::upsert(&mut tx, &import.organisation, &rows.given, origin).await?;
        // Its problems were told when it was checked.
        rows.problems.clear();
        import.count(upserted, rows);
        imports::update(&mut tx, &import, now).await?;
        tx.changed(&name, Some(&before), Some(&import.message()));
        tx.commit(&()).await?;
        Ok(true)
    }

    async fn end_approved(&self, change: &ChangeRow) -> Result<()> {
        let mut tx = self.ledger.begin_job("ApplyRegisterChange").await?;
        let now = tx.now();
        let before = changes::lock(&mut tx, &change.organisation, &change.id).await?;
        let import = imports::lock_applying(&mut tx, &change.organisation, &change.value).await?;
        let (Some(mut import), Ok(State::Applying)) = (import, State::parse(&before.state)) else { return Ok(()) };
        import.state = "FINISHED".to_owned();
        import.ended_at = Some(now);
        imports::update(&mut tx, &import, now).await?;
        let mut after = before.clone();
        after.state = apply(&before.name(), State::Applying, Event::Finish)?.as_str().to_owned();
        after.ended_at = Some(now);
        (after.changed, after.unchanged, after.refused) =
            (import.created + import.updated, import.unchanged, import.returned);
        changes::save(&mut tx, &after).await?;
        after.revision += 1;
        tx.changed(&after.name(), Some(&message(&before)), Some(&message(&after)));
        tx.commit(&()).await?;
        tracing::info!(import.id = %import.id, rows = import.rows, "entered an approved import");
        Ok(())
    }
}
