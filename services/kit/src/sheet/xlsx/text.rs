//! What a cell shows, as text: numbers without the noise of their binary form, dates as YYYY-MM-DD.

use std::borrow::Cow;

use chrono::{Days, NaiveDate, TimeDelta};

use super::fault::Flaw;

/// How a number is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Plain,
    /// In hundredths.
    Percent,
    /// With zeros in front, so many digits.
    Padded(usize),
    /// A day, a time of day, or both.
    Time {
        day: bool,
        time: bool,
    },
}

/// Digits of a number that a spreadsheet keeps.
const DIGITS: usize = 15;
const TOO_LONG: f64 = 1e15;
/// 9999-12-31 in days of either calendar.
const DAYS_MAX: f64 = 2_958_466.0;
const DAY_SECONDS: f64 = 86_400.0;

impl Format {
    /// Of one of the numbers that mean a format without saying it.
    pub(super) fn built_in(number: u32) -> Self {
        match number {
            9 | 10 => Self::Percent,
            14..=17 | 27..=31 | 36 | 50..=54 | 57 | 58 => Self::Time { day: true, time: false },
            18..=21 | 32..=35 | 45 | 47 | 55 | 56 => Self::Time { day: false, time: true },
            22 => Self::Time { day: true, time: true },
            _ => Self::Plain,
        }
    }

    /// Of a format code, such as `yyyy"年"m"月"d"日"`.
    pub(super) fn of_code(code: &str) -> Self {
        let mut bare = String::new();
        let mut signs = code.chars();
        while let Some(sign) = signs.next() {
            match sign {
                '"' => signs.by_ref().take_while(|sign| *sign != '"').for_each(drop),
                '\\' | '_' | '*' => drop(signs.next()),
                '[' => {
                    let inside: String = signs.by_ref().take_while(|sign| *sign != ']').collect();
                    if !inside.is_empty()
                        && inside.chars().all(|sign| matches!(sign, 'h' | 'H' | 'm' | 'M' | 's' | 'S'))
                    {
                        // A length of time, which is a number.
                        return Self::Plain;
                    }
                }
                // What follows is for negative numbers.
                ';' => break,
                _ => bare.push(sign.to_ascii_lowercase()),
            }
        }
        if bare.contains("general") || bare.contains("通用") {
            return Self::Plain;
        }
        let has = |letters: &[char]| bare.contains(letters);
        let time = has(&['h', 's']);
        let day = has(&['y', 'd']) || (has(&['m']) && !time);
        if day || time {
            return Self::Time { day, time };
        }
        if bare.ends_with('%') {
            return Self::Percent;
        }
        if bare.len() > 1 && bare.bytes().all(|byte| byte == b'0') { Self::Padded(bare.len()) } else { Self::Plain }
    }
}

/// A numeric cell as text.
pub(super) fn number(stored: &str, format: Format, from_1904: bool) -> Result<String, Flaw> {
    let stored = stored.trim();
    if !stored.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
        return Err(Flaw::NotANumber);
    }
    let value: f64 = stored.parse().map_err(|_| Flaw::NotANumber)?;
    if !value.is_finite() {
        return Err(Flaw::NotANumber);
    }
    if value.abs() >= TOO_LONG {
        return Err(Flaw::LongNumber);
    }
    match format {
        Format::Plain => Ok(plain(value, 0)),
        Format::Percent => Ok(plain(value, 2) + "%"),
        Format::Padded(width) => {
            let text = plain(value, 0);
            let whole = text.bytes().all(|byte| byte.is_ascii_digit());
            Ok(if whole { format!("{text:0>width$}") } else { text })
        }
        Format::Time { day, time } => moment(value, day, time, from_1904),
    }
}

/// The digits that were typed, times ten to the power of `shift`, without an exponent.
fn plain(value: f64, shift: i32) -> String {
    let scientific = format!("{value:.*e}", DIGITS - 1);
    // Always made of both.
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits = mantissa.replace('.', "");
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return "0".to_owned();
    }
    let point = exponent.parse::<i32>().unwrap_or_default() + 1 + shift;
    let length = digits.len();
    match usize::try_from(point) {
        Ok(point) if point >= length => format!("{sign}{digits}{}", "0".repeat(point - length)),
        Ok(point) if point > 0 => format!("{sign}{}.{}", &digits[..point], &digits[point..]),
        _ => format!("{sign}0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
    }
}

fn moment(days: f64, day: bool, time: bool, from_1904: bool) -> Result<String, Flaw> {
    if !(0.0..DAYS_MAX).contains(&days) {
        return Err(Flaw::NoSuchDate);
    }
    // Of the same size as above.
    let (mut whole, mut seconds) = (days.trunc() as u64, (days.fract() * DAY_SECONDS).round() as i64);
    if seconds == DAY_SECONDS as i64 {
        (whole, seconds) = (whole + 1, 0);
    }
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if time && (whole == 0 || !day) {
        return Ok(clock);
    }
    let (first, after) = match (from_1904, whole) {
        (true, _) => (NaiveDate::from_ymd_opt(1904, 1, 1), whole),
        // The calendar from 1900 has a 29th of February in that year, which no other has.
        (false, 0 | 60) => return Err(Flaw::NoSuchDate),
        (false, 1..60) => (NaiveDate::from_ymd_opt(1899, 12, 31), whole),
        (false, _) => (NaiveDate::from_ymd_opt(1899, 12, 30), whole),
    };
    let date = first.and_then(|first| first.checked_add_days(Days::new(after))).ok_or(Flaw::NoSuchDate)?;
    let date = date.format("%Y-%m-%d");
    Ok(if time && TimeDelta::seconds(seconds) > TimeDelta::zero() {
        format!("{date} {clock}")
    } else {
        date.to_string()
    })
}

