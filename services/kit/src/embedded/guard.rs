//! A server process that never outlives us.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::folder::Account;
use super::{Error, doing};

/// How long a server may take to stop before it is told to stop at once.
const STOP_SECS_MAX: u64 = 20;

/// How often a state that cannot be waited for is looked at.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Waits for a line on its input. A line means that the server was stopped in order. The end of the input without
/// one means that the process which held the other end is gone: then the server ($1) is interrupted, after $2 tenths
/// of a second told to quit, and the folder $3, when given, removed.
const WATCHDOG: &str = r#"
read -r line && exit 0
kill -INT "$1" 2>/dev/null
tenths=0
while kill -0 "$1" 2>/dev/null; do
    tenths=$((tenths + 1))
    [ "$tenths" -eq "$2" ] && kill -QUIT "$1" 2>/dev/null
    [ "$tenths" -gt "$(($2 + 100))" ] && kill -KILL "$1" 2>/dev/null
    sleep 0.1
done
[ -n "$3" ] && rm -rf -- "$3"
exit 0
"#;

/// A running server and its watchdog. Dropped, it lets the watchdog stop the server.
#[derive(Debug)]
pub(super) struct Guarded {
    server: Child,
    watchdog: Child,
    remove: Option<PathBuf>,
}

impl Guarded {
    /// Watches `server`; the folder `remove` (if given) goes with it.
    pub(super) fn watch(mut server: Child, account: Account, remove: Option<&Path>) -> Result<Self, Error> {
        let watchdog = account
            .command("sh")
            .args(["-c", WATCHDOG, "watchdog", &server.id().to_string(), &(STOP_SECS_MAX * 10).to_string()])
            .arg(remove.map(Path::as_os_str).unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match doing("starting the watchdog of a server", watchdog) {
            Ok(watchdog) => Ok(Self { server, watchdog, remove: remove.map(Path::to_owned) }),
            Err(error) => {
                signal(server.id(), Signal::SIGINT);
                doing("waiting for a server to stop", server.wait())?;
                Err(error)
            }
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.server.id()
    }

    /// The server's exit status if it has ended.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.server.try_wait().ok().flatten()
    }

    /// Interrupts the server and waits for its end; after [`STOP_SECS_MAX`] tells it to quit at once.
    pub(super) fn stop(mut self) -> Result<(), Error> {
        for step in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL] {
            if self.ended().is_some() {
                break;
            }
            signal(self.server.id(), step);
            let until = Instant::now() + Duration::from_secs(STOP_SECS_MAX);
            while self.ended().is_none() && Instant::now() < until {
                std::thread::sleep(LOOK_EVERY);
            }
        }
        if let Some(mut pipe) = self.watchdog.stdin.take() {
            // A watchdog that is already gone has nothing left to be told.
            let _ = pipe.write_all(b"stopped\n");
        }
        doing("waiting for the watchdog of a server", self.watchdog.wait())?;
        match self.remove.take() {
            Some(folder) => doing(format!("removing {}", folder.display()), std::fs::remove_dir_all(folder)),
            None => Ok(()),
        }
    }

    /// Leaves the server running without a watchdog, as if this process and the watchdog had been killed.
    #[cfg(test)]
    pub(super) fn abandon(mut self) {
        signal(self.watchdog.id(), Signal::SIGKILL);
        self.watchdog.wait().unwrap();
        let mut server = self.server;
        std::thread::spawn(move || server.wait());
    }
}

/// Signals a process; one that has ended needs no signal.
pub(super) fn signal(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}
