//! Every rpc x every role, generated from the contract, so that nothing added later can be forgotten; and for each scoped rpc
//! a record of another organisation, which must not be found.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Buf, BufMut, Bytes};
use futures::FutureExt;
use kit::{
    auth::rules,
    testing::{Harness, refusal_of},
};
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor, ReflectMessage, Value, prost::Message};
use proto::qingtian::{
    access::v1::{Role, Scope},
    catalog::v1::{
        IssueItemsRequest, Item, ItemLevel, ListClaimsRequest, ListItemImportsRequest, ListItemsRequest,
        catalog_client::CatalogClient, claims_client::ClaimsClient,
    },
    draws::v1::{
        Cap, CapLimit, ChangeSubjectsRequest, ChosenSubject, Conflict, CreateCapRequest, CreateExpertRequest,
        CreateLeaveRequest, CreateRecusalRequest, DeclareConflictRequest, Expert, Leave, LeaveKind, ListDrawsRequest,
        ListImportsRequest, ListPlansRequest, ListSubjectsRequest, ListVisitsRequest, Recusal, RecusalGround,
        SubjectStatus, caps_client::CapsClient, draws_client::DrawsClient, experts_client::ExpertsClient,
        people_client::PeopleClient, plans_client::PlansClient, recusals_client::RecusalsClient,
        register_changes_client::RegisterChangesClient, registers_client::RegistersClient,
        uploads_client::UploadsClient, visits_client::VisitsClient,
    },
    identity::{
        events::v1::OfficerChanged,
        v1::{
            CreateMachineClientRequest, CreateSignOnLinkRequest, ListUsersRequest, identity_client::IdentityClient,
            sign_ons_client::SignOnsClient,
        },
    },
    uploads::v1::{CreateUploadRequest, Upload},
};
use qingtian::fleet::{GATEWAY, SERVICES, schema};
use tests::city::City;
use tonic::{
    Code, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

/// Every role of the contract.
fn roles() -> Vec<Role> {
    let roles = proto::POOL.get_enum_by_name("qingtian.access.v1.Role").unwrap();
    let roles: Vec<_> = roles.values().map(|value| Role::try_from(value.number()).unwrap()).collect();
    roles.into_iter().filter(|role| *role != Role::Unspecified).collect()
}

/// Bytes in, bytes out: any rpc without its stub.
#[derive(Clone, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

fn methods() -> Vec<MethodDescriptor> {
    proto::POOL
        .services()
        // Sessions are the gateway's own, over HTTP alone: [`sessions_let_in_exactly_whom_their_rules_name`].
        .filter(|service| service.full_name().starts_with("qingtian.") && service.name() != "Sessions")
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect()
}

/// Calls any rpc with one message; answers the first answer, or the refusal.
async fn call<C>(channel: C, method: &MethodDescriptor, message: Bytes) -> Result<Bytes, Status>
where
    C: tonic::client::GrpcService<tonic::body::Body>,
    C::ResponseBody: tonic::codegen::Body<Data = Bytes> + Send + 'static,
    <C::ResponseBody as tonic::codegen::Body>::Error: Into<tonic::codegen::StdError> + Send,
    C::Error: Into<tonic::codegen::StdError>,
{
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.map_err(|e| Status::unavailable(e.into().to_string()))?;
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name()).parse().unwrap();
    let mut request = tonic::Request::new(futures::stream::iter([message]));
    // Where personal data is read a purpose is stated, so that the answer is about the rows.
    request.metadata_mut().insert("x-purpose", "audit".parse().unwrap());
    let mut stream = grpc.streaming(request, path, Raw).await?.into_inner();
    Ok(stream.message().await?.unwrap_or_default())
}

async fn city() -> Harness {
    let schemas: Vec<_> = SERVICES.into_iter().map(|service| (service, schema(service).unwrap())).collect();
    let harness = Harness::start(&schemas, |env| {
        async move {
            Ok(vec![
                identity::start(env).await?,
                catalog::start(env).await?,
                draws::start(env).await?,
                portal::start(env).await?,
            ])
        }
        .boxed()
    });
    harness.await.unwrap()
}

