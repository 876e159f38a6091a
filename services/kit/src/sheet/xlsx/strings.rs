//! The strings that cells share, kept on the disk beyond a few MiB and read through a small cache: cells ask for them mostly
//! in the order in which they stand.

use std::io::{BufWriter, Read, Seek, SeekFrom, Write};

use tempfile::SpooledTempFile;

use super::{
    Error, Fault,
    text::unescape,
    xml::{Token, Xml},
};

/// Bytes of all strings together.
const TEXT_BYTES_MAX: u64 = 256 << 20;
/// A million rows of sixteen different cells.
const STRINGS_MAX: u64 = 16_000_000;
/// Bytes of each of the two tables that stay in memory.
const MEMORY_BYTES: usize = 2 << 20;
const PAGE_BYTES: usize = 16 << 10;
const PAGES: usize = 64;

pub(super) struct Strings {
    text: Pages,
    /// Where each string begins, and after the last one the end: 8 bytes each.
    starts: Pages,
    count: u64,
}

impl Strings {
    /// A workbook without shared strings.
    pub(super) fn none() -> Self {
        Self { text: Pages::of(SpooledTempFile::new(0)), starts: Pages::of(SpooledTempFile::new(0)), count: 0 }
    }

    /// Reads the table. Of a string longer than `string_bytes_max` no more is kept than tells that it is.
    ///
    /// # Errors
    /// It is malformed or too large; the disk fails.
    pub(super) fn read(mut xml: Xml<impl Read>, string_bytes_max: usize) -> Result<Self, Error> {
        let mut text = BufWriter::new(SpooledTempFile::new(MEMORY_BYTES));
        let mut starts = BufWriter::new(SpooledTempFile::new(MEMORY_BYTES));
        let (mut count, mut end) = (0_u64, 0_u64);
        let mut string = String::new();
        let (mut inside, mut phonetic) = (false, false);
        loop {
            match xml.next()? {
                Token::Start(tag) => match tag.name() {
                    "t" => inside = true,
                    // How it is pronounced is no part of it.
                    "rPh" => phonetic = true,
                    _ => {}
                },
                Token::Text(piece) => {
                    if inside && !phonetic && string.len() <= string_bytes_max {
                        string += &piece;
                    }
                }
                Token::End(name) => match name.as_str() {
                    "t" => inside = false,
                    "rPh" => phonetic = false,
                    "si" => {
                        let whole = unescape(&string);
                        starts.write_all(&end.to_le_bytes()).map_err(Error::Io)?;
                        text.write_all(whole.as_bytes()).map_err(Error::Io)?;
                        end += whole.len() as u64;
                        count += 1;
                        if end > TEXT_BYTES_MAX || count > STRINGS_MAX {
                            return Err(Fault::Excessive("too many shared strings").into());
                        }
                        string.clear();
                    }
                    _ => {}
                },
                Token::Nothing => {}
                Token::EndOfFile => break,
            }
        }
        starts.write_all(&end.to_le_bytes()).map_err(Error::Io)?;
        let whole =
            |writer: BufWriter<SpooledTempFile>| writer.into_inner().map_err(|error| Error::Io(error.into_error()));
        Ok(Self { text: Pages::of(whole(text)?), starts: Pages::of(whole(starts)?), count })
    }

    /// One string.
    ///
    /// # Errors
    /// There is none of this number; the disk fails.
    pub(super) fn get(&mut self, number: &str) -> Result<String, Error> {
        let missing = || Error::from(Fault::Broken("a cell names a string that is not there"));
        let number: u64 = number.trim().parse().map_err(|_| missing())?;
        if number >= self.count {
            return Err(missing());
        }
        let mut ends = [0; 16];
        self.starts.read(number * 8, &mut ends).map_err(Error::Io)?;
        let (start, end) = ends.split_at(8);
        let place = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        let (start, end) = (place(start), place(end));
        // No longer than one string.
        let mut bytes = vec![0; usize::try_from(end - start).unwrap_or_default()];
        self.text.read(start, &mut bytes).map_err(Error::Io)?;
        String::from_utf8(bytes).map_err(|_| missing())
    }
}

