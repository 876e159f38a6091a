//! What a follower lived through, compared with what it builds from zero.

use std::collections::BTreeMap;

use anyhow::Context;
use sqlx::PgPool;

use super::{Harness, until};

/// Environment: the seed of all random histories of a run, hexadecimal.
const SEED_ENV: &str = "QINGTIAN_HISTORY_SEED";

/// The seed of this run's random histories, printed so that the same ones can be made again.
pub fn history_seed() -> u64 {
    let given = std::env::var(SEED_ENV).ok().and_then(|text| u64::from_str_radix(&text, 16).ok());
    let seed = given.unwrap_or_else(rand::random);
    println!("{SEED_ENV}={seed:x}");
    seed
}

/// Every row of these tables, by a query for each that gives rows as text in an order of its own.
///
/// # Errors
/// The database is out of reach, or a query is none.
pub async fn tables(
    pool: &PgPool,
    queries: &[(&'static str, &'static str)],
) -> Result<BTreeMap<&'static str, Vec<String>>, sqlx::Error> {
    let mut all = BTreeMap::new();
    for (name, query) in queries {
        all.insert(*name, sqlx::query_scalar(*query).fetch_all(pool).await?);
    }
    Ok(all)
}

impl Harness {
    /// Takes from a part that stands still the thread of what it followed, and writes what no event tells of: started again it finds
    /// the logs diverged and builds anew.
    ///
    /// # Errors
    /// The database is out of reach.
    pub async fn lose_thread(&self, part: &str, lost: &'static str) -> anyhow::Result<()> {
        let pool = self.pool(part).await?;
        sqlx::query("update follower set hash = repeat('0', 64)").execute(&pool).await?;
        sqlx::query(lost).execute(&pool).await?;
        Ok(())
    }

    /// Waits until a part that lost its thread is whole again: nothing is left that no event tells of, as counted by `left`.
    ///
    /// # Errors
    /// A database is out of reach, or it never comes.
    pub async fn rebuilt(&self, part: &str, peers: &[&str], left: &'static str) -> anyhow::Result<()> {
        let pool = self.pool(part).await?;
        let none = async |sql| sqlx::query_scalar::<_, i64>(sql).fetch_one(&pool).await.is_ok_and(|count| count == 0);
        until("what no event tells of is gone", async || none(left).await).await;
        let torn = "select count(*) from follower where building or hash = repeat('0', 64)";
        until("every follower builds anew", async || none(torn).await).await;
        for peer in peers {
            self.followed(part, peer).await.with_context(|| (*peer).to_owned())?;
        }
        Ok(())
    }
}
