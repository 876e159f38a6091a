//! What the public may see (art. 9, 10, 18, 26, 33): items, plans, draws with their evidence, who was drawn.
//!
//! Nothing here is decided or signed. [`follow`] builds tables from the events of identity, catalog and draws, and from the
//! blobs those events name; [`api`] answers from these tables and blobs alone, so that a storm of readers never reaches the
//! services in which officials work. Clear the tables, follow from zero, and they are the same again.
//!
//! [`rules`] says what is not shown, and from when it is. [`look_up`] finds one firm's line, and its proof, in a frozen
//! file of any size without reading it whole.

mod api;
mod bodies;
mod drawn;
mod follow;
mod look_up;
pub mod rules;
mod store;

use kit::{env::Env, ledger::Ledger, serve::Part};
use proto::qingtian::portal::v1::portal_server::{Portal, PortalServer};

/// This part's name.
pub const PART: &str = "portal";

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Tables of this part.
pub const SCHEMA: kit::ledger::Schema =
    kit::ledger::Schema { migrator: &MIGRATOR, grants: include_str!("../grants.sql") };

/// Starts the part: its service and its three followers.
///
/// # Errors
/// An address or a key is missing.
pub async fn start(env: &Env) -> anyhow::Result<Part> {
    let ledger = Ledger::open(env, PART)?;
    follow::spawn(env, &ledger)?;
    let service = service(env, &ledger);
    Ok(Part::new(ledger).with(service))
}

/// Its service alone, over a read model that nothing here fills.
pub fn service(env: &Env, ledger: &Ledger) -> PortalServer<impl Portal> {
    PortalServer::new(api::Api::new(env, ledger))
}
