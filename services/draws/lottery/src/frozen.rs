//! The frozen files of a draw (art. 10, 11, 16): who can be drawn, who was left out and why, who can be sent, who must not.
//!
//! A file is written by [`Table`] and read by the `parse` of its type; both accept exactly the same bytes. In a
//! withheld file every line ends with one more column of 32 hex digits, which the caller hands in.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    marker::PhantomData,
};

use rayon::prelude::*;

use crate::{
    error::{Error, Result},
    merkle::lines_of,
    names::{is_name, name},
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

/// A line of `subjects.tsv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// Unified social credit code, or `kind:id` for a subject without one.
    pub key: &'a str,
    /// The quota it falls under.
    pub stratum: &'a str,
    pub district: &'a str,
}

/// A line of `left_out.tsv`: within the plan's scope, but not in the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftOut<'a> {
    pub key: &'a str,
    /// A code such as `VISITED_THIS_QUARTER`.
    pub reason: &'a str,
}

/// A line of `officers.tsv` or `experts.tsv`. The lists may be in any order; they are written sorted, without repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person<'a> {
    /// Number of the enforcement certificate.
    pub key: &'a str,
    pub unit: &'a str,
    /// Districts the person covers; none covers none.
    pub districts: &'a [&'a str],
    pub specialties: &'a [&'a str],
}

/// A line of `exclusions.tsv`: a recusal declared before the draw (art. 16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exclusion<'a> {
    pub person: &'a str,
    pub subject: &'a str,
    pub declared_by: &'a str,
}

/// One line of a table, able to write itself.
pub trait Row {
    /// The same line with texts that live as long as they need to be pushed.
    type Of<'a>: Row;
    /// Columns that must stand in one line only.
    const KEY_COLUMNS: usize;
    /// Appends the columns without salt and LF.
    fn write(&self, out: &mut Vec<u8>) -> Result<()>;
}

fn column(out: &mut Vec<u8>, what: &str, text: &str) -> Result<()> {
    out.extend_from_slice(name(what, text)?.as_bytes());
    out.push(b'\t');
    Ok(())
}

fn list(out: &mut Vec<u8>, what: &str, items: &[&str]) -> Result<()> {
    let mut items = items.to_vec();
    items.sort_unstable();
    items.dedup();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(name(what, item)?.as_bytes());
    }
    out.push(b'\t');
    Ok(())
}

impl Row for Subject<'_> {
    type Of<'a> = Subject<'a>;
    const KEY_COLUMNS: usize = 1;
    fn write(&self, out: &mut Vec<u8>) -> Result<()> {
        column(out, "key", self.key)?;
        column(out, "stratum", self.stratum)?;
        column(out, "district", self.district)
    }
}

impl Row for LeftOut<'_> {
    type Of<'a> = LeftOut<'a>;
    const KEY_COLUMNS: usize = 1;
    fn write(&self, out: &mut Vec<u8>) -> Result<()> {
        column(out, "key", self.key)?;
        column(out, "reason", self.reason)
    }
}

impl Row for Person<'_> {
    type Of<'a> = Person<'a>;
    const KEY_COLUMNS: usize = 1;
    fn write(&self, out: &mut Vec<u8>) -> Result<()> {
        column(out, "key", self.key)?;
        column(out, "unit", self.unit)?;
        list(out, "district", self.districts)?;
        list(out, "specialty", self.specialties)
    }
}

impl Row for Exclusion<'_> {
    type Of<'a> = Exclusion<'a>;
    const KEY_COLUMNS: usize = 2;
    fn write(&self, out: &mut Vec<u8>) -> Result<()> {
        column(out, "person", self.person)?;
        column(out, "subject", self.subject)?;
        column(out, "declared_by", self.declared_by)
    }
}

/// Gathers the lines of one table, in any order, and writes them sorted.
///
/// Lines that arrive sorted (a database's `ORDER BY key COLLATE "C"`) cost no sort and no second copy.
pub struct Table<'s, R> {
    salts: Option<&'s mut dyn FnMut() -> [u8; 16]>,
    bytes: Vec<u8>,
    last_start: usize,
    sorted: bool,
    row: PhantomData<fn(&R)>,
}

