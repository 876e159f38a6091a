//! What a draw does by itself, whatever stops in between: restarts, two pods, missed entries and moments.

use kit::testing::Harness;
use lottery::{beacon::Beacon, verify::Verdict};
use proto::qingtian::draws::{
    events::v1 as events,
    v1::{self as pb, ContributorKind, DrawState},
};

use super::{
    city::{BEACON, CLOSE, City, JUSTICE, REVEAL_BY, beacon, department, enter},
    log, read,
};
use crate::world::{LONGTING, reason, register};
use proto::qingtian::access::v1::Role;

async fn restart(harness: &mut Harness) {
    let restarted = harness.restart(|env| Box::pin(async move { Ok(vec![draws::start(env).await?]) }));
    restarted.await.unwrap();
}

#[tokio::test]
async fn a_restart_between_any_two_steps_changes_nothing() {
    let mut city = City::start().await;
    let created = city.create(city.draw()).await.unwrap();
    restart(&mut city.world.harness).await;
    let stated = city.state(&created).await.unwrap();
    restart(&mut city.world.harness).await;
    city.enter_both(&stated).await;
    restart(&mut city.world.harness).await;
    city.advance(CLOSE);
    city.until_closed(&stated.name).await;
    restart(&mut city.world.harness).await;
    city.advance(BEACON - CLOSE);
    let done = city.until(&stated.name, DrawState::Dispatched).await;
    restart(&mut city.world.harness).await;
    let again = city.get(&stated.name).await;
    assert_eq!(again, done);
    assert_eq!(
        (&again.statement, &again.entries[..2]),
        (&stated.statement, &city.get(&stated.name).await.entries[..2])
    );
    assert_eq!(city.verify(&again).await.verdict, Verdict::Verified);
}

#[tokio::test]
async fn a_draw_that_was_asleep_at_its_close_and_its_beacon_goes_on() {
    let mut city = City::start().await;
    let stated = city.stated().await;
    city.enter_both(&stated).await;
    city.world.harness.stop().await;
    city.advance(REVEAL_BY);
    restart(&mut city.world.harness).await;
    let done = city.until(&stated.name, DrawState::Dispatched).await;
    assert_eq!(city.verify(&done).await.verdict, Verdict::Verified);
}

#[tokio::test]
async fn a_reveal_cut_short_before_its_commit_is_repeated_to_the_byte() {
    let mut city = City::start().await;
    let stated = city.stated().await;
    city.enter_both(&stated).await;
    city.advance(CLOSE);
    city.until_closed(&stated.name).await;
    // Nothing can be written to the result: the reveal has everything but its commit when the process stops.
    let owner = city.world.harness.owner_pool("draws").await.unwrap();
    let mut holding = owner.begin().await.unwrap();
    sqlx::query("lock table draw_reveal in share mode").execute(&mut *holding).await.unwrap();
    city.advance(BEACON - CLOSE);
    let fixed = city.now();
    let waits = "select count(*) from pg_locks where not granted and relation = 'draw_reveal'::regclass";
    crate::world::until("the reveal waits", || async { city.world.count(waits).await == 1 }).await;
    let kept = city.blobs();
    city.world.harness.stop().await;
    holding.rollback().await.unwrap();
    city.advance(7);
    restart(&mut city.world.harness).await;
    let done = city.until(&stated.name, DrawState::Dispatched).await;
    assert_eq!(done.reveal_time, Some(kit::ledger::timestamp(fixed)), "the instant was fixed before");
    assert_eq!(city.blobs(), kept, "no other bytes were made");
    assert_eq!(city.verify(&done).await.verdict, Verdict::Verified);
}

#[tokio::test]
async fn two_pods_at_once_close_draw_reveal_and_dispatch_once() {
    let mut city = City::start().await;
    // A second pod over the same database: its services are not served here, its jobs run.
    let restarted = city.world.harness.restart(|env| {
        Box::pin(async move {
            drop(draws::start(env).await?);
            drop(draws::start(env).await?);
            Ok(vec![draws::start(env).await?])
        })
    });
    restarted.await.unwrap();
    let done = city.whole_draw().await;
    assert_eq!(city.verify(&done).await.verdict, Verdict::Verified);
    let events = log(&city).await;
    assert_eq!(read::<events::EntriesClosed>(&events).len(), 1);
    assert_eq!(read::<events::DrawRevealed>(&events).len(), 1);
    assert_eq!(read::<events::DrawDispatched>(&events).len(), 1);
    assert_eq!(read::<events::EntryAdded>(&events).len(), 3);
    assert_eq!(city.world.count("select count(*) from visit").await, 10);
    assert_eq!(city.world.count("select count(*) from demonstration_value").await, 1);
    assert_eq!(city.world.count("select count(*) from draw_result").await, 10);
}

