//! One planned visit a subject and calendar quarter (art. 17): whoever has one is left out of the next draw, and where two draws
//! run at once the later one defers, with a published reason.

use std::collections::BTreeSet;

use proto::qingtian::draws::{
    events::v1 as events,
    v1::{self as pb, DrawState, DrawnOutcome, quota::Amount},
};

use super::{
    city::{BEACON, City, plan},
    follows::{drawn, evidence, keys, run},
    log, read,
};
use crate::world::{MARKET, refused};

pub fn everybody() -> pb::Plan {
    let all = vec![pb::Quota { stratum: "*".to_owned(), amount: Some(Amount::Ppm(1_000_000)) }];
    pb::Plan { quotas: all, ..plan() }
}

/// A draw over another plan.
pub async fn over(city: &City, plan: pb::Plan) -> pb::Draw {
    let plan = city.publish(plan).await;
    pb::Draw { plan, ..city.draw() }
}

#[tokio::test]
async fn whoever_has_a_visit_this_quarter_is_left_out_of_the_next_draw() {
    let city = City::start().await;
    let first = city.whole_draw().await;
    let visited = drawn(&city, &first.name).await;
    let visited: BTreeSet<&str> = visited.iter().map(|one| one.subject.as_str()).collect();
    let second = over(&city, plan()).await;
    let mut plans = city.world.plans("users/clerk", MARKET, &[proto::qingtian::access::v1::Role::Handler]).await;
    let preview = pb::PreviewPlanRequest { name: second.plan.clone() };
    let preview = plans.preview_plan(preview).await.unwrap().into_inner();
    assert_eq!(
        preview.strata.iter().map(|one| (one.subjects, one.left_out)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1)),
        (90, 13)
    );
    let second = run(&city, MARKET, second).await;
    assert_eq!(second.subjects, 90);
    let files = evidence(&city, &second).await;
    let spared: String = files["left_out.tsv"]
        .lines()
        .filter(|line| line.ends_with("\tVISITED_THIS_QUARTER"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(keys(&spared), visited);
    let again = drawn(&city, &second.name).await;
    assert!(again.iter().all(|one| !visited.contains(one.subject.as_str()) && one.outcome() == DrawnOutcome::Visit));
    assert_eq!(city.verify(&second).await.verdict, lottery::verify::Verdict::Verified);
    // The next quarter begins anew.
    city.advance(60 * 86_400);
    let draw = city.create(city.draw()).await.unwrap();
    assert_eq!(city.state(&draw).await.unwrap().subjects, 100);
}

#[tokio::test]
async fn when_everybody_has_a_visit_nobody_is_drawn_without_a_published_reason() {
    let city = City::start().await;
    let first = over(&city, everybody()).await;
    run(&city, MARKET, first).await;
    let draw = city.create(city.draw()).await.unwrap();
    assert_eq!(refused(city.state(&draw).await), ("ALL_VISITED".to_owned(), "17".to_owned()));
    // A plan that says why there is a second visit draws from all, and each second visit keeps the reason.
    let again = pb::Plan { second_visit_reason: "重点领域专项整治，须复查".to_owned(), ..plan() };
    let again = over(&city, again).await;
    let again = run(&city, MARKET, again).await;
    assert_eq!((again.subjects, again.drawn), (100, 10));
    assert!(drawn(&city, &again.name).await.iter().all(|one| one.outcome() == DrawnOutcome::Visit));
    let reasons = "select count(*) from visit where second_visit_reason = '重点领域专项整治，须复查'";
    assert_eq!(city.world.count(reasons).await, 10);
}

#[tokio::test]
async fn an_unannounced_visit_shows_neither_in_the_next_draws_left_out_nor_as_deferred() {
    let city = City::start().await;
    let day = pb::PublishAfter { basis: "食品安全法第一百零九条".to_owned(), date: "2027-01-05".to_owned() };
    let secret = over(&city, pb::Plan { publish_after: Some(day), ..everybody() }).await;
    let secret = run(&city, MARKET, secret).await;
    assert_eq!((secret.drawn, city.world.count("select count(*) from visit").await), (100, 100));
    // A draw for all to see, in the same quarter, over the same firms: nothing of it tells who was drawn before.
    let open = over(&city, everybody()).await;
    let open = run(&city, MARKET, open).await;
    assert_eq!((open.subjects, open.drawn), (100, 100));
    let files = evidence(&city, &open).await;
    assert!(!files["left_out.tsv"].contains("VISITED_THIS_QUARTER"), "{}", files["left_out.tsv"]);
    assert!(drawn(&city, &open.name).await.iter().all(|one| one.outcome() == DrawnOutcome::Visit));
    let beside = "select count(*) from visit where second_visit_reason <> ''";
    assert_eq!(city.world.count(beside).await, 100, "each unannounced visit keeps why it stands beside the other");
}

#[tokio::test]
async fn of_two_draws_at_once_the_later_defers_who_has_a_visit_by_then() {
    let city = City::start().await;
    let (first, second) = (over(&city, everybody()).await, over(&city, everybody()).await);
    let first = city.create(first).await.unwrap();
    let first = city.state(&first).await.unwrap();
    let second = city.create(second).await.unwrap();
    let second = city.state(&second).await.unwrap();
    assert_eq!((first.subjects, second.subjects), (100, 100), "no visit is made yet");
    city.enter_both(&first).await;
    city.enter_both(&second).await;
    city.advance(BEACON);
    city.until(&first.name, DrawState::Dispatched).await;
    city.until(&second.name, DrawState::Dispatched).await;
    // However their dispatches fell together, nobody is visited twice and nobody is forgotten.
    assert_eq!(city.world.count("select count(*) from visit").await, 100);
    assert_eq!(city.world.count("select count(distinct subject) from visit").await, 100);
    let mut deferred = 0;
    for name in [&first.name, &second.name] {
        for one in drawn(&city, name).await {
            match one.outcome() {
                DrawnOutcome::Visit => assert!(one.outcome_of.starts_with("visits/"), "{one:?}"),
                DrawnOutcome::Deferred => {
                    deferred += 1;
                    assert_eq!(one.outcome_reason, "VISITED_THIS_QUARTER");
                    assert!(
                        one.outcome_of.starts_with("visits/") && !one.outcome_of.contains(&name["draws/".len()..]),
                        "{one:?}"
                    );
                }
                other => panic!("{other:?} of {one:?}"),
            }
        }
    }
    assert_eq!(deferred, 100);
    let told: Vec<events::DrawDispatched> = read(&log(&city).await);
    assert_eq!(told.iter().map(|one| one.deferred).sum::<i64>(), 100);
    assert!(told.iter().all(|one| one.visits + one.deferred == 100), "{told:?}");
    let told: Vec<events::VisitsDeferred> = read(&log(&city).await);
    assert_eq!(told.iter().map(|one| one.deferred.len()).sum::<usize>(), 100);
    assert!(told.iter().all(|one| one.reason == "VISITED_THIS_QUARTER"));
}
