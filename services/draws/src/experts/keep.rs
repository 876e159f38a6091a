//! Keeping the register (art. 13, 16): what is written of an expert, by hand or by file, with the conflicts that follow from
//! the interests.

use chrono::{DateTime, Utc};
use kit::{
    error::{Reason, Refusal, Result},
    ledger::Tx,
    workdays::legal_day,
};
use sqlx::PgConnection;

use super::{
    rules::{Content, Private},
    store::{self, ExpertRow},
};
use crate::people::{
    Person,
    conflicts::{acts, store as conflicts},
    declarations::rules::year_of,
    expert_holder,
    secrets::Secrets,
};

/// Why an expert is excluded, where nobody said more: the words of the interest stay sealed.
const REASON: &str = "专家名录登记的利害关系 / an interest in the register of experts";

/// Opens what is sealed of these experts; empty where the person's key was destroyed.
///
/// # Errors
/// `INTERNAL` when something was changed.
pub async fn open(conn: &mut PgConnection, secrets: &Secrets, rows: &[ExpertRow]) -> Result<Vec<Private>> {
    let holders: Vec<String> = rows.iter().map(|row| expert_holder(&row.key)).collect();
    let sealed: Vec<(&str, &[u8])> =
        rows.iter().zip(&holders).map(|(row, holder)| (holder.as_str(), row.private.as_slice())).collect();
    let words = secrets.open(conn, &sealed).await?;
    let parse = |words: Option<String>| match words {
        Some(words) => serde_json::from_str(&words).map_err(Refusal::internal),
        None => Ok(Private::default()),
    };
    words.into_iter().map(parse).collect()
}

/// The year of an instant, for what is declared yearly.
pub fn year(now: DateTime<Utc>) -> i32 {
    year_of(legal_day(now))
}

/// Who a version of an expert is by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Who wrote or asked for it, `users/{user}`.
    pub by: String,
    /// Who approved it, `users/{user}`; empty where nobody had to.
    pub approver: String,
    /// The register change it was asked with; empty where nobody had to approve.
    pub change: String,
}

impl Author {
    /// Whoever acts now, where nobody has to approve.
    pub fn acting(tx: &Tx) -> Self {
        Self { by: tx.caller().actor.clone(), approver: String::new(), change: String::new() }
    }

    fn told(&self, what: &str) -> String {
        if self.change.is_empty() {
            return what.to_owned();
        }
        format!("{what}（{} 复核同意 approved，{}）", self.approver, self.change)
    }
}

/// Writes a new expert.
///
/// # Errors
/// `EXPERT_KEY_TAKEN`; the database fails.
pub async fn create(
    tx: &mut Tx,
    secrets: &Secrets,
    author: &Author,
    organisation: &str,
    key: &str,
    content: &Content,
) -> Result<()> {
    if !store::taken(tx, organisation, &[key]).await?.is_empty() {
        return Err(Refusal::new(Reason::ExpertKeyTaken).with("key", key));
    }
    let now = tx.now();
    let mut row = ExpertRow {
        key: key.to_owned(),
        organisation: organisation.to_owned(),
        private: Vec::new(),
        name_digest: String::new(),
        employer: String::new(),
        districts: Vec::new(),
        specialties: Vec::new(),
        retired_on: None,
        retire_reason: String::new(),
        revision: 1,
        created_at: now,
        changed_at: now,
        changed_by: author.by.clone(),
        changed_what: author.told("登记 registered"),
        declared_at: None,
        conflicts: 0,
    };
    fill(tx, secrets, &mut row, content).await?;
    store::insert(tx, &row).await?;
    exclude(tx, author, &row, content).await
}

/// Writes the next version of a locked expert.
///
/// # Errors
/// `EXPERT_RETIRED`; the database fails.
pub async fn change(
    tx: &mut Tx,
    secrets: &Secrets,
    author: &Author,
    before: &ExpertRow,
    content: &Content,
) -> Result<()> {
    if before.retired_on.is_some() {
        return Err(Refusal::new(Reason::ExpertRetired).with("key", &before.key));
    }
    let mut row = next(tx, author, before, "修改 changed");
    fill(tx, secrets, &mut row, content).await?;
    store::update(tx, &row).await?;
    exclude(tx, author, &row, content).await
}

/// The next version of an expert, still the same but for who changes it.
pub fn next(tx: &Tx, author: &Author, before: &ExpertRow, what: &str) -> ExpertRow {
    ExpertRow {
        revision: before.revision + 1,
        changed_at: tx.now(),
        changed_by: author.by.clone(),
        changed_what: author.told(what),
        ..before.clone()
    }
}

async fn fill(tx: &mut Tx, secrets: &Secrets, row: &mut ExpertRow, content: &Content) -> Result<()> {
    let words = serde_json::to_string(&content.private).map_err(Refusal::internal)?;
    row.private = secrets.seal(tx, &expert_holder(&row.key), &words).await?;
    row.name_digest = secrets.digest(&content.private.real_name);
    row.employer.clone_from(&content.employer);
    row.districts.clone_from(&content.districts);
    row.specialties.clone_from(&content.specialties);
    Ok(())
}

/// Declares a conflict for each subject the interests name that is not excluded yet. What was excluded stays so: an interest
/// that is no longer written has not been lifted.
async fn exclude(tx: &mut Tx, author: &Author, row: &ExpertRow, content: &Content) -> Result<()> {
    let person = Person { key: row.key.clone(), holder: expert_holder(&row.key), expert: true };
    let standing = conflicts::standing_subjects(tx, &person.holder).await?;
    for subject in content.subjects().into_iter().filter(|subject| !standing.iter().any(|known| known == subject)) {
        let key = acts::subject("interests", subject)?;
        let mut conflict = acts::declared(tx, &row.organisation, &person, &key, REASON);
        conflict.creator.clone_from(&author.by);
        conflicts::insert(tx, &conflict).await?;
    }
    Ok(())
}
