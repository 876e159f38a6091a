//! Items from above (art. 6, 41): handed down with a clock, claimed in bulk, declined once, ruled on; a new standard opens a revision.

use chrono::Duration;
use kit::testing::{UserChannel, until};
use proto::qingtian::{
    access::v1::Role,
    catalog::v1::{self as pb, catalog_clocks_client::CatalogClocksClient, claims_client::ClaimsClient},
    clocks::v1::{ClockState, ListClocksRequest},
};
use sqlx::Executor;
use tonic::Code;

use crate::office::{MARKET, Office, item, refused};

type Client = ClaimsClient<UserChannel>;

const FIRE: &str = "organisations/fire";

async fn person(office: &Office, name: &str, organisation: &str, role: Role) -> Client {
    ClaimsClient::new(office.harness.user(name, organisation, &[role]).await.unwrap())
}

async fn coordinator(office: &Office) -> Client {
    person(office, "users/coordinator", "organisations/bureau", Role::Coordinator).await
}

async fn handler(office: &Office) -> Client {
    person(office, "users/handler", MARKET, Role::Handler).await
}

/// An office whose organisations are known, as identity announces them.
async fn office() -> Office {
    let office = Office::new().await;
    let pool = office.harness.pool("catalog").await.unwrap();
    pool.execute("insert into organisation (name, title) values ('organisations/market', '市场监管局'), ('organisations/fire', '消防救援支队')")
        .await
        .unwrap();
    office
}

fn handed(code: &str, title: &str) -> pb::Item {
    pb::Item { leader: String::new(), undertaking_unit: String::new(), handler: String::new(), ..item(code, title) }
}

fn issue(items: Vec<pb::Item>, organisations: &[&str]) -> pb::IssueItemsRequest {
    pb::IssueItemsRequest {
        items,
        organisations: organisations.iter().map(|name| (*name).to_owned()).collect(),
        level: pb::ItemLevel::Province as i32,
        request_id: String::new(),
    }
}

async fn claims(office: &Office, parent: &str) -> Vec<pb::Claim> {
    let request = pb::ListClaimsRequest { parent: parent.into(), order_by: "code".into(), ..Default::default() };
    coordinator(office).await.list_claims(request).await.unwrap().into_inner().claims
}

fn claim(names: &[&pb::Claim]) -> pb::ClaimItemsRequest {
    let names = names.iter().map(|claim| claim.name.clone()).collect();
    pb::ClaimItemsRequest { parent: MARKET.into(), names, request_id: String::new() }
}

fn decline(claim: &pb::Claim) -> pb::DeclineClaimRequest {
    pb::DeclineClaimRequest {
        name: claim.name.clone(),
        reason: "该事项由消防救援机构承担".into(),
        etag: claim.etag.clone(),
        request_id: String::new(),
    }
}

fn rule(claim: &pb::Claim, ordered: bool, instead: &str) -> pb::RuleOnClaimRequest {
    pb::RuleOnClaimRequest {
        name: claim.name.clone(),
        ordered,
        instead: instead.into(),
        reason: "按“三定”规定".into(),
        etag: claim.etag.clone(),
        request_id: String::new(),
    }
}

/// The department's clocks, also those that ended.
async fn clocks(office: &Office, parent: &str) -> Vec<(ClockState, String)> {
    let channel = office.harness.user("users/o", "organisations/bureau", &[Role::PlatformOperator]).await.unwrap();
    let request = ListClocksRequest { parent: parent.into(), ended: true, ..Default::default() };
    let found = CatalogClocksClient::new(channel).list_clocks(request).await.unwrap().into_inner().clocks;
    found.into_iter().map(|clock| (clock.state(), clock.aggregate)).collect()
}

