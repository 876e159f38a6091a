//! Uploads that go on where they stopped (art. 24): a session keeps what has arrived of a file until it is whole, and is then
//! imported as often as it takes. Pieces stand in the part's database, each committed with the offset behind it; see
//! `migrations/0004_uploads.sql`.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Duration, Utc};
use futures::Stream;
use proto::qingtian::uploads::v1 as pb;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tonic::Status;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Piece, Uploads, seal::Seal, store, store::Row};
use crate::{
    auth::Caller,
    blob::Digest,
    env::{Clock, Env},
    error::{Reason, Refusal, Result},
    faults,
    ledger::Ledger,
};

/// Bytes of one piece at the most; what a crash may lose of an upload.
pub const PIECE_BYTES_MAX: usize = 1 << 20;
/// Ended uploads destroyed by one transaction.
const SWEPT_AT_ONCE: i64 = 10;
const SWEEP_EVERY: std::time::Duration = std::time::Duration::from_secs(60);
/// Pieces that wait between the database and an import.
const WAITING_MAX: usize = 2;

/// Edges of what one part keeps of uploads.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// An upload to which nothing is added for so long ends.
    pub idle_max: Duration,
    /// Every upload ends then.
    pub life_max: Duration,
    /// Bytes of one file.
    pub file_bytes_max: u64,
    /// Uploads of one caller that are not imported yet.
    pub open_max: u32,
    /// Bytes of those; a file of unknown length counts as the largest.
    pub caller_bytes_max: u64,
    /// The same of all callers together.
    pub part_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle_max: Duration::hours(24),
            life_max: Duration::days(7),
            file_bytes_max: 1 << 30,
            open_max: 20,
            caller_bytes_max: 4 << 30,
            part_bytes_max: 32 << 30,
        }
    }
}

/// The upload sessions of one part. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    ledger: Ledger,
    clock: Clock,
    uploads: Uploads,
    limits: Limits,
    collection: &'static str,
    secret: Arc<Zeroizing<[u8; 32]>>,
}

/// An upload that can be imported.
#[derive(Debug, Clone)]
pub struct Complete {
    /// Its name.
    pub name: String,
    /// Name of its file.
    pub file_name: String,
    /// The import that was made from it last; empty before.
    pub import: String,
    length: u64,
    is_used: bool,
}

impl Complete {
    /// Whether its bytes are gone since they were imported.
    pub fn is_used(&self) -> bool {
        self.is_used
    }

    /// Notes the import that is made from it, in the transaction that begins that one.
    ///
    /// # Errors
    /// `WRONG_STATE` when another one was begun meanwhile.
    pub async fn link(&self, db: &mut sqlx::PgConnection, import: &str) -> Result<()> {
        store::link(db, &self.name, &self.import, import).await
    }

    /// Notes that it was imported, in the transaction that ends the import. Its bytes are destroyed.
    ///
    /// # Errors
    /// The database fails.
    pub async fn used(&self, db: &mut sqlx::PgConnection) -> Result<()> {
        store::used(db, &self.name).await
    }
}

impl Sessions {
    /// Those of a part, named `organisations/{organisation}/{collection}/{upload}`; starts the job that destroys what has ended.
    ///
    /// # Errors
    /// The part's secret is missing.
    pub fn start(env: &Env, ledger: &Ledger, collection: &'static str) -> anyhow::Result<Self> {
        let secret = env.keys.secret(&format!("{}.audit", ledger.part()))?;
        let sessions = Self {
            ledger: ledger.clone(),
            clock: env.clock.clone(),
            uploads: Uploads::new(env),
            limits: env.upload_sessions,
            collection,
            secret: Arc::new(Zeroizing::new(*secret)),
        };
        env.spawn("ended uploads", sessions.clone().sweep());
        Ok(sessions)
    }

