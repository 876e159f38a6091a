//! The guard, in front of a real server: rules of the contract, revocation, repeated requests, audit of refusals, following.

use std::sync::Arc;

use futures::FutureExt;
use kit::{
    auth::{Caller, GATEWAY_HEADER, Minter, TOKEN_LIFE},
    error::{Reason, Refusal},
    follow::{self, Follow},
    ledger::{Audience, EventStream, Ledger, Schema},
    serve::Part,
    testing::{Harness, refusal_of, until},
};
use prost::Name;
use proto::qingtian::{
    access::v1::Role,
    catalog::events::v1::ItemsPublished,
    catalog::v1::{
        self as pb,
        catalog_client::CatalogClient,
        catalog_server::{Catalog, CatalogServer},
    },
    common::v1::Import,
    events::v1::{ReadEventsRequest, Record, record::Kind},
};
use sha2::{Digest, Sha256};
use sqlx::{
    PgPool,
    migrate::{Migration, MigrationType, Migrator},
};
use tonic::{Code, Request, Response, Status, Streaming};

static TABLES: std::sync::LazyLock<Migrator> = std::sync::LazyLock::new(|| {
    let sql =
        sqlx::SqlStr::from_static("create table item (title text not null); create table seen (title text not null);");
    Migrator::with_migrations(vec![Migration::new(1, "item".into(), MigrationType::Simple, sql, false)])
});
pub const SCHEMA: fn() -> Schema =
    || Schema { migrator: &TABLES, grants: "grant select, insert, delete on item, seen to {role};" };

/// A small service of the contract: creating an item really inserts and announces one.
#[derive(Clone)]
pub struct Small(pub Ledger);

type Stream<T> = std::pin::Pin<Box<dyn futures::Stream<Item = Result<T, Status>> + Send>>;

fn not_here<T>() -> Result<T, Status> {
    Err(Refusal::new(Reason::Unavailable).into())
}

#[tonic::async_trait]
impl Catalog for Small {
    async fn create_item(&self, request: Request<pb::CreateItemRequest>) -> Result<Response<pb::Item>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.reaches(&request.parent)?;
        let mut tx = self.0.begin(&caller, &request.request_id, &request).await?;
        let item = request.item.clone().unwrap_or_default();
        if item.title.is_empty() {
            return Err(Refusal::invalid("item.title", "empty").into());
        }
        sqlx::query("insert into item values ($1)").bind(&item.title).execute(&mut *tx).await.map_err(Refusal::from)?;
        let event = ItemsPublished { items: vec![item.clone()] };
        tx.emit("organisations/market/items/1", 1, &event, Audience::Public)?;
        tx.commit(&item).await?;
        Ok(Response::new(item))
    }
    async fn import_items(&self, _: Request<Streaming<pb::ImportItemsRequest>>) -> Result<Response<Import>, Status> {
        not_here()
    }
    async fn list_items(
        &self,
        request: Request<pb::ListItemsRequest>,
    ) -> Result<Response<pb::ListItemsResponse>, Status> {
        Caller::of(&request)?.reaches(&request.get_ref().parent)?;
        let count: i64 =
            sqlx::query_scalar("select count(*) from item").fetch_one(self.0.pool()).await.map_err(Refusal::from)?;
        Ok(Response::new(pb::ListItemsResponse { total_size: count, ..Default::default() }))
    }
    async fn get_item(&self, _: Request<pb::GetItemRequest>) -> Result<Response<pb::Item>, Status> {
        not_here()
    }
    async fn update_item(&self, _: Request<pb::UpdateItemRequest>) -> Result<Response<pb::Item>, Status> {
        not_here()
    }
    async fn publish_items(
        &self,
        _: Request<pb::PublishItemsRequest>,
    ) -> Result<Response<pb::PublishItemsResponse>, Status> {
        not_here()
    }
    async fn list_item_imports(
        &self,
        _: Request<pb::ListItemImportsRequest>,
    ) -> Result<Response<pb::ListItemImportsResponse>, Status> {
        not_here()
    }
    type DownloadItemImportReportStream = Stream<proto::google::api::HttpBody>;
    async fn download_item_import_report(
        &self,
        _: Request<pb::DownloadItemImportReportRequest>,
    ) -> Result<Response<Self::DownloadItemImportReportStream>, Status> {
        not_here()
    }
    type ReadEventsStream = EventStream;
    async fn read_events(&self, request: Request<ReadEventsRequest>) -> Result<Response<EventStream>, Status> {
        self.0.read_events(&Caller::of(&request)?, request.into_inner()).await
    }
}

