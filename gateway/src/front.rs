//! The gRPC front: the door of departments' own programs to the parts (art. 22), on a port of its own, with TLS. It lies beside the
//! JSON in the gateway, since both let the world in: they share the limits, the look at the parts, and the way an inner failure is told.
//!
//! Frames are passed on by service path, never decoded ([`passage`], [`request`], [`answer`]). What is open is what the contract opens to
//! somebody outside: an rpc for the platform's parts alone is as unknown here as one that does not exist. Callers are machine clients, who
//! get their token for their secret by `IssueToken` on this same port; people come by the web, whose tokens never leave the
//! gateway. The parts judge every call as if there were no front. Health and reflection tell of the same rpcs ([`about`]).
//!
//! HTTP/2 alone, TLS 1.2 or 1.3 ([`tls`]). Every connection, call, message and pause has an edge; see [`Limits`] and
//! [`crate::limits`].

pub mod about;
pub mod answer;
pub mod passage;
pub mod request;
pub mod tls;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use kit::env::Env;
use kit::peers::STREAM_WINDOW_BYTES;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::limits::shared::{Door, Shared};
use crate::limits::{Asker, Open, Shares, count};
use crate::reach::Reach;
use crate::redis_link::RedisLink;
use about::About;
use passage::Passage;
use tls::Certificate;

/// Pause after a failed accept, so that a lack of file descriptors does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the front is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen; port 0 for any free one.
    pub address: SocketAddr,
    /// The certificate and those above it, PEM. Read again when it changes.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    pub limits: Limits,
}

impl Settings {
    /// The usual settings for this address.
    pub fn new(address: SocketAddr, certificate: PathBuf, key: PathBuf) -> Self {
        Self { address, certificate, key, limits: Limits::default() }
    }
}

/// How much and how long, besides [`crate::Limits`], whose connections, rates, headers, unary and idle times hold here too.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Calls at work at once; more are answered UNAVAILABLE.
    pub calls_max: usize,
    /// Calls at work at once for one address; more are answered RESOURCE_EXHAUSTED.
    pub address_calls_max: usize,
    /// Calls at work at once for one machine client, subscriptions among them; more are answered RESOURCE_EXHAUSTED.
    pub client_calls_max: usize,
    /// Calls of one connection at once; more wait in the client, as HTTP/2 has it.
    pub connection_calls_max: u32,
    /// Bytes of one message: what the parts take.
    pub message_bytes_max: usize,
    /// Time for a streaming call in all; a client that wants less says so. Longer than the largest register takes.
    pub stream_timeout: Duration,
    /// Pause between two pings of a connection, and time for the answer to one.
    pub ping_every: Duration,
    pub ping_timeout: Duration,
    /// Time without a call after which a connection ends; clients make another one by themselves.
    pub connection_idle_max: Duration,
    /// Time after which a connection takes no more calls: so that clients spread over gateways that were added.
    pub connection_age_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls_max: 1_024,
            address_calls_max: 512,
            client_calls_max: 128,
            connection_calls_max: 128,
            message_bytes_max: 4 << 20,
            stream_timeout: Duration::from_secs(3_600),
            ping_every: Duration::from_secs(20),
            ping_timeout: Duration::from_secs(20),
            connection_idle_max: Duration::from_secs(300),
            connection_age_max: Duration::from_secs(1_800),
        }
    }
}

/// A front at work.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Running {
    /// Waits until it has stopped.
    pub(crate) async fn stopped(self) -> anyhow::Result<()> {
        self.task.await.context("the gRPC front failed")
    }
}

/// Starts the front, which calls no part yet and stops with the environment.
///
/// Errors: the address is taken, certificate and key cannot be used, the address of Redis is malformed.
pub(crate) async fn start(
    env: &Env,
    settings: &Settings,
    whole: &crate::Settings,
    reach: &Reach,
) -> anyhow::Result<Running> {
    let limits = &whole.limits;
    let Settings { address, certificate, key, limits: own } = settings.clone();
    let certificate = Arc::new(Certificate::read(certificate, key)?);
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    let (about, health) = About::new(reach).await?;
    let over = CancellationToken::new();
    let passage = Arc::new(Passage::new(env, limits, &own, about, over.clone())?);
    if let Some(url) = &whole.redis_url {
        let shared = Shared::new(RedisLink::new(url)?, Door::Front);
        let passage = passage.clone();
        env.spawn("front limits", async move { shared.keep(passage.bounds()).await });
    }
    let doorstep = Doorstep {
        certificate: certificate.clone(),
        passage,
        slots: Arc::new(Semaphore::new(limits.connections_max)),
        shares: Shares::new(limits.address_connections_max),
        limits: limits.clone(),
        own,
        stop: env.shutdown.clone(),
    };
    env.spawn("certificate", async move { certificate.renew().await });
    tracing::info!(%address, "gRPC front listens");
    let drain = limits.drain_timeout;
    let task = env.tasks.spawn(async move {
        let connections = TaskTracker::new();
        tokio::select! {
            () = doorstep.stop.cancelled() => {}
            () = health.follow() => {}
            () = doorstep.accept(&listener, &connections) => {}
        }
        drop(listener);
        health.stop().await;
        over.cancel();
        connections.close();
        if tokio::time::timeout(drain, connections.wait()).await.is_err() {
            tracing::warn!("the gRPC front stopped with calls still open");
        }
        tracing::info!("gRPC front stopped");
    });
    Ok(Running { address, task })
}

