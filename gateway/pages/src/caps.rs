//! Frequency caps (art. 17): how often each authority may visit a subject in a year, in every published version.

use axum::response::Response;
use maud::html;
use proto::qingtian::draws::v1 as pb;

use crate::{
    ask,
    failure::Failure,
    frame,
    frame::Head,
    reader::{Lang, Reader},
    tables,
    tables::Table,
    words,
};

fn request(page_token: String) -> pb::ListPublishedCapsRequest {
    pb::ListPublishedCapsRequest { page_token, ..Default::default() }
}

fn class(lang: Lang, class: &str) -> String {
    match class {
        "*" => lang.t("其他各类", "all others").to_owned(),
        "UNCLASSIFIED" => lang.t("未分类", "unclassified").to_owned(),
        class => lang.t("{} 类", "class {}").replace("{}", class),
    }
}

fn authority(lang: Lang, cap: &pb::Cap) -> &str {
    if cap.city_wide {
        lang.t("全市各部门合计", "all authorities together")
    } else {
        words::last(&cap.authority)
    }
}

/// `/caps`.
pub async fn page(reader: Reader) -> Result<Response, Failure> {
    let lang = reader.lang;
    let found = ask::list_published_caps(&reader, request(reader.get("page").to_owned())).await;
    let found = found.map_err(|refused| refused.page(&reader))?;
    let title = lang.t("年度检查频次上限", "Frequency caps");
    let body = html! {
        h1 { (title) }
        p.lead { (lang.t(
            "每家单位一年最多接受几次计划内的上门检查。达到上限的，不再列入抽签。有因检查和复查另行统计，不受限制。",
            "How many planned visits a firm may get in a year. Whoever has had as many is left out of draws. Visits for cause and rechecks are counted apart and never refused.",
        )) " " a href="/law#article-17" { (lang.t("第十七条", "Art. 17")) } }
        @if found.caps.is_empty() { (tables::nothing(&reader)) } @else {
            table.rows {
                thead { tr {
                    th scope="col" { (lang.t("检查单位", "Authority")) }
                    th scope="col" { (lang.t("年度", "Year")) }
                    th scope="col" { (lang.t("每户每年至多（次）", "Visits a firm and year at the most")) }
                    th scope="col" { (lang.t("执行日期", "In force from")) }
                    th scope="col" { (lang.t("依据", "Legal basis")) }
                } }
                tbody { @for cap in &found.caps { tr {
                    td data-label=(lang.t("检查单位", "Authority")) { (authority(lang, cap)) }
                    td data-label=(lang.t("年度", "Year")) { (cap.year) }
                    td data-label=(lang.t("每户每年至多（次）", "Visits a firm and year at the most")) {
                        @for (at, limit) in cap.limits.iter().enumerate() {
                            @if at > 0 { (lang.t("；", "; ")) }
                            (class(lang, &limit.subject_class)) (lang.t("：", ": ")) (limit.visits)
                        }
                    }
                    td data-label=(lang.t("执行日期", "In force from")) { (cap.effective_date) }
                    td data-label=(lang.t("依据", "Legal basis")) { (cap.basis) }
                } } }
            }
        }
        (tables::pager(&reader, &found.next_page_token))
        (tables::download(&reader, "/caps.csv"))
    };
    Ok(frame::page(&reader, Head { title, trail: &[("/caps", title)], ..Head::default() }, body))
}

/// `/caps.csv`.
pub async fn table(reader: Reader) -> Result<Response, Failure> {
    let header =
        reader.lang.t("检查单位,年度,类别,次数,执行日期,依据", "authority,year,class,visits,in force from,legal basis");
    let ask = |reader: Reader, token: String| async move {
        let found = ask::list_published_caps(&reader, request(token)).await?;
        let rows = |cap: pb::Cap| {
            let authority = if cap.city_wide { "*".to_owned() } else { cap.authority.clone() };
            cap.limits.into_iter().map(move |limit| {
                vec![
                    authority.clone(),
                    cap.year.to_string(),
                    limit.subject_class,
                    limit.visits.to_string(),
                    cap.effective_date.clone(),
                    cap.basis.clone(),
                ]
            })
        };
        Ok((found.caps.into_iter().flat_map(rows).collect(), found.next_page_token))
    };
    Table { file: "caps.csv", header }.answer(reader, ask).await
}
