//! The benches with tiny counts: that they run and say what others read, that `draw` keeps its registers. Never how fast.

use std::{
    collections::BTreeSet,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

fn bench(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qingtian"));
    command.args(["bench", "draw", "--runs", "1", "--import-rows", "90"]).args(arguments).arg("--data").arg(folder);
    command.env_remove("DATABASE_URL").output().unwrap()
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_bench_of_the_draw_says_what_others_read_and_keeps_its_registers() {
    let folder = tempfile::tempdir().unwrap();
    // As root the server runs as another user, who must be able to enter.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();

    let output = bench(folder.path(), &["--subjects", "1800", "900", "--json"]);
    let (json, progress) = said(&output);
    let report: Value = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}\n{progress}"));
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(members(&report), ["bench", "machine", "cases"].map(str::to_owned).into());
    assert_eq!(report["bench"], "draw");
    let cases = report["cases"].as_array().unwrap();
    let mut names = Vec::new();
    for case in cases {
        assert_eq!(members(case), ["name", "value", "unit", "bound", "holds"].map(str::to_owned).into());
        let (name, value) = (case["name"].as_str().unwrap(), case["value"].as_f64().unwrap());
        assert!(value.is_finite() && (case["unit"] == "exponent" || value > 0.0), "{case}");
        let bound = case["bound"].as_f64();
        assert_eq!(case["holds"], bound.is_none_or(|bound| value <= bound), "{case}");
        names.push((name, bound.is_some()));
    }
    let expected = [
        ("reveal.900", false),
        ("reveal-1000-officers.900", false),
        ("statement.900", false),
        ("reveal.1800", true),
        ("reveal-1000-officers.1800", false),
        ("statement.1800", true),
        ("memory-statement.1800", true),
        ("memory-reveal.1800", true),
        ("statement-withheld.1800", false),
        ("memory-statement-withheld.1800", false),
        ("statement-quarter.1800", false),
        ("growth.900-1800", true),
        ("import.90", true),
    ];
    assert_eq!(names, expected);
    let all_hold = cases.iter().all(|case| case["holds"] == true);
    assert_eq!(output.status.code(), Some(i32::from(!all_hold)), "{progress}");
    assert!(progress.contains("order by random() limit 18") && progress.contains("Seq Scan on subject"), "{progress}");
    assert!(progress.contains("making the register of 900 "), "{progress}");

    let again = bench(folder.path(), &["--subjects", "900"]);
    let (text, progress) = said(&again);
    assert!(text.contains("reveal.900") && text.contains("import.90"), "{text}\n{progress}");
    assert!(progress.contains("found the register of 900 ") && !progress.contains("making"), "{progress}");
}

#[test]
fn the_bench_of_the_gateway_asks_in_every_way_and_tells_what_it_skips() {
    // Nothing is installed there.
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_qingtian"));
    command.current_dir(folder.path()).args(["bench", "gateway", "--json", "--requests", "20", "--runs", "1"]);
    let output = command.args(["--connections", "2", "--threads", "1"]).output().unwrap();
    let (json, progress) = said(&output);
    let report: Value = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}\n{progress}"));
    assert_eq!(report["bench"], "gateway");
    assert!(progress.contains("no Envoy"), "{progress}");
    let cases = report["cases"].as_array().unwrap();
    let mut names = Vec::new();
    for case in cases {
        let (name, bound) = (case["name"].as_str().unwrap(), case["bound"].as_f64());
        if name.ends_with("envoy") {
            assert!(case["value"].is_null() && case["holds"].is_null(), "{case}");
        } else {
            let value = case["value"].as_f64().unwrap();
            assert!(value.is_finite() && value > 0.0, "{case}");
            assert_eq!(case["holds"], bound.is_none_or(|bound| value >= bound), "{case}");
        }
        names.push((name.to_owned(), bound));
    }
    let answer = |answer: &str, direct: Option<f64>, envoy: Option<f64>| {
        let told = ["cpu-gateway", "cpu-envoy", "cpu-service"].map(|name| (name, None));
        let all = [("over-direct", direct), ("over-envoy", envoy)].into_iter().chain(told);
        all.map(|(name, bound)| (format!("{answer}.{name}"), bound)).collect::<Vec<_>>()
    };
    let told = ["empty", "list", "search"].map(|name| answer(name, None, None));
    let expected: Vec<_> = answer("item", Some(0.6), Some(1.3)).into_iter().chain(told.into_iter().flatten()).collect();
    assert_eq!(names, expected);
    let all_hold = cases.iter().all(|case| case["holds"] != false);
    assert_eq!(output.status.code(), Some(i32::from(!all_hold)), "{progress}");
}

/// The cases of a bench that came to its end, with whether they have a bound.
fn cases(arguments: &[&str]) -> Vec<(String, bool)> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_qingtian"));
    command.arg("bench").args(arguments).args(["--json", "--runs", "1", "--data"]).arg(folder.path());
    let output = command.env_remove("DATABASE_URL").output().unwrap();
    let (json, progress) = said(&output);
    let report: Value = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}\n{progress}"));
    let cases = report["cases"].as_array().unwrap().iter();
    cases
        .map(|case| (case["name"].as_str().unwrap().to_owned(), case["bound"].is_f64() && case["value"].is_f64()))
        .collect()
}

#[test]
fn the_bench_of_work_lists_asks_for_each_of_them() {
    let lists = ["department", "department-by-due-date", "officer", "city"];
    let expected: Vec<_> = lists.iter().map(|list| (format!("{list}.2000"), true)).collect();
    assert_eq!(cases(&["worklist", "--visits", "2000", "--users", "3", "--pages", "2"]), expected);
}

#[test]
fn the_bench_of_caps_states_with_and_without_them() {
    assert_eq!(cases(&["draw", "--caps", "--subjects", "1800"]), [("statement-capped.1800".to_owned(), true)]);
}
