//! What an operation may be refused for, and with which HTTP status. Reasons that a comment names are the service's own; the
//! others are those of the gateway and of every service, by what kind of operation it is.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use kit::error::{Reason, Refusal};
use prost_reflect::MessageDescriptor;
use tonic::Code;

use super::comments::capitals;
use crate::error::{Fault, http_status};
use crate::routes::{BodyPlace, Route, Shape};

/// What placeholders of the sentences are filled with in examples.
const PLACEHOLDERS: [(&str, &str); 47] = [
    ("name", "plans/2026-07"),
    ("needed", "ROLE_REVIEWER"),
    ("who", "users/0199c0de-7a51-7c42-9d6e-2b8f0c4e1a35"),
    ("what", "UpdatePlan"),
    ("field", "page_size"),
    ("problem", "1 to 1000"),
    ("state", "PLAN_STATE_PUBLISHED"),
    ("act", "SubmitPlan"),
    ("position", "4711"),
    ("limit", "4 MiB"),
    ("until", "2026-11-02 09:45"),
    ("role", "ROLE_PLATFORM_OPERATOR"),
    ("plan", "plans/2026-07"),
    ("draw", "draws/2026-0001"),
    ("other", "draws/2026-0002"),
    ("closed", "2026-11-02 09:30"),
    ("closes", "2026-11-02 09:30"),
    ("opened", "2026-11-02 09:05"),
    ("issued", "2026-11-02 09:10"),
    ("used", "2026-11-02 09:15"),
    ("expired", "2026-12-02 09:15"),
    ("at", "2026-11-02 10:00"),
    ("when", "2026-11-30"),
    ("date", "2026-11-30"),
    ("day", "2026-10-01"),
    ("from", "2026-11-02"),
    ("to", "2026-11-06"),
    ("today", "2026-11-02"),
    ("year", "2026"),
    ("quarter", "2026Q4"),
    ("contributor", "market"),
    ("district", "410202"),
    ("place", "410202"),
    ("stratum", "410202"),
    ("have", "3"),
    ("need", "4"),
    ("n", "12"),
    ("exception", "PLAN_EXCEPTION_KIND_FEW_OFFICERS"),
    ("missing", "items"),
    ("item", "organisations/market/items/12"),
    ("person", "HN-B-0001"),
    ("key", "KF-ZJ-001"),
    ("beacon", "drand:quicknet:14000000"),
    ("method", "PUT"),
    ("path", "/v1/plan"),
    ("types", "application/json"),
    ("seconds", "2"),
];
/// More of them.
const MORE: [(&str, &str); 5] = [
    ("offset", "1048576"),
    ("recusal", "recusals/1"),
    ("asker", "users/0199c0de-7a51-7c42-9d6e-2b8f0c4e1a35"),
    ("subject", "91410202MA00000000"),
    ("until_day", "2026-11-30"),
];

/// One way to be refused.
#[derive(Debug, Clone)]
pub struct Refused {
    /// `WRONG_STATE`.
    pub reason: String,
    pub status: u16,
    /// Article it rests on; empty for technical ones.
    pub article: String,
    /// With its placeholders, as in the contract.
    pub zh: String,
    pub en: String,
}

impl Refused {
    fn new(reason: Reason, status: StatusCode) -> Self {
        let refusal = Refusal::new(reason);
        let meaning = refusal.meaning();
        Self {
            reason: meaning.name,
            status: status.as_u16(),
            article: meaning.article,
            zh: refusal.message(),
            en: refusal.message_en(),
        }
    }

    /// Name of its example.
    pub fn example_name(&self) -> String {
        if self.status == 504 { format!("{}_IN_TIME", self.reason) } else { self.reason.clone() }
    }

    /// The body of such an answer.
    pub fn example(&self) -> serde_json::Value {
        let reason = Reason::from_str_name(&format!("REASON_{}", self.reason)).unwrap_or_default();
        let mut refusal = Refusal::new(reason);
        for (placeholder, value) in PLACEHOLDERS.into_iter().chain(MORE) {
            if self.zh.contains(&format!("{{{placeholder}}}")) || self.en.contains(&format!("{{{placeholder}}}")) {
                refusal = refusal.with(placeholder, value);
            }
        }
        let fault = match self.status {
            504 => Fault::upstream_timeout(),
            429 => Fault::too_many(std::time::Duration::from_secs(2)),
            _ => refusal.into(),
        };
        serde_json::from_slice(&fault.json()).unwrap_or_default()
    }
}

