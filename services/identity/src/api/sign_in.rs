//! Signing in and out, tokens, passwords (art. 27). Failures are counted in the database, so that no restart and no second
//! process gives more guesses. A name that nobody has costs the same work as a known one, to the entry in the audit, so that the
//! time of an answer does not tell who has an account.

use kit::{
    auth::{Caller, Claims},
    error::{Reason, Refusal, Result},
};
use proto::qingtian::{access::v1::Role, identity::v1 as pb};
use uuid::Uuid;

use super::Api;
use crate::{
    passwords,
    rules::{self, ClientState, Verdict},
    store::{self, Person},
};

/// Longest password that is hashed; longer ones are never right.
const PASSWORD_BYTES_MAX: usize = 1_024;

/// Under which key failures of a sign-in name are counted, known or not.
pub(crate) fn attempt_key(username: &str) -> Vec<u8> {
    passwords::digest(&format!("user {}", username.trim().to_lowercase()))
}

impl Api {
    pub(super) async fn open(&self, caller: Caller, request: pb::OpenSignInRequest) -> Result<pb::OpenSignInResponse> {
        let pool = self.ledger.pool();
        let known = match rules::parse_username(&request.username) {
            Ok(username) => store::credentials_of(pool, &username).await?,
            Err(_) => None,
        };
        let actor = Caller {
            actor: known.as_ref().map(|known| known.name.clone()).unwrap_or_default(),
            organisation: known.as_ref().map(|known| known.organisation.clone()).unwrap_or_default(),
            address: request.address.clone(),
            ..caller
        };
        let key = attempt_key(&request.username);
        let stored = known.as_ref().map(|known| known.password_hash.as_str());
        let verdict = self.check(&key, &request.password, stored).await?;
        self.audited(&actor, verdict.admitted()).await?;
        let answer = self.open_admitted(&actor, &request.address).await;
        self.audited(&actor, answer).await
    }

    /// Opens a sign-in for somebody who has shown who that is.
    pub(crate) async fn open_admitted(&self, actor: &Caller, address: &str) -> Result<pb::OpenSignInResponse> {
        let sign_in = passwords::random_text().map_err(Refusal::internal)?;
        let id = Uuid::now_v7().simple().to_string();
        let mut tx = self.ledger.begin(actor, "", &()).await?;
        let person = store::hold_person(&mut tx, &actor.actor).await?;
        let person = person.ok_or_else(|| Refusal::new(Reason::WrongPassword))?;
        person.state().admitted()?;
        let now = tx.now();
        store::insert_sign_in(&mut tx, &passwords::digest(&sign_in), &id, &person.name, address, now).await?;
        let organisation = store::organisation(&mut tx, &person.organisation).await?;
        let organisation = organisation.ok_or_else(|| Refusal::not_found(&person.organisation))?;
        let token = self.mint(claims(&person, &organisation.district, &id))?;
        let user = person.to_user(None);
        tx.changed(&user.name, None, Some(&user));
        tx.commit(&()).await?;
        tracing::info!(user.name = %user.name, "opened sign-in");
        Ok(pb::OpenSignInResponse {
            sign_in,
            token: Some(token),
            user: Some(user),
            organisation: Some(organisation.into()),
        })
    }

    /// A new token of an open sign-in. Not an act of the user, so without an entry in the audit.
    pub(super) async fn refresh(&self, sign_in: &str) -> Result<pb::AccessToken> {
        let over = || Refusal::new(Reason::NotSignedIn);
        let digest = passwords::digest(sign_in);
        let now = self.clock.now();
        let mut tx = self.ledger.pool().begin().await?;
        let found = store::lock_sign_in(&mut tx, &digest).await?.ok_or_else(over)?;
        let person = store::hold_person(&mut tx, &found.person).await?.ok_or_else(over)?;
        person.state().admitted()?;
        if found.is_over(now) {
            return Err(over());
        }
        store::touch_sign_in(&mut tx, &digest, now).await?;
        let organisation = store::organisation(&mut tx, &person.organisation).await?;
        let district = organisation.map(|organisation| organisation.district).unwrap_or_default();
        // Signed while the person's row is held: a freeze that follows voids this token too.
        let token = self.mint(claims(&person, &district, &found.id))?;
        tx.commit().await?;
        Ok(token)
    }

    /// Ends a sign-in. One that is unknown or over stays so: signing out never fails.
    pub(super) async fn close(&self, caller: Caller, sign_in: &str) -> Result<()> {
        let digest = passwords::digest(sign_in);
        let mut look = self.ledger.pool().acquire().await?;
        let Some(found) = store::lock_sign_in(&mut look, &digest).await? else { return Ok(()) };
        drop(look);
        let actor = Caller { actor: found.person.clone(), ..caller };
        let mut tx = self.ledger.begin(&actor, "", &()).await?;
        let now = tx.now();
        store::end_sign_in(&mut tx, &digest, now).await?;
        tx.changed::<()>(&found.person, None, None);
        tx.commit(&()).await
    }

