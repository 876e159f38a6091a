//! The binary as a process: started, waited for, asked to stop, or killed.

use std::{
    fs::File,
    net::TcpListener,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::process::{Child, Command};
use tonic::transport::Endpoint;

use crate::HANG;

/// Ports from which servers under test get theirs: below the range from which the system takes those of outgoing
/// connections, which could otherwise hold one while its server is down between two starts.
const PORTS: std::ops::Range<u16> = 12_000..32_000;
/// Ports of one test process.
const BLOCK: u16 = 100;

/// The binary built with the tests.
pub fn binary() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    // target/debug/deps/fleet-… beside target/debug/qingtian
    let path = exe.ancestors().nth(2).unwrap().join("qingtian");
    assert!(path.exists(), "{} is not built: run `cargo build -p qingtian`, or `make test`", path.display());
    path
}

/// The ports of this test process, and the lock that keeps every other one on this machine from them until it ends.
static OWN: LazyLock<(std::ops::Range<u16>, File)> = LazyLock::new(|| {
    for first in PORTS.step_by(BLOCK.into()) {
        let path = std::env::temp_dir().join(format!("qingtian-test-ports-{first}.lock"));
        // Another user's lock file is another user's block.
        let Ok(file) = File::options().create(true).append(true).open(path) else { continue };
        if file.try_lock().is_ok() {
            return (first..first + BLOCK, file);
        }
    }
    panic!("no {BLOCK} ports left below {}", PORTS.end);
});

/// A port of the loopback interface that nobody else is given before this process ends, so that a server may come back on it.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    loop {
        let port = OWN.0.start + GIVEN.fetch_add(1, Ordering::Relaxed);
        assert!(port < OWN.0.end, "more than {BLOCK} ports for one test process");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Command lines of all processes that name a folder: the servers that live in it.
pub fn naming(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let mut lines = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap() {
        // A process may end while it is looked at; what is no process has no command line.
        let Ok(line) = std::fs::read(entry.unwrap().path().join("cmdline")) else { continue };
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(folder) {
            lines.push(line);
        }
    }
    lines
}

/// A running process of the fleet. Dropped, it is killed.
pub struct Process {
    child: Child,
    name: String,
    /// What it wrote.
    pub log: PathBuf,
}

impl Process {
    /// Starts the binary with arguments and environment; its output goes to a file.
    pub fn start(name: &str, log: PathBuf, arguments: &[&str], environment: &[(String, String)]) -> Self {
        let file = std::fs::File::options().create(true).append(true).open(&log).unwrap();
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .env_remove("DATABASE_URL")
            .env("RUST_LOG", "info")
            .envs(environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .kill_on_drop(true);
        Self { child: command.spawn().unwrap(), name: name.to_owned(), log }
    }

    fn pid(&self) -> Option<Pid> {
        self.child.id().map(|id| Pid::from_raw(id.try_into().unwrap()))
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid() {
            kill(pid, signal).unwrap();
        }
    }

    /// Waits for the end.
    pub async fn ended(&mut self) -> ExitStatus {
        match tokio::time::timeout(HANG, self.child.wait()).await {
            Ok(status) => status.unwrap(),
            Err(_) => panic!("{} does not end: {}", self.name, self.written()),
        }
    }

    /// Ends it as Ctrl-C does and expects a clean exit.
    pub async fn stop(self) {
        self.end(Signal::SIGINT).await;
    }

    /// Ends it as those who run servers do, with SIGTERM, and expects a clean exit.
    pub async fn terminate(self) {
        self.end(Signal::SIGTERM).await;
    }

    async fn end(mut self, signal: Signal) {
        self.signal(signal);
        let status = self.ended().await;
        assert!(status.success(), "{} ended with {status}: {}", self.name, self.written());
    }

    /// Ends it as `kill -9` does.
    pub async fn kill(mut self) {
        self.signal(Signal::SIGKILL);
        assert_eq!(self.ended().await.signal(), Some(9));
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Its output so far.
    pub fn written(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until the site at an address says that it is ready.
    pub async fn ready(&mut self, url: &str) {
        let web = crate::web::Web::anonymous(url);
        self.until(&format!("ready at {url}"), async || {
            let answer = web.send(http::Method::GET, "/readyz", "", bytes::Bytes::new()).await;
            answer.is_ok_and(|answer| answer.status.is_success())
        })
        .await;
    }

    /// Waits until its output holds this text. What is ready may not have said yet all that it says then.
    pub async fn says(&mut self, text: &str) {
        let log = self.log.clone();
        self.until(&format!("saying {text:?}"), async || {
            std::fs::read_to_string(&log).is_ok_and(|written| written.contains(text))
        })
        .await;
    }

    /// Waits until every part of the process says over gRPC, `http://HOST:PORT`, that it serves.
    pub async fn serving(&mut self, url: &str) {
        let channel = Endpoint::from_shared(url.to_owned()).unwrap().connect_lazy();
        self.until(&format!("serving at {url}"), async || kit::health::serves(channel.clone(), "").await).await;
    }

    /// Waits until nobody is told over gRPC any more that it serves; it may have ended by then.
    pub async fn serves_no_more(&mut self, url: &str) {
        let channel = Endpoint::from_shared(url.to_owned()).unwrap().connect_lazy();
        let asking = async {
            let mut pause = tokio::time::interval(Duration::from_millis(50));
            while kit::health::serves(channel.clone(), "").await {
                pause.tick().await;
            }
        };
        if tokio::time::timeout(HANG, asking).await.is_err() {
            panic!("{} still serves at {url}: {}", self.name, self.written());
        }
    }

    async fn until(&mut self, what: &str, is_so: impl AsyncFn() -> bool) {
        let asking = async {
            let mut pause = tokio::time::interval(Duration::from_millis(50));
            loop {
                pause.tick().await;
                if let Some(status) = self.has_ended() {
                    panic!("{} ended with {status}: {}", self.name, self.written());
                }
                if is_so().await {
                    return;
                }
            }
        };
        if tokio::time::timeout(HANG, asking).await.is_err() {
            panic!("{} is not {what}: {}", self.name, self.written());
        }
    }
}
