//! Followers in trouble: an event that cannot be applied, and a peer that was restored under an open stream.

use std::sync::Arc;

use kit::{
    follow::{self, Follow, Standing, park, standing},
    ledger::Ledger,
    testing::{Harness, until},
};
use prost::{Message, Name};
use proto::qingtian::{
    access::v1::Role,
    catalog::{events::v1::ItemsPublished, v1::catalog_client::CatalogClient},
    events::v1::{ReadEventsRequest, Record, record::Kind},
};
use sqlx::PgPool;
use tonic::Code;

use crate::guard::{MARKET, create, harness};

const FOLLOWER: &str = "follower.catalog.catalog";

/// Follows titles, and cannot apply those that begin with 坏.
fn follow_good_titles(harness: &Harness, pool: &PgPool, model: i32) {
    let follow = Follow {
        part: "portal",
        peer: "catalog",
        method: follow::method_of("catalog").unwrap(),
        types: vec![ItemsPublished::full_name()],
        model,
        apply: Arc::new(|connection, event| {
            Box::pin(async move {
                for item in follow::payload::<ItemsPublished>(&event)?.unwrap_or_default().items {
                    // Written before it fails: nothing of it may stay.
                    sqlx::query("insert into seen values ($1)").bind(&item.title).execute(&mut *connection).await?;
                    anyhow::ensure!(!item.title.starts_with('坏'), "no title: {}", item.title);
                }
                Ok(())
            })
        }),
        reset: Arc::new(|connection| {
            Box::pin(async move {
                sqlx::query("delete from seen").execute(connection).await?;
                Ok(())
            })
        }),
    };
    follow::spawn(&harness.env, pool.clone(), follow).unwrap();
}

async fn publish(harness: &Harness, titles: &[&str]) {
    let mut handler = CatalogClient::new(harness.user("users/h", MARKET, &[Role::Handler]).await.unwrap());
    for title in titles {
        handler.create_item(create(title, "")).await.unwrap();
    }
}

async fn seen(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar("select title from seen order by title").fetch_all(pool).await.unwrap()
}

async fn stands(pool: &PgPool) -> Standing {
    standing(pool).await.unwrap().pop().unwrap()
}

async fn serves(harness: &Harness, service: &str, wanted: bool) {
    let channel = harness.anonymous().await.unwrap();
    let what = format!("{service} serves: {wanted}");
    until(&what, async || kit::health::serves(channel.clone(), service).await == wanted).await;
}

