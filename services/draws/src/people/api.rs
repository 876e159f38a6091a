//! The service People (art. 13, 15, 16): parse, load, decide, save.

use kit::{
    auth::Caller,
    env::{Clock, Env},
    error::{Reason, Refusal, Result},
    ledger::{Ledger, timestamp},
    pages,
    workdays::legal_day,
};
use proto::qingtian::{
    access::v1::Role,
    draws::v1::{self as pb, people_server::People},
};
use tonic::{Request, Response, Status};

use super::{
    Person, Sight, check_self_or_handler,
    conflicts::{acts, store as conflicts},
    declarations::{
        rules::{Said, check_year, year_of},
        store::{self as declarations, DeclarationRow},
    },
    leaves::{
        rules::{self as leave_rules, Period},
        store::{self as leaves, LeaveRow},
    },
    officers,
    secrets::Secrets,
};
use crate::{
    plans::content::{reason, text},
    registers::{import::new_id, store::within},
};

/// Conflicts declared with one declaration at the most.
const ADDITIONS_MAX: usize = 100;

/// The service.
pub struct Api {
    ledger: Ledger,
    clock: Clock,
    secrets: Secrets,
}

impl Api {
    /// A service over this part's ledger.
    ///
    /// # Errors
    /// The key that seals private words is missing.
    pub fn new(env: &Env, ledger: &Ledger) -> anyhow::Result<Self> {
        Ok(Self { ledger: ledger.clone(), clock: env.clock.clone(), secrets: Secrets::of(env)? })
    }
}

