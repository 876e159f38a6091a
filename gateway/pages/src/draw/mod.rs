//! The page of one draw (art. 10, 15, 18): what was stated, who contributed, who was drawn and which team goes, and how
//! anybody checks it. A draw that is not revealed says what is known and when the rest comes.

mod chain;
mod drawn;
mod evidence;
mod facts;
pub mod fairness;
mod firm;
mod log;
pub mod own_line;
mod pool;
mod strata;
mod timeline;
mod witnesses;

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use maud::{Markup, html};
use proto::qingtian::{
    draws::v1::{DrawState, PlanException},
    portal::v1 as pb,
};
use tonic::Code;

pub use drawn::table;
pub use facts::{Facts, Quota};
pub use pool::{name, recorded, source};

use crate::{ask, draws, failure::Failure, frame, frame::Head, plans, reader::Reader, words};

/// `/draws/{number}`.
pub async fn page(Path(number): Path<String>, reader: Reader) -> Result<Response, Failure> {
    let lang = reader.lang;
    let facts = Facts::of(&reader, ask::draw(&reader, &number).await?);
    let (drawn, firm, log, exceptions) = futures::join!(
        drawn::ask(&reader, &facts),
        firm::ask(&reader, &facts),
        log::ask(&reader, &facts),
        exceptions(&reader, &facts)
    );
    let exceptions = exceptions?;
    let title = format!("{} {}", lang.t("抽查", "Draw"), facts.number);
    let href = format!("/draws/{}", facts.number);
    let body = html! {
        h1 { (title) br; span.sub { (draws::title(&facts.public)) } }
        p.meta {
            (draws::tag(&reader, facts.state)) " " (words::unit(lang, &facts.public.units, &facts.draw.organisation)) " · "
            a href={ "/" (facts.draw.plan) } { (lang.t("依据计划 ", "Under plan ")) (words::last(&facts.draw.plan)) }
        }
        (lead(&reader, &facts))
        (plans::approved_exceptions(lang, &exceptions))
        (warnings(&reader, &facts))
        @if facts.is_public() {
            p.acts {
                a.call.scripted href="#recheck-part" { (lang.t("亲自复核这次抽查", "Recheck this draw yourself")) }
                a.second href="#firm" { (lang.t("查一家企业", "Look a firm up")) }
                a.second href={ (href) "/ceremony" } { (lang.t("抽签现场", "The ceremony")) }
            }
        } @else {
            p.acts { a.second href={ (href) "/ceremony" } { (lang.t("观看抽签现场", "Watch the ceremony")) } }
        }
        (timeline::show(&reader, &facts))
        @if facts.state != DrawState::Created && facts.state != DrawState::Abandoned {
            @if facts.is_public() { (evidence::recheck(&reader, &facts)) }
            (firm::show(&reader, &facts, firm))
            (strata::show(&reader, &facts))
            (drawn::show(&reader, &facts, drawn))
            (log::show(&reader, &facts, log))
            (pool::entries(&reader, &facts))
            (witnesses::show(&reader, &facts))
            (fairness::show(&reader, &facts))
            (evidence::fingerprints(&reader, &facts))
            (evidence::downloads(&reader, &facts))
        }
    };
    let trail = [("/draws", lang.t("抽查", "Draws")), (href.as_str(), facts.number.as_str())];
    Ok(frame::page(&reader, Head { title: &title, trail: &trail, recheck: facts.is_public(), ..Head::default() }, body))
}

/// `/draws/{number}/rules.json`: the rules byte for byte, public from the statement on.
pub async fn rules(Path(number): Path<String>, reader: Reader) -> Result<Response, Failure> {
    let found = ask::draw(&reader, &number).await?;
    let rules = found.draw.unwrap_or_default().rules_json;
    if rules.is_empty() {
        return Err(Failure::not_found(&reader));
    }
    Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "public, max-age=31536000, immutable")], rules)
        .into_response())
}

/// The approved exceptions of the plan that was drawn by; empty where there is none, or no such public plan.
async fn exceptions(reader: &Reader, facts: &Facts) -> Result<Vec<PlanException>, Failure> {
    match ask::get_plan(reader, pb::GetPlanRequest { name: facts.draw.plan.clone() }).await {
        Ok(found) => Ok(found.plan.unwrap_or_default().exceptions),
        Err(refused) if refused.code == Code::NotFound => Ok(Vec::new()),
        Err(refused) => Err(refused.page(reader)),
    }
}

