//! An unannounced draw by credit class with experts (art. 15-18), through the gateway: kept inside until its day, verified in
//! part by anybody who is handed the bundle, and whole by the auditor.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use chrono::Datelike;
use serde_json::{Value, json};
use tests::{
    city::{City, Layout},
    output,
};

use crate::{
    story::small_register,
    telling::{Department, dispatched, entry, found_department, number},
};

const DISTRICT: &str = "410205";

#[tokio::test]
async fn an_unannounced_draw_by_class_in_one_process() {
    tell(Layout::One).await;
}

#[tokio::test]
async fn an_unannounced_draw_by_class_in_one_process_per_part() {
    tell(Layout::Many).await;
}

async fn tell(layout: Layout) {
    let mut city = City::start(layout).await;
    let department = found_department(&city, "unannounced", DISTRICT).await;
    let (name, day) = draw(&city, &department).await;

    // The department sees at once who was drawn, and may take the evidence.
    let drawn = department.handler.get(&format!("/v1/{name}/drawn?pageSize=1000")).await.ok();
    let rows = drawn["drawn"].as_array().unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        assert_eq!(
            (row["officers"].as_array().unwrap().len(), row["experts"].as_array().unwrap().len()),
            (2, 1),
            "{row}"
        );
    }
    let inside = department.handler.get(&format!("/v1/{name}/evidence")).await;
    assert!(inside.status.is_success(), "{}", inside.text());

    // Nobody outside does before that day; that it was drawn, and the digest of the evidence, are public.
    let public = city.anonymous();
    let revealed = |draw: &Value| draw["draw"]["evidenceDigest"].as_str().is_some_and(|digest| !digest.is_empty());
    let shown = public.until(&format!("/v1/public/{name}"), "the portal", revealed).await;
    assert_eq!(shown["publishAfter"], day);
    assert!(shown["draw"]["seed"].as_str().unwrap_or_default().is_empty(), "{shown}");
    assert!(shown["draw"]["strata"].as_array().is_none_or(Vec::is_empty), "nobody is told the classes: {shown}");
    assert_eq!(shown["draw"]["withheldFiles"], json!(["subjects.tsv"]));
    for path in ["evidence", "drawn", "log"] {
        public.get(&format!("/v1/public/{name}/{path}")).await.refused_for("NOT_PUBLIC_YET", "18");
    }
    let key = rows[0]["subject"].as_str().unwrap();
    public.get(&format!("/v1/public/{name}:lookUp?subject={key}")).await.refused_for("NOT_PUBLIC_YET", "18");
    let stranger = city.as_person("emergency-handler").await;
    stranger.get(&format!("/v1/{name}/evidence")).await.refused_for("NOT_FOUND", "27");

    // In part with the bundle alone; whole with what the auditor is sent for a purpose.
    let folder = output(&format!("shapes-{layout:?}").to_lowercase());
    let (bundle, jwks) = (folder.join("evidence.tar.gz"), folder.join("jwks.json"));
    std::fs::write(&bundle, &inside.body).unwrap();
    std::fs::write(&jwks, &public.get("/.well-known/jwks.json").await.body).unwrap();
    let (status, said) = verify(&bundle, &jwks, None);
    assert_eq!(status, Some(3), "{said}");
    assert!(said.contains("subjects.tsv is withheld"), "{said}");
    let auditor = city.as_person("auditor").await;
    let withheld = format!("/v1/{name}/withheld");
    auditor.get(&withheld).await.refused_for("PURPOSE_MISSING", "44");
    department.handler.for_purpose("audit").get(&withheld).await.refused_for("ROLE_MISSING", "27");
    let sent = auditor.for_purpose("annual audit of draws").get(&withheld).await;
    assert!(sent.status.is_success(), "{}", sent.text());
    let given = unpacked(&folder, &sent.body);
    let (status, said) = verify(&bundle, &jwks, Some(&given));
    assert_eq!(status, Some(0), "{said}");
    println!("{layout:?}: {name}: verified in part by the public's bundle, whole with what the auditor was sent");
    city.stop().await;
}

