//! `qingtian.session.v1.Sessions`, served by the gateway itself, and who a request speaks for (art. 27). The browser has a
//! cookie and a page token; the access token stays here, in memory, until shortly before it ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use kit::env::Env;
use kit::error::{Reason, Refusal};
use kit::peers::PeerChannel;
use proto::qingtian::identity::v1::identity_client::IdentityClient;
use proto::qingtian::identity::v1::sign_ons_client::SignOnsClient;
use proto::qingtian::identity::v1::{
    AccessToken, BeginSignOnRequest, CloseSignInRequest, FinishSignOnRequest, OpenSignInRequest, OpenSignInResponse,
    RefreshTokenRequest,
};
use proto::qingtian::session::v1::{self as shown, Session as Shown, SignInRequest};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tonic::Code;
use tonic::metadata::AsciiMetadataValue;

use crate::Settings;
use crate::call::Caller;
use crate::error::{Fault, Result};
use crate::routes::Route;
use crate::sessions::{Key, Secret, Session, Store};

/// Name of the session's cookie.
pub const COOKIE_NAME: &str = "qingtian_session";
/// Name of the cookie by which a browser that began to sign on is known again.
const SIGN_ON_COOKIE: &str = "qingtian_sign_on";
/// How long it is good: as long as the sign-on.
const SIGN_ON_SECS: u32 = 600;
/// Header in which the page sends its token.
pub const CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");

/// A token with less time left is refreshed first.
const TOKEN_REST_MIN: chrono::Duration = chrono::Duration::seconds(60);
/// Access tokens kept at the most.
const TOKENS_MAX: usize = 10_000;
/// How long identity may take: a password hash, and a queue before it.
const IDENTITY_WAIT_MAX: Duration = Duration::from_secs(15);

type Slot = Arc<tokio::sync::Mutex<Option<Token>>>;

struct Token {
    bearer: AsciiMetadataValue,
    ends: DateTime<Utc>,
}

/// Sessions and the tokens behind them.
pub struct SignIns {
    store: Store,
    identity: IdentityClient<PeerChannel>,
    sign_ons: SignOnsClient<PeerChannel>,
    tokens: Mutex<HashMap<Key, Slot>>,
    env: Env,
    https: bool,
    /// Name of the provider at which people may sign on; empty without one.
    provider: (String, String),
}

/// What became of an rpc of `Sessions`.
pub struct Answer {
    pub message: bytes::Bytes,
    pub set_cookie: Option<HeaderValue>,
}

impl SignIns {
    /// Over this store. Errors: the gateway's key or identity's address is missing.
    pub fn new(env: &Env, store: Store, settings: &Settings) -> anyhow::Result<Self> {
        let identity = IdentityClient::new(env.peer("gateway", "identity")?);
        let sign_ons = SignOnsClient::new(env.peer("gateway", "identity")?);
        let (https, provider) = (settings.is_https(), settings.sign_on.clone().unwrap_or_default());
        Ok(Self { store, identity, sign_ons, tokens: Mutex::default(), env: env.clone(), https, provider })
    }

    /// Who a request speaks for: the bearer of its own token, or the session of its cookie, or nobody. A public rpc is
    /// called for nobody, so its answer may be kept by everybody.
    ///
    /// Refused: NOT_SIGNED_IN when the cookie's session is over, CSRF when a change lacks the page's token.
    pub async fn authorize(&self, route: &Route, headers: &HeaderMap) -> Result<Option<AsciiMetadataValue>> {
        if let Some(bearer) = bearer(headers)? {
            return Ok(Some(bearer));
        }
        if route.rule.public {
            return Ok(None);
        }
        let Some(secret) = cookie(headers) else { return Ok(None) };
        let (key, session) = self.session(&secret, headers, &route.http).await?;
        self.token(key, &session).await.map(Some)
    }

