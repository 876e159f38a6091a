//! Changes of a register (art. 13): many subjects at once, each for itself, and a second person from a plan's publication to the
//! reveal of its draw.

mod going_on;

use draws::registers::reading::BATCH_ROWS;
use kit::testing::refusal_of;
use proto::qingtian::{
    access::v1::Role,
    common::v1::{Import, ImportState},
    draws::v1::{self as pb, DrawState, RegisterChangeOutcome as Outcome, RegisterChangeState as State, SubjectStatus},
};
use tonic::Status;

use crate::{
    draws::city::{self, BEACON, CLOSE, City, SUPERVISION},
    world::*,
};

async fn handler(world: &World) -> Changes {
    world.changes("users/clerk", MARKET, &[Role::Handler]).await
}

fn to(status: SubjectStatus) -> pb::ChangeSubjectsRequest {
    pb::ChangeSubjectsRequest {
        parent: MARKET.into(),
        status: status as i32,
        reason: "年度核查".into(),
        ..Default::default()
    }
}

fn in_district(district: &str, request: pb::ChangeSubjectsRequest) -> pb::ChangeSubjectsRequest {
    let filter = pb::SubjectFilter { districts: vec![district.to_owned()], ..Default::default() };
    pb::ChangeSubjectsRequest { filter: Some(filter), ..request }
}

async fn change(changes: &mut Changes, request: pb::ChangeSubjectsRequest) -> Result<pb::RegisterChange, Status> {
    Ok(changes.change_subjects(request).await?.into_inner())
}

async fn rows(changes: &mut Changes, change: &str, outcome: Outcome) -> Vec<pb::RegisterChangeRow> {
    let request = pb::ListRegisterChangeRowsRequest {
        parent: change.to_owned(),
        page_size: 1_000,
        outcome: outcome as i32,
        ..Default::default()
    };
    changes.list_register_change_rows(request).await.unwrap().into_inner().rows
}

fn counts(change: &pb::RegisterChange) -> [i64; 4] {
    [change.rows, change.changed, change.unchanged, change.refused]
}

