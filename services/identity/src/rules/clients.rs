//! What becomes of a machine client and its secrets (art. 22, 27): states, rotation with an overlap, what is a use worth writing down.

use chrono::{DateTime, Duration, Utc};
use kit::error::{Reason, Refusal, Result};

use super::local_time;
use crate::passwords::secret_fits;

/// For how long the secret of before works beside a new one, when the caller says nothing.
pub const OVERLAP_DEFAULT: Duration = Duration::days(7);
/// The longest overlap, hours.
const OVERLAP_HOURS_MAX: i32 = 720;
/// A use is written down when the last one known is this old, so that a client that asks every second costs a write a minute.
const USE_EVERY: Duration = Duration::minutes(1);

/// State of a machine client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientState {
    Active,
    Frozen,
    Retired,
}

/// What may happen to a machine client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientEvent {
    Freeze,
    Unfreeze,
    Retire,
    Rotate,
    EndOldSecret,
}

impl ClientState {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Frozen => "FROZEN",
            Self::Retired => "RETIRED",
        }
    }

    /// As read from the database, whose constraint knows these three only.
    pub fn stored(text: &str) -> Self {
        match text {
            "ACTIVE" => Self::Active,
            "RETIRED" => Self::Retired,
            _ => Self::Frozen,
        }
    }

    /// The state after an event. Secrets of a frozen client are rotated, as after a leak, before it comes back.
    ///
    /// # Errors
    /// `CLIENT_RETIRED` for all that is retired, `WRONG_STATE` when the client is there already.
    pub fn next(self, event: ClientEvent, name: &str) -> Result<Self> {
        match (self, event) {
            (Self::Active, ClientEvent::Freeze) => Ok(Self::Frozen),
            (Self::Frozen, ClientEvent::Unfreeze) => Ok(Self::Active),
            (Self::Active | Self::Frozen, ClientEvent::Retire) => Ok(Self::Retired),
            (Self::Active | Self::Frozen, ClientEvent::Rotate | ClientEvent::EndOldSecret) => Ok(self),
            (Self::Frozen, ClientEvent::Freeze) => Err(Refusal::wrong_state(name, self.as_str(), "freeze")),
            (Self::Active, ClientEvent::Unfreeze) => Err(Refusal::wrong_state(name, self.as_str(), "unfreeze")),
            (
                Self::Retired,
                ClientEvent::Freeze
                | ClientEvent::Unfreeze
                | ClientEvent::Retire
                | ClientEvent::Rotate
                | ClientEvent::EndOldSecret,
            ) => Err(retired(name)),
        }
    }

    /// Nothing when the client gets tokens.
    ///
    /// # Errors
    /// `USER_FROZEN`, `CLIENT_RETIRED`.
    pub fn usable(self, name: &str) -> Result<()> {
        match self {
            Self::Active => Ok(()),
            Self::Frozen => Err(Refusal::new(Reason::UserFrozen)),
            Self::Retired => Err(retired(name)),
        }
    }
}

fn retired(name: &str) -> Refusal {
    Refusal::new(Reason::ClientRetired).with("name", name)
}

/// One secret, by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    pub digest: Vec<u8>,
    pub made: DateTime<Utc>,
    /// When a token was last given for it, and where to.
    pub used: Option<DateTime<Utc>>,
    pub used_from: String,
}

/// The secrets of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// Works until it is rotated.
    pub newest: Secret,
    /// The one of before, with its end.
    pub old: Option<(Secret, DateTime<Utc>)>,
}

/// Which of a client's secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Newest,
    Old,
}

impl Secrets {
    /// The secret of before while it works.
    pub fn old_working(&self, now: DateTime<Utc>) -> Option<(&Secret, DateTime<Utc>)> {
        self.old.as_ref().filter(|(_, ends)| *ends > now).map(|(secret, ends)| (secret, *ends))
    }

    /// Which of the secrets that work was given. Takes the same time whichever it is.
    pub fn fitting(&self, given: &str, now: DateTime<Utc>) -> Option<Which> {
        let newest = secret_fits(given, Some(&self.newest.digest));
        let old = secret_fits(given, self.old_working(now).map(|(secret, _)| secret.digest.as_slice()));
        match (newest, old) {
            (true, _) => Some(Which::Newest),
            (false, true) => Some(Which::Old),
            (false, false) => None,
        }
    }

    /// Whether a use of a secret now is written down: the first one at once, then one a minute.
    pub fn is_worth_noting(&self, which: Which, now: DateTime<Utc>) -> bool {
        let used = match which {
            Which::Newest => self.newest.used,
            Which::Old => self.old.as_ref().and_then(|(secret, _)| secret.used),
        };
        used.is_none_or(|used| now - used >= USE_EVERY)
    }

    /// The secrets after a new one was made, with the one of before until the overlap is over. One that nobody used is replaced
    /// while there is another that works: it may have been lost on the way, and the client goes on with the other.
    ///
    /// # Errors
    /// `ROTATION_OPEN` while both are in use.
    pub fn rotated(&self, digest: Vec<u8>, overlap: Duration, now: DateTime<Utc>, name: &str) -> Result<Self> {
        let before = match self.old_working(now) {
            None => &self.newest,
            Some((old, _)) if self.newest.used.is_none() => old,
            Some((_, ends)) => {
                let open = Refusal::new(Reason::RotationOpen).with("name", name);
                return Err(open.with("until", local_time(ends)));
            }
        };
        let old = (overlap > Duration::zero()).then(|| (before.clone(), now + overlap));
        Ok(Self { newest: Secret { digest, made: now, used: None, used_from: String::new() }, old })
    }

