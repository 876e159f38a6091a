//! A peer as followers know it: a log that can be read, well or with trouble.

use std::convert::Infallible;

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use proto::qingtian::events::v1::{ReadEventsRequest, ReadEventsResponse};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tonic::{Request, Response, Status, body::Body, codegen::http, server::ServerStreamingService};
use tonic_prost::ProstCodec;

use crate::{
    auth::Caller,
    ledger::{EventStream, Ledger},
};

/// Serves nothing of a part but its log.
#[derive(Clone)]
pub struct Upstream {
    ledger: Ledger,
    trouble: Option<u64>,
}

impl Upstream {
    /// Over a part's ledger. With a seed for its trouble, deliveries come twice, old ones come again, and streams break off.
    pub fn new(ledger: &Ledger, trouble: Option<u64>) -> Self {
        Self { ledger: ledger.clone(), trouble }
    }

    /// Answers a request to the part.
    pub fn answer(&self, request: http::Request<Body>) -> BoxFuture<'static, Result<http::Response<Body>, Infallible>> {
        let upstream = self.clone();
        async move {
            if !request.uri().path().ends_with("/ReadEvents") {
                return Ok(Status::unimplemented("only ReadEvents").into_http());
            }
            let codec = ProstCodec::<ReadEventsResponse, ReadEventsRequest>::default();
            Ok(tonic::server::Grpc::new(codec).server_streaming(upstream, request).await)
        }
        .boxed()
    }
}

impl ServerStreamingService<ReadEventsRequest> for Upstream {
    type Response = ReadEventsResponse;
    type ResponseStream = EventStream;
    type Future = BoxFuture<'static, Result<Response<EventStream>, Status>>;

    fn call(&mut self, request: Request<ReadEventsRequest>) -> Self::Future {
        let Self { ledger, trouble } = self.clone();
        async move {
            let caller = Caller::of(&request)?;
            let request = request.into_inner();
            let seed = trouble.map(|seed| seed.wrapping_add(request.after.unsigned_abs()));
            let answer = ledger.read_events(&caller, request).await?;
            Ok(match seed {
                Some(seed) => answer.map(|steps| troubled(steps, seed)),
                None => answer,
            })
        }
        .boxed()
    }
}

/// The same steps with repetitions, and cut off somewhere.
fn troubled(steps: EventStream, seed: u64) -> EventStream {
    let mut dice = StdRng::seed_from_u64(seed);
    let mut first: Option<ReadEventsResponse> = None;
    Box::pin(steps.flat_map(move |step| {
        let mut sent = vec![step.clone()];
        if let Ok(step) = step {
            if dice.random_ratio(1, 4) {
                sent.push(Ok(step.clone()));
            }
            if dice.random_ratio(1, 6) {
                sent.push(Ok(first.get_or_insert(step).clone()));
            }
            if dice.random_ratio(1, 20) {
                sent.push(Err(Status::unavailable("cut off")));
            }
        }
        stream::iter(sent)
    }))
}

/// A gRPC service of this name that serves nothing but a part's log.
#[macro_export]
macro_rules! log_of {
    ($service:ident, $name:literal) => {
        #[derive(Clone)]
        pub struct $service(pub $crate::testing::Upstream);

        impl tonic::server::NamedService for $service {
            const NAME: &'static str = $name;
        }

        impl tonic::codegen::Service<tonic::codegen::http::Request<tonic::body::Body>> for $service {
            type Response = tonic::codegen::http::Response<tonic::body::Body>;
            type Error = std::convert::Infallible;
            type Future = futures::future::BoxFuture<'static, Result<Self::Response, Self::Error>>;

            fn poll_ready(
                &mut self,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Result<(), std::convert::Infallible>> {
                std::task::Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: tonic::codegen::http::Request<tonic::body::Body>) -> Self::Future {
                self.0.answer(request)
            }
        }
    };
}
