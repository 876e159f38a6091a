//! Draws for tests: a whole random, valid draw of any shape from one number, signed under a demonstration key.
//!
//! The same number gives the same draw. Nothing here is secret or random in earnest.

pub mod hostile;

use std::{collections::BTreeMap, io};

use ed25519_dalek::SigningKey;

use crate::{
    bundle,
    entries::but_the_beacons,
    error::Result,
    frozen::{
        EXCLUSIONS, EXPERTS, Exclusion, FrozenFiles, LEFT_OUT, LeftOut, OFFICERS, Person, RULES, SUBJECTS, Subject,
        TABLES, Table,
    },
    hash::{Digest, Secret},
    names::Time,
    reveal::{DRAW, RESULT, Reveal, STRATA, reveal},
    rules::{Contributor, Experts, Kind, PROTOCOL, Places, Quota, Rules, Withheld},
    sign::{Jwks, PublicKey, SIGNATURES, Signatures, draw_text, entries_text, sign, statement_text},
    statement::{Intent, STATEMENT, Stated, state},
};

/// The `kid` of the demonstration key.
pub const KID: &str = "demo-testing-1";
/// The `kid` under which the same key signs draws that are no demonstration.
pub const CITY_KID: &str = "testing-1";
/// The drawing unit.
pub const UNIT: &str = "market-bureau";

/// Rounds of drand's quicknet with the signatures it gave, published between July and August 2026 and before; anybody may ask
/// drand for them again.
pub const QUICKNET: [(u64, &str); 15] = [
    (30_662_982, "8b3edd0d42a2fa36ac15641a2dea2e4f4895acec2ef72ef39e5b6138f0346fb6b046dde1b4b3d09ff5fe8a6a7acd674a"),
    (30_662_990, "8b2ebe176d153849d5db7f358a3a21be96f8c5d1c26ed2b530fff4419face8909d77f4ee6a211623e2432c30841411b5"),
    (30_662_992, "b72a64269e84523a73a87db491505b6f1675dfc7f71c69026efdce3996f59ce2d1b446fc00c13beff7fcfd428053a534"),
    (30_663_002, "b9e7e1e3d7d9cf17a9f4703abfae4c137acfbef1fdb45715a98422c244a499ea381c7fd759851ed8eeb8a03d778959b3"),
    (30_798_012, "90973449df156e156dc8c702aa397ebe24ab3ba4f0d7f46e921ba6ab906bc07515977132dc109498c6adebe27cde6fb5"),
    (31_543_729, "9041fec7a1ba5398abdafd1cacd6a86563ec064b3bd8e36d7dc7ae3fe5244f1136788d106e3fd2996b8e30f2b8cf4f8b"),
    (31_543_812, "a517bcc786bde26257b53b18eb3f25dc4020d2ad2e2e85339e713b046b7b84df3794c57ab9cae880f0da7b2f120b70d7"),
    (10_024_141, "8c87caf26bb4f5e9fdfad5ddf739ff8683344f8cf04a8c381225ff067557b5d9d51937eed765fcef21971bf5ddef44bb"),
    (1_002, "ab066f9c12dd6de1336fca0f925192fb0c72a771c3e4c82ede1fd362c1a770f9eb05843c6308ce2530b53a99c0281a6e"),
    (1_001, "b33bf3667cbd5a82de3a24b4e0e9fe5513cc1a0e840368c6e31f5fcfa79bea03f73896b25883abf2853d10337fb8fa41"),
    (1_000, "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"),
    (123, "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92"),
    (100, "a4a4ff2320c23471a4bf9540ee5fc68e4c6a750dc89fd8bbeb9ba56e0708673b2d285461388f14537332492726efd282"),
    (3, "b3fab6df720b68cc47175f2c777e86d84187caab5770906f515ff1099cb01e4deaa027075d860823e49477b93c72bd64"),
    (2, "b6b6a585449b66eb12e875b64fcbab3799861a00e4dbf092d99e969a5eac57dd3f798acf61e705fe4f093db926626807"),
];

/// The signature of round 31,543,812 and a point of order three, of both signs: on the curve, outside its group. Who checks the
/// pairing alone takes them for signatures too, and whoever types the value could choose.
pub const QUICKNET_TWISTED: [&str; 2] = [
    "b883fe829420e0f73438630b72d6004f822a7c2358f7c95aed4d1d362b182a66a7342a23d009bffad223d34f9e3741b8",
    "b0c6273c07bd4c56db1af90cbe9b6c00641df46835dad78f9580c772951aca1cd3a7a249008c5bbbd2a827f74d48d204",
];

