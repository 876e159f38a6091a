//! Pieces at rest (art. 44): AES-256-GCM under a key of the upload, made from a secret of the part. A file of experts lies in the
//! database for a day as unreadable as their names do.

use aes_gcm::{Aes256Gcm, KeyInit, Nonce, aead::AeadInPlace};
use anyhow::{Context, anyhow};
use hmac::{Hmac, Mac};
use rand::{TryRng, rngs::SysRng};
use sha2::Sha256;
use zeroize::Zeroizing;

const NONCE_BYTES: usize = 12;

/// The key of one upload's pieces.
pub struct Seal(Aes256Gcm);

impl Seal {
    /// Of the upload with this name, under a secret of the part.
    ///
    /// # Errors
    /// None: a key of any length is taken.
    pub fn of(secret: &[u8; 32], name: &str) -> anyhow::Result<Self> {
        let mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(secret).map_err(|_| anyhow!("no key"))?;
        let mac = mac.chain_update(b"qingtian-upload-v1\0").chain_update(name.as_bytes());
        let key = Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()));
        Ok(Self(Aes256Gcm::new((&*key).into())))
    }

    /// Seals the piece that begins at this offset; it opens nowhere else.
    ///
    /// # Errors
    /// The operating system has no random numbers.
    pub fn seal(&self, start: u64, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        SysRng.try_fill_bytes(&mut nonce).context("the operating system's random generator failed")?;
        let mut sealed = Vec::with_capacity(NONCE_BYTES + bytes.len() + 16);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(bytes);
        let tag = self
            .0
            .encrypt_in_place_detached(&Nonce::from(nonce), &start.to_be_bytes(), &mut sealed[NONCE_BYTES..])
            .map_err(|_| anyhow!("cannot seal a piece of an upload"))?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Opens the piece that begins at this offset.
    ///
    /// # Errors
    /// It was sealed for another place, or changed since.
    pub fn open(&self, start: u64, sealed: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        let (nonce, _) = sealed.split_first_chunk::<NONCE_BYTES>().context("a piece of an upload is cut short")?;
        let nonce = Nonce::from(*nonce);
        let mut bytes = sealed;
        bytes.drain(..NONCE_BYTES);
        self.0
            .decrypt_in_place(&nonce, &start.to_be_bytes(), &mut bytes)
            .map_err(|_| anyhow!("a piece of an upload does not open with this part's secret"))?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_opens_in_its_place_only() {
        let seal = Seal::of(&[7; 32], "organisations/a/uploads/1").unwrap();
        let sealed = seal.seal(5, b"private words").unwrap();
        assert!(!sealed.windows(7).any(|part| part == b"private"));
        assert_ne!(seal.seal(5, b"private words").unwrap(), sealed, "no nonce is used twice");
        assert_eq!(seal.open(5, sealed.clone()).unwrap(), b"private words");
        assert!(seal.open(6, sealed.clone()).is_err());
        for other in [Seal::of(&[7; 32], "organisations/a/uploads/2"), Seal::of(&[8; 32], "organisations/a/uploads/1")]
        {
            assert!(other.unwrap().open(5, sealed.clone()).is_err());
        }
        for cut in [0, 11, 12, 20] {
            assert!(seal.open(5, sealed[..cut].to_vec()).is_err());
        }
    }
}
