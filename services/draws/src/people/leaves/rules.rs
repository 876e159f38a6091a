//! Which days may be entered and ended (art. 13): draws rest on the days that have passed, so those never change. Pure.

use chrono::{Days, NaiveDate};
use kit::error::{Reason, Refusal, Result};
use proto::qingtian::draws::v1::LeaveKind;

/// Days of one leave at the most.
pub const DAYS_MAX: u64 = 731;

/// Whole days, both ends included. One that was called off ends the day before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub first: NaiveDate,
    pub last: NaiveDate,
}

impl Period {
    /// Checks the days of a new leave.
    ///
    /// # Errors
    /// `LEAVE_IN_PAST`; `INVALID` when it ends before it begins or is longer than [`DAYS_MAX`].
    pub fn enter(first: NaiveDate, last: NaiveDate, today: NaiveDate) -> Result<Self> {
        if first < today {
            return Err(in_past(first, today));
        }
        if last < first {
            return Err(Refusal::invalid("leave.last_day", "结束日期早于开始日期 / it ends before it begins"));
        }
        if first.checked_add_days(Days::new(DAYS_MAX - 1)).is_none_or(|most| last > most) {
            let problem = format!("一次至多 {DAYS_MAX} 天，请分次登记 / at most {DAYS_MAX} days; enter several");
            return Err(Refusal::invalid("leave.last_day", problem));
        }
        Ok(Self { first, last })
    }

    /// Ends it early after `last`, the day before the first calling it off. `name` and `ended` are the leave's and whether it was
    /// ended early before.
    ///
    /// # Errors
    /// `WRONG_STATE` when it is over or was ended already, `LEAVE_IN_PAST`, `INVALID` for a day outside it.
    pub fn end(self, name: &str, ended: bool, last: NaiveDate, today: NaiveDate) -> Result<Self> {
        if ended || self.last < today {
            let state = format!("已于 {} 结束 OVER", self.last);
            return Err(Refusal::wrong_state(name, state, "提前结束 end"));
        }
        let yesterday = today.checked_sub_days(Days::new(1)).unwrap_or(today);
        if last < yesterday {
            return Err(in_past(last, yesterday));
        }
        let before = self.first.checked_sub_days(Days::new(1)).unwrap_or(self.first);
        if last < before || last >= self.last {
            let problem = format!("应在 {before} 至 {} 之前 / from {before} on and before {}", self.last, self.last);
            return Err(Refusal::invalid("last_day", problem));
        }
        Ok(Self { last, ..self })
    }

    /// Whether the officer is away on a day.
    pub fn covers(self, day: NaiveDate) -> bool {
        self.first <= day && day <= self.last
    }
}

fn in_past(day: NaiveDate, today: NaiveDate) -> Refusal {
    Refusal::new(Reason::LeaveInPast).with("day", day).with("today", today)
}

/// Parses a day.
///
/// # Errors
/// `INVALID`.
pub fn day(field: &'static str, text: &str) -> Result<NaiveDate> {
    let day = lottery::names::date(text).ok().and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok());
    day.ok_or_else(|| Refusal::invalid(field, "应为存在的日期 YYYY-MM-DD / not a date"))
}

/// The code of a kind in the database.
///
/// # Errors
/// `INVALID`.
pub fn kind(kind: i32) -> Result<&'static str> {
    match LeaveKind::try_from(kind) {
        Ok(LeaveKind::Annual) => Ok("ANNUAL"),
        Ok(LeaveKind::Sick) => Ok("SICK"),
        Ok(LeaveKind::Family) => Ok("FAMILY"),
        Ok(LeaveKind::Training) => Ok("TRAINING"),
        Ok(LeaveKind::Seconded) => Ok("SECONDED"),
        Ok(LeaveKind::Other) => Ok("OTHER"),
        Ok(LeaveKind::Unspecified) | Err(_) => Err(Refusal::invalid("leave.kind", "请选择请假类型 / choose a kind")),
    }
}

/// The kind a code of the database stands for.
pub fn kind_of(code: &str) -> LeaveKind {
    match code {
        "ANNUAL" => LeaveKind::Annual,
        "SICK" => LeaveKind::Sick,
        "FAMILY" => LeaveKind::Family,
        "TRAINING" => LeaveKind::Training,
        "SECONDED" => LeaveKind::Seconded,
        "OTHER" => LeaveKind::Other,
        // The table's constraint lets nothing else in.
        _ => LeaveKind::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn on(offset: i64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 6, 15).unwrap() + chrono::TimeDelta::days(offset)
    }

    #[test]
    fn every_kind_has_a_code_and_comes_back() {
        for number in 1..=6 {
            assert_eq!(kind_of(kind(number).unwrap()) as i32, number);
        }
        assert!(kind(0).is_err() && kind(7).is_err());
    }

    #[test]
    fn a_leave_begins_today_or_later_and_has_an_edge() {
        assert!(Period::enter(on(0), on(0), on(0)).is_ok());
        assert_eq!(Period::enter(on(-1), on(3), on(0)).unwrap_err().reason(), Reason::LeaveInPast);
        assert_eq!(Period::enter(on(1), on(0), on(0)).unwrap_err().reason(), Reason::Invalid);
        assert!(Period::enter(on(0), on(730), on(0)).is_ok());
        assert_eq!(Period::enter(on(0), on(731), on(0)).unwrap_err().reason(), Reason::Invalid);
    }

    proptest! {
        #[test]
        fn ending_a_leave_never_changes_a_day_that_has_passed(
            first in -40i64..40, length in 0i64..60, ended in any::<bool>(), last in -60i64..120,
        ) {
            let today = on(0);
            let period = Period { first: on(first), last: on(first + length) };
            match period.end("leave", ended, on(last), today) {
                Ok(shorter) => {
                    prop_assert!(!ended && shorter.last < period.last);
                    for day in (-80..120).map(on) {
                        if day < today {
                            prop_assert_eq!(shorter.covers(day), period.covers(day), "{}", day);
                        } else {
                            prop_assert!(!shorter.covers(day) || period.covers(day));
                        }
                    }
                }
                Err(refusal) => prop_assert!(matches!(
                    refusal.reason(),
                    Reason::WrongState | Reason::LeaveInPast | Reason::Invalid
                )),
            }
        }
    }
}
