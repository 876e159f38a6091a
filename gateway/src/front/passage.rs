//! One call from its headers to the part and back: which rpc, who calls, is there room, until when; then frames.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use http::header::{CONTENT_TYPE, TE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use kit::auth::{Authenticator, Minter, rules};
use kit::env::Env;
use kit::error::{Reason, Refusal};
use kit::telemetry;
use sha2::{Digest as _, Sha256};
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::transport::Channel;
use tower::{Service as _, ServiceExt as _};
use tracing::Instrument as _;

use super::about::{About, is_open, part_of};
use super::answer::{Answer, Told};
use super::request::{Found, Sent};
use super::{Call, Limits};
use crate::call::Caller;
use crate::door;
use crate::error::{Fault, Result};
use crate::limits::{Asker, Bounds, Permit, Share, Shares, count};

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const PURPOSE: HeaderName = HeaderName::from_static("x-purpose");
/// How the frames are written, which only the two ends understand.
const ENCODINGS: [HeaderName; 2] =
    [HeaderName::from_static("grpc-encoding"), HeaderName::from_static("grpc-accept-encoding")];
/// The part is given a little longer than the client has, so that it is here that time runs out.
const LONGER: Duration = Duration::from_secs(1);

/// What a call keeps others from, until its answer is whole.
pub type Held = (Call, Permit, Option<Share>);

/// An rpc that is open here.
struct Rpc {
    service: String,
    path: PathAndQuery,
    channel: Channel,
    public: bool,
    /// In either direction.
    streams: bool,
    /// Without an end of its own: `ReadEvents`.
    subscribes: bool,
}

/// The way from the front to the parts.
pub struct Passage {
    rpcs: HashMap<String, Rpc>,
    about: About,
    authenticator: Authenticator,
    minter: Minter,
    bounds: Bounds,
    calls_of: Shares,
    limits: crate::Limits,
    own: Limits,
    /// No more subscriptions: the front stops.
    over: CancellationToken,
}

impl Passage {
    /// To the parts of this environment. Errors: an address is malformed, the gateway's key is missing.
    pub fn new(
        env: &Env,
        limits: &crate::Limits,
        own: &Limits,
        about: About,
        over: CancellationToken,
    ) -> anyhow::Result<Self> {
        let mut rpcs = HashMap::new();
        for service in proto::POOL.services() {
            let part = part_of(service.full_name()).to_owned();
            for method in service.methods() {
                let path = format!("/{}/{}", service.full_name(), method.name());
                if !is_open(&path) {
                    continue;
                }
                let rpc = Rpc {
                    channel: env.peers.channel(&part)?,
                    service: part.clone(),
                    path: PathAndQuery::try_from(path.clone())?,
                    public: rules().get(&path).is_some_and(|rule| rule.rule.public),
                    subscribes: method.name() == "ReadEvents",
                    streams: method.is_client_streaming() || method.is_server_streaming(),
                };
                rpcs.insert(path, rpc);
            }
        }
        Ok(Self {
            rpcs,
            about,
            authenticator: env.authenticator.clone(),
            minter: Minter::service("gateway", env.keys.clone(), env.clock.clone())?,
            bounds: Bounds::new(&crate::Limits {
                requests_max: own.calls_max,
                address_requests_max: own.address_calls_max,
                ..limits.clone()
            }),
            calls_of: Shares::new(own.client_calls_max),
            limits: limits.clone(),
            own: own.clone(),
            over,
        })
    }

    /// What bounds it.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Answers one call. Never fails: what goes wrong is an answer too.
    pub async fn answer(&self, peer: SocketAddr, request: Request<Incoming>, call: Call) -> Response<Body> {
        let is_grpc = request.headers().get(CONTENT_TYPE).is_some_and(|sent| {
            let sent = sent.as_bytes();
            sent.strip_prefix(b"application/grpc").is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
        });
        if request.method() != Method::POST || !is_grpc {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return response;
        }
        let path = request.uri().path();
        // A path that is no rpc is anybody's invention: as a label it would be kept for ever.
        let rpc = if self.rpcs.contains_key(path) || About::names(path) { path } else { "unknown" }.to_owned();
        let id = door::request_id(request.headers());
        let told = Told { rpc, request_id: id.clone(), started: Instant::now() };
        let span = telemetry::server_span(&told.rpc, request.headers());
        let passed = self.pass(peer.ip().to_canonical(), request, &id, call, &told).instrument(span).await;
        let mut response = passed.unwrap_or_else(|fault| {
            let status = told.status(fault);
            told.end(status.code());
            status.into_http()
        });
        response.headers_mut().insert(door::REQUEST_ID, id);
        response
    }

