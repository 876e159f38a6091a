//! The house stands as ARCHITECTURE.md says: who may depend on whom, and what may not touch the outside.

use std::{collections::BTreeSet, path::Path};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What each crate of ours may depend on, outside its tests.
const MAY_USE: [(&str, &[&str]); 12] = [
    ("proto", &[]),
    ("client", &["proto"]),
    ("kit", &["proto"]),
    ("lottery", &[]),
    ("identity", &["proto", "kit"]),
    ("catalog", &["proto", "kit"]),
    ("draws", &["proto", "kit", "lottery"]),
    ("portal", &["proto", "kit", "lottery"]),
    ("pages", &["proto", "kit"]),
    ("gateway", &["proto", "kit", "pages"]),
    ("qingtian", &["proto", "kit", "lottery", "identity", "catalog", "draws", "portal", "gateway"]),
    ("tests", &["proto", "client", "kit", "lottery", "qingtian", "identity", "catalog", "draws", "portal", "gateway"]),
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
            // But the lottery is no part: what the pages print for outsiders is tested against it.
            let test_alone = dependency.kind == DependencyKind::Development;
            let own = test_alone && (name == package.name.as_str() || name == "lottery");
            assert!(!ours.contains(name) || allowed.contains(&name) || own, "{} may not use {name}", package.name);
        }
    }
}

fn sources(folder: &Path, ending: &str, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["target", "node_modules", "dist", "var", ".git"].contains(&name.as_str()) {
            sources(&path, ending, found);
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for folder in ["proto", "services", "gateway", "tests"] {
        sources(&tests::root().join(folder), ".rs", &mut found);
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
        for word in [
            "async fn",
            "sqlx::",
            "tonic::",
            "tokio",
            "Utc::now",
            "Local::now",
            "SystemTime::now",
            "Instant::now",
            "std::net",
            "std::fs",
            "std::env",
        ] {
            assert!(!content.contains(word), "{text} is to be pure but contains {word}");
        }
    }
    assert!(seen > 10, "only {seen} pure modules found: is this test looking in the right place?");
}

/// What asks a database for the time.
const CLOCKS: [&str; 10] = [
    "now()",
    "current_timestamp",
    "current_date",
    "current_time",
    "localtimestamp",
    "localtime",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "timeofday",
];

/// The first of them in a piece of SQL, as a word of its own.
fn clock_in(sql: &str) -> Option<&'static str> {
    let sql = sql.split("--").next().unwrap_or_default().to_lowercase().replace(" ()", "()");
    let in_a_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    CLOCKS.into_iter().find(|word| {
        sql.match_indices(word).any(|(at, _)| {
            let (before, after) = (sql[..at].chars().next_back(), sql[at + word.len()..].chars().next());
            !before.is_some_and(in_a_word) && !after.is_some_and(in_a_word)
        })
    })
}

/// The string literals of Rust source, over however many lines, raw ones too; comments are skipped.
fn literals(source: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['"', '/', '\'', '#']) {
        let here = &rest[at..];
        let (skipped, inside) = if here.starts_with("//") {
            (here.find('\n').unwrap_or(here.len()), None)
        } else if let Some(text) = here.strip_prefix('"') {
            let mut escaped = false;
            let end = text.find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            let end = end.unwrap_or(text.len());
            (here.len().min(end + 2), Some(&text[..end]))
        } else if here.starts_with('#') && rest[..at].ends_with('r') && here.trim_start_matches('#').starts_with('"') {
            let hashes = here.len() - here.trim_start_matches('#').len();
            let end = format!("\"{}", &here[..hashes]);
            let inside = &here[hashes + 1..];
            let length = inside.find(&end).unwrap_or(inside.len());
            (here.len().min(hashes + 1 + length + end.len()), Some(&inside[..length]))
        } else if here.starts_with("'\"'") || here.starts_with("'\\\"'") {
            (here[1..].find('\'').unwrap_or(0) + 2, None)
        } else {
            (1, None)
        };
        found.extend(inside);
        rest = &here[skipped..];
    }
    found
}

#[test]
fn the_search_for_clocks_finds_what_it_should() {
    let source = r##"
        // "now()" in a comment
        let quote = ['"', '\"']; // and after it "now()"
        query("select a, -- the time
               from b where c < now()");
        query(r#"update "a" set b = CURRENT_TIMESTAMP"#).bind(clock.now());
        let known = "a.now() know() current_dates \" now()x";
    "##;
    let literals = literals(source);
    assert_eq!(literals.len(), 3, "{literals:?}");
    let clocks: Vec<_> = literals.iter().map(|sql| sql.lines().find_map(clock_in)).collect();
    assert_eq!(clocks, [Some("now()"), Some("current_timestamp"), None]);
    assert_eq!(clock_in("default now (), -- now"), Some("now()"));
    assert_eq!(clock_in("a text not null -- never now()"), None);
}

#[test]
fn sql_never_asks_the_database_for_the_time() {
    let (mut strings, mut files) = (0, 0);
    for path in all_sources() {
        let text = path.to_string_lossy().into_owned();
        if text.contains("/tests/") {
            continue;
        }
        let content = std::fs::read_to_string(&path).unwrap();
        for literal in literals(&content) {
            strings += 1;
            let clock = literal.lines().find_map(clock_in);
            assert_eq!(clock, None, "{text}: SQL calls a clock; the act's time is handed in: {literal}");
        }
    }
    let mut sql = Vec::new();
    sources(&tests::root().join("services"), ".sql", &mut sql);
    for path in sql {
        files += 1;
        let content = std::fs::read_to_string(&path).unwrap();
        assert_eq!(content.lines().find_map(clock_in), None, "{}: SQL calls a clock", path.display());
    }
    assert!(
        strings > 1_000 && files > 8,
        "only {strings} literals and {files} SQL files: is this looking in the right place?"
    );
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
