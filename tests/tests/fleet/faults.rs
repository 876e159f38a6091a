//! kill -9 before and after every commit and blob write of a draw: after a restart the draw goes on from its last published
//! state, nothing published has changed, nothing is drawn twice.

use std::{collections::BTreeSet, os::unix::process::ExitStatusExt};

use serde_json::{Value, json};
use tests::{
    city::{City, Layout},
    web::Web,
};

use crate::{
    story::small_register,
    telling::{Department, entry, found_department, number},
};

/// A small list of items.
pub fn items_csv() -> Vec<u8> {
    "编号,抽查事项名称,抽查依据,抽查方式\n1,登记事项检查,《企业信息公示暂行条例》,现场检查\n".as_bytes().to_vec()
}

/// What the public has seen of a draw: none of it may ever change.
#[derive(Default)]
struct Seen {
    statement: Option<Value>,
    entries: Vec<Value>,
    seed: Option<Value>,
}

impl Seen {
    fn look(&mut self, draw: &Value) {
        let kept = |old: &mut Option<Value>, new: &Value, what: &str| {
            if let Some(old) = old {
                assert_eq!(&*old, new, "the published {what} changed");
            } else if new.as_str().is_some_and(|text| !text.is_empty()) {
                *old = Some(new.clone());
            }
        };
        kept(&mut self.statement, &draw["statementJson"], "statement");
        kept(&mut self.seed, &draw["seed"], "seed");
        let entries = draw["entries"].as_array().cloned().unwrap_or_default();
        assert!(entries.starts_with(&self.entries), "a published entry changed: {:?} then {entries:?}", self.entries);
        self.entries = entries;
    }
}

/// Which way a draw goes past a point.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// To its visits, with the demonstration's beacon.
    Drawn,
    /// To its visits, with numbers that two accounts type.
    Typed,
    /// It misses an entry.
    Failed,
    /// It is given up before its first entry.
    Abandoned,
}

impl Way {
    fn past(point: &str) -> Self {
        match point.split_once('.').unwrap().0 {
            "ReportBeacon" => Self::Typed,
            "FailDraw" => Self::Failed,
            "AbandonDraw" => Self::Abandoned,
            _ => Self::Drawn,
        }
    }

    fn end(self) -> &'static str {
        match self {
            Self::Drawn | Self::Typed => "DRAW_STATE_DISPATCHED",
            Self::Failed => "DRAW_STATE_FAILED",
            Self::Abandoned => "DRAW_STATE_ABANDONED",
        }
    }

    fn draw(self, department: &Department, plan: &str) -> Value {
        // Nothing waits for the close of a draw that is given up.
        let (close, beacon) = if self == Self::Abandoned { (600, 700) } else { (3, 4) };
        let mut draw = department.draw_of(plan, close, beacon);
        if self == Self::Typed {
            draw["contributors"][2]["contributor"] = json!("lottery:ssq:2026135");
        }
        draw
    }
}

/// Takes a draw as far as it goes: every step may find itself done already. Err when the fleet is gone.
async fn go_on(
    way: Way,
    department: &Department,
    supervision: &Web,
    plan: &str,
    seen: &mut Seen,
) -> anyhow::Result<Option<Value>> {
    let list =
        department.handler.send(http::Method::GET, &format!("/v1/draws?plan={plan}"), "", bytes::Bytes::new()).await?;
    anyhow::ensure!(list.status.is_success(), "{}", list.text());
    let Some(draw) = list.json()["draws"].as_array().and_then(|draws| draws.first().cloned()) else {
        let answer = department.handler.try_post("/v1/draws", way.draw(department, plan)).await?;
        anyhow::ensure!(answer.status.is_success() || answer.status.as_u16() >= 500, "{}", answer.text());
        return Ok(None);
    };
    let name = draw["name"].as_str().unwrap().to_owned();
    let draw = department.handler.send(http::Method::GET, &format!("/v1/{name}"), "", bytes::Bytes::new()).await?;
    anyhow::ensure!(draw.status.is_success(), "{}", draw.text());
    let draw = draw.json();
    seen.look(&draw);
    match draw["state"].as_str().unwrap() {
        "DRAW_STATE_CREATED" => {
            department.handler.try_post(&format!("/v1/{name}:state"), json!({"etag": draw["etag"]})).await?;
        }
        "DRAW_STATE_STATED" if way == Way::Abandoned => {
            let body = json!({"etag": draw["etag"], "reason": "名录有误"});
            department.reviewer.try_post(&format!("/v1/{name}:abandon"), body).await?;
        }
        "DRAW_STATE_STATED" | "DRAW_STATE_CONTRIBUTING" => {
            let given: BTreeSet<&str> =
                draw["entries"].as_array().unwrap().iter().filter_map(|entry| entry["contributor"].as_str()).collect();
            for (unit, web, dice) in
                [(department.unit(), &department.handler, "1 2 3"), ("supervision", supervision, "4 5 6")]
            {
                if !given.contains(unit) && (way != Way::Failed || unit == department.unit()) {
                    web.try_post(&format!("/v1/{name}:addEntry"), entry(&draw, dice)).await?;
                }
                if way == Way::Typed && given.len() == 2 {
                    // Refused until its time has come.
                    let body = json!({"value": "01 05 12 18 27 33 16"});
                    web.try_post(&format!("/v1/{name}:reportBeacon"), body).await?;
                }
            }
        }
        "DRAW_STATE_DISPATCHED" | "DRAW_STATE_FAILED" | "DRAW_STATE_ABANDONED" => return Ok(Some(draw)),
        _ => {}
    }
    Ok(None)
}

