//! Totals of long lists. Counting a hundred thousand visits costs many times the page it stands beside, and a whole department asks for
//! the same list: what was counted a moment ago is told again. Short lists are counted whenever they are asked for.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use kit::error::Result;

/// From here on a total is told again.
const LARGE: i64 = 10_000;
/// How long, before somebody counts anew; the others are told the old one meanwhile.
const FRESH: Duration = Duration::from_secs(5);
/// How long at the most.
const TOLD_MAX: Duration = Duration::from_secs(30);
/// Totals held at the most; further ones are counted whenever they are asked for.
const HELD_MAX: usize = 1_000;

/// What is counted, in words that tell one list from every other.
pub type List = Vec<String>;

#[derive(Debug, Clone, Copy)]
struct Total {
    rows: i64,
    counted: Instant,
    /// Somebody counts anew.
    counting: bool,
}

/// What is known of a total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// So many, a moment ago.
    Fresh(i64),
    /// It has to be counted.
    Unknown,
}

/// Totals of the lists of one process.
#[derive(Debug, Default)]
pub struct Totals {
    held: Mutex<HashMap<List, Total>>,
}

impl Totals {
    /// The total of a list, counted by `count` where it is not known.
    ///
    /// # Errors
    /// As `count`.
    pub async fn of(&self, list: List, count: impl Future<Output = Result<i64>>) -> Result<i64> {
        match self.known(&list, Instant::now()) {
            Known::Fresh(rows) => Ok(rows),
            Known::Unknown => {
                let rows = count.await?;
                self.counted(list, rows, Instant::now());
                Ok(rows)
            }
        }
    }

    fn known(&self, list: &List, now: Instant) -> Known {
        // A poisoned lock only means that another thread panicked while it held a complete map.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(total) = held.get_mut(list) else { return Known::Unknown };
        let age = now.saturating_duration_since(total.counted);
        if age >= TOLD_MAX || (age >= FRESH && !total.counting) {
            total.counting = true;
            return Known::Unknown;
        }
        Known::Fresh(total.rows)
    }

    fn counted(&self, list: List, rows: i64, now: Instant) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if rows < LARGE {
            held.remove(&list);
            return;
        }
        if held.len() >= HELD_MAX && !held.contains_key(&list) {
            held.retain(|_, total| now.saturating_duration_since(total.counted) < TOLD_MAX);
        }
        if held.len() < HELD_MAX || held.contains_key(&list) {
            held.insert(list, Total { rows, counted: now, counting: false });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(name: &str) -> List {
        vec![name.to_owned()]
    }

    #[test]
    fn a_large_total_is_told_for_some_seconds_and_counted_anew_by_one() {
        let (totals, now) = (Totals::default(), Instant::now());
        assert_eq!(totals.known(&list("a"), now), Known::Unknown);
        totals.counted(list("a"), LARGE, now);
        assert_eq!(totals.known(&list("a"), now + FRESH / 2), Known::Fresh(LARGE));
        assert_eq!(totals.known(&list("b"), now), Known::Unknown, "another list");
        assert_eq!(totals.known(&list("a"), now + FRESH), Known::Unknown, "one counts");
        assert_eq!(totals.known(&list("a"), now + FRESH), Known::Fresh(LARGE), "the others do not wait");
        assert_eq!(
            totals.known(&list("a"), now + TOLD_MAX),
            Known::Unknown,
            "if that one never ends, everybody counts"
        );
        totals.counted(list("a"), LARGE + 1, now + TOLD_MAX);
        assert_eq!(totals.known(&list("a"), now + TOLD_MAX), Known::Fresh(LARGE + 1));
    }

    #[test]
    fn a_small_total_is_never_held() {
        let (totals, now) = (Totals::default(), Instant::now());
        totals.counted(list("a"), LARGE - 1, now);
        assert_eq!(totals.known(&list("a"), now), Known::Unknown);
        totals.counted(list("a"), LARGE, now);
        totals.counted(list("a"), LARGE - 1, now);
        assert_eq!(totals.known(&list("a"), now), Known::Unknown, "not even where a large one was");
    }

    #[test]
    fn no_more_are_held_than_there_is_room_for() {
        let (totals, now) = (Totals::default(), Instant::now());
        for nth in 0..=HELD_MAX {
            totals.counted(list(&nth.to_string()), LARGE, now);
        }
        assert_eq!(totals.held.lock().unwrap().len(), HELD_MAX);
        assert_eq!(totals.known(&list(&HELD_MAX.to_string()), now), Known::Unknown);
        totals.counted(list("later"), LARGE, now + TOLD_MAX);
        assert_eq!(totals.held.lock().unwrap().len(), 1, "old ones make room");
    }
}
