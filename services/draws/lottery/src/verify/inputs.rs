//! What a bundle holds, read file by file: the checks `archive` and `format`.

use std::{borrow::Cow, collections::BTreeMap};

use super::{Checks, Options};
use crate::{
    bundle::{Contents, FILES},
    error::{Error, Result},
    frozen::{
        Candidate, EXCLUSIONS, EXPERTS, Exclusions, LEFT_OUT, OFFICERS, RULES, SUBJECTS, Subjects, TABLES, columns,
        parse_left_out, parse_people, shown,
    },
    hash::Digest,
    json::{INTEGER_MAX, restated},
    merkle::lines_of,
    names::is_name,
    reveal::{DRAW, DrawRecord, RESULT, STRATA},
    rules::Rules,
    select::Stratum,
    sign::{SIGNATURES, Signatures},
    statement::{STATEMENT, Statement},
};

/// A part that was read, or why it was not: "subjects.tsv is withheld".
#[derive(Debug)]
pub enum Part<T> {
    Read(T),
    Absent(String),
}

impl<T> Part<T> {
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Read(read) => Some(read),
            Self::Absent(_) => None,
        }
    }
}

/// A line of `result.tsv` as published.
#[derive(Debug)]
pub struct Row<'a> {
    pub key: &'a str,
    pub ticket: Digest,
    pub officers: Vec<&'a str>,
    pub experts: Vec<&'a str>,
}

/// Every file, read.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// Bytes of what is there, the withheld files given beside the bundle included.
    bytes: BTreeMap<&'a str, &'a [u8]>,
    pub rules: Part<Rules>,
    /// Why rules of the right form cannot be understood.
    pub rules_broken: Option<String>,
    pub statement: Part<Statement>,
    pub draw: Part<DrawRecord>,
    pub signatures: Part<Signatures>,
    pub subjects: Part<Subjects<'a>>,
    /// Number of its lines.
    pub left_out: Part<u64>,
    pub officers: Part<Vec<Candidate>>,
    pub experts: Part<Vec<Candidate>>,
    pub exclusions: Part<Exclusions>,
    pub strata: Part<Vec<Stratum>>,
    pub result: Part<Vec<Row<'a>>>,
}

impl<'a> Inputs<'a> {
    /// Reads every file; adds the checks `archive` and `format`.
    pub fn read(contents: &'a Contents, options: &'a Options, checks: &mut Checks) -> Self {
        let mut bytes: BTreeMap<&str, &[u8]> =
            contents.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        // What is withheld decides which files there are and how their lines end: the rules come first.
        let rules = bytes.get(RULES).and_then(|bytes| Rules::parse(bytes).ok());
        archive(contents, options, rules.as_ref(), checks);
        for (name, extra) in &options.with {
            bytes.entry(name).or_insert(extra);
        }

        let reader = Reader { bytes: &bytes, rules: rules.as_ref() };
        // In the order of the files, so that the report reads as the bundle does.
        let statement = reader.json(STATEMENT, checks, Statement::parse);
        let subjects = reader.table(SUBJECTS, checks, Subjects::parse);
        let left_out = reader.table(LEFT_OUT, checks, parse_left_out);
        let officers = reader.table(OFFICERS, checks, |bytes, salted| parse_people(OFFICERS, bytes, salted));
        let experts = reader.table(EXPERTS, checks, |bytes, salted| parse_people(EXPERTS, bytes, salted));
        let exclusions = reader.table(EXCLUSIONS, checks, Exclusions::parse);
        let mut rules_broken = None;
        let rules_part = match bytes.get(RULES).map(|bytes| Rules::parse(bytes)) {
            Some(Err(Error::Rule(why))) => {
                checks.pass("format", Some(RULES), "every byte is in its one allowed form");
                rules_broken = Some(why);
                Part::Absent(format!("{RULES} cannot be understood"))
            }
            _ => reader.json(RULES, checks, Rules::parse),
        };
        let draw = reader.json(DRAW, checks, DrawRecord::parse);
        let strata = reader.part(STRATA, checks, parse_strata);
        let result = reader.part(RESULT, checks, parse_result);
        let signatures = reader.json(SIGNATURES, checks, Signatures::parse);
        Self {
            rules: rules_part,
            rules_broken,
            statement,
            draw,
            signatures,
            subjects,
            left_out,
            officers,
            experts,
            exclusions,
            strata,
            result,
            bytes,
        }
    }

