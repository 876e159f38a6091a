//! How many requests somebody may make: so many a second in the long run, and so many at once besides. A bucket is one moment:
//! when it will be full again. Everybody who has not asked for long has a full one and takes no memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Buckets that are not full, at the most. With more askers than that at once it is not the single one that is too many.
const BUCKETS_MAX: usize = 100_000;

/// A rate of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Time in which one request is earned.
    pub every: Duration,
    /// Requests at once after a pause, at least 1.
    pub burst: u32,
}

impl Rate {
    /// So many a second in the long run, at least 1.
    pub fn per_second(requests: u32, burst: u32) -> Self {
        Self { every: Duration::from_secs(1) / requests.max(1), burst }
    }

    fn capacity(self) -> Duration {
        self.every * self.burst.max(1)
    }
}

/// The buckets of all who ask.
#[derive(Debug)]
pub struct Buckets<K> {
    rate: Rate,
    state: Mutex<State<K>>,
}

#[derive(Debug)]
struct State<K> {
    full_at: HashMap<K, Instant>,
    /// Requests since they were last told elsewhere.
    untold: HashMap<K, u32>,
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    /// All full.
    pub fn new(rate: Rate) -> Self {
        Self { rate, state: Mutex::new(State { full_at: HashMap::new(), untold: HashMap::new() }) }
    }

    fn state(&self) -> MutexGuard<'_, State<K>> {
        // A moment is replaced whole, so a panic leaves nothing half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One request. Errors: the time after which there is room for it.
    pub fn take(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let mut state = self.state();
        let full_at = state.full_at.get(key).map_or(now, |at| (*at).max(now)) + self.rate.every;
        if let Some(wait) = full_at.duration_since(now).checked_sub(self.rate.capacity()).filter(|wait| !wait.is_zero())
        {
            return Err(wait);
        }
        if state.full_at.len() >= BUCKETS_MAX && !state.full_at.contains_key(key) {
            state.full_at.retain(|_, at| *at > now);
            if state.full_at.len() >= BUCKETS_MAX {
                state.full_at.clear();
            }
        }
        state.full_at.insert(key.clone(), full_at);
        if state.untold.len() < BUCKETS_MAX || state.untold.contains_key(key) {
            *state.untold.entry(key.clone()).or_default() += 1;
        }
        Ok(())
    }

    /// Requests somebody made elsewhere. They empty the bucket, but never below what one made here could.
    pub fn spend(&self, key: &K, requests: u32, now: Instant) {
        let mut state = self.state();
        let full_at = state.full_at.get(key).map_or(now, |at| (*at).max(now));
        let emptied = now + self.rate.capacity();
        let full_at = (full_at + self.rate.every * requests).min(emptied.max(full_at));
        state.full_at.insert(key.clone(), full_at);
    }

    /// The requests made here since this was last asked, to be told elsewhere.
    pub fn untold(&self) -> HashMap<K, u32> {
        std::mem::take(&mut self.state().untold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATE: Rate = Rate { every: Duration::from_millis(100), burst: 5 };

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let (buckets, start) = (Buckets::new(RATE), Instant::now());
        for _ in 0..5 {
            assert_eq!(buckets.take(&1, start), Ok(()));
        }
        assert_eq!(buckets.take(&1, start), Err(Duration::from_millis(100)));
        assert_eq!(buckets.take(&2, start), Ok(()), "others have their own");
        assert_eq!(buckets.take(&1, start + Duration::from_millis(99)), Err(Duration::from_millis(1)));
        assert_eq!(buckets.take(&1, start + Duration::from_millis(100)), Ok(()));
        assert!(buckets.take(&1, start + Duration::from_millis(100)).is_err());
        for _ in 0..5 {
            assert_eq!(buckets.take(&1, start + Duration::from_secs(60)), Ok(()), "full again");
        }
    }

    #[test]
    fn what_was_asked_elsewhere_counts_here() {
        let (buckets, start) = (Buckets::new(RATE), Instant::now());
        assert_eq!(buckets.take(&1, start), Ok(()));
        buckets.spend(&1, 3, start);
        assert_eq!(buckets.take(&1, start), Ok(()));
        assert!(buckets.take(&1, start).is_err());
        buckets.spend(&1, 1_000_000, start);
        assert_eq!(buckets.take(&1, start + Duration::from_millis(100)), Ok(()), "nobody is shut out for long");
        assert_eq!(buckets.untold(), HashMap::from([(1, 3)]));
        assert!(buckets.untold().is_empty());
    }

    #[test]
    fn those_who_ask_take_bounded_memory() {
        let (buckets, start) = (Buckets::new(RATE), Instant::now());
        for key in 0..BUCKETS_MAX as u64 * 2 + 10 {
            assert_eq!(buckets.take(&key, start), Ok(()));
        }
        let state = buckets.state();
        assert!(state.full_at.len() <= BUCKETS_MAX && state.untold.len() <= BUCKETS_MAX);
    }

    proptest! {
        #[test]
        fn in_no_time_more_pass_than_the_rate_allows(pauses in prop::collection::vec(0..400u64, 1..200)) {
            let (buckets, start) = (Buckets::new(RATE), Instant::now());
            let (mut now, mut passed) = (start, 0);
            for pause in pauses {
                now += Duration::from_millis(pause);
                passed += u32::from(buckets.take(&(), now).is_ok());
                let allowed = f64::from(RATE.burst) + now.duration_since(start).as_secs_f64() / RATE.every.as_secs_f64();
                prop_assert!(f64::from(passed) <= allowed + 1e-6);
            }
        }

        #[test]
        fn whoever_waits_as_told_is_let_through(before in 5..50u32) {
            let (buckets, start) = (Buckets::new(RATE), Instant::now());
            let refused = (0..before).filter_map(|_| buckets.take(&(), start).err()).last();
            if let Some(wait) = refused {
                prop_assert_eq!(buckets.take(&(), start + wait), Ok(()));
            }
        }
    }
}
