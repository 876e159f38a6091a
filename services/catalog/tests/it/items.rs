//! Items written by hand, and published (art. 7-9, 12, 27).

use kit::{error::violated, follow::payload};
use proto::qingtian::{
    access::v1::Role,
    catalog::{events::v1::ItemsPublished, v1 as pb},
    events::v1::{Event, ReadEventsRequest},
};
use tonic::Code;

use crate::office::{Client, MARKET, Office, item, refused};

fn create(item: pb::Item) -> pb::CreateItemRequest {
    pb::CreateItemRequest { parent: MARKET.into(), item: Some(item), request_id: String::new() }
}

fn update(item: &pb::Item) -> pb::UpdateItemRequest {
    pb::UpdateItemRequest { item: Some(item.clone()), request_id: String::new() }
}

async fn get(client: &mut Client, name: &str) -> pb::Item {
    client.get_item(pb::GetItemRequest { name: name.into() }).await.unwrap().into_inner()
}

#[tokio::test]
async fn an_item_is_drafted_changed_and_published_by_another() {
    let office = Office::new().await;
    let mut handler = office.handler().await;
    let drafted = office.create(item("12", "食品经营单位监管")).await;
    assert_eq!((drafted.state(), drafted.etag.as_str()), (pb::ItemState::Draft, "1"));
    assert!(drafted.name.starts_with("organisations/market/items/"));

    let wanted = pb::Item { ratio: "5%".into(), ..drafted.clone() };
    let changed = handler.update_item(update(&wanted)).await.unwrap().into_inner();
    assert_eq!((changed.ratio.as_str(), changed.etag.as_str()), ("5%", "2"));
    let stale = refused(handler.update_item(update(&drafted)).await, Code::Aborted, "STALE", "");
    assert_eq!((stale["who"].as_str(), stale["what"].as_str()), ("users/handler", "edited"));
    let unread = pb::Item { etag: String::new(), ..drafted.clone() };
    refused(handler.update_item(update(&unread)).await, Code::InvalidArgument, "INVALID", "");

    let answer = office.publish(&[&drafted.name]).await;
    assert_eq!((answer.published, answer.refused.len()), (1, 0));
    let published = get(&mut handler, &drafted.name).await;
    assert_eq!((published.state(), published.etag.as_str()), (pb::ItemState::Published, "3"));
    let frozen = handler.update_item(update(&published)).await;
    refused(frozen, Code::FailedPrecondition, "WRONG_STATE", "");
    assert_eq!(get(&mut handler, &drafted.name).await, published, "nothing half-done");
}

#[tokio::test]
async fn an_item_is_added_once_however_often_the_request_comes() {
    let office = Office::new().await;
    let mut handler = office.handler().await;
    let request = pb::CreateItemRequest { request_id: "r".into(), ..create(item("1", "一")) };
    let made = handler.create_item(request.clone()).await.unwrap().into_inner();
    assert_eq!(handler.create_item(request.clone()).await.unwrap().into_inner(), made);
    let other = pb::CreateItemRequest { item: Some(item("2", "二")), ..request };
    refused(handler.create_item(other).await, Code::InvalidArgument, "REQUEST_ID_REUSED", "");
    let again =
        refused(handler.create_item(create(item("1", " 一 "))).await, Code::AlreadyExists, "ALREADY_EXISTS", "");
    assert_eq!(again["name"], "一");
    for bad in [item("1", " "), item(&"1".repeat(41), "二"), item("1", "a\u{0}b")] {
        refused(handler.create_item(create(bad)).await, Code::InvalidArgument, "INVALID", "");
    }
    let reviewer = office.reviewer().await.create_item(create(item("3", "三"))).await;
    refused(reviewer, Code::PermissionDenied, "ROLE_MISSING", "27");
    let two = office.create(item("2", "二")).await;
    let same = handler.update_item(update(&pb::Item { code: "1".into(), title: "一".into(), ..two.clone() })).await;
    refused(same, Code::AlreadyExists, "ALREADY_EXISTS", "");
    assert_eq!(get(&mut handler, &two.name).await, two);
    assert_eq!(office.count("item").await, 2);
}

