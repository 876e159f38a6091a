//! Recusal after a draw (art. 16), through the gateway: asked by one, decided by another, and what the public is served
//! rechecked by the command.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::{Value, json};
use tests::{
    city::{City, Layout},
    output,
    web::Web,
};

use crate::{
    story::small_register,
    telling::{Department, dispatched, entry, found_department, number},
};

/// Draws over a small register; answers the draw's name.
async fn draw(city: &City, department: &Department) -> String {
    let columns = ["key=code", "title=name"];
    department.upload_register("名录.csv", small_register(410_204, 60), &columns, "410204").await;
    department.publish_items("事项.csv", crate::faults::items_csv()).await;
    let plan = department.publish_plan(department.draft("回避演练", &department.items().await, 100_000)).await;
    let open_secs = 30;
    let created = department.handler.post("/v1/draws", department.draw_of(&plan, open_secs, open_secs + 1)).await.ok();
    let stated = department.state(&created).await;
    let name = stated["name"].as_str().unwrap().to_owned();
    department.handler.post(&format!("/v1/{name}:addEntry"), entry(&stated, "4 2 6 1 3 5")).await.ok();
    let supervision = city.as_person("supervision").await;
    supervision.post(&format!("/v1/{name}:addEntry"), entry(&stated, "6 6 1 2 5 3")).await.ok();
    dispatched(&department.handler, &name, open_secs).await;
    name
}

/// Asks and upholds; answers the recusal.
async fn recused(department: &Department, visit: &Value, ground: &str, act: &str) -> Value {
    let recusal =
        json!({"draw": visit["draw"], "subject": visit["subject"], "person": visit["officers"][0], "ground": ground});
    let asked = department.handler.post("/v1/recusals", recusal).await.ok();
    let path = format!("/v1/{}:uphold", asked["name"].as_str().unwrap());
    department.reviewer.post(&path, json!({"act": act, "etag": asked["etag"]})).await.ok()
}

/// Checks that the two people of an exchange went to each other's subjects, and nobody else anywhere.
async fn swapped(department: &Department, draw: &str, before: &Value, exchanged: &Value) {
    let (out, joins) = (&exchanged["person"], &exchanged["personIn"]);
    let (subject, other) = (&exchanged["subject"], &exchanged["otherSubject"]);
    assert!(joins.as_str().is_some_and(|joins| !joins.is_empty()) && joins != out && other != subject, "{exchanged}");
    let now = department.handler.get(&format!("/v1/visits?draw={draw}&pageSize=1000")).await.ok();
    let (before, now) = (teams(before), teams(&now["visits"]));
    let mut wanted = before.clone();
    for (subject, out, joins) in [(subject, out, joins), (other, joins, out)] {
        let team = wanted.get_mut(subject.as_str().unwrap()).unwrap();
        assert!(team.remove(out.as_str().unwrap()) && team.insert(joins.as_str().unwrap().to_owned()), "{before:?}");
    }
    assert_eq!(now, wanted);
}

/// Officers by subject.
fn teams(visits: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let visits = visits.as_array().unwrap().iter();
    visits
        .map(|visit| (text(&visit["subject"]), visit["officers"].as_array().unwrap().iter().map(text).collect()))
        .collect()
}

#[tokio::test]
async fn a_recusal_becomes_a_public_line_that_the_command_recomputes() {
    let mut city = City::start(Layout::One).await;
    let department = found_department(&city, "recusing", "410204").await;
    let name = draw(&city, &department).await;
    let public = city.anonymous();
    let empty = public.get(&format!("/v1/public/{name}/log")).await;
    assert!(empty.status.is_success() && empty.body.is_empty(), "{}", empty.text());
    public.get(&format!("/v1/public/{name}/log/head")).await.refused_for("NOT_FOUND", "27");

    let visits = department.handler.get(&format!("/v1/visits?draw={name}&pageSize=1000")).await.ok();
    let exchanged = recused(&department, &visits["visits"][0], "RECUSAL_GROUND_KINSHIP", "RECUSAL_ACT_EXCHANGE").await;
    assert_eq!((exchanged["state"].as_str(), number(&exchanged["line"])), (Some("RECUSAL_STATE_UPHELD"), 1));
    // Six officers share twelve places, two each: whoever is not here is with two subjects, and the one who leaves is with one
    // other. So there is somebody to swap with.
    assert_eq!(exchanged["act"], "RECUSAL_ACT_EXCHANGE", "{exchanged}");
    swapped(&department, &name, &visits["visits"], &exchanged).await;
    let last = visits["visits"].as_array().unwrap().len() - 1;
    let now = department.handler.get(&format!("/v1/visits?draw={name}&pageSize=1000")).await.ok();
    let replaced = recused(&department, &now["visits"][last], "RECUSAL_GROUND_ILLNESS", "RECUSAL_ACT_WITHDRAW").await;
    assert_eq!(replaced["act"], "RECUSAL_ACT_WITHDRAW", "{replaced}");
    public.until(&format!("/v1/public/{name}"), "the log", |draw| number(&draw["logLines"]) == 2).await;

    let lines = public.get(&format!("/v1/public/{name}/log/lines")).await.ok();
    assert_eq!(lines["lines"][0]["personOut"], visits["visits"][0]["officers"][0]);
    assert_eq!((&lines["lines"][0]["act"], &lines["lines"][1]["act"]), (&json!("EXCHANGE"), &json!("WITHDRAW")));
    for column in ["personIn", "otherSubject"] {
        assert_eq!(lines["lines"][0][column], exchanged[column], "{column}");
    }
    assert_eq!(lines["lines"][1]["approvedBy"], "recusing/reviewer");
    let page = public.get(&format!("/{name}")).await.text();
    assert!(page.contains("抽取之后的人员变动") && page.contains("recusing/reviewer"), "the page shows the log");
    verified(&public, &name).await;
    city.stop().await;
}

/// Bundle, log and head as the public downloads them, through the command.
async fn verified(public: &Web, name: &str) {
    let folder = output("recusal");
    let mut kept = Vec::new();
    for (file, path) in [
        ("evidence.tar.gz", format!("/v1/public/{name}/evidence")),
        ("jwks.json", "/.well-known/jwks.json".to_owned()),
        ("log.tsv", format!("/v1/public/{name}/log")),
        ("log-head.json", format!("/v1/public/{name}/log/head")),
    ] {
        let answer = public.get(&path).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text());
        std::fs::write(folder.join(file), &answer.body).unwrap();
        kept.push(folder.join(file));
    }
    let [bundle, jwks, log, head] = kept.as_slice() else { panic!("four files") };
    let verify = || {
        let mut command = Command::new(tests::process::binary());
        command.args(["verify", "--lang", "en"]).arg(bundle).arg("--demo").arg("--jwks").arg(jwks);
        let output = command.arg("--log").arg(log).arg("--log-head").arg(head).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (status, said) = verify();
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("log_act") && said.contains("log_head"), "{said}");
    // Whoever takes the last line away is found out by the head.
    let text = std::fs::read_to_string(log).unwrap();
    std::fs::write(log, text.lines().next().unwrap().to_owned() + "\n").unwrap();
    let (status, said) = verify();
    assert_eq!(status, Some(1), "{said}");
}
