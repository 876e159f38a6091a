//! What becomes of users after they were registered (art. 27): verified, given other roles, succeeded, closed.

use kit::{
    auth::Caller,
    error::{Reason, Refusal, Result},
    ledger::{Audience, Tx},
};
use proto::qingtian::identity::{
    events::v1::DutiesHandedOver,
    v1::{self as pb, users_server::Users},
};
use tonic::{Request, Response, Status};

use super::{Api, announce_officer, people};
use crate::{
    rules::{self, Act, PersonEvent},
    store::{self, Person, Within},
};

impl Api {
    async fn verify(&self, caller: Caller, request: pb::VerifyUserRequest) -> Result<pb::User> {
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let (person, _) = people::lock_to_grant(&mut tx, &caller, (&request.name, &request.etag), "").await?;
        let how = rules::parse_text("verification", &request.verification)?;
        person.state().next(PersonEvent::Verify, &person.name)?;
        let saved = store::save_verified(&mut tx, &person.name, &how, &caller.actor).await?;
        announce_officer(&mut tx, &saved)?;
        self.kept(tx, (&person, saved), (Act::Verified, &how, None), &caller).await
    }

    async fn set(&self, caller: Caller, request: pb::SetRolesRequest) -> Result<pb::User> {
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let (person, admins) = people::lock(&mut tx, &caller, (&request.name, &request.etag), "").await?;
        let reason = rules::parse_text("reason", &request.reason)?;
        let (before, after) = (person.roles(), rules::parse_roles(&request.roles)?);
        let changed = rules::changed(&before, &after);
        // Taking is granting: nobody decides over wider rights than the own. What stays is not decided over.
        rules::check_grant(&caller.roles, &changed)?;
        person.state().open(&person.name, "授予岗位 set roles")?;
        if person.name == caller.actor {
            return Err(Refusal::new(Reason::OwnAct));
        }
        if changed.is_empty() {
            return Err(Refusal::invalid("roles", "与现有岗位相同 / the roles are the same"));
        }
        rules::check_separate(&after)?;
        rules::check_certified(person.certificate.as_deref(), &after)?;
        people::check_not_last(&person, &admins, &after)?;
        if rules::may_have_duties(&before) && !rules::may_have_duties(&after) {
            return Err(Refusal::new(Reason::DutiesLeft).with("name", &person.real_name));
        }
        let saved = store::save_roles(&mut tx, &person.name, &after, &caller.actor).await?;
        people::announce_change(&mut tx, &person, &saved)?;
        self.revoke(&mut tx, &saved.name, saved.revision)?;
        self.kept(tx, (&person, saved), (Act::RolesSet, &reason, None), &caller).await
    }

    async fn hand_over(&self, caller: Caller, request: pb::HandOverDutiesRequest) -> Result<pb::User> {
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let locked = (request.name.as_str(), request.etag.as_str());
        let (person, others) = people::lock_to_grant(&mut tx, &caller, locked, &request.successor).await?;
        let reason = rules::parse_text("reason", &request.reason)?;
        person.state().open(&person.name, "交接 hand over")?;
        check_successor(&person, &others, &request.successor)?;
        let saved = store::save_handed_over(&mut tx, &person.name, &caller.actor).await?;
        announce_handover(&mut tx, &saved, &request.successor)?;
        self.kept(tx, (&person, saved), (Act::HandedOver, &reason, Some(&request.successor)), &caller).await
    }

