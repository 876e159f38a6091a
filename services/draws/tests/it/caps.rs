//! Frequency caps (art. 17): who says what, whom a statement leaves out, and that nobody goes beyond, however many draws there are.

use std::collections::BTreeSet;

use kit::testing::UserChannel;
use proto::qingtian::{
    access::v1::Role,
    draws::{
        events::v1 as events,
        v1::{self as pb, DrawState, DrawnOutcome, caps_client::CapsClient},
    },
};
use tonic::Status;

use crate::{
    draws::{
        city::{BEACON, City, plan},
        follows::{drawn, evidence, run},
        log,
        quarter::{everybody, over},
        read,
    },
    world::{HEALTH, MARKET, refused},
};

async fn caps(city: &City, user: &str, organisation: &str, roles: &[Role]) -> CapsClient<UserChannel> {
    CapsClient::new(city.world.harness.user(user, organisation, roles).await.unwrap())
}

/// So many visits a year for whoever is not named otherwise, from the test's first day on.
fn cap(visits: i32) -> pb::Cap {
    pb::Cap {
        year: 2026,
        limits: vec![pb::CapLimit { subject_class: "*".to_owned(), visits }],
        basis: "汴政办〔2022〕14号第十七条".to_owned(),
        effective_date: "2026-11-23".to_owned(),
        ..Default::default()
    }
}

async fn draft(city: &City, cap: pb::Cap) -> Result<pb::Cap, Status> {
    let roles = if cap.city_wide { [Role::Coordinator] } else { [Role::Handler] };
    let request = pb::CreateCapRequest { parent: MARKET.to_owned(), cap: Some(cap), ..Default::default() };
    Ok(caps(city, "users/clerk", MARKET, &roles).await.create_cap(request).await?.into_inner())
}

async fn publish(city: &City, user: &str, cap: &pb::Cap) -> Result<pb::Cap, Status> {
    let roles = if cap.city_wide { [Role::Coordinator] } else { [Role::Reviewer] };
    let request = pb::PublishCapRequest { name: cap.name.clone(), etag: cap.etag.clone(), ..Default::default() };
    Ok(caps(city, user, MARKET, &roles).await.publish_cap(request).await?.into_inner())
}

/// Drafted by one, published by another.
pub async fn in_force(city: &City, cap: pb::Cap) -> pb::Cap {
    let drafted = draft(city, cap).await.unwrap();
    publish(city, "users/chief", &drafted).await.unwrap()
}

#[tokio::test]
async fn a_version_is_drafted_by_one_published_by_another_and_public_without_their_accounts() {
    let city = City::start().await;
    let drafted = draft(&city, cap(2)).await.unwrap();
    assert_eq!((drafted.state(), drafted.authority.as_str()), (pb::CapState::Draft, MARKET));
    let mut anybody = CapsClient::new(city.world.harness.service("gateway").await.unwrap());
    let public = anybody.list_published_caps(pb::ListPublishedCapsRequest::default()).await.unwrap().into_inner();
    assert_eq!(public.caps, [], "a draft is nobody's business yet");
    let both = caps(&city, "users/clerk", MARKET, &[Role::Handler, Role::Reviewer]).await;
    let request =
        pb::PublishCapRequest { name: drafted.name.clone(), etag: drafted.etag.clone(), ..Default::default() };
    assert_eq!(refused(both.clone().publish_cap(request.clone()).await).0, "OWN_ACT");
    let stale = pb::PublishCapRequest { etag: "7".to_owned(), ..request.clone() };
    let mut chief = caps(&city, "users/chief", MARKET, &[Role::Reviewer]).await;
    assert_eq!(refused(chief.publish_cap(stale).await).0, "STALE");
    let mut stranger = caps(&city, "users/other", HEALTH, &[Role::Reviewer]).await;
    assert_eq!(refused(stranger.publish_cap(request.clone()).await).0, "NOT_FOUND");
    let published = publish(&city, "users/chief", &drafted).await.unwrap();
    assert_eq!((published.state(), published.decider.as_str()), (pb::CapState::Published, "users/chief"));
    assert_eq!(
        refused(chief.publish_cap(pb::PublishCapRequest { etag: published.etag.clone(), ..request }).await).0,
        "WRONG_STATE"
    );
    let public = anybody.list_published_caps(pb::ListPublishedCapsRequest::default()).await.unwrap().into_inner();
    assert_eq!((public.caps.len(), public.caps[0].limits[0].visits, public.caps[0].creator.as_str()), (1, 2, ""));
    let mut csv =
        anybody.download_published_caps(pb::DownloadPublishedCapsRequest::default()).await.unwrap().into_inner();
    let text = String::from_utf8(csv.message().await.unwrap().unwrap().data).unwrap();
    assert!(text.contains("organisations/market,2026,*,2,2026-11-23,汴政办〔2022〕14号第十七条"), "{text}");
    let told: Vec<events::CapPublished> = read(&log(&city).await);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].cap.as_ref().map(|cap| (cap.creator.as_str(), cap.decider.as_str())), Some(("", "")));
}

