//! Recusal after the draw (art. 16): agreement to the byte with logs made from the document alone by a program that
//! shares no code with this crate, and what holds after any sequence of acts.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use lottery::{
    Digest, Time,
    frozen::{Candidate, EXPERTS, Exclusions, OFFICERS, parse_people},
    hash::{Role, Tickets},
    recusal::{Act, Asked, Known, Log, Placed, Recusals, Visits, log_text},
    rules::{Experts, Places, Rules},
    testing::{Dice, Draw, Shape},
    verify::{GivenLog, Options, Verdict, verify_with_log},
};
use proptest::prelude::*;
use serde_json::Value;

pub fn vectors_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/vectors")
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap()
}

fn texts(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap()
}

fn file(value: &Value) -> Vec<u8> {
    texts(value).iter().flat_map(|line| format!("{line}\n").into_bytes()).collect()
}

/// Files of a draw, read.
pub struct Files {
    pub rules: Rules,
    pub officers: Vec<Candidate>,
    pub experts: Vec<Candidate>,
    pub exclusions: Exclusions,
    pub seed: Digest,
}

impl Files {
    pub fn of(draw: &Draw) -> Self {
        let (files, salted) = (draw.frozen(), |file| draw.rules.is_withheld(file));
        Self {
            rules: draw.rules.clone(),
            officers: parse_people(OFFICERS, files.officers, salted(OFFICERS)).unwrap(),
            experts: parse_people(EXPERTS, files.experts, salted(EXPERTS)).unwrap(),
            exclusions: Exclusions::parse(files.exclusions, salted("exclusions.tsv")).unwrap(),
            seed: draw.reveal.seed,
        }
    }

    fn of_vector(vector: &Value, base: &Rules) -> Self {
        let rules = &vector["rules"];
        let specialty = |value: &Value| value["specialty"].as_str().map(ToOwned::to_owned);
        let places = |one: &Value| Places {
            size: one["size"].as_u64().unwrap(),
            specialty: specialty(one),
            unit: text(one, "unit").to_owned(),
        };
        Self {
            rules: Rules {
                cover_district: rules["cover_district"].as_bool().unwrap(),
                experts: Experts {
                    count: rules["experts"]["count"].as_u64().unwrap(),
                    specialty: specialty(&rules["experts"]),
                },
                teams: rules["teams"].as_array().unwrap().iter().map(places).collect(),
                ..base.clone()
            },
            officers: parse_people(OFFICERS, &file(&vector["officers"]), false).unwrap(),
            experts: parse_people(EXPERTS, &file(&vector["experts"]), false).unwrap(),
            exclusions: Exclusions::parse(&file(&vector["exclusions"]), false).unwrap(),
            seed: Digest::parse(text(vector, "seed")).unwrap(),
        }
    }

    pub fn known(&self) -> Known<'_> {
        Known {
            rules: &self.rules,
            tickets: Tickets::new(&self.seed),
            officers: Some(&self.officers),
            experts: Some(&self.experts),
            exclusions: Some(&self.exclusions),
        }
    }

    pub fn log(&self, draw: &Draw) -> Log<'_> {
        let recusals = Recusals::new(self.known(), draw.reveal.rows.iter().map(Placed::from)).unwrap();
        Log::new(recusals, Digest::of(&draw.reveal.result_tsv), draw.revealed_at.clone())
    }

    pub fn person(&self, role: Role, key: &str) -> &Candidate {
        let people = if role == Role::Officer { &self.officers } else { &self.experts };
        people.iter().find(|one| one.key == key).unwrap()
    }
}

fn column(text: &str) -> Vec<Option<String>> {
    text.split(',').filter(|one| !one.is_empty()).map(|one| Some(one.to_owned())).collect()
}

fn placed(vector: &Value) -> Vec<Placed> {
    let drawn: Vec<(String, String, String)> = serde_json::from_value(vector["drawn"].clone()).unwrap();
    let rows = texts(&vector["result"]);
    let row = |(at, (key, ticket, district)): (usize, (String, String, String))| {
        let columns: Vec<&str> = rows[at].split('\t').collect();
        assert_eq!(columns[..2], [&key, &ticket]);
        Placed {
            key,
            district: Some(district),
            ticket: Digest::parse(&ticket).unwrap(),
            officers: column(columns[2]),
            experts: column(columns[3]),
        }
    };
    drawn.into_iter().enumerate().map(row).collect()
}

