//! One upload of subjects (art. 13, 24): spooled to the disk, read row by row, entered batch by batch, each batch in one
//! transaction with its audit entry. Nothing in it depends on how often it is repeated.
//!
//! From a plan's publication to the reveal of its draw an upload is only read, checked and kept; it is entered by [`approved`]
//! when a second person has approved it.

pub mod approved;

use std::{
    fs::File,
    os::unix::fs::FileExt,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Duration, Utc};
use kit::{
    auth::Caller,
    blob::{Blob, Stored},
    env::Env,
    error::{Reason, Refusal, Result},
    ledger::Ledger,
    sheet::{Encoding, Format},
    uploads::{Piece, sessions::Complete},
};
use proto::qingtian::common::v1 as pb;
use sqlx::types::Json;
use tokio::sync::mpsc;
use uuid::{ContextV7, Timestamp, Uuid};

use super::{
    entering::{self, Origin},
    imports::{self, ImportRow},
    reading::{self, FILE_BYTES_MAX, Manner, Rows, Step},
};
use crate::register_changes::{api as changes, rules::State, store::insert as insert_change};

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
    /// Why; may be empty where no second person is needed.
    pub reason: String,
    /// How to read it.
    pub manner: Manner,
    /// The upload it is made from; none where its bytes come with it.
    pub kept: Option<Complete>,
}

impl Head {
    /// Has the bytes come from a kept upload, which also knows the file's name.
    pub fn from(&mut self, kept: Complete) {
        if self.file_name.is_empty() {
            self.file_name.clone_from(&kept.file_name);
        }
        self.kept = Some(kept);
    }
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

    /// Whether an upload may begin now.
    ///
    /// # Errors
    /// `REGISTER_GUARDED` when a published plan is not drawn yet and no reason was given.
    pub async fn check_guard(&self, head: &Head) -> Result<()> {
        let plan = changes::guard(&mut *self.ledger.pool().acquire().await?, &head.organisation).await?;
        if plan.is_empty() || !head.reason.is_empty() { Ok(()) } else { Err(guarded(&plan)) }
    }

