//! From a message to JSON: lowerCamelCase, fields in the order of their numbers, defaults written out, 64-bit numbers as text,
//! enums by name (by number where the contract knows none). The same message always gives the same bytes, maps included, so
//! that what is kept by its tag stays known.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage as _, SerializeOptions, Value,
};

use super::is_one_value;

/// Writes a message. Errors: it holds what JSON has no form for, such as a time outside the years 1 to 9999.
pub fn message(message: &DynamicMessage, json: &mut Vec<u8>) -> serde_json::Result<()> {
    let descriptor = message.descriptor();
    if let Some(name) = descriptor.full_name().strip_prefix("google.protobuf.") {
        match name {
            "Any" => return packed(message, json),
            "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value" | "UInt32Value"
            | "BoolValue" | "StringValue" | "BytesValue" => {
                if let Some(inner) = descriptor.get_field(1) {
                    return value(&message.get_field(&inner), &inner.kind(), json);
                }
            }
            _ if is_one_value(&descriptor) => {
                return message
                    .serialize_with_options(&mut serde_json::Serializer::new(&mut *json), &SerializeOptions::new());
            }
            _ => {}
        }
    }
    json.push(b'{');
    members(message, &descriptor, true, json)?;
    json.push(b'}');
    Ok(())
}

/// Writes one field of a message.
pub fn field(of: &DynamicMessage, field: &FieldDescriptor, json: &mut Vec<u8>) -> serde_json::Result<()> {
    if field.supports_presence() && !of.has_field(field) {
        json.extend(b"null");
        return Ok(());
    }
    any_value(&of.get_field(field), field, json)
}

fn members(
    of: &DynamicMessage,
    descriptor: &MessageDescriptor,
    mut first: bool,
    json: &mut Vec<u8>,
) -> serde_json::Result<()> {
    for field in descriptor.fields() {
        if field.supports_presence() && !of.has_field(&field) {
            continue;
        }
        if !std::mem::take(&mut first) {
            json.push(b',');
        }
        // Names of the contract are plain letters.
        json.push(b'"');
        json.extend(field.json_name().as_bytes());
        json.extend(b"\":");
        any_value(&of.get_field(&field), &field, json)?;
    }
    Ok(())
}

fn any_value(of: &Value, field: &FieldDescriptor, json: &mut Vec<u8>) -> serde_json::Result<()> {
    let kind = field.kind();
    match of {
        Value::List(items) => {
            json.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    json.push(b',');
                }
                value(item, &kind, json)?;
            }
            json.push(b']');
        }
        Value::Map(entries) => {
            let inner = kind.as_message().map(|entry| entry.map_entry_value_field().kind()).unwrap_or(kind);
            let mut entries: Vec<_> = entries.iter().map(|(key, value)| (shown(key), value)).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            json.push(b'{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                if index > 0 {
                    json.push(b',');
                }
                serde_json::to_writer(&mut *json, &key)?;
                json.push(b':');
                value(item, &inner, json)?;
            }
            json.push(b'}');
        }
        single => value(single, &kind, json)?,
    }
    Ok(())
}

fn value(of: &Value, kind: &Kind, json: &mut Vec<u8>) -> serde_json::Result<()> {
    match of {
        Value::Bool(value) => serde_json::to_writer(json, value),
        Value::I32(value) => serde_json::to_writer(json, value),
        Value::U32(value) => serde_json::to_writer(json, value),
        Value::I64(value) => quoted(value, json),
        Value::U64(value) => quoted(value, json),
        Value::F32(value) => single(*value, json),
        Value::F64(value) => double(*value, json),
        Value::String(value) => serde_json::to_writer(json, value),
        Value::Bytes(value) => quoted(&BASE64_STANDARD.encode(value), json),
        Value::EnumNumber(number) => match kind.as_enum() {
            Some(values) if values.full_name() == "google.protobuf.NullValue" => plain("null", json),
            Some(values) => match values.get_value(*number) {
                Some(value) => quoted(&value.name(), json),
                None => serde_json::to_writer(json, number),
            },
            None => serde_json::to_writer(json, number),
        },
        Value::Message(inner) => message(inner, json),
        // Neither stands inside the other.
        Value::List(_) | Value::Map(_) => plain("null", json),
    }
}

pub(super) fn single(number: f32, json: &mut Vec<u8>) -> serde_json::Result<()> {
    if number.is_finite() { serde_json::to_writer(json, &number) } else { plain(word(f64::from(number)), json) }
}

pub(super) fn double(number: f64, json: &mut Vec<u8>) -> serde_json::Result<()> {
    if number.is_finite() { serde_json::to_writer(json, &number) } else { plain(word(number), json) }
}

/// What is no number.
fn word(number: f64) -> &'static str {
    match number {
        f64::INFINITY => "\"Infinity\"",
        f64::NEG_INFINITY => "\"-Infinity\"",
        _ => "\"NaN\"",
    }
}

/// Text without signs to be escaped, in quotes.
fn quoted(text: &impl std::fmt::Display, json: &mut Vec<u8>) -> serde_json::Result<()> {
    use std::io::Write as _;
    write!(json, "\"{text}\"").map_err(serde_json::Error::io)
}

fn plain(text: &str, json: &mut Vec<u8>) -> serde_json::Result<()> {
    json.extend(text.as_bytes());
    Ok(())
}

fn shown(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}

/// A message with its type. One of a type the contract does not know is written as its bytes: an answer with it is better than
/// none.
fn packed(of: &DynamicMessage, json: &mut Vec<u8>) -> serde_json::Result<()> {
    let url = of.get_field_by_name("type_url").and_then(|url| url.as_str().map(str::to_owned)).unwrap_or_default();
    let bytes = of.get_field_by_name("value").and_then(|bytes| bytes.as_bytes().cloned()).unwrap_or_default();
    if url.is_empty() && bytes.is_empty() {
        return plain("{}", json);
    }
    json.extend(b"{\"@type\":");
    serde_json::to_writer(&mut *json, &url)?;
    let name = url.rsplit('/').next().unwrap_or_default();
    let known = of.descriptor().parent_pool().get_message_by_name(name);
    match known.and_then(|known| DynamicMessage::decode(known, bytes.clone()).ok()) {
        Some(inner) if is_one_value(&inner.descriptor()) => {
            json.extend(b",\"value\":");
            message(&inner, json)?;
        }
        Some(inner) => members(&inner, &inner.descriptor(), false, json)?,
        None => {
            json.extend(b",\"value\":");
            quoted(&BASE64_STANDARD.encode(&bytes), json)?;
        }
    }
    json.push(b'}');
    Ok(())
}