/// A repeatable source of numbers (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.roll().to_le_bytes()[0])
    }

    fn pick<'a, T: AsRef<str>>(&mut self, from: &'a [T]) -> &'a str {
        from[self.below(from.len())].as_ref()
    }
}

/// How large a random draw is.
#[derive(Debug, Clone)]
pub struct Shape {
    pub subjects: usize,
    pub left_out: usize,
    pub strata: usize,
    pub districts: usize,
    pub units: usize,
    /// Officers of each unit in each district.
    pub officers: usize,
    pub experts: usize,
    /// Recusals, as one of so many subjects; 0: none.
    pub exclusion_one_in: usize,
    /// Sorted names of tables to withhold.
    pub withheld: Vec<String>,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            subjects: 200,
            left_out: 30,
            strata: 4,
            districts: 3,
            units: 2,
            officers: 6,
            experts: 8,
            exclusion_one_in: 5,
            withheld: Vec::new(),
        }
    }
}

/// A draw from its files to its reveal.
#[derive(Debug, Clone)]
pub struct Draw {
    /// Every file of a bundle by name, those withheld from the public included.
    pub files: BTreeMap<String, Vec<u8>>,
    pub rules: Rules,
    pub intent: Intent,
    pub secret: Secret,
    pub values: Vec<String>,
    pub revealed_at: Time,
    /// The key that signs.
    pub kid: String,
    pub stated: Stated,
    pub reveal: Reveal,
}

/// How a draw goes, from its statement to its reveal.
#[derive(Debug, Clone)]
pub struct Course {
    pub intent: Intent,
    pub secret: Secret,
    /// What the contributors give, in the order of `entropy`.
    pub values: Vec<String>,
    pub revealed_at: Time,
    /// [`KID`] or [`CITY_KID`].
    pub kid: String,
}

impl Course {
    /// An ordinary demonstration draw under these rules.
    pub fn of(rules: &Rules, dice: &mut Dice) -> Result<Self> {
        let intent = Intent {
            draw_id: "draws/2026-0007".to_owned(),
            unit: UNIT.to_owned(),
            stated_at: time("2026-09-01T08:00:00Z")?,
            entries_close: time("2026-09-02T08:00:00Z")?,
            beacon_at: if rules.beacon_waived.is_none() { Some(time("2026-09-02T12:00:00Z")?) } else { None },
            reveal_by: time("2026-09-03T08:00:00Z")?,
            follows: None,
            replaces: None,
        };
        let secret = Secret::new(dice.bytes());
        let values = rules.entropy.iter().map(|one| match one.kind {
            Kind::Beacon => "03 07 12 19 26 31 09".to_owned(),
            Kind::Department | Kind::Witness => format!("dice {}", dice.below(1_000_000)),
        });
        let values = values.collect();
        Ok(Self { intent, secret, values, revealed_at: time("2026-09-02T13:00:00Z")?, kid: KID.to_owned() })
    }
}

fn time(text: &str) -> Result<Time> {
    Time::parse(text)
}

/// The demonstration key.
#[must_use]
pub fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&Digest::of(b"a key everyone knows").0)
}

/// The published form of the demonstration key, under both its names.
#[must_use]
pub fn jwks() -> String {
    let key = signing_key().verifying_key();
    let named = |kid: &str| PublicKey {
        kid: kid.to_owned(),
        purpose: "evidence".to_owned(),
        nbf: 1_767_225_600,
        exp: None,
        key,
    };
    Jwks::text(&[named(KID), named(CITY_KID)])
}

/// The signature over a draw's statement, as a witness keeps it.
#[must_use]
pub fn sign_statement(draw: &Draw) -> String {
    sign(&draw.kid, &signing_key(), &statement_text(&Digest::of(&draw.files[STATEMENT]))).value
}

impl Draw {
    /// A whole draw of that shape.
    pub fn random(seed: u64, shape: &Shape) -> Result<Self> {
        let mut dice = Dice::new(seed);
        let rules = rules(&mut dice, shape);
        let tables = tables(&mut dice, shape, &rules)?;
        Self::of(tables, rules, &mut dice)
    }

    /// Draws from tables (by name) and rules that stand; for tests that change them first.
    pub fn of(tables: BTreeMap<String, Vec<u8>>, rules: Rules, dice: &mut Dice) -> Result<Self> {
        let course = Course::of(&rules, dice)?;
        Self::by(tables, rules, course)
    }

