//! What every page has: the way around, the two switches, and at its foot where and when its content comes from.

use axum::response::{IntoResponse, Response};
use http::{
    StatusCode,
    header::{CACHE_CONTROL, CONTENT_LANGUAGE, SET_COOKIE, VARY},
};
use maud::{DOCTYPE, Markup, html};

use crate::{assets, reader::Lang, reader::Reader, words};

/// What a page says of itself.
pub struct Head<'a> {
    pub title: &'a str,
    pub status: StatusCode,
    /// Where it belongs: (address, name) from the home page down.
    pub trail: &'a [(&'a str, &'a str)],
    /// Whether the page rechecks a draw.
    pub recheck: bool,
    /// Whether it is the ceremony's, for a projector and followed by a script.
    pub ceremony: bool,
    /// A script of its own; empty for none.
    pub script: &'static str,
}

impl Default for Head<'_> {
    fn default() -> Self {
        Self { title: "", status: StatusCode::OK, trail: &[], recheck: false, ceremony: false, script: "" }
    }
}

const SITE: (&str, &str) = ("开封市“互联网+监管”公众服务门户", "Kaifeng Supervision in the Open");
const WAYS: [(&str, &str, &str); 5] = [
    ("/draws", "抽查", "Draws"),
    ("/plans", "检查计划", "Plans"),
    ("/items", "监管事项", "Items"),
    ("/law", "办法", "The law"),
    ("/about", "怎样抽签", "How it works"),
];

/// The page as an answer.
pub fn page(reader: &Reader, head: Head<'_>, body: Markup) -> Response {
    let lang = reader.lang;
    let mut response = (head.status, document(reader, &head, body)).into_response();
    let headers = response.headers_mut();
    // The same address is another text under other cookies, and a draw changes while it is watched.
    headers.insert(CACHE_CONTROL, http::HeaderValue::from_static("no-cache"));
    headers.insert(VARY, http::HeaderValue::from_static("cookie"));
    headers.insert(CONTENT_LANGUAGE, http::HeaderValue::from_static(if lang.is_zh() { "zh-CN" } else { "en" }));
    for cookie in reader.cookies() {
        headers.append(SET_COOKIE, cookie.clone());
    }
    response
}

fn document(reader: &Reader, head: &Head<'_>, body: Markup) -> Markup {
    let lang = reader.lang;
    let site = lang.t(SITE.0, SITE.1);
    let size = if reader.large { "large" } else { "normal" };
    let class = if head.ceremony { format!("{size} ceremony") } else { size.to_owned() };
    let recheck = &reader.site.recheck;
    html! {
        (DOCTYPE)
        html lang=(if lang.is_zh() { "zh-CN" } else { "en" }) class=(class) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { @if head.title.is_empty() { (site) } @else { (head.title) " · " (site) } }
                link rel="icon" href="data:,";
                link rel="stylesheet" href=(assets::PAGES.address());
                @if head.ceremony {
                    link rel="stylesheet" href=(assets::CEREMONY.address());
                    script src={ (recheck) "ceremony.js" } defer {}
                }
                @if !head.script.is_empty() { script src={ (recheck) (head.script) } defer {} }
                @if head.recheck {
                    link rel="stylesheet" href={ (recheck) "recheck.css" };
                    script src={ (recheck) "recheck.js" } defer {}
                }
            }
            body {
                a.skip href="#main" { (lang.t("跳到正文", "Skip to content")) }
                (masthead(reader, site))
                main #main tabindex="-1" {
                    @if !head.trail.is_empty() { (trail(lang, head)) }
                    (body)
                }
                (foot(reader))
            }
        }
    }
}

fn banner(lang: Lang) -> Markup {
    html! {
        div.demo role="note" {
            strong { (lang.t("演示", "Demonstration")) }
            " "
            (lang.t(
                "这里的机构、企业和抽查都是为演示生成的，用演示密钥签名，没有法律效力。",
                "The bodies, firms and draws here were made up for demonstration and signed with demonstration keys. Nothing here has legal effect.",
            ))
        }
    }
}

fn masthead(reader: &Reader, site: &str) -> Markup {
    let lang = reader.lang;
    let current = |way: &str| reader.path() == way || reader.path().starts_with(&format!("{way}/"));
    html! {
        header {
            @if reader.site.demonstration { (banner(lang)) }
            div.top {
                a.brand href="/" { span.sky { "青天" } span.name { (site) } }
                div.switches {
                    @if lang.is_zh() { a href=(reader.with(&[("lang", "en")])) hreflang="en" lang="en" { "English" } }
                    @else { a href=(reader.with(&[("lang", "zh")])) hreflang="zh" lang="zh-CN" { "中文" } }
                    @if reader.large { a href=(reader.with(&[("size", "normal")])) { (lang.t("标准字号", "Normal type")) } }
                    @else { a href=(reader.with(&[("size", "large")])) { (lang.t("大字版", "Large type")) } }
                    a href="/work/" { (lang.t("工作门户", "Work portal")) }
                }
            }
            nav aria-label=(lang.t("主要栏目", "Main")) {
                @for (way, zh, en) in WAYS {
                    a href=(way) aria-current=[current(way).then_some("page")] { (lang.t(zh, en)) }
                }
            }
        }
    }
}

fn trail(lang: Lang, head: &Head<'_>) -> Markup {
    html! {
        nav.trail aria-label=(lang.t("所在位置", "You are here")) {
            a href="/" { (lang.t("首页", "Home")) }
            @for (href, name) in head.trail { span aria-hidden="true" { " › " } a href=(href) { (name) } }
        }
    }
}

fn foot(reader: &Reader) -> Markup {
    let lang = reader.lang;
    html! {
        footer {
            p.ways { a href="/openapi" { (lang.t("网络接口（供程序使用）", "Web API for programs")) } }
            p.source {
                (lang.t("资料来源：本系统的公众服务数据，读取时间：", "Source: the public data of this system, read at "))
                (words::time(lang, reader.now)) (lang.t("（北京时间）。本页地址：", " (Beijing time). Address of this page: "))
                code { (reader.site.public_url) (reader.path()) }
            }
            p {
                (lang.t(
                    "依据《开封市“互联网+监管”系统运行管理办法（试行）》（汴政办〔2022〕14号）公开。不设登录，不作跟踪，不引用外部资源。",
                    "Published under the Kaifeng Measures on the Operation of the “Internet + Supervision” System (trial), No. 14 of 2022. No sign-in, no tracking, no outside resources.",
                ))
            }
        }
    }
}

/// The search over everything.
pub fn search(lang: Lang, query: &str) -> Markup {
    html! {
        form.search action="/search" role="search" {
            label for="search" { (lang.t("搜索抽查、计划和事项", "Search draws, plans and items")) }
            div.row {
                input #search type="search" name="q" value=(query) maxlength="100"
                    placeholder=(lang.t("例如：食品、2026-0001", "such as 2026-0001"));
                button { (lang.t("搜索", "Search")) }
            }
        }
    }
}
