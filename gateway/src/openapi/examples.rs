//! Examples. What a comment gives (`such as X`) counts; else the form it tells, else what the field's name stands for in this
//! contract, so that an example is a thing of this city and passes for one at the service.

use kit::codes::{CreditCode, DistrictCode};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::bounds::Bounds;
use super::comments::Comments;
use super::schemas::Way;

/// Messages inside each other in an example at the most.
const DEPTH_MAX: usize = 6;
/// The district of the examples: 龙亭区.
const DISTRICT: &str = "410202";

/// The last parts of resource names, by what stands before them.
const NAMES: [(&str, &str); 20] = [
    ("organisations", "market"),
    ("plans", "2026-07"),
    ("draws", "2026-0001"),
    ("items", "12"),
    ("users", "0199c0de-7a51-7c42-9d6e-2b8f0c4e1a35"),
    ("machineClients", "0199c0de-81b4-7d10-8a3f-6e5d4c3b2a19"),
    ("visits", "2026-0001-1"),
    ("leaves", "1"),
    ("experts", "KF-ZJ-001"),
    ("recusals", "1"),
    ("imports", "0199c0de-8c2a-7b3c-9f41-0d1e2f3a4b5c"),
    ("itemImports", "0199c0de-8c2a-7b3c-9f41-0d1e2f3a4b5c"),
    ("registerChanges", "1"),
    ("conflicts", "1"),
    ("proofCodes", "1"),
    ("declarations", "1"),
    ("uploads", "0199c0de-9d3b-7e4d-8b52-1c2d3e4f5a6b"),
    ("itemUploads", "0199c0de-9d3b-7e4d-8b52-1c2d3e4f5a6b"),
    ("versions", "1"),
    ("subjects", ""),
];

/// Texts by the name of their field.
const TEXTS: [(&str, &str); 58] = [
    ("title", "2026年度食品生产企业监督检查"),
    ("title_en", "Market Supervision Administration"),
    ("short_title", "市场监管局"),
    ("organisation_title", "开封市市场监督管理局"),
    ("plan_title", "2026年度食品生产企业监督检查"),
    ("real_name", "王建国"),
    ("username", "wangjianguo"),
    ("password", "Qingtian-2026-kaifeng"),
    ("old_password", "Qingtian-2026-kaifeng"),
    ("new_password", "Bianjing-2027-longting"),
    ("secret", "q3V1mVh0mK6s1f2nT8yR4pXw7zLc9aQeJbUoGdYtHrE"),
    ("token", "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1c2Vycy8xIn0.c2lnbmF0dXJl"),
    ("csrf_token", "h8Yx0vW3nKp5sQ2tLr7uZc4eBmJd9aFgTiXoVbNyHwE"),
    ("etag", "3"),
    ("request_id", "0199c0de-5f1e-7a3b-8c4d-9e0f1a2b3c4d"),
    ("page_token", ""),
    ("next_page_token", ""),
    ("query", "食品"),
    ("reason", "企业已迁出本区"),
    ("return_reason", "抽查比例与年度计划不一致，请核对"),
    ("purpose", "核对抽查结果"),
    ("method", "现场检查"),
    ("frequency", "每年1次"),
    ("content", "食品生产许可证是否在有效期内"),
    ("penalty_basis", "《中华人民共和国食品安全法》第一百二十二条"),
    ("legal_basis", "《中华人民共和国食品安全法》第一百零九条"),
    ("basis", "《中华人民共和国政府信息公开条例》第十六条"),
    ("inspecting_body", "市、县级市场监管部门"),
    ("subject_scope", "食品生产企业"),
    ("ratio", "3%"),
    ("officer_demand", "两名以上持证执法人员"),
    ("remark", "与消防检查联合开展"),
    ("sub_title", "食品生产许可证检查"),
    ("code", "12"),
    ("address", "开封市龙亭区西大街1号"),
    ("industry", "C1411"),
    ("industry_code", "C1411"),
    ("credit_class", "B"),
    ("specialty", "food"),
    ("specialties", "food"),
    ("file_name", "名录.csv"),
    ("encoding", "UTF-8"),
    ("columns", "title=企业名称"),
    ("number", "HN-B-0001"),
    ("officer", "HN-B-0001"),
    ("person", "HN-B-0001"),
    ("contributor", "market"),
    ("unit", "market"),
    ("value", "4 2 6 1 3"),
    ("beacon", "drand:quicknet:14000000"),
    ("message", "抽查比例或数量不正确：分层“410202”没有比例"),
    ("message_en", "The quota is not valid: stratum 410202 has none"),
    ("line", "91410202MA00000000\t410202"),
    ("file", "subjects.tsv"),
    ("stratum", DISTRICT),
    ("phone", "0371-23880000"),
    ("page", "/draws/2026-0001/own-line"),
    ("officers", "HN-B-0001"),
];

