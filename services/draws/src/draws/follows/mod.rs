//! Draws that follow draws (art. 14-17). A supplementary draw (补充抽取) goes over an earlier pool less the drawn, where the plan
//! foresees it; a draw of teams (补派检查组) gives teams to subjects an earlier draw left without one, be it for want of officers
//! or because counties send theirs to what the city drew (市抽县查). Each is a draw of its own, stated, contributed to and
//! revealed like any other; its statement names the draw it follows. Nobody is ever sent by hand.

pub mod pool;
pub mod rules;
pub mod store;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufWriter},
};

use chrono::{DateTime, Utc};
use kit::{
    auth::{Caller, Reach},
    blob::Blob,
    env::Env,
    error::{Reason, Refusal, Result},
    faults,
    ledger::Audience,
};
use lottery::{
    bundle::TABLE_BYTES_MAX,
    frozen::SUBJECTS,
    rules::{Contributor, Places, Quota, Rules},
};
use proto::qingtian::draws::{events::v1 as events, v1 as pb};
use sqlx::PgConnection;

use self::{
    pool::{Manner, Pool, Scope},
    rules::{Given, Kind},
    store::OfTeams,
};
use super::{
    checked::{CHUNK_BYTES, Checked},
    freeze::{self, Files, NAMES},
    frozen,
    names::Names,
    rules::State,
    store::{DrawRow, Sight},
    view,
};
use crate::plans::{
    enough,
    obstacles::{PoolCount, small_stratum},
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
            let districts = owed(conn, &plan, &earlier, &caller.organisation).await?;
            let of =
                OfTeams { follows: &earlier.name, districts: &districts, register: &plan.organisation, quarter: None };
            check_wanted(conn, of).await?;
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
async fn owed(conn: &mut PgConnection, plan: &Plan, earlier: &DrawRow, organisation: &str) -> Result<Vec<String>> {
    let districts = store::districts(conn, &earlier.name).await?;
    let units = match Kind::parse(&earlier.kind)? {
        Kind::Original | Kind::Supplementary => &plan.content.foresees.county_units,
        // The county's own draw: whoever it left without a team is the county's.
        Kind::Teams => &BTreeMap::new(),
    };
    let owes = |district: &String| units.get(district).unwrap_or(&earlier.organisation) == organisation;
    Ok(districts.into_iter().filter(owes).collect())
}

/// Whether there is somebody whom the draw of teams would give one; if not, which draw has them.
async fn check_wanted(conn: &mut PgConnection, of: OfTeams<'_>) -> Result<()> {
    let (wanted, others) = store::teams_wanted(conn, of).await?;
    if wanted > 0 {
        return Ok(());
    }
    let refusal = match others.keys().next() {
        Some(other) => Refusal::new(Reason::TeamsDrawnElsewhere).with("other", other),
        None => Refusal::new(Reason::NoTeamWanted),
    };
    Err(refusal.with("draw", of.follows))
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
    let mut rules = Rules {
        beacon_waived: freeze::waived(&row.beacon_waived),
        entropy: contributors,
        quotas: BTreeMap::new(),
        ..before
    };
    if given.kind == Kind::Teams {
        rules.cover_district = given.cover_district;
        rules.teams = given.teams.iter().map(places).collect();
    }
    let sent_by = with_teams(plan.clone(), given);
    let mut people = match sent_by.content.foresees.counties_inspect() {
        true => enough::People::default(),
        false => enough::people(conn, &sent_by, legal_day(*now)).await?,
    };
    let manner = Manner::of(&rules, people.excluded.iter().map(|one| one.key.clone()));
    let names = freeze::stored(&kept, NAMES)?.digest;
    let (pool, names) = match given.kind {
        Kind::Original => return Err(Refusal::internal(anyhow::anyhow!("{} follows no draw", row.name))),
        Kind::Supplementary => {
            let subjects = freeze::stored(&kept, SUBJECTS)?.digest;
            let (lines, out) = pool::lines();
            let blobs = env.blobs.clone();
            let write = env.compute(move || {
                let mut subjects = Checked::open(&blobs, subjects)?;
                let scope = Scope::EarlierPool { subjects: &mut subjects, out };
                let written = keep(scope, Checked::open(&blobs, names)?, &manner, &blobs)?;
                subjects.finish()?;
                Ok(written)
            });
            let out = store::left_out_of_supplement(conn, follows, &plan, (quarter, Some(legal_day(*now))), lines);
            both(write, out).await?
        }
        Kind::Teams => {
            let districts = owed(conn, &plan, &earlier, &row.organisation).await?;
            let of = OfTeams { follows, districts: &districts, register: &plan.organisation, quarter };
            check_wanted(conn, of).await?;
            let (lines, drawn) = pool::lines();
            let blobs = env.blobs.clone();
            let write = env.compute(move || {
                let scope = Scope::<std::io::Empty, _>::Drawn(drawn);
                keep(scope, Checked::open(&blobs, names)?, &manner, &blobs)
            });
            both(write, store::scope_of_teams(conn, of, lines)).await?
        }
    };
    let strata = pool.strata();
    if strata.is_empty() {
        return Err(Refusal::new(Reason::NobodyLeft).with("draw", *follows));
    }
    rules.quotas = match given.kind {
        Kind::Original | Kind::Supplementary => rules::resolve(&given.quotas, &strata)?,
        Kind::Teams => rules::everybody(&strata),
    };
    check_enough(&sent_by, given.kind, &pool, &rules.quotas, &mut people)?;
    let tables = freeze::people_files(&people, &rules).map_err(Refusal::internal)?;
    let files = Files {
        subjects: pool.subjects.into(),
        left_out: pool.left_out.into(),
        officers: tables.officers.into(),
        experts: tables.experts.into(),
        exclusions: tables.exclusions.into(),
        rules: rules.to_bytes().map_err(Refusal::internal)?.into(),
        names,
    };
    Ok((files, statement.due_date))
}

/// Waits for what reads the database and for what writes the pool. Where reading failed, what was written is not whole.
async fn both<T, E: Into<anyhow::Error>>(
    write: impl Future<Output = Result<anyhow::Result<T>, E>>,
    read: impl Future<Output = Result<()>>,
) -> Result<T> {
    let (written, read) = tokio::join!(write, read);
    read?;
    written.map_err(Refusal::internal)?.map_err(Refusal::internal)
}

/// Writes the pool of a scope, and keeps the names of everybody in it.
fn keep<S: BufRead, L: BufRead>(
    scope: Scope<S, L>,
    mut names: Checked,
    manner: &Manner,
    blobs: &Blob,
) -> anyhow::Result<(Pool, Names)> {
    faults::point("PutFrozen", "before_write");
    let mut writer = BufWriter::with_capacity(CHUNK_BYTES, blobs.writer(TABLE_BYTES_MAX)?);
    let pool = pool::write(scope, &mut names, manner, &mut writer)?;
    names.finish()?;
    let stored = writer.into_inner().map_err(|error| error.into_error())?.finish()?;
    faults::point("PutFrozen", "after_write");
    Ok((pool, Names(stored)))
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

/// Whether chance decides, and enough people can be sent to whoever may be drawn: of the recusals those alone are kept that are
/// about one of these.
fn check_enough(
    plan: &Plan,
    kind: Kind,
    pool: &Pool,
    quotas: &BTreeMap<String, Quota>,
    people: &mut enough::People,
) -> Result<()> {
    let strata = pool.strata();
    // In a draw of teams nobody is chosen: in a small stratum of a supplementary draw, who is drawn says who is suspected.
    if kind == Kind::Supplementary
        && let Some(refusal) = strata.iter().find_map(|(stratum, n)| small_stratum(plan, stratum, *n))
    {
        return Err(refusal);
    }
    if plan.content.foresees.counties_inspect() {
        return Ok(());
    }
    let draws_in =
        |stratum: &String| quotas.get(stratum).zip(strata.get(stratum)).is_some_and(|(quota, n)| quota.places(*n) > 0);
    people.excluded.retain(|one| pool.found.get(&one.key).is_some_and(draws_in));
    let drawn = pool.counts.iter().filter(|(stratum, _)| draws_in(stratum));
    let districts: BTreeSet<&String> = drawn.flat_map(|(_, districts)| districts.keys()).collect();
    let counts: Vec<PoolCount> = districts
        .into_iter()
        .map(|district| PoolCount { district: district.clone(), class: String::new(), subjects: 1, left_out: 0 })
        .collect();
    let drawn_in = counts.iter().map(|_| crate::plans::obstacles::ALL).collect();
    enough::too_few(plan, &counts, &drawn_in, people).into_iter().next().map_or(Ok(()), Err)
}

/// Subjects written at once.
const KEPT_ROWS: usize = 10_000;

/// Keeps whom a stated draw of teams gives teams, so that no other does.
///
/// # Errors
/// The database fails.
pub async fn keep_subjects(conn: &mut PgConnection, row: &DrawRow, files: &Files) -> Result<()> {
    let given = row.given()?;
    let (Kind::Teams, Some(follows)) = (given.kind, &given.follows) else { return Ok(()) };
    // The file was checked just now: its keys are ASCII.
    let lines = std::str::from_utf8(&files.subjects).unwrap_or_default().lines();
    let mut keys = lines.filter_map(|line| line.split('\t').next());
    loop {
        let some: Vec<&str> = keys.by_ref().take(KEPT_ROWS).collect();
        if some.is_empty() {
            return Ok(());
        }
        store::insert_team_subjects(conn, &row.name, follows, &some).await?;
    }
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
