//! Bundles of somebody hostile: both verifiers refuse them for the same reason, and neither takes memory without bound.

use lottery::testing::{Dice, Draw, Shape, hostile, jwks};

use super::{
    browser::{Browser, Given},
    by_the_command, env_or, proving, said,
};

#[test]
fn changed_bundles_are_refused_alike() {
    let seed = env_or("QINGTIAN_SEED", 1);
    let many = env_or("QINGTIAN_BUNDLES", if proving() { 20_000 } else { 600 });
    let folder = tempfile::tempdir().unwrap();
    let mut browser = Browser::start(&jwks(), folder.path());
    let small = Shape { subjects: 12, left_out: 3, strata: 2, officers: 3, experts: 4, ..Shape::default() };
    let withheld = vec!["experts.tsv".to_owned(), "subjects.tsv".to_owned()];
    let draws: Vec<Draw> = [small.clone(), Shape { subjects: 0, ..small.clone() }, Shape { withheld, ..small }]
        .iter()
        .map(|shape| Draw::random(7, shape).unwrap())
        .collect();
    let (mut refused, mut differing) = (0, Vec::new());
    for nth in 0..many {
        let own = seed.wrapping_add(nth);
        let mut dice = Dice::new(own);
        let draw = &draws[dice.below(draws.len())];
        let (what, bundle) = hostile::bundle(&draw.public(), &mut dice);
        let given = Given { demo: true, keyless: !dice.one_in(16), ..Given::default() };
        let (command, browser) = (said(&by_the_command(&bundle, &given)), said(&browser.verify(&bundle, &given)));
        if (&command.verdict, &command.named) != (&browser.verdict, &browser.named) {
            differing.push(format!("QINGTIAN_SEED={own} QINGTIAN_BUNDLES=1, {what}: {command:?} {browser:?}"));
        }
        refused += usize::from(["not_verified", "unreadable"].contains(&command.verdict.as_str()));
    }
    println!("{many} changed bundles from seed {seed}, {refused} refused");
    assert_eq!(differing.join("\n"), "", "{} judged differently", differing.len());
    assert!(many == 1 || refused as u64 > many / 2, "nearly nothing was changed");
}

/// What a bomb may cost Node's process above its start.
const BOMB_KIB_MAX: u64 = 512 << 10;

#[test]
fn a_bomb_costs_the_browsers_verifier_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.tar.gz");
    let mut browser = Browser::start(&jwks(), folder.path());
    let draw = Draw::random(7, &Shape::default()).unwrap();
    let given = Given { demo: true, ..Given::default() };
    assert_eq!(said(&browser.verify(&draw.bundle().unwrap(), &given)).verdict, "verified");
    let before = browser.peak_kib();
    for (what, bomb) in hostile::bombs().unwrap() {
        std::fs::write(&path, &bomb).unwrap();
        let (command, answer) = (said(&by_the_command(&bomb, &given)), said(&browser.verify_file(&path, &given)));
        assert_eq!((&command.verdict, &command.named), (&answer.verdict, &answer.named), "{what}");
        assert!(["not_verified", "unreadable"].contains(&command.verdict.as_str()), "{what}");
        let more = browser.peak_kib() - before;
        println!("{what}: {}, {} MiB above", command.verdict, more >> 10);
        assert!(more < BOMB_KIB_MAX, "{what}: {more} KiB more");
    }
}
