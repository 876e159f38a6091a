//! The registered names of a draw's subjects (art. 15). `names.tsv` holds everybody's: it is written as it comes and read as a
//! stream, since ten million names would take more memory than the whole draw may.

use std::io::{BufRead, BufReader, Cursor, Read};

use anyhow::ensure;
use bytes::Bytes;
use kit::{
    blob::{Blob, Digest, Error, Stored},
    faults,
};
use sha2::{Digest as _, Sha256};

/// Bytes read at once.
const CHUNK_BYTES: usize = 1 << 20;

/// `names.tsv` of a draw.
#[derive(Debug, Clone)]
pub enum Names {
    /// Few, and not kept yet.
    Held(Bytes),
    Kept(Stored),
}

impl From<Vec<u8>> for Names {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Held(bytes.into())
    }
}

impl Names {
    /// Keeps them, where that is not done yet.
    ///
    /// # Errors
    /// The place of blobs cannot be written.
    pub async fn keep(&self, blobs: &Blob) -> Result<Stored, Error> {
        match self {
            Self::Held(bytes) => {
                faults::point("PutFrozen", "before_write");
                let stored = blobs.put(bytes.clone()).await?;
                faults::point("PutFrozen", "after_write");
                Ok(stored)
            }
            Self::Kept(stored) => Ok(*stored),
        }
    }

    /// The whole file, for a draw whose names must not all be public.
    ///
    /// # Errors
    /// The file is gone, or holds other bytes than were kept.
    pub fn bytes(&self, blobs: &Blob) -> anyhow::Result<Bytes> {
        let stored = match self {
            Self::Held(bytes) => return Ok(bytes.clone()),
            Self::Kept(stored) => stored,
        };
        let (mut file, size) = blobs.open_blocking(stored.digest)?;
        let mut bytes = Vec::with_capacity(usize::try_from(size)?);
        file.read_to_end(&mut bytes)?;
        ensure!(Digest::of(&bytes) == stored.digest, "names.tsv is not the file that was kept");
        Ok(bytes.into())
    }

    /// The names of these subjects, in their order; empty for one without.
    ///
    /// # Errors
    /// The file is gone, or holds other bytes than were kept.
    pub fn of(&self, blobs: &Blob, keys: &[&str]) -> anyhow::Result<Vec<String>> {
        let stored = match self {
            Self::Held(bytes) => return Ok(find(Cursor::new(bytes), keys)?),
            Self::Kept(stored) => stored,
        };
        let (file, _) = blobs.open_blocking(stored.digest)?;
        let mut file = Hashing { file, hasher: Sha256::new() };
        let found = find(BufReader::with_capacity(CHUNK_BYTES, &mut file), keys)?;
        let digest = Digest(file.hasher.finalize().into());
        ensure!(digest == stored.digest, "names.tsv is not the file that was kept");
        Ok(found)
    }
}

/// Reads a sorted file to its end.
fn find(mut file: impl BufRead, keys: &[&str]) -> std::io::Result<Vec<String>> {
    let mut found = vec![String::new(); keys.len()];
    let mut sorted: Vec<(&str, usize)> = keys.iter().copied().zip(0..).collect();
    sorted.sort_unstable();
    let mut wanted = sorted.into_iter().peekable();
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line)? > 0 {
        let key = memchr::memchr(b'\t', &line).unwrap_or(line.len());
        while wanted.next_if(|(wanted, _)| wanted.as_bytes() < &line[..key]).is_some() {}
        while let Some((_, at)) = wanted.next_if(|(wanted, _)| wanted.as_bytes() == &line[..key]) {
            let title = line.get(key + 1..).unwrap_or_default();
            found[at] = String::from_utf8_lossy(title.strip_suffix(b"\n").unwrap_or(title)).into_owned();
        }
        line.clear();
    }
    Ok(found)
}

/// Hashes what is read.
struct Hashing<R> {
    file: R,
    hasher: Sha256,
}

impl<R: Read> Read for &mut Hashing<R> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let length = self.file.read(bytes)?;
        self.hasher.update(&bytes[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_in_the_order_asked() {
        let names = "k1\t某甲商行\nk2\t\nk4\t某丁 商行\n".as_bytes();
        let found = find(names, &["k4", "k3", "k1", "k0", "k2", "k5"]).unwrap();
        assert_eq!(found, ["某丁 商行", "", "某甲商行", "", "", ""]);
        assert_eq!(find(&b""[..], &["k1"]).unwrap(), [""]);
    }

    #[tokio::test]
    async fn changed_names_are_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blob::local(folder.path()).unwrap();
        let held = Names::from("k1\t某甲商行\n".as_bytes().to_vec());
        let kept = held.keep(&blobs).await.unwrap();
        let names = Names::Kept(kept);
        assert_eq!(names.keep(&blobs).await.unwrap(), kept);
        assert_eq!(held.of(&blobs, &["k1"]).unwrap(), ["某甲商行"]);
        assert_eq!(names.of(&blobs, &["k1"]).unwrap(), ["某甲商行"]);
        let name = kept.digest.to_string();
        let path = folder.path().join(&name[..2]).join(&name[2..]);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "k1\t某乙商行\n").unwrap();
        assert!(names.of(&blobs, &["k1"]).unwrap_err().to_string().contains("names.tsv"));
    }
}
