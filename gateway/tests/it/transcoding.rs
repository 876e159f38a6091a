//! JSON in, JSON out, refusals whole, and what a part is told.

use http::{Method, StatusCode};
use serde_json::json;

use crate::stage::Stage;

#[tokio::test]
async fn path_query_and_body_make_the_rpcs_message() {
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    let path = "/v1/organisations/market/subjects?pageSize=7&query=%E5%BC%80%E5%B0%81&district=410202&status=SUBJECT_STATUS_IN_BUSINESS";
    let json = browser.get(path).await.json();
    let expected = json!({
        "name": "organisations/market", "key": "", "title": "开封", "district": "410202", "industry": "", "address": "",
        "status": "SUBJECT_STATUS_IN_BUSINESS", "oldNumber": false, "pendingChange": "", "etag": "", "creditClass": "",
    });
    assert_eq!(json, json!({"subjects": [expected], "nextPageToken": "", "totalSize": "7"}));
    let body = r#"{"name": "plans/other", "title": "计划", "year": 2026, "quotas": [{"stratum": "s"}]}"#;
    let answer = browser
        .send(Method::PATCH, "/v1/plans/7?requestId=r1", body.into(), Some("application/json; charset=utf-8"))
        .await;
    let json = answer.json();
    assert_eq!(
        (&json["name"], &json["title"], &json["returnReason"]),
        (&json!("plans/7"), &json!("计划"), &json!("r1"))
    );
    let subject = browser.get("/v1/organisations/market/subjects/reg:410200000000001").await.json();
    assert_eq!(subject["name"], "organisations/market/subjects/reg:410200000000001");
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test]
async fn a_refusal_arrives_with_reason_article_and_both_languages() {
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    let answer = browser.get("/v1/organisations/market/subjects/absent").await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::NOT_FOUND, "NOT_FOUND"));
    let json = answer.json();
    assert_eq!(json["code"], 5);
    assert!(json["message"].as_str().unwrap().contains("没有找到"));
    assert!(json.to_string().contains("does not exist or is outside what you may see"));
    assert!(!answer.headers.contains_key("x-qingtian-reason") && !answer.headers.contains_key("grpc-status"));
}

#[tokio::test]
async fn what_fails_inside_is_masked() {
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    let answer = browser.get("/v1/organisations/market/subjects/broken").await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"));
    assert!(!answer.json().to_string().contains("store.rs"));
    // The catalogue is down.
    let answer = browser.get("/v1/organisations/market/items").await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"));
    assert_eq!(answer.header("retry-after"), "1");
    let text = answer.json().to_string();
    assert!(!text.contains("127.0.0.1") && !text.contains("connect"), "{text}");
}

#[tokio::test]
async fn a_request_that_cannot_be_understood_is_the_clients_fault() {
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    let patch = |body: &'static [u8]| {
        let browser = browser.clone();
        async move { browser.send(Method::PATCH, "/v1/plans/7", body.into(), Some("application/json")).await }
    };
    let bodies: [&[u8]; 8] = [
        b"{",
        b"[]",
        b"{\"nope\": 1}",
        b"{\"title\": 1}",
        b"{\"title\": \"a\", \"title\": \"b\"}",
        b"{\"title\": \"\xff\xfe\"}",
        b"{\"title\": \"a\"} trailing",
        b"{\"state\": \"PLAN_STATE_NOPE\"}",
    ];
    for body in bodies {
        let answer = patch(body).await;
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (StatusCode::BAD_REQUEST, "BAD_JSON"),
            "{}",
            String::from_utf8_lossy(body)
        );
    }
    let deep: &'static [u8] =
        Box::leak(format!("{}1{}", "{\"title\":".repeat(100_000), "}".repeat(100_000)).into_bytes().into());
    assert_eq!(patch(deep).await.reason(), "BAD_JSON");
    for query in
        ["nope=1", "pageSize=x", "pageSize=1&pageSize=2", "status=NOPE", "query=%ff", "parent=organisations/other"]
    {
        let answer = browser.get(&format!("/v1/organisations/market/subjects?{query}")).await;
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::BAD_REQUEST, "INVALID"), "{query}");
    }
    assert!(!stage.world.was_called("UpdatePlan") && !stage.world.was_called("ListSubjects"));
}

