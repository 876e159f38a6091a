//! The walking line, in both layouts: a real register is uploaded, planned over, drawn from, published and rechecked.

use std::{
    io::Read,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tests::{
    HANG,
    city::{City, Layout},
    data, output,
    web::Web,
};

use crate::telling::{Department, dispatched, entry, found_department, number, window};

/// A register of generated subjects, where the real one is not at hand: header, then rows.
fn generated_register() -> Vec<u8> {
    let mut text = String::from("name,code\n");
    for serial in 0..2_000 {
        let code = kit::codes::CreditCode::generate(kit::codes::DISTRICTS[0].code, serial % 3 == 0, 900_000 + serial);
        text.push_str(&format!("龙亭第{serial}商行,{code}\n"));
    }
    text.into_bytes()
}

/// The real register, or a generated one; with the counts it must give: in, old numbers among them, returned.
pub fn register() -> (Vec<u8>, [i64; 3]) {
    let Some(path) = data("enterprises_zhejiang_2017_draw.csv.gz") else {
        return (generated_register(), [2_000, 0, 0]);
    };
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut text).unwrap();
    (text, [27_776 + 4_477, 4_477, 97])
}

/// The real list of items, or one of one item; with the rows it has.
pub fn items() -> (Vec<u8>, i64) {
    match data("inspection_items_zhejiang_2017.csv") {
        Some(path) => (std::fs::read(path).unwrap(), 79),
        None => (
            "编号,抽查事项名称,抽查依据,抽查方式\n1,登记事项检查,《企业信息公示暂行条例》,现场检查\n"
                .as_bytes()
                .to_vec(),
            1,
        ),
    }
}

#[tokio::test]
async fn story_in_one_process() {
    tell(Layout::One).await;
}

#[tokio::test]
async fn story_in_one_process_per_part() {
    tell(Layout::Many).await;
}

