//! Codes in the database: only added to. Which of a subject's codes counts follows from their numbers.

use chrono::{DateTime, Utc};
use kit::{
    error::{Reason, Refusal, Result, violated},
    pages,
};
use sqlx::{AssertSqlSafe, FromRow, PgConnection, Row, postgres::PgRow};

use super::rules::Issued;

/// Columns of [`Issued`].
const ISSUED: &str = "select c.draw, c.number, c.subject, c.title, c.creator, c.created_at, c.expires_at, u.used_at,
        (select min(n.created_at) from proof_code n where n.draw = c.draw and n.subject = c.subject and n.number > c.number) as replaced_at
    from proof_code c left join proof_use u using (draw, number)";

impl FromRow<'_, PgRow> for Issued {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            draw: row.try_get("draw")?,
            number: row.try_get("number")?,
            subject: row.try_get("subject")?,
            title: row.try_get("title")?,
            creator: row.try_get("creator")?,
            created_at: row.try_get("created_at")?,
            expires_at: row.try_get("expires_at")?,
            used_at: row.try_get("used_at")?,
            replaced_at: row.try_get("replaced_at")?,
        })
    }
}

/// Adds a code with the draw's next number, which it answers. The draw's row is locked.
///
/// # Errors
/// The database fails.
pub async fn insert(conn: &mut PgConnection, code: &Issued, digest: &str) -> Result<i64> {
    let sql = "insert into proof_code (draw, number, subject, title, digest, creator, created_at, expires_at)
               select $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7 from proof_code where draw = $1 returning number";
    Ok(sqlx::query_scalar(sql)
        .bind(&code.draw)
        .bind(&code.subject)
        .bind(&code.title)
        .bind(digest)
        .bind(&code.creator)
        .bind(code.created_at)
        .bind(code.expires_at)
        .fetch_one(conn)
        .await?)
}

/// The code of this digest.
///
/// # Errors
/// `PROOF_CODE_UNKNOWN`.
pub async fn by_digest(conn: &mut PgConnection, draw: &str, digest: &str) -> Result<Issued> {
    let sql = format!("{ISSUED} where c.draw = $1 and c.digest = $2");
    let found = sqlx::query_as(AssertSqlSafe(sql)).bind(draw).bind(digest).fetch_optional(conn).await?;
    found.ok_or_else(|| unknown(draw))
}

/// There is no such code.
pub fn unknown(draw: &str) -> Refusal {
    Refusal::new(Reason::ProofCodeUnknown).with("draw", draw)
}

/// Uses a code up. Of two who try at once one waits here for the other.
///
/// # Errors
/// `PROOF_CODE_USED`.
pub async fn use_up(conn: &mut PgConnection, code: &Issued, now: DateTime<Utc>) -> Result<()> {
    sqlx::query("insert into proof_use (draw, number, used_at) values ($1, $2, $3)")
        .bind(&code.draw)
        .bind(code.number)
        .bind(now)
        .execute(conn)
        .await
        .map_err(|error| match violated(&error) {
            Some("proof_use_once") => Refusal::new(Reason::ProofCodeUsed).with("used", crate::draws::rules::text(now)),
            _ => error.into(),
        })?;
    Ok(())
}

/// Codes of a draw below a number, newest first, those that match.
///
/// # Errors
/// The database fails.
pub async fn list(
    conn: &mut PgConnection,
    draw: &str,
    query: &str,
    before: Option<i64>,
    rows: i64,
) -> Result<Vec<Issued>> {
    let sql = format!(
        "{ISSUED} where c.draw = $1 and ($2::bigint is null or c.number < $2)
            and ($3 = '' or starts_with(c.subject, $3) or c.title ilike $4) order by c.number desc limit $5"
    );
    let found =
        sqlx::query_as(AssertSqlSafe(sql)).bind(draw).bind(before).bind(query).bind(pages::like(query)).bind(rows);
    Ok(found.fetch_all(conn).await?)
}

/// How many match.
///
/// # Errors
/// The database fails.
pub async fn count(conn: &mut PgConnection, draw: &str, query: &str) -> Result<i64> {
    let sql =
        "select count(*) from proof_code where draw = $1 and ($2 = '' or starts_with(subject, $2) or title ilike $3)";
    Ok(sqlx::query_scalar(sql).bind(draw).bind(query).bind(pages::like(query)).fetch_one(conn).await?)
}

/// What a reveal says of one subject.
#[derive(Debug, Clone, FromRow)]
pub struct OutcomeRow {
    /// Of the draw.
    pub seed: String,
    /// Of the stratum asked for; none: nobody is drawn there.
    pub threshold: Option<String>,
    pub drawn: bool,
    pub officers: Vec<String>,
    pub experts: Vec<String>,
}

/// What a reveal says of one subject of a stratum.
///
/// # Errors
/// The database fails, or the draw is not revealed.
pub async fn outcome(conn: &mut PgConnection, draw: &str, subject: &str, stratum: &str) -> Result<OutcomeRow> {
    let sql = "select v.seed, t.threshold, r.subject is not null as drawn, coalesce(r.officers, '{}') as officers,
                   coalesce(r.experts, '{}') as experts
               from draw_reveal v
               left join draw_threshold t on t.draw = v.draw and t.stratum = $3
               left join draw_result r on r.draw = v.draw and r.subject = $2
               where v.draw = $1";
    Ok(sqlx::query_as(sql).bind(draw).bind(subject).bind(stratum).fetch_one(conn).await?)
}

/// Who makes a draw; none: there is no such draw.
///
/// # Errors
/// The database fails.
pub async fn organisation(conn: &mut PgConnection, draw: &str) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("select organisation from draw where name = $1").bind(draw).fetch_optional(conn).await?)
}
