//! `qingtian demo year`: a whole year of a city in minutes, under a set clock, on a private PostgreSQL that is gone afterwards; then
//! the invariants of supervision, read from what the year left behind.

pub mod check;
mod city;
mod counts;
mod months;

use std::{path::Path, time::Duration};

use anyhow::{Context, ensure};
use check::{Finding, Kept, check};
use clap::Args;
use kit::{
    embedded::{Options, Postgres, create_service_named, drop_service_named},
    env::{Clock, Databases, Env, Parts},
    keys::Keys,
    peers::Peers,
};
use tokio::net::TcpListener;

pub use counts::Counts;
pub use months::Size;

use crate::{
    fleet::{Fleet, SERVICES},
    migrate,
};

/// Connections of the private server: a small pool for every part, and the checks'.
const CONNECTIONS_MAX: u16 = 60;

/// Options of `demo year`.
#[derive(Debug, Args)]
pub struct YearArgs {
    /// Calendar year, 2020 to 2099; the last whole one when none is given.
    #[arg(long, value_parser = clap::value_parser!(i32).range(2020..=2099))]
    pub year: Option<i32>,
    /// Departments that draw, over the same enterprises.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u8).range(2..=6))]
    pub departments: u8,
    /// Enterprises.
    #[arg(long, default_value_t = 900, value_parser = clap::value_parser!(u32).range(60..=100_000))]
    pub subjects: u32,
    /// Enterprises that each department draws every month.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub drawn: u16,
    /// Months in which they draw, from January on.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u8).range(1..=12))]
    pub months: u8,
    /// How many merges, deferrals, cap conflicts and overdue clocks there must be at the least, each.
    #[arg(long, default_value_t = 50)]
    pub at_least: u64,
}

impl YearArgs {
    /// The size asked for.
    #[must_use]
    pub fn size(&self) -> Size {
        Size {
            year: self.year.unwrap_or_else(|| months::last_year(chrono::Utc::now())),
            departments: self.departments.into(),
            subjects: self.subjects,
            drawn: self.drawn.into(),
            months: self.months.into(),
        }
    }
}

/// Tells a year, checks it and prints what there was of each; answers whether every invariant holds and nothing was too rare.
///
/// # Errors
/// A part refuses, or the private servers do not start.
pub async fn run(args: &YearArgs) -> anyhow::Result<bool> {
    let folder = tempfile::tempdir()?;
    let postgres = Postgres::start_temporary(&Options::throwaway(CONNECTIONS_MAX)).await?;
    let lived = Lived::live(postgres.admin_url(), "qingtian_year", folder.path(), args.size()).await;
    let told = match &lived {
        Ok(lived) => lived.findings_and_counts().await,
        Err(error) => Err(anyhow::anyhow!("{error:#}")),
    };
    postgres.stop().await?;
    let (findings, counts) = told?;
    print(args, &findings, &counts);
    Ok(findings.iter().all(|one| one.violations == 0) && counts.rare(args.at_least).is_empty())
}

/// A year that was told, as it lies.
pub struct Lived {
    /// Its databases; `{service}` stands for the part's name.
    pub databases: Databases,
    env: Env,
}

impl Lived {
    /// Makes databases called `{prefix}_{service}` on a server, and blobs and keys in a folder, and tells a year in them. Nothing runs
    /// afterwards. Databases of that name are removed first.
    ///
    /// # Errors
    /// A part refuses, the server or the folder.
    pub async fn live(admin_url: &str, prefix: &str, folder: &Path, size: Size) -> anyhow::Result<Self> {
        let mut databases = None;
        for service in SERVICES {
            let name = format!("{prefix}_{service}");
            drop_service_named(admin_url, &name).await?;
            let urls = create_service_named(admin_url, &name).await?;
            let template = |url: &str| url.replace(&name, &format!("{prefix}_{{service}}"));
            databases = Some(Databases {
                url: template(&urls.service),
                migrate_url: Some(template(&urls.owner)),
                connections_max: 8,
            });
        }
        let databases = databases.context("there are no services")?;
        migrate::run(&databases, &SERVICES).await?;
        let clock = Clock::set(months::begins(size.year)?);
        let keys = Keys::generate(clock.now(), true)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let env = Env::new(Parts {
            clock,
            keys,
            peers: Peers::new(format!("http://{}", listener.local_addr()?)),
            databases: databases.clone(),
            blob_folder: folder.join("blobs"),
        })?;
        let names: Vec<String> = SERVICES.iter().map(|name| (*name).to_owned()).collect();
        let fleet = Fleet::start(env.clone(), &names, listener, None).await?;
        let told = months::Year::tell(&env, size).await;
        fleet.stop(Duration::from_secs(20)).await;
        told?;
        Ok(Self { databases, env })
    }

    /// What the invariants find in these databases, which may be a copy of the year's.
    ///
    /// # Errors
    /// A database is out of reach.
    pub async fn check(&self, databases: &Databases) -> anyhow::Result<Vec<Finding>> {
        let today = kit::workdays::legal_day(self.env.clock.now());
        check(&Kept { databases, keys: &self.env.keys, blobs: &self.env.blobs, today }).await
    }

    /// How many of each there were.
    ///
    /// # Errors
    /// A database is out of reach.
    pub async fn counts(&self) -> anyhow::Result<Counts> {
        Counts::of(&self.databases, kit::workdays::legal_day(self.env.clock.now())).await
    }

    async fn findings_and_counts(&self) -> anyhow::Result<(Vec<Finding>, Counts)> {
        let findings = self.check(&self.databases).await?;
        ensure!(findings.len() == check::Invariant::ALL.len(), "an invariant was not checked");
        Ok((findings, self.counts().await?))
    }
}

fn print(args: &YearArgs, findings: &[Finding], counts: &Counts) {
    println!("{} over {} enterprises, {} departments:", args.size().year, args.subjects, args.departments);
    for (what, count) in counts.all() {
        println!("  {count:>8}  {what}");
    }
    for finding in findings {
        let Finding { invariant, checked, violations, first } = finding;
        let verdict = if *violations == 0 { "holds " } else { "BROKEN" };
        println!("{verdict}  {invariant} ({checked} checked, {violations} violations)");
        for one in first {
            println!("          {one}");
        }
    }
    for what in counts.rare(args.at_least) {
        println!("TOO FEW {what}: fewer than {}", args.at_least);
    }
}
