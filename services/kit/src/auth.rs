//! Who calls, and whether they may (art. 27): five-minute Ed25519 tokens that every part verifies itself, and one layer that
//! enforces the rule written on each rpc, for the gateway and for direct gRPC clients alike.

mod guard;
mod rules;
mod tokens;

pub use guard::{GATEWAY_HEADER, Guard, GuardLayer};
pub use rules::{MethodRule, rules};
pub use tokens::{Authenticator, Claims, Minter, TOKEN_LIFE, TokenTimes};

use proto::qingtian::access::v1::Role;
use tonic::Request;

use crate::error::{Reason, Refusal, Result};

/// Roles whose holders reach the rows of the whole city.
const CITY_ROLES: [Role; 5] =
    [Role::PlatformOperator, Role::SupervisionOffice, Role::Auditor, Role::LeadingGroupSecretary, Role::JusticeBureau];

/// Who calls.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// `users/{user}`, `machineClients/{client}`, `services/{part}`; empty when anonymous.
    pub actor: String,
    /// `organisations/{organisation}` acted for; empty for services and the anonymous.
    pub organisation: String,
    /// District of the organisation, six digits.
    pub district: String,
    /// Roles held.
    pub roles: Vec<Role>,
    /// Certificate number of an enforcement officer, else empty.
    pub certificate: String,
    /// Which of the user's sign-ins the token was issued to; empty for others.
    pub sign_in: String,
    /// Full method called, such as `/qingtian.draws.v1.Plans/PublishPlan`.
    pub method: String,
    /// Purpose stated for reading personal data, else empty.
    pub purpose: String,
    /// Trace id, 32 hex digits, or empty.
    pub trace: String,
    /// Address the call came from, as the gateway saw it; that of the connection for whoever calls without the gateway.
    pub address: String,
    /// When the token was signed and when it ends; none for the anonymous and for jobs.
    pub token: Option<TokenTimes>,
}

/// Which rows a caller reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// All rows.
    City,
    /// Rows of this organisation, `organisations/{organisation}`.
    Organisation(String),
}

impl Reach {
    /// For SQL: `($1::text is null or organisation = $1)`.
    pub fn organisation(&self) -> Option<&str> {
        match self {
            Self::City => None,
            Self::Organisation(name) => Some(name),
        }
    }

    /// Whether rows of this organisation are reached.
    pub fn covers(&self, organisation: &str) -> bool {
        match self {
            Self::City => true,
            Self::Organisation(name) => name == organisation,
        }
    }
}

impl Caller {
    /// Whoever sent this request, as the guard found out.
    ///
    /// # Errors
    /// `NO_RULE` when the guard was not in front of the service.
    pub fn of<T>(request: &Request<T>) -> Result<Self> {
        request.extensions().get::<Self>().cloned().ok_or_else(|| Refusal::new(Reason::NoRule))
    }

    /// A part acting on its own, in a job or follower.
    pub fn service(part: &str, act: &str) -> Self {
        Self { actor: format!("services/{part}"), method: act.to_owned(), ..Self::default() }
    }

    /// Whether nobody has signed in.
    pub fn is_anonymous(&self) -> bool {
        self.actor.is_empty()
    }

    /// Whether this is a part of the platform.
    pub fn is_service(&self) -> bool {
        self.actor.starts_with("services/")
    }

    /// Whether the caller holds a role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Which rows the caller reaches: the whole city for its city-wide bodies and the platform's parts, else the caller's
    /// own organisation. Rows outside answer `NOT_FOUND`.
    pub fn reach(&self) -> Reach {
        if self.is_service() || CITY_ROLES.iter().any(|role| self.has(*role)) {
            Reach::City
        } else {
            Reach::Organisation(self.organisation.clone())
        }
    }

    /// Checks that a collection such as `organisations/market` is within reach.
    ///
    /// # Errors
    /// `NOT_FOUND` otherwise.
    pub fn reaches(&self, organisation: &str) -> Result<()> {
        if !organisation.is_empty() && self.reach().covers(organisation) {
            Ok(())
        } else {
            Err(Refusal::not_found(organisation))
        }
    }

    /// The rows of the caller's own organisation: what the city's bodies see besides, they do not write.
    pub fn own(&self) -> Reach {
        Reach::Organisation(self.organisation.clone())
    }

    /// Checks that a collection is the caller's own, for acts nobody does in an organisation's place.
    ///
    /// # Errors
    /// `NOT_FOUND` otherwise.
    pub fn owns(&self, organisation: &str) -> Result<()> {
        if !organisation.is_empty() && self.organisation == organisation {
            Ok(())
        } else {
            Err(Refusal::not_found(organisation))
        }
    }
}
