//! Entries (art. 15): each contributor gives exactly one, public at once and never changed; the beacon's value comes last.

use kit::{
    auth::Caller,
    error::{Reason, Refusal, Result},
    ledger::{Audience, Tx},
};
use lottery::rules::{Kind, Rules};
use proto::qingtian::draws::{events::v1 as events, v1 as pb};

use super::{
    Desk, frozen,
    rules::{Event, State},
    store::{self, DrawRow, Sight, Typed},
    view,
};
use crate::plans::content;

/// Different values one account can type for one draw. Whoever mistypes types again; more than this is no slip, and another
/// account can always type.
const TYPED_MAX: i64 = 10;

impl Desk {
    /// Adds the entry of the caller's organisation.
    ///
    /// # Errors
    /// `NOT_A_CONTRIBUTOR`, `ENTRY_GIVEN`, `ENTRIES_CLOSED`, `WRONG_STATE`, `INVALID`.
    pub(super) async fn add_entry(&self, caller: &Caller, request: pb::AddEntryRequest) -> Result<pb::Draw> {
        let mut tx = self.ledger.begin(caller, &request.request_id, &request).await?;
        let row = store::lock(&mut tx, &request.name, &Sight::of(caller)).await?;
        let contributing = store::contributors(&mut tx, &row.name).await?;
        let unit = store::unit_of(&caller.organisation);
        let place = contributing.iter().position(|one| one.unit.as_deref() == Some(unit));
        let Some(place) = place else {
            return Err(Refusal::new(Reason::NotAContributor).with("draw", &row.name));
        };
        let given = store::entries(&mut tx, &row.name).await?;
        let index = index_of(place)?;
        if given.iter().any(|(one, _)| *one == index) {
            return Err(Refusal::new(Reason::EntryGiven).with("contributor", &contributing[place].contributor));
        }
        // Whoever waited for the lock beyond the close is too late.
        let standing = store::standing(&mut tx, &row.name).await?;
        let state = standing.apply(Event::Enter, self.env.clock.now())?;
        let statement = frozen::statement(&mut tx, &row.name).await?;
        if request.statement != statement.digest {
            let problem = "与本次抽签声明的摘要不符，请核对声明后再提交 / not the digest of this draw's statement";
            return Err(Refusal::invalid("statement", problem));
        }
        let rules = Rules::parse(&statement.rules).map_err(Refusal::internal)?;
        check_value(&rules, place, &request.value)?;
        let draw = self.enter(&mut tx, row, (place, &contributing[place].contributor), &request.value, state).await?;
        let draw = view::shown_to(caller, draw, tx.now());
        tx.commit(&draw).await?;
        self.wake();
        Ok(draw)
    }

