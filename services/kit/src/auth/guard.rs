//! The layer in front of every service: who calls, may they, and what is refused is written to the audit.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body::Frame;
use tonic::{Code, Status, body::Body, transport::server::TcpConnectInfo};
use tower::{Layer, Service};

use super::{Authenticator, Caller, MethodRule, rules};
use crate::{
    error::{REASON_HEADER, Reason, Refusal},
    ledger::{self, Ledger},
    telemetry,
};

/// Puts a [`Guard`] in front of the services of a process.
#[derive(Clone)]
pub struct GuardLayer {
    authenticator: Authenticator,
    ledgers: Arc<HashMap<String, Ledger>>,
}

impl GuardLayer {
    /// Guards services; each gRPC service name comes with the ledger its refusals are written to.
    pub fn new(authenticator: Authenticator, ledgers: HashMap<String, Ledger>) -> Self {
        Self { authenticator, ledgers: Arc::new(ledgers) }
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Guard { inner, layer: self.clone() }
    }
}

/// A service behind its access rules.
#[derive(Clone)]
pub struct Guard<S> {
    inner: S,
    layer: GuardLayer,
}

impl<S> Service<Request<Body>> for Guard<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        Box::pin(async move {
            let method = request.uri().path().to_owned();
            if method.starts_with("/grpc.health.v1.") || method.starts_with("/grpc.reflection.") {
                return inner.call(request).await;
            }
            let span = telemetry::server_span(&method, request.headers());
            let service = method.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
            let ledger = layer.ledgers.get(&service).cloned();
            let started = std::time::Instant::now();
            let work = async {
                let address = address_of(&request);
                let admitted = admit(&layer.authenticator, &method, request.headers(), &address);
                let (caller, response, reads) = match admitted {
                    Ok((caller, rule)) => {
                        request.extensions_mut().insert(caller.clone());
                        let request = request.map(|body| Body::new(Whole(Some(body))));
                        (caller, inner.call(request).await?, rule.reads)
                    }
                    Err(refused) => {
                        let (caller, refusal) = *refused;
                        (caller, Status::from(refusal).into_http::<Body>(), false)
                    }
                };
                if let Some(answer) = ledger::repeated(response.headers()) {
                    return Ok(answer);
                }
                if let Some(reason) = response.headers().get(REASON_HEADER).and_then(|r| r.to_str().ok()) {
                    audit(ledger.as_ref(), &caller, reason, reads).await;
                }
                Ok(response)
            };
            let response = tracing::Instrument::instrument(work, span).await;
            if let Ok(response) = &response {
                // A path that is no method of ours is anybody's invention: as a label it would be kept for ever.
                let known = if rules().contains_key(&method) { &method } else { "unknown" };
                telemetry::observe(known, response.headers(), started.elapsed());
            }
            response
        })
    }
}

/// A request's body that ends only where the client ended it. A client that gives up resets its stream with `CANCEL`, which
/// hyper and tonic hand to the service as the regular end of the messages: half an upload would pass for a whole file. Here
/// it is the failure it is.
struct Whole(Option<Body>);

impl http_body::Body for Whole {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let gave_up = match std::task::ready!(Pin::new(&mut *body).poll_frame(context)) {
            Some(Ok(frame)) => return Poll::Ready(Some(Ok(frame))),
            Some(Err(status)) if status.code() != Code::Cancelled => return Poll::Ready(Some(Err(status))),
            Some(Err(_)) => true,
            None => !body.is_end_stream(),
        };
        self.0 = None;
        Poll::Ready(gave_up.then(|| Err(Status::aborted("the client gave up"))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.0.as_ref().map(http_body::Body::size_hint).unwrap_or_default()
    }
}

/// Header in which the gateway proves itself beside the caller's token.
pub const GATEWAY_HEADER: &str = "x-gateway-authorization";

/// Token of a header `Bearer ...`.
fn bearer<'a>(headers: &'a http::HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?;
    value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer "))
}

/// Address the gateway saw, for the audit; of anybody else it would be an address of their own choice.
fn forwarded_for(authenticator: &Authenticator, headers: &http::HeaderMap) -> Option<String> {
    let given = headers.get("x-forwarded-for")?.to_str().ok().filter(|given| !given.is_empty())?;
    let vouches = authenticator.verify(bearer(headers, GATEWAY_HEADER)?).ok()?;
    (vouches.actor == "services/gateway").then(|| given.to_owned())
}

/// Address of the connection, or empty.
fn address_of(request: &Request<Body>) -> String {
    let connected = request.extensions().get::<TcpConnectInfo>().and_then(TcpConnectInfo::remote_addr);
    connected.map(|address| address.ip().to_canonical().to_string()).unwrap_or_default()
}

/// The purpose as it was meant: headers carry ASCII, so that anything else comes percent-encoded. Decoded here and nowhere else.
/// A percent sign that begins no code stands for itself; what is then no UTF-8 stays as it was sent.
fn purpose(sent: &str) -> String {
    let mut bytes = Vec::with_capacity(sent.len());
    let mut rest = sent.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let mut byte = [first];
        rest = after;
        if first == b'%'
            && let Some((pair, after)) = after.split_at_checked(2)
            && hex::decode_to_slice(pair, &mut byte).is_ok()
        {
            rest = after;
        }
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).unwrap_or_else(|_| sent.to_owned())
}

