//! Draws that follow draws (art. 14-17). A supplementary draw (补充抽取) goes over an earlier pool less the drawn, where the plan
//! foresees it; a draw of teams (补派检查组) gives teams to subjects an earlier draw left without one, be it for want of officers
//! or because counties send theirs to what the city drew (市抽县查). Each is a draw of its own, stated, contributed to and
//! revealed like any other; its statement names the draw it follows. Nobody is ever sent by hand.

pub mod rules;
pub mod store;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use kit::{
    auth::{Caller, Reach},
    env::Env,
    error::{Reason, Refusal, Result},
    ledger::Audience,
};
use lottery::{
    frozen::SUBJECTS,
    rules::{Contributor, Places, Quota, Rules},
};
use proto::qingtian::draws::{events::v1 as events, v1 as pb};
use sqlx::PgConnection;

use self::rules::{Given, InScope, Kind, Pool};
use super::{
    freeze::{self, Files, NAMES},
    frozen,
    rules::State,
    store::{DrawRow, Sight},
    view,
};
use crate::plans::{
    enough,
    obstacles::{PoolCount, STRATUM_SUBJECTS_MIN},
    rules::{Plan, TeamPart, legal_day},
    store as plans,
};

/// What a draw is asked to be, and over which plan.
///
/// # Errors
/// `NOT_FOUND`; `WRONG_STATE` of the draw that is followed, `NOT_FORESEEN`, `NO_TEAM_WANTED`, `TEAMS_DRAWN_ELSEWHERE`,
/// `QUOTA_INVALID`, `INVALID`.
pub async fn asked(conn: &mut PgConnection, caller: &Caller, draw: &pb::Draw) -> Result<(Given, Plan)> {
    // A draw is the drawing unit's own act: whoever sees the whole city still draws over the own plans only.
    let own = caller.own();
    if !draw.replaces.is_empty() {
        // A successor is the failed draw over again: it keeps what that was given.
        let given = super::store::lock_own(conn, &draw.replaces, &caller.organisation).await?.given()?;
        let reach = if given.kind == Kind::Teams { Reach::City } else { own };
        return Ok((given, plans::load(conn, &draw.plan, &reach).await?));
    }
    let given = Given::parse(draw)?;
    let Some(follows) = &given.follows else { return Ok((given, plans::load(conn, &draw.plan, &own).await?)) };
    let earlier = view::find(conn, follows, &Sight::of(caller)).await?.ok_or_else(|| Refusal::not_found(follows))?;
    if !draw.plan.is_empty() && draw.plan != earlier.plan {
        return Err(Refusal::invalid("follows", "该抽签属于另一计划 / that draw is over another plan"));
    }
    let plan = plans::load(conn, &earlier.plan, &Reach::City).await?;
    check_dispatched(&earlier)?;
    match given.kind {
        Kind::Original => {}
        Kind::Supplementary => check_foreseen(&plan, &earlier, caller)?,
        Kind::Teams => {
            let (scope, others) = scope_of_teams(conn, &plan, &earlier, &caller.organisation, None).await?;
            check_wanted(&earlier.name, &scope, &others)?;
        }
    }
    Ok((given, plan))
}

/// Only what has become of everybody drawn tells who is left.
fn check_dispatched(earlier: &DrawRow) -> Result<()> {
    let state = State::parse(&earlier.state)?;
    match state {
        State::Dispatched | State::Done => Ok(()),
        State::Created | State::Stated | State::Contributing | State::Revealed | State::Abandoned | State::Failed => {
            Err(Refusal::wrong_state(&earlier.name, state.said(), "接续抽取 follow"))
        }
    }
}

fn check_foreseen(plan: &Plan, earlier: &DrawRow, caller: &Caller) -> Result<()> {
    if earlier.organisation != caller.organisation {
        return Err(Refusal::not_found(&earlier.name));
    }
    if Kind::parse(&earlier.kind)? == Kind::Teams {
        return Err(Refusal::invalid(
            "follows",
            "补派检查组的抽签没有可补抽的对象 / a draw of teams has no pool to supplement",
        ));
    }
    if plan.content.foresees.supplementary.is_empty() {
        return Err(Refusal::new(Reason::NotForeseen).with("plan", plan.name()).with("what", "补充抽取"));
    }
    Ok(())
}

/// Districts of a result in which an organisation owes teams: a county its own, the drawing organisation all others.
fn owed(plan: &Plan, earlier: &DrawRow, districts: Vec<String>, organisation: &str) -> Result<Vec<String>> {
    let units = match Kind::parse(&earlier.kind)? {
        Kind::Original | Kind::Supplementary => &plan.content.foresees.county_units,
        // The county's own draw: whoever it left without a team is the county's.
        Kind::Teams => &BTreeMap::new(),
    };
    let owes = |district: &String| units.get(district).unwrap_or(&earlier.organisation) == organisation;
    Ok(districts.into_iter().filter(owes).collect())
}

