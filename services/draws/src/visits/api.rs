//! The service Visits (art. 15-17).

use kit::{
    auth::Caller,
    error::{Refusal, Result},
    ledger::{Ledger, timestamp},
};
use proto::qingtian::draws::v1::{self as pb, visits_server::Visits};
use tonic::{Request, Response, Status};

use super::{
    store::{self, Filter, Sight, VisitRow},
    totals::Totals,
};

/// Stands for the caller's own certificate number.
const ME: &str = "me";

/// The service.
pub struct Api {
    ledger: Ledger,
    totals: Totals,
}

impl Api {
    /// A service over this part's ledger.
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger, totals: Totals::default() }
    }
}

fn message(row: VisitRow) -> pb::Visit {
    pb::Visit {
        name: row.name,
        draw: row.draw,
        plan: row.plan,
        organisation: row.organisation,
        subject: row.subject,
        title: row.title,
        district: row.district,
        officers: row.officers,
        state: pb::VisitState::Pending as i32,
        due_date: row.due_date,
        // Places are counted from 1 and fit: a pool has at most ten million subjects.
        place: i32::try_from(row.place).unwrap_or(i32::MAX),
        create_time: Some(timestamp(row.created_at)),
        experts: row.experts,
        empty_places: row.empty_places,
    }
}

#[tonic::async_trait]
impl Visits for Api {
    async fn list_visits(
        &self,
        request: Request<pb::ListVisitsRequest>,
    ) -> Result<Response<pb::ListVisitsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let page = store::ORDERS.page(&request.order_by, &request.page_token, request.page_size)?;
        let officer = match request.officer.as_str() {
            "" => None,
            // A caller without a certificate goes nowhere: the empty number is in no team.
            ME => Some(caller.certificate.as_str()),
            certificate => Some(certificate),
        };
        let sight = Sight::of(&caller);
        let filter = Filter { sight: &sight, draw: &request.draw, officer, query: request.query.trim() };
        let mut conn = self.ledger.pool().acquire().await.map_err(Refusal::from)?;
        let mut found = store::list(&mut conn, &filter, &page).await?;
        let next_page_token = page.cut(&mut found);
        let total_size = self.totals.of(filter.words(), store::count(&mut conn, &filter)).await?;
        let visits = found.into_iter().map(message).collect();
        Ok(Response::new(pb::ListVisitsResponse { visits, next_page_token, total_size }))
    }

    async fn get_visit(&self, request: Request<pb::GetVisitRequest>) -> Result<Response<pb::Visit>, Status> {
        let caller = Caller::of(&request)?;
        let name = request.into_inner().name;
        let mut conn = self.ledger.pool().acquire().await.map_err(Refusal::from)?;
        let row = store::find(&mut conn, &name, &Sight::of(&caller)).await?;
        Ok(Response::new(message(row.ok_or_else(|| Refusal::not_found(&name))?)))
    }
}
