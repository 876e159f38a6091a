//! Workbooks (XLSX: ECMA-376) as tables (art. 7, 13): the one worksheet that holds something, row by row in bounded memory.
//!
//! A workbook comes from anybody. Nothing in it is run or fetched, no digit is guessed, and what is not there whole is refused
//! as a whole before its first row is taken over.

mod archive;
mod fault;
mod parts;
mod rows;
mod strings;
mod text;
mod xml;

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use archive::Archive;
pub use fault::Fault;
pub(super) use fault::Flaw;
use parts::{Parts, large_part};
use rows::{Context, Rows};
use strings::Strings;

use super::Error;

/// Bytes of a workbook's file; one of a million rows has some 60 MiB.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Bytes of one unpacked worksheet; one of a million rows of ten cells has some 600 MiB.
const SHEET_BYTES_MAX: u64 = 2 << 30;
const STRINGS_BYTES_MAX: u64 = 1 << 30;

/// A row as it stands in the sheet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Its number in the sheet, from 1.
    pub(super) row: u64,
    /// Up to the last cell that holds something.
    pub(super) cells: Vec<String>,
    /// What is wrong with a cell, by its place, with the words to quote.
    pub(super) flaws: Vec<(usize, Flaw, String)>,
    /// More bytes than a row may have; cells beyond the edge are left out.
    pub(super) too_long: bool,
}

impl Found {
    fn put(&mut self, column: usize, text: String, flaw: Option<(Flaw, String)>) {
        if text.is_empty() && flaw.is_none() {
            return;
        }
        self.cells.resize(column, String::new());
        self.cells.push(text);
        self.flaws.extend(flaw.map(|(flaw, quoted)| (column, flaw, quoted)));
    }

    fn is_blank(&self) -> bool {
        !self.too_long && self.flaws.is_empty() && self.cells.iter().all(|cell| cell.trim().is_empty())
    }
}

/// A workbook being read.
pub(super) struct Workbook {
    context: Context,
    rows: Rows,
}

impl Workbook {
    /// Whether a file that begins so is an archive, as workbooks are.
    pub(super) fn begins(head: &[u8]) -> bool {
        head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
    }

    /// Takes the file to the disk, as its directory stands at its end, and finds the sheet to read.
    ///
    /// # Errors
    /// The file is no workbook that may be read, or has no or several sheets that hold something.
    pub(super) fn open(source: impl Read, row_bytes_max: usize) -> Result<Self, Error> {
        let mut file = tempfile::tempfile().map_err(Error::Io)?;
        let bytes = io::copy(&mut source.take(FILE_BYTES_MAX + 1), &mut file).map_err(Error::Io)?;
        if bytes > FILE_BYTES_MAX {
            return Err(Fault::Excessive("the file is too large").into());
        }
        file.seek(SeekFrom::Start(0)).map_err(Error::Io)?;
        Self::of(file, row_bytes_max)
    }

    fn of(file: File, row_bytes_max: usize) -> Result<Self, Error> {
        let archive = Archive::open(file)?;
        let parts = Parts::find(&archive)?;
        let strings = match &parts.strings {
            Some(name) => Strings::read(large_part(&archive, name, STRINGS_BYTES_MAX)?, row_bytes_max)?,
            None => Strings::none(),
        };
        let formats = parts.formats(&archive)?;
        let mut context = Context { strings, formats, from_1904: parts.from_1904, row_bytes_max };
        let open = |part: &str| Ok::<_, Error>(Rows::new(large_part(&archive, part, SHEET_BYTES_MAX)?));
        let mut holding = Vec::new();
        for sheet in &parts.sheets {
            // Alone, it is read whatever it holds.
            if parts.sheets.len() == 1 || open(&sheet.1)?.next(&mut context)?.is_some() {
                holding.push(sheet);
            }
        }
        match holding.as_slice() {
            [] => Err(Error::Empty),
            [(_, part)] => {
                archive.check(part, SHEET_BYTES_MAX)?;
                Ok(Self { rows: open(part)?, context })
            }
            several => Err(Fault::SeveralSheets(several.iter().map(|(name, _)| name.clone()).collect()).into()),
        }
    }

    /// The next row that holds something; none after the last.
    ///
    /// # Errors
    /// The sheet is malformed from here on.
    pub(super) fn next(&mut self) -> Result<Option<Found>, Error> {
        self.rows.next(&mut self.context)
    }
}

#[cfg(test)]
mod tests;
