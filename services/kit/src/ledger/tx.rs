//! One transaction of one act: change, events, audit entry and first answer are committed together or not at all.

use std::ops::{Deref, DerefMut};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{BufMut, Bytes, BytesMut};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Response};
use http_body::Frame;
use prost::{Message, Name};
use proto::qingtian::events::v1::{self as pb, AuditEntry, Event, Outcome, Record, record::Kind};
use sha2::Sha256;
use sqlx::{PgConnection, Postgres, Transaction};
use tonic::{Code, Status, body::Body};

use super::Ledger;
use crate::{
    auth::Caller,
    error::{Reason, Refusal, Result},
    faults,
};

/// Type under which audit entries stand in outbox and log.
pub(super) const AUDIT: &str = "audit";
/// An event's encoded bytes at the most.
const EVENT_BYTES_MAX: usize = 64 * 1024;
const REPEAT_HEADER: &str = "x-qingtian-repeat";
const DETAILS_HEADER: &str = "grpc-status-details-bin";

/// Who may receive an event, fixed when it is emitted.
#[derive(Debug, Clone)]
pub enum Audience {
    /// Anybody.
    Public,
    /// These organisations, `organisations/{organisation}`.
    Organisations(Vec<String>),
    /// Only parts of the platform and the auditor.
    Platform,
}

/// An open act.
pub struct Tx {
    inner: Transaction<'static, Postgres>,
    ledger: Ledger,
    caller: Caller,
    now: DateTime<Utc>,
    request_id: Option<String>,
    records: Vec<(String, Vec<u8>)>,
    resource: String,
    before: String,
    after: String,
}

impl Tx {
    pub(super) async fn open(ledger: &Ledger, caller: Caller) -> Result<Self> {
        Ok(Self {
            inner: ledger.pool.begin().await?,
            ledger: ledger.clone(),
            now: ledger.clock.now(),
            caller,
            request_id: None,
            records: Vec::new(),
            resource: String::new(),
            before: String::new(),
            after: String::new(),
        })
    }

    /// Time of the act, the same for everything in it.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Who acts.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(super) async fn claim_request(&mut self, request_id: &str, content: &[u8]) -> Result<()> {
        if request_id.len() > 100 {
            return Err(Refusal::invalid("request_id", "at most 100 characters"));
        }
        // Keyed: a request may hold a password, which a plain digest of otherwise known content would give away to guessing.
        let digest = self.keyed(content).into_bytes();
        // A concurrent repetition waits here for the first one to end.
        let fresh = sqlx::query(
            "insert into idempotency (actor, method, request_id, content, made_at) values ($1, $2, $3, $4, $5)
             on conflict do nothing",
        )
        .bind(&self.caller.actor)
        .bind(&self.caller.method)
        .bind(request_id)
        .bind(&digest)
        .bind(self.now)
        .execute(&mut *self.inner)
        .await?
        .rows_affected();
        if fresh == 1 {
            self.request_id = Some(request_id.to_owned());
            return Ok(());
        }
        let (content, answer): (Vec<u8>, Option<Vec<u8>>) = sqlx::query_as(
            "select content, answer from idempotency where actor = $1 and method = $2 and request_id = $3",
        )
        .bind(&self.caller.actor)
        .bind(&self.caller.method)
        .bind(request_id)
        .fetch_one(&mut *self.inner)
        .await?;
        if content == digest {
            Err(Refusal::repeat(answer.unwrap_or_default()))
        } else {
            Err(Refusal::new(Reason::RequestIdReused))
        }
    }

    /// Announces what happened, after the aggregate was locked: order within an aggregate is commit order.
    ///
    /// # Errors
    /// `INTERNAL` when the event is larger than 64 KiB: larger content belongs in a blob.
    pub fn emit<E: Message + Name>(
        &mut self,
        aggregate: &str,
        revision: i64,
        event: &E,
        audience: Audience,
    ) -> Result<()> {
        let audience = match audience {
            Audience::Public => pb::Audience { public: true, ..Default::default() },
            Audience::Organisations(organisations) => pb::Audience { organisations, ..Default::default() },
            Audience::Platform => pb::Audience::default(),
        };
        let event = Event {
            aggregate: aggregate.to_owned(),
            revision,
            time: Some(timestamp(self.now)),
            audience: Some(audience),
            payload: Some(prost_types::Any { type_url: E::type_url(), value: event.encode_to_vec() }),
        };
        let bytes = Record { kind: Some(Kind::Event(event)) }.encode_to_vec();
        if bytes.len() > EVENT_BYTES_MAX {
            let size = bytes.len();
            return Err(Refusal::internal(anyhow::anyhow!("event {} of {size} bytes is too large", E::full_name())));
        }
        if self.resource.is_empty() {
            aggregate.clone_into(&mut self.resource);
        }
        self.records.push((E::full_name(), bytes));
        Ok(())
    }

    /// Says for the audit what was changed: keyed digests of the resource before and after.
    pub fn changed<M: Message>(&mut self, resource: &str, before: Option<&M>, after: Option<&M>) {
        let digest = |message: Option<&M>| message.map(|m| self.keyed(&m.encode_to_vec())).unwrap_or_default();
        let (before, after) = (digest(before), digest(after));
        resource.clone_into(&mut self.resource);
        (self.before, self.after) = (before, after);
    }

    fn keyed(&self, bytes: &[u8]) -> String {
        match Hmac::<Sha256>::new_from_slice(&self.ledger.audit_key) {
            Ok(mac) => hex::encode(mac.chain_update(bytes).finalize().into_bytes()),
            Err(_) => String::new(),
        }
    }

    /// Commits what is kept although the call is refused, such as an attempt that counts. A refusal is no answer to a
    /// repetition, which is tried anew.
    ///
    /// # Errors
    /// As [`Tx::commit`].
    pub async fn commit_refused(mut self) -> Result<()> {
        if let Some(request_id) = self.request_id.take() {
            sqlx::query("delete from idempotency where actor = $1 and method = $2 and request_id = $3")
                .bind(&self.caller.actor)
                .bind(&self.caller.method)
                .bind(request_id)
                .execute(&mut *self.inner)
                .await?;
        }
        self.commit(&()).await
    }

    /// Commits the act with its audit entry, its events and, for a repetition, its answer.
    ///
    /// # Errors
    /// The database refuses; nothing is done then.
    pub async fn commit<M: Message>(mut self, answer: &M) -> Result<()> {
        let entry = AuditEntry {
            outcome: Outcome::Done as i32,
            resource: std::mem::take(&mut self.resource),
            before: std::mem::take(&mut self.before),
            after: std::mem::take(&mut self.after),
            ..entry(&self.caller, self.now)
        };
        let record = Record { kind: Some(Kind::Audit(entry)) };
        self.records.push((AUDIT.to_owned(), record.encode_to_vec()));
        let (types, bytes): (Vec<_>, Vec<_>) = std::mem::take(&mut self.records).into_iter().unzip();
        sqlx::query("insert into outbox (type, bytes) select * from unnest($1::text[], $2::bytea[])")
            .bind(types)
            .bind(bytes)
            .execute(&mut *self.inner)
            .await?;
        if let Some(request_id) = &self.request_id {
            sqlx::query("update idempotency set answer = $4 where actor = $1 and method = $2 and request_id = $3")
                .bind(&self.caller.actor)
                .bind(&self.caller.method)
                .bind(request_id)
                .bind(answer.encode_to_vec())
                .execute(&mut *self.inner)
                .await?;
        }
        let act = self.caller.method.rsplit('/').next().unwrap_or_default().to_owned();
        faults::point(&act, "before_commit");
        self.inner.commit().await?;
        faults::point(&act, "after_commit");
        self.ledger.written.notify_one();
        Ok(())
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}

