//! The service Recusals (art. 16): parse, load, decide, save, announce.

use kit::{
    auth::Caller,
    env::Env,
    error::{Reason, Refusal, Result},
    keys::Purpose,
    ledger::{Audience, Ledger, Tx, timestamp},
};
use lottery::{
    Digest,
    frozen::{EXCLUSIONS, EXPERTS, OFFICERS},
    recusal::{Act, Asked, Head},
    sign::Signature,
};
use proto::qingtian::draws::{
    events::v1 as events,
    v1::{self as pb, recusals_server::Recusals},
};
use tonic::{Request, Response, Status};

use super::{
    rules::{self, CarriedOut, Deciding, Event, Ground, Revealed, Sight, State, Team},
    store::{self, Filter, LineRow, NewLine, RecusalRow},
};
use crate::{
    PART,
    draws::{freeze, frozen, rules::State as DrawState, state, store::unit_of},
    plans::content,
};

/// The service.
pub struct Api {
    env: Env,
    ledger: Ledger,
}

impl Api {
    /// A service over this part's ledger.
    pub fn new(env: &Env, ledger: &Ledger) -> Self {
        Self { env: env.clone(), ledger: ledger.clone() }
    }

    /// Begins a decision: the draw is locked, and nobody decides twice, about himself, or what he asked. Answers the recusal
    /// as it was and as it will be.
    async fn deciding(&self, tx: &mut Tx, name: &str, etag: &str, event: Event) -> Result<(pb::Recusal, RecusalRow)> {
        let caller = tx.caller().clone();
        let mut row = store::lock(tx, name, &caller.organisation).await?;
        let before = message(&row);
        let state = State::parse(&row.state)?.apply(event, &row.name)?;
        if etag != row.revision.to_string() {
            return Err(Refusal::stale(&row.name, &row.creator, "申请 asked"));
        }
        let account = store::account(tx, &row.person).await?;
        let deciding = Deciding {
            recusal: &row.name,
            creator: &row.creator,
            person: &row.person,
            account: account.as_deref(),
            decider: &caller.actor,
            certificate: &caller.certificate,
        };
        deciding.check()?;
        state.as_str().clone_into(&mut row.state);
        row.revision += 1;
        row.decider = caller.actor;
        row.decided_at = Some(tx.now());
        Ok((before, row))
    }

    /// What the protocol needs to know of a draw.
    async fn revealed(&self, tx: &mut Tx, draw: &str, statement: &frozen::StatementRow) -> Result<Revealed> {
        let reveal = store::reveal(tx, draw).await?;
        let kept = frozen::files(tx, draw).await?;
        let read = async |name: &str| freeze::read(&kept, &self.env.blobs, name).await;
        Ok(Revealed {
            rules: statement.rules.clone(),
            officers: read(OFFICERS).await?,
            experts: read(EXPERTS).await?,
            exclusions: read(EXCLUSIONS).await?,
            seed: reveal.seed,
            revealed_at: state::time(reveal.revealed_at)?,
            result: reveal.result_blob,
            placed: store::placed(tx, draw).await?,
            log: store::log(tx, draw).await?,
            visited: store::visited(tx, draw).await?,
        })
    }

    /// Carries an upheld recusal out, and signs the log's new head. Writes nothing.
    async fn carry_out(
        &self,
        tx: &mut Tx,
        row: &RecusalRow,
        act: Act,
        statement: &frozen::StatementRow,
    ) -> Result<(CarriedOut, String)> {
        let revealed = self.revealed(tx, &row.draw, statement).await?;
        let digest = Digest::parse(&statement.digest).map_err(Refusal::internal)?;
        let asked = Asked {
            time: state::time(tx.now())?,
            act,
            subject: row.subject.clone(),
            out: row.person.clone(),
            reason: row.ground.clone(),
            asked_by: row.asked_as.clone(),
            approved_by: rules::office(unit_of(&row.organisation), "reviewer"),
        };
        let keys = self.env.keys.clone();
        let work = move || {
            let done = revealed.carry_out(&digest, asked)?;
            let signing = keys.signing(PART, Purpose::Evidence)?;
            let value = signing.sign(done.head_text.as_bytes());
            let signature = Signature { kid: signing.kid.clone(), value };
            let head = Head { digest: done.line.digest(), n: done.line.n, signature };
            let head = String::from_utf8(head.to_bytes()?)?;
            Ok::<_, anyhow::Error>((done, head))
        };
        self.env.compute(work).await.map_err(Refusal::internal)?.map_err(Refusal::internal)
    }
}

