//! From text to records of cells with the physical lines they stand on. A record has an edge, so that a file of one
//! endless line, or one with a quote that is never closed, costs no more memory than any other.

use std::io::Read;

use csv_core::ReadRecordResult;

use super::Error;
use super::decode::Text;

/// What stands next in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// Cells from `line` to `line_last`; `ended` tells whether a line end followed.
    Cells {
        line: u64,
        line_last: u64,
        cells: Vec<String>,
        ended: bool,
    },
    /// More bytes than allowed. Reading goes on at the next physical line.
    TooLong {
        line: u64,
        head: String,
    },
    /// The file ends inside quotes.
    Unclosed {
        line: u64,
        head: String,
    },
    End,
}

pub(super) struct Records<R> {
    text: Text<R>,
    reader: csv_core::Reader,
    record_bytes_max: usize,
    output: Vec<u8>,
    ends: Vec<usize>,
    lines: Lines,
}

/// Counts physical lines, ended by LF, CRLF or CR.
struct Lines {
    line: u64,
    after_cr: bool,
}

impl Lines {
    fn pass(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\r' || (*byte == b'\n' && !self.after_cr) {
                self.line += 1;
            }
            self.after_cr = *byte == b'\r';
        }
    }
}

impl<R: Read> Records<R> {
    pub(super) fn new(text: Text<R>, record_bytes_max: usize) -> Self {
        let lines = Lines { line: 1, after_cr: false };
        let (output, ends) = (vec![0; (1 << 10).min(record_bytes_max + 1)], vec![0; 64]);
        Self { text, reader: csv_core::Reader::new(), record_bytes_max, output, ends, lines }
    }

    pub(super) fn text(&self) -> &Text<R> {
        &self.text
    }

    #[cfg(test)]
    pub(super) fn memory_bytes(&self) -> usize {
        self.text.memory_bytes() + self.output.capacity() + self.ends.capacity() * size_of::<usize>()
    }

