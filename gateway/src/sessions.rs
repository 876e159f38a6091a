//! Web sessions (art. 27). The browser holds a random cookie; what it stands for is in Redis under the cookie's hash, so that
//! reading Redis gives nobody a session. With Redis gone, sessions live in this process's bounded memory: users sign in
//! again, and no request waits long for a Redis that does not answer.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message as _;
use proto::qingtian::identity::v1::{Organisation, User};
use sha2::{Digest as _, Sha256};

use crate::redis_link::RedisLink;

/// Sessions kept in memory at the most; the least recently used goes first.
const MEMORY_SESSIONS_MAX: usize = 10_000;
/// Somebody who signed in.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Session {
    /// Handle of the sign-in at identity.
    #[prost(string, tag = "1")]
    pub sign_in: String,
    #[prost(message, optional, tag = "2")]
    pub user: Option<User>,
    #[prost(message, optional, tag = "3")]
    pub organisation: Option<Organisation>,
    /// What the page sends with every change.
    #[prost(string, tag = "4")]
    pub csrf: String,
}

/// The value of a session's cookie: 32 random bytes, 43 characters of base64url. Never logged, never stored.
pub struct Secret(String);

/// What a session is stored under: SHA-256 of the cookie's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Secret {
    /// A new one from the system's randomness.
    pub fn random() -> anyhow::Result<Self> {
        Ok(Self(URL_SAFE_NO_PAD.encode(*kit::keys::random_bytes()?)))
    }

    /// Reads a cookie's value; none when it cannot be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| Self(text.to_owned()))
    }

    /// The text itself, for the cookie.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn key(&self) -> Key {
        Key(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Key {
    /// The digest itself.
    pub fn digest(self) -> [u8; 32] {
        self.0
    }

    fn redis(&self) -> String {
        format!("session:{}", hex::encode(self.0))
    }
}

/// Where sessions are kept.
pub struct Store {
    redis: Option<RedisLink>,
    memory: Mutex<HashMap<Key, Kept>>,
    /// A session not used for so long is over.
    idle: Duration,
}

struct Kept {
    session: Session,
    used: Instant,
}

impl Store {
    /// Sessions in this Redis, or in memory alone. It is not called yet: it may start later. Errors: the address is
    /// malformed.
    pub fn new(redis_url: Option<&str>, idle: Duration) -> anyhow::Result<Self> {
        let redis = redis_url.map(RedisLink::new).transpose()?;
        Ok(Self { redis, memory: Mutex::new(HashMap::new()), idle })
    }

    /// Keeps a session.
    pub async fn put(&self, key: Key, session: Session) {
        if let Some(redis) = &self.redis {
            let mut command = redis::cmd("SET");
            command.arg(key.redis()).arg(session.encode_to_vec()).arg("EX").arg(self.idle.as_secs().max(1));
            if redis.run::<()>(&command).await.is_some() {
                return;
            }
        }
        let mut memory = self.memory();
        if memory.len() >= MEMORY_SESSIONS_MAX {
            let idle = self.idle;
            memory.retain(|_, kept| kept.used.elapsed() < idle);
        }
        if memory.len() >= MEMORY_SESSIONS_MAX
            && let Some(oldest) = memory.iter().min_by_key(|(_, kept)| kept.used).map(|(key, _)| *key)
        {
            memory.remove(&oldest);
        }
        memory.insert(key, Kept { session, used: Instant::now() });
    }

    /// The session of a cookie, which thereby stays alive. None when there is none, or Redis has it and is gone.
    pub async fn get(&self, key: Key) -> Option<Session> {
        {
            let mut memory = self.memory();
            match memory.get_mut(&key) {
                Some(kept) if kept.used.elapsed() < self.idle => {
                    kept.used = Instant::now();
                    return Some(kept.session.clone());
                }
                Some(_) => {
                    memory.remove(&key);
                }
                None => {}
            }
        }
        let mut command = redis::cmd("GETEX");
        command.arg(key.redis()).arg("EX").arg(self.idle.as_secs().max(1));
        let bytes: Option<Vec<u8>> = self.redis.as_ref()?.run(&command).await?;
        Session::decode(bytes?.as_slice())
            .inspect_err(|error| tracing::warn!(%error, "a stored session is unreadable"))
            .ok()
    }

    /// Forgets a session.
    pub async fn remove(&self, key: Key) {
        self.memory().remove(&key);
        if let Some(redis) = &self.redis {
            redis.run::<()>(redis::cmd("DEL").arg(key.redis())).await;
        }
    }

    fn memory(&self) -> MutexGuard<'_, HashMap<Key, Kept>> {
        // No lock is held across a panic that could leave the map half-changed.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(word: &str) -> Session {
        Session { sign_in: word.into(), csrf: format!("csrf-{word}"), ..Session::default() }
    }

    const IDLE: Duration = Duration::from_secs(60);

    #[test]
    fn a_cookie_is_random_and_reads_back_to_the_same_key() {
        let secret = Secret::random().unwrap();
        assert_eq!(secret.expose().len(), 43);
        assert_eq!(Secret::parse(secret.expose()).unwrap().key(), secret.key());
        assert_ne!(Secret::random().unwrap().key(), secret.key());
        for text in ["", "x", &"a".repeat(42), &"a".repeat(44), &"!".repeat(43)] {
            assert!(Secret::parse(text).is_none(), "{text}");
        }
        assert!(!format!("{secret:?}").contains(secret.expose()));
    }

    #[tokio::test]
    async fn memory_keeps_a_session_until_it_is_removed_or_idle() {
        let store = Store::new(None, IDLE).unwrap();
        let (one, two) = (Secret::random().unwrap().key(), Secret::random().unwrap().key());
        store.put(one, session("one")).await;
        assert_eq!(store.get(one).await, Some(session("one")));
        assert_eq!(store.get(two).await, None);
        store.remove(one).await;
        assert_eq!(store.get(one).await, None);
        let store = Store::new(None, Duration::ZERO).unwrap();
        store.put(one, session("one")).await;
        assert_eq!(store.get(one).await, None);
    }

    #[tokio::test]
    async fn memory_has_an_edge_and_the_least_recently_used_goes_first() {
        let store = Store::new(None, IDLE).unwrap();
        let key = |n: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&n.to_be_bytes());
            Key(bytes)
        };
        for n in 0..MEMORY_SESSIONS_MAX {
            store.put(key(n), session("s")).await;
        }
        assert!(store.get(key(0)).await.is_some());
        store.put(key(MEMORY_SESSIONS_MAX), session("s")).await;
        assert_eq!(store.memory().len(), MEMORY_SESSIONS_MAX);
        assert!(store.get(key(0)).await.is_some() && store.get(key(1)).await.is_none());
    }
}
