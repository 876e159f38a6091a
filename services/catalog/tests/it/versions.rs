//! Versions of items: revised, published anew, given back, retired, compared (art. 8).

use kit::follow::payload;
use proto::qingtian::{
    access::v1::Role,
    catalog::{
        events::v1::{ItemRetired, ItemsPublished},
        v1 as pb,
    },
    events::v1::ReadEventsRequest,
};
use tonic::Code;

use crate::office::{MARKET, Office, item, order, refused};

fn revise(item: &pb::Item) -> pb::ReviseItemRequest {
    pb::ReviseItemRequest {
        name: item.name.clone(),
        etag: item.etag.clone(),
        reason: "依据修订".into(),
        request_id: String::new(),
    }
}

fn withdraw(item: &pb::Item) -> pb::WithdrawItemRevisionRequest {
    pb::WithdrawItemRevisionRequest { name: item.name.clone(), etag: item.etag.clone(), request_id: String::new() }
}

fn retire(item: &pb::Item) -> pb::RetireItemRequest {
    pb::RetireItemRequest {
        name: item.name.clone(),
        etag: item.etag.clone(),
        reason: "依据废止".into(),
        request_id: String::new(),
    }
}

async fn get(office: &Office, name: &str) -> pb::Item {
    let request = pb::GetItemRequest { name: name.into() };
    office.handler().await.get_item(request).await.unwrap().into_inner()
}

async fn published(office: &Office, code: &str, title: &str) -> pb::Item {
    let made = office.create(item(code, title)).await;
    assert_eq!(office.publish(&[&made.name]).await.published, 1);
    get(office, &made.name).await
}

