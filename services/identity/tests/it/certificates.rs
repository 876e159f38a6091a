//! What an officer's certificate says changes, is announced, and what it said is kept (art. 13).

use kit::follow::payload;
use proto::qingtian::{
    access::v1::Role,
    events::v1::Outcome,
    identity::{events::v1::OfficerChanged, v1 as pb},
};
use tonic::{Code, Response, Status};

use crate::{
    city::{City, Client, person, refused},
    events::{audit, read},
};

fn says(user: &pb::User, expire_date: &str, districts: &[&str], specialties: &[&str]) -> pb::SetCertificateRequest {
    let certificate = pb::Certificate {
        number: user.certificate.clone().map(|one| one.number).unwrap_or_default(),
        expire_date: expire_date.into(),
        districts: districts.iter().map(|one| (*one).to_owned()).collect(),
        specialties: specialties.iter().map(|one| (*one).to_owned()).collect(),
    };
    pb::SetCertificateRequest {
        name: user.name.clone(),
        certificate: Some(certificate),
        etag: user.etag.clone(),
        reason: "换证，调入顺河片区".into(),
        request_id: String::new(),
    }
}

fn renewed(user: &pb::User) -> pb::SetCertificateRequest {
    says(user, "2030-06-30", &["410203", "410204"], &["equipment"])
}

async fn set(client: &mut Client, request: pb::SetCertificateRequest) -> Result<pb::User, Status> {
    client.set_certificate(request).await.map(Response::into_inner)
}

