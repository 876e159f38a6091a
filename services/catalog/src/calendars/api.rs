//! Calendars and clocks over gRPC: parse, load, decide, save, announce.

use kit::{
    auth::Caller,
    clocks,
    error::{Refusal, Result},
    ledger::{Audience, Ledger},
    pages,
};
use proto::qingtian::{
    catalog::{
        events::v1::CalendarImported,
        v1::{self as pb, calendars_server::Calendars, catalog_clocks_server::CatalogClocks},
    },
    clocks::v1::{ListClocksRequest, ListClocksResponse},
};
use tonic::{Request, Response, Status};

use super::{
    rules::{self, State, Year},
    store,
};

/// The service of calendars.
pub struct Api(pub Ledger);

/// The service of clocks.
pub struct Clocks(pub Ledger);

impl Api {
    /// Puts a version in force, or sends it back.
    async fn decide(&self, caller: &Caller, name: &str, etag: &str, verdict: Verdict<'_>) -> Result<pb::Calendar> {
        let approved = matches!(verdict, Verdict::Approve(_));
        let mut tx = match &verdict {
            Verdict::Approve(request) => self.0.begin(caller, &request.request_id, *request).await?,
            Verdict::Reject(request) => self.0.begin(caller, &request.request_id, *request).await?,
        };
        let reason = match &verdict {
            Verdict::Approve(_) => "",
            Verdict::Reject(request) => rules::reason(&request.reason)?,
        };
        let now = tx.now();
        let before = store::lock(&mut tx, name).await?;
        Refusal::check_etag(etag, before.revision, name, before.last_act())?;
        let state = before.state().decide(name, approved)?;
        let mut correction = false;
        if approved {
            rules::check_second(&before.creator, &caller.actor)?;
            correction = store::replace(&mut tx, before.year).await?;
        }
        let after = store::decide(&mut tx, name, state, (&caller.actor, reason), now).await?;
        if approved {
            clocks::keep_year(&mut tx, after.year, after.version, &after.content).await?;
            let event = CalendarImported {
                year: after.year,
                version: after.version,
                content: after.content.clone(),
                correction,
            };
            let aggregate = format!("calendars/{}", after.year);
            tx.emit(&aggregate, after.version, &event, Audience::Public)?;
        }
        let answer = after.whole()?;
        tx.changed(name, Some(&before.whole()?), Some(&answer));
        tx.commit(&answer).await?;
        tracing::info!(calendar.name = %name, approved, correction, "decided on a calendar");
        Ok(answer)
    }
}

/// A decision asked for.
enum Verdict<'a> {
    Approve(&'a pb::ApproveCalendarRequest),
    Reject(&'a pb::RejectCalendarRequest),
}

#[tonic::async_trait]
impl Calendars for Api {
    async fn due_workday(
        &self,
        request: Request<pb::DueWorkdayRequest>,
    ) -> Result<Response<pb::DueWorkdayResponse>, Status> {
        let request = request.into_inner();
        let (start, days) = rules::question(&request.start, request.days)?;
        let mut conn = self.0.pool().acquire().await.map_err(Refusal::from)?;
        let calendar = clocks::calendar(&mut conn).await?;
        let due = calendar.due(start, days);
        let between = calendar.exceptions().filter(|(day, _)| *day > start && *day <= due.date);
        let special_days = between.map(|(day, exception)| store::special_day(day, exception)).collect();
        let answer =
            pb::DueWorkdayResponse { due_date: due.date.to_string(), provisional: due.provisional, special_days };
        Ok(Response::new(answer))
    }

    async fn import_calendar(
        &self,
        request: Request<pb::ImportCalendarRequest>,
    ) -> Result<Response<pb::Calendar>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let year = Year::parse(&request.content)?;
        let mut tx = self.0.begin(&caller, &request.request_id, &request).await?;
        let now = tx.now();
        let answer = store::insert(&mut tx, &year, &caller.actor, now).await?.whole()?;
        tx.changed(&answer.name, None, Some(&answer));
        tx.commit(&answer).await?;
        tracing::info!(calendar.name = %answer.name, "entered a calendar");
        Ok(Response::new(answer))
    }

    async fn approve_calendar(
        &self,
        request: Request<pb::ApproveCalendarRequest>,
    ) -> Result<Response<pb::Calendar>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let answer = self.decide(&caller, &request.name, &request.etag, Verdict::Approve(&request)).await?;
        Ok(Response::new(answer))
    }

    async fn reject_calendar(
        &self,
        request: Request<pb::RejectCalendarRequest>,
    ) -> Result<Response<pb::Calendar>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let answer = self.decide(&caller, &request.name, &request.etag, Verdict::Reject(&request)).await?;
        Ok(Response::new(answer))
    }

    async fn list_calendars(
        &self,
        request: Request<pb::ListCalendarsRequest>,
    ) -> Result<Response<pb::ListCalendarsResponse>, Status> {
        let request = request.into_inner();
        let page = store::ORDERS.page(&request.order_by, &request.page_token, request.page_size)?;
        let pattern = Some(request.query.trim()).filter(|text| !text.is_empty()).map(pages::like);
        let state = match request.state() {
            pb::CalendarState::Unspecified => None,
            pb::CalendarState::InReview => Some(State::InReview),
            pb::CalendarState::Official => Some(State::Official),
            pb::CalendarState::Replaced => Some(State::Replaced),
            pb::CalendarState::Rejected => Some(State::Rejected),
        };
        let mut conn = self.0.pool().acquire().await.map_err(Refusal::from)?;
        let (mut rows, total_size) = store::list(&mut conn, (pattern.as_deref(), state), &page).await?;
        let next_page_token = page.cut(&mut rows);
        let calendars = rows.iter().map(store::CalendarRow::to_proto).collect();
        Ok(Response::new(pb::ListCalendarsResponse { calendars, next_page_token, total_size }))
    }

    async fn get_calendar(&self, request: Request<pb::GetCalendarRequest>) -> Result<Response<pb::Calendar>, Status> {
        let mut conn = self.0.pool().acquire().await.map_err(Refusal::from)?;
        let name = request.into_inner().name;
        Ok(Response::new(store::get(&mut conn, &name).await?.whole()?))
    }
}

#[tonic::async_trait]
impl CatalogClocks for Clocks {
    async fn list_clocks(&self, request: Request<ListClocksRequest>) -> Result<Response<ListClocksResponse>, Status> {
        let caller = Caller::of(&request)?;
        let now = self.0.now();
        Ok(Response::new(clocks::list(self.0.pool(), &caller, now, &request.into_inner()).await?))
    }
}
