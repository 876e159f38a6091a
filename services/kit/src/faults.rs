//! Named points at which a test kills the process, to show that what was published before survives and nothing is done
//! twice. In operation nothing is named and a point costs one comparison.

use std::sync::{
    LazyLock,
    atomic::{AtomicUsize, Ordering},
};

static FATAL: LazyLock<Vec<Fatal>> =
    LazyLock::new(|| std::env::var("QINGTIAN_KILL_AT").map(|text| read(&text)).unwrap_or_default());

/// One passage of a point.
struct Fatal {
    point: String,
    /// From 1, in this process.
    passage: usize,
    passed: AtomicUsize,
}

impl Fatal {
    /// Counts, and tells the one passage that is meant.
    fn is_now(&self, act: &str, moment: &str) -> bool {
        let named = self.point.strip_prefix(act).and_then(|rest| rest.strip_prefix('.')) == Some(moment);
        named && self.passed.fetch_add(1, Ordering::Relaxed) + 1 == self.passage
    }
}

/// Reads `StateDraw.before_commit` (its first passage), `PutFrozen.after_write#7` (its seventh), or several with commas between.
/// What is not so written names no passage, and a test that waits for it says so.
fn read(text: &str) -> Vec<Fatal> {
    let one = |text: &str| {
        let (point, passage) = text.split_once('#').unwrap_or((text, "1"));
        let passage = passage.parse().unwrap_or_default();
        Fatal { point: point.to_owned(), passage, passed: AtomicUsize::new(0) }
    };
    text.split(',').map(one).collect()
}

/// Ends this process as `kill -9` would, when `QINGTIAN_KILL_AT` names this passage of this point.
pub fn point(act: &str, moment: &str) {
    for fatal in FATAL.iter() {
        if fatal.is_now(act, moment) {
            // SIGKILL cannot be caught; if sending it failed there would be nothing left to do but abort.
            let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_passage_that_is_named_is_the_only_one() {
        let fatal = read("StateDraw.before_commit,PutFrozen.after_write#3,PutResult.after_write#x");
        let passed = |nth: usize, act: &str, moment: &str| -> Vec<bool> {
            (0..4).map(|_| fatal[nth].is_now(act, moment)).collect()
        };
        assert_eq!(passed(0, "StateDraw", "after_commit"), [false; 4]);
        assert_eq!(passed(0, "State", "Draw.before_commit"), [false; 4]);
        assert_eq!(passed(0, "StateDraw", "before_commit"), [true, false, false, false]);
        assert_eq!(passed(1, "PutFrozen", "after_write"), [false, false, true, false]);
        assert_eq!(passed(2, "PutResult", "after_write"), [false; 4]);
    }
}
