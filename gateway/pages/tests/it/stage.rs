//! A small portal behind a real gRPC server, holding a handful of draws in every state, and the pages in front of it.

use std::{pin::Pin, sync::Arc};

use axum::body::Body;
use futures::Stream;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use kit::{
    env::Clock,
    error::{Reason, Refusal},
};
use proto::{
    google::api::HttpBody,
    qingtian::{
        catalog::v1::Item,
        draws::v1::{
            self as draws, Drawn,
            caps_server::CapsServer,
            proofs_server::{Proofs, ProofsServer},
            witnesses_server::{Witnesses, WitnessesServer},
        },
        portal::v1::{
            self as pb,
            portal_server::{Portal, PortalServer},
        },
    },
};
use tokio::net::TcpListener;
use tonic::{Response as Answer, Status, transport::Endpoint};
use tower::ServiceExt as _;

use crate::city;

/// What the portal knows.
#[derive(Default)]
pub struct City {
    pub draws: Vec<pb::PublicDraw>,
    pub plans: Vec<pb::PublicPlan>,
    pub items: Vec<Item>,
    pub drawn: Vec<Drawn>,
}

struct Small(Arc<City>);

pub type Chunks<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;
type Told<T> = Result<Answer<T>, Status>;

/// Rows of one page, the token being the place of its first.
fn cut<T: Clone>(all: &[T], size: i32, otherwise: usize, token: &str) -> Result<(Vec<T>, String), Status> {
    let start: usize = match token {
        "" => 0,
        text => text.parse().map_err(|_| Status::from(Refusal::new(Reason::PageToken)))?,
    };
    let size = if size == 0 { otherwise } else { usize::try_from(size).unwrap() };
    let rest = all.get(start..).unwrap_or_default();
    let next = if rest.len() > size { (start + size).to_string() } else { String::new() };
    Ok((rest.iter().take(size).cloned().collect(), next))
}

impl Small {
    fn draw(&self, name: &str) -> Result<&pb::PublicDraw, Status> {
        self.0.draws.iter().find(|draw| draw.name == name).ok_or_else(|| Refusal::not_found(name).into())
    }
}

#[tonic::async_trait]
impl Portal for Small {
    async fn get_overview(&self, _: tonic::Request<pb::GetOverviewRequest>) -> Told<pb::Overview> {
        Ok(Answer::new(pb::Overview {
            items: 300,
            plans: 1,
            draws: 2,
            drawn: 12_345,
            ended_draws: 1,
            newest_draws: self.0.draws.iter().take(5).cloned().collect(),
            newest_plans: self.0.plans.iter().take(5).cloned().collect(),
        }))
    }

    async fn search(&self, request: tonic::Request<pb::SearchRequest>) -> Told<pb::SearchResponse> {
        let query = request.into_inner().query;
        let draws = self.0.draws.iter().map(|d| (d.name.clone(), d.plan_title.clone(), "draw"));
        let plans = self.0.plans.iter().filter_map(|p| p.plan.clone()).map(|p| (p.name, p.title, "plan"));
        let items = self.0.items.iter().map(|i| (i.name.clone(), i.title.clone(), "item"));
        let hits =
            draws.chain(plans).chain(items).filter(|(name, title, _)| name.contains(&query) || title.contains(&query));
        let hits = hits.map(|(name, title, kind)| pb::SearchHit { name, title, kind: kind.to_owned() }).collect();
        Ok(Answer::new(pb::SearchResponse { hits }))
    }

    async fn list_plans(&self, request: tonic::Request<pb::ListPlansRequest>) -> Told<pb::ListPlansResponse> {
        let request = request.into_inner();
        let (plans, next_page_token) = cut(&self.0.plans, request.page_size, 20, &request.page_token)?;
        Ok(Answer::new(pb::ListPlansResponse { plans, next_page_token }))
    }

    async fn get_plan(&self, request: tonic::Request<pb::GetPlanRequest>) -> Told<pb::PublicPlan> {
        let name = request.into_inner().name;
        let found = self.0.plans.iter().find(|found| found.plan.as_ref().is_some_and(|plan| plan.name == name));
        found.cloned().map(Answer::new).ok_or_else(|| Refusal::not_found(name).into())
    }

    async fn list_items(&self, request: tonic::Request<pb::ListItemsRequest>) -> Told<pb::ListItemsResponse> {
        let request = request.into_inner();
        let (items, next_page_token) = cut(&self.0.items, request.page_size, 20, &request.page_token)?;
        Ok(Answer::new(pb::ListItemsResponse { items, next_page_token }))
    }

    async fn get_item(&self, request: tonic::Request<pb::GetItemRequest>) -> Told<Item> {
        let name = request.into_inner().name;
        let found = self.0.items.iter().find(|item| item.name == name);
        found.cloned().map(Answer::new).ok_or_else(|| Refusal::not_found(name).into())
    }

