//! Content-addressed, immutable objects: frozen files and evidence of draws (art. 14), attachments, batch files
//! (art. 22). A database row holds digest and size; the bytes are here, and can never be others under the same name.
//!
//! An object appears whole or not at all: written aside, flushed, then renamed. What a crash leaves aside is removed by
//! [`Blob::sweep`]. Backup takes objects after databases, so that every digest in a backup has its bytes.

mod local;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

use local::Local;

/// Bytes moved at once between a stream and a file.
const CHUNK_BYTES: usize = 256 << 10;

/// The SHA-256 of an object, which is its name. Written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = || Error::BadDigest(text.chars().take(80).collect());
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(bad());
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| bad())?;
        Ok(Self(bytes))
    }

    /// From a `bytea` column.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Error> {
        bytes.try_into().map(Self).map_err(|_| Error::BadDigest(hex::encode(&bytes[..bytes.len().min(40)])))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a database keeps about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no object {0}")]
    NotFound(Digest),
    #[error("object {expected} holds other bytes: their digest is {found}; restore it from a backup")]
    Corrupt { expected: Digest, found: Digest },
    #[error("more than {bytes_max} bytes")]
    TooLarge { bytes_max: u64 },
    #[error("the object has {size} bytes; {length} from {offset} on are not all there")]
    OutOfRange { offset: u64, length: u64, size: u64 },
    #[error("`{0}` is not a digest of 64 lower-case hexadecimal digits")]
    BadDigest(String),
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
    #[error("the background work was cut short: {0}")]
    Cancelled(#[from] tokio::task::JoinError),
}

/// Where objects are kept. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Blob {
    place: Place,
}

/// The kinds of places; object stores of a cluster stand beside the local folder here.
#[derive(Debug, Clone)]
enum Place {
    Local(Local),
}

impl Blob {
    /// Objects in a folder, which is made where missing. Objects half-written for a day are removed.
    pub fn local(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let local = Local::at(folder.as_ref())?;
        local.sweep(Duration::from_secs(24 * 3600))?;
        Ok(Self { place: Place::Local(local) })
    }

    /// A writer for synchronous code: write, then [`Writer::finish`]. Without that nothing is kept.
    pub fn writer(&self, bytes_max: u64) -> Result<Writer, Error> {
        match &self.place {
            Place::Local(local) => Ok(Writer { inner: local.writer(bytes_max)? }),
        }
    }

    /// Keeps these bytes.
    pub async fn put(&self, bytes: impl AsRef<[u8]> + Send + 'static) -> Result<Stored, Error> {
        let mut writer = self.writer(u64::MAX)?;
        blocking(move || {
            writer.write(bytes.as_ref())?;
            writer.finish()
        })
        .await
    }

    /// Whether there is such an object, and its size in bytes.
    pub async fn find(&self, digest: Digest) -> Result<Option<u64>, Error> {
        match self.open(digest).await {
            Ok((_, size)) => Ok(Some(size)),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// An object to read as a stream, and its size in bytes. Its bytes are not checked; see [`Blob::verify`].
    pub async fn open(&self, digest: Digest) -> Result<(tokio::fs::File, u64), Error> {
        let (file, size) = self.open_blocking_in_background(digest).await?;
        Ok((tokio::fs::File::from_std(file), size))
    }

    /// [`Blob::open`] for synchronous code.
    pub fn open_blocking(&self, digest: Digest) -> Result<(std::fs::File, u64), Error> {
        match &self.place {
            Place::Local(local) => local.open(digest),
        }
    }

    /// A whole object of at most `bytes_max` bytes, checked against its digest.
    pub async fn read(&self, digest: Digest, bytes_max: u64) -> Result<Vec<u8>, Error> {
        let (mut file, size) = self.open_blocking_in_background(digest).await?;
        if size > bytes_max {
            return Err(Error::TooLarge { bytes_max });
        }
        blocking(move || {
            let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
            // The edge again, should the file be longer than it said.
            io("reading an object", std::io::Read::by_ref(&mut file).take(size).read_to_end(&mut bytes))?;
            match Digest::of(&bytes) {
                found if found == digest => Ok(bytes),
                found => Err(Error::Corrupt { expected: digest, found }),
            }
        })
        .await
    }

    /// `length` bytes of an object from `offset` on. Not checked against the digest.
    pub async fn read_range(&self, digest: Digest, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        let (mut file, size) = self.open_blocking_in_background(digest).await?;
        let length = u64::from(length);
        if offset.checked_add(length).is_none_or(|end| end > size) {
            return Err(Error::OutOfRange { offset, length, size });
        }
        blocking(move || {
            let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
            io("seeking in an object", file.seek(SeekFrom::Start(offset)))?;
            io("reading an object", file.read_exact(&mut bytes))?;
            Ok(bytes)
        })
        .await
    }

    /// Reads an object through and compares its digest; its size in bytes when it is whole.
    pub async fn verify(&self, digest: Digest) -> Result<u64, Error> {
        let (mut file, size) = self.open_blocking_in_background(digest).await?;
        blocking(move || {
            use sha2::Digest as _;
            let mut hasher = sha2::Sha256::new();
            let mut chunk = vec![0; CHUNK_BYTES];
            loop {
                let length = io("reading an object", file.read(&mut chunk))?;
                if length == 0 {
                    break;
                }
                hasher.update(&chunk[..length]);
            }
            let found = Digest(hasher.finalize().into());
            if found == digest { Ok(size) } else { Err(Error::Corrupt { expected: digest, found }) }
        })
        .await
    }

    async fn open_blocking_in_background(&self, digest: Digest) -> Result<(std::fs::File, u64), Error> {
        let blob = self.clone();
        blocking(move || blob.open_blocking(digest)).await
    }
}

/// An object being written. Dropped before [`Writer::finish`], it leaves nothing.
pub struct Writer {
    inner: local::Writer,
}

impl Writer {
    /// Appends bytes; refuses to exceed the edge, after which nothing can be finished.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.inner.write(bytes)
    }

    /// Has the disk take what was written so far, so that [`Writer::finish`] of a large object finds little left to do.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.inner.sync()
    }

    /// Makes the object durable under its digest. Where it exists already, nothing changes.
    pub fn finish(self) -> Result<Stored, Error> {
        self.inner.finish()
    }
}

impl std::io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.inner.write(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(Error::Io { source, .. }) => Err(source),
            Err(error) => Err(std::io::Error::other(error)),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

fn io<T>(what: &str, result: std::io::Result<T>) -> Result<T, Error> {
    result.map_err(|source| Error::Io { what: what.to_owned(), source })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await?
}
