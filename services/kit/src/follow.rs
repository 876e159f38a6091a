//! Following another part's log: an event is applied in the transaction that stores the follower's position, so exactly
//! once in effect, and replayable from zero. There is no broker that could lose or reorder.
//!
//! A release that takes more from events than the one before it raises [`Follow::model`]: the follower then clears what it built
//! and reads the log anew, by itself. Until it has come to the end of the log [`is_building`] says so. It does the same when the peer was
//! restored to an earlier state and its log is another one than what was followed.
//!
//! An event that cannot be applied stops its follower: nothing behind it is applied, and it is tried again and again. Log, metrics and
//! health (`follower.{part}.{peer}`) say so, and only a person passes over it, by [`park`].

mod parking;
mod stand;

pub use parking::{Standing, park, standing};
pub(crate) use stand::health;

use std::{collections::HashSet, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use futures::future::BoxFuture;
use prost::{Message, Name};
use proto::qingtian::{
    events::v1::{Event, ReadEventsRequest, ReadEventsResponse},
    identity::events::v1::AccessRevoked,
};
use sqlx::{PgConnection, PgPool};
use tonic::{Code, IntoRequest, codegen::http::uri::PathAndQuery};

use crate::{
    env::{Clock, Env},
    error,
    peers::PeerChannel,
};

use stand::{STAND, Stand, hold, moved, stopped};

/// Applies one event within the follower's transaction.
pub type Apply = Arc<dyn for<'c> Fn(&'c mut PgConnection, Event) -> BoxFuture<'c, anyhow::Result<()>> + Send + Sync>;
/// Clears what was built from this peer, before a rebuild from zero.
pub type Reset = Arc<dyn for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, anyhow::Result<()>> + Send + Sync>;

const RETRY: Duration = Duration::from_millis(300);
const RETRY_MAX: Duration = Duration::from_secs(10);

/// What a part follows.
pub struct Follow {
    /// The following part.
    pub part: &'static str,
    /// The part followed.
    pub peer: &'static str,
    /// Full gRPC method of its `ReadEvents`.
    pub method: &'static str,
    /// Event messages wanted, by full name.
    pub types: Vec<String>,
    /// Number of what is built from them. Raised when events read long ago would be applied otherwise today: what is there is then
    /// built anew from zero. A replica of a smaller number stands still beside one of a larger.
    pub model: i32,
    /// Applies one.
    pub apply: Apply,
    /// Clears everything built from this peer.
    pub reset: Reset,
}

/// Full gRPC method of a part's `ReadEvents`.
///
/// # Errors
/// There is no such part, or nobody can follow it.
pub fn method_of(peer: &str) -> anyhow::Result<&'static str> {
    match peer {
        "identity" => Ok("/qingtian.identity.v1.Identity/ReadEvents"),
        "catalog" => Ok("/qingtian.catalog.v1.Catalog/ReadEvents"),
        "draws" => Ok("/qingtian.draws.v1.Draws/ReadEvents"),
        other => bail!("{other} has no events to follow"),
    }
}

/// The event's message, if it is of type `E`.
///
/// # Errors
/// The bytes are not an `E`.
pub fn payload<E: Message + Name + Default>(event: &Event) -> anyhow::Result<Option<E>> {
    let Some(any) = &event.payload else { return Ok(None) };
    if any.type_url != E::type_url() {
        return Ok(None);
    }
    E::decode(any.value.as_slice()).map(Some).with_context(|| format!("cannot decode {}", E::full_name()))
}

/// Whether something of what a part built from its peers is being built anew: what is asked of it then may be missing, or be there
/// in part.
///
/// # Errors
/// `UNAVAILABLE` when the database is out of reach.
pub async fn is_building(pool: &PgPool) -> error::Result<bool> {
    Ok(sqlx::query_scalar("select exists (select from follower where building)").fetch_one(pool).await?)
}

