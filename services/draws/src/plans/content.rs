//! What a drafter writes, parsed at the door (art. 14). A draft may lack things; what is there holds.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};
use kit::{
    codes::DistrictCode,
    error::{Reason, Refusal, Result},
};
use lottery::rules::{PPM_MAX, Quota};
use proto::qingtian::draws::v1 as pb;
use serde::{Deserialize, Serialize};

use super::{
    classes::{self, CLASSES},
    exceptions::Exceptions,
    foresees::Foresees,
    obstacles::ALL,
    shape::Shape,
};

/// A quota for every stratum without one of its own.
pub const ANY: &str = "*";
/// Numbers in evidence are below this (2^53 - 1 is the largest integer of RFC 8785 texts).
const COUNT_MAX: i64 = (1 << 53) - 1;
/// The regulation is in force from this year.
const FIRST_YEAR: i32 = 2022;
const LAST_YEAR: i32 = 2100;

/// How many of a stratum are drawn, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// Parts per million, rounded up.
    Ppm(u64),
    /// A fixed number.
    Count(u64),
}

impl From<Amount> for Quota {
    fn from(amount: Amount) -> Self {
        match amount {
            Amount::Ppm(ppm) => Self::Ppm(ppm),
            Amount::Count(count) => Self::Count(count),
        }
    }
}

/// One unit's share of a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamPart {
    /// `organisations/{organisation}`.
    pub organisation: String,
    /// Officers of it in each team, from 1.
    pub size: u32,
    /// Specialty the first must have.
    pub specialty: Option<String>,
}

impl TeamPart {
    /// The unit's name in a draw: the last part of the organisation's name.
    pub fn unit(&self) -> &str {
        self.organisation.rsplit('/').next().unwrap_or_default()
    }
}

/// What a drafter writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Title; may be empty in a draft, like everything below that can be.
    pub title: String,
    /// Kind.
    pub kind: pb::PlanKind,
    /// Items, `organisations/{organisation}/items/{item}`.
    pub items: Vec<String>,
    /// Districts in scope, six digits, sorted; empty for the whole register.
    pub districts: Vec<String>,
    /// How the pool is divided.
    pub stratification: pb::Stratification,
    /// Quotas by stratum; [`ANY`] for those without one of their own.
    pub quotas: BTreeMap<String, Amount>,
    /// Composition of each team.
    pub teams: Vec<TeamPart>,
    /// Whether officers must cover the subject's district.
    pub cover_district: bool,
    /// First day of inspections.
    pub start: Option<NaiveDate>,
    /// Last day of inspections.
    pub end: Option<NaiveDate>,
    /// Method.
    pub method: String,
    /// Frequency.
    pub frequency: String,
    /// Approved exceptions.
    pub exceptions: Exceptions,
    /// What it foresees beyond its own draw.
    pub foresees: Foresees,
    /// Experts, what is withheld, and when the result is public.
    pub shape: Shape,
}

/// The quota of a stratum: its own; where district and class divide, its class's; or the one for any.
pub fn quota_for<'q>(quotas: &'q BTreeMap<String, Amount>, stratum: &str) -> Option<&'q Amount> {
    let of_class = || classes::of_stratum(stratum).and_then(|class| quotas.get(class));
    quotas.get(stratum).or_else(of_class).or_else(|| quotas.get(ANY))
}

/// A quota as the contract shows it.
pub fn shown((stratum, amount): (&String, &Amount)) -> pb::Quota {
    let amount = match *amount {
        // Both were parsed from numbers of 63 bits.
        Amount::Ppm(ppm) => pb::quota::Amount::Ppm(i64::try_from(ppm).unwrap_or(i64::MAX)),
        Amount::Count(count) => pb::quota::Amount::Count(i64::try_from(count).unwrap_or(i64::MAX)),
    };
    pb::Quota { stratum: stratum.clone(), amount: Some(amount) }
}

/// Checks the year a plan is for.
///
/// # Errors
/// `INVALID`.
pub fn year(year: i32) -> Result<i32> {
    if (FIRST_YEAR..=LAST_YEAR).contains(&year) {
        return Ok(year);
    }
    Err(Refusal::invalid("year", format!("{FIRST_YEAR}–{LAST_YEAR}")))
}

