//! Three verifiers, none trusting the others: every vector and every tampering is judged alike by the command and by the
//! browser's verifier, which was written from the document alone.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use lottery::{
    testing::{Draw, Shape, jwks},
    verify::{Options, verify},
};
use serde_json::Value;

/// What a verifier says of one bundle.
#[derive(Debug)]
struct Said {
    verdict: String,
    /// The first failing check in the shared order, with its file: the name both give to what is wrong. What follows from it may
    /// be told differently, since each computes on from what it trusts.
    named: Option<(String, String)>,
    failed: BTreeSet<(String, String)>,
}

fn said(report: &Value) -> Said {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let failing = report["checks"].as_array().unwrap().iter().filter(|check| check["ok"] == Value::Bool(false));
    let failing: Vec<_> =
        failing.map(|check| (text(&check["id"]), text(&check["file"]).trim_end_matches('/').to_owned())).collect();
    Said { verdict: text(&report["verdict"]), named: failing.first().cloned(), failed: failing.into_iter().collect() }
}

fn by_command(bundle: &Path, jwks: &str) -> Said {
    let options = Options { jwks: Some(jwks), demo: true, ..Options::default() };
    let report = verify(std::fs::File::open(bundle).unwrap(), &options);
    said(&report.to_json())
}

fn python(arguments: &[&Path]) {
    let output = Command::new("python3").args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn by_browser(manifest: &Path, jwks: &Path) -> Vec<Value> {
    let cli = tests::root().join("gateway/pages/recheck/dist/cli.mjs");
    let output = Command::new("node")
        .arg(cli)
        .args(["--batch".as_ref(), manifest.as_os_str(), "--jwks".as_ref(), jwks.as_os_str(), "--demo".as_ref()])
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(!lines.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_tampering_is_named_alike_by_the_command_and_the_browsers_verifier() {
    let vectors = tests::root().join("tests/vectors");
    let jwks_path = vectors.join("jwks.json");
    let jwks = std::fs::read_to_string(&jwks_path).unwrap();
    let mut bundles: Vec<PathBuf> =
        std::fs::read_dir(vectors.join("bundles")).unwrap().map(|e| e.unwrap().path()).collect();
    bundles.retain(|path| path.to_string_lossy().ends_with(".tar.gz"));
    bundles.sort();
    let mut judged = 0;
    for bundle in bundles {
        let folder = tempfile::tempdir().unwrap();
        python(&[&vectors.join("tamper.py"), &bundle, folder.path()]);
        let manifest = folder.path().join("manifest.json");
        let rows: Vec<Value> = serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
        let browser = by_browser(&manifest, &jwks_path);
        assert_eq!(rows.len(), browser.len(), "the browser's verifier judged every bundle");
        for (row, browser) in rows.iter().zip(&browser) {
            let what = format!("{} {}", bundle.file_name().unwrap().to_string_lossy(), row["name"]);
            let command = by_command(&folder.path().join(row["bundle"].as_str().unwrap()), &jwks);
            let browser = said(browser);
            assert_eq!(
                (&command.verdict, &command.named),
                (&browser.verdict, &browser.named),
                "{what}: {}",
                row["what"]
            );
            assert!(["not_verified", "unreadable"].contains(&command.verdict.as_str()), "{what} was not noticed");
            let expected = &row["expect"];
            let wanted = |failed: &BTreeSet<(String, String)>| {
                failed.iter().any(|(id, file)| {
                    *id == expected["check"] && (expected["file"].is_null() || *file == expected["file"])
                })
            };
            assert!(wanted(&command.failed) && wanted(&browser.failed), "{what}: {expected}: {command:?} {browser:?}");
            judged += 1;
        }
    }
    println!("{judged} tamperings judged alike");
    assert!(judged > 200, "only {judged} tamperings");
}

#[test]
fn random_draws_of_the_product_are_verified_by_both() {
    let many = if std::env::var_os("QINGTIAN_PROVE").is_some() { 10_000 } else { 60 };
    let folder = tempfile::tempdir().unwrap();
    let mut rows = Vec::new();
    let mut expected = Vec::new();
    std::fs::write(folder.path().join("jwks.json"), jwks()).unwrap();
    for seed in 0..many {
        let name = format!("{seed}.tar.gz");
        std::fs::write(folder.path().join(&name), Draw::random(seed, &shape(seed)).unwrap().bundle().unwrap()).unwrap();
        let said = by_command(&folder.path().join(&name), &jwks());
        assert!(
            ["verified", "partly"].contains(&said.verdict.as_str()) && said.failed.is_empty(),
            "seed {seed}: {said:?}"
        );
        expected.push(said);
        rows.push(serde_json::json!({"name": name, "bundle": name}));
    }
    let manifest = folder.path().join("manifest.json");
    std::fs::write(&manifest, serde_json::to_vec(&rows).unwrap()).unwrap();
    let browser = by_browser(&manifest, &folder.path().join("jwks.json"));
    assert_eq!(browser.len(), expected.len(), "the browser's verifier judged every bundle");
    for (seed, (browser, command)) in browser.iter().zip(expected).enumerate() {
        let browser = said(browser);
        assert_eq!((browser.verdict, browser.failed), (command.verdict, command.failed), "seed {seed}");
    }
    println!("{many} random draws verified alike, seeds 0 to {}", many - 1);
}

/// Shapes from tiny to middling; every fifth draw withholds a file.
fn shape(seed: u64) -> Shape {
    let n = usize::try_from(seed).unwrap();
    let withheld = match n % 10 {
        3 => vec!["officers.tsv".to_owned()],
        8 => vec!["left_out.tsv".to_owned(), "subjects.tsv".to_owned()],
        _ => Vec::new(),
    };
    Shape {
        subjects: [0, 1, 7, 60, 300][n % 5],
        strata: 1 + n % 4,
        districts: 1 + n % 3,
        units: 1 + n % 2,
        officers: 1 + n % 7,
        experts: n % 5,
        exclusion_one_in: n % 4,
        withheld,
        ..Shape::default()
    }
}
