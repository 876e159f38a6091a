//! How evenly officers were placed by a draw (art. 10, 11, 15), and where chance decided nothing; as a page's part and as CSV.

use axum::{extract::Path, response::Response};
use maud::{Markup, html};
use proto::qingtian::{draws::v1::UnitLoad, portal::v1::LoadCount};

use super::facts::Facts;
use crate::{ask, failure::Failure, reader::Reader, tables::Table, words};

/// The section; nothing before the result is public.
pub fn show(reader: &Reader, facts: &Facts) -> Markup {
    let lang = reader.lang;
    let fairness = facts.public.fairness.clone().unwrap_or_default();
    let load = with_idle(&facts.public.load, &fairness.unit_loads);
    html! {
        @if !load.is_empty() {
            section aria-labelledby="load" {
                h2 #load { (lang.t("执法人员的任务量", "Load of officers")) }
                p { (lang.t(
                    "先派任务少的；任务一样多时由号决定。没有人能挑选去哪一户。",
                    "Those with fewer subjects go first; among equals, the ticket decides. Nobody chooses whom to visit.",
                )) }
                @if !fairness.unit_loads.is_empty() { (units(reader, facts, &fairness.unit_loads)) }
                (spread(reader, &load))
                (chance(reader, facts, fairness.no_choice))
                p { a href={ "/draws/" (facts.number) "/fairness.csv" } { (lang.t("下载这次抽查的统计（CSV 表格）", "Download this draw's figures (CSV)")) } }
            }
        }
    }
}

/// The spread with those in the list who were placed with nobody.
fn with_idle(load: &[LoadCount], units: &[UnitLoad]) -> Vec<LoadCount> {
    let listed: i64 = units.iter().map(|unit| unit.officers).sum();
    let placed: i64 = load.iter().map(|count| i64::from(count.officers)).sum();
    let idle = i32::try_from((listed - placed).max(0)).unwrap_or(i32::MAX);
    let idle = (idle > 0).then_some(LoadCount { subjects: 0, officers: idle });
    idle.into_iter().chain(load.iter().copied()).collect()
}

fn units(reader: &Reader, facts: &Facts, units: &[UnitLoad]) -> Markup {
    let lang = reader.lang;
    html! {
        table.rows {
            thead { tr {
                th scope="col" { (lang.t("单位", "Unit")) }
                th.number scope="col" { (lang.t("名录中的人员", "Officers listed")) }
                th.number scope="col" { (lang.t("派出人次", "Places taken")) }
                th.number scope="col" { (lang.t("人均户数", "Mean")) }
                th.number scope="col" { (lang.t("最少", "Fewest")) }
                th.number scope="col" { (lang.t("最多", "Most")) }
                th scope="col" { (lang.t("若无区域、专业、回避所限", "Without limits of place, specialty and recusal")) }
            } }
            tbody { @for unit in units { tr {
                td data-label=(lang.t("单位", "Unit")) { (words::unit(lang, &facts.public.units, &unit.unit)) }
                td.number data-label=(lang.t("名录中的人员", "Officers listed")) { (words::count(unit.officers)) }
                td.number data-label=(lang.t("派出人次", "Places taken")) { (words::count(unit.places)) }
                td.number data-label=(lang.t("人均户数", "Mean")) { (mean(unit.places, unit.officers)) }
                td.number data-label=(lang.t("最少", "Fewest")) { (words::count(unit.fewest)) }
                td.number data-label=(lang.t("最多", "Most")) { (words::count(unit.most)) }
                td data-label=(lang.t("若无所限", "Without limits")) { (ideal(unit)) (lang.t(" 户", "")) @if is_even(unit) { (lang.t("：已达到", ": reached")) } }
            } } }
        }
    }
}

/// The most even there can be: all with as many, or some with one more.
fn ideal(unit: &UnitLoad) -> String {
    let low = unit.places.checked_div(unit.officers).unwrap_or_default();
    if low * unit.officers == unit.places { low.to_string() } else { format!("{low}–{}", low + 1) }
}

fn is_even(unit: &UnitLoad) -> bool {
    unit.most - unit.fewest <= 1
}

/// With one decimal.
fn mean(places: i64, officers: i64) -> String {
    match (places * 20 + officers).checked_div(officers * 2) {
        Some(tenths) => format!("{}.{}", tenths / 10, tenths % 10),
        None => "—".to_owned(),
    }
}

