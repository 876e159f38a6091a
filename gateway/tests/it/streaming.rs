//! Streams of messages over HTTP, both ways, and how they are resumed.

use std::time::Duration;

use bytes::Bytes;
use gateway::Limits;
use gateway::lines::ELEMENTS_MAX;
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use kit::testing::HANG_MAX;
use serde_json::{Value as Json, json};

use crate::shapes::POSITIONS;
use crate::stage::{Answer, Browser, Stage};

const EVENTS: &str = "text/event-stream";
const LINES: &str = "application/x-ndjson";

fn lines(answer: &Answer) -> Vec<Json> {
    assert!(answer.body.ends_with(b"\n"), "{answer:?}");
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Events as a browser takes them: id, kind, data.
fn events(text: &str) -> Vec<(String, String, Json)> {
    let mut events = Vec::new();
    for block in text.split("\n\n").filter(|block| !block.is_empty()) {
        let field = |name: &str| {
            let prefix = format!("{name}: ");
            block.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_default().to_owned()
        };
        assert!(block.lines().all(|line| line.starts_with(':') || line.contains(": ")), "{block}");
        if !field("data").is_empty() {
            events.push((field("id"), field("event"), serde_json::from_str(&field("data")).unwrap()));
        }
    }
    events
}

async fn watched(browser: &Browser, accept: &str, query: &str) -> Answer {
    browser.clone().with("accept", accept).get(&format!("/v1/things:watch?{query}")).await
}

#[tokio::test]
async fn a_stream_is_lines_and_says_that_it_is_whole() {
    let stage = Stage::of_shapes(|_| {}).await;
    for accept in ["*/*", LINES, "text/event-stream;q=0.5, application/*"] {
        let answer = watched(&stage.browser(), accept, "after=3").await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, LINES));
        assert_eq!(answer.header("cache-control"), "no-store");
        let message = |position: i64| json!({"result": {"position": position.to_string(), "hash": format!("h{position}"), "word": "一\n二"}});
        assert_eq!(lines(&answer), [message(4), message(5), json!({"end": {"messages": "2"}})]);
    }
    assert_eq!(lines(&watched(&stage.browser(), LINES, "after=99").await), [json!({"end": {"messages": "0"}})]);
    let names = stage.browser().get("/v1/words?after=4").await;
    assert_eq!(lines(&names), [json!({"result": "一\n二"}), json!({"end": {"messages": "1"}})], "one field of each");
}