fn rows(log: &Log) -> Vec<String> {
    let people = |people: &[Option<String>]| {
        people.iter().map(|one| one.as_deref().unwrap_or("-")).collect::<Vec<_>>().join(",")
    };
    let row = |one: &Placed| format!("{}\t{}\t{}", one.key, people(&one.officers), people(&one.experts));
    log.recusals().roster().placed().iter().map(row).collect()
}

fn asked(vector: &Value) -> Asked {
    let own = |member| text(vector, member).to_owned();
    Asked {
        time: Time::parse(text(vector, "time")).unwrap(),
        act: Act::parse(text(vector, "act")).unwrap(),
        subject: own("subject"),
        out: own("out"),
        reason: own("reason"),
        asked_by: own("asked_by"),
        approved_by: own("approved_by"),
    }
}

#[test]
fn every_act_of_the_vectors_is_the_one_dictated_here_too() {
    let base = Draw::random(1, &Shape::default()).unwrap().rules;
    let cases: Vec<Value> = serde_json::from_slice(&fs::read(vectors_folder().join("recusal.json")).unwrap()).unwrap();
    let mut kinds = BTreeMap::<_, usize>::new();
    for vector in &cases {
        let name = text(vector, "name");
        let files = Files::of_vector(vector, &base);
        let statement = Digest::parse(text(vector, "statement")).unwrap();
        let start = || {
            let recusals = Recusals::new(files.known(), placed(vector)).unwrap();
            let revealed_at = Time::parse(text(vector, "revealed_at")).unwrap();
            Log::new(recusals, Digest::of(&file(&vector["result"])), revealed_at)
        };
        let lines = texts(&vector["log"]);
        let mut log = start();
        for (at, act) in vector["acts"].as_array().unwrap().iter().enumerate() {
            let visited = texts(&act["visited"]);
            let line = log.act(&asked(act), |key| visited.iter().any(|one| one == key)).unwrap();
            assert_eq!(line.to_string(), lines[at], "{name}");
            assert_eq!(log.head_text(&statement).as_deref(), vector["heads"][at].as_str(), "{name}");
            *kinds.entry((text(act, "act"), line.act.as_str(), line.officer_in == "-")).or_default() += 1;
        }
        assert_eq!(rows(&log), texts(&vector["after"]), "{name}");

        let visits: Visits = serde_json::from_value::<Vec<(String, String)>>(vector["visits"].clone())
            .unwrap()
            .into_iter()
            .map(|(key, time)| (key, Time::parse(&time).unwrap()))
            .collect();
        let (mut informed, mut uninformed) = (start(), start());
        for line in &lines {
            let judged = informed.judge(line, Some(&visits));
            assert!(judged.stands() && judged.open.is_empty(), "{name}: {judged:?}");
            let judged = uninformed.judge(line, None);
            assert!(judged.stands(), "{name}: {judged:?}");
        }
        assert_eq!(rows(&informed), rows(&log));
        assert_eq!(rows(&uninformed), rows(&log));
    }
    assert!(cases.len() >= 48);
    // Both acts, the exchange that becomes a withdrawal, and the place that stays empty: each often enough.
    assert!(kinds.len() == 5 && kinds.values().all(|&n| n >= 20), "{kinds:?}");
}

#[test]
fn logs_of_whole_bundles_come_to_the_same_verdicts() {
    let keys = fs::read_to_string(vectors_folder().join("jwks.json")).unwrap();
    let mut seen = 0;
    for entry in fs::read_dir(vectors_folder().join("logs")).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let bundle = fs::read(vectors_folder().join(format!("bundles/{name}.tar.gz"))).unwrap();
        let read = |file: &str| fs::read(folder.join(file)).unwrap();
        let (lines, head, visits) = (read("log.tsv"), read("head.json"), read("visits.tsv"));
        let whole = GivenLog { lines: &lines, head: Some(&head), visits: Some(&visits) };
        let options = Options { jwks: Some(&keys), demo: true, ..Options::default() };
        let withheld = name.starts_with("withheld");

        let report = verify_with_log(bundle.as_slice(), &options, Some(&whole));
        let expected = if withheld { Verdict::Partly } else { Verdict::Verified };
        assert_eq!(report.verdict, expected, "{name}: {:#}", report.to_json());
        assert!(lines.iter().filter(|&&byte| byte == b'\n').count() >= 6, "{name}");
        if withheld {
            let with = fs::read_dir(vectors_folder().join("withheld").join(&name)).unwrap().map(|file| {
                let path = file.unwrap().path();
                (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap())
            });
            let options = Options { with: with.collect(), ..options.clone() };
            let report = verify_with_log(bundle.as_slice(), &options, Some(&whole));
            assert_eq!(report.verdict, Verdict::Verified, "{name}: {:#}", report.to_json());
        }
        // Without its head a log may have lost its end, and says so.
        let report = verify_with_log(bundle.as_slice(), &options, Some(&GivenLog { head: None, ..whole }));
        assert_eq!(report.verdict, Verdict::Partly, "{name}");
        assert!(report.checks.iter().any(|check| check.id == "log_head" && check.ok.is_none()));
        seen += 1;
    }
    assert!(seen >= 6, "{seen}");
}

