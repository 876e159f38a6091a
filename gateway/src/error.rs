//! Refusals over HTTP: `google.rpc.Status` as JSON with the details kept (AIP-193) and the request named, the HTTP status by its
//! code, and whatever would tell an outsider about the inside masked.

use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_RANGE, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, StatusCode};
use kit::error::{REASON_HEADER, Reason, Refusal};
use prost::Message as _;
use prost_reflect::{DynamicMessage, ReflectMessage as _, SerializeOptions};
use proto::google::rpc::{RequestInfo, RetryInfo, Status as RpcStatus};
use tonic::{Code, Status};

use crate::{limits, range};

/// Seconds after which to try again when nobody says otherwise.
const RETRY_AFTER_SECS: u64 = 1;

/// The detail that names a request.
const REQUEST_INFO: &str = "google.rpc.RequestInfo";

/// A request that failed, on its way out.
#[derive(Debug)]
pub struct Fault {
    status: Status,
    /// HTTP status where the code alone would say something else.
    http: Option<StatusCode>,
    allow: Vec<Method>,
    /// Bytes of the file of which a part was asked for that it does not have.
    of_bytes: Option<u64>,
    close: bool,
    /// The limit that was met, see [`crate::limits`].
    limit: Option<&'static str>,
}

/// What handlers of the gateway answer.
pub type Result<T, E = Fault> = std::result::Result<T, E>;

impl Fault {
    /// The path leads nowhere: 404 NO_SUCH_ROUTE.
    pub fn no_such_route(path: &str) -> Self {
        Refusal::new(Reason::NoSuchRoute).with("path", shown(path)).into()
    }

    /// The path has other methods: 405 METHOD.
    pub fn method(method: &Method, allow: Vec<Method>) -> Self {
        let refusal = Refusal::new(Reason::Method).with("method", shown(method.as_str()));
        Self { allow, ..Self::from(refusal).at(StatusCode::METHOD_NOT_ALLOWED) }
    }

    /// The body is not the JSON it should be: 400 BAD_JSON.
    pub fn bad_json(problem: impl ToString) -> Self {
        Refusal::new(Reason::BadJson).with("problem", shown(&problem.to_string())).into()
    }

    /// The body is of another type than these, or encoded: 415 CONTENT_TYPE.
    pub fn content_type(types: &str) -> Self {
        let refusal = Refusal::new(Reason::ContentType).with("types", types);
        Self::from(refusal).at(StatusCode::UNSUPPORTED_MEDIA_TYPE)
    }

    /// The client accepts none of the types this address answers: 406 NOT_ACCEPTABLE.
    pub fn not_acceptable(types: &str) -> Self {
        let refusal = Refusal::new(Reason::NotAcceptable).with("types", types);
        Self::from(refusal).at(StatusCode::NOT_ACCEPTABLE)
    }

    /// The request is not what HTTP allows: 400 BAD_HTTP, and the connection ends, since nobody knows where it goes on.
    pub fn bad_http(problem: impl ToString) -> Self {
        let refusal = Refusal::new(Reason::BadHttp).with("problem", shown(&problem.to_string()));
        Self { close: true, ..Self::from(refusal) }
    }