    async fn pass(
        &self,
        address: IpAddr,
        request: Request<Incoming>,
        id: &HeaderValue,
        call: Call,
        told: &Told,
    ) -> Result<Response<Body>> {
        let permit = self.bounds.request(address)?;
        let (head, body) = request.into_parts();
        let (sent, found) = Sent::new(body, self.own.message_bytes_max, self.limits.idle_timeout);
        if About::names(head.uri.path()) {
            let deadline = self.deadline(&head.headers, true)?;
            let answer = Answer {
                told: told.clone(),
                service: "gateway".to_owned(),
                deadline,
                idle_max: self.limits.idle_timeout,
                over: Some(self.over.clone()),
                held: (call, permit, None),
            };
            let Ok(response) = self.about.routes().oneshot(Request::from_parts(head, Body::new(sent))).await;
            return Ok(answer.pass(response));
        }
        let Some(rpc) = self.rpcs.get(head.uri.path()) else { return Err(Refusal::new(Reason::NoRule).into()) };
        let client = if rpc.public { None } else { Some(self.client(&head.headers)?) };
        let share = client.as_deref().map(|client| self.room(client)).transpose()?;
        let deadline = self.deadline(&head.headers, rpc.streams)?;
        let caller = Caller {
            authorization: client.and(door::text(&head.headers, &http::header::AUTHORIZATION)?),
            purpose: door::text(&head.headers, &PURPOSE)?,
            request_id: id.to_str().ok().and_then(|id| id.parse().ok()),
            address: ascii(&address.to_string()),
            gateway: ascii(&format!("Bearer {}", self.minter.token().map_err(Fault::internal)?)),
        };
        let request = upstream(rpc, &caller, &head.headers, deadline, sent);
        let response = self.ask(rpc, request, deadline, &found).await?;
        let answer = Answer {
            told: told.clone(),
            service: rpc.service.clone(),
            deadline,
            idle_max: self.limits.idle_timeout,
            over: rpc.subscribes.then(|| self.over.clone()),
            held: (call, permit, share),
        };
        Ok(answer.pass(response))
    }

    /// The machine client that calls. Refused: NOT_SIGNED_IN; ROLE_MISSING for anybody else.
    fn client(&self, headers: &HeaderMap) -> Result<String> {
        let sent = headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = sent.and_then(|sent| sent.strip_prefix("Bearer ").or_else(|| sent.strip_prefix("bearer ")));
        let caller = self.authenticator.verify(token.ok_or_else(|| Refusal::new(Reason::NotSignedIn))?)?;
        if caller.actor.starts_with("machineClients/") {
            return Ok(caller.actor);
        }
        // A token of a person or of a part that is seen here has left the place where it is kept.
        tracing::warn!(actor = caller.actor, "a token that is none of a machine client was sent from outside");
        Err(Refusal::new(Reason::RoleMissing).with("needed", "INTEGRATOR").into())
    }

    /// Room for one more call of this client. Refused: TOO_MANY_REQUESTS.
    fn room(&self, client: &str) -> Result<Share> {
        let digest: [u8; 32] = Sha256::digest(client).into();
        self.bounds.client(digest)?;
        let share = self.calls_of.take(Asker::Client(digest));
        share.ok_or_else(|| Fault::too_many(Duration::from_secs(1)).limit("requests_client"))
    }

    /// Until when the answer must be whole: as the client says, but no later than the limits do.
    fn deadline(&self, headers: &HeaderMap, streams: bool) -> Result<tokio::time::Instant> {
        let longest = if streams { self.own.stream_timeout } else { self.limits.unary_timeout };
        let wanted = match headers.get(GRPC_TIMEOUT) {
            None => longest,
            Some(sent) => {
                let wanted = sent.to_str().ok().and_then(parse_timeout);
                wanted.ok_or_else(|| Fault::invalid("grpc-timeout", "must be up to 8 digits and a unit"))?
            }
        };
        Ok(tokio::time::Instant::now() + wanted.min(longest))
    }

    async fn ask(
        &self,
        rpc: &Rpc,
        request: Request<Body>,
        deadline: tokio::time::Instant,
        found: &Found,
    ) -> Result<Response<Body>> {
        let call = async {
            let mut channel = rpc.channel.clone();
            channel.ready().await?.call(request).await
        };
        match timeout_at(deadline, call).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(match found.get() {
                Some(problem) => problem.fault(),
                None => Fault::upstream(&rpc.service, Status::from_error(error.into())),
            }),
            Err(_) => {
                count("deadline");
                Err(Fault::upstream_timeout())
            }
        }
    }
}

/// The call as the part gets it: of the client's headers only those that are known to be harmless.
fn upstream(
    rpc: &Rpc,
    caller: &Caller,
    sent: &HeaderMap,
    deadline: tokio::time::Instant,
    body: Sent<Incoming>,
) -> Request<Body> {
    let mut metadata = MetadataMap::new();
    caller.put(&mut metadata);
    let mut headers = metadata.into_headers();
    headers.insert(TE, HeaderValue::from_static("trailers"));
    for name in ENCODINGS.iter().chain([&CONTENT_TYPE]) {
        if let Some(value) = sent.get(name) {
            headers.insert(name, value.clone());
        }
    }
    let left = deadline.saturating_duration_since(tokio::time::Instant::now()) + LONGER;
    // Digits and a letter make a header value; eight digits of milliseconds are more than a day.
    if let Ok(left) = HeaderValue::from_str(&format!("{}m", left.as_millis().min(99_999_999))) {
        headers.insert(GRPC_TIMEOUT, left);
    }
    let mut request = Request::new(Body::new(body));
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = http::Uri::from(rpc.path.clone());
    *request.headers_mut() = headers;
    request
}

fn ascii(text: &str) -> Option<AsciiMetadataValue> {
    text.parse().ok()
}

/// A `grpc-timeout`: up to eight digits and a unit.
fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3_600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_read_as_grpc_writes_it() {
        for (text, millis) in
            [("1H", 3_600_000), ("2M", 120_000), ("3S", 3_000), ("4m", 4), ("5000u", 5), ("6000000n", 6)]
        {
            assert_eq!(parse_timeout(text), Some(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(parse_timeout("99999999H"), Some(Duration::from_secs(99_999_999 * 3_600)));
        for text in ["", "1", "H", "-1S", "+1S", "1.5S", "123456789S", "1s", "1 S", "1秒"] {
            assert_eq!(parse_timeout(text), None, "{text}");
        }
    }
}
