//! Redis, where it may be gone at any time: nobody waits long for it, and whoever uses it can do without.

use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError};

/// How long a request waits for Redis. Long enough for a machine that pauses: whoever waits in vain is signed out.
const REDIS_WAIT_MAX: Duration = Duration::from_secs(2);
/// How long a request waits for a connection to a Redis that was just lost.
const REDIS_RETURN_MAX: Duration = Duration::from_millis(250);
/// How long Redis is left alone after a failure.
const REDIS_REST: Duration = Duration::from_secs(1);

/// One connection, made when needed, left alone for a moment after a failure.
#[derive(Debug)]
pub struct RedisLink {
    client: Client,
    state: tokio::sync::Mutex<Connection>,
}

#[derive(Debug)]
enum Connection {
    Up(MultiplexedConnection),
    DownUntil(Option<Instant>),
}

impl RedisLink {
    /// It is not called yet: it may start later. Errors: the address is malformed.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        Ok(Self { client: Client::open(url)?, state: tokio::sync::Mutex::new(Connection::DownUntil(None)) })
    }

    /// Runs a command; none when Redis cannot be had.
    pub async fn run<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> Option<T> {
        let mut connection = self.connection().await?;
        self.within(command.query_async(&mut connection)).await
    }

    /// Runs commands together; none when Redis cannot be had.
    pub async fn run_all<T: redis::FromRedisValue>(&self, commands: &redis::Pipeline) -> Option<T> {
        let mut connection = self.connection().await?;
        self.within(commands.query_async(&mut connection)).await
    }

    async fn within<T>(&self, answer: impl Future<Output = Result<T, RedisError>>) -> Option<T> {
        match tokio::time::timeout(REDIS_WAIT_MAX, answer).await {
            Ok(Ok(value)) => Some(value),
            Ok(Err(error)) => {
                self.lost(Some(error)).await;
                None
            }
            Err(_) => {
                self.lost(None).await;
                None
            }
        }
    }

    async fn connection(&self) -> Option<MultiplexedConnection> {
        let mut state = self.state.lock().await;
        match &*state {
            Connection::Up(connection) => return Some(connection.clone()),
            Connection::DownUntil(Some(until)) if Instant::now() < *until => return None,
            Connection::DownUntil(_) => {}
        }
        let known_lost = matches!(*state, Connection::DownUntil(Some(_)));
        let wait = if known_lost { REDIS_RETURN_MAX } else { REDIS_WAIT_MAX };
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(wait)).set_response_timeout(Some(REDIS_WAIT_MAX));
        let connected = self.client.get_multiplexed_async_connection_with_config(&config);
        let error = match tokio::time::timeout(wait, connected).await {
            Ok(Ok(connection)) => {
                tracing::info!("Redis is there");
                *state = Connection::Up(connection.clone());
                return Some(connection);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        if matches!(*state, Connection::DownUntil(None)) {
            tracing::warn!(error, "no Redis; each gateway keeps what it knows in memory");
        }
        *state = Connection::DownUntil(Some(Instant::now() + REDIS_REST));
        None
    }

    async fn lost(&self, error: Option<RedisError>) {
        let error = error.map_or_else(|| "no answer".to_owned(), |error| error.to_string());
        let mut state = self.state.lock().await;
        if matches!(*state, Connection::Up(_)) {
            tracing::warn!(error, "lost Redis; each gateway keeps what it knows in memory");
        }
        *state = Connection::DownUntil(Some(Instant::now() + REDIS_REST));
    }
}
