//! Verifiable draws (art. 10, 11, 15): from the number to the visits, and back through the evidence.

mod by_itself;
pub mod city;
pub mod follows;
mod frozen;
pub mod quarter;
mod refusals;
mod shapes;
mod turns;

use std::collections::BTreeSet;

use lottery::verify::Verdict;
use prost::{Message, Name};
use proto::qingtian::{
    access::v1::Role,
    draws::{
        events::v1 as events,
        v1::{self as pb, DrawState, draws_client::DrawsClient},
    },
    events::v1::{Event, ReadEventsRequest},
};

use crate::world::{HEALTH, LONGTING, MARKET, SHUNHE, reason};
use city::{BEACON, CLOSE, City, SUPERVISION, enter, gone};

/// Every event of the log so far, as the portal reads them.
pub async fn log(city: &City) -> Vec<Event> {
    let mut portal = DrawsClient::new(city.world.harness.service("portal").await.unwrap());
    city.world.harness.sequenced("draws").await.unwrap();
    let mut stream = portal.read_events(ReadEventsRequest::default()).await.unwrap().into_inner();
    let mut events = Vec::new();
    while let Some(step) = stream.message().await.unwrap() {
        events.extend(step.event);
    }
    events
}

fn kind(event: &Event) -> String {
    event.payload.as_ref().unwrap().type_url.rsplit('.').next().unwrap().to_owned()
}

pub fn read<E: Message + Name + Default>(events: &[Event]) -> Vec<E> {
    events.iter().filter_map(|event| kit::follow::payload::<E>(event).unwrap()).collect()
}

#[tokio::test]
async fn a_draw_goes_from_its_number_to_its_visits_and_the_evidence_holds() {
    let city = City::start().await;
    let created = city.create(city.draw()).await.unwrap();
    assert_eq!((created.name.as_str(), created.state()), ("draws/2026-0001", DrawState::Created));
    assert_eq!(created.contributors[2].contributor, "lottery:demo:1", "the next free issue is filled in");
    assert_eq!(created.plan_title, "2026年度双随机抽查工作计划");

    let stated = city.state(&created).await.unwrap();
    assert_eq!((stated.state(), stated.subjects), (DrawState::Stated, 100));
    let strata: Vec<_> = stated.strata.iter().map(|one| (one.stratum.as_str(), one.subjects, one.drawn)).collect();
    assert_eq!(strata, [(LONGTING, 60, 6), (SHUNHE, 40, 4)]);
    assert_eq!(lottery::Digest::of(stated.statement_json.as_bytes()).to_string(), stated.statement);
    let text = lottery::sign::statement_text(&lottery::Digest::parse(&stated.statement).unwrap());
    assert!(city.world.harness.env.keys.verifies(&stated.kid, text.as_bytes(), &stated.statement_signature));

    let entered = enter(&mut city.handler().await, &stated, "3 1 6 2 5 5").await.unwrap();
    assert_eq!((entered.state(), entered.entries.len()), (DrawState::Contributing, 1));
    enter(&mut city.supervision().await, &stated, "6 6 1 4 2 3").await.unwrap();
    city.advance(CLOSE);
    city.until_closed(&stated.name).await;
    city.advance(BEACON - CLOSE);
    let done = city.until(&stated.name, DrawState::Dispatched).await;
    assert_eq!((done.drawn, done.entries.len()), (10, 3));
    assert!(done.strata.iter().all(|one| one.threshold.len() == 64));
    assert_eq!(
        (&done.statement, &done.statement_json, &done.rules_json),
        (&stated.statement, &stated.statement_json, &stated.rules_json)
    );

    let report = city.verify(&done).await;
    assert_eq!(
        report.verdict,
        Verdict::Verified,
        "{}",
        report.checks.iter().map(|one| format!("{one}\n")).collect::<String>()
    );

    let request = pb::ListDrawnRequest { parent: done.name.clone(), page_size: 7, ..Default::default() };
    let page = city.handler().await.list_drawn(request.clone()).await.unwrap().into_inner();
    let rest = pb::ListDrawnRequest { page_token: page.next_page_token.clone(), ..request };
    let rest = city.handler().await.list_drawn(rest).await.unwrap().into_inner();
    assert_eq!((page.drawn.len(), rest.drawn.len(), page.total_size, rest.next_page_token.as_str()), (7, 3, 10, ""));
    let drawn: Vec<_> = page.drawn.iter().chain(&rest.drawn).collect();
    assert!(
        drawn.iter().all(|one| one.officers.len() == 2 && one.title.starts_with("开封市第") && one.subject != gone())
    );
    assert_eq!(drawn.iter().map(|one| &one.subject).collect::<BTreeSet<_>>().len(), 10);
    assert!(drawn.windows(2).all(|pair| pair[0].ticket < pair[1].ticket), "in the order of the protocol");
}

