use proptest::prelude::*;

use super::*;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_395_600 + minute * 60, 0).unwrap()
}

fn reason<T: std::fmt::Debug>(result: Result<T>) -> Reason {
    result.unwrap_err().reason()
}

#[test]
fn five_failures_lock_for_fifteen_minutes_and_then_counting_begins_anew() {
    let mut attempts = Attempts::default();
    for _ in 0..5 {
        let (next, verdict) = attempts.judge(false, at(0));
        assert_eq!(verdict, Verdict::Wrong);
        attempts = next;
    }
    assert_eq!(attempts.judge(true, at(14)).1, Verdict::Locked(at(15)), "even the right password waits");
    assert_eq!(attempts.judge(true, at(15)), (Attempts::default(), Verdict::Admitted));
    let (after, verdict) = attempts.judge(false, at(15));
    assert_eq!((after.failures, after.locked_until, verdict), (1, None, Verdict::Wrong));
}

proptest! {
    #[test]
    fn no_run_of_guesses_is_judged_more_than_five_times_in_a_quarter_of_an_hour(minutes in prop::collection::vec(0i64..4, 1..200)) {
        let (mut attempts, mut now, mut judged) = (Attempts::default(), 0, Vec::new());
        for pause in minutes {
            now += pause;
            let (next, verdict) = attempts.judge(false, at(now));
            if verdict == Verdict::Wrong {
                judged.push(now);
            }
            attempts = next;
        }
        for window in judged.windows(6) {
            prop_assert!(window[5] - window[0] >= 15, "{window:?}");
        }
    }
}

#[test]
fn whoever_is_locked_out_is_told_until_when_in_local_time() {
    let refusal = Verdict::Locked(at(15)).admitted().unwrap_err();
    assert!(refusal.message().contains("2026-11-23 09:15:00 +08:00"), "{}", refusal.message());
}

#[test]
fn a_sign_in_ends_by_age_or_by_disuse() {
    assert!(!sign_in_over(at(0), at(0), at(119)));
    assert!(sign_in_over(at(0), at(0), at(120)), "two hours unused");
    assert!(!sign_in_over(at(0), at(700), at(719)));
    assert!(sign_in_over(at(0), at(719), at(720)), "twelve hours old");
}

#[test]
fn nobody_grants_wider_rights_than_their_own() {
    let all: Vec<Role> = (1..=19).map(|number| Role::try_from(number).unwrap()).collect();
    for own in &all {
        for wanted in &all {
            let granted = check_grant(&[*own], &[*wanted]);
            let expected = match own {
                Role::PlatformOperator => true,
                Role::DepartmentAdmin => matches!(
                    wanted,
                    Role::Handler
                        | Role::Reviewer
                        | Role::Officer
                        | Role::DepartmentAdmin
                        | Role::LegalReviewer
                        | Role::Head
                        | Role::Editor
                ),
                Role::DistrictAdmin => *wanted == Role::DepartmentAdmin,
                _ => false,
            };
            assert_eq!(granted.is_ok(), expected, "{own:?} grants {wanted:?}");
            if let Err(refusal) = granted {
                assert_eq!(refusal.reason(), Reason::WiderRights);
                assert!(refusal.message().contains(role_name(*wanted)));
            }
        }
    }
    let mixed = [Role::Handler, Role::Auditor];
    assert_eq!(reason(check_grant(&[Role::DepartmentAdmin], &mixed)), Reason::WiderRights);
}

#[test]
fn every_state_answers_every_event() {
    use PersonEvent::{Close, Freeze, Unfreeze, Verify};
    use PersonState::{Active, Closed, Frozen, Pending};
    let ways = [
        (Pending, Verify, Active),
        (Pending, Close, Closed),
        (Active, Freeze, Frozen),
        (Active, Close, Closed),
        (Frozen, Unfreeze, Active),
        (Frozen, Close, Closed),
    ];
    for state in PersonState::ALL {
        for event in [Verify, Freeze, Unfreeze, Close] {
            let found = ways.iter().find(|(from, by, _)| (*from, *by) == (state, event));
            match found {
                Some((_, _, to)) => assert_eq!(state.next(event, "users/a").unwrap(), *to),
                None => assert_eq!(reason(state.next(event, "users/a")), Reason::WrongState, "{state:?} {event:?}"),
            }
        }
        assert_eq!(PersonState::stored(state.as_str()), state);
        assert_eq!(PersonState::asked(state.shown() as i32).unwrap(), Some(state));
    }
    let refused = [Pending, Frozen, Closed].map(|state| reason(state.admitted()));
    assert_eq!(refused, [Reason::UserUnverified, Reason::UserFrozen, Reason::UserClosed]);
    Active.admitted().unwrap();
    for act in Act::ALL {
        assert_ne!(Act::shown(act.as_str()), pb::UserActKind::Unspecified);
    }
}

