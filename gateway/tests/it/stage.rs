//! A gateway on a free port, before a real gRPC server with the real guard that answers some of the contract's rpcs.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use gateway::{Running, Settings};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kit::auth::GuardLayer;
use kit::env::{Clock, Databases, Env, Parts};
use kit::keys::Keys;
use kit::peers::Peers;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic_health::server::HealthReporter;

use crate::parts::World;

pub struct Stage {
    pub env: Env,
    pub clock: Clock,
    pub world: Arc<World>,
    pub gateway: Running,
    /// What the parts say of their health; at first nothing, as of a process that has just started.
    pub health: HealthReporter,
    /// Address of the gRPC server.
    pub parts_url: String,
    pub folder: tempfile::TempDir,
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With changed settings.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = "2026-11-23T01:00:00Z".parse().unwrap();
        Keys::generate(now, true).unwrap().write(&folder.path().join("keys")).unwrap();
        let clock = Clock::set(now);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let parts_url = format!("http://{}", listener.local_addr().unwrap());
        let env = Env::new(Parts {
            clock: clock.clone(),
            keys: Keys::read(&folder.path().join("keys")).unwrap(),
            peers: Peers::new(&parts_url)
                .with_override("shapes", crate::shapes::serve().await)
                // Nobody listens on the discard port.
                .with_override("catalog", "http://127.0.0.1:9"),
            databases: Databases { url: String::new(), migrate_url: None, connections_max: 1 },
            blob_folder: folder.path().join("blobs"),
        })
        .unwrap();
        let world = Arc::new(World::new(&env));
        let guard = GuardLayer::new(env.authenticator.clone(), HashMap::new());
        let (health, health_service) = tonic_health::server::health_reporter();
        let routes = axum::Router::new()
            .fallback_service(crate::parts::Services(world.clone()))
            .route_service("/grpc.health.v1.Health/{rpc}", health_service);
        let server = tonic::transport::Server::builder().layer(guard).add_routes(routes.into());
        let shutdown = env.shutdown.clone().cancelled_owned();
        tokio::spawn(server.serve_with_incoming_shutdown(TcpIncoming::from(listener), shutdown));
        let gateway = start(&env, folder.path(), change).await;
        Self { env, clock, world, gateway, health, parts_url, folder }
    }

    /// Before the contract of shapes instead of the product's.
    pub async fn of_shapes(change: impl FnOnce(&mut Settings)) -> Self {
        Self::with(|settings| {
            settings.contract = crate::shapes::POOL.clone();
            change(settings);
        })
        .await
    }

    /// Another gateway before the same parts.
    pub async fn another(&self, change: impl FnOnce(&mut Settings)) -> Running {
        start(&self.env, self.folder.path(), change).await
    }

    pub fn browser(&self) -> Browser {
        Browser::at(&self.gateway)
    }

    /// A browser in which the handler has signed in.
    pub async fn signed_in(&self) -> Browser {
        let mut browser = self.browser();
        assert_eq!(browser.sign_in("handler", "right").await.status, StatusCode::OK);
        browser
    }
}

async fn start(env: &Env, folder: &std::path::Path, change: impl FnOnce(&mut Settings)) -> Running {
    let mut settings = Settings::new("127.0.0.1:0".parse().unwrap(), "http://127.0.0.1".parse().unwrap());
    settings.web = Some(folder.join("web"));
    change(&mut settings);
    gateway::start(env, settings).await.unwrap()
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// The refusal's reason. Every refusal names its request.
    pub fn reason(&self) -> String {
        let json = self.json();
        let details = json["details"].as_array().unwrap_or_else(|| panic!("no details in {json}"));
        let request = details.iter().find(|detail| detail["@type"] == "type.googleapis.com/google.rpc.RequestInfo");
        assert_eq!(request.unwrap_or_else(|| panic!("no request in {json}"))["requestId"], self.header("x-request-id"));
        let info = details.iter().find(|detail| detail["@type"] == "type.googleapis.com/google.rpc.ErrorInfo");
        info.unwrap_or_else(|| panic!("no reason in {json}"))["reason"].as_str().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A client that keeps the cookie and the page token as a browser does.
#[derive(Clone)]
pub struct Browser {
    pub origin: String,
    pub client: Client<HttpConnector, Full<Bytes>>,
    pub cookie: Option<String>,
    pub csrf: Option<String>,
    pub extra: HeaderMap,
}

impl Browser {
    pub fn at(gateway: &Running) -> Self {
        Self {
            origin: format!("http://{}", gateway.address),
            client: Client::builder(TokioExecutor::new()).build_http(),
            cookie: None,
            csrf: None,
            extra: HeaderMap::new(),
        }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.extra.insert(name, value.parse().unwrap());
        self
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Bytes::new(), None).await
    }

    pub async fn post(&self, path: &str, body: Json) -> Answer {
        self.send(Method::POST, path, body.to_string().into(), Some("application/json")).await
    }

    pub async fn upload(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.send(Method::POST, path, body.into(), Some("text/csv")).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Bytes, content_type: Option<&str>) -> Answer {
        let response = self.open(method, path, body, content_type).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// The answer's headers, its body yet to be read.
    pub async fn open(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        content_type: Option<&str>,
    ) -> Result<http::Response<hyper::body::Incoming>, hyper_util::client::legacy::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.origin));
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("other=1; {cookie}"));
        }
        if let Some(csrf) = &self.csrf {
            request = request.header("x-csrf-token", csrf);
        }
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let mut request = request.body(Full::new(body)).unwrap();
        request.headers_mut().extend(self.extra.clone());
        self.client.request(request).await
    }

    /// Signs in and keeps what a browser keeps.
    pub async fn sign_in(&mut self, username: &str, password: &str) -> Answer {
        let answer = self.post("/v1/session:signIn", json!({"username": username, "password": password})).await;
        if answer.status == StatusCode::OK {
            self.cookie = answer.header("set-cookie").split(';').next().map(str::to_owned);
            self.csrf = answer.json()["csrfToken"].as_str().map(str::to_owned);
        }
        answer
    }
}
