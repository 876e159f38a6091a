//! Streams through the front: uploads that end only where the client ended them, downloads that do not end by mistake.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use kit::testing::HANG_MAX;
use proto::google::api::HttpBody;
use proto::qingtian::draws::v1::{ExportSubjectsRequest, ImportSubjectsRequest};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use super::{Door, reason};
use crate::parts::{ROW_BYTES, Upload};

fn chunk(data: &[u8]) -> ImportSubjectsRequest {
    ImportSubjectsRequest {
        parent: "organisations/market".to_owned(),
        file: Some(HttpBody { data: data.to_vec(), ..Default::default() }),
        ..Default::default()
    }
}

/// The next upload the part has seen to its end.
async fn seen(door: &Door) -> Upload {
    let mut uploads = door.stage.world.uploads.subscribe();
    let seen = tokio::time::timeout(HANG_MAX, uploads.wait_for(|uploads| !uploads.is_empty())).await;
    seen.unwrap().unwrap().last().cloned().unwrap()
}

#[tokio::test]
async fn an_upload_arrives_as_it_was_sent() {
    let door = Door::open().await;
    let chunks: Vec<Vec<u8>> = (0..20_u8).map(|n| vec![n; 300_000 + usize::from(n)]).collect();
    let whole = hex::encode(Sha256::digest(chunks.concat()));
    let messages = stream::iter(chunks.iter().map(|data| chunk(data)).collect::<Vec<_>>());
    let import = door.registers().import_subjects(door.request(messages)).await.unwrap().into_inner();
    assert_eq!(import.rows, chunks.iter().map(|data| data.len() as i64).sum::<i64>());
    let upload = seen(&door).await;
    assert_eq!((upload.digest, upload.chunks.len(), upload.end), (whole, 20, Some(Ok(()))));
}

#[tokio::test]
async fn an_upload_whose_client_gives_up_is_no_whole_one() {
    let door = Door::open().await;
    let (messages, sent) = mpsc::channel(1);
    let (mut registers, request) = (door.registers(), door.request(ReceiverStream::new(sent)));
    let call = tokio::spawn(async move { registers.import_subjects(request).await });
    messages.send(chunk(b"half")).await.unwrap();
    let called = async {
        while !door.stage.world.was_called("ImportSubjects") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(HANG_MAX, called).await.unwrap();
    // Whoever gives up resets the stream, which must not look like its end.
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    let upload = seen(&door).await;
    assert!(matches!(upload.end, Some(Err(_))), "{upload:?}");
    drop(messages);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_before_its_bytes_come() {
    let door = Door::open().await;
    let too_large = stream::iter([chunk(b"first"), chunk(&vec![0; 4 << 20])]);
    let refused = door.registers().import_subjects(door.request(too_large)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "TOO_LARGE"), "{refused:?}");
    assert!(refused.message().contains("4 MiB"), "{refused:?}");
    let upload = seen(&door).await;
    assert!(matches!(upload.end, Some(Err(_))), "{upload:?}");
}

#[tokio::test]
async fn an_upload_that_stands_still_is_ended() {
    let door = Door::with(|settings| settings.limits.idle_timeout = Duration::from_millis(100)).await;
    let messages = stream::iter([chunk(b"first")]).chain(stream::pending());
    let refused = door.registers().import_subjects(door.request(messages)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::DeadlineExceeded, "TOO_SLOW"), "{refused:?}");
}

#[tokio::test]
async fn a_part_that_refuses_in_the_middle_of_an_upload_is_heard() {
    let door = Door::open().await;
    let first = ImportSubjectsRequest { file_name: "refused.csv".to_owned(), ..chunk(b"first") };
    let messages = stream::iter([first]).chain(stream::iter((0..1_000).map(|_| chunk(&[7; 60_000]))));
    let refused = door.registers().import_subjects(door.request(messages)).await.unwrap_err();
    assert_eq!(reason(&refused), "FILE_UNREADABLE", "{refused:?}");
}

#[tokio::test]
async fn a_download_comes_whole_or_ends_with_an_error() {
    let door = Door::open().await;
    door.stage.world.rows.store(40, Ordering::SeqCst);
    let mut registers = door.registers();
    let answer = registers.export_subjects(door.request(ExportSubjectsRequest::default())).await.unwrap();
    assert!(answer.metadata().contains_key("content-disposition"));
    let rows: Vec<_> = answer.into_inner().collect().await;
    assert_eq!(rows.iter().map(|row| row.as_ref().unwrap().data.len()).sum::<usize>(), 40 * ROW_BYTES);

    door.stage.world.fails_after.store(3, Ordering::SeqCst);
    let answer = registers.export_subjects(door.request(ExportSubjectsRequest::default())).await.unwrap();
    let mut rows: Vec<_> = answer.into_inner().collect().await;
    let failed = rows.pop().unwrap().unwrap_err();
    assert_eq!((rows.len(), failed.code(), reason(&failed).as_str()), (3, Code::Internal, "INTERNAL"));
    assert!(!format!("{failed:?}").contains("/var/lib"), "{failed:?}");
}

#[tokio::test]
async fn a_download_that_nobody_reads_lets_the_part_go() {
    let door = Door::with(|settings| settings.limits.idle_timeout = Duration::from_millis(100)).await;
    door.stage.world.rows.store(usize::MAX, Ordering::SeqCst);
    let answer = door.registers().export_subjects(door.request(ExportSubjectsRequest::default())).await.unwrap();
    let mut let_go = door.stage.world.let_go.subscribe();
    tokio::time::timeout(HANG_MAX, let_go.wait_for(|let_go| *let_go == 1)).await.unwrap().unwrap();
    // What it left unread meanwhile is bounded by the windows, whatever the download's size.
    let produced = *door.stage.world.produced.borrow();
    assert!(produced * ROW_BYTES < 64 << 20, "{produced}");
    drop(answer);
}

#[tokio::test]
async fn a_download_that_is_given_up_lets_the_part_go() {
    let door = Door::open().await;
    door.stage.world.rows.store(usize::MAX, Ordering::SeqCst);
    let answer = door.registers().export_subjects(door.request(ExportSubjectsRequest::default())).await.unwrap();
    let mut rows = answer.into_inner();
    rows.message().await.unwrap().unwrap();
    drop(rows);
    let mut let_go = door.stage.world.let_go.subscribe();
    tokio::time::timeout(HANG_MAX, let_go.wait_for(|let_go| *let_go == 1)).await.unwrap().unwrap();
}
