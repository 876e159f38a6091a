//! One operation of the description for each route that is served.

use std::collections::BTreeMap;

use http::Method;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use proto::qingtian::access::v1::{Role, Scope};
use serde_json::{Map, Value, json};

use super::bounds::Bounds;
use super::comments::{articles, summary};
use super::refusals::{self, ByStatus, Refused};
use super::schemas::{Schemas, Way, reference};
use super::{examples, paths};
use crate::answer::JSON;
use crate::events::{EVENTS, LINES};
use crate::routes::{BodyPlace, HTTP_BODY, Route, Shape};

/// Singular messages inside each other in names of query parameters at the most: `plan.experts.count`.
const QUERY_DEPTH_MAX: usize = 3;
/// Answers whose refusals are the same for every operation stand among the components.
const SHARED: [u16; 10] = [405, 408, 413, 414, 417, 429, 431, 500, 503, 504];

/// One operation, told twice: for programs and for people.
pub struct Operation {
    pub route_label: String,
    pub method: String,
    pub path: String,
    /// `draws_Plans_CreatePlan`.
    pub id: String,
    pub comment: String,
    pub refused: ByStatus,
    pub json: Value,
}

/// Writes operations.
pub struct Writer<'s, 'c> {
    pub schemas: &'s mut Schemas<'c>,
    /// Refusals of which an example is referred to, by the example's name.
    pub examples: BTreeMap<String, Refused>,
    /// Answers all operations share.
    pub shared: BTreeMap<u16, Vec<Refused>>,
    pub collections: paths::Collections,
}

impl Writer<'_, '_> {
    /// The operation of a route. `nth` tells the bindings of one rpc apart, from 0.
    pub fn operation(&mut self, route: &Route, nth: usize) -> Operation {
        let comment = self.schemas.comments.rpc(&route.rpc).to_owned();
        let path = paths::Path::of(route, &self.collections);
        let refused = refusals::of(route, &comment);
        let id = operation_id(route, nth);
        let mut operation = Map::new();
        operation.insert("operationId".to_owned(), id.clone().into());
        operation.insert("tags".to_owned(), json!([tag(route)]));
        operation.insert("summary".to_owned(), summary(&comment).into());
        operation.insert("description".to_owned(), description(route, &comment).into());
        operation.insert("security".to_owned(), security(route));
        operation.insert("x-qingtian-access".to_owned(), access(route));
        let articles = articles(&comment);
        if !articles.is_empty() {
            operation.insert("x-qingtian-articles".to_owned(), json!(articles));
        }
        let parameters = self.parameters(route, &path);
        operation.insert("parameters".to_owned(), parameters.into());
        if let Some(body) = self.body(route) {
            operation.insert("requestBody".to_owned(), body);
        }
        let mut responses = self.successes(route, &comment);
        for (status, reasons) in &refused {
            responses.insert(status.to_string(), self.refusal(*status, reasons));
        }
        operation.insert("responses".to_owned(), responses.into());
        Operation {
            route_label: route.label.clone(),
            method: route.http.as_str().to_ascii_lowercase(),
            path: path.text,
            id,
            comment,
            refused,
            json: operation.into(),
        }
    }

    fn parameters(&mut self, route: &Route, path: &paths::Path) -> Vec<Value> {
        let mut parameters: Vec<Value> = path.parameters.iter().map(paths::Parameter::json).collect();
        let mut names = Vec::new();
        self.query(route, &route.input, &mut Vec::new(), &mut names, &mut parameters);
        let shared = |name: &str| json!({"$ref": format!("#/components/parameters/{name}")});
        if route.rule.personal_data {
            parameters.push(shared("Purpose"));
        }
        let is_public_read = route.rule.public && route.http == Method::GET && route.service != "session";
        if is_public_read || route.shape == Shape::Download {
            parameters.push(shared("IfNoneMatch"));
        }
        if route.shape == Shape::Download {
            parameters.extend([shared("Range"), shared("IfRange")]);
        }
        if route.resume.is_some() {
            parameters.push(shared("LastEventId"));
        }
        parameters.push(shared("RequestId"));
        parameters
    }

