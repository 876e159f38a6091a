//! From JSON to a message, in one pass over the text.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;

use prost::Message as _;
use prost_reflect::{
    DeserializeOptions, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value,
};
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as ValueError, StrDeserializer};

use super::text::Text;
use super::{DEPTH_MAX, numbers};

/// Why a text is not the message, and where: `quotas[2].stratum: must be text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    at: String,
    problem: String,
}

impl Bad {
    /// The same, inside of something.
    fn inside(mut self, outer: &str) -> Self {
        let dot = if self.at.is_empty() || self.at.starts_with('[') { "" } else { "." };
        self.at = format!("{outer}{dot}{}", self.at);
        self
    }
}

impl<T: Into<String>> From<T> for Bad {
    fn from(problem: T) -> Self {
        Self { at: String::new(), problem: problem.into() }
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.at.is_empty() {
            write!(f, "{}: ", self.at)?;
        }
        f.write_str(&self.problem)
    }
}

type Result<T, E = Bad> = std::result::Result<T, E>;

/// Reads a message.
pub fn message(descriptor: &MessageDescriptor, text: &[u8]) -> Result<DynamicMessage> {
    let mut reader = Reader::new(text)?;
    let message = reader.message(descriptor)?;
    reader.text.end()?;
    Ok(message)
}

/// Reads the value of one field; none for `null`.
pub fn field(field: &FieldDescriptor, text: &[u8]) -> Result<Option<Value>> {
    let mut reader = Reader::new(text)?;
    let value = reader.field(field)?;
    reader.text.end()?;
    Ok(value)
}

/// Reads one element of a repeated field.
pub fn element(field: &FieldDescriptor, text: &[u8]) -> Result<Value> {
    let mut reader = Reader::new(text)?;
    let value = reader.value(&field.kind())?;
    reader.text.end()?;
    Ok(value)
}

/// A message that is written as one text: a time, a duration, a mask of fields.
pub fn from_text(descriptor: &MessageDescriptor, text: &str) -> std::result::Result<DynamicMessage, String> {
    let reader: StrDeserializer<'_, ValueError> = text.into_deserializer();
    DynamicMessage::deserialize_with_options(descriptor.clone(), reader, &DeserializeOptions::new())
        .map_err(|error| error.to_string())
}

/// Bytes, in either alphabet of base64, padded or not.
pub fn base64(text: &str) -> std::result::Result<Vec<u8>, String> {
    use base64::Engine as _;
    use base64::alphabet::{STANDARD, URL_SAFE};
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, config).decode(text).map_err(|_| "not base64".to_owned())
}

struct Reader<'t> {
    text: Text<'t>,
    /// Objects and lists that may still open inside.
    left: usize,
}

impl<'t> Reader<'t> {
    fn new(text: &'t [u8]) -> Result<Self> {
        Ok(Self { text: Text::new(text)?, left: DEPTH_MAX })
    }

    fn enter(&mut self, sign: u8) -> Result<()> {
        self.text.expect(sign)?;
        self.left = self.left.checked_sub(1).ok_or_else(|| format!("nested deeper than {DEPTH_MAX} levels"))?;
        Ok(())
    }

    /// Reads what is between the signs of an object or list, one by one.
    fn each(&mut self, signs: [u8; 2], mut one: impl FnMut(&mut Self, usize) -> Result<()>) -> Result<()> {
        self.enter(signs[0])?;
        if !self.text.take(signs[1]) {
            let mut index = 0;
            loop {
                one(self, index)?;
                index += 1;
                if !self.text.take(b',') {
                    self.text.expect(signs[1])?;
                    break;
                }
            }
        }
        self.left += 1;
        Ok(())
    }