#[tonic::async_trait]
impl Recusals for Api {
    async fn create_recusal(
        &self,
        request: Request<pb::CreateRecusalRequest>,
    ) -> Result<Response<pb::Recusal>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let given = request.recusal.clone().unwrap_or_default();
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let draw = store::lock_draw(&mut tx, &given.draw, &caller).await?;
        let own = rules::check_asking(&caller, &given.person, &draw.organisation)?;
        let ground = ground_of(given.ground)?;
        let note = note_of(ground, &given.note)?;
        rules::check_dispatched(&draw.name, DrawState::parse(&draw.state)?)?;
        let team = store::team(&mut tx, &draw.name, &given.subject).await?;
        let team = team.ok_or_else(|| {
            Refusal::new(Reason::NotInTeam).with("person", &given.person).with("subject", &given.subject)
        })?;
        check_leaving(&team, &given.subject, &given.person)?;
        if let Some(open) = store::open(&mut tx, &draw.name, &given.subject, &given.person).await? {
            return Err(Refusal::new(Reason::RecusalOpen).with("recusal", open).into());
        }
        let number = store::next_number(&mut tx, &draw.name).await?;
        let asked_as = if own { given.person.clone() } else { rules::office(&draw.unit, "handler") };
        let row = RecusalRow {
            name: format!("recusals/{}-{number}", draw.name.trim_start_matches("draws/")),
            draw: draw.name,
            number,
            visit: team.visit,
            organisation: draw.organisation,
            subject: given.subject,
            title: team.title,
            person: given.person,
            ground: ground.as_str().to_owned(),
            note,
            creator: caller.actor.clone(),
            asked_as,
            created_at: tx.now(),
            state: State::Requested.as_str().to_owned(),
            revision: 1,
            decider: String::new(),
            decided_at: None,
            reject_reason: String::new(),
            line: LineRow::default(),
        };
        store::insert(&mut tx, &row).await?;
        let answer = message(&row);
        let event = events::RecusalRequested { recusal: Some(bare(&answer)) };
        tx.emit(&row.name, row.revision, &event, Audience::Organisations(vec![row.organisation.clone()]))?;
        tx.changed(&row.name, None, Some(&answer));
        tx.commit(&answer).await?;
        tracing::info!(recusal.id = %row.name, draw.id = %row.draw, "asked for recusal");
        Ok(Response::new(answer))
    }

    async fn get_recusal(&self, request: Request<pb::GetRecusalRequest>) -> Result<Response<pb::Recusal>, Status> {
        let caller = Caller::of(&request)?;
        let name = request.into_inner().name;
        let mut conn = self.ledger.pool().acquire().await.map_err(Refusal::from)?;
        let row = store::find(&mut conn, &name, &Sight::of(&caller)).await?;
        Ok(Response::new(shown(&row, &caller)))
    }

    async fn list_recusals(
        &self,
        request: Request<pb::ListRecusalsRequest>,
    ) -> Result<Response<pb::ListRecusalsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let page = store::ORDERS.page(&request.order_by, &request.page_token, request.page_size)?;
        let sight = Sight::of(&caller);
        let state = state_asked(request.state)?;
        let query = content::text("query", &request.query, 100)?;
        let filter = Filter { sight: &sight, draw: &request.draw, state, query: &query };
        let mut conn = self.ledger.pool().acquire().await.map_err(Refusal::from)?;
        let mut found = store::list(&mut conn, &filter, &page).await?;
        let next_page_token = page.cut(&mut found);
        let total_size = store::count(&mut conn, &filter).await?;
        let recusals = found.iter().map(|row| shown(row, &caller)).collect();
        Ok(Response::new(pb::ListRecusalsResponse { recusals, next_page_token, total_size }))
    }

    async fn uphold_recusal(
        &self,
        request: Request<pb::UpholdRecusalRequest>,
    ) -> Result<Response<pb::Recusal>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let (before, mut row) = self.deciding(&mut tx, &request.name, &request.etag, Event::Uphold).await?;
        let act = act_of(request.act)?;
        Ground::parse(&row.ground)?.check(act)?;
        let team = store::team(&mut tx, &row.draw, &row.subject).await?;
        let team = team.ok_or_else(|| Refusal::internal(anyhow::anyhow!("{} has lost its visit", row.name)))?;
        check_leaving(&team, &row.subject, &row.person)?;
        let statement = frozen::statement(&mut tx, &row.draw).await?;
        let (done, head) = self.carry_out(&mut tx, &row, act, &statement).await?;
        let (line, n) = (done.line.to_string(), i64::try_from(done.line.n).map_err(Refusal::internal)?);
        row.line = LineRow {
            n,
            act: done.line.act.as_str().to_owned(),
            person_in: rules::somebody(&done.line.officer_in).to_owned(),
            other_subject: rules::somebody(&done.line.other_subject).to_owned(),
        };
        store::save(&mut tx, &row).await?;
        let written = NewLine { draw: &row.draw, recusal: &row.name, row: row.line.clone(), line: &line, head: &head };
        store::insert_line(&mut tx, &written).await?;
        for team in &done.teams {
            store::save_team(&mut tx, &row.draw, n, team).await?;
        }
        let answer = message(&row);
        let event = events::RecusalUpheld { draw: row.draw.clone(), n, line, head };
        tx.emit(&row.name, row.revision, &event, audience(&statement.rules)?)?;
        tx.changed(&row.name, Some(&before), Some(&answer));
        tx.commit(&answer).await?;
        tracing::info!(recusal.id = %row.name, draw.id = %row.draw, n, act = %row.line.act, "upheld recusal");
        Ok(Response::new(answer))
    }

    async fn reject_recusal(
        &self,
        request: Request<pb::RejectRecusalRequest>,
    ) -> Result<Response<pb::Recusal>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let (before, mut row) = self.deciding(&mut tx, &request.name, &request.etag, Event::Reject).await?;
        row.reject_reason = content::reason("reason", &request.reason, "请说明驳回理由 / say why")?;
        store::save(&mut tx, &row).await?;
        let answer = message(&row);
        let event = events::RecusalRejected { recusal: Some(bare(&answer)) };
        tx.emit(&row.name, row.revision, &event, Audience::Organisations(vec![row.organisation.clone()]))?;
        tx.changed(&row.name, Some(&before), Some(&answer));
        tx.commit(&answer).await?;
        tracing::info!(recusal.id = %row.name, draw.id = %row.draw, "rejected recusal");
        Ok(Response::new(answer))
    }
}

