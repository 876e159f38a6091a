//! The ledger against a real PostgreSQL: no event is lost or reordered, whatever the order of transactions, and a rewrite
//! is found.

use kit::{
    auth::{Caller, TokenTimes},
    env::{Clock, Databases, Env, Parts},
    keys::Keys,
    ledger::{Audience, ChainFault, Ledger, Schema, Tx, verify_chain},
    peers::Peers,
    testing::{HANG_MAX, TestFleet},
};
use prost::Message;
use proto::qingtian::{
    events::v1::{Event, ReadEventsRequest, Record, record::Kind},
    identity::events::v1::OrganisationChanged,
};
use sqlx::{Connection, PgPool, Row, migrate::Migrator};
use tokio_stream::StreamExt;

static NOTHING: std::sync::LazyLock<Migrator> = std::sync::LazyLock::new(|| Migrator::with_migrations(Vec::new()));

struct Bench {
    fleet: TestFleet,
    env: Env,
    _folder: tempfile::TempDir,
}

/// A ledger whose sequencer runs only when the test says so.
async fn ledger() -> (Bench, Ledger) {
    let bench = bench().await;
    let env = &bench.env;
    // Cancelled before anything was spawned: the jobs end at their first await.
    env.shutdown.cancel();
    let ledger = Ledger::open(env, "identity").unwrap();
    env.tasks.close();
    env.tasks.wait().await;
    (bench, ledger)
}

