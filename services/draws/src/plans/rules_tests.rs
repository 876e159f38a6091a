use std::collections::BTreeMap;

use kit::error::Reason;
use lottery::rules::Quota;
use proptest::prelude::*;

use super::{
    super::{
        enough::People,
        exceptions::{Exception, Exceptions},
    },
    *,
};
use crate::{
    experts::store::Candidate,
    people::candidates::Exclusion,
    registers::{rules::Officer, store::Placed},
};

const NOW: &str = "2026-03-01T00:00:00Z";

fn now() -> DateTime<Utc> {
    NOW.parse().unwrap()
}

fn given() -> pb::Plan {
    let quota = |stratum: &str, amount| pb::Quota { stratum: stratum.into(), amount: Some(amount) };
    pb::Plan {
        title: "2026年度抽查计划".into(),
        year: 2026,
        kind: pb::PlanKind::Annual as i32,
        items: vec!["organisations/market/items/1".into()],
        districts: vec!["410203".into(), "410202".into()],
        stratification: pb::Stratification::District as i32,
        quotas: vec![quota("*", pb::quota::Amount::Ppm(50_000)), quota("410203", pb::quota::Amount::Count(3))],
        teams: vec![pb::TeamPart { organisation: "organisations/market".into(), size: 2, specialty: String::new() }],
        cover_district: true,
        start_date: "2026-04-01".into(),
        end_date: "2026-06-30".into(),
        method: "现场检查".into(),
        frequency: "每年1次".into(),
        ..Default::default()
    }
}

fn plan() -> Plan {
    draft(&given())
}

fn draft(given: &pb::Plan) -> Plan {
    let id = PlanId { year: 2026, number: 7 };
    Plan::draft(id, "organisations/market", Content::parse(given).unwrap(), "users/a", now())
}

fn changed(change: impl FnOnce(&mut pb::Plan)) -> pb::Plan {
    let mut given = given();
    change(&mut given);
    given
}

#[test]
fn a_plan_is_called_by_year_and_number() {
    let id = PlanId { year: 2026, number: 7 };
    assert_eq!((id.to_string().as_str(), PlanId::parse("plans/2026-07").unwrap()), ("plans/2026-07", id));
    assert_eq!(PlanId::parse("plans/2026-123").unwrap().number, 123);
    for other in
        ["plans/2026-7", "plans/2026-007", "plans/26-07", "2026-07", "plans/2026-+7", "plans/", "draws/2026-0007"]
    {
        assert_eq!(PlanId::parse(other).unwrap_err().reason(), Reason::NotFound, "{other}");
    }
}

#[test]
fn what_is_written_is_parsed_and_sorted() {
    let content = plan().content;
    assert_eq!(content.districts, ["410202", "410203"]);
    assert_eq!(content.quotas["410203"], Amount::Count(3));
    assert_eq!(content.teams[0].unit(), "market");
    assert_eq!(
        Content::parse(&pb::Plan { year: 2026, ..Default::default() }).unwrap().title,
        "",
        "a draft may lack things"
    );
}

