//! The rows of one worksheet, as they stream by.

use super::{
    Error, Fault, Found,
    archive::Unpacked,
    fault::Flaw,
    strings::Strings,
    text::{Format, number, unescape},
    xml::{Tag, Token, Xml},
};
use crate::sheet::VALUE_CHARS_MAX;

/// The last row and column a worksheet can have.
const ROWS_MAX: u64 = 1 << 20;
const COLUMNS_MAX: usize = 1 << 14;

/// What the cells of a workbook refer to.
pub(super) struct Context {
    pub(super) strings: Strings,
    /// By the number of the cell's style.
    pub(super) formats: Vec<Format>,
    pub(super) from_1904: bool,
    pub(super) row_bytes_max: usize,
}

pub(super) struct Rows {
    xml: Xml<Unpacked>,
    in_data: bool,
    row: u64,
}

/// A cell's attributes and what stands in it.
#[derive(Default)]
struct Cell {
    column: usize,
    kind: String,
    style: usize,
    value: String,
    formula: Option<String>,
}

/// Which of a cell's texts is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Value,
    Formula,
    Nothing,
}

fn broken(why: &'static str) -> Error {
    Fault::Broken(why).into()
}

impl Rows {
    pub(super) fn new(xml: Xml<Unpacked>) -> Self {
        Self { xml, in_data: false, row: 0 }
    }

    /// The next row with a cell that holds something, and its number; none after the last.
    ///
    /// # Errors
    /// The sheet is malformed or damaged.
    pub(super) fn next(&mut self, context: &mut Context) -> Result<Option<Found>, Error> {
        loop {
            match self.xml.next()? {
                Token::Start(tag) if tag.name() == "sheetData" => self.in_data = true,
                Token::Start(tag) if self.in_data && tag.name() == "row" => {
                    let row = match tag.get("r")? {
                        Some(row) => row.trim().parse().map_err(|_| broken("a row has no number"))?,
                        None => self.row + 1,
                    };
                    if row <= self.row || row > ROWS_MAX {
                        return Err(broken("its rows are not in their order"));
                    }
                    self.row = row;
                    let found = self.cells(context)?;
                    if !found.is_blank() {
                        return Ok(Some(found));
                    }
                }
                Token::End(name) if name == "sheetData" => self.in_data = false,
                Token::EndOfFile => return Ok(None),
                Token::Start(_) | Token::End(_) | Token::Text(_) | Token::Nothing => {}
            }
        }
    }

    /// Reads to the end of the row.
    fn cells(&mut self, context: &mut Context) -> Result<Found, Error> {
        let mut found = Found { row: self.row, ..Found::default() };
        let (mut next, mut bytes) = (0, 0_usize);
        loop {
            match self.xml.next()? {
                Token::Start(tag) if tag.name() == "c" => {
                    let mut cell = Cell::begin(&tag, self.row, next)?;
                    next = cell.column + 1;
                    cell.read(&mut self.xml, context.row_bytes_max)?;
                    let (text, flaw) = cell.text(context)?;
                    bytes = bytes.saturating_add(text.len());
                    if bytes > context.row_bytes_max {
                        found.too_long = true;
                    } else {
                        found.put(cell.column, text, flaw);
                    }
                }
                Token::End(name) if name == "row" => return Ok(found),
                // Refused by the parser before it comes to this.
                Token::EndOfFile => return Err(broken("it ends inside a row")),
                Token::Start(_) | Token::End(_) | Token::Text(_) | Token::Nothing => {}
            }
        }
    }
}

impl Cell {
    fn begin(tag: &Tag<'_>, row: u64, next: usize) -> Result<Self, Error> {
        let mut cell = Self { column: next, ..Self::default() };
        let mut placed = true;
        tag.each(|key, value| match key {
            "r" => match place(&value) {
                Some((column, at)) if at == row && column >= next => cell.column = column,
                _ => placed = false,
            },
            "t" => cell.kind = value.into_owned(),
            "s" => cell.style = value.parse().unwrap_or_default(),
            _ => {}
        })?;
        if !placed || cell.column >= COLUMNS_MAX {
            return Err(broken("its cells are not in their order"));
        }
        Ok(cell)
    }

