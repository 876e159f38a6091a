//! Uploaded lists (art. 7, 24).

use chrono::TimeDelta;
use futures::StreamExt;
use kit::{testing::HANG_MAX, uploads::AT_ONCE_MAX};
use proto::qingtian::{
    access::v1::Role,
    catalog::v1 as pb,
    common::v1::{Import, ImportState},
};
use tonic::Code;

use crate::office::{MARKET, Office, item, order, pieces, refused};

const SMALL: &str = "编号,抽查事项名称,抽查子项,抽查依据,抽查方式\n1,食品,,《食品安全法》,现场检查\n2,药品,零售,《药品管理法》,现场检查\n";

fn counts(import: &Import) -> [i64; 5] {
    [import.rows, import.created, import.updated, import.unchanged, import.returned]
}

async fn imports(office: &Office) -> Vec<Import> {
    let request = pb::ListItemImportsRequest { parent: MARKET.into(), ..Default::default() };
    office.handler().await.list_item_imports(request).await.unwrap().into_inner().imports
}

async fn report(office: &Office, name: &str) -> (String, Vec<csv::StringRecord>) {
    let request = pb::DownloadItemImportReportRequest { name: name.into() };
    let response = office.handler().await.download_item_import_report(request).await.unwrap();
    let disposition = response.metadata().get("content-disposition").unwrap().to_str().unwrap().to_owned();
    let mut stream = response.into_inner();
    let mut bytes = Vec::new();
    while let Some(piece) = stream.next().await {
        let piece = piece.unwrap();
        assert_eq!(piece.content_type, "text/csv; charset=utf-8");
        bytes.extend(piece.data);
    }
    let rows = csv::Reader::from_reader(bytes.as_slice()).records().map(Result::unwrap).collect();
    (disposition, rows)
}

#[tokio::test]
async fn the_real_list_of_zhejiang_goes_in_and_is_published() {
    let Ok(folder) = std::env::var("QINGTIAN_DATA") else {
        eprintln!("SKIPPED: set QINGTIAN_DATA to the folder with inspection_items_zhejiang_2017.csv");
        return;
    };
    let file = std::fs::read(format!("{folder}/inspection_items_zhejiang_2017.csv")).unwrap();
    let office = Office::new().await;
    let first = office.import(order(), &file).await.unwrap();
    assert_eq!(counts(&first), [79, 79, 0, 0, 0], "{:?}", first.problems);
    assert_eq!((first.state(), first.encoding.as_str()), (ImportState::Finished, "UTF-8"));
    let again = office.import(order(), &file).await.unwrap();
    assert_eq!(counts(&again), [79, 0, 0, 79, 0], "no doubles");
    let text = String::from_utf8(file).unwrap();
    let (gb18030, _, unmapped) = encoding_rs::GB18030.encode(&text);
    assert!(!unmapped);
    let other = office.import(order(), &gb18030).await.unwrap();
    assert_eq!((counts(&other), other.encoding.as_str()), ([79, 0, 0, 79, 0], "GB18030"));

    let request =
        pb::ListItemsRequest {
            parent: MARKET.into(), query: "保健食品生产企业证后监督".into(), ..Default::default()
        };
    let found = office.handler().await.list_items(request).await.unwrap().into_inner().items.remove(0);
    assert_eq!(
        (found.code.as_str(), found.ratio.as_str(), found.frequency.as_str(), found.method.as_str()),
        ("2", "市局抽查比例不少于30%", "每年不少于1次", "现场检查"),
    );
    assert_eq!((found.subject_scope.as_str(), found.officer_demand.as_str()), ("保健食品生产企业", "需专业岗位资格"));
    assert!(found.random_listed);
    assert_eq!((found.checklist.len(), &found.checklist[0].penalty_basis), (1, &found.legal_basis));

    // One item of the real list rests on no law; it stays a draft.
    let answer = office.publish(&[]).await;
    assert_eq!((answer.published, answer.refused.len(), answer.refused[0].reason.as_str()), (78, 1, "BASIS_MISSING"));
}

