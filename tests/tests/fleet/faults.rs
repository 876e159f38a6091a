//! kill -9 before and after every commit and blob write of a draw: after a restart the draw goes on from its last published
//! state, nothing published has changed, nothing is drawn twice.
//!
//! A draw has times, and a slow machine may let its entries close before the restarted process states it or takes the last
//! entry: such a draw is too late, as the protocol wants, and the same point is passed again by a fresh one with twice the
//! time. How fast the machine is decides how long this takes, never what is found.

mod points;

use std::{
    collections::{BTreeSet, HashSet},
    fmt,
    os::unix::process::ExitStatusExt,
    sync::Mutex,
    time::Duration,
};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgPool;
use tests::{
    HANG,
    city::{City, Layout},
    web::Web,
};

use self::points::{Passage, passages, passages_of};
use crate::{
    story::small_register,
    telling::{Department, entry, found_department, number},
};

/// Cities side by side: most of a draw's time is waiting for its entries to close.
const LANES: usize = 3;
/// More subjects than two chunks of a dispatch hold.
const SUBJECTS: u32 = 2_100;
/// Seconds until the entries close: while nothing is restarted before, and when a restart lies in between.
const WINDOW: (i64, i64) = (4, 9);
/// How often the time may be doubled.
const DOUBLINGS: u32 = 6;

/// What nobody may change or remove once it is there, in the database of draws.
const PUBLISHED: [&str; 16] = [
    "draw_contributor",
    "draw_statement",
    "draw_file",
    "draw_stratum",
    "draw_entry",
    "draw_closing",
    "draw_beacon_report",
    "demonstration_issue",
    "demonstration_value",
    "draw_reveal_time",
    "draw_reveal",
    "draw_threshold",
    "draw_result",
    "visit",
    "log",
    "head",
];

/// A small list of items.
pub fn items_csv() -> Vec<u8> {
    "编号,抽查事项名称,抽查依据,抽查方式\n1,登记事项检查,《企业信息公示暂行条例》,现场检查\n".as_bytes().to_vec()
}

/// Every published row, byte for byte, of all draws so far.
struct Kept(Vec<HashSet<String>>);

impl Kept {
    async fn read(db: &PgPool) -> Self {
        let mut tables = Vec::new();
        for table in PUBLISHED {
            let sql = sqlx::AssertSqlSafe(format!("select t::text from {table} t"));
            tables.push(sqlx::query_scalar(sql).fetch_all(db).await.unwrap().into_iter().collect());
        }
        Self(tables)
    }