async fn tell(layout: Layout) {
    let mut city = City::start(layout).await;
    let department = found_department(&city, "zhejiang", "410202").await;
    let supervision = city.as_person("supervision").await;

    // A register, once as UTF-8 and once as GB18030: the second time nobody comes in twice.
    let (text, [expected_in, expected_old, expected_returned]) = register();
    let columns = ["key=code", "title=name"];
    let (report, upload_secs) = department.upload_register("名录.csv", text.clone(), &columns, "410202").await;
    assert_eq!(report["state"], "IMPORT_STATE_FINISHED", "{report}");
    println!(
        "{layout:?}: register as {}: {} rows, {} in ({} old numbers), {} returned, {upload_secs:.1} s",
        report["encoding"], report["rows"], report["created"], report["oldNumbers"], report["returned"]
    );
    assert_eq!([number(&report["created"]), number(&report["oldNumbers"])], [expected_in, expected_old], "{report}");
    assert_eq!(number(&report["returned"]), expected_returned, "{report}");
    let (gb18030, _, _) = encoding_rs::GB18030.encode(std::str::from_utf8(&text).unwrap());
    let (again, secs) = department.upload_register("名录-gb18030.csv", gb18030.into_owned(), &columns, "410202").await;
    println!("{layout:?}: the same as {}: {} unchanged, {secs:.1} s", again["encoding"], again["unchanged"]);
    assert_eq!(again["encoding"], "GB18030");
    assert_eq!([number(&again["created"]), number(&again["unchanged"])], [0, expected_in], "{again}");
    if expected_returned > 0 {
        let problem = &report["problems"][0];
        for member in ["line", "field", "value", "reason", "message", "messageEn"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        }
        let name = report["name"].as_str().unwrap();
        let all = department.handler.get(&format!("/v1/{name}:report")).await;
        assert_eq!(
            all.text().lines().count(),
            1 + usize::try_from(expected_returned).unwrap(),
            "every returned row is reported"
        );
    }

    // Items with checklists, published by somebody else.
    let (file, expected_items) = items();
    let (report, published) = department.publish_items("抽查事项清单.csv", file).await;
    assert_eq!(number(&report["rows"]), expected_items, "{report}");
    println!(
        "{layout:?}: items: {} rows, {} in, {} returned, {} published",
        report["rows"], report["created"], report["returned"], published["published"]
    );
    let items = department.items().await;
    assert!(!items.is_empty());

    // No plan, no draw.
    let draft = department.draft("2026年度抽查计划", &items[..1], 50_000);
    let unpublished = department.handler.post("/v1/plans", draft.clone()).await.ok();
    let refused =
        department.handler.post("/v1/draws", department.draw_of(unpublished["name"].as_str().unwrap(), 60, 61)).await;
    refused.refused_for("NO_PUBLISHED_PLAN", "9");
    let plan = department.publish_plan(draft).await;

    // A stranger who watches sees numbers and states, and cannot contribute.
    let from_unit_alone = json!({"plan": plan, "contributors": [{"contributor": department.unit(), "kind": "CONTRIBUTOR_KIND_DEPARTMENT", "unit": department.unit()}], "beaconWaived": "试", "entriesClose": crate::telling::in_secs(60), "revealBy": crate::telling::in_secs(600)});
    department.handler.post("/v1/draws", from_unit_alone).await.refused_for("ONLY_OWN_ENTRIES", "11");
    let stranger = city.as_person("emergency-handler").await;
    let open_secs = window(upload_secs);
    let created = department.handler.post("/v1/draws", department.draw_of(&plan, open_secs, open_secs + 1)).await.ok();
    let name = created["name"].as_str().unwrap().to_owned();
    let started = Instant::now();
    let stated = department.state(&created).await;
    println!("{layout:?}: {name}: stated in {:.1} s", started.elapsed().as_secs_f64());
    assert_eq!(number(&stated["subjects"]), expected_in);
    let second = department.handler.post(&format!("/v1/{name}:state"), json!({"etag": stated["etag"]})).await;
    second.refused_for("ALREADY_STATED", "15");
    stranger.post(&format!("/v1/{name}:addEntry"), entry(&stated, "1 2")).await.refused_for("NOT_FOUND", "27");
    let early = supervision.post(&format!("/v1/{name}:reportBeacon"), json!({"value": "01 02 03 04 05 06 07"})).await;
    let nobody_needs_to = ["BEACON_TOO_EARLY", "INVALID"].contains(&early.refused().0.as_str());
    assert!(nobody_needs_to, "the demonstration's numbers come by themselves: {}", early.text());

    department.handler.post(&format!("/v1/{name}:addEntry"), entry(&stated, "4 2 6 1 3 5")).await.ok();
    supervision.post(&format!("/v1/{name}:addEntry"), entry(&stated, "6 6 1 2 5 3")).await.ok();
    let twice = supervision.post(&format!("/v1/{name}:addEntry"), entry(&stated, "1 1 1 1 1 1")).await;
    twice.refused_for("ENTRY_GIVEN", "15");

    // The beacon comes, the reveal runs by itself, the visits are made.
    let done = dispatched(&department.handler, &name, open_secs).await;
    let beacon = chrono::DateTime::parse_from_rfc3339(done["beaconTime"].as_str().unwrap()).unwrap();
    let secs = (chrono::Utc::now() - beacon.to_utc()).as_seconds_f64();
    println!("{layout:?}: {name}: revealed and dispatched {secs:.1} s after the beacon's time");
    let expected_drawn = (expected_in * 50_000 + 999_999) / 1_000_000;
    assert_eq!(number(&done["drawn"]), expected_drawn);
    println!(
        "{layout:?}: {name}: {} in the pool, {} drawn, evidence {}",
        done["subjects"], done["drawn"], done["evidenceDigest"]
    );
    let visits = department.handler.get(&format!("/v1/visits?draw={name}&pageSize=1000")).await.ok();
    assert_eq!(number(&visits["totalSize"]), expected_drawn);

    // Anybody sees it and rechecks it.
    let public = city.anonymous();
    let shown = public
        .until(&format!("/v1/public/{name}"), "the portal", |draw| number(&draw["visits"]) == expected_drawn)
        .await;
    assert_eq!(shown["draw"]["statement"], stated["statement"], "what was stated is what is shown");
    assert!(shown["draw"]["creator"].as_str().unwrap_or_default().is_empty(), "no account names in public");
    recheck(&public, &name, layout).await;
    let newest = public.get("/v1/public/draws").await.ok();
    assert_eq!(newest["draws"][0]["name"], name.as_str(), "newest first");
    look_up(&public, &name, &shown).await;
    a_session_is_needed_and_forgery_is_refused(&city, &department.handler, &name).await;
    crate::matrix::sessions_let_in_exactly_whom_their_rules_name(&city).await;
    a_call_that_began_before_the_stop_is_answered(&mut city, &department, &items).await;
    city.stop().await;
    a_rewritten_past_is_found(&city).await;
}

