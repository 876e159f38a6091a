//! What a clock does, without a database: counted, paused, resumed, extended, ended; how it stands on a day (art. 18, 31).

use chrono::{DateTime, Days, NaiveDate, Utc};
use proto::qingtian::clocks::v1 as pb;

use crate::{
    error::{Reason, Refusal, Result},
    workdays::{Calendar, Due, legal_day},
};

/// Longest legal basis, in characters.
const BASIS_CHARS_MAX: usize = 500;
/// Days of a clock at the most: more is a slip of the pen.
const DAYS_MAX: u16 = 1_000;

/// Which days are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKind {
    /// Working days by the official calendar.
    Working,
    /// Every day.
    Calendar,
}

impl DayKind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Working => "WORKING",
            Self::Calendar => "CALENDAR",
        }
    }

    /// As stored; the database holds no other than the two.
    pub(super) fn stored(text: &str) -> Self {
        if text == "CALENDAR" { Self::Calendar } else { Self::Working }
    }

    fn due(self, calendar: &Calendar, start: NaiveDate, days: u16) -> Due {
        match self {
            Self::Working => calendar.due(start, days),
            Self::Calendar => {
                Due { date: start.checked_add_days(Days::new(days.into())).unwrap_or(start), provisional: false }
            }
        }
    }

    /// Days after `start` up to and including `until`.
    fn count(self, calendar: &Calendar, start: NaiveDate, until: NaiveDate) -> i64 {
        match self {
            Self::Working => calendar.count(start, until).into(),
            Self::Calendar => (until - start).num_days().max(0),
        }
    }
}

/// What a clock is started with.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    /// What it runs on: the resource's name.
    pub aggregate: &'a str,
    /// What is owed, such as `item_claim`. One of a kind runs on an aggregate at a time.
    pub kind: &'a str,
    /// `organisations/{organisation}` that owes it.
    pub organisation: &'a str,
    /// `organisations/{organisation}` of the unit; empty when nobody said.
    pub unit: &'a str,
    /// `users/{user}` who answers for it; empty for nobody yet.
    pub responsible: &'a str,
    /// Days it has, 1 to 1,000.
    pub days: u16,
    /// Which days.
    pub day_kind: DayKind,
    /// The setting, with its version, that the number of days rests on; never empty.
    pub setting: &'a str,
}

/// What moves a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// With its cause.
    Started,
    /// With legal basis.
    Paused,
    /// The days left count from the day after.
    Resumed,
    /// With legal basis.
    Extended,
    /// By the official calendar of a year that had none.
    Recomputed,
    /// What was owed is done.
    Ended,
    /// Somebody else answers for it.
    Assigned,
}

impl Act {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Started => "STARTED",
            Self::Paused => "PAUSED",
            Self::Resumed => "RESUMED",
            Self::Extended => "EXTENDED",
            Self::Recomputed => "RECOMPUTED",
            Self::Ended => "ENDED",
            Self::Assigned => "ASSIGNED",
        }
    }

    pub(super) fn to_proto(self) -> pb::ClockAct {
        match self {
            Self::Started => pb::ClockAct::Started,
            Self::Paused => pb::ClockAct::Paused,
            Self::Resumed => pb::ClockAct::Resumed,
            Self::Extended => pb::ClockAct::Extended,
            Self::Recomputed => pb::ClockAct::Recomputed,
            Self::Ended => pb::ClockAct::Ended,
            Self::Assigned => pb::ClockAct::Assigned,
        }
    }
}

/// How a clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Light {
    /// Less than 70 % of its days are used.
    Green,
    /// 70 %.
    Yellow,
    /// 90 %; the last day too.
    Red,
    /// The last day is over.
    Overdue,
    /// It stands.
    Paused,
    /// What was owed is done.
    Ended,
}

/// How a clock stands at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Its colour.
    pub light: Light,
    /// Days of its kind that are left, the last included; when overdue those since the last day, negative.
    pub days_left: i64,
}

