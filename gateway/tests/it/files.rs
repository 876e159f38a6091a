//! Uploads and downloads: whole, bounded, and never short without saying so.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use gateway::upload::CHUNK_BYTES_MAX;
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use proto::google::api::HttpBody;
use proto::qingtian::draws::v1::ImportSubjectsRequest;
use proto::qingtian::draws::v1::registers_client::RegistersClient;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use kit::testing::HANG_MAX;

use crate::parts::{ROW_BYTES, Upload};
use crate::stage::{Browser, Stage};

const IMPORT: &str = "/v1/organisations/market/subjects:import";

fn pattern(bytes: usize) -> Bytes {
    (0..bytes).map(|n| (n * 31 % 251) as u8).collect::<Vec<_>>().into()
}

async fn uploaded(stage: &Stage) -> Upload {
    let mut uploads = stage.world.uploads.subscribe();
    let waited = tokio::time::timeout(HANG_MAX, uploads.wait_for(|uploads| !uploads.is_empty())).await;
    waited.expect("the part saw the upload end").unwrap().last().unwrap().clone()
}

/// The head of an upload, for tests that break it off.
fn head(browser: &Browser, extra: &str) -> String {
    format!(
        "POST {IMPORT} HTTP/1.1\r\nhost: q\r\ncookie: {}\r\nx-csrf-token: {}\r\ncontent-type: text/csv\r\n{extra}\r\n\r\n",
        browser.cookie.as_ref().unwrap(),
        browser.csrf.as_ref().unwrap()
    )
}

#[tokio::test]
async fn an_upload_arrives_whole_in_chunks_with_its_fields_in_the_first() {
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    let file = pattern(5 * (1 << 20) + 17);
    let answer = browser
        .upload(
            &format!(
                "{IMPORT}?fileName=a.csv&columns=key%3D%E4%BB%A3%E7%A0%81&columns=title%3Dt&defaultDistrict=410202"
            ),
            file.clone(),
        )
        .await;
    assert_eq!(
        (answer.status, answer.json()["rows"].as_str().unwrap()),
        (StatusCode::OK, file.len().to_string().as_str())
    );
    let upload = uploaded(&stage).await;
    assert_eq!(upload.digest, hex::encode(Sha256::digest(&file)));
    assert_eq!(upload.end, Some(Ok(())));
    assert!(upload.chunks.iter().all(|&bytes| bytes > 0 && bytes <= CHUNK_BYTES_MAX), "{:?}", upload.chunks);
    assert_eq!((upload.first.parent.as_str(), upload.first.file_name.as_str()), ("organisations/market", "a.csv"));
    assert_eq!(upload.first.columns, ["key=代码", "title=t"]);
    assert_eq!(upload.first.file.unwrap().content_type, "text/csv");
    assert!(!upload.later_fields, "later messages carry only bytes");
}

#[tokio::test]
async fn an_empty_file_is_an_upload_too() {
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    assert_eq!(browser.upload(&format!("{IMPORT}?fileName=empty.csv"), "").await.status, StatusCode::OK);
    let upload = uploaded(&stage).await;
    assert_eq!((upload.chunks, upload.first.file_name.as_str(), upload.end), (vec![0], "empty.csv", Some(Ok(()))));
}

#[tokio::test]
async fn an_upload_that_breaks_off_is_a_failed_rpc_never_a_short_file() {
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    let chunked = format!("{:x}\r\n{}\r\n", 300_000, "y".repeat(300_000));
    for (announced, sent) in [("content-length: 1000000", "y".repeat(300_000)), ("transfer-encoding: chunked", chunked)]
    {
        stage.world.uploads.send_modify(Vec::clear);
        let mut connection = TcpStream::connect(stage.gateway.address).await.unwrap();
        connection.write_all(head(&browser, announced).as_bytes()).await.unwrap();
        connection.write_all(sent.as_bytes()).await.unwrap();
        connection.shutdown().await.unwrap();
        drop(connection);
        let upload = uploaded(&stage).await;
        assert!(matches!(upload.end, Some(Err(_))), "{announced}: {:?} after {:?}", upload.end, upload.chunks);
    }
}

