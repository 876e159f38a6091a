//! What a recusal may become (art. 16), who may ask and who decides, and what the protocol makes of an upheld one. Pure.

use std::collections::{BTreeSet, HashSet};

use anyhow::Context;
use bytes::Bytes;
use kit::{
    auth::{Caller, Reach},
    error::{Reason, Refusal, Result},
};
use lottery::{
    Digest, Time,
    frozen::{EXCLUSIONS, EXPERTS, Exclusions, OFFICERS, parse_people},
    hash::Tickets,
    recusal::{Act, Asked, ILLNESS, Known, Line, Log, NOBODY, Placed, Recusals, TRANSFER},
    rules::Rules,
};
use proto::qingtian::access::v1::Role;

use crate::draws::rules::State as DrawState;

/// State of a recusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waits for its decision.
    Requested,
    /// Carried out.
    Upheld,
    /// The team stays.
    Rejected,
}

/// What may happen to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It is upheld and carried out.
    Uphold,
    /// It is rejected.
    Reject,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Requested, Self::Upheld, Self::Rejected];

    /// As the database keeps it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "REQUESTED",
            Self::Upheld => "UPHELD",
            Self::Rejected => "REJECTED",
        }
    }

    /// For refusals.
    pub fn said(self) -> &'static str {
        match self {
            Self::Requested => "待决定 REQUESTED",
            Self::Upheld => "已同意 UPHELD",
            Self::Rejected => "已驳回 REJECTED",
        }
    }

    /// The state the database kept.
    ///
    /// # Errors
    /// `INTERNAL` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Refusal::internal(anyhow::anyhow!("a recusal in state {text:?}")))
    }

    /// What an event makes of the recusal of this name.
    ///
    /// # Errors
    /// `RECUSAL_DECIDED`.
    pub fn apply(self, event: Event, name: &str) -> Result<Self> {
        match (self, event) {
            (Self::Requested, Event::Uphold) => Ok(Self::Upheld),
            (Self::Requested, Event::Reject) => Ok(Self::Rejected),
            (Self::Upheld | Self::Rejected, Event::Uphold | Event::Reject) => {
                Err(Refusal::new(Reason::RecusalDecided).with("recusal", name).with("state", self.said()))
            }
        }
    }
}

/// Why somebody is to leave a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// An interest in the subject.
    Interest,
    /// A relative of the subject's people.
    Kinship,
    /// Ill.
    Illness,
    /// Has left the unit.
    Transfer,
    /// Something else, which the note says.
    Other,
}

impl Ground {
    /// Every ground.
    pub const ALL: [Self; 5] = [Self::Interest, Self::Kinship, Self::Illness, Self::Transfer, Self::Other];

    /// The code in database and log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interest => "INTEREST",
            Self::Kinship => "KINSHIP",
            Self::Illness => ILLNESS,
            Self::Transfer => TRANSFER,
            Self::Other => "OTHER",
        }
    }

    /// The ground the database kept.
    ///
    /// # Errors
    /// `INTERNAL` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|ground| ground.as_str() == text);
        found.ok_or_else(|| Refusal::internal(anyhow::anyhow!("a recusal on ground {text:?}")))
    }

    /// Whether whoever leaves is only replaced: who is ill or gone takes nobody's place.
    pub fn only_replaces(self) -> bool {
        match self {
            Self::Illness | Self::Transfer => true,
            Self::Interest | Self::Kinship | Self::Other => false,
        }
    }

    /// Checks an act against the ground.
    ///
    /// # Errors
    /// `INVALID` for an exchange with somebody who is ill or gone.
    pub fn check(self, act: Act) -> Result<()> {
        match act {
            Act::Exchange if self.only_replaces() => Err(Refusal::invalid(
                "act",
                "因病或调离的只能退出并由下一名候选人接替，不能交换 / who is ill or gone is replaced: choose WITHDRAW",
            )),
            Act::Exchange | Act::Withdraw => Ok(()),
        }
    }
}