pub async fn harness() -> Harness {
    let schema = SCHEMA();
    Harness::start(&[("catalog", &schema)], |env| {
        async move {
            let ledger = Ledger::open(env, "catalog")?;
            Ok(vec![Part::new(ledger.clone()).with(CatalogServer::new(Small(ledger)))])
        }
        .boxed()
    })
    .await
    .unwrap()
}

pub fn create(title: &str, request_id: &str) -> pb::CreateItemRequest {
    pb::CreateItemRequest {
        parent: "organisations/market".to_owned(),
        item: Some(pb::Item { title: title.to_owned(), ..Default::default() }),
        request_id: request_id.to_owned(),
    }
}

pub const MARKET: &str = "organisations/market";

#[tokio::test]
async fn who_may_call_is_what_the_contract_says() {
    let harness = harness().await;
    let mut stranger = CatalogClient::new(harness.anonymous().await.unwrap());
    let status = stranger.create_item(create("a", "")).await.unwrap_err();
    assert_eq!((status.code(), refusal_of(&status).0.as_str()), (Code::Unauthenticated, "NOT_SIGNED_IN"));
    let mut forged = CatalogClient::new(harness.bearer("a.b.c").await.unwrap());
    assert_eq!(forged.create_item(create("a", "")).await.unwrap_err().code(), Code::Unauthenticated);
    let mut reviewer = CatalogClient::new(harness.user("users/r", MARKET, &[Role::Reviewer]).await.unwrap());
    let status = reviewer.create_item(create("a", "")).await.unwrap_err();
    let (reason, metadata) = refusal_of(&status);
    assert_eq!((status.code(), reason.as_str()), (Code::PermissionDenied, "ROLE_MISSING"));
    assert_eq!((metadata["article"].as_str(), metadata["needed"].as_str()), ("27", "HANDLER, INTEGRATOR"));
    let mut part = CatalogClient::new(harness.service("gateway").await.unwrap());
    assert_eq!(part.create_item(create("a", "")).await.unwrap_err().code(), Code::PermissionDenied);
    let mut other =
        CatalogClient::new(harness.user("users/o", "organisations/health", &[Role::Handler]).await.unwrap());
    assert_eq!(refusal_of(&other.create_item(create("a", "")).await.unwrap_err()).0, "NOT_FOUND");
    let mut handler = CatalogClient::new(harness.user("users/h", MARKET, &[Role::Handler]).await.unwrap());
    assert_eq!(handler.create_item(create("a", "")).await.unwrap().into_inner().title, "a");
}

#[tokio::test]
async fn the_same_request_twice_is_done_once_and_other_content_is_refused() {
    let harness = harness().await;
    let mut handler = CatalogClient::new(harness.user("users/h", MARKET, &[Role::Handler]).await.unwrap());
    let first = handler.create_item(create("a", "one")).await.unwrap().into_inner();
    let again = handler.create_item(create("a", "one")).await.unwrap().into_inner();
    assert_eq!(first, again);
    let other = handler.create_item(create("b", "one")).await.unwrap_err();
    assert_eq!(refusal_of(&other).0, "REQUEST_ID_REUSED");
    let both = futures::future::join_all((0..6).map(|_| {
        let mut handler = handler.clone();
        async move { handler.create_item(create("c", "two")).await.unwrap().into_inner().title }
    }));
    assert_eq!(both.await, ["c"; 6], "six at once get the one answer");
    // A refused request is not remembered: mended, it may come again under its id.
    assert!(handler.create_item(create("", "three")).await.is_err());
    handler.create_item(create("d", "three")).await.unwrap();
    let rows: Vec<String> = sqlx::query_scalar("select title from item order by title")
        .fetch_all(&harness.pool("catalog").await.unwrap())
        .await
        .unwrap();
    assert_eq!(rows, ["a", "c", "d"]);
    // A request may hold a password: what is kept of it must not be guessable from the table alone.
    let kept: Vec<Vec<u8>> = sqlx::query_scalar("select content from idempotency")
        .fetch_all(&harness.pool("catalog").await.unwrap())
        .await
        .unwrap();
    let plain = Sha256::digest(prost::Message::encode_to_vec(&create("a", "one")));
    assert!(kept.len() == 3 && !kept.iter().any(|content| content.as_slice() == plain.as_slice()));
}

