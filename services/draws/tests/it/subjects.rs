//! Subjects (art. 13): their life in full, their history, and looking through them.

use proto::qingtian::{access::v1::Role, draws::v1 as pb};
use tokio_stream::StreamExt;

use crate::world::*;

const STATUSES: [(&str, pb::SubjectStatus); 6] = [
    ("存续", pb::SubjectStatus::InBusiness),
    ("歇业", pb::SubjectStatus::Suspended),
    ("注销", pb::SubjectStatus::Deregistered),
    ("吊销，未注销", pb::SubjectStatus::Revoked),
    ("迁出", pb::SubjectStatus::MovedOut),
    ("不在业", pb::SubjectStatus::NotInBusiness),
];

async fn names(registers: &mut Registers, request: pb::ListSubjectsRequest) -> Vec<String> {
    let answer = registers.list_subjects(request).await.unwrap().into_inner();
    answer.subjects.into_iter().map(|one| one.title).collect()
}

async fn history(world: &World, key: &str) -> Vec<pb::SubjectVersion> {
    let mut clerk = world.changes("users/clerk", MARKET, &[Role::Handler]).await;
    let request = pb::ListSubjectVersionsRequest { parent: format!("{MARKET}/subjects/{key}") };
    clerk.list_subject_versions(request).await.unwrap().into_inner().versions
}

/// Six enterprises, one of each status.
async fn all_lives(world: &World) -> Registers {
    let mut clerk = world.clerk().await;
    let mut csv = "key,title,district,status\n".to_owned();
    for (serial, (word, _)) in (0..).zip(STATUSES) {
        csv += &format!("{},企业{serial},410202,{word}\n", code(LONGTING, serial));
    }
    let import = upload(&mut clerk, upload_to(MARKET), csv.as_bytes()).await.unwrap();
    assert_eq!((import.created, import.returned), (6, 0));
    clerk
}

