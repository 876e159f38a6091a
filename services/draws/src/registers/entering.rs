//! Entering rows into a register of subjects (art. 13, 24), a batch in one statement: what it would do, and doing it.

use std::{borrow::Cow, fmt::Write as _};

use chrono::{DateTime, Utc};
use kit::error::{Result, violated};
use sqlx::{Connection, PgConnection};

use super::{life::Life, rules::Given};

/// Subjects among these that changed after a moment by something else than this import: key, who, and what.
///
/// # Errors
/// The database fails.
pub async fn changed_since(
    conn: &mut PgConnection,
    organisation: &str,
    keys: &[String],
    since: DateTime<Utc>,
    import: &str,
) -> Result<Vec<(String, String, String)>> {
    let found = sqlx::query_as(
        "select key, changed_by, changed_what from subject where organisation = $1 and key = any($2)
            and changed_at > $3 and changed_with <> $4 order by key for update",
    );
    let found = found.persistent(false).bind(organisation).bind(keys).bind(since).bind(import);
    Ok(found.fetch_all(conn).await?)
}

/// What a batch of rows would do; nothing is written.
///
/// # Errors
/// The database fails.
pub async fn foresee(conn: &mut PgConnection, organisation: &str, rows: &[Given]) -> Result<Upserted> {
    let (created, updated): (i64, i64) = sqlx::query_as(
        "select count(*) filter (where known.key is null),
            count(*) filter (where known.key is not null and (known.title, known.district, known.industry, known.address,
                known.in_business, known.gone, known.credit_class) is distinct from (given.title, given.district,
                coalesce(given.industry, known.industry), coalesce(given.address, known.address),
                coalesce(given.in_business, known.in_business), coalesce(given.gone, known.gone),
                coalesce(given.credit_class, known.credit_class)))
         from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::text[], $9::text[])
            as given (key, title, district, industry, address, in_business, gone, credit_class)
         left join subject known on known.organisation = $1 and known.key = given.key",
    )
    .persistent(false)
    .bind(organisation)
    .bind(rows.iter().map(|row| row.key.to_string()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.title.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.district.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.industry.as_deref()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.address.as_deref()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.life.map(Life::in_business)).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.life.map(Life::gone)).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.class).collect::<Vec<_>>())
    .fetch_one(conn)
    .await?;
    Ok(Upserted { created, updated })
}

/// What became of a batch of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upserted {
    /// New subjects.
    pub created: i64,
    /// Changed subjects.
    pub updated: i64,
}

/// Who brings rows into a register, and why.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// `users/{user}`.
    pub by: &'a str,
    /// Why; empty where no reason is asked for.
    pub why: &'a str,
    /// `organisations/{organisation}/imports/{import}`.
    pub with: &'a str,
    /// When.
    pub at: DateTime<Utc>,
}

