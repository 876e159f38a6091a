//! The life of a draw as pure functions (art. 11, 15): what may happen in which state, and what has to happen by itself.

use chrono::{DateTime, Utc};
use kit::error::{Reason, Refusal, Result};

/// State of a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Has a number; nothing frozen.
    Created,
    /// Stated: frozen, committed, public.
    Stated,
    /// At least one entry was given.
    Contributing,
    /// Secret opened.
    Revealed,
    /// Every drawn subject has a visit or a published reason.
    Dispatched,
    /// All visits ended.
    Done,
    /// Given up before the first entry.
    Abandoned,
    /// An entry missing at the close, or no reveal in time.
    Failed,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::Stated,
        Self::Contributing,
        Self::Revealed,
        Self::Dispatched,
        Self::Done,
        Self::Abandoned,
        Self::Failed,
    ];

    /// As the database keeps it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Stated => "STATED",
            Self::Contributing => "CONTRIBUTING",
            Self::Revealed => "REVEALED",
            Self::Dispatched => "DISPATCHED",
            Self::Done => "DONE",
            Self::Abandoned => "ABANDONED",
            Self::Failed => "FAILED",
        }
    }

    /// For a refusal.
    pub fn said(self) -> &'static str {
        match self {
            Self::Created => "已发起 CREATED",
            Self::Stated => "已声明 STATED",
            Self::Contributing => "提交随机数 CONTRIBUTING",
            Self::Revealed => "已揭晓 REVEALED",
            Self::Dispatched => "已派发 DISPATCHED",
            Self::Done => "已办结 DONE",
            Self::Abandoned => "已放弃 ABANDONED",
            Self::Failed => "已失败 FAILED",
        }
    }

    /// Whether somebody was drawn.
    pub fn has_result(self) -> bool {
        match self {
            Self::Revealed | Self::Dispatched | Self::Done => true,
            Self::Created | Self::Stated | Self::Contributing | Self::Abandoned | Self::Failed => false,
        }
    }

    /// The state the database kept.
    ///
    /// # Errors
    /// `INTERNAL` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| Refusal::internal(anyhow::anyhow!("a draw in state {text:?}")))
    }
}

/// What may happen to a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// It is frozen, committed to and stated.
    State,
    /// A department or witness gives its entry.
    Enter,
    /// The beacon's value comes in.
    EnterBeacon,
    /// The entries but the beacon's are closed and signed.
    Close,
    /// The secret is opened and the result published.
    Reveal,
    /// The last visit was made from it.
    Dispatch,
    /// The last visit ended.
    Finish,
    /// It is given up.
    Abandon,
    /// It ends without a reveal.
    Fail,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 9] = [
        Self::State,
        Self::Enter,
        Self::EnterBeacon,
        Self::Close,
        Self::Reveal,
        Self::Dispatch,
        Self::Finish,
        Self::Abandon,
        Self::Fail,
    ];

    /// For refusals, and for telling others what was done.
    pub fn said(self) -> &'static str {
        match self {
            Self::State => "作出声明 state",
            Self::Enter => "提交随机数 enter",
            Self::EnterBeacon => "录入公共随机数 report the beacon",
            Self::Close => "截止提交 close the entries",
            Self::Reveal => "揭晓 reveal",
            Self::Dispatch => "派发 dispatch",
            Self::Finish => "办结 finish",
            Self::Abandon => "放弃 abandon",
            Self::Fail => "判定失败 fail",
        }
    }
}

/// When what is due, UTC, whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Entries but the beacon's are accepted before.
    pub entries_close: DateTime<Utc>,
    /// The beacon's value is accepted from then on; none when it is waived.
    pub beacon_at: Option<DateTime<Utc>>,
    /// The draw is FAILED if not revealed by then.
    pub reveal_by: DateTime<Utc>,
}