    /// Draws from tables and rules in a course of its own.
    pub fn by(tables: BTreeMap<String, Vec<u8>>, rules: Rules, course: Course) -> Result<Self> {
        let mut files = tables;
        files.insert(RULES.to_owned(), rules.to_bytes()?);
        let Course { intent, secret, values, revealed_at, kid } = course;
        let (stated, revealed) = {
            let frozen = frozen(&files);
            let stated = state(&frozen, &intent, &secret)?;
            let revealed = reveal(&frozen, &stated.bytes, &secret, &values, &revealed_at)?;
            (stated, revealed)
        };
        files.insert(STATEMENT.to_owned(), stated.bytes.clone());
        files.insert(STRATA.to_owned(), revealed.strata_tsv.clone());
        files.insert(RESULT.to_owned(), revealed.result_tsv.clone());
        files.insert(DRAW.to_owned(), revealed.draw_json.clone());
        let mut draw = Self { files, rules, intent, secret, values, revealed_at, kid, stated, reveal: revealed };
        draw.sign()?;
        Ok(draw)
    }

    /// Signs the statement, entries and `draw.json` as they stand.
    pub fn sign(&mut self) -> Result<()> {
        let key = signing_key();
        let digest = Digest::of(&self.files[STATEMENT]);
        let signatures = Signatures {
            statement: sign(&self.kid, &key, &statement_text(&digest)),
            entries: sign(&self.kid, &key, &entries_text(&digest, but_the_beacons(&self.rules, &self.reveal.entries))),
            draw: sign(&self.kid, &key, &draw_text(&Digest::of(&self.files[DRAW]))),
        };
        self.files.insert(SIGNATURES.to_owned(), signatures.to_bytes()?);
        Ok(())
    }

    #[must_use]
    pub fn frozen(&self) -> FrozenFiles<'_> {
        frozen(&self.files)
    }

    /// The files the public gets.
    #[must_use]
    pub fn public(&self) -> BTreeMap<String, Vec<u8>> {
        let withheld = |file: &str| self.rules.is_withheld(if file == STRATA { SUBJECTS } else { file });
        self.files
            .iter()
            .filter(|(file, _)| !withheld(file))
            .map(|(file, bytes)| (file.clone(), bytes.clone()))
            .collect()
    }

    /// The files the public does not get.
    #[must_use]
    pub fn withheld(&self) -> BTreeMap<String, Vec<u8>> {
        let public = self.public();
        self.files
            .iter()
            .filter(|(file, _)| !public.contains_key(*file))
            .map(|(file, bytes)| (file.clone(), bytes.clone()))
            .collect()
    }

    /// The bundle as published.
    pub fn bundle(&self) -> io::Result<Vec<u8>> {
        bundle::write(Vec::new(), &self.public())
    }
}

fn frozen(files: &BTreeMap<String, Vec<u8>>) -> FrozenFiles<'_> {
    FrozenFiles {
        subjects: &files[SUBJECTS],
        left_out: &files[LEFT_OUT],
        officers: &files[OFFICERS],
        experts: &files[EXPERTS],
        exclusions: &files[EXCLUSIONS],
        rules: &files[RULES],
    }
}

const SPECIALTIES: [&str; 4] = ["boilers", "fire", "food", "lifts"];

fn district(at: usize) -> String {
    format!("4102{:02}", at + 2)
}

fn unit(at: usize) -> String {
    if at == 0 { UNIT.to_owned() } else { format!("unit-{at}") }
}

/// Random rules of that shape under a demonstration's beacon.
fn rules(dice: &mut Dice, shape: &Shape) -> Rules {
    let contributor = |name: &str, kind, unit: Option<&str>| Contributor {
        contributor: name.to_owned(),
        kind,
        unit: unit.map(ToOwned::to_owned),
    };
    let quotas = (0..shape.strata.min(shape.subjects)).map(|at| {
        let quota = match dice.below(4) {
            0 => Quota::Count(dice.below(shape.subjects + 1) as u64 / 2),
            1 => Quota::Ppm(dice.below(1_000_001) as u64),
            _ => Quota::Ppm(50_000 + dice.below(300_000) as u64),
        };
        (format!("S{at:02}"), quota)
    });
    let quotas = quotas.collect();
    let teams = (0..shape.units).map(|at| Places {
        size: 1 + dice.below(2) as u64,
        specialty: dice.one_in(3).then(|| dice.pick(&SPECIALTIES).to_owned()),
        unit: unit(at),
    });
    let teams = teams.collect();
    Rules {
        beacon_waived: None,
        cover_district: !dice.one_in(4),
        entropy: vec![
            contributor("dice-on-camera", Kind::Department, Some(UNIT)),
            contributor("notary-li", Kind::Witness, Some("notary-office")),
            contributor("lottery:demo:2026135", Kind::Beacon, None),
        ],
        experts: Experts {
            count: dice.below(3) as u64,
            specialty: dice.one_in(2).then(|| dice.pick(&SPECIALTIES).to_owned()),
        },
        plan: "plans/2026-07".to_owned(),
        protocol: PROTOCOL.to_owned(),
        publish_after: None,
        quotas,
        teams,
        withheld: (!shape.withheld.is_empty())
            .then(|| Withheld { basis: "protected subjects".to_owned(), files: shape.withheld.clone() }),
    }
}

