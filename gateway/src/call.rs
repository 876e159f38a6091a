//! Calls to the parts, without a stub for any of them: bytes in, bytes out, over one channel per part.

use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use kit::env::Env;
use kit::telemetry;
use tonic::client::Grpc;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::transport::Channel;
use tonic::{CancellationHandle, Request, Response, Streaming};

use crate::codec::Raw;
use crate::error::{Fault, Result};
use crate::routes::Route;

/// Largest message a part may answer in one piece.
const ANSWER_BYTES_MAX: usize = 32 << 20;

/// What is told to a part beside the message.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// `Bearer ...`, of the session or as the machine client sent it; none for the anonymous.
    pub authorization: Option<AsciiMetadataValue>,
    /// Purpose stated for reading personal data (art. 44).
    pub purpose: Option<AsciiMetadataValue>,
    pub request_id: Option<AsciiMetadataValue>,
    /// Address the request came from.
    pub address: Option<AsciiMetadataValue>,
}

impl Caller {
    /// Writes it to a call, with the current trace.
    pub fn put(&self, metadata: &mut MetadataMap) {
        let known = [
            ("authorization", &self.authorization),
            ("x-purpose", &self.purpose),
            ("x-request-id", &self.request_id),
            ("x-forwarded-for", &self.address),
        ];
        for (name, value) in known {
            if let Some(value) = value {
                metadata.insert(name, value.clone());
            }
        }
        telemetry::inject(metadata);
    }
}

/// A part that can be called.
#[derive(Clone)]
pub struct Upstream {
    channel: Channel,
}

impl Upstream {
    /// The part a route leads to. Connected at the first call and again after every failure.
    pub fn of(env: &Env, route: &Route) -> Result<Self> {
        env.peers.channel(&route.service).map(|channel| Self { channel }).map_err(Fault::internal)
    }

    async fn ready(&self, route: &Route) -> Result<Grpc<Channel>> {
        let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX);
        let ready = grpc.ready().await;
        ready.map_err(|error| Fault::upstream(&route.service, tonic::Status::from_error(error.into())))?;
        Ok(grpc)
    }

    /// One message, one answer, within `timeout` (which the part is told).
    pub async fn unary(
        &self,
        route: &Route,
        caller: &Caller,
        message: Bytes,
        timeout: Duration,
    ) -> Result<Response<Bytes>> {
        let mut request = Request::new(message);
        caller.put(request.metadata_mut());
        request.set_timeout(timeout);
        let call = async {
            let mut grpc = self.ready(route).await?;
            let answer = grpc.unary(request, route.grpc.clone(), Raw).await;
            answer.map_err(|status| Fault::upstream(&route.service, status))
        };
        tokio::time::timeout(timeout, call).await.unwrap_or_else(|_| Err(Fault::upstream_timeout()))
    }

    /// One message, a stream of answers whose headers come within `timeout`.
    pub async fn server_stream(
        &self,
        route: &Route,
        caller: &Caller,
        message: Bytes,
        timeout: Duration,
    ) -> Result<Response<Streaming<Bytes>>> {
        let mut request = Request::new(message);
        caller.put(request.metadata_mut());
        let call = async {
            let mut grpc = self.ready(route).await?;
            let answer = grpc.server_streaming(request, route.grpc.clone(), Raw).await;
            answer.map_err(|status| Fault::upstream(&route.service, status))
        };
        tokio::time::timeout(timeout, call).await.unwrap_or_else(|_| Err(Fault::upstream_timeout()))
    }

    /// A stream of messages, one answer. `messages` is given the handle that turns the stream into a failed one; a
    /// stream that ends is a whole one.
    pub async fn client_stream<S>(
        &self,
        route: &Route,
        caller: &Caller,
        messages: impl FnOnce(CancellationHandle) -> S,
    ) -> Result<Response<Bytes>>
    where
        S: Stream<Item = Bytes> + Send + 'static,
    {
        let mut head = Request::new(());
        caller.put(head.metadata_mut());
        let handle = head.cancellation_handle();
        let request = head.map(|()| messages(handle));
        let mut grpc = self.ready(route).await?;
        let answer = grpc.client_streaming(request, route.grpc.clone(), Raw).await;
        answer.map_err(|status| Fault::upstream(&route.service, status))
    }
}
