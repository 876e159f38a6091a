//! The invariants of a year, read from the databases and blobs as they lie: whatever the services believe of themselves, this asks
//! the rows (art. 9, 15, 17, 18, 41, 43-45).

use std::{collections::BTreeMap, fmt};

use anyhow::Context;
use chrono::NaiveDate;
use kit::{
    blob::{Blob, Digest},
    env::Databases,
    keys::Keys,
    ledger::verify_chain,
};
use lottery::verify::{Beside, Options, Verdict, verify_with};
use sqlx::PgPool;

use crate::fleet::SERVICES;

/// Violations named of each invariant; all are counted.
const NAMED_MAX: usize = 10;

/// What must hold of every year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// No planned visit without a published plan (art. 9).
    Planned,
    /// No second planned visit of a subject in a quarter without a recorded reason (art. 17).
    Quarter,
    /// No drawn visit above a cap (art. 17).
    Cap,
    /// Every clock was met, or is shown overdue (art. 18, 35, 41).
    Clock,
    /// Every draw can be verified by anyone (art. 15).
    Verifiable,
    /// Every chain is whole (art. 43-45).
    Whole,
}

impl Invariant {
    /// Every one, in the order they are told.
    pub const ALL: [Self; 6] = [Self::Planned, Self::Quarter, Self::Cap, Self::Clock, Self::Verifiable, Self::Whole];
}

impl fmt::Display for Invariant {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Planned => "no planned visit without a published plan",
            Self::Quarter => "no second planned visit in a quarter without a recorded reason",
            Self::Cap => "no drawn visit above a cap",
            Self::Clock => "every clock met, or shown overdue",
            Self::Verifiable => "every draw verifiable",
            Self::Whole => "every chain whole",
        })
    }
}

/// What was found of one invariant.
#[derive(Debug)]
pub struct Finding {
    /// Which.
    pub invariant: Invariant,
    /// How many visits, clocks, draws or chains were looked at.
    pub checked: u64,
    /// How many of them violate it.
    pub violations: u64,
    /// The first of those, by name and why.
    pub first: Vec<String>,
}

/// Where a year lies.
pub struct Kept<'a> {
    /// The services' databases.
    pub databases: &'a Databases,
    /// Whose signatures the chains and draws carry.
    pub keys: &'a Keys,
    /// Evidence.
    pub blobs: &'a Blob,
    /// The legal day on which it is looked at.
    pub today: NaiveDate,
}

/// Checks every invariant.
///
/// # Errors
/// A database is out of reach.
pub async fn check(kept: &Kept<'_>) -> anyhow::Result<Vec<Finding>> {
    let mut pools = BTreeMap::new();
    for service in SERVICES {
        let pool =
            PgPool::connect(&kept.databases.url(service)).await.with_context(|| format!("database of {service}"))?;
        pools.insert(service, pool);
    }
    let draws = &pools["draws"];
    let mut findings = Vec::new();
    for invariant in Invariant::ALL {
        findings.push(match invariant {
            Invariant::Planned => of_rows(draws, invariant, VISITS, UNPLANNED).await?,
            Invariant::Quarter => of_rows(draws, invariant, VISITS, TWICE).await?,
            Invariant::Cap => of_rows(draws, invariant, VISITS, ABOVE).await?,
            Invariant::Clock => clocks(&pools, kept.today).await?,
            Invariant::Verifiable => verifiable(draws, kept).await?,
            Invariant::Whole => whole(&pools, kept.keys).await?,
        });
    }
    for pool in pools.into_values() {
        pool.close().await;
    }
    Ok(findings)
}

const VISITS: &str = "select count(*) from visit";

/// Visits of a kind that needs a plan without one in force on the day they were made.
const UNPLANNED: &str = "select v.name from visit v left join plan p on p.name = v.plan
    where v.kind = 'PLANNED' and (p.name is null or p.state in ('DRAFT', 'IN_REVIEW')
        or (v.created_at at time zone 'Asia/Shanghai')::date not between p.start_on and p.end_on)
    order by 1";

/// Visits that take a quarter which another one has taken.
const TWICE: &str = "select name from (
        select name, row_number() over (partition by quarter, subject order by created_at, name) nth from visit
        where second_visit_reason = '' and kind = 'PLANNED'
    ) v where nth > 1 order by 1";

/// Announced planned visits beyond the cap in force at their making, counted anew from the visits themselves.
const ABOVE: &str = "select distinct v.name from (
        select v.name, v.plan, v.subject, a.authority, (v.created_at at time zone 'Asia/Shanghai')::date as day,
            row_number() over (partition by left(v.quarter, 4), a.authority, v.subject order by v.created_at, v.name) nth
        from visit v cross join lateral (values (v.organisation), ('')) a (authority)
        where v.kind = 'PLANNED' and not v.unannounced
    ) v join plan p on p.name = v.plan
        left join subject s on s.organisation = p.organisation and s.key = v.subject
        join lateral cap_limits(v.day) c on c.authority = v.authority
    where v.nth > cap_of(c.limits, s.credit_class) order by 1";

