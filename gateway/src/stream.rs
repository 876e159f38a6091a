//! Bytes up and down without holding them: downloads stream with backpressure, uploads go on in chunks of bounded size. An
//! upload that breaks off becomes a failed rpc, never a short file.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::{Stream, TryStreamExt as _, stream};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};
use proto::google::api::HttpBody;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;
use tonic::metadata::MetadataMap;
use tonic::{Status, Streaming};
use tracing::Instrument as _;

use crate::Limits;
use crate::call::{Caller, Upstream};
use crate::error::{Fault, Result};
use crate::range::{self, Wanted};
use crate::routes::Route;
use crate::{answer, binder};

/// Bytes of one chunk of an upload at the most.
pub const CHUNK_BYTES_MAX: usize = 256 << 10;
/// Chunks waiting for the part.
const CHUNKS_WAITING_MAX: usize = 2;
/// What is still read of an upload that was refused, so that the client gets to read why.
const DRAIN_BYTES_MAX: u64 = 64 << 20;
const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);

/// Streams a part's answer to the client, or the range of it the client asks for. The first message decides content type and
/// whether it is an error; a failure after it breaks the connection, so that no client takes a part for the whole.
pub async fn download(
    answer: tonic::Response<Streaming<Bytes>>,
    route: &Route,
    request: &HeaderMap,
    limits: &Limits,
    permit: OwnedSemaphorePermit,
) -> Result<Response> {
    let (metadata, mut messages, _) = answer.into_parts();
    let first = match timeout(limits.idle_timeout, messages.message()).await {
        Err(_) => return Err(Fault::upstream_timeout()),
        Ok(first) => first.map_err(|status| Fault::upstream(&route.service, status))?,
    };
    let first = first.map(HttpBody::decode).transpose().map_err(Fault::internal)?.unwrap_or_default();
    let mut response = Response::new(Body::empty());
    passed_on(&metadata, response.headers_mut());
    if answer::is_known(request, response.headers()) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let length = range::length(&metadata).filter(|_| response.headers().contains_key(ETAG));
    let wanted = length.map(|length| (length, Wanted::of(request, response.headers(), length)));
    let content_type = HeaderValue::from_str(&first.content_type).ok().filter(|value| !value.is_empty());
    let content_type = content_type.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    let rest = rest_of(messages, route.service.clone(), limits.idle_timeout, permit);
    let first = stream::once(async move { Ok(Bytes::from(first.data)) });
    let chunks = futures::StreamExt::chain(first, rest).try_filter(|chunk| std::future::ready(!chunk.is_empty()));
    let headers = response.headers_mut();
    let Some((length, wanted)) = wanted else {
        *response.body_mut() = Body::from_stream(chunks);
        return Ok(response);
    };
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let bytes = match wanted {
        Wanted::Nothing => return Ok(range::refused(length)),
        Wanted::Whole => 0..length,
        Wanted::Bytes(bytes) => {
            headers.insert(CONTENT_RANGE, range::content_range(&bytes, length));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            bytes
        }
    };
    response.headers_mut().insert(CONTENT_LENGTH, (bytes.end - bytes.start).into());
    *response.body_mut() = Body::from_stream(range::cut(chunks, bytes));
    Ok(response)
}

/// The messages after the first. The permit is held as long as the client reads.
fn rest_of(
    messages: Streaming<Bytes>,
    service: String,
    idle: Duration,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = std::result::Result<Bytes, axum::BoxError>> {
    stream::try_unfold((messages, service, permit), move |(mut messages, service, permit)| async move {
        let next = match timeout(idle, messages.message()).await {
            Ok(Ok(next)) => next,
            Ok(Err(status)) => {
                tracing::warn!(peer = service, error = %status, "a download broke off");
                return Err(axum::BoxError::from("the download broke off"));
            }
            Err(_) => {
                tracing::warn!(peer = service, "a download stood still");
                return Err(axum::BoxError::from("the download stood still"));
            }
        };
        let Some(next) = next else { return Ok(None) };
        Ok(Some((Bytes::from(HttpBody::decode(next)?.data), (messages, service, permit))))
    })
}

/// Headers of the answer a part may set by metadata of the same name.
fn passed_on(metadata: &MetadataMap, headers: &mut HeaderMap) {
    for name in [ETAG, CONTENT_DISPOSITION, CACHE_CONTROL] {
        let value = metadata.get(name.as_str()).and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok());
        if let Some(value) = value {
            headers.insert(HeaderName::clone(&name), value);
        }
    }
}

