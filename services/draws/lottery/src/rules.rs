//! `rules.json`: what a draw was told to do, fixed before anything random is known (art. 10, 11, 15).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::{Value, json};

use crate::{
    beacon::Beacon,
    error::{Error, Result, form, rule},
    frozen::{RULES, TABLES},
    json::{self, Members},
    names::{date, name, value},
};

/// The protocol's name, in statement and rules.
pub const PROTOCOL: &str = "qingtian-draw-v1";
/// A whole, in parts per million.
pub const PPM_MAX: u64 = 1_000_000;

/// `rules.json`, its members in its own order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Why there is no beacon, published; none: there is one.
    pub beacon_waived: Option<String>,
    /// People must cover the subject's district.
    pub cover_district: bool,
    /// Who contributes, in the order of the entries.
    pub entropy: Vec<Contributor>,
    pub experts: Experts,
    pub plan: String,
    pub protocol: String,
    /// An unannounced visit's bundle waits for this date.
    pub publish_after: Option<PublishAfter>,
    /// One quota for every stratum of `subjects.tsv`.
    pub quotas: BTreeMap<String, Quota>,
    pub teams: Vec<Places>,
    pub withheld: Option<Withheld>,
}

/// One who contributes an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contributor {
    pub contributor: String,
    pub kind: Kind,
    /// None for a beacon only.
    pub unit: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Department,
    Witness,
    Beacon,
}

impl Kind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Department => "DEPARTMENT",
            Self::Witness => "WITNESS",
            Self::Beacon => "BEACON",
        }
    }

    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "DEPARTMENT" => Ok(Self::Department),
            "WITNESS" => Ok(Self::Witness),
            "BEACON" => Ok(Self::Beacon),
            other => rule(format!("kind {other:?} is none of DEPARTMENT, WITNESS, BEACON")),
        }
    }
}

/// Experts placed with every subject that has a team.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Experts {
    pub count: u64,
    pub specialty: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishAfter {
    pub basis: String,
    /// `YYYY-MM-DD`.
    pub date: String,
}

/// How many of a stratum are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// Parts per million of the stratum, rounded up.
    Ppm(u64),
    /// That many, at most all.
    Count(u64),
}

impl Quota {
    /// How many of `n` are drawn: `ceil(n * ppm / 1000000)` in integers, or the count, at most `n`.
    #[must_use]
    pub fn places(self, n: u64) -> u64 {
        match self {
            // At most n, since ppm is at most a million; u128 holds any product.
            Self::Ppm(ppm) => {
                u64::try_from((u128::from(n) * u128::from(ppm)).div_ceil(u128::from(PPM_MAX))).unwrap_or(n).min(n)
            }
            Self::Count(count) => count.min(n),
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ppm(ppm) => write!(f, "{ppm} ppm"),
            Self::Count(count) => write!(f, "{count}"),
        }
    }
}

/// The places of one unit in every team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    pub size: u64,
    /// The first taken is among those who have it.
    pub specialty: Option<String>,
    pub unit: String,
}

/// Files the law forbids to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    pub basis: String,
    /// Names of tables, sorted.
    pub files: Vec<String>,
}

