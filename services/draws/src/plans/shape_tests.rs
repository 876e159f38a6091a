use std::collections::BTreeMap;

use kit::error::Reason;
use sqlx::types::Json;

use super::{super::content::Amount, classes::Setting, *};

fn written(change: impl FnOnce(&mut pb::Plan)) -> pb::Plan {
    let mut plan = pb::Plan {
        year: 2026,
        stratification: pb::Stratification::District as i32,
        start_date: "2026-04-01".into(),
        end_date: "2026-09-29".into(),
        ..Default::default()
    };
    change(&mut plan);
    plan
}

fn parse(change: impl FnOnce(&mut pb::Plan)) -> Result<Shape> {
    super::super::content::Content::parse(&written(change)).map(|content| content.shape)
}

fn withhold(files: &[&str]) -> Option<pb::Withholding> {
    Some(pb::Withholding {
        basis: "统计法第二十五条".into(), files: files.iter().map(ToString::to_string).collect()
    })
}

fn after(date: &str) -> Option<pb::PublishAfter> {
    Some(pb::PublishAfter { basis: "食品安全法第一百零九条".into(), date: date.into() })
}

#[test]
fn a_plan_is_read_with_experts_withheld_files_and_a_day() {
    let shape = parse(|plan| {
        plan.experts = Some(pb::ExpertPart { count: 1, specialty: "food".into() });
        plan.withheld = withhold(&["officers.tsv", "exclusions.tsv"]);
        plan.publish_after = after("2026-10-08");
    });
    let shape = shape.unwrap();
    assert_eq!((shape.experts.count, shape.experts.specialty.as_deref()), (1, Some("food")));
    assert_eq!(shape.withheld.as_ref().unwrap().files, ["exclusions.tsv", "officers.tsv"], "sorted");
    assert_eq!(shape.publish_after.as_ref().unwrap().date.to_string(), "2026-10-08");
    let mut shown = pb::Plan::default();
    shape.show(&mut shown);
    assert_eq!(parse(|plan| *plan = pb::Plan { year: 2026, ..shown.clone() }).unwrap(), shape, "shown as it was read");
    assert_eq!(parse(|_| {}).unwrap(), Shape::default());
    let empty = parse(|plan| {
        plan.withheld = Some(pb::Withholding::default());
        plan.publish_after = Some(pb::PublishAfter::default());
        plan.experts = Some(pb::ExpertPart::default());
    });
    assert_eq!(empty.unwrap(), Shape::default(), "an empty form says nothing");
}

#[test]
fn nonsense_is_refused_beside_its_field() {
    let cases: Vec<(&str, pb::Plan)> = vec![
        ("experts.count", written(|plan| plan.experts = Some(pb::ExpertPart { count: -1, ..Default::default() }))),
        ("experts.count", written(|plan| plan.experts = Some(pb::ExpertPart { count: 51, ..Default::default() }))),
        (
            "experts.specialty",
            written(|plan| plan.experts = Some(pb::ExpertPart { count: 0, specialty: "food".into() })),
        ),
        (
            "experts.specialty",
            written(|plan| plan.experts = Some(pb::ExpertPart { count: 1, specialty: "食品".into() })),
        ),
        ("withheld.files", written(|plan| plan.withheld = withhold(&["rules.json"]))),
        ("withheld.files", written(|plan| plan.withheld = withhold(&["result.tsv"]))),
        ("withheld.files", written(|plan| plan.withheld = withhold(&["officers.tsv", "officers.tsv"]))),
        ("withheld.files", written(|plan| plan.withheld = withhold(&[]))),
        (
            "withheld.basis",
            written(|plan| {
                plan.withheld = Some(pb::Withholding { files: vec!["officers.tsv".into()], ..Default::default() });
            }),
        ),
        ("publish_after.date", written(|plan| plan.publish_after = after(""))),
        ("publish_after.date", written(|plan| plan.publish_after = after("2026-02-29"))),
        ("publish_after.date", written(|plan| plan.publish_after = after("2026-03-31"))),
        ("publish_after.date", written(|plan| plan.publish_after = after("2026-09-29"))),
        (
            "publish_after.basis",
            written(|plan| {
                plan.publish_after = Some(pb::PublishAfter { date: "2026-10-08".into(), ..Default::default() });
            }),
        ),
        ("register_basis", written(|plan| plan.register_basis = "信用条例".into())),
        ("register_basis", written(|plan| plan.stratification = pb::Stratification::CreditClass as i32)),
        (
            "register_basis",
            written(|plan| {
                plan.stratification = pb::Stratification::CreditClass as i32;
                plan.withheld = withhold(&["officers.tsv"]);
            }),
        ),
        (
            "register_basis",
            written(|plan| {
                plan.stratification = pb::Stratification::CreditClass as i32;
                plan.withheld = withhold(&["subjects.tsv"]);
                plan.register_basis = "信用条例".into();
            }),
        ),
    ];
    for (field, plan) in cases {
        let refusal = super::super::content::Content::parse(&plan).unwrap_err();
        assert_eq!(refusal.reason(), Reason::Invalid, "{plan:?}");
        assert!(refusal.message().contains(&format!("“{field}”")), "{field}: {}", refusal.message());
    }
}

