//! What the turn of a quarter changes and what it does not (art. 15, 17), and who is left out of draws that follow draws (art. 14,
//! 18).

use std::collections::BTreeSet;

use proto::qingtian::{
    access::v1::Role,
    draws::v1::{self as pb, DrawKind, DrawState, DrawnOutcome, quota::Amount},
};

use super::{
    city::{CLOSE, City, beacon, department, plan},
    follows::{LONGTING_UNIT, SHUNHE_UNIT, city_of_counties, drawn, evidence, keys, run, team, teams_after},
    quarter::{everybody, over},
};
use crate::world::{LONGTING, MARKET, code, reason, register};

const DAY_SECS: i64 = 86_400;

/// Three more of each district, out of the pool of an earlier draw.
fn more(city: &City, earlier: &pb::Draw) -> pb::Draw {
    pb::Draw {
        plan: String::new(),
        kind: DrawKind::Supplementary as i32,
        follows: earlier.name.clone(),
        quotas: vec![pb::Quota { stratum: "*".to_owned(), amount: Some(Amount::Count(3)) }],
        ..city.draw()
    }
}

/// A plan that foresees supplementary draws.
fn foreseeing() -> pb::Plan {
    pb::Plan {
        foresees_supplementary: "首次抽取发现问题较多时，经批准可补充抽取".to_owned(), ..plan()
    }
}

/// Everybody without a visit this quarter gets one that nobody may know of; how many.
async fn visit_everybody_unannounced(city: &City) -> i64 {
    let day = pb::PublishAfter { basis: "食品安全法第一百零九条".to_owned(), date: "2027-01-05".to_owned() };
    let secret = over(city, pb::Plan { publish_after: Some(day), ..everybody() }).await;
    run(city, MARKET, secret).await.drawn
}

/// The left-out table of a supplementary draw named whoever an unannounced draw of the quarter had drawn.
#[tokio::test]
async fn an_unannounced_visit_does_not_show_in_a_supplementary_draw() {
    let city = City::start().await;
    let earlier = over(&city, foreseeing()).await;
    let earlier = run(&city, MARKET, earlier).await;
    assert_eq!(visit_everybody_unannounced(&city).await, 90);
    let done = run(&city, MARKET, more(&city, &earlier)).await;
    assert_eq!((done.subjects, done.drawn), (90, 6));
    let files = evidence(&city, &done).await;
    assert!(files["left_out.tsv"].lines().all(|line| line.ends_with("\tDRAWN_BEFORE")), "{}", files["left_out.tsv"]);
    assert!(drawn(&city, &done.name).await.iter().all(|one| one.outcome() == DrawnOutcome::Visit));
}

/// The same of a draw of teams, which was refused besides: everybody seemed visited.
#[tokio::test]
async fn an_unannounced_visit_does_not_show_in_a_draw_of_teams() {
    let (city, earlier) = city_of_counties().await;
    assert_eq!(visit_everybody_unannounced(&city).await, 100);
    let shown = city.get(&earlier.name).await;
    assert_eq!(shown.awaiting_teams.iter().map(|one| one.subjects).sum::<i64>(), 10);
    let teams = teams_after(&city, &earlier, "longting-market", vec![team(LONGTING_UNIT, 2)]);
    let done = run(&city, LONGTING_UNIT, teams).await;
    assert_eq!((done.subjects, done.drawn), (6, 6));
    assert_eq!(evidence(&city, &done).await["left_out.tsv"], "");
}

/// A second supplement of one draw drew from those the first had drawn.
#[tokio::test]
async fn supplements_of_one_draw_draw_nobody_a_second_time() {
    let city = City::start().await;
    // With a reason for second visits the quarter keeps nobody apart.
    let plan = pb::Plan { second_visit_reason: "重点领域专项整治".to_owned(), ..foreseeing() };
    let original = over(&city, plan).await;
    let original = run(&city, MARKET, original).await;
    let first = run(&city, MARKET, more(&city, &original)).await;
    let sibling = run(&city, MARKET, more(&city, &original)).await;
    // Its sibling's drawn are in the pool of the first, but not in that of what follows the first.
    let nephew = run(&city, MARKET, more(&city, &first)).await;
    assert_eq!((sibling.subjects, nephew.subjects), (84, 78));
    let mut all = Vec::new();
    for draw in [&original, &first, &sibling, &nephew] {
        all.extend(drawn(&city, &draw.name).await.into_iter().map(|one| one.subject));
    }
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (28, 28));
    let files = evidence(&city, &nephew).await;
    assert_eq!(keys(&files["left_out.tsv"]).len(), 12, "of the pool of the first: its own six and its sibling's");
}

