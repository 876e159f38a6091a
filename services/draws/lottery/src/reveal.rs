//! The reveal (art. 10, 11, 15): from the frozen files, the secret and the entries, everything a draw comes to.

use serde_json::{Value, json};

use crate::{
    entries::{entries, seed},
    error::{Error, Result, form, rule},
    frozen::{Candidate, EXPERTS, Exclusions, FrozenFiles, OFFICERS, SUBJECTS, Subjects, parse_people},
    hash::{Digest, Secret, Tickets},
    json::{self, Members},
    names::Time,
    rules::Rules,
    select::{Drawn, Selection, Stratum, select, strata_tsv},
    statement::{STATEMENT, Statement, commitment},
    teams::{People, Team, Visit, place},
};

pub const DRAW: &str = "draw.json";
pub const STRATA: &str = "strata.tsv";
pub const RESULT: &str = "result.tsv";

/// `draw.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawRecord {
    pub result_digest: Digest,
    pub strata_digest: Digest,
    pub entries: Vec<String>,
    pub revealed_at: Time,
    pub secret: Secret,
    pub seed: Digest,
    /// `SHA-256(statement.json)`.
    pub statement: Digest,
}

/// What was placed with one drawn subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultRow {
    pub key: String,
    pub stratum: String,
    pub district: String,
    pub ticket: Digest,
    /// Certificate numbers in the order taken; empty: no team could be formed.
    pub officers: Vec<String>,
    pub experts: Vec<String>,
    /// Some unit, or the experts, had no more candidates than places.
    pub no_choice: bool,
}

/// Everything a reveal produces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reveal {
    pub seed: Digest,
    /// Every entry's text, in order.
    pub entries: Vec<String>,
    /// By ascending (ticket, key), as in `result.tsv`.
    pub rows: Vec<ResultRow>,
    /// As in `strata.tsv`.
    pub strata: Vec<Stratum>,
    pub strata_tsv: Vec<u8>,
    pub result_tsv: Vec<u8>,
    /// `draw.json`.
    pub draw_json: Vec<u8>,
}

/// Reveals a draw: checks that files, secret and entries are the stated ones, then draws.
///
/// `values` are what the contributors gave, in the order of `entropy`.
pub fn reveal<T: AsRef<str>>(
    files: &FrozenFiles,
    statement_json: &[u8],
    secret: &Secret,
    values: &[T],
    revealed_at: &Time,
) -> Result<Reveal> {
    let statement = Statement::parse(statement_json)?;
    let rules = Rules::parse(files.rules)?;
    if commitment(&statement.draw_id, secret) != statement.commitment {
        return rule("the secret is not the one committed to");
    }
    if *revealed_at <= statement.entries_close || *revealed_at > statement.reveal_by {
        return Err(Error::file(
            STATEMENT,
            format!("{revealed_at} is not after {} and at latest {}", statement.entries_close, statement.reveal_by),
        ));
    }
    let texts = entries(&rules, values)?;
    let digest = Digest::of(statement_json);
    let seed = seed(&digest, secret, &texts);

    let (unchanged, drawn) = rayon::join(|| check_digests(files, &statement), || draw(files, &rules, &seed));
    unchanged?;
    let Outcome { selection, teams, officers, experts } = drawn?;

    let strata_tsv = strata_tsv(&selection.strata);
    let result_tsv = result_tsv(&selection.drawn, &teams, &officers, &experts);
    let record = DrawRecord {
        result_digest: Digest::of(&result_tsv),
        strata_digest: Digest::of(&strata_tsv),
        entries: texts.clone(),
        revealed_at: revealed_at.clone(),
        secret: secret.clone(),
        seed,
        statement: digest,
    };
    let rows = selection.drawn.iter().zip(teams).map(|(drawn, team)| ResultRow {
        key: drawn.key().to_owned(),
        stratum: drawn.stratum().to_owned(),
        district: drawn.district().to_owned(),
        ticket: drawn.ticket,
        officers: team.officers.iter().map(|&at| officers[at as usize].key.clone()).collect(),
        experts: team.experts.iter().map(|&at| experts[at as usize].key.clone()).collect(),
        no_choice: team.no_choice,
    });
    Ok(Reveal {
        seed,
        entries: texts,
        rows: rows.collect(),
        strata: selection.strata,
        strata_tsv,
        result_tsv,
        draw_json: record.to_bytes()?,
    })
}