/// Who may hear of a line: everybody, unless the result is public only later (art. 18); the portal in any case.
fn audience(rules: &[u8]) -> Result<Audience> {
    let rules = lottery::rules::Rules::parse(rules).map_err(Refusal::internal)?;
    Ok(if rules.publish_after.is_some() { Audience::Platform } else { Audience::Public })
}

fn check_leaving(team: &store::TeamRow, subject: &str, person: &str) -> Result<()> {
    let team = Team { subject, officers: &team.officers, experts: &team.experts, visited: team.visited };
    team.check_leaving(person)
}

fn ground_of(given: i32) -> Result<Ground> {
    let ground = match pb::RecusalGround::try_from(given) {
        Ok(pb::RecusalGround::Interest) => Some(Ground::Interest),
        Ok(pb::RecusalGround::Kinship) => Some(Ground::Kinship),
        Ok(pb::RecusalGround::Illness) => Some(Ground::Illness),
        Ok(pb::RecusalGround::Transfer) => Some(Ground::Transfer),
        Ok(pb::RecusalGround::Other) => Some(Ground::Other),
        Ok(pb::RecusalGround::Unspecified) | Err(_) => None,
    };
    ground.ok_or_else(|| Refusal::invalid("recusal.ground", "请选择回避事由 / choose a ground"))
}

