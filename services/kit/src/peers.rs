//! Calls between parts: one gRPC channel per peer from one address template, the same whether all parts live in one
//! process or each in its own. Every call carries the caller's service token and the trace.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Context;
use tonic::{
    Request, Status,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

use crate::{auth::Minter, error::Refusal, telemetry};

/// What one stream may leave unread, and all streams of a connection together. All calls to a part share a connection, so
/// the second must hold the first for every call at once (1,024 of them): with the usual 5 MB for a connection, three
/// downloads that nobody reads would hold up every other call to the part.
pub const STREAM_WINDOW_BYTES: u32 = 256 << 10;
/// See [`STREAM_WINDOW_BYTES`].
pub const CONNECTION_WINDOW_BYTES: u32 = 256 << 20;

/// Addresses of the other parts: `PEER_URL` with an optional `{service}`, overridden by `PEER_URL_<SERVICE>`.
#[derive(Clone)]
pub struct Peers {
    template: String,
    overrides: BTreeMap<String, String>,
    channels: Arc<Mutex<BTreeMap<String, Channel>>>,
}

impl Peers {
    /// Peers at addresses made from a template such as `http://{service}:50051`.
    pub fn new(template: impl Into<String>) -> Self {
        Self { template: template.into(), overrides: BTreeMap::new(), channels: Arc::default() }
    }

    /// Sends calls to one part elsewhere.
    #[must_use]
    pub fn with_override(mut self, service: &str, url: impl Into<String>) -> Self {
        self.overrides.insert(service.to_owned(), url.into());
        self
    }

    /// Address of a part.
    pub fn url(&self, service: &str) -> String {
        self.overrides.get(service).cloned().unwrap_or_else(|| self.template.replace("{service}", service))
    }

    /// Channel to a part, connected at the first call and again after every failure.
    ///
    /// # Errors
    /// The address is not a URL.
    pub fn channel(&self, service: &str) -> anyhow::Result<Channel> {
        let url = self.url(service);
        // A poisoned lock only means that another thread panicked while it held a complete map.
        let mut channels = self.channels.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(channel) = channels.get(&url) {
            return Ok(channel.clone());
        }
        let channel = Endpoint::from_shared(url.clone())
            .with_context(|| format!("PEER_URL gives {url} for {service}"))?
            .connect_timeout(Duration::from_secs(3))
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_while_idle(true)
            .connect_lazy();
        channels.insert(url, channel.clone());
        Ok(channel)
    }
}

/// A channel whose calls carry a part's own token.
pub type PeerChannel = InterceptedService<Channel, Credentials>;

/// Adds service token and trace context to every call.
#[derive(Clone)]
pub struct Credentials(pub(crate) Minter);

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let token = self.0.token().map_err(|e| Status::from(Refusal::internal(e)))?;
        let value = format!("Bearer {token}")
            .parse()
            .map_err(|e: tonic::metadata::errors::InvalidMetadataValue| Status::from(Refusal::internal(e)))?;
        request.metadata_mut().insert("authorization", value);
        telemetry::inject(request.metadata_mut());
        Ok(request)
    }
}
