//! Questions to the tables of draws that follow draws (art. 14-17), one function each.

use std::collections::{BTreeMap, HashMap};

use futures::TryStreamExt;
use kit::error::Result;
use proto::qingtian::draws::v1 as pb;
use sqlx::PgConnection;

use super::{
    pool::Lines,
    rules::{DRAWN_BEFORE, HAS_TEAM, IN_ANOTHER_DRAW, VISITED_THIS_QUARTER},
};
use crate::{
    caps::{BUDGET_SPENT, reserve, spent, spent_joins},
    plans::rules::Plan,
    registers::store::{Spared, counties},
    visits::takes_its_quarter,
};

/// A failed draw of a plan that waits for its successor, among those that compete for the same. It is failed for ever: the turn
/// of a quarter makes nobody forget it.
///
/// # Errors
/// The database fails.
pub async fn failed(conn: &mut PgConnection, plan: &str, rivalry: &str) -> Result<Option<String>> {
    let sql = "select name from draw f where plan = $1 and state = 'FAILED'
                   and (case when kind = 'TEAMS' then follows || ' ' || organisation else '' end) = $2
                   and not exists (select from draw s where s.replaces = f.name and s.state <> 'ABANDONED')
               order by year, number limit 1";
    Ok(sqlx::query_scalar(sql).bind(plan).bind(rivalry).fetch_optional(conn).await?)
}

/// Who of a draw's pool a supplementary draw leaves out, as lines `key TAB reason` sorted by key: the drawn, by the original draw
/// or by any that supplements it, those who have gone, in this order of weight those with a planned visit in the quarter, and those
/// with none left this year. The database sorts, and nothing is held here.
///
/// # Errors
/// The database fails.
pub async fn left_out_of_supplement(
    conn: &mut PgConnection,
    follows: &str,
    plan: &Plan,
    (quarter, day): Spared<'_>,
    mut lines: Lines,
) -> Result<()> {
    // Draws that supplement one original come from one pool, whichever of them each follows.
    let sql = concat!(
        "with recursive up as (
             select name, follows from draw where name = $1
             union all select d.name, d.follows from draw d join up on d.name = up.follows),
         family as (
             select name from up where follows is null
             union all select d.name from draw d join family on d.follows = family.name where d.kind = 'SUPPLEMENTARY')
         select key, reason from (
             select subject as key, 1 as weight, $4 as reason from draw_result where draw in (select name from family)
             union all
             select key, 2, case when gone = '' then 'NOT_IN_BUSINESS' else gone end from subject
                 where organisation = $2 and not in_business
             union all
             select v.subject, 3, $5 from visit v where v.quarter = $3 and ",
        takes_its_quarter!(),
        " union all
             select s.key, 4, $6 from subject s",
        spent_joins!("$7", "$9::jsonb"),
        "where s.organisation = $2 and $8 and ",
        spent!(),
        ") out order by key collate \"C\", weight"
    );
    // Where no cap is in force the register is not gone through for nothing.
    let capped = reserve::any_in_force(conn, day).await?;
    let found = sqlx::query_as(sql).bind(follows).bind(&plan.organisation).bind(quarter).bind(DRAWN_BEFORE);
    let mut rows =
        found.bind(VISITED_THIS_QUARTER).bind(BUDGET_SPENT).bind(day).bind(capped).bind(counties(plan)).fetch(conn);
    while let Some((key, reason)) = rows.try_next().await? {
        let (key, reason): (String, String) = (key, reason);
        lines.push(&[&key, &reason]).await;
    }
    lines.finish().await;
    Ok(())
}

/// Districts of a draw's result.
///
/// # Errors
/// The database fails.
pub async fn districts(conn: &mut PgConnection, draw: &str) -> Result<Vec<String>> {
    let sql = "select distinct district from draw_result where draw = $1 order by district";
    Ok(sqlx::query_scalar(sql).bind(draw).fetch_all(conn).await?)
}

/// The drawn subjects of a draw ($1) in some districts ($2) as the scope of a draw of teams that follows it: why each is left
/// out, or an empty text where a team is wanted. $3 is the register, $4 the quarter in which nobody is visited twice. Who
/// waits is told alike by [`awaiting`].
fn drawn() -> String {
    let takes_its_quarter = takes_its_quarter!();
    format!(
        "(select r.subject, r.stratum, r.district, coalesce(t.draw, '') as other,
        case when cardinality(r.officers) > 0 or coalesce(cardinality(g.officers) > 0, false) then '{HAS_TEAM}'
            when t.draw is not null then '{IN_ANOTHER_DRAW}'
            when s.key is not null then case when s.gone = '' then 'NOT_IN_BUSINESS' else s.gone end
            when exists (select from visit v where v.quarter = $4::text and v.subject = r.subject and {takes_its_quarter})
                then '{VISITED_THIS_QUARTER}'
            else '' end as reason
     from draw_result r
     -- Of a failed draw and its successor the successor.
     left join (select distinct on (t.subject) t.subject, t.draw from draw_team_subject t join draw d on d.name = t.draw
                where t.follows = $1 and d.state <> 'ABANDONED'
                order by t.subject, d.year desc, d.number desc) t on t.subject = r.subject
     left join draw_result g on g.draw = t.draw and g.subject = r.subject
     left join subject s on s.organisation = $3 and s.key = r.subject and not s.in_business
     where r.draw = $1 and r.district = any($2)) drawn"
    )
}

