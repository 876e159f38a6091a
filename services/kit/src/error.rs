//! Refusals: a stable reason, the article it rests on, and a sentence that says what to do next. The meaning of each
//! reason stands once, in `proto/qingtian/refusals`; here it is filled in and turned into a gRPC status.

use std::{collections::BTreeMap, sync::LazyLock};

use prost_reflect::Value;
pub use proto::qingtian::refusals::v1::Reason;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

/// Metadata key under which the reason travels beside the status, for the audit of refusals.
pub const REASON_HEADER: &str = "x-qingtian-reason";
/// Domain of every `ErrorInfo`.
pub const DOMAIN: &str = "qingtian";

/// What a reason means, from the contract.
#[derive(Debug, Clone)]
pub struct Meaning {
    /// Stable name without the enum's prefix, such as `NOT_FOUND`.
    pub name: String,
    /// gRPC status code.
    pub code: Code,
    /// Article of the regulation; empty for technical refusals.
    pub article: String,
    zh: String,
    en: String,
}

static MEANINGS: LazyLock<BTreeMap<i32, Meaning>> = LazyLock::new(meanings);

fn meanings() -> BTreeMap<i32, Meaning> {
    let mut found = BTreeMap::new();
    let Some(reasons) = proto::POOL.get_enum_by_name("qingtian.refusals.v1.Reason") else { return found };
    let Some(extension) = proto::POOL.get_extension_by_name("qingtian.refusals.v1.refusal") else { return found };
    for value in reasons.values() {
        let options = value.options();
        let Some(option) = options.get_extension(&extension).as_message().cloned() else { continue };
        let text = |field: &str| match option.get_field_by_name(field).as_deref() {
            Some(Value::String(text)) => text.clone(),
            _ => String::new(),
        };
        let code = match option.get_field_by_name("code").as_deref() {
            Some(Value::EnumNumber(number)) => Code::from(*number),
            _ => Code::Internal,
        };
        let name = value.name().trim_start_matches("REASON_").to_owned();
        found.insert(value.number(), Meaning { name, code, article: text("article"), zh: text("zh"), en: text("en") });
    }
    found
}

/// A refusal on its way to the caller. Nothing is half-done after one.
#[derive(Debug)]
pub struct Refusal {
    reason: Reason,
    values: BTreeMap<&'static str, String>,
    cause: Option<anyhow::Error>,
    repeat: Option<Vec<u8>>,
}

/// What handlers and stores answer.
pub type Result<T, E = Refusal> = std::result::Result<T, E>;

impl Refusal {
    /// A refusal for this reason.
    pub fn new(reason: Reason) -> Self {
        Self { reason, values: BTreeMap::new(), cause: None, repeat: None }
    }

    /// Fills a placeholder of the message, and the metadata of the same name.
    #[must_use]
    pub fn with(mut self, placeholder: &'static str, value: impl ToString) -> Self {
        self.values.insert(placeholder, value.to_string());
        self
    }

    /// Keeps the cause for the log; the caller never sees it.
    #[must_use]
    pub fn because(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// `NOT_FOUND`: there is no such thing, or it is outside the caller's scope.
    pub fn not_found(name: impl ToString) -> Self {
        Self::new(Reason::NotFound).with("name", name)
    }

    /// `INVALID`: a field of the request does not hold what it must.
    pub fn invalid(field: impl ToString, problem: impl ToString) -> Self {
        Self::new(Reason::Invalid).with("field", field).with("problem", problem)
    }

    /// `WRONG_STATE`: the state does not allow the act.
    pub fn wrong_state(name: impl ToString, state: impl ToString, act: impl ToString) -> Self {
        Self::new(Reason::WrongState).with("name", name).with("state", state).with("act", act)
    }

    /// `STALE`: somebody else changed the thing since the caller read it, who by which act.
    pub fn stale(name: impl ToString, who: impl ToString, what: impl ToString) -> Self {
        Self::new(Reason::Stale).with("name", name).with("who", who).with("what", what)
    }

    /// Compares the version a caller read with that of the locked row, which was changed last by `who` with the act `what`.
    ///
    /// # Errors
    /// `INVALID` when the caller gave none; `STALE`.
    pub fn check_etag(etag: &str, revision: i64, name: &str, (who, what): (&str, &str)) -> Result<()> {
        if etag.is_empty() {
            return Err(Self::invalid("etag", "须提供读取时的版本 / the etag read before"));
        }
        if etag == revision.to_string() { Ok(()) } else { Err(Self::stale(name, who, what)) }
    }

    /// `INTERNAL`: something failed inside.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::new(Reason::Internal).because(cause)
    }

    /// The first answer to a repeated `request_id`, to be sent in place of a refusal. See [`crate::ledger`].
    pub(crate) fn repeat(answer: Vec<u8>) -> Self {
        Self { repeat: Some(answer), ..Self::new(Reason::Unspecified) }
    }