/// The evidence as the public downloads it, through the command and the recipe.
async fn recheck(public: &Web, name: &str, layout: Layout) {
    let evidence = public.get(&format!("/v1/public/{name}/evidence")).await;
    assert!(evidence.status.is_success());
    assert!(evidence.headers["cache-control"].to_str().unwrap().contains("immutable"));
    let keys = public.get("/.well-known/jwks.json").await;
    let folder = output(&format!("story-{layout:?}").to_lowercase());
    let (bundle, jwks) = (folder.join("evidence.tar.gz"), folder.join("jwks.json"));
    std::fs::write(&bundle, &evidence.body).unwrap();
    std::fs::write(&jwks, &keys.body).unwrap();
    let verify = |demo: bool| {
        let mut command = std::process::Command::new(tests::process::binary());
        command.args(["verify", "--lang", "en"]).arg(&bundle).arg("--jwks").arg(&jwks);
        if demo {
            command.arg("--demo");
        }
        command.output().unwrap()
    };
    let verdict = verify(true);
    let text = String::from_utf8_lossy(&verdict.stdout).into_owned();
    assert_eq!(verdict.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&verdict.stderr));
    assert_eq!(verify(false).status.code(), Some(1), "a demonstration key is refused unless told");
    let node = std::process::Command::new("node")
        .arg(tests::root().join("gateway/pages/recheck/dist/cli.mjs"))
        .args([bundle.as_os_str(), "--jwks".as_ref(), jwks.as_os_str(), "--demo".as_ref()])
        .output()
        .unwrap();
    assert_eq!(
        node.status.code(),
        Some(0),
        "{}{}",
        String::from_utf8_lossy(&node.stdout),
        String::from_utf8_lossy(&node.stderr)
    );
    let recipe = std::process::Command::new("sh")
        .arg(tests::root().join("tests/vectors/recipe_test.sh"))
        .args([&bundle, &jwks])
        .output()
        .unwrap();
    assert!(
        recipe.status.success(),
        "{}{}",
        String::from_utf8_lossy(&recipe.stdout),
        String::from_utf8_lossy(&recipe.stderr)
    );
    println!(
        "{layout:?}: {} bytes of evidence verified by the command, by the browser's verifier and by the shell recipe",
        evidence.body.len()
    );
}

/// A firm looks itself up: one that was drawn, and one that is not in the pool.
async fn look_up(public: &Web, name: &str, shown: &Value) {
    let drawn = public.get(&format!("/v1/public/{name}/drawn?pageSize=1")).await.ok();
    let first = &drawn["drawn"][0];
    let standing =
        public.get(&format!("/v1/public/{name}:lookUp?subject={}", first["subject"].as_str().unwrap())).await.ok();
    assert_eq!(standing["standing"], "STANDING_DRAWN");
    assert_eq!(standing["ticket"], first["ticket"]);
    assert!(standing["ticket"].as_str().unwrap() <= standing["threshold"].as_str().unwrap());
    let statement: Value = serde_json::from_str(shown["draw"]["statementJson"].as_str().unwrap()).unwrap();
    assert_eq!(standing["merkleRoot"], statement["merkle_root"]);
    let absent = public.get(&format!("/v1/public/{name}:lookUp?subject=91350100M000100Y43")).await.ok();
    assert_eq!(absent["standing"], "STANDING_NOT_IN_SCOPE");
}

async fn a_session_is_needed_and_forgery_is_refused(city: &City, handler: &Web, name: &str) {
    city.anonymous().get("/v1/plans").await.refused_for("NOT_SIGNED_IN", "27");
    handler.without_csrf().post(&format!("/v1/{name}:abandon"), json!({})).await.refused_for("CSRF", "");
    let wrong = city.anonymous().post("/v1/session:signIn", json!({"username": "operator", "password": "no"})).await;
    wrong.refused_for("WRONG_PASSWORD", "27");
    let page = city.anonymous().get(&format!("/{name}")).await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"), "{policy}");
    assert!(page.text().contains(name.trim_start_matches("draws/")), "the page reads without script");
    handler.post("/v1/session:signOut", json!({})).await.ok();
    handler.get("/v1/plans").await.refused_for("NOT_SIGNED_IN", "27");
}

