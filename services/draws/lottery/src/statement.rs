//! The statement: what is fixed, committed to and published before anything random is known (art. 10, 15).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    bundle::bytes_max,
    error::{Error, Result, rule},
    frozen::{
        EXPERTS, Exclusions, FROZEN, FrozenFiles, OFFICERS, SUBJECTS, Subjects, in_both, parse_left_out, parse_people,
        shown,
    },
    hash::{Digest, Secret, lines},
    json::{self, Members},
    merkle,
    names::{Time, draw_id, name},
    rules::{PROTOCOL, Rules},
};

/// The name of the statement's file.
pub const STATEMENT: &str = "statement.json";

/// `statement.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// None if the beacon is waived.
    pub beacon_at: Option<Time>,
    pub commitment: Digest,
    /// Of the six frozen files by name.
    pub digests: BTreeMap<String, Digest>,
    pub draw_id: String,
    pub entries_close: Time,
    /// The draw this one supplements.
    pub follows: Option<String>,
    pub merkle_root: Digest,
    pub plan: String,
    pub protocol: String,
    /// The failed draw this one replaces.
    pub replaces: Option<String>,
    pub reveal_by: Time,
    pub stated_at: Time,
    pub subjects_n: u64,
    /// The drawing unit.
    pub unit: String,
}

/// What the caller decides about a draw it is about to state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    pub draw_id: String,
    pub unit: String,
    pub stated_at: Time,
    pub entries_close: Time,
    pub beacon_at: Option<Time>,
    pub reveal_by: Time,
    pub follows: Option<String>,
    pub replaces: Option<String>,
}

/// A statement ready to be signed and published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    pub statement: Statement,
    /// `statement.json`.
    pub bytes: Vec<u8>,
    /// `SHA-256(statement.json)`: what everyone signs and hashes from here on.
    pub digest: Digest,
    /// Every stratum with its number of subjects and of places.
    pub strata: BTreeMap<String, (u64, u64)>,
}

/// `SHA-256(lines("qingtian-commit-v1", draw_id, secret))`.
#[must_use]
pub fn commitment(draw_id: &str, secret: &Secret) -> Digest {
    Digest::of(lines(&["qingtian-commit-v1", draw_id, &secret.reveal()]).as_bytes())
}

/// Checks the frozen files whole, hashes them and states the draw.
///
/// After this nothing of the files may change. `secret` stays sealed until the reveal.
pub fn state(files: &FrozenFiles, intent: &Intent, secret: &Secret) -> Result<Stated> {
    for (file, bytes) in files.named() {
        // What no verifier would read is not stated.
        if bytes_max(file).is_some_and(|max| bytes.len() as u64 > max) {
            return Err(Error::file(file, format!("is too large: {} bytes", bytes.len())));
        }
    }
    let rules = Rules::parse(files.rules)?;
    rules.check(&intent.unit)?;
    let subjects = Subjects::parse(files.subjects, rules.is_withheld(SUBJECTS))?;
    rules.check_strata(subjects.strata().keys().copied())?;
    parse_left_out(files.left_out, rules.is_withheld(crate::frozen::LEFT_OUT))?;
    if let Some(key) = in_both(files.subjects, files.left_out) {
        return rule(format!("{} stands in both subjects.tsv and left_out.tsv", shown(key)));
    }
    parse_people(OFFICERS, files.officers, rules.is_withheld(OFFICERS))?;
    parse_people(EXPERTS, files.experts, rules.is_withheld(EXPERTS))?;
    Exclusions::parse(files.exclusions, rules.is_withheld(crate::frozen::EXCLUSIONS))?;

    let (digests, merkle_root) = rayon::join(
        || files.named().map(|(file, bytes)| (file.to_owned(), Digest::of(bytes))),
        || merkle::root(files.subjects),
    );
    let statement = Statement {
        beacon_at: intent.beacon_at.clone(),
        commitment: commitment(&intent.draw_id, secret),
        digests: BTreeMap::from(digests),
        draw_id: intent.draw_id.clone(),
        entries_close: intent.entries_close.clone(),
        follows: intent.follows.clone(),
        merkle_root,
        plan: rules.plan.clone(),
        protocol: PROTOCOL.to_owned(),
        replaces: intent.replaces.clone(),
        reveal_by: intent.reveal_by.clone(),
        stated_at: intent.stated_at.clone(),
        subjects_n: subjects.len(),
        unit: intent.unit.clone(),
    };
    if let Some(problem) = statement.problems(Some(&rules)).into_iter().next() {
        return Err(Error::file(STATEMENT, problem));
    }
    let strata = subjects
        .strata()
        .iter()
        .filter_map(|(stratum, n)| Some(((*stratum).to_owned(), (*n, rules.quotas.get(*stratum)?.places(*n)))));
    let strata = strata.collect();
    let bytes = statement.to_bytes()?;
    Ok(Stated { digest: Digest::of(&bytes), statement, bytes, strata })
}