#[test]
fn what_does_not_hold_is_refused_with_its_field() {
    let quota = |stratum: &str, amount| vec![pb::Quota { stratum: stratum.into(), amount }];
    let team =
        |organisation: &str, size| pb::TeamPart { organisation: organisation.into(), size, ..Default::default() };
    let ppm = |ppm| Some(pb::quota::Amount::Ppm(ppm));
    let cases: Vec<(pb::Plan, Reason)> = vec![
        (changed(|plan| plan.title = "长".repeat(201)), Reason::Invalid),
        (changed(|plan| plan.title = "a\u{7}".into()), Reason::Invalid),
        (changed(|plan| plan.kind = 9), Reason::Invalid),
        (changed(|plan| plan.stratification = 9), Reason::Invalid),
        (changed(|plan| plan.items = vec!["items/1".into()]), Reason::Invalid),
        (changed(|plan| plan.items.push(plan.items[0].clone())), Reason::Invalid),
        (changed(|plan| plan.districts = vec!["41020".into()]), Reason::Invalid),
        (changed(|plan| plan.districts.push("410202".into())), Reason::Invalid),
        (changed(|plan| plan.start_date = "2026-02-29".into()), Reason::Invalid),
        (changed(|plan| plan.start_date = "2025-04-01".into()), Reason::Invalid),
        (changed(|plan| plan.end_date = "2026-03-31".into()), Reason::Invalid),
        (changed(|plan| plan.teams = vec![team("organisations/market", 1)]), Reason::Invalid),
        (changed(|plan| plan.teams = vec![team("organisations/market", 0)]), Reason::Invalid),
        (changed(|plan| plan.teams = vec![team("market", 2)]), Reason::Invalid),
        (changed(|plan| plan.teams = vec![team("organisations/市监", 2)]), Reason::Invalid),
        (changed(|plan| plan.teams.push(plan.teams[0].clone())), Reason::Invalid),
        (changed(|plan| plan.teams[0].specialty = "食品".into()), Reason::Invalid),
        (changed(|plan| plan.quotas = quota("*", None)), Reason::QuotaInvalid),
        (changed(|plan| plan.quotas = quota("*", ppm(1_000_001))), Reason::QuotaInvalid),
        (changed(|plan| plan.quotas = quota("*", ppm(-1))), Reason::QuotaInvalid),
        (changed(|plan| plan.quotas = quota("*", Some(pb::quota::Amount::Count(-1)))), Reason::QuotaInvalid),
        (changed(|plan| plan.quotas = quota("all", ppm(1))), Reason::QuotaInvalid),
        (changed(|plan| plan.quotas = quota("410204", ppm(1))), Reason::QuotaInvalid),
        (changed(|plan| plan.quotas.push(plan.quotas[0].clone())), Reason::QuotaInvalid),
        (changed(|plan| plan.stratification = pb::Stratification::Whole as i32), Reason::QuotaInvalid),
    ];
    for (given, reason) in cases {
        assert_eq!(Content::parse(&given).unwrap_err().reason(), reason, "{given:?}");
    }
    for edge in [0, 1_000_000] {
        assert!(Content::parse(&changed(|plan| plan.quotas = quota("*", ppm(edge)))).is_ok());
    }
}

#[test]
fn a_plan_says_what_it_lacks() {
    let bare = draft(&pb::Plan { year: 2026, ..Default::default() });
    let refusal = bare.step(Step::Submit, "users/a", now()).unwrap_err();
    assert_eq!(refusal.reason(), Reason::PlanIncomplete);
    for missing in ["标题", "事项", "比例", "检查组", "开始日期", "结束日期", "方式", "频次", "分层", "类型"]
    {
        assert!(refusal.message().contains(missing), "{missing}: {}", refusal.message());
    }
    plan().complete().unwrap();
}

#[test]
fn a_plan_published_after_march_is_late_by_kaifengs_clock() {
    let publish = |time: &str| {
        let plan = plan().step(Step::Submit, "users/a", now()).unwrap();
        plan.step(Step::Publish, "users/b", time.parse().unwrap()).unwrap().late
    };
    assert!(!publish("2026-03-31T15:59:59Z"));
    assert!(publish("2026-03-31T16:00:00Z"), "1 April in Kaifeng");
    assert!(publish("2027-01-01T00:00:00Z"));
    assert!(!publish("2025-12-31T00:00:00Z"));
}

#[test]
fn nobody_publishes_or_returns_what_they_wrote() {
    let edited = plan().step(Step::Edit, "users/b", now()).unwrap();
    let submitted = edited.step(Step::Submit, "users/c", now()).unwrap();
    for author in ["users/a", "users/b", "users/c"] {
        for step in [Step::Publish, Step::Return] {
            assert_eq!(submitted.clone().step(step, author, now()).unwrap_err().reason(), Reason::OwnAct, "{author}");
        }
    }
    let published = submitted.step(Step::Publish, "users/d", now()).unwrap();
    assert_eq!(
        (published.publisher.as_str(), published.creator.as_str(), published.revision),
        ("users/d", "users/a", 4)
    );
}