#[tokio::test]
async fn a_changed_certificate_is_announced_once_and_what_it_said_is_kept() {
    let city = City::new().await;
    let officer = city.register("li.wei", &[Role::Officer]).await;
    let mut admin = city.admin().await;
    let request = pb::SetCertificateRequest { request_id: "c".into(), ..renewed(&officer) };
    let changed = set(&mut admin, request.clone()).await.unwrap();
    assert_eq!(set(&mut admin, request.clone()).await.unwrap(), changed, "a repetition is answered alike");
    assert_eq!((changed.certificate.clone(), changed.etag.as_str()), (request.certificate.clone(), "2"));
    let get = pb::GetUserRequest { name: officer.name.clone() };
    assert_eq!(admin.get_user(get).await.unwrap().into_inner(), changed);

    let all = read(&city, &mut city.gateway().await).await;
    let told: Vec<_> =
        all.iter().filter_map(|e| payload::<OfficerChanged>(e).unwrap().map(|o| (e.revision, o))).collect();
    assert_eq!(told.len(), 2, "registered and changed");
    let expected = OfficerChanged {
        expire_date: "2030-06-30".into(),
        districts: vec!["410203".into(), "410204".into()],
        specialties: vec!["equipment".into()],
        ..told[0].1.clone()
    };
    assert_eq!(told[1], (2, expected));

    let audited = audit(&city).await;
    let acts: Vec<_> = audited.iter().filter(|entry| entry.method.ends_with("/SetCertificate")).collect();
    assert_eq!(acts.len(), 1);
    assert_eq!((acts[0].actor.as_str(), acts[0].resource.as_str()), ("users/admin", officer.name.as_str()));
    assert_eq!((acts[0].outcome(), acts[0].before.len(), acts[0].after.len()), (Outcome::Done, 64, 64));
    assert_ne!(acts[0].before, acts[0].after);

    // Frozen officers' certificates can be set right too; they stay out of the draws.
    let frozen = city.freeze(&mut admin, &changed).await.unwrap();
    set(&mut admin, says(&frozen, "2031-06-30", &[], &[])).await.unwrap();
    let all = read(&city, &mut city.gateway().await).await;
    let last = all.iter().rev().find_map(|e| payload::<OfficerChanged>(e).unwrap()).unwrap();
    assert_eq!((last.expire_date.as_str(), last.districts.len(), last.active), ("2031-06-30", 0, false));

    let pool = city.harness.pool("identity").await.unwrap();
    let past: Vec<(i64, String, Vec<String>, String, String)> = sqlx::query_as(
        "select revision, expires::text, districts, reason, changed_by from certificate_past order by revision",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let row = |revision, expires: &str, districts: &[&str], reason: &str, by: &str| {
        let districts: Vec<String> = districts.iter().map(|one| (*one).to_owned()).collect();
        (revision, expires.to_owned(), districts, reason.to_owned(), by.to_owned())
    };
    let why = "换证，调入顺河片区";
    let expected = [
        row(1, "2027-12-31", &["410202"], "", &city.operator.name),
        row(2, "2030-06-30", &["410203", "410204"], why, "users/admin"),
        row(4, "2031-06-30", &[], why, "users/admin"),
    ];
    assert_eq!(past, expected);
}

#[tokio::test]
async fn nobody_sets_a_certificate_against_the_rules() {
    let city = City::new().await;
    let officer = city.register("li.wei", &[Role::Officer]).await;
    let mut admin = city.admin().await;
    let with = |change: &dyn Fn(&mut pb::Certificate)| {
        let mut request = renewed(&officer);
        change(request.certificate.as_mut().unwrap());
        request
    };

    // Whatever else is wrong with the request: out of reach comes first.
    let mut stranger = city.user("users/x", "fire", &[Role::DepartmentAdmin]).await;
    refused(set(&mut stranger, renewed(&officer)).await, Code::NotFound, "NOT_FOUND", "27");
    let blank = pb::SetCertificateRequest { name: officer.name.clone(), ..Default::default() };
    refused(set(&mut stranger, blank).await, Code::NotFound, "NOT_FOUND", "27");
    let nobody = pb::SetCertificateRequest { name: "users/none".into(), ..renewed(&officer) };
    refused(set(&mut admin, nobody).await, Code::NotFound, "NOT_FOUND", "27");
    let mut himself = city.user(&officer.name, "market", &[Role::Officer, Role::Handler]).await;
    refused(set(&mut himself, renewed(&officer)).await, Code::PermissionDenied, "ROLE_MISSING", "27");

    let none = pb::SetCertificateRequest { certificate: None, ..renewed(&officer) };
    refused(set(&mut admin, none).await, Code::InvalidArgument, "CERTIFICATE_NEEDED", "13");
    for missing in [with(&|c| c.number.clear()), with(&|c| c.expire_date.clear())] {
        refused(set(&mut admin, missing).await, Code::InvalidArgument, "CERTIFICATE_NEEDED", "13");
    }
    for (request, field) in [
        (with(&|c| c.expire_date = "2030-02-30".into()), "certificate.expire_date"),
        (with(&|c| c.districts.push("龙亭区".into())), "certificate.districts"),
        (with(&|c| c.specialties.push(" ".into())), "certificate.specialties"),
        (with(&|c| c.specialties = vec!["food".into(); 101]), "certificate"),
        (with(&|c| c.number = "证 1".into()), "certificate.number"),
        // Recusals name the officer by the number: whoever had another could decide over his own.
        (with(&|c| c.number = "41020017-other".into()), "certificate.number"),
        (pb::SetCertificateRequest { etag: String::new(), ..renewed(&officer) }, "etag"),
        (pb::SetCertificateRequest { reason: " ".into(), ..renewed(&officer) }, "reason"),
    ] {
        let refusal = refused(set(&mut admin, request).await, Code::InvalidArgument, "INVALID", "");
        assert_eq!(refusal["field"], field);
    }
    let auditor = city.register("auditor", &[Role::Auditor]).await;
    refused(set(&mut admin, renewed(&auditor)).await, Code::PermissionDenied, "WIDER_RIGHTS", "27");
    assert_eq!(city.count("certificate_past").await, 1, "nothing half-done");

    set(&mut city.operator().await, renewed(&officer)).await.unwrap();
    let stale = refused(set(&mut admin, renewed(&officer)).await, Code::Aborted, "STALE", "");
    assert_eq!((stale["who"].as_str(), stale["what"].as_str()), ("赵一", "certificate changed"));
}

#[tokio::test]
async fn whoever_is_no_officer_may_be_given_a_certificate_and_lose_it() {
    let city = City::new().await;
    city.register("li.wei", &[Role::Officer]).await;
    let handler = city.register("wang.fang", &[Role::Handler]).await;
    let mut admin = city.admin().await;
    let numbered = |user: &pb::User, username: &str| pb::SetCertificateRequest {
        certificate: person(username, &[Role::Officer]).certificate,
        ..renewed(user)
    };
    let taken = set(&mut admin, numbered(&handler, "li.wei")).await;
    let refusal = refused(taken, Code::AlreadyExists, "ALREADY_EXISTS", "");
    assert_eq!(refusal["name"], "41020017-li.wei");
    let given = set(&mut admin, numbered(&handler, "wang.fang")).await.unwrap();
    assert_eq!(given.certificate.clone().unwrap().number, "41020017-wang.fang");
    let empty = pb::SetCertificateRequest { certificate: None, ..renewed(&given) };
    assert_eq!(set(&mut admin, empty).await.unwrap().certificate, None);
    let all = read(&city, &mut city.gateway().await).await;
    assert_eq!(all.iter().filter_map(|e| payload::<OfficerChanged>(e).unwrap()).count(), 1, "the officer alone");
}
