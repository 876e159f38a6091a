//! `qingtian followers`: how parts stand in each other's logs, and the audited act of passing over an event that one of them cannot
//! apply (art. 43-45).

use clap::{Args, Subcommand};
use kit::{
    env::Clock,
    follow::{Standing, park, standing},
    ledger::Ledger,
};
use sqlx::PgPool;

use crate::{fleet::SERVICES, settings::Settings};

/// Work on followers.
#[derive(Debug, Subcommand)]
pub enum Followers {
    /// Shows how every part stands in the logs it follows. Exit status 1 when one of them stopped or is being built anew.
    List {
        #[command(flatten)]
        settings: Settings,
    },
    /// Has a stopped follower pass over the event before which it stands. What is built lacks that event until a release builds anew.
    Park {
        #[command(flatten)]
        args: ParkArgs,
        #[command(flatten)]
        settings: Settings,
    },
}

/// Which event is passed over, by whom, and why.
#[derive(Debug, Args)]
pub struct ParkArgs {
    /// The part that follows, such as `portal`.
    pub part: String,
    /// The part followed, such as `draws`.
    pub peer: String,
    /// Position before which it stands, as `followers list` shows it: another event is never passed over by mistake.
    pub position: i64,
    /// Real name of whoever decides.
    #[arg(long)]
    pub by: String,
    /// Why.
    #[arg(long)]
    pub reason: String,
}

/// How a follower stands, on one line.
fn line(part: &str, standing: &Standing) -> String {
    let Standing { peer, position, parked, .. } = standing;
    let state = match (standing.stopped_position, standing.building) {
        (Some(at), _) => format!("STOPPED before position {at}, {}: {}", standing.stopped_event, standing.problem),
        (None, true) => "being built anew".to_owned(),
        (None, false) => "goes on".to_owned(),
    };
    format!("{part} <- {peer}: position {position}, {parked} passed over, {state}")
}

/// Prints how every part stands; answers whether all go on.
///
/// # Errors
/// A database is out of reach.
pub async fn list(settings: &Settings) -> anyhow::Result<bool> {
    let databases = settings.env(Clock::System)?.databases;
    let mut well = true;
    for part in SERVICES {
        let pool = PgPool::connect(&databases.url(part)).await?;
        for one in standing(&pool).await? {
            well &= one.stopped_position.is_none() && !one.building;
            println!("{}", line(part, &one));
        }
        pool.close().await;
    }
    Ok(well)
}

/// Has an event passed over and prints how the follower stands then.
///
/// # Errors
/// There is no such part or it does not stand there; keys or database are out of reach. Nothing is done then.
pub async fn pass_over(args: &ParkArgs, settings: &Settings) -> anyhow::Result<()> {
    let part = SERVICES.into_iter().find(|part| *part == args.part);
    let part = part.ok_or_else(|| anyhow::anyhow!("no part {}; there are {}", args.part, SERVICES.join(", ")))?;
    let env = settings.env(Clock::System)?;
    let done = park(&Ledger::open(&env, part)?, &args.peer, args.position, &args.by, &args.reason).await;
    env.shutdown.cancel();
    env.close_pools().await;
    println!("{}", line(part, &done?));
    println!("The decision stands in the audit of {part}; the follower goes on within seconds.");
    Ok(())
}