    /// After a part's refusal: forgets the session's token if it was that which was refused, as after a change of password,
    /// which ends all tokens but spares the sign-in. Answers whether the caller may be authorized anew and ask once more.
    pub async fn discard(&self, headers: &HeaderMap, caller: &Caller, refused: &Fault) -> bool {
        if !refused.is_not_signed_in() || headers.contains_key(AUTHORIZATION) {
            return false;
        }
        let (Some(bearer), Some(secret)) = (&caller.authorization, cookie(headers)) else { return false };
        let slot = self.slot(secret.key());
        let mut slot = slot.lock().await;
        // Of many refused at once only the first finds its token here still; the others use what it fetched.
        if slot.as_ref().is_some_and(|token| token.bearer == *bearer) {
            *slot = None;
        }
        true
    }

    /// `SignIn`: opens a sign-in at identity and answers a new session with its cookie.
    pub async fn sign_in(&self, request: SignInRequest, headers: &HeaderMap, caller: &Caller) -> Result<Answer> {
        let address = caller.address.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let open = OpenSignInRequest { username: request.username, password: request.password, address };
        let opened = self.identity.clone().open_sign_in(self.request(open, caller)).await.map_err(identity_fault)?;
        self.opened(opened.into_inner(), headers, caller).await
    }

    /// `BeginSignOn`: where the browser goes, and a cookie by which it is known when it comes back.
    pub async fn begin_sign_on(&self, caller: &Caller) -> Result<Answer> {
        use prost::Message as _;
        let secret = Secret::random().map_err(Fault::internal)?;
        let begin = BeginSignOnRequest { browser: hex::encode(secret.key().digest()) };
        let begun = self.sign_ons.clone().begin_sign_on(self.request(begin, caller)).await.map_err(identity_fault)?;
        let message = shown::BeginSignOnResponse { authorization_url: begun.into_inner().authorization_url };
        let age = format!("; Max-Age={SIGN_ON_SECS}");
        Ok(Answer {
            message: message.encode_to_vec().into(),
            set_cookie: self.cookie(SIGN_ON_COOKIE, secret.expose(), &age),
        })
    }

    /// `FinishSignOn`: opens a sign-in at identity by the provider's word, and answers as [`SignIns::sign_in`].
    pub async fn finish_sign_on(
        &self,
        request: shown::FinishSignOnRequest,
        headers: &HeaderMap,
        caller: &Caller,
    ) -> Result<Answer> {
        let over = || Fault::from(Refusal::new(Reason::SignOnOver));
        let browser = cookie_named(headers, SIGN_ON_COOKIE).ok_or_else(over)?;
        let address = caller.address.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let browser = hex::encode(browser.key().digest());
        let finish = FinishSignOnRequest { state: request.state, code: request.code, browser, address };
        let opened =
            self.sign_ons.clone().finish_sign_on(self.request(finish, caller)).await.map_err(identity_fault)?;
        self.opened(opened.into_inner(), headers, caller).await
    }

    /// A new session for a sign-in that was opened, in the place of the browser's old one.
    async fn opened(&self, opened: OpenSignInResponse, headers: &HeaderMap, caller: &Caller) -> Result<Answer> {
        if let Some(old) = cookie(headers) {
            self.end(old.key(), caller).await;
        }
        let (secret, csrf) = (Secret::random().map_err(Fault::internal)?, Secret::random().map_err(Fault::internal)?);
        let session = Session {
            sign_in: opened.sign_in,
            user: opened.user,
            organisation: opened.organisation,
            csrf: csrf.expose().to_owned(),
        };
        let key = secret.key();
        if let Some(token) = opened.token.and_then(|token| read(&token)) {
            *self.slot(key).lock().await = Some(token);
        }
        let shown = self.shown(&session);
        self.store.put(key, session).await;
        Ok(Answer { message: shown, set_cookie: self.set_cookie(Some(&secret)) })
    }

