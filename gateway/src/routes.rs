//! The routes of the contract: every rpc with `google.api.http`, found by method and path. Built from the descriptors at
//! start; an rpc without a route, such as those for other parts only, is not here and so cannot be reached.
//!
//! Paths are compared as RFC 3986 does: a letter and its escape are the same in what a template spells out (`/v1/%70lans`), a
//! colon or slash that is escaped divides nothing. Nothing is normalised: an empty segment, `.` and `..`, escaped or not, lead
//! nowhere, so that no proxy in front can have checked another path than the one that counts.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use http::uri::PathAndQuery;
use http::{Method, StatusCode};
use metrics::{Counter, Histogram};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};
use proto::google::api::{HttpRule, http_rule::Pattern};
use proto::qingtian::access::v1::Rule;

use crate::binder;
use crate::events::Resume;
use crate::json::Printer;
use crate::template::{Segment, Template};

/// Full name of the message that carries bytes.
pub const HTTP_BODY: &str = "google.api.HttpBody";

/// Where an rpc's request finds the HTTP body.
#[derive(Debug, Clone)]
pub enum BodyPlace {
    /// There is none; every field is in path or query.
    None,
    /// The body is the whole request.
    Whole,
    /// The body is this field; the others are in path or query.
    Field(FieldDescriptor),
}

/// How messages travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// One JSON request, one JSON answer.
    Unary,
    /// One request, bytes as the answer: `HttpBody`, streamed or whole.
    Download,
    /// A stream of bytes in this field, one JSON answer.
    Upload(FieldDescriptor),
    /// A stream of messages, one a line; one JSON answer. See [`crate::lines`].
    Lines,
    /// One request, a stream of messages as the answer. See [`crate::events`].
    Events,
}

/// A field bound by the path.
#[derive(Debug, Clone)]
pub struct Bound {
    /// Fields from the request inwards; the last is a string, number, boolean or enum.
    pub fields: Vec<FieldDescriptor>,
    start: usize,
    end: Option<usize>,
    /// Whether the value may hold several segments.
    pub several: bool,
}

/// One binding of one rpc.
#[derive(Debug)]
pub struct Route {
    /// `GET /v1/{name=plans/*}`; the name of the request's span.
    pub label: String,
    pub http: Method,
    /// Part that serves it: `draws` for `qingtian.draws.v1`.
    pub service: String,
    pub grpc: PathAndQuery,
    pub rpc: MethodDescriptor,
    pub input: MessageDescriptor,
    pub output: MessageDescriptor,
    /// Writes its answers.
    pub printer: Printer,
    pub body: BodyPlace,
    /// Field of the answer that is the HTTP body; the whole answer when absent.
    pub response_body: Option<FieldDescriptor>,
    pub bound: Vec<Bound>,
    pub shape: Shape,
    /// How a stream of answers is resumed.
    pub resume: Option<Resume>,
    pub rule: Rule,
    pub observed: Observed,
    template: Template,
}

/// The metrics of a route's usual answers, looked up once and not with every answer.
#[derive(Debug, Default)]
pub struct Observed {
    seconds: OnceLock<Histogram>,
    fine: OnceLock<Counter>,
}

impl Observed {
    /// An answer of the route with this label.
    pub fn answered(&self, label: &str, status: StatusCode, took: Duration) {
        let counter =
            || metrics::counter!("http_total", "route" => label.to_owned(), "status" => status.as_str().to_owned());
        match status {
            StatusCode::OK => self.fine.get_or_init(counter).increment(1),
            _ => counter().increment(1),
        }
        let seconds = || metrics::histogram!("http_seconds", "route" => label.to_owned());
        self.seconds.get_or_init(seconds).record(took.as_secs_f64());
    }
}

/// A route with the raw values of its path, in the order of [`Route::bound`].
#[derive(Debug)]
pub struct Found<'a> {
    pub route: &'a Route,
    /// Still percent-encoded.
    pub values: Vec<String>,
}

