//! Registers of subjects and officers (监管对象名录库、执法人员名录库, art. 13), and the conflicts of interest declared over them
//! (art. 16). What a draw freezes stands here.
//!
//! An upload goes through [`import`]: [`reading`] takes it from the disk row by row, [`rules`] parse each row, [`entering`] writes
//! them, and [`imports`] keep account.

pub mod api;
pub mod entering;
pub(crate) mod export;
pub mod import;
pub mod imports;
pub mod life;
pub mod reading;
pub mod rules;
pub mod search;
pub mod store;
mod streamed;

use kit::{env::Env, ledger::Ledger, serve::Part, uploads::sessions::Sessions};
use proto::qingtian::draws::v1::registers_server::RegistersServer;

/// Adds the services of this noun.
pub(crate) fn add(part: Part, env: &Env, ledger: &Ledger, uploads: &Sessions) -> Part {
    let importer = import::Importer::new(env.clone(), ledger.clone());
    env.spawn("silent imports", importer.interrupt_silent());
    part.with(RegistersServer::new(api::Api::new(env.clone(), ledger.clone(), uploads.clone())))
}
