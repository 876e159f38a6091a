//! Whom a draw may send, out of whatever may be known of people (art. 13, 15).

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::*;

/// What may be known of a person.
#[derive(Debug, Clone)]
struct Known {
    active: bool,
    expires: i64,
    /// First day, days, and after how many it ended early; days from the day asked about.
    leave: Option<(i64, i64, Option<i64>)>,
    retired: Option<i64>,
}

fn known() -> impl Strategy<Value = Known> {
    let leave = (-4i64..4, 0i64..5, proptest::option::of(-1i64..4));
    (any::<bool>(), -3i64..3, proptest::option::of(leave), proptest::option::of(-3i64..3))
        .prop_map(|(active, expires, leave, retired)| Known { active, expires, leave, retired })
}

/// Writes people as they may stand in the database, and asks for candidates and for the list of officers.
async fn candidates_among(world: &World, people: &[Known], day: NaiveDate) -> (Vec<String>, Vec<String>, Vec<String>) {
    let at = |offset: i64| day + chrono::TimeDelta::days(offset);
    let owner = world.harness.owner_pool("draws").await.unwrap();
    let mut tx = owner.begin().await.unwrap();
    let now = world.harness.clock.now();
    for (number, one) in people.iter().enumerate() {
        let (key, user) = (format!("c-{number:02}"), format!("users/{number}"));
        sqlx::query("insert into officer values ($1, $2, $3, $4, '{}', '{}', $5)")
            .bind(&key)
            .bind(&user)
            .bind(MARKET)
            .bind(at(one.expires))
            .bind(one.active)
            .execute(&mut *tx)
            .await
            .unwrap();
        if let Some((first, days, ended)) = one.leave {
            sqlx::query("insert into leave values ($1, $2, $3, $1, $4, $5, 'SICK', '', 'users/clerk', $6)")
                .bind(&key)
                .bind(&user)
                .bind(MARKET)
                .bind(at(first))
                .bind(at(first + days))
                .bind(now)
                .execute(&mut *tx)
                .await
                .unwrap();
            if let Some(ended) = ended.filter(|ended| *ended < days) {
                sqlx::query("insert into leave_end values ($1, $2, 'users/clerk', $3)")
                    .bind(&key)
                    .bind(at(first + ended))
                    .bind(now)
                    .execute(&mut *tx)
                    .await
                    .unwrap();
            }
        }
        sqlx::query(
            "insert into expert (key, organisation, private, name_digest, employer, districts, specialties, retired_on,
                retire_reason, revision, created_at, changed_at, changed_by, changed_what)
             values ($1, $2, '', '', 'x', '{}', '{}', $3, $4, 1, $5, $5, '', '')",
        )
        .bind(format!("e-{number:02}"))
        .bind(MARKET)
        .bind(one.retired.map(at))
        .bind(if one.retired.is_some() { "退休" } else { "" })
        .bind(now)
        .execute(&mut *tx)
        .await
        .unwrap();
    }
    let units = [MARKET.to_owned()];
    let officers = draws::people::candidates::officers(&mut tx, &units, day).await.unwrap();
    let experts = draws::experts::store::candidates(&mut tx, &units, day).await.unwrap();
    let mut listed = Vec::new();
    for officer in (0..people.len()).map(|number| format!("c-{number:02}")) {
        if draws::people::officers::get(&mut tx, MARKET, &officer, day).await.unwrap().candidate {
            listed.push(officer);
        }
    }
    tx.rollback().await.unwrap();
    (officers.into_iter().map(|one| one.key).collect(), listed, experts.into_iter().map(|one| one.key).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_on_leave_retired_or_without_a_valid_certificate_is_ever_a_candidate() {
    let world = World::start().await;
    let day = world.today();
    let handle = tokio::runtime::Handle::current();
    let run = || {
        let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
        runner.run(&proptest::collection::vec(known(), 1..12), |people| {
            let (officers, listed, experts) = handle.block_on(candidates_among(&world, &people, day));
            let may = |number: &usize| {
                let one = &people[*number];
                let away = one.leave.is_some_and(|(first, days, ended)| {
                    let last = first + ended.filter(|ended| *ended < days).unwrap_or(days);
                    first <= 0 && 0 <= last
                });
                one.active && one.expires >= 0 && !away
            };
            let expected: Vec<String> = (0..people.len()).filter(may).map(|number| format!("c-{number:02}")).collect();
            prop_assert_eq!(&officers, &expected);
            prop_assert_eq!(&listed, &expected, "the list says the same as the draw");
            let there = |number: &usize| people[*number].retired.is_none_or(|retired| retired > 0);
            let expected: Vec<String> =
                (0..people.len()).filter(there).map(|number| format!("e-{number:02}")).collect();
            prop_assert_eq!(&experts, &expected);
            Ok(())
        })
    };
    tokio::task::block_in_place(run).unwrap();
}
