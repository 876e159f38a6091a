//! The ledger: what happened is written with the change, sequenced, hash-chained, signed, and read by position only
//! (art. 43-45). One transaction helper carries audit, idempotency and events, so that no handler can forget them.

mod chain;
mod read;
mod sequencer;
mod tx;

pub use chain::{ChainFault, ChainReport, next_hash, verify_chain};
pub use read::EventStream;
pub use tx::{Audience, Tx, timestamp};
pub(crate) use tx::{repeat_status, repeated};

use std::sync::{Arc, PoisonError};

use chrono::{DateTime, Duration, Utc};
use prost::Message;
use proto::qingtian::events::v1::{AuditEntry, Outcome, Record, record::Kind};
use sqlx::{Connection, PgConnection, PgPool, migrate::Migrator};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::{auth::Authenticator, auth::Caller, env::Clock, env::Env, error::Result, keys::Keys};

pub(crate) static KIT_MIGRATOR: Migrator = sqlx::migrate!("./migrations");
const KIT_GRANTS: &str = include_str!("../grants.sql");

/// How long first answers to repeated requests are kept.
pub const REQUEST_ID_LIFE: Duration = Duration::days(7);

/// Tables of one service: its migrations, and what its own role may do with them (`{role}` stands for the role).
pub struct Schema {
    /// Forward-only migrations.
    pub migrator: &'static Migrator,
    /// Grants, applied after every migration.
    pub grants: &'static str,
}

impl Schema {
    /// Migrates a service's database as its owner and grants the service's role what it needs, nothing else. Safe to repeat.
    ///
    /// # Errors
    /// The database is out of reach, or a migration fails.
    pub async fn migrate(&self, owner_url: &str, role: &str) -> anyhow::Result<()> {
        anyhow::ensure!(role.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "role name {role}");
        let mut connection = PgConnection::connect(owner_url).await?;
        let mut kit = Migrator::with_migrations(KIT_MIGRATOR.migrations.to_vec());
        kit.dangerous_set_table_name("_kit_migrations");
        kit.run(&mut connection).await?;
        self.migrator.run(&mut connection).await?;
        for grants in [KIT_GRANTS, self.grants] {
            let sql = grants.replace("{role}", role);
            // Only the role's name is filled in, and it was checked above.
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await?;
        }
        connection.close().await?;
        Ok(())
    }
}

/// The ledger of one service. Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    part: &'static str,
    pool: PgPool,
    clock: Clock,
    keys: Arc<Keys>,
    authenticator: Authenticator,
    audit_key: [u8; 32],
    written: Arc<Notify>,
    position: Arc<watch::Sender<i64>>,
    shutdown: CancellationToken,
}

impl Ledger {
    /// Opens the ledger of a part and starts its sequencer, its signing of heads and its housekeeping. Opened again in the same
    /// process it is the same one, whose sequencer knows of all that is written here.
    ///
    /// # Errors
    /// The part's database address or one of its keys is missing.
    pub fn open(env: &Env, part: &'static str) -> anyhow::Result<Self> {
        // A poisoned lock only means that another thread panicked while it held a complete map.
        let mut open = env.ledgers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ledger) = open.get(part) {
            return Ok(ledger.clone());
        }
        let ledger = Self {
            part,
            pool: env.pool(part)?,
            clock: env.clock.clone(),
            keys: env.keys.clone(),
            authenticator: env.authenticator.clone(),
            audit_key: *env.keys.secret(&format!("{part}.audit"))?,
            written: Arc::new(Notify::new()),
            position: Arc::new(watch::channel(0).0),
            shutdown: env.shutdown.clone(),
        };
        env.spawn("sequencer", sequencer::run(ledger.clone()));
        env.spawn("heads", sequencer::sign_heads(ledger.clone()));
        env.spawn("housekeeping", sequencer::forget_requests(ledger.clone()));
        open.insert(part, ledger.clone());
        Ok(ledger)
    }

    /// Name of the part.
    pub fn part(&self) -> &'static str {
        self.part
    }

    /// The time it is for this part.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The service's database, for reading.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Opens a transaction for a call that changes something. With a `request_id`, a repetition is answered with the first
    /// answer: the refusal this returns then carries it, and the guard sends it.
    ///
    /// # Errors
    /// `REQUEST_ID_REUSED` for other content; `UNAVAILABLE` when the database is out of reach.
    pub async fn begin<M: Message>(&self, caller: &Caller, request_id: &str, request: &M) -> Result<Tx> {
        let mut tx = Tx::open(self, caller.clone()).await?;
        if !request_id.is_empty() {
            tx.claim_request(request_id, &request.encode_to_vec()).await?;
        }
        Ok(tx)
    }

    /// As [`Ledger::begin`], with one view of the database for the whole act (REPEATABLE READ): what it reads belongs together.
    /// Somebody else's change of a row it locks ends it with [`crate::error::is_conflict`]; the act is then begun anew.
    ///
    /// # Errors
    /// As [`Ledger::begin`].
    pub async fn begin_view<M: Message>(&self, caller: &Caller, request_id: &str, request: &M) -> Result<Tx> {
        let mut tx = Tx::open(self, caller.clone()).await?;
        sqlx::query("set transaction isolation level repeatable read").execute(&mut *tx).await?;
        if !request_id.is_empty() {
            tx.claim_request(request_id, &request.encode_to_vec()).await?;
        }
        Ok(tx)
    }

    /// Opens a transaction for a job or follower of this part.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the database is out of reach.
    pub async fn begin_job(&self, act: &str) -> Result<Tx> {
        Tx::open(self, Caller::service(self.part, act)).await
    }

    /// Writes a refused act to the audit, in a transaction of its own.
    ///
    /// # Errors
    /// The database is out of reach.
    pub async fn record_refusal(&self, caller: &Caller, reason: &str) -> Result<()> {
        let entry = AuditEntry {
            outcome: Outcome::Refused as i32,
            reason: reason.to_owned(),
            ..tx::entry(caller, self.clock.now())
        };
        let record = Record { kind: Some(Kind::Audit(entry)) };
        sqlx::query("insert into outbox (type, bytes) values ($1, $2)")
            .bind(tx::AUDIT)
            .bind(record.encode_to_vec())
            .execute(&self.pool)
            .await?;
        self.written.notify_one();
        Ok(())
    }
}
