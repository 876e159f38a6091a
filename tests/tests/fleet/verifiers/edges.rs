//! The edge cases of the protocol: how a draw comes to have each, and how a finished draw shows that it has it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lottery::{
    frozen::{EXCLUSIONS, EXPERTS, LEFT_OUT, OFFICERS, SUBJECTS, TABLES},
    reveal::ResultRow,
    rules::{Places, Quota},
    testing::{CITY_KID, Dice, Draw},
};

use super::recipe::{Covers, Exclusions, Names, Quotas, Recipe, Source, Times, Unit, Values};

/// One edge case.
pub struct Edge {
    pub name: &'static str,
    /// Bends a random recipe towards it.
    pub wish: fn(&mut Recipe, &mut Dice),
    /// Whether the finished draw has it, read from its files alone.
    pub holds: fn(&Seen) -> bool,
}

/// A person as the file says.
pub struct Listed {
    pub key: String,
    pub unit: String,
    pub districts: Vec<String>,
    pub specialties: Vec<String>,
}

/// A finished draw, read again line by line.
pub struct Seen<'d> {
    pub draw: &'d Draw,
    /// Key, stratum, district.
    pub subjects: Vec<Vec<String>>,
    pub left_out: usize,
    pub officers: Vec<Listed>,
    pub experts: Vec<Listed>,
    /// Person, subject.
    pub exclusions: BTreeSet<(String, String)>,
}

fn lines(draw: &Draw, file: &str) -> Vec<Vec<String>> {
    let text = std::str::from_utf8(&draw.files[file]).unwrap();
    text.lines().map(|line| line.split('\t').map(ToOwned::to_owned).collect()).collect()
}

fn listed(draw: &Draw, file: &str) -> Vec<Listed> {
    let list = |text: &str| text.split(',').filter(|one| !one.is_empty()).map(ToOwned::to_owned).collect();
    let people = lines(draw, file);
    people
        .iter()
        .map(|line| Listed {
            key: line[0].clone(),
            unit: line[1].clone(),
            districts: list(&line[2]),
            specialties: list(&line[3]),
        })
        .collect()
}

impl<'d> Seen<'d> {
    pub fn of(draw: &'d Draw) -> Self {
        Self {
            subjects: lines(draw, SUBJECTS),
            left_out: lines(draw, LEFT_OUT).len(),
            officers: listed(draw, OFFICERS),
            experts: listed(draw, EXPERTS),
            exclusions: lines(draw, EXCLUSIONS).iter().map(|line| (line[0].clone(), line[1].clone())).collect(),
            draw,
        }
    }

    fn rows(&self) -> &[ResultRow] {
        &self.draw.reveal.rows
    }

    fn teams(&self) -> &[Places] {
        &self.draw.rules.teams
    }

    fn some_row(&self, holds: impl Fn(&ResultRow) -> bool) -> bool {
        self.rows().iter().any(holds)
    }

    fn full(&self) -> usize {
        self.rows().iter().filter(|row| !row.officers.is_empty()).count()
    }

    /// Officers of the unit who may go there, the excluded among them or not.
    fn candidates(&self, unit: &str, row: &ResultRow, excluded_too: bool) -> usize {
        let fits = |one: &&Listed| {
            one.unit == unit
                && (!self.draw.rules.cover_district || one.districts.contains(&row.district))
                && (excluded_too || !self.exclusions.contains(&(one.key.clone(), row.key.clone())))
        };
        self.officers.iter().filter(fits).count()
    }

    fn some_stratum(&self, holds: impl Fn(u64, u64, Quota) -> bool) -> bool {
        self.draw.reveal.strata.iter().any(|one| holds(one.n, one.k, self.draw.rules.quotas[&one.name]))
    }

    /// How often each officer of the unit was sent.
    fn loads(&self, unit: &str) -> Vec<usize> {
        let mut loads: HashMap<&str, usize> =
            self.officers.iter().filter(|one| one.unit == unit).map(|one| (one.key.as_str(), 0)).collect();
        for officer in self.rows().iter().flat_map(|row| &row.officers) {
            if let Some(load) = loads.get_mut(officer.as_str()) {
                *load += 1;
            }
        }
        loads.into_values().collect()
    }