    async fn list_draws(&self, request: tonic::Request<pb::ListDrawsRequest>) -> Told<pb::ListDrawsResponse> {
        let request = request.into_inner();
        let ended = |d: &&pb::PublicDraw| !request.ended || !d.draw.as_ref().unwrap().end_reason.is_empty();
        let found = self.0.draws.iter().filter(|d| d.plan_title.contains(&request.query)).filter(ended);
        let all: Vec<_> = found.cloned().collect();
        let (draws, next_page_token) = cut(&all, request.page_size, 20, &request.page_token)?;
        Ok(Answer::new(pb::ListDrawsResponse { draws, next_page_token }))
    }

    async fn get_fairness(&self, _: tonic::Request<pb::GetFairnessRequest>) -> Told<pb::Fairness> {
        Ok(Answer::new(pb::Fairness { years: city::history() }))
    }

    async fn get_draw(&self, request: tonic::Request<pb::GetDrawRequest>) -> Told<pb::PublicDraw> {
        self.draw(&request.into_inner().name).cloned().map(Answer::new)
    }

    async fn list_drawn(&self, request: tonic::Request<pb::ListDrawnRequest>) -> Told<pb::ListDrawnResponse> {
        let request = request.into_inner();
        let draw = self.draw(&request.parent)?.draw.clone().unwrap();
        if draw.reveal_time.is_none() {
            return Err(Refusal::wrong_state(request.parent, "STATED", "ListDrawn").into());
        }
        let matches = |row: &&Drawn| row.title.contains(&request.query) || row.subject.starts_with(&request.query);
        let rows: Vec<_> = self.0.drawn.iter().filter(matches).cloned().collect();
        let (drawn, next_page_token) = cut(&rows, request.page_size, 50, &request.page_token)?;
        Ok(Answer::new(pb::ListDrawnResponse {
            drawn,
            next_page_token,
            total_size: i64::try_from(rows.len()).unwrap(),
        }))
    }

    async fn look_up_subject(&self, request: tonic::Request<pb::LookUpSubjectRequest>) -> Told<pb::SubjectStanding> {
        let subject = request.into_inner().subject;
        if subject == "=" {
            return Err(Refusal::invalid("subject", "a key or a name").into());
        }
        Ok(Answer::new(city::standing(&self.0, &subject)))
    }

    async fn list_log(&self, request: tonic::Request<pb::ListLogRequest>) -> Told<pb::ListLogResponse> {
        let request = request.into_inner();
        let lines = self.draw(&request.parent)?.log_lines;
        let all: Vec<_> = (1..=lines).map(city::log_line).collect();
        let (lines, next_page_token) = cut(&all, request.page_size, 20, &request.page_token)?;
        Ok(Answer::new(pb::ListLogResponse { lines, next_page_token, total_size: i64::try_from(all.len()).unwrap() }))
    }

    type DownloadLogStream = Chunks<HttpBody>;
    async fn download_log(&self, _: tonic::Request<pb::DownloadLogRequest>) -> Told<Chunks<HttpBody>> {
        Err(Refusal::new(Reason::Unavailable).into())
    }

    type DownloadLogHeadStream = Chunks<HttpBody>;
    async fn download_log_head(&self, _: tonic::Request<pb::DownloadLogHeadRequest>) -> Told<Chunks<HttpBody>> {
        Err(Refusal::new(Reason::Unavailable).into())
    }

    type DownloadEvidenceStream = Chunks<HttpBody>;
    async fn download_evidence(&self, _: tonic::Request<pb::DownloadEvidenceRequest>) -> Told<Chunks<HttpBody>> {
        Err(Refusal::new(Reason::Unavailable).into())
    }

    type DownloadStatementStream = Chunks<HttpBody>;
    async fn download_statement(&self, _: tonic::Request<pb::DownloadStatementRequest>) -> Told<Chunks<HttpBody>> {
        Err(Refusal::new(Reason::Unavailable).into())
    }

    type GetSigningKeysStream = Chunks<HttpBody>;
    async fn get_signing_keys(&self, _: tonic::Request<pb::GetSigningKeysRequest>) -> Told<Chunks<HttpBody>> {
        Err(Refusal::new(Reason::Unavailable).into())
    }
}

/// Codes for own lines: the city's one opens [`city::own_line`], any other is unknown.
struct Codes;

#[tonic::async_trait]
impl Proofs for Codes {
    async fn issue_proof_code(&self, _: tonic::Request<draws::IssueProofCodeRequest>) -> Told<draws::ProofCode> {
        Err(Refusal::new(Reason::Unavailable).into())
    }

    async fn list_proof_codes(
        &self,
        _: tonic::Request<draws::ListProofCodesRequest>,
    ) -> Told<draws::ListProofCodesResponse> {
        Err(Refusal::new(Reason::Unavailable).into())
    }

