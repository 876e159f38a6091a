//! Machine clients: two secrets during a rotation, what freezing voids, who may do which (art. 22, 27).

use chrono::Duration;
use proto::qingtian::{
    access::v1::Role,
    events::v1::Outcome,
    identity::v1::{self as pb, MachineClientState as State},
};
use tonic::{Code, Response, Status};

use crate::{
    city::{City, Client, refused},
    events::audit,
    sign_in::no_longer_known,
};

/// A machine client of `market` and its first secret.
async fn registered(city: &City) -> (pb::MachineClient, String) {
    let request = pb::CreateMachineClientRequest { title: "市场监管局业务系统".into(), ..Default::default() };
    let made = city.admin().await.create_machine_client(request).await.unwrap().into_inner();
    (made.client.unwrap(), made.secret)
}

async fn token(city: &City, client: &pb::MachineClient, secret: &str) -> Result<pb::AccessToken, Status> {
    let request = pb::IssueTokenRequest { client: client.name.clone(), secret: secret.into() };
    let mut anybody = pb::identity_client::IdentityClient::new(city.harness.anonymous().await.unwrap());
    anybody.issue_token(request).await.map(Response::into_inner)
}

fn rotation(client: &pb::MachineClient, hours: Option<i32>) -> pb::RotateMachineClientSecretRequest {
    pb::RotateMachineClientSecretRequest {
        name: client.name.clone(),
        etag: client.etag.clone(),
        overlap_hours: hours,
        request_id: String::new(),
    }
}

async fn rotate(city: &City, client: &pb::MachineClient, hours: Option<i32>) -> (pb::MachineClient, String) {
    let answer = city.admin().await.rotate_machine_client_secret(rotation(client, hours)).await.unwrap().into_inner();
    (answer.client.unwrap(), answer.secret)
}

async fn get(city: &City, client: &pb::MachineClient) -> pb::MachineClient {
    let request = pb::GetMachineClientRequest { name: client.name.clone() };
    city.admin().await.get_machine_client(request).await.unwrap().into_inner()
}

fn freezing(client: &pb::MachineClient) -> pb::FreezeMachineClientRequest {
    pb::FreezeMachineClientRequest {
        name: client.name.clone(),
        etag: client.etag.clone(),
        reason: "疑似泄露".into(),
        request_id: String::new(),
    }
}

fn unfreezing(client: &pb::MachineClient) -> pb::UnfreezeMachineClientRequest {
    let (name, etag) = (client.name.clone(), client.etag.clone());
    pb::UnfreezeMachineClientRequest { name, etag, request_id: String::new() }
}

fn retiring(client: &pb::MachineClient) -> pb::RetireMachineClientRequest {
    let (name, etag) = (client.name.clone(), client.etag.clone());
    pb::RetireMachineClientRequest { name, etag, reason: "系统下线".into(), request_id: String::new() }
}

fn ending(client: &pb::MachineClient) -> pb::EndOldMachineClientSecretRequest {
    let (name, etag) = (client.name.clone(), client.etag.clone());
    pb::EndOldMachineClientSecretRequest { name, etag, request_id: String::new() }
}

#[tokio::test]
async fn both_secrets_work_until_the_overlap_ends() {
    let city = City::new().await;
    let (client, one) = registered(&city).await;
    assert_eq!((client.state(), client.etag.as_str(), client.secrets.len()), (State::Active, "1", 1));
    assert_eq!((client.created_by.as_str(), &client.last_use_time), ("users/admin", &None));
    let (rotated, two) = rotate(&city, &client, Some(24)).await;
    assert_eq!((rotated.etag.as_str(), rotated.secrets.len()), ("2", 2));
    assert!(rotated.secrets[0].expire_time.is_none(), "the newest works on");
    let made = rotated.secrets[0].create_time.as_ref().unwrap().seconds;
    let ends = rotated.secrets[1].expire_time.as_ref().unwrap().seconds;
    assert_eq!(ends - made, 24 * 3_600);
    for secret in [&one, &two] {
        token(&city, &client, secret).await.unwrap();
    }
    city.harness.clock.advance(Duration::hours(24));
    refused(token(&city, &client, &one).await, Code::Unauthenticated, "WRONG_PASSWORD", "27");
    token(&city, &client, &two).await.unwrap();
    assert_eq!(get(&city, &client).await.secrets.len(), 1);
}