/// A database with nothing but a ledger.
async fn bench() -> Bench {
    let fleet = TestFleet::new(&["identity"]).await.unwrap();
    let schema = Schema { migrator: &NOTHING, grants: "" };
    let place = |template: &str| template.replace("{service}", "identity");
    schema.migrate(&place(&fleet.migrate_database_url), &place(&fleet.role)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::set("2026-11-23T01:00:00Z".parse().unwrap());
    let env = Env::new(Parts {
        keys: Keys::generate(clock.now(), true).unwrap(),
        clock,
        peers: Peers::new("http://127.0.0.1:1"),
        databases: Databases { url: fleet.database_url.clone(), migrate_url: None, connections_max: 8 },
        blob_folder: folder.path().join("blobs"),
    })
    .unwrap();
    Bench { fleet, env, _folder: folder }
}

fn event(title: &str) -> OrganisationChanged {
    OrganisationChanged { name: "organisations/a".to_owned(), title: title.to_owned(), ..Default::default() }
}

async fn act(ledger: &Ledger, title: &str) -> Tx {
    let mut tx = ledger.begin_job("Test").await.unwrap();
    tx.emit("organisations/a", 1, &event(title), Audience::Public).unwrap();
    tx
}

async fn titles(ledger: &Ledger) -> Vec<String> {
    let caller = Caller::service("portal", "test");
    let request = ReadEventsRequest::default();
    let mut stream = ledger.read_events(&caller, request).await.unwrap().into_inner();
    let mut titles = Vec::new();
    while let Some(step) = stream.next().await {
        titles.extend(step.unwrap().event.map(|event| title_of(&event)));
    }
    titles
}

fn title_of(event: &Event) -> String {
    kit::follow::payload::<OrganisationChanged>(event).unwrap().unwrap().title
}

/// What systems in use do: remember the highest id seen and ask for higher ones.
async fn naive_read(pool: &PgPool, after: &mut i64) -> Vec<String> {
    let rows = sqlx::query("select id, bytes from outbox where id > $1 and type <> 'audit' order by id")
        .bind(*after)
        .fetch_all(pool)
        .await
        .unwrap();
    let mut titles = Vec::new();
    for row in rows {
        *after = row.get::<i64, _>("id").max(*after);
        let record = Record::decode(row.get::<Vec<u8>, _>("bytes").as_slice()).unwrap();
        if let Some(Kind::Event(event)) = record.kind {
            titles.push(title_of(&event));
        }
    }
    titles
}

async fn insert_event(connection: &mut sqlx::PgConnection, title: &str) {
    let payload = prost_types::Any {
        type_url: <OrganisationChanged as prost::Name>::type_url(),
        value: event(title).encode_to_vec(),
    };
    let event = Event { aggregate: "organisations/a".to_owned(), payload: Some(payload), ..Default::default() };
    let bytes = Record { kind: Some(Kind::Event(event)) }.encode_to_vec();
    sqlx::query("insert into outbox (type, bytes) values ('event', $1)").bind(bytes).execute(connection).await.unwrap();
}

/// Two transactions; the one that began second wrote first and committed last. A reader by id that looked in between never
/// sees the lower id; the sequencer, which takes rows away, does.
#[tokio::test]
async fn a_higher_transaction_id_with_a_lower_outbox_id_loses_no_event() {
    let (bench, ledger) = ledger().await;
    let pool = ledger.pool().clone();
    let mut first = pool.begin().await.unwrap();
    let first_id: String =
        sqlx::query_scalar("select pg_current_xact_id()::text").fetch_one(&mut *first).await.unwrap();
    let mut second = pool.begin().await.unwrap();
    insert_event(&mut second, "written first, committed last").await;
    let second_id: String =
        sqlx::query_scalar("select pg_current_xact_id()::text").fetch_one(&mut *second).await.unwrap();
    assert!(first_id.parse::<u64>().unwrap() < second_id.parse::<u64>().unwrap());
    insert_event(&mut first, "written last, committed first").await;
    first.commit().await.unwrap();

    let mut after = 0;
    let mut naive = naive_read(&pool, &mut after).await;
    ledger.sequence().await.unwrap();
    second.commit().await.unwrap();
    naive.extend(naive_read(&pool, &mut after).await);
    ledger.sequence().await.unwrap();

    assert_eq!(naive, ["written last, committed first"], "the reader by id must be seen to lose an event");
    assert_eq!(titles(&ledger).await, ["written last, committed first", "written first, committed last"]);
    drop(bench);
}

/// A transaction that began earlier but locked the aggregate later: order within the aggregate is the order of the lock.
#[tokio::test]
async fn an_earlier_transaction_with_a_later_lock_comes_later() {
    let (bench, ledger) = ledger().await;
    let owner = PgPool::connect(&bench.fleet.migrate_database_url.replace("{service}", "identity")).await.unwrap();
    let role = bench.fleet.role.replace("{service}", "identity");
    let table = format!(
        "create table thing (id int primary key, n int); insert into thing values (1, 0); grant select, update on thing to {role}"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(table)).execute(&owner).await.unwrap();
    let lock = "select n from thing where id = 1 for update";

    let mut early = ledger.begin_job("Test").await.unwrap();
    let early_id: String =
        sqlx::query_scalar("select pg_current_xact_id()::text").fetch_one(&mut *early).await.unwrap();
    let mut late = ledger.begin_job("Test").await.unwrap();
    sqlx::query(lock).fetch_one(&mut *late).await.unwrap();
    let late_id: String = sqlx::query_scalar("select pg_current_xact_id()::text").fetch_one(&mut *late).await.unwrap();
    assert!(early_id.parse::<u64>().unwrap() < late_id.parse::<u64>().unwrap());
    late.emit("things/1", 1, &event("locked first"), Audience::Public).unwrap();
    late.commit(&()).await.unwrap();
    sqlx::query(lock).fetch_one(&mut *early).await.unwrap();
    early.emit("things/1", 2, &event("locked second"), Audience::Public).unwrap();
    early.commit(&()).await.unwrap();

    // A naive reader in order of transaction ids tells the story backwards.
    let naive: Vec<Vec<u8>> =
        sqlx::query_scalar("select bytes from outbox where type <> 'audit' order by xmin::text::bigint")
            .fetch_all(ledger.pool())
            .await
            .unwrap();
    let told: Vec<_> = naive
        .iter()
        .map(|bytes| match Record::decode(bytes.as_slice()).unwrap().kind {
            Some(Kind::Event(event)) => title_of(&event),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, ["locked second", "locked first"], "the reader by transaction id must be seen to reorder");
    ledger.sequence().await.unwrap();
    assert_eq!(titles(&ledger).await, ["locked first", "locked second"]);
}

#[tokio::test]
async fn positions_have_no_gaps_and_many_writers_lose_nothing() {
    let (_bench, ledger) = ledger().await;
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                for n in 0..20 {
                    let tx = act(&ledger, &format!("{writer}/{n}")).await;
                    // Every third act is given up: its events never happened.
                    if n % 3 != 2 {
                        tx.commit(&()).await.unwrap();
                    }
                    ledger.sequence().await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    ledger.sequence().await.unwrap();
    let seen = titles(&ledger).await;
    assert_eq!(seen.len(), 8 * 14);
    for writer in 0..8 {
        let own: Vec<_> = seen.iter().filter(|title| title.starts_with(&format!("{writer}/"))).collect();
        let kept: Vec<_> = (0..20).filter(|n| n % 3 != 2).map(|n| format!("{writer}/{n}")).collect();
        assert_eq!(own, kept.iter().collect::<Vec<_>>(), "a writer's events stand in the order they were committed");
    }
    let (count, top): (i64, i64) =
        sqlx::query_as("select count(*), max(position) from log").fetch_one(ledger.pool()).await.unwrap();
    assert_eq!(count, top);
}

#[tokio::test]
async fn a_given_up_act_leaves_no_trace_and_a_refused_one_only_its_audit() {
    let (_bench, ledger) = ledger().await;
    drop(act(&ledger, "never").await);
    let caller = Caller { actor: "users/a".to_owned(), ..Caller::default() };
    ledger.record_refusal(&caller, "OWN_ACT").await.unwrap();
    ledger.sequence().await.unwrap();
    assert!(titles(&ledger).await.is_empty());
    let types: Vec<String> = sqlx::query_scalar("select type from log").fetch_all(ledger.pool()).await.unwrap();
    assert_eq!(types, ["audit"]);
}

#[tokio::test]
async fn the_service_cannot_rewrite_its_past_and_an_owner_who_does_is_found() {
    let (bench, ledger) = ledger().await;
    for n in 0..5 {
        act(&ledger, &format!("{n}")).await.commit(&()).await.unwrap();
    }
    ledger.sequence().await.unwrap();
    ledger.sign_head().await.unwrap();
    let keys = &bench.env.keys;
    let whole = verify_chain(ledger.pool(), "identity", keys, &[]).await.unwrap().unwrap();
    assert_eq!((whole.position, whole.heads), (10, 1), "five events, five audit entries");
    for sql in [
        "update log set bytes = 'x' where position = 3",
        "delete from log where position = 10",
        "truncate log",
        "update head set position = 4",
        "delete from head",
    ] {
        let error = sqlx::query(sql).execute(ledger.pool()).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{sql}");
    }
    let owner = PgPool::connect(&bench.fleet.migrate_database_url.replace("{service}", "identity")).await.unwrap();
    let check = async |sql: &'static str| {
        let mut tx = owner.begin().await.unwrap();
        sqlx::raw_sql(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        verify_chain(&owner, "identity", keys, &[]).await.unwrap().unwrap_err()
    };
    assert_eq!(
        check("create table kept as table log; update log set bytes = 'x' where position = 3").await,
        ChainFault::Altered(3)
    );
    assert_eq!(
        check("truncate log; insert into log select * from kept where position <> 4").await,
        ChainFault::Missing(4)
    );
    let cut = "truncate log; insert into log select * from kept where position <= 8";
    assert_eq!(check(cut).await, ChainFault::Truncated(10));
    // An operator who recomputes every later hash is found by the signed head, which others hold too.
    let rewritten = "truncate log; insert into log select * from kept; update log set bytes = 'x' where position = 10;
        update log set hash = sha256((select hash from kept where position = 9) || 'x'::bytea) where position = 10";
    assert_eq!(check(rewritten).await, ChainFault::Head(10));
}

#[tokio::test]
async fn a_reader_with_another_history_is_told_that_the_log_diverged() {
    let (_bench, ledger) = ledger().await;
    act(&ledger, "a").await.commit(&()).await.unwrap();
    ledger.sequence().await.unwrap();
    let caller = Caller::service("portal", "test");
    let request = ReadEventsRequest { after: 1, after_hash: "00".repeat(32), ..Default::default() };
    let Err(status) = ledger.read_events(&caller, request).await else { panic!("accepted") };
    assert_eq!(kit::testing::refusal_of(&status).0, "LOG_DIVERGED");
    let beyond = ReadEventsRequest { after: 99, after_hash: "00".repeat(32), ..Default::default() };
    let Err(status) = ledger.read_events(&caller, beyond).await else { panic!("accepted") };
    assert_eq!(kit::testing::refusal_of(&status).0, "LOG_DIVERGED");
}

/// A stream is not authorised for longer than the token it was opened with: who is frozen stops receiving.
#[tokio::test]
async fn a_stream_ends_with_the_token_it_was_opened_with_and_when_that_is_revoked() {
    let (bench, ledger) = ledger().await;
    let now = bench.env.clock.now();
    let with = |ends| Caller {
        actor: "users/auditor".to_owned(),
        token: Some(TokenTimes { signed: now, ends }),
        ..Caller::default()
    };
    let first = async |caller: Caller| {
        let request = ReadEventsRequest { follow: true, ..Default::default() };
        ledger.read_events(&caller, request).await.unwrap().into_inner().next().await.unwrap()
    };
    let soon = now + chrono::Duration::minutes(5);
    first(with(soon)).await.unwrap();
    assert_eq!(kit::testing::refusal_of(&first(with(now)).await.unwrap_err()).0, "NOT_SIGNED_IN");
    bench.env.authenticator.revoke("users/auditor", now + chrono::Duration::milliseconds(1));
    assert_eq!(kit::testing::refusal_of(&first(with(soon)).await.unwrap_err()).0, "NOT_SIGNED_IN");
}

/// Two opened in one process were two sequencers, of which each knew of half of what was written.
#[tokio::test]
async fn a_ledger_opened_again_is_the_same_one() {
    let bench = bench().await;
    let first = Ledger::open(&bench.env, "identity").unwrap();
    let jobs = bench.env.tasks.len();
    let second = Ledger::open(&bench.env, "identity").unwrap();
    assert_eq!(bench.env.tasks.len(), jobs, "no second sequencer");
    // Its own connections would not know that these are closed.
    first.pool().close().await;
    assert!(second.pool().is_closed());
}

/// The titles a follower is sent, one after the other.
async fn follow(ledger: &Ledger) -> impl AsyncFnMut() -> String {
    let request = ReadEventsRequest { follow: true, ..Default::default() };
    let mut stream = ledger.read_events(&Caller::service("portal", "test"), request).await.unwrap().into_inner();
    async move || {
        loop {
            if let Some(event) = stream.next().await.unwrap().unwrap().event {
                return title_of(&event);
            }
        }
    }
}

/// The sequencer sleeps when nothing is written. It is woken by a commit of its own process, and by none it finds what another
/// process wrote, here a connection that nobody hears of.
#[tokio::test]
async fn a_sleeping_sequencer_moves_what_is_written_here_and_what_is_written_elsewhere() {
    let bench = bench().await;
    let ledger = Ledger::open(&bench.env, "identity").unwrap();
    let mut next = follow(&ledger).await;
    let told = async {
        for n in 0..20 {
            act(&ledger, &format!("here {n}")).await.commit(&()).await.unwrap();
            assert_eq!(next().await, format!("here {n}"));
        }
        let mut elsewhere = sqlx::PgConnection::connect_with(&ledger.pool().connect_options()).await.unwrap();
        for n in 0..2 {
            insert_event(&mut elsewhere, &format!("elsewhere {n}")).await;
            assert_eq!(next().await, format!("elsewhere {n}"));
        }
    };
    tokio::time::timeout(HANG_MAX, told).await.expect("an event was lost");
    bench.env.shutdown.cancel();
}

/// What is written while another process has the turn is moved when that one is done, or has died in it.
#[tokio::test]
async fn a_sequencer_that_finds_the_turn_taken_comes_back() {
    let bench = bench().await;
    let ledger = Ledger::open(&bench.env, "identity").unwrap();
    let mut next = follow(&ledger).await;
    let mut other = ledger.pool().begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock(hashtext('qingtian sequencer'))").execute(&mut *other).await.unwrap();
    act(&ledger, "meanwhile").await.commit(&()).await.unwrap();
    assert_eq!(ledger.sequence().await.unwrap(), 0, "the turn is taken");
    let left: i64 = sqlx::query_scalar("select count(*) from outbox").fetch_one(ledger.pool()).await.unwrap();
    assert_eq!(left, 2, "event and audit entry wait");
    other.rollback().await.unwrap();
    let told = tokio::time::timeout(HANG_MAX, next()).await;
    assert_eq!(told.expect("an event was lost"), "meanwhile");
    bench.env.shutdown.cancel();
}
