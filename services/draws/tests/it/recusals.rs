//! Recusal after the draw (art. 16): asked by one, decided by another, dictated by the protocol, and rechecked by a stranger.

mod rights;

use std::collections::BTreeSet;

use kit::testing::UserChannel;
use lottery::{
    Digest,
    hash::{Role as Place, Tickets},
    verify::{GivenLog, Options, Report, Verdict, verify_with_log},
};
use proto::qingtian::{
    access::v1::Role,
    draws::{
        events::v1 as events,
        v1::{
            self as pb, RecusalAct as Act, RecusalGround as Ground, RecusalState as State,
            recusals_client::RecusalsClient,
        },
    },
};
use tonic::Status;

use crate::{
    draws::{
        city::{City, plan},
        log, read,
    },
    experts::{create, expert},
    world::{LONGTING, MARKET, SHUNHE, reason, refused},
};

type Recusals = RecusalsClient<UserChannel>;

/// A dispatched draw and the people who deal with its recusals.
struct Office {
    city: City,
    draw: pb::Draw,
}

impl Office {
    async fn open() -> Self {
        let city = City::start().await;
        let draw = city.whole_draw().await;
        Self { city, draw }
    }

    async fn as_person(&self, user: &str, organisation: &str, roles: &[Role], certificate: &str) -> Recusals {
        let harness = &self.city.world.harness;
        RecusalsClient::new(harness.officer(user, organisation, roles, certificate).await.unwrap())
    }

    async fn handler(&self) -> Recusals {
        self.as_person("users/clerk", MARKET, &[Role::Handler], "").await
    }

    async fn reviewer(&self) -> Recusals {
        self.as_person("users/chief", MARKET, &[Role::Reviewer], "").await
    }

    async fn officer(&self, certificate: &str) -> Recusals {
        self.as_person(&format!("users/of-{certificate}"), MARKET, &[Role::Officer], certificate).await
    }

    async fn visits(&self) -> Vec<pb::Visit> {
        let request = pb::ListVisitsRequest { draw: self.draw.name.clone(), ..Default::default() };
        self.city.visits(MARKET, "").await.list_visits(request).await.unwrap().into_inner().visits
    }

    async fn visit(&self, subject: &str) -> pb::Visit {
        self.visits().await.into_iter().find(|visit| visit.subject == subject).unwrap()
    }

    fn request(&self, subject: &str, person: &str, ground: Ground) -> pb::CreateRecusalRequest {
        let recusal = pb::Recusal {
            draw: self.draw.name.clone(),
            subject: subject.to_owned(),
            person: person.to_owned(),
            ground: ground as i32,
            note: "其兄为该企业股东".to_owned(),
            ..Default::default()
        };
        pb::CreateRecusalRequest { recusal: Some(recusal), ..Default::default() }
    }

    /// A handler writes down what was asked.
    async fn asked(&self, subject: &str, person: &str, ground: Ground) -> pb::Recusal {
        self.handler().await.create_recusal(self.request(subject, person, ground)).await.unwrap().into_inner()
    }

    async fn upheld(&self, recusal: &pb::Recusal, act: Act) -> pb::Recusal {
        self.reviewer().await.uphold_recusal(uphold(recusal, act)).await.unwrap().into_inner()
    }

