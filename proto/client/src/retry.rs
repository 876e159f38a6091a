//! When and after how long a call is made again.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::tokens::Tokens;

/// How often and after how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Calls in all, the first one included.
    pub attempts_max: u32,
    /// Before the second call; doubles from one to the next.
    pub wait_first: Duration,
    /// No pause is longer; where the service asks for a longer one, the caller is told instead.
    pub wait_max: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self { attempts_max: 6, wait_first: Duration::from_millis(100), wait_max: Duration::from_secs(10) }
    }
}

impl Policy {
    /// The pause after the `attempt`th refusal (from 0); none when another call would not help. What the service asks for (RetryInfo) is
    /// obeyed; else the pause doubles, less up to half of it as `dice` (0 to 1) fall, so that clients cut off together do not come back
    /// together.
    pub fn pause(&self, refusal: &Status, attempt: u32, dice: f64) -> Option<Duration> {
        if attempt + 1 >= self.attempts_max || !matches!(refusal.code(), Code::Unavailable | Code::ResourceExhausted) {
            return None;
        }
        if let Some(asked) = refusal.get_details_retry_info().and_then(|info| info.retry_delay) {
            return (asked <= self.wait_max).then_some(asked);
        }
        let doubled = self.wait_first.saturating_mul(2_u32.saturating_pow(attempt)).min(self.wait_max);
        Some(doubled.mul_f64(1.0 - dice.clamp(0.0, 1.0) / 2.0))
    }
}

/// Calls with a token until it succeeds or would not any more.
pub(crate) async fn repeated<T>(
    policy: Policy,
    tokens: &Tokens,
    call: impl AsyncFn(&str) -> Result<T, Status>,
) -> Result<T, Status> {
    let (mut attempt, mut renewed) = (0, false);
    loop {
        let answer = match tokens.get().await {
            Ok(token) => match call(&token).await {
                Err(refusal) if refusal.code() == Code::Unauthenticated && !renewed => {
                    // Revoked, or issued by a service that was since restored: once, a new one may be better.
                    tokens.forget(&token).await;
                    renewed = true;
                    continue;
                }
                answer => answer,
            },
            Err(refusal) => Err(refusal),
        };
        let Err(refusal) = &answer else { return answer };
        let Some(pause) = policy.pause(refusal, attempt, rand::random()) else { return answer };
        attempt += 1;
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        sync::{
            Mutex,
            atomic::{AtomicU32, Ordering},
        },
    };

    use tonic_types::ErrorDetails;

    use super::*;
    use crate::tokens::tests::numbered;

    fn asked_to_wait(secs: u64) -> Status {
        let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(secs)));
        Status::with_error_details(Code::ResourceExhausted, "later", details)
    }

    #[test]
    fn pauses_double_and_have_an_end() {
        let policy = Policy::default();
        let away = Status::unavailable("");
        let millis: Vec<u128> = (0..5).map(|attempt| policy.pause(&away, attempt, 0.0).unwrap().as_millis()).collect();
        assert_eq!(millis, [100, 200, 400, 800, 1_600]);
        assert_eq!(policy.pause(&away, 0, 1.0), Some(Duration::from_millis(50)));
        assert_eq!(policy.pause(&away, 5, 0.0), None, "six calls in all");
        let patient = Policy { attempts_max: u32::MAX, ..policy };
        assert_eq!(patient.pause(&away, 4_000_000, 0.0), Some(policy.wait_max));
    }

    #[test]
    fn what_the_service_asks_for_is_obeyed_or_told() {
        let policy = Policy::default();
        assert_eq!(policy.pause(&asked_to_wait(3), 0, 0.7), Some(Duration::from_secs(3)));
        assert_eq!(policy.pause(&asked_to_wait(60), 0, 0.7), None, "longer than the caller wants to wait");
        for code in [Code::NotFound, Code::FailedPrecondition, Code::Internal, Code::DeadlineExceeded, Code::DataLoss] {
            assert_eq!(policy.pause(&Status::new(code, ""), 0, 0.0), None, "{code}: again would not help");
        }
    }

    /// Answers these one after another; then the token it was called with.
    async fn answered(refusals: impl IntoIterator<Item = Status>) -> (Result<String, Status>, u32) {
        let (refusals, calls) = (Mutex::new(refusals.into_iter().collect::<VecDeque<_>>()), AtomicU32::new(0));
        let tokens = numbered();
        let answer = repeated(Policy::default(), &tokens, async |token: &str| {
            calls.fetch_add(1, Ordering::SeqCst);
            refusals.lock().unwrap().pop_front().map_or_else(|| Ok(token.to_owned()), Err)
        });
        let answer = answer.await;
        (answer, calls.load(Ordering::SeqCst))
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_is_made_again_until_it_is_answered() {
        let (answer, calls) = answered([Status::unavailable(""), asked_to_wait(5), Status::unavailable("")]).await;
        assert_eq!((answer.unwrap().as_str(), calls), ("token 1", 4));
        let (answer, calls) = answered((0..100).map(|_| Status::unavailable("away"))).await;
        assert_eq!((answer.unwrap_err().message(), calls), ("away", 6));
        let (answer, calls) = answered([Status::not_found("nobody"), Status::unavailable("")]).await;
        assert_eq!((answer.unwrap_err().message(), calls), ("nobody", 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_token_is_replaced_once() {
        let (answer, calls) = answered([Status::unauthenticated("")]).await;
        assert_eq!((answer.unwrap().as_str(), calls), ("token 2", 2));
        let (answer, calls) = answered((0..100).map(|_| Status::unauthenticated("no"))).await;
        assert_eq!((answer.unwrap_err().message(), calls), ("no", 2));
    }
}
