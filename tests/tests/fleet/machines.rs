//! Departments' systems with a secret before the fleet (art. 22, 27): a secret changed over without a gap, and a client that is frozen
//! and out within seconds, in one process and in many. Through both of the gateway's doors: JSON, and its gRPC front.

use client::{Qingtian, Settings};
use kit::testing::{refusal_of, until};
use proto::qingtian::{
    draws::v1::{ListSubjectsRequest, registers_client::RegistersClient},
    identity::v1::{GetMeRequest, IssueTokenRequest, identity_client::IdentityClient},
};
use serde_json::{Value, json};
use tests::{
    city::{City, Layout},
    web::Web,
};
use tonic::{Code, Request, Status};

/// A department's system: what its administrator sees of it, and what its people typed in.
struct System {
    client: Value,
    secret: String,
}

impl System {
    fn name(&self) -> &str {
        self.client["name"].as_str().unwrap()
    }

    /// An act of its administrator upon what was read last; answers what it returns.
    async fn act(&mut self, admin: &Web, verb: &str, more: Value) -> Value {
        let mut request = more;
        request["etag"] = self.client["etag"].clone();
        let answer = admin.post(&format!("/v1/{}:{verb}", self.name()), request).await.ok();
        self.client = if answer["client"].is_object() { answer["client"].clone() } else { answer.clone() };
        answer
    }
}

/// A market bureau's administrator registers a system.
async fn registered(city: &City) -> (Web, System) {
    let operator = city.as_person("operator").await;
    let user = json!({
        "username": "market.admin.two", "realName": "钱管理", "organisation": "organisations/market", "roles": ["ROLE_DEPARTMENT_ADMIN"],
    });
    let made = operator.post("/v1/users", json!({"user": user, "verification": "核验居民身份证原件"})).await.ok();
    let admin = Web::sign_in(&city.url, "market.admin.two", made["password"].as_str().unwrap()).await;
    let made = admin.post("/v1/machineClients", json!({"title": "市场监管局业务系统"})).await.ok();
    let secret = made["secret"].as_str().unwrap().to_owned();
    (admin, System { client: made["client"].clone(), secret })
}

/// The front, without a token of its own.
fn front(city: &City) -> Qingtian {
    let settings = Settings::new(format!("https://{}", city.front()), "machineClients/none");
    let authorities = Some(std::fs::read(city.authority()).unwrap());
    Qingtian::connect(Settings { authorities, ..settings }).unwrap()
}

/// A token by either door.
async fn token(city: &City, front: &Qingtian, system: &System, secret: &str) -> Result<String, Status> {
    let request = IssueTokenRequest { client: system.name().to_owned(), secret: secret.to_owned() };
    let issued = IdentityClient::new(front.public()).issue_token(request).await?.into_inner();
    let json = json!({"client": system.name(), "secret": secret});
    city.anonymous().post("/v1/token:issue", json).await.ok();
    Ok(issued.token)
}

fn with<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

async fn me(front: &Qingtian, token: &str) -> Result<(), Status> {
    IdentityClient::new(front.public()).get_me(with(token, GetMeRequest {})).await.map(drop)
}

async fn subjects(front: &Qingtian, token: &str) -> Result<(), Status> {
    let request = ListSubjectsRequest { parent: "organisations/market".into(), page_size: 1, ..Default::default() };
    RegistersClient::new(front.public()).list_subjects(with(token, request)).await.map(drop)
}

fn is_void(answer: &Result<(), Status>) -> bool {
    answer.as_ref().is_err_and(|status| refusal_of(status).0 == "NOT_SIGNED_IN")
}

/// What each part answers a program.
const PATHS: [&str; 3] =
    ["/v1/me", "/v1/organisations/market/subjects?pageSize=1", "/v1/organisations/market/items?pageSize=1"];

/// Every part takes a token.
async fn valid_everywhere(city: &City, front: &Qingtian, token: &str) {
    for path in PATHS {
        Web::with_token(&city.url, token).get(path).await.ok();
    }
    me(front, token).await.unwrap();
    subjects(front, token).await.unwrap();
}

