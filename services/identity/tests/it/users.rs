//! The life of accounts (art. 27): verified, given roles, handed over, closed; who may do it, and what is refused.

use proto::qingtian::{
    access::v1::Role,
    identity::v1::{self as pb, users_client::UsersClient},
};
use tonic::{Code, Response, Status};

use crate::city::{City, PASSWORD, VERIFIED, organisation, person, refused};

type Users = UsersClient<kit::testing::UserChannel>;

async fn users(city: &City, name: &str, organisation: &str, roles: &[Role]) -> Users {
    let organisation = format!("organisations/{organisation}");
    UsersClient::new(city.harness.user(name, &organisation, roles).await.unwrap())
}

async fn operator(city: &City) -> Users {
    users(city, &city.operator.name, "bigdata", &[Role::PlatformOperator]).await
}

async fn admin(city: &City) -> Users {
    users(city, "users/admin", "market", &[Role::DepartmentAdmin]).await
}

fn roles(user: &pb::User, roles: &[Role]) -> pb::SetRolesRequest {
    pb::SetRolesRequest {
        name: user.name.clone(),
        roles: roles.iter().map(|role| *role as i32).collect(),
        reason: "岗位调整".into(),
        etag: user.etag.clone(),
        request_id: String::new(),
    }
}

fn verify(user: &pb::User) -> pb::VerifyUserRequest {
    pb::VerifyUserRequest {
        name: user.name.clone(),
        verification: VERIFIED.into(),
        etag: user.etag.clone(),
        request_id: String::new(),
    }
}

fn close(user: &pb::User, successor: &str) -> pb::CloseUserRequest {
    pb::CloseUserRequest {
        name: user.name.clone(),
        successor: successor.into(),
        reason: "调往外地".into(),
        etag: user.etag.clone(),
        request_id: String::new(),
    }
}

fn hand_over(user: &pb::User, successor: &str) -> pb::HandOverDutiesRequest {
    pb::HandOverDutiesRequest {
        name: user.name.clone(),
        successor: successor.into(),
        reason: "岗位轮换".into(),
        etag: user.etag.clone(),
        request_id: String::new(),
    }
}

async fn read(city: &City, user: &pb::User) -> pb::User {
    let request = pb::GetUserRequest { name: user.name.clone() };
    city.operator().await.get_user(request).await.unwrap().into_inner()
}

/// What was done to somebody, the newest first.
async fn history(city: &City, user: &pb::User) -> Vec<pb::UserAct> {
    let request = pb::ListUserActsRequest { parent: user.name.clone(), ..Default::default() };
    operator(city).await.list_user_acts(request).await.unwrap().into_inner().acts
}

fn kinds(acts: &[pb::UserAct]) -> Vec<pb::UserActKind> {
    acts.iter().map(pb::UserAct::kind).collect()
}

/// Nothing became of an account.
async fn untouched(city: &City, user: &pb::User) {
    assert_eq!(&read(city, user).await, user, "nothing half-done");
}

#[tokio::test]
async fn whoever_is_registered_without_being_verified_waits_for_it() {
    let city = City::new().await;
    let request = pb::CreateUserRequest {
        user: Some(person("li.wei", &[Role::Handler])),
        password: PASSWORD.into(),
        ..Default::default()
    };
    let user = city.admin().await.create_user(request).await.unwrap().into_inner().user.unwrap();
    assert_eq!((user.state(), user.verification.as_str()), (pb::UserState::PendingVerification, ""));
    refused(city.sign_in("li.wei", PASSWORD).await.map(Response::new), Code::PermissionDenied, "USER_UNVERIFIED", "27");
    let blank = pb::VerifyUserRequest { verification: " ".into(), ..verify(&user) };
    refused(admin(&city).await.verify_user(blank).await, Code::InvalidArgument, "INVALID", "");
    let freeze = city.freeze(&mut city.admin().await, &user).await.map(Response::new);
    refused(freeze, Code::FailedPrecondition, "WRONG_STATE", "");
    untouched(&city, &user).await;

    let request = pb::VerifyUserRequest { request_id: "v".into(), ..verify(&user) };
    let active = admin(&city).await.verify_user(request.clone()).await.unwrap().into_inner();
    assert_eq!((active.state(), active.verification.as_str()), (pb::UserState::Active, VERIFIED));
    assert_eq!(
        admin(&city).await.verify_user(request).await.unwrap().into_inner(),
        active,
        "a repetition is answered alike"
    );
    city.sign_in("li.wei", PASSWORD).await.unwrap();
    refused(admin(&city).await.verify_user(verify(&active)).await, Code::FailedPrecondition, "WRONG_STATE", "");
    let acts = history(&city, &user).await;
    assert_eq!(kinds(&acts), [pb::UserActKind::Verified, pb::UserActKind::Registered]);
    assert_eq!((acts[0].number, acts[0].reason.as_str(), acts[0].actor.as_str()), (2, VERIFIED, "users/admin"));
}

