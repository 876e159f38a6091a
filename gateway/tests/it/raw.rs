//! Bytes on a socket that no HTTP library would send: each is refused with a 4xx and a `google.rpc.Status`, and the gateway goes
//! on.

use std::time::Duration;

use http::StatusCode;
use kit::testing::{HANG_MAX, until};
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::stage::Stage;

/// An answer as it came over the wire.
#[derive(Debug)]
struct Raw {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Raw {
    fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn reason(&self) -> String {
        let json = self.json();
        let details = json["details"].as_array().unwrap_or_else(|| panic!("no details in {json}"));
        let info = details.iter().find(|detail| detail["@type"] == "type.googleapis.com/google.rpc.ErrorInfo");
        info.unwrap_or_else(|| panic!("no reason in {json}"))["reason"].as_str().unwrap().to_owned()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v)
    }
}

/// Reads the answers of a connection until it is closed.
fn parsed(mut bytes: &[u8]) -> Vec<Raw> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head in {:?}", String::from_utf8_lossy(bytes))) + 4;
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        bytes = &bytes[end..];
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Raw { status, head, body: Vec::new() };
        if status != 100 {
            let length = answer.header("content-length").unwrap_or_else(|| panic!("{answer:?}")).parse().unwrap();
            let (body, rest) = bytes.split_at(length);
            answer.body = body.to_vec();
            bytes = rest;
        }
        answers.push(answer);
    }
    answers
}

/// Sends bytes and reads until the gateway closes.
async fn exchange(stage: &Stage, request: impl AsRef<[u8]>) -> Vec<Raw> {
    let mut connection = TcpStream::connect(stage.gateway.address).await.unwrap();
    // It may be closed before all is sent.
    let _ = connection.write_all(request.as_ref()).await;
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(HANG_MAX, connection.read_to_end(&mut bytes)).await;
    read.expect("the gateway closes").unwrap();
    parsed(&bytes)
}

async fn refused(stage: &Stage, request: impl AsRef<[u8]>) -> Raw {
    let mut answers = exchange(stage, request.as_ref()).await;
    let shown = String::from_utf8_lossy(request.as_ref()).chars().take(200).collect::<String>();
    assert_eq!(answers.len(), 1, "{shown}: {answers:?}");
    let answer = answers.remove(0);
    assert_eq!(answer.header("connection"), Some("close"), "{shown}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{shown}");
    assert!(answer.header("x-request-id").is_some() && answer.header("x-content-type-options").is_some(), "{shown}");
    answer
}

const HEAD: &str = "POST /v1/session:signIn HTTP/1.1\r\nhost: q\r\ncontent-type: application/json\r\n";

async fn lives(stage: &Stage) {
    assert_eq!(stage.browser().get("/v1/public/draws").await.status, StatusCode::OK);
}

#[tokio::test]
async fn requests_that_two_readers_could_take_apart_differently_are_refused() {
    let stage = Stage::new().await;
    let smuggled = "GET /v1/me HTTP/1.1\r\nhost: q\r\n\r\n";
    for (headers, body) in [
        ("content-length: 4\r\ntransfer-encoding: chunked", format!("0\r\n\r\n{smuggled}")),
        ("transfer-encoding: chunked\r\ncontent-length: 4", format!("0\r\n\r\n{smuggled}")),
        ("transfer-encoding: chunked\r\ntransfer-encoding: identity", "0\r\n\r\n".into()),
        ("transfer-encoding: identity", "{}".into()),
        ("transfer-encoding: chunked, identity", "0\r\n\r\n".into()),
        ("transfer-encoding: gzip, chunked", "0\r\n\r\n".into()),
        ("transfer-encoding: xchunked", "0\r\n\r\n".into()),
        ("transfer-encoding : chunked", "0\r\n\r\n".into()),
        ("transfer-encoding\u{b}: chunked", "0\r\n\r\n".into()),
        ("transfer-encoding: chunked\r\n x: folded", "0\r\n\r\n".into()),
        ("content-length: 2\r\ncontent-length: 30", "{}".into()),
        ("content-length: 2\r\ncontent-length: 2", "{}".into()),
        ("content-length: 2, 2", "{}".into()),
        ("content-length: +2", "{}".into()),
        ("content-length: -2", "{}".into()),
        ("content-length: 0x2", "{}".into()),
        ("content-length: 2 2", "{}".into()),
        ("content-length: 99999999999999999999", "{}".into()),
        ("content-length:", "{}".into()),
        ("content-length: 2\nx: y", "{}".into()),
        ("content-length: 2\rx: y", "{}".into()),
        ("x: a\0b\r\ncontent-length: 2", "{}".into()),
    ] {
        let answer = refused(&stage, format!("{HEAD}{headers}\r\n\r\n{body}")).await;
        assert_eq!((answer.status, answer.reason().as_str()), (400, "BAD_HTTP"), "{headers}");
    }
    assert!(!stage.world.was_called("OpenSignIn") && !stage.world.was_called("GetMe"));
    lives(&stage).await;
}

