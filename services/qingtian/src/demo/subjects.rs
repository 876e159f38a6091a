//! 10,000 generated subjects with valid codes. Names are made of parts and belong to nobody; the seed is fixed, so that every
//! demonstration is the same city.

use kit::codes::{CreditCode, DISTRICTS};
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// How many.
pub const COUNT: u32 = 10_000;

const PLACES: [&str; 9] = ["龙亭", "顺河", "鼓楼", "禹王台", "祥符", "杞县", "通许", "尉氏", "兰考"];
const FIRST: [&str; 24] = [
    "鑫", "恒", "瑞", "宏", "嘉", "盛", "德", "信", "诚", "汇", "华", "富", "顺", "祥", "福", "源", "泰", "隆", "金",
    "佳", "博", "安", "丰", "康",
];
const SECOND: [&str; 24] = [
    "达", "通", "源", "和", "升", "茂", "远", "兴", "宇", "泽", "辉", "邦", "捷", "航", "晟", "诺", "润", "景", "旺",
    "利", "铭", "腾", "悦", "宁",
];
const TRADES: [(&str, &str); 16] = [
    ("食品", "1411"),
    ("餐饮", "6210"),
    ("商贸", "5190"),
    ("机械制造", "3499"),
    ("建筑工程", "4790"),
    ("装饰材料", "5265"),
    ("医药", "5251"),
    ("化工", "2669"),
    ("农业科技", "0119"),
    ("物流", "5430"),
    ("文化传媒", "8810"),
    ("信息技术", "6510"),
    ("电子商务", "5292"),
    ("汽车服务", "8111"),
    ("家具", "2110"),
    ("服装", "1819"),
];
const STREETS: [&str; 8] = ["中山路", "大梁路", "解放大道", "宋城路", "黄河大街", "迎宾路", "汴京大道", "金明大道"];

/// The register as a department would upload it: CSV, UTF-8, Chinese headers.
pub fn csv() -> String {
    let mut rng = StdRng::seed_from_u64(41_0200);
    let mut text = String::from("企业名称,统一社会信用代码,行政区划,行业代码,地址,登记状态\n");
    for serial in 0..COUNT {
        let place = rng.random_range(0..PLACES.len());
        let district = &DISTRICTS[place];
        let (trade, industry) = TRADES[rng.random_range(0..TRADES.len())];
        let word = format!("{}{}", FIRST[rng.random_range(0..FIRST.len())], SECOND[rng.random_range(0..SECOND.len())]);
        let self_employed = rng.random_range(0..100) < 30;
        let title = match rng.random_range(0..100) {
            _ if self_employed => {
                format!("开封市{}{word}{trade}{}", PLACES[place], ["店", "经营部", "商行"][serial as usize % 3])
            }
            0..75 => format!("开封{word}{trade}有限公司"),
            75..85 => format!("开封市{word}{trade}厂"),
            85..95 => format!("河南{word}{trade}有限公司{}分公司", PLACES[place]),
            _ => format!("{}{word}{trade}专业合作社", PLACES[place]),
        };
        let code = CreditCode::generate(district.code, self_employed, serial);
        let street = STREETS[rng.random_range(0..STREETS.len())];
        let number = rng.random_range(1..300);
        // A few are out of business: they are left out of the pool, visibly.
        let status = if rng.random_range(0..100) < 2 { "注销" } else { "在业" };
        text.push_str(&format!(
            "{title},{code},{},{industry},{}{street}{number}号,{status}\n",
            district.code.as_str(),
            district.zh,
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_register_is_the_same_city_every_time_with_valid_distinct_codes() {
        let text = csv();
        assert_eq!(text, csv());
        let codes: std::collections::BTreeSet<_> =
            text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
        assert_eq!(codes.len(), COUNT as usize);
        for code in codes {
            CreditCode::parse(code).unwrap();
        }
    }
}
