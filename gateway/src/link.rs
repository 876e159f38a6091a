//! The connection to a part over which calls of one message and one answer go, most of all there are. It is HTTP/2 without the
//! layers of a gRPC client: whoever calls writes into the connection and reads from it by itself, where those layers hand every
//! call through two more tasks. Streams of messages and what asks seldom go by the channels of [`kit::peers`].
//!
//! It behaves as those do: connected at the first call and again after every failure, pinged while idle, the same windows. A
//! connection that is gone is noticed before a call uses it; a call that was under way when it broke fails, and is not repeated,
//! since the part may have done it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::{BufMut as _, Bytes, BytesMut};
use h2::client::SendRequest;
use h2::{Ping, PingPong, RecvStream};
use http::header::{CONTENT_TYPE, TE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, Version};
use kit::peers::{CONNECTION_WINDOW_BYTES, Peers, STREAM_WINDOW_BYTES};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::{Code, Status};

/// Largest message a part may answer in one piece.
pub const ANSWER_BYTES_MAX: usize = 32 << 20;

/// Before a message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;
const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);
/// Between two looks whether the part still is there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Bytes of the headers of an answer.
const HEADER_BYTES_MAX: u32 = 16 << 10;
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

type Result<T> = std::result::Result<T, Status>;

/// The parts that routes lead to, by name.
#[derive(Debug)]
pub struct Links(BTreeMap<String, Link>);

impl Links {
    /// To these parts; none is called yet. Errors: an address is malformed.
    pub fn new<'a>(peers: &Peers, parts: impl Iterator<Item = &'a str>) -> anyhow::Result<Self> {
        let link = |part: &str| Ok((part.to_owned(), Link::new(&peers.url(part)).with_context(|| part.to_owned())?));
        Ok(Self(parts.map(link).collect::<anyhow::Result<_>>()?))
    }

    /// The one to a part.
    pub fn get(&self, part: &str) -> Option<&Link> {
        self.0.get(part)
    }
}

/// The way to one part.
#[derive(Debug)]
pub struct Link {
    authority: Authority,
    /// What connects, with the port.
    address: String,
    open: Mutex<Option<SendRequest<Bytes>>>,
    /// Held by the one who connects; when that last failed, and how.
    connecting: tokio::sync::Mutex<Option<(Instant, String)>>,
}

impl Link {
    fn new(url: &str) -> anyhow::Result<Self> {
        let uri: Uri = url.parse().with_context(|| format!("{url} is no address"))?;
        ensure!(uri.scheme() == Some(&Scheme::HTTP), "{url} does not begin with http://");
        let authority = uri.authority().cloned().with_context(|| format!("{url} names no host"))?;
        let address = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80));
        Ok(Self { authority, address, open: Mutex::default(), connecting: tokio::sync::Mutex::default() })
    }

    /// One message, one answer, with these headers besides those of gRPC; the part is told that it has `time`. Errors: what the
    /// part answered; a connection's failure, which has a source.
    pub async fn call(&self, rpc: &PathAndQuery, headers: HeaderMap, message: &[u8], time: Duration) -> Result<Bytes> {
        let request = self.request(rpc, headers, time)?;
        let framed = framed(message)?;
        let mut sender = self.sender().await?;
        let (response, mut body) = sender.send_request(request, false)?;
        body.send_data(framed, true)?;
        let (head, body) = response.await?.into_parts();
        match Status::from_header_map(&head.headers) {
            Some(status) if status.code() != Code::Ok => return Err(status),
            _ if head.status != StatusCode::OK => return Err(no_grpc(head.status)),
            _ => {}
        }
        let (answer, trailers) = read(body).await?;
        let status = Status::from_header_map(trailers.as_ref().unwrap_or(&head.headers));
        match status {
            Some(status) if status.code() == Code::Ok => unframed(answer),
            Some(status) => Err(status),
            None => Err(Status::internal("an answer without a status")),
        }
    }

    fn request(&self, rpc: &PathAndQuery, headers: HeaderMap, time: Duration) -> Result<Request<()>> {
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = Some(self.authority.clone());
        uri.path_and_query = Some(rpc.clone());
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = Uri::from_parts(uri).map_err(|error| Status::internal(error.to_string()))?;
        *request.headers_mut() = headers;
        request.headers_mut().insert(TE, HeaderValue::from_static("trailers"));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        // At most eight digits.
        let millis = time.as_millis().min(99_999_999);
        if let Ok(time) = HeaderValue::from_str(&format!("{millis}m")) {
            request.headers_mut().insert(TIMEOUT, time);
        }
        Ok(request)
    }

    fn open(&self) -> MutexGuard<'_, Option<SendRequest<Bytes>>> {
        // It is replaced whole, so a panic leaves nothing half-changed.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that takes a request, if one is open.
    async fn opened(&self) -> Option<SendRequest<Bytes>> {
        let mut sender = self.open().clone()?;
        poll_fn(|context| sender.poll_ready(context)).await.ok().map(|()| sender)
    }

    /// A connection that takes a request. Errors: UNAVAILABLE.
    async fn sender(&self) -> Result<SendRequest<Bytes>> {
        if let Some(sender) = self.opened().await {
            return Ok(sender);
        }
        let since = Instant::now();
        let mut failed = self.connecting.lock().await;
        // Perhaps somebody else has connected meanwhile, or has tried to.
        if let Some(sender) = self.opened().await {
            return Ok(sender);
        }
        if let Some((_, error)) = failed.as_ref().filter(|(at, _)| *at >= since) {
            return Err(Status::unavailable(error.clone()));
        }
        match self.connect().await {
            Ok(sender) => {
                *self.open() = Some(sender.clone());
                Ok(sender)
            }
            Err(error) => {
                let error = format!("{}: {error:#}", self.address);
                *failed = Some((Instant::now(), error.clone()));
                Err(Status::unavailable(error))
            }
        }
    }

    async fn connect(&self) -> anyhow::Result<SendRequest<Bytes>> {
        let stream = timeout(CONNECT_TIME_MAX, TcpStream::connect(&self.address)).await.context("no answer")??;
        stream.set_nodelay(true)?;
        let mut builder = h2::client::Builder::new();
        builder
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_header_list_size(HEADER_BYTES_MAX)
            .enable_push(false);
        let (sender, mut connection) =
            timeout(CONNECT_TIME_MAX, builder.handshake(stream)).await.context("no answer")??;
        let pings = connection.ping_pong();
        tokio::spawn(async move {
            // Dropped, it fails the calls that are under way.
            tokio::select! {
                ended = connection => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection to a part ended");
                    }
                }
                () = silence(pings) => tracing::warn!("a part does not answer any more"),
            }
        });
        Ok(sender)
    }
}

