//! Machine clients (art. 22): each a row with the digests of at most two secrets.

use chrono::{DateTime, Utc};
use kit::{
    error::{Refusal, Result},
    ledger::timestamp,
};
use proto::qingtian::identity::v1 as pb;
use sqlx::{FromRow, PgConnection, PgPool};

use super::refused;
use crate::rules::{ClientState, Secret, Secrets, Which};

/// A machine client as stored.
#[derive(Debug, Clone, FromRow)]
pub struct MachineClient {
    pub name: String,
    pub title: String,
    pub organisation: String,
    pub district: String,
    pub created_by: String,
    pub created_at: DateTime<Utc>,
    pub revision: i64,
    pub reason: String,
    pub changed_by: String,
    pub change: String,
    /// When a token was last given for any secret, and where to.
    pub used_at: Option<DateTime<Utc>>,
    used_from: String,
    state: String,
    secret_digest: Vec<u8>,
    secret_made_at: DateTime<Utc>,
    secret_used_at: Option<DateTime<Utc>>,
    secret_used_from: String,
    old_digest: Option<Vec<u8>>,
    old_made_at: Option<DateTime<Utc>>,
    old_ends_at: Option<DateTime<Utc>>,
    old_used_at: Option<DateTime<Utc>>,
    old_used_from: String,
}

/// Columns of a client `c` and its organisation `o`.
pub const CLIENT: &str = "c.name, c.title, c.organisation, o.district, c.created_by, c.created_at, c.revision, c.reason,
    c.changed_by, c.change, c.used_at, c.used_from, c.state, secret_digest, coalesce(secret_made_at, c.created_at) as secret_made_at,
    secret_used_at, secret_used_from, old_digest, old_made_at, old_ends_at, old_used_at, old_used_from";

impl MachineClient {
    /// State of the client.
    pub fn state(&self) -> ClientState {
        ClientState::stored(&self.state)
    }

    /// Its secrets, the one of before also when its time is over.
    pub fn secrets(&self) -> Secrets {
        let old = self.old_digest.clone().zip(self.old_ends_at).zip(self.old_made_at);
        Secrets {
            newest: Secret {
                digest: self.secret_digest.clone(),
                made: self.secret_made_at,
                used: self.secret_used_at,
                used_from: self.secret_used_from.clone(),
            },
            old: old.map(|((digest, ends), made)| {
                let secret = Secret { digest, made, used: self.old_used_at, used_from: self.old_used_from.clone() };
                (secret, ends)
            }),
        }
    }

    /// As shown to whoever may see it: secrets that work, by their times only.
    pub fn shown(&self, now: DateTime<Utc>) -> pb::MachineClient {
        let one = |secret: &Secret, ends: Option<DateTime<Utc>>| pb::MachineClientSecret {
            create_time: Some(timestamp(secret.made)),
            expire_time: ends.map(timestamp),
            last_use_time: secret.used.map(timestamp),
            last_use_address: secret.used_from.clone(),
        };
        let held = self.secrets();
        let secrets = match self.state() {
            ClientState::Retired => Vec::new(),
            ClientState::Active | ClientState::Frozen => {
                let old = held.old_working(now).map(|(secret, ends)| one(secret, Some(ends)));
                std::iter::once(one(&held.newest, None)).chain(old).collect()
            }
        };
        let state = match self.state() {
            ClientState::Active => pb::MachineClientState::Active,
            ClientState::Frozen => pb::MachineClientState::Frozen,
            ClientState::Retired => pb::MachineClientState::Retired,
        };
        pb::MachineClient {
            name: self.name.clone(),
            title: self.title.clone(),
            organisation: self.organisation.clone(),
            state: state as i32,
            secrets,
            reason: self.reason.clone(),
            etag: self.revision.to_string(),
            create_time: Some(timestamp(self.created_at)),
            created_by: self.created_by.clone(),
            last_use_time: self.used_at.map(timestamp),
            last_use_address: self.used_from.clone(),
        }
    }
}

