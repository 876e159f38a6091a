//! One request from its headers to its answer: the route first, so that the span and the metrics bear its name and never a
//! path or query with somebody's data; then limits, caller, rpc, answer.

use std::any::Any;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use futures::FutureExt as _;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RANGE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use kit::auth::Minter;
use kit::env::Env;
use kit::telemetry;
use prost::Message as _;
use proto::qingtian::session::v1::{FinishSignOnRequest, SignInRequest};
use tower::ServiceExt as _;
use tracing::Instrument as _;

use crate::assets::Assets;
use crate::call::{self, Caller, Upstream};
use crate::error::{Fault, Result};
use crate::events::Form;
use crate::limits::{Bounds, Permit};
use crate::link::Links;
use crate::openapi::{self, Description};
use crate::reach::Reach;
use crate::routes::{BodyPlace, Found, Lookup, Observed, Route, Routes, Shape};
use crate::sessions::Store;
use crate::sign_in::{Answer, SignIns};
use crate::{Settings, answer, binder, door, events, headers, sign_in, stream, upload};

const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
const PURPOSE: HeaderName = HeaderName::from_static("x-purpose");

/// Where the browser's own check of a draw is served.
pub const RECHECK: &str = "/assets/recheck/";
/// Where the description of the web API is served.
pub const DESCRIPTION: &str = "/openapi.json";

/// The gateway without its listener.
pub struct App {
    env: Env,
    settings: Settings,
    routes: Routes,
    sign_ins: SignIns,
    minter: Minter,
    assets: Assets,
    description: openapi::Served,
    pages: Router,
    reach: Reach,
    links: Links,
    bounds: Bounds,
}