#[tokio::test]
async fn a_stream_that_fails_says_so_and_is_not_taken_for_whole() {
    let stage = Stage::of_shapes(|_| {}).await;
    let all = lines(&watched(&stage.browser(), LINES, "failAt=3").await);
    assert_eq!(all.len(), 3);
    assert_eq!(all[2]["error"]["code"], 5);
    assert!(all[2]["error"].to_string().contains("NOT_FOUND"), "{}", all[2]);
    let answer = watched(&stage.browser(), EVENTS, "failAt=2").await;
    let all = events(std::str::from_utf8(&answer.body).unwrap());
    assert_eq!((all.len(), all[1].1.as_str()), (2, "failed"));
    assert_eq!(all[1].2["code"], 5);
    // What is refused before the stream begins has a status of its own.
    let refused = watched(&stage.browser(), LINES, "after=2&afterHash=other").await;
    assert_eq!((refused.status, refused.reason().as_str()), (StatusCode::BAD_REQUEST, "INVALID"));
    let neither = watched(&stage.browser(), "application/json, text/html", "").await;
    assert_eq!((neither.status, neither.reason().as_str()), (StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE"));
    assert!(neither.json().to_string().contains(LINES));
}

#[tokio::test]
async fn events_are_resumed_behind_the_last_one() {
    let stage = Stage::of_shapes(|_| {}).await;
    let answer = watched(&stage.browser(), EVENTS, "").await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, EVENTS));
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(text.starts_with("retry: "), "{text}");
    let all = events(&text);
    assert_eq!(all.len() as i64, POSITIONS + 1);
    assert_eq!(all[1], ("2.h2".to_owned(), String::new(), json!({"position": "2", "hash": "h2", "word": "一\n二"})));
    assert_eq!(all.last().unwrap().1, "end");
    let behind = |id: &str| stage.browser().with("last-event-id", id);
    for (id, query) in [("3.h3", ""), ("3", ""), ("3.h3", "after=1&afterHash=h1")] {
        let rest = watched(&behind(id), EVENTS, query).await;
        let rest = events(std::str::from_utf8(&rest.body).unwrap());
        assert_eq!(rest[0].0, "4.h4", "{id} {query}");
    }
    for id in ["x", "-1", "1.5.h", "3.", "3.h3;", "99999999999999999999", ""] {
        let refused = watched(&behind(id), EVENTS, "").await;
        let expected = if id == "3." { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        assert_eq!(refused.status, expected, "{id}");
    }
    let diverged = watched(&behind("3.h7"), EVENTS, "").await;
    assert_eq!(diverged.status, StatusCode::BAD_REQUEST, "the part looks at the hash");
}

#[tokio::test]
async fn a_stream_that_is_followed_ends_after_its_time_and_can_go_on() {
    let stage = Stage::of_shapes(|settings| settings.limits.stream_time_max = Duration::from_millis(300)).await;
    // As a browser does; how much comes in its time is the machine's business.
    let mut last = "0".to_owned();
    while last != format!("{POSITIONS}.h{POSITIONS}") {
        let answer = watched(&stage.browser().with("last-event-id", &last), EVENTS, "follow=true").await;
        let all = events(std::str::from_utf8(&answer.body).unwrap());
        assert!(all.iter().all(|(_, kind, _)| kind.is_empty()), "no end, no failure: {all:?}");
        last = all.last().map_or(last, |(id, _, _)| id.clone());
    }
    let all = lines(&watched(&stage.browser(), LINES, "follow=true").await);
    assert_eq!(all.last().unwrap()["error"]["code"], 14);
}

#[tokio::test]
async fn a_part_that_falls_silent_has_failed() {
    let stage = Stage::of_shapes(|settings| settings.limits.idle_timeout = Duration::from_millis(300)).await;
    let all = lines(&watched(&stage.browser(), LINES, "follow=true").await);
    let error = &all.last().unwrap()["error"];
    assert_eq!(error["code"], 4);
    assert!(error.to_string().contains("google.rpc.RequestInfo"), "{error}");
}

#[tokio::test]
async fn a_followed_stream_does_not_hold_up_the_end_of_the_process() {
    let stage = Stage::of_shapes(|_| {}).await;
    let browser = stage.browser().with("accept", EVENTS);
    let open = browser.open(Method::GET, "/v1/things:watch?follow=true", Bytes::new(), None).await.unwrap();
    let mut body = open.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    stage.env.shutdown.cancel();
    let rest = tokio::time::timeout(HANG_MAX, body.collect()).await.expect("the stream ends").unwrap();
    let text = String::from_utf8(rest.to_bytes().to_vec()).unwrap();
    assert!(events(&text).iter().all(|(_, kind, _)| kind.is_empty()), "{text}");
    tokio::time::timeout(HANG_MAX, stage.gateway.stopped()).await.expect("it stops").unwrap();
}

async fn put(browser: &Browser, path: &str, body: impl Into<Bytes>) -> Answer {
    browser.send(Method::POST, path, body.into(), Some("application/x-ndjson; charset=utf-8")).await
}

fn messages(answer: &Answer) -> Vec<Json> {
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    let json = answer.json();
    json["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|text| serde_json::from_str(text.as_str().unwrap()).unwrap())
        .collect()
}

#[tokio::test]
async fn lines_are_messages() {
    let stage = Stage::of_shapes(|_| {}).await;
    let browser = stage.browser();
    let sent = messages(
        &put(
            &browser,
            "/v1/boxes/b%201/things:put",
            "{\"id\": \"1\"}\n\n  \r\n{\"id\": 2, \"name\": \"other\", \"tags\": [\"a\\nb\"]}",
        )
        .await,
    );
    let seen: Vec<_> = sent.iter().map(|m| (m["id"].clone(), m["name"].clone(), m["tags"].clone())).collect();
    assert_eq!(seen, [(json!("1"), json!("b 1"), json!([])), (json!("2"), json!("b 1"), json!(["a\nb"]))]);
    assert_eq!(messages(&put(&browser, "/v1/boxes/b/things:put", "").await), [] as [Json; 0]);
    // Many lines, in pieces that end anywhere.
    let many: String =
        (0..20_000).map(|id| format!("{{\"id\": {id}, \"name\": \"{}\"}}\n", "中".repeat(id % 7))).collect();
    let sent = messages(&put(&browser, "/v1/boxes/b/things:put", many).await);
    assert!(
        sent.len() == 20_000
            && sent.iter().enumerate().all(|(index, m)| m["id"].as_str().is_some_and(|id| id.parse() == Ok(index)))
    );
}

#[tokio::test]
async fn lines_are_elements_of_a_field_and_the_first_message_has_the_others() {
    let stage = Stage::of_shapes(|_| {}).await;
    let browser = stage.browser();
    let many: String = (0..30_000).map(|n| format!("{{\"word\": \"w{n}\"}}\n")).collect();
    let sent = messages(&put(&browser, "/v1/boxes/b/inners:add?note=n", many).await);
    assert_eq!((&sent[0]["parent"], &sent[0]["note"]), (&json!("boxes/b"), &json!("n")));
    assert!(sent.len() > 1 && sent[1..].iter().all(|m| m["parent"] == "" && m["note"] == ""));
    let words: Vec<_> = sent.iter().flat_map(|m| m["inners"].as_array().unwrap().clone()).collect();
    assert!(sent.iter().all(|m| m["inners"].as_array().unwrap().len() <= ELEMENTS_MAX));
    assert!(words.len() == 30_000 && words.iter().enumerate().all(|(n, inner)| inner["word"] == format!("w{n}")));
    let empty = messages(&put(&browser, "/v1/boxes/b/inners:add?note=n", "\n").await);
    assert_eq!((empty.len(), &empty[0]["note"]), (1, &json!("n")));
}

#[tokio::test]
async fn a_line_that_is_wrong_is_named() {
    let stage = Stage::of_shapes(|settings| {
        settings.limits.json_bytes_max = 1 << 10;
        settings.limits.upload_bytes_max = 64 << 10;
    })
    .await;
    let browser = stage.browser();
    for (body, problem) in [
        ("{\"id\": 1}\n{\"nope\": 1}\n".to_owned(), "line 2: nope: no such field"),
        ("{}\n\n\n[]".to_owned(), "line 4: "),
        ("{\"id\": 1} {\"id\": 2}\n".to_owned(), "line 1: the end is expected"),
        ("{\"id\": 1, \"id\": 2}\n".to_owned(), "line 1: id: stands twice"),
        (format!("{{}}\n{{\"name\": \"{}\"}}\n", "x".repeat(1 << 10)), "line 2: "),
        ("x".repeat(8 << 10), "line 1: longer"),
    ] {
        let answer = put(&browser, "/v1/boxes/b/things:put", body).await;
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::BAD_REQUEST, "BAD_JSON"));
        assert!(answer.json().to_string().contains(problem), "{problem}: {}", answer.json());
    }
    let broken = put(&browser, "/v1/boxes/b/things:put", &b"{\"name\": \"\xff\"}\n"[..]).await;
    assert!(broken.json().to_string().contains("line 1: not UTF-8"));
    let large = put(&browser, "/v1/boxes/b/things:put", "{}\n".repeat(32 << 10)).await;
    assert_eq!((large.status, large.reason().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE"));
    for content_type in [None, Some("application/json"), Some("text/csv")] {
        let answer = browser.send(Method::POST, "/v1/boxes/b/things:put", "{}\n".into(), content_type).await;
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "CONTENT_TYPE"));
    }
    let query = put(&browser, "/v1/boxes/b/things:put?id=1", "{}\n").await;
    assert_eq!((query.status, query.reason().as_str()), (StatusCode::BAD_REQUEST, "INVALID"));
}

