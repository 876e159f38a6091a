//! Writing a table: rows in, sorted lines out.

use std::marker::PhantomData;

use rayon::prelude::*;

use super::{key_of, shown};
use crate::{
    error::{Error, Result},
    merkle::lines_of,
    names::name,
};

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
    /// The first key that stands in two lines one after the other.
    repeated: Option<Box<[u8]>>,
    row: PhantomData<fn(&R)>,
}

impl<R: Row> Default for Table<'_, R> {
    fn default() -> Self {
        Self { salts: None, bytes: Vec::new(), last_start: 0, sorted: true, repeated: None, row: PhantomData }
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
        let (key_before, key) = (key_of(&before[self.last_start..], R::KEY_COLUMNS), key_of(line, R::KEY_COLUMNS));
        // Of keys only: TAB sorts before every character of a name.
        self.sorted &= key_before <= key;
        if key_before == key {
            self.repeated.get_or_insert_with(|| key.into());
        }
        self.last_start = start;
        Ok(())
    }

    /// The file's bytes: sorted, each key once.
    pub fn finish(self) -> Result<Vec<u8>> {
        if self.sorted {
            return match self.repeated {
                Some(key) => Err(Error::Rule(format!("{} stands in two lines", shown(&key)))),
                None => Ok(self.bytes),
            };
        }
        let bytes = {
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
