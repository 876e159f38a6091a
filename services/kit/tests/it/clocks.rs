//! Clocks against a real PostgreSQL: started with their cause, moved by acts of their own alone, warned of once (art. 18, 35).

use chrono::Duration;
use kit::{
    auth::Caller,
    clocks::{self, Clock, DayKind, New},
    env::{Clock as Time, Databases, Env, Parts},
    error::Reason,
    keys::Keys,
    ledger::{Ledger, Schema},
    peers::Peers,
    testing::TestFleet,
    workdays::legal_day,
};
use prost::{Message, Name};
use proto::qingtian::{
    access::v1::Role,
    clocks::{
        events::v1::{ClockChanged, ClockWarned},
        v1::{ClockAct, ClockState, ListClocksRequest},
    },
    events::v1::{Event, Record, record::Kind},
    identity::events::v1::DutiesHandedOver,
};
use sqlx::{Connection, PgConnection, migrate::Migrator};

static NOTHING: std::sync::LazyLock<Migrator> = std::sync::LazyLock::new(|| Migrator::with_migrations(Vec::new()));

const ITEM: &str = "organisations/market/items/a";
const CLAIM: New<'static> = New {
    aggregate: ITEM,
    kind: "item_claim",
    organisation: "organisations/market",
    unit: "",
    responsible: "",
    days: 10,
    day_kind: DayKind::Working,
    setting: "item_claim_days/1",
};

struct Bench {
    ledger: Ledger,
    time: Time,
    fleet: TestFleet,
    _folder: tempfile::TempDir,
}

impl Bench {
    /// A ledger at noon of a day in Kaifeng. Nothing runs beside the test: what is announced stays in the outbox.
    async fn at(day: &str) -> Self {
        let fleet = TestFleet::new(&["catalog"]).await.unwrap();
        let schema = Schema { migrator: &NOTHING, grants: "" };
        let place = |template: &str| template.replace("{service}", "catalog");
        schema.migrate(&place(&fleet.migrate_database_url), &place(&fleet.role)).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let time = Time::set(format!("{day}T04:00:00Z").parse().unwrap());
        let env = Env::new(Parts {
            keys: Keys::generate(time.now(), true).unwrap(),
            clock: time.clone(),
            peers: Peers::new("http://127.0.0.1:1"),
            databases: Databases { url: fleet.database_url.clone(), migrate_url: None, connections_max: 8 },
            blob_folder: folder.path().join("blobs"),
        })
        .unwrap();
        // Cancelled before anything was spawned: the jobs end at their first await.
        env.shutdown.cancel();
        let ledger = Ledger::open(&env, "catalog").unwrap();
        env.tasks.close();
        env.tasks.wait().await;
        Self { ledger, time, fleet, _folder: folder }
    }

    /// One act on its own.
    async fn act<T>(
        &self,
        act: impl AsyncFnOnce(&mut kit::ledger::Tx) -> kit::error::Result<T>,
    ) -> kit::error::Result<T> {
        let mut tx = self.ledger.begin_job("test").await?;
        let done = act(&mut tx).await?;
        tx.commit(&()).await?;
        Ok(done)
    }

    async fn start(&self) -> Clock {
        self.act(async |tx| clocks::start(tx, &CLAIM).await).await.unwrap()
    }

    async fn keep_year(&self, version: i64, content: &str) {
        let mut conn = self.ledger.pool().acquire().await.unwrap();
        clocks::keep_year(&mut conn, 2027, version, content).await.unwrap();
    }

    /// Everything announced of one kind.
    async fn announced<M: Message + Name + Default>(&self) -> Vec<M> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar("select bytes from outbox where type = $1 order by id")
            .bind(M::full_name())
            .fetch_all(self.ledger.pool())
            .await
            .unwrap();
        let event = |bytes: Vec<u8>| match Record::decode(&*bytes).unwrap().kind {
            Some(Kind::Event(event)) => M::decode(&*event.payload.unwrap().value).unwrap(),
            other => panic!("{other:?}"),
        };
        rows.into_iter().map(event).collect()
    }

    async fn clock(&self) -> Option<Clock> {
        let mut conn = self.ledger.pool().acquire().await.unwrap();
        clocks::find(&mut conn, ITEM, "item_claim").await.unwrap()
    }
}

