//! Working days and legal days: deadlines of results (art. 18), of feedback on risks (art. 31), of publicity and appeal.
//!
//! Day 1 is the working day after the event. Holidays and make-up days are the official calendar's; a year without one
//! counts Monday to Friday, and what depends on it is provisional. Legal dates are those of Asia/Shanghai.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{DateTime, Datelike as _, Days, FixedOffset, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};

/// The calendars known when this was built. Later ones come as data: see [`Calendar::parse`] and [`Calendar::extend`].
const OFFICIAL: &str = include_str!("../data/workdays.csv");

const HEADER: [&str; 6] = ["year", "holiday", "first", "last", "make_up", "basis"];

/// The longest holiday a calendar may hold, in days: longer ones are a slip of the pen.
const HOLIDAY_DAYS_MAX: i64 = 15;

/// A day that does not follow the week, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    pub workday: bool,
    /// The holiday in Chinese, on make-up days the one they make up for.
    pub holiday: String,
    /// The notice that says so.
    pub basis: String,
    /// The year the notice is of: New Year's holiday may begin in the year before.
    pub year: i32,
}

/// Which days are worked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    years: BTreeSet<i32>,
    exceptions: BTreeMap<NaiveDate, Exception>,
}

/// The last day of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The last day; the clock ends with it.
    pub date: NaiveDate,
    /// Whether a day was counted whose year has no official calendar yet.
    pub provisional: bool,
}

/// Why a text is not a calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the calendar: {why}")]
pub struct CalendarError {
    pub line: usize,
    pub why: String,
}

impl Calendar {
    /// The official calendars this was built with.
    pub fn official() -> &'static Self {
        // Its tests read every day of it, so it parses.
        static CALENDAR: LazyLock<Calendar> = LazyLock::new(|| Calendar::parse(OFFICIAL).unwrap_or_default());
        &CALENDAR
    }

    /// Reads a calendar: `year,holiday,first,last,make_up,basis` under a header, dates as YYYY-MM-DD, make-up days
    /// separated by spaces, lines beginning with # ignored.
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let mut calendar = Self::default();
        let lines =
            text.lines().enumerate().map(|(place, line)| (place + 1, line.trim_start_matches('\u{feff}').trim()));
        let mut rows = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let header = rows.next().map(|(_, line)| line).unwrap_or_default();
        if header.split(',').map(str::trim).ne(HEADER) {
            let why = format!("表头应为 / the header must be {}", HEADER.join(","));
            return Err(CalendarError { line: 1, why });
        }
        for (line, row) in rows {
            calendar.add(row).map_err(|why| CalendarError { line, why })?;
        }
        Ok(calendar)
    }

    fn add(&mut self, row: &str) -> Result<(), String> {
        let cells: Vec<&str> = row.split(',').map(str::trim).collect();
        let Ok([year, holiday, first, last, make_up, basis]) = <[&str; 6]>::try_from(cells) else {
            return Err(format!("应有 {0} 格 / {0} cells are needed", HEADER.len()));
        };
        let year: i32 = year.parse().map_err(|_| format!("“{year}”不是年份 / is not a year"))?;
        let day = |text: &str| {
            let day: NaiveDate = text.parse().map_err(|_| format!("“{text}”不是日期 / is not a date"))?;
            // New Year's holiday may begin in the last days of the year before.
            let near = day.year() == year || (day.year() == year - 1 && day.month() == 12);
            if near { Ok(day) } else { Err(format!("{text} 不在 {year} 年 / is not in {year}")) }
        };
        let (first, last) = (day(first)?, day(last)?);
        let days = (last - first).num_days() + 1;
        if !(1..=HOLIDAY_DAYS_MAX).contains(&days) {
            return Err(format!("假期为 {days} 天，有误 / a holiday of {days} days"));
        }
        if holiday.is_empty() || basis.is_empty() {
            return Err("缺少节日名称或依据 / a holiday needs a name and a basis".into());
        }
        let mut found: Vec<(NaiveDate, bool)> =
            first.iter_days().take_while(|day| *day <= last).map(|day| (day, false)).collect();
        for text in make_up.split_whitespace() {
            found.push((day(text)?, true));
        }
        for (day, workday) in found {
            let exception = Exception { workday, holiday: holiday.to_owned(), basis: basis.to_owned(), year };
            if self.exceptions.insert(day, exception).is_some() {
                return Err(format!("{day} 重复 / stands there twice"));
            }
        }
        self.years.insert(year);
        Ok(())
    }

    /// This calendar with the years of a newer one in the place of its own.
    pub fn extend(&self, newer: &Self) -> Self {
        let (mut years, mut exceptions) = (self.years.clone(), self.exceptions.clone());
        exceptions.retain(|_, exception| !newer.years.contains(&exception.year));
        years.extend(&newer.years);
        exceptions.extend(newer.exceptions.clone());
        Self { years, exceptions }
    }

    /// What [`Calendar::official`] says of a year, as [`Calendar::parse`] reads it; the header alone for a year without.
    pub fn official_text(year: i32) -> String {
        let of_year = |line: &&str| line.split(',').next() == Some(&year.to_string());
        std::iter::once(HEADER.join(",").as_str())
            .chain(OFFICIAL.lines().filter(of_year))
            .fold(String::new(), |all, line| all + line + "\n")
    }

    /// The days that do not follow the week, in their order.
    pub fn exceptions(&self) -> impl Iterator<Item = (NaiveDate, &Exception)> {
        self.exceptions.iter().map(|(day, exception)| (*day, exception))
    }

    /// The years with an official calendar, ascending.
    pub fn years(&self) -> impl Iterator<Item = i32> {
        self.years.iter().copied()
    }

    pub fn is_official(&self, year: i32) -> bool {
        self.years.contains(&year)
    }

    pub fn is_workday(&self, date: NaiveDate) -> bool {
        match self.exceptions.get(&date) {
            Some(exception) => exception.workday,
            None => !matches!(date.weekday(), Weekday::Sat | Weekday::Sun),
        }
    }

    /// Why a day does not follow the week; None if it does.
    pub fn exception(&self, date: NaiveDate) -> Option<&Exception> {
        self.exceptions.get(&date)
    }

    /// The `days`th working day after `start`. With 0 days it is `start` itself.
    pub fn due(&self, start: NaiveDate, days: u16) -> Due {
        let mut due = Due { date: start, provisional: false };
        let mut left = days;
        while left > 0 {
            let Some(next) = due.date.succ_opt() else { break };
            due.date = next;
            due.provisional |= !self.is_official(next.year());
            left -= u16::from(self.is_workday(next));
        }
        due
    }

    /// The working days after `start` up to and including `until`; 0 when `until` is not after `start`.
    pub fn count(&self, start: NaiveDate, until: NaiveDate) -> u32 {
        let days = start.iter_days().skip(1).take_while(|day| *day <= until);
        days.map(|day| u32::from(self.is_workday(day))).sum()
    }
}

