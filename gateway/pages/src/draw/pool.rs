//! Who gave which number to a draw (art. 15), and where its beacon is to be compared.

use maud::{Markup, html};
use proto::qingtian::draws::v1::{Contributor, ContributorKind, Entry};

use super::facts::Facts;
use crate::{reader::Lang, reader::Reader, words};

/// drand's chain `quicknet`.
const QUICKNET: &str = "https://api.drand.sh/52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971/public/";
/// Where the national lottery publishes its results.
const LOTTERY: &str = "https://www.cwl.gov.cn/ygkj/wqkjgg/ssq/";

/// Who gave which number.
pub fn entries(reader: &Reader, facts: &Facts) -> Markup {
    let (lang, draw) = (reader.lang, &facts.draw);
    html! {
        section aria-labelledby="entries" {
            h2 #entries { (lang.t("谁提供了随机数", "Who contributed")) }
            table.rows {
                thead { tr {
                    th scope="col" { (lang.t("次序", "No.")) }
                    th scope="col" { (lang.t("提供方", "Contributor")) }
                    th scope="col" { (lang.t("随机数", "Value")) }
                    th scope="col" { (lang.t("提交时间", "Given")) }
                } }
                tbody { @for (place, contributor) in draw.contributors.iter().enumerate() {
                    @let entry = facts.entry(place);
                    tr {
                        td.number data-label=(lang.t("次序", "No.")) { (place + 1) }
                        td data-label=(lang.t("提供方", "Contributor")) {
                            (name(lang, facts, contributor)) br;
                            span.meta { (recorded(lang, facts, contributor)) }
                        }
                        td data-label=(lang.t("随机数", "Value")) { @match entry {
                            Some(entry) => code { (entry.value) },
                            None => (lang.t("尚未提交", "not given yet")),
                        } }
                        td data-label=(lang.t("提交时间", "Given")) { (words::when(lang, entry.and_then(|entry| entry.create_time.as_ref()))) }
                    }
                } }
            }
            @if let Some((place, beacon)) = facts.beacon() { (source(lang, beacon, facts.entry(place))) }
        }
    }
}

/// A contributor as people name it: the unit, or the beacon with its round.
pub fn name(lang: Lang, facts: &Facts, contributor: &Contributor) -> String {
    if contributor.kind() == ContributorKind::Beacon {
        return beacon(lang, &contributor.contributor);
    }
    if contributor.unit.is_empty() {
        return contributor.contributor.clone();
    }
    words::unit(lang, &facts.public.units, &contributor.unit).to_owned()
}

/// What a contributor is in this draw, and its name in the record, by which its line in the evidence is found.
pub fn recorded(lang: Lang, facts: &Facts, contributor: &Contributor) -> Markup {
    html! {
        (kind(lang, facts, contributor)) (lang.t(" · 证据中记作 ", " · in the evidence ")) code { (contributor.contributor) }
    }
}

/// A beacon by the name of its source and its round; one of no known source keeps its code.
pub fn beacon(lang: Lang, code: &str) -> String {
    let source = [
        ("drand:quicknet:", "drand 公共随机数第 ", " 轮", "drand, round "),
        ("lottery:ssq:", "福利彩票双色球第 ", " 期", "Welfare Lottery, double colour ball, issue "),
        ("lottery:demo:", "演示用公共随机数第 ", " 期", "Demonstration beacon, issue "),
    ];
    let known = source.iter().find_map(|(start, before, after, english)| {
        let round = code.strip_prefix(start)?;
        Some(if lang.is_zh() { format!("{before}{round}{after}") } else { format!("{english}{round}") })
    });
    known.unwrap_or_else(|| code.to_owned())
}

/// What a contributor is in this draw.
pub fn kind(lang: Lang, facts: &Facts, contributor: &Contributor) -> &'static str {
    let drawing = contributor.unit == words::last(&facts.draw.organisation);
    match contributor.kind() {
        ContributorKind::Department if drawing => lang.t("抽查单位", "Drawing unit"),
        ContributorKind::Department => lang.t("其他单位", "Another body"),
        ContributorKind::Witness => lang.t("见证人", "Witness"),
        ContributorKind::Beacon => lang.t("公共随机数", "Beacon"),
        ContributorKind::Unspecified => "—",
    }
}

/// Where the beacon's value is to be compared.
pub fn source(lang: Lang, beacon: &Contributor, entry: Option<&Entry>) -> Markup {
    let name = beacon.contributor.as_str();
    let drand = name.strip_prefix("drand:quicknet:");
    let lottery = name.strip_prefix("lottery:ssq:");
    html! {
        p {
            (lang.t("请自己到来源处核对公共随机数：", "Compare the beacon with its source yourself: "))
            @if let Some(round) = drand {
                (lang.t("drand 公共随机数 quicknet 第 ", "drand's public beacon quicknet, round ")) (round) (lang.t(" 轮，其 signature 应为上面的值：", "; its signature must be the value above: "))
                a rel="noreferrer" href={ (QUICKNET) (round) } { "api.drand.sh" }
            } @else if let Some(issue) = lottery {
                (lang.t("中国福利彩票双色球第 ", "China Welfare Lottery, double colour ball, issue ")) (issue) (lang.t(" 期，前六个为红球（由小到大），最后一个为蓝球：", "; six red numbers ascending, then the blue: "))
                a rel="noreferrer" href=(LOTTERY) { "www.cwl.gov.cn" }
            } @else {
                (lang.t("这是演示用的公共随机数，由演示系统自己产生，没有外部来源；真正的抽查不接受。", "this is a demonstration beacon, made by the demonstration itself; it has no outside source, and no real draw accepts it."))
            }
            @if entry.is_none() { " " (lang.t("这个值现在还不存在。", "The value does not exist yet.")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beacon_is_told_by_its_source_and_its_round() {
        for (code, zh, en) in [
            ("drand:quicknet:7", "drand 公共随机数第 7 轮", "drand, round 7"),
            (
                "lottery:ssq:2026134",
                "福利彩票双色球第 2026134 期",
                "Welfare Lottery, double colour ball, issue 2026134",
            ),
            ("lottery:demo:1", "演示用公共随机数第 1 期", "Demonstration beacon, issue 1"),
            ("moon:1", "moon:1", "moon:1"),
        ] {
            assert_eq!((beacon(Lang::Zh, code).as_str(), beacon(Lang::En, code).as_str()), (zh, en));
        }
    }
}