#[tokio::test]
async fn a_clock_starts_with_its_cause_or_not_at_all_and_once() {
    let bench = Bench::at("2025-09-29").await;
    let mut tx = bench.ledger.begin_job("test").await.unwrap();
    clocks::start(&mut tx, &CLAIM).await.unwrap();
    drop(tx);
    assert_eq!(bench.clock().await, None, "its cause was not committed");
    let clock = bench.start().await;
    assert_eq!(clock.due_on.to_string(), "2025-10-20");
    assert_eq!(bench.clock().await.as_ref(), Some(&clock));

    let again = bench.act(async |tx| clocks::start(tx, &CLAIM).await).await.unwrap_err();
    assert_eq!((again.reason(), again.value("due")), (Reason::ClockRuns, Some("2025-10-20")));
    assert_eq!(again.meaning().article, "18");
    assert!(again.message().contains("2025-10-20"), "{}", again.message());
    assert_eq!(bench.announced::<ClockChanged>().await.len(), 1);

    // What is done is done; a new cause starts a new clock.
    bench.act(async |tx| clocks::end(tx, ITEM, "item_claim").await).await.unwrap();
    assert_eq!(bench.clock().await, None);
    assert_eq!(
        bench.act(async |tx| clocks::end(tx, ITEM, "item_claim").await).await.unwrap_err().reason(),
        Reason::NotFound
    );
    assert_ne!(bench.start().await.name, clock.name);
}

#[tokio::test]
async fn acts_with_basis_move_a_clock_and_nothing_else_does() {
    let bench = Bench::at("2025-09-29").await;
    let clock = bench.start().await;
    let without = bench.act(async |tx| clocks::pause(tx, ITEM, "item_claim", " ").await).await.unwrap_err();
    assert_eq!((without.reason(), without.meaning().article.as_str()), (Reason::ClockBasisMissing, "18"));
    assert!(without.message().contains("法律依据"));
    bench.time.advance(Duration::days(11));
    bench.act(async |tx| clocks::pause(tx, ITEM, "item_claim", "条例第18条").await).await.unwrap();
    bench.time.advance(Duration::days(24));
    let resumed = bench.act(async |tx| clocks::resume(tx, ITEM, "item_claim", "已补正").await).await.unwrap();
    assert_eq!(resumed.due_on.to_string(), "2025-11-12");
    let extended = bench.act(async |tx| clocks::extend(tx, ITEM, "item_claim", 3, "经批准").await).await.unwrap();
    assert_eq!(extended.due_on.to_string(), "2025-11-17");
    let assigned = bench
        .act(async |tx| clocks::assign(tx, ITEM, "item_claim", "organisations/market-food", "users/li").await)
        .await
        .unwrap();
    assert_eq!(assigned.due_on, extended.due_on);
    bench.time.advance(Duration::days(30));
    let late = bench.act(async |tx| clocks::extend(tx, ITEM, "item_claim", 3, "经批准").await).await.unwrap_err();
    assert_eq!((late.reason(), late.value("due")), (Reason::ClockRanOut, Some("2025-11-17")));
    assert!(late.message().contains("2025-11-17") && late.meaning().article == "18");
    assert_eq!(bench.clock().await, Some(assigned), "a refusal leaves it as it was");

    let events = bench.announced::<ClockChanged>().await;
    let acts: Vec<_> = events.iter().map(ClockChanged::act).collect();
    let expected = [ClockAct::Started, ClockAct::Paused, ClockAct::Resumed, ClockAct::Extended, ClockAct::Assigned];
    assert_eq!(acts, expected);
    assert_eq!((events[3].basis.as_str(), events[3].due_date_before.as_str()), ("经批准", "2025-11-12"));

    // Not even whoever owns the tables moves a deadline by an edit, or writes down an act without its basis.
    let owner = bench.fleet.migrate_database_url.replace("{service}", "catalog");
    let mut owner = PgConnection::connect(&owner).await.unwrap();
    for edit in ["due_on = due_on + 1", "days = days + 1", "started_on = started_on + 1, acts = acts"] {
        let sql = format!("update clock set {edit}");
        let refused = sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut owner).await.unwrap_err();
        assert_eq!(kit::error::violated(&refused), Some("clock_moves_by_act_alone"), "{edit}");
    }
    let unsaid = "update clock set due_on = due_on + 1, acts = acts + 1";
    let refused = sqlx::query(unsaid).execute(&mut owner).await.unwrap_err();
    assert_eq!(kit::error::violated(&refused), Some("clock_last_act"));
    let role = bench.ledger.pool();
    assert!(sqlx::query("update clock set started_on = started_on + 1").execute(role).await.is_err());
    assert!(sqlx::query("delete from clock_act").execute(role).await.is_err());
    assert_eq!(clock.acts + 4, bench.clock().await.unwrap().acts);
}

