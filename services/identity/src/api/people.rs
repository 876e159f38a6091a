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
    rules::{self, Act, PersonEvent, PersonState},
    store::{self, Person, Within},
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
        let organisation = if given.organisation.is_empty() { &caller.organisation } else { &given.organisation };
        Within::of(&caller).reaches(self.ledger.pool(), organisation).await?;
        let roles = rules::parse_roles(&given.roles)?;
        rules::check_grant(&caller.roles, &roles)?;
        rules::check_separate(&roles)?;
        let username = rules::parse_username(&given.username)?;
        let real_name = rules::parse_real_name(&given.real_name)?;
        let certificate = rules::parse_certificate(given.certificate.as_ref(), &roles)?;
        let verification = match request.verification.trim() {
            "" => String::new(),
            how => rules::parse_text("verification", how)?,
        };
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
            organisation,
            roles: &roles,
            certificate: certificate.as_ref(),
            password_hash: &password_hash,
            attempt_key: &attempt_key(&username),
            created_by: &caller.actor,
            verification: &verification,
        };
        let now = tx.now();
        let person = store::insert_person(&mut tx, new, now).await?;
        if person.certificate.is_some() {
            store::keep_certificate(&mut tx, &person, "", now).await?;
        }
        store::keep_act(&mut tx, &person, (Act::Registered, &verification, None), &caller.actor, now).await?;
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
        let (person, admins) = lock(&mut tx, &caller, (&request.name, &request.etag), "").await?;
        rules::check_freeze(&caller.roles, &person.roles())?;
        let reason = rules::parse_text("reason", &request.reason)?;
        let state = person.state().next(PersonEvent::Freeze, &person.name)?;
        check_not_last(&person, &admins, &[])?;
        let saved = store::save_state(&mut tx, &person.name, state, &reason, &caller.actor).await?;
        let now = tx.now();
        store::end_sign_ins(&mut tx, &person.name, "", now).await?;
        announce_officer(&mut tx, &saved)?;
        self.revoke(&mut tx, &saved.name, saved.revision)?;
        self.kept(tx, (&person, saved), (PersonEvent::Freeze.act(), &reason, None), &caller).await
    }

    /// Lets a frozen user sign in again.
    pub(super) async fn unfreeze(&self, caller: Caller, request: pb::UnfreezeUserRequest) -> Result<pb::User> {
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let (person, _) = lock(&mut tx, &caller, (&request.name, &request.etag), "").await?;
        rules::check_freeze(&caller.roles, &person.roles())?;
        let state = person.state().next(PersonEvent::Unfreeze, &person.name)?;
        let saved = store::save_state(&mut tx, &person.name, state, "", &caller.actor).await?;
        announce_officer(&mut tx, &saved)?;
        self.kept(tx, (&person, saved), (PersonEvent::Unfreeze.act(), "", None), &caller).await
    }

    /// Sets what a certificate says, and announces it to those who draw (art. 13).
    pub(super) async fn certify(&self, caller: Caller, request: pb::SetCertificateRequest) -> Result<pb::User> {
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let (person, _) = lock_to_grant(&mut tx, &caller, (&request.name, &request.etag), "").await?;
        let reason = rules::parse_text("reason", &request.reason)?;
        person.state().open(&person.name, "登记执法证 set certificate")?;
        let certificate = rules::parse_certificate(request.certificate.as_ref(), &person.roles())?;
        rules::check_number_stays(person.certificate.as_deref(), certificate.as_ref())?;
        let saved = store::save_certificate(&mut tx, &person.name, certificate.as_ref(), &caller.actor).await?;
        let now = tx.now();
        store::keep_certificate(&mut tx, &saved, &reason, now).await?;
        announce_officer(&mut tx, &saved)?;
        self.kept(tx, (&person, saved), (Act::CertificateSet, &reason, None), &caller).await
    }
}

/// The organisation named, within the caller's reach; the caller's own when none is.
pub(super) fn own_or(caller: &Caller, named: &str) -> Result<String> {
    let organisation = if named.is_empty() { caller.organisation.as_str() } else { named };
    caller.reaches(organisation)?;
    Ok(organisation.to_owned())
}

/// Locks a user within the caller's reach, as the caller read it, with those on whom it depends whether one more may go and whoever
/// shall take over.
pub(super) async fn lock(
    tx: &mut Tx,
    caller: &Caller,
    (name, etag): (&str, &str),
    successor: &str,
) -> Result<(Person, Vec<Person>)> {
    let (person, others) = store::lock_with_admins(tx, name, &Within::of(caller), successor).await?;
    if etag.is_empty() {
        return Err(Refusal::invalid("etag", "请先读取用户 / read the user first"));
    }
    if etag != person.revision.to_string() {
        let who = store::called(tx, &person.changed_by).await?;
        return Err(Refusal::stale(name, who, &person.change));
    }
    Ok((person, others))
}

/// The same of somebody whose roles the caller may grant: nobody decides over wider rights than their own.
pub(super) async fn lock_to_grant(
    tx: &mut Tx,
    caller: &Caller,
    named: (&str, &str),
    successor: &str,
) -> Result<(Person, Vec<Person>)> {
    let (person, others) = lock(tx, caller, named, successor).await?;
    rules::check_grant(&caller.roles, &person.roles())?;
    Ok((person, others))
}

/// Announces what became of an officer, also of one who is none any more.
pub(super) fn announce_change(tx: &mut Tx, before: &Person, after: &Person) -> Result<()> {
    let officer = |person: &Person| person.roles().contains(&Role::Officer);
    if officer(before) && !officer(after) {
        let gone =
            Person { roles: before.roles.clone(), state: PersonState::Closed.as_str().to_owned(), ..after.clone() };
        return announce_officer(tx, &gone);
    }
    announce_officer(tx, after)
}

/// Checks that somebody else remains who can do what only administrators can, where a person keeps these roles alone (art. 27).
/// `others` are locked.
pub(super) fn check_not_last(person: &Person, others: &[Person], kept: &[Role]) -> Result<()> {
    let last = |role: Role, within: &dyn Fn(&Person) -> bool| {
        person.state() == PersonState::Active
            && person.roles().contains(&role)
            && !kept.contains(&role)
            && !others
                .iter()
                .any(|other| other.state() == PersonState::Active && other.roles().contains(&role) && within(other))
    };
    let department = |other: &Person| other.organisation == person.organisation;
    if last(Role::DepartmentAdmin, &department) || last(Role::PlatformOperator, &|_| true) {
        return Err(Refusal::new(Reason::LastAdmin));
    }
    Ok(())
}
