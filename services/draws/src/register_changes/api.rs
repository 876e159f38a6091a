//! Changes of a register over gRPC (art. 13): parse, load, decide, save.

use std::{collections::HashMap, sync::Arc};

use kit::{
    auth::Caller,
    codes::DistrictCode,
    error::{Reason, Refusal, Result},
    ledger::{Ledger, Tx, timestamp},
    pages,
};
use proto::qingtian::draws::v1::{self as pb, register_changes_server::RegisterChanges};
use sqlx::PgConnection;
use tokio::sync::Notify;
use tonic::{Request, Response, Status};

use super::{
    rules::{Event, Outcome, State, Target, apply, guarding},
    store::{self, ChangeRow, RowRow},
};
use crate::{
    experts,
    people::secrets::Secrets,
    plans::content::{reason, text},
    registers::{
        api::{asked_life, filter, subject},
        import::new_id,
        imports,
        life::Life,
        search::{self, Filter, Order},
        store::{self as registers, SubjectRow, within},
    },
};

/// Subjects of one change at the most.
pub const ROWS_MAX: i64 = 100_000;
/// Subjects chosen one by one at the most.
const CHOSEN_MAX: usize = 1_000;
/// Subjects a preview shows.
const SAMPLES: i64 = 10;

/// The service.
pub struct Api {
    ledger: Ledger,
    woken: Arc<Notify>,
    secrets: Secrets,
}

impl Api {
    pub(super) fn new(ledger: Ledger, woken: Arc<Notify>, secrets: Secrets) -> Self {
        Self { ledger, woken, secrets }
    }

    async fn conn(&self) -> Result<sqlx::pool::PoolConnection<sqlx::Postgres>> {
        Ok(self.ledger.pool().acquire().await?)
    }
}

/// The plan for which changes of a register need a second person now; empty where none does.
///
/// # Errors
/// The database fails.
pub async fn guard(conn: &mut PgConnection, organisation: &str) -> Result<String> {
    let plans = store::published_plans(conn, organisation).await?;
    Ok(guarding(&plans).unwrap_or_default().to_owned())
}

/// Which subjects a request means.
enum Scope {
    Chosen { keys: Vec<String>, seen: Vec<Option<i64>> },
    Matching(Filter),
}

