//! What stands in the way of a draw (art. 14, 15): the one set of checks that the preview shows and the statement obeys.

use std::collections::{BTreeMap, BTreeSet};

use kit::{
    codes::DistrictCode,
    error::{Reason, Refusal, Result},
};
use lottery::rules::Quota;

use super::rules::{ANY, Plan, TeamPart};
use crate::registers::rules::Officer;

/// The one stratum of a plan that does not divide its pool.
pub const ALL: &str = "all";
/// A stratum below this size needs an approved exception: in a small one, who is drawn says who is suspected.
pub const STRATUM_SUBJECTS_MIN: u64 = 20;
/// Candidates for each place that are needed without an approved exception.
pub const CANDIDATES_PER_PLACE_MIN: u64 = 2;

/// Strata of one draw at the most: the event of its reveal tells each with its threshold, and an event has 64 KiB. More could
/// be stated and then never be revealed.
const STRATA_MAX: usize = 400;

/// Subjects of one district within a plan's scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistrictCount {
    /// District, six digits.
    pub district: String,
    /// In business: the pool.
    pub subjects: u64,
    /// In scope, but not in business.
    pub left_out: u64,
}

/// Subjects of one stratum within a plan's scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StratumCount {
    /// In business: the pool.
    pub subjects: u64,
    /// In scope, but not in business.
    pub left_out: u64,
}

/// Adds districts up to the plan's strata. Strata whose subjects are all left out are there too, with an empty pool.
pub fn strata(plan: &Plan, counts: &[DistrictCount]) -> BTreeMap<String, StratumCount> {
    let mut strata: BTreeMap<String, StratumCount> = BTreeMap::new();
    for count in counts {
        let stratum = strata.entry(plan.stratum(&count.district).to_owned()).or_default();
        stratum.subjects += count.subjects;
        stratum.left_out += count.left_out;
    }
    strata
}

/// The quota of each stratum of the pool: its own, or the one for any (`*`).
///
/// # Errors
/// `QUOTA_INVALID` when a stratum has none.
pub fn resolve<'a>(plan: &Plan, strata: impl IntoIterator<Item = &'a str>) -> Result<BTreeMap<String, Quota>> {
    let mut resolved = BTreeMap::new();
    for stratum in strata {
        resolved.insert(stratum.to_owned(), quota_of(plan, stratum)?);
    }
    Ok(resolved)
}

fn quota_of(plan: &Plan, stratum: &str) -> Result<Quota> {
    let quotas = &plan.content.quotas;
    quotas.get(stratum).or_else(|| quotas.get(ANY)).map(|amount| (*amount).into()).ok_or_else(|| {
        let problem = format!("分层“{stratum}”没有比例或数量 / stratum {stratum} has no quota");
        Refusal::new(Reason::QuotaInvalid).with("problem", problem)
    })
}

/// Everything for which a draw over the plan would be refused, in a fixed order; nothing when it could be stated.
/// `officers` are those of the plan's units available on the day.
pub fn obstacles(plan: &Plan, counts: &[DistrictCount], officers: &[Officer]) -> Vec<Refusal> {
    if counts.iter().all(|count| count.subjects == 0) {
        return vec![Refusal::new(Reason::RegisterEmpty)];
    }
    if let Some(refusal) = too_many_strata(plan, counts) {
        return vec![refusal];
    }
    let strata = strata(plan, counts);
    let excepted = !plan.content.approved_exception.is_empty();
    let mut found: Vec<Refusal> = empty_strata(plan, &strata)
        .into_iter()
        .map(|stratum| Refusal::new(Reason::EmptyStratum).with("stratum", stratum))
        .collect();
    let mut drawn_in = BTreeSet::new();
    for (stratum, count) in strata.iter().filter(|(_, count)| count.subjects > 0) {
        match quota_of(plan, stratum) {
            Err(refusal) => found.push(refusal),
            Ok(quota) => {
                if quota.places(count.subjects) > 0 {
                    drawn_in.insert(stratum.as_str());
                }
            }
        }
        if count.subjects < STRATUM_SUBJECTS_MIN && !excepted {
            found.push(Refusal::new(Reason::SmallStratum).with("stratum", stratum).with("n", count.subjects));
        }
    }
    // An approved exception allows teams without choice, never teams that cannot be formed.
    let per_place = if excepted { 1 } else { CANDIDATES_PER_PLACE_MIN };
    found.extend(too_few_officers(plan, counts, &drawn_in, officers, per_place));
    found
}

