//! Calling the parts as one of the city's people, with a token made by identity for a real sign-in.

use kit::{env::Env, peers::PeerChannel};
use proto::qingtian::identity::v1::{OpenSignInRequest, identity_client::IdentityClient};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

use super::Account;

/// A channel that speaks for one person.
pub type AsPerson = InterceptedService<Channel, Bearer>;

/// Adds a person's token.
#[derive(Clone)]
pub struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// Signs a person in, as the gateway would.
///
/// # Errors
/// Identity refuses.
pub async fn sign_in(env: &Env, account: &Account) -> anyhow::Result<AsPerson> {
    let mut identity: IdentityClient<PeerChannel> = IdentityClient::new(env.peer("gateway", "identity")?);
    let request = OpenSignInRequest {
        username: account.username.clone(),
        password: account.password.clone(),
        address: "127.0.0.1".to_owned(),
    };
    let answer = identity.open_sign_in(request).await?.into_inner();
    let token = answer.token.unwrap_or_default().token;
    Ok(AsPerson::new(env.peers.channel("identity")?, Bearer(format!("Bearer {token}").parse()?)))
}
