//! Events are kept for ever (art. 43): a log of today must be read by every later version. For each event the golden file
//! holds encoded samples of every shape it ever had, none of which may change; the contract of today must read them whole.

use std::collections::BTreeMap;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value};

/// Messages within messages that are filled.
const DEPTH_MAX: usize = 4;

/// Every message that logs hold: those of the packages `qingtian.PART.events.v1` that are nobody's call.
fn events() -> impl Iterator<Item = MessageDescriptor> {
    let announced = |message: &MessageDescriptor| {
        let package = message.parent_file().package_name().to_owned();
        let called = message.name().ends_with("Request") || message.name().ends_with("Response");
        let whole = message.parent_message().is_none() && !called;
        package.starts_with("qingtian.") && package.ends_with(".events.v1") && whole
    };
    proto::POOL.all_messages().filter(announced)
}

/// A message with all its fields; of alternatives the last.
fn filled(message: &MessageDescriptor, depth: usize) -> DynamicMessage {
    let mut sample = DynamicMessage::new(message.clone());
    for field in message.fields() {
        let is_message = matches!(field.kind(), Kind::Message(_));
        if is_message && depth == DEPTH_MAX {
            continue;
        }
        let value = if field.is_map() {
            let Kind::Message(entry) = field.kind() else { continue };
            let value = one(&entry.map_entry_value_field(), depth);
            Value::Map([(MapKey::String("a".to_owned()), value)].into())
        } else if field.is_list() {
            Value::List(vec![one(&field, depth), one(&field, depth)])
        } else {
            one(&field, depth)
        };
        sample.set_field(&field, value);
    }
    sample
}

/// A value that is not the default, and tells which field it was of.
fn one(field: &FieldDescriptor, depth: usize) -> Value {
    let number = field.number();
    match field.kind() {
        Kind::Message(message) => Value::Message(filled(&message, depth + 1)),
        Kind::Enum(values) => Value::EnumNumber(values.values().map(|value| value.number()).max().unwrap_or_default()),
        Kind::String => Value::String(format!("{} {number}", field.name())),
        Kind::Bytes => Value::Bytes(vec![number as u8; 3].into()),
        Kind::Bool => Value::Bool(true),
        Kind::Double => Value::F64(f64::from(number) + 0.5),
        Kind::Float => Value::F32(number as f32 + 0.5),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(number as i32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(i64::from(number) << 33),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(number),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(u64::from(number) << 33),
    }
}

/// A field the contract does not know, of messages inside too.
fn unknown(message: &DynamicMessage) -> Option<String> {
    if let Some(field) = message.unknown_fields().next() {
        return Some(format!("{} has no field {}", message.descriptor().full_name(), field.number()));
    }
    message.fields().find_map(|(_, value)| match value {
        Value::Message(inner) => unknown(inner),
        Value::List(values) => values.iter().filter_map(Value::as_message).find_map(unknown),
        Value::Map(values) => values.values().filter_map(Value::as_message).find_map(unknown),
        _ => None,
    })
}

#[test]
fn every_shape_an_event_ever_had_is_read() {
    let path = tests::root().join("tests/golden/events.txt");
    let mut kept = std::fs::read_to_string(&path).unwrap_or_default();
    let mut samples: BTreeMap<String, Vec<DynamicMessage>> = BTreeMap::new();
    for line in kept.lines() {
        let (name, bytes) = line.split_once(' ').unwrap();
        let event = proto::POOL.get_message_by_name(name);
        let event = event.unwrap_or_else(|| panic!("{name} is gone, but logs hold it"));
        let sample = DynamicMessage::decode(event, hex::decode(bytes).unwrap().as_slice());
        let sample = sample.unwrap_or_else(|error| panic!("{name} of old cannot be read: {error}"));
        assert_eq!(unknown(&sample), None, "{name} of old is not read whole");
        assert_eq!(hex::encode(prost::Message::encode_to_vec(&sample)), bytes, "{name} of old reads otherwise");
        samples.entry(name.to_owned()).or_default().push(sample);
    }
    let mut missing = Vec::new();
    for event in events() {
        let sample = filled(&event, 0);
        if samples.get(event.full_name()).and_then(|samples| samples.last()) != Some(&sample) {
            let bytes = hex::encode(prost::Message::encode_to_vec(&sample));
            kept.push_str(&format!("{} {bytes}\n", event.full_name()));
            missing.push(event.full_name().to_owned());
        }
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, kept).unwrap();
        return;
    }
    assert!(missing.is_empty(), "new shapes; UPDATE_GOLDEN=1 adds a sample, older ones stay: {missing:#?}");
}
