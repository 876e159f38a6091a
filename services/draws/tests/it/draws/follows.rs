//! Draws that follow draws (art. 14-17): teams for those left without one, counties that inspect what the city draws,
//! supplementary draws, and one planned visit a quarter.

use std::collections::{BTreeMap, BTreeSet};

use lottery::verify::Verdict;
use proto::qingtian::{
    access::v1::Role,
    draws::{
        events::v1 as events,
        v1::{self as pb, DrawKind, DrawState, DrawnOutcome, PlanExceptionKind as Exception},
    },
    identity::events::v1::OrganisationChanged,
};

use super::{
    city::{BEACON, CLOSE, City, SUPERVISION, beacon, department, enter, plan},
    log, read,
};
use crate::world::{HEALTH, LONGTING, MARKET, SHUNHE, code, excepting, reason, refused};

pub const LONGTING_UNIT: &str = "organisations/longting-market";
pub const SHUNHE_UNIT: &str = "organisations/shunhe-market";

fn said(reason: &str, article: &str) -> (String, String) {
    (reason.to_owned(), article.to_owned())
}

/// Every file of a draw's evidence, as a stranger gets it.
pub async fn evidence(city: &City, draw: &pb::Draw) -> BTreeMap<String, String> {
    let digest = kit::blob::Digest::parse(&draw.evidence_digest).unwrap();
    let bundle = city.world.harness.env.blobs.read(digest, 1 << 30).await.unwrap();
    let contents = lottery::bundle::read(bundle.as_slice()).unwrap();
    contents.files.into_iter().map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect()
}

pub fn keys(table: &str) -> BTreeSet<&str> {
    table.lines().filter_map(|line| line.split('\t').next()).collect()
}

pub async fn drawn(city: &City, name: &str) -> Vec<pb::Drawn> {
    let request = pb::ListDrawnRequest { parent: name.to_owned(), page_size: 1_000, ..Default::default() };
    city.handler().await.list_drawn(request).await.unwrap().into_inner().drawn
}

pub fn team(organisation: &str, size: i32) -> pb::TeamPart {
    pb::TeamPart { organisation: organisation.to_owned(), size, specialty: String::new() }
}

/// A draw of teams after another, of an organisation with the supervision office.
pub fn teams_after(city: &City, earlier: &pb::Draw, unit: &str, teams: Vec<pb::TeamPart>) -> pb::Draw {
    pb::Draw {
        plan: String::new(),
        kind: DrawKind::Teams as i32,
        follows: earlier.name.clone(),
        teams,
        contributors: vec![department(unit), department("supervision"), beacon("lottery:demo:0")],
        ..city.draw()
    }
}

/// From the creation by a handler of `organisation` to the dispatch.
pub async fn run(city: &City, organisation: &str, draw: pb::Draw) -> pb::Draw {
    let mut handler = city.draws("users/clerk", organisation, &[Role::Handler]).await;
    let request = pb::CreateDrawRequest { draw: Some(draw), ..Default::default() };
    let created = handler.create_draw(request).await.unwrap().into_inner();
    let request = pb::StateDrawRequest { name: created.name, etag: created.etag, ..Default::default() };
    let stated = handler.state_draw(request).await.unwrap().into_inner();
    reveal(city, &stated, organisation).await
}

/// From the statement to the dispatch.
async fn reveal(city: &City, stated: &pb::Draw, organisation: &str) -> pb::Draw {
    let mut handler = city.draws("users/clerk", organisation, &[Role::Handler]).await;
    enter(&mut handler, stated, "3 1 6 2 5 5").await.unwrap();
    enter(&mut city.supervision().await, stated, "6 6 1 4 2 3").await.unwrap();
    city.advance(BEACON);
    city.until_seen(organisation, &stated.name, DrawState::Dispatched).await
}

