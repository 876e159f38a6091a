//! Statistics of fairness in public (art. 10, 11).

use kit::testing::refusal_of;
use lottery::{
    rules::PublishAfter,
    testing::{Dice, Draw as Lot, Shape},
};
use proto::qingtian::{
    draws::v1::DrawState,
    portal::v1::{self as pb, FairnessYear, portal_client::PortalClient},
};
use tonic::transport::Channel;

use crate::{
    city::{City, MARKET},
    story::Story,
};

async fn history(client: &mut PortalClient<Channel>, organisation: &str, year: i32) -> Vec<FairnessYear> {
    let request = pb::GetFairnessRequest { organisation: organisation.to_owned(), year };
    client.get_fairness(request).await.unwrap().into_inner().years
}

#[tokio::test]
async fn a_draw_tells_how_likely_each_was_to_be_drawn_and_how_evenly_officers_went() {
    let city = City::with_a_plan().await;
    let mut client = city.public().await;
    let mut story = Story::new(7, &Shape::default());
    story.created(&city).await;
    story.stated(&city).await;
    city.settle().await;
    let get = pb::GetDrawRequest { name: story.name.clone() };
    assert_eq!(client.get_draw(get.clone()).await.unwrap().into_inner().fairness, None, "not before the reveal");
    story.entered(&city).await;
    story.revealed(&city).await;
    city.settle().await;
    let fairness = client.get_draw(get).await.unwrap().into_inner().fairness.unwrap();
    let strata = &story.lot.reveal.strata;
    let told: Vec<_> = fairness.inclusion.iter().map(|one| (one.stratum.as_str(), one.drawn, one.subjects)).collect();
    let expected: Vec<_> = strata
        .iter()
        .map(|one| (one.name.as_str(), i64::try_from(one.k).unwrap(), i64::try_from(one.n).unwrap()))
        .collect();
    assert_eq!(told, expected);
    for one in &fairness.inclusion {
        assert!((one.ppm as f64 - 1e6 * one.drawn as f64 / one.subjects as f64).abs() <= 0.5, "{one:?}");
    }
    assert_eq!(fairness.unit_loads, story.unit_loads());
    assert_eq!(fairness.no_choice, story.lot.reveal.rows.iter().filter(|row| row.no_choice).map(|_| 1).sum::<i64>());
}

#[tokio::test]
async fn the_history_of_an_organisation_counts_every_number_it_took() {
    let city = City::with_a_plan().await;
    let mut client = city.public().await;
    assert_eq!(history(&mut client, "", 0).await, []);
    let mut failed = Story::new(1, &Shape::default());
    failed.created(&city).await;
    failed.stated(&city).await;
    failed.ended(&city, DrawState::Failed, "ENTRY_MISSING").await;
    let mut next = Story::new(2, &Shape::default()).replacing(&failed.name);
    next.told(&city).await;
    let mut abandoned = Story::new(3, &Shape::default());
    abandoned.created(&city).await;
    abandoned.ended(&city, DrawState::Abandoned, "计划有误").await;
    Story::new(4, &Shape::default()).created(&city).await;
    let mut lost = Story::new(5, &Shape::default());
    lost.created(&city).await;
    lost.ended(&city, DrawState::Failed, "REVEAL_MISSED").await;
    city.settle().await;
    let all = history(&mut client, "", 0).await;
    let [year] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((year.unit.as_ref().unwrap().name.as_str(), year.year), (MARKET, 2026));
    assert_eq!(
        [year.draws, year.going_on, year.revealed, year.abandoned, year.failed, year.replaced],
        [5, 1, 1, 1, 2, 1]
    );
    let rows = &next.lot.reveal.rows;
    assert_eq!(
        (year.subjects, year.drawn, year.without_team, year.no_choice),
        (
            i64::try_from(next.lot.stated.statement.subjects_n).unwrap(),
            i64::try_from(rows.len()).unwrap(),
            next.without_team(),
            rows.iter().filter(|row| row.no_choice).map(|_| 1).sum()
        )
    );
    assert_eq!(history(&mut client, MARKET, 2026).await, all);
    assert_eq!(history(&mut client, "organisations/nobody", 0).await, []);
    assert_eq!(history(&mut client, MARKET, 2025).await, []);

    // Which draws these are: the list by organisation, year, and whether they ended.
    let mut names = async |request: pb::ListDrawsRequest| -> Vec<String> {
        client.list_draws(request).await.unwrap().into_inner().draws.into_iter().map(|draw| draw.name).collect()
    };
    let ended = pb::ListDrawsRequest { organisation: MARKET.to_owned(), year: 2026, ended: true, ..Default::default() };
    assert_eq!(names(ended.clone()).await, [lost.name, abandoned.name, failed.name]);
    assert_eq!(names(pb::ListDrawsRequest { year: 2025, ..ended.clone() }).await, Vec::<String>::new());
    assert_eq!(
        names(pb::ListDrawsRequest { organisation: "organisations/x".to_owned(), ..ended }).await,
        Vec::<String>::new()
    );
    assert_eq!(names(pb::ListDrawsRequest { organisation: MARKET.to_owned(), ..Default::default() }).await.len(), 5);
}

#[tokio::test]
async fn before_its_day_a_draw_adds_to_no_figure_of_its_result() {
    let city = City::with_a_plan().await;
    let mut client = city.public().await;
    // One of which some teams could not be formed, or had no choice.
    let lot = (1..).map(|seed| Lot::random(seed, &Shape { officers: 1, ..Shape::default() }).unwrap());
    let lot =
        lot.into_iter().find(|lot| lot.reveal.rows.iter().any(|row| row.officers.is_empty() || row.no_choice)).unwrap();
    let tables = lottery::frozen::TABLES.iter().map(|file| ((*file).to_owned(), lot.files[*file].clone())).collect();
    let mut rules = lot.rules.clone();
    rules.publish_after = Some(PublishAfter { basis: "unannounced".to_owned(), date: "2026-11-25".to_owned() });
    let mut story = Story::over(7, Lot::of(tables, rules, &mut Dice::new(7)).unwrap());
    story.told(&city).await;
    story.dispatched(&city).await;
    city.settle().await;
    let year = history(&mut client, "", 0).await.remove(0);
    assert_eq!((year.revealed, year.without_team, year.no_choice), (1, 0, 0));
    let log = pb::ListLogRequest { parent: story.name.clone(), ..Default::default() };
    assert_eq!(refusal_of(&client.list_log(log).await.unwrap_err()).0, "NOT_PUBLIC_YET");
    city.harness.clock.advance(chrono::Duration::hours(39));
    let year = history(&mut client, "", 0).await.remove(0);
    assert_eq!(year.without_team, story.without_team());
    assert!(year.without_team + year.no_choice > 0);
}