impl Content {
    /// Parses what a drafter sent. Things may be missing, but what is there holds.
    ///
    /// # Errors
    /// `INVALID` with the field; `QUOTA_INVALID` (art. 14).
    pub fn parse(plan: &pb::Plan) -> Result<Self> {
        let stratification = pb::Stratification::try_from(plan.stratification)
            .map_err(|_| Refusal::invalid("stratification", "没有这种分层方式 / unknown"))?;
        let districts = districts(&plan.districts)?;
        let end = day("end_date", &plan.end_date)?;
        let content = Self {
            title: text("title", &plan.title, 200)?,
            kind: pb::PlanKind::try_from(plan.kind)
                .map_err(|_| Refusal::invalid("kind", "没有这种计划类型 / unknown"))?,
            items: items(&plan.items)?,
            quotas: quotas(&plan.quotas, stratification, &districts)?,
            foresees: Foresees::parse(plan, &districts)?,
            shape: Shape::parse(plan, stratification, end)?,
            districts,
            stratification,
            teams: teams(&plan.teams)?,
            cover_district: plan.cover_district,
            start: day("start_date", &plan.start_date)?,
            end,
            method: text("method", &plan.method, 100)?,
            frequency: text("frequency", &plan.frequency, 100)?,
            exceptions: Exceptions::parse(plan)?,
        };
        if let Some(start) = content.start
            && start.year() != plan.year
        {
            return Err(Refusal::invalid("start_date", "开始日期须在计划年度内 / must lie in the plan's year"));
        }
        if let (Some(start), Some(end)) = (content.start, content.end)
            && end < start
        {
            return Err(Refusal::invalid("end_date", "结束日期早于开始日期 / before start_date"));
        }
        Ok(content)
    }
}

/// A free text without control characters, trimmed.
///
/// # Errors
/// `INVALID`.
pub(crate) fn text(field: &str, value: &str, chars_max: usize) -> Result<String> {
    let value = value.trim();
    if value.chars().count() > chars_max {
        return Err(Refusal::invalid(field, format!("至多 {chars_max} 字 / at most {chars_max} characters")));
    }
    if value.chars().any(char::is_control) {
        return Err(Refusal::invalid(field, "含有控制字符 / control characters"));
    }
    Ok(value.to_owned())
}

/// A reason that says something: at least two characters. `wanted` asks for it.
///
/// # Errors
/// `INVALID`.
pub(crate) fn reason(field: &str, value: &str, wanted: &str) -> Result<String> {
    let reason = text(field, value, 500)?;
    if reason.chars().count() < 2 { Err(Refusal::invalid(field, wanted)) } else { Ok(reason) }
}

/// A date; none for an empty text.
///
/// # Errors
/// `INVALID`.
pub(crate) fn day(field: &str, value: &str) -> Result<Option<NaiveDate>> {
    if value.is_empty() {
        return Ok(None);
    }
    lottery::names::date(value)
        .ok()
        .and_then(|value| NaiveDate::parse_from_str(value, "%Y-%m-%d").ok())
        .map(Some)
        .ok_or_else(|| Refusal::invalid(field, "应为存在的日期 YYYY-MM-DD / not a date"))
}

/// The last part of `organisations/{organisation}`, when it can stand in a draw.
fn unit(name: &str) -> Option<&str> {
    let unit = name.strip_prefix("organisations/")?;
    (lottery::names::is_name(unit.as_bytes()) && !unit.contains('/')).then_some(unit)
}

fn items(items: &[String]) -> Result<Vec<String>> {
    if items.len() > 100 {
        return Err(Refusal::invalid("items", "至多 100 项 / at most 100"));
    }
    let mut seen = BTreeSet::new();
    for item in items {
        let named = item.split_once("/items/").is_some_and(|(organisation, item)| {
            unit(organisation).is_some() && !item.is_empty() && !item.contains('/') && item.len() <= 100
        });
        if !named || item.chars().any(char::is_control) {
            return Err(Refusal::invalid("items", format!("“{item}”不是监管事项名称 / not the name of an item")));
        }
        if !seen.insert(item) {
            return Err(Refusal::invalid("items", format!("“{item}”重复 / twice")));
        }
    }
    Ok(items.to_vec())
}

