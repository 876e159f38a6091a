//! Picking the teams (art. 11, 16): who goes where is decided by load first, and by chance where load is equal.
//!
//! Districts that share no person cannot influence each other, so they are placed on different cores. A candidate's
//! ticket is computed only where the count leaves something to decide.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use crate::{
    frozen::{Candidate, Exclusions},
    hash::{Digest, Role, Tickets},
    rules::Rules,
};

/// A drawn subject waiting for its team. The district matters only if the rules ask to cover it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit<'a> {
    pub key: &'a str,
    pub district: &'a str,
}

/// Who was placed with a subject: indices into the officers and experts handed in, in the order taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Team {
    /// Empty: no team could be formed.
    pub officers: Vec<u32>,
    pub experts: Vec<u32>,
    /// Some unit, or the experts, had no more candidates than places: chance had nothing to decide there.
    pub no_choice: bool,
}

/// The people of a draw.
#[derive(Debug, Clone, Copy)]
pub struct People<'a> {
    /// Sorted by key, as read from the file.
    pub officers: &'a [Candidate],
    /// Sorted by key, as read from the file.
    pub experts: &'a [Candidate],
    pub exclusions: &'a Exclusions,
}

/// Places people with the subjects, which stand in the order of drawing: by ascending (ticket, key).
#[must_use]
pub fn place(visits: &[Visit], people: &People, rules: &Rules, tickets: Tickets) -> Vec<Team> {
    let plan = Plan::new(people, rules, tickets);
    let mut groups: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut teams = vec![Team::default(); visits.len()];
    for (at, visit) in visits.iter().enumerate() {
        match plan.group_of(visit.district) {
            Some(group) => groups.entry(group).or_default().push(at),
            None => teams[at].no_choice = true, // nobody covers the district
        }
    }
    let placed: Vec<Vec<(usize, Team)>> = groups
        .into_par_iter()
        .map(|(group, members)| {
            let mut placing = Placing::new(&plan, group);
            members.into_iter().map(|at| (at, placing.place(&visits[at]))).collect()
        })
        .collect();
    for (at, team) in placed.into_iter().flatten() {
        teams[at] = team;
    }
    teams
}

/// Candidates of one district: officers by unit in the order of `teams`, and experts.
#[derive(Default)]
struct District {
    units: Vec<Vec<u32>>,
    experts: Vec<u32>,
    group: usize,
}

struct Plan<'a> {
    people: &'a People<'a>,
    rules: &'a Rules,
    tickets: Tickets,
    districts: HashMap<&'a str, District>,
    /// Whether the officer or expert has the specialty its unit's places ask for.
    officer_fits: Vec<bool>,
    expert_fits: Vec<bool>,
    /// Place of each person among those of its group, for the counts.
    officer_slot: Vec<u32>,
    expert_slot: Vec<u32>,
    /// Officers and experts of each group.
    group_sizes: HashMap<usize, (u32, u32)>,
    /// The officer who is the same person as the expert.
    expert_as_officer: Vec<Option<u32>>,
}

/// The one district of a draw that need not cover districts.
const EVERYWHERE: &str = "";