    /// Why.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// What a placeholder was filled with.
    pub fn value(&self, placeholder: &str) -> Option<&str> {
        self.values.get(placeholder).map(String::as_str)
    }

    /// What the reason means; technical when the contract says nothing.
    pub fn meaning(&self) -> Meaning {
        MEANINGS.get(&(self.reason as i32)).cloned().unwrap_or_else(|| Meaning {
            name: "INTERNAL".to_owned(),
            code: Code::Internal,
            article: String::new(),
            zh: String::new(),
            en: String::new(),
        })
    }

    /// The sentence in Chinese.
    pub fn message(&self) -> String {
        self.fill(&self.meaning().zh)
    }

    /// The sentence in English.
    pub fn message_en(&self) -> String {
        self.fill(&self.meaning().en)
    }

    fn fill(&self, template: &str) -> String {
        let mut text = template.to_owned();
        for (placeholder, value) in &self.values {
            text = text.replace(&format!("{{{placeholder}}}"), value);
        }
        text
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.meaning().name, self.message_en())?;
        if let Some(cause) = &self.cause {
            write!(f, " ({cause:#})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        if let Some(answer) = refusal.repeat {
            return crate::ledger::repeat_status(answer);
        }
        let meaning = refusal.meaning();
        // An error is logged once, here at the edge, with its causes.
        if let Some(cause) = &refusal.cause {
            if matches!(meaning.code, Code::Internal | Code::Unavailable | Code::DataLoss) {
                tracing::error!(reason = %meaning.name, cause = format!("{cause:#}"), "refused for an inner failure");
            } else {
                tracing::debug!(reason = %meaning.name, cause = format!("{cause:#}"), "refused");
            }
        }
        let mut metadata: std::collections::HashMap<String, String> =
            refusal.values.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        metadata.insert("article".to_owned(), meaning.article.clone());
        let mut details = ErrorDetails::new();
        details.set_error_info(meaning.name.clone(), DOMAIN, metadata);
        details.set_localized_message("en", refusal.message_en());
        if refusal.reason == Reason::Invalid
            && let (Some(field), Some(problem)) = (refusal.values.get("field"), refusal.values.get("problem"))
        {
            details.set_bad_request(vec![FieldViolation::new(field, problem)]);
        }
        let mut status = Status::with_error_details(meaning.code, refusal.message(), details);
        if let Ok(value) = meaning.name.parse() {
            status.metadata_mut().insert(REASON_HEADER, value);
        }
        status
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                Self::new(Reason::Unavailable).because(error)
            }
            // character_not_in_repertoire: PostgreSQL's text holds no NUL, and no text of ours has a use for one.
            sqlx::Error::Database(inner) if inner.code().as_deref() == Some("22021") => {
                Self::invalid("text", "不得包含空字符 / must not contain NUL").because(sqlx::Error::Database(inner))
            }
            sqlx::Error::Database(inner) if inner.code().is_some_and(|code| passes(&code)) => {
                Self::new(Reason::Unavailable).because(sqlx::Error::Database(inner))
            }
            other => Self::internal(other),
        }
    }
}

/// Whether PostgreSQL failed by its state and not by what it was asked, so that a repetition may succeed: class 53 (no more
/// connections, memory or disk), 57P0x (it stops or starts), and 40P01 (it ended one of two transactions that waited for
/// each other).
fn passes(code: &str) -> bool {
    code.starts_with("53") || code.starts_with("57P0") || code == "40P01"
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self::internal(error)
    }
}

/// Whether a refusal only says that another transaction changed what this one's view of the database holds.
pub fn is_conflict(refusal: &Refusal) -> bool {
    // 40001 is serialization_failure.
    let conflict =
        |error: &sqlx::Error| error.as_database_error().and_then(|e| e.code()).is_some_and(|code| code == "40001");
    refusal.cause.as_ref().and_then(|cause| cause.downcast_ref::<sqlx::Error>()).is_some_and(conflict)
}

/// The constraint a database error violates, by name: stores translate it into a refusal.
pub fn violated(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|e| e.constraint())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_the_contract_has_a_code_and_both_sentences() {
        let reasons = proto::POOL.get_enum_by_name("qingtian.refusals.v1.Reason").unwrap();
        for value in reasons.values().filter(|v| v.number() != 0) {
            let meaning = &MEANINGS[&value.number()];
            assert_ne!(meaning.code, Code::Ok, "{}", value.name());
            assert!(!meaning.zh.is_empty() && !meaning.en.is_empty(), "{}", value.name());
        }
    }

    #[test]
    fn a_refusal_carries_reason_article_and_both_languages() {
        let refusal = Refusal::new(Reason::NoPublishedPlan).with("plan", "plans/2026-07");
        let status = Status::from(refusal);
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert!(status.message().contains("plans/2026-07"), "{}", status.message());
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.metadata["article"].as_str()), ("NO_PUBLISHED_PLAN", "9"));
        assert!(details.localized_message().unwrap().message.contains("No inspection without a published plan"));
    }
}
