//! The house stands as ARCHITECTURE.md says: who may depend on whom, and what may not touch the outside.

use std::{collections::BTreeSet, path::Path};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What each crate of ours may depend on, outside its tests.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("proto", &[]),
    ("kit", &["proto"]),
    ("lottery", &[]),
    ("identity", &["proto", "kit"]),
    ("catalog", &["proto", "kit"]),
    ("draws", &["proto", "kit", "lottery"]),
    ("portal", &["proto", "kit", "lottery"]),
    ("pages", &["proto", "kit"]),
    ("gateway", &["proto", "kit", "pages"]),
    ("qingtian", &["proto", "kit", "lottery", "identity", "catalog", "draws", "portal", "gateway"]),
    ("tests", &["proto", "kit", "lottery", "qingtian", "identity", "catalog", "draws", "portal"]),
];

#[test]
fn no_crate_uses_one_it_may_not() {
    let metadata = MetadataCommand::new().manifest_path(tests::root().join("Cargo.toml")).exec().unwrap();
    let ours: BTreeSet<&str> = metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect();
    let listed: BTreeSet<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    assert_eq!(ours, listed, "every crate of the workspace has its line in MAY_USE");
    for package in metadata.workspace_packages() {
        let (_, allowed) = MAY_USE.iter().find(|(name, _)| *name == package.name.as_str()).unwrap();
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            // A part's tests, too, never use another part: they speak to it through the contract.
            let own = name == package.name.as_str() && dependency.kind == DependencyKind::Development;
            assert!(!ours.contains(name) || allowed.contains(&name) || own, "{} may not use {name}", package.name);
        }
    }
}

fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["target", "node_modules", "dist", "var", ".git"].contains(&name.as_str()) {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for folder in ["proto", "services", "gateway", "tests"] {
        sources(&tests::root().join(folder), &mut found);
    }
    found.sort();
    found
}

#[test]
fn rules_and_the_lottery_touch_nothing_outside() {
    let mut seen = 0;
    for path in all_sources() {
        let text = path.to_string_lossy().into_owned();
        let pure = path.file_name().unwrap() == "rules.rs" && !text.contains("/kit/")
            || text.contains("/lottery/src/")
            || text.contains("/rules/");
        if !pure {
            continue;
        }
        seen += 1;
        let content = std::fs::read_to_string(&path).unwrap();
        for word in ["async fn", "sqlx::", "tonic::", "Utc::now", "SystemTime::now", "std::net", "std::fs"] {
            assert!(!content.contains(word), "{text} is to be pure but contains {word}");
        }
    }
    assert!(seen > 10, "only {seen} pure modules found: is this test looking in the right place?");
}

#[test]
fn sql_never_asks_the_database_for_the_time() {
    for path in all_sources() {
        let text = path.to_string_lossy().into_owned();
        if text.contains("/tests/") {
            continue;
        }
        let content = std::fs::read_to_string(&path).unwrap();
        for word in ["now()", "current_timestamp", "clock_timestamp", "current_date"] {
            let quoted = content.lines().any(|line| {
                let code = line.split("//").next().unwrap_or_default().to_lowercase();
                let sql =
                    ["select ", "insert ", "update ", "delete ", "where ", "values"].iter().any(|w| code.contains(w));
                sql && code.contains('"') && code.contains(word) && !code.contains(&format!(".{word}"))
            });
            assert!(!quoted, "{text}: SQL calls {word}; the act's time is handed in");
        }
    }
}

#[test]
fn every_service_has_the_same_anatomy() {
    for service in qingtian::fleet::SERVICES {
        let folder = tests::root().join("services").join(service);
        for file in ["Cargo.toml", "migrations", "grants.sql", "src/lib.rs", "tests/it/main.rs"] {
            assert!(folder.join(file).exists(), "{service} lacks {file}");
        }
    }
}