#[tokio::test]
async fn a_grpc_client_that_gives_up_is_no_short_file_either() {
    // tonic's servers end the stream regularly on RST_STREAM(CANCEL), which is what a dropped call sends; the guard does not.
    let stage = Stage::new().await;
    let channel = tonic::transport::Endpoint::from_shared(stage.parts_url.clone()).unwrap().connect().await.unwrap();
    let mut client = RegistersClient::new(channel);
    let (chunks, received) = tokio::sync::mpsc::channel(1);
    let mut request = tonic::Request::new(tokio_stream::wrappers::ReceiverStream::new(received));
    let token = stage.world.token("users/handler").token;
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let call = tokio::spawn(async move { client.import_subjects(request).await });
    let chunk = || ImportSubjectsRequest {
        file: Some(HttpBody { data: vec![1; 1000], ..Default::default() }),
        ..Default::default()
    };
    for _ in 0..3 {
        chunks.send(chunk()).await.unwrap();
    }
    while !stage.world.was_called("ImportSubjects") {
        tokio::task::yield_now().await;
    }
    call.abort();
    assert!(matches!(uploaded(&stage).await.end, Some(Err(_))));
    drop(chunks);
}

#[tokio::test]
async fn an_upload_that_stands_still_ends() {
    let stage = Stage::with(|settings| settings.limits.idle_timeout = Duration::from_millis(200)).await;
    let browser = stage.signed_in().await;
    let mut connection = TcpStream::connect(stage.gateway.address).await.unwrap();
    connection.write_all(head(&browser, "content-length: 1000000").as_bytes()).await.unwrap();
    connection.write_all(b"some").await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(matches!(uploaded(&stage).await.end, Some(Err(_))));
}

/// No pause is ever too long, and yet it would hold its place for days.
#[tokio::test]
async fn an_upload_that_trickles_ends() {
    let stage = Stage::with(|settings| {
        settings.limits.upload_grace = Duration::from_millis(300);
        settings.limits.upload_bytes_a_second_min = 1 << 20;
    })
    .await;
    let browser = stage.signed_in().await;
    let mut connection = TcpStream::connect(stage.gateway.address).await.unwrap();
    connection.write_all(head(&browser, "content-length: 1000000").as_bytes()).await.unwrap();
    let (mut read, mut write) = connection.split();
    let mut answer = vec![0; 64];
    let trickle = async {
        while write.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let first = async {
        tokio::select! {
            first = read.read(&mut answer) => first.unwrap(),
            () = trickle => panic!("closed without an answer"),
        }
    };
    let first = tokio::time::timeout(HANG_MAX, first).await.expect("a trickle holds a place for ever");
    let answer = String::from_utf8_lossy(&answer[..first]);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(matches!(uploaded(&stage).await.end, Some(Err(_))));
}

#[tokio::test]
async fn an_upload_that_is_too_large_is_refused_before_or_on_the_way() {
    let stage = Stage::with(|settings| settings.limits.upload_bytes_max = 1 << 20).await;
    let browser = stage.signed_in().await;
    let answer = browser.upload(IMPORT, pattern((1 << 20) + 1)).await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE"));
    assert!(!stage.world.was_called("ImportSubjects"), "its length was announced");
    let mut connection = TcpStream::connect(stage.gateway.address).await.unwrap();
    connection.write_all(head(&browser, "transfer-encoding: chunked").as_bytes()).await.unwrap();
    let (mut read, mut write) = connection.split();
    let send = async {
        let chunk = format!("{:x}\r\n{}\r\n", 1 << 18, "y".repeat(1 << 18));
        for _ in 0..5 {
            // The gateway may have closed the connection by now.
            if write.write_all(chunk.as_bytes()).await.is_err() {
                return;
            }
        }
    };
    let mut answer = vec![0; 64];
    let (_, first) = tokio::join!(send, read.read(&mut answer));
    let answer = String::from_utf8_lossy(&answer[..first.unwrap()]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(matches!(uploaded(&stage).await.end, Some(Err(_))));
}

#[tokio::test]
async fn a_refusal_before_the_end_is_heard_by_a_client_that_still_sends() {
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    let answer = browser.upload(&format!("{IMPORT}?fileName=refused.csv"), pattern(20 << 20)).await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::BAD_REQUEST, "FILE_UNREADABLE"));
    let anonymous = stage.browser().upload(IMPORT, pattern(20 << 20)).await;
    assert_eq!((anonymous.status, anonymous.reason().as_str()), (StatusCode::UNAUTHORIZED, "NOT_SIGNED_IN"));
    let mut forged = browser.clone();
    forged.csrf = None;
    let forged = forged.upload(IMPORT, pattern(20 << 20)).await;
    assert_eq!((forged.status, forged.reason().as_str()), (StatusCode::FORBIDDEN, "CSRF"));
    let wrong = browser.upload(&format!("{IMPORT}?nope=1"), pattern(20 << 20)).await;
    assert_eq!((wrong.status, wrong.reason().as_str()), (StatusCode::BAD_REQUEST, "INVALID"));
}

