//! Claims over gRPC: parse, load, decide, save, announce (art. 6, 8, 37).

use kit::{
    auth::Caller,
    clocks::{self, DayKind, New},
    error::{Reason, Refusal, Result},
    ledger::{Audience, Ledger, Tx},
    pages,
    workdays::legal_day,
};
use proto::qingtian::catalog::{
    events::v1::ClaimsChanged,
    v1::{self as pb, claims_server::Claims},
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    CLOCK,
    rules::{self, Event, ITEMS_MAX},
    store::{self, Change, Claim},
};
use crate::{
    rules::{Content, ItemEvent, ItemState},
    store as items,
};

/// Claims of one event.
const CHUNK: usize = 20;
/// Why an item is taken into revision when its standard changes.
const NEW_STANDARD: &str = "上级事项标准更新";

/// The service.
pub struct Api(pub(crate) Ledger);

impl Api {
    /// Hands items down to departments; answers the claims and their last day.
    async fn issue(&self, caller: &Caller, request: pb::IssueItemsRequest) -> Result<pb::IssueItemsResponse> {
        rules::check_size(request.items.len(), request.organisations.len())?;
        let level = rules::level(request.level)?;
        let mut handed_down = Vec::new();
        for (place, given) in request.items.iter().enumerate() {
            let content = Content::from_item(given);
            content.check()?;
            if content.code.is_empty() {
                return Err(Refusal::invalid(format!("items[{place}].code"), "请填写事项编码 / the code of the list"));
            }
            // Departments say who is responsible; what stands here is the list's.
            let item = content.to_item("", ItemState::Draft, 0);
            handed_down.push(pb::Item { state: 0, etag: String::new(), ..item });
        }
        let mut tx = self.0.begin(caller, &request.request_id, &request).await?;
        if let Some(unknown) = store::unknown(&mut tx, &request.organisations).await?.first() {
            let problem = format!("没有单位“{unknown}” / there is no such organisation");
            return Err(Refusal::invalid("organisations", problem));
        }
        let mut due_date = String::new();
        for organisation in &request.organisations {
            let mut issued = Vec::new();
            for item in &handed_down {
                let claim = start(&mut tx, organisation, item, level as i32, &caller.actor).await?;
                due_date = claim.due();
                issued.push(claim);
            }
            announce(&mut tx, &issued)?;
        }
        let issued = handed_down.len() * request.organisations.len();
        let answer = pb::IssueItemsResponse { issued: i32::try_from(issued).unwrap_or(i32::MAX), due_date };
        tx.changed("claims", None, Some(&answer));
        tx.commit(&answer).await?;
        tracing::info!(issued, "handed items down");
        Ok(answer)
    }

    /// Claims each for itself: what is refused is undone alone.
    async fn claim(&self, caller: &Caller, request: pb::ClaimItemsRequest) -> Result<pb::ClaimItemsResponse> {
        caller.reaches(&request.parent)?;
        caller.owns(&request.parent)?;
        if request.names.is_empty() {
            return Err(Refusal::invalid("names", "请选择要认领的事项 / name what to claim"));
        }
        if request.names.len() > ITEMS_MAX {
            return Err(Refusal::new(Reason::TooLarge).with("limit", ITEMS_MAX));
        }
        let mut tx = self.0.begin(caller, &request.request_id, &request).await?;
        items::lock_list(&mut tx, &request.parent).await?;
        let (mut results, mut claimed) = (Vec::new(), Vec::new());
        for name in &request.names {
            sqlx::query("savepoint one_claim").execute(&mut *tx).await?;
            match claim_one(&mut tx, caller, &request.parent, name).await {
                Ok(claim) => {
                    results.push(pb::ClaimResult {
                        name: name.clone(),
                        item: claim.made_item.clone().unwrap_or_default(),
                        ..Default::default()
                    });
                    claimed.push(claim);
                }
                Err(refusal) if refusal.reason() != Reason::Internal => {
                    sqlx::query("rollback to savepoint one_claim").execute(&mut *tx).await?;
                    results.push(pb::ClaimResult {
                        name: name.clone(),
                        reason: refusal.meaning().name,
                        message: refusal.message(),
                        ..Default::default()
                    });
                }
                Err(broken) => return Err(broken),
            }
        }
        announce(&mut tx, &claimed)?;
        let answer = pb::ClaimItemsResponse { claimed: i32::try_from(claimed.len()).unwrap_or(i32::MAX), results };
        tx.changed(&request.parent, None, Some(&answer));
        tx.commit(&answer).await?;
        tracing::info!(list = request.parent, claimed = claimed.len(), "claimed items");
        Ok(answer)
    }

