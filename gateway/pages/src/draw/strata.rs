//! How many there are in each stratum, how many are drawn, and how likely each was to be (art. 10, 14); who was left out of
//! the pool, counted by reason. Where the register is withheld, sizes and thresholds of strata are too: from them the class of
//! whoever was drawn could be told.

use maud::{Markup, html};
use proto::qingtian::draws::v1::{DrawState, Stratum};

use super::facts::{Facts, Quota};
use crate::{reader::Lang, reader::Reader, words};

/// The frozen file of those left out of the pool.
const LEFT_OUT: &str = "left_out.tsv";

/// Strata and those left out.
pub fn show(reader: &Reader, facts: &Facts) -> Markup {
    let lang = reader.lang;
    html! {
        @if !facts.draw.strata.is_empty() {
            section aria-labelledby="strata" {
                h2 #strata { (lang.t("各层入池数、抽取数和机会", "Strata: how many there are, how many are drawn, how likely each was")) }
                (table(reader, facts))
                (left_out(reader, facts))
            }
        } @else if facts.is_withheld("subjects.tsv") {
            section aria-labelledby="strata" {
                h2 #strata { (lang.t("各层的抽取规则", "Quotas by stratum")) }
                p { (lang.t(
                    "入池名单依法不公开，各层的入池数、抽取数和门槛也随之不公开：否则可以从中推出某一户属于哪一层。公开的是事先声明的规则和总数。",
                    "The register is withheld by law, and with it how many each stratum has, how many are drawn, and the thresholds: from them one could tell a firm's stratum. Public are the quotas stated beforehand and the totals.",
                )) }
                (quotas(reader, facts))
                (left_out(reader, facts))
            }
        }
    }
}

fn table(reader: &Reader, facts: &Facts) -> Markup {
    let (lang, strata) = (reader.lang, &facts.draw.strata);
    let sum = |of: fn(&Stratum) -> i64| strata.iter().map(of).sum::<i64>();
    let rule = |stratum: &Stratum| quota(lang, facts.quota(&stratum.stratum));
    let same = strata.first().map(rule).filter(|first| strata.iter().all(|stratum| rule(stratum) == *first));
    html! {
        @if let Some(same) = &same { p { (lang.t("各层的规则：", "Quota of each stratum: ")) (same) (lang.t("。", ".")) } }
        table.tight {
            thead { tr {
                th scope="col" { (lang.t("层", "Stratum")) }
                th.number scope="col" { (lang.t("入池", "In the pool")) }
                @if same.is_none() { th scope="col" { (lang.t("规则", "Quota")) } }
                th.number scope="col" { (lang.t("抽取", "Drawn")) }
                th scope="col" { (lang.t("每户抽中的机会", "Chance of each")) }
            } }
            tbody { @for stratum in strata { tr {
                td { (words::stratum(lang, &stratum.stratum, facts.on)) " " code { (stratum.stratum) } }
                td.number { (words::count(stratum.subjects)) }
                @if same.is_none() { td { (rule(stratum)) } }
                td.number { (words::count(stratum.drawn)) }
                td { (chance(stratum.drawn, stratum.subjects)) }
            } } }
            @if strata.len() > 1 {
                tfoot { tr {
                    th scope="row" { (lang.t("合计", "In all")) }
                    td.number { (words::count(sum(|s| s.subjects))) }
                    @if same.is_none() { td {} }
                    td.number { (words::count(sum(|s| s.drawn))) }
                    td { (chance(sum(|s| s.drawn), sum(|s| s.subjects))) }
                } }
            }
        }
        p.meta { (lang.t(
            "同一层里每一户的机会完全相同，就是“抽取数 ÷ 入池数”；百分数保留四位小数。",
            "Within a stratum everybody's chance is exactly the same: drawn ÷ in the pool; percentages have four decimals.",
        )) }
        @if facts.is_public() { (thresholds(reader, facts)) }
    }
}

/// The largest ticket drawn of each stratum, folded: long, and wanted only by whoever checks. On paper they all stand.
fn thresholds(reader: &Reader, facts: &Facts) -> Markup {
    let (lang, strata) = (reader.lang, &facts.draw.strata);
    html! {
        details.folded {
            summary { (lang.t("各层的门槛（最大的中签号）", "Thresholds of the strata (largest ticket drawn)")) }
            dl.hashes { @for stratum in strata {
                dt { (words::stratum(lang, &stratum.stratum, facts.on)) " " code { (stratum.stratum) } }
                dd { @if stratum.threshold.is_empty() { "—" } @else { code.hash { (stratum.threshold) } } }
            } }
        }
    }
}

