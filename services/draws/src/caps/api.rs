//! The service Caps (art. 17).

use std::pin::Pin;

use futures::Stream;
use kit::{
    auth::Caller,
    env::Env,
    error::{Reason, Refusal, Result},
    ledger::{Audience, Ledger, timestamp},
    sheet::safe_cell,
    workdays::legal_day,
};
use proto::{
    google::api::HttpBody,
    qingtian::{
        access::v1::Role,
        draws::{
            events::v1 as events,
            v1::{self as pb, caps_server::Caps},
        },
    },
};
use sqlx::types::Json;
use tonic::{Request, Response, Status};

use super::{
    rules::{Content, State, Step},
    store::{self, CapRow, Filter},
};
use crate::{
    plans::content::{reason, text},
    registers::{export, import::new_id},
};

/// The service.
pub struct Api {
    ledger: Ledger,
}

impl Api {
    /// A service over this part's ledger.
    pub fn new(_env: &Env, ledger: &Ledger) -> Self {
        Self { ledger: ledger.clone() }
    }

    async fn decide(&self, caller: &Caller, act: Act<'_>, mut tx: kit::ledger::Tx) -> Result<pb::Cap> {
        let before = store::get(&mut tx, act.name, &caller.own(), true).await?;
        check_role(caller, before.authority.is_empty(), Role::Reviewer, "REVIEWER")?;
        Refusal::check_etag(act.etag, before.revision, act.name, before.last_act())?;
        let state = State::parse(&before.state)?.after(act.name, act.step)?;
        if act.step == Step::Publish {
            if before.creator == caller.actor {
                return Err(Refusal::new(Reason::OwnAct));
            }
            content(&before).check_day(legal_day(tx.now()))?;
        }
        let after = CapRow {
            state: state.as_str().to_owned(),
            revision: before.revision + 1,
            decider: caller.actor.clone(),
            decided_at: Some(tx.now()),
            reject_reason: act.reason,
            ..before.clone()
        };
        store::decide(&mut tx, &after).await?;
        let answer = message(&after);
        if state == State::Published {
            let event = events::CapPublished { cap: Some(public(answer.clone())) };
            tx.emit(&answer.name, after.revision, &event, Audience::Public)?;
        }
        tx.changed(&answer.name, Some(&message(&before)), Some(&answer));
        tx.commit(&answer).await?;
        tracing::info!(cap.name = %answer.name, state = %after.state, "decided on caps");
        Ok(answer)
    }

    async fn published(&self, year: i32) -> Result<Vec<CapRow>> {
        let filter = Filter { state: Some(State::Published), year: (year != 0).then_some(year), ..Filter::default() };
        store::list(&mut *self.ledger.pool().acquire().await?, &filter, None).await
    }
}

struct Act<'a> {
    name: &'a str,
    etag: &'a str,
    step: Step,
    reason: String,
}

/// A city-wide cap is the coordinator's; an authority's own is its handlers' and reviewers'.
fn check_role(caller: &Caller, city_wide: bool, own: Role, said: &str) -> Result<()> {
    let (needed, said) = if city_wide { (Role::Coordinator, "COORDINATOR") } else { (own, said) };
    if caller.has(needed) { Ok(()) } else { Err(Refusal::new(Reason::RoleMissing).with("needed", said)) }
}

fn content(row: &CapRow) -> Content {
    Content {
        city_wide: row.authority.is_empty(),
        year: row.year,
        limits: row.limits.0.clone(),
        basis: row.basis.clone(),
        effective_on: row.effective_on,
    }
}

fn message(row: &CapRow) -> pb::Cap {
    let limit = |(class, visits): (&String, &i32)| pb::CapLimit { subject_class: class.clone(), visits: *visits };
    pb::Cap {
        name: row.name(),
        city_wide: row.authority.is_empty(),
        year: row.year,
        limits: row.limits.iter().map(limit).collect(),
        basis: row.basis.clone(),
        effective_date: row.effective_on.to_string(),
        // The table's constraint lets nothing else in.
        state: State::parse(&row.state).map_or(pb::CapState::Unspecified, State::shown) as i32,
        etag: row.revision.to_string(),
        creator: row.creator.clone(),
        create_time: Some(timestamp(row.created_at)),
        decider: row.decider.clone(),
        decide_time: row.decided_at.map(timestamp),
        reject_reason: row.reject_reason.clone(),
        authority: row.authority.clone(),
    }
}

/// Without the accounts of those who drafted and published it.
fn public(cap: pb::Cap) -> pb::Cap {
    pb::Cap { creator: String::new(), decider: String::new(), ..cap }
}