#[tokio::test]
async fn what_is_no_http_is_told_so() {
    let stage = Stage::new().await;
    for request in [
        &b"nonsense\r\n\r\n"[..],
        b"GET /v1/me\r\n\r\n",
        b"GET  /v1/me HTTP/1.1\r\nhost: q\r\n\r\n",
        b"GET /v1/me HTTP/1.2\r\nhost: q\r\n\r\n",
        b"GET /v1/me HTTP/2.0\r\nhost: q\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /v1/me http/1.1\r\nhost: q\r\n\r\n",
        b"GET /v1/me HTTP/1.1\r\n\r\n",
        b"GET /v1/me HTTP/1.1\r\nhost: q\r\nhost: r\r\n\r\n",
        b"GET /v1/me HTTP/1.1\r\nhost:\r\n\r\n",
        b"GET /v1/me HTTP/1.1\r\nhost: q/x@y\r\n\r\n",
        b"GET /v1/me HTTP/1.1\r\n host: q\r\n\r\n",
        b"GET /v1/me HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /v1/me HTTP/1.1\nhost: q\n\n",
        b"G\xc3\xa9T /v1/me HTTP/1.1\r\nhost: q\r\n\r\n",
        b"GET /v1/\x01 HTTP/1.1\r\nhost: q\r\n\r\n",
        b"GET v1/me HTTP/1.1\r\nhost: q\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: q\r\n\r\n",
        b"CONNECT q:80 HTTP/1.1\r\nhost: q\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n",
    ] {
        let answer = refused(&stage, request).await;
        let shown = String::from_utf8_lossy(request);
        assert_eq!((answer.status, answer.reason().as_str()), (400, "BAD_HTTP"), "{shown}");
        assert_eq!(answer.json()["code"], 3, "{shown}");
    }
    lives(&stage).await;
}

#[tokio::test]
async fn a_flood_of_headers_is_refused() {
    let stage = Stage::new().await;
    let large = format!("GET /v1/me HTTP/1.1\r\nhost: q\r\nx-large: {}\r\n\r\n", "x".repeat(64 << 10));
    let many = format!("GET /v1/me HTTP/1.1\r\nhost: q\r\n{}\r\n", "a: b\r\n".repeat(100));
    let long = format!("GET /v1/me?{} HTTP/1.1\r\nhost: q\r\n\r\n", "x".repeat(128 << 10));
    let endless = format!("GET /v1/me HTTP/1.1\r\nhost: q\r\n{}", "a: b\r\n".repeat(100_000));
    for request in [large, many, long, endless] {
        let answer = refused(&stage, request).await;
        assert!(matches!(answer.status, 431 | 414), "{answer:?}");
        assert_eq!(answer.reason(), "BAD_HTTP");
    }
    lives(&stage).await;
}

#[tokio::test]
async fn a_head_that_comes_too_slowly_is_told_and_an_idle_connection_just_ends() {
    let stage = Stage::with(|settings| settings.limits.header_timeout = Duration::from_millis(200)).await;
    // Where even the first bytes were too slow, the connection just ends.
    let said = async |request: &str| loop {
        let answers = exchange(&stage, request).await;
        if !answers.is_empty() {
            break answers;
        }
    };
    let answers = said("GET /v1/me HTTP/1.1\r\nhost:").await;
    assert_eq!((answers[0].status, answers[0].reason().as_str()), (408, "TOO_SLOW"));
    assert_eq!(answers[0].header("connection"), Some("close"));
    assert!(exchange(&stage, "").await.is_empty());
    let statuses = |answers: Vec<Raw>| answers.iter().map(|answer| answer.status).collect::<Vec<_>>();
    assert_eq!(statuses(said("GET /v1/public/draws HTTP/1.1\r\nhost: q\r\n\r\n").await), [200]);
    let two = "GET /v1/public/draws HTTP/1.1\r\nhost: q\r\n\r\nGET /v1";
    assert_eq!(statuses(said(two).await), [200, 408]);
}

#[tokio::test]
async fn a_body_that_is_broken_is_refused() {
    let stage = Stage::new().await;
    for body in [
        "zz\r\n{}\r\n0\r\n\r\n",
        "-2\r\n{}\r\n0\r\n\r\n",
        "2\n{}\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n{}",
        "2\r\n{}xx0\r\n\r\n",
        "2;a=\nb\r\n{}\r\n0\r\n\r\n",
    ] {
        let answer = refused(&stage, format!("{HEAD}transfer-encoding: chunked\r\n\r\n{body}")).await;
        assert_eq!((answer.status, answer.reason().as_str()), (400, "BAD_HTTP"), "{body}");
    }
    assert!(!stage.world.was_called("OpenSignIn"));
    lives(&stage).await;
}

