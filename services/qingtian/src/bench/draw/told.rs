//! What a statement costs besides, told and held to no bound: a register that the law withholds (art. 18), and the quarter rule over
//! many visits (art. 17). One turn each, after those with a bound.

use std::{path::Path, time::Duration};

use anyhow::ensure;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{
    OFFICERS_EACH,
    acts::{self, Besides},
    memory_of, nobody,
    register::{Database, REGISTER},
    remove,
};
use crate::bench::report::Case;

/// One in so many subjects was visited.
const VISITED_ONE_IN: u32 = 10;

/// Measures both on the largest register. `open_bytes` is the memory of the statement that withholds nothing.
///
/// # Errors
/// Something that is measured fails.
pub async fn measure(database: &Database, size: u32, work: &Path, open_bytes: f64) -> anyhow::Result<Vec<Case>> {
    let mut admin = PgConnection::connect(&database.admin_url).await?;
    // Those of a run that was cut.
    forget_visits(&mut admin).await?;
    let open = statement(database, work, Besides::Nothing, size).await?;
    let withheld = statement(database, work, Besides::Withheld, size).await?;
    let blobs = work.join("memory-withheld");
    let withheld_bytes = memory_of(database, &blobs, &["statement", "--withheld"]).await?;
    remove(&blobs)?;
    let visits = size / VISITED_ONE_IN;
    visit(&mut admin, visits).await?;
    let without = statement(database, work, Besides::SecondVisits, size).await?;
    let with = statement(database, work, Besides::Nothing, size - visits).await?;
    forget_visits(&mut admin).await?;
    admin.close().await?;
    eprintln!(
        "{size} subjects: open {open:.2?}, withheld {withheld:.2?}, quarter not asked {without:.2?}, asked {with:.2?}"
    );
    let ratio = |name: &str, value: f64, said: String| {
        let name = format!("{name}.{size}");
        Case { name, value: Some(value), unit: "ratio", bound: None, said }
    };
    Ok(vec![
        ratio(
            "statement-withheld",
            withheld.as_secs_f64() / open.as_secs_f64(),
            format!("the statement over a withheld register {withheld:.4?} over that of an open one {open:.4?}"),
        ),
        ratio(
            "memory-statement-withheld",
            withheld_bytes / open_bytes,
            format!("the most memory held, {withheld_bytes} bytes over {open_bytes}"),
        ),
        ratio(
            "statement-quarter",
            with.as_secs_f64() / without.as_secs_f64(),
            format!(
                "the statement with the quarter rule over {visits} visits {with:.4?} over that without {without:.4?}"
            ),
        ),
    ])
}

/// Times a statement whose pool has so many subjects.
async fn statement(database: &Database, work: &Path, besides: Besides, pool: u32) -> anyhow::Result<Duration> {
    let blobs = work.join("told");
    let env = acts::env(&database.url, &blobs, nobody())?;
    let (took, (files, _)) = acts::timed(acts::statement(&env, OFFICERS_EACH, besides)).await?;
    let lines = files.subjects.iter().filter(|byte| **byte == b'\n').count();
    ensure!(lines == pool as usize, "{lines} subjects in the pool, not {pool}");
    drop(files);
    remove(&blobs)?;
    Ok(took)
}

/// Has so many subjects visited in this quarter, by a draw that nothing here asks for.
pub(super) async fn visit(admin: &mut PgConnection, visits: u32) -> anyhow::Result<()> {
    let quarter = draws::plans::rules::quarter(chrono::Utc::now());
    // Made of constants and numbers; the visits' draw is not there, which only a superuser may leave out.
    let sql = format!(
        "set session_replication_role = replica;
         insert into visit (name, draw, place, plan, organisation, subject, title, district, officers, state, due_date, created_at, quarter)
            select 'visits/2026-0001-' || n, 'draws/2026-0001', n, 'plans/2026-01', '{REGISTER}', key, title, district, array['1'],
                'PENDING', '2026-12-31', '2026-01-01', '{quarter}'
            from (select row_number() over () as n, key, title, district from subject limit {visits}) as chosen;
         set session_replication_role = origin"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *admin).await?;
    sqlx::raw_sql("vacuum (analyze) visit").execute(&mut *admin).await?;
    // What this left to write would be written during the statement.
    sqlx::raw_sql("checkpoint").execute(admin).await?;
    Ok(())
}

pub(super) async fn forget_visits(admin: &mut PgConnection) -> anyhow::Result<()> {
    sqlx::raw_sql("delete from visit").execute(&mut *admin).await?;
    sqlx::raw_sql("vacuum visit").execute(admin).await?;
    Ok(())
}