/// Where connections come in.
struct Doorstep {
    certificate: Arc<Certificate>,
    passage: Arc<Passage>,
    slots: Arc<Semaphore>,
    shares: Shares,
    limits: crate::Limits,
    own: Limits,
    stop: CancellationToken,
}

impl Doorstep {
    async fn accept(&self, listener: &TcpListener, connections: &TaskTracker) {
        loop {
            // Waiting for a slot leaves further connections in the system's queue.
            if self.slots.available_permits() == 0 {
                count("connections");
            }
            let Ok(slot) = self.slots.clone().acquire_owned().await else { return };
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(share) = self.shares.take(Asker::address(peer.ip().to_canonical())) else {
                // There is no word for it before TLS: the connection ends.
                count("connections_address");
                continue;
            };
            let held = (slot, share, Open::new("front_connections"));
            let _ = stream.set_nodelay(true);
            let serve = self.serve(stream, peer);
            connections.spawn(async move {
                serve.await;
                drop(held);
            });
        }
    }

    /// Serves one connection until one side has enough of it.
    fn serve(&self, stream: TcpStream, peer: SocketAddr) -> impl Future<Output = ()> + Send + 'static {
        let tls = self.certificate.acceptor();
        let (passage, stop) = (self.passage.clone(), self.stop.clone());
        let (handshake_timeout, grace) = (self.limits.header_timeout, self.limits.idle_timeout);
        let own = self.own.clone();
        let http = self.http();
        async move {
            let stream = match tokio::time::timeout(handshake_timeout, tls.accept(stream)).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => return tracing::debug!(%error, "no TLS"),
                Err(_) => return count("slow_head"),
            };
            let calls = watch::Sender::new(0_usize);
            let (mut at_work, counted) = (calls.subscribe(), calls);
            let service = service_fn(move |request: http::Request<Incoming>| {
                let (passage, call) = (passage.clone(), Call::begin(&counted));
                async move { Ok::<_, Infallible>(passage.answer(peer, request, call).await) }
            });
            let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
            tokio::select! {
                served = connection.as_mut() => return ended(served),
                () = stop.cancelled() => {}
                () = tokio::time::sleep(own.connection_age_max) => {}
                () = quiet(&mut at_work, own.connection_idle_max) => {}
            }
            // No more calls; those at work go on to their end, and a client that does not hang up then is left.
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                served = connection.as_mut() => ended(served),
                () = quiet(&mut at_work, grace) => {}
            }
        }
    }

    fn http(&self) -> http2::Builder<TokioExecutor> {
        let mut http = http2::Builder::new(TokioExecutor::new());
        let streams = self.own.connection_calls_max;
        http.timer(TokioTimer::new())
            .keep_alive_interval(self.own.ping_every)
            .keep_alive_timeout(self.own.ping_timeout)
            .max_concurrent_streams(streams)
            .max_header_list_size(u32::try_from(self.limits.header_bytes_max).unwrap_or(u32::MAX))
            .max_send_buf_size(STREAM_WINDOW_BYTES as usize)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            // All streams of a connection must not stop because one part takes nothing.
            .initial_connection_window_size(STREAM_WINDOW_BYTES.saturating_mul(streams));
        http
    }
}

fn ended(served: Result<(), hyper::Error>) {
    if let Err(error) = served {
        tracing::debug!(%error, "a connection of the gRPC front ended early");
    }
}

/// Resolves when no call was at work for so long.
async fn quiet(calls: &mut watch::Receiver<usize>, time: Duration) {
    loop {
        if calls.wait_for(|calls| *calls == 0).await.is_err() {
            return std::future::pending().await;
        }
        if tokio::time::timeout(time, calls.wait_for(|calls| *calls > 0)).await.is_err() {
            return;
        }
    }
}

/// A call of a connection, until its answer is whole.
#[derive(Debug)]
pub struct Call(watch::Sender<usize>, #[allow(dead_code, reason = "counts while it lives")] Open);

impl Call {
    fn begin(calls: &watch::Sender<usize>) -> Self {
        calls.send_modify(|calls| *calls += 1);
        Self(calls.clone(), Open::new("front_calls"))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.send_modify(|calls| *calls -= 1);
    }
}
