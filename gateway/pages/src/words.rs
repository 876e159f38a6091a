//! Words of the public pages: states, places, dates and numbers as people say them.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Utc};
use kit::{codes::DistrictCode, workdays::legal_day};
use proto::qingtian::{
    draws::v1::{DrawState, PlanExceptionKind, PlanKind, PlanState},
    portal::v1::Unit,
};

use crate::reader::Lang;

/// A timestamp of the contract.
pub fn instant(timestamp: Option<&prost_types::Timestamp>) -> Option<DateTime<Utc>> {
    let timestamp = timestamp?;
    DateTime::from_timestamp(timestamp.seconds, u32::try_from(timestamp.nanos).unwrap_or_default())
}

/// `2026年11月23日 (周一)` or `Mon 23 Nov 2026`.
pub fn day(lang: Lang, date: NaiveDate) -> String {
    if lang.is_zh() {
        let weekday = ["一", "二", "三", "四", "五", "六", "日"][date.weekday().num_days_from_monday() as usize];
        format!("{}年{}月{}日 (周{weekday})", date.year(), date.month(), date.day())
    } else {
        date.format("%a %-d %b %Y").to_string()
    }
}

/// A date of the contract, `YYYY-MM-DD`, as people say it; what is no date stays as it is.
pub fn date(lang: Lang, text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), |date| day(lang, date))
}

/// Day and minute in Beijing time.
pub fn time(lang: Lang, at: DateTime<Utc>) -> String {
    // Eight hours are within the bounds of an offset.
    let beijing =
        FixedOffset::east_opt(8 * 3_600).map_or_else(|| at.naive_utc(), |zone| at.with_timezone(&zone).naive_local());
    format!("{} {}", day(lang, beijing.date()), beijing.format("%H:%M"))
}

/// A time of the contract, or a dash.
pub fn when(lang: Lang, timestamp: Option<&prost_types::Timestamp>) -> String {
    instant(timestamp).map_or_else(|| "—".to_owned(), |at| time(lang, at))
}

/// `10,000`.
pub fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The last part of a resource name.
pub fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Name of an organisation in the reader's language, else its short name. `unit` is its name in the contract, or the last
/// part of it.
pub fn unit<'a>(lang: Lang, units: &'a [Unit], unit: &'a str) -> &'a str {
    match units.iter().find(|known| last(&known.name) == last(unit)) {
        Some(known) if known.title_en.is_empty() => &known.title,
        Some(known) => lang.t(&known.title, &known.title_en),
        None => last(unit),
    }
}

/// The state of a draw.
pub fn draw_state(lang: Lang, state: DrawState) -> &'static str {
    match state {
        DrawState::Unspecified => lang.t("未知", "Unknown"),
        DrawState::Created => lang.t("已编号", "Numbered"),
        DrawState::Stated => lang.t("已声明", "Stated"),
        DrawState::Contributing => lang.t("正在提交随机数", "Entries coming in"),
        DrawState::Revealed => lang.t("已揭示", "Revealed"),
        DrawState::Dispatched => lang.t("已派出检查任务", "Visits sent out"),
        DrawState::Done => lang.t("已办结", "Done"),
        DrawState::Abandoned => lang.t("已放弃", "Abandoned"),
        DrawState::Failed => lang.t("已作废", "Failed"),
    }
}

/// Why a draw ended; a reason that is no code was written by a person.
pub fn end_reason(lang: Lang, reason: &str) -> &str {
    match reason {
        "ENTRY_MISSING" => lang.t("截止时有一方没有提交随机数", "an entry was missing when entries closed"),
        "REVEAL_MISSED" => lang.t("到最迟时间仍未揭示", "it was not revealed in time"),
        other => other,
    }
}

/// Why a subject was left out of the pool.
pub fn left_out(lang: Lang, reason: &str) -> &str {
    match reason {
        "NOT_IN_BUSINESS" => lang.t("不在经营状态", "not in business"),
        "SUSPENDED" => lang.t("已歇业", "business suspended"),
        "DEREGISTERED" => lang.t("已注销", "deregistered"),
        "REVOKED" => lang.t("已被吊销", "licence revoked"),
        "MOVED_OUT" => lang.t("已迁出", "moved out of the city"),
        "DRAWN_BEFORE" => lang.t("此前已抽中", "drawn before"),
        "HAS_TEAM" => lang.t("已有检查组", "has a team already"),
        "IN_ANOTHER_DRAW" => lang.t("已列入另一次抽查", "is in another draw"),
        "VISITED_THIS_QUARTER" => lang.t("本季度已检查过（第十七条）", "visited this quarter already (art. 17)"),
        "BUDGET_SPENT" => lang.t("本年度检查次数已达上限", "its visits for the year are used up"),
        "RECOGNISED" => {
            lang.t("已有其他部门的有效检查结果（第二十一条）", "another department's result is recognised (art. 21)")
        }
        other => other,
    }
}

