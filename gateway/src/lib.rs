//! The one door of the web: from JSON over HTTP to the parts' rpcs, by the contract alone; there is no handler per endpoint.
//! It keeps the sessions of the work portal, hands out the pages, bounds what comes in, and owns no data.
//!
//! A request's way: [`serve`] and [`wire`] read it, [`door`] looks whether it is one, [`app`] finds its route and sends it on,
//! [`binder`] makes the rpc's message, [`sign_in`] says for whom, [`call`], [`link`], [`upload`] and [`stream`] ask the part, [`answer`],
//! [`events`], [`codec`] and [`error`] write what comes of it. What bounds all that stands in [`limits`].
//! Departments' own programs speak gRPC and come in by the [`front`].

pub mod accept;
pub mod answer;
pub mod app;
pub mod assets;
pub mod binder;
pub mod call;
pub mod codec;
pub mod door;
pub mod error;
pub mod events;
#[cfg(test)]
mod fixtures;
pub mod front;
pub mod headers;
pub mod json;
pub mod limits;
pub mod lines;
pub mod link;
pub mod openapi;
pub mod range;
pub mod reach;
pub mod redis_link;
pub mod routes;
pub mod serve;
pub mod sessions;
pub mod sign_in;
pub mod stream;
pub mod template;
pub mod upload;
pub mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use limits::rate::Rate;
use prost_reflect::DescriptorPool;
pub use serve::{Running, start, start_on};
use url::Url;

/// What the gateway is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen; port 0 for any free one.
    pub http: SocketAddr,
    /// How the world reaches it. With `https`, cookies are `Secure` and browsers are told to stay with it.
    pub public_url: Url,
    /// Redis for sessions; in memory alone when none.
    pub redis_url: Option<String>,
    /// Folder with `ui/dist` and `pages/recheck/dist` (`QINGTIAN_WEB`); the built-in files when none.
    pub web: Option<PathBuf>,
    /// Proxies of ours in front, each of which appends to `x-forwarded-for`. With none the header is not believed.
    pub proxies: usize,
    pub limits: Limits,
    /// The contract it serves.
    pub contract: DescriptorPool,
    /// The gRPC front for departments' programs; none where there is no certificate for it.
    pub front: Option<front::Settings>,
    /// Name of the provider at which people may sign on, Chinese and English; none where there is none.
    pub sign_on: Option<(String, String)>,
}

impl Settings {
    /// The usual settings for this address.
    pub fn new(http: SocketAddr, public_url: Url) -> Self {
        let contract = proto::POOL.clone();
        Self {
            http,
            public_url,
            redis_url: None,
            web: None,
            proxies: 0,
            limits: Limits::default(),
            contract,
            front: None,
            sign_on: None,
        }
    }

    /// Whether browsers reach it by https.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}

/// How much and how long, at the most.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections; more wait in the system's queue, whose length it bounds.
    pub connections_max: usize,
    /// Open connections of one address, where no proxy of ours stands in front; more are answered 503.
    pub address_connections_max: usize,
    /// Requests at work at once; more are answered 503.
    pub requests_max: usize,
    /// Requests at work at once for one address; more are answered 429.
    pub address_requests_max: usize,
    /// Requests of one address; without bound when none. An office with all its people may be one address.
    pub address_rate: Option<Rate>,
    /// Requests of one session or token; without bound when none.
    pub client_rate: Option<Rate>,
    /// Uploads at once, each of which holds about a MiB; more are answered 503.
    pub uploads_max: usize,
    /// Bytes of the request line and headers together.
    pub header_bytes_max: usize,
    pub headers_max: usize,
    /// Time for a request's headers to arrive, and for which an idle connection is kept.
    pub header_timeout: Duration,
    /// Bytes of a JSON body.
    pub json_bytes_max: u64,
    /// Bytes of an uploaded file.
    pub upload_bytes_max: u64,
    /// Time for a JSON request with its answer, and for the first byte of a download.
    pub unary_timeout: Duration,
    /// Time an upload or download may stand still, on either side, and a part may be silent in a stream of messages.
    pub idle_timeout: Duration,
    /// Time after which a stream that can be resumed has to be: no longer than a token lives.
    pub stream_time_max: Duration,
    /// What an upload must bring on the average, besides its grace: a trickle without any long pause would else hold one of few
    /// places for days. Time in which the part takes nothing does not count. Slower than any line a department has.
    pub upload_bytes_a_second_min: u64,
    /// Time an upload may wait in all, besides.
    pub upload_grace: Duration,
    /// Time for the answer after an upload's last byte.
    pub upload_answer_timeout: Duration,
    /// Time without a request after which a session is over.
    pub session_idle: Duration,
    /// Time for open requests to end when the process stops.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            address_connections_max: 1_024,
            requests_max: 512,
            address_requests_max: 256,
            address_rate: Some(Rate::per_second(1_000, 5_000)),
            client_rate: Some(Rate::per_second(200, 1_000)),
            uploads_max: 64,
            header_bytes_max: 32 << 10,
            headers_max: 64,
            header_timeout: Duration::from_secs(20),
            json_bytes_max: 4 << 20,
            upload_bytes_max: 256 << 20,
            unary_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            stream_time_max: Duration::from_secs(300),
            upload_bytes_a_second_min: 32 << 10,
            upload_grace: Duration::from_secs(60),
            upload_answer_timeout: Duration::from_secs(300),
            session_idle: Duration::from_secs(8 * 3_600),
            drain_timeout: Duration::from_secs(20),
        }
    }
}
