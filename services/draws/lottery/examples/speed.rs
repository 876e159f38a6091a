//! What a draw costs: `speed SUBJECTS DRAWN OFFICERS` in 9 districts, OFFICERS in each; prints seconds per step.

use std::{collections::BTreeMap, env, error::Error, time::Instant};

use lottery::{
    Digest, Time,
    frozen::{Exclusion, FrozenFiles, LeftOut, Person, Subject, Table},
    hash::{Secret, Tickets},
    reveal::{draw, reveal},
    rules::{Contributor, Experts, Kind, PROTOCOL, Places, Quota, Rules},
    select::select,
    statement::{Intent, state},
};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<usize> = env::args().skip(1).map(|arg| arg.parse()).collect::<Result<_, _>>()?;
    let &[n, drawn, officers_n] = args.as_slice() else { return Err("speed SUBJECTS DRAWN OFFICERS".into()) };
    let districts: Vec<String> = (0..9).map(|at| format!("41020{at}")).collect();
    let mut clock = Instant::now();
    let mut step = |what: &str| {
        println!("{:9.3} s  {what}", clock.elapsed().as_secs_f64());
        clock = Instant::now();
    };

    let mut subjects = Table::<Subject>::new();
    for at in 0..n {
        let district = &districts[(at.wrapping_mul(0x9e37_79b9) >> 7) % 9];
        subjects.push(&Subject { key: &format!("9141020{at:011}"), stratum: district, district })?;
    }
    let subjects = subjects.finish()?;
    let mut officers = Table::<Person>::new();
    for (at, district) in districts.iter().enumerate() {
        for nth in 0..officers_n {
            officers.push(&Person {
                key: &format!("1602{at:02}{nth:05}"),
                unit: "bureau",
                districts: &[district],
                specialties: &[],
            })?;
        }
    }
    let officers = officers.finish()?;
    let rules = Rules {
        beacon_waived: Some("speed".to_owned()),
        cover_district: true,
        entropy: vec![Contributor {
            contributor: "notary".to_owned(),
            kind: Kind::Witness,
            unit: Some("notary".to_owned()),
        }],
        experts: Experts::default(),
        plan: "plans/1".to_owned(),
        protocol: PROTOCOL.to_owned(),
        publish_after: None,
        quotas: districts.iter().map(|one| (one.clone(), Quota::Count(drawn as u64 / 9))).collect::<BTreeMap<_, _>>(),
        teams: vec![Places { size: 2, specialty: None, unit: "bureau".to_owned() }],
        withheld: None,
    };
    let rules_json = rules.to_bytes()?;
    let (left_out, exclusions) = (Table::<LeftOut>::new().finish()?, Table::<Exclusion>::new().finish()?);
    let files = FrozenFiles {
        subjects: &subjects,
        left_out: &left_out,
        officers: &officers,
        experts: b"",
        exclusions: &exclusions,
        rules: &rules_json,
    };
    step("write the tables");

    let at = |text: &str| Time::parse(text);
    let intent = Intent {
        draw_id: "draws/2026-0001".to_owned(),
        unit: "bureau".to_owned(),
        stated_at: at("2026-01-01T00:00:00Z")?,
        entries_close: at("2026-01-02T00:00:00Z")?,
        beacon_at: None,
        reveal_by: at("2026-01-03T00:00:00Z")?,
        follows: None,
        replaces: None,
    };
    let secret = Secret::new([7; 32]);
    let stated = state(&files, &intent, &secret)?;
    step("state: check, digests, tree");

    let parsed = lottery::frozen::Subjects::parse(&subjects, false)?;
    step("  of a reveal: check and count the pool");
    let selection = select(&parsed, &rules.quotas, Tickets::new(&Digest::of(b"seed")))?;
    step("  of a reveal: pick the subjects");
    let outcome = draw(&files, &rules, &Digest::of(b"seed"))?;
    step("sections 4 and 5: pick subjects and teams");
    let revealed = reveal(&files, &stated.bytes, &secret, &["1"], &at("2026-01-02T12:00:00Z")?)?;
    step("reveal: sections 3 to 5, digests checked, files written");
    assert_eq!((selection.drawn.len(), outcome.teams.len()), (revealed.rows.len(), revealed.rows.len()));
    Ok(())
}