/// The refusal when the plan divides the register into more strata than one draw can have.
pub fn too_many_strata(plan: &Plan, counts: &[DistrictCount]) -> Option<Refusal> {
    let divided = strata(plan, counts).values().filter(|count| count.subjects > 0).count();
    let problem = format!(
        "分层有 {divided} 个，至多 {STRATA_MAX} 个，请缩小区划范围或不分层 / {divided} strata, at most {STRATA_MAX}: name fewer \
         districts or do not divide"
    );
    (divided > STRATA_MAX).then(|| Refusal::new(Reason::QuotaInvalid).with("problem", problem))
}

/// Strata the plan names by district or quota that have nobody in the pool.
fn empty_strata<'p>(plan: &'p Plan, strata: &BTreeMap<String, StratumCount>) -> BTreeSet<&'p str> {
    let by_quota = plan.content.quotas.keys().map(String::as_str).filter(|stratum| *stratum != ANY);
    let by_district = plan.content.districts.iter().map(|district| plan.stratum(district));
    by_quota.chain(by_district).filter(|stratum| strata.get(*stratum).is_none_or(|n| n.subjects == 0)).collect()
}

fn too_few_officers(
    plan: &Plan,
    counts: &[DistrictCount],
    drawn_in: &BTreeSet<&str>,
    officers: &[Officer],
    per_place: u64,
) -> Vec<Refusal> {
    let mut found = Vec::new();
    for part in &plan.content.teams {
        if plan.content.cover_district {
            let districts = counts.iter().filter(|n| n.subjects > 0 && drawn_in.contains(plan.stratum(&n.district)));
            for DistrictCount { district, .. } in districts {
                found.extend(too_few(part, Some(district), officers, per_place));
            }
        } else if !drawn_in.is_empty() {
            found.extend(too_few(part, None, officers, per_place));
        }
    }
    found
}

/// The refusal when a unit has too few officers, or too few with the specialty the first must have.
fn too_few(part: &TeamPart, district: Option<&str>, officers: &[Officer], per_place: u64) -> Option<Refusal> {
    let candidates = || {
        officers.iter().filter(|officer| {
            officer.organisation == part.organisation
                && district.is_none_or(|district| officer.districts.iter().any(|covered| covered == district))
        })
    };
    let mut place = part.unit().to_owned();
    if let Some(district) = district {
        place = format!("{} {place}", said(district));
    }
    let refuse = |place: String, have: u64, need: u64| {
        let refusal = Refusal::new(Reason::TooFewOfficers);
        refusal.with("district", place).with("have", have).with("need", need)
    };
    let (have, need) = (candidates().count() as u64, u64::from(part.size) * per_place);
    if have < need {
        return Some(refuse(place, have, need));
    }
    let specialty = part.specialty.as_ref()?;
    let have = candidates().filter(|officer| officer.specialties.contains(specialty)).count() as u64;
    (have < per_place).then(|| refuse(format!("{place} {specialty}"), have, per_place))
}

/// A district with its name, where it is one of Kaifeng's.
fn said(district: &str) -> String {
    let known = kit::codes::DISTRICTS.iter().find(|known| DistrictCode::parse(district) == Ok(known.code));
    known.map_or_else(|| district.to_owned(), |known| format!("{}（{district}）", known.zh))
}
