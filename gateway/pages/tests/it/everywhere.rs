//! What holds on every page: nothing inline, nothing from outside, light, both languages, and a way on when something fails.

use http::StatusCode;

use crate::{
    city::city,
    stage::{get, get_with, pages, pages_at},
};

/// Every kind of page.
const PAGES: [&str; 35] = [
    "/",
    "/draws",
    "/draws/2026-0001",
    "/draws/2026-0002",
    "/draws/2026-0003",
    "/draws/2026-0004",
    "/draws/2026-0005",
    "/draws/2026-0006",
    "/draws/2026-0007",
    "/draws/2026-0001?firm=91410200MA00000017",
    "/draws/2026-0001/own-line",
    "/draws/2026-0002/own-line",
    "/draws/2026-0005/own-line",
    "/fairness",
    "/caps",
    "/caps?page=2",
    "/draws/2026-0001/recipe",
    "/draws/2026-0004/recipe",
    "/draws/2026-0001/ceremony",
    "/draws/2026-0001/ceremony?page=100",
    "/draws/2026-0002/ceremony",
    "/draws/2026-0003/ceremony",
    "/draws/2026-0004/ceremony",
    "/draws/2026-0005/ceremony",
    "/draws/2026-0006/ceremony",
    "/draws/2026-0007/ceremony",
    "/plans",
    "/plans/2026-01",
    "/items",
    "/items/market/1",
    "/law",
    "/about",
    "/witness",
    "/search?q=2026",
    "/no/such/page",
];

#[tokio::test]
async fn every_page_is_light_names_its_source_and_holds_nothing_inline_or_from_outside() {
    let pages = pages(city()).await;
    for (path, lang) in PAGES.iter().flat_map(|path| ["zh", "en"].map(|lang| (path, lang))) {
        let page = get_with(&pages, path, &format!("lang={lang}")).await;
        let wanted = if *path == "/no/such/page" { StatusCode::NOT_FOUND } else { StatusCode::OK };
        assert_eq!(page.status, wanted, "{path}");
        assert!(page.text.len() < 100_000, "{path}: {} bytes", page.text.len());
        for inline in [" style=", "<style", "javascript:", " onclick", "<script>"] {
            assert!(!page.text.contains(inline), "{path} holds {inline}");
        }
        // Links may lead outside; nothing may be loaded from there.
        for load in ["src=\"http", "src=\"//", "<img", "<iframe", "stylesheet\" href=\"http", "@import"] {
            assert!(!page.text.contains(load), "{path} loads {load}");
        }
        let (tongue, banner) =
            if lang == "zh" { ("zh-CN", "没有法律效力") } else { ("en", "nothing here has legal effect") };
        assert!(page.text.contains(&format!("<html lang=\"{tongue}\"")), "{path} {lang}");
        assert!(page.text.to_lowercase().contains(banner), "{path} {lang}: demonstration is said");
        let source = if lang == "zh" { "2026年11月23日 (周一) 14:05" } else { "Mon 23 Nov 2026 14:05" };
        let service = if lang == "zh" { "本系统的公众服务数据" } else { "the public data of this system" };
        assert!(page.text.contains(source) && page.text.contains(service), "{path} {lang}: source");
        assert_eq!(page.text.matches("<h1>").count(), 1, "{path} {lang}");
        assert_eq!(page.headers["vary"].to_str().unwrap(), "cookie", "{path}");
    }
}

#[tokio::test]
async fn every_link_of_every_page_leads_to_a_page() {
    let pages = pages(city()).await;
    let mut seen = std::collections::BTreeSet::new();
    for path in PAGES.into_iter().filter(|path| *path != "/no/such/page") {
        let text = get(&pages, path).await.text;
        let links = text.split(" href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"));
        seen.extend(links.filter(|link| link.starts_with('/')));
    }
    // These are the gateway's: the work portal, the rpcs, the keys, the recheck.
    let elsewhere = ["/work/", "/v1/", "/.well-known/", "/assets/recheck/"];
    let ours: Vec<_> = seen.iter().filter(|link| !elsewhere.iter().any(|begin| link.starts_with(begin))).collect();
    assert!(ours.len() > 40, "{}", ours.len());
    for link in ours {
        let path = link.split('#').next().unwrap();
        let page = get(&pages, path).await;
        assert_eq!(page.status, StatusCode::OK, "{link}");
        if let Some((_, anchor)) = link.split_once('#') {
            assert!(page.text.contains(&format!("id=\"{anchor}\"")), "{link}");
        }
    }
}

