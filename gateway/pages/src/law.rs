//! The regulation itself (汴政办〔2022〕14号), each article under an address of its own, so that a refusal, a plan or a
//! newspaper can point at it. The text is the law's; the English lines are a summary of ours and bind nobody.

use std::sync::LazyLock;

use axum::response::Response;
use maud::html;

use crate::{frame, frame::Head, reader::Reader};

static CHAPTERS: LazyLock<Vec<Chapter>> = LazyLock::new(|| chapters(include_str!("../data/kaifeng-2022-14.txt")));
static SUMMARIES: LazyLock<Vec<&str>> =
    LazyLock::new(|| include_str!("../data/kaifeng-2022-14.en.txt").lines().collect());

struct Chapter {
    title: &'static str,
    articles: Vec<Article>,
}

struct Article {
    /// From 1, through all chapters.
    number: usize,
    /// `第九条`.
    name: &'static str,
    paragraphs: Vec<&'static str>,
}

/// A line that begins with the name of a chapter opens it, one with that of an article likewise; any other goes on with the
/// article before it.
fn chapters(text: &'static str) -> Vec<Chapter> {
    let mut chapters: Vec<Chapter> = Vec::new();
    let mut number = 0;
    for line in text.lines() {
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        let named = |end: char| name.starts_with('第') && name.ends_with(end);
        if named('章') {
            chapters.push(Chapter { title: line, articles: Vec::new() });
        } else if let Some(chapter) = chapters.last_mut() {
            if named('条') {
                number += 1;
                chapter.articles.push(Article { number, name, paragraphs: vec![rest] });
            } else if let Some(article) = chapter.articles.last_mut() {
                article.paragraphs.push(line);
            }
        }
    }
    chapters
}

/// `/law`.
pub async fn page(reader: Reader) -> Response {
    let lang = reader.lang;
    let title = lang.t(
        "开封市“互联网+监管”系统运行管理办法（试行）",
        "Kaifeng Measures on the Operation of the “Internet + Supervision” System (trial)",
    );
    let body = html! {
        h1 { (title) }
        p.meta { (lang.t("汴政办〔2022〕14号，开封市人民政府办公室 2022年3月18日印发，自发布之日起施行。每一条都有自己的地址，例如 ", "General Office of the Kaifeng Municipal People's Government, No. 14 of 2022, 18 March 2022, in force from that day. Each article has its own address, such as ")) code { "/law#article-9" } (lang.t("。", ".")) }
        @if !lang.is_zh() { p.notice { "The Chinese text is the law. The English lines are a summary and have no legal force." } }
        div.law {
            @for chapter in CHAPTERS.iter() {
                h2 lang="zh-CN" { (chapter.title) }
                @for article in &chapter.articles {
                    article id={ "article-" (article.number) } {
                        h3 {
                            a href={ "#article-" (article.number) } { (article.name) }
                            @if !lang.is_zh() { " (art. " (article.number) ")" }
                        }
                        @if !lang.is_zh() && let Some(summary) = SUMMARIES.get(article.number - 1) { p { (summary) } }
                        @for paragraph in &article.paragraphs { p lang="zh-CN" class=[(!lang.is_zh()).then_some("meta")] { (paragraph) } }
                    }
                }
            }
        }
    };
    frame::page(&reader, Head { title, trail: &[("/law", lang.t("办法", "The law"))], ..Head::default() }, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_law_has_ten_chapters_and_48_articles_in_order() {
        assert_eq!(CHAPTERS.len(), 10);
        let articles: Vec<_> = CHAPTERS.iter().flat_map(|chapter| &chapter.articles).collect();
        assert_eq!(articles.len(), 48);
        assert_eq!(SUMMARIES.len(), 48);
        let digits = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
        for (index, article) in articles.iter().enumerate() {
            let number = index + 1;
            let tens = match number / 10 {
                0 => String::new(),
                1 => "十".to_owned(),
                more => format!("{}十", digits[more]),
            };
            assert_eq!(article.name, format!("第{tens}{}条", digits[number % 10]));
            assert!(article.paragraphs.iter().all(|text| text.ends_with('。')), "{}", article.name);
        }
        assert!(articles[8].paragraphs[0].contains("无检查计划不得对企业进行检查"));
    }
}
