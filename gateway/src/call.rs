//! Calls to the parts, without a stub for any of them: bytes in, bytes out, by [`link`](crate::link) where an rpc has one message and
//! one answer, else over one channel per part.

use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use http::HeaderValue;
use http::header::{CONTENT_TYPE, TE};
use http::uri::PathAndQuery;
use kit::auth::GATEWAY_HEADER;
use kit::env::Env;
use kit::telemetry;
use tonic::client::Grpc;
use tonic::codec::EncodeBody;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status, Streaming};
use tower::{Service as _, ServiceExt as _};

use crate::codec::Raw;
use crate::error::{Fault, Result};
use crate::link::{ANSWER_BYTES_MAX, Links};
use crate::routes::Route;

/// Headers of a call.
const HEADERS_USUAL: usize = 12;

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
    /// `Bearer ...` of the gateway itself, without which no part believes that address.
    pub gateway: Option<AsciiMetadataValue>,
}

impl Caller {
    /// Writes it to a call, with the current trace.
    pub fn put(&self, metadata: &mut MetadataMap) {
        let known = [
            ("authorization", &self.authorization),
            ("x-purpose", &self.purpose),
            ("x-request-id", &self.request_id),
            ("x-forwarded-for", &self.address),
            (GATEWAY_HEADER, &self.gateway),
        ];
        for (name, value) in known {
            if let Some(value) = value {
                metadata.insert(name, value.clone());
            }
        }
        telemetry::inject(metadata);
    }
}

/// One message, one answer, within `timeout` (which the part is told).
pub async fn unary(links: &Links, route: &Route, caller: &Caller, message: &[u8], timeout: Duration) -> Result<Bytes> {
    let link = links.get(&route.service);
    let link = link.ok_or_else(|| Fault::internal(anyhow::anyhow!("there is no part {}", route.service)))?;
    // Room for the headers of gRPC too.
    let mut metadata = MetadataMap::with_capacity(HEADERS_USUAL);
    caller.put(&mut metadata);
    // A little longer there, so that it is here that time runs out.
    let call = link.call(&route.grpc, metadata.into_headers(), message, timeout + Duration::from_secs(1));
    let answer = tokio::time::timeout(timeout, call).await.map_err(|_| Fault::upstream_timeout())?;
    answer.map_err(|status| Fault::upstream(&route.service, status))
}

/// A part that can be called with streams.
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
        ready.map_err(|error| Fault::upstream(&route.service, Status::from_error(error.into())))?;
        Ok(grpc)
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

    /// A stream of messages, one answer. An error in the stream resets the rpc; a stream that ends is a whole one.
    ///
    /// Written out instead of by `Grpc::client_streaming`, whose stream has no way to fail: cancelling that call, or
    /// dropping it, sends `RST_STREAM(CANCEL)`, which tonic's servers read as the regular end of the messages, so that a
    /// broken upload would pass for a short file.
    pub async fn client_stream<S>(
        &self,
        rpc: PathAndQuery,
        caller: &Caller,
        messages: S,
    ) -> std::result::Result<Bytes, Status>
    where
        S: Stream<Item = std::result::Result<Bytes, Status>> + Send + 'static,
    {
        let mut metadata = MetadataMap::new();
        caller.put(&mut metadata);
        let body = tonic::body::Body::new(EncodeBody::new_client(Raw, messages, None, None));
        let mut request = http::Request::new(body);
        *request.method_mut() = http::Method::POST;
        *request.version_mut() = http::Version::HTTP_2;
        *request.uri_mut() = http::Uri::from(rpc);
        *request.headers_mut() = metadata.into_headers();
        request.headers_mut().insert(TE, HeaderValue::from_static("trailers"));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        let transport = |error: tonic::transport::Error| Status::from_error(error.into());
        let mut channel = self.channel.clone();
        let channel = channel.ready().await.map_err(transport)?;
        let response = channel.call(request).await.map_err(transport)?;
        if let Some(status) = Status::from_header_map(response.headers()).filter(|status| status.code() != Code::Ok) {
            return Err(status);
        }
        let http = response.status();
        let mut answers = Streaming::new_response(Raw, response.into_body(), http, None, Some(ANSWER_BYTES_MAX));
        let answer = answers.message().await?;
        // The status of the whole comes after the message.
        answers.trailers().await?;
        answer.ok_or_else(|| Status::internal("no answer"))
    }
}
