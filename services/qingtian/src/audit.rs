//! `qingtian audit verify`: walks the hash chain of every service's log and finds the first altered, missing or inserted
//! entry (art. 43-45). Heads held by outsiders may be handed in.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use kit::{env::Databases, keys::Keys, ledger::verify_chain};
use proto::qingtian::events::v1::Head;
use sqlx::PgPool;

use crate::fleet::SERVICES;

/// Options of `audit verify`.
#[derive(Debug, Args)]
pub struct VerifyLogsArgs {
    /// Only these services; all when none is named.
    pub services: Vec<String>,
    /// JSON file with heads kept outside: `[{"service","position","hash","kid","signature"}]`.
    #[arg(long)]
    pub heads: Option<PathBuf>,
}

#[derive(serde::Deserialize)]
struct HeldHead {
    service: String,
    position: i64,
    hash: String,
    kid: String,
    signature: String,
}

/// Verifies and prints; answers whether every chain is whole.
///
/// # Errors
/// A database or file is out of reach.
pub async fn verify(args: &VerifyLogsArgs, databases: &Databases, keys: &Keys) -> anyhow::Result<bool> {
    let held = match &args.heads {
        None => Vec::new(),
        Some(path) => {
            let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            serde_json::from_slice::<Vec<HeldHead>>(&text).context("heads")?
        }
    };
    let held: Vec<Head> = held
        .into_iter()
        .map(|h| Head {
            service: h.service,
            position: h.position,
            hash: h.hash,
            kid: h.kid,
            signature: h.signature,
            time: None,
        })
        .collect();
    let mut whole = true;
    for service in SERVICES.iter().filter(|s| args.services.is_empty() || args.services.iter().any(|a| a == *s)) {
        let pool = PgPool::connect(&databases.url(service)).await.with_context(|| format!("database of {service}"))?;
        match verify_chain(&pool, service, keys, &held).await? {
            Ok(report) => {
                let heads = report.heads;
                println!(
                    "ok      {service}: {} entries, {heads} signed heads, last hash {}",
                    report.position, report.hash
                );
            }
            Err(fault) => {
                whole = false;
                println!("BROKEN  {service}: {fault}");
            }
        }
        pool.close().await;
    }
    Ok(whole)
}
