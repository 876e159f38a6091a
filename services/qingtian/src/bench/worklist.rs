//! `qingtian bench worklist`: the first page of a list of visits, as its service answers it, beside the bare SQL query of the same page
//! (art. 15-17). Both are asked by many at once, each over as many connections to the database as the service has; the contestants take
//! turns, and the 95th percentiles of their times are compared.
//!
//! The lists: a department's, by draw and by due date; an officer's own; the whole city's. The visits stay for the next run.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, ensure};
use clap::Args;
use kit::{
    auth::{Claims, Minter},
    embedded::{Options, Postgres},
    env::Env,
    peers::Peers,
};
use proto::qingtian::{
    access::v1::Role,
    draws::v1::{ListVisitsRequest, visits_client::VisitsClient},
};
use sqlx::{Connection, PgConnection, PgPool, postgres::PgPoolOptions};
use tokio::{net::TcpListener, task::JoinSet, time::Instant};
use tonic::{
    Request,
    metadata::AsciiMetadataValue,
    transport::{Channel, Endpoint},
};

use super::{
    draw::{
        acts, folder,
        register::{Database, REGISTER, run as run_sql},
        remove,
    },
    report::{Bound, Case, Machine, Report, Runs},
};

/// At most three times the bare query.
const RATIO_MAX: f64 = 3.0;
/// Rows of a page.
const PAGE: i32 = 50;
/// Draws the visits come from.
const DRAWS: u32 = 20;
/// Officers; each visit has two of them.
const OFFICERS: u32 = 2_000;
/// Connections to the database, of the service and of those who ask it directly.
const CONNECTIONS: u32 = 8;
/// One visit in so many is another department's.
const OTHERS_ONE_IN: u32 = 5;

/// Options of `bench worklist`.
#[derive(Debug, Args)]
pub struct WorklistArgs {
    /// Visits there are.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    pub visits: u32,
    /// Who ask at once.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub users: u32,
    /// Pages each of them asks for in a turn.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub pages: u32,
    /// Turns each contestant takes, after one that does not count.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: u32,
    /// Prints the figures as JSON.
    #[arg(long)]
    pub json: bool,
    /// Folder of the private PostgreSQL with the visits, kept between runs: `./var/bench`, as root `/var/lib/qingtian/bench`.
    #[arg(long)]
    pub data: Option<PathBuf>,
}

/// A list and the bare query of its first page.
struct List {
    name: &'static str,
    role: Role,
    order_by: &'static str,
    /// Asks for the visits of one officer, each user for those of another.
    own: bool,
    sql: &'static str,
}

/// The columns of a visit, and their end for one page and the sign of a further one.
macro_rules! page {
    ($rest:literal) => {
        concat!(
            "select name, draw, place, plan, organisation, subject, title, district, officers, experts, empty_places, due_date,
                created_at from visit where ",
            $rest,
            " limit 51"
        )
    };
}

const LISTS: [List; 4] = [
    List {
        name: "department",
        role: Role::Handler,
        order_by: "",
        own: false,
        sql: page!("organisation = $1 and $2 <> '' order by draw desc, place"),
    },
    List {
        name: "department-by-due-date",
        role: Role::Handler,
        order_by: "due_date",
        own: false,
        sql: page!("organisation = $1 and $2 <> '' order by due_date collate \"C\", name collate \"C\""),
    },
    List {
        name: "officer",
        role: Role::Officer,
        order_by: "",
        own: true,
        sql: page!("officers @> array[$2] and $1 <> '' order by draw desc, place"),
    },
    List {
        name: "city",
        role: Role::Coordinator,
        order_by: "",
        own: false,
        sql: page!("$1 <> '' and $2 <> '' order by draw desc, place"),
    },
];

/// A row as whoever asks directly reads it.
type Bare = (
    String,
    String,
    i64,
    String,
    String,
    String,
    String,
    String,
    Vec<String>,
    Vec<String>,
    i32,
    String,
    chrono::DateTime<chrono::Utc>,
);

fn officer(nth: u32) -> String {
    format!("16{:06}", nth % OFFICERS)
}

/// Measures every list. Progress goes to standard error.
///
/// # Errors
/// No server can be run; something that is measured fails.
pub async fn run(args: &WorklistArgs) -> anyhow::Result<Report> {
    let machine = Machine::here();
    let folder = folder(args.data.as_deref())?;
    let work = folder.join("work-worklist");
    remove(&work)?;
    std::fs::create_dir(&work).with_context(|| work.display().to_string())?;
    let mut options = Options::durable(40);
    // A checkpoint in the middle of a run would be measured with it.
    options.settings = vec![("max_wal_size".to_owned(), "4GB".to_owned())];
    let server = Postgres::start(&folder, &options).await?;
    let cases = measure(args, &server, &work).await;
    server.stop().await?;
    remove(&work)?;
    Ok(Report { bench: "worklist", machine, cases: cases? })
}

async fn measure(args: &WorklistArgs, server: &Postgres, work: &std::path::Path) -> anyhow::Result<Vec<Case>> {
    let visits = args.visits;
    let (name, title) = (format!("qingtian_bench_visits_{visits}"), format!("{visits} visits"));
    let fill = async |database: &Database| fill(database, visits).await;
    let database = Database::kept(server, &name, &title, &title, fill).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let mut env = acts::env(&database.url, &work.join("blobs"), Peers::new(&url))?;
    env.databases.connections_max = CONNECTIONS;
    let part = draws::start(&env).await?.migrated_to(&draws::SCHEMA);
    let serving = tokio::spawn(kit::serve::serve(env.clone(), vec![part], listener));
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(&database.url).await?;
    let mut cases = Vec::new();
    for list in &LISTS {
        cases.push(one(args, list, &env, &url, &pool).await.context(list.name)?);
    }
    pool.close().await;
    env.shutdown.cancel();
    serving.await??;
    env.tasks.close();
    env.tasks.wait().await;
    env.close_pools().await;
    Ok(cases)
}