#[tokio::test]
async fn everything_a_contract_can_hold_goes_there_and_back() {
    let stage = Stage::of_shapes(|_| {}).await;
    let everything = json!({
        "bool": true, "int64": "-9223372036854775808", "fixed64": "18446744073709551615", "float": 0.5, "double": "-Infinity",
        "bytes": "AP/+", "colour": "COLOUR_RED", "colours": ["COLOUR_RED", 7], "manyLongs": ["-1"], "maybeString": "",
        "stringsByString": {"": "x", "中": "y"}, "innersByBool": {"true": {"word": "w", "numbers": []}}, "timesByFixed32": {"7": "2026-11-23T00:00:00.000000001Z"},
        "anInner": {"word": "", "numbers": [1, 2]}, "time": "0001-01-01T00:00:00Z", "duration": "-0.000000001s", "mask": "a.bC,d",
        "struct": {"a": [null, {"b": 1.5}]}, "value": [true], "listValue": ["x"], "empty": {},
        "any": {"@type": "type.googleapis.com/google.protobuf.Timestamp", "value": "2026-11-23T00:00:00Z"},
        "int64Value": "7", "boolValue": false, "doubleValue": "NaN", "bytesValue": "", "values": [null, 1.0],
    });
    let answer = stage.browser().post("/v1/everything", everything.clone()).await;
    let back = answer.json();
    for (name, value) in everything.as_object().unwrap() {
        assert_eq!(&back[name], value, "{name}");
    }
    assert_eq!((&back["int32"], &back["uint64"], back.get("inner")), (&json!(0), &json!("0"), None));
    // The defaults, and bindings the product has none of.
    let limits = Limits::default();
    assert!(limits.stream_time_max <= Duration::from_secs(300), "no longer than a token lives");
    for (path, name) in
        [("/v1/old/things/7", "7"), ("/v1/%74hings/7", "7"), ("/v1/things/9007199254740993", "9007199254740993")]
    {
        assert_eq!(stage.browser().get(path).await.json()["id"], name, "{path}");
    }
    let report = stage
        .browser()
        .send(Method::from_bytes(b"REPORT").unwrap(), "/v1/things?tags=a&tags=b", Bytes::new(), None)
        .await;
    assert_eq!(report.json()["tags"], json!(["a", "b"]));
}