#[tokio::test]
async fn faults_kill_nine_at_every_point_of_a_draw_changes_nothing_published() {
    let mut city = City::start(Layout::One).await;
    let department = found_department(&city, "faults", "410204").await;
    department.upload_register("名录.csv", small_register(410_204, 60), &["key=code", "title=name"], "410204").await;
    department.publish_items("事项.csv", items_csv()).await;
    let items = department.items().await;
    let mut numbers = BTreeSet::new();
    let mut failed = 0;
    let mut plans = Vec::new();
    for point in draws::FAULT_POINTS {
        plans
            .push((*point, department.publish_plan(department.draft(&format!("计划 {point}"), &items, 100_000)).await));
    }
    let supervision = city.as_person("supervision").await;
    for (point, plan) in plans {
        let way = Way::past(point);
        city.stop().await;
        city.serve(&[("QINGTIAN_KILL_AT".to_owned(), point.to_owned())]).await;
        let mut seen = Seen::default();
        // Runs until the process dies where it was told to; a point that nothing passes is a mistake in the list.
        let dying = async {
            let mut pause = tokio::time::interval(std::time::Duration::from_millis(50));
            loop {
                pause.tick().await;
                if let Some(status) = city.processes().last_mut().unwrap().has_ended() {
                    assert_eq!(status.signal(), Some(9), "{point}: ended otherwise");
                    return;
                }
                if let Ok(Some(draw)) = go_on(way, &department, &supervision, &plan, &mut seen).await {
                    panic!("{point}: the draw went to {} without passing this point", draw["state"]);
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), dying)
            .await
            .unwrap_or_else(|_| panic!("{point}: not passed"));
        city.processes().clear();
        city.serve(&[]).await;
        // The session lives in Redis and is still good.
        let ending = async {
            let mut pause = tokio::time::interval(std::time::Duration::from_millis(50));
            loop {
                pause.tick().await;
                if let Some(draw) = go_on(way, &department, &supervision, &plan, &mut seen).await.unwrap() {
                    return draw;
                }
            }
        };
        let ended = tokio::time::timeout(std::time::Duration::from_secs(60), ending)
            .await
            .unwrap_or_else(|_| panic!("{point}: stuck"));
        let name = ended["name"].as_str().unwrap().to_owned();
        assert!(numbers.insert(name.clone()), "{point}: number {name} was given twice");
        let all = department.handler.get(&format!("/v1/draws?plan={plan}")).await.ok();
        assert_eq!(all["draws"].as_array().unwrap().len(), 1, "{point}: one draw, not two");
        if ended["state"] != way.end() {
            // A restart slower than the entries' close: the draw fails in the open, which the protocol wants.
            assert_eq!(ended["state"], "DRAW_STATE_FAILED", "{point}: {name}");
            failed += 1;
            println!("{point}: {name} FAILED: {}", ended["endReason"]);
        } else if matches!(way, Way::Failed | Way::Abandoned) {
            // Told to the public once and for all, and nobody was drawn.
            let told = |public: &Value| public["draw"]["state"] == way.end();
            let public = city.anonymous().until(&format!("/v1/public/{name}"), "its end in public", told).await;
            assert_eq!((&public["draw"]["endReason"], number(&ended["drawn"])), (&ended["endReason"], 0), "{point}");
            assert_eq!(ended["revealTime"], Value::Null, "{point}: {name} was revealed");
            let visits = department.handler.get(&format!("/v1/visits?draw={name}")).await.ok();
            assert_eq!(number(&visits["totalSize"]), 0, "{point}: nobody is visited");
            println!("{point}: {name} {}: {}", way.end(), ended["endReason"]);
        } else {
            let visits = department.handler.get(&format!("/v1/visits?draw={name}&pageSize=1000")).await.ok();
            assert_eq!(number(&visits["totalSize"]), number(&ended["drawn"]), "{point}: one visit for each drawn");
            verify(&city, &name).await;
            println!("{point}: {name} went on and is verified");
        }
    }
    let points = draws::FAULT_POINTS.len();
    println!("killed at {points} points, {failed} draws failed in the open for want of time");
    assert!(points >= 16 && failed * 3 <= points, "{failed} of {points} draws failed");
    city.stop().await;
}

async fn verify(city: &City, name: &str) {
    let public = city.anonymous();
    public.until(&format!("/v1/public/{name}"), "the portal", |draw| draw["evidenceSize"] != "0").await;
    let bundle = public.get(&format!("/v1/public/{name}/evidence")).await;
    let jwks = public.get("/.well-known/jwks.json").await.text();
    let options = lottery::verify::Options { jwks: Some(&jwks), demo: true, ..Default::default() };
    let report = lottery::verify::verify(bundle.body.as_ref(), &options);
    assert_eq!(report.verdict, lottery::verify::Verdict::Verified, "{}", report.to_json());
}
