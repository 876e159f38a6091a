//! What a statement and a reveal leave in the database, written once: the tables nobody may change (art. 15).

use chrono::{DateTime, Utc};
use kit::{
    blob::Stored,
    error::{Reason, Refusal, Result, violated},
};
use lottery::select::Stratum;
use sqlx::{FromRow, PgConnection};

/// The statement of a draw.
#[derive(Clone, FromRow)]
pub struct StatementRow {
    pub draw: String,
    pub stated_at: DateTime<Utc>,
    /// `statement.json`.
    pub statement: Vec<u8>,
    /// Its SHA-256, 64 hex digits.
    pub digest: String,
    /// `rules.json`.
    pub rules: Vec<u8>,
    pub kid: String,
    pub signature: String,
    /// The sealed secret.
    pub sealed: Vec<u8>,
    pub subjects: i64,
    pub due_date: String,
}

/// What was counted when a draw was stated.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Strata with subjects and drawn.
    pub strata: Vec<(String, i64, i64)>,
    /// Subjects left out, by reason.
    pub left_out: Vec<(String, i64)>,
}

/// Writes a statement with its files and counts.
///
/// # Errors
/// `ALREADY_STATED`.
pub async fn insert_statement(
    conn: &mut PgConnection,
    row: &StatementRow,
    files: &[(&str, Stored)],
    counts: &Counts,
) -> Result<()> {
    let sql = "insert into draw_statement (draw, stated_at, statement, digest, rules, kid, signature, sealed, subjects, due_date)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    sqlx::query(sql)
        .bind(&row.draw)
        .bind(row.stated_at)
        .bind(&row.statement)
        .bind(&row.digest)
        .bind(&row.rules)
        .bind(&row.kid)
        .bind(&row.signature)
        .bind(&row.sealed)
        .bind(row.subjects)
        .bind(&row.due_date)
        .execute(&mut *conn)
        .await
        .map_err(|error| match violated(&error) {
            Some("draw_statement_pkey") => Refusal::new(Reason::AlreadyStated).with("draw", &row.draw),
            _ => error.into(),
        })?;
    for (file, stored) in files {
        sqlx::query("insert into draw_file (draw, file, blob, bytes) values ($1, $2, $3, $4)")
            .bind(&row.draw)
            .bind(file)
            .bind(stored.digest.to_string())
            .bind(i64::try_from(stored.size).unwrap_or(i64::MAX))
            .execute(&mut *conn)
            .await?;
    }
    let (names, subjects, drawn) = counts.strata.iter().fold((vec![], vec![], vec![]), |mut columns, (name, n, k)| {
        columns.0.push(name.as_str());
        columns.1.push(*n);
        columns.2.push(*k);
        columns
    });
    sqlx::query("insert into draw_stratum (draw, stratum, subjects, drawn) select $1, * from unnest($2::text[], $3::bigint[], $4::bigint[])")
        .bind(&row.draw)
        .bind(names)
        .bind(subjects)
        .bind(drawn)
        .execute(&mut *conn)
        .await?;
    let (reasons, left_out): (Vec<&str>, Vec<i64>) =
        counts.left_out.iter().map(|(reason, n)| (reason.as_str(), *n)).unzip();
    sqlx::query(
        "insert into draw_left_out (draw, reason, subjects) select $1, * from unnest($2::text[], $3::bigint[])",
    )
    .bind(&row.draw)
    .bind(reasons)
    .bind(left_out)
    .execute(conn)
    .await?;
    Ok(())
}

/// The statement of a draw.
///
/// # Errors
/// `NOT_FOUND` before it is stated.
pub async fn statement(conn: &mut PgConnection, draw: &str) -> Result<StatementRow> {
    let sql = "select draw, stated_at, statement, digest, rules, kid, signature, sealed, subjects, due_date
               from draw_statement where draw = $1";
    sqlx::query_as(sql).bind(draw).fetch_optional(conn).await?.ok_or_else(|| Refusal::not_found(draw))
}

/// A frozen file.
#[derive(Debug, Clone, FromRow)]
pub struct FileRow {
    pub file: String,
    /// Digest of the blob.
    pub blob: String,
    pub bytes: i64,
}

/// The frozen files of a draw.
///
/// # Errors
/// The database fails.
pub async fn files(conn: &mut PgConnection, draw: &str) -> Result<Vec<FileRow>> {
    let sql = "select file, blob, bytes from draw_file where draw = $1 order by file";
    Ok(sqlx::query_as(sql).bind(draw).fetch_all(conn).await?)
}

/// The signature over the entries but the beacon's.
#[derive(Debug, Clone, FromRow)]
pub struct ClosingRow {
    pub kid: String,
    pub signature: String,
}

/// Writes the close of the entries.
///
/// # Errors
/// The database fails.
pub async fn insert_closing(
    conn: &mut PgConnection,
    draw: &str,
    closing: &ClosingRow,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query("insert into draw_closing (draw, closed_at, kid, signature) values ($1, $2, $3, $4)")
        .bind(draw)
        .bind(now)
        .bind(&closing.kid)
        .bind(&closing.signature)
        .execute(conn)
        .await?;
    Ok(())
}