    async fn close_account(&self, caller: Caller, request: pb::CloseUserRequest) -> Result<pb::User> {
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let locked = (request.name.as_str(), request.etag.as_str());
        let (person, others) = people::lock_to_grant(&mut tx, &caller, locked, &request.successor).await?;
        let reason = rules::parse_text("reason", &request.reason)?;
        let state = person.state().next(PersonEvent::Close, &person.name)?;
        if person.name == caller.actor {
            return Err(Refusal::new(Reason::OwnAct));
        }
        people::check_not_last(&person, &others, &[])?;
        let successor = Some(request.successor.as_str()).filter(|name| !name.is_empty());
        match successor {
            Some(named) => check_successor(&person, &others, named)?,
            None if rules::may_have_duties(&person.roles()) => {
                return Err(Refusal::new(Reason::DutiesLeft).with("name", &person.real_name));
            }
            None => {}
        }
        let saved = store::save_state(&mut tx, &person.name, state, &reason, &caller.actor).await?;
        let now = tx.now();
        store::end_sign_ins(&mut tx, &person.name, "", now).await?;
        announce_officer(&mut tx, &saved)?;
        if let Some(successor) = successor {
            announce_handover(&mut tx, &saved, successor)?;
        }
        self.revoke(&mut tx, &saved.name, saved.revision)?;
        self.kept(tx, (&person, saved), (Act::Closed, &reason, successor), &caller).await
    }

    /// Keeps the act, notes it in the audit and commits.
    pub(super) async fn kept(
        &self,
        mut tx: Tx,
        (before, saved): (&Person, Person),
        (act, reason, successor): (Act, &str, Option<&str>),
        caller: &Caller,
    ) -> Result<pb::User> {
        let now = tx.now();
        store::keep_act(&mut tx, &saved, (act, reason, successor), &caller.actor, now).await?;
        let user = saved.to_user(None);
        tx.changed(&user.name, Some(&before.to_user(None)), Some(&user));
        tx.commit(&user).await?;
        tracing::info!(user.name = %user.name, act = act.as_str(), "changed user");
        Ok(user)
    }

    async fn acts(&self, caller: &Caller, request: pb::ListUserActsRequest) -> Result<pb::ListUserActsResponse> {
        let page = store::ACT_ORDERS.page("", &request.page_token, request.page_size)?;
        let pool = self.ledger.pool();
        store::user(pool, &request.parent, &Within::of(caller), self.clock.now()).await?;
        let (mut rows, total_size) = store::acts(pool, &request.parent, &page).await?;
        let next_page_token = page.cut(&mut rows);
        let acts = rows.into_iter().map(Into::into).collect();
        Ok(pb::ListUserActsResponse { acts, next_page_token, total_size })
    }
}

fn check_successor(leaver: &Person, others: &[Person], named: &str) -> Result<()> {
    if named.is_empty() {
        return Err(Refusal::invalid("successor", "请指定接手人 / name who takes over"));
    }
    let roles = leaver.roles();
    // Somebody elsewhere is not told apart from nobody.
    let found = others.iter().find(|other| other.name == named).or((leaver.name == named).then_some(leaver));
    let held = found.map(Person::roles).unwrap_or_default();
    rules::check_successor(leaver.as_colleague(&roles), found.map(|one| one.as_colleague(&held)), named)
}

fn announce_handover(tx: &mut Tx, saved: &Person, successor: &str) -> Result<()> {
    let event = DutiesHandedOver {
        user: saved.name.clone(),
        successor: successor.to_owned(),
        organisation: saved.organisation.clone(),
    };
    tx.emit(&saved.name, saved.revision, &event, Audience::Organisations(vec![saved.organisation.clone()]))
}

#[tonic::async_trait]
impl Users for Api {
    async fn verify_user(&self, request: Request<pb::VerifyUserRequest>) -> Result<Response<pb::User>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.verify(caller, request.into_inner()).await?))
    }

    async fn set_roles(&self, request: Request<pb::SetRolesRequest>) -> Result<Response<pb::User>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.set(caller, request.into_inner()).await?))
    }

    async fn hand_over_duties(
        &self,
        request: Request<pb::HandOverDutiesRequest>,
    ) -> Result<Response<pb::User>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.hand_over(caller, request.into_inner()).await?))
    }

    async fn close_user(&self, request: Request<pb::CloseUserRequest>) -> Result<Response<pb::User>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.close_account(caller, request.into_inner()).await?))
    }

    async fn list_user_acts(
        &self,
        request: Request<pb::ListUserActsRequest>,
    ) -> Result<Response<pb::ListUserActsResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.acts(&caller, request.into_inner()).await?))
    }
}
