//! What catalog decides, without I/O and without a clock: what an item must hold (art. 7), when it may be published (art. 7,
//! 9, 27), what an uploaded row does to what is there (art. 8).

use kit::error::{Reason, Refusal, Result};
use prost::Message;
use proto::qingtian::catalog::v1::{self as pb, ItemGrade};
use serde::{Deserialize, Serialize};

/// An item's encoded bytes at the most, so that one always fits into an event.
pub const ITEM_BYTES_MAX: usize = 32 * 1_024;
/// Items of one event at the most.
pub const EVENT_ITEMS_MAX: usize = 20;
/// Bytes of the items of one event at the most; an event holds 64 KiB with its envelope.
pub const EVENT_ITEMS_BYTES_MAX: usize = 56 * 1_024;

const CHECKLIST_MAX: usize = 100;
/// Digits to which numbers in codes are filled up, so that text compares as people count.
const SORT_DIGITS: usize = 14;

/// A text field of an item: its name, its edge, and the headers under which the usual lists carry it.
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub chars_max: usize,
    pub headers: &'static [&'static str],
}

const fn field(name: &'static str, chars_max: usize, headers: &'static [&'static str]) -> Field {
    Field { name, chars_max, headers }
}

/// Fields that a file may hold, in the order of the contract, `grade` last.
pub const FIELDS: [Field; 12] = [
    field("code", 40, &["编号", "序号", "事项编码", "事项编号", "监管事项编码"]),
    field("title", 200, &["抽查事项名称", "监管事项名称", "抽查事项", "监管事项", "事项名称"]),
    field("sub_title", 500, &["抽查子项", "监管子项", "子项名称", "子项"]),
    field("legal_basis", 4_000, &["抽查依据", "检查依据", "监管依据", "法律依据", "设定依据"]),
    field("inspecting_body", 500, &["抽查主体", "检查主体", "监管主体", "实施主体"]),
    field("subject_scope", 500, &["抽查对象", "检查对象", "监管对象"]),
    field("ratio", 500, &["抽查比例", "检查比例"]),
    field("frequency", 500, &["抽查频次", "检查频次", "抽查频率"]),
    field("method", 500, &["抽查方式", "检查方式", "监管方式"]),
    field("officer_demand", 500, &["检查人员要求", "执法人员要求", "人员要求"]),
    field("remark", 500, &["备注"]),
    field("grade", 20, &["事项类别", "检查类别"]),
];
/// Place of `title` in [`FIELDS`]: the one that no list lacks.
pub const TITLE: usize = 1;
/// Place of `grade` in [`FIELDS`].
pub const GRADE: usize = 11;

/// One entry of a checklist (art. 9).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub content: String,
    pub method: String,
    pub penalty_basis: String,
}

/// What people write into an item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    pub code: String,
    pub title: String,
    pub sub_title: String,
    pub legal_basis: String,
    pub inspecting_body: String,
    pub subject_scope: String,
    pub ratio: String,
    pub frequency: String,
    pub method: String,
    pub officer_demand: String,
    pub remark: String,
    pub grade: ItemGrade,
    pub random_listed: bool,
    pub checklist: Vec<Check>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub field: &'static str,
    pub value: String,
    /// Stable UPPER_SNAKE.
    pub reason: &'static str,
    pub zh: String,
    pub en: String,
}

impl Fault {
    fn new(
        field: &'static str,
        value: &str,
        reason: &'static str,
        zh: impl Into<String>,
        en: impl Into<String>,
    ) -> Self {
        Self { field, value: value.to_owned(), reason, zh: zh.into(), en: en.into() }
    }
}

impl Content {
    /// What a caller wrote, with surrounding space taken off.
    pub fn from_item(item: &pb::Item) -> Self {
        let text = |text: &String| text.trim().to_owned();
        let check = |entry: &pb::CheckEntry| Check {
            content: text(&entry.content),
            method: text(&entry.method),
            penalty_basis: text(&entry.penalty_basis),
        };
        Self {
            code: text(&item.code),
            title: text(&item.title),
            sub_title: text(&item.sub_title),
            legal_basis: text(&item.legal_basis),
            inspecting_body: text(&item.inspecting_body),
            subject_scope: text(&item.subject_scope),
            ratio: text(&item.ratio),
            frequency: text(&item.frequency),
            method: text(&item.method),
            officer_demand: text(&item.officer_demand),
            remark: text(&item.remark),
            grade: item.grade(),
            random_listed: item.random_listed,
            checklist: item.checklist.iter().map(check).collect(),
        }
    }

