//! Whether parts can do their work, as gRPC health tells it: a part serves when its database answers and is migrated to what
//! this binary knows. It is looked at all the time, so that whoever asks costs nothing and hears what was so a moment ago.
//! Under `follower.{part}.{peer}` it tells besides whether what a part built from a peer's events is whole and goes on. That takes no
//! part out of service: what it has is as good as it was, and what is being built anew is refused where it is asked for.

use std::{borrow::Cow, collections::HashMap, time::Duration};

use sqlx::{Connection, PgConnection, migrate::Migrator};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic_health::{
    ServingStatus,
    pb::{HealthCheckRequest, health_check_response::ServingStatus as Shown, health_client::HealthClient},
    server::HealthReporter,
};

use crate::follow;
use crate::ledger::{KIT_MIGRATOR, Ledger, Schema};

/// The name under which a process says that it is alive, whatever its databases do: for who would start it anew, not for who would
/// send it work.
pub const LIVENESS: &str = "liveness";
/// Between two looks at what serves. Orchestrators ask every ten seconds or so: a look before each of their questions.
pub const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Between two looks at what does not serve: who comes back should not be waited for.
pub const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long one look may take: longer than any database at work takes for two tables of a few rows.
pub const LOOK_SECS_MAX: u64 = 2;

/// A migration by which a database is known: version and checksum.
type Step = (i64, Vec<u8>);

/// What one part needs, and which of its gRPC services say so.
pub(crate) struct Needs {
    ledger: Ledger,
    services: Vec<&'static str>,
    kit: Vec<Step>,
    own: Vec<Step>,
    /// A connection of its own: a pool that work has emptied is no database that does not answer.
    connection: Option<PgConnection>,
    serves: Option<bool>,
    /// Of every peer it follows: whether it goes on, as far as its database could be asked.
    followers: HashMap<String, bool>,
}

impl Needs {
    pub(crate) fn new(ledger: Ledger, schema: Option<&Schema>, services: Vec<&'static str>) -> Self {
        let own = schema.map(|schema| steps(schema.migrator)).unwrap_or_default();
        Self {
            ledger,
            services,
            kit: steps(&KIT_MIGRATOR),
            own,
            connection: None,
            serves: None,
            followers: HashMap::new(),
        }
    }

    /// Under which name health tells of a follower.
    fn follower(&self, peer: &str) -> String {
        format!("follower.{}.{peer}", self.ledger.part())
    }

    /// Looks once; answers whether the part serves.
    async fn look(&mut self) -> bool {
        let limit = Duration::from_secs(LOOK_SECS_MAX);
        let found = match tokio::time::timeout(limit, self.ask()).await {
            Ok(found) => found,
            Err(_) => Err("the database does not answer".into()),
        };
        let serves = found.is_ok();
        if self.serves != Some(serves) {
            match found {
                Ok(()) => tracing::info!(service = self.ledger.part(), "serving"),
                Err(problem) => tracing::warn!(service = self.ledger.part(), problem = %problem, "not serving"),
            }
        }
        self.serves = Some(serves);
        serves
    }

