//! Who gives an entry, and when (art. 11, 15), parsed at the door: at least one of another unit, a beacon of the future last.

use chrono::{DateTime, Duration, Utc};
use kit::error::{Reason, Refusal, Result};
use lottery::{
    Time,
    beacon::Beacon,
    names,
    rules::{Contributor, Kind},
};
use proto::qingtian::draws::v1 as pb;

use super::{issues, rules::Schedule};

/// Contributors of one draw at the most.
pub const CONTRIBUTORS_MAX: usize = 20;
/// Characters of a free text that is published.
pub const REASON_CHARS_MAX: usize = 500;
/// A draw ends within this time of its creation.
pub const DRAW_LIFE_MAX: Duration = Duration::days(366);
/// Stands for the demonstration's next free issue.
pub const NEXT_DEMONSTRATION_ISSUE: &str = "lottery:demo:0";

/// Reads a free text that will be published.
///
/// # Errors
/// `INVALID` when it is too long, or holds what does not print.
pub fn free_text(field: &'static str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > REASON_CHARS_MAX || text.chars().any(char::is_control) {
        let problem = format!(
            "至多 {REASON_CHARS_MAX} 字，不含控制字符 / at most {REASON_CHARS_MAX} characters, none of control"
        );
        return Err(Refusal::invalid(field, problem));
    }
    Ok(text.to_owned())
}

/// Reads the contributors of a draw of `unit`. `waived` is the published reason for having no beacon, empty when there is
/// one; `demonstration` whether draws are signed under a demonstration key.
///
/// # Errors
/// `ONLY_OWN_ENTRIES`; `INVALID` for everything else.
pub fn parse(given: &[pb::Contributor], waived: &str, unit: &str, demonstration: bool) -> Result<Vec<Contributor>> {
    let invalid = |problem: String| Refusal::invalid("contributors", problem);
    if given.len() > CONTRIBUTORS_MAX {
        return Err(invalid(format!("至多 {CONTRIBUTORS_MAX} 方 / at most {CONTRIBUTORS_MAX}")));
    }
    let mut read: Vec<Contributor> = Vec::with_capacity(given.len());
    for one in given {
        let one = contributor(one, unit, demonstration).map_err(invalid)?;
        if read.iter().any(|before| before.contributor == one.contributor) {
            return Err(invalid(format!("“{}”出现两次 / twice", one.contributor)));
        }
        // A unit gives one entry: with two, whoever gives the last could try them out.
        if one.unit.is_some() && read.iter().any(|before| before.unit == one.unit) {
            return Err(invalid(format!("“{}”出现两次 / twice", one.unit.unwrap_or_default())));
        }
        read.push(one);
    }
    let beacons = read.iter().filter(|one| one.kind == Kind::Beacon).count();
    let last = read.last().is_some_and(|one| one.kind == Kind::Beacon);
    match (waived.is_empty(), beacons) {
        (true, 1) if last => {}
        (true, 1) => return Err(invalid("公共随机数须排在最后 / the beacon must be the last".to_owned())),
        (true, _) => {
            return Err(invalid(
                "须有且只有一个公共随机数，否则须公开说明理由 / exactly one beacon is needed, or a published reason"
                    .to_owned(),
            ));
        }
        (false, 0) => {}
        (false, _) => return Err(Refusal::invalid("beacon_waived", "已列有公共随机数 / there is a beacon")),
    }
    let outside = |one: &Contributor| one.unit.as_deref().is_some_and(|own| own != unit);
    if read.iter().any(outside) { Ok(read) } else { Err(Refusal::new(Reason::OnlyOwnEntries)) }
}

fn contributor(given: &pb::Contributor, drawing_unit: &str, demonstration: bool) -> Result<Contributor, String> {
    let kind = match given.kind() {
        pb::ContributorKind::Unspecified => return Err("未注明类型 / kind is missing".to_owned()),
        pb::ContributorKind::Department => Kind::Department,
        pb::ContributorKind::Witness => Kind::Witness,
        pb::ContributorKind::Beacon => Kind::Beacon,
    };
    if kind == Kind::Beacon {
        return beacon(given, demonstration);
    }
    let unit = named("unit", &given.unit)?;
    if unit.contains('/') {
        return Err(format!("“{unit}”应为单位名称的最后一段 / only the last part of the organisation's name"));
    }
    let contributor = if given.contributor.is_empty() { unit } else { named("contributor", &given.contributor)? };
    if kind == Kind::Department && contributor != unit {
        return Err(format!("部门的名称须与单位“{unit}”一致 / a department is named by its unit"));
    }
    if kind == Kind::Witness && unit == drawing_unit {
        return Err(format!("见证方须来自其他单位，不能是“{unit}” / a witness comes from outside"));
    }
    Ok(Contributor { contributor: contributor.to_owned(), kind, unit: Some(unit.to_owned()) })
}