#[tonic::async_trait]
impl People for Api {
    async fn create_leave(&self, request: Request<pb::CreateLeaveRequest>) -> Result<Response<pb::Leave>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.owns(&request.parent)?;
        let given = request.leave.clone().unwrap_or_default();
        check_self_or_handler(&caller, &given.officer)?;
        let first = leave_rules::day("leave.first_day", &given.first_day)?;
        let last = leave_rules::day("leave.last_day", &given.last_day)?;
        let kind = leave_rules::kind(given.kind)?;
        let why = reason("leave.reason", &given.reason, "请说明请假事由 / say why")?;
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let period = Period::enter(first, last, legal_day(tx.now()))?;
        let person = Person::lock(&mut tx, &request.parent, &given.officer, false).await?;
        let leave = LeaveRow {
            id: new_id(tx.now()),
            reason: self.secrets.seal(&mut tx, &person.holder, &why).await?,
            holder: person.holder,
            organisation: request.parent,
            officer: person.key,
            first_day: period.first,
            last_day: period.last,
            kind: kind.to_owned(),
            creator: caller.actor.clone(),
            created_at: tx.now(),
            ended_day: None,
            ender: None,
        };
        leaves::insert(&mut tx, &leave).await?;
        let answer = leave_message(&leave);
        tx.changed(&answer.name, None, Some(&answer));
        tx.commit(&answer).await?;
        Ok(Response::new(answer))
    }

    async fn end_leave(&self, request: Request<pb::EndLeaveRequest>) -> Result<Response<pb::Leave>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let (organisation, id) = within(&request.name, "leaves", &caller.own())?;
        let last = leave_rules::day("last_day", &request.last_day)?;
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let sight = Sight::of(&caller);
        let found = leaves::get(&mut tx, organisation, id, &sight).await?;
        // One act after the other about a person; whoever has left the register meanwhile needs no lock.
        sqlx::query("select from officer where user_name = $1 for update")
            .bind(&found.holder)
            .execute(&mut *tx)
            .await
            .map_err(Refusal::from)?;
        let before = leaves::get(&mut tx, organisation, id, &sight).await?;
        Refusal::check_etag(&request.etag, before.revision(), &request.name, before.last_act())?;
        let ended = before.ended_day.is_some();
        let period = before.period().end(&request.name, ended, last, legal_day(tx.now()))?;
        let now = tx.now();
        leaves::end(&mut tx, id, period.last, &caller.actor, now).await?;
        let after = LeaveRow { ended_day: Some(period.last), ender: Some(caller.actor.clone()), ..before.clone() };
        let answer = leave_message(&after);
        tx.changed(&answer.name, Some(&leave_message(&before)), Some(&answer));
        tx.commit(&answer).await?;
        Ok(Response::new(answer))
    }

    async fn get_leave(&self, request: Request<pb::GetLeaveRequest>) -> Result<Response<pb::Leave>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let (organisation, id) = within(&request.name, "leaves", &caller.reach())?;
        let mut tx = self.ledger.begin(&caller, "", &request).await?;
        let leave = leaves::get(&mut tx, organisation, id, &Sight::of(&caller)).await?;
        let words = self.secrets.open(&mut tx, &[(&leave.holder, &leave.reason)]).await?;
        let reason = words.into_iter().next().flatten().unwrap_or_default();
        let answer = pb::Leave { reason, ..leave_message(&leave) };
        tx.changed::<pb::Leave>(&answer.name, None, None);
        tx.commit(&()).await?;
        Ok(Response::new(answer))
    }

    async fn list_leaves(
        &self,
        request: Request<pb::ListLeavesRequest>,
    ) -> Result<Response<pb::ListLeavesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.reaches(&request.parent)?;
        let page = leaves::ORDERS.page(&request.order_by, &request.page_token, request.page_size)?;
        let query = text("query", &request.query, 100)?;
        let filter = leaves::Filter {
            organisation: &request.parent,
            sight: &Sight::of(&caller),
            query: &query,
            open_on: request.open.then(|| legal_day(self.clock.now())),
        };
        let mut conn = self.ledger.pool().acquire().await.map_err(Refusal::from)?;
        let mut found = leaves::list(&mut conn, &filter, &page).await?;
        let next_page_token = page.cut(&mut found);
        let leaves = found.iter().map(leave_message).collect();
        Ok(Response::new(pb::ListLeavesResponse { leaves, next_page_token }))
    }

    async fn create_declaration(
        &self,
        request: Request<pb::CreateDeclarationRequest>,
    ) -> Result<Response<pb::Declaration>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.owns(&request.parent)?;
        let given = request.declaration.clone().unwrap_or_default();
        check_declarer(&caller, &given)?;
        let additions = additions(&request.additions)?;
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        check_year(given.year, legal_day(tx.now()))?;
        let person = Person::lock(&mut tx, &request.parent, &given.person, given.expert).await?;
        let said =
            Said { person: &person.key, none: request.none, confirms: request.confirms, additions: additions.len() };
        if declarations::of(&mut tx, &person.holder, given.year).await?.is_some() {
            let refusal = Refusal::new(Reason::AlreadyDeclared);
            return Err(refusal.with("person", &person.key).with("year", given.year).into());
        }
        said.check(conflicts::standing_subjects(&mut tx, &person.holder).await?.len())?;
        for (subject, reason) in &additions {
            let conflict = acts::declared(&tx, &request.parent, &person, subject, reason);
            conflicts::insert(&mut tx, &conflict).await?;
        }
        let declaration = DeclarationRow {
            id: new_id(tx.now()),
            subjects: conflicts::standing_subjects(&mut tx, &person.holder).await?,
            holder: person.holder,
            organisation: request.parent,
            person: person.key,
            year: given.year,
            creator: caller.actor.clone(),
            created_at: tx.now(),
        };
        declarations::insert(&mut tx, &declaration).await?;
        let answer = declaration.message();
        tx.changed(&answer.name, None, Some(&answer));
        tx.commit(&answer).await?;
        Ok(Response::new(answer))
    }

    async fn list_declarations(
        &self,
        request: Request<pb::ListDeclarationsRequest>,
    ) -> Result<Response<pb::ListDeclarationsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.reaches(&request.parent)?;
        let page = declarations::ORDERS.page(&request.order_by, &request.page_token, request.page_size)?;
        let query = text("query", &request.query, 100)?;
        let asked = ((request.year != 0).then_some(request.year), query.as_str());
        let mut conn = self.ledger.pool().acquire().await.map_err(Refusal::from)?;
        let sight = Sight::of(&caller);
        let mut found = declarations::list(&mut conn, &request.parent, &sight, asked, &page).await?;
        let next_page_token = page.cut(&mut found);
        let declarations = found.iter().map(DeclarationRow::message).collect();
        Ok(Response::new(pb::ListDeclarationsResponse { declarations, next_page_token }))
    }

    async fn list_undeclared(
        &self,
        request: Request<pb::ListUndeclaredRequest>,
    ) -> Result<Response<pb::ListUndeclaredResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.reaches(&request.parent)?;
        let rows = pages::rows(request.page_size)?;
        let after = pages::after(&request.page_token)?;
        let after = match after.as_deref().map(|after| after.split_once(' ')) {
            None => None,
            Some(Some((expert @ ("true" | "false"), person))) => Some((person, expert == "true")),
            Some(_) => return Err(Refusal::new(Reason::PageToken).into()),
        };
        let today = legal_day(self.clock.now());
        let year = match request.year {
            0 => year_of(today),
            year if year > 0 => year,
            _ => return Err(Refusal::invalid("year", "不能为负数 / must not be negative").into()),
        };
        let query = text("query", &request.query, 100)?;
        let asked = (year, today, query.as_str());
        let mut conn = self.ledger.pool().acquire().await.map_err(Refusal::from)?;
        let mut found = declarations::undeclared(&mut conn, &request.parent, asked, after, rows + 1).await?;
        let total_size = declarations::count_undeclared(&mut conn, &request.parent, asked).await?;
        let next_page_token = pages::cut(&mut found, rows, |one| format!("{} {}", one.expert, one.person));
        let person = |one: declarations::UndeclaredRow| pb::Undeclared {
            person: one.person,
            expert: one.expert,
            conflicts: i32::try_from(one.conflicts).unwrap_or(i32::MAX),
        };
        let people = found.into_iter().map(person).collect();
        Ok(Response::new(pb::ListUndeclaredResponse { people, next_page_token, total_size }))
    }

    async fn get_own_standing(
        &self,
        request: Request<pb::GetOwnStandingRequest>,
    ) -> Result<Response<pb::OwnStanding>, Status> {
        let caller = Caller::of(&request)?;
        let parent = request.into_inner().parent;
        caller.reaches(&parent)?;
        let today = legal_day(self.clock.now());
        let year = year_of(today);
        let mut conn = self.ledger.pool().acquire().await.map_err(Refusal::from)?;
        let officer = officers::get(&mut conn, &parent, &caller.certificate, today).await?;
        let declaration = declarations::of(&mut conn, &officer.user_name, year).await?;
        let standing = conflicts::standing(&mut conn, &officer.user_name).await?;
        Ok(Response::new(pb::OwnStanding {
            officer: Some(officers::message(officer)),
            year,
            declaration: declaration.map(|declaration| declaration.message()),
            conflicts: standing.iter().map(conflicts::ConflictRow::message).collect(),
        }))
    }

    async fn request_conflict_lift(
        &self,
        request: Request<pb::RequestConflictLiftRequest>,
    ) -> Result<Response<pb::Conflict>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(acts::ask_lift(&self.ledger, &caller, request.into_inner()).await?))
    }

    async fn lift_conflict(&self, request: Request<pb::LiftConflictRequest>) -> Result<Response<pb::Conflict>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        Ok(Response::new(acts::decide_lift(tx, &caller, (&request.name, &request.etag), "").await?))
    }

    async fn reject_conflict_lift(
        &self,
        request: Request<pb::RejectConflictLiftRequest>,
    ) -> Result<Response<pb::Conflict>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        within(&request.name, "conflicts", &caller.own())?;
        let why = reason("reason", &request.reason, "请说明不予解除的理由 / say why")?;
        let tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        Ok(Response::new(acts::decide_lift(tx, &caller, (&request.name, &request.etag), &why).await?))
    }
}