/// A file read in pages of which the last used are at hand.
struct Pages {
    file: SpooledTempFile,
    pages: Vec<Option<(u64, Vec<u8>)>>,
}

impl Pages {
    fn of(file: SpooledTempFile) -> Self {
        Self { file, pages: vec![None; PAGES] }
    }

    fn read(&mut self, mut at: u64, mut to: &mut [u8]) -> std::io::Result<()> {
        while !to.is_empty() {
            let number = at / PAGE_BYTES as u64;
            let page = self.page(number)?;
            // Less than a page.
            let from = (at % PAGE_BYTES as u64) as usize;
            let there = page.get(from..).filter(|there| !there.is_empty()).ok_or(std::io::ErrorKind::UnexpectedEof)?;
            let length = there.len().min(to.len());
            to[..length].copy_from_slice(&there[..length]);
            to = &mut to[length..];
            at += length as u64;
        }
        Ok(())
    }

    fn page(&mut self, number: u64) -> std::io::Result<&[u8]> {
        // Less than PAGES.
        let place = &mut self.pages[(number % PAGES as u64) as usize];
        match place {
            Some((held, _)) if *held == number => {}
            _ => {
                let mut page = place.take().map(|(_, page)| page).unwrap_or_default();
                page.clear();
                self.file.seek(SeekFrom::Start(number * PAGE_BYTES as u64))?;
                (&mut self.file).take(PAGE_BYTES as u64).read_to_end(&mut page)?;
                *place = Some((number, page));
            }
        }
        Ok(place.as_ref().map_or(&[], |(_, page)| page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(strings: &[String]) -> String {
        let items: String = strings.iter().map(|one| format!("<si><t xml:space=\"preserve\">{one}</t></si>")).collect();
        format!("<sst>{items}</sst>")
    }

    #[test]
    fn every_string_is_found_again_in_any_order_and_from_the_disk() {
        let strings: Vec<String> = (0..60_000).map(|n| format!("{n} 开封市第{n}号{}", "长".repeat(n % 40))).collect();
        let xml = table(&strings);
        assert!(xml.len() > 2 * MEMORY_BYTES);
        let mut found = Strings::read(Xml::new(xml.as_bytes()), 1 << 16).unwrap();
        // 7,919 shares no divisor with 60,000.
        for at in (0..strings.len()).chain((0..strings.len()).map(|n| n * 7_919 % strings.len())) {
            assert_eq!(found.get(&at.to_string()).unwrap(), strings[at]);
        }
        assert_eq!(found.get("60000").unwrap_err().reason(), "WORKBOOK_BROKEN");
        assert_eq!(found.get("-1").unwrap_err().reason(), "WORKBOOK_BROKEN");
    }

    #[test]
    fn rich_text_is_its_text_and_pronunciation_is_not() {
        let xml = "<sst><si><r><t>开</t></r><r><rPr><b/></rPr><t xml:space=\"preserve\"> 封&#x5E02;&amp;</t></r>\
                   <rPh sb=\"0\" eb=\"1\"><t>kaifeng</t></rPh></si><si/><si><t>_x0041_<![CDATA[<b>]]></t></si></sst>";
        let mut found = Strings::read(Xml::new(xml.as_bytes()), 1 << 16).unwrap();
        assert_eq!(["0", "1", "2"].map(|at| found.get(at).unwrap()), ["开 封市&", "", "A<b>"]);
    }

    #[test]
    fn of_a_string_without_end_only_its_beginning_is_kept() {
        let mut found = Strings::read(Xml::new(table(&["x".repeat(900_000)]).as_bytes()), 100).unwrap();
        assert!(found.get("0").unwrap().len() > 100);
        let endless = table(&["x".repeat(2 << 20)]);
        let refused = Strings::read(Xml::new(endless.as_bytes()), 100).err().unwrap();
        assert_eq!(refused.reason(), "WORKBOOK_EXCESSIVE");
    }
}
