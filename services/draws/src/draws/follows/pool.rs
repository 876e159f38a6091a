//! The pool of a draw that follows another (art. 14, 15): written line by line as it is read, since at ten million subjects pool
//! and names together would take more memory than a draw may. Whatever is read is sorted by key, so that one line of each is
//! enough. Knows no database.

use std::{
    collections::{BTreeMap, HashSet},
    io::{self, BufRead, BufReader, Read, Write},
};

use anyhow::Context;
use lottery::{
    frozen::{LEFT_OUT, LeftOut, SUBJECTS, Subject, Table},
    rules::Rules,
};
use tokio::sync::mpsc;

use crate::draws::withheld;

/// Bytes handed over at once.
const PIECE_BYTES: usize = 256 << 10;

/// Where lines are handed to whoever writes the pool, some at once.
pub struct Lines {
    sender: mpsc::Sender<Vec<u8>>,
    piece: Vec<u8>,
}

/// Both ends of a short queue of lines.
pub fn lines() -> (Lines, BufReader<Pieces>) {
    let (sender, receiver) = mpsc::channel(4);
    let pieces = Pieces { receiver, piece: Vec::new(), read: 0 };
    (Lines { sender, piece: Vec::with_capacity(PIECE_BYTES) }, BufReader::new(pieces))
}

impl Lines {
    /// Hands on one line of these columns; waits while the writer is behind.
    pub async fn push(&mut self, columns: &[&str]) {
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                self.piece.push(b'\t');
            }
            self.piece.extend_from_slice(column.as_bytes());
        }
        self.piece.push(b'\n');
        if self.piece.len() >= PIECE_BYTES {
            let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES));
            // The writer is gone only when it refused a line; its reason counts.
            let _ = self.sender.send(piece).await;
        }
    }

    /// Hands on what is left.
    pub async fn finish(self) {
        let _ = self.sender.send(self.piece).await;
    }
}

/// The lines handed over, for a thread that may wait.
pub struct Pieces {
    receiver: mpsc::Receiver<Vec<u8>>,
    piece: Vec<u8>,
    read: usize,
}

impl Read for Pieces {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.read == self.piece.len() {
            let Some(piece) = self.receiver.blocking_recv() else { return Ok(0) };
            (self.piece, self.read) = (piece, 0);
        }
        let length = (&self.piece[self.read..]).read(bytes)?;
        self.read += length;
        Ok(length)
    }
}

/// Lines in the order of their keys, of which one at a time is held.
struct Sorted<R> {
    file: R,
    line: Vec<u8>,
    begun: bool,
}

impl<R: BufRead> Sorted<R> {
    fn of(file: R) -> Self {
        Self { file, line: Vec::new(), begun: false }
    }

    fn advance(&mut self) -> io::Result<()> {
        self.line.clear();
        self.file.read_until(b'\n', &mut self.line)?;
        self.begun = true;
        Ok(())
    }

    /// The first line with a key; none where there is none. Keys are asked for in ascending order.
    fn find(&mut self, key: &[u8]) -> io::Result<Option<&[u8]>> {
        if !self.begun {
            self.advance()?;
        }
        while !self.line.is_empty() && key_of(&self.line) < key {
            self.advance()?;
        }
        Ok((!self.line.is_empty() && key_of(&self.line) == key).then_some(self.line.as_slice()))
    }
}

fn key_of(line: &[u8]) -> &[u8] {
    line.split(|byte| *byte == b'\t' || *byte == b'\n').next().unwrap_or_default()
}

/// Who is in the scope of a following draw, sorted by key.
pub enum Scope<S, L> {
    /// Of a supplementary draw: the earlier pool, `subjects.tsv` with or without salts, and who cannot be drawn any more:
    /// `key TAB reason`, of several lines with a key the first counting.
    EarlierPool { subjects: S, out: L },
    /// Of a draw of teams: `key TAB stratum TAB district TAB reason`, without a reason where a team is wanted.
    Drawn(L),
}

/// How the pool is written.
pub struct Manner {
    /// Whether subjects and left-out are withheld, so that every line carries a salt.
    salted: [bool; 2],
    /// Keys asked about: those some person is excluded for.
    asked: HashSet<String>,
}

