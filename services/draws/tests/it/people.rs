//! Leave and yearly declarations (art. 13, 15, 16).

mod candidates;
mod conflicts;

use chrono::{Datelike, Days, Duration, NaiveDate};
use kit::{
    testing::{UserChannel, refusal_of},
    workdays::legal_day,
};
use proto::qingtian::{
    access::v1::Role,
    draws::v1::{self as pb, people_client::PeopleClient},
    identity::events::v1::OfficerChanged,
};
use tonic::Request;

use crate::{
    experts::{create, expert},
    world::*,
};

type People = PeopleClient<UserChannel>;

impl World {
    async fn people(&self, user: &str, roles: &[Role]) -> People {
        PeopleClient::new(self.harness.user(user, MARKET, roles).await.unwrap())
    }

    /// The officer with this certificate himself.
    async fn himself(&self, certificate: &str) -> UserChannel {
        self.harness.officer(&format!("users/of-{certificate}"), MARKET, &[Role::Officer], certificate).await.unwrap()
    }

    fn today(&self) -> NaiveDate {
        legal_day(self.harness.clock.now())
    }

    /// Certificates a draw stated on a day may send.
    async fn sent(&self, on: NaiveDate) -> Vec<String> {
        let mut conn = self.pool.acquire().await.unwrap();
        let found = draws::people::candidates::officers(&mut conn, &[MARKET.to_owned()], on).await.unwrap();
        found.into_iter().map(|officer| officer.key).collect()
    }

    async fn excluded(&self) -> Vec<(String, String)> {
        let mut conn = self.pool.acquire().await.unwrap();
        let found = draws::people::candidates::exclusions(&mut conn, &[MARKET.to_owned()]).await.unwrap();
        found.into_iter().map(|one| (one.person, one.subject)).collect()
    }
}

fn after(day: NaiveDate, days: u64) -> NaiveDate {
    day + Days::new(days)
}

fn leave(officer: &str, first: NaiveDate, last: NaiveDate) -> pb::CreateLeaveRequest {
    let leave = pb::Leave {
        officer: officer.into(),
        first_day: first.to_string(),
        last_day: last.to_string(),
        kind: pb::LeaveKind::Sick as i32,
        reason: "腰椎手术住院".into(),
        ..Default::default()
    };
    pb::CreateLeaveRequest { parent: MARKET.into(), leave: Some(leave), request_id: String::new() }
}