impl Rules {
    /// Reads the file: its bytes, members, names and values. What the members mean together is checked by [`Rules::check`].
    ///
    /// `Error::Rule` says that the form is right, but a kind of contributor is none the protocol knows.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::read(json::parse(RULES, bytes)?).map_err(|error| match error {
            Error::Rule(why) => Error::Rule(format!("{RULES}: {why}")),
            other => other.in_file(RULES),
        })
    }

    fn read(value: Value) -> Result<Self> {
        let mut all = Members::of("rules", value)?;
        let rules = Self {
            beacon_waived: all
                .text_or_null("beacon_waived")?
                .map(|text| free_text("beacon_waived", text))
                .transpose()?,
            cover_district: all.boolean("cover_district")?,
            entropy: Vec::new(),
            experts: Experts::read(all.members("experts")?)?,
            plan: name("plan", &all.text("plan")?)?.to_owned(),
            protocol: all.text("protocol")?,
            publish_after: all.members_or_null("publish_after")?.map(PublishAfter::read).transpose()?,
            quotas: all.members("quotas")?.rest().map(read_quota).collect::<Result<_>>()?,
            teams: all.list("teams")?.into_iter().map(Places::read).collect::<Result<_>>()?,
            withheld: all.members_or_null("withheld")?.map(Withheld::read).transpose()?,
        };
        let (good, bad): (Vec<_>, Vec<_>) =
            all.list("entropy")?.into_iter().map(Contributor::read).partition(Result::is_ok);
        all.done()?;
        // An unknown kind is said only where every form is right.
        match bad.into_iter().filter_map(Result::err).max_by_key(|error| !matches!(error, Error::Rule(_))) {
            Some(error) => Err(error),
            None => Ok(Self { entropy: good.into_iter().flatten().collect(), ..rules }),
        }
    }

    /// The file's bytes; refuses members that could not be read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let entropy: Vec<Value> = self
            .entropy
            .iter()
            .map(|one| json!({"contributor": one.contributor, "kind": one.kind.as_str(), "unit": one.unit}))
            .collect();
        let quotas: serde_json::Map<String, Value> = self
            .quotas
            .iter()
            .map(|(stratum, quota)| {
                let quota = match quota {
                    Quota::Ppm(ppm) => json!({"ppm": ppm}),
                    Quota::Count(count) => json!({"count": count}),
                };
                (stratum.clone(), quota)
            })
            .collect();
        let teams: Vec<Value> = self
            .teams
            .iter()
            .map(|one| json!({"size": one.size, "specialty": one.specialty, "unit": one.unit}))
            .collect();
        let bytes = json::canonical(&json!({
            "beacon_waived": self.beacon_waived,
            "cover_district": self.cover_district,
            "entropy": entropy,
            "experts": {"count": self.experts.count, "specialty": self.experts.specialty},
            "plan": self.plan,
            "protocol": self.protocol,
            "publish_after": self.publish_after.as_ref().map(|one| json!({"basis": one.basis, "date": one.date})),
            "quotas": quotas,
            "teams": teams,
            "withheld": self.withheld.as_ref().map(|one| json!({"basis": one.basis, "files": one.files})),
        }))?;
        Self::parse(&bytes)?;
        Ok(bytes)
    }

    /// Every rule the members break together. `unit` is the drawing unit.
    #[must_use]
    pub fn problems(&self, unit: &str) -> Vec<String> {
        let mut problems = Vec::new();
        if self.protocol != PROTOCOL {
            problems.push(format!("protocol is {:?}, not {PROTOCOL:?}", self.protocol));
        }
        self.entropy_problems(unit, &mut problems);
        for (stratum, quota) in &self.quotas {
            if let Quota::Ppm(ppm) = quota
                && *ppm > PPM_MAX
            {
                problems.push(format!("quota of {stratum} is {ppm} ppm, more than {PPM_MAX}"));
            }
        }
        if self.teams.is_empty() {
            problems.push("teams is empty".to_owned());
        }
        let mut units = BTreeSet::new();
        for places in &self.teams {
            if places.size == 0 {
                problems.push(format!("unit {} has no place in the team", places.unit));
            }
            if !units.insert(&places.unit) {
                problems.push(format!("unit {} stands twice in teams", places.unit));
            }
        }
        if let Some(withheld) = &self.withheld {
            if withheld.files.is_empty() {
                problems.push("withheld names no file".to_owned());
            }
            if !withheld.files.is_sorted_by(|a, b| a < b) {
                problems.push("withheld files are not sorted without repeats".to_owned());
            }
            for file in withheld.files.iter().filter(|file| !TABLES.contains(&file.as_str())) {
                problems.push(format!("{file:?} cannot be withheld"));
            }
        }
        problems
    }

    fn entropy_problems(&self, unit: &str, problems: &mut Vec<String>) {
        if self.entropy.is_empty() {
            problems.push("entropy is empty".to_owned());
        }
        let mut contributors = BTreeSet::new();
        for (at, one) in self.entropy.iter().enumerate() {
            if !contributors.insert(&one.contributor) {
                problems.push(format!("contributor {} stands twice in entropy", one.contributor));
            }
            match one.kind {
                Kind::Beacon => {
                    if one.unit.is_some() {
                        problems.push(format!("beacon {} has a unit", one.contributor));
                    }
                    if at + 1 != self.entropy.len() {
                        problems.push(format!("beacon {} is not the last contributor", one.contributor));
                    }
                    if let Err(error) = Beacon::parse(&one.contributor) {
                        problems.push(error.to_string());
                    }
                }
                Kind::Department | Kind::Witness => {
                    if one.unit.is_none() {
                        problems.push(format!("contributor {} has no unit", one.contributor));
                    }
                }
            }
        }
        let beacons = self.entropy.iter().filter(|one| one.kind == Kind::Beacon).count();
        match (&self.beacon_waived, beacons) {
            (None, 1) | (Some(_), 0) => {}
            (None, _) => problems.push(format!("there are {beacons} beacons instead of one")),
            (Some(_), _) => problems.push("the beacon is waived, but there is one".to_owned()),
        }
        let outside =
            |one: &Contributor| one.kind != Kind::Beacon && one.unit.as_deref().is_some_and(|own| own != unit);
        if !self.entropy.iter().any(outside) {
            problems.push(format!("no contributor is from outside the drawing unit {unit}"));
        }
    }

    /// Refuses rules that break the protocol; `unit` is the drawing unit.
    pub fn check(&self, unit: &str) -> Result<()> {
        match self.problems(unit).into_iter().next() {
            None => Ok(()),
            Some(problem) => Err(Error::file(RULES, problem)),
        }
    }

    /// Refuses quotas that do not name exactly the strata of the pool.
    pub fn check_strata<'a>(&self, strata: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let strata: BTreeSet<&str> = strata.into_iter().collect();
        if let Some(stratum) = strata.iter().find(|stratum| !self.quotas.contains_key(**stratum)) {
            return Err(Error::file(RULES, format!("stratum {stratum} has no quota")));
        }
        match self.quotas.keys().find(|stratum| !strata.contains(stratum.as_str())) {
            None => Ok(()),
            Some(stratum) => Err(Error::file(RULES, format!("quota {stratum} has no subject"))),
        }
    }

    #[must_use]
    pub fn is_withheld(&self, file: &str) -> bool {
        self.withheld.as_ref().is_some_and(|withheld| withheld.files.iter().any(|one| one == file))
    }

    /// The beacon, if there is one.
    #[must_use]
    pub fn beacon(&self) -> Option<Beacon> {
        self.entropy.iter().filter(|one| one.kind == Kind::Beacon).find_map(|one| Beacon::parse(&one.contributor).ok())
    }

    /// The text of the entry of item `index` (from 0) of `entropy`: `i TAB contributor TAB value`, `i` from 1.
    pub fn entry(&self, index: usize, given: &str) -> Result<String> {
        let Some(one) = self.entropy.get(index) else {
            return rule(format!("there is no contributor {} of {}", index + 1, self.entropy.len()));
        };
        value(given)?;
        if one.kind == Kind::Beacon {
            Beacon::parse(&one.contributor)?.check_value(given)?;
        }
        Ok(format!("{}\t{}\t{given}", index + 1, one.contributor))
    }

    /// Refuses a successor of a failed draw that changes more than it may: only `entropy` and `beacon_waived` may
    /// differ, the beacon must be a new one, and one department or witness must be new.
    pub fn check_succeeds(&self, failed: &Rules) -> Result<()> {
        let same =
            Rules { entropy: failed.entropy.clone(), beacon_waived: failed.beacon_waived.clone(), ..self.clone() };
        if same != *failed {
            return rule("the successor's rules differ from the failed draw's in more than entropy and beacon_waived");
        }
        let had = |one: &Contributor| failed.entropy.iter().any(|before| before.contributor == one.contributor);
        if self.entropy.iter().any(|one| one.kind == Kind::Beacon && had(one)) {
            return rule("the successor names the failed draw's beacon");
        }
        if !self.entropy.iter().any(|one| one.kind != Kind::Beacon && !had(one)) {
            return rule("the successor has no department or witness that the failed draw did not have");
        }
        Ok(())
    }
}