/// A city whose draw leaves everybody in one district without a team: two of the three officers there recuse themselves from
/// whoever is drawn.
async fn city_with_a_gap() -> (City, pb::Draw) {
    let city = City::start().await;
    // Officers 1 and 2 cover both districts, 3 to 5 no more than the first.
    for certificate in ["16020003", "16020004", "16020005"] {
        city.world.officer(certificate, MARKET, &[LONGTING]).await;
    }
    city.world.officer("16030001", HEALTH, &[SHUNHE]).await;
    for certificate in ["16030002", "16030003", "16030004"] {
        city.world.officer(certificate, HEALTH, &[SHUNHE]).await;
    }
    let mut registers = city.registers().await;
    for serial in 60..100 {
        let conflict = pb::Conflict {
            officer: "16020001".to_owned(),
            subject: code(SHUNHE, serial),
            reason: "曾任职".to_owned(),
            ..Default::default()
        };
        let request =
            pb::DeclareConflictRequest { parent: MARKET.to_owned(), conflict: Some(conflict), ..Default::default() };
        registers.declare_conflict(request).await.unwrap();
    }
    let exceptions = excepting(&[Exception::FewOfficers, Exception::Recusals], "顺河区人员不足，经批准");
    let plan = city.publish(pb::Plan { exceptions, ..plan() }).await;
    let city = City { plan, ..city };
    let stated = city.stated().await;
    city.enter_both(&stated).await;
    city.advance(BEACON);
    let done = city.until(&stated.name, DrawState::Dispatched).await;
    (city, done)
}

#[tokio::test]
async fn subjects_without_a_team_get_one_by_a_draw_of_teams_from_a_wider_pool() {
    let (city, earlier) = city_with_a_gap().await;
    let before = drawn(&city, &earlier.name).await;
    let waiting: Vec<&pb::Drawn> = before.iter().filter(|one| one.officers.is_empty()).collect();
    assert_eq!(waiting.len(), 4, "all of one district");
    assert!(waiting.iter().all(|one| one.outcome() == DrawnOutcome::NoTeam));
    let awaiting = [pb::AwaitingTeams { organisation: MARKET.to_owned(), subjects: 4 }];
    assert_eq!(earlier.awaiting_teams, awaiting);

    let wanted = teams_after(&city, &earlier, "market", vec![team(MARKET, 1), team(HEALTH, 2)]);
    let wanted = pb::Draw { cover_district: true, ..wanted };
    // Market has one officer there: no wider pool, no choice.
    assert_eq!(reason(city.create(pb::Draw { teams: vec![], ..wanted.clone() }).await), "INVALID");
    let wider = pb::Draw { teams: vec![team(HEALTH, 2)], ..wanted };
    let created = city.create(wider.clone()).await.unwrap();
    assert_eq!((created.kind(), &created.follows, &created.plan), (DrawKind::Teams, &earlier.name, &earlier.plan));
    let rival = refused(city.create(wider.clone()).await);
    assert_eq!(rival, said("UNFINISHED_DRAW", "15"));
    let stated = city.state(&created).await.unwrap();
    assert_eq!((stated.subjects, stated.strata.len()), (4, 1));
    assert!(stated.statement_json.contains(&format!("\"follows\":\"{}\"", earlier.name)), "{}", stated.statement_json);
    let done = reveal(&city, &stated, MARKET).await;

    let report = city.verify(&done).await;
    assert_eq!(report.verdict, Verdict::Verified);
    assert!(report.notes.iter().any(|note| note.id == "follows"));
    let files = evidence(&city, &done).await;
    let wanted: BTreeSet<&str> = waiting.iter().map(|one| one.subject.as_str()).collect();
    assert_eq!(keys(&files["subjects.tsv"]), wanted);
    let teamed = before.iter().filter(|one| !one.officers.is_empty());
    assert_eq!(keys(&files["left_out.tsv"]), teamed.map(|one| one.subject.as_str()).collect());
    assert!(files["left_out.tsv"].lines().all(|line| line.ends_with("\tHAS_TEAM")));
    assert_eq!(keys(&files["officers.tsv"]), BTreeSet::from(["16030001", "16030002", "16030003", "16030004"]));
    let rules = lottery::rules::Rules::parse(files["rules.json"].as_bytes()).unwrap();
    assert_eq!(rules.quotas[SHUNHE], lottery::rules::Quota::Ppm(1_000_000));
    assert_eq!((rules.teams[0].unit.as_str(), rules.teams[0].size), ("health", 2));
    let after = drawn(&city, &done.name).await;
    assert!(after.iter().all(|one| one.officers.len() == 2 && one.title.starts_with("开封市第")));
    assert!(after.iter().all(|one| one.outcome() == DrawnOutcome::Visit));

    // Their visits are made, and both draws say what became of them.
    let visits = pb::ListVisitsRequest { draw: done.name.clone(), ..Default::default() };
    let visits = city.visits(MARKET, "").await.list_visits(visits).await.unwrap().into_inner().visits;
    assert_eq!(visits.len(), 4);
    assert!(visits.iter().all(|visit| visit.plan == earlier.plan && visit.due_date == "2026-12-31"));
    let shown = city.get(&earlier.name).await;
    assert_eq!((shown.followed_by, shown.awaiting_teams.len()), (vec![done.name.clone()], 0));
    let before = drawn(&city, &earlier.name).await;
    let handed: Vec<_> = before.iter().filter(|one| one.outcome() == DrawnOutcome::TeamDrawn).collect();
    assert_eq!(handed.len(), 4);
    assert!(handed.iter().all(|one| one.outcome_of == done.name && one.officers.is_empty()));
    // Nobody is given teams twice.
    let (name, values) = kit::testing::refusal_of(&city.create(wider).await.unwrap_err());
    assert_eq!((name.as_str(), values["draw"].as_str()), ("NO_TEAM_WANTED", earlier.name.as_str()));
}