    /// Bytes of which no request could be made, as the HTTP library judges them, and the connection ends.
    pub fn unread(status: StatusCode) -> Self {
        match status {
            StatusCode::REQUEST_TIMEOUT => Self::client_timeout().limit("slow_head"),
            StatusCode::URI_TOO_LONG => Self::bad_http("the address is too long").at(status).limit("headers"),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
                Self::bad_http("the headers are too many or too large").at(status).limit("headers")
            }
            _ => Self::bad_http("the head of the request is malformed").at(status),
        }
    }

    /// More than this client or address may ask: 429 TOO_MANY_REQUESTS, with the time after which there is room.
    pub fn too_many(after: std::time::Duration) -> Self {
        let secs = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        let status = Status::from(Refusal::new(Reason::TooManyRequests).with("seconds", secs));
        let delay = prost_types::Duration { seconds: i64::try_from(secs).unwrap_or(i64::MAX), nanos: 0 };
        let retry = RetryInfo { retry_delay: Some(delay) };
        with_detail(&status, "google.rpc.RetryInfo", &retry).into()
    }

    /// Names the request it is the answer to, so that whoever is asked about it finds it in the logs.
    #[must_use]
    pub fn about(mut self, request_id: &HeaderValue) -> Self {
        if let Ok(id) = request_id.to_str() {
            let info = RequestInfo { request_id: id.to_owned(), serving_data: String::new() };
            self.status = with_detail(&self.status, REQUEST_INFO, &info);
        }
        self
    }

    /// A value of path or query is wrong: 400 INVALID.
    pub fn invalid(field: &str, problem: impl ToString) -> Self {
        Refusal::invalid(shown(field), shown(&problem.to_string())).into()
    }

    /// The range holds no byte: 416 INVALID, with the length there is.
    pub fn no_such_range(length: u64) -> Self {
        let fault = Self::from(Refusal::invalid("range", format!("the file has {length} bytes")));
        Self { of_bytes: Some(length), ..fault.at(StatusCode::RANGE_NOT_SATISFIABLE) }
    }

    /// The body exceeds a limit: 413 TOO_LARGE, and the connection ends, since the rest is not read.
    pub fn too_large(limit_bytes: u64) -> Self {
        let limit = format!("{} MiB", limit_bytes / (1 << 20));
        let fault = Self::from(Refusal::new(Reason::TooLarge).with("limit", limit));
        Self { close: true, ..fault.at(StatusCode::PAYLOAD_TOO_LARGE).limit("body") }
    }

    /// The client sent too slowly or stopped: 408 TOO_SLOW.
    pub fn client_timeout() -> Self {
        let fault = Self::from(Refusal::new(Reason::TooSlow));
        Self { close: true, ..fault.at(StatusCode::REQUEST_TIMEOUT).limit("slow_body") }
    }

    /// A part did not answer in time: 504.
    pub fn upstream_timeout() -> Self {
        with_code(Refusal::new(Reason::Unavailable).into(), Code::DeadlineExceeded).into()
    }

    /// Too much at once, or stopping: 503 with `Retry-After`.
    pub fn overloaded() -> Self {
        Refusal::new(Reason::Unavailable).into()
    }

    /// What a part answered. A refusal it gave is kept whole; a failure without details (a broken connection, a missing
    /// method, a panic) says where the inside is weak, so it is logged here and replaced.
    pub fn upstream(service: &str, status: Status) -> Self {
        if !status.details().is_empty() {
            return status.into();
        }
        match status.code() {
            Code::Unavailable | Code::Cancelled => {
                tracing::warn!(peer = service, error = %status, "cannot reach a part");
                Refusal::new(Reason::Unavailable).into()
            }
            Code::DeadlineExceeded => {
                tracing::warn!(peer = service, error = %status, "a part did not answer in time");
                Self::upstream_timeout()
            }
            Code::Unknown | Code::Internal if is_transport(&status) => {
                tracing::warn!(peer = service, error = %status, "lost the connection to a part");
                Refusal::new(Reason::Unavailable).into()
            }
            Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss | Code::Unimplemented | Code::OutOfRange => {
                tracing::error!(peer = service, error = %status, "a part failed without a reason");
                Refusal::new(Reason::Internal).into()
            }
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::ResourceExhausted
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::Unauthenticated => status.into(),
        }
    }

    /// Something failed in the gateway itself. Logged here, once.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Refusal::internal(cause).into()
    }

    /// As gRPC says it.
    pub fn into_status(self) -> Status {
        if let Some(limit) = self.limit {
            limits::count(limit);
        }
        self.status
    }

    /// The gRPC code.
    pub fn code(&self) -> Code {
        self.status.code()
    }

    /// Whether it is NOT_SIGNED_IN: the call was not let in.
    pub fn is_not_signed_in(&self) -> bool {
        let reason = self.status.metadata().get(REASON_HEADER);
        self.code() == Code::Unauthenticated && reason.is_some_and(|reason| reason == "NOT_SIGNED_IN")
    }

    /// The HTTP status.
    pub fn http(&self) -> StatusCode {
        self.http.unwrap_or_else(|| http_status(self.status.code()))
    }

    /// Answers with this HTTP status.
    #[must_use]
    pub fn at(mut self, http: StatusCode) -> Self {
        self.http = Some(http);
        self
    }

    /// Ends the connection.
    #[must_use]
    pub fn closing(self) -> Self {
        Self { close: true, ..self }
    }

    /// Counts it under this limit when it is answered.
    #[must_use]
    pub fn limit(mut self, limit: &'static str) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The body: `google.rpc.Status` in proto3 JSON.
    pub fn json(&self) -> Vec<u8> {
        let mut rpc = RpcStatus::decode(self.status.details()).unwrap_or_default();
        rpc.code = self.status.code() as i32;
        rpc.message = self.status.message().to_owned();
        // A detail of a type the contract does not know cannot be written as JSON.
        rpc.details.retain(|detail| {
            let name = detail.type_url.rsplit('/').next().unwrap_or_default();
            proto::POOL
                .get_message_by_name(name)
                .is_some_and(|known| DynamicMessage::decode(known, detail.value.as_slice()).is_ok())
        });
        status_json(&rpc)
            .unwrap_or_else(|| serde_json::json!({"code": rpc.code, "message": rpc.message}).to_string().into())
    }

    fn retry_after_secs(&self) -> Option<u64> {
        if !matches!(self.status.code(), Code::ResourceExhausted | Code::Unavailable) {
            return None;
        }
        let rpc = RpcStatus::decode(self.status.details()).unwrap_or_default();
        let info = rpc.details.iter().find(|detail| detail.type_url.ends_with("/google.rpc.RetryInfo"));
        let delay =
            info.and_then(|info| RetryInfo::decode(info.value.as_slice()).ok()).and_then(|info| info.retry_delay);
        let secs = delay.map_or(RETRY_AFTER_SECS, |delay| {
            delay.seconds.max(0).unsigned_abs().saturating_add(u64::from(delay.nanos > 0))
        });
        Some(secs)
    }
}