#[tonic::async_trait]
impl RegisterChanges for Api {
    async fn change_subjects(
        &self,
        request: Request<pb::ChangeSubjectsRequest>,
    ) -> Result<Response<pb::RegisterChange>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.owns(&request.parent)?;
        let target = target(&request)?;
        let scope = scope(&request)?;
        if request.validate_only {
            let answer = preview(&mut *self.conn().await?, &request.parent, &target, &scope).await?;
            return Ok(Response::new(answer));
        }
        let reason = reason("reason", &request.reason, "请说明理由 / say why")?;
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let rows = size(&mut tx, &scope).await?;
        let mut change = begin(&mut tx, &request.parent, &target, &reason, rows).await?;
        match &scope {
            Scope::Chosen { keys, seen } => {
                store::insert_chosen(&mut tx, &change.id, &request.parent, keys, seen).await?;
            }
            Scope::Matching(filter) => {
                change.rows = bounded(store::insert_matching(&mut tx, &change.id, filter).await?)?;
            }
        }
        let answer = message(&change);
        tx.changed(&answer.name, None, Some(&answer));
        tx.commit(&answer).await?;
        self.woken.notify_one();
        Ok(Response::new(answer))
    }

    async fn list_register_changes(
        &self,
        request: Request<pb::ListRegisterChangesRequest>,
    ) -> Result<Response<pb::ListRegisterChangesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.reaches(&request.parent)?;
        let page = store::ORDERS.page(&request.order_by, &request.page_token, request.page_size)?;
        let query = text("query", &request.query, 100)?;
        let asked = (asked_state(request.state)?, query.as_str());
        let mut conn = self.conn().await?;
        let mut found = store::list(&mut conn, &request.parent, asked, &page).await?;
        let next_page_token = page.cut(&mut found);
        let changes = found.iter().map(message).collect();
        Ok(Response::new(pb::ListRegisterChangesResponse { changes, next_page_token }))
    }

    async fn get_register_change(
        &self,
        request: Request<pb::GetRegisterChangeRequest>,
    ) -> Result<Response<pb::RegisterChange>, Status> {
        let caller = Caller::of(&request)?;
        let name = request.into_inner().name;
        let (organisation, id) = within(&name, "registerChanges", &caller.reach())?;
        Ok(Response::new(message(&store::get(&mut *self.conn().await?, organisation, id).await?)))
    }

    async fn list_register_change_rows(
        &self,
        request: Request<pb::ListRegisterChangeRowsRequest>,
    ) -> Result<Response<pb::ListRegisterChangeRowsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let (organisation, id) = within(&request.parent, "registerChanges", &caller.reach())?;
        let rows = pages::rows(request.page_size)?;
        let after = pages::after(&request.page_token)?;
        let outcome = asked_outcome(request.outcome)?;
        let mut conn = self.conn().await?;
        let change = store::get(&mut conn, organisation, id).await?;
        let mut found = store::rows(&mut conn, &change, outcome, after.as_deref(), rows + 1).await?;
        let next_page_token = pages::cut(&mut found, rows, |row| row.key.clone());
        let rows = found.into_iter().map(row).collect();
        Ok(Response::new(pb::ListRegisterChangeRowsResponse { rows, next_page_token }))
    }

    async fn approve_register_change(
        &self,
        request: Request<pb::ApproveRegisterChangeRequest>,
    ) -> Result<Response<pb::RegisterChange>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let said = crate::plans::content::text("reason", &request.reason, 500)?;
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let answer = decide(&mut tx, &self.secrets, &request.name, &request.etag, Event::Approve, said).await?;
        tx.commit(&answer).await?;
        self.woken.notify_one();
        Ok(Response::new(answer))
    }

    async fn reject_register_change(
        &self,
        request: Request<pb::RejectRegisterChangeRequest>,
    ) -> Result<Response<pb::RegisterChange>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        within(&request.name, "registerChanges", &caller.reach())?;
        let said = reason("reason", &request.reason, "请说明驳回的理由 / say why it is rejected")?;
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let answer = decide(&mut tx, &self.secrets, &request.name, &request.etag, Event::Reject, said).await?;
        tx.commit(&answer).await?;
        Ok(Response::new(answer))
    }

    async fn list_subject_versions(
        &self,
        request: Request<pb::ListSubjectVersionsRequest>,
    ) -> Result<Response<pb::ListSubjectVersionsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let name = request.into_inner().parent;
        let (organisation, key) = within(&name, "subjects", &caller.reach())?;
        let found = store::versions(&mut *self.conn().await?, organisation, key).await?;
        if found.is_empty() {
            return Err(Refusal::not_found(name).into());
        }
        let version = |row: store::VersionRow| pb::SubjectVersion {
            subject: Some(subject(&row.subject)),
            actor: row.subject.changed_by,
            time: Some(timestamp(row.subject.changed_at)),
            what: row.subject.changed_what,
            reason: row.subject.changed_why,
            source: row.subject.changed_with,
            approver: row.approver,
        };
        let versions = found.into_iter().map(version).collect();
        Ok(Response::new(pb::ListSubjectVersionsResponse { versions }))
    }
}

/// Writes a change in the state it begins in: waiting for a second person where a plan is published and not drawn.
///
/// # Errors
/// The database fails.
pub async fn begin(tx: &mut Tx, organisation: &str, target: &Target, reason: &str, rows: i64) -> Result<ChangeRow> {
    let (kind, value) = match target {
        Target::Life(life) => ("STATUS", life.as_str().to_owned()),
        Target::District(district) => ("DISTRICT", district.clone()),
    };
    let plan = guard(tx, organisation).await?;
    let state = if plan.is_empty() { State::Applying } else { State::Pending };
    let change = new_change(tx, organisation, (kind, value), reason, plan, state, rows);
    store::insert(tx, &change).await?;
    Ok(change)
}

/// A change that begins now.
pub fn new_change(
    tx: &Tx,
    organisation: &str,
    (kind, value): (&str, String),
    reason: &str,
    plan: String,
    state: State,
    rows: i64,
) -> ChangeRow {
    ChangeRow {
        id: new_id(tx.now()),
        organisation: organisation.to_owned(),
        kind: kind.to_owned(),
        value,
        reason: reason.to_owned(),
        plan,
        state: state.as_str().to_owned(),
        revision: 1,
        creator: tx.caller().actor.clone(),
        created_at: tx.now(),
        decider: String::new(),
        decided_at: None,
        decide_reason: String::new(),
        ended_at: None,
        rows,
        changed: 0,
        unchanged: 0,
        refused: 0,
    }
}

