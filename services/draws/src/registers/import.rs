//! One upload of subjects (art. 13, 24): spooled to the disk, read row by row, entered batch by batch, each batch in one
//! transaction with its audit entry. Nothing in it depends on how often it is repeated.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use kit::{
    auth::Caller,
    env::Env,
    error::{Refusal, Result},
    ledger::Ledger,
    sheet::{Encoding, Format},
    uploads::Piece,
};
use proto::qingtian::common::v1 as pb;
use sqlx::types::Json;
use tokio::sync::mpsc;
use uuid::{ContextV7, Timestamp, Uuid};

use super::{
    imports::{self, ImportRow},
    reading::{self, Manner, Rows, Step},
};

/// An import that has not written for so long has lost its process.
const SILENCE_MAX: Duration = Duration::minutes(1);
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(10);

static ORDER: Mutex<Option<ContextV7>> = Mutex::new(None);

/// An id that sorts by the time it was made.
pub fn new_id(now: DateTime<Utc>) -> String {
    let mut order = ORDER.lock().unwrap_or_else(PoisonError::into_inner);
    let order = order.get_or_insert_with(ContextV7::new);
    let time = Timestamp::from_unix(&*order, now.timestamp().unsigned_abs(), now.timestamp_subsec_nanos());
    Uuid::new_v7(time).simple().to_string()
}

/// What the first chunk of an upload said.
#[derive(Debug)]
pub struct Head {
    /// Register it goes into.
    pub organisation: String,
    /// Name of the file.
    pub file_name: String,
    /// How to read it.
    pub manner: Manner,
}

/// Enters uploads.
#[derive(Clone)]
pub struct Importer {
    env: Env,
    ledger: Ledger,
}

impl Importer {
    /// Enters into this part's registers.
    pub fn new(env: Env, ledger: Ledger) -> Self {
        Self { env, ledger }
    }

    /// Takes an upload's pieces to their end and enters what they hold.
    ///
    /// # Errors
    /// `FILE_UNREADABLE`, `TOO_LARGE`; then nothing was entered. The database fails; then what was entered stays.
    pub async fn run(self, caller: Caller, head: Head, pieces: mpsc::Receiver<Piece>) -> Result<pb::Import> {
        let spooled = blocking(move || reading::spool(pieces)).await?;
        let broken = spooled.broken;
        let (sender, mut steps) = mpsc::channel(2);
        let (manner, blobs) = (head.manner.clone(), self.env.blobs.clone());
        let reader = tokio::spawn(blocking(move || reading::read(spooled.file, &manner, &blobs, &sender)));
        let Some(Step::Opened) = steps.recv().await else {
            return match reader.await.map_err(Refusal::internal)? {
                Err(refusal) => Err(refusal),
                Ok(()) => Err(Refusal::internal(anyhow::anyhow!("the reader ended without a word"))),
            };
        };
        let mut import = self.begin(&caller, head).await?;
        let mut whole = false;
        while let Some(step) = steps.recv().await {
            match step {
                Step::Opened => {}
                Step::Rows(rows) => self.enter(&caller, &mut import, rows).await?,
                Step::End { truncated, report } => {
                    whole = !truncated && !broken;
                    import.report = report.digest.to_string();
                }
            }
            if self.env.shutdown.is_cancelled() && import.report.is_empty() {
                break;
            }
        }
        drop(steps);
        let unreadable = reader.await.map_err(Refusal::internal)?.err();
        if let Some(refusal) = &unreadable {
            tracing::warn!(import.id = %import.id, %refusal, "import broke off");
        }
        self.end(&caller, import, whole && unreadable.is_none()).await
    }

    async fn begin(&self, caller: &Caller, head: Head) -> Result<ImportRow> {
        let mut tx = self.ledger.begin(caller, "", &()).await?;
        let now = tx.now();
        let import = ImportRow {
            id: new_id(now),
            organisation: head.organisation,
            file_name: head.file_name,
            state: "RUNNING".to_owned(),
            encoding: String::new(),
            rows: 0,
            created: 0,
            updated: 0,
            unchanged: 0,
            returned: 0,
            old_numbers: 0,
            problems: Json(Vec::new()),
            report: String::new(),
            creator: caller.actor.clone(),
            created_at: now,
            ended_at: None,
        };
        imports::insert(&mut tx, &import).await?;
        tx.changed(&import.name(), None, Some(&import.message()));
        tx.commit(&()).await?;
        tracing::info!(import.id = %import.id, organisation = %import.organisation, "began import");
        Ok(import)
    }

    /// Enters one batch; counts and subjects change together.
    async fn enter(&self, caller: &Caller, import: &mut ImportRow, rows: Rows) -> Result<()> {
        let before = import.message();
        let mut tx = self.ledger.begin(caller, "", &()).await?;
        let now = tx.now();
        let upserted = imports::upsert(&mut tx, &import.organisation, &rows.given, &caller.actor, now).await?;
        // A batch holds a few thousand rows.
        let given = rows.given.len() as i64;
        import.rows += given + rows.returned;
        import.created += upserted.created;
        import.updated += upserted.updated;
        import.unchanged += given - upserted.created - upserted.updated;
        import.returned += rows.returned;
        import.old_numbers += rows.given.iter().filter(|row| row.key.is_old()).count() as i64;
        import.problems.extend(rows.problems);
        if let Some(format) = rows.format {
            format.as_str().clone_into(&mut import.encoding);
        }
        imports::update(&mut tx, import, now).await?;
        tx.changed(&import.name(), Some(&before), Some(&import.message()));
        tx.commit(&()).await
    }

    async fn end(&self, caller: &Caller, mut import: ImportRow, whole: bool) -> Result<pb::Import> {
        let before = import.message();
        let mut tx = self.ledger.begin(caller, "", &()).await?;
        import.state = if whole { "FINISHED" } else { "INTERRUPTED" }.to_owned();
        import.ended_at = Some(tx.now());
        if import.encoding.is_empty() {
            // Nothing but ASCII was seen, which is the same in both.
            Format::Csv(Encoding::Utf8).as_str().clone_into(&mut import.encoding);
        }
        let now = tx.now();
        imports::update(&mut tx, &import, now).await?;
        let answer = import.message();
        tx.changed(&import.name(), Some(&before), Some(&answer));
        tx.commit(&()).await?;
        tracing::info!(import.id = %import.id, state = %import.state, rows = import.rows, returned = import.returned, "ended import");
        Ok(answer)
    }

    /// Marks imports whose process died as interrupted, at the start and from then on. Safe to run on two pods: a living
    /// import writes with every batch.
    pub async fn interrupt_silent(self) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        loop {
            ticks.tick().await;
            if let Err(refusal) = self.interrupt_once().await {
                tracing::warn!(%refusal, "cannot look for imports that died");
            }
        }
    }

    async fn interrupt_once(&self) -> Result<()> {
        let since = self.env.clock.now() - SILENCE_MAX;
        let mut conn = self.ledger.pool().acquire().await?;
        if !imports::any_silent(&mut conn, since).await? {
            return Ok(());
        }
        drop(conn);
        let mut tx = self.ledger.begin_job("InterruptImports").await?;
        let now = tx.now();
        for name in imports::interrupt_silent(&mut tx, since, now).await? {
            tracing::warn!(import.name = %name, "import's process died; marked it interrupted");
            tx.changed::<pb::Import>(&name, None, None);
        }
        tx.commit(&()).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Refusal::internal)?
}