    /// Who comes in exchange for `out`, and from which subject, computed as section 6 of the protocol says: through the others
    /// by (ticket, key), and for each through their subjects by (ticket, key), up to the first where `out` is not.
    fn partner(&self, visits: &[pb::Visit], of: &pb::Visit, out: &str, place: Place) -> (String, String) {
        let tickets = Tickets::new(&Digest::parse(&self.draw.seed).unwrap());
        let people = |visit: &pb::Visit| match place {
            Place::Officer => visit.officers.clone(),
            Place::Expert => visit.experts.clone(),
        };
        let ticket = |person: &String| tickets.person(place, person.as_bytes(), of.subject.as_bytes());
        let mut others: Vec<_> = visits.iter().flat_map(people).map(|person| (ticket(&person), person)).collect();
        others.retain(|(_, person)| !people(of).contains(person));
        others.sort();
        let mut subjects: Vec<_> =
            visits.iter().map(|visit| (tickets.subject(visit.subject.as_bytes()), visit)).collect();
        subjects.sort_by_key(|(ticket, visit)| (*ticket, visit.subject.clone()));
        let swaps = |team: &[String], partner: &String| team.contains(partner) && !team.iter().any(|one| one == out);
        let found = others.iter().find_map(|(_, partner)| {
            let (_, other) = subjects.iter().find(|(_, visit)| swaps(&people(visit), partner))?;
            Some((partner.clone(), other.subject.clone()))
        });
        found.expect("somebody to swap with")
    }

    /// Log and head as the events told them.
    async fn told(&self) -> (String, String) {
        let told: Vec<events::RecusalUpheld> = read(&log(&self.city).await);
        let lines = told.iter().map(|one| format!("{}\n", one.line)).collect();
        (lines, told.last().map(|one| one.head.clone()).unwrap_or_default())
    }

    /// Rechecks bundle, log and head as a stranger would.
    async fn verify(&self, lines: &str, head: &str) -> Report {
        let env = &self.city.world.harness.env;
        let digest = kit::blob::Digest::parse(&self.draw.evidence_digest).unwrap();
        let bundle = env.blobs.read(digest, 1 << 30).await.unwrap();
        let jwks = env.keys.jwks();
        let options = Options { jwks: Some(&jwks), demo: true, ..Default::default() };
        let given = GivenLog { lines: lines.as_bytes(), head: Some(head.as_bytes()), visits: Some(b"") };
        verify_with_log(bundle.as_slice(), &options, Some(&given))
    }
}

fn set(people: &[String]) -> BTreeSet<&str> {
    people.iter().map(String::as_str).collect()
}

/// A team with one gone and another come.
fn swapped<'p>(people: &'p [String], out: &str, joins: &'p str) -> BTreeSet<&'p str> {
    people.iter().map(String::as_str).filter(|one| *one != out).chain([joins]).collect()
}

fn uphold(recusal: &pb::Recusal, act: Act) -> pb::UpholdRecusalRequest {
    pb::UpholdRecusalRequest {
        name: recusal.name.clone(),
        act: act as i32,
        etag: recusal.etag.clone(),
        ..Default::default()
    }
}

fn reject(recusal: &pb::Recusal) -> pb::RejectRecusalRequest {
    pb::RejectRecusalRequest {
        name: recusal.name.clone(),
        etag: recusal.etag.clone(),
        reason: "不属于利害关系".to_owned(),
        ..Default::default()
    }
}

fn checks(report: &Report) -> String {
    report.checks.iter().map(|one| format!("{one}\n")).collect()
}

fn sixteen<T: std::fmt::Debug>(answer: Result<T, Status>, expected: &str) {
    assert_eq!(refused(answer), (expected.to_owned(), "16".to_owned()));
}

