//! `qingtian bench draw`: what a draw costs (art. 11, 15), as ratios to what others do on the same table in the same run.
//!
//! - The **reveal** beside `SELECT ... ORDER BY random() LIMIT k`, which proves nothing.
//! - The **statement** beside a bare `COPY ... TO STDOUT` of the columns it reads.
//! - How the reveal **grows** from the smallest register to the largest.
//! - The peak **memory** of statement and reveal, each in a process of its own.
//! - An **import** through the API beside a bare COPY of the same rows into the same table.
//! - Of the largest register, [`told`] once and held to no bound: what **withholding** it adds to the statement, and what the
//!   **quarter rule** adds where every tenth subject was visited.
//! - With `--caps` alone: what **caps and the quarter rule** add to a statement, [`capped`].
//!
//! The contestants take turns; medians are compared. The [`register`]s stay for the next run.

pub(super) mod acts;
mod capped;
mod import;
pub(super) mod register;
mod told;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use draws::draws::freeze::Files;
use futures::TryStreamExt;
use kit::{
    embedded::{Options, Postgres},
    env::Env,
    peers::Peers,
};
use sqlx::{Connection, PgConnection};

use self::{
    acts::{Besides, Stated},
    register::Database,
};
use super::report::{Bound, Case, Machine, Report, Runs, memory_peak_bytes};

/// Candidates a district for every figure with a bound.
const OFFICERS_EACH: u32 = 40;
/// Candidates a district of the reveal that is only told.
const MANY_OFFICERS_EACH: u32 = 1_000;
/// Reveals of the smallest register for one of the largest.
const BESIDE_REVEALS: u32 = 20;
/// Where a statement leaves what its reveal needs.
const STATED: &str = "stated.json";

/// At most the time of the query.
const REVEAL_MAX: f64 = 1.0;
/// At most four times the bare COPY.
const STATEMENT_MAX: f64 = 4.0;
/// Time grows no faster than the register, but for noise.
const GROWTH_MAX: f64 = 1.05;
/// 1 GiB.
const MEMORY_BYTES_MAX: f64 = 1_073_741_824.0;
/// Half the rows per second of the bare COPY.
const IMPORT_MAX: f64 = 2.0;

/// Options of `bench draw`.
#[derive(Debug, Args)]
pub struct DrawArgs {
    /// Sizes of registers. Bounds are held against the largest.
    #[arg(long, num_args = 1.., default_values_t = [100_000, 1_000_000, 10_000_000],
        value_parser = clap::value_parser!(u32).range(900..=20_000_000))]
    pub subjects: Vec<u32>,
    /// Rows of the import.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub import_rows: u32,
    /// Turns each contestant takes, after one that does not count.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: u32,
    /// Only the statement with frequency caps and the quarter rule beside the one without, on the largest register.
    #[arg(long)]
    pub caps: bool,
    /// Prints the figures as JSON.
    #[arg(long)]
    pub json: bool,
    /// Folder of the private PostgreSQL with the registers, kept between runs: `./var/bench`, as root `/var/lib/qingtian/bench`.
    #[arg(long)]
    pub data: Option<PathBuf>,
}

/// An act that is measured in a process of its own.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Act {
    Statement,
    Reveal,
}

/// Options of `bench draw-act`.
#[derive(Debug, Args)]
pub struct ActArgs {
    act: Act,
    /// Database with the register, as the service.
    #[arg(long)]
    database: String,
    /// Folder of blobs; of the reveal, those that the statement kept.
    #[arg(long)]
    blobs: PathBuf,
    /// States over a register that is withheld.
    #[arg(long)]
    withheld: bool,
}

/// Does one act and answers the most memory this process ever held, in bytes.
///
/// # Errors
/// The act fails.
pub async fn act(args: &ActArgs) -> anyhow::Result<u64> {
    let env = acts::env(&args.database, &args.blobs, nobody())?;
    match args.act {
        Act::Statement => {
            let besides = if args.withheld { Besides::Withheld } else { Besides::Nothing };
            let (_files, stated) = acts::statement(&env, OFFICERS_EACH, besides).await?;
            stated.write(&args.blobs.join(STATED))?;
        }
        Act::Reveal => {
            let (done, names) = acts::revealed_with_names(&env, &Stated::read(&args.blobs.join(STATED))?).await?;
            ensure!(names.len() == done.rows.len() && names.iter().all(|name| !name.is_empty()), "a name is missing");
        }
    }
    memory_peak_bytes()
}