/// An officer declares for himself alone, a handler for experts.
fn check_declarer(caller: &Caller, given: &pb::Declaration) -> Result<()> {
    let (may, needed) = if given.expert {
        (caller.has(Role::Handler), "HANDLER")
    } else {
        (super::is_self(caller, &given.person), "OFFICER")
    };
    if may { Ok(()) } else { Err(Refusal::new(Reason::RoleMissing).with("needed", needed)) }
}

/// The conflicts declared with a declaration.
fn additions(given: &[pb::Conflict]) -> Result<Vec<(kit::codes::SubjectKey, String)>> {
    if given.len() > ADDITIONS_MAX {
        let problem = format!("一次至多 {ADDITIONS_MAX} 项，其余请单独申报 / at most {ADDITIONS_MAX}");
        return Err(Refusal::invalid("additions", problem));
    }
    let parse = |conflict: &pb::Conflict| {
        let subject = acts::subject("additions.subject", &conflict.subject)?;
        let wanted = "请说明利害关系 / say what the interest is";
        Ok((subject, reason("additions.reason", &conflict.reason, wanted)?))
    };
    given.iter().map(parse).collect()
}

/// A leave without its private words.
fn leave_message(row: &LeaveRow) -> pb::Leave {
    pb::Leave {
        name: row.name(),
        officer: row.officer.clone(),
        first_day: row.first_day.to_string(),
        last_day: row.last_day.to_string(),
        ended_day: row.ended_day.map(|day| day.to_string()).unwrap_or_default(),
        kind: leave_rules::kind_of(&row.kind) as i32,
        reason: String::new(),
        creator: row.creator.clone(),
        create_time: Some(timestamp(row.created_at)),
        ender: row.ender.clone().unwrap_or_default(),
        etag: row.revision().to_string(),
    }
}
