//! Every list in every order it offers: sorted, whole page by page, and refused by name in an order it does not have.

use chrono::Days;
use kit::workdays::legal_day;
use proto::qingtian::{
    access::v1::Role,
    draws::v1::{self as pb, people_client::PeopleClient, recusals_client::RecusalsClient},
};

use crate::{
    draws::city::{City, plan},
    world::*,
};

/// Asks a list for each of its orders at once and in pages of two: the same rows, each once, sorted by the value named.
macro_rules! in_every_order {
    ($client:ident.$list:ident($request:expr).$rows:ident, { $($order:literal: $value:expr),+ $(,)? }) => {{
        $({
            let value = $value;
            for order_by in [$order.to_owned(), format!("{} desc", $order)] {
                let all = $client.$list(pb_with!($request, order_by, 1_000, String::new())).await.unwrap().into_inner();
                assert!(all.next_page_token.is_empty());
                let values: Vec<_> = all.$rows.iter().map(value).collect();
                let sorted = if order_by.ends_with(" desc") { values.is_sorted_by(|a, b| a >= b) } else { values.is_sorted() };
                assert!(sorted, "{order_by}: {values:?}");
                assert!(all.$rows.len() > 2, "{order_by}: {} rows", all.$rows.len());
                let (mut paged, mut page_token) = (Vec::new(), String::new());
                loop {
                    let page = $client.$list(pb_with!($request, order_by, 2, page_token)).await.unwrap().into_inner();
                    paged.extend(page.$rows);
                    page_token = page.next_page_token;
                    if page_token.is_empty() {
                        break;
                    }
                }
                assert_eq!(paged, all.$rows, "{order_by}");
            }
        })+
        let orders = [$($order),+];
        let token = $client.$list(pb_with!($request, orders[0], 1, "")).await.unwrap().into_inner().next_page_token;
        assert_eq!(reason($client.$list(pb_with!($request, orders[1], 1, token)).await), "PAGE_TOKEN");
        assert_eq!(reason($client.$list(pb_with!($request, "etag", 1, "")).await), "INVALID");
    }};
}