/// A clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// `clocks/{clock}`.
    pub name: String,
    /// What it runs on.
    pub aggregate: String,
    /// What is owed.
    pub kind: String,
    /// Who owes it.
    pub organisation: String,
    /// Its unit; may be empty.
    pub unit: String,
    /// Who answers for it; empty for nobody yet.
    pub responsible: String,
    /// Legal day of the event.
    pub started_on: NaiveDate,
    /// Which days are counted.
    pub day_kind: DayKind,
    /// Days in all, extensions included.
    pub days: u16,
    /// The last day is the `anchor_days`th after this one.
    pub(super) anchor_on: NaiveDate,
    pub(super) anchor_days: u16,
    /// The last day; the clock ends with it.
    pub due_on: NaiveDate,
    /// Whether it moves once more, when a year's calendar comes.
    pub provisional: bool,
    /// What the number of days rests on.
    pub setting: String,
    /// Since when it stands.
    pub paused_on: Option<NaiveDate>,
    /// When what was owed was done.
    pub ended_on: Option<NaiveDate>,
    /// Percent of the last warning: 0, 70, 90 or 100.
    pub warned: u8,
    /// Acts on it so far, the start included: its revision.
    pub acts: i32,
}

impl Clock {
    /// Starts a clock on the legal day of its cause.
    ///
    /// # Errors
    /// `INVALID` for no days, or more than a thousand.
    pub fn start(name: String, new: &New<'_>, today: NaiveDate, calendar: &Calendar) -> Result<Self> {
        if !(1..=DAYS_MAX).contains(&new.days) {
            return Err(Refusal::invalid("days", format!("1 – {DAYS_MAX}")));
        }
        let due = new.day_kind.due(calendar, today, new.days);
        Ok(Self {
            name,
            aggregate: new.aggregate.to_owned(),
            kind: new.kind.to_owned(),
            organisation: new.organisation.to_owned(),
            unit: new.unit.to_owned(),
            responsible: new.responsible.to_owned(),
            started_on: today,
            day_kind: new.day_kind,
            days: new.days,
            anchor_on: today,
            anchor_days: new.days,
            due_on: due.date,
            provisional: due.provisional,
            setting: new.setting.to_owned(),
            paused_on: None,
            ended_on: None,
            warned: 0,
            acts: 1,
        })
    }

    /// Lets it stand: days after today are not counted until it is resumed.
    ///
    /// # Errors
    /// `CLOCK_BASIS_MISSING`; `CLOCK_RAN_OUT` when the last day is over; `WRONG_STATE` when it stands already or has ended.
    pub fn pause(&self, basis: &str, today: NaiveDate) -> Result<Self> {
        check_basis(basis)?;
        self.check_runs("pause")?;
        self.check_in_time(today)?;
        Ok(Self { paused_on: Some(today), ..self.next() })
    }

    /// Lets it go on: the days that were left when it was paused count from the day after today.
    ///
    /// # Errors
    /// `CLOCK_BASIS_MISSING`; `WRONG_STATE` when it does not stand.
    pub fn resume(&self, basis: &str, today: NaiveDate, calendar: &Calendar) -> Result<Self> {
        check_basis(basis)?;
        let Some(paused_on) = self.paused_on else {
            return Err(Refusal::wrong_state(&self.aggregate, self.state_name(), "resume"));
        };
        let left = self.day_kind.count(calendar, paused_on, self.due_on);
        // No more than the days it has, of which there are a thousand and their extensions.
        let left = u16::try_from(left).unwrap_or(u16::MAX);
        Ok(Self { paused_on: None, anchor_on: today, anchor_days: left, ..self.next() }.counted(calendar))
    }

