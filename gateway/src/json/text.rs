//! The letters of JSON (RFC 8259), one value after another, without recursion. What serde's model hides is kept: the digits of
//! a number as they were written, so that none is rounded on its way into a field.

use std::borrow::Cow;

/// A JSON text being read.
#[derive(Debug)]
pub struct Text<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Text<'t> {
    /// A text to be read from its beginning. Errors: it is not UTF-8, or begins with a byte order mark.
    pub fn new(bytes: &'t [u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| format!("not UTF-8 at byte {}", error.valid_up_to()))?;
        if text.starts_with('\u{feff}') {
            return Err("begins with a byte order mark".to_owned());
        }
        Ok(Self { text, at: 0 })
    }

    /// Bytes read so far.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What was read since.
    pub fn since(&self, start: usize) -> &'t str {
        &self.text[start..self.at]
    }

    /// The first byte of the next value or sign.
    pub fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|c| matches!(c, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Reads this sign if it comes next.
    pub fn take(&mut self, sign: u8) -> bool {
        let is_next = self.peek() == Some(sign);
        self.at += usize::from(is_next);
        is_next
    }

    /// Reads this sign. Errors: something else comes.
    pub fn expect(&mut self, sign: u8) -> Result<(), String> {
        if self.take(sign) { Ok(()) } else { Err(self.unexpected(&format!("`{}`", char::from(sign)))) }
    }

    /// Errors unless nothing but white space is left.
    pub fn end(&mut self) -> Result<(), String> {
        if self.peek().is_none() { Ok(()) } else { Err(self.unexpected("the end")) }
    }

    /// The sentence that something else than this comes next.
    pub fn unexpected(&mut self, wanted: &str) -> String {
        match self.peek().and_then(|_| self.text[self.at..].chars().next()) {
            Some(found) => format!("{wanted} is expected at byte {}, not `{}`", self.at, found.escape_debug()),
            None => format!("{wanted} is expected at byte {}, where the text ends", self.at),
        }
    }

    /// Reads `true`, `false` or `null`, the last as none.
    pub fn word(&mut self) -> Result<Option<bool>, String> {
        self.peek();
        for (word, value) in [("true", Some(true)), ("false", Some(false)), ("null", None)] {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.unexpected("a value"))
    }

    /// Reads a number and answers it as it is written.
    pub fn number(&mut self) -> Result<&'t str, String> {
        self.peek();
        let start = self.at;
        let end = self.text[start..].find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c));
        let end = end.map_or(self.text.len(), |length| start + length);
        let number = &self.text[start..end];
        if super::numbers::is_number(number) {
            self.at = end;
            return Ok(number);
        }
        Err(self.unexpected("a value"))
    }

    /// Reads a text value or a member's name. Errors: a control character, half a surrogate pair, an escape that is none,
    /// U+0000, which no field of the contract holds and databases refuse as a failure of their own.
    pub fn string(&mut self) -> Result<Cow<'t, str>, String> {
        self.expect(b'"')?;
        let bytes = self.text.as_bytes();
        let mut start = self.at;
        let mut unescaped: Option<String> = None;
        loop {
            match bytes.get(self.at) {
                None => return Err("the text ends within quotes".to_owned()),
                Some(b'"') => {
                    let rest = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(match unescaped {
                        None => Cow::Borrowed(rest),
                        Some(text) => Cow::Owned(text + rest),
                    });
                }
                Some(b'\\') => {
                    let before = &self.text[start..self.at];
                    self.at += 1;
                    let escaped = self.escaped()?;
                    let text = unescaped.get_or_insert_default();
                    text.push_str(before);
                    text.push(escaped);
                    start = self.at;
                }
                Some(0..=0x1f) => return Err(format!("a control character at byte {} is not escaped", self.at)),
                Some(_) => self.at += 1,
            }
        }
    }

    /// What stands behind a backslash.
    fn escaped(&mut self) -> Result<char, String> {
        let sign = self.text.as_bytes().get(self.at).copied();
        self.at += 1;
        Ok(match sign {
            Some(sign @ (b'"' | b'\\' | b'/')) => char::from(sign),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.unit()?;
                let second = match first {
                    0xd800..=0xdbff if self.text[self.at..].starts_with("\\u") => {
                        self.at += 2;
                        Some(self.unit()?)
                    }
                    _ => None,
                };
                let units = [Some(first), second].into_iter().flatten();
                let mut chars = char::decode_utf16(units);
                match (chars.next(), chars.next()) {
                    (Some(Ok('\0')), None) => return Err("the character U+0000 is not allowed".to_owned()),
                    (Some(Ok(c)), None) => c,
                    _ => return Err(format!("half a surrogate pair before byte {}", self.at)),
                }
            }
            _ => return Err(format!("no escape ends at byte {}", self.at)),
        })
    }

    fn unit(&mut self) -> Result<u16, String> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let unit = digits.filter(|digits| digits.bytes().all(|c| c.is_ascii_hexdigit()));
        let unit = unit.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        self.at += 4;
        unit.ok_or_else(|| format!("four hex digits are expected before byte {}", self.at))
    }
}