/// The parts of an audit entry that say who did it.
pub(super) fn entry(caller: &Caller, now: DateTime<Utc>) -> AuditEntry {
    AuditEntry {
        time: Some(timestamp(now)),
        actor: caller.actor.clone(),
        organisation: caller.organisation.clone(),
        method: caller.method.clone(),
        purpose: caller.purpose.clone(),
        trace: caller.trace.clone(),
        address: caller.address.clone(),
        ..Default::default()
    }
}

/// An instant as the contract carries it.
pub fn timestamp(time: DateTime<Utc>) -> prost_types::Timestamp {
    // Below a second there are fewer than 10^9 nanoseconds, which fit.
    prost_types::Timestamp { seconds: time.timestamp(), nanos: time.timestamp_subsec_nanos() as i32 }
}

/// A status that carries a first answer through a handler, to be unwrapped by [`repeated`] in the guard.
pub(crate) fn repeat_status(answer: Vec<u8>) -> Status {
    let mut status = Status::with_details(Code::AlreadyExists, "repeated", Bytes::from(answer));
    status.metadata_mut().insert(REPEAT_HEADER, tonic::metadata::MetadataValue::from_static("1"));
    status
}

/// The first answer, when a handler ended with a repeated `request_id`.
pub(crate) fn repeated(headers: &HeaderMap) -> Option<Response<Body>> {
    headers.get(REPEAT_HEADER)?;
    let details = headers.get(DETAILS_HEADER).map(|value| value.as_bytes()).unwrap_or_default();
    let engine = base64::engine::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        base64::engine::GeneralPurposeConfig::new()
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    );
    let answer = engine.decode(details).or_else(|_| STANDARD.decode(details)).ok()?;
    let mut frame = BytesMut::with_capacity(answer.len() + 5);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(answer.len()).ok()?);
    frame.put_slice(&answer);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    let frames = [Ok::<_, Status>(Frame::data(frame.freeze())), Ok(Frame::trailers(trailers))];
    let body = Body::new(http_body_util::StreamBody::new(futures::stream::iter(frames)));
    let mut response = Response::new(body);
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/grpc"));
    Some(response)
}
