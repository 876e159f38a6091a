//! What a plan may say and how it moves (art. 9, 14): no plan, no inspection; quotas, teams and dates hold; nobody publishes
//! what they wrote; a plan published after 31 March of its year is late.

use std::{borrow::Cow, fmt};

use chrono::{DateTime, Datelike, Utc};
use kit::error::{Reason, Refusal, Result};
use proto::qingtian::draws::v1 as pb;

pub use kit::workdays::legal_day;

use super::classes;
pub use super::content::{ANY, Amount, Content, TeamPart};
pub use super::obstacles::{ALL, PoolCount, StratumCount, obstacles, resolve, strata, too_many_strata};

/// Number of a plan: `plans/2026-07`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanId {
    /// Year the plan is for.
    pub year: i32,
    /// Number in the year, from 1, without gaps.
    pub number: i32,
}

impl PlanId {
    /// Reads a resource name; what no plan can be called is not found.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub fn parse(name: &str) -> Result<Self> {
        let read = || {
            let (year, number) = name.strip_prefix("plans/")?.split_once('-')?;
            let id = Self { year: year.parse().ok()?, number: number.parse().ok()? };
            (id.to_string() == name).then_some(id)
        };
        read().ok_or_else(|| Refusal::not_found(name))
    }
}

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plans/{:04}-{:02}", self.year, self.number)
    }
}

/// State of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Being written.
    Draft,
    /// Waiting for a second person.
    InReview,
    /// Public; draws may be made over it.
    Published,
    /// Everything it foresaw is done.
    Finished,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Draft, Self::InReview, Self::Published, Self::Finished];

    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::InReview => "IN_REVIEW",
            Self::Published => "PUBLISHED",
            Self::Finished => "FINISHED",
        }
    }

    /// As stored.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// For a refusal.
    fn said(self) -> &'static str {
        match self {
            Self::Draft => "草案 DRAFT",
            Self::InReview => "审核中 IN_REVIEW",
            Self::Published => "已公布 PUBLISHED",
            Self::Finished => "已完成 FINISHED",
        }
    }

    /// The state after a step, where it is possible.
    pub fn after(self, step: Step) -> Option<Self> {
        match (self, step) {
            (Self::Draft, Step::Edit) => Some(Self::Draft),
            (Self::Draft, Step::Submit) => Some(Self::InReview),
            (Self::InReview, Step::Return) => Some(Self::Draft),
            (Self::InReview, Step::Publish) => Some(Self::Published),
            (Self::Published, Step::Finish) => Some(Self::Finished),
            (Self::Draft, Step::Return | Step::Publish | Step::Finish)
            | (Self::InReview, Step::Edit | Step::Submit | Step::Finish)
            | (Self::Published, Step::Edit | Step::Submit | Step::Return | Step::Publish)
            | (Self::Finished, Step::Edit | Step::Submit | Step::Return | Step::Publish | Step::Finish) => None,
        }
    }
}

/// What can be done with a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Change the draft.
    Edit,
    /// Hand it to a second person.
    Submit,
    /// Give it back with a reason.
    Return,
    /// Make it public.
    Publish,
    /// Everything is done.
    Finish,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Edit, Self::Submit, Self::Return, Self::Publish, Self::Finish];

    /// For refusals and for telling others what was done.
    pub fn said(self) -> &'static str {
        match self {
            Self::Edit => "修改 edited",
            Self::Submit => "提交审核 submitted",
            Self::Return => "退回 returned",
            Self::Publish => "公布 published",
            Self::Finish => "完成 finished",
        }
    }

    /// Whether it needs somebody who has not written the plan.
    fn needs_second_person(self) -> bool {
        match self {
            Self::Return | Self::Publish => true,
            Self::Edit | Self::Submit | Self::Finish => false,
        }
    }

    /// Whether the plan must be complete.
    fn needs_all(self) -> bool {
        match self {
            Self::Submit | Self::Publish => true,
            Self::Edit | Self::Return | Self::Finish => false,
        }
    }
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Number.
    pub id: PlanId,
    /// `organisations/{organisation}` whose plan, and whose register, it is.
    pub organisation: String,
    /// What it says.
    pub content: Content,
    /// State.
    pub state: State,
    /// Revision, from 1.
    pub revision: i64,
    /// `users/{user}` who drafted it.
    pub creator: String,
    /// Everybody who wrote or submitted it.
    pub authors: Vec<String>,
    /// `users/{user}` who published it; empty before.
    pub publisher: String,
    /// Why last returned; empty otherwise.
    pub return_reason: String,
    /// Published after 31 March of its year.
    pub late: bool,
    /// When drafted.
    pub created_at: DateTime<Utc>,
    /// When published.
    pub published_at: Option<DateTime<Utc>>,
    /// When last changed.
    pub changed_at: DateTime<Utc>,
    /// Who last changed it.
    pub changed_by: String,
    /// What was done last.
    pub changed_what: String,
}

