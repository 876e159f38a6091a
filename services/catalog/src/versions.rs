//! Versions of items (art. 8): a published item is taken into revision, published anew, given back or retired; what was published
//! before stays to be read and compared.

use kit::{
    auth::Caller,
    error::{Refusal, Result},
    ledger::{Audience, Ledger, Tx},
};
use proto::qingtian::catalog::{
    events::v1::ItemRetired,
    v1::{self as pb, item_versions_server::ItemVersions},
};
use tonic::{Request, Response, Status};

use crate::{
    rules::{self, Content, ItemEvent},
    store::{self, Item},
};

/// Characters of a reason at the most.
const REASON_CHARS_MAX: usize = 500;

/// The service.
pub struct Api(pub(crate) Ledger);

/// Why something is done, which cannot be left out.
fn reason(text: &str) -> Result<String> {
    let text = text.trim();
    let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.is_empty() || text.chars().count() > REASON_CHARS_MAX || text.chars().any(control) {
        let problem =
            format!("请写明理由，至多{REASON_CHARS_MAX}个字符 / say why, in at most {REASON_CHARS_MAX} characters");
        return Err(Refusal::invalid("reason", problem));
    }
    Ok(text.to_owned())
}

/// The list an item stands on, which is known before anything else is looked at: what is out of reach is not found.
fn list_of(caller: &Caller, item: &str) -> Result<String> {
    let list = item.split_once("/items/").map_or("", |(parent, _)| parent);
    caller.reaches(list).map_err(|_| Refusal::not_found(item))?;
    Ok(list.to_owned())
}

/// Locks an item that the caller has read as it stands.
async fn lock(tx: &mut Tx, caller: &Caller, list: &str, name: &str, etag: &str) -> Result<(Item, i64)> {
    if etag.is_empty() {
        return Err(Refusal::invalid("etag", "请先读取事项 / read the item first"));
    }
    let revision = store::lock_list(tx, list).await?;
    let item = store::lock_item(tx, name, caller.reach().organisation()).await?;
    if etag != item.revision.to_string() {
        return Err(Refusal::stale(item.content.called(), &item.changed_by, &item.change));
    }
    Ok((item, revision))
}

async fn done(mut tx: Tx, before: &Item, after: &Item) -> Result<Response<pb::Item>, Status> {
    let answer = after.to_proto();
    tx.changed(&answer.name, Some(&before.to_proto()), Some(&answer));
    tx.commit(&answer).await?;
    tracing::info!(item.name = %answer.name, change = %after.change, "item changed its state");
    Ok(Response::new(answer))
}

#[tonic::async_trait]
impl ItemVersions for Api {
    async fn revise_item(&self, request: Request<pb::ReviseItemRequest>) -> Result<Response<pb::Item>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let list = list_of(&caller, &request.name)?;
        let why = reason(&request.reason)?;
        let mut tx = self.0.begin(&caller, &request.request_id, &request).await?;
        let (item, _) = lock(&mut tx, &caller, &list, &request.name, &request.etag).await?;
        item.state.next(ItemEvent::Revise, &item.content.called())?;
        let after = store::save_revising(&mut tx, &item, &caller.actor, &why).await?;
        done(tx, &item, &after).await
    }

    async fn withdraw_item_revision(
        &self,
        request: Request<pb::WithdrawItemRevisionRequest>,
    ) -> Result<Response<pb::Item>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let list = list_of(&caller, &request.name)?;
        let mut tx = self.0.begin(&caller, &request.request_id, &request).await?;
        let (item, _) = lock(&mut tx, &caller, &list, &request.name, &request.etag).await?;
        let state = item.state.next(ItemEvent::Withdraw, &item.content.called())?;
        let after = store::save_restored(&mut tx, &item, state, &caller.actor, "revision withdrawn", "").await?;
        done(tx, &item, &after).await
    }

    async fn retire_item(&self, request: Request<pb::RetireItemRequest>) -> Result<Response<pb::Item>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let list = list_of(&caller, &request.name)?;
        let why = reason(&request.reason)?;
        let mut tx = self.0.begin(&caller, &request.request_id, &request).await?;
        let (item, revision) = lock(&mut tx, &caller, &list, &request.name, &request.etag).await?;
        let state = item.state.next(ItemEvent::Retire, &item.content.called())?;
        rules::check_another(&item.drafters, &caller.actor)?;
        let after = store::save_restored(&mut tx, &item, state, &caller.actor, "retired", &why).await?;
        let told = ItemRetired { item: Some(rules::public(after.to_proto())) };
        tx.emit(&format!("{list}/items"), revision + 1, &told, Audience::Public)?;
        store::save_list(&mut tx, &list, revision + 1).await?;
        done(tx, &item, &after).await
    }

    async fn list_item_versions(
        &self,
        request: Request<pb::ListItemVersionsRequest>,
    ) -> Result<Response<pb::ListItemVersionsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let page = store::VERSION_ORDERS.page("", &request.page_token, request.page_size)?;
        let item = store::item(self.0.pool(), &request.parent, caller.reach().organisation()).await?;
        let mut versions = store::versions(self.0.pool(), &item.name, &page).await?;
        let next_page_token = page.cut(&mut versions);
        let versions = versions.iter().map(store::Version::to_proto).collect();
        Ok(Response::new(pb::ListItemVersionsResponse { versions, next_page_token }))
    }

    async fn get_item_version(
        &self,
        request: Request<pb::GetItemVersionRequest>,
    ) -> Result<Response<pb::ItemVersion>, Status> {
        let caller = Caller::of(&request)?;
        let name = request.into_inner().name;
        let parsed = name.split_once("/versions/").and_then(|(item, number)| Some((item, number.parse().ok()?)));
        let (item, number) = parsed.ok_or_else(|| Refusal::not_found(&name))?;
        let item = store::item(self.0.pool(), item, caller.reach().organisation()).await?;
        Ok(Response::new(store::version(self.0.pool(), &item.name, number).await?.to_proto()))
    }

    async fn compare_item_versions(
        &self,
        request: Request<pb::CompareItemVersionsRequest>,
    ) -> Result<Response<pb::CompareItemVersionsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let item = store::item(self.0.pool(), &request.name, caller.reach().organisation()).await?;
        let base = if request.base == 0 { item.version } else { request.base };
        let before = store::version(self.0.pool(), &item.name, base).await?.content;
        let after: Content = match request.target {
            0 => item.content,
            number => store::version(self.0.pool(), &item.name, number).await?.content,
        };
        Ok(Response::new(pb::CompareItemVersionsResponse { differences: rules::differences(&before, &after) }))
    }
}