/// The close of the entries.
///
/// # Errors
/// The database fails, or the entries are open.
pub async fn closing(conn: &mut PgConnection, draw: &str) -> Result<ClosingRow> {
    Ok(sqlx::query_as("select kid, signature from draw_closing where draw = $1").bind(draw).fetch_one(conn).await?)
}

/// The instant of the reveal, if it is fixed.
///
/// # Errors
/// The database fails.
pub async fn reveal_time(conn: &mut PgConnection, draw: &str) -> Result<Option<DateTime<Utc>>> {
    let sql = "select revealed_at from draw_reveal_time where draw = $1";
    Ok(sqlx::query_scalar(sql).bind(draw).fetch_optional(conn).await?)
}

/// Fixes the instant of the reveal.
///
/// # Errors
/// The database fails.
pub async fn insert_reveal_time(conn: &mut PgConnection, draw: &str, at: DateTime<Utc>) -> Result<()> {
    let sql = "insert into draw_reveal_time (draw, revealed_at) values ($1, $2)";
    sqlx::query(sql).bind(draw).bind(at).execute(conn).await?;
    Ok(())
}

/// What a reveal comes to, as kept.
#[derive(Debug, Clone, FromRow)]
pub struct RevealRow {
    pub draw: String,
    pub seed: String,
    /// `draw.json`.
    pub draw_json: Vec<u8>,
    pub kid: String,
    pub signature: String,
    pub evidence_blob: String,
    pub evidence_bytes: i64,
    pub result_blob: String,
    pub strata_blob: String,
    pub drawn: i64,
    pub without_team: i64,
}

/// Digest of the bundle, after the reveal.
///
/// # Errors
/// The database fails.
pub async fn evidence(conn: &mut PgConnection, draw: &str) -> Result<Option<String>> {
    let sql = "select evidence_blob from draw_reveal where draw = $1";
    Ok(sqlx::query_scalar(sql).bind(draw).fetch_optional(conn).await?)
}

/// Digest of `strata.tsv`, after the reveal.
///
/// # Errors
/// The database fails.
pub async fn strata_blob(conn: &mut PgConnection, draw: &str) -> Result<Option<String>> {
    let sql = "select strata_blob from draw_reveal where draw = $1";
    Ok(sqlx::query_scalar(sql).bind(draw).fetch_optional(conn).await?)
}

/// One drawn subject, as kept.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ResultRow {
    pub place: i64,
    pub subject: String,
    pub title: String,
    pub stratum: String,
    pub district: String,
    pub ticket: String,
    pub officers: Vec<String>,
    pub experts: Vec<String>,
}

/// Rows of the result written by one statement.
const RESULT_ROWS: usize = 5_000;

/// Writes a reveal with thresholds and result.
///
/// # Errors
/// The database fails.
pub async fn insert_reveal(
    conn: &mut PgConnection,
    row: &RevealRow,
    strata: &[Stratum],
    result: &[ResultRow],
) -> Result<()> {
    let sql = "insert into draw_reveal (draw, seed, draw_json, kid, signature, evidence_blob, evidence_bytes, result_blob, strata_blob,
                   drawn, without_team) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    sqlx::query(sql)
        .bind(&row.draw)
        .bind(&row.seed)
        .bind(&row.draw_json)
        .bind(&row.kid)
        .bind(&row.signature)
        .bind(&row.evidence_blob)
        .bind(row.evidence_bytes)
        .bind(&row.result_blob)
        .bind(&row.strata_blob)
        .bind(row.drawn)
        .bind(row.without_team)
        .execute(&mut *conn)
        .await?;
    let names: Vec<&str> = strata.iter().map(|one| one.name.as_str()).collect();
    let thresholds: Vec<Option<String>> =
        strata.iter().map(|one| one.threshold.map(|digest| digest.to_string())).collect();
    sqlx::query(
        "insert into draw_threshold (draw, stratum, threshold) select $1, * from unnest($2::text[], $3::text[])",
    )
    .bind(&row.draw)
    .bind(names)
    .bind(thresholds)
    .execute(&mut *conn)
    .await?;
    for rows in result.chunks(RESULT_ROWS) {
        insert_result(conn, &row.draw, rows).await?;
    }
    Ok(())
}

async fn insert_result(conn: &mut PgConnection, draw: &str, rows: &[ResultRow]) -> Result<()> {
    let text = |column: fn(&ResultRow) -> &str| rows.iter().map(column).collect::<Vec<_>>();
    let list =
        |column: fn(&ResultRow) -> &Vec<String>| rows.iter().map(|row| column(row).join(",")).collect::<Vec<_>>();
    sqlx::query(
        "insert into draw_result (draw, place, subject, title, stratum, district, ticket, officers, experts)
         select $1, place, subject, title, stratum, district, ticket, string_to_array(officers, ','), string_to_array(experts, ',')
         from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
             as given (place, subject, title, stratum, district, ticket, officers, experts)",
    )
    .bind(draw)
    .bind(rows.iter().map(|row| row.place).collect::<Vec<_>>())
    .bind(text(|row| &row.subject))
    .bind(text(|row| &row.title))
    .bind(text(|row| &row.stratum))
    .bind(text(|row| &row.district))
    .bind(text(|row| &row.ticket))
    .bind(list(|row| &row.officers))
    .bind(list(|row| &row.experts))
    .execute(conn)
    .await?;
    Ok(())
}