#[tokio::test]
async fn items_are_handed_down_claimed_in_bulk_and_their_clocks_end() {
    let office = office().await;
    let items = vec![handed("41020000000001", "餐饮服务检查"), handed("41020000000002", "特种设备检查")];
    let request = pb::IssueItemsRequest { request_id: "i".into(), ..issue(items, &[MARKET, FIRE]) };
    let issued = coordinator(&office).await.issue_items(request.clone()).await.unwrap().into_inner();
    assert_eq!(issued.issued, 4);
    assert_eq!(coordinator(&office).await.issue_items(request).await.unwrap().into_inner(), issued, "repeated");
    let ours = claims(&office, MARKET).await;
    assert_eq!((ours.len(), claims(&office, "organisations/-").await.len()), (2, 4));
    assert!(ours.iter().all(|claim| claim.due_date == issued.due_date && !claim.renewal), "{ours:?}");
    assert_eq!(clocks(&office, MARKET).await.len(), 2);

    // What is no claim of ours, or stands twice, is refused alone.
    let foreign = claims(&office, FIRE).await.remove(0);
    let answer = handler(&office)
        .await
        .claim_items(claim(&[&ours[0], &foreign, &ours[1], &ours[0]]))
        .await
        .unwrap()
        .into_inner();
    let reasons: Vec<_> = answer.results.iter().map(|result| result.reason.as_str()).collect();
    assert_eq!((answer.claimed, reasons), (2, vec!["", "NOT_FOUND", "", "WRONG_STATE"]));
    assert!(answer.results[1].message.contains(&foreign.name), "{answer:?}");
    let claimed = claims(&office, MARKET).await;
    assert!(claimed.iter().all(|claim| claim.state() == pb::ClaimState::Claimed && claim.due_date.is_empty()));
    assert!(clocks(&office, MARKET).await.iter().all(|(state, _)| *state == ClockState::Ended));
    let made = office
        .handler()
        .await
        .get_item(pb::GetItemRequest { name: claimed[0].made_item.clone() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!((made.state(), made.code.as_str()), (pb::ItemState::Draft, "41020000000001"));
    // Completed by the department, it is published as any other.
    let complete =
        pb::Item {
            leader: "赵立新".into(), undertaking_unit: "食品科".into(), handler: "孙晓".into(), ..made.clone()
        };
    office
        .handler()
        .await
        .update_item(pb::UpdateItemRequest { item: Some(complete), request_id: String::new() })
        .await
        .unwrap();
    assert_eq!(office.publish(&[&made.name]).await.published, 1);
}

#[tokio::test]
async fn what_is_not_ours_is_declined_once_and_ruled_on_while_its_clock_runs() {
    let office = office().await;
    coordinator(&office).await.issue_items(issue(vec![handed("1", "消防检查")], &[MARKET])).await.unwrap();
    let asked = claims(&office, MARKET).await.remove(0);
    refused(
        coordinator(&office).await.rule_on_claim(rule(&asked, true, "")).await,
        Code::FailedPrecondition,
        "WRONG_STATE",
        "",
    );
    let declined = handler(&office).await.decline_claim(decline(&asked)).await.unwrap().into_inner();
    assert_eq!((declined.state(), &declined.due_date), (pb::ClaimState::Declined, &asked.due_date));
    refused(handler(&office).await.decline_claim(decline(&asked)).await, Code::Aborted, "STALE", "");
    let answer = handler(&office).await.claim_items(claim(&[&declined])).await.unwrap().into_inner();
    assert_eq!(answer.results[0].reason, "WRONG_STATE");
    let ordered = coordinator(&office).await.rule_on_claim(rule(&declined, true, "")).await.unwrap().into_inner();
    assert_eq!((ordered.state(), &ordered.due_date), (pb::ClaimState::Ordered, &asked.due_date), "the clock runs on");
    let refusal = refused(
        handler(&office).await.decline_claim(decline(&ordered)).await,
        Code::FailedPrecondition,
        "DECLINED_ONCE",
        "6",
    );
    assert_eq!(refusal["due"], asked.due_date);
    assert_eq!(claims(&office, MARKET).await, std::slice::from_ref(&ordered), "nothing half-done");
    assert_eq!(handler(&office).await.claim_items(claim(&[&ordered])).await.unwrap().into_inner().claimed, 1);

    // Withdrawn, and another department is asked, whose clock starts.
    coordinator(&office).await.issue_items(issue(vec![handed("2", "消防检查")], &[MARKET])).await.unwrap();
    let asked = claims(&office, MARKET).await.pop().unwrap();
    let declined = handler(&office).await.decline_claim(decline(&asked)).await.unwrap().into_inner();
    for wrong in
        [rule(&declined, false, MARKET), rule(&declined, true, FIRE), rule(&declined, false, "organisations/none")]
    {
        let refusal =
            refused(coordinator(&office).await.rule_on_claim(wrong).await, Code::InvalidArgument, "INVALID", "");
        assert_eq!(refusal["field"], "instead");
    }
    let unreasoned = pb::RuleOnClaimRequest { reason: " ".into(), ..rule(&declined, false, FIRE) };
    refused(coordinator(&office).await.rule_on_claim(unreasoned).await, Code::InvalidArgument, "INVALID", "");
    let withdrawn = coordinator(&office).await.rule_on_claim(rule(&declined, false, FIRE)).await.unwrap().into_inner();
    assert_eq!((withdrawn.state(), withdrawn.due_date.as_str()), (pb::ClaimState::Withdrawn, ""));
    let theirs = claims(&office, FIRE).await;
    assert_eq!((theirs.len(), theirs[0].state()), (1, pb::ClaimState::ToClaim));
    assert_eq!(clocks(&office, FIRE).await, [(ClockState::Green, theirs[0].name.clone())]);
}

#[tokio::test]
async fn nobody_is_asked_twice_at_once_and_bad_lists_are_refused_whole() {
    let office = office().await;
    coordinator(&office).await.issue_items(issue(vec![handed("1", "餐饮服务检查")], &[MARKET])).await.unwrap();
    let before = claims(&office, "organisations/-").await;
    let again = issue(vec![handed("9", "另一事项"), handed("1", "餐饮服务检查")], &[FIRE, MARKET]);
    let refusal = refused(coordinator(&office).await.issue_items(again).await, Code::AlreadyExists, "CLAIM_OPEN", "6");
    assert_eq!(refusal["organisation"], MARKET);
    let many: Vec<_> = (0..201).map(|nth| handed(&nth.to_string(), "多")).collect();
    for (request, code, reason) in [
        (issue(vec![], &[MARKET]), Code::InvalidArgument, "INVALID"),
        (issue(vec![handed("2", "餐饮")], &[]), Code::InvalidArgument, "INVALID"),
        (issue(vec![handed("", "没有编码")], &[MARKET]), Code::InvalidArgument, "INVALID"),
        (issue(vec![handed("2", "")], &[MARKET]), Code::InvalidArgument, "INVALID"),
        (issue(vec![handed("2", "餐饮")], &["organisations/none"]), Code::InvalidArgument, "INVALID"),
        (
            pb::IssueItemsRequest { level: 0, ..issue(vec![handed("2", "餐饮")], &[MARKET]) },
            Code::InvalidArgument,
            "INVALID",
        ),
        (issue(many, &[MARKET]), Code::InvalidArgument, "TOO_LARGE"),
    ] {
        refused(coordinator(&office).await.issue_items(request).await, code, reason, "");
    }
    let names = pb::ClaimItemsRequest { parent: MARKET.into(), ..Default::default() };
    refused(handler(&office).await.claim_items(names).await, Code::InvalidArgument, "INVALID", "");
    let denied = handler(&office).await.issue_items(issue(vec![handed("2", "餐饮")], &[MARKET])).await;
    refused(denied, Code::PermissionDenied, "ROLE_MISSING", "27");
    let mut stranger = person(&office, "users/x", FIRE, Role::Handler).await;
    refused(stranger.decline_claim(decline(&before[0])).await, Code::NotFound, "NOT_FOUND", "27");
    refused(
        stranger.get_claim(pb::GetClaimRequest { name: before[0].name.clone() }).await,
        Code::NotFound,
        "NOT_FOUND",
        "27",
    );
    refused(stranger.claim_items(claim(&[&before[0]])).await, Code::NotFound, "NOT_FOUND", "27");
    assert_eq!(claims(&office, "organisations/-").await, before, "nothing half-done");
}

#[tokio::test]
async fn two_at_once_claim_one_thing_once() {
    let office = office().await;
    coordinator(&office).await.issue_items(issue(vec![handed("1", "餐饮服务检查")], &[MARKET])).await.unwrap();
    let asked = claims(&office, MARKET).await.remove(0);
    let (mut a, mut b) = (handler(&office).await, person(&office, "users/other", MARKET, Role::Handler).await);
    let (first, second) = tokio::join!(a.claim_items(claim(&[&asked])), b.claim_items(claim(&[&asked])));
    let claimed = [first.unwrap().into_inner().claimed, second.unwrap().into_inner().claimed];
    assert_eq!(claimed.iter().sum::<i32>(), 1);
    assert_eq!(office.count("item").await, 1);
}

#[tokio::test]
async fn a_new_standard_opens_a_revision_that_shows_the_differences() {
    let office = office().await;
    let own = office.create(item("41020000000001", "餐饮服务检查")).await;
    coordinator(&office)
        .await
        .issue_items(issue(vec![handed("41020000000001", "餐饮服务检查")], &[MARKET]))
        .await
        .unwrap();
    let asked = claims(&office, MARKET).await.remove(0);
    let answer = handler(&office).await.claim_items(claim(&[&asked])).await.unwrap().into_inner();
    assert_eq!(answer.results[0].item, own.name, "the item that is there already");
    assert_eq!(office.publish(&[&own.name]).await.published, 1);

    let standard = pb::Item {
        legal_basis: "《食品安全法》（2027年修订）".into(),
        grade: 0,
        ..handed("41020000000001", "餐饮服务监督检查")
    };
    coordinator(&office).await.issue_items(issue(vec![standard], &[MARKET])).await.unwrap();
    let renewal =
        claims(&office, MARKET).await.into_iter().find(|claim| claim.state() == pb::ClaimState::ToClaim).unwrap();
    assert!(renewal.renewal);
    handler(&office).await.claim_items(claim(&[&renewal])).await.unwrap();
    let revised =
        office.handler().await.get_item(pb::GetItemRequest { name: own.name.clone() }).await.unwrap().into_inner();
    assert_eq!(
        (revised.state(), revised.title.as_str(), revised.leader.as_str()),
        (pb::ItemState::Revising, "餐饮服务监督检查", "赵立新")
    );
    assert_eq!(revised.grade(), pb::ItemGrade::General, "what the department decided stays");
    assert_eq!(revised.change_reason, "上级事项标准更新");
}

#[tokio::test]
async fn a_claim_nobody_settles_is_warned_of_and_shown_overdue() {
    let office = office().await;
    coordinator(&office).await.issue_items(issue(vec![handed("1", "餐饮服务检查")], &[MARKET])).await.unwrap();
    office.harness.clock.advance(Duration::days(60));
    until("it is overdue", || async { clocks(&office, MARKET).await[0].0 == ClockState::Overdue }).await;
    let late = claims(&office, MARKET).await.remove(0);
    assert_eq!(late.state(), pb::ClaimState::ToClaim, "lateness alone is no refusal (art. 41)");
    assert_eq!(handler(&office).await.claim_items(claim(&[&late])).await.unwrap().into_inner().claimed, 1);
}