/// A unified social credit code of that district with its right check digit.
pub fn credit_code() -> String {
    // The district is a valid one.
    DistrictCode::parse(DISTRICT).map(|d| CreditCode::generate(d, false, 2026).to_string()).unwrap_or_default()
}

/// The last part of the name of something that stands below `collection`.
pub fn last_part(collection: &str) -> String {
    let known = NAMES.iter().find(|(name, part)| *name == collection && !part.is_empty());
    known.map_or_else(|| if collection == "subjects" { credit_code() } else { "1".to_owned() }, |k| k.1.to_owned())
}

/// An example of one value of a field that is no message.
pub fn told(field: &FieldDescriptor, comment: &str) -> Option<Value> {
    let bounds = Bounds::of(field, comment);
    Some(match field.kind() {
        Kind::String => text(field, comment, &bounds).into(),
        Kind::Bool => true.into(),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Uint32 | Kind::Fixed32 => whole(field, &bounds).into(),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Uint64 | Kind::Fixed64 => {
            whole(field, &bounds).to_string().into()
        }
        Kind::Enum(values) => {
            let value = values.values().nth(1).or_else(|| values.values().next())?;
            value.name().into()
        }
        // Never in this contract, which counts in whole numbers.
        Kind::Float | Kind::Double => json!(1),
        Kind::Bytes => "cWluZ3RpYW4=".into(),
        Kind::Message(_) => return None,
    })
}

fn whole(field: &FieldDescriptor, bounds: &Bounds) -> i64 {
    let usual = match field.name() {
        "year" => 2026,
        "page_size" => 20,
        "ppm" => 30_000,
        "code" => 9,
        _ => bounds.default.unwrap_or(2),
    };
    usual.max(bounds.minimum.unwrap_or(usual)).min(bounds.maximum.unwrap_or(usual))
}

fn text(field: &FieldDescriptor, comment: &str, bounds: &Bounds) -> String {
    if let Some((_, after)) = comment.split_once("such as `")
        && let Some((given, _)) = after.split_once('`')
    {
        return given.to_owned();
    }
    if let Some(given) = quoted(comment).find(|text| is_resource_name(text)) {
        return resource_name(given);
    }
    match field.name() {
        "name" if field.parent_message().name().contains("Expert") => {
            "organisations/market/experts/KF-ZJ-001".to_owned()
        }
        "district" | "districts" | "default_district" => DISTRICT.to_owned(),
        "subject" | "subjects" | "key" if !comment.contains("ertificate") => credit_code(),
        "key" => "HN-B-0001".to_owned(),
        name if comment.contains("64 hex digits") => hex::encode(<sha2::Sha256 as sha2::Digest>::digest(name)),
        name if bounds.format == Some("date") => {
            if name.contains("end") || name.contains("until") || name.contains("expire") {
                "2026-11-30".to_owned()
            } else {
                "2026-11-02".to_owned()
            }
        }
        name => {
            let known = TEXTS.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
            known.or_else(|| quoted(comment).next().map(str::to_owned)).unwrap_or_else(|| {
                let shown: String = chinese(comment).into();
                if shown.is_empty() { "说明".to_owned() } else { shown }
            })
        }
    }
}

fn quoted(comment: &str) -> impl Iterator<Item = &str> {
    comment.split('`').skip(1).step_by(2)
}

fn is_resource_name(text: &str) -> bool {
    text.contains("/{") && text.ends_with('}') && text.starts_with(|c: char| c.is_ascii_lowercase())
}

/// `organisations/{organisation}/items/{item}` with everything filled in.
pub fn resource_name(pattern: &str) -> String {
    let mut filled: Vec<String> = Vec::new();
    for part in pattern.split('/') {
        let collection = filled.last().cloned().unwrap_or_default();
        filled.push(if part.starts_with('{') { last_part(&collection) } else { part.to_owned() });
    }
    filled.join("/")
}

