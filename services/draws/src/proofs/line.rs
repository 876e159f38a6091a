//! One subject's line in the frozen files of a draw, and its proof (art. 10), at the cost of one reading of the file.

use std::{io::BufReader, sync::Arc};

use kit::{
    blob::Digest,
    env::Env,
    error::{Refusal, Result},
};
use lottery::{
    frozen::{LEFT_OUT, SUBJECTS},
    sorted::{Found, Index},
};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::draws::{freeze::NAMES, frozen::FileRow};

/// Reads frozen files. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    env: Env,
    /// Whole files are read one at a time: firms that ask for their lines never take all cores from a draw.
    whole: Arc<Semaphore>,
}

/// A turn to read whole files.
pub type Turn<'r> = SemaphorePermit<'r>;

/// Where a subject stands.
pub enum Standing {
    Pool(Found),
    LeftOut(Found),
}

impl Reader {
    /// Over the blobs of this process.
    pub fn new(env: &Env) -> Self {
        Self { env: env.clone(), whole: Arc::new(Semaphore::new(1)) }
    }

    /// A turn to read. It is taken before a connection of the database, so that those who wait keep none from a draw.
    ///
    /// # Errors
    /// Never: turns do not end.
    pub async fn turn(&self) -> Result<Turn<'_>> {
        self.whole.acquire().await.map_err(Refusal::internal)
    }

    /// The line of a key in one of the files a draw has kept.
    async fn find(&self, kept: &[FileRow], file: &str, key: &str) -> Result<Option<Found>> {
        let row = kept.iter().find(|row| row.file == file);
        let row = row.ok_or_else(|| Refusal::internal(anyhow::anyhow!("the draw has no {file}")))?;
        let digest = Digest::parse(&row.blob).map_err(Refusal::internal)?;
        self.env.blobs.verify(digest).await.map_err(Refusal::internal)?;
        let file = self.env.blobs.open_blocking(digest).map_err(Refusal::internal)?.0;
        let index = self.env.compute(move || Index::read(BufReader::with_capacity(1 << 20, file))).await;
        let index = index.map_err(Refusal::internal)?.map_err(Refusal::internal)?;
        let Some((at, begin, length)) = index.block_of(key.as_bytes()) else { return Ok(None) };
        let block = self.env.blobs.read_range(digest, begin, length).await.map_err(Refusal::internal)?;
        Ok(index.find(at, &block, key.as_bytes()))
    }

    /// Where a key stands in the draw's scope, if it does.
    ///
    /// # Errors
    /// `INTERNAL` when a file is gone or holds other bytes.
    pub async fn standing(&self, _: &Turn<'_>, kept: &[FileRow], key: &str) -> Result<Option<Standing>> {
        if let Some(found) = self.find(kept, SUBJECTS, key).await? {
            return Ok(Some(Standing::Pool(found)));
        }
        Ok(self.find(kept, LEFT_OUT, key).await?.map(Standing::LeftOut))
    }

    /// The registered name of a key as it was frozen; empty for none.
    ///
    /// # Errors
    /// As [`Reader::standing`].
    pub async fn title(&self, _: &Turn<'_>, kept: &[FileRow], key: &str) -> Result<String> {
        let Some(found) = self.find(kept, NAMES, key).await? else { return Ok(String::new()) };
        let line = String::from_utf8_lossy(&found.line);
        Ok(line.split_once('\t').map(|(_, title)| title.to_owned()).unwrap_or_default())
    }
}