#[tokio::test]
async fn warnings_are_announced_once_each_even_where_nobody_answers() {
    let bench = Bench::at("2025-09-29").await;
    bench.start().await;
    assert_eq!(clocks::look(&bench.ledger).await.unwrap(), 0);
    let mut told = Vec::new();
    for _ in 0..40 {
        bench.time.advance(Duration::days(1));
        let before = bench.announced::<ClockWarned>().await.len();
        // Two pods look at the same time, and again.
        let (one, two) = tokio::join!(clocks::look(&bench.ledger), clocks::look(&bench.ledger));
        one.unwrap();
        two.unwrap();
        clocks::look(&bench.ledger).await.unwrap();
        let today = legal_day(bench.time.now()).to_string();
        let new = bench.announced::<ClockWarned>().await.split_off(before);
        told.extend(new.into_iter().map(|warning| (today.clone(), warning)));
    }
    let days: Vec<_> = told.iter().map(|(day, warning)| (day.as_str(), warning.percent)).collect();
    assert_eq!(days, [("2025-10-15", 70), ("2025-10-17", 90), ("2025-10-21", 100)]);
    assert!(told.iter().all(|(_, warning)| warning.addressees == ["organisations/market"]));
    assert_eq!(told[2].1.clock.as_ref().unwrap().state(), ClockState::Overdue);
    assert_eq!(bench.announced::<ClockChanged>().await.len(), 1, "a warning is no act");
    // Overdue stays in sight until it is done.
    let caller = Caller { organisation: "organisations/market".into(), ..Caller::service("catalog", "test") };
    let asked = ListClocksRequest { parent: "organisations/market".into(), overdue: true, ..Default::default() };
    let list = async || clocks::list(bench.ledger.pool(), &caller, bench.time.now(), &asked).await.unwrap();
    assert_eq!(list().await.clocks[0].state(), ClockState::Overdue);
    bench.act(async |tx| clocks::end(tx, ITEM, "item_claim").await).await.unwrap();
    assert_eq!((list().await.clocks.len(), list().await.total_size), (0, 0));
}

const YEAR: &str = "year,holiday,first,last,make_up,basis\n2027,元旦,2027-01-01,2027-01-03,,某号\n";
const CORRECTED: &str = "year,holiday,first,last,make_up,basis\n2027,元旦,2027-01-01,2027-01-10,,某号更正\n";

#[tokio::test]
async fn the_official_calendar_moves_provisional_deadlines_once_and_its_correction_none() {
    let bench = Bench::at("2026-12-28").await;
    let clock = bench.start().await;
    assert_eq!((clock.due_on.to_string().as_str(), clock.provisional), ("2027-01-11", true));
    clocks::look(&bench.ledger).await.unwrap();
    assert_eq!(bench.clock().await, Some(clock));

    bench.keep_year(1, YEAR).await;
    assert_eq!(clocks::look(&bench.ledger).await.unwrap(), 1);
    let counted = bench.clock().await.unwrap();
    assert_eq!((counted.due_on.to_string().as_str(), counted.provisional), ("2027-01-12", false));
    let event = bench.announced::<ClockChanged>().await.pop().unwrap();
    assert_eq!((event.act(), event.due_date_before.as_str()), (ClockAct::Recomputed, "2027-01-11"));

    bench.keep_year(2, CORRECTED).await;
    bench.keep_year(1, YEAR).await;
    assert_eq!(clocks::look(&bench.ledger).await.unwrap(), 0);
    assert_eq!(bench.clock().await, Some(counted));
    // What starts now counts by the correction.
    bench.act(async |tx| clocks::end(tx, ITEM, "item_claim").await).await.unwrap();
    assert_eq!(bench.start().await.due_on.to_string(), "2027-01-19");
}