#[tokio::test]
async fn roles_change_with_a_reason_and_count_from_the_next_token_on() {
    let city = City::new().await;
    let user = city.register("li.wei", &[Role::Handler]).await;
    let signed_in = city.sign_in("li.wei", PASSWORD).await.unwrap();
    let set = admin(&city).await.set_roles(roles(&user, &[Role::Reviewer, Role::Head])).await.unwrap().into_inner();
    assert_eq!(set.roles, [Role::Reviewer as i32, Role::Head as i32]);
    // What was signed before is void; the sign-in goes on and its next token carries the new roles.
    let mut old = city.bearer(&signed_in.token.unwrap()).await;
    let void = old.get_me(pb::GetMeRequest {}).await;
    refused(void, Code::Unauthenticated, "NOT_SIGNED_IN", "27");
    let token = city.refresh(&signed_in.sign_in).await.unwrap();
    let me = city.bearer(&token).await.get_me(pb::GetMeRequest {}).await.unwrap().into_inner();
    assert_eq!(me.roles, set.roles);
    let acts = history(&city, &user).await;
    assert_eq!(kinds(&acts), [pb::UserActKind::RolesSet, pb::UserActKind::Registered]);
    assert_eq!((acts[0].roles.clone(), acts[1].roles.clone()), (set.roles, user.roles));
    assert_eq!(acts[0].reason, "岗位调整");
}

#[tokio::test]
async fn what_nobody_may_grant_changes_nothing() {
    let city = City::new().await;
    let user = city.register("li.wei", &[Role::Handler]).await;
    let auditor = city.register("wu.qing", &[Role::Auditor]).await;
    for wider in [Role::Auditor, Role::PlatformOperator, Role::Coordinator] {
        let asked = roles(&user, &[Role::Handler, wider]);
        refused(admin(&city).await.set_roles(asked).await, Code::PermissionDenied, "WIDER_RIGHTS", "27");
    }
    // Taking is granting.
    let asked = roles(&auditor, &[Role::Handler]);
    refused(admin(&city).await.set_roles(asked).await, Code::PermissionDenied, "WIDER_RIGHTS", "27");
    let asked = roles(&auditor, &[Role::Auditor, Role::SecurityAdmin]);
    let refusal =
        refused(operator(&city).await.set_roles(asked).await, Code::FailedPrecondition, "ADMINS_SEPARATE", "27");
    assert!(refusal["roles"].contains("AUDITOR") && refusal["roles"].contains("SECURITY_ADMIN"), "{refusal:?}");
    let both = pb::CreateUserRequest {
        user: Some(person("both", &[Role::PlatformOperator, Role::Auditor])),
        ..Default::default()
    };
    refused(city.operator().await.create_user(both).await, Code::FailedPrecondition, "ADMINS_SEPARATE", "27");
    let asked = roles(&user, &[Role::Officer]);
    refused(admin(&city).await.set_roles(asked).await, Code::InvalidArgument, "CERTIFICATE_NEEDED", "13");
    let asked = roles(&user, &[Role::DepartmentAdmin]);
    let refusal = refused(admin(&city).await.set_roles(asked).await, Code::FailedPrecondition, "DUTIES_LEFT", "27");
    assert_eq!(refusal["name"], "李伟");
    for (asked, problem) in [(roles(&user, &[Role::Handler]), "the same"), (roles(&user, &[]), "none")] {
        refused(admin(&city).await.set_roles(asked).await, Code::InvalidArgument, "INVALID", "");
        assert!(!problem.is_empty());
    }
    let unreasoned = pb::SetRolesRequest { reason: String::new(), ..roles(&user, &[Role::Reviewer]) };
    refused(admin(&city).await.set_roles(unreasoned).await, Code::InvalidArgument, "INVALID", "");
    let own = users(&city, &user.name, "market", &[Role::DepartmentAdmin])
        .await
        .set_roles(roles(&user, &[Role::Reviewer]))
        .await;
    refused(own, Code::FailedPrecondition, "OWN_ACT", "27");
    let stranger = users(&city, "users/x", "fire", &[Role::DepartmentAdmin])
        .await
        .set_roles(roles(&user, &[Role::Reviewer]))
        .await;
    refused(stranger, Code::NotFound, "NOT_FOUND", "27");
    for named in [&user, &auditor] {
        untouched(&city, named).await;
    }
    let office = pb::User { real_name: "信用监管科办公室".into(), ..person("office", &[Role::Handler]) };
    let office = pb::CreateUserRequest { user: Some(office), ..Default::default() };
    refused(city.admin().await.create_user(office).await, Code::InvalidArgument, "SHARED_ACCOUNT", "27");
}

