//! What draws learns from catalog's log: once, in order, and anew from zero when the log is another one.

use std::pin::Pin;

use futures::future::BoxFuture;
use kit::{
    auth::Caller,
    env::Env,
    error::{Reason, Refusal},
    ledger::{Audience, EventStream, Ledger, Schema},
    serve::Part,
    testing::Harness,
};
use proto::{
    google::api::HttpBody,
    qingtian::{
        access::v1::Role,
        catalog::{
            events::v1::ItemsPublished,
            v1::{
                self as pb,
                catalog_client::CatalogClient,
                catalog_server::{Catalog, CatalogServer},
            },
        },
        common::v1::Import,
        events::v1::ReadEventsRequest,
    },
};
use sqlx::migrate::Migrator;
use tonic::{Request, Response, Status, Streaming};

use crate::world::*;

static NO_TABLES: Migrator = Migrator::DEFAULT;
const CATALOG: Schema = Schema { migrator: &NO_TABLES, grants: "" };

/// As much of catalog as writes its log: an item created is announced as published.
struct Announcer(Ledger);

fn not_asked<T>() -> Result<T, Status> {
    Err(Refusal::new(Reason::Unavailable).into())
}

#[tonic::async_trait]
impl Catalog for Announcer {
    async fn create_item(&self, request: Request<pb::CreateItemRequest>) -> Result<Response<pb::Item>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let item = request.item.clone().unwrap_or_default();
        let mut tx = self.0.begin(&caller, "", &request).await?;
        tx.emit(&item.name, 1, &ItemsPublished { items: vec![item.clone()] }, Audience::Public)?;
        tx.commit(&item).await?;
        Ok(Response::new(item))
    }
    type ReadEventsStream = EventStream;
    async fn read_events(&self, request: Request<ReadEventsRequest>) -> Result<Response<EventStream>, Status> {
        self.0.read_events(&Caller::of(&request)?, request.into_inner()).await
    }
    async fn import_items(&self, _: Request<Streaming<pb::ImportItemsRequest>>) -> Result<Response<Import>, Status> {
        not_asked()
    }
    async fn list_items(&self, _: Request<pb::ListItemsRequest>) -> Result<Response<pb::ListItemsResponse>, Status> {
        not_asked()
    }
    async fn get_item(&self, _: Request<pb::GetItemRequest>) -> Result<Response<pb::Item>, Status> {
        not_asked()
    }
    async fn update_item(&self, _: Request<pb::UpdateItemRequest>) -> Result<Response<pb::Item>, Status> {
        not_asked()
    }
    async fn publish_items(
        &self,
        _: Request<pb::PublishItemsRequest>,
    ) -> Result<Response<pb::PublishItemsResponse>, Status> {
        not_asked()
    }
    async fn list_item_imports(
        &self,
        _: Request<pb::ListItemImportsRequest>,
    ) -> Result<Response<pb::ListItemImportsResponse>, Status> {
        not_asked()
    }
    type DownloadItemImportReportStream = Pin<Box<dyn futures::Stream<Item = Result<HttpBody, Status>> + Send>>;
    async fn download_item_import_report(
        &self,
        _: Request<pb::DownloadItemImportReportRequest>,
    ) -> Result<Response<Self::DownloadItemImportReportStream>, Status> {
        not_asked()
    }
}

fn both(env: &Env) -> BoxFuture<'_, anyhow::Result<Vec<Part>>> {
    Box::pin(async move {
        let ledger = Ledger::open(env, "catalog")?;
        let catalog = Part::new(ledger.clone()).with(CatalogServer::new(Announcer(ledger)));
        Ok(vec![catalog, draws::start(env).await?])
    })
}

async fn announce(harness: &Harness, item: &str, title: &str) {
    let mut catalog = CatalogClient::new(harness.user("users/clerk", MARKET, &[Role::Handler]).await.unwrap());
    let item = pb::Item { title: title.into(), ..plannable(item) };
    let request = pb::CreateItemRequest { parent: MARKET.into(), item: Some(item), request_id: String::new() };
    catalog.create_item(request).await.unwrap();
}

async fn known(harness: &Harness, expected: &[(&str, &str)]) {
    let pool = harness.pool("draws").await.unwrap();
    let expected: Vec<(String, String)> =
        expected.iter().map(|(name, title)| ((*name).to_owned(), (*title).to_owned())).collect();
    until(&format!("{expected:?}"), || async {
        let items: Vec<(String, String)> =
            sqlx::query_as("select name, title from item order by name").fetch_all(&pool).await.unwrap();
        items == expected
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_followed_and_rebuilt_when_the_log_is_another() {
    const OTHER: &str = "organisations/market/items/2";
    let mut harness = Harness::start(&[("catalog", &CATALOG), ("draws", &draws::SCHEMA)], both).await.unwrap();
    announce(&harness, ITEM, "旧名").await;
    announce(&harness, OTHER, "另一项").await;
    announce(&harness, ITEM, "新名").await;
    known(&harness, &[(ITEM, "新名"), (OTHER, "另一项")]).await;

    // Catalog comes back from a backup that never knew the second item.
    harness.stop().await;
    let owner = harness.owner_pool("catalog").await.unwrap();
    sqlx::query("truncate log, outbox, head").execute(&owner).await.unwrap();
    harness.restart(both).await.unwrap();
    announce(&harness, ITEM, "恢复后").await;
    known(&harness, &[(ITEM, "恢复后")]).await;
}
