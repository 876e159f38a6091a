//! Serving parts: health ([`crate::health`]), reflection, the guard, and a drain at the end. One process or many is only a question of which
//! parts it is given.

use std::collections::HashMap;

use anyhow::Context;
use tokio::net::TcpListener;
use tonic::{
    body::Body,
    codegen::{Service, http::Request, http::Response},
    server::NamedService,
    service::RoutesBuilder,
    transport::{Server, server::TcpIncoming},
};
use tonic_health::ServingStatus;

use crate::{
    auth::GuardLayer,
    env::Env,
    health::{self, Needs},
    ledger::{Ledger, Schema},
    peers::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES},
};

type Add = Box<dyn FnOnce(&mut RoutesBuilder) + Send>;

/// A part that was started: its gRPC services and its ledger.
pub struct Part {
    /// Name, such as `draws`.
    pub name: &'static str,
    /// Its ledger.
    pub ledger: Ledger,
    schema: Option<&'static Schema>,
    services: Vec<(&'static str, Add)>,
}

impl Part {
    /// A part with no services yet.
    pub fn new(ledger: Ledger) -> Self {
        Self { name: ledger.part(), ledger, schema: None, services: Vec::new() }
    }

    /// Says what its database must be migrated to before it serves.
    #[must_use]
    pub fn migrated_to(mut self, schema: &'static Schema) -> Self {
        self.schema = Some(schema);
        self
    }

    /// Adds a gRPC service.
    #[must_use]
    pub fn with<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = std::convert::Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        let add: Add = Box::new(move |routes| {
            routes.add_service(service);
        });
        self.services.push((S::NAME, add));
        self
    }
}

/// Serves parts on a listener until the environment's shutdown, then drains.
///
/// # Errors
/// The listener fails.
pub async fn serve(env: Env, parts: Vec<Part>, listener: TcpListener) -> anyhow::Result<()> {
    let (reporter, health_service) = tonic_health::server::health_reporter();
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .build_v1()
        .context("reflection")?;
    let mut routes = RoutesBuilder::default();
    let mut ledgers = HashMap::new();
    let mut needs = Vec::new();
    // Until it was looked at, nothing serves.
    reporter.set_service_status("", ServingStatus::NotServing).await;
    reporter.set_service_status(health::LIVENESS, ServingStatus::Serving).await;
    for part in parts {
        let mut names = Vec::new();
        for (name, add) in part.services {
            add(&mut routes);
            ledgers.insert(name.to_owned(), part.ledger.clone());
            reporter.set_service_status(name, ServingStatus::NotServing).await;
            names.push(name);
        }
        needs.push(Needs::new(part.ledger, part.schema, names));
    }
    routes.add_service(health_service);
    routes.add_service(reflection);
    let guard = GuardLayer::new(env.authenticator.clone(), ledgers);
    let drain = health::report(reporter, needs, env.shutdown.clone());
    Server::builder()
        .http2_keepalive_interval(Some(std::time::Duration::from_secs(20)))
        // As for answers: an upload that waits for the disk must not hold up the other calls of its connection.
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_connection_age(std::time::Duration::from_secs(1_800))
        .layer(guard)
        .add_routes(routes.routes())
        .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), drain)
        .await
        .context("gRPC server")
}
