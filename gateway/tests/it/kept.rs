//! What may be kept of an answer and by whom, and how it is packed.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{Method, StatusCode};

use crate::stage::Stage;

const DRAWS: &str = "/v1/public/draws";

#[tokio::test]
async fn a_public_answer_that_is_known_is_not_sent_again() {
    let stage = Stage::new().await;
    let answer = stage.browser().get(DRAWS).await;
    let etag = answer.header("etag").to_owned();
    assert!(etag.starts_with("W/\"") && etag.len() > 10, "{etag}");
    assert_eq!(answer.header("vary"), "accept, accept-encoding, authorization");
    assert_eq!(stage.browser().get(DRAWS).await.header("etag"), etag, "the same answer");
    assert_ne!(stage.browser().get(&format!("{DRAWS}?query=x")).await.header("etag"), etag, "another");
    for known in [etag.as_str(), etag.trim_start_matches("W/"), "*", &format!("\"x\", {etag}")] {
        let again = stage.browser().with("if-none-match", known).get(DRAWS).await;
        assert_eq!(
            (again.status, again.body.len(), again.header("etag")),
            (StatusCode::NOT_MODIFIED, 0, etag.as_str())
        );
        assert_eq!(again.header("cache-control"), "public, max-age=5");
        assert!(!again.headers.contains_key("content-type"));
    }
    let other = stage.browser().with("if-none-match", "\"other\"").get(DRAWS).await;
    assert_eq!(other.status, StatusCode::OK);
    let head = stage.browser().send(Method::HEAD, DRAWS, Bytes::new(), None).await;
    assert_eq!((head.status, head.header("etag"), head.body.len()), (StatusCode::OK, etag.as_str(), 0));
    assert_eq!(head.header("content-length"), answer.body.len().to_string());
}

#[tokio::test]
async fn what_is_for_one_caller_is_kept_by_nobody() {
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    for path in ["/v1/me", "/v1/session", "/v1/organisations/market/subjects"] {
        let answer = browser.clone().with("if-none-match", "*").get(path).await;
        assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"), "{path}");
        assert_eq!(answer.header("etag"), "", "{path}");
    }
    let token = stage.world.token("users/handler").token;
    let bearer = stage.browser().with("authorization", &format!("Bearer {token}"));
    assert_eq!(bearer.get(DRAWS).await.header("cache-control"), "no-store");
    let refused = stage.browser().get("/v1/public/draws?nope=1").await;
    assert_eq!((refused.header("cache-control"), refused.header("etag")), ("no-store", ""));
}

#[tokio::test]
async fn json_is_compressed_for_who_takes_it() {
    let stage = Stage::new().await;
    let long = format!("{DRAWS}?query={}", "x".repeat(4_000));
    let plain = stage.browser().get(&long).await;
    assert_eq!(plain.header("content-encoding"), "");
    for accept in ["gzip", "br, gzip;q=0.2", "*"] {
        let packed = stage.browser().with("accept-encoding", accept).get(&long).await;
        assert_eq!((packed.header("content-encoding"), packed.header("etag")), ("gzip", plain.header("etag")));
        assert_eq!(packed.header("content-length"), packed.body.len().to_string());
        let mut unpacked = Vec::new();
        GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain.body);
        assert!(packed.body.len() < plain.body.len() / 4);
    }
    for accept in ["identity", "gzip;q=0", "br"] {
        let answer = stage.browser().with("accept-encoding", accept).get(&long).await;
        assert_eq!((answer.header("content-encoding"), &answer.body), ("", &plain.body), "{accept}");
    }
    let gzip = stage.signed_in().await.with("accept-encoding", "gzip");
    assert_eq!(gzip.get(DRAWS).await.header("content-encoding"), "", "too short to be worth it");
    let own = gzip.get(&format!("/v1/organisations/market/subjects?query={}", "x".repeat(4_000))).await;
    assert_eq!((own.header("content-encoding"), own.header("vary")), ("gzip", "accept-encoding"));
    let export = gzip.get("/v1/organisations/market/subjects:export").await;
    assert_eq!(export.header("content-encoding"), "", "a file is what it is");
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let stage = Stage::new().await;
    let mut seen = std::collections::HashSet::new();
    for path in [DRAWS, "/v1/nothing", "/v1/me", "/about", "/livez"] {
        let id = stage.browser().get(path).await.header("x-request-id").to_owned();
        assert!(id.parse::<uuid::Uuid>().is_ok() && seen.insert(id), "{path}");
    }
    let named = stage.browser().with("x-request-id", "batch-7:row.3_a");
    for path in [DRAWS, "/v1/nothing"] {
        assert_eq!(named.get(path).await.header("x-request-id"), "batch-7:row.3_a");
    }
}
