//! One private PostgreSQL: found, initialised, started, waited for, stopped.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use sqlx::{Connection as _, PgConnection};

use super::folder::{Home, tail};
use super::guard::{Guarded, LOOK_EVERY, signal};
use super::{Error, Options, blocking, doing, major_version, provision, search_path};

const PROGRAM: &str = "postgres";
const VERSION_MIN: u32 = 15;

/// Recovery after a crash is included.
const READY_SECS_MAX: u64 = 120;
const LEFTOVER_SECS_MAX: u64 = 60;

/// Only the name of the socket file depends on it: nothing listens on a port.
const PORT: u16 = 5432;
const SUPERUSER: &str = "postgres";

/// A running private PostgreSQL. [`Postgres::stop`] stops it in order; dropped, its watchdog stops it.
#[derive(Debug)]
pub struct Postgres {
    server: Guarded,
    admin_url: String,
    sockets: PathBuf,
    _home: Home,
}

impl Postgres {
    /// Runs PostgreSQL with its data in `folder/postgres`, its socket in `folder/run`, its log in
    /// `folder/postgres.log`; makes what is missing, and returns when the server answers. A server left over from a
    /// crashed run in the same folder is stopped first.
    pub async fn start(folder: &Path, options: &Options) -> Result<Self, Error> {
        Self::start_in(folder, options, None).await
    }

    /// Like [`Postgres::start`] in a folder of its own, which is removed when this process is gone.
    pub async fn start_temporary(options: &Options) -> Result<Self, Error> {
        let folder = blocking(|| temporary_folder("pg")).await?;
        Self::start_in(&folder, options, Some(folder.clone())).await
    }

