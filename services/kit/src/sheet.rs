//! Uploaded tables (CSV in UTF-8 or GB18030, XLSX), read row by row in bounded memory: directories of items (art. 6),
//! registers of subjects and officers (art. 13), records of departments (art. 22).
//!
//! A bad row is named with its line, field, reason and value, and the good ones go on; nothing is mended on the way.
//! Values come as they stand in the file, untrimmed: the caller parses them and may add [`Problem`]s of its own.
//! A workbook is known by its bytes, whatever its name; its dates come as YYYY-MM-DD, its lines are the rows of its sheet.
//! Reading is synchronous: on the async threads use `spawn_blocking`.
//!
//! ```
//! use kit::sheet::{Column, Entry, Limits, Sheet};
//! let file = "名称,代码\n开封某厂,91350100M000100Y43\n,\"无名\"\n";
//! let columns = [Column::new("name", "名称").required(), Column::new("code", "代码")];
//! let mut sheet = Sheet::open(file.as_bytes(), None, &columns, Limits::default())?;
//! let Some(Ok(Entry::Row(row))) = sheet.next() else { panic!() };
//! assert_eq!((row.line, row.get(0), row.get(1)), (2, "开封某厂", "91350100M000100Y43"));
//! let Some(Ok(Entry::Refused(problems))) = sheet.next() else { panic!() };
//! assert_eq!((problems[0].line, problems[0].field.as_str(), &*problems[0].reason), (3, "name", "MISSING_VALUE"));
//! # Ok::<(), kit::sheet::Error>(())
//! ```

mod decode;
mod records;
mod report;
mod xlsx;

use std::borrow::Cow;
use std::io::{Chain, Cursor, Read};

use serde::{Deserialize, Serialize};

use decode::Text;
use records::{Record, Records};
pub use report::{Report, safe_cell};
pub use xlsx::Fault;
use xlsx::{Found, Workbook};

/// A value quoted in a problem is cut to this many characters.
pub const VALUE_CHARS_MAX: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Gb18030,
}

/// What a file turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv(Encoding),
    Xlsx,
}

impl Format {
    /// Name in the contract: the encoding of text, or `XLSX`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv(Encoding::Utf8) => "UTF-8",
            Self::Csv(Encoding::Gb18030) => "GB18030",
            Self::Xlsx => "XLSX",
        }
    }
}

/// Edges of one file.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Rows below the header.
    pub rows_max: u64,
    /// Bytes of one row's cells in UTF-8, including line ends inside quotes.
    pub row_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows_max: 1_000_000, row_bytes_max: 64 << 10 }
    }
}

/// Which field stands under which header, and what its cells must be.
#[derive(Debug, Clone)]
pub struct Column {
    field: String,
    header: String,
    required: bool,
    optional: bool,
    number: bool,
}

impl Column {
    /// `field` is our name, `header` the file's, compared without surrounding space. The column must be there.
    pub fn new(field: impl Into<String>, header: impl Into<String>) -> Self {
        Self { field: field.into(), header: header.into(), required: false, optional: false, number: false }
    }

    /// No cell may be blank.
    pub fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// The column may be absent; its values are then empty.
    pub fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// A number, which may have a sign.
    pub fn number(self) -> Self {
        Self { number: true, ..self }
    }
}

/// A row without problems so far; values stand in the order of the columns asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The physical line it begins on, the first line of the file being 1; the row's number in a sheet.
    pub line: u64,
    pub values: Vec<String>,
}

impl Row {
    /// The value of the column with this position among those asked for, as it stands in the file.
    pub fn get(&self, column: usize) -> &str {
        self.values.get(column).map_or("", String::as_str)
    }
}

/// What is wrong with one row, for a person and for a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub line: u64,
    /// Our name of the field, empty when the whole row is meant.
    pub field: String,
    /// The value as it stands in the file, at most [`VALUE_CHARS_MAX`] characters.
    pub value: String,
    /// Stable UPPER_SNAKE.
    pub reason: Cow<'static, str>,
    pub zh: String,
    pub en: String,
}

impl Problem {
    pub fn new(
        line: u64,
        field: impl Into<String>,
        value: &str,
        reason: impl Into<Cow<'static, str>>,
        zh: impl Into<String>,
        en: impl Into<String>,
    ) -> Self {
        let value = value.chars().take(VALUE_CHARS_MAX).collect();
        Self { line, field: field.into(), value, reason: reason.into(), zh: zh.into(), en: en.into() }
    }
}

