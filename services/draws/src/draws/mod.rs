//! Verifiable draws by the protocol `qingtian-draw-v1` (art. 10, 11, 15).
//!
//! A draw is [created](create) over a published plan, [stated](state) in one act that [freezes](freeze) everything and
//! [seals](seal) a secret, given [entries] by its contributors, and from then on runs [by itself](jobs): the entries close,
//! the beacon comes in, the [reveal] computes who is drawn, and the drawn become visits. Which of this may happen when is
//! told by [rules] alone.

pub mod api;
pub mod beacons;
mod checked;
pub mod contributors;
pub mod create;
pub mod dispatch;
pub mod entries;
pub mod evidence;
pub mod fairness;
pub mod follows;
pub mod freeze;
pub mod frozen;
pub mod issues;
pub mod jobs;
pub mod names;
pub mod reveal;
pub mod rules;
pub mod scope;
pub mod seal;
mod sorting;
pub mod state;
pub mod store;
pub mod view;
pub mod withheld;

use std::sync::Arc;

use kit::{env::Env, error::Result, keys::Purpose, ledger::Ledger, serve::Part};
use proto::qingtian::draws::v1::draws_server::DrawsServer;
use sqlx::{Postgres, Transaction};
use tokio::sync::{Notify, Semaphore};

use crate::PART;

/// Every named point at which a test may kill the process in a draw's life, whichever way it ends: before and after each commit
/// and each write of a blob.
pub const FAULT_POINTS: &[&str] = &[
    "CreateDraw.before_commit",
    "CreateDraw.after_commit",
    "PutFrozen.before_write",
    "PutFrozen.after_write",
    "StateDraw.before_commit",
    "StateDraw.after_commit",
    "AddEntry.before_commit",
    "AddEntry.after_commit",
    "CloseEntries.before_commit",
    "CloseEntries.after_commit",
    "EnterBeacon.before_commit",
    "EnterBeacon.after_commit",
    "FixReveal.before_commit",
    "FixReveal.after_commit",
    "PutEvidence.before_write",
    "PutEvidence.after_write",
    "PutResult.before_write",
    "PutResult.after_write",
    "RevealDraw.before_commit",
    "RevealDraw.after_commit",
    "DispatchVisits.before_commit",
    "DispatchVisits.after_commit",
    "DispatchDraw.before_commit",
    "DispatchDraw.after_commit",
    "ReportBeacon.before_commit",
    "ReportBeacon.after_commit",
    "FailDraw.before_commit",
    "FailDraw.after_commit",
    "AbandonDraw.before_commit",
    "AbandonDraw.after_commit",
];

/// Where draws are worked on: by people through the service, and by the jobs.
#[derive(Clone)]
pub struct Desk {
    pub(crate) env: Env,
    pub(crate) ledger: Ledger,
    woken: Arc<Notify>,
    /// Copies of what is withheld that may still be packed.
    packed: Arc<Semaphore>,
}

impl Desk {
    /// A desk over this part's ledger.
    pub fn new(env: &Env, ledger: &Ledger) -> Self {
        let packed = Arc::new(Semaphore::new(evidence::PACKED_MAX));
        Self { env: env.clone(), ledger: ledger.clone(), woken: Arc::new(Notify::new()), packed }
    }

    /// One view of the database, so that what is read of a draw belongs together.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the database is out of reach.
    async fn view(&self) -> Result<Transaction<'static, Postgres>> {
        Ok(self.ledger.pool().begin_with("begin isolation level repeatable read, read only").await?)
    }

    /// Lets the jobs look at once.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }
}

/// Adds the services and jobs of this noun.
///
/// # Errors
/// The key that signs draws, or the one that seals their secrets, is missing.
pub(crate) fn add(part: Part, env: &Env, ledger: &Ledger) -> anyhow::Result<Part> {
    env.keys.signing(PART, Purpose::Evidence)?;
    env.keys.secret("draws.seal")?;
    let desk = Desk::new(env, ledger);
    env.spawn("draws", jobs::run(desk.clone()));
    let part = crate::witnesses::add(part, desk.clone());
    Ok(part.with(DrawsServer::new(api::Api::new(desk))))
}