#[tokio::test]
async fn every_rpc_lets_in_exactly_whom_its_rule_names() {
    let city = city().await;
    let mut checked = 0;
    for method in methods() {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let rule = &rules()[&path];
        let stranger = call(city.anonymous().await.unwrap(), &method, Bytes::new()).await;
        let refused = stranger.as_ref().is_err_and(|status| refusal_of(status).0 == "NOT_SIGNED_IN");
        assert_eq!(refused, !rule.rule.public, "{path}, nobody signed in: {stranger:?}");
        for role in roles() {
            let channel = city.user("users/matrix", "organisations/matrix", &[role]).await.unwrap();
            let answer = call(channel, &method, Bytes::new()).await;
            let refused = answer.as_ref().is_err_and(|status| refusal_of(status).0 == "ROLE_MISSING");
            let named = rule.rule.public || rule.rule.signed_in || rule.roles().contains(&role);
            assert_eq!(refused, !named, "{path} as {role:?}: {answer:?}");
            assert!(named || answer.is_err_and(|status| status.code() == Code::PermissionDenied), "{path} as {role:?}");
            checked += 1;
        }
        for part in SERVICES.into_iter().chain([GATEWAY]) {
            let answer = call(city.service(part).await.unwrap(), &method, Bytes::new()).await;
            let refused = answer.as_ref().is_err_and(|status| refusal_of(status).0 == "ROLE_MISSING");
            let named = rule.rule.public || rule.rule.services.iter().any(|service| service == part);
            assert_eq!(refused, !named, "{path} as part {part}: {answer:?}");
        }
    }
    println!("checked {checked} pairs of rpc and role over {} rpcs", methods().len());
}

/// Verb and path of an rpc without parameters in its path.
fn route(method: &MethodDescriptor) -> (http::Method, String) {
    let http = proto::POOL.get_extension_by_name("google.api.http").unwrap();
    let options = method.options();
    let value = options.get_extension(&http);
    let route = value.as_message().unwrap();
    let path = |verb: &str| route.get_field_by_name(verb).unwrap().as_str().unwrap().to_owned();
    match path("get") {
        get if get.is_empty() => (http::Method::POST, path("post")),
        get => (http::Method::GET, get),
    }
}

/// The gateway's own service, for nobody and for every demonstration account.
pub async fn sessions_let_in_exactly_whom_their_rules_name(city: &City) {
    let service = proto::POOL.get_service_by_name("qingtian.session.v1.Sessions").unwrap();
    let (mut checked, mut held) = (0, BTreeSet::new());
    for account in std::iter::once(None).chain(city.accounts.iter().map(Some)) {
        // This is the SignIn of everybody but nobody.
        let web = match account {
            Some(account) => city.as_person(&account.username).await,
            None => city.anonymous(),
        };
        for method in service.methods().filter(|method| account.is_none() || method.name() != "SignIn") {
            let path = format!("/{}/{}", service.full_name(), method.name());
            let rule = &rules()[&path].rule;
            let (verb, url) = route(&method);
            let answer = match verb {
                http::Method::GET => web.get(&url).await,
                _ => web.post(&url, serde_json::json!({})).await,
            };
            let refused = !answer.status.is_success() && answer.refused().0 == "NOT_SIGNED_IN";
            let named = rule.public || (rule.signed_in && account.is_some());
            let who = account.map_or("nobody", |account| &account.username);
            assert_eq!(refused, !named, "{path} as {who}: {}", answer.text());
            // Nobody signs on outside: this city has no provider.
            if account.is_some() && answer.status.is_success() {
                held.extend(answer.ok()["user"]["roles"].as_array().into_iter().flatten().map(ToString::to_string));
            }
            checked += 1;
        }
    }
    println!("checked {checked} pairs of account and rpc of sessions, with {held:?}");
    assert!(held.len() >= 7, "the demonstration's people have most roles: {held:?}");
}

