//! From an encoded message straight to JSON, by tables made once from the contract: what [`super::write()`] writes of the decoded
//! message, without making one. Answers are the same bytes; it takes a fraction of the time, since nothing is copied but into
//! the text itself.
//!
//! A message is read twice: first where each field stands, by which the last value of a field counts and the last member of a
//! choice, then field by field in the contract's order. Types with a form of their own (times, masks, structs) and maps are few
//! and small: those are decoded and written as everywhere else.

use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost::{DecodeError, bytes::Buf as _};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};

use super::{is_one_value, write};

/// Messages inside each other at the most, as decoders have it.
const DEPTH_MAX: usize = 100;

/// Why a message cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("not a message of the contract: {0}")]
    Wire(&'static str),
}

type Result<T> = std::result::Result<T, Error>;

/// Writes messages of one type.
#[derive(Debug)]
pub struct Printer {
    /// The type itself first, then those inside it.
    tables: Vec<Table>,
}

#[derive(Debug)]
struct Table {
    descriptor: MessageDescriptor,
    /// Whether it is written otherwise than as an object of its fields.
    one_value: bool,
    /// In the order they are written.
    fields: Vec<Field>,
    /// Place in `fields` by number, for low numbers; `NONE` where there is no such field.
    low: Vec<u16>,
    high: HashMap<u32, u16>,
}

const NONE: u16 = u16::MAX;
/// Numbers above it are looked up.
const LOW_MAX: u32 = 255;

#[derive(Debug)]
struct Field {
    descriptor: FieldDescriptor,
    /// `"name":`.
    key: Vec<u8>,
    form: Form,
    many: Many,
    /// Whether it has no member where it is not set.
    presence: bool,
    /// Which choice it belongs to.
    choice: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Many {
    One,
    List,
    Map,
}

#[derive(Debug)]
enum Form {
    Bool,
    I32,
    S32,
    U32,
    F32,
    I64,
    S64,
    U64,
    F64,
    /// Fixed width: a whole number in 32 or 64 bits.
    Fixed32,
    Sfixed32,
    Fixed64,
    Sfixed64,
    String,
    Bytes,
    Enum {
        names: HashMap<i32, Vec<u8>>,
        null: bool,
    },
    /// Place in [`Printer::tables`].
    Message(usize),
}

impl Form {
    fn wire(&self) -> WireType {
        match self {
            Self::F32 | Self::Fixed32 | Self::Sfixed32 => WireType::ThirtyTwoBit,
            Self::F64 | Self::Fixed64 | Self::Sfixed64 => WireType::SixtyFourBit,
            Self::String | Self::Bytes | Self::Message(_) => WireType::LengthDelimited,
            _ => WireType::Varint,
        }
    }
}

/// A value as it stands in the message.
#[derive(Debug, Clone, Copy)]
enum Raw<'m> {
    Number(u64),
    Text(&'m [u8]),
}

/// Where a field stands in the message: from before its first to behind its last value.
#[derive(Debug, Clone, Copy)]
struct Slot<'m> {
    start: usize,
    end: usize,
    count: usize,
    last: Raw<'m>,
}

impl Printer {
    /// For messages of this type.
    pub fn new(descriptor: &MessageDescriptor) -> Self {
        let mut printer = Self { tables: Vec::new() };
        let mut places = HashMap::new();
        printer.table(descriptor, &mut places);
        printer
    }

    fn table(&mut self, descriptor: &MessageDescriptor, places: &mut HashMap<String, usize>) -> usize {
        if let Some(place) = places.get(descriptor.full_name()) {
            return *place;
        }
        let place = self.tables.len();
        places.insert(descriptor.full_name().to_owned(), place);
        let one_value = is_one_value(descriptor);
        let (fields, low, high) = (Vec::new(), Vec::new(), HashMap::new());
        self.tables.push(Table { descriptor: descriptor.clone(), one_value, fields, low, high });
        if one_value {
            return place;
        }
        let fields: Vec<Field> = descriptor.fields().map(|field| self.field(field, places)).collect();
        let table = &mut self.tables[place];
        for (at, field) in (0..NONE).zip(&fields) {
            let number = field.descriptor.number();
            if number > LOW_MAX {
                table.high.insert(number, at);
                continue;
            }
            // Below 256.
            let number = number as usize;
            if table.low.len() <= number {
                table.low.resize(number + 1, NONE);
            }
            table.low[number] = at;
        }
        table.fields = fields;
        place
    }

