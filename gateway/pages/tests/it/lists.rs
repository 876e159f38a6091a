//! Lists, search, and the same as CSV.

use std::io::Read;

use http::StatusCode;

use crate::{
    city::city,
    stage::{get, get_packed, get_with, pages},
};

#[tokio::test]
async fn the_home_page_shows_figures_news_and_how_a_draw_works() {
    let pages = pages(city()).await;
    let text = get(&pages, "/").await.text;
    for shown in [
        "12,345",
        "2026-0007",
        "已放弃",
        "名录有误",
        "<svg",
        "号最小的被抽中",
        "2026年食品生产企业双随机抽查",
        "action=\"/search\"",
    ] {
        assert!(text.contains(shown), "{shown}");
    }
}

#[tokio::test]
async fn items_and_plans_are_listed_page_by_page_and_open() {
    let pages = pages(city()).await;
    let items = get(&pages, "/items").await.text;
    assert!(items.contains("第20项") && !items.contains("第21项") && items.contains("href=\"/items?page=20\""));
    assert!(get(&pages, "/items?page=20").await.text.contains("第40项"));
    let item = get(&pages, "/items/market/1").await.text;
    assert!(item.contains("《食品安全法》第一百一十条") && item.contains("生产许可"));
    assert_eq!(get(&pages, "/items/market/99").await.status, StatusCode::NOT_FOUND);
    let plan = get(&pages, "/plans/2026-01").await.text;
    for shown in [
        "2026年12月1日 (周二)",
        "每年1次",
        "其余各层",
        "兰考县",
        "15 户",
        "2 名执法人员",
        "href=\"/draws/2026-0001\"",
        "href=\"/items/market/1\"",
    ] {
        assert!(plan.contains(shown), "{shown}");
    }
}

#[tokio::test]
async fn search_finds_each_kind_and_says_what_to_do_when_it_finds_nothing() {
    let pages = pages(city()).await;
    let found = get(&pages, "/search?q=%E9%A3%9F%E5%93%81").await.text;
    for href in ["href=\"/draws/2026-0001\"", "href=\"/plans/2026-01\"", "href=\"/items/market/1\""] {
        assert!(found.contains(href), "{href}");
    }
    assert!(get(&pages, "/search?q=zzz").await.text.contains("没有找到"));
    assert_eq!(get(&pages, "/search").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_list_is_taken_home_whole_with_a_byte_order_mark_and_no_formulas() {
    let pages = pages(city()).await;
    for (path, rows) in [("/draws.csv", 7), ("/plans.csv", 1), ("/items.csv", 45), ("/draws/2026-0001/drawn.csv", 120)]
    {
        let table = get(&pages, path).await;
        assert_eq!(table.status, StatusCode::OK, "{path}");
        assert_eq!(table.headers["content-type"], "text/csv; charset=utf-8");
        assert!(table.headers["content-disposition"].to_str().unwrap().starts_with("attachment; filename="));
        let text = table.text.strip_prefix('\u{feff}').unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let columns = reader.headers().unwrap().len();
        let read: Vec<_> = reader.records().map(|row| row.unwrap()).collect();
        assert_eq!(read.len(), rows, "{path}");
        assert!(read.iter().all(|row| row.len() == columns), "{path}");
        assert!(!read.iter().flatten().any(|cell| cell.starts_with(['=', '+', '@'])), "{path}");
    }
    let drawn = get(&pages, "/draws/2026-0001/drawn.csv").await.text;
    assert!(drawn.contains("'=HYPERLINK"));
    let english = get_with(&pages, "/draws.csv", "lang=en").await.text;
    assert!(english.starts_with("\u{feff}draw,plan,"));
    let early = get(&pages, "/draws/2026-0003/drawn.csv").await;
    assert_eq!(early.status, StatusCode::CONFLICT, "{}", early.text);
    assert_eq!(get(&pages, "/draws/x%22y/drawn.csv").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_browser_that_takes_gzip_gets_the_same_list_packed() {
    let pages = pages(city()).await;
    for path in ["/draws.csv", "/plans.csv", "/items.csv", "/draws/2026-0001/drawn.csv"] {
        let plain = get(&pages, path).await.text;
        let (headers, packed) = get_packed(&pages, path).await;
        assert_eq!(headers["content-encoding"], "gzip", "{path}");
        let mut text = String::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
        assert_eq!(text, plain, "{path}");
    }
}

#[tokio::test]
async fn a_slash_at_the_end_leads_to_the_page_with_its_query() {
    let pages = pages(city()).await;
    for (path, to) in [
        ("/draws/", "/draws"),
        ("/draws/2026-0001/", "/draws/2026-0001"),
        ("/plans/?q=a%20b", "/plans?q=a%20b"),
        ("/plans/2026-01/", "/plans/2026-01"),
        ("/items/?page=20", "/items?page=20"),
        ("/items/market/1/", "/items/market/1"),
        ("/law/", "/law"),
        ("/about/", "/about"),
        ("/search/?q=2026", "/search?q=2026"),
    ] {
        let page = get(&pages, path).await;
        assert_eq!(page.status, StatusCode::PERMANENT_REDIRECT, "{path}");
        assert_eq!(page.headers["location"], to, "{path}");
        assert_eq!(get(&pages, to).await.status, StatusCode::OK, "{to}");
    }
}

#[tokio::test]
async fn caps_say_whose_visits_how_many_from_when_and_why() {
    let pages = pages(city()).await;
    let first = get(&pages, "/caps").await;
    assert_eq!(first.status, StatusCode::OK);
    for shown in
        ["market", "A 类：1；其他各类：2", "2026-01-01", "汴政办〔2026〕1号", "/law#article-17", "/caps?page=2"]
    {
        assert!(first.text.contains(shown), "{shown} is not in {}", first.text);
    }
    let second = get_with(&pages, "/caps?page=2", "lang=en").await.text;
    assert!(second.contains("all authorities together") && second.contains("unclassified: 4"), "{second}");
    let table = get(&pages, "/caps.csv").await.text;
    for row in ["organisations/market,2026,A,1,2026-01-01,", "organisations/market,2026,*,2,", "*,2026,UNCLASSIFIED,4,"]
    {
        assert!(table.contains(row), "{row} is not in {table}");
    }
    assert_eq!(get(&pages, "/caps?page=x").await.status, StatusCode::BAD_REQUEST);
}
