//! The client's token: asked for once by however many calls wait for it, renewed before it ends.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::future::BoxFuture;
use proto::qingtian::identity::v1::AccessToken;
use tokio::{sync::Mutex, time::Instant};
use tonic::Status;

/// How long tokens live, as the contract says.
const LIFE: Duration = Duration::from_secs(300);
/// A new one is asked for this long before the end, so that a call that begins with it also ends with it.
const RENEW_BEFORE: Duration = Duration::from_secs(60);

type Issue = dyn Fn() -> BoxFuture<'static, Result<AccessToken, Status>> + Send + Sync;

/// Tokens of one machine client.
pub(crate) struct Tokens {
    issue: Box<Issue>,
    /// The newest, and when it is to be renewed. Held while one is asked for, so that all others wait for that one.
    newest: Mutex<Option<(String, Instant)>>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

impl Tokens {
    pub(crate) fn new(
        issue: impl Fn() -> BoxFuture<'static, Result<AccessToken, Status>> + Send + Sync + 'static,
    ) -> Self {
        Self { issue: Box::new(issue), newest: Mutex::default() }
    }

    /// A token that is good for a while.
    pub(crate) async fn get(&self) -> Result<String, Status> {
        let mut newest = self.newest.lock().await;
        if let Some((token, renew)) = &*newest
            && Instant::now() < *renew
        {
            return Ok(token.clone());
        }
        let asked = Instant::now();
        let issued = (self.issue)().await?;
        let renew = asked + life(&issued).saturating_sub(RENEW_BEFORE);
        *newest = Some((issued.token.clone(), renew));
        Ok(issued.token)
    }

    /// This one was refused: the next call asks for another, unless somebody already has.
    pub(crate) async fn forget(&self, refused: &str) {
        let mut newest = self.newest.lock().await;
        newest.take_if(|(token, _)| token == refused);
    }
}

/// How long a token lives from now on. Clocks of two machines differ: what cannot be is not believed.
fn life(issued: &AccessToken) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let ends = issued.expire_time.as_ref().and_then(|time| u64::try_from(time.seconds).ok()).unwrap_or_default();
    match ends.checked_sub(now).map(Duration::from_secs) {
        Some(life) if life > RENEW_BEFORE && life <= LIFE => life,
        Some(_) | None => LIFE,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;

    /// Issues `token 1`, `token 2`, and so on.
    pub(crate) fn numbered() -> Tokens {
        let count = Arc::new(AtomicU32::new(0));
        Tokens::new(move || {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            Box::pin(async move {
                tokio::task::yield_now().await;
                Ok(AccessToken { token: format!("token {number}"), expire_time: None })
            })
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_kept_until_a_minute_before_its_end() {
        let tokens = numbered();
        let started = Instant::now();
        for (secs, token) in [(0, "token 1"), (239, "token 1"), (241, "token 2"), (480, "token 2"), (482, "token 3")] {
            tokio::time::sleep_until(started + Duration::from_secs(secs)).await;
            assert_eq!(tokens.get().await.unwrap(), token, "after {secs} s");
        }
    }

    #[tokio::test]
    async fn many_who_wait_share_one_token() {
        let tokens = numbered();
        let all = futures::future::join_all((0..50).map(|_| tokens.get())).await;
        assert!(all.into_iter().all(|token| token.unwrap() == "token 1"));
        // Two who were refused the same token replace it once.
        tokens.forget("token 1").await;
        assert_eq!(tokens.get().await.unwrap(), "token 2");
        tokens.forget("token 1").await;
        assert_eq!(tokens.get().await.unwrap(), "token 2");
    }

    #[test]
    fn a_life_that_cannot_be_is_not_believed() {
        let at = |secs: i64| {
            let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
            let expire_time = Some(prost_types::Timestamp { seconds: now + secs, nanos: 0 });
            life(&AccessToken { token: String::new(), expire_time })
        };
        let near = at(200);
        assert!(near <= Duration::from_secs(200) && near >= Duration::from_secs(190), "{near:?}");
        // This machine's clock is an hour ahead, or an hour behind.
        assert_eq!([at(-3_600), at(3_600)], [LIFE, LIFE]);
    }
}
