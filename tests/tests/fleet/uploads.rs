//! Files that go on where they stopped (art. 24), through the gateway in both layouts: a line breaks in the middle, a process is
//! killed between two pieces and between two batches of rows, and in the end everything is as if it had gone in at one go.

use bytes::Bytes;
use http::Method;
use qingtian::fleet::SERVICES;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tests::{
    city::{City, Layout},
    web::{Answer, Web, encoded},
};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    faults::items_csv,
    story::small_register,
    telling::{Department, found_department, number},
};

/// Parameters of an import of [`small_register`].
const COLUMNS: &str = "columns=key%3Dcode&columns=title%3Dname&defaultDistrict=410202";
/// Bytes of a piece; `kit::uploads::sessions::PIECE_BYTES_MAX`.
const PIECE: usize = 1 << 20;

async fn open(web: &Web, collection: &str, file: &[u8]) -> String {
    let upload = json!({
        "fileName": "名录.csv", "mediaType": "text/csv", "length": file.len().to_string(),
        "sha256": hex::encode(Sha256::digest(file)),
    });
    let opened = web.post(&format!("/v1/{collection}"), upload).await.ok();
    assert_eq!((&opened["offset"], &opened["state"]), (&json!("0"), &json!("UPLOAD_STATE_OPEN")), "{opened}");
    opened["name"].as_str().unwrap().to_owned()
}

async fn append(web: &Web, name: &str, offset: usize, bytes: &[u8]) -> anyhow::Result<Answer> {
    web.send(Method::PATCH, &format!("/v1/{name}?offset={offset}"), "text/csv", Bytes::copy_from_slice(bytes)).await
}

async fn import(web: &Web, path: &str) -> Answer {
    web.send(Method::POST, path, "", Bytes::new()).await.unwrap()
}

/// Announces the whole of `bytes` and hangs up after the first `sent` of them; the connection, still open.
async fn send_some(city: &City, person: &Web, name: &str, bytes: &[u8], sent: usize) -> TcpStream {
    let address = city.url.trim_start_matches("http://");
    let mut line = TcpStream::connect(address).await.unwrap();
    let (cookie, csrf) = (person.cookie().unwrap(), person.csrf().unwrap());
    let head = format!(
        "PATCH /v1/{name}?offset=0 HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\nx-csrf-token: {csrf}\r\n\
         content-type: text/csv\r\ncontent-length: {}\r\n\r\n",
        bytes.len()
    );
    line.write_all(head.as_bytes()).await.unwrap();
    line.write_all(&bytes[..sent]).await.unwrap();
    line.flush().await.unwrap();
    line
}

/// What an import says of its rows, without what is different each time.
fn told(report: &Value) -> Value {
    let mut told = report.clone();
    let members = told.as_object_mut().unwrap();
    for own in ["name", "createTime", "endTime", "creator", "fileName"] {
        members.remove(own).unwrap_or_else(|| panic!("no {own} in {report}"));
    }
    told
}

#[tokio::test]
async fn a_broken_upload_goes_on_in_one_process() {
    go_on(Layout::One).await;
}

#[tokio::test]
async fn a_broken_upload_goes_on_in_one_process_per_part() {
    go_on(Layout::Many).await;
}

async fn go_on(layout: Layout) {
    let city = City::start(layout).await;
    let at_one_go = found_department(&city, "whole", "410202").await;
    let department = found_department(&city, "pieces", "410202").await;
    let mut file = small_register(410_202, 40_000);
    file.extend_from_slice("坏行,123\n".as_bytes());
    let path = |department: &Department| format!("/v1/{}/subjects:import?{COLUMNS}&fileName=a.csv", department.name);
    let expected = at_one_go.handler.upload(&path(&at_one_go), file.clone()).await.ok();
    assert_eq!((number(&expected["created"]), number(&expected["returned"])), (40_000, 1), "{expected}");

    let handler = &department.handler;
    let name = open(handler, &format!("{}/uploads", department.name), &file).await;
    // A line that breaks: what has arrived stays.
    let sent = PIECE + 99_999;
    let line = send_some(&city, handler, &name, &file, sent).await;
    let address = format!("/v1/{name}");
    let kept = handler.until(&address, "a piece to be kept", |upload| number(&upload["offset"]) > 0).await;
    assert_eq!(number(&kept["offset"]), PIECE as i64, "{kept}");
    drop(line);
    let taken_in = format!("{}&upload={}", path(&department), encoded(&name));
    let early = import(handler, &taken_in).await;
    early.refused_for("UPLOAD_INCOMPLETE", "24");
    let wrong = append(handler, &name, 1, &file[1..]).await.unwrap();
    assert_eq!(wrong.status, 409, "{}", wrong.text());
    wrong.refused_for("UPLOAD_OFFSET", "24");
    city.as_person("emergency-handler").await.get(&address).await.refused_for("NOT_FOUND", "27");

    let done = loop {
        let offset = usize::try_from(number(&handler.get(&address).await.ok()["offset"])).unwrap();
        assert!((PIECE..=sent).contains(&offset), "{offset}");
        let answer = append(handler, &name, offset, &file[offset..]).await.unwrap();
        if answer.status.is_success() {
            println!("{layout:?}: {offset} bytes of {sent} sent were kept");
            break answer.ok();
        }
        // What came behind the piece may be kept only now.
        answer.refused_for("UPLOAD_OFFSET", "24");
    };
    assert_eq!(done["state"], "UPLOAD_STATE_COMPLETE", "{done}");
    let report = import(handler, &taken_in).await.ok();
    assert_eq!(told(&report), told(&expected), "as at one go");
    assert_eq!(import(handler, &taken_in).await.ok(), report, "asked again, it is the same import");
    let used = handler.get(&address).await.ok();
    assert_eq!((&used["state"], &used["import"]), (&json!("UPLOAD_STATE_USED"), &report["name"]));
    handler.send(Method::DELETE, &address, "", Bytes::new()).await.unwrap().ok();
    handler.get(&address).await.refused_for("NOT_FOUND", "27");

    // Items, in the part that has them.
    let file = items_csv();
    let name = open(handler, &format!("{}/itemUploads", department.name), &file).await;
    append(handler, &name, 0, &file[..50]).await.unwrap().ok();
    append(handler, &name, 50, &file[50..]).await.unwrap().ok();
    let items = format!("/v1/{}/items:import?upload={}", department.name, encoded(&name));
    let report = import(handler, &items).await.ok();
    assert_eq!((number(&report["created"]), &report["state"]), (1, &json!("IMPORT_STATE_FINISHED")), "{report}");
    assert_eq!(import(handler, &items).await.ok(), report);
}

