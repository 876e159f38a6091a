//! `--caps`: a statement with frequency caps in force and the quarter rule (art. 17) beside one without either, over the same register,
//! turn by turn. Every tenth subject was visited this quarter, half of them this year, and some of those have no visit left.

use std::{path::Path, time::Duration};

use anyhow::ensure;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{
    OFFICERS_EACH,
    acts::{self, Besides},
    nobody,
    register::{Database, REGISTER},
    remove, told,
};
use crate::bench::report::{Bound, Case, Runs};

/// At most twice the time without.
const CAPPED_MAX: f64 = 2.0;
/// One in so many subjects was visited this quarter.
const VISITED_ONE_IN: u32 = 10;
/// One in so many of those visited this year has no visit left.
const SPENT_ONE_IN: u32 = 20;

/// Measures a register. Progress goes to standard error.
///
/// # Errors
/// Something that is measured fails.
pub async fn measure(database: &Database, size: u32, work: &Path, runs: u32) -> anyhow::Result<Case> {
    let mut admin = PgConnection::connect(&database.admin_url).await?;
    // Those of a run that was cut.
    forget(&mut admin).await?;
    told::visit(&mut admin, size / VISITED_ONE_IN).await?;
    use_up(&mut admin).await?;
    let (mut without, mut with) = (Runs::default(), Runs::default());
    for round in 0..=runs {
        caps(&mut admin, false).await?;
        let (plain, whole) = statement(database, work, Besides::SecondVisits).await?;
        caps(&mut admin, true).await?;
        let (capped, spared) = statement(database, work, Besides::Nothing).await?;
        eprintln!("{size} subjects, round {round}: without {plain:.2?}, with caps and quarter {capped:.2?}");
        ensure!(whole == size as usize, "{whole} subjects in the pool, not {size}");
        let visited = (size / VISITED_ONE_IN) as usize;
        ensure!(spared < whole - visited && spared > whole / 2, "{spared} subjects of {whole} are left");
        if round > 0 {
            without.push(plain);
            with.push(capped);
        }
    }
    forget(&mut admin).await?;
    admin.close().await?;
    Ok(Case {
        name: format!("statement-capped.{size}"),
        value: Some(with.median_secs() / without.median_secs()),
        unit: "ratio",
        bound: Some(Bound::AtMost(CAPPED_MAX)),
        said: format!("the statement with caps and the quarter rule {with} over that without {without}"),
    })
}

/// Times a statement; answers how many its pool has besides.
async fn statement(database: &Database, work: &Path, besides: Besides) -> anyhow::Result<(Duration, usize)> {
    let blobs = work.join("capped");
    let env = acts::env(&database.url, &blobs, nobody())?;
    let (took, (files, _)) = acts::timed(acts::statement(&env, OFFICERS_EACH, besides)).await?;
    let lines = files.subjects.iter().filter(|byte| **byte == b'\n').count();
    drop(files);
    remove(&blobs)?;
    Ok((took, lines))
}

/// What dispatches would have counted this year: of half the subjects, by their authority and all together.
async fn use_up(admin: &mut PgConnection) -> anyhow::Result<()> {
    let year = year();
    // Made of constants and numbers.
    let sql = format!(
        "insert into visit_use (year, authority, subject, used, cap)
            select {year}, authority, key, case when n % {SPENT_ONE_IN} = 0 then 2 else 1 end, 2
            from (select row_number() over () as n, key from subject) as numbered cross join unnest(array['{REGISTER}', '']) as authority
            where n % 2 = 0"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *admin).await?;
    sqlx::raw_sql("vacuum (analyze) visit_use").execute(&mut *admin).await?;
    sqlx::raw_sql("checkpoint").execute(admin).await?;
    Ok(())
}

fn year() -> i32 {
    chrono::Datelike::year(&kit::workdays::legal_day(chrono::Utc::now()))
}

/// Puts caps of the authority and of the city in force, or takes them away, which only a superuser may.
async fn caps(admin: &mut PgConnection, in_force: bool) -> anyhow::Result<()> {
    let year = year();
    let insert = format!(
        "insert into cap (id, organisation, authority, year, limits, basis, effective_on, state, revision, creator, created_at, decider,
                decided_at)
            select 'bench-' || n, '{REGISTER}', authority, {year}, limits::jsonb, 'bench', '{year}-01-01', 'PUBLISHED', 2, 'users/a',
                '{year}-01-01', 'users/b', '{year}-01-01'
            from (values (1, '{REGISTER}', '{{\"*\": 2, \"D\": 9}}'), (2, '', '{{\"*\": 3}}')) as given (n, authority, limits);"
    );
    // Made of constants and numbers.
    let sql = format!(
        "set session_replication_role = replica; delete from cap; {} set session_replication_role = origin",
        if in_force { insert.as_str() } else { "" }
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *admin).await?;
    sqlx::raw_sql("vacuum (analyze) cap").execute(admin).await?;
    Ok(())
}

async fn forget(admin: &mut PgConnection) -> anyhow::Result<()> {
    caps(admin, false).await?;
    sqlx::raw_sql("truncate visit_use").execute(&mut *admin).await?;
    told::forget_visits(admin).await
}
