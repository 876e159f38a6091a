//! Reads an uploaded table on a blocking thread (art. 13, 24): good rows in batches, bad rows into the report, in memory that
//! does not grow with the file but for 20 bytes a row, by which a key that stands twice is found.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

use kit::{
    blob::{self, Blob},
    codes::DistrictCode,
    error::{Reason, Refusal, Result},
    sheet::{self, Column, Encoding, Entry, Format, Limits, Problem, Report, Sheet},
    uploads::Piece,
};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::{imports::PROBLEMS_MAX, rules};

/// Rows of one transaction.
pub const BATCH_ROWS: usize = 5_000;
/// Bytes of one file at the most.
pub const FILE_BYTES_MAX: u64 = 1 << 30;
/// A million problems of at most a few hundred bytes each stay below this.
const REPORT_BYTES_MAX: u64 = 2 << 30;

/// An upload on the disk.
#[derive(Debug)]
pub struct Spooled {
    /// The bytes; they vanish with it.
    pub file: File,
    /// Whether the upload broke off; the row it broke in is not in the file.
    pub broken: bool,
}

/// Writes an upload to an unnamed temporary file until it ends or breaks; of more than `bytes_max` bytes nothing is kept.
///
/// # Errors
/// `TOO_LARGE` beyond that; the disk fails.
pub fn spool(mut pieces: mpsc::Receiver<Piece>, bytes_max: u64) -> Result<Spooled> {
    let mut file = tempfile::tempfile()?;
    let mut size: u64 = 0;
    let mut broken = true;
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Bytes(bytes) => {
                size += bytes.len() as u64;
                if size > bytes_max {
                    return Err(Refusal::new(Reason::TooLarge).with("limit", told(bytes_max)));
                }
                file.write_all(&bytes)?;
            }
            Piece::End => broken = false,
        }
    }
    if broken {
        cut_last_line(&mut file, size)?;
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(Spooled { file, broken })
}

/// A number of bytes in the greatest unit that divides it.
fn told(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let fit = units.into_iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit));
    fit.map_or_else(|| format!("{bytes} B"), |(unit, name)| format!("{} {name}", bytes / unit))
}

