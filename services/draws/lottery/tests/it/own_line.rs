//! A firm's own line, kept at home, holds against the evidence, also where the register is withheld; a changed byte does
//! not (art. 10; protocol, section 7).

use lottery::{
    Digest,
    frozen::{LEFT_OUT, SUBJECTS},
    hash::Tickets,
    own_line::{InPool, OwnLine, Placed},
    sorted::{Found, Index},
    testing::{Draw, Shape, jwks},
    verify::{Beside, Options, Report, Verdict, verify_with},
};
use serde_json::Value;

fn find(file: &[u8], key: &str) -> Found {
    let index = Index::read(file).unwrap();
    let (at, begin, length) = index.block_of(key.as_bytes()).unwrap();
    let begin = usize::try_from(begin).unwrap();
    index.find(at, &file[begin..begin + length as usize], key.as_bytes()).unwrap()
}

fn keys(draw: &Draw, file: &str) -> Vec<String> {
    let text = std::str::from_utf8(&draw.files[file]).unwrap();
    text.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

/// The line of a key of that file, as the one who may know is handed it.
fn own(draw: &Draw, file: &str, key: &str) -> OwnLine {
    let found = find(&draw.files[file], key);
    let line = String::from_utf8(found.line).unwrap();
    let pool = (file == SUBJECTS).then(|| {
        let stratum = line.split('\t').nth(1).unwrap();
        let row = draw.reveal.rows.iter().find(|row| row.key == key);
        InPool {
            proof: found.proof,
            seed: draw.reveal.seed,
            ticket: Tickets::new(&draw.reveal.seed).subject(key.as_bytes()),
            threshold: draw.reveal.strata.iter().find(|known| known.name == stratum).unwrap().threshold,
            drawn: row.map(|row| Placed { officers: row.officers.clone(), experts: row.experts.clone() }),
        }
    });
    OwnLine { draw_id: draw.intent.draw_id.clone(), statement: draw.stated.digest, line, pool }
}

fn check(draw: &Draw, own: &[u8]) -> Report {
    let jwks = jwks();
    let options = Options { jwks: Some(&jwks), demo: true, ..Options::default() };
    let beside = Beside { own_line: Some(own), ..Beside::default() };
    verify_with(draw.bundle().unwrap().as_slice(), &options, &beside)
}

/// Of the checks of the line: how many hold, and which are open.
fn of_line(report: &Report) -> (usize, Vec<&'static str>) {
    let line = || report.checks.iter().filter(|check| check.id.starts_with("line_"));
    (
        line().filter(|check| check.ok == Some(true)).count(),
        line().filter(|check| check.ok.is_none()).map(|check| check.id).collect(),
    )
}

fn draw(withheld: &[&str]) -> Draw {
    let withheld = withheld.iter().map(|file| (*file).to_owned()).collect();
    Draw::random(7, &Shape { subjects: 120, left_out: 9, withheld, ..Shape::default() }).unwrap()
}

#[test]
fn every_line_holds_against_a_public_register() {
    let draw = draw(&[]);
    let drawn: Vec<&str> = draw.reveal.rows.iter().map(|row| row.key.as_str()).collect();
    let keys_of_pool = keys(&draw, SUBJECTS);
    let undrawn: Vec<&str> = keys_of_pool.iter().map(String::as_str).filter(|key| !drawn.contains(key)).collect();
    assert!(drawn.len() > 2 && undrawn.len() > 2);
    for key in drawn.iter().take(4).chain(undrawn.iter().take(4)) {
        let report = check(&draw, &own(&draw, SUBJECTS, key).to_bytes().unwrap());
        assert_eq!((report.verdict, of_line(&report)), (Verdict::Verified, (6, vec![])), "{report:#?}");
    }
    for key in keys(&draw, LEFT_OUT) {
        let report = check(&draw, &own(&draw, LEFT_OUT, &key).to_bytes().unwrap());
        assert_eq!((report.verdict, of_line(&report)), (Verdict::Verified, (3, vec![])), "{report:#?}");
    }
}

#[test]
fn where_the_register_is_withheld_the_proof_holds_all_the_same_and_the_threshold_stays_open() {
    let draw = draw(&[SUBJECTS]);
    for key in keys(&draw, SUBJECTS).iter().step_by(17) {
        let line = own(&draw, SUBJECTS, key);
        assert_eq!(line.line.rsplit('\t').next().unwrap().len(), 32, "the salt is part of the line");
        let report = check(&draw, &line.to_bytes().unwrap());
        assert_eq!(report.verdict, Verdict::Partly);
        assert_eq!(of_line(&report), (5, vec!["line_threshold"]), "{report:#?}");
    }
    let draw = self::draw(&[LEFT_OUT]);
    let report = check(&draw, &own(&draw, LEFT_OUT, &keys(&draw, LEFT_OUT)[0]).to_bytes().unwrap());
    assert_eq!((report.verdict, of_line(&report)), (Verdict::Partly, (2, vec!["line_proof"])));
}

/// Every place of a kept file at which a text, a number or a list can be changed.
fn changed(value: &Value) -> Vec<Value> {
    match value {
        Value::Null | Value::Bool(_) => vec![],
        Value::Number(number) => vec![Value::from(number.as_u64().unwrap() + 1)],
        Value::String(text) => {
            let last = if text.ends_with('0') { "1" } else { "0" };
            vec![Value::from(format!("{}{last}", &text[..text.len() - 1]))]
        }
        Value::Array(items) => {
            let mut all: Vec<Value> =
                (0..items.len()).map(|at| Value::from([&items[..at], &items[at + 1..]].concat())).collect();
            for (at, item) in items.iter().enumerate() {
                all.extend(changed(item).into_iter().map(|other| {
                    let mut items = items.clone();
                    items[at] = other;
                    Value::from(items)
                }));
            }
            all
        }
        Value::Object(members) => {
            let mut all = Vec::new();
            for (name, member) in members {
                all.extend(changed(member).into_iter().map(|other| {
                    let mut members = members.clone();
                    members.insert(name.clone(), other);
                    Value::Object(members)
                }));
            }
            all
        }
    }
}

#[test]
fn whatever_is_changed_in_a_kept_line_fails() {
    for withheld in [vec![], vec![SUBJECTS]] {
        let draw = draw(&withheld);
        let row = draw.reveal.rows.iter().find(|row| !row.officers.is_empty()).unwrap();
        let kept: Value = serde_json::from_slice(&own(&draw, SUBJECTS, &row.key).to_bytes().unwrap()).unwrap();
        let all = changed(&kept);
        assert!(all.len() > 12, "{}", all.len());
        for other in all {
            let report = check(&draw, other.to_string().as_bytes());
            assert_eq!(report.verdict, Verdict::NotVerified, "{other}");
            assert!(report.failed().all(|check| check.id.starts_with("line_")), "{report:#?}");
        }
    }
}

#[test]
fn a_line_of_another_draw_or_a_threshold_of_nobody_fails() {
    let draw = draw(&[SUBJECTS]);
    let row = &draw.reveal.rows[0];
    let line = own(&draw, SUBJECTS, &row.key);
    let other = OwnLine { statement: Digest::of(b"another"), ..line.clone() };
    let report = check(&draw, &other.to_bytes().unwrap());
    assert_eq!(report.failed().map(|check| check.id).collect::<Vec<_>>(), ["line_statement"]);
    let pool = InPool { threshold: Some(Digest([0xff; 32])), ..line.pool.clone().unwrap() };
    let report = check(&draw, &OwnLine { pool: Some(pool), ..line.clone() }.to_bytes().unwrap());
    assert_eq!(report.failed().map(|check| check.id).collect::<Vec<_>>(), ["line_threshold"]);
    let pool = InPool { drawn: None, ..line.pool.clone().unwrap() };
    let report = check(&draw, &OwnLine { pool: Some(pool), ..line }.to_bytes().unwrap());
    assert_eq!(report.failed().map(|check| check.id).collect::<Vec<_>>(), ["line_drawn"]);
}
