//! Picking the subjects (art. 10): in every stratum the k smallest tickets, whoever holds them.
//!
//! One pass of one compression per subject, on all cores, with memory for the k smallest only.

use std::{cmp::Ordering, collections::BTreeMap};

use rayon::prelude::*;

use crate::{
    error::{Error, Result, rule},
    frozen::{CHUNK_BYTES, SUBJECTS, Subjects, cut_at_lines, shown},
    hash::{Digest, Tickets},
    merkle::lines_of,
    rules::Quota,
};

/// Bytes of the pool between two prunings.
const BLOCK_BYTES: usize = 8 * CHUNK_BYTES;
/// Strata looked up one after the other; more are searched by halves.
const FEW_STRATA: usize = 12;

/// A drawn subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    pub ticket: Digest,
    /// Key, stratum and district, parted by TAB: one allocation for all three.
    line: Box<str>,
    key_end: u8,
    stratum_end: u8,
}

impl Drawn {
    fn new(ticket: Digest, parts: &Parts) -> Option<Self> {
        Some(Self {
            ticket,
            line: std::str::from_utf8(parts.line).ok()?.into(),
            key_end: u8::try_from(parts.key_end).ok()?,
            stratum_end: u8::try_from(parts.stratum_end).ok()?,
        })
    }

    #[must_use]
    pub fn key(&self) -> &str {
        &self.line[..usize::from(self.key_end)]
    }

    #[must_use]
    pub fn stratum(&self) -> &str {
        &self.line[usize::from(self.key_end) + 1..usize::from(self.stratum_end)]
    }

    #[must_use]
    pub fn district(&self) -> &str {
        &self.line[usize::from(self.stratum_end) + 1..]
    }

    /// The order of drawing and of `result.tsv`: by (ticket, key).
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        self.ticket.cmp(&other.ticket).then_with(|| self.key().cmp(other.key()))
    }
}

/// One line of `strata.tsv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stratum {
    pub name: String,
    /// Subjects in it.
    pub n: u64,
    /// Subjects drawn.
    pub k: u64,
    /// The k-th smallest ticket; none when k is 0.
    pub threshold: Option<Digest>,
}

/// The picked subjects and what each stratum came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Sorted by name.
    pub strata: Vec<Stratum>,
    /// By ascending (ticket, key).
    pub drawn: Vec<Drawn>,
}

/// Picks from a whole pool.
pub fn select(subjects: &Subjects, quotas: &BTreeMap<String, Quota>, tickets: Tickets) -> Result<Selection> {
    let mut selector = Selector::new(subjects.strata(), quotas, tickets)?;
    for block in cut_at_lines(subjects.bytes(), BLOCK_BYTES) {
        selector.feed(block)?;
    }
    selector.finish()
}

/// Picks from a pool that arrives in blocks of whole lines, in any order.
#[derive(Debug)]
pub struct Selector {
    tickets: Tickets,
    strata: Vec<Filling>,
}

#[derive(Debug)]
struct Filling {
    name: String,
    n: u64,
    k: usize,
    seen: u64,
    /// No ticket above it can be drawn any more; none while every one can.
    cut: Option<Digest>,
    best: Vec<Drawn>,
}

impl Filling {
    /// Keeps the k smallest.
    fn prune(&mut self) {
        if self.best.len() > self.k {
            if self.k == 0 {
                self.best.clear();
                return;
            }
            self.best.select_nth_unstable_by(self.k - 1, Drawn::order);
            self.best.truncate(self.k);
        }
        if self.best.len() == self.k {
            self.cut = self.best.iter().map(|drawn| drawn.ticket).max();
        }
    }
}

/// A line of `subjects.tsv` and where its columns end; what follows the district (a salt) is cut off.
struct Parts<'a> {
    line: &'a [u8],
    key_end: usize,
    stratum_end: usize,
}

impl<'a> Parts<'a> {
    fn of(line: &'a [u8]) -> Option<Self> {
        let key_end = line.iter().position(|&byte| byte == b'\t')?;
        let stratum_end = key_end + 1 + line[key_end + 1..].iter().position(|&byte| byte == b'\t')?;
        let district = &line[stratum_end + 1..];
        let end = district.iter().position(|&byte| byte == b'\t').map_or(line.len(), |at| stratum_end + 1 + at);
        Some(Self { line: &line[..end], key_end, stratum_end })
    }

    fn stratum(&self) -> &'a [u8] {
        &self.line[self.key_end + 1..self.stratum_end]
    }
}

