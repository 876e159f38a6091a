//! The image: a static binary FROM scratch, run as nobody, with nothing to write to; and it stops when it is asked to, as PID 1.

use std::{
    path::Path,
    process::{Command, Output},
};

use tests::{
    process::{binary, free_port},
    root,
    web::Web,
};

fn containerfile() -> String {
    std::fs::read_to_string(root().join("deploy/Containerfile")).unwrap()
}

#[test]
fn the_image_is_one_binary_from_scratch_run_as_nobody() {
    let hadolint = root().join("var/tools/venv/bin/hadolint");
    assert!(hadolint.exists(), "{} is missing; scripts/install.sh --tests makes it", hadolint.display());
    let told = Command::new(hadolint).arg(root().join("deploy/Containerfile")).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
    let text = containerfile();
    let steps: Vec<&str> = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase())).collect();
    assert_eq!(steps.iter().filter(|step| step.starts_with("COPY")).count(), 1, "nothing but the binary: {steps:?}");
    for wanted in ["FROM scratch", "USER 65532:65532", "ENTRYPOINT [\"/qingtian\"]"] {
        assert!(steps.contains(&wanted), "{wanted}: {steps:?}");
    }
    assert!(!steps.iter().any(|step| step.starts_with("RUN")), "{steps:?}");
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|told| told.status.success())
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The flags with which a machine without systemd, or one that is a container itself, still runs a container; and those that make it as
/// hard as a pod.
const HARD: [&str; 12] = [
    "--runtime",
    "runc",
    "--network",
    "host",
    "--ulimit",
    "nofile=10000:10000",
    "--ulimit",
    "nproc=4096:4096",
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
];

/// An image under a name of its own, removed at the end.
struct Image(String);

impl Drop for Image {
    fn drop(&mut self) {
        let _ = Command::new("buildah").args(["rmi", "--force", &self.0]).output();
    }
}

/// Keys that everybody may read: nobody in the container is nobody here.
fn keys(folder: &Path) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let keys = folder.join("keys");
    assert!(Command::new(binary()).args(["keys", "--demo"]).arg(&keys).status().unwrap().success());
    for (path, mode) in
        std::fs::read_dir(&keys).unwrap().map(|e| (e.unwrap().path(), 0o444)).chain([(keys.clone(), 0o755)])
    {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    keys.display().to_string()
}

#[tokio::test]
async fn the_image_is_built_and_runs_read_only_and_stops_when_asked() {
    // A static binary that is there already will do; else one is built, which takes long.
    let given = std::env::var_os("QINGTIAN_STATIC").is_some();
    if !given && !tests::proving() {
        println!("SKIPPED image: it is built and run by `make prove`, or with QINGTIAN_STATIC=FILE");
        return;
    }
    if !["buildah", "podman", "runc"].into_iter().all(has) {
        println!("SKIPPED image: buildah, podman and runc are not all installed");
        return;
    }
    let image = Image(format!("localhost/qingtian-test-{}:1", std::process::id()));
    let built = Command::new(root().join("scripts/image.sh")).arg(&image.0).output().unwrap();
    assert!(built.status.success(), "{}", said(&built));
    let inspected = Command::new("podman").args(["image", "inspect", &image.0]).output().unwrap();
    let inspected: serde_json::Value = serde_json::from_slice(&inspected.stdout).unwrap();
    let (config, bytes) = (&inspected[0]["Config"], inspected[0]["Size"].as_u64().unwrap());
    println!("the image has {} MB", bytes / 1_000_000);
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Labels"]["org.opencontainers.image.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(inspected[0]["RootFS"]["Layers"].as_array().unwrap().len(), 1, "one layer: the binary");

    let told = Command::new("podman").arg("run").arg("--rm").args(HARD).args([&image.0, "--version"]).output().unwrap();
    assert_eq!(said(&told).trim(), format!("qingtian {}", env!("CARGO_PKG_VERSION")));

    // The gateway needs no database: it lives, says that it is not ready, and ends within its time when it is asked to.
    let folder = tempfile::tempdir().unwrap();
    let keys = keys(folder.path());
    let (name, port) = (format!("qingtian-test-{}", std::process::id()), free_port());
    let mut command = tokio::process::Command::new("podman");
    command.args(["run", "--rm", "--name", &name]).args(HARD).args(["--volume", &format!("{keys}:/keys:ro")]);
    // One place to write, as the pods' /tmp.
    command.args(["--tmpfs", "/tmp:mode=1777", "--env", "QINGTIAN_KEYS=/keys", "--env", "QINGTIAN_BLOBS=/tmp/blobs"]);
    command.args(["--env", &format!("HTTP_ADDR=127.0.0.1:{port}"), "--env", "METRICS_ADDR=none"]);
    command.args(["--env", &format!("GRPC_ADDR=127.0.0.1:{}", free_port()), "--env", "PEER_URL=http://localhost:1"]);
    let mut running = command.args([&image.0, "serve", "gateway"]).kill_on_drop(true).spawn().unwrap();
    let web = Web::anonymous(&format!("http://127.0.0.1:{port}"));
    let living = async {
        let mut pause = tokio::time::interval(std::time::Duration::from_millis(100));
        loop {
            pause.tick().await;
            assert!(running.try_wait().unwrap().is_none(), "the container ended");
            let answer = web.send(http::Method::GET, "/livez", "", bytes::Bytes::new()).await;
            if answer.is_ok_and(|answer| answer.status.is_success()) {
                return;
            }
        }
    };
    tokio::time::timeout(tests::HANG, living).await.expect("the gateway does not live");
    assert_eq!(web.get("/readyz").await.status, http::StatusCode::SERVICE_UNAVAILABLE, "no part is there");
    let stopped = Command::new("podman").args(["stop", "--time", "300", &name]).output().unwrap();
    assert!(stopped.status.success(), "{}", said(&stopped));
    let status = tokio::time::timeout(tests::HANG, running.wait()).await.expect("it does not end").unwrap();
    assert!(status.success(), "PID 1 ends in order on SIGTERM, not by force: {status}");
}
