//! Credit classes of the province (信用等级, art. 17): they come in with the register, by file or by rows, and go nowhere that
//! the register's own versions do not go.

use proto::qingtian::{access::v1::Role, common::v1::Import, draws::v1 as pb};
use tokio_stream::StreamExt;

use crate::{draws::city::City, world::*};

fn counts(import: &Import) -> [i64; 5] {
    [import.rows, import.created, import.updated, import.unchanged, import.returned]
}

async fn class_of(registers: &mut Registers, key: &str) -> String {
    let name = format!("{MARKET}/subjects/{key}");
    registers.get_subject(pb::GetSubjectRequest { name }).await.unwrap().into_inner().credit_class
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_comes_in_by_file_changes_by_file_and_stays_where_nothing_is_said() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let keys: Vec<_> = (0..8).map(|serial| code(LONGTING, serial)).collect();
    let file = |classes: &[&str]| {
        let rows = keys.iter().zip(classes).map(|(key, class)| format!("{key},企业,{class}\n"));
        format!("统一代码,名称,信用等级\n{}", rows.collect::<String>())
    };
    let columns = ["key=统一代码", "title=名称", "credit_class=信用等级"].map(str::to_owned).to_vec();
    let head = pb::ImportSubjectsRequest { columns, ..upload_to(MARKET) };
    let first = file(&["A", "B", "C", "D", "", "未分类", "E", "a"]);
    let import = upload(&mut clerk, head.clone(), first.as_bytes()).await.unwrap();
    assert_eq!(counts(&import), [8, 6, 0, 0, 2]);
    let found: Vec<_> = import
        .problems
        .iter()
        .map(|one| (one.line, one.field.as_str(), one.value.as_str(), one.reason.as_str()))
        .collect();
    let unknown = |line, value| (line, "credit_class", value, "CREDIT_CLASS_UNKNOWN");
    assert_eq!(found, [unknown(8, "E"), unknown(9, "a")]);
    assert!(import.problems[0].message.contains("未分类"), "{:?}", import.problems[0]);
    for (key, class) in keys.iter().zip(["A", "B", "C", "D", "", ""]) {
        assert_eq!(class_of(&mut clerk, key).await, class);
    }

    // What is not said stays: by a row without one, and by a table without the column.
    let second = file(&["", "C", "C", "未分类", "B"]);
    assert_eq!(counts(&upload(&mut clerk, head, second.as_bytes()).await.unwrap()), [5, 0, 3, 2, 0]);
    let bare = format!("key,title\n{},新名称\n", keys[1]);
    assert_eq!(counts(&upload(&mut clerk, upload_to(MARKET), bare.as_bytes()).await.unwrap()), [1, 0, 1, 0, 0]);
    for (key, class) in keys.iter().zip(["A", "C", "C", "", "B", ""]) {
        assert_eq!(class_of(&mut clerk, key).await, class);
    }
    let mut history = world.changes("users/clerk", MARKET, &[Role::Handler]).await;
    let request = pb::ListSubjectVersionsRequest { parent: format!("{MARKET}/subjects/{}", keys[1]) };
    let versions = history.list_subject_versions(request).await.unwrap().into_inner().versions;
    let told: Vec<_> = versions.into_iter().filter_map(|one| one.subject).map(|one| one.credit_class).collect();
    assert_eq!(told, ["C", "C", "B"], "newest first");

    // What goes out says each class, and is understood when it comes in again.
    let export = pb::ExportSubjectsRequest { parent: MARKET.into(), ..Default::default() };
    let mut pieces = clerk.export_subjects(export).await.unwrap().into_inner();
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await {
        bytes.extend(piece.unwrap().data);
    }
    let table = String::from_utf8(bytes.clone()).unwrap();
    assert!(table.lines().next().unwrap().ends_with(",status,credit_class"), "{table}");
    let ends = |end: &str| table.lines().filter(|line| line.ends_with(end)).count();
    assert_eq!([",在业,A", ",在业,B", ",在业,C", ",在业,未分类"].map(ends), [1, 1, 2, 2], "{table}");
    assert_eq!(counts(&upload(&mut clerk, upload_to(MARKET), &bytes).await.unwrap()), [6, 0, 0, 6, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_comes_in_by_streamed_rows() {
    let world = World::start().await;
    let mut system = world.registers("users/system", MARKET, &[Role::Integrator]).await;
    let row = |serial, class: &str| pb::SubjectRow {
        key: code(LONGTING, serial),
        title: "企业".into(),
        credit_class: class.into(),
        ..Default::default()
    };
    for (rows, expected) in [
        (vec![row(1, "D"), row(2, "甲"), row(3, ""), row(4, "B")], [4, 3, 0, 0, 1]),
        (vec![row(1, ""), row(3, "A"), row(4, "UNCLASSIFIED")], [3, 0, 2, 1, 0]),
    ] {
        let messages = vec![pb::ImportSubjectsRequest { rows, ..upload_to(MARKET) }];
        let import = system.import_subjects(futures::stream::iter(messages)).await.unwrap().into_inner();
        assert_eq!(counts(&import), expected);
        if let [problem] = import.problems.as_slice() {
            assert_eq!((problem.line, problem.field.as_str()), (2, "credit_class"));
        }
    }
    for (serial, class) in [(1, "D"), (3, "A"), (4, "")] {
        assert_eq!(class_of(&mut system, &code(LONGTING, serial)).await, class);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn between_publication_and_reveal_a_class_waits_for_a_second_person() {
    let city = City::start().await;
    let mut clerk = city.world.clerk().await;
    let key = code(LONGTING, 0);
    let table = format!("key,title,district,credit_class\n{key},开封市第0商贸有限公司,{LONGTING},C\n");
    let head = pb::ImportSubjectsRequest { reason: "省级分类结果更新".into(), ..upload_to(MARKET) };
    let import = upload(&mut clerk, head, table.as_bytes()).await.unwrap();
    assert_eq!(counts(&import), [1, 0, 1, 0, 0], "what it would do is foreseen");
    assert_eq!(class_of(&mut clerk, &key).await, "");
    city.world.approve(&import.change).await;
    assert_eq!(class_of(&mut clerk, &key).await, "C");
}
