//! Plans (art. 9, 14): from the draft to the public, by two people.

use kit::testing::refusal_of;
use proto::qingtian::{
    access::v1::Role,
    catalog::{events::v1::ItemsPublished, v1::Item},
    draws::{
        events::v1::PlanPublished,
        v1::{self as pb, draws_client::DrawsClient},
    },
    events::v1::ReadEventsRequest,
};
use tonic::Status;

use draws::registers::rules::PoolSubject;

use crate::world::*;

fn quota(stratum: &str, amount: pb::quota::Amount) -> pb::Quota {
    pb::Quota { stratum: stratum.into(), amount: Some(amount) }
}

fn written() -> pb::Plan {
    pb::Plan {
        title: "2026年度双随机抽查计划".into(),
        year: 2026,
        kind: pb::PlanKind::Annual as i32,
        items: vec![ITEM.into()],
        stratification: pb::Stratification::District as i32,
        quotas: vec![quota("*", pb::quota::Amount::Ppm(50_000))],
        teams: vec![pb::TeamPart { organisation: MARKET.into(), size: 2, specialty: String::new() }],
        cover_district: true,
        start_date: "2026-12-01".into(),
        end_date: "2026-12-31".into(),
        method: "现场检查".into(),
        frequency: "每年1次".into(),
        ..Default::default()
    }
}

/// The people of one bureau.
struct Bureau {
    world: World,
    handler: Plans,
    reviewer: Plans,
    both: Plans,
}

impl Bureau {
    async fn start() -> Self {
        let world = World::start().await;
        world.items(2).await;
        let handler = world.plans("users/handler", MARKET, &[Role::Handler]).await;
        let reviewer = world.plans("users/reviewer", MARKET, &[Role::Reviewer]).await;
        let both = world.plans("users/both", MARKET, &[Role::Handler, Role::Reviewer]).await;
        Self { world, handler, reviewer, both }
    }

    async fn draft(&mut self, plan: pb::Plan) -> pb::Plan {
        create(&mut self.handler, plan).await.unwrap()
    }

    async fn published(&mut self) -> pb::Plan {
        let plan = self.draft(written()).await;
        let plan = submit(&mut self.handler, &plan).await.unwrap();
        publish(&mut self.reviewer, &plan).await.unwrap()
    }
}

async fn create(plans: &mut Plans, plan: pb::Plan) -> Result<pb::Plan, Status> {
    let request = pb::CreatePlanRequest { plan: Some(plan), request_id: String::new() };
    Ok(plans.create_plan(request).await?.into_inner())
}

async fn update(plans: &mut Plans, plan: pb::Plan) -> Result<pb::Plan, Status> {
    let request = pb::UpdatePlanRequest { plan: Some(plan), request_id: String::new() };
    Ok(plans.update_plan(request).await?.into_inner())
}

async fn submit(plans: &mut Plans, plan: &pb::Plan) -> Result<pb::Plan, Status> {
    let request = pb::SubmitPlanRequest { name: plan.name.clone(), etag: plan.etag.clone(), ..Default::default() };
    Ok(plans.submit_plan(request).await?.into_inner())
}

async fn give_back(plans: &mut Plans, plan: &pb::Plan, reason: &str) -> Result<pb::Plan, Status> {
    let (name, etag, reason) = (plan.name.clone(), plan.etag.clone(), reason.to_owned());
    let request = pb::ReturnPlanRequest { name, etag, reason, request_id: String::new() };
    Ok(plans.return_plan(request).await?.into_inner())
}

async fn publish(plans: &mut Plans, plan: &pb::Plan) -> Result<pb::Plan, Status> {
    let request = pb::PublishPlanRequest { name: plan.name.clone(), etag: plan.etag.clone(), ..Default::default() };
    Ok(plans.publish_plan(request).await?.into_inner())
}