/// Follows until the process stops.
///
/// # Errors
/// The peer's address or the part's key is missing.
pub fn spawn(env: &Env, pool: PgPool, follow: Follow) -> anyhow::Result<()> {
    let channel = env.peer(follow.part, follow.peer)?;
    let clock = env.clock.clone();
    env.spawn("follower", async move {
        let mut pause = RETRY;
        loop {
            match run(&pool, &clock, &follow, channel.clone(), &mut pause).await {
                Ok(()) => pause = RETRY,
                Err(error) => {
                    metrics::counter!("follower_stops_total", "part" => follow.part, "peer" => follow.peer)
                        .increment(1);
                    tracing::warn!(
                        part = follow.part,
                        peer = follow.peer,
                        error = format!("{error:#}"),
                        "follower waits"
                    );
                    pause = (pause * 2).min(RETRY_MAX);
                }
            }
            tokio::time::sleep(pause).await;
        }
    });
    Ok(())
}

async fn run(
    pool: &PgPool,
    clock: &Clock,
    follow: &Follow,
    channel: PeerChannel,
    pause: &mut Duration,
) -> anyhow::Result<()> {
    let stored: Option<Stand> = sqlx::query_as(STAND).bind(follow.peer).fetch_optional(pool).await?;
    let mut stands = stored.unwrap_or_else(|| Stand::zero(follow));
    if stands.model < follow.model {
        tracing::info!(part = follow.part, peer = follow.peer, model = follow.model, "builds anew what it follows");
        return rebuild(pool, follow, &stands, "model").await;
    }
    anyhow::ensure!(stands.model == follow.model, "a newer release of {} follows {}", follow.part, follow.peer);
    // What is parked later is found at the next try, which a stopped follower makes soon.
    let parked = parking::parked(pool, follow).await?;
    let request = ReadEventsRequest {
        after: stands.position,
        after_hash: stands.hash.clone(),
        types: follow.types.clone(),
        follow: true,
    };
    let mut stream = match open(channel, follow.method, request).await {
        Ok(stream) => stream,
        Err(status) if status.code() == Code::DataLoss => return diverged(pool, follow, &stands).await,
        Err(status) if status.code() == Code::Unavailable => return Ok(()),
        Err(status) => return Err(status).context("cannot read events"),
    };
    loop {
        let step = match stream.message().await {
            Ok(Some(step)) => step,
            Ok(None) => return Ok(()),
            // The peer was restored under the open stream.
            Err(status) if status.code() == Code::DataLoss => return diverged(pool, follow, &stands).await,
            Err(status) if matches!(status.code(), Code::Unauthenticated | Code::Unavailable) => return Ok(()),
            Err(status) => return Err(status).context("event stream broke"),
        };
        // A step without an event comes at the end of the log.
        if step.position > stands.position || (stands.building && step.event.is_none()) {
            stands = apply(pool, clock, follow, &stands, step, &parked).await?;
        }
        *pause = RETRY;
    }
}

async fn diverged(pool: &PgPool, follow: &Follow, stands: &Stand) -> anyhow::Result<()> {
    tracing::error!(
        part = follow.part,
        peer = follow.peer,
        position = stands.position,
        "the log diverged from what was followed: rebuilding from zero"
    );
    rebuild(pool, follow, stands, "diverged").await
}

/// Opens `ReadEvents` of any part.
///
/// # Errors
/// As the peer answers.
pub async fn open(
    channel: PeerChannel,
    method: &'static str,
    request: ReadEventsRequest,
) -> Result<tonic::Streaming<ReadEventsResponse>, tonic::Status> {
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.map_err(|e| tonic::Status::unavailable(format!("{e}")))?;
    let codec = tonic_prost::ProstCodec::<ReadEventsRequest, ReadEventsResponse>::default();
    Ok(grpc.server_streaming(request.into_request(), PathAndQuery::from_static(method), codec).await?.into_inner())
}