    /// Gives it more days.
    ///
    /// # Errors
    /// `CLOCK_BASIS_MISSING`; `CLOCK_RAN_OUT`; `WRONG_STATE` when it stands or has ended; `INVALID` for no days or too many.
    pub fn extend(&self, basis: &str, days: u16, today: NaiveDate, calendar: &Calendar) -> Result<Self> {
        check_basis(basis)?;
        self.check_runs("extend")?;
        self.check_in_time(today)?;
        let all = self.days.saturating_add(days);
        if days == 0 || all > DAYS_MAX {
            return Err(Refusal::invalid("days", format!("1 – {}", DAYS_MAX.saturating_sub(self.days))));
        }
        // Added to the last day as it stands: a calendar that was corrected since does not move what had started.
        let due = self.day_kind.due(calendar, self.due_on, days);
        Ok(Self {
            days: all,
            anchor_days: self.anchor_days.saturating_add(days),
            due_on: due.date,
            provisional: self.provisional || due.provisional,
            ..self.next()
        })
    }

    /// Notes that what was owed is done.
    ///
    /// # Errors
    /// `WRONG_STATE` when it was done before.
    pub fn end(&self, today: NaiveDate) -> Result<Self> {
        if self.ended_on.is_some() {
            return Err(Refusal::wrong_state(&self.aggregate, self.state_name(), "end"));
        }
        Ok(Self { ended_on: Some(today), ..self.next() })
    }

    /// Lets somebody else answer for it. The deadline stays.
    ///
    /// # Errors
    /// `WRONG_STATE` when it has ended.
    pub fn assign(&self, unit: &str, responsible: &str) -> Result<Self> {
        if self.ended_on.is_some() {
            return Err(Refusal::wrong_state(&self.aggregate, self.state_name(), "assign"));
        }
        Ok(Self { unit: unit.to_owned(), responsible: responsible.to_owned(), ..self.next() })
    }

    /// The clock by a calendar that has come since; none when it rests on official years alone, has ended, or nothing changes.
    pub fn recompute(&self, calendar: &Calendar) -> Option<Self> {
        if !self.provisional || self.ended_on.is_some() {
            return None;
        }
        let anew = self.next().counted(calendar);
        (anew.due_on != self.due_on || anew.provisional != self.provisional).then_some(anew)
    }

    /// How it stands.
    pub fn state(&self, now: DateTime<Utc>, calendar: &Calendar) -> State {
        let today = legal_day(now);
        if let Some(ended_on) = self.ended_on {
            return State { light: Light::Ended, days_left: self.left(ended_on, calendar) };
        }
        if let Some(paused_on) = self.paused_on {
            return State { light: Light::Paused, days_left: self.left(paused_on, calendar) };
        }
        let light = match self.percent(today, calendar) {
            100.. => Light::Overdue,
            90.. => Light::Red,
            70.. => Light::Yellow,
            _ => Light::Green,
        };
        State { light, days_left: self.left(today, calendar) }
    }

    fn left(&self, today: NaiveDate, calendar: &Calendar) -> i64 {
        if today > self.due_on {
            // Late on a day off, it is late by one day at least.
            return -self.day_kind.count(calendar, self.due_on, today).max(1);
        }
        self.day_kind.count(calendar, today, self.due_on)
    }

    /// Percent of its days that are used on a day, pauses not counted; 100 only when the last day is over.
    fn percent(&self, today: NaiveDate, calendar: &Calendar) -> u8 {
        if today > self.due_on {
            return 100;
        }
        let all = i64::from(self.days).max(1);
        let used = (all - self.day_kind.count(calendar, today, self.due_on)).clamp(0, all);
        // Between 0 and 99.
        u8::try_from((used * 100 / all).min(99)).unwrap_or(99)
    }

    /// Warnings that are due on a day and were not given, in their order.
    pub(super) fn warnings(&self, today: NaiveDate, calendar: &Calendar) -> Vec<u8> {
        if self.paused_on.is_some() || self.ended_on.is_some() {
            return Vec::new();
        }
        let percent = self.percent(today, calendar);
        [70, 90, 100].into_iter().filter(|level| *level > self.warned && *level <= percent).collect()
    }