    /// Parameters of the query: the fields that neither path nor body holds, those of singular messages by their own names.
    fn query(
        &mut self,
        route: &Route,
        message: &MessageDescriptor,
        outer: &mut Vec<FieldDescriptor>,
        names: &mut Vec<String>,
        parameters: &mut Vec<Value>,
    ) {
        for field in message.fields() {
            outer.push(field.clone());
            names.push(field.json_name().to_owned());
            let inner = match field.kind() {
                Kind::Message(inner) if !crate::json::is_one_value(&inner) => Some(inner),
                _ => None,
            };
            match inner {
                _ if is_elsewhere(route, outer) || field.is_map() => {}
                // Bytes go in a body, and lists of messages have no place in a query.
                Some(inner) if field.is_list() || inner.full_name() == HTTP_BODY => {}
                Some(inner) if outer.len() < QUERY_DEPTH_MAX => self.query(route, &inner, outer, names, parameters),
                Some(_) => {}
                None => parameters.push(self.query_parameter(&field, &names.join("."))),
            }
            outer.pop();
            names.pop();
        }
    }

    fn query_parameter(&mut self, field: &FieldDescriptor, name: &str) -> Value {
        let comment = self.schemas.comments.field(field).to_owned();
        let mut schema = self.schemas.field(field, Way::In);
        let mut parameter = json!({"name": name, "in": "query"});
        if let Some(members) = schema.as_object_mut() {
            members.remove("description");
        }
        if !comment.is_empty() {
            parameter["description"] = comment.clone().into();
        }
        if Bounds::of(field, &comment).required {
            parameter["required"] = true.into();
        }
        if field.is_list() {
            parameter["style"] = "form".into();
            parameter["explode"] = true.into();
        }
        parameter["schema"] = schema;
        parameter
    }

    fn body(&mut self, route: &Route) -> Option<Value> {
        let comments = self.schemas.comments;
        let bound: Vec<String> =
            route.bound.iter().filter_map(|b| b.fields.first()).map(|f| f.name().to_owned()).collect();
        let (schema, example, text, required) = match &route.body {
            BodyPlace::None => return None,
            BodyPlace::Whole => {
                let schema = self.schemas.message(&route.input, Way::In);
                let example = examples::message(comments, &route.input, Way::In, &bound);
                let is_required = |field: FieldDescriptor| {
                    Bounds::of(&field, comments.field(&field)).required
                        && !bound.iter().any(|name| name == field.name())
                };
                (schema, example, comments.message(&route.input).to_owned(), route.input.fields().any(is_required))
            }
            BodyPlace::Field(field) => {
                let text = comments.field(field).to_owned();
                match (&route.shape, field.kind()) {
                    (Shape::Upload(_), _) => return Some(file(&text)),
                    (_, Kind::Message(message)) if !field.is_list() && !field.is_map() => {
                        let name: Vec<String> = route
                            .bound
                            .iter()
                            .filter(|b| b.fields.len() > 1)
                            .filter_map(|b| b.fields.last())
                            .map(|f| f.name().to_owned())
                            .collect();
                        let example = examples::message(comments, &message, Way::In, &name);
                        (self.schemas.message(&message, Way::In), example, text, true)
                    }
                    // A line is one element.
                    (Shape::Lines, kind) => (self.schemas.value(&kind, Way::In), Value::Null, text, true),
                    _ => (self.schemas.field(field, Way::In), Value::Null, text, true),
                }
            }
        };
        if route.shape == Shape::Lines {
            let lines = json!({"type": "string", "contentMediaType": LINES, "contentSchema": schema});
            return Some(json!({
                "description": format!("{text}\n\nOne JSON value a line."), "required": true, "content": {LINES: {"schema": lines}},
            }));
        }
        let mut content = json!({"schema": schema});
        if !example.is_null() {
            content["examples"] = json!({"example": {"value": example}});
        }
        Some(json!({"description": text, "required": required, "content": {JSON: content}}))
    }

