//! Draws that follow draws, through the gateway. After failed ones (art. 15): a missing entry, a reveal that was missed, and the
//! successor of the successor over the same five files, shown with its predecessors to everybody. After the city's (市抽县查,
//! art. 14, 15): it says who is inspected, and each county draws who of its officers goes.

use std::{process::Command, time::Duration};

use serde_json::{Value, json};
use tests::{
    HANG,
    city::{City, Layout},
    output,
    web::Web,
};

use crate::{
    story::small_register,
    telling::{Department, dispatched, entry, found_department, in_secs, number},
};

/// Seconds in which a draw is stated and contributed to.
const OPEN_SECS: i64 = 20;
/// The five files a successor takes over byte for byte.
const TABLES: [&str; 5] = ["subjects.tsv", "left_out.tsv", "officers.tsv", "experts.tsv", "exclusions.tsv"];

fn contributors(units: &[&str], beacon: &str) -> Value {
    let one = |unit: &&str| json!({"contributor": unit, "kind": "CONTRIBUTOR_KIND_DEPARTMENT", "unit": unit});
    let mut all: Vec<Value> = units.iter().map(one).collect();
    all.push(json!({"contributor": beacon, "kind": "CONTRIBUTOR_KIND_BEACON"}));
    Value::Array(all)
}

/// Creates and states a draw; answers it.
async fn stated(department: &Department, draw: Value) -> Value {
    let created = department.handler.post("/v1/draws", draw).await.ok();
    department.state(&created).await
}

async fn failed(web: &Web, draw: &Value, reason: &str) -> Value {
    let patience = HANG + Duration::from_secs(OPEN_SECS.unsigned_abs());
    let path = format!("/v1/{}", draw["name"].as_str().unwrap());
    let failed = web.until_within(patience, &path, "the failure", |draw| draw["state"] == "DRAW_STATE_FAILED").await;
    assert_eq!(failed["endReason"], reason);
    failed
}

fn digests(draw: &Value) -> Value {
    let statement: Value = serde_json::from_str(draw["statementJson"].as_str().unwrap()).unwrap();
    Value::Array(TABLES.iter().map(|file| statement["digests"][*file].clone()).collect())
}