fn named<'a>(what: &str, text: &'a str) -> Result<&'a str, String> {
    names::name(what, text).map_err(|error| format!("名称不合规 / {error}"))
}

fn beacon(given: &pb::Contributor, demonstration: bool) -> Result<Contributor, String> {
    if !given.unit.is_empty() {
        return Err("公共随机数不属于任何单位 / a beacon has no unit".to_owned());
    }
    let contributor = given.contributor.as_str();
    let is_demonstration = match Beacon::parse(contributor) {
        Ok(beacon) => beacon.is_demonstration(),
        Err(_) if contributor == NEXT_DEMONSTRATION_ISSUE => true,
        Err(error) => return Err(format!("公共随机数来源不合规 / {error}")),
    };
    if is_demonstration && !demonstration {
        return Err("演示用公共随机数只能用于演示 / the demonstration's lottery is for demonstrations only".to_owned());
    }
    Ok(Contributor { contributor: contributor.to_owned(), kind: Kind::Beacon, unit: None })
}

/// Reads the schedule of a draw with these contributors.
///
/// # Errors
/// `SCHEDULE_INVALID`.
pub fn schedule(given: &pb::Draw, contributors: &[Contributor], now: DateTime<Utc>) -> Result<Schedule> {
    let invalid = |problem: &str| Refusal::new(Reason::ScheduleInvalid).with("problem", problem);
    let instant = |time: &Option<prost_types::Timestamp>| match time {
        None => Ok(None),
        Some(time) if time.nanos == 0 => match DateTime::from_timestamp(time.seconds, 0) {
            Some(at) if Time::from_epoch_secs(time.seconds).is_ok() => Ok(Some(at)),
            _ => Err(invalid("时间不存在 / not a time")),
        },
        Some(_) => Err(invalid("时间须为整秒 / whole seconds only")),
    };
    let entries_close =
        instant(&given.entries_close)?.ok_or_else(|| invalid("缺少提交截止时间 / entries_close is missing"))?;
    let reveal_by = instant(&given.reveal_by)?.ok_or_else(|| invalid("缺少揭晓期限 / reveal_by is missing"))?;
    let beacon_at = instant(&given.beacon_time)?;
    if entries_close <= now {
        return Err(invalid("提交截止时间须晚于现在 / entries_close must lie in the future"));
    }
    if reveal_by <= entries_close {
        return Err(invalid("揭晓期限须晚于提交截止时间 / reveal_by must be after entries_close"));
    }
    if reveal_by > now + DRAW_LIFE_MAX {
        return Err(invalid("揭晓期限不得超过一年 / reveal_by is more than a year away"));
    }
    let beacon = contributors.iter().find(|one| one.kind == Kind::Beacon);
    match (beacon, beacon_at) {
        (None, None) => {}
        (None, Some(_)) => {
            return Err(invalid("没有公共随机数，不应有其时间 / there is no beacon, so beacon_time must be absent"));
        }
        (Some(_), None) => return Err(invalid("缺少公共随机数产生时间 / beacon_time is missing")),
        (Some(beacon), Some(at)) => {
            if at <= entries_close || at >= reveal_by {
                return Err(invalid(
                    "公共随机数须在提交截止之后、揭晓期限之前产生 / beacon_time must lie between entries_close and reveal_by",
                ));
            }
            // Where the round itself tells its time, that counts, not what was typed.
            let published = Beacon::parse(&beacon.contributor).ok().and_then(|beacon| beacon.published_at());
            let published = published.and_then(|time| DateTime::from_timestamp(time.epoch_secs(), 0));
            if published.is_some_and(|published| published <= entries_close || published > at) {
                return Err(invalid(
                    "该轮公共随机数不在提交截止之后、所填时间之前产生 / that round is not published after entries_close and by beacon_time",
                ));
            }
        }
    }
    Ok(Schedule { entries_close, beacon_at, reveal_by })
}