#[test]
fn nobody_administers_what_another_of_his_roles_watches() {
    let watched = [Role::PlatformOperator, Role::SecurityAdmin, Role::Auditor];
    for one in watched {
        check_separate(&[one, Role::Handler, Role::Coordinator]).unwrap();
        for other in watched.iter().filter(|other| **other != one) {
            let refusal = check_separate(&[Role::Handler, one, *other]).unwrap_err();
            assert_eq!(refusal.reason(), Reason::AdminsSeparate);
            assert!(refusal.message().contains(role_name(one)) && refusal.message().contains(role_name(*other)));
        }
    }
    assert_eq!(changed(&[Role::Handler, Role::Officer], &[Role::Officer, Role::Head]), [Role::Head, Role::Handler]);
    assert!(changed(&[Role::Head], &[Role::Head]).is_empty());
    check_freeze(&[Role::SecurityAdmin], &[Role::PlatformOperator]).unwrap();
    assert_eq!(reason(check_freeze(&[Role::DistrictAdmin], &[Role::Handler])), Reason::WiderRights);
}

#[test]
fn duties_go_to_a_colleague_who_is_there_and_has_some() {
    let of = |name, organisation, state, roles| Colleague { name, organisation, state, roles };
    let leaver = of("users/a", "organisations/market", PersonState::Frozen, &[Role::Handler]);
    let (handler, admin) = ([Role::Reviewer], [Role::DepartmentAdmin]);
    check_successor(leaver, Some(of("users/b", "organisations/market", PersonState::Active, &handler)), "b").unwrap();
    for unfit in [
        None,
        Some(leaver),
        Some(of("users/b", "organisations/fire", PersonState::Active, &handler)),
        Some(of("users/b", "organisations/market", PersonState::Pending, &handler)),
        Some(of("users/b", "organisations/market", PersonState::Frozen, &handler)),
        Some(of("users/b", "organisations/market", PersonState::Closed, &handler)),
        Some(of("users/b", "organisations/market", PersonState::Active, &admin)),
    ] {
        assert_eq!(reason(check_successor(leaver, unfit, "users/b")), Reason::SuccessorUnfit, "{unfit:?}");
    }
    let idle = of("users/a", "organisations/market", PersonState::Active, &admin);
    check_successor(idle, Some(of("users/b", "organisations/market", PersonState::Active, &admin)), "b").unwrap();
}

#[test]
fn an_office_is_no_person() {
    for name in ["李伟", "欧阳 娜娜", "Anna Müller-Li"] {
        parse_real_name(name).unwrap();
    }
    for office in ["信用监管科室", "系统管理员", "值班人员", "办公室", "Admin Wang"] {
        assert_eq!(reason(parse_real_name(office)), Reason::SharedAccount, "{office}");
    }
}

#[test]
fn roles_are_known_given_and_kept_once() {
    assert_eq!(parse_roles(&[6, 5, 6]).unwrap(), [Role::Handler, Role::Reviewer]);
    for wrong in [&[][..], &[0], &[5, 99]] {
        assert_eq!(reason(parse_roles(wrong)), Reason::Invalid, "{wrong:?}");
    }
}

#[test]
fn weak_passwords_are_refused() {
    check_password("Kaifeng-2026-qt", "li.wei").unwrap();
    check_password("开封青天监管平台abc12", "li.wei").unwrap();
    let long = "Aa1-".repeat(33);
    for weak in ["", "Short-1", "alllowercaseletters", "lower1234567890", "My-Li.Wei-2026!", long.as_str()] {
        assert_eq!(reason(check_password(weak, "li.wei")), Reason::WeakPassword, "{weak}");
    }
}