#[tokio::test]
async fn language_and_size_are_switched_and_remembered() {
    let pages = pages(city()).await;
    let switched = get(&pages, "/draws/2026-0001?firm=x&lang=en&size=large").await;
    assert!(switched.text.contains("<html lang=\"en\" class=\"large\">"));
    let cookies: Vec<_> = switched.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(cookies.len(), 2);
    assert!(cookies[0].starts_with("lang=en; Path=/;") && cookies[1].starts_with("size=large; Path=/;"), "{cookies:?}");
    // The switch keeps what was asked.
    assert!(switched.text.contains("href=\"/draws/2026-0001?firm=x&amp;lang=zh\""));
    let later = get_with(&pages, "/", "other=1; lang=en; size=large").await;
    assert!(later.text.contains("<html lang=\"en\" class=\"large\">"));
    assert!(later.headers.get("set-cookie").is_none());
    let odd = get_with(&pages, "/?lang=%22%3E%3Cscript%3E", "lang=fr").await;
    assert!(odd.text.contains("<html lang=\"zh-CN\" class=\"normal\">") && odd.headers.get("set-cookie").is_none());
}

#[tokio::test]
async fn what_a_reader_types_comes_back_as_text() {
    let pages = pages(city()).await;
    for path in ["/search?q=", "/draws?q=", "/draws/2026-0001?firm=", "/draws/2026-0001?q="] {
        let page = get(&pages, &format!("{path}%22%3E%3Cscript%3Ealert(1)%3C/script%3E")).await;
        assert!(page.text.contains("&lt;script&gt;"), "{path}");
        assert!(!page.text.contains("<script>"), "{path}");
    }
}

#[tokio::test]
async fn the_style_sheet_has_the_name_the_pages_use_and_may_be_kept() {
    let pages = pages(city()).await;
    let home = get(&pages, "/").await.text;
    let name = home.split("href=\"/assets/").nth(1).unwrap().split('"').next().unwrap();
    let style = get(&pages, &format!("/assets/{name}")).await;
    assert_eq!(style.headers["cache-control"], "public, max-age=31536000, immutable");
    assert!(style.text.contains(":focus-visible") && style.text.len() < 15_000);
    assert!(!style.text.contains("url(") && !style.text.contains("@import"));
    assert_eq!(get(&pages, "/assets/../Cargo.toml").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn without_a_portal_a_page_says_so_and_what_to_do() {
    // Nobody listens at port 9 of this machine.
    let pages = pages_at("http://127.0.0.1:9");
    let page = get(&pages, "/draws").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.text.contains("公开数据服务暂时没有回应") && page.text.contains("href=\"/\""));
    assert!(!page.text.contains("127.0.0.1:9"), "inner addresses are not shown");
    // Pages that need no data are there all the same.
    for path in ["/law", "/about"] {
        assert_eq!(get(&pages, path).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn what_is_asked_wrongly_is_answered_with_a_sentence() {
    let pages = pages(city()).await;
    let missing = get(&pages, "/draws/2026-9999").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.text.contains("没有这个页面") && missing.text.contains("action=\"/search\""));
    let token = get(&pages, "/draws?page=forged").await;
    assert_eq!(token.status, StatusCode::BAD_REQUEST);
    assert!(token.text.contains("翻页标记无效"));
    let english = get_with(&pages, "/draws?page=forged", "lang=en").await;
    assert!(english.text.contains("The page token is not valid"));
    let firm = get(&pages, "/draws/2026-0001?firm=%3D").await;
    assert_eq!(firm.status, StatusCode::OK, "a wrong entry is said beside its field");
    assert!(firm.text.contains("aria-invalid=\"true\"") && firm.text.contains("id=\"firm-wrong\""));
    assert!(firm.text.contains("name=\"firm\" value=\"=\""), "what was typed is kept");
    assert!(firm.text.contains("请填写18位统一社会信用代码"));
}
