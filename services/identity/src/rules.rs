//! What identity decides, without I/O and without a clock: who may grant what (art. 27), who needs a certificate (art. 13),
//! when a name is locked, when a sign-in is over, what a password must be.

use chrono::{DateTime, Duration, FixedOffset, NaiveDate, Utc};
use kit::{
    codes::DistrictCode,
    error::{Reason, Refusal, Result},
};
use proto::qingtian::{access::v1::Role, identity::v1 as pb};

/// Failures that lock a name.
pub const FAILURES_MAX: i32 = 5;
/// How long a lock lasts.
pub const LOCK: Duration = Duration::minutes(15);
/// A sign-in ends this long after it was opened, whatever happens.
pub const SIGN_IN_LIFE: Duration = Duration::hours(12);
/// A sign-in ends when no token was asked for this long.
pub const SIGN_IN_IDLE: Duration = Duration::hours(2);

const PASSWORD_CHARS_MIN: usize = 12;
const PASSWORD_CHARS_MAX: usize = 128;
const PASSWORD_KINDS_MIN: usize = 3;
/// User names from this length on may not stand in the password.
const USERNAME_CHARS_TELLING: usize = 4;
const TITLE_CHARS_MAX: usize = 200;
const LIST_MAX: usize = 100;
const TEXT_CHARS_MAX: usize = 500;

/// Failed attempts under one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attempts {
    /// Failures in a row.
    pub failures: i32,
    /// Locked until, if ever.
    pub locked_until: Option<DateTime<Utc>>,
}

/// What becomes of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Admitted,
    Wrong,
    Locked(DateTime<Utc>),
}

impl Attempts {
    /// Until when the name is locked, if it is.
    pub fn locked(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.locked_until.filter(|until| *until > now)
    }

    /// Judges the next attempt. A right password does not open a locked name: many guesses at once are judged one after
    /// the other, so no more than [`FAILURES_MAX`] of them count.
    pub fn judge(self, right: bool, now: DateTime<Utc>) -> (Self, Verdict) {
        if let Some(until) = self.locked(now) {
            return (self, Verdict::Locked(until));
        }
        if right {
            return (Self::default(), Verdict::Admitted);
        }
        // A lock that is over has been paid for; counting begins anew.
        let failures = if self.locked_until.is_some() { 1 } else { self.failures + 1 };
        let locked_until = (failures >= FAILURES_MAX).then(|| now + LOCK);
        (Self { failures, locked_until }, Verdict::Wrong)
    }
}

impl Verdict {
    /// Nothing when admitted.
    ///
    /// # Errors
    /// `WRONG_PASSWORD` or `LOCKED_OUT`, told until when.
    pub fn admitted(self) -> Result<()> {
        match self {
            Self::Admitted => Ok(()),
            Self::Wrong => Err(Refusal::new(Reason::WrongPassword)),
            Self::Locked(until) => Err(Refusal::new(Reason::LockedOut).with("until", local_time(until))),
        }
    }
}

/// An instant as people in Kaifeng read it.
fn local_time(instant: DateTime<Utc>) -> String {
    match FixedOffset::east_opt(8 * 3_600) {
        Some(shanghai) => instant.with_timezone(&shanghai).format("%Y-%m-%d %H:%M:%S +08:00").to_string(),
        None => instant.to_rfc3339(),
    }
}

/// Whether a sign-in is over by its age or by disuse.
pub fn sign_in_over(opened_at: DateTime<Utc>, used_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - opened_at >= SIGN_IN_LIFE || now - used_at >= SIGN_IN_IDLE
}

