use super::*;

fn asked(kind: pb::DrawKind, change: impl FnOnce(&mut pb::Draw)) -> Result<Given> {
    let mut draw = pb::Draw { kind: kind as i32, ..Default::default() };
    change(&mut draw);
    Given::parse(&draw)
}

fn part() -> pb::TeamPart {
    pb::TeamPart { organisation: "organisations/market".to_owned(), size: 2, specialty: String::new() }
}

fn quota(stratum: &str, amount: Option<pb::quota::Amount>) -> pb::Quota {
    pb::Quota { stratum: stratum.to_owned(), amount }
}

fn follow(draw: &mut pb::Draw) {
    draw.follows = "draws/2026-0001".to_owned();
}

const FIVE: Option<pb::quota::Amount> = Some(pb::quota::Amount::Count(5));

#[test]
fn each_kind_is_given_what_it_needs_and_nothing_else() {
    use pb::DrawKind::{Original, Supplementary, Teams, Unspecified};
    assert_eq!(asked(Unspecified, |_| ()).unwrap().kind, Kind::Original);
    assert_eq!(asked(Original, |_| ()).unwrap().rivalry("organisations/market"), "");
    let supplementary = asked(Supplementary, |draw| {
        follow(draw);
        draw.quotas = vec![quota("410202", FIVE), quota("*", Some(pb::quota::Amount::Ppm(20_000)))];
    });
    assert_eq!(supplementary.unwrap().quotas["410202"], Amount::Count(5));
    let teams = asked(Teams, |draw| {
        follow(draw);
        draw.teams = vec![part()];
        draw.cover_district = true;
    });
    assert_eq!(teams.unwrap().rivalry("organisations/longting"), "draws/2026-0001 organisations/longting");

    for wrong in [
        asked(Original, follow),
        asked(Original, |draw| draw.quotas = vec![quota("*", FIVE)]),
        asked(Original, |draw| draw.teams = vec![part()]),
        asked(Original, |draw| draw.cover_district = true),
        asked(Supplementary, follow),
        asked(Supplementary, |draw| draw.quotas = vec![quota("*", FIVE)]),
        asked(Teams, follow),
        asked(Teams, |draw| draw.teams = vec![part()]),
        asked(Teams, |draw| {
            follow(draw);
            draw.teams = vec![pb::TeamPart { size: 1, ..part() }];
        }),
    ] {
        assert_eq!(wrong.unwrap_err().reason(), Reason::Invalid);
    }
    for quotas in [
        vec![quota("龙亭", FIVE)],
        vec![quota("410202", None)],
        vec![quota("410202", FIVE), quota("410202", FIVE)],
        vec![quota("410202", Some(pb::quota::Amount::Ppm(1_000_001)))],
        vec![quota("410202", Some(pb::quota::Amount::Count(-1)))],
    ] {
        let wrong = asked(Supplementary, |draw| {
            follow(draw);
            draw.quotas.clone_from(&quotas);
        });
        assert_eq!(wrong.unwrap_err().reason(), Reason::QuotaInvalid, "{quotas:?}");
    }
}

#[test]
fn every_stratum_left_has_a_quota_and_no_other_is_named() {
    let strata = BTreeMap::from([("410202".to_owned(), 9), ("410203".to_owned(), 3)]);
    let amounts = |given: &[(&str, u64)]| -> BTreeMap<String, Amount> {
        given.iter().map(|(stratum, count)| ((*stratum).to_owned(), Amount::Count(*count))).collect()
    };
    let resolved = resolve(&amounts(&[("410202", 2), (ANY, 1)]), &strata).unwrap();
    assert_eq!((resolved["410202"], resolved["410203"]), (Quota::Count(2), Quota::Count(1)));
    for wrong in [amounts(&[("410202", 2)]), amounts(&[(ANY, 1), ("410204", 1)])] {
        assert_eq!(resolve(&wrong, &strata).unwrap_err().reason(), Reason::QuotaInvalid);
    }
    assert!(everybody(&strata).values().all(|quota| quota.places(7) == 7));
}
