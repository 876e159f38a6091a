//! The double-random subsystem (art. 9-21): registers of subjects and officers, plans, verifiable draws, and the visits that
//! follow. Plans, quotas and visits live together so that their invariants are constraints of one database.
//!
//! A newcomer starts at [`draws`]: a draw freezes what [`registers`] and [`plans`] hold, commits to a secret, takes the
//! contributors' entries, and is revealed by itself; [`visits`] are what comes of it, and [`recusals`] change who goes.
//! [`proofs`] hand a firm its own line. [`people`] are who may be sent, [`experts`] among them.

pub mod caps;
mod clocks;
pub mod draws;
pub mod experts;
pub mod follow;
pub mod people;
pub mod plans;
pub mod proofs;
pub mod recusals;
pub mod register_changes;
pub mod registers;
pub mod uploads;
pub mod visits;
pub mod witnesses;

pub use draws::FAULT_POINTS;

use kit::{env::Env, ledger::Ledger, serve::Part, uploads::sessions::Sessions};
use proto::qingtian::draws::v1::uploads_server::UploadsServer;

/// This part's name.
pub const PART: &str = "draws";

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Tables of this part.
pub const SCHEMA: kit::ledger::Schema =
    kit::ledger::Schema { migrator: &MIGRATOR, grants: include_str!("../grants.sql") };

/// Starts the part: its services, its followers, and the job that reveals draws.
///
/// # Errors
/// An address or a key is missing.
pub async fn start(env: &Env) -> anyhow::Result<Part> {
    let ledger = Ledger::open(env, PART)?;
    follow::spawn(env, &ledger)?;
    let uploads = Sessions::start(env, &ledger, "uploads")?;
    let part = Part::new(ledger.clone()).with(UploadsServer::new(uploads::Api(uploads.clone())));
    let part = registers::add(part, env, &ledger, &uploads);
    let part = register_changes::add(part, env, &ledger)?;
    let part = people::add(part, env, &ledger)?;
    let part = experts::add(part, env, &ledger, &uploads)?;
    let part = plans::add(part, env, &ledger);
    let part = caps::add(part, env, &ledger);
    let part = clocks::add(part, env, &ledger);
    let part = visits::add(part, env, &ledger);
    let part = recusals::add(part, env, &ledger)?;
    let part = proofs::add(part, env, &ledger);
    draws::add(part, env, &ledger)
}