    async fn decline(&self, caller: &Caller, request: pb::DeclineClaimRequest) -> Result<pb::Claim> {
        let mut tx = self.0.begin(caller, &request.request_id, &request).await?;
        let before = lock(&mut tx, caller, &request.name, &request.etag).await?;
        caller.owns(&before.organisation)?;
        let why = rules::reason(&request.reason)?;
        let state = before.state().next(Event::Decline, &before.called(), &before.due())?;
        let change = Change { state, decline_reason: &why, actor: &caller.actor, change: "declined", ..kept(&before) };
        let after = store::save(&mut tx, &before.name, &change).await?;
        done(tx, &before, &[after]).await
    }

    async fn rule(&self, caller: &Caller, request: pb::RuleOnClaimRequest) -> Result<pb::Claim> {
        let mut tx = self.0.begin(caller, &request.request_id, &request).await?;
        let before = lock(&mut tx, caller, &request.name, &request.etag).await?;
        let why = rules::reason(&request.reason)?;
        let event = if request.ordered { Event::Order } else { Event::Withdraw };
        let state = before.state().next(event, &before.called(), &before.due())?;
        let refuse = |problem: &str| Err(Refusal::invalid("instead", problem));
        if !request.instead.is_empty() {
            if request.ordered {
                return refuse("裁定由原部门认领时不另指定部门 / not with an order");
            }
            if request.instead == before.organisation {
                return refuse("请指定另一部门 / name another department");
            }
            if !store::unknown(&mut tx, std::slice::from_ref(&request.instead)).await?.is_empty() {
                return refuse("没有该单位 / no such organisation");
            }
        }
        let said = if request.ordered { "ordered" } else { "withdrawn" };
        let change = Change { state, ruling_reason: &why, actor: &caller.actor, change: said, ..kept(&before) };
        let after = store::save(&mut tx, &before.name, &change).await?;
        let mut changed = vec![after];
        if !state.is_open() {
            clocks::end(&mut tx, &before.name, CLOCK).await?;
            changed = vec![store::find(&mut tx, &before.name, None).await?];
        }
        if !request.instead.is_empty() {
            let item = before.handed_down()?;
            let asked = start(&mut tx, &request.instead, &item, before.level, &caller.actor).await?;
            announce(&mut tx, &[asked])?;
        }
        done(tx, &before, &changed).await
    }
}

/// What a claim keeps saying when only its state changes.
fn kept(before: &Claim) -> Change<'_> {
    Change {
        state: before.state(),
        decline_reason: &before.decline_reason,
        ruling_reason: &before.ruling_reason,
        made_item: before.made_item.as_deref(),
        actor: "",
        change: "",
    }
}

/// Asks a department, and starts its clock.
async fn start(tx: &mut Tx, organisation: &str, item: &pb::Item, level: i32, issuer: &str) -> Result<Claim> {
    let now = tx.now();
    let setting = store::setting(tx, legal_day(now)).await?;
    let name = format!("{organisation}/claims/{}", Uuid::now_v7().simple());
    store::insert(tx, &store::New { name: &name, organisation, item, level, issuer }, now).await?;
    let rests_on = format!("claim_setting/{}", setting.version);
    let clock = New {
        aggregate: &name,
        kind: CLOCK,
        organisation,
        unit: "",
        responsible: "",
        // The constraint of the table keeps it there.
        days: u16::try_from(setting.days).unwrap_or(u16::MAX),
        day_kind: DayKind::Working,
        setting: &rests_on,
    };
    clocks::start(tx, &clock).await?;
    store::find(tx, &name, None).await
}

/// Locks a claim as the caller read it.
async fn lock(tx: &mut Tx, caller: &Caller, name: &str, etag: &str) -> Result<Claim> {
    // Whoever rules reaches every department's.
    let reach = if caller.has(proto::qingtian::access::v1::Role::Coordinator) {
        None
    } else {
        Some(caller.organisation.as_str())
    };
    let claim = store::lock(tx, name, reach).await?;
    Refusal::check_etag(etag, claim.revision, name, (&claim.changed_by, &claim.change))?;
    Ok(claim)
}

/// Makes the department's item of one claim: a draft, the item it has already, or a revision of the one claimed before.
async fn claim_one(tx: &mut Tx, caller: &Caller, list: &str, name: &str) -> Result<Claim> {
    let claim = store::lock(tx, name, Some(list)).await?;
    let state = claim.state().next(Event::Claim, &claim.called(), &claim.due())?;
    let content = Content::from_item(&claim.handed_down()?);
    let known = match store::made_before(tx, &claim).await? {
        Some(item) => Some(items::lock_item(tx, &item, Some(list)).await?),
        None => items::lock_same(tx, list, &content).await?,
    };
    let item = match known {
        None => {
            let item = format!("{list}/items/{}", Uuid::now_v7().simple());
            let now = tx.now();
            items::insert_item(tx, &item, list, &content, &caller.actor, now).await?
        }
        Some(item) => renew(tx, item, content, &caller.actor).await?,
    };
    let change = Change { state, made_item: Some(&item.name), actor: &caller.actor, change: "claimed", ..kept(&claim) };
    store::save(tx, name, &change).await?;
    clocks::end(tx, name, CLOCK).await?;
    store::find(tx, name, None).await
}

