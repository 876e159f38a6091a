//! The gRPC front as departments' programs meet it: TLS, the contract's stubs, and what goes wrong.

mod edges;
mod streams;

use std::time::Duration;

use gateway::front;
use http::StatusCode;
use kit::auth::Minter;
use kit::testing::{HANG_MAX, refusal_of};
use proto::qingtian::draws::v1::GetSubjectRequest;
use proto::qingtian::draws::v1::registers_client::RegistersClient;
use proto::qingtian::identity::v1::OpenSignInRequest;
use proto::qingtian::identity::v1::identity_client::IdentityClient;
use proto::qingtian::portal::v1::ListDrawsRequest;
use proto::qingtian::portal::v1::portal_client::PortalClient;
use tonic::metadata::MetadataValue;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus as Shown;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::stage::Stage;

/// A stage whose gateway has a front, and what a department was told of it.
pub struct Door {
    pub stage: Stage,
    /// Certificate of the authority, PEM.
    pub authority: String,
    pub port: u16,
}

impl Door {
    pub async fn open() -> Self {
        Self::with(|_| {}).await
    }

    /// With changed settings, of which the front's are there.
    pub async fn with(change: impl FnOnce(&mut gateway::Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let stage = Stage::with(|settings| {
            settings.front = Some(front::Settings::new("127.0.0.1:0".parse().unwrap(), certificate, key));
            change(settings);
        })
        .await;
        let port = stage.gateway.front().unwrap().port();
        Self { stage, authority: made.cert.pem(), port }
    }

    /// A connection of its own, made at the first call.
    pub fn channel(&self) -> Channel {
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&self.authority));
        let url = format!("https://localhost:{}", self.port);
        Endpoint::from_shared(url).unwrap().tls_config(tls).unwrap().connect_lazy()
    }

    pub fn registers(&self) -> RegistersClient<Channel> {
        RegistersClient::new(self.channel()).max_decoding_message_size(usize::MAX)
    }

    /// A request of a machine client.
    pub fn request<M>(&self, message: M) -> Request<M> {
        self.request_of("machineClients/1", message)
    }

    /// A request with the token of somebody.
    pub fn request_of<M>(&self, actor: &str, message: M) -> Request<M> {
        signed(&self.stage.world.token(actor).token, message)
    }
}

