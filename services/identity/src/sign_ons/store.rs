//! Links, and sign-ons under way.

use chrono::{DateTime, Utc};
use kit::{
    error::{Reason, Refusal, Result, violated},
    ledger::timestamp,
};
use proto::qingtian::identity::v1 as pb;
use sqlx::{FromRow, PgConnection, PgPool};

/// Sign-ons under way at the most: whoever begins more fills no table.
pub const ATTEMPTS_MAX: i64 = 10_000;

/// A sign-on under way.
#[derive(Debug, FromRow)]
pub struct Attempt {
    pub nonce: String,
    pub verifier: String,
    ends_at: DateTime<Utc>,
}

/// Keeps a sign-on; false when too many are under way.
pub async fn begin(
    pool: &PgPool,
    (state, browser): (&[u8], &str),
    (nonce, verifier): (&str, &str),
    now: DateTime<Utc>,
) -> Result<bool> {
    sqlx::query("delete from sign_on_attempt where ends_at < $1").bind(now).execute(pool).await?;
    let sql = "insert into sign_on_attempt (state_digest, browser, nonce, verifier, ends_at)
         select $1, $2, $3, $4, $5 where (select count(*) from sign_on_attempt) < $6";
    let insert = sqlx::query(sql).bind(state).bind(browser).bind(nonce).bind(verifier);
    let ends = now + chrono::Duration::minutes(10);
    Ok(insert.bind(ends).bind(ATTEMPTS_MAX).execute(pool).await?.rows_affected() == 1)
}

/// Takes a sign-on of this browser that is not over; of many at once one gets it.
pub async fn take(pool: &PgPool, state: &[u8], browser: &str, now: DateTime<Utc>) -> Result<Option<Attempt>> {
    let sql = "delete from sign_on_attempt where state_digest = $1 and browser = $2 returning nonce, verifier, ends_at";
    let taken: Option<Attempt> = sqlx::query_as(sql).bind(state).bind(browser).fetch_optional(pool).await?;
    Ok(taken.filter(|attempt| attempt.ends_at > now))
}

/// Forgets sign-ons that are over.
pub async fn forget(pool: &PgPool, now: DateTime<Utc>) -> Result<()> {
    sqlx::query("delete from sign_on_attempt where ends_at < $1").bind(now).execute(pool).await?;
    Ok(())
}

/// A link as stored.
#[derive(Debug, Clone, FromRow)]
pub struct Link {
    pub id: String,
    pub person: String,
    pub issuer: String,
    pub subject: String,
    pub created_by: String,
    pub created_at: DateTime<Utc>,
}

impl From<Link> for pb::SignOnLink {
    fn from(link: Link) -> Self {
        Self {
            name: format!("{}/signOnLinks/{}", link.person, link.id),
            issuer: link.issuer,
            subject: link.subject,
            created_by: link.created_by,
            create_time: Some(timestamp(link.created_at)),
        }
    }
}

const LINK: &str = "select id, person, issuer, subject, created_by, created_at from sign_on_link where ";

/// Whom an account at a provider stands for.
pub async fn linked(pool: &PgPool, issuer: &str, subject: &str) -> Result<Option<Link>> {
    let sql = sqlx::AssertSqlSafe(format!("{LINK} issuer = $1 and subject = $2"));
    Ok(sqlx::query_as(sql).bind(issuer).bind(subject).fetch_optional(pool).await?)
}

/// Links of a person, the oldest first.
pub async fn links(db: &mut PgConnection, person: &str) -> Result<Vec<Link>> {
    let sql = sqlx::AssertSqlSafe(format!("{LINK} person = $1 order by created_at, id"));
    Ok(sqlx::query_as(sql).bind(person).fetch_all(db).await?)
}

/// Makes a link.
pub async fn insert(db: &mut PgConnection, link: &Link) -> Result<()> {
    let sql = "insert into sign_on_link (id, person, issuer, subject, created_by, created_at) values ($1, $2, $3, $4, $5, $6)";
    let insert = sqlx::query(sql).bind(&link.id).bind(&link.person).bind(&link.issuer).bind(&link.subject);
    let inserted = insert.bind(&link.created_by).bind(link.created_at).execute(db).await;
    inserted.map(drop).map_err(|error| match violated(&error) {
        Some("sign_on_link_once") => Refusal::new(Reason::SignOnLinked),
        Some(_) | None => error.into(),
    })
}

/// Takes a link away; none when there is none.
pub async fn delete(db: &mut PgConnection, person: &str, id: &str) -> Result<Option<Link>> {
    let sql = "delete from sign_on_link where person = $1 and id = $2 returning id, person, issuer, subject, created_by, created_at";
    Ok(sqlx::query_as(sql).bind(person).bind(id).fetch_optional(db).await?)
}

/// Who alone holds this enforcement certificate or this sign-in name.
pub async fn person_called(pool: &PgPool, claim: &str) -> Result<Option<String>> {
    let sql = "select name from person where username = lower($1) or certificate = $1 limit 2";
    let found: Vec<String> = sqlx::query_scalar(sql).bind(claim).fetch_all(pool).await?;
    match <[String; 1]>::try_from(found) {
        Ok([one]) => Ok(Some(one)),
        Err(_) => Ok(None),
    }
}
