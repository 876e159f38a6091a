//! What a part answers, on its way to the client: it always ends with a status, and what would tell an outsider about the inside is
//! masked, as over HTTP ([`Fault::upstream`]).

use std::convert::Infallible;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::sync::mpsc;
use tokio::time::{timeout, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::{Code, Status};

use super::passage::Held;
use crate::error::Fault;
use crate::limits::count;

/// How one call is told of: the rpc it names, where the contract knows it.
#[derive(Debug, Clone)]
pub struct Told {
    pub rpc: String,
    pub request_id: HeaderValue,
    pub started: Instant,
}

impl Told {
    /// As the client is told what went wrong.
    pub fn status(&self, fault: Fault) -> Status {
        fault.about(&self.request_id).into_status()
    }

    /// The call has ended.
    pub fn end(&self, code: Code) {
        let code = code as i32;
        metrics::counter!("gateway_front_total", "rpc" => self.rpc.clone(), "code" => code.to_string()).increment(1);
        metrics::histogram!("gateway_front_seconds", "rpc" => self.rpc.clone())
            .record(self.started.elapsed().as_secs_f64());
        tracing::debug!(rpc.method = self.rpc, rpc.code = code, "answered");
    }
}

/// What bounds the rest of an answer.
#[derive(Debug)]
pub struct Answer {
    pub told: Told,
    /// The part that answers.
    pub service: String,
    pub deadline: tokio::time::Instant,
    /// Time in which the client must take a frame.
    pub idle_max: Duration,
    /// For what has no end of its own: a drain waits for open calls, and whoever subscribes goes on elsewhere.
    pub over: Option<CancellationToken>,
    pub held: Held,
}

type Frames = mpsc::Sender<Result<Frame<Bytes>, Infallible>>;

impl Answer {
    /// The part's response, whose body comes as the client reads it.
    pub fn pass(self, response: http::Response<Body>) -> http::Response<Body> {
        if let Some(status) = Status::from_header_map(response.headers()) {
            let status = self.masked(status);
            self.told.end(status.code());
            return status.into_http();
        }
        let (head, body) = response.into_parts();
        let (frames, received) = mpsc::channel(1);
        tokio::spawn(self.forward(body, frames));
        http::Response::from_parts(head, Body::new(StreamBody::new(ReceiverStream::new(received))))
    }

    async fn forward(self, mut body: Body, frames: Frames) {
        let code = loop {
            let frame = tokio::select! {
                // What was told before the end is still heard.
                biased;
                () = frames.closed() => break Code::Cancelled,
                frame = timeout_at(self.deadline, body.frame()) => frame,
                () = cancelled(self.over.as_ref()) => Ok(None),
            };
            let end = match frame {
                Ok(Some(Ok(frame))) => match frame.into_trailers() {
                    Ok(trailers) => self.trailers(trailers),
                    Err(data) => {
                        if self.send(&frames, data).await {
                            continue;
                        }
                        break Code::Cancelled;
                    }
                },
                Ok(Some(Err(status))) => status_trailers(&self.masked(status)),
                // The part's process ended, or its stream was reset, or the front stops.
                Ok(None) => status_trailers(&self.told.status(Fault::overloaded())),
                Err(_) => status_trailers(&self.told.status(Fault::upstream_timeout())),
            };
            let (code, trailers) = end;
            self.send(&frames, Frame::trailers(trailers)).await;
            break code;
        };
        self.told.end(code);
    }

    /// Sends a frame to a client that takes it in time.
    async fn send(&self, frames: &Frames, frame: Frame<Bytes>) -> bool {
        match timeout(self.idle_max, frames.send(Ok(frame))).await {
            Ok(sent) => sent.is_ok(),
            Err(_) => {
                count("slow_reader");
                false
            }
        }
    }

    fn trailers(&self, trailers: HeaderMap) -> (Code, HeaderMap) {
        match Status::from_header_map(&trailers) {
            Some(status) if status.code() == Code::Ok => (Code::Ok, trailers),
            Some(status) => status_trailers(&self.masked(status)),
            None => status_trailers(&self.told.status(Fault::overloaded())),
        }
    }

    fn masked(&self, status: Status) -> Status {
        if status.code() == Code::Ok { status } else { self.told.status(Fault::upstream(&self.service, status)) }
    }
}

async fn cancelled(over: Option<&CancellationToken>) {
    match over {
        Some(over) => over.cancelled().await,
        None => std::future::pending().await,
    }
}

fn status_trailers(status: &Status) -> (Code, HeaderMap) {
    let mut trailers = HeaderMap::new();
    // A status that cannot be written is still an end without success.
    if status.add_header(&mut trailers).is_err() {
        trailers.insert(Status::GRPC_STATUS, HeaderValue::from(Code::Internal as i32));
    }
    (status.code(), trailers)
}
