//! `qingtian bench draw` on tiny registers: that it runs, says what others read, and keeps its registers. Never how fast.

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
