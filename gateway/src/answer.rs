//! JSON answers as they leave: named, kept, compressed.
//!
//! Public reads that anybody may ask for are the same for everybody: they may be kept for some seconds, carry a tag made from
//! their bytes, and are answered 304 when the client has them already. The tag is weak, since the same answer also goes out
//! compressed. Whatever is for one caller is kept by nobody. What holds a session's secrets is never compressed: how well it
//! compresses would tell of them.

use std::io::Write as _;

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use sha2::{Digest as _, Sha256};

use crate::error::{Fault, Result};
use crate::routes::Route;
use crate::{accept, codec};

/// How long a public answer may be kept, in seconds: lists change as officials work.
const PUBLIC_JSON: &str = "public, max-age=5";
/// As long for files of which a part says nothing else.
pub const PUBLIC_FILE: &str = "public, max-age=60";
/// What is for one caller.
pub const NOT_KEPT: &str = "no-store";

/// The one type of answers that are no streams and no files.
pub const JSON: &str = "application/json";

/// Shorter answers are not worth compressing.
const COMPRESSED_BYTES_MIN: usize = 1_024;
/// Bytes of a tag: 96 bits, far beyond any chance of two answers with one.
const TAG_BYTES: usize = 12;

/// Refuses a client that does not take JSON: 406 NOT_ACCEPTABLE.
pub fn check_accepts_json(headers: &HeaderMap) -> Result<()> {
    accept::media_type(headers, &[JSON]).map(|_| ()).ok_or_else(|| Fault::not_acceptable(JSON))
}

/// The answer to a call, from the part's encoded message.
pub fn json(route: &Route, message: Bytes, request: &HeaderMap) -> Result<Response> {
    let text = match &route.response_body {
        None => {
            // JSON is about this much longer, names and all.
            let mut text = Vec::with_capacity(256 + message.len() * 2);
            route.printer.print(&message, &mut text).map_err(Fault::internal)?;
            text
        }
        field => codec::to_json(&route.output, field.as_ref(), message)?,
    };
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    keep(route, request, PUBLIC_JSON, headers);
    let is_public = is_public(route, request);
    if is_public {
        headers.insert(ETAG, tag(&text));
        headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding, authorization"));
        if is_known(request, headers) {
            headers.remove(CONTENT_TYPE);
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
    }
    let has_secrets = route.service == "session";
    if !has_secrets && text.len() >= COMPRESSED_BYTES_MIN && accept::takes_gzip(request) {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        if !is_public {
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        *response.body_mut() = Body::from(compressed(&text).map_err(Fault::internal)?);
    } else {
        *response.body_mut() = Body::from(text);
    }
    Ok(response)
}

/// Whether everybody gets the same answer.
fn is_public(route: &Route, request: &HeaderMap) -> bool {
    route.rule.public && route.http == Method::GET && route.service != "session" && !request.contains_key(AUTHORIZATION)
}

/// Says how long an answer may be kept: what a part said, else a short time for public ones, else not at all.
pub fn keep(route: &Route, request: &HeaderMap, public: &'static str, headers: &mut HeaderMap) {
    if !is_public(route, request) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(NOT_KEPT));
    } else if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(public));
    }
}

/// Whether the client has this version already (RFC 9110, weak comparison).
pub fn is_known(request: &HeaderMap, response: &HeaderMap) -> bool {
    let Some(etag) = response.get(ETAG).and_then(|etag| etag.to_str().ok()) else { return false };
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let given = request.get_all(IF_NONE_MATCH).iter().filter_map(|known| known.to_str().ok());
    given.flat_map(|known| known.split(',')).any(|tag| tag.trim() == "*" || opaque(tag) == opaque(etag))
}

/// A weak tag made of an answer's bytes.
pub fn tag(text: &[u8]) -> HeaderValue {
    let digest = Sha256::digest(text);
    let tag = format!("W/\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(&digest[..TAG_BYTES]));
    // Letters, digits and signs make a header value, so the fallback is never needed.
    HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// The same, gzipped.
pub fn compressed(text: &[u8]) -> std::io::Result<Vec<u8>> {
    // The fastest level: most of the gain for a third of the time.
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 4), Compression::fast());
    encoder.write_all(text)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_known_by_any_of_its_tags() {
        let answer = HeaderMap::from_iter([(ETAG, HeaderValue::from_static("W/\"a\""))]);
        for (known, expected) in
            [("\"a\"", true), ("W/\"a\"", true), ("\"b\", W/\"a\"", true), ("*", true), ("\"b\"", false)]
        {
            let request = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static(known))]);
            assert_eq!(is_known(&request, &answer), expected, "{known}");
        }
        assert!(!is_known(&HeaderMap::new(), &answer));
        assert_eq!(tag(b"x"), tag(b"x"));
        assert_ne!(tag(b"x"), tag(b"y"));
    }
}
