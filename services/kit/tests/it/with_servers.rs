//! `with-servers` and what it leaves behind: nothing, however it ends.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::Connection as _;

const PROGRAM: &str = env!("CARGO_BIN_EXE_with-servers");

/// Starts a command that says where its servers are and then waits for the end of its input.
fn start() -> (Child, String, String) {
    let script = "echo \"$QINGTIAN_TEST_PG\"; echo \"$QINGTIAN_TEST_REDIS\"; cat >/dev/null; exit 7";
    let mut child =
        Command::new(PROGRAM).args(["sh", "-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut line = || lines.next().expect("the command writes two lines").unwrap();
    let (postgres, redis) = (line(), line());
    (child, postgres, redis)
}

async fn postgres_answers(url: &str) -> bool {
    sqlx::PgConnection::connect(url).await.is_ok()
}

async fn redis_answers(url: &str) -> bool {
    redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.is_ok()
}

/// The temporary folders of both servers.
fn folders(postgres: &str, redis: &str) -> [PathBuf; 2] {
    let sockets = postgres.split_once("?host=").unwrap().1;
    let socket = redis.strip_prefix("redis+unix://").unwrap();
    [Path::new(sockets).parent().unwrap().into(), Path::new(socket).parent().unwrap().parent().unwrap().into()]
}

#[tokio::test]
async fn a_command_has_servers_while_it_runs_and_its_exit_code_comes_back() {
    let (mut child, postgres, redis) = start();
    assert!(postgres_answers(&postgres).await && redis_answers(&redis).await);
    let folders = folders(&postgres, &redis);
    assert!(folders.iter().all(|folder| folder.is_dir()));
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(7));
    assert!(!postgres_answers(&postgres).await && !redis_answers(&redis).await);
    assert!(folders.iter().all(|folder| !folder.exists()), "{folders:?}");
}

#[tokio::test]
async fn servers_do_not_outlive_a_process_that_is_killed_outright() {
    let (mut child, postgres, redis) = start();
    assert!(postgres_answers(&postgres).await && redis_answers(&redis).await);
    let folders = folders(&postgres, &redis);
    child.kill().unwrap();
    child.wait().unwrap();
    let until = Instant::now() + kit::testing::HANG_MAX;
    while folders.iter().any(|folder| folder.exists()) {
        assert!(Instant::now() < until, "the servers were not cleared away: {folders:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!postgres_answers(&postgres).await && !redis_answers(&redis).await);
}

#[test]
fn a_request_to_terminate_reaches_the_command_and_the_servers_stop_after_it() {
    let mut child = Command::new(PROGRAM)
        .args(["sh", "-c", "trap 'echo asked; exit 3' TERM; echo \"$QINGTIAN_TEST_PG\"; while :; do read -r _; done"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let postgres = lines.next().unwrap().unwrap();
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    // A shell in `read` looks at the signal when the read ends, as every read of a closed pipe does at once.
    drop(input);
    assert_eq!(lines.next().unwrap().unwrap(), "asked");
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(!Path::new(postgres.split_once("?host=").unwrap().1).exists());
}

#[test]
fn a_command_that_does_not_exist_is_an_error_of_its_own() {
    let output = Command::new(PROGRAM).arg("no-such-command-anywhere").output().unwrap();
    assert_eq!(output.status.code(), Some(127));
    assert!(String::from_utf8_lossy(&output.stderr).contains("running the command"));
    assert_eq!(Command::new(PROGRAM).output().unwrap().status.code(), Some(2), "no command at all");
}
