//! JSON Schemas (2020-12) of the contract's messages, as the gateway reads and writes them: proto3 JSON (see [`crate::json`]).
//!
//! What is asked and what is answered are two schemas of one message: an answer has every member that has no presence, a
//! question needs few and takes no unknown one. The schema of a question says what to send; that the gateway also reads
//! numbers in quotes, `null` for a member that is not set and the spelling of the proto files is told once, in the text.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::bounds::Bounds;
use super::comments::Comments;
use super::examples;

/// Whether a schema is of a request or of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    In,
    Out,
}

/// The schemas an API description refers to, gathered while its operations are written.
pub struct Schemas<'c> {
    pub comments: &'c Comments,
    /// Fields of whole requests that stand in the path, so that they are no part of the body.
    elsewhere: BTreeMap<String, BTreeSet<String>>,
    found: BTreeMap<String, Value>,
}

impl<'c> Schemas<'c> {
    pub fn new(comments: &'c Comments, elsewhere: BTreeMap<String, BTreeSet<String>>) -> Self {
        Self { comments, elsewhere, found: BTreeMap::new() }
    }

    /// All that were referred to, by name.
    pub fn into_components(self) -> Map<String, Value> {
        self.found.into_iter().collect()
    }

    /// The schema of a message: a reference, or what stands for it in JSON.
    pub fn message(&mut self, message: &MessageDescriptor, way: Way) -> Value {
        if let Some(value) = well_known(message, way) {
            return value;
        }
        let name = name_of(message, way);
        if !self.found.contains_key(&name) {
            // First, so that a message may hold itself.
            self.found.insert(name.clone(), Value::Null);
            let schema = self.object(message, way);
            self.found.insert(name.clone(), schema);
        }
        reference(&name)
    }

    /// The schema of one field's value, with its comment.
    pub fn field(&mut self, field: &FieldDescriptor, way: Way) -> Value {
        let comment = self.comments.field(field);
        let bounds = Bounds::of(field, comment);
        let mut schema = if field.is_map() {
            let Kind::Message(entry) = field.kind() else { return json!({}) };
            let value = self.value(&entry.map_entry_value_field().kind(), way);
            json!({"type": "object", "additionalProperties": value})
        } else if field.is_list() {
            let mut item = self.value(&field.kind(), way);
            if way == Way::In {
                bounds.put_text(&mut item);
            }
            json!({"type": "array", "items": item})
        } else {
            self.value(&field.kind(), way)
        };
        if way == Way::In {
            bounds.put(field, &mut schema);
        }
        let Some(members) = schema.as_object_mut() else { return schema };
        if !comment.is_empty() {
            members.insert("description".to_owned(), comment.into());
        }
        if bounds.read_only {
            members.insert("readOnly".to_owned(), true.into());
        }
        let is_plain = !field.is_map() && !matches!(field.kind(), Kind::Message(_));
        if let (true, Some(example)) = (is_plain, examples::told(field, comment)) {
            members.insert("examples".to_owned(), json!([example]));
        }
        schema
    }

