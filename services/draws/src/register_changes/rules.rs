//! When a change of a register needs a second person, what becomes of a change, and of each of its subjects (art. 13); pure.

use kit::error::{Refusal, Result};

use crate::{
    draws::rules::State as DrawState,
    registers::{life::Life, store::SubjectRow},
};

/// A published plan over a register, and the draws made from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedPlan {
    /// `plans/{plan}`.
    pub name: String,
    /// States of its draws.
    pub draws: Vec<DrawState>,
}

impl PublishedPlan {
    /// Whether somebody could still gain from changing the register: from the publication until its first draw is revealed, and
    /// again while another draw of it is created and not revealed. A draw that has its statement is frozen, but as long as it
    /// can be abandoned or fail, the next one is frozen anew.
    fn guards(&self) -> bool {
        let under_way = |state: &DrawState| match state {
            DrawState::Created | DrawState::Stated | DrawState::Contributing => true,
            DrawState::Revealed
            | DrawState::Dispatched
            | DrawState::Done
            | DrawState::Abandoned
            | DrawState::Failed => false,
        };
        self.draws.iter().any(under_way) || !self.draws.iter().any(|state| state.has_result())
    }
}

/// The plan for which a change of the register needs a reason and a second person; none when it needs neither.
pub fn guarding(plans: &[PublishedPlan]) -> Option<&str> {
    plans.iter().find(|plan| plan.guards()).map(|plan| plan.name.as_str())
}

/// State of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Waits for a second person.
    Pending,
    /// Being applied.
    Applying,
    /// Applied to the end.
    Applied,
    /// Rejected.
    Rejected,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Applying, Self::Applied, Self::Rejected];

    /// As the database keeps it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Applying => "APPLYING",
            Self::Applied => "APPLIED",
            Self::Rejected => "REJECTED",
        }
    }

    /// For a refusal.
    pub fn said(self) -> &'static str {
        match self {
            Self::Pending => "待复核 PENDING",
            Self::Applying => "正在生效 APPLYING",
            Self::Applied => "已生效 APPLIED",
            Self::Rejected => "已驳回 REJECTED",
        }
    }

    /// The state the database kept.
    ///
    /// # Errors
    /// `INTERNAL` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Refusal::internal(anyhow::anyhow!("a change of a register in state {text:?}")))
    }
}

/// What may happen to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// The second person approves.
    Approve,
    /// The second person rejects.
    Reject,
    /// A plan was published meanwhile, and nobody has approved yet.
    Wait,
    /// The last subject was dealt with.
    Finish,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 4] = [Self::Approve, Self::Reject, Self::Wait, Self::Finish];

    fn said(self) -> &'static str {
        match self {
            Self::Approve => "同意 approve",
            Self::Reject => "驳回 reject",
            Self::Wait => "待复核 wait",
            Self::Finish => "生效 finish",
        }
    }
}

/// What an event makes of a change.
///
/// # Errors
/// `WRONG_STATE`.
pub fn apply(name: &str, state: State, event: Event) -> Result<State> {
    match (state, event) {
        (State::Pending, Event::Approve) => Ok(State::Applying),
        (State::Pending, Event::Reject) => Ok(State::Rejected),
        (State::Applying, Event::Wait) => Ok(State::Pending),
        (State::Applying, Event::Finish) => Ok(State::Applied),
        (State::Pending, Event::Wait | Event::Finish)
        | (State::Applying, Event::Approve | Event::Reject)
        | (State::Applied | State::Rejected, Event::Approve | Event::Reject | Event::Wait | Event::Finish) => {
            Err(Refusal::wrong_state(name, state.said(), event.said()))
        }
    }
}

/// What a change makes of each subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A status of life.
    Life(Life),
    /// A district, six digits.
    District(String),
}

impl Target {
    /// Whether a subject is so already.
    pub fn holds(&self, subject: &SubjectRow) -> bool {
        match self {
            Self::Life(life) => subject.life() == *life,
            Self::District(district) => subject.district == *district,
        }
    }
}

