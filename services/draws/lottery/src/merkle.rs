//! The RFC 6962 tree over the lines of `subjects.tsv`: an enterprise proves it was in the pool, and under which
//! quota, with about log2(n) hashes, even where the file is withheld (art. 10, 15).

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::{
    error::{Result, rule},
    hash::{BLOCK_TEXT_MAX, Digest, digest_of_blocks},
};

/// Lines a worker hashes into one subtree; a power of two.
const SUBTREE_LINES: usize = 4096;

fn leaf(line: &[u8]) -> Digest {
    if line.len() > BLOCK_TEXT_MAX - 1 {
        return Digest(Sha256::new().chain_update([0]).chain_update(line).finalize().into());
    }
    let mut block = [0; 64];
    block[1..=line.len()].copy_from_slice(line);
    digest_of_blocks([block], line.len() + 1)
}

fn node(left: &Digest, right: &Digest) -> Digest {
    let mut blocks = [[0; 64]; 2];
    blocks[0][0] = 1;
    blocks[0][1..33].copy_from_slice(&left.0);
    blocks[0][33..].copy_from_slice(&right.0[..31]);
    blocks[1][0] = right.0[31];
    digest_of_blocks(blocks, 65)
}

/// The tree hash of lines handed in one after the other; holds one digest per level.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// Roots of complete subtrees, the largest first, with their number of leaves.
    peaks: Vec<(u64, Digest)>,
}

impl Tree {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one line, without its LF.
    pub fn push(&mut self, line: &[u8]) {
        self.push_complete(1, leaf(line));
    }

    /// Adds the root of a complete subtree of `leaves` lines; so far the tree must hold a multiple of `leaves`.
    fn push_complete(&mut self, mut leaves: u64, mut root: Digest) {
        while let Some(&(size, left)) = self.peaks.last().filter(|(size, _)| *size == leaves) {
            self.peaks.pop();
            root = node(&left, &root);
            leaves += size;
        }
        self.peaks.push((leaves, root));
    }

    /// Number of lines so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.peaks.iter().map(|(size, _)| size).sum()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.peaks.is_empty()
    }

    /// The tree hash; of no lines, the digest of nothing.
    #[must_use]
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev().map(|(_, root)| *root);
        let Some(last) = peaks.next() else { return Digest::of(b"") };
        peaks.fold(last, |right, left| node(&left, &right))
    }
}

/// The tree hash over the lines of a file that ends with LF (or is empty), on all cores.
#[must_use]
pub fn root(file: &[u8]) -> Digest {
    let mut tree = Tree::new();
    for (leaves, root) in subtrees(file) {
        tree.push_complete(leaves, root);
    }
    tree.root()
}

/// Roots of the subtrees of 4,096 lines in order, and the complete subtrees of what is left over.
fn subtrees(file: &[u8]) -> Vec<(u64, Digest)> {
    let chunks: Vec<Vec<(u64, Digest)>> = chunks_of_lines(file, SUBTREE_LINES)
        .into_par_iter()
        .map(|chunk| {
            let mut tree = Tree::new();
            for line in lines_of(chunk) {
                tree.push(line);
            }
            tree.peaks
        })
        .collect();
    chunks.into_iter().flatten().collect()
}

/// The lines of a file without their LF.
pub(crate) fn lines_of(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    file.strip_suffix(b"\n").map(|body| body.split(|&byte| byte == b'\n')).into_iter().flatten()
}

/// Cuts a file after every `lines` lines. Pages are counted first, which is fast, and only those with a cut are searched.
fn chunks_of_lines(file: &[u8], lines: usize) -> Vec<&[u8]> {
    const PAGE: usize = 4096;
    let mut chunks = Vec::new();
    let (mut start, mut seen) = (0, 0);
    for (page_number, page) in file.chunks(PAGE).enumerate() {
        let ends = page.iter().map(|&byte| usize::from(byte == b'\n')).sum::<usize>();
        if seen + ends >= lines {
            for (at, _) in page.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
                seen += 1;
                if seen == lines {
                    let end = page_number * PAGE + at + 1;
                    chunks.push(&file[start..end]);
                    (start, seen) = (end, 0);
                }
            }
        } else {
            seen += ends;
        }
    }
    if start < file.len() {
        chunks.push(&file[start..]);
    }
    chunks
}

/// Proof that a line stands at `index` (from 0) of a file of `size` lines: RFC 6962, section 2.1.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub index: u64,
    pub size: u64,
    /// From the leaf's sibling up to the root's.
    pub path: Vec<Digest>,
}

/// Proves the line at `index` (from 0). One pass over the file; none if there is no such line.
#[must_use]
pub fn prove(file: &[u8], index: u64) -> Option<Proof> {
    let chunks = chunks_of_lines(file, SUBTREE_LINES);
    let own = usize::try_from(index).ok()? / SUBTREE_LINES;
    let leaves: Vec<Digest> = lines_of(chunks.get(own)?).map(leaf).collect();
    let within = usize::try_from(index).ok()? % SUBTREE_LINES;
    if within >= leaves.len() {
        return None;
    }
    let mut path = Vec::new();
    path_in(&leaves, within, &mut path);
    // Above the chunks every subtree is one leaf of a smaller tree of the same shape.
    let roots: Vec<Digest> = chunks.par_iter().map(|chunk| tree_of(chunk)).collect();
    path_in(&roots, own, &mut path);
    let size = (chunks.len() as u64 - 1) * SUBTREE_LINES as u64 + lines_of(chunks.last()?).count() as u64;
    Some(Proof { index, size, path })
}