    async fn start_in(folder: &Path, options: &Options, remove: Option<PathBuf>) -> Result<Self, Error> {
        let (folder, options) = (folder.to_owned(), options.clone());
        let (mut server, sockets, log, home) = blocking(move || launch(&folder, &options, remove.as_deref())).await?;
        let admin_url = provision::socket_url(&sockets, PORT, SUPERUSER, "postgres");
        let until = Instant::now() + Duration::from_secs(READY_SECS_MAX);
        loop {
            if server.ended().is_some() {
                return Err(Error::DidNotStart { program: PROGRAM, tail: tail(&log), log });
            }
            if let Ok(connection) = PgConnection::connect(&admin_url).await {
                // The server answers; a failing farewell changes nothing.
                let _ = connection.close().await;
                return Ok(Self { server, admin_url, sockets, _home: home });
            }
            if Instant::now() > until {
                return Err(Error::NotReady { program: PROGRAM, seconds: READY_SECS_MAX, tail: tail(&log), log });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The superuser's address of the database `postgres`, for [`super::create_service`] and for backups.
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// The address of a database for a role. Both may hold `{service}`, so that the result can serve as a template.
    pub fn url(&self, role: &str, database: &str) -> String {
        provision::socket_url(&self.sockets, PORT, role, database)
    }

    /// The folder of the socket, for `psql -h`.
    pub fn sockets(&self) -> &Path {
        &self.sockets
    }

    /// The server's process.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Ends sessions, writes a checkpoint, stops. Bounded: about 20 s, then without the checkpoint.
    pub async fn stop(self) -> Result<(), Error> {
        blocking(move || self.server.stop()).await
    }
}

/// A new folder for a server that is removed with it.
pub(super) fn temporary_folder(kind: &str) -> Result<PathBuf, Error> {
    let account = super::folder::Account::find()?;
    let folder = doing(
        "making a temporary folder",
        tempfile::Builder::new()
            .prefix(&format!("qingtian-{kind}-"))
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir(),
    )?
    .keep();
    // The watchdog removes it, so the servers' account must own it.
    account.own(&folder)?;
    Ok(folder)
}

type Launched = (Guarded, PathBuf, PathBuf, Home);

fn launch(folder: &Path, options: &Options, remove: Option<&Path>) -> Result<Launched, Error> {
    let home = Home::claim(folder, PROGRAM)?;
    let sockets = home.sockets(&format!(".s.PGSQL.{PORT}"))?;
    let data = home.path.join("postgres");
    let binaries = find(&data)?;
    stop_leftover(&data, &sockets)?;
    initialise(&home, &binaries, &data, options)?;
    let (log, file) = home.log("postgres.log")?;
    let stderr = doing("sharing the log", file.try_clone())?;
    let mut command = home.account.command(binaries.join(PROGRAM));
    command.arg("-D").arg(&data).arg("-k").arg(&sockets).args(["-p", &PORT.to_string()]);
    for (name, value) in settings(options) {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    command.env_remove("PGDATA").env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).stdout(file).stderr(stderr);
    let server = doing(format!("starting {}", binaries.join(PROGRAM).display()), command.spawn())?;
    let server = Guarded::watch(server, home.account, remove)?;
    Ok((server, sockets, log, home))
}

fn settings(options: &Options) -> Vec<(String, String)> {
    let connections_max = options.connections_max.to_string();
    let mut settings: Vec<(&str, &str)> = vec![
        ("listen_addresses", ""),
        ("unix_socket_permissions", "0700"),
        ("max_connections", &connections_max),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        ("jit", "off"),
    ];
    if !options.durable {
        settings.extend([("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off")]);
        settings.extend([("max_wal_size", "4GB"), ("checkpoint_timeout", "1h"), ("autovacuum_naptime", "1h")]);
    }
    let ours = settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    ours.chain(options.settings.iter().cloned()).collect()
}

/// The folder of the newest PostgreSQL that can run this data: of the data's own major version if there is data.
fn find(data: &Path) -> Result<PathBuf, Error> {
    let present = fs::read_to_string(data.join("PG_VERSION")).ok().map(|text| text.trim().to_owned());
    let mut folders: Vec<PathBuf> = ["/usr/lib/postgresql", "/usr", "/opt/homebrew/opt", "/usr/local/opt"]
        .iter()
        .filter_map(|root| fs::read_dir(root).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    folders.extend(search_path());
    let found = folders
        .into_iter()
        .filter(|folder| folder.join(PROGRAM).is_file() && folder.join("initdb").is_file())
        .filter_map(|folder| Some((major_version(&folder.join(PROGRAM))?, folder)))
        .filter(|(version, _)| *version >= VERSION_MIN);
    match present {
        None => found
            .max_by_key(|(version, _)| *version)
            .map(|(_, folder)| folder)
            .ok_or(Error::NotInstalled { program: PROGRAM, version_min: VERSION_MIN }),
        Some(present) => found
            .into_iter()
            .find(|(version, _)| version.to_string() == present)
            .map(|(_, folder)| folder)
            .ok_or(Error::OtherVersion { folder: data.to_owned(), found: present }),
    }
}

/// Makes the data folder beside its place and moves it there when it is complete, so that a crash half-way leaves
/// nothing that looks finished.
fn initialise(home: &Home, binaries: &Path, data: &Path, options: &Options) -> Result<(), Error> {
    if data.join("PG_VERSION").is_file() {
        return Ok(());
    }
    let unfinished = home.path.join("postgres.unfinished");
    if unfinished.exists() {
        doing(format!("removing {}", unfinished.display()), fs::remove_dir_all(&unfinished))?;
    }
    home.account.private_folder(&unfinished)?;
    let mut command = home.account.command(binaries.join("initdb"));
    command.arg("-D").arg(&unfinished).args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]);
    if !options.durable {
        command.arg("--no-sync");
    }
    let output = doing("running initdb", command.stdin(Stdio::null()).output())?;
    if !output.status.success() {
        let tail = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Error::DidNotStart { program: "initdb", log: unfinished, tail });
    }
    doing(format!("naming {}", data.display()), fs::rename(&unfinished, data))
}

/// Stops a server that an earlier, crashed run left on this data, and clears its lock files away when nobody is left:
/// PostgreSQL would take an unreaped process, or another one with the same number, for a running server. The folder's
/// lock is ours, so nobody needs that server. Without /proc PostgreSQL judges alone.
fn stop_leftover(data: &Path, sockets: &Path) -> Result<(), Error> {
    let file = data.join("postmaster.pid");
    if !file.exists() || !Path::new("/proc/self").exists() {
        return Ok(());
    }
    let until = Instant::now() + Duration::from_secs(LEFTOVER_SECS_MAX);
    let mut told = false;
    while let Some(&pid) = occupants(data).first() {
        let head = pid_in(&file).filter(|head| occupants(data).contains(head));
        if let Some(head) = head.filter(|_| !told) {
            tracing::warn!(process.id = head, "stopping a PostgreSQL left over from an earlier run");
            signal(head, Signal::SIGINT);
            told = true;
        }
        if Instant::now() > until {
            return Err(Error::LeftoverStays { program: PROGRAM, pid, seconds: LEFTOVER_SECS_MAX });
        }
        std::thread::sleep(LOOK_EVERY);
    }
    for file in [file, sockets.join(format!(".s.PGSQL.{PORT}.lock"))] {
        if file.exists() {
            doing(format!("removing {}", file.display()), fs::remove_file(&file))?;
        }
    }
    Ok(())
}

fn pid_in(file: &Path) -> Option<u32> {
    fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok()
}

/// The live PostgreSQL processes whose working directory is this data folder.
fn occupants(data: &Path) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder == data)
            && fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == PROGRAM)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(url: &str, question: &str) -> String {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::query_scalar(sqlx::AssertSqlSafe(question.to_owned())).fetch_one(&mut connection).await.unwrap()
    }

    fn enterable() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        folder
    }

    #[tokio::test]
    async fn data_is_there_again_after_a_stop_and_after_a_crash_that_left_the_server_running() {
        let folder = enterable();
        let options = Options::durable(20);
        let server = Postgres::start(folder.path(), &options).await.unwrap();
        let url = server.admin_url().to_owned();
        assert_eq!(ask(&url, "show listen_addresses").await, "");
        assert_eq!(ask(&url, "show fsync").await, "on");
        assert_eq!(ask(&url, "show max_connections").await, "20");
        let mode = fs::metadata(server.sockets()).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700);
        let mut connection = PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql("create table kept as select 'once'::text as word").execute(&mut connection).await.unwrap();
        drop(connection);
        server.stop().await.unwrap();
        assert!(PgConnection::connect(&url).await.is_err(), "a stopped server must not answer");

        let server = Postgres::start(folder.path(), &options).await.unwrap();
        assert_eq!(ask(&url, "select word from kept").await, "once");
        assert!(matches!(Postgres::start(folder.path(), &options).await, Err(Error::InUse { .. })));
        let first = server.pid();
        let Postgres { server, _home: home, .. } = server;
        server.abandon();
        drop(home);

        let server = Postgres::start(folder.path(), &options).await.unwrap();
        assert_ne!(server.pid(), first);
        assert!(!occupants(&folder.path().canonicalize().unwrap().join("postgres")).contains(&first));
        assert_eq!(ask(&url, "select word from kept").await, "once");
        signal(server.pid(), Signal::SIGKILL);
        drop(server);

        // The killed server's pid file names a process that nobody has waited for yet.
        let server = Postgres::start(folder.path(), &options).await.unwrap();
        assert_eq!(ask(&url, "select word from kept").await, "once");
        server.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_setting_the_server_refuses_is_reported_with_the_end_of_its_log() {
        let folder = enterable();
        let mut options = Options::throwaway(20);
        options.settings.push(("shared_buffers".into(), "nonsense".into()));
        let error = Postgres::start(folder.path(), &options).await.unwrap_err();
        assert!(matches!(&error, Error::DidNotStart { .. }), "{error}");
        assert!(error.to_string().contains("shared_buffers"), "{error}");
    }

    #[test]
    fn data_of_another_version_is_not_touched() {
        let folder = enterable();
        fs::write(folder.path().join("PG_VERSION"), "9.6\n").unwrap();
        let error = find(folder.path()).unwrap_err();
        assert!(error.to_string().contains("PostgreSQL 9.6"), "{error}");
    }
}
