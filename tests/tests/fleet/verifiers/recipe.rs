//! Draws of any shape from one number: what is to be in them is written down as a recipe, then made by the product.

mod tables;

use lottery::{
    Time,
    beacon::Beacon,
    rules::{Contributor, Experts, Kind, PROTOCOL, Places, PublishAfter, Quota, Rules, Withheld},
    statement::Intent,
    testing::{CITY_KID, Course, Dice, Draw, KID, QUICKNET, UNIT},
};

pub const SPECIALTIES: [&str; 3] = ["boilers", "fire", "lifts"];
/// Names that one language or another takes for something else, or sorts as numbers.
const AWKWARD: [&str; 14] =
    ["__proto__", "10", "9", "constructor", "-", "0", "00", "NaN", "true", "null", "..", "/", "a:b", "length"];

/// The first of the known drand rounds: those published after the keys came into force.
const ROUNDS: usize = 7;

/// What subjects, strata, districts, units and people are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    Plain,
    /// Every other subject has no credit code.
    KindId,
    /// Keys of 46 to 63 bytes.
    TwoBlocks,
    /// Everything has 64 bytes.
    Longest,
    /// Keys that begin other keys.
    Prefixes,
    Awkward,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quotas {
    Mixed,
    All(Quota),
    /// As many as the stratum has.
    CountIsSize,
    /// A share of `n` without a rest, where there is one.
    PpmWithoutRest,
}

/// Which districts an officer covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covers {
    Own,
    Several,
    /// One of three covers none.
    SomeNone,
}

#[derive(Debug, Clone)]
pub struct Unit {
    pub size: u64,
    pub specialty: Option<&'static str>,
    /// Officers in each district.
    pub officers: usize,
    /// How many of ten have each specialty.
    pub specialists: usize,
    /// Its officers are all in the first district.
    pub first_district_only: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exclusions {
    None,
    /// One of so many subjects has one.
    OneIn(usize),
    /// Of people and subjects in no file.
    Outside,
    /// Every officer of the first unit, for one of two subjects.
    WholeUnit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Waived,
    Drand,
    Ssq,
    Demo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    Dice,
    Longest,
    Shortest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    Ordinary,
    /// Revealed in the second of `reveal_by`.
    LastSecond,
    /// Revealed one second after the entries closed.
    FirstSecond,
    /// The beacon, too, comes in the second of `reveal_by`.
    BeaconLast,
    LeapDay,
    YearEnd,
}

#[derive(Debug, Clone)]
pub struct Recipe {
    pub subjects: usize,
    pub left_out: usize,
    pub strata: usize,
    pub districts: usize,
    pub names: Names,
    pub quotas: Quotas,
    pub cover: bool,
    /// Nobody covers the last district.
    pub bare_district: bool,
    pub units: Vec<Unit>,
    /// Officers of a unit that sends nobody.
    pub strangers: usize,
    pub covers: Covers,
    pub experts: usize,
    pub experts_wanted: u64,
    pub expert_specialty: Option<&'static str>,
    pub experts_are_officers: bool,
    pub experts_without_specialty: bool,
    pub exclusions: Exclusions,
    pub source: Source,
    /// Which of the known rounds, where the source is drand.
    pub drand_round: usize,
    /// Contributors besides the beacon.
    pub contributors: usize,
    pub values: Values,
    pub withheld: Vec<&'static str>,
    pub publish_after: bool,
    pub replaces: bool,
    pub follows: bool,
    pub long_number: bool,
    pub times: Times,
    pub free_text: &'static str,
    pub city_key: bool,
}

impl Recipe {
    pub fn random(dice: &mut Dice) -> Self {
        let one_in = |dice: &mut Dice, n| dice.one_in(n);
        let units = (0..1 + dice.below(3)).map(|_| Unit {
            size: 1 + dice.below(2) as u64,
            specialty: one_in(dice, 3).then(|| SPECIALTIES[dice.below(3)]),
            officers: 1 + dice.below(5),
            specialists: dice.below(8),
            first_district_only: false,
        });
        let units = units.collect();
        Self {
            subjects: [0, 1, 3, 8, 20, 50, 90][dice.below(7)],
            left_out: dice.below(12),
            strata: 1 + dice.below(5),
            districts: 1 + dice.below(4),
            names: Names::Plain,
            quotas: Quotas::Mixed,
            cover: !dice.one_in(4),
            bare_district: dice.one_in(6),
            units,
            strangers: dice.below(3),
            covers: [Covers::Own, Covers::Several, Covers::SomeNone][dice.below(3)],
            experts: dice.below(9),
            experts_wanted: dice.below(3) as u64,
            expert_specialty: dice.one_in(3).then(|| SPECIALTIES[dice.below(3)]),
            experts_are_officers: dice.one_in(4),
            experts_without_specialty: dice.one_in(8),
            exclusions: [Exclusions::None, Exclusions::OneIn(2), Exclusions::OneIn(5), Exclusions::Outside]
                [dice.below(4)],
            source: [Source::Waived, Source::Drand, Source::Ssq, Source::Demo][dice.below(4)],
            drand_round: dice.below(ROUNDS),
            contributors: 2,
            values: Values::Dice,
            withheld: Vec::new(),
            publish_after: dice.one_in(5),
            replaces: dice.one_in(8),
            follows: dice.one_in(8),
            long_number: dice.one_in(8),
            times: Times::Ordinary,
            free_text: "law of 2026, article 15",
            city_key: dice.one_in(3),
        }
    }