    /// Takes a beacon's value as people type it.
    ///
    /// # Errors
    /// `BEACON_TOO_EARLY`, `BEACON_WRONG`, `ENTRY_GIVEN`, `NUMBERS_DIFFER`, `SELF_DRAWN_BEACON`, `WRONG_STATE`, `INVALID`.
    pub(super) async fn report_beacon(&self, caller: &Caller, request: pb::ReportBeaconRequest) -> Result<pb::Draw> {
        let mut tx = self.ledger.begin(caller, &request.request_id, &request).await?;
        let row = store::lock(&mut tx, &request.name, &Sight::of(caller)).await?;
        let contributing = store::contributors(&mut tx, &row.name).await?;
        let state = match store::standing(&mut tx, &row.name).await?.apply(Event::EnterBeacon, self.env.clock.now()) {
            Err(refusal) if refusal.reason() != Reason::BeaconTooEarly => return Err(refusal),
            timely => timely,
        };
        let statement = frozen::statement(&mut tx, &row.name).await?;
        let rules = Rules::parse(&statement.rules).map_err(Refusal::internal)?;
        let place = contributing.iter().position(|one| one.kind == Kind::Beacon);
        let (Some(place), Some(beacon)) = (place, rules.beacon()) else {
            return Err(Refusal::wrong_state(&row.name, State::parse(&row.state)?.said(), Event::EnterBeacon.said()));
        };
        if beacon.is_demonstration() {
            let problem = "演示用公共随机数由系统产生，无需录入 / the demonstration's lottery needs nobody";
            return Err(Refusal::invalid("value", problem));
        }
        let state = state?;
        check_value(&rules, place, &request.value)?;
        let settled = if beacon.is_signed() {
            // A round has one signature, which is checked here: whoever types it has no choice, so one account is enough.
            let wrong = |error: lottery::Error| Refusal::new(Reason::BeaconWrong).with("beacon", beacon).because(error);
            beacon.check_signature(&request.value).map(|()| true).map_err(wrong)
        } else {
            // One account could choose a lottery's numbers, and who knows the secret by that the result: two type them.
            typed_twice(&mut tx, &row, &request.value).await
        };
        let entered = match settled {
            Err(refusal) if refusal.reason() == Reason::NumbersDiffer => {
                // What was typed is kept although the call is refused: otherwise one wrong account could hold the draw up
                // against any number of right ones until it fails.
                tx.commit_refused().await?;
                return Err(refusal);
            }
            settled => settled?,
        };
        let draw = if entered {
            self.enter(&mut tx, row, (place, &contributing[place].contributor), &request.value, state).await?
        } else {
            view::draw(&mut tx, &row).await?
        };
        let draw = view::shown_to(caller, draw, tx.now());
        tx.commit(&draw).await?;
        self.wake();
        Ok(draw)
    }

    /// Writes an entry, moves the draw on and announces it. Commits nothing.
    pub(crate) async fn enter(
        &self,
        tx: &mut Tx,
        mut row: DrawRow,
        (place, contributor): (usize, &str),
        value: &str,
        state: State,
    ) -> Result<pb::Draw> {
        let before = view::draw(tx, &row).await?;
        let (now, actor) = (tx.now(), tx.caller().actor.clone());
        let index = index_of(place)?;
        store::insert_entry(tx, &row.name, (index, contributor), value, now, &actor).await?;
        store::save(tx, &mut row, state, &actor, "提交随机数 entered").await?;
        let draw = view::draw(tx, &row).await?;
        let entry = draw.entries.iter().find(|entry| entry.index == index).cloned();
        let event = events::EntryAdded { draw: row.name.clone(), entry };
        tx.emit(&row.name, row.revision, &event, Audience::Public)?;
        tx.changed(&row.name, Some(&before), Some(&draw));
        tracing::info!(draw.id = %row.name, contributor, "added entry");
        Ok(draw)
    }

    /// Gives a draw up before its first entry.
    ///
    /// # Errors
    /// `ENTRY_EXISTS`, `WRONG_STATE`, `OWN_ACT`, `STALE`, `INVALID`.
    pub(super) async fn abandon(&self, caller: &Caller, request: pb::AbandonDrawRequest) -> Result<pb::Draw> {
        let mut tx = self.ledger.begin(caller, &request.request_id, &request).await?;
        let mut row = store::lock_own(&mut tx, &request.name, &caller.organisation).await?;
        let state = store::standing(&mut tx, &row.name).await?.apply(Event::Abandon, self.env.clock.now())?;
        Refusal::check_etag(&request.etag, row.revision, &row.name, (&row.changed_by, &row.changed_act))?;
        if row.creator == caller.actor {
            return Err(Refusal::new(Reason::OwnAct));
        }
        let reason = content::reason("reason", &request.reason, "请说明理由 / say why")?;
        let before = view::draw(&mut tx, &row).await?;
        row.end_reason = reason;
        store::save(&mut tx, &mut row, state, &caller.actor, "放弃 abandoned").await?;
        let draw = view::draw(&mut tx, &row).await?;
        tx.emit(&row.name, row.revision, &events::DrawEnded { draw: Some(view::public(&draw)) }, Audience::Public)?;
        tx.changed(&row.name, Some(&before), Some(&draw));
        tx.commit(&draw).await?;
        tracing::info!(draw.id = %row.name, "abandoned draw");
        Ok(draw)
    }
}

