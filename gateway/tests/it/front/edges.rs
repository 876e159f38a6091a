//! Each limit of the front met on purpose, and what speaks no gRPC over TLS.

use std::sync::Arc;
use std::time::Duration;

use gateway::limits::rate::Rate;
use gateway::redis_link::RedisLink;
use kit::testing::HANG_MAX;
use proto::qingtian::identity::v1::identity_client::IdentityClient;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::transport::{ClientTlsConfig, Endpoint};
use tonic::{Code, Status};

use super::{Door, reason, subject};

/// TLS with these protocols offered.
async fn connect(door: &Door, protocols: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(door.authority.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let stream = TcpStream::connect(("127.0.0.1", door.port)).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// Reads until the other side has closed.
async fn closed(mut stream: impl tokio::io::AsyncRead + Unpin) {
    let mut scrap = Vec::new();
    // A connection that is cut is closed too.
    let _ = tokio::time::timeout(HANG_MAX, stream.read_to_end(&mut scrap)).await.unwrap();
}

/// What a request that waits in the part needs.
async fn waiting(door: &Door) -> tokio::task::JoinHandle<Result<(), Status>> {
    let before = *door.stage.world.waiting.borrow();
    let (mut identity, request) = (IdentityClient::new(door.channel()), door.request(Default::default()));
    let call = tokio::spawn(async move { identity.list_organisations(request).await.map(drop) });
    door.stage.world.waiting.subscribe().wait_for(|waiting| *waiting > before).await.unwrap();
    call
}

#[tokio::test]
async fn a_machine_client_has_so_many_calls_at_once_and_others_have_theirs() {
    let door = Door::with(|settings| settings.front.as_mut().unwrap().limits.client_calls_max = 1).await;
    let call = waiting(&door).await;
    let refused = door.registers().get_subject(door.request(subject("x"))).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "TOO_MANY_REQUESTS"));
    let details = tonic_types::StatusExt::get_error_details(&refused);
    assert!(details.retry_info().is_some_and(|retry| retry.retry_delay.is_some()), "{details:?}");
    door.registers().get_subject(door.request_of("machineClients/2", subject("x"))).await.unwrap();
    door.stage.world.released.send_replace(true);
    call.await.unwrap().unwrap();
    // Given back only when the answer was whole, which the client sees a little earlier.
    let again = async {
        while door.registers().get_subject(door.request(subject("x"))).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(HANG_MAX, again).await.unwrap();
}

#[tokio::test]
async fn the_front_has_so_many_calls_at_once() {
    let door = Door::with(|settings| settings.front.as_mut().unwrap().limits.calls_max = 1).await;
    let call = waiting(&door).await;
    let refused = door.registers().get_subject(door.request_of("machineClients/2", subject("x"))).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "UNAVAILABLE"));
    door.stage.world.released.send_replace(true);
    call.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_machine_client_that_asks_too_often_is_told_when_to_come_back() {
    let slow = Rate { every: Duration::from_secs(3_600), burst: 3 };
    let door = Door::with(|settings| settings.limits.client_rate = Some(slow)).await;
    let mut registers = door.registers();
    for _ in 0..3 {
        registers.get_subject(door.request(subject("x"))).await.unwrap();
    }
    // A new token is no new client.
    door.stage.clock.advance(chrono::Duration::seconds(1));
    let refused = registers.get_subject(door.request(subject("x"))).await.unwrap_err();
    assert_eq!(reason(&refused), "TOO_MANY_REQUESTS");
    registers.get_subject(door.request_of("machineClients/2", subject("x"))).await.unwrap();
}

