//! The parts of a workbook beside its rows: which sheets there are, and how numbers are shown.

use std::collections::HashMap;

use super::{
    Error, Fault,
    archive::{Archive, Unpacked},
    text::Format,
    xml::{Token, Xml},
};

/// Bytes of a part that is held in memory.
const PART_BYTES_MAX: u64 = 16 << 20;
const SHEETS_MAX: usize = 256;
const FORMATS_MAX: usize = 65_536;
const RELATIONS_MAX: usize = 4_096;

/// Where the parts of the workbook are.
pub(super) struct Parts {
    /// Worksheets that can be seen, with their names, in their order.
    pub(super) sheets: Vec<(String, String)>,
    pub(super) strings: Option<String>,
    styles: Option<String>,
    pub(super) from_1904: bool,
}

struct Relation {
    /// The last word of its type.
    kind: String,
    target: String,
}

fn missing(what: &'static str) -> Error {
    Fault::NotWorkbook(what).into()
}

impl Parts {
    /// Looks where everything is, and refuses what could run.
    ///
    /// # Errors
    /// It is no workbook, or one with macros.
    pub(super) fn find(archive: &Archive) -> Result<Self, Error> {
        refuse_macros(archive)?;
        let roots = relations(archive, "")?;
        let main = roots.values().find(|relation| relation.kind == "officeDocument");
        let main = main.ok_or_else(|| missing("no main part"))?.target.clone();
        let relations = relations(archive, &main)?;
        if relations.values().any(|relation| relation.kind.to_lowercase().contains("macro")) {
            return Err(Fault::Macros.into());
        }
        let of = |kind: &str| {
            let mut all = relations.values().filter(|relation| relation.kind == kind);
            all.next().map(|relation| relation.target.clone())
        };
        let mut parts =
            Self { sheets: Vec::new(), strings: of("sharedStrings"), styles: of("styles"), from_1904: false };
        let mut xml = part(archive, &main)?.ok_or_else(|| missing("no main part"))?;
        let mut root = None;
        loop {
            match xml.next()? {
                Token::Start(tag) => {
                    root.get_or_insert_with(|| tag.name().to_owned());
                    match tag.name() {
                        "workbookPr" => {
                            parts.from_1904 = matches!(tag.get("date1904")?.as_deref(), Some("1" | "true"));
                        }
                        "sheet" => {
                            let (mut name, mut id, mut seen) = (String::new(), String::new(), true);
                            tag.each(|key, value| match key {
                                "name" => name = value.into_owned(),
                                "id" => id = value.into_owned(),
                                "state" => seen = value == "visible",
                                _ => {}
                            })?;
                            let sheet = relations.get(&id).filter(|relation| relation.kind == "worksheet");
                            if let Some(sheet) = sheet.filter(|_| seen) {
                                parts.sheets.push((name, sheet.target.clone()));
                            }
                            if parts.sheets.len() > SHEETS_MAX {
                                return Err(Fault::Excessive("too many worksheets").into());
                            }
                        }
                        _ => {}
                    }
                }
                Token::EndOfFile => break,
                Token::End(_) | Token::Text(_) | Token::Nothing => {}
            }
        }
        if root.as_deref() != Some("workbook") {
            return Err(missing("its main part is something else"));
        }
        Ok(parts)
    }

    /// How cells of each style show their numbers.
    ///
    /// # Errors
    /// The part is malformed.
    pub(super) fn formats(&self, archive: &Archive) -> Result<Vec<Format>, Error> {
        let Some(mut xml) = self.styles.as_ref().map(|name| part(archive, name)).transpose()?.flatten() else {
            return Ok(Vec::new());
        };
        let (mut codes, mut formats, mut inside) = (HashMap::new(), Vec::new(), false);
        loop {
            match xml.next()? {
                Token::Start(tag) => match tag.name() {
                    "numFmt" => {
                        let number = tag.get("numFmtId")?.and_then(|number| number.parse::<u32>().ok());
                        if let (Some(number), Some(code)) = (number, tag.get("formatCode")?) {
                            codes.insert(number, Format::of_code(&code));
                        }
                    }
                    "cellXfs" => inside = true,
                    "xf" if inside => {
                        let number = tag.get("numFmtId")?.and_then(|number| number.parse().ok()).unwrap_or_default();
                        formats.push(codes.get(&number).copied().unwrap_or_else(|| Format::built_in(number)));
                    }
                    _ => {}
                },
                Token::End(name) if name == "cellXfs" => inside = false,
                Token::EndOfFile => return Ok(formats),
                Token::End(_) | Token::Text(_) | Token::Nothing => {}
            }
            if codes.len().max(formats.len()) > FORMATS_MAX {
                return Err(Fault::Excessive("too many formats").into());
            }
        }
    }
}

