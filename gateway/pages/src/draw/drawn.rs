//! Who was drawn, and which team goes to each; the order is the draw's own.

use axum::{extract::Path, response::Response};
use maud::{Markup, html};
use proto::qingtian::{
    draws::v1::{Drawn, DrawnOutcome},
    portal::v1 as pb,
};

use super::facts::Facts;
use crate::{
    ask,
    failure::{Failure, Refused},
    reader::Reader,
    tables::{self, Table},
    words,
};

/// Rows a page.
const ROWS: i32 = 20;

fn request(reader: &Reader, draw: &str) -> pb::ListDrawnRequest {
    pb::ListDrawnRequest {
        parent: draw.to_owned(),
        page_size: ROWS,
        page_token: reader.get("page").to_owned(),
        query: reader.get("q").to_owned(),
        stratum: reader.get("stratum").to_owned(),
    }
}

/// One page of the drawn, once they are public.
pub async fn ask(reader: &Reader, facts: &Facts) -> Option<Result<pb::ListDrawnResponse, Refused>> {
    if !facts.is_public() {
        return None;
    }
    Some(ask::list_drawn(reader, request(reader, &facts.public.name)).await)
}

/// The table, with search by name, code and stratum.
pub fn show(reader: &Reader, facts: &Facts, answer: Option<Result<pb::ListDrawnResponse, Refused>>) -> Markup {
    let lang = reader.lang;
    html! {
        section #drawn aria-labelledby="drawn-title" {
            h2 #drawn-title { (lang.t("抽中的对象和检查组", "Who was drawn, and which team goes")) }
            @match answer {
                None if facts.waits() => p { (lang.t("将于 ", "Public on ")) (words::date(lang, &facts.public.publish_after)) (lang.t(" 公布（第十八条）。", " (art. 18).")) },
                None => p.quiet { (lang.t("还没有揭示。", "Not drawn yet.")) },
                Some(Err(refused)) => p.notice { (refused.sentence(lang)) },
                Some(Ok(found)) => (table_of(reader, facts, &found)),
            }
        }
    }
}

