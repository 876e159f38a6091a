//! Whatever is handed in as a bundle or as one of its files: nothing panics, memory stays bounded, and what is not the draw's own
//! files is refused (art. 15).

use std::{
    collections::BTreeMap,
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use lottery::{
    bundle,
    frozen::{
        EXCLUSIONS, EXPERTS, Exclusion, Exclusions, LEFT_OUT, LeftOut, OFFICERS, Person, RULES, SUBJECTS, Subjects,
        TABLES, Table, parse_left_out, parse_people,
    },
    json::{self, canonical},
    reveal::{DRAW, DrawRecord},
    rules::Rules,
    sign::{Jwks, SIGNATURES, Signatures},
    statement::{STATEMENT, Statement},
    testing::{Dice, Draw, Shape, hostile, jwks},
    verify::{Options, Verdict, verify},
};

fn proving() -> bool {
    std::env::var_os("QINGTIAN_PROVE").is_some()
}

fn env_or(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// Draws of several shapes to change: small, empty, withheld.
fn draws() -> Vec<Draw> {
    let small = Shape { subjects: 12, left_out: 3, strata: 2, officers: 3, experts: 4, ..Shape::default() };
    let withheld = TABLES.iter().map(|file| (*file).to_owned()).collect();
    [
        small.clone(),
        Shape { subjects: 0, left_out: 0, officers: 0, experts: 0, ..Shape::default() },
        Shape { withheld: vec!["officers.tsv".to_owned()], ..small.clone() },
        Shape { withheld, ..small },
    ]
    .iter()
    .zip(100..)
    .map(|(shape, seed)| Draw::random(seed, shape).unwrap())
    .collect()
}

/// Runs numbered cases on all cores, each with its own dice.
fn cases(many: u64, case: impl Fn(u64, &mut Dice) + Sync) {
    let (first, next) = (env_or("QINGTIAN_SEED", 1), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    if nth >= many {
                        break;
                    }
                    let own = first.wrapping_add(nth);
                    case(own, &mut Dice::new(own));
                }
            });
        }
    });
    println!("{many} cases from QINGTIAN_SEED={first}");
}

