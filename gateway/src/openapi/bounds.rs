//! What a field's comment says of the values it takes. The contract tells bounds in words, always in the same ones:
//! `1 to 1,000; 50 when 0`, `at least 12 characters`, `YYYY-MM-DD`, `six digits`, `Matches X`.

use prost_reflect::{FieldDescriptor, Kind};
use serde_json::{Value, json};

/// Fields that say what the service found, whoever sends them.
const READ_ONLY: [&str; 7] =
    ["state", "creator", "publisher", "create_time", "change_time", "publish_time", "expire_time"];

/// What a field takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounds {
    pub pattern: Option<String>,
    pub format: Option<&'static str>,
    pub minimum: Option<i64>,
    pub maximum: Option<i64>,
    /// What 0 stands for.
    pub default: Option<i64>,
    pub chars_min: Option<i64>,
    pub chars_max: Option<i64>,
    pub items_max: Option<i64>,
    /// A request without it is refused.
    pub required: bool,
    /// Ignored in requests.
    pub read_only: bool,
}

impl Bounds {
    /// As the comment of the field says.
    pub fn of(field: &FieldDescriptor, comment: &str) -> Self {
        let mut bounds = Self::default();
        let is_text = field.kind() == Kind::String;
        let is_number = matches!(field.kind(), Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64);
        let is_request = field.parent_message().name().ends_with("Request");
        let may_be_empty = comment.contains("empty") || comment.contains("may be") || comment.contains("absent");
        let words: Vec<&str> = comment.split_whitespace().collect();
        if is_text && !field.is_list() && words.first() == Some(&"`YYYY-MM-DD`") || comment.contains(", `YYYY-MM-DD`") {
            bounds.format = Some("date");
        }
        if is_text && (comment.contains("six digits") && !comment.contains("or full name")) {
            bounds.pattern = Some(optional("[0-9]{6}", may_be_empty));
        }
        if let Some(pattern) = comment.split_once("atches `").and_then(|(_, rest)| rest.split_once('`')) {
            bounds.pattern = Some(optional(pattern.0, may_be_empty));
        }
        if is_text && let Some(pattern) = comment.split('`').skip(1).step_by(2).find(|text| is_expression(text)) {
            bounds.pattern.get_or_insert_with(|| optional(pattern, may_be_empty));
        }
        for (at, word) in words.iter().enumerate() {
            let Some(number) = number(word) else { continue };
            let before = |back: usize| at.checked_sub(back).and_then(|at| words.get(at)).copied().unwrap_or_default();
            let unit = words.get(at + 1).copied().unwrap_or_default();
            let of_characters = unit.starts_with("character");
            let range = (before(1) == "to").then(|| self::number(before(2))).flatten();
            match (range, before(2), before(1)) {
                (Some(from), ..) if is_text && of_characters => {
                    (bounds.chars_min, bounds.chars_max) = (Some(from), Some(number));
                }
                (Some(from), ..) if is_number && bounds.maximum.is_none() => {
                    (bounds.minimum, bounds.maximum) = (Some(from), Some(number));
                }
                (None, "at", "most") if is_text && of_characters => bounds.chars_max = Some(number),
                (None, "at", "least") if is_text && of_characters => bounds.chars_min = Some(number),
                (None, "at", "most") if field.is_list() && !of_characters => bounds.items_max = Some(number),
                (None, "at", "least") if is_number => bounds.minimum = Some(number),
                _ => {}
            }
            // `50 when 0`
            if is_number && unit == "when" && words.get(at + 2).is_some_and(|zero| zero.trim_matches('.') == "0") {
                (bounds.default, bounds.minimum) = (Some(number), Some(0));
            }
        }
        bounds.required = is_request
            && !may_be_empty
            && !field.is_list()
            && match field.name() {
                "etag" => comment.contains("read before"),
                "username" | "password" | "old_password" | "new_password" | "client" | "secret" => is_text,
                "reason" => !comment.contains("needed") && !comment.contains("known"),
                _ => false,
            };
        if bounds.required && is_text {
            bounds.chars_min.get_or_insert(1);
        }
        bounds.read_only = !is_request && (comment.starts_with("Output") || READ_ONLY.contains(&field.name()));
        bounds
    }