    fn field(&mut self, field: FieldDescriptor, places: &mut HashMap<String, usize>) -> Field {
        let many = match (field.is_map(), field.is_list()) {
            (true, _) => Many::Map,
            (_, true) => Many::List,
            _ => Many::One,
        };
        let form = match field.kind() {
            Kind::Bool => Form::Bool,
            Kind::Int32 => Form::I32,
            Kind::Sint32 => Form::S32,
            Kind::Uint32 => Form::U32,
            Kind::Float => Form::F32,
            Kind::Int64 => Form::I64,
            Kind::Sint64 => Form::S64,
            Kind::Uint64 => Form::U64,
            Kind::Double => Form::F64,
            Kind::Fixed32 => Form::Fixed32,
            Kind::Sfixed32 => Form::Sfixed32,
            Kind::Fixed64 => Form::Fixed64,
            Kind::Sfixed64 => Form::Sfixed64,
            Kind::String => Form::String,
            Kind::Bytes => Form::Bytes,
            Kind::Enum(values) => {
                let null = values.full_name() == "google.protobuf.NullValue";
                let mut names = HashMap::new();
                for value in values.values() {
                    // Of two names of one number the first, as everywhere.
                    let first = values.get_value(value.number()).map(|first| first.name().to_owned());
                    let name = first.unwrap_or_else(|| value.name().to_owned());
                    names.insert(value.number(), format!("\"{name}\"").into_bytes());
                }
                Form::Enum { names, null }
            }
            Kind::Message(inner) => Form::Message(self.table(&inner, places)),
        };
        Field {
            // Names of the contract are plain letters.
            key: format!("\"{}\":", field.json_name()).into_bytes(),
            form,
            many,
            presence: field.supports_presence(),
            choice: field.containing_oneof().map(|choice| choice.full_name().to_owned()),
            descriptor: field,
        }
    }

    /// Writes an encoded message. Errors: it is none of this type, or holds what JSON has no form for.
    pub fn print(&self, encoded: &[u8], json: &mut Vec<u8>) -> Result<()> {
        self.message(0, encoded, &mut Vec::with_capacity(64), 0, json)
    }

