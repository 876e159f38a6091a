//! Rows streamed by a department's own system (art. 13, 22): the same validator, report and entry as a file.

use proto::{
    google::api::HttpBody,
    qingtian::{
        access::v1::Role,
        common::v1::{Import, ImportState},
        draws::v1 as pb,
    },
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::world::*;

fn row(serial: u32) -> pb::SubjectRow {
    pb::SubjectRow {
        key: code(LONGTING, serial),
        title: format!("开封市第{serial}商贸有限公司"),
        status: "存续".into(),
        address: "郑开大道".repeat(10),
        ..Default::default()
    }
}

/// Messages of a thousand rows; the first says where they go.
fn messages(rows: std::ops::Range<u32>) -> Vec<pb::ImportSubjectsRequest> {
    let rows: Vec<_> = rows.map(row).collect();
    let mut messages: Vec<_> = rows
        .chunks(1_000)
        .map(|rows| pb::ImportSubjectsRequest { rows: rows.to_vec(), ..Default::default() })
        .collect();
    let first = std::mem::take(&mut messages[0].rows);
    messages[0] = pb::ImportSubjectsRequest { rows: first, ..upload_to(MARKET) };
    messages
}

async fn stream(registers: &mut Registers, messages: Vec<pb::ImportSubjectsRequest>) -> Result<Import, Status> {
    Ok(registers.import_subjects(futures::stream::iter(messages)).await?.into_inner())
}

async fn newest(registers: &mut Registers) -> Import {
    let request = pb::ListImportsRequest { parent: MARKET.into(), ..Default::default() };
    registers.list_imports(request).await.unwrap().into_inner().imports.remove(0)
}

/// How many rows the big stream has: a million for the proof.
fn rows_of_a_big_stream() -> u32 {
    if std::env::var_os("QINGTIAN_PROVE").is_some() { 1_000_000 } else { 30_000 }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_is_repeated_without_doubles() {
    let rows = rows_of_a_big_stream();
    let world = World::start().await;
    let mut system = world.registers("users/system", MARKET, &[Role::Integrator]).await;
    let messages = messages(0..rows);
    let taken = messages.len() * 3 / 4;
    let (sender, receiver) = mpsc::channel(1);
    let mut hasty = system.clone();
    let call = tokio::spawn(async move { hasty.import_subjects(ReceiverStream::new(receiver)).await });
    for message in messages.iter().take(taken).cloned() {
        sender.send(message).await.unwrap();
    }
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    until("the broken import ends", || async {
        world.count("select count(*) from import where state = 'INTERRUPTED'").await == 1
    })
    .await;
    drop(sender);
    let broken = newest(&mut system).await;
    let in_register = world.count("select count(*) from subject").await;
    assert!(broken.created > 0 && broken.created < i64::from(rows), "{broken:?}");
    assert_eq!((broken.returned, broken.rows, in_register), (0, broken.created, broken.created));

    let whole = stream(&mut system, messages).await.unwrap();
    assert_eq!((whole.state(), whole.encoding.as_str()), (ImportState::Finished, "ROWS"));
    let rows = i64::from(rows);
    assert_eq!(
        (whole.rows, whole.created, whole.unchanged, whole.updated, whole.returned),
        (rows, rows - in_register, in_register, 0, 0)
    );
    assert_eq!(world.count("select count(*) from subject").await, rows);
    assert_eq!(
        world.count("select count(*) from subject where revision <> 1").await,
        0,
        "what was there was not written"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_rows_of_a_stream_come_back_by_their_number() {
    let world = World::start().await;
    let mut system = world.registers("users/system", MARKET, &[Role::Integrator]).await;
    let rows = vec![
        row(1),
        pb::SubjectRow { key: "91410202MA00000000".into(), ..row(2) },
        pb::SubjectRow { title: "两\n行".into(), ..row(3) },
        pb::SubjectRow { title: "=HYPERLINK(\"x\")".into(), ..row(4) },
        pb::SubjectRow { status: "不详".into(), ..row(5) },
        row(1),
        pb::SubjectRow { district: "顺河回族区".into(), status: "MOVED_OUT".into(), ..row(7) },
        pb::SubjectRow { title: String::new(), ..row(8) },
        pb::SubjectRow::default(),
    ];
    let head = pb::ImportSubjectsRequest { rows: rows[..4].to_vec(), ..upload_to(MARKET) };
    let rest = pb::ImportSubjectsRequest { rows: rows[4..].to_vec(), ..Default::default() };
    let import = stream(&mut system, vec![head, rest]).await.unwrap();
    let found: Vec<_> = import.problems.iter().map(|one| (one.line, one.field.as_str(), one.reason.as_str())).collect();
    let expected = [
        (2, "key", "CODE_CHECK_DIGIT"),
        (4, "title", "FORMULA"),
        (5, "status", "STATUS_UNKNOWN"),
        (6, "key", "DUPLICATE"),
        (8, "title", "MISSING_VALUE"),
        (9, "key", "MISSING_VALUE"),
        (9, "title", "MISSING_VALUE"),
    ];
    assert_eq!(found, expected);
    assert!(import.problems[3].message.contains("第1行"), "{:?}", import.problems[3]);
    assert_eq!((import.rows, import.created, import.returned), (9, 3, 6));
    let moved = "select count(*) from subject where gone = 'MOVED_OUT' and district = '410203'";
    assert_eq!(world.count(moved).await, 1);

    let file = || Some(HttpBody { data: b"key,title\n".to_vec(), ..Default::default() });
    let head = |rows: Vec<pb::SubjectRow>| pb::ImportSubjectsRequest { rows, ..upload_to(MARKET) };
    for wrong in [
        vec![head(vec![row(1); 1_001])],
        vec![pb::ImportSubjectsRequest { file: file(), ..head(vec![row(1)]) }],
        vec![pb::ImportSubjectsRequest { columns: vec!["key=a".into()], ..head(vec![row(1)]) }],
    ] {
        assert_eq!(reason(stream(&mut system, wrong).await), "INVALID");
    }
    assert_eq!(world.count("select count(*) from subject").await, 3);
}
