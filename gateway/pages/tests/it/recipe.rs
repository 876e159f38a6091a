//! The recipe with the draw's own values: every command on the page is run by bash as it stands there, against the bundle as it is
//! served, and must print what stands below it. So for whole bundles and for those that withhold files; a forged one differs.

use std::{collections::BTreeMap, io::Read as _, path::PathBuf};

use proto::qingtian::{
    draws::v1::{Contributor, ContributorKind, Draw, DrawState, Drawn, Entry, Stratum},
    portal::v1::PublicDraw,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

use crate::stage::{City, get_with, pages};

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors")
}

/// Members of a bundle.
fn members(bundle: &[u8]) -> BTreeMap<String, String> {
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(bundle).read_to_end(&mut tar).unwrap();
    let (mut files, mut at) = (BTreeMap::new(), 0);
    while tar[at] != 0 {
        let text = |from: usize, to: usize| {
            std::str::from_utf8(&tar[at + from..at + to]).unwrap().trim_end_matches([' ', '\0']).to_owned()
        };
        let size = usize::from_str_radix(&text(124, 136), 8).unwrap();
        files.insert(text(0, 100), String::from_utf8(tar[at + 512..at + 512 + size].to_vec()).unwrap());
        at += 512 + size.div_ceil(512) * 512;
    }
    files
}

