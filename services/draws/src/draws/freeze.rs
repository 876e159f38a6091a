//! Freezing (art. 11, 13, 14, 16): who can be drawn, who was left out and why, who can be sent and who must not, read in one
//! view of the database and kept as blobs under their digests.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chrono::{DateTime, Datelike, Utc};
use kit::{
    blob::{Blob, Digest, Stored},
    env::Env,
    error::{Reason, Refusal, Result},
    faults,
};
use lottery::{
    bundle::TABLE_BYTES_MAX,
    frozen::{EXCLUSIONS, EXPERTS, Exclusion, FrozenFiles, LEFT_OUT, OFFICERS, Person, RULES, SUBJECTS, Table},
    rules::{Contributor, PROTOCOL, Places, Rules},
};
use sqlx::PgConnection;

use super::{follows::rules::VISITED_THIS_QUARTER, frozen as rows, names::Names, scope, store::unit_of, withheld};
use crate::{
    caps::BUDGET_SPENT,
    plans::{
        enough::{self, People},
        rules::{Plan, legal_day, obstacles, resolve},
    },
};

/// Every subject in scope with its registered name, which the protocol leaves out: `key TAB name`, sorted by bytes.
pub const NAMES: &str = "names.tsv";

/// The frozen files of a draw.
#[derive(Debug, Clone)]
pub struct Files {
    pub subjects: Bytes,
    pub left_out: Bytes,
    pub officers: Bytes,
    pub experts: Bytes,
    pub exclusions: Bytes,
    pub rules: Bytes,
    pub names: Names,
}

impl Files {
    /// As the protocol's crate takes them.
    pub fn protocol(&self) -> FrozenFiles<'_> {
        FrozenFiles {
            subjects: &self.subjects,
            left_out: &self.left_out,
            officers: &self.officers,
            experts: &self.experts,
            exclusions: &self.exclusions,
            rules: &self.rules,
        }
    }

    /// Every file that is held, with its name.
    fn named(&self) -> [(&'static str, &Bytes); 6] {
        [
            (SUBJECTS, &self.subjects),
            (LEFT_OUT, &self.left_out),
            (OFFICERS, &self.officers),
            (EXPERTS, &self.experts),
            (EXCLUSIONS, &self.exclusions),
            (RULES, &self.rules),
        ]
    }

    /// Keeps every file, before the act that names it is committed; the names have been kept as they came.
    ///
    /// # Errors
    /// `INTERNAL` when the place of blobs cannot be written.
    pub async fn keep(&self, blobs: &Blob) -> Result<Vec<(&'static str, Stored)>> {
        let mut kept = Vec::with_capacity(7);
        for (name, bytes) in self.named() {
            faults::point("PutFrozen", "before_write");
            kept.push((name, blobs.put(bytes.clone()).await.map_err(Refusal::internal)?));
            faults::point("PutFrozen", "after_write");
        }
        kept.push((NAMES, self.names.0));
        Ok(kept)
    }
}

/// Freezes what registers and plan hold.
///
/// # Errors
/// The first thing that stands in the way of a draw: `REGISTER_EMPTY`, `EMPTY_STRATUM`, `QUOTA_INVALID`, `SMALL_STRATUM`,
/// `TOO_FEW_OFFICERS`, `TOO_FEW_EXPERTS`, `RECUSALS_LEAVE_TOO_FEW`, `PUBLISH_DAY_PAST`, `ALL_VISITED`, `ALL_BUDGETS_SPENT`.
pub async fn from_registers(
    conn: &mut PgConnection,
    env: &Env,
    plan: &Plan,
    contributors: Vec<Contributor>,
    beacon_waived: &str,
    now: DateTime<Utc>,
) -> Result<Files> {
    let today = legal_day(now);
    // Where counties inspect (市抽县查), nobody is sent by this draw: each of them draws its officers in a draw of its own.
    let people = if plan.content.foresees.counties_inspect() {
        People::default()
    } else {
        enough::people(conn, plan, today).await?
    };
    let mut rules = rules(plan, contributors, beacon_waived);
    let quarter = plan.spared_quarter(now);
    let scope = scope::read(conn, env, (plan, (quarter.as_deref(), Some(today))), &rules).await?;
    let counts = &scope.counts;
    if counts.iter().all(|count| count.subjects == 0) {
        let left_out = withheld::left_out_counts(&scope.left_out);
        if left_out.contains_key(BUDGET_SPENT) {
            return Err(Refusal::new(Reason::AllBudgetsSpent).with("year", today.year()));
        }
        if left_out.contains_key(VISITED_THIS_QUARTER) {
            return Err(Refusal::new(Reason::AllVisited).with("quarter", quarter.unwrap_or_default()));
        }
    }
    if let Some(refusal) = obstacles(plan, counts, &people, today).into_iter().next() {
        return Err(refusal);
    }
    let inhabited = counts.iter().filter(|count| count.subjects > 0);
    let strata: BTreeSet<_> = inhabited.map(|count| plan.stratum(&count.district, &count.class)).collect();
    rules.quotas = resolve(plan, strata.iter().map(AsRef::as_ref))?;
    let people = people_files(&people, &rules).map_err(Refusal::internal)?;
    Ok(Files {
        subjects: scope.subjects.into(),
        left_out: scope.left_out.into(),
        officers: people.officers.into(),
        experts: people.experts.into(),
        exclusions: people.exclusions.into(),
        rules: rules.to_bytes().map_err(Refusal::internal)?.into(),
        names: Names(scope.names),
    })
}

