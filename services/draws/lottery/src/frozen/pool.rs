//! The pool: up to ten million lines, read on all cores and never copied.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::{SUBJECTS, Subject, check_name, columns, ends_with_lf, in_order, key_of};
use crate::{
    error::{Error, Result},
    merkle::lines_of,
    names::{NAME_BYTES_MAX, is_name_byte},
};

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

/// The first eight bytes of a name as a number, by which most other names are told from it without looking further.
#[inline]
pub(crate) fn first_bytes(name: &[u8]) -> u64 {
    name.iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Key, stratum, and the whole line.
type Names<'a> = (&'a [u8], &'a [u8], &'a [u8]);

/// Takes a line of exactly three names off the bytes. Everything else is left, to be looked
/// at column by column.
#[inline]
fn take_names<'a>(bytes: &mut &'a [u8]) -> Option<Names<'a>> {
    let rest = *bytes;
    let end_of_name = |from: usize, mark: u8| {
        let len = rest.get(from..)?.iter().position(|&byte| !is_name_byte(byte))?;
        ((1..=NAME_BYTES_MAX).contains(&len) && rest[from + len] == mark).then_some(from + len)
    };
    let key = end_of_name(0, b'\t')?;
    let stratum = end_of_name(key + 1, b'\t')?;
    let district = end_of_name(stratum + 1, b'\n')?;
    *bytes = &rest[district + 1..];
    Some((&rest[..key], &rest[key + 1..stratum], &rest[..district]))
}

/// What one worker found in its piece, up to the first wrong line.
#[derive(Default)]
struct Piece<'a> {
    lines: u64,
    strata: Counts<'a>,
    /// Its first and its last good line.
    ends: Option<(&'a [u8], &'a [u8])>,
    wrong: Option<String>,
}

/// Lines by stratum. Pools have few strata: those seen first are looked up one after the other, the rest by hash.
#[derive(Default)]
struct Counts<'a> {
    first: Vec<(u64, &'a [u8], u64)>,
    rest: HashMap<&'a [u8], u64>,
}

impl<'a> Counts<'a> {
    const FIRST_MAX: usize = 16;

    /// Counts a line of a stratum that is a name.
    fn add(&mut self, stratum: &'a [u8]) {
        let bytes = first_bytes(stratum);
        if let Some((_, _, n)) = self.first.iter_mut().find(|(first, name, _)| *first == bytes && *name == stratum) {
            *n += 1;
        } else if let Some(n) = self.rest.get_mut(stratum) {
            *n += 1;
        } else if self.first.len() < Self::FIRST_MAX {
            self.first.push((bytes, stratum, 1));
        } else {
            self.rest.insert(stratum, 1);
        }
    }

    fn into_iter(self) -> impl Iterator<Item = (&'a [u8], u64)> {
        self.first.into_iter().map(|(_, name, n)| (name, n)).chain(self.rest)
    }
}

impl<'a> Subjects<'a> {
    /// Checks every line, on all cores.
    pub fn parse(bytes: &'a [u8], salted: bool) -> Result<Self> {
        ends_with_lf(SUBJECTS, bytes)?;
        let pieces: Vec<Piece> =
            cut_at_lines(bytes, CHUNK_BYTES).into_par_iter().map(|piece| Self::piece(piece, salted)).collect();
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
            for (stratum, n) in piece.strata.into_iter() {
                *strata.entry(stratum).or_insert(0) += n;
            }
            before = piece.ends.map(|(_, last)| last).or(before);
        }
        let strata =
            strata.into_iter().filter_map(|(stratum, n)| Some((std::str::from_utf8(stratum).ok()?, n))).collect();
        Ok(Self { bytes, salted, len, strata })
    }

    /// Counts one piece, up to its first wrong line.
    fn piece(mut bytes: &'a [u8], salted: bool) -> Piece<'a> {
        let mut piece = Piece::default();
        let mut key_before: &[u8] = b"";
        while !bytes.is_empty() {
            piece.lines += 1;
            let names = if salted { None } else { take_names(&mut bytes) };
            let names = names.map_or_else(|| Self::look(&mut bytes, salted), Ok);
            let checked = names.and_then(|(key, stratum, line)| {
                piece.strata.add(stratum);
                // Keys decide the order of lines: TAB sorts before every character of a name.
                if key <= key_before {
                    in_order(piece.ends.map(|(_, last)| last), line, 1)?;
                }
                Ok((key, line))
            });
            match checked {
                Ok((key, line)) => {
                    key_before = key;
                    piece.ends = Some((piece.ends.map_or(line, |(first, _)| first), line));
                }
                Err(why) => {
                    piece.wrong = Some(why);
                    return piece;
                }
            }
        }
        piece
    }

    /// Takes the next line and looks at it column by column.
    fn look(bytes: &mut &'a [u8], salted: bool) -> Result<Names<'a>, String> {
        let end = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
        let line = &bytes[..end];
        *bytes = bytes.get(end + 1..).unwrap_or_default();
        let [key, stratum, district] = columns::<3>(line, salted)?;
        check_name("key", key)?;
        check_name("district", district)?;
        check_name("stratum", stratum)?;
        Ok((key, stratum, line))
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
            Some(Subject {
                key: columns.next()?.ok()?,
                stratum: columns.next()?.ok()?,
                district: columns.next()?.ok()?,
            })
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