/// A machine client to be added.
pub struct NewClient<'a> {
    pub name: &'a str,
    pub title: &'a str,
    pub organisation: &'a str,
    pub secret_digest: &'a [u8],
    pub created_by: &'a str,
}

/// Adds a machine client, active, with its first secret.
pub async fn insert_client(db: &mut PgConnection, new: NewClient<'_>, now: DateTime<Utc>) -> Result<MachineClient> {
    sqlx::query(
        "insert into machine_client (name, title, organisation, secret_digest, created_by, changed_by, created_at)
         values ($1, $2, $3, $4, $5, $5, $6)",
    )
    .bind(new.name)
    .bind(new.title)
    .bind(new.organisation)
    .bind(new.secret_digest)
    .bind(new.created_by)
    .bind(now)
    .execute(&mut *db)
    .await
    .map_err(|error| refused(error, new.name, ""))?;
    lock_client(db, new.name, None).await
}

/// A machine client with its organisation's district.
pub async fn client(pool: &PgPool, name: &str) -> Result<Option<MachineClient>> {
    let sql = format!(
        "select {CLIENT} from machine_client c join organisation o on o.name = c.organisation where c.name = $1"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).fetch_optional(pool).await?)
}

/// One machine client within reach.
pub async fn client_within(pool: &PgPool, name: &str, reach: Option<&str>) -> Result<MachineClient> {
    let found = client(pool, name).await?.filter(|client| reach.is_none_or(|reach| client.organisation == reach));
    found.ok_or_else(|| Refusal::not_found(name))
}

/// Locks a machine client within reach until the end of the transaction.
pub async fn lock_client(db: &mut PgConnection, name: &str, reach: Option<&str>) -> Result<MachineClient> {
    let sql = format!(
        "select {CLIENT} from machine_client c join organisation o on o.name = c.organisation
         where c.name = $1 and ($2::text is null or c.organisation = $2) for update of c"
    );
    let found = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).bind(reach).fetch_optional(db).await?;
    found.ok_or_else(|| Refusal::not_found(name))
}

/// Saves what an act made of a locked client: its state and reason, its secrets, who acted and what was done.
pub async fn save_client(
    db: &mut PgConnection,
    name: &str,
    (state, reason): (ClientState, &str),
    secrets: &Secrets,
    (changed_by, change): (&str, &str),
) -> Result<MachineClient> {
    let old = secrets.old.as_ref();
    sqlx::query(
        "update machine_client set state = $2, reason = $3, changed_by = $4, change = $5, revision = revision + 1,
            secret_digest = $6, secret_made_at = $7, secret_used_at = $8, secret_used_from = $9,
            old_digest = $10, old_made_at = $11, old_ends_at = $12, old_used_at = $13, old_used_from = $14
         where name = $1",
    )
    .bind(name)
    .bind(state.as_str())
    .bind(reason)
    .bind(changed_by)
    .bind(change)
    .bind(&secrets.newest.digest)
    .bind(secrets.newest.made)
    .bind(secrets.newest.used)
    .bind(&secrets.newest.used_from)
    .bind(old.map(|(secret, _)| &secret.digest))
    .bind(old.map(|(secret, _)| secret.made))
    .bind(old.map(|(_, ends)| *ends))
    .bind(old.and_then(|(secret, _)| secret.used))
    .bind(old.map_or("", |(secret, _)| secret.used_from.as_str()))
    .execute(&mut *db)
    .await?;
    lock_client(db, name, None).await
}

/// Notes that a secret of a locked client was used.
pub async fn touch_client(
    db: &mut PgConnection,
    name: &str,
    which: Which,
    from: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let sql = match which {
        Which::Newest => {
            "update machine_client set secret_used_at = $2, secret_used_from = $3, used_at = $2, used_from = $3 where name = $1"
        }
        Which::Old => {
            "update machine_client set old_used_at = $2, old_used_from = $3, used_at = $2, used_from = $3 where name = $1"
        }
    };
    sqlx::query(sql).bind(name).bind(now).bind(from).execute(db).await?;
    Ok(())
}