/// Whether two accounts, one of them outside the drawing unit, typed the same numbers. What an account types is kept when it is
/// something new.
///
/// # Errors
/// `NUMBERS_DIFFER`, with what was typed to be kept; `SELF_DRAWN_BEACON`; `INVALID` when the account typed too often.
async fn typed_twice(tx: &mut Tx, row: &DrawRow, value: &str) -> Result<bool> {
    let (now, caller) = (tx.now(), tx.caller());
    let unit = store::unit_of(&caller.organisation).to_owned();
    let typed = Typed { actor: caller.actor.clone(), unit, value: value.to_owned() };
    let before = store::typed(tx, &row.name).await?;
    let settled = agree(&typed, &before, &row.unit);
    let kept = settled.as_ref().map_or_else(|refusal| refusal.reason() == Reason::NumbersDiffer, |_| true);
    if kept && !before.contains(&typed) {
        if store::times_typed(tx, &row.name, &typed.actor).await? >= TYPED_MAX {
            let problem = format!(
                "您已录入过 {TYPED_MAX} 次不同的值，请由其他账号录入 / you typed {TYPED_MAX} values; another account has to type"
            );
            return Err(Refusal::invalid("value", problem));
        }
        store::insert_typed(tx, &row.name, &typed, now).await?;
        tx.changed::<pb::Draw>(&row.name, None, None);
    }
    settled
}

fn index_of(place: usize) -> Result<i32> {
    i32::try_from(place + 1).map_err(Refusal::internal)
}

/// Checks a value as the protocol asks of the contributor at this place, from 0.
///
/// # Errors
/// `INVALID`.
pub(crate) fn check_value(rules: &Rules, place: usize, value: &str) -> Result<()> {
    let problem = |error: lottery::Error| Refusal::invalid("value", format!("取值不合要求 / {error}"));
    rules.entry(place, value).map(|_| ()).map_err(problem)
}

/// Compares what an account typed with what others typed before: whether it settles the value.
fn agree(typed: &Typed, before: &[Typed], drawing_unit: &str) -> Result<bool> {
    let others = || before.iter().filter(|one| one.actor != typed.actor);
    let same = || others().filter(|one| one.value == typed.value);
    let outside = |one: &Typed| one.unit != drawing_unit;
    if same().any(|one| outside(one) || outside(typed)) {
        return Ok(true);
    }
    if others().any(|one| one.value != typed.value) {
        return Err(Refusal::new(Reason::NumbersDiffer));
    }
    if same().next().is_some() { Err(Refusal::new(Reason::SelfDrawnBeacon)) } else { Ok(false) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(actor: &str, unit: &str, value: &str) -> Typed {
        Typed { actor: actor.to_owned(), unit: unit.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn two_accounts_one_outside_settle_a_lotterys_numbers() {
        let (own, other) = (typed("users/a", "market", "1"), typed("users/b", "supervision", "1"));
        assert!(!agree(&own, &[], "market").unwrap(), "one account is not enough");
        assert!(!agree(&own, std::slice::from_ref(&own), "market").unwrap(), "nor is it twice");
        assert!(agree(&own, std::slice::from_ref(&other), "market").unwrap());
        assert!(agree(&other, std::slice::from_ref(&own), "market").unwrap());
        let colleague = typed("users/c", "market", "1");
        assert_eq!(
            agree(&colleague, std::slice::from_ref(&own), "market").unwrap_err().reason(),
            Reason::SelfDrawnBeacon
        );
        let wrong = typed("users/b", "supervision", "2");
        assert_eq!(agree(&wrong, std::slice::from_ref(&own), "market").unwrap_err().reason(), Reason::NumbersDiffer);
    }

    #[test]
    fn one_wrong_account_holds_nobody_up() {
        let wrong = typed("users/a", "market", "2");
        let before = [wrong, typed("users/b", "supervision", "1")];
        assert!(agree(&typed("users/c", "health", "1"), &before, "market").unwrap());
    }
}