    /// What a row of a file says: its values stand in the order of [`FIELDS`].
    ///
    /// # Errors
    /// `BAD_GRADE`.
    pub fn from_row(values: &[String]) -> Result<Self, Fault> {
        let text = |place: usize| values.get(place).map(|value| value.trim().to_owned()).unwrap_or_default();
        let grade = match text(GRADE).as_str() {
            "" => ItemGrade::Unspecified,
            "一般" | "一般检查事项" | "一般事项" => ItemGrade::General,
            "重点" | "重点检查事项" | "重点事项" => ItemGrade::Key,
            other => {
                let zh = "应为“一般检查事项”或“重点检查事项”。";
                return Err(Fault::new("grade", other, "BAD_GRADE", zh, "neither a general nor a key item"));
            }
        };
        Ok(Self {
            code: text(0),
            title: text(TITLE),
            sub_title: text(2),
            legal_basis: text(3),
            inspecting_body: text(4),
            subject_scope: text(5),
            ratio: text(6),
            frequency: text(7),
            method: text(8),
            officer_demand: text(9),
            remark: text(10),
            grade,
            random_listed: false,
            checklist: Vec::new(),
        })
    }

    /// The text fields in the order of [`FIELDS`], without the grade.
    fn texts(&self) -> [&str; 11] {
        [
            &self.code,
            &self.title,
            &self.sub_title,
            &self.legal_basis,
            &self.inspecting_body,
            &self.subject_scope,
            &self.ratio,
            &self.frequency,
            &self.method,
            &self.officer_demand,
            &self.remark,
        ]
    }

    /// What is wrong, field by field; nothing when it may be kept as a draft.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.title.is_empty() {
            faults.push(Fault::new("title", "", "MISSING_VALUE", "事项名称不能为空。", "the title is missing"));
        }
        for (field, text) in FIELDS.iter().zip(self.texts()) {
            faults.extend(fault_of(field.name, text, field.chars_max));
        }
        if self.checklist.len() > CHECKLIST_MAX {
            let zh = format!("检查实施清单至多{CHECKLIST_MAX}条。");
            let en = format!("a checklist has at most {CHECKLIST_MAX} entries");
            faults.push(Fault::new("checklist", "", "TOO_LONG", zh, en));
        }
        for entry in &self.checklist {
            if entry.content.is_empty() {
                let zh = "检查内容不能为空。";
                faults.push(Fault::new("checklist", "", "MISSING_VALUE", zh, "an entry says what is checked"));
            }
            for text in [&entry.content, &entry.method, &entry.penalty_basis] {
                faults.extend(fault_of("checklist", text, 2_000));
            }
        }
        if faults.is_empty() && self.to_item("", ItemState::Draft, 0).encoded_len() > ITEM_BYTES_MAX {
            let zh = "事项内容过长，请精简。";
            faults.push(Fault::new("", "", "TOO_LONG", zh, "the item is too long in all"));
        }
        faults
    }

    /// Refuses content that cannot be kept.
    ///
    /// # Errors
    /// `INVALID`, naming the first field.
    pub fn check(&self) -> Result<()> {
        match self.faults().into_iter().next() {
            None => Ok(()),
            Some(fault) => Err(Refusal::invalid(fault.field, format!("{} / {}", fault.zh, fault.en))),
        }
    }

    /// What people call the item.
    pub fn called(&self) -> String {
        if self.sub_title.is_empty() { self.title.clone() } else { format!("{} · {}", self.title, self.sub_title) }
    }

    /// As the contract carries it.
    pub fn to_item(&self, name: &str, state: ItemState, revision: i64) -> pb::Item {
        let entry = |check: &Check| pb::CheckEntry {
            content: check.content.clone(),
            method: check.method.clone(),
            penalty_basis: check.penalty_basis.clone(),
        };
        pb::Item {
            name: name.to_owned(),
            code: self.code.clone(),
            title: self.title.clone(),
            sub_title: self.sub_title.clone(),
            legal_basis: self.legal_basis.clone(),
            inspecting_body: self.inspecting_body.clone(),
            subject_scope: self.subject_scope.clone(),
            ratio: self.ratio.clone(),
            frequency: self.frequency.clone(),
            method: self.method.clone(),
            officer_demand: self.officer_demand.clone(),
            remark: self.remark.clone(),
            grade: self.grade as i32,
            random_listed: self.random_listed,
            checklist: self.checklist.iter().map(entry).collect(),
            state: state.proto() as i32,
            etag: revision.to_string(),
        }
    }

    /// A checklist of one entry: the item itself, with method and basis from the row.
    fn derived_checklist(&self) -> Vec<Check> {
        let content = self.called();
        vec![Check { content, method: self.method.clone(), penalty_basis: self.legal_basis.clone() }]
    }
}