/// Waits until no part takes a token any more, by JSON and by the front; prints how long that took.
async fn void_everywhere(city: &City, front: &Qingtian, token: &str) {
    let since = std::time::Instant::now();
    let program = Web::with_token(&city.url, token);
    for path in PATHS {
        until(path, async || {
            let answer = program.get(path).await;
            !answer.status.is_success() && answer.refused().0 == "NOT_SIGNED_IN"
        })
        .await;
    }
    until("the front", async || is_void(&me(front, token).await) && is_void(&subjects(front, token).await)).await;
    println!("a token was void everywhere after {} ms", since.elapsed().as_millis());
}

async fn changed_over_and_frozen(layout: Layout) {
    let mut city = City::start(layout).await;
    let (admin, mut system) = registered(&city).await;
    let front = front(&city);
    let one = system.secret.clone();
    let first = token(&city, &front, &system, &one).await.unwrap();
    valid_everywhere(&city, &front, &first).await;

    // The administrator makes a new secret; the system in the field goes on with the old one until its people changed it over.
    let rotated = system.act(&admin, "rotate", json!({"overlapHours": 24, "requestId": "rotate"})).await;
    let two = rotated["secret"].as_str().unwrap().to_owned();
    assert_eq!(system.client["secrets"].as_array().unwrap().len(), 2, "{}", system.client);
    me(&front, &first).await.expect("an overlap voids nothing");
    for secret in [&one, &two] {
        subjects(&front, &token(&city, &front, &system, secret).await.unwrap()).await.unwrap();
    }
    let read = admin.get(&format!("/v1/{}", system.name())).await.ok();
    for secret in read["secrets"].as_array().unwrap() {
        assert!(secret["lastUseTime"].is_string() && secret["lastUseAddress"] == "127.0.0.1", "{secret}");
    }
    // A third is refused, and says what to do.
    let third = admin.post(&format!("/v1/{}:rotate", system.name()), json!({"etag": system.client["etag"]})).await;
    third.refused_for("ROTATION_OPEN", "27");
    system.act(&admin, "endOldSecret", json!({})).await;
    void_everywhere(&city, &front, &first).await;
    let refused = token(&city, &front, &system, &one).await.unwrap_err();
    assert_eq!(refusal_of(&refused).0, "WRONG_PASSWORD");

    let second = token(&city, &front, &system, &two).await.unwrap();
    valid_everywhere(&city, &front, &second).await;
    system.act(&admin, "freeze", json!({"reason": "疑似泄露"})).await;
    void_everywhere(&city, &front, &second).await;
    let refused = token(&city, &front, &system, &two).await.unwrap_err();
    assert_eq!(refusal_of(&refused).0, "USER_FROZEN");
    let frozen = admin.get("/v1/machineClients?state=MACHINE_CLIENT_STATE_FROZEN").await.ok();
    assert_eq!(frozen["clients"][0]["reason"], "疑似泄露");
    system.act(&admin, "unfreeze", json!({})).await;
    let third = token(&city, &front, &system, &two).await.unwrap();

    if layout == Layout::Many {
        // The gateway itself must know, not only the parts behind it: draws is gone, so whoever is refused was refused here.
        city.processes().remove(2).kill().await;
        let away = subjects(&front, &third).await.unwrap_err();
        assert_eq!(away.code(), Code::Unavailable, "{away:?}");
        system.act(&admin, "freeze", json!({"reason": "再次泄露"})).await;
        until("the gateway refuses by itself", async || is_void(&subjects(&front, &third).await)).await;
    }
    city.stop().await;
}

#[tokio::test]
async fn machines_a_secret_is_changed_over_without_a_gap_and_a_frozen_client_is_out_in_one_process() {
    changed_over_and_frozen(Layout::One).await;
}

#[tokio::test]
async fn machines_a_secret_is_changed_over_without_a_gap_and_a_frozen_client_is_out_in_many_processes() {
    changed_over_and_frozen(Layout::Many).await;
}