/// Decides about a change that waits.
async fn decide(
    tx: &mut Tx,
    secrets: &Secrets,
    name: &str,
    etag: &str,
    event: Event,
    said: String,
) -> Result<pb::RegisterChange> {
    let caller = tx.caller().clone();
    let (organisation, id) = within(name, "registerChanges", &caller.reach())?;
    caller.owns(organisation)?;
    let before = store::lock(tx, organisation, id).await?;
    if before.creator == caller.actor {
        return Err(Refusal::new(Reason::OwnAct));
    }
    Refusal::check_etag(etag, before.revision, name, before.last_act())?;
    let state = apply(name, State::parse(&before.state)?, event)?;
    let now = tx.now();
    let mut after = before.clone();
    after.state = state.as_str().to_owned();
    after.decider = caller.actor.clone();
    after.decided_at = Some(now);
    after.decide_reason = said;
    after.ended_at = (state == State::Rejected).then_some(now);
    if before.kind == "EXPERTS" && state == State::Applying {
        // So few that they are written with the decision.
        experts::changes::apply(tx, secrets, &mut after).await?;
        after.state = apply(name, state, Event::Finish)?.as_str().to_owned();
        after.ended_at = Some(now);
    }
    store::save(tx, &after).await?;
    if before.kind == "IMPORT" {
        imports::decide(tx, &before.value, state == State::Applying, now).await?;
    }
    after.revision += 1;
    let answer = message(&after);
    tx.changed(name, Some(&message(&before)), Some(&answer));
    Ok(answer)
}

fn target(request: &pb::ChangeSubjectsRequest) -> Result<Target> {
    match (asked_life(request.status)?, request.district.as_str()) {
        (Some(life), "") => Ok(Target::Life(life)),
        (None, district) if !district.is_empty() => DistrictCode::parse(district)
            .map(|code| Target::District(code.as_str().to_owned()))
            .map_err(|error| Refusal::invalid("district", format!("{} / {error}", error.zh()))),
        _ => Err(Refusal::invalid("status", "请选择新的存续状态或区划，二者取一 / a new status or a new district")),
    }
}

fn scope(request: &pb::ChangeSubjectsRequest) -> Result<Scope> {
    if request.subjects.is_empty() {
        let Some(asked) = request.filter.clone() else {
            return Err(Refusal::invalid("subjects", "请选择对象，或给出筛选条件 / choose subjects or give a filter"));
        };
        return Ok(Scope::Matching(filter(request.parent.clone(), asked)?));
    }
    if request.subjects.len() > CHOSEN_MAX {
        return Err(Refusal::invalid("subjects", format!("1–{CHOSEN_MAX}")));
    }
    let mut chosen = HashMap::new();
    for one in &request.subjects {
        let seen = match one.etag.as_str() {
            "" => None,
            etag => Some(etag.parse().map_err(|_| Refusal::invalid("subjects", "etag"))?),
        };
        if one.key.is_empty() || chosen.insert(one.key.clone(), seen).is_some() {
            return Err(Refusal::invalid("subjects", "代码为空或重复 / a key is empty or stands twice"));
        }
    }
    let (keys, seen) = chosen.into_iter().unzip();
    Ok(Scope::Chosen { keys, seen })
}

/// How many subjects a scope holds.
async fn size(conn: &mut PgConnection, scope: &Scope) -> Result<i64> {
    let rows = match scope {
        // At most CHOSEN_MAX.
        Scope::Chosen { keys, .. } => keys.len() as i64,
        Scope::Matching(filter) => search::count(conn, filter, ROWS_MAX + 1).await?,
    };
    bounded(rows)
}

/// As many subjects as one change may have.
fn bounded(rows: i64) -> Result<i64> {
    match rows {
        0 => Err(Refusal::invalid("filter", "没有符合条件的对象 / nobody matches")),
        rows if rows > ROWS_MAX => Err(Refusal::new(Reason::TooLarge).with("limit", "100,000 户")),
        rows => Ok(rows),
    }
}

async fn preview(
    conn: &mut PgConnection,
    organisation: &str,
    target: &Target,
    scope: &Scope,
) -> Result<pb::RegisterChange> {
    let rows = size(conn, scope).await?;
    let (first, unchanged) = match scope {
        Scope::Chosen { keys, .. } => {
            let found = registers::chosen(conn, organisation, keys, "").await?;
            // At most CHOSEN_MAX.
            let unchanged = found.iter().filter(|subject| target.holds(subject)).count() as i64;
            (found, unchanged)
        }
        Scope::Matching(filter) => {
            let first = search::subjects(conn, filter, Order::default(), None, SAMPLES).await?;
            (first, already(conn, filter, target).await?)
        }
    };
    let sample = |subject: &SubjectRow| pb::RegisterChangeRow {
        key: subject.key.clone(),
        title: subject.title.clone(),
        status: subject.life().message() as i32,
        district: subject.district.clone(),
        ..Default::default()
    };
    let samples = first.iter().take(SAMPLES as usize).map(sample).collect();
    let (kind, status, district) = shown(target);
    Ok(pb::RegisterChange {
        kind,
        status,
        district,
        plan: guard(conn, organisation).await?,
        rows,
        unchanged,
        samples,
        ..Default::default()
    })
}

