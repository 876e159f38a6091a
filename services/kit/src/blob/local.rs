//! Objects in a folder: `ab/cdef…` by the digest, half-written ones in `incoming/`.

use std::fs::{self, File, Permissions};
use std::io::{BufWriter, ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::{CHUNK_BYTES, Digest, Error, Stored, io};

#[derive(Debug, Clone)]
pub(super) struct Local {
    folder: Arc<Path>,
}

impl Local {
    pub(super) fn at(folder: &Path) -> Result<Self, Error> {
        let incoming = folder.join("incoming");
        io(&format!("creating {}", incoming.display()), fs::create_dir_all(&incoming))?;
        Ok(Self { folder: folder.into() })
    }

    fn incoming(&self) -> PathBuf {
        self.folder.join("incoming")
    }

    pub(super) fn path(&self, digest: Digest) -> PathBuf {
        let name = digest.to_string();
        let (shelf, rest) = name.split_at(2);
        self.folder.join(shelf).join(rest)
    }

    pub(super) fn writer(&self, bytes_max: u64) -> Result<Writer, Error> {
        let file = io("opening a new object", tempfile::NamedTempFile::new_in(self.incoming()))?;
        let file = BufWriter::with_capacity(CHUNK_BYTES, file);
        Ok(Writer { local: self.clone(), file, hasher: Sha256::new(), size: 0, bytes_max, exceeded: false })
    }

    fn open_file(path: &Path) -> std::io::Result<(File, u64)> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok((file, size))
    }

    pub(super) fn open(&self, digest: Digest) -> Result<(File, u64), Error> {
        match Self::open_file(&self.path(digest)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::NotFound(digest)),
            other => io("opening an object", other),
        }
    }

    pub(super) fn sweep(&self, age: Duration) -> Result<usize, Error> {
        let mut removed = 0;
        for entry in io("listing half-written objects", fs::read_dir(self.incoming()))? {
            let path = io("listing half-written objects", entry)?.path();
            // One that vanishes meanwhile was finished or removed by somebody else.
            let Ok(meta) = fs::metadata(&path) else { continue };
            let old = meta.modified().is_ok_and(|time| time.elapsed().is_ok_and(|since| since >= age));
            if old && fs::remove_file(&path).is_ok() {
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Makes a folder's entries durable.
    fn sync(folder: &Path) -> Result<(), Error> {
        io(&format!("flushing {}", folder.display()), File::open(folder).and_then(|folder| folder.sync_all()))
    }
}

pub(super) struct Writer {
    local: Local,
    file: BufWriter<tempfile::NamedTempFile>,
    hasher: Sha256,
    size: u64,
    bytes_max: u64,
    exceeded: bool,
}

impl Writer {
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let size = self.size.saturating_add(bytes.len() as u64);
        if self.exceeded || size > self.bytes_max {
            self.exceeded = true;
            return Err(Error::TooLarge { bytes_max: self.bytes_max });
        }
        io("writing an object", self.file.write_all(bytes))?;
        self.hasher.update(bytes);
        self.size = size;
        Ok(())
    }

    pub(super) fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }

    pub(super) fn sync(&mut self) -> Result<(), Error> {
        io("flushing an object", self.file.flush().and_then(|()| self.file.get_ref().as_file().sync_data()))
    }

    pub(super) fn finish(self) -> Result<Stored, Error> {
        if self.exceeded {
            return Err(Error::TooLarge { bytes_max: self.bytes_max });
        }
        let stored = Stored { digest: Digest(self.hasher.finalize().into()), size: self.size };
        let path = self.local.path(stored.digest);
        let shelf = path.parent().unwrap_or(&self.local.folder);
        // One of another size is damaged; its right bytes then take its place.
        if !fs::metadata(&path).is_ok_and(|meta| meta.len() == stored.size) {
            let file = io("writing an object", self.file.into_inner().map_err(std::io::IntoInnerError::into_error))?;
            io("protecting an object", file.as_file().set_permissions(Permissions::from_mode(0o444)))?;
            io("flushing an object", file.as_file().sync_all())?;
            io(&format!("creating {}", shelf.display()), fs::create_dir_all(shelf))?;
            io("naming an object", file.persist(&path).map_err(|failed| failed.error))?;
        }
        // Also when somebody else named it just now: who is told that it is kept may rely on it.
        Local::sync(&self.local.folder)?;
        Local::sync(shelf)?;
        Ok(stored)
    }
}