/// Who drew subjects without a team that `organisation` owes one, with everybody else's reason for being left out.
async fn scope_of_teams(
    conn: &mut PgConnection,
    plan: &Plan,
    earlier: &DrawRow,
    organisation: &str,
    quarter: Option<&str>,
) -> Result<(Vec<InScope>, BTreeMap<String, u64>)> {
    let districts = store::districts(conn, &earlier.name).await?;
    let districts = owed(plan, earlier, districts, organisation)?;
    store::scope_of_teams(conn, &earlier.name, &districts, &plan.organisation, quarter).await
}

fn check_wanted(follows: &str, scope: &[InScope], others: &BTreeMap<String, u64>) -> Result<()> {
    if scope.iter().any(|one| one.reason.is_empty()) {
        return Ok(());
    }
    let refusal = match others.keys().next() {
        Some(other) => Refusal::new(Reason::TeamsDrawnElsewhere).with("other", other),
        None => Refusal::new(Reason::NoTeamWanted),
    };
    Err(refusal.with("draw", follows))
}

/// What a following draw is frozen from.
pub struct Following<'a> {
    /// The draw about to be stated.
    pub row: &'a DrawRow,
    /// What it was given.
    pub given: &'a Given,
    /// The draw it follows.
    pub follows: &'a str,
    /// The calendar quarter of the statement.
    pub quarter: &'a str,
    /// Now.
    pub now: DateTime<Utc>,
}

/// Freezes a draw that follows another: the earlier one's people and rules of publication, its own pool, quotas and teams. The
/// files, and the last day for the visits.
///
/// # Errors
/// `NOBODY_LEFT`, `NO_TEAM_WANTED`, `TEAMS_DRAWN_ELSEWHERE`, `QUOTA_INVALID`, `SMALL_STRATUM`, `TOO_FEW_OFFICERS` and what else
/// stands in the way of sending people.
pub async fn freeze(
    conn: &mut PgConnection,
    env: &Env,
    following: &Following<'_>,
    contributors: Vec<Contributor>,
) -> Result<(Files, String)> {
    let Following { row, given, follows, quarter, now } = following;
    // Two statements that follow one draw come one after the other: the later is begun anew and sees what the first has.
    super::store::next_number(conn, &format!("following {follows}")).await?;
    let plan = plans::load(conn, &row.plan, &Reach::City).await?;
    let earlier = view::row(conn, follows).await?.ok_or_else(|| Refusal::not_found(*follows))?;
    check_dispatched(&earlier)?;
    let statement = frozen::statement(conn, follows).await?;
    let before = Rules::parse(&statement.rules).map_err(Refusal::internal)?;
    let kept = frozen::files(conn, follows).await?;
    // With a published reason a subject may be visited a second time in the quarter.
    let quarter = plan.content.foresees.second_visit_reason.is_empty().then_some(*quarter);
    let scope = match given.kind {
        Kind::Original => return Err(Refusal::internal(anyhow::anyhow!("{} follows no draw", row.name))),
        Kind::Supplementary => {
            let out = store::left_out_of_supplement(conn, follows, &plan.organisation, quarter).await?;
            let subjects = freeze::read(&kept, &env.blobs, SUBJECTS).await?;
            let scope = env.compute(move || rules::earlier_pool(&subjects, &out)).await.map_err(Refusal::internal)?;
            if scope.iter().all(|one| !one.reason.is_empty()) {
                return Err(Refusal::new(Reason::NobodyLeft).with("draw", follows));
            }
            scope
        }
        Kind::Teams => {
            let (scope, others) = scope_of_teams(conn, &plan, &earlier, &row.organisation, quarter).await?;
            check_wanted(follows, &scope, &others)?;
            scope
        }
    };
    let names = freeze::read(&kept, &env.blobs, NAMES).await?;
    let mut rules = Rules {
        beacon_waived: freeze::waived(&row.beacon_waived),
        entropy: contributors,
        quotas: BTreeMap::new(),
        ..before
    };
    let as_before = rules.clone();
    let work = move || {
        let names = rules::names_of(&scope, &names);
        Pool::of(&scope, &as_before).map(|pool| (scope, pool, names))
    };
    let (scope, pool, names) = env.compute(work).await.map_err(Refusal::internal)?.map_err(Refusal::internal)?;

    let plan = with_teams(plan, given);
    rules.quotas = match given.kind {
        Kind::Original | Kind::Supplementary => rules::resolve(&given.quotas, &pool.strata)?,
        Kind::Teams => rules::everybody(&pool.strata),
    };
    if given.kind == Kind::Teams {
        rules.cover_district = given.cover_district;
        rules.teams = given.teams.iter().map(places).collect();
    }
    let people = people(conn, &plan, given.kind, &scope, &rules.quotas, &pool, *now).await?;
    let tables = freeze::people_files(&people, &rules).map_err(Refusal::internal)?;
    let files = Files {
        subjects: pool.subjects.into(),
        left_out: pool.left_out.into(),
        officers: tables.officers.into(),
        experts: tables.experts.into(),
        exclusions: tables.exclusions.into(),
        rules: rules.to_bytes().map_err(Refusal::internal)?.into(),
        names: names.into(),
    };
    Ok((files, statement.due_date))
}