/// What a path leads to.
#[derive(Debug)]
pub enum Lookup<'a> {
    Found(Found<'a>),
    /// The path exists with these other methods.
    OtherMethod(Vec<Method>),
    Nothing,
}

#[derive(Debug, Default)]
struct Node {
    literal: HashMap<String, usize>,
    one: Option<usize>,
    /// Routes that end here.
    ends: Vec<usize>,
    /// Routes that end here with `**`.
    rests: Vec<usize>,
}

/// All routes.
#[derive(Debug)]
pub struct Routes {
    routes: Vec<Route>,
    nodes: Vec<Node>,
}

impl Routes {
    /// Reads every service of the pool. Errors name the rpc: a template that does not parse, a field that is not there,
    /// two rpcs at one address, a stream both ways, a route without an access rule or for parts only.
    pub fn new(pool: &DescriptorPool) -> anyhow::Result<Self> {
        let http = pool.get_extension_by_name("google.api.http").context("google.api.http is not in the contract")?;
        let access = pool
            .get_extension_by_name("qingtian.access.v1.rule")
            .context("qingtian.access.v1.rule is not in the contract")?;
        let mut table = Self { routes: Vec::new(), nodes: vec![Node::default()] };
        for rpc in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            let options = rpc.options();
            if !options.has_extension(&http) {
                continue;
            }
            let read = || -> anyhow::Result<Vec<Route>> {
                let binding = options.get_extension(&http);
                let main: HttpRule = binding.as_message().context("the route is not a message")?.transcode_to()?;
                ensure!(options.has_extension(&access), "has a route but no access rule");
                let rule = options.get_extension(&access);
                let rule: Rule = rule.as_message().context("the rule is not a message")?.transcode_to()?;
                let for_people = rule.public || rule.signed_in || !rule.roles.is_empty();
                ensure!(for_people, "has a route but is for parts only");
                let more = main.additional_bindings.clone();
                ensure!(more.iter().all(|b| b.additional_bindings.is_empty()), "a further binding has bindings");
                std::iter::once(&main).chain(&more).map(|binding| Route::new(&rpc, binding, &rule)).collect()
            };
            for route in read().with_context(|| format!("rpc {}", rpc.full_name()))? {
                table.insert(route)?;
            }
        }
        Ok(table)
    }

    /// All of them, in the contract's order.
    pub fn all(&self) -> &[Route] {
        &self.routes
    }

    /// Those that lead to a part: all but what the gateway serves itself.
    pub fn elsewhere(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().filter(|route| route.service != "session")
    }

    /// The parts they lead to.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        let parts: BTreeSet<&str> = self.elsewhere().map(|route| route.service.as_str()).collect();
        parts.into_iter()
    }

    fn insert(&mut self, route: Route) -> anyhow::Result<()> {
        let mut at = 0;
        for segment in &route.template.segments {
            let next = self.nodes.len();
            let node = &mut self.nodes[at];
            let child = match segment {
                Segment::Literal(text) => *node.literal.entry(text.clone()).or_insert(next),
                Segment::One => *node.one.get_or_insert(next),
                Segment::Rest => break,
            };
            if child == next {
                self.nodes.push(Node::default());
            }
            at = child;
        }
        let node = &mut self.nodes[at];
        let ends_in_rest = route.template.segments.last() == Some(&Segment::Rest);
        let ends = if ends_in_rest { &mut node.rests } else { &mut node.ends };
        for other in ends.iter().map(|&index| &self.routes[index]) {
            if other.http == route.http && other.template.verb == route.template.verb {
                bail!("{} and {} have the same route {}", other.rpc.full_name(), route.rpc.full_name(), route.label);
            }
        }
        ends.push(self.routes.len());
        self.routes.push(route);
        Ok(())
    }

    /// Finds the route of a raw path (without query). A verb is preferred to a value that holds a colon, a literal
    /// segment to `*`, `*` to `**`. HEAD is answered as GET.
    pub fn find(&self, method: &Method, path: &str) -> Lookup<'_> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let Some(path) = path.strip_prefix('/') else { return Lookup::Nothing };
        let segments: Vec<&str> = path.split('/').collect();
        if segments.iter().any(|segment| matches!(&*unescaped(segment), "." | "..")) {
            return Lookup::Nothing;
        }
        let mut walk = Walk { table: self, method, verb: None, others: Vec::new() };
        if let Some((before, verb)) = segments.last().and_then(|last| last.rsplit_once(':')) {
            let mut stripped = segments.clone();
            if let Some(last) = stripped.last_mut() {
                *last = before;
            }
            walk.verb = Some(unescaped(verb));
            if let Some(route) = walk.descend(0, &stripped) {
                return Lookup::Found(Found::new(route, &stripped));
            }
            walk.verb = None;
        }
        match walk.descend(0, &segments) {
            Some(route) => Lookup::Found(Found::new(route, &segments)),
            None if walk.others.is_empty() => Lookup::Nothing,
            None => {
                let mut others = walk.others;
                if others.contains(&Method::GET) {
                    others.push(Method::HEAD);
                }
                others.sort_by(|a, b| a.as_str().cmp(b.as_str()));
                others.dedup();
                Lookup::OtherMethod(others)
            }
        }
    }
}

