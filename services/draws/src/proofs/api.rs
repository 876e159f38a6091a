//! The service Proofs (art. 10): parse, lock, decide, save. A code is never written down: not in the database, not in the audit,
//! not in events or logs.

use chrono::NaiveDate;
use kit::{
    auth::Caller,
    codes::SubjectKey,
    env::Env,
    error::{Reason, Refusal, Result},
    ledger::{Ledger, timestamp},
    pages,
};
use lottery::{
    Digest,
    hash::Tickets,
    own_line::{Columns, InPool, OwnLine, Placed},
    rules::Rules,
    sorted::Found,
    statement::Statement,
};
use proto::qingtian::draws::v1::{self as pb, proofs_server::Proofs};
use tonic::{Request, Response, Status};

use super::{
    line::{Reader, Standing},
    rules::{self, Code, Issued, State},
    store,
};
use crate::draws::{
    frozen::{self, StatementRow},
    rules::State as DrawState,
    store::{self as draws, DrawRow},
    view,
};

/// The service.
pub struct Api {
    env: Env,
    ledger: Ledger,
    reader: Reader,
}

impl Api {
    /// A service over this part's ledger.
    pub fn new(env: &Env, ledger: &Ledger) -> Self {
        Self { env: env.clone(), ledger: ledger.clone(), reader: Reader::new(env) }
    }

    async fn issue(&self, caller: &Caller, request: &pb::IssueProofCodeRequest) -> Result<pb::ProofCode> {
        let turn = self.reader.turn().await?;
        // What is frozen is read before the draw is locked: nothing changes it, and acts over the draw do not wait for the reading.
        let mut conn = self.ledger.pool().acquire().await?;
        let draw = view::row(&mut conn, &request.draw).await?;
        let draw = draw.filter(|draw| draw.organisation == caller.organisation);
        check_result(&draw.ok_or_else(|| Refusal::not_found(&request.draw))?)?;
        let kept = frozen::files(&mut conn, &request.draw).await?;
        let statement = frozen::statement(&mut conn, &request.draw).await?;
        drop(conn);
        let out_of_scope =
            || Refusal::new(Reason::NotInDrawsScope).with("subject", &request.subject).with("draw", &request.draw);
        let key = SubjectKey::parse(request.subject.trim()).map_err(|_| out_of_scope())?.to_string();
        self.reader.standing(&turn, &kept, &key).await?.ok_or_else(out_of_scope)?;
        let title = self.reader.title(&turn, &kept, &key).await?;
        drop(turn);
        let mut tx = self.ledger.begin(caller, "", request).await?;
        let draw = draws::lock_own(&mut tx, &request.draw, &caller.organisation).await?;
        check_result(&draw)?;
        let code = Code::new().map_err(Refusal::internal)?;
        let mut issued = Issued {
            title,
            number: 0,
            subject: key,
            creator: caller.actor.clone(),
            created_at: tx.now(),
            expires_at: rules::expiry(tx.now(), publish_after(&statement)?),
            used_at: None,
            replaced_at: None,
            draw: draw.name,
        };
        issued.number = store::insert(&mut tx, &issued, &code.digest(&issued.draw)).await?;
        let shown = message(&issued, tx.now());
        tx.changed(&shown.name, None, Some(&shown));
        // The answer is kept nowhere, as there was no request_id.
        tx.commit(&()).await?;
        tracing::info!(draw.id = %issued.draw, proof_code = issued.number, "issued a code for an own line");
        Ok(pb::ProofCode { code: code.told(), ..shown })
    }

