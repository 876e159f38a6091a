//! Parts under test: real databases, a real gRPC server on a free port, a clock the test sets, and callers with whatever
//! roles the test gives them.

use std::{collections::BTreeMap, path::Path};

use anyhow::Context;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use proto::qingtian::access::v1::Role;
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::{net::TcpListener, task::JoinHandle};
use tonic::{
    Request, Status,
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
        let services: Vec<_> = schemas.iter().map(|(service, _)| *service).collect();
        let fleet = TestFleet::new(&services).await?;
        for (service, schema) in schemas {
            let owner = fleet.migrate_database_url.replace("{service}", service);
            schema.migrate(&owner, &fleet.role.replace("{service}", service)).await?;
        }
        let folder = tempfile::tempdir()?;
        let now: DateTime<Utc> = "2026-11-23T01:00:00Z".parse()?;
        Keys::generate(now, true)?.write(&folder.path().join("keys"))?;
        let clock = Clock::set(now);
        let (env, url, server) = Self::serve(&fleet, folder.path(), &clock, start).await?;
        Ok(Self { env, clock, url, fleet, folder, server: Some(server) })
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
        let env = Env::new(Parts {
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
            iss: String::new(),
            sub: user.to_owned(),
            iat_ms: 0,
            exp: 0,
            org: organisation.to_owned(),
            district: "410200".to_owned(),
            roles: roles.iter().map(|role| *role as i32).collect(),
            cert: certificate.to_owned(),
            sid: String::new(),
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

    /// A pool as the service's own role.
    ///
    /// # Errors
    /// The database is out of reach.
    pub async fn pool(&self, service: &str) -> anyhow::Result<PgPool> {
        let url = self.fleet.database_url.replace("{service}", service);
        Ok(PgPoolOptions::new().max_connections(4).connect(&url).await?)
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

/// Reason and metadata of a refused call, such as `("NO_PUBLISHED_PLAN", {"article": "9", ..})`.
pub fn refusal_of(status: &Status) -> (String, BTreeMap<String, String>) {
    match status.get_error_details().error_info() {
        Some(info) => (info.reason.clone(), info.metadata.clone().into_iter().collect()),
        None => (String::new(), BTreeMap::new()),
    }
}