/// Whether the status was made by the client side of a connection that broke.
fn is_transport(status: &Status) -> bool {
    std::error::Error::source(status).is_some()
}

/// The same with a detail of this type, in place of one it had.
fn with_detail(status: &Status, name: &str, detail: &impl prost::Message) -> Status {
    let mut rpc = RpcStatus::decode(status.details()).unwrap_or_default();
    rpc.code = status.code() as i32;
    rpc.message = status.message().to_owned();
    rpc.details.retain(|other| other.type_url.rsplit('/').next() != Some(name));
    let type_url = format!("type.googleapis.com/{name}");
    rpc.details.push(prost_types::Any { type_url, value: detail.encode_to_vec() });
    let details = rpc.encode_to_vec().into();
    Status::with_details_and_metadata(status.code(), status.message(), details, status.metadata().clone())
}

/// Another code, the same text and details.
fn with_code(status: Status, code: Code) -> Status {
    Status::with_details(code, status.message(), status.details().to_vec().into())
}

/// What the client sent is repeated to it only in part.
fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 200;
    text.chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect()
}

fn status_json(rpc: &RpcStatus) -> Option<Vec<u8>> {
    let descriptor = proto::POOL.get_message_by_name("google.rpc.Status")?;
    let message = DynamicMessage::decode(descriptor, rpc.encode_to_vec().as_slice()).ok()?;
    let mut json = Vec::with_capacity(512);
    let options = SerializeOptions::new().skip_default_fields(false);
    message.serialize_with_options(&mut serde_json::Serializer::new(&mut json), &options).ok()?;
    debug_assert_eq!(message.descriptor().full_name(), "google.rpc.Status");
    Some(json)
}

