//! Subscriptions: what happened in a part, in order, each event once (see `qingtian.events.v1`).

use http::uri::PathAndQuery;
use proto::qingtian::events::v1::{Event, ReadEventsRequest, ReadEventsResponse};
use tonic::{IntoRequest as _, Status, Streaming, client::Grpc};
use tonic_prost::ProstCodec;

use crate::{Authorised, Error, Qingtian};

/// A part's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// Organisations, users, officers.
    Identity,
    /// Items and checklists.
    Catalog,
    /// Plans, draws, visits.
    Draws,
}

impl Log {
    fn method(self) -> PathAndQuery {
        PathAndQuery::from_static(match self {
            Self::Identity => "/qingtian.identity.v1.Identity/ReadEvents",
            Self::Catalog => "/qingtian.catalog.v1.Catalog/ReadEvents",
            Self::Draws => "/qingtian.draws.v1.Draws/ReadEvents",
        })
    }
}

/// Where a reader stands. It is kept with what was made of the events, in one transaction, and handed in again after a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stand {
    /// Last position applied; 0 at the beginning.
    pub position: i64,
    /// Chain hash there, 64 hex digits; empty at the beginning.
    pub hash: String,
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// What happened; none when there is nothing new at the moment.
    pub event: Option<Event>,
    /// Where the reader stands when it has applied that.
    pub stand: Stand,
}

/// A subscription. It never ends by itself: the stream behind it ends with the token it was opened with, and is opened again.
#[derive(Debug)]
pub struct Subscription<'a> {
    qingtian: &'a Qingtian,
    log: Log,
    types: Vec<String>,
    stand: Stand,
    stream: Option<Streaming<ReadEventsResponse>>,
    /// Streams in a row that ended before they brought anything.
    barren: u32,
}

impl<'a> Subscription<'a> {
    pub(crate) fn new(qingtian: &'a Qingtian, log: Log, stand: Stand) -> Self {
        Self { qingtian, log, types: Vec::new(), stand, stream: None, barren: 0 }
    }

    /// Only these, by the full names of their messages, such as `qingtian.draws.events.v1.DrawRevealed`.
    #[must_use]
    pub fn only(mut self, types: impl IntoIterator<Item = String>) -> Self {
        self.types = types.into_iter().collect();
        self
    }

    /// The next step, as soon as there is one.
    ///
    /// # Errors
    /// `LOG_DIVERGED` (code `DATA_LOSS`): the log is another one, as after a restore; begin again from zero. Else as the service refuses
    /// to open the stream, however often it was asked.
    pub async fn next(&mut self) -> Result<Step, Error> {
        loop {
            let stream = match &mut self.stream {
                Some(stream) => stream,
                none => none.insert(Self::opened(self.qingtian, self.log, &self.types, &self.stand).await?),
            };
            let ended = match stream.message().await {
                Ok(Some(step)) => {
                    self.barren = 0;
                    self.stand = Stand { position: step.position, hash: step.hash };
                    return Ok(Step { event: step.event, stand: self.stand.clone() });
                }
                Ok(None) => Status::unavailable("the stream ended"),
                Err(broken) => Status::unavailable(format!("the stream broke: {broken}")),
            };
            // What was delivered stands, the rest comes from there. What would not help is refused at the opening.
            self.stream = None;
            let pause = self.qingtian.policy.pause(&ended, self.barren, rand::random());
            self.barren += 1;
            tokio::time::sleep(pause.ok_or(ended)?).await;
        }
    }

    async fn opened(
        qingtian: &Qingtian,
        log: Log,
        types: &[String],
        stand: &Stand,
    ) -> Result<Streaming<ReadEventsResponse>, Error> {
        let open = async |channel: Authorised| {
            let mut grpc = Grpc::new(channel);
            grpc.ready().await.map_err(|error| Status::unavailable(format!("{error}")))?;
            let request = ReadEventsRequest {
                after: stand.position,
                after_hash: stand.hash.clone(),
                types: types.to_vec(),
                follow: true,
            };
            let codec = ProstCodec::<ReadEventsRequest, ReadEventsResponse>::default();
            Ok(grpc.server_streaming(request.into_request(), log.method(), codec).await?.into_inner())
        };
        qingtian.call(open).await
    }
}
