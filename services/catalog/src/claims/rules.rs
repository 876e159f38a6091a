//! What becomes of a claim, without I/O and without a clock (art. 6).

use kit::error::{Reason, Refusal, Result};
use proto::qingtian::catalog::v1 as pb;

/// Items of one act at the most.
pub const ITEMS_MAX: usize = 200;
/// Departments of one act at the most.
pub const ORGANISATIONS_MAX: usize = 100;
/// Claims of one act at the most.
pub const CLAIMS_MAX: usize = 1_000;
/// Characters of a code of a source list at the most; the state's have 14 digits.
const REASON_CHARS_MAX: usize = 500;

/// State of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    ToClaim,
    Claimed,
    Declined,
    Ordered,
    Withdrawn,
}

/// What may happen to a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Claim,
    Decline,
    Order,
    Withdraw,
}

impl Event {
    fn said(self) -> &'static str {
        match self {
            Self::Claim => "认领 claim",
            Self::Decline => "申请不认领 decline",
            Self::Order => "裁定认领 order",
            Self::Withdraw => "撤回 withdraw",
        }
    }
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::ToClaim, Self::Claimed, Self::Declined, Self::Ordered, Self::Withdrawn];

    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToClaim => "TO_CLAIM",
            Self::Claimed => "CLAIMED",
            Self::Declined => "DECLINED",
            Self::Ordered => "ORDERED",
            Self::Withdrawn => "WITHDRAWN",
        }
    }

    /// As read from the database, whose constraint knows these only.
    pub fn stored(text: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.as_str() == text).unwrap_or(Self::Withdrawn)
    }

    /// As the contract shows it.
    pub fn shown(self) -> pb::ClaimState {
        match self {
            Self::ToClaim => pb::ClaimState::ToClaim,
            Self::Claimed => pb::ClaimState::Claimed,
            Self::Declined => pb::ClaimState::Declined,
            Self::Ordered => pb::ClaimState::Ordered,
            Self::Withdrawn => pb::ClaimState::Withdrawn,
        }
    }

    /// As asked for; none for any.
    pub fn asked(state: pb::ClaimState) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.shown() == state)
    }

    /// Whether its clock runs: until it is claimed or withdrawn.
    pub fn is_open(self) -> bool {
        match self {
            Self::ToClaim | Self::Declined | Self::Ordered => true,
            Self::Claimed | Self::Withdrawn => false,
        }
    }

    /// The state after an event.
    ///
    /// # Errors
    /// `DECLINED_ONCE` for declining what was ordered, told until when to claim; `WRONG_STATE`.
    pub fn next(self, event: Event, called: &str, due: &str) -> Result<Self> {
        match (self, event) {
            (Self::ToClaim | Self::Ordered, Event::Claim) => Ok(Self::Claimed),
            (Self::ToClaim, Event::Decline) => Ok(Self::Declined),
            (Self::Declined, Event::Order) => Ok(Self::Ordered),
            (Self::Declined, Event::Withdraw) => Ok(Self::Withdrawn),
            (Self::Ordered, Event::Decline) => {
                Err(Refusal::new(Reason::DeclinedOnce).with("item", called).with("due", due))
            }
            (Self::Claimed | Self::Declined | Self::Withdrawn, Event::Claim | Event::Decline)
            | (Self::ToClaim | Self::Claimed | Self::Ordered | Self::Withdrawn, Event::Order | Event::Withdraw) => {
                Err(Refusal::wrong_state(called, self.as_str(), event.said()))
            }
        }
    }
}

/// Why something is done, which cannot be left out.
///
/// # Errors
/// `INVALID`.
pub fn reason(text: &str) -> Result<String> {
    let text = text.trim();
    let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.is_empty() || text.chars().count() > REASON_CHARS_MAX || text.chars().any(control) {
        let problem =
            format!("请写明理由，至多{REASON_CHARS_MAX}个字符 / say why, in at most {REASON_CHARS_MAX} characters");
        return Err(Refusal::invalid("reason", problem));
    }
    Ok(text.to_owned())
}

/// Checks how much is handed down at once.
///
/// # Errors
/// `INVALID` for nothing, `TOO_LARGE`.
pub fn check_size(items: usize, organisations: usize) -> Result<()> {
    for (field, count) in [("items", items), ("organisations", organisations)] {
        if count == 0 {
            return Err(Refusal::invalid(field, "不能为空 / at least one"));
        }
    }
    let claims = items.saturating_mul(organisations);
    for (count, limit) in [(items, ITEMS_MAX), (organisations, ORGANISATIONS_MAX), (claims, CLAIMS_MAX)] {
        if count > limit {
            return Err(Refusal::new(Reason::TooLarge).with("limit", limit));
        }
    }
    Ok(())
}

/// Whose list items come from.
///
/// # Errors
/// `INVALID`.
pub fn level(number: i32) -> Result<pb::ItemLevel> {
    match pb::ItemLevel::try_from(number) {
        Ok(level @ (pb::ItemLevel::State | pb::ItemLevel::Province | pb::ItemLevel::City)) => Ok(level),
        Ok(pb::ItemLevel::Unspecified) | Err(_) => {
            Err(Refusal::invalid("level", "请选择事项来源层级 / choose whose list it is"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_answers_every_event() {
        use Event::{Claim, Decline, Order, Withdraw};
        use State::{Claimed, Declined, Ordered, ToClaim, Withdrawn};
        let ways = [
            (ToClaim, Claim, Claimed),
            (ToClaim, Decline, Declined),
            (Declined, Order, Ordered),
            (Declined, Withdraw, Withdrawn),
            (Ordered, Claim, Claimed),
        ];
        for state in State::ALL {
            for event in [Claim, Decline, Order, Withdraw] {
                let found = ways.iter().find(|(from, by, _)| (*from, *by) == (state, event));
                match (found, state.next(event, "事项", "2026-03-31")) {
                    (Some((_, _, to)), Ok(next)) => assert_eq!(next, *to),
                    (None, Err(refusal)) => {
                        let once = (state, event) == (Ordered, Decline);
                        let reason = if once { Reason::DeclinedOnce } else { Reason::WrongState };
                        assert_eq!(refusal.reason(), reason, "{state:?} {event:?}");
                    }
                    other => panic!("{state:?} {event:?}: {other:?}"),
                }
            }
            assert_eq!(State::stored(state.as_str()), state);
            assert_eq!(State::asked(state.shown()), Some(state));
        }
        assert_eq!(State::asked(pb::ClaimState::Unspecified), None);
    }

    #[test]
    fn so_much_is_handed_down_at_once_and_no_more() {
        check_size(200, 5).unwrap();
        check_size(10, 100).unwrap();
        for (items, organisations) in [(0, 1), (1, 0), (201, 1), (1, 101), (200, 6), (usize::MAX, 2)] {
            check_size(items, organisations).unwrap_err();
        }
    }
}
