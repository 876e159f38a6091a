use super::*;
use chrono::Duration;
use proptest::prelude::*;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

fn standing(state: State) -> Standing {
    Standing {
        name: "draws/2026-0001".to_owned(),
        state,
        schedule: Schedule { entries_close: at(100), beacon_at: Some(at(200)), reveal_by: at(300) },
        people: 2,
        people_given: 0,
        beacon_given: false,
        demonstration: false,
        closed: false,
    }
}

fn any_standing() -> impl Strategy<Value = Standing> {
    let states = proptest::sample::select(State::ALL.to_vec());
    (states, 1..4_usize, 0..4_usize, any::<[bool; 4]>()).prop_map(
        |(state, people, given, [beacon, demo, closed, waived])| {
            let mut one = standing(state);
            one.people = people;
            one.people_given = given.min(people);
            one.demonstration = demo && !waived;
            one.beacon_given = beacon && !waived;
            one.closed = closed;
            if waived {
                one.schedule.beacon_at = None;
            }
            one
        },
    )
}

/// The way of the design, written down a second time.
const LISTED: [(State, State); 10] = [
    (State::Created, State::Stated),
    (State::Created, State::Abandoned),
    (State::Stated, State::Contributing),
    (State::Contributing, State::Contributing),
    (State::Stated, State::Abandoned),
    (State::Stated, State::Failed),
    (State::Contributing, State::Failed),
    (State::Contributing, State::Revealed),
    (State::Revealed, State::Dispatched),
    (State::Dispatched, State::Done),
];

proptest! {
    #[test]
    fn from_every_state_every_event_is_a_listed_transition_or_a_refusal_with_a_reason(one in any_standing(), second in 0..400_i64) {
        for event in Event::ALL {
            match one.apply(event, at(second)) {
                Ok(next) => prop_assert!(LISTED.contains(&(one.state, next)), "{:?} {event:?} {next:?}", one.state),
                Err(refusal) => prop_assert_ne!(refusal.reason(), Reason::Unspecified),
            }
        }
    }

    #[test]
    fn whatever_is_due_may_happen(one in any_standing(), second in 0..400_i64) {
        if let Some(event) = one.due(at(second)) {
            prop_assert!(one.apply(event, at(second)).is_ok());
        }
    }

    #[test]
    fn nothing_is_revealed_before_the_close_after_the_last_moment_or_with_an_entry_missing(one in any_standing(), millis in 0..400_000_i64) {
        let now = at(0) + Duration::milliseconds(millis);
        if one.apply(Event::Reveal, now).is_ok() {
            prop_assert!(now >= at(101) && now <= at(300));
            prop_assert!(one.closed && one.people_given == one.people);
            prop_assert!(one.schedule.beacon_at.is_none() || one.beacon_given);
        }
    }

    #[test]
    fn what_has_ended_stays(second in 0..400_i64, one in any_standing()) {
        for state in [State::Abandoned, State::Failed, State::Done] {
            let one = Standing { state, ..one.clone() };
            prop_assert!(Event::ALL.iter().all(|event| one.apply(*event, at(second)).is_err()));
            prop_assert!(one.due(at(second)).is_none());
        }
    }
}

fn reason(one: &Standing, event: Event, second: i64) -> Reason {
    one.apply(event, at(second)).unwrap_err().reason()
}

#[test]
fn each_refusal_has_its_own_reason() {
    assert_eq!(reason(&standing(State::Created), Event::State, 100), Reason::ScheduleInvalid);
    let stated = standing(State::Stated);
    assert_eq!(reason(&stated, Event::State, 0), Reason::AlreadyStated);
    assert_eq!(reason(&stated, Event::Enter, 100), Reason::EntriesClosed);
    assert_eq!(reason(&stated, Event::EnterBeacon, 199), Reason::BeaconTooEarly);
    assert_eq!(reason(&stated, Event::EnterBeacon, 250), Reason::WrongState, "not before the close is signed");
    let given = Standing { people_given: 1, ..standing(State::Contributing) };
    assert_eq!(reason(&given, Event::Abandon, 0), Reason::EntryExists);
    let closed = Standing { people_given: 2, closed: true, beacon_given: true, ..given };
    assert_eq!(reason(&closed, Event::EnterBeacon, 250), Reason::EntryGiven);
    assert_eq!(closed.apply(Event::Reveal, at(250)).unwrap(), State::Revealed);
    assert_eq!(reason(&closed, Event::Reveal, 301), Reason::WrongState);
}

#[test]
fn a_draw_runs_by_itself() {
    let mut one = Standing { people_given: 2, demonstration: true, ..standing(State::Contributing) };
    assert_eq!(one.due(at(99)), None);
    assert_eq!(one.due(at(100)), Some(Event::Close));
    one.closed = true;
    assert_eq!(one.due(at(199)), None);
    assert_eq!(one.due(at(200)), Some(Event::EnterBeacon));
    one.demonstration = false;
    assert_eq!(one.due(at(200)), None, "another beacon is typed by people");
    one.beacon_given = true;
    assert_eq!(one.due(at(300)), Some(Event::Reveal));
    assert_eq!(one.due(at(301)), Some(Event::Fail));
    one.state = State::Revealed;
    assert_eq!(one.due(at(301)), Some(Event::Dispatch));
}

#[test]
fn a_missing_entry_fails_the_draw_at_the_close_and_a_complete_one_not() {
    let one = Standing { people_given: 1, ..standing(State::Contributing) };
    assert_eq!(one.due(at(99)), None);
    assert_eq!(one.due(at(100)), Some(Event::Fail));
    assert_eq!(one.failure(at(100)), Some(Failure::EntryMissing));
    assert_eq!(Standing { people_given: 2, ..one }.failure(at(100)), None);
}
