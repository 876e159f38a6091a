//! Changes of the register that wait for a second person (art. 13): while a published plan that wants experts is not drawn yet,
//! nothing is written of an expert before somebody else approved it. Each is a register change ([`crate::register_changes`]) of
//! the kind `EXPERTS`, decided where all of them are.

use std::collections::HashMap;

use kit::{
    error::{Reason, Refusal, Result},
    ledger::Tx,
    workdays::legal_day,
};
use sqlx::PgConnection;

use super::{
    keep::{self, Author},
    rules::{Act, Content, check_row},
    store::{self, ExpertRow},
};
use crate::{
    people::{expert_holder, secrets::Secrets},
    plans::content::text,
    register_changes::{
        api::new_change,
        rules::{Outcome, State, guarding},
        store::{self as changes, ChangeRow},
    },
};

const REASON_CHARS_MAX: usize = 500;

/// The published plan for which changes of an organisation's register of experts need a second person now; empty where none
/// does.
///
/// # Errors
/// The database fails.
pub async fn guard(conn: &mut PgConnection, organisation: &str) -> Result<String> {
    let plans = changes::published_plans_with_experts(conn, organisation).await?;
    Ok(guarding(&plans).unwrap_or_default().to_owned())
}

/// The reason of a change for which a second person is needed.
///
/// # Errors
/// `REGISTER_GUARDED` without one; `INVALID`.
pub fn why(plan: &str, given: &str) -> Result<String> {
    let why = text("reason", given, REASON_CHARS_MAX)?;
    match why.chars().count() {
        0 => Err(Refusal::new(Reason::RegisterGuarded).with("plan", plan)),
        1 => Err(Refusal::invalid("reason", "请说明理由 / say why")),
        _ => Ok(why),
    }
}

/// What is asked of one expert.
pub struct Asked {
    pub key: String,
    /// The revision that was seen; 0 for a new one.
    pub revision: i64,
    pub act: Act,
    /// What the second person is told of it; nothing that is sealed.
    pub note: String,
}

/// Writes down a change that waits, and gives its name. What waits already, the same of the same expert, is not asked again.
///
/// # Errors
/// `WRONG_STATE` when all of it waits already; the database fails.
pub async fn ask(
    tx: &mut Tx,
    secrets: &Secrets,
    organisation: &str,
    plan: String,
    reason: &str,
    asked: &[Asked],
) -> Result<String> {
    let waiting = waiting(tx, secrets, organisation, asked).await?;
    let asked: Vec<&Asked> = asked.iter().filter(|one| !waiting.contains_key(one.key.as_str())).collect();
    if asked.is_empty()
        && let Some(change) = waiting.values().next()
    {
        return Err(Refusal::wrong_state(change, "待复核 PENDING", "再次提出同样的变更 ask for the same again"));
    }
    // At most an upload's rows.
    let rows = asked.len() as i64;
    let change = new_change(tx, organisation, ("EXPERTS", String::new()), reason, plan, State::Pending, rows);
    changes::insert(tx, &change).await?;
    for one in asked {
        let content = match one.act.content() {
            Some(content) => {
                let words = serde_json::to_string(content).map_err(Refusal::internal)?;
                secrets.seal(tx, &expert_holder(&one.key), &words).await?
            }
            None => Vec::new(),
        };
        store::insert_asked(tx, &change.id, (&one.key, one.revision), &one.note, (one.act.as_str(), &content)).await?;
    }
    Ok(change.name())
}

/// Which of these wait already as they are asked: the change's name, by key.
async fn waiting<'a>(
    conn: &mut PgConnection,
    secrets: &Secrets,
    organisation: &str,
    asked: &'a [Asked],
) -> Result<HashMap<&'a str, String>> {
    let by_key: HashMap<&str, &'a Asked> = asked.iter().map(|one| (one.key.as_str(), one)).collect();
    let keys: Vec<&str> = by_key.keys().copied().collect();
    let mut found = HashMap::new();
    for row in store::waiting(conn, organisation, &keys).await? {
        let Some(one) = by_key.get(row.key.as_str()) else { continue };
        if (one.revision, one.act.as_str()) != (row.revision, row.act.as_str()) {
            continue;
        }
        let content = match row.content.as_slice() {
            [] => None,
            sealed => secrets.open(conn, &[(&expert_holder(&row.key), sealed)]).await?.into_iter().next().flatten(),
        };
        let content =
            content.map(|words| serde_json::from_str::<Content>(&words).map_err(Refusal::internal)).transpose()?;
        if content.as_ref() == one.act.content() {
            found.insert(one.key.as_str(), row.change);
        }
    }
    Ok(found)
}