    fn name(&mut self) -> Result<Cow<'t, str>> {
        let name = self.text.string()?;
        self.text.expect(b':')?;
        Ok(name)
    }

    fn list(&mut self, one: impl FnMut(&mut Self, usize) -> Result<()>) -> Result<()> {
        self.each(*b"[]", one)
    }

    fn object(&mut self, mut one: impl FnMut(&mut Self, Cow<'t, str>) -> Result<()>) -> Result<()> {
        self.each(*b"{}", |reader, _| {
            let name = reader.name()?;
            one(reader, name)
        })
    }

    fn message(&mut self, descriptor: &MessageDescriptor) -> Result<DynamicMessage> {
        if let Some(name) = descriptor.full_name().strip_prefix("google.protobuf.") {
            match name {
                "Timestamp" | "Duration" | "FieldMask" => {
                    let text = self.quoted()?;
                    return Ok(from_text(descriptor, &text)?);
                }
                "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value" | "UInt32Value"
                | "BoolValue" | "StringValue" | "BytesValue" => {
                    let mut wrapper = DynamicMessage::new(descriptor.clone());
                    let inner = descriptor.get_field(1).ok_or("is not a wrapper")?;
                    wrapper.set_field(&inner, self.value(&inner.kind())?);
                    return Ok(wrapper);
                }
                "Struct" | "Value" | "ListValue" => {
                    let text = self.anything()?;
                    let mut json = serde_json::Deserializer::from_str(text);
                    let message = DynamicMessage::deserialize(descriptor.clone(), &mut json);
                    return message.map_err(|error| error.to_string().into());
                }
                "Any" => return self.packed(descriptor),
                _ => {}
            }
        }
        let mut message = DynamicMessage::new(descriptor.clone());
        self.members(&mut message, "")?;
        Ok(message)
    }

    /// The members of an object as fields of a message. One member, of this name, is for somebody else.
    fn members(&mut self, message: &mut DynamicMessage, except: &str) -> Result<()> {
        use prost_reflect::ReflectMessage as _;
        let descriptor = message.descriptor();
        let (mut given, mut chosen, mut skipped) = (Vec::new(), Vec::new(), false);
        self.object(|reader, name| {
            if !except.is_empty() && name == except {
                if std::mem::replace(&mut skipped, true) {
                    return Err(Bad::from("stands twice").inside(except));
                }
                return reader.anything().map(|_| ());
            }
            let field = descriptor.get_field_by_json_name(&name).or_else(|| descriptor.get_field_by_name(&name));
            let field = field.ok_or_else(|| Bad::from("no such field").inside(&shortened(&name)))?;
            // Under either of its spellings.
            if given.contains(&field.number()) {
                return Err(Bad::from("stands twice").inside(field.json_name()));
            }
            given.push(field.number());
            let Some(value) = reader.field(&field).map_err(|bad| bad.inside(field.json_name()))? else { return Ok(()) };
            if let Some(choice) = field.containing_oneof() {
                if chosen.iter().any(|other| other == choice.full_name()) {
                    let problem = format!("excludes the member of {:?} that was given already", choice.name());
                    return Err(Bad::from(problem).inside(field.json_name()));
                }
                chosen.push(choice.full_name().to_owned());
            }
            message.set_field(&field, value);
            Ok(())
        })
    }

    /// A field's value; none for `null`, which stands for a field that is not set.
    fn field(&mut self, field: &FieldDescriptor) -> Result<Option<Value>> {
        let kind = field.kind();
        if self.text.peek() == Some(b'n') && (field.is_list() || field.is_map() || !takes_null(&kind)) {
            self.text.word()?;
            return Ok(None);
        }
        if field.is_list() {
            let mut items = Vec::new();
            self.list(|reader, index| {
                items.push(reader.value(&kind).map_err(|bad| bad.inside(&format!("[{index}]")))?);
                Ok(())
            })?;
            return Ok(Some(Value::List(items)));
        }
        if field.is_map() {
            return self.map(&kind).map(Value::Map).map(Some);
        }
        self.value(&kind).map(Some)
    }

    fn map(&mut self, entry: &Kind) -> Result<HashMap<MapKey, Value>> {
        let entry = entry.as_message().ok_or("is not a map")?;
        let (keys, values) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
        let mut map = HashMap::new();
        self.object(|reader, name| {
            let at = || format!("[{:?}]", shortened(&name));
            let key = map_key(&keys, &name).map_err(|problem| Bad::from(problem).inside(&at()))?;
            let value = reader.value(&values).map_err(|bad| bad.inside(&at()))?;
            match map.insert(key, value) {
                None => Ok(()),
                Some(_) => Err(Bad::from("stands twice").inside(&at())),
            }
        })?;
        Ok(map)
    }

    fn value(&mut self, kind: &Kind) -> Result<Value> {
        Ok(match kind {
            Kind::String => Value::String(self.quoted()?.into_owned()),
            Kind::Bytes => Value::Bytes(base64(&self.quoted()?)?.into()),
            Kind::Bool => match self.text.peek() {
                Some(b't' | b'f') => Value::Bool(self.text.word()?.unwrap_or_default()),
                _ => return Err("must be true or false".into()),
            },
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(numbers::integer(&self.digits()?)?),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(numbers::integer(&self.digits()?)?),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(numbers::integer(&self.digits()?)?),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(numbers::integer(&self.digits()?)?),
            Kind::Float => Value::F32(numbers::single(&self.digits()?)?),
            Kind::Double => Value::F64(numbers::double(&self.digits()?)?),
            Kind::Enum(values) => Value::EnumNumber(self.choice(values)?),
            Kind::Message(inner) => Value::Message(self.message(inner)?),
        })
    }

    fn quoted(&mut self) -> Result<Cow<'t, str>> {
        if self.text.peek() == Some(b'"') { Ok(self.text.string()?) } else { Err("must be text".into()) }
    }

    /// A number's digits, with or without quotes.
    fn digits(&mut self) -> Result<Cow<'t, str>> {
        match self.text.peek() {
            Some(b'"') => Ok(self.text.string()?),
            Some(b'-' | b'0'..=b'9') => Ok(self.text.number()?.into()),
            _ => Err("must be a number".into()),
        }
    }

    fn choice(&mut self, values: &EnumDescriptor) -> Result<i32> {
        match self.text.peek() {
            Some(b'"') => {
                let name = self.text.string()?;
                let value = values.get_value_by_name(&name);
                value.map(|value| value.number()).ok_or_else(|| format!("not a value of {}", values.name()).into())
            }
            // Numbers without a name too: a newer client may know one.
            Some(b'-' | b'0'..=b'9') => Ok(numbers::integer(self.text.number()?)?),
            Some(b'n') if is_null_value(values) => Ok(self.text.word().map(|_| 0)?),
            _ => Err(format!("must be a value of {}", values.name()).into()),
        }
    }

    /// A message with its type beside it.
    fn packed(&mut self, descriptor: &MessageDescriptor) -> Result<DynamicMessage> {
        let text = self.anything()?;
        let outline: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut packed = DynamicMessage::new(descriptor.clone());
        if outline.as_object().is_some_and(serde_json::Map::is_empty) {
            return Ok(packed);
        }
        let url = outline.get("@type").and_then(serde_json::Value::as_str).ok_or("must have an @type")?;
        let known = url.rsplit_once('/').and_then(|(_, name)| descriptor.parent_pool().get_message_by_name(name));
        let known = known.ok_or_else(|| Bad::from("is not a type of the contract").inside("@type"))?;
        // Its members were counted as one level already.
        let mut inner = Reader { text: Text::new(text.as_bytes())?, left: self.left };
        let message = if super::is_one_value(&known) {
            let value = outline.get("value").ok_or("must have a value")?.to_string();
            if outline.as_object().is_some_and(|members| members.len() > 2) {
                return Err("holds more than @type and value".into());
            }
            let mut inner = Reader { text: Text::new(value.as_bytes())?, left: self.left };
            inner.message(&known)?
        } else {
            let mut message = DynamicMessage::new(known);
            inner.members(&mut message, "@type")?;
            message
        };
        packed.set_field_by_name("type_url", Value::String(url.to_owned()));
        packed.set_field_by_name("value", Value::Bytes(message.encode_to_vec().into()));
        Ok(packed)
    }

    /// Reads any value that is strict JSON, and answers its text.
    fn anything(&mut self) -> Result<&'t str> {
        let next = self.text.peek();
        let start = self.text.at();
        match next {
            Some(b'{') => {
                let mut names = HashSet::new();
                self.object(|reader, name| {
                    reader.anything().map_err(|bad| bad.inside(&shortened(&name)))?;
                    match names.replace(name) {
                        None => Ok(()),
                        Some(twice) => Err(Bad::from("stands twice").inside(&shortened(&twice))),
                    }
                })?;
            }
            Some(b'[') => self
                .list(|reader, index| reader.anything().map(|_| ()).map_err(|bad| bad.inside(&format!("[{index}]"))))?,
            Some(b'"') => drop(self.text.string()?),
            Some(b't' | b'f' | b'n') => drop(self.text.word()?),
            _ => drop(self.text.number()?),
        }
        Ok(self.text.since(start))
    }
}