/// What becomes of one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It changes.
    Changed,
    /// It is so already.
    Unchanged,
    /// Somebody changed it after the change was asked for.
    Stale,
    /// It is not in the register.
    NotFound,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Changed, Self::Unchanged, Self::Stale, Self::NotFound];

    /// As the database keeps it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "CHANGED",
            Self::Unchanged => "UNCHANGED",
            Self::Stale => "STALE",
            Self::NotFound => "NOT_FOUND",
        }
    }
}

/// What becomes of a subject that was seen at a revision and is now as it is.
pub fn outcome(seen: i64, subject: Option<&SubjectRow>, target: &Target) -> Outcome {
    match subject {
        None => Outcome::NotFound,
        Some(subject) if target.holds(subject) => Outcome::Unchanged,
        Some(subject) if subject.revision != seen => Outcome::Stale,
        Some(_) => Outcome::Changed,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use kit::error::Reason;

    use super::*;

    #[test]
    fn a_register_is_guarded_from_the_publication_to_the_reveal_and_while_another_draw_is_under_way() {
        use DrawState::{Abandoned, Contributing, Created, Dispatched, Done, Failed, Revealed, Stated};
        let plan = |draws: &[DrawState]| PublishedPlan { name: "plans/2026-01".into(), draws: draws.to_vec() };
        for draws in [
            [].as_slice(),
            &[Created],
            &[Stated],
            &[Contributing],
            &[Abandoned],
            &[Failed],
            &[Failed, Stated],
            &[Dispatched, Created],
            &[Done, Contributing],
        ] {
            assert_eq!(guarding(&[plan(&[Done]), plan(draws)]), Some("plans/2026-01"), "{draws:?}");
        }
        for draws in [[Revealed].as_slice(), &[Dispatched], &[Done], &[Abandoned, Done], &[Failed, Revealed]] {
            assert_eq!(guarding(&[plan(draws)]), None, "{draws:?}");
        }
        assert_eq!(guarding(&[]), None);
    }

    #[test]
    fn a_change_is_decided_once_and_ends_once() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()).unwrap(), state);
            for event in Event::ALL {
                let next = apply("x", state, event);
                let expected = match (state, event) {
                    (State::Pending, Event::Approve) => Some(State::Applying),
                    (State::Pending, Event::Reject) => Some(State::Rejected),
                    (State::Applying, Event::Finish) => Some(State::Applied),
                    (State::Applying, Event::Wait) => Some(State::Pending),
                    _ => None,
                };
                match expected {
                    Some(expected) => assert_eq!(next.unwrap(), expected),
                    None => assert_eq!(next.unwrap_err().reason(), Reason::WrongState, "{state:?} {event:?}"),
                }
            }
        }
        assert!(State::parse("").is_err());
    }

    #[test]
    fn a_subject_changes_only_as_it_was_seen() {
        let subject = SubjectRow {
            organisation: "organisations/market".into(),
            key: "site:1".into(),
            title: "甲".into(),
            district: "410202".into(),
            industry: String::new(),
            address: String::new(),
            in_business: false,
            gone: "REVOKED".into(),
            old_number: false,
            credit_class: String::new(),
            revision: 3,
            created_at: DateTime::UNIX_EPOCH,
            changed_at: DateTime::UNIX_EPOCH,
            changed_by: String::new(),
            changed_what: String::new(),
            changed_why: String::new(),
            changed_with: String::new(),
        };
        let gone = Target::Life(Life::Deregistered);
        assert_eq!(outcome(3, Some(&subject), &gone), Outcome::Changed);
        assert_eq!(outcome(2, Some(&subject), &gone), Outcome::Stale);
        assert_eq!(outcome(2, Some(&subject), &Target::Life(Life::Revoked)), Outcome::Unchanged);
        assert_eq!(outcome(3, Some(&subject), &Target::District("410203".into())), Outcome::Changed);
        assert_eq!(outcome(3, Some(&subject), &Target::District("410202".into())), Outcome::Unchanged);
        assert_eq!(outcome(3, None, &gone), Outcome::NotFound);
    }
}
