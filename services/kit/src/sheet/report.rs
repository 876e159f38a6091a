//! What was refused, as a table that a spreadsheet opens without running anything in it.

use std::borrow::Cow;
use std::io::Write;

use super::Problem;

/// Characters that make a spreadsheet take a cell for a formula when they begin it, wide forms included.
const FORMULA_STARTS: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// Whether a spreadsheet would take this cell for a formula. Dashes alone say "nothing" in many tables.
pub(super) fn is_formula(cell: &str) -> bool {
    let starts = |text: &str| text.starts_with(FORMULA_STARTS);
    (starts(cell) || starts(cell.trim_start())) && !cell.trim().chars().all(|c| matches!(c, '-' | '－'))
}

/// A cell as it may be written to a table for download: what would be taken for a formula gets an apostrophe.
pub fn safe_cell(cell: &str) -> Cow<'_, str> {
    if is_formula(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// Writes problems as CSV: UTF-8 with a byte order mark, as spreadsheets expect it, one line for each problem.
pub struct Report<W: Write> {
    writer: csv::Writer<W>,
}

impl<W: Write> Report<W> {
    pub fn new(mut to: W) -> std::io::Result<Self> {
        to.write_all("\u{feff}".as_bytes())?;
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to);
        writer.write_record(["行号 line", "字段 field", "原值 value", "代码 reason", "说明", "message"])?;
        Ok(Self { writer })
    }

    pub fn add(&mut self, problem: &Problem) -> std::io::Result<()> {
        let line = problem.line.to_string();
        let cells = [&line, &problem.field, &problem.value, problem.reason.as_ref(), &problem.zh, &problem.en];
        let cells = cells.map(|cell| safe_cell(cell));
        Ok(self.writer.write_record(cells.iter().map(|cell| cell.as_bytes()))?)
    }

    /// Writes what is left and returns where it was written.
    pub fn finish(mut self) -> std::io::Result<W> {
        self.writer.flush()?;
        self.writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_table_that_runs_nothing() {
        let mut report = Report::new(Vec::new()).unwrap();
        for value in ["=HYPERLINK(\"x\")", "+86", "-1", "@a", "\tb", " =c", "plain, with comma", "--"] {
            report.add(&Problem::new(7, "name", value, "FORMULA", "不能以公式开头", "looks like a formula")).unwrap();
        }
        let bytes = report.finish().unwrap();
        let text = std::str::from_utf8(&bytes).unwrap().strip_prefix('\u{feff}').unwrap();
        let rows: Vec<csv::StringRecord> =
            csv::Reader::from_reader(text.as_bytes()).records().map(|row| row.unwrap()).collect();
        let values: Vec<&str> = rows.iter().map(|row| &row[2]).collect();
        let expected = ["'=HYPERLINK(\"x\")", "'+86", "'-1", "'@a", "'\tb", "' =c", "plain, with comma", "--"];
        assert_eq!(values, expected);
        assert!(text.contains("\r\n"));
    }
}
