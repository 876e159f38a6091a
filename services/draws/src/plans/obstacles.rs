//! What stands in the way of a draw (art. 14, 15): the one set of checks that the preview shows and the statement obeys.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use kit::error::{Reason, Refusal, Result};
use lottery::rules::Quota;

use super::{
    classes,
    content::quota_for,
    enough::{People, too_few},
    exceptions::Exception,
    rules::{ANY, Plan},
};

/// The one stratum of a plan that does not divide its pool.
pub const ALL: &str = "all";
/// A stratum below this size needs an approved exception: in a small one, who is drawn says who is suspected.
const STRATUM_SUBJECTS_MIN: u64 = 20;
/// Candidates for each place that are needed without an approved exception.
pub const CANDIDATES_PER_PLACE_MIN: u64 = 2;

/// Strata of one draw at the most: the event of its reveal tells each with its threshold, and an event has 64 KiB. More could
/// be stated and then never be revealed.
const STRATA_MAX: usize = 400;

/// Subjects of one district and credit class within a plan's scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PoolCount {
    /// District, six digits.
    pub district: String,
    /// Credit class; empty for none.
    pub class: String,
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
pub fn strata(plan: &Plan, counts: &[PoolCount]) -> BTreeMap<String, StratumCount> {
    let mut strata: BTreeMap<String, StratumCount> = BTreeMap::new();
    for count in counts {
        let stratum = strata.entry(plan.stratum(&count.district, &count.class).into_owned()).or_default();
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
    quota_for(&plan.content.quotas, stratum).map(|amount| (*amount).into()).ok_or_else(|| {
        let problem = format!("分层“{stratum}”没有比例或数量 / stratum {stratum} has no quota");
        Refusal::new(Reason::QuotaInvalid).with("problem", problem)
    })
}

/// Everything for which a draw over the plan would be refused, in a fixed order; nothing when it could be stated.
/// `people` are those available on the day, `today`.
pub fn obstacles(plan: &Plan, counts: &[PoolCount], people: &People, today: NaiveDate) -> Vec<Refusal> {
    if counts.iter().all(|count| count.subjects == 0) {
        return vec![Refusal::new(Reason::RegisterEmpty)];
    }
    if let Some(refusal) = too_many_strata(plan, counts) {
        return vec![refusal];
    }
    let strata = strata(plan, counts);
    let mut found: Vec<Refusal> = plan.content.shape.check_day(today).err().into_iter().collect();
    let empty = empty_strata(plan, counts, &strata);
    found.extend(empty.into_iter().map(|stratum| Refusal::new(Reason::EmptyStratum).with("stratum", stratum)));
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
        found.extend(small_stratum(plan, stratum, count.subjects));
    }
    // Where counties inspect, nobody is sent by this draw: each county's own draw of teams asks for its officers.
    if !plan.content.foresees.counties_inspect() {
        found.extend(too_few(plan, counts, &drawn_in, people));
    }
    found
}

/// The refusal when a stratum is small, and nobody approved of that.
pub fn small_stratum(plan: &Plan, stratum: &str, subjects: u64) -> Option<Refusal> {
    let small = subjects < STRATUM_SUBJECTS_MIN && !plan.content.exceptions.allow(Exception::SmallStratum);
    small.then(|| Exception::SmallStratum.refusal().with("stratum", stratum).with("n", subjects))
}

/// The refusal when the plan divides the register into more strata than one draw can have.
pub fn too_many_strata(plan: &Plan, counts: &[PoolCount]) -> Option<Refusal> {
    let divided = strata(plan, counts).values().filter(|count| count.subjects > 0).count();
    let problem = format!(
        "分层有 {divided} 个，至多 {STRATA_MAX} 个，请缩小区划范围或不分层 / {divided} strata, at most {STRATA_MAX}: name fewer \
         districts or do not divide"
    );
    (divided > STRATA_MAX).then(|| Refusal::new(Reason::QuotaInvalid).with("problem", problem))
}

/// Districts in scope, and strata with a quota of their own, that have nobody in the pool. Not so a credit class: who is in one
/// changes after a plan is published, and the classes of the settings need not all occur.
fn empty_strata<'p>(
    plan: &'p Plan,
    counts: &[PoolCount],
    strata: &BTreeMap<String, StratumCount>,
) -> BTreeSet<&'p str> {
    let inhabited = |district: &str| counts.iter().any(|count| count.district == district && count.subjects > 0);
    let districts = plan.content.districts.iter().map(String::as_str).filter(|district| !inhabited(district));
    let named = plan.content.quotas.keys().map(String::as_str).filter(|stratum| {
        *stratum != ANY
            && !classes::divides(plan.content.stratification)
            && strata.get(*stratum).is_none_or(|n| n.subjects == 0)
    });
    districts.chain(named).collect()
}