fn table_of(reader: &Reader, facts: &Facts, found: &pb::ListDrawnResponse) -> Markup {
    let lang = reader.lang;
    let chosen = reader.get("stratum");
    // Of a withheld register who was drawn is public, and of which stratum is not.
    let strata = !facts.is_withheld("subjects.tsv");
    let experts = found.drawn.iter().any(|row| !row.experts.is_empty());
    html! {
        form.search action={ (reader.path()) "#drawn" } {
            label for="drawn-q" { (lang.t("名称的一部分，或代码的开头", "Part of the name, or the beginning of the code")) }
            div.row {
                input #drawn-q type="search" name="q" value=(reader.get("q")) maxlength="100";
                @if strata && facts.draw.strata.len() > 1 {
                    select name="stratum" aria-label=(lang.t("层", "Stratum")) {
                        option value="" { (lang.t("全部", "All")) }
                        @for stratum in &facts.draw.strata {
                            option value=(stratum.stratum) selected[stratum.stratum == chosen] { (words::stratum(lang, &stratum.stratum, facts.on)) }
                        }
                    }
                }
                button { (lang.t("查找", "Find")) }
                @if !reader.get("q").is_empty() || !chosen.is_empty() {
                    a href={ (reader.with(&[("q", ""), ("stratum", ""), ("page", "")])) "#drawn" } { (lang.t("清除", "Clear")) }
                }
            }
        }
        p.meta { @if lang.is_zh() { "共 " (words::count(found.total_size)) " 户" } @else { (words::count(found.total_size)) " in all" } }
        @if found.drawn.is_empty() { (tables::nothing(reader)) } @else {
            table.rows.flow {
                thead { tr {
                    th scope="col" { (lang.t("次序", "No.")) }
                    th scope="col" { (lang.t("对象", "Subject")) }
                    @if strata { th scope="col" { (lang.t("层", "Stratum")) } }
                    th scope="col" { (lang.t("检查组（执法证号）", "Team (certificates)")) }
                    @if experts { th scope="col" { (lang.t("专家", "Experts")) } }
                    th scope="col" { (lang.t("号的开头", "Ticket begins")) }
                } }
                tbody { @for row in &found.drawn { tr {
                    td.number data-label=(lang.t("次序", "No.")) { (row.place) }
                    td data-label=(lang.t("对象", "Subject")) { (row.title) @if !row.title.is_empty() { br; } code { (row.subject) } }
                    @if strata { td data-label=(lang.t("层", "Stratum")) {
                        (words::stratum(lang, &row.stratum, facts.on))
                        @if row.district != row.stratum && !row.district.is_empty() { br; (words::district(lang, &row.district, facts.on)) }
                    } }
                    td data-label=(lang.t("检查组", "Team")) {
                        @if row.officers.is_empty() { (without_team(reader, row)) }
                        @else { (row.officers.join(lang.t("、", ", "))) }
                        @if row.outcome() == DrawnOutcome::Deferred {
                            br; strong {
                                @if row.outcome_of.is_empty() {
                                    (lang.t("不上门：", "not visited: ")) (words::left_out(lang, &row.outcome_reason))
                                } @else {
                                    (lang.t("不上门：本季度已另有检查任务 ", "not visited: it has another visit this quarter, "))
                                }
                            }
                            @if !row.outcome_of.is_empty() { code { (words::last(&row.outcome_of)) } }
                        }
                    }
                    @if experts { td data-label=(lang.t("专家", "Experts")) { (row.experts.join(lang.t("、", ", "))) } }
                    td data-label=(lang.t("号的开头", "Ticket begins")) { code title=(row.ticket) { (row.ticket.get(..12).unwrap_or(&row.ticket)) } }
                } } }
            }
        }
        (tables::pager(reader, &found.next_page_token))
        p { a href={ "/draws/" (facts.number) "/drawn.csv" } { (lang.t("下载全部名单（CSV 表格）", "Download the whole list (CSV)")) } }
    }
}

/// A subject for which this draw found no team: who has it now.
fn without_team(reader: &Reader, row: &Drawn) -> Markup {
    let lang = reader.lang;
    html! {
        @if row.outcome() == DrawnOutcome::TeamDrawn {
            (lang.t("检查组见 ", "its team: ")) a href={ "/" (row.outcome_of) } { (words::last(&row.outcome_of)) }
        } @else {
            strong { (lang.t("没有检查组，待公开抽取", "no team yet; to be drawn in public")) }
        }
    }
}

/// `/draws/{number}/drawn.csv`.
pub async fn table(Path(number): Path<String>, reader: Reader) -> Result<Response, Failure> {
    let lang = reader.lang;
    let (draw, file) = (format!("draws/{number}"), format!("drawn-{number}.csv"));
    let header = lang.t(
        "次序,代码,名称,层,区县代码,区县,号,检查组执法证号,专家",
        "no,key,name,stratum,district code,district,ticket,officers,experts",
    );
    // A number that is none was never drawn; it must not reach a header either.
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return Err(Failure::not_found(&reader));
    }
    let on = kit::workdays::legal_day(reader.now);
    let ask = move |reader: Reader, token: String| {
        let request =
            pb::ListDrawnRequest { page_token: token, page_size: kit::pages::ROWS_MAX, ..request(&reader, &draw) };
        async move {
            let found = ask::list_drawn(&reader, request).await?;
            let row = |row: proto::qingtian::draws::v1::Drawn| {
                let district = words::district(lang, &row.district, on);
                let (officers, experts) = (row.officers.join(" "), row.experts.join(" "));
                vec![
                    row.place.to_string(),
                    row.subject,
                    row.title,
                    row.stratum,
                    row.district,
                    district,
                    row.ticket,
                    officers,
                    experts,
                ]
            };
            Ok((found.drawn.into_iter().map(row).collect(), found.next_page_token))
        }
    };
    Table { file: &file, header }.answer(reader, ask).await
}