#[tokio::test]
async fn what_a_version_may_not_be_is_refused_and_leaves_nothing_half_done() {
    let city = City::start().await;
    for wrong in [pb::Cap { limits: Vec::new(), ..cap(1) }, pb::Cap { basis: String::new(), ..cap(1) }, cap(-1)] {
        assert_eq!(refused(draft(&city, wrong).await).0, "INVALID");
    }
    let mut clerk = caps(&city, "users/clerk", MARKET, &[Role::Handler]).await;
    let wide = pb::Cap { city_wide: true, ..cap(1) };
    let request = pb::CreateCapRequest { parent: MARKET.to_owned(), cap: Some(wide), ..Default::default() };
    assert_eq!(refused(clerk.create_cap(request).await).0, "ROLE_MISSING");
    assert_eq!(city.world.count("select count(*) from cap").await, 0);
    // Two versions for one day, and one for a day that has passed.
    in_force(&city, cap(2)).await;
    let again = draft(&city, cap(1)).await.unwrap();
    assert_eq!(refused(publish(&city, "users/chief", &again).await), ("CAP_DAY_TAKEN".to_owned(), "17".to_owned()));
    city.advance(86_400);
    assert_eq!(refused(publish(&city, "users/chief", &again).await), ("CAP_BACKDATED".to_owned(), "17".to_owned()));
    assert_eq!(city.world.count("select count(*) from cap where state = 'DRAFT'").await, 1);
    let mut chief = caps(&city, "users/chief", MARKET, &[Role::Reviewer]).await;
    let reject = pb::RejectCapRequest { name: again.name.clone(), etag: again.etag.clone(), ..Default::default() };
    assert_eq!(refused(chief.reject_cap(reject.clone()).await).0, "INVALID");
    let reject = pb::RejectCapRequest { reason: "日期已过".to_owned(), ..reject };
    assert_eq!(chief.reject_cap(reject).await.unwrap().into_inner().state(), pb::CapState::Rejected);
    let list = pb::ListCapsRequest { parent: MARKET.to_owned(), ..Default::default() };
    let all = chief.list_caps(list.clone()).await.unwrap().into_inner().caps;
    assert_eq!(all.iter().map(pb::Cap::state).collect::<Vec<_>>(), [pb::CapState::Rejected, pb::CapState::Published]);
    assert_eq!(chief.get_cap(pb::GetCapRequest { name: again.name }).await.unwrap().into_inner(), all[0]);
    let mut stranger = caps(&city, "users/other", HEALTH, &[Role::Handler]).await;
    assert_eq!(refused(stranger.list_caps(list).await).0, "NOT_FOUND");
}

