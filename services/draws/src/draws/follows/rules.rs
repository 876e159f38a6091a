//! What a draw that follows another may be (art. 14, 15): its kind, what it is given at its creation, and its quotas. Pure.

use std::collections::BTreeMap;

use kit::error::{Reason, Refusal, Result};
use lottery::rules::{PPM_MAX, Quota};
use proto::qingtian::draws::v1 as pb;

use crate::plans::{
    content,
    rules::{ANY, Amount, TeamPart},
};

/// Drawn before: by the original draw, or by one that supplements it.
pub const DRAWN_BEFORE: &str = "DRAWN_BEFORE";
/// Has a team already.
pub const HAS_TEAM: &str = "HAS_TEAM";
/// Another draw of teams has it.
pub const IN_ANOTHER_DRAW: &str = "IN_ANOTHER_DRAW";
/// Has a planned visit in this calendar quarter (art. 17).
pub const VISITED_THIS_QUARTER: &str = "VISITED_THIS_QUARTER";

/// Kind of a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Over the register in the plan's scope.
    Original,
    /// Over an earlier pool less the drawn.
    Supplementary,
    /// Teams for subjects that an earlier draw left without one.
    Teams,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Original, Self::Supplementary, Self::Teams];

    /// As the database keeps it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Original => "ORIGINAL",
            Self::Supplementary => "SUPPLEMENTARY",
            Self::Teams => "TEAMS",
        }
    }

    /// The kind the database kept.
    ///
    /// # Errors
    /// `INTERNAL` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| Refusal::internal(anyhow::anyhow!("a draw of kind {text:?}")))
    }

    /// As the contract shows it.
    pub fn shown(self) -> pb::DrawKind {
        match self {
            Self::Original => pb::DrawKind::Original,
            Self::Supplementary => pb::DrawKind::Supplementary,
            Self::Teams => pb::DrawKind::Teams,
        }
    }
}

/// What a draw was given at its creation beyond plan, contributors and schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Kind.
    pub kind: Kind,
    /// The draw it follows; none for an original one.
    pub follows: Option<String>,
    /// Quotas of a supplementary draw by stratum.
    pub quotas: BTreeMap<String, Amount>,
    /// Composition of the teams of a draw of teams.
    pub teams: Vec<TeamPart>,
    /// Whether people must cover the district, in a draw of teams.
    pub cover_district: bool,
}

impl Given {
    /// Reads what was asked for.
    ///
    /// # Errors
    /// `INVALID` with the field; `QUOTA_INVALID` (art. 14).
    pub fn parse(draw: &pb::Draw) -> Result<Self> {
        let kind = match pb::DrawKind::try_from(draw.kind) {
            Ok(pb::DrawKind::Unspecified | pb::DrawKind::Original) => Kind::Original,
            Ok(pb::DrawKind::Supplementary) => Kind::Supplementary,
            Ok(pb::DrawKind::Teams) => Kind::Teams,
            Err(_) => return Err(Refusal::invalid("kind", "没有这种抽取方式 / unknown")),
        };
        let given = Self {
            kind,
            follows: (!draw.follows.is_empty()).then(|| draw.follows.clone()),
            quotas: quotas(&draw.quotas)?,
            teams: content::teams(&draw.teams)?,
            cover_district: draw.cover_district,
        };
        given.check()?;
        Ok(given)
    }

    fn check(&self) -> Result<()> {
        let not_here = |field: &str| Err(Refusal::invalid(field, "这种抽取方式不填此项 / not for this kind of draw"));
        let missing = |field: &str, what: &str| Err(Refusal::invalid(field, what));
        match (self.kind, &self.follows) {
            (Kind::Original, None) | (Kind::Supplementary | Kind::Teams, Some(_)) => {}
            (Kind::Original, Some(_)) => return not_here("follows"),
            (Kind::Supplementary | Kind::Teams, None) => {
                return missing("follows", "请指明接续哪一次抽签 / name the draw it follows");
            }
        }
        if self.kind == Kind::Supplementary && self.quotas.is_empty() {
            return missing("quotas", "请填写各分层的补充抽取比例或数量 / give the quota of each stratum");
        }
        if self.kind != Kind::Supplementary && !self.quotas.is_empty() {
            return not_here("quotas");
        }
        if self.kind == Kind::Teams && self.teams.is_empty() {
            return missing("teams", "请指明派出单位和人数 / name the units and their officers");
        }
        if self.kind != Kind::Teams && (!self.teams.is_empty() || self.cover_district) {
            return not_here("teams");
        }
        Ok(())
    }

