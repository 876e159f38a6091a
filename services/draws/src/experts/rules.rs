//! What an expert of the register is (art. 13, 15, 16): a number that is nobody's identity number, a person, his field and his
//! interests. Pure.

use std::collections::BTreeSet;

use kit::{
    auth::Caller,
    codes::{DistrictCode, SubjectKey},
    error::{Reason, Refusal, Result},
};
use proto::qingtian::{access::v1::Role, draws::v1 as pb};
use serde::{Deserialize, Serialize};

use crate::plans::content::text;

const KEY_CHARS_MAX: usize = 64;
const NAME_CHARS_MAX: usize = 50;
const EMPLOYER_CHARS_MAX: usize = 200;
const RELATION_CHARS_MAX: usize = 50;
/// Specialties and districts of one expert at the most.
const NAMES_MAX: usize = 50;
/// Interests of one expert at the most.
const INTERESTS_MAX: usize = 50;

/// Parses a register number.
///
/// # Errors
/// `EXPERT_KEY_IS_IDENTITY`, however the number is broken up; `INVALID`.
pub fn key(field: &str, given: &str) -> Result<String> {
    let key = given.trim();
    let bare: Vec<u8> = key.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    let identity = match bare.as_slice() {
        bare if bare.len() == 15 => digits(bare),
        [number @ .., check] if number.len() == 17 => {
            digits(number) && (check.is_ascii_digit() || check.eq_ignore_ascii_case(&b'x'))
        }
        _ => false,
    };
    if identity {
        return Err(Refusal::new(Reason::ExpertKeyIsIdentity));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if key.is_empty() || key.len() > KEY_CHARS_MAX || !key.bytes().all(allowed) {
        let problem = "应为 1 至 64 个字母、数字或 . _ - / 1 to 64 letters, digits or . _ -";
        return Err(Refusal::invalid(field, problem));
    }
    Ok(key.to_owned())
}

/// Whom an expert works for, advises or owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interest {
    pub title: String,
    /// Key of the subject; empty where it is none.
    pub subject: String,
    pub relation: String,
}

/// What is sealed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Private {
    pub real_name: String,
    pub interests: Vec<Interest>,
}

/// What is kept of an expert.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    pub private: Private,
    pub employer: String,
    /// Sorted, without repeats, as evidence has them.
    pub specialties: Vec<String>,
    /// Six digits each, sorted, without repeats.
    pub districts: Vec<String>,
}

impl Content {
    /// Parses what a handler writes. `field` names the fields' common beginning, such as `expert.`.
    ///
    /// # Errors
    /// `INVALID` with the field.
    pub fn parse(field: &str, given: &pb::Expert) -> Result<Self> {
        let at = |name: &str| format!("{field}{name}");
        let real_name = text(&at("real_name"), &given.real_name, NAME_CHARS_MAX)?;
        if real_name.chars().count() < 2 {
            return Err(Refusal::invalid(at("real_name"), "请填写真实姓名 / the real name"));
        }
        if real_name.contains(MASK) {
            let problem = "这是隐去的姓名，请先按用途查看完整信息再修改 / a masked name; read the expert whole first";
            return Err(Refusal::invalid(at("real_name"), problem));
        }
        let employer = text(&at("employer"), &given.employer, EMPLOYER_CHARS_MAX)?;
        if employer.is_empty() {
            return Err(Refusal::invalid(at("employer"), "请填写工作单位 / the employer"));
        }
        let specialties = names(&at("specialties"), &given.specialties, |name| {
            lottery::names::is_name(name.as_bytes()).then(|| name.to_owned()).ok_or_else(|| {
                let problem = format!("“{name}”不是专业代码（字母、数字、- 等 1 至 64 个）/ not a code of a specialty");
                Refusal::invalid(at("specialties"), problem)
            })
        })?;
        let districts = names(&at("districts"), &given.districts, |name| {
            let named = DistrictCode::named(name).map_or_else(|| DistrictCode::parse(name), Ok);
            let code = named
                .map_err(|error| Refusal::invalid(at("districts"), format!("“{name}”：{} / {error}", error.zh())))?;
            Ok(code.as_str().to_owned())
        })?;
        let interests = interests(&at("interests"), &given.interests)?;
        Ok(Self { private: Private { real_name, interests }, employer, specialties, districts })
    }

