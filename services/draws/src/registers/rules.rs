//! What enters a register (art. 13): a row of an uploaded table is parsed whole or returned with everything that is wrong
//! with it. Nothing is mended on the way but the blanks around a cell.

use kit::{
    codes::{DistrictCode, SubjectKey},
    error::{Refusal, Result},
    sheet::{Column, Problem, Row},
};

use super::life::Life;

/// An enforcement officer available for draws.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Officer {
    /// Certificate number.
    pub key: String,
    /// `organisations/{organisation}`.
    pub organisation: String,
    /// Districts covered.
    pub districts: Vec<String>,
    /// Specialties.
    pub specialties: Vec<String>,
}

/// A subject within a plan's scope, as a line of COPY's text form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSubject<'a> {
    /// Key.
    pub key: &'a str,
    /// District, six digits.
    pub district: &'a str,
    /// Credit class; empty for none.
    pub class: &'a str,
    /// Why it cannot be drawn; none for those in the pool.
    pub left_out: Option<&'a str>,
    /// Registered name, as COPY writes it.
    title: &'a [u8],
}

impl<'a> PoolSubject<'a> {
    /// Reads `key TAB district TAB class TAB reason TAB title LF`, the reason being `\N` where there is none. Only titles can
    /// hold anything that COPY writes otherwise than it is.
    #[must_use]
    pub fn of_line(line: &'a [u8]) -> Option<Self> {
        let mut title = line.strip_suffix(b"\n")?;
        let mut column = || {
            let (column, rest) = title.split_at_checked(memchr::memchr(b'\t', title)?)?;
            title = &rest[1..];
            std::str::from_utf8(column).ok()
        };
        let (key, district, class, reason) = (column()?, column()?, column()?, column()?);
        Some(Self { key, district, class, left_out: (reason != r"\N").then_some(reason), title })
    }

    /// Appends the registered name, without anything that would end its line or its column.
    pub fn write_title(&self, out: &mut Vec<u8>) {
        // Nearly all are plain; this is looked at several bytes at a time.
        if !self.title.iter().fold(false, |odd, &byte| odd | (byte == b'\\') | byte.is_ascii_control()) {
            out.extend_from_slice(self.title);
            return;
        }
        let mut bytes = self.title.iter().copied();
        while let Some(byte) = bytes.next() {
            out.push(match byte {
                // COPY writes TAB as \t, LF as \n and so on, and a backslash as two.
                b'\\' if bytes.next() == Some(b'\\') => b'\\',
                b'\\' => b' ',
                _ if byte.is_ascii_control() => b' ',
                _ => byte,
            });
        }
    }
}

/// Fields a table may hold, in the order in which they are asked for.
pub const FIELDS: [&str; 7] = ["key", "title", "district", "industry", "address", "status", "credit_class"];
const KEY: usize = 0;
const TITLE: usize = 1;
const DISTRICT: usize = 2;
const INDUSTRY: usize = 3;
const ADDRESS: usize = 4;
const STATUS: usize = 5;
const CREDIT_CLASS: usize = 6;

/// Characters of a title at the most.
const TITLE_CHARS_MAX: usize = 200;
const INDUSTRY_CHARS_MAX: usize = 100;
const ADDRESS_CHARS_MAX: usize = 500;

/// The columns of a table: `field=header` for those that are named otherwise than the fields.
///
/// # Errors
/// `INVALID` for what is not `field=header` of a known field, or a field named twice.
pub fn columns(mapped: &[String], needs_district: bool) -> Result<Vec<Column>> {
    let mut headers: [Option<&str>; FIELDS.len()] = [None; FIELDS.len()];
    for entry in mapped {
        let named = entry.split_once('=').map(|(field, header)| (field.trim(), header.trim()));
        let place = named.and_then(|(field, _)| FIELDS.iter().position(|known| *known == field));
        let (Some((field, header)), Some(place)) = (named, place) else {
            let fields = FIELDS.join(", ");
            return Err(Refusal::invalid("columns", format!("“{entry}”应为“字段=表头” / field=header; {fields}")));
        };
        if header.is_empty() || headers[place].replace(header).is_some() {
            return Err(Refusal::invalid("columns", format!("“{field}”重复或没有表头 / twice or without a header")));
        }
    }
    let column = |place: usize| {
        let (field, header) = (FIELDS[place], headers[place]);
        let column = Column::new(field, header.unwrap_or(field));
        match place {
            KEY | TITLE => column.required(),
            DISTRICT if needs_district => column,
            // What was mapped must be there.
            _ if header.is_some() => column,
            _ => column.optional(),
        }
    };
    Ok((0..FIELDS.len()).map(column).collect())
}

/// A row fit for the register. What a table does not say leaves untouched what the register knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Key.
    pub key: SubjectKey,
    /// Registered name.
    pub title: String,
    /// District.
    pub district: DistrictCode,
    /// Industry, where given.
    pub industry: Option<String>,
    /// Address, where given.
    pub address: Option<String>,
    /// Status of life, where given; whoever is new and has none is in business.
    pub life: Option<Life>,
    /// Credit class of the province, `A` to `D` or empty for unclassified, where given (art. 17).
    pub class: Option<&'static str>,
}