    async fn redeem(&self, caller: &Caller, request: &pb::RedeemProofCodeRequest) -> Result<pb::OwnLine> {
        let code = Code::parse(&request.code).ok_or_else(|| store::unknown(&request.draw))?;
        let digest = code.digest(&request.draw);
        let mut conn = self.ledger.pool().acquire().await.map_err(Refusal::from)?;
        // Whoever brings nothing that exists is refused before anything is begun.
        let issued = store::by_digest(&mut conn, &request.draw, &digest).await?;
        drop(conn);
        issued.check_usable(self.env.clock.now())?;
        let turn = self.reader.turn().await?;
        // In the audit the code acts: its holder has no account.
        let acting = Caller { actor: issued.name(), ..caller.clone() };
        let mut tx = self.ledger.begin(&acting, "", &()).await?;
        let now = tx.now();
        // Asked again: while this one waited, the code may have been used or replaced.
        let issued = store::by_digest(&mut tx, &request.draw, &digest).await?;
        issued.check_usable(now)?;
        let statement = frozen::statement(&mut tx, &issued.draw).await?;
        rules::check_public(&issued.draw, publish_after(&statement)?, now)?;
        store::use_up(&mut tx, &issued, now).await?;
        let kept = frozen::files(&mut tx, &issued.draw).await?;
        let standing = self.reader.standing(&turn, &kept, &issued.subject).await?;
        let standing =
            standing.ok_or_else(|| Refusal::internal(anyhow::anyhow!("{} has lost its line", issued.name())))?;
        let answer = own_line(&mut tx, &issued, &statement, standing).await?;
        let used = message(&Issued { used_at: Some(now), ..issued.clone() }, now);
        tx.changed(&used.name, Some(&message(&issued, now)), Some(&used));
        tx.commit(&()).await?;
        tracing::info!(draw.id = %issued.draw, proof_code = issued.number, "a firm took its own line");
        Ok(answer)
    }
}

/// Refuses codes for a draw without a result.
fn check_result(draw: &DrawRow) -> Result<()> {
    let state = DrawState::parse(&draw.state)?;
    if state.has_result() {
        return Ok(());
    }
    Err(Refusal::wrong_state(&draw.name, state.said(), "发放查询码 issue a code"))
}

/// The line with everything that proves it, checked before it is handed out.
async fn own_line(
    conn: &mut sqlx::PgConnection,
    issued: &Issued,
    row: &StatementRow,
    standing: Standing,
) -> Result<pb::OwnLine> {
    let statement = Statement::parse(&row.statement).map_err(Refusal::internal)?;
    let rules = Rules::parse(&row.rules).map_err(Refusal::internal)?;
    let text = |found: &Found| String::from_utf8(found.line.clone()).map_err(Refusal::internal);
    let mut own = OwnLine {
        draw_id: issued.draw.clone(),
        statement: Digest::parse(&row.digest).map_err(Refusal::internal)?,
        line: String::new(),
        pool: None,
    };
    match standing {
        Standing::LeftOut(found) => own.line = text(&found)?,
        Standing::Pool(found) => {
            own.line = text(&found)?;
            let stratum = own.line.split('\t').nth(1).unwrap_or_default();
            let outcome = store::outcome(conn, &issued.draw, &issued.subject, stratum).await?;
            let digest = |text: &str| Digest::parse(text).map_err(Refusal::internal);
            let seed = digest(&outcome.seed)?;
            found.proof.check(&statement.merkle_root, &found.line).map_err(Refusal::internal)?;
            own.pool = Some(InPool {
                proof: found.proof,
                ticket: Tickets::new(&seed).subject(issued.subject.as_bytes()),
                seed,
                threshold: outcome.threshold.as_deref().map(digest).transpose()?,
                drawn: outcome.drawn.then_some(Placed { officers: outcome.officers, experts: outcome.experts }),
            });
        }
    }
    shown(&own, issued, &rules, &statement)
}

