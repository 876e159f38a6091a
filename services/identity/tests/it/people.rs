//! Organisations, users and rights (art. 5, 13, 27).

use proto::qingtian::{access::v1::Role, identity::v1 as pb};
use tonic::{Code, Response};

use crate::city::{City, PASSWORD, VERIFIED, first, organisation, person, refused};

fn create(user: pb::User) -> pb::CreateUserRequest {
    pb::CreateUserRequest {
        user: Some(user),
        password: PASSWORD.into(),
        request_id: String::new(),
        verification: VERIFIED.into(),
    }
}

#[tokio::test]
async fn an_organisation_is_added_once_by_the_operator_only() {
    let city = City::new().await;
    let mut operator = city.operator().await;
    let request = pb::CreateOrganisationRequest { request_id: "a".into(), ..organisation("water") };
    let made = operator.create_organisation(request.clone()).await.unwrap().into_inner();
    assert_eq!(operator.create_organisation(request).await.unwrap().into_inner(), made, "repeated");
    let before = city.count("organisation").await;

    let other = pb::CreateOrganisationRequest { request_id: "a".into(), ..organisation("heat") };
    refused(operator.create_organisation(other).await, Code::InvalidArgument, "REQUEST_ID_REUSED", "");
    let again =
        refused(operator.create_organisation(organisation("water")).await, Code::AlreadyExists, "ALREADY_EXISTS", "");
    assert_eq!(again["name"], "organisations/water");
    refused(operator.create_organisation(organisation("Water!")).await, Code::InvalidArgument, "INVALID", "");
    let mut orphan = organisation("orphan");
    orphan.organisation.as_mut().unwrap().parent = "organisations/nowhere".into();
    let refusal = refused(operator.create_organisation(orphan).await, Code::InvalidArgument, "INVALID", "");
    assert_eq!(refusal["field"], "organisation.parent");
    let admin = city.admin().await.create_organisation(organisation("mine")).await;
    refused(admin, Code::PermissionDenied, "ROLE_MISSING", "27");
    assert_eq!(city.count("organisation").await, before, "nothing half-done");
}

