//! Workbooks (XLSX) written by hand, good and bad, for tests of what is uploaded.

use std::io::Write;

use flate2::{Compression, Crc, write::DeflateEncoder};

const TYPES: &str = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>"#;
const ROOT: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const RELATION: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// An archive being written.
#[derive(Debug, Default)]
pub struct Zip {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    members: u16,
}

impl Zip {
    /// Adds a member.
    pub fn add(&mut self, name: &str, data: &[u8]) {
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::fast());
        let packed = packer.write_all(data).and_then(|()| packer.finish()).unwrap_or_default();
        let mut crc = Crc::new();
        crc.update(data);
        self.add_packed(name, &packed, data.len() as u64, crc.sum());
    }

    /// Adds a member that is packed already, and announces of it what is said.
    pub fn add_packed(&mut self, name: &str, packed: &[u8], unpacked: u64, crc: u32) {
        let mut common = Vec::new();
        // Version, flags, method, time and date.
        common.extend([20, 0, 0, 0, 8, 0, 0, 0, 0, 0]);
        common.extend(crc.to_le_bytes());
        for size in [packed.len() as u64, unpacked] {
            common.extend(u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        let at = self.bytes.len() as u32;
        self.bytes.extend(b"PK\x03\x04");
        self.bytes.extend(&common);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(packed);
        self.directory.extend(b"PK\x01\x02\x14\x00");
        self.directory.extend(&common);
        self.directory.extend([0; 10]);
        self.directory.extend(at.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.members += 1;
    }

    /// The whole archive.
    pub fn finish(mut self) -> Vec<u8> {
        let at = self.bytes.len() as u32;
        self.bytes.extend(&self.directory);
        self.bytes.extend(b"PK\x05\x06\x00\x00\x00\x00");
        self.bytes.extend(self.members.to_le_bytes());
        self.bytes.extend(self.members.to_le_bytes());
        self.bytes.extend((self.directory.len() as u32).to_le_bytes());
        self.bytes.extend(at.to_le_bytes());
        self.bytes.extend([0, 0]);
        self.bytes
    }
}

/// A workbook being written. What is not set is left out.
#[derive(Debug, Clone, Default)]
pub struct Workbook {
    /// Name, further attributes and XML of each sheet.
    pub sheets: Vec<(String, String, Vec<u8>)>,
    /// The shared strings' XML.
    pub strings: Option<String>,
    /// The styles' XML.
    pub styles: Option<String>,
    /// What stands in the workbook's part before its sheets.
    pub properties: String,
    /// Further members, or others in place of the usual ones.
    pub members: Vec<(String, Vec<u8>)>,
}

impl Workbook {
    /// A workbook of one sheet, whose rows are given as XML.
    pub fn of_rows(rows: &str) -> Self {
        Self::default().sheet("Sheet1", "", rows)
    }

    /// A table of texts: the first of each row in the row itself, the others among the shared strings.
    pub fn of_texts<T: AsRef<str>>(table: &[impl AsRef<[T]>]) -> Self {
        let (mut rows, mut strings, mut count) = (String::new(), String::new(), 0);
        for (row, texts) in table.iter().enumerate() {
            rows += &format!("<row r=\"{}\">", row + 1);
            for (column, text) in texts.as_ref().iter().enumerate() {
                let text = escape(text.as_ref());
                let at = format!("r=\"{}{}\"", letters(column), row + 1);
                if column == 0 {
                    rows += &format!("<c {at} t=\"inlineStr\"><is><t xml:space=\"preserve\">{text}</t></is></c>");
                } else {
                    rows += &format!("<c {at} t=\"s\"><v>{count}</v></c>");
                    strings += &format!("<si><t xml:space=\"preserve\">{text}</t></si>");
                    count += 1;
                }
            }
            rows += "</row>";
        }
        Self { strings: Some(format!("<sst>{strings}</sst>")), ..Self::of_rows(&rows) }
    }

    /// Adds a sheet.
    pub fn sheet(mut self, name: &str, attributes: &str, rows: &str) -> Self {
        let xml = format!("<?xml version=\"1.0\"?><worksheet><sheetData>{rows}</sheetData></worksheet>");
        self.sheets.push((name.to_owned(), attributes.to_owned(), xml.into_bytes()));
        self
    }

    /// Adds a member, or puts another in the place of a usual one.
    pub fn member(mut self, name: &str, data: impl Into<Vec<u8>>) -> Self {
        self.members.push((name.to_owned(), data.into()));
        self
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        self.zip().finish()
    }

    /// The archive, to which more may be added.
    pub fn zip(&self) -> Zip {
        let relation = |id: &str, kind: &str, target: &str| {
            format!("<Relationship Id=\"{id}\" Type=\"{RELATION}/{kind}\" Target=\"{target}\"/>")
        };
        let (mut sheets, mut relations) = (String::new(), String::new());
        let mut usual = vec![("[Content_Types].xml".to_owned(), TYPES.as_bytes().to_vec())];
        usual.push(("_rels/.rels".to_owned(), ROOT.as_bytes().to_vec()));
        for (place, (name, attributes, xml)) in self.sheets.iter().enumerate() {
            let number = place + 1;
            let name = escape(name);
            sheets += &format!("<sheet name=\"{name}\" sheetId=\"{number}\" r:id=\"sheet{number}\" {attributes}/>");
            relations += &relation(&format!("sheet{number}"), "worksheet", &format!("worksheets/sheet{number}.xml"));
            usual.push((format!("xl/worksheets/sheet{number}.xml"), xml.clone()));
        }
        for (kind, file, xml) in
            [("sharedStrings", "sharedStrings.xml", &self.strings), ("styles", "styles.xml", &self.styles)]
        {
            if let Some(xml) = xml {
                relations += &relation(kind, kind, file);
                usual.push((format!("xl/{file}"), xml.clone().into_bytes()));
            }
        }
        let properties = &self.properties;
        let workbook = format!("<workbook xmlns:r=\"{RELATION}\">{properties}<sheets>{sheets}</sheets></workbook>");
        usual.push(("xl/workbook.xml".to_owned(), workbook.into_bytes()));
        let relations = format!("<Relationships>{relations}</Relationships>");
        usual.push(("xl/_rels/workbook.xml.rels".to_owned(), relations.into_bytes()));
        usual.retain(|(name, _)| self.members.iter().all(|(other, _)| other != name));
        let mut zip = Zip::default();
        for (name, data) in usual.iter().chain(&self.members) {
            zip.add(name, data);
        }
        zip
    }
}

/// A column's letters.
pub fn letters(column: usize) -> String {
    let last = char::from(b'A' + (column % 26) as u8);
    if column < 26 { last.to_string() } else { letters(column / 26 - 1) + &last.to_string() }
}

/// Text as it stands in XML.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            // As XML has no sign for it, or would take it for another.
            '\r' | '\0'..='\u{8}' | '\u{b}'..='\u{1f}' => escaped += &format!("_x{:04X}_", u32::from(sign)),
            sign => escaped.push(sign),
        }
    }
    escaped
}