fn note_of(ground: Ground, given: &str) -> Result<String> {
    match ground {
        Ground::Other => content::reason("recusal.note", given, "请写明事由 / say what it is"),
        Ground::Interest | Ground::Kinship | Ground::Illness | Ground::Transfer => {
            content::text("recusal.note", given, 500)
        }
    }
}

fn act_of(given: i32) -> Result<Act> {
    match pb::RecusalAct::try_from(given) {
        Ok(pb::RecusalAct::Withdraw) => Ok(Act::Withdraw),
        Ok(pb::RecusalAct::Exchange) => Ok(Act::Exchange),
        Ok(pb::RecusalAct::Unspecified) | Err(_) => {
            Err(Refusal::invalid("act", "请选择交换或退出 / choose EXCHANGE or WITHDRAW"))
        }
    }
}

fn state_asked(given: i32) -> Result<Option<&'static str>> {
    match pb::RecusalState::try_from(given) {
        Ok(pb::RecusalState::Unspecified) => Ok(None),
        Ok(pb::RecusalState::Requested) => Ok(Some(State::Requested.as_str())),
        Ok(pb::RecusalState::Upheld) => Ok(Some(State::Upheld.as_str())),
        Ok(pb::RecusalState::Rejected) => Ok(Some(State::Rejected.as_str())),
        Err(_) => Err(Refusal::invalid("state", "没有这种状态 / unknown")),
    }
}

fn message(row: &RecusalRow) -> pb::Recusal {
    // Constraints keep other texts out of the table.
    let state = State::parse(&row.state).map_or(pb::RecusalState::Unspecified, |state| match state {
        State::Requested => pb::RecusalState::Requested,
        State::Upheld => pb::RecusalState::Upheld,
        State::Rejected => pb::RecusalState::Rejected,
    });
    let ground = Ground::parse(&row.ground).map_or(pb::RecusalGround::Unspecified, |ground| match ground {
        Ground::Interest => pb::RecusalGround::Interest,
        Ground::Kinship => pb::RecusalGround::Kinship,
        Ground::Illness => pb::RecusalGround::Illness,
        Ground::Transfer => pb::RecusalGround::Transfer,
        Ground::Other => pb::RecusalGround::Other,
    });
    let act = Act::parse(&row.line.act).map_or(pb::RecusalAct::Unspecified, |act| match act {
        Act::Withdraw => pb::RecusalAct::Withdraw,
        Act::Exchange => pb::RecusalAct::Exchange,
    });
    pb::Recusal {
        name: row.name.clone(),
        draw: row.draw.clone(),
        visit: row.visit.clone(),
        organisation: row.organisation.clone(),
        subject: row.subject.clone(),
        title: row.title.clone(),
        person: row.person.clone(),
        ground: ground as i32,
        note: row.note.clone(),
        state: state as i32,
        act: act as i32,
        person_in: row.line.person_in.clone(),
        other_subject: row.line.other_subject.clone(),
        line: row.line.n,
        reject_reason: row.reject_reason.clone(),
        creator: row.creator.clone(),
        decider: row.decider.clone(),
        create_time: Some(timestamp(row.created_at)),
        decide_time: row.decided_at.map(timestamp),
        etag: row.revision.to_string(),
    }
}

/// A recusal as this caller reads it.
fn shown(row: &RecusalRow, caller: &Caller) -> pb::Recusal {
    let shown = message(row);
    if rules::reads_words(caller, &row.creator, &row.person, &row.organisation) {
        shown
    } else {
        pb::Recusal { note: String::new(), reject_reason: String::new(), ..shown }
    }
}

/// A recusal as announced: without words and accounts.
fn bare(recusal: &pb::Recusal) -> pb::Recusal {
    pb::Recusal {
        note: String::new(),
        reject_reason: String::new(),
        creator: String::new(),
        decider: String::new(),
        etag: String::new(),
        ..recusal.clone()
    }
}