    /// Opens an upload for an organisation the caller may send files for.
    ///
    /// # Errors
    /// `INVALID`, `TOO_LARGE`; `UPLOADS_FULL`.
    pub async fn create(&self, caller: &Caller, request: pb::CreateUploadRequest) -> Result<pb::Upload> {
        let asked = request.upload.clone().unwrap_or_default();
        let length = asked.length.map(|length| self.length(length)).transpose()?;
        if !asked.sha256.is_empty() {
            Digest::parse(&asked.sha256).map_err(|error| Refusal::invalid("upload.sha256", error))?;
        }
        let mut tx = self.ledger.begin(caller, &request.request_id, &request).await?;
        let now = tx.now();
        let most = i64::try_from(self.limits.file_bytes_max).unwrap_or(i64::MAX);
        let row = Row {
            name: format!("{}/{}/{}", request.parent, self.collection, Uuid::now_v7().simple()),
            organisation: request.parent,
            creator: caller.actor.clone(),
            file_name: text("upload.file_name", &asked.file_name)?,
            media_type: text("upload.media_type", &asked.media_type)?,
            length,
            reserved: length.unwrap_or(most),
            sha256: asked.sha256,
            stored: 0,
            state: "OPEN".to_owned(),
            import: String::new(),
            created_at: now,
            expires_at: self.end(now, now),
        };
        let (open, own, all) = store::lock_reserved(&mut tx, &caller.actor).await?;
        let exceeds = |kept: i64, edge: u64| kept.saturating_add(row.reserved).unsigned_abs() > edge;
        if open >= i64::from(self.limits.open_max) {
            return Err(Refusal::new(Reason::UploadsFull).with("limit", self.limits.open_max));
        }
        if exceeds(own, self.limits.caller_bytes_max) || exceeds(all, self.limits.part_bytes_max) {
            return Err(Refusal::new(Reason::UploadsFull).with("limit", told(self.limits.caller_bytes_max)));
        }
        store::insert(&mut tx, &row).await?;
        let answer = row.message();
        tx.changed(&answer.name, None, Some(&answer));
        tx.commit(&answer).await?;
        Ok(answer)
    }

    /// Adds the bytes of a stream. What has arrived when it breaks is kept.
    ///
    /// # Errors
    /// `NOT_FOUND`, `UPLOAD_OFFSET`, `WRONG_STATE`, `TOO_LARGE`; `UPLOAD_DIGEST`, and nothing is kept then.
    pub async fn append<S>(&self, caller: Caller, chunks: S) -> Result<pb::Upload, Status>
    where
        S: Stream<Item = Result<pb::AppendUploadRequest, Status>> + Unpin,
    {
        let mut upload = self.uploads.open(chunks)?;
        let first = upload.next().await?.ok_or_else(|| Refusal::invalid("name", "没有内容 / nothing was sent"))?;
        let row = self.open(&caller, &first).await?;
        let sessions = self.clone();
        let bytes = |chunk: pb::AppendUploadRequest| chunk.file.unwrap_or_default().data;
        upload.run(first, bytes, |pieces| sessions.keep(caller, row, pieces)).await
    }

