//! The contract of shapes behind a gateway: what no rpc of the product has, over real sockets to a real gRPC server that answers
//! by what it was sent.

use std::convert::Infallible;
use std::sync::LazyLock;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use gateway::codec::Raw;
use gateway::json;
use kit::error::Refusal;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, Value};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::server::Grpc;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};
use tower::service_fn;

/// Positions of the stream there are.
pub const POSITIONS: i64 = 5;

/// The contract.
pub static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let mut compiler = protox::Compiler::new(["src", "../proto"]).unwrap();
    compiler.include_imports(true).open_file("fixtures.proto").unwrap();
    DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap()
});

/// Serves the contract until it is let go; answers its address.
pub async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = service_fn(|request| async { Ok::<_, Infallible>(route(request).await) });
    let routes = axum::Router::new().fallback_service(service);
    let server = tonic::transport::Server::builder().add_routes(routes.into());
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    url
}

fn rpc(name: &str) -> Option<MethodDescriptor> {
    let things = POOL.get_service_by_name("qingtian.shapes.v1.Things")?;
    things.methods().find(|rpc| rpc.name() == name)
}

async fn route(request: http::Request<axum::body::Body>) -> http::Response<Body> {
    let name = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let Some(rpc) = rpc(&name) else { return Status::unimplemented("").into_http() };
    match (rpc.is_client_streaming(), rpc.is_server_streaming()) {
        (false, false) => {
            let echo =
                service_fn(|request: Request<Bytes>| async { Ok::<_, Status>(Response::new(request.into_inner())) });
            Grpc::new(Raw).unary(echo, request).await
        }
        (false, true) => {
            let watch = service_fn(move |request: Request<Bytes>| {
                let answer = watch(&rpc, request.into_inner());
                async { answer.map(Response::new) }
            });
            Grpc::new(Raw).server_streaming(watch, request).await
        }
        (true, _) => {
            let count = service_fn(move |request: Request<Streaming<Bytes>>| {
                let rpc = rpc.clone();
                async move { summary(&rpc, request.into_inner()).await.map(Response::new) }
            });
            Grpc::new(Raw).client_streaming(count, request).await
        }
    }
}

/// Positions behind `after`, up to `fail_at`, where it fails; then the end, or silence when it is to follow.
fn watch(rpc: &MethodDescriptor, request: Bytes) -> Result<BoxStream<'static, Result<Bytes, Status>>, Status> {
    let request = DynamicMessage::decode(rpc.input(), request).unwrap();
    let number = |name: &str| request.get_field_by_name(name).and_then(|value| value.as_i64()).unwrap_or_default();
    let (after, fail_at) = (number("after"), number("fail_at"));
    let expected = if after == 0 { String::new() } else { format!("h{after}") };
    let given = request.get_field_by_name("after_hash").and_then(|hash| hash.as_str().map(str::to_owned));
    if given.is_some_and(|given| !given.is_empty() && given != expected) {
        return Err(Refusal::invalid("after_hash", "differs").into());
    }
    let output = rpc.output();
    let events = stream::iter(after + 1..=POSITIONS).map(move |position| {
        if position == fail_at {
            return Err(Refusal::not_found(format!("events/{position}")).into());
        }
        let mut event = DynamicMessage::new(output.clone());
        event.set_field_by_name("position", Value::I64(position));
        event.set_field_by_name("hash", Value::String(format!("h{position}")));
        event.set_field_by_name("word", Value::String("一\n二".to_owned()));
        Ok(event.encode_to_vec().into())
    });
    let follow = request.get_field_by_name("follow").is_some_and(|follow| follow.as_bool() == Some(true));
    Ok(if follow { events.chain(stream::pending()).boxed() } else { events.boxed() })
}

/// Each message as JSON.
async fn summary(rpc: &MethodDescriptor, messages: Streaming<Bytes>) -> Result<Bytes, Status> {
    let input = rpc.input();
    let shown = |message: Bytes| {
        let mut text = Vec::new();
        json::write(&DynamicMessage::decode(input.clone(), message).unwrap(), &mut text).unwrap();
        Value::String(String::from_utf8(text).unwrap())
    };
    let lines: Vec<Value> = messages.map_ok(shown).try_collect().await?;
    let mut summary = DynamicMessage::new(rpc.output());
    summary.set_field_by_name("messages", Value::List(lines));
    Ok(summary.encode_to_vec().into())
}