async fn preview(plans: &mut Plans, plan: &pb::Plan) -> pb::PreviewPlanResponse {
    plans.preview_plan(pb::PreviewPlanRequest { name: plan.name.clone() }).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_drafted_by_one_and_published_by_another() {
    let mut bureau = Bureau::start().await;
    let draft = bureau.draft(written()).await;
    assert_eq!((draft.name.as_str(), draft.state(), draft.etag.as_str()), ("plans/2026-01", pb::PlanState::Draft, "1"));
    assert_eq!((draft.organisation.as_str(), draft.creator.as_str()), (MARKET, "users/handler"));
    let changed = pb::Plan { title: "改".into(), ..draft };
    let draft = update(&mut bureau.handler, changed).await.unwrap();
    assert_eq!((draft.title.as_str(), draft.etag.as_str()), ("改", "2"));
    let submitted = submit(&mut bureau.handler, &draft).await.unwrap();
    assert_eq!(submitted.state(), pb::PlanState::InReview);
    let returned = give_back(&mut bureau.reviewer, &submitted, "比例偏低").await.unwrap();
    assert_eq!((returned.state(), returned.return_reason.as_str()), (pb::PlanState::Draft, "比例偏低"));
    let submitted = submit(&mut bureau.handler, &returned).await.unwrap();
    assert_eq!(submitted.return_reason, "");
    let published = publish(&mut bureau.reviewer, &submitted).await.unwrap();
    assert_eq!((published.state(), published.publisher.as_str()), (pb::PlanState::Published, "users/reviewer"));
    assert!(published.late, "the clock stands at 23 November");
    let read = bureau.handler.get_plan(pb::GetPlanRequest { name: published.name.clone() }).await.unwrap().into_inner();
    assert_eq!(read, published);

    // The public learns of it: the event carries the plan whole.
    let request =
        ReadEventsRequest { types: vec!["qingtian.draws.events.v1.PlanPublished".into()], ..Default::default() };
    let integrator = bureau.world.harness.user("users/robot", HEALTH, &[Role::Integrator]).await.unwrap();
    let told = bureau.world.count("select count(*) from log where type = 'qingtian.draws.events.v1.PlanPublished'");
    assert!(told.await <= 1);
    until("the sequencer has moved it", || async {
        bureau.world.count("select count(*) from log where type = 'qingtian.draws.events.v1.PlanPublished'").await == 1
    })
    .await;
    let mut stream = DrawsClient::new(integrator).read_events(request).await.unwrap().into_inner();
    let event = stream.message().await.unwrap().unwrap().event.unwrap();
    assert_eq!((event.aggregate.as_str(), event.revision), ("plans/2026-01", 6));
    assert!(event.audience.as_ref().unwrap().public);
    let announced = kit::follow::payload::<PlanPublished>(&event).unwrap().unwrap();
    // Everybody receives it: whole, but without account names.
    let unnamed = pb::Plan { creator: String::new(), publisher: String::new(), etag: String::new(), ..published };
    assert_eq!(announced.plan.unwrap(), pb::Plan { return_reason: String::new(), ..unnamed });
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_have_no_gaps_and_a_repeated_request_takes_none() {
    let mut bureau = Bureau::start().await;
    let request = pb::CreatePlanRequest { plan: Some(written()), request_id: "one".into() };
    let first = bureau.handler.create_plan(request.clone()).await.unwrap().into_inner();
    assert_eq!(bureau.handler.create_plan(request.clone()).await.unwrap().into_inner(), first);
    assert_eq!(bureau.world.count("select count(*) from plan").await, 1);
    let other = pb::CreatePlanRequest { plan: Some(pb::Plan { title: "别".into(), ..written() }), ..request };
    assert_eq!(reason(bureau.handler.create_plan(other).await), "REQUEST_ID_REUSED");
    // A refused draft gives its number back.
    let invalid = pb::Plan { quotas: vec![quota("*", pb::quota::Amount::Ppm(1_000_001))], ..written() };
    assert_eq!(refused(create(&mut bureau.handler, invalid).await), ("QUOTA_INVALID".into(), "14".into()));
    let many = futures::future::join_all((0..5).map(|_| {
        let mut plans = bureau.handler.clone();
        async move { create(&mut plans, written()).await.unwrap().name }
    }));
    let mut names = many.await;
    names.sort();
    assert_eq!(names, ["plans/2026-02", "plans/2026-03", "plans/2026-04", "plans/2026-05", "plans/2026-06"]);
    let next_year = pb::Plan { year: 2027, start_date: String::new(), end_date: String::new(), ..written() };
    assert_eq!(bureau.draft(next_year).await.name, "plans/2027-01");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_wrote_a_plan_neither_publishes_nor_returns_it() {
    let mut bureau = Bureau::start().await;
    let own_act = ("OWN_ACT".to_owned(), "27".to_owned());
    let draft = create(&mut bureau.both, written()).await.unwrap();
    let submitted = submit(&mut bureau.handler, &draft).await.unwrap();
    assert_eq!(refused(publish(&mut bureau.both, &submitted).await), own_act, "drafted it");
    assert_eq!(refused(give_back(&mut bureau.both, &submitted, "不妥").await), own_act);
    let draft = bureau.draft(written()).await;
    let submitted = submit(&mut bureau.both, &draft).await.unwrap();
    assert_eq!(refused(publish(&mut bureau.both, &submitted).await), own_act, "submitted it");
    let draft = bureau.draft(written()).await;
    let edited = update(&mut bureau.both, draft).await.unwrap();
    let submitted = submit(&mut bureau.handler, &edited).await.unwrap();
    assert_eq!(refused(publish(&mut bureau.both, &submitted).await), own_act, "edited it");
    publish(&mut bureau.reviewer, &submitted).await.unwrap();
    assert_eq!(bureau.world.count("select count(*) from plan where state = 'PUBLISHED'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_moves_only_from_the_right_state_by_whoever_read_the_newest() {
    let mut bureau = Bureau::start().await;
    let draft = bureau.draft(written()).await;
    assert_eq!(reason(publish(&mut bureau.reviewer, &draft).await), "WRONG_STATE");
    assert_eq!(reason(give_back(&mut bureau.reviewer, &draft, "不妥").await), "WRONG_STATE");
    let submitted = submit(&mut bureau.handler, &draft).await.unwrap();
    let (why, values) = refusal_of(&submit(&mut bureau.handler, &draft).await.unwrap_err());
    assert_eq!((why.as_str(), values["who"].as_str()), ("STALE", "users/handler"));
    assert!(values["what"].contains("submitted"), "{values:?}");
    assert_eq!(reason(submit(&mut bureau.handler, &submitted).await), "WRONG_STATE");
    assert_eq!(reason(update(&mut bureau.handler, submitted.clone()).await), "WRONG_STATE");
    assert_eq!(reason(give_back(&mut bureau.reviewer, &submitted, "x").await), "INVALID");
    assert_eq!(reason(publish(&mut bureau.reviewer, &draft).await), "STALE");
    let unread = pb::Plan { etag: String::new(), ..submitted.clone() };
    assert_eq!(reason(publish(&mut bureau.reviewer, &unread).await), "INVALID");
    let published = publish(&mut bureau.reviewer, &submitted).await.unwrap();
    for answer in [
        update(&mut bureau.handler, published.clone()).await,
        submit(&mut bureau.handler, &published).await,
        publish(&mut bureau.reviewer, &published).await,
        give_back(&mut bureau.reviewer, &published, "不妥").await,
    ] {
        assert_eq!(reason(answer), "WRONG_STATE");
    }
    let elsewhere = pb::Plan { year: 2027, ..bureau.draft(written()).await };
    assert_eq!(reason(update(&mut bureau.handler, elsewhere).await), "INVALID");
    // Roles are those of the contract.
    assert_eq!(reason(create(&mut bureau.reviewer, written()).await), "ROLE_MISSING");
    assert_eq!(reason(publish(&mut bureau.handler, &published).await), "ROLE_MISSING");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_itself_refuses_to_change_a_published_plan() {
    let mut bureau = Bureau::start().await;
    bureau.published().await;
    for (sql, why) in [
        ("update plan set title = '改'", "a published plan cannot be changed"),
        ("update plan set quotas = '{}'", "a published plan cannot be changed"),
        ("update plan set authors = '{}'", "a published plan cannot be changed"),
        ("update plan set state = 'DRAFT', publisher = '', published_at = null", "cannot be changed"),
        ("delete from plan", "permission denied"),
    ] {
        let refused = sqlx::query(sql).execute(&bureau.world.pool).await.unwrap_err();
        assert!(refused.to_string().contains(why), "{sql}: {refused}");
    }
    sqlx::query("update plan set state = 'FINISHED', revision = revision + 1")
        .execute(&bureau.world.pool)
        .await
        .unwrap();
    let back = sqlx::query("update plan set state = 'PUBLISHED'").execute(&bureau.world.pool).await.unwrap_err();
    assert!(back.to_string().contains("does not go"), "{back}");
    assert_eq!(bureau.world.count("select count(*) from plan where title like '2026%'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_plan_or_an_item_that_cannot_be_planned_is_not_submitted() {
    let mut bureau = Bureau::start().await;
    let bare = bureau.draft(pb::Plan { title: "空".into(), year: 2026, ..Default::default() }).await;
    let incomplete = submit(&mut bureau.handler, &bare).await;
    assert_eq!(refused(incomplete), ("PLAN_INCOMPLETE".into(), "14".into()));

    let listed = plannable("organisations/market/items/9");
    bureau
        .world
        .catalog_says(ItemsPublished {
            items: vec![
                Item { name: "organisations/market/items/draft".into(), state: 1, ..listed.clone() },
                Item { name: "organisations/market/items/unlisted".into(), random_listed: false, ..listed.clone() },
                Item { name: "organisations/market/items/unchecked".into(), checklist: vec![], ..listed.clone() },
            ],
        })
        .await;
    for item in ["draft", "unlisted", "unchecked", "unknown"] {
        let items = vec![ITEM.to_owned(), format!("{MARKET}/items/{item}")];
        let draft = bureau.draft(pb::Plan { items, ..written() }).await;
        let answer = submit(&mut bureau.handler, &draft).await;
        assert_eq!(refused(answer), ("ITEM_NOT_PLANNABLE".into(), "9".into()), "{item}");
    }
    // What was taken off the list between submission and publication is not published either.
    let draft = bureau.draft(written()).await;
    let submitted = submit(&mut bureau.handler, &draft).await.unwrap();
    let gone = Item { random_listed: false, ..plannable(ITEM) };
    bureau.world.catalog_says(ItemsPublished { items: vec![gone] }).await;
    assert_eq!(reason(publish(&mut bureau.reviewer, &submitted).await), "ITEM_NOT_PLANNABLE");
    assert_eq!(bureau.world.count("select count(*) from plan where state = 'PUBLISHED'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_counts_and_says_what_stands_in_the_way() {
    let mut bureau = Bureau::start().await;
    let draft = bureau.draft(written()).await;
    let empty = preview(&mut bureau.handler, &draft).await;
    assert!(empty.strata.is_empty());
    assert!(empty.obstacles[0].contains("名录库"), "{:?}", empty.obstacles);

    let mut clerk = bureau.world.clerk().await;
    upload(&mut clerk, upload_to(MARKET), register(LONGTING, 0..41).as_bytes()).await.unwrap();
    upload(&mut clerk, upload_to(MARKET), register(SHUNHE, 100..119).as_bytes()).await.unwrap();
    // Another department's register does not count.
    let mut nurse = bureau.world.registers("users/nurse", HEALTH, &[Role::Handler]).await;
    upload(&mut nurse, upload_to(HEALTH), register("410204", 0..50).as_bytes()).await.unwrap();
    let gone = pb::SetSubjectStatusRequest {
        name: format!("{MARKET}/subjects/{}", code(LONGTING, 0)),
        status: pb::SubjectStatus::NotInBusiness as i32,
        reason: "注销".into(),
        etag: "1".into(),
        ..Default::default()
    };
    clerk.set_subject_status(gone).await.unwrap();
    for number in 0..4 {
        bureau.world.officer(&format!("4102-{number}"), MARKET, &[LONGTING]).await;
    }
    let found = preview(&mut bureau.handler, &draft).await;
    let strata: Vec<_> = found
        .strata
        .iter()
        .map(|one| (one.stratum.as_str(), one.subjects, one.left_out, one.drawn, one.officers))
        .collect();
    assert_eq!(strata, [(LONGTING, 40, 1, 2, 4), (SHUNHE, 19, 0, 1, 0)]);
    assert_eq!(found.warnings.len(), 1, "{:?}", found.warnings);
    assert!(found.warnings[0].message.contains("有 4 名") && found.warnings[0].message_en.starts_with("4 of 4"));
    assert_eq!(found.obstacles.len(), 2, "{:?}", found.obstacles);
    assert!(
        found.obstacles[0].contains("少于 20 个") && found.obstacles[1].contains("顺河回族区"),
        "{:?}",
        found.obstacles
    );

    let lacking =
        pb::Plan { title: "空".into(), year: 2026, items: vec![format!("{MARKET}/items/404")], ..Default::default() };
    let lacking = bureau.draft(lacking).await;
    let found = preview(&mut bureau.handler, &lacking).await.obstacles;
    assert!(found[0].contains("抽查比例") && found[1].contains("items/404"), "{found:?}");

    let fine = pb::Plan { districts: vec![LONGTING.into()], ..draft };
    let fine = update(&mut bureau.handler, fine).await.unwrap();
    let found = preview(&mut bureau.handler, &fine).await;
    assert_eq!((found.strata.len(), found.obstacles.len()), (1, 0), "{:?}", found.obstacles);
    // What the preview counts is what a draw would read.
    let mut conn = bureau.world.pool.acquire().await.unwrap();
    let plan = draws::plans::store::load(&mut conn, &fine.name, &kit::auth::Reach::City).await.unwrap();
    let mut tx = sqlx::Connection::begin(&mut *conn).await.unwrap();
    let lines = draws::registers::store::pool(&mut tx, &plan, (None, None)).await.unwrap();
    let lines: Vec<bytes::Bytes> = futures::TryStreamExt::try_collect(lines).await.unwrap();
    let pool: Vec<PoolSubject> = lines.iter().map(|line| PoolSubject::of_line(line).unwrap()).collect();
    assert_eq!((pool.len(), pool.iter().filter(|subject| subject.left_out.is_none()).count()), (41, 40));
    assert!(pool.iter().all(|subject| subject.district == LONGTING));

    // Whoever is on leave today counts neither here nor in a draw stated today.
    let today = kit::workdays::legal_day(bureau.world.harness.clock.now()).to_string();
    let leave = pb::Leave {
        officer: "4102-0".into(),
        first_day: today.clone(),
        last_day: today,
        kind: pb::LeaveKind::Annual as i32,
        reason: "年休假".into(),
        ..Default::default()
    };
    let channel = bureau.world.harness.user("users/clerk", MARKET, &[Role::Handler]).await.unwrap();
    let leave = pb::CreateLeaveRequest { parent: MARKET.into(), leave: Some(leave), ..Default::default() };
    pb::people_client::PeopleClient::new(channel).create_leave(leave).await.unwrap();
    let found = preview(&mut bureau.handler, &fine).await;
    assert_eq!(found.strata.iter().map(|one| one.officers).collect::<Vec<_>>(), [3]);
    assert!(found.warnings[0].message.contains("3 名执法人员"), "{:?}", found.warnings);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_departments_plans_are_not_found() {
    let mut bureau = Bureau::start().await;
    let draft = bureau.draft(written()).await;
    let mut nurse = bureau.world.plans("users/nurse", HEALTH, &[Role::Handler, Role::Reviewer]).await;
    assert_eq!(reason(nurse.get_plan(pb::GetPlanRequest { name: draft.name.clone() }).await), "NOT_FOUND");
    assert_eq!(reason(nurse.preview_plan(pb::PreviewPlanRequest { name: draft.name.clone() }).await), "NOT_FOUND");
    assert_eq!(reason(update(&mut nurse, draft.clone()).await), "NOT_FOUND");
    assert_eq!(reason(submit(&mut nurse, &draft).await), "NOT_FOUND");
    assert_eq!(reason(give_back(&mut nurse, &draft, "不妥").await), "NOT_FOUND");
    assert_eq!(reason(publish(&mut nurse, &draft).await), "NOT_FOUND");
    let theirs = pb::Plan { organisation: MARKET.into(), ..written() };
    assert_eq!(reason(create(&mut nurse, theirs).await), "NOT_FOUND");
    assert_eq!(nurse.list_plans(pb::ListPlansRequest::default()).await.unwrap().into_inner().plans, []);
    for name in ["plans/2026-99", "plans/x", ""] {
        assert_eq!(reason(bureau.handler.get_plan(pb::GetPlanRequest { name: name.into() }).await), "NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_listed_newest_first_page_by_page() {
    let mut bureau = Bureau::start().await;
    for number in 1..=5 {
        bureau.draft(pb::Plan { title: format!("第{number}号"), ..written() }).await;
    }
    bureau.published().await;
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListPlansRequest { page_size: 4, page_token, ..Default::default() };
        let page = bureau.reviewer.list_plans(request).await.unwrap().into_inner();
        names.extend(page.plans.into_iter().map(|plan| plan.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let newest_first: Vec<String> = (1..=6).rev().map(|number| format!("plans/2026-{number:02}")).collect();
    assert_eq!(names, newest_first);
    for (request, found) in [
        (pb::ListPlansRequest { query: "第3".into(), ..Default::default() }, 1),
        (pb::ListPlansRequest { state: pb::PlanState::Published as i32, ..Default::default() }, 1),
        (pb::ListPlansRequest { state: pb::PlanState::InReview as i32, ..Default::default() }, 0),
        (pb::ListPlansRequest { year: 2026, ..Default::default() }, 6),
        (pb::ListPlansRequest { year: 2025, ..Default::default() }, 0),
    ] {
        assert_eq!(bureau.handler.list_plans(request).await.unwrap().into_inner().plans.len(), found);
    }
    for (request, why) in [
        (pb::ListPlansRequest { page_size: -1, ..Default::default() }, "INVALID"),
        (pb::ListPlansRequest { state: 9, ..Default::default() }, "INVALID"),
        (pb::ListPlansRequest { page_token: "cGxhbnM".into(), ..Default::default() }, "PAGE_TOKEN"),
    ] {
        assert_eq!(reason(bureau.handler.list_plans(request).await), why);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_names_its_kind_and_its_reason() {
    use pb::PlanExceptionKind::{Recusals, SmallStratum};
    let mut bureau = Bureau::start().await;
    let excepted = |exceptions| pb::Plan { exceptions, ..written() };
    for wrong in [excepting(&[SmallStratum], " "), excepting(&[SmallStratum, SmallStratum], "县区规模小")] {
        assert_eq!(reason(create(&mut bureau.handler, excepted(wrong)).await), "INVALID");
    }
    let before = pb::Plan { approved_exception: "县区规模小".into(), ..written() };
    assert_eq!(reason(create(&mut bureau.handler, before).await), "INVALID", "it says no kind");
    let both = excepting(&[SmallStratum, Recusals], "县区规模小");
    let draft = bureau.draft(excepted(both.clone())).await;
    assert_eq!(draft.exceptions, both);
    let one = pb::Plan { exceptions: excepting(&[Recusals], "亲属多"), ..draft };
    let draft = update(&mut bureau.handler, one.clone()).await.unwrap();
    assert_eq!(draft.exceptions, one.exceptions);
    let submitted = submit(&mut bureau.handler, &draft).await.unwrap();
    assert_eq!(publish(&mut bureau.reviewer, &submitted).await.unwrap().exceptions, one.exceptions);
    // The database knows no other kinds, and none without a reason.
    let owner = bureau.world.harness.owner_pool("draws").await.unwrap();
    for wrong in ["{\"EVERYTHING\": \"x\"}", "{\"RECUSALS\": \"\"}", "[]"] {
        let insert = "insert into plan (year, number, name, organisation, title, kind, state, items, districts, stratification,
                quotas, teams, cover_district, method, frequency, revision, creator, authors, created_at, changed_at, changed_by,
                changed_what, exceptions)
             select year, 99, 'plans/2026-99', organisation, title, kind, 'DRAFT', items, districts, stratification, quotas, teams,
                cover_district, method, frequency, revision, creator, authors, created_at, changed_at, changed_by, changed_what,
                $1::jsonb from plan limit 1";
        let refused = sqlx::query(insert).bind(wrong).execute(&owner).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "23514", "{wrong}");
    }
}

/// A database of the release before exceptions had kinds is brought up to date: one published plan and one draft with an
/// exception, and one plan without.
#[tokio::test(flavor = "multi_thread")]
async fn an_exception_written_before_there_were_kinds_counts_for_each() {
    let mut bureau = Bureau::start().await;
    let published = bureau.published().await;
    let draft = bureau.draft(written()).await;
    let without = bureau.draft(written()).await;
    let owner = bureau.world.harness.owner_pool("draws").await.unwrap();
    let before = "alter table plan drop column exceptions;
        alter table plan alter column approved_exception drop default;
        alter table plan disable trigger plan_published_stays;
        update plan set approved_exception = '人手少，经批准' where number <= 2;
        alter table plan enable trigger plan_published_stays";
    sqlx::raw_sql(before).execute(&owner).await.unwrap();
    sqlx::raw_sql(include_str!("../../migrations/0020_exceptions.sql")).execute(&owner).await.unwrap();
    let mut read = async |plan: &pb::Plan| {
        bureau.handler.get_plan(pb::GetPlanRequest { name: plan.name.clone() }).await.unwrap().into_inner()
    };
    use pb::PlanExceptionKind::{FewExperts, FewOfficers, Recusals, SmallStratum};
    let every = excepting(&[SmallStratum, FewOfficers, FewExperts, Recusals], "人手少，经批准");
    assert_eq!(read(&published).await, pb::Plan { exceptions: every.clone(), ..published });
    assert_eq!(read(&draft).await, pb::Plan { exceptions: every, ..draft });
    assert_eq!(read(&without).await, without);
    let changed = "update plan set exceptions = '{}' where state = 'PUBLISHED'";
    let refused = sqlx::query(changed).execute(&owner).await.unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "23001", "what is published stays");
}
