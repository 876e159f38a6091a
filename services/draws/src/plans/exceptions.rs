//! What a plan may be excepted from (经批准的例外, art. 14-16): small strata, few people, recusals that leave too few. Each is
//! named with its reason, reviewed and published with the plan, and lifts its own refusal and no other.

use std::collections::BTreeMap;

use kit::error::{Reason, Refusal, Result};
use proto::qingtian::draws::v1::{self as pb, PlanExceptionKind as Shown};
use serde::{Deserialize, Serialize};

use super::content::reason;

/// What an exception allows, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Exception {
    /// Strata of fewer than 20 subjects.
    SmallStratum,
    /// Fewer than twice as many officers as places.
    FewOfficers,
    /// Fewer than twice as many experts as places.
    FewExperts,
    /// Recusals that leave subjects too few people, or nobody.
    Recusals,
}

impl Exception {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::SmallStratum, Self::FewOfficers, Self::FewExperts, Self::Recusals];

    /// As the contract shows it.
    pub fn shown(self) -> Shown {
        match self {
            Self::SmallStratum => Shown::SmallStratum,
            Self::FewOfficers => Shown::FewOfficers,
            Self::FewExperts => Shown::FewExperts,
            Self::Recusals => Shown::Recusals,
        }
    }

    /// The refusal it lifts.
    pub fn lifts(self) -> Reason {
        match self {
            Self::SmallStratum => Reason::SmallStratum,
            Self::FewOfficers => Reason::TooFewOfficers,
            Self::FewExperts => Reason::TooFewExperts,
            Self::Recusals => Reason::RecusalsLeaveTooFew,
        }
    }

    /// That refusal, which names in `exception` what to ask for.
    pub fn refusal(self) -> Refusal {
        let kind = self.shown().as_str_name();
        Refusal::new(self.lifts()).with("exception", kind.trim_start_matches("PLAN_EXCEPTION_KIND_"))
    }
}

/// The exceptions of a plan, each with its reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Exceptions(pub BTreeMap<Exception, String>);

impl Exceptions {
    /// Parses what a drafter sent.
    ///
    /// # Errors
    /// `INVALID` with the field: an unknown kind, one that stands twice, one without a reason; the one text of before.
    pub fn parse(plan: &pb::Plan) -> Result<Self> {
        if !plan.approved_exception.is_empty() {
            let problem =
                "请在 exceptions 中逐项写明例外的种类和理由 / name each exception in exceptions, with its reason";
            return Err(Refusal::invalid("approved_exception", problem));
        }
        let mut exceptions = BTreeMap::new();
        for one in &plan.exceptions {
            let kind = Exception::ALL.into_iter().find(|kind| kind.shown() as i32 == one.kind);
            let kind = kind.ok_or_else(|| Refusal::invalid("exceptions", "没有这种例外 / unknown kind"))?;
            let why = reason("exceptions", &one.reason, "请说明例外的理由 / say why it is approved")?;
            if exceptions.insert(kind, why).is_some() {
                return Err(Refusal::invalid("exceptions", "同一种例外只写一次 / each kind once"));
            }
        }
        Ok(Self(exceptions))
    }

    /// Whether one is approved.
    pub fn allow(&self, exception: Exception) -> bool {
        self.0.contains_key(&exception)
    }

    /// As the contract shows them.
    pub fn shown(&self) -> Vec<pb::PlanException> {
        let shown = |(kind, reason): (&Exception, &String)| pb::PlanException {
            kind: kind.shown() as i32,
            reason: reason.clone(),
        };
        self.0.iter().map(shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(exceptions: &[(i32, &str)]) -> Result<Exceptions> {
        let one = |(kind, reason): &(i32, &str)| pb::PlanException { kind: *kind, reason: (*reason).to_owned() };
        Exceptions::parse(&pb::Plan { exceptions: exceptions.iter().map(one).collect(), ..Default::default() })
    }

    #[test]
    fn each_kind_stands_once_with_its_reason_and_reads_back() {
        let all: Vec<(i32, &str)> = Exception::ALL.iter().map(|kind| (kind.shown() as i32, " 偏远，人手少 ")).collect();
        let read = parsed(&all).unwrap();
        assert!(Exception::ALL.into_iter().all(|kind| read.allow(kind) && read.0[&kind] == "偏远，人手少"));
        let again = Exceptions::parse(&pb::Plan { exceptions: read.shown(), ..Default::default() }).unwrap();
        assert_eq!(again, read);
        let stored = serde_json::to_value(&read).unwrap();
        assert_eq!(stored["SMALL_STRATUM"], "偏远，人手少");
        assert_eq!(serde_json::from_value::<Exceptions>(stored).unwrap(), read);
        assert_eq!(parsed(&[]).unwrap(), Exceptions::default());
    }

    #[test]
    fn what_names_no_kind_or_no_reason_is_refused() {
        let small = Shown::SmallStratum as i32;
        for wrong in [&[(0, "偏远")][..], &[(99, "偏远")], &[(small, " ")], &[(small, "偏远"), (small, "再说一次")]]
        {
            assert_eq!(parsed(wrong).unwrap_err().value("field"), Some("exceptions"), "{wrong:?}");
        }
        let before = pb::Plan { approved_exception: "人员不足".to_owned(), ..Default::default() };
        assert_eq!(Exceptions::parse(&before).unwrap_err().value("field"), Some("approved_exception"));
    }

    #[test]
    fn the_refusal_names_the_kind_to_ask_for() {
        for kind in Exception::ALL {
            let name = kind.refusal().value("exception").unwrap().to_owned();
            let meaning = kind.refusal();
            assert_eq!(Shown::from_str_name(&format!("PLAN_EXCEPTION_KIND_{name}")), Some(kind.shown()));
            for said in [meaning.message(), meaning.message_en()] {
                assert!(said.contains(&name), "{said}");
            }
        }
    }
}