fn districts(given: &[String]) -> Result<Vec<String>> {
    if given.len() > 100 {
        return Err(Refusal::invalid("districts", "至多 100 个 / at most 100"));
    }
    let mut districts = BTreeSet::new();
    for district in given {
        let code = DistrictCode::parse(district)
            .map_err(|error| Refusal::invalid("districts", format!("“{district}” {} / {error}", error.zh())))?;
        if !districts.insert(code.to_string()) {
            return Err(Refusal::invalid("districts", format!("“{district}”重复 / twice")));
        }
    }
    Ok(districts.into_iter().collect())
}

fn quotas(
    given: &[pb::Quota],
    stratification: pb::Stratification,
    districts: &[String],
) -> Result<BTreeMap<String, Amount>> {
    let refuse = |problem: String| Refusal::new(Reason::QuotaInvalid).with("problem", problem);
    if given.len() > 200 {
        return Err(refuse("至多 200 条 / at most 200".to_owned()));
    }
    let in_scope = |code: &str| {
        DistrictCode::parse(code).is_ok() && (districts.is_empty() || districts.iter().any(|district| district == code))
    };
    let mut quotas = BTreeMap::new();
    for quota in given {
        let stratum = quota.stratum.as_str();
        let fits = match stratification {
            pb::Stratification::Whole => stratum == ALL || stratum == ANY,
            pb::Stratification::District | pb::Stratification::Unspecified => stratum == ANY || in_scope(stratum),
            pb::Stratification::CreditClass => stratum == ANY || CLASSES.contains(&stratum),
            pb::Stratification::DistrictAndCreditClass => {
                let both = stratum.split_once('/');
                stratum == ANY
                    || CLASSES.contains(&stratum)
                    || both.is_some_and(|(district, class)| in_scope(district) && CLASSES.contains(&class))
            }
        };
        if !fits {
            return Err(refuse(format!("计划范围内没有分层“{stratum}” / no stratum {stratum:?} in the plan's scope")));
        }
        let amount = match quota.amount {
            None => {
                return Err(refuse(format!("“{stratum}”没有比例或数量 / {stratum:?} has neither ppm nor count")));
            }
            Some(pb::quota::Amount::Ppm(ppm)) => u64::try_from(ppm).ok().filter(|ppm| *ppm <= PPM_MAX).map(Amount::Ppm),
            Some(pb::quota::Amount::Count(count)) => u64::try_from(count.clamp(-1, COUNT_MAX)).ok().map(Amount::Count),
        };
        let amount = amount.ok_or_else(|| {
            refuse(format!(
                "“{stratum}”应为 0 至 100%，或不小于 0 的数量 / {stratum:?}: 0 to 1,000,000 ppm, or a count from 0"
            ))
        })?;
        if quotas.insert(stratum.to_owned(), amount).is_some() {
            return Err(refuse(format!("“{stratum}”重复 / {stratum:?} stands twice")));
        }
    }
    Ok(quotas)
}

/// Reads the composition of teams; none is none.
///
/// # Errors
/// `INVALID`.
pub(crate) fn teams(given: &[pb::TeamPart]) -> Result<Vec<TeamPart>> {
    let refuse = |problem: String| Refusal::invalid("teams", problem);
    if given.len() > 20 {
        return Err(refuse("至多 20 个单位 / at most 20 units".to_owned()));
    }
    let mut teams: Vec<TeamPart> = Vec::with_capacity(given.len());
    for part in given {
        let organisation = &part.organisation;
        if unit(organisation).is_none() {
            return Err(refuse(format!("“{organisation}”不是单位名称 / not the name of an organisation")));
        }
        if teams.iter().any(|other| other.organisation == *organisation) {
            return Err(refuse(format!("“{organisation}”重复 / stands twice")));
        }
        let size = u32::try_from(part.size).ok().filter(|size| (1..=50).contains(size));
        let size = size.ok_or_else(|| refuse("每个单位 1 至 50 人 / 1 to 50 officers of each unit".to_owned()))?;
        let specialty = (!part.specialty.is_empty()).then(|| part.specialty.clone());
        if let Some(specialty) = &specialty
            && !lottery::names::is_name(specialty.as_bytes())
        {
            return Err(refuse(format!("专长“{specialty}”应为字母、数字 / specialty: 1 to 64 of 0-9A-Za-z:/._-")));
        }
        teams.push(TeamPart { organisation: organisation.clone(), size, specialty });
    }
    if !teams.is_empty() && teams.iter().map(|part| part.size).sum::<u32>() < 2 {
        return Err(refuse("执法人员不得少于两人 / at least two officers in a team".to_owned()));
    }
    Ok(teams)
}