/// Refuses an upload whose announced length is too much.
pub fn check_announced(headers: &HeaderMap, limits: &Limits) -> Result<()> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match announced {
        Some(bytes) if bytes > limits.upload_bytes_max => Err(Fault::too_large(limits.upload_bytes_max)),
        Some(_) | None => Ok(()),
    }
}

/// Reads what is left of a body that was refused, within bounds, and throws it away. A client reads the answer only when it
/// has sent all; a connection closed before takes the answer with it.
pub async fn drain(mut body: Body) {
    let mut left = DRAIN_BYTES_MAX;
    let read = async {
        while let Some(Ok(frame)) = body.frame().await {
            let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
            let Some(rest) = left.checked_sub(bytes) else { return };
            left = rest;
        }
    };
    // Out of time, the client is not heard any further.
    let _ = timeout(DRAIN_TIME_MAX, read).await;
}

/// One step of an upload.
enum Piece {
    Chunk(Bytes),
    /// The HTTP body ended as it should.
    End,
}

/// Why the gateway itself ended an upload.
#[derive(Debug, Clone, Copy)]
enum Broken {
    TooLarge,
    Slow,
    Aborted,
    /// The part took nothing for too long.
    Stalled,
}

/// Sends the HTTP body to a part and answers its message. `message` carries the fields of path and query; the first chunk
/// goes with it, later ones carry only the bytes.
pub async fn upload(
    upstream: &Upstream,
    route: &Route,
    caller: &Caller,
    message: DynamicMessage,
    field: &FieldDescriptor,
    request: http::Request<Body>,
    limits: &Limits,
) -> Result<Bytes> {
    let headers = request.headers();
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (pieces, received) = mpsc::channel(CHUNKS_WAITING_MAX);
    let broken = Arc::new(OnceLock::new());
    let pump = Pump {
        body: request.into_body(),
        left: limits.upload_bytes_max,
        idle: limits.idle_timeout,
        patience: limits.upload_grace,
        bytes_a_second_min: limits.upload_bytes_a_second_min.max(1),
        broken: broken.clone(),
    };
    let writer = Writer { message: Some(message), field: field.clone(), content_type };
    let (upstream, caller, rpc) = (upstream.clone(), caller.clone(), route.grpc.clone());
    let answer_timeout = limits.upload_answer_timeout;
    // On its own, since a client that leaves drops whatever waits for it here: the rpc must still be failed in order.
    let work = async move {
        let call = upstream.client_stream(rpc, &caller, writer.messages(received));
        let ended = tokio::spawn(pump.run(pieces));
        tokio::pin!(call, ended);
        // The answer has its time from the last byte on; before that every pause is measured by itself.
        tokio::select! {
            answer = &mut call => {
                // The part has answered, perhaps before the end. What is left is read and thrown away.
                let _ = ended.await;
                answer
            }
            _ = &mut ended => {
                timeout(answer_timeout, call).await.unwrap_or_else(|_| Err(Status::deadline_exceeded("")))
            }
        }
    };
    let answered = tokio::spawn(work.in_current_span()).await.map_err(Fault::internal)?;
    match (answered, broken.get()) {
        (Ok(answer), _) => Ok(answer),
        (Err(_), Some(Broken::TooLarge)) => Err(Fault::too_large(limits.upload_bytes_max)),
        (Err(_), Some(Broken::Slow)) => Err(Fault::client_timeout()),
        (Err(_), Some(Broken::Aborted)) => Err(Fault::client_timeout().at(StatusCode::BAD_REQUEST)),
        (Err(_), Some(Broken::Stalled)) => Err(Fault::upstream_timeout()),
        (Err(status), None) => Err(Fault::upstream(&route.service, status)),
    }
}

