//! Experts in a table (art. 13, 24): what an upload is read from and a download is made of, so that one can be sent back as the
//! other.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kit::{
    auth::Caller,
    error::{Refusal, Result},
    sheet::{self, Column, Encoding, Entry, Limits, Problem, Row, Sheet, safe_cell},
};
use proto::qingtian::draws::v1 as pb;

use super::{rules, store::ExpertRow};
use crate::draws::rules::text as instant;

/// Rows of one upload at the most.
pub const ROWS_MAX: u64 = 5_000;

/// Fields of a table with their Chinese headers.
const FIELDS: [(&str, &str); 6] = [
    ("key", "专家编号"),
    ("real_name", "姓名"),
    ("employer", "工作单位"),
    ("specialties", "专业"),
    ("districts", "区划"),
    ("interests", "利害关系"),
];
const KEY: usize = 0;

/// What a table says of one expert; a cell left empty says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    pub line: u64,
    pub key: String,
    real_name: Option<String>,
    employer: Option<String>,
    specialties: Option<Vec<String>>,
    districts: Option<Vec<String>>,
    interests: Option<Vec<pb::Interest>>,
}

impl Given {
    /// What is known of an expert, with what the table says.
    pub fn over(&self, known: pb::Expert) -> pb::Expert {
        pb::Expert {
            real_name: self.real_name.clone().unwrap_or(known.real_name),
            employer: self.employer.clone().unwrap_or(known.employer),
            specialties: self.specialties.clone().unwrap_or(known.specialties),
            districts: self.districts.clone().unwrap_or(known.districts),
            interests: self.interests.clone().unwrap_or(known.interests),
            ..pb::Expert::default()
        }
    }

    /// Why it was returned.
    pub fn problem(&self, refusal: &Refusal) -> Problem {
        let field = refusal.value("field").unwrap_or(FIELDS[KEY].0);
        let (zh, en) = (refusal.message(), refusal.message_en());
        Problem::new(self.line, field, &self.key, refusal.meaning().name, zh, en)
    }
}

/// What a table holds.
#[derive(Debug, Default)]
pub struct Read {
    /// Rows with distinct keys.
    pub given: Vec<Given>,
    pub rows: i64,
    pub returned: i64,
    pub problems: Vec<Problem>,
}

/// Reads a table whole.
///
/// # Errors
/// `FILE_UNREADABLE`; `INVALID` for a mapping that is none.
pub fn read(bytes: &[u8], encoding: Option<Encoding>, mapped: &[String]) -> Result<Read> {
    let headers = headers(mapped)?;
    let limits = Limits { rows_max: ROWS_MAX, ..Limits::default() };
    let sheet = Sheet::open_with(bytes, encoding, |found| Ok(columns(&headers, found)), limits);
    let mut read = Read::default();
    let mut first_lines = HashMap::new();
    for entry in sheet.map_err(unreadable)? {
        read.rows += 1;
        let problems = match entry.map_err(unreadable)? {
            Entry::Refused(problems) => problems,
            Entry::Row(row) => match given(&row) {
                Err(problems) => problems,
                Ok(given) => match first_lines.insert(given.key.clone(), given.line) {
                    None => {
                        read.given.push(given);
                        continue;
                    }
                    Some(first) => vec![duplicate(&given, first)],
                },
            },
        };
        read.returned += 1;
        read.problems.extend(problems);
    }
    Ok(read)
}

fn headers(mapped: &[String]) -> Result<[Option<String>; FIELDS.len()]> {
    let mut headers = [const { None }; FIELDS.len()];
    for entry in mapped {
        let named = entry.split_once('=').map(|(field, header)| (field.trim(), header.trim()));
        let place = named.and_then(|(field, _)| FIELDS.iter().position(|(known, _)| *known == field));
        match (named, place) {
            (Some((_, header)), Some(place)) if !header.is_empty() && headers[place].is_none() => {
                headers[place] = Some(header.to_owned());
            }
            _ => {
                let problem = format!("“{entry}”应为“字段=表头”，每个字段一次 / field=header, each field once");
                return Err(Refusal::invalid("columns", problem));
            }
        }
    }
    Ok(headers)
}

fn columns(mapped: &[Option<String>; FIELDS.len()], found: &[&str]) -> Vec<Column> {
    let column = |(place, (field, zh)): (usize, &(&str, &str))| {
        let header = match &mapped[place] {
            Some(header) => header.as_str(),
            None if found.contains(field) => field,
            None => zh,
        };
        let column = Column::new(*field, header);
        if place == KEY {
            column.required()
        } else if mapped[place].is_some() {
            column
        } else {
            column.optional()
        }
    };
    FIELDS.iter().enumerate().map(column).collect()
}