/// No other part is called by what is measured.
fn nobody() -> Peers {
    Peers::new("http://127.0.0.1:1")
}

/// Measures everything. Progress goes to standard error.
///
/// # Errors
/// No server can be run; something that is measured fails.
pub async fn run(args: &DrawArgs) -> anyhow::Result<Report> {
    let machine = Machine::here();
    let mut sizes = args.subjects.clone();
    sizes.sort_unstable();
    sizes.dedup();
    let folder = folder(args.data.as_deref())?;
    let work = folder.join("work");
    // What a run that was cut left behind.
    remove(&work)?;
    std::fs::create_dir(&work).with_context(|| work.display().to_string())?;
    let mut options = Options::durable(40);
    // A checkpoint in the middle of a run would be measured with it.
    options.settings = vec![("max_wal_size".to_owned(), "4GB".to_owned())];
    let server = Postgres::start(&folder, &options).await?;
    let cases = measure(args, &sizes, &server, &work).await;
    server.stop().await?;
    remove(&work)?;
    Ok(Report { bench: "draw", machine, cases: cases? })
}

/// Where a bench keeps its private PostgreSQL.
///
/// # Errors
/// It cannot be made.
pub(super) fn folder(data: Option<&Path>) -> anyhow::Result<PathBuf> {
    let folder = match data {
        Some(folder) => folder.to_owned(),
        // PostgreSQL does not run as root; its own user could not reach a checkout below a home of mode 0700.
        None if nix::unistd::Uid::effective().is_root() => PathBuf::from("/var/lib/qingtian/bench"),
        None => std::env::current_dir()?.join("var/bench"),
    };
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    folder.canonicalize().with_context(|| folder.display().to_string())
}

pub(super) fn remove(folder: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| folder.display().to_string())
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

async fn measure(args: &DrawArgs, sizes: &[u32], server: &Postgres, work: &Path) -> anyhow::Result<Vec<Case>> {
    if args.caps {
        let Some(size) = sizes.last() else { return Ok(Vec::new()) };
        let database = Database::register(server, *size, &[OFFICERS_EACH, MANY_OFFICERS_EACH]).await?;
        return Ok(vec![capped::measure(&database, *size, work, args.runs).await?]);
    }
    // All are made before anything is measured.
    let mut databases = BTreeMap::new();
    for size in sizes {
        let database = Database::register(server, *size, &[OFFICERS_EACH, MANY_OFFICERS_EACH]).await?;
        databases.insert(*size, database);
    }
    let (mut cases, mut growth) = (Vec::new(), Vec::new());
    let largest = databases.keys().max().copied();
    for (size, database) in &databases {
        let bounded = Some(*size) == largest;
        let beside = databases.iter().next().filter(|(least, _)| bounded && *least != size);
        let bench = Bench { size: *size, database, beside: beside.map(|(_, least)| least), work, runs: args.runs };
        let measured = bench.draw().await.with_context(|| format!("{size} subjects"))?;
        measured.tell(*size, bounded, &mut cases);
        if let Some((least, _)) = beside {
            growth.push(measured.growth(*least, *size));
        }
        if bounded {
            let open_bytes = bench.memory(&mut cases).await?;
            cases.extend(told::measure(database, *size, work, open_bytes).await.context("what is only told")?);
        }
    }
    cases.extend(growth);
    let blobs = work.join("import");
    let import = import::measure(server, &blobs, args.import_rows, args.runs as usize).await?;
    remove(&blobs)?;
    cases.push(Case {
        name: format!("import.{}", args.import_rows),
        value: Some(import.import.median_secs() / import.copy.median_secs()),
        unit: "ratio",
        bound: Some(Bound::AtMost(IMPORT_MAX)),
        said: format!("time of an import {} over COPY FROM {}", import.import, import.copy),
    });
    Ok(cases)
}

/// One register under measurement.
struct Bench<'a> {
    size: u32,
    database: &'a Database,
    /// The smallest register, revealed in turn with the largest: what else the machine does then slows both.
    beside: Option<&'a Database>,
    work: &'a Path,
    runs: u32,
}

