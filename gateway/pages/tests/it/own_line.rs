//! A firm takes its own line home by its code (art. 10).

use http::{StatusCode, header::CACHE_CONTROL};

use crate::{
    city::{self, CODE, FIRM, USED_CODE},
    stage::{get, pages, post},
};

const PAGE: &str = "/draws/2026-0001/own-line";

#[tokio::test]
async fn a_code_opens_the_firms_line_with_what_checks_it() {
    let pages = pages(city::city()).await;
    let form = get(&pages, PAGE).await;
    assert_eq!(form.status, StatusCode::OK);
    assert!(
        form.text.contains(r#"<form class="search" method="post" action="/draws/2026-0001/own-line">"#),
        "{}",
        form.text
    );

    let page = post(&pages, PAGE, &format!("code=+{CODE}+")).await;
    assert_eq!((page.status, &page.headers[CACHE_CONTROL]), (StatusCode::OK, &"no-store".parse().unwrap()));
    let own = city::own_line("draws/2026-0001");
    for shown in [
        "被抽中。",
        "龙亭区 C 类",
        &own.ticket,
        &own.threshold,
        &own.merkle_root,
        &format!("printf '%s\\nsubject\\n%s\\n' {} {FIRM} | sha256sum", own.seed),
        "h=$(node ",
        "--line own-line-2026-0001.json",
        r#"download="own-line-2026-0001.json""#,
        "16020001、16020002",
    ] {
        assert!(page.text.contains(shown), "{shown} is not in {}", page.text);
    }
    // The file to keep travels in the page itself.
    let data = page.text.split("data:application/json;base64,").nth(1).unwrap().split('"').next().unwrap();
    use base64::Engine as _;
    assert_eq!(base64::engine::general_purpose::STANDARD.decode(data).unwrap(), own.own_line_json.as_bytes());
    assert!(!page.text.contains(CODE), "a used code is not shown again");
}

#[tokio::test]
async fn a_wrong_code_is_refused_beside_the_field_and_stays_typed() {
    let pages = pages(city::city()).await;
    for (code, status, says) in [
        ("AAAA", StatusCode::UNPROCESSABLE_ENTITY, "没有这个查询码"),
        ("", StatusCode::UNPROCESSABLE_ENTITY, "没有这个查询码"),
        (USED_CODE, StatusCode::CONFLICT, "只能用一次"),
    ] {
        let page = post(&pages, PAGE, &format!("code={code}")).await;
        assert_eq!(page.status, status, "{code}");
        assert!(page.text.contains(says) && page.text.contains(&format!("value=\"{code}\"")), "{}", page.text);
        assert!(page.text.contains(r#"aria-invalid="true""#));
    }
    assert_eq!(get(&pages, "/draws/2026-0999/own-line").await.status, StatusCode::NOT_FOUND);
    assert_eq!(post(&pages, PAGE, &format!("code={}", "7".repeat(5_000))).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn before_the_result_is_public_the_page_says_that_the_code_stays_valid() {
    let pages = pages(city::city()).await;
    let waits = city::city().draws.into_iter().find(|draw| draw.publish_after == "2026-12-31").unwrap();
    let page = get(&pages, &format!("/{}/own-line", waits.name)).await;
    assert!(
        page.text.contains("2026年12月31日 (周四)") && page.text.contains("查询码在公布后仍可使用"),
        "{}",
        page.text
    );
    let open = get(&pages, "/draws/2026-0002/own-line").await;
    assert!(open.text.contains("查询码不会失效"), "{}", open.text);
}
