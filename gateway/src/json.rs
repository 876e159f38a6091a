//! What JSON must be before it is bound to a message: UTF-8, one value, no member twice, not too deep. The binding itself
//! would take the last of two members and leave the parts of a fleet to disagree about which one counted.

use std::collections::HashSet;
use std::fmt;

use prost_reflect::{Kind, MessageDescriptor};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Objects and lists inside each other at the most.
pub const DEPTH_MAX: usize = 32;

/// Reads a JSON text that passes the checks. Errors: a sentence for the client.
pub fn parse(text: &[u8]) -> Result<Value, String> {
    check(text)?;
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

/// Refuses a field that stands twice under its two spellings (`pageSize`, `page_size`), and two members of one choice.
pub fn check_members(message: &MessageDescriptor, value: &Value) -> Result<(), String> {
    let Value::Object(members) = value else { return Ok(()) };
    // Well-known types have members of their own, or none.
    if message.full_name().starts_with("google.protobuf.") {
        return Ok(());
    }
    let mut fields = HashSet::new();
    let mut choices = HashSet::new();
    for (name, value) in members {
        let Some(field) = message.get_field_by_json_name(name).or_else(|| message.get_field_by_name(name)) else {
            continue;
        };
        if !fields.insert(field.number()) {
            return Err(format!("field {:?} stands twice", field.json_name()));
        }
        if let Some(choice) = field.containing_oneof().filter(|_| !value.is_null())
            && !choices.insert(choice.full_name().to_owned())
        {
            return Err(format!(
                "{:?} and another member of {:?} exclude each other",
                field.json_name(),
                choice.name()
            ));
        }
        let Kind::Message(inner) = field.kind() else { continue };
        match value {
            Value::Array(items) => items.iter().try_for_each(|item| check_members(&inner, item))?,
            Value::Object(entries) if field.is_map() => {
                if let Kind::Message(inner) = inner.map_entry_value_field().kind() {
                    entries.values().try_for_each(|item| check_members(&inner, item))?;
                }
            }
            single => check_members(&inner, single)?,
        }
    }
    Ok(())
}

/// Checks a JSON text. Errors: a sentence for the client.
pub fn check(text: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(text).map_err(|error| format!("not UTF-8 at byte {}", error.valid_up_to()))?;
    let mut json = serde_json::Deserializer::from_str(text);
    Strict(DEPTH_MAX).deserialize(&mut json).and_then(|()| json.end()).map_err(|error| error.to_string())
}

/// Visits a value with so many levels left.
#[derive(Clone, Copy)]
struct Strict(usize);

impl Strict {
    fn inside<E: Error>(self) -> Result<Self, E> {
        let left = self.0.checked_sub(1);
        left.map(Self).ok_or_else(|| E::custom(format!("nested deeper than {DEPTH_MAX} levels")))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        // No field of the contract holds it, and databases refuse it as a failure of their own.
        if text.contains('\0') { Err(E::custom("the character U+0000 is not allowed")) } else { Ok(()) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while list.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            self.visit_str(&name)?;
            map.next_value_seed(inside)?;
            if let Some(twice) = seen.replace(name) {
                return Err(A::Error::custom(format!("member {twice:?} stands twice")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_json_passes() {
        for text in ["{}", "null", " [1, 2.5, -3e2, \"\\ud83d\\ude00\", true, {\"a\": {\"a\": []}}] ", "\"中\""] {
            assert_eq!(check(text.as_bytes()), Ok(()), "{text}");
        }
    }

    #[test]
    fn a_member_twice_is_refused_wherever_it_stands() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"x":[{"b":1,"c":2,"b":3}]}"#, r#"{"a":1,"\u0061":2}"#] {
            assert!(check(text.as_bytes()).unwrap_err().contains("twice"), "{text}");
        }
    }

    #[test]
    fn depth_has_an_edge() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert_eq!(check(deep(DEPTH_MAX).as_bytes()), Ok(()));
        assert!(check(deep(DEPTH_MAX + 1).as_bytes()).unwrap_err().contains("deeper"));
        assert!(check("{\"a\":".repeat(1_000_000).as_bytes()).unwrap_err().contains("deeper"));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            &b"{"[..],
            b"{}x",
            b"",
            b"{'a':1}",
            b"\xff{}",
            b"{\"a\":\"\xc3\x28\"}",
            b"[1,]",
            b"\"\\ud800\"",
            b"\"\\u0000\"",
            b"NaN",
        ] {
            assert!(check(text).is_err(), "{}", String::from_utf8_lossy(text));
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_json_library_on_anything_without_repetition(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if check(&bytes).is_ok() {
                prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
            }
        }

        #[test]
        fn what_the_json_library_writes_passes(keys in proptest::collection::btree_set("[a-z]{0,4}", 0..8), text in "[^\0]{0,20}") {
            let object: serde_json::Map<_, _> = keys.into_iter().map(|key| (key, text.clone().into())).collect();
            prop_assert_eq!(check(serde_json::Value::Object(object).to_string().as_bytes()), Ok(()));
        }
    }
}