/// Cuts what stands after the last line end: the row in which the upload broke, whose last cell may look whole.
/// In both encodings the byte 0x0A is only ever a line end; a workbook that is cut is refused whole wherever the cut is.
fn cut_last_line(file: &mut File, size: u64) -> io::Result<()> {
    let mut end = size;
    let mut block = vec![0; 64 << 10];
    while end > 0 {
        let length = end.min(block.len() as u64);
        let start = end - length;
        // At most the block's length, which is a usize.
        let part = &mut block[..length as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(part)?;
        if let Some(at) = part.iter().rposition(|byte| *byte == b'\n') {
            return file.set_len(start + at as u64 + 1);
        }
        end = start;
    }
    file.set_len(0)
}

/// How a table is to be read.
#[derive(Debug, Clone, Default)]
pub struct Manner {
    /// Encoding, when the uploader named it.
    pub encoding: Option<Encoding>,
    /// Which column holds which field, each `field=header`.
    pub columns: Vec<String>,
    /// District of rows without one.
    pub default_district: Option<DistrictCode>,
    /// Whether rows were streamed: then their lines are their numbers from 1.
    pub by_rows: bool,
}

/// A manner as it is kept with an import that waits.
#[derive(serde::Serialize, serde::Deserialize)]
struct KeptManner {
    encoding: String,
    columns: Vec<String>,
    default_district: String,
    by_rows: bool,
}

impl Manner {
    /// Columns in the order of [`rules::FIELDS`].
    ///
    /// # Errors
    /// `INVALID`.
    pub fn columns(&self) -> Result<Vec<Column>> {
        rules::columns(&self.columns, self.default_district.is_none())
    }

    /// As it is kept with an import that waits.
    ///
    /// # Errors
    /// None in practice: text, lists of text and a boolean are always JSON.
    pub fn keep(&self) -> Result<serde_json::Value> {
        let encoding = match self.encoding {
            None => "",
            Some(Encoding::Utf8) => "UTF-8",
            Some(Encoding::Gb18030) => "GB18030",
        };
        let district = self.default_district.as_ref().map(|code| code.as_str().to_owned());
        let kept = KeptManner {
            encoding: encoding.to_owned(),
            columns: self.columns.clone(),
            default_district: district.unwrap_or_default(),
            by_rows: self.by_rows,
        };
        serde_json::to_value(kept).map_err(Refusal::internal)
    }

    /// What [`Manner::keep`] kept.
    ///
    /// # Errors
    /// `INTERNAL` for anything else.
    pub fn kept(value: serde_json::Value) -> Result<Self> {
        let kept: KeptManner = serde_json::from_value(value).map_err(Refusal::internal)?;
        let encoding = match kept.encoding.as_str() {
            "UTF-8" => Some(Encoding::Utf8),
            "GB18030" => Some(Encoding::Gb18030),
            _ => None,
        };
        let default_district = DistrictCode::parse(&kept.default_district).ok();
        Ok(Self { encoding, columns: kept.columns, default_district, by_rows: kept.by_rows })
    }
}

/// What the reader has found.
#[derive(Debug)]
pub enum Step {
    /// The header was read; rows follow.
    Opened,
    /// The next rows.
    Rows(Rows),
    /// There are no more.
    End {
        /// Whether the file ended in the middle of a row, or has more rows than are read.
        truncated: bool,
        /// The report.
        report: blob::Stored,
    },
}

/// Some rows.
#[derive(Debug, Default)]
pub struct Rows {
    /// Good ones, with keys that are distinct in the whole file.
    pub given: Vec<rules::Given>,
    /// How many were returned.
    pub returned: i64,
    /// Problems, as long as they are among the first.
    pub problems: Vec<Problem>,
    /// What the file is, once known.
    pub format: Option<Format>,
}

impl Rows {
    fn len(&self) -> usize {
        self.given.len() + usize::try_from(self.returned).unwrap_or(usize::MAX)
    }
}

/// Reads a table to its end and hands over what it finds; stops early when nobody takes it any more.
///
/// # Errors
/// `FILE_UNREADABLE`; the report cannot be written.
pub fn read(file: File, manner: &Manner, blobs: &Blob, steps: &mpsc::Sender<Step>) -> Result<()> {
    let sheet = Sheet::open(
        io::BufReader::with_capacity(256 << 10, file),
        manner.encoding,
        &manner.columns()?,
        Limits::default(),
    );
    let mut sheet = sheet.map_err(unreadable)?;
    if steps.blocking_send(Step::Opened).is_err() {
        return Ok(());
    }
    let mut report = Report::new(blobs.writer(REPORT_BYTES_MAX).map_err(Refusal::internal)?)?;
    let mut first_lines: HashMap<[u8; 16], u32> = HashMap::new();
    let mut rows = Rows::default();
    let (mut told, mut truncated, mut number) = (0, false, 0);
    while let Some(entry) = sheet.next() {
        number += 1;
        let mut entry = entry.map_err(unreadable)?;
        if manner.by_rows {
            renumber(&mut entry, number);
        }
        let problems = match entry {
            Entry::Refused(problems) => problems,
            Entry::Row(row) => match rules::parse(&row, manner.default_district) {
                Err(problems) => problems,
                Ok(given) => {
                    let key = given.key.to_string();
                    // At most a million rows of 64 KiB, so a line fits 32 bits in any file below 1 GiB.
                    let line = u32::try_from(row.line).unwrap_or(u32::MAX);
                    let first = *first_lines.entry(short(&key)).or_insert(line);
                    if first == line {
                        rows.given.push(given);
                        Vec::new()
                    } else {
                        vec![rules::duplicate(row.line, row.get(0).trim(), u64::from(first))]
                    }
                }
            },
        };
        if !problems.is_empty() {
            rows.returned += 1;
            truncated |= problems.iter().any(|one| matches!(&*one.reason, "TRUNCATED" | "TOO_MANY_ROWS"));
            for problem in problems {
                report.add(&problem)?;
                if told < PROBLEMS_MAX {
                    told += 1;
                    rows.problems.push(problem);
                }
            }
        }
        if rows.len() >= BATCH_ROWS {
            rows.format = sheet.format();
            if steps.blocking_send(Step::Rows(std::mem::take(&mut rows))).is_err() {
                return Ok(());
            }
        }
    }
    rows.format = sheet.format();
    if rows.len() > 0 && steps.blocking_send(Step::Rows(rows)).is_err() {
        return Ok(());
    }
    let report = report.finish()?.finish().map_err(Refusal::internal)?;
    // When nobody takes it, the import has ended already.
    let _ = steps.blocking_send(Step::End { truncated, report });
    Ok(())
}

/// Rows that were streamed have no lines: they are counted.
fn renumber(entry: &mut Entry, number: u64) {
    match entry {
        Entry::Row(row) => row.line = number,
        Entry::Refused(problems) => problems.iter_mut().for_each(|problem| problem.line = number),
    }
}

/// Half a SHA-256: two keys of one file with the same one will not be seen.
fn short(key: &str) -> [u8; 16] {
    let digest = Sha256::digest(key.as_bytes());
    let mut short = [0; 16];
    short.copy_from_slice(&digest[..16]);
    short
}

fn unreadable(error: sheet::Error) -> Refusal {
    Refusal::new(Reason::FileUnreadable).with("problem", format!("{} / {error}", error.zh())).because(error)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn spooled(pieces: Vec<Piece>) -> (String, bool) {
        let (sender, receiver) = mpsc::channel(pieces.len() + 1);
        for piece in pieces {
            sender.try_send(piece).unwrap();
        }
        drop(sender);
        let mut spooled = spool(receiver, FILE_BYTES_MAX).unwrap();
        let mut text = String::new();
        spooled.file.read_to_string(&mut text).unwrap();
        (text, spooled.broken)
    }

    #[test]
    fn an_upload_of_more_than_the_limit_is_refused_and_one_of_just_so_many_is_taken() {
        let spooled = |sizes: &[usize]| {
            let (sender, receiver) = mpsc::channel(sizes.len() + 1);
            for size in sizes {
                sender.try_send(Piece::Bytes(Bytes::from(vec![b'x'; *size]))).unwrap();
            }
            sender.try_send(Piece::End).unwrap();
            drop(sender);
            spool(receiver, 4 << 10)
        };
        assert_eq!(spooled(&[4_000, 96]).unwrap().file.metadata().unwrap().len(), 4 << 10);
        let refusal = spooled(&[4_000, 97]).unwrap_err();
        assert_eq!(refusal.reason(), Reason::TooLarge);
        let told = |bytes| super::told(bytes);
        assert_eq!(
            [told(FILE_BYTES_MAX), told(4 << 10), told(3 << 20), told(4_097)],
            ["1 GiB", "4 KiB", "3 MiB", "4097 B"]
        );
    }

    #[test]
    fn a_broken_upload_keeps_its_whole_lines_only() {
        let piece = |text: &'static str| Piece::Bytes(Bytes::from_static(text.as_bytes()));
        assert_eq!(spooled(vec![piece("a,b\n1,"), piece("2"), Piece::End]), ("a,b\n1,2".into(), false));
        assert_eq!(spooled(vec![piece("a,b\n1,2\n3,"), piece("4")]), ("a,b\n1,2\n".into(), true));
        assert_eq!(spooled(vec![piece("a,b")]), (String::new(), true));
        assert_eq!(spooled(vec![]), (String::new(), true));
        let long = "x".repeat(100_000);
        let pieces = vec![piece("a\n"), Piece::Bytes(Bytes::from(long))];
        assert_eq!(spooled(pieces), ("a\n".into(), true));
    }
}
