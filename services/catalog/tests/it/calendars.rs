//! Calendars: who may ask, what is entered, who puts it in force, and what it moves (art. 18, 31).

use chrono::Duration;
use kit::{
    clocks::{self, DayKind, New},
    ledger::Ledger,
    testing::{Harness, UserChannel, until},
};
use proto::qingtian::{
    access::v1::Role,
    catalog::v1::{self as pb, calendars_client::CalendarsClient, catalog_clocks_client::CatalogClocksClient},
    clocks::v1::{Clock, ClockState, ListClocksRequest},
};
use tonic::Code;

use crate::office::{MARKET, Office, refused};

const YEAR: &str = "year,holiday,first,last,make_up,basis\n2027,元旦,2027-01-01,2027-01-03,,国办发明电〔2026〕1号\n";
const CORRECTED: &str =
    "year,holiday,first,last,make_up,basis\n2027,元旦,2027-01-01,2027-01-10,,国办发明电〔2026〕2号\n";

type Client = CalendarsClient<UserChannel>;

async fn person(harness: &Harness, user: &str, role: Role) -> Client {
    Client::new(harness.user(user, "organisations/bureau", &[role]).await.unwrap())
}

async fn operator(harness: &Harness) -> Client {
    person(harness, "users/operator", Role::PlatformOperator).await
}

async fn second(harness: &Harness) -> Client {
    person(harness, "users/supervisor", Role::SupervisionOffice).await
}

fn import(content: &str) -> pb::ImportCalendarRequest {
    pb::ImportCalendarRequest { content: content.into(), request_id: String::new() }
}

fn approve(calendar: &pb::Calendar) -> pb::ApproveCalendarRequest {
    pb::ApproveCalendarRequest { name: calendar.name.clone(), etag: calendar.etag.clone(), ..Default::default() }
}

fn reject(calendar: &pb::Calendar, reason: &str) -> pb::RejectCalendarRequest {
    let (name, etag) = (calendar.name.clone(), calendar.etag.clone());
    pb::RejectCalendarRequest { name, etag, reason: reason.into(), request_id: String::new() }
}

async fn official(office: &Office, content: &str) -> pb::Calendar {
    let entered = operator(&office.harness).await.import_calendar(import(content)).await.unwrap().into_inner();
    second(&office.harness).await.approve_calendar(approve(&entered)).await.unwrap().into_inner()
}

async fn list(office: &Office, request: pb::ListCalendarsRequest) -> pb::ListCalendarsResponse {
    operator(&office.harness).await.list_calendars(request).await.unwrap().into_inner()
}

async fn due(office: &Office, start: &str, days: i32) -> (String, bool) {
    let mut anybody = CalendarsClient::new(office.harness.anonymous().await.unwrap());
    let answer = anybody.due_workday(pb::DueWorkdayRequest { start: start.into(), days }).await.unwrap().into_inner();
    (answer.due_date, answer.provisional)
}

#[tokio::test]
async fn anybody_asks_when_a_deadline_ends() {
    let office = Office::new().await;
    for (start, end) in [
        ("2022-09-29", "2022-10-18"),
        ("2024-02-06", "2024-02-26"),
        ("2024-09-27", "2024-10-16"),
        ("2025-01-24", "2025-02-13"),
        ("2025-09-29", "2025-10-20"),
    ] {
        assert_eq!(due(&office, start, 10).await, (end.to_owned(), false), "{start}");
    }
    assert_eq!(due(&office, "2026-12-28", 5).await, ("2027-01-04".to_owned(), true));
    let mut anybody = CalendarsClient::new(office.harness.anonymous().await.unwrap());
    let asked = pb::DueWorkdayRequest { start: "2025-09-29".into(), days: 10 };
    let days = anybody.due_workday(asked).await.unwrap().into_inner().special_days;
    assert_eq!(days.iter().filter(|day| !day.workday).count(), 8);
    let made_up: Vec<_> = days.iter().filter(|day| day.workday).map(|day| day.date.as_str()).collect();
    assert_eq!(made_up, ["2025-10-11"]);
    assert_eq!((days[0].date.as_str(), days[0].holiday.as_str()), ("2025-10-01", "国庆节、中秋节"));
    assert_eq!(days[0].basis, "国办发明电〔2024〕12号");

    for (start, days, field) in [
        ("", 10, "start"),
        ("2026-02-30", 10, "start"),
        ("25.9.2026", 10, "start"),
        ("1999-12-31", 10, "start"),
        ("2026-09-25", 0, "days"),
        ("2026-09-25", -3, "days"),
        ("2026-09-25", 1_001, "days"),
    ] {
        let asked = pb::DueWorkdayRequest { start: start.into(), days };
        let told = refused(anybody.due_workday(asked).await, Code::InvalidArgument, "INVALID", "");
        assert_eq!(told["field"], field, "{start} {days}");
    }
}

