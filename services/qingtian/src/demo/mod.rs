//! The demonstration city: Kaifeng's nine districts, departments, officers with declarations and leave, experts, items with
//! checklists, 10,000 generated subjects, one published plan and one finished, published draw. A second department has a plan by
//! credit class whose inspections come unannounced, not drawn yet, and a change of its register that waits for a second person.
//! Everything goes in through the same rpcs as everybody's data, under a set clock three weeks ago and demonstration keys.

mod city;
mod client;
mod desk;
mod hazards;
mod items;
mod people;
mod story;
mod subjects;
mod unannounced;
pub mod year;

pub use story::tell;

use std::{io::Write, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};

use anyhow::{Context, ensure};
use kit::env::Clock;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::{
    fleet::{Fleet, SERVICES},
    settings::Settings,
};

/// How long before today the demonstration begins.
const BEGAN: chrono::Duration = chrono::Duration::days(21);

/// A demonstration account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// Sign-in name.
    pub username: String,
    /// Password, made at random.
    pub password: String,
    /// Real name.
    pub real_name: String,
    /// Organisation's Chinese name.
    pub organisation: String,
    /// What the account is for.
    pub duty: String,
}

/// The accounts as they were kept.
///
/// # Errors
/// The file cannot be read.
pub fn accounts(path: &Path) -> anyhow::Result<Vec<Account>> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not a list of accounts", path.display()))
}

/// Loads the city into empty, migrated databases and keeps the accounts in a file of mode 0600. The file is written last:
/// where it exists, the city is complete.
///
/// # Errors
/// The keys are not demonstration keys, the databases are not empty, or a part refuses.
pub async fn load(settings: &Settings, accounts: &Path) -> anyhow::Result<()> {
    let began = chrono::Utc::now() - BEGAN;
    let clock = Clock::set(began.date_naive().and_hms_opt(1, 0, 0).context("time")?.and_utc());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let settings = Settings { peer_url: format!("http://{}", listener.local_addr()?), ..settings.clone() };
    let env = settings.env(clock)?;
    ensure!(
        env.keys.demonstration(),
        "the demonstration is loaded only under demonstration keys (`qingtian keys --demo`)"
    );
    let names: Vec<String> = SERVICES.iter().map(|name| (*name).to_owned()).collect();
    let fleet = Fleet::start(env.clone(), &names, listener, None).await?;
    let loaded = story::tell(&env).await;
    fleet.stop(Duration::from_secs(10)).await;
    keep(accounts, &loaded?)
}

fn keep(path: &Path, accounts: &[Account]) -> anyhow::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(&serde_json::to_vec_pretty(accounts)?)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    Ok(())
}