impl<R: Row> Default for Table<'_, R> {
    fn default() -> Self {
        Self { salts: None, bytes: Vec::new(), last_start: 0, sorted: true, row: PhantomData }
    }
}

impl<'s, R: Row> Table<'s, R> {
    /// A table that will be published.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A table the law forbids to publish: each line takes 16 fresh random bytes from `salts`.
    #[must_use]
    pub fn withheld(salts: &'s mut dyn FnMut() -> [u8; 16]) -> Self {
        Self { salts: Some(salts), ..Self::default() }
    }

    /// Adds a line; refuses what is not a name.
    pub fn push(&mut self, row: &R::Of<'_>) -> Result<()> {
        let start = self.bytes.len();
        if let Err(error) = row.write(&mut self.bytes) {
            self.bytes.truncate(start);
            return Err(error);
        }
        match &mut self.salts {
            Some(salts) => self.bytes.extend_from_slice(hex::encode(salts()).as_bytes()),
            None => {
                self.bytes.pop(); // the TAB after the last column
            }
        }
        self.bytes.push(b'\n');
        let (before, line) = self.bytes.split_at(start);
        self.sorted &= before[self.last_start..] <= *line;
        self.last_start = start;
        Ok(())
    }

    /// The file's bytes: sorted, each key once.
    pub fn finish(self) -> Result<Vec<u8>> {
        let bytes = if self.sorted {
            self.bytes
        } else {
            let mut lines: Vec<&[u8]> = self.bytes.split_inclusive(|&byte| byte == b'\n').collect();
            lines.par_sort_unstable();
            let mut sorted = Vec::with_capacity(self.bytes.len());
            for line in lines {
                sorted.extend_from_slice(line);
            }
            sorted
        };
        let mut before: &[u8] = b"";
        for line in lines_of(&bytes) {
            let key = key_of(line, R::KEY_COLUMNS);
            if key == before {
                return Err(Error::Rule(format!("{} stands in two lines", shown(key))));
            }
            before = key;
        }
        Ok(bytes)
    }
}

/// The first `columns` columns of a line, which has more.
fn key_of(line: &[u8], columns: usize) -> &[u8] {
    let tabs = line.iter().enumerate().filter(|(_, byte)| **byte == b'\t').map(|(at, _)| at);
    &line[..tabs.take(columns).last().unwrap_or(line.len())]
}

pub(crate) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).replace('\t', " ")
}

/// Why a column is wrong, for the message.
fn check_name(what: &str, bytes: &[u8]) -> Result<(), String> {
    if is_name(bytes) { Ok(()) } else { Err(format!("{what} {:?} is not a name: 1 to 64 of 0-9 A-Z a-z : / . _ -", shown(bytes))) }
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
        } else if found == N && salted && (column.len() != 32 || !column.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))) {
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
    if bytes.is_empty() || bytes.ends_with(b"\n") { Ok(()) } else { Err(Error::file(file, "the last line does not end with LF")) }
}

fn in_order(before: Option<&[u8]>, line: &[u8], key_columns: usize) -> Result<(), String> {
    let Some(before) = before else { return Ok(()) };
    let (key, key_before) = (key_of(line, key_columns), key_of(before, key_columns));
    if key == key_before {
        return Err(format!("{:?} stands in two lines", shown(key)));
    }
    if line < before { Err(format!("{:?} is not in sorted order", shown(key))) } else { Ok(()) }
}

/// `subjects.tsv`, checked and counted; its lines stay where they are.
#[derive(Debug, Clone)]
pub struct Subjects<'a> {
    bytes: &'a [u8],
    salted: bool,
    len: u64,
    strata: BTreeMap<&'a str, u64>,
}

/// Bytes a worker takes at once.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;

/// Cuts a file into pieces of whole lines of about `size` bytes.
pub(crate) fn cut_at_lines(bytes: &[u8], size: usize) -> Vec<&[u8]> {
    let mut pieces = Vec::with_capacity(bytes.len() / size + 1);
    let mut rest = bytes;
    while rest.len() > size {
        let end = rest[size..].iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| size + at + 1);
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

#[derive(Default)]
struct Piece<'a> {
    lines: u64,
    strata: HashMap<&'a [u8], u64>,
    ends: Option<(&'a [u8], &'a [u8])>,
    wrong: Option<String>,
}