/// What was measured on one register.
#[derive(Debug, Default)]
struct Measured {
    drawn: usize,
    query: Runs,
    reveal: Runs,
    many_reveal: Runs,
    /// Reveals of the smallest register, in turn with these.
    beside: Runs,
    copy: Runs,
    statement: Runs,
}

impl Measured {
    /// The power of n with which the reveal grows from the smallest register to the largest.
    fn growth(&self, least: u32, most: u32) -> Case {
        let (fast, slow) = (self.beside.median_secs(), self.reveal.median_secs());
        Case {
            name: format!("growth.{least}-{most}"),
            value: Some((slow / fast).ln() / (f64::from(most) / f64::from(least)).ln()),
            unit: "exponent",
            bound: Some(Bound::AtMost(GROWTH_MAX)),
            said: format!("the reveal takes {} and {}", self.beside, self.reveal),
        }
    }

    fn tell(&self, size: u32, bounded: bool, cases: &mut Vec<Case>) {
        let (k, query) = (self.drawn, &self.query);
        let mut tell = |name: String, runs: &Runs, over: &Runs, bound: Option<Bound>, said: String| {
            let value = Some(runs.median_secs() / over.median_secs());
            cases.push(Case { name, value, unit: "ratio", bound: bound.filter(|_| bounded), said });
        };
        let said = format!(
            "sections 3 to 5 with files read and checked {} over ORDER BY random() LIMIT {k} {query}",
            self.reveal
        );
        tell(format!("reveal.{size}"), &self.reveal, query, Some(Bound::AtMost(REVEAL_MAX)), said);
        let said = format!("the same with {MANY_OFFICERS_EACH} officers a district {}", self.many_reveal);
        tell(format!("reveal-{MANY_OFFICERS_EACH}-officers.{size}"), &self.many_reveal, query, None, said);
        let said = format!("the whole statement, durably kept, {} over COPY TO STDOUT {}", self.statement, self.copy);
        let bound = Some(Bound::AtMost(STATEMENT_MAX));
        tell(format!("statement.{size}"), &self.statement, &self.copy, bound, said);
    }
}

impl Bench<'_> {
    async fn draw(&self) -> anyhow::Result<Measured> {
        let mut measured = Measured::default();
        let mut connection = PgConnection::connect(&self.database.admin_url).await?;
        // What making the register left to write would be written during the first runs.
        sqlx::raw_sql("checkpoint").execute(&mut connection).await?;
        // The yardstick's; the product works with what the server gives everybody.
        sqlx::raw_sql("set work_mem = '256MB'").execute(&mut connection).await?;

        self.explain(&mut connection, COPY_READS).await?;
        let mut last = None;
        for round in 0..=self.runs {
            let copied = copy(&mut connection, self.size).await?;
            let blobs = self.work.join(format!("statement-{round}"));
            let env = acts::env(&self.database.url, &blobs, nobody())?;
            let (stated_in, made) = acts::timed(acts::statement(&env, OFFICERS_EACH, Besides::Nothing)).await?;
            eprintln!("{} subjects, round {round}: COPY {copied:.2?}, statement {stated_in:.2?}", self.size);
            if round > 0 {
                measured.copy.push(copied);
                measured.statement.push(stated_in);
            }
            if let Some((_, _, before)) = last.replace((env, made, blobs)) {
                remove(&before)?;
            }
        }
        let Some((env, (files, stated), blobs)) = last else { return Ok(measured) };
        self.reveals(&mut measured, &mut connection, &env, files, &stated).await?;
        connection.close().await?;
        remove(&blobs)?;
        Ok(measured)
    }

    async fn reveals(
        &self,
        measured: &mut Measured,
        connection: &mut PgConnection,
        env: &Env,
        files: Files,
        stated: &Stated,
    ) -> anyhow::Result<()> {
        let many = acts::restate(env, &files, MANY_OFFICERS_EACH).await?;
        drop(files);
        measured.drawn = acts::revealed(env, stated).await?.rows.len();
        let query = format!("{RANDOM_ORDER} {}", measured.drawn);
        self.explain(connection, &query).await?;
        let beside = match self.beside {
            Some(least) => {
                let env = acts::env(&least.url, &self.work.join("beside"), nobody())?;
                let (_, stated) = acts::statement(&env, OFFICERS_EACH, Besides::Nothing).await?;
                Some((env, stated))
            }
            None => None,
        };
        for round in 0..=self.runs {
            let queried = rows(connection, &query, measured.drawn).await?;
            if let Some((env, stated)) = &beside {
                let again = async {
                    for _ in 0..BESIDE_REVEALS {
                        acts::revealed(env, stated).await?;
                    }
                    Ok(())
                };
                let (took, ()) = acts::timed(again).await?;
                if round > 0 {
                    measured.beside.push(took / BESIDE_REVEALS);
                }
            }
            let (few, done) = acts::timed(acts::revealed(env, stated)).await?;
            ensure!(done.rows.len() == measured.drawn && done.rows.iter().all(|row| row.officers.len() == 2));
            drop(done);
            let (lot, _) = acts::timed(acts::revealed(env, &many)).await?;
            eprintln!("{} subjects, round {round}: query {queried:.2?}, reveal {few:.2?}, {lot:.2?}", self.size);
            if round > 0 {
                measured.query.push(queried);
                measured.reveal.push(few);
                measured.many_reveal.push(lot);
            }
        }
        Ok(())
    }

    /// Prints how PostgreSQL goes about a query.
    async fn explain(&self, connection: &mut PgConnection, query: &str) -> anyhow::Result<()> {
        // The query is made of constants and a number.
        let sql = sqlx::AssertSqlSafe(format!("explain {query}"));
        let plan: Vec<String> = sqlx::query_scalar(sql).fetch_all(connection).await?;
        eprintln!("{} subjects: {query}\n    {}", self.size, plan.join("\n    "));
        Ok(())
    }

    /// Statement and reveal once more, each in a process of its own. Answers the bytes of the statement.
    async fn memory(&self, cases: &mut Vec<Case>) -> anyhow::Result<f64> {
        let blobs = self.work.join("memory");
        let mut peaks = Vec::new();
        for (act, said) in [("statement", "the statement"), ("reveal", "the reveal, names of the drawn included")] {
            let bytes = memory_of(self.database, &blobs, &[act]).await?;
            peaks.push(bytes);
            cases.push(Case {
                name: format!("memory-{act}.{}", self.size),
                value: Some(bytes),
                unit: "bytes",
                bound: Some(Bound::AtMost(MEMORY_BYTES_MAX)),
                said: format!("the most memory held during {said}"),
            });
        }
        remove(&blobs)?;
        Ok(peaks[0])
    }
}

