//! What is supervised, by whom, on what basis (art. 6-9, 12): items with their implementation checklists, and the
//! random-inspection list.
//!
//! A newcomer starts at [`rules`]: what an item must hold, when it may be published, what an uploaded row does to what is
//! there. [`api`] is the service; [`import`] takes a file in, [`reading`] parses it on a thread of its own. Drafts are
//! written by hand or by file; somebody else publishes them; what is published is not edited in place, which the database
//! refuses too: [`versions`] takes it into revision and keeps what was in force before.

mod api;
mod calendars;
mod claims;
mod follow;
mod import;
mod jobs;
mod publish;
mod reading;
mod report;
pub mod rules;
mod store;
mod uploads;
mod versions;

use kit::{env::Env, ledger::Ledger, serve::Part, uploads::sessions::Sessions};
use proto::qingtian::catalog::v1::{
    calendars_server::CalendarsServer, catalog_clocks_server::CatalogClocksServer, catalog_server::CatalogServer,
    claims_server::ClaimsServer, item_uploads_server::ItemUploadsServer, item_versions_server::ItemVersionsServer,
};

/// This part's name.
pub const PART: &str = "catalog";

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Tables of this part.
pub const SCHEMA: kit::ledger::Schema =
    kit::ledger::Schema { migrator: &MIGRATOR, grants: include_str!("../grants.sql") };

/// Starts the part: its service, and the jobs: uploads that stand still are given up, clocks looked after.
///
/// # Errors
/// An address or a key is missing.
pub async fn start(env: &Env) -> anyhow::Result<Part> {
    let ledger = Ledger::open(env, PART)?;
    env.spawn("give up", jobs::give_up(ledger.pool().clone(), env.clock.clone()));
    env.spawn("built-in calendars", calendars::enter_built_in(ledger.clone()));
    follow::spawn(env, &ledger)?;
    kit::clocks::spawn(env, &ledger);
    let uploads = Sessions::start(env, &ledger, "itemUploads")?;
    let service = CatalogServer::new(api::Api::new(env, ledger.clone(), uploads.clone()));
    let versions = ItemVersionsServer::new(versions::Api(ledger.clone()));
    let calendars = CalendarsServer::new(calendars::Api(ledger.clone()));
    let clocks = CatalogClocksServer::new(calendars::Clocks(ledger.clone()));
    let claims = ClaimsServer::new(claims::Api(ledger.clone()));
    Ok(Part::new(ledger)
        .with(calendars)
        .with(clocks)
        .with(claims)
        .with(service)
        .with(versions)
        .with(ItemUploadsServer::new(uploads::Api(uploads))))
}
