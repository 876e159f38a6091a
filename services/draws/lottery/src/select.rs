//! Picking the subjects (art. 10): in every stratum the k smallest tickets, whoever holds them.
//!
//! One pass of one compression per subject, on all cores, with memory for the k smallest only.

use std::{cmp::Ordering, collections::BTreeMap};

use rayon::prelude::*;

use crate::{
    error::{Error, Result, rule},
    frozen::{CHUNK_BYTES, SUBJECTS, Subjects, cut_at_lines, first_bytes, shown},
    hash::{Digest, Tickets},
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
    select_below(likely_cut, subjects, quotas, tickets)
}

/// Picks with a guess, of k and n, what the k-th smallest ticket will not be above.
fn select_below(
    cut: impl Fn(usize, u64) -> Option<Digest>,
    subjects: &Subjects,
    quotas: &BTreeMap<String, Quota>,
    tickets: Tickets,
) -> Result<Selection> {
    let mut selector = Selector::new(subjects.strata(), quotas, tickets)?;
    for stratum in &mut selector.strata {
        stratum.cut = cut(stratum.k, stratum.n);
    }
    selector.feed_all(subjects)?;
    if selector.strata.iter().any(|stratum| stratum.best.len() < stratum.k) {
        // Less than once in a million draws: now without a guess.
        selector = Selector::new(subjects.strata(), quotas, tickets)?;
        selector.feed_all(subjects)?;
    }
    selector.finish()
}

/// A ticket below which the k smallest of n almost surely lie, since tickets are spread evenly: six deviations above what is
/// expected. It spares the keeping and sorting out of those that are never drawn; nothing of the result depends on it.
fn likely_cut(k: usize, n: u64) -> Option<Digest> {
    let (k, n) = (k as f64, n as f64);
    let part = (k + 6.0 * k.sqrt() + 24.0) / n;
    (part < 0.5).then(|| {
        let mut cut = [0xff; 32];
        cut[..8].copy_from_slice(&((part * 2_f64.powi(64)) as u64).to_be_bytes());
        Digest(cut)
    })
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
    /// The name's [`first_bytes`].
    first_bytes: u64,
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
    /// Takes the first line off a piece of a checked pool, in which nothing but TAB and LF is as small as LF.
    fn take(bytes: &mut &'a [u8]) -> Option<Self> {
        let end = |from: usize| Some(from + bytes.get(from..)?.iter().position(|&byte| byte <= b'\n')?);
        let key_end = end(0)?;
        let stratum_end = end(key_end + 1)?;
        let line_end = end(stratum_end + 1)?;
        if bytes[key_end] != b'\t' || bytes[stratum_end] != b'\t' {
            return None;
        }
        let line = &bytes[..line_end];
        let salt = bytes[line_end..].iter().position(|&byte| byte == b'\n')?;
        *bytes = &bytes[line_end + salt + 1..];
        Some(Self { line, key_end, stratum_end })
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
            let first_bytes = first_bytes(stratum.as_bytes());
            Ok(Filling { name: (*stratum).to_owned(), first_bytes, n, k, seen: 0, cut: None, best: Vec::new() })
        });
        Ok(Self { tickets, strata: strata.collect::<Result<_>>()? })
    }

    fn stratum(&self, name: &[u8]) -> Option<usize> {
        if self.strata.len() <= FEW_STRATA {
            let first = first_bytes(name);
            self.strata.iter().position(|one| one.first_bytes == first && one.name.as_bytes() == name)
        } else {
            self.strata.binary_search_by(|stratum| stratum.name.as_bytes().cmp(name)).ok()
        }
    }

    fn feed_all(&mut self, subjects: &Subjects) -> Result<()> {
        cut_at_lines(subjects.bytes(), BLOCK_BYTES).into_iter().try_for_each(|block| self.feed(block))
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

    fn piece(&self, mut bytes: &[u8]) -> Result<Piece> {
        let mut piece = Piece::default();
        while !bytes.is_empty() {
            let line = bytes;
            let found = Parts::take(&mut bytes).and_then(|parts| Some((self.stratum(parts.stratum())?, parts)));
            let Some((at, parts)) = found else {
                let line = line.split(|&byte| byte == b'\n').next().unwrap_or_default();
                return Err(Error::file(SUBJECTS, format!("{:?} is of no stratum that was counted", shown(line))));
            };
            match piece.seen.last_mut() {
                Some((stratum, seen)) if *stratum == at => *seen += 1,
                Some(_) | None => piece.seen.push((at, 1)),
            }
            let stratum = &self.strata[at];
            if stratum.k == 0 {
                continue;
            }
            let ticket = self.tickets.subject(&parts.line[..parts.key_end]);
            if stratum.cut.is_none_or(|cut| ticket <= cut) {
                let Some(drawn) = Drawn::new(ticket, &parts) else {
                    return Err(Error::file(SUBJECTS, format!("{:?} is not a line of names", shown(parts.line))));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_guessed_the_same_are_picked() {
        let lines: String = (0..2_000).map(|at| format!("key-{at:04}\t{}\td\n", ["A", "B"][at % 2])).collect();
        let subjects = Subjects::parse(lines.as_bytes(), false).unwrap();
        let tickets = Tickets::new(&Digest::of(b"seed"));
        for k in [0, 1, 10, 400, 999, 1_000, 2_000] {
            let quotas = ["A", "B"].map(|name| (name.to_owned(), Quota::Count(k))).into();
            let picked = select_below(|_, _| None, &subjects, &quotas, tickets).unwrap();
            assert_eq!(picked.drawn.len() as u64, 2 * k.min(1_000));
            assert_eq!(select(&subjects, &quotas, tickets).unwrap(), picked, "{k} as guessed");
            for byte in [0x00, 0x08, 0x80, 0xff] {
                let guessed = select_below(|_, _| Some(Digest([byte; 32])), &subjects, &quotas, tickets);
                assert_eq!(guessed.unwrap(), picked, "{k} below {byte:#x}");
            }
        }
    }
}
