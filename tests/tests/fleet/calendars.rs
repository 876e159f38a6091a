//! A year's calendar lived through (art. 18, 31): a citizen reads a provisional day, the bureau enters the notice, another person puts
//! it in force, and every part that counts deadlines learns of it.

use kit::testing::until;
use serde_json::{Value, json};
use sqlx::PgPool;
use tests::city::{City, Layout};

const YEAR: &str = "year,holiday,first,last,make_up,basis\n2027,元旦,2027-01-01,2027-01-03,,国办发明电〔2026〕1号\n";

async fn due(city: &City, query: &str) -> Value {
    city.anonymous().get(&format!("/v1/public/workdays:due?{query}")).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_citizen_asks_and_the_calendar_of_a_year_comes() {
    let mut city = City::start(Layout::Many).await;
    let known = due(&city, "start=2025-09-29&days=10").await;
    assert_eq!((&known["dueDate"], known["provisional"] == true), (&json!("2025-10-20"), false), "{known}");
    let asked = "start=2026-12-28&days=5";
    let before = due(&city, asked).await;
    assert_eq!((&before["dueDate"], &before["provisional"]), (&json!("2027-01-04"), &json!(true)), "{before}");
    for wrong in ["start=2025-02-30&days=10", "start=2025-09-29&days=0", "start=2025-09-29&days=1001", "days=10"] {
        let answer = city.anonymous().get(&format!("/v1/public/workdays:due?{wrong}")).await;
        answer.refused_for("INVALID", "");
    }

    let operator = city.as_person("operator").await;
    let entered = operator.post("/v1/calendars:import", json!({"content": YEAR})).await.ok();
    let decision = json!({"etag": entered["etag"]});
    let approve = format!("/v1/{}:approve", entered["name"].as_str().unwrap());
    operator.post(&approve, decision.clone()).await.refused_for("OWN_ACT", "27");
    assert_eq!(due(&city, asked).await, before, "it waits for a second person");
    let handler = city.as_person("market-handler").await;
    handler.post("/v1/calendars:import", json!({"content": YEAR})).await.refused_for("ROLE_MISSING", "27");
    city.as_person("supervision").await.post(&approve, decision).await.ok();
    let after = due(&city, asked).await;
    assert_eq!((&after["dueDate"], after["provisional"] == true), (&json!("2027-01-05"), false), "{after}");
    let listed = handler.get("/v1/calendars?query=2027").await.ok();
    assert_eq!(listed["calendars"][0]["state"], "CALENDAR_STATE_OFFICIAL", "{listed}");
    for part in ["catalogClocks", "drawsClocks"] {
        let clocks = handler.get(&format!("/v1/organisations/market/{part}")).await.ok();
        assert_eq!(clocks["clocks"], json!([]), "{clocks}");
    }

    // Draws counts by it too.
    let draws = PgPool::connect(&city.fleet.database_url.replace("{service}", "draws")).await.unwrap();
    until("draws has the year", || async {
        let years: Vec<(i32, i64)> =
            sqlx::query_as("select year, version from workday_year").fetch_all(&draws).await.unwrap();
        years == [(2027, 1)]
    })
    .await;
    city.stop().await;
}
