//! The frozen files of a draw (art. 10, 11, 16): who can be drawn, who was left out and why, who can be sent, who must not.
//!
//! A file is written by [`Table`] and read by the `parse` of its type; both accept exactly the same bytes. In a
//! withheld file every line ends with one more column of 32 hex digits, which the caller hands in.

mod pool;
mod table;

use std::collections::{HashMap, HashSet};

pub(crate) use self::pool::{CHUNK_BYTES, cut_at_lines, first_bytes};
pub use self::{
    pool::Subjects,
    table::{Exclusion, LeftOut, Person, Row, Subject, Table},
};
use crate::{
    error::{Error, Result},
    merkle::lines_of,
    names::is_name,
};

pub const SUBJECTS: &str = "subjects.tsv";
pub const LEFT_OUT: &str = "left_out.tsv";
pub const OFFICERS: &str = "officers.tsv";
pub const EXPERTS: &str = "experts.tsv";
pub const EXCLUSIONS: &str = "exclusions.tsv";
pub const RULES: &str = "rules.json";
/// The frozen files that are tables; each of them the law may forbid to publish.
pub const TABLES: [&str; 5] = [EXCLUSIONS, EXPERTS, LEFT_OUT, OFFICERS, SUBJECTS];
/// All frozen files, sorted: the members of the statement's `digests`.
pub const FROZEN: [&str; 6] = [EXCLUSIONS, EXPERTS, LEFT_OUT, OFFICERS, RULES, SUBJECTS];

/// The bytes of the six frozen files.
#[derive(Debug, Clone, Copy)]
pub struct FrozenFiles<'a> {
    pub subjects: &'a [u8],
    pub left_out: &'a [u8],
    pub officers: &'a [u8],
    pub experts: &'a [u8],
    pub exclusions: &'a [u8],
    pub rules: &'a [u8],
}

impl<'a> FrozenFiles<'a> {
    /// Every file with its name, sorted by name.
    #[must_use]
    pub fn named(&self) -> [(&'static str, &'a [u8]); 6] {
        [
            (EXCLUSIONS, self.exclusions),
            (EXPERTS, self.experts),
            (LEFT_OUT, self.left_out),
            (OFFICERS, self.officers),
            (RULES, self.rules),
            (SUBJECTS, self.subjects),
        ]
    }
}

/// The first `columns` columns of a line, which has more.
pub(crate) fn key_of(line: &[u8], columns: usize) -> &[u8] {
    let tabs = line.iter().enumerate().filter(|(_, byte)| **byte == b'\t').map(|(at, _)| at);
    &line[..tabs.take(columns).last().unwrap_or(line.len())]
}

pub(crate) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).replace('\t', " ")
}

