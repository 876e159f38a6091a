//! Routes of the contract and of a small one with every shape.

use super::*;
use crate::fixtures::{SHAPES, pool, routes};

fn found<'a>(routes: &'a Routes, method: Method, path: &str) -> Found<'a> {
    match routes.find(&method, path) {
        Lookup::Found(found) => found,
        other => panic!("{method} {path}: {other:?}"),
    }
}

fn rpc(routes: &Routes, method: Method, path: &str) -> (String, Vec<String>) {
    let found = found(routes, method, path);
    (found.route.rpc.name().to_owned(), found.values)
}

#[test]
fn the_contract_has_routes_and_each_is_found_under_its_own_path() {
    let routes = Routes::new(&proto::POOL).unwrap();
    assert!(routes.all().len() > 60);
    for route in routes.all() {
        let path = route.template.segments.iter().enumerate().map(|(index, segment)| match segment {
            Segment::Literal(text) => text.clone(),
            Segment::One => format!("reg:{index}"),
            Segment::Rest => format!("a/b{index}"),
        });
        let path: String = path.map(|part| format!("/{part}")).collect();
        let verb = route.template.verb.as_ref().map_or(String::new(), |verb| format!(":{verb}"));
        let found = found(&routes, route.http.clone(), &format!("{path}{verb}"));
        assert_eq!(found.route.label, route.label);
        assert_eq!(found.values.len(), route.bound.len());
    }
}

#[test]
fn what_is_for_parts_only_has_no_route() {
    let routes = Routes::new(&proto::POOL).unwrap();
    for name in ["OpenSignIn", "RefreshToken", "CloseSignIn"] {
        assert!(routes.all().iter().all(|route| route.rpc.name() != name), "{name}");
    }
    for path in ["/qingtian.identity.v1.Identity/OpenSignIn", "/v1/openSignIn"] {
        assert!(matches!(routes.find(&Method::POST, path), Lookup::Nothing));
    }
}

#[test]
fn a_verb_and_a_value_with_a_colon_are_told_apart() {
    let routes = Routes::new(&proto::POOL).unwrap();
    let (name, values) = rpc(&routes, Method::GET, "/v1/organisations/amr/subjects/reg:410200000000001");
    assert_eq!((name.as_str(), values[0].as_str()), ("GetSubject", "organisations/amr/subjects/reg:410200000000001"));
    let (name, values) = rpc(&routes, Method::POST, "/v1/organisations/amr/subjects/reg:1:setStatus");
    assert_eq!((name.as_str(), values[0].as_str()), ("SetSubjectStatus", "organisations/amr/subjects/reg:1"));
    assert_eq!(rpc(&routes, Method::GET, "/v1/organisations/amr/subjects:export").0, "ExportSubjects");
    assert_eq!(rpc(&routes, Method::GET, "/v1/organisations/amr/subjects").0, "ListSubjects");
}

#[test]
fn another_method_is_told_from_no_route() {
    let routes = Routes::new(&proto::POOL).unwrap();
    match routes.find(&Method::DELETE, "/v1/plans") {
        Lookup::OtherMethod(methods) => assert_eq!(methods, [Method::GET, Method::HEAD, Method::POST]),
        other => panic!("{other:?}"),
    }
    for path in ["/v1/nothing", "/v1/plans/", "/v1//plans", "/v1/plans/a/b", "/", "", "/v1/plans/x:nothing/y"] {
        assert!(matches!(routes.find(&Method::GET, path), Lookup::Nothing), "{path}");
    }
    assert_eq!(rpc(&routes, Method::HEAD, "/v1/plans").0, "ListPlans");
}

#[test]
fn further_bindings_the_rest_and_literals_are_found() {
    let (_, routes) = routes();
    assert_eq!(rpc(&routes, Method::GET, "/v1/things/7").0, "GetThing");
    assert_eq!(rpc(&routes, Method::GET, "/v1/old/things/7").0, "GetThing");
    assert_eq!(rpc(&routes, Method::GET, "/v1/things/special").0, "GetSpecial");
    let (name, values) = rpc(&routes, Method::GET, "/v1/trees/a/b%2Fc/d");
    assert_eq!((name.as_str(), values[0].as_str()), ("GetTree", "a/b%2Fc/d"));
    let (name, values) = rpc(&routes, Method::POST, "/v1/trees/a/b:fell");
    assert_eq!((name.as_str(), values[0].as_str()), ("FellTree", "a/b"));
    assert_eq!(rpc(&routes, Method::from_bytes(b"REPORT").unwrap(), "/v1/things").0, "ReportThings");
}

