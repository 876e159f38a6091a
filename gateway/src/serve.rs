//! Listening: connections with edges (how many, how slow, how large their headers), and a drain at the end. A client may close its
//! side when its request is whole and wait for the answer. TCP tells that from one that has gone only when something is written: until then
//! an answer that nobody waits for is made, in its own time.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anyhow::Context as _;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONNECTION;
use http_body_util::{BodyExt as _, Collected};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use kit::env::Env;
use pages::reference::Reference;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::Settings;
use crate::app::{App, RECHECK};
use crate::error::Fault;
use crate::front;
use crate::limits::shared::{Door, Shared};
use crate::limits::{self, Asker, Open, Shares};
use crate::openapi::Description;
use crate::redis_link::RedisLink;
use crate::routes::Routes;
use crate::wire::{Left, Watch, Wire};

/// Pause after a failed accept, so that a lack of file descriptors does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A gateway at work.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    front: Option<front::Running>,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Where the gRPC front listens, if there is one.
    pub fn front(&self) -> Option<SocketAddr> {
        self.front.as_ref().map(|front| front.address)
    }

    /// Waits until it has stopped: after the environment's shutdown and the drain.
    pub async fn stopped(self) -> anyhow::Result<()> {
        if let Some(front) = self.front {
            front.stopped().await?;
        }
        self.task.await.context("the gateway failed")
    }
}

/// Starts the gateway. It calls no part yet: any may start later. It stops with the environment: new connections are
/// refused, open requests get their time.
///
/// Errors: the address is taken, the contract contradicts itself, an address in the settings is malformed.
pub async fn start(env: &Env, settings: Settings) -> anyhow::Result<Running> {
    let http = settings.http;
    let listener = TcpListener::bind(http).await.with_context(|| format!("cannot listen on {http}"))?;
    start_on(env, settings, listener).await
}

/// As [`start`], on a listener that stands already: whoever connected meanwhile is answered.
///
/// Errors: the contract contradicts itself, an address in the settings is malformed.
pub async fn start_on(env: &Env, settings: Settings, listener: TcpListener) -> anyhow::Result<Running> {
    let routes = Routes::new(&settings.contract)?;
    let description = Description::new(&settings.contract, &routes, &settings.public_url);
    let pages = pages_router(env, &settings, description.reference(&routes))?;
    let app = Arc::new(App::new(env, settings, routes, &description, pages)?);
    let address = listener.local_addr()?;
    tracing::info!(%address, "gateway listens");
    env.spawn("reach", app.reach().clone().look());
    if let Some(url) = &app.settings().redis_url {
        let shared = Shared::new(RedisLink::new(url)?, Door::Web);
        let app = app.clone();
        env.spawn("limits", async move { shared.keep(app.bounds()).await });
    }
    let front = match &app.settings().front {
        Some(settings) => Some(front::start(env, settings, app.settings(), app.reach()).await?),
        None => None,
    };
    let shutdown = env.shutdown.clone();
    let task = env.tasks.spawn(async move {
        let open = GracefulShutdown::new();
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = accept(&listener, &app, &open) => {}
        }
        drop(listener);
        let drain = app.settings().limits.drain_timeout;
        if tokio::time::timeout(drain, open.shutdown()).await.is_err() {
            tracing::warn!("stopped with requests still open");
        }
        tracing::info!("gateway stopped");
    });
    Ok(Running { address, front, task })
}

async fn accept(listener: &TcpListener, app: &Arc<App>, open: &GracefulShutdown) {
    let bounds = &app.settings().limits;
    let slots = Arc::new(Semaphore::new(bounds.connections_max));
    // Behind our proxies every connection is theirs.
    let each_max = if app.settings().proxies == 0 { bounds.address_connections_max } else { bounds.connections_max };
    let shares = Shares::new(each_max);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(bounds.header_timeout)
        .max_headers(bounds.headers_max)
        .max_buf_size(bounds.header_bytes_max)
        .half_close(true);
    loop {
        // Waiting for a slot leaves further connections in the system's queue.
        if slots.available_permits() == 0 {
            limits::count("connections");
        }
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let Some(share) = shares.take(Asker::address(peer.ip().to_canonical())) else {
            let app = app.clone();
            tokio::spawn(async move {
                let fault = Fault::overloaded().limit("connections_address").closing();
                Left::unread(stream).close(Some(written(app.refuse(peer, fault).await).await)).await;
                drop(slot);
            });
            continue;
        };
        let connection = (slot, share, Open::new("connections"));
        let watch = Arc::new(Watch::new(bounds.header_bytes_max));
        let (wire, left) = Wire::new(stream, watch.clone(), bounds.idle_timeout);
        let (app, for_requests) = (app.clone(), app.clone());
        let service = service_fn(move |request| answer(for_requests.clone(), watch.clone(), peer, request));
        let served = open.watch(http.serve_connection(TokioIo::new(wire), service));
        tokio::spawn(async move {
            let served = served.await;
            if let Err(error) = &served {
                tracing::debug!(%error, "a connection ended early");
            }
            if let Ok(left) = left.await {
                let refused = left.refused(served.err().as_ref());
                let answer = match refused {
                    Some(status) => Some(written(app.refuse(peer, Fault::unread(status)).await).await),
                    None => None,
                };
                left.close(answer).await;
            }
            drop(connection);
        });
    }
}

/// Answers one request of a connection.
async fn answer(
    app: Arc<App>,
    watch: Arc<Watch>,
    peer: SocketAddr,
    request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    let checked = watch.request(&request);
    let mut response = match checked {
        Ok(()) => app.handle(peer, request.map(|body| Body::new(Watched { body, watch: watch.clone() }))).await,
        Err(problem) => app.refuse(peer, Fault::bad_http(problem)).await,
    };
    if watch.is_within_chunks() {
        // Nobody has read where the next request begins.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// A body that tells when it has been read.
struct Watched {
    body: Incoming,
    watch: Arc<Watch>,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.watch.chunks_end();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

/// An answer as it goes over a connection that ends with it.
async fn written(response: Response) -> Vec<u8> {
    let (head, body) = response.into_parts();
    // Refusals are whole already.
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let reason = head.status.canonical_reason().unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", head.status.as_u16()).into_bytes();
    for (name, value) in &head.headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

/// The public pages: they ask the portal as anybody may, without a token.
fn pages_router(env: &Env, settings: &Settings, reference: Reference) -> anyhow::Result<axum::Router> {
    Ok(pages::router(pages::Settings {
        portal: env.peers.channel("portal")?,
        draws: env.peers.channel("draws")?,
        clock: env.clock.clone(),
        recheck: RECHECK.to_owned(),
        public_url: settings.public_url.as_str().trim_end_matches('/').to_owned(),
        demonstration: env.keys.demonstration(),
        reference,
    }))
}
