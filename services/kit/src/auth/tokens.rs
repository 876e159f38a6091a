//! Tokens: signed by identity for people and machine clients, by each part for itself; verified by everybody.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use anyhow::Context;
use chrono::{DateTime, Duration, Utc};
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use proto::qingtian::access::v1::Role;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tonic::metadata::AsciiMetadataValue;

use super::Caller;
use crate::{
    env::Clock,
    error::{Reason, Refusal, Result},
    keys::{Keys, Purpose},
};

/// How long a token is valid.
pub const TOKEN_LIFE: Duration = Duration::minutes(5);
/// How far clocks of two machines may differ.
const SKEW: Duration = Duration::seconds(10);
/// Tokens whose signature is remembered at the most.
const KNOWN_MAX: usize = 10_000;

/// What a token says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Claims {
    /// Part that signed it.
    pub iss: String,
    /// Actor: `users/...`, `machineClients/...`, `services/...`.
    pub sub: String,
    /// Signed at, milliseconds since 1970 UTC.
    pub iat_ms: i64,
    /// Ends, seconds since 1970 UTC.
    pub exp: i64,
    /// Organisation acted for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub org: String,
    /// Its district.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub district: String,
    /// Roles, by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<i32>,
    /// Certificate number of an officer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cert: String,
    /// Which of the user's sign-ins it was issued to; not the handle, which stays secret.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sid: String,
}

/// From when to when a token speaks for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenTimes {
    /// Signed at.
    pub signed: DateTime<Utc>,
    /// Ends.
    pub ends: DateTime<Utc>,
}

/// A part's own token.
struct OwnToken {
    token: String,
    bearer: AsciiMetadataValue,
    made: DateTime<Utc>,
}

/// Signs tokens of one part.
#[derive(Clone)]
pub struct Minter {
    part: String,
    kid: String,
    key: EncodingKey,
    clock: Clock,
    own: Arc<Mutex<Option<OwnToken>>>,
}

impl Minter {
    /// Signs with the token key of a part.
    ///
    /// # Errors
    /// This process was not given that key.
    pub fn service(part: &str, keys: Arc<Keys>, clock: Clock) -> anyhow::Result<Self> {
        let signing = keys.signing(part, Purpose::Token)?;
        let der = signing.key().to_pkcs8_der().context("token key")?;
        Ok(Self {
            part: part.to_owned(),
            kid: signing.kid.clone(),
            key: EncodingKey::from_ed_der(der.as_bytes()),
            clock,
            own: Arc::default(),
        })
    }

    /// The part's own service token, made anew when half its life is over.
    ///
    /// # Errors
    /// Signing failed.
    pub fn token(&self) -> anyhow::Result<String> {
        self.own(|own| own.token.clone())
    }

    /// The same as it goes with a call, never to be kept in a table of headers.
    ///
    /// # Errors
    /// Signing failed.
    pub fn bearer(&self) -> anyhow::Result<AsciiMetadataValue> {
        self.own(|own| own.bearer.clone())
    }

    fn own<T>(&self, take: impl FnOnce(&OwnToken) -> T) -> anyhow::Result<T> {
        let now = self.clock.now();
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = own.as_ref().filter(|own| now - own.made < TOKEN_LIFE / 2 && now >= own.made) {
            return Ok(take(own));
        }
        let sub = format!("services/{}", self.part);
        let (token, _) = self.sign(Claims { sub, ..Claims::default() })?;
        let mut bearer: AsciiMetadataValue = format!("Bearer {token}").parse()?;
        bearer.set_sensitive(true);
        Ok(take(own.insert(OwnToken { token, bearer, made: now })))
    }

    /// Signs a token over these claims; issuer and times are filled in, but the token is not signed earlier than the claims
    /// say it must be (`iat_ms`), as after a revocation in this very millisecond. Answers the token and when it ends.
    ///
    /// # Errors
    /// Signing failed.
    pub fn sign(&self, claims: Claims) -> anyhow::Result<(String, DateTime<Utc>)> {
        let now = self.clock.now();
        let ends = now + TOKEN_LIFE;
        let iat_ms = claims.iat_ms.max(now.timestamp_millis());
        let claims = Claims { iss: self.part.clone(), iat_ms, exp: ends.timestamp(), ..claims };
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        Ok((jsonwebtoken::encode(&header, &claims, &self.key).context("cannot sign token")?, ends))
    }
}

/// Verifies tokens, and refuses those revoked since they were signed.
///
/// A signature is checked once: that costs more than most calls do besides, and a token comes with every call of its five
/// minutes, the gateway's own with every call of everybody. What may change meanwhile, the clock and what is revoked, is looked
/// at every time.
#[derive(Clone)]
pub struct Authenticator {
    keys: Arc<Keys>,
    clock: Clock,
    revoked: Arc<RwLock<HashMap<String, DateTime<Utc>>>>,
    /// What well-signed tokens say, by the digest of the token.
    known: Arc<RwLock<HashMap<[u8; 32], Arc<Claims>>>>,
}