/// Refusals by HTTP status.
pub type ByStatus = BTreeMap<u16, Vec<Refused>>;

/// Every way in which an operation may be refused.
pub fn of(route: &Route, comment: &str) -> ByStatus {
    let mut found = ByStatus::new();
    let mut put = |reason: Reason, status: StatusCode| {
        let refused = Refused::new(reason, status);
        let list = found.entry(refused.status).or_default();
        if !list.iter().any(|other: &Refused| other.reason == refused.reason) {
            list.push(refused);
        }
    };
    for reason in named(comment) {
        put(reason, http_status(Refusal::new(reason).meaning().code));
    }
    let (input, rule) = (&route.input, &route.rule);
    let has = |name: &str| input.get_field_by_name(name).is_some();
    let is_download = route.shape == Shape::Download;
    let is_stream = matches!(route.shape, Shape::Upload(_) | Shape::Lines);
    let takes_body = !matches!(route.body, BodyPlace::None);
    let changes = route.http != Method::GET;

    put(Reason::Invalid, StatusCode::BAD_REQUEST);
    put(Reason::BadJson, StatusCode::BAD_REQUEST);
    put(Reason::BadHttp, StatusCode::BAD_REQUEST);
    if has("page_token") {
        put(Reason::PageToken, StatusCode::BAD_REQUEST);
    }
    if has("request_id") {
        put(Reason::RequestIdReused, StatusCode::BAD_REQUEST);
    }
    if rule.personal_data {
        put(Reason::PurposeMissing, StatusCode::BAD_REQUEST);
    }
    put(Reason::NotSignedIn, StatusCode::UNAUTHORIZED);
    if !rule.public {
        put(Reason::RoleMissing, StatusCode::FORBIDDEN);
        if changes {
            put(Reason::Csrf, StatusCode::FORBIDDEN);
        }
    }
    put(Reason::NotFound, StatusCode::NOT_FOUND);
    put(Reason::NoSuchRoute, StatusCode::NOT_FOUND);
    put(Reason::Method, StatusCode::METHOD_NOT_ALLOWED);
    if !is_download {
        put(Reason::NotAcceptable, StatusCode::NOT_ACCEPTABLE);
    }
    put(Reason::TooSlow, StatusCode::REQUEST_TIMEOUT);
    if changes && holds_etag(input, route) {
        put(Reason::Stale, StatusCode::CONFLICT);
    }
    if has("after_hash") {
        put(Reason::LogDiverged, http_status(Refusal::new(Reason::LogDiverged).meaning().code));
    }
    put(Reason::TooLarge, StatusCode::PAYLOAD_TOO_LARGE);
    put(Reason::BadHttp, StatusCode::URI_TOO_LONG);
    put(Reason::ContentType, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    if is_download {
        put(Reason::Invalid, StatusCode::RANGE_NOT_SATISFIABLE);
    }
    put(Reason::BadHttp, StatusCode::EXPECTATION_FAILED);
    put(Reason::TooManyRequests, StatusCode::TOO_MANY_REQUESTS);
    put(Reason::BadHttp, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    put(Reason::Internal, StatusCode::INTERNAL_SERVER_ERROR);
    put(Reason::Unavailable, StatusCode::SERVICE_UNAVAILABLE);
    put(Reason::Unavailable, StatusCode::GATEWAY_TIMEOUT);
    debug_assert!(!is_stream || takes_body);
    found
}

/// The reasons of the contract that a comment names, in its order.
fn named(comment: &str) -> impl Iterator<Item = Reason> {
    capitals(comment).filter_map(|word| Reason::from_str_name(&format!("REASON_{word}")))
}

/// Whether a request carries the revision its sender has read.
fn holds_etag(input: &MessageDescriptor, route: &Route) -> bool {
    let inside = match &route.body {
        BodyPlace::Field(field) if route.http == Method::PATCH => field.kind().as_message().cloned(),
        _ => None,
    };
    let has = |message: &MessageDescriptor| message.get_field_by_name("etag").is_some();
    has(input) || inside.is_some_and(|message| has(&message))
}

/// Whether the answer says when to try again.
pub fn says_when(refused: &[Refused]) -> bool {
    refused.iter().any(|refused| {
        let reason = Reason::from_str_name(&format!("REASON_{}", refused.reason)).unwrap_or_default();
        matches!(Refusal::new(reason).meaning().code, Code::ResourceExhausted | Code::Unavailable)
            && refused.status != 504
    })
}