/// Checks a password against the policy: at least twelve characters of at least three kinds, without the user's name.
///
/// # Errors
/// `WEAK_PASSWORD`, saying what is missing.
pub fn check_password(password: &str, username: &str) -> Result<()> {
    let weak = |problem: &str| Err(Refusal::new(Reason::WeakPassword).with("problem", problem));
    let length = password.chars().count();
    if length < PASSWORD_CHARS_MIN {
        return weak("至少12个字符 / at least 12 characters");
    }
    if length > PASSWORD_CHARS_MAX {
        return weak("至多128个字符 / at most 128 characters");
    }
    let kinds: [fn(char) -> bool; 4] = [
        |c| c.is_lowercase(),
        |c| c.is_uppercase(),
        char::is_numeric,
        |c| !c.is_lowercase() && !c.is_uppercase() && !c.is_numeric(),
    ];
    if kinds.iter().filter(|kind| password.chars().any(kind)).count() < PASSWORD_KINDS_MIN {
        return weak(
            "须含大写、小写、数字、其他字符中的至少三类 / at least three of: capitals, small letters, digits, others",
        );
    }
    // Two letters stand in many a good password by chance.
    if username.chars().count() >= USERNAME_CHARS_TELLING && password.to_lowercase().contains(&username.to_lowercase())
    {
        return weak("不得包含用户名 / it must not contain the user name");
    }
    Ok(())
}

/// A sign-in name in the form it is stored and compared: small letters, 2 to 64 of letters, digits and `._@-`.
///
/// # Errors
/// `INVALID`.
pub fn parse_username(text: &str) -> Result<String> {
    let name = text.trim().to_lowercase();
    let fits = (2..=64).contains(&name.chars().count())
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '@' | '-'));
    if fits {
        Ok(name)
    } else {
        Err(Refusal::invalid("user.username", "2至64个字母、数字或 . _ @ - / 2 to 64 letters, digits or . _ @ -"))
    }
}

/// Words that name an office or a post, never a person: who signs on under one of them shares an account.
const OFFICES: [&str; 14] = [
    "办公室",
    "管理员",
    "值班",
    "科室",
    "中心",
    "专用",
    "共用",
    "公用",
    "账号",
    "测试",
    "大队",
    "支队",
    "admin",
    "office",
];

/// A real name: at least two letters, no digits, nothing that names of people do not have.
///
/// # Errors
/// `REAL_NAME_NEEDED`, `SHARED_ACCOUNT` for the name of an office (art. 27).
pub fn parse_real_name(text: &str) -> Result<String> {
    let name = text.trim();
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    let fits = letters >= 2
        && name.chars().count() <= 100
        && name.chars().all(|c| c.is_alphabetic() || matches!(c, '·' | '•' | ' ' | '.' | '-' | '\''));
    if !fits {
        return Err(Refusal::new(Reason::RealNameNeeded));
    }
    let small = name.to_lowercase();
    if OFFICES.iter().any(|office| small.contains(office)) {
        return Err(Refusal::new(Reason::SharedAccount).with("name", name));
    }
    Ok(name.to_owned())
}

/// A certificate as parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub number: String,
    pub expires: NaiveDate,
    pub districts: Vec<String>,
    pub specialties: Vec<String>,
}

/// The certificate of a user with these roles: an officer must have one (art. 13), others may.
///
/// # Errors
/// `CERTIFICATE_NEEDED` when number or expiry is missing, `INVALID` when one is malformed.
pub fn parse_certificate(given: Option<&pb::Certificate>, roles: &[Role]) -> Result<Option<Certificate>> {
    let given = given.filter(|given| **given != pb::Certificate::default());
    let Some(given) = given else {
        return if roles.contains(&Role::Officer) { Err(Refusal::new(Reason::CertificateNeeded)) } else { Ok(None) };
    };
    if given.number.trim().is_empty() || given.expire_date.is_empty() {
        return Err(Refusal::new(Reason::CertificateNeeded));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '.' | '_' | '-');
    if given.number.len() > 64 || !given.number.chars().all(plain) {
        return Err(Refusal::invalid(
            "certificate.number",
            "1至64个字母、数字或 : / . _ - / 1 to 64 of 0-9A-Za-z:/._-",
        ));
    }
    let expires = NaiveDate::parse_from_str(&given.expire_date, "%Y-%m-%d")
        .ok()
        .filter(|date| date.to_string() == given.expire_date)
        .ok_or_else(|| Refusal::invalid("certificate.expire_date", "YYYY-MM-DD"))?;
    for district in &given.districts {
        parse_district("certificate.districts", district)?;
    }
    let short =
        |text: &String| !text.trim().is_empty() && text.chars().count() <= 40 && !text.chars().any(char::is_control);
    if !given.specialties.iter().all(short) {
        return Err(Refusal::invalid("certificate.specialties", "1至40个字符 / 1 to 40 characters each"));
    }
    if given.districts.len() > LIST_MAX || given.specialties.len() > LIST_MAX {
        return Err(Refusal::invalid("certificate", "各至多100项 / at most 100 of each"));
    }
    let (districts, specialties) = (given.districts.clone(), given.specialties.clone());
    Ok(Some(Certificate { number: given.number.clone(), expires, districts, specialties }))
}

