//! Questions to the tables of draws that follow draws (art. 14-17), one function each.

use std::collections::{BTreeMap, HashMap};

use kit::error::Result;
use proto::qingtian::draws::v1 as pb;
use sqlx::PgConnection;

use super::rules::{DRAWN_BEFORE, HAS_TEAM, IN_ANOTHER_DRAW, InScope, VISITED_THIS_QUARTER};

/// A failed draw that waits for its successor, among those that compete for the same in a plan and quarter.
///
/// # Errors
/// The database fails.
pub async fn failed(conn: &mut PgConnection, plan: &str, quarter: &str, rivalry: &str) -> Result<Option<String>> {
    let sql = "select name from draw f where plan = $1 and quarter = $2 and state = 'FAILED'
                   and (case when kind = 'TEAMS' then follows || ' ' || organisation else '' end) = $3
                   and not exists (select from draw s where s.replaces = f.name and s.state <> 'ABANDONED')
               order by year, number limit 1";
    Ok(sqlx::query_scalar(sql).bind(plan).bind(quarter).bind(rivalry).fetch_optional(conn).await?)
}

/// Why subjects cannot be drawn today, in the register of an organisation: those not in business with their status, and, unless
/// `again`, those with a planned visit in the quarter. Most of a register is neither.
async fn not_drawable(
    conn: &mut PgConnection,
    register: &str,
    quarter: Option<&str>,
) -> Result<HashMap<String, String>> {
    let sql = "select key, case when gone = '' then 'NOT_IN_BUSINESS' else gone end from subject
               where organisation = $1 and not in_business
               union all
               select subject, $3 from visit where quarter = $2 and not exists
                   (select from subject s where s.organisation = $1 and s.key = visit.subject and not s.in_business)";
    let rows: Vec<(String, String)> =
        sqlx::query_as(sql).bind(register).bind(quarter).bind(VISITED_THIS_QUARTER).fetch_all(conn).await?;
    Ok(rows.into_iter().collect())
}

/// Who of a draw's pool a supplementary draw leaves out: the drawn, and those who have gone or have a visit since.
///
/// # Errors
/// The database fails.
pub async fn left_out_of_supplement(
    conn: &mut PgConnection,
    follows: &str,
    register: &str,
    quarter: Option<&str>,
) -> Result<HashMap<String, String>> {
    let mut out = not_drawable(conn, register, quarter).await?;
    let drawn: Vec<String> =
        sqlx::query_scalar("select subject from draw_result where draw = $1").bind(follows).fetch_all(conn).await?;
    out.extend(drawn.into_iter().map(|key| (key, DRAWN_BEFORE.to_owned())));
    Ok(out)
}

/// Districts of a draw's result.
///
/// # Errors
/// The database fails.
pub async fn districts(conn: &mut PgConnection, draw: &str) -> Result<Vec<String>> {
    let sql = "select distinct district from draw_result where draw = $1 order by district";
    Ok(sqlx::query_scalar(sql).bind(draw).fetch_all(conn).await?)
}

/// The drawn subjects of a draw in some districts, by key in the order of bytes, as the scope of a draw of teams that follows
/// it; and the draws of teams that have some of them, with how many.
///
/// # Errors
/// The database fails.
pub async fn scope_of_teams(
    conn: &mut PgConnection,
    follows: &str,
    districts: &[String],
    register: &str,
    quarter: Option<&str>,
) -> Result<(Vec<InScope>, BTreeMap<String, u64>)> {
    let sql = "select r.subject, r.stratum, r.district, cardinality(r.officers) > 0, t.draw,
                      coalesce(cardinality(g.officers) > 0, false)
               from draw_result r
               -- Of a failed draw and its successor the successor.
               left join (select distinct on (t.subject) t.subject, t.draw from draw_team_subject t join draw d on d.name = t.draw
                          where t.follows = $1 and d.state <> 'ABANDONED'
                          order by t.subject, d.year desc, d.number desc) t on t.subject = r.subject
               left join draw_result g on g.draw = t.draw and g.subject = r.subject
               where r.draw = $1 and r.district = any($2)
               order by r.subject collate \"C\"";
    type Row = (String, String, String, bool, Option<String>, bool);
    let rows: Vec<Row> = sqlx::query_as(sql).bind(follows).bind(districts).fetch_all(&mut *conn).await?;
    let not_drawable = not_drawable(conn, register, quarter).await?;
    let mut others: BTreeMap<String, u64> = BTreeMap::new();
    let mut scope = Vec::with_capacity(rows.len());
    for (key, stratum, district, has_team, other, got_team) in rows {
        let reason = if has_team || got_team {
            HAS_TEAM.to_owned()
        } else if let Some(other) = other {
            *others.entry(other).or_default() += 1;
            IN_ANOTHER_DRAW.to_owned()
        } else {
            not_drawable.get(&key).cloned().unwrap_or_default()
        };
        scope.push(InScope { key, stratum, district, reason });
    }
    Ok((scope, others))
}

/// Writes the pool of a stated draw of teams.
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
    /// Drawn subjects without a team that no draw of teams has, by district.
    pub without_team: Vec<(String, i64)>,
    /// Organisation that inspects in each district.
    pub county_units: BTreeMap<String, String>,
}

impl Chain {
    /// As the contract shows it.
    pub fn show(self, draw: &mut pb::Draw) {
        let mut awaiting: BTreeMap<&String, i64> = BTreeMap::new();
        for (district, subjects) in &self.without_team {
            *awaiting.entry(self.county_units.get(district).unwrap_or(&draw.organisation)).or_default() += subjects;
        }
        let waits = |(organisation, subjects): (&String, i64)| pb::AwaitingTeams {
            organisation: organisation.clone(),
            subjects,
        };
        draw.awaiting_teams = awaiting.into_iter().map(waits).collect();
        draw.followed_by = self.followed_by;
        draw.replaced_by = self.replaced_by;
    }
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
    let sql = "select r.draw, r.district, count(*) from draw_result r join draw d on d.name = r.draw
               where r.draw = any($1) and cardinality(r.officers) = 0 and d.state in ('DISPATCHED', 'DONE') and not exists
                   (select from draw_team_subject t join draw g on g.name = t.draw
                    where t.follows = r.draw and t.subject = r.subject and g.state <> 'ABANDONED')
               group by r.draw, r.district order by r.draw, r.district";
    let waiting: Vec<(String, String, i64)> = sqlx::query_as(sql).bind(names).fetch_all(&mut *conn).await?;
    for (draw, district, subjects) in waiting {
        chains.entry(draw).or_default().without_team.push((district, subjects));
    }
    let sql = "select d.name, u.key, u.value from draw d join plan p on p.name = d.plan
                   cross join lateral jsonb_each_text(coalesce(p.foresees -> 'county_units', '{}')) u
               where d.name = any($1) and d.kind <> 'TEAMS'";
    let units: Vec<(String, String, String)> = sqlx::query_as(sql).bind(names).fetch_all(conn).await?;
    for (draw, district, organisation) in units {
        chains.entry(draw).or_default().county_units.insert(district, organisation);
    }
    Ok(chains)
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
