//! Files that are sent in pieces and go on where they stopped (art. 24), for the lists of items. Everything of it is
//! kit's; here is only whose list a file may be for.

use kit::{auth::Caller, uploads::sessions::Sessions};
use proto::qingtian::{catalog::v1::item_uploads_server::ItemUploads, uploads::v1 as pb};
use tonic::{Request, Response, Status, Streaming};

/// The service.
pub struct Api(pub(crate) Sessions);

#[tonic::async_trait]
impl ItemUploads for Api {
    async fn create_upload(&self, request: Request<pb::CreateUploadRequest>) -> Result<Response<pb::Upload>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.reaches(&request.parent)?;
        Ok(Response::new(self.0.create(&caller, request).await?))
    }

    async fn append_upload(
        &self,
        request: Request<Streaming<pb::AppendUploadRequest>>,
    ) -> Result<Response<pb::Upload>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.0.append(caller, request.into_inner()).await?))
    }

    async fn get_upload(&self, request: Request<pb::GetUploadRequest>) -> Result<Response<pb::Upload>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.0.get(&caller, &request.into_inner().name).await?))
    }

    async fn delete_upload(
        &self,
        request: Request<pb::DeleteUploadRequest>,
    ) -> Result<Response<pb::DeleteUploadResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.0.delete(&caller, &request.into_inner().name).await?))
    }
}
