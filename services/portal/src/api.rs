//! The public's questions (art. 9, 10, 18, 26, 33), answered from the read model alone.

use chrono::{NaiveDate, Utc};
use kit::{
    env::Env,
    error::{Reason, Refusal},
    ledger::Ledger,
    pages,
    workdays::{legal_day, legal_day_end},
};
use proto::qingtian::{
    catalog::v1::Item,
    portal::v1::{self as pb, portal_server::Portal},
};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

use crate::{
    bodies::{self, About, BodyStream, FOREVER, FRESH},
    look_up::{self, Files},
    rules,
    store::{self, Shown, Wanted},
};

/// Hits of a search at the most.
const HITS_MAX: i64 = 50;
/// Newest draws and plans on the home page.
const NEWEST: i64 = 5;

/// The service.
pub struct Api {
    env: Env,
    pool: PgPool,
    files: Files,
}

impl Api {
    /// Over the read model of this ledger's database.
    pub fn new(env: &Env, ledger: &Ledger) -> Self {
        Self { env: env.clone(), pool: ledger.pool().clone(), files: Files::new(env) }
    }

    /// The read model, unless it is being built anew: then what is not in it yet would be told not to be there, and whoever keeps
    /// answers would go on telling so.
    async fn model(&self) -> Result<&PgPool, Refusal> {
        if kit::follow::is_building(&self.pool).await? {
            return Err(Refusal::new(Reason::Unavailable));
        }
        Ok(&self.pool)
    }

    fn today(&self) -> NaiveDate {
        legal_day(self.env.clock.now())
    }

    /// A draw whose result is public.
    async fn public_result(&self, name: &str, act: &str) -> Result<Shown, Refusal> {
        let shown = store::draw(self.model().await?, name, self.today()).await?;
        let state = shown.public.draw.as_ref().map(|draw| draw.state).unwrap_or_default();
        if !rules::is_revealed(state) {
            return Err(Refusal::wrong_state(name, rules::state_name(state), act));
        }
        rules::check_public(name, shown.publish_after, self.today())?;
        Ok(shown)
    }
}

#[tonic::async_trait]
impl Portal for Api {
    async fn get_overview(&self, _: Request<pb::GetOverviewRequest>) -> Result<Response<pb::Overview>, Status> {
        let today = self.today();
        let year = chrono::Datelike::year(&today);
        // The year of Kaifeng, not of Greenwich.
        let begin_of = |year| NaiveDate::from_ymd_opt(year, 1, 1).and_then(|day| day.pred_opt()).map(legal_day_end);
        let begin = begin_of(year).unwrap_or(chrono::DateTime::<Utc>::MIN_UTC);
        let end = begin_of(year + 1).unwrap_or(chrono::DateTime::<Utc>::MAX_UTC);
        let model = self.model().await?;
        let figures = store::figures(model, year, begin, end).await?;
        let (newest_draws, _) = store::draws(model, (NEWEST, None), &Wanted::default(), today).await?;
        let (newest_plans, _) = store::plans(model, (NEWEST, None), "", 0).await?;
        Ok(Response::new(pb::Overview {
            items: figures.items,
            plans: figures.plans,
            draws: figures.draws,
            drawn: figures.drawn,
            ended_draws: figures.ended,
            newest_draws,
            newest_plans,
        }))
    }

    async fn search(&self, request: Request<pb::SearchRequest>) -> Result<Response<pb::SearchResponse>, Status> {
        let request = request.into_inner();
        let query = rules::query(&request.query)?;
        let hits =
            if query.is_empty() { Vec::new() } else { store::search(self.model().await?, query, HITS_MAX).await? };
        Ok(Response::new(pb::SearchResponse { hits }))
    }