    fn specialties_of(&self, unit: &str) -> BTreeSet<&str> {
        let own = self.officers.iter().filter(|one| one.unit == unit);
        own.flat_map(|one| one.specialties.iter().map(String::as_str)).collect()
    }

    fn withholds(&self, files: &[&str]) -> bool {
        let withheld = self.draw.rules.withheld.as_ref().map_or(&[][..], |withheld| &withheld.files);
        let mut files: Vec<&str> = files.to_vec();
        files.sort_unstable();
        withheld == files
    }

    fn contributors(&self) -> usize {
        self.draw.rules.entropy.iter().filter(|one| one.unit.is_some()).count()
    }

    fn beacon(&self, source: &str) -> bool {
        self.draw.rules.entropy.last().is_some_and(|one| one.contributor.starts_with(source))
    }
}

fn pool(recipe: &mut Recipe, subjects: usize, strata: usize) {
    (recipe.subjects, recipe.strata) = (subjects, strata);
}

/// A small draw of one district in which every place can be filled.
fn easy(recipe: &mut Recipe) {
    pool(recipe, 12, 2);
    recipe.quotas = Quotas::All(Quota::Ppm(500_000));
    recipe.districts = 1;
    (recipe.bare_district, recipe.covers, recipe.exclusions) = (false, Covers::Own, Exclusions::None);
    recipe.units.truncate(1);
    recipe.units[0] = Unit { size: 1, specialty: None, officers: 4, specialists: 5, first_district_only: false };
}

/// As [`easy`], with experts for every team.
fn with_experts(recipe: &mut Recipe) {
    easy(recipe);
    recipe.cover = false;
    (recipe.experts, recipe.experts_wanted) = (6, 2);
    (recipe.expert_specialty, recipe.experts_are_officers) = (None, false);
}

macro_rules! edges {
    ($($name:literal: |$recipe:pat_param, $dice:pat_param| $wish:expr, |$seen:ident| $holds:expr;)*) => {
        &[$(Edge {
            name: $name,
            wish: |$recipe: &mut Recipe, $dice: &mut Dice| { $wish; },
            holds: |$seen: &Seen| $holds,
        }),*]
    };
}

