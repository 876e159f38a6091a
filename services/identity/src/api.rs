//! The service: parse, load within what the caller may see, decide, save, announce, commit (art. 27).

mod machines;
mod people;
mod sign_in;
mod users;

pub(crate) use sign_in::attempt_key;

use chrono::DateTime;
use kit::{
    auth::{Authenticator, Caller, Claims, Minter},
    env::{Clock, Env},
    error::{Refusal, Result},
    ledger::{Audience, EventStream, Ledger, Tx, timestamp},
    pages,
};
use proto::qingtian::{
    access::v1::Role,
    events::v1::ReadEventsRequest,
    identity::{
        events::v1::{AccessRevoked, OfficerChanged, OrganisationChanged},
        v1::{self as pb, identity_server::Identity},
    },
};
use tonic::{Request, Response, Status};

use crate::{passwords::Passwords, rules, store};

/// Organisations a page when the caller names no number: more than any city has departments.
const ORGANISATIONS_DEFAULT: i32 = 100;

/// The gRPC service.
#[derive(Clone)]
pub struct Api {
    ledger: Ledger,
    clock: Clock,
    minter: Minter,
    authenticator: Authenticator,
    passwords: Passwords,
}

impl Api {
    /// A service over this ledger.
    ///
    /// # Errors
    /// The token key is missing.
    pub async fn new(env: &Env, ledger: Ledger) -> anyhow::Result<Self> {
        let minter = Minter::service(crate::PART, env.keys.clone(), env.clock.clone())?;
        let authenticator = env.authenticator.clone();
        Ok(Self { ledger, clock: env.clock.clone(), minter, authenticator, passwords: Passwords::new(env).await? })
    }

    /// Signs a token of five minutes, from when on the actor's tokens are valid.
    fn mint(&self, claims: Claims) -> Result<pb::AccessToken> {
        let iat_ms = self.authenticator.revoked_ms(&claims.sub).unwrap_or_default();
        let (token, ends) = self.minter.sign(Claims { iat_ms, ..claims }).map_err(Refusal::internal)?;
        Ok(pb::AccessToken { token, expire_time: Some(timestamp(ends)) })
    }

    /// Announces that tokens of an actor are void: those signed before the next whole millisecond, because tokens carry
    /// milliseconds. The instant is taken after the row was locked, not at the begin of the transaction: whatever was signed
    /// before is void. This process knows at once, so the tokens it signs next are no earlier; should the act fail, tokens of
    /// before are refused here and the sign-in, which stays open, gives new ones.
    pub(crate) fn revoke(&self, tx: &mut Tx, actor: &str, revision: i64) -> Result<()> {
        let now_ms = self.clock.now().timestamp_millis();
        let since_ms = self.authenticator.revoked_ms(actor).map_or(now_ms, |since| since.max(now_ms)) + 1;
        let time = DateTime::from_timestamp_millis(since_ms).unwrap_or_else(|| self.clock.now());
        self.authenticator.revoke(actor, time);
        let time = Some(timestamp(time));
        tx.emit(actor, revision, &AccessRevoked { actor: actor.to_owned(), time }, Audience::Platform)
    }
}

/// What rows are searched by; none when nothing is.
fn pattern(query: &str) -> Option<String> {
    Some(query.trim()).filter(|text| !text.is_empty()).map(pages::like)
}

/// Announces an organisation.
pub(crate) fn announce_organisation(tx: &mut Tx, organisation: &pb::Organisation) -> Result<()> {
    let event = OrganisationChanged {
        name: organisation.name.clone(),
        title: organisation.title.clone(),
        title_en: organisation.title_en.clone(),
        district: organisation.district.clone(),
        enforcing: organisation.enforcing,
    };
    tx.emit(&organisation.name, 1, &event, Audience::Public)
}