/// A draw as far as its rules look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// `draws/{draw}`.
    pub name: String,
    /// State.
    pub state: State,
    /// When what is due.
    pub schedule: Schedule,
    /// Departments and witnesses that contribute; at least one.
    pub people: usize,
    /// How many of them gave their entry.
    pub people_given: usize,
    /// Whether the beacon's value is in.
    pub beacon_given: bool,
    /// Whether the beacon is the demonstration's, which needs nobody.
    pub demonstration: bool,
    /// Whether the entries were closed and signed.
    pub closed: bool,
}

impl Standing {
    fn complete(&self) -> bool {
        self.people_given >= self.people && (self.schedule.beacon_at.is_none() || self.beacon_given)
    }

    fn wrong_state(&self, event: Event) -> Refusal {
        Refusal::wrong_state(&self.name, self.state.said(), event.said())
    }

    /// What an event makes of the draw.
    ///
    /// # Errors
    /// The reason for which it may not happen now: `WRONG_STATE`, `ALREADY_STATED`, `SCHEDULE_INVALID`, `ENTRIES_CLOSED`,
    /// `BEACON_TOO_EARLY`, `ENTRY_GIVEN`, `ENTRY_EXISTS`.
    pub fn apply(&self, event: Event, now: DateTime<Utc>) -> Result<State> {
        use Event as E;
        use State as S;
        match (self.state, event) {
            (S::Created, E::State) => self.stated(now),
            (S::Created, E::Abandon) => Ok(S::Abandoned),
            (
                S::Stated | S::Contributing | S::Revealed | S::Dispatched | S::Done | S::Abandoned | S::Failed,
                E::State,
            ) => {
                match self.state {
                    // Given up before it was stated: there is no statement to speak of.
                    S::Abandoned => Err(self.wrong_state(event)),
                    S::Created | S::Stated | S::Contributing | S::Revealed | S::Dispatched | S::Done | S::Failed => {
                        Err(Refusal::new(Reason::AlreadyStated).with("draw", &self.name))
                    }
                }
            }
            (S::Stated | S::Contributing, E::Enter) => self.entered(now),
            (S::Revealed | S::Dispatched | S::Done | S::Failed, E::Enter) => Err(self.entries_closed()),
            (S::Stated | S::Contributing, E::EnterBeacon) => self.beacon_entered(now),
            (S::Stated | S::Contributing, E::Close) => self.closed(now),
            (S::Contributing, E::Reveal) => self.revealed(now),
            (S::Revealed, E::Dispatch) => Ok(S::Dispatched),
            (S::Dispatched, E::Finish) => Ok(S::Done),
            (S::Stated, E::Abandon) => {
                if self.people_given == 0 && !self.beacon_given {
                    Ok(S::Abandoned)
                } else {
                    Err(self.entry_exists())
                }
            }
            (S::Contributing | S::Revealed | S::Dispatched | S::Done, E::Abandon) => Err(self.entry_exists()),
            (S::Stated | S::Contributing, E::Fail) => match self.failure(now) {
                Some(_) => Ok(S::Failed),
                None => Err(self.wrong_state(event)),
            },
            (S::Created, E::Enter | E::EnterBeacon | E::Close | E::Reveal | E::Dispatch | E::Finish | E::Fail)
            | (S::Stated, E::Reveal | E::Dispatch | E::Finish)
            | (S::Contributing, E::Dispatch | E::Finish)
            | (S::Revealed, E::EnterBeacon | E::Close | E::Reveal | E::Finish | E::Fail)
            | (S::Dispatched, E::EnterBeacon | E::Close | E::Reveal | E::Dispatch | E::Fail)
            | (S::Done, E::EnterBeacon | E::Close | E::Reveal | E::Dispatch | E::Finish | E::Fail)
            | (
                S::Abandoned,
                E::Enter | E::EnterBeacon | E::Close | E::Reveal | E::Dispatch | E::Finish | E::Abandon | E::Fail,
            )
            | (S::Failed, E::EnterBeacon | E::Close | E::Reveal | E::Dispatch | E::Finish | E::Abandon | E::Fail) => {
                Err(self.wrong_state(event))
            }
        }
    }