/// Checks who asks: the person himself, or a handler of the drawing organisation, who writes down what others ask. Answers
/// whether it is the person himself.
///
/// # Errors
/// `ROLE_MISSING`.
pub fn check_asking(caller: &Caller, person: &str, organisation: &str) -> Result<bool> {
    let own = !caller.certificate.is_empty() && person == caller.certificate;
    let for_others = caller.has(Role::Handler) && caller.organisation == organisation;
    if own || for_others { Ok(own) } else { Err(Refusal::new(Reason::RoleMissing).with("needed", "HANDLER")) }
}

/// Whose recusals somebody reads besides his own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Office {
    /// Everybody's.
    City,
    /// Those of this organisation's draws.
    Organisation(String),
    /// Nobody's.
    None,
}

/// Which recusals a caller reads: those of an office or of all, and always what concerns him or he asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    pub office: Office,
    /// Empty for whoever has none.
    pub certificate: String,
    pub actor: String,
}

impl Sight {
    /// What this caller reads.
    pub fn of(caller: &Caller) -> Self {
        let office = match caller.reach() {
            Reach::City => Office::City,
            Reach::Organisation(name) if caller.has(Role::Handler) || caller.has(Role::Reviewer) => {
                Office::Organisation(name)
            }
            Reach::Organisation(_) => Office::None,
        };
        Self { office, certificate: caller.certificate.clone(), actor: caller.actor.clone() }
    }
}

/// Whether a caller reads a recusal's words: they are for those who decide, who asked and whom it concerns.
pub fn reads_words(caller: &Caller, creator: &str, person: &str, organisation: &str) -> bool {
    let concerned = creator == caller.actor || (!caller.certificate.is_empty() && caller.certificate == person);
    let decides = caller.has(Role::Reviewer) && caller.organisation == organisation;
    concerned || decides || caller.has(Role::Auditor)
}

/// Refuses a recusal in a draw that has no teams, or whose teams are still being made.
///
/// # Errors
/// `RECUSAL_TOO_EARLY`, or `WRONG_STATE` for a draw that never had any.
pub fn check_dispatched(draw: &str, state: DrawState) -> Result<()> {
    match state {
        DrawState::Dispatched | DrawState::Done => Ok(()),
        DrawState::Created | DrawState::Stated | DrawState::Contributing | DrawState::Revealed => {
            Err(Refusal::new(Reason::RecusalTooEarly).with("draw", draw).with("state", state.said()))
        }
        DrawState::Abandoned | DrawState::Failed => {
            Err(Refusal::wrong_state(draw, state.said(), "申请回避 ask for recusal"))
        }
    }
}

/// A visit's team as far as a recusal looks.
#[derive(Debug, Clone, Copy)]
pub struct Team<'a> {
    pub subject: &'a str,
    pub officers: &'a [String],
    pub experts: &'a [String],
    /// Whether the visit has begun.
    pub visited: bool,
}

impl Team<'_> {
    /// Checks that somebody is in it and can still leave it.
    ///
    /// # Errors
    /// `NOT_IN_TEAM`, `ALREADY_VISITED`.
    pub fn check_leaving(&self, person: &str) -> Result<()> {
        if !self.officers.iter().chain(self.experts).any(|there| there == person) {
            return Err(Refusal::new(Reason::NotInTeam).with("person", person).with("subject", self.subject));
        }
        if self.visited {
            return Err(Refusal::new(Reason::AlreadyVisited).with("subject", self.subject));
        }
        Ok(())
    }
}

/// Whoever is about to decide, and what about.
#[derive(Debug, Clone, Copy)]
pub struct Deciding<'a> {
    pub recusal: &'a str,
    /// Account that asked.
    pub creator: &'a str,
    /// Who is to leave.
    pub person: &'a str,
    /// That person's account, where known.
    pub account: Option<&'a str>,
    /// Account that decides, and its certificate, or empty.
    pub decider: &'a str,
    pub certificate: &'a str,
}

