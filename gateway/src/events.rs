//! A part's stream of messages over HTTP, as the client takes it (`Accept`):
//!
//! - `application/x-ndjson`, also where it says nothing: one JSON object a line. `{"result": ...}` holds a message, as by
//!   grpc-gateway; the last line is `{"end": {"messages": "3"}}` or `{"error": ...}` with a `google.rpc.Status`. A stream
//!   without either has been cut off.
//! - `text/event-stream`: a message's JSON as data, with its position as id; then an event `end` or `failed`.
//!
//! A stream can be resumed when its messages have a `position` and its request an `after`, both int64, as `ReadEvents` does. The
//! id of an event is the position, and behind a dot the hash there, when messages have a `hash` and requests an `after_hash`. A
//! browser sends the last it got as `Last-Event-ID` when it comes back, which counts more than the query it repeats.
//!
//! A stream that can be resumed ends after a while in any case, so that who it is for is looked at again, and new pods get their
//! share: events just stop, whereupon browsers come back by themselves, and lines end with an error to try again. Parts that have
//! nothing to say send checkpoints; one that is silent for too long has failed. Nothing is sent ahead of what the client reads.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use crate::error::{Fault, Result};
use crate::limits::Permit;
use crate::routes::Route;
use crate::{Limits, accept, answer, codec, json};

/// One JSON object a line.
pub const LINES: &str = "application/x-ndjson";
/// Server-sent events.
pub const EVENTS: &str = "text/event-stream";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// After which a browser comes back.
const RETRY: Duration = Duration::from_secs(1);

/// How a stream goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Lines,
    Events,
}

impl Form {
    /// What the client takes. Refused: NOT_ACCEPTABLE.
    pub fn wanted(headers: &HeaderMap) -> Result<Self> {
        match accept::media_type(headers, &[LINES, EVENTS]) {
            Some(LINES) => Ok(Self::Lines),
            Some(_) => Ok(Self::Events),
            None => Err(Fault::not_acceptable(&format!("{LINES}, {EVENTS}"))),
        }
    }
}

/// The fields by which a stream goes on where it was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    position: FieldDescriptor,
    after: FieldDescriptor,
    /// Of a message and of a request.
    hashes: Option<(FieldDescriptor, FieldDescriptor)>,
}

impl Resume {
    /// Whether and how a stream can be resumed.
    pub fn of(input: &MessageDescriptor, output: &MessageDescriptor) -> Option<Self> {
        let field = |message: &MessageDescriptor, name: &str, kind: Kind| {
            message.get_field_by_name(name).filter(|field| field.kind() == kind && !field.is_list())
        };
        let hashes = field(output, "hash", Kind::String).zip(field(input, "after_hash", Kind::String));
        Some(Self {
            position: field(output, "position", Kind::Int64)?,
            after: field(input, "after", Kind::Int64)?,
            hashes,
        })
    }

    fn id(&self, message: &DynamicMessage) -> String {
        let position = message.get_field(&self.position).as_i64().unwrap_or_default();
        let hash =
            self.hashes.as_ref().map(|(hash, _)| message.get_field(hash).as_str().unwrap_or_default().to_owned());
        match hash.filter(|hash| is_hash(hash)) {
            Some(hash) => format!("{position}.{hash}"),
            None => position.to_string(),
        }
    }

    /// Makes a request begin behind the last event the client got, if it says one. Refused: INVALID.
    pub fn begin(&self, request: &mut DynamicMessage, headers: &HeaderMap) -> Result<()> {
        let Some(id) = headers.get(&LAST_EVENT_ID) else { return Ok(()) };
        let refused = || Fault::invalid(LAST_EVENT_ID.as_str(), "is not the id of an event of this stream");
        let id = id.to_str().map_err(|_| refused())?;
        let (position, hash) = id.split_once('.').unwrap_or((id, ""));
        let position: i64 = json::numbers::integer(position).map_err(|_| refused())?;
        if position < 0 || !(hash.is_empty() || is_hash(hash)) {
            return Err(refused());
        }
        request.set_field(&self.after, Value::I64(position));
        if let Some((_, after_hash)) = &self.hashes {
            request.set_field(after_hash, Value::String(hash.to_owned()));
        }
        Ok(())
    }
}

fn is_hash(text: &str) -> bool {
    !text.is_empty() && text.len() <= 128 && text.bytes().all(|c| c.is_ascii_alphanumeric())
}

