//! The read model follows from the logs alone.

use std::collections::BTreeMap;

use kit::testing::tables;
use lottery::testing::Shape;
use proto::qingtian::{draws::v1::DrawState, portal::v1 as pb};

use crate::{city::City, story::Story};

/// Every row of every table, as text.
pub async fn rows(city: &City) -> BTreeMap<&'static str, Vec<String>> {
    let pool = city.harness.pool("portal").await.unwrap();
    let all = [
        ("organisation", "select to_jsonb(t)::text from organisation t order by 1"),
        ("item", "select to_jsonb(t)::text from item t order by 1"),
        ("plan", "select to_jsonb(t)::text from plan t order by 1"),
        ("draw", "select to_jsonb(t)::text from draw t order by 1"),
        ("log_line", "select to_jsonb(t)::text from log_line t order by 1"),
        ("drawn", "select to_jsonb(t)::text from drawn t order by 1"),
    ];
    tables(&pool, &all).await.unwrap()
}

/// A city in which all that can be announced was announced.
async fn lively() -> City {
    let city = City::with_a_plan().await;
    city.item("2", "特种设备安全检查", "").await;
    city.organisation(crate::city::MARKET, "市市场监管局").await;
    let mut failed = Story::new(1, &Shape::default());
    failed.created(&city).await;
    failed.stated(&city).await;
    city.harness.clock.advance(chrono::Duration::minutes(1));
    failed.ended(&city, DrawState::Failed, "ENTRY_MISSING").await;
    let mut next = Story::new(2, &Shape::default()).replacing(&failed.name);
    next.told(&city).await;
    next.dispatched(&city).await;
    crate::log::upheld(&city, &next, 1, crate::log::line(&next, 1, None)).await;
    Story::new(3, &Shape::default()).created(&city).await;
    city.settle().await;
    city
}

#[tokio::test]
async fn a_read_model_built_anew_is_the_one_that_lived_through_it() {
    let mut city = lively().await;
    let lived = rows(&city).await;
    assert!(lived.values().all(|rows| !rows.is_empty()));
    assert_eq!(lived["draw"].len(), 3);
    // As after a restore: what was followed is not what the logs hold.
    let portal = city.harness.pool("portal").await.unwrap();
    sqlx::query("update follower set hash = repeat('0', 64)").execute(&portal).await.unwrap();
    sqlx::query("update plan set title = 'from a lost history'").execute(&portal).await.unwrap();
    sqlx::query("insert into organisation values ('organisations/lost', 'lost', '')").execute(&portal).await.unwrap();
    city.restart().await;
    while rows(&city).await != lived {
        tokio::task::yield_now().await;
    }
    city.settle().await;
    assert_eq!(rows(&city).await, lived);
}

/// Draws revealed before a release that tells of fairness once showed none.
#[tokio::test]
async fn what_an_older_release_built_is_built_anew_by_itself() {
    let mut city = lively().await;
    let lived = rows(&city).await;
    let portal = city.harness.pool("portal").await.unwrap();
    let fairness = "select count(*) from draw where fairness is not null";
    assert_eq!(sqlx::query_scalar::<_, i64>(fairness).fetch_one(&portal).await.unwrap(), 1);
    // As the older release left it: the column came with the migration, and is empty.
    sqlx::query("update draw set fairness = null").execute(&portal).await.unwrap();
    sqlx::query("update follower set model = 0").execute(&portal).await.unwrap();
    city.restart().await;
    while rows(&city).await != lived {
        tokio::task::yield_now().await;
    }
    city.settle().await;
    assert_eq!(rows(&city).await, lived);
}

