//! Bytes and lines up without holding them: they go on in chunks of bounded size, as fast as the part takes them. An upload that
//! breaks off becomes a failed rpc, never a short file.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, stream};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::Status;
use tracing::Instrument as _;

use crate::Limits;
use crate::binder;
use crate::call::{Caller, Upstream};
use crate::error::{Fault, Result};
use crate::lines::Lines;
use crate::routes::{Route, Shape};

/// Bytes of one chunk of an upload at the most.
pub const CHUNK_BYTES_MAX: usize = 256 << 10;
/// Chunks waiting for the part.
const CHUNKS_WAITING_MAX: usize = 2;
/// What is still read of an upload that was refused, so that the client gets to read why.
const DRAIN_BYTES_MAX: u64 = 64 << 20;
const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);

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
#[derive(Debug, Clone)]
enum Broken {
    TooLarge,
    Slow,
    Aborted,
    /// A line is not what it must be.
    Line(String),
    /// The part took nothing for too long.
    Stalled,
}

/// Sends the HTTP body, of this type, to a part and answers its message. `message` carries the fields of path and query; the first chunk
/// goes with it, later ones carry only the bytes.
pub async fn upload(
    upstream: &Upstream,
    route: &Route,
    caller: &Caller,
    message: DynamicMessage,
    (content_type, body): (&str, Body),
    limits: &Limits,
) -> Result<Bytes> {
    let content_type = content_type.to_owned();
    let (pieces, received) = mpsc::channel(CHUNKS_WAITING_MAX);
    let broken = Arc::new(OnceLock::new());
    let pump = Pump {
        body,
        left: limits.upload_bytes_max,
        idle: limits.idle_timeout,
        patience: limits.upload_grace,
        bytes_a_second_min: limits.upload_bytes_a_second_min.max(1),
        broken: broken.clone(),
    };
    let content = match &route.shape {
        Shape::Upload(field) => Content::File(File { message: Some(message), field: field.clone(), content_type }),
        _ => {
            let line_bytes_max = usize::try_from(limits.json_bytes_max).unwrap_or(usize::MAX);
            Content::Lines(Lines::new(route, message, line_bytes_max))
        }
    };
    let writer = Writer { content, received, ready: VecDeque::new(), ended: false, broken: broken.clone() };
    let (upstream, caller, rpc) = (upstream.clone(), caller.clone(), route.grpc.clone());
    let answer_timeout = limits.upload_answer_timeout;
    // On its own, since a client that leaves drops whatever waits for it here: the rpc must still be failed in order.
    let work = async move {
        let call = upstream.client_stream(rpc, &caller, writer.messages());
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
        (Err(_), Some(Broken::Aborted)) => Err(Fault::bad_http("the body broke off")),
        (Err(_), Some(Broken::Line(problem))) => Err(Fault::bad_json(problem)),
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
                    let is_rest_to_read = matches!(broken, Broken::TooLarge);
                    let _ = self.broken.set(broken);
                    // Without an end, this fails the rpc.
                    drop(pieces);
                    if is_rest_to_read {
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

/// What an upload holds.
enum Content {
    File(File),
    Lines(Lines),
}

/// Makes the rpc's messages.
struct Writer {
    content: Content,
    received: mpsc::Receiver<Piece>,
    /// Made, and not yet sent: those of one piece.
    ready: VecDeque<Bytes>,
    ended: bool,
    broken: Arc<OnceLock<Broken>>,
}

impl Writer {
    fn messages(self) -> impl Stream<Item = std::result::Result<Bytes, Status>> + Send + 'static {
        stream::unfold(self, |mut writer| async move { Some((writer.next().await?, writer)) })
    }

    async fn next(&mut self) -> Option<std::result::Result<Bytes, Status>> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Some(Ok(message));
            }
            if self.ended {
                return None;
            }
            let piece = self.received.recv().await;
            self.ended = !matches!(piece, Some(Piece::Chunk(_)));
            let made = match (piece, &mut self.content) {
                (Some(Piece::Chunk(chunk)), Content::File(file)) => {
                    self.ready.push_back(file.write(chunk));
                    Ok(())
                }
                (Some(Piece::Chunk(chunk)), Content::Lines(lines)) => lines.take(&chunk, &mut self.ready),
                // An empty body still is a request.
                (Some(Piece::End), Content::File(file)) if file.message.is_some() => {
                    self.ready.push_back(file.write(Bytes::new()));
                    Ok(())
                }
                (Some(Piece::End), Content::File(_)) => Ok(()),
                (Some(Piece::End), Content::Lines(lines)) => lines.end(&mut self.ready),
                (None, _) => return Some(Err(Status::aborted("the upload broke off"))),
            };
            if let Err(problem) = made {
                self.ended = true;
                self.ready.clear();
                let _ = self.broken.set(Broken::Line(problem));
                self.received.close();
                return Some(Err(Status::aborted("a line of the upload is wrong")));
            }
        }
    }
}

/// Bytes as they come.
struct File {
    /// The fields of the first message, until it is sent.
    message: Option<DynamicMessage>,
    field: FieldDescriptor,
    content_type: String,
}

impl File {
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
