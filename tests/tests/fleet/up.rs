//! `qingtian up`, as `make up` runs it: a private PostgreSQL and Redis, the demonstration at the first start, a clean stop, and
//! a second start with the data still there.

use std::{os::unix::fs::PermissionsExt, time::Instant};

use tests::{
    process::{Process, free_port},
    web::Web,
};

struct Up {
    process: Process,
    url: String,
    secs: f64,
}

async fn up(folder: &std::path::Path, log: &str) -> Up {
    let port = free_port();
    let (http, grpc) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{}", free_port()));
    let data = folder.join("data").display().to_string();
    let arguments = ["up", "--folder", &data, "--http", &http, "--grpc", &grpc, "--metrics", "none"];
    let started = Instant::now();
    let mut process = Process::start("up", folder.join(log), &arguments, &[]);
    let url = format!("http://{http}");
    process.ready(&url).await;
    Up { process, url, secs: started.elapsed().as_secs_f64() }
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
    let draw = web.get("/v1/public/draws/2026-0001").await.ok();
    assert_eq!(draw["draw"]["state"], "DRAW_STATE_DISPATCHED");
    let written = first.process.written();
    for account in &accounts {
        assert!(written.contains(&account.password), "{} is printed", account.username);
    }
    first.process.stop().await;
    let still_there =
        std::process::Command::new("pgrep").args(["-f", &folder.path().join("data").display().to_string()]).output();
    let left = still_there.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    assert!(left.is_empty(), "servers were left running: {left}");

    // A crash between the end of the first load and the removal of its mark: once the mark alone made the next start drop
    // every database.
    let mark = folder.path().join("data/loading-demonstration");
    std::fs::write(&mark, "").unwrap();
    let second = up(folder.path(), "second.log").await;
    assert!(!mark.exists());
    println!("second start: ready after {:.1} s", second.secs);
    assert!(
        second.process.written().contains(&handler.password),
        "passwords are printed each time and have not changed"
    );
    let again = Web::sign_in(&second.url, "market-handler", &handler.password).await;
    assert_eq!(again.get("/v1/organisations/market/subjects?pageSize=1").await.ok()["totalSize"], "10000");
    assert_eq!(again.get("/v1/public/draws/2026-0001").await.ok()["draw"]["statement"], draw["draw"]["statement"]);
    second.process.stop().await;
}
