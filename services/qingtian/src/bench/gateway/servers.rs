//! The processes that are measured, each with as many threads as the others, and the processor time they take. None outlives
//! this one.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::load;

/// How long a server may take to come up.
const START_MAX: Duration = Duration::from_secs(60);
/// Between two looks for an address that a server writes to a file.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Where `scripts/install.sh --prove` puts Envoy.
const ENVOY: &str = "var/tools/bin/envoy";

/// A server in a process of its own.
pub struct Server {
    pub address: SocketAddr,
    pid: u32,
    _child: Child,
    _watchdog: Child,
}

impl Server {
    /// Seconds of processor time its threads have had.
    ///
    /// # Errors
    /// It is gone.
    pub fn cpu_seconds(&self) -> anyhow::Result<f64> {
        cpu_seconds(self.pid)
    }

    /// Starts a program and waits until its address is known.
    async fn start(
        command: &mut Command,
        threads: usize,
        address: impl AsyncFnOnce(&mut Child) -> anyhow::Result<SocketAddr>,
    ) -> anyhow::Result<Self> {
        command.env_clear().env("TOKIO_WORKER_THREADS", threads.to_string());
        let mut child = command.stdin(Stdio::null()).kill_on_drop(true).spawn().context("cannot start")?;
        let pid = child.id().context("it ended at once")?;
        // Should this process be killed outright, its end of the pipe closes.
        let mut watchdog = Command::new("sh");
        watchdog.args(["-c", "read -r line; kill -KILL \"$1\"", "watchdog", &pid.to_string()]);
        let watchdog = watchdog.stdin(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn()?;
        let address = timeout(START_MAX, address(&mut child)).await.context("it does not come up")??;
        Ok(Self { address, pid, _child: child, _watchdog: watchdog })
    }

    /// The service, see [`super::service`].
    ///
    /// # Errors
    /// It does not start.
    pub async fn service(folder: &Path, database: &str, threads: usize) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bench", "gateway-service", "--database", database, "--folder"]).arg(folder);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let address = async |child: &mut Child| {
            let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
            Ok(lines.next_line().await?.context("the service ended")?.parse()?)
        };
        Self::start(&mut command, threads, address).await.context("the service")
    }

    /// The gateway as `qingtian serve gateway` starts it, but without rates.
    ///
    /// # Errors
    /// It does not start.
    pub async fn gateway(folder: &Path, service: SocketAddr, threads: usize) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", "gateway", "--peer-url", &format!("http://{service}"), "--http", "127.0.0.1:0"]);
        command.args(["--metrics", "127.0.0.1:0", "--rate-address", "0", "--rate-client", "0"]);
        command.arg("--keys").arg(folder.join("keys")).arg("--blobs").arg(folder.join("blobs"));
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let address = async |child: &mut Child| {
            let mut lines = BufReader::new(child.stderr.take().context("no log")?).lines();
            while let Some(line) = lines.next_line().await? {
                let told: Value = serde_json::from_str(&line).unwrap_or_default();
                if let ("gateway listens", Some(address)) =
                    (told["fields"]["message"].as_str().unwrap_or_default(), told["fields"]["address"].as_str())
                {
                    tokio::spawn(drain(lines.into_inner()));
                    return Ok(address.parse()?);
                }
            }
            bail!("the gateway ended")
        };
        Self::start(&mut command, threads, address).await.context("the gateway")
    }

    /// Envoy with its transcoder over the same service and contract, printing JSON as the gateway does.
    ///
    /// # Errors
    /// It does not start.
    pub async fn envoy(program: &Path, folder: &Path, service: SocketAddr, threads: usize) -> anyhow::Result<Self> {
        let (descriptors, config, admin) =
            (folder.join("contract.bin"), folder.join("envoy.json"), folder.join("envoy-admin"));
        std::fs::write(&descriptors, proto::DESCRIPTORS)?;
        std::fs::write(&config, envoy_config(&descriptors, service).to_string())?;
        let mut command = Command::new(program);
        command.args(["--concurrency", &threads.to_string(), "--disable-hot-restart", "-l", "error", "-c"]);
        command.arg(&config).arg("--admin-address-path").arg(&admin).stdout(Stdio::null()).stderr(Stdio::piped());
        let address = async |child: &mut Child| {
            let log = child.stderr.take().context("no log")?;
            let found = async {
                loop {
                    // The file is there a moment before what it says.
                    let admin = std::fs::read_to_string(&admin).ok().and_then(|text| text.trim().parse().ok());
                    if let Some(admin) = admin
                        && let Ok(told) = load::fetch(admin, "/listeners?format=json").await
                    {
                        let told: Value = serde_json::from_slice(&told)?;
                        let socket = &told["listener_statuses"][0]["local_address"]["socket_address"];
                        if let Some(port) = socket["port_value"].as_u64().filter(|port| *port > 0) {
                            return Ok(SocketAddr::from(([127, 0, 0, 1], u16::try_from(port)?)));
                        }
                    }
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            };
            let mut lines = BufReader::new(log).lines();
            let told = async {
                let mut told = String::new();
                while let Ok(Some(line)) = lines.next_line().await {
                    told += &line;
                }
                told
            };
            tokio::select! {
                found = found => {
                    tokio::spawn(drain(lines.into_inner()));
                    found
                }
                told = told => bail!("it ended: {told}"),
            }
        };
        Self::start(&mut command, threads, address).await.with_context(|| program.display().to_string())
    }
}