    /// Subjects the interests name, each once.
    pub fn subjects(&self) -> BTreeSet<&str> {
        let named = self.private.interests.iter().map(|interest| interest.subject.as_str());
        named.filter(|subject| !subject.is_empty()).collect()
    }
}

fn names(field: &str, given: &[String], parse: impl Fn(&str) -> Result<String>) -> Result<Vec<String>> {
    if given.len() > NAMES_MAX {
        return Err(Refusal::invalid(field, format!("至多 {NAMES_MAX} 项 / at most {NAMES_MAX}")));
    }
    let parsed: BTreeSet<String> = given.iter().map(|name| parse(name.trim())).collect::<Result<_>>()?;
    Ok(parsed.into_iter().collect())
}

fn interests(field: &str, given: &[pb::Interest]) -> Result<Vec<Interest>> {
    if given.len() > INTERESTS_MAX {
        return Err(Refusal::invalid(field, format!("至多 {INTERESTS_MAX} 项 / at most {INTERESTS_MAX}")));
    }
    let parse = |one: &pb::Interest| {
        let title = text(field, &one.title, EMPLOYER_CHARS_MAX)?;
        if title.is_empty() {
            return Err(Refusal::invalid(field, "请填写单位或企业名称 / name the organisation or firm"));
        }
        let subject = match one.subject.trim() {
            "" => String::new(),
            key => SubjectKey::parse(key)
                .map_err(|error| Refusal::invalid(field, format!("“{key}”：{} / {error}", error.zh())))?
                .to_string(),
        };
        Ok(Interest { title, subject, relation: text(field, &one.relation, RELATION_CHARS_MAX)? })
    };
    given.iter().map(parse).collect()
}

/// Refuses whoever looks for an expert by his real name without a right to read it, or without saying what for (art. 44).
///
/// # Errors
/// `ROLE_MISSING`, `PURPOSE_MISSING`.
pub fn check_naming(caller: &Caller) -> Result<()> {
    if ![Role::Handler, Role::Reviewer, Role::Auditor].iter().any(|role| caller.has(*role)) {
        return Err(Refusal::new(Reason::RoleMissing).with("needed", "HANDLER"));
    }
    if caller.purpose.trim().is_empty() { Err(Refusal::new(Reason::PurposeMissing)) } else { Ok(()) }
}

/// Stands for each character that is left out of a masked name.
const MASK: char = '＊';

/// A name as lists show it: the first character stays.
pub fn masked(name: &str) -> String {
    let mut characters = name.chars();
    let first = characters.next().map(String::from).unwrap_or_default();
    first + &MASK.to_string().repeat(characters.count().clamp(1, 3))
}

/// An expert as shown to whoever stated no purpose: the name masked, the interests left out.
pub fn without_private(expert: pb::Expert) -> pb::Expert {
    pb::Expert { real_name: masked(&expert.real_name), interests: Vec::new(), ..expert }
}

/// What may be asked of an expert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A new one.
    Register(Content),
    /// Another content.
    Change(Content),
    /// No longer drawn.
    Retire,
    /// Drawn again.
    TakeBack,
}