    fn message<'m>(
        &self,
        place: usize,
        encoded: &'m [u8],
        slots: &mut Vec<Option<Slot<'m>>>,
        depth: usize,
        json: &mut Vec<u8>,
    ) -> Result<()> {
        if depth >= DEPTH_MAX {
            return Err(Error::Wire("too deep"));
        }
        let table = &self.tables[place];
        if table.one_value {
            let message = DynamicMessage::decode(table.descriptor.clone(), encoded)?;
            return Ok(write::message(&message, json)?);
        }
        // Those of the messages around it stand before.
        let base = slots.len();
        slots.resize(base + table.fields.len(), None);
        table.find(encoded, &mut slots[base..])?;
        json.push(b'{');
        let mut first = true;
        for (at, field) in table.fields.iter().enumerate() {
            let slot = slots[base + at];
            if field.presence && slot.is_none() {
                continue;
            }
            if !std::mem::take(&mut first) {
                json.push(b',');
            }
            json.extend_from_slice(&field.key);
            match (field.many, slot) {
                (Many::List, None) => json.extend_from_slice(b"[]"),
                (Many::Map, None) => json.extend_from_slice(b"{}"),
                (Many::One, None) => self.value(&field.form, field.form.empty(), slots, depth, json)?,
                (Many::List, Some(slot)) => self.list(table, at, encoded, slot, slots, depth, json)?,
                (Many::Map, Some(slot)) => {
                    let entries = &encoded[slot.start..slot.end];
                    let message = DynamicMessage::decode(table.descriptor.clone(), entries)?;
                    write::field(&message, &field.descriptor, json)?;
                }
                // Parts of one message that stand apart are one message when they are put together.
                (Many::One, Some(slot)) if slot.count > 1 && matches!(field.form, Form::Message(_)) => {
                    let mut whole = Vec::new();
                    table.each(at, &encoded[slot.start..slot.end], |part| {
                        if let Raw::Text(part) = part {
                            whole.extend_from_slice(part);
                        }
                        Ok(())
                    })?;
                    self.value(&field.form, Raw::Text(&whole), &mut Vec::new(), depth, json)?;
                }
                (Many::One, Some(slot)) => self.value(&field.form, slot.last, slots, depth, json)?,
            }
        }
        json.push(b'}');
        slots.truncate(base);
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "what a message's writing is about, and the field")]
    fn list<'m>(
        &self,
        table: &Table,
        at: usize,
        encoded: &'m [u8],
        slot: Slot<'m>,
        slots: &mut Vec<Option<Slot<'m>>>,
        depth: usize,
        json: &mut Vec<u8>,
    ) -> Result<()> {
        json.push(b'[');
        let mut first = true;
        table.each(at, &encoded[slot.start..slot.end], |item| {
            if !std::mem::take(&mut first) {
                json.push(b',');
            }
            self.value(&table.fields[at].form, item, slots, depth, json)
        })?;
        json.push(b']');
        Ok(())
    }

    fn value<'m>(
        &self,
        form: &Form,
        value: Raw<'m>,
        slots: &mut Vec<Option<Slot<'m>>>,
        depth: usize,
        json: &mut Vec<u8>,
    ) -> Result<()> {
        // Numbers are cut to the field's width as every decoder cuts them.
        match (form, value) {
            (Form::Bool, Raw::Number(n)) => json.extend_from_slice(if n == 0 { b"false" } else { b"true" }),
            (Form::I32 | Form::Sfixed32, Raw::Number(n)) => serde_json::to_writer(json, &(n as i32))?,
            (Form::S32, Raw::Number(n)) => serde_json::to_writer(json, &(zigzag(u64::from(n as u32)) as i32))?,
            (Form::U32 | Form::Fixed32, Raw::Number(n)) => serde_json::to_writer(json, &(n as u32))?,
            (Form::I64 | Form::Sfixed64, Raw::Number(n)) => quoted(&(n as i64), json)?,
            (Form::S64, Raw::Number(n)) => quoted(&zigzag(n), json)?,
            (Form::U64 | Form::Fixed64, Raw::Number(n)) => quoted(&n, json)?,
            (Form::F32, Raw::Number(n)) => write::single(f32::from_bits(n as u32), json)?,
            (Form::F64, Raw::Number(n)) => write::double(f64::from_bits(n), json)?,
            (Form::Enum { null: true, .. }, Raw::Number(_)) => json.extend_from_slice(b"null"),
            (Form::Enum { names, .. }, Raw::Number(n)) => match names.get(&(n as i32)) {
                Some(name) => json.extend_from_slice(name),
                None => serde_json::to_writer(json, &(n as i32))?,
            },
            (Form::String, Raw::Text(text)) => {
                let text = std::str::from_utf8(text).map_err(|_| Error::Wire("a text is not UTF-8"))?;
                serde_json::to_writer(json, text)?;
            }
            (Form::Bytes, Raw::Text(bytes)) => {
                json.push(b'"');
                json.extend_from_slice(BASE64_STANDARD.encode(bytes).as_bytes());
                json.push(b'"');
            }
            (Form::Message(place), Raw::Text(inner)) => self.message(*place, inner, slots, depth + 1, json)?,
            (_, Raw::Number(_) | Raw::Text(_)) => return Err(Error::Wire("a value of another type")),
        }
        Ok(())
    }
}