/// HTTP status of a gRPC code, as `google/rpc/code.proto` maps them but for DATA_LOSS.
pub fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        // DATA_LOSS is said of what a reader keeps: his log and ours differ (LOG_DIVERGED). Nothing is wrong here.
        Code::AlreadyExists | Code::Aborted | Code::DataLoss => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        // 499 "client closed request"; valid as a number.
        Code::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
        Code::Unknown | Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
    }
}

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        Self { status, http: None, allow: Vec::new(), of_bytes: None, close: false, limit: None }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Status::from(refusal).into()
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        if let Some(limit) = self.limit {
            limits::count(limit);
        }
        let mut response = (self.http(), self.json()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(secs) = self.retry_after_secs() {
            headers.insert(RETRY_AFTER, HeaderValue::from(secs));
        }
        if !self.allow.is_empty() {
            let allow: Vec<&str> = self.allow.iter().map(Method::as_str).collect();
            // Methods are tokens, so they make a header value.
            if let Ok(value) = HeaderValue::from_str(&allow.join(", ")) {
                headers.insert(ALLOW, value);
            }
        }
        if let Some(bytes) = self.of_bytes {
            headers.insert(CONTENT_RANGE, range::unsatisfied(bytes));
        }
        if self.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_types::{Any, Duration};

    fn parsed(fault: &Fault) -> serde_json::Value {
        serde_json::from_slice(&fault.json()).unwrap()
    }

    fn detailed(code: Code, details: Vec<Any>) -> Status {
        let rpc = RpcStatus { code: code as i32, message: "m".into(), details };
        Status::with_details(code, "m", rpc.encode_to_vec().into())
    }

    #[test]
    fn a_refusal_keeps_reason_article_and_english() {
        let refusal = Refusal::new(Reason::NoPublishedPlan).with("plan", "plans/1");
        let fault = Fault::upstream("draws", refusal.into());
        assert_eq!(fault.http(), StatusCode::BAD_REQUEST);
        let json = parsed(&fault);
        assert_eq!(json["code"], 9);
        assert!(json["message"].as_str().unwrap().contains("plans/1"));
        let details = json["details"].as_array().unwrap();
        let info = details.iter().find(|d| d["@type"] == "type.googleapis.com/google.rpc.ErrorInfo").unwrap();
        assert_eq!((&info["reason"], &info["domain"]), (&"NO_PUBLISHED_PLAN".into(), &"qingtian".into()));
        assert_eq!(info["metadata"]["article"], "9");
        let english = details.iter().find(|d| d["@type"] == "type.googleapis.com/google.rpc.LocalizedMessage").unwrap();
        assert_eq!(english["locale"], "en");
    }

    #[test]
    fn a_detail_of_an_unknown_type_is_left_out_and_the_others_stay() {
        let known = Any { type_url: "type.googleapis.com/google.rpc.ErrorInfo".into(), value: vec![0x0a, 1, b'X'] };
        let unknown = Any { type_url: "type.googleapis.com/acme.Secret".into(), value: vec![1, 2] };
        let broken = Any { type_url: "type.googleapis.com/google.rpc.Help".into(), value: vec![0xff] };
        let json = parsed(&detailed(Code::Aborted, vec![known, unknown, broken]).into());
        let details = json["details"].as_array().unwrap();
        assert_eq!(details.len(), 1);
        assert_eq!(details[0]["reason"], "X");
    }

    #[test]
    fn a_broken_connection_does_not_tell_where() {
        for status in [
            Status::unavailable("tcp connect error: 10.0.0.7:50051"),
            Status::internal("thread panicked at store.rs"),
            Status::unimplemented(""),
        ] {
            let text = String::from_utf8(Fault::upstream("draws", status).json()).unwrap();
            assert!(!text.contains("10.0.0.7") && !text.contains("store.rs") && text.contains("ErrorInfo"), "{text}");
        }
        assert_eq!(Fault::upstream("draws", Status::unavailable("x")).http(), StatusCode::SERVICE_UNAVAILABLE);
    }

    #[test]
    fn a_status_names_its_request_once_and_stays_what_it_was() {
        let id = |id: &'static str| HeaderValue::from_static(id);
        let refused = Fault::upstream("draws", Refusal::new(Reason::NotSignedIn).into());
        let fault = refused.about(&id("one")).about(&id("two"));
        assert!(fault.is_not_signed_in());
        let json = parsed(&fault);
        let details = json["details"].as_array().unwrap();
        let named: Vec<_> = details.iter().filter(|d| d["@type"].as_str().unwrap().ends_with(REQUEST_INFO)).collect();
        assert_eq!((named.len(), &named[0]["requestId"]), (1, &"two".into()));
        assert!(details.iter().any(|detail| detail["reason"] == "NOT_SIGNED_IN"));
        let bare = Fault::from(Status::not_found("no such service")).about(&id("three"));
        assert_eq!(
            (parsed(&bare)["code"].as_i64(), parsed(&bare)["message"].as_str()),
            (Some(5), Some("no such service"))
        );
        assert_eq!(parsed(&bare)["details"][0]["requestId"], "three");
    }

    #[test]
    fn exhausted_and_unavailable_say_when_to_try_again() {
        let retry = RetryInfo { retry_delay: Some(Duration { seconds: 7, nanos: 1 }) };
        let any = Any { type_url: "type.googleapis.com/google.rpc.RetryInfo".into(), value: retry.encode_to_vec() };
        let response = Fault::upstream("draws", detailed(Code::ResourceExhausted, vec![any])).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[RETRY_AFTER], "8");
        assert_eq!(Fault::overloaded().into_response().headers()[RETRY_AFTER], "1");
        assert!(Fault::bad_json("x").into_response().headers().get(RETRY_AFTER).is_none());
    }

    #[test]
    fn codes_have_the_statuses_the_contract_promises() {
        let expected = [
            (Code::FailedPrecondition, 400),
            (Code::InvalidArgument, 400),
            (Code::Unauthenticated, 401),
            (Code::PermissionDenied, 403),
            (Code::NotFound, 404),
            (Code::Aborted, 409),
            (Code::AlreadyExists, 409),
            (Code::ResourceExhausted, 429),
            (Code::Internal, 500),
            (Code::Unavailable, 503),
            (Code::DeadlineExceeded, 504),
        ];
        for (code, status) in expected {
            assert_eq!(http_status(code).as_u16(), status, "{code:?}");
        }
        assert_eq!(Fault::too_large(1 << 20).http(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(Fault::content_type("application/json").http(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let response = Fault::method(&Method::PUT, vec![Method::GET, Method::HEAD]).into_response();
        assert_eq!((response.status().as_u16(), response.headers()[ALLOW].to_str().unwrap()), (405, "GET, HEAD"));
    }
}