fn draw_id_or_null(all: &mut Members, member: &str) -> Result<Option<String>> {
    all.text_or_null(member)?.map(|text| draw_id(&text).map(ToOwned::to_owned)).transpose()
}

impl Statement {
    /// Reads the file: bytes, members and the form of each. How they fit is told by [`Statement::problems`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::read(json::parse(STATEMENT, bytes)?).map_err(|error| error.in_file(STATEMENT))
    }

    fn read(value: Value) -> Result<Self> {
        let mut all = Members::of("statement", value)?;
        let time = |all: &mut Members, member: &str| Time::parse(&all.text(member)?);
        let mut digests = all.members("digests")?;
        let digest_of = |file: &&str| Ok(((*file).to_owned(), Digest::parse(&digests.text(file)?)?));
        let digest_list = FROZEN.iter().map(digest_of).collect::<Result<_>>()?;
        digests.done()?;
        let statement = Self {
            beacon_at: all.text_or_null("beacon_at")?.as_deref().map(Time::parse).transpose()?,
            commitment: Digest::parse(&all.text("commitment")?)?,
            digests: digest_list,
            draw_id: draw_id(&all.text("draw_id")?)?.to_owned(),
            entries_close: time(&mut all, "entries_close")?,
            follows: draw_id_or_null(&mut all, "follows")?,
            merkle_root: Digest::parse(&all.text("merkle_root")?)?,
            plan: name("plan", &all.text("plan")?)?.to_owned(),
            protocol: all.text("protocol")?,
            replaces: draw_id_or_null(&mut all, "replaces")?,
            reveal_by: time(&mut all, "reveal_by")?,
            stated_at: time(&mut all, "stated_at")?,
            subjects_n: all.integer("subjects_n")?,
            unit: name("unit", &all.text("unit")?)?.to_owned(),
        };
        all.done()?;
        Ok(statement)
    }

    /// The file's bytes; refuses members that could not be read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let digests: serde_json::Map<String, Value> =
            self.digests.iter().map(|(file, digest)| (file.clone(), json!(digest.to_string()))).collect();
        let bytes = json::canonical(&json!({
            "beacon_at": self.beacon_at.as_ref().map(Time::as_str),
            "commitment": self.commitment.to_string(),
            "digests": digests,
            "draw_id": self.draw_id,
            "entries_close": self.entries_close.as_str(),
            "follows": self.follows,
            "merkle_root": self.merkle_root.to_string(),
            "plan": self.plan,
            "protocol": self.protocol,
            "replaces": self.replaces,
            "reveal_by": self.reveal_by.as_str(),
            "stated_at": self.stated_at.as_str(),
            "subjects_n": self.subjects_n,
            "unit": self.unit,
        }))?;
        Self::parse(&bytes)?;
        Ok(bytes)
    }

    /// Everything that does not fit: protocol, times, and the rules where they are known.
    #[must_use]
    pub fn problems(&self, rules: Option<&Rules>) -> Vec<String> {
        let mut problems = Vec::new();
        if self.protocol != PROTOCOL {
            problems.push(format!("protocol is {:?}, not {PROTOCOL:?}", self.protocol));
        }
        if self.stated_at >= self.entries_close {
            problems.push(format!("stated_at {} is not before entries_close {}", self.stated_at, self.entries_close));
        }
        if self.entries_close >= self.reveal_by {
            problems.push(format!("entries_close {} is not before reveal_by {}", self.entries_close, self.reveal_by));
        }
        if let Some(beacon_at) = &self.beacon_at {
            if *beacon_at <= self.entries_close {
                problems.push(format!("entries_close {} is not before beacon_at {beacon_at}", self.entries_close));
            }
            if *beacon_at > self.reveal_by {
                problems.push(format!("beacon_at {beacon_at} is after reveal_by {}", self.reveal_by));
            }
        }
        if let Some(rules) = rules {
            if rules.plan != self.plan {
                problems.push(format!("plan is {} here and {} in rules.json", self.plan, rules.plan));
            }
            match (&self.beacon_at, &rules.beacon_waived) {
                (Some(_), None) | (None, Some(_)) => {}
                (Some(_), Some(_)) => problems.push("beacon_at is set, but rules.json waives the beacon".to_owned()),
                (None, None) => problems.push("beacon_at is null, but rules.json does not waive the beacon".to_owned()),
            }
        }
        problems
    }

    /// Refuses a successor that is not the failed draw over again: it names it in `replaces`, has the same five
    /// tables byte for byte and the same plan and unit. Compare the rules with [`Rules::check_succeeds`].
    pub fn check_succeeds(&self, failed: &Statement) -> Result<()> {
        if self.replaces.as_deref() != Some(&failed.draw_id) {
            return rule(format!("replaces does not name {}", failed.draw_id));
        }
        match crate::frozen::TABLES.iter().find(|file| self.digests.get(**file) != failed.digests.get(**file)) {
            None => Ok(()),
            Some(file) => rule(format!("{file} differs from the failed draw's")),
        }
    }
}