    /// The bytes of a file that is there.
    pub fn bytes(&self, file: &str) -> Option<&'a [u8]> {
        self.bytes.get(file).copied()
    }

    /// Why a file's bytes are not there.
    pub fn why_absent(&self, file: &str) -> String {
        absent(file, self.rules.get())
    }
}

fn absent(file: &str, rules: Option<&Rules>) -> String {
    if is_absent(file, rules) { format!("{file} is withheld") } else { format!("{file} is missing") }
}

/// Whether the rules keep a file out of the bundle.
fn is_absent(file: &str, rules: Option<&Rules>) -> bool {
    may_be_withheld(file) && rules.is_some_and(|rules| rules.is_withheld(if file == STRATA { SUBJECTS } else { file }))
}

fn may_be_withheld(file: &str) -> bool {
    TABLES.contains(&file) || file == STRATA
}

fn archive(contents: &Contents, options: &Options, rules: Option<&Rules>, checks: &mut Checks) {
    let mut problems: Vec<(Option<&str>, Cow<str>)> =
        contents.problems.iter().map(|(name, why)| (name.as_deref(), Cow::from(why.as_str()))).collect();
    let mut withheld = 0;
    for file in FILES {
        match (contents.files.contains_key(file), is_absent(file, rules)) {
            (true, false) => {}
            (false, true) => withheld += 1,
            // Whether it may be absent stands in rules.json; that this cannot be read is named by `format`.
            (false, false) if rules.is_none() && contents.files.contains_key(RULES) && may_be_withheld(file) => {}
            // A member of that name that is no plain file was named already.
            (false, false) if problems.iter().any(|(name, _)| *name == Some(file)) => {}
            (false, false) => problems.push((Some(file), "is missing".into())),
            (true, true) => problems.push((Some(file), "is in the bundle, although rules.json withholds it".into())),
        }
    }
    for (name, extra) in &options.with {
        if !may_be_withheld(name) {
            problems.push((Some(name), "was given beside the bundle, but cannot be withheld".into()));
        } else if contents.files.get(name).is_some_and(|own| own != extra) {
            problems.push((Some(name), "was given beside the bundle and differs from the one in it".into()));
        }
    }
    for (file, why) in &problems {
        let message = file.map_or_else(|| why.to_string(), |file| format!("{} {why}", shown(file.as_bytes())));
        checks.fail("archive", *file, message);
    }
    if problems.is_empty() {
        let there = FILES.len() - withheld;
        let kept_back = if withheld > 0 { format!(", {withheld} withheld") } else { String::new() };
        checks.pass(
            "archive",
            None,
            format!("{there} plain files, exactly those that belong there, each once{kept_back}"),
        );
    }
}

struct Reader<'r, 'a> {
    bytes: &'r BTreeMap<&'a str, &'a [u8]>,
    rules: Option<&'r Rules>,
}

