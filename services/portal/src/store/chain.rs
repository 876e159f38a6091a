//! How draws hang together, and what became of the drawn (art. 14-17).

use kit::error::Result;
use proto::qingtian::draws::{
    events::v1::VisitsDeferred,
    v1::{Drawn, DrawnOutcome},
};
use sqlx::{PgConnection, PgPool};

/// Keeps which drawn subjects are deferred, and why.
pub async fn save_deferred(conn: &mut PgConnection, event: &VisitsDeferred) -> anyhow::Result<()> {
    let (places, visits): (Vec<i32>, Vec<&str>) =
        event.deferred.iter().map(|one| (one.place, one.other_visit.as_str())).unzip();
    sqlx::query(
        "update drawn set deferred_for = told.visit, deferred_reason = $2
         from unnest($3::int[], $4::text[]) as told (place, visit) where draw = $1 and drawn.place = told.place",
    )
    .bind(&event.draw)
    .bind(&event.reason)
    .bind(places)
    .bind(visits)
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps how many were deferred.
pub async fn save_deferred_count(conn: &mut PgConnection, draw: &str, deferred: i64) -> anyhow::Result<()> {
    sqlx::query("update draw set deferred = $2 where name = $1").bind(draw).bind(deferred).execute(conn).await?;
    Ok(())
}

/// Says of drawn subjects what became of them: a visit, a deferral, a draw of teams that has them, or no team so far. A draw of
/// teams has whom it drew; before its reveal its statement names the pool by digest alone.
pub async fn name_outcomes(pool: &PgPool, draw: &str, drawn: &mut [Drawn]) -> Result<()> {
    // 5 and 6 are DISPATCHED and DONE.
    let sql = "select r.place, r.deferred_reason, r.deferred_for, coalesce(t.draw, ''), d.state in (5, 6)
               from drawn r join draw d on d.name = r.draw
               left join lateral (select g.draw from drawn g join draw f on f.name = g.draw
                   where g.key = r.key and f.follows = r.draw and cardinality(r.officers) = 0
                   order by f.year desc, f.number desc limit 1) t on true
               where r.draw = $1 and r.place = any($2)";
    let places: Vec<i32> = drawn.iter().map(|one| one.place).collect();
    let rows: Vec<(i32, String, String, String, bool)> =
        sqlx::query_as(sql).bind(draw).bind(places).fetch_all(pool).await?;
    for (place, reason, other, teams, dispatched) in rows {
        let Some(one) = drawn.iter_mut().find(|one| one.place == place) else { continue };
        let outcome = match (reason.is_empty(), teams.is_empty(), one.officers.is_empty(), dispatched) {
            (false, _, _, _) => DrawnOutcome::Deferred,
            (true, false, _, _) => DrawnOutcome::TeamDrawn,
            (true, true, true, true) => DrawnOutcome::NoTeam,
            (true, true, false, true) => DrawnOutcome::Visit,
            (true, true, _, false) => DrawnOutcome::Unspecified,
        };
        one.set_outcome(outcome);
        one.outcome_of = if reason.is_empty() { teams } else { other };
        one.outcome_reason = reason;
    }
    Ok(())
}
