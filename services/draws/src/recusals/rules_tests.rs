use lottery::{
    hash::Role,
    sign::{Signature, sign},
    testing::{Dice, Draw as Lot, KID, Shape, jwks, signing_key},
    verify::{GivenLog, Options, Verdict, verify_with_log},
};
use proto::qingtian::access::v1::Role as Post;

use super::*;

/// A random draw as the service keeps it, without a line in its log.
fn revealed(lot: &Lot) -> Revealed {
    let file = |name: &str| Bytes::from(lot.files[name].clone());
    Revealed {
        rules: lot.files[lottery::frozen::RULES].clone(),
        officers: file(OFFICERS),
        experts: file(EXPERTS),
        exclusions: file(EXCLUSIONS),
        seed: lot.reveal.seed.to_string(),
        revealed_at: lot.revealed_at.clone(),
        result: Digest::of(&lot.reveal.result_tsv).to_string(),
        placed: lot.reveal.rows.iter().map(Placed::from).collect(),
        log: String::new(),
        visited: HashSet::new(),
    }
}

fn asked(time: &str, subject: &str, out: &str) -> Asked {
    Asked {
        time: Time::parse(time).unwrap(),
        act: Act::Exchange,
        subject: subject.to_owned(),
        out: out.to_owned(),
        reason: Ground::Interest.as_str().to_owned(),
        asked_by: "market/handler".to_owned(),
        approved_by: "market/reviewer".to_owned(),
    }
}

/// Officers and experts of many draws, withheld files among them, recused one after the other: a stranger accepts each log.
#[test]
fn experts_leave_like_officers_and_a_stranger_accepts_every_act() {
    let mut acts = [0, 0];
    for seed in 0..12 {
        let withheld = if seed % 3 == 0 { vec![EXCLUSIONS.to_owned(), OFFICERS.to_owned()] } else { Vec::new() };
        let lot = Lot::random(seed, &Shape { withheld, ..Shape::default() }).unwrap();
        let mut draw = revealed(&lot);
        let statement = lot.stated.digest;
        let mut last = None;
        let mut dice = Dice::new(seed);
        for row in lot.reveal.rows.iter().filter(|row| !row.officers.is_empty()).take(6) {
            let people = if dice.one_in(2) && !row.experts.is_empty() { &row.experts } else { &row.officers };
            let out = &people[dice.below(people.len())];
            // Whoever was swapped away by an act before is not there any more.
            let done = match draw.carry_out(&statement, asked("2099-01-01T00:00:00Z", &row.key, out)) {
                Ok(done) => done,
                Err(error) => {
                    assert!(error.to_string().contains("is not with"), "{error:#}");
                    continue;
                }
            };
            let role = if row.experts.contains(out) { Role::Expert } else { Role::Officer };
            acts[usize::from(role == Role::Expert)] += 1;
            let team = done.teams.iter().find(|team| team.subject == row.key).unwrap();
            assert!(!team.officers.contains(out) && !team.experts.contains(out), "{team:?}");
            draw.log += &format!("{}\n", done.line);
            last = Some(done);
        }
        let Some(done) = last else { continue };
        let Signature { value, .. } = sign(KID, &signing_key(), &done.head_text);
        let signature = Signature { kid: KID.to_owned(), value };
        let head = lottery::recusal::Head { digest: done.line.digest(), n: done.line.n, signature }.to_bytes().unwrap();
        let (keys, bundle) = (jwks(), lot.bundle().unwrap());
        let options = Options { jwks: Some(&keys), demo: true, with: lot.withheld() };
        let given = GivenLog { lines: draw.log.as_bytes(), head: Some(&head), visits: Some(b"") };
        let report = verify_with_log(bundle.as_slice(), &options, Some(&given));
        assert_eq!(report.verdict, Verdict::Verified, "seed {seed}: {:?}", report.failed().collect::<Vec<_>>());
    }
    assert!(acts.into_iter().all(|acts| acts > 5), "both kinds were recused: {acts:?}");
}

#[test]
fn the_logs_times_never_go_back_whatever_a_clock_does() {
    let lot = Lot::random(1, &Shape::default()).unwrap();
    let mut draw = revealed(&lot);
    let rows: Vec<_> = lot.reveal.rows.iter().filter(|row| !row.officers.is_empty()).collect();
    let carry_out = |draw: &Revealed, row: usize, time: &str| {
        let asked = Asked { act: Act::Withdraw, ..asked(time, &rows[row].key, &rows[row].officers[0]) };
        draw.carry_out(&lot.stated.digest, asked).unwrap().line
    };
    let first = carry_out(&draw, 0, "1999-01-01T00:00:00Z");
    assert_eq!(first.time, lot.revealed_at, "not before the reveal");
    let first = carry_out(&draw, 0, "2099-01-02T00:00:00Z");
    draw.log = format!("{first}\n");
    assert_eq!(carry_out(&draw, 1, "2099-01-01T00:00:00Z").time, first.time);
    assert_eq!(carry_out(&draw, 1, "2099-01-03T00:00:00Z").time, Time::parse("2099-01-03T00:00:00Z").unwrap());
}

