//! SHA-256 as the protocol uses it: digests in hex, texts made of lines, and tickets.

use std::fmt;

use sha2::{Digest as _, Sha256, block_api::compress256};

use crate::{
    error::{Result, form},
    names::NAME_BYTES_MAX,
};

/// A SHA-256 digest; written, parsed and compared as 64 lower-case hex digits are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub fn parse(text: &str) -> Result<Self> {
        match hex32(text) {
            Some(bytes) => Ok(Self(bytes)),
            None => form(format!("{text:?} is not 64 lower-case hex digits")),
        }
    }

    #[must_use]
    pub fn to_hex(&self) -> [u8; 64] {
        let mut text = [0; 64];
        write_hex(&self.0, &mut text);
        text
    }
}

fn write_hex(bytes: &[u8], text: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

fn hex32(text: &str) -> Option<[u8; 32]> {
    let lower = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let mut bytes = [0; 32];
    (lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_hex().iter().try_for_each(|&digit| fmt::Write::write_char(f, char::from(digit)))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The 32 bytes a draw keeps sealed from its statement to its reveal. Never printed by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 32]);

impl Secret {
    /// From 32 bytes of the operating system's generator: this crate makes no randomness.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn parse(hex: &str) -> Result<Self> {
        match hex32(hex) {
            Some(bytes) => Ok(Self(bytes)),
            None => form("the secret is not 64 lower-case hex digits"),
        }
    }

    /// The text that is committed to and revealed: 64 hex digits.
    #[must_use]
    pub fn reveal(&self) -> String {
        hex::encode(self.0)
    }

    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(sealed)")
    }
}

/// `lines(a, b, c)`: every text followed by LF.
#[must_use]
pub fn lines<T: AsRef<str>>(texts: &[T]) -> String {
    texts.iter().fold(String::new(), |mut all, text| {
        all.push_str(text.as_ref());
        all.push('\n');
        all
    })
}

/// The role a person is placed in; part of the person's ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Officer,
    Expert,
}

impl Role {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Officer => "officer",
            Self::Expert => "expert",
        }
    }
}

const IV: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// Longest text, in bytes, whose last block holds its end mark and length as well.
pub(crate) const BLOCK_TEXT_MAX: usize = 64 - 9;

/// The digest of a text of `len` bytes that fills its blocks but for at least nine zero bytes, where end mark and length go:
/// what a hasher comes to, without the buffer it keeps.
#[inline]
pub(crate) fn digest_of_blocks<const BLOCKS: usize>(mut blocks: [[u8; 64]; BLOCKS], len: usize) -> Digest {
    let mut state = IV;
    blocks[len / 64][len % 64] = 0x80;
    blocks[BLOCKS - 1][56..].copy_from_slice(&(len as u64 * 8).to_be_bytes());
    compress256(&mut state, &blocks);
    digest_of_state(state)
}

#[inline]
fn digest_of_state(state: [u32; 8]) -> Digest {
    let mut digest = [0; 32];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    Digest(digest)
}

/// Callers hand in names; the bound is what lets the text have a fixed size.
#[inline]
fn name(key: &[u8]) -> &[u8] {
    &key[..key.len().min(NAME_BYTES_MAX)]
}

/// Hands out the tickets of one draw.
///
/// The seed's 64 hex digits fill the first block of every ticket's text, so the state after it is kept and a ticket
/// costs one compression for keys of up to 45 bytes.
#[derive(Debug, Clone, Copy)]
pub struct Tickets {
    after_seed: [u32; 8],
}

impl Tickets {
    #[must_use]
    pub fn new(seed: &Digest) -> Self {
        let mut after_seed = IV;
        compress256(&mut after_seed, &[seed.to_hex()]);
        Self { after_seed }
    }

    /// `SHA-256(lines(seed, "subject", key))`. Keys are names: what is beyond their 64 bytes is not looked at.
    #[inline]
    #[must_use]
    pub fn subject(&self, key: &[u8]) -> Digest {
        self.of([b"\nsubject\n", name(key), b"\n"])
    }

    /// `SHA-256(lines(seed, role, person_key, subject_key))`, both keys being names.
    #[inline]
    #[must_use]
    pub fn person(&self, role: Role, person: &[u8], subject: &[u8]) -> Digest {
        match role {
            Role::Officer => self.of([b"\nofficer\n", name(person), b"\n", name(subject), b"\n"]),
            Role::Expert => self.of([b"\nexpert\n", name(person), b"\n", name(subject), b"\n"]),
        }
    }

    #[inline]
    fn of<const N: usize>(&self, parts: [&[u8]; N]) -> Digest {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        if len + 9 <= 64 { self.hash::<64, N>(parts, len) } else { self.hash::<192, N>(parts, len) }
    }

    /// `SIZE` bytes hold the parts, the end mark and the length: 9 + 64 + 1 + 64 + 1 + 9 bytes at most.
    #[inline]
    fn hash<const SIZE: usize, const N: usize>(&self, parts: [&[u8]; N], len: usize) -> Digest {
        let mut text = [0_u8; SIZE];
        let mut at = 0;
        for part in parts {
            text[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        text[len] = 0x80;
        let blocks = (len + 9).div_ceil(64);
        text[blocks * 64 - 8..blocks * 64].copy_from_slice(&((len as u64 + 64) * 8).to_be_bytes());
        let mut state = self.after_seed;
        let (whole, _) = text.as_chunks::<64>();
        compress256(&mut state, &whole[..blocks]);
        digest_of_state(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_the_plain_hash_of_its_lines_for_every_length_of_key() {
        let seed = Digest::of(b"seed");
        let tickets = Tickets::new(&seed);
        let hex = seed.to_string();
        for subject in 1..=64 {
            let key = "k".repeat(subject);
            let plain = Digest::of(lines(&[hex.as_str(), "subject", &key]).as_bytes());
            assert_eq!(tickets.subject(key.as_bytes()), plain, "{subject}");
            for person in 1..=64 {
                let who = "p".repeat(person);
                for role in [Role::Officer, Role::Expert] {
                    let plain = Digest::of(lines(&[hex.as_str(), role.as_str(), &who, &key]).as_bytes());
                    assert_eq!(tickets.person(role, who.as_bytes(), key.as_bytes()), plain, "{person} {subject}");
                }
            }
        }
    }

    #[test]
    fn digests_are_lower_case_hex_only() {
        let digest = Digest::of(b"");
        assert_eq!(digest.to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(Digest::parse(&digest.to_string()), Ok(digest));
        assert!(Digest::parse(&digest.to_string().to_uppercase()).is_err());
        assert!(Digest::parse(&digest.to_string()[1..]).is_err());
    }

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", Secret::new([7; 32])), "Secret(sealed)");
    }
}
