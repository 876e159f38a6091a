//! Real servers for tests: a PostgreSQL database and a Redis of its own for every test, on servers they share.
//!
//! The servers are those that `with-servers` started, or else one pair for this process, in temporary folders that
//! vanish with it.

mod harness;
mod history;
mod upstream;
pub mod workbook;

pub use harness::{HANG_MAX, Harness, UserChannel, refusal, refusal_of, refused, until};
pub use history::{history_seed, tables};
pub use upstream::Upstream;

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::OnceCell;

use crate::embedded::{Error, Options, Postgres, Redis, ServiceUrls, create_service_named, drop_service_named};

/// Environment: the superuser's address of a PostgreSQL that tests may fill and empty.
pub const PG_ENV: &str = "QINGTIAN_TEST_PG";
/// Environment: the address of a Redis that tests may fill and empty.
pub const REDIS_ENV: &str = "QINGTIAN_TEST_REDIS";

/// Connections of a test's server: many tests at once, a few small pools each.
pub const TEST_CONNECTIONS_MAX: u16 = 400;

/// A name no other test has: `qingtian_{what}_{process}_{count}`, fit for databases and roles.
pub fn unique(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("qingtian_{what}_{}", suffix(COUNT.fetch_add(1, Ordering::Relaxed)))
}

fn suffix(count: u32) -> String {
    // Process numbers come again within one run of many tests; four random digits tell them apart.
    static RUN: std::sync::OnceLock<u16> = std::sync::OnceLock::new();
    let run = RUN.get_or_init(rand::random);
    format!("{:x}_{run:x}_{count:x}", std::process::id())
}

/// The PostgreSQL of the tests in this process.
#[derive(Debug)]
pub struct TestCluster {
    admin_url: String,
    _own: Option<Postgres>,
}

impl TestCluster {
    /// The shared server named by [`PG_ENV`], or one of our own, started on first use.
    pub async fn get() -> Result<&'static Self, Error> {
        static CLUSTER: OnceCell<TestCluster> = OnceCell::const_new();
        CLUSTER
            .get_or_try_init(|| async {
                if let Ok(admin_url) = std::env::var(PG_ENV) {
                    return Ok(Self { admin_url, _own: None });
                }
                let own = Postgres::start_temporary(&Options::throwaway(TEST_CONNECTIONS_MAX)).await?;
                Ok(Self { admin_url: own.admin_url().to_owned(), _own: Some(own) })
            })
            .await
    }

    /// The superuser's address of the database `postgres`.
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }
}

/// One service's database, for one test. Dropped, it removes database and roles as best it can.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    urls: ServiceUrls,
    admin_url: String,
}

impl TestDatabase {
    /// An empty database with its two roles, as [`crate::embedded::create_service`] makes them, under a unique name.
    pub async fn new(service: &str) -> Result<Self, Error> {
        let admin_url = TestCluster::get().await?.admin_url().to_owned();
        let name = unique(service);
        let urls = create_service_named(&admin_url, &name).await?;
        Ok(Self { name, urls, admin_url })
    }

    /// The database's name, which is its working role's name too.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `DATABASE_URL`: the service at work.
    pub fn url(&self) -> &str {
        &self.urls.service
    }

    /// `MIGRATE_DATABASE_URL`: the owner.
    pub fn owner_url(&self) -> &str {
        &self.urls.owner
    }

    /// The superuser's address of the server, for what neither role may do.
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// A small pool as the service.
    pub async fn pool(&self) -> Result<PgPool, Error> {
        Ok(PgPoolOptions::new().max_connections(5).connect(self.url()).await?)
    }

    /// A small pool as the owner, for migrations.
    pub async fn owner_pool(&self) -> Result<PgPool, Error> {
        Ok(PgPoolOptions::new().max_connections(2).connect(self.owner_url()).await?)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        remove_in_background(self.admin_url.clone(), vec![self.name.clone()]);
    }
}

/// The databases of several services, for one test that runs them together.
#[derive(Debug)]
pub struct TestFleet {
    names: Vec<String>,
    admin_url: String,
    /// `DATABASE_URL` with `{service}` in the place of the service's name.
    pub database_url: String,
    /// `MIGRATE_DATABASE_URL` with `{service}` in the place of the service's name.
    pub migrate_database_url: String,
    /// The working role with `{service}` in the place of the service's name.
    pub role: String,
}

