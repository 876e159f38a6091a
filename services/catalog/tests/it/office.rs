//! The market supervision bureau and those who work there.

use futures::{Stream, StreamExt};
pub use kit::testing::refused;
use kit::testing::{Harness, UserChannel};
use proto::{
    google::api::HttpBody,
    qingtian::{
        access::v1::Role,
        catalog::v1::{self as pb, catalog_client::CatalogClient, item_versions_client::ItemVersionsClient},
        common::v1::Import,
    },
};
use tonic::Status;

pub type Client = CatalogClient<UserChannel>;

pub const MARKET: &str = "organisations/market";

pub struct Office {
    pub harness: Harness,
}

impl Office {
    pub async fn new() -> Self {
        let harness = Harness::start(&[("catalog", &catalog::SCHEMA)], |env| {
            Box::pin(async move { Ok(vec![catalog::start(env).await?]) })
        });
        Self { harness: harness.await.unwrap() }
    }

    pub async fn handler(&self) -> Client {
        self.user("users/handler", "market", &[Role::Handler]).await
    }

    pub async fn reviewer(&self) -> Client {
        self.user("users/reviewer", "market", &[Role::Reviewer]).await
    }

    /// Those who revise, retire and compare, in the name of somebody.
    pub async fn versions(&self, name: &str, organisation: &str, roles: &[Role]) -> ItemVersionsClient<UserChannel> {
        let organisation = format!("organisations/{organisation}");
        ItemVersionsClient::new(self.harness.user(name, &organisation, roles).await.unwrap())
    }

    pub async fn user(&self, name: &str, organisation: &str, roles: &[Role]) -> Client {
        let organisation = format!("organisations/{organisation}");
        Client::new(self.harness.user(name, &organisation, roles).await.unwrap())
    }

    pub async fn create(&self, item: pb::Item) -> pb::Item {
        let request = pb::CreateItemRequest { parent: MARKET.into(), item: Some(item), request_id: String::new() };
        self.handler().await.create_item(request).await.unwrap().into_inner()
    }

    pub async fn publish(&self, names: &[&str]) -> pb::PublishItemsResponse {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let request = pb::PublishItemsRequest { parent: MARKET.into(), names, request_id: String::new() };
        self.reviewer().await.publish_items(request).await.unwrap().into_inner()
    }

    /// Uploads a file in pieces of a size that divides characters.
    pub async fn import(&self, first: pb::ImportItemsRequest, file: &[u8]) -> Result<Import, Status> {
        Ok(self.handler().await.import_items(pieces(first, file)).await?.into_inner())
    }

    pub async fn count(&self, table: &'static str) -> i64 {
        let pool = self.harness.pool("catalog").await.unwrap();
        let sql = format!("select count(*) from {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&pool).await.unwrap()
    }
}

/// What stands in the first chunk.
pub fn order() -> pb::ImportItemsRequest {
    pb::ImportItemsRequest {
        parent: MARKET.into(),
        file_name: "清单.csv".into(),
        random_listed: true,
        derive_checklist: true,
        leader: "赵立新".into(),
        undertaking_unit: "食品科".into(),
        handler: "孙晓".into(),
        ..Default::default()
    }
}

pub fn pieces(first: pb::ImportItemsRequest, file: &[u8]) -> impl Stream<Item = pb::ImportItemsRequest> + use<> {
    let chunk = |bytes: &[u8]| pb::ImportItemsRequest {
        file: Some(HttpBody { content_type: "text/csv".into(), data: bytes.to_vec(), extensions: vec![] }),
        ..Default::default()
    };
    let chunks: Vec<_> = file.chunks(997).map(chunk).collect();
    futures::stream::once(async { first }).chain(futures::stream::iter(chunks))
}

/// An item that may be published.
pub fn item(code: &str, title: &str) -> pb::Item {
    pb::Item {
        code: code.into(),
        title: title.into(),
        legal_basis: "《中华人民共和国食品安全法》第一百零九条".into(),
        random_listed: true,
        leader: "赵立新".into(),
        undertaking_unit: "食品科".into(),
        handler: "孙晓".into(),
        grade: pb::ItemGrade::General as i32,
        checklist: vec![pb::CheckEntry {
            content: "是否持有有效许可证".into(),
            method: "现场检查".into(),
            penalty_basis: "第一百二十二条".into(),
        }],
        ..Default::default()
    }
}