    /// As the contract shows it.
    pub fn show(&self, draw: &mut pb::Draw) {
        // Both were parsed from numbers of 63 bits.
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        draw.kind = self.kind.shown() as i32;
        draw.follows = self.follows.clone().unwrap_or_default();
        draw.quotas.extend(self.quotas.iter().map(|(stratum, amount)| pb::Quota {
            stratum: stratum.clone(),
            amount: Some(match *amount {
                Amount::Ppm(ppm) => pb::quota::Amount::Ppm(number(ppm)),
                Amount::Count(count) => pb::quota::Amount::Count(number(count)),
            }),
        }));
        draw.teams.extend(self.teams.iter().map(|part| pb::TeamPart {
            organisation: part.organisation.clone(),
            size: i32::try_from(part.size).unwrap_or(i32::MAX),
            specialty: part.specialty.clone().unwrap_or_default(),
        }));
        draw.cover_district = self.cover_district;
    }

    /// What a draw competes with: one unfinished draw at a time for each of these in a plan and quarter. As the index has it.
    pub fn rivalry(&self, organisation: &str) -> String {
        match (self.kind, &self.follows) {
            (Kind::Teams, Some(follows)) => format!("{follows} {organisation}"),
            (Kind::Original | Kind::Supplementary | Kind::Teams, _) => String::new(),
        }
    }
}

fn quotas(given: &[pb::Quota]) -> Result<BTreeMap<String, Amount>> {
    let refuse = |problem: String| Refusal::new(Reason::QuotaInvalid).with("problem", problem);
    let mut read = BTreeMap::new();
    for quota in given.iter().take(401) {
        let stratum = &quota.stratum;
        if stratum != ANY && !lottery::names::is_name(stratum.as_bytes()) {
            return Err(refuse(format!("没有分层“{stratum}” / no stratum {stratum:?}")));
        }
        let amount = match quota.amount {
            Some(pb::quota::Amount::Ppm(ppm)) => u64::try_from(ppm).ok().filter(|ppm| *ppm <= PPM_MAX).map(Amount::Ppm),
            // Larger than any pool is the whole of it.
            Some(pb::quota::Amount::Count(count)) => u64::try_from(count.min(1 << 40)).ok().map(Amount::Count),
            None => None,
        };
        let amount = amount.ok_or_else(|| {
            let problem = format!(
                "“{stratum}”应为 0 至 100%，或不小于 0 的数量 / {stratum:?}: 0 to 1,000,000 ppm, or a count from 0"
            );
            refuse(problem)
        })?;
        if read.insert(stratum.clone(), amount).is_some() {
            return Err(refuse(format!("“{stratum}”重复 / {stratum:?} stands twice")));
        }
    }
    Ok(read)
}

/// The quota of each stratum of a supplementary draw's pool.
///
/// # Errors
/// `QUOTA_INVALID` when a stratum has none, or a quota names no stratum.
pub fn resolve(quotas: &BTreeMap<String, Amount>, strata: &BTreeMap<String, u64>) -> Result<BTreeMap<String, Quota>> {
    let refuse = |problem: String| Refusal::new(Reason::QuotaInvalid).with("problem", problem);
    if let Some(stratum) = quotas.keys().find(|stratum| *stratum != ANY && !strata.contains_key(*stratum)) {
        return Err(refuse(format!("没有分层“{stratum}” / there is no stratum {stratum}")));
    }
    let quota = |stratum: &String| {
        let amount = quotas.get(stratum).or_else(|| quotas.get(ANY));
        let amount =
            amount.ok_or_else(|| refuse(format!("分层“{stratum}”没有比例或数量 / stratum {stratum} has no quota")))?;
        Ok((stratum.clone(), Quota::from(*amount)))
    };
    strata.keys().map(quota).collect()
}

/// Everybody: the quota of a draw of teams, in which chance decides who goes, and nobody is left without a chance of a team.
pub fn everybody(strata: &BTreeMap<String, u64>) -> BTreeMap<String, Quota> {
    strata.keys().map(|stratum| (stratum.clone(), Quota::Ppm(PPM_MAX))).collect()
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