    /// A token for a machine client, for any of its secrets that work.
    pub(super) async fn issue(&self, caller: Caller, request: pb::IssueTokenRequest) -> Result<pb::AccessToken> {
        let pool = self.ledger.pool();
        let client = store::client(pool, &request.client).await?;
        let actor = Caller {
            actor: client.as_ref().map(|client| client.name.clone()).unwrap_or_default(),
            organisation: client.as_ref().map(|client| client.organisation.clone()).unwrap_or_default(),
            ..caller
        };
        let now = self.clock.now();
        let key = passwords::digest(&format!("client {}", request.client));
        let verdict = match store::attempts(pool, &key).await?.locked(now) {
            Some(until) => Verdict::Locked(until),
            None => {
                let right = client.is_some_and(|client| client.secrets().fitting(&request.secret, now).is_some());
                store::judge(pool, &key, right, now).await?
            }
        };
        self.audited(&actor, verdict.admitted()).await?;
        let answer = self.issue_admitted(&actor, &request.secret).await;
        self.audited(&actor, answer).await
    }

    /// The token itself, signed while the client's row is locked: a freeze or an end of the secret that follows voids it too.
    async fn issue_admitted(&self, actor: &Caller, secret: &str) -> Result<pb::AccessToken> {
        let mut tx = self.ledger.begin(actor, "", &()).await?;
        let client = store::lock_client(&mut tx, &actor.actor, None).await?;
        client.state().usable(&client.name)?;
        let (secrets, now) = (client.secrets(), tx.now());
        let which = secrets.fitting(secret, now).ok_or_else(|| Refusal::new(Reason::WrongPassword))?;
        if secrets.is_worth_noting(which, now) {
            store::touch_client(&mut tx, &client.name, which, &actor.address, now).await?;
        }
        let token = self.mint(Claims {
            sub: client.name.clone(),
            org: client.organisation.clone(),
            district: client.district.clone(),
            roles: vec![Role::Integrator as i32],
            ..Claims::default()
        })?;
        tx.changed::<()>(&client.name, None, None);
        tx.commit(&()).await?;
        Ok(token)
    }

    /// The caller: a person, or a machine client shown in the same form.
    pub(super) async fn me(&self, caller: &Caller) -> Result<pb::User> {
        let pool = self.ledger.pool();
        if !caller.actor.starts_with("machineClients/") {
            return store::user(pool, &caller.actor, &store::Within::default(), self.clock.now()).await;
        }
        let client = store::client(pool, &caller.actor).await?.ok_or_else(|| Refusal::not_found(&caller.actor))?;
        let state = match client.state() {
            ClientState::Active => pb::UserState::Active,
            ClientState::Frozen | ClientState::Retired => pb::UserState::Frozen,
        };
        Ok(pb::User {
            name: client.name,
            real_name: client.title,
            organisation: client.organisation,
            roles: vec![Role::Integrator as i32],
            state: state as i32,
            create_time: Some(kit::ledger::timestamp(client.created_at)),
            ..pb::User::default()
        })
    }

    /// Changes the caller's password: the sign-in it is changed from stays open, the others end.
    pub(super) async fn replace_password(&self, caller: Caller, request: pb::ChangePasswordRequest) -> Result<()> {
        let pool = self.ledger.pool();
        let known = store::own_credentials(pool, &caller.actor).await?;
        let known = known.ok_or_else(|| Refusal::not_found(&caller.actor))?;
        // Counted like sign-ins: whoever took over a session may not guess the password there.
        let verdict = self.check(&known.attempt_key, &request.old_password, Some(&known.password_hash)).await?;
        verdict.admitted()?;
        rules::check_password(&request.new_password, &known.username)?;
        if request.new_password == request.old_password {
            let problem = "与原密码相同 / it is the old one";
            return Err(Refusal::new(Reason::WeakPassword).with("problem", problem));
        }
        let new_hash = self.passwords.hash(&request.new_password).await?;
        let mut tx = self.ledger.begin(&caller, "", &()).await?;
        let person = store::replace_password(&mut tx, &known.name, &known.password_hash, &new_hash).await?;
        let person = person.ok_or_else(|| Refusal::new(Reason::WrongPassword))?;
        let now = tx.now();
        store::end_sign_ins(&mut tx, &person.name, &caller.sign_in, now).await?;
        self.revoke(&mut tx, &person.name, person.revision)?;
        tx.changed(&person.name, None, Some(&person.to_user(None)));
        tx.commit(&()).await?;
        tracing::info!(user.name = %person.name, "changed password");
        Ok(())
    }

    /// Checks a password under a name, known or not, with the same work.
    async fn check(&self, key: &[u8], password: &str, stored: Option<&str>) -> Result<Verdict> {
        let (pool, now) = (self.ledger.pool(), self.clock.now());
        // A locked name is told so without hashing: a storm of guesses costs no computation.
        if let Some(until) = store::attempts(pool, key).await?.locked(now) {
            return Ok(Verdict::Locked(until));
        }
        let right = password.len() <= PASSWORD_BYTES_MAX && self.passwords.fits(password, stored).await?;
        store::judge(pool, key, right, now).await
    }

    /// Writes a refusal to the audit, under the name of nobody when the one that was typed is unknown: it is not repeated
    /// there, because people type passwords into the wrong field. The guard writes none: to it the gateway called, or nobody.
    pub(crate) async fn audited<T>(&self, actor: &Caller, result: Result<T>) -> Result<T> {
        if let Err(refusal) = &result {
            self.ledger.record_refusal(actor, &refusal.meaning().name).await?;
        }
        result
    }
}

/// What a token says of a person. Issuer and times are filled in when it is signed.
fn claims(person: &Person, district: &str, sign_in: &str) -> Claims {
    Claims {
        sub: person.name.clone(),
        org: person.organisation.clone(),
        district: district.to_owned(),
        roles: person.roles.clone(),
        cert: person.certificate.clone().unwrap_or_default(),
        sid: sign_in.to_owned(),
        ..Claims::default()
    }
}
