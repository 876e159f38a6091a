//! Freezing (art. 11, 13, 14, 16): who can be drawn, who was left out and why, who can be sent and who must not, read in one
//! view of the database and kept as blobs under their digests.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use kit::{
    blob::{Blob, Digest, Stored},
    env::Env,
    error::{Refusal, Result},
    faults,
};
use lottery::{
    bundle::TABLE_BYTES_MAX,
    frozen::{
        EXCLUSIONS, EXPERTS, Exclusion, FrozenFiles, LEFT_OUT, LeftOut, OFFICERS, Person, RULES, SUBJECTS, Subject,
        Table,
    },
    rules::{Contributor, Experts, PROTOCOL, Places, Rules},
};
use sqlx::PgConnection;
use tokio::sync::mpsc;

use super::{frozen as rows, store::unit_of};
use crate::{
    people::candidates as people,
    plans::rules::{Plan, legal_day, obstacles, resolve},
    registers::{
        rules::{Officer, PoolSubject},
        store as registers,
    },
};

/// Every subject in scope with its registered name, which the protocol leaves out: `key TAB name`, sorted by bytes.
pub const NAMES: &str = "names.tsv";
/// Rows handed over at once.
const CHUNK_ROWS: usize = 4_096;

/// The frozen files of a draw.
#[derive(Debug, Clone)]
pub struct Files {
    pub subjects: Bytes,
    pub left_out: Bytes,
    pub officers: Bytes,
    pub experts: Bytes,
    pub exclusions: Bytes,
    pub rules: Bytes,
    pub names: Bytes,
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

    /// Every file with its name.
    pub fn named(&self) -> [(&'static str, &Bytes); 7] {
        [
            (SUBJECTS, &self.subjects),
            (LEFT_OUT, &self.left_out),
            (OFFICERS, &self.officers),
            (EXPERTS, &self.experts),
            (EXCLUSIONS, &self.exclusions),
            (RULES, &self.rules),
            (NAMES, &self.names),
        ]
    }

    /// Keeps every file, before the act that names it is committed.
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
        Ok(kept)
    }
}

/// Freezes what registers and plan hold.
///
/// # Errors
/// The first thing that stands in the way of a draw: `REGISTER_EMPTY`, `EMPTY_STRATUM`, `QUOTA_INVALID`, `SMALL_STRATUM`,
/// `TOO_FEW_OFFICERS`.
pub async fn from_registers(
    conn: &mut PgConnection,
    env: &Env,
    plan: &Plan,
    contributors: Vec<Contributor>,
    beacon_waived: &str,
    now: DateTime<Utc>,
) -> Result<Files> {
    let units: Vec<String> = plan.content.teams.iter().map(|part| part.organisation.clone()).collect();
    let counts = registers::counts(conn, plan).await?;
    let candidates = people::officers(conn, &units, legal_day(now)).await?;
    if let Some(refusal) = obstacles(plan, &counts, &candidates).into_iter().next() {
        return Err(refusal);
    }
    let strata = counts.iter().filter(|count| count.subjects > 0).map(|count| plan.stratum(&count.district));
    let quotas = resolve(plan, strata)?;
    let rules = rules(plan, quotas, contributors, beacon_waived);
    let exclusions = people::exclusions(conn, &units).await?;
    let (officers, exclusions) = people_files(&candidates, &exclusions).map_err(Refusal::internal)?;
    let scope = scope(conn, env, plan).await?;
    Ok(Files {
        subjects: scope.subjects.into(),
        left_out: scope.left_out.into(),
        officers: officers.into(),
        experts: Bytes::new(),
        exclusions: exclusions.into(),
        rules: rules.to_bytes().map_err(Refusal::internal)?.into(),
        names: scope.names.into(),
    })
}

