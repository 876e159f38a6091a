//! Search over everything public.

use axum::response::Response;
use maud::html;
use proto::qingtian::portal::v1 as pb;

use crate::{ask, failure::Failure, frame, frame::Head, items, reader::Reader, words};

/// `/search`.
pub async fn page(reader: Reader) -> Result<Response, Failure> {
    let lang = reader.lang;
    let query = reader.get("q");
    let found = match query {
        "" => None,
        words => {
            let request = pb::SearchRequest { query: words.chars().take(100).collect() };
            Some(ask::search(&reader, request).await.map_err(|refused| refused.page(&reader))?)
        }
    };
    let title = lang.t("搜索", "Search");
    let body = html! {
        h1 { (title) }
        (frame::search(lang, query))
        @if let Some(found) = found {
            @if found.hits.is_empty() {
                p.quiet { (lang.t(
                    "没有找到。可以换一个词，或只输入编号（如 2026-0001）。查一家企业是否被抽中，请打开那次抽查，在“查一家企业”里输入代码。",
                    "Nothing was found. Try other words, or a number such as 2026-0001. To see whether a firm was drawn, open the draw and look the firm up there.",
                )) }
            } @else {
                ul.cards { @for hit in &found.hits {
                    li {
                        @let (kind, href) = match hit.kind.as_str() {
                            "draw" => (lang.t("抽查", "Draw"), format!("/{}", hit.name)),
                            "plan" => (lang.t("检查计划", "Plan"), format!("/{}", hit.name)),
                            _ => (lang.t("监管事项", "Item"), items::href(&hit.name)),
                        };
                        a.title href=(href) { (hit.title) }
                        // An item is known by its title; its name is for machines.
                        p.meta { (kind) @if matches!(hit.kind.as_str(), "draw" | "plan") { " " (words::last(&hit.name)) } }
                    }
                } }
            }
        }
    };
    Ok(frame::page(&reader, Head { title, trail: &[("/search", title)], ..Head::default() }, body))
}