    async fn ask(&mut self) -> Result<(), Cow<'static, str>> {
        // Taken out: what is cut in the middle of a question cannot be asked again.
        if let Some(mut connection) = self.connection.take()
            && let Ok(done) = done(&mut connection).await
        {
            let compared = self.compare(&done);
            return self.ask_followers(connection, compared).await;
        }
        // The old connection may have broken, as at a restart of the database, which answers all the same.
        let asked = async {
            let mut connection = PgConnection::connect_with(&self.ledger.pool().connect_options()).await?;
            // A question nobody waits for any more ends at the server too.
            let limit = format!("set statement_timeout = '{LOOK_SECS_MAX}s'");
            sqlx::query(sqlx::AssertSqlSafe(limit)).execute(&mut connection).await?;
            let done = done(&mut connection).await?;
            Ok::<_, sqlx::Error>((connection, done))
        };
        let (connection, done) = asked.await.map_err(|error| error.to_string())?;
        let compared = self.compare(&done);
        self.ask_followers(connection, compared).await
    }

    /// Asks how the followers stand, of a database that has their table, and keeps the connection.
    async fn ask_followers(
        &mut self,
        mut connection: PgConnection,
        compared: Result<(), Cow<'static, str>>,
    ) -> Result<(), Cow<'static, str>> {
        compared?;
        let found = follow::health(&mut connection).await.map_err(|error| error.to_string())?;
        for (peer, goes_on) in found {
            if self.followers.insert(peer.clone(), goes_on) != Some(goes_on) {
                tracing::info!(part = self.ledger.part(), peer, goes_on, "follower");
            }
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// What another release added does no harm: databases are migrated before the last old process is gone.
    fn compare(&self, done: &HashMap<(bool, i64), Vec<u8>>) -> Result<(), Cow<'static, str>> {
        for (is_kit, steps) in [(true, &self.kit), (false, &self.own)] {
            for (version, checksum) in steps {
                match done.get(&(is_kit, *version)) {
                    Some(found) if found == checksum => {}
                    Some(_) => return Err(format!("migration {version} is not the one of this binary").into()),
                    None => return Err(format!("migration {version} is missing: `qingtian migrate`").into()),
                }
            }
        }
        Ok(())
    }
}

fn steps(migrator: &Migrator) -> Vec<Step> {
    let up = migrator.iter().filter(|migration| !migration.migration_type.is_down_migration());
    up.map(|migration| (migration.version, migration.checksum.to_vec())).collect()
}

/// Migrations that were done, the kit's (true) and the part's own.
async fn done(connection: &mut PgConnection) -> Result<HashMap<(bool, i64), Vec<u8>>, sqlx::Error> {
    let rows: Vec<(bool, i64, Vec<u8>)> = sqlx::query_as(
        "select true, version, checksum from _kit_migrations where success
         union all select false, version, checksum from _sqlx_migrations where success",
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|(is_kit, version, checksum)| ((is_kit, version), checksum)).collect())
}

/// Reports until the stop, and then that nothing is served any more: whoever asks during the drain goes elsewhere. The
/// nameless service, by which a process is asked as a whole, serves when every part does.
pub(crate) async fn report(reporter: HealthReporter, mut parts: Vec<Needs>, stop: CancellationToken) {
    let looking = async {
        let mut known: HashMap<String, bool> = HashMap::new();
        loop {
            let serves = futures::future::join_all(parts.iter_mut().map(Needs::look)).await;
            let all = serves.iter().all(|serves| *serves);
            let mut told = vec![(String::new(), all)];
            for (part, serves) in parts.iter().zip(serves) {
                told.extend(part.services.iter().map(|service| ((*service).to_owned(), serves)));
                told.extend(part.followers.iter().map(|(peer, goes_on)| (part.follower(peer), serves && *goes_on)));
            }
            for (service, serves) in told {
                if known.insert(service.clone(), serves) != Some(serves) {
                    let status = if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
                    reporter.set_service_status(service, status).await;
                }
            }
            tokio::time::sleep(if all { LOOK_EVERY } else { LOOK_AGAIN }).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = looking => {}
    }
    reporter.set_service_status("", ServingStatus::NotServing).await;
    for part in &parts {
        for service in &part.services {
            reporter.set_service_status(service, ServingStatus::NotServing).await;
        }
        for peer in part.followers.keys() {
            reporter.set_service_status(part.follower(peer), ServingStatus::NotServing).await;
        }
    }
}

/// Whether the process at the other end of a channel serves a gRPC service. Whoever cannot be reached within
/// [`LOOK_SECS_MAX`] does not.
pub async fn serves(channel: Channel, service: &str) -> bool {
    let mut client = HealthClient::new(channel);
    let check = client.check(HealthCheckRequest { service: service.to_owned() });
    let answer = tokio::time::timeout(Duration::from_secs(LOOK_SECS_MAX), check).await;
    matches!(answer, Ok(Ok(answer)) if answer.get_ref().status() == Shown::Serving)
}