#[tokio::test]
async fn the_last_administrator_keeps_the_role() {
    let city = City::new().await;
    let one = city.register("one", &[Role::DepartmentAdmin]).await;
    let asked = roles(&one, &[Role::Handler]);
    refused(operator(&city).await.set_roles(asked.clone()).await, Code::FailedPrecondition, "LAST_ADMIN", "27");
    refused(operator(&city).await.close_user(close(&one, "")).await, Code::FailedPrecondition, "LAST_ADMIN", "27");
    untouched(&city, &one).await;
    city.register("two", &[Role::DepartmentAdmin]).await;
    operator(&city).await.set_roles(asked).await.unwrap();
}

#[tokio::test]
async fn of_two_at_once_one_wins_and_the_other_is_told() {
    let city = City::new().await;
    let user = city.register("li.wei", &[Role::Handler]).await;
    let (mut a, mut b) = (admin(&city).await, operator(&city).await);
    let (first, second) = tokio::join!(
        a.set_roles(roles(&user, &[Role::Handler, Role::Reviewer])),
        b.set_roles(roles(&user, &[Role::Handler, Role::Head])),
    );
    let (won, lost) = if first.is_ok() { (first, second) } else { (second, first) };
    let refusal = refused(lost, Code::Aborted, "STALE", "");
    assert_eq!(refusal["what"], "roles changed");
    assert_eq!(read(&city, &user).await, won.unwrap().into_inner());
}

#[tokio::test]
async fn whoever_leaves_hands_over_and_never_comes_back() {
    let city = City::new().await;
    let user = city.register("li.wei", &[Role::Handler]).await;
    let colleague = city.register("wang.fang", &[Role::Reviewer]).await;
    let idle = city.register("zhao.min", &[Role::DepartmentAdmin]).await;
    let elsewhere = pb::CreateUserRequest {
        user: Some(pb::User { organisation: "organisations/fire".into(), ..person("sun.wei", &[Role::Handler]) }),
        verification: VERIFIED.into(),
        ..Default::default()
    };
    let elsewhere = city.operator().await.create_user(elsewhere).await.unwrap().into_inner().user.unwrap();
    refused(admin(&city).await.close_user(close(&user, "")).await, Code::FailedPrecondition, "DUTIES_LEFT", "27");
    for unfit in [&user.name, &idle.name, &elsewhere.name, "users/nobody"] {
        let refusal = refused(
            admin(&city).await.close_user(close(&user, unfit)).await,
            Code::FailedPrecondition,
            "SUCCESSOR_UNFIT",
            "27",
        );
        assert_eq!(refusal["successor"], *unfit);
        refused(
            admin(&city).await.hand_over_duties(hand_over(&user, unfit)).await,
            Code::FailedPrecondition,
            "SUCCESSOR_UNFIT",
            "27",
        );
    }
    refused(admin(&city).await.hand_over_duties(hand_over(&user, "")).await, Code::InvalidArgument, "INVALID", "");
    untouched(&city, &user).await;

    let handed = admin(&city).await.hand_over_duties(hand_over(&user, &colleague.name)).await.unwrap().into_inner();
    assert_eq!(handed.state(), pb::UserState::Active);
    let signed_in = city.sign_in("li.wei", PASSWORD).await.unwrap();
    let closed = admin(&city).await.close_user(close(&handed, &colleague.name)).await.unwrap().into_inner();
    assert_eq!(closed.state(), pb::UserState::Closed);
    let gone = city.refresh(&signed_in.sign_in).await.map(Response::new);
    let status = gone.unwrap_err();
    assert!(matches!(status.code(), Code::Unauthenticated | Code::PermissionDenied), "{status}");
    refused(city.sign_in("li.wei", PASSWORD).await.map(Response::new), Code::PermissionDenied, "USER_CLOSED", "27");
    for answer in [
        admin(&city).await.set_roles(roles(&closed, &[Role::Reviewer])).await,
        admin(&city).await.verify_user(verify(&closed)).await,
        admin(&city).await.close_user(close(&closed, &colleague.name)).await,
        admin(&city).await.hand_over_duties(hand_over(&closed, &colleague.name)).await,
    ] {
        refused(answer, Code::FailedPrecondition, "WRONG_STATE", "");
    }
    let acts = history(&city, &user).await;
    use pb::UserActKind::{Closed, HandedOver, Registered};
    assert_eq!(kinds(&acts), [Closed, HandedOver, Registered]);
    assert_eq!((&acts[0].successor, &acts[1].successor), (&colleague.name, &colleague.name));
    // Whoever has no duties leaves without a successor.
    city.register("qian.li", &[Role::DepartmentAdmin]).await;
    admin(&city).await.close_user(close(&idle, "")).await.unwrap();
}