/// The pool, its strata and how many are drawn.
pub const POOL: &[Edge] = edges! {
    "empty pool": |r, _| r.subjects = 0, |s| s.subjects.is_empty();
    "one subject": |r, _| r.subjects = 1, |s| s.subjects.len() == 1;
    "a stratum of one subject": |r, _| pool(r, 3, 2), |s| s.some_stratum(|n, _, _| n == 1);
    "strata of one subject only": |r, _| pool(r, 8, 8),
        |s| s.draw.rules.quotas.len() > 2 && !s.some_stratum(|n, _, _| n > 1);
    "one stratum": |r, _| pool(r, 20, 1), |s| s.draw.rules.quotas.len() == 1 && s.subjects.len() > 1;
    "a hundred strata": |r, _| pool(r, 150, 100), |s| s.draw.rules.quotas.len() >= 100;
    "nobody left out": |r, _| r.left_out = 0, |s| s.left_out == 0;
    "more left out than in the pool": |r, _| { pool(r, 3, 1); r.left_out = 9 }, |s| s.left_out > s.subjects.len();
    "subjects without a credit code": |r, _| { pool(r, 9, 1); r.names = Names::KindId },
        |s| s.subjects.iter().any(|one| one[0].starts_with("household:"));
    "names of 64 bytes everywhere": |r, _| { easy(r); r.names = Names::Longest },
        |s| s.some_row(|row| [&row.key, &row.stratum, &row.district].iter().all(|name| name.len() == 64)
            && row.officers.iter().any(|key| key.len() == 64));
    "a drawn key that takes a second block": |r, _| { easy(r); r.names = Names::TwoBlocks },
        |s| s.some_row(|row| row.key.len() > 45);
    "a key that begins another": |r, _| { pool(r, 20, 2); r.names = Names::Prefixes },
        |s| s.subjects.windows(2).any(|two| two[1][0].starts_with(&two[0][0]));
    "names that languages trip over": |r, _| { easy(r); pool(r, 20, 4); r.names = Names::Awkward },
        |s| s.draw.rules.quotas.contains_key("__proto__") && s.some_row(|row| row.stratum == "__proto__" || row.stratum == "10");
    "quota by count": |r, _| { pool(r, 9, 2); r.quotas = Quotas::All(Quota::Count(2)) },
        |s| s.some_stratum(|_, k, quota| matches!(quota, Quota::Count(_)) && k > 0);
    "quota by ppm": |r, _| { pool(r, 9, 2); r.quotas = Quotas::All(Quota::Ppm(20_000)) },
        |s| s.some_stratum(|_, k, quota| matches!(quota, Quota::Ppm(_)) && k > 0);
    "a share rounded up": |r, _| { pool(r, 9, 2); r.quotas = Quotas::All(Quota::Ppm(333_333)) },
        |s| s.some_stratum(|n, _, quota| matches!(quota, Quota::Ppm(ppm) if n * ppm % 1_000_000 > 0));
    "a share without a rest": |r, _| { pool(r, 8, 2); r.quotas = Quotas::PpmWithoutRest },
        |s| s.some_stratum(|n, _, quota| matches!(quota, Quota::Ppm(1..=999_999)) && matches!(quota, Quota::Ppm(ppm) if n * ppm % 1_000_000 == 0));
    "the smallest share": |r, _| { pool(r, 40, 2); r.quotas = Quotas::All(Quota::Ppm(1)) },
        |s| s.some_stratum(|_, k, quota| quota == Quota::Ppm(1) && k == 1);
    "count 0": |r, _| { pool(r, 9, 2); r.quotas = Quotas::All(Quota::Count(0)) },
        |s| s.some_stratum(|_, k, quota| quota == Quota::Count(0) && k == 0);
    "share 0": |r, _| { pool(r, 9, 2); r.quotas = Quotas::All(Quota::Ppm(0)) },
        |s| s.some_stratum(|_, k, quota| quota == Quota::Ppm(0) && k == 0);
    "share of everybody": |r, _| { pool(r, 9, 2); r.quotas = Quotas::All(Quota::Ppm(1_000_000)) },
        |s| s.some_stratum(|n, k, quota| quota == Quota::Ppm(1_000_000) && k == n);
    "a count that is the stratum's size": |r, _| { pool(r, 9, 2); r.quotas = Quotas::CountIsSize },
        |s| s.some_stratum(|n, _, quota| quota == Quota::Count(n));
    "a count above the stratum": |r, _| { pool(r, 9, 2); r.quotas = Quotas::All(Quota::Count(7)) },
        |s| s.some_stratum(|n, k, quota| matches!(quota, Quota::Count(count) if count > n) && k == n);
    "the largest count there is": |r, _| { pool(r, 9, 2); r.quotas = Quotas::All(Quota::Count((1 << 53) - 1)) },
        |s| s.some_stratum(|_, _, quota| quota == Quota::Count((1 << 53) - 1));
    "nobody drawn of a pool": |r, _| { pool(r, 9, 2); r.quotas = Quotas::All(Quota::Count(0)) },
        |s| !s.subjects.is_empty() && s.rows().is_empty();
    "everybody drawn of a pool": |r, _| { pool(r, 9, 2); r.quotas = Quotas::All(Quota::Ppm(1_000_000)) },
        |s| s.subjects.len() > 1 && s.rows().len() == s.subjects.len();
};