/// What happened, in a sentence or two.
fn lead(reader: &Reader, facts: &Facts) -> Markup {
    let (lang, draw) = (reader.lang, &facts.draw);
    let (pool, drawn) = (words::count(draw.subjects), words::count(draw.drawn));
    let at = |time| words::when(lang, time);
    let text = match facts.state {
        DrawState::Revealed | DrawState::Dispatched | DrawState::Done => {
            let at = at(draw.reveal_time.as_ref());
            if lang.is_zh() {
                format!("{at}，从 {pool} 户入池对象中抽出 {drawn} 户，并随机派出检查组。")
            } else {
                format!("{at}: {drawn} of {pool} subjects were drawn, and a team for each by lot.")
            }
        }
        DrawState::Stated | DrawState::Contributing => {
            let (close, beacon) = (at(draw.entries_close.as_ref()), at(draw.beacon_time.as_ref()));
            let by = at(draw.reveal_by.as_ref());
            match (lang.is_zh(), draw.beacon_time.is_some()) {
                (true, true) => format!("{pool} 户入池，还没有抽。随机数提交截止于 {close}，公共随机数 {beacon} 起产生，随后自动揭示，最迟 {by}。"),
                (true, false) => format!("{pool} 户入池，还没有抽。随机数提交截止于 {close}，随后自动揭示，最迟 {by}。"),
                (false, true) => format!("{pool} in the pool, not drawn yet. Entries close {close}; the beacon's value exists from {beacon}; then the draw runs by itself, by {by} at the latest."),
                (false, false) => format!("{pool} in the pool, not drawn yet. Entries close {close}; then the draw runs by itself, by {by} at the latest."),
            }
        }
        DrawState::Abandoned | DrawState::Failed => {
            let reason = words::end_reason(lang, &draw.end_reason);
            match (lang.is_zh(), facts.state == DrawState::Failed) {
                (true, true) => format!("这次抽查作废：{reason}。没有抽出任何对象，编号和记录永远保留。"),
                (true, false) => format!("这次抽查在任何随机数提交之前放弃：{reason}。编号和记录永远保留。"),
                (false, true) => format!("This draw failed: {reason}. Nobody was drawn; number and record stay for ever."),
                (false, false) => format!("This draw was abandoned before its first entry: {reason}. Number and record stay for ever."),
            }
        }
        DrawState::Unspecified | DrawState::Created => {
            lang.t("已取得编号，名单和规则尚未定稿。声明公布后，这里会显示名单规模、规则和时间安排。", "It has its number; lists and rules are not fixed yet. Once it is stated, the size of the pool, the rules and the schedule appear here.").to_owned()
        }
    };
    html! { p.lead { (text) } }
}

/// What a reader must know before trusting the rest.
pub fn warnings(reader: &Reader, facts: &Facts) -> Markup {
    let (lang, draw) = (reader.lang, &facts.draw);
    let link = |name: &str| html! { a href={ "/" (name) } { (words::last(name)) } };
    html! {
        @if !draw.replaces.is_empty() {
            p.notice { (lang.t("这次抽查接替作废的 ", "This draw replaces the failed one, ")) (link(&draw.replaces)) (lang.t("，名单不变，随机数来源另行指定。", ": the same lists, new contributors.")) }
        }
        @if !facts.public.replaced_by.is_empty() {
            p.notice { (lang.t("接替这次抽查的是 ", "It was replaced by ")) (link(&facts.public.replaced_by)) (lang.t("。", ".")) }
        }
        (chain::show(reader, facts))
        @if !draw.beacon_waived.is_empty() {
            p.notice { strong { (lang.t("没有使用公共随机数。", "No beacon was used. ")) } (lang.t("公布的理由：", "The published reason: ")) (draw.beacon_waived) }
        }
        @if let Some(withheld) = &facts.withheld {
            p.notice {
                strong { (lang.t("部分名单依法不公开：", "Some lists are withheld by law: ")) }
                (withheld.files.join(lang.t("、", ", "))) (lang.t("。依据：", ". Basis: ")) (withheld.basis)
                (lang.t("。它们的指纹仍然公布，复核时会注明哪些没有核对。", ". Their fingerprints are public all the same; a recheck names what it could not check."))
            }
        }
        @if facts.waits() {
            p.notice {
                strong { (lang.t("名单将于 ", "The list becomes public on ")) (words::date(lang, &facts.public.publish_after)) (lang.t(" 公布。", ".")) } " "
                (lang.t("这是不预先告知的检查，结果在检查之后公布（第十八条）；证据包的指纹现在就可以保存，到时核对。", "These visits are unannounced, so the result comes after them (art. 18). Keep the fingerprint of the evidence now, and compare it then."))
                @if let Some(basis) = &facts.publish_basis { " " (lang.t("依据：", "Basis: ")) (basis) }
            }
        }
    }
}

/// Titles of subjects the draw could not find a team for, where there are any.
fn without_team(public: &pb::PublicDraw) -> Option<i64> {
    Some(public.without_team).filter(|number| *number > 0)
}
