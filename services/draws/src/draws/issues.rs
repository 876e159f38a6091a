//! Issues of the national lottery (双色球) as beacons (art. 15; protocol, section 1): which issue certainly lies in the future.
//! Nobody is asked: issues are numbered `YYYYNNN` from 001 each year, drawn on Tuesday, Thursday and Sunday at 21:15 in China,
//! and where the lottery pauses (Spring Festival, National Day) an issue only comes later. So the Nth of those days is the
//! earliest on which issue N can be drawn, and an issue whose earliest day is to come is known to nobody.

use chrono::{DateTime, Datelike, Days, Duration, FixedOffset, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};

/// China's time, the whole year through.
const EAST_SECS: i32 = 8 * 3_600;
/// Hour and minute of the drawing.
const DRAWN_AT: (u32, u32) = (21, 15);
/// What an issue can be late by. A year's pauses come to about two weeks; the longest there ever was, in the spring of 2020, put
/// 49 days between two issues. Whoever names a later time means another issue.
pub const LATE_MAX: Duration = Duration::days(75);

/// An issue `YYYYNNN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issue {
    year: i32,
    /// From 1.
    nth: u32,
}

impl Issue {
    /// Reads a number of a year that has so many days to draw on.
    pub fn parse(number: u64) -> Option<Self> {
        let (year, nth) = (i32::try_from(number / 1_000).ok()?, u32::try_from(number % 1_000).ok()?);
        let issue = Self { year, nth };
        ((2003..=9999).contains(&year) && issue.day().is_some()).then_some(issue)
    }

    /// The number, such as 2026084.
    pub fn number(self) -> String {
        format!("{:04}{:03}", self.year, self.nth)
    }

    /// Year it is of.
    pub fn year(self) -> i32 {
        self.year
    }

    /// The Nth day of its year on which is drawn; none if the year has fewer.
    fn day(self) -> Option<NaiveDate> {
        let place = usize::try_from(self.nth.checked_sub(1)?).ok()?;
        days_of(self.year).nth(place)
    }

    /// The earliest instant at which it can be drawn; none if its year has not so many days.
    pub fn earliest(self) -> Option<DateTime<Utc>> {
        Some(at(self.day()?))
    }

    /// The first issue that can only be drawn after the instant: nobody knows its numbers then.
    pub fn first_after(instant: DateTime<Utc>) -> Option<Self> {
        let year = legal_year(instant)?;
        let in_year = |year: i32| {
            let nth = days_of(year).position(|day| at(day) > instant)?;
            Some(Self { year, nth: u32::try_from(nth + 1).ok()? })
        };
        in_year(year).or_else(|| in_year(year + 1))
    }
}

/// Year of the instant in China.
pub fn legal_year(instant: DateTime<Utc>) -> Option<i32> {
    Some(instant.with_timezone(&FixedOffset::east_opt(EAST_SECS)?).year())
}

fn days_of(year: i32) -> impl Iterator<Item = NaiveDate> {
    let first = NaiveDate::from_ymd_opt(year, 1, 1);
    let days =
        first.into_iter().flat_map(|first| (0..366).filter_map(move |days| first.checked_add_days(Days::new(days))));
    days.filter(move |day| day.year() == year)
        .filter(|day| matches!(day.weekday(), Weekday::Tue | Weekday::Thu | Weekday::Sun))
}

fn at(day: NaiveDate) -> DateTime<Utc> {
    let time = NaiveTime::from_hms_opt(DRAWN_AT.0, DRAWN_AT.1, 0).unwrap_or_default();
    // An offset without summer time makes every local time one instant.
    FixedOffset::east_opt(EAST_SECS)
        .and_then(|east| east.from_local_datetime(&day.and_time(time)).single())
        .map_or(DateTime::UNIX_EPOCH, |at| at.to_utc())
}