/// Writes a batch of rows with distinct keys. What a row does not say stays as it is; rows that change nothing are not
/// written.
///
/// Subjects the register does not know yet, which in a first import are all, go in by COPY: an insert that must expect a row
/// under every key takes more than twice as long. Should another import enter one of them in the same moment, the whole batch
/// is written the careful way.
///
/// # Errors
/// The database fails.
pub async fn upsert(
    conn: &mut PgConnection,
    organisation: &str,
    rows: &[Given],
    origin: Origin<'_>,
) -> Result<Upserted> {
    let keys: Vec<String> = rows.iter().map(|row| row.key.to_string()).collect();
    // In the order of keys, so that two imports into one register wait for each other instead of locking up.
    let mut rows: Vec<(&str, &Given)> = keys.iter().map(String::as_str).zip(rows).collect();
    rows.sort_unstable_by_key(|(key, _)| *key);
    // Planned anew for each batch: a plan made over an empty register would read the whole of it once it has grown.
    let known: Vec<String> =
        sqlx::query_scalar("select key from subject where organisation = $1 and key = any($2) order by key for update")
            .persistent(false)
            .bind(organisation)
            .bind(&keys)
            .fetch_all(&mut *conn)
            .await?;
    let is_known = |key: &str| known.binary_search_by(|one| one.as_str().cmp(key)).is_ok();
    let (known, unknown): (Vec<_>, Vec<_>) = rows.iter().copied().partition(|(key, _)| is_known(key));
    let mut attempt = conn.begin().await?;
    match enter(&mut attempt, organisation, &unknown, origin).await {
        Ok(created) => {
            attempt.commit().await?;
            let merged = merge(conn, organisation, &known, origin).await?;
            Ok(Upserted { created: created + merged.created, ..merged })
        }
        Err(error) if violated(&error) == Some("subject_pkey") => {
            attempt.rollback().await?;
            merge(conn, organisation, &rows, origin).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Enters subjects the register does not know, and answers how many.
async fn enter(
    conn: &mut PgConnection,
    organisation: &str,
    rows: &[(&str, &Given)],
    origin: Origin<'_>,
) -> sqlx::Result<i64> {
    if rows.is_empty() {
        return Ok(0);
    }
    let mut lines = String::with_capacity(rows.len() * LINE_BYTES);
    let (organisation, at) = (escaped(organisation), origin.at.to_rfc3339());
    let [by, why, with] = [origin.by, origin.why, origin.with].map(escaped);
    for (key, row) in rows {
        let (key, title, life) = (escaped(key), escaped(&row.title), row.life.unwrap_or(Life::InBusiness));
        let [industry, address] =
            [&row.industry, &row.address].map(|text| escaped(text.as_deref().unwrap_or_default()));
        let (district, in_business, gone, old) =
            (row.district.as_str(), life.in_business(), life.gone(), row.key.is_old());
        let class = row.class.unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = writeln!(
            lines,
            "{organisation}\t{key}\t{title}\t{district}\t{industry}\t{address}\t{in_business}\t{gone}\t{old}\t{class}\t\
             {at}\t{at}\t{by}\t导入 imported\t{why}\t{with}"
        );
    }
    let mut copy = conn
        .copy_in_raw(
            "copy subject (organisation, key, title, district, industry, address, in_business, gone, old_number, credit_class,
                created_at, changed_at, changed_by, changed_what, changed_why, changed_with) from stdin",
        )
        .await?;
    copy.send(lines.as_bytes()).await?;
    copy.finish().await?;
    Ok(i64::try_from(rows.len()).unwrap_or(i64::MAX))
}

/// Bytes of a line of COPY, mostly.
const LINE_BYTES: usize = 256;

/// A text as a column of COPY.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\\', '\t', '\n', '\r']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('\\', r"\\").replace('\t', r"\t").replace('\n', r"\n").replace('\r', r"\r"))
}

/// Writes rows whose subjects may be known.
async fn merge(
    conn: &mut PgConnection,
    organisation: &str,
    rows: &[(&str, &Given)],
    origin: Origin<'_>,
) -> Result<Upserted> {
    if rows.is_empty() {
        return Ok(Upserted { created: 0, updated: 0 });
    }
    let (created, updated): (i64, i64) = sqlx::query_as(
        "with written as (
            insert into subject (organisation, key, title, district, industry, address, in_business, gone, old_number,
                credit_class, created_at, changed_at, changed_by, changed_what, changed_why, changed_with)
            select $1, given.key, given.title, given.district, coalesce(given.industry, known.industry, ''),
                coalesce(given.address, known.address, ''), coalesce(given.in_business, known.in_business, true),
                coalesce(given.gone, known.gone, ''), given.old_number, coalesce(given.credit_class, known.credit_class, ''),
                $10, $10, $11, '导入 imported', $12, $13
            from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::text[], $9::boolean[],
                    $14::text[])
                as given (key, title, district, industry, address, in_business, gone, old_number, credit_class)
            left join subject known on known.organisation = $1 and known.key = given.key
            order by given.key collate \"C\"
            on conflict (organisation, key) do update set title = excluded.title, district = excluded.district,
                industry = excluded.industry, address = excluded.address, in_business = excluded.in_business,
                gone = excluded.gone, credit_class = excluded.credit_class, revision = subject.revision + 1,
                changed_at = excluded.changed_at, changed_by = excluded.changed_by, changed_what = excluded.changed_what, changed_why = excluded.changed_why, changed_with = excluded.changed_with
            where (subject.title, subject.district, subject.industry, subject.address, subject.in_business, subject.gone,
                    subject.credit_class)
                is distinct from (excluded.title, excluded.district, excluded.industry, excluded.address, excluded.in_business,
                    excluded.gone, excluded.credit_class)
            -- A row that was never updated or locked has no xmax: it is new.
            returning xmax = 0 as new)
         select count(*) filter (where new), count(*) filter (where not new) from written",
    )
    .persistent(false)
    .bind(organisation)
    .bind(rows.iter().map(|(key, _)| *key).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, row)| row.title.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, row)| row.district.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, row)| row.industry.as_deref()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, row)| row.address.as_deref()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, row)| row.life.map(Life::in_business)).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, row)| row.life.map(Life::gone)).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, row)| row.key.is_old()).collect::<Vec<_>>())
    .bind(origin.at)
    .bind(origin.by)
    .bind(origin.why)
    .bind(origin.with)
    .bind(rows.iter().map(|(_, row)| row.class).collect::<Vec<_>>())
    .fetch_one(conn)
    .await?;
    Ok(Upserted { created, updated })
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_column_of_copy_holds_any_text() {
        assert_eq!(escaped("开封市第1商行"), "开封市第1商行");
        assert_eq!(escaped("a\\N\tb\nc\rd"), r"a\\N\tb\nc\rd");
    }
}