impl<'a> Plan<'a> {
    fn new(people: &'a People<'a>, rules: &'a Rules, tickets: Tickets) -> Self {
        let unit_index: HashMap<&str, usize> =
            rules.teams.iter().enumerate().map(|(at, places)| (places.unit.as_str(), at)).collect();
        let has = |person: &Candidate, specialty: Option<&String>| {
            specialty.is_some_and(|wanted| person.specialties.contains(wanted))
        };
        let experts: &[Candidate] = if rules.experts.count > 0 { people.experts } else { &[] };

        // People join the districts they cover into groups.
        let mut groups = Groups::default();
        let mut districts: HashMap<&str, District> = HashMap::new();
        let covered = |person: &'a Candidate| -> Vec<&'a str> {
            if rules.cover_district { person.districts.iter().map(String::as_str).collect() } else { vec![EVERYWHERE] }
        };
        let mut officer_fits = vec![false; people.officers.len()];
        for (at, officer) in (0_u32..).zip(people.officers) {
            let Some(&unit) = unit_index.get(officer.unit.as_str()) else { continue };
            officer_fits[at as usize] = has(officer, rules.teams[unit].specialty.as_ref());
            let covered = covered(officer);
            groups.join(&covered);
            for district in covered {
                let district = districts.entry(district).or_default();
                district.units.resize_with(rules.teams.len(), Vec::new);
                district.units[unit].push(at);
            }
        }
        let mut expert_fits = vec![false; experts.len()];
        for (at, expert) in (0_u32..).zip(experts) {
            expert_fits[at as usize] = has(expert, rules.experts.specialty.as_ref());
            let covered = covered(expert);
            groups.join(&covered);
            for district in covered {
                districts.entry(district).or_default().experts.push(at);
            }
        }
        for (name, district) in &mut districts {
            district.units.resize_with(rules.teams.len(), Vec::new);
            district.group = groups.of(name);
        }

        let officer_keys: HashMap<&str, u32> = if experts.is_empty() {
            HashMap::new()
        } else {
            (0_u32..).zip(people.officers).map(|(at, officer)| (officer.key.as_str(), at)).collect()
        };
        let expert_as_officer = experts.iter().map(|expert| officer_keys.get(expert.key.as_str()).copied()).collect();

        let mut group_sizes: HashMap<usize, (u32, u32)> = HashMap::new();
        let mut group_of = |person: &'a Candidate| covered(person).first().map(|district| groups.of(district));
        let mut officer_slot = vec![0; people.officers.len()];
        for (slot, officer) in officer_slot.iter_mut().zip(people.officers) {
            if let Some(group) = group_of(officer) {
                let (officers, _) = group_sizes.entry(group).or_default();
                *slot = *officers;
                *officers += 1;
            }
        }
        let mut expert_slot = vec![0; experts.len()];
        for (slot, expert) in expert_slot.iter_mut().zip(experts) {
            if let Some(group) = group_of(expert) {
                let (_, experts) = group_sizes.entry(group).or_default();
                *slot = *experts;
                *experts += 1;
            }
        }

        Self {
            people,
            rules,
            tickets,
            districts,
            officer_fits,
            expert_fits,
            officer_slot,
            expert_slot,
            group_sizes,
            expert_as_officer,
        }
    }

    fn district(&self, name: &str) -> Option<&District> {
        self.districts.get(if self.rules.cover_district { name } else { EVERYWHERE })
    }

    fn group_of(&self, district: &str) -> Option<usize> {
        self.district(district).map(|district| district.group)
    }
}

/// Districts joined by people who cover several of them.
#[derive(Default)]
struct Groups<'a> {
    index: HashMap<&'a str, usize>,
    parent: Vec<usize>,
}

impl<'a> Groups<'a> {
    fn of(&mut self, district: &'a str) -> usize {
        let at = *self.index.entry(district).or_insert_with(|| {
            self.parent.push(self.parent.len());
            self.parent.len() - 1
        });
        self.top(at)
    }

    fn top(&mut self, mut at: usize) -> usize {
        while self.parent[at] != at {
            self.parent[at] = self.parent[self.parent[at]];
            at = self.parent[at];
        }
        at
    }

    fn join(&mut self, districts: &[&'a str]) {
        for pair in districts.windows(2) {
            let (left, right) = (self.of(pair[0]), self.of(pair[1]));
            self.parent[left] = right;
        }
    }
}

/// The placing of one group of districts, subject after subject.
struct Placing<'a> {
    plan: &'a Plan<'a>,
    officer_counts: Vec<u32>,
    expert_counts: Vec<u32>,
    eligible: Vec<Standing>,
    counts: Vec<u32>,
    ranked: Vec<Rank>,
}

/// Count, ticket and person: the order in which people are taken.
type Rank = (u32, Digest, u32);

/// A candidate and the number of earlier subjects it was placed with.
#[derive(Clone, Copy)]
struct Standing {
    count: u32,
    person: u32,
}

impl<'a> Placing<'a> {
    fn new(plan: &'a Plan<'a>, group: usize) -> Self {
        let (officers, experts) = plan.group_sizes.get(&group).copied().unwrap_or_default();
        Self {
            plan,
            officer_counts: vec![0; officers as usize],
            expert_counts: vec![0; experts as usize],
            eligible: Vec::new(),
            counts: Vec::new(),
            ranked: Vec::new(),
        }
    }

