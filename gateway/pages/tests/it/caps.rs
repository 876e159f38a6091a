//! The published frequency caps of the small city (art. 17).

use kit::error::{Reason, Refusal};
use proto::{
    google::api::HttpBody,
    qingtian::draws::v1::{self as pb, caps_server::Caps},
};
use tonic::{Request, Response, Status};

use crate::stage::Chunks;

/// The published versions of the small city; what officials do with them is not the pages' matter.
pub struct Published;

fn cap(authority: &str, limits: &[(&str, i32)]) -> pb::Cap {
    pb::Cap {
        name: "organisations/coordination/caps/1".to_owned(),
        city_wide: authority.is_empty(),
        authority: authority.to_owned(),
        year: 2026,
        limits: limits
            .iter()
            .map(|(class, visits)| pb::CapLimit { subject_class: (*class).to_owned(), visits: *visits })
            .collect(),
        basis: "汴政办〔2026〕1号".to_owned(),
        effective_date: "2026-01-01".to_owned(),
        state: pb::CapState::Published.into(),
        ..Default::default()
    }
}

fn elsewhere<T>() -> Result<Response<T>, Status> {
    Err(Refusal::new(Reason::Unavailable).into())
}

#[tonic::async_trait]
impl Caps for Published {
    async fn create_cap(&self, _: Request<pb::CreateCapRequest>) -> Result<Response<pb::Cap>, Status> {
        elsewhere()
    }
    async fn publish_cap(&self, _: Request<pb::PublishCapRequest>) -> Result<Response<pb::Cap>, Status> {
        elsewhere()
    }
    async fn reject_cap(&self, _: Request<pb::RejectCapRequest>) -> Result<Response<pb::Cap>, Status> {
        elsewhere()
    }
    async fn get_cap(&self, _: Request<pb::GetCapRequest>) -> Result<Response<pb::Cap>, Status> {
        elsewhere()
    }
    async fn list_caps(&self, _: Request<pb::ListCapsRequest>) -> Result<Response<pb::ListCapsResponse>, Status> {
        elsewhere()
    }

    async fn list_published_caps(
        &self,
        request: Request<pb::ListPublishedCapsRequest>,
    ) -> Result<Response<pb::ListPublishedCapsResponse>, Status> {
        // A page each, so that whoever wants all must turn it.
        let (caps, next_page_token) = match request.into_inner().page_token.as_str() {
            "" => (vec![cap("organisations/market", &[("A", 1), ("*", 2)])], "2".to_owned()),
            "2" => (vec![cap("", &[("UNCLASSIFIED", 4)])], String::new()),
            _ => return Err(Refusal::new(Reason::PageToken).into()),
        };
        Ok(Response::new(pb::ListPublishedCapsResponse { caps, next_page_token }))
    }

    type DownloadPublishedCapsStream = Chunks<HttpBody>;
    async fn download_published_caps(
        &self,
        _: Request<pb::DownloadPublishedCapsRequest>,
    ) -> Result<Response<Chunks<HttpBody>>, Status> {
        elsewhere()
    }
}