impl Manner {
    /// As the rules withhold, and where these subjects stand.
    pub fn of(rules: &Rules, asked: impl IntoIterator<Item = String>) -> Self {
        Self { salted: [SUBJECTS, LEFT_OUT].map(|file| rules.is_withheld(file)), asked: asked.into_iter().collect() }
    }
}

/// Who can be drawn: the tables, and what the checks count.
#[derive(Debug, Default)]
pub struct Pool {
    /// `subjects.tsv`.
    pub subjects: Vec<u8>,
    /// `left_out.tsv`.
    pub left_out: Vec<u8>,
    /// Subjects by stratum and district.
    pub counts: BTreeMap<String, BTreeMap<String, u64>>,
    /// Strata of those in the pool that were asked about.
    pub found: BTreeMap<String, String>,
}

impl Pool {
    /// Subjects by stratum.
    pub fn strata(&self) -> BTreeMap<String, u64> {
        self.counts.iter().map(|(stratum, districts)| (stratum.clone(), districts.values().sum())).collect()
    }

    fn count(&mut self, key: &str, stratum: &str, district: &str, manner: &Manner) {
        match self.counts.get_mut(stratum).and_then(|districts| districts.get_mut(district)) {
            Some(n) => *n += 1,
            None => {
                self.counts.entry(stratum.to_owned()).or_default().insert(district.to_owned(), 1);
            }
        }
        if manner.asked.contains(key) {
            self.found.insert(key.to_owned(), stratum.to_owned());
        }
    }
}

/// Writes the pool of a scope, and to `kept` the lines of the earlier draw's `names` of everybody in it.
///
/// # Errors
/// A line is refused, something cannot be read or written, or the operating system gives no random numbers.
pub fn write<S: BufRead, L: BufRead>(
    scope: Scope<S, L>,
    names: impl BufRead,
    manner: &Manner,
    mut kept: impl Write,
) -> anyhow::Result<Pool> {
    let mut pool = Pool::default();
    let mut names = Sorted::of(names);
    let (subjects, left_out) = withheld::table_and(manner.salted[0], |subjects: &mut Table<'_, Subject<'_>>| {
        let (left_out, ()) = withheld::table_and(manner.salted[1], |left_out: &mut Table<'_, LeftOut<'_>>| {
            each(scope, |key, stratum, district, reason| {
                if reason.is_empty() {
                    pool.count(key, stratum, district, manner);
                    subjects.push(&Subject { key, stratum, district })?;
                } else {
                    left_out.push(&LeftOut { key, reason })?;
                }
                if let Some(line) = names.find(key.as_bytes())? {
                    kept.write_all(line)?;
                }
                Ok(())
            })
        })?;
        Ok(left_out)
    })?;
    (pool.subjects, pool.left_out) = (subjects, left_out);
    Ok(pool)
}

/// Takes everybody in a scope: key, stratum, district, and why left out or nothing.
fn each<S: BufRead, L: BufRead>(
    scope: Scope<S, L>,
    mut take: impl FnMut(&str, &str, &str, &str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut line = String::new();
    match scope {
        Scope::EarlierPool { mut subjects, out } => {
            let mut out = Sorted::of(out);
            while subjects.read_line(&mut line)? > 0 {
                // A salted line has a fourth column.
                let mut columns = line.trim_end_matches('\n').split('\t');
                let mut next = || columns.next().context("a line of the earlier pool is too short");
                let (key, stratum, district) = (next()?, next()?, next()?);
                let reason = match out.find(key.as_bytes())? {
                    Some(found) => reason_of(found)?,
                    None => String::new(),
                };
                take(key, stratum, district, &reason)?;
                line.clear();
            }
        }
        Scope::Drawn(mut drawn) => {
            while drawn.read_line(&mut line)? > 0 {
                let columns: Vec<&str> = line.trim_end_matches('\n').split('\t').collect();
                let &[key, stratum, district, reason] = columns.as_slice() else {
                    anyhow::bail!("a drawn subject has {} columns", columns.len());
                };
                take(key, stratum, district, reason)?;
                line.clear();
            }
        }
    }
    Ok(())
}

fn reason_of(line: &[u8]) -> anyhow::Result<String> {
    let line = std::str::from_utf8(line)?.trim_end_matches('\n');
    Ok(line.split('\t').nth(1).context("nobody is left out without a reason")?.to_owned())
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
