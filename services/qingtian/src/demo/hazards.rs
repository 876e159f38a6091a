//! The emergency bureau's own register and items: enterprises with dangerous chemicals, divided by credit class, whom nobody tells
//! that an inspection comes (art. 16-18).

use kit::codes::{self, CreditCode};

/// Districts in which they are.
pub const DISTRICTS: [&str; 3] = ["410212", "410223", "410225"];

/// How many stand in each class of the province's list, none of them fewer than a stratum needs.
const CLASSES: [(&str, u32); 4] = [("A", 30), ("B", 40), ("C", 30), ("D", 20)];
/// Serials of codes from here on are free: the market bureau's register is smaller.
const FIRST_SERIAL: u32 = 500_000;
const WORDS: [&str; 10] = ["华泰", "恒源", "永安", "中原", "宏达", "远东", "金源", "正通", "豫东", "汴河"];
const TRADES: [(&str, &str); 4] =
    [("化工有限公司", "2614"), ("燃气有限公司", "4511"), ("加油站", "5265"), ("气体有限公司", "2619")];

/// The register as the bureau would upload it: CSV, UTF-8, Chinese headers.
pub fn csv() -> String {
    let mut text = String::from("企业名称,统一社会信用代码,行政区划,行业代码,地址,登记状态,信用等级\n");
    let classes = CLASSES.iter().flat_map(|(class, count)| std::iter::repeat_n(*class, *count as usize));
    for (nth, class) in (0_u32..).zip(classes) {
        let at = nth as usize;
        let places = codes::DISTRICTS.iter().filter(|district| DISTRICTS.contains(&district.code.as_str()));
        let Some(district) = places.cycle().nth(at) else { break };
        let (trade, industry) = TRADES[at % TRADES.len()];
        let word = WORDS[at / TRADES.len() % WORDS.len()];
        let code = CreditCode::generate(district.code, false, FIRST_SERIAL + nth);
        text.push_str(&format!(
            "开封市{}{word}{trade},{code},{},{industry},{}产业集聚区{}号,在业,{class}\n",
            district.zh,
            district.code.as_str(),
            district.zh,
            nth + 1,
        ));
    }
    text
}

/// The bureau's random-inspection list, under the usual headers.
pub fn items_csv() -> String {
    let mut text = String::from(
        "编号,抽查事项名称,抽查子项,抽查依据,抽查主体,抽查对象,抽查比例,抽查频次,抽查方式,检查人员要求,备注\n",
    );
    for (number, (title, part, basis)) in (1..).zip([
        ("危险化学品安全检查", "安全生产条件检查", "《危险化学品安全管理条例》"),
        ("危险化学品安全检查", "重大危险源管理检查", "《中华人民共和国安全生产法》"),
        ("安全生产检查", "应急预案与演练检查", "《生产安全事故应急条例》"),
    ]) {
        text.push_str(&format!(
            "{number},{title},{part},{basis},市应急管理部门,危险化学品生产经营单位,按信用等级,每年1次,现场检查,持有效执法证,\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn every_class_and_district_has_enough_for_a_stratum_and_no_code_twice() {
        let text = csv();
        let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
        let codes: BTreeSet<_> = rows.iter().map(|row| CreditCode::parse(row[1]).unwrap().to_string()).collect();
        let names: BTreeSet<_> = rows.iter().map(|row| row[0]).collect();
        assert_eq!((rows.len(), codes.len(), names.len()), (120, 120, 120));
        for column in [2, 6] {
            let mut counts = BTreeMap::<&str, usize>::new();
            rows.iter().for_each(|row| *counts.entry(row[column]).or_default() += 1);
            assert!(counts.values().all(|count| *count >= 20), "{counts:?}");
        }
        let market = super::super::subjects::csv();
        assert!(codes.iter().all(|code| !market.contains(code.as_str())));
    }
}
