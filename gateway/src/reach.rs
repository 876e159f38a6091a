//! Whether the gateway is of use: which of the parts it forwards to serve, as their gRPC health says.
//!
//! It is ready while at least one of them serves. That another one does not is that part's own unreadiness: a gateway taken
//! away for it would take the others' work and the public pages with it. Redis is no need either: without it sessions are
//! kept in memory. Parts are looked at all the time, so that whoever asks for readiness causes no work.

use std::collections::BTreeMap;
use std::sync::Arc;

use kit::env::Env;
use kit::health::{LOOK_AGAIN, LOOK_EVERY, serves};
use tokio::sync::watch;
use tonic::transport::Channel;

use crate::routes::Routes;

/// A part behind the gateway.
struct Part {
    name: String,
    /// One of its gRPC services: all of a part serve together or not at all.
    service: String,
    channel: Channel,
}

/// The parts behind the gateway.
#[derive(Clone)]
pub struct Reach {
    parts: Arc<Vec<Part>>,
    /// Which of them serve, by name.
    serve: watch::Sender<BTreeMap<String, bool>>,
}

impl Reach {
    /// The parts that routes lead to; none is called yet. Errors: an address is malformed.
    pub fn new(env: &Env, routes: &Routes) -> anyhow::Result<Self> {
        let parts: BTreeMap<_, _> = routes
            .elsewhere()
            .map(|route| (route.service.clone(), route.rpc.parent_service().full_name().to_owned()))
            .collect();
        let part = |(name, service): (String, String)| {
            let channel = env.peers.channel(&name)?;
            Ok(Part { name, service, channel })
        };
        let parts: Vec<Part> = parts.into_iter().map(part).collect::<anyhow::Result<_>>()?;
        let none = parts.iter().map(|part| (part.name.clone(), false)).collect();
        Ok(Self { parts: Arc::new(parts), serve: watch::Sender::new(none) })
    }

    /// Whether any part serves.
    pub fn is_ready(&self) -> bool {
        self.serve.borrow().values().any(|serves| *serves)
    }

    /// Which parts serve, by name, as it changes.
    pub fn subscribe(&self) -> watch::Receiver<BTreeMap<String, bool>> {
        self.serve.subscribe()
    }

    /// Looks at every part, without end.
    pub async fn look(self) {
        futures::future::join_all(self.parts.iter().map(|part| part.look(&self.serve))).await;
    }
}

impl Part {
    async fn look(&self, serve: &watch::Sender<BTreeMap<String, bool>>) {
        loop {
            let serves = serves(self.channel.clone(), &self.service).await;
            let mut before = false;
            serve.send_if_modified(|serve| {
                before = serve.insert(self.name.clone(), serves).unwrap_or_default();
                before != serves
            });
            metrics::gauge!("gateway_part_serves", "part" => self.name.clone()).set(f64::from(u8::from(serves)));
            match (before, serves) {
                (false, true) => tracing::info!(peer = self.name, "a part serves"),
                (true, false) => tracing::warn!(peer = self.name, "a part serves no more"),
                (true, true) | (false, false) => {}
            }
            tokio::time::sleep(if serves { LOOK_EVERY } else { LOOK_AGAIN }).await;
        }
    }
}
