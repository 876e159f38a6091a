//! Parses an uploaded list on a thread of its own (art. 7, 24): rows come out in batches, bad ones with their problems, while
//! the bytes are still coming in.

use std::{
    collections::HashMap,
    io::{self, Read},
};

use bytes::{Buf, Bytes};
use kit::{
    error::{Reason, Refusal, Result},
    sheet::{Column, Encoding, Entry, Error, Format, Limits, Problem, Row, Sheet},
    uploads::Piece,
};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use crate::rules::{Content, FIELDS, Fault, GRADE, TITLE};

/// Rows of one transaction.
const BATCH_ROWS: usize = 200;
/// Rows of one file at the most: several times the items of a whole city.
const LIMITS: Limits = Limits { rows_max: 100_000, row_bytes_max: 64 << 10 };

/// How a file is to be read.
#[derive(Debug, Clone, Default)]
pub struct Manner {
    /// Encoding, when the uploader named it.
    pub encoding: Option<Encoding>,
    /// Header of each field of [`FIELDS`] that the uploader named; when empty, the usual headers are recognised.
    pub headers: HashMap<&'static str, String>,
}

impl Manner {
    /// Understands what an upload says of itself.
    ///
    /// # Errors
    /// `INVALID` for an unknown encoding or field, or a field named twice.
    pub fn parse(encoding: &str, columns: &[String]) -> Result<Self> {
        let encoding = match encoding.trim().to_ascii_uppercase().as_str() {
            "" => None,
            "UTF-8" | "UTF8" => Some(Encoding::Utf8),
            "GB18030" | "GBK" | "GB2312" => Some(Encoding::Gb18030),
            _ => return Err(Refusal::invalid("encoding", "UTF-8, GB18030")),
        };
        let mut headers = HashMap::new();
        for column in columns {
            let named = column.split_once('=').map(|(field, header)| (field.trim(), header.trim()));
            let field = named.and_then(|(name, _)| FIELDS.iter().find(|field| field.name == name));
            let (Some(field), Some((_, header))) = (field, named) else {
                let known: Vec<_> = FIELDS.iter().map(|field| field.name).collect();
                let problem = format!("“{column}”应为“字段=表头” / field=header; {}", known.join(", "));
                return Err(Refusal::invalid("columns", problem));
            };
            if header.is_empty() || headers.insert(field.name, header.to_owned()).is_some() {
                let problem = format!("“{}”重复或没有表头 / twice or without a header", field.name);
                return Err(Refusal::invalid("columns", problem));
            }
        }
        if !headers.is_empty() && !headers.contains_key(FIELDS[TITLE].name) {
            return Err(Refusal::invalid("columns", "缺少 title / title is needed"));
        }
        Ok(Self { encoding, headers })
    }

    /// Columns in the order of [`FIELDS`], chosen by the header found.
    fn columns(&self, header: &[&str]) -> Vec<Column> {
        let column = |(place, field): (usize, &crate::rules::Field)| {
            let usual = || field.headers.iter().find(|usual| header.contains(usual)).copied();
            let (name, there) = match self.headers.get(field.name) {
                Some(named) => (named.as_str(), true),
                None if self.headers.is_empty() => (usual().unwrap_or(field.headers[0]), usual().is_some()),
                // Named columns are all that is read; a header no file has stands for the others.
                None => ("\u{0}", false),
            };
            let column = Column::new(field.name, name);
            match place {
                TITLE => column.required(),
                _ if there => column,
                _ => column.optional(),
            }
        };
        FIELDS.iter().enumerate().map(column).collect()
    }
}

/// What the reader has found.
#[derive(Debug)]
pub enum Step {
    /// The header was read; rows follow.
    Opened,
    /// The next rows.
    Rows(Batch),
    /// There are no more.
    End {
        /// Whether the whole file was read.
        whole: bool,
        /// Encoding found, or `XLSX`.
        encoding: &'static str,
    },
}

/// Some rows.
#[derive(Debug, Default)]
pub struct Batch {
    /// Good ones, each with its line; no two of a file are the same item.
    pub rows: Vec<(u64, Content)>,
    /// How many were returned.
    pub returned: i64,
    /// Why.
    pub problems: Vec<Problem>,
}