/// The most memory that an act held in a process of its own, in bytes.
async fn memory_of(database: &Database, blobs: &Path, act: &[&str]) -> anyhow::Result<f64> {
    let mut child = tokio::process::Command::new(std::env::current_exe()?);
    child.args(["bench", "draw-act"]).args(act).args(["--database", &database.url, "--blobs"]).arg(blobs);
    let output = child.kill_on_drop(true).output().await?;
    ensure!(output.status.success(), "{act:?}: {}", String::from_utf8_lossy(&output.stderr));
    let bytes: u64 = String::from_utf8(output.stdout)?.trim().parse()?;
    Ok(bytes as f64)
}

/// What others do; the number of rows follows.
const RANDOM_ORDER: &str = "select key, district from subject order by random() limit";
/// What the COPY beside the statement reads: the columns the statement reads.
const COPY_READS: &str = "select key, title, district, in_business from subject";

/// Times a query until its last row is here; rows are not looked at.
async fn rows(connection: &mut PgConnection, query: &str, expected: usize) -> anyhow::Result<Duration> {
    let read = async {
        // The query is made of constants and a number.
        let found = sqlx::query(sqlx::AssertSqlSafe(query)).fetch(&mut *connection);
        Ok(found.try_fold(0_usize, async |rows, _| Ok(rows + 1)).await?)
    };
    let (took, found) = acts::timed(read).await?;
    ensure!(found == expected, "{found} rows, not {expected}");
    Ok(took)
}

/// Times a bare COPY until its last byte is here; bytes are not looked at.
async fn copy(connection: &mut PgConnection, expected: u32) -> anyhow::Result<Duration> {
    let read = async {
        let found = connection.copy_out_raw("copy subject (key, title, district, in_business) to stdout").await?;
        Ok(found.try_fold(0_u64, async |bytes, chunk| Ok(bytes + chunk.len() as u64)).await?)
    };
    let (took, bytes) = acts::timed(read).await?;
    ensure!(bytes > u64::from(expected) * 18, "only {bytes} bytes");
    Ok(took)
}
