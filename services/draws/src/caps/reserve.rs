//! How a dispatch takes the year's visits (art. 17): it locks the rows it will count in, always in one order, and then sees who
//! has none left. That nobody goes beyond the cap is the database's, not this module's: see `visit_takes_its_place`.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use kit::error::Result;
use sqlx::PgConnection;

use crate::plans::rules::legal_day;

/// Places after the first up to the second.
pub type Places = (i64, i64);

/// Whether anybody has a cap in force on a day; on none nobody has.
///
/// # Errors
/// The database fails.
pub async fn any_in_force(conn: &mut PgConnection, day: Option<NaiveDate>) -> Result<bool> {
    Ok(sqlx::query_scalar("select exists (select from cap_limits($1))").bind(day).fetch_one(conn).await?)
}

/// Of these places of a draw's result those whose subject has no visit left this year, as it stands; it may change at once.
///
/// # Errors
/// The database fails.
pub async fn spent(conn: &mut PgConnection, draw: &str, (after, upto): Places, now: DateTime<Utc>) -> Result<Vec<i64>> {
    let day = legal_day(now);
    let places = sqlx::query_scalar(
        "select distinct r.place from cap_limits($4) c cross join draw_result r join draw d on d.name = r.draw
            join plan p on p.name = d.plan left join subject s on s.organisation = p.organisation and s.key = r.subject
            left join visit_use u on u.year = $5 and u.authority = c.authority and u.subject = r.subject
         where c.authority in (d.organisation, '') and r.draw = $1 and r.place > $2 and r.place <= $3
            and cardinality(r.officers) > 0 and coalesce(u.used, 0) >= cap_of(c.limits, s.credit_class)",
    );
    Ok(places.bind(draw).bind(after).bind(upto).bind(day).bind(day.year()).fetch_all(conn).await?)
}

/// The same once nobody else can take a visit of theirs before this transaction ends.
///
/// # Errors
/// The database fails.
pub async fn lock(conn: &mut PgConnection, draw: &str, (after, upto): Places, now: DateTime<Utc>) -> Result<Vec<i64>> {
    let year = legal_day(now).year();
    let rows = "select $4, a.name, r.subject from draw_result r join draw d on d.name = r.draw
            cross join lateral (values (d.organisation), ('')) a (name)
        where r.draw = $1 and r.place > $2 and r.place <= $3 and cardinality(r.officers) > 0";
    // Both texts are made of constants.
    let insert = format!(
        "insert into visit_use (year, authority, subject) {rows} order by r.subject collate \"C\", a.name collate \"C\"
         on conflict do nothing"
    );
    let lock = format!(
        "select from visit_use where (year, authority, subject) in ({rows})
         order by subject collate \"C\", authority collate \"C\" for update"
    );
    for sql in [insert, lock] {
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(draw).bind(after).bind(upto).bind(year);
        query.execute(&mut *conn).await?;
    }
    spent(conn, draw, (after, upto), now).await
}
