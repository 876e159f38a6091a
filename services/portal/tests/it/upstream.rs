//! The other parts as the portal knows them: a log that can be read.

use std::convert::Infallible;

use futures::{FutureExt, future::BoxFuture};
use kit::{
    auth::Caller,
    ledger::{EventStream, Ledger},
};
use proto::qingtian::events::v1::{ReadEventsRequest, ReadEventsResponse};
use tonic::{
    Request, Response, Status,
    body::Body,
    codegen::{Service, http},
    server::{NamedService, ServerStreamingService},
};
use tonic_prost::ProstCodec;

struct Reader(Ledger);

impl ServerStreamingService<ReadEventsRequest> for Reader {
    type Response = ReadEventsResponse;
    type ResponseStream = EventStream;
    type Future = BoxFuture<'static, Result<Response<EventStream>, Status>>;

    fn call(&mut self, request: Request<ReadEventsRequest>) -> Self::Future {
        let ledger = self.0.clone();
        async move {
            let caller = Caller::of(&request)?;
            ledger.read_events(&caller, request.into_inner()).await
        }
        .boxed()
    }
}

fn read(ledger: Ledger, request: http::Request<Body>) -> BoxFuture<'static, Result<http::Response<Body>, Infallible>> {
    async move {
        if !request.uri().path().ends_with("/ReadEvents") {
            return Ok(Status::unimplemented("only ReadEvents").into_http());
        }
        let codec = ProstCodec::<ReadEventsResponse, ReadEventsRequest>::default();
        Ok(tonic::server::Grpc::new(codec).server_streaming(Reader(ledger), request).await)
    }
    .boxed()
}

macro_rules! log_of {
    ($service:ident, $name:literal) => {
        #[derive(Clone)]
        pub struct $service(pub Ledger);

        impl NamedService for $service {
            const NAME: &'static str = $name;
        }

        impl Service<http::Request<Body>> for $service {
            type Response = http::Response<Body>;
            type Error = Infallible;
            type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

            fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
                std::task::Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: http::Request<Body>) -> Self::Future {
                read(self.0.clone(), request)
            }
        }
    };
}

log_of!(Identity, "qingtian.identity.v1.Identity");
log_of!(Catalog, "qingtian.catalog.v1.Catalog");
log_of!(Draws, "qingtian.draws.v1.Draws");
