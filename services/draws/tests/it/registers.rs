//! What stands in a register (art. 13), and the conflicts declared over it (art. 16).

use kit::testing::refusal_of;
use proto::qingtian::{
    access::v1::Role,
    draws::v1 as pb,
    identity::events::v1::{OfficerChanged, OrganisationChanged},
};
use tokio_stream::StreamExt;

use crate::world::*;

fn status_of(key: &str, etag: &str) -> pb::SetSubjectStatusRequest {
    pb::SetSubjectStatusRequest {
        name: format!("{MARKET}/subjects/{key}"),
        status: pb::SubjectStatus::NotInBusiness as i32,
        reason: "现场查无".into(),
        etag: etag.into(),
        request_id: String::new(),
    }
}

fn declares(officer: &str, subject: &str) -> pb::DeclareConflictRequest {
    let conflict = pb::Conflict {
        officer: officer.into(),
        subject: subject.into(),
        reason: "配偶任职".into(),
        ..Default::default()
    };
    pb::DeclareConflictRequest { parent: MARKET.into(), conflict: Some(conflict), request_id: String::new() }
}

async fn listed(registers: &mut Registers, request: pb::ListSubjectsRequest) -> (Vec<String>, i64, String) {
    let answer = registers.list_subjects(request).await.unwrap().into_inner();
    (answer.subjects.into_iter().map(|one| one.key).collect(), answer.total_size, answer.next_page_token)
}

