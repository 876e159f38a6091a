//! The service SignOns (art. 27).

use kit::{
    auth::Caller,
    error::{Reason, Refusal, Result},
    ledger::Ledger,
};
use proto::qingtian::identity::v1::{self as pb, sign_ons_server};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    provider::{Known, Problem, Provider, SUBJECT_CHARS_MAX},
    store::{self, Link},
};
use crate::{api::Api, passwords, rules, store::Within};

/// Links of one person at the most.
const LINKS_MAX: usize = 10;

/// The service.
pub struct SignOns {
    ledger: Ledger,
    identity: Api,
    provider: Option<Provider>,
}

impl SignOns {
    /// A service over this part's ledger, which opens sign-ins as identity does.
    pub fn new(ledger: Ledger, identity: Api, provider: Option<Provider>) -> Self {
        Self { ledger, identity, provider }
    }

    fn provider(&self) -> Result<&Provider> {
        self.provider.as_ref().ok_or_else(|| Refusal::new(Reason::SignOnNotSet))
    }

    async fn begin(&self, request: pb::BeginSignOnRequest) -> Result<pb::BeginSignOnResponse> {
        let begun = self.provider()?.begin().await.map_err(refused)?;
        let (state, now) = (passwords::digest(&begun.state), self.ledger.now());
        let secrets = (begun.nonce.as_str(), begun.verifier.as_str());
        if !store::begin(self.ledger.pool(), (&state, &request.browser), secrets, now).await? {
            tracing::warn!("too many sign-ons are under way");
            return Err(Refusal::new(Reason::SignOnUnreachable));
        }
        Ok(pb::BeginSignOnResponse { authorization_url: begun.url })
    }

    async fn finish(&self, caller: Caller, request: pb::FinishSignOnRequest) -> Result<pb::OpenSignInResponse> {
        let actor = Caller { actor: String::new(), address: request.address.clone(), ..caller };
        let finished = self.person(&request).await;
        let person = self.identity.audited(&actor, finished).await?;
        let actor = Caller { actor: person, ..actor };
        let opened = self.identity.open_admitted(&actor, &request.address).await;
        self.identity.audited(&actor, opened).await
    }

    /// For whom the provider's word stands.
    async fn person(&self, request: &pb::FinishSignOnRequest) -> Result<String> {
        let provider = self.provider()?;
        let (pool, now) = (self.ledger.pool(), self.ledger.now());
        let attempt = store::take(pool, &passwords::digest(&request.state), &request.browser, now).await?;
        let attempt = attempt.ok_or_else(|| Refusal::new(Reason::SignOnOver))?;
        let known = provider.finish(&request.code, &attempt.nonce, &attempt.verifier, now).await.map_err(refused)?;
        if let Some(link) = store::linked(pool, provider.issuer(), &known.subject).await? {
            return Ok(link.person);
        }
        self.link_by_claim(provider, &known).await
    }

    /// Links whom a verified claim names: one who has an account, never anybody new.
    async fn link_by_claim(&self, provider: &Provider, known: &Known) -> Result<String> {
        let unknown = || Refusal::new(Reason::SignOnNotLinked).with("subject", &known.subject);
        let claim = known.claim.as_deref().ok_or_else(unknown)?;
        let person = store::person_called(self.ledger.pool(), claim).await?.ok_or_else(unknown)?;
        let mut tx = self.ledger.begin_job("LinkByClaim").await?;
        if store::links(&mut tx, &person).await?.len() >= LINKS_MAX {
            return Err(unknown());
        }
        let link = Link {
            id: Uuid::now_v7().simple().to_string(),
            person: person.clone(),
            issuer: provider.issuer().to_owned(),
            subject: known.subject.clone(),
            created_by: format!("services/{}", crate::PART),
            created_at: tx.now(),
        };
        store::insert(&mut tx, &link).await?;
        let link = pb::SignOnLink::from(link);
        tx.changed(&link.name, None, Some(&link));
        tx.commit(&()).await?;
        tracing::info!(link.name = %link.name, "linked by a verified claim");
        Ok(person)
    }