    /// Reads to the end of the cell; of endless text no more is kept than tells that it is.
    fn read(&mut self, xml: &mut Xml<Unpacked>, bytes_max: usize) -> Result<(), Error> {
        let mut inside = Inside::Nothing;
        let mut phonetic = false;
        loop {
            match xml.next()? {
                Token::Start(tag) => match tag.name() {
                    "v" => inside = Inside::Value,
                    "t" if !phonetic => inside = Inside::Value,
                    "f" => {
                        inside = Inside::Formula;
                        self.formula.get_or_insert_default();
                    }
                    "rPh" => phonetic = true,
                    _ => {}
                },
                Token::Text(piece) => match (inside, &mut self.formula) {
                    (Inside::Value, _) if self.value.len() <= bytes_max => self.value += &piece,
                    (Inside::Formula, Some(formula)) if formula.len() <= 4 * VALUE_CHARS_MAX => *formula += &piece,
                    (Inside::Value | Inside::Formula | Inside::Nothing, _) => {}
                },
                Token::End(name) => match name.as_str() {
                    "c" => return Ok(()),
                    "v" | "t" | "f" => inside = Inside::Nothing,
                    "rPh" => phonetic = false,
                    _ => {}
                },
                Token::EndOfFile => return Err(broken("it ends inside a cell")),
                Token::Nothing => {}
            }
        }
    }

    /// What the cell shows, and what is wrong with it, with the words to quote.
    fn text(&mut self, context: &mut Context) -> Result<(String, Option<(Flaw, String)>), Error> {
        let value = std::mem::take(&mut self.value);
        let (text, flaw) = match self.kind.as_str() {
            "s" if value.is_empty() => (value, None),
            "s" => (context.strings.get(&value)?, None),
            "str" | "inlineStr" => (unescape(&value).into_owned(), None),
            "b" => (if matches!(value.trim(), "1" | "true") { "TRUE" } else { "FALSE" }.to_owned(), None),
            "e" => (value, Some(Flaw::ErrorValue)),
            // An ISO 8601 date, with or without time.
            "d" => (value.strip_suffix("T00:00:00").unwrap_or(&value).to_owned(), None),
            "n" | "" if value.trim().is_empty() => (String::new(), None),
            "n" | "" => {
                let format = context.formats.get(self.style).copied().unwrap_or(Format::Plain);
                match number(&value, format, context.from_1904) {
                    Ok(text) => (text, None),
                    Err(flaw) => (value, Some(flaw)),
                }
            }
            _ => return Err(broken("a cell is of a kind that does not exist")),
        };
        let flaw = match self.formula.take() {
            Some(formula) => Some((Flaw::Formula, format!("={}", unescape(&formula)))),
            None => flaw.map(|flaw| (flaw, text.clone())),
        };
        Ok((text, flaw))
    }
}

/// Column, from 0, and row, from 1, of a reference such as `C5`.
fn place(reference: &str) -> Option<(usize, u64)> {
    let at = reference.find(|sign: char| sign.is_ascii_digit())?;
    let (letters, digits) = reference.split_at(at);
    let mut column = 0_usize;
    if letters.is_empty() || letters.len() > 3 {
        return None;
    }
    for letter in letters.bytes() {
        column = column * 26 + usize::from(letter.is_ascii_uppercase().then(|| letter - b'A' + 1)?);
    }
    Some((column - 1, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_places() {
        assert_eq!(place("A1"), Some((0, 1)));
        assert_eq!(place("Z9"), Some((25, 9)));
        assert_eq!(place("AA10"), Some((26, 10)));
        assert_eq!(place("XFD1048576"), Some((COLUMNS_MAX - 1, ROWS_MAX)));
        for wrong in ["", "1", "A", "a1", "A-1", "AAAA1", "$A$1", "A1B"] {
            assert_eq!(place(wrong), None, "{wrong}");
        }
    }
}