/// The drawn subjects that a draw of teams is about.
#[derive(Debug, Clone, Copy)]
pub struct OfTeams<'a> {
    /// The draw that is followed.
    pub follows: &'a str,
    /// Districts in which teams are owed.
    pub districts: &'a [String],
    /// Organisation whose register tells who has gone.
    pub register: &'a str,
    /// Quarter in which nobody is visited twice; none where a published reason allows it.
    pub quarter: Option<&'a str>,
}

/// How many of them want a team, and the draws of teams that have others, with how many.
///
/// # Errors
/// The database fails.
pub async fn teams_wanted(conn: &mut PgConnection, of: OfTeams<'_>) -> Result<(i64, BTreeMap<String, i64>)> {
    // The text is made of constants of this module.
    let drawn = drawn();
    let sql = format!(
        "select reason, other, count(*) from {drawn} where reason in ('', '{IN_ANOTHER_DRAW}') group by reason, other"
    );
    let found = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(of.follows).bind(of.districts).bind(of.register);
    let rows: Vec<(String, String, i64)> = found.bind(of.quarter).fetch_all(conn).await?;
    let wanted = rows.iter().filter(|(reason, ..)| reason.is_empty()).map(|(.., n)| n).sum();
    let others = rows.into_iter().filter(|(reason, ..)| !reason.is_empty()).map(|(_, other, n)| (other, n));
    Ok((wanted, others.collect()))
}

/// All of them as lines `key TAB stratum TAB district TAB reason`, sorted by key.
///
/// # Errors
/// The database fails.
pub async fn scope_of_teams(conn: &mut PgConnection, of: OfTeams<'_>, mut lines: Lines) -> Result<()> {
    // The text is made of constants of this module.
    let drawn = drawn();
    let sql = format!("select subject, stratum, district, reason from {drawn} order by subject collate \"C\"");
    let found = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(of.follows).bind(of.districts).bind(of.register);
    let mut rows = found.bind(of.quarter).fetch(conn);
    while let Some(row) = rows.try_next().await? {
        let (key, stratum, district, reason): (String, String, String, String) = row;
        lines.push(&[&key, &stratum, &district, &reason]).await;
    }
    lines.finish().await;
    Ok(())
}

/// Writes subjects of the pool of a stated draw of teams.
///
/// # Errors
/// The database fails.
pub async fn insert_team_subjects(conn: &mut PgConnection, draw: &str, follows: &str, keys: &[&str]) -> Result<()> {
    let sql = "insert into draw_team_subject (draw, follows, subject) select $1, $2, unnest($3::text[])";
    sqlx::query(sql).bind(draw).bind(follows).bind(keys).execute(conn).await?;
    Ok(())
}

/// How draws hang together, as lists and pages show it.
#[derive(Debug, Default)]
pub struct Chain {
    /// Draws that follow, by number.
    pub followed_by: Vec<String>,
    /// The draw that succeeds a failed one.
    pub replaced_by: String,
}

/// What follows from each of these draws.
///
/// # Errors
/// The database fails.
pub async fn chains(conn: &mut PgConnection, names: &[String]) -> Result<HashMap<String, Chain>> {
    let mut chains: HashMap<String, Chain> = HashMap::new();
    let sql = "select coalesce(replaces, follows), name, replaces is not null from draw
               where (follows = any($1) and replaces is null or replaces = any($1)) and state <> 'ABANDONED' order by year, number";
    let links: Vec<(String, String, bool)> = sqlx::query_as(sql).bind(names).fetch_all(&mut *conn).await?;
    for (before, name, replaces) in links {
        let chain = chains.entry(before).or_default();
        if replaces {
            chain.replaced_by = name;
        } else {
            chain.followed_by.push(name);
        }
    }
    Ok(chains)
}