impl Authenticator {
    /// Verifies with these public keys.
    pub fn new(keys: Arc<Keys>, clock: Clock) -> Self {
        Self { keys, clock, revoked: Arc::default(), known: Arc::default() }
    }

    /// From now on refuses tokens of this actor signed before `time`. Kept only as long as such tokens could live.
    pub fn revoke(&self, actor: &str, time: DateTime<Utc>) {
        let now = self.clock.now();
        let mut revoked = self.revoked.write().unwrap_or_else(PoisonError::into_inner);
        revoked.retain(|_, since| now - *since < TOKEN_LIFE + SKEW);
        if now - time < TOKEN_LIFE + SKEW {
            let since = revoked.entry(actor.to_owned()).or_insert(time);
            *since = time.max(*since);
        }
    }

    /// From when on tokens of an actor must have been signed, in milliseconds since 1970 UTC as tokens say it.
    pub fn revoked_ms(&self, actor: &str) -> Option<i64> {
        let revoked = self.revoked.read().unwrap_or_else(PoisonError::into_inner);
        revoked.get(actor).map(DateTime::timestamp_millis)
    }

    fn is_void(&self, actor: &str, signed_ms: i64) -> bool {
        self.revoked_ms(actor).is_some_and(|since| signed_ms < since)
    }

    /// Whether what a caller's token said was revoked since. Asked again by whatever outlives the call it was admitted to.
    pub fn is_revoked(&self, caller: &Caller) -> bool {
        caller.token.is_some_and(|token| self.is_void(&caller.actor, token.signed.timestamp_millis()))
    }

    /// Whom a token speaks for.
    ///
    /// # Errors
    /// `NOT_SIGNED_IN` when it is malformed, forged, over, or revoked.
    pub fn verify(&self, token: &str) -> Result<Caller> {
        let claims = self.claims(token).map_err(|cause| Refusal::new(Reason::NotSignedIn).because(cause))?;
        Ok(Caller {
            actor: claims.sub.clone(),
            organisation: claims.org.clone(),
            district: claims.district.clone(),
            roles: claims.roles.iter().filter_map(|number| Role::try_from(*number).ok()).collect(),
            certificate: claims.cert.clone(),
            sign_in: claims.sid.clone(),
            // Both were compared with the clock, so both are instants.
            token: DateTime::from_timestamp_millis(claims.iat_ms)
                .zip(DateTime::from_timestamp(claims.exp, 0))
                .map(|(signed, ends)| TokenTimes { signed, ends }),
            ..Caller::default()
        })
    }

