//! Files the law forbids to publish (art. 18, 44): every line of them carries fresh randomness of its own, so that the published
//! digest tells nobody what stands in them. The bundle leaves them out; the registered names that go with it, too.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, BufRead, Write},
};

use anyhow::Context;
use lottery::{
    frozen::{LEFT_OUT, Row, SUBJECTS, Table},
    reveal::STRATA,
    rules::Rules,
};
use rand::{TryRng, rngs::SysRng};

/// Bytes taken from the operating system at once.
const TAKEN_BYTES: usize = 16 << 10;
const SALT_BYTES: usize = 16;

/// Salts from the operating system's generator, each handed out once.
#[derive(Default)]
struct Salts {
    bytes: Vec<u8>,
    failed: Option<String>,
}

impl Salts {
    /// The next salt. When the operating system gives none, the table it is for is refused by [`table`].
    fn next(&mut self) -> [u8; SALT_BYTES] {
        let mut salt = [0; SALT_BYTES];
        if self.bytes.is_empty() {
            self.bytes = vec![0; TAKEN_BYTES];
            if let Err(error) = SysRng.try_fill_bytes(&mut self.bytes) {
                self.failed = Some(error.to_string());
            }
        }
        // Whole salts alone are ever taken from a multiple of them.
        let rest = self.bytes.len() - SALT_BYTES;
        salt.copy_from_slice(&self.bytes[rest..]);
        self.bytes.truncate(rest);
        salt
    }
}

/// Writes one table of a draw, salted where the law forbids to publish it.
///
/// # Errors
/// A row is refused, or the operating system gives no random numbers.
pub fn table<R: Row>(
    salted: bool,
    write: impl FnOnce(&mut Table<'_, R>) -> lottery::error::Result<()>,
) -> anyhow::Result<Vec<u8>> {
    Ok(table_and(salted, |table| Ok(write(table)?))?.0)
}

/// The same, handing on what `write` made besides.
///
/// # Errors
/// As [`table`], and those of `write`.
pub fn table_and<R: Row, T>(
    salted: bool,
    write: impl FnOnce(&mut Table<'_, R>) -> anyhow::Result<T>,
) -> anyhow::Result<(Vec<u8>, T)> {
    let mut salts = Salts::default();
    let written = {
        let mut fresh = || salts.next();
        let mut table = if salted { Table::withheld(&mut fresh) } else { Table::new() };
        let besides = write(&mut table)?;
        (table.finish()?, besides)
    };
    match salts.failed {
        None => Ok(written),
        Some(why) => Err(anyhow::anyhow!(why)).context("the operating system's random generator failed"),
    }
}

/// Whether a file of the evidence is kept out of the bundle: what is withheld, and with the register the strata.
pub fn is_absent(rules: &Rules, file: &str) -> bool {
    rules.is_withheld(if file == STRATA { SUBJECTS } else { file })
}

/// How many subjects were left out, by reason: `left_out.tsv`, salted or not.
pub fn left_out_counts(left_out: &[u8]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in left_out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let reason = line.split(|byte| *byte == b'\t').nth(1).unwrap_or_default();
        // Names are ASCII: nothing is lost.
        match std::str::from_utf8(reason).ok().and_then(|reason| counts.get_mut(reason)) {
            Some(count) => *count += 1,
            None => drop(counts.insert(String::from_utf8_lossy(reason).into_owned(), 1_u64)),
        }
    }
    counts
}

/// Whether all registered names may be published: neither the register nor the left out are withheld.
pub fn are_all_names_public(rules: &Rules) -> bool {
    !is_absent(rules, SUBJECTS) && !is_absent(rules, LEFT_OUT)
}

/// Writes the registered names that may be published, of all of them: those of the keys in files that are, and of the drawn.
/// Holds one name at a time.
///
/// # Errors
/// The names cannot be read or written.
pub fn public_names<'a>(
    rules: &Rules,
    mut names: impl BufRead,
    left_out: &[u8],
    drawn: impl Iterator<Item = &'a str>,
    mut public: impl Write,
) -> io::Result<()> {
    let (subjects_absent, left_out_absent) = (is_absent(rules, SUBJECTS), is_absent(rules, LEFT_OUT));
    let drawn: BTreeSet<&[u8]> = drawn.map(str::as_bytes).collect();
    // Both are sorted by bytes, and everybody in scope is in the pool or left out.
    let mut left = left_out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(key).peekable();
    let mut line = Vec::new();
    while names.read_until(b'\n', &mut line)? > 0 {
        let key = key(&line);
        while left.next_if(|one| *one < key).is_some() {}
        let absent = if left.peek() == Some(&key) { left_out_absent } else { subjects_absent };
        if !absent || drawn.contains(key) {
            public.write_all(&line)?;
        }
        line.clear();
    }
    Ok(())
}

