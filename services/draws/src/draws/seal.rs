//! The secret of a draw between its statement and its reveal (art. 15): AES-256-GCM under a key of its own purpose, with the
//! draw's name as associated data, so that a sealed secret opens for no other draw. Never in logs, events, audit or answers.

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use anyhow::{Context, anyhow, bail};
use lottery::Secret;
use rand::{TryRng, rngs::SysRng};
use zeroize::Zeroizing;

const NONCE_BYTES: usize = 12;

/// Takes a new secret from the operating system's generator.
///
/// # Errors
/// The operating system gives no random numbers.
pub fn new_secret() -> anyhow::Result<Secret> {
    Ok(Secret::new(*kit::keys::random_bytes()?))
}

/// Seals a secret: nonce, then ciphertext with tag, 60 bytes.
///
/// # Errors
/// The operating system gives no random numbers.
pub fn seal(key: &[u8; 32], draw: &str, secret: &Secret) -> anyhow::Result<Vec<u8>> {
    let mut nonce = [0; NONCE_BYTES];
    SysRng.try_fill_bytes(&mut nonce).context("the operating system's random generator failed")?;
    let payload = Payload { msg: secret.bytes(), aad: draw.as_bytes() };
    let cipher = Aes256Gcm::new(key.into());
    let ciphertext =
        cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| anyhow!("cannot seal the secret of {draw}"))?;
    Ok([&nonce[..], &ciphertext].concat())
}

/// Opens a sealed secret.
///
/// # Errors
/// It was sealed under another key or for another draw, or changed since.
pub fn open(key: &[u8; 32], draw: &str, sealed: &[u8]) -> anyhow::Result<Secret> {
    let Some((nonce, ciphertext)) = sealed.split_first_chunk::<NONCE_BYTES>() else {
        bail!("the sealed secret of {draw} is cut short");
    };
    let payload = Payload { msg: ciphertext, aad: draw.as_bytes() };
    let opened = Aes256Gcm::new(key.into())
        .decrypt(&Nonce::from(*nonce), payload)
        .map_err(|_| anyhow!("the sealed secret of {draw} does not open with this key"))?;
    let opened = Zeroizing::new(opened);
    let bytes = <[u8; 32]>::try_from(opened.as_slice()).map_err(|_| anyhow!("the secret of {draw} is not 32 bytes"))?;
    Ok(Secret::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_for_its_own_draw_under_its_own_key_only() {
        let secret = new_secret().unwrap();
        let sealed = seal(&[7; 32], "draws/2026-0001", &secret).unwrap();
        assert_eq!(sealed.len(), 60);
        assert_eq!(open(&[7; 32], "draws/2026-0001", &sealed).unwrap(), secret);
        assert!(open(&[7; 32], "draws/2026-0002", &sealed).is_err());
        assert!(open(&[8; 32], "draws/2026-0001", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut other = sealed.clone();
            other[at] ^= 1;
            assert!(open(&[7; 32], "draws/2026-0001", &other).is_err(), "byte {at}");
        }
        assert!(open(&[7; 32], "draws/2026-0001", &sealed[..10]).is_err());
    }

    #[test]
    fn no_two_seals_and_no_two_secrets_are_alike() {
        let secret = new_secret().unwrap();
        assert_ne!(secret, new_secret().unwrap());
        let draw = "draws/2026-0001";
        assert_ne!(seal(&[7; 32], draw, &secret).unwrap(), seal(&[7; 32], draw, &secret).unwrap());
    }
}
