//! A part's database comes back from an older dump while the others ran on (art. 43-45): what had been followed of the lost tail is found
//! not to be in the log, and every follower builds anew by itself, in the logs and in health for all to see. Then an event nobody can
//! apply: its follower stands, and goes on by an audited command alone.

use std::{collections::BTreeSet, path::Path, process::Stdio};

use kit::testing::until;
use prost::{Message, Name};
use proto::qingtian::{
    events::v1::{Event, Record, record::Kind},
    identity::events::v1::OfficerChanged,
};
use serde_json::json;
use sqlx::PgPool;
use tests::{
    city::{City, Layout},
    process::Process,
};
use tonic::transport::Endpoint;

use crate::telling::{Department, found_department};

/// Runs one of PostgreSQL's own programs over a database of the city, as its administrator.
async fn postgres(program: &str, database: &str, file: &Path, options: &[&str]) {
    let admin = kit::testing::TestCluster::get().await.unwrap().admin_url().to_owned();
    let mut command = tokio::process::Command::new(program);
    command.arg("--dbname").arg(admin.replacen("/postgres?", &format!("/{database}?"), 1)).args(options);
    match program {
        "pg_dump" => command.arg("--file").arg(file),
        _ => command.arg(file),
    };
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

async fn database(city: &City, part: &str) -> PgPool {
    PgPool::connect(&city.fleet.migrate_database_url.replace("{service}", part)).await.unwrap()
}

/// Adds an item and publishes it.
async fn publish(department: &Department, number: u32) {
    let parent = &department.name;
    let item = json!({
        "code": number.to_string(), "title": format!("事项{number}"), "legalBasis": "《企业信息公示暂行条例》",
        "randomListed": true, "checklist": [{"content": "名称使用", "method": "现场检查"}], "leader": "赵立新",
        "undertakingUnit": "信用监管科", "handler": "孙晓",
    });
    let made = department.handler.post(&format!("/v1/{parent}/items"), item).await.ok();
    let names = json!({"names": [made["name"]]});
    let told = department.reviewer.post(&format!("/v1/{parent}/items:publish"), names).await.ok();
    assert_eq!(told["published"], 1, "{told}");
}

type Titles = BTreeSet<(String, String)>;

async fn titles(database: &PgPool, sql: &'static str) -> Titles {
    sqlx::query_as(sql).fetch_all(database).await.unwrap().into_iter().collect()
}

/// Whether draws and portal have of catalog's items what catalog has.
async fn all_equals(city: &City) {
    let [catalog, draws, portal] =
        [database(city, "catalog").await, database(city, "draws").await, database(city, "portal").await];
    until("draws and portal have what catalog has", async || {
        let own = titles(&catalog, "select name, title from item where state = 'PUBLISHED'").await;
        let copied = "select name, title from item";
        !own.is_empty() && titles(&draws, copied).await == own && titles(&portal, copied).await == own
    })
    .await;
    for pool in [catalog, draws, portal] {
        pool.close().await;
    }
}

async fn follows(city: &City, part: &str, peer: &str, wanted: bool) {
    let channel = Endpoint::from_shared(city.grpc_of(part).to_owned()).unwrap().connect_lazy();
    let follower = format!("follower.{part}.{peer}");
    let what = format!("{follower} goes on: {wanted}");
    until(&what, async || kit::health::serves(channel.clone(), &follower).await == wanted).await;
}

/// Runs a command of the binary to its end.
async fn command(city: &City, arguments: &[&str]) -> (bool, String) {
    let log = tempfile::NamedTempFile::new_in(city.folder.path()).unwrap();
    let mut process = Process::start(arguments[0], log.path().to_owned(), arguments, &city.environment);
    let status = process.ended().await;
    (status.success(), process.written())
}

#[tokio::test]
async fn a_part_restored_from_an_older_dump_is_followed_anew_by_everybody() {
    let mut city = City::start(Layout::Many).await;
    let department = found_department(&city, "restored", "410225").await;
    publish(&department, 1).await;
    publish(&department, 2).await;
    all_equals(&city).await;
    let name = city.fleet.role.replace("{service}", "catalog");
    let dump = city.folder.path().join("catalog.dump");
    postgres("pg_dump", &name, &dump, &["--format=custom"]).await;

    // What is lost with the tail was followed by draws and portal.
    publish(&department, 3).await;
    all_equals(&city).await;
    let restore = async {
        postgres("pg_restore", &name, &dump, &["--clean", "--if-exists"]).await;
    };
    city.without("catalog", restore).await;
    let catalog = database(&city, "catalog").await;
    let left: i64 =
        sqlx::query_scalar("select count(*) from item where title = '事项3'").fetch_one(&catalog).await.unwrap();
    assert_eq!(left, 0, "the tail is lost");
    catalog.close().await;
    all_equals(&city).await;

    // It goes on with another history, beyond where the lost one ended.
    publish(&department, 4).await;
    publish(&department, 5).await;
    all_equals(&city).await;
    for part in ["draws", "portal"] {
        follows(&city, part, "catalog", true).await;
        let process = city.process_of(part);
        process.says("the log diverged from what was followed").await;
        process.says("built anew, whole again").await;
    }
    let (well, list) = command(&city, &["followers", "list"]).await;
    assert!(well && list.contains("portal <- catalog"), "{list}");
    let (whole, audit) = command(&city, &["audit", "verify"]).await;
    assert!(whole, "{audit}");
    city.stop().await;
}

/// An officer whose certificate ends on no day, as no release announces one.
fn nonsense() -> Vec<u8> {
    let officer = OfficerChanged {
        user: "users/nobody".to_owned(),
        certificate: "豫B9999".to_owned(),
        expire_date: "下月".to_owned(),
        ..Default::default()
    };
    let mut event = Event { aggregate: officer.user.clone(), revision: 1, ..Default::default() };
    let payload = event.payload.insert(Default::default());
    (payload.type_url, payload.value) = (OfficerChanged::type_url(), officer.encode_to_vec());
    Record { kind: Some(Kind::Event(event)) }.encode_to_vec()
}

#[tokio::test]
async fn an_event_nobody_can_apply_stops_its_follower_until_it_is_parked_by_an_audited_command() {
    let mut city = City::start(Layout::One).await;
    let [identity, draws] = [database(&city, "identity").await, database(&city, "draws").await];
    let insert = sqlx::query("insert into outbox (type, bytes) values ($1, $2)").bind(OfficerChanged::full_name());
    insert.bind(nonsense()).execute(&identity).await.unwrap();
    follows(&city, "draws", "identity", false).await;
    follows(&city, "portal", "identity", true).await;
    found_department(&city, "behind", "410225").await;
    let known = async || {
        let sql = "select exists (select from organisation where name = 'organisations/behind')";
        sqlx::query_scalar::<_, bool>(sql).fetch_one(&draws).await.unwrap()
    };
    assert!(!known().await, "nothing behind it is applied");
    let stopped = "select stopped_position from follower where peer = 'identity'";
    let at: i64 = sqlx::query_scalar(stopped).fetch_one(&draws).await.unwrap();
    let (well, list) = command(&city, &["followers", "list"]).await;
    let told = format!("STOPPED before position {at}");
    assert!(!well && list.contains(&told) && list.contains("下月"), "{list}");
    assert!(!list.contains("portal <- identity: position 0"), "portal goes on: {list}");

    let park = async |position: i64, reason: &str| {
        let position = position.to_string();
        command(&city, &["followers", "park", "draws", "identity", &position, "--by", "陈立", "--reason", reason]).await
    };
    let (done, told) = park(at + 1, "误发").await;
    assert!(!done && told.contains(&format!("before position {at}")), "{told}");
    let (done, told) = park(at, "误发的执法证，已更正").await;
    assert!(done, "{told}");
    until("what came behind it is known", known).await;
    follows(&city, "draws", "identity", true).await;
    let audited = "select count(*) from log where type = 'audit' and position(convert_to('误发的执法证，已更正', 'UTF8') in bytes) > 0";
    let entries: i64 = sqlx::query_scalar(audited).fetch_one(&draws).await.unwrap();
    assert_eq!(entries, 1);
    for pool in [identity, draws] {
        pool.close().await;
    }
    city.processes()[0].says("an event cannot be applied").await;
    city.stop().await;
}