/// Checks that an issue of the national lottery lies in the future of the entries' close. What is stated before the close then
/// has its beacon in the future too. Demonstrations walk the numbers of any issue in minutes and have no legal effect: there it
/// is not asked.
///
/// # Errors
/// `SCHEDULE_INVALID`, saying which issue would do.
pub fn check_issue(contributors: &[Contributor], schedule: &Schedule) -> Result<()> {
    let beacon = contributors.iter().find(|one| one.kind == Kind::Beacon);
    let beacon = beacon.and_then(|one| Beacon::parse(&one.contributor).ok());
    let (Some(Beacon::LotterySsq { issue }), Some(at)) = (beacon, schedule.beacon_at) else { return Ok(()) };
    issues::check(issue, schedule.entries_close, at)
        .map_err(|problem| Refusal::new(Reason::ScheduleInvalid).with("problem", problem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lottery::beacon::Beacon;

    fn one(contributor: &str, kind: pb::ContributorKind, unit: &str) -> pb::Contributor {
        pb::Contributor { contributor: contributor.to_owned(), kind: kind as i32, unit: unit.to_owned() }
    }
    use pb::ContributorKind::{Beacon as B, Department as D, Unspecified as U, Witness as W};

    fn reason(given: &[pb::Contributor], waived: &str) -> Reason {
        parse(given, waived, "market", true).unwrap_err().reason()
    }

    #[test]
    fn entries_come_from_at_least_one_other_unit() {
        let own = one("market", D, "market");
        let beacon = one("lottery:ssq:2026084", B, "");
        assert_eq!(reason(&[own.clone(), beacon.clone()], ""), Reason::OnlyOwnEntries);
        assert_eq!(reason(std::slice::from_ref(&own), "no lottery on that day"), Reason::OnlyOwnEntries);
        let read = parse(&[own, one("", D, "supervision"), beacon], "", "market", false).unwrap();
        assert_eq!(read[1].contributor, "supervision");
    }

    #[test]
    fn malformed_contributors_are_refused() {
        let other = one("supervision", D, "supervision");
        let beacon = one("lottery:demo:0", B, "");
        let wrong: [&[pb::Contributor]; 12] = [
            &[],
            std::slice::from_ref(&other),
            &[beacon.clone(), other.clone()],
            &[other.clone(), beacon.clone(), one("lottery:ssq:1", B, "")],
            &[other.clone(), other.clone(), beacon.clone()],
            &[other.clone(), one("dean", W, "supervision"), beacon.clone()],
            &[other.clone(), one("dean", W, "market"), beacon.clone()],
            &[one("dice", D, "supervision"), beacon.clone()],
            &[one("", U, "supervision"), beacon.clone()],
            &[one("", D, "organisations/supervision"), beacon.clone()],
            &[other.clone(), one("lottery:demo:0", B, "market")],
            &[other.clone(), one("weather:kaifeng:1", B, "")],
        ];
        for given in wrong {
            assert_eq!(reason(given, ""), Reason::Invalid, "{given:?}");
        }
        let given = [other, beacon];
        assert_eq!(reason(&given, "waived although there is one"), Reason::Invalid);
        assert_eq!(parse(&given, "", "market", false).unwrap_err().reason(), Reason::Invalid, "no demonstration here");
        assert!(parse(&given, "", "market", true).is_ok());
    }

    #[test]
    fn a_schedule_lies_in_the_future_in_order_and_in_whole_seconds() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let at = |seconds: i64| Some(prost_types::Timestamp { seconds: 1_800_000_000 + seconds, nanos: 0 });
        let demo = [Contributor { contributor: "lottery:demo:1".to_owned(), kind: Kind::Beacon, unit: None }];
        let draw = |close, beacon, by| pb::Draw {
            entries_close: close,
            beacon_time: beacon,
            reveal_by: by,
            ..Default::default()
        };
        assert!(schedule(&draw(at(60), at(120), at(180)), &demo, now).is_ok());
        assert!(schedule(&draw(at(60), None, at(180)), &[], now).is_ok());
        let half = Some(prost_types::Timestamp { seconds: 1_800_000_060, nanos: 1 });
        let wrong = [
            draw(at(0), at(120), at(180)),
            draw(at(60), at(60), at(180)),
            draw(at(60), at(180), at(180)),
            draw(at(60), None, at(180)),
            draw(at(60), at(120), at(400 * 86_400)),
            draw(half, at(120), at(180)),
            draw(None, at(120), at(180)),
            draw(at(60), at(120), None),
        ];
        for given in wrong {
            assert_eq!(schedule(&given, &demo, now).unwrap_err().reason(), Reason::ScheduleInvalid, "{given:?}");
        }
        assert!(schedule(&draw(at(60), at(120), at(180)), &[], now).is_err(), "a time without a beacon");
    }

    #[test]
    fn a_rounds_own_time_counts_and_not_the_typed_one() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let at = |seconds: i64| Some(prost_types::Timestamp { seconds: 1_800_000_000 + seconds, nanos: 0 });
        let draw = pb::Draw { entries_close: at(60), beacon_time: at(120), reveal_by: at(180), ..Default::default() };
        let round = |seconds: i64| {
            let beacon = Beacon::quicknet_from(&Time::from_epoch_secs(1_800_000_000 + seconds).unwrap());
            [Contributor { contributor: beacon.to_string(), kind: Kind::Beacon, unit: None }]
        };
        assert!(schedule(&draw, &round(100), now).is_ok());
        assert!(schedule(&draw, &round(30), now).is_err(), "known before the entries close");
        assert!(schedule(&draw, &round(150), now).is_err(), "not yet known at the time given");
    }
}
