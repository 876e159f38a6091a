//! Private words of people (art. 44): AES-256-GCM under a key per person, itself sealed under a key of this purpose, with the
//! holder as associated data. When retention ends, destroying the person's key makes every version unreadable for ever.

use std::collections::HashMap;

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use anyhow::{Context, anyhow};
use kit::{
    env::Env,
    error::{Refusal, Result},
};
use rand::{TryRng, rngs::SysRng};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use zeroize::Zeroizing;

const NONCE_BYTES: usize = 12;

/// Seals and opens.
#[derive(Clone)]
pub struct Secrets {
    own: Zeroizing<[u8; 32]>,
}

impl Secrets {
    /// With the key of this purpose, made from the part's sealing key.
    ///
    /// # Errors
    /// The process was not given the sealing key.
    pub fn of(env: &Env) -> anyhow::Result<Self> {
        Ok(Self { own: derive(env.keys.secret("draws.seal")?, "qingtian-people-v1") })
    }

    /// A keyed digest by which a private text is found again without being stored.
    pub fn digest(&self, text: &str) -> String {
        let key = derive(&self.own, "digest");
        hex::encode(Sha256::new().chain_update(*key).chain_update(text.as_bytes()).finalize())
    }

    /// Seals a person's private words; his key is made when he has none.
    ///
    /// # Errors
    /// The database fails.
    pub async fn seal(&self, conn: &mut PgConnection, holder: &str, words: &str) -> Result<Vec<u8>> {
        let fresh = kit::keys::random_bytes().map_err(Refusal::internal)?;
        let sealed = encrypt(&self.own, holder, &*fresh).map_err(Refusal::internal)?;
        sqlx::query("insert into person_key (holder, sealed) values ($1, $2) on conflict do nothing")
            .bind(holder)
            .bind(sealed)
            .execute(&mut *conn)
            .await?;
        let sealed: Vec<u8> =
            sqlx::query_scalar("select sealed from person_key where holder = $1").bind(holder).fetch_one(conn).await?;
        let key = self.key(holder, &sealed).map_err(Refusal::internal)?;
        encrypt(&key, holder, words.as_bytes()).map_err(Refusal::internal)
    }

    /// Opens what was sealed for these people, in their order; none where the person's key was destroyed.
    ///
    /// # Errors
    /// `INTERNAL` when something was sealed for somebody else, or changed since.
    pub async fn open(&self, conn: &mut PgConnection, sealed: &[(&str, &[u8])]) -> Result<Vec<Option<String>>> {
        let holders: Vec<&str> = sealed.iter().map(|(holder, _)| *holder).collect();
        let keys: Vec<(String, Vec<u8>)> =
            sqlx::query_as("select holder, sealed from person_key where holder = any($1)")
                .bind(&holders)
                .fetch_all(conn)
                .await?;
        let mut known = HashMap::with_capacity(keys.len());
        for (holder, key) in &keys {
            known.insert(holder.as_str(), self.key(holder, key).map_err(Refusal::internal)?);
        }
        let open = |(holder, sealed): &(&str, &[u8])| {
            let Some(key) = known.get(holder) else { return Ok(None) };
            let words = decrypt(key, holder, sealed).map_err(Refusal::internal)?;
            String::from_utf8(words.to_vec()).map(Some).map_err(Refusal::internal)
        };
        sealed.iter().map(open).collect()
    }

    fn key(&self, holder: &str, sealed: &[u8]) -> anyhow::Result<Zeroizing<[u8; 32]>> {
        let key = decrypt(&self.own, holder, sealed)?;
        let key = <[u8; 32]>::try_from(key.as_slice()).map_err(|_| anyhow!("the key of {holder} is not 32 bytes"))?;
        Ok(Zeroizing::new(key))
    }
}

fn derive(key: &[u8; 32], purpose: &str) -> Zeroizing<[u8; 32]> {
    // The key is uniform and of one length, so that a digest over it and a purpose is a key of that purpose.
    Zeroizing::new(Sha256::new().chain_update(key).chain_update(purpose.as_bytes()).finalize().into())
}

fn encrypt(key: &[u8; 32], holder: &str, words: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut nonce = [0; NONCE_BYTES];
    SysRng.try_fill_bytes(&mut nonce).context("the operating system's random generator failed")?;
    let payload = Payload { msg: words, aad: holder.as_bytes() };
    let sealed = Aes256Gcm::new(key.into()).encrypt(&Nonce::from(nonce), payload);
    let sealed = sealed.map_err(|_| anyhow!("cannot seal the words of {holder}"))?;
    Ok([&nonce[..], &sealed].concat())
}

fn decrypt(key: &[u8; 32], holder: &str, sealed: &[u8]) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().context("sealed words are cut short")?;
    let payload = Payload { msg: sealed, aad: holder.as_bytes() };
    let words = Aes256Gcm::new(key.into()).decrypt(&Nonce::from(*nonce), payload);
    Ok(Zeroizing::new(words.map_err(|_| anyhow!("the words of {holder} do not open with this key"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_words_open_for_their_holder_under_his_key_only() {
        let sealed = encrypt(&[7; 32], "users/li", "配偶住院".as_bytes()).unwrap();
        assert_eq!(decrypt(&[7; 32], "users/li", &sealed).unwrap().as_slice(), "配偶住院".as_bytes());
        assert!(decrypt(&[7; 32], "users/wang", &sealed).is_err());
        assert!(decrypt(&[8; 32], "users/li", &sealed).is_err());
        assert!(decrypt(&[7; 32], "users/li", &sealed[..8]).is_err());
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(decrypt(&[7; 32], "users/li", &changed).is_err());
        assert_ne!(sealed, encrypt(&[7; 32], "users/li", "配偶住院".as_bytes()).unwrap());
        assert_ne!(derive(&[7; 32], "a"), derive(&[7; 32], "b"));
    }
}
