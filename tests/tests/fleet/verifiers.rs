//! Three verifiers, none trusting the others: every vector and every tampering is judged alike by the command and by the
//! browser's verifier, which was written from the document alone.

mod browser;
mod edges;
mod forge;
mod hostile;
mod logs;
mod recipe;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use lottery::{
    reveal::STRATA,
    testing::{Dice, Draw, KID, jwks},
    verify::{Options, Verdict, verify},
};
use serde_json::Value;

use self::{
    browser::{Browser, Given},
    edges::Counts,
};

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
fn random_draws_with_every_edge_case_are_verified_alike() {
    let seed = env_or("QINGTIAN_SEED", 1);
    let many = env_or("QINGTIAN_BUNDLES", if proving() { 10_000 } else { 200 }) as usize;
    let sampled_every = (many / if proving() { 200 } else { 10 }).max(1);
    let folder = tempfile::tempdir().unwrap();
    let mut browser = Browser::start(&jwks(), folder.path());
    let edges = edges::all();
    let (mut counts, mut ways, mut verdicts) = (Counts::default(), Counts::default(), Counts::default());
    for nth in 0..many {
        let own = seed.wrapping_add(nth as u64);
        let edge = edges[own as usize % edges.len()];
        let (draw, has) = edges::draw_with(edge, own);
        let (way, given) = way(&draw, own);
        let wanted = wanted(&draw, &given);
        let bundle = draw.bundle().unwrap();
        let report = by_the_command(&bundle, &given);
        let what = format!("QINGTIAN_SEED={own} QINGTIAN_BUNDLES=1, {}, {way}", edge.name);
        let (command, browser) = (outcome(&report), outcome(&browser.verify(&bundle, &given)));
        assert_eq!(command, browser, "{what}: the command, the browser's verifier");
        assert_eq!(command.verdict, wanted.as_str(), "{what}: {command:?}");
        if nth % sampled_every == 0 {
            let status = by_the_binary(folder.path(), &bundle, &given);
            assert_eq!(status, Some(wanted.exit_status()), "{what}: the exit status of qingtian verify");
        }
        counts.add(has);
        ways.add([way]);
        verdicts.add([wanted.as_str()]);
    }
    println!("{many} random bundles from seed {seed}, judged alike: {:?}, {:?}", verdicts.0, ways.0);
    println!("edge cases: {:?}", counts.0);
    // A single bundle is drawn again to see what is wrong with it.
    let least = if proving() { 100 } else { usize::from(many > 1) };
    assert_eq!(counts.below(least, edges.iter().map(|edge| edge.name)), [""; 0], "edge cases in fewer than {least}");
    assert_eq!(ways.below(least, WAYS), [""; 0], "ways in fewer than {least}");
}

#[test]
fn forged_draws_are_refused_alike() {
    let seed = env_or("QINGTIAN_SEED", 1);
    let forgeries = forge::all();
    let many = env_or("QINGTIAN_BUNDLES", if proving() { 10_000 } else { 2 * forgeries.len() as u64 }) as usize;
    let folder = tempfile::tempdir().unwrap();
    let mut browser = Browser::start(&jwks(), folder.path());
    let edges = edges::all();
    let (mut noticed, mut due, mut verdicts) = (Counts::default(), Counts::default(), Counts::default());
    let (mut differing, mut missed) = (Vec::new(), Vec::new());
    for nth in 0..many {
        let own = seed.wrapping_add(nth as u64);
        let forgery = forgeries[own as usize % forgeries.len()];
        // Every other round through the forgeries nothing is kept from the verifiers, so that each must notice each at least once.
        let is_whole = (own as usize / forgeries.len()).is_multiple_of(2);
        // Some draws have nothing to forge so, or drew nobody: the next one may.
        let (draw, files) = (0..)
            .map(|again| {
                let mut dice = Dice::new(own.wrapping_mul(1 << 20) + again);
                let (draw, _) = edges::draw_with(edges[dice.below(edges.len())], own.wrapping_mul(1 << 10) + again);
                let files = forge::forged(&draw, forgery, &mut dice);
                (draw, files)
            })
            .filter(|(draw, _)| !is_whole || !draw.reveal.rows.is_empty())
            .find_map(|(draw, files)| Some((draw, files?)))
            .unwrap();
        let (way, given) = if is_whole {
            (WAYS[1], Given { with: draw.withheld(), demo: true, keyless: false })
        } else {
            let (way, given) = way(&draw, own);
            (way, Given { demo: true, ..given })
        };
        let bundle = lottery::bundle::write(Vec::new(), &files).unwrap();
        let (command, browser) = (by_the_command(&bundle, &given), browser.verify(&bundle, &given));
        let (command, browser) = (said(&command), said(&browser));
        let told = format!("QINGTIAN_SEED={own} QINGTIAN_BUNDLES=1, {}, {way}: {command:?} {browser:?}", forgery.name);
        if (&command.verdict, &command.named) != (&browser.verdict, &browser.named) {
            differing.push(told.clone());
        }
        let notices = |said: &Said| ["not_verified", "unreadable"].contains(&said.verdict.as_str());
        if notices(&command) {
            noticed.add([forgery.name]);
        }
        if forgery.fits.must_be_noticed(&draw, &given.with, given.keyless) {
            due.add([forgery.name]);
            if !notices(&command) || !notices(&browser) {
                missed.push(told);
            }
        }
        verdicts.add([if command.verdict == "not_verified" { "refused" } else { "not to be seen in what is public" }]);
    }
    println!("{many} forgeries of {} kinds from seed {seed}, judged alike: {:?}", forgeries.len(), verdicts.0);
    assert_eq!(differing.join("\n"), "", "{} judged differently", differing.len());
    assert_eq!(missed.join("\n"), "", "{} missed that must be noticed", missed.len());
    if many > forgeries.len() {
        assert_eq!(due.below(1, forgeries.iter().map(|forgery| forgery.name)), [""; 0], "never had to be noticed");
        assert_eq!(noticed.below(1, forgeries.iter().map(|forgery| forgery.name)), [""; 0], "never noticed");
    }
}