/// Draws over a small register divided by class; answers the draw's name and its day of publication.
async fn draw(city: &City, department: &Department) -> (String, String) {
    let columns = ["key=code", "title=name", "credit_class=信用等级"];
    let (report, _) = department.upload_register("名录.csv", classified_register(80), &columns, DISTRICT).await;
    assert_eq!((number(&report["created"]), number(&report["returned"])), (80, 0), "{report}");
    department.publish_items("事项.csv", crate::faults::items_csv()).await;
    for nth in 1..=3 {
        let expert = json!({"key": format!("E-{nth}"), "realName": "周岩", "employer": "河南大学", "specialties": ["lab"],
            "districts": [DISTRICT]});
        department.handler.post(&format!("/v1/{}/experts", department.name), expert).await.ok();
    }
    let today = kit::workdays::legal_day(chrono::Utc::now());
    let (end, day) = (today + chrono::Days::new(1), today + chrono::Days::new(2));
    let mut plan = department.draft("不预先告知的抽查", &department.items().await, 100_000);
    for (member, value) in [
        ("year", json!(today.year())),
        ("startDate", json!(today.to_string())),
        ("endDate", json!(end.to_string())),
        ("stratification", json!("STRATIFICATION_CREDIT_CLASS")),
        ("quotas", json!([])),
        ("experts", json!({"count": 1, "specialty": "lab"})),
        ("publishAfter", json!({"basis": "食品安全法第一百零九条", "date": day.to_string()})),
    ] {
        plan[member] = value;
    }
    let plan = department.publish_plan(plan).await;
    let written = department.handler.get(&format!("/v1/{plan}")).await.ok();
    assert_eq!(written["withheld"]["files"], json!(["subjects.tsv"]), "by default");
    assert_eq!(written["quotas"].as_array().unwrap().len(), 5, "those of the settings");
    let page =
        city.anonymous().until(&format!("/v1/public/{plan}"), "the portal", |plan| plan["plan"].is_object()).await;
    assert_eq!(page["plan"]["publishAfter"]["date"], day.to_string());

    let open_secs = 30;
    let created = department.handler.post("/v1/draws", department.draw_of(&plan, open_secs, open_secs + 1)).await.ok();
    let stated = department.state(&created).await;
    let name = stated["name"].as_str().unwrap().to_owned();
    assert_eq!(stated["strata"].as_array().unwrap().len(), 2);
    department.handler.post(&format!("/v1/{name}:addEntry"), entry(&stated, "4 2 6 1 3 5")).await.ok();
    let supervision = city.as_person("supervision").await;
    supervision.post(&format!("/v1/{name}:addEntry"), entry(&stated, "6 6 1 2 5 3")).await.ok();
    let done = dispatched(&department.handler, &name, open_secs).await;
    // 40 in class C at 40 %, 40 without a class at 10 %.
    assert_eq!(number(&done["drawn"]), 16 + 4);
    (name, day.to_string())
}

/// A small register whose first 40 stand in class C of the province's list, and the rest in none.
fn classified_register(count: u32) -> Vec<u8> {
    let register = String::from_utf8(small_register(DISTRICT.parse().unwrap(), count)).unwrap();
    let class = |line| match line {
        0 => "信用等级",
        1..=40 => "C",
        _ => "未分类",
    };
    register.lines().enumerate().flat_map(|(line, row)| format!("{row},{}\n", class(line)).into_bytes()).collect()
}

/// `qingtian verify`: its exit status and what it prints.
fn verify(bundle: &Path, jwks: &Path, with: Option<&Path>) -> (Option<i32>, String) {
    let mut command = Command::new(tests::process::binary());
    command.args(["verify", "--lang", "en"]).arg(bundle).arg("--demo").arg("--jwks").arg(jwks);
    if let Some(with) = with {
        command.arg("--with").arg(with);
    }
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Unpacks what the auditor was sent, as the auditor would.
fn unpacked(folder: &Path, archive: &[u8]) -> PathBuf {
    let (file, with) = (folder.join("withheld.tar.gz"), folder.join("withheld"));
    std::fs::write(&file, archive).unwrap();
    let _ = std::fs::remove_dir_all(&with);
    std::fs::create_dir(&with).unwrap();
    let status = Command::new("tar").arg("-xzf").arg(&file).arg("-C").arg(&with).status().unwrap();
    assert!(status.success());
    let mut names: Vec<_> = std::fs::read_dir(&with).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["strata.tsv", "subjects.tsv"]);
    with
}

/// What a plan that cannot be meant is answered, through the front door.
#[tokio::test]
async fn a_plan_that_hides_without_basis_is_refused_beside_its_field() {
    let mut city = City::start(Layout::One).await;
    let department = found_department(&city, "hiding", DISTRICT).await;
    let refused = async |member: &str, value: Value, field: &str| {
        let mut plan = department.draft("计划", &[], 100_000);
        plan[member] = value;
        let answer = department.handler.post("/v1/plans", plan).await;
        answer.refused_for("INVALID", "");
        assert!(answer.text().contains(field), "{field}: {}", answer.text());
    };
    refused("withheld", json!({"files": ["subjects.tsv"]}), "withheld.basis").await;
    refused("withheld", json!({"files": ["rules.json"], "basis": "保密法"}), "withheld.files").await;
    refused("publishAfter", json!({"date": "2026-12-31", "basis": "保密法"}), "publish_after.date").await;
    refused("experts", json!({"count": 99}), "experts.count").await;
    refused("registerBasis", json!("信用条例"), "register_basis").await;
    city.stop().await;
}
