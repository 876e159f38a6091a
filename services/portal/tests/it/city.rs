//! A city whose identity, catalog and draws announce what a test says, and a portal that follows them.

use std::sync::{Arc, Mutex};

use futures::{FutureExt, future::BoxFuture};
use kit::{
    env::Env,
    ledger::{Audience, Ledger, Schema},
    serve::Part,
    testing::{Harness, Upstream},
};
use prost::{Message, Name};
use proto::qingtian::{
    catalog::{events::v1::ItemsPublished, v1::Item},
    draws::{events::v1::PlanPublished, v1::Plan},
    identity::events::v1::OrganisationChanged,
    portal::v1::portal_client::PortalClient,
};
use sqlx::migrate::Migrator;
use tonic::transport::Channel;

use crate::upstream;

static NO_TABLES: Migrator = Migrator::DEFAULT;
const PEERS: [&str; 3] = ["identity", "catalog", "draws"];
pub const MARKET: &str = "organisations/market-bureau";

pub struct City {
    pub harness: Harness,
    ledgers: Ledgers,
    trouble: Option<u64>,
}

type Ledgers = Arc<Mutex<Vec<Ledger>>>;

fn parts(
    ledgers: Ledgers,
    trouble: Option<u64>,
) -> impl for<'e> FnOnce(&'e Env) -> BoxFuture<'e, anyhow::Result<Vec<Part>>> {
    move |env| {
        async move {
            let open: Vec<Ledger> = PEERS.iter().map(|peer| Ledger::open(env, peer)).collect::<anyhow::Result<_>>()?;
            let [identity, catalog, draws] = open.as_slice() else { anyhow::bail!("three peers") };
            let log = |ledger| Upstream::new(ledger, trouble);
            let parts = vec![
                Part::new(identity.clone()).with(upstream::Identity(log(identity))),
                Part::new(catalog.clone()).with(upstream::Catalog(log(catalog))),
                Part::new(draws.clone()).with(upstream::Draws(log(draws))),
                portal::start(env).await?,
            ];
            *ledgers.lock().unwrap() = open;
            Ok(parts)
        }
        .boxed()
    }
}

impl City {
    /// A city in which nothing has happened yet, on 2026-11-23.
    pub async fn empty() -> Self {
        Self::troubled(None).await
    }

    /// The same, where deliveries come twice and streams break off.
    pub async fn troubled(trouble: Option<u64>) -> Self {
        let bare = Schema { migrator: &NO_TABLES, grants: "" };
        let mut schemas: Vec<(&str, &Schema)> = PEERS.iter().map(|peer| (*peer, &bare)).collect();
        schemas.push((portal::PART, &portal::SCHEMA));
        let ledgers = Ledgers::default();
        let harness = Harness::start(&schemas, parts(ledgers.clone(), trouble)).await.unwrap();
        Self { harness, ledgers, trouble }
    }

    /// A city with a market bureau, two items and the plan `plans/2026-07` over them.
    pub async fn with_a_plan() -> Self {
        let city = Self::empty().await;
        city.organisation(MARKET, "市市场监督管理局").await;
        city.item("1", "食品生产监督检查", "小作坊").await;
        city.item("2", "特种设备检查", "").await;
        city.plan("plans/2026-07", "2026年食品安全抽查", 2026).await;
        city
    }

    /// Announces that something happened, as that part would.
    pub async fn announce<E: Message + Name>(&self, part: &str, aggregate: &str, event: &E) {
        let ledger = self.ledgers.lock().unwrap().iter().find(|ledger| ledger.part() == part).unwrap().clone();
        let mut tx = ledger.begin_job("Announce").await.unwrap();
        tx.emit(aggregate, 1, event, Audience::Public).unwrap();
        tx.commit(&()).await.unwrap();
    }

    pub async fn organisation(&self, name: &str, title: &str) {
        let event = OrganisationChanged { name: name.to_owned(), title: title.to_owned(), ..Default::default() };
        self.announce("identity", name, &event).await;
    }

    pub async fn item(&self, code: &str, title: &str, sub_title: &str) {
        let item = Item {
            name: format!("{MARKET}/items/i{code}"),
            code: code.to_owned(),
            title: title.to_owned(),
            sub_title: sub_title.to_owned(),
            etag: "4".to_owned(),
            ..Item::default()
        };
        self.announce("catalog", &item.name.clone(), &ItemsPublished { items: vec![item] }).await;
    }

    pub async fn plan(&self, name: &str, title: &str, year: i32) {
        let plan = Plan {
            name: name.to_owned(),
            organisation: MARKET.to_owned(),
            title: title.to_owned(),
            year,
            items: vec![format!("{MARKET}/items/i2"), format!("{MARKET}/items/i1")],
            creator: "users/wang".to_owned(),
            publisher: "users/li".to_owned(),
            ..Plan::default()
        };
        self.announce("draws", name, &PlanPublished { plan: Some(plan) }).await;
    }

    /// Waits until the portal has applied all that was announced.
    pub async fn settle(&self) {
        for peer in PEERS {
            self.harness.followed(portal::PART, peer).await.unwrap();
        }
    }

    /// Stops everything and starts it again.
    pub async fn restart(&mut self) {
        let ledgers = self.ledgers.clone();
        self.harness.restart(parts(ledgers, self.trouble)).await.unwrap();
    }

    /// Anybody's client.
    pub async fn public(&self) -> PortalClient<Channel> {
        PortalClient::new(self.harness.anonymous().await.unwrap())
    }
}