#[tokio::test]
async fn every_drawn_subject_has_one_visit_and_its_officers_find_it() {
    let city = City::start().await;
    let done = city.whole_draw().await;
    let list = |officer: &str, certificate: &str| {
        let (officer, certificate) = (officer.to_owned(), certificate.to_owned());
        let draw = done.name.clone();
        let city = &city;
        async move {
            let request = pb::ListVisitsRequest { officer, draw, ..Default::default() };
            city.visits(MARKET, &certificate).await.list_visits(request).await.unwrap().into_inner()
        }
    };
    let all = list("", "").await;
    assert_eq!((all.visits.len(), all.total_size), (10, 10));
    assert_eq!(all.visits.iter().map(|visit| visit.place).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
    assert!(all.visits.iter().all(|visit| visit.due_date == "2026-12-31" && visit.officers.len() == 2));
    let mut placed = 0;
    for certificate in ["16020001", "16020002", "16020003", "16020004", "16020005"] {
        let mine = list("me", certificate).await.visits;
        assert_eq!(mine.len(), 4, "twenty places for five officers");
        assert!(mine.iter().all(|visit| visit.officers.iter().any(|one| one == certificate)));
        placed += mine.len();
    }
    assert_eq!(placed, 20);
    assert_eq!(list("me", "").await.visits.len(), 0);

    let name = all.visits[0].name.clone();
    let get = pb::GetVisitRequest { name };
    assert_eq!(city.visits(MARKET, "").await.get_visit(get.clone()).await.unwrap().into_inner(), all.visits[0]);
    assert_eq!(reason(city.visits(HEALTH, "").await.get_visit(get).await), "NOT_FOUND");
    let stranger =
        city.visits(HEALTH, "").await.list_visits(pb::ListVisitsRequest::default()).await.unwrap().into_inner();
    assert_eq!(stranger.total_size, 0);
}

#[tokio::test]
async fn what_happens_is_announced_in_order_and_without_account_names() {
    let city = City::start().await;
    let done = city.whole_draw().await;
    let events = log(&city).await;
    let events: Vec<Event> = events.into_iter().filter(|event| event.aggregate == done.name).collect();
    let kinds: Vec<String> = events.iter().map(kind).collect();
    let expected = [
        "DrawCreated",
        "DrawStated",
        "EntryAdded",
        "EntryAdded",
        "EntriesClosed",
        "EntryAdded",
        "DrawRevealed",
        "DrawDispatched",
    ];
    assert_eq!(kinds, expected);
    assert!(events.windows(2).all(|pair| pair[0].revision < pair[1].revision));
    assert!(events.iter().all(|event| event.audience.as_ref().unwrap().public));
    let revealed = read::<events::DrawRevealed>(&events).remove(0);
    let draw = revealed.draw.unwrap();
    assert_eq!((draw.creator.as_str(), &draw.seed), ("", &done.seed));
    for blob in [
        &revealed.names_blob,
        &revealed.subjects_blob,
        &revealed.left_out_blob,
        &revealed.result_blob,
        &revealed.evidence_blob,
    ] {
        let digest = kit::blob::Digest::parse(blob).unwrap();
        assert!(city.world.harness.env.blobs.find(digest).await.unwrap().is_some());
    }
    let names = city
        .world
        .harness
        .env
        .blobs
        .read(kit::blob::Digest::parse(&revealed.names_blob).unwrap(), 1 << 20)
        .await
        .unwrap();
    let names = String::from_utf8(names).unwrap();
    assert_eq!(names.lines().count(), 103, "whoever is left out is named too");
    assert!(names.lines().is_sorted());
    let dispatched = read::<events::DrawDispatched>(&events).remove(0);
    assert_eq!((dispatched.visits, dispatched.without_team), (10, 0));
    let closed = read::<events::EntriesClosed>(&events).remove(0);
    let entries: Vec<String> =
        done.entries.iter().take(2).map(|one| format!("{}\t{}\t{}", one.index, one.contributor, one.value)).collect();
    let text = lottery::sign::entries_text(&lottery::Digest::parse(&done.statement).unwrap(), &entries);
    assert!(city.world.harness.env.keys.verifies(&closed.kid, text.as_bytes(), &closed.signature));
    for event in &events {
        let bytes = event.encode_to_vec();
        assert!(!bytes.windows(6).any(|part| part == b"users/"), "{}", kind(event));
    }
}

#[tokio::test]
async fn a_draw_is_seen_by_its_unit_its_contributors_and_the_city_and_by_nobody_else() {
    let city = City::start().await;
    let stated = city.stated().await;
    let get = pb::GetDrawRequest { name: stated.name.clone() };
    let list = pb::ListDrawsRequest::default();
    for (organisation, roles, sees) in [
        (MARKET, vec![Role::Officer], true),
        (SUPERVISION, vec![Role::Handler], true),
        (HEALTH, vec![Role::Auditor], true),
        (HEALTH, vec![Role::Handler, Role::Reviewer], false),
    ] {
        let mut client = city.draws("users/somebody", organisation, &roles).await;
        let listed = client.list_draws(list.clone()).await.unwrap().into_inner().draws;
        assert_eq!(listed.len(), usize::from(sees), "{organisation} {roles:?}");
        let got = client.get_draw(get.clone()).await;
        if sees {
            assert_eq!(got.unwrap().into_inner().statement, stated.statement);
            assert_eq!(listed[0].statement_json, "", "lists leave the long texts out");
        } else {
            assert_eq!(reason(got), "NOT_FOUND");
            assert_eq!(
                reason(
                    client.list_drawn(pb::ListDrawnRequest { parent: stated.name.clone(), ..Default::default() }).await
                ),
                "NOT_FOUND"
            );
            assert_eq!(reason(enter(&mut client, &stated, "1").await), "NOT_FOUND");
        }
    }
    // A contributor sees the draw, but only the drawing unit states and abandons it.
    let mut contributor = city.draws("users/other", SUPERVISION, &[Role::Handler, Role::Reviewer]).await;
    let state = pb::StateDrawRequest { name: stated.name.clone(), ..Default::default() };
    assert_eq!(reason(contributor.state_draw(state).await), "NOT_FOUND");
    let abandon = pb::AbandonDrawRequest { name: stated.name, reason: "不抽了".to_owned(), ..Default::default() };
    assert_eq!(reason(contributor.abandon_draw(abandon).await), "NOT_FOUND");
}

#[tokio::test]
async fn lists_go_page_by_page_newest_first() {
    let city = City::start().await;
    for _ in 0..3 {
        let created = city.create(city.draw()).await.unwrap();
        let mut chief = city.draws("users/chief", MARKET, &[Role::Reviewer]).await;
        let abandon = pb::AbandonDrawRequest {
            name: created.name,
            etag: created.etag,
            reason: "演练".to_owned(),
            ..Default::default()
        };
        chief.abandon_draw(abandon).await.unwrap();
    }
    let mut client = city.handler().await;
    let mut names = Vec::new();
    let mut request = pb::ListDrawsRequest { page_size: 2, ..Default::default() };
    loop {
        let page = client.list_draws(request.clone()).await.unwrap().into_inner();
        names.extend(page.draws.into_iter().map(|draw| draw.name));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(names, ["draws/2026-0003", "draws/2026-0002", "draws/2026-0001"]);
    let only = |request: pb::ListDrawsRequest| {
        let mut client = client.clone();
        async move { client.list_draws(request).await.unwrap().into_inner().draws.len() }
    };
    assert_eq!(only(pb::ListDrawsRequest { query: "2026-0002".to_owned(), ..Default::default() }).await, 1);
    assert_eq!(only(pb::ListDrawsRequest { state: DrawState::Abandoned as i32, ..Default::default() }).await, 3);
    assert_eq!(only(pb::ListDrawsRequest { state: DrawState::Stated as i32, ..Default::default() }).await, 0);
    assert_eq!(only(pb::ListDrawsRequest { plan: "plans/2026-99".to_owned(), ..Default::default() }).await, 0);
    let forged = pb::ListDrawsRequest { page_token: "Zm9v".to_owned(), ..Default::default() };
    assert_eq!(reason(client.list_draws(forged).await), "PAGE_TOKEN");
}
