//! Items from above through the gateway (art. 6, 41): the coordinator hands them down, a department claims and declines, the coordinator
//! rules; its deadlines stand beside everybody's.

use kit::testing::until;
use serde_json::json;
use tests::{
    city::{City, Layout},
    web::Web,
};

use crate::telling::found_department;

#[tokio::test(flavor = "multi_thread")]
async fn items_are_handed_down_claimed_declined_and_ruled_on() {
    let mut city = City::start(Layout::Many).await;
    let department = found_department(&city, "claiming", "410203").await;
    let operator = city.as_person("operator").await;
    let user = json!({"username": "kf-coordinator", "realName": "孔明", "organisation": "organisations/bureau", "roles": ["ROLE_COORDINATOR"]});
    let made = operator.post("/v1/users", json!({"user": user, "verification": "核验居民身份证原件"})).await.ok();
    let coordinator = Web::sign_in(&city.url, "kf-coordinator", made["password"].as_str().unwrap()).await;
    let items: Vec<_> = (1..=3)
        .map(|nth| json!({"code": format!("4102000000000{nth}"), "title": format!("省下发事项{nth}")}))
        .collect();
    let issue = json!({"items": items, "organisations": [department.name], "level": "ITEM_LEVEL_PROVINCE"});
    department.handler.post("/v1/claims:issue", issue.clone()).await.refused_for("ROLE_MISSING", "27");
    // Catalog learns of the new department by following identity.
    until("catalog knows the department", async || {
        coordinator.post("/v1/claims:issue", issue.clone()).await.status.is_success()
    })
    .await;
    coordinator.post("/v1/claims:issue", issue).await.refused_for("CLAIM_OPEN", "6");

    let claims = format!("/v1/{}/claims", department.name);
    let listed = department.handler.get(&format!("{claims}?orderBy=code")).await.ok();
    let asked: Vec<_> = listed["claims"].as_array().unwrap().clone();
    assert_eq!(asked.len(), 3, "{listed}");
    let clocks = department.handler.get(&format!("/v1/{}/catalogClocks", department.name)).await.ok();
    assert_eq!(clocks["totalSize"], "3", "{clocks}");
    assert_eq!(clocks["clocks"][0]["dueDate"], asked[0]["dueDate"]);
    let names: Vec<_> = asked[..2].iter().map(|claim| claim["name"].clone()).collect();
    let claimed = department.handler.post(&format!("{claims}:claim"), json!({"names": names})).await.ok();
    assert_eq!(claimed["claimed"], 2, "{claimed}");
    let drafts = department.handler.get(&format!("/v1/{}/items?query=省下发事项", department.name)).await.ok();
    assert_eq!(drafts["totalSize"], "2", "{drafts}");

    let third = format!("/v1/{}", asked[2]["name"].as_str().unwrap());
    let reason = json!({"reason": "不属本部门职责", "etag": asked[2]["etag"]});
    let declined = department.handler.post(&format!("{third}:decline"), reason).await.ok();
    let ruling = json!({"ordered": true, "reason": "按“三定”规定", "etag": declined["etag"]});
    let ordered = coordinator.post(&format!("{third}:rule"), ruling).await.ok();
    assert_eq!((&ordered["state"], &ordered["dueDate"]), (&json!("CLAIM_STATE_ORDERED"), &asked[2]["dueDate"]));
    let again = json!({"reason": "仍不属本部门职责", "etag": ordered["etag"]});
    department.handler.post(&format!("{third}:decline"), again).await.refused_for("DECLINED_ONCE", "6");
    city.stop().await;
}