/// Who owes teams to how many drawn subjects of each of these draws: those a draw of teams made now would have, and no draw of
/// teams has. Who has gone waits for nothing; who has a planned visit in `quarter` waits for the next one, unless the plan gives a
/// published reason for a second visit.
///
/// # Errors
/// The database fails.
pub async fn awaiting(conn: &mut PgConnection, draws: &mut [pb::Draw], quarter: &str) -> Result<()> {
    let sql = concat!(
        "select r.draw, coalesce(case when d.kind <> 'TEAMS' then p.foresees -> 'county_units' ->> r.district end, d.organisation)
             as owes, count(*)
         from draw_result r join draw d on d.name = r.draw join plan p on p.name = d.plan
         where r.draw = any($1) and cardinality(r.officers) = 0 and d.state in ('DISPATCHED', 'DONE')
             and not exists (select from draw_team_subject t join draw g on g.name = t.draw
                 where t.follows = r.draw and t.subject = r.subject and g.state <> 'ABANDONED')
             and not exists (select from subject s
                 where s.organisation = p.organisation and s.key = r.subject and not s.in_business)
             and (coalesce(p.foresees ->> 'second_visit_reason', '') <> ''
                 or not exists (select from visit v where v.quarter = $2 and v.subject = r.subject and ",
        takes_its_quarter!(),
        ")) group by r.draw, owes order by r.draw, owes"
    );
    let names: Vec<String> = draws.iter().map(|draw| draw.name.clone()).collect();
    let rows: Vec<(String, String, i64)> = sqlx::query_as(sql).bind(&names).bind(quarter).fetch_all(conn).await?;
    let mut waiting: HashMap<String, Vec<pb::AwaitingTeams>> = HashMap::new();
    for (draw, organisation, subjects) in rows {
        waiting.entry(draw).or_default().push(pb::AwaitingTeams { organisation, subjects });
    }
    for draw in draws {
        draw.awaiting_teams = waiting.remove(&draw.name).unwrap_or_default();
    }
    Ok(())
}

/// Drawn subjects without a team in districts that counties inspect: district, organisation, how many.
///
/// # Errors
/// The database fails.
pub async fn handed_over(conn: &mut PgConnection, draw: &str) -> Result<Vec<(String, String, i64)>> {
    let sql = "select r.district, u.value, count(*) from draw_result r join draw d on d.name = r.draw join plan p on p.name = d.plan
                   cross join lateral jsonb_each_text(coalesce(p.foresees -> 'county_units', '{}')) u
               where r.draw = $1 and d.kind <> 'TEAMS' and cardinality(r.officers) = 0 and u.key = r.district
               group by r.district, u.value order by r.district";
    Ok(sqlx::query_as(sql).bind(draw).fetch_all(conn).await?)
}

/// Says of drawn subjects of a draw what became of them: a visit, a deferral, a draw of teams that has them, or nothing yet.
///
/// # Errors
/// The database fails.
pub async fn outcomes(conn: &mut PgConnection, draw: &str, drawn: &mut [pb::Drawn]) -> Result<()> {
    let sql = "select r.place, coalesce(v.name, ''), coalesce(f.reason, ''), coalesce(f.other_visit, ''), coalesce(t.draw, '')
               from draw_result r
               left join visit v on v.draw = r.draw and v.subject = r.subject
               left join draw_deferred f on f.draw = r.draw and f.place = r.place
               left join lateral (select t.draw from draw_team_subject t join draw d on d.name = t.draw
                   where t.follows = r.draw and t.subject = r.subject and d.state <> 'ABANDONED'
                   order by d.year desc, d.number desc limit 1) t on true
               where r.draw = $1 and r.place = any($2)";
    let places: Vec<i64> = drawn.iter().map(|one| i64::from(one.place)).collect();
    let rows: Vec<(i64, String, String, String, String)> =
        sqlx::query_as(sql).bind(draw).bind(places).fetch_all(conn).await?;
    let mut found: HashMap<i64, (pb::DrawnOutcome, String, String)> = HashMap::new();
    for (place, visit, reason, other_visit, teams) in rows {
        let outcome = if !visit.is_empty() {
            (pb::DrawnOutcome::Visit, String::new(), visit)
        } else if !reason.is_empty() {
            (pb::DrawnOutcome::Deferred, reason, other_visit)
        } else if !teams.is_empty() {
            (pb::DrawnOutcome::TeamDrawn, String::new(), teams)
        } else {
            (pb::DrawnOutcome::Unspecified, String::new(), String::new())
        };
        found.insert(place, outcome);
    }
    for one in drawn {
        let Some((outcome, reason, of)) = found.remove(&i64::from(one.place)) else { continue };
        let waits = outcome == pb::DrawnOutcome::Unspecified && one.officers.is_empty();
        one.set_outcome(if waits { pb::DrawnOutcome::NoTeam } else { outcome });
        (one.outcome_reason, one.outcome_of) = (reason, of);
    }
    Ok(())
}
