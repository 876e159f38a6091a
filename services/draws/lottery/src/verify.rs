//! Rechecking a draw from its evidence (art. 15), the way a stranger would: nothing is believed, everything the files
//! present allow is computed again, and each check says what it proves or what is wrong.
//!
//! The checks, in order: `archive`, `format` (each file), `statement`, `digest` (each frozen file), `commitment`,
//! `merkle`, `subjects`, `rules`, `entries`, `beacon_signature` (a drand beacon's), `seed`, `strata`, `selection`, `teams`, `result_digest` (`strata.tsv`,
//! `result.tsv`), `time`, `signature` (`statement`, `entries`, `draw`); with a log also `log_format`, `log_chain`,
//! `log_act` (each line), `log_head`; with a firm's own line those of its file, `line_format` to `line_drawn`. All run, whatever fails before them, wherever
//! their inputs can be read; one that could not run is "not checked" and says why.
//!
//! Signatures of statement and entries may be by a key whose purpose is `statement` or `evidence`, that of the draw by
//! one for `evidence`; under a `kid` that begins `demo-` also by one for `demonstration`. Keys must be in force at
//! `stated_at`, `entries_close` and `revealed_at`.

mod beacon;
mod checks;
mod inputs;
pub mod kept;
mod log;
mod notes;
mod own_line;
mod people;

use std::{collections::BTreeMap, fmt, io::Read};

use serde_json::{Value, json};

pub use self::log::{GivenLog, LOG_BYTES_MAX, LOG_LINES_MAX};
use crate::{bundle, sign::Jwks};

/// What the verifier is given besides the bundle.
#[derive(Debug, Clone, Default)]
pub struct Options<'a> {
    /// The published keys, as text.
    pub jwks: Option<&'a str>,
    /// Files withheld from the public, by name.
    pub with: BTreeMap<String, Vec<u8>>,
    /// Accept demonstration keys.
    pub demo: bool,
}

/// What a bundle came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was checked and holds.
    Verified,
    /// What could be checked holds; some checks could not be made.
    Partly,
    /// Something is wrong.
    NotVerified,
    /// No evidence bundle at all.
    Unreadable,
}

impl Verdict {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Partly => "partly",
            Self::NotVerified => "not_verified",
            Self::Unreadable => "unreadable",
        }
    }

    /// The exit status of the verifier.
    #[must_use]
    pub fn exit_status(self) -> i32 {
        match self {
            Self::Verified => 0,
            Self::NotVerified => 1,
            Self::Unreadable => 2,
            Self::Partly => 3,
        }
    }
}

/// One check and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub id: &'static str,
    /// None: not checked.
    pub ok: Option<bool>,
    /// The file, or the signature, it is about.
    pub file: Option<String>,
    /// What it proves, what is wrong, or why it could not be made.
    pub message: String,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.ok {
            Some(true) => "ok         ",
            Some(false) => "FAILED     ",
            None => "NOT CHECKED",
        };
        let what = self.file.as_ref().map_or_else(|| self.id.to_owned(), |file| format!("{} {file}", self.id));
        write!(f, "{outcome}  {what:<28}  {}", self.message)
    }
}

/// Something a reader of the draw should know; it does not change the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub id: &'static str,
    pub message: String,
}

/// Everything the verifier found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub verdict: Verdict,
    pub draw_id: Option<String>,
    pub checks: Vec<Check>,
    pub notes: Vec<Note>,
}

impl Report {
    /// `{"verdict", "draw_id", "checks": [{"id", "ok", "file", "message"}], "notes": [{"id", "message"}]}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let checks = self.checks.iter().map(|check| match &check.file {
            Some(file) => json!({"id": check.id, "ok": check.ok, "file": file, "message": check.message}),
            None => json!({"id": check.id, "ok": check.ok, "message": check.message}),
        });
        let notes = self.notes.iter().map(|note| json!({"id": note.id, "message": note.message}));
        json!({
            "verdict": self.verdict.as_str(),
            "draw_id": self.draw_id,
            "checks": checks.collect::<Vec<_>>(),
            "notes": notes.collect::<Vec<_>>(),
        })
    }

    /// The checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.ok == Some(false))
    }
}

/// Checks a bundle, read once from beginning to end and held in memory within the bounds of [`bundle`].
#[must_use]
pub fn verify(bundle: impl Read, options: &Options) -> Report {
    verify_with_log(bundle, options, None)
}

/// The same, and the log of what was changed since for recusals (art. 16).
#[must_use]
pub fn verify_with_log(bundle: impl Read, options: &Options, log: Option<&GivenLog>) -> Report {
    verify_with(bundle, options, &Beside { log, ..Beside::default() })
}