fn check_digests(files: &FrozenFiles, statement: &Statement) -> Result<()> {
    for (file, bytes) in files.named() {
        if statement.digests.get(file) != Some(&Digest::of(bytes)) {
            return Err(Error::file(file, "is not the file that was stated"));
        }
    }
    Ok(())
}

/// What sections 4 and 5 come to.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub selection: Selection,
    /// One for each drawn subject, in the same order.
    pub teams: Vec<Team>,
    pub officers: Vec<Candidate>,
    pub experts: Vec<Candidate>,
}

/// Picks subjects and teams (sections 4 and 5): a pure function of the frozen files and the seed.
pub fn draw(files: &FrozenFiles, rules: &Rules, seed: &Digest) -> Result<Outcome> {
    let tickets = Tickets::new(seed);
    let officers = parse_people(OFFICERS, files.officers, rules.is_withheld(OFFICERS))?;
    let experts = parse_people(EXPERTS, files.experts, rules.is_withheld(EXPERTS))?;
    let exclusions = Exclusions::parse(files.exclusions, rules.is_withheld(crate::frozen::EXCLUSIONS))?;
    let subjects = Subjects::parse(files.subjects, rules.is_withheld(SUBJECTS))?;
    let selection = select(&subjects, &rules.quotas, tickets)?;
    let visits: Vec<Visit> =
        selection.drawn.iter().map(|drawn| Visit { key: drawn.key(), district: drawn.district() }).collect();
    let people = People { officers: &officers, experts: &experts, exclusions: &exclusions };
    let teams = place(&visits, &people, rules, tickets);
    Ok(Outcome { selection, teams, officers, experts })
}

/// `result.tsv`.
#[must_use]
pub fn result_tsv(drawn: &[Drawn], teams: &[Team], officers: &[Candidate], experts: &[Candidate]) -> Vec<u8> {
    let mut out = Vec::new();
    for (drawn, team) in drawn.iter().zip(teams) {
        out.extend_from_slice(drawn.key().as_bytes());
        out.push(b'\t');
        out.extend_from_slice(&drawn.ticket.to_hex());
        for (people, placed) in [(officers, &team.officers), (experts, &team.experts)] {
            out.push(b'\t');
            for (nth, &at) in placed.iter().enumerate() {
                if nth > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(people[at as usize].key.as_bytes());
            }
        }
        out.push(b'\n');
    }
    out
}

impl DrawRecord {
    /// Reads the file: bytes, members and the form of each.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::read(json::parse(DRAW, bytes)?).map_err(|error| error.in_file(DRAW))
    }

    fn read(value: Value) -> Result<Self> {
        let mut all = Members::of("draw", value)?;
        let mut digests = all.members("digests")?;
        let (result_digest, strata_digest) =
            (Digest::parse(&digests.text(RESULT)?)?, Digest::parse(&digests.text(STRATA)?)?);
        digests.done()?;
        let entries = all.list("entries")?.into_iter().enumerate().map(|(at, entry)| match entry {
            Value::String(text) => Ok(text),
            _ => form(format!("entry {} is not a text", at + 1)),
        });
        let record = Self {
            result_digest,
            strata_digest,
            entries: entries.collect::<Result<_>>()?,
            revealed_at: Time::parse(&all.text("revealed_at")?)?,
            secret: Secret::parse(&all.text("secret")?)?,
            seed: Digest::parse(&all.text("seed")?)?,
            statement: Digest::parse(&all.text("statement")?)?,
        };
        all.done()?;
        Ok(record)
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        json::canonical(&json!({
            "digests": {RESULT: self.result_digest.to_string(), STRATA: self.strata_digest.to_string()},
            "entries": self.entries,
            "revealed_at": self.revealed_at.as_str(),
            "secret": self.secret.reveal(),
            "seed": self.seed.to_string(),
            "statement": self.statement.to_string(),
        }))
    }
}
