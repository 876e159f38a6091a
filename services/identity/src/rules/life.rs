//! The life of an account (art. 27): verified, used, frozen, closed; and what is handed over on the way.

use kit::error::{Reason, Refusal, Result};
use proto::qingtian::{access::v1::Role, identity::v1 as pb};

/// State of a person's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonState {
    Pending,
    Active,
    Frozen,
    Closed,
}

/// What may happen to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonEvent {
    Verify,
    Freeze,
    Unfreeze,
    Close,
}

impl PersonEvent {
    fn said(self) -> &'static str {
        match self {
            Self::Verify => "实名核验 verify",
            Self::Freeze => "freeze",
            Self::Unfreeze => "unfreeze",
            Self::Close => "注销 close",
        }
    }

    /// What the account's history keeps of it.
    pub fn act(self) -> Act {
        match self {
            Self::Verify => Act::Verified,
            Self::Freeze => Act::Frozen,
            Self::Unfreeze => Act::Unfrozen,
            Self::Close => Act::Closed,
        }
    }
}

impl PersonState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Active, Self::Frozen, Self::Closed];

    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING_VERIFICATION",
            Self::Active => "ACTIVE",
            Self::Frozen => "FROZEN",
            Self::Closed => "CLOSED",
        }
    }

    /// As read from the database, whose constraint knows these alone.
    pub fn stored(text: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.as_str() == text).unwrap_or(Self::Closed)
    }

    /// As the contract shows it.
    pub fn shown(self) -> pb::UserState {
        match self {
            Self::Pending => pb::UserState::PendingVerification,
            Self::Active => pb::UserState::Active,
            Self::Frozen => pb::UserState::Frozen,
            Self::Closed => pb::UserState::Closed,
        }
    }

    /// The one asked for; none for any.
    ///
    /// # Errors
    /// `INVALID`.
    pub fn asked(number: i32) -> Result<Option<Self>> {
        match pb::UserState::try_from(number) {
            Ok(pb::UserState::Unspecified) => Ok(None),
            Ok(pb::UserState::PendingVerification) => Ok(Some(Self::Pending)),
            Ok(pb::UserState::Active) => Ok(Some(Self::Active)),
            Ok(pb::UserState::Frozen) => Ok(Some(Self::Frozen)),
            Ok(pb::UserState::Closed) => Ok(Some(Self::Closed)),
            Err(_) => Err(Refusal::invalid("state", "没有该状态 / no such state")),
        }
    }

    /// The state after an event.
    ///
    /// # Errors
    /// `WRONG_STATE` when the event does not fit.
    pub fn next(self, event: PersonEvent, name: &str) -> Result<Self> {
        match (self, event) {
            (Self::Pending, PersonEvent::Verify) | (Self::Frozen, PersonEvent::Unfreeze) => Ok(Self::Active),
            (Self::Active, PersonEvent::Freeze) => Ok(Self::Frozen),
            (Self::Pending | Self::Active | Self::Frozen, PersonEvent::Close) => Ok(Self::Closed),
            (Self::Active | Self::Frozen | Self::Closed, PersonEvent::Verify)
            | (Self::Pending | Self::Frozen | Self::Closed, PersonEvent::Freeze)
            | (Self::Pending | Self::Active | Self::Closed, PersonEvent::Unfreeze)
            | (Self::Closed, PersonEvent::Close) => Err(Refusal::wrong_state(name, self.as_str(), event.said())),
        }
    }

    /// Checks that whoever has the account may come in.
    ///
    /// # Errors
    /// `USER_UNVERIFIED`, `USER_FROZEN`, `USER_CLOSED` (art. 27).
    pub fn admitted(self) -> Result<()> {
        match self {
            Self::Active => Ok(()),
            Self::Pending => Err(Refusal::new(Reason::UserUnverified)),
            Self::Frozen => Err(Refusal::new(Reason::UserFrozen)),
            Self::Closed => Err(Refusal::new(Reason::UserClosed)),
        }
    }

    /// Checks that something may still be done to the account.
    ///
    /// # Errors
    /// `WRONG_STATE` of a closed one.
    pub fn open(self, name: &str, act: &str) -> Result<()> {
        match self {
            Self::Pending | Self::Active | Self::Frozen => Ok(()),
            Self::Closed => Err(Refusal::wrong_state(name, self.as_str(), act)),
        }
    }
}