fn declares(officer: &str, subject: &str) -> pb::DeclareConflictRequest {
    let conflict = pb::Conflict {
        officer: officer.into(),
        subject: subject.into(),
        reason: "配偶任职".into(),
        ..Default::default()
    };
    pb::DeclareConflictRequest { parent: MARKET.into(), conflict: Some(conflict), request_id: String::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_on_leave_is_no_candidate_on_those_days() {
    let world = World::start().await;
    for certificate in ["4102-001", "4102-002"] {
        world.officer(certificate, MARKET, &[LONGTING]).await;
    }
    let today = world.today();
    let mut handler = world.people("users/clerk", &[Role::Handler]).await;
    let request =
        pb::CreateLeaveRequest { request_id: "one".into(), ..leave("4102-001", after(today, 2), after(today, 4)) };
    let made = handler.create_leave(request.clone()).await.unwrap().into_inner();
    assert_eq!(handler.create_leave(request).await.unwrap().into_inner(), made);
    for (days, there) in [(1, true), (2, false), (4, false), (5, true)] {
        assert_eq!(world.sent(after(today, days)).await.contains(&"4102-001".to_owned()), there, "{days}");
    }
    let mut himself = PeopleClient::new(world.himself("4102-002").await);
    himself.create_leave(leave("4102-002", today, after(today, 9))).await.unwrap();
    assert_eq!(world.sent(today).await, ["4102-001"]);

    let mut clerk = world.clerk().await;
    let list = pb::ListOfficersRequest { parent: MARKET.into(), ..Default::default() };
    let listed = clerk.list_officers(list.clone()).await.unwrap().into_inner().officers;
    let shown: Vec<_> = listed.iter().map(|one| (&*one.key, &*one.leave_until, one.candidate)).collect();
    let until = after(today, 9).to_string();
    assert_eq!(shown, [("4102-001", "", true), ("4102-002", until.as_str(), false)]);
    let candidates = pb::ListOfficersRequest { candidate: true, ..list };
    assert_eq!(clerk.list_officers(candidates).await.unwrap().into_inner().officers.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leave_does_not_overlap_begins_no_earlier_than_today_and_ends_early_by_another_act() {
    let world = World::start().await;
    world.officer("4102-001", MARKET, &[LONGTING]).await;
    world.officer("4102-002", MARKET, &[LONGTING]).await;
    let today = world.today();
    let mut handler = world.people("users/clerk", &[Role::Handler]).await;
    let made = handler.create_leave(leave("4102-001", after(today, 5), after(today, 9))).await.unwrap().into_inner();
    let wrong_kind = pb::Leave { kind: 0, ..leave("4102-001", today, today).leave.unwrap() };
    let unsaid = pb::Leave { reason: " 病 ".into(), ..leave("4102-001", today, today).leave.unwrap() };
    let no_day = pb::Leave { first_day: "2026-02-30".into(), ..leave("4102-001", today, today).leave.unwrap() };
    let of = |leave| pb::CreateLeaveRequest { parent: MARKET.into(), leave: Some(leave), ..Default::default() };
    for (request, why) in [
        (leave("4102-001", after(today, 9), after(today, 12)), "LEAVE_OVERLAPS"),
        (leave("4102-001", today, after(today, 5)), "LEAVE_OVERLAPS"),
        (leave("4102-001", today, after(today, 30)), "LEAVE_OVERLAPS"),
        (leave("4102-001", today - Days::new(1), today), "LEAVE_IN_PAST"),
        (leave("4102-001", after(today, 2), after(today, 1)), "INVALID"),
        (of(wrong_kind), "INVALID"),
        (of(unsaid), "INVALID"),
        (of(no_day), "INVALID"),
        (leave("4102-404", today, today), "NOT_FOUND"),
        (pb::CreateLeaveRequest { parent: HEALTH.into(), ..leave("4102-001", today, today) }, "NOT_FOUND"),
    ] {
        assert_eq!(reason(handler.create_leave(request).await), why);
    }
    let mut other = PeopleClient::new(world.himself("4102-002").await);
    assert_eq!(reason(other.create_leave(leave("4102-001", today, today)).await), "ROLE_MISSING");
    // Whoever sees the whole city writes in nobody's place.
    let roles = [Role::SupervisionOffice, Role::Handler];
    let mut ducha = PeopleClient::new(world.harness.user("users/ducha", HEALTH, &roles).await.unwrap());
    assert_eq!(reason(ducha.create_leave(leave("4102-002", today, today)).await), "NOT_FOUND");

    let end = |name: &str, last: NaiveDate| pb::EndLeaveRequest {
        name: name.into(),
        last_day: last.to_string(),
        etag: "1".into(),
        ..Default::default()
    };
    assert_eq!(reason(other.end_leave(end(&made.name, after(today, 6))).await), "NOT_FOUND", "another officer's");
    assert_eq!(reason(ducha.end_leave(end(&made.name, after(today, 6))).await), "NOT_FOUND");
    for (last, why) in
        [(after(today, 9), "INVALID"), (after(today, 3), "INVALID"), (today - Days::new(2), "LEAVE_IN_PAST")]
    {
        assert_eq!(reason(handler.end_leave(end(&made.name, last)).await), why, "{last}");
    }
    let ended = handler.end_leave(end(&made.name, after(today, 6))).await.unwrap().into_inner();
    assert_eq!((ended.last_day, ended.ended_day), (after(today, 9).to_string(), after(today, 6).to_string()));
    assert_eq!((made.etag.as_str(), ended.etag.as_str()), ("1", "2"));
    let once_more = |etag: &str| pb::EndLeaveRequest { etag: etag.into(), ..end(&made.name, after(today, 5)) };
    let (why, told) = refusal_of(&handler.end_leave(once_more("1")).await.unwrap_err());
    assert_eq!((why.as_str(), told["name"].as_str()), ("STALE", made.name.as_str()));
    assert_eq!((told["who"].as_str(), told["what"].as_str()), ("users/clerk", "提前结束 ended early"));
    assert_eq!(reason(handler.end_leave(once_more("2")).await), "WRONG_STATE");
    assert_eq!(reason(handler.end_leave(once_more("")).await), "INVALID", "unread");
    assert!(world.sent(after(today, 7)).await.contains(&"4102-001".to_owned()));
    assert!(!world.sent(after(today, 6)).await.contains(&"4102-001".to_owned()));
    // One that was called off leaves no day behind.
    let again = handler.create_leave(leave("4102-001", after(today, 7), after(today, 8))).await.unwrap().into_inner();
    handler.end_leave(end(&again.name, after(today, 6))).await.unwrap();
    handler.create_leave(leave("4102-001", after(today, 7), after(today, 8))).await.unwrap();
    for sql in ["update leave set last_day = first_day", "delete from leave_end", "delete from leave"] {
        let owner = world.harness.owner_pool("draws").await.unwrap();
        assert!(sqlx::query(sql).execute(&owner).await.is_err(), "{sql}");
        assert!(sqlx::query(sql).execute(&world.pool).await.is_err(), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn why_somebody_is_on_leave_is_read_for_a_purpose_by_those_who_manage_and_himself() {
    let world = World::start().await;
    world.officer("4102-001", MARKET, &[LONGTING]).await;
    world.officer("4102-002", MARKET, &[LONGTING]).await;
    let today = world.today();
    let mut handler = world.people("users/clerk", &[Role::Handler]).await;
    let made = handler.create_leave(leave("4102-001", today, today)).await.unwrap().into_inner();
    handler.create_leave(leave("4102-002", after(today, 1), after(today, 2))).await.unwrap();
    assert_eq!(made.reason, "");
    let get = || pb::GetLeaveRequest { name: made.name.clone() };
    let stated = || {
        let mut request = Request::new(get());
        request.metadata_mut().insert("x-purpose", "register-upkeep".parse().unwrap());
        request
    };
    assert_eq!(reason(handler.get_leave(get()).await), "PURPOSE_MISSING");
    assert_eq!(handler.get_leave(stated()).await.unwrap().into_inner().reason, "腰椎手术住院");
    let mut himself = PeopleClient::new(world.himself("4102-001").await);
    assert_eq!(himself.get_leave(stated()).await.unwrap().into_inner().reason, "腰椎手术住院");
    let mut other = PeopleClient::new(world.himself("4102-002").await);
    assert_eq!(reason(other.get_leave(stated()).await), "NOT_FOUND");
    let list = |open| pb::ListLeavesRequest { parent: MARKET.into(), open, ..Default::default() };
    let officers =
        |answer: pb::ListLeavesResponse| answer.leaves.into_iter().map(|leave| leave.officer).collect::<Vec<_>>();
    assert_eq!(officers(himself.list_leaves(list(false)).await.unwrap().into_inner()), ["4102-001"]);
    let all = handler.list_leaves(list(true)).await.unwrap().into_inner();
    assert!(all.leaves.iter().all(|leave| leave.reason.is_empty()));
    assert_eq!(officers(all), ["4102-002", "4102-001"], "the last begun first");
    let mut page = pb::ListLeavesRequest { page_size: 1, ..list(false) };
    page.page_token = handler.list_leaves(page.clone()).await.unwrap().into_inner().next_page_token;
    assert_eq!(officers(handler.list_leaves(page).await.unwrap().into_inner()), ["4102-001"]);
    let found = pb::ListLeavesRequest { query: "002".into(), ..list(false) };
    assert_eq!(officers(handler.list_leaves(found).await.unwrap().into_inner()), ["4102-002"]);
    let sealed: Vec<Vec<u8>> = sqlx::query_scalar("select reason from leave").fetch_all(&world.pool).await.unwrap();
    assert!(sealed.iter().all(|reason| !String::from_utf8_lossy(reason).contains("手术")));
}

#[tokio::test(flavor = "multi_thread")]
async fn interests_are_declared_once_a_year_by_the_person_and_contradict_nothing() {
    let world = World::start().await;
    for certificate in ["4102-001", "4102-002"] {
        world.officer(certificate, MARKET, &[LONGTING]).await;
    }
    let year = world.today().year();
    let mut handler = world.people("users/clerk", &[Role::Handler]).await;
    let mut himself = PeopleClient::new(world.himself("4102-001").await);
    let mut own = Registers::new(world.himself("4102-001").await);
    let said = |person: &str, expert: bool| pb::CreateDeclarationRequest {
        parent: MARKET.into(),
        declaration: Some(pb::Declaration { person: person.into(), expert, year, ..Default::default() }),
        ..Default::default()
    };
    let none = |person: &str, expert: bool| pb::CreateDeclarationRequest { none: true, ..said(person, expert) };
    let undeclared = pb::ListUndeclaredRequest { parent: MARKET.into(), ..Default::default() };
    let missing = handler.list_undeclared(undeclared.clone()).await.unwrap().into_inner();
    assert_eq!((missing.total_size, missing.people.len()), (2, 2));
    let standing = pb::GetOwnStandingRequest { parent: MARKET.into() };
    let before = himself.get_own_standing(standing.clone()).await.unwrap().into_inner();
    assert_eq!((before.year, before.declaration), (year, None));

    own.declare_conflict(declares("4102-001", "site:1")).await.unwrap();
    let additions =
        vec![pb::Conflict { subject: "site:2".into(), reason: "持有股份".into(), ..Default::default() }];
    let last = pb::Declaration { year: year - 1, ..said("4102-001", false).declaration.unwrap() };
    let silent = vec![pb::Conflict { subject: "site:2".into(), ..Default::default() }];
    for (request, why) in [
        (none("4102-001", false), "DECLARATION_CONTRADICTS"),
        (
            pb::CreateDeclarationRequest { additions: additions.clone(), ..said("4102-001", false) },
            "DECLARATION_CONTRADICTS",
        ),
        (pb::CreateDeclarationRequest { additions: additions.clone(), ..none("4102-001", false) }, "INVALID"),
        (pb::CreateDeclarationRequest { confirms: true, additions: silent, ..said("4102-001", false) }, "INVALID"),
        (pb::CreateDeclarationRequest { declaration: Some(last), ..none("", false) }, "DECLARATION_OF_ANOTHER_YEAR"),
        (none("4102-002", false), "ROLE_MISSING"),
        (none("KF-1", true), "ROLE_MISSING"),
    ] {
        assert_eq!(reason(himself.create_declaration(request).await), why);
    }
    assert_eq!(reason(handler.create_declaration(none("4102-002", false)).await), "ROLE_MISSING", "for himself alone");
    assert_eq!(reason(handler.create_declaration(none("KF-1", true)).await), "NOT_FOUND");
    assert_eq!(world.count("select count(*) from conflict").await, 1, "nothing is half-done after a refusal");

    let whole =
        pb::CreateDeclarationRequest { confirms: true, additions, request_id: "one".into(), ..said("4102-001", false) };
    let made = himself.create_declaration(whole.clone()).await.unwrap().into_inner();
    assert_eq!(made.subjects, ["site:1", "site:2"]);
    assert_eq!(himself.create_declaration(whole).await.unwrap().into_inner(), made);
    assert_eq!(reason(himself.create_declaration(none("4102-001", false)).await), "ALREADY_DECLARED");
    let excluded = [("4102-001", "site:1"), ("4102-001", "site:2")];
    assert_eq!(world.excluded().await, excluded.map(|(person, subject)| (person.into(), subject.into())));
    let own = himself.get_own_standing(standing).await.unwrap().into_inner();
    assert_eq!((own.declaration, own.conflicts.len()), (Some(made.clone()), 2));

    // Experts through the handler; the retired owe nothing.
    let mut experts = world.experts("users/clerk", MARKET, &[Role::Handler]).await;
    for key in ["KF-1", "KF-2"] {
        experts.create_expert(create(expert(key))).await.unwrap();
    }
    let retire = pb::SetExpertStateRequest {
        name: format!("{MARKET}/experts/KF-2"),
        state: pb::ExpertState::Retired as i32,
        reason: "退休".into(),
        etag: "1".into(),
        ..Default::default()
    };
    experts.set_expert_state(retire).await.unwrap();
    assert_eq!(reason(handler.create_declaration(none("KF-2", true)).await), "EXPERT_RETIRED");
    let missing = handler.list_undeclared(undeclared.clone()).await.unwrap().into_inner();
    let missing: Vec<_> = missing.people.iter().map(|one| (&*one.person, one.expert)).collect();
    assert_eq!(missing, [("4102-002", false), ("KF-1", true)]);
    // An officer may come who bears an expert's number: each is on a page of his own.
    world.officer("KF-1", MARKET, &[LONGTING]).await;
    let (mut page, mut all) = (pb::ListUndeclaredRequest { page_size: 1, ..undeclared.clone() }, Vec::new());
    loop {
        let answer = handler.list_undeclared(page.clone()).await.unwrap().into_inner();
        all.extend(answer.people.iter().map(|one| (one.person.clone(), one.expert)));
        page.page_token = answer.next_page_token;
        if page.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(all, [("4102-002", false), ("KF-1", false), ("KF-1", true)].map(|(key, expert)| (key.into(), expert)));
    let other = pb::ListUndeclaredRequest { page_token: kit::pages::token("KF-1"), ..undeclared.clone() };
    assert_eq!(reason(handler.list_undeclared(other).await), "PAGE_TOKEN");
    let before_christ = pb::ListUndeclaredRequest { year: -1, ..undeclared.clone() };
    assert_eq!(reason(handler.list_undeclared(before_christ).await), "INVALID");
    handler.create_declaration(none("KF-1", true)).await.unwrap();

    let list = pb::ListDeclarationsRequest { parent: MARKET.into(), ..Default::default() };
    assert_eq!(handler.list_declarations(list.clone()).await.unwrap().into_inner().declarations.len(), 2);
    let found = pb::ListDeclarationsRequest { query: "KF".into(), year, ..list.clone() };
    assert_eq!(handler.list_declarations(found).await.unwrap().into_inner().declarations.len(), 1);
    let mut other = PeopleClient::new(world.himself("4102-002").await);
    assert!(other.list_declarations(list.clone()).await.unwrap().into_inner().declarations.is_empty());
    assert_eq!(himself.list_declarations(list).await.unwrap().into_inner().declarations, [made]);
    assert_eq!(reason(himself.list_undeclared(undeclared.clone()).await), "ROLE_MISSING");

    let mut clerk = world.clerk().await;
    let officers = pb::ListOfficersRequest { parent: MARKET.into(), undeclared: true, ..Default::default() };
    let officers = clerk.list_officers(officers).await.unwrap().into_inner().officers;
    assert_eq!(officers.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), ["4102-002", "KF-1"]);
    // A year later everybody owes it anew.
    world.harness.clock.advance(Duration::days(366));
    let mut handler = world.people("users/clerk", &[Role::Handler]).await;
    assert_eq!(handler.list_undeclared(undeclared).await.unwrap().into_inner().total_size, 4);
    let owner = world.harness.owner_pool("draws").await.unwrap();
    assert!(sqlx::query("delete from declaration").execute(&owner).await.is_err());
    assert!(sqlx::query("update conflict set reason = ''").execute(&owner).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_declared_stays_with_the_person_under_a_new_certificate() {
    let world = World::start().await;
    let first = world.officer("4102-001", MARKET, &[LONGTING]).await;
    let today = world.today();
    let mut himself = PeopleClient::new(world.himself("4102-001").await);
    let mut own = Registers::new(world.himself("4102-001").await);
    own.declare_conflict(declares("4102-001", "site:1")).await.unwrap();
    himself.create_leave(leave("4102-001", today, after(today, 3))).await.unwrap();
    let renewed = OfficerChanged { certificate: "4102-900".into(), ..first };
    world.identity_says(&renewed).await.unwrap();
    assert_eq!(world.excluded().await, [("4102-900".to_owned(), "site:1".to_owned())]);
    assert!(world.sent(today).await.is_empty(), "on leave still");
    assert_eq!(world.sent(after(today, 4)).await, ["4102-900"]);
    let channel = world.harness.officer("users/of-4102-001", MARKET, &[Role::Officer], "4102-900").await.unwrap();
    let mut renewed = Registers::new(channel);
    let list = pb::ListConflictsRequest { parent: MARKET.into(), ..Default::default() };
    assert_eq!(renewed.list_conflicts(list).await.unwrap().into_inner().conflicts.len(), 1);
    assert_eq!(reason(renewed.declare_conflict(declares("4102-900", "site:1")).await), "ALREADY_EXISTS");
}