impl Selector {
    /// `strata` names every stratum with its number of subjects; `quotas` must name exactly the same.
    pub fn new(strata: &BTreeMap<&str, u64>, quotas: &BTreeMap<String, Quota>, tickets: Tickets) -> Result<Self> {
        if let Some(extra) = quotas.keys().find(|stratum| !strata.contains_key(stratum.as_str())) {
            return rule(format!("quota {extra} has no subject"));
        }
        let strata = strata.iter().map(|(stratum, &n)| {
            let Some(quota) = quotas.get(*stratum) else { return rule(format!("stratum {stratum} has no quota")) };
            let Ok(k) = usize::try_from(quota.places(n)) else {
                return rule(format!("too many places in stratum {stratum}"));
            };
            Ok(Filling { name: (*stratum).to_owned(), n, k, seen: 0, cut: None, best: Vec::new() })
        });
        Ok(Self { tickets, strata: strata.collect::<Result<_>>()? })
    }

    fn stratum(&self, name: &[u8]) -> Option<usize> {
        if self.strata.len() <= FEW_STRATA {
            self.strata.iter().position(|stratum| stratum.name.as_bytes() == name)
        } else {
            self.strata.binary_search_by(|stratum| stratum.name.as_bytes().cmp(name)).ok()
        }
    }

    /// Takes a block of whole lines of a checked pool.
    pub fn feed(&mut self, block: &[u8]) -> Result<()> {
        let pieces: Vec<Piece> = cut_at_lines(block, CHUNK_BYTES / 4)
            .into_par_iter()
            .map(|piece| self.piece(piece))
            .collect::<Result<_>>()?;
        for piece in pieces {
            for (stratum, seen) in piece.seen {
                self.strata[stratum].seen += seen;
            }
            for (stratum, drawn) in piece.candidates {
                self.strata[stratum].best.push(drawn);
            }
        }
        for stratum in &mut self.strata {
            if stratum.best.len() >= 2 * stratum.k || stratum.cut.is_none() {
                stratum.prune();
            }
        }
        Ok(())
    }

    fn piece(&self, bytes: &[u8]) -> Result<Piece> {
        let mut piece = Piece::default();
        for line in lines_of(bytes) {
            let found = Parts::of(line).and_then(|parts| Some((self.stratum(parts.stratum())?, parts)));
            let Some((at, parts)) = found else {
                return Err(Error::file(SUBJECTS, format!("{:?} is of no stratum that was counted", shown(line))));
            };
            match piece.seen.iter_mut().rev().take(FEW_STRATA).find(|(stratum, _)| *stratum == at) {
                Some((_, seen)) => *seen += 1,
                None => piece.seen.push((at, 1)),
            }
            let stratum = &self.strata[at];
            if stratum.k == 0 {
                continue;
            }
            let ticket = self.tickets.subject(&parts.line[..parts.key_end]);
            if stratum.cut.is_none_or(|cut| ticket <= cut) {
                let Some(drawn) = Drawn::new(ticket, &parts) else {
                    return Err(Error::file(SUBJECTS, format!("{:?} is not a line of names", shown(line))));
                };
                piece.candidates.push((at, drawn));
            }
        }
        Ok(piece)
    }

    /// The selection; refuses a pool whose strata are not as large as was said.
    pub fn finish(mut self) -> Result<Selection> {
        let mut drawn = Vec::with_capacity(self.strata.iter().map(|stratum| stratum.k).sum());
        let mut strata = Vec::with_capacity(self.strata.len());
        for stratum in &mut self.strata {
            if stratum.seen != stratum.n {
                return rule(format!("stratum {} has {} subjects, not {}", stratum.name, stratum.seen, stratum.n));
            }
            stratum.prune();
            let threshold = stratum.cut.filter(|_| stratum.k > 0);
            strata.push(Stratum {
                name: std::mem::take(&mut stratum.name),
                n: stratum.n,
                k: stratum.k as u64,
                threshold,
            });
            drawn.append(&mut stratum.best);
        }
        drawn.par_sort_unstable_by(Drawn::order);
        Ok(Selection { strata, drawn })
    }
}

#[derive(Default)]
struct Piece {
    /// Lines by stratum; a stratum may stand there several times.
    seen: Vec<(usize, u64)>,
    candidates: Vec<(usize, Drawn)>,
}

/// `strata.tsv`.
#[must_use]
pub fn strata_tsv(strata: &[Stratum]) -> Vec<u8> {
    let mut out = Vec::new();
    for stratum in strata {
        let threshold = stratum.threshold.map_or_else(|| "-".to_owned(), |ticket| ticket.to_string());
        out.extend_from_slice(format!("{}\t{}\t{}\t{threshold}\n", stratum.name, stratum.n, stratum.k).as_bytes());
    }
    out
}