#[tokio::test]
async fn a_secret_lost_on_the_way_is_replaced_and_no_third_one_works() {
    let city = City::new().await;
    let (client, one) = registered(&city).await;
    token(&city, &client, &one).await.unwrap();
    let request = pb::RotateMachineClientSecretRequest { request_id: "r".into(), ..rotation(&client, None) };
    let mut admin = city.admin().await;
    let first = admin.rotate_machine_client_secret(request.clone()).await.unwrap().into_inner();
    let again = admin.rotate_machine_client_secret(request).await.unwrap().into_inner();
    assert_eq!(
        (again.client, again.secret.as_str()),
        (first.client.clone(), ""),
        "a repetition rotates nothing, and shows nothing"
    );

    // Whoever repeats because the answer was lost has no secret, so makes another: the system in the field goes on.
    let (second, three) = rotate(&city, &first.client.unwrap(), None).await;
    refused(token(&city, &client, &first.secret).await, Code::Unauthenticated, "WRONG_PASSWORD", "27");
    token(&city, &client, &one).await.unwrap();
    token(&city, &client, &three).await.unwrap();
    let third = admin.rotate_machine_client_secret(rotation(&second, None)).await;
    let refusal = refused(third, Code::FailedPrecondition, "ROTATION_OPEN", "27");
    assert!(refusal["until"].contains("+08:00"), "{refusal:?}");
    for hours in [-1, 721] {
        let wrong = admin.rotate_machine_client_secret(rotation(&second, Some(hours))).await;
        let refusal = refused(wrong, Code::InvalidArgument, "INVALID", "");
        assert_eq!(refusal["field"], "overlap_hours");
    }
}

#[tokio::test]
async fn an_ended_secret_and_the_tokens_given_for_it_are_void() {
    let city = City::new().await;
    let (client, one) = registered(&city).await;
    let mut open = city.bearer(&token(&city, &client, &one).await.unwrap()).await;
    let (rotated, two) = rotate(&city, &client, Some(1)).await;
    open.get_me(pb::GetMeRequest {}).await.expect("an overlap voids nothing");
    let ended = city.admin().await.end_old_machine_client_secret(ending(&rotated)).await.unwrap().into_inner();
    assert_eq!((ended.secrets.len(), ended.etag.as_str()), (1, "3"));
    no_longer_known(&mut open).await;
    refused(token(&city, &client, &one).await, Code::Unauthenticated, "WRONG_PASSWORD", "27");
    let next = token(&city, &client, &two).await.unwrap();
    let mut open = city.bearer(&next).await;
    open.get_me(pb::GetMeRequest {}).await.expect("the next token is a new one");
    let none = city.admin().await.end_old_machine_client_secret(ending(&ended)).await;
    refused(none, Code::FailedPrecondition, "NO_OLD_SECRET", "27");

    // After a leak: no overlap at all.
    let (_, three) = rotate(&city, &ended, Some(0)).await;
    no_longer_known(&mut open).await;
    refused(token(&city, &client, &two).await, Code::Unauthenticated, "WRONG_PASSWORD", "27");
    token(&city, &client, &three).await.unwrap();
}

#[tokio::test]
async fn a_frozen_client_is_out_everywhere_and_may_come_back() {
    let city = City::new().await;
    let (client, secret) = registered(&city).await;
    let mut open = city.bearer(&token(&city, &client, &secret).await.unwrap()).await;
    let mut admin = city.admin().await;
    let frozen = admin.freeze_machine_client(freezing(&client)).await.unwrap().into_inner();
    assert_eq!((frozen.state(), frozen.reason.as_str()), (State::Frozen, "疑似泄露"));
    no_longer_known(&mut open).await;
    refused(open.get_me(pb::GetMeRequest {}).await, Code::Unauthenticated, "NOT_SIGNED_IN", "27");
    refused(token(&city, &client, &secret).await, Code::PermissionDenied, "USER_FROZEN", "27");
    let twice = admin.freeze_machine_client(freezing(&frozen)).await;
    refused(twice, Code::FailedPrecondition, "WRONG_STATE", "");
    // Rotated while it is frozen, as after a leak.
    let (rotated, two) = rotate(&city, &frozen, Some(0)).await;
    assert_eq!((rotated.state(), rotated.reason.as_str()), (State::Frozen, "疑似泄露"));
    let active = admin.unfreeze_machine_client(unfreezing(&rotated)).await.unwrap().into_inner();
    assert_eq!((active.state(), active.reason.as_str()), (State::Active, ""));
    refused(token(&city, &client, &secret).await, Code::Unauthenticated, "WRONG_PASSWORD", "27");
    let again = token(&city, &client, &two).await.unwrap();
    city.bearer(&again).await.get_me(pb::GetMeRequest {}).await.unwrap();
    let twice = admin.unfreeze_machine_client(unfreezing(&active)).await;
    refused(twice, Code::FailedPrecondition, "WRONG_STATE", "");
}