#[tokio::test]
async fn refusals_of_known_callers_are_audited_and_anonymous_ones_are_not() {
    let harness = harness().await;
    let mut reviewer = CatalogClient::new(harness.user("users/r", MARKET, &[Role::Reviewer]).await.unwrap());
    reviewer.create_item(create("a", "")).await.unwrap_err();
    let mut handler = CatalogClient::new(harness.user("users/h", MARKET, &[Role::Handler]).await.unwrap());
    handler.create_item(create("", "")).await.unwrap_err();
    CatalogClient::new(harness.anonymous().await.unwrap()).create_item(create("a", "")).await.unwrap_err();
    handler.create_item(create("a", "")).await.unwrap();
    let pool = harness.pool("catalog").await.unwrap();
    harness.sequenced("catalog").await.unwrap();
    let rows: Vec<Vec<u8>> = sqlx::query_scalar("select bytes from log where type = 'audit' order by position")
        .fetch_all(&pool)
        .await
        .unwrap();
    let entries = rows.iter().map(|bytes| match <Record as prost::Message>::decode(bytes.as_slice()).unwrap().kind {
        Some(Kind::Audit(entry)) => {
            assert_eq!(entry.address, "127.0.0.1", "no gateway in between: the connection's own address");
            (entry.actor, entry.reason)
        }
        other => panic!("{other:?}"),
    });
    let entries: Vec<_> = entries.collect();
    let told: Vec<_> = entries.iter().map(|(actor, reason)| (actor.as_str(), reason.as_str())).collect();
    assert_eq!(told, [("users/r", "ROLE_MISSING"), ("users/h", "INVALID"), ("users/h", "")]);
}

/// Purposes in Chinese once stood percent-encoded in the audit.
#[tokio::test]
async fn a_purpose_in_chinese_stands_in_the_audit_as_it_was_written() {
    let harness = harness().await;
    let mut handler = CatalogClient::new(harness.user("users/h", MARKET, &[Role::Handler]).await.unwrap());
    for sent in ["%E6%A0%B8%E5%AF%B9%E5%90%8D%E5%BD%95", "register-upkeep"] {
        let mut request = Request::new(create("a", ""));
        request.metadata_mut().insert("x-purpose", sent.parse().unwrap());
        handler.create_item(request).await.unwrap();
    }
    harness.sequenced("catalog").await.unwrap();
    let rows: Vec<Vec<u8>> = sqlx::query_scalar("select bytes from log where type = 'audit' order by position")
        .fetch_all(&harness.pool("catalog").await.unwrap())
        .await
        .unwrap();
    let purposes = rows.iter().map(|bytes| match <Record as prost::Message>::decode(bytes.as_slice()).unwrap().kind {
        Some(Kind::Audit(entry)) => entry.purpose,
        other => panic!("{other:?}"),
    });
    assert_eq!(purposes.collect::<Vec<_>>(), ["核对名录", "register-upkeep"]);
}

#[tokio::test]
async fn an_address_is_believed_of_the_gateway_alone() {
    let harness = harness().await;
    let handler = || harness.user("users/h", MARKET, &[Role::Handler]);
    let token = |part: &str| {
        let minter = Minter::service(part, harness.env.keys.clone(), harness.clock.clone()).unwrap();
        format!("Bearer {}", minter.token().unwrap())
    };
    let old = token("gateway");
    harness.clock.advance(TOKEN_LIFE);
    let given = [None, Some("Bearer a.b.c".to_owned()), Some(token("portal")), Some(old), Some(token("gateway"))];
    let count = given.len();
    for vouches in given {
        let mut request = Request::new(create("a", ""));
        request.metadata_mut().insert("x-forwarded-for", "203.0.113.9".parse().unwrap());
        if let Some(vouches) = vouches {
            request.metadata_mut().insert(GATEWAY_HEADER, vouches.parse().unwrap());
        }
        CatalogClient::new(handler().await.unwrap()).create_item(request).await.unwrap();
    }
    harness.sequenced("catalog").await.unwrap();
    let rows: Vec<Vec<u8>> = sqlx::query_scalar("select bytes from log where type = 'audit' order by position")
        .fetch_all(&harness.pool("catalog").await.unwrap())
        .await
        .unwrap();
    let addresses = rows.iter().map(|bytes| match <Record as prost::Message>::decode(bytes.as_slice()).unwrap().kind {
        Some(Kind::Audit(entry)) => entry.address,
        other => panic!("{other:?}"),
    });
    let mut expected = vec!["127.0.0.1"; count - 1];
    expected.push("203.0.113.9");
    assert_eq!(addresses.collect::<Vec<_>>(), expected);
}

/// Follows the titles of published items, as the portal would, into the table `seen`.
fn follow_titles(harness: &Harness, pool: &PgPool) {
    follow_as(harness, pool, 0);
}

