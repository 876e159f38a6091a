//! The first operator of a new platform (art. 5), made by an audited command because nobody is there yet who could. It works
//! once: afterwards operators make operators.

use anyhow::{Context, ensure};
use kit::ledger::Ledger;
use proto::qingtian::{access::v1::Role, identity::v1 as pb};
use uuid::Uuid;

use crate::{api, passwords, rules, store};

/// Who shall run the platform.
#[derive(Debug, Clone)]
pub struct Bootstrap<'a> {
    /// Last part of the organisation's name, such as `bigdata`.
    pub organisation_id: &'a str,
    /// The organisation, added unless it is there.
    pub organisation: pb::Organisation,
    /// Sign-in name of the operator.
    pub username: &'a str,
    /// Real name of the operator.
    pub real_name: &'a str,
    /// First password.
    pub password: &'a str,
}

/// Adds the first platform operator directly in the database, with an audited entry.
///
/// # Errors
/// The platform has an operator; a value is not valid; the database is out of reach. Nothing is done then.
pub async fn bootstrap(ledger: &Ledger, first: Bootstrap<'_>) -> anyhow::Result<pb::User> {
    let organisation = rules::parse_organisation(first.organisation_id, &first.organisation)?;
    let username = rules::parse_username(first.username)?;
    let real_name = rules::parse_real_name(first.real_name)?;
    rules::check_password(first.password, &username)?;
    let password = first.password.to_owned();
    let hashed = tokio::task::spawn_blocking(move || passwords::hash_now(&password));
    let password_hash = hashed.await.context("hashing the password")??;

    let mut tx = ledger.begin_job("Bootstrap").await?;
    ensure!(!store::has_operator(&mut tx).await?, "the platform has an operator already; operators make operators");
    let now = tx.now();
    if store::organisation(&mut tx, &organisation.name).await?.is_none() {
        store::insert_organisation(&mut tx, &organisation, now).await?;
        api::announce_organisation(&mut tx, &organisation)?;
    }
    let new = store::NewPerson {
        name: &format!("users/{}", Uuid::now_v7().simple()),
        username: &username,
        real_name: &real_name,
        organisation: &organisation.name,
        roles: &[Role::PlatformOperator],
        certificate: None,
        password_hash: &password_hash,
        attempt_key: &api::attempt_key(&username),
        created_by: "services/identity",
        verification: "首位平台管理员，由安装人员登记",
    };
    let person = store::insert_person(&mut tx, new, now).await?;
    let act = (rules::Act::Registered, person.verification.as_str(), None);
    store::keep_act(&mut tx, &person, act, "services/identity", now).await?;
    let user = person.to_user(None);
    tx.changed(&user.name, None, Some(&user));
    tx.commit(&()).await?;
    tracing::info!(user.name = %user.name, "made the first operator");
    Ok(user)
}
