//! Changes of a register that are cut short, overtaken or many (art. 13): each goes on where it was.

use draws::registers::reading::BATCH_ROWS;
use proto::qingtian::{
    access::v1::Role,
    common::v1::ImportState,
    draws::v1::{self as pb, RegisterChangeState as State, SubjectStatus},
};

use super::{change, counts, handler, in_district, to};
use crate::{
    draws::city::{self, City},
    world::*,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_was_cut_short_goes_on_where_it_was() {
    let mut world = World::start().await;
    let mut clerk = world.clerk().await;
    upload(&mut clerk, upload_to(MARKET), register(LONGTING, 0..2_500).as_bytes()).await.unwrap();
    // Somebody holds a row of the third chunk of a thousand.
    let owner = world.harness.owner_pool("draws").await.unwrap();
    let mut held = owner.begin().await.unwrap();
    sqlx::query("select from subject order by key desc limit 1 for update").execute(&mut *held).await.unwrap();
    let mut handler = handler(&world).await;
    let begun = change(&mut handler, in_district(LONGTING, to(SubjectStatus::Suspended))).await.unwrap();
    until("two chunks are done", || async {
        world.count("select count(*) from register_change where changed = 2000").await == 1
    })
    .await;
    let counted = get_change(&mut handler, &begun.name).await;
    assert_eq!((counted.state(), counted.changed), (State::Applying, 2_000), "its progress is seen");
    world.harness.restart(|env| Box::pin(async move { Ok(vec![draws::start(env).await?]) })).await.unwrap();
    held.rollback().await.unwrap();
    let changes = world.changes("users/clerk", MARKET, &[Role::Handler]).await;
    let done = applied(&changes, &begun.name).await;
    assert_eq!(counts(&done), [2_500, 2_500, 0, 0]);
    assert_eq!(world.count("select count(*) from subject where gone = 'SUSPENDED' and revision = 2").await, 2_500);
    assert_eq!(world.count("select count(*) from subject_version").await, 2_500, "each was changed once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_upload_that_was_cut_short_goes_on_where_it_was() {
    let city = City::start().await;
    let mut world = city.world;
    let before = world.count("select count(*) from subject").await;
    let mut clerk = world.clerk().await;
    let batch = u32::try_from(BATCH_ROWS).unwrap();
    // Two whole batches and a part of one.
    let (first, rows) = (10_000, 2 * batch + 500);
    let text = register(LONGTING, first..first + rows);
    let head = pb::ImportSubjectsRequest { reason: "年度更新".into(), ..upload_to(MARKET) };
    let waiting = upload(&mut clerk, head, text.as_bytes()).await.unwrap();
    assert_eq!((waiting.state(), waiting.created), (ImportState::Waiting, i64::from(rows)));
    // Somebody else is about to bring in the last row.
    let owner = world.harness.owner_pool("draws").await.unwrap();
    let mut held = owner.begin().await.unwrap();
    sqlx::query(
        "insert into subject (organisation, key, title, district, industry, address, in_business, old_number, created_at,
            changed_at, changed_by, changed_what)
         values ($1, $2, '别处', '410202', '', '', true, false, now(), now(), 'test', 'test')",
    )
    .bind(MARKET)
    .bind(code(LONGTING, first + rows - 1))
    .execute(&mut *held)
    .await
    .unwrap();
    let mut chief = world.chief().await;
    let etag = get_change(&mut chief, &waiting.change).await.etag;
    let request = pb::ApproveRegisterChangeRequest { name: waiting.change.clone(), etag, ..Default::default() };
    chief.approve_register_change(request).await.unwrap();
    until("two batches are in", || async {
        let applied = format!("select count(*) from import where state = 'APPLYING' and rows = {}", 2 * batch);
        world.count(&applied).await == 1
    })
    .await;
    world.harness.restart(|env| Box::pin(async move { Ok(vec![draws::start(env).await?]) })).await.unwrap();
    held.rollback().await.unwrap();
    let change = applied(&world.chief().await, &waiting.change).await;
    assert_eq!(counts(&change), [i64::from(rows), i64::from(rows), 0, 0]);
    assert_eq!(world.count("select count(*) from subject").await, before + i64::from(rows));
    let whole = format!("select count(*) from import where state = 'FINISHED' and rows = {rows}");
    assert_eq!(world.count(&whole).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_published_while_a_change_is_applied_has_the_rest_of_it_wait() {
    let world = World::start().await;
    world.items(1).await;
    let mut clerk = world.clerk().await;
    upload(&mut clerk, upload_to(MARKET), register(LONGTING, 0..3_500).as_bytes()).await.unwrap();
    // Somebody holds a row of the third of four chunks.
    let owner = world.harness.owner_pool("draws").await.unwrap();
    let mut held = owner.begin().await.unwrap();
    let hold = "select from subject where key = (select key from subject order by key offset 2500 limit 1) for update";
    sqlx::query(hold).execute(&mut *held).await.unwrap();
    let mut handler = handler(&world).await;
    let begun = change(&mut handler, in_district(LONGTING, to(SubjectStatus::Suspended))).await.unwrap();
    until("two chunks are done and the third one waits", || async {
        world.count("select count(*) from register_change where changed = 2000").await == 1
            && world.count("select count(*) from pg_stat_activity where wait_event_type = 'Lock'").await > 0
    })
    .await;
    let city = City { world, plan: String::new() };
    let plan = city.publish(city::plan()).await;
    held.rollback().await.unwrap();
    let world = &city.world;
    until("it waits", || async {
        world.count("select count(*) from register_change where state = 'PENDING'").await == 1
    })
    .await;
    let waiting = get_change(&mut handler, &begun.name).await;
    assert_eq!((counts(&waiting), waiting.plan.as_str()), ([3_500, 3_000, 0, 0], plan.as_str()));
    let done = world.approve(&begun.name).await;
    assert_eq!(counts(&done), [3_500, 3_500, 0, 0]);
}

/// So many changes that they are not all read at once, behind a large one: it has its turn, and then they have theirs.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_change_does_not_hold_up_small_ones() {
    const SMALL_N: u32 = 20;
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    upload(&mut clerk, upload_to(MARKET), register(LONGTING, 0..11_500).as_bytes()).await.unwrap();
    upload(&mut clerk, upload_to(MARKET), register(SHUNHE, 0..SMALL_N).as_bytes()).await.unwrap();
    // Somebody holds a row of its fifth chunk until the small ones are there, and somebody else one of its twelfth.
    let owner = world.harness.owner_pool("draws").await.unwrap();
    let hold = async |offset: i64| {
        let mut held = owner.begin().await.unwrap();
        let hold = "select from subject where key =
            (select key from subject where district = $1 order by key offset $2 limit 1) for update";
        sqlx::query(hold).bind(LONGTING).bind(offset).execute(&mut *held).await.unwrap();
        held
    };
    let (first, second) = (hold(4_500).await, hold(11_200).await);
    let mut handler = handler(&world).await;
    let large = change(&mut handler, in_district(LONGTING, to(SubjectStatus::Suspended))).await.unwrap();
    let done = |changed: u32| format!("select count(*) from register_change where rows > 1 and changed = {changed}");
    until("four chunks are done", || async { world.count(&done(4_000)).await == 1 }).await;
    for serial in 0..SMALL_N {
        let one = pb::ChosenSubject { key: code(SHUNHE, serial), etag: String::new() };
        let small = pb::ChangeSubjectsRequest { subjects: vec![one], ..to(SubjectStatus::Suspended) };
        change(&mut handler, small).await.unwrap();
    }
    let small = "select count(*) from register_change where rows = 1 and state = 'APPLIED'";
    assert_eq!(world.count(small).await, 0);
    first.rollback().await.unwrap();
    until("the small ones are done", || async { world.count(small).await == i64::from(SMALL_N) }).await;
    until("and the large one goes on", || async { world.count(&done(11_000)).await == 1 }).await;
    assert_eq!(get_change(&mut handler, &large.name).await.state(), State::Applying);
    second.rollback().await.unwrap();
    let whole = applied(&handler, &large.name).await;
    assert_eq!(counts(&whole), [11_500, 11_500, 0, 0]);
    assert_eq!(world.count("select count(*) from subject_version").await, 11_500 + i64::from(SMALL_N), "each once");
}
