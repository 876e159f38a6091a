//! What a calendar's file must hold, what may happen to a version, and which questions about deadlines have an answer.

use std::ops::RangeInclusive;

use chrono::{Datelike as _, NaiveDate};
use kit::{
    error::{Reason, Refusal, Result},
    workdays::Calendar,
};

/// Bytes of a calendar at the most.
const CONTENT_BYTES_MAX: usize = 64 << 10;
/// Years a calendar or a question may be of.
const YEARS: RangeInclusive<i32> = 2000..=2100;
/// Working days one may ask for.
const DAYS: RangeInclusive<i32> = 1..=1_000;
/// Characters of a reason at the most.
const REASON_CHARS_MAX: usize = 500;

/// A year's calendar as read from a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Year {
    pub year: i32,
    /// Without comments and blank lines, so that the same days are the same text.
    pub content: String,
    /// The notices, each once.
    pub bases: Vec<String>,
}

impl Year {
    /// Reads the calendar of one year.
    ///
    /// # Errors
    /// `TOO_LARGE`; `FILE_UNREADABLE` with the line; `CALENDAR_OF_ONE_YEAR`.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > CONTENT_BYTES_MAX {
            return Err(Refusal::new(Reason::TooLarge).with("limit", "64 KiB"));
        }
        let unreadable = |problem: String| Refusal::new(Reason::FileUnreadable).with("problem", problem);
        if text.contains('\0') {
            return Err(unreadable("含有空字符 / it holds a NUL".into()));
        }
        let calendar = Calendar::parse(text)
            .map_err(|error| unreadable(format!("第 {} 行 / line {}: {}", error.line, error.line, error.why)))?;
        let years: Vec<i32> = calendar.years().collect();
        let [year] = years[..] else {
            let years: Vec<String> = years.iter().map(ToString::to_string).collect();
            return Err(Refusal::new(Reason::CalendarOfOneYear).with("years", years.join(", ")));
        };
        if !YEARS.contains(&year) {
            return Err(unreadable(format!("{year}: {} – {}", YEARS.start(), YEARS.end())));
        }
        let mut bases: Vec<String> = calendar.exceptions().map(|(_, day)| day.basis.clone()).collect();
        bases.sort();
        bases.dedup();
        let lines = text.lines().map(|line| line.trim_start_matches('\u{feff}').trim());
        let content =
            lines.filter(|line| !line.is_empty() && !line.starts_with('#')).fold(String::new(), |all, line| {
                let cells: Vec<&str> = line.split(',').map(str::trim).collect();
                all + &cells.join(",") + "\n"
            });
        Ok(Self { year, content, bases })
    }
}

/// State of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    InReview,
    Official,
    Replaced,
    Rejected,
}

impl State {
    pub const ALL: [Self; 4] = [Self::InReview, Self::Official, Self::Replaced, Self::Rejected];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::InReview => "IN_REVIEW",
            Self::Official => "OFFICIAL",
            Self::Replaced => "REPLACED",
            Self::Rejected => "REJECTED",
        }
    }

    /// As stored; the database holds no others.
    pub fn stored(text: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.as_str() == text).unwrap_or(Self::Rejected)
    }

    /// What a decision makes of a version that waits.
    ///
    /// # Errors
    /// `WRONG_STATE` when none is due.
    pub fn decide(self, name: &str, approved: bool) -> Result<Self> {
        match (self, approved) {
            (Self::InReview, true) => Ok(Self::Official),
            (Self::InReview, false) => Ok(Self::Rejected),
            (Self::Official | Self::Replaced | Self::Rejected, true) => {
                Err(Refusal::wrong_state(name, self.as_str(), "approve"))
            }
            (Self::Official | Self::Replaced | Self::Rejected, false) => {
                Err(Refusal::wrong_state(name, self.as_str(), "reject"))
            }
        }
    }
}

/// Checks that a version is put in force by another than who entered it.
///
/// # Errors
/// `OWN_ACT`.
pub fn check_second(creator: &str, reviewer: &str) -> Result<()> {
    if creator == reviewer { Err(Refusal::new(Reason::OwnAct)) } else { Ok(()) }
}

/// Why a version is sent back.
///
/// # Errors
/// `INVALID` for no reason or too long a one.
pub fn reason(text: &str) -> Result<&str> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > REASON_CHARS_MAX || text.contains('\0') {
        return Err(Refusal::invalid("reason", format!("1 – {REASON_CHARS_MAX}")));
    }
    Ok(text)
}