/// Asks for one list in turns.
async fn one(args: &WorklistArgs, list: &'static List, env: &Env, url: &str, pool: &PgPool) -> anyhow::Result<Case> {
    let mut askers = Vec::new();
    for nth in 0..args.users {
        askers.push(Asker::new(env, url, list, nth).await?);
    }
    let (mut bare, mut api) = (Runs::default(), Runs::default());
    for round in 0..=args.runs {
        let mut asking = JoinSet::new();
        for nth in 0..args.users {
            asking.spawn(ask_database(pool.clone(), list, nth, args.pages));
        }
        let bare_took = p95(asking).await?;
        let mut asking = JoinSet::new();
        for asker in &askers {
            asking.spawn(asker.clone().ask(args.pages));
        }
        let api_took = p95(asking).await?;
        eprintln!("{}, round {round}: p95 of the query {bare_took:.2?}, of the list {api_took:.2?}", list.name);
        if round > 0 {
            bare.push(bare_took);
            api.push(api_took);
        }
    }
    Ok(Case {
        name: format!("{}.{}", list.name, args.visits),
        value: Some(api.median_secs() / bare.median_secs()),
        unit: "ratio",
        bound: Some(Bound::AtMost(RATIO_MAX)),
        said: format!("first page for {} at once, p95 {api} over that of the bare query {bare}", args.users),
    })
}

/// Times that 95 in 100 do not exceed.
async fn p95(mut asking: JoinSet<anyhow::Result<Vec<Duration>>>) -> anyhow::Result<Duration> {
    let mut times = Vec::new();
    while let Some(asked) = asking.join_next().await {
        times.extend(asked??);
    }
    times.sort_unstable();
    let at = (times.len() * 95).div_ceil(100).saturating_sub(1);
    times.get(at).copied().context("nobody asked")
}

async fn ask_database(pool: PgPool, list: &'static List, nth: u32, pages: u32) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    for _ in 0..pages {
        let began = Instant::now();
        let rows: Vec<Bare> = sqlx::query_as(list.sql).bind(REGISTER).bind(officer(nth)).fetch_all(&pool).await?;
        times.push(began.elapsed());
        ensure!(!rows.is_empty(), "the query finds nothing");
    }
    Ok(times)
}

/// Somebody who asks the service, over a connection of their own.
#[derive(Clone)]
struct Asker {
    client: VisitsClient<Channel>,
    token: AsciiMetadataValue,
    request: ListVisitsRequest,
}

impl Asker {
    async fn new(env: &Env, url: &str, list: &List, nth: u32) -> anyhow::Result<Self> {
        let claims = Claims {
            sub: format!("users/{nth}"),
            org: REGISTER.to_owned(),
            district: "410200".to_owned(),
            roles: vec![list.role as i32],
            cert: if list.own { officer(nth) } else { String::new() },
            ..Claims::default()
        };
        let (token, _) = Minter::service("identity", env.keys.clone(), env.clock.clone())?.sign(claims)?;
        let request = ListVisitsRequest {
            page_size: PAGE,
            order_by: list.order_by.to_owned(),
            officer: if list.own { "me".to_owned() } else { String::new() },
            ..Default::default()
        };
        let channel = Endpoint::from_shared(url.to_owned())?.connect().await?;
        Ok(Self { client: VisitsClient::new(channel), token: format!("Bearer {token}").parse()?, request })
    }

    async fn ask(mut self, pages: u32) -> anyhow::Result<Vec<Duration>> {
        let mut times = Vec::new();
        for _ in 0..pages {
            let mut request = Request::new(self.request.clone());
            request.metadata_mut().insert("authorization", self.token.clone());
            let began = Instant::now();
            let answer = self.client.list_visits(request).await?.into_inner();
            times.push(began.elapsed());
            ensure!(!answer.visits.is_empty() && answer.total_size > 0, "the list is empty");
        }
        Ok(times)
    }
}

/// Enters visits as dispatches would have left them.
async fn fill(database: &Database, visits: u32) -> anyhow::Result<()> {
    let mut admin = PgConnection::connect(&database.admin_url).await?;
    let each = visits.div_ceil(DRAWS);
    // Made of constants and numbers; the visits' draws are not there, which only a superuser may leave out.
    let sql = format!(
        "set session_replication_role = replica;
         insert into visit (name, draw, place, plan, organisation, subject, title, district, officers, state, due_date, created_at,
                quarter)
            select 'visits/2026-' || lpad(d::text, 4, '0') || '-' || p, 'draws/2026-' || lpad(d::text, 4, '0'), p, 'plans/2026-01',
                case when n % {OTHERS_ONE_IN} = 0 then 'organisations/bench-other' else '{REGISTER}' end,
                '91410200' || lpad(n::text, 10, '0'), '开封市第' || n || '商贸有限公司', '410202',
                array['16' || lpad((n % {OFFICERS})::text, 6, '0'), '16' || lpad((n * 7 % {OFFICERS})::text, 6, '0')], 'PENDING',
                to_char(date '2026-01-01' + n % 360, 'YYYY-MM-DD'), timestamptz '2026-01-01' + n * interval '1 second', '2026Q1'
            from (select n, 1 + n / {each} as d, 1 + n % {each} as p from generate_series(0, {visits} - 1) as n) as numbered;
         set session_replication_role = origin"
    );
    run_sql(&mut admin, sql).await?;
    run_sql(&mut admin, "vacuum (freeze, analyze)".to_owned()).await?;
    run_sql(&mut admin, "checkpoint".to_owned()).await?;
    admin.close().await?;
    Ok(())
}