#[tokio::test]
async fn a_download_has_its_type_and_name_and_arrives_whole() {
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    let answer = browser.get("/v1/organisations/market/subjects:export").await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 3 * ROW_BYTES));
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"subjects.csv\"");
    assert_eq!(answer.header("cache-control"), "no-store");
    let head = browser.send(Method::HEAD, "/v1/organisations/market/subjects:export", Bytes::new(), None).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
}

#[tokio::test]
async fn evidence_is_kept_and_not_sent_twice() {
    let stage = Stage::new().await;
    let path = "/v1/public/draws/2026-0001/evidence";
    let answer = stage.browser().get(path).await;
    assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(answer.header("etag"), "\"abc\"");
    for known in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
        let again = stage.browser().with("if-none-match", known).get(path).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
    }
    assert_eq!(stage.browser().with("if-none-match", "\"other\"").get(path).await.status, StatusCode::OK);
    let absent = stage.browser().get("/v1/public/draws/absent/evidence").await;
    assert_eq!((absent.status, absent.reason().as_str()), (StatusCode::NOT_FOUND, "NOT_FOUND"));
}

#[tokio::test]
async fn a_part_of_the_evidence_is_sent_to_who_asks_for_it() {
    let stage = Stage::new().await;
    let path = "/v1/public/draws/2026-0001/evidence";
    let whole = stage.browser().get(path).await;
    let length = 3 * ROW_BYTES;
    assert_eq!((whole.status, whole.body.len()), (StatusCode::OK, length));
    assert_eq!((whole.header("accept-ranges"), whole.header("content-length")), ("bytes", &*length.to_string()));
    for (range, bytes) in [
        ("bytes=0-0", 0..1),
        ("bytes=10-", 10..length),
        ("bytes=-5", length - 5..length),
        ("bytes=65000-140000", 65_000..140_001),
        ("bytes=131072-999999999", 131_072..length),
    ] {
        let part = stage.browser().with("range", range).with("if-range", "\"abc\"").get(path).await;
        assert_eq!(
            (part.status, &part.body),
            (StatusCode::PARTIAL_CONTENT, &whole.body.slice(bytes.clone())),
            "{range}"
        );
        assert_eq!(part.header("content-range"), format!("bytes {}-{}/{length}", bytes.start, bytes.end - 1));
        assert_eq!(part.header("content-length"), bytes.len().to_string());
        assert_eq!(part.header("etag"), "\"abc\"");
    }
    for (name, value) in [("if-range", "\"old\""), ("if-range", "W/\"abc\""), ("range", "bytes=0-1,4-5")] {
        let answer = stage.browser().with("range", "bytes=1-2").with(name, value).get(path).await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, length), "{name}: {value}");
        assert_eq!(answer.header("content-range"), "");
    }
    let head = stage.browser().with("range", "bytes=1-2").send(Method::HEAD, path, Bytes::new(), None).await;
    assert_eq!((head.status, head.header("content-length")), (StatusCode::OK, &*length.to_string()));
    let known = stage.browser().with("range", "bytes=1-2").with("if-none-match", "\"abc\"").get(path).await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    let beyond = stage.browser().with("range", &format!("bytes={length}-")).get(path).await;
    assert_eq!((beyond.status, beyond.reason().as_str()), (StatusCode::RANGE_NOT_SATISFIABLE, "INVALID"));
    assert_eq!(beyond.header("content-range"), format!("bytes */{length}"));
    assert_eq!(beyond.header("cache-control"), "no-store");
    // What is made anew each time has no length that could be cut.
    let browser = stage.signed_in().await.with("range", "bytes=1-2");
    let export = browser.get("/v1/organisations/market/subjects:export").await;
    assert_eq!((export.status, export.header("accept-ranges")), (StatusCode::OK, ""));
    // Fewer bytes than the part said.
    stage.world.fails_after.store(2, Ordering::SeqCst);
    let browser = stage.browser().with("range", "bytes=65000-140000");
    let broken = browser.open(Method::GET, path, Bytes::new(), None).await.unwrap();
    assert!(broken.into_body().collect().await.is_err(), "a shorter part must not look like the whole");
    let browser = stage.browser().with("range", "bytes=100-200");
    assert_eq!(browser.get(path).await.body, whole.body.slice(100..201), "what lies behind is not waited for");
}