/// Announces an enforcement officer; for anybody else there is nothing to announce.
pub(crate) fn announce_officer(tx: &mut Tx, person: &store::Person) -> Result<()> {
    let (true, Some(certificate)) = (person.roles().contains(&Role::Officer), person.certificate.clone()) else {
        return Ok(());
    };
    let event = OfficerChanged {
        user: person.name.clone(),
        certificate,
        organisation: person.organisation.clone(),
        expire_date: person.certificate_expires.map(|date| date.to_string()).unwrap_or_default(),
        districts: person.certificate_districts.clone(),
        specialties: person.certificate_specialties.clone(),
        active: person.state() == rules::PersonState::Active,
    };
    tx.emit(&person.name, person.revision, &event, Audience::Organisations(vec![person.organisation.clone()]))
}

#[tonic::async_trait]
impl Identity for Api {
    type ReadEventsStream = EventStream;

    async fn open_sign_in(
        &self,
        request: Request<pb::OpenSignInRequest>,
    ) -> Result<Response<pb::OpenSignInResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.open(caller, request.into_inner()).await?))
    }

    async fn refresh_token(
        &self,
        request: Request<pb::RefreshTokenRequest>,
    ) -> Result<Response<pb::AccessToken>, Status> {
        Ok(Response::new(self.refresh(&request.into_inner().sign_in).await?))
    }

    async fn close_sign_in(&self, request: Request<pb::CloseSignInRequest>) -> Result<Response<()>, Status> {
        let caller = Caller::of(&request)?;
        self.close(caller, &request.into_inner().sign_in).await?;
        Ok(Response::new(()))
    }

    async fn issue_token(&self, request: Request<pb::IssueTokenRequest>) -> Result<Response<pb::AccessToken>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.issue(caller, request.into_inner()).await?))
    }

    async fn get_me(&self, request: Request<pb::GetMeRequest>) -> Result<Response<pb::User>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.me(&caller).await?))
    }

    async fn change_password(&self, request: Request<pb::ChangePasswordRequest>) -> Result<Response<()>, Status> {
        let caller = Caller::of(&request)?;
        self.replace_password(caller, request.into_inner()).await?;
        Ok(Response::new(()))
    }

    async fn list_organisations(
        &self,
        request: Request<pb::ListOrganisationsRequest>,
    ) -> Result<Response<pb::ListOrganisationsResponse>, Status> {
        let request = request.into_inner();
        let size = if request.page_size == 0 { ORGANISATIONS_DEFAULT } else { request.page_size };
        let page = store::ORGANISATION_ORDERS.page(&request.order_by, &request.page_token, size)?;
        let kind = pb::OrganisationKind::try_from(request.kind)
            .map_err(|_| Refusal::invalid("kind", "没有该类别 / no such kind"))?;
        if !request.district.is_empty() {
            rules::parse_district("district", &request.district)?;
        }
        let pattern = pattern(&request.query);
        let organisations = store::Organisations {
            pattern: pattern.as_deref(),
            kind: Some(kind).filter(|kind| *kind != pb::OrganisationKind::Unspecified),
            district: Some(request.district.as_str()).filter(|code| !code.is_empty()),
        };
        let found = organisations.page(self.ledger.pool(), &page).await?;
        Ok(Response::new(pb::ListOrganisationsResponse {
            organisations: found.rows.into_iter().map(Into::into).collect(),
            next_page_token: found.next_page_token,
            total_size: found.total,
        }))
    }

    async fn create_organisation(
        &self,
        request: Request<pb::CreateOrganisationRequest>,
    ) -> Result<Response<pb::Organisation>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let given = request.organisation.clone().unwrap_or_default();
        let new = rules::parse_organisation(&request.organisation_id, &given)?;
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let now = tx.now();
        store::insert_organisation(&mut tx, &new, now).await?;
        announce_organisation(&mut tx, &new)?;
        tx.changed(&new.name, None, Some(&new));
        tx.commit(&new).await?;
        tracing::info!(organisation.name = %new.name, "added organisation");
        Ok(Response::new(new))
    }

    async fn list_users(
        &self,
        request: Request<pb::ListUsersRequest>,
    ) -> Result<Response<pb::ListUsersResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let within = store::Within::of(&caller);
        if !request.organisation.is_empty() {
            within.reaches(self.ledger.pool(), &request.organisation).await?;
        }
        let page = store::USER_ORDERS.page(&request.order_by, &request.page_token, request.page_size)?;
        let state = rules::PersonState::asked(request.state)?;
        let role = Role::try_from(request.role).map_err(|_| Refusal::invalid("role", "没有该岗位 / no such role"))?;
        let pattern = pattern(&request.query);
        let users = store::Users {
            organisation: Some(request.organisation.as_str()).filter(|name| !name.is_empty()),
            within: &within,
            pattern: pattern.as_deref(),
            state,
            role: Some(role).filter(|role| *role != Role::Unspecified),
            now: self.clock.now(),
        };
        let found = users.page(self.ledger.pool(), &page).await?;
        Ok(Response::new(pb::ListUsersResponse {
            users: found.rows.into_iter().map(|row| row.person.to_user(row.locked_until)).collect(),
            next_page_token: found.next_page_token,
            total_size: found.total,
        }))
    }

    async fn get_user(&self, request: Request<pb::GetUserRequest>) -> Result<Response<pb::User>, Status> {
        let caller = Caller::of(&request)?;
        let name = request.into_inner().name;
        let user = store::user(self.ledger.pool(), &name, &store::Within::of(&caller), self.clock.now()).await?;
        Ok(Response::new(user))
    }

    async fn create_user(
        &self,
        request: Request<pb::CreateUserRequest>,
    ) -> Result<Response<pb::CreateUserResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.register(caller, request.into_inner()).await?))
    }

    async fn freeze_user(&self, request: Request<pb::FreezeUserRequest>) -> Result<Response<pb::User>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.freeze(caller, request.into_inner()).await?))
    }

    async fn unfreeze_user(&self, request: Request<pb::UnfreezeUserRequest>) -> Result<Response<pb::User>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.unfreeze(caller, request.into_inner()).await?))
    }

    async fn set_certificate(&self, request: Request<pb::SetCertificateRequest>) -> Result<Response<pb::User>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.certify(caller, request.into_inner()).await?))
    }

    async fn create_machine_client(
        &self,
        request: Request<pb::CreateMachineClientRequest>,
    ) -> Result<Response<pb::CreateMachineClientResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.register_client(caller, request.into_inner()).await?))
    }

    async fn list_machine_clients(
        &self,
        request: Request<pb::ListMachineClientsRequest>,
    ) -> Result<Response<pb::ListMachineClientsResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.clients(&caller, request.into_inner()).await?))
    }

    async fn get_machine_client(
        &self,
        request: Request<pb::GetMachineClientRequest>,
    ) -> Result<Response<pb::MachineClient>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.client(&caller, &request.into_inner().name).await?))
    }

    async fn rotate_machine_client_secret(
        &self,
        request: Request<pb::RotateMachineClientSecretRequest>,
    ) -> Result<Response<pb::RotateMachineClientSecretResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.rotate(caller, request.into_inner()).await?))
    }

    async fn end_old_machine_client_secret(
        &self,
        request: Request<pb::EndOldMachineClientSecretRequest>,
    ) -> Result<Response<pb::MachineClient>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.end_old_secret(caller, request.into_inner()).await?))
    }

    async fn freeze_machine_client(
        &self,
        request: Request<pb::FreezeMachineClientRequest>,
    ) -> Result<Response<pb::MachineClient>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.freeze_client(caller, request.into_inner()).await?))
    }

    async fn unfreeze_machine_client(
        &self,
        request: Request<pb::UnfreezeMachineClientRequest>,
    ) -> Result<Response<pb::MachineClient>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.unfreeze_client(caller, request.into_inner()).await?))
    }

    async fn retire_machine_client(
        &self,
        request: Request<pb::RetireMachineClientRequest>,
    ) -> Result<Response<pb::MachineClient>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.retire_client(caller, request.into_inner()).await?))
    }

    async fn read_events(
        &self,
        request: Request<ReadEventsRequest>,
    ) -> Result<Response<Self::ReadEventsStream>, Status> {
        let caller = Caller::of(&request)?;
        self.ledger.read_events(&caller, request.into_inner()).await
    }
}
