//! Lists of organisations, users and machine clients: searched, filtered, sorted, walked page by page (art. 27).

use proto::qingtian::{
    access::v1::Role,
    identity::v1::{self as pb, MachineClientState},
};
use tonic::Code;

use crate::city::{City, Client, PASSWORD, organisation, person, refused};

async fn organisations(client: &mut Client, asked: pb::ListOrganisationsRequest) -> Vec<String> {
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListOrganisationsRequest { page_token, ..asked.clone() };
        let page = client.list_organisations(request).await.unwrap().into_inner();
        names.extend(page.organisations.into_iter().map(|one| one.name.replace("organisations/", "")));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            assert_eq!(page.total_size, names.len() as i64);
            return names;
        }
    }
}

#[tokio::test]
async fn organisations_are_found_filtered_and_sorted() {
    let city = City::new().await;
    for (id, title, district) in [("aa", "兰考县局", "410225"), ("zz", "100%局", "410202")] {
        let mut request = organisation(id);
        let new = request.organisation.as_mut().unwrap();
        (new.title, new.district) = (title.into(), district.into());
        city.operator().await.create_organisation(request).await.unwrap();
    }
    let mut client = city.user("users/any", "fire", &[Role::Handler]).await;
    let all = pb::ListOrganisationsRequest { page_size: 2, ..Default::default() };
    for (order_by, expected) in [
        ("", ["aa", "bigdata", "fire", "market", "zz"]),
        ("name desc", ["zz", "market", "fire", "bigdata", "aa"]),
        ("district", ["bigdata", "fire", "market", "zz", "aa"]),
        // In the order of characters' numbers.
        ("title", ["zz", "aa", "fire", "market", "bigdata"]),
    ] {
        let asked = pb::ListOrganisationsRequest { order_by: order_by.into(), ..all.clone() };
        assert_eq!(organisations(&mut client, asked).await, expected, "{order_by}");
    }
    for (query, expected) in [
        ("兰考", vec!["aa"]),
        ("%", vec!["zz"]),
        ("KAIFENG FIRE", vec!["fire"]),
        ("mark", vec!["market"]),
        ("organisations", vec![]),
        ("_", vec![]),
    ] {
        let asked = pb::ListOrganisationsRequest { query: query.into(), ..all.clone() };
        assert_eq!(organisations(&mut client, asked).await, expected, "{query}");
    }
    let asked = pb::ListOrganisationsRequest { kind: pb::OrganisationKind::Unit as i32, ..all.clone() };
    assert_eq!(organisations(&mut client, asked).await, ["bigdata"]);
    let asked = pb::ListOrganisationsRequest { district: "410225".into(), ..all.clone() };
    assert_eq!(organisations(&mut client, asked).await, ["aa"]);

    let token = client.list_organisations(all.clone()).await.unwrap().into_inner().next_page_token;
    let other = pb::ListOrganisationsRequest { page_token: token, order_by: "title".into(), ..all.clone() };
    refused(client.list_organisations(other).await, Code::InvalidArgument, "PAGE_TOKEN", "");
    for (wrong, field) in [
        (pb::ListOrganisationsRequest { order_by: "kind".into(), ..all.clone() }, "order_by"),
        (pb::ListOrganisationsRequest { district: "Kaifeng".into(), ..all.clone() }, "district"),
        (pb::ListOrganisationsRequest { kind: 99, ..all }, "kind"),
    ] {
        let refusal = refused(client.list_organisations(wrong).await, Code::InvalidArgument, "INVALID", "");
        assert_eq!(refusal["field"], field);
    }
}

#[tokio::test]
async fn users_are_filtered_and_sorted() {
    let city = City::new().await;
    for (username, real_name, roles) in [
        ("b.b", "阿甲", vec![Role::Handler]),
        ("a.a", "阿丙", vec![Role::Handler, Role::Officer]),
        ("c.c", "阿乙", vec![Role::Reviewer]),
    ] {
        let user = pb::User { real_name: real_name.into(), ..person(username, &roles) };
        let request = pb::CreateUserRequest {
            user: Some(user),
            password: PASSWORD.into(),
            verification: crate::city::VERIFIED.into(),
            ..Default::default()
        };
        city.admin().await.create_user(request).await.unwrap();
        city.harness.clock.advance(chrono::Duration::seconds(1));
    }
    let mut admin = city.admin().await;
    let mut find = async |asked: pb::ListUsersRequest| {
        let (mut names, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListUsersRequest { page_token, page_size: 2, ..asked.clone() };
            let page = admin.list_users(request).await.unwrap().into_inner();
            names.extend(page.users.into_iter().map(|user| user.username));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                assert_eq!(page.total_size, names.len() as i64);
                return names;
            }
        }
    };
    for (order_by, expected) in [
        ("", ["a.a", "b.b", "c.c"]),
        ("username desc", ["c.c", "b.b", "a.a"]),
        // 丙 4E19, 乙 4E59, 甲 7532.
        ("real_name", ["a.a", "c.c", "b.b"]),
        ("create_time", ["b.b", "a.a", "c.c"]),
        ("create_time desc", ["c.c", "a.a", "b.b"]),
    ] {
        let asked = pb::ListUsersRequest { order_by: order_by.into(), ..Default::default() };
        assert_eq!(find(asked).await, expected, "{order_by}");
    }
    let by_role = |role: Role| pb::ListUsersRequest { role: role as i32, ..Default::default() };
    assert_eq!(find(by_role(Role::Handler)).await, ["a.a", "b.b"]);
    assert!(find(by_role(Role::Auditor)).await.is_empty());
    let one = city.admin().await.list_users(pb::ListUsersRequest { query: "c.c".into(), ..Default::default() }).await;
    city.freeze(&mut city.admin().await, &one.unwrap().into_inner().users[0]).await.unwrap();
    let by_state = |state: pb::UserState| pb::ListUsersRequest { state: state as i32, ..Default::default() };
    assert_eq!(find(by_state(pb::UserState::Frozen)).await, ["c.c"]);
    assert_eq!(find(by_state(pb::UserState::Active)).await, ["a.a", "b.b"]);
    for (wrong, field) in [
        (pb::ListUsersRequest { order_by: "roles".into(), ..Default::default() }, "order_by"),
        (pb::ListUsersRequest { state: 9, ..Default::default() }, "state"),
        (pb::ListUsersRequest { role: 99, ..Default::default() }, "role"),
    ] {
        let refusal = refused(city.admin().await.list_users(wrong).await, Code::InvalidArgument, "INVALID", "");
        assert_eq!(refusal["field"], field);
    }
}