/// Characters of a purpose at the most.
const PURPOSE_CHARS_MAX: usize = 500;

/// The purpose a call states, as it goes into the audit and onto exports. Empty, as if none were stated, where it cannot be read
/// as one line: too long, without a letter or digit, or with characters that control or hide others.
fn stated(sent: &str) -> String {
    let hides = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    let purpose = purpose(sent);
    let reads = purpose.chars().count() <= PURPOSE_CHARS_MAX
        && purpose.chars().any(char::is_alphanumeric)
        && !purpose.chars().any(hides);
    if reads { purpose } else { String::new() }
}

/// Decides whether a call may go in.
fn admit(
    authenticator: &Authenticator,
    method: &str,
    headers: &http::HeaderMap,
    address: &str,
) -> Result<(Caller, &'static MethodRule), Box<(Caller, Refusal)>> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let verified = bearer(headers, "authorization").map(|token| authenticator.verify(token));
    let complete = |caller: Caller| Caller {
        method: method.to_owned(),
        purpose: stated(&text("x-purpose")),
        trace: telemetry::trace_id(),
        address: forwarded_for(authenticator, headers).unwrap_or_else(|| address.to_owned()),
        ..caller
    };
    let refuse = |caller: Caller, refusal| Err(Box::new((complete(caller), refusal)));
    let Some(rule) = rules().get(method) else {
        return refuse(verified.and_then(Result::ok).unwrap_or_default(), Refusal::new(Reason::NoRule));
    };
    if rule.rule.public {
        // A public answer does not depend on who asks; a stale token is no reason to withhold it.
        return Ok((complete(verified.and_then(Result::ok).unwrap_or_default()), rule));
    }
    let caller = match verified {
        None => return refuse(Caller::default(), Refusal::new(Reason::NotSignedIn)),
        Some(Err(refusal)) => return refuse(Caller::default(), refusal),
        Some(Ok(caller)) => caller,
    };
    let permitted = match caller.actor.strip_prefix("services/") {
        Some(part) => rule.rule.services.iter().any(|name| name == part),
        None => rule.rule.signed_in || rule.roles().iter().any(|role| caller.has(*role)),
    };
    if !permitted {
        let needed: Vec<_> = rule.roles().iter().map(|role| role.as_str_name().trim_start_matches("ROLE_")).collect();
        let refusal = Refusal::new(Reason::RoleMissing).with("needed", needed.join(", "));
        return refuse(caller, refusal);
    }
    let caller = complete(caller);
    if rule.rule.personal_data && caller.purpose.is_empty() {
        return Err(Box::new((caller, Refusal::new(Reason::PurposeMissing))));
    }
    Ok((caller, rule))
}

/// Writes a refused act of a known caller to the audit, in a transaction of its own; anonymous refusals are only counted.
async fn audit(ledger: Option<&Ledger>, caller: &Caller, reason: &str, reads: bool) {
    metrics::counter!("refusals_total", "reason" => reason.to_owned()).increment(1);
    let Some(ledger) = ledger else { return };
    if caller.is_anonymous() || caller.is_service() || (reads && reason != "ROLE_MISSING") {
        return;
    }
    if let Err(error) = ledger.record_refusal(caller, reason).await {
        tracing::error!(%error, reason, "cannot write a refusal to the audit");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_is_read_as_it_was_meant() {
        for (sent, meant) in [
            ("", ""),
            ("annual audit", "annual audit"),
            ("%E5%B9%B4%E5%BA%A6%E5%AE%A1%E8%AE%A1", "年度审计"),
            ("%e5%b9%b4 2026", "年 2026"),
            ("100%25", "100%"),
            // Twice encoded is decoded once.
            ("%25E5", "%E5"),
            // Whoever sends plain text may write a percent sign.
            ("100% of the rows", "100% of the rows"),
            ("50%", "50%"),
            ("%2", "%2"),
            ("%zz%41", "%zzA"),
            ("%+1", "%+1"),
            // Not UTF-8: nothing is lost.
            ("%E5%B9", "%E5%B9"),
        ] {
            assert_eq!(purpose(sent), meant, "{sent}");
        }
    }

    #[test]
    fn a_purpose_nobody_can_read_is_none() {
        let (longest, too_long) = ("用".repeat(500), "用".repeat(501));
        for kept in ["annual audit", "%E5%B9%B4 2026", "案", "7", "50% (A/B), \"C\"", longest.as_str()] {
            assert_eq!(stated(kept), purpose(kept), "{kept}");
        }
        for none in [
            "",
            "   ",
            "...",
            "%00",
            "x%00y",
            "%0A%0Aevil",
            "a%0D%0Ab",
            "a%09b",
            "%7F",
            "a%C2%85b",
            // Of no width, and turning what follows around.
            "%E2%80%8B",
            "a%E2%80%8Bb",
            "a%E2%80%AEb",
            "%EF%BB%BFa",
            "a%E2%80%A8b",
            too_long.as_str(),
        ] {
            assert_eq!(stated(none), "", "{none}");
        }
    }
}