impl Act {
    /// As the database keeps it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Register(_) => "REGISTER",
            Self::Change(_) => "CHANGE",
            Self::Retire => "RETIRE",
            Self::TakeBack => "TAKE_BACK",
        }
    }

    /// What the expert is to become; none where only the state changes.
    pub fn content(&self) -> Option<&Content> {
        match self {
            Self::Register(content) | Self::Change(content) => Some(content),
            Self::Retire | Self::TakeBack => None,
        }
    }

    /// As it was kept; none where the content cannot be read any more.
    pub fn stored(act: &str, content: Option<Content>) -> Option<Self> {
        match (act, content) {
            ("REGISTER", Some(content)) => Some(Self::Register(content)),
            ("CHANGE", Some(content)) => Some(Self::Change(content)),
            ("RETIRE", _) => Some(Self::Retire),
            ("TAKE_BACK", _) => Some(Self::TakeBack),
            _ => None,
        }
    }

    /// What whoever approves is told: the fields lists show as they are and as they will be; of what is sealed only that it
    /// changes, and of the interests the subjects they exclude.
    pub fn told(&self, before: Option<&Content>) -> String {
        let (verb, after) = match self {
            Self::Register(content) => ("登记 register", content),
            Self::Change(content) => ("修改 change", content),
            Self::Retire => return "退出 retire".to_owned(),
            Self::TakeBack => return "恢复在册 take back".to_owned(),
        };
        let none = Content::default();
        let before = before.unwrap_or(&none);
        let mut told = Vec::new();
        if before.private.real_name != after.private.real_name {
            told.push(format!("姓名 name → {}", masked(&after.private.real_name)));
        }
        let subjects = |content: &Content| content.subjects().into_iter().collect::<Vec<_>>().join("、");
        for (title, was, is) in [
            ("工作单位 employer", before.employer.clone(), after.employer.clone()),
            ("专业 specialties", before.specialties.join("、"), after.specialties.join("、")),
            ("区划 districts", before.districts.join("、"), after.districts.join("、")),
            ("利害关系对象 interests", subjects(before), subjects(after)),
        ] {
            if was != is {
                told.push(format!("{title}：{} → {}", shown(&was), shown(&is)));
            }
        }
        if told.is_empty() {
            told.push("利害关系的文字 the words of the interests".to_owned());
        }
        format!("{verb}；{}", told.join("；"))
    }
}

fn shown(text: &str) -> &str {
    if text.is_empty() { "（无）" } else { text }
}