async fn status(world: &World, key: &str) -> pb::Subject {
    let name = format!("{MARKET}/subjects/{key}");
    world.clerk().await.get_subject(pb::GetSubjectRequest { name }).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_match_are_previewed_and_changed_each_for_itself() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    upload(&mut clerk, upload_to(MARKET), register(LONGTING, 0..30).as_bytes()).await.unwrap();
    upload(&mut clerk, upload_to(MARKET), register(SHUNHE, 100..140).as_bytes()).await.unwrap();
    let gone = register(SHUNHE, 140..145).replace("存续", "吊销");
    upload(&mut clerk, upload_to(MARKET), gone.as_bytes()).await.unwrap();
    let mut handler = handler(&world).await;

    let request = in_district(SHUNHE, to(SubjectStatus::Revoked));
    let look = pb::ChangeSubjectsRequest { validate_only: true, reason: String::new(), ..request.clone() };
    let preview = change(&mut handler, look).await.unwrap();
    assert_eq!((preview.name.as_str(), preview.plan.as_str(), preview.samples.len()), ("", "", 10));
    assert_eq!((preview.rows, preview.unchanged), (45, 5));
    assert!(preview.samples.is_sorted_by_key(|one| one.key.clone()) && preview.samples[0].district == SHUNHE);
    assert_eq!(world.count("select count(*) from register_change").await, 0, "a preview does nothing");

    let request = pb::ChangeSubjectsRequest { request_id: "one".into(), ..request };
    let begun = change(&mut handler, request.clone()).await.unwrap();
    assert_eq!((begun.state(), begun.rows), (State::Applying, 45));
    let done = applied(&handler, &begun.name).await;
    assert_eq!((counts(&done), done.decider.as_str()), ([45, 40, 5, 0], ""));
    assert!(done.end_time.is_some());
    assert_eq!(
        change(&mut handler, request).await.unwrap(),
        begun,
        "a repeated request is answered with the first answer"
    );
    assert_eq!(world.count("select count(*) from subject where gone = 'REVOKED' and district = '410203'").await, 45);
    assert_eq!(world.count("select count(*) from subject where not in_business").await, 45);
    assert_eq!(rows(&mut handler, &done.name, Outcome::Unspecified).await.len(), 45);
    let unchanged = rows(&mut handler, &done.name, Outcome::Unchanged).await;
    assert_eq!((unchanged.len(), unchanged[0].status()), (5, SubjectStatus::Revoked));

    let request = pb::ListSubjectVersionsRequest { parent: format!("{MARKET}/subjects/{}", code(SHUNHE, 100)) };
    let versions = handler.list_subject_versions(request).await.unwrap().into_inner().versions;
    let told: Vec<_> = versions.iter().map(|one| (one.source.as_str(), one.reason.as_str())).collect();
    assert_eq!(told[0], (done.name.as_str(), "年度核查"));
    assert_eq!(told.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn chosen_subjects_change_only_as_they_were_seen() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    upload(&mut clerk, upload_to(MARKET), register(LONGTING, 0..4).as_bytes()).await.unwrap();
    let renamed = format!("key,title\n{},别名\n", code(LONGTING, 1));
    upload(&mut clerk, upload_to(MARKET), renamed.as_bytes()).await.unwrap();
    let chosen = |key: String, etag: &str| pb::ChosenSubject { key, etag: etag.into() };
    let subjects = vec![
        chosen(code(LONGTING, 0), "1"),
        // Seen before it got another name.
        chosen(code(LONGTING, 1), "1"),
        // As it is now, whatever that is.
        chosen(code(LONGTING, 2), ""),
        chosen("site:none".into(), ""),
    ];
    let mut handler = handler(&world).await;
    let moved =
        pb::ChangeSubjectsRequest { status: 0, district: SHUNHE.into(), subjects, ..to(SubjectStatus::Unspecified) };
    let look = pb::ChangeSubjectsRequest { validate_only: true, ..moved.clone() };
    assert_eq!(change(&mut handler, look).await.unwrap().samples.len(), 3);
    let begun = change(&mut handler, moved).await.unwrap();
    let done = applied(&handler, &begun.name).await;
    assert_eq!((counts(&done), done.district.as_str()), ([4, 2, 0, 2], SHUNHE));
    let stale = rows(&mut handler, &done.name, Outcome::Stale).await;
    assert_eq!((stale.len(), stale[0].key.as_str(), stale[0].title.as_str()), (1, code(LONGTING, 1).as_str(), "别名"));
    assert!(stale[0].note.contains("users/clerk") && stale[0].note.contains("imported"), "{stale:?}");
    assert_eq!(rows(&mut handler, &done.name, Outcome::NotFound).await[0].key, "site:none");
    assert_eq!(world.count("select count(*) from subject where district = '410203'").await, 2);

    let one = vec![chosen(code(LONGTING, 0), "")];
    let fine = pb::ChangeSubjectsRequest { subjects: one.clone(), ..to(SubjectStatus::Suspended) };
    for (request, why) in [
        (to(SubjectStatus::Suspended), "INVALID"),
        (in_district("410299", to(SubjectStatus::Suspended)), "INVALID"),
        (pb::ChangeSubjectsRequest { status: 0, ..fine.clone() }, "INVALID"),
        (pb::ChangeSubjectsRequest { district: SHUNHE.into(), ..fine.clone() }, "INVALID"),
        (pb::ChangeSubjectsRequest { status: 0, district: "41".into(), ..fine.clone() }, "INVALID"),
        (pb::ChangeSubjectsRequest { reason: " x ".into(), ..fine.clone() }, "INVALID"),
        (pb::ChangeSubjectsRequest { subjects: [one.clone(), one].concat(), ..fine.clone() }, "INVALID"),
        (pb::ChangeSubjectsRequest { subjects: vec![chosen("a".into(), "x")], ..fine.clone() }, "INVALID"),
        (pb::ChangeSubjectsRequest { subjects: vec![chosen("a".into(), ""); 1_001], ..fine.clone() }, "INVALID"),
        (pb::ChangeSubjectsRequest { parent: HEALTH.into(), ..fine }, "NOT_FOUND"),
    ] {
        assert_eq!(reason(change(&mut handler, request).await), why);
    }
    let mut nurse = world.changes("users/nurse", HEALTH, &[Role::Handler, Role::Reviewer]).await;
    let name = done.name;
    let get = nurse.get_register_change(pb::GetRegisterChangeRequest { name: name.clone() }).await;
    assert_eq!(reason(get), "NOT_FOUND");
    let request = pb::ListRegisterChangeRowsRequest { parent: name.clone(), ..Default::default() };
    assert_eq!(reason(nurse.list_register_change_rows(request).await), "NOT_FOUND");
    let request = pb::ListRegisterChangesRequest { parent: MARKET.into(), ..Default::default() };
    assert_eq!(reason(nurse.list_register_changes(request).await), "NOT_FOUND");
    let request = pb::ApproveRegisterChangeRequest { name, etag: "1".into(), ..Default::default() };
    assert_eq!(reason(nurse.approve_register_change(request).await), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_hundred_thousand_at_once_are_refused_whole() {
    let world = World::start().await;
    sqlx::query(
        "insert into subject (organisation, key, title, district, industry, address, in_business, old_number, created_at,
            changed_at, changed_by, changed_what)
         select $1, 'site:' || n, '一处', '410202', '', '', true, false, now(), now(), 'test', 'test'
         from generate_series(1, 100001) n",
    )
    .bind(MARKET)
    .execute(&world.pool)
    .await
    .unwrap();
    let mut handler = handler(&world).await;
    let all = pb::ChangeSubjectsRequest { filter: Some(pb::SubjectFilter::default()), ..to(SubjectStatus::Suspended) };
    assert_eq!(reason(change(&mut handler, all).await), "TOO_LARGE");
    assert_eq!(world.count("select count(*) from register_change_row").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn between_publication_and_reveal_a_change_waits_for_a_second_person() {
    let city = City::start().await;
    let world = &city.world;
    let key = code(LONGTING, 0);
    let set = |key: &str, etag: &str| pb::SetSubjectStatusRequest {
        name: format!("{MARKET}/subjects/{key}"),
        status: SubjectStatus::Deregistered as i32,
        reason: "已注销".into(),
        etag: etag.into(),
        ..Default::default()
    };
    let mut clerk = world.clerk().await;
    let asked = clerk.set_subject_status(set(&key, "1")).await.unwrap().into_inner();
    assert_eq!((asked.status(), asked.etag.as_str()), (SubjectStatus::InBusiness, "1"), "nothing changed yet");
    let name = asked.pending_change.clone();
    assert_eq!(status(world, &key).await.pending_change, name);

    let mut both = world.changes("users/clerk", MARKET, &[Role::Handler, Role::Reviewer]).await;
    let pending = get_change(&mut both, &name).await;
    assert_eq!((pending.state(), pending.plan.as_str(), pending.rows), (State::Pending, city.plan.as_str(), 1));
    let approve =
        |etag: &str| pb::ApproveRegisterChangeRequest { name: name.clone(), etag: etag.into(), ..Default::default() };
    let reject = |why: &str| pb::RejectRegisterChangeRequest {
        name: name.clone(),
        reason: why.into(),
        etag: pending.etag.clone(),
        ..Default::default()
    };
    assert_eq!(reason(both.approve_register_change(approve(&pending.etag)).await), "OWN_ACT");
    assert_eq!(reason(both.reject_register_change(reject("不妥当")).await), "OWN_ACT");
    let mut chief = world.chief().await;
    assert_eq!(reason(chief.approve_register_change(approve("7")).await), "STALE");
    assert_eq!(reason(chief.reject_register_change(reject("")).await), "INVALID");
    // Whoever sees the whole city decides about the own register only.
    let roles = [Role::SupervisionOffice, Role::Reviewer, Role::Handler];
    let mut ducha = world.changes("users/ducha", SUPERVISION, &roles).await;
    get_change(&mut ducha, &name).await;
    assert_eq!(reason(ducha.approve_register_change(approve(&pending.etag)).await), "NOT_FOUND");
    let theirs = in_district(LONGTING, to(SubjectStatus::Suspended));
    assert_eq!(reason(change(&mut ducha, theirs).await), "NOT_FOUND");
    let mut other = world.changes("users/other", MARKET, &[Role::Handler]).await;
    assert_eq!(reason(other.approve_register_change(approve(&pending.etag)).await), "ROLE_MISSING");
    let rejected = chief.reject_register_change(reject("证据不足")).await.unwrap().into_inner();
    assert_eq!((rejected.state(), rejected.decide_reason.as_str()), (State::Rejected, "证据不足"));
    // Whoever still sees it waiting hears who decided, not that it was decided.
    let (why, told) =
        kit::testing::refusal_of(&chief.approve_register_change(approve(&pending.etag)).await.unwrap_err());
    assert_eq!((why.as_str(), told["who"].as_str()), ("STALE", "users/chief"));
    assert_eq!(reason(chief.approve_register_change(approve("")).await), "INVALID");
    assert_eq!(reason(chief.approve_register_change(approve(&rejected.etag)).await), "WRONG_STATE");
    let kept = status(world, &key).await;
    assert_eq!((kept.status(), kept.pending_change.as_str()), (SubjectStatus::InBusiness, ""));

    // Asked anew, many at once, and approved; one of them was changed by another approved request meanwhile.
    let moved = pb::ChangeSubjectsRequest { status: 0, district: SHUNHE.into(), ..to(SubjectStatus::Unspecified) };
    let moved = change(&mut both, in_district(LONGTING, moved)).await.unwrap();
    assert_eq!((moved.state(), moved.rows), (State::Pending, 60));
    let single = clerk.set_subject_status(set(&key, "1")).await.unwrap().into_inner().pending_change;
    assert_eq!(counts(&world.approve(&single).await), [1, 1, 0, 0]);
    let done = world.approve(&moved.name).await;
    assert_eq!(counts(&done), [60, 59, 0, 1]);
    let stale = rows(&mut both, &done.name, Outcome::Stale).await;
    assert_eq!((stale.len(), stale[0].key.as_str()), (1, key.as_str()));
    let request = pb::ListSubjectVersionsRequest { parent: format!("{MARKET}/subjects/{key}") };
    let versions = both.list_subject_versions(request).await.unwrap().into_inner().versions;
    assert_eq!((versions[0].actor.as_str(), versions[0].approver.as_str()), ("users/clerk", "users/chief"));
    let request =
        pb::ListRegisterChangesRequest { parent: MARKET.into(), state: State::Rejected as i32, ..Default::default() };
    let found = both.list_register_changes(request).await.unwrap().into_inner().changes;
    assert_eq!(found.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), [name.as_str()]);

    // The statement freezes, yet the draw may still be given up: until its reveal it needs a second person.
    let stated = city.stated().await;
    let asked = clerk.set_subject_status(set(&code(SHUNHE, 60), "1")).await.unwrap().into_inner();
    assert_ne!(asked.pending_change, "");
    city.enter_both(&stated).await;
    city.advance(CLOSE);
    city.until_closed(&stated.name).await;
    city.advance(BEACON - CLOSE);
    let drawn = city.until(&stated.name, DrawState::Dispatched).await;
    assert_eq!(drawn.subjects, 99, "whoever was struck off before the statement was not drawn from");
    let mut clerk = world.clerk().await;
    let at_once = clerk.set_subject_status(set(&code(SHUNHE, 61), "1")).await.unwrap().into_inner();
    assert_eq!((at_once.status(), at_once.pending_change.as_str()), (SubjectStatus::Deregistered, ""));
}

async fn imports(world: &World, name: &str) -> Import {
    let request = pb::GetImportRequest { name: name.to_owned() };
    world.clerk().await.get_import(request).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_between_publication_and_reveal_is_checked_at_once_and_enters_when_approved() {
    let city = City::start().await;
    let world = &city.world;
    let before = world.count("select count(*) from subject").await;
    let mut clerk = world.clerk().await;
    // Two new ones, one that changes two fields of another, one that is so already, one that is bad.
    let csv = format!(
        "key,title,district,status\n{},新一,410202,存续\n{},新二,410202,存续\n{},改名,410202,歇业\n{},开封市第1商贸有限公司,410202,存续\n坏,坏,,\n",
        code(LONGTING, 900),
        code(LONGTING, 901),
        code(LONGTING, 0),
        code(LONGTING, 1),
    );
    let refused = upload(&mut clerk, upload_to(MARKET), csv.as_bytes()).await.unwrap_err();
    let (why, values) = refusal_of(&refused);
    assert_eq!(
        (why.as_str(), values["plan"].as_str(), values["article"].as_str()),
        ("REGISTER_GUARDED", city.plan.as_str(), "13")
    );
    assert_eq!(world.count("select count(*) from import where state <> 'FINISHED'").await, 0);

    let head = |why: &str| pb::ImportSubjectsRequest { reason: why.into(), ..upload_to(MARKET) };
    assert_eq!(reason(upload(&mut clerk, head("x"), csv.as_bytes()).await), "INVALID");
    let waiting = upload(&mut clerk, head("季度更新"), csv.as_bytes()).await.unwrap();
    let all = |import: &Import| [import.rows, import.created, import.updated, import.unchanged, import.returned];
    assert_eq!((waiting.state(), all(&waiting)), (ImportState::Waiting, [5, 2, 1, 1, 1]));
    assert_eq!((waiting.problems.len(), waiting.end_time.is_none()), (1, true));
    let report = pb::DownloadImportReportRequest { name: waiting.name.clone() };
    clerk.download_import_report(report).await.unwrap();
    assert_eq!(world.count("select count(*) from subject").await, before, "nothing is in yet");
    let rejected = upload(&mut clerk, head("另一次"), csv.as_bytes()).await.unwrap();

    // Meanwhile somebody else's change of one of the rows is approved: it stays, and is told.
    let set = pb::SetSubjectStatusRequest {
        name: format!("{MARKET}/subjects/{}", code(LONGTING, 0)),
        status: SubjectStatus::MovedOut as i32,
        reason: "迁出本市".into(),
        etag: "1".into(),
        ..Default::default()
    };
    city.advance(1);
    let single = clerk.set_subject_status(set).await.unwrap().into_inner().pending_change;
    world.approve(&single).await;

    let change = world.approve(&waiting.change).await;
    let entered = imports(world, &waiting.name).await;
    assert_eq!((entered.state(), all(&entered)), (ImportState::Finished, [5, 2, 0, 1, 2]));
    assert_eq!((counts(&change), change.import.as_str()), ([5, 2, 1, 2], waiting.name.as_str()));
    let stale = rows(&mut world.chief().await, &change.name, Outcome::Stale).await;
    assert_eq!((stale.len(), stale[0].status()), (1, SubjectStatus::MovedOut));
    assert_eq!(world.count("select count(*) from subject").await, before + 2);
    let request = pb::ListSubjectVersionsRequest { parent: format!("{MARKET}/subjects/{}", code(LONGTING, 900)) };
    let versions = world.chief().await.list_subject_versions(request).await.unwrap().into_inner().versions;
    let first = &versions[0];
    assert_eq!(
        (first.actor.as_str(), first.approver.as_str(), first.reason.as_str(), first.source.as_str()),
        ("users/clerk", "users/chief", "季度更新", waiting.name.as_str())
    );

    let mut chief = world.chief().await;
    let etag = get_change(&mut chief, &rejected.change).await.etag;
    let reject = pb::RejectRegisterChangeRequest {
        name: rejected.change.clone(),
        reason: "重复".into(),
        etag,
        ..Default::default()
    };
    chief.reject_register_change(reject).await.unwrap();
    let rejected = imports(world, &rejected.name).await;
    assert_eq!((rejected.state(), rejected.end_time.is_some()), (ImportState::Rejected, true));
    assert_eq!(world.count("select count(*) from subject").await, before + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_published_while_an_upload_runs_stops_it() {
    let batch = u32::try_from(BATCH_ROWS).unwrap();
    let world = World::start().await;
    world.items(1).await;
    let text = register(LONGTING, 0..3 * batch);
    let mut keys: Vec<String> = text.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect();
    // Somebody holds a row of the second of three batches.
    keys.drain(..BATCH_ROWS);
    let mut held = world.pool.begin().await.unwrap();
    sqlx::query(
        "insert into subject (organisation, key, title, district, industry, address, in_business, old_number, created_at,
            changed_at, changed_by, changed_what)
         values ($1, $2, '别处', '410202', '', '', true, false, now(), now(), 'test', 'test')",
    )
    .bind(MARKET)
    .bind(&keys[0])
    .execute(&mut *held)
    .await
    .unwrap();
    let mut clerk = world.clerk().await;
    let running = tokio::spawn(async move { upload(&mut clerk, upload_to(MARKET), text.as_bytes()).await });
    until("the first batch is in and the second one waits", || async {
        world.count(&format!("select count(*) from import where rows = {batch}")).await == 1
            && world.count("select count(*) from pg_stat_activity where wait_event_type = 'Lock'").await > 0
    })
    .await;
    let city = City { world, plan: String::new() };
    let plan = city.publish(city::plan()).await;
    held.rollback().await.unwrap();
    let refused = running.await.unwrap().unwrap_err();
    let (why, values) = refusal_of(&refused);
    assert_eq!((why.as_str(), values["plan"].as_str()), ("REGISTER_GUARDED", plan.as_str()));
    let world = &city.world;
    assert_eq!(world.count("select count(*) from subject").await, i64::from(2 * batch), "what was in is in");
    let broken = format!("select count(*) from import where state = 'INTERRUPTED' and rows = {}", 2 * batch);
    assert_eq!(world.count(&broken).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_left_out_of_a_draw_is_left_out_for_what_the_register_says() {
    let city = City::start().await;
    let mut csv = "key,title,district,status\n".to_owned();
    for (serial, word) in (0..).zip(["歇业", "吊销", "吊销", "迁出", "停业清算"]) {
        csv += &format!("{},企业{serial},{SHUNHE},{word}\n", code(SHUNHE, 700 + serial));
    }
    city.register(&csv).await;
    let stated = city.stated().await;
    let counts: Vec<_> = stated.left_out.iter().map(|one| (one.reason.as_str(), one.count)).collect();
    let expected = [("DEREGISTERED", 3), ("MOVED_OUT", 1), ("NOT_IN_BUSINESS", 1), ("REVOKED", 2), ("SUSPENDED", 1)];
    assert_eq!(counts, expected);
    assert_eq!(stated.subjects, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_register_in_which_nobody_is_in_business_is_refused_at_preview_and_statement() {
    let city = City::start().await;
    let mut handler = handler(&city.world).await;
    let all = pb::ChangeSubjectsRequest { filter: Some(pb::SubjectFilter::default()), ..to(SubjectStatus::Suspended) };
    let asked = change(&mut handler, all).await.unwrap();
    assert_eq!(counts(&city.world.approve(&asked.name).await), [103, 103, 0, 0]);
    let mut plans = city.world.plans("users/clerk", MARKET, &[Role::Handler]).await;
    let request = pb::PreviewPlanRequest { name: city.plan.clone() };
    let preview = plans.preview_plan(request).await.unwrap().into_inner();
    assert!(preview.obstacles[0].contains("没有在业主体"), "{:?}", preview.obstacles);
    let draw = city.create(city.draw()).await.unwrap();
    assert_eq!(reason(city.state(&draw).await), "REGISTER_EMPTY");
}