#[tokio::test]
async fn a_client_that_stops_in_the_middle_is_told_and_leaves_nothing_behind() {
    let stage = Stage::with(|settings| settings.limits.requests_max = 2).await;
    for sent in [
        format!("{HEAD}content-length: 100\r\n\r\n{{"),
        format!("{HEAD}transfer-encoding: chunked\r\n\r\n5\r\n{{"),
        "GET /v1/me HTTP/1.1\r\nhost: q\r\n".to_owned(),
        "GE".to_owned(),
    ] {
        for _ in 0..3 {
            let mut connection = TcpStream::connect(stage.gateway.address).await.unwrap();
            connection.write_all(sent.as_bytes()).await.unwrap();
            connection.shutdown().await.unwrap();
            let mut bytes = Vec::new();
            tokio::time::timeout(HANG_MAX, connection.read_to_end(&mut bytes)).await.expect("it is closed").unwrap();
            let answers = parsed(&bytes);
            assert_eq!(answers.len(), 1, "{sent}");
            assert_eq!((answers[0].status, answers[0].reason().as_str()), (400, "BAD_HTTP"), "{sent}");
        }
    }
    // Had one of them kept its place, there were none left.
    lives(&stage).await;
}

/// RFC 9112 takes nothing from a client that closes its side behind a whole request: it still gets its answers, however long they take.
#[tokio::test]
async fn a_client_that_has_closed_its_side_gets_its_answers() {
    let stage = Stage::new().await;
    let slow = "GET /v1/public/overview HTTP/1.1\r\nhost: q\r\n\r\n";
    let body = "{\"username\": \"handler\", \"password\": \"wrong\"}";
    for (request, statuses) in [
        (slow.to_owned(), vec![200]),
        (format!("{slow}GET /v1/public/draws HTTP/1.1\r\nhost: q\r\n\r\n"), vec![200, 200]),
        (format!("{slow}GET /v1"), vec![200, 400]),
        (format!("{HEAD}content-length: {}\r\n\r\n{body}", body.len()), vec![401]),
        (format!("{HEAD}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len()), vec![401]),
    ] {
        let before = *stage.world.waiting.borrow();
        stage.world.released.send_replace(false);
        let mut connection = TcpStream::connect(stage.gateway.address).await.unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        connection.shutdown().await.unwrap();
        if request.starts_with(slow) {
            // Long after the end was read.
            stage.world.waiting.subscribe().wait_for(|waiting| *waiting > before).await.unwrap();
            stage.world.released.send_replace(true);
        }
        let mut bytes = Vec::new();
        tokio::time::timeout(HANG_MAX, connection.read_to_end(&mut bytes)).await.expect("it is closed").unwrap();
        let answers = parsed(&bytes);
        assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), statuses, "{request}");
    }
}

#[tokio::test]
async fn what_follows_a_refusal_on_the_same_connection_is_not_read() {
    let stage = Stage::new().await;
    let next = "GET /v1/public/draws HTTP/1.1\r\nhost: q\r\n\r\n";
    let answers = exchange(&stage, format!("{HEAD}content-length: 2\r\ncontent-length: 2\r\n\r\n{{}}{next}")).await;
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [400]);
    let answers = exchange(&stage, format!("{next}{next}nonsense\r\n\r\n{next}")).await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 400]);
    // Chunked requests one after the other are as good as any; one behind the other are not told apart.
    let chunked = format!("{HEAD}transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n");
    let answers = exchange(&stage, format!("{chunked}{chunked}")).await;
    let reasons: Vec<_> = answers.iter().map(Raw::reason).collect();
    assert_eq!(reasons, ["WRONG_PASSWORD", "BAD_HTTP"]);
}

#[tokio::test]
async fn chunked_requests_share_a_connection_one_after_the_other() {
    let stage = Stage::new().await;
    let mut connection = TcpStream::connect(stage.gateway.address).await.unwrap();
    for _ in 0..3 {
        let chunked = format!("{HEAD}transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n");
        connection.write_all(chunked.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        let whole = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                length.is_some_and(|length| length.parse() == Ok(body.len()))
            })
        };
        while !whole(&bytes) {
            let read = tokio::time::timeout(HANG_MAX, connection.read_buf(&mut bytes)).await;
            assert_ne!(read.expect("it answers").unwrap(), 0, "{}", String::from_utf8_lossy(&bytes));
        }
        assert_eq!(parsed(&bytes)[0].reason(), "WRONG_PASSWORD");
    }
}

