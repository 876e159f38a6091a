use proptest::prelude::*;

use super::*;
use crate::workdays::legal_day_end;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn new(days: u16, day_kind: DayKind) -> New<'static> {
    New {
        aggregate: "organisations/market/items/a",
        kind: "item_claim",
        organisation: "organisations/market",
        unit: "",
        responsible: "",
        days,
        day_kind,
        setting: "item_claim_days/1",
    }
}

fn started(days: u16, start: &str) -> Clock {
    Clock::start("clocks/a".into(), &new(days, DayKind::Working), day(start), Calendar::official()).unwrap()
}

/// Noon in Kaifeng.
fn noon(day: NaiveDate) -> DateTime<Utc> {
    legal_day_end(day) - chrono::TimeDelta::hours(12)
}

fn light(clock: &Clock, on: &str) -> (Light, i64) {
    let state = clock.state(noon(day(on)), Calendar::official());
    (state.light, state.days_left)
}

#[test]
fn the_colours_of_ten_working_days_over_a_long_holiday() {
    // Working days 1 to 10: 09-30, 10-09, 10, 11 (made up for), 13, 14, 15, 16, 17, 20.
    let clock = started(10, "2025-09-29");
    assert_eq!(clock.due_on, day("2025-10-20"));
    assert_eq!(light(&clock, "2025-09-29"), (Light::Green, 10));
    assert_eq!(light(&clock, "2025-10-14"), (Light::Green, 4));
    assert_eq!(light(&clock, "2025-10-15"), (Light::Yellow, 3));
    assert_eq!(light(&clock, "2025-10-16"), (Light::Yellow, 2));
    assert_eq!(light(&clock, "2025-10-17"), (Light::Red, 1));
    assert_eq!(light(&clock, "2025-10-20"), (Light::Red, 0));
    assert_eq!(light(&clock, "2025-10-21"), (Light::Overdue, -1));
    let last = legal_day_end(clock.due_on);
    assert_eq!(clock.state(last - chrono::TimeDelta::milliseconds(1), Calendar::official()).light, Light::Red);
    assert_eq!(clock.state(last, Calendar::official()).light, Light::Overdue, "it ends with its last day");
    assert_eq!(light(&started(10, "2025-09-12"), "2025-09-27"), (Light::Overdue, -1), "late on a day off is late");
}

#[test]
fn warnings_come_on_the_first_day_of_their_share_once_each() {
    let mut clock = started(10, "2025-09-29");
    let mut days = Vec::new();
    while let Some(on) = clock.warn_on(Calendar::official()) {
        assert!(clock.warnings(on.pred_opt().unwrap(), Calendar::official()).is_empty());
        let levels = clock.warnings(on, Calendar::official());
        clock.warned = *levels.last().unwrap();
        days.push((on.to_string(), levels));
    }
    let expected = [("2025-10-15", 70), ("2025-10-17", 90), ("2025-10-21", 100)];
    assert_eq!(days, expected.map(|(on, level)| (on.to_owned(), vec![level])));
    // Nobody looked for a month: all three, in order.
    assert_eq!(started(10, "2025-09-29").warnings(day("2025-11-01"), Calendar::official()), [70, 90, 100]);
}

#[test]
fn whoever_answers_is_told_else_the_unit_else_the_department() {
    let nobody = started(10, "2025-09-29");
    assert_eq!(nobody.addressees(70), ["organisations/market"]);
    assert_eq!(nobody.addressees(100), ["organisations/market"]);
    let unit = nobody.assign("organisations/market-food", "").unwrap();
    assert_eq!(unit.addressees(90), ["organisations/market-food"]);
    let person = unit.assign("organisations/market-food", "users/li").unwrap();
    assert_eq!(person.addressees(90), ["users/li"]);
    assert_eq!(person.addressees(100), ["users/li", "organisations/market"]);
    assert_eq!(person.due_on, nobody.due_on);
}

#[test]
fn a_pause_stops_the_count_and_the_days_left_follow_it() {
    let calendar = Calendar::official();
    let clock = started(10, "2025-09-29");
    let paused = clock.pause("检验检测期间不计入（行政处罚程序规定第64条）", day("2025-10-10")).unwrap();
    assert_eq!(light(&paused, "2025-12-31"), (Light::Paused, 7));
    assert_eq!(paused.warn_on(calendar), None);
    let resumed = paused.resume("检验结论送达", day("2025-11-03"), calendar).unwrap();
    assert_eq!(resumed.due_on, day("2025-11-12"));
    assert_eq!(light(&resumed, "2025-11-03"), (Light::Green, 7));
    assert_eq!(resumed.days, 10);
    let refused = paused.pause("同上", day("2025-10-11")).unwrap_err();
    assert_eq!((refused.reason(), refused.value("state")), (Reason::WrongState, Some("PAUSED")));
    assert_eq!(clock.resume("同上", day("2025-10-11"), calendar).unwrap_err().reason(), Reason::WrongState);
}