    /// The draw, made and signed by the product.
    pub fn make(&self, dice: &mut Dice) -> Draw {
        let rules = self.rules(dice);
        let tables = self.tables(&rules, dice);
        let course = self.course(&rules, dice);
        Draw::by(tables, rules, course).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn named(&self, plain: String, at: usize) -> String {
        match self.names {
            Names::Longest => format!("{plain:_>64}"),
            Names::Awkward => AWKWARD.get(at).map_or(plain, |name| (*name).to_owned()),
            Names::Plain | Names::KindId | Names::TwoBlocks | Names::Prefixes => plain,
        }
    }

    fn subject(&self, at: usize) -> String {
        let plain = format!("91410200DEMO{at:06}");
        match self.names {
            Names::KindId if at % 2 == 1 => format!("household:{at}"),
            Names::TwoBlocks => format!("{at:x>0$}", 46 + at % 18),
            Names::Prefixes => format!("{}{}", at / 60, "0".repeat(at % 60)),
            Names::Plain | Names::KindId | Names::Longest | Names::Awkward => self.named(plain, at),
        }
    }

    fn stratum(&self, at: usize) -> String {
        self.named(if at.is_multiple_of(2) { format!("S{at:03}") } else { format!("410202/{at}") }, at)
    }

    fn district(&self, at: usize) -> String {
        self.named(format!("4102{:02}", at + 2), at)
    }

    fn unit(&self, at: usize) -> String {
        if at == 0 { UNIT.to_owned() } else { self.named(format!("unit-{at}"), at) }
    }

    fn is_withheld(&self, file: &str) -> bool {
        self.withheld.contains(&file)
    }

    fn rules(&self, dice: &mut Dice) -> Rules {
        let strata = self.strata.min(self.subjects);
        let quotas = (0..strata).map(|at| {
            let size = (at..self.subjects).step_by(strata).count() as u64;
            let quota = match self.quotas {
                Quotas::All(quota) => quota,
                Quotas::CountIsSize => Quota::Count(size),
                Quotas::PpmWithoutRest => Quota::Ppm(if size.is_multiple_of(2) { 500_000 } else { 1_000_000 }),
                Quotas::Mixed => match dice.below(4) {
                    0 => Quota::Count(dice.below(size as usize + 2) as u64),
                    1 => Quota::Ppm(dice.below(1_000_001) as u64),
                    _ => Quota::Ppm(50_000 + dice.below(300_000) as u64),
                },
            };
            (self.stratum(at), quota)
        });
        let quotas = quotas.collect();
        let teams = self.units.iter().enumerate().map(|(at, unit)| Places {
            size: unit.size,
            specialty: unit.specialty.map(ToOwned::to_owned),
            unit: self.unit(at),
        });
        let mut files: Vec<String> = self.withheld.iter().map(|file| (*file).to_owned()).collect();
        files.sort();
        Rules {
            beacon_waived: (self.source == Source::Waived).then(|| self.free_text.to_owned()),
            cover_district: self.cover,
            entropy: self.entropy(),
            experts: Experts { count: self.experts_wanted, specialty: self.expert_specialty.map(ToOwned::to_owned) },
            plan: "plans/2026-07".to_owned(),
            protocol: PROTOCOL.to_owned(),
            publish_after: self
                .publish_after
                .then(|| PublishAfter { basis: self.free_text.to_owned(), date: "2028-02-29".to_owned() }),
            quotas,
            teams: teams.collect(),
            withheld: (!files.is_empty()).then(|| Withheld { basis: self.free_text.to_owned(), files }),
        }
    }

    fn entropy(&self) -> Vec<Contributor> {
        let mut entropy: Vec<Contributor> = (0..self.contributors)
            .map(|at| {
                // The last is from outside, so that somebody is even where there is one only.
                let outside = at + 1 == self.contributors || at % 3 == 1;
                Contributor {
                    contributor: self.named(format!("contributor-{at}"), at),
                    kind: if outside { Kind::Witness } else { Kind::Department },
                    unit: Some(if outside { "notary-office".to_owned() } else { UNIT.to_owned() }),
                }
            })
            .collect();
        let beacon = match self.source {
            Source::Waived => None,
            Source::Drand => Some(Beacon::DrandQuicknet { round: self.round().0 }),
            Source::Ssq => Some(Beacon::LotterySsq { issue: 2_026_135 }),
            Source::Demo => Some(Beacon::LotteryDemo { issue: 7 }),
        };
        entropy.extend(beacon.map(|beacon| Contributor {
            contributor: beacon.to_string(),
            kind: Kind::Beacon,
            unit: None,
        }));
        entropy
    }

    /// The drand round of a draw that has one, and the signature it gave: a real one, since no other would be verified.
    fn round(&self) -> (u64, &'static str) {
        QUICKNET[self.drand_round]
    }

    /// Stated, entries close, beacon, revealed, reveal by. A drand round that is long past is waited for around its own second;
    /// a leap day or the end of a year come as they come, whatever the round.
    fn schedule(&self) -> (Time, Time, Time, Time, Time) {
        let around = |secs: [i64; 5]| {
            let published = Beacon::DrandQuicknet { round: self.round().0 }.published_at().unwrap().epoch_secs();
            secs.map(|secs| Time::from_epoch_secs(published + secs).unwrap()).into()
        };
        if self.source == Source::Drand {
            match self.times {
                Times::Ordinary => return around([-100_000, -3_600, 0, 61, 40_000]),
                Times::LastSecond => return around([-100_000, -3_600, 2, 40_000, 40_000]),
                Times::FirstSecond => return around([-100_000, -1, 0, 0, 40_000]),
                Times::BeaconLast => return around([-2, -1, 0, 0, 0]),
                Times::LeapDay | Times::YearEnd => {}
            }
        }
        let [stated, close, beacon, revealed, by] = match self.times {
            Times::Ordinary => {
                ["09-01T08:00:00Z", "09-02T08:00:00Z", "09-02T12:00:00Z", "09-02T13:00:00Z", "09-03T08:00:00Z"]
            }
            Times::LastSecond => {
                ["09-01T08:00:00Z", "09-02T08:00:00Z", "09-02T12:00:00Z", "09-03T08:00:00Z", "09-03T08:00:00Z"]
            }
            Times::FirstSecond => {
                ["09-01T08:00:00Z", "09-02T08:00:00Z", "09-02T08:00:01Z", "09-02T08:00:01Z", "09-03T08:00:00Z"]
            }
            Times::BeaconLast => {
                ["09-01T08:00:00Z", "09-02T08:00:00Z", "09-03T08:00:00Z", "09-03T08:00:00Z", "09-03T08:00:00Z"]
            }
            Times::LeapDay => {
                ["02-28T23:59:59Z", "02-29T00:00:00Z", "02-29T12:00:00Z", "02-29T23:59:59Z", "03-01T00:00:00Z"]
            }
            Times::YearEnd => {
                ["01-01T00:00:00Z", "12-31T23:59:57Z", "12-31T23:59:58Z", "12-31T23:59:59Z", "12-31T23:59:59Z"]
            }
        }
        .map(|time| {
            Time::parse(&format!("{}-{time}", if self.times == Times::LeapDay { 2028 } else { 2026 })).unwrap()
        });
        (stated, close, beacon, revealed, by)
    }

    fn course(&self, rules: &Rules, dice: &mut Dice) -> Course {
        let (stated_at, entries_close, beacon_at, revealed_at, reveal_by) = self.schedule();
        let intent = Intent {
            draw_id: if self.long_number { "draws/2026-12345" } else { "draws/2026-0007" }.to_owned(),
            unit: UNIT.to_owned(),
            stated_at,
            entries_close,
            beacon_at: (self.source != Source::Waived).then_some(beacon_at),
            reveal_by,
            follows: self.follows.then(|| "draws/2025-9999".to_owned()),
            replaces: self.replaces.then(|| "draws/2026-0001".to_owned()),
        };
        let base = Course::of(rules, dice).unwrap();
        let values = rules.entropy.iter().map(|one| match (one.kind, self.source, self.values) {
            (Kind::Beacon, Source::Drand, _) => self.round().1.to_owned(),
            (Kind::Beacon, _, Values::Longest) => "28 29 30 31 32 33 16".to_owned(),
            (Kind::Beacon, _, Values::Shortest) => "01 02 03 04 05 06 01".to_owned(),
            (Kind::Beacon, ..) => "03 07 12 19 26 31 09".to_owned(),
            (_, _, Values::Longest) => "9 .,:-aZ".repeat(25),
            (_, _, Values::Shortest) => " ".to_owned(),
            (_, _, Values::Dice) => format!("dice {}", dice.below(1_000_000)),
        });
        let values = values.collect();
        // A demonstration's beacon goes only with a demonstration's key.
        let kid = if self.city_key && self.source != Source::Demo { CITY_KID } else { KID };
        Course { intent, values, revealed_at, kid: kid.to_owned(), ..base }
    }
}