    /// `GetSession`: what the page needs to know. Of a visitor, and of whoever's session is over, that nobody is signed in.
    pub async fn get_session(&self, headers: &HeaderMap) -> Answer {
        let session = match cookie(headers) {
            Some(secret) => self.store.get(secret.key()).await,
            None => None,
        };
        Answer { message: self.shown(&session.unwrap_or_default()), set_cookie: None }
    }

    /// `SignOut`: ends the session here and at identity.
    pub async fn sign_out(&self, headers: &HeaderMap, caller: &Caller) -> Result<Answer> {
        let secret = cookie(headers).ok_or_else(not_signed_in)?;
        let (key, _) = self.session(&secret, headers, &Method::POST).await?;
        self.end(key, caller).await;
        Ok(Answer { message: bytes::Bytes::new(), set_cookie: self.set_cookie(None) })
    }

    async fn session(&self, secret: &Secret, headers: &HeaderMap, method: &Method) -> Result<(Key, Session)> {
        let key = secret.key();
        let session = self.store.get(key).await.ok_or_else(not_signed_in)?;
        let safe = matches!(*method, Method::GET | Method::HEAD);
        let given = headers.get(&CSRF_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
        if !safe && !bool::from(session.csrf.as_bytes().ct_eq(given)) {
            return Err(Refusal::new(Reason::Csrf).into());
        }
        Ok((key, session))
    }

    /// Forgets a session and ends its sign-in. Identity out of reach does not keep anybody signed in here; the handle is
    /// gone with the session.
    async fn end(&self, key: Key, caller: &Caller) {
        let session = self.store.get(key).await;
        self.forget(key).await;
        if let Some(session) = session {
            let close = self.request(CloseSignInRequest { sign_in: session.sign_in }, caller);
            if let Err(error) = self.identity.clone().close_sign_in(close).await {
                tracing::warn!(%error, "could not end a sign-in at identity");
            }
        }
    }

    async fn forget(&self, key: Key) {
        self.tokens().remove(&key);
        self.store.remove(key).await;
    }

    /// The session's access token. Requests that need a new one at the same time ask identity once.
    async fn token(&self, key: Key, session: &Session) -> Result<AsciiMetadataValue> {
        let slot = self.slot(key);
        let mut slot = slot.lock().await;
        let now = self.env.clock.now();
        if let Some(token) = slot.as_ref().filter(|token| token.ends - now > TOKEN_REST_MIN) {
            return Ok(token.bearer.clone());
        }
        *slot = None;
        let refresh = self.request(RefreshTokenRequest { sign_in: session.sign_in.clone() }, &Caller::default());
        match self.identity.clone().refresh_token(refresh).await {
            Ok(answer) => {
                let token = read(answer.get_ref())
                    .ok_or_else(|| Fault::internal(anyhow::anyhow!("a token without its end")))?;
                Ok(slot.insert(token).bearer.clone())
            }
            Err(status) => {
                // The sign-in ended or the user was frozen: the session is worth nothing any more.
                if matches!(status.code(), Code::Unauthenticated | Code::PermissionDenied | Code::NotFound) {
                    drop(slot);
                    self.forget(key).await;
                }
                Err(identity_fault(status))
            }
        }
    }

    fn slot(&self, key: Key) -> Slot {
        let mut tokens = self.tokens();
        if tokens.len() >= TOKENS_MAX {
            let now = self.env.clock.now();
            let alive = |slot: &Slot| {
                slot.try_lock().map_or(true, |token| token.as_ref().is_some_and(|token| token.ends > now))
            };
            tokens.retain(|_, slot| alive(slot));
            if tokens.len() >= TOKENS_MAX {
                tokens.clear();
            }
        }
        tokens.entry(key).or_default().clone()
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Slot>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request<T>(&self, message: T, caller: &Caller) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        // The gateway speaks for itself here; its own token is added by the channel.
        Caller { authorization: None, ..caller.clone() }.put(request.metadata_mut());
        request.set_timeout(IDENTITY_WAIT_MAX);
        request
    }

    fn shown(&self, session: &Session) -> bytes::Bytes {
        use prost::Message as _;
        let shown = Shown {
            user: session.user.clone(),
            organisation: session.organisation.clone(),
            csrf_token: session.csrf.clone(),
            demonstration: self.env.keys.demonstration(),
            sign_on_title: self.provider.0.clone(),
            sign_on_title_en: self.provider.1.clone(),
        };
        shown.encode_to_vec().into()
    }

    fn set_cookie(&self, secret: Option<&Secret>) -> Option<HeaderValue> {
        let (value, age) = secret.map_or(("", "; Max-Age=0"), |secret| (secret.expose(), ""));
        self.cookie(COOKIE_NAME, value, age)
    }

    fn cookie(&self, name: &str, value: &str, age: &str) -> Option<HeaderValue> {
        let secure = if self.https { "; Secure" } else { "" };
        let text = format!("{name}={value}; HttpOnly; SameSite=Strict; Path=/{age}{secure}");
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

fn not_signed_in() -> Fault {
    Refusal::new(Reason::NotSignedIn).into()
}

fn identity_fault(status: tonic::Status) -> Fault {
    Fault::upstream("identity", status)
}

fn read(token: &AccessToken) -> Option<Token> {
    let ends = token.expire_time.as_ref()?;
    let ends = DateTime::from_timestamp(ends.seconds, ends.nanos.try_into().ok()?)?;
    let mut bearer: AsciiMetadataValue = format!("Bearer {}", token.token).parse().ok()?;
    bearer.set_sensitive(true);
    Some(Token { bearer, ends })
}

/// The token of a machine client, passed on as it is.
fn bearer(headers: &HeaderMap) -> Result<Option<AsciiMetadataValue>> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let is_bearer = value.as_bytes().get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"Bearer "));
    let value = is_bearer.then(|| AsciiMetadataValue::try_from(value.as_bytes()).ok()).flatten();
    let mut value = value.ok_or_else(not_signed_in)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// By what a request's client is known from others, as a digest: its token or its session. None for the anonymous, and for
/// what cannot be either.
pub fn secret(headers: &HeaderMap) -> Option<[u8; 32]> {
    match headers.get(AUTHORIZATION) {
        Some(token) => Some(Sha256::digest(token.as_bytes()).into()),
        None => cookie(headers).map(|secret| secret.key().digest()),
    }
}

/// The session cookie of a request.
fn cookie(headers: &HeaderMap) -> Option<Secret> {
    cookie_named(headers, COOKIE_NAME)
}

fn cookie_named(headers: &HeaderMap, wanted: &str) -> Option<Secret> {
    let pairs =
        headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let ours = pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == wanted);
    ours.and_then(|(_, value)| Secret::parse(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let secret = Secret::random().unwrap();
        let ours = format!("a=b; {COOKIE_NAME}={}; c=d", secret.expose());
        assert_eq!(cookie(&headers(&[(COOKIE, &ours)])).unwrap().key(), secret.key());
        for other in
            ["", "a=b", "qingtian_session", "qingtian_session=", "qingtian_session=short", "xqingtian_session=x"]
        {
            assert!(cookie(&headers(&[(COOKIE, other)])).is_none(), "{other}");
        }
    }

    #[test]
    fn only_a_bearer_token_is_passed_on() {
        assert!(bearer(&HeaderMap::new()).unwrap().is_none());
        assert_eq!(bearer(&headers(&[(AUTHORIZATION, "bearer abc")])).unwrap().unwrap(), "bearer abc");
        for other in ["Basic abc", "Bearer", "abc"] {
            assert_eq!(bearer(&headers(&[(AUTHORIZATION, other)])).unwrap_err().code(), Code::Unauthenticated);
        }
    }
}
