//! Binding by path, query and body, on a small contract with every kind of field.

use super::*;
use crate::fixtures::routes;
use crate::routes::Lookup;
use http::Method;
use proptest::prelude::*;
use prost_reflect::SerializeOptions;
use serde_json::{Value as Json, json};

fn bound(method: &str, target: &str, body: &str) -> Result<Json> {
    let (_, routes) = routes();
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let Lookup::Found(found) = routes.find(&method, path) else { panic!("{method} {path} has no route") };
    let message = bind(&found, query, body.as_bytes())?;
    let json = message.serialize_with_options(serde_json::value::Serializer, &SerializeOptions::new());
    Ok(json.unwrap())
}

fn get(query: &str) -> Result<Json> {
    bound("GET", &format!("/v1/things?{query}"), "")
}

/// Reason and offending field of a refusal.
fn refused(result: Result<Json>) -> (String, String) {
    let json: Json = serde_json::from_slice(&result.expect_err("must be refused").json()).unwrap();
    let info = &json["details"].as_array().unwrap()[0];
    let field = info["metadata"]["field"].as_str().unwrap_or_default();
    (info["reason"].as_str().unwrap().to_owned(), field.to_owned())
}

#[test]
fn every_kind_of_query_parameter_is_read() {
    let cases = [
        ("id=9223372036854775807", json!({"id": "9223372036854775807"})),
        ("flag=true", json!({"flag": true})),
        ("colour=COLOUR_RED", json!({"colour": "COLOUR_RED"})),
        ("colour=1", json!({"colour": "COLOUR_RED"})),
        ("colours=COLOUR_RED&colours=0", json!({"colours": ["COLOUR_RED", "COLOUR_UNSPECIFIED"]})),
        ("tags=a&tags=b%26c&tags=", json!({"tags": ["a", "b&c", ""]})),
        (
            "inner.word=x&inner.inner.word=y&inner.numbers=1&inner.numbers=-2",
            json!({"inner": {"word": "x", "numbers": [1, -2], "inner": {"word": "y"}}}),
        ),
        ("createTime=2026-11-23T08:00:00%2B08:00", json!({"createTime": "2026-11-23T00:00:00Z"})),
        ("create_time=2026-11-23T00:00:00.5Z", json!({"createTime": "2026-11-23T00:00:00.500Z"})),
        (
            "times=2026-11-23T00:00:00Z&times=2026-11-24T00:00:00Z",
            json!({"times": ["2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"]}),
        ),
        ("updateMask=inner.word,create_time,updateMask", json!({"updateMask": "inner.word,createTime,updateMask"})),
        ("patience=1.5s", json!({"patience": "1.500s"})),
        ("nickname=n", json!({"nickname": "n"})),
        ("weight=-1.25e2", json!({"weight": -125.0})),
        ("picture=AP_-", json!({"picture": "AP/+"})),
        ("picture=AP%2F%2B", json!({"picture": "AP/+"})),
        ("maybe=0", json!({"maybe": 0})),
        ("id=1e2&count=3.0&weight=NaN", json!({"id": "100", "count": 3, "weight": "NaN"})),
        ("anything=%7B%22a%22:%5B1,null%5D%7D", json!({"anything": {"a": [1.0, null]}})),
        ("name", json!({})),
        ("name=%E5%BC%80%E5%B0%81+a%2Bb", json!({"name": "开封 a+b"})),
        ("left=x&&", json!({"left": "x"})),
        ("", json!({})),
    ];
    for (query, expected) in cases {
        assert_eq!(get(query).unwrap(), expected, "{query}");
    }
}

#[test]
fn a_bad_query_parameter_is_refused_by_name() {
    for (query, field) in [
        ("nope=1", "nope"),
        ("id=x", "id"),
        ("id=+1", "id"),
        ("id=%2B1", "id"),
        ("id=01", "id"),
        ("id=", "id"),
        ("id=0.5", "id"),
        ("count=4294967296", "count"),
        ("weight=1e999", "weight"),
        ("weight=inf", "weight"),
        ("flag=True", "flag"),
        ("flag=1", "flag"),
        ("anything=%7B%22a%22:1,%22a%22:2%7D", "anything"),
        ("id=9223372036854775808", "id"),
        ("count=-1", "count"),
        ("flag=yes", "flag"),
        ("colour=GREEN", "colour"),
        ("colour=7", "colour"),
        ("createTime=yesterday", "createTime"),
        ("createTime=2026-02-30T00:00:00Z", "createTime"),
        ("updateMask=a%20b", "updateMask"),
        ("inner=x", "inner"),
        ("inners.word=x", "inners.word"),
        ("labels.a=b", "labels.a"),
        ("labels=b", "labels"),
        ("anything=x", "anything"),
        ("name.x=1", "name.x"),
        ("picture=***", "picture"),
        ("name=%ff", "name"),
        ("name=%00", "name"),
        ("name=%4", "name"),
        ("name=a&name=b", "name"),
        ("left=a&right=b", "right"),
        ("create_time.seconds=1", "create_time.seconds"),
    ] {
        assert_eq!(refused(get(query)), ("INVALID".to_owned(), field.to_owned()), "{query}");
    }
    let many = vec!["tags=a"; PARAMETERS_MAX + 1].join("&");
    assert_eq!(refused(get(&many)).0, "INVALID");
}

