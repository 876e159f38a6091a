//! One function per question witnesses' links put to the database. Secrets come here as digests alone.

use chrono::{DateTime, Utc};
use kit::error::{Reason, Refusal, Result, violated};
use sqlx::{FromRow, PgConnection};

use super::rules::Link;

/// A link as the database keeps it.
#[derive(FromRow)]
struct LinkRow {
    draw: String,
    number: i64,
    index: i32,
    issued_by: String,
    issued_at: DateTime<Utc>,
    opened_at: Option<DateTime<Utc>>,
}

impl From<LinkRow> for Link {
    fn from(row: LinkRow) -> Self {
        let LinkRow { draw, number, index, issued_by, issued_at, opened_at } = row;
        Self { draw, number, index, issued_by, issued_at, opened_at }
    }
}

/// Columns of [`LinkRow`].
const LINK: &str = "select l.draw, l.number, l.index, l.issued_by, l.issued_at, o.opened_at
    from witness_link l left join witness_opening o using (draw, number)";

/// The links of some draws, each draw's by number.
///
/// # Errors
/// The database fails.
pub async fn links(conn: &mut PgConnection, draws: &[String]) -> Result<Vec<Link>> {
    let sql = format!("{LINK} where l.draw = any($1) order by l.draw, l.number");
    let rows: Vec<LinkRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(draws).fetch_all(conn).await?;
    Ok(rows.into_iter().map(Link::from).collect())
}

/// The link with this secret.
///
/// # Errors
/// `WITNESS_LINK_UNKNOWN`.
pub async fn by_token(conn: &mut PgConnection, digest: &str) -> Result<Link> {
    let sql = format!("{LINK} where l.token_digest = $1");
    found(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(digest).fetch_optional(conn).await?)
}

/// The opened link with this permit.
///
/// # Errors
/// `WITNESS_LINK_UNKNOWN`.
pub async fn by_permit(conn: &mut PgConnection, digest: &str) -> Result<Link> {
    let sql = format!("{LINK} where o.permit_digest = $1");
    found(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(digest).fetch_optional(conn).await?)
}

fn found(row: Option<LinkRow>) -> Result<Link> {
    row.map(Link::from).ok_or_else(|| Refusal::new(Reason::WitnessLinkUnknown))
}

/// Writes a new link. The draw's row is locked.
///
/// # Errors
/// The database fails.
pub async fn insert_link(conn: &mut PgConnection, link: &Link, digest: &str) -> Result<()> {
    let sql = "insert into witness_link (draw, number, index, token_digest, issued_at, issued_by)
               values ($1, $2, $3, $4, $5, $6)";
    sqlx::query(sql)
        .bind(&link.draw)
        .bind(link.number)
        .bind(link.index)
        .bind(digest)
        .bind(link.issued_at)
        .bind(&link.issued_by)
        .execute(conn)
        .await?;
    Ok(())
}

/// Writes that a link was opened, when it says so, and what its permit's digest is.
///
/// # Errors
/// `WITNESS_LINK_OPENED` when it was before.
pub async fn insert_opening(conn: &mut PgConnection, link: &Link, digest: &str) -> Result<()> {
    sqlx::query("insert into witness_opening (draw, number, permit_digest, opened_at) values ($1, $2, $3, $4)")
        .bind(&link.draw)
        .bind(link.number)
        .bind(digest)
        .bind(link.opened_at)
        .execute(conn)
        .await
        .map_err(|error| match violated(&error) {
            Some("witness_opening_once") => Refusal::new(Reason::WitnessLinkOpened),
            _ => Refusal::from(error),
        })?;
    Ok(())
}

/// The entry at a place of a draw: its value, when it was given, and by whom.
///
/// # Errors
/// The database fails.
pub async fn entry(conn: &mut PgConnection, draw: &str, index: i32) -> Result<Option<(String, DateTime<Utc>, String)>> {
    let sql = "select value, given_at, given_by from draw_entry where draw = $1 and index = $2";
    Ok(sqlx::query_as(sql).bind(draw).bind(index).fetch_optional(conn).await?)
}
