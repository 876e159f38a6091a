//! The service Draws (art. 10, 11, 15).

use kit::{
    auth::Caller,
    error::{Reason, Refusal, Result},
    ledger::EventStream,
    pages,
};
use proto::qingtian::{
    draws::v1::{self as pb, draws_server::Draws},
    events::v1::ReadEventsRequest,
};
use tonic::{Request, Response, Status};

use super::{
    Desk,
    evidence::Download,
    follows,
    rules::State,
    store::Sight,
    view::{self, Detail, Filter},
};
use crate::plans::rules::quarter;

/// The service.
pub struct Api {
    desk: Desk,
}

impl Api {
    /// A service at this desk.
    pub fn new(desk: Desk) -> Self {
        Self { desk }
    }
}

#[tonic::async_trait]
impl Draws for Api {
    async fn create_draw(&self, request: Request<pb::CreateDrawRequest>) -> Result<Response<pb::Draw>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.desk.create(&caller, request.into_inner()).await?))
    }

    async fn get_draw(&self, request: Request<pb::GetDrawRequest>) -> Result<Response<pb::Draw>, Status> {
        let caller = Caller::of(&request)?;
        let name = request.into_inner().name;
        let mut conn = self.desk.view().await?;
        let row = view::find(&mut conn, &name, &Sight::of(&caller)).await?.ok_or_else(|| Refusal::not_found(&name))?;
        let (mut draw, now) = (view::draw(&mut conn, &row).await?, self.desk.env.clock.now());
        follows::store::awaiting(&mut conn, std::slice::from_mut(&mut draw), &quarter(now)).await?;
        Ok(Response::new(view::shown_to(&caller, draw, now)))
    }

    async fn list_draws(
        &self,
        request: Request<pb::ListDrawsRequest>,
    ) -> Result<Response<pb::ListDrawsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let page = view::ORDERS.page(&request.order_by, &request.page_token, request.page_size)?;
        let sight = Sight::of(&caller);
        let filter = Filter {
            sight: &sight,
            state: view::state_text(request.state()),
            plan: &request.plan,
            query: request.query.trim(),
        };
        let mut conn = self.desk.view().await?;
        let mut found = view::list(&mut conn, &filter, &page).await?;
        let next_page_token = page.cut(&mut found);
        let (mut draws, now) = (view::draws(&mut conn, found, Detail::Short).await?, self.desk.env.clock.now());
        follows::store::awaiting(&mut conn, &mut draws, &quarter(now)).await?;
        let draws = draws.into_iter().map(|draw| view::shown_to(&caller, draw, now)).collect();
        Ok(Response::new(pb::ListDrawsResponse { draws, next_page_token }))
    }

    async fn state_draw(&self, request: Request<pb::StateDrawRequest>) -> Result<Response<pb::Draw>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.desk.state(&caller, request.into_inner()).await?))
    }

    async fn add_entry(&self, request: Request<pb::AddEntryRequest>) -> Result<Response<pb::Draw>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.desk.add_entry(&caller, request.into_inner()).await?))
    }

    async fn report_beacon(&self, request: Request<pb::ReportBeaconRequest>) -> Result<Response<pb::Draw>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.desk.report_beacon(&caller, request.into_inner()).await?))
    }

    async fn abandon_draw(&self, request: Request<pb::AbandonDrawRequest>) -> Result<Response<pb::Draw>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.desk.abandon(&caller, request.into_inner()).await?))
    }

    async fn list_drawn(
        &self,
        request: Request<pb::ListDrawnRequest>,
    ) -> Result<Response<pb::ListDrawnResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let rows = pages::rows(request.page_size)?;
        let after = pages::after(&request.page_token)?.map(|place| place.parse::<i64>());
        let after = after.transpose().map_err(|_| Refusal::new(Reason::PageToken))?.unwrap_or_default();
        let query = request.query.trim();
        let mut conn = self.desk.view().await?;
        let row = view::find(&mut conn, &request.parent, &Sight::of(&caller)).await?;
        let row = row.ok_or_else(|| Refusal::not_found(&request.parent))?;
        let state = State::parse(&row.state)?;
        if !state.has_result() {
            return Err(Refusal::wrong_state(&row.name, state.said(), "查看抽取结果 list the drawn").into());
        }
        view::check_shown(&mut conn, &caller, &row, self.desk.env.clock.now()).await?;
        let mut drawn = view::drawn(&mut conn, &row.name, query, after, rows + 1).await?;
        let next_page_token = pages::cut(&mut drawn, rows, |one| one.place.to_string());
        follows::store::outcomes(&mut conn, &row.name, &mut drawn).await?;
        let total_size = view::count_drawn(&mut conn, &row.name, query).await?;
        Ok(Response::new(pb::ListDrawnResponse { drawn, next_page_token, total_size }))
    }

    type DownloadEvidenceStream = Download;

    async fn download_evidence(
        &self,
        request: Request<pb::DownloadEvidenceRequest>,
    ) -> Result<Response<Download>, Status> {
        let caller = Caller::of(&request)?;
        Ok(self.desk.download_evidence(&caller, &request.into_inner().name).await?)
    }

    type DownloadWithheldStream = Download;

    async fn download_withheld(
        &self,
        request: Request<pb::DownloadWithheldRequest>,
    ) -> Result<Response<Download>, Status> {
        let caller = Caller::of(&request)?;
        Ok(self.desk.download_withheld(&caller, request.into_inner()).await?)
    }

    type ReadEventsStream = EventStream;

    async fn read_events(&self, request: Request<ReadEventsRequest>) -> Result<Response<EventStream>, Status> {
        let caller = Caller::of(&request)?;
        self.desk.ledger.read_events(&caller, request.into_inner()).await
    }
}