fn rows(files: &BTreeMap<String, String>, name: &str) -> Vec<Vec<String>> {
    let text = files.get(name).map_or("", String::as_str);
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// What a portal knows of the draw that this bundle is of.
fn city_of(bundle: &[u8]) -> City {
    let files = members(bundle);
    let json = |name: &str| -> Value { serde_json::from_str(&files[name]).unwrap() };
    let (statement, rules, revealed) = (json("statement.json"), json("rules.json"), json("draw.json"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let at = |value: &Value| {
        let at: chrono::DateTime<chrono::Utc> = value.as_str()?.parse().unwrap();
        Some(prost_types::Timestamp { seconds: at.timestamp(), nanos: 0 })
    };
    let contributors = rules["entropy"].as_array().unwrap().iter().map(|one| Contributor {
        contributor: text(&one["contributor"]),
        kind: ContributorKind::from_str_name(&format!("CONTRIBUTOR_KIND_{}", text(&one["kind"]))).unwrap() as i32,
        unit: text(&one["unit"]),
    });
    let entries = revealed["entries"].as_array().unwrap().iter().map(|entry| {
        let columns: Vec<&str> = entry.as_str().unwrap().split('\t').collect();
        Entry {
            index: columns[0].parse().unwrap(),
            contributor: columns[1].to_owned(),
            value: columns[2].to_owned(),
            create_time: None,
        }
    });
    let result = rows(&files, "result.tsv");
    let strata = rows(&files, "strata.tsv").into_iter().map(|row| Stratum {
        stratum: row[0].clone(),
        subjects: row[1].parse().unwrap(),
        drawn: row[2].parse().unwrap(),
        threshold: if row[3] == "-" { String::new() } else { row[3].clone() },
    });
    let name = text(&statement["draw_id"]);
    let draw = Draw {
        name: name.clone(),
        plan: text(&statement["plan"]),
        organisation: format!("organisations/{}", text(&statement["unit"])),
        state: DrawState::Dispatched as i32,
        contributors: contributors.collect(),
        beacon_waived: text(&rules["beacon_waived"]),
        state_time: at(&statement["stated_at"]),
        entries_close: at(&statement["entries_close"]),
        reveal_time: at(&revealed["revealed_at"]),
        statement: text(&revealed["statement"]),
        statement_json: files["statement.json"].clone(),
        rules_json: files["rules.json"].clone(),
        kid: text(&json("signatures.json")["statement"]["kid"]),
        entries: entries.collect(),
        seed: text(&revealed["seed"]),
        evidence_digest: hex::encode(Sha256::digest(bundle)),
        subjects: statement["subjects_n"].as_i64().unwrap(),
        drawn: i64::try_from(result.len()).unwrap(),
        strata: strata.collect(),
        ..Draw::default()
    };
    let drawn = result.into_iter().zip(1..).map(|(row, place)| Drawn {
        place,
        subject: row[0].clone(),
        ticket: row[1].clone(),
        ..Drawn::default()
    });
    City {
        draws: vec![PublicDraw { name, draw: Some(draw), ..PublicDraw::default() }],
        drawn: drawn.collect(),
        ..City::default()
    }
}

/// A command of the page, and what must come of it.
struct Shown {
    command: String,
    prints: String,
}

fn text_of(markup: &str) -> String {
    markup.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// What stands between two marks, first of all.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    text.split_once(open)?.1.split_once(close).map(|(inner, _)| inner)
}

fn commands(page: &str) -> Vec<Shown> {
    let steps = page.split("<div class=\"step\">").skip(1);
    steps
        .map(|step| Shown {
            command: text_of(between(step, "<code class=\"command\">", "</code>").unwrap()),
            prints: between(step.split("</div>").next().unwrap(), "<samp>", "</samp>")
                .map_or_else(String::new, text_of),
        })
        .collect()
}

/// Serves a bundle and the vectors' keys where the page says they are; answers the port.
async fn serve(bundle: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let keys = std::fs::read(vectors().join("jwks.json")).unwrap();
    let site = axum::Router::new()
        .route("/v1/public/draws/{number}/evidence", axum::routing::get(async move || bundle))
        .route("/.well-known/jwks.json", axum::routing::get(async move || keys));
    tokio::spawn(async move { axum::serve(listener, site).await });
    port
}

/// Pastes all commands into one shell, one after the other; answers what each printed.
async fn pasted(shown: &[Shown], port: u16) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("out")).unwrap();
    std::fs::create_dir(at("home")).unwrap();
    // The page names the site; here it is this test.
    std::fs::write(
        at("home/.curlrc"),
        format!("connect-to = \"kaifeng.example:80:127.0.0.1:{port}\"\nnoproxy = \"*\"\n"),
    )
    .unwrap();
    let mut script = String::new();
    for (nth, one) in shown.iter().enumerate() {
        script.push_str(&format!("{{\n{}\n}} > {}/{nth} 2>&1\n", one.command, at("out").display()));
    }
    std::fs::write(at("script.sh"), script).unwrap();
    let mut shell = tokio::process::Command::new("bash");
    shell.arg(at("script.sh")).current_dir(folder.path()).env("HOME", at("home")).kill_on_drop(true);
    shell.status().await.unwrap();
    let printed = |nth| std::fs::read_to_string(at("out").join(format!("{nth}"))).unwrap_or_default();
    (0..shown.len()).map(|nth| printed(nth).trim_end_matches('\n').to_owned()).collect()
}

#[tokio::test]
async fn every_command_of_the_page_prints_what_stands_below_it() {
    for (name, least) in [
        ("small", 21),
        ("rich", 21),
        ("waived", 21),
        ("empty-pool", 17),
        ("bounds", 21),
        ("later", 21),
        ("names", 21),
        ("withheld-people", 17),
        ("withheld-subjects", 10),
        ("withheld-all", 10),
    ] {
        let bundle = std::fs::read(vectors().join(format!("bundles/{name}.tar.gz"))).unwrap();
        let city = city_of(&bundle);
        let path = format!("/{}/recipe", city.draws[0].name);
        let (pages, port) = (pages(city).await, serve(bundle).await);
        let chinese = get_with(&pages, &path, "lang=zh").await.text;
        let shown = commands(&chinese);
        assert!(shown.len() >= least, "{name}: {} commands", shown.len());
        for (one, found) in shown.iter().zip(pasted(&shown, port).await) {
            assert_eq!(found, one.prints, "{name}: {}", one.command);
        }
        let english = get_with(&pages, &path, "lang=en").await.text;
        let same = |(one, other): (&Shown, &Shown)| one.command == other.command && one.prints == other.prints;
        assert!(commands(&english).iter().zip(&shown).all(same), "{name}: both languages hold the same commands");
        let withheld = name.starts_with("withheld");
        assert_eq!(chinese.contains("下列各步因此无法公开复核"), withheld, "{name}");
        assert_eq!(chinese.contains("python3 teams.py"), !withheld, "{name}");
        assert!(chinese.contains("| sha256sum</code>"), "{name}");
    }
}

#[tokio::test]
async fn another_bundle_than_the_one_announced_prints_something_else() {
    let read = |name: &str| std::fs::read(vectors().join(format!("bundles/{name}.tar.gz"))).unwrap();
    let city = city_of(&read("small"));
    let path = format!("/{}/recipe", city.draws[0].name);
    let pages = pages(city).await;
    let shown = commands(&get_with(&pages, &path, "").await.text);
    let found = pasted(&shown, serve(read("rich")).await).await;
    let differing = shown.iter().zip(&found).filter(|(one, found)| one.prints != **found).count();
    assert!(differing >= 9, "{differing} of {} differ", shown.len());
}
