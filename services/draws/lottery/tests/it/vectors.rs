//! Agreement to the byte with vectors made from the document alone by a program that shares no code with this crate
//! (`tests/vectors/README.md`), and every tampering it can think of. Needs `python3`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use lottery::{
    Digest, Secret, Time,
    beacon::Beacon,
    bundle,
    entries::seed,
    frozen::{Exclusions, Subjects, parse_people},
    hash::{Role, Tickets},
    merkle,
    names::{date, draw_id, is_name, is_value},
    rules::{Experts, Places, Quota, Rules},
    select::{select, strata_tsv},
    sign::{Jwks, Signature},
    statement::commitment,
    teams::{People, Visit, place},
    testing::{Draw, Shape},
    verify::{Options, Report, Verdict, verify},
};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/vectors")
}

fn vectors(name: &str) -> Vec<Value> {
    all()[name].as_array().unwrap().clone()
}

fn all() -> Value {
    serde_json::from_slice(&fs::read(folder().join("vectors.json")).unwrap()).unwrap()
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn digest(value: &Value, member: &str) -> Digest {
    Digest::parse(text(value, member)).unwrap()
}

/// Lines as a file.
fn file(value: &Value) -> Vec<u8> {
    texts(value).iter().flat_map(|line| format!("{line}\n").into_bytes()).collect()
}

fn quota(value: &Value) -> Quota {
    value
        .get("ppm")
        .map_or_else(|| Quota::Count(value["count"].as_u64().unwrap()), |ppm| Quota::Ppm(ppm.as_u64().unwrap()))
}

#[test]
fn commitments_agree() {
    for vector in vectors("commitment") {
        let secret = Secret::parse(text(&vector, "secret")).unwrap();
        assert_eq!(commitment(text(&vector, "draw_id"), &secret), digest(&vector, "commitment"));
    }
}

#[test]
fn trees_and_their_proofs_agree() {
    for vector in vectors("merkle") {
        let (lines, file, root) = (texts(&vector["lines"]), file(&vector["lines"]), digest(&vector, "root"));
        assert_eq!(merkle::root(&file), root);
        for (index, line) in lines.iter().enumerate().step_by(if vector["paths"].is_null() { 97 } else { 1 }) {
            let proof = merkle::prove(&file, index as u64).unwrap();
            let path: Vec<String> = proof.path.iter().map(ToString::to_string).collect();
            // The largest tree comes without its paths; there the proof must lead to the root all the same.
            if let Some(paths) = vector["paths"].as_array() {
                assert_eq!(path, texts(&paths[index]), "line {index} of {}", lines.len());
            }
            proof.check(&root, line.as_bytes()).unwrap();
        }
    }
}

#[test]
fn seeds_agree() {
    for vector in vectors("seed") {
        let secret = Secret::parse(text(&vector, "secret")).unwrap();
        assert_eq!(seed(&digest(&vector, "statement"), &secret, &texts(&vector["entries"])), digest(&vector, "seed"));
    }
}

#[test]
fn tickets_agree() {
    let vector = &all()["tickets"];
    let tickets = Tickets::new(&digest(vector, "seed"));
    for one in vector["subjects"].as_array().unwrap() {
        assert_eq!(tickets.subject(text(one, "key").as_bytes()), digest(one, "ticket"), "{one}");
    }
    for one in vector["people"].as_array().unwrap() {
        let role = if text(one, "role") == "officer" { Role::Officer } else { Role::Expert };
        assert_eq!(
            tickets.person(role, text(one, "person").as_bytes(), text(one, "subject").as_bytes()),
            digest(one, "ticket"),
            "{one}"
        );
    }
}

#[test]
fn places_of_a_stratum_agree() {
    for vector in vectors("k") {
        assert_eq!(
            Some(quota(&vector["quota"]).places(vector["n"].as_u64().unwrap())),
            vector["k"].as_u64(),
            "{vector}"
        );
    }
}

#[test]
fn selections_agree() {
    for vector in vectors("selection") {
        let pool = file(&vector["subjects"]);
        let subjects = Subjects::parse(&pool, false).unwrap();
        let quotas: BTreeMap<String, Quota> =
            vector["quotas"].as_object().unwrap().iter().map(|(name, one)| (name.clone(), quota(one))).collect();
        let selection = select(&subjects, &quotas, Tickets::new(&digest(&vector, "seed"))).unwrap();
        assert_eq!(strata_tsv(&selection.strata), file(&vector["strata"]));
        let drawn: Vec<(String, String)> =
            selection.drawn.iter().map(|one| (one.key().to_owned(), one.ticket.to_string())).collect();
        let wanted: Vec<(String, String)> = serde_json::from_value(vector["drawn"].clone()).unwrap();
        assert_eq!(drawn, wanted);
    }
}

#[test]
fn teams_agree() {
    let base = Draw::random(1, &Shape::default()).unwrap().rules;
    for vector in vectors("teams") {
        let (officers, experts) = (file(&vector["officers"]), file(&vector["experts_tsv"]));
        let officers = parse_people("officers.tsv", &officers, false).unwrap();
        let experts = parse_people("experts.tsv", &experts, false).unwrap();
        let exclusions = Exclusions::parse(&file(&vector["exclusions"]), false).unwrap();
        let specialty = |value: &Value| value["specialty"].as_str().map(ToOwned::to_owned);
        let rules = Rules {
            cover_district: vector["cover_district"].as_bool().unwrap(),
            experts: Experts {
                count: vector["experts"]["count"].as_u64().unwrap(),
                specialty: specialty(&vector["experts"]),
            },
            teams: vector["teams"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| Places {
                    size: one["size"].as_u64().unwrap(),
                    specialty: specialty(one),
                    unit: text(one, "unit").to_owned(),
                })
                .collect(),
            ..base.clone()
        };
        let drawn: Vec<(String, String, String)> = serde_json::from_value(vector["drawn"].clone()).unwrap();
        let visits: Vec<Visit> = drawn.iter().map(|(key, _, district)| Visit { key, district }).collect();
        let people = People { officers: &officers, experts: &experts, exclusions: &exclusions };
        let teams = place(&visits, &people, &rules, Tickets::new(&digest(&vector, "seed")));
        let result: Vec<String> = drawn
            .iter()
            .zip(&teams)
            .map(|((key, ticket, _), team)| {
                let officers: Vec<&str> = team.officers.iter().map(|&at| officers[at as usize].key.as_str()).collect();
                let experts: Vec<&str> = team.experts.iter().map(|&at| experts[at as usize].key.as_str()).collect();
                format!("{key}\t{ticket}\t{}\t{}", officers.join(","), experts.join(","))
            })
            .collect();
        assert_eq!(result, texts(&vector["result"]), "{}", text(&vector, "title"));
    }
}

#[test]
fn signatures_agree() {
    let jwks = Jwks::parse(&fs::read_to_string(folder().join("jwks.json")).unwrap()).unwrap();
    for vector in vectors("signatures") {
        let signature = Signature { kid: text(&vector, "kid").to_owned(), value: text(&vector, "value").to_owned() };
        let key = &jwks.find(&signature.kid).unwrap().key;
        signature.check(text(&vector, "text"), key).unwrap();
        assert!(signature.check(&text(&vector, "text").to_uppercase(), key).is_err());
    }
}

#[test]
fn forms_agree() {
    let forms = &all()["forms"];
    type Form = fn(&str) -> bool;
    let checks: [(&str, Form); 6] = [
        ("date", |text| date(text).is_ok()),
        ("digest", |text| Digest::parse(text).is_ok()),
        ("draw_id", |text| draw_id(text).is_ok()),
        ("name", |text| is_name(text.as_bytes())),
        ("time", |text| Time::parse(text).is_ok()),
        ("value", |text| is_value(text.as_bytes())),
    ];
    for (form, check) in checks {
        for (kind, wanted) in [("valid", true), ("invalid", false)] {
            for text in texts(&forms[form][kind]) {
                assert_eq!(check(&text), wanted, "{form} {text:?}");
            }
        }
    }
    for (kind, wanted) in [("valid", true), ("invalid", false)] {
        for pair in forms["beacon"][kind].as_array().unwrap() {
            let pair = texts(pair);
            let good = Beacon::parse(&pair[0]).is_ok_and(|beacon| beacon.check_value(&pair[1]).is_ok());
            assert_eq!(good, wanted, "{pair:?}");
        }
        for pair in forms["beacon_signature"][kind].as_array().unwrap() {
            let pair = texts(pair);
            let beacon = Beacon::parse(&pair[0]).unwrap();
            assert_eq!(beacon.check_signature(&pair[1]).is_ok(), wanted, "{pair:?}");
        }
    }
}

fn withheld(vector: &Value) -> BTreeMap<String, Vec<u8>> {
    let Some(name) = vector["with"].as_str() else { return BTreeMap::new() };
    let files = fs::read_dir(folder().join(name)).unwrap().map(|file| file.unwrap().path());
    files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap())).collect()
}

