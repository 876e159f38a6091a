//! From an HTTP request to the rpc's message: body, then query, then path, each by the contract's descriptors. The comment of
//! `google/api/http.proto` is followed; where it leaves something open, this is decided:
//!
//! - A field has exactly one place. What stands in the query though the path or the body binds it, a field that does not exist
//!   and a single field given twice are refused rather than ignored (as by Envoy). Only in the body may a field of the path
//!   stand too, as in a resource that is sent back; the path counts.
//! - Query keys are read in either spelling, `plan.startDate` or `plan.start_date`, down to a field of one value. Repeated
//!   fields are given several times; maps and lists of messages have no place there. A struct or any JSON value is its JSON
//!   (as by grpc-gateway); a mask of fields is a list with commas, in either spelling.
//! - Values of query and path are read as JSON reads the same in quotes: `1e2` is a whole number, `+1` none. Enums by name, or
//!   by a number that has a name (as by grpc-gateway); `true` and `false` are the only booleans. `?name` is `?name=`.
//! - In the query `+` is a space, in the path it is itself. In a value of several segments `%2F` stays as it is; everything else
//!   is decoded once. A percent sign without two hex digits, what is not UTF-8, and U+0000 are refused.
//! - A missing or empty body is an empty message. A body where the route has none is refused.

use prost_reflect::{DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value};

use crate::error::{Fault, Result};
use crate::json::{self, numbers};
use crate::routes::{BodyPlace, Bound, Found, Route, Shape};

/// Parameters of one query at the most.
const PARAMETERS_MAX: usize = 256;

/// Makes the request message. `body` is the whole JSON body, empty when there is none; an upload's
/// bytes and lines are not bound here.
pub fn bind(found: &Found<'_>, query: Option<&str>, body: &[u8]) -> Result<DynamicMessage> {
    let route = found.route;
    let mut message = match (&route.body, &route.shape) {
        (BodyPlace::Whole, Shape::Unary | Shape::Download | Shape::Events) if !body.is_empty() => {
            json::message(&route.input, body).map_err(Fault::bad_json)?
        }
        (BodyPlace::Field(field), Shape::Unary | Shape::Download | Shape::Events) if !body.is_empty() => {
            let mut message = DynamicMessage::new(route.input.clone());
            if let Some(value) = json::field(field, body).map_err(Fault::bad_json)? {
                message.set_field(field, value);
            }
            message
        }
        (BodyPlace::None, _) if !body.is_empty() => return Err(Fault::bad_json("this request has no body")),
        _ => DynamicMessage::new(route.input.clone()),
    };
    bind_query(&mut message, route, query.unwrap_or_default())?;
    for (bound, raw) in route.bound.iter().zip(&found.values) {
        bind_path(&mut message, bound, raw)?;
    }
    Ok(message)
}

fn bind_path(message: &mut DynamicMessage, bound: &Bound, raw: &str) -> Result<()> {
    let name = dotted(&bound.fields);
    // In a value of several segments an escaped slash stays escaped, else `a%2Fb` and `a/b` were one name.
    let text = decode(raw, bound.several, false).map_err(|problem| Fault::invalid(&name, problem))?;
    let Some((last, outer)) = bound.fields.split_last() else { return Ok(()) };
    let value = scalar(last, &text).map_err(|problem| Fault::invalid(&name, problem))?;
    inner_mut(message, outer).set_field(last, value);
    Ok(())
}