#[tokio::test]
async fn every_bad_row_is_returned_with_its_reason_and_the_good_ones_go_in() {
    let mut file = Vec::new();
    for row in [
        "编号,抽查事项名称,抽查子项,抽查依据,事项类别",
        "1,食品,,《食品安全法》,一般检查事项",
        "2,,,依据,",
        "3,=cmd(),,依据,",
        "4,药\u{7}品,,依据,",
        "1, 食品 ,,别的依据,",
        "5,计量,,依据,特别",
        "6,少列",
        "7,认证,,依据,重点检查事项",
    ] {
        file.extend_from_slice(row.as_bytes());
        file.push(b'\n');
    }
    file.extend_from_slice(b"8,\xff\xff,,x,\n");
    file.extend_from_slice(format!("9,{},,依据,\n10,断", "长".repeat(201)).as_bytes());
    let office = Office::new().await;
    let done = office.import(pb::ImportItemsRequest { encoding: "UTF-8".into(), ..order() }, &file).await.unwrap();
    assert_eq!(counts(&done), [11, 2, 0, 0, 9]);
    assert_eq!(done.state(), ImportState::Interrupted, "the last row is cut off");
    let problems: Vec<_> = done.problems.iter().map(|p| (p.line, p.field.as_str(), p.reason.as_str())).collect();
    let expected = [
        (3, "title", "MISSING_VALUE"),
        (4, "title", "FORMULA"),
        (5, "title", "CONTROL_CHARACTER"),
        (6, "title", "DUPLICATE"),
        (7, "grade", "BAD_GRADE"),
        (8, "", "WRONG_COLUMN_COUNT"),
        (10, "title", "WRONG_ENCODING"),
        (11, "title", "TOO_LONG"),
        (12, "", "TRUNCATED"),
    ];
    assert_eq!(problems, expected);
    let by_line = |line| done.problems.iter().find(|problem| problem.line == line).unwrap();
    assert_eq!((by_line(4).value.as_str(), by_line(7).value.as_str()), ("=cmd()", "特别"));
    assert!(by_line(6).message.contains("第2行"), "{}", by_line(6).message);
    assert!(done.problems.iter().all(|problem| !problem.message.is_empty() && !problem.message_en.is_empty()));

    let (disposition, rows) = report(&office, &done.name).await;
    assert!(disposition.starts_with("attachment; filename=\"report.csv\"; filename*=UTF-8''"), "{disposition}");
    assert_eq!(rows.len(), 9);
    assert_eq!((&rows[1][0], &rows[1][1], &rows[1][2], &rows[1][3]), ("4", "title", "'=cmd()", "FORMULA"));
    let request = pb::ListItemsRequest { parent: MARKET.into(), query: "认证".into(), ..Default::default() };
    let found = office.handler().await.list_items(request).await.unwrap().into_inner();
    assert_eq!(found.items[0].grade(), pb::ItemGrade::Key);

    let again = office.import(pb::ImportItemsRequest { encoding: "UTF-8".into(), ..order() }, &file).await.unwrap();
    assert_eq!(counts(&again), [11, 0, 0, 2, 9], "no doubles");
    assert_eq!(imports(&office).await.iter().map(|import| &import.name).collect::<Vec<_>>(), [&again.name, &done.name]);

    let mut stranger = office.user("users/x", "fire", &[Role::Handler]).await;
    let download = stranger.download_item_import_report(pb::DownloadItemImportReportRequest { name: done.name }).await;
    refused(download.map(|_| ()), Code::NotFound, "NOT_FOUND", "27");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_refused_and_leaves_nothing() {
    let office = Office::new().await;
    for file in [&b""[..], b"PK\x03\x04 xlsx", "编号,名目\n1,食品\n".as_bytes(), "事项名称,事项名称\na,b\n".as_bytes()]
    {
        let refusal = refused(office.import(order(), file).await, Code::InvalidArgument, "FILE_UNREADABLE", "24");
        assert!(!refusal["problem"].is_empty());
    }
    let wrong = |encoding: &str, columns: &[&str]| pb::ImportItemsRequest {
        encoding: encoding.into(),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        ..order()
    };
    for first in [
        wrong("EBCDIC", &[]),
        wrong("", &["title"]),
        wrong("", &["name=名称"]),
        wrong("", &["code=编号"]),
        wrong("", &["title=名称", "title=事项"]),
    ] {
        refused(office.import(first, SMALL.as_bytes()).await, Code::InvalidArgument, "INVALID", "");
    }
    let foreign = pb::ImportItemsRequest { parent: "organisations/fire".into(), ..order() };
    refused(office.import(foreign, SMALL.as_bytes()).await, Code::NotFound, "NOT_FOUND", "27");
    let nothing = office.handler().await.import_items(futures::stream::empty()).await;
    refused(nothing, Code::InvalidArgument, "INVALID", "");
    assert_eq!((office.count("item").await, office.count("item_import").await), (0, 0));
}

#[tokio::test]
async fn columns_may_be_named_by_the_uploader() {
    let office = Office::new().await;
    let first = pb::ImportItemsRequest {
        columns: vec!["title=检查名目".into(), "legal_basis=法条".into()],
        random_listed: false,
        derive_checklist: false,
        ..order()
    };
    let done = office.import(first, "编号,检查名目,法条\n7,计量,《计量法》\n".as_bytes()).await.unwrap();
    assert_eq!(counts(&done), [1, 1, 0, 0, 0]);
    let request = pb::ListItemsRequest { parent: MARKET.into(), ..Default::default() };
    let found = office.handler().await.list_items(request).await.unwrap().into_inner().items.remove(0);
    assert_eq!((found.code.as_str(), found.title.as_str(), found.legal_basis.as_str()), ("", "计量", "《计量法》"));
    assert!(!found.random_listed && found.checklist.is_empty());
}

#[tokio::test]
async fn a_changed_list_updates_drafts_and_returns_what_is_published() {
    let office = Office::new().await;
    office.import(order(), SMALL.as_bytes()).await.unwrap();
    let request = pb::ListItemsRequest { parent: MARKET.into(), query: "食品".into(), ..Default::default() };
    let food = office.handler().await.list_items(request).await.unwrap().into_inner().items.remove(0);
    assert_eq!(office.publish(&[&food.name]).await.published, 1);

    let changed = SMALL.replace("现场检查", "网络检查");
    let done = office.import(order(), changed.as_bytes()).await.unwrap();
    assert_eq!(counts(&done), [2, 0, 1, 0, 1]);
    assert_eq!((done.problems[0].line, done.problems[0].reason.as_str()), (2, "PUBLISHED"));
    let unchanged =
        office.handler().await.get_item(pb::GetItemRequest { name: food.name.clone() }).await.unwrap().into_inner();
    assert_eq!(unchanged.method, "现场检查");
    let original =
        office.import(order(), SMALL.lines().take(2).collect::<Vec<_>>().join("\n").as_bytes()).await.unwrap();
    assert_eq!(counts(&original), [1, 0, 0, 1, 0], "the published item as it is makes no problem");
}

#[tokio::test]
async fn the_same_list_uploaded_by_two_at_once_makes_no_doubles() {
    let office = Office::new().await;
    let mut file = String::from("编号,抽查事项名称,抽查依据\n");
    for number in 0..500 {
        file.push_str(&format!("{number},事项{number},依据\n"));
    }
    let (one, two) = tokio::join!(office.import(order(), file.as_bytes()), office.import(order(), file.as_bytes()));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!((one.rows, two.rows, one.created + two.created, one.unchanged + two.unchanged), (500, 500, 500, 500));
    assert_eq!((one.returned, two.returned, office.count("item").await), (0, 0, 500));
}

#[tokio::test]
async fn a_checklist_made_by_hand_survives_an_import() {
    let office = Office::new().await;
    let by_hand = office.create(pb::Item { legal_basis: String::new(), ..item("1", "食品") }).await;
    let done = office.import(order(), SMALL.as_bytes()).await.unwrap();
    assert_eq!(counts(&done), [2, 1, 1, 0, 0]);
    let after = office.handler().await.get_item(pb::GetItemRequest { name: by_hand.name }).await.unwrap().into_inner();
    assert_eq!((after.checklist, after.legal_basis.as_str()), (by_hand.checklist, "《食品安全法》"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_breaks_is_noted_and_repeated_without_doubles() {
    let office = Office::new().await;
    let mut rows = String::from("编号,抽查事项名称,抽查依据\n");
    for number in 0..450 {
        // Long rows: what came in goes on in blocks of 64 KiB.
        rows.push_str(&format!("{number},事项{number},{}\n", "依据".repeat(200)));
    }
    let half = rows.as_bytes()[..rows.len() * 2 / 3].to_vec();
    // An uploader, with a connection of its own, who sends two thirds and falls silent until the connection is cut.
    let uploader = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let connect = || uploader.block_on(office.handler());
    let mut client = std::thread::scope(|scope| scope.spawn(connect).join().unwrap());
    let stream = pieces(order(), &half).chain(futures::stream::pending());
    uploader.spawn(async move { client.import_items(stream).await });
    let arrived = async { while imports(&office).await.is_empty() {} };
    tokio::time::timeout(HANG_MAX, arrived).await.expect("the import is shown while it runs");
    uploader.shutdown_background();
    let noted = async { while imports(&office).await[0].state() == ImportState::Running {} };
    tokio::time::timeout(HANG_MAX, noted).await.expect("its end is noted");
    let broken = imports(&office).await.remove(0);
    assert_eq!(broken.state(), ImportState::Interrupted);
    assert!(broken.end_time.is_some() && broken.created > 0 && broken.created < 450, "{broken:?}");
    assert_eq!(broken.created, office.count("item").await, "whole rows only");

    let whole = office.import(order(), rows.as_bytes()).await.unwrap();
    assert_eq!(counts(&whole), [450, 450 - broken.created, 0, broken.created, 0]);
    assert_eq!((whole.state(), office.count("item").await), (ImportState::Finished, 450));
}

#[tokio::test]
async fn one_upload_too_many_is_refused_at_once_and_a_freed_place_is_used_again() {
    let office = Office::new().await;
    // One more than there are places, each sending an item and then nothing: whichever comes last is refused.
    let (mut senders, mut calls) = (Vec::new(), Vec::new());
    for number in 0..=AT_ONCE_MAX {
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        senders.push(sender);
        let file = format!("编号,抽查事项名称,抽查依据\n{number},事项{number},依据\n");
        // Silent until the sender is dropped.
        let silence = futures::stream::once(receiver).filter_map(|_| std::future::ready(None));
        let stream = pieces(order(), file.as_bytes()).chain(silence);
        let mut client = office.handler().await;
        calls.push(tokio::spawn(async move { client.import_items(stream).await }));
    }
    let refusal = tokio::time::timeout(HANG_MAX, futures::future::select_all(calls));
    let (answer, nth, mut calls) = refusal.await.expect("nobody was refused");
    refused(answer.unwrap(), Code::Unavailable, "UNAVAILABLE", "");
    drop(senders.swap_remove(nth));

    // One ends; its place is used, while the others still stand.
    drop(senders.pop());
    let ended = calls.pop().unwrap().await.unwrap().unwrap().into_inner();
    assert_eq!((ended.state(), counts(&ended)), (ImportState::Finished, [1, 1, 0, 0, 0]));
    let next = office.import(order(), SMALL.as_bytes()).await.unwrap();
    assert_eq!((next.state(), counts(&next)), (ImportState::Finished, [2, 2, 0, 0, 0]));
    drop(senders);
    for call in calls {
        let import = call.await.unwrap().unwrap().into_inner();
        assert_eq!((import.state(), counts(&import)), (ImportState::Finished, [1, 1, 0, 0, 0]));
    }
}

#[tokio::test]
async fn an_upload_whose_process_was_killed_is_given_up() {
    let mut office = Office::new().await;
    let pool = office.harness.pool("catalog").await.unwrap();
    // What a killed process leaves behind.
    sqlx::query(
        "insert into item_import (name, organisation, file_name, state, encoding, created_at, progressed_at, creator)
         values ($1, $2, 'a.csv', 'RUNNING', '', $3, $3, 'users/handler')",
    )
    .bind("organisations/market/itemImports/a")
    .bind(MARKET)
    .bind(office.harness.clock.now())
    .execute(&pool)
    .await
    .unwrap();
    office.harness.clock.advance(TimeDelta::minutes(11));
    office.harness.restart(|env| Box::pin(async move { Ok(vec![catalog::start(env).await?]) })).await.unwrap();
    let given_up = async { while imports(&office).await[0].state() == ImportState::Running {} };
    tokio::time::timeout(HANG_MAX, given_up).await.expect("the import is given up");
    assert!(imports(&office).await[0].end_time.is_some());
}