/// Reads a log so that its writer never waits.
async fn drain(log: impl AsyncRead + Unpin) {
    let mut lines = BufReader::new(log).lines();
    while let Ok(Some(_)) = lines.next_line().await {}
}

fn envoy_config(descriptors: &Path, service: SocketAddr) -> Value {
    let kind = |name: &str| format!("type.googleapis.com/envoy.extensions.{name}");
    let address = |port: u16| json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
    let transcoder = json!({
        "@type": kind("filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder"),
        "proto_descriptor": descriptors,
        "services": ["qingtian.portal.v1.Portal"],
        "print_options": {"always_print_primitive_fields": true},
    });
    let manager = json!({
        "@type": kind("filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "http",
        "route_config": {"virtual_hosts": [{
            "name": "service", "domains": ["*"],
            "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "service", "timeout": "30s"}}],
        }]},
        "http_filters": [
            {"name": "envoy.filters.http.grpc_json_transcoder", "typed_config": transcoder},
            {"name": "envoy.filters.http.router", "typed_config": {"@type": kind("filters.http.router.v3.Router")}},
        ],
    });
    let http2 = json!({
        "@type": kind("upstreams.http.v3.HttpProtocolOptions"),
        "explicit_http_config": {"http2_protocol_options": {}},
    });
    json!({
        "admin": {"address": address(0)},
        "static_resources": {
            "listeners": [{
                "name": "http", "address": address(0),
                "filter_chains": [{"filters": [
                    {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager},
                ]}],
            }],
            "clusters": [{
                "name": "service", "type": "STATIC", "connect_timeout": "3s",
                "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
                "load_assignment": {
                    "cluster_name": "service",
                    "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(service.port())}}]}],
                },
            }],
        },
    })
}

/// Envoy's program: the one that was named, or the one in `var/tools`; none where it is not installed.
///
/// # Errors
/// The one that was named is not there.
pub fn find_envoy(named: Option<&Path>) -> anyhow::Result<Option<PathBuf>> {
    match named {
        Some(path) => {
            ensure!(path.is_file(), "{} is no program", path.display());
            Ok(Some(path.to_owned()))
        }
        None => Ok(Some(PathBuf::from(ENVOY)).filter(|path| path.is_file())),
    }
}

/// Seconds of processor time a process's threads have had. Of threads that ended nothing is known; those that work here stay.
///
/// # Errors
/// The process is gone, or the system does not tell.
pub fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let mut nanos = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).context("a process is gone")? {
        // A thread may end between the two.
        let Ok(text) = std::fs::read_to_string(task?.path().join("schedstat")) else { continue };
        let first = text.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok());
        nanos += first.context("schedstat tells nothing")?;
    }
    Ok(Duration::from_nanos(nanos).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envoy_is_used_where_it_is_and_missed_where_it_was_named() {
        assert!(find_envoy(Some(Path::new("/no/such/envoy"))).is_err());
        let here = std::env::current_exe().unwrap();
        assert_eq!(find_envoy(Some(&here)).unwrap(), Some(here));
    }

    #[test]
    fn work_takes_processor_time() {
        let own = || cpu_seconds(std::process::id()).unwrap();
        let before = own();
        while own() <= before {
            std::hint::black_box((0..1_000_u64).sum::<u64>());
        }
    }
}
