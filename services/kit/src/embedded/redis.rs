//! One private Redis, for what may be lost: it keeps nothing on disk.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::folder::{Home, tail};
use super::guard::{Guarded, LOOK_EVERY};
use super::postgres::temporary_folder;
use super::{Error, blocking, doing, major_version, search_path};

const PROGRAM: &str = "redis-server";
const VERSION_MIN: u32 = 7;
const READY_SECS_MAX: u64 = 30;
const LEFTOVER_SECS_MAX: u64 = 10;

/// The numbered databases of one server; tests take one each.
pub(crate) const DATABASES: u32 = 10_000;

/// A running private Redis. [`Redis::stop`] stops it; dropped, its watchdog stops it.
#[derive(Debug)]
pub struct Redis {
    server: Guarded,
    url: String,
    _home: Home,
}

impl Redis {
    /// Runs Redis on the socket `folder/run/redis.sock` with its log in `folder/redis.log`, and returns when it
    /// answers. A server left over from a crashed run on the same socket is shut down first.
    pub async fn start(folder: &Path) -> Result<Self, Error> {
        Self::start_in(folder, None).await
    }

    /// Like [`Redis::start`] in a folder of its own, which is removed when this process is gone.
    pub async fn start_temporary() -> Result<Self, Error> {
        let folder = blocking(|| temporary_folder("redis")).await?;
        Self::start_in(&folder, Some(folder.clone())).await
    }

    async fn start_in(folder: &Path, remove: Option<PathBuf>) -> Result<Self, Error> {
        let folder = folder.to_owned();
        let home = blocking(move || Home::claim(&folder, PROGRAM)).await?;
        let socket = home.sockets("redis.sock")?.join("redis.sock");
        let url = format!("redis+unix://{}", super::provision::percent_encoded(&socket));
        stop_leftover(&url).await?;
        let (mut server, log, home) = blocking(move || launch(home, &socket, remove.as_deref())).await?;
        let until = Instant::now() + Duration::from_secs(READY_SECS_MAX);
        loop {
            if server.ended().is_some() {
                return Err(Error::DidNotStart { program: PROGRAM, tail: tail(&log), log });
            }
            if answers(&url).await {
                return Ok(Self { server, url, _home: home });
            }
            if Instant::now() > until {
                return Err(Error::NotReady { program: PROGRAM, seconds: READY_SECS_MAX, tail: tail(&log), log });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The address of database 0; add `?db=N` for another.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The server's process.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    pub async fn stop(self) -> Result<(), Error> {
        blocking(move || self.server.stop()).await
    }
}

fn launch(home: Home, socket: &Path, remove: Option<&Path>) -> Result<(Guarded, PathBuf, Home), Error> {
    let binary = find()?;
    let (log, file) = home.log("redis.log")?;
    let stderr = doing("sharing the log", file.try_clone())?;
    let run = home.path.join("run");
    let mut command = home.account.command(&binary);
    command.args(["--port", "0", "--unixsocketperm", "700", "--save", "", "--appendonly", "no"]);
    command.arg("--unixsocket").arg(socket).arg("--dir").arg(run).args(["--databases", &DATABASES.to_string()]);
    command.stdin(Stdio::null()).stdout(file).stderr(stderr);
    let server = doing(format!("starting {}", binary.display()), command.spawn())?;
    let server = Guarded::watch(server, home.account, remove)?;
    Ok((server, log, home))
}

fn find() -> Result<PathBuf, Error> {
    let mut folders = search_path();
    folders.extend(["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"].map(PathBuf::from));
    folders
        .into_iter()
        .map(|folder| folder.join(PROGRAM))
        .find(|binary| binary.is_file() && major_version(binary).is_some_and(|version| version >= VERSION_MIN))
        .ok_or(Error::NotInstalled { program: PROGRAM, version_min: VERSION_MIN })
}

async fn answers(url: &str) -> bool {
    let Ok(client) = ::redis::Client::open(url) else { return false };
    let Ok(mut connection) = client.get_multiplexed_async_connection().await else { return false };
    ::redis::cmd("PING").query_async::<String>(&mut connection).await.is_ok()
}

/// Shuts down whoever answers on our socket. The folder's lock is ours, so nobody needs it.
async fn stop_leftover(url: &str) -> Result<(), Error> {
    let client = ::redis::Client::open(url)?;
    let Ok(mut connection) = client.get_multiplexed_async_connection().await else { return Ok(()) };
    let info: String = ::redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
    let number = info.lines().find_map(|line| line.strip_prefix("process_id:")?.trim().parse().ok());
    let pid: u32 = number.unwrap_or_default();
    tracing::warn!(process.id = pid, "stopping a Redis left over from an earlier run");
    // It answers by closing the connection, which is an error to the client.
    let _ = ::redis::cmd("SHUTDOWN").arg("NOSAVE").query_async::<()>(&mut connection).await;
    let until = Instant::now() + Duration::from_secs(LEFTOVER_SECS_MAX);
    while answers(url).await {
        if Instant::now() > until {
            return Err(Error::LeftoverStays { program: PROGRAM, pid, seconds: LEFTOVER_SECS_MAX });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[tokio::test]
    async fn redis_answers_on_its_socket_and_replaces_one_left_over() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let server = Redis::start(folder.path()).await.unwrap();
        let (url, first) = (server.url().to_owned(), server.pid());
        assert!(answers(&url).await);
        let Redis { server, _home: home, .. } = server;
        server.abandon();
        drop(home);
        let server = Redis::start(folder.path()).await.unwrap();
        assert_ne!(server.pid(), first);
        assert!(answers(&url).await);
        server.stop().await.unwrap();
        assert!(!answers(&url).await, "a stopped server must not answer");
    }
}