#[tokio::test]
async fn no_subject_is_in_two_draws_of_teams() {
    let (city, earlier) = city_with_a_gap().await;
    let wanted = teams_after(&city, &earlier, "market", vec![team(HEALTH, 2)]);
    let late = pb::Draw {
        entries_close: Some(kit::ledger::timestamp(city.now() + chrono::Duration::days(80))),
        beacon_time: Some(kit::ledger::timestamp(city.now() + chrono::Duration::days(81))),
        reveal_by: Some(kit::ledger::timestamp(city.now() + chrono::Duration::days(82))),
        ..wanted.clone()
    };
    let first = city.create(late).await.unwrap();
    let first = city.state(&first).await.unwrap();
    // It has the subjects, also in the next quarter.
    city.advance(60 * 86_400);
    let again = city.create(teams_after(&city, &earlier, "market", vec![team(HEALTH, 2)])).await.unwrap_err();
    let (name, values) = kit::testing::refusal_of(&again);
    assert_eq!(
        (name.as_str(), values["other"].as_str(), values["article"].as_str()),
        ("TEAMS_DRAWN_ELSEWHERE", first.name.as_str(), "15")
    );
    // Given up before its first entry, it has nobody.
    let mut chief = city.draws("users/chief", MARKET, &[Role::Reviewer]).await;
    let abandon = pb::AbandonDrawRequest {
        name: first.name,
        etag: first.etag,
        reason: "单位有误".to_owned(),
        ..Default::default()
    };
    chief.abandon_draw(abandon).await.unwrap();
    city.create(teams_after(&city, &earlier, "market", vec![team(HEALTH, 2)])).await.unwrap();
}

#[tokio::test]
async fn teams_are_drawn_for_a_dispatched_draw_by_whoever_owes_them_with_enough_officers() {
    let (city, earlier) = city_with_a_gap().await;
    let wanted = teams_after(&city, &earlier, "market", vec![team(HEALTH, 2)]);
    let unknown = pb::Draw { follows: "draws/2026-0099".to_owned(), ..wanted.clone() };
    assert_eq!(reason(city.create(unknown).await), "NOT_FOUND");
    let other = pb::Draw { plan: city.publish(plan()).await, ..wanted.clone() };
    assert_eq!(reason(city.create(other).await), "INVALID", "another plan");
    let mut stranger = city.draws("users/doctor", HEALTH, &[Role::Handler]).await;
    let request = pb::CreateDrawRequest { draw: Some(wanted.clone()), ..Default::default() };
    assert_eq!(reason(stranger.create_draw(request.clone()).await), "NOT_FOUND", "it does not even see the draw");
    let mut inspector = city.draws("users/inspector", SUPERVISION, &[Role::Handler]).await;
    let theirs = pb::Draw { contributors: vec![department("market"), beacon("lottery:demo:0")], ..wanted.clone() };
    let theirs = pb::CreateDrawRequest { draw: Some(theirs), ..Default::default() };
    assert_eq!(refused(inspector.create_draw(theirs).await), said("NO_TEAM_WANTED", "15"), "it owes no teams");
    let three = city.create(pb::Draw { teams: vec![team(HEALTH, 5)], ..wanted.clone() }).await.unwrap();
    assert_eq!(refused(city.state(&three).await), said("TOO_FEW_OFFICERS", "15"), "five of four");
    let next = pb::Draw { follows: three.name, ..wanted };
    assert_eq!(reason(city.create(next).await), "WRONG_STATE", "nobody was drawn there yet");
}