#[tokio::test]
async fn an_officer_asks_a_reviewer_upholds_and_a_stranger_rechecks_every_act() {
    let office = Office::open().await;
    let (before, result) = (office.visits().await, office.city.world.count("select count(*) from draw_result").await);
    let (subject, person) = (before[0].subject.clone(), before[0].officers[0].clone());

    let request = office.request(&subject, &person, Ground::Kinship);
    let asked = office.officer(&person).await.create_recusal(request).await.unwrap().into_inner();
    assert_eq!((asked.name.as_str(), asked.state()), ("recusals/2026-0001-1", State::Requested));
    assert_eq!((asked.visit.as_str(), asked.title.as_str()), (before[0].name.as_str(), before[0].title.as_str()));
    let (partner, other) = office.partner(&before, &before[0], &person, Place::Officer);
    let upheld = office.upheld(&asked, Act::Exchange).await;
    assert_eq!((upheld.state(), upheld.line, upheld.decider.as_str()), (State::Upheld, 1, "users/chief"));

    // The partner comes, the officer goes to the partner's subject, and nobody chose either. An exchange is certain: five
    // officers share twenty places, four each, and three of them are not here; the officer is with three other subjects, so
    // each of the three is with one where the officer is not.
    assert_eq!(
        (upheld.act(), upheld.person_in.as_str(), upheld.other_subject.as_str()),
        (Act::Exchange, partner.as_str(), other.as_str())
    );
    let now = office.visit(&subject).await;
    assert_eq!(set(&now.officers), swapped(&before[0].officers, &person, &partner));
    let there = before.iter().find(|visit| visit.subject == other).unwrap();
    assert_eq!(set(&office.visit(&other).await.officers), swapped(&there.officers, &partner, &person));
    assert_eq!((now.officers.len(), now.empty_places), (2, 0));

    // Illness replaces; asked by a handler.
    let ill = office.visits().await.into_iter().find(|visit| visit.subject != subject).unwrap();
    let asked = office.asked(&ill.subject, &ill.officers[1], Ground::Illness).await;
    let upheld = office.upheld(&asked, Act::Withdraw).await;
    assert_eq!((upheld.act(), upheld.line, upheld.other_subject.as_str()), (Act::Withdraw, 2, ""));
    assert!(!upheld.person_in.is_empty(), "five officers, two places");

    let (lines, head) = office.told().await;
    assert_eq!(lines.lines().count(), 2);
    let report = office.verify(&lines, &head).await;
    assert_eq!(report.verdict, Verdict::Verified, "{}", checks(&report));
    // One line less than the head says, or one byte other, is noticed.
    let cut = lines.lines().next().unwrap().to_owned() + "\n";
    assert_eq!(office.verify(&cut, &head).await.verdict, Verdict::NotVerified);
    assert_eq!(office.verify(&lines.replace("ILLNESS", "ILLNESX"), &head).await.verdict, Verdict::NotVerified);
    // Accounts and words stay inside.
    assert!(!lines.contains("users/") && !lines.contains("股东"), "{lines}");
    let columns: Vec<Vec<&str>> = lines.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!((columns[0][8], columns[0][9]), (person.as_str(), "market/reviewer"));
    assert_eq!((columns[1][8], columns[1][9]), ("market/handler", "market/reviewer"));
    assert_eq!(result, office.city.world.count("select count(*) from draw_result").await);
}

/// A dispatched draw whose teams have an expert each, of the three in the register, and the visits from it.
async fn office_with_experts() -> (Office, Vec<pb::Visit>) {
    let mut city = City::start().await;
    let mut register = city.world.experts("users/clerk", MARKET, &[Role::Handler]).await;
    for key in ["KF-ZJ-001", "KF-ZJ-002", "KF-ZJ-003"] {
        let districts = vec![LONGTING.to_owned(), SHUNHE.to_owned()];
        let one = pb::Expert { real_name: format!("张{key}"), districts, ..expert(key) };
        register.create_expert(create(one)).await.unwrap();
    }
    let experts = Some(pb::ExpertPart { count: 1, specialty: "food".to_owned() });
    city.plan = city.publish(pb::Plan { experts, ..plan() }).await;
    let draw = city.whole_draw().await;
    let office = Office { city, draw };
    let visits = office.visits().await;
    assert!(visits.len() == 10 && visits.iter().all(|visit| visit.experts.len() == 1), "{visits:?}");
    (office, visits)
}

