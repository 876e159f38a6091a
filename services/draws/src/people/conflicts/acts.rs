//! Acts over conflicts (art. 16): declared by the person or a handler, lifted by a second person.

use kit::{
    auth::Caller,
    codes::SubjectKey,
    error::{Reason, Refusal, Result},
    ledger::{Ledger, Tx},
};
use proto::qingtian::draws::v1 as pb;

use super::store::{self, ConflictRow, Filter, LiftRow};
use crate::{
    people::{Person, Sight, check_self_or_handler, is_self},
    plans::content::{reason, text},
    registers::{import::new_id, store::within},
};

/// Parses the subject of a conflict.
///
/// # Errors
/// `INVALID`.
pub fn subject(field: &str, given: &str) -> Result<SubjectKey> {
    SubjectKey::parse(given).map_err(|error| Refusal::invalid(field, format!("{} / {error}", error.zh())))
}

/// A conflict of a locked person, as it is declared in an act.
pub fn declared(tx: &Tx, organisation: &str, person: &Person, subject: &SubjectKey, reason: &str) -> ConflictRow {
    ConflictRow {
        id: new_id(tx.now()),
        organisation: organisation.to_owned(),
        officer: person.key.clone(),
        holder: person.holder.clone(),
        subject: subject.to_string(),
        subject_title: String::new(),
        reason: reason.to_owned(),
        creator: tx.caller().actor.clone(),
        created_at: tx.now(),
        revision: 1,
        lift: LiftRow::default(),
    }
}

/// Answers `Registers.DeclareConflict`.
///
/// # Errors
/// `ROLE_MISSING`, `NOT_FOUND`, `ALREADY_EXISTS`, `INVALID`, `EXPERT_RETIRED`.
pub async fn declare(ledger: &Ledger, caller: &Caller, request: pb::DeclareConflictRequest) -> Result<pb::Conflict> {
    caller.owns(&request.parent)?;
    let given = request.conflict.clone().unwrap_or_default();
    // An officer declares what concerns himself; a handler writes down what others declared.
    check_self_or_handler(caller, if given.expert { "" } else { &given.officer })?;
    let subject = subject("conflict.subject", &given.subject)?;
    let reason = reason("conflict.reason", &given.reason, "请说明利害关系 / say what the interest is")?;
    let mut tx = ledger.begin(caller, &request.request_id, &request).await?;
    let person = Person::lock(&mut tx, &request.parent, &given.officer, given.expert).await?;
    let mut conflict = declared(&tx, &request.parent, &person, &subject, &reason);
    conflict.subject_title = store::title_of(&mut tx, &request.parent, &conflict.subject).await?;
    store::insert(&mut tx, &conflict).await?;
    let answer = conflict.message();
    tx.changed(&answer.name, None, Some(&answer));
    tx.commit(&answer).await?;
    Ok(answer)
}

/// Answers `Registers.ListConflicts`.
///
/// # Errors
/// `NOT_FOUND`, `INVALID`, `PAGE_TOKEN`.
pub async fn list(
    ledger: &Ledger,
    caller: &Caller,
    request: pb::ListConflictsRequest,
) -> Result<pb::ListConflictsResponse> {
    caller.reaches(&request.parent)?;
    let page = store::ORDERS.page(&request.order_by, &request.page_token, request.page_size)?;
    let lift = match pb::ConflictState::try_from(request.state) {
        Ok(pb::ConflictState::Unspecified) => None,
        Ok(pb::ConflictState::Standing) => Some(""),
        Ok(pb::ConflictState::LiftAsked) => Some("REQUESTED"),
        Ok(pb::ConflictState::Lifted) => Some("LIFTED"),
        Err(_) => return Err(Refusal::invalid("state", "没有这种状态 / unknown")),
    };
    let query = text("query", &request.query, 100)?;
    let filter = Filter { organisation: &request.parent, sight: &Sight::of(caller), query: &query, lift };
    let mut conn = ledger.pool().acquire().await?;
    let mut found = store::list(&mut conn, &filter, &page).await?;
    let next_page_token = page.cut(&mut found);
    Ok(pb::ListConflictsResponse { conflicts: found.iter().map(ConflictRow::message).collect(), next_page_token })
}