/// Reads the HTTP body chunk by chunk, as fast as the part takes them.
struct Pump {
    body: Body,
    /// Bytes that may still come.
    left: u64,
    idle: Duration,
    /// Time the client may still be waited for: every byte earns some.
    patience: Duration,
    bytes_a_second_min: u64,
    broken: Arc<OnceLock<Broken>>,
}

impl Pump {
    async fn run(mut self, pieces: mpsc::Sender<Piece>) {
        loop {
            let mut data = match self.next().await {
                Ok(Some(data)) => data,
                Ok(None) => {
                    let _ = pieces.send(Piece::End).await;
                    return;
                }
                Err(broken) => {
                    let _ = self.broken.set(broken);
                    // Without an end, this fails the rpc.
                    drop(pieces);
                    if matches!(broken, Broken::TooLarge) {
                        drain(self.body).await;
                    }
                    return;
                }
            };
            while !data.is_empty() {
                let chunk = data.split_to(data.len().min(CHUNK_BYTES_MAX));
                match timeout(self.idle, pieces.send(Piece::Chunk(chunk))).await {
                    Ok(Ok(())) => {}
                    // The part has answered already.
                    Ok(Err(_)) => return drain(self.body).await,
                    Err(_) => {
                        let _ = self.broken.set(Broken::Stalled);
                        return;
                    }
                }
            }
        }
    }

    async fn next(&mut self) -> std::result::Result<Option<Bytes>, Broken> {
        let since = Instant::now();
        let frame = timeout(self.idle.min(self.patience), self.body.frame()).await;
        self.patience = self.patience.saturating_sub(since.elapsed());
        let frame = match frame {
            Err(_) => return Err(Broken::Slow),
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(Broken::Aborted),
            Ok(Some(Ok(frame))) => frame,
        };
        let data = frame.into_data().unwrap_or_default();
        let bytes = data.len() as u64;
        self.left = self.left.checked_sub(bytes).ok_or(Broken::TooLarge)?;
        self.patience += Duration::from_secs_f64(bytes as f64 / self.bytes_a_second_min as f64);
        Ok(Some(data))
    }
}

/// Makes the rpc's messages.
struct Writer {
    /// The fields of the first message, until it is sent.
    message: Option<DynamicMessage>,
    field: FieldDescriptor,
    content_type: String,
}

impl Writer {
    fn messages(
        self,
        received: mpsc::Receiver<Piece>,
    ) -> impl Stream<Item = std::result::Result<Bytes, Status>> + Send + 'static {
        stream::unfold((self, received, false), |(mut writer, mut received, ended)| async move {
            if ended {
                return None;
            }
            let (message, ended) = match received.recv().await {
                Some(Piece::Chunk(chunk)) => (Ok(writer.write(chunk)), false),
                // An empty body still is a request.
                Some(Piece::End) if writer.message.is_some() => (Ok(writer.write(Bytes::new())), true),
                Some(Piece::End) => return None,
                None => (Err(Status::aborted("the upload broke off")), true),
            };
            Some((message, (writer, received, ended)))
        })
    }

    fn write(&mut self, chunk: Bytes) -> Bytes {
        let mut message = self.message.take();
        let first = message.is_some();
        let message = message.get_or_insert_with(|| DynamicMessage::new(self.field.parent_message().clone()));
        if let Kind::Message(body) = self.field.kind() {
            let mut body = DynamicMessage::new(body);
            if first && !self.content_type.is_empty() {
                body.set_field_by_name("content_type", Value::String(std::mem::take(&mut self.content_type)));
            }
            body.set_field_by_name("data", Value::Bytes(chunk));
            message.set_field(&self.field, Value::Message(body));
        }
        binder::encode(message)
    }
}