    async fn list_plans(
        &self,
        request: Request<pb::ListPlansRequest>,
    ) -> Result<Response<pb::ListPlansResponse>, Status> {
        let request = request.into_inner();
        let page = (rules::rows(request.page_size)?, pages::after(&request.page_token)?);
        let (plans, next_page_token) =
            store::plans(self.model().await?, page, rules::query(&request.query)?, request.year).await?;
        Ok(Response::new(pb::ListPlansResponse { plans, next_page_token }))
    }

    async fn get_plan(&self, request: Request<pb::GetPlanRequest>) -> Result<Response<pb::PublicPlan>, Status> {
        Ok(Response::new(store::plan(self.model().await?, &request.into_inner().name).await?))
    }

    async fn list_items(
        &self,
        request: Request<pb::ListItemsRequest>,
    ) -> Result<Response<pb::ListItemsResponse>, Status> {
        let request = request.into_inner();
        let page = (rules::rows(request.page_size)?, pages::after(&request.page_token)?);
        let (items, next_page_token) = store::items(self.model().await?, page, rules::query(&request.query)?).await?;
        Ok(Response::new(pb::ListItemsResponse { items, next_page_token }))
    }

    async fn get_item(&self, request: Request<pb::GetItemRequest>) -> Result<Response<Item>, Status> {
        Ok(Response::new(store::item(self.model().await?, &request.into_inner().name).await?))
    }

    async fn list_draws(
        &self,
        request: Request<pb::ListDrawsRequest>,
    ) -> Result<Response<pb::ListDrawsResponse>, Status> {
        let request = request.into_inner();
        let page = (rules::rows(request.page_size)?, pages::after(&request.page_token)?);
        let wanted = Wanted {
            query: rules::query(&request.query)?,
            plan: &request.plan,
            organisation: &request.organisation,
            year: request.year,
            ended: request.ended,
        };
        let (draws, next_page_token) = store::draws(self.model().await?, page, &wanted, self.today()).await?;
        Ok(Response::new(pb::ListDrawsResponse { draws, next_page_token }))
    }

    async fn get_fairness(&self, request: Request<pb::GetFairnessRequest>) -> Result<Response<pb::Fairness>, Status> {
        let request = request.into_inner();
        let years = store::history(self.model().await?, &request.organisation, request.year, self.today()).await?;
        Ok(Response::new(pb::Fairness { years }))
    }

    async fn get_draw(&self, request: Request<pb::GetDrawRequest>) -> Result<Response<pb::PublicDraw>, Status> {
        let shown = store::draw(self.model().await?, &request.into_inner().name, self.today()).await?;
        Ok(Response::new(shown.public))
    }

    async fn list_drawn(
        &self,
        request: Request<pb::ListDrawnRequest>,
    ) -> Result<Response<pb::ListDrawnResponse>, Status> {
        let request = request.into_inner();
        let rows = pages::rows(request.page_size)?;
        let after = match pages::after(&request.page_token)? {
            Some(place) => Some(place.parse().map_err(|_| Refusal::new(Reason::PageToken))?),
            None => None,
        };
        let query = rules::query(&request.query)?;
        self.public_result(&request.parent, "ListDrawn").await?;
        let (drawn, next_page_token, total_size) =
            store::drawn(&self.pool, &request.parent, (rows, after), query, &request.stratum).await?;
        Ok(Response::new(pb::ListDrawnResponse { drawn, next_page_token, total_size }))
    }

    async fn look_up_subject(
        &self,
        request: Request<pb::LookUpSubjectRequest>,
    ) -> Result<Response<pb::SubjectStanding>, Status> {
        let request = request.into_inner();
        let shown = self.public_result(&request.draw, "LookUpSubject").await?;
        Ok(Response::new(look_up::standing(&self.files, &self.pool, &shown, &request.subject).await?))
    }

