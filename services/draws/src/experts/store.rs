//! Questions to the tables of experts (art. 13, 15), one function each.

use chrono::NaiveDate;
use kit::error::Result;
use sqlx::{FromRow, PgConnection};

/// An expert a draw may send.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Candidate {
    /// Register number.
    pub key: String,
    /// `organisations/{organisation}` whose register it is.
    pub organisation: String,
    /// Districts covered, sorted.
    pub districts: Vec<String>,
    /// Specialties, sorted.
    pub specialties: Vec<String>,
}

/// Experts of these organisations (`organisations/{organisation}`) whom a draw may send on a day: not retired by then, and
/// not known as an officer by the same key, as evidence tells people apart by their keys. By key in the order of bytes.
///
/// # Errors
/// The database fails.
pub async fn candidates(conn: &mut PgConnection, organisations: &[String], on: NaiveDate) -> Result<Vec<Candidate>> {
    let experts = sqlx::query_as(
        "select key, organisation, districts, specialties from expert e
         where organisation = any($1) and (retired_on is null or retired_on > $2)
            and not exists (select from officer o where o.key = e.key) order by key",
    )
    .bind(organisations)
    .bind(on)
    .fetch_all(conn)
    .await?;
    Ok(experts)
}
