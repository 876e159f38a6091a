//! What catalog decides, without I/O and without a clock: what an item must hold (art. 7), when it may be published (art. 7,
//! 8, 9, 27), what an uploaded row does to what is there (art. 8).

use kit::error::{Reason, Refusal, Result};
use prost::Message;
use proto::qingtian::catalog::v1::{self as pb, ItemGrade};

mod content;
mod versions;

pub use content::*;
pub use versions::*;

/// An item's encoded bytes at the most, so that one always fits into an event.
pub const ITEM_BYTES_MAX: usize = 32 * 1_024;
/// Items of one event at the most.
pub const EVENT_ITEMS_MAX: usize = 20;
/// Bytes of the items of one event at the most; an event holds 64 KiB with its envelope.
pub const EVENT_ITEMS_BYTES_MAX: usize = 56 * 1_024;

/// Digits to which numbers in codes are filled up, so that text compares as people count.
const SORT_DIGITS: usize = 14;

/// State of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemState {
    Draft,
    Published,
    /// The next version is being written, the last one is in force.
    Revising,
    Retired,
}

/// What may happen to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemEvent {
    Edit,
    Publish,
    Revise,
    Withdraw,
    Retire,
}

impl ItemEvent {
    fn as_str(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Publish => "publish",
            Self::Revise => "revise",
            Self::Withdraw => "withdraw",
            Self::Retire => "retire",
        }
    }
}

impl ItemState {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Published => "PUBLISHED",
            Self::Revising => "REVISING",
            Self::Retired => "RETIRED",
        }
    }

    /// As read from the database, whose constraint knows these only.
    pub fn stored(text: &str) -> Self {
        [Self::Draft, Self::Published, Self::Revising]
            .into_iter()
            .find(|state| state.as_str() == text)
            .unwrap_or(Self::Retired)
    }

    /// As the contract carries it.
    pub fn proto(self) -> pb::ItemState {
        match self {
            Self::Draft => pb::ItemState::Draft,
            Self::Published => pb::ItemState::Published,
            Self::Revising => pb::ItemState::Revising,
            Self::Retired => pb::ItemState::Retired,
        }
    }

    /// As asked for; none for any.
    pub fn asked(state: pb::ItemState) -> Option<Self> {
        match state {
            pb::ItemState::Unspecified => None,
            pb::ItemState::Draft => Some(Self::Draft),
            pb::ItemState::Published => Some(Self::Published),
            pb::ItemState::Revising => Some(Self::Revising),
            pb::ItemState::Retired => Some(Self::Retired),
        }
    }

    /// The state after an event.
    ///
    /// # Errors
    /// `WRONG_STATE`: what is published is not edited in place and not published again (art. 8); what is retired stays so.
    pub fn next(self, event: ItemEvent, called: &str) -> Result<Self> {
        use ItemEvent::{Edit, Publish, Retire, Revise, Withdraw};
        match (self, event) {
            (Self::Draft, Edit) => Ok(Self::Draft),
            (Self::Draft | Self::Revising, Publish) | (Self::Revising, Withdraw) => Ok(Self::Published),
            (Self::Published, Revise) | (Self::Revising, Edit) => Ok(Self::Revising),
            (Self::Revising, Retire) => Ok(Self::Retired),
            (Self::Draft, Revise | Withdraw | Retire)
            | (Self::Published, Edit | Publish | Withdraw | Retire)
            | (Self::Revising, Revise)
            | (Self::Retired, Edit | Publish | Revise | Withdraw | Retire) => {
                Err(Refusal::wrong_state(called, self.as_str(), event.as_str()))
            }
        }
    }
}

/// Whether this person may publish this item as it stands; `in_force` is what a revision would replace.
///
/// # Errors
/// `WRONG_STATE`, `OWN_ACT` (art. 27), `BASIS_MISSING` (art. 7), `RESPONSIBLE_MISSING` (art. 8), `CHECKLIST_MISSING` (art. 9),
/// `REVISION_EMPTY` (art. 8).
pub fn check_publish(
    content: &Content,
    in_force: Option<&Content>,
    state: ItemState,
    drafters: &[String],
    actor: &str,
) -> Result<ItemState> {
    let called = content.called();
    let next = state.next(ItemEvent::Publish, &called)?;
    check_another(drafters, actor)?;
    if content.legal_basis.is_empty() {
        return Err(Refusal::new(Reason::BasisMissing).with("name", called));
    }
    let missing = content.responsible_missing();
    if !missing.is_empty() {
        let join = |with: &str, of: fn(&(&'static str, &'static str)) -> &'static str| {
            missing.iter().map(of).collect::<Vec<_>>().join(with)
        };
        return Err(Refusal::new(Reason::ResponsibleMissing)
            .with("name", called)
            .with("what", join("、", |(zh, _)| zh))
            .with("missing", join(", ", |(_, en)| en)));
    }
    if content.checklist.is_empty() {
        return Err(Refusal::new(Reason::ChecklistMissing).with("name", called));
    }
    if in_force == Some(content) {
        return Err(Refusal::new(Reason::RevisionEmpty).with("name", called));
    }
    Ok(next)
}

