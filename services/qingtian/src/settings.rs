//! What the environment tells a process: addresses, databases, folders. Names and defaults stand here, once.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::Context;
use clap::Args;
use kit::{
    env::{Clock, Databases, Env, Parts, SignOn},
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
    /// Issuer address of a provider at which people may sign on (OpenID Connect), exactly as it names itself; none for no sign-on.
    #[arg(long, env = "OIDC_ISSUER")]
    pub oidc_issuer: Option<String>,
    /// Name of this platform at the provider. It sends browsers back to `PUBLIC_URL/work/sign-on`.
    #[arg(long, env = "OIDC_CLIENT_ID", default_value = "qingtian")]
    pub oidc_client_id: String,
    /// File with the platform's secret there; none for a public client, by PKCE alone.
    #[arg(long, env = "OIDC_CLIENT_SECRET_FILE")]
    pub oidc_client_secret_file: Option<PathBuf>,
    /// A claim that the provider has verified and that is the sign-in name or the enforcement certificate of an account here: who signs on
    /// with it for the first time is linked by it. Without it administrators alone make links.
    #[arg(long, env = "OIDC_CLAIM")]
    pub oidc_claim: Option<String>,
    /// Certificate of the provider's authority, PEM, where the usual ones do not know it.
    #[arg(long, env = "OIDC_AUTHORITY")]
    pub oidc_authority: Option<PathBuf>,
    /// Name of the provider on the sign-in page, Chinese.
    #[arg(long, env = "OIDC_TITLE", default_value = "统一身份认证")]
    pub oidc_title: String,
    /// The same in English.
    #[arg(long, env = "OIDC_TITLE_EN", default_value = "Unified sign-on")]
    pub oidc_title_en: String,
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
        let mut env = Env::new(Parts {
            clock,
            keys: Keys::read(&self.keys).context("keys (made by `qingtian up`, or by `qingtian keys`)")?,
            peers,
            databases: Databases {
                url: self.database_url.clone(),
                migrate_url: self.migrate_database_url.clone(),
                connections_max: self.database_connections_max,
            },
            blob_folder: self.blobs.clone(),
        })?;
        env.sign_on = self.sign_on()?.map(Arc::new);
        Ok(env)
    }

    /// Address of the site as the public sees it.
    pub fn public_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.http))
    }

    fn sign_on(&self) -> anyhow::Result<Option<SignOn>> {
        let Some(issuer) = self.oidc_issuer.clone().filter(|issuer| !issuer.is_empty()) else { return Ok(None) };
        let read = |file: &PathBuf| std::fs::read(file).with_context(|| format!("cannot read {}", file.display()));
        let secret = self.oidc_client_secret_file.as_ref().map(read).transpose()?;
        let secret = secret.map(String::from_utf8).transpose().context("OIDC_CLIENT_SECRET_FILE")?;
        Ok(Some(SignOn {
            issuer,
            client_id: self.oidc_client_id.clone(),
            client_secret: secret.map(|text| text.trim().to_owned()),
            redirect: format!("{}/work/sign-on", self.public_url().trim_end_matches('/')),
            claim: self.oidc_claim.clone().filter(|claim| !claim.is_empty()),
            authority: self.oidc_authority.as_ref().map(read).transpose()?,
        }))
    }
}
