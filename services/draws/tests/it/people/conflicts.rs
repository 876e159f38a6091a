//! How a conflict of interest ends (art. 16).

use super::*;

fn ask(conflict: &pb::Conflict, reason: &str, etag: &str) -> pb::RequestConflictLiftRequest {
    let (name, reason, etag) = (conflict.name.clone(), reason.into(), etag.into());
    pb::RequestConflictLiftRequest { name, reason, etag, request_id: String::new() }
}

fn lift(conflict: &pb::Conflict, etag: &str) -> pb::LiftConflictRequest {
    pb::LiftConflictRequest { name: conflict.name.clone(), etag: etag.into(), request_id: String::new() }
}

fn reject(conflict: &pb::Conflict, reason: &str, etag: &str) -> pb::RejectConflictLiftRequest {
    let (name, reason, etag) = (conflict.name.clone(), reason.into(), etag.into());
    pb::RejectConflictLiftRequest { name, reason, etag, request_id: String::new() }
}

/// Reason of a refusal, and who is told to have changed the conflict by what.
fn told<T: std::fmt::Debug>(answer: Result<T, tonic::Status>) -> (String, String, String) {
    let (why, mut told) = refusal_of(&answer.unwrap_err());
    let mut value = |name: &str| told.remove(name).unwrap_or_default();
    (why, value("who"), value("what"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_ends_only_when_another_person_lifts_it() {
    let world = World::start().await;
    world.officer("4102-001", MARKET, &[LONGTING]).await;
    world.officer("4102-002", MARKET, &[LONGTING]).await;
    let mut clerk = world.clerk().await;
    let mut himself = PeopleClient::new(world.himself("4102-001").await);
    let mut other = PeopleClient::new(world.himself("4102-002").await);
    let made = clerk.declare_conflict(declares("4102-001", "site:1")).await.unwrap().into_inner();
    assert_eq!(made.state(), pb::ConflictState::Standing);
    let ask = |reason: &str, etag: &str| ask(&made, reason, etag);
    let lift = |etag: &str| lift(&made, etag);
    let reject = |reason: &str, etag: &str| reject(&made, reason, etag);
    let mut reviewer = world.people("users/reviewer", &[Role::Reviewer]).await;
    assert_eq!(reason(reviewer.lift_conflict(lift("1")).await), "WRONG_STATE", "nobody asked");
    assert_eq!(reason(other.request_conflict_lift(ask("已离职", "1")).await), "NOT_FOUND", "another officer's");
    assert_eq!(reason(himself.request_conflict_lift(ask(" ", "1")).await), "INVALID");
    let asked = himself.request_conflict_lift(ask("配偶已离职", "1")).await.unwrap().into_inner();
    assert_eq!((asked.state(), asked.lift_reason.as_str()), (pb::ConflictState::LiftAsked, "配偶已离职"));
    assert_eq!(reason(himself.request_conflict_lift(ask("配偶已离职", "2")).await), "LIFT_OPEN");
    assert_eq!(world.excluded().await.len(), 1, "excluded still");
    let mut own = PeopleClient::new(
        world.harness.officer("users/of-4102-001", MARKET, &[Role::Reviewer], "4102-001").await.unwrap(),
    );
    assert_eq!(reason(own.lift_conflict(lift("2")).await), "OWN_ACT");
    let roles = [Role::SupervisionOffice, Role::Reviewer];
    let mut ducha = PeopleClient::new(world.harness.user("users/ducha", HEALTH, &roles).await.unwrap());
    assert_eq!(reason(ducha.lift_conflict(lift("2")).await), "NOT_FOUND", "another organisation's");
    assert_eq!(reason(ducha.reject_conflict_lift(reject("证据不足", "2")).await), "NOT_FOUND");
    assert_eq!(reason(himself.lift_conflict(lift("2")).await), "ROLE_MISSING");
    assert_eq!(reason(reviewer.reject_conflict_lift(reject("", "2")).await), "INVALID");
    let rejected = reviewer.reject_conflict_lift(reject("尚在领取分红", "2")).await.unwrap().into_inner();
    assert_eq!((rejected.state(), rejected.lift_reject_reason.as_str()), (pb::ConflictState::Standing, "尚在领取分红"));

    let mut both = world.people("users/both", &[Role::Handler, Role::Reviewer]).await;
    both.request_conflict_lift(ask("股份已转让", "3")).await.unwrap();
    assert_eq!(reason(both.lift_conflict(lift("4")).await), "OWN_ACT", "whoever asked does not decide");
    let lifted = reviewer.lift_conflict(lift("4")).await.unwrap().into_inner();
    assert_eq!((lifted.state(), lifted.lift_decider.as_str()), (pb::ConflictState::Lifted, "users/reviewer"));
    assert!(world.excluded().await.is_empty(), "lifted ones exclude nobody in later draws");
    assert_eq!(reason(reviewer.lift_conflict(lift("5")).await), "WRONG_STATE");
    assert_eq!(reason(himself.request_conflict_lift(ask("再次", "5")).await), "CONFLICT_LIFTED");

    // One that comes back is declared anew.
    let anew = clerk.declare_conflict(declares("4102-001", "site:1")).await.unwrap().into_inner();
    assert_ne!(anew.name, made.name);
    assert_eq!(world.excluded().await.len(), 1);
    let state = |state: pb::ConflictState| pb::ListConflictsRequest {
        parent: MARKET.into(),
        state: state as i32,
        ..Default::default()
    };
    for (asked, count) in [
        (pb::ConflictState::Unspecified, 2),
        (pb::ConflictState::Standing, 1),
        (pb::ConflictState::LiftAsked, 0),
        (pb::ConflictState::Lifted, 1),
    ] {
        assert_eq!(clerk.list_conflicts(state(asked)).await.unwrap().into_inner().conflicts.len(), count, "{asked:?}");
    }
    let queried = pb::ListConflictsRequest { query: "002".into(), ..state(pb::ConflictState::Unspecified) };
    assert!(clerk.list_conflicts(queried).await.unwrap().into_inner().conflicts.is_empty());
    let wrong = pb::ListConflictsRequest { state: 9, ..state(pb::ConflictState::Unspecified) };
    assert_eq!(reason(clerk.list_conflicts(wrong).await), "INVALID");
    let owner = world.harness.owner_pool("draws").await.unwrap();
    for sql in [
        "update conflict_lift set reason = 'x'",
        "update conflict_lift set state = 'REJECTED'",
        "delete from conflict_lift",
    ] {
        assert!(sqlx::query(sql).execute(&owner).await.is_err(), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_read_a_conflict_before_another_act_is_told_who_changed_it() {
    let world = World::start().await;
    world.officer("4102-001", MARKET, &[LONGTING]).await;
    let mut clerk = world.clerk().await;
    let mut handler = world.people("users/clerk", &[Role::Handler]).await;
    let mut himself = PeopleClient::new(world.himself("4102-001").await);
    let mut reviewer = world.people("users/reviewer", &[Role::Reviewer]).await;
    let made = clerk.declare_conflict(declares("4102-001", "site:1")).await.unwrap().into_inner();
    let stale = |who: &str, what: &str| ("STALE".to_owned(), who.to_owned(), what.to_owned());

    let asked = himself.request_conflict_lift(ask(&made, "配偶已离职", &made.etag)).await.unwrap().into_inner();
    let by_himself = stale("users/of-4102-001", "申请解除 asked to lift it");
    assert_eq!(told(handler.request_conflict_lift(ask(&made, "配偶已离职", &made.etag)).await), by_himself);
    assert_eq!(told(reviewer.lift_conflict(lift(&made, &made.etag)).await), by_himself);
    assert_eq!(told(reviewer.reject_conflict_lift(reject(&made, "证据不足", &made.etag)).await), by_himself);

    // Rejected and asked anew with another reason: what was read before is not what would be lifted.
    let rejected = reviewer.reject_conflict_lift(reject(&made, "证据不足", &asked.etag)).await.unwrap().into_inner();
    let by_reviewer = stale("users/reviewer", "未予解除 rejected its lifting");
    assert_eq!(told(himself.request_conflict_lift(ask(&made, "已离职", &asked.etag)).await), by_reviewer);
    let again = handler.request_conflict_lift(ask(&made, "股份已转让", &rejected.etag)).await.unwrap().into_inner();
    let by_handler = stale("users/clerk", "申请解除 asked to lift it");
    assert_eq!(told(reviewer.lift_conflict(lift(&made, &asked.etag)).await), by_handler);
    reviewer.lift_conflict(lift(&made, &again.etag)).await.unwrap();
    let by_reviewer = stale("users/reviewer", "解除 lifted");
    assert_eq!(told(reviewer.reject_conflict_lift(reject(&made, "证据不足", &again.etag)).await), by_reviewer);
    let list = pb::ListConflictsRequest { parent: MARKET.into(), ..Default::default() };
    assert_eq!(clerk.list_conflicts(list).await.unwrap().into_inner().conflicts[0].etag, "5");
    let unread = |answer: Result<tonic::Response<pb::Conflict>, tonic::Status>| told(answer).0;
    assert_eq!(unread(himself.request_conflict_lift(ask(&made, "已离职", "")).await), "INVALID");
    assert_eq!(unread(reviewer.lift_conflict(lift(&made, "")).await), "INVALID");
    assert_eq!(unread(reviewer.reject_conflict_lift(reject(&made, "证据不足", "")).await), "INVALID");
}
