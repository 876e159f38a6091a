//! Sorting more lines than memory should hold (art. 11). A register is read as it lies, since reading it in the order of keys
//! costs several times as much; it is sorted a part at a time, what is more than memory should hold is laid aside in an unnamed
//! file, and the parts are merged range by range, on as many cores as ask for ranges.

use std::{
    borrow::Cow,
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, binary_heap::PeekMut},
    fs::File,
    io,
    os::unix::fs::FileExt,
};

use rayon::prelude::*;

/// Bytes sorted at once.
const RUN_BYTES: usize = 32 << 20;
/// Bytes of sorted parts held in memory; what comes after them is laid aside.
const HELD_BYTES: usize = 256 << 20;
/// Bytes from one place where a sorted part may be entered to the next.
const MARK_BYTES: usize = 64 << 10;

/// Takes lines in any order. Lines are distinct and end with LF.
#[derive(Debug)]
pub struct Sorter {
    run_bytes: usize,
    held_bytes: usize,
    /// Not yet sorted.
    lines: Vec<u8>,
    runs: Vec<Run>,
    file: Option<File>,
    /// Bytes in the file.
    aside: u64,
}

/// A sorted part.
#[derive(Debug)]
struct Run {
    place: Place,
    marks: Vec<Mark>,
    bytes: u64,
}

#[derive(Debug)]
enum Place {
    Memory(Vec<u8>),
    /// From this byte of the file on.
    File(u64),
}

/// A place where a part may be entered.
#[derive(Debug)]
struct Mark {
    /// The line that begins there.
    line: Box<[u8]>,
    /// Bytes from the beginning of the part.
    at: u64,
}

impl Default for Sorter {
    fn default() -> Self {
        Self::of(RUN_BYTES, HELD_BYTES)
    }
}

impl Sorter {
    fn of(run_bytes: usize, held_bytes: usize) -> Self {
        Self { run_bytes, held_bytes, lines: Vec::new(), runs: Vec::new(), file: None, aside: 0 }
    }

    /// Adds whole lines.
    ///
    /// # Errors
    /// The disk fails.
    pub fn add(&mut self, lines: &[u8]) -> io::Result<()> {
        if !self.lines.is_empty() && self.lines.len() + lines.len() > self.run_bytes {
            self.end_run()?;
        }
        self.lines.extend_from_slice(lines);
        Ok(())
    }

    /// Sorts what there is.
    fn end_run(&mut self) -> io::Result<()> {
        let sorted = sort_lines(&self.lines);
        self.lines.clear();
        let mut marks: Vec<Mark> = Vec::with_capacity(sorted.len() / MARK_BYTES + 1);
        let mut at = 0;
        for line in lines_of(&sorted) {
            if marks.last().is_none_or(|mark| at - mark.at >= MARK_BYTES as u64) {
                marks.push(Mark { line: line.into(), at });
            }
            at += line.len() as u64;
        }
        let place = if self.held_bytes >= sorted.len() {
            self.held_bytes -= sorted.len();
            Place::Memory(sorted)
        } else {
            self.lay_aside(&sorted)?
        };
        self.runs.push(Run { place, marks, bytes: at });
        Ok(())
    }

    fn lay_aside(&mut self, sorted: &[u8]) -> io::Result<Place> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        let from = self.aside;
        file.write_all_at(sorted, from)?;
        self.aside += sorted.len() as u64;
        Ok(Place::File(from))
    }

    /// Ends the taking of lines.
    ///
    /// # Errors
    /// The disk fails.
    pub fn finish(mut self) -> io::Result<Sorted> {
        self.end_run()?;
        Ok(Sorted { runs: self.runs, file: self.file })
    }
}

/// All lines, in parts that are sorted.
#[derive(Debug)]
pub struct Sorted {
    runs: Vec<Run>,
    file: Option<File>,
}

/// The lines from one on and before another.
#[derive(Debug, Clone, Copy)]
pub struct Range<'s> {
    /// Empty for the first.
    from: &'s [u8],
    /// None for all that follow.
    to: Option<&'s [u8]>,
}