/// Whether an expert is still as he was when a change was asked for: seen at a revision (0: not at all), now at another or not
/// in the register; the words say what happened meanwhile.
///
/// # Errors
/// What came between, in Chinese and English.
pub fn check_row(seen: i64, now: Option<i64>, taken: bool) -> std::result::Result<(), &'static str> {
    match (seen, now) {
        (0, _) if taken => Err("编号已被占用 the number was taken meanwhile"),
        (0, None) => Ok(()),
        (seen, Some(now)) if seen == now => Ok(()),
        (0, Some(_)) => Err("其间已登记 registered meanwhile"),
        (_, _) => Err("其间已被修改 changed meanwhile"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expert() -> pb::Expert {
        pb::Expert {
            real_name: " 张建国 ".into(),
            employer: "河南大学".into(),
            specialties: vec!["food".into(), "drug".into(), "food".into()],
            districts: vec!["410203".into(), "龙亭区".into()],
            interests: vec![pb::Interest {
                title: "某食品公司".into(),
                subject: "91330000054222688D".into(),
                relation: "顾问".into(),
            }],
            ..Default::default()
        }
    }

    #[test]
    fn an_expert_is_parsed_whole_and_sorted_as_evidence_is() {
        let content = Content::parse("expert.", &expert()).unwrap();
        assert_eq!(content.private.real_name, "张建国");
        assert_eq!(content.specialties, ["drug", "food"]);
        assert_eq!(content.districts, ["410202", "410203"]);
        assert_eq!(content.subjects().into_iter().collect::<Vec<_>>(), ["91330000054222688D"]);
        for (wrong, field) in [
            (pb::Expert { real_name: "张".into(), ..expert() }, "expert.real_name"),
            (without_private(expert()), "expert.real_name"),
            (pb::Expert { employer: " ".into(), ..expert() }, "expert.employer"),
            (pb::Expert { specialties: vec!["食品".into()], ..expert() }, "expert.specialties"),
            (pb::Expert { districts: vec!["41".into()], ..expert() }, "expert.districts"),
            (pb::Expert { interests: vec![pb::Interest::default()], ..expert() }, "expert.interests"),
            (
                pb::Expert {
                    interests: vec![pb::Interest {
                        title: "某".into(),
                        subject: "91330000054222688E".into(),
                        ..Default::default()
                    }],
                    ..expert()
                },
                "expert.interests",
            ),
        ] {
            let refusal = Content::parse("expert.", &wrong).unwrap_err();
            assert_eq!(refusal.reason(), Reason::Invalid);
            assert!(refusal.message().contains(field), "{}", refusal.message());
        }
    }

    #[test]
    fn who_approves_is_told_what_changes_and_no_name_in_full() {
        let before = Content::parse("", &expert()).unwrap();
        let told = Act::Register(before.clone()).told(None);
        assert!(told.contains("张＊＊") && told.contains("河南大学") && told.contains("91330000054222688D"), "{told}");
        assert!(!told.contains("张建国"), "{told}");
        let mut after = Content { districts: vec!["410202".into()], ..before.clone() };
        let told = Act::Change(after.clone()).told(Some(&before));
        assert_eq!(told, "修改 change；区划 districts：410202、410203 → 410202");
        after.districts.clone_from(&before.districts);
        after.private.interests[0].relation = "股东".into();
        assert!(!Act::Change(after).told(Some(&before)).contains("股东"));
        assert_eq!(Act::stored("CHANGE", None), None, "what cannot be read is not done");
    }

    #[test]
    fn an_expert_is_changed_only_as_he_was_seen() {
        assert_eq!((check_row(0, None, false), check_row(3, Some(3), false)), (Ok(()), Ok(())));
        for (seen, now, taken) in [(0, Some(1), false), (3, Some(4), false), (3, None, false), (0, None, true)] {
            assert!(check_row(seen, now, taken).is_err(), "{seen} {now:?} {taken}");
        }
    }

    #[test]
    fn a_real_name_is_looked_for_by_those_who_may_read_it_and_say_what_for() {
        let caller =
            |role: Role, purpose: &str| Caller { roles: vec![role], purpose: purpose.into(), ..Caller::default() };
        for role in [Role::Handler, Role::Reviewer, Role::Auditor] {
            assert!(check_naming(&caller(role, "contact")).is_ok(), "{role:?}");
            assert_eq!(check_naming(&caller(role, " ")).unwrap_err().reason(), Reason::PurposeMissing);
        }
        for role in [Role::Officer, Role::DepartmentAdmin, Role::SupervisionOffice] {
            assert_eq!(check_naming(&caller(role, "contact")).unwrap_err().reason(), Reason::RoleMissing, "{role:?}");
        }
    }

    #[test]
    fn a_masked_name_keeps_its_first_character() {
        assert_eq!(
            (masked("张建国"), masked("张"), masked("欧阳建国强")),
            ("张＊＊".into(), "张＊".into(), "欧＊＊＊".into())
        );
    }

    proptest! {
        #[test]
        fn no_identity_number_is_a_key_however_it_is_written(
            digits in "[0-9]{15}|[0-9]{17}[0-9Xx]", breaks in proptest::collection::vec((0usize..18, "[._ -]"), 0..4),
        ) {
            let mut text = digits;
            for (at, mark) in breaks {
                text.insert_str(at.min(text.len()), &mark);
            }
            prop_assert_eq!(key("key", &text).unwrap_err().reason(), Reason::ExpertKeyIsIdentity);
        }

        #[test]
        fn a_key_can_always_stand_in_evidence(text in "[0-9A-Za-z._-]{1,14}") {
            prop_assert!(lottery::names::is_name(key("key", &text).unwrap().as_bytes()));
        }

        #[test]
        fn nothing_else_is_a_key(text in "[0-9A-Z]{0,5}[^0-9A-Za-z._ -][0-9A-Z]{0,5}") {
            prop_assume!(text.trim().bytes().any(|byte| !(byte.is_ascii_alphanumeric() || b"._-".contains(&byte))));
            prop_assert!(key("key", &text).is_err());
        }
    }
}
