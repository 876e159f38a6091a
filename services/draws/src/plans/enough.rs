//! Whether enough people can be sent (art. 15, 16): officers of each unit and experts, in every district drawn in, and for
//! every subject whose declared recusals leave fewer. With fewer than twice as many candidates as places it is known
//! beforehand who goes, so that needs a reason that was approved and published.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use kit::{
    codes::DistrictCode,
    error::{Refusal, Result},
};
use sqlx::PgConnection;

use super::{
    exceptions::Exception,
    obstacles::{CANDIDATES_PER_PLACE_MIN, PoolCount},
    rules::Plan,
};
use crate::{
    experts::store::{self as experts, Candidate},
    people::candidates::{self, Exclusion},
    registers::{
        rules::Officer,
        store::{self as registers, Placed},
    },
};

/// Everybody whom a draw over a plan could send on a day, and against whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    /// Officers of the plan's units.
    pub officers: Vec<Officer>,
    /// Experts of the plan's organisation and units; none where the plan wants none.
    pub experts: Vec<Candidate>,
    /// Recusals declared by or of them.
    pub exclusions: Vec<Exclusion>,
    /// The subjects of the pool among those.
    pub excluded: Vec<Placed>,
}

/// Reads them.
///
/// # Errors
/// The database fails.
pub async fn people(conn: &mut PgConnection, plan: &Plan, on: NaiveDate) -> Result<People> {
    let mut units: Vec<String> = plan.content.teams.iter().map(|part| part.organisation.clone()).collect();
    let officers = candidates::officers(conn, &units, on).await?;
    if !units.contains(&plan.organisation) {
        units.push(plan.organisation.clone());
    }
    let experts = match plan.content.shape.experts.count {
        0 => Vec::new(),
        _ => experts::candidates(conn, &units, on).await?,
    };
    let exclusions = candidates::exclusions(conn, &units).await?;
    let mut subjects: Vec<String> = exclusions.iter().map(|one| one.subject.clone()).collect();
    subjects.sort();
    subjects.dedup();
    let excluded = registers::placed(conn, plan, &subjects).await?;
    Ok(People { officers, experts, exclusions, excluded })
}

/// Places of one kind in every team, and who could take them.
struct Places<'a> {
    /// The unit, or the experts, for a refusal.
    said: String,
    /// What lets fewer than twice as many do.
    exception: Exception,
    size: u64,
    specialty: Option<&'a String>,
    candidates: Vec<Who<'a>>,
}

#[derive(Clone, Copy)]
struct Who<'a> {
    key: &'a str,
    districts: &'a [String],
    specialties: &'a [String],
}

impl<'a> Places<'a> {
    fn of(plan: &'a Plan, people: &'a People) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for part in &plan.content.teams {
            let own = people.officers.iter().filter(|officer| officer.organisation == part.organisation);
            all.push(Self {
                said: part.unit().to_owned(),
                exception: Exception::FewOfficers,
                size: u64::from(part.size),
                specialty: part.specialty.as_ref(),
                candidates: own
                    .map(|one| Who { key: &one.key, districts: &one.districts, specialties: &one.specialties })
                    .collect(),
            });
        }
        let experts = &plan.content.shape.experts;
        if experts.count > 0 {
            let all_experts = people.experts.iter();
            all.push(Self {
                said: "专家 experts".to_owned(),
                exception: Exception::FewExperts,
                size: u64::from(experts.count),
                specialty: experts.specialty.as_ref(),
                candidates: all_experts
                    .map(|one| Who { key: &one.key, districts: &one.districts, specialties: &one.specialties })
                    .collect(),
            });
        }
        all
    }

    fn covering(&self, district: Option<&str>) -> Vec<Who<'a>> {
        let covers = |who: &&Who<'_>| district.is_none_or(|district| who.districts.iter().any(|own| own == district));
        self.candidates.iter().filter(covers).copied().collect()
    }

    /// How many there are, how many are needed, and the specialty that is short: none when there are enough.
    fn lack(&self, who: &[Who<'_>], per_place: u64) -> Option<(u64, u64, Option<&'a String>)> {
        let (have, need) = (who.len() as u64, self.size * per_place);
        if have < need {
            return Some((have, need, None));
        }
        let specialty = self.specialty?;
        let have = who.iter().filter(|one| one.specialties.contains(specialty)).count() as u64;
        (have < per_place).then_some((have, per_place, Some(specialty)))
    }

    /// Where people are lacking, for a refusal that says itself whether they are officers or experts.
    fn lacking(&self, district: Option<&str>, specialty: Option<&String>) -> String {
        let place = match (self.exception, district) {
            (Exception::FewExperts, Some(district)) => said(district),
            (Exception::FewExperts, None) => "全市 citywide".to_owned(),
            _ => return self.place(district, specialty),
        };
        specialty.map_or(place.clone(), |specialty| format!("{place} {specialty}"))
    }

    fn place(&self, district: Option<&str>, specialty: Option<&String>) -> String {
        let mut place = self.said.clone();
        if let Some(district) = district {
            place = format!("{} {place}", said(district));
        }
        specialty.map_or(place.clone(), |specialty| format!("{place} {specialty}"))
    }
}