#[tokio::test]
async fn lists_are_sorted_searched_paged_and_keep_to_ones_reach() {
    let bench = Bench::at("2025-09-29").await;
    for (n, organisation) in [(3, "market"), (1, "market"), (2, "emergency"), (4, "market")] {
        let (aggregate, organisation) =
            (format!("organisations/{organisation}/items/{n}"), format!("organisations/{organisation}"));
        let new = New {
            aggregate: &aggregate,
            organisation: &organisation,
            responsible: if n == 4 { "users/li" } else { "" },
            days: 5 * n,
            ..CLAIM
        };
        bench.act(async |tx| clocks::start(tx, &new).await).await.unwrap();
    }
    let mut caller = Caller::service("catalog", "test");
    let list = async |caller: &Caller, asked: ListClocksRequest| {
        let answer = clocks::list(bench.ledger.pool(), caller, bench.time.now(), &asked).await?;
        let days: Vec<i32> = answer.clocks.iter().map(|clock| clock.days).collect();
        Ok::<_, kit::error::Refusal>((days, answer.next_page_token, answer.total_size))
    };
    let asked = |parent: &str| ListClocksRequest { parent: parent.into(), ..Default::default() };
    let all = asked("organisations/-");
    assert_eq!(list(&caller, all.clone()).await.unwrap(), (vec![5, 10, 15, 20], String::new(), 4));
    let mut page = ListClocksRequest { page_size: 3, order_by: "due_date desc".into(), ..all.clone() };
    let (first, token, total) = list(&caller, page.clone()).await.unwrap();
    assert_eq!((first, total), (vec![20, 15, 10], 4));
    page.page_token = token;
    assert_eq!(list(&caller, page).await.unwrap().0, [5]);
    let found = ListClocksRequest { query: "items/3".into(), ..all.clone() };
    assert_eq!(list(&caller, found).await.unwrap().0, [15]);
    let person = ListClocksRequest { responsible: "users/li".into(), ..all.clone() };
    assert_eq!(list(&caller, person).await.unwrap().0, [20]);
    let wrong = ListClocksRequest { order_by: "colour".into(), ..all.clone() };
    assert_eq!(list(&caller, wrong).await.unwrap_err().reason(), Reason::Invalid);

    caller.actor = "users/wang".into();
    caller.organisation = "organisations/emergency".into();
    caller.roles = vec![Role::Handler];
    assert_eq!(list(&caller, all).await.unwrap().0, [10], "a department reaches its own");
    let refused = list(&caller, asked("organisations/market")).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::NotFound);
}

#[tokio::test]
async fn what_somebody_answered_for_goes_to_the_successor_and_its_deadline_stays() {
    let bench = Bench::at("2026-03-02").await;
    let mine = New { responsible: "users/a", ..CLAIM };
    bench.act(async |tx| clocks::start(tx, &mine).await).await.unwrap();
    let before = bench.clock().await.unwrap();
    bench.time.advance(Duration::hours(1));
    let handed = |user: &str, successor: &str| Event {
        aggregate: user.to_owned(),
        time: Some(kit::ledger::timestamp(bench.time.now())),
        payload: Some(prost_types::Any {
            type_url: DutiesHandedOver::type_url(),
            value: DutiesHandedOver { user: user.into(), successor: successor.into(), ..Default::default() }
                .encode_to_vec(),
        }),
        ..Event::default()
    };
    let note = async |event: &Event| {
        let mut conn = bench.ledger.pool().acquire().await.unwrap();
        clocks::note_handover(&mut conn, event).await.unwrap();
        clocks::look(&bench.ledger).await.unwrap();
    };
    let first = handed("users/a", "users/b");
    note(&first).await;
    let after = bench.clock().await.unwrap();
    assert_eq!((after.responsible.as_str(), after.due_on, after.acts), ("users/b", before.due_on, before.acts + 1));
    let told = bench.announced::<ClockChanged>().await.pop().unwrap();
    assert_eq!((told.act(), told.clock.unwrap().responsible.as_str()), (ClockAct::Assigned, "users/b"));

    // It comes back to him later: the old handover, read again, does not take it away.
    bench.time.advance(Duration::hours(1));
    bench.act(async |tx| clocks::assign(tx, ITEM, "item_claim", "", "users/a").await).await.unwrap();
    note(&first).await;
    assert_eq!(bench.clock().await.unwrap().responsible, "users/a");
    // A chain of handovers ends with the last.
    bench.time.advance(Duration::hours(1));
    let mut conn = bench.ledger.pool().acquire().await.unwrap();
    clocks::note_handover(&mut conn, &handed("users/a", "users/b")).await.unwrap();
    let second = handed("users/b", "users/c");
    drop(conn);
    // Done late, after the second was made too.
    bench.time.advance(Duration::hours(1));
    note(&second).await;
    assert_eq!(bench.clock().await.unwrap().responsible, "users/c");
    let left: i64 =
        sqlx::query_scalar("select count(*) from clock_handover").fetch_one(bench.ledger.pool()).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn what_is_done_late_is_known_as_late_also_before_the_job_came_to_it() {
    let bench = Bench::at("2026-03-02").await;
    bench.start().await;
    bench.time.advance(Duration::days(40));
    let ended = bench.act(async |tx| clocks::end(tx, ITEM, "item_claim").await).await.unwrap();
    assert!(ended.ended_on.is_some_and(|day| day > ended.due_on));
    let percents: Vec<_> = bench.announced::<ClockWarned>().await.iter().map(|told| told.percent).collect();
    assert_eq!(percents, [70, 90, 100]);
    assert_eq!(clocks::look(&bench.ledger).await.unwrap(), 0, "once each");
    let warned: i32 = sqlx::query_scalar("select warned from clock").fetch_one(bench.ledger.pool()).await.unwrap();
    assert_eq!(warned, 100);
}
