//! What asks, in a process of its own: so many connections, each with one request under way, over HTTP/1.1 or gRPC. Answers are
//! read whole and not decoded, on either side.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, ensure};
use bytes::Bytes;
use clap::Args;
use gateway::codec::Raw;
use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, StatusCode, client::conn::http1, header::ACCEPT, header::HOST};
use hyper_util::rt::TokioIo;
use kit::peers::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpStream, sync::Barrier, task::JoinSet};
use tonic::{client::Grpc, codegen::http::uri::PathAndQuery, transport::Endpoint};

use super::servers::cpu_seconds;

/// Options of `bench gateway-load`.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// Whom to ask.
    #[arg(long)]
    pub target: SocketAddr,
    /// Path with query, or of the rpc.
    #[arg(long)]
    pub path: String,
    /// The rpc's request, encoded, in hex: asks over gRPC. Over HTTP/1.1 without.
    #[arg(long)]
    pub message: Option<String>,
    /// Requests in all.
    #[arg(long)]
    pub requests: u32,
    #[arg(long)]
    pub connections: u32,
}

/// What asking came to.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Asked {
    /// From the first request to the last answer.
    pub seconds: f64,
    /// Of the process that asked.
    pub cpu_seconds: f64,
    /// Requests answered, those of the warm-up included.
    pub requests: u32,
}

/// Asks once over HTTP/1.1 and answers the body.
///
/// # Errors
/// It is not answered with 200.
pub async fn fetch(target: SocketAddr, path: &str) -> anyhow::Result<Bytes> {
    Http::connect(target, path).await?.ask().await
}

/// Asks, and tells how long it took.
///
/// # Errors
/// A request is not answered, or not as the one before it.
pub async fn run(args: &LoadArgs) -> anyhow::Result<Asked> {
    let left = Arc::new(AtomicI64::new(i64::from(args.requests)));
    let start = Arc::new(Barrier::new(args.connections as usize + 1));
    let mut clients = JoinSet::new();
    for _ in 0..args.connections {
        let client = match &args.message {
            Some(message) => {
                let message = hex::decode(message).context("the message is not hex")?;
                Client::Grpc(Box::new(Direct::connect(args.target, &args.path, message.into()).await?))
            }
            None => Client::Http(Http::connect(args.target, &args.path).await?),
        };
        clients.spawn(client.ask_all(start.clone(), Arc::clone(&left)));
    }
    start.wait().await;
    let (cpu, begun) = (cpu_seconds(std::process::id())?, Instant::now());
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let requests = args.requests + args.connections;
    Ok(Asked { seconds, cpu_seconds: cpu_seconds(std::process::id())? - cpu, requests })
}

enum Client {
    Http(Http),
    Grpc(Box<Direct>),
}

impl Client {
    async fn ask(&mut self) -> anyhow::Result<Bytes> {
        match self {
            Self::Http(http) => http.ask().await,
            Self::Grpc(grpc) => grpc.ask().await,
        }
    }

    async fn ask_all(mut self, start: Arc<Barrier>, left: Arc<AtomicI64>) -> anyhow::Result<()> {
        let first = self.ask().await?;
        start.wait().await;
        while left.fetch_sub(1, Ordering::Relaxed) > 0 {
            ensure!(self.ask().await?.len() == first.len(), "an answer of another length");
        }
        Ok(())
    }
}

struct Http {
    sender: http1::SendRequest<Empty<Bytes>>,
    path: String,
}

impl Http {
    async fn connect(target: SocketAddr, path: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(target).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, path: path.to_owned() })
    }

    async fn ask(&mut self) -> anyhow::Result<Bytes> {
        let request = Request::get(&self.path).header(HOST, "localhost").header(ACCEPT, "application/json");
        self.sender.ready().await?;
        let response = self.sender.send_request(request.body(Empty::new())?).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        ensure!(status == StatusCode::OK, "{}: {status} {}", self.path, String::from_utf8_lossy(&body));
        Ok(body)
    }
}

struct Direct {
    grpc: Grpc<tonic::transport::Channel>,
    rpc: PathAndQuery,
    message: Bytes,
}

impl Direct {
    async fn connect(target: SocketAddr, rpc: &str, message: Bytes) -> anyhow::Result<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{target}"))?
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES);
        Ok(Self { grpc: Grpc::new(endpoint.connect().await?), rpc: rpc.parse()?, message })
    }

    async fn ask(&mut self) -> anyhow::Result<Bytes> {
        self.grpc.ready().await?;
        let request = tonic::Request::new(self.message.clone());
        Ok(self.grpc.unary(request, self.rpc.clone(), Raw).await?.into_inner())
    }
}