    async fn is_still_there(&self, db: &PgPool, passage: &dyn fmt::Display) {
        let now = Self::read(db).await;
        for ((table, before), after) in PUBLISHED.iter().zip(&self.0).zip(&now.0) {
            let gone: Vec<&String> = before.difference(after).collect();
            assert!(gone.is_empty(), "{passage}: {table} lost or changed {gone:?}");
        }
    }
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    fn past(passage: Passage) -> Self {
        match passage.act {
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

    fn draw(self, department: &Department, plan: &str, window: i64) -> Value {
        // Nothing waits for the close of a draw that is given up.
        let window = if self == Self::Abandoned { 60 * window } else { window };
        let mut draw = department.draw_of(plan, window, window + 1);
        if self == Self::Typed {
            draw["contributors"][2]["contributor"] = json!("lottery:ssq:2026135");
        }
        draw
    }
}

/// How far a draw came.
enum Come {
    /// There is more to do.
    Underway,
    /// Its entries closed before they were all given: another draw has to pass the point.
    TooLate,
    /// To its end.
    Ended(Value),
}

/// A draw under way over a plan of its own.
struct Story {
    way: Way,
    plan: String,
    /// Seconds until its entries close.
    window: i64,
    seen: Seen,
    /// What was refused last, for whoever wonders why it is stuck.
    refused: String,
}

/// A city in which one point is passed after the other.
struct Lane {
    city: City,
    department: Department,
    supervision: Web,
    items: Vec<String>,
    db: PgPool,
    /// How often the time was doubled; what was too short once is not tried again.
    doubled: u32,
    numbers: BTreeSet<String>,
    plans: usize,
}

impl Lane {
    async fn start(nth: usize) -> Self {
        let city = City::start(Layout::One).await;
        let department = found_department(&city, &format!("faults{nth}"), "410204").await;
        let register = small_register(410_204, SUBJECTS);
        department.upload_register("名录.csv", register, &["key=code", "title=name"], "410204").await;
        department.publish_items("事项.csv", items_csv()).await;
        let (items, supervision) = (department.items().await, city.as_person("supervision").await);
        let db = PgPool::connect(&city.fleet.migrate_database_url.replace("{service}", "draws")).await.unwrap();
        Self { city, department, supervision, items, db, doubled: 0, numbers: BTreeSet::new(), plans: 0 }
    }

    /// A draw to be made over a plan that nobody drew over.
    async fn story(&mut self, way: Way, window: i64, ppm: u64) -> Story {
        self.plans += 1;
        let mut draft = self.department.draft(&format!("计划 {}", self.plans), &self.items, ppm);
        // Draw after draw over the same firms, in one quarter (art. 17).
        draft["secondVisitReason"] = json!("逐点演练");
        let plan = self.department.publish_plan(draft).await;
        Story { way, plan, window: window << self.doubled, seen: Seen::default(), refused: String::new() }
    }

    fn too_late(&mut self, what: &dyn fmt::Display) {
        self.doubled += 1;
        println!("{what}: the entries closed too early, once more with {} times the time", 1 << self.doubled);
        assert!(self.doubled <= DOUBLINGS, "{what}: no time suffices");
    }

    async fn act(&self, web: &Web, story: &mut Story, path: &str, body: Value) -> anyhow::Result<()> {
        let answer = web.try_post(path, body).await?;
        if !answer.status.is_success() {
            story.refused = format!("{path}: {}", answer.text());
        }
        Ok(())
    }

    /// Takes a draw a step further, which may find itself done already. Err when the fleet is gone.
    async fn go_on(&self, story: &mut Story) -> anyhow::Result<Come> {
        let (way, handler) = (story.way, &self.department.handler);
        let asked = Utc::now();
        let path = format!("/v1/draws?plan={}", story.plan);
        let list = handler.send(http::Method::GET, &path, "", bytes::Bytes::new()).await?;
        anyhow::ensure!(list.status.is_success(), "{}", list.text());
        let Some(draw) = list.json()["draws"].as_array().and_then(|draws| draws.first().cloned()) else {
            let made = way.draw(&self.department, &story.plan, story.window);
            self.act(handler, story, "/v1/draws", made).await?;
            return Ok(Come::Underway);
        };
        let name = draw["name"].as_str().unwrap().to_owned();
        let draw = handler.send(http::Method::GET, &format!("/v1/{name}"), "", bytes::Bytes::new()).await?;
        anyhow::ensure!(draw.status.is_success(), "{}", draw.text());
        let draw = draw.json();
        story.seen.look(&draw);
        match draw["state"].as_str().unwrap() {
            "DRAW_STATE_CREATED" => {
                if draw["entriesClose"].as_str().unwrap().parse::<DateTime<Utc>>()? <= asked {
                    return Ok(Come::TooLate);
                }
                self.act(handler, story, &format!("/v1/{name}:state"), json!({"etag": draw["etag"]})).await?;
            }
            "DRAW_STATE_STATED" if way == Way::Abandoned => {
                let body = json!({"etag": draw["etag"], "reason": "名录有误"});
                self.act(&self.department.reviewer, story, &format!("/v1/{name}:abandon"), body).await?;
            }
            "DRAW_STATE_STATED" | "DRAW_STATE_CONTRIBUTING" => {
                let entries = draw["entries"].as_array().unwrap();
                let given: BTreeSet<&str> = entries.iter().filter_map(|entry| entry["contributor"].as_str()).collect();
                let own = self.department.unit();
                for (unit, web, dice) in [(own, handler, "1 2 3"), ("supervision", &self.supervision, "4 5 6")] {
                    if !given.contains(unit) && (way != Way::Failed || unit == own) {
                        self.act(web, story, &format!("/v1/{name}:addEntry"), entry(&draw, dice)).await?;
                    }
                    if way == Way::Typed && given.len() == 2 {
                        // Refused until its time has come.
                        let body = json!({"value": "01 05 12 18 27 33 16"});
                        self.act(web, story, &format!("/v1/{name}:reportBeacon"), body).await?;
                    }
                }
            }
            "DRAW_STATE_FAILED" if way != Way::Failed => {
                assert_eq!(draw["endReason"], "ENTRY_MISSING", "{name} failed");
                return Ok(Come::TooLate);
            }
            "DRAW_STATE_DISPATCHED" | "DRAW_STATE_FAILED" | "DRAW_STATE_ABANDONED" => return Ok(Come::Ended(draw)),
            _ => {}
        }
        Ok(Come::Underway)
    }

    /// Goes on until the process dies; false when the draw is too late to bring it to that.
    async fn dies(&mut self, story: &mut Story, passage: Passage) -> bool {
        let dying = async {
            let mut pause = tokio::time::interval(Duration::from_millis(50));
            loop {
                pause.tick().await;
                if let Some(status) = self.city.processes().last_mut().unwrap().has_ended() {
                    assert_eq!(status.signal(), Some(9), "{passage}: ended otherwise");
                    return true;
                }
                // The end of a draw may be seen a moment before the process is killed after the commit that ended it.
                if matches!(self.go_on(story).await, Ok(Come::TooLate)) {
                    return false;
                }
            }
        };
        let died = tokio::time::timeout(HANG, dying).await;
        died.unwrap_or_else(|_| panic!("{passage}: not passed; refused last: {}", story.refused))
    }

    /// Goes on until the draw has ended; none when it is too late for that.
    async fn ends(&self, story: &mut Story, what: &dyn fmt::Display) -> Option<Value> {
        let ending = async {
            let mut pause = tokio::time::interval(Duration::from_millis(50));
            loop {
                pause.tick().await;
                match self.go_on(story).await.unwrap_or_else(|gone| panic!("{what}: {gone:#}")) {
                    Come::Underway => {}
                    Come::TooLate => return None,
                    Come::Ended(draw) => return Some(draw),
                }
            }
        };
        let ended = tokio::time::timeout(HANG, ending).await;
        ended.unwrap_or_else(|_| panic!("{what}: stuck; refused last: {}", story.refused))
    }

    /// Kills the process at a passage, starts it again, and takes the draw to its end.
    async fn kill_at(&mut self, passage: Passage) {
        let way = Way::past(passage);
        let window = if passage.is_before_the_close() { WINDOW.1 } else { WINDOW.0 };
        let ppm = if passage.act == "DispatchVisits" { 1_000_000 } else { 3_000 };
        loop {
            let mut story = self.story(way, window, ppm).await;
            self.city.stop().await;
            self.city.serve(&[("QINGTIAN_KILL_AT".to_owned(), passage.to_string())]).await;
            if !self.dies(&mut story, passage).await {
                self.too_late(&passage);
                continue;
            }
            self.city.processes().clear();
            assert_eq!(
                passage.count(&self.db, &story.plan).await,
                passage.done(),
                "{passage}: done when it was killed"
            );
            let kept = Kept::read(&self.db).await;
            // The sessions live in Redis and are still good.
            self.city.serve(&[]).await;
            let ended = self.ends(&mut story, &passage).await;
            kept.is_still_there(&self.db, &passage).await;
            match ended {
                Some(draw) => return self.check(&story, &draw, &passage).await,
                None => self.too_late(&passage),
            }
        }
    }

    /// One draw passes every point as often as listed, and never once more.
    async fn pass_no_more(&mut self, way: Way) {
        let beyond: Vec<String> = draws::FAULT_POINTS
            .iter()
            .map(|point| format!("{point}#{}", passages_of(point.split_once('.').unwrap().0).last().unwrap() + 1))
            .collect();
        let what = format!("{way:?}, killed at one more passage than listed");
        loop {
            let mut story = self.story(way, WINDOW.0, 1_000_000).await;
            self.city.stop().await;
            self.city.serve(&[("QINGTIAN_KILL_AT".to_owned(), beyond.join(","))]).await;
            if let Some(draw) = self.ends(&mut story, &what).await {
                return self.check(&story, &draw, &what).await;
            }
            self.too_late(&what);
        }
    }

    /// A draw that has ended is one, ended as it should, and what it says is true.
    async fn check(&mut self, story: &Story, ended: &Value, passage: &dyn fmt::Display) {
        let (way, department) = (story.way, &self.department);
        let name = ended["name"].as_str().unwrap().to_owned();
        assert!(self.numbers.insert(name.clone()), "{passage}: number {name} was given twice");
        let all = department.handler.get(&format!("/v1/draws?plan={}", story.plan)).await.ok();
        assert_eq!(all["draws"].as_array().unwrap().len(), 1, "{passage}: one draw, not two");
        assert_eq!(ended["state"], way.end(), "{passage}: {name}");
        let visits = department.handler.get(&format!("/v1/visits?draw={name}&pageSize=1")).await.ok();
        let visits = number(&visits["totalSize"]);
        if matches!(way, Way::Failed | Way::Abandoned) {
            // Told to the public once and for all, and nobody was drawn.
            let told = |public: &Value| public["draw"]["state"] == way.end();
            let public = self.city.anonymous().until(&format!("/v1/public/{name}"), "its end in public", told).await;
            assert_eq!((&public["draw"]["endReason"], number(&ended["drawn"])), (&ended["endReason"], 0), "{passage}");
            assert_eq!(ended["revealTime"], Value::Null, "{passage}: {name} was revealed");
            assert_eq!(visits, 0, "{passage}: nobody is visited");
            println!("{passage}: {name} {}: {}", way.end(), ended["endReason"]);
        } else {
            assert!(visits > 0 && visits == number(&ended["drawn"]), "{passage}: one visit for each drawn");
            verify(&self.city, &name).await;
            println!("{passage}: {name} went on with {visits} visits and is verified");
        }
    }
}

#[tokio::test]
async fn faults_kill_nine_at_every_point_of_a_draw_changes_nothing_published() {
    let waiting = Mutex::new(passages());
    let count = waiting.lock().unwrap().len();
    let lanes = (0..LANES).map(|nth| {
        let waiting = &waiting;
        async move {
            let mut lane = Lane::start(nth).await;
            match nth {
                0 => lane.pass_no_more(Way::Drawn).await,
                1 => lane.pass_no_more(Way::Typed).await,
                _ => {}
            }
            loop {
                let next = waiting.lock().unwrap().pop_front();
                let Some(passage) = next else { break };
                lane.kill_at(passage).await;
            }
            lane.city.stop().await;
            lane.db.close().await;
            lane
        }
    });
    // Databases are removed when no lane asks any more: it blocks this thread, and waits for whoever answers it.
    let lanes = futures::future::join_all(lanes).await;
    let ended: usize = lanes.iter().map(|lane| lane.numbers.len()).sum();
    println!("killed at {count} passages of {} points", draws::FAULT_POINTS.len());
    assert_eq!(ended, count + 2, "each passage was passed by a draw of its own");
}

async fn verify(city: &City, name: &str) {
    let public = city.anonymous();
    public.until(&format!("/v1/public/{name}"), "the portal", |draw| number(&draw["evidenceSize"]) > 0).await;
    let bundle = public.get(&format!("/v1/public/{name}/evidence")).await;
    let jwks = public.get("/.well-known/jwks.json").await.text();
    let options = lottery::verify::Options { jwks: Some(&jwks), demo: true, ..Default::default() };
    let report = lottery::verify::verify(bundle.body.as_ref(), &options);
    assert_eq!(report.verdict, lottery::verify::Verdict::Verified, "{}", report.to_json());
}