#[tokio::test]
async fn a_failed_draw_is_succeeded_over_the_same_files_and_shown_with_what_came_before() {
    let mut city = City::start(Layout::One).await;
    let department = found_department(&city, "failing", "410204").await;
    let unit = department.unit();
    department.upload_register("名录.csv", small_register(410_204, 60), &["key=code", "title=name"], "410204").await;
    department.publish_items("事项.csv", crate::faults::items_csv()).await;
    let items = department.items().await;
    let plan = department.publish_plan(department.draft("接续演练", &items, 100_000)).await;
    let (supervision, emergency) = (city.as_person("supervision").await, city.as_person("emergency-handler").await);

    // Nobody gives an entry.
    let first = stated(&department, department.draw_of(&plan, OPEN_SECS, OPEN_SECS + 1)).await;
    let first = failed(&department.handler, &first, "ENTRY_MISSING").await;
    let first_name = first["name"].as_str().unwrap();

    // It cannot be passed over, nor succeeded by what is no successor.
    let open = |people: &[&str], beacon: &str| {
        json!({
            "plan": plan, "replaces": first_name, "contributors": contributors(people, beacon),
            "entriesClose": in_secs(OPEN_SECS), "beaconTime": in_secs(OPEN_SECS + 1), "revealBy": in_secs(3_600),
        })
    };
    let anew = department.draw_of(&plan, OPEN_SECS, OPEN_SECS + 1);
    department.handler.post("/v1/draws", anew).await.refused_for("FAILED_DRAW_WAITS", "15");
    let same_people = open(&[unit, "supervision"], "lottery:demo:0");
    department.handler.post("/v1/draws", same_people).await.refused_for("INVALID", "");
    let other_plan = department.publish_plan(department.draft("另一计划", &items, 100_000)).await;
    let mut elsewhere = open(&[unit, "supervision", "emergency"], "lottery:demo:0");
    elsewhere["plan"] = json!(other_plan);
    department.handler.post("/v1/draws", elsewhere).await.refused_for("INVALID", "");
    let beacon_of = |draw: &Value| {
        let last = draw["contributors"].as_array().unwrap().last().unwrap().clone();
        last["contributor"].as_str().unwrap().to_owned()
    };
    let same_beacon = open(&[unit, "supervision", "emergency"], &beacon_of(&first));
    department.handler.post("/v1/draws", same_beacon).await.refused_for("INVALID", "");

    // The successor gets its entries, but its beacon never comes in: nobody types the round's signature.
    let at = lottery::Time::from_epoch_secs(chrono::Utc::now().timestamp() + OPEN_SECS + 6).unwrap();
    let round = lottery::beacon::Beacon::quicknet_from(&at).to_string();
    let mut second = open(&[unit, "supervision", "emergency"], &round);
    second["beaconTime"] = json!(in_secs(OPEN_SECS + 12));
    second["revealBy"] = json!(in_secs(OPEN_SECS + 14));
    let second = stated(&department, second).await;
    let again = || open(&[unit, "supervision", "emergency"], "lottery:demo:0");
    department.handler.post("/v1/draws", again()).await.refused_for("UNFINISHED_DRAW", "15");
    for (web, dice) in [(&department.handler, "1 1 1"), (&supervision, "2 2 2"), (&emergency, "3 3 3")] {
        web.post(&format!("/v1/{}:addEntry", second["name"].as_str().unwrap()), entry(&second, dice)).await.ok();
    }
    let second = failed(&department.handler, &second, "REVEAL_MISSED").await;
    let second_name = second["name"].as_str().unwrap();
    // The first has its successor: another one goes after that.
    department.handler.post("/v1/draws", again()).await.refused_for("ALREADY_EXISTS", "");

    // The successor's successor is revealed, with one more contributor and a beacon of its own.
    let third = json!({
        "plan": plan, "replaces": second_name,
        "contributors": contributors(&[unit, "supervision", "bureau"], "lottery:demo:0"),
        "entriesClose": in_secs(OPEN_SECS), "beaconTime": in_secs(OPEN_SECS + 1), "revealBy": in_secs(3_600),
    });
    let third = stated(&department, third).await;
    let third_name = third["name"].as_str().unwrap();
    assert_eq!((digests(&first), digests(&first)), (digests(&second), digests(&third)), "byte for byte");
    let bureau = city.as_person("operator").await;
    for (web, dice) in [(&department.handler, "4 4 4"), (&supervision, "5 5 5"), (&bureau, "6 6 6")] {
        web.post(&format!("/v1/{third_name}:addEntry"), entry(&third, dice)).await.ok();
    }
    let third = dispatched(&department.handler, third_name, OPEN_SECS).await;
    assert!(number(&third["drawn"]) > 0);

    // Everybody sees what came before: in the portal, on the pages, in the command's notes.
    let public = city.anonymous();
    public.until(&format!("/v1/public/{third_name}"), "the reveal", |draw| number(&draw["visits"]) > 0).await;
    for (before, after) in [(first_name, second_name), (second_name, third_name)] {
        assert_eq!(public.get(&format!("/v1/public/{before}")).await.ok()["replacedBy"], after);
        assert_eq!(department.handler.get(&format!("/v1/{before}")).await.ok()["replacedBy"], after);
        assert!(public.get(&format!("/{before}")).await.text().contains(&format!("href=\"/{after}\"")));
        assert!(public.get(&format!("/{after}")).await.text().contains(&format!("href=\"/{before}\"")));
    }
    let said = verified(&public, third_name, "failed").await;
    assert!(said.contains(second_name), "the command tells of the failed predecessor: {said}");
    city.stop().await;
}

/// What the command says of a draw's evidence as the public downloads it. `story` names a folder of its own.
async fn verified(public: &Web, name: &str, story: &str) -> String {
    let folder = output(&format!("chains-{story}"));
    let (bundle, jwks) = (folder.join("evidence.tar.gz"), folder.join("jwks.json"));
    for (file, path) in [(&bundle, format!("/v1/public/{name}/evidence")), (&jwks, "/.well-known/jwks.json".to_owned())]
    {
        let answer = public.get(&path).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text());
        std::fs::write(file, &answer.body).unwrap();
    }
    let mut command = Command::new(tests::process::binary());
    let said = command.arg("verify").arg(&bundle).arg("--demo").arg("--jwks").arg(&jwks).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert_eq!(said.status.code(), Some(0), "{text}");
    text
}

/// Counties with the districts they inspect, and how many of the city's register are there. A tenth is drawn.
const COUNTIES: [(&str, &str, u32); 2] = [("longting-duty", "410202", 60), ("shunhe-duty", "410203", 40)];

#[tokio::test]
async fn the_city_draws_and_counties_inspect_in_one_process() {
    city_draws(Layout::One).await;
}

#[tokio::test]
async fn the_city_draws_and_counties_inspect_in_one_process_per_part() {
    city_draws(Layout::Many).await;
}