fn given(row: &Row) -> Result<Given, Vec<Problem>> {
    let cell = |place: usize| Some(row.get(place).trim()).filter(|cell| !cell.is_empty());
    let key = rules::key("key", row.get(KEY)).map_err(|refusal| {
        let (zh, en) = (refusal.message(), refusal.message_en());
        vec![Problem::new(row.line, FIELDS[KEY].0, row.get(KEY), refusal.meaning().name, zh, en)]
    })?;
    let list = |cell: &str| {
        cell.split(['、', ',', '，', ' ']).map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
    };
    let interests = |cell: &str| {
        let each = cell.split([';', '；']).map(str::trim).filter(|one| !one.is_empty());
        each.map(|one| {
            let mut parts = one.split(['|', '｜']).map(|part| part.trim().to_owned());
            let mut part = || parts.next().unwrap_or_default();
            pb::Interest { title: part(), subject: part(), relation: part() }
        })
        .collect()
    };
    Ok(Given {
        line: row.line,
        key,
        real_name: cell(1).map(str::to_owned),
        employer: cell(2).map(str::to_owned),
        specialties: cell(3).map(list),
        districts: cell(4).map(list),
        interests: cell(5).map(interests),
    })
}

fn duplicate(given: &Given, first: u64) -> Problem {
    let zh = format!("与第{first}行编号重复，以第{first}行为准。");
    Problem::new(
        given.line,
        FIELDS[KEY].0,
        &given.key,
        "DUPLICATE",
        zh,
        format!("the same key as on line {first}, which counts"),
    )
}

fn unreadable(error: sheet::Error) -> Refusal {
    use kit::error::Reason;
    Refusal::new(Reason::FileUnreadable).with("problem", format!("{} / {error}", error.zh())).because(error)
}

/// Who exports personal data, when and what for (art. 44), as each row of the file says: rows are copied without their header.
pub fn watermark(caller: &Caller, at: DateTime<Utc>) -> String {
    format!("由 {}（{}）于 {} 导出，用途：{}", caller.actor, caller.organisation, instant(at), caller.purpose.trim())
}

/// Experts as CSV with a byte order mark, cells safe to open. An upload passes over the column of the watermark.
///
/// # Errors
/// `INTERNAL` when the table cannot be written.
pub fn write(rows: &[ExpertRow], private: &[rules::Private], watermark: &str) -> Result<Vec<u8>> {
    let mut table =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer("\u{feff}".as_bytes().to_vec());
    let headers = FIELDS.iter().map(|(_, zh)| *zh).chain(["状态", "退出日期", "导出水印"]);
    table.write_record(headers).map_err(Refusal::internal)?;
    for (row, private) in rows.iter().zip(private) {
        let interest = |one: &rules::Interest| format!("{}|{}|{}", one.title, one.subject, one.relation);
        let interests: Vec<String> = private.interests.iter().map(interest).collect();
        let cells = [
            row.key.clone(),
            private.real_name.clone(),
            row.employer.clone(),
            row.specialties.join("、"),
            row.districts.join("、"),
            interests.join("；"),
            if row.retired_on.is_some() { "退出" } else { "在册" }.to_owned(),
            row.retired_on.map(|day| day.to_string()).unwrap_or_default(),
            watermark.to_owned(),
        ];
        table.write_record(cells.map(|cell| safe_cell(&cell).into_owned())).map_err(Refusal::internal)?;
    }
    table.into_inner().map_err(|error| Refusal::internal(anyhow::anyhow!("{error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_by_field_or_chinese_header_and_says_what_is_wrong() {
        let text = "专家编号,姓名,工作单位,专业,区划,利害关系,备注\n\
                    KF-1,张建国,河南大学,food、drug,龙亭区,某厂|91330000054222688D|顾问;某会||理事,x\n\
                    410202199001011234,李四,某院,,,,\n\
                    KF-1,王五,某院,,,,\n\
                    ,赵六,某院,,,,\n";
        let read = read(text.as_bytes(), None, &[]).unwrap();
        assert_eq!((read.rows, read.returned, read.given.len()), (4, 3, 1));
        let expert = read.given[0].over(pb::Expert::default());
        assert_eq!(expert.specialties, ["food", "drug"]);
        assert_eq!(
            expert.interests[1],
            pb::Interest { title: "某会".into(), subject: String::new(), relation: "理事".into() }
        );
        let reasons: Vec<_> = read.problems.iter().map(|problem| (problem.line, &*problem.reason)).collect();
        assert_eq!(reasons, [(3, "EXPERT_KEY_IS_IDENTITY"), (4, "DUPLICATE"), (5, "MISSING_VALUE")]);
        let empty = read.given[0].over(pb::Expert { employer: "旧".into(), ..Default::default() });
        assert_eq!(empty.employer, "河南大学");
    }

    #[test]
    fn columns_are_mapped_by_known_fields_once() {
        let text = "no,who,where\nKF-1,张建国,河南大学\n";
        let mapped = ["key=no", "real_name=who", "employer=where"].map(str::to_owned);
        assert_eq!(read(text.as_bytes(), None, &mapped).unwrap().given.len(), 1);
        for wrong in [vec!["key"], vec!["nothing=x"], vec!["key=a", "key=b"], vec!["key="]] {
            let wrong: Vec<String> = wrong.into_iter().map(str::to_owned).collect();
            assert!(read(text.as_bytes(), None, &wrong).is_err(), "{wrong:?}");
        }
        assert!(read(text.as_bytes(), None, &[]).is_err(), "no column for the key");
    }
}