/// The Chinese term a comment gives.
fn chinese(comment: &str) -> &str {
    let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    let Some(start) = comment.find(is_chinese) else { return "" };
    let rest = &comment[start..];
    &rest[..rest.find(|c| !is_chinese(c)).unwrap_or(rest.len())]
}

/// An example of a message; of each choice its first member stands.
pub fn message(comments: &Comments, message: &MessageDescriptor, way: Way, left_out: &[String]) -> Value {
    filled(comments, message, way, left_out, DEPTH_MAX)
}

fn filled(comments: &Comments, message: &MessageDescriptor, way: Way, left_out: &[String], depth: usize) -> Value {
    if let Some(value) = well_known(message) {
        return value;
    }
    let mut members = Map::new();
    for field in message.fields() {
        let comment = comments.field(&field);
        let is_other_choice = field.containing_oneof().is_some_and(|choice| {
            !choice.is_synthetic() && choice.fields().next().is_some_and(|first| first.number() != field.number())
        });
        let is_idle = match way {
            Way::In => {
                Bounds::of(&field, comment).read_only
                    || field.name() == "page_token"
                    || comment.starts_with("Only in events")
                    || left_out.iter().any(|name| name == field.name())
            }
            Way::Out => comment.starts_with("Only in events") && field.supports_presence(),
        };
        if is_other_choice || is_idle {
            continue;
        }
        if let Some(value) = one(comments, &field, comment, way, depth) {
            members.insert(field.json_name().to_owned(), value);
        }
    }
    members.into()
}

fn one(comments: &Comments, field: &FieldDescriptor, comment: &str, way: Way, depth: usize) -> Option<Value> {
    let inner = match field.kind() {
        Kind::Message(_) if field.is_map() => return Some(json!({})),
        Kind::Message(inner) if depth > 0 => Some(filled(comments, &inner, way, &[], depth - 1)),
        Kind::Message(_) => None,
        _ => told(field, comment),
    };
    match (inner, field.is_list()) {
        (Some(value), true) => Some(json!([value])),
        (None, true) => Some(json!([])),
        (value, false) => value,
    }
}

fn well_known(message: &MessageDescriptor) -> Option<Value> {
    Some(match message.full_name().strip_prefix("google.protobuf.")? {
        "Timestamp" => "2026-11-02T01:30:00Z".into(),
        "Duration" => "30s".into(),
        "FieldMask" => "title".into(),
        "Empty" | "Struct" => json!({}),
        "ListValue" => json!([]),
        "Any" => {
            json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "INVALID", "domain": "qingtian"})
        }
        "Value" => Value::Null,
        "BoolValue" => true.into(),
        "StringValue" => "说明".into(),
        "BytesValue" => "cWluZ3RpYW4=".into(),
        "Int64Value" | "UInt64Value" => "1".into(),
        "Int32Value" | "UInt32Value" | "FloatValue" | "DoubleValue" => 1.into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(message: &str, way: Way) -> Value {
        let comments = Comments::new(&proto::POOL);
        super::message(&comments, &proto::POOL.get_message_by_name(&format!("qingtian.{message}")).unwrap(), way, &[])
    }

    #[test]
    fn an_example_is_a_thing_of_this_city() {
        CreditCode::parse(&credit_code()).unwrap();
        assert_eq!(resource_name("organisations/{organisation}/items/{item}"), "organisations/market/items/12");
        let plan = example("draws.v1.Plan", Way::In);
        assert_eq!(
            (&plan["items"][0], &plan["startDate"]),
            (&"organisations/market/items/12".into(), &"2026-11-02".into())
        );
        assert!(plan.get("createTime").is_none() && plan.get("approvedException").is_none_or(|text| text != "x"));
        assert_eq!(plan["quotas"][0].as_object().unwrap().len(), 2, "a stratum and one of two amounts");
    }

    #[test]
    fn every_example_is_read_by_the_gateway() {
        let comments = Comments::new(&proto::POOL);
        for message in
            proto::POOL.all_messages().filter(|m| m.full_name().starts_with("qingtian.") && !m.is_map_entry())
        {
            for way in [Way::In, Way::Out] {
                let example = super::message(&comments, &message, way, &[]);
                let text = serde_json::to_vec(&example).unwrap();
                let read = crate::json::message(&message, &text);
                assert!(read.is_ok(), "{}: {:?}: {example:#}", message.full_name(), read.err());
            }
        }
    }
}
