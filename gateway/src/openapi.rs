//! The description of the web API, OpenAPI 3.1, at `/openapi.json`: written when the gateway starts, from the contract's
//! descriptors with their comments and from the very routes that are served. Nothing in it is said a second time, so it cannot say
//! anything else than what is done (art. 22: departments connect their systems by it).
//!
//! [`comments`] reads the comments, [`bounds`] what they say of values, [`schemas`] and [`examples`] write the messages,
//! [`paths`] the addresses, [`refusals`] what may be refused, [`operations`] the whole of a route, [`common`] what all share, [`book`] the page
//! for people at `/openapi`.

mod book;
pub mod bounds;
pub mod comments;
mod common;
pub mod examples;
pub mod operations;
pub mod paths;
pub mod refusals;
pub mod schemas;

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};
use prost_reflect::DescriptorPool;
use serde_json::{Map, Value, json};
use url::Url;

use crate::routes::{BodyPlace, Routes};
use crate::{accept, answer};
use comments::Comments;
use operations::{Operation, Writer};
use schemas::{Schemas, Way};

/// It changes with a release, so it is kept for some minutes.
const KEPT: &str = "public, max-age=300";

/// The description, as told to programs and to people.
pub struct Description {
    pub operations: Vec<Operation>,
    pub json: Value,
}

impl Description {
    /// Writes it for these routes. The same contract always gives the same text.
    pub fn new(pool: &DescriptorPool, routes: &Routes, public_url: &Url) -> Self {
        let comments = Comments::new(pool);
        let mut schemas = Schemas::new(&comments, elsewhere(routes));
        let mut writer = Writer {
            schemas: &mut schemas,
            examples: BTreeMap::new(),
            shared: BTreeMap::new(),
            collections: paths::collections(pool),
        };
        let mut bindings: BTreeMap<String, usize> = BTreeMap::new();
        let mut operations = Vec::new();
        let mut tags: Vec<Value> = Vec::new();
        for route in routes.all() {
            let nth = bindings.entry(route.rpc.full_name().to_owned()).or_default();
            operations.push(writer.operation(route, *nth));
            *nth += 1;
            let name = operations::tag(route);
            if !tags.iter().any(|tag| tag["name"] == name.as_str()) {
                tags.push(json!({"name": name, "description": comments.service(route.rpc.parent_service())}));
            }
        }
        let (examples, shared) = (writer.examples, writer.shared);
        if let Some(status) = pool.get_message_by_name("google.rpc.Status") {
            schemas.message(&status, Way::Out);
        }
        let mut paths: Map<String, Value> = Map::new();
        for operation in &operations {
            let path = paths.entry(operation.path.clone()).or_insert_with(|| json!({}));
            path[&operation.method] = operation.json.clone();
        }
        let examples: Map<String, Value> = examples
            .iter()
            .map(|(name, refused)| (name.clone(), json!({"summary": refused.en, "value": refused.example()})))
            .collect();
        let responses: Map<String, Value> = shared
            .iter()
            .map(|(status, reasons)| (operations::shared_name(*status), operations::refusal_json(*status, reasons)))
            .collect();
        let json = json!({
            "openapi": "3.1.0",
            "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
            "info": common::info(),
            "servers": [{"url": public_url.as_str().trim_end_matches('/')}],
            "tags": tags,
            "paths": paths,
            "components": {
                "schemas": schemas.into_components(),
                "examples": examples,
                "responses": responses,
                "parameters": common::parameters(),
                "headers": common::headers(),
                "securitySchemes": common::security_schemes(),
            },
        });
        Self { operations, json }
    }
}

/// Fields of whole requests that every route of theirs takes from the path.
fn elsewhere(routes: &Routes) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for route in routes.all().iter().filter(|route| matches!(route.body, BodyPlace::Whole)) {
        let in_path = route.bound.iter().filter(|bound| bound.fields.len() == 1);
        let in_path: BTreeSet<String> = in_path.flat_map(|b| b.fields.first()).map(|f| f.name().to_owned()).collect();
        let name = route.input.full_name().to_owned();
        let both = found.get(&name).map_or(in_path.clone(), |other| other.intersection(&in_path).cloned().collect());
        found.insert(name, both);
    }
    found
}

/// The description as it is handed out.
pub struct Served {
    plain: Bytes,
    gzip: Bytes,
    tag: HeaderValue,
}

impl Served {
    /// Writes it out once. Errors: never those of the contract.
    pub fn new(description: &Description) -> anyhow::Result<Self> {
        let plain = serde_json::to_vec(&description.json)?;
        Ok(Self { gzip: answer::compressed(&plain)?.into(), tag: answer::tag(&plain), plain: plain.into() })
    }

    /// Answers a GET.
    pub fn answer(&self, request: &HeaderMap) -> Response {
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(KEPT));
        headers.insert(ETAG, self.tag.clone());
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if answer::is_known(request, headers) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = if accept::takes_gzip(request) {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            &self.gzip
        } else {
            &self.plain
        };
        *response.body_mut() = Body::from(body.clone());
        response
    }
}

#[cfg(test)]
#[path = "openapi/tests.rs"]
mod tests;
