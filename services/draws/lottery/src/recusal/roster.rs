//! Who is with which subject: what the result said, and what the acts since made of it (art. 16).

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Act, Change};
use crate::{
    error::{Result, rule},
    hash::{Digest, Role},
    reveal::ResultRow,
};

/// A drawn subject and who is with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub key: String,
    /// None where the pool is withheld.
    pub district: Option<String>,
    pub ticket: Digest,
    /// In the order taken; none is a place that stayed empty.
    pub officers: Vec<Option<String>>,
    /// In the order taken; none is a place that stayed empty.
    pub experts: Vec<Option<String>>,
}

impl Placed {
    fn places(&self, role: Role) -> &[Option<String>] {
        match role {
            Role::Officer => &self.officers,
            Role::Expert => &self.experts,
        }
    }

    fn places_mut(&mut self, role: Role) -> &mut [Option<String>] {
        match role {
            Role::Officer => &mut self.officers,
            Role::Expert => &mut self.experts,
        }
    }
}

impl From<&ResultRow> for Placed {
    fn from(row: &ResultRow) -> Self {
        Self {
            key: row.key.clone(),
            district: Some(row.district.clone()),
            ticket: row.ticket,
            officers: row.officers.iter().cloned().map(Some).collect(),
            experts: row.experts.iter().cloned().map(Some).collect(),
        }
    }
}

/// The teams of a draw as they stand now, in the order of `result.tsv`.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    placed: Vec<Placed>,
    index: HashMap<String, usize>,
    /// Subjects of each officer, in their order.
    officers: HashMap<String, BTreeSet<usize>>,
    experts: HashMap<String, BTreeSet<usize>>,
    /// Who left which subject by an act.
    left: HashSet<(usize, String)>,
}

impl Roster {
    pub(super) fn new(result: impl IntoIterator<Item = Placed>) -> Result<Self> {
        let mut roster = Self::default();
        for placed in result {
            let at = roster.placed.len();
            if roster.placed.last().is_some_and(|before| (before.ticket, &before.key) >= (placed.ticket, &placed.key)) {
                return rule(format!("{} is not in the order of tickets", placed.key));
            }
            if roster.index.insert(placed.key.clone(), at).is_some() {
                return rule(format!("{} is drawn twice", placed.key));
            }
            let mut people = HashSet::new();
            for role in [Role::Officer, Role::Expert] {
                for person in placed.places(role).iter().flatten() {
                    if !people.insert(person) {
                        return rule(format!("{person} is sent to {} twice", placed.key));
                    }
                    roster.subjects_of(role).entry(person.clone()).or_default().insert(at);
                }
            }
            roster.placed.push(placed);
        }
        Ok(roster)
    }

    fn subjects_of(&mut self, role: Role) -> &mut HashMap<String, BTreeSet<usize>> {
        match role {
            Role::Officer => &mut self.officers,
            Role::Expert => &mut self.experts,
        }
    }

    /// Every drawn subject, in the order of `result.tsv`.
    #[must_use]
    pub fn placed(&self) -> &[Placed] {
        &self.placed
    }

    /// A drawn subject.
    #[must_use]
    pub fn of(&self, subject: &str) -> Option<&Placed> {
        self.placed.get(self.at(subject)?)
    }

    /// How many subjects a person is with now, in a role.
    #[must_use]
    pub fn count(&self, role: Role, person: &str) -> usize {
        self.subjects(role, person).map_or(0, BTreeSet::len)
    }

    fn subjects(&self, role: Role, person: &str) -> Option<&BTreeSet<usize>> {
        match role {
            Role::Officer => self.officers.get(person),
            Role::Expert => self.experts.get(person),
        }
    }

    pub(super) fn visits(&self, role: Role, person: &str) -> impl Iterator<Item = usize> + '_ {
        self.subjects(role, person).into_iter().flatten().copied()
    }

    pub(super) fn at(&self, subject: &str) -> Option<usize> {
        self.index.get(subject).copied()
    }

    pub(super) fn key(&self, at: usize) -> &str {
        &self.placed[at].key
    }

    pub(super) fn district(&self, at: usize) -> Option<&str> {
        self.placed[at].district.as_deref()
    }

    pub(super) fn knows_districts(&self) -> bool {
        self.placed.iter().all(|placed| placed.district.is_some())
    }

    pub(super) fn people(&self, at: usize, role: Role) -> impl Iterator<Item = &str> {
        self.placed[at].places(role).iter().flatten().map(String::as_str)
    }

    /// The role in which somebody is with a subject: never both.
    pub(super) fn role(&self, at: usize, person: &str) -> Option<Role> {
        [Role::Officer, Role::Expert].into_iter().find(|&role| self.people(at, role).any(|there| there == person))
    }

    pub(super) fn has_left(&self, at: usize, person: &str) -> bool {
        self.left.contains(&(at, person.to_owned()))
    }

    /// Carries a change out, or says why the teams do not allow it and leaves them as they are.
    pub(super) fn apply(&mut self, change: &Change) -> Result<(), String> {
        let Change { act, role, subject, out, joins, other_subject } = change;
        let find = |roster: &Self, subject: &str| roster.at(subject).ok_or_else(|| format!("{subject} was not drawn"));
        let at = find(self, subject)?;
        if self.role(at, out) != Some(*role) {
            return Err(format!("{out} is not with {subject}"));
        }
        if let Some(joins) = joins.as_deref().filter(|joins| self.role(at, joins).is_some()) {
            return Err(format!("{joins} is already with {subject}"));
        }
        match (act, joins, other_subject) {
            (Act::Exchange, Some(joins), Some(other_subject)) => {
                let other = find(self, other_subject)?;
                if self.role(other, joins) != Some(*role) {
                    return Err(format!("{joins} is not with {other_subject}"));
                }
                if self.role(other, out).is_some() {
                    return Err(format!("{out} is already with {other_subject}"));
                }
                self.replace(other, *role, joins, Some(out));
            }
            (Act::Withdraw, _, None) => {}
            (Act::Exchange | Act::Withdraw, ..) => return Err(format!("{act} does not go with these columns")),
        }
        self.replace(at, *role, out, joins.as_deref());
        self.left.insert((at, out.clone()));
        Ok(())
    }

    fn replace(&mut self, at: usize, role: Role, out: &str, joins: Option<&str>) {
        for place in self.placed[at].places_mut(role) {
            if place.as_deref() == Some(out) {
                *place = joins.map(ToOwned::to_owned);
            }
        }
        if let Some(subjects) = self.subjects_of(role).get_mut(out) {
            subjects.remove(&at);
        }
        if let Some(joins) = joins {
            self.subjects_of(role).entry(joins.to_owned()).or_default().insert(at);
        }
    }
}