fn table<'s, R: crate::frozen::Row>(file: &str, rules: &Rules, salts: &'s mut dyn FnMut() -> [u8; 16]) -> Table<'s, R> {
    if rules.is_withheld(file) { Table::withheld(salts) } else { Table::new() }
}

/// Random tables of that shape, by name.
fn tables(dice: &mut Dice, shape: &Shape, rules: &Rules) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut salt_dice = Dice::new(dice.roll());
    let mut salts = || salt_dice.bytes();
    let districts: Vec<String> = (0..shape.districts).map(district).collect();
    let strata: Vec<&String> = rules.quotas.keys().collect();

    let mut subjects = table::<Subject>(SUBJECTS, rules, &mut salts);
    let mut keys = Vec::new();
    for at in 0..shape.subjects {
        let key = format!("91410200DEMO{at:06}");
        let stratum = if at < strata.len() { strata[at] } else { dice.pick(&strata) };
        subjects.push(&Subject { key: &key, stratum, district: dice.pick(&districts) })?;
        keys.push(key);
    }
    let subjects = subjects.finish()?;

    let mut left_out = table::<LeftOut>(LEFT_OUT, rules, &mut salts);
    for at in 0..shape.left_out {
        left_out.push(&LeftOut {
            key: &format!("household:{at}"),
            reason: dice.pick(&["BUDGET_SPENT", "VISITED_THIS_QUARTER"]),
        })?;
    }
    let left_out = left_out.finish()?;

    let mut people = Vec::new();
    let mut officers = table::<Person>(OFFICERS, rules, &mut salts);
    for (unit_at, district_at, nth) in product(shape.units, shape.districts, shape.officers) {
        let key = format!("1602{unit_at}{district_at:02}{nth:04}");
        let mut covered = vec![districts[district_at].as_str()];
        if dice.one_in(6) {
            covered.push(dice.pick(&districts));
        }
        let specialties: Vec<&str> = SPECIALTIES.into_iter().filter(|_| dice.one_in(3)).collect();
        officers.push(&Person { key: &key, unit: &unit(unit_at), districts: &covered, specialties: &specialties })?;
        people.push(key);
    }
    let officers = officers.finish()?;

    let officers_n = people.len();
    let mut experts = table::<Person>(EXPERTS, rules, &mut salts);
    for at in 0..shape.experts {
        // Some experts are officers too.
        let key = if dice.one_in(4) && at < officers_n { people[at].clone() } else { format!("expert-{at}") };
        let covered: Vec<&str> = districts.iter().map(String::as_str).filter(|_| !dice.one_in(3)).collect();
        let specialties: Vec<&str> = SPECIALTIES.into_iter().filter(|_| dice.one_in(2)).collect();
        experts.push(&Person { key: &key, unit: "pool", districts: &covered, specialties: &specialties })?;
        if key.starts_with("expert") {
            people.push(key);
        }
    }
    let experts = experts.finish()?;

    let mut exclusions = table::<Exclusion>(EXCLUSIONS, rules, &mut salts);
    for key in &keys {
        if shape.exclusion_one_in > 0 && !people.is_empty() && dice.one_in(shape.exclusion_one_in) {
            exclusions.push(&Exclusion { person: dice.pick(&people), subject: key, declared_by: "self" })?;
        }
    }
    exclusions.push(&Exclusion { person: "nobody", subject: "elsewhere", declared_by: "self" })?;
    let exclusions = exclusions.finish()?;

    let all = [exclusions, experts, left_out, officers, subjects];
    Ok(TABLES.into_iter().map(ToOwned::to_owned).zip(all).collect())
}

fn product(a: usize, b: usize, c: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a).flat_map(move |x| (0..b).flat_map(move |y| (0..c).map(move |z| (x, y, z))))
}