/// A segment with its escapes undone, where they stand for text; for comparison only.
fn unescaped(segment: &str) -> Cow<'_, str> {
    if !segment.contains('%') {
        return Cow::Borrowed(segment);
    }
    // What does not decode equals nothing a template could spell out; whoever binds it refuses it.
    binder::decode(segment, false, false).map_or(Cow::Borrowed(segment), Cow::Owned)
}

struct Walk<'t, 'p> {
    table: &'t Routes,
    method: &'p Method,
    verb: Option<Cow<'p, str>>,
    others: Vec<Method>,
}

impl<'t> Walk<'t, '_> {
    fn descend(&mut self, at: usize, segments: &[&str]) -> Option<&'t Route> {
        let table = self.table;
        let node = &table.nodes[at];
        let found = match segments.split_first() {
            None => self.pick(&node.ends),
            Some((first, rest)) => {
                let literal = node.literal.get(&*unescaped(first)).and_then(|&child| self.descend(child, rest));
                literal.or_else(|| match node.one {
                    Some(child) if !first.is_empty() => self.descend(child, rest),
                    _ => None,
                })
            }
        };
        found.or_else(|| self.pick(&node.rests))
    }

    fn pick(&mut self, ends: &[usize]) -> Option<&'t Route> {
        let table = self.table;
        for route in ends.iter().map(|&index| &table.routes[index]) {
            if route.template.verb.as_deref() == self.verb.as_deref() {
                if route.http == *self.method {
                    return Some(route);
                }
                self.others.push(route.http.clone());
            }
        }
        None
    }
}

impl<'a> Found<'a> {
    fn new(route: &'a Route, segments: &[&str]) -> Self {
        let value = |bound: &Bound| segments[bound.start..bound.end.unwrap_or(segments.len())].join("/");
        Self { route, values: route.bound.iter().map(value).collect() }
    }
}

impl Route {
    /// How its paths are made.
    pub fn template(&self) -> &Template {
        &self.template
    }