/// A city in which two counties inspect what the city draws.
pub async fn city_of_counties() -> (City, pb::Draw) {
    let city = City::start().await;
    for (name, title) in [(LONGTING_UNIT, "龙亭区市场监管局"), (SHUNHE_UNIT, "顺河区市场监管局")] {
        let organisation = OrganisationChanged { name: name.to_owned(), title: title.to_owned(), ..Default::default() };
        city.world.identity_says(&organisation).await.unwrap();
    }
    for serial in 1..=4 {
        city.world.officer(&format!("1602020{serial}"), LONGTING_UNIT, &[LONGTING]).await;
        city.world.officer(&format!("1602030{serial}"), SHUNHE_UNIT, &[SHUNHE]).await;
    }
    let county = |district: &str, organisation: &str| pb::CountyUnit {
        district: district.to_owned(),
        organisation: organisation.to_owned(),
    };
    let units = vec![county(LONGTING, LONGTING_UNIT), county(SHUNHE, SHUNHE_UNIT)];
    let plan = city.publish(pb::Plan { county_units: units, ..plan() }).await;
    let city = City { plan, ..city };
    let done = city.whole_draw().await;
    (city, done)
}

#[tokio::test]
async fn the_city_draws_and_each_county_draws_its_officers_over_what_falls_to_it() {
    let (city, earlier) = city_of_counties().await;
    assert_eq!(city.verify(&earlier).await.verdict, Verdict::Verified);
    let files = evidence(&city, &earlier).await;
    assert_eq!(files["officers.tsv"], "", "the city sends nobody");
    assert_eq!(city.world.count("select count(*) from visit").await, 0);
    let mut awaiting: Vec<_> =
        earlier.awaiting_teams.iter().map(|one| (one.organisation.as_str(), one.subjects)).collect();
    awaiting.sort_unstable();
    assert_eq!(awaiting, [(LONGTING_UNIT, 6), (SHUNHE_UNIT, 4)]);
    let told: Vec<events::DrawDispatched> = read(&log(&city).await);
    let handed: Vec<_> = told[0].handed_over.iter().map(|one| (one.district.as_str(), one.subjects)).collect();
    assert_eq!((handed, told[0].without_team), (vec![(LONGTING, 6), (SHUNHE, 4)], 10));

    // The city's own handlers draw no officers there, and no county for another one.
    let own = teams_after(&city, &earlier, "market", vec![team(MARKET, 2)]);
    assert_eq!(refused(city.create(own).await), said("NO_TEAM_WANTED", "15"));
    // Both counties draw side by side.
    let mut stated = Vec::new();
    for (organisation, unit) in [(LONGTING_UNIT, "longting-market"), (SHUNHE_UNIT, "shunhe-market")] {
        let mut handler = city.draws("users/clerk", organisation, &[Role::Handler]).await;
        let seen = handler.list_draws(pb::ListDrawsRequest::default()).await.unwrap().into_inner().draws;
        assert!(seen.iter().any(|draw| draw.name == earlier.name), "the county sees what the city drew for it");
        let alone = pb::Draw {
            contributors: vec![department(unit), beacon("lottery:demo:0")],
            ..teams_after(&city, &earlier, unit, vec![team(organisation, 2)])
        };
        let alone = pb::CreateDrawRequest { draw: Some(alone), ..Default::default() };
        assert_eq!(refused(handler.create_draw(alone).await), said("ONLY_OWN_ENTRIES", "11"));
        let draw = teams_after(&city, &earlier, unit, vec![team(organisation, 2)]);
        let draw = pb::Draw { cover_district: true, ..draw };
        let request = pb::CreateDrawRequest { draw: Some(draw), ..Default::default() };
        let created = handler.create_draw(request).await.unwrap().into_inner();
        assert_eq!(created.organisation, organisation);
        let request = pb::StateDrawRequest { name: created.name, etag: created.etag, ..Default::default() };
        stated.push((organisation, handler.state_draw(request).await.unwrap().into_inner()));
    }
    assert_eq!((stated[0].1.subjects, stated[1].1.subjects), (6, 4));
    for (organisation, draw) in &stated {
        let mut handler = city.draws("users/clerk", organisation, &[Role::Handler]).await;
        enter(&mut handler, draw, "3 1 6 2 5 5").await.unwrap();
        enter(&mut city.supervision().await, draw, "6 6 1 4 2 3").await.unwrap();
    }
    city.advance(BEACON);
    for (organisation, draw) in &stated {
        let done = city.until_seen(organisation, &draw.name, DrawState::Dispatched).await;
        assert_eq!(city.verify(&done).await.verdict, Verdict::Verified);
        let visits = pb::ListVisitsRequest::default();
        let visits = city.visits(organisation, "").await.list_visits(visits).await.unwrap().into_inner().visits;
        assert_eq!(visits.len(), usize::try_from(done.subjects).unwrap());
        assert!(visits.iter().all(|visit| visit.organisation == *organisation && visit.draw == done.name));
    }
    let shown = city.get(&earlier.name).await;
    assert_eq!((shown.followed_by.len(), shown.awaiting_teams.len()), (2, 0));
}

