//! Streams both ways over HTTP (art. 13, 22), for programs that speak no gRPC: a register goes in a line at a time, and what happened comes
//! out as lines or server-sent events, each program hearing what is meant for its department. In one process and in many.

use bytes::Bytes;
use http::{Method, StatusCode};
use kit::codes::{CreditCode, DistrictCode};
use serde_json::{Value, json};
use tests::{
    city::{City, Layout},
    web::{Answer, Web},
};

use crate::telling::{found_department, number};

const LINES: &str = "application/x-ndjson";

/// A program of an organisation.
async fn program(city: &City, operator: &Web, organisation: &str) -> Web {
    let request = json!({"title": "部门业务系统", "organisation": organisation});
    let made = operator.post("/v1/machineClients", request).await.ok();
    let issue = json!({"client": made["name"], "secret": made["secret"]});
    let issued = city.anonymous().post("/v1/token:issue", issue).await.ok();
    Web::with_token(&city.url, issued["token"].as_str().unwrap())
}

async fn get(web: &Web, path: &str, headers: &[(&str, &str)]) -> Answer {
    web.send_with(Method::GET, path, headers, Bytes::new()).await.unwrap()
}

/// What came as lines, up to the end that a whole stream has.
fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!((answer.status, &answer.headers["content-type"]), (StatusCode::OK, &LINES.parse().unwrap()));
    let text = answer.text();
    let mut all: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let end = all.pop().unwrap();
    assert_eq!(number(&end["end"]["messages"]), all.len() as i64, "{end}");
    all.iter().map(|line| line["result"].clone()).collect()
}

/// Ids and data of server-sent events.
fn events(answer: &Answer) -> Vec<(String, Value)> {
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    let text = answer.text();
    let field = |block: &str, name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    let blocks = text.split("\n\n").filter(|block| block.starts_with("id: "));
    blocks.map(|b| (field(b, "id: ").unwrap(), serde_json::from_str(&field(b, "data: ").unwrap()).unwrap())).collect()
}

/// Officers' certificates that were told of.
fn officers(messages: &[Value]) -> Vec<String> {
    let payloads = messages.iter().map(|message| &message["event"]["payload"]);
    let told = payloads.filter(|payload| payload["@type"].as_str().is_some_and(|t| t.ends_with(".OfficerChanged")));
    told.map(|payload| payload["certificate"].as_str().unwrap().to_owned()).collect()
}

async fn streams_go_both_ways(layout: Layout) {
    let mut city = City::start(layout).await;
    let department = found_department(&city, "lines", "410202").await;
    let operator = city.as_person("operator").await;
    let own = program(&city, &operator, &department.name).await;
    let other = program(&city, &operator, "organisations/ecology").await;

    // More rows than one message takes, one of them wrong; each is told of by its number.
    let district = DistrictCode::parse("410202").unwrap();
    let row = |n: u32| {
        let key = if n == 1_700 {
            "nonsense".to_owned()
        } else {
            CreditCode::generate(district, false, 700_000 + n).to_string()
        };
        json!({"key": key, "title": format!("第{n}商行")}).to_string() + "\n"
    };
    let rows: String = (1..=2_500).map(row).collect();
    let path = format!("/v1/{}/subjects:importRows?defaultDistrict=410202&fileName=rows", department.name);
    let put = async |rows: String| own.send(Method::POST, &path, LINES, rows.into()).await.unwrap();
    let report = put(rows.clone()).await.ok();
    assert_eq!((number(&report["rows"]), number(&report["created"]), number(&report["returned"])), (2_500, 2_499, 1));
    assert_eq!(
        (report["encoding"].as_str(), number(&report["problems"][0]["line"])),
        (Some("ROWS"), 1_700),
        "{report}"
    );
    assert_eq!(number(&put(rows).await.ok()["unchanged"]), 2_499, "sent once more, nothing is there twice");
    let broken = put("{\"key\": \"x\"}\n{\"nope\": 1}\n".to_owned()).await;
    broken.refused_for("BAD_JSON", "");
    assert!(broken.text().contains("line 2") && broken.text().contains("google.rpc.RequestInfo"), "{}", broken.text());

    // Both departments' officers are in the log of identity; each hears of its own.
    let heard = lines(&own.get("/v1/events/identity").await);
    let told = officers(&heard);
    assert_eq!(told.iter().filter(|certificate| certificate.starts_with("lines-")).count(), 6, "{told:?}");
    assert!(!officers(&lines(&other.get("/v1/events/identity").await)).iter().any(|c| c.starts_with("lines-")));
    let watched = events(&get(&own, "/v1/events/identity", &[("accept", "text/event-stream")]).await);
    let positions = |messages: &[Value]| messages.iter().map(|m| number(&m["position"])).collect::<Vec<_>>();
    let all: Vec<Value> = watched.iter().map(|(_, message)| message.clone()).collect();
    assert!(positions(&all).windows(2).all(|pair| pair[0] < pair[1]) && all.len() > 6);
    // A browser that lost the connection behind the fourth comes back with its id.
    let (id, _) = &watched[3];
    let rest = [("accept", "text/event-stream"), ("last-event-id", id.as_str())];
    let rest: Vec<Value> = events(&get(&own, "/v1/events/identity", &rest).await).into_iter().map(|(_, m)| m).collect();
    assert!(officers(&rest).len() <= officers(&all).len() && positions(&rest)[0] > positions(&all)[3]);
    assert_eq!(officers(&rest), officers(&all[4..]));
    let (at, hash) = (number(&all[3]["position"]), "0".repeat(64));
    let diverged = own.get(&format!("/v1/events/identity?after={at}&afterHash={hash}")).await;
    assert_eq!(lines_refused(&diverged), "LOG_DIVERGED");
    for log in ["catalog", "draws"] {
        assert!(own.get(&format!("/v1/events/{log}")).await.status.is_success(), "{log}");
    }
    department.handler.get("/v1/events/draws").await.refused_for("ROLE_MISSING", "27");
    city.anonymous().get("/v1/events/draws").await.refused_for("NOT_SIGNED_IN", "27");
    city.stop().await;
}

/// Why a stream was refused, before its first message or instead of it.
fn lines_refused(answer: &Answer) -> String {
    if !answer.status.is_success() {
        return answer.refused().0;
    }
    let last: Value = serde_json::from_str(answer.text().lines().last().unwrap()).unwrap();
    let details = last["error"]["details"].as_array().unwrap();
    details.iter().find_map(|detail| detail["reason"].as_str()).unwrap().to_owned()
}

#[tokio::test]
async fn streams_go_both_ways_over_http_in_one_process() {
    streams_go_both_ways(Layout::One).await;
}

#[tokio::test]
async fn streams_go_both_ways_over_http_in_many() {
    streams_go_both_ways(Layout::Many).await;
}