#[tonic::async_trait]
impl Caps for Api {
    async fn create_cap(&self, request: Request<pb::CreateCapRequest>) -> Result<Response<pb::Cap>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.owns(&request.parent)?;
        let given = request.cap.clone().unwrap_or_default();
        check_role(&caller, given.city_wide, Role::Handler, "HANDLER")?;
        let content = Content::parse(&given)?;
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let row = CapRow {
            id: new_id(tx.now()),
            authority: if content.city_wide { String::new() } else { request.parent.clone() },
            organisation: request.parent,
            year: content.year,
            limits: Json(content.limits),
            basis: content.basis,
            effective_on: content.effective_on,
            state: State::Draft.as_str().to_owned(),
            revision: 1,
            creator: caller.actor.clone(),
            created_at: tx.now(),
            decider: String::new(),
            decided_at: None,
            reject_reason: String::new(),
        };
        store::insert(&mut tx, &row).await?;
        let answer = message(&row);
        tx.changed(&answer.name, None, Some(&answer));
        tx.commit(&answer).await?;
        Ok(Response::new(answer))
    }

    async fn publish_cap(&self, request: Request<pb::PublishCapRequest>) -> Result<Response<pb::Cap>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let act = Act { name: &request.name, etag: &request.etag, step: Step::Publish, reason: String::new() };
        Ok(Response::new(self.decide(&caller, act, tx).await?))
    }

    async fn reject_cap(&self, request: Request<pb::RejectCapRequest>) -> Result<Response<pb::Cap>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        // Whoever may not see it is told nothing of what is missing.
        crate::registers::store::within(&request.name, "caps", &caller.own())?;
        let why = reason("reason", &request.reason, "请说明退回的理由 / say why")?;
        let tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let act = Act { name: &request.name, etag: &request.etag, step: Step::Reject, reason: why };
        Ok(Response::new(self.decide(&caller, act, tx).await?))
    }

    async fn get_cap(&self, request: Request<pb::GetCapRequest>) -> Result<Response<pb::Cap>, Status> {
        let caller = Caller::of(&request)?;
        let name = request.into_inner().name;
        let mut conn = self.ledger.pool().acquire().await.map_err(Refusal::from)?;
        let row = store::get(&mut conn, &name, &caller.reach(), false).await?;
        Ok(Response::new(message(&row)))
    }

    async fn list_caps(&self, request: Request<pb::ListCapsRequest>) -> Result<Response<pb::ListCapsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.reaches(&request.parent)?;
        let page = store::ORDERS.page(&request.order_by, &request.page_token, request.page_size)?;
        let query = text("query", &request.query, 100)?;
        let state = match request.state() {
            pb::CapState::Unspecified => None,
            pb::CapState::Draft => Some(State::Draft),
            pb::CapState::Published => Some(State::Published),
            pb::CapState::Rejected => Some(State::Rejected),
        };
        let filter = Filter { organisation: Some(&request.parent), state, year: None, query: &query };
        let mut conn = self.ledger.pool().acquire().await.map_err(Refusal::from)?;
        let mut found = store::list(&mut conn, &filter, Some(&page)).await?;
        let next_page_token = page.cut(&mut found);
        Ok(Response::new(pb::ListCapsResponse { caps: found.iter().map(message).collect(), next_page_token }))
    }

    async fn list_published_caps(
        &self,
        request: Request<pb::ListPublishedCapsRequest>,
    ) -> Result<Response<pb::ListPublishedCapsResponse>, Status> {
        let request = request.into_inner();
        let page = store::ORDERS.page("effective_date desc", &request.page_token, request.page_size)?;
        let year = (request.year != 0).then_some(request.year);
        let filter = Filter { state: Some(State::Published), year, ..Filter::default() };
        let mut conn = self.ledger.pool().acquire().await.map_err(Refusal::from)?;
        let mut found = store::list(&mut conn, &filter, Some(&page)).await?;
        let next_page_token = page.cut(&mut found);
        let caps = found.iter().map(|row| public(message(row))).collect();
        Ok(Response::new(pb::ListPublishedCapsResponse { caps, next_page_token }))
    }

    type DownloadPublishedCapsStream = Pin<Box<dyn Stream<Item = Result<HttpBody, Status>> + Send>>;

    async fn download_published_caps(
        &self,
        request: Request<pb::DownloadPublishedCapsRequest>,
    ) -> Result<Response<Self::DownloadPublishedCapsStream>, Status> {
        let rows = self.published(request.into_inner().year).await?;
        let bytes = table(&rows).map_err(Refusal::internal)?;
        Ok(Response::new(Box::pin(futures::stream::iter([Ok(export::csv(bytes))]))))
    }
}

/// One line a class, as a spreadsheet opens it.
fn table(rows: &[CapRow]) -> anyhow::Result<Vec<u8>> {
    let mut table =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer("\u{feff}".as_bytes().to_vec());
    table.write_record(["authority", "year", "subject_class", "visits", "effective_date", "basis"])?;
    for row in rows {
        let authority = if row.authority.is_empty() { "*" } else { &row.authority };
        for (class, visits) in &row.limits.0 {
            let (year, visits, day) = (row.year.to_string(), visits.to_string(), row.effective_on.to_string());
            table.write_record([authority, &year, class, &visits, &day, &safe_cell(&row.basis)])?;
        }
    }
    Ok(table.into_inner()?)
}
