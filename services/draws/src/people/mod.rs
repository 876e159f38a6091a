//! People of the draws (art. 13, 15, 16): who is on leave, who has an interest in whom, and who has declared that this year.
//!
//! A person is known for good by a `holder`: `users/{user}` of an officer, `experts/{key}` of an expert. Certificates are
//! replaced in time; what was declared stays with whoever declared it. What a draw freezes of all this stands in [`candidates`].

pub mod api;
pub mod candidates;
pub mod conflicts;
pub mod declarations;
pub mod leaves;
pub mod officers;
pub mod secrets;

use kit::{
    auth::Caller,
    env::Env,
    error::{Reason, Refusal, Result},
    ledger::Ledger,
    serve::Part,
};
use proto::qingtian::{access::v1::Role, draws::v1::people_server::PeopleServer};
use sqlx::PgConnection;

/// Adds the service of this noun.
///
/// # Errors
/// The key that seals private words is missing.
pub(crate) fn add(part: Part, env: &Env, ledger: &Ledger) -> anyhow::Result<Part> {
    Ok(part.with(PeopleServer::new(api::Api::new(env, ledger)?)))
}

/// Somebody of a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Certificate number of an officer, or register number of an expert.
    pub key: String,
    /// `users/{user}` or `experts/{key}`.
    pub holder: String,
    /// Whether an expert.
    pub expert: bool,
}

/// The holder an expert's acts belong to.
pub fn expert_holder(key: &str) -> String {
    format!("experts/{key}")
}

/// Whether a holder is an expert.
pub fn is_expert(holder: &str) -> bool {
    holder.starts_with("experts/")
}

impl Person {
    /// Somebody of an organisation's register, locked until the transaction ends, so that two acts about him come one after the
    /// other.
    ///
    /// # Errors
    /// `NOT_FOUND`; `EXPERT_RETIRED` for an expert who has left the register.
    pub async fn lock(conn: &mut PgConnection, organisation: &str, key: &str, expert: bool) -> Result<Self> {
        let missing = || Refusal::not_found(key);
        if expert {
            let sql = "select retired_on is not null from expert where organisation = $1 and key = $2 for update";
            let retired: Option<bool> =
                sqlx::query_scalar(sql).bind(organisation).bind(key).fetch_optional(conn).await?;
            if retired.ok_or_else(missing)? {
                return Err(Refusal::new(Reason::ExpertRetired).with("key", key));
            }
            return Ok(Self { key: key.to_owned(), holder: expert_holder(key), expert });
        }
        let sql = "select user_name from officer where organisation = $1 and key = $2 for update";
        let holder = sqlx::query_scalar(sql).bind(organisation).bind(key).fetch_optional(conn).await?;
        Ok(Self { key: key.to_owned(), holder: holder.ok_or_else(missing)?, expert })
    }
}

/// Refuses whoever is neither the officer himself nor a handler, who writes down what others say.
///
/// # Errors
/// `ROLE_MISSING`.
pub fn check_self_or_handler(caller: &Caller, officer: &str) -> Result<()> {
    if caller.has(Role::Handler) || is_self(caller, officer) {
        return Ok(());
    }
    Err(Refusal::new(Reason::RoleMissing).with("needed", "HANDLER"))
}

/// Whether the caller is the officer with this certificate.
pub fn is_self(caller: &Caller, officer: &str) -> bool {
    !officer.is_empty() && caller.certificate == officer
}

/// Whose acts a caller reads within an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Everybody's of the organisation.
    Office,
    /// His own, by certificate.
    Own(String),
}

impl Sight {
    /// What this caller reads.
    pub fn of(caller: &Caller) -> Self {
        if [Role::Handler, Role::Reviewer, Role::Auditor].iter().any(|role| caller.has(*role)) {
            return Self::Office;
        }
        Self::Own(caller.certificate.clone())
    }

    /// For SQL: null for everybody's, else the certificate.
    pub fn certificate(&self) -> Option<&str> {
        match self {
            Self::Office => None,
            Self::Own(certificate) => Some(certificate),
        }
    }
}
