//! Names of the organisations that plans and draws mention by their short names alone.

use std::collections::{BTreeSet, HashMap};

use kit::error::Result;
use proto::qingtian::portal::v1::{PublicDraw, PublicPlan, Unit};
use sqlx::PgPool;

/// What mentions organisations.
pub trait Mentions {
    /// Their names in full, some perhaps twice or of nobody.
    fn mentioned(&self) -> Vec<String>;
    /// Takes those that are known.
    fn name(&mut self, units: Vec<Unit>);
}

impl Mentions for PublicDraw {
    fn mentioned(&self) -> Vec<String> {
        let Some(draw) = &self.draw else { return Vec::new() };
        let contributors = draw.contributors.iter().map(|contributor| &contributor.unit);
        let contributors = contributors.filter(|unit| !unit.is_empty()).map(|unit| format!("organisations/{unit}"));
        contributors.chain([draw.organisation.clone()]).collect()
    }

    fn name(&mut self, units: Vec<Unit>) {
        self.units = units;
    }
}

impl Mentions for PublicPlan {
    fn mentioned(&self) -> Vec<String> {
        let Some(plan) = &self.plan else { return Vec::new() };
        let teams = plan.teams.iter().map(|part| &part.organisation);
        let counties = plan.county_units.iter().map(|county| &county.organisation);
        teams.chain(counties).chain([&plan.organisation]).cloned().collect()
    }

    fn name(&mut self, units: Vec<Unit>) {
        self.units = units;
    }
}

/// Names every organisation that these mention, by one question.
pub async fn name_all<M: Mentions>(pool: &PgPool, all: &mut [M]) -> Result<()> {
    let names: BTreeSet<String> = all.iter().flat_map(Mentions::mentioned).collect();
    let found: Vec<(String, String, String)> =
        sqlx::query_as("select name, title, title_en from organisation where name = any($1)")
            .bind(Vec::from_iter(names))
            .fetch_all(pool)
            .await?;
    let known: HashMap<&str, Unit> = found
        .iter()
        .map(|(name, title, title_en)| {
            (name.as_str(), Unit { name: name.clone(), title: title.clone(), title_en: title_en.clone() })
        })
        .collect();
    for one in all {
        let names = BTreeSet::from_iter(one.mentioned());
        one.name(names.iter().filter_map(|name| known.get(name.as_str()).cloned()).collect());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proto::qingtian::draws::v1::{CountyUnit, Plan, TeamPart};

    use super::*;

    #[test]
    fn a_plan_mentions_its_own_organisation_those_of_its_teams_and_its_counties() {
        let plan = Plan {
            organisation: "organisations/market".to_owned(),
            teams: vec![TeamPart { organisation: "organisations/emergency".to_owned(), ..TeamPart::default() }],
            county_units: vec![CountyUnit {
                organisation: "organisations/longting".to_owned(),
                ..CountyUnit::default()
            }],
            ..Plan::default()
        };
        let mentioned = BTreeSet::from_iter(PublicPlan { plan: Some(plan), ..PublicPlan::default() }.mentioned());
        let all = ["emergency", "longting", "market"].map(|unit| format!("organisations/{unit}"));
        assert_eq!(mentioned, BTreeSet::from(all));
    }
}
