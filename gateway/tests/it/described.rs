//! The description of the web API as it is handed out, and the page of it.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{Method, StatusCode};

use crate::stage::Stage;

const DESCRIPTION: &str = "/openapi.json";

#[tokio::test]
async fn the_description_is_served_once_packed_and_known_by_its_tag() {
    let stage = Stage::new().await;
    let answer = stage.browser().get(DESCRIPTION).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let json = answer.json();
    assert_eq!(json["openapi"], "3.1.0");
    assert!(json["paths"]["/v1/public/draws"]["get"]["responses"]["200"].is_object());
    let packed = stage.browser().with("accept-encoding", "gzip").get(DESCRIPTION).await;
    assert_eq!((packed.header("content-encoding"), packed.header("vary")), ("gzip", "accept-encoding"));
    let mut plain = Vec::new();
    GzDecoder::new(&packed.body[..]).read_to_end(&mut plain).unwrap();
    assert_eq!(plain, answer.body);
    let known = stage.browser().with("if-none-match", answer.header("etag")).get(DESCRIPTION).await;
    assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0));
    let wrong = stage.browser().send(Method::POST, DESCRIPTION, Bytes::new(), None).await;
    assert_eq!((wrong.status, wrong.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD"));
}

#[tokio::test]
async fn the_page_tells_every_operation_and_its_public_commands_work() {
    let stage = Stage::new().await;
    let page = stage.browser().get("/openapi").await;
    let html = String::from_utf8(page.body.to_vec()).unwrap();
    assert!(page.header("content-type").starts_with("text/html") && html.contains("网络接口"));
    let described = stage.browser().get(DESCRIPTION).await.json();
    for operation in
        described["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values())
    {
        let id = operation["operationId"].as_str().unwrap();
        assert!(html.contains(&format!("id=\"{id}\"")), "{id}");
    }
    let command = html.split("curl '").find(|command| command.contains("/v1/public/draws?pageSize")).unwrap();
    let address = command.split('\'').next().unwrap();
    let path = &address[address.find("/v1/").unwrap()..];
    assert_eq!(stage.browser().get(path).await.status, StatusCode::OK, "{path}");
    let english = stage.browser().get("/openapi?lang=en").await;
    assert!(String::from_utf8(english.body.to_vec()).unwrap().contains("Create plan"));
}