#[test]
fn an_extension_counts_from_the_last_day_and_comes_before_it_is_over() {
    let calendar = Calendar::official();
    let clock = started(10, "2025-09-29");
    let longer = clock.extend("条例第十八条第二款，经负责人批准", 5, day("2025-10-20"), calendar).unwrap();
    assert_eq!((longer.due_on, longer.days, longer.acts), (day("2025-10-27"), 15, 2));
    let late = clock.extend("经批准", 5, day("2025-10-21"), calendar).unwrap_err();
    assert_eq!((late.reason(), late.value("due")), (Reason::ClockRanOut, Some("2025-10-20")));
    assert_eq!(clock.pause("经批准", day("2025-10-21")).unwrap_err().reason(), Reason::ClockRanOut);
    for basis in ["", "  "] {
        let refused = clock.extend(basis, 5, day("2025-10-01"), calendar).unwrap_err();
        assert_eq!(refused.reason(), Reason::ClockBasisMissing);
    }
    for days in [0, 991] {
        assert_eq!(clock.extend("经批准", days, day("2025-10-01"), calendar).unwrap_err().reason(), Reason::Invalid);
    }
    assert!(Clock::start("clocks/a".into(), &new(0, DayKind::Working), day("2025-10-01"), calendar).is_err());
}

#[test]
fn what_is_done_late_stays_late_and_is_done_once() {
    let clock = started(10, "2025-09-29");
    let ended = clock.end(day("2025-10-22")).unwrap();
    assert_eq!(light(&ended, "2025-12-01"), (Light::Ended, -2));
    assert_eq!(ended.end(day("2025-10-23")).unwrap_err().reason(), Reason::WrongState);
    assert_eq!(ended.assign("", "users/li").unwrap_err().reason(), Reason::WrongState);
    assert!(ended.warnings(day("2025-12-01"), Calendar::official()).is_empty());
}

#[test]
fn a_provisional_deadline_moves_once_and_an_official_one_never() {
    let text = "year,holiday,first,last,make_up,basis\n2027,元旦,2027-01-01,2027-01-03,,某号\n";
    let come = Calendar::official().extend(&Calendar::parse(text).unwrap());
    let clock = started(5, "2026-12-28");
    assert_eq!((clock.due_on, clock.provisional), (day("2027-01-04"), true));
    assert_eq!(clock.recompute(Calendar::official()), None, "nothing came");
    let official = clock.recompute(&come).unwrap();
    assert_eq!((official.due_on, official.provisional), (day("2027-01-05"), false));
    let corrected = "year,holiday,first,last,make_up,basis\n2027,元旦,2027-01-01,2027-01-08,,某号更正\n";
    let corrected = come.extend(&Calendar::parse(corrected).unwrap());
    assert_eq!(official.recompute(&corrected), None, "a correction does not move what had started");
    assert_eq!(started(10, "2025-09-29").recompute(&corrected), None);
}

#[derive(Debug, Clone)]
enum Edit {
    Assign(String, String),
    Recompute,
    Look(u64),
    BadPause,
    BadExtension,
    Resume,
}

fn edits() -> impl Strategy<Value = Edit> {
    prop_oneof![
        ("[a-z]{0,4}", "[a-z]{0,4}").prop_map(|(unit, person)| Edit::Assign(unit, person)),
        Just(Edit::Recompute),
        (0..400_u64).prop_map(Edit::Look),
        Just(Edit::BadPause),
        Just(Edit::BadExtension),
        Just(Edit::Resume),
    ]
}

proptest! {
    /// Neither an edit nor idleness moves a deadline, in any order; a holiday that is corrected later does not either.
    #[test]
    fn no_edit_moves_a_deadline(offset in 0..1_200_u64, days in 1..120_u16, working: bool, edits in prop::collection::vec(edits(), 0..30)) {
        let kind = if working { DayKind::Working } else { DayKind::Calendar };
        let start = day("2022-01-10") + Days::new(offset);
        let mut clock = Clock::start("clocks/a".into(), &new(days, kind), start, Calendar::official()).unwrap();
        let due = (clock.due_on, clock.days, clock.started_on, clock.provisional);
        prop_assert!(!clock.provisional);
        let text = "year,holiday,first,last,make_up,basis\n2024,国庆节,2024-10-01,2024-10-14,,更正\n";
        let corrected = Calendar::official().extend(&Calendar::parse(text).unwrap());
        for edit in edits {
            let anew = match edit {
                Edit::Assign(unit, person) => clock.assign(&unit, &person).ok(),
                Edit::Recompute => clock.recompute(&corrected),
                Edit::Look(after) => {
                    let seen = clock.state(noon(start + Days::new(after)), &corrected);
                    prop_assert_eq!(seen.light == Light::Overdue, start + Days::new(after) > clock.due_on);
                    clock.warned = clock.warnings(start + Days::new(after), &corrected).pop().unwrap_or(clock.warned);
                    None
                }
                Edit::BadPause => clock.pause(" ", start).ok(),
                Edit::BadExtension => clock.extend("", 3, start, &corrected).ok(),
                Edit::Resume => clock.resume("无", start, &corrected).ok(),
            };
            clock = anew.unwrap_or(clock);
            prop_assert_eq!((clock.due_on, clock.days, clock.started_on, clock.provisional), due);
        }
    }

    /// A pause gives back exactly the days it took.
    #[test]
    fn days_before_and_after_a_pause_are_the_days_of_the_clock(days in 1..60_u16, used in 0..90_u64, stood in 0..200_u64) {
        let calendar = Calendar::official();
        let clock = started(days, "2023-02-15");
        let pause = clock.started_on + Days::new(used);
        prop_assume!(pause <= clock.due_on);
        let resume = pause + Days::new(stood);
        let resumed = clock.pause("依据", pause).unwrap().resume("依据", resume, calendar).unwrap();
        let worked = calendar.count(clock.started_on, pause) + calendar.count(resume, resumed.due_on);
        prop_assert_eq!(worked, u32::from(days));
    }
}
