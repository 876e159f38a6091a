//! Who may be sent on a day, and against whom (art. 15, 16): what a draw freezes and a plan's preview counts.

use chrono::NaiveDate;
use kit::error::Result;
use sqlx::PgConnection;

use crate::registers::rules::Officer;

/// Officers of these organisations (`organisations/{organisation}`) whom a draw may send on a day: active, certificate valid
/// and not on leave on that day, and named in a way evidence can hold. By key in the order of bytes.
///
/// # Errors
/// The database fails.
pub async fn officers(conn: &mut PgConnection, units: &[String], on: NaiveDate) -> Result<Vec<Officer>> {
    let officers = sqlx::query_as(
        "select key, organisation, districts, specialties from officer o
         where organisation = any($1) and active and expire_on >= $2 and key ~ '^[0-9A-Za-z:/._-]{1,64}$'
            and not exists (select from leave l left join leave_end e on e.leave = l.id
                where l.holder = o.user_name and l.first_day <= $2 and coalesce(e.last_day, l.last_day) >= $2)
         order by key",
    )
    .bind(units)
    .bind(on)
    .fetch_all(conn)
    .await?;
    Ok(officers)
}

/// A conflict that excludes a person from a subject.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Exclusion {
    /// Certificate number of an officer, or register number of an expert, as of now.
    pub person: String,
    /// Key of the subject.
    pub subject: String,
    /// `organisations/{organisation}` the person serves or is registered in: it answers for the exclusion in public.
    pub organisation: String,
}

/// Conflicts declared by or of these organisations' officers and experts that were not lifted, each pair once, by pair in the
/// order of bytes. The reasons stay private.
///
/// # Errors
/// The database fails.
pub async fn exclusions(conn: &mut PgConnection, units: &[String]) -> Result<Vec<Exclusion>> {
    let exclusions = sqlx::query_as(
        "with standing as (
            select holder, officer, subject from conflict c
            where not exists (select from conflict_lift l where l.conflict = c.id and l.state = 'LIFTED'))
         select distinct on (person, subject) person, subject, organisation from (
            -- By the holder, whose certificate may have been replaced since; by the certificate where no holder was known.
            select o.key as person, c.subject, o.organisation from standing c join officer o on o.user_name = c.holder
            union all
            select o.key, c.subject, o.organisation from standing c join officer o on o.key = c.officer and c.holder = ''
            union all
            select e.key, c.subject, e.organisation from standing c join expert e on c.holder = 'experts/' || e.key) as found
         where organisation = any($1) order by person, subject, organisation",
    )
    .bind(units)
    .fetch_all(conn)
    .await?;
    Ok(exclusions)
}
