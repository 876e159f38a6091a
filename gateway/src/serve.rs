//! Listening: connections with edges (how many, how slow, how large their headers), and a drain at the end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anyhow::Context as _;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use kit::env::Env;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::Sleep;

use crate::Settings;
use crate::app::{App, RECHECK};

/// Pause after a failed accept, so that a lack of file descriptors does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A gateway at work.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Waits until it has stopped: after the environment's shutdown and the drain.
    pub async fn stopped(self) -> anyhow::Result<()> {
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
    let pages = pages_router(env, &settings)?;
    let app = Arc::new(App::new(env, settings, pages)?);
    let address = listener.local_addr()?;
    tracing::info!(%address, "gateway listens");
    env.spawn("reach", app.reach().clone().look());
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
    Ok(Running { address, task })
}

async fn accept(listener: &TcpListener, app: &Arc<App>, open: &GracefulShutdown) {
    let limits = &app.settings().limits;
    let slots = Arc::new(Semaphore::new(limits.connections_max));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_headers(limits.headers_max)
        .max_buf_size(limits.header_bytes_max)
        .half_close(false);
    loop {
        // Waiting for a slot leaves further connections in the system's queue.
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
        let app = app.clone();
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let app = app.clone();
            async move { Ok::<_, Infallible>(app.handle(peer, request.map(Body::new)).await) }
        });
        let stream = Patient { stream, wait: limits.idle_timeout, timer: None };
        let connection = open.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(slot);
        });
    }
}

/// A connection that ends when the other side takes nothing for too long; else a client that never reads would hold its
/// download, and what feeds it, for ever.
struct Patient {
    stream: TcpStream,
    wait: Duration,
    /// Runs while a write waits.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn measured<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.timer = None;
            return polled;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.wait)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.measured(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.measured(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        self.measured(context, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The public pages: they ask the portal as anybody may, without a token.
fn pages_router(env: &Env, settings: &Settings) -> anyhow::Result<axum::Router> {
    Ok(pages::router(pages::Settings {
        portal: env.peers.channel("portal")?,
        draws: env.peers.channel("draws")?,
        clock: env.clock.clone(),
        recheck: RECHECK.to_owned(),
        public_url: settings.public_url.as_str().trim_end_matches('/').to_owned(),
        demonstration: env.keys.demonstration(),
    }))
}