impl Plan {
    /// A new draft.
    pub fn draft(id: PlanId, organisation: &str, content: Content, by: &str, now: DateTime<Utc>) -> Self {
        Self {
            id,
            organisation: organisation.to_owned(),
            content,
            state: State::Draft,
            revision: 1,
            creator: by.to_owned(),
            authors: vec![by.to_owned()],
            publisher: String::new(),
            return_reason: String::new(),
            late: false,
            created_at: now,
            published_at: None,
            changed_at: now,
            changed_by: by.to_owned(),
            changed_what: "起草 drafted".to_owned(),
        }
    }

    /// `plans/{year}-{number}`.
    pub fn name(&self) -> String {
        self.id.to_string()
    }

    /// The calendar quarter in which nobody with a planned visit is drawn again, now (art. 17); none where the plan gives a
    /// published reason for a second visit.
    pub fn spared_quarter(&self, now: DateTime<Utc>) -> Option<String> {
        self.content.foresees.second_visit_reason.is_empty().then(|| quarter(now))
    }

    /// Whether draws may be made over it.
    pub fn is_published(&self) -> bool {
        match self.state {
            State::Published => true,
            State::Draft | State::InReview | State::Finished => false,
        }
    }

    /// Takes one step.
    ///
    /// # Errors
    /// `WRONG_STATE`, `OWN_ACT` (art. 27), `PLAN_INCOMPLETE` (art. 14), `PUBLISH_DAY_PAST` (art. 18).
    pub fn step(mut self, step: Step, by: &str, now: DateTime<Utc>) -> Result<Self> {
        let name = self.name();
        self.state =
            self.state.after(step).ok_or_else(|| Refusal::wrong_state(name, self.state.said(), step.said()))?;
        if step.needs_second_person() && self.authors.iter().any(|author| author == by) {
            return Err(Refusal::new(Reason::OwnAct));
        }
        if step.needs_all() {
            self.complete()?;
            self.content.shape.check_day(legal_day(now))?;
        }
        match step {
            Step::Edit | Step::Submit => {
                if !self.authors.iter().any(|author| author == by) {
                    self.authors.push(by.to_owned());
                }
                if step == Step::Submit {
                    self.return_reason.clear();
                }
            }
            Step::Publish => {
                by.clone_into(&mut self.publisher);
                self.published_at = Some(now);
                self.late = is_late(self.id.year, now);
            }
            Step::Return | Step::Finish => {}
        }
        self.revision += 1;
        self.changed_at = now;
        by.clone_into(&mut self.changed_by);
        step.said().clone_into(&mut self.changed_what);
        Ok(self)
    }

    /// Whether everything a plan must say is there.
    ///
    /// # Errors
    /// `PLAN_INCOMPLETE` names what is missing.
    pub fn complete(&self) -> Result<()> {
        let content = &self.content;
        let needed = [
            (content.title.is_empty(), "标题 title"),
            (content.kind == pb::PlanKind::Unspecified, "计划类型 kind"),
            (content.items.is_empty(), "抽查事项 items"),
            (content.stratification == pb::Stratification::Unspecified, "分层方式 stratification"),
            (content.quotas.is_empty(), "抽查比例 quotas"),
            (content.teams.is_empty(), "检查组组成 teams"),
            (content.start.is_none(), "开始日期 start_date"),
            (content.end.is_none(), "结束日期 end_date"),
            (content.method.is_empty(), "检查方式 method"),
            (content.frequency.is_empty(), "检查频次 frequency"),
        ];
        let missing: Vec<&str> = needed.into_iter().filter_map(|(lacks, what)| lacks.then_some(what)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Refusal::new(Reason::PlanIncomplete).with("missing", missing.join("、")))
    }

    /// The stratum a subject of this district and credit class (empty for none) falls under.
    pub fn stratum<'a>(&self, district: &'a str, class: &'a str) -> Cow<'a, str> {
        match self.content.stratification {
            pb::Stratification::Whole => ALL.into(),
            pb::Stratification::District | pb::Stratification::Unspecified => district.into(),
            pb::Stratification::CreditClass => classes::stratum(class).into(),
            pb::Stratification::DistrictAndCreditClass => format!("{district}/{}", classes::stratum(class)).into(),
        }
    }
}

/// Calendar quarter in Kaifeng, such as `2026-4`.
pub fn quarter(now: DateTime<Utc>) -> String {
    let day = legal_day(now);
    format!("{}-{}", day.year(), day.month0() / 3 + 1)
}

/// Whether a plan published now is late: after 31 March of its year, in Kaifeng (art. 14).
fn is_late(year: i32, now: DateTime<Utc>) -> bool {
    let day = legal_day(now);
    (day.year(), day.month()) >= (year, 4)
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