#[tokio::test]
async fn recusal_works_in_a_countys_draw_over_its_own_files() {
    let (city, earlier) = city_of_counties().await;
    let draw = teams_after(&city, &earlier, "longting-market", vec![team(LONGTING_UNIT, 2)]);
    let done = run(&city, LONGTING_UNIT, pb::Draw { cover_district: true, ..draw }).await;
    let request = pb::ListVisitsRequest::default();
    let visits = city.visits(LONGTING_UNIT, "").await.list_visits(request).await.unwrap().into_inner().visits;
    let visit = &visits[0];
    let recusals = async |user: &str, role: Role| {
        let channel = city.world.harness.user(user, LONGTING_UNIT, &[role]).await.unwrap();
        pb::recusals_client::RecusalsClient::new(channel)
    };
    let recusal = pb::Recusal {
        draw: done.name.clone(),
        subject: visit.subject.clone(),
        person: visit.officers[0].clone(),
        ground: pb::RecusalGround::Illness as i32,
        ..Default::default()
    };
    let request = pb::CreateRecusalRequest { recusal: Some(recusal), ..Default::default() };
    let asked = recusals("users/clerk", Role::Handler).await.create_recusal(request).await.unwrap().into_inner();
    let uphold = pb::UpholdRecusalRequest {
        name: asked.name,
        etag: asked.etag,
        act: pb::RecusalAct::Withdraw as i32,
        ..Default::default()
    };
    let upheld = recusals("users/chief", Role::Reviewer).await.uphold_recusal(uphold).await.unwrap().into_inner();
    assert!(!upheld.person_in.is_empty() && upheld.person_in.starts_with("160202"), "{upheld:?}");
    let get = pb::GetVisitRequest { name: visit.name.clone() };
    let now = city.visits(LONGTING_UNIT, "").await.get_visit(get).await.unwrap().into_inner();
    assert!(now.officers.contains(&upheld.person_in) && !now.officers.contains(&visit.officers[0]));
}

