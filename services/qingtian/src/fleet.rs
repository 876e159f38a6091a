//! Starting parts and stopping them again.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, bail};
use kit::{env::Env, ledger::Schema, serve::Part};
use tokio::{net::TcpListener, task::JoinHandle};

/// Parts that are gRPC services with a database, in no particular order: any may start first.
pub const SERVICES: [&str; 4] = ["identity", "catalog", "draws", "portal"];
/// The part in front of them.
pub const GATEWAY: &str = "gateway";

/// Tables of a service.
///
/// # Errors
/// There is no such service.
pub fn schema(service: &str) -> anyhow::Result<&'static Schema> {
    match service {
        "identity" => Ok(&identity::SCHEMA),
        "catalog" => Ok(&catalog::SCHEMA),
        "draws" => Ok(&draws::SCHEMA),
        "portal" => Ok(&portal::SCHEMA),
        other => bail!("there is no service {other}; there are {}", SERVICES.join(", ")),
    }
}

/// Names of the parts asked for: `all`, or each once.
///
/// # Errors
/// A name is unknown or there is none.
pub fn parts(names: &[String]) -> anyhow::Result<Vec<String>> {
    let known: Vec<&str> = SERVICES.into_iter().chain([GATEWAY]).collect();
    if names.iter().any(|name| name == "all") {
        return Ok(known.into_iter().map(str::to_owned).collect());
    }
    if names.is_empty() {
        bail!("name the parts to serve: all, or some of {}", known.join(", "));
    }
    for name in names {
        if !known.contains(&name.as_str()) {
            bail!("there is no part {name}; there are {}", known.join(", "));
        }
    }
    let mut wanted = names.to_vec();
    wanted.sort();
    wanted.dedup();
    Ok(wanted)
}

async fn start_part(env: &Env, name: &str) -> anyhow::Result<Part> {
    let started = match name {
        "identity" => identity::start(env).await,
        "catalog" => catalog::start(env).await,
        "draws" => draws::start(env).await,
        "portal" => portal::start(env).await,
        other => bail!("{other} is not a service"),
    };
    let part = started.with_context(|| format!("cannot start {name}"))?;
    Ok(part.migrated_to(schema(name)?))
}

/// Parts that are running.
pub struct Fleet {
    /// Where HTTP is served, if the gateway is among them.
    pub http: Option<SocketAddr>,
    env: Env,
    grpc: Option<JoinHandle<anyhow::Result<()>>>,
    gateway: Option<gateway::Running>,
}

impl Fleet {
    /// Starts parts over an environment. The gRPC listener is bound by the caller, so that its address is known before; the
    /// gateway's may be.
    ///
    /// # Errors
    /// A part does not start.
    pub async fn start(
        env: Env,
        names: &[String],
        grpc: TcpListener,
        gateway: Option<(gateway::Settings, Option<TcpListener>)>,
    ) -> anyhow::Result<Self> {
        let mut parts = Vec::new();
        for name in names.iter().filter(|name| *name != GATEWAY) {
            parts.push(start_part(&env, name).await?);
        }
        // Revocations are followed once per process, with the key of one of the parts it runs: of the gateway too, whose gRPC front
        // admits machine clients by their tokens.
        kit::follow::spawn_revocations(&env, parts.first().map_or(GATEWAY, |part| part.name))?;
        let server = (!parts.is_empty()).then(|| tokio::spawn(kit::serve::serve(env.clone(), parts, grpc)));
        let running = match gateway {
            Some((settings, http)) if names.iter().any(|name| name == GATEWAY) => Some(match http {
                Some(http) => gateway::start_on(&env, settings, http).await?,
                None => gateway::start(&env, settings).await?,
            }),
            Some(_) | None => None,
        };
        Ok(Self { http: running.as_ref().map(|gateway| gateway.address), env, grpc: server, gateway: running })
    }

    /// Resolves when a server ended by itself, which it should not.
    pub async fn ended(&mut self) -> anyhow::Result<()> {
        match &mut self.grpc {
            Some(server) => server.await.context("gRPC server")?,
            None => std::future::pending().await,
        }
    }

    /// Not ready, stop accepting, finish, stop jobs: within the given time.
    pub async fn stop(self, drain_timeout: Duration) {
        self.env.shutdown.cancel();
        let drain = async {
            if let Some(gateway) = self.gateway {
                drop(gateway.stopped().await);
            }
            if let Some(server) = self.grpc {
                let _ = server.await;
            }
            self.env.tasks.close();
            self.env.tasks.wait().await;
            self.env.close_pools().await;
        };
        if tokio::time::timeout(drain_timeout, drain).await.is_err() {
            tracing::warn!("some calls did not end within the drain time and were cut");
        }
    }
}