/// SIGTERM, as from those who run servers: at once health says that nothing is served, and what had begun is still answered.
async fn a_call_that_began_before_the_stop_is_answered(city: &mut City, department: &Department, items: &[String]) {
    let handler =
        Web::sign_in(&city.url, &format!("{}-handler", department.unit()), &department.handler_password).await;
    let owner = sqlx::PgPool::connect(&city.fleet.migrate_database_url.replace("{service}", "draws")).await.unwrap();
    // What holds up the call is taken away only when the process no longer serves.
    let mut held = owner.begin().await.unwrap();
    sqlx::query("lock table plan in access exclusive mode").execute(&mut *held).await.unwrap();
    let draft = department.draft("停机前起草的计划", &items[..1], 50_000);
    let calling = tokio::spawn(async move { handler.post("/v1/plans", draft).await });
    let waits = "select exists (select from pg_locks join pg_database on pg_database.oid = pg_locks.database
        where not granted and datname = current_database() and relation = 'plan'::regclass)";
    let waiting = async {
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&owner).await.unwrap() {
            pause.tick().await;
        }
    };
    tokio::time::timeout(HANG, waiting).await.expect("the call never reaches the plans");
    let url = city.grpc_of("draws").to_owned();
    let process = city.process_of("draws");
    process.signal(Signal::SIGTERM);
    process.serves_no_more(&url).await;
    assert!(!calling.is_finished(), "the call was cut: {:?}", calling.await);
    held.rollback().await.unwrap();
    let drafted = calling.await.unwrap().ok();
    assert_eq!(drafted["state"], "PLAN_STATE_DRAFT");
    let status = process.ended().await;
    assert!(status.success(), "ended with {status}: {}", process.written());
    let kept: i64 = sqlx::query_scalar("select count(*) from plan where name = $1")
        .bind(drafted["name"].as_str())
        .fetch_one(&owner)
        .await
        .unwrap();
    assert_eq!(kept, 1, "what was answered is kept");
    owner.close().await;
}

/// `audit verify` walks every chain; an owner who rewrites one entry is found, at its position.
async fn a_rewritten_past_is_found(city: &City) {
    let audit = async || {
        let log = city.folder.path().join("audit.log");
        let _ = std::fs::remove_file(&log);
        let mut process = tests::process::Process::start("audit", log, &["audit", "verify"], &city.environment);
        let status = process.ended().await;
        (status.code(), process.written())
    };
    let (code, written) = audit().await;
    assert_eq!(code, Some(0), "{written}");
    assert_eq!(written.lines().filter(|line| line.starts_with("ok ")).count(), 4, "{written}");
    let owner = sqlx::PgPool::connect(&city.fleet.migrate_database_url.replace("{service}", "draws")).await.unwrap();
    sqlx::query("update log set bytes = bytes || 'x'::bytea where position = 7").execute(&owner).await.unwrap();
    owner.close().await;
    let (code, written) = audit().await;
    assert_eq!(code, Some(1), "{written}");
    assert!(written.contains("BROKEN  draws: the entry at position 7"), "{written}");
}

/// Redis killed between statement and entry: people sign in again and the story goes on.
#[tokio::test]
async fn story_goes_on_when_redis_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let redis = kit::embedded::Redis::start(folder.path()).await.unwrap();
    let mut city = City::start_with_redis(Layout::One, redis.url()).await;
    let department = found_department(&city, "withoutredis", "410203").await;
    department.upload_register("名录.csv", small_register(410_203, 60), &["key=code", "title=name"], "410203").await;
    department.publish_items("事项.csv", crate::faults::items_csv()).await;
    let plan = department.publish_plan(department.draft("计划", &department.items().await, 100_000)).await;
    // Two people sign in again while entries are open, and every look at Redis first waits in vain.
    let open_secs = 60;
    let created = department.handler.post("/v1/draws", department.draw_of(&plan, open_secs, open_secs + 1)).await.ok();
    let stated = department.state(&created).await;
    let name = stated["name"].as_str().unwrap();
    let pid = nix::unistd::Pid::from_raw(redis.pid().try_into().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    // Sessions in Redis are gone.
    department.handler.get("/v1/plans").await.refused_for("NOT_SIGNED_IN", "27");
    let handler = Web::sign_in(&city.url, "withoutredis-handler", &department.handler_password).await;
    handler.post(&format!("/v1/{name}:addEntry"), entry(&stated, "6 5 4 3 2 1")).await.ok();
    let supervision = city.as_person("supervision").await;
    supervision.post(&format!("/v1/{name}:addEntry"), entry(&stated, "1 2 3 4 5 6")).await.ok();
    dispatched(&handler, name, open_secs).await;
    city.stop().await;
}

/// So many generated subjects of a district.
pub fn small_register(district: u32, count: u32) -> Vec<u8> {
    let district = kit::codes::DistrictCode::parse(&district.to_string()).unwrap();
    let mut text = String::from("name,code\n");
    for serial in 0..count {
        text.push_str(&format!(
            "第{serial}商行,{}\n",
            kit::codes::CreditCode::generate(district, false, 500_000 + serial)
        ));
    }
    text.into_bytes()
}