/// What is wrong with an issue as the beacon of a draw with these times, in both languages, and which issue would do.
///
/// # Errors
/// The problem.
pub fn check(issue: u64, entries_close: DateTime<Utc>, beacon_at: DateTime<Utc>) -> Result<(), String> {
    let fits = || {
        let issue = Issue::first_after(entries_close)?;
        Some((issue.number(), beijing(issue.earliest()?)))
    };
    let advice = fits().map_or_else(String::new, |(number, when)| {
        format!(
            "截止提交之后最早可用的是第 {number} 期（最早 {when} 开奖），公共随机数时间不得早于该时间 / the first issue that fits is {number}, drawn {when} at the earliest; beacon_time must not be before"
        )
    });
    let wrong = |zh: String, en: String| Err(format!("{zh}。{advice}。（{en}）"));
    let Some((issue, earliest)) = Issue::parse(issue).and_then(|issue| Some((issue, issue.earliest()?))) else {
        return wrong(
            format!("没有双色球第 {issue} 期，期号应为年份加三位序号"),
            format!("there is no issue {issue}: it is the year and three digits"),
        );
    };
    let (number, when) = (issue.number(), beijing(earliest));
    if earliest <= entries_close {
        return wrong(
            format!("双色球第 {number} 期最早可能在 {when} 开奖，不晚于提交截止时间，到时可能已为人所知"),
            format!(
                "issue {number} may be drawn as early as {when}, not after entries_close: it could be known by then"
            ),
        );
    }
    if beacon_at < earliest {
        return wrong(
            format!("双色球第 {number} 期最早在 {when} 开奖，公共随机数时间早于开奖"),
            format!("issue {number} is drawn {when} at the earliest, after beacon_time"),
        );
    }
    if legal_year(beacon_at) != Some(issue.year()) || beacon_at > earliest + LATE_MAX {
        return wrong(
            format!("双色球第 {number} 期应在 {when} 起不久开奖，公共随机数时间过晚，或不在同一年"),
            format!("issue {number} is drawn soon after {when}; beacon_time is far later or in another year"),
        );
    }
    Ok(())
}

fn beijing(at: DateTime<Utc>) -> String {
    FixedOffset::east_opt(EAST_SECS)
        .map_or_else(String::new, |east| at.with_timezone(&east).format("%Y-%m-%d %H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn earliest(number: u64) -> String {
        beijing(Issue::parse(number).unwrap().earliest().unwrap())
    }

    #[test]
    fn issues_are_counted_on_their_days() {
        assert_eq!(earliest(2_026_001), "2026-01-01 21:15", "2026 began on a Thursday");
        assert_eq!(earliest(2_026_002), "2026-01-04 21:15");
        assert_eq!(earliest(2_026_003), "2026-01-06 21:15");
        assert_eq!(earliest(2_025_001), "2025-01-02 21:15", "the first Thursday; so it was drawn");
        assert_eq!(earliest(2_024_001), "2024-01-02 21:15", "the first Tuesday; so it was drawn");
        assert_eq!(Issue::parse(2_026_157).unwrap().number(), "2026157");
        for none in [2_026_000, 2_026_158, 2_026_999, 26_001, 84, 0, u64::MAX, 1_999_001] {
            assert_eq!(Issue::parse(none), None, "{none}");
        }
    }

    #[test]
    fn the_first_issue_after_an_instant_is_known_to_nobody_then() {
        let first = |text: &str| Issue::first_after(utc(text)).unwrap().number();
        assert_eq!(first("2026-01-01T13:14:59Z"), "2026001");
        assert_eq!(first("2026-01-01T13:15:00Z"), "2026002", "the balls are falling");
        assert_eq!(first("2026-12-31T13:15:00Z"), "2027001", "the last Thursday of the year");
        assert_eq!(first("2026-12-31T16:00:00Z"), "2027001", "already the new year in China");
        for hours in 0..24 * 370 {
            let now = utc("2026-06-01T00:00:00Z") + Duration::hours(hours);
            let earliest = Issue::first_after(now).unwrap().earliest().unwrap();
            assert!(earliest > now && earliest <= now + Duration::days(4), "{now}: {earliest}");
        }
    }

    #[test]
    fn a_beacon_is_an_issue_of_the_future_at_its_time() {
        let close = utc("2026-11-24T01:00:00Z");
        let first = Issue::first_after(close).unwrap();
        let (number, at) = (first.number().parse::<u64>().unwrap(), first.earliest().unwrap());
        check(number, close, at).unwrap();
        check(number, close, at + Duration::days(30)).unwrap();
        let said = |issue, beacon_at| check(issue, close, beacon_at).unwrap_err();
        for problem in [
            said(number - 1, at),
            said(number, at - Duration::seconds(1)),
            said(number, at + LATE_MAX),
            said(number, utc("2027-01-01T00:00:00Z")),
            said(84, at),
            said(number + 900, at),
        ] {
            assert!(problem.contains(&format!("第 {} 期（最早", first.number())), "says what would do: {problem}");
        }
    }
}