#[tokio::test]
async fn a_supplementary_draw_goes_over_the_earlier_pool_less_the_drawn() {
    let city = City::start().await;
    let unforeseen = city.whole_draw().await;
    let more = |earlier: &pb::Draw| pb::Draw {
        plan: String::new(),
        kind: DrawKind::Supplementary as i32,
        follows: earlier.name.clone(),
        quotas: vec![pb::Quota { stratum: "*".to_owned(), amount: Some(pb::quota::Amount::Count(3)) }],
        ..city.draw()
    };
    assert_eq!(refused(city.create(more(&unforeseen)).await), said("NOT_FORESEEN", "14"));

    let foreseeing = pb::Plan {
        foresees_supplementary: "首次抽取发现问题较多时，经批准可补充抽取一次".to_owned(),
        second_visit_reason: "重点领域专项整治".to_owned(),
        ..plan()
    };
    let foreseeing = city.publish(foreseeing).await;
    let draw = pb::Draw { plan: foreseeing, ..city.draw() };
    let earlier = run(&city, MARKET, draw).await;
    // One of the pool has gone since.
    let drawn_before = drawn(&city, &earlier.name).await;
    let before: BTreeSet<&str> = drawn_before.iter().map(|one| one.subject.as_str()).collect();
    let pool = evidence(&city, &earlier).await.remove("subjects.tsv").unwrap();
    let gone = keys(&pool).into_iter().find(|key| !before.contains(key)).unwrap().to_owned();
    let status = pb::SetSubjectStatusRequest {
        name: format!("{MARKET}/subjects/{gone}"),
        status: pb::SubjectStatus::Deregistered as i32,
        reason: "已注销".to_owned(),
        etag: "1".to_owned(),
        ..Default::default()
    };
    city.registers().await.set_subject_status(status).await.unwrap();

    let none = pb::Draw { quotas: vec![], ..more(&earlier) };
    assert_eq!(reason(city.create(none).await), "INVALID");
    let partly = vec![pb::Quota { stratum: LONGTING.to_owned(), amount: Some(pb::quota::Amount::Count(3)) }];
    let partly = city.create(pb::Draw { quotas: partly, ..more(&earlier) }).await.unwrap();
    assert_eq!(refused(city.state(&partly).await), said("QUOTA_INVALID", "14"), "a stratum has no quota");
    abandon(&city, &partly).await;

    let done = run(&city, MARKET, more(&earlier)).await;
    assert_eq!((done.kind(), done.drawn), (DrawKind::Supplementary, 6));
    let report = city.verify(&done).await;
    assert_eq!(report.verdict, Verdict::Verified);
    let files = evidence(&city, &done).await;
    let (now, out) = (keys(&files["subjects.tsv"]), keys(&files["left_out.tsv"]));
    assert_eq!(now.union(&out).copied().collect::<BTreeSet<_>>(), keys(&pool), "the scope is the earlier pool");
    assert!(files["left_out.tsv"].contains(&format!("{gone}\tDEREGISTERED\n")));
    assert_eq!(files["left_out.tsv"].lines().filter(|line| line.ends_with("\tDRAWN_BEFORE")).count(), before.len());
    let shown = city.get(&earlier.name).await;
    assert_eq!(shown.followed_by, [done.name.as_str()]);
    // A supplement of the supplement draws neither's.
    let third = run(&city, MARKET, more(&done)).await;
    let third = drawn(&city, &third.name).await;
    let second: Vec<String> = drawn(&city, &done.name).await.into_iter().map(|one| one.subject).collect();
    assert!(third.iter().all(|one| !before.contains(one.subject.as_str()) && !second.contains(&one.subject)));
}

async fn abandon(city: &City, draw: &pb::Draw) {
    let mut chief = city.draws("users/chief", MARKET, &[Role::Reviewer]).await;
    let request = pb::AbandonDrawRequest {
        name: draw.name.clone(),
        etag: city.get(&draw.name).await.etag,
        reason: "比例有误".to_owned(),
        ..Default::default()
    };
    chief.abandon_draw(request).await.unwrap();
}

#[tokio::test]
async fn nobody_is_left_to_draw_when_everybody_was_drawn() {
    let city = City::start().await;
    let all = vec![pb::Quota { stratum: "*".to_owned(), amount: Some(pb::quota::Amount::Ppm(1_000_000)) }];
    let everybody = pb::Plan { quotas: all.clone(), foresees_supplementary: "可补充抽取".to_owned(), ..plan() };
    let everybody = city.publish(everybody).await;
    let earlier = run(&city, MARKET, pb::Draw { plan: everybody, ..city.draw() }).await;
    let more = pb::Draw {
        plan: String::new(),
        kind: DrawKind::Supplementary as i32,
        follows: earlier.name.clone(),
        quotas: all,
        ..city.draw()
    };
    let created = city.create(more).await.unwrap();
    assert_eq!(refused(city.state(&created).await), said("NOBODY_LEFT", "15"));
}

#[tokio::test]
async fn nobody_draws_again_without_naming_the_draw_that_failed() {
    let city = City::start().await;
    let stated = city.stated().await;
    city.advance(CLOSE);
    let failed = city.until(&stated.name, DrawState::Failed).await;
    assert_eq!(failed.end_reason, "ENTRY_MISSING");
    let (name, values) = kit::testing::refusal_of(&city.create(city.draw()).await.unwrap_err());
    assert_eq!(
        (name.as_str(), values["draw"].as_str(), values["article"].as_str()),
        ("FAILED_DRAW_WAITS", failed.name.as_str(), "15")
    );
    let successor = pb::Draw {
        replaces: failed.name.clone(),
        contributors: vec![
            department("market"),
            department("supervision"),
            department("justice"),
            beacon("lottery:demo:0"),
        ],
        ..city.draw()
    };
    let successor = city.create(successor).await.unwrap();
    assert_eq!(city.get(&failed.name).await.replaced_by, successor.name);
}
