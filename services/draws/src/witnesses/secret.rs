//! What a witness's link and its permit are made of: secrets that are told once and kept as digests alone.

use anyhow::Context;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kit::error::{Reason, Refusal, Result};
use lottery::Digest;
use rand::{TryRng, rngs::SysRng};
use zeroize::Zeroizing;

/// Bytes of a secret: nobody guesses it.
const SECRET_BYTES: usize = 32;
/// Characters of a secret in base64url.
const SECRET_CHARS: usize = 43;

/// A link's secret, or the permit it is exchanged for: 32 bytes of the operating system's generator, in base64url. It is told
/// once, and only its digest is kept.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A fresh one.
    ///
    /// # Errors
    /// The generator fails.
    pub fn new() -> anyhow::Result<Self> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        SysRng.try_fill_bytes(&mut *bytes).context("the operating system's random generator failed")?;
        Ok(Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes))))
    }

    /// What somebody brings as one. Its digest is looked up, so that no comparison takes longer the more of it is right.
    ///
    /// # Errors
    /// `WITNESS_LINK_UNKNOWN` when it cannot be one.
    pub fn parse(given: &str) -> Result<Self> {
        let given = given.trim();
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(given).unwrap_or_default());
        if given.len() != SECRET_CHARS || bytes.len() != SECRET_BYTES {
            return Err(Refusal::new(Reason::WitnessLinkUnknown));
        }
        Ok(Self(Zeroizing::new(given.to_owned())))
    }

    /// The secret itself, to be told once.
    pub fn told(&self) -> String {
        self.0.to_string()
    }

    /// What is kept of it: SHA-256, 64 hex digits.
    pub fn digest(&self) -> String {
        Digest::of(self.0.as_bytes()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_told_once_and_known_again_by_its_digest() {
        let (one, other) = (Secret::new().unwrap(), Secret::new().unwrap());
        assert_eq!(one.told().len(), SECRET_CHARS);
        assert_ne!(one.digest(), other.digest());
        assert_eq!(Secret::parse(&format!(" {} ", one.told())).unwrap().digest(), one.digest());
        for wrong in ["", "x", &one.told()[1..], &format!("{}A", one.told()), &format!("{}=", &one.told()[1..])] {
            assert_eq!(Secret::parse(wrong).err().unwrap().reason(), Reason::WitnessLinkUnknown, "{wrong:?}");
        }
    }
}