/// The kind of a plan (art. 14).
pub fn plan_kind(lang: Lang, kind: PlanKind) -> &'static str {
    match kind {
        PlanKind::Unspecified => lang.t("检查计划", "Plan"),
        PlanKind::Annual => lang.t("年度抽查工作计划", "Annual plan"),
        PlanKind::Special => lang.t("专项抽查工作计划", "Special plan"),
        PlanKind::Joint => lang.t("联合检查工作计划", "Joint plan"),
    }
}

/// What an approved exception allows.
pub fn plan_exception(lang: Lang, kind: PlanExceptionKind) -> &'static str {
    match kind {
        PlanExceptionKind::Unspecified => lang.t("其他", "other."),
        PlanExceptionKind::SmallStratum => lang.t("分层过小（不足 20 户）", "small strata (under 20 subjects)."),
        PlanExceptionKind::FewOfficers => {
            lang.t("执法人员不足所需的两倍", "fewer than twice as many officers as places.")
        }
        PlanExceptionKind::FewExperts => lang.t("专家不足所需的两倍", "fewer than twice as many experts as places."),
        PlanExceptionKind::Recusals => {
            lang.t("申报回避后可派人员不足", "declared recusals leave subjects too few people.")
        }
    }
}

/// The state of a plan.
pub fn plan_state(lang: Lang, state: PlanState) -> &'static str {
    match state {
        PlanState::Unspecified | PlanState::Draft | PlanState::InReview => lang.t("未公布", "Not published"),
        PlanState::Published => lang.t("已公布", "Published"),
        PlanState::Finished => lang.t("已完成", "Finished"),
    }
}

/// A district by its code, as it was named on a day; what is no code of the city stays as it is.
pub fn district(lang: Lang, code: &str, on: NaiveDate) -> String {
    match code {
        "410200" => return lang.t("市本级", "City level").to_owned(),
        "" => return "—".to_owned(),
        _ => {}
    }
    let found = DistrictCode::parse(code).ok().and_then(|code| code.district(on));
    found.map_or_else(|| code.to_owned(), |district| lang.t(district.zh, district.en).to_owned())
}

/// A stratum: `all`, a district, a credit class, or a district with a class such as `410202/C`.
pub fn stratum(lang: Lang, name: &str, on: NaiveDate) -> String {
    match name.split_once('/') {
        Some((code, class)) => format!("{} {}", district(lang, code, on), class_of(lang, class).unwrap_or(class)),
        None if name == "all" => lang.t("全市", "Whole city").to_owned(),
        None => class_of(lang, name).map_or_else(|| district(lang, name, on), ToOwned::to_owned),
    }
}

/// A credit class (信用风险分类, art. 17).
fn class_of(lang: Lang, name: &str) -> Option<&str> {
    match name {
        "A" => Some(lang.t("A 类", "class A")),
        "B" => Some(lang.t("B 类", "class B")),
        "C" => Some(lang.t("C 类", "class C")),
        "D" => Some(lang.t("D 类", "class D")),
        "UNCLASSIFIED" => Some(lang.t("未分类", "unclassified")),
        _ => None,
    }
}

/// The day of an instant in Kaifeng, for names of districts.
pub fn day_of(timestamp: Option<&prost_types::Timestamp>, otherwise: DateTime<Utc>) -> NaiveDate {
    legal_day(instant(timestamp).unwrap_or(otherwise))
}

/// Parts per million as a percentage without needless zeros.
pub fn percent(ppm: i64) -> String {
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_dates_and_shares_read_as_people_write_them() {
        assert_eq!([0, 999, 1_000, 10_000, -1_234_567].map(count), ["0", "999", "1,000", "10,000", "-1,234,567"]);
        assert_eq!([0, 50_000, 1_000_000, 25_500, 1].map(percent), ["0%", "5%", "100%", "2.55%", "0.0001%"]);
        let date = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        assert_eq!(day(Lang::Zh, date), "2026年11月23日 (周一)");
        assert_eq!(day(Lang::En, date), "Mon 23 Nov 2026");
        assert_eq!(time(Lang::Zh, "2026-11-22T16:05:00Z".parse().unwrap()), "2026年11月23日 (周一) 00:05");
    }

    #[test]
    fn places_have_names_and_unknown_ones_keep_their_code() {
        let on = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        assert_eq!(stratum(Lang::Zh, "410202", on), "龙亭区");
        assert_eq!(stratum(Lang::En, "410202/C", on), "Longting District class C");
        assert_eq!(stratum(Lang::Zh, "all", on), "全市");
        assert_eq!(stratum(Lang::Zh, "999", on), "999");
    }
}
