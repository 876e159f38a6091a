//! What holds for every draw (art. 10, 11, 16), on random ones.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lottery::{
    Digest, bundle,
    frozen::{Candidate, EXPERTS, Exclusions, OFFICERS, Subject, Subjects, TABLES, Table, parse_people},
    hash::{Role, Tickets},
    rules::{Quota, Rules},
    select::{Selector, select, strata_tsv},
    statement::Statement,
    teams::{People, Team, Visit, place},
    testing::{Dice, Draw, Shape, jwks},
    verify::{Options, Verdict, verify},
};
use proptest::prelude::*;

fn shapes() -> impl Strategy<Value = Shape> {
    let withheld = proptest::sample::subsequence(TABLES.to_vec(), 0..3);
    (0_usize..150, 0_usize..20, 1_usize..6, 1_usize..5, 1_usize..4, 1_usize..6, 0_usize..8, 0_usize..6, withheld)
        .prop_map(|(subjects, left_out, strata, districts, units, officers, experts, exclusion_one_in, withheld)| {
            Shape {
                subjects,
                left_out,
                strata,
                districts,
                units,
                officers,
                experts,
                exclusion_one_in,
                withheld: withheld.into_iter().map(ToOwned::to_owned).collect(),
            }
        })
}

fn people(draw: &Draw) -> (Vec<Candidate>, Vec<Candidate>, Exclusions) {
    let files = draw.frozen();
    let salted = |file| draw.rules.is_withheld(file);
    (
        parse_people(OFFICERS, files.officers, salted(OFFICERS)).unwrap(),
        parse_people(EXPERTS, files.experts, salted(EXPERTS)).unwrap(),
        Exclusions::parse(files.exclusions, salted("exclusions.tsv")).unwrap(),
    )
}

/// Section 5 word by word, with no care for cost.
struct Plain<'a> {
    people: &'a People<'a>,
    rules: &'a Rules,
    tickets: Tickets,
    counts: HashMap<(&'static str, String), u32>,
}

