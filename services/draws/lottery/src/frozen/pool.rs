//! The pool: up to ten million lines, read on all cores and never copied.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::{SUBJECTS, Subject, check_name, columns, ends_with_lf, in_order, key_of};
use crate::{
    error::{Error, Result},
    merkle::lines_of,
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
    first: Vec<(&'a [u8], u64)>,
    rest: HashMap<&'a [u8], u64>,
}

impl<'a> Counts<'a> {
    const FIRST_MAX: usize = 16;

    /// Counts a line; refuses a stratum that is no name when it is seen first.
    fn add(&mut self, stratum: &'a [u8]) -> Result<(), String> {
        if let Some((_, n)) = self.first.iter_mut().find(|(name, _)| *name == stratum) {
            *n += 1;
        } else if let Some(n) = self.rest.get_mut(stratum) {
            *n += 1;
        } else {
            check_name("stratum", stratum)?;
            if self.first.len() < Self::FIRST_MAX {
                self.first.push((stratum, 1));
            } else {
                self.rest.insert(stratum, 1);
            }
        }
        Ok(())
    }

    fn into_iter(self) -> impl Iterator<Item = (&'a [u8], u64)> {
        self.first.into_iter().chain(self.rest)
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
    fn piece(bytes: &'a [u8], salted: bool) -> Piece<'a> {
        let mut piece = Piece::default();
        let mut key_before: &[u8] = b"";
        for line in lines_of(bytes) {
            piece.lines += 1;
            let checked = columns::<3>(line, salted).and_then(|[key, stratum, district]| {
                check_name("key", key)?;
                check_name("district", district)?;
                piece.strata.add(stratum)?;
                // Keys decide the order of lines: TAB sorts before every character of a name.
                if key <= key_before {
                    in_order(piece.ends.map(|(_, last)| last), line, 1)?;
                }
                Ok(key)
            });
            match checked {
                Ok(key) => key_before = key,
                Err(why) => {
                    piece.wrong = Some(why);
                    return piece;
                }
            }
            piece.ends = Some((piece.ends.map_or(line, |(first, _)| first), line));
        }
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
