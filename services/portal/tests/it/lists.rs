//! Lists, search and figures (art. 9, 26, 33).

use kit::testing::refusal_of;
use lottery::testing::Shape;
use proto::qingtian::{draws::v1::DrawState, portal::v1 as pb};

use crate::{
    city::{City, MARKET},
    story::Story,
};

fn small() -> Shape {
    Shape { subjects: 20, left_out: 2, officers: 3, ..Shape::default() }
}

#[tokio::test]
async fn draws_are_listed_newest_first_without_gap_or_repeat() {
    let city = City::with_a_plan().await;
    let mut client = city.public().await;
    // Out of order, as numbers of several years may come.
    for number in [3, 1, 2, 12, 9, 10, 11, 4, 8, 5, 7, 6] {
        Story::new(number, &small()).created(&city).await;
    }
    city.settle().await;
    let mut names = Vec::new();
    let mut request = pb::ListDrawsRequest { page_size: 5, ..Default::default() };
    loop {
        let page = client.list_draws(request.clone()).await.unwrap().into_inner();
        names.extend(page.draws.into_iter().map(|draw| draw.name));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    let expected: Vec<_> = (1..=12).rev().map(|number| format!("draws/2026-{number:04}")).collect();
    assert_eq!(names, expected);
    let found = |query: &str, plan: &str| pb::ListDrawsRequest {
        query: query.to_owned(),
        plan: plan.to_owned(),
        ..Default::default()
    };
    let count = async |request| city.public().await.list_draws(request).await.unwrap().into_inner().draws.len();
    assert_eq!(count(found("食品", "")).await, 12);
    assert_eq!(count(found("2026-0007", "")).await, 1);
    assert_eq!(count(found("", "plans/2026-07")).await, 12);
    assert_eq!(count(found("", "plans/2026-08")).await, 0);
    assert_eq!(count(found("_", "")).await, 0, "a wildcard is only a character");
}

#[tokio::test]
async fn plans_and_items_are_public_without_account_names() {
    let city = City::with_a_plan().await;
    let mut client = city.public().await;
    city.item("10", "计量器具检查", "").await;
    city.plan("plans/2025-03", "2025年计量抽查", 2025).await;
    city.settle().await;
    let plan = client.get_plan(pb::GetPlanRequest { name: "plans/2026-07".to_owned() }).await.unwrap().into_inner();
    assert_eq!(plan.item_titles, ["特种设备检查", "食品生产监督检查 · 小作坊"], "in the plan's order");
    assert_eq!(plan.organisation_title, "市市场监督管理局");
    assert!(plan.units.iter().any(|unit| unit.title == "市市场监督管理局"));
    let shown = plan.plan.unwrap();
    assert_eq!((shown.creator.as_str(), shown.publisher.as_str()), ("", ""));
    let plans = async |query: &str, year| {
        let request = pb::ListPlansRequest { query: query.to_owned(), year, page_size: 1, ..Default::default() };
        let mut client = city.public().await;
        let first = client.list_plans(request.clone()).await.unwrap().into_inner();
        let rest = pb::ListPlansRequest { page_token: first.next_page_token.clone(), page_size: 100, ..request };
        let mut plans = first.plans;
        if !first.next_page_token.is_empty() {
            plans.extend(client.list_plans(rest).await.unwrap().into_inner().plans);
        }
        plans.into_iter().map(|plan| plan.plan.unwrap().name).collect::<Vec<_>>()
    };
    // Both were published at the same instant, which the test's clock does not leave; the later name comes first.
    assert_eq!(plans("", 0).await, ["plans/2026-07", "plans/2025-03"]);
    assert_eq!(plans("计量", 0).await, ["plans/2025-03"]);
    assert_eq!(plans("", 2026).await, ["plans/2026-07"]);
    let items = async |query: &str, page_token: &str| {
        let request = pb::ListItemsRequest { query: query.to_owned(), page_size: 2, page_token: page_token.to_owned() };
        let page = city.public().await.list_items(request).await.unwrap().into_inner();
        (page.items.into_iter().map(|item| item.code).collect::<Vec<_>>(), page.next_page_token)
    };
    let (first, next) = items("", "").await;
    assert_eq!((first, items("", &next).await), (vec!["1".into(), "2".into()], (vec!["10".into()], String::new())));
    assert_eq!(items("小作坊", "").await.0, ["1"]);
    let name = format!("{MARKET}/items/i2");
    let item = client.get_item(pb::GetItemRequest { name: name.clone() }).await.unwrap().into_inner();
    assert_eq!((item.title.as_str(), item.etag.as_str()), ("特种设备检查", ""));
    // Published anew: what is shown is what stands now, in plans too.
    city.item("2", "特种设备安全检查", "").await;
    city.settle().await;
    assert_eq!(client.get_item(pb::GetItemRequest { name }).await.unwrap().into_inner().title, "特种设备安全检查");
}

#[tokio::test]
async fn a_search_finds_plans_draws_and_items_the_whole_match_first() {
    let city = City::with_a_plan().await;
    for number in [7, 8] {
        Story::new(number, &small()).created(&city).await;
    }
    city.settle().await;
    let search = async |query: &str| {
        let request = pb::SearchRequest { query: query.to_owned() };
        let hits = city.public().await.search(request).await.unwrap().into_inner().hits;
        hits.into_iter().map(|hit| (hit.kind, hit.name)).collect::<Vec<_>>()
    };
    let hit = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
    let plan = hit("plan", "plans/2026-07");
    let draws = [hit("draw", "draws/2026-0008"), hit("draw", "draws/2026-0007")];
    let food = hit("item", &format!("{MARKET}/items/i1"));
    // The item's title begins with it.
    assert_eq!(search(" 食品 ").await, [food.clone(), plan.clone(), draws[0].clone(), draws[1].clone()]);
    assert_eq!(search("2026-0007").await, [draws[1].clone()]);
    assert_eq!(search("小作坊").await, [food]);
    assert_eq!(search("2026年食品安全抽查").await.first(), Some(&plan));
    assert!(search("").await.is_empty() && search("没有").await.is_empty() && search("%").await.is_empty());
}

#[tokio::test]
async fn the_figures_are_those_of_the_year_in_kaifeng() {
    let city = City::with_a_plan().await;
    let mut client = city.public().await;
    let mut revealed = Story::new(1, &small());
    revealed.told(&city).await;
    let mut abandoned = Story::new(2, &small());
    abandoned.created(&city).await;
    abandoned.ended(&city, DrawState::Abandoned, "wrong plan").await;
    city.settle().await;
    let mut overview = async || client.get_overview(pb::GetOverviewRequest {}).await.unwrap().into_inner();
    let told = overview().await;
    let drawn = i64::try_from(revealed.lot.reveal.rows.len()).unwrap();
    assert_eq!((told.items, told.plans, told.draws, told.drawn, told.ended_draws), (2, 1, 1, drawn, 1));
    let newest: Vec<_> = told.newest_draws.into_iter().map(|draw| draw.name).collect();
    assert_eq!(newest, ["draws/2026-0002", "draws/2026-0001"]);
    assert_eq!(told.newest_plans.len(), 1);
    // 2027 begins in Kaifeng while it is 16:00 of 31 December in Greenwich.
    let new_year: chrono::DateTime<chrono::Utc> = "2026-12-31T16:00:00Z".parse().unwrap();
    city.harness.clock.advance(new_year - city.harness.clock.now() - chrono::Duration::microseconds(1));
    assert_eq!(overview().await.draws, 1);
    city.harness.clock.advance(chrono::Duration::microseconds(1));
    let told = overview().await;
    assert_eq!((told.items, told.plans, told.draws, told.drawn, told.ended_draws), (2, 0, 0, 0, 0));
}

#[tokio::test]
async fn questions_that_cannot_be_answered_are_refused_with_a_reason() {
    let city = City::empty().await;
    let mut client = city.public().await;
    let draws = |page_size, page_token: &str, query: &str| pb::ListDrawsRequest {
        page_size,
        page_token: page_token.to_owned(),
        query: query.to_owned(),
        ..Default::default()
    };
    for (request, reason) in [
        (draws(101, "", ""), "INVALID"),
        (draws(-1, "", ""), "INVALID"),
        (draws(0, "%%%", ""), "PAGE_TOKEN"),
        (draws(0, "", &"字".repeat(101)), "INVALID"),
    ] {
        assert_eq!(refusal_of(&client.list_draws(request).await.unwrap_err()).0, reason);
    }
    let drawn = pb::ListDrawnRequest { page_token: kit::pages::token("x"), ..Default::default() };
    assert_eq!(refusal_of(&client.list_drawn(drawn).await.unwrap_err()).0, "PAGE_TOKEN");
    for name in ["", "draws/2026-0001", "draws/2026-0001'; --", "plans/2026-07"] {
        let name = name.to_owned();
        let not_found = [
            client.get_draw(pb::GetDrawRequest { name: name.clone() }).await.unwrap_err(),
            client.get_plan(pb::GetPlanRequest { name: name.clone() }).await.unwrap_err(),
            client.get_item(pb::GetItemRequest { name: name.clone() }).await.unwrap_err(),
            client.download_evidence(pb::DownloadEvidenceRequest { name: name.clone() }).await.unwrap_err(),
            client.download_statement(pb::DownloadStatementRequest { name: name.clone() }).await.unwrap_err(),
            client.list_drawn(pb::ListDrawnRequest { parent: name.clone(), ..Default::default() }).await.unwrap_err(),
            client
                .look_up_subject(pb::LookUpSubjectRequest { draw: name.clone(), subject: "x".to_owned() })
                .await
                .unwrap_err(),
        ];
        for status in not_found {
            assert_eq!(refusal_of(&status).0, "NOT_FOUND", "{name:?}");
        }
    }
}