#[tokio::test]
async fn a_second_person_puts_a_year_in_force() {
    let office = Office::new().await;
    let mut operator = operator(&office.harness).await;
    let entered = operator.import_calendar(import(YEAR)).await.unwrap().into_inner();
    assert_eq!((entered.name.as_str(), entered.state()), ("calendars/2027-1", pb::CalendarState::InReview));
    assert_eq!(
        (entered.bases.as_slice(), entered.special_days.len()),
        (["国办发明电〔2026〕1号".to_owned()].as_slice(), 3)
    );
    assert_eq!(due(&office, "2026-12-28", 5).await, ("2027-01-04".to_owned(), true), "it waits");

    let own = operator.approve_calendar(approve(&entered)).await;
    refused(own, Code::FailedPrecondition, "OWN_ACT", "27");
    let waits = operator.import_calendar(import(CORRECTED)).await;
    let told = refused(waits, Code::FailedPrecondition, "CALENDAR_IN_REVIEW", "18");
    assert_eq!(told["year"], "2027");
    let mut second = second(&office.harness).await;
    let stale = approve(&pb::Calendar { etag: "7".into(), ..entered.clone() });
    let told = refused(second.approve_calendar(stale).await, Code::Aborted, "STALE", "");
    assert_eq!(told["who"], "users/operator");
    let unknown = approve(&pb::Calendar { name: "calendars/2099-1".into(), ..entered.clone() });
    refused(second.approve_calendar(unknown).await, Code::NotFound, "NOT_FOUND", "27");
    assert_eq!(due(&office, "2026-12-28", 5).await, ("2027-01-04".to_owned(), true), "nothing is half-done");

    let in_force = second.approve_calendar(approve(&entered)).await.unwrap().into_inner();
    assert_eq!((in_force.state(), in_force.reviewer.as_str()), (pb::CalendarState::Official, "users/supervisor"));
    assert_eq!(due(&office, "2026-12-28", 5).await, ("2027-01-05".to_owned(), false));
    let again = second.approve_calendar(approve(&in_force)).await;
    let told = refused(again, Code::FailedPrecondition, "WRONG_STATE", "");
    assert_eq!(told["state"], "OFFICIAL");
    refused(operator.import_calendar(import(YEAR)).await, Code::AlreadyExists, "CALENDAR_UNCHANGED", "18");

    // The State Council corrects itself.
    let corrected = official(&office, CORRECTED).await;
    assert_eq!(corrected.name, "calendars/2027-2");
    let before = operator.get_calendar(pb::GetCalendarRequest { name: in_force.name }).await.unwrap().into_inner();
    assert_eq!(before.state(), pb::CalendarState::Replaced);
    assert_eq!(due(&office, "2026-12-28", 5).await, ("2027-01-12".to_owned(), false));
}

#[tokio::test]
async fn a_version_that_is_sent_back_changes_nothing() {
    let office = Office::new().await;
    let mut operator = operator(&office.harness).await;
    let entered = operator.import_calendar(import(YEAR)).await.unwrap().into_inner();
    let told = refused(operator.reject_calendar(reject(&entered, " ")).await, Code::InvalidArgument, "INVALID", "");
    assert_eq!(told["field"], "reason");
    let back = second(&office.harness).await.reject_calendar(reject(&entered, "元旦放假天数有误")).await;
    let back = back.unwrap().into_inner();
    assert_eq!((back.state(), back.reason.as_str()), (pb::CalendarState::Rejected, "元旦放假天数有误"));
    let told =
        refused(operator.reject_calendar(reject(&back, "撤回")).await, Code::FailedPrecondition, "WRONG_STATE", "");
    assert_eq!(told["state"], "REJECTED");
    assert_eq!(due(&office, "2026-12-28", 5).await, ("2027-01-04".to_owned(), true));
    assert_eq!(official(&office, YEAR).await.name, "calendars/2027-2");
}