#[test]
fn a_contradiction_in_the_contract_stops_the_start_and_names_the_rpc() {
    let cases = [
        ("rpc X(Thing) returns (Thing) { option (google.api.http) = {get: \"/v1/x\"}; }", "no access rule"),
        (
            "rpc X(Thing) returns (Thing) { option (google.api.http) = {get: \"/v1/x\"}; option (qingtian.access.v1.rule) = {services: \"draws\"}; }",
            "parts only",
        ),
        (
            "rpc X(Thing) returns (Thing) { option (google.api.http) = {get: \"/v1/{nope}\"}; option (qingtian.access.v1.rule) = {public: true}; }",
            "no field nope",
        ),
        (
            "rpc X(stream Thing) returns (stream Thing) { option (google.api.http) = {post: \"/v1/x\" body: \"*\"}; option (qingtian.access.v1.rule) = {public: true}; }",
            "both ways",
        ),
        (
            "rpc X(stream Thing) returns (Thing) { option (google.api.http) = {post: \"/v1/x\"}; option (qingtian.access.v1.rule) = {public: true}; }",
            "must have a body",
        ),
        (
            "rpc X(Thing) returns (Thing) { option (google.api.http) = {get: \"/v1/{tags}\"}; option (qingtian.access.v1.rule) = {public: true}; }",
            "cannot stand in a path",
        ),
        (
            "rpc X(Thing) returns (Thing) { option (google.api.http) = {get: \"/v1/things/{id}\"}; option (qingtian.access.v1.rule) = {public: true}; }",
            "same route",
        ),
    ];
    for (rpc, expected) in cases {
        let source = SHAPES.replace("service Things {", &format!("service Things {{ {rpc}"));
        let error = format!("{:#}", Routes::new(&pool(&source)).expect_err(expected));
        assert!(error.contains(expected) && error.contains(".X"), "{error}");
    }
}

#[test]
fn an_escaped_letter_is_the_letter_and_an_escaped_sign_divides_nothing() {
    let (_, routes) = routes();
    assert_eq!(rpc(&routes, Method::GET, "/%76%31/thin%67s/special").0, "GetSpecial");
    assert_eq!(rpc(&routes, Method::GET, "/v1/things/s%70ecial").0, "GetSpecial");
    assert_eq!(rpc(&routes, Method::PUT, "/v1/things/7:%74ags").0, "SetTags");
    let (name, values) = rpc(&routes, Method::GET, "/v1/things/7%3Atags");
    assert_eq!((name.as_str(), values[0].as_str()), ("GetThing", "7%3Atags"));
    let (name, values) = rpc(&routes, Method::GET, "/v1/things/a%2Fb");
    assert_eq!((name.as_str(), values[0].as_str()), ("GetThing", "a%2Fb"));
    for path in [
        "/v1/things%2Fspecial",
        "/v1/./things",
        "/v1/x/../things",
        "/v1/%2e%2E/things",
        "/v1/trees/..",
        "/v1/trees/a/%2e/b",
        "/v1//things/7",
    ] {
        assert!(matches!(routes.find(&Method::GET, path), Lookup::Nothing), "{path}");
    }
    assert_eq!(rpc(&routes, Method::GET, "/v1/trees/a/.../b").1, ["a/.../b"]);
    assert_eq!(rpc(&routes, Method::GET, "/v1/trees/%ff").0, "GetTree", "the binder refuses it");
}

proptest::proptest! {
    #[test]
    fn no_path_panics_the_lookup(path in "[/:a-z*{}%.]{0,40}") {
        let (_, routes) = routes();
        let _ = routes.find(&Method::GET, &path);
    }
}
