//! Publishing items (art. 7-9, 12, 27): each by somebody who did not write it, with basis, checklist and those responsible; each
//! publication is a version of its own. The refused ones stay as they are, the others go out in events of at most twenty.

use kit::{
    auth::Caller,
    error::{Reason, Refusal, Result},
    ledger::Audience,
};
use proto::qingtian::catalog::{events::v1::ItemsPublished, v1 as pb};

use crate::{api::Api, rules, store};

/// Items of one act at the most.
const ITEMS_MAX: usize = 1_000;

pub async fn publish(api: &Api, caller: &Caller, request: pb::PublishItemsRequest) -> Result<pb::PublishItemsResponse> {
    caller.reaches(&request.parent)?;
    if request.names.len() > ITEMS_MAX {
        return Err(Refusal::new(Reason::TooLarge).with("limit", ITEMS_MAX));
    }
    let mut tx = api.ledger.begin(caller, &request.request_id, &request).await?;
    let now = tx.now();
    let mut revision = store::lock_list(&mut tx, &request.parent).await?;
    let items = store::lock_items(&mut tx, &request.parent, &request.names, ITEMS_MAX as i64).await?;
    let mut refused: Vec<_> = request
        .names
        .iter()
        .filter(|name| !items.iter().any(|item| item.name == **name))
        .map(|name| refusal(name, &Refusal::not_found(name)))
        .collect();
    let mut published = Vec::new();
    for item in items {
        let in_force = store::in_force(&mut tx, &item).await?;
        match rules::check_publish(&item.content, in_force.as_ref(), item.state, &item.drafters, &caller.actor) {
            Ok(_) => {
                let item = store::save_published(&mut tx, &item, &caller.actor, now).await?.to_proto();
                published.push(rules::public(item));
            }
            Err(reason) => refused.push(refusal(&item.name, &reason)),
        }
    }
    // A thousand at the most.
    let answer = pb::PublishItemsResponse { published: published.len() as i32, refused };
    let list = format!("{}/items", request.parent);
    for items in rules::chunks(published) {
        revision += 1;
        tx.emit(&list, revision, &ItemsPublished { items }, Audience::Public)?;
    }
    store::save_list(&mut tx, &request.parent, revision).await?;
    tx.changed(&list, None, Some(&answer));
    tx.commit(&answer).await?;
    tracing::info!(list, published = answer.published, refused = answer.refused.len(), "published items");
    Ok(answer)
}

fn refusal(name: &str, why: &Refusal) -> pb::PublishResult {
    pb::PublishResult { name: name.to_owned(), reason: why.meaning().name, message: why.message() }
}
