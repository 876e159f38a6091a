//! What identity announces and what it writes to the audit (art. 43-45).

use kit::follow::payload;
use prost::Message;
use proto::qingtian::{
    access::v1::Role,
    events::v1::{AuditEntry, Event, Outcome, ReadEventsRequest, Record, record::Kind},
    identity::{
        events::v1::{AccessRevoked, OfficerChanged, OrganisationChanged},
        v1 as pb,
    },
};

use crate::city::{City, Client, PASSWORD};

/// Everything the log holds for a reader, once the sequencer has moved it there.
pub async fn read(city: &City, client: &mut Client) -> Vec<Event> {
    city.harness.sequenced("identity").await.unwrap();
    let mut stream = client.read_events(ReadEventsRequest::default()).await.unwrap().into_inner();
    let mut events = Vec::new();
    while let Some(step) = stream.message().await.unwrap() {
        events.extend(step.event);
    }
    events
}

pub async fn audit(city: &City) -> Vec<AuditEntry> {
    city.harness.sequenced("identity").await.unwrap();
    let pool = city.harness.pool("identity").await.unwrap();
    let rows: Vec<Vec<u8>> = sqlx::query_scalar("select bytes from log where type = 'audit' order by position")
        .fetch_all(&pool)
        .await
        .unwrap();
    let entries = rows.iter().map(|bytes| match Record::decode(bytes.as_slice()).unwrap().kind {
        Some(Kind::Audit(entry)) => entry,
        other => panic!("{other:?} is no audit entry"),
    });
    entries.collect()
}

#[tokio::test]
async fn subscribers_receive_what_concerns_them_and_no_personal_data() {
    let city = City::new().await;
    let officer = city.register("li.wei", &[Role::Officer]).await;
    city.register("wang.fang", &[Role::Handler]).await;
    city.freeze(&mut city.operator().await, &officer).await.unwrap();

    let all = read(&city, &mut city.gateway().await).await;
    let organisations: Vec<_> = all.iter().filter_map(|e| payload::<OrganisationChanged>(e).unwrap()).collect();
    assert_eq!(organisations.len(), 3);
    assert!(organisations.iter().any(|o| o.name == "organisations/market" && o.enforcing && o.district == "410200"));
    let officers: Vec<_> =
        all.iter().filter_map(|e| payload::<OfficerChanged>(e).unwrap().map(|o| (e.revision, o))).collect();
    assert_eq!(officers.len(), 2, "registered and frozen");
    assert_eq!((officers[0].0, officers[0].1.active, officers[1].0, officers[1].1.active), (1, true, 2, false));
    assert_eq!(officers[0].1.certificate, "41020017-li.wei");
    assert_eq!(officers[0].1.user, officer.name);
    assert_eq!((officers[0].1.districts[0].as_str(), officers[0].1.specialties[0].as_str()), ("410202", "food"));
    let revoked: Vec<_> = all.iter().filter_map(|e| payload::<AccessRevoked>(e).unwrap()).collect();
    assert_eq!((revoked.len(), revoked[0].actor.as_str()), (1, officer.name.as_str()));
    for event in &all {
        let bytes = event.encode_to_vec();
        for name in ["李伟", "赵一", "li.wei\"", "wang.fang"] {
            assert!(!bytes.windows(name.len()).any(|window| window == name.as_bytes()), "{name} in {event:?}");
        }
    }

    let own = read(&city, &mut city.user("machineClients/m", "market", &[Role::Integrator]).await).await;
    assert_eq!(own.len(), 5, "three organisations, one officer twice");
    let others = read(&city, &mut city.user("machineClients/f", "fire", &[Role::Integrator]).await).await;
    assert_eq!(others.len(), 3, "organisations only");
}

