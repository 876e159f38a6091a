//! Whatever is changed in the evidence is noticed and named (art. 15): every file dropped, added, swapped, reordered and
//! edited byte by byte, and draws that the operator itself, holding the key, made consistent again.

use std::collections::BTreeMap;

use lottery::{
    Digest,
    bundle::{self, FILES},
    reveal::{DRAW, DrawRecord, RESULT, STRATA},
    rules::{Kind, Quota},
    sign::{Jwks, PublicKey, SIGNATURES, sign, statement_text},
    statement::STATEMENT,
    testing::{Dice, Draw, KID, Shape, jwks, signing_key},
    verify::{Options, Report, Verdict, verify},
};

pub type Files = BTreeMap<String, Vec<u8>>;

/// A small draw in which every file has at least two lines and some teams have experts.
pub fn draw() -> Draw {
    let shape = Shape {
        subjects: 24,
        left_out: 4,
        strata: 2,
        districts: 2,
        units: 2,
        officers: 4,
        experts: 6,
        exclusion_one_in: 4,
        withheld: vec![],
    };
    for seed in 1.. {
        let mut dice = Dice::new(seed);
        let draw = Draw::random(seed, &shape).unwrap();
        let mut rules = draw.rules.clone();
        rules.cover_district = true;
        rules.experts.count = 1;
        for quota in rules.quotas.values_mut() {
            *quota = Quota::Ppm(300_000);
        }
        let draw = Draw::of(draw.files, rules, &mut dice).unwrap();
        let rich = draw.reveal.rows.iter().filter(|row| !row.officers.is_empty() && !row.experts.is_empty()).count();
        if rich >= 3 {
            println!("draw of seed {seed}");
            return draw;
        }
    }
    unreachable!()
}

pub fn recheck(bundle: &[u8]) -> Report {
    let keys = jwks();
    verify(bundle, &Options { jwks: Some(&keys), demo: true, ..Options::default() })
}

fn recheck_files(files: &Files) -> Report {
    recheck(&bundle::write(Vec::new(), files).unwrap())
}

/// Names of the failing checks.
pub fn failing(report: &Report) -> Vec<String> {
    report
        .failed()
        .map(|check| check.file.as_ref().map_or_else(|| check.id.to_owned(), |file| format!("{} {file}", check.id)))
        .collect()
}

#[track_caller]
pub fn expect(report: &Report, any_of: &[&str]) {
    assert_eq!(report.verdict, Verdict::NotVerified, "{:#}", report.to_json());
    let failing = failing(report);
    assert!(
        failing.iter().any(|name| any_of.contains(&name.as_str())),
        "wanted one of {any_of:?}, failing are {failing:?}"
    );
}

/// The check that must notice any change of a file's bytes, whatever else does.
fn guard(file: &str) -> Vec<String> {
    let mut guards = vec![format!("format {file}")];
    match file {
        STATEMENT => guards.push("statement".to_owned()),
        STRATA | RESULT => guards.push(format!("result_digest {file}")),
        DRAW => guards.push("signature draw".to_owned()),
        SIGNATURES => guards.extend(["statement", "entries", "draw"].map(|what| format!("signature {what}"))),
        _ => guards.push(format!("digest {file}")),
    }
    guards
}

#[track_caller]
fn expect_guard(report: &Report, file: &str) {
    let guards = guard(file);
    expect(report, &guards.iter().map(String::as_str).collect::<Vec<_>>());
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect()
}

#[test]
fn the_untouched_bundle_is_verified() {
    let report = recheck_files(&draw().files);
    assert_eq!(report.verdict, Verdict::Verified, "{:#}", report.to_json());
    assert_eq!(report.draw_id.as_deref(), Some("draws/2026-0007"));
    let mut ids: Vec<&str> = report.checks.iter().map(|check| check.id).collect();
    ids.dedup();
    assert_eq!(
        ids,
        [
            "archive",
            "format",
            "statement",
            "digest",
            "commitment",
            "merkle",
            "subjects",
            "rules",
            "entries",
            "seed",
            "strata",
            "selection",
            "teams",
            "result_digest",
            "time",
            "signature"
        ]
    );
}