proptest! {
    /// From every state, every step by anybody: a listed transition or a refusal with a reason, and nothing in between.
    #[test]
    fn every_walk_keeps_to_the_states(walk in proptest::collection::vec((0..Step::ALL.len(), 0..4_u8), 0..30)) {
        let mut plan = plan();
        for (step, who) in walk {
            let step = Step::ALL[step];
            let by = format!("users/{who}");
            let before = plan.clone();
            match plan.clone().step(step, &by, now()) {
                Ok(after) => {
                    prop_assert_eq!(Some(after.state), before.state.after(step));
                    prop_assert_eq!(after.revision, before.revision + 1);
                    prop_assert_eq!((&after.changed_by, after.changed_what.as_str()), (&by, step.said()));
                    prop_assert!(before.authors.iter().all(|author| after.authors.contains(author)));
                    let public = matches!(after.state, State::Published | State::Finished);
                    prop_assert_eq!(public, after.published_at.is_some() && !after.publisher.is_empty());
                    prop_assert!(!after.authors.contains(&after.publisher));
                    prop_assert_eq!((&after.content, after.id), (&before.content, before.id));
                    plan = after;
                }
                Err(refusal) => {
                    let expected = match before.state.after(step) {
                        None => Reason::WrongState,
                        Some(_) => Reason::OwnAct,
                    };
                    prop_assert_eq!(refusal.reason(), expected);
                }
            }
        }
    }

    /// Each stratum has exactly one quota, its own before the one for any, and counts add up.
    #[test]
    fn strata_add_up_and_each_has_one_quota(counts in proptest::collection::btree_map(410_200_u32..410_230, (0..100_u64, 0..9_u64), 0..20)) {
        let mut given = given();
        given.districts.clear();
        let plan = draft(&given);
        let counts: Vec<_> = counts
            .into_iter()
            .map(|(district, (subjects, left_out))| PoolCount { district: district.to_string(), subjects, left_out, ..Default::default() })
            .collect();
        let divided = strata(&plan, &counts);
        prop_assert_eq!(divided.values().map(|n| n.subjects).sum::<u64>(), counts.iter().map(|n| n.subjects).sum::<u64>());
        let quotas = resolve(&plan, divided.keys().map(String::as_str)).unwrap();
        prop_assert_eq!(quotas.keys().collect::<Vec<_>>(), divided.keys().collect::<Vec<_>>());
        for (stratum, quota) in quotas {
            prop_assert_eq!(quota, if stratum == "410203" { Quota::Count(3) } else { Quota::Ppm(50_000) });
        }
    }
}

fn in_district(district: &str, subjects: u64) -> PoolCount {
    PoolCount { district: district.into(), subjects, left_out: 1, ..Default::default() }
}

fn officers(n: usize, districts: &[&str], specialties: &[&str]) -> Vec<Officer> {
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    (0..n)
        .map(|n| Officer {
            key: format!("4102-{n:03}"),
            organisation: "organisations/market".into(),
            districts: words(districts),
            specialties: words(specialties),
        })
        .collect()
}

fn excepting(kinds: &[Exception]) -> Exceptions {
    Exceptions(kinds.iter().map(|kind| (*kind, "经批准".to_owned())).collect())
}

fn found(plan: &Plan, counts: &[PoolCount], people: &People) -> Vec<Refusal> {
    obstacles(plan, counts, people, legal_day(now()))
}

fn reasons(plan: &Plan, counts: &[PoolCount], officers: &[Officer]) -> Vec<Reason> {
    let people = People { officers: officers.to_vec(), ..Default::default() };
    found(plan, counts, &people).iter().map(Refusal::reason).collect()
}

#[test]
fn a_draw_is_refused_for_what_the_register_lacks() {
    let plan = plan();
    let enough = officers(4, &["410202", "410203"], &[]);
    let both = [in_district("410202", 20), in_district("410203", 20)];
    assert_eq!(reasons(&plan, &both, &enough), []);
    assert_eq!(reasons(&plan, &[in_district("410202", 0)], &enough), [Reason::RegisterEmpty]);
    assert_eq!(reasons(&plan, &[], &[]), [Reason::RegisterEmpty]);
    assert_eq!(reasons(&plan, &both[..1], &enough), [Reason::EmptyStratum]);
    assert_eq!(reasons(&plan, &[both[0].clone(), in_district("410203", 19)], &enough), [Reason::SmallStratum]);
    let unquoted = draft(&changed(|plan| {
        plan.quotas.remove(0);
    }));
    assert_eq!(reasons(&unquoted, &both, &enough), [Reason::QuotaInvalid]);
    let mut excepted = plan.clone();
    let tiny = [in_district("410202", 1), in_district("410203", 1)];
    excepted.content.exceptions = excepting(&[Exception::SmallStratum]);
    assert_eq!(reasons(&excepted, &tiny, &enough), []);
    assert_eq!(reasons(&excepted, &tiny, &enough[..2]), [Reason::TooFewOfficers; 2], "approved was something else");
    excepted.content.exceptions = excepting(&[Exception::FewOfficers, Exception::FewExperts, Exception::Recusals]);
    assert_eq!(reasons(&excepted, &tiny, &enough[..2]), [Reason::SmallStratum; 2], "approved was something else");
    excepted.content.exceptions = excepting(&[Exception::SmallStratum, Exception::FewOfficers]);
    assert_eq!(reasons(&excepted, &tiny, &enough[..2]), []);
    assert_eq!(
        reasons(&excepted, &tiny, &enough[..1]),
        [Reason::TooFewOfficers; 2],
        "no exception forms a team of one"
    );
    assert_eq!(reasons(&excepted, &both[..1], &enough), [Reason::EmptyStratum], "no exception fills an empty stratum");
}

