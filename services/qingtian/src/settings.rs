//! What the environment tells a process: addresses, databases, folders. Names and defaults stand here, once.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context;
use clap::Args;
use kit::{
    env::{Clock, Databases, Env, Parts},
    keys::Keys,
    peers::Peers,
};

/// Settings of `serve`, each an option and an environment variable.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Databases, as a template: `{service}` stands for the part's name.
    #[arg(long, env = "DATABASE_URL", default_value = "postgres://qingtian_{service}@localhost/qingtian_{service}")]
    pub database_url: String,
    /// Databases as their owners, for migrations; the same template.
    #[arg(long, env = "MIGRATE_DATABASE_URL")]
    pub migrate_database_url: Option<String>,
    /// Connections of each part's pool at the most.
    #[arg(long, env = "DATABASE_CONNECTIONS_MAX", default_value_t = 8)]
    pub database_connections_max: u32,
    /// Redis for web sessions and limits; without it the gateway keeps them in its memory.
    #[arg(long, env = "REDIS_URL")]
    pub redis_url: Option<String>,
    /// Where the other parts are: `http://{service}:50051`, or one address for all.
    #[arg(long, env = "PEER_URL", default_value = "http://127.0.0.1:50051")]
    pub peer_url: String,
    /// Folder of the keys (`public.json` and the private keys given to this process).
    #[arg(long, env = "QINGTIAN_KEYS", default_value = "./var/keys")]
    pub keys: PathBuf,
    /// Folder of content-addressed objects.
    #[arg(long, env = "QINGTIAN_BLOBS", default_value = "./var/blobs")]
    pub blobs: PathBuf,
    /// Where the gateway listens for HTTP.
    #[arg(long, env = "HTTP_ADDR", default_value = "127.0.0.1:8080")]
    pub http: SocketAddr,
    /// Where the parts listen for gRPC.
    #[arg(long, env = "GRPC_ADDR", default_value = "127.0.0.1:50051")]
    pub grpc: SocketAddr,
    /// Where the gateway listens for departments' programs, by gRPC over TLS; `none` for nowhere.
    #[arg(long, env = "FRONT_ADDR", default_value = "none")]
    pub front: String,
    /// Certificate of that address with those above it, PEM; may be replaced while it is in use.
    #[arg(long, env = "FRONT_CERTIFICATE", default_value = "./var/tls/certificate.pem")]
    pub front_certificate: PathBuf,
    /// Its private key, PEM.
    #[arg(long, env = "FRONT_KEY", default_value = "./var/tls/key.pem")]
    pub front_key: PathBuf,
    /// Where metrics are served; `none` for nowhere.
    #[arg(long, env = "METRICS_ADDR", default_value = "127.0.0.1:9464")]
    pub metrics: String,
    /// Address of the site as the public sees it.
    #[arg(long, env = "PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Proxies of ours in front of the gateway, each of which appends to `x-forwarded-for`; with none the header is not believed.
    #[arg(long, env = "PROXIES", default_value_t = 0)]
    pub proxies: usize,
    /// Requests a second of one address, in the long run; five times as many at once; 0 for no bound.
    #[arg(long, env = "RATE_ADDRESS", default_value_t = 1_000)]
    pub rate_address: u32,
    /// Requests a second of one session or token, likewise.
    #[arg(long, env = "RATE_CLIENT", default_value_t = 200)]
    pub rate_client: u32,
    /// Folder with `ui/dist` and `pages/recheck/dist` to serve instead of the built-in files.
    #[arg(long, env = "QINGTIAN_WEB")]
    pub web: Option<PathBuf>,
    /// Seconds for a drain after SIGTERM.
    #[arg(long, env = "DRAIN_TIMEOUT_SECS", default_value_t = 20)]
    pub drain_timeout_secs: u64,
}

/// Where metrics are served, if anywhere.
///
/// # Errors
/// Neither an address nor `none`.
pub fn metrics_address(text: &str) -> anyhow::Result<Option<SocketAddr>> {
    address("METRICS_ADDR", text)
}

/// Where departments' programs come in, if anywhere.
///
/// # Errors
/// Neither an address nor `none`.
pub fn front_address(text: &str) -> anyhow::Result<Option<SocketAddr>> {
    address("FRONT_ADDR", text)
}

fn address(variable: &str, text: &str) -> anyhow::Result<Option<SocketAddr>> {
    if text == "none" {
        return Ok(None);
    }
    text.parse().map(Some).with_context(|| format!("{variable}: {text} is neither an address nor `none`"))
}

impl Settings {
    /// The environment for parts. `PEER_URL_<SERVICE>` overrides the template for one part.
    ///
    /// # Errors
    /// Keys or blobs cannot be read.
    pub fn env(&self, clock: Clock) -> anyhow::Result<Env> {
        let mut peers = Peers::new(&self.peer_url);
        for part in crate::fleet::SERVICES {
            if let Ok(url) = std::env::var(format!("PEER_URL_{}", part.to_uppercase())) {
                peers = peers.with_override(part, url);
            }
        }
        Env::new(Parts {
            clock,
            keys: Keys::read(&self.keys).context("keys (made by `qingtian up`, or by `qingtian keys`)")?,
            peers,
            databases: Databases {
                url: self.database_url.clone(),
                migrate_url: self.migrate_database_url.clone(),
                connections_max: self.database_connections_max,
            },
            blob_folder: self.blobs.clone(),
        })
    }
}