/// Everything for which too few could be sent to whom `drawn_in` may draw. Approved exceptions allow teams without choice, and
/// subjects that declared recusals leave without a team; never districts where no team can be formed at all.
pub fn too_few(plan: &Plan, counts: &[PoolCount], drawn_in: &BTreeSet<&str>, people: &People) -> Vec<Refusal> {
    if drawn_in.is_empty() {
        return Vec::new();
    }
    let allow = |exception| plan.content.exceptions.allow(exception);
    let drawn = |district: &str, class: &str| drawn_in.contains(plan.stratum(district, class).as_ref());
    let districts: BTreeSet<Option<&str>> = if plan.content.cover_district {
        let there = counts.iter().filter(|n| n.subjects > 0 && drawn(&n.district, &n.class));
        there.map(|n| Some(n.district.as_str())).collect()
    } else {
        BTreeSet::from([None])
    };
    let mut found = Vec::new();
    for places in Places::of(plan, people) {
        let per_place = if allow(places.exception) { 1 } else { CANDIDATES_PER_PLACE_MIN };
        for district in &districts {
            if let Some((have, need, specialty)) = places.lack(&places.covering(*district), per_place) {
                let refusal = places.exception.refusal().with("district", places.lacking(*district, specialty));
                found.push(refusal.with("have", have).with("need", need));
            }
        }
        if !allow(Exception::Recusals) {
            let drawable = people.excluded.iter().filter(|one| drawn(&one.district, &one.class));
            found.extend(left_by_recusals(plan, &places, drawable, people));
        }
    }
    found
}

/// Subjects whose declared recusals leave fewer than twice as many candidates as places; where there were fewer before, fewer
/// than places.
fn left_by_recusals<'p>(
    plan: &Plan,
    places: &Places<'_>,
    drawable: impl Iterator<Item = &'p Placed>,
    people: &People,
) -> Vec<Refusal> {
    let mut against: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for one in &people.exclusions {
        against.entry(&one.subject).or_default().insert(&one.person);
    }
    // By place: subjects, and the fewest who are left.
    let mut short: BTreeMap<String, (u64, u64, u64)> = BTreeMap::new();
    for subject in drawable {
        let Some(excluded) = against.get(subject.key.as_str()) else { continue };
        let district = plan.content.cover_district.then_some(subject.district.as_str());
        let mut left = places.covering(district);
        let enough_before = |per_place: &u64| places.lack(&left, *per_place).is_none();
        let Some(per_place) = [CANDIDATES_PER_PLACE_MIN, 1].into_iter().find(enough_before) else {
            continue; // said for the whole district
        };
        left.retain(|who| !excluded.contains(who.key));
        if let Some((have, need, specialty)) = places.lack(&left, per_place) {
            let entry = short.entry(places.place(district, specialty)).or_insert((0, have, need));
            entry.0 += 1;
            entry.1 = entry.1.min(have);
        }
    }
    let refusal = |(place, (n, have, need)): (String, (u64, u64, u64))| {
        let refusal = Exception::Recusals.refusal().with("place", place).with("n", n);
        refusal.with("have", have).with("need", need)
    };
    short.into_iter().map(refusal).collect()
}

/// A district with its name, where it is one of Kaifeng's.
fn said(district: &str) -> String {
    let known = kit::codes::DISTRICTS.iter().find(|known| DistrictCode::parse(district) == Ok(known.code));
    known.map_or_else(|| district.to_owned(), |known| format!("{}（{district}）", known.zh))
}
