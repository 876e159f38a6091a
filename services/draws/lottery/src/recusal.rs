//! Recusal after the draw (art. 16): somebody leaves a team, and who comes instead nobody chooses.
//!
//! [`Recusals`] knows who is where now and what the protocol dictates next: [`Recusals::decide`] is a pure function of
//! the frozen files, the seed, the result, the acts so far and the set of visited subjects. [`Log`] carries acts out and
//! chains their lines, or judges the lines of a published log one by one.
//!
//! What the protocol leaves to the reader is read strictly:
//! - a count is the number of subjects a person is with now, in that role;
//! - who left a subject by an act never comes back to it, in either role, and nobody is there in both roles;
//! - the specialty a unit's places ask for stays among that unit's officers of the team; where nobody can bring it, the
//!   place stays empty; after an exchange both teams have it;
//! - an expert swaps with any other expert, tickets being those of the role "expert";
//! - an exchange without a partner is logged as the WITHDRAW it becomes;
//! - a visited subject keeps its team; who is ill or transferred is replaced, never exchanged;
//! - whoever decides is neither the officer who leaves nor the one who asked.

mod line;
mod log;
mod roster;

use std::collections::{BTreeMap, HashMap};

pub use self::{
    line::{Act, Head, Line, NOBODY, log_text},
    log::{Asked, Judgement, Log, Visits},
    roster::{Placed, Roster},
};
use crate::{
    error::{Result, rule},
    frozen::{Candidate, EXCLUSIONS, EXPERTS, Exclusions, OFFICERS},
    hash::{Digest, Role, Tickets},
    rules::Rules,
};

/// Reason code of an act because somebody is ill.
pub const ILLNESS: &str = "ILLNESS";
/// Reason code of an act because somebody has left the unit.
pub const TRANSFER: &str = "TRANSFER";

/// What is known of a draw besides its result; what is withheld is none.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub rules: &'a Rules,
    pub tickets: Tickets,
    /// Sorted by key, as read from the file.
    pub officers: Option<&'a [Candidate]>,
    /// Sorted by key, as read from the file; not looked at if the rules want no expert.
    pub experts: Option<&'a [Candidate]>,
    pub exclusions: Option<&'a Exclusions>,
}

/// What an act does to the teams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub act: Act,
    pub role: Role,
    pub subject: String,
    pub out: String,
    /// None: the place stays empty.
    pub joins: Option<String>,
    /// Where the partner of an exchange came from and the other goes to.
    pub other_subject: Option<String>,
}

/// Somebody about to leave a team.
#[derive(Clone, Copy)]
struct Leaving<'l> {
    at: usize,
    role: Role,
    out: &'l str,
}

/// Who is with which subject now, and the rules by which that changes.
#[derive(Debug, Clone)]
pub struct Recusals<'a> {
    known: Known<'a>,
    officers: Option<HashMap<&'a str, &'a Candidate>>,
    experts: Option<HashMap<&'a str, &'a Candidate>>,
    roster: Roster,
    /// Subjects an exchange passed over, so that they must have been visited by then, with the line that says so.
    passed: BTreeMap<usize, u64>,
}

impl<'a> Recusals<'a> {
    /// A draw as its result left it. Refuses a result that is not in its order, or names a subject or a person of one
    /// subject twice.
    pub fn new(known: Known<'a>, result: impl IntoIterator<Item = Placed>) -> Result<Self> {
        let by_key = |people: &'a [Candidate]| people.iter().map(|person| (person.key.as_str(), person)).collect();
        let experts = if known.rules.experts.count == 0 { Some(&[][..]) } else { known.experts };
        let known = Known { experts, ..known };
        Ok(Self {
            officers: known.officers.map(by_key),
            experts: experts.map(by_key),
            known,
            roster: Roster::new(result)?,
            passed: BTreeMap::new(),
        })
    }