fn bind_query(message: &mut DynamicMessage, route: &Route, query: &str) -> Result<()> {
    let mut given: Vec<Vec<FieldDescriptor>> = Vec::new();
    for (index, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        if index >= PARAMETERS_MAX {
            return Err(Fault::invalid("query", format!("more than {PARAMETERS_MAX} parameters")));
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = decode(key, false, true).map_err(|problem| Fault::invalid("query", problem))?;
        let value = decode(value, false, true).map_err(|problem| Fault::invalid(&key, problem))?;
        let fields = query_fields(&route.input, &key).ok_or_else(|| Fault::invalid(&key, "no such field"))?;
        if is_elsewhere(route, &fields) {
            return Err(Fault::invalid(&key, "stands in the path or the body, not in the query"));
        }
        let Some((last, outer)) = fields.split_last() else { continue };
        if last.is_map() {
            return Err(Fault::invalid(&key, "a map cannot stand in a query"));
        }
        let value = scalar(last, &value).map_err(|problem| Fault::invalid(&key, problem))?;
        let inside = inner_mut(message, outer);
        if last.is_list() {
            if let Some(list) = inside.get_field_mut(last).as_list_mut() {
                list.push(value);
            }
            continue;
        }
        let same_choice = |other: &Vec<FieldDescriptor>| {
            let (Some(theirs), Some(ours)) = (other.last().and_then(|f| f.containing_oneof()), last.containing_oneof())
            else {
                return false;
            };
            theirs == ours && other[..other.len() - 1] == *outer
        };
        if given.iter().any(|other| *other == fields || same_choice(other)) {
            return Err(Fault::invalid(&key, "given twice"));
        }
        inside.set_field(last, value);
        given.push(fields);
    }
    Ok(())
}

/// The fields a query key such as `plan.startDate` names, in either spelling.
fn query_fields(message: &MessageDescriptor, key: &str) -> Option<Vec<FieldDescriptor>> {
    let mut at = Some(message.clone());
    let mut fields = Vec::new();
    for name in key.split('.') {
        let inside = at?;
        let field = inside.get_field_by_json_name(name).or_else(|| inside.get_field_by_name(name))?;
        at = match field.kind() {
            Kind::Message(inner) if !field.is_list() && !field.is_map() && well_known(&inner).is_none() => Some(inner),
            _ => None,
        };
        fields.push(field);
    }
    Some(fields)
}

/// Whether a field, or one around or inside it, is bound by path or body.
fn is_elsewhere(route: &Route, fields: &[FieldDescriptor]) -> bool {
    let overlaps = |other: &[FieldDescriptor]| fields.iter().zip(other).all(|(a, b)| a == b);
    let in_body = match &route.body {
        BodyPlace::None => false,
        BodyPlace::Whole => true,
        BodyPlace::Field(field) => overlaps(std::slice::from_ref(field)),
    };
    in_body || route.bound.iter().any(|bound| overlaps(&bound.fields))
}

/// The message in which a field stands. `outer` are singular message fields, as of routes and of `query_fields`.
pub(crate) fn inner_mut<'m>(message: &'m mut DynamicMessage, outer: &[FieldDescriptor]) -> &'m mut DynamicMessage {
    let mut at = message;
    for field in outer {
        // The value of such a field is a message.
        at = match at.get_field_mut(field) {
            Value::Message(inner) => inner,
            other => unreachable!("{} holds {other:?}", field.full_name()),
        };
    }
    at
}

/// How a message that is written as one text is read.
#[derive(Clone, Copy)]
enum WellKnown {
    FieldMask,
    /// As the same text in JSON: times, durations.
    Text,
    /// As JSON: structs and whatever else.
    Json,
    /// The wrapped value's own text.
    Wrapper,
}

fn well_known(message: &MessageDescriptor) -> Option<WellKnown> {
    match message.full_name().strip_prefix("google.protobuf.")? {
        "FieldMask" => Some(WellKnown::FieldMask),
        "Timestamp" | "Duration" => Some(WellKnown::Text),
        "Struct" | "Value" | "ListValue" => Some(WellKnown::Json),
        "StringValue" | "BytesValue" | "BoolValue" | "Int32Value" | "Int64Value" | "UInt32Value" | "UInt64Value"
        | "FloatValue" | "DoubleValue" => Some(WellKnown::Wrapper),
        _ => None,
    }
}

