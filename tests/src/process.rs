//! The binary as a process: started, waited for, asked to stop, or killed.

use std::{
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::process::{Child, Command};

/// The binary built with the tests.
pub fn binary() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    // target/debug/deps/fleet-… beside target/debug/qingtian
    let path = exe.ancestors().nth(2).unwrap().join("qingtian");
    assert!(path.exists(), "{} is not built: run `cargo build -p qingtian`, or `make test`", path.display());
    path
}

/// A free port of the loopback interface.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
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
        match tokio::time::timeout(Duration::from_secs(60), self.child.wait()).await {
            Ok(status) => status.unwrap(),
            Err(_) => panic!("{} does not end: {}", self.name, self.written()),
        }
    }

    /// Ends it as Ctrl-C does and expects a clean exit.
    pub async fn stop(mut self) {
        self.signal(Signal::SIGINT);
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

    /// Waits until an address answers 200.
    pub async fn ready(&mut self, url: &str) {
        let web = crate::web::Web::anonymous(url);
        let asking = async {
            let mut pause = tokio::time::interval(Duration::from_millis(50));
            loop {
                pause.tick().await;
                if let Some(status) = self.has_ended() {
                    panic!("{} ended with {status}: {}", self.name, self.written());
                }
                if let Ok(answer) = web.send(http::Method::GET, "/readyz", "", bytes::Bytes::new()).await
                    && answer.status.is_success()
                {
                    return;
                }
            }
        };
        if tokio::time::timeout(Duration::from_secs(240), asking).await.is_err() {
            panic!("{} is not ready at {url}: {}", self.name, self.written());
        }
    }
}
