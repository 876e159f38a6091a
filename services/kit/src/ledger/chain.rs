//! The chain: hash = SHA-256(previous hash, stored bytes), from 32 zero bytes.

use futures::TryStreamExt;
use proto::qingtian::events::v1::Head;
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::keys::Keys;

/// The hash before the first position.
pub const START: [u8; 32] = [0; 32];

/// Hash of the next position.
pub fn next_hash(previous: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(previous).chain_update(bytes).finalize().into()
}

/// What a signed head's signature covers.
pub(super) fn head_text(service: &str, position: i64, hash: &str) -> String {
    format!("qingtian-head-v1\n{service}\n{position}\n{hash}\n")
}

/// What is wrong with a chain, at its first fault.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// A position is missing.
    #[error("position {0} is missing")]
    Missing(i64),
    /// The bytes at a position were altered, or a row was inserted or removed before it.
    #[error("the entry at position {0} does not match its hash: it or one before it was altered or inserted")]
    Altered(i64),
    /// A signed head does not match the chain.
    #[error("the signed head at position {0} does not match the chain")]
    Head(i64),
    /// The log ends before a signed head.
    #[error("the log ends before position {0}, for which there is a signed head")]
    Truncated(i64),
}

/// A chain that was walked from end to end.
#[derive(Debug)]
pub struct ChainReport {
    /// Last position.
    pub position: i64,
    /// Hash there, 64 hex digits.
    pub hash: String,
    /// Signed heads checked.
    pub heads: usize,
}

/// Walks the log of one service in bounded memory, checking every hash, its own signed heads, and those held outside.
///
/// # Errors
/// The outer error: the database is out of reach. The inner one: the first fault.
pub async fn verify_chain(
    pool: &PgPool,
    service: &str,
    keys: &Keys,
    held: &[Head],
) -> anyhow::Result<Result<ChainReport, ChainFault>> {
    let own: Vec<(i64, Vec<u8>, String, String)> =
        sqlx::query_as("select position, hash, kid, signature from head order by position").fetch_all(pool).await?;
    let mut heads: Vec<(i64, String, String, String)> =
        own.into_iter().map(|(position, hash, kid, signature)| (position, hex::encode(hash), kid, signature)).collect();
    let outside = held.iter().filter(|head| head.service == service);
    heads.extend(outside.map(|h| (h.position, h.hash.clone(), h.kid.clone(), h.signature.clone())));
    heads.sort();
    let mut heads = heads.into_iter().peekable();
    let mut checked = 0;
    let mut rows =
        sqlx::query_as::<_, (i64, Vec<u8>, Vec<u8>)>("select position, hash, bytes from log order by position")
            .fetch(pool);
    let (mut position, mut hash) = (0, START);
    while let Some((at, stored, bytes)) = rows.try_next().await? {
        if at != position + 1 {
            return Ok(Err(ChainFault::Missing(position + 1)));
        }
        hash = next_hash(&hash, &bytes);
        position = at;
        if stored != hash {
            return Ok(Err(ChainFault::Altered(position)));
        }
        while let Some((_, text, kid, signature)) = heads.next_if(|head| head.0 == position) {
            let signed = keys.verifies(&kid, head_text(service, position, &text).as_bytes(), &signature);
            if text != hex::encode(hash) || !signed {
                return Ok(Err(ChainFault::Head(position)));
            }
            checked += 1;
        }
    }
    if let Some((at, ..)) = heads.find(|head| head.0 > 0) {
        return Ok(Err(ChainFault::Truncated(at)));
    }
    Ok(Ok(ChainReport { position, hash: hex::encode(hash), heads: checked }))
}