async fn apply(
    pool: &PgPool,
    clock: &Clock,
    follow: &Follow,
    before: &Stand,
    step: ReadEventsResponse,
    parked: &HashSet<(i64, String)>,
) -> anyhow::Result<Stand> {
    let mut tx = pool.begin().await?;
    sqlx::query("insert into follower (peer, position, hash, model) values ($1, 0, '', $2) on conflict do nothing")
        .bind(follow.peer)
        .bind(follow.model)
        .execute(&mut *tx)
        .await?;
    let stands = hold(&mut tx, follow.peer).await?;
    anyhow::ensure!(stands == *before, "another replica of {} follows {}", follow.part, follow.peer);
    let building = stands.building && step.event.is_some();
    let passed_over = parked.contains(&(step.position, step.hash.clone()));
    if let Some(event) = step.event.filter(|_| !passed_over) {
        let kind = event.payload.as_ref().map(|any| any.type_url.rsplit('/').next().unwrap_or_default().to_owned());
        let what = format!("{} of {}", kind.unwrap_or_default(), event.aggregate);
        if let Err(error) = (follow.apply)(&mut tx, event).await {
            tx.rollback().await?;
            let at = (step.position, step.hash.as_str());
            stopped(pool, follow, before, at, &what, &format!("{error:#}"), clock.now()).await?;
            return Err(error.context(format!("cannot apply {what} at position {}", step.position)));
        }
    }
    let after = Stand { position: step.position, hash: step.hash, model: follow.model, building };
    moved(&mut tx, follow.peer, &after).await?;
    tx.commit().await?;
    let labels = [("part", follow.part), ("peer", follow.peer)];
    metrics::gauge!("follower_position", &labels).set(after.position as f64);
    metrics::gauge!("follower_stopped", &labels).set(0.0);
    metrics::gauge!("follower_building", &labels).set(f64::from(u8::from(after.building)));
    if before.building && !after.building {
        tracing::info!(part = follow.part, peer = follow.peer, position = after.position, "built anew, whole again");
    }
    Ok(after)
}

/// Begins from zero, unless another replica did so or went on since `left` was read.
async fn rebuild(pool: &PgPool, follow: &Follow, left: &Stand, cause: &'static str) -> anyhow::Result<()> {
    let mut tx = pool.begin().await?;
    // Held before anything is cleared: else what another replica just applies would stay, and be applied once more.
    if hold(&mut tx, follow.peer).await? != *left {
        return Ok(());
    }
    (follow.reset)(&mut tx).await?;
    moved(&mut tx, follow.peer, &Stand { building: true, ..Stand::zero(follow) }).await?;
    tx.commit().await?;
    let labels = [("part", follow.part), ("peer", follow.peer)];
    metrics::counter!("follower_rebuilds_total", "part" => follow.part, "peer" => follow.peer, "cause" => cause)
        .increment(1);
    metrics::gauge!("follower_building", &labels).set(1.0);
    Ok(())
}

/// Tells this process's authenticator about revocations as they happen. Needs no database: tokens live five minutes.
///
/// # Errors
/// The peer's address or the part's key is missing.
pub fn spawn_revocations(env: &Env, part: &'static str) -> anyhow::Result<()> {
    let (channel, method) = (env.peer(part, "identity")?, method_of("identity")?);
    let authenticator = env.authenticator.clone();
    env.spawn("revocations", async move {
        let (mut position, mut hash) = (0, String::new());
        loop {
            let request = ReadEventsRequest {
                after: position,
                after_hash: hash.clone(),
                types: vec![AccessRevoked::full_name()],
                follow: true,
            };
            let opened = open(channel.clone(), method, request).await;
            // Another history, as after a restore: what was revoked in it stands anywhere.
            if opened.as_ref().is_err_and(|status| status.code() == Code::DataLoss) {
                (position, hash) = (0, String::new());
            }
            if let Ok(mut stream) = opened {
                while let Ok(Some(step)) = stream.message().await {
                    (position, hash) = (step.position, step.hash);
                    if let Some(event) = step.event
                        && let Ok(Some(revoked)) = payload::<AccessRevoked>(&event)
                        && let Some(time) = revoked.time
                        && let Some(time) = chrono::DateTime::from_timestamp(time.seconds, time.nanos.unsigned_abs())
                    {
                        authenticator.revoke(&revoked.actor, time);
                    }
                }
            }
            tokio::time::sleep(RETRY).await;
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An unknown peer was once read as draws: its events would have been applied to another part's tables.
    #[test]
    fn exactly_the_parts_that_announce_something_can_be_followed() {
        let announcing: Vec<_> = proto::POOL
            .services()
            .filter(|service| service.methods().any(|rpc| rpc.name() == "ReadEvents"))
            .map(|service| service.full_name().to_owned())
            .collect();
        assert!(!announcing.is_empty());
        for service in announcing {
            let part = service.split('.').nth(1).unwrap();
            assert_eq!(method_of(part).unwrap(), format!("/{service}/ReadEvents"));
        }
        for unknown in ["portal", "gateway", "", "Draws", "risk"] {
            assert!(method_of(unknown).is_err(), "{unknown}");
        }
    }
}
