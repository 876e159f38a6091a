//! What bounds the gateway: sizes, times, numbers, headers, and how it stops.

use std::time::Duration;

use http::{Method, StatusCode};
use kit::testing::HANG_MAX;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic_health::ServingStatus;

use crate::stage::{Browser, Stage};

/// Sends bytes and reads until the gateway closes.
async fn raw(stage: &Stage, request: &str) -> String {
    let mut connection = TcpStream::connect(stage.gateway.address).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(HANG_MAX, connection.read_to_end(&mut answer)).await;
    read.expect("the gateway closes").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn every_answer_has_the_security_headers_and_the_page_its_own_nonce() {
    let stage = Stage::new().await;
    let browser = stage.browser();
    let mut policies = Vec::new();
    for path in [
        "/v1/public/draws",
        "/v1/nothing",
        "/work/",
        "/work/users",
        "/assets/recheck/none.js",
        "/livez",
        "/readyz",
        "/nothing",
    ] {
        let answer = browser.get(path).await;
        let policy = answer.header("content-security-policy").to_owned();
        // Only that page has styles of its own; elsewhere not even those with a nonce are loaded.
        let nonce = if path.starts_with("/work/") { " 'nonce-" } else { ";" };
        let begin = format!("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'{nonce}");
        assert!(policy.starts_with(&begin), "{path}: {policy}");
        assert!(policy.ends_with("; base-uri 'none'; frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert!(
            !answer.header("permissions-policy").is_empty() && !answer.header("referrer-policy").is_empty(),
            "{path}"
        );
        assert_eq!(answer.header("strict-transport-security"), "", "{path}");
        if path.starts_with("/work/") {
            policies.push(policy);
        }
    }
    policies.dedup();
    assert_eq!(policies.len(), 2, "a nonce is used once");
}

#[tokio::test]
async fn the_portals_page_carries_the_nonce_of_its_policy() {
    let stage = Stage::new().await;
    let browser = stage.browser();
    let unbuilt = browser.get("/work/").await;
    assert_eq!(unbuilt.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(String::from_utf8_lossy(&unbuilt.body).contains("make web"));
    let dist = stage.folder.path().join("web/ui/dist");
    std::fs::create_dir_all(&dist).unwrap();
    std::fs::write(dist.join("index.html"), "<meta name=\"csp-nonce\" content=\"__CSP_NONCE__\">").unwrap();
    for path in ["/work/", "/work/draws/2026-0001?tab=entries"] {
        let answer = browser.get(path).await;
        let policy = answer.header("content-security-policy");
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
        assert_eq!(String::from_utf8_lossy(&answer.body), format!("<meta name=\"csp-nonce\" content=\"{nonce}\">"));
    }
    let bare = browser.get("/work").await;
    assert_eq!((bare.status, bare.header("location")), (StatusCode::PERMANENT_REDIRECT, "/work/"));
}

#[tokio::test]
async fn a_json_body_has_an_edge() {
    let stage = Stage::with(|settings| settings.limits.json_bytes_max = 1 << 20).await;
    let browser = stage.signed_in().await;
    let body = json!({"title": "x".repeat(20 << 20)});
    let answer = browser.send(Method::PATCH, "/v1/plans/7", body.to_string().into(), Some("application/json")).await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE"));
}

#[tokio::test]
async fn a_client_that_sends_its_body_too_slowly_is_told() {
    let stage = Stage::with(|settings| settings.limits.unary_timeout = Duration::from_millis(200)).await;
    let answer = raw(
        &stage,
        "POST /v1/session:signIn HTTP/1.1\r\nhost: q\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn a_part_that_does_not_answer_is_not_waited_for() {
    let stage = Stage::with(|settings| settings.limits.unary_timeout = Duration::from_millis(300)).await;
    let answer = stage.browser().get("/v1/public/overview").await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(answer.json()["code"], 4);
}

#[tokio::test]
async fn more_than_it_can_do_is_refused_with_a_time_to_come_back() {
    let stage = Stage::with(|settings| settings.limits.requests_max = 1).await;
    let (browser, mut waiting) = (stage.browser(), stage.world.waiting.subscribe());
    let slow = tokio::spawn({
        let browser = browser.clone();
        async move { browser.get("/v1/public/overview").await }
    });
    waiting.wait_for(|count| *count == 1).await.unwrap();
    let refused = browser.get("/v1/public/draws").await;
    assert_eq!((refused.status, refused.reason().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"));
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(browser.get("/livez").await.status, StatusCode::OK);
    stage.world.released.send_replace(true);
    assert_eq!(slow.await.unwrap().status, StatusCode::OK);
    assert_eq!(browser.get("/v1/public/draws").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_counts_as_work_until_its_last_byte() {
    let stage = Stage::new().await;
    let mut settings = gateway::Settings::new("127.0.0.1:0".parse().unwrap(), "http://127.0.0.1".parse().unwrap());
    settings.limits.requests_max = 1;
    let pages = axum::Router::new().fallback(|| async { "a page" });
    let routes = gateway::routes::Routes::new(&settings.contract).unwrap();
    let description = gateway::openapi::Description::new(&settings.contract, &routes, &settings.public_url);
    let app = gateway::app::App::new(&stage.env, settings, routes, &description, pages).unwrap();
    let get = || {
        let request = http::Request::get("/about").header("host", "q").body(axum::body::Body::empty()).unwrap();
        app.handle("127.0.0.1:9".parse().unwrap(), request)
    };
    let first = get().await;
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(get().await.status(), StatusCode::SERVICE_UNAVAILABLE, "the first is not read yet");
    assert_eq!(axum::body::to_bytes(first.into_body(), 100).await.unwrap(), "a page");
    let unread = get().await;
    assert_eq!(unread.status(), StatusCode::OK);
    drop(unread);
    assert_eq!(get().await.status(), StatusCode::OK, "whoever leaves makes room");
}

#[tokio::test]
async fn it_is_ready_while_a_part_serves() {
    let stage = Stage::new().await;
    let browser = stage.browser();
    let ready = async |browser: &Browser, wanted: StatusCode| {
        let asked = async { while browser.get("/readyz").await.status != wanted {} };
        tokio::time::timeout(HANG_MAX, asked).await.unwrap_or_else(|_| panic!("never {wanted}"));
    };
    let says = async |service: &str, status: ServingStatus| stage.health.set_service_status(service, status).await;
    let (draws, portal) = (service_of("draws"), service_of("portal"));
    assert_eq!(browser.get("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE, "no part has said that it serves");
    says(&draws, ServingStatus::Serving).await;
    ready(&browser, StatusCode::OK).await;
    says(&draws, ServingStatus::NotServing).await;
    ready(&browser, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(browser.get("/livez").await.status, StatusCode::OK, "it lives all the same");
    // One part of several is enough, here the one without which there are no public pages; and a part may come late.
    says(&portal, ServingStatus::Serving).await;
    ready(&browser, StatusCode::OK).await;
    ready(&Browser::at(&stage.another(|_| {}).await), StatusCode::OK).await;
}

/// The gRPC service by which the gateway looks at a part.
fn service_of(part: &str) -> String {
    let routes = gateway::routes::Routes::new(&proto::POOL).unwrap();
    let route = routes.all().iter().rfind(|route| route.service == part).unwrap();
    route.rpc.parent_service().full_name().to_owned()
}

#[tokio::test]
async fn when_it_stops_open_requests_end_and_new_ones_are_not_taken() {
    let stage = Stage::with(|settings| settings.limits.unary_timeout = Duration::from_secs(20)).await;
    let (browser, mut waiting) = (stage.browser(), stage.world.waiting.subscribe());
    let open = tokio::spawn({
        let browser = browser.clone();
        async move { browser.get("/v1/public/overview").await }
    });
    waiting.wait_for(|count| *count == 1).await.unwrap();
    stage.env.shutdown.cancel();
    // The listener goes first.
    while TcpStream::connect(stage.gateway.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    stage.world.released.send_replace(true);
    assert_eq!(open.await.unwrap().status, StatusCode::OK);
    let stopped = tokio::time::timeout(HANG_MAX, stage.gateway.stopped()).await;
    stopped.expect("it stops").unwrap();
}

#[tokio::test]
async fn whatever_is_no_api_is_a_public_page() {
    let stage = Stage::new().await;
    let browser = stage.browser().with("accept-encoding", "gzip");
    let about = browser.get("/about").await;
    assert_eq!(about.status, StatusCode::OK);
    assert!(about.header("content-type").starts_with("text/html"));
    assert!(about.header("content-security-policy").contains("default-src 'none'"));
    assert_eq!(about.header("content-encoding"), "gzip");
    let absent = stage.browser().get("/no/such/page").await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
    assert!(absent.header("content-type").starts_with("text/html"), "a person reads it");
    let style =
        String::from_utf8_lossy(&absent.body).split('"').find(|part| part.ends_with(".css")).unwrap().to_owned();
    assert_eq!(stage.browser().get(&style).await.header("content-type"), "text/css; charset=utf-8");
}
