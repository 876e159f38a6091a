//! The service: parse, load within what the caller may see, decide, save, announce, commit (art. 7-9, 12).

use kit::{
    auth::Caller,
    env::Env,
    error::{Refusal, Result},
    ledger::{EventStream, Ledger},
    pages,
    uploads::{Uploads, sessions::Sessions},
};
use proto::{
    google::api::HttpBody,
    qingtian::{
        catalog::v1::{self as pb, catalog_server::Catalog},
        common::v1::Import,
        events::v1::ReadEventsRequest,
    },
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use crate::{
    import, publish, report,
    rules::{Content, ItemEvent, ItemState},
    store,
};

/// The gRPC service.
#[derive(Clone)]
pub struct Api {
    pub(crate) ledger: Ledger,
    uploads: Uploads,
    sessions: Sessions,
}

impl Api {
    /// A service over this ledger.
    pub fn new(env: &Env, ledger: Ledger, sessions: Sessions) -> Self {
        Self { ledger, uploads: Uploads::new(env), sessions }
    }
}

#[tonic::async_trait]
impl Catalog for Api {
    type ReadEventsStream = EventStream;
    type DownloadItemImportReportStream = ReceiverStream<Result<HttpBody, Status>>;

    async fn import_items(
        &self,
        request: Request<Streaming<pb::ImportItemsRequest>>,
    ) -> Result<Response<Import>, Status> {
        let caller = Caller::of(&request)?;
        let mut upload = self.uploads.open(request.into_inner())?;
        let first = upload.next().await?.ok_or_else(|| Refusal::invalid("file", "没有内容 / there is nothing"))?;
        let mut order = import::Order::parse(caller, &first)?;
        let api = self.clone();
        if !first.upload.is_empty() {
            let kept = self.sessions.complete(&order.caller, &first.parent, &first.upload).await?;
            if let Some(made) = import::made_from(self, &kept).await? {
                return Ok(Response::new(made));
            }
            let pieces = self.sessions.pieces(&kept);
            order.from(kept);
            let work = async move { import::run(&api, &order, pieces).await };
            return Ok(Response::new(upload.run_kept(work).await?));
        }
        let bytes = |chunk: pb::ImportItemsRequest| chunk.file.unwrap_or_default().data;
        let work = |pieces| async move { import::run(&api, &order, pieces).await };
        Ok(Response::new(upload.run(first, bytes, work).await?))
    }

    async fn list_items(
        &self,
        request: Request<pb::ListItemsRequest>,
    ) -> Result<Response<pb::ListItemsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.reaches(&request.parent)?;
        let page = store::ORDERS.page(&request.order_by, &request.page_token, request.page_size)?;
        let pattern = Some(request.query.trim()).filter(|text| !text.is_empty()).map(pages::like);
        let state = ItemState::asked(request.state());
        let filter = store::Filter { organisation: &request.parent, pattern: pattern.as_deref(), state };
        let (mut rows, total_size) = store::items(self.ledger.pool(), filter, &page).await?;
        let next_page_token = page.cut(&mut rows);
        let items = rows.iter().map(store::Item::to_proto).collect();
        Ok(Response::new(pb::ListItemsResponse { items, next_page_token, total_size }))
    }

    async fn get_item(&self, request: Request<pb::GetItemRequest>) -> Result<Response<pb::Item>, Status> {
        let caller = Caller::of(&request)?;
        let (name, reach) = (request.into_inner().name, caller.reach());
        Ok(Response::new(store::item(self.ledger.pool(), &name, reach.organisation()).await?.to_proto()))
    }

    async fn create_item(&self, request: Request<pb::CreateItemRequest>) -> Result<Response<pb::Item>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.reaches(&request.parent)?;
        let content = Content::from_item(&request.item.clone().unwrap_or_default());
        content.check()?;
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let now = tx.now();
        store::lock_list(&mut tx, &request.parent).await?;
        let name = format!("{}/items/{}", request.parent, Uuid::now_v7().simple());
        let item = store::insert_item(&mut tx, &name, &request.parent, &content, &caller.actor, now).await?.to_proto();
        tx.changed(&item.name, None, Some(&item));
        tx.commit(&item).await?;
        tracing::info!(item.name = %item.name, "added item");
        Ok(Response::new(item))
    }

    async fn update_item(&self, request: Request<pb::UpdateItemRequest>) -> Result<Response<pb::Item>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let given = request.item.clone().unwrap_or_default();
        // Reach comes first: what is out of it is not found, whatever else is wrong. The row decides again below.
        let list = given.name.split_once("/items/").map_or("", |(parent, _)| parent);
        caller.reaches(list).map_err(|_| Refusal::not_found(&given.name))?;
        let content = Content::from_item(&given);
        content.check()?;
        if given.etag.is_empty() {
            return Err(Refusal::invalid("item.etag", "请先读取事项 / read the item first").into());
        }
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        store::lock_list(&mut tx, list).await?;
        let before = store::lock_item(&mut tx, &given.name, caller.reach().organisation()).await?;
        before.state.next(ItemEvent::Edit, &before.content.called())?;
        if given.etag != before.revision.to_string() {
            return Err(Refusal::stale(before.content.called(), &before.changed_by, &before.change).into());
        }
        let after = store::save_content(&mut tx, &before, &content, &caller.actor, "edited").await?.to_proto();
        tx.changed(&after.name, Some(&before.to_proto()), Some(&after));
        tx.commit(&after).await?;
        tracing::info!(item.name = %after.name, "edited item");
        Ok(Response::new(after))
    }

    async fn publish_items(
        &self,
        request: Request<pb::PublishItemsRequest>,
    ) -> Result<Response<pb::PublishItemsResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(publish::publish(self, &caller, request.into_inner()).await?))
    }

    async fn list_item_imports(
        &self,
        request: Request<pb::ListItemImportsRequest>,
    ) -> Result<Response<pb::ListItemImportsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.reaches(&request.parent)?;
        let page = store::IMPORT_ORDERS.page(&request.order_by, &request.page_token, request.page_size)?;
        let mut imports = store::imports(self.ledger.pool(), &request.parent, request.query.trim(), &page).await?;
        let next_page_token = page.cut(&mut imports);
        Ok(Response::new(pb::ListItemImportsResponse { imports, next_page_token }))
    }

    async fn download_item_import_report(
        &self,
        request: Request<pb::DownloadItemImportReportRequest>,
    ) -> Result<Response<Self::DownloadItemImportReportStream>, Status> {
        let caller = Caller::of(&request)?;
        let (name, reach) = (request.into_inner().name, caller.reach());
        let found = store::import(self.ledger.pool(), &name, reach.organisation()).await?;
        let (sender, pieces) = mpsc::channel(4);
        let pool = self.ledger.pool().clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = report::write(&pool, &name, sender.clone())
                && error.kind() != std::io::ErrorKind::BrokenPipe
            {
                // A reader that is gone needs no answer.
                let _ = sender.blocking_send(Err(Refusal::internal(error).into()));
            }
        });
        let mut response = Response::new(ReceiverStream::new(pieces));
        if let Ok(value) = report::disposition(&found).parse() {
            response.metadata_mut().insert("content-disposition", value);
        }
        Ok(response)
    }

    async fn read_events(
        &self,
        request: Request<ReadEventsRequest>,
    ) -> Result<Response<Self::ReadEventsStream>, Status> {
        let caller = Caller::of(&request)?;
        self.ledger.read_events(&caller, request.into_inner()).await
    }
}