async fn city_draws(layout: Layout) {
    let mut city = City::start(layout).await;
    let story = format!("counties-{layout:?}").to_lowercase();
    let bureau = found_department(&city, "city-duty", COUNTIES[0].1).await;
    let mut counties = Vec::new();
    for (id, district, count) in COUNTIES {
        let register = small_register(district.parse().unwrap(), count);
        bureau.upload_register(&format!("{id}.csv"), register, &["key=code", "title=name"], district).await;
        counties.push((found_department(&city, id, district).await, i64::from(count / 10)));
    }
    bureau.publish_items("事项.csv", crate::faults::items_csv()).await;
    let mut draft = bureau.draft("市抽县查", &bureau.items().await, 100_000);
    let unit = |(id, district, _): &(&str, &str, u32)| json!({"district": district, "organisation": format!("organisations/{id}")});
    draft["countyUnits"] = COUNTIES.iter().map(unit).collect();
    let plan = bureau.publish_plan(draft).await;
    let supervision = city.as_person("supervision").await;
    let entered = async |department: &Department, draw: Value| {
        let stated = stated(department, draw).await;
        let path = format!("/v1/{}:addEntry", stated["name"].as_str().unwrap());
        for (web, dice) in [(&department.handler, "4 2 6 1 3 5"), (&supervision, "6 6 1 2 5 3")] {
            web.post(&path, entry(&stated, dice)).await.ok();
        }
        stated
    };

    // The city's draw says who is inspected, and sends nobody.
    let first = entered(&bureau, bureau.draw_of(&plan, OPEN_SECS, OPEN_SECS + 1)).await;
    let first_name = first["name"].as_str().unwrap().to_owned();
    let first = dispatched(&bureau.handler, &first_name, OPEN_SECS).await;
    let mut awaited: Vec<(String, i64)> = first["awaitingTeams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["organisation"].as_str().unwrap().to_owned(), number(&one["subjects"])))
        .collect();
    awaited.sort();
    let owed: Vec<_> = counties.iter().map(|(county, drawn)| (county.name.clone(), *drawn)).collect();
    assert_eq!((awaited, number(&first["drawn"])), (owed, 10));
    let visits = async |web: &Web, name: &str| {
        let visits = web.get(&format!("/v1/visits?draw={name}&pageSize=1000")).await.ok();
        visits["visits"].as_array().cloned().unwrap_or_default()
    };
    assert!(visits(&bureau.handler, &first_name).await.is_empty());
    let public = city.anonymous();
    let shown = public.until(&format!("/v1/public/{first_name}"), "the portal", is_dispatched).await;
    assert_eq!(number(&shown["visits"]), 0);
    verified(&public, &first_name, &story).await;

    // Nobody but the county draws teams there.
    let teams = |department: &Department| {
        let mut draw = department.draw_of(&plan, OPEN_SECS, OPEN_SECS + 1);
        draw["kind"] = json!("DRAW_KIND_TEAMS");
        draw["follows"] = json!(first_name);
        draw["teams"] = json!([{"organisation": department.name, "size": 2}]);
        draw["coverDistrict"] = json!(true);
        draw
    };
    bureau.handler.post("/v1/draws", teams(&bureau)).await.refused_for("NO_TEAM_WANTED", "15");
    let mut names = Vec::new();
    for (county, drawn) in &counties {
        let seen = county.handler.get("/v1/draws?pageSize=100").await.ok();
        let seen = seen["draws"].as_array().unwrap().iter().any(|draw| draw["name"] == first_name.as_str());
        assert!(seen, "{} sees what the city drew for it", county.name);
        let own = entered(county, teams(county)).await;
        assert_eq!(number(&own["subjects"]), *drawn, "all of its own and nobody else's");
        names.push(own["name"].as_str().unwrap().to_owned());
    }
    for ((county, drawn), name) in counties.iter().zip(&names) {
        dispatched(&county.handler, name, OPEN_SECS).await;
        let sent = visits(&county.handler, name).await;
        assert_eq!(i64::try_from(sent.len()).unwrap(), *drawn);
        let own = format!("{}-", county.unit());
        let its_own = |officer: &Value| officer.as_str().unwrap().starts_with(&own);
        for visit in &sent {
            let officers = visit["officers"].as_array().unwrap();
            assert!(officers.len() == 2 && officers.iter().all(its_own), "{visit}");
        }
        public.until(&format!("/v1/public/{name}"), "the portal", |shown| number(&shown["visits"]) == *drawn).await;
        verified(&public, name, &story).await;
        assert!(public.get(&format!("/{name}")).await.text().contains(&format!("href=\"/{first_name}\"")));
    }
    let whole = bureau.handler.get(&format!("/v1/{first_name}")).await.ok();
    assert_eq!(whole["followedBy"], json!(names), "by number");
    assert!(whole["awaitingTeams"].as_array().is_none_or(Vec::is_empty), "{whole}");
    let page = public.get(&format!("/{first_name}")).await.text();
    assert!(
        names.iter().all(|name| page.contains(&format!("href=\"/{name}\""))),
        "everybody finds the counties' draws"
    );
    println!("{layout:?}: {first_name}: drawn by the city, inspected by {} counties", counties.len());
    city.stop().await;
}

fn is_dispatched(shown: &Value) -> bool {
    shown["draw"]["state"] == "DRAW_STATE_DISPATCHED"
}