/// The next of a file's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Row(Row),
    /// The row's problems, at least one.
    Refused(Vec<Problem>),
}

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the file is empty")]
    Empty,
    #[error("the file is not a text table but {format}; save it as XLSX or CSV (UTF-8)")]
    NotText { format: &'static str },
    #[error(transparent)]
    Workbook(#[from] Fault),
    #[error("the header on line {line} cannot be read: {why}")]
    BadHeader { line: u64, why: &'static str },
    #[error("the header has no column {missing:?}; found {found:?}")]
    MissingColumn { missing: Vec<String>, found: Vec<String> },
    #[error("the header has the column {header} twice")]
    DuplicateColumn { header: String },
    #[error("reading the file: {0}")]
    Io(std::io::Error),
}

impl Error {
    /// Stable UPPER_SNAKE.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "EMPTY_FILE",
            Self::NotText { .. } => "NOT_TEXT",
            Self::Workbook(fault) => fault.reason(),
            Self::BadHeader { .. } => "BAD_HEADER",
            Self::MissingColumn { .. } => "MISSING_COLUMN",
            Self::DuplicateColumn { .. } => "DUPLICATE_COLUMN",
            Self::Io(_) => "UNREADABLE",
        }
    }

    /// For the person who sent the file: what is wrong and what to do.
    pub fn zh(&self) -> String {
        match self {
            Self::Empty => "文件是空的，请检查后重新上传。".into(),
            Self::NotText { format } => {
                format!("文件不是可读取的表格（{format}），请去掉打开密码，另存为 XLSX 或 CSV（UTF-8）后重新上传。")
            }
            Self::Workbook(fault) => fault.zh(),
            Self::BadHeader { line, .. } => format!("第{line}行的表头无法读取，请检查编码、引号和长度。"),
            Self::MissingColumn { missing, .. } => {
                format!("表头缺少以下列：{}。请补齐或重新对应列名。", missing.join("、"))
            }
            Self::DuplicateColumn { header } => format!("表头中“{header}”出现了两次，请删去一列。"),
            Self::Io(_) => "文件读取中断，请重新上传。".into(),
        }
    }

    /// Of reading a part of a workbook, whose faults come through readers.
    fn from_reading(error: std::io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>()) {
            Some(fault) => fault.clone().into(),
            None => Self::Io(error),
        }
    }
}

/// A table being read. It iterates over its rows; after an error, or after the last row, it has ended.
pub struct Sheet<R> {
    source: Source<R>,
    columns: Vec<Column>,
    /// For each column asked for, its place in the file.
    places: Vec<Option<usize>>,
    width: usize,
    limits: Limits,
    rows: u64,
    ended: bool,
}

enum Source<R> {
    Csv(Box<Records<Chain<Cursor<Vec<u8>>, R>>>),
    Xlsx(Box<Workbook>),
}

/// What is wrong with cells of a workbook's row, by their place, with the words to quote.
type Flaws = Vec<(usize, xlsx::Flaw, String)>;

impl<R: Read> Source<R> {
    /// Looks at the first bytes.
    fn open(mut reader: R, encoding: Option<Encoding>, limits: Limits) -> Result<Self, Error> {
        let mut head = Vec::with_capacity(4);
        reader.by_ref().take(4).read_to_end(&mut head).map_err(Error::Io)?;
        let workbook = Workbook::begins(&head);
        let whole = Cursor::new(head).chain(reader);
        if workbook {
            return Ok(Self::Xlsx(Box::new(Workbook::open(whole, limits.row_bytes_max)?)));
        }
        Ok(Self::Csv(Box::new(Records::new(Text::open(whole, encoding)?, limits.row_bytes_max))))
    }

    /// The next record. A workbook does not store the empty cells at the end of a row: up to `width` they are added.
    fn next(&mut self, width: usize) -> Result<(Record, Flaws), Error> {
        let workbook = match self {
            Self::Csv(records) => return Ok((records.next()?, Vec::new())),
            Self::Xlsx(workbook) => workbook,
        };
        let Some(Found { row: line, mut cells, flaws, too_long }) = workbook.next()? else {
            return Ok((Record::End, Vec::new()));
        };
        if too_long {
            let head = cells.join(",").chars().take(VALUE_CHARS_MAX).collect();
            return Ok((Record::TooLong { line, head }, Vec::new()));
        }
        cells.resize(cells.len().max(width), String::new());
        Ok((Record::Cells { line, line_last: line, cells, ended: true }, flaws))
    }
}

