//! One line of a large sorted file, and its proof (art. 10), at the cost of reading about a thousand lines.
//!
//! A frozen file is read through once. Kept of it is, for every block of [`BLOCK_LINES`] lines, the first key, where it
//! begins, and the RFC 6962 tree hash over it; 10,000,000 lines make some ten thousand blocks, about a megabyte.

use std::io::{self, BufRead};

use crate::{
    hash::Digest,
    merkle::{self, Proof, Tree, path_in, root_of},
};

/// Lines of a block: a power of two, so that a block's hash is a node of the whole tree.
pub const BLOCK_LINES: u64 = 1024;

struct Block {
    key: Box<[u8]>,
    offset: u64,
    root: Digest,
}

/// What is kept of one file.
pub struct Index {
    blocks: Vec<Block>,
    lines: u64,
    bytes: u64,
}

/// A line that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The line without its LF.
    pub line: Vec<u8>,
    /// That it stands where it stands.
    pub proof: Proof,
}

impl Index {
    /// Reads a file through, whose lines are sorted by bytes and end with LF.
    ///
    /// # Errors
    /// It cannot be read, or its last line does not end.
    pub fn read(mut file: impl BufRead) -> io::Result<Self> {
        let mut index = Self { blocks: Vec::new(), lines: 0, bytes: 0 };
        let mut tree = Tree::new();
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = file.read_until(b'\n', &mut line)?;
            if (length == 0 || index.lines.is_multiple_of(BLOCK_LINES))
                && let Some(last) = index.blocks.last_mut()
            {
                last.root = tree.root();
                tree = Tree::new();
            }
            if length == 0 {
                return Ok(index);
            }
            if line.pop() != Some(b'\n') {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the last line does not end with LF"));
            }
            if index.lines.is_multiple_of(BLOCK_LINES) {
                let block = Block { key: key_of(&line).into(), offset: index.bytes, root: Digest([0; 32]) };
                index.blocks.push(block);
            }
            tree.push(&line);
            index.lines += 1;
            index.bytes += length as u64;
        }
    }

    /// Lines of the file.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The tree hash over all lines.
    #[must_use]
    pub fn root(&self) -> Digest {
        root_of(&self.roots())
    }

    /// The block in which this key's line must be: its number, where it begins, and its length in bytes.
    #[must_use]
    pub fn block_of(&self, key: &[u8]) -> Option<(usize, u64, u32)> {
        let at = self.blocks.partition_point(|block| &*block.key <= key).checked_sub(1)?;
        let begin = self.blocks[at].offset;
        let end = self.blocks.get(at + 1).map_or(self.bytes, |next| next.offset);
        Some((at, begin, u32::try_from(end - begin).ok()?))
    }

    /// The key's line in that block's bytes, with its proof.
    #[must_use]
    pub fn find(&self, at: usize, block: &[u8], key: &[u8]) -> Option<Found> {
        let lines = block.split(|&byte| byte == b'\n');
        let (within, line) = lines.enumerate().find(|(_, line)| !line.is_empty() && key_of(line) == key)?;
        let Proof { index, mut path, .. } = merkle::prove(block, within as u64)?;
        path_in(&self.roots(), at, &mut path);
        let index = at as u64 * BLOCK_LINES + index;
        Some(Found { line: line.to_vec(), proof: Proof { index, size: self.lines, path } })
    }

    fn roots(&self) -> Vec<Digest> {
        self.blocks.iter().map(|block| block.root).collect()
    }
}

/// The first column of a line.
fn key_of(line: &[u8]) -> &[u8] {
    line.split(|&byte| byte == b'\t').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(lines: usize) -> Vec<u8> {
        (0..lines).flat_map(|n| format!("key-{n:06}\tA\t41{}\n", n % 9).into_bytes()).collect()
    }

    fn find(file: &[u8], index: &Index, key: &str) -> Option<Found> {
        let (at, begin, length) = index.block_of(key.as_bytes())?;
        let block = &file[usize::try_from(begin).unwrap()..][..length as usize];
        index.find(at, block, key.as_bytes())
    }

    #[test]
    fn the_root_is_that_of_the_statement_for_every_shape_of_file() {
        for lines in [0, 1, 2, 1023, 1024, 1025, 2048, 2049, 3000, 4096, 5 * 1024 + 1] {
            let file = file(lines);
            let index = Index::read(file.as_slice()).unwrap();
            assert_eq!((index.root(), index.lines()), (merkle::root(&file), lines as u64), "{lines}");
        }
    }

    #[test]
    fn keys_that_are_not_there_are_not_found() {
        let file = file(3000);
        let index = Index::read(file.as_slice()).unwrap();
        for key in ["", "a", "key-", "key-000001x", "key-003000", "z"] {
            assert_eq!(find(&file, &index, key), None, "{key}");
        }
        assert_eq!(Index::read(&b""[..]).unwrap().block_of(b"a"), None);
        assert!(Index::read(&b"a\tA\td"[..]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn every_line_is_found_and_proved(lines in 1_usize..9_000, at in any::<prop::sample::Index>()) {
            let file = file(lines);
            let index = Index::read(file.as_slice()).unwrap();
            let at = at.index(lines);
            let found = find(&file, &index, &format!("key-{at:06}")).unwrap();
            prop_assert_eq!(found.proof.index, at as u64);
            prop_assert_eq!(found.proof.check(&merkle::root(&file), &found.line), Ok(()));
            prop_assert_eq!(Some(found.proof), merkle::prove(&file, at as u64));
        }
    }
}
