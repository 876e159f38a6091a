//! What an item holds (art. 7-9, 12), where each text comes from in the usual lists, and what is wrong with it.

use kit::error::{Refusal, Result};
use prost::Message;
use proto::qingtian::catalog::v1::{self as pb, ItemGrade};
use serde::{Deserialize, Serialize};

use super::{ITEM_BYTES_MAX, ItemState};

/// A text field of an item: its name, its edge, and the headers under which the usual lists carry it.
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub chars_max: usize,
    pub headers: &'static [&'static str],
}

/// Entries of a checklist at the most.
const CHECKLIST_MAX: usize = 100;

const fn field(name: &'static str, chars_max: usize, headers: &'static [&'static str]) -> Field {
    Field { name, chars_max, headers }
}

/// Fields that a file may hold: those of old, the grade, and who is responsible (art. 8).
pub const FIELDS: [Field; 15] = [
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
    field("leader", 100, &["责任领导", "分管领导"]),
    field("undertaking_unit", 200, &["承办机构", "承办单位", "责任单位"]),
    field("handler", 100, &["具体负责人", "经办人", "承办人"]),
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

/// What the random-inspection list says of an item beyond its place on it (art. 12, 18).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Listing {
    /// Percent of subjects in one draw at the most; 0: no cap.
    pub ratio_percent_max: i32,
    /// Inspections of one subject in a calendar year at the most; 0: no cap.
    pub visits_per_year_max: i32,
    /// Working days until a report is public; 0: those of art. 18.
    pub publish_within_workdays: i32,
    /// Results are not published.
    pub withheld: bool,
    /// Why the period is another, or results are withheld.
    pub publication_basis: String,
}

impl Listing {
    fn from_proto(listing: &pb::RandomListing) -> Self {
        Self {
            ratio_percent_max: listing.ratio_percent_max,
            visits_per_year_max: listing.visits_per_year_max,
            publish_within_workdays: listing.publish_within_workdays,
            withheld: listing.withheld,
            publication_basis: listing.publication_basis.trim().to_owned(),
        }
    }

    fn to_proto(&self) -> pb::RandomListing {
        pb::RandomListing {
            ratio_percent_max: self.ratio_percent_max,
            visits_per_year_max: self.visits_per_year_max,
            publish_within_workdays: self.publish_within_workdays,
            withheld: self.withheld,
            publication_basis: self.publication_basis.clone(),
        }
    }

    /// What is wrong with the terms of an item that is or is not on the list.
    fn faults(&self, listed: bool) -> Vec<Fault> {
        let fault = |field, zh: &str, en: &str| Fault::new(field, "", "BAD_LISTING", zh, en);
        let mut faults = Vec::new();
        if !listed && *self != Self::default() {
            let zh = "只有列入随机抽查事项清单的事项才有比例、频次上限和公示规定。";
            faults.push(fault("listing", zh, "only an item on the random-inspection list has terms of the list"));
        }
        for (field, value, most) in [
            ("listing.ratio_percent_max", self.ratio_percent_max, 100),
            ("listing.visits_per_year_max", self.visits_per_year_max, 366),
            ("listing.publish_within_workdays", self.publish_within_workdays, 250),
        ] {
            if !(0..=most).contains(&value) {
                faults.push(fault(field, &format!("应为0至{most}。"), &format!("0 to {most}")));
            }
        }
        let own_rule = self.publish_within_workdays != 0 || self.withheld;
        if self.withheld && self.publish_within_workdays != 0 {
            let zh = "不予公开的事项没有公示期限。";
            faults.push(fault("listing.publish_within_workdays", zh, "what is withheld has no period"));
        }
        if own_rule == self.publication_basis.is_empty() {
            let zh = "另定公示期限或不予公开须写明依据（第十八条）；没有另行规定的不填。";
            let en = "a period of its own or non-publication needs its basis (art. 18), and nothing else has one";
            faults.push(fault("listing.publication_basis", zh, en));
        }
        faults.extend(fault_of("listing.publication_basis", &self.publication_basis, 500));
        faults
    }
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
    pub leader: String,
    pub undertaking_unit: String,
    pub handler: String,
    pub listing: Listing,
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
            leader: text(&item.leader),
            undertaking_unit: text(&item.undertaking_unit),
            handler: text(&item.handler),
            listing: item.listing.as_ref().map(Listing::from_proto).unwrap_or_default(),
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
            leader: text(GRADE + 1),
            undertaking_unit: text(GRADE + 2),
            handler: text(GRADE + 3),
            listing: Listing::default(),
        })
    }

    /// The text fields, each with what [`FIELDS`] says of it; the grade is none.
    pub fn texts(&self) -> [(&'static Field, &str); 14] {
        [
            (&FIELDS[0], &self.code),
            (&FIELDS[TITLE], &self.title),
            (&FIELDS[2], &self.sub_title),
            (&FIELDS[3], &self.legal_basis),
            (&FIELDS[4], &self.inspecting_body),
            (&FIELDS[5], &self.subject_scope),
            (&FIELDS[6], &self.ratio),
            (&FIELDS[7], &self.frequency),
            (&FIELDS[8], &self.method),
            (&FIELDS[9], &self.officer_demand),
            (&FIELDS[10], &self.remark),
            (&FIELDS[GRADE + 1], &self.leader),
            (&FIELDS[GRADE + 2], &self.undertaking_unit),
            (&FIELDS[GRADE + 3], &self.handler),
        ]
    }

    /// Who is not named of those that art. 8 asks for, in Chinese and in English.
    pub fn responsible_missing(&self) -> Vec<(&'static str, &'static str)> {
        [
            (&self.leader, ("责任领导", "leader")),
            (&self.undertaking_unit, ("承办机构", "undertaking unit")),
            (&self.handler, ("具体负责人", "handler")),
        ]
        .into_iter()
        .filter_map(|(text, called)| text.is_empty().then_some(called))
        .collect()
    }

    /// What is wrong, field by field; nothing when it may be kept as a draft.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.title.is_empty() {
            faults.push(Fault::new("title", "", "MISSING_VALUE", "事项名称不能为空。", "the title is missing"));
        }
        for (field, text) in self.texts() {
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
        faults.extend(self.listing.faults(self.random_listed));
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
            leader: self.leader.clone(),
            undertaking_unit: self.undertaking_unit.clone(),
            handler: self.handler.clone(),
            listing: (self.listing != Listing::default()).then(|| self.listing.to_proto()),
            version: 0,
            change_reason: String::new(),
        }
    }

    /// A checklist of one entry: the item itself, with method and basis from the row.
    pub(super) fn derived_checklist(&self) -> Vec<Check> {
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
