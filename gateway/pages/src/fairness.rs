//! What became of draws, by organisation and year (art. 10, 11): every number that was taken is counted, those given up and those
//! that failed with their reasons, so that nobody draws until he likes the result.

use axum::response::Response;
use maud::{Markup, html};
use proto::qingtian::portal::v1 as pb;

use crate::{ask, draws, failure::Failure, frame, frame::Head, reader::Reader, tables, tables::Table, words};

/// Ended draws on the page; the list has all of them.
const ENDED: i32 = 20;

/// `/fairness`.
pub async fn page(reader: Reader) -> Result<Response, Failure> {
    let lang = reader.lang;
    let ended = pb::ListDrawsRequest { page_size: ENDED, ended: true, ..Default::default() };
    let (history, ended) =
        futures::join!(ask::get_fairness(&reader, pb::GetFairnessRequest::default()), ask::list_draws(&reader, ended));
    let history = history.map_err(|refused| refused.page(&reader))?;
    let ended = ended.map_err(|refused| refused.page(&reader))?;
    let title = lang.t("抽查的公正统计", "Draws, counted");
    let body = html! {
        h1 { (title) }
        p.lead { (lang.t(
            "每次抽查一开始就取得编号，编号不间断；放弃的、作废的都留在这里并写明原因，不能抽到满意为止。",
            "Every draw takes its number at the start, and numbers have no gaps; those given up and those that failed stay here with their reasons: nobody draws until he likes the result.",
        )) }
        (by_year(&reader, &history.years))
        section aria-labelledby="ended" {
            h2 #ended { (lang.t("放弃和作废的抽查", "Draws given up or failed")) }
            @if ended.draws.is_empty() { p.quiet { (lang.t("没有。", "None.")) } } @else {
                (ended_draws(&reader, &ended.draws))
                @if !ended.next_page_token.is_empty() { p { a href="/draws?ended=1" { (lang.t("全部放弃和作废的抽查", "All of them")) } } }
            }
        }
        section aria-labelledby="more" {
            h2 #more { (lang.t("一次抽查是否公正", "Whether one draw was even")) }
            p { (lang.t(
                "每次抽查的页面列出各层每户抽中的机会、未入池的户数和原因、执法人员的任务量，以及有多少检查组没有选择余地；任何人都可以把整个抽查重算一遍。",
                "The page of a draw tells how likely each subject was to be drawn, how many were left out and why, how officers were loaded, and how many teams left no choice; anybody can compute the whole draw again.",
            )) " " a href="/draws" { (lang.t("全部抽查", "All draws")) } " · " a href="/about" { (lang.t("怎样抽签", "How it works")) } }
        }
    };
    let trail = [("/draws", lang.t("抽查", "Draws")), ("/fairness", title)];
    Ok(frame::page(&reader, Head { title, trail: &trail, ..Head::default() }, body))
}

fn by_year(reader: &Reader, years: &[pb::FairnessYear]) -> Markup {
    let lang = reader.lang;
    let columns = [
        lang.t("编号数", "Numbers"),
        lang.t("进行中", "Going on"),
        lang.t("已揭示", "Revealed"),
        lang.t("放弃", "Given up"),
        lang.t("作废", "Failed"),
        lang.t("其中已接替", "Of these replaced"),
        lang.t("抽中户数", "Subjects drawn"),
    ];
    html! {
        section aria-labelledby="history" {
            h2 #history { (lang.t("各单位历年的抽查", "By organisation and year")) }
            @if years.is_empty() { (tables::nothing(reader)) } @else {
                table.rows {
                    thead { tr {
                        th scope="col" { (lang.t("单位", "Organisation")) }
                        th scope="col" { (lang.t("年度", "Year")) }
                        @for column in columns { th.number scope="col" { (column) } }
                    } }
                    tbody { @for one in years {
                        @let unit = one.unit.clone().unwrap_or_default();
                        @let list = format!("/draws?organisation={}&year={}", words::last(&unit.name), one.year);
                        tr {
                            td data-label=(lang.t("单位", "Organisation")) { (words::unit(lang, std::slice::from_ref(&unit), &unit.name)) }
                            td data-label=(lang.t("年度", "Year")) { a href=(list) { (one.year) } }
                            @for (column, number) in columns.iter().zip([one.draws, one.going_on, one.revealed, one.abandoned, one.failed, one.replaced, one.drawn]) {
                                td.number data-label=(column) { (words::count(number)) }
                            }
                        }
                    } }
                }
                p { a href="/fairness.csv" { (lang.t("下载（CSV 表格）", "Download (CSV)")) } " · " a href="/v1/public/fairness" { (lang.t("数据（JSON）", "Data (JSON)")) } }
            }
        }
    }
}

fn ended_draws(reader: &Reader, ended: &[pb::PublicDraw]) -> Markup {
    let lang = reader.lang;
    html! {
        table.rows {
            thead { tr {
                th scope="col" { (lang.t("抽查", "Draw")) }
                th scope="col" { (lang.t("单位", "Organisation")) }
                th scope="col" { (lang.t("结局", "End")) }
                th scope="col" { (lang.t("原因", "Reason")) }
                th scope="col" { (lang.t("接替的抽查", "Replaced by")) }
            } }
            tbody { @for found in ended {
                @let draw = found.draw.clone().unwrap_or_default();
                tr {
                    td data-label=(lang.t("抽查", "Draw")) { a href={ "/" (found.name) } { (words::last(&found.name)) } " " (draws::title(found)) }
                    td data-label=(lang.t("单位", "Organisation")) { (words::unit(lang, &found.units, &draw.organisation)) }
                    td data-label=(lang.t("结局", "End")) { (draws::tag(reader, draw.state())) }
                    td data-label=(lang.t("原因", "Reason")) { (words::end_reason(lang, &draw.end_reason)) }
                    td data-label=(lang.t("接替的抽查", "Replaced by")) {
                        @if found.replaced_by.is_empty() { "—" } @else { a href={ "/" (found.replaced_by) } { (words::last(&found.replaced_by)) } }
                    }
                }
            } }
        }
    }
}

/// `/fairness.csv`.
pub async fn table(reader: Reader) -> Result<Response, Failure> {
    let header = reader.lang.t(
        "单位代号,单位,年度,编号数,进行中,已揭示,放弃,作废,其中已接替,入池户数,抽中户数,组不成检查组,检查组无选择余地",
        "organisation,name,year,numbers,going on,revealed,given up,failed,replaced,in pools,drawn,without team,no choice",
    );
    let ask = |reader: Reader, _: String| async move {
        let found = ask::get_fairness(&reader, pb::GetFairnessRequest::default()).await?;
        Ok((found.years.into_iter().map(|one| row(&reader, one)).collect(), String::new()))
    };
    Table { file: "fairness.csv", header }.answer(reader, ask).await
}

fn row(reader: &Reader, one: pb::FairnessYear) -> Vec<String> {
    let unit = one.unit.unwrap_or_default();
    let title = words::unit(reader.lang, std::slice::from_ref(&unit), &unit.name).to_owned();
    let numbers = [
        i64::from(one.year),
        one.draws,
        one.going_on,
        one.revealed,
        one.abandoned,
        one.failed,
        one.replaced,
        one.subjects,
        one.drawn,
        one.without_team,
        one.no_choice,
    ];
    [words::last(&unit.name).to_owned(), title].into_iter().chain(numbers.map(|number| number.to_string())).collect()
}