fn free_text(what: &str, text: String) -> Result<String> {
    if text.is_empty() { form(format!("{what} is empty")) } else { Ok(text) }
}

fn name_or_null(what: &str, text: Option<String>) -> Result<Option<String>> {
    if let Some(text) = &text {
        name(what, text)?;
    }
    Ok(text)
}

impl Contributor {
    fn read(value: Value) -> Result<Self> {
        let mut all = Members::of("an item of entropy", value)?;
        let contributor = name("contributor", &all.text("contributor")?)?.to_owned();
        let (kind, unit) = (all.text("kind")?, name_or_null("unit", all.text_or_null("unit")?)?);
        all.done()?;
        Ok(Self { contributor, kind: Kind::parse(&kind)?, unit })
    }
}

impl Experts {
    fn read(mut all: Members) -> Result<Self> {
        let experts = Self {
            count: all.integer("count")?,
            specialty: name_or_null("specialty", all.text_or_null("specialty")?)?,
        };
        all.done()?;
        Ok(experts)
    }
}

impl PublishAfter {
    fn read(mut all: Members) -> Result<Self> {
        let after = Self { basis: free_text("basis", all.text("basis")?)?, date: date(&all.text("date")?)?.to_owned() };
        all.done()?;
        Ok(after)
    }
}

fn read_quota((stratum, value): (String, Value)) -> Result<(String, Quota)> {
    name("stratum", &stratum)?;
    let mut all = Members::of(format!("quota of {stratum}"), value)?;
    let quota = if all.has("ppm") { Quota::Ppm(all.integer("ppm")?) } else { Quota::Count(all.integer("count")?) };
    all.done()?;
    Ok((stratum, quota))
}

impl Places {
    fn read(value: Value) -> Result<Self> {
        let mut all = Members::of("an item of teams", value)?;
        let places = Self {
            size: all.integer("size")?,
            specialty: name_or_null("specialty", all.text_or_null("specialty")?)?,
            unit: name("unit", &all.text("unit")?)?.to_owned(),
        };
        all.done()?;
        Ok(places)
    }
}

impl Withheld {
    fn read(mut all: Members) -> Result<Self> {
        let basis = free_text("basis", all.text("basis")?)?;
        let files = all.list("files")?.into_iter().map(|file| match file {
            Value::String(file) => Ok(file),
            _ => form("a withheld file is not named by a text"),
        });
        let withheld = Self { basis, files: files.collect::<Result<_>>()? };
        all.done()?;
        Ok(withheld)
    }
}
