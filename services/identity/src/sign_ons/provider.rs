//! The provider: found by discovery, asked by code, believed only after its answer was checked against its own keys.

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use kit::env::SignOn;
use openidconnect::{
    AdditionalClaims, AuthenticationFlow, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenFields, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, StandardErrorResponse, StandardTokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreResponseType,
        CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
    },
    reqwest,
};
use serde::{Deserialize, Serialize};

/// How long the provider may take for one answer.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Characters of a subject at the most (OpenID Connect Core, section 2).
pub const SUBJECT_CHARS_MAX: usize = 255;

/// Whatever else a provider says of somebody.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Claims(serde_json::Map<String, serde_json::Value>);
impl AdditionalClaims for Claims {}

type Fields = IdTokenFields<
    Claims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Relying = Client<
    Claims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Why nobody was signed on.
#[derive(Debug)]
pub enum Problem {
    /// The provider does not answer.
    Unreachable(anyhow::Error),
    /// It answered, and is not believed.
    NotBelieved(anyhow::Error),
}

/// A sign-on that was begun.
pub struct Begun {
    /// Where the browser goes.
    pub url: String,
    /// What the provider has to give back.
    pub state: String,
    /// What its token has to say.
    pub nonce: String,
    /// What only the platform knows.
    pub verifier: String,
}

/// Who somebody is, by the provider's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The account there.
    pub subject: String,
    /// The claim by which accounts here may be found, where one is set and the provider says it.
    pub claim: Option<String>,
}

/// The provider as it is set.
#[derive(Clone)]
pub struct Provider {
    set: SignOn,
    http: reqwest::Client,
}

impl Provider {
    /// Errors: an address or the certificate is none.
    pub fn new(set: &SignOn) -> anyhow::Result<Self> {
        IssuerUrl::new(set.issuer.clone()).context("issuer")?;
        // Whoever answers with a redirection is not followed: it could lead into the platform's own network.
        let mut http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(WAIT_MAX);
        // Sign-ons are rare: the provider would have closed what was kept open, and a code cannot be sent twice.
        http = http.pool_max_idle_per_host(0);
        if let Some(pem) = &set.authority {
            http = http.add_root_certificate(reqwest::Certificate::from_pem(pem).context("the provider's authority")?);
        }
        Ok(Self { set: set.clone(), http: http.build().context("HTTP")? })
    }

    /// The exact issuer.
    pub fn issuer(&self) -> &str {
        &self.set.issuer
    }

    /// What the provider says of itself and its keys, read anew each time: keys change, and sign-ons are rare.
    async fn relying(&self) -> Result<Relying, Problem> {
        let fault = |error: anyhow::Error| Problem::Unreachable(error);
        let issuer = IssuerUrl::new(self.set.issuer.clone()).map_err(|e| fault(e.into()))?;
        let metadata = CoreProviderMetadata::discover_async(issuer, &self.http).await.map_err(|e| fault(e.into()))?;
        let redirect = RedirectUrl::new(self.set.redirect.clone()).map_err(|e| fault(e.into()))?;
        let secret = self.set.client_secret.clone().map(ClientSecret::new);
        let client = Relying::from_provider_metadata(metadata, ClientId::new(self.set.client_id.clone()), secret);
        Ok(client.set_redirect_uri(redirect))
    }

    /// Begins.
    pub async fn begin(&self) -> Result<Begun, Problem> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let relying = self.relying().await?;
        let (url, state, nonce) =
            relying.authorize_url(flow, CsrfToken::new_random, Nonce::new_random).set_pkce_challenge(challenge).url();
        Ok(Begun {
            url: url.to_string(),
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
        })
    }

    /// Exchanges the code, and checks the token: signature by the provider's keys, issuer, audience, times, nonce.
    pub async fn finish(&self, code: &str, nonce: &str, verifier: &str, now: DateTime<Utc>) -> Result<Known, Problem> {
        let believed = |error: anyhow::Error| Problem::NotBelieved(error);
        let relying = self.relying().await?;
        let exchange = relying
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|e| believed(e.into()))?
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
        let answer = exchange.request_async(&self.http).await.map_err(|error| match error {
            openidconnect::RequestTokenError::Request(_) => Problem::Unreachable(error.into()),
            other => believed(other.into()),
        })?;
        let token = answer.extra_fields().id_token().ok_or_else(|| believed(anyhow::anyhow!("no ID token")))?;
        let verifier = relying.id_token_verifier().set_time_fn(move || now);
        let claims = token.claims(&verifier, &Nonce::new(nonce.to_owned())).map_err(|e| believed(e.into()))?;
        let subject = claims.subject().to_string();
        if subject.is_empty() || subject.chars().count() > SUBJECT_CHARS_MAX {
            return Err(believed(anyhow::anyhow!("a subject of {} characters", subject.chars().count())));
        }
        let claim = self.set.claim.as_deref().and_then(|name| claims.additional_claims().0.get(name));
        let claim = claim.and_then(serde_json::Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        Ok(Known { subject, claim })
    }
}