#[test]
fn a_dropped_file_is_named() {
    for file in FILES {
        let mut files = draw().files;
        files.remove(file);
        expect(&recheck_files(&files), &[&format!("archive {file}")]);
    }
}

#[test]
fn two_swapped_files_are_noticed() {
    let files = draw().files;
    for (at, one) in FILES.into_iter().enumerate() {
        for other in &FILES[at + 1..] {
            let mut swapped = files.clone();
            swapped.insert(one.to_owned(), files[*other].clone());
            swapped.insert((*other).to_owned(), files[one].clone());
            let report = recheck_files(&swapped);
            expect_guard(&report, one);
            expect_guard(&report, other);
        }
    }
}

#[test]
fn a_dropped_added_or_moved_line_is_noticed() {
    let files = draw().files;
    for file in FILES.into_iter().filter(|file| file.ends_with(".tsv")) {
        let all = lines(&files[file]);
        assert!(all.len() > 1, "{file}");
        let mut changes: Vec<Vec<Vec<u8>>> = Vec::new();
        for at in 0..all.len() {
            let mut dropped = all.clone();
            dropped.remove(at);
            changes.push(dropped);
            let mut repeated = all.clone();
            repeated.insert(at, all[at].clone());
            changes.push(repeated);
            if at > 0 {
                let mut moved = all.clone();
                moved.swap(at - 1, at);
                changes.push(moved);
            }
        }
        let mut added = all.clone();
        let mut line = all[all.len() - 1].clone();
        line.insert(0, b'z');
        added.push(line);
        changes.push(added);
        changes.push(vec![all.concat().strip_suffix(b"\n").unwrap().to_vec()]);
        for change in changes {
            let mut changed = files.clone();
            changed.insert(file.to_owned(), change.concat());
            expect_guard(&recheck_files(&changed), file);
        }
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    let files = draw().files;
    let mut dice = Dice::new(7);
    for file in FILES {
        for at in 0..files[file].len() {
            if files[file].len() > 600 && !dice.one_in(3) {
                continue;
            }
            let mut changed = files.clone();
            let byte = &mut changed.get_mut(file).unwrap()[at];
            *byte = match dice.below(3) {
                0 => *byte ^ 1,
                1 => byte.wrapping_add(1),
                _ => dice.roll().to_le_bytes()[0],
            };
            if changed[file] != files[file] {
                expect_guard(&recheck_files(&changed), file);
            }
        }
    }
}

#[test]
fn an_extra_or_missing_member_is_noticed() {
    let files = draw().files;
    for file in FILES.into_iter().filter(|file| file.ends_with(".json")) {
        let value: serde_json::Value = serde_json::from_slice(&files[file]).unwrap();
        let with = |value: &serde_json::Value| {
            let mut changed = files.clone();
            changed.insert(file.to_owned(), lottery::json::canonical(value).unwrap());
            expect(&recheck_files(&changed), &[&format!("format {file}")]);
        };
        let mut more = value.clone();
        more.as_object_mut().unwrap().insert("zz".to_owned(), 1.into());
        with(&more);
        for member in value.as_object().unwrap().keys() {
            let mut less = value.clone();
            less.as_object_mut().unwrap().remove(member);
            with(&less);
            let mut other = value.clone();
            other[member] = serde_json::json!([{"neither": "this"}]);
            with(&other);
        }
    }
}

/// Puts changed results back together as the operator could: digests, `draw.json` and signatures all fit again.
fn seal(draw: &mut Draw, change: impl FnOnce(&mut DrawRecord)) {
    let mut record = DrawRecord::parse(&draw.files[DRAW]).unwrap();
    record.result_digest = Digest::of(&draw.files[RESULT]);
    record.strata_digest = Digest::of(&draw.files[STRATA]);
    change(&mut record);
    draw.reveal.entries = record.entries.clone();
    draw.files.insert(DRAW.to_owned(), record.to_bytes().unwrap());
    draw.sign().unwrap();
}

fn rows(draw: &Draw) -> Vec<Vec<String>> {
    let text = String::from_utf8(draw.files[RESULT].clone()).unwrap();
    text.lines().map(|line| line.split('\t').map(ToOwned::to_owned).collect()).collect()
}

fn set_rows(draw: &mut Draw, rows: &[Vec<String>]) {
    let text: String = rows.iter().map(|row| row.join("\t") + "\n").collect();
    draw.files.insert(RESULT.to_owned(), text.into_bytes());
    seal(draw, |_| {});
}

#[test]
fn the_operator_cannot_spare_or_add_a_subject() {
    let mut spared = draw();
    let mut all = rows(&spared);
    let gone = all.remove(1);
    set_rows(&mut spared, &all);
    let report = recheck_files(&spared.files);
    assert_eq!(failing(&report), ["selection result.tsv"]);
    assert!(report.failed().next().unwrap().message.contains(&format!("{} is drawn, but missing", gone[0])));

    let mut added = draw();
    let mut all = rows(&added);
    let drawn: Vec<&String> = all.iter().map(|row| &row[0]).collect();
    let victim = (0..24).map(|at| format!("91410200DEMO{at:06}")).find(|key| !drawn.contains(&key)).unwrap();
    let ticket = lottery::hash::Tickets::new(&added.reveal.seed).subject(victim.as_bytes()).to_string();
    let at = all.iter().position(|row| row[1] > ticket).unwrap_or(all.len());
    all.insert(at, vec![victim.clone(), ticket, String::new(), String::new()]);
    set_rows(&mut added, &all);
    let report = recheck_files(&added.files);
    assert_eq!(failing(&report), ["selection result.tsv"]);
    assert!(report.failed().next().unwrap().message.contains(&format!("{victim} is not drawn")));
}

#[test]
fn the_operator_cannot_choose_who_goes() {
    let original = draw();
    let officers = String::from_utf8(original.files["officers.tsv"].clone()).unwrap();
    let keys: Vec<&str> = officers.lines().map(|line| line.split('\t').next().unwrap()).collect();
    let target = rows(&original).iter().position(|row| !row[2].is_empty()).unwrap();
    let team: Vec<String> = rows(&original)[target][2].split(',').map(ToOwned::to_owned).collect();
    let other = keys.iter().find(|key| !team.contains(&(**key).to_owned())).unwrap();
    type Change<'a> = Box<dyn Fn(&mut Vec<String>) + 'a>;
    let changes: Vec<(&str, Change)> = vec![
        ("a swapped officer", Box::new(|row| row[2] = row[2].replacen(&team[0], other, 1))),
        ("one officer fewer", Box::new(|row| row[2] = team[1..].join(","))),
        ("one twice", Box::new(|row| row[2] = [&team[..], &team[..1]].concat().join(","))),
        ("another order", Box::new(|row| row[2] = team.iter().rev().cloned().collect::<Vec<_>>().join(","))),
        ("no team", Box::new(|row| row[2] = String::new())),
        ("a stranger", Box::new(|row| row[2] = row[2].replacen(&team[0], "stranger", 1))),
        ("an officer as expert", Box::new(|row| row[3] = team[0].clone())),
    ];
    for (what, change) in changes {
        let mut forged = draw();
        let mut all = rows(&forged);
        change(&mut all[target]);
        if all[target] == rows(&original)[target] {
            continue; // a team of one has no other order
        }
        set_rows(&mut forged, &all);
        let report = recheck_files(&forged.files);
        assert_eq!(failing(&report), ["teams result.tsv"], "{what}");
        assert!(report.failed().next().unwrap().message.contains(&all[target][0]), "{what}");
    }
}

#[test]
fn the_operator_cannot_change_entries_thresholds_or_times() {
    type Change = fn(&mut DrawRecord);
    let changes: [(&str, Change, &str); 9] = [
        ("an entry dropped", |record| drop(record.entries.remove(1)), "entries"),
        ("an entry added", |record| record.entries.push("4\tx\t1".into()), "entries"),
        ("two entries swapped", |record| record.entries.swap(0, 1), "entries"),
        ("another value", |record| record.entries[0].push('1'), "seed"),
        ("another beacon", |record| record.entries[2] = record.entries[2].replace("03 07", "02 07"), "seed"),
        ("a beacon of no form", |record| record.entries[2] = "3\tlottery:demo:2026135\t1".into(), "entries"),
        ("another secret", |record| record.secret = lottery::Secret::new([1; 32]), "commitment"),
        (
            "revealed too late",
            |record| record.revealed_at = lottery::Time::parse("2026-09-03T08:00:01Z").unwrap(),
            "time",
        ),
        (
            "revealed too early",
            |record| record.revealed_at = lottery::Time::parse("2026-09-02T08:00:00Z").unwrap(),
            "time",
        ),
    ];
    for (what, change, named) in changes {
        let mut forged = draw();
        seal(&mut forged, change);
        let failing = failing(&recheck_files(&forged.files));
        assert!(failing.contains(&named.to_owned()), "{what}: {failing:?}");
    }
    let mut forged = draw();
    let text = String::from_utf8(forged.files[STRATA].clone()).unwrap();
    let k = text.split('\t').nth(2).unwrap();
    forged.files.insert(STRATA.to_owned(), text.replacen(&format!("\t{k}\t"), "\t1\t", 1).into_bytes());
    seal(&mut forged, |_| {});
    assert_eq!(failing(&recheck_files(&forged.files)), ["strata strata.tsv"]);
}

#[test]
fn a_demonstrations_beacon_needs_a_demonstrations_key() {
    let mut forged = draw();
    assert_eq!(forged.rules.entropy.iter().filter(|one| one.kind == Kind::Beacon).count(), 1);
    let text = String::from_utf8(forged.files[SIGNATURES].clone()).unwrap();
    forged.files.insert(SIGNATURES.to_owned(), text.replace(KID, "real-1").into_bytes());
    let key = PublicKey {
        kid: "real-1".into(),
        purpose: "evidence".into(),
        nbf: 0,
        exp: None,
        key: signing_key().verifying_key(),
    };
    let report =
        verify(forged.bundle().unwrap().as_slice(), &Options { jwks: Some(&Jwks::text(&[key])), ..Options::default() });
    assert_eq!(failing(&report), ["rules"]);
}

#[test]
fn keys_are_used_for_their_purpose_and_in_their_time() {
    let draw = draw();
    let bundle = draw.bundle().unwrap();
    let at = |text: &str| lottery::Time::parse(text).unwrap().epoch_secs();
    let (stated, closed, revealed) =
        (at("2026-09-01T08:00:00Z"), at("2026-09-02T08:00:00Z"), at("2026-09-02T13:00:00Z"));
    let key = |purpose: &str, nbf, exp| PublicKey {
        kid: KID.into(),
        purpose: purpose.into(),
        nbf,
        exp,
        key: signing_key().verifying_key(),
    };
    let other =
        PublicKey { key: ed25519_dalek::SigningKey::from_bytes(&[9; 32]).verifying_key(), ..key("evidence", 0, None) };
    let none: [&str; 0] = [];
    let (statement, entries, evidence) = ("signature statement", "signature entries", "signature draw");
    for (keys, wanted) in [
        (vec![key("evidence", stated, None)], none.to_vec()),
        (vec![key("demonstration", stated, Some(revealed + 1))], none.to_vec()),
        (vec![key("evidence", stated + 1, None)], vec![statement]),
        (vec![key("evidence", 0, Some(revealed))], vec![evidence]),
        (vec![key("evidence", 0, Some(closed))], vec![entries, evidence]),
        (vec![key("statement", 0, None)], vec![evidence]),
        (vec![key("token", 0, None)], vec![statement, entries, evidence]),
        (vec![other.clone()], vec![statement, entries, evidence]),
        (vec![key("evidence", 0, None), other], vec![statement, entries, evidence]),
        (vec![], vec![statement, entries, evidence]),
    ] {
        let report =
            verify(bundle.as_slice(), &Options { jwks: Some(&Jwks::text(&keys)), demo: true, ..Options::default() });
        assert_eq!(failing(&report), wanted, "{keys:?}");
    }
    let unreadable = verify(bundle.as_slice(), &Options { jwks: Some("{}"), demo: true, ..Options::default() });
    assert_eq!(failing(&unreadable), [statement, entries, evidence]);
}

#[test]
fn a_signature_over_another_text_is_refused() {
    let mut forged = draw();
    let mut signatures = lottery::sign::Signatures::parse(&forged.files[SIGNATURES]).unwrap();
    signatures.entries = sign(KID, &signing_key(), &statement_text(&forged.stated.digest));
    forged.files.insert(SIGNATURES.to_owned(), signatures.to_bytes().unwrap());
    assert_eq!(failing(&recheck_files(&forged.files)), ["signature entries"]);
}

#[test]
fn files_given_beside_the_bundle_are_the_withheld_ones() {
    let shape = Shape { withheld: vec!["officers.tsv".into(), "subjects.tsv".into()], ..Shape::default() };
    let draw = Draw::random(5, &shape).unwrap();
    let (bundle, keys) = (draw.bundle().unwrap(), jwks());
    let with = |with: Files| verify(bundle.as_slice(), &Options { jwks: Some(&keys), demo: true, with });
    assert_eq!(with(draw.withheld()).verdict, Verdict::Verified);
    let mut only_subjects = draw.withheld();
    only_subjects.remove("officers.tsv");
    assert_eq!(with(only_subjects).verdict, Verdict::Partly, "never verified where teams cannot be checked");

    for file in ["officers.tsv", "subjects.tsv", "strata.tsv"] {
        let mut changed = draw.withheld();
        changed.get_mut(file).unwrap()[0] ^= 1;
        expect_guard(&with(changed), file);
    }
    let mut more = draw.withheld();
    more.insert("rules.json".into(), draw.files["rules.json"].clone());
    expect(&with(more), &["archive rules.json"]);
    let mut other = draw.withheld();
    other.insert("experts.tsv".into(), b"x\n".to_vec());
    expect(&with(other), &["archive experts.tsv"]);

    // Withheld, and in the bundle all the same.
    expect(&recheck_files(&draw.files), &["archive officers.tsv"]);
    // Absent, and not withheld.
    let mut less = draw.public();
    less.remove("experts.tsv");
    expect(&recheck_files(&less), &["archive experts.tsv"]);
}

#[test]
fn a_withheld_file_leaves_what_the_others_show_to_be_checked() {
    let shape = Shape { withheld: vec!["exclusions.tsv".into()], officers: 6, ..Shape::default() };
    let original = Draw::random(5, &shape).unwrap();
    assert_eq!(recheck(&original.bundle().unwrap()).verdict, Verdict::Partly);
    let target = rows(&original).iter().position(|row| row[2].contains(',')).unwrap();
    let row = rows(&original)[target].clone();
    let team: Vec<&str> = row[2].split(',').collect();
    for (what, officers) in [
        ("one fewer", team[1..].join(",")),
        ("one twice", [&team[..1], &team[..1], &team[2..]].concat().join(",")),
        ("a stranger", [&["stranger"][..], &team[1..]].concat().join(",")),
    ] {
        let mut forged = original.clone();
        let mut all = rows(&forged);
        all[target][2] = officers;
        set_rows(&mut forged, &all);
        assert_eq!(failing(&recheck(&forged.bundle().unwrap())), ["teams result.tsv"], "{what}");
    }
}