#[tokio::test]
async fn organisations_are_listed_by_name_page_by_page() {
    let city = City::new().await;
    let mut client = city.user("users/any", "fire", &[Role::Handler]).await;
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListOrganisationsRequest { page_size: 2, page_token, ..Default::default() };
        let page = client.list_organisations(request).await.unwrap().into_inner();
        assert!(page.organisations.len() <= 2);
        names.extend(page.organisations.into_iter().map(|organisation| organisation.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["organisations/bigdata", "organisations/fire", "organisations/market"]);
    let forged = pb::ListOrganisationsRequest { page_token: "?".into(), ..Default::default() };
    refused(client.list_organisations(forged).await, Code::InvalidArgument, "PAGE_TOKEN", "");
    let many = pb::ListOrganisationsRequest { page_size: 1_001, ..Default::default() };
    refused(client.list_organisations(many).await, Code::InvalidArgument, "INVALID", "");
}

#[tokio::test]
async fn a_user_is_registered_once_however_often_the_request_comes() {
    let city = City::new().await;
    let mut admin = city.admin().await;
    let request = pb::CreateUserRequest {
        user: Some(person("li.wei", &[Role::Handler])),
        request_id: "r".into(),
        ..Default::default()
    };
    let before = city.count("person").await;
    let made = admin.create_user(request.clone()).await.unwrap().into_inner();
    assert!(!made.password.is_empty());
    let again = admin.create_user(request).await.unwrap().into_inner();
    assert_eq!(again.user, made.user);
    assert_eq!(again.password, "", "the first password is shown once");
    assert_eq!(city.count("person").await, before + 1);
}

#[tokio::test]
async fn nobody_registers_a_user_against_the_rules() {
    let city = City::new().await;
    city.register("li.wei", &[Role::Officer]).await;
    let mut admin = city.admin().await;
    let before = city.count("person").await;

    for role in [Role::PlatformOperator, Role::SupervisionOffice, Role::Coordinator, Role::Auditor, Role::Integrator] {
        let wider = admin.create_user(create(person("new", &[Role::Handler, role]))).await;
        let refusal = refused(wider, Code::PermissionDenied, "WIDER_RIGHTS", "27");
        assert_eq!(format!("ROLE_{}", refusal["role"]), role.as_str_name());
    }
    for real_name in ["", "user01"] {
        let nameless = pb::User { real_name: real_name.into(), ..person("new", &[Role::Handler]) };
        refused(admin.create_user(create(nameless)).await, Code::InvalidArgument, "REAL_NAME_NEEDED", "27");
    }
    let uncertified = pb::User { certificate: None, ..person("new", &[Role::Officer]) };
    refused(admin.create_user(create(uncertified)).await, Code::InvalidArgument, "CERTIFICATE_NEEDED", "13");
    let taken = refused(
        admin.create_user(create(person("LI.WEI", &[Role::Handler]))).await,
        Code::AlreadyExists,
        "ALREADY_EXISTS",
        "",
    );
    assert_eq!(taken["name"], "li.wei");
    let same =
        pb::User { certificate: person("li.wei", &[Role::Officer]).certificate, ..person("new", &[Role::Officer]) };
    let taken = refused(admin.create_user(create(same)).await, Code::AlreadyExists, "ALREADY_EXISTS", "");
    assert_eq!(taken["name"], "41020017-li.wei");
    let weak = pb::CreateUserRequest { password: "weak".into(), ..create(person("new", &[Role::Handler])) };
    refused(admin.create_user(weak).await, Code::InvalidArgument, "WEAK_PASSWORD", "27");
    let foreign = pb::User { organisation: "organisations/fire".into(), ..person("new", &[Role::Handler]) };
    refused(admin.create_user(create(foreign)).await, Code::NotFound, "NOT_FOUND", "27");
    let nowhere = pb::User { organisation: "organisations/nowhere".into(), ..person("new", &[Role::Handler]) };
    refused(city.operator().await.create_user(create(nowhere)).await, Code::InvalidArgument, "INVALID", "");
    refused(admin.create_user(create(person("new", &[]))).await, Code::InvalidArgument, "INVALID", "");
    let handler = city.user("users/h", "market", &[Role::Handler]).await.create_user(create(person("new", &[]))).await;
    refused(handler, Code::PermissionDenied, "ROLE_MISSING", "27");
    assert_eq!(city.count("person").await, before, "nothing half-done");
}

#[tokio::test]
async fn another_departments_user_is_not_found() {
    let city = City::new().await;
    let user = city.register("li.wei", &[Role::Handler]).await;
    let mut stranger = city.user("users/x", "fire", &[Role::DepartmentAdmin]).await;
    let get = pb::GetUserRequest { name: user.name.clone() };
    refused(stranger.get_user(get.clone()).await, Code::NotFound, "NOT_FOUND", "27");
    refused(city.freeze(&mut stranger, &user).await, Code::NotFound, "NOT_FOUND", "27");
    // Whatever else is wrong with the request: out of reach comes first.
    let blank = pb::FreezeUserRequest { name: user.name.clone(), ..Default::default() };
    refused(stranger.freeze_user(blank).await, Code::NotFound, "NOT_FOUND", "27");
    let unfreeze = pb::UnfreezeUserRequest { name: user.name.clone(), etag: "1".into(), request_id: String::new() };
    refused(stranger.unfreeze_user(unfreeze).await, Code::NotFound, "NOT_FOUND", "27");
    let named = pb::ListUsersRequest { organisation: "organisations/market".into(), ..Default::default() };
    refused(stranger.list_users(named.clone()).await, Code::NotFound, "NOT_FOUND", "27");
    let machine = pb::CreateMachineClientRequest {
        title: "x".into(),
        organisation: "organisations/market".into(),
        request_id: String::new(),
    };
    refused(stranger.create_machine_client(machine).await, Code::NotFound, "NOT_FOUND", "27");
    let own = stranger.list_users(pb::ListUsersRequest::default()).await.unwrap().into_inner();
    assert!(own.users.is_empty());

    assert_eq!(city.admin().await.get_user(get).await.unwrap().into_inner(), user, "and nothing changed");
    let seen = city.operator().await.list_users(named).await.unwrap().into_inner();
    assert_eq!(seen.users, [user]);
}

#[tokio::test]
async fn users_are_found_by_part_of_a_name() {
    let city = City::new().await;
    for (username, real_name) in [("li.wei", "李伟"), ("wang.fang", "王芳"), ("100%", "张三")] {
        let user = pb::User {
            real_name: real_name.into(),
            username: username.replace('%', "_pc"),
            ..person("", &[Role::Handler])
        };
        city.admin().await.create_user(create(user)).await.unwrap();
    }
    let find = async |query: &str| -> Vec<String> {
        let request = pb::ListUsersRequest { query: query.into(), ..Default::default() };
        let found = city.admin().await.list_users(request).await.unwrap().into_inner();
        found.users.into_iter().map(|user| user.username).collect()
    };
    assert_eq!(find("").await, ["100_pc", "li.wei", "wang.fang"]);
    assert_eq!(find("WEI").await, ["li.wei"]);
    assert_eq!(find("芳").await, ["wang.fang"]);
    assert_eq!(find("_").await, ["100_pc"], "no wildcards");
    assert!(find("%").await.is_empty());
    let request = pb::ListUsersRequest { page_size: 2, ..Default::default() };
    let one = city.admin().await.list_users(request.clone()).await.unwrap().into_inner();
    let request = pb::ListUsersRequest { page_token: one.next_page_token, ..request };
    let two = city.admin().await.list_users(request).await.unwrap().into_inner();
    assert_eq!((one.users.len(), two.users.len(), two.next_page_token.as_str()), (2, 1, ""));
}

#[tokio::test]
async fn whoever_comes_with_an_old_etag_is_told_who_changed_what() {
    let city = City::new().await;
    let user = city.register("li.wei", &[Role::Handler]).await;
    let frozen = city.freeze(&mut city.operator().await, &user).await.unwrap();
    assert_eq!((frozen.state(), frozen.etag.as_str()), (pb::UserState::Frozen, "2"));
    let refusal = refused(city.freeze(&mut city.admin().await, &user).await, Code::Aborted, "STALE", "");
    assert_eq!((refusal["who"].as_str(), refusal["what"].as_str()), ("赵一", "frozen"));
    let state =
        refused(city.freeze(&mut city.admin().await, &frozen).await, Code::FailedPrecondition, "WRONG_STATE", "");
    assert_eq!(state["state"], "FROZEN");
    let unread = pb::User { etag: String::new(), ..user.clone() };
    refused(city.freeze(&mut city.admin().await, &unread).await, Code::InvalidArgument, "INVALID", "");
    let unreasoned = pb::FreezeUserRequest { name: user.name.clone(), etag: "2".into(), ..Default::default() };
    refused(city.admin().await.freeze_user(unreasoned).await, Code::InvalidArgument, "INVALID", "");

    let unfreeze = pb::UnfreezeUserRequest { name: user.name.clone(), etag: frozen.etag, request_id: "u".into() };
    let mut admin = city.admin().await;
    let active = admin.unfreeze_user(unfreeze.clone()).await.unwrap().into_inner();
    assert_eq!((active.state(), active.etag.as_str()), (pb::UserState::Active, "3"));
    assert_eq!(admin.unfreeze_user(unfreeze).await.unwrap().into_inner(), active, "a repetition is answered alike");
    let again = pb::UnfreezeUserRequest { name: user.name, etag: active.etag, request_id: String::new() };
    refused(admin.unfreeze_user(again).await, Code::FailedPrecondition, "WRONG_STATE", "");
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let city = City::new().await;
    let mut operator = city.operator().await;
    refused(city.freeze(&mut operator, &city.operator).await, Code::FailedPrecondition, "LAST_ADMIN", "27");
    let one = city.register("one", &[Role::DepartmentAdmin]).await;
    refused(city.freeze(&mut operator, &one).await, Code::FailedPrecondition, "LAST_ADMIN", "27");
    let elsewhere =
        pb::User { organisation: "organisations/fire".into(), ..person("elsewhere", &[Role::DepartmentAdmin]) };
    operator.create_user(create(elsewhere)).await.unwrap();
    refused(city.freeze(&mut operator, &one).await, Code::FailedPrecondition, "LAST_ADMIN", "27");

    let two = city.register("two", &[Role::DepartmentAdmin]).await;
    // Both at once: whoever is second finds the other gone and is refused.
    let (mut first, mut second) = (city.operator().await, city.operator().await);
    let (a, b) = tokio::join!(city.freeze(&mut first, &one), city.freeze(&mut second, &two));
    let (frozen, kept) = if a.is_ok() { (a, b) } else { (b, a) };
    assert_eq!(frozen.unwrap().state(), pb::UserState::Frozen);
    refused(kept, Code::FailedPrecondition, "LAST_ADMIN", "27");
}

#[tokio::test]
async fn an_administrator_does_not_freeze_wider_rights() {
    let city = City::new().await;
    let auditor = city.register("auditor", &[Role::Auditor]).await;
    refused(city.freeze(&mut city.admin().await, &auditor).await, Code::PermissionDenied, "WIDER_RIGHTS", "27");
    city.freeze(&mut city.operator().await, &auditor).await.unwrap();
}

#[tokio::test]
async fn a_machine_client_is_registered_once() {
    let city = City::new().await;
    let request =
        pb::CreateMachineClientRequest { title: "系统".into(), request_id: "m".into(), ..Default::default() };
    let mut admin = city.admin().await;
    let made = admin.create_machine_client(request.clone()).await.unwrap().into_inner();
    let again = admin.create_machine_client(request).await.unwrap().into_inner();
    assert_eq!((again.name, again.secret.as_str()), (made.name, ""), "the secret is shown once");
    assert_eq!(city.count("machine_client").await, 1);
    let unnamed =
        admin.create_machine_client(pb::CreateMachineClientRequest::default()).await.map(Response::into_inner);
    refused(unnamed, Code::InvalidArgument, "INVALID", "");
}

#[tokio::test]
async fn the_first_operator_is_made_once_and_signs_in() {
    let city = City::new().await;
    let opened = city.sign_in("operator", crate::city::OPERATOR_PASSWORD).await.unwrap();
    assert_eq!(opened.user.unwrap().roles, [Role::PlatformOperator as i32]);
    let ledger = kit::ledger::Ledger::open(&city.harness.env, "identity").unwrap();
    let before = city.count("person").await;
    let again = identity::bootstrap(&ledger, first("another")).await.unwrap_err();
    assert!(again.to_string().contains("operator already"), "{again}");
    assert_eq!(city.count("person").await, before);
}