#[tokio::test]
async fn a_process_killed_between_two_pieces_or_batches_leaves_an_upload_that_goes_on() {
    let mut city = City::start(Layout::Many).await;
    let department = found_department(&city, "killed", "410202").await;
    let file = small_register(410_202, 40_000);
    assert!(file.len() > PIECE && file.len() < 2 * PIECE, "{}", file.len());
    let name = open(&department.handler, &format!("{}/uploads", department.name), &file).await;
    let address = format!("/v1/{name}");
    for (point, expected) in [("AppendUpload.before_piece", 0), ("AppendUpload.after_piece", PIECE)] {
        killed_at(&mut city, point, async { append(&department.handler, &name, 0, &file).await }).await;
        let kept = department.handler.until(&address, "the fleet to be back", |_| true).await;
        assert_eq!(
            kept["offset"],
            expected.to_string(),
            "{point}: a piece and its offset are kept together or not at all"
        );
    }
    let done = append(&department.handler, &name, PIECE, &file[PIECE..]).await.unwrap().ok();
    assert_eq!(done["state"], "UPLOAD_STATE_COMPLETE", "{done}");

    // Killed after the first batch of rows: the import has broken off and is made anew from what is kept.
    let path = format!("/v1/{}/subjects:import?{COLUMNS}&upload={}", department.name, encoded(&name));
    let db = PgPool::connect(&city.fleet.migrate_database_url.replace("{service}", "draws")).await.unwrap();
    let importing = async { department.handler.send(Method::POST, &path, "", Bytes::new()).await };
    killed_at_then(&mut city, "ImportSubjects.after_commit#2", importing, async {
        // It was a minute ago.
        let silent = "update import set touched_at = touched_at - interval '2 minutes' where state = 'RUNNING'";
        assert_eq!(sqlx::query(silent).execute(&db).await.unwrap().rows_affected(), 1);
    })
    .await;
    let imports = format!("/v1/{}/imports", department.name);
    let broken = |list: &Value| list["imports"][0]["state"] == "IMPORT_STATE_INTERRUPTED";
    let list = department.handler.until(&imports, "the killed import to be known as such", broken).await;
    let first_batch = number(&list["imports"][0]["rows"]);
    assert!(first_batch > 0 && first_batch < 40_000, "{list}");
    let report = import(&department.handler, &path).await.ok();
    assert_eq!(report["state"], "IMPORT_STATE_FINISHED", "{report}");
    assert_eq!(
        [number(&report["rows"]), number(&report["unchanged"]), number(&report["created"])],
        [40_000, first_batch, 40_000 - first_batch],
        "{report}"
    );
    assert_eq!(import(&department.handler, &path).await.ok(), report);
}

/// Has draws killed at a point while something is asked of it, and the fleet started again.
async fn killed_at(city: &mut City, point: &str, asking: impl Future<Output = anyhow::Result<Answer>>) {
    killed_at_then(city, point, asking, async {}).await;
}

async fn killed_at_then(
    city: &mut City,
    point: &str,
    asking: impl Future<Output = anyhow::Result<Answer>>,
    meanwhile: impl Future<Output = ()>,
) {
    city.stop().await;
    city.serve(&[("QINGTIAN_KILL_AT".to_owned(), point.to_owned())]).await;
    let answer = asking.await;
    assert!(answer.is_err() || answer.is_ok_and(|answer| !answer.status.is_success()), "{point}: nothing was killed");
    let nth = SERVICES.iter().position(|service| *service == "draws").unwrap();
    let status = city.processes().remove(nth).ended().await;
    assert!(!status.success(), "{point}: {status}");
    meanwhile.await;
    city.stop().await;
    city.serve(&[]).await;
}