#[tokio::test]
async fn a_path_or_method_that_is_not_there_is_refused_as_json() {
    let stage = Stage::new().await;
    let browser = stage.browser();
    for path in ["/v1/nothing", "/v1", "/v1/", "/v1/plans/a/b/c", "/.well-known/nothing", "/v1/%ff"] {
        let answer = browser.get(path).await;
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::NOT_FOUND, "NO_SUCH_ROUTE"), "{path}");
    }
    let answer = browser.send(Method::DELETE, "/v1/plans", "".into(), None).await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "METHOD"));
    assert_eq!(answer.header("allow"), "GET, HEAD, POST");
    assert_eq!(browser.post("/work/", json!({})).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn what_is_for_parts_only_cannot_be_reached() {
    let stage = Stage::new().await;
    let token = stage.world.token("users/handler").token;
    let browser = stage.browser().with("authorization", &format!("Bearer {token}"));
    for path in [
        "/qingtian.identity.v1.Identity/OpenSignIn",
        "/v1/qingtian.identity.v1.Identity/OpenSignIn",
        "/v1/identity:openSignIn",
        "/v1/openSignIn",
        "/v1/events:read",
        "/qingtian.draws.v1.Draws/ReadEvents",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ] {
        let answer = browser.post(path, json!({})).await;
        assert!(
            matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED),
            "{path} {}",
            answer.status
        );
    }
    assert!(!stage.world.was_called("OpenSignIn") && !stage.world.was_called("ReadEvents"));
}

#[tokio::test]
async fn a_part_is_told_what_it_needs_and_nothing_a_client_made_up() {
    let stage = Stage::new().await;
    let browser = stage
        .signed_in()
        .await
        .with("x-purpose", "case 7")
        .with("x-request-id", "abc-1")
        .with("x-forwarded-for", "6.6.6.6");
    let answer = browser.with("x-qingtian-admin", "yes").get("/v1/me").await;
    assert_eq!(answer.header("x-request-id"), "abc-1");
    let told = |name: &str| stage.world.metadata("GetMe", name);
    assert_eq!(told("x-purpose").as_deref(), Some("case 7"));
    assert_eq!(told("x-request-id").as_deref(), Some("abc-1"));
    assert_eq!(told("x-forwarded-for").as_deref(), Some("127.0.0.1"));
    let own = told("x-gateway-authorization").unwrap();
    let vouches = stage.env.authenticator.verify(own.strip_prefix("Bearer ").unwrap()).unwrap();
    assert_eq!(vouches.actor, "services/gateway", "or the address is not believed");
    assert_ne!(told("authorization"), Some(own));
    let opened = stage.world.metadata("OpenSignIn", "x-gateway-authorization");
    assert!(opened.is_some_and(|own| own.starts_with("Bearer ")));
    assert!(told("grpc-timeout").is_some());
    assert_eq!((told("cookie"), told("x-csrf-token"), told("x-qingtian-admin")), (None, None, None));
    let answer = stage.browser().with("x-request-id", "a b\u{7f}".trim_end_matches('\u{7f}')).get("/v1/me").await;
    assert_eq!(answer.header("x-request-id").len(), 36, "a new one replaces one that is not plain");
}

#[tokio::test]
async fn behind_our_own_proxies_their_word_is_believed_and_no_more() {
    let stage = Stage::with(|settings| settings.proxies = 2).await;
    let browser = stage.browser().with("x-forwarded-for", "6.6.6.6, 10.1.1.1, 10.2.2.2");
    browser.get("/v1/public/draws").await;
    assert_eq!(stage.world.metadata("ListDraws", "x-forwarded-for").as_deref(), Some("10.1.1.1"));
}

#[tokio::test]
async fn the_clients_trace_goes_on_to_the_part() {
    // One trace from the browser's request on: the exporter is not needed for the id to travel.
    let telemetry = kit::telemetry::Telemetry::start("gateway", "info", None).unwrap();
    let stage = Stage::new().await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let answer = stage
        .browser()
        .with("traceparent", &format!("00-{trace}-b7ad6b7169203331-01"))
        .get("/v1/public/draws?query=secret")
        .await;
    let told = stage.world.metadata("ListDraws", "traceparent").unwrap();
    assert!(told.contains(trace) && !told.contains("b7ad6b7169203331"), "{told}");
    assert_eq!(answer.header("x-trace-id"), trace);
    telemetry.stop();
}