/// A stream on its way to the client. The permit is held as long as the client reads.
struct Sent {
    messages: Streaming<Bytes>,
    output: MessageDescriptor,
    field: Option<FieldDescriptor>,
    resume: Option<Resume>,
    service: String,
    form: Form,
    idle: Duration,
    /// When it ends in any case.
    until: Option<Instant>,
    shutdown: CancellationToken,
    request_id: HeaderValue,
    count: u64,
    ended: bool,
    _permit: Permit,
}

/// Passes a part's messages on.
pub fn answer(
    messages: Streaming<Bytes>,
    route: &Route,
    form: Form,
    limits: &Limits,
    shutdown: CancellationToken,
    request_id: HeaderValue,
    permit: Permit,
) -> Response {
    let resume = route.resume.clone();
    let sent = Sent {
        messages,
        output: route.output.clone(),
        field: route.response_body.clone(),
        until: resume.is_some().then(|| Instant::now() + limits.stream_time_max),
        resume,
        service: route.service.clone(),
        form,
        idle: limits.idle_timeout,
        shutdown,
        request_id,
        count: 0,
        ended: false,
        _permit: permit,
    };
    let frames = stream::unfold(sent, |mut sent| async move {
        if sent.ended {
            return None;
        }
        let frame = sent.next().await;
        Some((Ok::<_, std::convert::Infallible>(frame), sent))
    });
    let opening = match form {
        Form::Events => Bytes::from(format!("retry: {}\n\n", RETRY.as_millis())),
        Form::Lines => Bytes::new(),
    };
    let opening = stream::iter((!opening.is_empty()).then_some(Ok(opening)));
    let mut response = Response::new(Body::from_stream(futures::StreamExt::chain(opening, frames)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(if form == Form::Lines { LINES } else { EVENTS }));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(answer::NOT_KEPT));
    // Proxies of the nginx kind would keep it back until there is enough of it.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

impl Sent {
    async fn next(&mut self) -> Bytes {
        let until = self.until;
        let over = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let resumable = self.resume.is_some();
        let shutdown = self.shutdown.clone();
        let stopping = async { if resumable { shutdown.cancelled().await } else { std::future::pending().await } };
        let next = tokio::select! {
            biased;
            () = stopping => return self.pause(),
            () = over => return self.pause(),
            next = tokio::time::timeout(self.idle, self.messages.message()) => next,
        };
        match next {
            Ok(Ok(Some(message))) => self.message(message).unwrap_or_else(|fault| self.fail(fault)),
            Ok(Ok(None)) => self.end(),
            Ok(Err(status)) => {
                let fault = Fault::upstream(&self.service, status);
                self.fail(fault)
            }
            Err(_) => self.fail(Fault::upstream_timeout()),
        }
    }

    fn message(&mut self, encoded: Bytes) -> Result<Bytes> {
        self.count += 1;
        let message = DynamicMessage::decode(self.output.clone(), encoded).map_err(Fault::internal)?;
        let mut frame = Vec::with_capacity(512);
        match (self.form, &self.resume) {
            (Form::Lines, _) => frame.extend(b"{\"result\":"),
            (Form::Events, Some(resume)) => frame.extend(format!("id: {}\ndata: ", resume.id(&message)).bytes()),
            (Form::Events, None) => frame.extend(b"data: "),
        }
        codec::write_json(&message, self.field.as_ref(), &mut frame)?;
        frame.extend(if self.form == Form::Lines { &b"}\n"[..] } else { b"\n\n" });
        Ok(frame.into())
    }

    fn end(&mut self) -> Bytes {
        self.ended = true;
        let count = self.count;
        Bytes::from(match self.form {
            Form::Lines => format!("{{\"end\":{{\"messages\":\"{count}\"}}}}\n"),
            Form::Events => format!("event: end\ndata: {{\"messages\":\"{count}\"}}\n\n"),
        })
    }

    fn fail(&mut self, fault: Fault) -> Bytes {
        self.ended = true;
        let (before, after): (&[u8], &[u8]) = match self.form {
            Form::Lines => (b"{\"error\":", b"}\n"),
            Form::Events => (b"event: failed\ndata: ", b"\n\n"),
        };
        [before, &fault.about(&self.request_id).json(), after].concat().into()
    }

    /// The stream can be resumed, and has to be now.
    fn pause(&mut self) -> Bytes {
        match self.form {
            Form::Lines => self.fail(Fault::overloaded()),
            Form::Events => {
                self.ended = true;
                // A comment.
                Bytes::from_static(b": come back\n\n")
            }
        }
    }
}
