//! Each limit met on purpose: refused with a time to come back, counted, and nothing left behind.

use std::time::Duration;

use bytes::Bytes;
use gateway::limits::Asker;
use gateway::limits::rate::{Buckets, Rate};
use gateway::limits::shared::{Door, Shared};
use gateway::redis_link::RedisLink;
use http::{Method, StatusCode};
use kit::testing::{HANG_MAX, until};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::stage::{Browser, Stage};

const DRAWS: &str = "/v1/public/draws";

/// Each test has a process of its own, and so its own metrics.
fn metrics() -> PrometheusHandle {
    PrometheusBuilder::new().install_recorder().unwrap()
}

fn limited(metrics: &PrometheusHandle, limit: &str) -> u64 {
    let name = format!("gateway_limited_total{{limit=\"{limit}\"}} ");
    metrics.render().lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |count| count.parse().unwrap())
}

fn open(metrics: &PrometheusHandle, what: &str) -> f64 {
    let name = format!("gateway_open{{what=\"{what}\"}} ");
    metrics.render().lines().find_map(|line| line.strip_prefix(&name)).map_or(0.0, |count| count.parse().unwrap())
}

/// No machine is so slow that another request were earned meanwhile.
fn slow_by_hours(burst: u32) -> Rate {
    Rate { every: Duration::from_secs(3_600), burst }
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_when_to_come_back() {
    let metrics = metrics();
    let stage = Stage::with(|settings| {
        settings.proxies = 1;
        settings.limits.address_rate = Some(slow_by_hours(3));
    })
    .await;
    let from = |address: &str| stage.browser().with("x-forwarded-for", address);
    let browser = from("10.0.0.1");
    let refused = loop {
        let answer = browser.get(DRAWS).await;
        if answer.status != StatusCode::OK {
            break answer;
        }
    };
    assert_eq!((refused.status, refused.reason().as_str()), (StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS"));
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=3_600).contains(&wait), "{wait}");
    let json = refused.json();
    assert_eq!(json["code"], 8);
    let retry =
        json["details"].as_array().unwrap().iter().find(|d| d["@type"] == "type.googleapis.com/google.rpc.RetryInfo");
    assert_eq!(retry.unwrap()["retryDelay"], format!("{wait}s"));
    assert!(limited(&metrics, "rate_address") >= 1);
    assert_eq!(from("10.0.0.2").get(DRAWS).await.status, StatusCode::OK, "others have their own");
    assert_eq!(browser.get("/livez").await.status, StatusCode::OK, "whoever asks whether it lives is told");
    assert_eq!(from("6.6.6.6, 10.0.0.1").get("/about").await.status, StatusCode::TOO_MANY_REQUESTS, "pages count too");
}

#[tokio::test]
async fn a_client_that_asks_too_often_does_not_hold_up_its_office() {
    let metrics = metrics();
    let stage = Stage::with(|settings| settings.limits.client_rate = Some(slow_by_hours(5))).await;
    let browser = stage.signed_in().await;
    let refused = loop {
        let answer = browser.get("/v1/me").await;
        if answer.status != StatusCode::OK {
            break answer;
        }
    };
    assert_eq!((refused.status, refused.reason().as_str()), (StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS"));
    assert!(limited(&metrics, "rate_client") >= 1);
    assert_eq!(stage.browser().get(DRAWS).await.status, StatusCode::OK, "the same address, no session");
    assert_eq!(stage.signed_in().await.get("/v1/me").await.status, StatusCode::OK, "another session");
    let token = |name: &str| format!("Bearer {}", stage.world.token(name).token);
    let machine = stage.browser().with("authorization", &token("users/machine"));
    assert_eq!(machine.get("/v1/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_at_work_has_bounds_for_all_and_for_each() {
    let metrics = metrics();
    let stage = Stage::with(|settings| {
        settings.proxies = 1;
        settings.limits.requests_max = 3;
        settings.limits.address_requests_max = 2;
    })
    .await;
    let from = |address: &str| stage.browser().with("x-forwarded-for", address);
    let mut waiting = stage.world.waiting.subscribe();
    let slow = |browser: Browser| tokio::spawn(async move { browser.get("/v1/public/overview").await });
    let mut held = vec![slow(from("10.0.0.1")), slow(from("10.0.0.1"))];
    waiting.wait_for(|count| *count == 2).await.unwrap();
    let own = from("10.0.0.1").get(DRAWS).await;
    assert_eq!((own.status, own.reason().as_str()), (StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS"));
    assert_eq!(own.header("retry-after"), "1");
    held.push(slow(from("10.0.0.2")));
    waiting.wait_for(|count| *count == 3).await.unwrap();
    let all = from("10.0.0.3").get(DRAWS).await;
    assert_eq!((all.status, all.reason().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"));
    assert_eq!(all.header("retry-after"), "1");
    assert_eq!((limited(&metrics, "requests_address"), limited(&metrics, "requests")), (1, 1));
    assert_eq!(open(&metrics, "requests"), 3.0);
    stage.world.released.send_replace(true);
    for held in held {
        assert_eq!(held.await.unwrap().status, StatusCode::OK);
    }
    until("all are over", async || open(&metrics, "requests") == 0.0).await;
    assert_eq!(from("10.0.0.3").get(DRAWS).await.status, StatusCode::OK);
}

#[tokio::test]
async fn uploads_have_a_bound_of_their_own() {
    let metrics = metrics();
    let stage = Stage::with(|settings| settings.limits.uploads_max = 1).await;
    let browser = stage.signed_in().await;
    let mut first = TcpStream::connect(stage.gateway.address).await.unwrap();
    let head = format!(
        "POST /v1/organisations/market/subjects:import HTTP/1.1\r\nhost: q\r\ncookie: {}\r\nx-csrf-token: {}\r\ncontent-length: 1000\r\n\r\nx",
        browser.cookie.as_ref().unwrap(),
        browser.csrf.as_ref().unwrap()
    );
    first.write_all(head.as_bytes()).await.unwrap();
    until("the first is at work", async || open(&metrics, "uploads") == 1.0).await;
    let second = browser.upload("/v1/organisations/market/subjects:import", "x").await;
    assert_eq!((second.status, second.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    assert_eq!(limited(&metrics, "uploads"), 1);
    drop(first);
    until("it has left", async || open(&metrics, "uploads") == 0.0).await;
    assert_eq!(browser.upload("/v1/organisations/market/subjects:import", "x").await.status, StatusCode::OK);
}

#[tokio::test]
async fn one_address_does_not_take_all_connections() {
    let metrics = metrics();
    let stage = Stage::with(|settings| settings.limits.address_connections_max = 2).await;
    let connect = || TcpStream::connect(stage.gateway.address);
    let held = [connect().await.unwrap(), connect().await.unwrap()];
    until("both are open", async || open(&metrics, "connections") == 2.0).await;
    let mut third = connect().await.unwrap();
    third.write_all(b"GET /v1/public/draws HTTP/1.1\r\nhost: q\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(HANG_MAX, third.read_to_string(&mut answer)).await.expect("it is closed").unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 1\r\n"), "{answer}");
    assert!(answer.contains("connection: close\r\n") && answer.contains("UNAVAILABLE"), "{answer}");
    assert_eq!(limited(&metrics, "connections_address"), 1);
    drop(held);
    until("they have left", async || open(&metrics, "connections") == 0.0).await;
    assert_eq!(stage.browser().get("/livez").await.status, StatusCode::OK);
}

/// Status of what the gateway says before it closes; none when it says nothing.
async fn raw(stage: &Stage, text: &str) -> Option<u16> {
    let mut connection = TcpStream::connect(stage.gateway.address).await.unwrap();
    let _ = connection.write_all(text.as_bytes()).await;
    let mut answer = Vec::new();
    tokio::time::timeout(HANG_MAX, connection.read_to_end(&mut answer)).await.expect("it is closed").unwrap();
    String::from_utf8_lossy(&answer).split(' ').nth(1).map(|status| status.parse().unwrap())
}

#[tokio::test]
async fn whatever_is_too_large_is_counted() {
    let metrics = metrics();
    let stage = Stage::with(|settings| {
        settings.limits.json_bytes_max = 1_000;
        settings.limits.upload_bytes_max = 1_000;
    })
    .await;
    let browser = stage.browser();
    let large = serde_json::json!({"username": "x".repeat(2_000)});
    assert_eq!(browser.post("/v1/session:signIn", large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let import = browser.upload("/v1/organisations/market/subjects:import", Bytes::from(vec![b'x'; 2_000])).await;
    assert_eq!(import.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(limited(&metrics, "body"), 2);
    let flood = format!("GET / HTTP/1.1\r\nhost: q\r\n{}\r\n", "a: b\r\n".repeat(100));
    assert_eq!((raw(&stage, &flood).await, limited(&metrics, "headers")), (Some(431), 1));
}

#[tokio::test]
async fn whoever_is_too_slow_is_counted() {
    let metrics = metrics();
    let stage = Stage::with(|settings| settings.limits.header_timeout = Duration::from_millis(300)).await;
    // Where even the first bytes were too slow, the connection just ends.
    while raw(&stage, "GET / HTTP/1.1\r\nhost").await != Some(408) {}
    assert_eq!(limited(&metrics, "slow_head"), 1);
    let stage = Stage::with(|settings| settings.limits.unary_timeout = Duration::from_millis(300)).await;
    let body =
        "POST /v1/session:signIn HTTP/1.1\r\nhost: q\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{";
    assert_eq!((raw(&stage, body).await, limited(&metrics, "slow_body")), (Some(408), 1));
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_let_go() {
    let metrics = metrics();
    let stage = Stage::with(|settings| settings.limits.idle_timeout = Duration::from_millis(500)).await;
    let browser = stage.signed_in().await;
    stage.world.rows.store(usize::MAX, std::sync::atomic::Ordering::SeqCst);
    // On a slow machine the part may seem to stand still before the client does.
    while limited(&metrics, "slow_reader") == 0 {
        let path = "/v1/organisations/market/subjects:export";
        let unread = browser.open(Method::GET, path, Bytes::new(), None).await.unwrap();
        until("it is over", async || open(&metrics, "requests") == 0.0).await;
        drop(unread);
    }
}

#[tokio::test]
async fn rates_are_shared_between_gateways() {
    let redis = kit::testing::TestRedis::new().await.unwrap();
    let shared = |door| Shared::new(RedisLink::new(redis.url()).unwrap(), door).with_count_life(HANG_MAX);
    let gateway = |door| (Buckets::new(slow_by_hours(20)), shared(door));
    let ((here, mut here_shared), (there, mut there_shared)) = (gateway(Door::Web), gateway(Door::Web));
    let asker = Asker::Client([7; 32]);
    let now = std::time::Instant::now();
    for _ in 0..15 {
        here.take(&asker, now).unwrap();
    }
    there.take(&asker, now).unwrap();
    here_shared.exchange(&here).await;
    there_shared.exchange(&there).await;
    let left = (0..20).filter(|_| there.take(&asker, now).is_ok()).count();
    assert_eq!(left, 4, "15 were asked for elsewhere");
    let (front, mut front_shared) = gateway(Door::Front);
    front.take(&asker, now).unwrap();
    front_shared.exchange(&front).await;
    assert_eq!((0..20).filter(|_| front.take(&asker, now).is_ok()).count(), 19, "the other door counts for itself");
    let nobody = Asker::Client([8; 32]);
    assert!((0..20).all(|_| there.take(&nobody, now).is_ok()));
}

#[tokio::test]
async fn without_redis_each_counts_alone() {
    let stage = Stage::with(|settings| {
        settings.redis_url = Some("redis://127.0.0.1:9/".to_owned());
        settings.limits.address_rate = Some(slow_by_hours(3));
    })
    .await;
    let answers = [(); 40].map(|()| stage.browser());
    let mut statuses = Vec::new();
    for browser in answers {
        statuses.push(browser.get(DRAWS).await.status);
    }
    assert!(statuses[..3].iter().all(|status| *status == StatusCode::OK));
    assert!(statuses.contains(&StatusCode::TOO_MANY_REQUESTS));
}
