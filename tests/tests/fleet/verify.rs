//! `qingtian verify` as people run it: its exit status, what it prints, and what it is given.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// What the command said.
#[derive(Debug)]
struct Said {
    status: i32,
    stdout: String,
    stderr: String,
}

fn vectors(path: &str) -> PathBuf {
    tests::root().join("tests/vectors").join(path)
}

/// Runs it on a bundle as a demonstration's, with more arguments.
fn verify(bundle: &Path, more: &[&dyn AsRef<OsStr>]) -> Said {
    let mut command = Command::new(tests::process::binary());
    command.args(["verify", "--lang", "en"]).arg(bundle).arg("--demo").args(more.iter().map(AsRef::as_ref));
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Said { status: output.status.code().unwrap(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

#[test]
fn verify_says_by_its_exit_status_what_it_prints() {
    let jwks = vectors("jwks.json");
    let bundle = vectors("bundles/withheld-people.tar.gz");

    let partly = verify(&bundle, &[&"--jwks", &jwks]);
    assert_eq!(partly.status, 3, "{partly:?}");
    assert!(partly.stdout.contains("\nVERIFIED IN PART: ") && partly.stdout.contains("NOT CHECKED"), "{partly:?}");

    let whole = verify(&bundle, &[&"--jwks", &jwks, &"--with", &vectors("withheld/withheld-people")]);
    assert_eq!(whole.status, 0, "{whole:?}");
    assert!(whole.stdout.contains("\nVERIFIED: all "), "{whole:?}");
    assert!(!whole.stdout.contains("NOT CHECKED"), "{whole:?}");

    // Another draw's officers are not this one's.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("officers.tsv"), "nobody\tmarket\t410202\t\n").unwrap();
    let wrong = verify(&bundle, &[&"--jwks", &jwks, &"--with", &folder.path()]);
    assert_eq!(wrong.status, 1, "{wrong:?}");
    assert!(wrong.stdout.contains("\nNOT VERIFIED: "), "{wrong:?}");

    // Without keys no signature is checked, and it says so.
    let keyless = verify(&vectors("bundles/small.tar.gz"), &[]);
    assert_eq!(keyless.status, 3, "{keyless:?}");
    assert!(keyless.stdout.contains("NOT CHECKED"), "{keyless:?}");
}

#[test]
fn verify_tells_a_program_the_same_as_json() {
    let jwks = vectors("jwks.json");
    let withheld = vectors("withheld/withheld-people");
    let bundle = vectors("bundles/withheld-people.tar.gz");
    for (more, status, verdict) in
        [(&[][..], 3, "partly"), (&[&"--with" as &dyn AsRef<OsStr>, &withheld][..], 0, "verified")]
    {
        let arguments: Vec<&dyn AsRef<OsStr>> =
            [&"--jwks" as &dyn AsRef<OsStr>, &jwks, &"--json"].into_iter().chain(more.iter().copied()).collect();
        let said = verify(&bundle, &arguments);
        assert_eq!(said.status, status, "{said:?}");
        let report: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(report["verdict"], verdict, "{report}");
        let text = verify(&bundle, &arguments.iter().copied().filter(|a| a.as_ref() != "--json").collect::<Vec<_>>());
        let checks = report["checks"].as_array().unwrap();
        assert!(checks.len() > 10, "{report}");
        for check in checks {
            assert!(text.stdout.contains(check["id"].as_str().unwrap()), "{check} is not printed: {text:?}");
        }
    }
}

#[test]
fn verify_ends_with_2_on_what_is_no_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let garbage = folder.path().join("garbage.tar.gz");
    std::fs::write(&garbage, "not a bundle").unwrap();
    let said = verify(&garbage, &[]);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(said.stdout.contains("\nUNREADABLE: "), "{said:?}");

    let absent = folder.path().join("absent.tar.gz");
    let no_keys = folder.path().join("no-keys.json");
    for (bundle, more, named) in [
        (&absent, &[][..], &absent),
        (&vectors("bundles/small.tar.gz"), &[&"--jwks" as &dyn AsRef<OsStr>, &no_keys][..], &no_keys),
        (&vectors("bundles/small.tar.gz"), &[&"--with" as &dyn AsRef<OsStr>, &absent][..], &absent),
    ] {
        let said = verify(bundle, more);
        assert_eq!(said.status, 2, "{said:?}");
        assert!(said.stderr.contains(named.to_str().unwrap()), "{said:?} does not name {}", named.display());
    }
}

#[test]
fn verify_ends_with_1_on_one_tampering_of_each_kind_and_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("python3")
        .args([&vectors("tamper.py"), &vectors("bundles/small.tar.gz"), folder.path()] as [&Path; 3])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let rows: Vec<Value> =
        serde_json::from_slice(&std::fs::read(folder.path().join("manifest.json")).unwrap()).unwrap();
    let mut kinds = BTreeSet::new();
    for row in rows {
        let check = row["expect"]["check"].as_str().unwrap();
        if !kinds.insert((row["kind"].to_string(), check.to_owned())) {
            continue;
        }
        let bundle = folder.path().join(row["bundle"].as_str().unwrap());
        let said = verify(&bundle, &[&"--jwks", &vectors("jwks.json"), &"--json"]);
        assert_eq!(said.status, 1, "{}: {said:?}", row["name"]);
        let report: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(report["verdict"], "not_verified", "{}", row["name"]);
        let mut failed = report["checks"].as_array().unwrap().iter().filter(|check| check["ok"] == Value::Bool(false));
        assert!(failed.any(|failed| failed["id"] == check), "{}: {check} is not named: {report}", row["name"]);
    }
    println!("{} kinds of tampering, each refused with exit status 1", kinds.len());
    assert!(kinds.len() > 25, "only {kinds:?}");
}
