//! Credit classes divide a pool (art. 14, 17): whoever has a bad record is inspected more often. They allocate supervision and
//! rate nobody, so a register divided by class is not published unless a published basis allows it. What is drawn of each class
//! by default, and why the register is withheld, are settings by version; a plan keeps the version it was drafted under.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kit::error::{Refusal, Result};
use lottery::frozen::SUBJECTS;
use proto::qingtian::draws::v1 as pb;
use sqlx::{PgConnection, types::Json};

use super::content::{Amount, shown};

/// The stratum of subjects without a class.
pub const UNCLASSIFIED: &str = "UNCLASSIFIED";
/// The strata of a plan by class.
pub const CLASSES: [&str; 5] = ["A", "B", "C", "D", UNCLASSIFIED];

/// Whether a plan divides its pool by credit class.
pub fn divides(stratification: pb::Stratification) -> bool {
    match stratification {
        pb::Stratification::CreditClass | pb::Stratification::DistrictAndCreditClass => true,
        pb::Stratification::Unspecified | pb::Stratification::District | pb::Stratification::Whole => false,
    }
}

/// The stratum of a class as the register keeps it, empty for none.
pub fn stratum(class: &str) -> &str {
    if class.is_empty() { UNCLASSIFIED } else { class }
}

/// The class of a stratum such as `410202/C`.
pub fn of_stratum(stratum: &str) -> Option<&str> {
    stratum.split_once('/').map(|(_, class)| class)
}

/// Settings for plans by credit class.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Setting {
    /// Version, such as `2026-1`.
    pub version: String,
    /// What is drawn of each class.
    pub quotas: Json<BTreeMap<String, Amount>>,
    /// What the quotas rest on.
    pub quota_basis: String,
    /// Why the register is withheld.
    pub withhold_basis: String,
}

/// The settings in force on a day, or those of a version.
///
/// # Errors
/// `INTERNAL` when none were in force.
pub async fn setting(conn: &mut PgConnection, version: &str, on: NaiveDate) -> Result<Setting> {
    let sql = "select version, quotas, quota_basis, withhold_basis from class_setting
               where case when $1 = '' then effective_on <= $2 else version = $1 end order by effective_on desc limit 1";
    let found = sqlx::query_as(sql).bind(version).bind(on).fetch_optional(conn).await?;
    found.ok_or_else(|| Refusal::internal(anyhow::anyhow!("no settings by credit class {version:?} on {on}")))
}

/// Fills in what a plan by class leaves open: the quotas, and that its register is not published.
pub fn offer(plan: &mut pb::Plan, setting: &Setting) {
    plan.class_setting.clone_from(&setting.version);
    if plan.quotas.is_empty() {
        plan.quotas = setting.quotas.iter().map(shown).collect();
    }
    if plan.register_basis.trim().is_empty() {
        let withheld = plan.withheld.get_or_insert_default();
        if withheld.basis.trim().is_empty() {
            withheld.basis.clone_from(&setting.withhold_basis);
        }
        if !withheld.files.iter().any(|file| file == SUBJECTS) {
            withheld.files.push(SUBJECTS.to_owned());
        }
    }
}
