//! The ceremony in every state of a draw: what the room sees, and what the page that follows asks for.

use axum::body::Body;
use http::{Request, StatusCode, header::IF_NONE_MATCH};
use tower::ServiceExt as _;

use crate::{
    city::{city, digest},
    stage::{get, get_packed, get_with, pages},
};

/// A digest as the room sees it.
fn grouped(digest: &str) -> String {
    digest.as_bytes().chunks(4).map(|group| format!("<span>{}</span>", String::from_utf8_lossy(group))).collect()
}

#[tokio::test]
async fn the_room_sees_the_statement_the_entries_the_seed_the_thresholds_and_the_drawn_by_ticket() {
    let pages = pages(city()).await;
    let text = get(&pages, "/draws/2026-0001/ceremony").await.text;
    for shown in [
        "<title>抽签现场 2026-0001",
        "2026年食品生产企业双随机抽查",
        "从 2,400 户入池对象中抽出 120 户",
        &grouped(&digest(11)),
        &grouped(&digest(16)),
        "二维码：声明原文的地址和指纹",
        "4 1 6 2 2 5",
        "开封市人民政府督查局",
        "03 08 11 19 27 33 12",
        "www.cwl.gov.cn",
        "<strong>福利彩票双色球第 2026134 期</strong>",
        "证据中记作 <code>lottery:ssq:2026134</code>",
        "已截止并签名",
        &"esig".repeat(21),
        &digest(3),
        "<span class=\"place\">1</span>",
        "开封第100食品有限公司",
        "检查组 16020001、16030001",
        "还没有检查组，待公开抽取",
        "href=\"/draws/2026-0001/ceremony?page=100#drawn\">后面 20 户（共 120 户）</a>",
        "二维码：这次抽查的公开页面",
        "http://kaifeng.example/draws/2026-0001",
        "src=\"/assets/recheck/ceremony.js\"",
        "data-over=\"true\"",
    ] {
        assert!(text.contains(shown), "{shown}");
    }
    assert!(!text.contains("开封第101食品有限公司"));
    let rest = get(&pages, "/draws/2026-0001/ceremony?page=100").await.text;
    assert!(
        rest.contains("开封第101食品有限公司") && rest.contains("开封第120食品有限公司") && rest.contains("回到第一页")
    );
    assert!(!rest.contains("data-live="), "a later page has nothing to follow");
    let (_, packed) = get_packed(&pages, "/draws/2026-0001/ceremony").await;
    assert!(packed.len() < 40_000, "{} bytes", packed.len());
}

#[tokio::test]
async fn before_the_reveal_the_room_sees_what_is_awaited_and_until_when() {
    let pages = pages(city()).await;
    let text = get(&pages, "/draws/2026-0003/ceremony").await.text;
    for shown in [
        "data-live=\"/draws/2026-0003/ceremony/live?in=zh\"",
        "data-over=\"false\"",
        "data-until=\"2026-11-20T10:00:00+00:00\"",
        "4 1 6 2 2 5",
        "尚未提交",
        "还不存在，不早于",
        "aria-current=\"step\"",
        "接替作废的",
        "揭示以后，抽中的对象按号由小到大逐户列出",
    ] {
        assert!(text.contains(shown), "{shown}");
    }
    assert!(!text.contains("data-roll") && !text.contains(&digest(16)));
    let numbered = get(&pages, "/draws/2026-0007/ceremony").await.text;
    assert!(
        numbered.contains("等待声明")
            && numbered.contains("<section id=\"statement\" data-part=\"statement\"></section>")
    );
    let english = get_with(&pages, "/draws/2026-0003/ceremony", "lang=en").await.text;
    assert!(english.contains("ceremony/live?in=en") && english.contains("not given yet"));
}

#[tokio::test]
async fn an_end_a_later_day_and_a_withheld_list_are_said() {
    let pages = pages(city()).await;
    let failed = get(&pages, "/draws/2026-0002/ceremony").await.text;
    assert!(failed.contains("这次抽查作废：截止时有一方没有提交随机数") && failed.contains("秘密数一直封存"));
    assert!(
        failed.contains("没有进行")
            && failed.contains("data-over=\"true\"")
            && failed.contains("href=\"/draws/2026-0003\"")
    );
    let abandoned = get(&pages, "/draws/2026-0006/ceremony").await.text;
    assert!(abandoned.contains("放弃：名录有误，改正后重抽"));
    let later = get(&pages, "/draws/2026-0004/ceremony").await.text;
    assert!(later.contains("2026年12月31日 (周四)") && later.contains(&grouped(&digest(17))));
    for hidden in ["开封第1食品有限公司", &digest(16), &grouped(&digest(16)), &digest(1)] {
        assert!(!later.contains(hidden), "{hidden}");
    }
    let withheld = get(&pages, "/draws/2026-0005/ceremony").await.text;
    assert!(withheld.contains("名单依法不公开") && withheld.contains("信用等级不公开"));
    assert!(!withheld.contains("开封第1食品有限公司"));
    assert_eq!(get(&pages, "/draws/2026-9999/ceremony").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_live_parts_are_those_of_the_page_and_are_sent_once() {
    let pages = pages(city()).await;
    for (number, lang) in [("2026-0001", "zh"), ("2026-0003", "zh"), ("2026-0003", "en")] {
        let path = format!("/draws/{number}/ceremony/live?in={lang}");
        // The address alone says the language, so that a cache may keep one answer for all.
        let live = get_with(&pages, &path, "lang=en; size=large").await;
        assert!(live.headers.get("vary").is_none_or(|vary| vary == "accept-encoding"));
        assert!(live.headers.get("set-cookie").is_none());
        assert_eq!(live.headers["x-time"], "2026-11-23T06:05:00+00:00");
        let page = get_with(&pages, &format!("/draws/{number}/ceremony"), &format!("lang={lang}")).await.text;
        assert!(page.contains(&live.text), "{path}");
        let request = Request::get(&path).header(IF_NONE_MATCH, &live.headers["etag"]).body(Body::empty()).unwrap();
        let same = pages.clone().oneshot(request).await.unwrap();
        assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(
            (&same.headers()["etag"], &same.headers()["x-time"]),
            (&live.headers["etag"], &live.headers["x-time"])
        );
        let request = Request::get(&path).header(IF_NONE_MATCH, "W/\"other\"").body(Body::empty()).unwrap();
        assert_eq!(pages.clone().oneshot(request).await.unwrap().status(), StatusCode::OK);
    }
}