/// Who is sent.
pub const PEOPLE: &[Edge] = edges! {
    "districts need not be covered": |r, _| { easy(r); r.cover = false }, |s| !s.draw.rules.cover_district && s.full() > 0;
    "a drawn subject in a district nobody covers": |r, _| { easy(r); (r.cover, r.districts, r.bare_district) = (true, 2, true); r.quotas = Quotas::All(Quota::Ppm(1_000_000)); r.strangers = 0 },
        |s| s.draw.rules.cover_district && s.some_row(|row| !s.officers.iter().any(|one| one.districts.contains(&row.district)));
    "no officers at all": |r, _| { easy(r); r.units[0].officers = 0; r.strangers = 0 },
        |s| s.officers.is_empty() && !s.rows().is_empty();
    "an officer without districts": |r, _| { easy(r); r.covers = Covers::SomeNone },
        |s| s.officers.iter().any(|one| one.districts.is_empty());
    "an officer of several districts": |r, _| { r.districts = 3; r.covers = Covers::Several; r.strangers = 2 },
        |s| s.officers.iter().any(|one| one.districts.len() > 1);
    "an officer of a unit that sends nobody": |r, _| r.strangers = 2,
        |s| s.officers.iter().any(|one| s.teams().iter().all(|places| places.unit != one.unit));
    "one unit": |r, _| r.units.truncate(1), |s| s.teams().len() == 1;
    "three units in a team": |r, _| { easy(r); let unit = r.units[0].clone(); r.units = vec![unit; 3] },
        |s| s.teams().len() == 3 && s.full() > 0;
    "a unit without officers": |r, _| { easy(r); let unit = r.units[0].clone(); r.units.push(Unit { officers: 0, ..unit }) },
        |s| !s.rows().is_empty() && s.teams().iter().any(|places| s.officers.iter().all(|one| one.unit != places.unit));
    "a later unit fails, and no count grows": |r, _| {
            easy(r);
            (r.cover, r.districts) = (true, 2);
            r.quotas = Quotas::All(Quota::Ppm(1_000_000));
            let unit = r.units[0].clone();
            r.units.push(Unit { first_district_only: true, ..unit });
        },
        |s| s.full() > 0 && s.teams().len() > 1 && s.some_row(|row| row.officers.is_empty()
            && s.candidates(&s.teams()[0].unit, row, false) as u64 >= s.teams()[0].size);
    "a team of one": |r, _| easy(r), |s| s.some_row(|row| row.officers.len() == 1);
    "four of one unit": |r, _| { easy(r); (r.units[0].size, r.units[0].officers) = (4, 6) },
        |s| s.full() > 0 && s.teams().iter().any(|places| places.size >= 4);
    "a specialty somebody has": |r, _| { easy(r); (r.units[0].specialty, r.units[0].specialists) = (Some("fire"), 6) },
        |s| s.full() > 0 && s.teams().iter().any(|places| places.specialty.is_some());
    "a specialty nobody has": |r, _| { easy(r); (r.units[0].specialty, r.units[0].specialists) = (Some("fire"), 0) },
        |s| !s.rows().is_empty() && s.teams().iter().any(|places| places.specialty.as_deref().is_some_and(|wanted| !s.specialties_of(&places.unit).contains(wanted))
            && s.officers.iter().any(|one| one.unit == places.unit));
    "specialties in two units": |r, _| { easy(r); (r.units[0].specialty, r.units[0].specialists) = (Some("fire"), 9); let unit = r.units[0].clone(); r.units.push(Unit { specialty: Some("lifts"), ..unit }) },
        |s| s.full() > 0 && s.teams().iter().filter(|places| places.specialty.is_some()).count() > 1;
    "every drawn subject has a team": |r, _| easy(r), |s| s.full() > 1 && s.full() == s.rows().len();
    "some have a team and some have none": |r, _| { easy(r); r.exclusions = Exclusions::WholeUnit; r.quotas = Quotas::All(Quota::Ppm(1_000_000)) },
        |s| s.full() > 0 && s.full() < s.rows().len();
    "no team at all": |r, _| { easy(r); r.units[0].size = 9 }, |s| !s.rows().is_empty() && s.full() == 0;
    "as many candidates as places": |r, _| { easy(r); (r.units[0].size, r.units[0].officers) = (2, 2) },
        |s| s.some_row(|row| row.no_choice && !row.officers.is_empty());
    "more candidates than places": |r, _| easy(r), |s| s.some_row(|row| !row.no_choice && !row.officers.is_empty());
    "equal loads": |r, _| { easy(r); pool(r, 8, 2); r.quotas = Quotas::All(Quota::Ppm(1_000_000)) },
        |s| s.rows().len() > 1 && s.teams().iter().any(|places| { let loads = s.loads(&places.unit); loads.len() > 1 && loads[0] > 0 && loads.iter().all(|load| *load == loads[0]) });
    "loads apart by two or more": |r, _| { easy(r); (r.units[0].specialty, r.units[0].specialists, r.units[0].officers) = (Some("fire"), 3, 3); r.quotas = Quotas::All(Quota::Ppm(1_000_000)) },
        |s| s.teams().iter().any(|places| { let loads = s.loads(&places.unit); loads.iter().max() >= loads.iter().min().map(|least| least + 2).as_ref() });
    "no experts wanted, though there are some": |r, _| (r.experts, r.experts_wanted) = (4, 0),
        |s| !s.experts.is_empty() && s.draw.rules.experts.count == 0;
    "experts with a team": |r, _| with_experts(r), |s| s.some_row(|row| row.experts.len() == 2);
    "too few experts beside a team": |r, _| { with_experts(r); r.experts_wanted = 7 },
        |s| s.draw.rules.experts.count > 0 && !s.experts.is_empty() && s.some_row(|row| !row.officers.is_empty() && row.experts.is_empty());
    "experts wanted, none on the list": |r, _| { with_experts(r); r.experts = 0 },
        |s| s.draw.rules.experts.count > 0 && s.experts.is_empty() && s.full() > 0;
    "experts wanted, but no team": |r, _| { with_experts(r); r.units[0].size = 9 },
        |s| s.draw.rules.experts.count > 0 && !s.experts.is_empty() && s.some_row(|row| row.officers.is_empty());
    "an expert who is in the team": |r, _| { with_experts(r); r.experts_are_officers = true; r.units[0].size = 2 },
        |s| s.draw.rules.experts.count > 0 && s.some_row(|row| s.experts.iter().any(|one| row.officers.contains(&one.key)));
    "a specialty among experts": |r, _| { with_experts(r); r.expert_specialty = Some("fire"); r.experts_without_specialty = false },
        |s| s.draw.rules.experts.specialty.is_some() && s.some_row(|row| !row.experts.is_empty());
    "a specialty no expert has": |r, _| { with_experts(r); (r.expert_specialty, r.experts_without_specialty) = (Some("fire"), true) },
        |s| s.full() > 0 && s.draw.rules.experts.count > 0 && s.draw.rules.experts.specialty.is_some() && !s.experts.is_empty()
            && s.experts.iter().all(|one| one.specialties.is_empty());
    "no exclusions": |r, _| r.exclusions = Exclusions::None, |s| s.exclusions.is_empty();
    "exclusions of people in no file": |r, _| r.exclusions = Exclusions::Outside,
        |s| s.exclusions.iter().any(|(person, subject)| s.officers.iter().all(|one| one.key != *person) && s.subjects.iter().all(|one| one[0] != *subject));
    "exclusions that leave nobody of a unit": |r, _| { easy(r); r.exclusions = Exclusions::WholeUnit; r.quotas = Quotas::All(Quota::Ppm(1_000_000)) },
        |s| s.some_row(|row| s.teams().iter().any(|places| s.candidates(&places.unit, row, true) as u64 >= places.size && s.candidates(&places.unit, row, false) == 0));
    "an exclusion that leaves enough": |r, _| { easy(r); (r.cover, r.exclusions) = (false, Exclusions::OneIn(1)); r.quotas = Quotas::All(Quota::Ppm(1_000_000)) },
        |s| s.some_row(|row| !row.officers.is_empty() && s.teams().iter().any(|places| s.candidates(&places.unit, row, true) > s.candidates(&places.unit, row, false)));
    "an excluded expert": |r, _| { with_experts(r); r.exclusions = Exclusions::OneIn(1); r.quotas = Quotas::All(Quota::Ppm(1_000_000)) },
        |s| s.draw.rules.experts.count > 0 && s.some_row(|row| !row.officers.is_empty() && s.experts.iter().any(|one| s.exclusions.contains(&(one.key.clone(), row.key.clone()))));
};

