//! proto3 JSON, read and written by the contract's descriptors. The mapping is that of protobuf's documentation; where it
//! leaves room, or where two readers could understand two things, the strict reading counts:
//!
//! - UTF-8 without a byte order mark, one value, no member twice, in either of its spellings, no two members of one choice,
//!   no unknown field; at most [`DEPTH_MAX`] levels; no U+0000.
//! - Numbers are read exactly, as numbers or as text, with fraction and exponent if the value is whole; what the field cannot
//!   hold is refused, never rounded or cut off ([`numbers`]).
//! - `null` is a field that is not set; in lists and maps it is refused. Enums by name, or by number, also one without a name,
//!   so that what a newer part answered can be sent back.
//! - Masks of fields are lowerCamelCase in JSON (in queries either spelling, see [`crate::binder`]).
//!
//! Keys of maps that differ only in spelling (`1`, `1.0`) are one key and so stand twice.

pub mod numbers;
mod read;
mod straight;
mod text;
mod write;

use prost_reflect::MessageDescriptor;

pub use read::{Bad, base64, element, field, from_text, message};
pub use straight::Printer;
pub use write::{field as write_field, message as write};

/// Objects and lists inside each other at the most.
pub const DEPTH_MAX: usize = 32;

/// Whether a message is written otherwise than as an object of its fields.
pub fn is_one_value(message: &MessageDescriptor) -> bool {
    const NAMES: [&str; 15] = [
        "Any",
        "Timestamp",
        "Duration",
        "FieldMask",
        "Struct",
        "Value",
        "ListValue",
        "DoubleValue",
        "FloatValue",
        "Int64Value",
        "UInt64Value",
        "Int32Value",
        "UInt32Value",
        "BoolValue",
        "StringValue",
    ];
    let name = message.full_name().strip_prefix("google.protobuf.");
    name.is_some_and(|name| NAMES.contains(&name) || matches!(name, "BytesValue" | "Empty"))
}

#[cfg(test)]
mod tests;