    /// What a token says that is to be believed now.
    fn claims(&self, token: &str) -> anyhow::Result<Arc<Claims>> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        let claims = match &known {
            Some(claims) => claims.clone(),
            None => Arc::new(self.signed(token)?),
        };
        let now = self.clock.now();
        anyhow::ensure!(now.timestamp() < claims.exp, "token is over");
        anyhow::ensure!(claims.iat_ms <= (now + SKEW).timestamp_millis(), "token is from the future");
        anyhow::ensure!(!self.is_void(&claims.sub, claims.iat_ms), "token is revoked");
        if known.is_none() {
            self.remember(digest, claims.clone(), now);
        }
        Ok(claims)
    }

    /// Keeps a token until it is over. Whoever cannot sign cannot fill this; with more tokens alive than have room, all are
    /// checked anew.
    fn remember(&self, digest: [u8; 32], claims: Arc<Claims>, now: DateTime<Utc>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.retain(|_, claims| now.timestamp() < claims.exp);
            if known.len() >= KNOWN_MAX {
                known.clear();
            }
        }
        known.insert(digest, claims);
    }

    /// What a token says whose signature is that of a part which may say so.
    fn signed(&self, token: &str) -> anyhow::Result<Claims> {
        let header = jsonwebtoken::decode_header(token)?;
        let kid = header.kid.context("token without key id")?;
        let key = self.keys.public(&kid).context("unknown key")?;
        anyhow::ensure!(key.purpose == Purpose::Token, "not a token key");
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.validate_exp = false;
        validation.set_required_spec_claims(&["exp"]);
        let claims =
            jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_ed_components(&key.x)?, &validation)?.claims;
        anyhow::ensure!(claims.iss == key.part, "issuer is not the key's part");
        match claims.sub.split_once('/') {
            Some(("services", part)) => anyhow::ensure!(part == key.part, "a part speaks only for itself"),
            Some(("users" | "machineClients", _)) => anyhow::ensure!(key.part == "identity", "only identity vouches"),
            Some(_) | None => anyhow::bail!("unknown kind of actor"),
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(sub: &str) -> Claims {
        let roles = vec![Role::Handler as i32];
        Claims { sub: sub.to_owned(), org: "organisations/market".to_owned(), roles, ..Claims::default() }
    }

    fn setup() -> (Arc<Keys>, Clock, Authenticator) {
        let clock = Clock::set("2026-11-23T01:00:00Z".parse().unwrap());
        let keys = Arc::new(Keys::generate(clock.now(), true).unwrap());
        (keys.clone(), clock.clone(), Authenticator::new(keys, clock))
    }

    #[test]
    fn a_token_speaks_for_its_user_for_five_minutes() {
        let (keys, clock, authenticator) = setup();
        let (token, _) = Minter::service("identity", keys, clock.clone()).unwrap().sign(claims("users/a")).unwrap();
        let caller = authenticator.verify(&token).unwrap();
        assert_eq!((caller.actor.as_str(), caller.roles.as_slice()), ("users/a", [Role::Handler].as_slice()));
        clock.advance(TOKEN_LIFE);
        assert_eq!(authenticator.verify(&token).unwrap_err().reason(), Reason::NotSignedIn);
    }

    #[test]
    fn a_part_cannot_vouch_for_a_user_nor_for_another_part() {
        let (keys, clock, authenticator) = setup();
        let minter = Minter::service("portal", keys, clock).unwrap();
        for subject in ["users/a", "machineClients/a", "services/draws", "nobody"] {
            let (token, _) = minter.sign(claims(subject)).unwrap();
            assert!(authenticator.verify(&token).is_err(), "{subject}");
        }
        assert!(authenticator.verify(&minter.token().unwrap()).is_ok());
    }

    #[test]
    fn a_revoked_token_is_refused_and_a_later_one_is_not() {
        let (keys, clock, authenticator) = setup();
        let minter = Minter::service("identity", keys, clock.clone()).unwrap();
        let (old, _) = minter.sign(claims("users/a")).unwrap();
        clock.advance(Duration::seconds(1));
        authenticator.revoke("users/a", clock.now());
        assert!(authenticator.verify(&old).is_err());
        let (new, _) = minter.sign(claims("users/a")).unwrap();
        assert!(authenticator.verify(&new).is_ok());
    }

    #[test]
    fn a_token_that_is_known_still_ends_and_is_still_revoked() {
        let (keys, clock, authenticator) = setup();
        let minter = Minter::service("identity", keys, clock.clone()).unwrap();
        let (token, _) = minter.sign(claims("users/a")).unwrap();
        let (other, _) = minter.sign(claims("users/b")).unwrap();
        for _ in 0..2 {
            assert_eq!(authenticator.verify(&token).unwrap().actor, "users/a");
            assert_eq!(authenticator.verify(&other).unwrap().actor, "users/b");
        }
        assert_eq!(authenticator.known.read().unwrap().len(), 2);
        // The last character holds four bits of the signature; any other one is another signature.
        let forged = format!("{}{}", &token[..token.len() - 1], if token.ends_with('A') { 'Q' } else { 'A' });
        assert!(authenticator.verify(&forged).is_err());
        authenticator.revoke("users/a", clock.now() + Duration::milliseconds(1));
        assert!(authenticator.verify(&token).is_err() && authenticator.verify(&other).is_ok());
        clock.advance(TOKEN_LIFE);
        assert!(authenticator.verify(&other).is_err());
    }

    #[test]
    fn known_tokens_take_bounded_memory() {
        let (_, clock, authenticator) = setup();
        let now = clock.now();
        let known = |n: usize, exp: i64| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&n.to_be_bytes());
            authenticator.remember(digest, Arc::new(Claims { exp, ..claims("users/a") }), now);
        };
        known(0, now.timestamp() + 1);
        (1..KNOWN_MAX).for_each(|n| known(n, now.timestamp()));
        known(KNOWN_MAX, now.timestamp() + 1);
        assert_eq!(authenticator.known.read().unwrap().len(), 2, "those that are over have gone");
        (0..KNOWN_MAX * 2).for_each(|n| known(n, now.timestamp() + 1));
        assert!(authenticator.known.read().unwrap().len() <= KNOWN_MAX);
    }

    /// A stream once ended with a token that calls still accepted: one comparison cut to milliseconds, the other did not.
    #[test]
    fn a_call_and_a_stream_judge_a_token_of_the_same_millisecond_alike() {
        let (keys, clock, authenticator) = setup();
        let minter = Minter::service("identity", keys, clock.clone()).unwrap();
        clock.advance(Duration::microseconds(200));
        let (token, _) = minter.sign(claims("users/a")).unwrap();
        let caller = authenticator.verify(&token).unwrap();
        authenticator.revoke("users/a", clock.now() + Duration::microseconds(300));
        assert!(authenticator.verify(&token).is_ok() && !authenticator.is_revoked(&caller));
        authenticator.revoke("users/a", clock.now() + Duration::milliseconds(1));
        assert!(authenticator.verify(&token).is_err() && authenticator.is_revoked(&caller));
        let iat_ms = authenticator.revoked_ms("users/a").unwrap();
        let (next, _) = minter.sign(Claims { iat_ms, ..claims("users/a") }).unwrap();
        assert!(
            !authenticator.is_revoked(&authenticator.verify(&next).unwrap()),
            "the next one, in the same millisecond"
        );
    }
}
