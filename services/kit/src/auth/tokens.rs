//! Tokens: signed by identity for people and machine clients, by each part for itself; verified by everybody.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, RwLock},
};

use anyhow::Context;
use chrono::{DateTime, Duration, Utc};
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use proto::qingtian::access::v1::Role;
use serde::{Deserialize, Serialize};

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

/// A part's own token, and when it was made.
type OwnToken = (String, DateTime<Utc>);

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
        let now = self.clock.now();
        let mut own = self.own.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((token, made)) = &*own
            && now - *made < TOKEN_LIFE / 2
            && now >= *made
        {
            return Ok(token.clone());
        }
        let sub = format!("services/{}", self.part);
        let (token, _) = self.sign(Claims { sub, ..Claims::default() })?;
        *own = Some((token.clone(), now));
        Ok(token)
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
#[derive(Clone)]
pub struct Authenticator {
    keys: Arc<Keys>,
    clock: Clock,
    revoked: Arc<RwLock<HashMap<String, DateTime<Utc>>>>,
}

impl Authenticator {
    /// Verifies with these public keys.
    pub fn new(keys: Arc<Keys>, clock: Clock) -> Self {
        Self { keys, clock, revoked: Arc::default() }
    }

    /// From now on refuses tokens of this actor signed before `time`. Kept only as long as such tokens could live.
    pub fn revoke(&self, actor: &str, time: DateTime<Utc>) {
        let now = self.clock.now();
        let mut revoked = self.revoked.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        revoked.retain(|_, since| now - *since < TOKEN_LIFE + SKEW);
        if now - time < TOKEN_LIFE + SKEW {
            let since = revoked.entry(actor.to_owned()).or_insert(time);
            *since = time.max(*since);
        }
    }

    /// From when on tokens of an actor must have been signed, in milliseconds since 1970 UTC as tokens say it.
    pub fn revoked_ms(&self, actor: &str) -> Option<i64> {
        let revoked = self.revoked.read().unwrap_or_else(std::sync::PoisonError::into_inner);
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
        self.claims(token).map_err(|cause| Refusal::new(Reason::NotSignedIn).because(cause)).map(|claims| Caller {
            actor: claims.sub,
            organisation: claims.org,
            district: claims.district,
            roles: claims.roles.into_iter().filter_map(|number| Role::try_from(number).ok()).collect(),
            certificate: claims.cert,
            sign_in: claims.sid,
            // Both were compared with the clock, so both are instants.
            token: DateTime::from_timestamp_millis(claims.iat_ms)
                .zip(DateTime::from_timestamp(claims.exp, 0))
                .map(|(signed, ends)| TokenTimes { signed, ends }),
            ..Caller::default()
        })
    }

    fn claims(&self, token: &str) -> anyhow::Result<Claims> {
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
        let now = self.clock.now();
        anyhow::ensure!(now.timestamp() < claims.exp, "token is over");
        anyhow::ensure!(claims.iat_ms <= (now + SKEW).timestamp_millis(), "token is from the future");
        anyhow::ensure!(!self.is_void(&claims.sub, claims.iat_ms), "token is revoked");
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
