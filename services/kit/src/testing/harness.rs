//! Parts under test: real databases, a real gRPC server on a free port, a clock the test sets, and callers with whatever
//! roles the test gives them.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::Context;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use proto::qingtian::access::v1::Role;
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::{net::TcpListener, task::JoinHandle};
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt;

use super::TestFleet;
use crate::{
    auth::{Claims, Minter},
    env::{Clock, Databases, Env, Parts},
    keys::Keys,
    ledger::Schema,
    peers::Peers,
    serve::{self, Part},
};

/// How long a test waits for what must happen before it says that it never does. Not a measure of speed: a machine that is
/// this slow is none.
pub const HANG_MAX: Duration = Duration::from_secs(300);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A channel whose calls carry one caller's token.
pub type UserChannel = InterceptedService<Channel, Bearer>;

/// Adds a token.
#[derive(Clone)]
pub struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// Parts running for one test.
pub struct Harness {
    /// What the parts were given.
    pub env: Env,
    /// The clock all of them read; it stands until the test moves it.
    pub clock: Clock,
    /// Address of the gRPC server.
    pub url: String,
    fleet: TestFleet,
    folder: tempfile::TempDir,
    pools: tokio::sync::Mutex<BTreeMap<String, PgPool>>,
    server: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Harness {
    /// Migrates databases for these services and serves the parts that `start` makes, at 2026-11-23 09:00 in Kaifeng.
    ///
    /// # Errors
    /// Servers or databases cannot be had, or a part does not start.
    pub async fn start<F>(schemas: &[(&str, &Schema)], start: F) -> anyhow::Result<Self>
    where
        F: for<'e> FnOnce(&'e Env) -> BoxFuture<'e, anyhow::Result<Vec<Part>>>,
    {
        Self::start_as(("2026-11-23T01:00:00Z".parse()?, true), schemas, start).await
    }

