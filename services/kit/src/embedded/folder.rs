//! The folders a private server lives in: who owns them, whether that user can reach them, and that only one
//! process uses them.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Error, doing};

/// The longest socket path in bytes (`sun_path` less its terminating zero).
pub(super) const SOCKET_PATH_BYTES_MAX: usize = 107;

/// A server's log starts anew when it has grown beyond this.
const LOG_BYTES_MAX: u64 = 16 << 20;

/// Who runs the servers: the caller, or the user `postgres` when the caller is root.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    switch_to: Option<(u32, u32)>,
}

impl Account {
    pub(super) fn find() -> Result<Self, Error> {
        if !nix::unistd::geteuid().is_root() {
            return Ok(Self { switch_to: None });
        }
        match nix::unistd::User::from_name("postgres") {
            Ok(Some(user)) => Ok(Self { switch_to: Some((user.uid.as_raw(), user.gid.as_raw())) }),
            Ok(None) | Err(_) => Err(Error::NoUser),
        }
    }

    /// A command that runs as this account, in a process group of its own and a folder that account can read.
    pub(super) fn command(self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").process_group(0);
        if let Some((uid, gid)) = self.switch_to {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Makes `folder` (its parent exists) with mode 0700 and hands it to this account.
    pub(super) fn private_folder(self, folder: &Path) -> Result<(), Error> {
        if !folder.is_dir() {
            doing(format!("creating {}", folder.display()), DirBuilder::new().mode(0o700).create(folder))?;
        }
        doing(format!("protecting {}", folder.display()), fs::set_permissions(folder, Permissions::from_mode(0o700)))?;
        self.own(folder)
    }

    pub(super) fn own(self, path: &Path) -> Result<(), Error> {
        let Some((uid, gid)) = self.switch_to else { return Ok(()) };
        doing(format!("handing over {}", path.display()), std::os::unix::fs::chown(path, Some(uid), Some(gid)))
    }

    /// Refuses a folder that this account cannot reach from the root.
    pub(super) fn check_reachable(self, folder: &Path) -> Result<(), Error> {
        let Some((uid, gid)) = self.switch_to else { return Ok(()) };
        for ancestor in folder.ancestors() {
            let meta = doing(format!("looking at {}", ancestor.display()), fs::metadata(ancestor))?;
            let bit = match (meta.uid() == uid, meta.gid() == gid) {
                (true, _) => 0o100,
                (false, true) => 0o010,
                (false, false) => 0o001,
            };
            if meta.mode() & bit == 0 {
                return Err(Error::NotTraversable { folder: ancestor.to_owned() });
            }
        }
        Ok(())
    }
}

/// A folder that one process at a time keeps a server in. The lock goes with the process, however it ends.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) path: PathBuf,
    pub(super) account: Account,
    _lock: File,
}

impl Home {
    /// Makes `path` and its missing ancestors, checks that the account can reach it, and locks `path/NAME.lock`.
    pub(super) fn claim(path: &Path, name: &str) -> Result<Self, Error> {
        let account = Account::find()?;
        let path = doing(format!("finding {}", path.display()), std::path::absolute(path))?;
        create_with_ancestors(&path)?;
        let path = doing(format!("finding {}", path.display()), path.canonicalize())?;
        account.check_reachable(&path)?;
        let file = path.join(format!("{name}.lock"));
        let lock = doing(
            format!("opening {}", file.display()),
            OpenOptions::new().create(true).truncate(false).write(true).open(&file),
        )?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, account, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse { folder: path }),
            Err(TryLockError::Error(source)) => Err(Error::Io { what: format!("locking {}", file.display()), source }),
        }
    }

    /// The folder of the sockets, mode 0700, after checking that `socket` fits into a socket address.
    pub(super) fn sockets(&self, socket: &str) -> Result<PathBuf, Error> {
        let folder = self.path.join("run");
        let path = folder.join(socket);
        let bytes = path.as_os_str().as_bytes().len();
        if bytes > SOCKET_PATH_BYTES_MAX {
            return Err(Error::SocketPathTooLong { path, bytes });
        }
        self.account.private_folder(&folder)?;
        Ok(folder)
    }

    /// A log to append to, begun anew when it has become large.
    pub(super) fn log(&self, name: &str) -> Result<(PathBuf, File), Error> {
        let path = self.path.join(name);
        let large = fs::metadata(&path).is_ok_and(|meta| meta.len() > LOG_BYTES_MAX);
        let file = doing(
            format!("opening {}", path.display()),
            if large { File::create(&path) } else { OpenOptions::new().create(true).append(true).open(&path) },
        )?;
        doing(format!("protecting {}", path.display()), file.set_permissions(Permissions::from_mode(0o600)))?;
        Ok((path, file))
    }
}

/// Like `create_dir_all`, but what it creates can be entered by others whatever the umask says.
fn create_with_ancestors(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_with_ancestors(parent)?;
    }
    match fs::create_dir(path) {
        Ok(()) => {
            doing(format!("opening up {}", path.display()), fs::set_permissions(path, Permissions::from_mode(0o755)))
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(source) => Err(Error::Io { what: format!("creating {}", path.display()), source }),
    }
}

/// The last lines of a log, at most 2,000 bytes.
pub(super) fn tail(log: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let start = file.metadata()?.len().saturating_sub(2_000);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(2_000).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().unwrap_or_else(|error| format!("(cannot be read: {error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temporary() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        folder
    }

    #[test]
    fn a_home_is_claimed_once_and_is_free_again_afterwards() {
        let folder = temporary();
        let first = Home::claim(folder.path(), "server").unwrap();
        assert!(matches!(Home::claim(folder.path(), "server"), Err(Error::InUse { .. })));
        drop(first);
        Home::claim(folder.path(), "server").unwrap();
    }

    #[test]
    fn a_socket_path_that_the_system_cannot_hold_is_refused_before_anything_starts() {
        let folder = temporary();
        let home = Home::claim(&folder.path().join("x".repeat(90)), "server").unwrap();
        let error = home.sockets(".s.PGSQL.5432").unwrap_err();
        assert!(matches!(error, Error::SocketPathTooLong { .. }), "{error}");
        assert!(error.to_string().contains("the system allows 107"), "{error}");
        assert!(!home.path.join("run").exists());
    }

    #[test]
    fn root_is_told_which_ancestor_the_servers_user_cannot_enter() {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("SKIPPED: only root switches to another user");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        let error = Home::claim(&folder.path().join("data"), "server").unwrap_err();
        let Error::NotTraversable { folder: named } = &error else { panic!("{error}") };
        assert_eq!(named, &folder.path().canonicalize().unwrap());
    }

    #[test]
    fn the_tail_of_a_long_log_is_its_end() {
        let folder = temporary();
        let log = folder.path().join("log");
        fs::write(&log, format!("{}the end", "x".repeat(10_000))).unwrap();
        let tail = tail(&log);
        assert_eq!(tail.len(), 2_000);
        assert!(tail.ends_with("the end"));
    }
}