fn tree_of(chunk: &[u8]) -> Digest {
    let mut tree = Tree::new();
    for line in lines_of(chunk) {
        tree.push(line);
    }
    tree.root()
}

/// The tree hash over nodes of one size; the last may be smaller.
pub(crate) fn root_of(nodes: &[Digest]) -> Digest {
    match nodes {
        [] => Digest::of(b""),
        [only] => *only,
        _ => {
            let (left, right) = nodes.split_at(largest_power_below(nodes.len()));
            node(&root_of(left), &root_of(right))
        }
    }
}

/// RFC 6962, section 2.1.1, over the same: the siblings of a node from the bottom up.
pub(crate) fn path_in(nodes: &[Digest], index: usize, path: &mut Vec<Digest>) {
    if nodes.len() < 2 {
        return;
    }
    let (left, right) = nodes.split_at(largest_power_below(nodes.len()));
    if index < left.len() {
        path_in(left, index, path);
        path.push(root_of(right));
    } else {
        path_in(right, index - left.len(), path);
        path.push(root_of(left));
    }
}

/// Largest power of two smaller than `n`, which is at least 2.
fn largest_power_below(n: usize) -> usize {
    n.next_power_of_two() / 2
}

impl Proof {
    /// Checks that `line` (without its LF) stands in the tree of that root.
    pub fn check(&self, root: &Digest, line: &[u8]) -> Result<()> {
        if self.index >= self.size {
            return rule(format!("line {} of {} lines cannot be proved", self.index, self.size));
        }
        // RFC 9162, section 2.1.3.2, which states the check RFC 6962 leaves to the reader.
        let (mut index, mut last) = (self.index, self.size - 1);
        let mut hash = leaf(line);
        for step in &self.path {
            if last == 0 {
                return rule("the proof has too many hashes");
            }
            if index & 1 == 1 || index == last {
                hash = node(step, &hash);
                while index & 1 == 0 && index != 0 {
                    index >>= 1;
                    last >>= 1;
                }
            } else {
                hash = node(&hash, step);
            }
            index >>= 1;
            last >>= 1;
        }
        if last != 0 {
            return rule("the proof has too few hashes");
        }
        if hash != *root {
            return rule(format!("the proof leads to {hash}, not to the root {root}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(lines: usize) -> Vec<u8> {
        (0..lines).flat_map(|n| format!("line-{n}\tD\tD\n").into_bytes()).collect()
    }

    /// The definition of RFC 6962, word by word.
    fn by_definition(lines: &[&[u8]]) -> Digest {
        match lines {
            [] => Digest::of(b""),
            [line] => leaf(line),
            _ => {
                let mut k = 1;
                while k * 2 < lines.len() {
                    k *= 2;
                }
                node(&by_definition(&lines[..k]), &by_definition(&lines[k..]))
            }
        }
    }

    #[test]
    fn a_leaf_and_a_node_are_the_plain_hashes_for_every_length_of_line() {
        for len in 0..200 {
            let line: Vec<u8> = (0..len).collect();
            let (plain, left) = (Digest::of(&[&[0], line.as_slice()].concat()), Digest::of(&line));
            assert_eq!(leaf(&line), plain, "{len}");
            assert_eq!(node(&left, &plain), Digest::of(&[&[1], left.0.as_slice(), &plain.0].concat()), "{len}");
        }
    }

    /// Test vectors of Certificate Transparency's reference implementation (leaves of increasing size).
    #[test]
    fn the_root_is_that_of_the_reference_implementation() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let mut tree = Tree::new();
        assert_eq!(tree.root().to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for line in leaves {
            tree.push(line);
        }
        assert_eq!(tree.root().to_string(), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    #[test]
    fn all_cores_and_one_find_the_same_root() {
        for lines in (0..70).chain([4095, 4096, 4097, 8192, 10_000, 12_289]) {
            let file = file(lines);
            let split: Vec<&[u8]> = lines_of(&file).collect();
            assert_eq!(split.len(), lines);
            assert_eq!(root(&file), by_definition(&split), "{lines}");
            assert_eq!(
                split
                    .iter()
                    .fold(Tree::new(), |mut tree, line| {
                        tree.push(line);
                        tree
                    })
                    .root(),
                by_definition(&split)
            );
        }
    }

    #[test]
    fn every_line_of_small_files_is_proved_and_no_other() {
        for lines in 1..40 {
            let file = file(lines);
            let root = root(&file);
            for (index, line) in lines_of(&file).enumerate() {
                let proof = prove(&file, index as u64).unwrap();
                assert_eq!(proof.check(&root, line), Ok(()), "{index} of {lines}");
                assert!(proof.check(&root, b"line-x\tD\tD").is_err());
                if lines > 1 {
                    let elsewhere = Proof { index: (proof.index + 1) % proof.size, ..proof.clone() };
                    assert!(elsewhere.check(&root, line).is_err(), "{index} of {lines}");
                    let mut shorter = proof.clone();
                    shorter.path.pop();
                    assert!(shorter.check(&root, line).is_err());
                }
                let mut longer = proof.clone();
                longer.path.push(root);
                assert!(longer.check(&root, line).is_err());
            }
            assert_eq!(prove(&file, lines as u64), None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn a_line_of_a_large_file_is_proved(lines in 4_000_usize..20_000, at in any::<prop::sample::Index>()) {
            let file = file(lines);
            let index = at.index(lines);
            let proof = prove(&file, index as u64).unwrap();
            prop_assert_eq!(proof.size, lines as u64);
            prop_assert_eq!(proof.check(&root(&file), lines_of(&file).nth(index).unwrap()), Ok(()));
        }
    }
}
