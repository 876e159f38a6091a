//! What a plan foresees beyond its own draw (art. 14, 15, 17): supplementary draws, counties that inspect what the city draws,
//! and a second visit in one quarter. All of it is published with the plan; what is not foreseen is refused later.

use std::collections::BTreeMap;

use kit::{
    codes::DistrictCode,
    error::{Refusal, Result},
};
use proto::qingtian::draws::v1 as pb;
use serde::{Deserialize, Serialize};

use super::content::text;

/// What a plan foresees, as stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Foresees {
    /// Why and when a supplementary draw may follow; empty: none.
    pub supplementary: String,
    /// Organisation that inspects in each district; empty: the plan's own teams go everywhere.
    pub county_units: BTreeMap<String, String>,
    /// Why a subject may be visited twice in a quarter; empty: it may not.
    pub second_visit_reason: String,
}

impl Foresees {
    /// Parses what a drafter sent. `districts` are the plan's, empty for the whole register.
    ///
    /// # Errors
    /// `INVALID` with the field.
    pub fn parse(plan: &pb::Plan, districts: &[String]) -> Result<Self> {
        Ok(Self {
            supplementary: text("foresees_supplementary", &plan.foresees_supplementary, 500)?,
            county_units: county_units(&plan.county_units, districts)?,
            second_visit_reason: text("second_visit_reason", &plan.second_visit_reason, 500)?,
        })
    }

    /// Whether counties send their officers to what the plan's draws pick (市抽县查).
    pub fn counties_inspect(&self) -> bool {
        !self.county_units.is_empty()
    }

    /// As the contract shows it.
    pub fn units(&self) -> Vec<pb::CountyUnit> {
        let unit = |(district, organisation): (&String, &String)| pb::CountyUnit {
            district: district.clone(),
            organisation: organisation.clone(),
        };
        self.county_units.iter().map(unit).collect()
    }
}

fn county_units(given: &[pb::CountyUnit], districts: &[String]) -> Result<BTreeMap<String, String>> {
    let refuse = |problem: String| Refusal::invalid("county_units", problem);
    if given.len() > 100 {
        return Err(refuse("至多 100 个区划 / at most 100".to_owned()));
    }
    let mut units = BTreeMap::new();
    for one in given {
        let district = &one.district;
        let code = DistrictCode::parse(district)
            .map_err(|error| refuse(format!("“{district}” {} / {error}", error.zh())))?
            .to_string();
        if !districts.is_empty() && !districts.contains(&code) {
            return Err(refuse(format!("“{code}”不在计划的区划范围内 / not within the plan's districts")));
        }
        let unit = one.organisation.strip_prefix("organisations/").unwrap_or_default();
        if unit.contains('/') || !lottery::names::is_name(unit.as_bytes()) {
            return Err(refuse(format!("“{}”不是单位名称 / not the name of an organisation", one.organisation)));
        }
        if units.insert(code.clone(), one.organisation.clone()).is_some() {
            return Err(refuse(format!("“{code}”重复 / stands twice")));
        }
    }
    Ok(units)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(district: &str, organisation: &str) -> pb::CountyUnit {
        pb::CountyUnit { district: district.to_owned(), organisation: organisation.to_owned() }
    }

    #[test]
    fn each_district_in_scope_has_one_county() {
        let scope = ["410202".to_owned(), "410203".to_owned()];
        let units = [unit("410202", "organisations/longting"), unit("410203", "organisations/shunhe")];
        let read = county_units(&units, &scope).unwrap();
        assert_eq!(read["410203"], "organisations/shunhe");
        assert!(county_units(&units, &[]).is_ok(), "without districts the whole register is in scope");
        for wrong in [
            vec![unit("410202", "organisations/longting"), unit("410202", "organisations/shunhe")],
            vec![unit("410204", "organisations/longting")],
            vec![unit("龙亭区", "organisations/longting")],
            vec![unit("410202", "longting")],
            vec![unit("410202", "organisations/a/items/1")],
        ] {
            assert!(county_units(&wrong, &scope).is_err(), "{wrong:?}");
        }
    }
}
