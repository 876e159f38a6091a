//! `qingtian up`, as `make up` runs it: a private PostgreSQL and Redis, the demonstration at the first start, a clean stop, and
//! a second start with the data still there.

use std::{collections::BTreeSet, os::unix::fs::PermissionsExt, time::Instant};

use client::{Qingtian, Settings};
use proto::qingtian::portal::v1::{ListDrawsRequest, portal_client::PortalClient};
use qingtian::demo::Account;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::{
    process::{Process, free_port, naming},
    web::Web,
};

struct Up {
    process: Process,
    url: String,
    /// `https://localhost:PORT` for departments' programs.
    front: String,
    secs: f64,
}

async fn up(folder: &std::path::Path, log: &str) -> Up {
    let port = free_port();
    let (http, grpc) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{}", free_port()));
    let front_port = free_port();
    let front = format!("127.0.0.1:{front_port}");
    let data = folder.join("data").display().to_string();
    let arguments = ["up", "--folder", &data, "--http", &http, "--grpc", &grpc, "--front", &front, "--metrics", "none"];
    let started = Instant::now();
    let mut process = Process::start("up", folder.join(log), &arguments, &[]);
    let url = format!("http://{http}");
    process.ready(&url).await;
    // The last line of what is announced, which is written after the site has begun to answer.
    process.says("the data stays.").await;
    let front = format!("https://localhost:{front_port}");
    Up { process, url, front, secs: started.elapsed().as_secs_f64() }
}

/// What a department's program that was told of this authority (PEM) finds.
async fn public_draws(front: &str, authority: &[u8]) -> usize {
    let settings = Settings { authorities: Some(authority.to_vec()), ..Settings::new(front, "") };
    let program = Qingtian::connect(settings).unwrap();
    let found = PortalClient::new(program.public()).list_draws(ListDrawsRequest::default()).await.unwrap();
    found.into_inner().draws.len()
}

/// What the city holds, as its people see it: every part's, and the bytes of the draw's evidence.
async fn data(web: &Web, draw: &str) -> Value {
    let mut data = serde_json::Map::new();
    for (name, path) in [
        ("organisations", "/v1/organisations?pageSize=1000"),
        ("subjects", "/v1/organisations/market/subjects?pageSize=100"),
        ("items", "/v1/organisations/market/items?pageSize=100"),
        ("plans", "/v1/plans?pageSize=100"),
        ("draws", "/v1/draws?pageSize=100"),
        ("public draw", &format!("/v1/public/{draw}")),
    ] {
        let found = web.get(path).await.ok();
        assert!(found.as_object().is_some_and(|found| !found.is_empty()), "{path}: {found}");
        data.insert(name.to_owned(), found);
    }
    let evidence = web.get(&format!("/v1/public/{draw}/evidence")).await;
    assert!(evidence.status.is_success(), "{}", evidence.status);
    data.insert("evidence".to_owned(), hex::encode(Sha256::digest(&evidence.body)).into());
    data.into()
}

/// What a newcomer finds besides the public site: no page of the work portal is empty.
async fn filled(url: &str, accounts: &[Account], market: &Web) {
    let rows = async |web: &Web, path: &str, member: &str| {
        let found = web.get(path).await.ok();
        found[member].as_array().cloned().unwrap_or_default()
    };
    for (list, member) in [
        ("experts", "experts"),
        ("leaves?open=true", "leaves"),
        ("declarations", "declarations"),
        ("declarations:missing", "people"),
        ("conflicts", "conflicts"),
    ] {
        let found = rows(market, &format!("/v1/organisations/market/{list}"), member).await;
        assert!(found.len() > 1, "{list}: {found:?}");
    }
    let away = rows(market, "/v1/organisations/market/officers?pageSize=1000", "officers").await;
    let away = away.iter().filter(|officer| officer["leaveUntil"].as_str().is_some_and(|day| !day.is_empty())).count();
    assert!(away > 0, "nobody is on leave today");
    let responsible = rows(market, "/v1/organisations?pageSize=1000", "organisations").await;
    let titles: BTreeSet<_> = responsible.iter().map(|body| body["responsible"].as_str().unwrap()).collect();
    assert_eq!(titles, BTreeSet::from(["主任", "区长", "县长", "局长"]));

    // The other department's plan may be drawn by whoever tries it, and a change of its register waits.
    let handler = accounts.iter().find(|account| account.username == "emergency-handler").unwrap();
    let handler = Web::sign_in(url, "emergency-handler", &handler.password).await;
    let changes = rows(&handler, "/v1/organisations/emergency/registerChanges", "changes").await;
    assert_eq!((changes.len(), &changes[0]["state"]), (1, &json!("REGISTER_CHANGE_STATE_PENDING")));
    let plans = rows(&handler, "/v1/plans", "plans").await;
    let [plan] = plans.as_slice() else { panic!("{plans:?}") };
    let preview = handler.get(&format!("/v1/{}:preview", plan["name"].as_str().unwrap())).await.ok();
    assert_eq!((&preview["obstacles"], preview["strata"].as_array().unwrap().len()), (&json!([]), 4), "{preview}");
    assert_eq!(plan["withheld"]["files"], json!(["subjects.tsv"]));
    for member in ["experts", "publishAfter", "foreseesSupplementary"] {
        assert!(!plan[member].is_null(), "{member}: {plan}");
    }
}

