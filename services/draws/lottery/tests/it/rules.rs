//! What a draw may be told (art. 10, 11, 15): rules that break the protocol are refused by name.

use std::collections::BTreeMap;

use lottery::{
    frozen::TABLES,
    rules::{Contributor, Experts, Kind, PROTOCOL, Places, PublishAfter, Quota, Rules, Withheld},
};

fn rules() -> Rules {
    let contributor = |name: &str, kind, unit: Option<&str>| Contributor {
        contributor: name.into(),
        kind,
        unit: unit.map(Into::into),
    };
    Rules {
        beacon_waived: None,
        cover_district: true,
        entropy: vec![
            contributor("samr", Kind::Department, Some("samr")),
            contributor("congress", Kind::Witness, Some("congress")),
            contributor("drand:quicknet:9", Kind::Beacon, None),
        ],
        experts: Experts::default(),
        plan: "plans/2026-07".into(),
        protocol: PROTOCOL.into(),
        publish_after: None,
        quotas: BTreeMap::from([("A".into(), Quota::Ppm(20_000)), ("D".into(), Quota::Count(12))]),
        teams: vec![Places { size: 2, specialty: None, unit: "samr".into() }],
        withheld: None,
    }
}

#[test]
fn rules_are_read_back_from_their_bytes() {
    let mut rules = rules();
    rules.publish_after = Some(PublishAfter { basis: "暗访".into(), date: "2026-12-31".into() });
    rules.withheld =
        Some(Withheld { basis: "第十八条".into(), files: vec!["officers.tsv".into(), "subjects.tsv".into()] });
    let bytes = rules.to_bytes().unwrap();
    assert_eq!(Rules::parse(&bytes).unwrap(), rules);
    assert!(rules.problems("samr").is_empty());
}

#[test]
fn the_bytes_are_those_of_the_document() {
    assert_eq!(
        String::from_utf8(rules().to_bytes().unwrap()).unwrap(),
        r#"{"beacon_waived":null,"cover_district":true,"entropy":[{"contributor":"samr","kind":"DEPARTMENT","unit":"samr"},{"contributor":"congress","kind":"WITNESS","unit":"congress"},{"contributor":"drand:quicknet:9","kind":"BEACON","unit":null}],"experts":{"count":0,"specialty":null},"plan":"plans/2026-07","protocol":"qingtian-draw-v1","publish_after":null,"quotas":{"A":{"ppm":20000},"D":{"count":12}},"teams":[{"size":2,"specialty":null,"unit":"samr"}],"withheld":null}"#
    );
}

#[test]
fn malformed_members_are_refused() {
    let good = String::from_utf8(rules().to_bytes().unwrap()).unwrap();
    for (from, to) in [
        ("\"withheld\":null", "\"withheld\":null,\"x\":1"),
        ("\"cover_district\":true", "\"cover_district\":1"),
        ("\"beacon_waived\":null", "\"beacon_waived\":\"\""),
        ("{\"count\":12}", "{\"count\":12,\"ppm\":1}"),
        ("{\"count\":12}", "{}"),
        ("{\"count\":12}", "{\"count\":-1}"),
        ("{\"count\":12}", "{\"count\":\"12\"}"),
        ("\"D\":", "\"D D\":"),
        ("\"kind\":\"WITNESS\"", "\"kind\":\"witness\""),
        ("\"plan\":\"plans/2026-07\"", "\"plan\":\"\""),
        ("\"publish_after\":null", "\"publish_after\":{\"basis\":\"b\",\"date\":\"2026-02-30\"}"),
        ("\"size\":2,", ""),
        ("\"withheld\":null", "\"withheld\":{\"basis\":\"b\",\"files\":[1]}"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        assert!(Rules::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn every_broken_rule_is_named() {
    type Break = fn(&mut Rules);
    let breaks: [(&str, Break); 17] = [
        ("protocol is", |r| r.protocol = "v2".into()),
        ("entropy is empty", |r| r.entropy.clear()),
        ("contributor samr stands twice", |r| r.entropy[1].contributor = "samr".into()),
        ("has a unit", |r| r.entropy[2].unit = Some("x".into())),
        ("is not the last contributor", |r| r.entropy.swap(1, 2)),
        ("is none of drand:quicknet:R", |r| r.entropy[2].contributor = "dice".into()),
        ("has no unit", |r| r.entropy[0].unit = None),
        ("there are 0 beacons", |r| r.entropy.truncate(2)),
        ("the beacon is waived, but there is one", |r| r.beacon_waived = Some("no network".into())),
        ("no contributor is from outside", |r| r.entropy[1].unit = Some("samr".into())),
        ("more than 1000000", |r| r.quotas.extend([("A".into(), Quota::Ppm(1_000_001))])),
        ("teams is empty", |r| r.teams.clear()),
        ("has no place", |r| r.teams[0].size = 0),
        ("stands twice in teams", |r| r.teams.push(r.teams[0].clone())),
        ("names no file", |r| r.withheld = Some(Withheld { basis: "b".into(), files: vec![] })),
        ("not sorted", |r| {
            r.withheld = Some(Withheld { basis: "b".into(), files: vec![TABLES[1].into(), TABLES[0].into()] })
        }),
        ("cannot be withheld", |r| r.withheld = Some(Withheld { basis: "b".into(), files: vec!["rules.json".into()] })),
    ];
    for (message, breaking) in breaks {
        let mut broken = rules();
        breaking(&mut broken);
        let problems = broken.problems("samr");
        assert!(problems.iter().any(|problem| problem.contains(message)), "{message}: {problems:?}");
        assert!(broken.check("samr").is_err());
    }
    let mut waived = rules();
    waived.entropy.truncate(2);
    waived.beacon_waived = Some("no network".into());
    assert_eq!(waived.check("samr"), Ok(()));
}

#[test]
fn quotas_name_exactly_the_strata() {
    assert_eq!(rules().check_strata(["A", "D"]), Ok(()));
    assert!(rules().check_strata(["A"]).unwrap_err().to_string().contains("quota D has no subject"));
    assert!(rules().check_strata(["A", "B", "D"]).unwrap_err().to_string().contains("stratum B has no quota"));
}

#[test]
fn places_round_up_in_integers() {
    assert_eq!(Quota::Ppm(20_000).places(0), 0);
    assert_eq!(Quota::Ppm(20_000).places(50), 1);
    assert_eq!(Quota::Ppm(20_000).places(51), 2);
    assert_eq!(Quota::Ppm(1).places(1), 1);
    assert_eq!(Quota::Ppm(0).places(1_000), 0);
    assert_eq!(Quota::Ppm(1_000_000).places(u64::MAX), u64::MAX);
    assert_eq!(Quota::Count(12).places(7), 7);
    assert_eq!(Quota::Count(12).places(70), 12);
}

#[test]
fn a_successor_changes_its_entropy_and_nothing_else() {
    let failed = rules();
    let mut next = rules();
    next.entropy[2].contributor = "drand:quicknet:10".into();
    assert!(next.check_succeeds(&failed).unwrap_err().to_string().contains("no department or witness"));
    next.entropy[1].contributor = "press".into();
    assert_eq!(next.check_succeeds(&failed), Ok(()));
    next.entropy[2].contributor = "drand:quicknet:9".into();
    assert!(next.check_succeeds(&failed).unwrap_err().to_string().contains("failed draw's beacon"));
    next.entropy[2].contributor = "drand:quicknet:10".into();
    next.quotas.insert("D".into(), Quota::Count(13));
    assert!(next.check_succeeds(&failed).unwrap_err().to_string().contains("differ"));
}
