//! Every refusal of a draw, with its reason and the article it rests on.

use chrono::Duration;
use kit::ledger::timestamp;
use lottery::{
    Time,
    beacon::Beacon,
    testing::{QUICKNET, QUICKNET_TWISTED},
};
use proto::qingtian::{
    access::v1::Role,
    draws::v1::{self as pb, DrawState, PlanExceptionKind as Exception},
};

use super::city::{BEACON, CLOSE, City, beacon, department, enter, plan, report};
use crate::world::{HEALTH, LONGTING, MARKET, SHUNHE, World, excepting, reason, refused, register};

fn said(reason: &str, article: &str) -> (String, String) {
    (reason.to_owned(), article.to_owned())
}

#[tokio::test]
async fn no_draw_without_a_published_plan_of_the_own_unit() {
    let city = City::start().await;
    let mut plans = city.world.plans("users/clerk", MARKET, &[Role::Handler]).await;
    let draft = plans
        .create_plan(pb::CreatePlanRequest { plan: Some(plan()), ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        refused(city.create(pb::Draw { plan: draft.name, ..city.draw() }).await),
        said("NO_PUBLISHED_PLAN", "9")
    );
    assert_eq!(reason(city.create(pb::Draw { plan: "plans/2026-99".to_owned(), ..city.draw() }).await), "NOT_FOUND");
    let request = pb::CreateDrawRequest { draw: Some(city.draw()), ..Default::default() };
    let mut stranger = city.draws("users/doctor", HEALTH, &[Role::Handler]).await;
    assert_eq!(reason(stranger.create_draw(request.clone()).await), "NOT_FOUND");
    let mut viewer = city.draws("users/viewer", MARKET, &[Role::Reviewer]).await;
    assert_eq!(reason(viewer.create_draw(request).await), "ROLE_MISSING");
    assert_eq!(city.create(city.draw()).await.unwrap().name, "draws/2026-0001", "no refusal took a number");
}

#[tokio::test]
async fn who_contributes_and_when_is_checked_at_the_creation() {
    let city = City::start().await;
    let with = |contributors: Vec<pb::Contributor>| pb::Draw { contributors, ..city.draw() };
    let only_own = with(vec![department("market"), beacon("lottery:demo:0")]);
    assert_eq!(refused(city.create(only_own).await), said("ONLY_OWN_ENTRIES", "11"));
    let unknown = with(vec![department("nobody"), beacon("lottery:demo:0")]);
    assert_eq!(reason(city.create(unknown).await), "INVALID");
    let first = with(vec![beacon("lottery:demo:0"), department("supervision")]);
    assert_eq!(reason(city.create(first).await), "INVALID");
    let none = with(vec![department("market"), department("supervision")]);
    assert_eq!(reason(city.create(none).await), "INVALID", "no beacon and no reason");

    let late = pb::Draw { entries_close: Some(timestamp(city.now())), ..city.draw() };
    assert_eq!(refused(city.create(late).await), said("SCHEDULE_INVALID", "15"));
    let draw = city.draw();
    let early = pb::Draw { beacon_time: draw.entries_close, ..draw };
    assert_eq!(reason(city.create(early).await), "SCHEDULE_INVALID");

    let replaced = pb::Draw { replaces: "draws/2026-0009".to_owned(), ..city.draw() };
    assert_eq!(reason(city.create(replaced).await), "NOT_FOUND");
    let created = city.create(with(vec![department("supervision"), beacon("lottery:demo:5")])).await.unwrap();
    assert_eq!(created.contributors[1].contributor, "lottery:demo:5");
    assert_eq!(reason(city.create(pb::Draw { replaces: created.name, ..city.draw() }).await), "UNFINISHED_DRAW");
    let other = city.publish(plan()).await;
    let taken = pb::Draw { plan: other.clone(), ..with(vec![department("supervision"), beacon("lottery:demo:5")]) };
    assert_eq!(reason(city.create(taken).await), "INVALID", "an issue belongs to one draw");
    let next = city.create(pb::Draw { plan: other, ..city.draw() }).await.unwrap();
    assert_eq!(next.contributors[2].contributor, "lottery:demo:6");
}

#[tokio::test]
async fn one_unfinished_draw_per_plan() {
    let city = City::start().await;
    let created = city.create(city.draw()).await.unwrap();
    let again = city.create(city.draw()).await.unwrap_err();
    let (name, values) = kit::testing::refusal_of(&again);
    assert_eq!(
        (name.as_str(), values["draw"].as_str(), values["article"].as_str()),
        ("UNFINISHED_DRAW", created.name.as_str(), "15")
    );
    // Left lying until the next quarter it still stands in the way, until it is given up.
    city.advance(60 * 86_400);
    assert_eq!(reason(city.create(city.draw()).await), "UNFINISHED_DRAW");
    let mut chief = city.draws("users/chief", MARKET, &[Role::Reviewer]).await;
    let abandon = pb::AbandonDrawRequest {
        name: created.name,
        etag: created.etag,
        reason: "季度已过".to_owned(),
        ..Default::default()
    };
    chief.abandon_draw(abandon).await.unwrap();
    let next = city.create(city.draw()).await.unwrap();
    assert_eq!(next.name, "draws/2027-0001", "numbers begin anew with the year");
}

#[tokio::test]
async fn a_statement_is_made_once_in_time_and_over_what_was_read() {
    let city = City::start().await;
    let created = city.create(city.draw()).await.unwrap();
    let stale = pb::Draw { etag: "7".to_owned(), ..created.clone() };
    assert_eq!(reason(city.state(&stale).await), "STALE");
    let stated = city.state(&created).await.unwrap();
    assert_eq!(refused(city.state(&stated).await), said("ALREADY_STATED", "15"));
    let other = city.publish(plan()).await;
    let late = city.create(pb::Draw { plan: other, ..city.draw() }).await.unwrap();
    city.advance(CLOSE);
    assert_eq!(refused(city.state(&late).await), said("SCHEDULE_INVALID", "15"));
    assert_eq!(city.get(&late.name).await.state(), DrawState::Created, "nothing is half-done");
    assert_eq!(city.world.count("select count(*) from draw_statement").await, 1);
}

/// The refusal of stating a draw over another plan.
async fn not_stated(city: &City, plan: pb::Plan) -> (String, String) {
    let plan = city.publish(plan).await;
    let created = city.create(pb::Draw { plan, ..city.draw() }).await.unwrap();
    refused(city.state(&created).await)
}

#[tokio::test]
async fn what_stands_in_the_way_of_a_draw_is_said() {
    let city = City::start().await;
    let quotas =
        |stratum: &str| vec![pb::Quota { stratum: stratum.to_owned(), amount: Some(pb::quota::Amount::Count(3)) }];
    let somewhere = |district: &str| pb::Plan { districts: vec![district.to_owned()], ..plan() };
    assert_eq!(not_stated(&city, somewhere("410204")).await, said("REGISTER_EMPTY", "13"));
    let empty = pb::Plan { districts: vec![LONGTING.to_owned(), "410204".to_owned()], ..plan() };
    assert_eq!(not_stated(&city, empty).await, said("EMPTY_STRATUM", "14"));
    assert_eq!(not_stated(&city, pb::Plan { quotas: quotas(LONGTING), ..plan() }).await, said("QUOTA_INVALID", "14"));
    let large = vec![pb::TeamPart { organisation: MARKET.to_owned(), size: 3, specialty: String::new() }];
    let few = pb::Plan { teams: large.clone(), ..plan() };
    assert_eq!(
        not_stated(&city, few.clone()).await,
        said("TOO_FEW_OFFICERS", "15"),
        "five for three places are no choice"
    );
    let others = [Exception::SmallStratum, Exception::FewExperts, Exception::Recusals];
    let otherwise = pb::Plan { exceptions: excepting(&others, "经批准"), ..few.clone() };
    assert_eq!(not_stated(&city, otherwise).await, said("TOO_FEW_OFFICERS", "15"), "approved was something else");
    let exceptions = excepting(&[Exception::FewOfficers], "人员不足，经批准");
    let excepted = pb::Plan { exceptions: exceptions.clone(), ..few };
    let name = city.publish(excepted).await;
    let created = city.create(pb::Draw { plan: name, ..city.draw() }).await.unwrap();
    city.state(&created).await.unwrap();
    let teams = vec![pb::TeamPart { size: 6, ..large[0].clone() }];
    let impossible = pb::Plan { teams, exceptions, ..plan() };
    assert_eq!(not_stated(&city, impossible).await, said("TOO_FEW_OFFICERS", "15"), "no exception makes six of five");

    // More strata than the event of a reveal can tell: such a draw could be stated and never be revealed.
    let countless: String = (0..401)
        .map(|n| register(&format!("41{:04}", 3_000 + n), 1_000 + n..1_001 + n))
        .flat_map(|csv| csv.lines().skip(1).map(|line| format!("{line}\n")).collect::<Vec<_>>())
        .collect();
    let exceptions = excepting(&[Exception::SmallStratum], "县区规模小，经批准");
    let divided = pb::Plan { cover_district: false, exceptions, ..plan() };
    let early = city.publish(divided.clone()).await;
    let created = city.create(pb::Draw { plan: early.clone(), ..city.draw() }).await.unwrap();
    let mut plans = city.world.plans("users/clerk", MARKET, &[Role::Handler]).await;
    let mut draft = async || {
        let request = pb::CreatePlanRequest { plan: Some(divided.clone()), ..Default::default() };
        let draft = plans.create_plan(request).await.unwrap().into_inner();
        pb::SubmitPlanRequest { name: draft.name, etag: draft.etag, ..Default::default() }
    };
    let (late, later) = (draft().await, draft().await);
    let submitted = plans.submit_plan(late).await.unwrap().into_inner();
    city.register(&format!("key,title,district,status\n{countless}")).await;
    // It is told in the preview, before a plan is submitted, before one is published, and before a draw is stated.
    let preview = plans.preview_plan(pb::PreviewPlanRequest { name: early }).await.unwrap().into_inner();
    assert!(preview.obstacles.len() == 1 && preview.obstacles[0].contains("至多 400 个"), "{:?}", preview.obstacles);
    assert_eq!(refused(plans.submit_plan(later).await), said("QUOTA_INVALID", "14"));
    let mut chief = city.world.plans("users/chief", MARKET, &[Role::Reviewer]).await;
    let publish = pb::PublishPlanRequest { name: submitted.name, etag: submitted.etag, ..Default::default() };
    assert_eq!(refused(chief.publish_plan(publish).await), said("QUOTA_INVALID", "14"));
    assert_eq!(refused(city.state(&created).await), said("QUOTA_INVALID", "14"));

    city.register(&register("410204", 400..419)).await;
    let small = somewhere("410204");
    for certificate in ["16020011", "16020012", "16020013", "16020014"] {
        city.world.officer(certificate, MARKET, &["410204"]).await;
    }
    assert_eq!(not_stated(&city, small.clone()).await, said("SMALL_STRATUM", "14"));
    let others = [Exception::FewOfficers, Exception::FewExperts, Exception::Recusals];
    let otherwise = pb::Plan { exceptions: excepting(&others, "经批准"), ..small.clone() };
    let otherwise = city.publish(otherwise).await;
    let created = city.create(pb::Draw { plan: otherwise, ..city.draw() }).await.unwrap();
    let refusal = city.state(&created).await.unwrap_err();
    let (why, values) = kit::testing::refusal_of(&refusal);
    assert_eq!((why.as_str(), values["exception"].as_str()), ("SMALL_STRATUM", "SMALL_STRATUM"));
    assert!(refusal.message().contains("（SMALL_STRATUM）"), "{}", refusal.message());
    let excepted =
        pb::Plan { exceptions: excepting(&[Exception::SmallStratum], "全区仅十九家，经批准"), ..small };
    let name = city.publish(excepted).await;
    let created = city.create(pb::Draw { plan: name, ..city.draw() }).await.unwrap();
    assert_eq!(city.state(&created).await.unwrap().subjects, 19);
}

#[tokio::test]
async fn entries_are_given_once_by_contributors_in_time_over_this_statement() {
    let city = City::start().await;
    let created = city.create(city.draw()).await.unwrap();
    assert_eq!(reason(enter(&mut city.supervision().await, &created, "1").await), "WRONG_STATE", "not stated yet");
    let stated = city.state(&created).await.unwrap();
    let mut auditor = city.draws("users/auditor", HEALTH, &[Role::PlatformOperator]).await;
    assert_eq!(refused(enter(&mut auditor, &stated, "1").await), said("NOT_A_CONTRIBUTOR", "15"));
    let mut supervision = city.supervision().await;
    let other = pb::Draw { statement: "0".repeat(64), ..stated.clone() };
    assert_eq!(reason(enter(&mut supervision, &other, "1").await), "INVALID", "another statement");
    for value in ["", "掷骰子", "1\t2", &"1".repeat(201)] {
        assert_eq!(reason(enter(&mut supervision, &stated, value).await), "INVALID", "{value:?}");
    }
    enter(&mut supervision, &stated, "6 5 4").await.unwrap();
    assert_eq!(refused(enter(&mut supervision, &stated, "6 5 5").await), said("ENTRY_GIVEN", "15"));
    assert_eq!(city.get(&stated.name).await.entries.len(), 1);
    city.advance(CLOSE);
    assert_eq!(refused(enter(&mut city.handler().await, &stated, "1").await), said("ENTRIES_CLOSED", "15"));
}

#[tokio::test]
async fn a_draw_is_given_up_before_its_first_entry_by_a_second_person() {
    let city = City::start().await;
    let stated = city.stated().await;
    let abandon = |etag: &str, why: &str| pb::AbandonDrawRequest {
        name: stated.name.clone(),
        reason: why.to_owned(),
        etag: etag.to_owned(),
        ..Default::default()
    };
    let mut handler = city.draws("users/clerk", MARKET, &[Role::Handler, Role::Reviewer]).await;
    assert_eq!(refused(handler.abandon_draw(abandon(&stated.etag, "名录有误")).await), said("OWN_ACT", "27"));
    let mut chief = city.draws("users/chief", MARKET, &[Role::Reviewer]).await;
    assert_eq!(reason(chief.abandon_draw(abandon("1", "名录有误")).await), "STALE");
    assert_eq!(reason(chief.abandon_draw(abandon(&stated.etag, " ")).await), "INVALID");
    let ended = chief.abandon_draw(abandon(&stated.etag, "名录有误")).await.unwrap().into_inner();
    assert_eq!((ended.state(), ended.end_reason.as_str()), (DrawState::Abandoned, "名录有误"));
    assert_eq!(reason(chief.abandon_draw(abandon(&ended.etag, "名录有误")).await), "WRONG_STATE");
    assert_eq!(reason(enter(&mut city.supervision().await, &stated, "1").await), "WRONG_STATE");

    let second = city.stated().await;
    assert_eq!(second.name, "draws/2026-0002", "the number stays taken");
    let entered = enter(&mut city.supervision().await, &second, "1 2").await.unwrap();
    let abandon = pb::AbandonDrawRequest {
        name: second.name,
        etag: entered.etag,
        reason: "名录有误".to_owned(),
        ..Default::default()
    };
    assert_eq!(refused(chief.abandon_draw(abandon).await), said("ENTRY_EXISTS", "15"));
}

#[tokio::test]
async fn a_draw_not_stated_before_its_close_is_given_up_and_made_anew() {
    let city = City::start().await;
    let created = city.create(city.draw()).await.unwrap();
    city.advance(CLOSE);
    let (reason_said, values) = kit::testing::refusal_of(&city.state(&created).await.unwrap_err());
    assert_eq!(reason_said, "SCHEDULE_INVALID");
    assert!(values["problem"].contains("请放弃本次抽签后重新发起"), "what to do: {}", values["problem"]);
    assert_eq!(reason(city.create(city.draw()).await), "UNFINISHED_DRAW", "first it is given up");
    let mut chief = city.draws("users/chief", MARKET, &[Role::Reviewer]).await;
    let abandon = pb::AbandonDrawRequest {
        name: created.name,
        etag: created.etag,
        reason: "未及时声明".to_owned(),
        ..Default::default()
    };
    let ended = chief.abandon_draw(abandon).await.unwrap().into_inner();
    assert_eq!((ended.state(), ended.end_reason.as_str()), (DrawState::Abandoned, "未及时声明"));
    assert_eq!(city.stated().await.name, "draws/2026-0002");
}

#[tokio::test]
async fn who_was_drawn_is_not_known_before_the_reveal() {
    let city = City::start().await;
    let stated = city.stated().await;
    let request = pb::ListDrawnRequest { parent: stated.name, ..Default::default() };
    assert_eq!(reason(city.handler().await.list_drawn(request).await), "WRONG_STATE");
}

/// A draw with another beacon, stated, entered and closed.
async fn closed(city: &City, contributor: &str) -> pb::Draw {
    let contributors = vec![department("market"), department("supervision"), beacon(contributor)];
    let created = city.create(pb::Draw { contributors, ..city.draw() }).await.unwrap();
    let stated = city.state(&created).await.unwrap();
    city.enter_both(&stated).await;
    city.advance(CLOSE);
    city.until_closed(&stated.name).await;
    stated
}

#[tokio::test]
async fn a_lotterys_numbers_are_typed_by_two_accounts_one_of_them_outside() {
    const NUMBERS: &str = "01 05 12 18 27 33 16";
    let city = City::start().await;
    let stated = closed(&city, "lottery:ssq:2026135").await;
    assert_eq!(refused(report(&mut city.supervision().await, &stated, NUMBERS).await), said("BEACON_TOO_EARLY", "15"));
    city.advance(BEACON - CLOSE);
    let mut clerk = city.handler().await;
    assert_eq!(reason(report(&mut clerk, &stated, "33 27 18 12 05 01 16").await), "INVALID");
    let once = report(&mut clerk, &stated, NUMBERS).await.unwrap();
    assert_eq!(once.entries.len(), 2, "one account settles nothing");
    let twice = report(&mut clerk, &stated, NUMBERS).await.unwrap();
    assert_eq!(twice.entries.len(), 2, "nor does it twice");
    assert_eq!(city.world.count("select count(*) from draw_beacon_report").await, 1, "nor is it kept twice");
    let mut colleague = city.draws("users/colleague", MARKET, &[Role::Reviewer]).await;
    assert_eq!(refused(report(&mut colleague, &stated, NUMBERS).await), said("SELF_DRAWN_BEACON", "15"));
    let mut supervision = city.supervision().await;
    let other = "01 05 12 18 27 33 15";
    let request =
        pb::ReportBeaconRequest { name: stated.name.clone(), value: other.to_owned(), request_id: "typed".to_owned() };
    for _ in 0..2 {
        // A refusal is no answer that a repetition could be given.
        assert_eq!(refused(supervision.report_beacon(request.clone()).await), said("NUMBERS_DIFFER", "15"));
    }
    assert_eq!(city.world.count("select count(*) from draw_beacon_report").await, 2, "kept, and once");
    assert_eq!(city.get(&stated.name).await.entries.len(), 2);
    let settled = report(&mut supervision, &stated, NUMBERS).await.unwrap();
    assert_eq!(settled.entries[2].value, NUMBERS);
    let done = city.until(&stated.name, DrawState::Dispatched).await;
    assert_eq!(city.verify(&done).await.verdict, lottery::verify::Verdict::Verified);
    assert!(matches!(reason(report(&mut supervision, &stated, NUMBERS).await).as_str(), "ENTRY_GIVEN" | "WRONG_STATE"));
    let mut stranger = city.draws("users/doctor", HEALTH, &[Role::Handler]).await;
    assert_eq!(reason(report(&mut stranger, &stated, NUMBERS).await), "NOT_FOUND");
}

#[tokio::test]
async fn an_account_types_so_many_values_and_no_more_and_holds_nobody_up() {
    let city = City::start().await;
    let stated = closed(&city, "lottery:ssq:2026135").await;
    city.advance(BEACON - CLOSE);
    let (mut clerk, mut supervision) = (city.handler().await, city.supervision().await);
    let numbers = |blue: u32| format!("01 05 12 18 27 33 {blue:02}");
    for blue in 1..=10 {
        report(&mut clerk, &stated, &numbers(blue)).await.unwrap();
    }
    assert_eq!(reason(report(&mut clerk, &stated, &numbers(11)).await), "INVALID");
    report(&mut clerk, &stated, &numbers(10)).await.unwrap();
    assert_eq!(city.world.count("select count(*) from draw_beacon_report").await, 10);
    assert_eq!(refused(report(&mut supervision, &stated, &numbers(16)).await), said("NUMBERS_DIFFER", "15"));
    let mut colleague = city.draws("users/colleague", MARKET, &[Role::Reviewer]).await;
    let settled = report(&mut colleague, &stated, &numbers(16)).await.unwrap();
    assert_eq!(settled.entries[2].value, numbers(16));
}

#[tokio::test]
async fn a_drand_rounds_value_is_checked_by_its_signature_and_one_account_types_it() {
    // Just before a round whose signature is known.
    let (round, value) = *QUICKNET.iter().find(|(round, _)| *round == 31_543_812).unwrap();
    let world = World::start_as("2026-08-22T21:38:30Z", true).await;
    let dates = pb::Plan { start_date: "2026-08-23".to_owned(), ..plan() };
    let city = City::over(world, dates).await;
    let published = Beacon::DrandQuicknet { round }.published_at().unwrap();
    assert_eq!(published.as_str(), "2026-08-22T21:40:00Z");
    let stated = closed(&city, &format!("drand:quicknet:{round}")).await;
    let mut clerk = city.handler().await;
    assert_eq!(refused(report(&mut clerk, &stated, value).await), said("BEACON_TOO_EARLY", "15"));
    city.advance(BEACON - CLOSE);
    let mut clerk = city.handler().await;
    assert_eq!(reason(report(&mut clerk, &stated, "0A").await), "INVALID");
    // Another round's, none at all, and one that a pairing alone would take for it.
    for wrong in [QUICKNET[0].1, &"0a".repeat(48), QUICKNET_TWISTED[0], QUICKNET_TWISTED[1]] {
        assert_eq!(refused(report(&mut clerk, &stated, wrong).await), said("BEACON_WRONG", "15"), "{wrong}");
    }
    assert_eq!(city.get(&stated.name).await.entries.len(), 2, "nothing is kept of it");
    // Nobody who types it has a choice: one account of the drawing unit is enough.
    let entered = report(&mut clerk, &stated, value).await.unwrap();
    assert_eq!(entered.entries[2].value, value);
    let done = city.until(&stated.name, DrawState::Dispatched).await;
    let report = city.verify(&done).await;
    assert_eq!(report.verdict, lottery::verify::Verdict::Verified);
    assert!(report.checks.iter().any(|check| check.id == "beacon_signature" && check.ok == Some(true)));
}

#[tokio::test]
async fn a_beacon_dated_before_the_statement_is_refused_when_created_and_when_stated() {
    let city = City::start().await;
    let seconds = |seconds: i64| Time::from_epoch_secs((city.now() + Duration::seconds(seconds)).timestamp()).unwrap();
    let over = |beacon_name: &str| pb::Draw {
        contributors: vec![department("market"), department("supervision"), beacon(beacon_name)],
        ..city.draw()
    };
    // Long past, past, and published before the entries close.
    for secs in [-86_400, -1, CLOSE - 10] {
        let known = Beacon::quicknet_from(&seconds(secs)).to_string();
        assert_eq!(refused(city.create(over(&known)).await), said("SCHEDULE_INVALID", "15"), "{known}");
    }
    let future = Beacon::quicknet_from(&seconds(BEACON - 10)).to_string();
    let created = city.create(over(&future)).await.unwrap();
    // While it lay about, its round was published.
    city.advance(BEACON);
    assert_eq!(refused(city.state(&created).await), said("SCHEDULE_INVALID", "15"));
    assert_eq!(city.world.count("select count(*) from draw_statement").await, 0);
}

#[tokio::test]
async fn an_issue_of_the_lottery_lies_in_the_future_of_the_entries_and_its_numbers_at_its_time() {
    // A city's own keys, not a demonstration's: Monday, the next drawing is on Tuesday at 21:15, issue 2026141 at the earliest.
    let city = City::over(World::start_as("2026-11-23T01:00:00Z", false).await, plan()).await;
    let at = |time: &str| Some(timestamp(time.parse().unwrap()));
    let draw = |issue: &str, close: &str, beacon_at: &str| pb::Draw {
        contributors: vec![department("market"), department("supervision"), beacon(&format!("lottery:ssq:{issue}"))],
        entries_close: at(close),
        beacon_time: at(beacon_at),
        reveal_by: at("2027-03-01T00:00:00Z"),
        ..city.draw()
    };
    let (close, drawn) = ("2026-11-24T01:00:00Z", "2026-11-24T13:15:00Z");
    let wrong = [
        ("2026140", close, drawn),
        ("2026130", close, "2026-12-24T13:15:00Z"),
        ("2026141", close, "2026-11-24T13:14:59Z"),
        ("2026141", "2026-11-24T13:15:00Z", "2026-11-24T13:16:00Z"),
        ("2026141", close, "2027-01-01T00:00:00Z"),
        ("2026141", close, "2027-02-20T00:00:00Z"),
        ("2026000", close, drawn),
        ("84", close, drawn),
    ];
    for (issue, close, beacon_at) in wrong {
        let answer = city.create(draw(issue, close, beacon_at)).await.unwrap_err();
        let (name, values) = kit::testing::refusal_of(&answer);
        assert_eq!((name.as_str(), values["article"].as_str()), ("SCHEDULE_INVALID", "15"), "{issue} {beacon_at}");
        assert!(values["problem"].contains("截止提交之后最早可用的是第 202614"), "{:?}", values["problem"]);
    }
    let created = city.create(draw("2026141", close, drawn)).await.unwrap();
    city.state(&created).await.unwrap();
}

#[tokio::test]
async fn the_demonstrations_lottery_is_typed_by_nobody() {
    let city = City::start().await;
    let stated = closed(&city, "lottery:demo:0").await;
    let mut supervision = city.supervision().await;
    // Neither before its time nor after, when the part may have drawn it already.
    let typed = report(&mut supervision, &stated, "01 05 12 18 27 33 16").await;
    assert_eq!(reason(typed), "INVALID");
    city.advance(BEACON - CLOSE);
    let mut supervision = city.supervision().await;
    let typed = report(&mut supervision, &stated, "01 05 12 18 27 33 16").await;
    assert!(matches!(reason(typed).as_str(), "INVALID" | "WRONG_STATE" | "ENTRY_GIVEN"));
    assert_eq!(city.world.count("select count(*) from draw_beacon_report").await, 0);
}

#[tokio::test]
async fn an_excluded_officer_never_goes_to_that_subject() {
    let city = City::start().await;
    // Every officer but two is excluded from one subject of the other district, which is drawn for certain.
    let subject = crate::world::code(SHUNHE, 61);
    let mut clerk = city.registers().await;
    for officer in ["16020001", "16020002", "16020003", "16020004"] {
        let conflict = pb::Conflict {
            officer: officer.to_owned(),
            subject: subject.clone(),
            reason: "亲属".to_owned(),
            ..Default::default()
        };
        let declare =
            pb::DeclareConflictRequest { parent: MARKET.to_owned(), conflict: Some(conflict), ..Default::default() };
        clerk.declare_conflict(declare).await.unwrap();
    }
    let quotas = vec![pb::Quota { stratum: "*".to_owned(), amount: Some(pb::quota::Amount::Ppm(1_000_000)) }];
    // One officer who may go is no team of two: only a published exception lets the draw go on without a team for this one.
    let exceptions = excepting(&[Exception::Recusals], "多名执法人员申报回避，经批准");
    let everybody = city.publish(pb::Plan { quotas, exceptions, ..plan() }).await;
    let created = city.create(pb::Draw { plan: everybody, ..city.draw() }).await.unwrap();
    let stated = city.state(&created).await.unwrap();
    city.enter_both(&stated).await;
    city.advance(CLOSE);
    city.until_closed(&stated.name).await;
    city.advance(BEACON - CLOSE);
    let done = city.until(&stated.name, DrawState::Dispatched).await;
    let request = pb::ListDrawnRequest { parent: done.name.clone(), query: subject, ..Default::default() };
    let found = city.handler().await.list_drawn(request).await.unwrap().into_inner();
    assert_eq!((found.total_size, found.drawn[0].officers.len()), (1, 0), "one officer is no team of two");
    assert_eq!(city.world.count("select count(*) from visit").await, 99, "a subject without a team has no visit");
    assert_eq!(city.verify(&done).await.verdict, lottery::verify::Verdict::Verified);
}