fn signed<M>(token: &str, message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

pub fn subject(name: &str) -> GetSubjectRequest {
    GetSubjectRequest { name: format!("organisations/market/subjects/{name}") }
}

pub fn reason(status: &Status) -> String {
    refusal_of(status).0
}

#[tokio::test]
async fn a_machine_client_reaches_the_part_and_its_answer_comes_back_whole() {
    let door = Door::open().await;
    let mut request = door.request(subject("x"));
    let sent: [(&'static str, &str); 5] = [
        ("x-request-id", "call-17"),
        ("x-purpose", "%E5%B9%B4%E5%AE%A1"),
        // What only the gateway may say, and what nobody asked for.
        ("x-forwarded-for", "10.9.8.7"),
        ("x-gateway-authorization", "Bearer mine"),
        ("x-else", "1"),
    ];
    for (name, value) in sent {
        request.metadata_mut().insert(name, MetadataValue::try_from(value).unwrap());
    }
    let answer = door.registers().get_subject(request).await.unwrap();
    assert_eq!(answer.metadata().get("x-request-id").unwrap(), "call-17");
    assert_eq!(answer.get_ref().name, subject("x").name);
    let seen = |name| door.stage.world.metadata("GetSubject", name);
    assert_eq!(seen("x-purpose").as_deref(), Some("%E5%B9%B4%E5%AE%A1"));
    assert_eq!((seen("x-forwarded-for").as_deref(), seen("x-else")), (Some("127.0.0.1"), None));
    assert_eq!(seen("x-request-id").as_deref(), Some("call-17"));
    let vouched = seen("x-gateway-authorization").unwrap();
    let gateway = door.stage.env.authenticator.verify(vouched.trim_start_matches("Bearer ")).unwrap();
    assert_eq!(gateway.actor, "services/gateway");
    let token = seen("authorization").unwrap();
    assert_eq!(
        door.stage.env.authenticator.verify(token.trim_start_matches("Bearer ")).unwrap().actor,
        "machineClients/1"
    );
}

#[tokio::test]
async fn a_parts_refusal_is_passed_on_and_its_failure_is_masked() {
    let door = Door::open().await;
    let refused = door.registers().get_subject(door.request(subject("absent"))).await.unwrap_err();
    assert_eq!((refused.code(), refusal_of(&refused).1["article"].as_str()), (Code::NotFound, "27"), "{refused:?}");
    let named = |status: &Status| {
        let details = tonic_types::StatusExt::get_error_details(status);
        let request = details.request_info().unwrap_or_else(|| panic!("{status:?}")).request_id.clone();
        assert_eq!(request, status.metadata().get("x-request-id").unwrap().to_str().unwrap());
    };
    named(&refused);
    let failed = door.registers().get_subject(door.request(subject("broken"))).await.unwrap_err();
    assert_eq!((failed.code(), reason(&failed).as_str()), (Code::Internal, "INTERNAL"));
    assert!(!format!("{failed:?}").contains("store.rs"), "{failed:?}");
    // Nobody listens where catalog should be.
    let mut catalog = proto::qingtian::catalog::v1::catalog_client::CatalogClient::new(door.channel());
    let away = catalog.list_items(door.request(Default::default())).await.unwrap_err();
    assert_eq!((away.code(), reason(&away).as_str()), (Code::Unavailable, "UNAVAILABLE"));
    assert!(!format!("{away:?}").contains("127.0.0.1"), "{away:?}");
    named(&failed);
    named(&away);
    let absent =
        HealthClient::new(door.channel()).check(HealthCheckRequest { service: "absent".to_owned() }).await.unwrap_err();
    named(&absent);
}

#[tokio::test]
async fn what_is_open_to_parts_alone_is_as_unknown_as_what_does_not_exist() {
    let door = Door::open().await;
    let service = Minter::service("gateway", door.stage.env.keys.clone(), door.stage.clock.clone()).unwrap();
    let opened =
        OpenSignInRequest { username: "handler".to_owned(), password: "right".to_owned(), ..Default::default() };
    let internal = IdentityClient::new(door.channel()).open_sign_in(signed(&service.token().unwrap(), opened)).await;
    let mut sessions = proto::qingtian::session::v1::sessions_client::SessionsClient::new(door.channel());
    let own = sessions.sign_in(door.request(Default::default())).await;
    let mut grpc = tonic::client::Grpc::new(door.channel());
    grpc.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let path = http::uri::PathAndQuery::from_static("/qingtian.draws.v1.Registers/Absent");
    let absent = grpc.unary(door.request(()), path, codec).await;
    let told = [internal.map(drop).unwrap_err(), own.map(drop).unwrap_err(), absent.map(drop).unwrap_err()];
    for status in &told {
        assert_eq!((status.code(), reason(status).as_str()), (Code::PermissionDenied, "NO_RULE"), "{status:?}");
        assert_eq!(status.message(), told[0].message());
    }
    assert!(!door.stage.world.was_called("OpenSignIn"));
}

#[tokio::test]
async fn nobody_but_a_machine_client_is_let_in() {
    let door = Door::open().await;
    let service = Minter::service("portal", door.stage.env.keys.clone(), door.stage.clock.clone()).unwrap();
    for (request, expected) in [
        (Request::new(subject("x")), "NOT_SIGNED_IN"),
        (signed("forged", subject("x")), "NOT_SIGNED_IN"),
        (door.request_of("users/handler", subject("x")), "ROLE_MISSING"),
        (signed(&service.token().unwrap(), subject("x")), "ROLE_MISSING"),
    ] {
        let refused = door.registers().get_subject(request).await.unwrap_err();
        assert_eq!(reason(&refused), expected, "{refused:?}");
    }
    assert!(!door.stage.world.was_called("GetSubject"));
    // A token that is over lets nobody in either.
    let late = door.request(subject("x"));
    door.stage.clock.advance(kit::auth::TOKEN_LIFE);
    assert_eq!(reason(&door.registers().get_subject(late).await.unwrap_err()), "NOT_SIGNED_IN");
    // What is public is answered to anybody, and nobody's token goes along.
    let mut public = PortalClient::new(door.channel());
    let asked = ListDrawsRequest { query: "q".to_owned(), ..Default::default() };
    let found = public.list_draws(door.request_of("users/handler", asked)).await.unwrap().into_inner();
    assert_eq!(found.draws[0].plan_title, "q");
    assert_eq!(door.stage.world.metadata("ListDraws", "authorization"), None);
}

#[tokio::test]
async fn the_front_tells_which_parts_serve_and_stops_telling_before_it_stops() {
    let door = Door::open().await;
    let mut health = HealthClient::new(door.channel());
    let check = |service: &str| HealthCheckRequest { service: service.to_owned() };
    let mut watched = health.watch(check("qingtian.draws.v1.Draws")).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), Shown::NotServing);
    assert_eq!(health.check(check("")).await.unwrap().into_inner().status(), Shown::NotServing);
    assert_eq!(health.check(check("liveness")).await.unwrap().into_inner().status(), Shown::Serving);
    // The gateway asks one service of each part; the test's parts are one server.
    for service in proto::POOL.services() {
        if service.full_name().starts_with("qingtian.draws.") {
            door.stage.health.set_service_status(service.full_name(), ServingStatus::Serving).await;
        }
    }
    let change = tokio::time::timeout(HANG_MAX, watched.message()).await.unwrap().unwrap().unwrap();
    assert_eq!(change.status(), Shown::Serving);
    assert_eq!(health.check(check("")).await.unwrap().into_inner().status(), Shown::Serving);
    assert_eq!(
        health.check(check("qingtian.catalog.v1.Catalog")).await.unwrap().into_inner().status(),
        Shown::NotServing
    );
    let unknown = health.check(check("qingtian.session.v1.Sessions")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);

    door.stage.env.shutdown.cancel();
    let last = tokio::time::timeout(HANG_MAX, watched.message()).await.unwrap().unwrap().unwrap();
    assert_eq!(last.status(), Shown::NotServing);
    // Whoever only listens does not hold up the stop.
    let ended = tokio::time::timeout(HANG_MAX, watched.message()).await.unwrap().unwrap_err();
    assert_eq!((ended.code(), reason(&ended).as_str()), (Code::Unavailable, "UNAVAILABLE"));
}