    /// What comes when it goes well.
    fn successes(&mut self, route: &Route, comment: &str) -> Map<String, Value> {
        let comments = self.schemas.comments;
        let is_public = route.rule.public && route.http == Method::GET && route.service != "session";
        let header = |name: &str| json!({"$ref": format!("#/components/headers/{name}")});
        let mut headers = Map::new();
        let mut responses = Map::new();
        for name in ["X-Request-Id", "X-Trace-Id", "Cache-Control"] {
            headers.insert(name.to_owned(), header(name));
        }
        let about = comments.message(&route.output).to_owned();
        let not_modified = |headers: &Map<String, Value>| json!({"description": "The client has this version already (`If-None-Match`); no body.", "headers": headers});
        match route.shape {
            Shape::Download => {
                for name in ["ETag", "Accept-Ranges", "Content-Disposition"] {
                    headers.insert(name.to_owned(), header(name));
                }
                let schema = |of: &str| {
                    if of.ends_with("json") {
                        json!({"type": "object"})
                    } else {
                        json!({"type": "string", "format": "binary"})
                    }
                };
                let content: Map<String, Value> =
                    file_types(comment).iter().map(|t| ((*t).to_owned(), json!({"schema": schema(t)}))).collect();
                let told = format!("The file. {}", summary(comment));
                responses
                    .insert("200".to_owned(), json!({"description": told, "headers": headers, "content": content}));
                responses.insert("304".to_owned(), not_modified(&headers));
                headers.insert("Content-Range".to_owned(), header("Content-Range"));
                responses.insert(
                    "206".to_owned(),
                    json!({
                        "description": "The bytes asked for by `Range`, where the file has a tag and a length.",
                        "headers": headers, "content": content,
                    }),
                );
            }
            Shape::Events => {
                let message = self.schemas.message(&route.output, Way::Out);
                let line = json!({"oneOf": [
                    {"type": "object", "properties": {"result": message}, "required": ["result"]},
                    {"type": "object", "properties": {"end": {"type": "object", "properties": {"messages": {"type": "string"}}}}, "required": ["end"]},
                    {"type": "object", "properties": {"error": reference("google.rpc.Status")}, "required": ["error"]},
                ]});
                let lines = json!({"type": "string", "contentMediaType": LINES, "contentSchema": line});
                responses.insert(
                    "200".to_owned(),
                    json!({
                        "description": format!("A stream of messages, as the client takes it. {about}"),
                        "headers": headers,
                        "content": {LINES: {"schema": lines}, EVENTS: {"schema": {"type": "string"}}},
                    }),
                );
            }
            Shape::Unary | Shape::Upload(_) | Shape::Lines => {
                let (schema, example) = match &route.response_body {
                    Some(field) => (self.schemas.field(field, Way::Out), Value::Null),
                    None => (
                        self.schemas.message(&route.output, Way::Out),
                        examples::message(comments, &route.output, Way::Out, &[]),
                    ),
                };
                if is_public {
                    for name in ["ETag", "Vary"] {
                        headers.insert(name.to_owned(), header(name));
                    }
                    responses.insert("304".to_owned(), not_modified(&headers));
                }
                if route.service == "session" && route.http == Method::POST {
                    headers.insert("Set-Cookie".to_owned(), header("Set-Cookie"));
                }
                let mut content = json!({"schema": schema});
                if !example.is_null() {
                    content["examples"] = json!({"example": {"value": example}});
                }
                let about = if about.is_empty() { "Done.".to_owned() } else { about };
                responses.insert(
                    "200".to_owned(),
                    json!({"description": about, "headers": headers, "content": {JSON: content}}),
                );
            }
        }
        responses
    }

    fn refusal(&mut self, status: u16, reasons: &[Refused]) -> Value {
        for refused in reasons {
            self.examples.entry(refused.example_name()).or_insert_with(|| refused.clone());
        }
        // 400 answers that a comment names beside the common one are this operation's own.
        if SHARED.contains(&status) && reasons.len() == 1 {
            self.shared.entry(status).or_insert_with(|| reasons.to_vec());
            return json!({"$ref": format!("#/components/responses/{}", shared_name(status))});
        }
        refusal_json(status, reasons)
    }
}

/// Name of an answer that is the same for all.
pub fn shared_name(status: u16) -> String {
    let name = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    name.map_or_else(|| format!("Status{status}"), |name| name.split([' ', '-', '\'']).collect())
}

/// An answer that refuses.
pub fn refusal_json(status: u16, reasons: &[Refused]) -> Value {
    let lines: Vec<String> = reasons
        .iter()
        .map(|refused| {
            let article =
                if refused.article.is_empty() { String::new() } else { format!(" (art. {})", refused.article) };
            format!("- `{}`{article}: {} {}", refused.reason, refused.zh, refused.en)
        })
        .collect();
    let examples: Map<String, Value> = reasons
        .iter()
        .map(|refused| {
            let name = refused.example_name();
            (name.clone(), json!({"$ref": format!("#/components/examples/{name}")}))
        })
        .collect();
    let mut headers = Map::new();
    let mut header = |name: &str| {
        headers.insert(name.to_owned(), json!({"$ref": format!("#/components/headers/{name}")}));
    };
    header("X-Request-Id");
    header("X-Trace-Id");
    if refusals::says_when(reasons) {
        header("Retry-After");
    }
    match status {
        405 => header("Allow"),
        416 => header("Content-Range"),
        _ => {}
    }
    json!({
        "description": lines.join("\n"),
        "headers": headers,
        "content": {JSON: {"schema": reference("google.rpc.Status"), "examples": examples}},
    })
}

