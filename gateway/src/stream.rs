//! Bytes down without holding them, as fast as the client reads. A file has the type it has: what the client says it takes is
//! not looked at (RFC 9110, 12.5.1, leaves that to the server).

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::{Stream, TryStreamExt as _, stream};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use prost::Message as _;
use proto::google::api::HttpBody;
use tokio::time::timeout;
use tonic::Streaming;
use tonic::metadata::MetadataMap;

use crate::Limits;
use crate::answer;
use crate::error::{Fault, Result};
use crate::limits::Permit;
use crate::range::{self, Wanted};
use crate::routes::Route;

/// Streams a part's answer to the client, or the range of it the client asks for. The first message decides content type and
/// whether it is an error; a failure after it breaks the connection, so that no client takes a part for the whole.
pub async fn download(
    answer: tonic::Response<Streaming<Bytes>>,
    route: &Route,
    request: &HeaderMap,
    limits: &Limits,
    permit: Permit,
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
        Wanted::Nothing => return Err(Fault::no_such_range(length)),
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
    permit: Permit,
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
