//! The parts behind the gateway: real rpcs of the contract over the network, with answers a test can steer.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::{Stream, stream};
use kit::auth::{Caller, Claims, Minter};
use kit::env::Env;
use kit::error::{Reason, Refusal};
use prost::Message;
use proto::google::api::HttpBody;
use proto::qingtian::access::v1::Role;
use proto::qingtian::common::v1::Import;
use proto::qingtian::draws::v1 as draws;
use proto::qingtian::identity::v1 as identity;
use proto::qingtian::portal::v1 as portal;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tonic::body::Body;
use tonic::server::Grpc;
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

/// Bytes of one message of a download.
pub const ROW_BYTES: usize = 64 << 10;

/// What downloads are cut from: every byte of one tells where it stands.
static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| (0..251 + ROW_BYTES).map(|n| (n % 251) as u8).collect());

/// An upload as a part saw it.
#[derive(Debug, Clone, Default)]
pub struct Upload {
    pub first: draws::ImportSubjectsRequest,
    pub chunks: Vec<usize>,
    pub later_fields: bool,
    pub digest: String,
    /// How the stream ended: a whole file, or the error's code.
    pub end: Option<Result<(), tonic::Code>>,
}

/// What the parts know and saw.
pub struct World {
    minter: Minter,
    open: Mutex<HashMap<String, String>>,
    pub refreshes: AtomicUsize,
    pub frozen: AtomicBool,
    pub closed: Mutex<Vec<String>>,
    pub uploads: watch::Sender<Vec<Upload>>,
    /// Metadata of the last call of each rpc.
    pub seen: Mutex<HashMap<String, http::HeaderMap>>,
    /// Messages of downloads made so far.
    pub produced: watch::Sender<usize>,
    /// Downloads that ended or were let go.
    pub let_go: watch::Sender<usize>,
    /// Messages a download has; more than `fails_after` and it fails.
    pub rows: AtomicUsize,
    pub fails_after: AtomicUsize,
    /// `ListOrganisations` and `GetOverview` answer when this is true.
    pub released: watch::Sender<bool>,
    pub waiting: watch::Sender<u64>,
    pub sign_ins: AtomicU64,
}

impl World {
    pub fn new(env: &Env) -> Self {
        Self {
            minter: Minter::service("identity", env.keys.clone(), env.clock.clone()).unwrap(),
            open: Mutex::default(),
            refreshes: AtomicUsize::new(0),
            frozen: AtomicBool::new(false),
            closed: Mutex::default(),
            uploads: watch::Sender::new(Vec::new()),
            seen: Mutex::default(),
            produced: watch::Sender::new(0),
            let_go: watch::Sender::new(0),
            rows: AtomicUsize::new(3),
            fails_after: AtomicUsize::new(usize::MAX),
            released: watch::Sender::new(false),
            waiting: watch::Sender::new(0),
            sign_ins: AtomicU64::new(0),
        }
    }

