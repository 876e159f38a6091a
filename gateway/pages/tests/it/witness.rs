//! The page of a witness's link (art. 15): the statement to keep, one number, a receipt; without script too.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;

use crate::{
    city::{OPENED_TOKEN, WITNESS_TOKEN, city, opened},
    stage::{get, get_with, pages, post},
};

#[tokio::test]
async fn a_witness_keeps_the_statement_gives_a_number_and_takes_a_receipt_home() {
    let pages = pages(city()).await;
    let form = get(&pages, "/witness").await;
    assert_eq!(form.status, StatusCode::OK);
    assert!(form.text.contains("name=\"code\"") && form.text.contains("只能打开一次"));
    assert!(form.text.contains("/assets/recheck/witness.js") && !form.text.contains("<script>"));
    assert!(get_with(&pages, "/witness", "lang=en").await.text.contains("Open it (once only)"));

    // A whole address does as well as the code.
    let shown =
        post(&pages, "/witness", &format!("code=http%3A%2F%2Fkaifeng.example%2Fwitness%23{WITNESS_TOKEN}")).await;
    assert_eq!((shown.status, shown.headers["cache-control"].to_str().unwrap()), (StatusCode::OK, "no-store"));
    let draw = opened().draw.unwrap();
    assert!(shown.text.contains(&draw.statement) && !shown.text.contains("与它的指纹不符"));
    let data = shown.text.split("data:application/json;base64,").nth(1).unwrap().split('"').next().unwrap();
    let kept: serde_json::Value = serde_json::from_slice(&STANDARD.decode(data).unwrap()).unwrap();
    assert_eq!(kept["statement_json"], draw.statement_json.as_str(), "byte for byte");
    assert_eq!(
        (&kept["kid"], &kept["signature"]),
        (&draw.kid.as_str().into(), &draw.statement_signature.as_str().into())
    );

    let form = format!("permit={}&draw=draws%2F2026-0002&statement={}", "C".repeat(43), draw.statement);
    let unsaved = post(&pages, "/witness/entry", &format!("{form}&value=3+1+6")).await;
    assert_eq!(unsaved.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        unsaved.text.contains("请先保存声明") && unsaved.text.contains("value=\"3 1 6\""),
        "what was typed is kept"
    );
    let wrong = post(&pages, "/witness/entry", &format!("{form}&saved=1&value=%E9%AA%B0")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("aria-invalid") && wrong.text.contains("还没有提交"));
    let receipt = post(&pages, "/witness/entry", &format!("{form}&saved=1&value=3+1+6")).await;
    assert_eq!(receipt.status, StatusCode::OK);
    assert!(receipt.text.contains("2 ⇥ notary-li ⇥ 3 1 6") && receipt.text.contains(&draw.statement));
    assert!(!receipt.text.contains(&"C".repeat(43)), "the permit is used up and not shown again");
}

#[tokio::test]
async fn a_link_that_was_opened_or_is_none_says_what_to_do() {
    let pages = pages(city()).await;
    let again = post(&pages, "/witness", &format!("code={OPENED_TOKEN}")).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.text.contains("重新签发") && again.text.contains("aria-invalid"));
    let unknown = post(&pages, "/witness", "code=x").await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unknown.text.contains("没有这个见证链接"));
}