fn takes_null(kind: &Kind) -> bool {
    match kind {
        Kind::Message(inner) => inner.full_name() == "google.protobuf.Value",
        Kind::Enum(values) => is_null_value(values),
        _ => false,
    }
}

fn is_null_value(values: &EnumDescriptor) -> bool {
    values.full_name() == "google.protobuf.NullValue"
}

fn map_key(kind: &Kind, name: &str) -> std::result::Result<MapKey, String> {
    Ok(match kind {
        Kind::Bool => match name {
            "true" => MapKey::Bool(true),
            "false" => MapKey::Bool(false),
            _ => return Err("must be true or false".to_owned()),
        },
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => MapKey::I32(numbers::integer(name)?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => MapKey::I64(numbers::integer(name)?),
        Kind::Uint32 | Kind::Fixed32 => MapKey::U32(numbers::integer(name)?),
        Kind::Uint64 | Kind::Fixed64 => MapKey::U64(numbers::integer(name)?),
        Kind::String => MapKey::String(name.to_owned()),
        Kind::Double | Kind::Float | Kind::Bytes | Kind::Message(_) | Kind::Enum(_) => {
            return Err("is not the key of a map".to_owned());
        }
    })
}

/// What the client wrote is repeated only in part.
fn shortened(name: &str) -> String {
    const CHARS_MAX: usize = 60;
    name.chars().take(CHARS_MAX).collect()
}