/// While it is built anew nobody is told that a draw is not there: caches on the way would keep that.
#[tokio::test]
async fn while_it_is_built_anew_every_question_is_put_off() {
    let city = City::with_a_plan().await;
    let mut story = Story::new(1, &Shape::default());
    story.created(&city).await;
    story.stated(&city).await;
    story.entered(&city).await;
    city.settle().await;
    // It cannot come to the end of the log before these bytes are there.
    let mut event = story.reveal(&city).await;
    let late = "late\tnames\n".as_bytes();
    event.names_blob = kit::blob::Digest::of(late).to_string();
    city.announce("draws", &story.name, &event).await;
    let portal = city.harness.pool("portal").await.unwrap();
    let building = async || {
        let sql = "select building from follower where peer = 'draws'";
        sqlx::query_scalar::<_, bool>(sql).fetch_one(&portal).await.unwrap()
    };
    assert!(!building().await);
    sqlx::query("update follower set model = 0 where peer = 'draws'").execute(&portal).await.unwrap();
    while !building().await {
        tokio::task::yield_now().await;
    }
    let mut public = city.public().await;
    let draw = pb::GetDrawRequest { name: story.name.clone() };
    let put_off = [
        public.get_draw(draw.clone()).await.err(),
        public.list_draws(pb::ListDrawsRequest::default()).await.err(),
        public.list_plans(pb::ListPlansRequest::default()).await.err(),
        public.get_overview(pb::GetOverviewRequest {}).await.err(),
    ];
    for status in put_off {
        assert_eq!(kit::testing::refusal_of(&status.unwrap()).0, "UNAVAILABLE");
    }
    city.harness.env.blobs.put(late).await.unwrap();
    while building().await {
        tokio::task::yield_now().await;
    }
    public.get_draw(draw).await.unwrap();
    assert_eq!(public.list_draws(pb::ListDrawsRequest::default()).await.unwrap().into_inner().draws.len(), 1);
}

#[tokio::test]
async fn after_a_restart_it_goes_on_where_it_stood() {
    let mut city = lively().await;
    let before = rows(&city).await;
    city.restart().await;
    Story::new(4, &Shape::default()).created(&city).await;
    city.settle().await;
    let after = rows(&city).await;
    assert_eq!(after["draw"].len(), before["draw"].len() + 1);
    assert_eq!(after["drawn"], before["drawn"]);
}

#[tokio::test]
async fn a_reveal_whose_blob_is_missing_waits_and_changes_nothing() {
    let city = City::with_a_plan().await;
    let mut story = Story::new(1, &Shape::default());
    story.created(&city).await;
    story.stated(&city).await;
    story.entered(&city).await;
    city.settle().await;
    let before = rows(&city).await;
    let mut event = story.reveal(&city).await;
    // The blobs of the cluster may come later than the log: here the names.
    let late = "late\tnames\n".as_bytes();
    event.names_blob = kit::blob::Digest::of(late).to_string();
    city.announce("draws", &story.name, &event).await;
    let log = city.harness.pool("draws").await.unwrap();
    let logged =
        "select exists (select 1 from log where type like '%DrawRevealed') and not exists (select 1 from outbox)";
    while !sqlx::query_scalar::<_, bool>(logged).fetch_one(&log).await.unwrap() {
        tokio::task::yield_now().await;
    }
    assert_eq!(rows(&city).await, before, "nothing is half-applied");
    city.harness.env.blobs.put(late).await.unwrap();
    city.settle().await;
    let request = pb::ListDrawnRequest { parent: story.name.clone(), ..Default::default() };
    let drawn = city.public().await.list_drawn(request).await.unwrap().into_inner();
    assert_eq!(drawn.total_size, i64::try_from(story.lot.reveal.rows.len()).unwrap());
}

#[tokio::test]
async fn a_large_result_goes_in_whole() {
    let city = City::with_a_plan().await;
    let mut story = Story::new(1, &Shape { subjects: 20_000, officers: 3, exclusion_one_in: 0, ..Shape::default() });
    story.told(&city).await;
    city.settle().await;
    assert!(story.lot.reveal.rows.len() > 4_000, "more than two inserts");
    let portal = city.harness.pool("portal").await.unwrap();
    let places: Vec<(i32, String)> =
        sqlx::query_as("select place, key from drawn order by place").fetch_all(&portal).await.unwrap();
    let expected: Vec<_> = (1..).zip(story.lot.reveal.rows.iter().map(|row| row.key.clone())).collect();
    assert_eq!(places, expected);
}
