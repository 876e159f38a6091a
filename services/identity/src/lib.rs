//! People and organisations: real names, roles, certificates, sign-in (art. 3, 5, 27, 36-40).
//!
//! A newcomer starts at [`rules`]: who may grant what, when a name is locked, when a sign-in is over, what a password must
//! be. [`api`] is the service: parse, load, decide, save, announce. Passwords are hashed on the bounded pool of
//! [`kit::env::Env::compute`] only. What leaves this part are five-minute tokens, which every part verifies itself, and
//! events without personal data: organisations, officers, revocations.

mod api;
mod bootstrap;
mod jobs;
mod passwords;
pub mod rules;
mod sign_ons;
mod store;

pub use bootstrap::{Bootstrap, bootstrap};
pub use passwords::random_password;

use kit::{env::Env, ledger::Ledger, serve::Part};
use proto::qingtian::identity::v1::{identity_server::IdentityServer, users_server::UsersServer};

/// This part's name.
pub const PART: &str = "identity";

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Tables of this part.
pub const SCHEMA: kit::ledger::Schema =
    kit::ledger::Schema { migrator: &MIGRATOR, grants: include_str!("../grants.sql") };

/// Starts the part: its service, and the job that forgets old sign-ins and attempts.
///
/// # Errors
/// An address or a key is missing.
pub async fn start(env: &Env) -> anyhow::Result<Part> {
    let ledger = Ledger::open(env, PART)?;
    env.spawn("forget", jobs::forget(ledger.pool().clone(), env.clock.clone()));
    let service = api::Api::new(env, ledger.clone()).await?;
    let part = Part::new(ledger.clone());
    let part = part.with(UsersServer::new(service.clone())).with(IdentityServer::new(service.clone()));
    sign_ons::add(part, env, &ledger, service)
}
