//! Signing on at a provider outside, by OpenID Connect (art. 27): authorisation code with PKCE, state, nonce, exact issuer and audience. The
//! provider says who somebody is; the account here, which an administrator made, says what that person may do. A link between the two is
//! made by an administrator, or by a claim that whoever set the platform up declared to be verified; no account is made by it.
//!
//! [`provider`] speaks with the provider, [`store`] keeps links and what is under way.

mod api;
mod provider;
mod store;

use kit::{env::Env, ledger::Ledger, serve::Part};
use proto::qingtian::identity::v1::sign_ons_server::SignOnsServer;

use crate::api::Api;

pub(crate) use store::forget;

/// Adds the service of this noun.
///
/// # Errors
/// What is set about the provider cannot be used.
pub(crate) fn add(part: Part, env: &Env, ledger: &Ledger, identity: Api) -> anyhow::Result<Part> {
    let provider = env.sign_on.as_deref().map(provider::Provider::new).transpose()?;
    Ok(part.with(SignOnsServer::new(api::SignOns::new(ledger.clone(), identity, provider))))
}