    /// The schema of one value of a kind.
    pub fn value(&mut self, kind: &Kind, way: Way) -> Value {
        match kind {
            Kind::String => json!({"type": "string"}),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({"type": "integer", "format": "int32"}),
            Kind::Uint32 | Kind::Fixed32 => json!({"type": "integer", "format": "uint32", "minimum": 0}),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({"type": "string", "format": "int64", "pattern": "^(0|-?[1-9][0-9]{0,18})$"})
            }
            Kind::Uint64 | Kind::Fixed64 => {
                json!({"type": "string", "format": "uint64", "pattern": "^(0|[1-9][0-9]{0,19})$"})
            }
            Kind::Float | Kind::Double => json!({"anyOf": [
                {"type": "number", "format": if matches!(kind, Kind::Float) { "float" } else { "double" }},
                {"enum": ["NaN", "Infinity", "-Infinity"]},
            ]}),
            Kind::Bytes => json!({"type": "string", "format": "byte", "contentEncoding": "base64"}),
            // A question may also give its number, so that what a newer part answered can be sent back.
            Kind::Enum(values) if way == Way::In => {
                json!({"anyOf": [self.enumeration(values), {"type": "integer", "format": "int32"}]})
            }
            Kind::Enum(values) => self.enumeration(values),
            Kind::Message(message) => self.message(message, way),
        }
    }

    fn object(&mut self, message: &MessageDescriptor, way: Way) -> Value {
        let mut schema = Map::new();
        schema.insert("type".to_owned(), "object".into());
        let comment = self.comments.message(message);
        if !comment.is_empty() {
            schema.insert("description".to_owned(), comment.into());
        }
        let elsewhere = match way {
            Way::In => self.elsewhere.get(message.full_name()).cloned().unwrap_or_default(),
            Way::Out => BTreeSet::new(),
        };
        let fields: Vec<_> = message.fields().filter(|field| !elsewhere.contains(field.name())).collect();
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in &fields {
            properties.insert(field.json_name().to_owned(), self.field(field, way));
            let is_needed = match way {
                Way::Out => !field.supports_presence(),
                Way::In => Bounds::of(field, self.comments.field(field)).required,
            };
            if is_needed {
                required.push(field.json_name().to_owned());
            }
        }
        schema.insert("properties".to_owned(), properties.into());
        if !required.is_empty() {
            schema.insert("required".to_owned(), required.into());
        }
        let choices = choices(message);
        if !choices.is_empty() {
            schema.insert("allOf".to_owned(), choices.into());
        }
        if way == Way::In {
            schema.insert("additionalProperties".to_owned(), false.into());
        }
        schema.into()
    }

    fn enumeration(&mut self, values: &EnumDescriptor) -> Value {
        let name = values.full_name().to_owned();
        if !self.found.contains_key(&name) {
            let mut text = self.comments.enumeration(values).to_owned();
            let mut names = Vec::new();
            for value in values.values() {
                text += &format!("\n- `{}`: {}", value.name(), self.comments.value(&value));
                names.push(value.name().to_owned());
            }
            self.found.insert(name.clone(), json!({"type": "string", "enum": names, "description": text}));
        }
        reference(&name)
    }

    /// Puts a schema among the components by hand.
    pub fn insert(&mut self, name: &str, schema: Value) {
        self.found.insert(name.to_owned(), schema);
    }
}

/// `#/components/schemas/NAME`.
pub fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A message's name among the schemas. What is asked bears the message's own name where it is a request and nothing else.
fn name_of(message: &MessageDescriptor, way: Way) -> String {
    let name = message.full_name();
    if way == Way::In && !name.ends_with("Request") { format!("{name}Input") } else { name.to_owned() }
}

/// Of each choice no two members stand together.
fn choices(message: &MessageDescriptor) -> Vec<Value> {
    let mut pairs = Vec::new();
    for choice in message.oneofs().filter(|choice| !choice.is_synthetic()) {
        let names: Vec<_> = choice.fields().map(|field| field.json_name().to_owned()).collect();
        for (at, one) in names.iter().enumerate() {
            pairs.extend(names[at + 1..].iter().map(|other| json!({"not": {"required": [one, other]}})));
        }
    }
    pairs
}

/// Messages that JSON writes otherwise than as an object of their fields.
fn well_known(message: &MessageDescriptor, way: Way) -> Option<Value> {
    if message.full_name() == crate::routes::HTTP_BODY {
        return Some(json!({"type": "string", "format": "binary"}));
    }
    Some(match message.full_name().strip_prefix("google.protobuf.")? {
        "Timestamp" => json!({"type": "string", "format": "date-time"}),
        "Duration" => {
            json!({"type": "string", "pattern": "^-?[0-9]{1,12}(\\.[0-9]{1,9})?s$", "examples": ["3.5s"]})
        }
        "FieldMask" => {
            json!({"type": "string", "description": "Names of fields in lowerCamelCase, with commas between them."})
        }
        "Struct" => json!({"type": "object"}),
        "ListValue" => json!({"type": "array"}),
        "Value" => json!({}),
        "Empty" if way == Way::In => json!({"type": "object", "additionalProperties": false}),
        "Empty" => json!({"type": "object"}),
        "Any" => json!({
            "type": "object",
            "properties": {"@type": {"type": "string", "description": "Name of the message whose members stand beside it."}},
            "required": ["@type"],
        }),
        "StringValue" => json!({"type": "string"}),
        "BoolValue" => json!({"type": "boolean"}),
        "Int32Value" => json!({"type": "integer", "format": "int32"}),
        "UInt32Value" => json!({"type": "integer", "format": "uint32", "minimum": 0}),
        "Int64Value" => json!({"type": "string", "format": "int64"}),
        "UInt64Value" => json!({"type": "string", "format": "uint64"}),
        "FloatValue" => json!({"type": ["number", "string"], "format": "float"}),
        "DoubleValue" => json!({"type": ["number", "string"], "format": "double"}),
        "BytesValue" => json!({"type": "string", "format": "byte", "contentEncoding": "base64"}),
        _ => return None,
    })
}