    fn place(&mut self, visit: &Visit) -> Team {
        let plan = self.plan;
        let Some(district) = plan.district(visit.district) else { return Team { no_choice: true, ..Team::default() } };
        let excluded = plan.people.exclusions.of(visit.key);
        let mut team = Team::default();
        let mut complete = true;
        for (places, candidates) in plan.rules.teams.iter().zip(&district.units) {
            self.eligible.clear();
            for &person in candidates {
                if !is_excluded(excluded, &plan.people.officers[person as usize]) {
                    let count = self.officer_counts[plan.officer_slot[person as usize] as usize];
                    self.eligible.push(Standing { count, person });
                }
            }
            team.no_choice |= self.eligible.len() as u64 <= places.size;
            let fits = places.specialty.as_ref().map(|_| plan.officer_fits.as_slice());
            complete = complete
                && self.take(places.size, fits, plan.people.officers, Role::Officer, visit.key, &mut team.officers);
        }
        if !complete {
            team.officers.clear();
            return team;
        }
        for &officer in &team.officers {
            self.officer_counts[plan.officer_slot[officer as usize] as usize] += 1;
        }

        if plan.rules.experts.count == 0 {
            return team;
        }
        self.eligible.clear();
        for &person in &district.experts {
            let in_team =
                plan.expert_as_officer[person as usize].is_some_and(|officer| team.officers.contains(&officer));
            if !in_team && !is_excluded(excluded, &plan.people.experts[person as usize]) {
                let count = self.expert_counts[plan.expert_slot[person as usize] as usize];
                self.eligible.push(Standing { count, person });
            }
        }
        team.no_choice |= self.eligible.len() as u64 <= plan.rules.experts.count;
        let fits = plan.rules.experts.specialty.as_ref().map(|_| plan.expert_fits.as_slice());
        if self.take(plan.rules.experts.count, fits, plan.people.experts, Role::Expert, visit.key, &mut team.experts) {
            for &expert in &team.experts {
                self.expert_counts[plan.expert_slot[expert as usize] as usize] += 1;
            }
        } else {
            team.experts.clear();
        }
        team
    }

    /// Takes the `size` eligible with the smallest (count, ticket, key), the first among those `fits` says; false if
    /// they are too few.
    fn take(
        &mut self,
        size: u64,
        fits: Option<&[bool]>,
        people: &[Candidate],
        role: Role,
        subject: &str,
        taken: &mut Vec<u32>,
    ) -> bool {
        let Some(mut size) = usize::try_from(size).ok().filter(|size| (1..=self.eligible.len()).contains(size)) else {
            return false;
        };
        let tickets = self.plan.tickets;
        // People are sorted by key, so their index decides where the key would.
        let rank = |one: Standing| -> Rank {
            (
                one.count,
                tickets.person(role, people[one.person as usize].key.as_bytes(), subject.as_bytes()),
                one.person,
            )
        };
        if let Some(fits) = fits {
            let fitting = || self.eligible.iter().filter(|one| fits[one.person as usize]);
            let Some(least) = fitting().map(|one| one.count).min() else { return false };
            let Some((_, _, first)) = fitting().filter(|one| one.count == least).map(|one| rank(*one)).min() else {
                return false;
            };
            taken.push(first);
            self.eligible.retain(|one| one.person != first);
            size -= 1;
            if size == 0 {
                return true;
            }
        }
        // The size-th smallest count: whoever has more is not taken, and needs no ticket.
        smallest(self.eligible.iter().map(|one| one.count), size, &mut self.counts);
        let most = self.counts.last().copied().unwrap_or_default();
        let ranked = self.eligible.iter().filter(|one| one.count <= most).map(|one| rank(*one));
        smallest(ranked, size, &mut self.ranked);
        taken.extend(self.ranked.iter().map(|(_, _, person)| *person));
        true
    }
}

/// Places of a team that are filled one by one; more are sorted out at once.
const FEW_PLACES: usize = 16;

/// The `size` smallest, at least one, in order; all where they are fewer.
fn smallest<T: Ord>(all: impl Iterator<Item = T>, size: usize, found: &mut Vec<T>) {
    found.clear();
    if size > FEW_PLACES {
        found.extend(all);
        if found.len() > size {
            found.select_nth_unstable(size - 1);
            found.truncate(size);
        }
        found.sort_unstable();
        return;
    }
    for one in all {
        if found.len() == size {
            if found.last().is_none_or(|last| one >= *last) {
                continue;
            }
            found.pop();
        }
        let at = found.iter().rposition(|less| *less <= one).map_or(0, |at| at + 1);
        found.insert(at, one);
    }
}

fn is_excluded(excluded: Option<&HashSet<String>>, person: &Candidate) -> bool {
    excluded.is_some_and(|people| people.contains(&person.key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_smallest_are_the_first_of_all_in_order(all in prop::collection::vec(0_u32..50, 0..60), size in 1_usize..40) {
            let mut found = vec![7];
            smallest(all.iter().copied(), size, &mut found);
            let mut sorted = all;
            sorted.sort_unstable();
            sorted.truncate(size);
            prop_assert_eq!(found, sorted);
        }
    }
}