async fn update(office: &Office, item: pb::Item) -> pb::Item {
    let request = pb::UpdateItemRequest { item: Some(item), request_id: String::new() };
    office.handler().await.update_item(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn an_item_is_revised_while_its_version_stays_in_force() {
    let office = Office::new().await;
    let first = published(&office, "1", "食品").await;
    assert_eq!((first.version, first.state()), (1, pb::ItemState::Published));
    let mut versions = office.versions("users/handler", "market", &[Role::Handler]).await;
    let revising = versions.revise_item(revise(&first)).await.unwrap().into_inner();
    assert_eq!(
        (revising.state(), revising.version, revising.change_reason.as_str()),
        (pb::ItemState::Revising, 1, "依据修订")
    );
    refused(versions.revise_item(revise(&revising)).await, Code::FailedPrecondition, "WRONG_STATE", "");

    // Nothing written yet: there is nothing to publish.
    let empty = office.publish(&[&first.name]).await;
    assert_eq!(empty.refused[0].reason, "REVISION_EMPTY");
    assert!(empty.refused[0].message.contains("没有差别"), "{}", empty.refused[0].message);
    assert_eq!(office.publish(&[]).await, pb::PublishItemsResponse::default(), "revisions are named");

    let changed = update(&office, pb::Item { ratio: "5%".into(), handler: "周明".into(), ..revising }).await;
    let compare = |base, target| pb::CompareItemVersionsRequest { name: first.name.clone(), base, target };
    let told = versions.compare_item_versions(compare(0, 0)).await.unwrap().into_inner().differences;
    let told: Vec<_> = told.iter().map(|d| (d.field.as_str(), d.before.as_str(), d.after.as_str())).collect();
    assert_eq!(told, [("ratio", "", "5%"), ("handler", "孙晓", "周明")]);

    // Whoever opened the revision does not publish it.
    let mut both = office.user("users/handler", "market", &[Role::Handler, Role::Reviewer]).await;
    let request =
        pb::PublishItemsRequest { parent: MARKET.into(), names: vec![first.name.clone()], request_id: String::new() };
    assert_eq!(both.publish_items(request).await.unwrap().into_inner().refused[0].reason, "OWN_ACT");
    assert_eq!(get(&office, &first.name).await, changed, "nothing half-done");

    assert_eq!(office.publish(&[&first.name]).await.published, 1);
    let second = get(&office, &first.name).await;
    assert_eq!((second.version, second.state(), second.ratio.as_str()), (2, pb::ItemState::Published, "5%"));
    let list = pb::ListItemVersionsRequest { parent: first.name.clone(), page_size: 1, page_token: String::new() };
    let page = versions.list_item_versions(list.clone()).await.unwrap().into_inner();
    assert_eq!((page.versions[0].number, page.versions[0].reason.as_str()), (2, "依据修订"));
    let next = pb::ListItemVersionsRequest { page_token: page.next_page_token, ..list };
    let page = versions.list_item_versions(next).await.unwrap().into_inner();
    assert_eq!((page.versions.len(), page.versions[0].number, page.next_page_token.as_str()), (1, 1, ""));
    let old = pb::GetItemVersionRequest { name: page.versions[0].name.clone() };
    let old = versions.get_item_version(old).await.unwrap().into_inner();
    assert_eq!(old.item.unwrap(), first, "a version is what was in force");
    assert_eq!(old.publisher, "users/reviewer");
    assert_eq!(versions.compare_item_versions(compare(1, 2)).await.unwrap().into_inner().differences.len(), 2);
    assert!(versions.compare_item_versions(compare(0, 2)).await.unwrap().into_inner().differences.is_empty());
    refused(versions.compare_item_versions(compare(3, 1)).await, Code::NotFound, "NOT_FOUND", "27");
}

#[tokio::test]
async fn a_revision_given_up_leaves_what_was_in_force() {
    let office = Office::new().await;
    let first = published(&office, "1", "食品").await;
    let mut versions = office.versions("users/handler", "market", &[Role::Handler]).await;
    refused(versions.withdraw_item_revision(withdraw(&first)).await, Code::FailedPrecondition, "WRONG_STATE", "");
    let revising = versions.revise_item(revise(&first)).await.unwrap().into_inner();
    let changed = update(&office, pb::Item { title: "药品".into(), checklist: vec![], ..revising.clone() }).await;
    refused(versions.withdraw_item_revision(withdraw(&revising)).await, Code::Aborted, "STALE", "");
    let back = versions.withdraw_item_revision(withdraw(&changed)).await.unwrap().into_inner();
    assert_eq!(back, pb::Item { etag: back.etag.clone(), ..first.clone() });
    assert_eq!(office.count("item_version").await, 1);
    // The publisher of a version may open the next revision and give it up.
    let mut reviewer = office.versions("users/reviewer", "market", &[Role::Handler]).await;
    let revising = reviewer.revise_item(revise(&back)).await.unwrap().into_inner();
    reviewer.withdraw_item_revision(withdraw(&revising)).await.unwrap();
}

#[tokio::test]
async fn an_item_is_retired_by_another_and_everybody_is_told() {
    let office = Office::new().await;
    let first = published(&office, "1", "食品").await;
    let mut handler = office.versions("users/handler", "market", &[Role::Handler, Role::Reviewer]).await;
    let mut reviewer = office.versions("users/reviewer", "market", &[Role::Reviewer]).await;
    refused(reviewer.retire_item(retire(&first)).await, Code::FailedPrecondition, "WRONG_STATE", "");
    let revising = handler.revise_item(revise(&first)).await.unwrap().into_inner();
    let revising = update(&office, pb::Item { remark: "草".into(), ..revising }).await;
    refused(handler.retire_item(retire(&revising)).await, Code::FailedPrecondition, "OWN_ACT", "27");
    let unsaid = pb::RetireItemRequest { reason: " ".into(), ..retire(&revising) };
    refused(reviewer.retire_item(unsaid).await, Code::InvalidArgument, "INVALID", "");
    assert_eq!(get(&office, &first.name).await, revising, "nothing half-done");

    let gone = reviewer.retire_item(retire(&revising)).await.unwrap().into_inner();
    assert_eq!(
        (gone.state(), gone.remark.as_str(), gone.change_reason.as_str()),
        (pb::ItemState::Retired, "", "依据废止")
    );
    refused(handler.revise_item(revise(&gone)).await, Code::FailedPrecondition, "WRONG_STATE", "");
    assert_eq!(office.publish(&[&first.name]).await.refused[0].reason, "WRONG_STATE");
    let row = "编号,抽查事项名称,抽查依据\n1,食品,《价格法》\n";
    let again = office.import(order(), row.as_bytes()).await.unwrap();
    assert_eq!((again.returned, again.problems[0].reason.as_str()), (1, "PUBLISHED"));

    office.harness.sequenced("catalog").await.unwrap();
    let mut anybody = office.user("machineClients/f", "fire", &[Role::Integrator]).await;
    let mut stream = anybody.read_events(ReadEventsRequest::default()).await.unwrap().into_inner();
    let (mut told, mut ended) = (Vec::new(), Vec::new());
    while let Some(step) = stream.message().await.unwrap() {
        let Some(event) = step.event else { continue };
        told.extend(payload::<ItemsPublished>(&event).unwrap().unwrap_or_default().items);
        ended.extend(payload::<ItemRetired>(&event).unwrap().and_then(|retired| retired.item));
    }
    for item in told.iter().chain(&ended) {
        assert_eq!((item.leader.as_str(), item.handler.as_str()), ("", ""), "people are not told to everybody");
        assert_eq!(item.undertaking_unit, "食品科");
    }
    assert_eq!((told.len(), ended.len(), ended[0].state()), (1, 1, pb::ItemState::Retired));
}

#[tokio::test]
async fn without_those_responsible_nothing_is_published() {
    let office = Office::new().await;
    let made = office.create(pb::Item { leader: String::new(), handler: " ".into(), ..item("1", "食品") }).await;
    let answer = office.publish(&[&made.name]).await;
    assert_eq!((answer.published, answer.refused[0].reason.as_str()), (0, "RESPONSIBLE_MISSING"));
    assert!(answer.refused[0].message.contains("责任领导、具体负责人"), "{}", answer.refused[0].message);
    assert_eq!(get(&office, &made.name).await, made, "nothing half-done");
    let terms = pb::RandomListing { withheld: true, ..Default::default() };
    let bad = pb::Item { listing: Some(terms), ..made.clone() };
    let request = pb::UpdateItemRequest { item: Some(bad), request_id: String::new() };
    refused(office.handler().await.update_item(request).await, Code::InvalidArgument, "INVALID", "");
    let terms = pb::RandomListing { ratio_percent_max: 5, visits_per_year_max: 1, ..Default::default() };
    let whole = pb::Item { leader: "赵立新".into(), handler: "孙晓".into(), listing: Some(terms), ..made };
    let whole = update(&office, whole).await;
    assert_eq!(whole.listing, Some(terms_of(5, 1)));
    assert_eq!(office.publish(&[&whole.name]).await.published, 1);
}

fn terms_of(ratio_percent_max: i32, visits_per_year_max: i32) -> pb::RandomListing {
    pb::RandomListing { ratio_percent_max, visits_per_year_max, ..Default::default() }
}

#[tokio::test]
async fn another_departments_versions_are_not_found() {
    let office = Office::new().await;
    let first = published(&office, "1", "食品").await;
    let mut stranger = office.versions("users/x", "fire", &[Role::Handler, Role::Reviewer]).await;
    refused(stranger.revise_item(revise(&first)).await, Code::NotFound, "NOT_FOUND", "27");
    refused(stranger.withdraw_item_revision(withdraw(&first)).await, Code::NotFound, "NOT_FOUND", "27");
    refused(stranger.retire_item(retire(&first)).await, Code::NotFound, "NOT_FOUND", "27");
    let list = pb::ListItemVersionsRequest { parent: first.name.clone(), page_size: 0, page_token: String::new() };
    refused(stranger.list_item_versions(list).await, Code::NotFound, "NOT_FOUND", "27");
    let name = format!("{}/versions/1", first.name);
    refused(stranger.get_item_version(pb::GetItemVersionRequest { name }).await, Code::NotFound, "NOT_FOUND", "27");
    let compare = pb::CompareItemVersionsRequest { name: first.name.clone(), base: 0, target: 0 };
    refused(stranger.compare_item_versions(compare).await, Code::NotFound, "NOT_FOUND", "27");
    let mut handler = office.versions("users/handler", "market", &[Role::Handler]).await;
    for name in ["9", "x", "-1"].map(|number| format!("{}/versions/{number}", first.name)) {
        refused(handler.get_item_version(pb::GetItemVersionRequest { name }).await, Code::NotFound, "NOT_FOUND", "27");
    }
    refused(handler.retire_item(retire(&first)).await, Code::PermissionDenied, "ROLE_MISSING", "27");
    let mut reviewer = office.versions("users/reviewer", "market", &[Role::Reviewer]).await;
    refused(reviewer.revise_item(revise(&first)).await, Code::PermissionDenied, "ROLE_MISSING", "27");
    assert_eq!(get(&office, &first.name).await, first);
}

#[tokio::test]
async fn of_two_who_revise_one_wins_and_the_other_is_told() {
    let office = Office::new().await;
    let first = published(&office, "1", "食品").await;
    let mut one = office.versions("users/one", "market", &[Role::Handler]).await;
    let mut two = office.versions("users/two", "market", &[Role::Handler]).await;
    let (a, b) = tokio::join!(one.revise_item(revise(&first)), two.revise_item(revise(&first)));
    let (won, lost) = if a.is_ok() { (a, b) } else { (b, a) };
    let winner = if won.unwrap().into_inner().version == 1 { get(&office, &first.name).await } else { first.clone() };
    assert_eq!(winner.state(), pb::ItemState::Revising);
    let told = refused(lost, Code::Aborted, "STALE", "");
    assert_eq!(told["what"], "revised");
    assert!(["users/one", "users/two"].contains(&told["who"].as_str()));
}

#[tokio::test]
async fn the_database_keeps_versions_as_they_were() {
    let office = Office::new().await;
    let first = published(&office, "1", "食品").await;
    let pool = office.harness.pool("catalog").await.unwrap();
    for sql in ["update item_version set title = 'x'", "delete from item_version", "truncate item_version"] {
        let error = sqlx::query(sql).execute(&pool).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("42501"), "{sql}: {error}");
    }
    let sneaked = "update item set state = 'REVISING', title = 'x' where name = $1";
    let error = sqlx::query(sneaked).bind(&first.name).execute(&pool).await.unwrap_err();
    assert_eq!(kit::error::violated(&error), Some("item_published_is_frozen"), "{error}");
}