impl<'a> Reader<'_, 'a> {
    fn part<T>(&self, file: &'static str, checks: &mut Checks, parse: impl FnOnce(&'a [u8]) -> Result<T>) -> Part<T> {
        let Some(bytes) = self.bytes.get(file) else {
            let why = absent(file, self.rules);
            checks.skip("format", Some(file), format!("not checked because {why}"));
            return Part::Absent(why);
        };
        match parse(bytes) {
            Ok(read) => {
                checks.pass("format", Some(file), "every byte is in its one allowed form");
                Part::Read(read)
            }
            Err(error) => {
                checks.fail("format", Some(file), error.to_string());
                Part::Absent(format!("{file} is not of its form"))
            }
        }
    }

    /// A `.json` file. One that says the right things in other bytes fails its format, and is read all the same.
    fn json<T>(&self, file: &'static str, checks: &mut Checks, parse: impl Fn(&[u8]) -> Result<T>) -> Part<T> {
        let part = self.part(file, checks, &parse);
        let other_bytes = || parse(&restated(self.bytes.get(file)?)?).ok();
        match part {
            Part::Absent(why) => other_bytes().map_or(Part::Absent(why), Part::Read),
            read @ Part::Read(_) => read,
        }
    }

    /// A table, with salts if the rules withhold it; if there are no rules to say so, with or without.
    fn table<T>(
        &self,
        file: &'static str,
        checks: &mut Checks,
        parse: impl Fn(&'a [u8], bool) -> Result<T>,
    ) -> Part<T> {
        match self.rules {
            Some(rules) => {
                let salted = rules.is_withheld(file);
                self.part(file, checks, |bytes| parse(bytes, salted))
            }
            None => self
                .part(file, checks, |bytes| parse(bytes, false).or_else(|error| parse(bytes, true).map_err(|_| error))),
        }
    }
}

/// Refuses a table whose last line is not ended: what is behind its last LF would not be read.
pub fn lf_ended(file: &str, bytes: &[u8]) -> Result<()> {
    if bytes.is_empty() || bytes.ends_with(b"\n") {
        Ok(())
    } else {
        Err(Error::file(file, "the last line does not end with LF"))
    }
}

fn named<'a>(what: &str, bytes: &'a [u8]) -> Result<&'a str, String> {
    match std::str::from_utf8(bytes) {
        Ok(text) if is_name(bytes) => Ok(text),
        _ => Err(format!("{what} {:?} is not a name", shown(bytes))),
    }
}

fn integer(what: &str, bytes: &[u8]) -> Result<u64, String> {
    let plain = bytes == b"0" || (!bytes.starts_with(b"0") && bytes.iter().all(u8::is_ascii_digit));
    let number = std::str::from_utf8(bytes).ok().filter(|_| plain).and_then(|text| text.parse().ok());
    number.filter(|number| *number <= INTEGER_MAX).ok_or_else(|| format!("{what} {:?} is not a number", shown(bytes)))
}

fn ticket(bytes: &[u8]) -> Result<Digest, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| format!("{:?} is not a ticket", shown(bytes)))?;
    Digest::parse(text).map_err(|error| error.to_string())
}

fn parse_strata(bytes: &[u8]) -> Result<Vec<Stratum>> {
    lf_ended(STRATA, bytes)?;
    let mut strata: Vec<Stratum> = Vec::new();
    for (line, number) in lines_of(bytes).zip(1..) {
        let parsed = columns::<4>(line, false).and_then(|[name, n, k, threshold]| {
            let name = named("stratum", name)?;
            if strata.last().is_some_and(|before| before.name.as_str() >= name) {
                return Err(format!("{name} is not in sorted order, or stands in two lines"));
            }
            Ok(Stratum {
                name: name.to_owned(),
                n: integer("n", n)?,
                k: integer("k", k)?,
                threshold: if threshold == b"-" { None } else { Some(ticket(threshold)?) },
            })
        });
        strata.push(parsed.map_err(|why| Error::line(STRATA, number, why))?);
    }
    Ok(strata)
}

fn parse_result(bytes: &[u8]) -> Result<Vec<Row<'_>>> {
    fn people(bytes: &[u8]) -> Result<Vec<&str>, String> {
        if bytes.is_empty() {
            return Ok(Vec::new());
        }
        bytes.split(|&byte| byte == b',').map(|person| named("person", person)).collect()
    }
    lf_ended(RESULT, bytes)?;
    let mut rows = Vec::new();
    for (line, number) in lines_of(bytes).zip(1..) {
        let parsed = columns::<4>(line, false).and_then(|[key, own, officers, experts]| {
            Ok(Row {
                key: named("key", key)?,
                ticket: ticket(own)?,
                officers: people(officers)?,
                experts: people(experts)?,
            })
        });
        rows.push(parsed.map_err(|why| Error::line(RESULT, number, why))?);
    }
    Ok(rows)
}