#[tokio::test]
async fn a_retired_client_never_comes_back() {
    let city = City::new().await;
    let (client, secret) = registered(&city).await;
    let mut open = city.bearer(&token(&city, &client, &secret).await.unwrap()).await;
    let mut admin = city.admin().await;
    let retired = admin.retire_machine_client(retiring(&client)).await.unwrap().into_inner();
    assert_eq!((retired.state(), retired.secrets.len()), (State::Retired, 0));
    no_longer_known(&mut open).await;
    refused(token(&city, &client, &secret).await, Code::FailedPrecondition, "CLIENT_RETIRED", "27");
    refused(token(&city, &client, "wrong").await, Code::Unauthenticated, "WRONG_PASSWORD", "27");
    let answers = [
        admin.freeze_machine_client(freezing(&retired)).await.map(drop),
        admin.unfreeze_machine_client(unfreezing(&retired)).await.map(drop),
        admin.retire_machine_client(retiring(&retired)).await.map(drop),
        admin.end_old_machine_client_secret(ending(&retired)).await.map(drop),
        admin.rotate_machine_client_secret(rotation(&retired, None)).await.map(drop),
    ];
    for answer in answers {
        refused(answer, Code::FailedPrecondition, "CLIENT_RETIRED", "27");
    }
}

#[tokio::test]
async fn changes_need_an_etag_and_a_reason_and_happen_once() {
    let city = City::new().await;
    let (client, _) = registered(&city).await;
    let mut admin = city.admin().await;
    let unread = pb::FreezeMachineClientRequest { etag: String::new(), ..freezing(&client) };
    assert_eq!(
        refused(admin.freeze_machine_client(unread).await, Code::InvalidArgument, "INVALID", "")["field"],
        "etag"
    );
    for blank in [String::new(), "  ".to_owned(), "x".repeat(501)] {
        let unreasoned = pb::FreezeMachineClientRequest { reason: blank.clone(), ..freezing(&client) };
        let refusal = refused(admin.freeze_machine_client(unreasoned).await, Code::InvalidArgument, "INVALID", "");
        assert_eq!(refusal["field"], "reason");
        let unreasoned = pb::RetireMachineClientRequest { reason: blank, ..retiring(&client) };
        refused(admin.retire_machine_client(unreasoned).await, Code::InvalidArgument, "INVALID", "");
    }
    let request = pb::FreezeMachineClientRequest { request_id: "f".into(), ..freezing(&client) };
    let frozen = admin.freeze_machine_client(request.clone()).await.unwrap().into_inner();
    assert_eq!(admin.freeze_machine_client(request).await.unwrap().into_inner(), frozen, "repeated");
    let stale = refused(admin.freeze_machine_client(freezing(&client)).await, Code::Aborted, "STALE", "");
    assert_eq!(stale["what"], "frozen");
    assert_eq!(get(&city, &client).await, frozen);

    let of_client: Vec<_> = audit(&city).await.into_iter().filter(|entry| entry.resource == client.name).collect();
    let acts: Vec<_> = of_client
        .iter()
        .map(|entry| (entry.method.rsplit('/').next().unwrap_or_default(), entry.outcome(), entry.before.len()))
        .collect();
    assert_eq!(acts, [("CreateMachineClient", Outcome::Done, 0), ("FreezeMachineClient", Outcome::Done, 64)]);
}