#[tokio::test(flavor = "multi_thread")]
async fn every_status_comes_in_is_found_and_goes_out_again() {
    let world = World::start().await;
    let mut clerk = all_lives(&world).await;
    let all = pb::ListSubjectsRequest { parent: MARKET.into(), ..Default::default() };
    for (serial, (_, status)) in (0..).zip(STATUSES) {
        let name = format!("{MARKET}/subjects/{}", code(LONGTING, serial));
        let one = clerk.get_subject(pb::GetSubjectRequest { name }).await.unwrap().into_inner();
        assert_eq!(one.status(), status);
        let request = pb::ListSubjectsRequest { status: status as i32, ..all.clone() };
        assert_eq!(names(&mut clerk, request).await, [format!("企业{serial}")]);
    }
    let gone = vec![pb::SubjectStatus::Suspended as i32, pb::SubjectStatus::Revoked as i32];
    let several = pb::ListSubjectsRequest { statuses: gone.clone(), ..all };
    assert_eq!(names(&mut clerk, several).await.len(), 2);

    let export = pb::ExportSubjectsRequest { parent: MARKET.into(), statuses: gone, ..Default::default() };
    let mut pieces = clerk.export_subjects(export).await.unwrap().into_inner();
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await {
        bytes.extend(piece.unwrap().data);
    }
    let table = String::from_utf8(bytes.clone()).unwrap();
    assert_eq!((table.lines().count(), table.contains(",歇业"), table.contains(",吊销")), (3, true, true), "{table}");
    let again = upload(&mut clerk, upload_to(MARKET), &bytes).await.unwrap();
    assert_eq!((again.unchanged, again.returned), (2, 0), "what goes out is understood when it comes in again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_shows_who_changed_it_when_and_why() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let key = code(LONGTING, 1);
    let first = upload(&mut clerk, upload_to(MARKET), register(LONGTING, 1..2).as_bytes()).await.unwrap();
    let set = pb::SetSubjectStatusRequest {
        name: format!("{MARKET}/subjects/{key}"),
        status: pb::SubjectStatus::Suspended as i32,
        reason: "停业整顿".into(),
        etag: "1".into(),
        ..Default::default()
    };
    clerk.set_subject_status(set).await.unwrap();
    let renamed = format!("key,title\n{key},新名称\n");
    let second = upload(&mut clerk, upload_to(MARKET), renamed.as_bytes()).await.unwrap();
    // The same again writes nothing and leaves no version.
    upload(&mut clerk, upload_to(MARKET), renamed.as_bytes()).await.unwrap();

    let versions = history(&world, &key).await;
    let told: Vec<_> = versions
        .iter()
        .map(|one| {
            let subject = one.subject.as_ref().unwrap();
            (subject.etag.as_str(), subject.title.as_str(), subject.status(), one.reason.as_str(), one.source.as_str())
        })
        .collect();
    let old = "开封市第1商贸有限公司";
    assert_eq!(
        told,
        [
            ("3", "新名称", pb::SubjectStatus::Suspended, "", second.name.as_str()),
            ("2", old, pb::SubjectStatus::Suspended, "停业整顿", ""),
            ("1", old, pb::SubjectStatus::InBusiness, "", first.name.as_str()),
        ]
    );
    assert!(versions.iter().all(|one| one.actor == "users/clerk" && one.time.is_some() && one.approver.is_empty()));
    assert!(versions[1].what.contains("歇业"), "{versions:?}");

    let mut nurse = world.changes("users/nurse", HEALTH, &[Role::Handler]).await;
    let request = pb::ListSubjectVersionsRequest { parent: format!("{MARKET}/subjects/{key}") };
    assert_eq!(reason(nurse.list_subject_versions(request).await), "NOT_FOUND");
    let mut clerk = world.changes("users/clerk", MARKET, &[Role::Handler]).await;
    let request = pb::ListSubjectVersionsRequest { parent: format!("{MARKET}/subjects/none") };
    assert_eq!(reason(clerk.list_subject_versions(request).await), "NOT_FOUND");
    // Not even the owner rewrites what was.
    let owner = world.harness.owner_pool("draws").await.unwrap();
    assert!(sqlx::query("update subject_version set title = 'x'").execute(&owner).await.is_err());
    assert!(sqlx::query("delete from subject_version").execute(&owner).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_register_is_filtered_by_several_things_at_once_and_sorted_each_way() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let rows = [
        ("乙食品厂", LONGTING, "C1411", "A"),
        ("甲食品店", LONGTING, "F5226", "B"),
        ("丙药房", SHUNHE, "F5251", ""),
        ("Kaifeng Food", SHUNHE, "F5226", "D"),
    ];
    let mut csv = "key,title,district,industry,credit_class\n".to_owned();
    for (serial, (title, district, industry, class)) in (0..).zip(rows) {
        csv += &format!("{},{title},{district},{industry},{class}\n", code(district, serial));
    }
    upload(&mut clerk, upload_to(MARKET), csv.as_bytes()).await.unwrap();
    let all = pb::ListSubjectsRequest { parent: MARKET.into(), order_by: "title".into(), ..Default::default() };
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    for (request, found) in [
        (pb::ListSubjectsRequest { query: "食品".into(), ..all.clone() }, vec!["乙食品厂", "甲食品店"]),
        (pb::ListSubjectsRequest { query: "kaifeng".into(), ..all.clone() }, vec!["Kaifeng Food"]),
        (pb::ListSubjectsRequest { industry: "F52".into(), ..all.clone() }, vec!["Kaifeng Food", "丙药房", "甲食品店"]),
        (pb::ListSubjectsRequest { industry: "F52".into(), query: "食品".into(), ..all.clone() }, vec!["甲食品店"]),
        (
            pb::ListSubjectsRequest { districts: texts(&[SHUNHE]), industry: "F5226".into(), ..all.clone() },
            vec!["Kaifeng Food"],
        ),
        (pb::ListSubjectsRequest { credit_classes: texts(&["A", "NONE"]), ..all.clone() }, vec!["丙药房", "乙食品厂"]),
        (
            pb::ListSubjectsRequest {
                districts: texts(&[LONGTING, SHUNHE]),
                credit_classes: texts(&["D"]),
                ..all.clone()
            },
            vec!["Kaifeng Food"],
        ),
        (
            pb::ListSubjectsRequest { order_by: "title desc".into(), ..all.clone() },
            vec!["甲食品店", "乙食品厂", "丙药房", "Kaifeng Food"],
        ),
    ] {
        let told = format!("{request:?}");
        assert_eq!(names(&mut clerk, request).await, found, "{told}");
    }
    // Each order page by page holds each subject once.
    for (at, order_by) in
        ["key", "key desc", "title", "title desc", "change_time", "change_time desc"].into_iter().enumerate()
    {
        let whole = pb::ListSubjectsRequest { order_by: order_by.into(), ..all.clone() };
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListSubjectsRequest { page_size: 1, page_token, ..whole.clone() };
            let page = clerk.list_subjects(request).await.unwrap().into_inner();
            assert_eq!(page.total_size, 4);
            found.extend(page.subjects.into_iter().map(|one| one.title));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found, names(&mut clerk, whole).await, "{at} {order_by}");
        assert_eq!(found.len(), 4);
    }
    let first = pb::ListSubjectsRequest { page_size: 1, order_by: "title".into(), ..all.clone() };
    let token = clerk.list_subjects(first).await.unwrap().into_inner().next_page_token;
    for (request, why) in [
        (pb::ListSubjectsRequest { order_by: "name".into(), ..all.clone() }, "INVALID"),
        (pb::ListSubjectsRequest { credit_classes: texts(&["E"]), ..all.clone() }, "INVALID"),
        (pb::ListSubjectsRequest { statuses: vec![77], ..all.clone() }, "INVALID"),
        (pb::ListSubjectsRequest { page_token: token, order_by: "change_time".into(), ..all.clone() }, "PAGE_TOKEN"),
    ] {
        assert_eq!(reason(clerk.list_subjects(request).await), why);
    }
}