#[tokio::test]
async fn an_expert_swaps_with_an_expert_or_is_replaced_by_the_next() {
    let (office, before) = office_with_experts().await;
    let (first, out) = (&before[0], before[0].experts[0].clone());
    let (partner, other) = office.partner(&before, first, &out, Place::Expert);
    let drawn = "select count(*) from draw_result r join visit v using (draw, subject) where r.experts = v.experts";
    assert_eq!(office.city.world.count(drawn).await, 10);

    // Every team has one expert, so that any other expert's subject is one where this one is not: an exchange is certain.
    let asked = office.asked(&first.subject, &out, Ground::Kinship).await;
    let upheld = office.upheld(&asked, Act::Exchange).await;
    assert_eq!(
        (upheld.act(), upheld.line, upheld.person_in.as_str(), upheld.other_subject.as_str()),
        (Act::Exchange, 1, partner.as_str(), other.as_str())
    );
    let (here, there) = (office.visit(&first.subject).await, office.visit(&other).await);
    assert_eq!((here.experts.as_slice(), there.experts.as_slice()), ([partner].as_slice(), [out].as_slice()));
    let was = before.iter().find(|visit| visit.subject == other).unwrap();
    assert_eq!((&here.officers, &there.officers), (&first.officers, &was.officers), "the officers stay");
    // The result stays; what changed stands beside it.
    assert_eq!(office.city.world.count(drawn).await, 8);
    assert_eq!(office.city.world.count("select count(*) from visit_team where n = 1").await, 2);

    // Who is ill is replaced, until nobody is left: then the place stays empty, and no officer takes it.
    let ill = before.iter().find(|visit| ![&first.subject, &other].contains(&&visit.subject)).unwrap();
    let mut came = BTreeSet::new();
    for left in 0..3 {
        let out = office.visit(&ill.subject).await.experts.remove(0);
        assert!(came.insert(out.clone()), "{out} came back");
        let asked = office.asked(&ill.subject, &out, Ground::Illness).await;
        let upheld = office.upheld(&asked, Act::Withdraw).await;
        assert_eq!((upheld.act(), upheld.person_in.is_empty()), (Act::Withdraw, left == 2), "{upheld:?}");
    }
    let now = office.visit(&ill.subject).await;
    assert_eq!((now.experts.len(), now.empty_places, &now.officers), (0, 1, &ill.officers));

    let (lines, head) = office.told().await;
    assert_eq!(lines.lines().count(), 4);
    let report = office.verify(&lines, &head).await;
    assert_eq!(report.verdict, Verdict::Verified, "{}", checks(&report));
    // An officer in an expert's place is noticed.
    let swapped = lines.replacen(&upheld.person_in, &first.officers[0], 1);
    assert_eq!(office.verify(&swapped, &head).await.verdict, Verdict::NotVerified);
}

#[tokio::test]
async fn a_place_nobody_can_take_stays_empty_and_is_shown() {
    let office = Office::open().await;
    let subject = office.visits().await[0].subject.clone();
    // Five officers: two in the team, three to follow, and then nobody.
    for left in 0..5 {
        let visit = office.visit(&subject).await;
        let asked = office.asked(&subject, &visit.officers[0], Ground::Interest).await;
        let upheld = office.upheld(&asked, Act::Withdraw).await;
        assert_eq!(upheld.person_in.is_empty(), left >= 3, "{upheld:?}");
    }
    let visit = office.visit(&subject).await;
    assert_eq!((visit.officers.len(), visit.empty_places), (0, 2));
    let (lines, head) = office.told().await;
    let report = office.verify(&lines, &head).await;
    assert_eq!(report.verdict, Verdict::Verified, "{}", checks(&report));
}