#[tokio::test]
async fn reflection_shows_the_contract_without_what_is_closed_here() {
    let door = Door::open().await;
    let ask = async |request| {
        let request = ServerReflectionRequest { host: String::new(), message_request: Some(request) };
        let mut client = ServerReflectionClient::new(door.channel());
        let mut answers = client.server_reflection_info(futures::stream::iter([request])).await.unwrap().into_inner();
        let answer = answers.message().await?.unwrap();
        Ok::<_, Status>(answer.message_response.unwrap())
    };
    let listed = ask(MessageRequest::ListServices(String::new())).await.unwrap();
    let MessageResponse::ListServicesResponse(list) = listed else { panic!("{listed:?}") };
    let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    for name in ["qingtian.draws.v1.Draws", "qingtian.identity.v1.Identity", "grpc.health.v1.Health"] {
        assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
    }
    assert!(!names.iter().any(|name| name.starts_with("qingtian.session.")), "{names:?}");
    let symbol = |name: &str| ask(MessageRequest::FileContainingSymbol(name.to_owned()));
    let found = symbol("qingtian.identity.v1.Identity.IssueToken").await.unwrap();
    assert!(matches!(found, MessageResponse::FileDescriptorResponse(_)), "{found:?}");
    assert_eq!(symbol("qingtian.identity.v1.Identity.OpenSignIn").await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_call_ends_when_its_client_or_the_front_says() {
    let door = Door::with(|settings| settings.limits.unary_timeout = Duration::from_secs(100)).await;
    let left = |door: &Door| -> u64 {
        let sent = door.stage.world.metadata("GetSubject", "grpc-timeout").unwrap();
        sent.strip_suffix('m').unwrap().parse().unwrap()
    };
    let mut registers = door.registers();
    let mut request = door.request(subject("x"));
    request.set_timeout(Duration::from_secs(50));
    registers.get_subject(request).await.unwrap();
    assert!((1..=51_000).contains(&left(&door)), "{}: the part hears what is left of the client's time", left(&door));
    let mut request = door.request(subject("x"));
    request.set_timeout(Duration::from_secs(7_200));
    registers.get_subject(request).await.unwrap();
    assert!((51_001..=101_000).contains(&left(&door)), "{}: or of the front's", left(&door));

    // A part that does not answer.
    let door = Door::with(|settings| settings.limits.unary_timeout = Duration::from_millis(50)).await;
    let mut identity = IdentityClient::new(door.channel());
    let late = identity.list_organisations(door.request(Default::default())).await.unwrap_err();
    assert_eq!((late.code(), reason(&late).as_str()), (Code::DeadlineExceeded, "UNAVAILABLE"));
}

#[tokio::test]
async fn a_stop_lets_calls_at_work_end_and_takes_no_more() {
    let door = Door::open().await;
    let mut identity = IdentityClient::new(door.channel());
    let request = door.request(Default::default());
    let call = tokio::spawn(async move { identity.list_organisations(request).await });
    let mut waiting = door.stage.world.waiting.subscribe();
    waiting.wait_for(|waiting| *waiting == 1).await.unwrap();
    door.stage.env.shutdown.cancel();
    door.stage.world.released.send_replace(true);
    call.await.unwrap().unwrap();
    tokio::time::timeout(HANG_MAX, door.stage.gateway.stopped()).await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", door.port)).await.is_err());
}

#[tokio::test]
async fn files_of_a_certificate_that_do_not_fit_are_told_at_the_start() {
    let door = Door::open().await;
    let folder = tempfile::tempdir().unwrap();
    let mut settings = gateway::Settings::new("127.0.0.1:0".parse().unwrap(), "http://127.0.0.1".parse().unwrap());
    let path = |name: &str| folder.path().join(name);
    settings.front = Some(front::Settings::new("127.0.0.1:0".parse().unwrap(), path("none.pem"), path("none.key")));
    let error = gateway::start(&door.stage.env, settings).await.unwrap_err();
    assert!(format!("{error:#}").contains("none.pem"), "{error:#}");
    assert_eq!(door.stage.browser().get("/livez").await.status, StatusCode::OK, "others are not disturbed");
}
