//! Passwords and secrets (art. 27): argon2id for what people choose, SHA-256 for what we drew at random.

use anyhow::Context;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kit::{env::Env, error::Refusal, error::Result, keys::random_bytes};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Memory of one hash, KiB: what OWASP recommends for argon2id with two passes and one lane.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes and checks passwords, never on the async threads.
#[derive(Clone)]
pub struct Passwords {
    env: Env,
    /// Hash of a password nobody knows: checked where there is no user, so that the answer takes as long.
    decoy: String,
}

impl Passwords {
    /// Makes the decoy.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub async fn new(env: &Env) -> anyhow::Result<Self> {
        let decoy = env.compute(|| -> anyhow::Result<String> { hash_now(&random_text()?) }).await??;
        Ok(Self { env: env.clone(), decoy })
    }

    /// The PHC string to store for a password.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        self.env.compute(move || hash_now(&password)).await.and_then(|hash| hash).map_err(Refusal::internal)
    }

    /// Whether a password fits a stored hash. Takes the same work when there is none, and then never fits.
    pub async fn fits(&self, password: &str, stored: Option<&str>) -> Result<bool> {
        let (password, known) = (password.to_owned(), stored.is_some());
        let stored = stored.unwrap_or(&self.decoy).to_owned();
        let check = move || argon2().map(|argon2| argon2.verify_password(password.as_bytes(), stored.as_str()).is_ok());
        let fits = self.env.compute(check).await.and_then(|fits| fits).map_err(Refusal::internal)?;
        Ok(fits && known)
    }
}

/// Hashes on this thread: a command without an environment, or inside the bounded pool.
///
/// # Errors
/// The operating system gives no random numbers.
pub fn hash_now(password: &str) -> anyhow::Result<String> {
    let salt = random_bytes()?;
    let hash = argon2()?.hash_password_with_salt(password.as_bytes(), &salt[..16]).context("argon2")?;
    Ok(hash.to_string())
}

fn argon2() -> anyhow::Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).context("argon2 parameters")?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// 32 bytes of the operating system's generator as 43 characters of base64url: sign-in handles and clients' secrets.
///
/// # Errors
/// The operating system gives none.
pub fn random_text() -> anyhow::Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random_bytes()?.as_slice()))
}

/// A first password: 22 characters without those that are read for one another, of four kinds.
///
/// # Errors
/// The operating system gives no random numbers.
pub fn random_password() -> anyhow::Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789A";
    let bytes = random_bytes()?;
    // 32 letters: every byte chooses evenly. 16 of them are 80 bits; the rest satisfies the policy.
    let mut text: String = bytes[..16].iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    for (place, mark) in [(4, '-'), (9, '-'), (14, '-')] {
        text.insert(place, mark);
    }
    text.push(char::from(b'A' + bytes[16] % 8));
    text.push(char::from(b'2' + bytes[17] % 8));
    text.push(char::from(b'a' + bytes[18] % 8));
    Ok(text)
}

/// What is stored of a handle or secret.
pub fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// Whether a secret is the one stored, in constant time; without a stored one never.
pub fn secret_fits(secret: &str, stored: Option<&[u8]>) -> bool {
    let given = digest(secret);
    let fits: bool = given.as_slice().ct_eq(stored.unwrap_or(&[0; 32])).into();
    fits && stored.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules;

    #[test]
    fn a_stored_hash_is_argon2id_salted_and_fits_only_its_password() {
        let (one, two) = (hash_now("correct horse 1").unwrap(), hash_now("correct horse 1").unwrap());
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, two, "the salt differs");
        assert!(argon2().unwrap().verify_password(b"correct horse 1", one.as_str()).is_ok());
        assert!(argon2().unwrap().verify_password(b"correct horse 2", one.as_str()).is_err());
    }

    /// Where there is no user, the decoy is verified: it must cost what a stored hash costs.
    #[tokio::test]
    async fn a_name_without_a_hash_costs_a_hash_and_never_fits() {
        let folder = tempfile::tempdir().unwrap();
        let env = Env::new(kit::env::Parts {
            clock: kit::env::Clock::System,
            keys: kit::keys::Keys::generate(chrono::Utc::now(), true).unwrap(),
            peers: kit::peers::Peers::new("http://127.0.0.1:1"),
            databases: kit::env::Databases { url: String::new(), migrate_url: None, connections_max: 1 },
            blob_folder: folder.path().to_owned(),
        })
        .unwrap();
        let passwords = Passwords::new(&env).await.unwrap();
        let stored = passwords.hash("correct horse 1").await.unwrap();
        // `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`: everything but salt and hash, and their lengths.
        let cost = |hash: &str| hash.rsplitn(3, '$').map(str::len).take(2).collect::<Vec<_>>();
        let kind = |hash: &str| hash.rsplitn(3, '$').last().unwrap().to_owned();
        assert_eq!((kind(&passwords.decoy), cost(&passwords.decoy)), (kind(&stored), cost(&stored)));
        assert!(passwords.fits("correct horse 1", Some(&stored)).await.unwrap());
        for password in ["correct horse 1", ""] {
            assert!(!passwords.fits(password, None).await.unwrap());
        }
        // Even whoever knew the decoy's password would not fit.
        let known = Passwords { decoy: stored, ..passwords };
        assert!(!known.fits("correct horse 1", None).await.unwrap());
    }

    #[test]
    fn first_passwords_are_strong_and_never_alike() {
        let passwords: std::collections::HashSet<_> = (0..1_000).map(|_| random_password().unwrap()).collect();
        assert_eq!(passwords.len(), 1_000);
        for password in passwords {
            rules::check_password(&password, "somebody").unwrap();
        }
    }

    #[test]
    fn a_secret_fits_only_itself() {
        let secret = random_text().unwrap();
        assert_eq!(secret.len(), 43);
        assert!(secret_fits(&secret, Some(&digest(&secret))));
        assert!(!secret_fits("x", Some(&digest(&secret))));
        assert!(!secret_fits(&secret, None));
    }
}