    /// First day of the next warning.
    pub(super) fn warn_on(&self, calendar: &Calendar) -> Option<NaiveDate> {
        if self.warned == 100 || self.paused_on.is_some() || self.ended_on.is_some() {
            return None;
        }
        // The share of days used never falls, so the first day is found by halving.
        let (mut low, mut high) = (self.started_on, self.due_on.succ_opt()?);
        while low < high {
            let middle = low + Days::new((high - low).num_days().unsigned_abs() / 2);
            if self.warnings(middle, calendar).is_empty() {
                low = middle.succ_opt()?;
            } else {
                high = middle;
            }
        }
        Some(low)
    }

    /// Who is told of a warning: whoever answers for it, else the unit, else the department; when overdue the department too.
    pub fn addressees(&self, percent: u8) -> Vec<String> {
        let first = [&self.responsible, &self.unit, &self.organisation].into_iter().find(|name| !name.is_empty());
        let mut told: Vec<String> = first.into_iter().cloned().collect();
        if percent >= 100 && !told.contains(&self.organisation) {
            told.push(self.organisation.clone());
        }
        told
    }

    fn counted(self, calendar: &Calendar) -> Self {
        let due = self.day_kind.due(calendar, self.anchor_on, self.anchor_days);
        Self { due_on: due.date, provisional: due.provisional, ..self }
    }

    fn next(&self) -> Self {
        Self { acts: self.acts.saturating_add(1), ..self.clone() }
    }

    fn state_name(&self) -> &'static str {
        match (self.ended_on, self.paused_on) {
            (Some(_), _) => "ENDED",
            (None, Some(_)) => "PAUSED",
            (None, None) => "RUNNING",
        }
    }

    fn check_runs(&self, act: &str) -> Result<()> {
        if self.paused_on.is_some() || self.ended_on.is_some() {
            return Err(Refusal::wrong_state(&self.aggregate, self.state_name(), act));
        }
        Ok(())
    }

    fn check_in_time(&self, today: NaiveDate) -> Result<()> {
        if today > self.due_on {
            return Err(Refusal::new(Reason::ClockRanOut).with("due", self.due_on));
        }
        Ok(())
    }

    /// As the contract carries it, standing as it does at `now`.
    pub fn to_proto(&self, now: DateTime<Utc>, calendar: &Calendar) -> pb::Clock {
        let state = self.state(now, calendar);
        let day_kind = match self.day_kind {
            DayKind::Working => pb::DayKind::Working,
            DayKind::Calendar => pb::DayKind::Calendar,
        };
        let light = match state.light {
            Light::Green => pb::ClockState::Green,
            Light::Yellow => pb::ClockState::Yellow,
            Light::Red => pb::ClockState::Red,
            Light::Overdue => pb::ClockState::Overdue,
            Light::Paused => pb::ClockState::Paused,
            Light::Ended => pb::ClockState::Ended,
        };
        pb::Clock {
            name: self.name.clone(),
            aggregate: self.aggregate.clone(),
            kind: self.kind.clone(),
            organisation: self.organisation.clone(),
            unit: self.unit.clone(),
            responsible: self.responsible.clone(),
            start_date: self.started_on.to_string(),
            days: self.days.into(),
            day_kind: day_kind.into(),
            due_date: self.due_on.to_string(),
            provisional: self.provisional,
            setting: self.setting.clone(),
            state: light.into(),
            // Far less than two thousand million days.
            days_left: i32::try_from(state.days_left).unwrap_or(i32::MIN),
            end_date: self.ended_on.map(|day| day.to_string()).unwrap_or_default(),
            etag: self.acts.to_string(),
        }
    }
}

fn check_basis(basis: &str) -> Result<()> {
    match basis.trim().chars().count() {
        0 => Err(Refusal::new(Reason::ClockBasisMissing)),
        1..=BASIS_CHARS_MAX => Ok(()),
        _ => Err(Refusal::invalid("basis", format!("≤ {BASIS_CHARS_MAX}"))),
    }
}

#[cfg(test)]
mod tests;