    type DownloadEvidenceStream = BodyStream;
    async fn download_evidence(
        &self,
        request: Request<pb::DownloadEvidenceRequest>,
    ) -> Result<Response<BodyStream>, Status> {
        let name = request.into_inner().name;
        let shown = store::draw(self.model().await?, &name, self.today()).await?;
        let evidence = shown.evidence.ok_or_else(|| Refusal::not_found(format!("{name}/evidence")))?;
        rules::check_public(&name, shown.publish_after, self.today())?;
        let about = About {
            content_type: "application/gzip",
            file_name: format!("{}.tar.gz", name.replace('/', "-")),
            etag: evidence.to_string(),
            cache: FOREVER,
        };
        Ok(bodies::object(&self.env.blobs, evidence, &about).await?)
    }

    type DownloadStatementStream = BodyStream;
    async fn download_statement(
        &self,
        request: Request<pb::DownloadStatementRequest>,
    ) -> Result<Response<BodyStream>, Status> {
        let name = request.into_inner().name;
        let draw = store::draw(self.model().await?, &name, self.today()).await?.public.draw.unwrap_or_default();
        if draw.statement_json.is_empty() {
            return Err(Refusal::not_found(format!("{name}/statement")).into());
        }
        let about = About {
            content_type: "application/json",
            file_name: format!("{}-statement.json", name.replace('/', "-")),
            etag: draw.statement,
            cache: FOREVER,
        };
        Ok(bodies::text(draw.statement_json, &about))
    }

    type DownloadLogStream = BodyStream;
    async fn download_log(&self, request: Request<pb::DownloadLogRequest>) -> Result<Response<BodyStream>, Status> {
        let name = request.into_inner().name;
        let shown = store::draw(self.model().await?, &name, self.today()).await?;
        shown.evidence.ok_or_else(|| Refusal::not_found(format!("{name}/log")))?;
        rules::check_public(&name, shown.publish_after, self.today())?;
        let (lines, _) = store::log(&self.pool, &name).await?;
        let about = About {
            content_type: "text/tab-separated-values; charset=utf-8",
            file_name: format!("{}-log.tsv", name.replace('/', "-")),
            cache: FRESH,
            ..About::default()
        };
        Ok(bodies::text(lines, &about))
    }

    type DownloadLogHeadStream = BodyStream;
    async fn download_log_head(
        &self,
        request: Request<pb::DownloadLogHeadRequest>,
    ) -> Result<Response<BodyStream>, Status> {
        let name = request.into_inner().name;
        let (_, head) = store::log(self.model().await?, &name).await?;
        if head.is_empty() {
            return Err(Refusal::not_found(format!("{name}/log/head")).into());
        }
        let about = About {
            content_type: "application/json",
            file_name: format!("{}-log-head.json", name.replace('/', "-")),
            cache: FRESH,
            ..About::default()
        };
        Ok(bodies::text(head, &about))
    }

    async fn list_log(&self, request: Request<pb::ListLogRequest>) -> Result<Response<pb::ListLogResponse>, Status> {
        let request = request.into_inner();
        let rows = rules::rows(request.page_size)?;
        let after = pages::after(&request.page_token)?.map(|n| n.parse::<i64>());
        let after = after.transpose().map_err(|_| Refusal::new(Reason::PageToken))?;
        // Before the reveal, and while this read model does not know of it yet, a log has no lines: that is no refusal.
        let shown = store::draw(self.model().await?, &request.parent, self.today()).await?;
        rules::check_public(&request.parent, shown.publish_after, self.today())?;
        let (lines, next_page_token, total_size) = store::log_lines(&self.pool, &request.parent, (rows, after)).await?;
        Ok(Response::new(pb::ListLogResponse { lines, next_page_token, total_size }))
    }

    type GetSigningKeysStream = BodyStream;
    async fn get_signing_keys(&self, _: Request<pb::GetSigningKeysRequest>) -> Result<Response<BodyStream>, Status> {
        let about =
            About { content_type: "application/jwk-set+json", cache: "public, max-age=300", ..About::default() };
        Ok(bodies::text(self.env.keys.jwks(), &about))
    }
}