/// A file as a body.
fn file(text: &str) -> Value {
    let binary = json!({"schema": {"type": "string", "format": "binary"}});
    let text = format!(
        "{text}\n\nThe body is the file itself, of any type and of at most 256 MiB, in chunks or with its length."
    );
    json!({
        "description": text,
        "required": true,
        "content": {"application/octet-stream": binary, "text/csv": binary},
    })
}

/// Types a file may have, as its rpc's comment says.
fn file_types(comment: &str) -> &'static [&'static str] {
    if comment.contains("tar.gz") {
        &["application/gzip"]
    } else if comment.contains("CSV") {
        &["text/csv"]
    } else if comment.contains("JSON Web Key Set") {
        &["application/jwk-set+json"]
    } else if comment.contains("statement.json") || comment.contains("signed head") {
        &["application/json"]
    } else if comment.contains("lines byte for byte") {
        &["text/tab-separated-values"]
    } else {
        &["*/*"]
    }
}

/// Whether a field, or one around or inside it, is bound by path or body.
fn is_elsewhere(route: &Route, fields: &[FieldDescriptor]) -> bool {
    let overlaps =
        |other: &[FieldDescriptor]| fields.len() >= other.len() && fields.iter().zip(other).all(|(a, b)| a == b);
    let in_body = match &route.body {
        BodyPlace::None => false,
        BodyPlace::Whole => true,
        BodyPlace::Field(field) => overlaps(std::slice::from_ref(field)),
    };
    in_body || route.bound.iter().any(|bound| overlaps(&bound.fields))
}

/// `draws_Plans_CreatePlan`, with a number behind for further bindings.
fn operation_id(route: &Route, nth: usize) -> String {
    let id = format!("{}_{}_{}", route.service, route.rpc.parent_service().name(), route.rpc.name());
    if nth == 0 { id } else { format!("{id}_{}", nth + 1) }
}

/// `draws.v1.Plans`.
pub fn tag(route: &Route) -> String {
    let name = route.rpc.parent_service().full_name().to_owned();
    name.strip_prefix("qingtian.").map(str::to_owned).unwrap_or(name)
}

fn security(route: &Route) -> Value {
    let cookie = if route.http == Method::GET { json!({"session": []}) } else { json!({"session": [], "csrf": []}) };
    match (route.service.as_str(), route.rule.public) {
        ("session", true) if route.http == Method::GET => json!([{}, cookie]),
        (_, true) => json!([]),
        ("session", false) => json!([cookie]),
        (_, false) => json!([{"bearer": []}, cookie]),
    }
}

/// Roles of a rule by name.
pub fn roles(route: &Route) -> Vec<Role> {
    route.rule.roles.iter().filter_map(|role| Role::try_from(*role).ok()).collect()
}

/// The access rule, for programs.
fn access(route: &Route) -> Value {
    let roles: Vec<&str> = roles(route).iter().map(|role| role.as_str_name()).collect();
    json!({
        "public": route.rule.public,
        "signedIn": route.rule.signed_in,
        "roles": roles,
        "scope": route.rule.scope().as_str_name(),
        "personalData": route.rule.personal_data,
    })
}

/// The comment, and what the rule and the options say.
fn description(route: &Route, comment: &str) -> String {
    let mut text = comment.to_owned();
    let who = if route.rule.public {
        "anybody, without signing in".to_owned()
    } else if route.rule.signed_in {
        "whoever is signed in".to_owned()
    } else {
        let names: Vec<String> = roles(route).iter().map(|role| format!("`{}`", role.as_str_name())).collect();
        format!("one of the roles {}", names.join(", "))
    };
    text += &format!("\n\n**Who may call:** {who}.");
    match route.rule.scope() {
        Scope::Unspecified => {}
        Scope::Own => text += " Reaches what belongs to the caller himself.",
        Scope::Organisation => {
            text += " Reaches what belongs to the caller's organisation; what belongs to others is `NOT_FOUND`.";
        }
        Scope::City => text += " Reaches everything of the city.",
    }
    if route.rule.personal_data {
        text += "\n\n**Personal data:** a purpose is stated in the header `x-purpose`, and the reading is audited (art. 44).";
    }
    if route.input.get_field_by_name("request_id").is_some() {
        text += "\n\n**Idempotent by `requestId`:** for seven days the same request with the same `requestId` is answered with the \
                 first result and changes nothing.";
    }
    if route.input.get_field_by_name("page_token").is_some() {
        text +=
            "\n\n**Paged:** `nextPageToken` of an answer is `pageToken` of the next question; empty on the last page.";
    }
    text += &format!("\n\ngRPC: `{}`", route.grpc.as_str());
    text
}