    pub(super) fn next(&mut self) -> Result<Record, Error> {
        if !self.skip_line_ends()? {
            return Ok(Record::End);
        }
        let line = self.lines.line;
        let (mut bytes, mut cells) = (0, 0);
        loop {
            let input = self.text.fill()?;
            let at_end = input.is_empty();
            // At the end a line end is added. Inside quotes it ends nothing, which is how we know.
            let input = if at_end { b"\n" } else { input };
            let (result, read, wrote, ends) =
                self.reader.read_record(input, &mut self.output[bytes..], &mut self.ends[cells..]);
            bytes += wrote;
            cells += ends;
            if !at_end {
                self.lines.pass(&input[..read]);
                self.text.consume(read);
            }
            match result {
                ReadRecordResult::InputEmpty if at_end => {
                    self.reader.reset();
                    return Ok(Record::Unclosed { line, head: head(&self.output[..bytes]) });
                }
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.output.len() > self.record_bytes_max => {
                    self.reader.reset();
                    self.skip_line()?;
                    return Ok(Record::TooLong { line, head: head(&self.output[..bytes]) });
                }
                // Both buffers grow with the bytes of one record, so that edge bounds them too.
                ReadRecordResult::OutputFull => {
                    let larger = (self.output.len() * 2).min(self.record_bytes_max + 1);
                    self.output.resize(larger, 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() > self.record_bytes_max => {
                    self.reader.reset();
                    self.skip_line()?;
                    return Ok(Record::TooLong { line, head: head(&self.output[..bytes]) });
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record | ReadRecordResult::End => {
                    let line_last = if at_end { self.lines.line } else { self.lines.line - 1 };
                    return Ok(Record::Cells { line, line_last, cells: self.cells(cells), ended: !at_end });
                }
            }
        }
    }

    fn cells(&self, count: usize) -> Vec<String> {
        let mut start = 0;
        let cut = |end: &usize| {
            let cell = self.output.get(start..*end).unwrap_or_default();
            start = *end;
            String::from_utf8_lossy(cell).into_owned()
        };
        self.ends[..count].iter().map(cut).collect()
    }

    /// Passes empty lines; false at the end of the file.
    fn skip_line_ends(&mut self) -> Result<bool, Error> {
        loop {
            let input = self.text.fill()?;
            if input.is_empty() {
                return Ok(false);
            }
            let ends = input.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            let more = ends < input.len();
            self.lines.pass(&input[..ends]);
            self.text.consume(ends);
            if more {
                return Ok(true);
            }
        }
    }

    /// Passes the rest of a physical line.
    fn skip_line(&mut self) -> Result<(), Error> {
        loop {
            let input = self.text.fill()?;
            if input.is_empty() {
                return Ok(());
            }
            let found = input.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let passed = found.map_or(input.len(), |at| at + 1);
            self.lines.pass(&input[..passed]);
            self.text.consume(passed);
            if found.is_some() {
                return Ok(());
            }
        }
    }
}

/// Enough of a record to recognise it by.
fn head(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(super::VALUE_CHARS_MAX)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGE: usize = 1 << 10;

    fn records(bytes: &[u8]) -> Vec<Record> {
        let mut records = Records::new(Text::open(bytes, None).unwrap(), EDGE);
        let mut all = Vec::new();
        loop {
            match records.next().unwrap() {
                Record::End => return all,
                other => all.push(other),
            }
        }
    }

    fn cells(line: u64, line_last: u64, cells: &[&str], ended: bool) -> Record {
        Record::Cells { line, line_last, cells: cells.iter().map(|cell| (*cell).to_owned()).collect(), ended }
    }

    #[test]
    fn records_know_the_lines_they_stand_on() {
        let expected = [
            cells(1, 1, &["a", "b"], true),
            cells(3, 4, &["two\nlines", "quote \" inside"], true),
            cells(5, 5, &["", ""], true),
            cells(7, 7, &["c", "d"], false),
        ];
        let text = "a,b\n\n\"two\nlines\",\"quote \"\" inside\"\n,\n\nc,d";
        assert_eq!(records(text.as_bytes()), expected);
        let windows = text.replace('\n', "\r\n");
        let expected_windows: Vec<_> = records(windows.as_bytes());
        assert_eq!(expected_windows[3], expected[3]);
        let old_mac = "a,b\r\r1,2\r";
        assert_eq!(records(old_mac.as_bytes()), [cells(1, 1, &["a", "b"], true), cells(3, 3, &["1", "2"], true)]);
    }

    #[test]
    fn a_line_beyond_the_edge_is_named_and_the_next_one_is_read() {
        let text = format!("a\n{}\nb\n\"{}\nc\n", "x".repeat(EDGE + 1), "y".repeat(5 * EDGE));
        let found = records(text.as_bytes());
        let head = |c: &str| c.repeat(crate::sheet::VALUE_CHARS_MAX);
        let expected = [
            cells(1, 1, &["a"], true),
            Record::TooLong { line: 2, head: head("x") },
            cells(3, 3, &["b"], true),
            Record::TooLong { line: 4, head: head("y") },
            cells(5, 5, &["c"], true),
        ];
        assert_eq!(found, expected);
        let just = "z".repeat(EDGE);
        assert_eq!(records(just.as_bytes()), [cells(1, 1, &[&just], false)]);
    }

    #[test]
    fn a_file_that_ends_inside_quotes_says_so() {
        let expected = [cells(1, 1, &["a"], true), Record::Unclosed { line: 2, head: "bc\nd\n".into() }];
        assert_eq!(records(b"a\n\"bc\nd"), expected);
    }

    #[test]
    fn memory_does_not_grow_with_the_line() {
        for byte in [b'x', b',', b'"', b' '] {
            let endless = std::io::repeat(byte).take(8 << 20);
            let mut records = Records::new(Text::open(endless, None).unwrap(), EDGE);
            while records.next().unwrap() != Record::End {}
            assert!(records.memory_bytes() < 1 << 20, "{byte}: {} bytes", records.memory_bytes());
        }
    }
}