/// Contributors, beacons, what is withheld, and what the statement says.
pub const COURSE: &[Edge] = edges! {
    "beacon waived": |r, _| r.source = Source::Waived, |s| s.draw.rules.beacon_waived.is_some();
    "beacon drand": |r, _| r.source = Source::Drand, |s| s.beacon("drand:quicknet:");
    "beacon of the national lottery": |r, _| r.source = Source::Ssq, |s| s.beacon("lottery:ssq:");
    "beacon of a demonstration": |r, _| r.source = Source::Demo, |s| s.beacon("lottery:demo:");
    "one contributor besides the beacon": |r, _| r.contributors = 1, |s| s.contributors() == 1;
    "twelve contributors": |r, _| r.contributors = 12, |s| s.contributors() == 12;
    "values of 200 characters": |r, _| r.values = Values::Longest, |s| s.draw.values[0].len() == 200;
    "values of one blank": |r, _| r.values = Values::Shortest, |s| s.draw.values[0] == " ";
    "only subjects.tsv withheld": |r, _| r.withheld = vec![SUBJECTS], |s| s.withholds(&[SUBJECTS]);
    "only left_out.tsv withheld": |r, _| r.withheld = vec![LEFT_OUT], |s| s.withholds(&[LEFT_OUT]);
    "only officers.tsv withheld": |r, _| r.withheld = vec![OFFICERS], |s| s.withholds(&[OFFICERS]);
    "only experts.tsv withheld": |r, _| r.withheld = vec![EXPERTS], |s| s.withholds(&[EXPERTS]);
    "only exclusions.tsv withheld": |r, _| r.withheld = vec![EXCLUSIONS], |s| s.withholds(&[EXCLUSIONS]);
    "experts of some teams withheld": |r, _| { with_experts(r); r.withheld = vec![EXPERTS] },
        |s| s.withholds(&[EXPERTS]) && s.some_row(|row| !row.experts.is_empty());
    "officers withheld, experts not": |r, _| { with_experts(r); r.withheld = vec![OFFICERS] },
        |s| s.withholds(&[OFFICERS]) && s.some_row(|row| !row.experts.is_empty());
    "subjects withheld where districts count": |r, _| { easy(r); (r.cover, r.withheld) = (true, vec![SUBJECTS]) },
        |s| s.withholds(&[SUBJECTS]) && s.draw.rules.cover_district && s.full() > 0;
    "subjects withheld where districts do not count": |r, _| { easy(r); (r.cover, r.withheld) = (false, vec![SUBJECTS]) },
        |s| s.withholds(&[SUBJECTS]) && !s.draw.rules.cover_district && s.full() > 0;
    "all people withheld": |r, _| r.withheld = vec![OFFICERS, EXPERTS, EXCLUSIONS], |s| s.withholds(&[OFFICERS, EXPERTS, EXCLUSIONS]);
    "the whole scope withheld": |r, _| r.withheld = vec![SUBJECTS, LEFT_OUT], |s| s.withholds(&[SUBJECTS, LEFT_OUT]);
    "everything withheld": |r, _| r.withheld = TABLES.to_vec(), |s| s.withholds(&TABLES);
    "a withheld file without a line": |r, _| { r.withheld = vec![SUBJECTS]; r.subjects = 0 },
        |s| s.withholds(&[SUBJECTS]) && s.subjects.is_empty();
    "nothing withheld": |r, _| r.withheld.clear(), |s| s.withholds(&[]);
    "an unannounced visit": |r, _| r.publish_after = true, |s| s.draw.rules.publish_after.is_some();
    "replaces a failed draw": |r, _| r.replaces = true, |s| s.draw.intent.replaces.is_some();
    "supplements a draw": |r, _| r.follows = true, |s| s.draw.intent.follows.is_some();
    "replaces and supplements": |r, _| (r.replaces, r.follows) = (true, true),
        |s| s.draw.intent.replaces.is_some() && s.draw.intent.follows.is_some();
    "a number of five digits": |r, _| r.long_number = true, |s| s.draw.intent.draw_id.len() == "draws/2026-12345".len();
    "revealed in the last second": |r, _| r.times = Times::LastSecond, |s| s.draw.revealed_at == s.draw.intent.reveal_by;
    "revealed a second after the entries closed": |r, _| r.times = Times::FirstSecond,
        |s| s.draw.revealed_at.epoch_secs() == s.draw.intent.entries_close.epoch_secs() + 1;
    "a beacon in the last second": |r, _| { r.times = Times::BeaconLast; r.source = Source::Drand },
        |s| s.draw.intent.beacon_at.as_ref() == Some(&s.draw.intent.reveal_by);
    "a leap day": |r, _| r.times = Times::LeapDay, |s| s.draw.revealed_at.as_str().contains("-02-29T");
    "the last second of a year": |r, _| r.times = Times::YearEnd, |s| s.draw.revealed_at.as_str().ends_with("-12-31T23:59:59Z");
    "free texts beyond ASCII": |r, _| { r.publish_after = true; r.free_text = "依法不公开\u{1f510}\u{2028}\u{fb33}" },
        |s| s.draw.rules.publish_after.as_ref().is_some_and(|after| !after.basis.is_ascii());
    "free texts that JSON escapes": |r, _| { r.publish_after = true; r.free_text = "\"a\\b\"/\u{8}\t\n\u{c}\r\u{1}\u{1f}\u{7f}" },
        |s| s.draw.rules.publish_after.as_ref().is_some_and(|after| after.basis.contains('\u{1f}'));
    "no demonstration": |r, _| { r.city_key = true; r.source = Source::Drand }, |s| s.draw.kid == CITY_KID;
};