/// Applies a change that was just approved, each expert for itself: whoever was changed since it was asked for stays as he is.
///
/// # Errors
/// The database fails.
pub async fn apply(tx: &mut Tx, secrets: &Secrets, change: &mut ChangeRow) -> Result<()> {
    let organisation = change.organisation.clone();
    let rows = store::asked(tx, &change.id).await?;
    let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
    store::lock(tx, &organisation, &keys).await?;
    let taken = store::taken(tx, &organisation, &keys).await?;
    let known = store::some(tx, &organisation, &keys).await?;
    let known: HashMap<&str, &ExpertRow> = known.iter().map(|row| (row.key.as_str(), row)).collect();
    let holders: Vec<String> = keys.iter().map(|key| expert_holder(key)).collect();
    let sealed: Vec<(&str, &[u8])> = rows
        .iter()
        .zip(&holders)
        .filter(|(row, _)| !row.content.is_empty())
        .map(|(row, holder)| (holder.as_str(), row.content.as_slice()))
        .collect();
    let mut opened = secrets.open(tx, &sealed).await?.into_iter();
    let author = Author { by: change.creator.clone(), approver: change.decider.clone(), change: change.name() };
    let (mut outcomes, mut notes) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    for row in &rows {
        let words = if row.content.is_empty() { None } else { opened.next().flatten() };
        let content =
            words.map(|words| serde_json::from_str::<Content>(&words).map_err(Refusal::internal)).transpose()?;
        let act = Act::stored(&row.act, content);
        let expert = known.get(row.key.as_str()).copied();
        let stands = check_row(row.revision, expert.map(|expert| expert.revision), taken.contains(&row.key));
        let (outcome, note) = match (act, stands) {
            (Some(act), Ok(())) => {
                write(tx, secrets, &organisation, (&row.key, expert), &act, (&author, &change.reason)).await?;
                change.changed += 1;
                (Outcome::Changed, row.note.clone())
            }
            (None, _) => {
                change.refused += 1;
                (Outcome::NotFound, "本人信息已销毁，不能办理 / the person's words were destroyed".to_owned())
            }
            (Some(_), Err(told)) => {
                change.refused += 1;
                let by = expert.map(|expert| format!("：{}，{}", expert.changed_by, expert.changed_what));
                (Outcome::Stale, format!("{told}{}", by.unwrap_or_default()))
            }
        };
        outcomes.push(outcome.as_str());
        notes.push(note);
    }
    let keys: Vec<String> = rows.iter().map(|row| row.key.clone()).collect();
    changes::settle(tx, &change.id, &keys, &outcomes, &notes).await
}

/// Writes what an act makes of one expert.
async fn write(
    tx: &mut Tx,
    secrets: &Secrets,
    organisation: &str,
    (key, expert): (&str, Option<&ExpertRow>),
    act: &Act,
    (author, reason): (&Author, &str),
) -> Result<()> {
    match (act, expert) {
        (Act::Register(content), _) => keep::create(tx, secrets, author, organisation, key, content).await,
        (Act::Change(content), Some(expert)) => keep::change(tx, secrets, author, expert, content).await,
        (Act::Retire, Some(expert)) => set_retired(tx, author, expert, Some(reason)).await,
        (Act::TakeBack, Some(expert)) => set_retired(tx, author, expert, None).await,
        (_, None) => Err(Refusal::not_found(format!("{organisation}/experts/{key}"))),
    }
}

/// Retires an expert for a reason, or takes him back.
///
/// # Errors
/// The database fails.
pub async fn set_retired(tx: &mut Tx, author: &Author, row: &ExpertRow, reason: Option<&str>) -> Result<()> {
    let what = if reason.is_some() { "退出 retired" } else { "恢复在册 taken back" };
    let mut next = keep::next(tx, author, row, what);
    next.retired_on = reason.map(|_| legal_day(tx.now()));
    next.retire_reason = reason.unwrap_or_default().to_owned();
    store::update(tx, &next).await
}