/// The plan as far as people are concerned: with the teams this draw was given.
fn with_teams(mut plan: Plan, given: &Given) -> Plan {
    if given.kind == Kind::Teams {
        plan.content.teams.clone_from(&given.teams);
        plan.content.cover_district = given.cover_district;
        plan.content.foresees.county_units.clear();
    }
    // Whom the quotas draw is known here; how the pool was divided says nothing about who can be sent.
    plan.content.stratification = pb::Stratification::Whole;
    plan
}

fn places(part: &TeamPart) -> Places {
    Places { size: u64::from(part.size), specialty: part.specialty.clone(), unit: part.unit().to_owned() }
}

/// Everybody who can be sent, when they are enough.
async fn people(
    conn: &mut PgConnection,
    plan: &Plan,
    kind: Kind,
    scope: &[InScope],
    quotas: &BTreeMap<String, Quota>,
    pool: &Pool,
    now: DateTime<Utc>,
) -> Result<enough::People> {
    let excepted = !plan.content.approved_exception.is_empty();
    // In a draw of teams nobody is chosen: in a small stratum of a supplementary draw, who is drawn says who is suspected.
    if kind == Kind::Supplementary && !excepted {
        let small = pool.strata.iter().find(|(_, n)| **n < STRATUM_SUBJECTS_MIN);
        if let Some((stratum, n)) = small {
            return Err(Refusal::new(Reason::SmallStratum).with("stratum", stratum).with("n", n));
        }
    }
    if plan.content.foresees.counties_inspect() {
        return Ok(enough::People::default());
    }
    let mut people = enough::people(conn, plan, legal_day(now)).await?;
    let drawn = |one: &&InScope| {
        let places = quotas.get(&one.stratum).zip(pool.strata.get(&one.stratum)).map(|(quota, n)| quota.places(*n));
        one.reason.is_empty() && places.is_some_and(|places| places > 0)
    };
    let keys: HashSet<&str> = scope.iter().filter(drawn).map(|one| one.key.as_str()).collect();
    people.excluded.retain(|one| keys.contains(one.key.as_str()));
    let districts: BTreeSet<&str> = scope.iter().filter(drawn).map(|one| one.district.as_str()).collect();
    let counts: Vec<PoolCount> = districts
        .into_iter()
        .map(|district| PoolCount { district: district.to_owned(), class: String::new(), subjects: 1, left_out: 0 })
        .collect();
    let drawn_in = counts.iter().map(|_| crate::plans::obstacles::ALL).collect();
    match enough::too_few(plan, &counts, &drawn_in, &people).into_iter().next() {
        Some(refusal) => Err(refusal),
        None => Ok(people),
    }
}

/// Keeps whom a stated draw of teams gives teams, so that no other does.
///
/// # Errors
/// The database fails.
pub async fn keep_subjects(conn: &mut PgConnection, row: &DrawRow, files: &Files) -> Result<()> {
    let given = row.given()?;
    let (Kind::Teams, Some(follows)) = (given.kind, &given.follows) else { return Ok(()) };
    // The file was checked just now: its keys are ASCII.
    let lines = std::str::from_utf8(&files.subjects).unwrap_or_default().lines();
    let keys: Vec<&str> = lines.filter_map(|line| line.split('\t').next()).collect();
    store::insert_team_subjects(conn, &row.name, follows, &keys).await
}

/// How many drawn subjects of each district wait for the county that inspects there.
///
/// # Errors
/// The database fails.
pub async fn handed_over(conn: &mut PgConnection, draw: &str) -> Result<Vec<events::HandedOver>> {
    let mut handed = Vec::new();
    for (district, organisation, subjects) in store::handed_over(conn, draw).await? {
        handed.push(events::HandedOver { district, organisation, subjects });
    }
    Ok(handed)
}

/// Who may hear of single drawn subjects: everybody, unless the result is public only later (art. 18); the portal in any case.
pub fn audience(draw: &pb::Draw) -> Audience {
    if draw.publish_after.is_empty() {
        Audience::Public
    } else {
        Audience::Organisations(vec![draw.organisation.clone()])
    }
}