impl Plain<'_> {
    /// Takes `size` of those, the first with the specialty; none if they are too few.
    fn take(
        &self,
        role: Role,
        mut from: Vec<&Candidate>,
        size: u64,
        specialty: Option<&String>,
        subject: &str,
    ) -> Option<Vec<String>> {
        let mut taken = Vec::new();
        for nth in 0..size {
            let order = |person: &&&Candidate| {
                let count = self.counts.get(&(role.as_str(), person.key.clone())).copied().unwrap_or_default();
                (count, self.tickets.person(role, person.key.as_bytes(), subject.as_bytes()), person.key.clone())
            };
            let fits =
                |person: &&&Candidate| nth > 0 || specialty.is_none_or(|wanted| person.specialties.contains(wanted));
            let best = from.iter().filter(fits).min_by_key(order)?.key.clone();
            from.retain(|person| person.key != best);
            taken.push(best);
        }
        Some(taken)
    }

    fn place(&mut self, visit: &Visit) -> (Vec<String>, Vec<String>) {
        let (people, rules) = (self.people, self.rules);
        let may = |person: &&Candidate| {
            (!rules.cover_district || person.districts.iter().any(|own| own == visit.district))
                && !people.exclusions.contains(&person.key, visit.key)
        };
        let mut officers = Vec::new();
        for places in &rules.teams {
            let unit = people.officers.iter().filter(|one| one.unit == places.unit).filter(may).collect();
            match self.take(Role::Officer, unit, places.size, places.specialty.as_ref(), visit.key) {
                Some(own) => officers.extend(own),
                None => return (Vec::new(), Vec::new()),
            }
        }
        let free = people.experts.iter().filter(may).filter(|one| !officers.contains(&one.key)).collect();
        let experts = self
            .take(Role::Expert, free, rules.experts.count, rules.experts.specialty.as_ref(), visit.key)
            .unwrap_or_default();
        for (role, placed) in [("officer", &officers), ("expert", &experts)] {
            for person in placed {
                *self.counts.entry((role, person.clone())).or_default() += 1;
            }
        }
        (officers, experts)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_drawn_are_the_smallest_tickets_of_their_strata(seed in any::<u64>(), shape in shapes()) {
        let draw = Draw::random(seed, &shape).unwrap();
        let subjects = Subjects::parse(draw.frozen().subjects, draw.rules.is_withheld("subjects.tsv")).unwrap();
        let tickets = Tickets::new(&draw.reveal.seed);
        let keys: BTreeSet<&str> = draw.reveal.rows.iter().map(|row| row.key.as_str()).collect();
        prop_assert_eq!(keys.len(), draw.reveal.rows.len(), "drawn keys are distinct");
        for (stratum, &n) in subjects.strata() {
            let mut pool: Vec<(Digest, &str)> = subjects.iter().filter(|one| one.stratum == *stratum).map(|one| (tickets.subject(one.key.as_bytes()), one.key)).collect();
            prop_assert_eq!(pool.len() as u64, n);
            pool.sort();
            let k = draw.rules.quotas[*stratum].places(n) as usize;
            let drawn: BTreeSet<&str> = draw.reveal.rows.iter().filter(|row| row.stratum == *stratum).map(|row| row.key.as_str()).collect();
            prop_assert_eq!(&drawn, &pool[..k].iter().map(|(_, key)| *key).collect::<BTreeSet<_>>(), "in the pool, and no other");
            let published = draw.reveal.strata.iter().find(|one| one.name == *stratum).unwrap();
            prop_assert_eq!((published.n, published.k), (n, k as u64));
            for (ticket, key) in &pool {
                prop_assert_eq!(drawn.contains(key), published.threshold.is_some_and(|threshold| *ticket <= threshold));
            }
        }
        prop_assert_eq!(draw.reveal.rows.len() as u64, draw.reveal.strata.iter().map(|one| one.k).sum::<u64>());
        prop_assert!(draw.reveal.rows.is_sorted_by_key(|row| (row.ticket, row.key.clone())));
        prop_assert!(draw.reveal.rows.iter().all(|row| row.ticket == tickets.subject(row.key.as_bytes())));
    }

    #[test]
    fn teams_are_those_of_the_document(seed in any::<u64>(), shape in shapes()) {
        let draw = Draw::random(seed, &shape).unwrap();
        let (officers, experts, exclusions) = people(&draw);
        let people = People { officers: &officers, experts: &experts, exclusions: &exclusions };
        let mut plain = Plain { people: &people, rules: &draw.rules, tickets: Tickets::new(&draw.reveal.seed), counts: HashMap::new() };
        for row in &draw.reveal.rows {
            let (officers, experts) = plain.place(&Visit { key: &row.key, district: &row.district });
            prop_assert_eq!((&row.officers, &row.experts), (&officers, &experts), "{}", row.key);
        }
    }

    #[test]
    fn teams_hold_every_rule(seed in any::<u64>(), shape in shapes()) {
        let draw = Draw::random(seed, &shape).unwrap();
        let (officers, experts, exclusions) = people(&draw);
        let size: u64 = draw.rules.teams.iter().map(|places| places.size).sum();
        for row in &draw.reveal.rows {
            prop_assert!(row.officers.is_empty() || row.officers.len() as u64 == size);
            prop_assert!(row.experts.is_empty() || (row.experts.len() as u64 == draw.rules.experts.count && !row.officers.is_empty()));
            let everyone: BTreeSet<&String> = row.officers.iter().chain(&row.experts).collect();
            prop_assert_eq!(everyone.len(), row.officers.len() + row.experts.len(), "an expert is never in the team");
            let units = draw.rules.teams.iter().flat_map(|places| (0..places.size).map(move |nth| (places, nth)));
            for ((places, nth), key) in units.zip(&row.officers) {
                let officer = officers.iter().find(|one| one.key == *key).unwrap();
                prop_assert_eq!(&officer.unit, &places.unit);
                prop_assert!(nth > 0 || places.specialty.as_ref().is_none_or(|wanted| officer.specialties.contains(wanted)));
            }
            for key in &row.officers {
                let officer = officers.iter().find(|one| one.key == *key).unwrap();
                prop_assert!(!draw.rules.cover_district || officer.districts.contains(&row.district));
            }
            for (nth, key) in row.experts.iter().enumerate() {
                let expert = experts.iter().find(|one| one.key == *key).unwrap();
                prop_assert!(!draw.rules.cover_district || expert.districts.contains(&row.district));
                prop_assert!(nth > 0 || draw.rules.experts.specialty.as_ref().is_none_or(|wanted| expert.specialties.contains(wanted)));
            }
            prop_assert!(everyone.iter().all(|person| !exclusions.contains(person, &row.key)));
        }
    }

    #[test]
    fn a_whole_draw_is_verified_and_a_withheld_one_in_part(seed in any::<u64>(), shape in shapes()) {
        let draw = Draw::random(seed, &shape).unwrap();
        let (bundle, keys) = (draw.bundle().unwrap(), jwks());
        let public = verify(bundle.as_slice(), &Options { jwks: Some(&keys), demo: true, ..Options::default() });
        let expected = if shape.withheld.is_empty() { Verdict::Verified } else { Verdict::Partly };
        prop_assert_eq!(public.verdict, expected, "{:#}", public.to_json());
        let with = verify(bundle.as_slice(), &Options { jwks: Some(&keys), demo: true, with: draw.withheld() });
        prop_assert_eq!(with.verdict, Verdict::Verified, "{:#}", with.to_json());
        let no_keys = verify(bundle.as_slice(), &Options { demo: true, with: draw.withheld(), ..Options::default() });
        prop_assert_eq!(no_keys.verdict, Verdict::Partly);
        let no_demo = verify(bundle.as_slice(), &Options { jwks: Some(&keys), with: draw.withheld(), ..Options::default() });
        prop_assert_eq!(no_demo.verdict, Verdict::NotVerified);
    }

    #[test]
    fn the_same_draw_gives_the_same_bytes(seed in any::<u64>(), shape in shapes()) {
        let (one, other) = (Draw::random(seed, &shape).unwrap(), Draw::random(seed, &shape).unwrap());
        prop_assert_eq!(one.bundle().unwrap(), other.bundle().unwrap());
        prop_assert_eq!(bundle::read(one.bundle().unwrap().as_slice()).unwrap().files, one.public());
        prop_assert_eq!(Statement::parse(&one.stated.bytes).unwrap().to_bytes().unwrap(), one.stated.bytes);
    }

    #[test]
    fn the_order_of_rows_and_blocks_decides_nothing(seed in any::<u64>(), n in 0_usize..400, k in 0_u64..60) {
        let mut dice = Dice::new(seed);
        let rows: Vec<(String, &str)> = (0..n).map(|at| (format!("key-{at}"), ["A", "B", "C"][at % 3])).collect();
        let mut mixed = rows.clone();
        for at in (1..mixed.len()).rev() {
            mixed.swap(at, dice.below(at + 1));
        }
        let write = |rows: &[(String, &str)]| {
            let mut table = Table::<Subject>::new();
            for (key, stratum) in rows {
                table.push(&Subject { key, stratum, district: "d" }).unwrap();
            }
            table.finish().unwrap()
        };
        let file = write(&rows);
        prop_assert_eq!(&file, &write(&mixed));

        let subjects = Subjects::parse(&file, false).unwrap();
        let quotas: BTreeMap<String, Quota> = subjects.strata().keys().map(|stratum| ((*stratum).to_owned(), Quota::Count(k))).collect();
        let tickets = Tickets::new(&Digest::of(&seed.to_le_bytes()));
        let whole = select(&subjects, &quotas, tickets).unwrap();
        let mut selector = Selector::new(subjects.strata(), &quotas, tickets).unwrap();
        for (key, stratum) in &mixed {
            selector.feed(format!("{key}\t{stratum}\td\n").as_bytes()).unwrap();
        }
        let by_line = selector.finish().unwrap();
        prop_assert_eq!(strata_tsv(&whole.strata), strata_tsv(&by_line.strata));
        prop_assert_eq!(whole, by_line);
    }

    #[test]
    fn load_differs_by_at_most_one_where_everyone_may_go_everywhere(
        seed in any::<u64>(), visits in 0_usize..200, officers in 1_usize..12, size in 1_u64..5,
    ) {
        let candidates: Vec<Candidate> = (0..officers)
            .map(|at| Candidate { key: format!("{at:03}"), unit: "u".into(), districts: vec!["d".into()], specialties: vec![] })
            .collect();
        let mut rules = Draw::random(1, &Shape::default()).unwrap().rules;
        rules.teams = vec![lottery::rules::Places { size, specialty: None, unit: "u".into() }];
        rules.experts.count = 0;
        let keys: Vec<String> = (0..visits).map(|at| format!("s{at}")).collect();
        let visits: Vec<Visit> = keys.iter().map(|key| Visit { key, district: "d" }).collect();
        let people = People { officers: &candidates, experts: &[], exclusions: &Exclusions::default() };
        let teams = place(&visits, &people, &rules, Tickets::new(&Digest::of(&seed.to_le_bytes())));
        if size > officers as u64 {
            let none = Team { no_choice: true, ..Team::default() };
            prop_assert!(teams.iter().all(|team| *team == none));
        } else {
            let mut loads = vec![0; officers];
            for officer in teams.iter().flat_map(|team| &team.officers) {
                loads[*officer as usize] += 1;
            }
            prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1, "{loads:?}");
            prop_assert_eq!(loads.iter().sum::<usize>() as u64, visits.len() as u64 * size);
        }
    }
}