#[tokio::test]
async fn up_story_first_start_clean_stop_and_second_start_with_the_data_still_there() {
    let folder = tempfile::tempdir().unwrap();
    // As root the servers run as user `postgres`, who must be able to pass through.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let first = up(folder.path(), "first.log").await;
    println!("first start, with the demonstration: ready after {:.1} s", first.secs);
    let file = folder.path().join("data/accounts.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "only the owner reads passwords");
    let accounts = qingtian::demo::accounts(&file).unwrap();
    let handler = accounts.iter().find(|account| account.username == "market-handler").unwrap();
    let web = Web::sign_in(&first.url, "market-handler", &handler.password).await;
    let subjects = web.get("/v1/organisations/market/subjects?pageSize=1").await.ok();
    assert_eq!(subjects["totalSize"], "10000");
    let districts = web.get("/v1/organisations?pageSize=1000").await.ok();
    let districts =
        districts["organisations"].as_array().unwrap().iter().filter(|o| o["kind"] == "ORGANISATION_KIND_DISTRICT");
    assert_eq!(districts.count(), 9);
    let draws = web.get("/v1/public/draws").await.ok();
    assert_eq!(draws["draws"].as_array().unwrap().len(), 1, "{draws}");
    assert_eq!(draws["draws"][0]["draw"]["state"], "DRAW_STATE_DISPATCHED");
    let draw = draws["draws"][0]["name"].as_str().unwrap();
    let written = first.process.written();
    for account in &accounts {
        assert!(written.contains(&account.password), "{} is printed", account.username);
    }
    let authority = std::fs::read(folder.path().join("data/tls/authority.pem")).unwrap();
    assert_eq!(public_draws(&first.front, &authority).await, 1);
    filled(&first.url, &accounts, &web).await;
    // What a newcomer does is data too, not only what every first start makes alike.
    let operator = accounts.iter().find(|account| account.username == "operator").unwrap();
    let operator = Web::sign_in(&first.url, "operator", &operator.password).await;
    let archive = json!({
        "title": "开封市档案馆", "kind": "ORGANISATION_KIND_UNIT", "district": "410200", "responsible": "馆长"
    });
    operator.post("/v1/organisations?organisationId=archive", archive).await.ok();
    let before = data(&web, draw).await;
    assert!(before["organisations"].to_string().contains("organisations/archive"));
    let servers = naming(&folder.path().join("data"));
    assert!(servers.iter().any(|line| line.contains("postgres")), "none was found while they ran: {servers:?}");
    first.process.stop().await;
    let left = naming(&folder.path().join("data"));
    assert!(left.is_empty(), "servers were left running: {left:?}");

    // A crash between the end of the first load and the removal of its mark: once the mark alone made the next start drop
    // every database.
    let mark = folder.path().join("data/loading-demonstration");
    std::fs::write(&mark, "").unwrap();
    let second = up(folder.path(), "second.log").await;
    assert!(!mark.exists());
    println!("second start: ready after {:.1} s", second.secs);
    assert!(!tests::proving() || second.secs < 5.0, "a second start is to take less than five seconds");
    assert!(
        second.process.written().contains(&handler.password),
        "passwords are printed each time and have not changed"
    );
    let again = Web::sign_in(&second.url, "market-handler", &handler.password).await;
    assert_eq!(data(&again, draw).await, before, "the data is still there, all of it");
    assert_eq!(public_draws(&second.front, &authority).await, 1, "programs go on believing the same authority");
    second.process.stop().await;
}