    async fn create(&self, caller: Caller, request: pb::CreateSignOnLinkRequest) -> Result<pb::SignOnLink> {
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let (person, _) = crate::store::lock_with_admins(&mut tx, &request.parent, &Within::of(&caller), "").await?;
        rules::check_grant(&caller.roles, &person.roles())?;
        let subject = request.subject.trim();
        if subject.is_empty() || subject.chars().count() > SUBJECT_CHARS_MAX || subject.contains('\0') {
            return Err(Refusal::invalid("subject", format!("1 to {SUBJECT_CHARS_MAX} characters")));
        }
        let issuer = request.issuer.trim();
        if issuer.chars().count() > SUBJECT_CHARS_MAX || issuer.contains('\0') {
            return Err(Refusal::invalid("issuer", format!("at most {SUBJECT_CHARS_MAX} characters")));
        }
        let issuer = if issuer.is_empty() { self.provider()?.issuer() } else { issuer };
        if store::links(&mut tx, &person.name).await?.len() >= LINKS_MAX {
            return Err(Refusal::invalid("parent", format!("at most {LINKS_MAX} links")));
        }
        let link = Link {
            id: Uuid::now_v7().simple().to_string(),
            person: person.name,
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            created_by: caller.actor.clone(),
            created_at: tx.now(),
        };
        store::insert(&mut tx, &link).await?;
        let link = pb::SignOnLink::from(link);
        tx.changed(&link.name, None, Some(&link));
        tx.commit(&link).await?;
        tracing::info!(link.name = %link.name, "linked");
        Ok(link)
    }

    async fn delete(&self, caller: Caller, request: pb::DeleteSignOnLinkRequest) -> Result<()> {
        let gone = || Refusal::not_found(&request.name);
        let (person, id) = request.name.split_once("/signOnLinks/").ok_or_else(gone)?;
        let mut tx = self.ledger.begin(&caller, "", &request).await?;
        let (person, _) = crate::store::lock_with_admins(&mut tx, person, &Within::of(&caller), "").await?;
        rules::check_grant(&caller.roles, &person.roles())?;
        let link = store::delete(&mut tx, &person.name, id).await?.ok_or_else(gone)?;
        let now = tx.now();
        // Whoever came in by it does not stay.
        crate::store::end_sign_ins(&mut tx, &person.name, "", now).await?;
        self.identity.revoke(&mut tx, &person.name, person.revision)?;
        let link = pb::SignOnLink::from(link);
        tx.changed(&link.name, Some(&link), None);
        tx.commit(&()).await?;
        tracing::info!(link.name = %link.name, "took a link away");
        Ok(())
    }
}

/// What a problem with the provider means to the person; the details are for the operators.
fn refused(problem: Problem) -> Refusal {
    match problem {
        Problem::Unreachable(error) => {
            tracing::warn!(error = format!("{error:#}"), "the provider to sign on at cannot be reached");
            Refusal::new(Reason::SignOnUnreachable)
        }
        Problem::NotBelieved(error) => {
            tracing::warn!(error = format!("{error:#}"), "the provider's answer is not believed");
            Refusal::new(Reason::SignOnNotBelieved)
        }
    }
}

#[tonic::async_trait]
impl sign_ons_server::SignOns for SignOns {
    async fn begin_sign_on(
        &self,
        request: Request<pb::BeginSignOnRequest>,
    ) -> Result<Response<pb::BeginSignOnResponse>, Status> {
        Ok(Response::new(self.begin(request.into_inner()).await?))
    }

    async fn finish_sign_on(
        &self,
        request: Request<pb::FinishSignOnRequest>,
    ) -> Result<Response<pb::OpenSignInResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.finish(caller, request.into_inner()).await?))
    }

    async fn list_sign_on_links(
        &self,
        request: Request<pb::ListSignOnLinksRequest>,
    ) -> Result<Response<pb::ListSignOnLinksResponse>, Status> {
        let caller = Caller::of(&request)?;
        let parent = request.into_inner().parent;
        let mut tx = self.ledger.pool().begin().await.map_err(Refusal::from)?;
        crate::store::lock_with_admins(&mut tx, &parent, &Within::of(&caller), "").await?;
        let links = store::links(&mut tx, &parent).await?.into_iter().map(pb::SignOnLink::from).collect();
        Ok(Response::new(pb::ListSignOnLinksResponse { links }))
    }

    async fn create_sign_on_link(
        &self,
        request: Request<pb::CreateSignOnLinkRequest>,
    ) -> Result<Response<pb::SignOnLink>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.create(caller, request.into_inner()).await?))
    }

    async fn delete_sign_on_link(&self, request: Request<pb::DeleteSignOnLinkRequest>) -> Result<Response<()>, Status> {
        let caller = Caller::of(&request)?;
        self.delete(caller, request.into_inner()).await?;
        Ok(Response::new(()))
    }
}