    /// Metadata of the last call of an rpc.
    pub fn metadata(&self, rpc: &str, name: &str) -> Option<String> {
        let seen = self.seen.lock().unwrap();
        let headers = seen.get(rpc).unwrap_or_else(|| panic!("{rpc} was not called"));
        headers.get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    pub fn was_called(&self, rpc: &str) -> bool {
        self.seen.lock().unwrap().contains_key(rpc)
    }

    /// A token as a machine client would have it.
    pub fn token(&self, subject: &str) -> identity::AccessToken {
        let claims = Claims {
            sub: subject.to_owned(),
            org: "organisations/market".to_owned(),
            district: "410200".to_owned(),
            roles: vec![Role::Handler as i32],
            ..Claims::default()
        };
        let (token, ends) = self.minter.sign(claims).unwrap();
        let expire_time = Some(prost_types::Timestamp { seconds: ends.timestamp(), nanos: 0 });
        identity::AccessToken { token, expire_time }
    }

    fn open_sign_in(&self, request: identity::OpenSignInRequest) -> Result<identity::OpenSignInResponse, Status> {
        if request.password != "right" {
            return Err(Refusal::new(Reason::WrongPassword).into());
        }
        let number = self.sign_ins.fetch_add(1, Ordering::SeqCst);
        let sign_in = format!("handle-{number}");
        self.open.lock().unwrap().insert(sign_in.clone(), request.username.clone());
        Ok(identity::OpenSignInResponse {
            sign_in,
            token: Some(self.token(&format!("users/{}", request.username))),
            user: Some(identity::User { name: format!("users/{}", request.username), ..Default::default() }),
            organisation: Some(identity::Organisation { name: "organisations/market".into(), ..Default::default() }),
        })
    }

    fn refresh(&self, request: identity::RefreshTokenRequest) -> Result<identity::AccessToken, Status> {
        self.refreshes.fetch_add(1, Ordering::SeqCst);
        if self.frozen.load(Ordering::SeqCst) {
            return Err(Refusal::new(Reason::UserFrozen).into());
        }
        let open = self.open.lock().unwrap();
        let user = open.get(&request.sign_in).ok_or_else(|| Refusal::new(Reason::NotSignedIn))?;
        Ok(self.token(&format!("users/{user}")))
    }

    async fn wait(&self) {
        self.waiting.send_modify(|count| *count += 1);
        let mut released = self.released.subscribe();
        released.wait_for(|released| *released).await.unwrap();
    }

    async fn import(&self, request: Request<Streaming<draws::ImportSubjectsRequest>>) -> Result<Import, Status> {
        let mut messages = request.into_inner();
        let (mut upload, mut digest, mut bytes) = (Upload::default(), Sha256::new(), 0);
        loop {
            let message = match messages.message().await {
                Ok(Some(message)) => message,
                end => {
                    upload.end = Some(end.map(|_| ()).map_err(|status| status.code()));
                    break;
                }
            };
            let data = message.file.as_ref().map(|file| file.data.clone()).unwrap_or_default();
            digest.update(&data);
            bytes += data.len() as i64;
            upload.chunks.push(data.len());
            if upload.chunks.len() == 1 {
                upload.first = message;
                if upload.first.file_name == "refused.csv" {
                    return Err(Refusal::new(Reason::FileUnreadable).with("problem", "no").into());
                }
            } else {
                upload.later_fields |= !message.parent.is_empty() || !message.columns.is_empty();
            }
        }
        upload.digest = hex::encode(digest.finalize());
        let end = upload.end.unwrap();
        self.uploads.send_modify(|uploads| uploads.push(upload.clone()));
        end.map_err(|code| Status::new(code, "broken"))?;
        Ok(Import { name: format!("{}/imports/1", upload.first.parent), rows: bytes, ..Default::default() })
    }

    fn rows(self: &Arc<Self>) -> Rows {
        let held = LetGo(self.clone());
        Box::pin(stream::unfold(0, move |row| {
            let world = held.0.clone();
            async move {
                if row == world.fails_after.load(Ordering::SeqCst) {
                    return Some((Err(Status::internal("the disk is gone at /var/lib")), row + 1));
                }
                if row >= world.rows.load(Ordering::SeqCst) {
                    return None;
                }
                world.produced.send_modify(|produced| *produced += 1);
                let content_type = if row == 0 { "text/csv; charset=utf-8".to_owned() } else { String::new() };
                let data = BYTES[row * ROW_BYTES % 251..][..ROW_BYTES].to_vec();
                Some((Ok(HttpBody { content_type, data, extensions: vec![] }), row + 1))
            }
        }))
    }
}

/// Counts a stream when it is dropped.
struct LetGo(Arc<World>);

impl Drop for LetGo {
    fn drop(&mut self) {
        self.0.let_go.send_modify(|streams| *streams += 1);
    }
}

type Rows = Pin<Box<dyn Stream<Item = Result<HttpBody, Status>> + Send>>;

/// All services, told apart by path.
#[derive(Clone)]
pub struct Services(pub Arc<World>);

impl Service<http::Request<axum::body::Body>> for Services {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<axum::body::Body>) -> Self::Future {
        let world = self.0.clone();
        Box::pin(async move { Ok(route(world, request).await) })
    }
}

async fn unary<Q, A, F>(
    request: http::Request<axum::body::Body>,
    answer: impl Fn(Request<Q>) -> F + Clone,
) -> http::Response<Body>
where
    Q: Message + Default + 'static,
    A: Message + Default + 'static,
    F: Future<Output = Result<A, Status>> + Send,
{
    let service = service_fn(move |request| {
        let answer = answer(request);
        async move { answer.await.map(Response::new) }
    });
    Grpc::new(ProstCodec::<A, Q>::default()).unary(service, request).await
}