#[tokio::test]
async fn a_district_appoints_its_departments_administrators_and_manages_nobody_else() {
    let city = City::new().await;
    for id in ["longting", "longting-market"] {
        let mut request = organisation(id);
        if let Some(given) = &mut request.organisation {
            given.district = "410202".into();
        }
        city.operator().await.create_organisation(request).await.unwrap();
    }
    let appointed = pb::CreateUserRequest {
        user: Some(pb::User {
            organisation: "organisations/longting".into(),
            ..person("longting", &[Role::DistrictAdmin])
        }),
        password: PASSWORD.into(),
        verification: VERIFIED.into(),
        ..Default::default()
    };
    let own = city.operator().await.create_user(appointed).await.unwrap().into_inner().user.unwrap();
    let token = city.sign_in("longting", PASSWORD).await.unwrap().token.unwrap();
    let mut appointing = city.bearer(&token).await;
    let admin_of = |organisation: &str, role| pb::CreateUserRequest {
        user: Some(pb::User { organisation: organisation.into(), ..person("lt.admin", &[role]) }),
        verification: VERIFIED.into(),
        ..Default::default()
    };
    let theirs = "organisations/longting-market";
    let made =
        appointing.create_user(admin_of(theirs, Role::DepartmentAdmin)).await.unwrap().into_inner().user.unwrap();
    refused(
        appointing.create_user(admin_of(theirs, Role::Handler)).await,
        Code::PermissionDenied,
        "WIDER_RIGHTS",
        "27",
    );
    let market = admin_of("organisations/market", Role::DepartmentAdmin);
    refused(appointing.create_user(market).await, Code::NotFound, "NOT_FOUND", "27");
    let listed = appointing.list_users(pb::ListUsersRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.users, [own, made]);
}

#[tokio::test]
async fn the_security_administrator_freezes_anybody_and_grants_nothing() {
    let city = City::new().await;
    let user = city.register("li.wei", &[Role::Handler]).await;
    let mut security = city.user("users/s", "bigdata", &[Role::SecurityAdmin]).await;
    let frozen = city.freeze(&mut security, &user).await.unwrap();
    let unfreeze = pb::UnfreezeUserRequest { name: user.name.clone(), etag: frozen.etag, request_id: String::new() };
    let back = security.unfreeze_user(unfreeze).await.unwrap().into_inner();
    let mut users = users(&city, "users/s", "bigdata", &[Role::SecurityAdmin]).await;
    refused(users.set_roles(roles(&back, &[Role::Reviewer])).await, Code::PermissionDenied, "ROLE_MISSING", "27");
    let acts = pb::ListUserActsRequest { parent: user.name.clone(), page_size: 2, ..Default::default() };
    let first = users.list_user_acts(acts.clone()).await.unwrap().into_inner();
    assert_eq!((kinds(&first.acts), first.total_size), (vec![pb::UserActKind::Unfrozen, pb::UserActKind::Frozen], 3));
    let rest = pb::ListUserActsRequest { page_token: first.next_page_token, ..acts };
    let rest = users.list_user_acts(rest).await.unwrap().into_inner();
    assert_eq!((kinds(&rest.acts), rest.next_page_token.as_str()), (vec![pb::UserActKind::Registered], ""));
    let stranger: Result<Response<_>, Status> = self::users(&city, "users/x", "fire", &[Role::DepartmentAdmin])
        .await
        .list_user_acts(pb::ListUserActsRequest { parent: user.name, ..Default::default() })
        .await;
    refused(stranger, Code::NotFound, "NOT_FOUND", "27");
}