    async fn redeem_proof_code(&self, request: tonic::Request<draws::RedeemProofCodeRequest>) -> Told<draws::OwnLine> {
        let request = request.into_inner();
        match request.code.as_str() {
            city::CODE => Ok(Answer::new(city::own_line(&request.draw))),
            city::USED_CODE => Err(Refusal::new(Reason::ProofCodeUsed).with("used", "2026-11-22T01:02:03Z").into()),
            _ => Err(Refusal::new(Reason::ProofCodeUnknown).with("draw", request.draw).into()),
        }
    }
}

/// Links of witnesses: [`city::WITNESS_TOKEN`] opens, [`city::OPENED_TOKEN`] was opened, any other is unknown.
struct Links;

#[tonic::async_trait]
impl Witnesses for Links {
    async fn create_witness_link(
        &self,
        _: tonic::Request<draws::CreateWitnessLinkRequest>,
    ) -> Told<draws::CreateWitnessLinkResponse> {
        Err(Refusal::new(Reason::Unavailable).into())
    }

    async fn open_witness_link(
        &self,
        request: tonic::Request<draws::OpenWitnessLinkRequest>,
    ) -> Told<draws::OpenWitnessLinkResponse> {
        match request.into_inner().token.as_str() {
            city::WITNESS_TOKEN => Ok(Answer::new(city::opened())),
            city::OPENED_TOKEN => Err(Refusal::new(Reason::WitnessLinkOpened)
                .with("opened", "2026-11-23T02:03:04Z")
                .with("closes", "2026-11-24T01:00:00Z")
                .into()),
            _ => Err(Refusal::new(Reason::WitnessLinkUnknown).into()),
        }
    }

    async fn add_witness_entry(
        &self,
        request: tonic::Request<draws::AddWitnessEntryRequest>,
    ) -> Told<draws::AddWitnessEntryResponse> {
        let request = request.into_inner();
        let opened = city::opened();
        if request.permit != opened.permit || request.statement != opened.draw.unwrap().statement {
            return Err(Refusal::new(Reason::WitnessLinkUnknown).into());
        }
        if !request.value.chars().all(|c| c.is_ascii_alphanumeric() || " .,:-".contains(c)) {
            return Err(Refusal::invalid("value", "取值不合要求 / not a value").into());
        }
        let line = format!("2\tnotary-li\t{}", request.value);
        Ok(Answer::new(draws::AddWitnessEntryResponse { draw: "draws/2026-0002".to_owned(), line, create_time: None }))
    }
}

/// The pages before a portal that knows this city.
pub async fn pages(city: City) -> axum::Router {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tonic::transport::Server::builder()
        .add_service(PortalServer::new(Small(Arc::new(city))))
        .add_service(CapsServer::new(crate::caps::Published))
        .add_service(ProofsServer::new(Codes))
        .add_service(WitnessesServer::new(Links));
    tokio::spawn(server.serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener)));
    pages_at(&url)
}

/// The pages before whatever listens there.
pub fn pages_at(url: &str) -> axum::Router {
    pages::router(pages::Settings {
        portal: Endpoint::from_shared(url.to_owned()).unwrap().connect_lazy(),
        draws: Endpoint::from_shared(url.to_owned()).unwrap().connect_lazy(),
        clock: Clock::set("2026-11-23T06:05:00Z".parse().unwrap()),
        recheck: "/assets/recheck/".to_owned(),
        public_url: "http://kaifeng.example".to_owned(),
        demonstration: true,
        reference: pages::reference::Reference::default(),
    })
}

/// What a browser gets.
pub struct Page {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub text: String,
}

/// Asks for a page, with a cookie or without.
pub async fn get_with(pages: &axum::Router, path: &str, cookie: &str) -> Page {
    let request = Request::get(path).header("cookie", cookie).body(Body::empty()).unwrap();
    let response: Response<Body> = pages.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Page { status: parts.status, headers: parts.headers, text }
}

/// Asks for a page.
pub async fn get(pages: &axum::Router, path: &str) -> Page {
    get_with(pages, path, "").await
}

/// Sends a form as a browser does.
pub async fn post(pages: &axum::Router, path: &str, form: &str) -> Page {
    let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    let response = pages.clone().oneshot(request.body(Body::from(form.to_owned())).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Page { status: parts.status, headers: parts.headers, text }
}

/// Asks as a browser does that takes gzip, and gets the bytes as they come.
pub async fn get_packed(pages: &axum::Router, path: &str) -> (http::HeaderMap, Vec<u8>) {
    let request = Request::get(path).header("accept-encoding", "gzip").body(Body::empty()).unwrap();
    let (parts, body) = pages.clone().oneshot(request).await.unwrap().into_parts();
    assert_eq!(parts.status, StatusCode::OK, "{path}");
    (parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
}
