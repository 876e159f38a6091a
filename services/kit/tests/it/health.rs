//! Health of a part against a real PostgreSQL: it says what is so, not that the process lives.

use std::{sync::LazyLock, time::Duration};

use kit::{
    health,
    ledger::{Ledger, Schema},
    serve::Part,
    testing::{Harness, TestCluster},
};
use proto::qingtian::catalog::v1::catalog_server::CatalogServer;
use sqlx::{Connection, PgConnection};
use tonic::Streaming;
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::guard::{SCHEMA, Small};

static TABLES: LazyLock<Schema> = LazyLock::new(SCHEMA);
const CATALOG: &str = "qingtian.catalog.v1.Catalog";
/// Long enough for the slowest machine; a test that waits so long has failed.
const PATIENCE: Duration = kit::testing::HANG_MAX;

async fn harness() -> Harness {
    Harness::start(&[("catalog", &*TABLES)], |env| {
        Box::pin(async move {
            let ledger = Ledger::open(env, "catalog")?;
            Ok(vec![Part::new(ledger.clone()).migrated_to(&TABLES).with(CatalogServer::new(Small(ledger)))])
        })
    })
    .await
    .unwrap()
}

/// What health says of a service, from now on.
struct Watch(Streaming<HealthCheckResponse>);

impl Watch {
    async fn on(harness: &Harness, service: &str) -> Self {
        let mut client = HealthClient::new(harness.anonymous().await.unwrap());
        let request = HealthCheckRequest { service: service.to_owned() };
        Self(client.watch(request).await.unwrap().into_inner())
    }

    /// Waits until it says this.
    async fn says(&mut self, wanted: ServingStatus) {
        let told = async { while self.0.message().await.unwrap().unwrap().status() != wanted {} };
        tokio::time::timeout(PATIENCE, told).await.unwrap_or_else(|_| panic!("never {wanted:?}"));
    }
}

async fn both(harness: &Harness) -> [Watch; 2] {
    [Watch::on(harness, CATALOG).await, Watch::on(harness, "").await]
}

async fn say(watches: &mut [Watch; 2], wanted: ServingStatus) {
    for watch in watches {
        watch.says(wanted).await;
    }
}

#[tokio::test]
async fn a_part_serves_while_its_database_answers_and_again_when_it_comes_back() {
    let harness = harness().await;
    let mut watches = both(&harness).await;
    say(&mut watches, ServingStatus::Serving).await;
    let channel = harness.anonymous().await.unwrap();
    assert!(health::serves(channel.clone(), CATALOG).await);
    assert!(!health::serves(channel, "qingtian.draws.v1.Draws").await, "nobody here serves that");

    let pool = harness.pool("catalog").await.unwrap();
    let name: String = sqlx::query_scalar("select current_database()").fetch_one(&pool).await.unwrap();
    pool.close().await;
    let mut admin = PgConnection::connect(TestCluster::get().await.unwrap().admin_url()).await.unwrap();
    let mut lock_out = async |out: bool| {
        let sql = format!("alter database {name} with allow_connections {}", !out);
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
        let sql = "select pg_terminate_backend(pid) from pg_stat_activity where $2 and datname = $1";
        sqlx::query(sql).bind(&name).bind(out).execute(&mut admin).await.unwrap();
    };
    lock_out(true).await;
    say(&mut watches, ServingStatus::NotServing).await;
    let channel = harness.anonymous().await.unwrap();
    assert!(health::serves(channel, health::LIVENESS).await, "the process lives: no restart brings a database back");
    lock_out(false).await;
    say(&mut watches, ServingStatus::Serving).await;
}

#[tokio::test]
async fn a_part_serves_only_on_a_database_migrated_to_what_the_binary_knows() {
    let harness = harness().await;
    let owner = harness.owner_pool("catalog").await.unwrap();
    let mut watches = both(&harness).await;
    say(&mut watches, ServingStatus::Serving).await;
    // What a newer release added is no reason to stop: it migrates before the last old process is gone.
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
        values (2, 'newer', true, 'x', 0)";
    sqlx::raw_sql(newer).execute(&owner).await.unwrap();
    for (undo, mend) in [
        (
            "update _sqlx_migrations set success = false where version = 1",
            "update _sqlx_migrations set success = true where version = 1",
        ),
        (
            "update _sqlx_migrations set checksum = checksum || '\\x00'::bytea where version = 1",
            "update _sqlx_migrations set checksum = substr(checksum, 1, length(checksum) - 1) where version = 1",
        ),
        (
            "create table kept as table _kit_migrations; delete from _kit_migrations",
            "insert into _kit_migrations table kept",
        ),
    ] {
        sqlx::raw_sql(undo).execute(&owner).await.unwrap();
        say(&mut watches, ServingStatus::NotServing).await;
        sqlx::raw_sql(mend).execute(&owner).await.unwrap();
        say(&mut watches, ServingStatus::Serving).await;
    }
}

#[tokio::test]
async fn a_database_that_does_not_answer_in_time_is_none() {
    let harness = harness().await;
    let owner = harness.owner_pool("catalog").await.unwrap();
    let mut watches = both(&harness).await;
    say(&mut watches, ServingStatus::Serving).await;
    let mut hold = owner.begin().await.unwrap();
    sqlx::query("lock table _kit_migrations in access exclusive mode").execute(&mut *hold).await.unwrap();
    say(&mut watches, ServingStatus::NotServing).await;
    hold.rollback().await.unwrap();
    say(&mut watches, ServingStatus::Serving).await;
}

#[tokio::test]
async fn a_part_that_drains_says_that_it_serves_no_more() {
    let harness = harness().await;
    let mut watches = both(&harness).await;
    say(&mut watches, ServingStatus::Serving).await;
    harness.env.shutdown.cancel();
    say(&mut watches, ServingStatus::NotServing).await;
}