#[tokio::test]
async fn what_a_machine_client_asked_of_other_fronts_counts_here() {
    const BURST: u32 = 100_000;
    let redis = kit::testing::TestRedis::new().await.unwrap();
    let door = Door::with(|settings| {
        settings.redis_url = Some(redis.url().to_owned());
        settings.limits.client_rate = Some(Rate { every: Duration::from_secs(3_600), burst: BURST });
    })
    .await;
    let link = RedisLink::new(redis.url()).unwrap();
    let key = format!("rate:front:client:{}", hex::encode(Sha256::digest("machineClients/1")));
    let mut registers = door.registers();
    let mut calls = 0;
    let refused = loop {
        // As another gateway would say it; what is counted in Redis is soon forgotten.
        link.run::<u64>(redis::cmd("INCRBY").arg(&key).arg(BURST)).await.unwrap();
        match registers.get_subject(door.request(subject("x"))).await {
            Ok(_) => calls += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!(reason(&refused), "TOO_MANY_REQUESTS");
    assert!(calls < BURST, "the front counted alone");
    registers.get_subject(door.request_of("machineClients/2", subject("x"))).await.unwrap();
}

#[tokio::test]
async fn without_redis_a_front_counts_alone() {
    let door = Door::with(|settings| {
        settings.redis_url = Some("redis://127.0.0.1:9/".to_owned());
        settings.limits.client_rate = Some(Rate { every: Duration::from_secs(3_600), burst: 3 });
    })
    .await;
    let mut registers = door.registers();
    for _ in 0..3 {
        registers.get_subject(door.request(subject("x"))).await.unwrap();
    }
    let refused = registers.get_subject(door.request(subject("x"))).await.unwrap_err();
    assert_eq!(reason(&refused), "TOO_MANY_REQUESTS");
}

#[tokio::test]
async fn there_is_nothing_but_http2_over_tls_and_nothing_but_grpc_in_it() {
    let door = Door::open().await;
    let mut plain = TcpStream::connect(("127.0.0.1", door.port)).await.unwrap();
    plain.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    closed(plain).await;
    assert!(connect(&door, &[b"http/1.1"]).await.is_err(), "only HTTP/2 is agreed upon");
    let agreed = connect(&door, &[b"http/1.1", b"h2"]).await.unwrap();
    assert_eq!(agreed.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));

    // An authority nobody told the client of is not believed.
    let url = format!("https://localhost:{}", door.port);
    let strange = Endpoint::from_shared(url).unwrap().tls_config(ClientTlsConfig::new()).unwrap();
    assert!(strange.connect().await.is_err());

    let (mut client, connection) = hyper::client::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new())
        .handshake(hyper_util::rt::TokioIo::new(agreed))
        .await
        .unwrap();
    tokio::spawn(connection);
    for (method, content_type) in
        [("GET", "application/grpc"), ("POST", "application/json"), ("POST", "application/grpcx")]
    {
        let request = http::Request::builder()
            .method(method)
            .uri("https://localhost/qingtian.portal.v1.Portal/ListDraws")
            .header("content-type", content_type)
            .body(http_body_util::Empty::<bytes::Bytes>::new())
            .unwrap();
        let answer = client.send_request(request).await.unwrap();
        assert_eq!(answer.status(), http::StatusCode::UNSUPPORTED_MEDIA_TYPE, "{method} {content_type}");
    }
    assert!(!door.stage.world.was_called("ListDraws"));
}

#[tokio::test]
async fn connections_that_say_nothing_end() {
    let door = Door::with(|settings| {
        settings.limits.header_timeout = Duration::from_millis(100);
        settings.limits.idle_timeout = Duration::from_millis(100);
        settings.front.as_mut().unwrap().limits.connection_idle_max = Duration::from_millis(100);
    })
    .await;
    // Before TLS, and within it before HTTP/2.
    closed(TcpStream::connect(("127.0.0.1", door.port)).await.unwrap()).await;
    let mut within = None;
    while within.is_none() {
        // A machine that needs longer than that for TLS tries again.
        within = connect(&door, &[b"h2"]).await.ok();
    }
    closed(within.unwrap()).await;
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let door = Door::with(|settings| settings.limits.address_connections_max = 1).await;
    let first = connect(&door, &[b"h2"]).await.unwrap();
    closed(TcpStream::connect(("127.0.0.1", door.port)).await.unwrap()).await;
    drop(first);
    let again = async { while connect(&door, &[b"h2"]).await.is_err() {} };
    tokio::time::timeout(HANG_MAX, again).await.unwrap();
}