#[test]
fn user_names_are_compared_in_small_letters() {
    assert_eq!(parse_username(" Li.Wei@Kaifeng ").unwrap(), "li.wei@kaifeng");
    assert_eq!(parse_username("李伟").unwrap(), "李伟");
    for wrong in ["", "a", "a b", "a\u{0}b", "x'; drop table person", &"a".repeat(65)] {
        assert_eq!(reason(parse_username(wrong)), Reason::Invalid, "{wrong}");
    }
}

#[test]
fn real_names_are_names() {
    for name in ["李伟", "阿卜杜拉·买买提", "Anna-Maria O'Neill"] {
        assert_eq!(parse_real_name(name).unwrap(), name);
    }
    for wrong in ["", " ", "李", "user01", "test_1", "李伟\u{0}", "--", &"李".repeat(101)] {
        assert_eq!(reason(parse_real_name(wrong)), Reason::RealNameNeeded, "{wrong}");
    }
}

#[test]
fn an_officer_needs_a_certificate_with_number_and_expiry() {
    let full = pb::Certificate {
        number: "41020017-A".into(),
        expire_date: "2027-12-31".into(),
        districts: vec!["410202".into()],
        specialties: vec!["food".into()],
    };
    let officer = [Role::Officer];
    assert_eq!(parse_certificate(Some(&full), &officer).unwrap().unwrap().number, "41020017-A");
    assert_eq!(parse_certificate(None, &[Role::Handler]).unwrap(), None);
    assert_eq!(reason(parse_certificate(None, &officer)), Reason::CertificateNeeded);
    let with = |change: fn(&mut pb::Certificate)| {
        let mut certificate = full.clone();
        change(&mut certificate);
        reason(parse_certificate(Some(&certificate), &officer))
    };
    assert_eq!(with(|c| c.number.clear()), Reason::CertificateNeeded);
    assert_eq!(with(|c| c.expire_date.clear()), Reason::CertificateNeeded);
    assert_eq!(with(|c| c.number = "证 1".into()), Reason::Invalid);
    assert_eq!(with(|c| c.number = "1".repeat(65)), Reason::Invalid);
    assert_eq!(with(|c| c.expire_date = "2027-2-30".into()), Reason::Invalid);
    assert_eq!(with(|c| c.expire_date = "2027-1-3".into()), Reason::Invalid);
    assert_eq!(with(|c| c.districts = vec!["4102".into()]), Reason::Invalid);
    assert_eq!(with(|c| c.specialties = vec![" ".into()]), Reason::Invalid);
    assert_eq!(with(|c| c.specialties = vec!["a".into(); 101]), Reason::Invalid);
}

#[test]
fn an_organisation_is_named_placed_and_of_a_kind() {
    let given = pb::Organisation {
        title: "开封市市场监督管理局".into(),
        kind: pb::OrganisationKind::Department as i32,
        district: "410200".into(),
        ..Default::default()
    };
    assert_eq!(parse_organisation("market", &given).unwrap().name, "organisations/market");
    for id in ["", "a", "Market", "a/b", "a b", &"a".repeat(41)] {
        assert_eq!(reason(parse_organisation(id, &given)), Reason::Invalid, "{id}");
    }
    let with = |change: fn(&mut pb::Organisation)| {
        let mut organisation = given.clone();
        change(&mut organisation);
        reason(parse_organisation("market", &organisation))
    };
    assert_eq!(with(|o| o.title = "  ".into()), Reason::Invalid);
    assert_eq!(with(|o| o.title = "局".repeat(201)), Reason::Invalid);
    assert_eq!(with(|o| o.title_en = "a\u{7}b".into()), Reason::Invalid);
    assert_eq!(with(|o| o.kind = 0), Reason::Invalid);
    assert_eq!(with(|o| o.kind = 42), Reason::Invalid);
    assert_eq!(with(|o| o.district = "41".into()), Reason::Invalid);
    assert_eq!(with(|o| o.responsible = "a".repeat(501)), Reason::Invalid);
}