/// The stated quotas alone.
fn quotas(reader: &Reader, facts: &Facts) -> Markup {
    let lang = reader.lang;
    html! {
        table.rows.narrow {
            thead { tr { th scope="col" { (lang.t("层", "Stratum")) } th scope="col" { (lang.t("规则（也就是每户抽中的机会）", "Quota (also the chance of each)")) } } }
            tbody { @for name in facts.strata_of_rules() { tr {
                td data-label=(lang.t("层", "Stratum")) { (words::stratum(lang, name, facts.on)) " " code { (name) } }
                td data-label=(lang.t("规则", "Quota")) { (quota(lang, facts.quota(name))) }
            } } }
        }
        p { (lang.t("共入池 ", "In the pool: ")) (words::count(facts.draw.subjects)) (lang.t(" 户", ""))
            @if facts.is_revealed() { (lang.t("，抽中 ", "; drawn: ")) (words::count(facts.draw.drawn)) (lang.t(" 户", "")) } (lang.t("。", ".")) }
    }
}

/// Drawn of how many, exactly and as a percentage.
fn chance(drawn: i64, subjects: i64) -> Markup {
    // To the nearest part per million.
    let ppm = (drawn * 2_000_000 + subjects).checked_div(subjects * 2);
    html! {
        @match ppm {
            Some(ppm) => { span.wide { (words::count(drawn)) " / " (words::count(subjects)) " = " } strong { (words::percent(ppm)) } },
            None => "—",
        }
    }
}

fn quota(lang: Lang, quota: Option<Quota>) -> String {
    match quota {
        Some(Quota::Ppm(ppm)) => format!("{}{}", words::percent(ppm), lang.t("，进位取整", ", rounded up")),
        Some(Quota::Count(count)) => format!("{}{}", words::count(count), lang.t(" 户", "")),
        None => "—".to_owned(),
    }
}

/// Who is within the plan's scope and not in the pool: how many and why, and where they stand one by one.
fn left_out(reader: &Reader, facts: &Facts) -> Markup {
    let lang = reader.lang;
    let counts = &facts.draw.left_out;
    html! {
        h3 #left-out { (lang.t("在计划范围内而未入池的", "Within the plan's scope, but not in the pool")) }
        @if facts.is_empty(LEFT_OUT) {
            p { (lang.t("未入池名单是空的：计划范围内的对象全部入池。", "Nobody: all within the plan's scope are in the pool.")) }
        } @else {
            @if !counts.is_empty() {
                table.rows.narrow {
                    thead { tr { th scope="col" { (lang.t("原因", "Reason")) } th.number scope="col" { (lang.t("户数", "Subjects")) } } }
                    tbody { @for one in counts { tr {
                        td data-label=(lang.t("原因", "Reason")) { (words::left_out(lang, &one.reason)) }
                        td.number data-label=(lang.t("户数", "Subjects")) { (words::count(one.count)) }
                    } } }
                    tfoot { tr {
                        th scope="row" { (lang.t("合计", "In all")) }
                        td.number data-label=(lang.t("户数", "Subjects")) { (words::count(counts.iter().map(|one| one.count).sum())) }
                    } }
                }
            }
            p.meta { (where_left_out(reader, facts)) }
        }
    }
}

fn where_left_out(reader: &Reader, facts: &Facts) -> Markup {
    let lang = reader.lang;
    html! {
        @if facts.is_withheld(LEFT_OUT) {
            (lang.t("逐户的名单（left_out.tsv）依法不公开，只公布", "Who they are (left_out.tsv) is withheld by law; public is ")) a href="#fingerprints" { (lang.t("指纹", "its fingerprint")) } (lang.t("。", "."))
        } @else if facts.is_public() {
            (lang.t("逐户的名单和各自的原因列在", "Who they are, with each one's reason, is in the "))
            a href={ "/v1/public/draws/" (facts.number) "/evidence" } { (lang.t("证据包", "evidence bundle")) }
            (lang.t("的 left_out.tsv 里", " as left_out.tsv"))
            @if !facts.is_withheld("subjects.tsv") { (lang.t("。某一户可用", ". For one of them, ")) a href="#firm" { (lang.t("“查一家企业”", "look the firm up")) } (lang.t("查询", "")) }
            (lang.t("。", "."))
        } @else {
            (lang.t("逐户的名单和各自的原因（left_out.tsv）已经定稿，", "Who they are, with the reasons (left_out.tsv), is fixed, "))
            a href="#fingerprints" { (lang.t("指纹", "with its fingerprint")) }
            @if facts.state == DrawState::Failed { (lang.t("见下；这次抽查已作废，没有证据包。", " below; this draw failed and has no evidence bundle.")) }
            @else { (lang.t("见下；名单随证据包公布。", " below; it becomes public with the evidence.")) }
        }
    }
}
