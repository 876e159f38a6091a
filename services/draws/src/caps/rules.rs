//! What a version of caps may say, and how it moves (art. 17); pure.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use kit::error::{Reason, Refusal, Result};
use proto::qingtian::draws::v1 as pb;

use crate::plans::content::{day, reason};

/// Credit classes a cap can name, and `*` for whichever it does not.
pub const CLASSES: [&str; 6] = ["A", "B", "C", "D", "UNCLASSIFIED", "*"];
/// Visits a year at the most: one a day.
pub const VISITS_MAX: i32 = 366;

/// What a version says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Whether it bounds all authorities together.
    pub city_wide: bool,
    /// Calendar year.
    pub year: i32,
    /// Class, or `*`, to visits a year.
    pub limits: BTreeMap<String, i32>,
    /// Legal basis.
    pub basis: String,
    /// First day it counts.
    pub effective_on: NaiveDate,
}

impl Content {
    /// Reads a draft.
    ///
    /// # Errors
    /// `INVALID` with the field.
    pub fn parse(cap: &pb::Cap) -> Result<Self> {
        if !(2000..=9999).contains(&cap.year) {
            return Err(Refusal::invalid("cap.year", "应为四位年份 / a year of four digits"));
        }
        let effective_on = day("cap.effective_date", &cap.effective_date)?
            .filter(|day| day.year() == cap.year)
            .ok_or_else(|| Refusal::invalid("cap.effective_date", "应为该年度内的日期 / a day of that year"))?;
        let basis = reason("cap.basis", &cap.basis, "请写明依据的文件和条款 / name the legal basis")?;
        Ok(Self { city_wide: cap.city_wide, year: cap.year, limits: limits(&cap.limits)?, basis, effective_on })
    }

    /// Whether it may still be published: no day that has passed gets a cap it did not have.
    ///
    /// # Errors
    /// `CAP_BACKDATED`.
    pub fn check_day(&self, today: NaiveDate) -> Result<()> {
        if self.effective_on < today {
            return Err(Refusal::new(Reason::CapBackdated).with("day", self.effective_on).with("today", today));
        }
        Ok(())
    }
}

fn limits(given: &[pb::CapLimit]) -> Result<BTreeMap<String, i32>> {
    let refuse = |problem: String| Refusal::invalid("cap.limits", problem);
    if given.is_empty() {
        return Err(refuse("至少填写一类主体的上限 / at least one class".to_owned()));
    }
    let mut read = BTreeMap::new();
    for limit in given.iter().take(CLASSES.len() + 1) {
        let class = limit.subject_class.as_str();
        if !CLASSES.contains(&class) {
            return Err(refuse(format!("没有类别“{class}” / no class {class:?}; one of A, B, C, D, UNCLASSIFIED, *")));
        }
        if !(0..=VISITS_MAX).contains(&limit.visits) {
            return Err(refuse(format!("每年 0 至 {VISITS_MAX} 次 / 0 to {VISITS_MAX} visits a year")));
        }
        if read.insert(class.to_owned(), limit.visits).is_some() {
            return Err(refuse(format!("“{class}”重复 / {class} stands twice")));
        }
    }
    Ok(read)
}

/// State of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Waits for a second person.
    Draft,
    /// Public.
    Published,
    /// Never counts.
    Rejected,
}

/// What may happen to a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The second person publishes it.
    Publish,
    /// The second person rejects it.
    Reject,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Draft, Self::Published, Self::Rejected];

    /// As the database keeps it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Published => "PUBLISHED",
            Self::Rejected => "REJECTED",
        }
    }

    /// For a refusal.
    pub fn said(self) -> &'static str {
        match self {
            Self::Draft => "待复核 DRAFT",
            Self::Published => "已公布 PUBLISHED",
            Self::Rejected => "已退回 REJECTED",
        }
    }

    /// As the contract shows it.
    pub fn shown(self) -> pb::CapState {
        match self {
            Self::Draft => pb::CapState::Draft,
            Self::Published => pb::CapState::Published,
            Self::Rejected => pb::CapState::Rejected,
        }
    }

    /// The state the database kept.
    ///
    /// # Errors
    /// `INTERNAL` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Refusal::internal(anyhow::anyhow!("a cap in state {text:?}")))
    }

    /// What a step makes of a version.
    ///
    /// # Errors
    /// `WRONG_STATE`.
    pub fn after(self, name: &str, step: Step) -> Result<Self> {
        match (self, step) {
            (Self::Draft, Step::Publish) => Ok(Self::Published),
            (Self::Draft, Step::Reject) => Ok(Self::Rejected),
            (Self::Published | Self::Rejected, Step::Publish | Step::Reject) => {
                let said = if step == Step::Publish { "公布 publish" } else { "退回 reject" };
                Err(Refusal::wrong_state(name, self.said(), said))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cap() -> pb::Cap {
        pb::Cap {
            year: 2026,
            limits: vec![
                pb::CapLimit { subject_class: "A".into(), visits: 0 },
                pb::CapLimit { subject_class: "*".into(), visits: 2 },
            ],
            basis: "汴政办〔2022〕14号第十七条".into(),
            effective_date: "2026-11-24".into(),
            ..Default::default()
        }
    }

    fn refused(cap: &pb::Cap) -> Reason {
        Content::parse(cap).unwrap_err().reason()
    }

    #[test]
    fn a_version_names_known_classes_once_within_its_year_and_its_basis() {
        let read = Content::parse(&cap()).unwrap();
        assert_eq!((read.limits["A"], read.limits["*"], read.year), (0, 2, 2026));
        let limit = |class: &str, visits| pb::CapLimit { subject_class: class.into(), visits };
        for limits in [
            vec![],
            vec![limit("E", 1)],
            vec![limit("A", -1)],
            vec![limit("A", 367)],
            vec![limit("A", 1), limit("A", 2)],
        ] {
            assert_eq!(refused(&pb::Cap { limits, ..cap() }), Reason::Invalid);
        }
        assert_eq!(refused(&pb::Cap { year: 26, ..cap() }), Reason::Invalid);
        assert_eq!(refused(&pb::Cap { basis: " ".into(), ..cap() }), Reason::Invalid);
        for effective_date in ["", "2027-01-01", "2026-02-30"] {
            assert_eq!(refused(&pb::Cap { effective_date: effective_date.into(), ..cap() }), Reason::Invalid);
        }
    }

    #[test]
    fn no_day_that_has_passed_gets_a_cap() {
        let read = Content::parse(&cap()).unwrap();
        assert!(read.check_day(read.effective_on).is_ok());
        let tomorrow = read.effective_on.succ_opt().unwrap();
        assert_eq!(read.check_day(tomorrow).unwrap_err().reason(), Reason::CapBackdated);
    }

    #[test]
    fn a_version_is_decided_once() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()).unwrap(), state);
            for step in [Step::Publish, Step::Reject] {
                let next = state.after("x", step);
                match (state, step) {
                    (State::Draft, Step::Publish) => assert_eq!(next.unwrap(), State::Published),
                    (State::Draft, Step::Reject) => assert_eq!(next.unwrap(), State::Rejected),
                    _ => assert_eq!(next.unwrap_err().reason(), Reason::WrongState),
                }
            }
        }
        assert!(State::parse("").is_err());
    }
}