pub fn all() -> Vec<&'static Edge> {
    [POOL, PEOPLE, COURSE].into_iter().flatten().collect()
}

/// A random draw that has the edge, and every edge that it has. The same number gives the same draw.
pub fn draw_with(edge: &Edge, seed: u64) -> (Draw, Vec<&'static str>) {
    const ATTEMPTS_MAX: u64 = 64;
    let edges = all();
    for attempt in 0..ATTEMPTS_MAX {
        let mut dice = Dice::new(seed.wrapping_mul(ATTEMPTS_MAX) + attempt);
        let mut recipe = Recipe::random(&mut dice);
        for _ in 0..dice.below(3) {
            (edges[dice.below(edges.len())].wish)(&mut recipe, &mut dice);
        }
        (edge.wish)(&mut recipe, &mut dice);
        let draw = recipe.make(&mut dice);
        let seen = Seen::of(&draw);
        if (edge.holds)(&seen) {
            let has = edges.iter().filter(|edge| (edge.holds)(&seen)).map(|edge| edge.name).collect();
            return (draw, has);
        }
    }
    panic!("{}: not made in {ATTEMPTS_MAX} attempts, seed {seed}", edge.name);
}

/// How often each edge was seen.
#[derive(Default)]
pub struct Counts(pub BTreeMap<&'static str, usize>);

impl Counts {
    pub fn add(&mut self, names: impl IntoIterator<Item = &'static str>) {
        for name in names {
            *self.0.entry(name).or_default() += 1;
        }
    }

    /// Edges seen less often than that.
    pub fn below(&self, least: usize, names: impl IntoIterator<Item = &'static str>) -> Vec<&'static str> {
        names.into_iter().filter(|name| self.0.get(name).copied().unwrap_or(0) < least).collect()
    }
}
