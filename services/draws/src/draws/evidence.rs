//! Evidence inside (art. 18, 44): the drawing organisation has its bundle from the reveal on, also where it is public only later;
//! the auditor has besides what the law forbids to publish, and every such reading is an entry of the audit.

use std::{
    fs::File,
    io::{BufWriter, Seek, SeekFrom},
    pin::Pin,
};

use futures::{Stream, StreamExt};
use kit::{
    auth::Caller,
    blob::{self, Blob, Digest},
    error::{Reason, Refusal, Result},
};
use lottery::{bundle, frozen::TABLES, reveal::STRATA, rules::Rules};
use proto::{google::api::HttpBody, qingtian::draws::v1 as pb};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::io::ReaderStream;
use tonic::{Response, Status, metadata::MetadataValue};

use super::{Desk, frozen, store::Sight, view, withheld};

/// A download.
pub type Download = Pin<Box<dyn Stream<Item = Result<HttpBody, Status>> + Send>>;

/// Copies of what is withheld that lie packed at once, each up to gigabytes of the temporary folder.
pub(super) const PACKED_MAX: usize = 2;

/// Bytes of one piece.
const PIECE_BYTES: usize = 128 << 10;

impl Desk {
    /// The bundle of a draw.
    ///
    /// # Errors
    /// `NOT_FOUND` before the reveal; `NOT_PUBLIC_YET` for those who only contribute.
    pub(super) async fn download_evidence(&self, caller: &Caller, name: &str) -> Result<Response<Download>> {
        let mut conn = self.view().await?;
        let row = view::find(&mut conn, name, &Sight::of(caller)).await?.ok_or_else(|| Refusal::not_found(name))?;
        let evidence = frozen::evidence(&mut conn, name).await?;
        let evidence = evidence.ok_or_else(|| Refusal::not_found(format!("{name}/evidence")))?;
        view::check_shown(&mut conn, caller, &row, self.env.clock.now()).await?;
        drop(conn);
        let digest = Digest::parse(&evidence).map_err(Refusal::internal)?;
        let (file, bytes) = self.env.blobs.open(digest).await.map_err(unreadable)?;
        Ok(send(file, bytes, &format!("{}.tar.gz", name.replace('/', "-")), None))
    }

    /// What the law forbids to publish of a draw, as a tar.gz that unpacks into the folder `qingtian verify --with` takes.
    /// Packed anew each time from the blobs it was frozen in, whose digests are checked; kept nowhere.
    ///
    /// # Errors
    /// `NOT_FOUND` where nothing is withheld, or before the statement; `UNAVAILABLE` while [`PACKED_MAX`] are being read; `INTERNAL`
    /// where what is kept is not what was frozen.
    pub(super) async fn download_withheld(
        &self,
        caller: &Caller,
        request: pb::DownloadWithheldRequest,
    ) -> Result<Response<Download>> {
        let name = &request.name;
        let mut tx = self.ledger.begin(caller, "", &request).await?;
        view::find(&mut tx, name, &Sight::of(caller)).await?.ok_or_else(|| Refusal::not_found(name))?;
        let statement = frozen::statement(&mut tx, name).await?;
        let rules = Rules::parse(&statement.rules).map_err(Refusal::internal)?;
        if rules.withheld.is_none() {
            return Err(Refusal::not_found(format!("{name}/withheld")));
        }
        let kept = frozen::files(&mut tx, name).await?;
        let mut files: Vec<(&'static str, Digest)> = Vec::new();
        for row in kept {
            if let Some(file) = TABLES.into_iter().find(|file| *file == row.file && rules.is_withheld(file)) {
                files.push((file, Digest::parse(&row.blob).map_err(Refusal::internal)?));
            }
        }
        if withheld::is_absent(&rules, STRATA)
            && let Some(strata) = frozen::strata_blob(&mut tx, name).await?
        {
            files.push((STRATA, Digest::parse(&strata).map_err(Refusal::internal)?));
        }
        let packed = self.packed.clone().try_acquire_owned();
        let turn = packed.map_err(|_| Refusal::new(Reason::Unavailable))?;
        // The reading itself is the act: it is in the audit before a byte is sent.
        tx.changed::<pb::Draw>(name, None, None);
        tx.commit(&()).await?;
        for (_, digest) in &files {
            self.env.blobs.verify(*digest).await.map_err(unreadable)?;
        }
        let blobs = self.env.blobs.clone();
        let packed = self.env.compute(move || pack(&blobs, &files)).await.map_err(Refusal::internal)?;
        let (file, bytes) = packed.map_err(Refusal::internal)?;
        tracing::info!(draw.id = %name, bytes, "read what is withheld");
        let file_name = format!("{}-withheld.tar.gz", name.replace('/', "-"));
        Ok(send(tokio::fs::File::from_std(file), bytes, &file_name, Some(turn)))
    }
}

/// Packs files of a draw in bounded memory; the file has no name and is gone when it was sent.
fn pack(blobs: &Blob, files: &[(&'static str, Digest)]) -> anyhow::Result<(File, u64)> {
    let mut writer = bundle::Writer::new(BufWriter::new(tempfile::tempfile()?));
    for (name, digest) in files {
        let (file, bytes) = blobs.open_blocking(*digest)?;
        writer.add_from(name, bytes, file)?;
    }
    let mut file = writer.finish()?.into_inner()?;
    let bytes = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    Ok((file, bytes))
}

/// Streams a file piece by piece; the turn, where there is one, ends with it.
fn send(file: tokio::fs::File, bytes: u64, file_name: &str, turn: Option<OwnedSemaphorePermit>) -> Response<Download> {
    let pieces = ReaderStream::with_capacity(file, PIECE_BYTES).map(move |piece| {
        let _kept = &turn;
        let data = piece.map_err(Refusal::from)?;
        Ok(HttpBody { content_type: "application/gzip".to_owned(), data: data.into(), extensions: Vec::new() })
    });
    let mut response: Response<Download> = Response::new(Box::pin(pieces));
    let headers = [
        ("content-disposition", format!("attachment; filename=\"{file_name}\"")),
        // Not for caches on the way: this is not public.
        ("cache-control", "private, no-store".to_owned()),
        ("x-length", bytes.to_string()),
    ];
    for (header, value) in headers {
        // Names of draws are ASCII.
        if let Ok(value) = MetadataValue::try_from(value) {
            response.metadata_mut().insert(header, value);
        }
    }
    response
}

/// An object that should be there and cannot be read.
fn unreadable(error: blob::Error) -> Refusal {
    match error {
        blob::Error::NotFound(_) => Refusal::new(Reason::Unavailable).because(error),
        other => Refusal::internal(other),
    }
}