/// A question for the end of a deadline.
///
/// # Errors
/// `INVALID` for what is no day, or outside the bounds.
pub fn question(start: &str, days: i32) -> Result<(NaiveDate, u16)> {
    let bad = || Refusal::invalid("start", "YYYY-MM-DD，2000-01-01 – 2100-12-31");
    let day: NaiveDate = start.parse().map_err(|_| bad())?;
    // `parse` takes `2026-9-5` too, which is none of the contract's dates.
    if !YEARS.contains(&day.year()) || day.to_string() != start {
        return Err(bad());
    }
    let days = u16::try_from(days).ok().filter(|_| DAYS.contains(&days));
    Ok((day, days.ok_or_else(|| Refusal::invalid("days", format!("{} – {}", DAYS.start(), DAYS.end())))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "year,holiday,first,last,make_up,basis";

    #[test]
    fn a_file_holds_one_year_and_its_notices() {
        let text = format!(
            "\u{feff}# 2027\n{HEADER}\n\n2027, 元旦 ,2027-01-01,2027-01-03,,甲号\n2027,春节,2027-02-06,2027-02-12,2027-02-14,甲号\n"
        );
        let year = Year::parse(&text).unwrap();
        assert_eq!((year.year, year.bases.as_slice()), (2027, ["甲号".to_owned()].as_slice()));
        assert_eq!(Year::parse(&year.content).unwrap(), year, "what is kept reads the same");
        assert_eq!(year.content.lines().nth(1), Some("2027,元旦,2027-01-01,2027-01-03,,甲号"));
    }

    #[test]
    fn a_file_of_no_year_or_several_or_with_a_slip_is_refused() {
        let two = format!("{HEADER}\n2027,元旦,2027-01-01,2027-01-03,,甲号\n2028,元旦,2028-01-01,2028-01-03,,乙号\n");
        let refused = Year::parse(&two).unwrap_err();
        assert_eq!((refused.reason(), refused.value("years")), (Reason::CalendarOfOneYear, Some("2027, 2028")));
        assert_eq!(Year::parse(HEADER).unwrap_err().reason(), Reason::CalendarOfOneYear);
        for slip in ["", "2027-01-01", "a\0b"] {
            assert_eq!(Year::parse(slip).unwrap_err().reason(), Reason::FileUnreadable, "{slip:?}");
        }
        let bad = Year::parse(&format!("{HEADER}\n2027,元旦,2027-01-01,2027-02-31,,甲号\n")).unwrap_err();
        assert!(bad.message().contains("第 2 行"), "{}", bad.message());
        let far = Year::parse(&format!("{HEADER}\n2127,元旦,2127-01-01,2127-01-03,,甲号\n")).unwrap_err();
        assert_eq!(far.reason(), Reason::FileUnreadable);
        assert_eq!(Year::parse(&"#".repeat(70_000)).unwrap_err().reason(), Reason::TooLarge);
    }

    #[test]
    fn a_version_is_decided_on_once() {
        for state in State::ALL {
            assert_eq!(State::stored(state.as_str()), state);
            for approved in [true, false] {
                let decided = state.decide("calendars/2027-1", approved);
                match state {
                    State::InReview => assert_eq!(decided.unwrap() == State::Official, approved),
                    _ => assert_eq!(decided.unwrap_err().reason(), Reason::WrongState),
                }
            }
        }
    }

    #[test]
    fn questions_keep_to_dates_and_bounds() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(question("2026-09-25", 10).unwrap(), (day("2026-09-25"), 10));
        assert!(question("2000-01-01", 1).is_ok() && question("2100-12-31", 1_000).is_ok());
        for (start, days, field) in [
            ("", 10, "start"),
            ("2026-02-30", 10, "start"),
            ("2026-9-5", 10, "start"),
            ("1999-12-31", 10, "start"),
            ("2101-01-01", 10, "start"),
            ("2026-09-25", 0, "days"),
            ("2026-09-25", -1, "days"),
            ("2026-09-25", 1_001, "days"),
            ("2026-09-25", i32::MAX, "days"),
        ] {
            let refused = question(start, days).unwrap_err();
            assert_eq!((refused.reason(), refused.value("field")), (Reason::Invalid, Some(field)), "{start} {days}");
        }
    }
}
