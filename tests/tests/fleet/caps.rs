//! Frequency caps through the gateway (art. 17): drafted by one person, published by another, public as JSON, CSV and page; the next
//! draw leaves out whose visits of the year are used up, and its evidence says so.

use serde_json::json;
use tests::city::{City, Layout};

use crate::{
    story::small_register,
    telling::{dispatched, entry, found_department, number},
};

#[tokio::test]
async fn a_cap_is_published_and_the_next_draw_leaves_out_whose_visits_are_used_up() {
    let city = City::start(Layout::One).await;
    let department = found_department(&city, "capped", "410204").await;
    let supervision = city.as_person("supervision").await;
    department.upload_register("名录.csv", small_register(410_204, 60), &["key=code", "title=name"], "410204").await;
    department.publish_items("事项.csv", crate::faults::items_csv()).await;
    let items = department.items().await;
    let plan = |title: &str| {
        let mut draft = department.draft(title, &items, 1_000_000);
        draft["secondVisitReason"] = json!("重点领域专项整治");
        draft["quotas"] = json!([{"stratum": "*", "count": "20"}]);
        draft
    };
    let today = kit::workdays::legal_day(chrono::Utc::now());
    let cap = json!({
        "year": chrono::Datelike::year(&today), "limits": [{"subjectClass": "*", "visits": 1}],
        "basis": "汴政办〔2022〕14号第十七条", "effectiveDate": today.to_string(),
    });
    let caps = format!("/v1/{}/caps", department.name);
    let drafted = department.handler.post(&caps, cap.clone()).await.ok();
    let name = drafted["name"].as_str().unwrap();
    department
        .handler
        .post(&format!("/v1/{name}:publish"), json!({"etag": drafted["etag"]}))
        .await
        .refused_for("ROLE_MISSING", "27");
    let published =
        department.reviewer.post(&format!("/v1/{name}:publish"), json!({"etag": drafted["etag"]})).await.ok();
    assert_eq!(published["state"], "CAP_STATE_PUBLISHED");
    let again = department.handler.post(&caps, cap).await.ok();
    let second = format!("/v1/{}", again["name"].as_str().unwrap());
    department
        .reviewer
        .post(&format!("{second}:publish"), json!({"etag": again["etag"]}))
        .await
        .refused_for("CAP_DAY_TAKEN", "17");
    let reject = json!({"etag": again["etag"], "reason": "同日已有版本"});
    assert_eq!(department.reviewer.post(&format!("{second}:reject"), reject).await.ok()["state"], "CAP_STATE_REJECTED");

    // Everybody reads it, in three shapes.
    let public = city.anonymous();
    let listed = public.get("/v1/public/caps").await.ok();
    let ours: Vec<_> = listed["caps"].as_array().unwrap().iter().filter(|cap| cap["name"] == name).collect();
    assert_eq!((ours.len(), ours[0]["creator"].as_str()), (1, Some("")), "{listed}");
    for (path, holds) in [
        ("/v1/public/caps:csv", "organisations/capped,"),
        ("/caps.csv", "organisations/capped,"),
        ("/caps", "汴政办〔2022〕14号第十七条"),
        ("/caps?lang=en", "Frequency caps"),
    ] {
        let answer = public.get(path).await;
        assert!(answer.status.is_success() && answer.text().contains(holds), "{path}: {}", answer.text());
    }

    let mut draws = Vec::new();
    for title in ["频次演练一", "频次演练二"] {
        let plan = department.publish_plan(plan(title)).await;
        let created = department.handler.post("/v1/draws", department.draw_of(&plan, 20, 21)).await.ok();
        let stated = department.state(&created).await;
        let add = format!("/v1/{}:addEntry", stated["name"].as_str().unwrap());
        for (web, dice) in [(&department.handler, "3 1 6 2 5 5"), (&supervision, "6 6 1 4 2 3")] {
            web.post(&add, entry(&stated, dice)).await.ok();
        }
        draws.push(dispatched(&department.handler, stated["name"].as_str().unwrap(), 20).await);
    }
    assert_eq!((number(&draws[0]["subjects"]), number(&draws[0]["drawn"])), (60, 20));
    assert_eq!((number(&draws[1]["subjects"]), number(&draws[1]["drawn"])), (40, 20));
}
