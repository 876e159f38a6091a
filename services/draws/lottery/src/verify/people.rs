//! The check `teams` (art. 11, 16): who was sent is computed again where every file is there; otherwise whatever the
//! files present allow, and never a "verified".

use std::collections::{HashMap, HashSet};

use super::{
    Checks, Findings,
    inputs::{Inputs, Part, Row},
};
use crate::{
    frozen::{Candidate, EXCLUSIONS, Exclusions},
    hash::{Digest, Role, Tickets},
    reveal::RESULT,
    rules::{Experts, Rules},
    select::{Drawn, Selection},
    teams::{People, Team, Visit, place},
};

/// Adds the check; returns the teams computed again, one for each drawn subject.
pub fn check(
    inputs: &Inputs,
    selection: Option<&Selection>,
    seed: &Part<Digest>,
    checks: &mut Checks,
) -> Option<Vec<Team>> {
    let mut findings = Findings::default();
    let mut teams = None;
    if let (Some(rows), Some(rules)) = (findings.need(&inputs.result), findings.need(&inputs.rules)) {
        teams = recompute(inputs, rules, rows, selection, seed, &mut findings);
        shapes(rows, rules, &mut findings);
        if teams.is_none() {
            members(inputs, rows, rules, &mut findings);
        }
    }
    let placed = teams.as_ref().map_or(0, |teams| teams.iter().filter(|team| !team.officers.is_empty()).count());
    checks.conclude(
        "teams",
        Some(RESULT),
        findings,
        format!("the people of all {placed} teams are those that load and tickets give"),
    );
    teams
}

/// Places everyone again and compares, as far as the files this takes were read: officers do not depend on the experts, and experts
/// only on the teams, as published. Returns the teams if nothing was missing.
fn recompute(
    inputs: &Inputs,
    rules: &Rules,
    rows: &[Row],
    selection: Option<&Selection>,
    seed: &Part<Digest>,
    findings: &mut Findings,
) -> Option<Vec<Team>> {
    let nobody = Part::Read(Vec::new());
    let experts = if rules.experts.count > 0 { &inputs.experts } else { &nobody };
    let (officers, experts) = (findings.need(&inputs.officers), findings.need(experts));
    let parts = (findings.need(&inputs.exclusions), findings.need(seed));
    // Without the pool the drawn subjects are known from the result; their districts are not.
    let visits: Option<Vec<Visit>> = match selection {
        Some(selection) => Some(
            selection.drawn.iter().map(|drawn| Visit { key: Drawn::key(drawn), district: drawn.district() }).collect(),
        ),
        None if !rules.cover_district => Some(rows.iter().map(|row| Visit { key: row.key, district: "" }).collect()),
        None => {
            if findings.need(&inputs.subjects).is_some() {
                findings.open("the subjects could not be drawn again");
            }
            None
        }
    };
    let ((Some(exclusions), Some(seed)), Some(visits)) = (parts, visits) else { return None };
    let tickets = Tickets::new(seed);
    let Some(officers) = officers else {
        if let Some(experts) = experts.filter(|_| rules.experts.count > 0) {
            let own = experts_beside(&visits, rows, experts, exclusions, rules, tickets);
            for (row, line) in rows.iter().zip(1..) {
                let Some(placed) = own.get(row.key) else { continue };
                differ("experts", line, row.key, &row.experts, placed, experts, findings);
            }
        }
        return None;
    };
    let no_experts = Rules { experts: Experts::default(), ..rules.clone() };
    let (known, rules) = (experts.map_or(&[][..], Vec::as_slice), if experts.is_some() { rules } else { &no_experts });
    let teams = place(&visits, &People { officers, experts: known, exclusions }, rules, tickets);
    let own: HashMap<&str, &Team> = visits.iter().map(|visit| visit.key).zip(&teams).collect();
    for (row, line) in rows.iter().zip(1..) {
        let Some(team) = own.get(row.key) else { continue };
        differ("officers", line, row.key, &row.officers, &team.officers, officers, findings);
        if experts.is_some() {
            differ("experts", line, row.key, &row.experts, &team.experts, known, findings);
        }
    }
    experts.map(|_| teams)
}

/// The experts of every subject by the teams that were published (section 5), as indices into `experts`.
fn experts_beside<'a>(
    visits: &[Visit<'a>],
    rows: &[Row],
    experts: &[Candidate],
    exclusions: &Exclusions,
    rules: &Rules,
    tickets: Tickets,
) -> HashMap<&'a str, Vec<u32>> {
    let teams: HashMap<&str, &[&str]> = rows.iter().map(|row| (row.key, row.officers.as_slice())).collect();
    let mut counts = vec![0_u64; experts.len()];
    let mut all = HashMap::new();
    for visit in visits {
        let team = teams.get(visit.key).copied().unwrap_or_default();
        let free = |one: &Candidate| {
            (!rules.cover_district || one.districts.iter().any(|own| own == visit.district))
                && !exclusions.contains(&one.key, visit.key)
                && !team.contains(&one.key.as_str())
        };
        let mut standing: Vec<_> = (0_u32..)
            .zip(experts)
            .filter(|(_, one)| !team.is_empty() && free(one))
            .map(|(at, one)| {
                (counts[at as usize], tickets.person(Role::Expert, one.key.as_bytes(), visit.key.as_bytes()), at)
            })
            .collect();
        standing.sort_unstable(); // experts are sorted by key, so their index decides where the key would
        let mut placed: Vec<u32> = standing.iter().map(|(_, _, at)| *at).collect();
        let enough = placed.len() as u64 >= rules.experts.count;
        let first =
            rules.experts.specialty.as_ref().map_or(Some(0), |wanted| {
                placed.iter().position(|&at| experts[at as usize].specialties.contains(wanted))
            });
        match first {
            Some(first) if enough => {
                placed[..=first].rotate_right(1);
                placed.truncate(usize::try_from(rules.experts.count).unwrap_or(usize::MAX));
                placed.iter().for_each(|&at| counts[at as usize] += 1);
            }
            _ => placed.clear(),
        }
        all.insert(visit.key, placed);
    }
    all
}