#[test]
fn a_register_divided_into_more_strata_than_a_draw_can_have_is_in_the_way() {
    let anywhere = |stratification: pb::Stratification| {
        draft(&changed(|plan| {
            plan.districts.clear();
            plan.cover_district = false;
            plan.stratification = stratification as i32;
            plan.quotas = vec![pb::Quota { stratum: "*".into(), amount: Some(pb::quota::Amount::Ppm(50_000)) }];
        }))
    };
    let by_district = anywhere(pb::Stratification::District);
    let mut counts: Vec<_> = (0..400).map(|n| in_district(&format!("{}", 410_000 + n), 20)).collect();
    // Where nobody is in business, there is nothing to draw from.
    counts.push(in_district("420000", 0));
    let staff = officers(4, &[], &[]);
    assert_eq!(reasons(&by_district, &counts, &staff), []);
    counts.push(in_district("420001", 20));
    assert_eq!(reasons(&by_district, &counts, &staff), [Reason::QuotaInvalid], "nothing else is said before that");
    let said = found(&by_district, &counts, &People { officers: staff.clone(), ..Default::default() }).remove(0);
    assert!(said.message().contains("401") && said.message().contains("400"), "{}", said.message());
    assert_eq!(reasons(&anywhere(pb::Stratification::Whole), &counts, &staff), []);
}

#[test]
fn a_draw_is_refused_for_fewer_than_twice_the_officers_needed() {
    let both = [in_district("410202", 20), in_district("410203", 20)];
    let plan = plan();
    let three = People { officers: officers(3, &["410202", "410203"], &[]), ..Default::default() };
    let refused = found(&plan, &both, &three);
    assert_eq!(refused.len(), 2, "each district by itself");
    assert!(refused[0].message().contains("龙亭区（410202）"), "{}", refused[0].message());
    assert!(refused[0].message().contains('3') && refused[0].message().contains('4'));
    assert_eq!(reasons(&plan, &both, &officers(9, &["410202"], &[])), [Reason::TooFewOfficers]);
    let anywhere = draft(&changed(|plan| plan.cover_district = false));
    assert_eq!(reasons(&anywhere, &both, &officers(4, &[], &[])), []);
    assert_eq!(reasons(&anywhere, &both, &officers(3, &[], &[])), [Reason::TooFewOfficers]);
    let special = draft(&changed(|plan| plan.teams[0].specialty = "food".into()));
    let mut staff = officers(4, &["410202", "410203"], &[]);
    staff[0].specialties = vec!["food".into()];
    assert_eq!(reasons(&special, &both, &staff), [Reason::TooFewOfficers, Reason::TooFewOfficers]);
    staff[1].specialties = vec!["food".into()];
    assert_eq!(reasons(&special, &both, &staff), []);
    let nobody = draft(&changed(|plan| {
        let none = Some(pb::quota::Amount::Count(0));
        plan.quotas = ["410202", "410203"].map(|stratum| pb::Quota { stratum: stratum.into(), amount: none }).to_vec();
    }));
    assert_eq!(reasons(&nobody, &both, &[]), [], "where nobody is drawn, nobody need go");
    assert_eq!(strata(&plan, &both)["410202"], StratumCount { subjects: 20, left_out: 1 });
    let whole = draft(&changed(|plan| {
        plan.stratification = pb::Stratification::Whole as i32;
        plan.quotas = vec![pb::Quota { stratum: "all".into(), amount: Some(pb::quota::Amount::Ppm(1)) }];
    }));
    assert_eq!(strata(&whole, &both), BTreeMap::from([(ALL.to_owned(), StratumCount { subjects: 40, left_out: 2 })]));
}