#[tokio::test]
async fn whose_visits_of_the_year_are_used_up_is_left_out_and_the_evidence_says_so() {
    let city = City::start().await;
    in_force(&city, cap(1)).await;
    let second = pb::Plan { second_visit_reason: "重点领域专项整治，须复查".to_owned(), ..plan() };
    let first = city.whole_draw().await;
    let visited: BTreeSet<String> = drawn(&city, &first.name).await.into_iter().map(|one| one.subject).collect();
    assert_eq!((visited.len(), city.world.count("select count(*) from visit_use where used = 1").await), (10, 20));
    // A published reason lifts the quarter's rule, not the cap.
    let second = over(&city, second).await;
    let mut plans = city.world.plans("users/clerk", MARKET, &[Role::Handler]).await;
    let preview = plans.preview_plan(pb::PreviewPlanRequest { name: second.plan.clone() }).await.unwrap().into_inner();
    assert_eq!(preview.strata.iter().map(|one| one.subjects).sum::<i64>(), 90);
    let second = run(&city, MARKET, second).await;
    assert_eq!(second.subjects, 90);
    let files = evidence(&city, &second).await;
    let spent: BTreeSet<String> = files["left_out.tsv"]
        .lines()
        .filter_map(|line| line.strip_suffix("\tBUDGET_SPENT"))
        .map(ToString::to_string)
        .collect();
    assert_eq!(spent, visited);
    assert_eq!(city.verify(&second).await.verdict, lottery::verify::Verdict::Verified);
    // A new year begins anew.
    city.advance(60 * 86_400);
    let draw = city.create(city.draw()).await.unwrap();
    assert_eq!(city.state(&draw).await.unwrap().subjects, 100);
}

#[tokio::test]
async fn a_supplementary_draw_leaves_out_whose_visits_are_used_up_too() {
    let city = City::start().await;
    let keys_of = |drawn: Vec<pb::Drawn>| drawn.into_iter().map(|one| one.subject).collect::<BTreeSet<String>>();
    let first = city.whole_draw().await;
    let first = keys_of(drawn(&city, &first.name).await);
    let foreseeing = pb::Plan {
        foresees_supplementary: "首次抽取发现问题较多时，可补充抽取一次".to_owned(),
        second_visit_reason: "重点领域专项整治".to_owned(),
        ..plan()
    };
    let earlier = over(&city, foreseeing).await;
    let earlier = run(&city, MARKET, earlier).await;
    let before = keys_of(drawn(&city, &earlier.name).await);
    in_force(&city, cap(1)).await;
    let more = pb::Draw {
        plan: String::new(),
        kind: pb::DrawKind::Supplementary as i32,
        follows: earlier.name.clone(),
        quotas: vec![pb::Quota { stratum: "*".to_owned(), amount: Some(pb::quota::Amount::Count(3)) }],
        ..city.draw()
    };
    let more = run(&city, MARKET, more).await;
    let files = evidence(&city, &more).await;
    let spent: BTreeSet<String> = files["left_out.tsv"]
        .lines()
        .filter_map(|line| line.strip_suffix("\tBUDGET_SPENT"))
        .map(str::to_owned)
        .collect();
    assert_eq!(spent, first.difference(&before).cloned().collect());
    let drawn = keys_of(drawn(&city, &more.name).await);
    assert!(drawn.is_disjoint(&first) && drawn.is_disjoint(&before), "{drawn:?}");
}

#[tokio::test]
async fn a_class_named_has_its_own_cap_and_where_nobody_has_a_visit_left_no_draw_is_stated() {
    let city = City::start().await;
    let limit = |class: &str, visits| pb::CapLimit { subject_class: class.to_owned(), visits };
    in_force(&city, pb::Cap { limits: vec![limit("A", 0), limit("UNCLASSIFIED", 1)], ..cap(0) }).await;
    in_force(
        &city,
        pb::Cap { city_wide: true, limits: vec![limit("*", 0)], effective_date: "2026-12-01".to_owned(), ..cap(0) },
    )
    .await;
    let draw = city.create(city.draw()).await.unwrap();
    assert_eq!(city.state(&draw).await.unwrap().subjects, 100, "the city-wide cap counts from December on");
    city.advance(9 * 86_400);
    let other = over(&city, everybody()).await;
    let other = city.create(other).await.unwrap();
    assert_eq!(refused(city.state(&other).await), ("ALL_BUDGETS_SPENT".to_owned(), "17".to_owned()));
    assert_eq!(city.get(&other.name).await.state(), DrawState::Created);
}