/// `officers.tsv` and `exclusions.tsv`.
fn people_files(candidates: &[Officer], excluded: &[people::Exclusion]) -> lottery::error::Result<(Vec<u8>, Vec<u8>)> {
    let mut officers = Table::<Person>::new();
    for one in candidates {
        let districts: Vec<&str> = one.districts.iter().map(String::as_str).collect();
        let specialties: Vec<&str> = one.specialties.iter().map(String::as_str).collect();
        let person = Person {
            key: &one.key,
            unit: unit_of(&one.organisation),
            districts: &districts,
            specialties: &specialties,
        };
        officers.push(&person)?;
    }
    let mut exclusions = Table::<Exclusion>::new();
    for one in excluded {
        // The unit answers for it in public, not the account it was typed with.
        let declared_by = unit_of(&one.organisation);
        exclusions.push(&Exclusion { person: &one.person, subject: &one.subject, declared_by })?;
    }
    Ok((officers.finish()?, exclusions.finish()?))
}

/// Everybody in the plan's scope.
struct Scope {
    subjects: Vec<u8>,
    left_out: Vec<u8>,
    names: Vec<u8>,
}

/// Reads the plan's scope once, in the order of keys, while the tables are written beside the async threads.
async fn scope(conn: &mut PgConnection, env: &Env, plan: &Plan) -> Result<Scope> {
    let (sender, mut receiver) = mpsc::channel::<Vec<PoolSubject>>(4);
    let strata = plan.clone();
    let write = env.compute(move || {
        let mut subjects = Table::<Subject>::new();
        let mut left_out = Table::<LeftOut>::new();
        let mut names = Vec::new();
        while let Some(rows) = receiver.blocking_recv() {
            for one in &rows {
                if one.life.in_business() {
                    let stratum = strata.stratum(&one.district);
                    subjects.push(&Subject { key: &one.key, stratum, district: &one.district })?;
                } else {
                    left_out.push(&LeftOut { key: &one.key, reason: one.life.as_str() })?;
                }
                names.extend_from_slice(one.key.as_bytes());
                names.push(b'\t');
                names.extend(one.title.bytes().map(|byte| if byte.is_ascii_control() { b' ' } else { byte }));
                names.push(b'\n');
            }
        }
        Ok::<_, lottery::Error>(Scope { subjects: subjects.finish()?, left_out: left_out.finish()?, names })
    });
    let read = async move {
        let mut rows = registers::pool(conn, plan).try_chunks(CHUNK_ROWS);
        while let Some(chunk) = rows.try_next().await.map_err(|failed| Refusal::from(failed.1))? {
            // The writer is gone only when it refused a row; its reason counts.
            if sender.send(chunk).await.is_err() {
                break;
            }
        }
        Ok::<_, Refusal>(())
    };
    let (written, read) = tokio::join!(write, read);
    read?;
    written.map_err(Refusal::internal)?.map_err(Refusal::internal)
}

fn rules(
    plan: &Plan,
    quotas: std::collections::BTreeMap<String, lottery::rules::Quota>,
    entropy: Vec<Contributor>,
    beacon_waived: &str,
) -> Rules {
    let teams = plan.content.teams.iter().map(|part| Places {
        size: u64::from(part.size),
        specialty: part.specialty.clone(),
        unit: part.unit().to_owned(),
    });
    Rules {
        beacon_waived: waived(beacon_waived),
        cover_district: plan.content.cover_district,
        entropy,
        experts: Experts::default(),
        plan: plan.name(),
        protocol: PROTOCOL.to_owned(),
        publish_after: None,
        quotas,
        teams: teams.collect(),
        withheld: None,
    }
}

/// The published reason for having no beacon, as the protocol writes it.
fn waived(reason: &str) -> Option<String> {
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
        names: read(NAMES).await?,
    })
}

/// One of the files a draw has kept, whole and checked against its digest.
///
/// # Errors
/// `INTERNAL` when there is none, or its blob is gone or holds other bytes.
pub async fn read(kept: &[rows::FileRow], blobs: &Blob, name: &str) -> Result<Bytes> {
    let row = kept.iter().find(|row| row.file == name);
    let row = row.ok_or_else(|| Refusal::internal(anyhow::anyhow!("the draw has no {name}")))?;
    let digest = Digest::parse(&row.blob).map_err(Refusal::internal)?;
    Ok(blobs.read(digest, TABLE_BYTES_MAX).await.map_err(Refusal::internal)?.into())
}