#[tokio::test(flavor = "multi_thread")]
async fn subjects_are_found_by_key_name_district_and_status_page_by_page() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    upload(&mut clerk, upload_to(MARKET), register(LONGTING, 0..7).as_bytes()).await.unwrap();
    upload(&mut clerk, upload_to(MARKET), register(SHUNHE, 100..103).as_bytes()).await.unwrap();
    clerk.set_subject_status(status_of(&code(SHUNHE, 100), "1")).await.unwrap();
    let all = pb::ListSubjectsRequest { parent: MARKET.into(), ..Default::default() };

    let mut keys: Vec<String> = (0..7).map(|n| code(LONGTING, n)).chain((100..103).map(|n| code(SHUNHE, n))).collect();
    keys.sort();
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListSubjectsRequest { page_size: 4, page_token, ..all.clone() };
        let (page, total, next) = listed(&mut clerk, request).await;
        assert_eq!(total, 10);
        found.extend(page);
        page_token = next;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(found, keys);

    let query = |query: &str| pb::ListSubjectsRequest { query: query.into(), ..all.clone() };
    assert_eq!(listed(&mut clerk, query(&code(LONGTING, 3))).await.0, [code(LONGTING, 3)]);
    assert_eq!(listed(&mut clerk, query(&code(SHUNHE, 101)[..8])).await.1, 3);
    assert_eq!(listed(&mut clerk, query("第102商贸")).await.0, [code(SHUNHE, 102)]);
    assert_eq!(listed(&mut clerk, query("%")).await.1, 0, "a wildcard is only a character");
    let request = pb::ListSubjectsRequest { district: SHUNHE.into(), ..all.clone() };
    assert_eq!(listed(&mut clerk, request).await.1, 3);
    let request = pb::ListSubjectsRequest { status: pb::SubjectStatus::NotInBusiness as i32, ..all.clone() };
    assert_eq!(listed(&mut clerk, request).await.0, [code(SHUNHE, 100)]);

    for (request, why) in [
        (pb::ListSubjectsRequest { page_token: "%".into(), ..all.clone() }, "PAGE_TOKEN"),
        (pb::ListSubjectsRequest { page_size: 1_001, ..all.clone() }, "INVALID"),
        (pb::ListSubjectsRequest { district: "41".into(), ..all.clone() }, "INVALID"),
        (pb::ListSubjectsRequest { status: 9, ..all.clone() }, "INVALID"),
        (pb::ListSubjectsRequest { parent: HEALTH.into(), ..all.clone() }, "NOT_FOUND"),
    ] {
        assert_eq!(reason(clerk.list_subjects(request).await), why);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_changed_with_a_reason_by_whoever_read_the_newest() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let key = code(LONGTING, 1);
    upload(&mut clerk, upload_to(MARKET), register(LONGTING, 1..2).as_bytes()).await.unwrap();
    let request = pb::SetSubjectStatusRequest { request_id: "one".into(), ..status_of(&key, "1") };
    let first = clerk.set_subject_status(request.clone()).await.unwrap().into_inner();
    assert_eq!((first.status(), first.etag.as_str()), (pb::SubjectStatus::NotInBusiness, "2"));
    let again = clerk.set_subject_status(request.clone()).await.unwrap().into_inner();
    assert_eq!(again, first, "a repeated request is answered with the first answer");
    assert_eq!(world.count("select count(*) from subject_version").await, 1);
    let other = pb::SetSubjectStatusRequest { reason: "别的理由".into(), ..request };
    assert_eq!(reason(clerk.set_subject_status(other).await), "REQUEST_ID_REUSED");

    let mut colleague = world.registers("users/colleague", MARKET, &[Role::Handler]).await;
    let stale = colleague.set_subject_status(status_of(&key, "1")).await.unwrap_err();
    let (why, values) = refusal_of(&stale);
    assert_eq!((why.as_str(), stale.code()), ("STALE", tonic::Code::Aborted));
    assert_eq!(values["who"], "users/clerk");
    assert!(values["what"].contains("set not in business"), "{values:?}");

    let valid = status_of(&key, "2");
    for (request, why) in [
        (pb::SetSubjectStatusRequest { status: 0, ..valid.clone() }, "INVALID"),
        (pb::SetSubjectStatusRequest { reason: " x ".into(), ..valid.clone() }, "INVALID"),
        (pb::SetSubjectStatusRequest { etag: String::new(), ..valid.clone() }, "INVALID"),
        (pb::SetSubjectStatusRequest { name: format!("{MARKET}/subjects/none"), ..valid.clone() }, "NOT_FOUND"),
        (pb::SetSubjectStatusRequest { name: format!("{MARKET}/subjects/"), ..valid.clone() }, "NOT_FOUND"),
        (pb::SetSubjectStatusRequest { name: key.clone(), ..valid.clone() }, "NOT_FOUND"),
    ] {
        assert_eq!(reason(clerk.set_subject_status(request).await), why);
    }
    assert_eq!(world.count("select count(*) from subject_version").await, 1);
    assert_eq!(world.count("select revision from subject").await, 2, "nothing is half-done after a refusal");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_runs_nothing_and_can_be_uploaded_again() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let text = format!("{}reg:330000000008000,旧号公司,{SHUNHE},注销\n", register(LONGTING, 0..3_000));
    upload(&mut clerk, upload_to(MARKET), text.as_bytes()).await.unwrap();
    // Titles of other origin than a checked upload are no less dangerous.
    sqlx::query("update subject set address = '=1+1' where key = $1")
        .bind(code(LONGTING, 7))
        .execute(&world.pool)
        .await
        .unwrap();
    let request = pb::ExportSubjectsRequest { parent: MARKET.into(), ..Default::default() };
    let mut pieces = clerk.export_subjects(request).await.unwrap().into_inner();
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await {
        bytes.extend(piece.unwrap().data);
    }
    let table = String::from_utf8(bytes.clone()).unwrap();
    assert_eq!(table.lines().count(), 3_002);
    assert!(table.contains(",'=1+1,"));
    let safe = table.replace("'=1+1", "");
    let again = upload(
        &mut clerk,
        pb::ImportSubjectsRequest { default_district: String::new(), ..upload_to(MARKET) },
        safe.as_bytes(),
    );
    let again = again.await.unwrap();
    assert_eq!((again.unchanged, again.returned), (3_001, 0));
    let request = pb::ExportSubjectsRequest { parent: HEALTH.into(), ..Default::default() };
    assert_eq!(reason(clerk.export_subjects(request).await.map(|_| ())), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_departments_records_are_not_found() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let import = upload(&mut clerk, upload_to(MARKET), register(LONGTING, 1..2).as_bytes()).await.unwrap();
    world.officer("4102-001", MARKET, &[LONGTING]).await;
    let roles = [Role::Handler, Role::Reviewer, Role::Officer, Role::DepartmentAdmin, Role::Integrator];
    let mut nurse = world.registers("users/nurse", HEALTH, &roles).await;
    let name = format!("{MARKET}/subjects/{}", code(LONGTING, 1));
    let import = import.name;
    let parent = MARKET.to_owned();
    assert_eq!(reason(nurse.get_subject(pb::GetSubjectRequest { name: name.clone() }).await), "NOT_FOUND");
    assert_eq!(reason(nurse.set_subject_status(status_of(&code(LONGTING, 1), "1")).await), "NOT_FOUND");
    assert_eq!(reason(nurse.get_import(pb::GetImportRequest { name: import.clone() }).await), "NOT_FOUND");
    let report = nurse.download_import_report(pb::DownloadImportReportRequest { name: import.clone() }).await;
    assert_eq!(reason(report.map(|_| ())), "NOT_FOUND");
    let request = pb::ListImportsRequest { parent: parent.clone(), ..Default::default() };
    assert_eq!(reason(nurse.list_imports(request).await), "NOT_FOUND");
    let request = pb::ListOfficersRequest { parent: parent.clone(), ..Default::default() };
    assert_eq!(reason(nurse.list_officers(request).await), "NOT_FOUND");
    let request = pb::ListConflictsRequest { parent: parent.clone(), ..Default::default() };
    assert_eq!(reason(nurse.list_conflicts(request).await), "NOT_FOUND");
    assert_eq!(reason(nurse.declare_conflict(declares("4102-001", &code(LONGTING, 1))).await), "NOT_FOUND");
    // Whose own register it pretends to be in does not matter either.
    let foreign = import.replace(MARKET, HEALTH);
    assert_eq!(reason(nurse.get_import(pb::GetImportRequest { name: foreign }).await), "NOT_FOUND");
    // The supervision office reaches the whole city, and writes in nobody's place.
    let roles = [Role::SupervisionOffice, Role::Handler];
    let mut supervision = world.registers("users/ducha", "organisations/ducha", &roles).await;
    supervision.get_subject(pb::GetSubjectRequest { name }).await.unwrap();
    let more = register(LONGTING, 2..3);
    assert_eq!(reason(upload(&mut supervision, upload_to(MARKET), more.as_bytes()).await), "NOT_FOUND");
    assert_eq!(reason(supervision.declare_conflict(declares("4102-001", &code(LONGTING, 1))).await), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn officers_are_known_as_identity_last_announced_them() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let first = world.officer("4102-001", MARKET, &[SHUNHE, LONGTING, "龙亭区"]).await;
    world.identity_says(&first).await.unwrap();
    world.officer("4102-002", MARKET, &[LONGTING]).await;
    world.officer("4102-003", HEALTH, &[LONGTING]).await;
    let all = pb::ListOfficersRequest { parent: MARKET.into(), ..Default::default() };
    let found = clerk.list_officers(all.clone()).await.unwrap().into_inner().officers;
    assert_eq!(found.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), ["4102-001", "4102-002"]);
    assert_eq!(found[0].districts, [LONGTING, SHUNHE], "sorted; what evidence cannot hold can match nothing");
    assert_eq!((found[0].expire_date.as_str(), found[0].active), ("2027-12-31", true));
    let request = pb::ListOfficersRequest { district: SHUNHE.into(), ..all.clone() };
    assert_eq!(clerk.list_officers(request).await.unwrap().into_inner().officers.len(), 1);
    let request = pb::ListOfficersRequest { query: "02-002".into(), ..all.clone() };
    assert_eq!(clerk.list_officers(request).await.unwrap().into_inner().officers.len(), 1);
    let request = pb::ListOfficersRequest { page_size: 1, ..all.clone() };
    let page = clerk.list_officers(request.clone()).await.unwrap().into_inner();
    let request = pb::ListOfficersRequest { page_token: page.next_page_token, ..request };
    assert_eq!(clerk.list_officers(request).await.unwrap().into_inner().officers[0].key, "4102-002");

    // A certificate that says something else: draws from then on go by it, the last valid day too.
    let renewed = OfficerChanged {
        expire_date: "2026-12-01".into(),
        districts: vec![SHUNHE.into()],
        specialties: vec!["equipment".into()],
        ..first.clone()
    };
    world.identity_says(&renewed).await.unwrap();
    let found = clerk.list_officers(all.clone()).await.unwrap().into_inner().officers;
    let shown = (found[0].districts.clone(), found[0].specialties.clone(), found[0].expire_date.as_str());
    assert_eq!(shown, (vec![SHUNHE.to_owned()], vec!["equipment".to_owned()], "2026-12-01"));
    {
        let mut conn = world.pool.acquire().await.unwrap();
        for (day, there) in [("2026-12-01", true), ("2026-12-02", false)] {
            let market = [MARKET.to_owned()];
            let sent = draws::people::candidates::officers(&mut conn, &market, day.parse().unwrap()).await.unwrap();
            let sent = sent.into_iter().find(|one| one.key == "4102-001").map(|one| (one.districts, one.specialties));
            let expected = (vec![SHUNHE.to_owned()], vec!["equipment".to_owned()]);
            assert_eq!(sent, there.then_some(expected), "{day}");
        }
    }

    // A new certificate replaces the old one; frozen officers stay listed but are not sent; without certificate one is none.
    world
        .identity_says(&OfficerChanged { certificate: "4102-009".into(), active: false, ..first.clone() })
        .await
        .unwrap();
    let found = clerk.list_officers(all.clone()).await.unwrap().into_inner().officers;
    assert_eq!(
        found.iter().map(|one| (one.key.as_str(), one.active)).collect::<Vec<_>>(),
        [("4102-002", true), ("4102-009", false)]
    );
    let units = [MARKET.to_owned(), HEALTH.to_owned()];
    let mut conn = world.pool.acquire().await.unwrap();
    let mut sent = async |day: &str| {
        let officers = draws::people::candidates::officers(&mut conn, &units, day.parse().unwrap()).await.unwrap();
        officers.into_iter().map(|officer| officer.key).collect::<Vec<_>>()
    };
    assert_eq!(sent("2027-12-31").await, ["4102-002", "4102-003"]);
    assert_eq!(sent("2028-01-01").await, Vec::<String>::new(), "the certificate is valid on its last day, not after");
    world.identity_says(&OfficerChanged { certificate: String::new(), ..first }).await.unwrap();
    assert_eq!(clerk.list_officers(all).await.unwrap().into_inner().officers.len(), 1);

    let market = OrganisationChanged { name: MARKET.into(), title: "市监局".into(), ..Default::default() };
    world.identity_says(&market).await.unwrap();
    world.identity_says(&OrganisationChanged { title: "开封市市场监督管理局".into(), ..market }).await.unwrap();
    let titles = draws::registers::store::organisation_titles(&mut conn, &units).await.unwrap();
    assert_eq!(titles, [(MARKET.to_owned(), "开封市市场监督管理局".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_declared_once_by_the_officer_or_a_handler_and_stays() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let firm = code(LONGTING, 1);
    for certificate in ["4102-001", "4102-002"] {
        world.officer(certificate, MARKET, &[LONGTING]).await;
    }
    let request = pb::DeclareConflictRequest { request_id: "one".into(), ..declares("4102-001", &firm) };
    let first = clerk.declare_conflict(request.clone()).await.unwrap().into_inner();
    assert_eq!(clerk.declare_conflict(request).await.unwrap().into_inner(), first);
    assert_eq!(world.count("select count(*) from conflict").await, 1);
    assert_eq!((first.creator.as_str(), first.officer.as_str()), ("users/clerk", "4102-001"));
    assert_eq!(reason(clerk.declare_conflict(declares("4102-001", &firm)).await), "ALREADY_EXISTS");
    let mut unsaid = declares("4102-001", "site:1");
    unsaid.conflict.as_mut().unwrap().reason = " 亲 ".into();
    let (refused, values) = refusal_of(&clerk.declare_conflict(unsaid).await.unwrap_err());
    assert_eq!((refused.as_str(), values["field"].as_str()), ("INVALID", "conflict.reason"));

    let channel = world.harness.officer("users/li", MARKET, &[Role::Officer], "4102-002").await.unwrap();
    let mut li = Registers::new(channel);
    assert_eq!(reason(li.declare_conflict(declares("4102-001", "site:1")).await), "ROLE_MISSING");
    // A subject of no register yet may be named: the declaration holds for later draws.
    li.declare_conflict(declares("4102-002", "site:1")).await.unwrap();
    for (request, why) in [
        (declares("4102-001", "91330000054222688E"), "INVALID"),
        (declares("4102-404", &firm), "NOT_FOUND"),
        (pb::DeclareConflictRequest { conflict: None, ..declares("", "") }, "INVALID"),
    ] {
        assert_eq!(reason(clerk.declare_conflict(request).await), why);
    }
    let silent = pb::Conflict { reason: String::new(), ..declares("4102-001", "site:2").conflict.unwrap() };
    let silent = pb::DeclareConflictRequest { conflict: Some(silent), ..declares("", "") };
    assert_eq!(reason(clerk.declare_conflict(silent).await), "INVALID");

    let mut page_token = String::new();
    let mut listed = Vec::new();
    for _ in 0..2 {
        let request =
            pb::ListConflictsRequest { parent: MARKET.into(), page_size: 1, page_token, ..Default::default() };
        let page = clerk.list_conflicts(request).await.unwrap().into_inner();
        page_token = page.next_page_token;
        listed.extend(page.conflicts.into_iter().map(|one| one.officer));
    }
    assert_eq!((listed, page_token.as_str()), (vec!["4102-002".to_owned(), "4102-001".to_owned()], ""));
    let list = pb::ListConflictsRequest { parent: MARKET.into(), ..Default::default() };
    let own = li.list_conflicts(list).await.unwrap().into_inner().conflicts;
    assert_eq!(own.iter().map(|one| one.officer.as_str()).collect::<Vec<_>>(), ["4102-002"], "his own alone");

    let mut conn = world.pool.acquire().await.unwrap();
    let pairs = draws::people::candidates::exclusions(&mut conn, &[MARKET.to_owned()]).await.unwrap();
    let pairs: Vec<_> = pairs.iter().map(|one| (&*one.person, &*one.subject, &*one.organisation)).collect();
    assert_eq!(pairs, [("4102-001", firm.as_str(), MARKET), ("4102-002", "site:1", MARKET)]);
    for sql in [
        "delete from conflict",
        "update conflict set reason = ''",
        "update subject_status set reason = ''",
        "delete from subject",
    ] {
        let refused = sqlx::query(sql).execute(&mut *conn).await.unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{sql}: {refused}");
    }
}