    /// Who is where now.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// What the protocol dictates when `out` is to leave `subject`; `visited` says which subjects were visited by now.
    ///
    /// Refuses a subject that was not drawn or was visited, somebody who is not there, and to decide without the files.
    pub fn decide(&self, act: Act, subject: &str, out: &str, visited: impl Fn(&str) -> bool) -> Result<Change> {
        self.decided(act, subject, out, &visited).map(|(change, _)| change)
    }

    /// The same with the subjects an exchange passes over because they were visited.
    fn decided(
        &self,
        act: Act,
        subject: &str,
        out: &str,
        visited: &dyn Fn(&str) -> bool,
    ) -> Result<(Change, Vec<usize>)> {
        let leaving = self.leaving(subject, out).or_else(rule)?;
        let visited = |at: usize| visited(self.roster.key(at)) || self.passed.contains_key(&at);
        if visited(leaving.at) {
            return rule(format!("{subject} was visited: its team stays"));
        }
        if !self.is_whole(leaving.role) {
            return rule("without every file of the draw nobody can say who comes next");
        }
        let mut passed = Vec::new();
        if act == Act::Exchange {
            for (partner, other) in self.partners(leaving) {
                if !visited(other) {
                    let other = self.roster.key(other);
                    return Ok((self.change(leaving, Act::Exchange, Some(partner), Some(other)), passed));
                }
                passed.push(other);
            }
        }
        // Without a partner it is a withdrawal, which passes nobody over.
        Ok((self.change(leaving, Act::Withdraw, self.next(leaving), None), Vec::new()))
    }

    fn change(&self, leaving: Leaving, act: Act, joins: Option<&str>, other_subject: Option<&str>) -> Change {
        Change {
            act,
            role: leaving.role,
            subject: self.roster.key(leaving.at).to_owned(),
            out: leaving.out.to_owned(),
            joins: joins.map(ToOwned::to_owned),
            other_subject: other_subject.map(ToOwned::to_owned),
        }
    }