#[test]
fn a_recusal_is_decided_once() {
    for event in [Event::Uphold, Event::Reject] {
        for state in State::ALL {
            let next = state.apply(event, "recusals/2026-0001-1");
            match state {
                State::Requested => assert_ne!(next.unwrap(), State::Requested),
                State::Upheld | State::Rejected => {
                    let refused = next.unwrap_err();
                    assert_eq!((refused.reason(), refused.meaning().article.as_str()), (Reason::RecusalDecided, "16"));
                }
            }
        }
    }
    for state in State::ALL {
        assert_eq!(State::parse(state.as_str()).unwrap(), state);
    }
    assert!(State::parse("OPEN").is_err());
}

#[test]
fn who_is_ill_or_gone_is_replaced_and_never_exchanged() {
    for ground in Ground::ALL {
        assert_eq!(Ground::parse(ground.as_str()).unwrap(), ground);
        assert!(ground.check(Act::Withdraw).is_ok());
        assert_eq!(ground.check(Act::Exchange).is_err(), ["ILLNESS", "TRANSFER"].contains(&ground.as_str()));
    }
}

#[test]
fn before_there_are_teams_nobody_leaves_one() {
    use DrawState as D;
    for state in D::ALL {
        let answer = check_dispatched("draws/2026-0001", state).map_err(|refusal| refusal.reason());
        let expected = match state {
            D::Dispatched | D::Done => Ok(()),
            D::Created | D::Stated | D::Contributing | D::Revealed => Err(Reason::RecusalTooEarly),
            D::Abandoned | D::Failed => Err(Reason::WrongState),
        };
        assert_eq!(answer, expected, "{state:?}");
    }
}

#[test]
fn only_who_is_in_a_team_that_has_not_gone_leaves_it() {
    let (officers, experts) = (["1".to_owned(), "2".to_owned()], ["x-1".to_owned()]);
    let team = Team { subject: "s", officers: &officers, experts: &experts, visited: false };
    assert!(team.check_leaving("2").is_ok() && team.check_leaving("x-1").is_ok());
    assert_eq!(team.check_leaving("3").unwrap_err().reason(), Reason::NotInTeam);
    let visited = Team { visited: true, ..team };
    assert_eq!(visited.check_leaving("2").unwrap_err().reason(), Reason::AlreadyVisited);
}

#[test]
fn nobody_decides_about_himself_or_what_he_asked() {
    let deciding = Deciding {
        recusal: "recusals/2026-0001-1",
        creator: "users/clerk",
        person: "16020001",
        account: Some("users/of-16020001"),
        decider: "users/chief",
        certificate: "",
    };
    assert!(deciding.check().is_ok());
    let reason = |deciding: Deciding| deciding.check().unwrap_err().reason();
    assert_eq!(reason(Deciding { decider: "users/clerk", ..deciding }), Reason::OwnAct);
    assert_eq!(reason(Deciding { certificate: "16020001", ..deciding }), Reason::OwnRecusal);
    assert_eq!(reason(Deciding { decider: "users/of-16020001", ..deciding }), Reason::OwnRecusal);
}

#[test]
fn one_asks_for_himself_or_writes_down_what_others_ask_and_reads_what_concerns_him() {
    let caller = |actor: &str, organisation: &str, roles: &[Post], certificate: &str| Caller {
        actor: actor.to_owned(),
        organisation: organisation.to_owned(),
        roles: roles.to_vec(),
        certificate: certificate.to_owned(),
        ..Caller::default()
    };
    let (market, health) = ("organisations/market", "organisations/health");
    let himself = caller("users/li", market, &[Post::Officer], "16020001");
    let clerk = caller("users/clerk", market, &[Post::Handler], "");
    let nurse = caller("users/nurse", health, &[Post::Handler, Post::Reviewer], "");
    let asks = |caller: &Caller| check_asking(caller, "16020001", market).map_err(|refusal| refusal.reason());
    assert_eq!(asks(&himself), Ok(true));
    assert_eq!(asks(&clerk), Ok(false));
    assert_eq!(asks(&nurse), Err(Reason::RoleMissing));
    assert!(
        check_asking(&caller("users/x", market, &[Post::Officer], ""), "", market).is_err(),
        "no certificate is nobody's"
    );
    let office = |caller: &Caller| Sight::of(caller).office;
    assert_eq!(office(&clerk), Office::Organisation(market.to_owned()));
    assert_eq!(office(&himself), Office::None, "who neither prepares nor decides reads his own");
    assert_eq!(office(&caller("users/auditor", health, &[Post::Auditor], "")), Office::City);
    assert_eq!(Sight::of(&himself).certificate, "16020001");
    let reads = |caller: &Caller| reads_words(caller, "users/clerk", "16020001", market);
    assert!(reads(&himself) && reads(&clerk) && !reads(&nurse));
    assert!(reads(&caller("users/chief", market, &[Post::Reviewer], "")));
    assert!(reads(&caller("users/auditor", health, &[Post::Auditor], "")));
    assert!(!reads(&caller("users/other", market, &[Post::Handler, Post::Officer], "16020002")));
}