impl Sorted {
    /// Cuts all lines into ranges of about so many bytes each, in order.
    #[must_use]
    pub fn ranges(&self, bytes_each: u64) -> Vec<Range<'_>> {
        let mut marks: Vec<&[u8]> = self.runs.iter().flat_map(|run| run.marks.iter().map(|mark| &*mark.line)).collect();
        marks.par_sort_unstable();
        let every = usize::try_from(bytes_each / MARK_BYTES as u64).unwrap_or(usize::MAX).max(1);
        let cuts: Vec<&[u8]> = marks.into_iter().step_by(every).skip(1).collect();
        let from = std::iter::once(&b""[..]).chain(cuts.iter().copied());
        from.zip(cuts.iter().copied().map(Some).chain([None])).map(|(from, to)| Range { from, to }).collect()
    }

    /// The lines of a range with their LF, in the order of bytes.
    ///
    /// # Errors
    /// The disk fails, or `take` refuses a line.
    pub fn each<E: From<io::Error>>(
        &self,
        range: Range<'_>,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let parts = self.runs.iter().map(|run| self.part(run, range)).collect::<io::Result<Vec<_>>>()?;
        let mut heads: BinaryHeap<Reverse<Head>> = BinaryHeap::with_capacity(parts.len());
        heads.extend(parts.iter().filter_map(|part| Head::of(part.lines())).map(Reverse));
        while let Some(mut least) = heads.peek_mut() {
            take(least.0.line)?;
            match Head::of(least.0.rest) {
                Some(next) => least.0 = next,
                None => drop(PeekMut::pop(least)),
            }
        }
        Ok(())
    }

    /// What a run holds of a range.
    fn part<'s>(&self, run: &'s Run, range: Range<'_>) -> io::Result<Part<'s>> {
        let first = run.marks.partition_point(|mark| *mark.line <= *range.from);
        let from = first.checked_sub(1).map_or(0, |before| run.marks[before].at);
        let past = range.to.map_or(run.marks.len(), |to| run.marks.partition_point(|mark| *mark.line < *to));
        let to = run.marks.get(past).map_or(run.bytes, |mark| mark.at);
        let bytes = self.bytes(run, from, to)?;
        // Only between two marks lines must be looked at, to find where the range begins and where it ends.
        let before = |end: Option<&[u8]>, start: usize| {
            let found = lines_of(&bytes[start..]).take_while(|line| end.is_some_and(|end| *line < end));
            start + found.map(<[u8]>::len).sum::<usize>()
        };
        let begin = before(Some(range.from), 0);
        let end = match (range.to, past.checked_sub(1).map(|last| run.marks[last].at.saturating_sub(from))) {
            (None, _) => bytes.len(),
            // What was cut out is no longer than memory.
            (to, last) => before(to, last.unwrap_or_default() as usize),
        };
        Ok(Part { begin: begin.min(end), end, bytes })
    }

    fn bytes<'s>(&self, run: &'s Run, from: u64, to: u64) -> io::Result<Cow<'s, [u8]>> {
        match (&run.place, &self.file) {
            // What is in memory has a place there.
            (Place::Memory(bytes), _) => Ok(Cow::Borrowed(&bytes[from as usize..to as usize])),
            (Place::File(start), Some(file)) => {
                let mut bytes = vec![0; usize::try_from(to - from).map_err(io::Error::other)?];
                file.read_exact_at(&mut bytes, start + from)?;
                Ok(Cow::Owned(bytes))
            }
            (Place::File(_), None) => Err(io::Error::other("what was laid aside is gone")),
        }
    }
}

/// What a run holds of a range, from one byte to another.
struct Part<'s> {
    bytes: Cow<'s, [u8]>,
    begin: usize,
    end: usize,
}

impl Part<'_> {
    fn lines(&self) -> &[u8] {
        &self.bytes[self.begin..self.end]
    }
}

/// The next line of one part.
struct Head<'p> {
    prefix: u128,
    line: &'p [u8],
    rest: &'p [u8],
}

impl<'p> Head<'p> {
    fn of(mut rest: &'p [u8]) -> Option<Self> {
        let line = take_line(&mut rest)?;
        Some(Self { prefix: prefix(line), line, rest })
    }
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.prefix.cmp(&other.prefix).then_with(|| self.line.cmp(other.line))
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head<'_> {}

/// The first sixteen bytes as a number, by which most lines are told apart without looking further.
#[inline]
fn prefix(line: &[u8]) -> u128 {
    line.first_chunk().map_or_else(
        || line.iter().chain(&[0; 16]).take(16).fold(0, |number, &byte| number << 8 | u128::from(byte)),
        |first| u128::from_be_bytes(*first),
    )
}

/// Takes the first line with its LF; what has none is a line as well.
#[inline]
fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
    let (line, after) = rest.split_at(end);
    *rest = after;
    Some(line)
}

fn lines_of(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || take_line(&mut bytes))
}

fn sort_lines(bytes: &[u8]) -> Vec<u8> {
    let mut lines: Vec<(u128, &[u8])> = lines_of(bytes).map(|line| (prefix(line), line)).collect();
    lines.par_sort_unstable();
    let mut sorted = Vec::with_capacity(bytes.len());
    for (_, line) in lines {
        sorted.extend_from_slice(line);
    }
    sorted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(run_bytes: usize, held_bytes: usize, lines: &[String]) -> Sorted {
        let mut sorter = Sorter::of(run_bytes, held_bytes);
        for line in lines {
            sorter.add(line.as_bytes()).unwrap();
        }
        sorter.finish().unwrap()
    }

    fn all(sorted: &Sorted, bytes_each: u64) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        for range in sorted.ranges(bytes_each) {
            let take = |line: &[u8]| {
                lines.push(line.to_vec());
                Ok::<_, io::Error>(())
            };
            sorted.each(range, take).unwrap();
        }
        lines
    }

    #[test]
    fn nothing_comes_to_nothing() {
        let none = sorted(100, 0, &[]);
        assert_eq!(all(&none, 1), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn more_than_one_place_to_enter_is_used() {
        // Two and a half megabytes, backwards, in parts of half a megabyte and ranges of a tenth.
        let lines: Vec<String> = (0..100_000).rev().map(|n| format!("91410202MA{n:07}\t410202\n")).collect();
        let parts = sorted(500_000, 1_000_000, &lines);
        assert!(matches!(parts.runs[0].place, Place::Memory(_)) && matches!(parts.runs[3].place, Place::File(_)));
        assert!(parts.runs.len() > 4 && parts.ranges(100_000).len() > 20, "{:?}", parts.ranges(100_000).len());
        let expected: Vec<&[u8]> = lines.iter().rev().map(|line| line.as_bytes()).collect();
        assert!(all(&parts, 100_000) == expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn lines_come_out_in_the_order_of_bytes(
            keys in prop::collection::btree_set("[0-9A-Za-z:/._-]{1,24}", 0..200).prop_map(Vec::from_iter).prop_shuffle(),
            run_bytes in 1_usize..3_000,
            held_bytes in 0_usize..3_000,
        ) {
            let lines: Vec<String> = keys.iter().map(|key| format!("{key}\t某\n")).collect();
            let mut expected: Vec<Vec<u8>> = lines.iter().map(|line| line.clone().into_bytes()).collect();
            expected.sort_unstable();
            prop_assert_eq!(all(&sorted(run_bytes, held_bytes, &lines), 1), expected);
        }
    }
}