impl TestFleet {
    /// Makes an empty database for each service.
    pub async fn new(services: &[&str]) -> Result<Self, Error> {
        let admin_url = TestCluster::get().await?.admin_url().to_owned();
        let template = unique("{service}");
        let mut names = Vec::new();
        let mut urls = None;
        for service in services {
            let name = template.replace("{service}", service);
            let made = create_service_named(&admin_url, &name).await?;
            let general = |url: &str| url.replace(&name, &template);
            urls = Some((general(&made.service), general(&made.owner)));
            names.push(name);
        }
        let (database_url, migrate_database_url) = urls.ok_or_else(|| Error::BadName(String::new()))?;
        Ok(Self { names, admin_url, database_url, migrate_database_url, role: template })
    }
}

impl Drop for TestFleet {
    fn drop(&mut self) {
        remove_in_background(self.admin_url.clone(), std::mem::take(&mut self.names));
    }
}

/// Removes databases from a thread of its own and waits for it, since a drop cannot await. What cannot be removed
/// goes with the server.
fn remove_in_background(admin_url: String, names: Vec<String>) {
    let remove = move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        for name in names {
            if let Err(error) = runtime.block_on(drop_service_named(&admin_url, &name)) {
                tracing::debug!(database.name = %name, %error, "left a test's database behind");
            }
        }
    };
    let _ = std::thread::spawn(remove).join();
}

/// An empty Redis database, for one test.
#[derive(Debug)]
pub struct TestRedis {
    url: String,
}

impl TestRedis {
    /// One of the numbered databases of the Redis named by [`REDIS_ENV`], or of one of our own.
    pub async fn new() -> Result<Self, Error> {
        static OWN: OnceCell<Redis> = OnceCell::const_new();
        let server = match std::env::var(REDIS_ENV) {
            Ok(url) => url,
            Err(_) => OWN.get_or_try_init(Redis::start_temporary).await?.url().to_owned(),
        };
        let mut connection = ::redis::Client::open(server.as_str())?.get_multiplexed_async_connection().await?;
        let count: u32 = ::redis::cmd("INCR").arg("tests").query_async(&mut connection).await?;
        let number = 1 + count % (crate::embedded::REDIS_DATABASES - 1);
        let url = format!("{server}?db={number}");
        let mut connection = ::redis::Client::open(url.as_str())?.get_multiplexed_async_connection().await?;
        ::redis::cmd("FLUSHDB").query_async::<()>(&mut connection).await?;
        Ok(Self { url })
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tests_have_databases_of_their_own_that_go_with_them() {
        let (one, two) = (TestDatabase::new("kit").await.unwrap(), TestDatabase::new("kit").await.unwrap());
        for database in [&one, &two] {
            let owner = database.owner_pool().await.unwrap();
            sqlx::raw_sql("create table matter (word text)").execute(&owner).await.unwrap();
            let grant = format!("grant select, insert on matter to {}", database.name());
            sqlx::raw_sql(sqlx::AssertSqlSafe(grant)).execute(&owner).await.unwrap();
            let pool = database.pool().await.unwrap();
            sqlx::query("insert into matter values ('mine')").execute(&pool).await.unwrap();
            let count: i64 = sqlx::query_scalar("select count(*) from matter").fetch_one(&pool).await.unwrap();
            assert_eq!(count, 1);
        }
        let url = one.url().to_owned();
        drop(one);
        assert!(PgPool::connect(&url).await.is_err(), "a dropped database must be gone");
        two.pool().await.unwrap();
    }

    #[tokio::test]
    async fn a_fleets_templates_lead_to_each_services_database() {
        let fleet = TestFleet::new(&["draws", "identity"]).await.unwrap();
        for service in ["draws", "identity"] {
            for template in [&fleet.database_url, &fleet.migrate_database_url] {
                let pool = PgPool::connect(&template.replace("{service}", service)).await.unwrap();
                let name: String = sqlx::query_scalar("select current_database()").fetch_one(&pool).await.unwrap();
                assert!(name.starts_with(&format!("qingtian_{service}_")), "{name}");
            }
        }
    }

    #[tokio::test]
    async fn tests_do_not_see_each_others_keys() {
        let (one, two) = (TestRedis::new().await.unwrap(), TestRedis::new().await.unwrap());
        let mut first = ::redis::Client::open(one.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
        let mut second = ::redis::Client::open(two.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
        ::redis::cmd("SET").arg("key").arg("value").query_async::<()>(&mut first).await.unwrap();
        let seen: Option<String> = ::redis::cmd("GET").arg("key").query_async(&mut second).await.unwrap();
        assert_eq!(seen, None);
    }
}
