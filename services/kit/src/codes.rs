//! Codes that name subjects and places: registers are kept by them (art. 13), records of departments linked by them
//! (art. 22), public lists say whom they mean by them (art. 18).
//!
//! Everything here is strict: a code is parsed as it stands, or refused with the reason. Nothing is trimmed or
//! upper-cased; whoever cleans a value keeps the original beside it.

mod district;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use district::{CITY, DISTRICTS, District, DistrictCode, FORMER_DISTRICTS};

/// Why a text is not a code. `position` counts characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    #[error("{found} characters instead of {expected}")]
    Length { expected: usize, found: usize },
    #[error("character {position} is `{found}`, which does not occur in such a code")]
    Character { position: usize, found: char },
    #[error("the check digit is `{found}`, not `{expected}`: a character is wrong or two are swapped")]
    CheckDigit { expected: char, found: char },
    #[error("`{0}` is not the code of an administrative division")]
    District(String),
    #[error("a subject's key is a unified social credit code, or `kind:id` of at most 64 of 0-9A-Za-z:/._-")]
    Key,
}

impl CodeError {
    /// Stable UPPER_SNAKE, for refusals and reports.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Length { .. } => "CODE_LENGTH",
            Self::Character { .. } => "CODE_CHARACTER",
            Self::CheckDigit { .. } => "CODE_CHECK_DIGIT",
            Self::District(_) => "CODE_DISTRICT",
            Self::Key => "SUBJECT_KEY",
        }
    }

    /// For a civil servant: what is wrong and what to do.
    pub fn zh(&self) -> String {
        match self {
            Self::Length { expected, found } => format!("代码应为{expected}位，实际{found}位，请核对。"),
            Self::Character { position, found } => {
                format!("代码第{position}位“{found}”不是合法字符，请核对（不使用字母 I、O、S、V、Z 和全角字符）。")
            }
            Self::CheckDigit { expected, found } => {
                format!("代码校验位应为“{expected}”，实际为“{found}”，可能有一位写错或两位颠倒，请核对。")
            }
            Self::District(code) => format!("代码中的行政区划“{code}”不存在，请核对。"),
            Self::Key => "主体标识应为统一社会信用代码，或“类别:编号”（至多64位字母、数字和 : / . _ -）。".into(),
        }
    }
}

