//! JSON against the contract of shapes, against the reflection library's own reading and writing, and against serde's grammar.

use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::{DynamicMessage, Kind, MapKey, MessageDescriptor, ReflectMessage as _, SerializeOptions, Value};
use serde_json::json;

use super::*;
use crate::fixtures;

fn everything() -> MessageDescriptor {
    fixtures::routes().0.get_message_by_name("qingtian.shapes.v1.Everything").unwrap()
}

fn read(text: &str) -> Result<DynamicMessage, String> {
    message(&everything(), text.as_bytes()).map_err(|bad| bad.to_string())
}

fn written(message: &DynamicMessage) -> String {
    let mut json = Vec::new();
    write(message, &mut json).unwrap();
    String::from_utf8(json).unwrap()
}

/// As the library writes it, without defaults.
fn shown(message: &DynamicMessage) -> serde_json::Value {
    message.serialize_with_options(serde_json::value::Serializer, &SerializeOptions::new()).unwrap()
}

#[test]
fn every_kind_is_read() {
    for (text, expected) in [
        (r#"{"int64": 9223372036854775807, "uint64": "18446744073709551615"}"#, None),
        (
            r#"{"int64": "-9.223372036854775808e18", "int32": 1e2, "uint32": "3.0"}"#,
            Some(json!({"int64": "-9223372036854775808", "int32": 100, "uint32": 3})),
        ),
        (r#"{"float": "NaN", "double": "-Infinity"}"#, Some(json!({"float": "NaN", "double": "-Infinity"}))),
        (
            r#"{"bytes": "-_8", "manyBytes": ["AP/+", "AP_-", ""]}"#,
            Some(json!({"bytes": "+/8=", "manyBytes": ["AP/+", "AP/+", ""]})),
        ),
        (
            r#"{"colour": "COLOUR_RED", "colours": [1, 0, 99, -1]}"#,
            Some(json!({"colour": "COLOUR_RED", "colours": ["COLOUR_RED", "COLOUR_UNSPECIFIED", 99, -1]})),
        ),
        (
            r#"{"inners_by_bool": {"true": {"word": "x"}}, "coloursByInt32": {"-1": 1}, "doublesByUint64": {"7": "NaN"}}"#,
            Some(
                json!({"innersByBool": {"true": {"word": "x"}}, "coloursByInt32": {"-1": "COLOUR_RED"}, "doublesByUint64": {"7": "NaN"}}),
            ),
        ),
        (
            r#"{"string": null, "bools": null, "inner": null, "aWord": null, "aNumber": "7"}"#,
            Some(json!({"aNumber": "7"})),
        ),
        (
            r#"{"value": null, "nullValue": null, "values": [null, 1, {"a": [null]}]}"#,
            Some(json!({"value": null, "values": [null, 1.0, {"a": [null]}]})),
        ),
        (r#"{"nothing": {}, "empty": {}}"#, Some(json!({"nothing": {}, "empty": {}}))),
        (
            r#"{"time": "2026-11-23T08:00:00.25+08:00", "duration": "-1.5s", "mask": "inner.word,manyBytes"}"#,
            Some(json!({"time": "2026-11-23T00:00:00.250Z", "duration": "-1.500s", "mask": "inner.word,manyBytes"})),
        ),
        (
            r#"{"struct": {"a": {"b": [1, "x", true]}}, "listValue": [[], {}]}"#,
            Some(json!({"struct": {"a": {"b": [1.0, "x", true]}}, "listValue": [[], {}]})),
        ),
        (
            r#"{"any": {"word": "x", "@type": "type.googleapis.com/qingtian.shapes.v1.Inner", "numbers": [1]}}"#,
            Some(
                json!({"any": {"@type": "type.googleapis.com/qingtian.shapes.v1.Inner", "word": "x", "numbers": [1]}}),
            ),
        ),
        (
            r#"{"any": {"value": "1.5s", "@type": "type.googleapis.com/google.protobuf.Duration"}}"#,
            Some(json!({"any": {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1.500s"}})),
        ),
        (r#"{"any": {}}"#, None),
        (r#"{"boolValue": false, "int64Value": "0", "stringValue": "", "doubleValue": "Infinity"}"#, None),
        (" {\t\"string\" :\r\n\"\\ud83d\\ude00\\u4e2d\\/\\n中\" } ", Some(json!({"string": "😀中/\n中"}))),
        (r#"{"a_number": 1, "manyLongs": ["1", 2]}"#, Some(json!({"aNumber": "1", "manyLongs": ["1", "2"]}))),
    ] {
        let message = read(text).unwrap_or_else(|bad| panic!("{bad}: {text}"));
        if let Some(expected) = expected {
            assert_eq!(shown(&message), expected, "{text}");
        }
        assert_eq!(written(&read(&written(&message)).unwrap()), written(&message), "{text}");
    }
    assert!(read(r#"{"boolValue": false}"#).unwrap().has_field_by_name("bool_value"), "set to its default is set");
    assert!(!read(r#"{"maybeBool": null}"#).unwrap().has_field_by_name("maybe_bool"));
    assert!(read(r#"{"maybeBool": false}"#).unwrap().has_field_by_name("maybe_bool"));
}

#[test]
fn what_is_wrong_is_refused_and_says_where() {
    for (text, at) in [
        (r#"{"nope": 1}"#, "nope: no such field"),
        (r#"{"everythings": [{}, {"inner": {"nope": 1}}]}"#, "everythings[1].inner.nope: no such field"),
        (r#"{"int32": 1, "int32": 1}"#, "int32: stands twice"),
        (r#"{"int32": 1, "int32": null}"#, "int32: stands twice"),
        (r#"{"many_longs": [], "manyLongs": []}"#, "manyLongs: stands twice"),
        (r#"{"aWord": "", "aNumber": 0}"#, "aNumber: excludes"),
        (r#"{"stringsByString": {"a": "1", "\u0061": "2"}}"#, "stringsByString[\"a\"]: stands twice"),
        (r#"{"coloursByInt32": {"1": 1, "1.0": 1}}"#, "coloursByInt32[\"1.0\"]: stands twice"),
        (r#"{"coloursByInt32": {"x": 1}}"#, "coloursByInt32[\"x\"]: must be a number"),
        (r#"{"innersByBool": {"yes": {}}}"#, "innersByBool[\"yes\"]: must be true"),
        (r#"{"innersByBool": {"true": null}}"#, "innersByBool[\"true\"]: `{` is expected"),
        (r#"{"struct": {"a": {"b": 1, "b": 2}}}"#, "struct.a.b: stands twice"),
        (r#"{"any": {"@type": "x/qingtian.shapes.v1.Inner", "word": "a", "word": "b"}}"#, "any.word: stands twice"),
        (r#"{"any": {"@type": "x/qingtian.shapes.v1.Inner", "nope": "a"}}"#, "any.nope: no such field"),
        (r#"{"any": {"@type": "x/acme.Secret"}}"#, "any.@type: is not a type"),
        (r#"{"any": {"value": 1}}"#, "any: must have an @type"),
        (r#"{"any": {"@type": "x/google.protobuf.Duration", "value": "1s", "more": 1}}"#, "any: holds more"),
        (r#"{"bools": [true, null]}"#, "bools[1]: must be true or false"),
        (r#"{"bools": true}"#, "bools: `[` is expected"),
        (r#"{"bool": "true"}"#, "bool: must be true or false"),
        (r#"{"bool": 1}"#, "bool: must be"),
        (r#"{"string": 1}"#, "string: must be text"),
        (r#"{"int32": true}"#, "int32: must be a number"),
        (r#"{"int32": ""}"#, "int32: must be a number"),
        (r#"{"int32": 2147483648}"#, "int32: not a number of this field's range"),
        (r#"{"uint64": 18446744073709551616}"#, "uint64: not a number of this field's range"),
        (r#"{"int64": 9223372036854775808.0}"#, "int64: not a number of this field's range"),
        (r#"{"int64": 0.5}"#, "int64: must be a whole number"),
        (r#"{"uint32": -1}"#, "uint32: not a number"),
        (r#"{"double": 1e400}"#, "double: not a number of this field's range"),
        (r#"{"float": 1e39}"#, "float: not a number of this field's range"),
        (r#"{"double": "inf"}"#, "double: must be a number"),
        (r#"{"double": NaN}"#, "double: must be a number"),
        (r#"{"value": 1e400}"#, "value: "),
        (r#"{"bytes": "*"}"#, "bytes: not base64"),
        (r#"{"bytes": "AP_+"}"#, "bytes: not base64"),
        (r#"{"colour": "GREEN"}"#, "colour: not a value of Colour"),
        (r#"{"colour": 2147483648}"#, "colour: not a number"),
        (r#"{"colour": "1"}"#, "colour: not a value"),
        (r#"{"colour": true}"#, "colour: must be a value"),
        (r#"{"time": "2026-02-30T00:00:00Z"}"#, "time: "),
        (r#"{"time": 1}"#, "time: must be text"),
        (r#"{"duration": "1"}"#, "duration: "),
        (r#"{"mask": "a_b"}"#, "mask: "),
        (r#"{"empty": {"a": 1}}"#, "empty.a: no such field"),
        (r#"{"string": "\u0000"}"#, "string: the character U+0000"),
        (r#"{"\u0000": 1}"#, "the character U+0000"),
        (r#"{"string": "\ud800"}"#, "string: half a surrogate"),
        (r#"{"string": "\ud800\u0041"}"#, "string: half a surrogate"),
        (r#"{"string": "\udc00"}"#, "string: half a surrogate"),
        (r#"{"string": "\x41"}"#, "string: no escape"),
        (r#"{"string": "\u00g0"}"#, "string: four hex digits"),
        ("{\"string\": \"a\nb\"}", "string: a control character"),
        (r#"{"string": "a"#, "string: the text ends"),
        (r#"{"string": "a\"#, "string: no escape"),
        (r#"{"bool": true,}"#, "`\"` is expected"),
        (r#"{"bool": true} {}"#, "the end is expected"),
        (r#"{"bool": tru}"#, "bool: a value is expected"),
        ("{'bool': true}", "`\"` is expected at byte 1, not `\\'`"),
        ("{\"bool\": true /* x */}", "`}` is expected"),
        ("", "`{` is expected at byte 0, where the text ends"),
        ("[]", "`{` is expected"),
        ("null", "`{` is expected"),
        ("\u{feff}{}", "begins with a byte order mark"),
    ] {
        let bad = read(text).expect_err(text);
        assert!(bad.starts_with(at), "{text}: {bad}");
    }
    assert_eq!(message(&everything(), b"{\"string\": \"\xc3\x28\"}").unwrap_err().to_string(), "not UTF-8 at byte 12");
}

#[test]
fn depth_has_an_edge_wherever_it_is() {
    let nested = |open: &str, levels: usize, close: &str| format!("{}{}", open.repeat(levels), close.repeat(levels));
    let inside = |levels: usize| format!("{{\"value\": {}}}", nested("[", levels, "]"));
    assert!(read(&inside(DEPTH_MAX - 1)).is_ok());
    assert!(read(&inside(DEPTH_MAX)).unwrap_err().contains("deeper"));
    for open in ["{\"everythings\":[", "{\"value\":[", "{\"struct\":{\"a\":[", "{\"any\":{\"a\":"] {
        assert!(read(&open.repeat(1_000_000)).unwrap_err().contains("deeper"), "{open}");
    }
    let any = "{\"@type\":\"x/qingtian.shapes.v1.Everything\",\"any\":";
    let deep = format!("{{\"any\":{}{{}}{}}}", any.repeat(DEPTH_MAX), "}".repeat(DEPTH_MAX));
    assert!(read(&deep).unwrap_err().contains("deeper"));
    // Levels that were closed count no more.
    assert!(read(&format!("{{\"values\": [{}0]}}", "[[]],".repeat(100))).is_ok());
}

#[test]
fn one_message_has_one_writing() {
    let text = r#"{"stringsByString":{"b":"1","a":"2","ä":"3","":"4"},"doublesByUint64":{"10":1,"9":2}}"#;
    let once = written(&read(text).unwrap());
    assert!(once.contains(r#""stringsByString":{"":"4","a":"2","b":"1","ä":"3"}"#), "{once}");
    for _ in 0..20 {
        assert_eq!(written(&read(text).unwrap()), once, "maps have no order of their own");
    }
    let defaults: serde_json::Value = serde_json::from_str(&written(&DynamicMessage::new(everything()))).unwrap();
    let expected = [
        ("int64", json!("0")),
        ("bool", json!(false)),
        ("bools", json!([])),
        ("bytes", json!("")),
        ("stringsByString", json!({})),
    ];
    for (name, value) in expected {
        assert_eq!(defaults[name], value, "{name}");
    }
    for absent in ["inner", "maybeBool", "aWord", "time", "boolValue", "any"] {
        assert!(defaults.get(absent).is_none(), "{absent} is not set");
    }
}

#[test]
fn a_type_the_contract_does_not_know_does_not_spoil_the_answer() {
    let any = prost_types::Any { type_url: "type.googleapis.com/acme.Later".into(), value: vec![8, 1] };
    let mut message = DynamicMessage::new(everything());
    let field = everything().get_field_by_name("any").unwrap();
    let mut packed = DynamicMessage::new(field.kind().as_message().unwrap().clone());
    packed.transcode_from(&any).unwrap();
    message.set_field(&field, Value::Message(packed));
    let json: serde_json::Value = serde_json::from_str(&written(&message)).unwrap();
    assert_eq!(json["any"], json!({"@type": "type.googleapis.com/acme.Later", "value": "CAE="}));
}

/// Any message of a kind, so many levels deep.
fn messages(descriptor: MessageDescriptor, levels: u32) -> BoxedStrategy<DynamicMessage> {
    match descriptor.full_name().strip_prefix("google.protobuf.") {
        Some("Timestamp") => {
            return read_back(
                descriptor,
                (-62_135_596_800i64..=253_402_300_799, 0..1_000_000_000i32)
                    .prop_map(|(seconds, nanos)| prost_types::Timestamp { seconds, nanos }),
            );
        }
        Some("Duration") => {
            return read_back(
                descriptor,
                (0..=315_576_000_000i64, 0..1_000_000_000i32, any::<bool>()).prop_map(|(seconds, nanos, minus)| {
                    let sign = if minus { -1 } else { 1 };
                    prost_types::Duration { seconds: i64::from(sign) * seconds, nanos: sign * nanos }
                }),
            );
        }
        Some("FieldMask") => {
            return read_back(
                descriptor,
                prop::collection::vec("[a-z]{1,5}(_[a-z]{1,5})?(\\.[a-z]{1,5}(_[a-z]{1,5})?)?", 0..4)
                    .prop_map(|paths| prost_types::FieldMask { paths }),
            );
        }
        Some("Struct" | "Value" | "ListValue" | "Any") => {
            return Just(DynamicMessage::new(descriptor.clone())).prop_map(move |_| sample(&descriptor)).boxed();
        }
        _ => {}
    }
    let fields: Vec<_> = descriptor.fields().collect();
    if fields.is_empty() {
        return Just(DynamicMessage::new(descriptor)).boxed();
    }
    let some = prop::collection::vec(prop::sample::select(fields.clone()), 0..fields.len().clamp(1, 6));
    some.prop_flat_map(move |fields| {
        let set: Vec<_> = fields
            .into_iter()
            .map(|field| values(&field, levels).prop_map(move |value| (field.clone(), value)))
            .collect();
        let descriptor = descriptor.clone();
        set.prop_map(move |set| {
            let mut message = DynamicMessage::new(descriptor.clone());
            for (field, value) in set {
                message.set_field(&field, value);
            }
            message
        })
    })
    .boxed()
}

fn read_back<M: prost::Message + 'static>(
    descriptor: MessageDescriptor,
    made: impl Strategy<Value = M> + 'static,
) -> BoxedStrategy<DynamicMessage> {
    made.prop_map(move |message| {
        DynamicMessage::decode(descriptor.clone(), message.encode_to_vec().as_slice()).unwrap()
    })
    .boxed()
}

fn sample(descriptor: &MessageDescriptor) -> DynamicMessage {
    let text = match descriptor.name() {
        "Struct" => r#"{"a": [1.5, {"b": null}], "": "x"}"#,
        "Any" => r#"{"@type": "type.googleapis.com/qingtian.shapes.v1.Inner", "word": "w"}"#,
        "ListValue" => "[true, [], {}]",
        _ => r#"{"a": -0.25}"#,
    };
    message(descriptor, text.as_bytes()).unwrap()
}

fn values(field: &prost_reflect::FieldDescriptor, levels: u32) -> BoxedStrategy<Value> {
    let kind = field.kind();
    if field.is_map() {
        let entry = kind.as_message().unwrap().clone();
        let (keys, inner) =
            (keys(entry.map_entry_key_field().kind()), single(entry.map_entry_value_field().kind(), levels));
        return prop::collection::hash_map(keys, inner, 0..4).prop_map(Value::Map).boxed();
    }
    if field.is_list() {
        return prop::collection::vec(single(kind, levels), 0..4).prop_map(Value::List).boxed();
    }
    single(kind, levels)
}

fn keys(kind: Kind) -> BoxedStrategy<MapKey> {
    match kind {
        Kind::Bool => any::<bool>().prop_map(MapKey::Bool).boxed(),
        Kind::Int32 => any::<i32>().prop_map(MapKey::I32).boxed(),
        Kind::Sint64 => any::<i64>().prop_map(MapKey::I64).boxed(),
        Kind::Fixed32 => any::<u32>().prop_map(MapKey::U32).boxed(),
        Kind::Uint64 => any::<u64>().prop_map(MapKey::U64).boxed(),
        _ => "[^\0]{0,6}".prop_map(MapKey::String).boxed(),
    }
}

fn single(kind: Kind, levels: u32) -> BoxedStrategy<Value> {
    match kind {
        Kind::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => any::<i32>().prop_map(Value::I32).boxed(),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => any::<i64>().prop_map(Value::I64).boxed(),
        Kind::Uint32 | Kind::Fixed32 => any::<u32>().prop_map(Value::U32).boxed(),
        Kind::Uint64 | Kind::Fixed64 => any::<u64>().prop_map(Value::U64).boxed(),
        // Not a number is equal to nothing, itself included; and the library sends no zero, not even one below nothing.
        Kind::Float => any::<f32>().prop_map(|n| Value::F32(if n.is_nan() || n == 0.0 { 0.5 } else { n })).boxed(),
        Kind::Double => any::<f64>().prop_map(|n| Value::F64(if n.is_nan() || n == 0.0 { 0.5 } else { n })).boxed(),
        Kind::String => "[^\0]{0,12}".prop_map(Value::String).boxed(),
        Kind::Bytes => prop::collection::vec(any::<u8>(), 0..12).prop_map(|bytes| Value::Bytes(bytes.into())).boxed(),
        Kind::Enum(values) if values.name() == "NullValue" => Just(Value::EnumNumber(0)).boxed(),
        Kind::Enum(_) => (-2..4i32).prop_map(Value::EnumNumber).boxed(),
        Kind::Message(inner) if levels == 0 => Just(Value::Message(match inner.name() {
            "Struct" | "Value" | "ListValue" | "Any" => sample(&inner),
            _ => DynamicMessage::new(inner),
        }))
        .boxed(),
        Kind::Message(inner) => messages(inner, levels - 1).prop_map(Value::Message).boxed(),
    }
}

/// A message that is shown as its JSON: the library's own way of showing it knows no end.
#[derive(Clone)]
struct Shown(DynamicMessage);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&written(&self.0))
    }
}

/// A message as the other side of the wire has it: fields set to their defaults are not set there.
fn sent(message: &DynamicMessage) -> DynamicMessage {
    DynamicMessage::decode(everything(), message.encode_to_vec().as_slice()).unwrap()
}

proptest! {
    #[test]
    fn a_message_written_is_the_same_message_read(message in messages(everything(), 2).prop_map(Shown)) {
        let message = message.0;
        let text = written(&message);
        let back = read(&text).map(Shown);
        prop_assert!(back.as_ref().is_ok_and(|back| sent(&back.0) == sent(&message)), "{:?} of {}", back, text);
        // The reflection library understands the same.
        let theirs = DynamicMessage::deserialize(everything(), &mut serde_json::Deserializer::from_str(&text));
        prop_assert!(sent(&theirs.unwrap()) == sent(&message), "{}", text);
        // And over the wire nothing is lost.
        prop_assert_eq!(written(&sent(&message)), text);
    }

    #[test]
    fn what_the_reflection_library_writes_is_read(message in messages(everything(), 1).prop_map(Shown)) {
        let message = message.0;
        // Wrapped numbers that are not finite it writes as null.
        prop_assume!(!shown(&message).to_string().contains("\"doubleValue\":null"));
        prop_assert_eq!(read(&shown(&message).to_string()).unwrap().descriptor(), everything());
    }

    #[test]
    fn what_is_read_is_json(text in "[]\\[{}\":,a0-9.e+\\\\ntrufalsbo -]{0,24}") {
        let value = format!("{{\"value\":{text}}}");
        let serde: Result<serde_json::Value, _> = serde_json::from_str(&value);
        if read(&value).is_ok() {
            prop_assert!(serde.is_ok(), "{}", value);
        }
    }

    #[test]
    fn any_json_value_is_read(value in json_values()) {
        let text = json!({"value": value}).to_string();
        prop_assert!(read(&text).is_ok(), "{}", text);
    }

    #[test]
    fn no_bytes_panic_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..64), cut in any::<prop::sample::Index>()) {
        let _ = message(&everything(), &bytes);
        // Nor a whole text that is cut or has one byte changed.
        let mut text = br#"{"string":"\ud83d\ude00 \u4e2d","any":{"@type":"x/google.protobuf.Duration","value":"1s"},"values":[1e2]}"#.to_vec();
        let at = cut.index(text.len());
        let _ = message(&everything(), &text[..at]);
        text[at] = bytes.first().copied().unwrap_or(b'"');
        let _ = message(&everything(), &text);
    }
}

fn json_values() -> BoxedStrategy<serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "[^\0]{0,10}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::hash_map("[^\0]{0,6}", inner, 0..5)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
    .boxed()
}