impl<R: Read> Sheet<R> {
    /// Reads the header. Without `encoding` it is guessed: a byte order mark, or what the first Chinese text looks like. A
    /// workbook is read to its end first, as its directory stands there; `encoding` says nothing about it.
    pub fn open(reader: R, encoding: Option<Encoding>, columns: &[Column], limits: Limits) -> Result<Self, Error> {
        Self::open_with(reader, encoding, |_| Ok(columns.to_vec()), limits)
    }

    /// As [`Sheet::open`], with columns chosen by the header found: for lists whose headers differ from office to office.
    pub fn open_with(
        reader: R,
        encoding: Option<Encoding>,
        choose: impl FnOnce(&[&str]) -> Result<Vec<Column>, Error>,
        limits: Limits,
    ) -> Result<Self, Error> {
        let mut source = Source::open(reader, encoding, limits)?;
        let bad = |line, why| Error::BadHeader { line, why };
        let (record, flaws) = source.next(0)?;
        let header = match record {
            Record::Cells { line, .. } if !flaws.is_empty() => return Err(bad(line, "it holds a formula or no text")),
            Record::Cells { cells, line, .. } if cells.iter().any(|cell| cell.contains('\u{fffd}')) => {
                return Err(bad(line, "its bytes do not fit the encoding"));
            }
            Record::Cells { cells, .. } => cells,
            Record::TooLong { line, .. } => return Err(bad(line, "it is too long")),
            Record::Unclosed { line, .. } => return Err(bad(line, "the file ends inside quotes")),
            Record::End => return Err(Error::Empty),
        };
        let header: Vec<&str> = header.iter().map(|cell| cell.trim_start_matches('\u{feff}').trim()).collect();
        let columns = choose(&header)?;
        let mut places = Vec::with_capacity(columns.len());
        let mut missing = Vec::new();
        for column in &columns {
            let wanted = column.header.trim();
            let mut found = header.iter().enumerate().filter(|(_, cell)| **cell == wanted);
            let place = found.next().map(|(place, _)| place);
            if found.next().is_some() {
                return Err(Error::DuplicateColumn { header: wanted.to_owned() });
            }
            if place.is_none() && !column.optional {
                missing.push(wanted.to_owned());
            }
            places.push(place);
        }
        if !missing.is_empty() {
            let found = header.iter().map(|cell| cell.chars().take(VALUE_CHARS_MAX).collect()).collect();
            return Err(Error::MissingColumn { missing, found });
        }
        let width = header.len();
        Ok(Self { source, columns, places, width, limits, rows: 0, ended: false })
    }

    /// What the file is; of text, once a character beyond ASCII was seen.
    pub fn format(&self) -> Option<Format> {
        match &self.source {
            Source::Csv(records) => records.text().encoding().map(Format::Csv),
            Source::Xlsx(_) => Some(Format::Xlsx),
        }
    }