    fn stated(&self, now: DateTime<Utc>) -> Result<State> {
        if now >= self.schedule.entries_close {
            let problem = "提交截止时间已过，请放弃本次抽签后重新发起 / entries_close has passed; abandon this draw and create another";
            return Err(Refusal::new(Reason::ScheduleInvalid).with("problem", problem));
        }
        Ok(State::Stated)
    }

    fn entered(&self, now: DateTime<Utc>) -> Result<State> {
        if self.closed || now >= self.schedule.entries_close {
            Err(self.entries_closed())
        } else {
            Ok(State::Contributing)
        }
    }

    fn beacon_entered(&self, now: DateTime<Utc>) -> Result<State> {
        let Some(at) = self.schedule.beacon_at else { return Err(self.wrong_state(Event::EnterBeacon)) };
        if self.beacon_given {
            return Err(Refusal::new(Reason::EntryGiven).with("contributor", "BEACON"));
        }
        if now < at {
            return Err(Refusal::new(Reason::BeaconTooEarly).with("at", text(at)));
        }
        if now > self.schedule.reveal_by {
            return Err(Refusal::new(Reason::EntriesClosed)
                .with("draw", &self.name)
                .with("closed", text(self.schedule.reveal_by)));
        }
        // Until the entries are closed and signed, whoever knows the beacon's value could still choose one.
        if self.closed { Ok(State::Contributing) } else { Err(self.wrong_state(Event::EnterBeacon)) }
    }

    fn closed(&self, now: DateTime<Utc>) -> Result<State> {
        if self.closed || now < self.schedule.entries_close || self.people_given < self.people {
            Err(self.wrong_state(Event::Close))
        } else {
            Ok(State::Contributing)
        }
    }

    fn revealed(&self, now: DateTime<Utc>) -> Result<State> {
        // Times are published in whole seconds, and the reveal lies after the close in them.
        let after_close = now.timestamp() > self.schedule.entries_close.timestamp();
        if self.closed && self.complete() && after_close && now <= self.schedule.reveal_by {
            Ok(State::Revealed)
        } else {
            Err(self.wrong_state(Event::Reveal))
        }
    }

    fn entries_closed(&self) -> Refusal {
        Refusal::new(Reason::EntriesClosed).with("draw", &self.name).with("closed", text(self.schedule.entries_close))
    }

    fn entry_exists(&self) -> Refusal {
        Refusal::new(Reason::EntryExists).with("draw", &self.name)
    }

    /// Why the draw has failed, if it has.
    pub fn failure(&self, now: DateTime<Utc>) -> Option<Failure> {
        if now > self.schedule.reveal_by {
            Some(Failure::RevealMissed)
        } else if !self.closed && now >= self.schedule.entries_close && self.people_given < self.people {
            Some(Failure::EntryMissing)
        } else {
            None
        }
    }

    /// What has to happen by itself now, if anything.
    pub fn due(&self, now: DateTime<Utc>) -> Option<Event> {
        match self.state {
            State::Stated | State::Contributing => {
                if self.failure(now).is_some() {
                    return Some(Event::Fail);
                }
                let mut wanted = vec![Event::Close, Event::Reveal];
                if self.demonstration {
                    wanted.insert(1, Event::EnterBeacon);
                }
                wanted.into_iter().find(|event| self.apply(*event, now).is_ok())
            }
            State::Revealed => Some(Event::Dispatch),
            State::Created | State::Dispatched | State::Done | State::Abandoned | State::Failed => None,
        }
    }
}

/// Why a draw failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// An entry was missing when the entries closed.
    EntryMissing,
    /// It was not revealed in time.
    RevealMissed,
}

impl Failure {
    /// As published.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EntryMissing => "ENTRY_MISSING",
            Self::RevealMissed => "REVEAL_MISSED",
        }
    }
}

/// An instant as refusals and the protocol write it.
pub fn text(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