    /// Takes an upload's pieces to their end and enters what they hold; or checks and keeps it for a second person.
    ///
    /// # Errors
    /// `FILE_UNREADABLE`, `TOO_LARGE`; then nothing was entered. `REGISTER_GUARDED`, or the database fails; then what was entered
    /// stays.
    pub async fn run(self, caller: Caller, head: Head, pieces: mpsc::Receiver<Piece>) -> Result<pb::Import> {
        let spooled = blocking(move || reading::spool(pieces, FILE_BYTES_MAX)).await?;
        let broken = spooled.broken;
        let file = spooled.file.try_clone()?;
        let (sender, mut steps) = mpsc::channel(2);
        let (manner, blobs) = (head.manner.clone(), self.env.blobs.clone());
        let reader = tokio::spawn(blocking(move || reading::read(spooled.file, &manner, &blobs, &sender)));
        let Some(Step::Opened) = steps.recv().await else {
            return match reader.await.map_err(Refusal::internal)? {
                Err(refusal) => Err(refusal),
                Ok(()) => Err(Refusal::internal(anyhow::anyhow!("the reader ended without a word"))),
            };
        };
        let (manner, kept_upload) = (head.manner.clone(), head.kept.clone());
        let (mut import, plan) = self.begin(&caller, head).await?;
        let (mut whole, mut refused) = (false, None);
        while let Some(step) = steps.recv().await {
            match step {
                Step::Opened => {}
                Step::Rows(rows) if plan.is_empty() => match self.enter(&caller, &mut import, rows).await {
                    Err(refusal) if refusal.reason() == Reason::RegisterGuarded => {
                        // A plan was published meanwhile: what is in is in, and the rest needs a second person.
                        refused = Some(refusal);
                        break;
                    }
                    entered => entered?,
                },
                Step::Rows(rows) => self.look(&caller, &mut import, rows).await?,
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
        let whole = whole && unreadable.is_none();
        if whole && !plan.is_empty() {
            let blobs = self.env.blobs.clone();
            let kept = blocking(move || keep(&file, &blobs)).await?;
            return self.wait(&caller, import, plan, &manner, (&kept, kept_upload)).await;
        }
        let ended = self.end(&caller, import, whole, kept_upload).await?;
        refused.map_or(Ok(ended), Err)
    }

    /// Begins an import; with the plan for which it has to wait, or without one.
    async fn begin(&self, caller: &Caller, head: Head) -> Result<(ImportRow, String)> {
        let mut tx = self.ledger.begin(caller, "", &()).await?;
        let plan = changes::guard(&mut tx, &head.organisation).await?;
        if !plan.is_empty() && head.reason.is_empty() {
            return Err(guarded(&plan));
        }
        let now = tx.now();
        let import = ImportRow {
            id: new_id(now),
            organisation: head.organisation,
            file_name: head.file_name,
            state: "RUNNING".to_owned(),
            encoding: if head.manner.by_rows { "ROWS" } else { "" }.to_owned(),
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
            change: String::new(),
            reason: head.reason,
            file: String::new(),
            manner: None,
        };
        imports::insert(&mut tx, &import).await?;
        if let Some(kept) = &head.kept {
            kept.link(&mut tx, &import.name()).await?;
        }
        tx.changed(&import.name(), None, Some(&import.message()));
        tx.commit(&()).await?;
        tracing::info!(import.id = %import.id, organisation = %import.organisation, "began import");
        Ok((import, plan))
    }

    /// Enters one batch; counts and subjects change together.
    async fn enter(&self, caller: &Caller, import: &mut ImportRow, rows: Rows) -> Result<()> {
        let before = import.message();
        let mut tx = self.ledger.begin(caller, "", &()).await?;
        let now = tx.now();
        let plan = changes::guard(&mut tx, &import.organisation).await?;
        if !plan.is_empty() {
            return Err(guarded(&plan));
        }
        let name = import.name();
        let origin = Origin { by: &caller.actor, why: &import.reason, with: &name, at: now };
        let upserted = entering::upsert(&mut tx, &import.organisation, &rows.given, origin).await?;
        import.count(upserted, rows);
        imports::update(&mut tx, import, now).await?;
        tx.changed(&name, Some(&before), Some(&import.message()));
        tx.commit(&()).await
    }

    /// Counts what one batch would do to the register as it is now.
    async fn look(&self, caller: &Caller, import: &mut ImportRow, rows: Rows) -> Result<()> {
        let before = import.message();
        let mut tx = self.ledger.begin(caller, "", &()).await?;
        let now = tx.now();
        let upserted = entering::foresee(&mut tx, &import.organisation, &rows.given).await?;
        import.count(upserted, rows);
        imports::update(&mut tx, import, now).await?;
        tx.changed(&import.name(), Some(&before), Some(&import.message()));
        tx.commit(&()).await
    }

    /// Has a checked import wait for its second person.
    async fn wait(
        &self,
        caller: &Caller,
        mut import: ImportRow,
        plan: String,
        manner: &Manner,
        (kept, upload): (&Stored, Option<Complete>),
    ) -> Result<pb::Import> {
        let before = import.message();
        let mut tx = self.ledger.begin(caller, "", &()).await?;
        let now = tx.now();
        let kind = ("IMPORT", import.id.clone());
        let change =
            changes::new_change(&tx, &import.organisation, kind, &import.reason, plan, State::Pending, import.rows);
        insert_change(&mut tx, &change).await?;
        import.state = "WAITING".to_owned();
        import.change = change.id;
        import.file = kept.digest.to_string();
        import.manner = Some(Json(manner.keep()?));
        imports::update(&mut tx, &import, now).await?;
        if let Some(upload) = upload {
            upload.used(&mut tx).await?;
        }
        let answer = import.message();
        tx.changed(&import.name(), Some(&before), Some(&answer));
        tx.commit(&()).await?;
        tracing::info!(import.id = %import.id, rows = import.rows, "an import waits for its second person");
        Ok(answer)
    }

    async fn end(
        &self,
        caller: &Caller,
        mut import: ImportRow,
        whole: bool,
        upload: Option<Complete>,
    ) -> Result<pb::Import> {
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
        // One that broke off is made anew from the same bytes.
        if let Some(upload) = upload.filter(|_| whole) {
            upload.used(&mut tx).await?;
        }
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

fn guarded(plan: &str) -> Refusal {
    Refusal::new(Reason::RegisterGuarded).with("plan", plan)
}

/// Keeps an upload's bytes; the file's place stays where the reader has it.
fn keep(file: &File, blobs: &Blob) -> Result<Stored> {
    let mut writer = blobs.writer(FILE_BYTES_MAX).map_err(Refusal::internal)?;
    let (mut block, mut at) = (vec![0; 256 << 10], 0);
    loop {
        let read = file.read_at(&mut block, at)?;
        if read == 0 {
            return writer.finish().map_err(Refusal::internal);
        }
        writer.write(&block[..read]).map_err(Refusal::internal)?;
        at += read as u64;
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Refusal::internal)?
}