    /// Rows read so far, good and bad, without blank ones.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    fn entry(&mut self) -> Result<Option<Entry>, Error> {
        loop {
            let (record, mut flaws) = self.source.next(self.width)?;
            flaws.retain(|(at, ..)| self.places.contains(&Some(*at)));
            if let Record::Cells { cells, .. } = &record
                && flaws.is_empty()
                && cells.iter().all(|cell| cell.trim().is_empty())
            {
                // Spreadsheets write rows of nothing but commas below a table.
                continue;
            }
            if record == Record::End {
                return Ok(None);
            }
            if self.rows == self.limits.rows_max {
                self.ended = true;
                return Ok(Some(Entry::Refused(vec![too_many_rows(&record, self.limits.rows_max)])));
            }
            self.rows += 1;
            return Ok(Some(match record {
                Record::Cells { line, line_last, cells, ended } => self.judge(line, (line_last, ended), cells, &flaws),
                Record::TooLong { line, head } => {
                    let bytes = self.limits.row_bytes_max;
                    let zh = format!("本行超过{bytes}字节，可能缺少换行或引号未闭合；从下一行继续读取。");
                    let en = format!("the row exceeds {bytes} bytes; a line end or a quote may be missing");
                    Entry::Refused(vec![Problem::new(line, "", &head, "LINE_TOO_LONG", zh, en)])
                }
                Record::Unclosed { line, head } => Entry::Refused(vec![truncated(line, &head)]),
                Record::End => return Ok(None),
            }));
        }
    }

    fn judge(&self, line: u64, (line_last, ended): (u64, bool), mut cells: Vec<String>, flaws: &Flaws) -> Entry {
        while cells.len() > self.width && cells.last().is_some_and(|cell| cell.trim().is_empty()) {
            cells.pop();
        }
        if cells.len() < self.width && !ended {
            return Entry::Refused(vec![truncated(line, &cells.join(","))]);
        }
        if cells.len() != self.width {
            let (found, wanted) = (cells.len(), self.width);
            let lines =
                if line_last > line { format!("（第{line}行至第{line_last}行）") } else { String::new() };
            let zh = format!("本行有{found}列，表头有{wanted}列{lines}；请检查逗号和引号。");
            let en = format!("lines {line} to {line_last} have {found} cells, the header {wanted}");
            return Entry::Refused(vec![Problem::new(line, "", &cells.join(","), "WRONG_COLUMN_COUNT", zh, en)]);
        }
        let mut problems = Vec::new();
        let mut values = Vec::with_capacity(self.columns.len());
        for (column, place) in self.columns.iter().zip(&self.places) {
            let value = place.and_then(|place| cells.get_mut(place)).map(std::mem::take).unwrap_or_default();
            let flaw = flaws.iter().find(|(at, ..)| Some(*at) == *place);
            problems.extend(match flaw {
                Some((_, flaw, quoted)) => {
                    Some(Problem::new(line, &column.field, quoted, flaw.reason(), flaw.zh(&column.header), flaw.en()))
                }
                None => column.judge(line, &value),
            });
            values.push(value);
        }
        if problems.is_empty() { Entry::Row(Row { line, values }) } else { Entry::Refused(problems) }
    }
}

impl<R: Read> Iterator for Sheet<R> {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.entry().transpose();
        self.ended |= !matches!(next, Some(Ok(_)));
        next
    }
}

impl Column {
    /// The first thing wrong with a cell, by itself.
    fn judge(&self, line: u64, value: &str) -> Option<Problem> {
        let problem = |reason, zh: &str, en: &str| Some(Problem::new(line, &self.field, value, reason, zh, en));
        let header = &self.header;
        if value.contains('\u{fffd}') {
            let zh = format!("“{header}”含有无法识别的字节，请以 UTF-8 或 GB18030 编码重新保存。");
            return problem("WRONG_ENCODING", &zh, "bytes that do not fit the file's encoding");
        }
        if value.chars().any(is_control) {
            let zh = format!("“{header}”含有不可见的控制字符，请删除后重新上传。");
            return problem("CONTROL_CHARACTER", &zh, "an invisible control character");
        }
        if self.required && value.trim().is_empty() {
            return problem("MISSING_VALUE", &format!("“{header}”不能为空。"), "the value is missing");
        }
        if report::is_formula(value) && !(self.number && is_signed_number(value.trim())) {
            let zh = format!("“{header}”以公式符号（= + - @ 或制表符）开头，请去掉该符号。");
            return problem("FORMULA", &zh, "begins like a spreadsheet formula");
        }
        None
    }
}

fn truncated(line: u64, value: &str) -> Problem {
    let zh = "文件在本行中间结束，可能没有传完；请重新上传完整的文件。";
    Problem::new(line, "", value, "TRUNCATED", zh, "the file ends in the middle of this row")
}

fn too_many_rows(record: &Record, rows_max: u64) -> Problem {
    let line = match record {
        Record::Cells { line, .. } | Record::TooLong { line, .. } | Record::Unclosed { line, .. } => *line,
        Record::End => 0,
    };
    let zh = format!("文件超过{rows_max}行，从本行起没有读取；请分成几个文件上传。");
    let en = format!("more than {rows_max} rows; nothing was read from this line on");
    Problem::new(line, "", "", "TOO_MANY_ROWS", zh, en)
}

/// Characters that a cell cannot mean to hold: controls but for tab and line ends, and those that change the direction
/// of writing, so that what is read is not what is stored.
fn is_control(c: char) -> bool {
    let invisible = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    (c.is_control() && !matches!(c, '\t' | '\n' | '\r')) || invisible
}

fn is_signed_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