pub fn shapes() -> impl Strategy<Value = Shape> {
    (4_usize..60, 1_usize..4, 1_usize..4, 2_usize..6, 0_usize..8, 0_usize..6).prop_map(
        |(subjects, districts, units, officers, experts, exclusion_one_in)| Shape {
            subjects,
            strata: 2,
            districts,
            units,
            officers,
            experts,
            exclusion_one_in,
            ..Shape::default()
        },
    )
}

/// Somebody who is with a subject that was not visited.
pub fn somebody(log: &Log, dice: &mut Dice, visited: &BTreeSet<String>) -> Option<(String, String)> {
    let placed = log.recusals().roster().placed().iter().filter(|one| !visited.contains(&one.key));
    let there: Vec<(&str, &str)> = placed
        .flat_map(|one| one.officers.iter().chain(&one.experts).flatten().map(|who| (one.key.as_str(), who.as_str())))
        .collect();
    if there.is_empty() {
        return None;
    }
    let (subject, who) = there[if dice.one_in(4) { 0 } else { dice.below(there.len()) }];
    Some((subject.to_owned(), who.to_owned()))
}

pub fn wish(act: Act, subject: &str, out: &str, minute: usize) -> Asked {
    Asked {
        time: Time::parse(&format!("2026-09-10T09:{minute:02}:00Z")).unwrap(),
        act,
        subject: subject.to_owned(),
        out: out.to_owned(),
        reason: "RELATIVE".to_owned(),
        asked_by: "office:1".to_owned(),
        approved_by: "head:1".to_owned(),
    }
}

