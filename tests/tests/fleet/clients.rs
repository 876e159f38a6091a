//! Foreign clients: programs of departments in other languages, over gRPC with stubs made from the proto files.

use serde_json::{Value, json};
use tests::city::{City, Layout};

use crate::story::small_register;

#[tokio::test]
async fn clients_a_python_program_streams_a_register_in_with_a_machine_clients_token() {
    let mut city = City::start(Layout::One).await;
    let operator = city.as_person("operator").await;
    let request = json!({"title": "部门业务系统", "organisation": "organisations/ecology"});
    let made = operator.post("/v1/machineClients", request).await.ok();
    let (client, secret) = (made["name"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let register = city.folder.path().join("register.csv");
    let mut file = small_register(410_202, 1_234);
    file.extend_from_slice("坏行,91350100M000100Y4X\n".as_bytes());
    std::fs::write(&register, file).unwrap();
    let grpc = city.environment.iter().find(|(name, _)| name == "GRPC_ADDR").unwrap().1.clone();
    let python = tests::root().join("var/tools/venv/bin/python");
    let output = tokio::process::Command::new(&python)
        .arg(tests::root().join("tests/clients/python/department.py"))
        .args([grpc.as_str(), client, "organisations/ecology"])
        .arg(&register)
        .env("QINGTIAN_CLIENT_SECRET", secret)
        .output()
        .await
        .unwrap_or_else(|e| panic!("{}: {e}; scripts/install.sh --tests makes it", python.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    println!("{told}");
    assert_eq!([&told["rows"], &told["created"], &told["returned"], &told["keys"]], [1_235, 1_234, 1, 1_234]);
    assert_eq!(told["refused"], json!({"code": "NOT_FOUND", "reason": "NOT_FOUND", "article": "27"}));
    let events: Vec<&str> = told["events"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for event in ["PlanPublished", "DrawStated", "EntryAdded", "DrawRevealed"] {
        assert!(
            events.contains(&format!("qingtian.draws.events.v1.{event}").as_str()),
            "{event} is missing: {events:?}"
        );
    }
    assert_eq!(told["evidence_matches"], true, "{told}");

    // By JSON the same token works as a bearer, without cookie or page token.
    let token = city.anonymous().post("/v1/token:issue", json!({"client": client, "secret": secret})).await.ok();
    let program = tests::web::Web::with_token(&city.url, token["token"].as_str().unwrap());
    let subjects = program.get("/v1/organisations/ecology/subjects?pageSize=1").await.ok();
    assert_eq!(subjects["totalSize"], "1234");
    city.stop().await;
}