fn fault_of(field: &'static str, text: &str, chars_max: usize) -> Option<Fault> {
    if text.chars().count() > chars_max {
        let (zh, en) = (format!("至多{chars_max}个字符。"), format!("at most {chars_max} characters"));
        return Some(Fault::new(field, text, "TOO_LONG", zh, en));
    }
    let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    text.chars().any(control).then(|| {
        Fault::new(field, text, "CONTROL_CHARACTER", "含有不可见的控制字符，请删除。", "an invisible control character")
    })
}

/// State of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemState {
    Draft,
    Published,
}

/// What may happen to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemEvent {
    Edit,
    Publish,
}

impl ItemState {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Published => "PUBLISHED",
        }
    }

    /// As read from the database, whose constraint knows these two only.
    pub fn stored(text: &str) -> Self {
        if text == Self::Draft.as_str() { Self::Draft } else { Self::Published }
    }

    /// As the contract carries it.
    pub fn proto(self) -> pb::ItemState {
        match self {
            Self::Draft => pb::ItemState::Draft,
            Self::Published => pb::ItemState::Published,
        }
    }

    /// The state after an event.
    ///
    /// # Errors
    /// `WRONG_STATE`: what is published is not edited in place and not published again (art. 8).
    pub fn next(self, event: ItemEvent, called: &str) -> Result<Self> {
        match (self, event) {
            (Self::Draft, ItemEvent::Edit) => Ok(Self::Draft),
            (Self::Draft, ItemEvent::Publish) => Ok(Self::Published),
            (Self::Published, ItemEvent::Edit) => Err(Refusal::wrong_state(called, self.as_str(), "edit")),
            (Self::Published, ItemEvent::Publish) => Err(Refusal::wrong_state(called, self.as_str(), "publish")),
        }
    }
}

/// Whether this person may publish this item as it stands.
///
/// # Errors
/// `WRONG_STATE`, `OWN_ACT` (art. 27), `BASIS_MISSING` (art. 7), `CHECKLIST_MISSING` (art. 9).
pub fn check_publish(content: &Content, state: ItemState, drafters: &[String], actor: &str) -> Result<ItemState> {
    let called = content.called();
    let next = state.next(ItemEvent::Publish, &called)?;
    if drafters.iter().any(|drafter| drafter == actor) {
        return Err(Refusal::new(Reason::OwnAct));
    }
    if content.legal_basis.is_empty() {
        return Err(Refusal::new(Reason::BasisMissing).with("name", called));
    }
    if content.checklist.is_empty() {
        return Err(Refusal::new(Reason::ChecklistMissing).with("name", called));
    }
    Ok(next)
}

/// What a whole upload asks for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes {
    /// Puts every item on the random-inspection list.
    pub random_listed: bool,
    /// Makes a checklist where there is none.
    pub derive_checklist: bool,
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
    /// It would change what is published.
    Frozen,
}

/// Decides what a row does to the item of the same code, title and sub-item, if there is one. What the file does not speak of
/// stays: a checklist made by hand, a grade, a place on the list.
pub fn merge(existing: Option<(&Content, ItemState)>, row: Content, wishes: Wishes) -> Deed {
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
    let wanted = Content { grade, random_listed, checklist, ..row };
    match existing {
        None => Deed::Create(wanted),
        Some((content, _)) if *content == wanted => Deed::Unchanged,
        Some((_, ItemState::Draft)) => Deed::Update(wanted),
        Some((_, ItemState::Published)) => Deed::Frozen,
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