/// An own line as the contract shows it.
fn shown(own: &OwnLine, issued: &Issued, rules: &Rules, statement: &Statement) -> Result<pb::OwnLine> {
    let json = own.to_bytes().map_err(Refusal::internal)?;
    let mut shown = pb::OwnLine {
        draw: issued.draw.clone(),
        subject: issued.subject.clone(),
        title: issued.title.clone(),
        file: own.file().to_owned(),
        line: own.line.clone(),
        statement: own.statement.to_string(),
        merkle_root: statement.merkle_root.to_string(),
        own_line_json: String::from_utf8(json).map_err(Refusal::internal)?,
        ..Default::default()
    };
    match own.columns(rules.is_withheld(own.file())).map_err(Refusal::internal)? {
        Columns::LeftOut { reason, .. } => reason.clone_into(&mut shown.left_out_reason),
        Columns::Pool { stratum, district, .. } => {
            stratum.clone_into(&mut shown.stratum);
            district.clone_into(&mut shown.district);
        }
    }
    if let Some(pool) = &own.pool {
        shown.leaf_index = i64::try_from(pool.proof.index).map_err(Refusal::internal)?;
        shown.subjects = i64::try_from(pool.proof.size).map_err(Refusal::internal)?;
        shown.proof = pool.proof.path.iter().map(ToString::to_string).collect();
        shown.seed = pool.seed.to_string();
        shown.ticket = pool.ticket.to_string();
        shown.threshold = pool.threshold.map(|threshold| threshold.to_string()).unwrap_or_default();
        shown.drawn = pool.drawn.is_some();
        if let Some(placed) = &pool.drawn {
            shown.officers.clone_from(&placed.officers);
            shown.experts.clone_from(&placed.experts);
        }
    }
    Ok(shown)
}

/// Day from which the draw's result is public; none: from the reveal on.
fn publish_after(statement: &StatementRow) -> Result<Option<NaiveDate>> {
    let rules = Rules::parse(&statement.rules).map_err(Refusal::internal)?;
    rules.publish_after.map(|after| after.date.parse().map_err(Refusal::internal)).transpose()
}

fn message(issued: &Issued, now: chrono::DateTime<chrono::Utc>) -> pb::ProofCode {
    let state = match issued.state(now) {
        State::Issued => pb::ProofCodeState::Issued,
        State::Used => pb::ProofCodeState::Used,
        State::Revoked => pb::ProofCodeState::Revoked,
        State::Expired => pb::ProofCodeState::Expired,
    };
    pb::ProofCode {
        name: issued.name(),
        subject: issued.subject.clone(),
        title: issued.title.clone(),
        state: state.into(),
        creator: issued.creator.clone(),
        create_time: Some(timestamp(issued.created_at)),
        expire_time: Some(timestamp(issued.expires_at)),
        use_time: issued.used_at.map(timestamp),
        code: String::new(),
        page: format!("/{}/own-line", issued.draw),
    }
}

#[tonic::async_trait]
impl Proofs for Api {
    async fn issue_proof_code(
        &self,
        request: Request<pb::IssueProofCodeRequest>,
    ) -> Result<Response<pb::ProofCode>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.issue(&caller, &request.into_inner()).await?))
    }

    async fn list_proof_codes(
        &self,
        request: Request<pb::ListProofCodesRequest>,
    ) -> Result<Response<pb::ListProofCodesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let rows = pages::rows(request.page_size)?;
        let before = pages::after(&request.page_token)?.map(|number| number.parse::<i64>());
        let before = before.transpose().map_err(|_| Refusal::new(Reason::PageToken))?;
        let query = crate::plans::content::text("query", &request.query, 100)?;
        let mut conn = self.ledger.pool().acquire().await.map_err(Refusal::from)?;
        let organisation = store::organisation(&mut conn, &request.parent).await?;
        if !organisation.is_some_and(|organisation| caller.reach().covers(&organisation)) {
            return Err(Refusal::not_found(&request.parent).into());
        }
        let now = self.env.clock.now();
        let mut found = store::list(&mut conn, &request.parent, &query, before, rows + 1).await?;
        let next_page_token = pages::cut(&mut found, rows, |code| code.number.to_string());
        let total_size = store::count(&mut conn, &request.parent, &query).await?;
        let proof_codes = found.iter().map(|code| message(code, now)).collect();
        Ok(Response::new(pb::ListProofCodesResponse { proof_codes, next_page_token, total_size }))
    }

    async fn redeem_proof_code(
        &self,
        request: Request<pb::RedeemProofCodeRequest>,
    ) -> Result<Response<pb::OwnLine>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.redeem(&caller, &request.into_inner()).await?))
    }
}