    /// Writes it into the schema of the field.
    pub fn put(&self, field: &FieldDescriptor, schema: &mut Value) {
        if !field.is_list() {
            self.put_text(schema);
            let is_64_bit = schema["type"] == "string";
            for (name, value) in [("minimum", self.minimum), ("maximum", self.maximum), ("default", self.default)] {
                if let (Some(value), false) = (value, is_64_bit) {
                    schema[name] = json!(value);
                }
            }
        } else if let Some(most) = self.items_max {
            schema["maxItems"] = json!(most);
        }
    }

    /// The part of it that is of texts, into the schema of one value.
    pub fn put_text(&self, schema: &mut Value) {
        if schema["type"] != "string" || schema.get("contentEncoding").is_some() {
            return;
        }
        if let Some(pattern) = &self.pattern {
            schema["pattern"] = json!(pattern);
        }
        if let Some(format) = self.format {
            schema["format"] = json!(format);
        }
        for (name, value) in [("minLength", self.chars_min), ("maxLength", self.chars_max)] {
            if let Some(value) = value {
                schema[name] = json!(value);
            }
        }
    }
}

/// `1,000` or `two`.
fn number(word: &str) -> Option<i64> {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    match word {
        "one" => Some(1),
        "two" => Some(2),
        _ => word.starts_with(|c: char| c.is_ascii_digit()).then(|| word.replace(',', "").parse().ok()).flatten(),
    }
}

/// Whether what stands in backquotes is an expression that values match, such as `[a-z0-9-]{2,40}`.
fn is_expression(text: &str) -> bool {
    text.starts_with('[') && text.contains("]{") && text.ends_with('}')
}

fn optional(pattern: &str, may_be_empty: bool) -> String {
    if may_be_empty { format!("^({pattern})?$") } else { format!("^{pattern}$") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi::comments::Comments;

    fn bounds(message: &str, field: &str) -> Bounds {
        let message = proto::POOL.get_message_by_name(&format!("qingtian.{message}")).unwrap();
        let field = message.get_field_by_name(field).unwrap();
        Bounds::of(&field, Comments::new(&proto::POOL).field(&field))
    }

    #[test]
    fn bounds_are_those_the_comments_tell() {
        let page = bounds("draws.v1.ListPlansRequest", "page_size");
        assert_eq!((page.minimum, page.maximum, page.default), (Some(0), Some(1_000), Some(50)));
        assert_eq!(bounds("identity.v1.ChangePasswordRequest", "new_password").chars_min, Some(12));
        let reason = bounds("identity.v1.SetCertificateRequest", "reason");
        assert_eq!((reason.chars_min, reason.chars_max, reason.required), (Some(1), Some(500), true));
        assert_eq!(bounds("draws.v1.PlanException", "reason").chars_min, Some(2));
        assert_eq!(bounds("draws.v1.Plan", "start_date").format, Some("date"));
        assert_eq!(bounds("draws.v1.Plan", "title"), Bounds::default());
        assert_eq!(bounds("draws.v1.CountyUnit", "district").pattern.as_deref(), Some("^[0-9]{6}$"));
        assert_eq!(bounds("draws.v1.Entry", "value").pattern.as_deref(), Some("^[0-9A-Za-z .,:-]{1,200}$"));
        assert_eq!(bounds("catalog.v1.PublishItemsRequest", "names").items_max, Some(1_000));
        assert_eq!(bounds("portal.v1.SearchRequest", "query").chars_max, Some(100));
        assert_eq!(bounds("draws.v1.ExpertPart", "count").maximum, Some(50));
        assert!(bounds("draws.v1.SubmitPlanRequest", "etag").required);
        assert!(bounds("draws.v1.Plan", "class_setting").read_only);
        assert!(bounds("draws.v1.Plan", "create_time").read_only);
    }
}
