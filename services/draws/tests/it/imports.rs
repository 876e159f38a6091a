//! Uploads (art. 13, 24): good rows go in, bad ones come back named, and what breaks can be repeated.

use std::{io::Read, path::Path, time::Instant};

use kit::{testing::HANG_MAX, uploads::AT_ONCE_MAX};
use proto::qingtian::{
    access::v1::Role,
    common::v1::{Import, ImportState},
    draws::v1 as pb,
};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};

use crate::world::*;

fn counts(import: &Import) -> [i64; 6] {
    [import.rows, import.created, import.updated, import.unchanged, import.returned, import.old_numbers]
}

async fn report(registers: &mut Registers, import: &Import) -> Vec<Vec<String>> {
    let request = pb::DownloadImportReportRequest { name: import.name.clone() };
    let mut pieces = registers.download_import_report(request).await.unwrap().into_inner();
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await {
        bytes.extend(piece.unwrap().data);
    }
    rows(&bytes)
}

fn rows(csv: &[u8]) -> Vec<Vec<String>> {
    let csv = csv.strip_prefix("\u{feff}".as_bytes()).expect("no byte order mark");
    let records = csv::Reader::from_reader(csv).into_records();
    records.map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// 32,350 real enterprises, some with old numbers, some with broken codes; none when the data are not there.
fn zhejiang() -> Option<String> {
    let Some(folder) = std::env::var_os("QINGTIAN_DATA") else {
        eprintln!("SKIPPED: QINGTIAN_DATA is not set");
        return None;
    };
    let file = std::fs::File::open(Path::new(&folder).join("enterprises_zhejiang_2017_draw.csv.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    Some(text)
}

fn zhejiang_head() -> pb::ImportSubjectsRequest {
    let columns = vec!["key=code".to_owned(), "title=name".to_owned()];
    pb::ImportSubjectsRequest { columns, ..upload_to(MARKET) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_register_goes_in_and_its_broken_codes_come_back() {
    let Some(text) = zhejiang() else { return };
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let started = Instant::now();
    let first = upload(&mut clerk, zhejiang_head(), text.as_bytes()).await.unwrap();
    println!("UTF-8: {:?} in {:?}", counts(&first), started.elapsed());
    assert_eq!((first.state(), first.encoding.as_str()), (ImportState::Finished, "UTF-8"));
    assert_eq!(counts(&first), [32_350, 32_253, 0, 0, 97, 4_477]);
    assert_eq!(first.problems.len(), 97);
    assert_eq!(report(&mut clerk, &first).await.len(), 97);

    let (gb18030, _, lost) = encoding_rs::GB18030.encode(&text);
    assert!(!lost);
    let started = Instant::now();
    let second = upload(&mut clerk, zhejiang_head(), &gb18030).await.unwrap();
    println!("GB18030, again: {:?} in {:?}", counts(&second), started.elapsed());
    assert_eq!((second.state(), second.encoding.as_str()), (ImportState::Finished, "GB18030"));
    assert_eq!(counts(&second), [32_350, 0, 0, 32_253, 97, 4_477], "repeating makes no doubles and changes nothing");
    assert_eq!(world.count("select count(*) from subject").await, 32_253);
    assert_eq!(world.count("select count(*) from subject where revision <> 1").await, 0);
    assert_eq!(world.count("select count(*) from subject where old_number and key like 'reg:%'").await, 4_477);
    assert_eq!(world.count("select count(*) from subject where district <> '410202' or not in_business").await, 0);
    assert_eq!(world.count("select count(*) from subject where title = '浙江云龙股份有限公司'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_row_is_named_by_line_field_value_and_reason() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let good = code(LONGTING, 1);
    let mut swapped = code(LONGTING, 2).into_bytes();
    swapped.swap(14, 15);
    let swapped = String::from_utf8(swapped).unwrap();
    let mut csv = format!(
        "key,title,district,status\n{good},好公司,410203,存续\n{swapped},校验,,\n{good},重复,,\n{},,410202,\n\
         {},=HYPERLINK(\"x\"),,\n{},控制\u{7}字符,,\n{},区划,41020,\n{},状态,,不详\n330000000008001,旧号,,\n\
         {},缺列\n\"site:410202/17\",一处工地,,歇业\nI1410202MA00000002,字母,,\n",
        code(LONGTING, 3),
        code(LONGTING, 4),
        code(LONGTING, 5),
        code(LONGTING, 6),
        code(LONGTING, 7),
        code(LONGTING, 8),
    )
    .into_bytes();
    csv.extend(code(LONGTING, 9).as_bytes());
    csv.extend(b",\xff\xfe,,\n");
    let head = pb::ImportSubjectsRequest { encoding: "UTF-8".into(), ..upload_to(MARKET) };
    let import = upload(&mut clerk, head, &csv).await.unwrap();
    let found: Vec<_> = import.problems.iter().map(|one| (one.line, one.field.as_str(), one.reason.as_str())).collect();
    let expected = [
        (3, "key", "CODE_CHECK_DIGIT"),
        (4, "key", "DUPLICATE"),
        (5, "title", "MISSING_VALUE"),
        (6, "title", "FORMULA"),
        (7, "title", "CONTROL_CHARACTER"),
        (8, "district", "CODE_LENGTH"),
        (9, "status", "STATUS_UNKNOWN"),
        (10, "key", "CODE_CHECK_DIGIT"),
        (11, "", "WRONG_COLUMN_COUNT"),
        (13, "key", "CODE_CHARACTER"),
        (14, "title", "WRONG_ENCODING"),
    ];
    assert_eq!(found, expected);
    assert_eq!(counts(&import), [13, 2, 0, 0, 11, 0]);
    assert_eq!(import.problems[1].value, good);
    assert!(import.problems[1].message.contains("第2行"), "{}", import.problems[1].message);
    let kept: Vec<(String, String, bool)> =
        sqlx::query_as("select key, district, in_business from subject order by key")
            .fetch_all(&world.pool)
            .await
            .unwrap();
    assert_eq!(kept, [(good, "410203".into(), true), ("site:410202/17".into(), "410202".into(), false)]);
    let report = report(&mut clerk, &import).await;
    let reported: Vec<_> =
        report.iter().map(|row| (row[0].parse().unwrap(), row[1].as_str(), row[3].as_str())).collect();
    assert_eq!(reported, expected);
    assert_eq!(report[3][2], "'=HYPERLINK(\"x\")", "the report itself must not run anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_table_leaves_nothing_behind() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let unreadable = ("FILE_UNREADABLE".to_owned(), "24".to_owned());
    for bytes in [b"".as_slice(), b"PK\x03\x04 a spreadsheet", b"name,code\n1,2\n", b"key,title,key\n1,2,3\n"] {
        assert_eq!(refused(upload(&mut clerk, upload_to(MARKET), bytes).await), unreadable, "{bytes:?}");
    }
    let with = |change: fn(&mut pb::ImportSubjectsRequest)| {
        let mut head = upload_to(MARKET);
        change(&mut head);
        head
    };
    // A column that was mapped must be there, and so must the district when no other is given.
    let text = register(LONGTING, 0..3);
    for head in [with(|head| head.columns = vec!["address=住所".into()]), with(|head| head.default_district.clear())]
    {
        let text = text.replace("district", "area");
        assert_eq!(refused(upload(&mut clerk, head, text.as_bytes()).await), unreadable);
    }
    for head in [
        with(|head| head.encoding = "UTF-16".into()),
        with(|head| head.columns = vec!["code".into()]),
        with(|head| head.columns = vec!["key=a".into(), "key=b".into()]),
        with(|head| head.default_district = "999999".into()),
        with(|head| head.file_name = "长".repeat(201)),
    ] {
        assert_eq!(reason(upload(&mut clerk, head, text.as_bytes()).await), "INVALID");
    }
    let nothing = clerk.import_subjects(futures::stream::iter(Vec::<pb::ImportSubjectsRequest>::new())).await;
    assert_eq!(reason(nothing), "INVALID");
    assert_eq!(world.count("select count(*) from import").await + world.count("select count(*) from subject").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_is_repeated_without_doubles() {
    const ROWS: i64 = 20_000;
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let mut text = String::from("key,title,address\n");
    for serial in 0..ROWS {
        let address = "郑开大道".repeat(15);
        text += &format!("{},开封市第{serial}商贸有限公司,{address}\n", code(LONGTING, serial.try_into().unwrap()));
    }
    // About 4 MB; the transport takes what goes beyond its windows of 1 MB only after the server has read what came before.
    let chunks = chunks(upload_to(MARKET), text.as_bytes());
    let taken = chunks.len() * 3 / 4;
    let (sender, receiver) = mpsc::channel(1);
    let mut hasty = clerk.clone();
    let call = tokio::spawn(async move { hasty.import_subjects(ReceiverStream::new(receiver)).await });
    for chunk in chunks.into_iter().take(taken) {
        sender.send(chunk).await.unwrap();
    }
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    until("the broken import ends", || async {
        world.count("select count(*) from import where state = 'INTERRUPTED'").await == 1
    })
    .await;
    // Not before: the transport may still read it, and its end would be the regular end of the upload.
    drop(sender);
    let request = pb::ListImportsRequest { parent: MARKET.into(), ..Default::default() };
    let broken = clerk.list_imports(request).await.unwrap().into_inner().imports.remove(0);
    assert!(broken.created > 0 && broken.created < ROWS, "{broken:?}");
    assert_eq!(counts(&broken), [broken.created, broken.created, 0, 0, 0, 0]);
    assert_eq!(world.count("select count(*) from subject").await, broken.created);
    assert_eq!(report(&mut clerk, &broken).await, Vec::<Vec<String>>::new());

    // Holds up the last batch, so that the import is seen while it runs, however fast it is.
    let mut held = world.pool.begin().await.unwrap();
    sqlx::query(
        "insert into subject (organisation, key, title, district, industry, address, in_business, old_number,
            created_at, changed_at, changed_by, changed_what)
         values ($1, $2, '占位', '410202', '', '', true, false, now(), now(), 'test', 'test')",
    )
    .bind(MARKET)
    .bind(code(LONGTING, (ROWS - 1).try_into().unwrap()))
    .execute(&mut *held)
    .await
    .unwrap();
    let mut patient = clerk.clone();
    let again = tokio::spawn(async move { upload(&mut patient, upload_to(MARKET), text.as_bytes()).await });
    until("its counts are seen while it runs", || async {
        world.count("select count(*) from import where state = 'RUNNING' and rows > 0").await == 1
    })
    .await;
    held.rollback().await.unwrap();
    let whole = again.await.unwrap().unwrap();
    assert_eq!(whole.state(), ImportState::Finished);
    assert_eq!(counts(&whole), [ROWS, ROWS - broken.created, 0, broken.created, 0, 0]);
    assert_eq!(world.count("select count(*) from subject").await, ROWS);
}

/// New firms go in by COPY, which stops at one that somebody else has entered meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_firm_entered_by_another_in_the_same_moment_is_updated() {
    let world = World::start().await;
    let clerk = world.clerk().await;
    let mut other = world.pool.begin().await.unwrap();
    sqlx::query(
        "insert into subject (organisation, key, title, district, industry, address, in_business, old_number,
            created_at, changed_at, changed_by, changed_what)
         values ($1, $2, '占位', '410202', '', '', true, false, now(), now(), 'test', 'test')",
    )
    .bind(MARKET)
    .bind(code(LONGTING, 1))
    .execute(&mut *other)
    .await
    .unwrap();
    let mut waiting = clerk.clone();
    let text = register(LONGTING, 0..3);
    let import = tokio::spawn(async move { upload(&mut waiting, upload_to(MARKET), text.as_bytes()).await });
    let waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    until("the import waits for the other", || async { world.count(waits).await == 1 }).await;
    other.commit().await.unwrap();
    let import = import.await.unwrap().unwrap();
    assert_eq!((import.state(), counts(&import)), (ImportState::Finished, [3, 2, 1, 0, 0, 0]));
    assert_eq!(world.count("select count(*) from subject where title <> '占位' and revision in (1, 2)").await, 3);
}

/// tonic ends the stream of a cancelled call as it ends that of a finished one; kit's guard keeps the two apart.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_cancelled_between_two_chunks_is_not_taken_for_a_whole_upload() {
    // Far more than the two ends of a connection hold between them (256 KiB of window, 1 MiB of the sender's buffer): when
    // the last chunk has left the channel, the service has read most of the rows and nothing tells it that more are to come.
    const SENT: u32 = 6_000;
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let street = "东京大道".repeat(50);
    let mut text = String::from("key,title,district,status,address\n");
    for serial in 0..SENT {
        text += &format!("{},开封市第{serial}商贸有限公司,{LONGTING},存续,{street}\n", code(LONGTING, serial));
    }
    let (sender, receiver) = mpsc::channel(1);
    let mut hasty = clerk.clone();
    let call = tokio::spawn(async move { hasty.import_subjects(ReceiverStream::new(receiver)).await });
    for chunk in chunks(upload_to(MARKET), text.as_bytes()) {
        sender.send(chunk).await.unwrap();
    }
    until("the chunks are on their way", || async { sender.capacity() == sender.max_capacity() }).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    until("the import ends", || async {
        world.count("select count(*) from import where state <> 'RUNNING'").await == 1
    })
    .await;
    let request = pb::ListImportsRequest { parent: MARKET.into(), ..Default::default() };
    let import = clerk.list_imports(request).await.unwrap().into_inner().imports.remove(0);
    let [rows, created, others @ ..] = counts(&import);
    assert_eq!((import.state(), created, others), (ImportState::Interrupted, rows, [0; 4]));
    assert!((i64::from(SENT) / 2..=i64::from(SENT)).contains(&rows), "{rows} rows");
    assert_eq!(world.count("select count(*) from subject").await, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_upload_too_many_is_refused_at_once_and_a_freed_place_is_used_again() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    // One more than there are places, each sending its row and then nothing: whichever comes last is refused.
    let (mut senders, mut calls) = (Vec::new(), Vec::new());
    for serial in 0..=u32::try_from(AT_ONCE_MAX).unwrap() {
        let (sender, receiver) = mpsc::channel(4);
        for chunk in chunks(upload_to(MARKET), register(LONGTING, serial..serial + 1).as_bytes()) {
            sender.send(chunk).await.unwrap();
        }
        senders.push(sender);
        let mut silent = clerk.clone();
        calls.push(tokio::spawn(async move { silent.import_subjects(ReceiverStream::new(receiver)).await }));
    }
    let refusal = tokio::time::timeout(HANG_MAX, futures::future::select_all(calls));
    let (refused, nth, mut calls) = refusal.await.expect("nobody was refused");
    assert_eq!(reason(refused.unwrap()), "UNAVAILABLE");
    drop(senders.swap_remove(nth));

    // One ends; its place is used, while the others still stand.
    drop(senders.pop());
    let ended = calls.pop().unwrap().await.unwrap().unwrap().into_inner();
    assert_eq!((ended.state(), ended.created), (ImportState::Finished, 1));
    let next = upload(&mut clerk, upload_to(MARKET), register(LONGTING, 100..103).as_bytes()).await.unwrap();
    assert_eq!((next.state(), next.created), (ImportState::Finished, 3));
    drop(senders);
    for call in calls {
        let import = call.await.unwrap().unwrap().into_inner();
        assert_eq!((import.state(), import.created), (ImportState::Finished, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_file_is_interrupted_and_its_whole_rows_are_in() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let text = register(LONGTING, 0..10);
    let cut = text.rfind(',').unwrap() - 8;
    let import = upload(&mut clerk, upload_to(MARKET), &text.as_bytes()[..cut]).await.unwrap();
    assert_eq!((import.state(), counts(&import)), (ImportState::Interrupted, [10, 9, 0, 0, 1, 0]));
    assert_eq!(import.problems[0].reason, "TRUNCATED");
    let whole = upload(&mut clerk, upload_to(MARKET), text.as_bytes()).await.unwrap();
    assert_eq!((whole.state(), counts(&whole)), (ImportState::Finished, [10, 1, 0, 9, 0, 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_whose_process_died_is_interrupted_at_the_next_start() {
    let mut world = World::start().await;
    sqlx::query(
        "insert into import (id, organisation, file_name, state, creator, created_at, touched_at, rows, returned, problems)
         values ('1', $1, 'f.csv', 'RUNNING', 'users/clerk', $2, $2, 1, 1, $3)",
    )
    .bind(MARKET)
    .bind(world.harness.clock.now())
    .bind(serde_json::json!([{"line": 2, "field": "key", "value": "x", "reason": "CODE_LENGTH", "zh": "短", "en": "short"}]))
    .execute(&world.pool)
    .await
    .unwrap();
    let name = format!("{MARKET}/imports/1");
    let mut clerk = world.clerk().await;
    let running = clerk.get_import(pb::GetImportRequest { name: name.clone() }).await.unwrap().into_inner();
    assert_eq!((running.state(), running.rows), (ImportState::Running, 1));
    let download = clerk.download_import_report(pb::DownloadImportReportRequest { name: name.clone() }).await;
    assert_eq!(reason(download.map(|_| ())), "WRONG_STATE");

    world.harness.clock.advance(chrono::Duration::minutes(2));
    world.harness.restart(|env| Box::pin(async move { Ok(vec![draws::start(env).await?]) })).await.unwrap();
    until("it is marked", || async {
        world.count("select count(*) from import where state = 'INTERRUPTED'").await == 1
    })
    .await;
    let mut clerk = world.clerk().await;
    let import = clerk.get_import(pb::GetImportRequest { name }).await.unwrap().into_inner();
    assert!(import.end_time.is_some());
    assert_eq!(report(&mut clerk, &import).await[0][..4], ["2", "key", "x", "CODE_LENGTH"], "what was kept is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_table_does_not_say_stays_as_it_is() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let key = code(LONGTING, 1);
    let full = format!("key,title,industry,address,status\n{key},甲公司,F52,郑开大道1号,在业\n");
    upload(&mut clerk, upload_to(MARKET), full.as_bytes()).await.unwrap();
    let gone = pb::SetSubjectStatusRequest {
        name: format!("{MARKET}/subjects/{key}"),
        status: pb::SubjectStatus::NotInBusiness as i32,
        reason: "现场查无".into(),
        etag: "1".into(),
        ..Default::default()
    };
    clerk.set_subject_status(gone).await.unwrap();
    let bare = format!("key,title\n{key},乙公司\n");
    let import = upload(&mut clerk, upload_to(MARKET), bare.as_bytes()).await.unwrap();
    assert_eq!(counts(&import), [1, 0, 1, 0, 0, 0]);
    let name = format!("{MARKET}/subjects/{key}");
    let subject = clerk.get_subject(pb::GetSubjectRequest { name }).await.unwrap().into_inner();
    assert_eq!(
        (subject.title.as_str(), subject.industry.as_str(), subject.address.as_str()),
        ("乙公司", "F52", "郑开大道1号")
    );
    assert_eq!((subject.status(), subject.etag.as_str()), (pb::SubjectStatus::NotInBusiness, "3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_batch_leaves_one_audit_entry() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    upload(&mut clerk, upload_to(MARKET), register(LONGTING, 0..10_500).as_bytes()).await.unwrap();
    // Begin, three batches of at most 5,000, end; and no event, since nobody follows registers.
    let written = "select (select count(*) from log) + (select count(*) from outbox)";
    assert_eq!(world.count(written).await, 5);
    let audits =
        "select (select count(*) from log where type = 'audit') + (select count(*) from outbox where type = 'audit')";
    until("the sequencer has moved them", || async { world.count(audits).await == 5 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_departments_uploading_the_same_firm_keep_two_registers() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let mut nurse = world.registers("users/nurse", HEALTH, &[Role::Integrator]).await;
    let text = register(LONGTING, 0..3);
    let (one, other) = tokio::join!(
        upload(&mut clerk, upload_to(MARKET), text.as_bytes()),
        upload(&mut nurse, upload_to(HEALTH), text.as_bytes())
    );
    assert_eq!((one.unwrap().created, other.unwrap().created), (3, 3));
    assert_eq!(world.count("select count(*) from subject").await, 6);
    assert_eq!(reason(upload(&mut nurse, upload_to(MARKET), text.as_bytes()).await), "NOT_FOUND");
    let mut reviewer = world.registers("users/chief", MARKET, &[Role::Reviewer]).await;
    assert_eq!(reason(upload(&mut reviewer, upload_to(MARKET), text.as_bytes()).await), "ROLE_MISSING");
}