#[tokio::test]
async fn only_the_departments_administrators_and_the_operator_manage_its_clients() {
    let city = City::new().await;
    let (client, _) = registered(&city).await;
    let mut stranger = city.user("users/x", "fire", &[Role::DepartmentAdmin]).await;
    let name = pb::GetMachineClientRequest { name: client.name.clone() };
    let answers = [
        stranger.get_machine_client(name.clone()).await.map(drop),
        stranger
            .freeze_machine_client(pb::FreezeMachineClientRequest { name: client.name.clone(), ..Default::default() })
            .await
            .map(drop),
        stranger.unfreeze_machine_client(unfreezing(&client)).await.map(drop),
        stranger.retire_machine_client(retiring(&client)).await.map(drop),
        stranger.end_old_machine_client_secret(ending(&client)).await.map(drop),
        stranger.rotate_machine_client_secret(rotation(&client, Some(-1))).await.map(drop),
    ];
    for answer in answers {
        refused(answer, Code::NotFound, "NOT_FOUND", "27");
    }
    for role in [Role::Handler, Role::Reviewer, Role::Officer, Role::Integrator, Role::Auditor] {
        let mut other = city.user("users/y", "market", &[role]).await;
        refused(
            other.rotate_machine_client_secret(rotation(&client, None)).await,
            Code::PermissionDenied,
            "ROLE_MISSING",
            "27",
        );
    }
    let mut auditor = city.user("users/z", "bigdata", &[Role::Auditor]).await;
    assert_eq!(
        auditor.get_machine_client(name).await.unwrap().into_inner(),
        client,
        "reads everything, changes nothing"
    );
    city.operator().await.freeze_machine_client(freezing(&client)).await.unwrap();
}

#[tokio::test]
async fn the_last_use_is_known_to_the_minute_and_costs_a_write_a_minute() {
    let city = City::new().await;
    let (client, secret) = registered(&city).await;
    token(&city, &client, &secret).await.unwrap();
    let used = get(&city, &client).await;
    assert_eq!(used.etag, client.etag, "use is no change");
    assert_eq!(used.last_use_time, used.secrets[0].last_use_time);
    assert!(used.last_use_time.is_some() && !used.last_use_address.is_empty());
    // A row that is written has a new version.
    let pool = city.harness.owner_pool("identity").await.unwrap();
    let version = async || -> String {
        sqlx::query_scalar("select xmin::text from machine_client").fetch_one(&pool).await.unwrap()
    };
    let before = version().await;
    city.harness.clock.advance(Duration::seconds(59));
    token(&city, &client, &secret).await.unwrap();
    assert_eq!((version().await, get(&city, &client).await.last_use_time), (before.clone(), used.last_use_time));
    city.harness.clock.advance(Duration::seconds(1));
    token(&city, &client, &secret).await.unwrap();
    assert_ne!(version().await, before);
    let later = get(&city, &client).await.last_use_time.unwrap().seconds - used.last_use_time.unwrap().seconds;
    assert_eq!(later, 60);

    // During a rotation each secret has its own: before the old one is ended somebody looks whether it is still used.
    let (rotated, two) = rotate(&city, &client, None).await;
    assert!(rotated.secrets[0].last_use_time.is_none() && rotated.secrets[1].last_use_time.is_some());
    token(&city, &client, &two).await.unwrap();
    assert!(get(&city, &client).await.secrets[0].last_use_time.is_some());
}

/// A freeze once could come between the check of a secret and the token signed for it.
#[tokio::test]
async fn no_token_is_given_beside_a_freeze_that_outlives_it() {
    let city = City::new().await;
    for _ in 0..10 {
        let (client, secret) = registered(&city).await;
        let mut admin = city.admin().await;
        let asked: Vec<_> = (0..4).map(|_| token(&city, &client, &secret)).collect();
        let (given, frozen) =
            tokio::join!(futures::future::join_all(asked), admin.freeze_machine_client(freezing(&client)));
        frozen.unwrap();
        for token in given.into_iter().flatten() {
            let mut holder: Client = city.bearer(&token).await;
            no_longer_known(&mut holder).await;
        }
    }
}

/// The release before writes a client's row without what was added since; it may run beside this one.
#[tokio::test]
async fn a_client_that_yesterdays_release_registered_is_whole() {
    let city = City::new().await;
    let (client, secret) = registered(&city).await;
    let owner = city.harness.owner_pool("identity").await.unwrap();
    sqlx::query(
        "insert into machine_client (name, title, organisation, secret_digest, created_by, created_at)
         select 'machineClients/yesterday', 'yesterday', organisation, secret_digest, created_by, created_at from machine_client",
    )
    .execute(&owner)
    .await
    .unwrap();
    let old = pb::MachineClient { name: "machineClients/yesterday".into(), ..client };
    token(&city, &old, &secret).await.unwrap();
    let found = get(&city, &old).await;
    assert_eq!((found.secrets[0].create_time, found.etag.as_str()), (found.create_time, "1"));
    let (rotated, two) = rotate(&city, &found, None).await;
    token(&city, &rotated, &secret).await.unwrap();
    token(&city, &rotated, &two).await.unwrap();
}