#[tokio::test]
async fn two_draws_that_both_read_the_budget_spend_it_once_and_the_other_defers() {
    let city = City::start().await;
    in_force(&city, cap(1)).await;
    let again = || pb::Plan { second_visit_reason: "重点领域专项整治".to_owned(), ..everybody() };
    let (first, second) = (over(&city, again()).await, over(&city, again()).await);
    let first = city.create(first).await.unwrap();
    let first = city.state(&first).await.unwrap();
    let second = city.create(second).await.unwrap();
    let second = city.state(&second).await.unwrap();
    city.enter_both(&first).await;
    city.enter_both(&second).await;
    // Both are revealed, and neither is dispatched: no visit can be made.
    let owner = city.world.harness.owner_pool("draws").await.unwrap();
    for sql in [
        "create function nobody_goes() returns trigger language plpgsql as $$ begin raise exception 'not yet'; end $$",
        "create trigger nobody_goes before insert on visit for each statement execute function nobody_goes()",
    ] {
        sqlx::query(sql).execute(&owner).await.unwrap();
    }
    city.advance(BEACON);
    let revealed = || async { city.world.count("select count(*) from draw_reveal").await == 2 };
    crate::world::until("both are revealed", revealed).await;
    // From here on their dispatch is this test's: whoever else comes finds the draws taken.
    let mut taken = city.world.pool.begin().await.unwrap();
    sqlx::query("select from draw for no key update").execute(&mut *taken).await.unwrap();
    sqlx::query("drop trigger nobody_goes on visit").execute(&owner).await.unwrap();
    // The barrier: both have read what is left before either takes any of it, and everything is.
    let (mut one, mut other) = (city.world.pool.begin().await.unwrap(), city.world.pool.begin().await.unwrap());
    let now = city.now();
    for (conn, draw) in [(&mut *one, &first.name), (&mut *other, &second.name)] {
        assert_eq!(draws::caps::reserve::spent(conn, draw, (0, 1_000), now).await.unwrap(), [0_i64; 0]);
    }
    let make = |mut tx: sqlx::Transaction<'static, sqlx::Postgres>, draw: String| async move {
        let made = draws::visits::store::make(&mut tx, &draw, (0, 1_000), now).await.unwrap();
        tx.commit().await.unwrap();
        (made.made, made.spent.len())
    };
    let (one, other) = tokio::join!(make(one, first.name.clone()), make(other, second.name.clone()));
    assert_eq!(BTreeSet::from([one, other]), BTreeSet::from([(100, 0), (0, 100)]), "one got them all");
    drop(taken);
    city.until(&first.name, DrawState::Dispatched).await;
    city.until(&second.name, DrawState::Dispatched).await;
    assert_eq!(city.world.count("select count(*) from visit").await, 100);
    assert_eq!(city.world.count("select count(*) from visit_use where used <> 1").await, 0);
    let mut deferred = 0;
    for name in [&first.name, &second.name] {
        for one in drawn(&city, name).await {
            if one.outcome() == DrawnOutcome::Deferred {
                deferred += 1;
                assert_eq!((one.outcome_reason.as_str(), one.outcome_of.as_str()), ("BUDGET_SPENT", ""));
            }
        }
    }
    assert_eq!(deferred, 100);
    // Whoever goes round all this meets the constraint; a visit for cause is counted apart, and never refused.
    let insert = async |kind: &str| {
        let sql = "insert into visit (name, draw, place, plan, organisation, subject, title, district, officers, experts, state,
                due_date, created_at, quarter, second_visit_reason, kind)
            select name || $1, (select min(d.name) from draw d where d.name <> v.draw), 1001, plan, organisation, subject, title,
                district, officers, experts, state, due_date, created_at, quarter, '再查', $1 from visit v limit 1";
        sqlx::query(sql).bind(kind).execute(&city.world.pool).await
    };
    let refusal = insert("PLANNED").await.unwrap_err();
    assert_eq!(kit::error::violated(&refusal), Some("cap_not_exceeded"));
    insert("FOR_CAUSE").await.unwrap();
    assert_eq!(city.world.count("select count(*) from visit_use where used = 1 and apart = 1").await, 2);
}