impl Deciding<'_> {
    /// Whoever decides is neither the person concerned nor the one who asked.
    ///
    /// # Errors
    /// `OWN_RECUSAL`, `OWN_ACT`.
    pub fn check(&self) -> Result<()> {
        if self.certificate == self.person || self.account == Some(self.decider) {
            return Err(Refusal::new(Reason::OwnRecusal).with("recusal", self.recusal));
        }
        if self.creator == self.decider {
            return Err(Refusal::new(Reason::OwnAct));
        }
        Ok(())
    }
}

/// How the public log names whoever acts for a unit: the office, never the account.
pub fn office(unit: &str, office: &str) -> String {
    format!("{unit}/{office}")
}

/// A revealed draw, with its log so far.
#[derive(Debug)]
pub struct Revealed {
    /// `rules.json`, and the frozen files that decide who comes next.
    pub rules: Vec<u8>,
    pub officers: Bytes,
    pub experts: Bytes,
    pub exclusions: Bytes,
    pub seed: String,
    pub revealed_at: Time,
    /// Digest of `result.tsv`.
    pub result: String,
    /// Who was drawn with which team, in the result's order.
    pub placed: Vec<Placed>,
    /// Its lines, each ended by LF.
    pub log: String,
    /// Subjects whose visit has begun.
    pub visited: HashSet<String>,
}

/// An act carried out.
#[derive(Debug)]
pub struct CarriedOut {
    pub line: Line,
    /// What is signed for the head.
    pub head_text: String,
    /// The teams it changed.
    pub teams: Vec<NewTeam>,
}

/// A visit's team from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTeam {
    pub subject: String,
    pub officers: Vec<String>,
    pub experts: Vec<String>,
    /// Places that stayed empty.
    pub empty_places: usize,
}

impl Revealed {
    /// Carries out what the protocol dictates (section 6).
    ///
    /// # Errors
    /// The draw's files or log are not what was published, or the act is none the caller may ask for.
    pub fn carry_out(&self, statement: &Digest, asked: Asked) -> anyhow::Result<CarriedOut> {
        let rules = Rules::parse(&self.rules)?;
        let people = |file, bytes| parse_people(file, bytes, rules.is_withheld(file));
        let officers = people(OFFICERS, &self.officers)?;
        let experts = people(EXPERTS, &self.experts)?;
        let exclusions = Exclusions::parse(&self.exclusions, rules.is_withheld(EXCLUSIONS))?;
        let known = Known {
            rules: &rules,
            tickets: Tickets::new(&Digest::parse(&self.seed)?),
            officers: Some(&officers),
            experts: Some(&experts),
            exclusions: Some(&exclusions),
        };
        let recusals = Recusals::new(known, self.placed.iter().cloned())?;
        let mut log = Log::new(recusals, Digest::parse(&self.result)?, self.revealed_at.clone());
        log.replay(&self.log)?;
        // The log's times never go back, whatever a clock does.
        let last = self.log.lines().next_back().map(Line::parse).transpose()?.map(|line| line.time);
        let time = asked.time.max(last.unwrap_or_else(|| self.revealed_at.clone())).max(self.revealed_at.clone());
        let line = log.act(&Asked { time, ..asked }, |subject| self.visited.contains(subject))?;
        let head_text = log.head_text(statement).context("a log without a line")?;
        let changed = BTreeSet::from([line.subject.as_str(), line.other_subject.as_str()]);
        let roster = log.recusals().roster();
        let teams = changed.into_iter().filter(|subject| *subject != NOBODY).map(|subject| {
            let placed = roster.of(subject).with_context(|| format!("{subject} was not drawn"))?;
            Ok(NewTeam::of(placed))
        });
        Ok(CarriedOut { teams: teams.collect::<anyhow::Result<_>>()?, head_text, line })
    }
}

impl NewTeam {
    fn of(placed: &Placed) -> Self {
        let there = |places: &[Option<String>]| places.iter().flatten().cloned().collect();
        Self {
            subject: placed.key.clone(),
            officers: there(&placed.officers),
            experts: there(&placed.experts),
            empty_places: placed.officers.iter().chain(&placed.experts).filter(|place| place.is_none()).count(),
        }
    }
}

/// The text of the log's place where nobody stands, as the contract shows it.
pub fn somebody(text: &str) -> &str {
    if text == NOBODY { "" } else { text }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
