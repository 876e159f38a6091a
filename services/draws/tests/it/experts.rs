//! The register of experts (art. 13, 15, 16), by hand and by file.

mod private;

use kit::testing::{UserChannel, refusal_of};
use proto::{
    google::api::HttpBody,
    qingtian::{
        access::v1::Role,
        draws::v1::{self as pb, experts_client::ExpertsClient},
    },
};
use tokio_stream::StreamExt;
use tonic::{Request, Status};

use crate::world::*;

pub type Experts = ExpertsClient<UserChannel>;

impl World {
    pub async fn experts(&self, user: &str, organisation: &str, roles: &[Role]) -> Experts {
        ExpertsClient::new(self.harness.user(user, organisation, roles).await.unwrap())
    }
}

/// An expert as a handler writes one.
pub fn expert(key: &str) -> pb::Expert {
    pb::Expert {
        key: key.into(),
        real_name: "张建国".into(),
        employer: "河南大学".into(),
        specialties: vec!["food".into()],
        districts: vec![LONGTING.into()],
        interests: vec![pb::Interest { title: "某协会".into(), subject: String::new(), relation: "理事".into() }],
        ..Default::default()
    }
}

pub fn create(expert: pb::Expert) -> pb::CreateExpertRequest {
    pb::CreateExpertRequest { parent: MARKET.into(), expert: Some(expert), ..Default::default() }
}

pub fn stating_purpose<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-purpose", "register-upkeep".parse().unwrap());
    request
}

async fn candidates(world: &World) -> Vec<String> {
    let day = kit::workdays::legal_day(world.harness.clock.now());
    let units = [MARKET.to_owned(), HEALTH.to_owned()];
    let mut conn = world.pool.acquire().await.unwrap();
    let found = draws::experts::store::candidates(&mut conn, &units, day).await.unwrap();
    found.into_iter().map(|expert| expert.key).collect()
}

async fn upload_experts(experts: &mut Experts, text: &str) -> Result<pb::ImportExpertsResponse, Status> {
    let head = pb::ImportExpertsRequest { parent: MARKET.into(), ..Default::default() };
    let mut chunks = vec![head];
    chunks.extend(text.as_bytes().chunks(1 << 20).map(|piece| {
        let file = HttpBody { data: piece.to_vec(), ..Default::default() };
        pb::ImportExpertsRequest { file: Some(file), ..Default::default() }
    }));
    Ok(experts.import_experts(futures::stream::iter(chunks)).await?.into_inner())
}

