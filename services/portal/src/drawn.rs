//! Who was drawn and who goes (art. 10, 15), read from the blobs a reveal names. Only what was drawn is held in memory; the
//! pool's files go by as streams, however large.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read},
};

use anyhow::{Context, ensure};

/// One drawn subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Key.
    pub key: String,
    /// Registered name; empty where `names.tsv` does not know it.
    pub title: String,
    /// Stratum; empty where the register is withheld.
    pub stratum: String,
    /// District; empty where the register is withheld.
    pub district: String,
    /// Ticket, 64 hex digits.
    pub ticket: String,
    /// Certificate numbers in the order taken, comma-separated; empty: no team.
    pub officers: String,
    /// Experts, comma-separated.
    pub experts: String,
}

/// Reads `result.tsv` and adds to each row what `names.tsv` and `subjects.tsv` say of it.
///
/// # Errors
/// A file cannot be read or is not what the protocol says.
pub fn read(result: &[u8], names: Option<impl Read>, subjects: Option<impl Read>) -> anyhow::Result<Vec<Row>> {
    let text = std::str::from_utf8(result).context("result.tsv is not UTF-8")?;
    let mut rows = Vec::new();
    for line in text.lines() {
        let mut columns = line.split('\t').map(ToOwned::to_owned);
        let mut next =
            || columns.next().with_context(|| format!("result.tsv, line {}: columns are missing", rows.len() + 1));
        let row = Row { key: next()?, ticket: next()?, officers: next()?, experts: next()?, ..Row::default() };
        rows.push(row);
    }
    let places: HashMap<Vec<u8>, usize> =
        rows.iter().enumerate().map(|(at, row)| (row.key.clone().into_bytes(), at)).collect();
    ensure!(places.len() == rows.len(), "result.tsv names a subject twice");
    if let Some(names) = names {
        for_lines(names, |key, rest| {
            if let Some(&at) = places.get(key) {
                rows[at].title = String::from_utf8_lossy(rest).into_owned();
            }
        })
        .context("names.tsv")?;
    }
    if let Some(subjects) = subjects {
        for_lines(subjects, |key, rest| {
            if let Some(&at) = places.get(key) {
                let rest = String::from_utf8_lossy(rest);
                let mut columns = rest.split('\t');
                rows[at].stratum = columns.next().unwrap_or_default().to_owned();
                rows[at].district = columns.next().unwrap_or_default().to_owned();
            }
        })
        .context("subjects.tsv")?;
    }
    Ok(rows)
}

/// Hands out each line as its first column and the rest.
fn for_lines(file: impl Read, mut take: impl FnMut(&[u8], &[u8])) -> std::io::Result<()> {
    let mut file = BufReader::with_capacity(1 << 20, file);
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line)? > 0 {
        if line.ends_with(b"\n") {
            line.pop();
        }
        if let Some(tab) = line.iter().position(|&byte| byte == b'\t') {
            take(&line[..tab], &line[tab + 1..]);
        }
        line.clear();
    }
    Ok(())
}

/// The one subject of this registered name, if any bears it; at most a few keys if several do. Brackets of both widths are
/// the same, white space does not count.
///
/// # Errors
/// The file cannot be read.
pub fn named(names: impl Read, title: &str, keys_max: usize) -> std::io::Result<Vec<String>> {
    let mut found = Vec::new();
    for_lines(names, |key, rest| {
        if found.len() < keys_max
            && let Ok(rest) = std::str::from_utf8(rest)
            && plain(rest).eq(plain(title))
        {
            found.push(String::from_utf8_lossy(key).into_owned());
        }
    })?;
    Ok(found)
}

/// The characters of a registered name that tell it from another one.
fn plain(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| !c.is_whitespace()).map(|c| match c {
        '（' => '(',
        '）' => ')',
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULT: &[u8] = b"k2\tt2\to1,o2\t\nk1\tt1\t\te1\n";

    #[test]
    fn rows_stand_in_the_order_of_the_result_with_names_and_districts() {
        let names = "k0\t某甲\nk1\t汴京酒楼\nk2\t某乙\n".as_bytes();
        let subjects = &b"k0\tA\td0\nk1\tA\td1\nk2\tB\td2\n"[..];
        let rows = read(RESULT, Some(names), Some(subjects)).unwrap();
        let seen: Vec<_> =
            rows.iter().map(|r| [&r.key, &r.title, &r.stratum, &r.district, &r.officers, &r.experts]).collect();
        assert_eq!(seen, [["k2", "某乙", "B", "d2", "o1,o2", ""], ["k1", "汴京酒楼", "A", "d1", "", "e1"]]);
        let bare = read(RESULT, None::<&[u8]>, None::<&[u8]>).unwrap();
        assert_eq!((bare[0].title.as_str(), bare[0].stratum.as_str()), ("", ""));
    }

    #[test]
    fn a_broken_result_is_not_taken() {
        for broken in [&b"k1\tt1\t\n"[..], b"k1\tt\t\t\nk1\tu\t\t\n", b"\xff\tt\t\t\n"] {
            assert!(read(broken, None::<&[u8]>, None::<&[u8]>).is_err());
        }
        assert_eq!(read(b"", None::<&[u8]>, None::<&[u8]>).unwrap(), []);
    }

    #[test]
    fn a_name_is_found_whatever_brackets_the_reader_types() {
        let names = "k1\t汴京（开封）酒楼\nk2\t某甲\nk3\t某甲\n";
        assert_eq!(named(names.as_bytes(), " 汴京(开封) 酒楼", 3).unwrap(), ["k1"]);
        assert_eq!(named(names.as_bytes(), "某甲", 3).unwrap(), ["k2", "k3"]);
        assert_eq!(named(names.as_bytes(), "某", 3).unwrap(), Vec::<String>::new());
    }
}