/// Checks that an officer has a certificate (art. 13).
///
/// # Errors
/// `CERTIFICATE_NEEDED`.
pub fn check_certified(number: Option<&str>, roles: &[Role]) -> Result<()> {
    match number {
        None if roles.contains(&Role::Officer) => Err(Refusal::new(Reason::CertificateNeeded)),
        Some(_) | None => Ok(()),
    }
}

/// Checks that a number once given stays with its user: draws that were made, their visits and recusals know the officer by it,
/// and whoever had another could decide over his own. It may be taken away as a whole, from whoever is no officer.
///
/// # Errors
/// `INVALID` (art. 13, 16).
pub fn check_number_stays(before: Option<&str>, after: Option<&Certificate>) -> Result<()> {
    match (before, after) {
        (Some(before), Some(after)) if before != after.number => Err(Refusal::invalid(
            "certificate.number",
            "执法证号登记后不能更改，已作出的抽签、检查和回避都以该证号记名；证号有变的，请冻结原用户、另行登记，并由本人重新申报利害关系 / \
             a number once given stays, because draws, visits and recusals name the officer by it; whoever has another is \
             registered anew, the old account frozen, and conflicts declared again",
        )),
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

/// A district's code of six digits.
///
/// # Errors
/// `INVALID`.
pub fn parse_district(field: &str, text: &str) -> Result<()> {
    DistrictCode::parse(text).map(drop).map_err(|error| Refusal::invalid(field, error.zh()).because(error))
}

/// A short text that must be given.
///
/// # Errors
/// `INVALID`.
pub fn parse_text(field: &str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::invalid(field, "不能为空 / must be given"));
    }
    if text.chars().count() > TEXT_CHARS_MAX || text.chars().any(char::is_control) {
        return Err(Refusal::invalid(field, "至多500个字符，不含控制字符 / at most 500 characters, no controls"));
    }
    Ok(text.to_owned())
}

/// A new organisation as it will be stored; whether its parent exists the database knows.
///
/// # Errors
/// `INVALID`, naming the field.
pub fn parse_organisation(id: &str, given: &pb::Organisation) -> Result<pb::Organisation> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !(2..=40).contains(&id.len()) || !id.chars().all(plain) {
        return Err(Refusal::invalid("organisation_id", "[a-z0-9-]{2,40}"));
    }
    let title = parse_text("organisation.title", &given.title)?;
    let optional =
        |field: &str, text: &str| if text.trim().is_empty() { Ok(String::new()) } else { parse_text(field, text) };
    let title_en = optional("organisation.title_en", &given.title_en)?;
    let responsible = optional("organisation.responsible", &given.responsible)?;
    if title.chars().count() > TITLE_CHARS_MAX || title_en.chars().count() > TITLE_CHARS_MAX {
        return Err(Refusal::invalid("organisation.title", "至多200个字符 / at most 200 characters"));
    }
    if matches!(given.kind(), pb::OrganisationKind::Unspecified) {
        return Err(Refusal::invalid("organisation.kind", "请选择类别 / choose a kind"));
    }
    parse_district("organisation.district", &given.district)?;
    Ok(pb::Organisation { name: format!("organisations/{id}"), title, title_en, responsible, ..given.clone() })
}

mod life;
mod roles;
pub use life::{Act, Colleague, PersonEvent, PersonState, check_successor, may_have_duties};
pub use roles::{changed, check_freeze, check_grant, check_separate, parse_roles, role_name};

mod clients;
pub use clients::{ClientEvent, ClientState, Secret, Secrets, Which, parse_overlap};

#[cfg(test)]
mod tests;
