//! Items before the fleet (art. 7-9, 12): published with those responsible, revised while the version in force stays public, retired;
//! what the public and those who plan see of it. Through the gateway, in one process and in many.

use kit::testing::until;
use serde_json::{Value, json};
use tests::{
    city::{City, Layout},
    web::Web,
};

use crate::telling::{Department, found_department};

/// What everybody sees of an item, when it has come so far.
async fn public(city: &City, name: &str, what: &str, satisfied: impl Fn(&Value) -> bool) -> Value {
    Web::anonymous(&city.url).until(&format!("/v1/public/{name}"), what, satisfied).await
}

async fn read(department: &Department, name: &str) -> Value {
    department.handler.get(&format!("/v1/{name}")).await.ok()
}

/// The handler opens a revision.
async fn revise(department: &Department, name: &str) -> Value {
    let etag = read(department, name).await["etag"].clone();
    department.handler.post(&format!("/v1/{name}:revise"), json!({"etag": etag, "reason": "上位法修订"})).await.ok()
}

async fn revised_and_retired(layout: Layout) {
    let mut city = City::start(layout).await;
    let department = found_department(&city, "lankao", "410225").await;
    let parent = department.name.clone();
    let item = json!({
        "code": "1", "title": "登记事项检查", "legalBasis": "《企业信息公示暂行条例》", "randomListed": true,
        "checklist": [{"content": "名称使用", "method": "现场检查"}], "undertakingUnit": "信用监管科",
    });
    let name =
        department.handler.post(&format!("/v1/{parent}/items"), item).await.ok()["name"].as_str().unwrap().to_owned();
    let publish =
        async || department.reviewer.post(&format!("/v1/{parent}/items:publish"), json!({"names": [name]})).await.ok();
    let refused = publish().await;
    assert_eq!(refused["refused"][0]["reason"], "RESPONSIBLE_MISSING", "{refused}");
    let mut whole = read(&department, &name).await;
    whole["leader"] = json!("赵立新");
    whole["handler"] = json!("孙晓");
    whole["listing"] = json!({"ratioPercentMax": 5, "visitsPerYearMax": 1});
    department.handler.patch(&format!("/v1/{name}"), whole).await.ok();
    assert_eq!(publish().await["published"], 1);
    let plan = department.publish_plan(department.draft("计划", std::slice::from_ref(&name), 100_000)).await;
    let shown = public(&city, &name, "the item is public", |item| item["title"].is_string()).await;
    assert_eq!((&shown["leader"], &shown["handler"]), (&json!(""), &json!("")), "people are not shown to everybody");
    assert_eq!(shown["listing"]["ratioPercentMax"], 5);

    // While it is revised, everybody sees what is in force.
    let mut revising = revise(&department, &name).await;
    assert_eq!(revising["state"], "ITEM_STATE_REVISING");
    revising["title"] = json!("登记事项与公示信息检查");
    department.handler.patch(&format!("/v1/{name}"), revising).await.ok();
    let told = department.handler.get(&format!("/v1/{name}:compare")).await.ok();
    assert_eq!(
        told["differences"],
        json!([{"field": "title", "before": "登记事项检查", "after": "登记事项与公示信息检查"}])
    );
    let seen = Web::anonymous(&city.url).get(&format!("/v1/public/{name}")).await.ok();
    assert_eq!((&seen["title"], &seen["version"]), (&json!("登记事项检查"), &json!("1")));
    assert_eq!(publish().await["published"], 1);
    let seen = public(&city, &name, "the new version is public", |item| item["version"] == "2").await;
    assert_eq!(seen["title"], "登记事项与公示信息检查");
    let versions = department.reviewer.get(&format!("/v1/{name}/versions")).await.ok();
    let titles: Vec<_> =
        versions["versions"].as_array().unwrap().iter().map(|one| one["item"]["title"].clone()).collect();
    assert_eq!(titles, ["登记事项与公示信息检查", "登记事项检查"]);

    // Retired: shown as such, and nothing new is planned by it; the plan of before stands.
    let revising = revise(&department, &name).await;
    let gone = json!({"etag": revising["etag"], "reason": "上位法废止"});
    let own = department.handler.post(&format!("/v1/{name}:retire"), gone.clone()).await;
    own.refused_for("ROLE_MISSING", "27");
    department.reviewer.post(&format!("/v1/{name}:retire"), gone).await.ok();
    public(&city, &name, "its end is public", |item| item["state"] == "ITEM_STATE_RETIRED").await;
    until("nothing is planned by it any more", async || {
        let draft = department.draft("又一计划", std::slice::from_ref(&name), 100_000);
        let made = department.handler.post("/v1/plans", draft).await.ok();
        let submit = format!("/v1/{}:submit", made["name"].as_str().unwrap());
        let answer = department.handler.post(&submit, json!({"etag": made["etag"]})).await;
        if answer.status.is_success() {
            return false;
        }
        answer.refused_for("ITEM_NOT_PLANNABLE", "9");
        true
    })
    .await;
    assert_eq!(department.handler.get(&format!("/v1/{plan}")).await.ok()["state"], "PLAN_STATE_PUBLISHED");
    city.stop().await;
}

#[tokio::test]
async fn items_are_revised_while_in_force_and_retired_in_one_process() {
    revised_and_retired(Layout::One).await;
}

#[tokio::test]
async fn items_are_revised_while_in_force_and_retired_in_many_processes() {
    revised_and_retired(Layout::Many).await;
}