/// What an account's history keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Registered,
    Verified,
    RolesSet,
    Frozen,
    Unfrozen,
    CertificateSet,
    HandedOver,
    Closed,
}

impl Act {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Registered,
        Self::Verified,
        Self::RolesSet,
        Self::Frozen,
        Self::Unfrozen,
        Self::CertificateSet,
        Self::HandedOver,
        Self::Closed,
    ];

    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "REGISTERED",
            Self::Verified => "VERIFIED",
            Self::RolesSet => "ROLES_SET",
            Self::Frozen => "FROZEN",
            Self::Unfrozen => "UNFROZEN",
            Self::CertificateSet => "CERTIFICATE_SET",
            Self::HandedOver => "HANDED_OVER",
            Self::Closed => "CLOSED",
        }
    }

    /// As the contract shows what is stored; the database's constraint knows these alone.
    pub fn shown(text: &str) -> pb::UserActKind {
        match Self::ALL.into_iter().find(|act| act.as_str() == text) {
            None => pb::UserActKind::Unspecified,
            Some(Self::Registered) => pb::UserActKind::Registered,
            Some(Self::Verified) => pb::UserActKind::Verified,
            Some(Self::RolesSet) => pb::UserActKind::RolesSet,
            Some(Self::Frozen) => pb::UserActKind::Frozen,
            Some(Self::Unfrozen) => pb::UserActKind::Unfrozen,
            Some(Self::CertificateSet) => pb::UserActKind::CertificateSet,
            Some(Self::HandedOver) => pb::UserActKind::HandedOver,
            Some(Self::Closed) => pb::UserActKind::Closed,
        }
    }
}

/// Roles whose holders answer for something that runs: items, plans, visits, deadlines.
const WITH_DUTIES: [Role; 9] = [
    Role::PlatformOperator,
    Role::SupervisionOffice,
    Role::Coordinator,
    Role::Handler,
    Role::Reviewer,
    Role::Officer,
    Role::LegalReviewer,
    Role::Head,
    Role::Editor,
];

/// Whether there may be duties to hand over.
pub fn may_have_duties(roles: &[Role]) -> bool {
    roles.iter().any(|role| WITH_DUTIES.contains(role))
}

/// A colleague who takes over, as stored.
#[derive(Debug, Clone, Copy)]
pub struct Colleague<'a> {
    pub name: &'a str,
    pub organisation: &'a str,
    pub state: PersonState,
    pub roles: &'a [Role],
}

/// Checks that a colleague may take over from somebody.
///
/// # Errors
/// `SUCCESSOR_UNFIT`, saying why (art. 27).
pub fn check_successor(leaver: Colleague<'_>, successor: Option<Colleague<'_>>, named: &str) -> Result<()> {
    let unfit =
        |problem: &str| Err(Refusal::new(Reason::SuccessorUnfit).with("successor", named).with("problem", problem));
    let Some(successor) = successor.filter(|one| one.organisation == leaver.organisation) else {
        return unfit("不是本单位的人员，请选择本单位同事 / not of the same organisation");
    };
    if successor.name == leaver.name {
        return unfit("不能交接给本人 / the same person");
    }
    match successor.state {
        PersonState::Active => {}
        PersonState::Pending | PersonState::Frozen | PersonState::Closed => {
            return unfit("账号未在用，请选择在岗人员 / the account is not active");
        }
    }
    if may_have_duties(leaver.roles) && !may_have_duties(successor.roles) {
        return unfit("没有承担职责的岗位，请先授予岗位 / holds no role with duties; grant one first");
    }
    Ok(())
}
