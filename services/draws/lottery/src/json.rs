//! JSON files of the protocol: exactly their RFC 8785 bytes, exactly the members shown, integers only.
//!
//! A file is read, written again and compared: that catches spaces, order, repeated members, other spellings of a
//! number or a letter, and everything else that would give the same content a second digest.

use serde_json::{Map, Value};

use crate::error::{Error, Result, form};

/// Largest integer every reader of JSON holds exactly: 2^53 - 1.
pub const INTEGER_MAX: u64 = (1 << 53) - 1;

/// The RFC 8785 bytes of a value whose numbers are integers from 0 to 2^53 - 1.
pub fn canonical(value: &Value) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    write(value, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => match number.as_u64() {
            Some(integer) if integer <= INTEGER_MAX => out.extend_from_slice(integer.to_string().as_bytes()),
            _ => return form(format!("{number} is not an integer from 0 to 2^53 - 1")),
        },
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(item, out)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
            out.push(b'{');
            for (at, (name, member)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_text(name, out);
                out.push(b':');
                write(member, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for letter in text.chars() {
        match letter {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{9}' => out.extend_from_slice(b"\\t"),
            '\u{a}' => out.extend_from_slice(b"\\n"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\u{d}' => out.extend_from_slice(b"\\r"),
            '\0'..'\u{20}' => out.extend_from_slice(format!("\\u{:04x}", letter as u32).as_bytes()),
            _ => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

/// Reads a file that must be its own RFC 8785 bytes.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Value> {
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| Error::file(file, format!("not JSON: {error}")))?;
    let exact = canonical(&value).map_err(|error| error.in_file(file))?;
    if exact != bytes {
        let at = exact.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        return Err(Error::file(
            file,
            format!(
                "not the RFC 8785 bytes of its content: differs at byte {at} (order, space, a repeated member, another spelling or a final line end)"
            ),
        ));
    }
    Ok(value)
}

/// The RFC 8785 bytes of what may be written in another way; none if it is no such content.
pub(crate) fn restated(bytes: &[u8]) -> Option<Vec<u8>> {
    canonical(&serde_json::from_slice(bytes).ok()?).ok()
}

/// The members of an object, taken out one by one, so that one too many is noticed.
pub(crate) struct Members {
    what: String,
    map: Map<String, Value>,
}

impl Members {
    pub fn of(what: impl Into<String>, value: Value) -> Result<Self> {
        let what = what.into();
        match value {
            Value::Object(map) => Ok(Self { what, map }),
            other => form(format!("{what} is not an object but {}", kind(&other))),
        }
    }

    fn wrong<T>(&self, name: &str, wanted: &str, got: &Value) -> Result<T> {
        form(format!("{}: member \"{name}\" is not {wanted} but {}", self.what, kind(got)))
    }

    pub fn value(&mut self, name: &str) -> Result<Value> {
        match self.map.remove(name) {
            Some(value) => Ok(value),
            None => form(format!("{}: member \"{name}\" is missing", self.what)),
        }
    }

    pub fn text(&mut self, name: &str) -> Result<String> {
        match self.value(name)? {
            Value::String(text) => Ok(text),
            other => self.wrong(name, "a text", &other),
        }
    }

    /// A text, or none for null.
    pub fn text_or_null(&mut self, name: &str) -> Result<Option<String>> {
        match self.value(name)? {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text)),
            other => self.wrong(name, "a text or null", &other),
        }
    }

    pub fn integer(&mut self, name: &str) -> Result<u64> {
        let value = self.value(name)?;
        match value.as_u64() {
            Some(integer) if integer <= INTEGER_MAX => Ok(integer),
            _ => self.wrong(name, "an integer from 0 to 2^53 - 1", &value),
        }
    }

    pub fn boolean(&mut self, name: &str) -> Result<bool> {
        match self.value(name)? {
            Value::Bool(boolean) => Ok(boolean),
            other => self.wrong(name, "true or false", &other),
        }
    }

    pub fn list(&mut self, name: &str) -> Result<Vec<Value>> {
        match self.value(name)? {
            Value::Array(items) => Ok(items),
            other => self.wrong(name, "a list", &other),
        }
    }

    /// An object, or none for null.
    pub fn members_or_null(&mut self, name: &str) -> Result<Option<Members>> {
        match self.value(name)? {
            Value::Null => Ok(None),
            value => Members::of(format!("{}: member \"{name}\"", self.what), value).map(Some),
        }
    }

    pub fn members(&mut self, name: &str) -> Result<Members> {
        let value = self.value(name)?;
        Members::of(format!("{}: member \"{name}\"", self.what), value)
    }

    pub fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// Every member with its name, for an object whose names are free.
    pub fn rest(self) -> impl Iterator<Item = (String, Value)> {
        self.map.into_iter()
    }

    /// Refuses what is left.
    pub fn done(self) -> Result<()> {
        match self.map.keys().next() {
            None => Ok(()),
            Some(name) => form(format!("{}: member {name:?} does not belong there", self.what)),
        }
    }
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("the text {text:?}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_rfc_8785() {
        let value: Value = serde_json::from_str("{\"\u{20ac}\":\"\\u0007\\u2028\\\"\\\\\\/\", \"b\":[1,true,null], \"a\":{}, \"\u{1f600}\":0, \"\u{fb33}\":9007199254740991}").unwrap();
        // U+1F600 sorts before U+FB33: by UTF-16 code units, not by code points.
        assert_eq!(
            String::from_utf8(canonical(&value).unwrap()).unwrap(),
            "{\"a\":{},\"b\":[1,true,null],\"\u{20ac}\":\"\\u0007\u{2028}\\\"\\\\/\",\"\u{1f600}\":0,\"\u{fb33}\":9007199254740991}"
        );
    }

    #[test]
    fn a_second_spelling_of_the_same_content_is_refused() {
        assert!(parse("f", b"{\"a\":1,\"b\":\"x\"}").is_ok());
        for bad in [
            "{\"a\":1,\"b\":\"x\"}\n",
            " {\"a\":1,\"b\":\"x\"}",
            "{\"b\":\"x\",\"a\":1}",
            "{\"a\":1,\"a\":1,\"b\":\"x\"}",
            "{\"a\":1.0}",
            "{\"a\":1e3}",
            "{\"a\":-0}",
            "{\"a\":-1}",
            "{\"a\":01}",
            "{\"a\":9007199254740992}",
            "{\"a\":\"\\u0061\"}",
            "{\"a\":\"\\/\"}",
            "{\"a\":\"\u{0}\"}",
            "\u{feff}{}",
            "{}{}",
            "",
        ] {
            assert!(parse("f", bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse("f", b"{\"a\":\"\xff\"}").is_err());
    }
}
