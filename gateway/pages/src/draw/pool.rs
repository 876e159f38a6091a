//! Numbers of a draw: strata with quota and threshold, entries with their sources, load of officers.

use maud::{Markup, html};
use proto::qingtian::draws::v1::{Contributor, ContributorKind, DrawState, Entry};

use super::facts::{Facts, Quota};
use crate::{reader::Lang, reader::Reader, words};

/// drand's chain `quicknet`.
const QUICKNET: &str = "https://api.drand.sh/52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971/public/";
/// Where the national lottery publishes its results.
const LOTTERY: &str = "https://www.cwl.gov.cn/ygkj/wqkjgg/ssq/";

/// The frozen file of those left out of the pool.
const LEFT_OUT: &str = "left_out.tsv";

/// How many there are and how many are drawn, by stratum.
pub fn strata(reader: &Reader, facts: &Facts) -> Markup {
    let (lang, strata) = (reader.lang, &facts.draw.strata);
    let sum = |of: fn(&proto::qingtian::draws::v1::Stratum) -> i64| words::count(strata.iter().map(of).sum());
    html! {
        @if !strata.is_empty() {
            section aria-labelledby="strata" {
                h2 #strata { (lang.t("各层入池数、抽取数和门槛", "Strata: how many there are, how many are drawn")) }
                table.rows {
                    thead { tr {
                        th scope="col" { (lang.t("层", "Stratum")) }
                        th.number scope="col" { (lang.t("入池", "In the pool")) }
                        th scope="col" { (lang.t("规则", "Quota")) }
                        th.number scope="col" { (lang.t("抽取", "Drawn")) }
                        @if facts.is_public() { th scope="col" { (lang.t("门槛（最大的中签号）", "Threshold (largest ticket drawn)")) } }
                    } }
                    tbody { @for stratum in strata { tr {
                        td data-label=(lang.t("层", "Stratum")) { (words::stratum(lang, &stratum.stratum, facts.on)) " " code { (stratum.stratum) } }
                        td.number data-label=(lang.t("入池", "In the pool")) { (words::count(stratum.subjects)) }
                        td data-label=(lang.t("规则", "Quota")) { (quota(lang, facts.quota(&stratum.stratum))) }
                        td.number data-label=(lang.t("抽取", "Drawn")) { (words::count(stratum.drawn)) }
                        @if facts.is_public() {
                            td data-label=(lang.t("门槛", "Threshold")) { @if stratum.threshold.is_empty() { "—" } @else { code.hash { (stratum.threshold) } } }
                        }
                    } } }
                    @if strata.len() > 1 {
                        tfoot { tr {
                            th scope="row" { (lang.t("合计", "In all")) }
                            td.number data-label=(lang.t("入池", "In the pool")) { (sum(|s| s.subjects)) }
                            td.empty {}
                            td.number data-label=(lang.t("抽取", "Drawn")) { (sum(|s| s.drawn)) }
                            @if facts.is_public() { td.empty {} }
                        } }
                    }
                }
                (left_out(reader, facts))
            }
        }
    }
}

/// Where those stand who are within the plan's scope and not in the pool. The portal is not told how many they are; that
/// nobody is among them is seen from the fingerprint.
fn left_out(reader: &Reader, facts: &Facts) -> Markup {
    let lang = reader.lang;
    html! {
        p.meta {
            @if facts.is_empty(LEFT_OUT) {
                (lang.t("未入池名单是空的：计划范围内的对象全部入池。", "Nobody was left out: the left-out list is empty, and all within the plan's scope are in the pool."))
            } @else if facts.is_withheld(LEFT_OUT) {
                (lang.t("未入池名单（left_out.tsv）依法不公开，只公布", "The left-out list (left_out.tsv) is withheld by law; public is ")) a href="#fingerprints" { (lang.t("指纹", "its fingerprint")) } (lang.t("。", "."))
            } @else if facts.is_public() {
                (lang.t("未入池的对象和各自的原因，逐户列在", "Who was left out of the pool, and each one's reason, is in the "))
                a href={ "/v1/public/draws/" (facts.number) "/evidence" } { (lang.t("证据包", "evidence bundle")) }
                (lang.t("的 left_out.tsv 里；复核时会报出共多少户。某一户可用", " as left_out.tsv; a recheck tells how many they are. For one of them, ")) a href="#firm" { (lang.t("“查一家企业”", "look the firm up")) } (lang.t("查询。", "."))
            } @else {
                (lang.t("未入池名单和各自的原因（left_out.tsv）已经定稿，", "The left-out list with its reasons (left_out.tsv) is fixed, "))
                a href="#fingerprints" { (lang.t("指纹", "with its fingerprint")) }
                @if facts.state == DrawState::Failed { (lang.t("见下；这次抽查已作废，没有证据包。", " below; this draw failed and has no evidence bundle.")) }
                @else { (lang.t("见下；名单随证据包公布。", " below; it becomes public with the evidence.")) }
            }
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
                            @if !contributor.unit.is_empty() { (words::unit(lang, &facts.public.units, &contributor.unit)) br; }
                            span.meta { (kind(lang, facts, contributor)) } " " code { (contributor.contributor) }
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

/// How evenly officers were placed.
pub fn load(reader: &Reader, facts: &Facts) -> Markup {
    let (lang, load) = (reader.lang, &facts.public.load);
    let most = load.iter().map(|load| load.officers).max().unwrap_or(1).max(1);
    html! {
        @if !load.is_empty() {
            section aria-labelledby="load" {
                h2 #load { (lang.t("执法人员的任务量", "Load of officers")) }
                p { (lang.t(
                    "先派任务少的；任务一样多时由号决定。没有人能挑选去哪一户。",
                    "Those with fewer subjects go first; among equals, the ticket decides. Nobody chooses whom to visit.",
                )) }
                table.rows.narrow {
                    thead { tr {
                        th.number scope="col" { (lang.t("每人抽到几户", "Subjects each")) }
                        th.number scope="col" { (lang.t("人数", "Officers")) }
                        th scope="col" { (lang.t("图示", "Picture")) }
                    } }
                    tbody { @for count in load { tr {
                        td.number data-label=(lang.t("每人抽到几户", "Subjects each")) { (count.subjects) }
                        td.number data-label=(lang.t("人数", "Officers")) { (count.officers) }
                        td.bar { svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" { rect.seed width=(i64::from(count.officers) * 100 / i64::from(most)) height="6" {} } }
                    } } }
                }
                @if let Some(none) = super::without_team(&facts.public) {
                    p.notice { (words::count(none)) (lang.t(" 户抽中对象组不成检查组（人手、地域或回避所限）。按规程须从更大范围公开补抽检查人员，不能由人指派。", " drawn subjects have no team, for want of people, place or because of recusals. Theirs is drawn in public from a wider pool, never assigned by hand.")) }
                }
            }
        }
    }
}
