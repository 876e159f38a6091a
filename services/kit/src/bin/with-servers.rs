//! Runs a command while a private PostgreSQL and a private Redis run beside it, for tests:
//!
//!     with-servers cargo nextest run
//!
//! The command finds them by `QINGTIAN_TEST_PG` and `QINGTIAN_TEST_REDIS`. Both servers are stopped and their folders
//! removed when it ends; its exit code becomes ours.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus};

use kit::embedded::{Error, Options, Postgres, Redis};
use kit::testing::{PG_ENV, REDIS_ENV, TEST_CONNECTIONS_MAX};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a shell returns for a command that it cannot run.
const CANNOT_RUN: u8 = 127;

#[tokio::main]
async fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else {
        eprintln!("usage: with-servers COMMAND [ARGUMENT]...");
        return ExitCode::from(2);
    };
    let mut command = tokio::process::Command::new(program);
    command.args(words);
    match run(command).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("with-servers: {error}");
            ExitCode::from(CANNOT_RUN)
        }
    }
}

async fn run(mut command: tokio::process::Command) -> Result<u8, Error> {
    let listen = |kind| signal(kind).map_err(|source| Error::Io { what: "listening for signals".into(), source });
    let (interrupt, terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let (postgres, redis) = tokio::try_join!(
        async { Postgres::start_temporary(&Options::throwaway(TEST_CONNECTIONS_MAX)).await },
        async { Redis::start_temporary().await }
    )?;
    let child = command.env(PG_ENV, postgres.admin_url()).env(REDIS_ENV, redis.url()).spawn();
    let status = match child {
        Ok(child) => wait(child, interrupt, terminate).await,
        Err(error) => Err(error),
    };
    let stopped = tokio::join!(postgres.stop(), redis.stop());
    let status = status.map_err(|source| Error::Io { what: "running the command".into(), source })?;
    stopped.0.and(stopped.1)?;
    Ok(code(status))
}

/// Waits for the command. Ctrl-C reaches it directly, since it shares our terminal; a request to terminate is passed
/// on. Either way we stay until it has ended, to stop the servers after it.
async fn wait(
    mut child: tokio::process::Child,
    mut interrupt: Signal,
    mut terminate: Signal,
) -> std::io::Result<ExitStatus> {
    loop {
        tokio::select! {
            status = child.wait() => return status,
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {
                if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
                    // It may have ended just now.
                    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGTERM);
                }
            }
        }
    }
}

/// The exit code as a shell gives it: 128 and the signal for a command that a signal ended.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}