/// `officers.tsv`, `experts.tsv` and `exclusions.tsv`.
pub(super) struct PeopleFiles {
    pub(super) officers: Vec<u8>,
    pub(super) experts: Vec<u8>,
    pub(super) exclusions: Vec<u8>,
}

/// Writes who can be sent, and against whom; salted, where the rules withhold it.
pub(super) fn people_files(people: &People, rules: &Rules) -> anyhow::Result<PeopleFiles> {
    let officers = people.officers.iter().map(|one| (&one.key, &one.organisation, &one.districts, &one.specialties));
    let experts = people.experts.iter().map(|one| (&one.key, &one.organisation, &one.districts, &one.specialties));
    let exclusions = |table: &mut Table<'_, Exclusion<'_>>| {
        for one in &people.exclusions {
            // The unit answers for it in public, not the account it was typed with.
            let declared_by = unit_of(&one.organisation);
            table.push(&Exclusion { person: &one.person, subject: &one.subject, declared_by })?;
        }
        Ok(())
    };
    Ok(PeopleFiles {
        officers: persons(rules.is_withheld(OFFICERS), officers)?,
        experts: persons(rules.is_withheld(EXPERTS), experts)?,
        exclusions: withheld::table(rules.is_withheld(EXCLUSIONS), exclusions)?,
    })
}

fn persons<'a>(
    salted: bool,
    people: impl Iterator<Item = (&'a String, &'a String, &'a Vec<String>, &'a Vec<String>)>,
) -> anyhow::Result<Vec<u8>> {
    let write = |table: &mut Table<'_, Person<'_>>| {
        for (key, organisation, districts, specialties) in people {
            let districts: Vec<&str> = districts.iter().map(String::as_str).collect();
            let specialties: Vec<&str> = specialties.iter().map(String::as_str).collect();
            table.push(&Person {
                key,
                unit: unit_of(organisation),
                districts: &districts,
                specialties: &specialties,
            })?;
        }
        Ok(())
    };
    withheld::table(salted, write)
}

/// All of the rules but the quotas, which depend on who is in the pool.
fn rules(plan: &Plan, entropy: Vec<Contributor>, beacon_waived: &str) -> Rules {
    let teams = plan.content.teams.iter().map(|part| Places {
        size: u64::from(part.size),
        specialty: part.specialty.clone(),
        unit: part.unit().to_owned(),
    });
    Rules {
        beacon_waived: waived(beacon_waived),
        cover_district: plan.content.cover_district,
        entropy,
        experts: (&plan.content.shape.experts).into(),
        plan: plan.name(),
        protocol: PROTOCOL.to_owned(),
        publish_after: plan.content.shape.publish_after.as_ref().map(Into::into),
        quotas: BTreeMap::new(),
        teams: teams.collect(),
        withheld: plan.content.shape.withheld.as_ref().map(Into::into),
    }
}

/// The published reason for having no beacon, as the protocol writes it.
pub(super) fn waived(reason: &str) -> Option<String> {
    (!reason.is_empty()).then(|| reason.to_owned())
}

/// The rules of a failed draw's successor: its own contributors, everything else the same.
///
/// # Errors
/// `INVALID` when it lacks a new beacon, or a department or witness the failed draw did not have.
pub fn successor_rules(failed: &rows::StatementRow, entropy: Vec<Contributor>, beacon_waived: &str) -> Result<Rules> {
    let failed = Rules::parse(&failed.rules).map_err(Refusal::internal)?;
    if !beacon_waived.is_empty() {
        return Err(Refusal::invalid("beacon_waived", "重新抽签须有新的公共随机数 / a successor needs a new beacon"));
    }
    let rules = Rules { entropy, beacon_waived: waived(beacon_waived), ..failed.clone() };
    rules.check_succeeds(&failed).map_err(|error| {
        let problem = "重新抽签须另选公共随机数，并增加一个原先没有的部门或见证方";
        Refusal::invalid("contributors", format!("{problem} / {error}"))
    })?;
    Ok(rules)
}

/// The files of a stated draw, whole and checked against their digests.
///
/// # Errors
/// `INTERNAL` when a blob is gone or holds other bytes.
pub async fn load(conn: &mut PgConnection, blobs: &Blob, draw: &str) -> Result<Files> {
    let kept = rows::files(conn, draw).await?;
    let read = async |name: &str| read(&kept, blobs, name).await;
    Ok(Files {
        subjects: read(SUBJECTS).await?,
        left_out: read(LEFT_OUT).await?,
        officers: read(OFFICERS).await?,
        experts: read(EXPERTS).await?,
        exclusions: read(EXCLUSIONS).await?,
        rules: read(RULES).await?,
        names: Names(stored(&kept, NAMES)?),
    })
}

/// One of the files a draw has kept, whole and checked against its digest.
///
/// # Errors
/// `INTERNAL` when there is none, or its blob is gone or holds other bytes.
pub async fn read(kept: &[rows::FileRow], blobs: &Blob, name: &str) -> Result<Bytes> {
    let digest = stored(kept, name)?.digest;
    Ok(blobs.read(digest, TABLE_BYTES_MAX).await.map_err(Refusal::internal)?.into())
}

/// What stands for one of the files a draw has kept.
pub(super) fn stored(kept: &[rows::FileRow], name: &str) -> Result<Stored> {
    let row = kept.iter().find(|row| row.file == name);
    let row = row.ok_or_else(|| Refusal::internal(anyhow::anyhow!("the draw has no {name}")))?;
    Ok(Stored { digest: Digest::parse(&row.blob).map_err(Refusal::internal)?, size: row.bytes.unsigned_abs() })
}