/// Macros stand in parts of their own, and the list of content types names them.
fn refuse_macros(archive: &Archive) -> Result<(), Error> {
    let runs = |name: &str| name.ends_with("vbaproject.bin") || name.starts_with("xl/macrosheets/");
    if archive.names().any(runs) {
        return Err(Fault::Macros.into());
    }
    let mut types = part(archive, "[Content_Types].xml")?.ok_or_else(|| missing("no list of content types"))?;
    loop {
        match types.next()? {
            Token::Start(tag) => {
                let kind = tag.get("ContentType")?.unwrap_or_default().to_ascii_lowercase();
                if ["macroenabled", "vbaproject", "macrosheet"].iter().any(|word| kind.contains(word)) {
                    return Err(Fault::Macros.into());
                }
            }
            Token::EndOfFile => return Ok(()),
            Token::End(_) | Token::Text(_) | Token::Nothing => {}
        }
    }
}

fn part(archive: &Archive, name: &str) -> Result<Option<Xml<Unpacked>>, Error> {
    Ok(archive.member(name, PART_BYTES_MAX)?.map(Xml::new))
}

/// What a part relates to, by the relation's id; the archive's root has no name.
fn relations(archive: &Archive, of: &str) -> Result<HashMap<String, Relation>, Error> {
    let (folder, name) = of.rsplit_once('/').unwrap_or(("", of));
    let slash = if folder.is_empty() { "" } else { "/" };
    let mut found = HashMap::new();
    let Some(mut xml) = part(archive, &format!("{folder}{slash}_rels/{name}.rels"))? else { return Ok(found) };
    loop {
        match xml.next()? {
            Token::Start(tag) if tag.name() == "Relationship" => {
                let (mut id, mut kind, mut target, mut outside) = (String::new(), String::new(), String::new(), false);
                tag.each(|key, value| match key {
                    "Id" => id = value.into_owned(),
                    "Type" => kind = value.rsplit('/').next().unwrap_or_default().to_owned(),
                    "Target" => target = resolve(folder, &value),
                    // Nothing is ever fetched.
                    "TargetMode" => outside = value == "External",
                    _ => {}
                })?;
                if !outside {
                    found.insert(id, Relation { kind, target });
                }
                if found.len() > RELATIONS_MAX {
                    return Err(Fault::Excessive("too many relations").into());
                }
            }
            Token::EndOfFile => return Ok(found),
            Token::Start(_) | Token::End(_) | Token::Text(_) | Token::Nothing => {}
        }
    }
}

/// A target as a name in the archive.
fn resolve(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    let mut steps: Vec<&str> = if target.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.retain(|step| !step.is_empty());
    steps.join("/")
}

/// A worksheet's or the shared strings' XML.
///
/// # Errors
/// It is not there, or too large.
pub(super) fn large_part(archive: &Archive, name: &str, bytes_max: u64) -> Result<Xml<Unpacked>, Error> {
    Ok(Xml::new(archive.member(name, bytes_max)?.ok_or(Fault::Broken("a part is missing"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_names_in_the_archive() {
        assert_eq!(resolve("xl", "worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(resolve("xl", "/xl/sharedStrings.xml"), "xl/sharedStrings.xml");
        assert_eq!(resolve("", "xl/workbook.xml"), "xl/workbook.xml");
        assert_eq!(resolve("xl/a", "..\\./styles.xml"), "xl/styles.xml");
        assert_eq!(resolve("xl", "../../../../etc/passwd"), "etc/passwd");
    }
}
