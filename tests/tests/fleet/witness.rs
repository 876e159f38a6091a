//! A witness's one-time link (art. 11, 15), through the gateway: issued, opened once, its entry in the verified evidence, and the
//! statement that the witness kept compared with it by the command.

use std::process::Command;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tests::{
    city::{City, Layout},
    output,
    web::Web,
};

use crate::{
    story::small_register,
    telling::{dispatched, entry, found_department, in_secs, window},
};

const WITNESS: &str = "notary-li";

fn token(issued: &Value) -> String {
    issued["path"].as_str().unwrap().strip_prefix("/witness#").unwrap().to_owned()
}

#[tokio::test]
async fn a_witness_without_account_keeps_the_statement_and_gives_an_entry_that_is_in_the_evidence() {
    let mut city = City::start(Layout::One).await;
    let department = found_department(&city, "witnessed", "410204").await;
    let columns = ["key=code", "title=name"];
    let (_, upload_secs) =
        department.upload_register("名录.csv", small_register(410_204, 60), &columns, "410204").await;
    department.publish_items("事项.csv", crate::faults::items_csv()).await;
    let plan = department.publish_plan(department.draft("见证演练", &department.items().await, 100_000)).await;
    let open_secs = 2 * window(upload_secs);
    let mut draw = department.draw_of(&plan, open_secs, open_secs + 1);
    draw["contributors"][1] =
        json!({"contributor": WITNESS, "kind": "CONTRIBUTOR_KIND_WITNESS", "unit": "supervision"});
    draw["entriesClose"] = in_secs(open_secs).into();
    let created = department.handler.post("/v1/draws", draw).await.ok();
    let stated = department.state(&created).await;
    let name = stated["name"].as_str().unwrap().to_owned();

    let public = city.anonymous();
    let issue = format!("/v1/{name}:createWitnessLink");
    let lost = department.handler.post(&issue, json!({"contributor": WITNESS})).await.ok();
    department.reviewer.post(&issue, json!({"contributor": WITNESS})).await.refused_for("ROLE_MISSING", "27");
    let issued = department.handler.post(&issue, json!({"contributor": WITNESS})).await.ok();
    let open = |token: String| {
        let public = &public;
        async move { public.post("/v1/public/witness:open", json!({"token": token})).await }
    };
    open(token(&lost)).await.refused_for("WITNESS_LINK_REVOKED", "15");
    open("A".repeat(43)).await.refused_for("WITNESS_LINK_UNKNOWN", "15");
    let opened = open(token(&issued)).await.ok();
    assert_eq!(opened["draw"]["statementJson"], stated["statementJson"]);
    open(token(&issued)).await.refused_for("WITNESS_LINK_OPENED", "15");

    // What the witness saved, as the page hands it over.
    let of_draw = &opened["draw"];
    let kept = json!({
        "draw": name, "kid": of_draw["kid"], "signature": of_draw["statementSignature"],
        "statement": of_draw["statement"], "statement_json": of_draw["statementJson"],
    });
    let give = json!({"permit": opened["permit"], "statement": of_draw["statement"], "value": "6 1 3 3 2 4"});
    let receipt = public.post("/v1/public/witness:addEntry", give.clone()).await.ok();
    assert_eq!(receipt["line"], format!("2\t{WITNESS}\t6 1 3 3 2 4"));
    let other = json!({"permit": opened["permit"], "statement": of_draw["statement"], "value": "1"});
    public.post("/v1/public/witness:addEntry", other).await.refused_for("ENTRY_GIVEN", "15");
    department.handler.post(&format!("/v1/{name}:addEntry"), entry(&stated, "4 2 6 1 3 5")).await.ok();

    // The page is there without script, and says when the links were opened.
    let form = format!("code={}", token(&lost));
    let page = public.send(Method::POST, "/witness", "application/x-www-form-urlencoded", Bytes::from(form)).await;
    assert!(page.unwrap().text().contains("这个链接已作废"));
    let shown = |draw: &Value| draw["draw"]["witnessLinks"].as_array().is_some_and(|links| links.len() == 2);
    let seen = public.until(&format!("/v1/public/{name}"), "the links", shown).await;
    let links = &seen["draw"]["witnessLinks"];
    assert_eq!((&links[0]["openTime"], links[0]["issuer"].as_str().unwrap_or_default()), (&Value::Null, ""));
    public
        .until(&format!("/v1/public/{name}"), "the opening", |draw| {
            draw["draw"]["witnessLinks"][1]["openTime"].is_string()
        })
        .await;

    dispatched(&department.handler, &name, open_secs).await;
    verified(&public, &name, &kept).await;
    // Neither secret stands in what the process wrote.
    let log = std::fs::read_to_string(city.log("all")).unwrap();
    assert!(log.contains("issued witness link"), "this is the log that the acts are in");
    for secret in [token(&issued), token(&lost), opened["permit"].as_str().unwrap().to_owned()] {
        assert!(!log.contains(&secret), "a secret is in the log");
    }
    city.stop().await;
}

/// The bundle as the public downloads it, beside what the witness kept, through the command.
async fn verified(public: &Web, name: &str, kept: &Value) {
    let folder = output("witness");
    for (file, path) in
        [("evidence.tar.gz", format!("/v1/public/{name}/evidence")), ("jwks.json", "/.well-known/jwks.json".to_owned())]
    {
        public.until(&format!("/v1/public/{name}"), "the evidence", |draw| draw["evidenceSize"] != "0").await;
        let answer = public.get(&path).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text());
        std::fs::write(folder.join(file), &answer.body).unwrap();
    }
    let verify = |kept: &Value| {
        std::fs::write(folder.join("statement.json"), format!("{kept:#}\n")).unwrap();
        let mut command = Command::new(tests::process::binary());
        command
            .args(["verify", "--lang", "en"])
            .arg(folder.join("evidence.tar.gz"))
            .arg("--demo")
            .arg("--jwks")
            .arg(folder.join("jwks.json"));
        let output = command.arg("--statement").arg(folder.join("statement.json")).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (status, said) = verify(kept);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("kept_statement") && said.contains("kept_signature"), "{said}");
    // Had the operator drawn over another statement, the witness would find it out.
    let mut other = kept.clone();
    other["statement_json"] =
        kept["statement_json"].as_str().unwrap().replacen("subjects_n\":", "subjects_n\":1", 1).into();
    let (status, said) = verify(&other);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("subjects_n differ"), "{said}");
}