/// Carries out up to `acts` random acts; returns the lines, and who was visited when.
pub fn random_acts(log: &mut Log, dice: &mut Dice, acts: usize) -> (Vec<String>, Visits) {
    let (mut lines, mut visits) = (Vec::new(), Visits::new());
    for minute in 0..acts {
        let visited: BTreeSet<String> = visits.keys().cloned().collect();
        let Some((subject, out)) = somebody(log, dice, &visited) else { break };
        let act = if dice.one_in(3) { Act::Withdraw } else { Act::Exchange };
        let asked = wish(act, &subject, &out, minute);
        lines.push(log.act(&asked, |key| visited.contains(key)).unwrap().to_string());
        if dice.one_in(4) {
            let placed = log.recusals().roster().placed();
            visits.entry(placed[dice.below(placed.len())].key.clone()).or_insert(wish(act, "s", "o", minute + 1).time);
        }
    }
    (lines, visits)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn teams_hold_every_rule_after_any_sequence_of_acts(seed in any::<u64>(), shape in shapes(), acts in 1_usize..30) {
        let draw = Draw::random(seed, &shape).unwrap();
        let files = Files::of(&draw);
        let mut log = files.log(&draw);
        let (lines, _) = random_acts(&mut log, &mut Dice::new(seed), acts);
        let mut left = BTreeSet::new();
        let mut empty = HashMap::<&str, usize>::new();
        for line in &lines {
            let columns: Vec<&str> = line.split('\t').collect();
            left.insert((columns[3].to_owned(), columns[4].to_owned()));
            if columns[5] == "-" {
                *empty.entry(columns[3]).or_default() += 1;
            }
        }
        let mut loads = HashMap::<(&str, String), usize>::new();
        for (one, before) in log.recusals().roster().placed().iter().zip(&draw.reveal.rows) {
            prop_assert_eq!(&one.key, &before.key);
            prop_assert_eq!(one.officers.len(), before.officers.len(), "every place is kept");
            prop_assert_eq!(one.experts.len(), before.experts.len());
            let everyone: Vec<&String> = one.officers.iter().chain(&one.experts).flatten().collect();
            let distinct: BTreeSet<&String> = everyone.iter().copied().collect();
            prop_assert_eq!(distinct.len(), everyone.len(), "nobody is there twice");
            let vacant = one.officers.len() + one.experts.len() - everyone.len();
            let said = empty.get(one.key.as_str()).copied().unwrap_or_default();
            prop_assert_eq!(vacant, said, "an empty place is one the log shows");
            for (role, places, was) in
                [(Role::Officer, &one.officers, &before.officers), (Role::Expert, &one.experts, &before.experts)]
            {
                for (person, was) in places.iter().zip(was) {
                    let Some(person) = person else { continue };
                    *loads.entry((role.as_str(), person.clone())).or_default() += 1;
                    let found = files.person(role, person);
                    prop_assert!(role == Role::Expert || found.unit == files.person(role, was).unit);
                    prop_assert!(!files.rules.cover_district || found.districts.contains(&before.district));
                    prop_assert!(!files.exclusions.contains(person, &one.key));
                    prop_assert!(!left.contains(&(one.key.clone(), person.clone())), "nobody comes back");
                }
            }
            // The specialty stays, unless nobody could bring it: then a place is empty.
            let mut wanted: Vec<(Role, Option<&str>, &String)> = Vec::new();
            if !one.officers.is_empty() {
                wanted.extend(files.rules.teams.iter().filter_map(|places| {
                    Some((Role::Officer, Some(places.unit.as_str()), places.specialty.as_ref()?))
                }));
            }
            if !one.experts.is_empty() {
                wanted.extend(files.rules.experts.specialty.as_ref().map(|specialty| (Role::Expert, None, specialty)));
            }
            for (role, unit, specialty) in wanted {
                let (places, was) = if role == Role::Officer { (&one.officers, &before.officers) } else { (&one.experts, &before.experts) };
                let of_unit: Vec<&Option<String>> = places.iter().zip(was).filter(|(_, was)| unit.is_none_or(|unit| files.person(role, was).unit == unit)).map(|(now, _)| now).collect();
                let kept = of_unit.iter().copied().flatten().any(|person| files.person(role, person).specialties.contains(specialty));
                prop_assert!(kept || of_unit.iter().any(|now| now.is_none()), "{}: specialty {specialty}", one.key);
            }
        }
        for ((role, person), load) in loads {
            let role = if role == "officer" { Role::Officer } else { Role::Expert };
            prop_assert_eq!(log.recusals().roster().count(role, &person), load);
        }
    }

    #[test]
    fn nobody_chooses(seed in any::<u64>(), shape in shapes(), acts in 1_usize..12) {
        let draw = Draw::random(seed, &shape).unwrap();
        let files = Files::of(&draw);
        let mut log = files.log(&draw);
        let (lines, _) = random_acts(&mut log, &mut Dice::new(seed), acts);
        // Reason, time, who asked and who decided say nothing about who comes.
        let mut other = files.log(&draw);
        for line in &lines {
            let columns: Vec<&str> = line.split('\t').collect();
            let mut again = other.clone();
            let asked = Asked {
                time: Time::parse("2026-12-31T23:59:59Z").unwrap(),
                act: Act::parse(columns[2]).unwrap(),
                subject: columns[3].to_owned(),
                out: columns[4].to_owned(),
                reason: "INTEREST".to_owned(),
                asked_by: columns[3].to_owned(),
                approved_by: "somebody-else".to_owned(),
            };
            let passed: BTreeSet<String> = again.judge(line, None).open.iter()
                .flat_map(|why| why.trim_start_matches("it is right only if visited by then were ").split(", ").map(ToOwned::to_owned).collect::<Vec<_>>())
                .collect();
            let own = other.act(&asked, |key| passed.contains(key)).unwrap().to_string();
            prop_assert_eq!(own.split('\t').skip(2).take(5).collect::<Vec<_>>(), &columns[2..7]);
        }
    }

    #[test]
    fn a_log_goes_on_where_it_was_left(seed in any::<u64>(), shape in shapes(), acts in 1_usize..20) {
        let draw = Draw::random(seed, &shape).unwrap();
        let files = Files::of(&draw);
        let mut log = files.log(&draw);
        let (lines, visits) = random_acts(&mut log, &mut Dice::new(seed), acts);
        let mut again = files.log(&draw);
        again.replay(&lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        prop_assert_eq!((again.len(), again.digest(), rows(&again)), (log.len(), log.digest(), rows(&log)));
        let statement = Digest::of(b"statement");
        let head = (!lines.is_empty()).then(|| log_text(&statement, lines.len() as u64, &log.digest()));
        prop_assert_eq!(again.head_text(&statement), head);
        let mut judged = files.log(&draw);
        for line in &lines {
            let judgement = judged.judge(line, Some(&visits));
            prop_assert!(judgement.stands() && judgement.open.is_empty(), "{line}: {judgement:?}");
        }
    }
}
