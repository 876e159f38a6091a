//! The contract as integrators get it: whole, the same bytes every time, and compatible with the one that was given out before.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use tests::root;

fn made(folder: &Path) -> PathBuf {
    let told = Command::new(root().join("scripts/contract.sh")).arg(folder).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).unwrap().trim().into()
}

/// Makes the archive and unpacks it into a folder; answers its root.
pub fn unpacked(folder: &Path) -> PathBuf {
    let archive = made(folder);
    let status = Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder).status().unwrap();
    assert!(status.success());
    folder.join(archive.file_name().unwrap().to_str().unwrap().trim_end_matches(".tar.gz"))
}

fn buf() -> Command {
    let buf = root().join("var/tools/venv/bin/buf");
    assert!(buf.exists(), "{} is missing; scripts/install.sh --tests makes it", buf.display());
    let mut command = Command::new(buf);
    // What it keeps of its own goes nowhere.
    command.env("BUF_CACHE_DIR", std::env::temp_dir().join("qingtian-buf"));
    command
}

fn files(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.insert(path);
        }
    }
}

fn protos(folder: &Path) -> BTreeSet<(PathBuf, Vec<u8>)> {
    let mut found = BTreeSet::new();
    for package in ["google", "qingtian"] {
        files(&folder.join(package), &mut found);
    }
    let below = |path: PathBuf| {
        let content = std::fs::read(&path).unwrap();
        (path.strip_prefix(folder).unwrap().to_owned(), content)
    };
    found.into_iter().filter(|path| path.extension().is_some_and(|e| e == "proto")).map(below).collect()
}

#[test]
fn the_contracts_archive_is_whole_and_the_same_every_time() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, second) = (made(one.path()), made(two.path()));
    assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(second).unwrap(), "the same sources, the same bytes");
    let version = env!("CARGO_PKG_VERSION");
    assert!(first.ends_with(format!("qingtian-contract-{version}.tar.gz")), "{}", first.display());
    let contract = unpacked(two.path());
    assert_eq!(protos(&contract.join("proto")), protos(&root().join("proto")), "every proto file and no other");
    let told = std::fs::read_to_string(contract.join("VERSION")).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], format!("version {version}"));
    assert!(lines[1].strip_prefix("proto ").is_some_and(|digest| digest.len() == 64), "{told}");
    // By itself, without the repository, it compiles and holds to the rules.
    for rule in ["build", "lint"] {
        let told =
            buf().arg(rule).arg(contract.join("proto")).args((rule == "build").then_some("-o/dev/null")).output();
        let told = told.unwrap();
        assert!(
            told.status.success(),
            "{}{}",
            String::from_utf8_lossy(&told.stdout),
            String::from_utf8_lossy(&told.stderr)
        );
    }
    for file in ["README.md", "LICENSE", "verify/recheck.mjs", "verify/reference.py"] {
        assert!(contract.join(file).exists(), "{file} is missing");
    }
}

/// What was given out last is `tests/golden/contract.binpb.gz`. It is renewed with every release, by this test alone under
/// UPDATE_GOLDEN; before the first release whoever breaks the contract on purpose renews it, and says so in the commit.
/// `buf breaking` with the rules of `proto/buf.yaml`, against what was given out; answers what it says.
fn breaks(folder: &Path) -> Option<String> {
    let before = root().join("tests/golden/contract.binpb.gz");
    let told = buf().arg("breaking").arg(folder).arg("--against").arg(before).output().unwrap();
    let text = String::from_utf8_lossy(&told.stdout).into_owned() + &String::from_utf8_lossy(&told.stderr);
    (!told.status.success()).then_some(text)
}

#[test]
fn the_contract_breaks_nothing_that_was_given_out() {
    let file = root().join("tests/golden/contract.binpb.gz");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let status =
            buf().arg("build").arg(root().join("proto")).args(["--exclude-source-info", "-o"]).arg(&file).status();
        assert!(status.unwrap().success());
    }
    assert_eq!(breaks(&root().join("proto")), None, "clients of before would break");
    // It is noticed when a field gets another number, an rpc goes, or an enum value is called otherwise.
    let folder = tempfile::tempdir().unwrap();
    for (package, from, to) in [
        ("identity", "string token = 1;", "string token = 9;"),
        ("draws", "rpc GetImport(", "rpc FetchImport("),
        ("draws", "SUBJECT_STATUS_REVOKED = 5;", "SUBJECT_STATUS_WITHDRAWN = 5;"),
    ] {
        let copy = folder.path().join(to.split(['(', ' ']).collect::<String>());
        let status = Command::new("cp").arg("-r").arg(root().join("proto")).arg(&copy).status().unwrap();
        assert!(status.success());
        let mut all = BTreeSet::new();
        files(&copy.join("qingtian").join(package), &mut all);
        let mut changed = 0;
        for path in all {
            let content = std::fs::read_to_string(&path).unwrap();
            if content.contains(from) {
                std::fs::write(&path, content.replace(from, to)).unwrap();
                changed += 1;
            }
        }
        assert!(changed > 0, "{from} stands nowhere");
        assert!(breaks(&copy).is_some(), "{from} became {to}, and nobody noticed");
    }
}