#[test]
fn bundles_come_to_the_same_verdicts_and_bytes() {
    let keys = fs::read_to_string(folder().join("jwks.json")).unwrap();
    let mut verdicts = 0;
    for vector in vectors("bundles") {
        let packed = fs::read(folder().join(text(&vector, "bundle"))).unwrap();
        let mut files = bundle::read(packed.as_slice()).unwrap().files;
        for (given, wanted) in vector["verdicts"].as_object().unwrap() {
            let has = |what: &str| given.split(',').any(|one| one == what);
            let options = Options {
                jwks: has("jwks").then_some(keys.as_str()),
                with: if has("with") { withheld(&vector) } else { BTreeMap::new() },
                demo: has("demo"),
            };
            let report = verify(packed.as_slice(), &options);
            assert_eq!(
                Some(report.verdict.as_str()),
                wanted.as_str(),
                "{} given {given}: {:#}",
                text(&vector, "name"),
                report.to_json()
            );
            assert_eq!(report.draw_id.as_deref(), vector["draw_id"].as_str());
            verdicts += 1;
        }
        files.extend(withheld(&vector));
        let digests: BTreeMap<String, String> =
            files.iter().map(|(name, bytes)| (name.clone(), Digest::of(bytes).to_string())).collect();
        let wanted: BTreeMap<String, String> = serde_json::from_value(vector["digests"].clone()).unwrap();
        assert_eq!(digests, wanted);
        assert_eq!(
            redraw(&files),
            (files["strata.tsv"].clone(), files["result.tsv"].clone(), files["draw.json"].clone())
        );
    }
    assert!(verdicts >= 30, "{verdicts}");
}

