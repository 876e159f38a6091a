//! The line of time: what has happened, what comes next and when.

use maud::{Markup, html};
use proto::qingtian::draws::v1::{ContributorKind, DrawState};

use super::facts::Facts;
use crate::{reader::Reader, words};

/// One step.
struct Step {
    name: &'static str,
    done: bool,
    /// When it happened, or what is known of when it will.
    when: String,
    what: Markup,
}

/// All steps of a draw.
pub fn show(reader: &Reader, facts: &Facts) -> Markup {
    let lang = reader.lang;
    let steps = steps(reader, facts);
    let ended = matches!(facts.state, DrawState::Abandoned | DrawState::Failed);
    html! {
        section aria-labelledby="time" {
            h2 #time { (lang.t("经过", "Line of time")) }
            ol.line {
                @for step in &steps {
                    li class=(if step.done { "done" } else { "todo" }) {
                        span.dot aria-hidden="true" { @if step.done { "✓" } @else { "○" } }
                        div {
                            strong { (step.name) }
                            span.state { (match (step.done, ended) {
                                (true, _) => lang.t("已完成", "done"),
                                (false, true) => lang.t("没有进行", "did not happen"),
                                (false, false) => lang.t("待进行", "to come"),
                            }) }
                            p.meta { (step.when) }
                            (step.what)
                        }
                    }
                }
            }
        }
    }
}

fn steps(reader: &Reader, facts: &Facts) -> Vec<Step> {
    let (lang, draw) = (reader.lang, &facts.draw);
    let at = |time: Option<&prost_types::Timestamp>| words::when(lang, time);
    let from = |time| if lang.is_zh() { format!("不早于 {}", at(time)) } else { format!("not before {}", at(time)) };
    let until = |time| if lang.is_zh() { format!("最迟 {}", at(time)) } else { format!("by {}", at(time)) };
    let stated = !draw.statement.is_empty();
    let people = draw.contributors.iter().enumerate().filter(|(_, c)| c.kind() != ContributorKind::Beacon);
    let given = people.clone().filter(|(place, _)| facts.entry(*place).is_some()).count();
    let asked = people.count();
    let all_given = asked > 0 && given == asked;
    let mut steps = vec![
        Step { name: lang.t("编号", "Numbered"), done: true, when: at(draw.create_time.as_ref()), what: html! {} },
        Step {
            name: lang.t("声明：名单和规则定稿、签名公布", "Stated: lists and rules fixed, signed, published"),
            done: stated,
            when: if stated { at(draw.state_time.as_ref()) } else { String::new() },
            what: html! { @if stated { p { (lang.t("指纹 ", "Fingerprint ")) code.hash { (draw.statement) } } } },
        },
        Step {
            name: lang.t("各方提交随机数", "Entries"),
            done: all_given,
            when: until(draw.entries_close.as_ref()),
            what: html! { p { @if lang.is_zh() { (given) " / " (asked) " 方已提交" } @else { (given) " of " (asked) " given" } } },
        },
    ];
    if let Some((place, beacon)) = facts.beacon() {
        let entry = facts.entry(place);
        steps.push(Step {
            name: lang.t("公共随机数", "Beacon"),
            done: entry.is_some(),
            when: entry.map_or_else(|| from(draw.beacon_time.as_ref()), |entry| at(entry.create_time.as_ref())),
            what: html! { p { (super::name(lang, facts, beacon)) @if let Some(entry) = entry { (lang.t("：", ": ")) code { (entry.value) } } } },
        });
    }
    let revealed = facts.is_revealed();
    steps.push(Step {
        name: lang.t("揭示：抽出对象和检查组", "Revealed: subjects and teams"),
        done: revealed,
        when: if revealed { at(draw.reveal_time.as_ref()) } else { until(draw.reveal_by.as_ref()) },
        what: html! { @if revealed { p { (lang.t("抽出 ", "Drawn: ")) (words::count(draw.drawn)) (lang.t(" 户", "")) } } },
    });
    let visits = facts.public.visits;
    steps.push(Step {
        name: lang.t("派出检查任务", "Visits sent out"),
        done: matches!(facts.state, DrawState::Dispatched | DrawState::Done),
        when: String::new(),
        what: html! {
            @if visits > 0 { p { (lang.t("已派出 ", "")) (words::count(visits)) (lang.t(" 项检查任务", " visits sent out")) } }
            @if let Some(none) = super::without_team(&facts.public) {
                p { (words::count(none)) (lang.t(" 户还没有检查组，检查人员另行公开抽取", " without a team yet; theirs is drawn in public, in a draw of its own")) }
            }
        },
    });
    steps
}