    /// How far an upload has come.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn get(&self, caller: &Caller, name: &str) -> Result<pb::Upload> {
        Ok(self.find(caller, name).await?.message())
    }

    /// Gives an upload up.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn delete(&self, caller: &Caller, name: &str) -> Result<pb::DeleteUploadResponse> {
        let mut tx = self.ledger.begin(caller, "", &()).await?;
        let now = tx.now();
        let row = store::lock(&mut tx, name, &caller.actor, now).await?;
        store::delete(&mut tx, name).await?;
        tx.changed(name, Some(&row.message()), None);
        tx.commit(&()).await?;
        Ok(pb::DeleteUploadResponse {})
    }

    /// An upload of the caller's, for this organisation, that can be imported.
    ///
    /// # Errors
    /// `NOT_FOUND`; `UPLOAD_INCOMPLETE`; `UPLOAD_DIGEST` when it turns out only now.
    pub async fn complete(&self, caller: &Caller, organisation: &str, name: &str) -> Result<Complete> {
        let mut row = self.find(caller, name).await?;
        if row.organisation != organisation {
            return Err(Refusal::not_found(name));
        }
        if row.state == "OPEN" {
            if !row.is_whole() {
                return Err(Refusal::new(Reason::UploadIncomplete).with("offset", row.stored));
            }
            // Its process was killed between the last byte and the verdict.
            row = self.verify(caller, row).await?;
        }
        Ok(Complete {
            length: row.stored.unsigned_abs(),
            is_used: row.state == "USED",
            name: row.name,
            file_name: row.file_name,
            import: row.import,
        })
    }

    /// The bytes of an upload as an import takes them; without an end when some are gone.
    pub fn pieces(&self, complete: &Complete) -> mpsc::Receiver<Piece> {
        let (sender, pieces) = mpsc::channel(WAITING_MAX);
        let (sessions, name, length) = (self.clone(), complete.name.clone(), complete.length);
        tokio::spawn(async move {
            if let Err(refusal) = sessions.feed(&name, length, &sender).await {
                tracing::error!(upload.name = %name, %refusal, "an upload cannot be read");
            }
        });
        pieces
    }

    async fn find(&self, caller: &Caller, name: &str) -> Result<Row> {
        store::find(self.ledger.pool(), name, &caller.actor, self.clock.now()).await
    }

    /// When an upload ends to which something is added now.
    fn end(&self, created: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
        (now + self.limits.idle_max).min(created + self.limits.life_max)
    }

    fn length(&self, length: i64) -> Result<i64> {
        match u64::try_from(length) {
            Ok(0) | Err(_) => Err(Refusal::invalid("length", "至少 1 字节 / at least 1 byte")),
            Ok(bytes) if bytes > self.limits.file_bytes_max => {
                Err(Refusal::new(Reason::TooLarge).with("limit", told(self.limits.file_bytes_max)))
            }
            Ok(_) => Ok(length),
        }
    }

    /// The upload to which a first chunk adds, its length known when that says it.
    async fn open(&self, caller: &Caller, first: &pb::AppendUploadRequest) -> Result<Row> {
        let now = self.clock.now();
        let mut tx = self.ledger.pool().begin().await?;
        let mut row = store::lock(&mut tx, &first.name, &caller.actor, now).await?;
        if first.offset != row.stored {
            return Err(elsewhere(&row));
        }
        if row.state == "USED" {
            return Err(Refusal::wrong_state(&row.name, "已导入 USED", "续传 append"));
        }
        if let Some(length) = first.length {
            let length = self.length(length)?;
            if row.length.is_some_and(|known| known != length) || length < row.stored {
                return Err(Refusal::invalid("length", "与先前所报不同 / not what was said before"));
            }
            (row.length, row.reserved) = (Some(length), length);
            store::update(&mut tx, &row).await?;
            tx.commit().await?;
        }
        Ok(row)
    }

    /// Keeps pieces as they arrive, to the last that does.
    async fn keep(self, caller: Caller, mut row: Row, mut pieces: mpsc::Receiver<Piece>) -> Result<pb::Upload> {
        let seal = Seal::of(&self.secret, &row.name).map_err(Refusal::internal)?;
        let mut piece = Vec::new();
        while let Some(Piece::Bytes(mut bytes)) = pieces.recv().await {
            let (there, more) = (row.stored.unsigned_abs() + piece.len() as u64, bytes.len() as u64);
            if there + more > row.reserved.unsigned_abs() {
                return Err(Refusal::new(Reason::TooLarge).with("limit", told(row.reserved.unsigned_abs())));
            }
            while !bytes.is_empty() {
                let taken = bytes.split_to(bytes.len().min(PIECE_BYTES_MAX - piece.len()));
                piece.extend_from_slice(&taken);
                if piece.len() == PIECE_BYTES_MAX {
                    row = self.put(row, &seal, &piece).await?;
                    piece.clear();
                }
            }
        }
        if !piece.is_empty() {
            row = self.put(row, &seal, &piece).await?;
        }
        if row.is_whole() && row.state == "OPEN" {
            return Ok(self.verify(&caller, row).await?.message());
        }
        let answer = row.message();
        let mut tx = self.ledger.begin(&caller, "", &()).await?;
        tx.changed(&row.name, None, Some(&answer));
        tx.commit(&()).await?;
        Ok(answer)
    }

    /// Keeps one piece, unless somebody else kept one in its place.
    async fn put(&self, row: Row, seal: &Seal, piece: &[u8]) -> Result<Row> {
        let now = self.clock.now();
        let sealed = seal.seal(row.stored.unsigned_abs(), piece).map_err(Refusal::internal)?;
        let mut tx = self.ledger.pool().begin().await?;
        let mut locked = store::lock(&mut tx, &row.name, &row.creator, now).await?;
        if locked.stored != row.stored || locked.state != "OPEN" {
            return Err(elsewhere(&locked));
        }
        store::insert_piece(&mut tx, &locked.name, locked.stored, &sealed).await?;
        // At most PIECE_BYTES_MAX.
        locked.stored += piece.len() as i64;
        locked.expires_at = self.end(locked.created_at, now);
        store::update(&mut tx, &locked).await?;
        faults::point("AppendUpload", "before_piece");
        tx.commit().await?;
        faults::point("AppendUpload", "after_piece");
        Ok(locked)
    }

    /// Compares a whole file with its announced digest: it is complete, or begun anew.
    async fn verify(&self, caller: &Caller, row: Row) -> Result<Row> {
        let (sender, mut pieces) = mpsc::channel(WAITING_MAX);
        let hash = async {
            let mut hash = Sha256::new();
            while let Some(Piece::Bytes(bytes)) = pieces.recv().await {
                hash.update(&bytes);
            }
            hex::encode(hash.finalize())
        };
        let feed = async {
            let fed = self.feed(&row.name, row.stored.unsigned_abs(), &sender).await;
            drop(sender);
            fed
        };
        let (fed, found) = tokio::join!(feed, hash);
        fed?;
        let mut tx = self.ledger.begin(caller, "", &()).await?;
        let now = tx.now();
        let mut locked = store::lock(&mut tx, &row.name, &row.creator, now).await?;
        if locked.state != "OPEN" {
            return Ok(locked);
        }
        if locked.stored != row.stored {
            return Err(elsewhere(&locked));
        }
        let before = locked.message();
        let is_right = locked.sha256.is_empty() || locked.sha256 == found;
        if is_right {
            (locked.state, locked.sha256) = ("COMPLETE".to_owned(), found);
        } else {
            locked.stored = 0;
            store::delete_pieces(&mut tx, &locked.name).await?;
        }
        store::update(&mut tx, &locked).await?;
        tx.changed(&locked.name, Some(&before), Some(&locked.message()));
        tx.commit(&()).await?;
        if is_right { Ok(locked) } else { Err(Refusal::new(Reason::UploadDigest)) }
    }

    async fn feed(&self, name: &str, length: u64, to: &mpsc::Sender<Piece>) -> Result<()> {
        let seal = Seal::of(&self.secret, name).map_err(Refusal::internal)?;
        let mut at: u64 = 0;
        while at < length {
            let start = i64::try_from(at).map_err(Refusal::internal)?;
            let sealed =
                store::piece(self.ledger.pool(), name, start).await?.ok_or_else(|| Refusal::not_found(name))?;
            let bytes = Bytes::from(seal.open(at, sealed).map_err(Refusal::internal)?);
            at += bytes.len() as u64;
            // When nobody takes it, the import has ended and says why.
            if to.send(Piece::Bytes(bytes)).await.is_err() {
                return Ok(());
            }
        }
        // As above.
        let _ = to.send(Piece::End).await;
        Ok(())
    }

    /// Destroys what has ended, without end. Safe to run on two pods.
    async fn sweep(self) {
        let mut ticks = tokio::time::interval(SWEEP_EVERY);
        loop {
            ticks.tick().await;
            if let Err(refusal) = self.destroy_ended().await {
                tracing::warn!(%refusal, "cannot destroy uploads that have ended");
            }
        }
    }

    /// Destroys what has ended, some at a time; answers how many there were.
    ///
    /// # Errors
    /// The database fails.
    pub async fn destroy_ended(&self) -> Result<usize> {
        let mut destroyed = 0;
        while store::any_ended(self.ledger.pool(), self.clock.now()).await? {
            let mut tx = self.ledger.begin_job("EndUploads").await?;
            let now = tx.now();
            let names = store::delete_ended(&mut tx, now, SWEPT_AT_ONCE).await?;
            let Some(last) = names.last() else { break };
            tx.changed::<pb::Upload>(last, None, None);
            tx.commit(&()).await?;
            destroyed += names.len();
        }
        Ok(destroyed)
    }
}

fn elsewhere(row: &Row) -> Refusal {
    Refusal::new(Reason::UploadOffset).with("offset", row.stored)
}

fn text(field: &str, given: &str) -> Result<String> {
    if given.chars().count() > 200 || given.chars().any(char::is_control) {
        return Err(Refusal::invalid(
            field,
            "最多200个字符，不含控制字符 / at most 200 characters, none of them control",
        ));
    }
    Ok(given.to_owned())
}

/// A number of bytes in the greatest unit that divides it.
fn told(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let fit = units.into_iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit));
    fit.map_or_else(|| format!("{bytes} B"), |(unit, name)| format!("{} {name}", bytes / unit))
}