macro_rules! pb_with {
    ($request:expr, $order:expr, $size:expr, $token:expr) => {{
        let mut request = Clone::clone(&$request);
        request.order_by = $order.to_string();
        request.page_size = $size;
        request.page_token = $token.to_string();
        request
    }};
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_draws_visits_and_recusals_are_listed_in_every_order() {
    let city = City::start().await;
    let draw = city.whole_draw().await;
    let pool = &city.world.pool;
    // Two more draws over the same plan, and their visits, in other orders than that of their numbers.
    for (name, year, title) in [("draws/2027-0001", 2027, "甲"), ("draws/2025-0007", 2025, "乙")] {
        sqlx::query(
            "insert into draw select (jsonb_populate_record(d, jsonb_build_object('name', $1::text, 'year', $2::int,
                'number', right($1, 4)::int, 'plan_title', $3::text))).* from draw d where name = $4",
        )
        .bind(name)
        .bind(year)
        .bind(title)
        .bind(&draw.name)
        .execute(pool)
        .await
        .unwrap();
        sqlx::query(
            "insert into visit select (jsonb_populate_record(v, jsonb_build_object('draw', $1::text, 'title', 100 - v.place,
                'name', 'visits/' || substr($1, 7) || '-' || v.place, 'due_date', $2::int || '-03-01', 'quarter', $2::int || '-1'))).*
             from visit v where draw = $3",
        )
        .bind(name)
        .bind(year)
        .bind(&draw.name)
        .execute(pool)
        .await
        .unwrap();
    }
    let mut draws = city.handler().await;
    let number = |name: &str| name.split_once('/').unwrap().1.to_owned();
    in_every_order!(draws.list_draws(pb::ListDrawsRequest::default()).draws, {
        "number": |one: &pb::Draw| number(&one.name),
        "plan_title": |one: &pb::Draw| one.plan_title.clone(),
        "reveal_by": |one: &pb::Draw| one.reveal_by.as_ref().unwrap().seconds,
    });
    for (organisation, certificate) in [(MARKET, ""), (MARKET, "16020001")] {
        let mut visits = city.visits(organisation, certificate).await;
        in_every_order!(visits.list_visits(pb::ListVisitsRequest::default()).visits, {
            "draw": |one: &pb::Visit| one.draw.clone(),
            "title": |one: &pb::Visit| one.title.clone(),
            "due_date": |one: &pb::Visit| one.due_date.clone(),
        });
        let newest = visits.list_visits(pb::ListVisitsRequest::default()).await.unwrap().into_inner().visits;
        assert_eq!((newest[0].draw.as_str(), newest[0].place), ("draws/2027-0001", 1), "in the order of drawing");
    }

    let mut reader = city.visits(MARKET, "").await;
    let visits = reader.list_visits(pb::ListVisitsRequest { draw: draw.name.clone(), ..Default::default() });
    let visits = visits.await.unwrap().into_inner().visits;
    let clerk = city.world.harness.officer("users/clerk", MARKET, &[Role::Handler], "").await.unwrap();
    let mut recusals = RecusalsClient::new(clerk);
    for visit in visits.iter().take(3) {
        let recusal = pb::Recusal {
            draw: draw.name.clone(),
            subject: visit.subject.clone(),
            person: visit.officers[0].clone(),
            ground: pb::RecusalGround::Interest as i32,
            note: "配偶任职".into(),
            ..Default::default()
        };
        let request = pb::CreateRecusalRequest { recusal: Some(recusal), ..Default::default() };
        recusals.create_recusal(request).await.unwrap();
    }
    in_every_order!(recusals.list_recusals(pb::ListRecusalsRequest::default()).recusals, {
        "create_time": |one: &pb::Recusal| one.create_time.map(|at| (at.seconds, at.nanos)),
        "title": |one: &pb::Recusal| one.title.clone(),
        "person": |one: &pb::Recusal| one.person.clone(),
    });

    let mut plans = city.world.plans("users/clerk", MARKET, &[Role::Handler]).await;
    for (title, end_date) in [("乙计划", "2026-11-30"), ("甲计划", "2026-12-30"), ("甲计划", "")] {
        let written = pb::Plan { title: title.into(), end_date: end_date.into(), ..plan() };
        plans.create_plan(pb::CreatePlanRequest { plan: Some(written), ..Default::default() }).await.unwrap();
    }
    in_every_order!(plans.list_plans(pb::ListPlansRequest::default()).plans, {
        "number": |one: &pb::Plan| number(&one.name),
        "title": |one: &pb::Plan| one.title.clone(),
        "end_date": |one: &pb::Plan| one.end_date.clone(),
        "publish_time": |one: &pb::Plan| one.publish_time.map(|at| (at.seconds, at.nanos)),
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_what_they_declare_are_listed_in_every_order() {
    let world = World::start().await;
    let of_market = || MARKET.to_owned();
    let mut clerk = world.clerk().await;
    upload(&mut clerk, upload_to(MARKET), register(LONGTING, 0..3).as_bytes()).await.unwrap();
    let certificates = ["4102-003", "4102-001", "4102-002"];
    for (certificate, expires) in certificates.into_iter().zip(["2027-01-31", "2027-12-31", "2027-06-30"]) {
        let officer = world.officer(certificate, MARKET, &[LONGTING]).await;
        let changed = proto::qingtian::identity::events::v1::OfficerChanged { expire_date: expires.into(), ..officer };
        world.identity_says(&changed).await.unwrap();
    }
    in_every_order!(clerk.list_officers(pb::ListOfficersRequest { parent: of_market(), ..Default::default() }).officers, {
        "key": |one: &pb::Officer| one.key.clone(),
        "expire_date": |one: &pb::Officer| one.expire_date.clone(),
    });

    let today = legal_day(world.harness.clock.now());
    let mut handler = PeopleClient::new(world.harness.user("users/clerk", MARKET, &[Role::Handler]).await.unwrap());
    for (certificate, (from, to)) in certificates.into_iter().zip([(3, 4), (1, 9), (1, 2)]) {
        let leave = pb::Leave {
            officer: certificate.into(),
            first_day: (today + Days::new(from)).to_string(),
            last_day: (today + Days::new(to)).to_string(),
            kind: pb::LeaveKind::Annual as i32,
            reason: "年休假".into(),
            ..Default::default()
        };
        let request = pb::CreateLeaveRequest { parent: of_market(), leave: Some(leave), ..Default::default() };
        handler.create_leave(request).await.unwrap();
    }
    in_every_order!(handler.list_leaves(pb::ListLeavesRequest { parent: of_market(), ..Default::default() }).leaves, {
        "first_day": |one: &pb::Leave| one.first_day.clone(),
        "last_day": |one: &pb::Leave| one.last_day.clone(),
        "officer": |one: &pb::Leave| one.officer.clone(),
    });

    for (at, certificate) in (0..).zip(certificates) {
        let subject = code(LONGTING, 2 - at);
        let conflict =
            pb::Conflict { officer: certificate.into(), subject, reason: "配偶任职".into(), ..Default::default() };
        let request =
            pb::DeclareConflictRequest { parent: of_market(), conflict: Some(conflict), ..Default::default() };
        let declared = clerk.declare_conflict(request).await.unwrap().into_inner();
        assert!(!declared.subject_title.is_empty(), "the subject is called by its name");
        let user = format!("users/of-{certificate}");
        let himself = world.harness.officer(&user, MARKET, &[Role::Officer], certificate);
        let declaration = pb::Declaration { person: certificate.into(), year: 2026, ..Default::default() };
        let request = pb::CreateDeclarationRequest {
            parent: of_market(),
            declaration: Some(declaration),
            confirms: true,
            ..Default::default()
        };
        let undeclared =
            |query: &str| pb::ListUndeclaredRequest { parent: of_market(), query: query.into(), ..Default::default() };
        let missing = handler.list_undeclared(undeclared(certificate)).await.unwrap().into_inner();
        assert_eq!((missing.people[0].person.as_str(), missing.total_size), (certificate, 1));
        PeopleClient::new(himself.await.unwrap()).create_declaration(request).await.unwrap();
        let missing = handler.list_undeclared(undeclared("4102")).await.unwrap().into_inner();
        assert_eq!((missing.people.len(), missing.total_size), (2 - at as usize, i64::from(2 - at)));
    }
    let conflicts = || pb::ListConflictsRequest { parent: of_market(), ..Default::default() };
    in_every_order!(clerk.list_conflicts(conflicts()).conflicts, {
        "create_time": |one: &pb::Conflict| one.create_time.map(|at| (at.seconds, at.nanos)),
        "officer": |one: &pb::Conflict| one.officer.clone(),
        "subject": |one: &pb::Conflict| one.subject.clone(),
    });
    let all = clerk.list_conflicts(conflicts()).await.unwrap().into_inner().conflicts;
    let named = pb::ListConflictsRequest { query: all[1].subject_title.clone(), ..conflicts() };
    assert_eq!(clerk.list_conflicts(named).await.unwrap().into_inner().conflicts, [all[1].clone()], "found by name");
    in_every_order!(handler.list_declarations(pb::ListDeclarationsRequest { parent: of_market(), ..Default::default() }).declarations, {
        "create_time": |one: &pb::Declaration| one.create_time.map(|at| (at.seconds, at.nanos)),
        "person": |one: &pb::Declaration| one.person.clone(),
        "year": |one: &pb::Declaration| one.year,
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_and_changes_are_searched_and_listed_in_every_order() {
    let world = World::start().await;
    let of_market = || MARKET.to_owned();
    let mut clerk = world.clerk().await;
    for (file_name, serials) in [("乙区名录.csv", 0..2), ("甲区名录.csv", 2..7), ("100%_新增.csv", 7..8)] {
        let head = pb::ImportSubjectsRequest { file_name: file_name.into(), ..upload_to(MARKET) };
        upload(&mut clerk, head, register(LONGTING, serials).as_bytes()).await.unwrap();
    }
    let imports = || pb::ListImportsRequest { parent: of_market(), ..Default::default() };
    in_every_order!(clerk.list_imports(imports()).imports, {
        "create_time": |one: &proto::qingtian::common::v1::Import| one.create_time.map(|at| (at.seconds, at.nanos)),
        "file_name": |one: &proto::qingtian::common::v1::Import| one.file_name.clone(),
        "rows": |one: &proto::qingtian::common::v1::Import| one.rows,
    });
    for (query, found) in [("名录", 2), ("%_", 1), ("没有", 0)] {
        let asked = pb::ListImportsRequest { query: query.into(), ..imports() };
        assert_eq!(clerk.list_imports(asked).await.unwrap().into_inner().imports.len(), found, "{query}");
    }

    let mut changes = world.changes("users/clerk", MARKET, &[Role::Handler]).await;
    for (serial, reason) in ["年度核查", "群众举报后核查", "年度核查"].into_iter().enumerate() {
        let key = code(LONGTING, u32::try_from(serial).unwrap());
        let filter = pb::SubjectFilter { query: if serial == 0 { String::new() } else { key }, ..Default::default() };
        let request = pb::ChangeSubjectsRequest {
            parent: of_market(),
            filter: Some(filter),
            status: pb::SubjectStatus::Revoked as i32,
            reason: reason.into(),
            ..Default::default()
        };
        let begun = changes.change_subjects(request).await.unwrap().into_inner();
        applied(&changes, &begun.name).await;
    }
    let list = || pb::ListRegisterChangesRequest { parent: of_market(), ..Default::default() };
    in_every_order!(changes.list_register_changes(list()).changes, {
        "create_time": |one: &pb::RegisterChange| one.create_time.map(|at| (at.seconds, at.nanos)),
        "rows": |one: &pb::RegisterChange| one.rows,
    });
    for (query, found) in [("核查", 3), ("举报", 1), ("%", 0)] {
        let asked = pb::ListRegisterChangesRequest { query: query.into(), ..list() };
        assert_eq!(changes.list_register_changes(asked).await.unwrap().into_inner().changes.len(), found, "{query}");
    }
}