/// Parses a row.
///
/// # Errors
/// Every problem of the row.
pub fn parse(row: &Row, default_district: Option<DistrictCode>) -> Result<Given, Vec<Problem>> {
    let cell = |place: usize| row.get(place).trim();
    let mut problems = Vec::new();
    let key = SubjectKey::from_register(cell(KEY));
    if let Err(error) = &key {
        problems.push(problem(row, KEY, error.reason(), error.zh(), error.to_string()));
    }
    let district = match (cell(DISTRICT), default_district) {
        ("", Some(district)) => Some(district),
        ("", None) => {
            let zh = "本行没有区划，也没有指定默认区划；请补充六位区划代码。";
            let en = "no district, and no default district was given";
            problems.push(problem(row, DISTRICT, "MISSING_DISTRICT", zh.into(), en.into()));
            None
        }
        (given, _) if given.starts_with(|first: char| first.is_ascii_digit()) => DistrictCode::parse(given)
            .map_err(|error| problems.push(problem(row, DISTRICT, error.reason(), error.zh(), error.to_string())))
            .ok(),
        (given, _) => DistrictCode::named(given).or_else(|| {
            let zh = "本市没有这个名称的区县；请填写六位区划代码（如410202）或区县全称（如龙亭区）。";
            let en = "no district of the city is called so; write its six digits (410202) or its full name (龙亭区)";
            problems.push(problem(row, DISTRICT, "DISTRICT_UNKNOWN", zh.into(), en.into()));
            None
        }),
    };
    for (place, chars_max) in [(TITLE, TITLE_CHARS_MAX), (INDUSTRY, INDUSTRY_CHARS_MAX), (ADDRESS, ADDRESS_CHARS_MAX)] {
        if cell(place).chars().count() > chars_max {
            let (zh, en) = (format!("超过{chars_max}字，请缩短。"), format!("more than {chars_max} characters"));
            problems.push(problem(row, place, "TOO_LONG", zh, en));
        }
    }
    let life = status(cell(STATUS)).unwrap_or_else(|()| {
        let zh = "无法识别的登记状态；请填写在业、存续、开业，或注销、吊销、歇业、迁出。";
        let en = "unknown status; write 在业 (in business) or 注销, 吊销, 歇业, 迁出 (not in business)";
        problems.push(problem(row, STATUS, "STATUS_UNKNOWN", zh.into(), en.into()));
        None
    });
    let class = class(cell(CREDIT_CLASS)).unwrap_or_else(|()| {
        let zh = "无法识别的信用等级；请填写A、B、C、D，或未分类；留空则保持原有等级。";
        let en = "unknown credit class; write A, B, C, D or 未分类 (unclassified), or nothing to leave it as it is";
        problems.push(problem(row, CREDIT_CLASS, "CREDIT_CLASS_UNKNOWN", zh.into(), en.into()));
        None
    });
    let some = |place: usize| (!cell(place).is_empty()).then(|| cell(place).to_owned());
    match (key, district) {
        (Ok(key), Some(district)) if problems.is_empty() => Ok(Given {
            key,
            title: cell(TITLE).to_owned(),
            district,
            industry: some(INDUSTRY),
            address: some(ADDRESS),
            life,
            class,
        }),
        _ => Err(problems),
    }
}

/// What a word of the registers says; none when nothing is said.
fn status(word: &str) -> Result<Option<Life>, ()> {
    if word.is_empty() {
        return Ok(None);
    }
    Life::word(word).map(Some).ok_or(())
}

/// Credit classes as a table names them, each with what the register keeps. An export writes the first that fits.
const CLASSES: [(&str, &str); 6] =
    [("A", "A"), ("B", "B"), ("C", "C"), ("D", "D"), (UNCLASSIFIED, ""), ("UNCLASSIFIED", "")];
/// What a table says of whoever is in no class.
const UNCLASSIFIED: &str = "未分类";

/// What a credit class is called in a table; read in again it says the same.
pub fn class_word(kept: &str) -> &str {
    if kept.is_empty() { UNCLASSIFIED } else { kept }
}

/// The class the province's list gives (art. 17); none when nothing is said. A class is its province's: none is guessed.
fn class(word: &str) -> Result<Option<&'static str>, ()> {
    if word.is_empty() {
        return Ok(None);
    }
    CLASSES.into_iter().find(|(called, _)| *called == word).map(|(_, kept)| Some(kept)).ok_or(())
}

fn problem(row: &Row, place: usize, reason: &'static str, zh: String, en: String) -> Problem {
    Problem::new(row.line, FIELDS[place], row.get(place), reason, zh, en)
}