/// Lets an item say what the new standard says; what the department added, the responsible and the terms of its list, stays.
async fn renew(tx: &mut Tx, item: items::Item, standard: Content, actor: &str) -> Result<items::Item> {
    let own = &item.content;
    let checklist = if standard.checklist.is_empty() { own.checklist.clone() } else { standard.checklist.clone() };
    let renewed = Content {
        leader: own.leader.clone(),
        undertaking_unit: own.undertaking_unit.clone(),
        handler: own.handler.clone(),
        listing: own.listing.clone(),
        random_listed: own.random_listed || standard.random_listed,
        grade: own.grade,
        checklist,
        ..standard
    };
    if renewed == item.content {
        return Ok(item);
    }
    let item = match item.state {
        ItemState::Draft | ItemState::Revising => item,
        ItemState::Published => items::save_revising(tx, &item, actor, NEW_STANDARD).await?,
        ItemState::Retired => {
            item.state.next(ItemEvent::Revise, &item.content.called())?;
            item
        }
    };
    items::save_content(tx, &item, &renewed, actor, "new standard").await
}

fn announce(tx: &mut Tx, claims: &[Claim]) -> Result<()> {
    for chunk in claims.chunks(CHUNK) {
        let Some(first) = chunk.first() else { continue };
        let event = ClaimsChanged { claims: chunk.iter().map(Claim::to_proto).collect::<Result<_>>()? };
        let audience = Audience::Organisations(vec![first.organisation.clone()]);
        tx.emit(&first.name, first.revision, &event, audience)?;
    }
    Ok(())
}

async fn done(mut tx: Tx, before: &Claim, changed: &[Claim]) -> Result<pb::Claim> {
    announce(&mut tx, changed)?;
    let answer = changed.first().ok_or_else(|| Refusal::not_found(&before.name))?.to_proto()?;
    tx.changed(&answer.name, Some(&before.to_proto()?), Some(&answer));
    tx.commit(&answer).await?;
    tracing::info!(claim.name = %answer.name, state = ?answer.state(), "changed claim");
    Ok(answer)
}

#[tonic::async_trait]
impl Claims for Api {
    async fn issue_items(
        &self,
        request: Request<pb::IssueItemsRequest>,
    ) -> Result<Response<pb::IssueItemsResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.issue(&caller, request.into_inner()).await?))
    }

    async fn list_claims(
        &self,
        request: Request<pb::ListClaimsRequest>,
    ) -> Result<Response<pb::ListClaimsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let coordinates = caller.has(proto::qingtian::access::v1::Role::Coordinator);
        let reach = caller.reach();
        let organisation = match request.parent.as_str() {
            "organisations/-" if coordinates => None,
            "organisations/-" => reach.organisation(),
            parent => {
                if !coordinates {
                    caller.reaches(parent)?;
                }
                Some(parent)
            }
        };
        let page = store::ORDERS.page(&request.order_by, &request.page_token, request.page_size)?;
        let pattern = Some(request.query.trim()).filter(|text| !text.is_empty()).map(pages::like);
        let state = rules::State::asked(request.state());
        let filter = store::Filter { organisation, pattern: pattern.as_deref(), state };
        let (mut rows, total_size) = store::list(self.0.pool(), &filter, &page).await?;
        let next_page_token = page.cut(&mut rows);
        let claims = rows.iter().map(Claim::to_proto).collect::<Result<_>>()?;
        Ok(Response::new(pb::ListClaimsResponse { claims, next_page_token, total_size }))
    }

    async fn get_claim(&self, request: Request<pb::GetClaimRequest>) -> Result<Response<pb::Claim>, Status> {
        let caller = Caller::of(&request)?;
        let coordinates = caller.has(proto::qingtian::access::v1::Role::Coordinator);
        let reach = caller.reach();
        let within = if coordinates { None } else { reach.organisation() };
        let mut conn = self.0.pool().acquire().await.map_err(Refusal::from)?;
        Ok(Response::new(store::find(&mut conn, &request.into_inner().name, within).await?.to_proto()?))
    }

    async fn claim_items(
        &self,
        request: Request<pb::ClaimItemsRequest>,
    ) -> Result<Response<pb::ClaimItemsResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.claim(&caller, request.into_inner()).await?))
    }

    async fn decline_claim(&self, request: Request<pb::DeclineClaimRequest>) -> Result<Response<pb::Claim>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.decline(&caller, request.into_inner()).await?))
    }

    async fn rule_on_claim(&self, request: Request<pb::RuleOnClaimRequest>) -> Result<Response<pb::Claim>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.rule(&caller, request.into_inner()).await?))
    }
}