/// Where a request goes.
enum Target<'a> {
    Live,
    Ready,
    /// The rest of a path below `/work`.
    Work(&'a str),
    Recheck(&'a str),
    Rpc(Found<'a>),
    Description,
    Pages,
    Refused(Fault),
}

impl<'a> Target<'a> {
    /// Name of the span and of the metrics.
    fn label(&self, method: &Method) -> Cow<'a, str> {
        let fixed = match self {
            Self::Rpc(found) => return Cow::Borrowed(&found.route.label),
            Self::Live => "/livez",
            Self::Ready => "/readyz",
            Self::Work(_) => "/work/{file}",
            Self::Recheck(_) => "/assets/recheck/{file}",
            Self::Description => DESCRIPTION,
            Self::Pages => "/{page}",
            Self::Refused(_) => "no route",
        };
        match *method {
            Method::GET | Method::HEAD | Method::POST => format!("{method} {fixed}").into(),
            _ => format!("OTHER {fixed}").into(),
        }
    }
}

impl App {
    /// Puts the gateway together. Errors: an address is malformed.
    pub fn new(
        env: &Env,
        settings: Settings,
        routes: Routes,
        description: &Description,
        pages: Router,
    ) -> anyhow::Result<Self> {
        let store = Store::new(settings.redis_url.as_deref(), settings.limits.session_idle)?;
        Ok(Self {
            description: openapi::Served::new(description)?,
            reach: Reach::new(env, &routes)?,
            links: Links::new(&env.peers, routes.parts())?,
            routes,
            sign_ins: SignIns::new(env, store, &settings)?,
            minter: Minter::service("gateway", env.keys.clone(), env.clock.clone())?,
            assets: Assets::new(settings.web.clone()),
            pages,
            bounds: Bounds::new(&settings.limits),
            env: env.clone(),
            settings,
        })
    }

    /// The parts behind it.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// What bounds it.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// What it was told.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Answers one request. Never fails: what goes wrong is an answer too.
    pub async fn handle(&self, peer: SocketAddr, request: Request<Body>) -> Response {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let target = match door::check(&request) {
            Ok(()) => self.target(&method, uri.path()),
            Err(fault) => Target::Refused(fault),
        };
        self.run(target, peer, request).await
    }

    /// Answers what is no request.
    pub async fn refuse(&self, peer: SocketAddr, fault: Fault) -> Response {
        self.run(Target::Refused(fault), peer, Request::new(Body::empty())).await
    }

    async fn run(&self, target: Target<'_>, peer: SocketAddr, request: Request<Body>) -> Response {
        let started = Instant::now();
        let label = target.label(request.method());
        let span = telemetry::server_span(&label, request.headers());
        let id = door::request_id(request.headers());
        let route = match &target {
            Target::Rpc(found) => Some(found.route),
            _ => None,
        };
        let work = async {
            // Of all answers only the work portal's page has styles of its own.
            let nonce = match matches!(target, Target::Work(_)).then(headers::nonce).transpose() {
                Ok(nonce) => nonce,
                Err(error) => return Fault::internal(error).about(&id).into_response(),
            };
            let answered = self.answer(target, peer, &id, nonce.as_deref().unwrap_or_default(), request);
            let mut response = match AssertUnwindSafe(answered).catch_unwind().await {
                Ok(Ok(response)) => response,
                Ok(Err(fault)) => fault.about(&id).into_response(),
                Err(panic) => {
                    let error = anyhow::anyhow!("panicked: {}", panic_text(&*panic));
                    Fault::internal(error).about(&id).into_response()
                }
            };
            headers::secure(response.headers_mut(), nonce.as_deref(), self.settings.is_https());
            response.headers_mut().insert(door::REQUEST_ID, id.clone());
            let trace = telemetry::trace_id();
            // Hex digits make a header value.
            if let (false, Ok(trace)) = (trace.is_empty(), HeaderValue::from_str(&trace)) {
                response.headers_mut().insert(TRACE_ID, trace);
            }
            let (status, took) = (response.status(), started.elapsed());
            match route {
                Some(route) => route.observed.answered(&label, status, took),
                None => Observed::default().answered(&label, status, took),
            }
            let millis = took.as_secs_f64() * 1e3;
            if status.is_server_error() {
                tracing::warn!(http.route = &*label, http.status = status.as_u16(), millis, "answered with a failure");
            } else {
                tracing::debug!(http.route = &*label, http.status = status.as_u16(), millis, "answered");
            }
            response
        };
        work.instrument(span).await
    }

    fn target<'a>(&'a self, method: &Method, path: &'a str) -> Target<'a> {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        let read_only = |target| {
            if reads { target } else { Target::Refused(Fault::method(method, vec![Method::GET, Method::HEAD])) }
        };
        match self.routes.find(method, path) {
            Lookup::Found(found) => return Target::Rpc(found),
            Lookup::OtherMethod(allow) => return Target::Refused(Fault::method(method, allow)),
            Lookup::Nothing => {}
        }
        let below = |prefix: &str| path.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        if let Some(rest) = below("/work") {
            return read_only(Target::Work(rest));
        }
        if let Some(file) = path.strip_prefix(RECHECK) {
            return read_only(Target::Recheck(file));
        }
        match path {
            "/livez" => read_only(Target::Live),
            "/readyz" => read_only(Target::Ready),
            DESCRIPTION => read_only(Target::Description),
            _ if below("/v1").is_some() || below("/.well-known").is_some() => {
                Target::Refused(Fault::no_such_route(path))
            }
            _ => Target::Pages,
        }
    }

    async fn answer(
        &self,
        target: Target<'_>,
        peer: SocketAddr,
        id: &HeaderValue,
        nonce: &str,
        request: Request<Body>,
    ) -> Result<Response> {
        let permit = match target {
            // Whoever asks whether we live must hear it even when all are at work.
            Target::Live => return Ok(plain(StatusCode::OK, "live\n")),
            Target::Ready if self.env.shutdown.is_cancelled() => {
                return Ok(plain(StatusCode::SERVICE_UNAVAILABLE, "stopping\n"));
            }
            // Which part it is that does not serve is nobody's business outside.
            Target::Ready if !self.reach.is_ready() => {
                return Ok(plain(StatusCode::SERVICE_UNAVAILABLE, "no part serves\n"));
            }
            Target::Ready => return Ok(plain(StatusCode::OK, "ready\n")),
            Target::Refused(fault) => return Err(fault),
            Target::Work(_) | Target::Recheck(_) | Target::Rpc(_) | Target::Description | Target::Pages => {
                self.bounds.request(door::address(peer, request.headers(), self.settings.proxies))?
            }
        };
        match target {
            Target::Work(rest) => Ok(self.assets.work(rest, request.headers(), nonce).await),
            Target::Recheck(file) => Ok(self.assets.recheck(file, request.headers()).await),
            Target::Description => Ok(self.description.answer(request.headers())),
            Target::Rpc(found) => self.rpc(found, peer, id, request, permit).await,
            Target::Pages => {
                let answered = self.pages.clone().oneshot(request);
                let timeout = self.settings.limits.unary_timeout;
                match tokio::time::timeout(timeout, answered).await {
                    Ok(Ok(response)) => Ok(response.map(|body| held(body, permit))),
                    Ok(Err(never)) => match never {},
                    Err(_) => Err(Fault::upstream_timeout()),
                }
            }
            Target::Live | Target::Ready | Target::Refused(_) => Err(Fault::overloaded()),
        }
    }

    async fn rpc(
        &self,
        found: Found<'_>,
        peer: SocketAddr,
        id: &HeaderValue,
        request: Request<Body>,
        permit: Permit,
    ) -> Result<Response> {
        let (route, limits) = (found.route, &self.settings.limits);
        let (parts, body) = request.into_parts();
        let (mut head, query) = (parts.headers, parts.uri.query());
        if parts.method != Method::GET {
            // Ranges are for GET; the headers HEAD asks for are those of the whole.
            head.remove(RANGE);
        }
        let mut caller = Caller {
            authorization: None,
            purpose: door::text(&head, &PURPOSE)?,
            request_id: id.to_str().ok().and_then(|id| id.parse().ok()),
            address: door::address(peer, &head, self.settings.proxies).to_string().parse().ok(),
            gateway: Some(self.minter.bearer().map_err(Fault::internal)?),
        };
        if let Some(secret) = sign_in::secret(&head) {
            self.bounds.client(secret)?;
        }
        if matches!(route.shape, Shape::Upload(_) | Shape::Lines) {
            let allowed = async {
                answer::check_accepts_json(&head)?;
                if route.shape == Shape::Lines && !door::is_type(head.get(CONTENT_TYPE), &[events::LINES]) {
                    return Err(Fault::content_type(events::LINES));
                }
                let slot = self.bounds.upload()?;
                upload::check_announced(&head, limits)?;
                let message = binder::bind(&found, query, &[])?;
                caller.authorization = self.sign_ins.authorize(route, &head).await?;
                Ok::<_, Fault>((slot, message, Upstream::of(&self.env, route)?))
            };
            let (_slot, message, upstream) = match allowed.await {
                Ok(allowed) => allowed,
                Err(fault) => {
                    upload::drain(body).await;
                    return Err(fault);
                }
            };
            let kind = head.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let answer = upload::upload(&upstream, route, &caller, message, (kind, body), limits).await;
            if let Err(fault) = &answer {
                // The file is gone, so it is the client that must send it once more.
                self.sign_ins.discard(&head, &caller, fault).await;
            }
            return answer::json(route, answer?, &head);
        }
        let form = (route.shape == Shape::Events).then(|| Form::wanted(&head)).transpose()?;
        if route.shape == Shape::Unary {
            answer::check_accepts_json(&head)?;
        }
        let body = if http_body::Body::is_end_stream(&body) {
            Bytes::new()
        } else {
            let body = tokio::time::timeout(limits.unary_timeout, read_body(route, &head, body, limits.json_bytes_max));
            body.await.map_err(|_| Fault::client_timeout())??
        };
        let mut message = binder::bind(&found, query, &body)?;
        if let (Some(Form::Events), Some(resume)) = (form, &route.resume) {
            resume.begin(&mut message, &head)?;
        }
        if route.service == "session" {
            return self.session(route, message.encode_to_vec().into(), &head, &caller).await;
        }
        caller.authorization = self.sign_ins.authorize(route, &head).await?;
        let message = binder::encode(&message);
        if matches!(route.shape, Shape::Download | Shape::Events) {
            let upstream = Upstream::of(&self.env, route)?;
            let mut answer = upstream.server_stream(route, &caller, message.clone(), limits.unary_timeout).await;
            if let Err(fault) = &answer
                && self.sign_ins.discard(&head, &caller, fault).await
            {
                caller.authorization = self.sign_ins.authorize(route, &head).await?;
                answer = upstream.server_stream(route, &caller, message, limits.unary_timeout).await;
            }
            if let Some(form) = form {
                let shutdown = self.env.shutdown.clone();
                return Ok(events::answer(answer?.into_inner(), route, form, limits, shutdown, id.clone(), permit));
            }
            let mut response = stream::download(answer?, route, &head, limits, permit).await?;
            answer::keep(route, &head, answer::PUBLIC_FILE, response.headers_mut());
            return Ok(response);
        }
        let mut answer = call::unary(&self.links, route, &caller, &message, limits.unary_timeout).await;
        if let Err(fault) = &answer
            && self.sign_ins.discard(&head, &caller, fault).await
        {
            caller.authorization = self.sign_ins.authorize(route, &head).await?;
            answer = call::unary(&self.links, route, &caller, &message, limits.unary_timeout).await;
        }
        answer::json(route, answer?, &head)
    }

    /// The rpcs of `Sessions`, which the gateway serves itself.
    async fn session(&self, route: &Route, message: Bytes, head: &HeaderMap, caller: &Caller) -> Result<Response> {
        let Answer { message, set_cookie } = match route.rpc.name() {
            "SignIn" => {
                let request = SignInRequest::decode(message).map_err(Fault::internal)?;
                self.sign_ins.sign_in(request, head, caller).await?
            }
            "BeginSignOn" => self.sign_ins.begin_sign_on(caller).await?,
            "FinishSignOn" => {
                let request = FinishSignOnRequest::decode(message).map_err(Fault::internal)?;
                self.sign_ins.finish_sign_on(request, head, caller).await?
            }
            "GetSession" => self.sign_ins.get_session(head).await,
            "SignOut" => self.sign_ins.sign_out(head, caller).await?,
            other => return Err(Fault::internal(anyhow::anyhow!("Sessions.{other} is not served"))),
        };
        // What a page knows of its session is for this page only, also where the rpc is public.
        let mut response = answer::json(route, message, head)?;
        if let Some(cookie) = set_cookie {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
        Ok(response)
    }
}

/// A body that holds its request's permit as long as the client reads.
fn held(body: Body, permit: Permit) -> Body {
    // `map_err` rather than `map_frame`, which forgets the length.
    Body::new(body.map_err(move |error| {
        let _held = &permit;
        error
    }))
}

/// The whole body of a JSON request.
async fn read_body(route: &Route, head: &HeaderMap, mut rest: Body, bytes_max: u64) -> Result<Bytes> {
    let mut body = BytesMut::new();
    while let Some(frame) = rest.frame().await {
        let data = frame.map_err(|_| Fault::bad_http("the body broke off"))?.into_data().unwrap_or_default();
        if (body.len() + data.len()) as u64 > bytes_max {
            upload::drain(rest).await;
            return Err(Fault::too_large(bytes_max));
        }
        body.extend_from_slice(&data);
    }
    let takes_json = !matches!(route.body, BodyPlace::None) && !body.is_empty();
    if takes_json && !door::is_type(head.get(CONTENT_TYPE), &[answer::JSON]) {
        return Err(Fault::content_type(answer::JSON));
    }
    Ok(body.freeze())
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, answer::NOT_KEPT)];
    (status, headers, text).into_response()
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}