    fn leaving<'l>(&self, subject: &str, out: &'l str) -> Result<Leaving<'l>, String> {
        let Some(at) = self.roster.at(subject) else { return Err(format!("{subject} was not drawn")) };
        let Some(role) = self.roster.role(at, out) else { return Err(format!("{out} is not with {subject}")) };
        if self.people(role).is_some_and(|people| !people.contains_key(out)) {
            return Err(format!("{out} is not in {}", file(role)));
        }
        Ok(Leaving { at, role, out })
    }

    /// Whether everything is known that decides who comes next in a role.
    fn is_whole(&self, role: Role) -> bool {
        self.people(role).is_some()
            && self.known.exclusions.is_some()
            && (!self.known.rules.cover_district || self.roster.knows_districts())
    }

    fn people(&self, role: Role) -> Option<&HashMap<&'a str, &'a Candidate>> {
        match role {
            Role::Officer => self.officers.as_ref(),
            Role::Expert => self.experts.as_ref(),
        }
    }

    fn sorted(&self, role: Role) -> &'a [Candidate] {
        match role {
            Role::Officer => self.known.officers.unwrap_or_default(),
            Role::Expert => self.known.experts.unwrap_or_default(),
        }
    }

    /// The unit whose place it is; experts have none.
    fn unit(&self, role: Role, person: &str) -> Option<&'a str> {
        match role {
            Role::Officer => self.people(role)?.get(person).map(|found| found.unit.as_str()),
            Role::Expert => None,
        }
    }

    fn ticket(&self, role: Role, person: &str, at: usize) -> Digest {
        self.known.tickets.person(role, person.as_bytes(), self.roster.key(at).as_bytes())
    }

    /// The next candidate by (count, ticket, key), with the specialty where the team would otherwise have none.
    fn next(&self, leaving: Leaving) -> Option<&'a str> {
        let wanted = self.lacks(leaving, None);
        let order = |person: &&Candidate| {
            let count = self.roster.count(leaving.role, &person.key);
            (count, self.ticket(leaving.role, &person.key, leaving.at), person.key.clone())
        };
        self.sorted(leaving.role)
            .iter()
            .filter(|person| wanted.is_none_or(|wanted| person.specialties.iter().any(|own| own == wanted)))
            .filter(|person| self.obstacle(leaving, &person.key, leaving.at).is_none())
            .min_by_key(order)
            .map(|person| person.key.as_str())
    }

    /// Every partner of an exchange that holds all rules, visits aside, in the order in which they are gone through.
    fn partners<'s>(&'s self, leaving: Leaving<'s>) -> impl Iterator<Item = (&'a str, usize)> + 's {
        let unit = self.unit(leaving.role, leaving.out);
        let mut others: Vec<(Digest, &'a str)> = self
            .sorted(leaving.role)
            .iter()
            .filter(|other| unit.is_none_or(|unit| other.unit == unit))
            .map(|other| (self.ticket(leaving.role, &other.key, leaving.at), other.key.as_str()))
            .collect();
        others.sort_unstable();
        others
            .into_iter()
            .filter(move |(_, other)| {
                self.obstacle(leaving, other, leaving.at).is_none() && self.lacks(leaving, Some(other)).is_none()
            })
            .flat_map(move |(_, other)| self.roster.visits(leaving.role, other).map(move |at| (other, at)))
            .filter(move |&(other, at)| self.swap_obstacle(leaving, other, at).is_none())
    }

    /// Why `out` cannot take the place of `partner` at another subject.
    fn swap_obstacle(&self, leaving: Leaving, partner: &str, at: usize) -> Option<String> {
        let swapped = Leaving { at, role: leaving.role, out: partner };
        self.obstacle(leaving, leaving.out, at).or_else(|| {
            let lost = self.lacks(swapped, Some(leaving.out))?;
            Some(format!("would leave {} without specialty {lost}", self.roster.key(at)))
        })
    }

    /// Why somebody cannot be placed with a subject, as far as the files say; none if nothing speaks against it.
    fn obstacle(&self, leaving: Leaving, person: &str, at: usize) -> Option<String> {
        let subject = self.roster.key(at);
        if let Some(people) = self.people(leaving.role) {
            let Some(found) = people.get(person) else { return Some(format!("is not in {}", file(leaving.role))) };
            if let Some(unit) = self.unit(leaving.role, leaving.out).filter(|unit| *unit != found.unit) {
                return Some(format!("is of unit {}, not {unit}", found.unit));
            }
            let district = self.roster.district(at).filter(|_| self.known.rules.cover_district);
            if let Some(district) = district.filter(|district| !found.districts.iter().any(|own| own == district)) {
                return Some(format!("does not cover {district}"));
            }
        }
        if self.known.exclusions.is_some_and(|exclusions| exclusions.contains(person, subject)) {
            return Some(format!("is excluded from {subject} by {EXCLUSIONS}"));
        }
        if self.roster.has_left(at, person) {
            return Some(format!("left {subject} before"));
        }
        self.roster.role(at, person).map(|_| format!("is already with {subject}"))
    }

    /// The specialty that nobody of the unit, or of the experts, has there once one leaves and another joins.
    fn lacks(&self, leaving: Leaving, joins: Option<&str>) -> Option<&'a str> {
        let Leaving { at, role, out } = leaving;
        let people = self.people(role)?;
        let unit = self.unit(role, out);
        let rules = self.known.rules;
        let wanted = match role {
            Role::Officer => rules.teams.iter().find(|places| Some(places.unit.as_str()) == unit)?.specialty.as_deref(),
            Role::Expert => rules.experts.specialty.as_deref(),
        }?;
        let of_unit = |person: &&Candidate| unit.is_none_or(|unit| person.unit == unit);
        let has = |person: &Candidate| person.specialties.iter().any(|own| own == wanted);
        let mut there = self.roster.people(at, role).filter(|person| *person != out).chain(joins);
        let kept = there.any(|person| people.get(person).copied().filter(of_unit).is_some_and(has));
        (!kept).then_some(wanted)
    }

    /// Whether a claimed change is the one dictated. `visited` is none where nothing is known of visits.
    fn examine(&self, leaving: Leaving, claimed: &Change, visited: Option<&dyn Fn(&str) -> bool>) -> Examined {
        let mut found = Examined::default();
        let is_visited = |at: usize| visited.map(|visited| visited(self.roster.key(at)));
        self.examine_visits(leaving.at, &is_visited, &mut found);
        match (&claimed.joins, &claimed.other_subject) {
            (Some(partner), Some(other)) => match self.roster.at(other) {
                Some(other) => {
                    self.examine_visits(other, &is_visited, &mut found);
                    self.examine_partner(leaving, partner, other, &is_visited, &mut found);
                }
                None => found.wrong.push(format!("{other} was not drawn")),
            },
            (joins, _) => self.examine_next(leaving, joins.as_deref(), &mut found),
        }
        found
    }

    fn examine_visits(&self, at: usize, is_visited: &dyn Fn(usize) -> Option<bool>, found: &mut Examined) {
        let subject = self.roster.key(at);
        if is_visited(at) == Some(true) {
            found.wrong.push(format!("{subject} was visited: its team stays"));
        }
        if let Some(line) = self.passed.get(&at) {
            found.wrong.push(format!("{subject} was passed over as visited in line {line}"));
        }
    }

    fn examine_next(&self, leaving: Leaving, joins: Option<&str>, found: &mut Examined) {
        let against = joins.and_then(|person| Some((person, self.obstacle(leaving, person, leaving.at)?)));
        if !self.is_whole(leaving.role) {
            found.open = true;
            found.wrong.extend(against.map(|(person, why)| format!("{person} {why}")));
            return;
        }
        let next = self.next(leaving);
        if next != joins {
            let why = against.map_or_else(String::new, |(_, why)| format!(", who {why}"));
            found.wrong.push(format!(
                "next by count and ticket comes {}, not {}{why}",
                next.unwrap_or("nobody"),
                joins.unwrap_or("nobody")
            ));
        }
    }

    fn examine_partner(
        &self,
        leaving: Leaving,
        partner: &str,
        other: usize,
        is_visited: &dyn Fn(usize) -> Option<bool>,
        found: &mut Examined,
    ) {
        if self.roster.role(other, partner) != Some(leaving.role) {
            found.wrong.push(format!("{partner} is not with {}", self.roster.key(other)));
            return;
        }
        let against = self.obstacle(leaving, partner, leaving.at).map(|why| format!("{partner} {why}")).or_else(|| {
            let lost = self.lacks(leaving, Some(partner));
            lost.map(|lost| format!("{partner} leaves {} without specialty {lost}", self.roster.key(leaving.at)))
        });
        let against = against.or_else(|| {
            let why = self.swap_obstacle(leaving, partner, other)?;
            Some(format!("{} {why}", leaving.out))
        });
        if let Some(against) = against {
            found.wrong.push(against);
            return;
        }
        if !self.is_whole(leaving.role) {
            found.open = true;
            return;
        }
        for (person, at) in self.partners(leaving) {
            if (person, at) == (partner, other) {
                return;
            }
            // Where nothing is known of visits it must have been visited; not so if it is where this act goes.
            if !is_visited(at).unwrap_or(at != other) {
                let (first, claimed) = (self.roster.key(at), self.roster.key(other));
                found.wrong.push(format!("the first partner is {person} at {first}, not {partner} at {claimed}"));
                return;
            }
            found.passed.push(at);
        }
        // Not reached: a partner against whom nothing speaks is gone through above.
        found.wrong.push(format!("{partner} at {} is no partner", self.roster.key(other)));
    }
}

/// What the examination of one act came to.
#[derive(Debug, Default)]
struct Examined {
    wrong: Vec<String>,
    /// The files do not say whether it was the act dictated.
    open: bool,
    /// Subjects that must have been visited.
    passed: Vec<usize>,
}

fn file(role: Role) -> &'static str {
    match role {
        Role::Officer => OFFICERS,
        Role::Expert => EXPERTS,
    }
}