#[tokio::test]
async fn files_that_are_no_calendar_of_one_year_are_refused_whole() {
    let office = Office::new().await;
    let mut operator = operator(&office.harness).await;
    let two = format!("{YEAR}2028,元旦,2028-01-01,2028-01-03,,乙号\n");
    let told =
        refused(operator.import_calendar(import(&two)).await, Code::InvalidArgument, "CALENDAR_OF_ONE_YEAR", "18");
    assert_eq!(told["years"], "2027, 2028");
    let slip = YEAR.replace("2027-01-03", "2027-01-33");
    let told = refused(operator.import_calendar(import(&slip)).await, Code::InvalidArgument, "FILE_UNREADABLE", "24");
    assert!(told["problem"].contains("第 2 行"), "{told:?}");
    let long = "#".repeat(65 << 10);
    refused(operator.import_calendar(import(&long)).await, Code::InvalidArgument, "TOO_LARGE", "");
    let waiting = pb::ListCalendarsRequest { state: pb::CalendarState::InReview.into(), ..Default::default() };
    assert_eq!(list(&office, waiting).await.total_size, 0);
    let mut handler = person(&office.harness, "users/handler", Role::Handler).await;
    refused(handler.import_calendar(import(YEAR)).await, Code::PermissionDenied, "ROLE_MISSING", "27");
}

#[tokio::test]
async fn the_years_of_the_delivery_stand_among_the_others() {
    let office = Office::new().await;
    until("entered", || async { list(&office, Default::default()).await.total_size == 5 }).await;
    official(&office, YEAR).await;
    let asked = pb::ListCalendarsRequest { page_size: 4, ..Default::default() };
    let first = list(&office, asked.clone()).await;
    let years = |page: &pb::ListCalendarsResponse| page.calendars.iter().map(|c| c.year).collect::<Vec<_>>();
    assert_eq!((years(&first), first.total_size), (vec![2027, 2026, 2025, 2024], 6));
    let rest = list(&office, pb::ListCalendarsRequest { page_token: first.next_page_token, ..asked }).await;
    assert_eq!((years(&rest), rest.next_page_token.as_str()), (vec![2023, 2022], ""));
    let found = pb::ListCalendarsRequest { query: "〔2024〕12".into(), ..Default::default() };
    let found = list(&office, found).await;
    assert_eq!((years(&found), found.calendars[0].creator.as_str()), (vec![2025], "services/catalog"));
    // A correction of a year of the delivery is its second version, and is what counts.
    let text = "year,holiday,first,last,make_up,basis\n2026,元旦,2026-01-01,2026-01-03,2026-01-04,更正\n";
    assert_eq!(official(&office, text).await.name, "calendars/2026-2");
    let mut operator = operator(&office.harness).await;
    let whole = operator.get_calendar(pb::GetCalendarRequest { name: "calendars/2026-1".into() });
    let whole = whole.await.unwrap().into_inner();
    assert_eq!(whole.state(), pb::CalendarState::Replaced);
    assert!(whole.special_days.len() > 20);
}

async fn clocks_of(office: &Office) -> Vec<Clock> {
    let channel = office.harness.user("users/handler", MARKET, &[Role::Handler]).await.unwrap();
    let asked = ListClocksRequest { parent: MARKET.into(), ..Default::default() };
    CatalogClocksClient::new(channel).list_clocks(asked).await.unwrap().into_inner().clocks
}

#[tokio::test]
async fn a_calendar_moves_what_was_provisional_once_and_its_correction_nothing() {
    let office = Office::new().await;
    // From 2026-11-23 on, 29 working days to the last of the year.
    let ledger = Ledger::open(&office.harness.env, "catalog").unwrap();
    let mut tx = ledger.begin_job("test").await.unwrap();
    let new = New {
        aggregate: "organisations/market/items/a",
        kind: "item_claim",
        organisation: MARKET,
        unit: "",
        responsible: "",
        days: 34,
        day_kind: DayKind::Working,
        setting: "item_claim_days/1",
    };
    clocks::start(&mut tx, &new).await.unwrap();
    tx.commit(&()).await.unwrap();
    let before = clocks_of(&office).await.remove(0);
    assert!(before.provisional);
    official(&office, YEAR).await;
    until("counted anew", || async { !clocks_of(&office).await[0].provisional }).await;
    let after = clocks_of(&office).await.remove(0);
    assert!(after.due_date > before.due_date, "{before:?} {after:?}");
    official(&office, CORRECTED).await;
    clocks::look(&ledger).await.unwrap();
    // Fewer working days are left until the same last day.
    let corrected = clocks_of(&office).await.remove(0);
    assert_eq!((&corrected.due_date, &corrected.etag, corrected.days), (&after.due_date, &after.etag, 34));
    assert!(corrected.days_left < after.days_left);
    office.harness.clock.advance(Duration::days(80));
    let late = clocks_of(&office).await.remove(0);
    assert_eq!((late.state(), late.due_date.as_str()), (ClockState::Overdue, after.due_date.as_str()));
    let stranger = office.harness.user("users/s", "organisations/emergency", &[Role::Handler]).await.unwrap();
    let asked = ListClocksRequest { parent: MARKET.into(), ..Default::default() };
    refused(CatalogClocksClient::new(stranger).list_clocks(asked).await, Code::NotFound, "NOT_FOUND", "27");
}
