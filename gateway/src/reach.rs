//! Whether the gateway is of use: which of the parts it forwards to serve, as their gRPC health says.
//!
//! It is ready while at least one of them serves. That another one does not is that part's own unreadiness: a gateway taken
//! away for it would take the others' work and the public pages with it. Redis is no need either: without it sessions are
//! kept in memory. Parts are looked at all the time, so that whoever asks for readiness causes no work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kit::env::Env;
use kit::health::{LOOK_AGAIN, LOOK_EVERY, serves};
use tonic::transport::Channel;

use crate::routes::Routes;

/// A part behind the gateway.
struct Part {
    name: String,
    /// One of its gRPC services: all of a part serve together or not at all.
    service: String,
    channel: Channel,
    serves: AtomicBool,
}

/// The parts behind the gateway.
#[derive(Clone)]
pub struct Reach(Arc<Vec<Part>>);

impl Reach {
    /// The parts that routes lead to; none is called yet. Errors: an address is malformed.
    pub fn new(env: &Env, routes: &Routes) -> anyhow::Result<Self> {
        let others = routes.all().iter().filter(|route| route.service != "session");
        let parts: BTreeMap<_, _> =
            others.map(|route| (route.service.clone(), route.rpc.parent_service().full_name().to_owned())).collect();
        let part = |(name, service): (String, String)| {
            let channel = env.peers.channel(&name)?;
            Ok(Part { name, service, channel, serves: AtomicBool::new(false) })
        };
        Ok(Self(Arc::new(parts.into_iter().map(part).collect::<anyhow::Result<_>>()?)))
    }

    /// Whether any part serves.
    pub fn is_ready(&self) -> bool {
        self.0.iter().any(|part| part.serves.load(Ordering::Relaxed))
    }

    /// Looks at every part, without end.
    pub async fn look(self) {
        futures::future::join_all(self.0.iter().map(Part::look)).await;
    }
}

impl Part {
    async fn look(&self) {
        loop {
            let serves = serves(self.channel.clone(), &self.service).await;
            let before = self.serves.swap(serves, Ordering::Relaxed);
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