/// What is checked against a bundle besides itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// The log of what was changed since for recusals (art. 16).
    pub log: Option<&'a GivenLog<'a>>,
    /// A firm's own line as it was kept ([`crate::own_line::OwnLine`]).
    pub own_line: Option<&'a [u8]>,
    /// The statement as a witness kept it ([`kept`]).
    pub statement: Option<&'a [u8]>,
}

/// The same, and what came with the bundle.
#[must_use]
pub fn verify_with(bundle: impl Read, options: &Options, beside: &Beside) -> Report {
    let contents = match bundle::read(bundle) {
        Ok(contents) => contents,
        Err(error) => {
            let message = format!("this is not a gzipped tar archive, or a damaged one: {error}");
            let check = Check { id: "archive", ok: Some(false), file: None, message };
            return Report { verdict: Verdict::Unreadable, draw_id: None, checks: vec![check], notes: Vec::new() };
        }
    };
    let jwks = options.jwks.map(Jwks::parse);
    let mut checks = Checks::default();
    let inputs = inputs::Inputs::read(&contents, options, &mut checks);
    let found = checks::run(&inputs, jwks.as_ref(), options.demo, &mut checks);
    let mut notes = notes::gather(&inputs, &found);
    if let Some(given) = beside.log {
        notes.extend(log::check(&inputs, given, jwks.as_ref(), options.demo, &mut checks));
    }
    if let Some(bytes) = beside.own_line {
        own_line::check(&inputs, bytes, &mut checks);
    }
    if let Some(bytes) = beside.statement {
        kept::check(&inputs, bytes, jwks.as_ref(), &mut checks);
    }
    let draw_id = inputs.statement.get().map(|statement| statement.draw_id.clone());
    Report { verdict: checks.verdict(), draw_id, checks: checks.0, notes }
}

/// The checks made so far.
#[derive(Debug, Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn pass(&mut self, id: &'static str, file: Option<&str>, message: impl Into<String>) {
        self.add(id, Some(true), file, message.into());
    }

    fn fail(&mut self, id: &'static str, file: Option<&str>, message: impl Into<String>) {
        self.add(id, Some(false), file, message.into());
    }

    fn skip(&mut self, id: &'static str, file: Option<&str>, why: impl Into<String>) {
        self.add(id, None, file, why.into());
    }

    fn add(&mut self, id: &'static str, ok: Option<bool>, file: Option<&str>, message: String) {
        self.0.push(Check { id, ok, file: file.map(ToOwned::to_owned), message });
    }

    /// Adds the outcome of a check of several parts: what is wrong goes before what is open, that before what holds.
    fn conclude(&mut self, id: &'static str, file: Option<&str>, findings: Findings, proves: impl Into<String>) {
        let Findings { wrong, open } = findings;
        if !wrong.is_empty() {
            self.fail(id, file, some_of(&wrong));
        } else if !open.is_empty() {
            self.skip(id, file, format!("not checked because {}", open.join(" and ")));
        } else {
            self.pass(id, file, proves);
        }
    }

    fn verdict(&self) -> Verdict {
        if self.0.iter().any(|check| check.ok == Some(false)) {
            Verdict::NotVerified
        } else if self.0.iter().any(|check| check.ok.is_none()) {
            Verdict::Partly
        } else {
            Verdict::Verified
        }
    }
}

/// The parts of one check: what is wrong, and what could not be looked at.
#[derive(Debug, Default)]
struct Findings {
    wrong: Vec<String>,
    open: Vec<String>,
}

impl Findings {
    fn wrong(&mut self, what: impl Into<String>) {
        self.wrong.push(what.into());
    }

    fn open(&mut self, why: impl Into<String>) {
        let why = why.into();
        if !self.open.contains(&why) {
            self.open.push(why);
        }
    }

    /// The part that was read; otherwise notes why the check stays open.
    fn need<'a, T>(&mut self, part: &'a inputs::Part<T>) -> Option<&'a T> {
        match part {
            inputs::Part::Read(read) => Some(read),
            inputs::Part::Absent(why) => {
                self.open(why.as_str());
                None
            }
        }
    }
}

/// Findings a message names before it only counts.
const NAMED_MAX: usize = 5;

fn some_of(all: &[String]) -> String {
    let mut text = all.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join("; ");
    if all.len() > NAMED_MAX {
        text.push_str(&format!("; and {} more", all.len() - NAMED_MAX));
    }
    text
}