/// How many of those who match are so already.
async fn already(conn: &mut PgConnection, filter: &Filter, target: &Target) -> Result<i64> {
    let mut so = filter.clone();
    match target {
        Target::Life(life) if so.lives.is_empty() || so.lives.contains(life) => so.lives = vec![*life],
        Target::District(district) if so.districts.is_empty() || so.districts.contains(district) => {
            so.districts = vec![district.clone()];
        }
        Target::Life(_) | Target::District(_) => return Ok(0),
    }
    search::count(conn, &so, ROWS_MAX + 1).await
}

fn shown(target: &Target) -> (i32, i32, String) {
    match target {
        Target::Life(life) => (pb::RegisterChangeKind::Status as i32, life.message() as i32, String::new()),
        Target::District(district) => (pb::RegisterChangeKind::District as i32, 0, district.clone()),
    }
}

fn asked_state(state: i32) -> Result<Option<State>> {
    match pb::RegisterChangeState::try_from(state) {
        Ok(pb::RegisterChangeState::Unspecified) => Ok(None),
        Ok(pb::RegisterChangeState::Pending) => Ok(Some(State::Pending)),
        Ok(pb::RegisterChangeState::Applying) => Ok(Some(State::Applying)),
        Ok(pb::RegisterChangeState::Applied) => Ok(Some(State::Applied)),
        Ok(pb::RegisterChangeState::Rejected) => Ok(Some(State::Rejected)),
        Err(_) => Err(Refusal::invalid("state", "没有这种状态 / unknown")),
    }
}

fn asked_outcome(outcome: i32) -> Result<Option<Outcome>> {
    match pb::RegisterChangeOutcome::try_from(outcome) {
        Ok(pb::RegisterChangeOutcome::Unspecified) => Ok(None),
        Ok(pb::RegisterChangeOutcome::Changed) => Ok(Some(Outcome::Changed)),
        Ok(pb::RegisterChangeOutcome::Unchanged) => Ok(Some(Outcome::Unchanged)),
        Ok(pb::RegisterChangeOutcome::Stale) => Ok(Some(Outcome::Stale)),
        Ok(pb::RegisterChangeOutcome::NotFound) => Ok(Some(Outcome::NotFound)),
        Err(_) => Err(Refusal::invalid("outcome", "没有这种结果 / unknown")),
    }
}

/// As the contract shows it.
pub fn message(change: &ChangeRow) -> pb::RegisterChange {
    let state = match State::parse(&change.state) {
        Ok(State::Pending) => pb::RegisterChangeState::Pending,
        Ok(State::Applying) => pb::RegisterChangeState::Applying,
        Ok(State::Applied) => pb::RegisterChangeState::Applied,
        Ok(State::Rejected) => pb::RegisterChangeState::Rejected,
        // The table's constraint lets nothing else in.
        Err(_) => pb::RegisterChangeState::Unspecified,
    };
    let experts = change.kind == "EXPERTS";
    let other = if experts { pb::RegisterChangeKind::Experts } else { pb::RegisterChangeKind::Import };
    let (kind, status, district) = change.target().map_or((other as i32, 0, String::new()), |target| shown(&target));
    let import = match change.target() {
        None if !experts => format!("{}/imports/{}", change.organisation, change.value),
        None | Some(_) => String::new(),
    };
    pb::RegisterChange {
        name: change.name(),
        kind,
        status,
        district,
        import,
        reason: change.reason.clone(),
        plan: change.plan.clone(),
        state: state as i32,
        etag: change.revision.to_string(),
        creator: change.creator.clone(),
        create_time: Some(timestamp(change.created_at)),
        decider: change.decider.clone(),
        decide_time: change.decided_at.map(timestamp),
        decide_reason: change.decide_reason.clone(),
        end_time: change.ended_at.map(timestamp),
        rows: change.rows,
        changed: change.changed,
        unchanged: change.unchanged,
        refused: change.refused,
        samples: Vec::new(),
    }
}

fn row(row: RowRow) -> pb::RegisterChangeRow {
    let outcome = match Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == row.outcome) {
        Some(Outcome::Changed) => pb::RegisterChangeOutcome::Changed,
        Some(Outcome::Unchanged) => pb::RegisterChangeOutcome::Unchanged,
        Some(Outcome::Stale) => pb::RegisterChangeOutcome::Stale,
        Some(Outcome::NotFound) => pb::RegisterChangeOutcome::NotFound,
        None => pb::RegisterChangeOutcome::Unspecified,
    };
    let known = !row.title.is_empty();
    pb::RegisterChangeRow {
        status: if known { Life::kept(row.in_business, &row.gone).message() as i32 } else { 0 },
        key: row.key,
        title: row.title,
        district: row.district,
        outcome: outcome as i32,
        note: row.note,
    }
}
