//! The list of draws, newest first; what was abandoned or failed stays in it for ever.

use axum::response::Response;
use maud::{Markup, html};
use proto::qingtian::{draws::v1::DrawState, portal::v1 as pb};

use crate::{
    ask,
    failure::Failure,
    frame,
    frame::Head,
    reader::Reader,
    tables::{self, Table},
    words,
};

fn request(reader: &Reader) -> pb::ListDrawsRequest {
    pb::ListDrawsRequest {
        page_token: reader.get("page").to_owned(),
        query: reader.get("q").to_owned(),
        plan: reader.get("plan").to_owned(),
        organisation: match reader.get("organisation") {
            "" => String::new(),
            unit => format!("organisations/{unit}"),
        },
        year: reader.get("year").parse().unwrap_or_default(),
        ended: !reader.get("ended").is_empty(),
        ..Default::default()
    }
}

/// What the list is narrowed to besides the words searched for, and the way back to all.
fn narrowed(reader: &Reader, draws: &[pb::PublicDraw]) -> Markup {
    let lang = reader.lang;
    let (plan, unit, year) = (reader.get("plan"), reader.get("organisation"), reader.get("year"));
    let ended = !reader.get("ended").is_empty();
    // Whoever made the first draw of the list made all of them.
    let units = draws.first().map(|found| found.units.as_slice()).unwrap_or_default();
    html! {
        @if !plan.is_empty() || !unit.is_empty() || !year.is_empty() || ended {
            p {
                (lang.t("只看：", "Only "))
                @if !plan.is_empty() { (lang.t("计划 ", "plan ")) a href={ "/" (plan) } { (words::last(plan)) } " " }
                @if !unit.is_empty() { (words::unit(lang, units, unit)) " " }
                @if !year.is_empty() { (year) (lang.t(" 年 ", " ")) }
                @if ended { (lang.t("放弃和作废的 ", "those given up or failed ")) }
                " · " a href=(reader.with(&[("plan", ""), ("organisation", ""), ("year", ""), ("ended", ""), ("page", "")])) { (lang.t("看全部", "show all")) }
            }
        }
    }
}

/// `/draws`.
pub async fn page(reader: Reader) -> Result<Response, Failure> {
    let lang = reader.lang;
    let found = ask::list_draws(&reader, request(&reader)).await.map_err(|refused| refused.page(&reader))?;
    let title = lang.t("抽查", "Draws");
    let body = html! {
        h1 { (title) }
        p { (lang.t(
            "每次抽查从编号起就公开，编号不跳号；放弃和作废的也留在这里。",
            "A draw is public from the moment it has a number, and no number is skipped; what was given up or failed stays here.",
        )) " " a href="/caps" { (lang.t("年度检查频次上限", "Frequency caps")) } " · " a href="/fairness" { (lang.t("各单位历年的抽查统计", "Counted by organisation and year")) } }
        (tables::filter(&reader, lang.t("按编号或计划名称查找", "Number or title of the plan")))
        (narrowed(&reader, &found.draws))
        @if found.draws.is_empty() { (tables::nothing(&reader)) } @else { (list(&reader, &found.draws)) }
        (tables::pager(&reader, &found.next_page_token))
        (tables::download(&reader, "/draws.csv"))
    };
    Ok(frame::page(&reader, Head { title, trail: &[("/draws", title)], ..Head::default() }, body))
}

/// Draws as a list.
pub fn list(reader: &Reader, draws: &[pb::PublicDraw]) -> Markup {
    html! {
        ul.cards {
            @for found in draws {
                @let draw = found.draw.clone().unwrap_or_default();
                li {
                    a.title href={ "/" (found.name) } { (words::last(&found.name)) " " (title(found)) }
                    p.meta { (tag(reader, draw.state())) " " (words::unit(reader.lang, &found.units, &draw.organisation)) " · " (news(reader, found)) }
                }
            }
        }
    }
}

/// Title of the plan a draw is over.
pub fn title(found: &pb::PublicDraw) -> &str {
    match (&found.draw, found.plan_title.as_str()) {
        (Some(draw), "") if draw.plan_title.is_empty() => words::last(&draw.plan),
        (Some(draw), "") => &draw.plan_title,
        (_, title) => title,
    }
}

/// The state as a word in a frame; its colour says nothing that the word does not.
pub fn tag(reader: &Reader, state: DrawState) -> Markup {
    let class = match state {
        DrawState::Revealed | DrawState::Dispatched | DrawState::Done => "tag done",
        DrawState::Abandoned | DrawState::Failed => "tag ended",
        DrawState::Unspecified | DrawState::Created | DrawState::Stated | DrawState::Contributing => "tag open",
    };
    html! { span class=(class) { (words::draw_state(reader.lang, state)) } }
}

/// What is newest about a draw, in one phrase.
fn news(reader: &Reader, found: &pb::PublicDraw) -> String {
    let lang = reader.lang;
    let draw = found.draw.clone().unwrap_or_default();
    let (pool, drawn) = (words::count(draw.subjects), words::count(draw.drawn));
    match draw.state() {
        DrawState::Revealed | DrawState::Dispatched | DrawState::Done => {
            let at = words::when(lang, draw.reveal_time.as_ref());
            if lang.is_zh() {
                format!("{pool} 户中抽出 {drawn} 户，{at}")
            } else {
                format!("{drawn} of {pool} drawn, {at}")
            }
        }
        DrawState::Stated | DrawState::Contributing => {
            let at = words::when(lang, draw.beacon_time.as_ref().or(draw.entries_close.as_ref()));
            if lang.is_zh() {
                format!("{pool} 户待抽，不早于 {at} 揭示")
            } else {
                format!("{pool} in the pool, revealed after {at}")
            }
        }
        DrawState::Abandoned | DrawState::Failed => words::end_reason(lang, &draw.end_reason).to_owned(),
        DrawState::Unspecified | DrawState::Created => words::when(lang, draw.create_time.as_ref()),
    }
}

/// `/draws.csv`.
pub async fn table(reader: Reader) -> Result<Response, Failure> {
    let lang = reader.lang;
    let header = lang.t(
        "编号,计划,计划名称,单位,状态,声明时间,揭示时间,入池,抽中,声明指纹,证据包指纹,作废或放弃原因",
        "draw,plan,plan title,organisation,state,stated,revealed,in pool,drawn,statement,evidence,reason of end",
    );
    let ask = |reader: Reader, token: String| async move {
        let request = pb::ListDrawsRequest { page_token: token, page_size: 100, ..request(&reader) };
        let found = ask::list_draws(&reader, request).await?;
        let rows = found.draws.iter().map(|found| row(&reader, found)).collect();
        Ok((rows, found.next_page_token))
    };
    Table { file: "draws.csv", header }.answer(reader.clone(), ask).await
}

fn row(reader: &Reader, found: &pb::PublicDraw) -> Vec<String> {
    let draw = found.draw.clone().unwrap_or_default();
    let at = |time: Option<&prost_types::Timestamp>| words::instant(time).map(|at| at.to_rfc3339()).unwrap_or_default();
    vec![
        found.name.clone(),
        draw.plan.clone(),
        title(found).to_owned(),
        words::unit(reader.lang, &found.units, &draw.organisation).to_owned(),
        words::draw_state(reader.lang, draw.state()).to_owned(),
        at(draw.state_time.as_ref()),
        at(draw.reveal_time.as_ref()),
        draw.subjects.to_string(),
        draw.drawn.to_string(),
        draw.statement,
        draw.evidence_digest,
        draw.end_reason,
    ]
}
