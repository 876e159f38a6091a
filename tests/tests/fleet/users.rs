//! An account's life through the gateway (art. 27): registered, verified, given another role that every part knows at once,
//! succeeded, closed.

use kit::testing::until;
use serde_json::json;
use tests::{
    city::{City, Layout},
    web::Web,
};

use crate::telling::found_department;

async fn a_life(layout: Layout) {
    let mut city = City::start(layout).await;
    let department = found_department(&city, "leaving", "410202").await;
    let operator = city.as_person("operator").await;
    let user = json!({"username": "leaving-li", "realName": "李伟", "organisation": department.name, "roles": ["ROLE_HANDLER"]});
    let office = json!({"user": {"username": "shared", "realName": "信用监管科办公室", "organisation": department.name, "roles": ["ROLE_HANDLER"]}});
    operator.post("/v1/users", office).await.refused_for("SHARED_ACCOUNT", "27");
    let made = operator.post("/v1/users", json!({"user": user})).await.ok();
    let name = made["user"]["name"].as_str().unwrap();
    assert_eq!(made["user"]["state"], "USER_STATE_PENDING_VERIFICATION");
    let password = made["password"].as_str().unwrap();
    let early =
        city.anonymous().post("/v1/session:signIn", json!({"username": "leaving-li", "password": password})).await;
    early.refused_for("USER_UNVERIFIED", "27");

    let verified = json!({"verification": "核验居民身份证原件", "etag": made["user"]["etag"]});
    let active = operator.post(&format!("/v1/{name}:verify"), verified).await.ok();
    let li = Web::sign_in(&city.url, "leaving-li", password).await;
    let publish = format!("/v1/{}/items:publish", department.name);
    li.post(&publish, json!({})).await.refused_for("ROLE_MISSING", "27");
    let change = json!({"roles": ["ROLE_REVIEWER"], "reason": "岗位调整", "etag": active["etag"]});
    let changed = operator.post(&format!("/v1/{name}:setRoles"), change.clone()).await.ok();
    operator.post(&format!("/v1/{name}:setRoles"), change).await.refused_for("STALE", "");
    // The same sign-in: the gateway fetches a new token once the old one is void in every part.
    until("the new role counts", async || li.post(&publish, json!({})).await.status.is_success()).await;

    let leaving = json!({"reason": "调往外地", "etag": changed["etag"]});
    operator.post(&format!("/v1/{name}:close"), leaving).await.refused_for("DUTIES_LEFT", "27");
    let colleagues =
        operator.get(&format!("/v1/users?organisation={}&query=leaving-handler", department.name)).await.ok();
    let successor = colleagues["users"][0]["name"].as_str().unwrap();
    let leaving = json!({"successor": successor, "reason": "调往外地", "etag": changed["etag"]});
    let closed = operator.post(&format!("/v1/{name}:close"), leaving).await.ok();
    assert_eq!(closed["state"], "USER_STATE_CLOSED");
    until("the sign-in is over", async || !li.get("/v1/me").await.status.is_success()).await;
    let acts = city.as_person("auditor").await.get(&format!("/v1/{name}/acts")).await.ok();
    let kinds: Vec<_> = acts["acts"].as_array().unwrap().iter().map(|act| act["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["USER_ACT_KIND_CLOSED", "USER_ACT_KIND_ROLES_SET", "USER_ACT_KIND_VERIFIED", "USER_ACT_KIND_REGISTERED"]
    );
    assert_eq!(acts["acts"][0]["successor"], successor);
    city.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_lives_and_ends_in_one_process() {
    a_life(Layout::One).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_lives_and_ends_in_many_processes() {
    a_life(Layout::Many).await;
}
