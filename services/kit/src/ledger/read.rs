//! `ReadEvents`: the log in order, from any position, with a checkpoint at least every second while following.

use std::{pin::Pin, time::Duration};

use chrono::{DateTime, Utc};
use futures::Stream;
use prost::Message;
use proto::qingtian::{
    access::v1::Role,
    events::v1::{Event, Head, ReadEventsRequest, ReadEventsResponse, Record, record::Kind},
};
use tokio::sync::mpsc;
use tonic::{Response, Status};

use super::{Ledger, tx::AUDIT, tx::timestamp};
use crate::{
    auth::{Caller, TOKEN_LIFE},
    error::{Reason, Refusal, Result},
};

/// What `ReadEvents` streams.
pub type EventStream = Pin<Box<dyn Stream<Item = Result<ReadEventsResponse, Status>> + Send>>;

/// A signed head as it stands in the table: position, hash, time, key id, signature.
type HeadRow = (i64, Vec<u8>, DateTime<Utc>, String, String);

const ROWS_MAX: i64 = 500;
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

impl Ledger {
    /// Serves `ReadEvents` to a caller, who receives what the audience of each event allows. The stream ends when the token
    /// it was opened with does, or is revoked: the reader opens it again and is authorised anew.
    ///
    /// # Errors
    /// `LOG_DIVERGED` when the reader's hash is not the log's: it must rebuild.
    pub async fn read_events(
        &self,
        caller: &Caller,
        request: ReadEventsRequest,
    ) -> std::result::Result<Response<EventStream>, Status> {
        self.check_start(&request).await?;
        let (sender, receiver) = mpsc::channel(16);
        let (ledger, caller) = (self.clone(), caller.clone());
        tokio::spawn(async move {
            // Not a moment of anything legal: how long a connection may stay open.
            let left = caller.token.map_or(TOKEN_LIFE, |token| token.ends - ledger.clock.now()).min(TOKEN_LIFE);
            // A token that is over opens nothing, however fast the first answer would be.
            let sent = match left.to_std().ok().filter(|left| !left.is_zero()) {
                Some(left) => tokio::time::timeout(left, ledger.send(&caller, &request, &sender)).await,
                None => Ok(Err(Refusal::new(Reason::NotSignedIn))),
            };
            match sent {
                Ok(Ok(())) => {}
                Ok(Err(refusal)) => drop(sender.send(Err(refusal.into())).await),
                Err(_) => drop(sender.send(Err(Refusal::new(Reason::NotSignedIn).into())).await),
            }
        });
        Ok(Response::new(Box::pin(tokio_stream::wrappers::ReceiverStream::new(receiver))))
    }

    async fn check_start(&self, request: &ReadEventsRequest) -> Result<()> {
        if request.after < 0 {
            return Err(Refusal::invalid("after", "from 0"));
        }
        if request.after == 0 || request.after_hash.is_empty() {
            return Ok(());
        }
        let found = self.hash_at(request.after).await?;
        if found.as_deref() == Some(request.after_hash.as_str()) {
            return Ok(());
        }
        Err(Refusal::new(Reason::LogDiverged).with("position", request.after))
    }

    async fn hash_at(&self, position: i64) -> Result<Option<String>> {
        let hash: Option<Vec<u8>> = sqlx::query_scalar("select hash from log where position = $1")
            .bind(position)
            .fetch_optional(&self.pool)
            .await?;
        Ok(hash.map(hex::encode))
    }

    async fn send(
        &self,
        caller: &Caller,
        request: &ReadEventsRequest,
        sender: &mpsc::Sender<Result<ReadEventsResponse, Status>>,
    ) -> Result<()> {
        let mut position = request.after;
        // Of the log at `position`, once it is known: a database that was restored under this stream holds another one there, or none.
        let mut reached = request.after_hash.clone();
        let mut changes = self.position.subscribe();
        loop {
            if self.authenticator.is_revoked(caller) {
                return Err(Refusal::new(Reason::NotSignedIn));
            }
            // In one view: what is sent below is then measured against the log it was read from.
            let (top, top_hash, stands): (i64, Option<Vec<u8>>, Option<Vec<u8>>) = sqlx::query_as(
                "select top, (select hash from log where position = top), (select hash from log where position = $1)
                 from (select coalesce(max(position), 0) as top from log) as head",
            )
            .bind(position)
            .fetch_one(&self.pool)
            .await?;
            if !reached.is_empty() && stands.map(hex::encode).as_deref() != Some(reached.as_str()) {
                return Err(Refusal::new(Reason::LogDiverged).with("position", position));
            }
            while position < top {
                let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = sqlx::query_as(
                    "select position, hash, bytes from log where position > $1 and position <= $2 and type <> $5
                     and (cardinality($3::text[]) = 0 or type = any($3)) order by position limit $4",
                )
                .bind(position)
                .bind(top)
                .bind(&request.types)
                .bind(ROWS_MAX)
                .bind(AUDIT)
                .fetch_all(&self.pool)
                .await?;
                let full = rows.len() as i64 == ROWS_MAX;
                for (at, hash, bytes) in rows {
                    position = at;
                    let record = Record::decode(bytes.as_slice()).map_err(Refusal::internal)?;
                    let Some(Kind::Event(event)) = record.kind else { continue };
                    if !may_receive(caller, &event) {
                        continue;
                    }
                    let step =
                        ReadEventsResponse { position: at, hash: hex::encode(hash), event: Some(event), head: None };
                    if sender.send(Ok(step)).await.is_err() {
                        return Ok(());
                    }
                }
                if !full {
                    position = top;
                }
            }
            if position == top {
                reached = top_hash.map(hex::encode).unwrap_or_default();
            }
            let checkpoint = self.checkpoint(position, reached.clone()).await?;
            if sender.send(Ok(checkpoint)).await.is_err() || !request.follow {
                return Ok(());
            }
            // Wakes when this process moved rows; otherwise looks again for those another one moved.
            tokio::select! {
                // A drain waits for open calls: a follower opens the next one elsewhere.
                () = self.shutdown.cancelled() => return Ok(()),
                _ = tokio::time::timeout(CHECKPOINT_EVERY, changes.changed()) => {}
            }
        }
    }

    async fn checkpoint(&self, position: i64, hash: String) -> Result<ReadEventsResponse> {
        let head: Option<HeadRow> =
            sqlx::query_as("select position, hash, signed_at, kid, signature from head order by position desc limit 1")
                .fetch_optional(&self.pool)
                .await?;
        let head = head.map(|(at, hash, time, kid, signature)| Head {
            service: self.part.to_owned(),
            position: at,
            hash: hex::encode(hash),
            time: Some(timestamp(time)),
            kid,
            signature,
        });
        Ok(ReadEventsResponse { position, hash, event: None, head })
    }
}

/// Parts of the platform and the auditor receive everything, others what the audience names.
fn may_receive(caller: &Caller, event: &Event) -> bool {
    if caller.is_service() || caller.has(Role::Auditor) {
        return true;
    }
    event.audience.as_ref().is_some_and(|audience| {
        audience.public
            || audience.organisations.contains(&caller.organisation)
            || audience.districts.contains(&caller.district)
    })
}