/// Ends when the part no longer answers.
async fn silence(pings: Option<PingPong>) {
    let Some(mut pings) = pings else { return std::future::pending().await };
    loop {
        tokio::time::sleep(PING_EVERY).await;
        match timeout(PING_EVERY, pings.ping(Ping::opaque())).await {
            Ok(Ok(_)) => {}
            // The connection tells what happened to it.
            Ok(Err(_)) => return std::future::pending().await,
            Err(_) => return,
        }
    }
}

/// A message as gRPC sends it.
fn framed(message: &[u8]) -> Result<Bytes> {
    let length = u32::try_from(message.len()).map_err(|_| Status::resource_exhausted("a message too large"))?;
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    framed.put_u8(0);
    framed.put_u32(length);
    framed.extend_from_slice(message);
    Ok(framed.freeze())
}

/// The one message of an answer.
fn unframed(mut answer: Bytes) -> Result<Bytes> {
    let Some((prefix, _)) = answer.split_first_chunk::<PREFIX_BYTES>() else {
        return Err(Status::internal("no answer"));
    };
    let [compressed, length @ ..] = *prefix;
    if compressed != 0 {
        return Err(Status::internal("an answer is compressed"));
    }
    let message = answer.split_off(PREFIX_BYTES);
    if message.len() as u64 != u64::from(u32::from_be_bytes(length)) {
        return Err(Status::internal("an answer is not one whole message"));
    }
    Ok(message)
}

/// Everything that comes, and what stands behind it. Usually it is one piece, which is not copied.
async fn read(mut body: RecvStream) -> Result<(Bytes, Option<HeaderMap>)> {
    let (mut first, mut whole) = (Bytes::new(), BytesMut::new());
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        if first.is_empty() && whole.is_empty() {
            first = piece;
            continue;
        }
        if first.len() + whole.len() + piece.len() > PREFIX_BYTES + ANSWER_BYTES_MAX {
            return Err(Status::out_of_range("an answer too large"));
        }
        whole.extend_from_slice(&std::mem::take(&mut first));
        whole.extend_from_slice(&piece);
    }
    let answer = if whole.is_empty() { first } else { whole.freeze() };
    Ok((answer, body.trailers().await?))
}

/// What an answer without a status of gRPC means (gRPC's HTTP mapping).
fn no_grpc(status: StatusCode) -> Status {
    let code = match status {
        StatusCode::BAD_REQUEST => Code::Internal,
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::NOT_FOUND => Code::Unimplemented,
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Code::Unavailable,
        _ => Code::Unknown,
    };
    Status::new(code, format!("HTTP {status} without a status of gRPC"))
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