#[tokio::test]
async fn two_entries_at_once_are_one() {
    let city = City::start().await;
    let stated = city.stated().await;
    let calls = (0..8).map(|dice| {
        let (city, stated) = (&city, &stated);
        async move { enter(&mut city.supervision().await, stated, &format!("{dice} 2 3")).await }
    });
    let answers = futures::future::join_all(calls).await;
    let (given, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(given.len(), 1);
    assert!(refused.into_iter().all(|answer| reason(answer) == "ENTRY_GIVEN"));
    assert_eq!(city.world.count("select count(*) from draw_entry").await, 1);
}

#[tokio::test]
async fn two_statements_at_once_are_one_and_numbers_created_at_once_have_no_gap() {
    let city = City::start().await;
    let created = city.create(city.draw()).await.unwrap();
    let answers = futures::future::join_all((0..4).map(|_| city.state(&created))).await;
    let (stated, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(stated.len(), 1);
    assert!(refused.into_iter().all(|answer| reason(answer) == "ALREADY_STATED"));

    let answers = futures::future::join_all((0..4).map(|_| city.create(city.draw()))).await;
    assert!(answers.into_iter().all(|answer| reason(answer) == "UNFINISHED_DRAW"));
    let mut plans = Vec::new();
    for _ in 0..4 {
        plans.push(city.publish(super::city::plan()).await);
    }
    let others = plans.iter().map(|plan| city.create(pb::Draw { plan: plan.clone(), ..city.draw() }));
    let mut names: Vec<_> =
        futures::future::join_all(others).await.into_iter().map(|draw| draw.unwrap().name).collect();
    names.sort();
    assert_eq!(names, ["draws/2026-0002", "draws/2026-0003", "draws/2026-0004", "draws/2026-0005"]);
}

#[tokio::test]
async fn the_demonstrations_lottery_is_drawn_once_at_its_time() {
    let city = City::start().await;
    let stated = city.stated().await;
    city.enter_both(&stated).await;
    city.advance(CLOSE);
    city.until_closed(&stated.name).await;
    assert_eq!(city.get(&stated.name).await.entries.len(), 2, "not before its time");
    assert_eq!(city.world.count("select count(*) from demonstration_value").await, 0);
    city.advance(BEACON - CLOSE);
    let done = city.until(&stated.name, DrawState::Dispatched).await;
    let entry = &done.entries[2];
    Beacon::LotteryDemo { issue: 1 }.check_value(&entry.value).unwrap();
    let issues = "select count(*) from demonstration_value v join draw_entry e on e.value = v.value where v.issue = 1 and e.index = 3";
    assert_eq!(city.world.count(issues).await, 1);

    let next = city.publish(super::city::plan()).await;
    let second = city.create(pb::Draw { plan: next, ..city.draw() }).await.unwrap();
    assert_eq!(second.contributors[2].contributor, "lottery:demo:2");
}

#[tokio::test]
async fn a_missing_entry_fails_the_draw_and_a_successor_draws_over_the_same_files() {
    let city = City::start().await;
    let stated = city.stated().await;
    enter(&mut city.handler().await, &stated, "1 1 1").await.unwrap();
    city.advance(CLOSE);
    let failed = city.until(&stated.name, DrawState::Failed).await;
    assert_eq!(failed.end_reason, "ENTRY_MISSING");
    assert_eq!(reason(enter(&mut city.supervision().await, &stated, "2 2 2").await), "ENTRIES_CLOSED");
    let ended = read::<events::DrawEnded>(&log(&city).await).remove(0).draw.unwrap();
    assert_eq!((ended.state(), ended.end_reason.as_str()), (DrawState::Failed, "ENTRY_MISSING"));

    // The register goes on; the successor must not care.
    city.register(&register(LONGTING, 300..330)).await;
    let successor = pb::Draw { replaces: failed.name.clone(), ..city.draw() };
    assert_eq!(reason(city.create(successor.clone()).await), "INVALID", "the same contributors again");
    let witness = pb::Contributor {
        contributor: "dean".to_owned(),
        kind: ContributorKind::Witness as i32,
        unit: "justice".to_owned(),
    };
    let contributors = vec![department("market"), witness, beacon("lottery:demo:0")];
    let created = city.create(pb::Draw { contributors, ..successor.clone() }).await.unwrap();
    assert_eq!((created.name.as_str(), created.replaces.as_str()), ("draws/2026-0002", "draws/2026-0001"));
    assert_eq!(created.contributors[2].contributor, "lottery:demo:2", "a new beacon; refusals took no number");
    let second = city.state(&created).await.unwrap();
    assert_eq!(second.subjects, 100);
    let digests = |text: &str| lottery::statement::Statement::parse(text.as_bytes()).unwrap().digests;
    let (old, new) = (digests(&stated.statement_json), digests(&second.statement_json));
    for file in lottery::frozen::TABLES {
        assert_eq!(old[file], new[file], "{file}");
    }
    assert_ne!(old["rules.json"], new["rules.json"]);

    enter(&mut city.handler().await, &second, "1 1 1").await.unwrap();
    let mut dean = city.draws("users/dean", JUSTICE, &[Role::Handler]).await;
    enter(&mut dean, &second, "4 4 4").await.unwrap();
    city.advance(CLOSE);
    crate::world::until("closed", || async { city.world.count("select count(*) from draw_closing").await == 1 }).await;
    city.advance(BEACON - CLOSE);
    let done = city.until(&second.name, DrawState::Dispatched).await;
    assert_eq!(city.verify(&done).await.verdict, Verdict::Verified);
    let now = city.get(&failed.name).await;
    assert_eq!(now.replaced_by, second.name);
    assert_eq!(pb::Draw { replaced_by: String::new(), ..now }, failed, "the failed draw stays as it was");

    let third = pb::Draw { replaces: failed.name.clone(), contributors: created.contributors, ..city.draw() };
    let third = pb::Draw {
        contributors: vec![third.contributors[0].clone(), third.contributors[1].clone(), beacon("lottery:demo:0")],
        ..third
    };
    assert_eq!(reason(city.create(third.clone()).await), "ALREADY_EXISTS", "one successor");
    let plan = city.publish(super::city::plan()).await;
    let refused = city.create(pb::Draw { plan, ..third }).await.unwrap_err();
    assert_eq!(kit::testing::refusal_of(&refused).1["field"], "replaces", "over another plan");
}

#[tokio::test]
async fn a_reveal_that_is_missed_never_comes() {
    let mut city = City::start().await;
    let stated = city.stated().await;
    city.enter_both(&stated).await;
    city.world.harness.stop().await;
    city.advance(REVEAL_BY + 1);
    restart(&mut city.world.harness).await;
    let failed = city.until(&stated.name, DrawState::Failed).await;
    assert_eq!((failed.end_reason.as_str(), failed.seed.as_str()), ("REVEAL_MISSED", ""));
    assert_eq!(city.world.count("select count(*) from demonstration_value").await, 0);
}

#[tokio::test]
async fn a_waived_beacon_reveals_after_the_close_and_says_so() {
    let city = City::start().await;
    let draw = pb::Draw {
        contributors: vec![department("market"), department("supervision")],
        beacon_waived: "当日无公开开奖".to_owned(),
        beacon_time: None,
        ..city.draw()
    };
    let created = city.create(draw).await.unwrap();
    let stated = city.state(&created).await.unwrap();
    city.enter_both(&stated).await;
    city.advance(CLOSE);
    city.until_closed(&stated.name).await;
    assert_eq!(
        city.get(&stated.name).await.state(),
        DrawState::Contributing,
        "the reveal lies after the close, in whole seconds"
    );
    city.advance(1);
    let done = city.until(&stated.name, DrawState::Dispatched).await;
    assert_eq!(city.verify(&done).await.verdict, Verdict::Verified);
    assert!(done.rules_json.contains("当日无公开开奖"));
}

#[tokio::test]
async fn a_repeated_request_is_answered_as_the_first_and_done_once() {
    let city = City::start().await;
    let request = pb::CreateDrawRequest { draw: Some(city.draw()), request_id: "create-1".to_owned() };
    let mut client = city.handler().await;
    let first = client.create_draw(request.clone()).await.unwrap().into_inner();
    assert_eq!(client.create_draw(request).await.unwrap().into_inner(), first);
    let state =
        pb::StateDrawRequest { name: first.name.clone(), etag: first.etag.clone(), request_id: "state-1".to_owned() };
    let stated = client.state_draw(state.clone()).await.unwrap().into_inner();
    assert_eq!(client.state_draw(state).await.unwrap().into_inner(), stated);
    let entry = pb::AddEntryRequest {
        name: first.name,
        value: "1 2 3".to_owned(),
        statement: stated.statement,
        request_id: "entry-1".to_owned(),
    };
    let entered = client.add_entry(entry.clone()).await.unwrap().into_inner();
    assert_eq!(client.add_entry(entry.clone()).await.unwrap().into_inner(), entered);
    assert_eq!(city.world.count("select count(*) from draw_entry").await, 1);
    let other = pb::AddEntryRequest { value: "3 2 1".to_owned(), ..entry };
    assert_eq!(reason(client.add_entry(other).await), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn more_than_one_chunk_of_the_drawn_is_dispatched_whole_and_once() {
    let mut city = City::start().await;
    city.register(&register(LONGTING, 1_000..3_500)).await;
    let quotas = vec![pb::Quota { stratum: "*".to_owned(), amount: Some(pb::quota::Amount::Ppm(1_000_000)) }];
    city.plan = city.publish(pb::Plan { quotas, ..super::city::plan() }).await;
    let done = city.whole_draw().await;
    assert_eq!(done.drawn, 2_600);
    assert_eq!(city.world.count("select count(*) from visit").await, 2_600);
    assert_eq!(read::<events::DrawDispatched>(&log(&city).await)[0].visits, 2_600);
}