#[tokio::test]
async fn expectations_encodings_and_types_that_are_not_taken_have_their_own_status() {
    let stage = Stage::new().await;
    let browser = stage.browser();
    let body = r#"{"username": "handler", "password": "wrong"}"#;
    let post = |name: &'static str, value: &'static str| {
        let browser = browser.clone().with(name, value);
        async move { browser.post("/v1/session:signIn", serde_json::from_str(body).unwrap()).await }
    };
    for (name, value, status, reason) in [
        ("expect", "200-ok", 417, "BAD_HTTP"),
        ("content-encoding", "gzip", 415, "CONTENT_TYPE"),
        ("content-encoding", "identity, br", 415, "CONTENT_TYPE"),
        ("accept", "text/html", 406, "NOT_ACCEPTABLE"),
        ("accept", "application/json;q=0, */*", 406, "NOT_ACCEPTABLE"),
        ("accept", "application/*", 401, "WRONG_PASSWORD"),
        ("expect", "100-continue", 401, "WRONG_PASSWORD"),
    ] {
        let answer = post(name, value).await;
        assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (status, reason), "{name}: {value}");
    }
    let continued = format!("{HEAD}content-length: 2\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n{{}}");
    let statuses: Vec<_> = exchange(&stage, continued).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [100, 401]);
}

/// A dice that always falls the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    /// The request with something wrong about it.
    fn spoil(&mut self, request: &str) -> Vec<u8> {
        let mut lines: Vec<Vec<u8>> = request.split_inclusive('\n').map(|line| line.as_bytes().to_vec()).collect();
        for _ in 0..=self.below(3) {
            let line = self.below(lines.len());
            let at = self.below(lines[line].len() + 1);
            let other = self.below(lines.len());
            match self.below(7) {
                0 => lines.insert(line, lines[other].clone()),
                1 if lines.len() > 1 => drop(lines.remove(line)),
                2 => lines[line].truncate(at),
                3 => lines[line].insert(at, b"\r\n\0 :,;%\xff\x80\"{}"[self.below(13)]),
                4 if at < lines[line].len() => lines[line][at] = self.below(256) as u8,
                5 => lines.swap(line, other),
                _ => lines[line] = lines[line].repeat(1 + self.below(40)),
            }
        }
        lines.concat()
    }
}

#[tokio::test]
async fn whatever_comes_is_answered_or_let_go_and_never_a_failure_of_ours() {
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder().unwrap();
    let stage = Stage::new().await;
    let body = r#"{"username": "handler", "password": "wrong", "x": [1e400, "\ud800"]}"#;
    let requests = [
        "GET /v1/public/draws?query=%E5%BC%80&pageSize=7 HTTP/1.1\r\nhost: q\r\naccept: application/json\r\n\r\n"
            .to_owned(),
        "GET /v1/me HTTP/1.1\r\nhost: q\r\ncookie: qingtian_session=x\r\nauthorization: Bearer x.y.z\r\n\r\n"
            .to_owned(),
        format!("{HEAD}content-length: {}\r\n\r\n{body}", body.len()),
        format!("{HEAD}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\nx: y\r\n\r\n", body.len()),
        "PATCH /v1/plans/7?requestId=%zz HTTP/1.1\r\nhost: q\r\nif-none-match: *\r\nrange: bytes=0-\r\n\r\n".to_owned(),
    ];
    let mut dice = Dice(7);
    let mut answered = 0;
    for round in 0..1_000 {
        let request = dice.spoil(&requests[round % requests.len()]);
        let shown = String::from_utf8_lossy(&request).into_owned();
        let mut connection = TcpStream::connect(stage.gateway.address).await.unwrap();
        // It may be closed before all is sent.
        let _ = connection.write_all(&request).await;
        let _ = connection.shutdown().await;
        let mut bytes = Vec::new();
        let read = tokio::time::timeout(HANG_MAX, connection.read_to_end(&mut bytes)).await;
        let read = read.unwrap_or_else(|_| panic!("round {round} hangs: {shown}"));
        if read.is_err() {
            continue;
        }
        for answer in parsed(&bytes) {
            answered += 1;
            assert!(answer.status < 500, "round {round}: {answer:?} to {shown}");
            if answer.status >= 400 && answer.header("content-type") == Some("application/json") {
                assert!(!answer.reason().is_empty() && answer.json()["code"] != 13, "round {round}: {shown}");
            }
        }
    }
    assert!(answered > 300, "only {answered} were answered");
    let open = ["requests", "connections"].map(|what| format!("gateway_open{{what=\"{what}\"}} 0\n"));
    until("nothing is left of them", async || open.iter().all(|line| metrics.render().contains(line))).await;
    lives(&stage).await;
}