/// Reads a table to its end and hands over what it finds; stops early when nobody takes it any more.
///
/// # Errors
/// `FILE_UNREADABLE` before the first row.
pub fn read(upload: Upload, manner: &Manner, steps: &mpsc::Sender<Step>) -> Result<()> {
    let sheet = Sheet::open_with(upload, manner.encoding, |header| Ok(manner.columns(header)), LIMITS);
    let mut sheet = sheet.map_err(unreadable)?;
    if steps.blocking_send(Step::Opened).is_err() {
        return Ok(());
    }
    let mut seen = HashMap::new();
    let mut batch = Batch::default();
    let mut whole = true;
    for entry in &mut sheet {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                // What arrived before is good: an upload that broke is repeated without doubles.
                tracing::info!(%error, "an upload ended early");
                whole = false;
                break;
            }
        };
        let problems = match entry {
            Entry::Row(row) => match parse(&row, &mut seen) {
                Ok(content) => {
                    batch.rows.push((row.line, content));
                    Vec::new()
                }
                Err(problems) => problems,
            },
            Entry::Refused(problems) => problems,
        };
        if !problems.is_empty() {
            whole &= problems.iter().all(|problem| !matches!(problem.reason.as_ref(), "TOO_MANY_ROWS" | "TRUNCATED"));
            batch.returned += 1;
            batch.problems.extend(problems);
        }
        if batch.rows.len() + batch.problems.len() >= BATCH_ROWS
            && steps.blocking_send(Step::Rows(std::mem::take(&mut batch))).is_err()
        {
            return Ok(());
        }
    }
    // Nothing but ASCII reads the same in both encodings.
    let encoding = sheet.format().unwrap_or(Format::Csv(Encoding::Utf8)).as_str();
    // Whoever took the steps may be gone: then there is nobody to tell.
    let _ = steps.blocking_send(Step::Rows(batch)).and_then(|()| steps.blocking_send(Step::End { whole, encoding }));
    Ok(())
}

fn unreadable(error: Error) -> Refusal {
    Refusal::new(Reason::FileUnreadable).with("problem", format!("{} / {error}", error.zh()))
}

/// A row as an item, unless something is wrong with it or an earlier line is the same item.
fn parse(row: &Row, seen: &mut HashMap<[u8; 16], u64>) -> Result<Content, Vec<Problem>> {
    let problem = |fault: Fault| Problem::new(row.line, fault.field, &fault.value, fault.reason, fault.zh, fault.en);
    debug_assert!(row.values.len() > GRADE);
    let content = Content::from_row(&row.values).map_err(|fault| vec![problem(fault)])?;
    let faults = content.faults();
    if !faults.is_empty() {
        return Err(faults.into_iter().map(problem).collect());
    }
    let mut hash = Sha256::new();
    for text in [&content.code, &content.title, &content.sub_title] {
        hash.update(text.as_bytes());
        hash.update([0]);
    }
    let mut key = [0; 16];
    key.copy_from_slice(&hash.finalize()[..16]);
    match seen.insert(key, row.line) {
        None => Ok(content),
        Some(first) => {
            seen.insert(key, first);
            let zh = format!("与第{first}行的编号、事项和子项相同，请删去一行。");
            let en = format!("the same code, item and sub-item as line {first}");
            Err(vec![Problem::new(row.line, "title", &content.called(), "DUPLICATE", zh, en)])
        }
    }
}

/// The bytes of an upload as they come in.
pub struct Upload {
    pieces: mpsc::Receiver<Piece>,
    rest: Bytes,
    ended: bool,
}

impl Upload {
    /// Reads pieces to the end; that they stop before is an error.
    pub fn new(pieces: mpsc::Receiver<Piece>) -> Self {
        Self { pieces, rest: Bytes::new(), ended: false }
    }
}

impl Read for Upload {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                Some(Piece::Bytes(bytes)) => self.rest = bytes,
                Some(Piece::End) => self.ended = true,
                None => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the upload broke off")),
            }
        }
        let length = self.rest.len().min(to.len());
        self.rest.copy_to_slice(&mut to[..length]);
        Ok(length)
    }
}