    /// The same at another time, for what hangs on a day that was, and under keys of a demonstration or of a city.
    ///
    /// # Errors
    /// As [`Harness::start`].
    pub async fn start_as<F>(
        (now, demonstration): (DateTime<Utc>, bool),
        schemas: &[(&str, &Schema)],
        start: F,
    ) -> anyhow::Result<Self>
    where
        F: for<'e> FnOnce(&'e Env) -> BoxFuture<'e, anyhow::Result<Vec<Part>>>,
    {
        let services: Vec<_> = schemas.iter().map(|(service, _)| *service).collect();
        let fleet = TestFleet::new(&services).await?;
        for (service, schema) in schemas {
            let owner = fleet.migrate_database_url.replace("{service}", service);
            schema.migrate(&owner, &fleet.role.replace("{service}", service)).await?;
        }
        let folder = tempfile::tempdir()?;
        Keys::generate(now, demonstration)?.write(&folder.path().join("keys"))?;
        let clock = Clock::set(now);
        let (env, url, server) = Self::serve(&fleet, folder.path(), &clock, start).await?;
        let server = Some(server);
        Ok(Self { env, clock, url, fleet, folder, pools: Default::default(), server })
    }

    async fn serve<F>(
        fleet: &TestFleet,
        folder: &Path,
        clock: &Clock,
        start: F,
    ) -> anyhow::Result<(Env, String, JoinHandle<anyhow::Result<()>>)>
    where
        F: for<'e> FnOnce(&'e Env) -> BoxFuture<'e, anyhow::Result<Vec<Part>>>,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut env = Env::new(Parts {
            clock: clock.clone(),
            keys: Keys::read(&folder.join("keys"))?,
            peers: Peers::new(&url),
            databases: Databases {
                url: fleet.database_url.clone(),
                migrate_url: Some(fleet.migrate_database_url.clone()),
                connections_max: 8,
            },
            blob_folder: folder.join("blobs"),
        })?;
        // A test's silent upload is meant to stand until the test ends it, however long the machine takes.
        env.upload_idle_max = HANG_MAX * 4;
        let parts = start(&env).await?;
        let server = tokio::spawn(serve::serve(env.clone(), parts, listener));
        Ok((env, url, server))
    }

    /// Stops everything and starts it again over the same databases, keys, blobs and clock.
    ///
    /// # Errors
    /// A part does not start.
    pub async fn restart<F>(&mut self, start: F) -> anyhow::Result<()>
    where
        F: for<'e> FnOnce(&'e Env) -> BoxFuture<'e, anyhow::Result<Vec<Part>>>,
    {
        self.stop().await;
        let (env, url, server) = Self::serve(&self.fleet, self.folder.path(), &self.clock, start).await?;
        (self.env, self.url, self.server) = (env, url, Some(server));
        Ok(())
    }

    /// Stops the parts as SIGTERM would.
    pub async fn stop(&mut self) {
        self.env.shutdown.cancel();
        if let Some(server) = self.server.take() {
            // Streams that are still open would hold the drain; a test has no use for them.
            server.abort();
            let _ = server.await;
        }
        self.env.tasks.close();
        self.env.tasks.wait().await;
    }

    /// Folder of the test: `keys/`, `blobs/`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A channel without a token.
    ///
    /// # Errors
    /// The server is gone.
    pub async fn anonymous(&self) -> anyhow::Result<Channel> {
        Ok(Endpoint::from_shared(self.url.clone())?.connect().await?)
    }

    /// A channel as a user of an organisation of the city. `users/{id}` and `organisations/{id}` are written in full.
    ///
    /// # Errors
    /// The server is gone.
    pub async fn user(&self, user: &str, organisation: &str, roles: &[Role]) -> anyhow::Result<UserChannel> {
        self.officer(user, organisation, roles, "").await
    }

    /// As [`Harness::user`], with an officer's certificate number.
    ///
    /// # Errors
    /// The server is gone.
    pub async fn officer(
        &self,
        user: &str,
        organisation: &str,
        roles: &[Role],
        certificate: &str,
    ) -> anyhow::Result<UserChannel> {
        let minter = Minter::service("identity", self.env.keys.clone(), self.clock.clone())?;
        let claims = Claims {
            sub: user.to_owned(),
            org: organisation.to_owned(),
            district: "410200".to_owned(),
            roles: roles.iter().map(|role| *role as i32).collect(),
            cert: certificate.to_owned(),
            ..Claims::default()
        };
        self.bearer(&minter.sign(claims)?.0).await
    }

    /// A channel as a part of the platform.
    ///
    /// # Errors
    /// The server is gone.
    pub async fn service(&self, part: &str) -> anyhow::Result<UserChannel> {
        let minter = Minter::service(part, self.env.keys.clone(), self.clock.clone())?;
        self.bearer(&minter.token()?).await
    }

    /// A channel with any token.
    ///
    /// # Errors
    /// The server is gone.
    pub async fn bearer(&self, token: &str) -> anyhow::Result<UserChannel> {
        let value = format!("Bearer {token}").parse().context("token")?;
        Ok(UserChannel::new(self.anonymous().await?, Bearer(value)))
    }

    /// A pool as the service's own role, one for the whole test.
    ///
    /// # Errors
    /// The database's address is no address.
    pub async fn pool(&self, service: &str) -> anyhow::Result<PgPool> {
        let mut pools = self.pools.lock().await;
        if let Some(pool) = pools.get(service) {
            return Ok(pool.clone());
        }
        let url = self.fleet.database_url.replace("{service}", service);
        let pool = PgPoolOptions::new().max_connections(10).connect(&url).await?;
        pools.insert(service.to_owned(), pool.clone());
        Ok(pool)
    }

    /// Waits until all that a service has committed so far stands in its log; answers the last position.
    ///
    /// # Errors
    /// The database is out of reach, or [`HANG_MAX`] is over.
    pub async fn sequenced(&self, service: &str) -> anyhow::Result<i64> {
        let pool = self.pool(service).await?;
        let drained = async {
            while sqlx::query_scalar("select exists (select 1 from outbox)").fetch_one(&pool).await? {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            sqlx::query_scalar("select coalesce(max(position), 0) from log").fetch_one(&pool).await
        };
        Ok(tokio::time::timeout(HANG_MAX, drained).await.context("the outbox does not empty")??)
    }

    /// Waits until a part has applied all that a peer has committed so far.
    ///
    /// # Errors
    /// A database is out of reach, or [`HANG_MAX`] is over.
    pub async fn followed(&self, part: &str, peer: &str) -> anyhow::Result<()> {
        let top = self.sequenced(peer).await?;
        let pool = self.pool(part).await?;
        let applied = async {
            loop {
                let position: Option<i64> = sqlx::query_scalar("select position from follower where peer = $1")
                    .bind(peer)
                    .fetch_optional(&pool)
                    .await?;
                if position.unwrap_or(0) >= top {
                    return Ok::<_, sqlx::Error>(());
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        Ok(tokio::time::timeout(HANG_MAX, applied).await.context("the follower does not come after")??)
    }

    /// A pool as the owner of the service's tables.
    ///
    /// # Errors
    /// The database is out of reach.
    pub async fn owner_pool(&self, service: &str) -> anyhow::Result<PgPool> {
        let url = self.fleet.migrate_database_url.replace("{service}", service);
        Ok(PgPoolOptions::new().max_connections(2).connect(&url).await?)
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.env.shutdown.cancel();
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

/// Waits for a condition, at most [`HANG_MAX`].
///
/// # Panics
/// It never comes.
pub async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    assert!(tokio::time::timeout(HANG_MAX, waiting).await.is_ok(), "never: {what}");
}

/// Reason and metadata of a refused call, such as `("NO_PUBLISHED_PLAN", {"article": "9", ..})`.
pub fn refusal_of(status: &Status) -> (String, BTreeMap<String, String>) {
    match status.get_error_details().error_info() {
        Some(info) => (info.reason.clone(), info.metadata.clone().into_iter().collect()),
        None => (String::new(), BTreeMap::new()),
    }
}

/// Metadata of a call that must have been refused with this code and reason, resting on this article (empty for none).
///
/// # Panics
/// It was not, or says nothing to a reader.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(
    answer: Result<T, Status>,
    code: Code,
    reason: &str,
    article: &str,
) -> BTreeMap<String, String> {
    assert!(answer.is_err(), "not refused: {answer:?}");
    let status = answer.err().unwrap_or_else(|| Status::ok(""));
    let (found, metadata) = refusal_of(&status);
    let article_found = metadata.get("article").map_or("", String::as_str);
    assert_eq!((found.as_str(), status.code(), article_found), (reason, code, article), "{status:?}");
    assert!(!status.message().is_empty());
    metadata
}

/// Reason of a call that must have been refused, and the article it rests on.
///
/// # Panics
/// It was not refused.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> (String, String) {
    assert!(answer.is_err(), "not refused: {answer:?}");
    let status = answer.err().unwrap_or_else(|| Status::ok(""));
    let (reason, metadata) = refusal_of(&status);
    (reason, metadata.get("article").cloned().unwrap_or_default())
}