impl<'a> Subjects<'a> {
    /// Checks every line, on all cores.
    pub fn parse(bytes: &'a [u8], salted: bool) -> Result<Self> {
        ends_with_lf(SUBJECTS, bytes)?;
        let pieces: Vec<Piece> = cut_at_lines(bytes, CHUNK_BYTES).into_par_iter().map(|piece| Self::piece(piece, salted)).collect();
        let (mut len, mut strata) = (0, BTreeMap::new());
        let mut before = None;
        for piece in pieces {
            let at_seam = piece.ends.map_or(Ok(()), |(first, _)| in_order(before, first, 1));
            if let Err(why) = at_seam {
                return Err(Error::line(SUBJECTS, len + 1, why));
            }
            len += piece.lines;
            if let Some(why) = piece.wrong {
                return Err(Error::line(SUBJECTS, len, why));
            }
            for (stratum, n) in piece.strata {
                *strata.entry(stratum).or_insert(0) += n;
            }
            before = piece.ends.map(|(_, last)| last).or(before);
        }
        let strata = strata.into_iter().filter_map(|(stratum, n)| Some((std::str::from_utf8(stratum).ok()?, n))).collect();
        Ok(Self { bytes, salted, len, strata })
    }

    /// Counts one piece, up to its first wrong line.
    fn piece(bytes: &'a [u8], salted: bool) -> Piece<'a> {
        let mut piece = Piece::default();
        let mut counted: (&[u8], u64) = (b"", 0);
        for line in lines_of(bytes) {
            piece.lines += 1;
            let checked = columns::<3>(line, salted).and_then(|[key, stratum, district]| {
                check_name("key", key)?;
                check_name("district", district)?;
                if counted.0 == stratum {
                    counted.1 += 1;
                } else {
                    check_name("stratum", stratum)?;
                    *piece.strata.entry(counted.0).or_insert(0) += counted.1;
                    counted = (stratum, 1);
                }
                in_order(piece.ends.map(|(_, last)| last), line, 1)
            });
            if let Err(why) = checked {
                piece.wrong = Some(why);
                return piece;
            }
            piece.ends = Some((piece.ends.map_or(line, |(first, _)| first), line));
        }
        *piece.strata.entry(counted.0).or_insert(0) += counted.1;
        piece.strata.remove(&b""[..]);
        piece
    }

    /// Number of subjects.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Every stratum with its number of subjects.
    #[must_use]
    pub fn strata(&self) -> &BTreeMap<&'a str, u64> {
        &self.strata
    }

    /// The file's bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    #[must_use]
    pub fn salted(&self) -> bool {
        self.salted
    }

    /// Every subject, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = Subject<'a>> + use<'a> {
        lines_of(self.bytes).filter_map(|line| {
            let mut columns = line.split(|&byte| byte == b'\t').map(std::str::from_utf8);
            Some(Subject { key: columns.next()?.ok()?, stratum: columns.next()?.ok()?, district: columns.next()?.ok()? })
        })
    }

    /// The line of a key and its index from 0, for a proof: one binary search and one count.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<(u64, &'a [u8])> {
        let (mut low, mut high) = (0, self.bytes.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let start = self.bytes[low..middle].iter().rposition(|&byte| byte == b'\n').map_or(low, |at| low + at + 1);
            let end = start + self.bytes[start..].iter().position(|&byte| byte == b'\n')?;
            let line = &self.bytes[start..end];
            match key_of(line, 1).cmp(key.as_bytes()) {
                std::cmp::Ordering::Equal => {
                    let index = self.bytes[..start].par_iter().filter(|byte| **byte == b'\n').count();
                    return Some((index as u64, line));
                }
                std::cmp::Ordering::Less => low = end + 1,
                std::cmp::Ordering::Greater => high = start,
            }
        }
        None
    }
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