fn expert(key: &str, districts: &[&str], specialties: &[&str]) -> Candidate {
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
    let organisation = "organisations/market".to_owned();
    Candidate { key: key.into(), organisation, districts: words(districts), specialties: words(specialties) }
}

#[test]
fn a_draw_is_refused_for_fewer_than_twice_the_experts_needed() {
    let both = [in_district("410202", 20), in_district("410203", 20)];
    let wanted = |specialty: &str| {
        draft(&changed(|plan| plan.experts = Some(pb::ExpertPart { count: 1, specialty: specialty.into() })))
    };
    let with = |experts: &[Candidate]| People {
        officers: officers(4, &["410202", "410203"], &[]),
        experts: experts.to_vec(),
        ..Default::default()
    };
    let reasons = |plan: &Plan, people| found(plan, &both, &people).iter().map(Refusal::reason).collect::<Vec<_>>();
    let everywhere = ["410202", "410203"];
    let (one, two) = (expert("E-1", &everywhere, &["food"]), expert("E-2", &everywhere, &["food"]));
    assert_eq!(reasons(&wanted(""), with(&[])), [Reason::TooFewExperts; 2]);
    assert_eq!(reasons(&wanted(""), with(std::slice::from_ref(&one))), [Reason::TooFewExperts; 2]);
    assert_eq!(reasons(&wanted("food"), with(&[one.clone(), two.clone()])), []);
    assert_eq!(reasons(&wanted("fire"), with(&[one.clone(), two])), [Reason::TooFewExperts; 2]);
    assert_eq!(reasons(&wanted(""), with(&[one.clone(), expert("E-3", &["410202"], &[])])), [Reason::TooFewExperts]);
    let mut excepted = wanted("food");
    excepted.content.exceptions = excepting(&[Exception::SmallStratum, Exception::FewOfficers, Exception::Recusals]);
    assert_eq!(
        reasons(&excepted, with(std::slice::from_ref(&one))),
        [Reason::TooFewExperts; 2],
        "approved was something else"
    );
    excepted.content.exceptions = excepting(&[Exception::FewExperts]);
    assert_eq!(reasons(&excepted, with(&[one])), []);
    assert_eq!(
        reasons(&excepted, with(&[])),
        [Reason::TooFewExperts; 2],
        "no exception places an expert who is not there"
    );
}