/// Nobody decides on what they wrote (art. 27).
///
/// # Errors
/// `OWN_ACT`.
pub fn check_another(drafters: &[String], actor: &str) -> Result<()> {
    if drafters.iter().any(|drafter| drafter == actor) { Err(Refusal::new(Reason::OwnAct)) } else { Ok(()) }
}

/// An item as everybody may see it: the unit is named, the people are not.
pub fn public(item: pb::Item) -> pb::Item {
    pb::Item { leader: String::new(), handler: String::new(), ..item }
}

/// What a whole upload asks for.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Puts every item on the random-inspection list.
    pub random_listed: bool,
    /// Makes a checklist where there is none.
    pub derive_checklist: bool,
    /// Who is responsible (art. 8) where neither the row nor the item says it.
    pub leader: String,
    pub undertaking_unit: String,
    pub handler: String,
}

impl Wishes {
    /// Refuses names that no item could keep.
    ///
    /// # Errors
    /// `INVALID`.
    pub fn check(&self) -> Result<()> {
        let Self { leader, undertaking_unit, handler, .. } = self.clone();
        Content { title: "x".to_owned(), leader, undertaking_unit, handler, ..Content::default() }.check()
    }
}

/// What a row does.
#[derive(Debug, PartialEq, Eq)]
pub enum Deed {
    /// The item is new.
    Create(Content),
    /// The draft changes.
    Update(Content),
    /// All of it is there.
    Unchanged,
    /// It would change what is published, or has ended.
    Frozen,
}

/// Decides what a row does to the item of the same code, title and sub-item, if there is one. What the file does not speak of
/// stays: a checklist made by hand, a grade, a place on the list.
pub fn merge(existing: Option<(&Content, ItemState)>, row: Content, wishes: &Wishes) -> Deed {
    let checklist = existing.map(|(content, _)| content.checklist.clone()).filter(|list| !list.is_empty());
    let checklist = match checklist {
        Some(list) => list,
        None if wishes.derive_checklist => row.derived_checklist(),
        None => Vec::new(),
    };
    let grade = match (row.grade, existing) {
        (ItemGrade::Unspecified, Some((content, _))) => content.grade,
        (grade, _) => grade,
    };
    let random_listed = wishes.random_listed || existing.is_some_and(|(content, _)| content.random_listed);
    let kept = |given: String, of: fn(&Content) -> &String, wish: &String| {
        let said = existing.map(|(content, _)| of(content)).filter(|text| !text.is_empty());
        if given.is_empty() { said.unwrap_or(wish).clone() } else { given }
    };
    let wanted = Content {
        grade,
        random_listed,
        checklist,
        leader: kept(row.leader, |content| &content.leader, &wishes.leader),
        undertaking_unit: kept(row.undertaking_unit, |content| &content.undertaking_unit, &wishes.undertaking_unit),
        handler: kept(row.handler, |content| &content.handler, &wishes.handler),
        listing: existing.map(|(content, _)| content.listing.clone()).unwrap_or_default(),
        ..row
    };
    match existing {
        None => Deed::Create(wanted),
        Some((content, _)) if *content == wanted => Deed::Unchanged,
        Some((_, ItemState::Draft | ItemState::Revising)) => Deed::Update(wanted),
        Some((_, ItemState::Published | ItemState::Retired)) => Deed::Frozen,
    }
}

/// Codes in the order people count in: every run of digits is filled up with zeros. `tail` tells items of one code apart.
pub fn sort_key(code: &str, tail: &str) -> String {
    let mut key = String::new();
    let mut digits = String::new();
    for c in code.chars().chain([' ']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        if !digits.is_empty() {
            key.push_str(&format!("{digits:0>SORT_DIGITS$}"));
            digits.clear();
        }
        // A page's token is made of this key and holds no control characters.
        if !c.is_control() {
            key.push(c);
        }
    }
    key + tail
}

/// Cuts items into events: at most [`EVENT_ITEMS_MAX`] items and [`EVENT_ITEMS_BYTES_MAX`] bytes each.
pub fn chunks(items: Vec<pb::Item>) -> Vec<Vec<pb::Item>> {
    let mut chunks: Vec<Vec<pb::Item>> = Vec::new();
    let mut bytes = 0;
    for item in items {
        let size = item.encoded_len();
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < EVENT_ITEMS_MAX && bytes + size <= EVENT_ITEMS_BYTES_MAX => chunk.push(item),
            _ => {
                chunks.push(vec![item]);
                bytes = 0;
            }
        }
        bytes += size;
    }
    chunks
}

#[cfg(test)]
mod tests;