/// Answers `People.RequestConflictLift`.
///
/// # Errors
/// `STALE`, `CONFLICT_LIFTED`, `LIFT_OPEN`, `NOT_FOUND`, `INVALID`.
pub async fn ask_lift(
    ledger: &Ledger,
    caller: &Caller,
    request: pb::RequestConflictLiftRequest,
) -> Result<pb::Conflict> {
    let (organisation, id) = within(&request.name, "conflicts", &caller.own())?;
    let why = reason("reason", &request.reason, "请说明利害关系为何已消除 / say why the interest has gone")?;
    let mut tx = ledger.begin(caller, &request.request_id, &request).await?;
    store::lock_lift(&mut tx, id).await?;
    let before = store::get(&mut tx, organisation, id, &Sight::of(caller)).await?;
    Refusal::check_etag(&request.etag, before.revision, &request.name, before.last_act())?;
    match before.state() {
        pb::ConflictState::Lifted => return Err(Refusal::new(Reason::ConflictLifted)),
        pb::ConflictState::LiftAsked => {
            return Err(Refusal::new(Reason::LiftOpen).with("asker", &before.lift.lift_creator));
        }
        pb::ConflictState::Standing | pb::ConflictState::Unspecified => {}
    }
    let by = (caller.actor.as_str(), tx.now());
    store::ask_lift(&mut tx, &before, &new_id(by.1), &why, by).await?;
    changed(tx, caller, &before).await
}

/// Answers `People.LiftConflict`, and with a reason `People.RejectConflictLift`.
///
/// # Errors
/// `STALE`, `WRONG_STATE` when nobody asked, `OWN_ACT`, `NOT_FOUND`.
pub async fn decide_lift(
    mut tx: Tx,
    caller: &Caller,
    (name, etag): (&str, &str),
    reject_reason: &str,
) -> Result<pb::Conflict> {
    let (organisation, id) = within(name, "conflicts", &caller.own())?;
    store::lock_lift(&mut tx, id).await?;
    let before = store::get(&mut tx, organisation, id, &Sight::Office).await?;
    Refusal::check_etag(etag, before.revision, name, before.last_act())?;
    match before.state() {
        pb::ConflictState::LiftAsked => {}
        pb::ConflictState::Lifted => {
            return Err(Refusal::wrong_state(name, "已解除 LIFTED", "审核解除 decide on lifting"));
        }
        pb::ConflictState::Standing | pb::ConflictState::Unspecified => {
            return Err(Refusal::wrong_state(name, "无待决的解除申请 STANDING", "审核解除 decide on lifting"));
        }
    }
    let concerned = store::concerned(&mut tx, &before).await?;
    let about_self = concerned.is_some_and(|(key, account)| is_self(caller, &key) || account == caller.actor);
    if about_self || before.lift.lift_creator == caller.actor {
        return Err(Refusal::new(Reason::OwnAct));
    }
    let by = (caller.actor.as_str(), tx.now());
    store::decide_lift(&mut tx, &before.lift.lift_id, reject_reason, by).await?;
    changed(tx, caller, &before).await
}

/// Commits an act over a conflict and answers what it made of it.
async fn changed(mut tx: Tx, caller: &Caller, before: &ConflictRow) -> Result<pb::Conflict> {
    let after = store::get(&mut tx, &before.organisation, &before.id, &Sight::Office).await?;
    let answer = after.message();
    tx.changed(&answer.name, Some(&before.message()), Some(&answer));
    tx.commit(&answer).await?;
    tracing::info!(conflict.id = %before.id, state = answer.state().as_str_name(), by = %caller.actor, "moved conflict");
    Ok(answer)
}