#[tokio::test]
async fn every_act_and_every_refused_one_is_in_the_audit() {
    let city = City::new().await;
    let user = city.register("li.wei", &[Role::Handler]).await;
    city.sign_in("li.wei", "wrong").await.unwrap_err();
    city.sign_in("nobody", "wrong").await.unwrap_err();
    let opened = city.sign_in("li.wei", PASSWORD).await.unwrap();
    let mut own = city.bearer(&opened.token.unwrap()).await;
    own.create_organisation(crate::city::organisation("mine")).await.unwrap_err();
    city.gateway().await.close_sign_in(pb::CloseSignInRequest { sign_in: opened.sign_in }).await.unwrap();

    let entries = audit(&city).await;
    let bootstrap = &entries[0];
    assert_eq!((bootstrap.actor.as_str(), bootstrap.method.as_str()), ("services/identity", "Bootstrap"));
    let of_user: Vec<_> = entries
        .iter()
        .filter(|entry| entry.actor == user.name)
        .map(|entry| (entry.method.rsplit('/').next().unwrap_or_default(), entry.outcome(), entry.reason.as_str()))
        .collect();
    let expected = [
        ("OpenSignIn", Outcome::Refused, "WRONG_PASSWORD"),
        ("OpenSignIn", Outcome::Done, ""),
        ("CreateOrganisation", Outcome::Refused, "ROLE_MISSING"),
        ("CloseSignIn", Outcome::Done, ""),
    ];
    assert_eq!(of_user, expected);
    let opened = entries.iter().find(|e| e.actor == user.name && e.outcome() == Outcome::Done).unwrap();
    assert_eq!(opened.address, "192.0.2.7");
    let created = entries.iter().find(|e| e.resource == user.name).unwrap();
    assert_eq!(
        (created.actor.as_str(), created.before.as_str(), created.after.len()),
        (city.operator.name.as_str(), "", 64)
    );
}

/// The entry in the audit was once written for known names only, before the answer: its time told who has an account.
#[tokio::test]
async fn a_wrong_name_leaves_as_much_as_a_wrong_password() {
    let city = City::new().await;
    let user = city.register("li.wei", &[Role::Handler]).await;
    let client = pb::CreateMachineClientRequest { title: "业务系统".into(), ..Default::default() };
    let client = city.admin().await.create_machine_client(client).await.unwrap().into_inner().name;
    let mut seen = audit(&city).await.len();
    let mut written = async || {
        let entries = audit(&city).await.split_off(seen);
        seen += entries.len();
        entries
            .into_iter()
            .map(|e| {
                (e.actor, e.method.rsplit('/').next().unwrap_or_default().to_owned(), e.outcome, e.reason, e.resource)
            })
            .collect::<Vec<_>>()
    };
    let entry = |actor: &str, method: &str, reason: &str| {
        vec![(actor.to_owned(), method.to_owned(), Outcome::Refused as i32, reason.to_owned(), String::new())]
    };
    for (name, actor) in [("li.wei", user.name.as_str()), ("nobody", ""), ("Not a name!", ""), ("", "")] {
        for reason in ["WRONG_PASSWORD"; 5].into_iter().chain(["LOCKED_OUT"]) {
            city.sign_in(name, "wrong").await.unwrap_err();
            assert_eq!(written().await, entry(actor, "OpenSignIn", reason), "{name}");
        }
    }
    assert_eq!(city.count("attempt").await, 4, "each name counts its failures");
    let mut anybody = pb::identity_client::IdentityClient::new(city.harness.anonymous().await.unwrap());
    for (name, actor) in [(client.as_str(), client.as_str()), ("machineClients/none", "")] {
        let request = pb::IssueTokenRequest { client: name.to_owned(), secret: "wrong".into() };
        anybody.issue_token(request).await.unwrap_err();
        assert_eq!(written().await, entry(actor, "IssueToken", "WRONG_PASSWORD"), "{name}");
    }
}

#[tokio::test]
async fn the_service_cannot_rewrite_organisations_or_delete_people() {
    let city = City::new().await;
    let pool = city.harness.pool("identity").await.unwrap();
    for sql in [
        "update organisation set title = 'x'",
        "delete from organisation",
        "delete from person",
        "update certificate_past set reason = 'x'",
        "delete from certificate_past",
        "update machine_client set organisation = organisation",
        "delete from machine_client",
        "update log set bytes = bytes",
        "create table mine (a int)",
    ] {
        let error = sqlx::query(sql).execute(&pool).await.unwrap_err();
        let code = error.as_database_error().and_then(|e| e.code().map(|code| code.into_owned()));
        assert_eq!(code.as_deref(), Some("42501"), "{sql}: {error}");
    }
}