/// As [`follow_titles`]; from the second model on the titles are written with its number.
fn follow_as(harness: &Harness, pool: &PgPool, model: i32) {
    let follow = Follow {
        part: "portal",
        peer: "catalog",
        method: follow::method_of("catalog").unwrap(),
        types: vec![ItemsPublished::full_name()],
        model,
        apply: Arc::new(move |connection, event| {
            Box::pin(async move {
                let items = follow::payload::<ItemsPublished>(&event)?.unwrap_or_default().items;
                for item in items {
                    let title = if model == 0 { item.title } else { format!("{}{model}", item.title) };
                    sqlx::query("insert into seen values ($1)").bind(title).execute(&mut *connection).await?;
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

async fn seen(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar("select title from seen order by title").fetch_all(pool).await.unwrap()
}

#[tokio::test]
async fn a_follower_applies_each_event_once_and_rebuilds_when_the_log_diverged() {
    let harness = harness().await;
    let pool = harness.pool("catalog").await.unwrap();
    let mut handler = CatalogClient::new(harness.user("users/h", MARKET, &[Role::Handler]).await.unwrap());
    handler.create_item(create("a", "")).await.unwrap();
    // Two replicas follow at once; the row lock lets one of them apply each event.
    follow_titles(&harness, &pool);
    follow_titles(&harness, &pool);
    handler.create_item(create("b", "")).await.unwrap();
    harness.followed("catalog", "catalog").await.unwrap();
    assert_eq!(seen(&pool).await, ["a", "b"]);
    handler.create_item(create("c", "")).await.unwrap();
    // To the very end of the log: nothing moves the follower's row any more, so nothing hides what is done to it now.
    harness.followed("catalog", "catalog").await.unwrap();
    assert_eq!(seen(&pool).await, ["a", "b", "c"]);
    // As after a restore of the peer to another history.
    sqlx::query("insert into seen values ('from a lost history')").execute(&pool).await.unwrap();
    sqlx::query("update follower set hash = repeat('0', 64)").execute(&pool).await.unwrap();
    follow_titles(&harness, &pool);
    until("rebuilt", async || seen(&pool).await == ["a", "b", "c"]).await;
}

#[tokio::test]
async fn a_newer_model_is_built_anew_by_itself_and_an_older_replica_then_stands_still() {
    let harness = harness().await;
    let pool = harness.pool("catalog").await.unwrap();
    let mut handler = CatalogClient::new(harness.user("users/h", MARKET, &[Role::Handler]).await.unwrap());
    handler.create_item(create("a", "")).await.unwrap();
    handler.create_item(create("b", "")).await.unwrap();
    follow_titles(&harness, &pool);
    until("followed by the old one", async || seen(&pool).await == ["a", "b"]).await;
    // The old replica goes on beside the new one, as in a rolling update.
    follow_as(&harness, &pool, 2);
    until("built anew", async || seen(&pool).await == ["a2", "b2"]).await;
    handler.create_item(create("c", "")).await.unwrap();
    harness.followed("catalog", "catalog").await.unwrap();
    assert_eq!(seen(&pool).await, ["a2", "b2", "c2"]);
    let model: i32 = sqlx::query_scalar("select model from follower").fetch_one(&pool).await.unwrap();
    assert_eq!(model, 2);
}

/// A replica that finds the log diverged once cleared what another one, ahead of it, was just building anew: the first event
/// stayed and was applied once more.
#[tokio::test]
async fn a_rebuild_does_not_disturb_another_replica_that_is_ahead_with_it() {
    let harness = harness().await;
    let pool = harness.pool("catalog").await.unwrap();
    let mut handler = CatalogClient::new(harness.user("users/h", MARKET, &[Role::Handler]).await.unwrap());
    for title in ["a", "b", "c"] {
        handler.create_item(create(title, "")).await.unwrap();
    }
    let top = harness.sequenced("catalog").await.unwrap();
    let lost = "insert into follower (peer, position, hash) values ('catalog', $1, repeat('0', 64))";
    sqlx::query(lost).bind(top).execute(&pool).await.unwrap();
    // The other replica has begun from zero and applied the first event, and is about to commit.
    let mut ahead = pool.begin().await.unwrap();
    let first = "update follower set (position, hash) = (select position, encode(hash, 'hex') from log
         where type like '%ItemsPublished' order by position limit 1)";
    sqlx::query(first).execute(&mut *ahead).await.unwrap();
    sqlx::query("insert into seen values ('a')").execute(&mut *ahead).await.unwrap();
    follow_titles(&harness, &pool);
    until("this one waits for the row", async || {
        let waits = "select exists (select 1 from pg_locks where not granted and locktype = 'transactionid')";
        sqlx::query_scalar(waits).fetch_one(&pool).await.unwrap()
    })
    .await;
    ahead.commit().await.unwrap();
    harness.followed("catalog", "catalog").await.unwrap();
    assert_eq!(seen(&pool).await, ["a", "b", "c"]);
}