#[tokio::test]
async fn items_are_listed_by_code_and_found_by_part_of_a_name() {
    let office = Office::new().await;
    for (code, title) in [("10", "特种设备"), ("2", "药品100%抽查"), ("1", "食品"), ("2", "医疗器械")] {
        office.create(item(code, title)).await;
    }
    let mut reader = office.user("users/officer", "market", &[Role::Officer]).await;
    let (mut titles, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListItemsRequest { parent: MARKET.into(), page_size: 3, page_token, ..Default::default() };
        let page = reader.list_items(request).await.unwrap().into_inner();
        assert_eq!(page.total_size, 4);
        titles.extend(page.items.into_iter().map(|item| item.title));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(titles, ["食品", "药品100%抽查", "医疗器械", "特种设备"]);
    let mut find = async |query: &str, state: pb::ItemState| {
        let request = pb::ListItemsRequest {
            parent: MARKET.into(),
            query: query.into(),
            state: state as i32,
            ..Default::default()
        };
        reader.list_items(request).await.unwrap().into_inner().total_size
    };
    assert_eq!(find("器", pb::ItemState::Unspecified).await, 1);
    assert_eq!(find("0%", pb::ItemState::Draft).await, 1, "no wildcards");
    assert_eq!(find("", pb::ItemState::Published).await, 0);
    let forged = pb::ListItemsRequest { parent: MARKET.into(), page_token: "?".into(), ..Default::default() };
    refused(reader.list_items(forged).await, Code::InvalidArgument, "PAGE_TOKEN", "");
    let nul = pb::ListItemsRequest { parent: MARKET.into(), query: "a\0b".into(), ..Default::default() };
    refused(reader.list_items(nul).await, Code::InvalidArgument, "INVALID", "");
}

#[tokio::test]
async fn another_departments_item_is_not_found() {
    let office = Office::new().await;
    let drafted = office.create(item("1", "食品")).await;
    let roles = [Role::Handler, Role::Reviewer, Role::Integrator];
    let mut stranger = office.user("users/x", "fire", &roles).await;
    let found = stranger.get_item(pb::GetItemRequest { name: drafted.name.clone() }).await;
    refused(found, Code::NotFound, "NOT_FOUND", "27");
    refused(stranger.update_item(update(&drafted)).await, Code::NotFound, "NOT_FOUND", "27");
    // Whatever else is wrong with the request: out of reach comes first.
    let blank = pb::Item { name: drafted.name.clone(), ..Default::default() };
    refused(stranger.update_item(update(&blank)).await, Code::NotFound, "NOT_FOUND", "27");
    refused(stranger.create_item(create(item("2", "二"))).await, Code::NotFound, "NOT_FOUND", "27");
    let list = pb::ListItemsRequest { parent: MARKET.into(), ..Default::default() };
    refused(stranger.list_items(list).await, Code::NotFound, "NOT_FOUND", "27");
    let mut publish = pb::PublishItemsRequest { parent: MARKET.into(), ..Default::default() };
    refused(stranger.publish_items(publish.clone()).await, Code::NotFound, "NOT_FOUND", "27");
    publish.parent = "organisations/fire".into();
    publish.names = vec![drafted.name.clone()];
    let answer = stranger.publish_items(publish).await.unwrap().into_inner();
    assert_eq!((answer.published, answer.refused[0].reason.as_str()), (0, "NOT_FOUND"));
    let imports = pb::ListItemImportsRequest { parent: MARKET.into(), ..Default::default() };
    refused(stranger.list_item_imports(imports).await, Code::NotFound, "NOT_FOUND", "27");
    let unknown = pb::Item { name: "organisations/market/items/x".into(), ..drafted.clone() };
    let own = office.handler().await.update_item(update(&unknown)).await;
    refused(own, Code::NotFound, "NOT_FOUND", "27");

    let mut auditor = office.user("users/a", "audit", &[Role::Auditor]).await;
    assert_eq!(get(&mut auditor, &drafted.name).await, drafted, "the auditor reads everything, and nothing changed");
}

#[tokio::test]
async fn each_item_is_published_or_refused_by_itself() {
    let office = Office::new().await;
    let good = office.create(item("1", "好")).await;
    let baseless = office.create(pb::Item { legal_basis: String::new(), ..item("2", "无依据") }).await;
    let listless = office.create(pb::Item { checklist: vec![], ..item("3", "无清单") }).await;
    let names = [good.name.as_str(), &baseless.name, &listless.name, "organisations/market/items/none"];

    // Who drafted does not publish, whatever other roles there are.
    let mut both = office.user("users/handler", "market", &[Role::Handler, Role::Reviewer]).await;
    let request =
        pb::PublishItemsRequest { parent: MARKET.into(), names: vec![good.name.clone()], request_id: String::new() };
    let own = both.publish_items(request).await.unwrap().into_inner();
    assert_eq!((own.published, own.refused[0].reason.as_str()), (0, "OWN_ACT"));
    assert!(own.refused[0].message.contains("另一位人员"));
    assert_eq!(get(&mut both, &good.name).await, good, "nothing half-done");

    let answer = office.publish(&names).await;
    let reason =
        |name: &str| answer.refused.iter().find(|r| r.name == name).map(|r| (r.reason.as_str(), r.message.as_str()));
    assert_eq!((answer.published, answer.refused.len()), (1, 3));
    let (basis, checklist) = (reason(&baseless.name).unwrap(), reason(&listless.name).unwrap());
    assert_eq!((basis.0, checklist.0), ("BASIS_MISSING", "CHECKLIST_MISSING"));
    assert!(basis.1.contains("无依据") && checklist.1.contains("检查实施清单"));
    assert_eq!(reason("organisations/market/items/none").unwrap().0, "NOT_FOUND");
    assert_eq!(office.publish(&[&good.name]).await.refused[0].reason, "WRONG_STATE");
    for draft in [&baseless, &listless] {
        assert_eq!(&get(&mut both, &draft.name).await, draft, "nothing half-done");
    }
    let many =
        pb::PublishItemsRequest { parent: MARKET.into(), names: vec![good.name; 1_001], request_id: String::new() };
    refused(office.reviewer().await.publish_items(many).await, Code::InvalidArgument, "TOO_LARGE", "");
}

#[tokio::test]
async fn whoever_changed_a_draft_does_not_publish_it_either() {
    let office = Office::new().await;
    let drafted = office.create(item("1", "食品")).await;
    let mut second = office.user("users/second", "market", &[Role::Handler, Role::Reviewer]).await;
    second.update_item(update(&pb::Item { remark: "改".into(), ..drafted.clone() })).await.unwrap();
    let request = pb::PublishItemsRequest { parent: MARKET.into(), ..Default::default() };
    let answer = second.publish_items(request).await.unwrap().into_inner();
    assert_eq!(answer.refused[0].reason, "OWN_ACT");
    assert_eq!(office.publish(&[]).await.published, 1);
}

async fn events(office: &Office, client: &mut Client) -> Vec<(Event, ItemsPublished)> {
    office.harness.sequenced("catalog").await.unwrap();
    let mut stream = client.read_events(ReadEventsRequest::default()).await.unwrap().into_inner();
    let mut events = Vec::new();
    while let Some(step) = stream.message().await.unwrap() {
        if let Some(event) = step.event {
            let items = payload(&event).unwrap().unwrap();
            events.push((event, items));
        }
    }
    events
}

#[tokio::test]
async fn all_drafts_are_published_at_once_in_events_of_at_most_twenty() {
    let office = Office::new().await;
    let mut names = Vec::new();
    for number in 1..=45 {
        names.push(office.create(item(&number.to_string(), "食品")).await.name);
    }
    let request = pb::PublishItemsRequest { parent: MARKET.into(), names: vec![], request_id: "p".into() };
    let mut reviewer = office.reviewer().await;
    let answer = reviewer.publish_items(request.clone()).await.unwrap().into_inner();
    assert_eq!((answer.published, answer.refused.len()), (45, 0));
    assert_eq!(reviewer.publish_items(request).await.unwrap().into_inner(), answer, "a repetition is answered alike");

    let mut anybody = office.user("machineClients/f", "fire", &[Role::Integrator]).await;
    let events = events(&office, &mut anybody).await;
    assert_eq!(events.iter().map(|(_, items)| items.items.len()).collect::<Vec<_>>(), [20, 20, 5]);
    assert_eq!(events.iter().map(|(event, _)| event.revision).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(events.iter().all(|(event, _)| event.aggregate == "organisations/market/items"));
    let told: Vec<_> = events.iter().flat_map(|(_, items)| &items.items).collect();
    assert_eq!(told.iter().map(|item| item.name.clone()).collect::<Vec<_>>(), names, "whole, in the order of the list");
    assert!(
        told.iter()
            .all(|item| item.state() == pb::ItemState::Published && item.etag == "2" && !item.checklist.is_empty())
    );
}

#[tokio::test]
async fn the_database_refuses_to_change_what_is_published() {
    let office = Office::new().await;
    let made = office.create(item("1", "食品")).await;
    office.create(pb::Item { legal_basis: String::new(), checklist: vec![], ..item("2", "药品") }).await;
    office.publish(&[&made.name]).await;
    let pool = office.harness.pool("catalog").await.unwrap();
    for (sql, constraint) in [
        ("update item set title = 'x' where state = 'PUBLISHED'", Some("item_published_is_frozen")),
        ("update item set state = 'DRAFT' where state = 'PUBLISHED'", Some("item_published_is_frozen")),
        (
            "update item set state = 'PUBLISHED', published_by = 'users/handler', published_at = created_at, legal_basis = 'x',
             checklist = '[{}]' where code = '2'",
            Some("item_published_by_another"),
        ),
        (
            "update item set state = 'PUBLISHED', published_by = 'users/x', published_at = created_at, checklist = '[{}]'
             where code = '2'",
            Some("item_published_has_basis"),
        ),
        (
            "update item set state = 'PUBLISHED', published_by = 'users/x', published_at = created_at, legal_basis = 'x'
             where code = '2'",
            Some("item_published_has_checklist"),
        ),
        ("delete from item", None),
        ("delete from item_import_problem", None),
        ("alter table item disable trigger all", None),
    ] {
        let error = sqlx::query(sql).execute(&pool).await.unwrap_err();
        match constraint {
            Some(_) => assert_eq!(violated(&error), constraint, "{sql}: {error}"),
            None => assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("42501"), "{sql}: {error}"),
        }
    }
}