impl Form {
    /// The value of a field that is not set.
    fn empty(&self) -> Raw<'static> {
        match self.wire() {
            WireType::LengthDelimited => Raw::Text(&[]),
            _ => Raw::Number(0),
        }
    }
}

impl Table {
    fn place(&self, number: u32) -> Option<usize> {
        let low = self.low.get(number as usize).copied().filter(|at| *at != NONE);
        low.or_else(|| self.high.get(&number).copied()).map(usize::from)
    }

    /// Finds where each field stands.
    fn find<'m>(&self, encoded: &'m [u8], slots: &mut [Option<Slot<'m>>]) -> Result<()> {
        let mut rest = encoded;
        while !rest.is_empty() {
            let start = encoded.len() - rest.len();
            let (number, wire) = decode_key(&mut rest)?;
            let Some(at) = self.place(number) else {
                skip_field(wire, number, &mut rest, DecodeContext::default())?;
                continue;
            };
            let field = &self.fields[at];
            let last = raw(wire, &mut rest)?;
            let packed = field.many == Many::List && wire == WireType::LengthDelimited;
            if wire != field.form.wire() && !packed {
                return Err(Error::Wire("a field of another type"));
            }
            let end = encoded.len() - rest.len();
            if let (Some(choice), None) = (&field.choice, &slots[at]) {
                // Another member of the choice counts no more.
                for (other, slot) in self.fields.iter().zip(slots.iter_mut()) {
                    if other.choice.as_ref() == Some(choice) {
                        *slot = None;
                    }
                }
            }
            slots[at] = Some(match slots[at] {
                Some(slot) => Slot { end, count: slot.count + 1, last, ..slot },
                None => Slot { start, end, count: 1, last },
            });
        }
        Ok(())
    }

    /// Every value of one field, packed or not.
    fn each<'m>(&self, at: usize, part: &'m [u8], mut with: impl FnMut(Raw<'m>) -> Result<()>) -> Result<()> {
        let form = &self.fields[at].form;
        let mut rest = part;
        while !rest.is_empty() {
            let (number, wire) = decode_key(&mut rest)?;
            if self.place(number) != Some(at) {
                skip_field(wire, number, &mut rest, DecodeContext::default())?;
                continue;
            }
            match raw(wire, &mut rest)? {
                Raw::Text(mut packed) if form.wire() != WireType::LengthDelimited => {
                    while !packed.is_empty() {
                        with(raw(form.wire(), &mut packed)?)?;
                    }
                }
                value => with(value)?,
            }
        }
        Ok(())
    }
}

/// Reads one value.
fn raw<'m>(wire: WireType, rest: &mut &'m [u8]) -> Result<Raw<'m>> {
    const SHORT: Error = Error::Wire("it ends within a value");
    Ok(match wire {
        WireType::Varint => Raw::Number(decode_varint(rest)?),
        WireType::ThirtyTwoBit => Raw::Number(rest.try_get_u32_le().map_err(|_| SHORT)?.into()),
        WireType::SixtyFourBit => Raw::Number(rest.try_get_u64_le().map_err(|_| SHORT)?),
        WireType::LengthDelimited => {
            let length = usize::try_from(decode_varint(rest)?).map_err(|_| SHORT)?;
            let (text, after) = rest.split_at_checked(length).ok_or(SHORT)?;
            *rest = after;
            Raw::Text(text)
        }
        WireType::StartGroup | WireType::EndGroup => return Err(Error::Wire("a group")),
    })
}

fn zigzag(n: u64) -> i64 {
    ((n >> 1) as i64) ^ -((n & 1) as i64)
}

fn quoted(number: &impl serde::Serialize, json: &mut Vec<u8>) -> serde_json::Result<()> {
    json.push(b'"');
    serde_json::to_writer(&mut *json, number)?;
    json.push(b'"');
    Ok(())
}

#[cfg(test)]
#[path = "straight_tests.rs"]
mod tests;