/// The characters of a unified social credit code, in the order of their values.
const CREDIT_ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// 3^(i-1) mod 31 for the places 1 to 17.
const CREDIT_WEIGHTS: [u32; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

fn credit_value(byte: u8) -> Option<u32> {
    let place = CREDIT_ALPHABET.iter().position(|known| *known == byte)?;
    u32::try_from(place).ok()
}

/// The unified social credit code of an organisation (GB 32100-2015), 18 characters, checked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CreditCode([u8; 18]);

impl CreditCode {
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let bytes: [u8; 18] = ascii(text)?;
        let mut sum = 0;
        for (place, byte) in bytes.iter().enumerate() {
            let Some(value) = credit_value(*byte) else {
                return Err(CodeError::Character { position: place + 1, found: char::from(*byte) });
            };
            sum += value * CREDIT_WEIGHTS.get(place).copied().unwrap_or(0);
        }
        let expected = credit_check(sum);
        if bytes[17] != expected {
            return Err(CodeError::CheckDigit { expected: char::from(expected), found: char::from(bytes[17]) });
        }
        DistrictCode::parse(text.get(2..8).unwrap_or_default())?;
        Ok(Self(bytes))
    }

    /// The `serial`th made-up code of a district, for demonstration data: an enterprise's (`91`) or, where
    /// `self_employed`, an individual business's (`92`). Distinct for serials below 887,503,681 (31^6).
    pub fn generate(district: DistrictCode, self_employed: bool, serial: u32) -> Self {
        let mut bytes = [b'0'; 18];
        bytes[..2].copy_from_slice(if self_employed { b"92" } else { b"91" });
        bytes[2..8].copy_from_slice(district.as_str().as_bytes());
        bytes[8..10].copy_from_slice(b"MA");
        let mut rest = serial as usize;
        for byte in bytes[10..16].iter_mut().rev() {
            *byte = CREDIT_ALPHABET[rest % 31];
            rest /= 31;
        }
        bytes[16] = organisation_check(&bytes[8..16]);
        let values = bytes[..17].iter().map(|byte| credit_value(*byte).unwrap_or(0));
        bytes[17] = credit_check(values.zip(CREDIT_WEIGHTS).map(|(value, weight)| value * weight).sum());
        Self(bytes)
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Where the organisation was registered, as the code says; not necessarily where it works.
    pub fn district(&self) -> Option<DistrictCode> {
        DistrictCode::parse(self.as_str().get(2..8)?).ok()
    }
}

fn credit_check(sum: u32) -> u8 {
    CREDIT_ALPHABET[((31 - sum % 31) % 31) as usize]
}

/// The check character of an organisation code (GB 11714), which places 9 to 17 of a credit code are.
fn organisation_check(body: &[u8]) -> u8 {
    let value = |byte: &u8| u32::from(if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' + 10 });
    let sum: u32 = body.iter().map(value).zip([3, 7, 9, 10, 5, 8, 4, 2]).map(|(value, weight)| value * weight).sum();
    b"0123456789X0"[(11 - sum % 11) as usize]
}

/// The registration number of a business before unified codes (GS 15-2006), 15 digits, the last checking by
/// ISO 7064 MOD 11,10.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OldNumber([u8; 15]);

impl OldNumber {
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let bytes: [u8; 15] = ascii(text)?;
        let mut product = 10;
        for (place, byte) in bytes.iter().enumerate() {
            if !byte.is_ascii_digit() {
                return Err(CodeError::Character { position: place + 1, found: char::from(*byte) });
            }
            if place < 14 {
                let sum = (product + u32::from(byte - b'0')) % 10;
                product = (if sum == 0 { 10 } else { sum }) * 2 % 11;
            }
        }
        let expected = char::from(b"0123456789"[((11 - product) % 10) as usize]);
        let found = char::from(bytes[14]);
        if found != expected {
            return Err(CodeError::CheckDigit { expected, found });
        }
        Ok(Self(bytes))
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Exactly `N` ASCII characters; anything else is refused where it first differs.
fn ascii<const N: usize>(text: &str) -> Result<[u8; N], CodeError> {
    let found = text.chars().count();
    if found != N {
        return Err(CodeError::Length { expected: N, found });
    }
    if let Some((place, found)) = text.chars().enumerate().find(|(_, c)| !c.is_ascii_graphic()) {
        return Err(CodeError::Character { position: place + 1, found });
    }
    text.as_bytes().try_into().map_err(|_| CodeError::Length { expected: N, found })
}

/// The one name a subject has in registers, draws and evidence: its credit code, or `kind:id` where it has none.
/// Businesses with an old number are `reg:NUMBER`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SubjectKey {
    Credit(CreditCode),
    /// A valid number of before 2015, to be replaced when the business gets its code.
    Old(OldNumber),
    /// Products, sites, projects, and whoever has no code. Both parts are in the alphabet of names; `kind` has no colon.
    Other {
        kind: String,
        id: String,
    },
}

/// The kind of keys that are old registration numbers.
const OLD_KIND: &str = "reg";

/// Names in evidence have at most this many characters.
const KEY_CHARS_MAX: usize = 64;

impl SubjectKey {
    /// A key as it is written in files and messages.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let Some((kind, id)) = text.split_once(':') else {
            return CreditCode::parse(text).map(Self::Credit);
        };
        if kind == OLD_KIND {
            return OldNumber::parse(id).map(Self::Old);
        }
        let named = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":/._-".contains(&byte))
        };
        if text.len() <= KEY_CHARS_MAX && named(kind) && named(id) {
            Ok(Self::Other { kind: kind.to_owned(), id: id.to_owned() })
        } else {
            Err(CodeError::Key)
        }
    }

    /// A key from a column of codes in a register, where an old number stands without its kind.
    pub fn from_register(code: &str) -> Result<Self, CodeError> {
        if code.len() == 15 && code.bytes().all(|byte| byte.is_ascii_digit()) {
            OldNumber::parse(code).map(Self::Old)
        } else {
            Self::parse(code)
        }
    }

    /// Whether the key is an old registration number.
    pub fn is_old(&self) -> bool {
        matches!(self, Self::Old(_))
    }
}

impl fmt::Display for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credit(code) => code.fmt(f),
            Self::Old(number) => write!(f, "{OLD_KIND}:{number}"),
            Self::Other { kind, id } => write!(f, "{kind}:{id}"),
        }
    }
}

/// What every code has in common: text in, text out.
macro_rules! written_as_text {
    ($($code:ty),*) => {$(
        impl FromStr for $code {
            type Err = CodeError;
            fn from_str(text: &str) -> Result<Self, CodeError> {
                Self::parse(text)
            }
        }
        impl TryFrom<String> for $code {
            type Error = CodeError;
            fn try_from(text: String) -> Result<Self, CodeError> {
                Self::parse(&text)
            }
        }
        impl From<$code> for String {
            fn from(code: $code) -> Self {
                code.to_string()
            }
        }
    )*};
}

macro_rules! shown_as_text {
    ($($code:ty),*) => {$(
        impl fmt::Display for $code {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl fmt::Debug for $code {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

written_as_text!(CreditCode, OldNumber, SubjectKey, DistrictCode);
shown_as_text!(CreditCode, OldNumber, DistrictCode);

#[cfg(test)]
mod tests;