    /// The secrets after the one of before was ended.
    ///
    /// # Errors
    /// `NO_OLD_SECRET` when none works.
    pub fn old_ended(&self, now: DateTime<Utc>, name: &str) -> Result<Self> {
        match self.old_working(now) {
            Some(_) => Ok(Self { newest: self.newest.clone(), old: None }),
            None => Err(Refusal::new(Reason::NoOldSecret).with("name", name)),
        }
    }
}

/// How long the secret of before goes on working.
///
/// # Errors
/// `INVALID` outside 0 to 720 hours.
pub fn parse_overlap(hours: Option<i32>) -> Result<Duration> {
    match hours {
        None => Ok(OVERLAP_DEFAULT),
        Some(hours @ 0..=OVERLAP_HOURS_MAX) => Ok(Duration::hours(hours.into())),
        Some(_) => Err(Refusal::invalid("overlap_hours", "0至720小时 / 0 to 720 hours")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passwords::digest;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_395_600 + minute * 60, 0).unwrap()
    }

    fn first() -> Secrets {
        let newest = Secret { digest: digest("one"), made: at(0), used: Some(at(1)), used_from: String::new() };
        Secrets { newest, old: None }
    }

    const NAME: &str = "machineClients/a";

    #[test]
    fn every_state_answers_every_event() {
        use {ClientEvent as E, ClientState as S};
        for state in [S::Active, S::Frozen, S::Retired] {
            assert_eq!(S::stored(state.as_str()), state);
            for event in [E::Freeze, E::Unfreeze, E::Retire, E::Rotate, E::EndOldSecret] {
                let expected = match (state, event) {
                    (S::Retired, _) => Err(Reason::ClientRetired),
                    (S::Active, E::Freeze) => Ok(S::Frozen),
                    (S::Frozen, E::Unfreeze) => Ok(S::Active),
                    (S::Frozen, E::Freeze) | (S::Active, E::Unfreeze) => Err(Reason::WrongState),
                    (_, E::Retire) => Ok(S::Retired),
                    (same, E::Rotate | E::EndOldSecret) => Ok(same),
                };
                assert_eq!(
                    state.next(event, NAME).map_err(|refusal| refusal.reason()),
                    expected,
                    "{state:?} {event:?}"
                );
            }
        }
        assert!(S::Active.usable(NAME).is_ok());
        assert_eq!(S::Frozen.usable(NAME).unwrap_err().reason(), Reason::UserFrozen);
        assert_eq!(S::Retired.usable(NAME).unwrap_err().reason(), Reason::ClientRetired);
    }

    #[test]
    fn two_secrets_work_during_the_overlap_and_one_after_it() {
        let two = first().rotated(digest("two"), Duration::hours(1), at(10), NAME).unwrap();
        assert_eq!(two.fitting("one", at(69)), Some(Which::Old));
        assert_eq!(two.fitting("two", at(69)), Some(Which::Newest));
        assert_eq!(two.fitting("one", at(70)), None, "its end is no part of it");
        assert_eq!(two.fitting("two", at(10_000)), Some(Which::Newest));
        assert_eq!(two.fitting("", at(11)), None);
        let at_once = first().rotated(digest("two"), Duration::zero(), at(10), NAME).unwrap();
        assert_eq!((at_once.fitting("one", at(10)), at_once.old), (None, None));
    }

    #[test]
    fn there_is_no_third_secret_but_one_that_nobody_used_is_replaced() {
        let mut two = first().rotated(digest("two"), Duration::hours(1), at(10), NAME).unwrap();
        let again = two.rotated(digest("three"), Duration::hours(1), at(20), NAME).unwrap();
        assert_eq!(again.fitting("one", at(79)), Some(Which::Old), "it goes on for the new overlap");
        assert_eq!((again.fitting("two", at(20)), again.fitting("three", at(20))), (None, Some(Which::Newest)));
        two.newest.used = Some(at(15));
        let refusal = two.rotated(digest("three"), Duration::hours(1), at(20), NAME).unwrap_err();
        assert_eq!(refusal.reason(), Reason::RotationOpen);
        let later = two.rotated(digest("three"), Duration::hours(1), at(70), NAME).unwrap();
        assert_eq!(later.fitting("two", at(71)), Some(Which::Old), "after the overlap there is room again");
        assert_eq!(later.fitting("one", at(71)), None);
    }

    #[test]
    fn the_old_secret_is_ended_early_once() {
        let two = first().rotated(digest("two"), Duration::hours(1), at(10), NAME).unwrap();
        let one = two.old_ended(at(11), NAME).unwrap();
        assert_eq!((one.fitting("one", at(11)), one.fitting("two", at(11))), (None, Some(Which::Newest)));
        for none in [one.old_ended(at(11), NAME), two.old_ended(at(70), NAME), first().old_ended(at(1), NAME)] {
            assert_eq!(none.unwrap_err().reason(), Reason::NoOldSecret);
        }
    }

    #[test]
    fn the_first_use_of_a_secret_is_noted_and_then_one_a_minute() {
        let two = first().rotated(digest("two"), Duration::hours(1), at(1), NAME).unwrap();
        assert!(two.is_worth_noting(Which::Newest, at(1)));
        assert!(!two.is_worth_noting(Which::Old, at(2) - Duration::seconds(1)));
        assert!(two.is_worth_noting(Which::Old, at(2)));
    }

    #[test]
    fn an_overlap_is_up_to_thirty_days() {
        assert_eq!(parse_overlap(None).unwrap(), Duration::days(7));
        assert_eq!(parse_overlap(Some(0)).unwrap(), Duration::zero());
        assert_eq!(parse_overlap(Some(720)).unwrap(), Duration::days(30));
        for wrong in [-1, 721, i32::MIN, i32::MAX] {
            assert_eq!(parse_overlap(Some(wrong)).unwrap_err().reason(), Reason::Invalid);
        }
    }
}
