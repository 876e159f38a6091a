//! A private PostgreSQL and a private Redis, run from the binaries installed on this machine: the default of
//! `qingtian up` and of the tests. They are the real servers, listening only on sockets in a folder of mode 0700.
//!
//! A server dies with the process that started it, even when that process is killed outright: a small shell holds
//! the other end of a pipe of ours and interrupts the server when the pipe closes. Servers are in process groups of
//! their own, so that Ctrl-C in a terminal reaches only us and we stop them in order.

mod folder;
mod guard;
mod postgres;
mod provision;
mod redis;

use std::path::{Path, PathBuf};
use std::process::Command;

pub use postgres::Postgres;
pub use provision::{ServiceUrls, create_service, create_service_named, drop_service_named};
pub(crate) use redis::DATABASES as REDIS_DATABASES;
pub use redis::Redis;

/// What to install when a server's binary is missing or too old.
const INSTALL: &str = "install it: apt-get install postgresql redis-server";

/// How a private PostgreSQL runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether a commit survives a loss of power. Tests say no, everything else yes.
    pub durable: bool,
    /// The most connections the server accepts: count the pools, and add a few for administration.
    pub connections_max: u16,
    /// Further server settings, `name` and `value`, which win over ours.
    pub settings: Vec<(String, String)>,
}

impl Options {
    /// For data that somebody will want to see again.
    pub fn durable(connections_max: u16) -> Self {
        Self { durable: true, connections_max, settings: Vec::new() }
    }

    /// For tests: fast, and worthless after a crash.
    pub fn throwaway(connections_max: u16) -> Self {
        Self { durable: false, connections_max, settings: Vec::new() }
    }
}

/// Why a private server could not be run. Every message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{program} {version_min} or newer was not found; {INSTALL}")]
    NotInstalled { program: &'static str, version_min: u32 },
    #[error(
        "{folder} holds the data of PostgreSQL {found}, which is not installed here; \
         apt-get install postgresql-{found}, or choose another folder"
    )]
    OtherVersion { folder: PathBuf, found: String },
    #[error(
        "running as root needs the system user `postgres`, because PostgreSQL refuses to run as root; \
         {INSTALL}, or start as an ordinary user"
    )]
    NoUser,
    #[error(
        "the user `postgres` cannot enter {folder}, so it cannot run a server below it; \
         choose a folder such as /var/lib/qingtian, or chmod o+x {folder}"
    )]
    NotTraversable { folder: PathBuf },
    #[error(
        "the socket path {path} has {bytes} bytes and the system allows {}; choose a shorter folder",
        folder::SOCKET_PATH_BYTES_MAX
    )]
    SocketPathTooLong { path: PathBuf, bytes: usize },
    #[error("{folder} is in use by another running process of this kind; stop it first, or choose another folder")]
    InUse { folder: PathBuf },
    #[error("{program} did not start; the end of {log}:\n{tail}")]
    DidNotStart { program: &'static str, log: PathBuf, tail: String },
    #[error("{program} was not ready within {seconds} s; the end of {log}:\n{tail}")]
    NotReady { program: &'static str, seconds: u64, log: PathBuf, tail: String },
    #[error("{program} (process {pid}) left over from an earlier run did not stop within {seconds} s; stop it by hand")]
    LeftoverStays { program: &'static str, pid: u32, seconds: u64 },
    #[error("`{0}` cannot name a service: a lower-case letter, then up to 40 of a-z, 0-9 and _")]
    BadName(String),
    #[error("`{0}` is not the address of a PostgreSQL server")]
    BadUrl(String),
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error("redis: {0}")]
    Redis(#[from] ::redis::RedisError),
}

/// Attaches to an input or output error what we were doing.
fn doing<T>(what: impl Into<String>, result: std::io::Result<T>) -> Result<T, Error> {
    result.map_err(|source| Error::Io { what: what.into(), source })
}

/// Runs blocking work on the blocking pool.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::Io { what: "background work".into(), source: std::io::Error::other(error) }),
    }
}

/// The major version that `binary --version` states, from texts such as `postgres (PostgreSQL) 15.18 (Debian …)`
/// and `Redis server v=7.0.15 sha=…`.
fn major_version(binary: &Path) -> Option<u32> {
    let output = Command::new(binary).arg("--version").output().ok()?;
    parse_major(&String::from_utf8_lossy(&output.stdout))
}

fn parse_major(text: &str) -> Option<u32> {
    text.split_whitespace().map(|word| word.trim_start_matches("v=")).find_map(|word| {
        let digits: String = word.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    })
}

/// The folders of the search path.
fn search_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_servers_write_them() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(parse_major("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64"), Some(7));
        assert_eq!(parse_major("no version"), None);
    }

    #[test]
    fn a_missing_server_names_the_packages() {
        let text = Error::NotInstalled { program: "redis-server", version_min: 7 }.to_string();
        assert!(text.contains("apt-get install postgresql redis-server"), "{text}");
    }
}
