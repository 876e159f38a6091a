//! What was changed in the teams since the draw (art. 16): who left, who joined, decided by whose rule. The result above stays.

use maud::{Markup, html};
use proto::qingtian::portal::v1 as pb;

use super::facts::Facts;
use crate::{ask, failure::Refused, reader::Lang, reader::Reader, words};

/// Lines of one page.
const ROWS: i32 = 20;

/// Asks for the log, once there is one and it is public.
pub async fn ask(reader: &Reader, facts: &Facts) -> Option<Result<pb::ListLogResponse, Refused>> {
    if !facts.is_public() || facts.public.log_lines == 0 {
        return None;
    }
    let request = pb::ListLogRequest {
        parent: facts.public.name.clone(),
        page_size: ROWS,
        page_token: reader.get("log").to_owned(),
    };
    Some(ask::list_log(reader, request).await)
}

/// The log's section; nothing while nobody was recused.
pub fn show(reader: &Reader, facts: &Facts, found: Option<Result<pb::ListLogResponse, Refused>>) -> Markup {
    let lang = reader.lang;
    html! {
        @if facts.public.log_lines > 0 {
            section aria-labelledby="log" {
                h2 #log { (lang.t("抽取之后的人员变动", "Changes of teams since the draw")) }
                p { (lang.t(
                    "与检查对象有利害关系的人员应当回避（第十六条）。由谁接替按抽签规则算出，没有人能挑选；抽取结果本身不变。每一行都与前一行相连，最后一行有签名；用 qingtian verify --log 可以连同证据包逐行复算。",
                    "Whoever has an interest in a subject leaves its team (art. 16). Who comes instead is computed by the rules of the draw, and nobody can choose; the result itself never changes. Each line is chained to the one before and the last one is signed; qingtian verify --log recomputes them from the evidence.",
                )) }
                @match found {
                    Some(Ok(found)) => { (lines(reader, &found.lines)) (pager(reader, &found.next_page_token)) },
                    Some(Err(refused)) => p.notice { (refused.sentence(lang)) },
                    None => p { (lang.t("日志随结果一并公布；日志头的签名现已公开，见下载。", "The log comes with the result; its signed head is public now, see the downloads.")) },
                }
            }
        }
    }
}

fn lines(reader: &Reader, lines: &[pb::LogLine]) -> Markup {
    let lang = reader.lang;
    html! {
        table.rows {
            thead { tr {
                th.number scope="col" { (lang.t("序号", "No.")) }
                th scope="col" { (lang.t("时间", "Time")) }
                th scope="col" { (lang.t("检查对象", "Subject")) }
                th scope="col" { (lang.t("变动", "Act")) }
                th scope="col" { (lang.t("退出 → 接替", "Left → joined")) }
                th scope="col" { (lang.t("事由", "Ground")) }
                th scope="col" { (lang.t("申请、决定", "Asked, decided")) }
            } }
            tbody { @for line in lines { tr {
                td.number data-label=(lang.t("序号", "No.")) { (line.n) }
                td data-label=(lang.t("时间", "Time")) { (when(lang, &line.time)) }
                td data-label=(lang.t("检查对象", "Subject")) { (subject(&line.title, &line.subject)) }
                td data-label=(lang.t("变动", "Act")) {
                    (act(lang, &line.act))
                    @if !line.other_subject.is_empty() { br; span.meta { (lang.t("对方对象：", "other subject: ")) (subject(&line.other_title, &line.other_subject)) } }
                }
                td data-label=(lang.t("退出 → 接替", "Left → joined")) { code { (line.person_out) } " → " @if line.person_in.is_empty() { (lang.t("空缺", "nobody: the place is empty")) } @else { code { (line.person_in) } } }
                td data-label=(lang.t("事由", "Ground")) { (ground(lang, &line.reason)) }
                td data-label=(lang.t("申请、决定", "Asked, decided")) { code { (line.asked_by) } br; code { (line.approved_by) } }
            } } }
        }
    }
}

/// The way to the next lines and back to the first; beside the pages of the drawn.
fn pager(reader: &Reader, next: &str) -> Markup {
    let lang = reader.lang;
    html! {
        @if !next.is_empty() || !reader.get("log").is_empty() {
            nav.pager aria-label=(lang.t("日志翻页", "Pages of the log")) {
                @if !reader.get("log").is_empty() { a href={ (reader.with(&[("log", "")])) "#log" } { (lang.t("回到第一页", "First page")) } }
                @if !next.is_empty() { a rel="next" href={ (reader.with(&[("log", next)])) "#log" } { (lang.t("下一页", "Next page")) } }
            }
        }
    }
}

fn when(lang: Lang, time: &str) -> String {
    time.parse().map_or_else(|_| time.to_owned(), |at| words::time(lang, at))
}

fn subject(title: &str, key: &str) -> Markup {
    html! { @if !title.is_empty() { (title) br; } code { (key) } }
}

fn act(lang: Lang, code: &str) -> &str {
    match code {
        "EXCHANGE" => lang.t("交换", "exchange"),
        "WITHDRAW" => lang.t("退出", "withdrawal"),
        other => other,
    }
}

fn ground(lang: Lang, code: &str) -> &str {
    match code {
        "INTEREST" => lang.t("利害关系", "interest in the subject"),
        "KINSHIP" => lang.t("亲属关系", "kinship"),
        "ILLNESS" => lang.t("因病", "illness"),
        "TRANSFER" => lang.t("调离", "transfer"),
        "OTHER" => lang.t("其他", "other"),
        other => other,
    }
}
