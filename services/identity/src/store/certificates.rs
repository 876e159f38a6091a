//! What certificates say, and what they said before (art. 13).

use chrono::{DateTime, Utc};
use kit::error::Result;
use sqlx::PgConnection;

use super::{PERSON, Person, refused};
use crate::rules::Certificate;

/// Saves what a person's certificate says, with who changed it.
pub async fn save_certificate(
    db: &mut PgConnection,
    name: &str,
    certificate: Option<&Certificate>,
    changed_by: &str,
) -> Result<Person> {
    let sql = format!(
        "update person set certificate = $2, certificate_expires = $3, certificate_districts = $4,
            certificate_specialties = $5, revision = revision + 1, changed_by = $6, change = 'certificate changed'
         where name = $1 returning {PERSON}"
    );
    let number = certificate.map(|c| c.number.as_str());
    sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(name)
        .bind(number)
        .bind(certificate.map(|c| c.expires))
        .bind(certificate.map(|c| c.districts.clone()).unwrap_or_default())
        .bind(certificate.map(|c| c.specialties.clone()).unwrap_or_default())
        .bind(changed_by)
        .fetch_one(db)
        .await
        .map_err(|error| refused(error, name, number.unwrap_or_default()))
}

/// Keeps what a certificate says from this revision on, who said so and why. It is never changed.
pub async fn keep_certificate(db: &mut PgConnection, saved: &Person, reason: &str, now: DateTime<Utc>) -> Result<()> {
    let sql = "insert into certificate_past
            (person, revision, certificate, expires, districts, specialties, reason, changed_by, changed_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    sqlx::query(sql)
        .bind(&saved.name)
        .bind(saved.revision)
        .bind(&saved.certificate)
        .bind(saved.certificate_expires)
        .bind(&saved.certificate_districts)
        .bind(&saved.certificate_specialties)
        .bind(reason)
        .bind(&saved.changed_by)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}
