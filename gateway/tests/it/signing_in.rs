//! Sessions: cookie, page token, tokens that stay inside, Redis that may be lost.

use std::sync::atomic::Ordering;
use std::time::Instant;

use http::StatusCode;
use kit::{embedded::Redis, testing::HANG_MAX};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::stage::{Answer, Browser, Stage};

#[tokio::test]
async fn a_session_is_a_cookie_and_the_browser_never_sees_a_token() {
    let stage = Stage::new().await;
    let mut browser = stage.browser();
    assert_eq!(browser.get("/v1/me").await.reason(), "NOT_SIGNED_IN");
    let answer = browser.sign_in("handler", "right").await;
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.starts_with("qingtian_session="), "{cookie}");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.split("; ").any(|attribute| attribute == part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "no https here");
    assert_eq!(answer.header("cache-control"), "no-store");
    let json = answer.json();
    assert_eq!(
        (&json["user"]["name"], &json["organisation"]["name"]),
        (&json!("users/handler"), &json!("organisations/market"))
    );
    assert_eq!(json["demonstration"], json!(true));
    assert!(!json.to_string().contains("handle-") && !json.to_string().contains("eyJ"), "{json}");
    assert_eq!(browser.get("/v1/me").await.json()["name"], "users/handler");
    let again = browser.get("/v1/session").await;
    assert_eq!(again.json()["csrfToken"], json["csrfToken"]);
    assert_eq!(again.header("cache-control"), "no-store");
}

/// The answer to whoever is not signed in: no error, which would stand red in the console of every visitor.
#[track_caller]
fn nobody(answer: &Answer) {
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"));
    assert_eq!(answer.json(), json!({"csrfToken": "", "demonstration": true, "signOnTitle": "", "signOnTitleEn": ""}));
    assert_eq!(answer.header("set-cookie"), "");
}

#[tokio::test]
async fn a_visitor_is_told_that_nobody_is_signed_in() {
    let stage = Stage::new().await;
    let mut visitor = stage.browser();
    nobody(&visitor.get("/v1/session").await);
    visitor.cookie = Some(format!("qingtian_session={}", "A".repeat(43)));
    nobody(&visitor.get("/v1/session").await);
    assert_eq!(visitor.get("/v1/me").await.reason(), "NOT_SIGNED_IN");
    // Another's session is not given to whoever has none.
    stage.signed_in().await;
    nobody(&visitor.get("/v1/session").await);
}

#[tokio::test]
async fn a_wrong_password_is_refused_in_the_services_words() {
    let stage = Stage::new().await;
    let answer = stage.browser().sign_in("handler", "wrong").await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::UNAUTHORIZED, "WRONG_PASSWORD"));
    assert_eq!(answer.header("set-cookie"), "");
}

#[tokio::test]
async fn signing_out_ends_the_session_here_and_at_identity() {
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    let answer = browser.post("/v1/session:signOut", json!({})).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({})));
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(*stage.world.closed.lock().unwrap(), ["handle-0"]);
    assert_eq!(browser.get("/v1/me").await.reason(), "NOT_SIGNED_IN");
    nobody(&browser.get("/v1/session").await);
    assert_eq!(browser.post("/v1/session:signOut", json!({})).await.reason(), "NOT_SIGNED_IN");
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before() {
    let stage = Stage::new().await;
    let mut browser = stage.signed_in().await;
    let before = browser.clone();
    browser.sign_in("handler", "right").await;
    assert_eq!(before.get("/v1/me").await.reason(), "NOT_SIGNED_IN");
    assert_eq!(browser.get("/v1/me").await.status, StatusCode::OK);
    assert_eq!(*stage.world.closed.lock().unwrap(), ["handle-0"]);
}

#[tokio::test]
async fn a_change_without_the_pages_token_is_refused() {
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    let change = |browser: Browser| async move {
        browser.send(http::Method::PATCH, "/v1/plans/7", "{}".into(), Some("application/json")).await
    };
    let mut other = browser.clone();
    for csrf in [None, Some(String::new()), Some("x".repeat(43))] {
        other.csrf = csrf;
        let answer = change(other.clone()).await;
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::FORBIDDEN, "CSRF"));
        assert_eq!(other.post("/v1/session:signOut", json!({})).await.reason(), "CSRF");
        assert_eq!(other.upload("/v1/organisations/market/subjects:import", "a").await.reason(), "CSRF");
        assert_eq!(other.get("/v1/me").await.status, StatusCode::OK, "reading needs none");
    }
    assert!(!stage.world.was_called("UpdatePlan") && !stage.world.was_called("ImportSubjects"));
    // Another session's token is no better.
    other.csrf = stage.signed_in().await.csrf;
    assert_eq!(change(other).await.reason(), "CSRF");
    assert_eq!(change(browser).await.json()["name"], "plans/7");
}