/// States nothing new: reveals again from the frozen files, the secret and the values.
fn redraw(files: &BTreeMap<String, Vec<u8>>) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let record = lottery::reveal::DrawRecord::parse(&files["draw.json"]).unwrap();
    let values: Vec<&str> = record.entries.iter().map(|entry| entry.splitn(3, '\t').nth(2).unwrap()).collect();
    let frozen = lottery::frozen::FrozenFiles {
        subjects: &files["subjects.tsv"],
        left_out: &files["left_out.tsv"],
        officers: &files["officers.tsv"],
        experts: &files["experts.tsv"],
        exclusions: &files["exclusions.tsv"],
        rules: &files["rules.json"],
    };
    let again =
        lottery::reveal::reveal(&frozen, &files["statement.json"], &record.secret, &values, &record.revealed_at)
            .unwrap();
    (again.strata_tsv, again.result_tsv, again.draw_json)
}

fn tampered(name: &str) -> Vec<String> {
    let out = tempfile::tempdir().unwrap();
    let status = Command::new("python3")
        .arg("-B")
        .arg(folder().join("tamper.py"))
        .arg(folder().join(format!("bundles/{name}.tar.gz")))
        .arg(out.path())
        .output()
        .expect("python3 is installed");
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    let keys = fs::read_to_string(folder().join("jwks.json")).unwrap();
    let manifest: Vec<Value> = serde_json::from_slice(&fs::read(out.path().join("manifest.json")).unwrap()).unwrap();
    assert!(manifest.len() > 200, "{}", manifest.len());
    let mut unnoticed = Vec::new();
    for item in manifest {
        let bundle = fs::File::open(out.path().join(text(&item, "bundle"))).unwrap();
        let report = verify(bundle, &Options { jwks: Some(&keys), demo: true, ..Options::default() });
        if !names(&report, &item["expect"]) {
            unnoticed.push(format!(
                "{} of {name}: wanted {}, got {:#}",
                item["name"],
                item["expect"],
                report.to_json()
            ));
        }
    }
    unnoticed
}

/// Whether the expected check is among the failing ones.
fn names(report: &Report, expect: &Value) -> bool {
    let wrong = matches!(report.verdict, Verdict::NotVerified | Verdict::Unreadable);
    wrong
        && report.failed().any(|check| {
            check.id == text(expect, "check")
                && expect["file"].as_str().is_none_or(|file| check.file.as_deref() == Some(file))
        })
}

#[test]
fn every_tampering_of_a_rich_bundle_is_named() {
    assert_eq!(tampered("rich"), Vec::<String>::new());
}

#[test]
fn every_tampering_of_a_small_bundle_is_named() {
    assert_eq!(tampered("small"), Vec::<String>::new());
}

#[test]
fn every_tampering_of_a_bundle_without_beacon_is_named() {
    assert_eq!(tampered("waived"), Vec::<String>::new());
}

#[test]
fn every_tampering_of_a_bundle_of_nobody_is_named() {
    assert_eq!(tampered("empty-pool"), Vec::<String>::new());
}

#[test]
fn every_tampering_of_a_bundle_at_its_bounds_is_named() {
    assert_eq!(tampered("bounds"), Vec::<String>::new());
}

#[test]
fn every_tampering_of_a_successors_bundle_is_named() {
    assert_eq!(tampered("later"), Vec::<String>::new());
}

#[test]
fn every_tampering_of_a_bundle_of_strange_names_is_named() {
    assert_eq!(tampered("names"), Vec::<String>::new());
}

#[test]
fn every_tampering_of_a_bundle_without_its_people_is_named() {
    assert_eq!(tampered("withheld-people"), Vec::<String>::new());
}

#[test]
fn every_tampering_of_a_bundle_without_its_subjects_is_named() {
    assert_eq!(tampered("withheld-subjects"), Vec::<String>::new());
}

#[test]
fn every_tampering_of_a_bundle_without_its_tables_is_named() {
    assert_eq!(tampered("withheld-all"), Vec::<String>::new());
}