async fn route(world: Arc<World>, request: http::Request<axum::body::Body>) -> http::Response<Body> {
    let path = request.uri().path().to_owned();
    let rpc = path.rsplit('/').next().unwrap_or_default().to_owned();
    world.seen.lock().unwrap().insert(rpc, request.headers().clone());
    let w = &world;
    match path.as_str() {
        "/qingtian.identity.v1.Identity/OpenSignIn" => {
            unary(request, |q: Request<identity::OpenSignInRequest>| async { w.open_sign_in(q.into_inner()) }).await
        }
        "/qingtian.identity.v1.Identity/RefreshToken" => {
            unary(request, |q: Request<identity::RefreshTokenRequest>| async { w.refresh(q.into_inner()) }).await
        }
        "/qingtian.identity.v1.Identity/CloseSignIn" => {
            unary(request, |q: Request<identity::CloseSignInRequest>| async {
                let sign_in = q.into_inner().sign_in;
                w.open.lock().unwrap().remove(&sign_in);
                w.closed.lock().unwrap().push(sign_in);
                Ok::<(), Status>(())
            })
            .await
        }
        "/qingtian.identity.v1.Identity/GetMe" => {
            unary(request, |q: Request<identity::GetMeRequest>| async move {
                let caller = Caller::of(&q)?;
                Ok(identity::User { name: caller.actor, ..Default::default() })
            })
            .await
        }
        "/qingtian.identity.v1.Identity/ListOrganisations" => {
            unary(request, |_: Request<identity::ListOrganisationsRequest>| async {
                w.wait().await;
                Ok(identity::ListOrganisationsResponse::default())
            })
            .await
        }
        "/qingtian.draws.v1.Registers/GetSubject" => {
            unary(request, |q: Request<draws::GetSubjectRequest>| async {
                let name = q.into_inner().name;
                if name.ends_with("/absent") {
                    return Err(Refusal::not_found(name).into());
                }
                if name.ends_with("/broken") {
                    return Err(Status::internal("panicked at store.rs:17"));
                }
                Ok(draws::Subject { name, ..Default::default() })
            })
            .await
        }
        "/qingtian.draws.v1.Registers/ListSubjects" => {
            unary(request, |q: Request<draws::ListSubjectsRequest>| async {
                let q = q.into_inner();
                let subject = draws::Subject {
                    name: q.parent,
                    title: q.query,
                    district: q.district,
                    status: q.status,
                    ..Default::default()
                };
                Ok(draws::ListSubjectsResponse {
                    subjects: vec![subject],
                    total_size: i64::from(q.page_size),
                    ..Default::default()
                })
            })
            .await
        }
        "/qingtian.draws.v1.Plans/UpdatePlan" => {
            unary(request, |q: Request<draws::UpdatePlanRequest>| async {
                let q = q.into_inner();
                Ok(draws::Plan { return_reason: q.request_id, ..q.plan.unwrap_or_default() })
            })
            .await
        }
        "/qingtian.draws.v1.Registers/ImportSubjects" => {
            let service = service_fn(|q| async { w.import(q).await.map(Response::new) });
            Grpc::new(ProstCodec::<Import, draws::ImportSubjectsRequest>::default())
                .client_streaming(service, request)
                .await
        }
        "/qingtian.draws.v1.Registers/ExportSubjects" => {
            let service = service_fn(|_: Request<draws::ExportSubjectsRequest>| async {
                let mut response = Response::new(w.rows());
                response
                    .metadata_mut()
                    .insert("content-disposition", "attachment; filename=\"subjects.csv\"".parse().unwrap());
                Ok(response)
            });
            Grpc::new(ProstCodec::<HttpBody, draws::ExportSubjectsRequest>::default())
                .server_streaming(service, request)
                .await
        }
        "/qingtian.portal.v1.Portal/DownloadEvidence" => {
            let service = service_fn(|q: Request<portal::DownloadEvidenceRequest>| async move {
                if q.into_inner().name == "draws/absent" {
                    return Err(Refusal::not_found("draws/absent").into());
                }
                let mut response = Response::new(w.rows());
                let bytes = w.rows.load(Ordering::SeqCst) * ROW_BYTES;
                response.metadata_mut().insert("x-length", bytes.to_string().parse().unwrap());
                response.metadata_mut().insert("etag", "\"abc\"".parse().unwrap());
                response.metadata_mut().insert("cache-control", "public, max-age=31536000, immutable".parse().unwrap());
                Ok::<_, Status>(response)
            });
            Grpc::new(ProstCodec::<HttpBody, portal::DownloadEvidenceRequest>::default())
                .server_streaming(service, request)
                .await
        }
        "/qingtian.portal.v1.Portal/ListDraws" => {
            unary(request, |q: Request<portal::ListDrawsRequest>| async {
                let draw = portal::PublicDraw {
                    name: "draws/2026-0001".into(),
                    plan_title: q.into_inner().query,
                    ..Default::default()
                };
                Ok(portal::ListDrawsResponse { draws: vec![draw], ..Default::default() })
            })
            .await
        }
        "/qingtian.portal.v1.Portal/GetOverview" => {
            unary(request, |_: Request<portal::GetOverviewRequest>| async {
                w.wait().await;
                Ok(portal::Overview::default())
            })
            .await
        }
        _ => Status::unimplemented("").into_http(),
    }
}
