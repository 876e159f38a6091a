//! Registering and freezing people (art. 13, 27).

use kit::{
    auth::Caller,
    error::{Reason, Refusal, Result},
    ledger::Tx,
};
use proto::qingtian::{access::v1::Role, identity::v1 as pb};
use uuid::Uuid;

use super::{Api, announce_officer, attempt_key};
use crate::{
    passwords,
    rules::{self, PersonEvent},
    store::{self, Person},
};

impl Api {
    /// Registers a user. The first answer alone shows the first password: a repetition finds the user without it, so that
    /// no password is ever stored.
    pub(super) async fn register(
        &self,
        caller: Caller,
        request: pb::CreateUserRequest,
    ) -> Result<pb::CreateUserResponse> {
        let given = request.user.clone().unwrap_or_default();
        let organisation = own_or(&caller, &given.organisation)?;
        let roles = rules::parse_roles(&given.roles)?;
        rules::check_grant(&caller.roles, &roles)?;
        let username = rules::parse_username(&given.username)?;
        let real_name = rules::parse_real_name(&given.real_name)?;
        let certificate = rules::parse_certificate(given.certificate.as_ref(), &roles)?;
        let (password, shown) = if request.password.is_empty() {
            let password = passwords::random_password().map_err(Refusal::internal)?;
            (password.clone(), password)
        } else {
            rules::check_password(&request.password, &username)?;
            (request.password.clone(), String::new())
        };
        let password_hash = self.passwords.hash(&password).await?;
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let new = store::NewPerson {
            name: &format!("users/{}", Uuid::now_v7().simple()),
            username: &username,
            real_name: &real_name,
            organisation: &organisation,
            roles: &roles,
            certificate: certificate.as_ref(),
            password_hash: &password_hash,
            attempt_key: &attempt_key(&username),
            created_by: &caller.actor,
        };
        let now = tx.now();
        let person = store::insert_person(&mut tx, new, now).await?;
        if person.certificate.is_some() {
            store::keep_certificate(&mut tx, &person, "", now).await?;
        }
        let user = person.to_user(None);
        announce_officer(&mut tx, &person)?;
        tx.changed(&user.name, None, Some(&user));
        tx.commit(&pb::CreateUserResponse { user: Some(user.clone()), password: String::new() }).await?;
        tracing::info!(user.name = %user.name, "registered user");
        Ok(pb::CreateUserResponse { user: Some(user), password: shown })
    }

    /// Freezes a user: sign-ins end here, tokens everywhere.
    pub(super) async fn freeze(&self, caller: Caller, request: pb::FreezeUserRequest) -> Result<pb::User> {
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let (person, admins) = lock(&mut tx, &caller, &request.name, &request.etag).await?;
        let reason = rules::parse_text("reason", &request.reason)?;
        let state = person.state().next(PersonEvent::Freeze, &person.name)?;
        check_not_last(&person, &admins)?;
        let saved = store::save_state(&mut tx, &person.name, state, &reason, &caller.actor).await?;
        let now = tx.now();
        store::end_sign_ins(&mut tx, &person.name, "", now).await?;
        announce_officer(&mut tx, &saved)?;
        self.revoke(&mut tx, &saved.name, saved.revision)?;
        let user = saved.to_user(None);
        tx.changed(&user.name, Some(&person.to_user(None)), Some(&user));
        tx.commit(&user).await?;
        tracing::info!(user.name = %user.name, "froze user");
        Ok(user)
    }

    /// Lets a frozen user sign in again.
    pub(super) async fn unfreeze(&self, caller: Caller, request: pb::UnfreezeUserRequest) -> Result<pb::User> {
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let (person, _) = lock(&mut tx, &caller, &request.name, &request.etag).await?;
        let state = person.state().next(PersonEvent::Unfreeze, &person.name)?;
        let saved = store::save_state(&mut tx, &person.name, state, "", &caller.actor).await?;
        announce_officer(&mut tx, &saved)?;
        let user = saved.to_user(None);
        tx.changed(&user.name, Some(&person.to_user(None)), Some(&user));
        tx.commit(&user).await?;
        tracing::info!(user.name = %user.name, "unfroze user");
        Ok(user)
    }

    /// Sets what a certificate says, and announces it to those who draw (art. 13).
    pub(super) async fn certify(&self, caller: Caller, request: pb::SetCertificateRequest) -> Result<pb::User> {
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let (person, _) = lock(&mut tx, &caller, &request.name, &request.etag).await?;
        let reason = rules::parse_text("reason", &request.reason)?;
        let certificate = rules::parse_certificate(request.certificate.as_ref(), &person.roles())?;
        rules::check_number_stays(person.certificate.as_deref(), certificate.as_ref())?;
        let saved = store::save_certificate(&mut tx, &person.name, certificate.as_ref(), &caller.actor).await?;
        let now = tx.now();
        store::keep_certificate(&mut tx, &saved, &reason, now).await?;
        announce_officer(&mut tx, &saved)?;
        let user = saved.to_user(None);
        tx.changed(&user.name, Some(&person.to_user(None)), Some(&user));
        tx.commit(&user).await?;
        tracing::info!(user.name = %user.name, "set certificate");
        Ok(user)
    }
}

/// The organisation named, within the caller's reach; the caller's own when none is.
pub(super) fn own_or(caller: &Caller, named: &str) -> Result<String> {
    let organisation = if named.is_empty() { caller.organisation.as_str() } else { named };
    caller.reaches(organisation)?;
    Ok(organisation.to_owned())
}

/// Locks a user whom the caller may manage, as the caller read it.
async fn lock(tx: &mut Tx, caller: &Caller, name: &str, etag: &str) -> Result<(Person, Vec<Person>)> {
    let (person, admins) = store::lock_with_admins(tx, name, caller.reach().organisation()).await?;
    if etag.is_empty() {
        return Err(Refusal::invalid("etag", "请先读取用户 / read the user first"));
    }
    // Taking rights away or giving them back is granting: nobody decides over wider rights than their own.
    rules::check_grant(&caller.roles, &person.roles())?;
    if etag != person.revision.to_string() {
        let who = store::called(tx, &person.changed_by).await?;
        return Err(Refusal::stale(name, who, &person.change));
    }
    Ok((person, admins))
}

/// Checks that somebody else remains who can do what only administrators can (art. 27). `others` are active.
fn check_not_last(person: &Person, others: &[Person]) -> Result<()> {
    let last = |role: Role, within: &dyn Fn(&Person) -> bool| {
        person.roles().contains(&role) && !others.iter().any(|other| other.roles().contains(&role) && within(other))
    };
    let department = |other: &Person| other.organisation == person.organisation;
    if last(Role::DepartmentAdmin, &department) || last(Role::PlatformOperator, &|_| true) {
        return Err(Refusal::new(Reason::LastAdmin));
    }
    Ok(())
}