#[test]
fn the_path_comes_last_and_wins_over_the_body() {
    let json = bound("POST", "/v1/trees/a/b:fell", r#"{"name": "other", "id": 1}"#).unwrap();
    assert_eq!(json, json!({"name": "a/b", "id": "1"}));
    let json =
        bound("PATCH", "/v1/things/7?updateMask=name&request_id=r", r#"{"name": "things/8", "flag": true}"#).unwrap();
    assert_eq!(json, json!({"thing": {"name": "things/7", "flag": true}, "updateMask": "name", "requestId": "r"}));
}

#[test]
fn a_field_of_path_or_body_cannot_stand_in_the_query() {
    for (method, target, body) in [
        ("GET", "/v1/things/7?id=8", ""),
        ("POST", "/v1/things?name=x", "{}"),
        ("PATCH", "/v1/things/7?thing.flag=true", "{}"),
        ("PATCH", "/v1/things/7?thing.name=x", "{}"),
    ] {
        assert_eq!(refused(bound(method, target, body)).0, "INVALID", "{method} {target}");
    }
}

#[test]
fn escaped_characters_in_the_path_are_undone_once() {
    assert_eq!(bound("GET", "/v1/trees/a%252Fb/%E5%9F%8E%20x", "").unwrap(), json!({"name": "a%2Fb/城 x"}));
    assert_eq!(bound("GET", "/v1/trees/a%2fb/c+d", "").unwrap(), json!({"name": "a%2fb/c+d"}));
    for target in ["/v1/trees/%ff", "/v1/trees/%0", "/v1/trees/%zz", "/v1/trees/%00"] {
        assert_eq!(refused(bound("GET", target, "")), ("INVALID".to_owned(), "name".to_owned()), "{target}");
    }
    assert_eq!(refused(bound("GET", "/v1/things/x", "")), ("INVALID".to_owned(), "id".to_owned()));
}

#[test]
fn a_body_of_one_field_may_be_a_list() {
    assert_eq!(
        bound("PUT", "/v1/things/7:tags?flag=true", r#"["a", "b"]"#).unwrap(),
        json!({"id": "7", "tags": ["a", "b"], "flag": true})
    );
    assert_eq!(refused(bound("PUT", "/v1/things/7:tags", r#"{"a": 1}"#)).0, "BAD_JSON");
}

#[test]
fn an_empty_body_is_an_empty_message() {
    assert_eq!(bound("POST", "/v1/things", "").unwrap(), json!({}));
    assert_eq!(bound("PATCH", "/v1/things/7", "").unwrap(), json!({"thing": {"name": "things/7"}}));
}

#[test]
fn bad_json_is_refused() {
    for body in [
        "{",
        "[]",
        "1",
        "null",
        r#"{"nope": 1}"#,
        r#"{"inner": {"nope": 1}}"#,
        r#"{"id": 1, "id": 2}"#,
        r#"{"id": "x"}"#,
        r#"{"flag": "true"}"#,
        r#"{"colour": "GREEN"}"#,
        r#"{"createTime": "yesterday"}"#,
        r#"{"tags": "a"}"#,
        r#"{"name": "\u0000"}"#,
        "{} {}",
    ] {
        assert_eq!(refused(bound("POST", "/v1/things", body)).0, "BAD_JSON", "{body}");
    }
    let deep = r#"{"inner":"#.repeat(40) + "{}" + &"}".repeat(40);
    assert_eq!(refused(bound("POST", "/v1/things", &deep)).0, "BAD_JSON");
    assert_eq!(refused(bound("GET", "/v1/things", "{}")).0, "BAD_JSON");
}

#[test]
fn both_spellings_are_read_in_json_and_numbers_may_be_text() {
    let json = bound(
        "POST",
        "/v1/things",
        r#"{"create_time": "2026-11-23T00:00:00Z", "id": "5", "count": 3.0, "tags": null}"#,
    );
    assert_eq!(json.unwrap(), json!({"createTime": "2026-11-23T00:00:00Z", "id": "5", "count": 3}));
}

#[test]
fn a_member_in_both_spellings_is_refused() {
    let body = r#"{"create_time": "2026-11-23T00:00:00Z", "createTime": "2026-11-24T00:00:00Z"}"#;
    assert_eq!(refused(bound("POST", "/v1/things", body)).0, "BAD_JSON");
    assert_eq!(refused(bound("POST", "/v1/things", r#"{"left": "a", "right": "b"}"#)).0, "BAD_JSON");
}

proptest! {
    #[test]
    fn any_text_survives_the_query(text in "[^\0]{0,40}", tag in "[^\0]{0,20}") {
        let encode = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
        let query = format!("name={}&tags={}", encode(&text), encode(&tag));
        let json = get(&query).unwrap();
        prop_assert_eq!(json["name"].as_str().unwrap_or_default(), text);
        prop_assert_eq!(json["tags"][0].as_str().unwrap(), tag);
    }

    #[test]
    fn any_text_survives_the_path(text in "[^\0/]{1,40}") {
        let encoded: String = text.bytes().map(|b| format!("%{b:02X}")).collect();
        let json = bound("GET", &format!("/v1/trees/x/{encoded}"), "").unwrap();
        prop_assert_eq!(json["name"].as_str().unwrap(), format!("x/{text}"));
    }

    #[test]
    fn what_json_says_the_query_says_too(id in any::<i64>(), flag in any::<bool>(), count in any::<u32>(), weight in -1e9f64..1e9) {
        let body = json!({"id": id.to_string(), "flag": flag, "count": count, "weight": weight}).to_string();
        let query = format!("id={id}&flag={flag}&count={count}&weight={weight}");
        prop_assert_eq!(bound("POST", "/v1/things", &body).unwrap(), get(&query).unwrap());
    }

    #[test]
    fn no_query_panics_the_binder(query in "[a-z_.=&%+0-9A-F]{0,60}") {
        let _ = get(&query);
    }
}
