//! What a part is given at its start: clock, keys, peers, databases, blobs, and the signal to stop. The clock of `serve`
//! is the system's; only the demonstration and tests hand in another one.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use chrono::{DateTime, TimeZone, Utc};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    auth::Authenticator, auth::Minter, blob::Blob, keys::Keys, ledger::Ledger, peers::Credentials, peers::PeerChannel,
    peers::Peers, uploads::sessions::Limits,
};

/// Where the time comes from.
#[derive(Clone)]
pub enum Clock {
    /// The system's clock.
    System,
    /// A clock that stands until it is moved; seconds since 1970 in microseconds.
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at an instant.
    pub fn set(now: DateTime<Utc>) -> Self {
        Self::Set(Arc::new(AtomicI64::new(now.timestamp_micros())))
    }

    /// Now, UTC, in microseconds as PostgreSQL keeps them.
    pub fn now(&self) -> DateTime<Utc> {
        let micros = match self {
            Self::System => Utc::now().timestamp_micros(),
            Self::Set(micros) => micros.load(Ordering::SeqCst),
        };
        Utc.timestamp_micros(micros).single().unwrap_or_default()
    }

    /// Moves a set clock forward; the system's cannot be moved.
    pub fn advance(&self, by: chrono::Duration) {
        if let Self::Set(micros) = self {
            micros.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::SeqCst);
        }
    }
}

/// How to reach the databases: a template such as `postgres://qingtian_{service}@host/qingtian_{service}`.
#[derive(Clone, Debug)]
pub struct Databases {
    /// Template for the service's own role.
    pub url: String,
    /// Template for the owner's role, used by migrations only.
    pub migrate_url: Option<String>,
    /// Connections of one pool at the most.
    pub connections_max: u32,
}

impl Databases {
    /// Address of a service's database.
    pub fn url(&self, service: &str) -> String {
        self.url.replace("{service}", service)
    }

    /// Address for migrations.
    pub fn migrate_url(&self, service: &str) -> String {
        self.migrate_url.as_ref().unwrap_or(&self.url).replace("{service}", service)
    }
}

/// How long an upload may stand still: as long as the gateway waits for its own clients.
pub const UPLOAD_IDLE_MAX: Duration = Duration::from_secs(60);

/// A provider outside at which people may sign on (OpenID Connect), and who this platform is to it.
#[derive(Clone)]
pub struct SignOn {
    /// Its exact issuer address.
    pub issuer: String,
    /// Name of this platform there.
    pub client_id: String,
    /// Its secret; none for a public client, which proves itself by PKCE alone.
    pub client_secret: Option<String>,
    /// Where the provider sends browsers back to.
    pub redirect: String,
    /// A claim that the provider has verified, and that is the sign-in name or certificate of an account here; none where
    /// administrators alone make links.
    pub claim: Option<String>,
    /// Certificate of the provider's authority, PEM, where the usual ones do not know it.
    pub authority: Option<Vec<u8>>,
}

/// What parts are given. Cheap to clone.
#[derive(Clone)]
pub struct Env {
    /// Time.
    pub clock: Clock,
    /// Keys of this process.
    pub keys: Arc<Keys>,
    /// The other parts.
    pub peers: Peers,
    /// Databases.
    pub databases: Databases,
    /// Content-addressed objects.
    pub blobs: Blob,
    /// Verifies tokens; knows what was revoked.
    pub authenticator: Authenticator,
    /// Cancelled when the process stops.
    pub shutdown: CancellationToken,
    /// Jobs and followers, awaited at the stop.
    pub tasks: TaskTracker,
    /// An upload that sends nothing for so long has broken off.
    pub upload_idle_max: Duration,
    /// Edges of uploads that go on where they stopped.
    pub upload_sessions: Limits,
    /// Where people may sign on outside; none where they may not.
    pub sign_on: Option<Arc<SignOn>>,
    cpu: Arc<Semaphore>,
    pools: Arc<Mutex<Vec<PgPool>>>,
    pub(crate) ledgers: Arc<Mutex<BTreeMap<&'static str, Ledger>>>,
}

/// What an [`Env`] is made from.
pub struct Parts {
    /// Time.
    pub clock: Clock,
    /// Keys.
    pub keys: Keys,
    /// The other parts.
    pub peers: Peers,
    /// Databases.
    pub databases: Databases,
    /// Folder of blobs.
    pub blob_folder: PathBuf,
}

impl Env {
    /// Puts an environment together.
    ///
    /// # Errors
    /// The blob folder cannot be used.
    pub fn new(parts: Parts) -> anyhow::Result<Self> {
        let keys = Arc::new(parts.keys);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            authenticator: Authenticator::new(keys.clone(), parts.clock.clone()),
            clock: parts.clock,
            keys,
            peers: parts.peers,
            databases: parts.databases,
            blobs: Blob::local(&parts.blob_folder)
                .with_context(|| format!("blob folder {}", parts.blob_folder.display()))?,
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            upload_idle_max: UPLOAD_IDLE_MAX,
            upload_sessions: Limits::default(),
            sign_on: None,
            cpu: Arc::new(Semaphore::new(cores)),
            pools: Arc::default(),
            ledgers: Arc::default(),
        })
    }

    /// A small pool for one service's database.
    ///
    /// # Errors
    /// The address is malformed. It does not connect yet: any part may start first.
    pub fn pool(&self, service: &str) -> anyhow::Result<PgPool> {
        let pool = PgPoolOptions::new()
            .max_connections(self.databases.connections_max)
            .acquire_timeout(Duration::from_secs(10))
            .idle_timeout(Duration::from_secs(60))
            .connect_lazy(&self.databases.url(service))
            .with_context(|| format!("DATABASE_URL for {service}"))?;
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).push(pool.clone());
        Ok(pool)
    }

    /// Closes every pool that was handed out; the last thing a process does.
    pub async fn close_pools(&self) {
        let pools = std::mem::take(&mut *self.pools.lock().unwrap_or_else(PoisonError::into_inner));
        for pool in pools {
            pool.close().await;
        }
    }

    /// A channel to `peer` whose calls carry the token of `part`.
    ///
    /// # Errors
    /// The peer's address is malformed or the part's key is missing.
    pub fn peer(&self, part: &str, peer: &str) -> anyhow::Result<PeerChannel> {
        let minter = Minter::service(part, self.keys.clone(), self.clock.clone())?;
        Ok(PeerChannel::new(self.peers.channel(peer)?, Credentials(minter)))
    }

    /// Runs a job until the process stops.
    pub fn spawn(&self, name: &'static str, job: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = shutdown.cancelled() => tracing::debug!(job = name, "stopped job"),
                () = job => tracing::debug!(job = name, "ended job"),
            }
        });
    }

    /// Runs heavy computation on the bounded pool, never on the async threads.
    ///
    /// # Errors
    /// The process is stopping, or the computation panicked.
    pub async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<T> {
        let permit = self.cpu.clone().acquire_owned().await.context("the process is stopping")?;
        let result = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        result.await.context("a computation failed")
    }
}