/// An export, whole.
pub async fn exported(experts: &mut Experts, request: pb::ExportExpertsRequest) -> Result<String, Status> {
    let mut pieces = experts.export_experts(stating_purpose(request)).await?.into_inner();
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await {
        bytes.extend(piece.unwrap().data);
    }
    Ok(String::from_utf8(bytes).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expert_is_registered_changed_and_retired_and_every_version_stays() {
    let world = World::start().await;
    let mut experts = world.experts("users/clerk", MARKET, &[Role::Handler]).await;
    let request = pb::CreateExpertRequest { request_id: "one".into(), ..create(expert("KF-ZJ-001")) };
    let first = experts.create_expert(request.clone()).await.unwrap().into_inner();
    assert_eq!(experts.create_expert(request).await.unwrap().into_inner(), first);
    assert_eq!((first.name.as_str(), first.etag.as_str()), ("organisations/market/experts/KF-ZJ-001", "1"));
    assert_eq!(candidates(&world).await, ["KF-ZJ-001"]);

    let seen = |answer: &pb::Expert| pb::Expert {
        name: answer.name.clone(),
        etag: answer.etag.clone(),
        ..expert("KF-ZJ-001")
    };
    let changed = pb::Expert { employer: "河南农业大学".into(), ..seen(&first) };
    let update = |expert: &pb::Expert| pb::UpdateExpertRequest { expert: Some(expert.clone()), ..Default::default() };
    let second = experts.update_expert(update(&changed)).await.unwrap().into_inner();
    assert_eq!((second.employer.as_str(), second.etag.as_str()), ("河南农业大学", "2"));
    assert_eq!(reason(experts.update_expert(update(&changed)).await), "STALE");
    let unread = pb::Expert { etag: String::new(), ..changed.clone() };
    assert_eq!(reason(experts.update_expert(update(&unread)).await), "INVALID");

    let set = |state: pb::ExpertState, reason: &str, etag: &str| pb::SetExpertStateRequest {
        name: first.name.clone(),
        state: state as i32,
        reason: reason.into(),
        etag: etag.into(),
        ..Default::default()
    };
    let (active, retired) = (pb::ExpertState::Active, pb::ExpertState::Retired);
    for (request, why) in [
        (set(retired, " ", "2"), "INVALID"),
        (set(pb::ExpertState::Unspecified, "退休", "2"), "INVALID"),
        (set(active, "回聘", "2"), "WRONG_STATE"),
        (set(retired, "退休", "1"), "STALE"),
        (
            pb::SetExpertStateRequest { name: format!("{MARKET}/experts/none"), ..set(retired, "退休", "2") },
            "NOT_FOUND",
        ),
    ] {
        assert_eq!(reason(experts.set_expert_state(request).await), why);
    }
    let gone = experts.set_expert_state(set(retired, "退休", "2")).await.unwrap().into_inner();
    assert_eq!((gone.state(), gone.retire_reason.as_str()), (retired, "退休"));
    assert!(candidates(&world).await.is_empty(), "from the same day on");
    assert_eq!(reason(experts.update_expert(update(&seen(&gone))).await), "EXPERT_RETIRED");
    let back = experts.set_expert_state(set(active, "回聘", "3")).await.unwrap().into_inner();
    assert_eq!((back.state(), back.retire_date.as_str()), (active, ""));
    assert_eq!(candidates(&world).await, ["KF-ZJ-001"]);
    assert_eq!(world.count("select count(*) from expert_version").await, 4, "nothing is overwritten");

    let owner = world.harness.owner_pool("draws").await.unwrap();
    for sql in ["update expert_version set employer = ''", "delete from expert", "delete from expert_version"] {
        assert!(sqlx::query(sql).execute(&owner).await.unwrap_err().to_string().contains("never changed"), "{sql}");
        let refused = sqlx::query(sql).execute(&world.pool).await.unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{sql}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_nobodys_identity_number_and_nobody_elses() {
    let world = World::start().await;
    let mut experts = world.experts("users/clerk", MARKET, &[Role::Handler]).await;
    world.officer("4102-001", MARKET, &[LONGTING]).await;
    let mut nurse = world.experts("users/nurse", HEALTH, &[Role::Handler]).await;
    let theirs = pb::CreateExpertRequest { parent: HEALTH.into(), ..create(expert("WJ-1")) };
    nurse.create_expert(theirs).await.unwrap();
    for (key, why) in [
        ("410202199001011234", "EXPERT_KEY_IS_IDENTITY"),
        ("41020219900101123x", "EXPERT_KEY_IS_IDENTITY"),
        ("410202-19900101-1234", "EXPERT_KEY_IS_IDENTITY"),
        ("410202900101123", "EXPERT_KEY_IS_IDENTITY"),
        ("WJ-1", "EXPERT_KEY_TAKEN"),
        ("4102-001", "EXPERT_KEY_TAKEN"),
        ("", "INVALID"),
        ("KF 1", "INVALID"),
        ("专家1", "INVALID"),
    ] {
        assert_eq!(reason(experts.create_expert(create(expert(key))).await), why, "{key}");
    }
    let nobody = pb::Expert { real_name: String::new(), ..expert("KF-1") };
    let (why, values) = refusal_of(&experts.create_expert(create(nobody)).await.unwrap_err());
    assert_eq!((why.as_str(), values["field"].as_str()), ("INVALID", "expert.real_name"));
    experts.create_expert(create(expert("KF-1"))).await.unwrap();
    assert_eq!(reason(experts.create_expert(create(expert("KF-1"))).await), "EXPERT_KEY_TAKEN");
    // A certificate that comes later with the same number: evidence could not tell the two apart.
    world.officer("KF-1", MARKET, &[LONGTING]).await;
    assert_eq!(candidates(&world).await, ["WJ-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_name_is_read_for_a_stated_purpose_and_the_read_is_audited() {
    let world = World::start().await;
    let mut experts = world.experts("users/clerk", MARKET, &[Role::Handler]).await;
    let made = experts.create_expert(create(expert("KF-1"))).await.unwrap().into_inner();
    let list = pb::ListExpertsRequest { parent: MARKET.into(), ..Default::default() };
    let listed = experts.list_experts(list.clone()).await.unwrap().into_inner().experts;
    assert_eq!((listed[0].real_name.as_str(), listed[0].interests.len()), ("张＊＊", 0));
    let get = pb::GetExpertRequest { name: made.name.clone() };
    assert_eq!(reason(experts.get_expert(get.clone()).await), "PURPOSE_MISSING");
    let whole = experts.get_expert(stating_purpose(get.clone())).await.unwrap().into_inner();
    assert_eq!((whole.real_name.as_str(), whole.interests.len()), ("张建国", 1));
    let masked = pb::Expert { real_name: "张＊＊".into(), interests: Vec::new(), ..whole.clone() };
    assert_eq!(made, masked, "nobody said what the answer to a change is read for");
    let until_audited = || async {
        let audited = "select count(*) from log where position('register-upkeep'::bytea in bytes) > 0";
        sqlx::query_scalar::<_, i64>(audited).fetch_one(&world.pool).await.unwrap() == 1
    };
    until("the read's audit entry", until_audited).await;
    let export = pb::ExportExpertsRequest { parent: MARKET.into(), ..Default::default() };
    assert_eq!(reason(experts.export_experts(export.clone()).await.map(|_| ())), "PURPOSE_MISSING");
    // Neither name nor interest stands in the database to be read.
    let found: i64 = sqlx::query_scalar(
        "select count(*) from expert e where e::text like '%张建国%' or position(convert_to('张建国', 'UTF8') in private) > 0
            or position(convert_to('某协会', 'UTF8') in private) > 0",
    )
    .fetch_one(&world.pool)
    .await
    .unwrap();
    assert_eq!(found, 0);

    let mut officer = world.experts("users/li", MARKET, &[Role::Officer]).await;
    officer.list_experts(list.clone()).await.unwrap();
    assert_eq!(reason(officer.get_expert(stating_purpose(get.clone())).await), "ROLE_MISSING");
    assert_eq!(reason(officer.create_expert(create(expert("KF-2"))).await), "ROLE_MISSING");
    let mut nurse = world.experts("users/nurse", HEALTH, &[Role::Handler, Role::Reviewer]).await;
    assert_eq!(reason(nurse.get_expert(stating_purpose(get)).await), "NOT_FOUND");
    assert_eq!(reason(nurse.list_experts(list).await), "NOT_FOUND");
    assert_eq!(reason(nurse.create_expert(create(expert("KF-2"))).await), "NOT_FOUND");
    assert_eq!(reason(nurse.export_experts(stating_purpose(export)).await.map(|_| ())), "NOT_FOUND");
    assert_eq!(reason(upload_experts(&mut nurse, "专家编号\nKF-3\n").await), "NOT_FOUND");

    // Whoever sees the whole city reads, and writes in nobody's place.
    let mut ducha = world.experts("users/ducha", HEALTH, &[Role::SupervisionOffice, Role::Handler]).await;
    assert_eq!(
        ducha.get_expert(stating_purpose(pb::GetExpertRequest { name: made.name.clone() })).await.unwrap().into_inner(),
        whole
    );
    assert_eq!(reason(ducha.create_expert(create(expert("KF-2"))).await), "NOT_FOUND");
    let update = pb::UpdateExpertRequest { expert: Some(whole.clone()), ..Default::default() };
    assert_eq!(reason(ducha.update_expert(update).await), "NOT_FOUND");
    let retire = pb::SetExpertStateRequest {
        name: made.name.clone(),
        state: pb::ExpertState::Retired as i32,
        reason: "退休".into(),
        etag: made.etag.clone(),
        ..Default::default()
    };
    assert_eq!(reason(ducha.set_expert_state(retire).await), "NOT_FOUND");
    assert_eq!(reason(upload_experts(&mut ducha, "专家编号\nKF-3\n").await), "NOT_FOUND");

    // Destroying a person's key leaves a stub, and every list goes on.
    let owner = world.harness.owner_pool("draws").await.unwrap();
    sqlx::query("delete from person_key").execute(&owner).await.unwrap();
    let listed = experts.list_experts(pb::ListExpertsRequest { parent: MARKET.into(), ..Default::default() });
    let listed = listed.await.unwrap().into_inner().experts;
    assert_eq!((listed[0].key.as_str(), listed[0].employer.as_str()), ("KF-1", "河南大学"));
    assert!(!listed[0].real_name.contains('张'));
}

#[tokio::test(flavor = "multi_thread")]
async fn experts_are_found_filtered_and_sorted_page_by_page() {
    let world = World::start().await;
    let mut experts = world.experts("users/clerk", MARKET, &[Role::Handler]).await;
    for (key, name, employer, specialty, district) in [
        ("KF-3", "王芳", "乙大学", "food", LONGTING),
        ("KF-1", "李强", "丙 研究院", "drug", SHUNHE),
        ("KF-2", "王芳", "乙大学", "drug", LONGTING),
    ] {
        let one = pb::Expert {
            real_name: name.into(),
            employer: employer.into(),
            specialties: vec![specialty.into()],
            districts: vec![district.into()],
            ..expert(key)
        };
        experts.create_expert(create(one)).await.unwrap();
    }
    let all = pb::ListExpertsRequest { parent: MARKET.into(), ..Default::default() };
    let by = |order: pb::ExpertOrder| pb::ListExpertsRequest { order: order as i32, ..all.clone() };
    let query = |query: &str| pb::ListExpertsRequest { query: query.into(), ..all.clone() };
    for (request, keys) in [
        (all.clone(), vec!["KF-1", "KF-2", "KF-3"]),
        (by(pb::ExpertOrder::KeyDesc), vec!["KF-3", "KF-2", "KF-1"]),
        (by(pb::ExpertOrder::Employer), vec!["KF-1", "KF-2", "KF-3"]),
        (by(pb::ExpertOrder::EmployerDesc), vec!["KF-3", "KF-2", "KF-1"]),
        (query("f-2"), vec!["KF-2"]),
        (query("大学"), vec!["KF-2", "KF-3"]),
        (query("王芳"), vec![]),
        (pb::ListExpertsRequest { specialty: "drug".into(), ..all.clone() }, vec!["KF-1", "KF-2"]),
        (pb::ListExpertsRequest { district: LONGTING.into(), ..all.clone() }, vec!["KF-2", "KF-3"]),
        (pb::ListExpertsRequest { state: pb::ExpertState::Retired as i32, ..all.clone() }, vec![]),
    ] {
        let mut found = Vec::new();
        let mut page_token = String::new();
        loop {
            let page = pb::ListExpertsRequest { page_size: 1, page_token, ..request.clone() };
            let page = experts.list_experts(page).await.unwrap().into_inner();
            assert_eq!(page.total_size, i64::try_from(keys.len()).unwrap());
            found.extend(page.experts.into_iter().map(|expert| expert.key));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found, keys, "{request:?}");
    }
    for (request, why) in [
        (pb::ListExpertsRequest { order: 9, ..all.clone() }, "INVALID"),
        (pb::ListExpertsRequest { state: 9, ..all.clone() }, "INVALID"),
        (pb::ListExpertsRequest { district: "41".into(), ..all.clone() }, "INVALID"),
        (pb::ListExpertsRequest { page_token: "%".into(), ..all.clone() }, "PAGE_TOKEN"),
    ] {
        assert_eq!(reason(experts.list_experts(request).await), why);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_entered_row_by_row_and_a_download_can_be_uploaded_again() {
    let world = World::start().await;
    let mut experts = world.experts("users/clerk", MARKET, &[Role::Handler]).await;
    let firm = code(LONGTING, 1);
    let text = format!(
        "专家编号,姓名,工作单位,专业,区划,利害关系\n\
         KF-1,张建国,河南大学,food、drug,龙亭区,某厂|{firm}|顾问\n\
         KF-2,李芳,河南省食品院,,,\n\
         410202199001011234,王五,某院,,,\n\
         KF-3,赵六,某院,食品,,\n\
         KF-4,,某院,,,\n"
    );
    let first = upload_experts(&mut experts, &text).await.unwrap();
    assert_eq!((first.rows, first.created, first.returned), (5, 2, 3));
    let problems: Vec<_> =
        first.problems.iter().map(|one| (one.line, one.field.as_str(), one.reason.as_str())).collect();
    assert_eq!(
        problems,
        [(4, "key", "EXPERT_KEY_IS_IDENTITY"), (5, "specialties", "INVALID"), (6, "real_name", "INVALID")]
    );
    assert_eq!(candidates(&world).await, ["KF-1", "KF-2"]);
    let again = upload_experts(&mut experts, &text).await.unwrap();
    assert_eq!((again.created, again.updated, again.unchanged), (0, 0, 2));

    // Employers of other origin than a checked upload are no less dangerous.
    sqlx::query("update expert set employer = '=1+1' where key = 'KF-2'").execute(&world.pool).await.unwrap();
    let request = pb::ExportExpertsRequest { parent: MARKET.into(), ..Default::default() };
    let table = exported(&mut experts, request).await.unwrap();
    assert!(table.contains("'=1+1") && table.contains(&firm), "{table}");
    // Each row says who has it, since when and what for; an upload passes over that.
    let marked = table.lines().filter(|line| line.contains("由 users/clerk（organisations/market）于 ")).count();
    assert!(marked == 2 && table.matches("Z 导出，用途：register-upkeep").count() == 2, "{table}");
    let safe = table.replace("'=1+1", "河南省食品院");
    let back = upload_experts(&mut experts, &safe).await.unwrap();
    assert_eq!((back.unchanged, back.updated, back.returned), (1, 1, 0), "{:?}", back.problems);
    let moved = upload_experts(&mut experts, "专家编号,工作单位\nKF-1,郑州大学\n").await.unwrap();
    assert_eq!((moved.updated, moved.returned), (1, 0), "what a table does not say stays");
    assert_eq!(world.count("select count(*) from expert_version").await, 4);
    assert_eq!(world.count("select count(*) from conflict").await, 1);
    assert_eq!(reason(upload_experts(&mut experts, "姓名\n张\n").await), "FILE_UNREADABLE");
    assert_eq!(reason(upload_experts(&mut experts, "").await), "FILE_UNREADABLE");
    let large = format!("专家编号,备注\nKF-9,{}\n", "x".repeat(9 << 20));
    assert_eq!(reason(upload_experts(&mut experts, &large).await), "TOO_LARGE");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_experts_interest_in_a_subject_excludes_until_it_is_lifted() {
    let world = World::start().await;
    let mut experts = world.experts("users/clerk", MARKET, &[Role::Handler]).await;
    let (firm, other) = (code(LONGTING, 1), code(LONGTING, 2));
    let interest =
        |subject: &str| pb::Interest { title: "某厂".into(), subject: subject.into(), relation: "股东".into() };
    let made = pb::Expert { interests: vec![interest(&firm)], ..expert("KF-1") };
    let made = experts.create_expert(create(made)).await.unwrap().into_inner();
    assert_eq!(made.conflicts, 1);
    // An interest that is no longer written has not been lifted.
    let changed = pb::Expert { name: made.name, etag: made.etag, interests: vec![interest(&other)], ..expert("KF-1") };
    let update = pb::UpdateExpertRequest { expert: Some(changed), ..Default::default() };
    assert_eq!(experts.update_expert(update).await.unwrap().into_inner().conflicts, 2);
    let mut conn = world.pool.acquire().await.unwrap();
    let found = draws::people::candidates::exclusions(&mut conn, &[MARKET.to_owned()]).await.unwrap();
    let found: Vec<_> = found.iter().map(|one| (&*one.person, &*one.subject, &*one.organisation)).collect();
    assert_eq!(found, [("KF-1", firm.as_str(), MARKET), ("KF-1", other.as_str(), MARKET)]);
    let none = draws::people::candidates::exclusions(&mut conn, &[HEALTH.to_owned()]).await.unwrap();
    assert!(none.is_empty());
    let mut clerk = world.clerk().await;
    let list = pb::ListConflictsRequest { parent: MARKET.into(), ..Default::default() };
    let listed = clerk.list_conflicts(list).await.unwrap().into_inner().conflicts;
    assert!(listed.iter().all(|one| one.expert && !one.reason.contains("股东")), "the words stay sealed");
    let wrong = pb::Expert { interests: vec![interest("91330000054222688E")], ..expert("KF-2") };
    assert_eq!(reason(experts.create_expert(create(wrong)).await), "INVALID");
}