#[test]
fn recusals_that_leave_too_few_are_in_the_way_unless_approved() {
    let both = [in_district("410202", 20), in_district("410203", 20)];
    let against = |person: &str, subject: &str| Exclusion {
        person: person.into(),
        subject: subject.into(),
        organisation: "organisations/market".into(),
    };
    let placed =
        |key: &str, district: &str| Placed { key: key.into(), district: district.into(), class: String::new() };
    let people = |exclusions: &[Exclusion]| People {
        officers: officers(5, &["410202", "410203"], &[]),
        exclusions: exclusions.to_vec(),
        excluded: vec![placed("s1", "410202"), placed("s2", "410203")],
        ..Default::default()
    };
    let plan = plan();
    assert_eq!(found(&plan, &both, &people(&[against("4102-000", "s1")])).len(), 0, "four are left for two places");
    let two = [against("4102-000", "s1"), against("4102-001", "s1"), against("4102-001", "s2")];
    let refused = found(&plan, &both, &people(&two));
    assert_eq!(refused.iter().map(Refusal::reason).collect::<Vec<_>>(), [Reason::RecusalsLeaveTooFew]);
    let said = refused[0].message();
    assert!(
        said.contains("龙亭区（410202） market") && said.contains("1 个检查对象") && said.contains("3 名"),
        "{said}"
    );
    // Nobody is left for one, and too few for the other.
    let all: Vec<Exclusion> = (0..5)
        .map(|n| against(&format!("4102-00{n}"), "s1"))
        .chain((0..2).map(|n| against(&format!("4102-00{n}"), "s2")))
        .collect();
    let refused = found(&plan, &both, &people(&all));
    assert_eq!(refused.len(), 2, "each district by itself");
    let nobody = refused.iter().find(|one| one.message().contains("龙亭区")).unwrap().message();
    assert!(nobody.contains("0 名"), "{nobody}");
    let mut excepted = plan.clone();
    let others = [Exception::SmallStratum, Exception::FewOfficers, Exception::FewExperts];
    excepted.content.exceptions = excepting(&others);
    let refused = found(&excepted, &both, &people(&all));
    assert_eq!(refused.len(), 2, "approved was something else");
    excepted.content.exceptions = excepting(&[Exception::Recusals]);
    assert_eq!(
        found(&excepted, &both, &people(&all)).len(),
        0,
        "approved and published, whoever is left without a team is shown"
    );
    // Where few are approved, a subject whom recusals leave without a team is another matter.
    let mut few = plan.clone();
    few.content.exceptions = excepting(&[Exception::FewOfficers]);
    let three =
        |exclusions: &[Exclusion]| People { officers: officers(3, &["410202", "410203"], &[]), ..people(exclusions) };
    assert_eq!(found(&few, &both, &three(&two[..1])).len(), 0, "two are left for two places");
    let refused = found(&few, &both, &three(&two));
    assert_eq!(refused.iter().map(Refusal::reason).collect::<Vec<_>>(), [Reason::RecusalsLeaveTooFew]);
    assert_eq!((refused[0].value("have"), refused[0].value("need")), (Some("1"), Some("2")));
    // Where nobody is drawn, and outside the pool, recusals matter nothing.
    let mut one_sided = plan;
    one_sided.content.quotas.insert("410202".into(), Amount::Count(0));
    assert_eq!(found(&one_sided, &both, &people(&two)).len(), 0);
}

#[test]
fn a_pool_is_divided_by_class_and_by_district_and_class() {
    let of =
        |district: &str, class: &str, subjects| PoolCount { class: class.into(), ..in_district(district, subjects) };
    let counts = [of("410202", "A", 30), of("410202", "", 20), of("410203", "A", 25), of("410203", "D", 20)];
    let divided = |stratification: pb::Stratification| {
        let plan = draft(&changed(|plan| {
            plan.stratification = stratification as i32;
            plan.districts.clear();
            plan.quotas = vec![
                pb::Quota { stratum: "D".into(), amount: Some(pb::quota::Amount::Ppm(1_000_000)) },
                pb::Quota { stratum: "B".into(), amount: Some(pb::quota::Amount::Ppm(100_000)) },
                pb::Quota { stratum: "*".into(), amount: Some(pb::quota::Amount::Ppm(30_000)) },
            ];
            plan.withheld = Some(pb::Withholding { basis: "内部参考".into(), files: vec!["subjects.tsv".into()] });
        }));
        let people = People { officers: officers(4, &["410202", "410203"], &[]), ..Default::default() };
        assert_eq!(found(&plan, &counts, &people).len(), 0, "a class nobody is in stands in nobody's way");
        let strata = strata(&plan, &counts);
        let quotas = resolve(&plan, strata.keys().map(String::as_str)).unwrap();
        strata.into_iter().map(|(name, n)| (quotas[&name].places(n.subjects), name, n.subjects)).collect::<Vec<_>>()
    };
    assert_eq!(
        divided(pb::Stratification::CreditClass),
        [(2, "A".into(), 55), (20, "D".into(), 20), (1, "UNCLASSIFIED".into(), 20)]
    );
    assert_eq!(
        divided(pb::Stratification::DistrictAndCreditClass),
        [
            (1, "410202/A".into(), 30),
            (1, "410202/UNCLASSIFIED".into(), 20),
            (1, "410203/A".into(), 25),
            (20, "410203/D".into(), 20)
        ]
    );
}

#[test]
fn quarters_are_kaifengs() {
    let at = |text: &str| quarter(text.parse().unwrap());
    assert_eq!(at("2026-11-23T01:00:00Z"), "2026-4");
    assert_eq!(at("2026-12-31T15:59:59Z"), "2026-4");
    assert_eq!(at("2026-12-31T16:00:00Z"), "2027-1", "already the new year in Kaifeng");
    assert_eq!(at("2026-03-31T16:00:00Z"), "2026-2");
}
