//! Deadlines that draws runs (art. 17, 18, 35), as [`kit::clocks`] keeps them: one list over gRPC, and the job that warns.

use kit::{auth::Caller, clocks, env::Env, error::Result, ledger::Ledger, serve::Part};
use proto::qingtian::{
    clocks::v1::{ListClocksRequest, ListClocksResponse},
    draws::v1::draws_clocks_server::{DrawsClocks, DrawsClocksServer},
};
use tonic::{Request, Response, Status};

struct Api(Ledger);

#[tonic::async_trait]
impl DrawsClocks for Api {
    async fn list_clocks(&self, request: Request<ListClocksRequest>) -> Result<Response<ListClocksResponse>, Status> {
        let caller = Caller::of(&request)?;
        let now = self.0.now();
        Ok(Response::new(clocks::list(self.0.pool(), &caller, now, &request.into_inner()).await?))
    }
}

/// Adds the service, and looks after the clocks until the part stops.
pub(crate) fn add(part: Part, env: &Env, ledger: &Ledger) -> Part {
    clocks::spawn(env, ledger);
    part.with(DrawsClocksServer::new(Api(ledger.clone())))
}