fn key(line: &[u8]) -> &[u8] {
    line.split(|byte| *byte == b'\t').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use lottery::{
        frozen::LeftOut,
        rules::{Experts, PROTOCOL, Withheld},
    };

    use super::*;

    fn rules(files: &[&str]) -> Rules {
        Rules {
            beacon_waived: None,
            cover_district: false,
            entropy: Vec::new(),
            experts: Experts::default(),
            plan: "plans/2026-01".to_owned(),
            protocol: PROTOCOL.to_owned(),
            publish_after: None,
            quotas: BTreeMap::new(),
            teams: Vec::new(),
            withheld: (!files.is_empty())
                .then(|| Withheld { basis: "law".to_owned(), files: files.iter().map(ToString::to_string).collect() }),
        }
    }

    fn left_out(salted: bool) -> Vec<u8> {
        let rows = [("b", "NOT_IN_BUSINESS"), ("d", "VISITED_THIS_QUARTER"), ("e", "NOT_IN_BUSINESS")];
        let write = |table: &mut Table<'_, LeftOut<'_>>| {
            rows.iter().try_for_each(|(key, reason)| table.push(&LeftOut { key, reason }))
        };
        table(salted, write).unwrap()
    }

    #[test]
    fn every_line_of_a_withheld_file_has_a_salt_of_its_own() {
        // More lines than salts are taken at once.
        let keys: Vec<String> = (0..2_500).map(|n| format!("{n:05}")).collect();
        let write = |table: &mut Table<'_, LeftOut<'_>>| {
            keys.iter().try_for_each(|key| table.push(&LeftOut { key, reason: "NOT_IN_BUSINESS" }))
        };
        let text = String::from_utf8(table(true, write).unwrap()).unwrap();
        let salts: BTreeSet<&str> = text.lines().map(|line| line.rsplit('\t').next().unwrap()).collect();
        assert_eq!(salts.len(), keys.len(), "no salt twice");
        assert!(salts.iter().all(|salt| salt.len() == 32 && salt.bytes().all(|byte| byte.is_ascii_hexdigit())));
        assert_eq!(text.lines().count(), keys.len());
        assert_ne!(left_out(true), left_out(true));
        assert_eq!(left_out(false), left_out(false));
    }

    #[test]
    fn those_left_out_are_counted_by_reason_salted_or_not() {
        let counted = BTreeMap::from([("NOT_IN_BUSINESS".to_owned(), 2), ("VISITED_THIS_QUARTER".to_owned(), 1)]);
        assert_eq!(left_out_counts(&left_out(false)), counted);
        assert_eq!(left_out_counts(&left_out(true)), counted);
        assert_eq!(left_out_counts(b""), BTreeMap::new());
    }

    #[test]
    fn names_are_public_only_of_keys_that_published_files_name() {
        let names = b"a\tA\nb\tB\nc\tC\nd\tD\ne\tE\n";
        let public = |files: &[&str]| {
            let (rules, left_out) = (rules(files), left_out(files.contains(&LEFT_OUT)));
            let mut public = Vec::new();
            public_names(&rules, &names[..], &left_out, ["c"].into_iter(), &mut public).unwrap();
            let all = public == names;
            assert_eq!(are_all_names_public(&rules), all, "{files:?}");
            (!all).then(|| String::from_utf8(public).unwrap())
        };
        assert_eq!(public(&[]), None);
        assert_eq!(public(&["officers.tsv"]), None);
        assert_eq!(public(&[SUBJECTS]).unwrap(), "b\tB\nc\tC\nd\tD\ne\tE\n");
        assert_eq!(public(&[LEFT_OUT]).unwrap(), "a\tA\nc\tC\n");
        assert_eq!(public(&[LEFT_OUT, SUBJECTS]).unwrap(), "c\tC\n");
    }

    #[test]
    fn with_the_register_the_strata_are_absent() {
        assert!(is_absent(&rules(&[SUBJECTS]), STRATA) && is_absent(&rules(&[SUBJECTS]), SUBJECTS));
        assert!(!is_absent(&rules(&[LEFT_OUT]), STRATA) && !is_absent(&rules(&[]), SUBJECTS));
    }
}
