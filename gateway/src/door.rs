//! What a request must be before anybody looks at what it asks, and what it says about itself.
//!
//! RFC 9110 and 9112 leave some of it to the server; the strict reading counts: exactly one `Host` that names a host, also in
//! HTTP/1.1 requests with an absolute address; chunks are the only transfer coding; bodies come unencoded; nothing is expected
//! but `100-continue`; an address begins with a slash.

use std::net::{IpAddr, SocketAddr};

use chrono::Utc;
use http::header::{CONTENT_ENCODING, EXPECT, HOST, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Version};
use tonic::metadata::AsciiMetadataValue;

use crate::error::{Fault, Result};

/// Under which a request and its answer are found again.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Refuses what is no request this server takes: BAD_HTTP, or CONTENT_TYPE for a body that is encoded.
pub fn check<B>(request: &Request<B>) -> Result<()> {
    let headers = request.headers();
    if !request.uri().path().starts_with('/') {
        return Err(Fault::bad_http("the address does not begin with a slash"));
    }
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() < Version::HTTP_11 => {}
        (Some(host), None) if is_host(host) => {}
        _ => return Err(Fault::bad_http("exactly one Host must name the server")),
    }
    if headers.get_all(TRANSFER_ENCODING).iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return Err(Fault::bad_http("only chunks are understood as a transfer coding"));
    }
    if headers.get_all(EXPECT).iter().any(|wanted| !wanted.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Err(Fault::bad_http("nothing can be expected but 100-continue").at(StatusCode::EXPECTATION_FAILED));
    }
    if headers.get_all(CONTENT_ENCODING).iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Fault::content_type("identity (not encoded)"));
    }
    Ok(())
}

fn is_host(host: &HeaderValue) -> bool {
    let authority = Authority::try_from(host.as_bytes());
    authority.is_ok_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'))
}

/// The id the client gave the request, when it is a plain one, else a new one.
pub fn request_id(headers: &HeaderMap) -> HeaderValue {
    const CHARS_MAX: usize = 128;
    let plain = |text: &[u8]| {
        !text.is_empty()
            && text.len() <= CHARS_MAX
            && text.iter().all(|c| c.is_ascii_alphanumeric() || b"-_.:".contains(c))
    };
    let given = headers.get(&REQUEST_ID).filter(|value| plain(value.as_bytes())).cloned();
    given.unwrap_or_else(|| {
        // Nobody gains by guessing it, so its chance comes from this thread's generator instead of the system's.
        let millis = u64::try_from(Utc::now().timestamp_millis()).unwrap_or_default();
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid();
        // A UUID is plain text, so the fallback is never needed.
        let text = id.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()).to_owned();
        HeaderValue::from_maybe_shared(text.into_bytes()).unwrap_or(HeaderValue::from_static("none"))
    })
}

/// Address the request came from: the peer's, or what the outermost of our own proxies saw.
pub fn address(peer: SocketAddr, headers: &HeaderMap, proxies: usize) -> IpAddr {
    let Some(skipped) = proxies.checked_sub(1) else { return peer.ip().to_canonical() };
    let seen: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let outermost = seen.iter().rev().nth(skipped).and_then(|text| text.trim().parse().ok());
    outermost.unwrap_or(peer.ip().to_canonical())
}

/// A header that goes on to the part as text.
pub fn text(headers: &HeaderMap, name: &HeaderName) -> Result<Option<AsciiMetadataValue>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text =
        value.to_str().map_err(|_| Fault::invalid(name.as_str(), "must be ASCII; percent-encode other characters"))?;
    text.parse().map(Some).map_err(|_| Fault::invalid(name.as_str(), "is not a header value"))
}

/// Whether a content type is one of these. None of them can be sent by a form of another site without asking for leave first.
pub fn is_type(content_type: Option<&HeaderValue>, types: &[&str]) -> bool {
    let essence = content_type.and_then(|value| value.to_str().ok()).and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| types.iter().any(|wanted| essence.trim().eq_ignore_ascii_case(wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(target: &str, headers: &[(&str, &str)]) -> Option<u16> {
        let mut request = Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.body(()).unwrap()).err().map(|fault| fault.http().as_u16())
    }

    #[test]
    fn a_plain_request_passes_and_others_do_not() {
        let host = ("host", "q.example:8080");
        for headers in [&[host][..], &[host, ("expect", "100-Continue")], &[host, ("content-encoding", "identity")]] {
            assert_eq!(checked("/v1/me?x", headers), None, "{headers:?}");
        }
        for (headers, status) in [
            (&[][..], 400),
            (&[host, host], 400),
            (&[("host", "")], 400),
            (&[("host", "a b")], 400),
            (&[("host", "user@q")], 400),
            (&[("host", "q/path")], 400),
            (&[host, ("transfer-encoding", "gzip, chunked")], 400),
            (&[host, ("expect", "gold")], 417),
            (&[host, ("content-encoding", "gzip")], 415),
        ] {
            assert_eq!(checked("/v1/me", headers), Some(status), "{headers:?}");
        }
        assert_eq!(checked("*", &[host]), Some(400));
    }

    #[test]
    fn old_clients_need_no_host() {
        let request = Request::builder().version(Version::HTTP_10).uri("/").body(()).unwrap();
        assert!(check(&request).is_ok());
    }
}