fn differ(
    what: &str,
    line: u64,
    key: &str,
    published: &[&str],
    own: &[u32],
    people: &[Candidate],
    findings: &mut Findings,
) {
    let own: Vec<&str> = own.iter().map(|&at| people[at as usize].key.as_str()).collect();
    if own != published {
        findings.wrong(format!(
            "line {line}: the {what} of {key} are {:?}, published are {:?}",
            own.join(","),
            published.join(",")
        ));
    }
}

/// Sizes and distinctness, which `result.tsv` and the rules show by themselves.
fn shapes(rows: &[Row], rules: &Rules, findings: &mut Findings) {
    let size: u64 = rules.teams.iter().fold(0, |sum, places| sum.saturating_add(places.size));
    for (row, line) in rows.iter().zip(1..) {
        let mut people = HashSet::new();
        if !row.officers.is_empty() && row.officers.len() as u64 != size {
            findings.wrong(format!(
                "line {line}: the team of {} has {} officers, not {size}",
                row.key,
                row.officers.len()
            ));
        }
        if !row.experts.is_empty() && row.experts.len() as u64 != rules.experts.count {
            findings.wrong(format!(
                "line {line}: {} has {} experts, not {}",
                row.key,
                row.experts.len(),
                rules.experts.count
            ));
        }
        if row.officers.is_empty() && !row.experts.is_empty() {
            findings.wrong(format!("line {line}: {} has experts without a team", row.key));
        }
        if let Some(twice) = row.officers.iter().chain(&row.experts).find(|person| !people.insert(**person)) {
            findings.wrong(format!("line {line}: {twice} is sent to {} twice", row.key));
        }
    }
}

/// Units, districts, specialties and exclusions of those sent, as far as the files say.
fn members(inputs: &Inputs, rows: &[Row], rules: &Rules, findings: &mut Findings) {
    let by_key = |people: &Part<Vec<Candidate>>| -> Option<HashMap<String, Candidate>> {
        Some(people.get()?.iter().map(|person| (person.key.clone(), person.clone())).collect())
    };
    let (officers, experts) = (by_key(&inputs.officers), by_key(&inputs.experts));
    let drawn: HashSet<&str> = rows.iter().map(|row| row.key).collect();
    let districts: Option<HashMap<&str, &str>> = inputs.subjects.get().map(|pool| {
        pool.iter()
            .filter(|subject| drawn.contains(subject.key))
            .map(|subject| (subject.key, subject.district))
            .collect()
    });
    for (row, line) in rows.iter().zip(1..) {
        let district =
            districts.as_ref().filter(|_| rules.cover_district).and_then(|districts| districts.get(row.key)).copied();
        let mut places = Vec::new();
        for unit in &rules.teams {
            for nth in 0..unit.size.min(row.officers.len() as u64) {
                places
                    .push(Place { unit: Some(&unit.unit), specialty: unit.specialty.as_deref().filter(|_| nth == 0) });
            }
        }
        for (person, place) in row.officers.iter().zip(places) {
            if let Some(why) = misplaced(person, officers.as_ref(), &place, district) {
                findings.wrong(format!("line {line}: officer {person} {why}, sent to {}", row.key));
            }
        }
        for (nth, person) in row.experts.iter().enumerate() {
            let place = Place { unit: None, specialty: rules.experts.specialty.as_deref().filter(|_| nth == 0) };
            if let Some(why) = misplaced(person, experts.as_ref(), &place, district) {
                findings.wrong(format!("line {line}: expert {person} {why}, sent to {}", row.key));
            }
        }
        let Some(exclusions) = inputs.exclusions.get() else { continue };
        for person in row.officers.iter().chain(&row.experts).filter(|person| exclusions.contains(person, row.key)) {
            findings.wrong(format!("line {line}: {person} is excluded from {} by {EXCLUSIONS}", row.key));
        }
    }
}

struct Place<'a> {
    unit: Option<&'a str>,
    specialty: Option<&'a str>,
}

/// Why a person cannot have been sent; none if nothing speaks against it, or the people are not known.
fn misplaced(
    person: &str,
    people: Option<&HashMap<String, Candidate>>,
    place: &Place,
    district: Option<&str>,
) -> Option<String> {
    let Some(found) = people?.get(person) else { return Some("does not exist".to_owned()) };
    if let Some(unit) = place.unit.filter(|unit| *unit != found.unit) {
        return Some(format!("is of unit {}, not {unit}", found.unit));
    }
    if let Some(district) = district.filter(|district| !found.districts.iter().any(|own| own == district)) {
        return Some(format!("does not cover {district}"));
    }
    let specialty = place.specialty.filter(|wanted| !found.specialties.iter().any(|own| own == wanted))?;
    Some(format!("lacks specialty {specialty}"))
}