#[tokio::test]
async fn a_form_of_another_site_cannot_sign_anybody_in() {
    let stage = Stage::new().await;
    let body = r#"{"username": "handler", "password": "right"}"#;
    for content_type in
        [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("multipart/form-data")]
    {
        let answer = stage.browser().send(http::Method::POST, "/v1/session:signIn", body.into(), content_type).await;
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "CONTENT_TYPE"));
    }
    assert!(!stage.world.was_called("OpenSignIn"));
}

#[tokio::test]
async fn a_machine_clients_token_is_passed_on_without_cookie_or_page_token() {
    let stage = Stage::new().await;
    let token = stage.world.token("machineClients/fleet").token;
    let machine = stage.browser().with("authorization", &format!("Bearer {token}"));
    assert_eq!(machine.get("/v1/me").await.json()["name"], "machineClients/fleet");
    let answer = machine.send(http::Method::PATCH, "/v1/plans/7", "{}".into(), Some("application/json")).await;
    assert_eq!(answer.status, StatusCode::OK);
    for bad in ["Bearer forged", "Basic aGk6aGk=", "Bearer"] {
        let answer = stage.browser().with("authorization", bad).get("/v1/me").await;
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::UNAUTHORIZED, "NOT_SIGNED_IN"));
    }
}

#[tokio::test]
async fn a_token_is_refreshed_before_it_ends_and_only_once() {
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    assert_eq!(browser.get("/v1/me").await.status, StatusCode::OK);
    assert_eq!(stage.world.refreshes.load(Ordering::SeqCst), 0, "the first token came with the sign-in");
    stage.clock.advance(chrono::Duration::seconds(250));
    let answers = futures::future::join_all((0..16).map(|_| browser.get("/v1/me"))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    assert_eq!(stage.world.refreshes.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_token_revoked_while_the_sign_in_goes_on_is_replaced() {
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    let refreshes = || stage.world.refreshes.load(Ordering::SeqCst);
    // As a change of password does.
    let revoke = || {
        stage.clock.advance(chrono::Duration::seconds(1));
        stage.env.authenticator.revoke("users/handler", stage.clock.now());
    };
    revoke();
    let answers = futures::future::join_all((0..16).map(|_| browser.get("/v1/me"))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    assert_eq!(refreshes(), 1, "all refused at once share one new token");
    revoke();
    let change = browser.send(http::Method::PATCH, "/v1/plans/7", "{}".into(), Some("application/json")).await;
    assert_eq!((change.json()["name"].as_str(), refreshes()), (Some("plans/7"), 2));
    revoke();
    let export = browser.get("/v1/organisations/market/subjects:export").await;
    assert_eq!((export.status, refreshes()), (StatusCode::OK, 3));
    // A file that was sent is not kept to be sent again, but the next one goes through.
    revoke();
    let upload = || browser.upload("/v1/organisations/market/subjects:import", "a");
    assert_eq!((upload().await.reason().as_str(), refreshes()), ("NOT_SIGNED_IN", 3));
    assert_eq!((upload().await.status, refreshes()), (StatusCode::OK, 4));
    // A machine client's own token is not the gateway's to replace.
    let token = stage.world.token("users/handler").token;
    revoke();
    let machine = browser.clone().with("authorization", &format!("Bearer {token}"));
    assert_eq!((machine.get("/v1/me").await.reason().as_str(), refreshes()), ("NOT_SIGNED_IN", 4));
    stage.world.frozen.store(true, Ordering::SeqCst);
    assert_eq!(browser.get("/v1/me").await.reason(), "USER_FROZEN");
    assert_eq!((browser.get("/v1/me").await.reason().as_str(), refreshes()), ("NOT_SIGNED_IN", 5));
}

#[tokio::test]
async fn a_frozen_user_is_told_so_and_the_session_is_over() {
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    stage.world.frozen.store(true, Ordering::SeqCst);
    stage.clock.advance(chrono::Duration::seconds(250));
    assert_eq!(browser.get("/v1/me").await.reason(), "USER_FROZEN");
    assert_eq!(browser.get("/v1/me").await.reason(), "NOT_SIGNED_IN");
}

#[tokio::test]
async fn a_public_rpc_is_called_for_nobody_and_may_be_kept() {
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    let answer = browser.get("/v1/public/draws").await;
    assert_eq!(answer.header("cache-control"), "public, max-age=5");
    assert_eq!(stage.world.metadata("ListDraws", "authorization"), None);
    assert_eq!(browser.get("/v1/me").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn with_https_cookies_are_secure() {
    let stage = Stage::with(|settings| settings.public_url = "https://qingtian.example".parse().unwrap()).await;
    let answer = stage.browser().sign_in("handler", "right").await;
    assert!(answer.header("set-cookie").ends_with("; Secure"));
    assert!(answer.header("strict-transport-security").starts_with("max-age="));
}

#[tokio::test]
async fn a_session_in_redis_outlives_the_gateway_and_holds_no_cookie() {
    let redis = kit::testing::TestRedis::new().await.unwrap();
    let url = redis.url().to_owned();
    let stage = Stage::with(|settings| settings.redis_url = Some(url.clone())).await;
    let browser = stage.signed_in().await;
    let another = stage.another(|settings| settings.redis_url = Some(url.clone())).await;
    let elsewhere = Browser { origin: format!("http://{}", another.address), ..browser.clone() };
    assert_eq!(elsewhere.get("/v1/me").await.json()["name"], "users/handler");
    assert_eq!(stage.world.refreshes.load(Ordering::SeqCst), 1, "tokens are not in Redis");
    let mut connection = redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    let mut keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    // What was asked within the last second.
    keys.retain(|key| !key.starts_with("rate:"));
    let secret = browser.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned();
    assert_eq!(keys.len(), 1);
    let value: Vec<u8> = redis::cmd("GET").arg(&keys[0]).query_async(&mut connection).await.unwrap();
    assert!(!keys[0].contains(&secret) && !String::from_utf8_lossy(&value).contains(&secret));
    let left: i64 = redis::cmd("TTL").arg(&keys[0]).query_async(&mut connection).await.unwrap();
    assert!((28_000..=28_800).contains(&left), "{left}");
    // Signing out at one gateway counts at the other.
    assert_eq!(elsewhere.post("/v1/session:signOut", json!({})).await.status, StatusCode::OK);
    assert_eq!(browser.get("/v1/me").await.reason(), "NOT_SIGNED_IN");
}

#[tokio::test]
async fn with_redis_killed_users_sign_in_again_and_go_on() {
    let redis = Redis::start_temporary().await.unwrap();
    let stage = Stage::with(|settings| settings.redis_url = Some(redis.url().to_owned())).await;
    let mut browser = stage.signed_in().await;
    assert_eq!(browser.get("/v1/me").await.status, StatusCode::OK);
    kill(Pid::from_raw(redis.pid().try_into().unwrap()), Signal::SIGKILL).unwrap();
    let started = Instant::now();
    assert_eq!(browser.get("/v1/me").await.reason(), "NOT_SIGNED_IN");
    assert_eq!(browser.sign_in("handler", "right").await.status, StatusCode::OK);
    for _ in 0..20 {
        assert_eq!(browser.get("/v1/me").await.json()["name"], "users/handler");
    }
    println!("signed in anew {} ms after Redis was killed", started.elapsed().as_millis());
    assert_eq!(browser.post("/v1/session:signOut", json!({})).await.status, StatusCode::OK);
    assert_eq!(browser.get("/v1/me").await.reason(), "NOT_SIGNED_IN");
}

#[tokio::test]
async fn a_redis_that_does_not_answer_holds_nobody_up() {
    let redis = Redis::start_temporary().await.unwrap();
    let stage = Stage::with(|settings| settings.redis_url = Some(redis.url().to_owned())).await;
    let mut browser = stage.signed_in().await;
    let before = browser.clone();
    let pid = Pid::from_raw(redis.pid().try_into().unwrap());
    kill(pid, Signal::SIGSTOP).unwrap();
    let started = Instant::now();
    let going_on = async {
        assert_eq!(browser.get("/v1/me").await.reason(), "NOT_SIGNED_IN");
        assert_eq!(browser.sign_in("handler", "right").await.status, StatusCode::OK);
        assert_eq!(browser.get("/v1/me").await.status, StatusCode::OK);
    };
    tokio::time::timeout(HANG_MAX, going_on).await.expect("a Redis that stands still holds the door shut");
    println!("signed in anew {} ms after Redis stood still", started.elapsed().as_millis());
    kill(pid, Signal::SIGCONT).unwrap();
    // It comes back by itself, with what it held; those who signed in meanwhile stay signed in.
    kit::testing::until("Redis is used again", async || before.get("/v1/me").await.status == StatusCode::OK).await;
    assert_eq!(browser.get("/v1/me").await.status, StatusCode::OK);
}
