//! The forms of single texts: names, values, draw numbers, times and dates.
//!
//! Times are texts here. Turning a clock into one, and one into a clock, is the caller's business.

use std::fmt;

use crate::error::{Result, form};

/// Longest name, in bytes (all its characters are ASCII).
pub const NAME_BYTES_MAX: usize = 64;
/// Longest value of an entry, in bytes.
pub const VALUE_BYTES_MAX: usize = 200;

const NAME: [bool; 256] = class(b":/._-");
const VALUE: [bool; 256] = class(b" .,:-");

const fn class(extra: &[u8]) -> [bool; 256] {
    let mut allowed = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        allowed[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < extra.len() {
        allowed[extra[at] as usize] = true;
        at += 1;
    }
    allowed
}

/// Whether the byte may stand in a name.
#[inline]
pub(crate) fn is_name_byte(byte: u8) -> bool {
    NAME[usize::from(byte)]
}

/// Whether the bytes are a name: `[0-9A-Za-z:/._-]{1,64}`.
#[inline]
#[must_use]
pub fn is_name(text: &[u8]) -> bool {
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && text.iter().all(|&byte| NAME[byte as usize])
}

/// Whether the bytes are a value: `[0-9A-Za-z .,:-]{1,200}`.
#[must_use]
pub fn is_value(text: &[u8]) -> bool {
    !text.is_empty() && text.len() <= VALUE_BYTES_MAX && text.iter().all(|&byte| VALUE[byte as usize])
}

/// Checks a name. `what` is said in the error: "unit", "contributor".
pub fn name<'a>(what: &str, text: &'a str) -> Result<&'a str> {
    if is_name(text.as_bytes()) {
        return Ok(text);
    }
    form(format!("{what} {text:?} is not a name: 1 to 64 of 0-9 A-Z a-z : / . _ -"))
}

/// Checks the value of an entry.
pub fn value(text: &str) -> Result<&str> {
    if is_value(text.as_bytes()) {
        return Ok(text);
    }
    form(format!("value {text:?} is not 1 to 200 of 0-9 A-Z a-z space . , : -"))
}

/// Checks a draw's number: `draws/2026-0007`, the number from 1, padded with zeros to four digits and no further.
pub fn draw_id(text: &str) -> Result<&str> {
    if is_draw_id(text) {
        return Ok(text);
    }
    form(format!("{text:?} is not the number of a draw, such as draws/2026-0007"))
}

fn is_draw_id(text: &str) -> bool {
    let Some((year, number)) = text.strip_prefix("draws/").and_then(|rest| rest.split_once('-')) else { return false };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    year.len() == 4
        && digits(year)
        && digits(number)
        && match number.len() {
            0..=3 => false,
            4 => number != "0000",
            _ => !number.starts_with('0'),
        }
}

/// A time of the protocol: `YYYY-MM-DDTHH:MM:SSZ`, to the second, in UTC. Orders as time does.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(String);

impl Time {
    /// Parses a time that exists in the calendar; a leap second does not.
    pub fn parse(text: &str) -> Result<Self> {
        if seconds(text).is_some() {
            Ok(Self(text.to_owned()))
        } else {
            form(format!("{text:?} is not a time YYYY-MM-DDTHH:MM:SSZ"))
        }
    }

    /// The time that many seconds after 1970-01-01T00:00:00Z, within the years 1 to 9999.
    pub fn from_epoch_secs(secs: i64) -> Result<Self> {
        let (days, rest) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
        // Howard Hinnant's civil_from_days: days since 0000-03-01, in eras of 400 years.
        let shifted = days.saturating_add(719_468);
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        if !(1..=9999).contains(&year) {
            return form(format!("{secs} s is outside the years 1 to 9999"));
        }
        let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
        Ok(Self(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn epoch_secs(&self) -> i64 {
        seconds(&self.0).unwrap_or_default() // a Time was parsed: never none
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks a date `YYYY-MM-DD` that exists in the calendar.
pub fn date(text: &str) -> Result<&str> {
    if days(text.as_bytes()).is_some() { Ok(text) } else { form(format!("{text:?} is not a date YYYY-MM-DD")) }
}

fn seconds(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != 20 || bytes[10] != b'T' || bytes[13] != b':' || bytes[16] != b':' || bytes[19] != b'Z' {
        return None;
    }
    let (hour, minute, second) = (number(&bytes[11..13])?, number(&bytes[14..16])?, number(&bytes[17..19])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(days(&bytes[..10])? * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar, years 1 to 9999.
fn days(bytes: &[u8]) -> Option<i64> {
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) = (number(&bytes[..4])?, number(&bytes[5..7])?, number(&bytes[8..])?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month_days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if year == 0 || day == 0 || day > month_days {
        return None;
    }
    // Howard Hinnant's days_from_civil: the year begins in March, so the leap day is its last.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_have_their_exact_alphabet() {
        for good in ["a", "91410200MA40000000", "drand:quicknet:1", "410202/C", &"x".repeat(64)] {
            assert!(is_name(good.as_bytes()), "{good}");
        }
        for bad in ["", " a", "a\t", "企业", "a,b", &"x".repeat(65)] {
            assert!(!is_name(bad.as_bytes()), "{bad}");
        }
        assert!(is_value(b"3 5, 1:-.") && !is_value(b"a/b") && !is_value(b"") && !is_value(&[b'a'; 201]));
    }

    #[test]
    fn draw_numbers_are_padded_to_four_digits_only() {
        for good in ["draws/2026-0001", "draws/2026-9999", "draws/2026-10000"] {
            assert!(draw_id(good).is_ok(), "{good}");
        }
        for bad in
            ["draws/2026-0000", "draws/2026-001", "draws/2026-00001", "draws/26-0001", "2026-0001", "draws/2026-00x1"]
        {
            assert!(draw_id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_exist_in_the_calendar() {
        for good in ["2026-02-28T23:59:59Z", "2024-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "0001-01-01T00:00:00Z"] {
            assert!(Time::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00+00:00",
            "0000-01-01T00:00:00Z",
            "2026-1-01T00:00:00Z",
            "2026-00-10T00:00:00Z",
            "2026-01-00T00:00:00Z",
        ] {
            assert!(Time::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn seconds_and_text_are_inverse() {
        for (text, secs) in
            [("1970-01-01T00:00:00Z", 0), ("2023-08-23T15:09:27Z", 1_692_803_367), ("1969-12-31T23:59:59Z", -1)]
        {
            assert_eq!(Time::parse(text).unwrap().epoch_secs(), secs);
            assert_eq!(Time::from_epoch_secs(secs).unwrap().as_str(), text);
        }
        for day in -700_000..2_000_000 {
            let time = Time::from_epoch_secs(day * 86_400 + 4_711).unwrap();
            assert_eq!(time.epoch_secs(), day * 86_400 + 4_711, "{time}");
        }
    }
}