    fn new(rpc: &MethodDescriptor, binding: &HttpRule, rule: &Rule) -> anyhow::Result<Self> {
        let (http, text) = match binding.pattern.as_ref().context("the route has no method")? {
            Pattern::Get(path) => (Method::GET, path),
            Pattern::Put(path) => (Method::PUT, path),
            Pattern::Post(path) => (Method::POST, path),
            Pattern::Delete(path) => (Method::DELETE, path),
            Pattern::Patch(path) => (Method::PATCH, path),
            Pattern::Custom(custom) => (Method::from_bytes(custom.kind.as_bytes())?, &custom.path),
        };
        let template = Template::parse(text)?;
        let (input, output) = (rpc.input(), rpc.output());
        let field_of = |message: &MessageDescriptor, name: &str| {
            message.get_field_by_name(name).with_context(|| format!("{} has no field {name}", message.full_name()))
        };
        let body = match binding.body.as_str() {
            "" => BodyPlace::None,
            "*" => BodyPlace::Whole,
            name => BodyPlace::Field(field_of(&input, name)?),
        };
        let response_body = match binding.response_body.as_str() {
            "" => None,
            name => Some(field_of(&output, name)?),
        };
        let bound = template.variables.iter().map(|variable| {
            let fields = walk_fields(&input, &variable.field)?;
            let last = fields.last().context("a variable names no field")?;
            ensure!(
                !last.is_list() && !matches!(last.kind(), Kind::Message(_)),
                "{} cannot stand in a path",
                last.full_name()
            );
            Ok(Bound { fields, start: variable.start, end: variable.end, several: variable.is_several() })
        });
        let bound = bound.collect::<anyhow::Result<Vec<_>>>()?;
        let shape = shape_of(rpc, &body)?;
        let package = rpc.parent_service().package_name().to_owned();
        let service = match package.split('.').collect::<Vec<_>>()[..] {
            ["qingtian", service, ..] => service.to_owned(),
            _ => bail!("package {package} is not of the form qingtian.<service>.<version>"),
        };
        Ok(Self {
            label: format!("{http} {text}"),
            http,
            service,
            grpc: format!("/{}/{}", rpc.parent_service().full_name(), rpc.name()).parse()?,
            rpc: rpc.clone(),
            input,
            printer: Printer::new(&output),
            output,
            body,
            response_body,
            bound,
            resume: Resume::of(&rpc.input(), &rpc.output()).filter(|_| shape == Shape::Events),
            shape,
            rule: rule.clone(),
            observed: Observed::default(),
            template,
        })
    }
}

/// Whether a field holds bytes to be passed on as they are.
fn is_http_body(field: &FieldDescriptor) -> bool {
    matches!(field.kind(), Kind::Message(message) if message.full_name() == HTTP_BODY)
}

fn shape_of(rpc: &MethodDescriptor, body: &BodyPlace) -> anyhow::Result<Shape> {
    let answers_bytes = rpc.output().full_name() == HTTP_BODY;
    match (rpc.is_client_streaming(), rpc.is_server_streaming()) {
        (false, _) if answers_bytes => Ok(Shape::Download),
        (false, true) => Ok(Shape::Events),
        (false, false) => match body {
            BodyPlace::Field(field) if is_http_body(field) => bail!("an upload must be a stream"),
            BodyPlace::None | BodyPlace::Whole | BodyPlace::Field(_) => Ok(Shape::Unary),
        },
        (true, false) if answers_bytes => bail!("a client stream over HTTP is answered in JSON"),
        (true, false) => match body {
            BodyPlace::Field(field) if is_http_body(field) => Ok(Shape::Upload(field.clone())),
            BodyPlace::Field(field) if field.is_map() => bail!("a line is no entry of a map"),
            BodyPlace::Whole | BodyPlace::Field(_) => Ok(Shape::Lines),
            BodyPlace::None => bail!("a client stream over HTTP must have a body"),
        },
        (true, true) => bail!("a stream both ways cannot go over HTTP, where requests end before their answers begin"),
    }
}

/// Follows field names from a message inwards.
pub fn walk_fields(message: &MessageDescriptor, path: &[String]) -> anyhow::Result<Vec<FieldDescriptor>> {
    let mut at = Some(message.clone());
    let mut fields = Vec::with_capacity(path.len());
    for name in path {
        let inside = at.with_context(|| format!("{name} is inside something that is not a message"))?;
        let field =
            inside.get_field_by_name(name).with_context(|| format!("{} has no field {name}", inside.full_name()))?;
        at = match field.kind() {
            Kind::Message(message) if !field.is_list() && !field.is_map() => Some(message),
            _ => None,
        };
        fields.push(field);
    }
    Ok(fields)
}

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;