fn spread(reader: &Reader, load: &[LoadCount]) -> Markup {
    let lang = reader.lang;
    let most = load.iter().map(|load| load.officers).max().unwrap_or(1).max(1);
    html! {
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
    }
}

/// Where chance decided nothing about who goes.
fn chance(reader: &Reader, facts: &Facts, no_choice: i64) -> Markup {
    let lang = reader.lang;
    html! {
        @if no_choice > 0 {
            p.notice { (words::count(no_choice)) (lang.t(
                " 户抽中对象的检查组没有选择余地：符合条件的人不多于所需的人，谁去不是由机会决定的。",
                " drawn subjects left no choice of team: there were no more candidates than places, so chance decided nothing about who goes there.",
            )) }
        } @else if facts.public.fairness.is_some() {
            p.quiet { (lang.t("每个检查组的人选都多于所需人数，谁去由机会决定。", "Every team had more candidates than places: chance decided who goes.")) }
        }
        @if let Some(none) = super::without_team(&facts.public) {
            p.notice { (words::count(none)) (lang.t(" 户抽中对象组不成检查组（人手、地域或回避所限）。按规程须从更大范围公开补抽检查人员，不能由人指派。", " drawn subjects have no team, for want of people, place or because of recusals. Theirs is drawn in public from a wider pool, never assigned by hand.")) }
        }
    }
}

/// `/draws/{number}/fairness.csv`: every figure of the section and of the strata in one list.
pub async fn table(Path(number): Path<String>, reader: Reader) -> Result<Response, Failure> {
    let found = ask::draw(&reader, &number).await?;
    let facts = Facts::of(&reader, found);
    let file = format!("fairness-{}.csv", facts.number);
    let header = reader.lang.t("项目,名称,数,总数,百万分之", "figure,name,count,of,ppm");
    let rows = figures(&facts);
    let ask = move |_: Reader, _: String| {
        let rows = rows.clone();
        async move { Ok((rows, String::new())) }
    };
    Table { file: &file, header }.answer(reader, ask).await
}

fn figures(facts: &Facts) -> Vec<Vec<String>> {
    let row = |figure: &str, name: &str, count: i64, of: Option<i64>, ppm: Option<i64>| {
        let text = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        vec![figure.to_owned(), name.to_owned(), count.to_string(), text(of), text(ppm)]
    };
    let fairness = facts.public.fairness.clone().unwrap_or_default();
    let inclusion = fairness
        .inclusion
        .iter()
        .map(|one| row("inclusion", &one.stratum, one.drawn, Some(one.subjects), Some(one.ppm)));
    let left_out = facts.draw.left_out.iter().map(|one| row("left_out", &one.reason, one.count, None, None));
    let units = fairness.unit_loads.iter().map(|one| row("unit", &one.unit, one.places, Some(one.officers), None));
    let load = with_idle(&facts.public.load, &fairness.unit_loads);
    let load = load.iter().map(|one| row("officers_with", &one.subjects.to_string(), one.officers.into(), None, None));
    let drawn = Some(facts.draw.drawn);
    let whole = facts.public.fairness.iter().flat_map(|fairness| {
        [
            row("no_choice", "", fairness.no_choice, drawn, None),
            row("without_team", "", facts.public.without_team, drawn, None),
        ]
    });
    inclusion.chain(left_out).chain(units).chain(load).chain(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_even_is_said_to_be() {
        let unit = |officers, places, fewest, most| UnitLoad { unit: "m".to_owned(), officers, places, fewest, most };
        assert_eq!([unit(4, 8, 2, 2), unit(4, 9, 2, 3), unit(0, 0, 0, 0)].map(|one| ideal(&one)), ["2", "2–3", "0"]);
        assert!(is_even(&unit(4, 9, 2, 3)) && !is_even(&unit(4, 9, 1, 4)));
        assert_eq!([mean(9, 4), mean(10, 3), mean(0, 3), mean(1, 0)], ["2.3", "3.3", "0.0", "—"]);
    }

    #[test]
    fn who_was_placed_with_nobody_is_counted() {
        let unit = UnitLoad { officers: 10, ..UnitLoad::default() };
        let load = [LoadCount { subjects: 2, officers: 7 }];
        assert_eq!(with_idle(&load, &[unit])[0], LoadCount { subjects: 0, officers: 3 });
        assert_eq!(with_idle(&load, &[]), load);
    }
}