/// Resolves `_xHHHH_`, by which workbooks write what XML has no sign for.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains("_x") {
        return Cow::Borrowed(text);
    }
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        let code = rest.strip_prefix("_x").and_then(|after| after.split_at_checked(4)).and_then(|(hex, after)| {
            let hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(hex)?;
            Some((u16::from_str_radix(hex, 16).ok()?, after.strip_prefix('_')?))
        });
        match code {
            Some((unit, after)) => {
                units.push(unit);
                rest = after;
            }
            None => {
                units.extend(sign.encode_utf16(&mut [0; 2]).iter());
                rest = &rest[sign.len_utf8()..];
            }
        }
    }
    Cow::Owned(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(stored: &str, code: &str) -> Result<String, Flaw> {
        number(stored, Format::of_code(code), false)
    }

    #[test]
    fn numbers_are_shown_as_they_were_typed() {
        let cases = [
            ("330000000008000", "0", "330000000008000"),
            ("999999999999999", "General", "999999999999999"),
            ("3.3000000000800001E+14", "0", "330000000008000"),
            ("0.1", "General", "0.1"),
            ("0.30000000000000004", "General", "0.3"),
            ("-12.5", "#,##0.00", "-12.5"),
            ("1E-3", "General", "0.001"),
            ("100", "G/通用格式", "100"),
            ("0", "General", "0"),
            ("-0", "General", "0"),
            ("410202", "000000", "410202"),
            ("12", "000000", "000012"),
            ("0.3", "0%", "30%"),
            ("7.0000000000000007E-2", "0.00%", "7%"),
            ("5.5E-2", "0.0%", "5.5%"),
            ("1", "0%", "100%"),
            ("30", "0\"%\"", "30"),
        ];
        for (stored, code, expected) in cases {
            assert_eq!(shown(stored, code), Ok(expected.to_owned()), "{stored} as {code}");
        }
    }

    #[test]
    fn numbers_that_may_have_lost_digits_are_not_guessed_at() {
        for stored in ["1000000000000000", "91330000054222694", "9.1330000054222694E+16", "-1e15", "123456789012345678"]
        {
            assert_eq!(shown(stored, "0"), Err(Flaw::LongNumber), "{stored}");
        }
        for stored in ["", "abc", "inf", "NaN", "1e999", "0x10", "1 2"] {
            assert_eq!(shown(stored, "0"), Err(Flaw::NotANumber), "{stored}");
        }
    }

    #[test]
    fn dates_of_both_calendars_are_days() {
        let cases = [
            ("1", "yyyy-mm-dd", false, "1900-01-01"),
            ("59", "m/d/yy", false, "1900-02-28"),
            ("61", "yyyy\"年\"m\"月\"d\"日\"", false, "1900-03-01"),
            ("45292", "[$-804]yyyy/m/d;@", false, "2024-01-01"),
            ("45292.75", "yyyy-mm-dd", false, "2024-01-01"),
            ("45292.75", "yyyy-mm-dd hh:mm", false, "2024-01-01 18:00:00"),
            ("45292.999999999", "yyyy-mm-dd hh:mm:ss", false, "2024-01-02"),
            ("0.5", "h:mm AM/PM", false, "12:00:00"),
            ("0", "yyyy-mm-dd", true, "1904-01-01"),
            ("43830", "yyyy-mm-dd", true, "2024-01-01"),
            ("2958465", "yyyy-mm-dd", false, "9999-12-31"),
        ];
        for (stored, code, from_1904, expected) in cases {
            assert_eq!(number(stored, Format::of_code(code), from_1904), Ok(expected.to_owned()), "{stored} as {code}");
        }
        for stored in ["0", "60", "-1", "2958466"] {
            assert_eq!(shown(stored, "yyyy-mm-dd"), Err(Flaw::NoSuchDate), "{stored}");
        }
        assert_eq!(shown("1.5", "[h]:mm:ss"), Ok("1.5".into()), "a length of time is no moment");
        assert_eq!(number("45292", Format::built_in(14), false), Ok("2024-01-01".into()));
        assert_eq!(number("45292", Format::built_in(31), false), Ok("2024-01-01".into()));
        assert_eq!(number("45292", Format::built_in(1), false), Ok("45292".into()));
    }

    #[test]
    fn signs_xml_has_no_way_to_write_are_resolved() {
        assert_eq!(unescape("plain"), "plain");
        assert_eq!(unescape("a_x000D_b_x005F_x0041__x"), "a\rb_x0041__x");
        assert_eq!(unescape("_xD842__xDFB7_野_x00"), "𠮷野_x00");
        assert_eq!(unescape("_xZZZZ_长_x长"), "_xZZZZ_长_x长");
    }
}