/// One record of the market bureau for every type of resource, by the type's name in the contract.
async fn records(city: &Harness) -> BTreeMap<&'static str, String> {
    let market = "organisations/market";
    let roles = [Role::Handler, Role::Reviewer, Role::DepartmentAdmin];
    let channel = city.user("users/reader", market, &roles).await.unwrap();
    let parent = market.to_owned();
    let users =
        IdentityClient::new(channel.clone()).list_users(ListUsersRequest::default()).await.unwrap().into_inner();
    let mut catalog = CatalogClient::new(channel.clone());
    let items = catalog
        .list_items(ListItemsRequest { parent: parent.clone(), ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    let item_imports = catalog
        .list_item_imports(ListItemImportsRequest { parent: parent.clone(), ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    let mut registers = RegistersClient::new(channel.clone());
    let subjects = registers
        .list_subjects(ListSubjectsRequest { parent: parent.clone(), ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    let imports =
        registers.list_imports(ListImportsRequest { parent, ..Default::default() }).await.unwrap().into_inner();
    let plans = PlansClient::new(channel.clone()).list_plans(ListPlansRequest::default()).await.unwrap().into_inner();
    let draws = DrawsClient::new(channel.clone()).list_draws(ListDrawsRequest::default()).await.unwrap().into_inner();
    let visits =
        VisitsClient::new(channel.clone()).list_visits(ListVisitsRequest::default()).await.unwrap().into_inner();
    let visit = &visits.visits[0];
    let recusal = Recusal {
        draw: visit.draw.clone(),
        subject: visit.subject.clone(),
        person: visit.officers[0].clone(),
        ground: RecusalGround::Interest as i32,
        ..Default::default()
    };
    let asked = CreateRecusalRequest { recusal: Some(recusal), ..Default::default() };
    let recusal = RecusalsClient::new(channel.clone()).create_recusal(asked).await.unwrap().into_inner();
    let officer = visit.officers[0].clone();
    let conflict =
        Conflict { officer: officer.clone(), subject: "site:1".into(), reason: "亲属".into(), ..Default::default() };
    let declare = DeclareConflictRequest { parent: market.into(), conflict: Some(conflict), ..Default::default() };
    let conflict = registers.declare_conflict(declare).await.unwrap().into_inner();
    let day = kit::workdays::legal_day(city.clock.now()).to_string();
    let leave = Leave {
        officer,
        first_day: day.clone(),
        last_day: day,
        kind: LeaveKind::Annual as i32,
        reason: "年休假".into(),
        ..Default::default()
    };
    let leave = CreateLeaveRequest { parent: market.into(), leave: Some(leave), ..Default::default() };
    let leave = PeopleClient::new(channel.clone()).create_leave(leave).await.unwrap().into_inner();
    let expert =
        Expert {
            key: "KF-ZJ-900".into(), real_name: "赵明".into(), employer: "河南大学".into(), ..Default::default()
        };
    let expert = CreateExpertRequest { parent: market.into(), expert: Some(expert), ..Default::default() };
    let expert = ExpertsClient::new(channel.clone()).create_expert(expert).await.unwrap().into_inner();
    let client =
        CreateMachineClientRequest { title: "业务系统".into(), organisation: market.into(), ..Default::default() };
    let admin = city.user("users/admin", market, &[Role::DepartmentAdmin]).await.unwrap();
    let client = IdentityClient::new(admin).create_machine_client(client).await.unwrap().into_inner();
    let operator = city.user("users/operator", market, &[Role::PlatformOperator]).await.unwrap();
    let link = CreateSignOnLinkRequest {
        parent: users.users[0].name.clone(),
        subject: "1".into(),
        issuer: "https://id.example".into(),
        ..Default::default()
    };
    let link = SignOnsClient::new(operator).create_sign_on_link(link).await.unwrap().into_inner();
    let chosen = ChosenSubject { key: subjects.subjects[0].key.clone(), ..Default::default() };
    let change = ChangeSubjectsRequest {
        parent: market.into(),
        subjects: vec![chosen],
        status: SubjectStatus::NotInBusiness as i32,
        reason: "现场查无".into(),
        ..Default::default()
    };
    let upload = Upload { file_name: "a.csv".into(), length: Some(9), ..Default::default() };
    let upload = CreateUploadRequest { parent: market.into(), upload: Some(upload), ..Default::default() };
    let upload = UploadsClient::new(channel.clone()).create_upload(upload).await.unwrap().into_inner();
    let cap = Cap {
        year: 2026,
        limits: vec![CapLimit { subject_class: "*".into(), visits: 12 }],
        basis: "汴政办〔2022〕14号第十七条".into(),
        effective_date: "2026-12-31".into(),
        ..Default::default()
    };
    let cap = CreateCapRequest { parent: market.into(), cap: Some(cap), ..Default::default() };
    let cap = CapsClient::new(channel.clone()).create_cap(cap).await.unwrap().into_inner();
    let coordinator = city.user("users/coordinator", "organisations/bureau", &[Role::Coordinator]).await.unwrap();
    let issued = IssueItemsRequest {
        items: vec![Item { code: "41020000000001".into(), title: "下发事项".into(), ..Default::default() }],
        organisations: vec![market.into()],
        level: ItemLevel::Province as i32,
        ..Default::default()
    };
    ClaimsClient::new(coordinator).issue_items(issued).await.unwrap();
    let asked = ListClaimsRequest { parent: market.into(), ..Default::default() };
    let claims = ClaimsClient::new(channel.clone()).list_claims(asked).await.unwrap().into_inner();
    let change = RegisterChangesClient::new(channel).change_subjects(change).await.unwrap().into_inner();
    BTreeMap::from([
        ("qingtian/Organisation", market.to_owned()),
        ("qingtian/User", users.users[0].name.clone()),
        ("qingtian/MachineClient", client.name),
        ("qingtian/SignOnLink", link.name),
        ("qingtian/Item", items.items[0].name.clone()),
        ("qingtian/ItemVersion", format!("{}/versions/1", items.items[0].name)),
        ("qingtian/ItemImport", item_imports.imports[0].name.clone()),
        ("qingtian/Subject", subjects.subjects[0].name.clone()),
        ("qingtian/Import", imports.imports[0].name.clone()),
        ("qingtian/Plan", plans.plans[0].name.clone()),
        ("qingtian/Draw", draws.draws[0].name.clone()),
        ("qingtian/Visit", visit.name.clone()),
        ("qingtian/Recusal", recusal.name),
        ("qingtian/RegisterChange", change.name),
        ("qingtian/Conflict", conflict.name),
        ("qingtian/Leave", leave.name),
        ("qingtian/Expert", expert.name),
        ("qingtian/Upload", upload.name),
        ("qingtian/Cap", cap.name),
        ("qingtian/Claim", claims.claims[0].name.clone()),
    ])
}

/// A record as its owner reads it, so that what a stranger sends of it is valid in itself.
async fn read(city: &Harness, resource: &MessageDescriptor, name: &str) -> DynamicMessage {
    let owner =
        city.user("users/reader", "organisations/market", &[Role::Handler, Role::DepartmentAdmin]).await.unwrap();
    // Uploads are kept by two parts, one of which has it.
    for get in methods() {
        if get.output() == *resource && get.name().starts_with("Get") && get.name() != "GetMe" {
            let mut request = DynamicMessage::new(get.input());
            request.set_field_by_name("name", Value::String(name.to_owned()));
            if let Ok(bytes) = call(owner.clone(), &get, request.encode_to_vec().into()).await {
                return DynamicMessage::decode(resource.clone(), bytes).unwrap();
            }
        }
    }
    panic!("{name} is not found by its owner");
}

/// Fills every field that names a resource with a record of the market bureau; answers how many.
async fn fill(city: &Harness, message: &mut DynamicMessage, records: &BTreeMap<&'static str, String>) -> usize {
    let reference = proto::POOL.get_extension_by_name("google.api.resource_reference").unwrap();
    let resource = proto::POOL.get_extension_by_name("google.api.resource").unwrap();
    let kind_of =
        |value: &Value| value.as_message().unwrap().get_field_by_name("type").unwrap().as_str().unwrap().to_owned();
    let mut filled = 0;
    for field in message.descriptor().fields().collect::<Vec<_>>() {
        if field.options().has_extension(&reference) {
            let kind = kind_of(&field.options().get_extension(&reference));
            let record =
                records.get(kind.as_str()).unwrap_or_else(|| panic!("no record of type {kind} in this test: add one"));
            message.set_field(&field, Value::String(record.clone()));
            filled += 1;
        } else if let Some(inner) =
            field.kind().as_message().filter(|m| !field.is_list() && m.options().has_extension(&resource))
        {
            // A whole resource: its own name, and the organisation, plan or draw it belongs to.
            let kind = kind_of(&inner.options().get_extension(&resource));
            message.set_field(&field, Value::Message(read(city, inner, &records[kind.as_str()]).await));
            filled += 1;
        }
    }
    filled
}

#[tokio::test]
async fn another_organisations_records_are_not_found() {
    let city = city().await;
    qingtian::demo::tell(&city.env).await.unwrap();
    let records = records(&city).await;
    let mut checked = 0;
    for method in methods() {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let rule = &rules()[&path];
        if rule.scope() != Scope::Organisation || method.name() == "ReadEvents" {
            continue;
        }
        // Every role a department can have, in another department.
        let roles = [Role::DepartmentAdmin, Role::Handler, Role::Reviewer, Role::Officer, Role::Integrator];
        let channel = city.officer("users/stranger", "organisations/emergency", &roles, "none").await.unwrap();
        let mut message = DynamicMessage::new(method.input());
        let filled = fill(&city, &mut message, &records).await;
        let answer = call(channel, &method, message.encode_to_vec().into()).await;
        if filled > 0 {
            let status = answer.expect_err(&path);
            assert_eq!(refusal_of(&status).0, "NOT_FOUND", "{path} with {message:?}: {status:?}");
        } else {
            // A list without a parent: it answers, and nothing of the market bureau is in it.
            let text = String::from_utf8_lossy(&answer.unwrap_or_else(|e| panic!("{path}: {e:?}"))).into_owned();
            assert!(!text.contains("organisations/market"), "{path} shows another organisation's rows");
        }
        checked += 1;
    }
    println!("checked {checked} scoped rpcs with records of another organisation");
    assert!(checked > 25, "only {checked}");
}

#[tokio::test]
async fn a_subscriber_receives_only_what_its_audience_allows() {
    let city = city().await;
    qingtian::demo::tell(&city.env).await.unwrap();
    let streams: Vec<_> = methods().into_iter().filter(|method| method.name() == "ReadEvents").collect();
    assert!(streams.len() >= 3, "only {streams:?}");
    let mut own = 0;
    for method in streams {
        let service = method.parent_service();
        let channel = city.user("machineClients/x", "organisations/emergency", &[Role::Integrator]).await.unwrap();
        let mut grpc = tonic::client::Grpc::new(channel);
        grpc.ready().await.unwrap();
        let path = format!("/{}/{}", service.full_name(), method.name()).parse().unwrap();
        let request = tonic::Request::new(futures::stream::iter([Bytes::new()]));
        let mut stream = grpc.streaming(request, path, Raw).await.unwrap().into_inner();
        let mut events = 0;
        while let Some(step) = stream.message().await.unwrap() {
            let step = proto::qingtian::events::v1::ReadEventsResponse::decode(step).unwrap();
            if let Some(event) = step.event {
                events += 1;
                let audience = event.audience.unwrap();
                assert!(
                    audience.public || audience.organisations.contains(&"organisations/emergency".to_owned()),
                    "{:?}",
                    event.payload
                );
                let payload = event.payload.unwrap();
                if payload.type_url.ends_with("OfficerChanged") {
                    let officer = OfficerChanged::decode(&*payload.value).unwrap();
                    assert_eq!(officer.organisation, "organisations/emergency", "another bureau's officers");
                    own += 1;
                }
            }
        }
        assert!(events > 0, "{}: public events reach everybody", service.full_name());
    }
    assert!(own > 0, "one's own officers are told");
}