/// Why a column is wrong, for the message.
fn check_name(what: &str, bytes: &[u8]) -> Result<(), String> {
    if is_name(bytes) {
        Ok(())
    } else {
        Err(format!("{what} {:?} is not a name: 1 to 64 of 0-9 A-Z a-z : / . _ -", shown(bytes)))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned() // names are ASCII: nothing is lost
}

/// Splits a line into exactly `N` columns, the salt taken off first where there must be one.
pub(crate) fn columns<const N: usize>(line: &[u8], salted: bool) -> Result<[&[u8]; N], String> {
    let wanted = N + usize::from(salted);
    let mut columns = [&line[..0]; N];
    let mut found = 0;
    for column in line.split(|&byte| byte == b'\t') {
        if found < N {
            columns[found] = column;
        } else if found == N
            && salted
            && (column.len() != 32 || !column.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
        {
            return Err("the last column of a withheld file is not 32 lower-case hex digits".to_owned());
        }
        found += 1;
    }
    if found == wanted { Ok(columns) } else { Err(format!("{found} columns instead of {wanted}")) }
}

/// Goes through the lines of a sorted table of `N` columns, whose first `key_columns` are unique.
fn each_line<'a, const N: usize>(
    file: &str,
    bytes: &'a [u8],
    salted: bool,
    key_columns: usize,
    mut take: impl FnMut([&'a [u8]; N]) -> Result<(), String>,
) -> Result<u64> {
    ends_with_lf(file, bytes)?;
    let mut before: Option<&[u8]> = None;
    let mut number = 0;
    for line in lines_of(bytes) {
        number += 1;
        columns(line, salted)
            .and_then(|columns| in_order(before, line, key_columns).and_then(|()| take(columns)))
            .map_err(|why| Error::line(file, number, why))?;
        before = Some(line);
    }
    Ok(number)
}

fn ends_with_lf(file: &str, bytes: &[u8]) -> Result<()> {
    if bytes.is_empty() || bytes.ends_with(b"\n") {
        Ok(())
    } else {
        Err(Error::file(file, "the last line does not end with LF"))
    }
}

fn in_order(before: Option<&[u8]>, line: &[u8], key_columns: usize) -> Result<(), String> {
    let Some(before) = before else { return Ok(()) };
    let (key, key_before) = (key_of(line, key_columns), key_of(before, key_columns));
    if key == key_before {
        return Err(format!("{:?} stands in two lines", shown(key)));
    }
    if line < before { Err(format!("{:?} is not in sorted order", shown(key))) } else { Ok(()) }
}

/// Checks `left_out.tsv`; returns the number of its lines.
pub fn parse_left_out(bytes: &[u8], salted: bool) -> Result<u64> {
    each_line(LEFT_OUT, bytes, salted, 1, |[key, reason]| {
        check_name("key", key)?;
        check_name("reason", reason)
    })
}

/// A key that stands in both `subjects.tsv` and `left_out.tsv`, if any: both are sorted, so one walk finds it.
#[must_use]
pub fn in_both<'a>(subjects: &'a [u8], left_out: &'a [u8]) -> Option<&'a [u8]> {
    let mut subjects = lines_of(subjects).map(|line| key_of(line, 1)).peekable();
    lines_of(left_out).map(|line| key_of(line, 1)).find(|left| {
        while subjects.next_if(|key| key < left).is_some() {}
        subjects.peek() == Some(left)
    })
}

/// An officer or expert as read from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub key: String,
    pub unit: String,
    pub districts: Vec<String>,
    pub specialties: Vec<String>,
}

/// Reads `officers.tsv` or `experts.tsv` (`file` is said in errors), sorted by key.
pub fn parse_people(file: &str, bytes: &[u8], salted: bool) -> Result<Vec<Candidate>> {
    let mut people = Vec::new();
    each_line(file, bytes, salted, 1, |[key, unit, districts, specialties]| {
        check_name("key", key)?;
        check_name("unit", unit)?;
        people.push(Candidate {
            key: text(key),
            unit: text(unit),
            districts: parse_list("district", districts)?,
            specialties: parse_list("specialty", specialties)?,
        });
        Ok(())
    })?;
    Ok(people)
}

fn parse_list(what: &str, bytes: &[u8]) -> Result<Vec<String>, String> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let items: Vec<&[u8]> = bytes.split(|&byte| byte == b',').collect();
    for item in &items {
        check_name(what, item)?;
    }
    if !items.is_sorted_by(|a, b| a < b) {
        return Err(format!("the list {:?} is not sorted without repeats", shown(bytes)));
    }
    Ok(items.into_iter().map(text).collect())
}

/// `exclusions.tsv`: who is excluded from whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exclusions {
    people_by_subject: HashMap<String, HashSet<String>>,
}

impl Exclusions {
    pub fn parse(bytes: &[u8], salted: bool) -> Result<Self> {
        let mut people_by_subject: HashMap<String, HashSet<String>> = HashMap::new();
        each_line(EXCLUSIONS, bytes, salted, 2, |[person, subject, declared_by]| {
            check_name("person", person)?;
            check_name("subject", subject)?;
            check_name("declared_by", declared_by)?;
            people_by_subject.entry(text(subject)).or_default().insert(text(person));
            Ok(())
        })?;
        Ok(Self { people_by_subject })
    }

    /// People who must not be sent to the subject.
    #[must_use]
    pub fn of(&self, subject: &str) -> Option<&HashSet<String>> {
        self.people_by_subject.get(subject)
    }

    #[must_use]
    pub fn contains(&self, person: &str, subject: &str) -> bool {
        self.of(subject).is_some_and(|people| people.contains(person))
    }
}
