//! From an HTTP request to the rpc's message: body, then query, then path, each by the contract's descriptors. A field has
//! exactly one place; anything else is refused rather than ignored.

use prost_reflect::{
    DeserializeOptions, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _,
    Value,
};
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as ValueError, StrDeserializer};

use crate::error::{Fault, Result};
use crate::json;
use crate::routes::{BodyPlace, Bound, Found, Route, Shape};

/// Parameters of one query at the most.
const PARAMETERS_MAX: usize = 256;

/// Makes the request message. `body` is the whole JSON body, empty when there is none; an upload's bytes are not bound here.
pub fn bind(found: &Found<'_>, query: Option<&str>, body: &[u8]) -> Result<DynamicMessage> {
    let route = found.route;
    let mut message = match (&route.body, &route.shape) {
        (BodyPlace::Whole, _) if !body.is_empty() => parse_message(&route.input, body)?,
        (BodyPlace::Field(field), Shape::Unary | Shape::Download) if !body.is_empty() => {
            let mut message = DynamicMessage::new(route.input.clone());
            message.set_field(field, parse_field(field, body)?);
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

fn options() -> DeserializeOptions {
    DeserializeOptions::new().deny_unknown_fields(true)
}

fn parse_message(descriptor: &MessageDescriptor, text: &[u8]) -> Result<DynamicMessage> {
    read_message(descriptor, json::parse(text).map_err(Fault::bad_json)?)
}

fn read_message(descriptor: &MessageDescriptor, value: serde_json::Value) -> Result<DynamicMessage> {
    json::check_members(descriptor, &value).map_err(Fault::bad_json)?;
    DynamicMessage::deserialize_with_options(descriptor.clone(), value, &options()).map_err(Fault::bad_json)
}

/// A body that is one field. Lists, maps and scalars are read as the member of an object with that one field.
fn parse_field(field: &FieldDescriptor, text: &[u8]) -> Result<Value> {
    if let (Kind::Message(inner), false, false) = (field.kind(), field.is_list(), field.is_map()) {
        return parse_message(&inner, text).map(Value::Message);
    }
    let value = json::parse(text).map_err(Fault::bad_json)?;
    let message = read_message(field.parent_message(), serde_json::json!({ field.json_name(): value }))?;
    Ok(message.get_field(field).into_owned())
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

fn inner_mut<'m>(message: &'m mut DynamicMessage, outer: &[FieldDescriptor]) -> &'m mut DynamicMessage {
    let mut at = message;
    for field in outer {
        // Routes and `query_fields` walk only through singular message fields, whose value is a message.
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
    /// As the same text in JSON: times, durations, wrapped strings.
    Text,
    /// The wrapped value's own text.
    Wrapper,
}

fn well_known(message: &MessageDescriptor) -> Option<WellKnown> {
    match message.full_name().strip_prefix("google.protobuf.")? {
        "FieldMask" => Some(WellKnown::FieldMask),
        "Timestamp" | "Duration" => Some(WellKnown::Text),
        "StringValue" | "BytesValue" | "BoolValue" | "Int32Value" | "Int64Value" | "UInt32Value" | "UInt64Value"
        | "FloatValue" | "DoubleValue" => Some(WellKnown::Wrapper),
        _ => None,
    }
}

/// One value of a field (of its elements when it is a list) from text.
fn scalar(field: &FieldDescriptor, text: &str) -> std::result::Result<Value, String> {
    fn number<T: std::str::FromStr>(text: &str) -> std::result::Result<T, String> {
        // Rust also reads a leading plus, which JSON does not know.
        let plain = !text.starts_with('+');
        text.parse().ok().filter(|_| plain).ok_or_else(|| "not a number of this field's range".to_owned())
    }
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
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(number(text)?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(number(text)?),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(number(text)?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(number(text)?),
        Kind::Float => Value::F32(number(text)?),
        Kind::Double => Value::F64(number(text)?),
        Kind::Bytes => Value::Bytes(from_base64(text)?.into()),
        Kind::Enum(values) => Value::EnumNumber(enum_number(&values, text)?),
        Kind::Message(inner) => Value::Message(well_known_value(&inner, text)?),
    })
}

fn from_base64(text: &str) -> std::result::Result<Vec<u8>, String> {
    use base64::Engine as _;
    use base64::alphabet::{STANDARD, URL_SAFE};
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, config).decode(text).map_err(|_| "not base64".to_owned())
}

fn enum_number(values: &EnumDescriptor, text: &str) -> std::result::Result<i32, String> {
    let by_number = || text.parse().ok().filter(|&number: &i32| values.get_value(number).is_some());
    let found = values.get_value_by_name(text).map(|value| value.number()).or_else(by_number);
    found.ok_or_else(|| format!("not a value of {}", values.name()))
}

fn well_known_value(message: &MessageDescriptor, text: &str) -> std::result::Result<DynamicMessage, String> {
    match well_known(message) {
        Some(WellKnown::Text) => {
            let reader: StrDeserializer<'_, ValueError> = text.into_deserializer();
            DynamicMessage::deserialize_with_options(message.clone(), reader, &options())
                .map_err(|error| error.to_string())
        }
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
fn decode(text: &str, keep_slash: bool, form: bool) -> std::result::Result<String, String> {
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
    debug_assert!(!message.descriptor().is_map_entry());
    message.encode_to_vec().into()
}

#[cfg(test)]
#[path = "binder_tests.rs"]
mod tests;