#[test]
fn an_unannounced_result_is_public_within_ten_working_days_of_the_end() {
    // The tenth working day after 29 September 2026, over the National Day holidays.
    let due = Calendar::official().due("2026-09-29".parse().unwrap(), 10).date;
    assert!(parse(|plan| plan.publish_after = after(&due.to_string())).is_ok());
    let late = due.succ_opt().unwrap().to_string();
    assert_eq!(parse(|plan| plan.publish_after = after(&late)).unwrap_err().reason(), Reason::Invalid);
    let shape = parse(|plan| plan.publish_after = after("2026-10-08")).unwrap();
    assert!(shape.check_day("2026-10-07".parse().unwrap()).is_ok());
    for today in ["2026-10-08", "2026-11-01"] {
        let refusal = shape.check_day(today.parse().unwrap()).unwrap_err();
        assert_eq!(refusal.reason(), Reason::PublishDayPast);
    }
}

#[test]
fn a_plan_by_class_is_offered_quotas_and_withholds_its_register() {
    let setting = Setting {
        version: "2022-1".into(),
        quotas: Json(BTreeMap::from([("A".into(), Amount::Ppm(30_000)), ("D".into(), Amount::Ppm(1_000_000))])),
        quota_basis: "第十七条".into(),
        withhold_basis: "内部参考".into(),
    };
    let offered = |change: fn(&mut pb::Plan)| {
        let mut plan = written(|plan| plan.stratification = pb::Stratification::DistrictAndCreditClass as i32);
        change(&mut plan);
        classes::offer(&mut plan, &setting);
        super::super::content::Content::parse(&plan).unwrap()
    };
    let bare = offered(|_| {});
    assert_eq!(bare.quotas["D"], Amount::Ppm(1_000_000));
    assert_eq!(bare.shape.withheld.as_ref().unwrap().basis, "内部参考");
    assert_eq!(
        (bare.shape.withheld.unwrap().files, bare.shape.class_setting),
        (vec![SUBJECTS.to_owned()], "2022-1".into())
    );
    let own = offered(|plan| {
        plan.withheld = withhold(&["officers.tsv"]);
        plan.quotas = vec![pb::Quota { stratum: "410202/C".into(), amount: Some(pb::quota::Amount::Count(3)) }];
    });
    assert_eq!(own.quotas.len(), 1, "what a plan names is not added to");
    let withheld = own.shape.withheld.unwrap();
    assert_eq!((withheld.basis.as_str(), withheld.files.len()), ("统计法第二十五条", 2));
    let public = offered(|plan| plan.register_basis = "河南省信用条例".into());
    assert_eq!((public.shape.withheld, public.shape.register_basis.as_str()), (None, "河南省信用条例"));
}

#[test]
fn the_quota_of_a_district_and_class_is_its_own_or_its_classes_or_any() {
    let quota = |text: &str, n| (text.to_owned(), Amount::Count(n));
    let quotas = BTreeMap::from([quota("410202/C", 1), quota("C", 2), quota("*", 3)]);
    let of = |stratum| super::super::content::quota_for(&quotas, stratum).copied();
    assert_eq!(of("410202/C"), Some(Amount::Count(1)));
    assert_eq!(of("410203/C"), Some(Amount::Count(2)));
    assert_eq!(of("410203/UNCLASSIFIED"), Some(Amount::Count(3)));
}