#[test]
fn a_bundle_that_was_changed_is_refused_or_holds_the_same_files() {
    let draws = draws();
    let keys = jwks();
    let same = AtomicU64::new(0);
    let many = env_or("QINGTIAN_BUNDLES", if proving() { 300_000 } else { 4_000 });
    cases(many, |own, dice| {
        let draw = &draws[dice.below(draws.len())];
        let public = draw.public();
        let (what, bytes) = hostile::bundle(&public, dice);
        let with = |jwks| verify(bytes.as_slice(), &Options { jwks, demo: true, ..Options::default() });
        // Signatures take most of the time, and say nothing of what is refused without them.
        let report = with(dice.one_in(16).then_some(&*keys));
        let passes = [Verdict::Verified, Verdict::Partly].contains(&report.verdict);
        let report = if passes { with(Some(&keys)) } else { report };
        match report.verdict {
            Verdict::NotVerified | Verdict::Unreadable => assert!(report.failed().count() > 0, "{own}: {what}"),
            Verdict::Verified | Verdict::Partly => {
                let read = bundle::read(bytes.as_slice()).unwrap();
                assert_eq!((read.files, read.problems), (public, vec![]), "{own}: {what} is another bundle");
                same.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let same = same.into_inner();
    println!("{same} of {many} hold the same files in another archive");
    assert!(many == 1 || same < many / 2, "nearly nothing was changed");
}

/// Reads a table and writes it again.
fn again(file: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let rows = |bytes: &[u8]| -> Vec<Vec<String>> {
        text(bytes).lines().map(|line| line.split('\t').map(ToOwned::to_owned).collect()).collect()
    };
    match file {
        SUBJECTS => {
            let pool = Subjects::parse(bytes, false).ok()?;
            assert_eq!(pool.iter().count() as u64, pool.len());
            let mut table = Table::<lottery::frozen::Subject>::new();
            pool.iter().for_each(|subject| table.push(&subject).unwrap());
            table.finish().ok()
        }
        LEFT_OUT => {
            parse_left_out(bytes, false).ok()?;
            let mut table = Table::<LeftOut>::new();
            rows(bytes).iter().for_each(|row| table.push(&LeftOut { key: &row[0], reason: &row[1] }).unwrap());
            table.finish().ok()
        }
        EXCLUSIONS => {
            Exclusions::parse(bytes, false).ok()?;
            let mut table = Table::<Exclusion>::new();
            for row in rows(bytes) {
                table.push(&Exclusion { person: &row[0], subject: &row[1], declared_by: &row[2] }).unwrap();
            }
            table.finish().ok()
        }
        _ => {
            let people = parse_people(file, bytes, false).ok()?;
            let mut table = Table::<Person>::new();
            for one in &people {
                let list = |items: &'_ [String]| -> Vec<String> { items.to_vec() };
                let (districts, specialties) = (list(&one.districts), list(&one.specialties));
                let (districts, specialties): (Vec<&str>, Vec<&str>) =
                    (districts.iter().map(String::as_str).collect(), specialties.iter().map(String::as_str).collect());
                table
                    .push(&Person { key: &one.key, unit: &one.unit, districts: &districts, specialties: &specialties })
                    .unwrap();
            }
            table.finish().ok()
        }
    }
}

#[test]
fn a_file_that_is_read_is_the_file_that_is_written() {
    let draw = Draw::random(7, &Shape { subjects: 12, left_out: 3, experts: 4, ..Shape::default() }).unwrap();
    let files: BTreeMap<&str, &[u8]> =
        draw.files.iter().map(|(file, bytes)| (file.as_str(), bytes.as_slice())).collect();
    let names: Vec<&str> =
        [SUBJECTS, LEFT_OUT, OFFICERS, EXPERTS, EXCLUSIONS, RULES, STATEMENT, DRAW, SIGNATURES].to_vec();
    let read = AtomicU64::new(0);
    let many = env_or("QINGTIAN_FILES", if proving() { 2_000_000 } else { 20_000 });
    cases(many, |own, dice| {
        let file = names[dice.below(names.len())];
        let bytes = hostile::change(files[file], dice);
        let written = match file {
            RULES => Rules::parse(&bytes).ok().map(|rules| {
                assert!(rules.problems("market-bureau").len() < 1000);
                rules.to_bytes().unwrap()
            }),
            STATEMENT => Statement::parse(&bytes).ok().map(|statement| statement.to_bytes().unwrap()),
            DRAW => DrawRecord::parse(&bytes).ok().map(|record| record.to_bytes().unwrap()),
            SIGNATURES => Signatures::parse(&bytes).ok().map(|signatures| signatures.to_bytes().unwrap()),
            table => again(table, &bytes),
        };
        if let Some(written) = written {
            assert_eq!(written, bytes, "{own}: {file} has two spellings");
            read.fetch_add(1, Ordering::Relaxed);
        }
        if let Ok(value) = json::parse(file, &bytes) {
            assert_eq!(canonical(&value).unwrap(), bytes, "{own}");
        }
        // With salts, and as a key file, whatever comes out must come out.
        drop((Subjects::parse(&bytes, true), Exclusions::parse(&bytes, true)));
        let keys = hostile::change(jwks().as_bytes(), dice);
        drop([&bytes, &keys].map(|text| Jwks::parse(&String::from_utf8_lossy(text))));
    });
    println!("{} were read", read.into_inner());
}

/// Peak memory of this process in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What a bomb may cost above a process that only holds it.
const BOMB_KIB_MAX: u64 = 192 << 10;

#[test]
fn a_bomb_costs_little_memory() {
    // In a process of its own, so that nothing else raises its peak.
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "fuzz::bombs_one_after_another", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}{}", String::from_utf8_lossy(&child.stderr));
    assert!(said.contains("gigabytes behind"), "{said}");
    println!("{said}");
}

#[test]
#[ignore = "the process that a_bomb_costs_little_memory starts"]
fn bombs_one_after_another() {
    let bombs = hostile::bombs().unwrap();
    let before = peak_kib();
    for (what, bytes) in &bombs {
        assert!(bytes.len() < 24 << 20, "{what}: the bomb itself has {} bytes", bytes.len());
        let report = verify(bytes.as_slice(), &Options::default());
        assert!(matches!(report.verdict, Verdict::NotVerified | Verdict::Unreadable), "{what}");
        let more = peak_kib() - before;
        println!("{what}: {}, {} MiB above", report.verdict.as_str(), more >> 10);
        assert!(more < BOMB_KIB_MAX, "{what}: {more} KiB more");
    }
}
