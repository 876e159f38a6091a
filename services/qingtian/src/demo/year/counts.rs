//! How many of everything a year had: an invariant that nothing tried proves little.

use anyhow::Context;
use chrono::NaiveDate;
use kit::env::Databases;
use sqlx::PgPool;

use crate::fleet::SERVICES;

/// How many of each there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    plans: u64,
    draws: u64,
    visits: u64,
    /// Drawn subjects whose visit gave way to another one in the quarter.
    pub deferred: u64,
    /// Drawn subjects whose visits of the year were used up.
    pub cap_conflicts: u64,
    left_out: u64,
    clocks: u64,
    /// Clocks that were overdue.
    pub overdue: u64,
}

impl Counts {
    /// Counts a year's.
    ///
    /// # Errors
    /// A database is out of reach.
    pub async fn of(databases: &Databases, today: NaiveDate) -> anyhow::Result<Self> {
        let draws = PgPool::connect(&databases.url("draws")).await.context("database of draws")?;
        let count = async |sql: &'static str| -> anyhow::Result<u64> {
            let count: i64 = sqlx::query_scalar(sql).fetch_one(&draws).await.context(sql)?;
            Ok(count.unsigned_abs())
        };
        let mut counts = Self {
            plans: count("select count(*) from plan where state <> 'DRAFT'").await?,
            draws: count("select count(*) from draw_reveal").await?,
            visits: count("select count(*) from visit").await?,
            deferred: count("select count(*) from draw_deferred where reason = 'VISITED_THIS_QUARTER'").await?,
            cap_conflicts: count("select count(*) from draw_deferred where reason = 'BUDGET_SPENT'").await?,
            left_out: count("select coalesce(sum(subjects), 0)::bigint from draw_left_out").await?,
            ..Self::default()
        };
        draws.close().await;
        for service in SERVICES {
            let pool = PgPool::connect(&databases.url(service)).await.with_context(|| service.to_owned())?;
            let there: Option<String> =
                sqlx::query_scalar("select to_regclass('clock')::text").fetch_one(&pool).await?;
            if there.is_some() {
                let (all, overdue): (i64, i64) = sqlx::query_as(
                    "select count(*), count(*) filter (where coalesce(ended_on, paused_on, $1) > due_on) from clock",
                )
                .bind(today)
                .fetch_one(&pool)
                .await?;
                counts.clocks += all.unsigned_abs();
                counts.overdue += overdue.unsigned_abs();
            }
            pool.close().await;
        }
        Ok(counts)
    }

    /// Every count with what it is of.
    #[must_use]
    pub fn all(&self) -> [(&'static str, u64); 8] {
        [
            ("plans", self.plans),
            ("draws revealed", self.draws),
            ("visits", self.visits),
            ("deferred for another visit of the quarter", self.deferred),
            ("cap conflicts: deferred because the year's visits were used up", self.cap_conflicts),
            ("left out of a pool, beforehand", self.left_out),
            ("clocks", self.clocks),
            ("clocks overdue", self.overdue),
        ]
    }

    /// Which of those a year is told for there were too few of.
    #[must_use]
    pub fn rare(&self, at_least: u64) -> Vec<&'static str> {
        let wanted =
            [("deferrals", self.deferred), ("cap conflicts", self.cap_conflicts), ("overdue clocks", self.overdue)];
        wanted.into_iter().filter(|(_, count)| *count < at_least).map(|(what, _)| what).collect()
    }
}