#[tokio::test]
async fn an_event_that_cannot_be_applied_stops_its_follower_until_a_person_has_it_passed_over() {
    let harness = harness().await;
    let pool = harness.pool("catalog").await.unwrap();
    let ledger = Ledger::open(&harness.env, "catalog").unwrap();
    follow_good_titles(&harness, &pool, 0);
    publish(&harness, &["a", "坏一", "c"]).await;
    until("it stopped", async || standing(&pool).await.unwrap().iter().any(|one| one.stopped_position.is_some())).await;
    let stopped = stands(&pool).await;
    assert_eq!(seen(&pool).await, ["a"], "nothing of the event, and nothing behind it");
    assert_eq!((stopped.problem.as_str(), stopped.parked), ("no title: 坏一", 0));
    let what = "qingtian.catalog.events.v1.ItemsPublished of organisations/market/items/1";
    assert_eq!((stopped.stopped_event.as_str(), stopped.stopped_at), (what, Some(harness.clock.now())));
    serves(&harness, FOLLOWER, false).await;
    serves(&harness, "qingtian.catalog.v1.Catalog", true).await;

    // Only this event, only with a name and a reason.
    let at = stopped.stopped_position.unwrap();
    for (peer, position, by, reason) in [
        ("catalog", at + 1, "陈立", "误发"),
        ("draws", at, "陈立", "误发"),
        ("catalog", at, " ", "误发"),
        ("catalog", at, "陈立", ""),
    ] {
        assert!(park(&ledger, peer, position, by, reason).await.is_err(), "{peer} {position} {by:?} {reason:?}");
    }
    let count = async || sqlx::query_scalar::<_, i64>("select count(*) from parked_event").fetch_one(&pool).await;
    assert_eq!(count().await.unwrap(), 0);
    park(&ledger, "catalog", at, "陈立", "误发，已另行更正").await.unwrap();
    until("it went on", async || seen(&pool).await == ["a", "c"]).await;
    harness.followed("catalog", "catalog").await.unwrap();
    let on = stands(&pool).await;
    assert_eq!((on.stopped_position, on.problem.as_str(), on.parked), (None, "", 1));
    serves(&harness, FOLLOWER, true).await;
    let refused = park(&ledger, "catalog", at, "陈立", "误发").await.unwrap_err();
    assert!(refused.to_string().contains("goes on"), "{refused}");
    assert!(sqlx::query("delete from parked_event").execute(&pool).await.is_err(), "a decision stays");

    // The audit knows who, what and why.
    harness.sequenced("catalog").await.unwrap();
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar("select bytes from log where type = 'audit'").fetch_all(&pool).await.unwrap();
    let entries = rows.iter().filter_map(|bytes| match Record::decode(bytes.as_slice()).unwrap().kind {
        Some(Kind::Audit(entry)) if entry.method == "ParkEvent" => Some(entry),
        _ => None,
    });
    let told: Vec<_> = entries.map(|entry| (entry.actor, entry.resource, entry.purpose)).collect();
    let resource = format!("followers/catalog/events/{at}");
    assert_eq!(told, [("services/catalog".to_owned(), resource, "陈立: 误发，已另行更正".to_owned())]);

    // Built anew from the same log it is the same; a release that applies events otherwise tries the event again.
    sqlx::query("update follower set hash = repeat('0', 64)").execute(&pool).await.unwrap();
    sqlx::query("insert into seen values ('from a lost history')").execute(&pool).await.unwrap();
    publish(&harness, &["d"]).await;
    follow_good_titles(&harness, &pool, 0);
    until("built anew", async || seen(&pool).await == ["a", "c", "d"]).await;
    follow_good_titles(&harness, &pool, 1);
    until("tried again", async || stands(&pool).await.stopped_position == Some(at)).await;
    assert_eq!(seen(&pool).await, ["a"]);
}

/// The last two events of the log, the other way round and twice, with a chain of their own.
const OTHER_HISTORY: &str = "
do $$
declare r record; h bytea; p bigint;
begin
    create temporary table tail on commit drop as
        select row_number() over (order by position desc) as n, type, bytes from log where type <> 'audit'
        order by position desc limit 2;
    delete from log where position >= (select min(position) from (select position from log where type <> 'audit'
        order by position desc limit 2) as last);
    select position, hash into p, h from log order by position desc limit 1;
    for r in select t.type, t.bytes from generate_series(1, 4) as turn cross join tail t order by turn, t.n loop
        p := p + 1;
        h := sha256(h || r.bytes);
        insert into log values (p, h, r.type, r.bytes);
    end loop;
end
$$";

/// Such a log was once followed on as if nothing had happened: positions and hashes were compared at the opening of a stream alone.
#[tokio::test]
async fn a_log_that_was_restored_under_an_open_stream_is_followed_anew() {
    let harness = harness().await;
    let pool = harness.pool("catalog").await.unwrap();
    follow_good_titles(&harness, &pool, 0);
    publish(&harness, &["a", "b", "c", "d"]).await;
    harness.followed("catalog", "catalog").await.unwrap();
    assert_eq!(seen(&pool).await, ["a", "b", "c", "d"]);
    let top = harness.sequenced("catalog").await.unwrap();
    let request = ReadEventsRequest { follow: true, ..Default::default() };
    let mut reader = CatalogClient::new(harness.service("draws").await.unwrap());
    let mut stream = reader.read_events(request).await.unwrap().into_inner();
    while stream.message().await.unwrap().unwrap().position < top {}

    let owner = harness.owner_pool("catalog").await.unwrap();
    sqlx::raw_sql(OTHER_HISTORY).execute(&owner).await.unwrap();
    assert!(harness.sequenced("catalog").await.unwrap() > top, "a longer log than the one that was followed");
    let status = loop {
        if let Err(status) = stream.message().await {
            break status;
        }
    };
    assert_eq!((status.code(), kit::testing::refusal_of(&status).0.as_str()), (Code::DataLoss, "LOG_DIVERGED"));
    let anew = ["a", "b", "c", "c", "c", "c", "d", "d", "d", "d"];
    until("followed anew", async || seen(&pool).await == anew).await;
    serves(&harness, FOLLOWER, true).await;
}