#[tokio::test]
async fn machine_clients_are_found_filtered_and_sorted() {
    let city = City::new().await;
    let mut made = Vec::new();
    for (title, organisation) in [("Beta", "market"), ("alpha", "market"), ("消防系统", "fire")] {
        let organisation = format!("organisations/{organisation}");
        let request = pb::CreateMachineClientRequest { title: title.into(), organisation, request_id: String::new() };
        made.push(city.operator().await.create_machine_client(request).await.unwrap().into_inner());
        city.harness.clock.advance(chrono::Duration::seconds(1));
    }
    let mut anybody = pb::identity_client::IdentityClient::new(city.harness.anonymous().await.unwrap());
    let issue = pb::IssueTokenRequest { client: made[0].name.clone(), secret: made[0].secret.clone() };
    anybody.issue_token(issue).await.unwrap();
    let mut operator = city.operator().await;
    let mut find = async |asked: pb::ListMachineClientsRequest| {
        let (mut titles, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListMachineClientsRequest { page_token, page_size: 2, ..asked.clone() };
            let page = operator.list_machine_clients(request).await.unwrap().into_inner();
            titles.extend(page.clients.into_iter().map(|client| client.title));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                assert_eq!(page.total_size, titles.len() as i64);
                return titles;
            }
        }
    };
    let all = pb::ListMachineClientsRequest::default();
    for (order_by, expected) in [
        ("", ["Beta", "alpha", "消防系统"]),
        ("title desc", ["消防系统", "alpha", "Beta"]),
        ("create_time desc", ["消防系统", "alpha", "Beta"]),
        (
            "last_use_time desc",
            [
                "Beta",
                if made[1].name > made[2].name { "alpha" } else { "消防系统" },
                if made[1].name > made[2].name { "消防系统" } else { "alpha" },
            ],
        ),
    ] {
        let asked = pb::ListMachineClientsRequest { order_by: order_by.into(), ..all.clone() };
        assert_eq!(find(asked).await, expected, "{order_by}");
    }
    let by = |query: &str| pb::ListMachineClientsRequest { query: query.into(), ..all.clone() };
    assert_eq!(find(by("ALP")).await, ["alpha"]);
    assert_eq!(find(by(made[2].name.trim_start_matches("machineClients/"))).await, ["消防系统"]);
    assert!(find(by("machineClients")).await.is_empty());
    let fire = pb::ListMachineClientsRequest { organisation: "organisations/fire".into(), ..all.clone() };
    assert_eq!(find(fire.clone()).await, ["消防系统"]);

    let retire = pb::RetireMachineClientRequest {
        name: made[0].name.clone(),
        etag: "1".into(),
        reason: "下线".into(),
        request_id: String::new(),
    };
    city.admin().await.retire_machine_client(retire).await.unwrap();
    assert_eq!(find(all.clone()).await, ["alpha", "消防系统"], "the retired only when asked for");
    let retired = pb::ListMachineClientsRequest { state: MachineClientState::Retired as i32, ..all.clone() };
    assert_eq!(find(retired).await, ["Beta"]);

    let mut admin = city.admin().await;
    let own = admin.list_machine_clients(all.clone()).await.unwrap().into_inner();
    assert_eq!(own.clients.iter().map(|client| client.title.as_str()).collect::<Vec<_>>(), ["alpha"]);
    refused(admin.list_machine_clients(fire).await, Code::NotFound, "NOT_FOUND", "27");
    for (wrong, field) in [
        (pb::ListMachineClientsRequest { order_by: "state".into(), ..all.clone() }, "order_by"),
        (pb::ListMachineClientsRequest { state: 9, ..all.clone() }, "state"),
        (pb::ListMachineClientsRequest { page_size: -1, ..all }, "page_size"),
    ] {
        let refusal = refused(admin.list_machine_clients(wrong).await, Code::InvalidArgument, "INVALID", "");
        assert_eq!(refusal["field"], field);
    }
}