async fn of_rows(
    pool: &PgPool,
    invariant: Invariant,
    all: &'static str,
    wrong: &'static str,
) -> anyhow::Result<Finding> {
    let checked: i64 = sqlx::query_scalar(all).fetch_one(pool).await?;
    let names: Vec<String> = sqlx::query_scalar(wrong).fetch_all(pool).await?;
    Ok(found(invariant, checked.unsigned_abs(), names))
}

fn found(invariant: Invariant, checked: u64, mut wrong: Vec<String>) -> Finding {
    let violations = wrong.len() as u64;
    wrong.truncate(NAMED_MAX);
    Finding { invariant, checked, violations, first: wrong }
}

/// A clock that ended in time, or runs and is not due, is met; any other must have been shown overdue.
async fn clocks(pools: &BTreeMap<&str, PgPool>, today: NaiveDate) -> anyhow::Result<Finding> {
    let (mut checked, mut wrong) = (0, Vec::new());
    for pool in pools.values() {
        let there: Option<String> = sqlx::query_scalar("select to_regclass('clock')::text").fetch_one(pool).await?;
        if there.is_none() {
            continue;
        }
        let all: i64 = sqlx::query_scalar("select count(*) from clock").fetch_one(pool).await?;
        checked += all.unsigned_abs();
        let late: Vec<String> = sqlx::query_scalar(
            "select name || ' due ' || due_on from clock
             where coalesce(ended_on, paused_on, $1) > due_on and warned < 100 order by name",
        )
        .bind(today)
        .fetch_all(pool)
        .await?;
        wrong.extend(late);
    }
    Ok(found(Invariant::Clock, checked, wrong))
}

/// Every revealed draw's bundle, by what everybody verifies with.
async fn verifiable(pool: &PgPool, kept: &Kept<'_>) -> anyhow::Result<Finding> {
    let revealed: Vec<(String, String)> =
        sqlx::query_as("select draw, evidence_blob from draw_reveal order by draw").fetch_all(pool).await?;
    let dispatched: Vec<String> = sqlx::query_scalar(
        "select d.name || ' has no evidence' from draw d left join draw_reveal r on r.draw = d.name
         where d.state in ('REVEALED', 'DISPATCHED', 'DONE') and r.draw is null order by 1",
    )
    .fetch_all(pool)
    .await?;
    let (checked, jwks) = (revealed.len() + dispatched.len(), kept.keys.jwks());
    let mut wrong = dispatched;
    for (draw, digest) in revealed {
        let withheld = withheld(pool, &draw, kept.blobs).await?;
        let digest = Digest::parse(&digest).with_context(|| draw.clone())?;
        let file = match kept.blobs.open_blocking(digest) {
            Ok((file, _)) => file,
            Err(error) => {
                wrong.push(format!("{draw}: {error}"));
                continue;
            }
        };
        let options = Options { jwks: Some(&jwks), with: withheld, demo: true };
        let report = verify_with(file, &options, &Beside::default());
        if report.verdict != Verdict::Verified || report.draw_id.as_deref() != Some(draw.as_str()) {
            let failed: Vec<String> = report.failed().map(ToString::to_string).collect();
            wrong.push(format!("{draw}: {:?} {}", report.verdict, failed.join("; ")));
        }
    }
    Ok(found(Invariant::Verifiable, checked as u64, wrong))
}

/// The files of a draw that its bundle may lack, from where they were frozen.
async fn withheld(pool: &PgPool, draw: &str, blobs: &Blob) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let kept: Vec<(String, String)> = sqlx::query_as(
        "select f.file, f.blob from draw_file f join draw_statement s on s.draw = f.draw
         where f.draw = $1 and convert_from(s.rules, 'UTF8')::jsonb -> 'withheld' -> 'files' ? f.file",
    )
    .bind(draw)
    .fetch_all(pool)
    .await?;
    let mut files = BTreeMap::new();
    for (name, digest) in kept {
        let digest = Digest::parse(&digest).with_context(|| name.clone())?;
        if let Ok(bytes) = blobs.read(digest, lottery::bundle::TABLE_BYTES_MAX).await {
            files.insert(name, bytes);
        }
    }
    Ok(files)
}

async fn whole(pools: &BTreeMap<&str, PgPool>, keys: &Keys) -> anyhow::Result<Finding> {
    let mut wrong = Vec::new();
    for (service, pool) in pools {
        if let Err(fault) = verify_chain(pool, service, keys, &[]).await? {
            wrong.push(format!("{service}: {fault}"));
        }
    }
    Ok(found(Invariant::Whole, pools.len() as u64, wrong))
}