/// A key that stood on an earlier line of the same file.
pub fn duplicate(line: u64, key: &str, first: u64) -> Problem {
    let zh = format!("与第{first}行重复，以第{first}行为准。");
    Problem::new(line, FIELDS[KEY], key, "DUPLICATE", zh, format!("the same key as on line {first}, which counts"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_pool_is_read_as_copy_writes_it() {
        let line = "91410202MA40000001\t410202\tC\t\\N\t甲\\t乙\\\\N丙\u{7f}\n";
        let one = PoolSubject::of_line(line.as_bytes()).unwrap();
        assert_eq!((one.key, one.district, one.class, one.left_out), ("91410202MA40000001", "410202", "C", None));
        let mut title = Vec::new();
        one.write_title(&mut title);
        assert_eq!(String::from_utf8(title).unwrap(), "甲 乙\\N丙 ");
        let left_out = PoolSubject::of_line(b"k:1\t410203\t\tREVOKED\tx\n").unwrap();
        assert_eq!((left_out.class, left_out.left_out), ("", Some("REVOKED")));
        for wrong in [&b"k\t410202\t\tx\n"[..], b"k\t410202\t\t\\N\tx", b"\xff\t410202\t\t\\N\tx\n"] {
            assert_eq!(PoolSubject::of_line(wrong), None);
        }
    }

    const LONGTING: &str = "410202";

    /// A row of everything but the credit class, which is said to be `C`.
    fn row(cells: [&str; 6]) -> Row {
        classed(cells, " C ")
    }

    fn classed(cells: [&str; 6], class: &str) -> Row {
        Row { line: 7, values: cells.into_iter().chain([class]).map(str::to_owned).collect() }
    }

    fn reasons(cells: [&str; 6]) -> Vec<(String, String)> {
        let problems = parse(&row(cells), None).unwrap_err();
        problems.into_iter().map(|problem| (problem.field, problem.reason.into_owned())).collect()
    }

    #[test]
    fn a_row_is_parsed_whole() {
        let cells = [" 91330000054222688D ", "浙江万捷汽车有限公司 ", LONGTING, "F5261", "郑开大道1号", "存续"];
        let given = parse(&row(cells), None).unwrap();
        assert_eq!(given.key.to_string(), "91330000054222688D");
        assert_eq!((given.title.as_str(), given.life), ("浙江万捷汽车有限公司", Some(Life::InBusiness)));
        assert_eq!(given.class, Some("C"));
        let bare = parse(&row(["330000000008000", "甲", "", "", "", ""]), DistrictCode::parse(LONGTING).ok()).unwrap();
        assert_eq!((bare.key.to_string().as_str(), bare.key.is_old()), ("reg:330000000008000", true));
        assert_eq!((bare.industry, bare.life), (None, None));
        let named = parse(&row(["330000000008000", "甲", " 开封市龙亭区", "", "", ""]), None).unwrap();
        assert_eq!(named.district.as_str(), LONGTING);
    }

    #[test]
    fn a_row_says_everything_that_is_wrong_with_it() {
        let found = reasons(["91330000054222688E", &"长".repeat(201), "99", "", "", "不详"]);
        let expected = [
            ("key", "CODE_CHECK_DIGIT"),
            ("district", "CODE_LENGTH"),
            ("title", "TOO_LONG"),
            ("status", "STATUS_UNKNOWN"),
        ];
        assert_eq!(found, expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
        assert_eq!(reasons(["91330000054222688D", "甲", "", "", "", ""])[0].1, "MISSING_DISTRICT");
        assert_eq!(reasons(["91330000054222688D", "甲", "金明区", "", "", ""])[0].1, "DISTRICT_UNKNOWN");
        assert_eq!(reasons(["91330000054222688d", "甲", LONGTING, "", "", ""])[0].1, "CODE_CHARACTER");
    }

    #[test]
    fn a_credit_class_is_one_of_the_provinces_or_not_said() {
        let cells = ["91330000054222688D", "甲", LONGTING, "", "", ""];
        for kept in ["A", "B", "C", "D", ""] {
            assert_eq!(parse(&classed(cells, class_word(kept)), None).unwrap().class, Some(kept));
        }
        assert_eq!(parse(&classed(cells, "UNCLASSIFIED"), None).unwrap().class, Some(""));
        assert_eq!(parse(&classed(cells, " "), None).unwrap().class, None);
        for wrong in ["E", "a", "AA", "A类", "优秀"] {
            let problems = parse(&classed(cells, wrong), None).unwrap_err();
            let told: Vec<_> = problems.iter().map(|one| (one.field.as_str(), &*one.reason, &*one.value)).collect();
            assert_eq!(told, [("credit_class", "CREDIT_CLASS_UNKNOWN", wrong)]);
        }
    }

    #[test]
    fn columns_are_mapped_by_known_fields_once() {
        assert_eq!(columns(&["key=code".into(), "title=name".into()], false).unwrap().len(), FIELDS.len());
        for wrong in [vec!["code"], vec!["nothing=x"], vec!["key=a", "key=b"], vec!["key="]] {
            let wrong: Vec<String> = wrong.into_iter().map(str::to_owned).collect();
            assert!(columns(&wrong, false).is_err(), "{wrong:?}");
        }
    }
}