#[tokio::test]
async fn a_download_that_fails_breaks_the_connection() {
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    stage.world.fails_after.store(2, Ordering::SeqCst);
    let response =
        browser.open(Method::GET, "/v1/organisations/market/subjects:export", Bytes::new(), None).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.into_body().collect().await.is_err(), "a part must not look like the whole");
    stage.world.fails_after.store(0, Ordering::SeqCst);
    let answer = browser.get("/v1/organisations/market/subjects:export").await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"));
    assert!(!answer.json().to_string().contains("/var/lib"));
}

#[tokio::test]
async fn a_client_that_reads_slowly_slows_the_part_down() {
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    let rows = 4_000;
    stage.world.rows.store(rows, Ordering::SeqCst);
    let response =
        browser.open(Method::GET, "/v1/organisations/market/subjects:export", Bytes::new(), None).await.unwrap();
    let mut produced = stage.world.produced.subscribe();
    let all = tokio::time::timeout(Duration::from_secs(2), produced.wait_for(|made| *made >= rows)).await;
    assert!(all.is_err(), "256 MB were made for a client that had read nothing");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.len(), rows * ROW_BYTES);
}

#[tokio::test]
async fn a_client_that_never_reads_is_let_go() {
    let stage = Stage::with(|settings| settings.limits.idle_timeout = Duration::from_millis(300)).await;
    let browser = stage.signed_in().await;
    stage.world.rows.store(usize::MAX, Ordering::SeqCst);
    let request = format!(
        "GET /v1/organisations/market/subjects:export HTTP/1.1\r\nhost: q\r\ncookie: {}\r\n\r\n",
        browser.cookie.as_ref().unwrap()
    );
    let mut connection = TcpStream::connect(stage.gateway.address).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    // It goes on until all buffers are full; then the connection is closed, and the part makes nothing more.
    let mut let_go = stage.world.let_go.subscribe();
    let ended = tokio::time::timeout(HANG_MAX, let_go.wait_for(|streams| *streams == 1)).await;
    ended.expect("an endless download nobody reads is held for ever").unwrap();
    let mut buffer = vec![0; 1 << 20];
    let read = async { while matches!(connection.read(&mut buffer).await, Ok(read) if read > 0) {} };
    tokio::time::timeout(HANG_MAX, read).await.expect("the connection is closed");
}

#[tokio::test]
async fn downloads_that_stand_still_do_not_hold_up_other_calls() {
    // All calls to a part share one connection; what stalled streams may leave unread on it must not add up to all of it.
    let stage = Stage::new().await;
    let browser = stage.signed_in().await;
    stage.world.rows.store(4_000, Ordering::SeqCst);
    let mut stalled = Vec::new();
    for _ in 0..40 {
        stalled.push(
            browser.open(Method::GET, "/v1/organisations/market/subjects:export", Bytes::new(), None).await.unwrap(),
        );
    }
    // All buffers on the way are full by then, or there is no end of them.
    let mut produced = stage.world.produced.subscribe();
    let all = tokio::time::timeout(Duration::from_secs(3), produced.wait_for(|made| *made >= 40 * 4_000)).await;
    assert!(all.is_err(), "nobody reads");
    let large = "x".repeat(2 << 20);
    let body = serde_json::json!({ "title": large }).to_string();
    let call = browser.send(Method::PATCH, "/v1/plans/7", body.into(), Some("application/json"));
    let answer = tokio::time::timeout(HANG_MAX, call).await.expect("other calls go on");
    assert_eq!(answer.json()["title"].as_str().map(str::len), Some(large.len()));
    drop(stalled);
}