/// One value of a field (of its elements when it is a list) from text.
fn scalar(field: &FieldDescriptor, text: &str) -> std::result::Result<Value, String> {
    if text.contains('\0') {
        return Err("the character U+0000 is not allowed".to_owned());
    }
    Ok(match field.kind() {
        Kind::String => Value::String(text.to_owned()),
        Kind::Bool => match text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err("must be true or false".to_owned()),
        },
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(numbers::integer(text)?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(numbers::integer(text)?),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(numbers::integer(text)?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(numbers::integer(text)?),
        Kind::Float => Value::F32(numbers::single(text)?),
        Kind::Double => Value::F64(numbers::double(text)?),
        Kind::Bytes => Value::Bytes(json::base64(text)?.into()),
        Kind::Enum(values) => Value::EnumNumber(enum_number(&values, text)?),
        Kind::Message(inner) => Value::Message(well_known_value(&inner, text)?),
    })
}

fn enum_number(values: &EnumDescriptor, text: &str) -> std::result::Result<i32, String> {
    let by_number = || text.parse().ok().filter(|&number: &i32| values.get_value(number).is_some());
    let found = values.get_value_by_name(text).map(|value| value.number()).or_else(by_number);
    found.ok_or_else(|| format!("not a value of {}", values.name()))
}

fn well_known_value(message: &MessageDescriptor, text: &str) -> std::result::Result<DynamicMessage, String> {
    match well_known(message) {
        Some(WellKnown::Text) => json::from_text(message, text),
        Some(WellKnown::Json) => json::message(message, text.as_bytes()).map_err(|bad| bad.to_string()),
        Some(WellKnown::Wrapper) => {
            let mut wrapper = DynamicMessage::new(message.clone());
            let inner = message.get_field(1).ok_or("not a wrapper")?;
            wrapper.set_field(&inner, scalar(&inner, text)?);
            Ok(wrapper)
        }
        Some(WellKnown::FieldMask) => {
            let paths = text.split(',').filter(|path| !path.is_empty()).map(snake_path).collect::<Option<Vec<_>>>();
            let paths = paths.ok_or("not a list of field paths")?;
            let mut mask = DynamicMessage::new(message.clone());
            mask.set_field_by_name("paths", Value::List(paths.into_iter().map(Value::String).collect()));
            Ok(mask)
        }
        None => Err("a message cannot stand in a query; name its fields".to_owned()),
    }
}

/// A field path in either spelling as the contract spells it.
fn snake_path(path: &str) -> Option<String> {
    let mut snake = String::with_capacity(path.len() + 4);
    for c in path.chars() {
        match c {
            'A'..='Z' => snake.extend(['_', c.to_ascii_lowercase()]),
            'a'..='z' | '0'..='9' | '_' | '.' | '*' => snake.push(c),
            _ => return None,
        }
    }
    Some(snake)
}

fn dotted(fields: &[FieldDescriptor]) -> String {
    fields.iter().map(FieldDescriptor::name).collect::<Vec<_>>().join(".")
}

/// Undoes percent-encoding, strictly. `keep_slash` leaves `%2F` as it is; `form` reads a plus as a space.
pub(crate) fn decode(text: &str, keep_slash: bool, form: bool) -> std::result::Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'%' => {
                let (pair, after) =
                    after.split_at_checked(2).ok_or("a percent sign is not followed by two hex digits")?;
                let mut byte = [0];
                hex::decode_to_slice(pair, &mut byte)
                    .map_err(|_| "a percent sign is not followed by two hex digits")?;
                if keep_slash && byte == *b"/" {
                    bytes.push(b'%');
                    bytes.extend(pair);
                } else {
                    bytes.extend(byte);
                }
                rest = after;
            }
            b'+' if form => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())
}

/// The message as it goes over the wire.
pub fn encode(message: &DynamicMessage) -> bytes::Bytes {
    use prost::Message as _;
    message.encode_to_vec().into()
}

#[cfg(test)]
#[path = "binder_tests.rs"]
mod tests;