#[tokio::test]
async fn decisions_at_once_are_carried_out_one_after_the_other() {
    let office = Office::open().await;
    let visits = office.visits().await;
    let mut asked = Vec::new();
    for visit in &visits {
        asked.push(office.asked(&visit.subject, &visit.officers[0], Ground::Interest).await);
    }
    let decide = asked.iter().map(|recusal| {
        let office = &office;
        async move { office.reviewer().await.uphold_recusal(uphold(recusal, Act::Exchange)).await }
    });
    let decided = futures::future::join_all(decide).await;
    let mut lines = BTreeSet::new();
    for answer in decided {
        match answer {
            Ok(upheld) => assert!(lines.insert(upheld.into_inner().line)),
            // Another exchange took this officer to another subject in between.
            Err(status) => sixteen(Err::<(), _>(status), "NOT_IN_TEAM"),
        }
    }
    assert!(lines.len() >= 2, "{lines:?}");
    assert!(lines.iter().copied().eq(1..=i64::try_from(lines.len()).unwrap()), "no gap and no double: {lines:?}");
    let (text, head) = office.told().await;
    let report = office.verify(&text, &head).await;
    assert_eq!(report.verdict, Verdict::Verified, "{}", checks(&report));
    // What the visits say is what the log comes to: an officer is with as many subjects as before.
    let places: usize = office.visits().await.iter().map(|visit| visit.officers.len()).sum();
    assert_eq!(places, 20);
}

#[tokio::test]
async fn a_repeated_request_is_answered_alike_and_done_once() {
    let office = Office::open().await;
    let visit = office.visits().await.remove(0);
    let ask = pb::CreateRecusalRequest {
        request_id: "ask-1".to_owned(),
        ..office.request(&visit.subject, &visit.officers[0], Ground::Interest)
    };
    let mut handler = office.handler().await;
    let asked = handler.create_recusal(ask.clone()).await.unwrap().into_inner();
    assert_eq!(handler.create_recusal(ask.clone()).await.unwrap().into_inner(), asked);
    let other = pb::CreateRecusalRequest {
        request_id: "ask-1".to_owned(),
        ..office.request(&visit.subject, &visit.officers[1], Ground::Interest)
    };
    assert_eq!(reason(handler.create_recusal(other).await), "REQUEST_ID_REUSED");
    let decide = pb::UpholdRecusalRequest { request_id: "decide-1".to_owned(), ..uphold(&asked, Act::Withdraw) };
    let mut reviewer = office.reviewer().await;
    let upheld = reviewer.uphold_recusal(decide.clone()).await.unwrap().into_inner();
    assert_eq!(reviewer.uphold_recusal(decide).await.unwrap().into_inner(), upheld);
    assert_eq!(office.city.world.count("select count(*) from recusal_line").await, 1);
    assert_eq!(office.city.world.count("select count(*) from recusal").await, 1);
}

#[tokio::test]
async fn the_log_is_only_added_to() {
    let office = Office::open().await;
    let visit = office.visits().await.remove(0);
    let asked = office.asked(&visit.subject, &visit.officers[0], Ground::Interest).await;
    office.upheld(&asked, Act::Withdraw).await;
    let owner = office.city.world.harness.owner_pool("draws").await.unwrap();
    for change in [
        "update recusal_line set line = line || 'x'",
        "update recusal_line set head = ''",
        "delete from recusal_line",
        "truncate recusal_line cascade",
        "update visit_team set officers = array['friend']",
        "delete from visit_team",
    ] {
        let refused = sqlx::query(change).execute(&office.city.world.pool).await.unwrap_err();
        let code = refused.as_database_error().unwrap().code().unwrap().into_owned();
        assert_eq!(code, "42501", "the service has no right: {change}");
        let refused = sqlx::query(change).execute(&owner).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "23001", "nor has the owner: {change}");
    }
    // A visit's team is what the newest line led to, even for the owner: neither another nor the one before.
    for team in ["array['friend']".to_owned(), format!("array['{}', '{}']", visit.officers[0], visit.officers[1])] {
        let change = format!("update visit set officers = {team} where subject = '{}'", visit.subject);
        let refused = sqlx::query(sqlx::AssertSqlSafe(change)).execute(&owner).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().constraint(), Some("visit_team_by_the_log"));
    }
    let refused = sqlx::query("update recusal set note = ''").execute(&office.city.world.pool).await.unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "42501");
    for change in ["update recusal set state = 'REQUESTED', decider = '', decided_at = null", "delete from recusal"] {
        let refused = sqlx::query(change).execute(&owner).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "23001", "{change}");
    }
}
