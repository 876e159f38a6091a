//! A kept file read as a stream (art. 15). At ten million subjects register and names take more memory than a draw may, so that
//! they are read as they lie, and compared with their digest at the end: whoever reads one uses nothing of it before.

use std::io::{self, BufRead, BufReader, Read};

use anyhow::ensure;
use kit::blob::{Blob, Digest};
use sha2::{Digest as _, Sha256};

/// Bytes read at once.
pub const CHUNK_BYTES: usize = 1 << 20;

/// A kept file that is hashed while it is read.
pub struct Checked {
    file: BufReader<Hashing>,
    digest: Digest,
}

impl Checked {
    /// Opens a kept file.
    ///
    /// # Errors
    /// It is gone.
    pub fn open(blobs: &Blob, digest: Digest) -> anyhow::Result<Self> {
        let (file, _) = blobs.open_blocking(digest)?;
        let file = BufReader::with_capacity(CHUNK_BYTES, Hashing { file, hasher: Sha256::new() });
        Ok(Self { file, digest })
    }

    /// Reads what nobody has read yet, and compares all of it with the digest.
    ///
    /// # Errors
    /// The disk fails, or the file holds other bytes than were kept.
    pub fn finish(mut self) -> anyhow::Result<()> {
        io::copy(&mut self.file, &mut io::sink())?;
        let found = Digest(self.file.into_inner().hasher.finalize().into());
        ensure!(found == self.digest, "{} is not the file that was kept", self.digest);
        Ok(())
    }
}

impl Read for Checked {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.file.read(bytes)
    }
}

impl BufRead for Checked {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.file.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.file.consume(bytes);
    }
}

/// Hashes what is read.
struct Hashing {
    file: std::fs::File,
    hasher: Sha256,
}

impl Read for Hashing {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(bytes)?;
        self.hasher.update(&bytes[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_compared_with_its_digest_also_where_nobody_read_on() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blob::local(folder.path()).unwrap();
        let text: String = (0..300_000).map(|n| format!("{n}\n")).collect();
        let digest = blobs.put(text.clone()).await.unwrap().digest;
        let mut whole = String::new();
        let mut file = Checked::open(&blobs, digest).unwrap();
        file.read_to_string(&mut whole).unwrap();
        assert!(whole == text);
        file.finish().unwrap();
        let mut line = String::new();
        let mut file = Checked::open(&blobs, digest).unwrap();
        file.read_line(&mut line).unwrap();
        assert_eq!(line, "0\n");
        file.finish().unwrap();

        let name = digest.to_string();
        let path = folder.path().join(&name[..2]).join(&name[2..]);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, text + "1\n").unwrap();
        let file = Checked::open(&blobs, digest).unwrap();
        assert!(file.finish().unwrap_err().to_string().contains(&name));
    }
}
