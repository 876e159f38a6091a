//! A platform of one's own, set up command by command as the README says: no demonstration, no demonstration keys. The first
//! operator (art. 5) comes from an audited command and makes all others.

use kit::embedded::{Options, Postgres};
use serde_json::json;
use tests::{
    process::{Process, free_port},
    web::Web,
};

/// Migrations one after another, and small pools.
const CONNECTIONS_MAX: u16 = 60;

struct Platform {
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

impl Platform {
    /// Runs a command to its end; answers whether it succeeded and what it wrote.
    async fn run(&self, arguments: &[&str]) -> (bool, String) {
        let log = tempfile::NamedTempFile::new_in(self.folder.path()).unwrap();
        let mut process = Process::start(arguments[0], log.path().to_owned(), arguments, &self.environment);
        let status = process.ended().await;
        (status.success(), process.written())
    }

    async fn succeeds(&self, arguments: &[&str]) -> String {
        let (success, written) = self.run(arguments).await;
        assert!(success, "{arguments:?}: {written}");
        written
    }
}

#[tokio::test]
async fn a_new_platform_is_set_up_by_commands_and_its_first_operator_signs_in() {
    let postgres = Postgres::start_temporary(&Options::throwaway(CONNECTIONS_MAX)).await.unwrap();
    let folder = tempfile::Builder::new().prefix("platform-").tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (http, grpc, keys) = (free_port(), free_port(), path("keys"));
    let environment = [
        ("DATABASE_URL", postgres.url("qingtian_{service}", "qingtian_{service}")),
        ("MIGRATE_DATABASE_URL", postgres.url("qingtian_{service}_owner", "qingtian_{service}")),
        ("ADMIN_DATABASE_URL", postgres.admin_url().to_owned()),
        ("QINGTIAN_KEYS", keys.clone()),
        ("QINGTIAN_BLOBS", path("blobs")),
        ("HTTP_ADDR", format!("127.0.0.1:{http}")),
        ("GRPC_ADDR", format!("127.0.0.1:{grpc}")),
        ("PEER_URL", format!("http://127.0.0.1:{grpc}")),
        ("METRICS_ADDR", "none".to_owned()),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
    let platform = Platform { folder, environment };

    platform.succeeds(&["databases"]).await;
    platform.succeeds(&["databases"]).await;
    platform.succeeds(&["keys", &keys]).await;
    platform.succeeds(&["migrate"]).await;
    let operator = ["operator", "--name", "chenli", "--real-name", "陈立", "--organisation", "开封市数据局"];
    let written = platform.succeeds(&operator).await;
    let password = written.rsplit(' ').next().unwrap().trim();
    let (success, written) = platform.run(&operator).await;
    assert!(!success && written.contains("the platform has an operator already"), "{written}");

    let log = platform.folder.path().join("all.log");
    let mut process = Process::start("all", log, &["serve", "all"], &platform.environment);
    process.serving(&format!("http://127.0.0.1:{grpc}")).await;
    let url = format!("http://127.0.0.1:{http}");
    process.ready(&url).await;
    let operator = Web::sign_in(&url, "chenli", password).await;
    let organisations = operator.get("/v1/organisations").await.ok();
    let own = &organisations["organisations"][0];
    assert_eq!((&own["title"], &own["district"]), (&json!("开封市数据局"), &json!("410200")), "{organisations}");
    let market = json!({"title": "市场监管局", "kind": "ORGANISATION_KIND_DEPARTMENT", "district": "410200"});
    let made = operator.post("/v1/organisations?organisationId=market", market).await.ok();
    assert_eq!(made["name"], "organisations/market");
    let draws = Web::anonymous(&url).get("/v1/public/draws").await.ok();
    assert!(draws["draws"].as_array().is_none_or(Vec::is_empty), "no demonstration: {draws}");
    process.terminate().await;
    let audit = platform.succeeds(&["audit", "verify"]).await;
    assert!(audit.contains("ok      identity"), "{audit}");
    postgres.stop().await.unwrap();
}