/// How a bundle is checked.
const WAYS: [&str; 6] = [
    "with the keys",
    "with keys and all that was withheld",
    "with some of what was withheld",
    "with the withheld files but strata.tsv",
    "without keys",
    "no demonstrations",
];

fn way(draw: &Draw, seed: u64) -> (&'static str, Given) {
    let mut dice = Dice::new(seed ^ 0x5eed);
    let mut with = draw.withheld();
    let nth = dice.below(WAYS.len());
    match nth {
        0 | 4 => with.clear(),
        2 => with.retain(|_, _| dice.one_in(2)),
        3 => with.retain(|file, _| file != STRATA),
        _ => {}
    }
    (WAYS[nth], Given { with, demo: nth != 5, keyless: nth == 4 })
}

/// What must be said of a draw that is right.
fn wanted(draw: &Draw, given: &Given) -> Verdict {
    let lacking = draw.withheld().keys().any(|file| !given.with.contains_key(file));
    if !given.demo && draw.kid == KID {
        Verdict::NotVerified
    } else if given.keyless || lacking {
        Verdict::Partly
    } else {
        Verdict::Verified
    }
}

/// All that two verifiers must say alike: the verdict, its exit status, and each check with its file.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    verdict: String,
    draw_id: Value,
    checks: Vec<(String, String, Value)>,
}

fn outcome(report: &Value) -> Outcome {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let checks = report["checks"].as_array().unwrap().iter();
    Outcome {
        verdict: text(&report["verdict"]),
        draw_id: report["draw_id"].clone(),
        checks: checks.map(|check| (text(&check["id"]), text(&check["file"]), check["ok"].clone())).collect(),
    }
}

fn by_the_command(bundle: &[u8], given: &Given) -> Value {
    let keys = jwks();
    let options = Options { jwks: (!given.keyless).then_some(&keys), with: given.with.clone(), demo: given.demo };
    verify(bundle, &options).to_json()
}

/// The exit status of the command itself.
fn by_the_binary(folder: &Path, bundle: &[u8], given: &Given) -> Option<i32> {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("bundle.tar.gz"), bundle).unwrap();
    std::fs::write(at("jwks.json"), jwks()).unwrap();
    std::fs::create_dir(at("with")).unwrap();
    for (file, bytes) in &given.with {
        std::fs::write(at("with").join(file), bytes).unwrap();
    }
    let mut command = Command::new(tests::process::binary());
    command.arg("verify").arg(at("bundle.tar.gz")).arg("--with").arg(at("with"));
    if given.demo {
        command.arg("--demo");
    }
    if !given.keyless {
        command.arg("--jwks").arg(at("jwks.json"));
    }
    command.output().unwrap().status.code()
}

fn proving() -> bool {
    std::env::var_os("QINGTIAN_PROVE").is_some()
}

fn env_or(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap())
}