/// Who had gone was waited for, for ever, by an organisation that was refused the draw of teams.
#[tokio::test]
async fn a_team_is_waited_for_as_long_as_it_can_be_drawn() {
    let (city, earlier) = city_of_counties().await;
    let awaiting = async || {
        let shown = city.get(&earlier.name).await.awaiting_teams;
        let listed = city.handler().await.list_draws(pb::ListDrawsRequest::default()).await.unwrap().into_inner().draws;
        let listed = listed.into_iter().find(|draw| draw.name == earlier.name).unwrap().awaiting_teams;
        assert_eq!(shown, listed);
        shown.into_iter().map(|one| (one.organisation, one.subjects)).collect::<Vec<_>>()
    };
    let shunhe = (SHUNHE_UNIT.to_owned(), 4);
    assert_eq!(awaiting().await, [(LONGTING_UNIT.to_owned(), 6), shunhe.clone()]);
    let before = drawn(&city, &earlier.name).await;
    let chosen: BTreeSet<&str> = before.iter().map(|one| one.subject.as_str()).collect();
    for serial in (0..60).filter(|serial| chosen.contains(code(LONGTING, *serial).as_str())) {
        city.register(&register(LONGTING, serial..serial + 1).replace("存续", "注销")).await;
    }
    assert_eq!(awaiting().await, std::slice::from_ref(&shunhe));
    let teams = teams_after(&city, &earlier, "longting-market", vec![team(LONGTING_UNIT, 2)]);
    let mut county = city.draws("users/clerk", LONGTING_UNIT, &[Role::Handler]).await;
    let request = pb::CreateDrawRequest { draw: Some(teams), ..Default::default() };
    assert_eq!(reason(county.create_draw(request).await), "NO_TEAM_WANTED");
    // Whoever has a visit from another draw meanwhile waits for the next quarter.
    let all = over(&city, everybody()).await;
    assert_eq!(run(&city, MARKET, all).await.drawn, 94);
    assert_eq!(awaiting().await, []);
    city.advance(60 * DAY_SECS);
    assert_eq!(awaiting().await, [shunhe]);
}

/// On the first day of the next quarter a fresh draw with the same contributors was taken, and the failed one forgotten.
#[tokio::test]
async fn a_failed_draw_waits_for_its_successor_beyond_the_quarter() {
    let city = City::start().await;
    let stated = city.stated().await;
    city.advance(CLOSE);
    let failed = city.until(&stated.name, DrawState::Failed).await;
    city.advance(60 * DAY_SECS);
    let (name, values) = kit::testing::refusal_of(&city.create(city.draw()).await.unwrap_err());
    assert_eq!((name.as_str(), values["draw"].as_str()), ("FAILED_DRAW_WAITS", failed.name.as_str()));
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
    let successor = city.state(&successor).await.unwrap();
    assert_eq!((successor.replaces, successor.subjects), (failed.name, 100));
}

/// A draw stated in one quarter was not seen in the next, and two over one plan went on side by side.
#[tokio::test]
async fn a_draw_under_way_stands_in_the_way_of_another_beyond_the_quarter() {
    let city = City::start().await;
    let at = |days| Some(kit::ledger::timestamp(city.now() + chrono::Duration::days(days)));
    let late = pb::Draw { entries_close: at(80), beacon_time: at(81), reveal_by: at(82), ..city.draw() };
    let late = city.create(late).await.unwrap();
    let late = city.state(&late).await.unwrap();
    city.advance(60 * DAY_SECS);
    let (name, values) = kit::testing::refusal_of(&city.create(city.draw()).await.unwrap_err());
    assert_eq!((name.as_str(), values["draw"].as_str()), ("UNFINISHED_DRAW", late.name.as_str()));
}

/// A visit counted for the quarter in which its draw was stated, and the firm was drawn and visited again in the quarter of the
/// visit.
#[tokio::test]
async fn a_visit_counts_for_the_quarter_of_its_dispatch() {
    let city = City::start().await;
    let turning = over(&city, plan()).await.plan;
    let early = city.whole_draw().await;
    let eve: chrono::DateTime<chrono::Utc> = "2026-12-31T15:59:00Z".parse().unwrap();
    city.advance((eve - city.now()).num_seconds());
    // Stated in the last minute of the year in Kaifeng, dispatched in the next year.
    let turning = run(&city, MARKET, pb::Draw { plan: turning, ..city.draw() }).await;
    assert!(turning.state_time.unwrap().seconds < eve.timestamp() + 60);
    assert_eq!(
        (turning.subjects, turning.drawn),
        (90, 10),
        "the early draw's visits are of the quarter of the statement"
    );
    let quarters = "select count(*) from visit where quarter = '2026-4' and draw = '{}'";
    assert_eq!(city.world.count(&quarters.replace("{}", &early.name)).await, 10);
    let quarters = "select count(*) from visit where quarter = '2027-1' and draw = '{}'";
    assert_eq!(city.world.count(&quarters.replace("{}", &turning.name)).await, 10);
    let next = run(&city, MARKET, city.draw()).await;
    let files = evidence(&city, &next).await;
    let spared = files["left_out.tsv"].lines().filter(|line| line.ends_with("\tVISITED_THIS_QUARTER"));
    let spared: BTreeSet<&str> = spared.filter_map(|line| line.split('\t').next()).collect();
    let visited = drawn(&city, &turning.name).await;
    assert_eq!(spared, visited.iter().map(|one| one.subject.as_str()).collect(), "and nobody of the early draw");
}