/// China has had one time without summer changes since 1991.
const SHANGHAI_SECS_EAST: i32 = 8 * 3600;

/// The date in Asia/Shanghai at an instant: the legal day of an event.
pub fn legal_day(instant: DateTime<Utc>) -> NaiveDate {
    match FixedOffset::east_opt(SHANGHAI_SECS_EAST) {
        Some(shanghai) => instant.with_timezone(&shanghai).date_naive(),
        None => instant.date_naive(),
    }
}

/// The instant a legal day ends, which is the first that is too late for a deadline on that day.
pub fn legal_day_end(day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.checked_add_days(Days::new(1)).unwrap_or(day).and_time(NaiveTime::MIN);
    (midnight - TimeDelta::seconds(i64::from(SHANGHAI_SECS_EAST))).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn ten_working_days_over_every_long_holiday() {
        let vectors = [
            ("2022-09-29", "2022-10-18"),
            ("2024-02-06", "2024-02-26"),
            ("2024-09-27", "2024-10-16"),
            ("2025-01-24", "2025-02-13"),
            ("2025-09-29", "2025-10-20"),
        ];
        for (start, end) in vectors {
            let due = Calendar::official().due(day(start), 10);
            assert_eq!(due, Due { date: day(end), provisional: false }, "{start}");
            assert_eq!(Calendar::official().count(day(start), due.date), 10);
        }
    }

    #[test]
    fn an_event_on_a_day_off_starts_the_clock_on_the_next_working_day() {
        let calendar = Calendar::official();
        assert_eq!(calendar.due(day("2025-10-03"), 1).date, day("2025-10-09"));
        assert_eq!(calendar.due(day("2025-09-27"), 1).date, day("2025-09-28"), "a Sunday made up for");
        assert_eq!(calendar.due(day("2025-09-27"), 0).date, day("2025-09-27"));
    }

    #[test]
    fn a_year_without_a_calendar_is_provisional_until_one_comes() {
        let calendar = Calendar::official();
        assert_eq!(calendar.years().collect::<Vec<_>>(), [2022, 2023, 2024, 2025, 2026]);
        let due = calendar.due(day("2026-12-28"), 5);
        assert_eq!(due, Due { date: day("2027-01-04"), provisional: true });
        assert!(!calendar.due(day("2026-12-28"), 3).provisional);
        let text = "year,holiday,first,last,make_up,basis\n2027,元旦,2027-01-01,2027-01-03,,某号\n";
        let extended = calendar.extend(&Calendar::parse(text).unwrap());
        assert_eq!(extended.due(day("2026-12-28"), 5), Due { date: day("2027-01-05"), provisional: false });
        assert_eq!(extended.due(day("2022-09-29"), 10), calendar.due(day("2022-09-29"), 10));
    }

    #[test]
    fn a_corrected_year_replaces_its_own_days_alone() {
        let header = "year,holiday,first,last,make_up,basis";
        let parse = |rows: &str| Calendar::parse(&format!("{header}\n{rows}\n")).unwrap();
        let known = parse("2027,春节,2027-02-06,2027-02-12,,甲号\n2028,元旦,2027-12-31,2028-01-02,,乙号");
        let corrected = known.extend(&parse("2027,春节,2027-02-05,2027-02-11,,甲号更正"));
        assert!(!corrected.is_workday(day("2027-02-05")) && corrected.is_workday(day("2027-02-12")));
        assert!(!corrected.is_workday(day("2027-12-31")), "a day of the notice for 2028");
        let moved = corrected.extend(&parse("2028,元旦,2028-01-01,2028-01-03,,乙号更正"));
        assert!(moved.is_workday(day("2027-12-31")) && !moved.is_workday(day("2028-01-03")));
        assert!(!moved.is_workday(day("2027-02-05")));
    }

    #[test]
    fn a_calendar_with_a_slip_is_refused_with_its_line() {
        let header = "year,holiday,first,last,make_up,basis";
        for (row, why) in [
            ("2027,元旦,2027-01-01,2027-01-03,", "6 cells"),
            ("2027,元旦,2027-01-01,2026-12-30,,某号", "-1 days"),
            ("2027,元旦,2027-01-01,2027-01-31,,某号", "31 days"),
            ("2027,元旦,2027-01-01,2028-01-03,,某号", "not in 2027"),
            ("2027,元旦,2027-02-30,2027-03-03,,某号", "not a date"),
            ("2027,,2027-01-01,2027-01-03,,某号", "a name"),
            ("2027,元旦,2027-01-01,2027-01-03,2027-01-02,某号", "twice"),
        ] {
            let error = Calendar::parse(&format!("{header}\n# comment\n{row}\n")).unwrap_err();
            assert_eq!(error.line, 3, "{row}");
            assert!(error.why.contains(why), "{row}: {error}");
        }
        assert!(Calendar::parse("date,kind\n").is_err());
    }

    #[test]
    fn exceptions_name_the_holiday_and_the_notice() {
        let exception = Calendar::official().exception(day("2025-09-28")).unwrap();
        assert!(exception.workday);
        assert_eq!(exception.holiday, "国庆节、中秋节");
        assert_eq!(exception.basis, "国办发明电〔2024〕12号");
    }

    #[test]
    fn legal_days_change_at_midnight_in_shanghai() {
        let instant: DateTime<Utc> = "2025-03-31T15:59:59.999Z".parse().unwrap();
        assert_eq!(legal_day(instant), day("2025-03-31"));
        assert_eq!(legal_day("2025-03-31T16:00:00Z".parse().unwrap()), day("2025-04-01"));
        assert_eq!(legal_day_end(day("2025-03-31")), "2025-03-31T16:00:00Z".parse::<DateTime<Utc>>().unwrap());
    }

    /// Another compilation of the same notices, day by day.
    #[test]
    fn every_day_of_five_years_agrees_with_an_independent_calendar() {
        let Some(folder) = std::env::var_os("QINGTIAN_DATA") else {
            eprintln!("SKIPPED: QINGTIAN_DATA is not set");
            return;
        };
        let path = std::path::Path::new(&folder).join("workdays_cn_2022_2026.csv");
        let mut reader = csv::Reader::from_path(path).unwrap();
        let mut days = 0;
        for row in reader.records() {
            let row = row.unwrap();
            let date = day(&row[0]);
            assert_eq!(Calendar::official().is_workday(date), &row[2] == "1", "{date}");
            // It also calls the weekends beside a holiday by the holiday's name; the notices do not always.
            let exception = Calendar::official().exception(date);
            match &row[3] {
                "makeup_workday" => assert!(exception.is_some_and(|exception| exception.workday), "{date}"),
                "workday" => assert_eq!(exception, None, "{date}"),
                "public_holiday" | "weekend" => {
                    assert!(!exception.is_some_and(|exception| exception.workday), "{date}")
                }
                other => panic!("{date}: {other}"),
            }
            days += 1;
        }
        assert_eq!(days, 1_826);
    }

    proptest! {
        #[test]
        fn a_deadline_is_the_working_day_that_completes_the_count(offset in 0..2_500_u64, days in 1..200_u16) {
            let start = day("2021-06-01") + Days::new(offset);
            let calendar = Calendar::official();
            let due = calendar.due(start, days);
            prop_assert!(calendar.is_workday(due.date));
            prop_assert_eq!(calendar.count(start, due.date), u32::from(days));
            prop_assert!(calendar.due(start, days + 1).date > due.date);
            prop_assert!(calendar.due(start + Days::new(1), days).date >= due.date);
            let all_official = start.succ_opt().unwrap().iter_days().take_while(|day| *day <= due.date)
                .all(|day| calendar.is_official(day.year()));
            prop_assert_eq!(due.provisional, !all_official);
        }

        #[test]
        fn an_instant_lies_within_its_legal_day(seconds in 0..4_000_000_000_i64) {
            let instant = DateTime::from_timestamp(seconds, 0).unwrap();
            let day = legal_day(instant);
            prop_assert!(instant < legal_day_end(day));
            prop_assert!(instant >= legal_day_end(day.pred_opt().unwrap()));
        }
    }
}
