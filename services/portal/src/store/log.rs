//! The logs of recusals (art. 16): their lines byte for byte, as the events told them.

use kit::{error::Result, pages};
use proto::qingtian::{draws::events::v1::RecusalUpheld, portal::v1::LogLine};
use sqlx::{FromRow, PgConnection, PgPool};

pub async fn save_log_line(conn: &mut PgConnection, upheld: &RecusalUpheld) -> anyhow::Result<()> {
    sqlx::query("insert into log_line (draw, n, line, head) values ($1, $2, $3, $4) on conflict (draw, n) do nothing")
        .bind(&upheld.draw)
        .bind(upheld.n)
        .bind(&upheld.line)
        .bind(&upheld.head)
        .execute(conn)
        .await?;
    Ok(())
}

/// The log of a draw, each line ended by LF, with the head signed over exactly these lines; empty before the first.
pub async fn log(pool: &PgPool, draw: &str) -> Result<(String, String)> {
    let sql = "select coalesce(string_agg(line || chr(10), '' order by n), ''), coalesce((array_agg(head order by n desc))[1], '')
               from log_line where draw = $1";
    Ok(sqlx::query_as(sql).bind(draw).fetch_one(pool).await?)
}

#[derive(FromRow)]
struct LineRow {
    n: i64,
    line: String,
    title: String,
    other_title: String,
}

impl From<LineRow> for LogLine {
    fn from(row: LineRow) -> Self {
        let mut columns = row.line.split('\t').map(|text| if text == NOBODY { String::new() } else { text.to_owned() });
        // A line came from the log itself and has its eleven columns.
        let mut next = || columns.next().unwrap_or_default();
        let _number = next();
        Self {
            n: row.n,
            time: next(),
            act: next(),
            subject: next(),
            person_out: next(),
            person_in: next(),
            other_subject: next(),
            reason: next(),
            asked_by: next(),
            approved_by: next(),
            title: row.title,
            other_title: row.other_title,
        }
    }
}

/// What stands in a line where nobody joined and where there is no other subject.
const NOBODY: &str = lottery::recusal::NOBODY;

/// A page of a log's lines, oldest first, the token of the next one, and how many there are.
pub async fn log_lines(
    pool: &PgPool,
    draw: &str,
    (rows, after): (i64, Option<i64>),
) -> Result<(Vec<LogLine>, String, i64)> {
    let total: i64 =
        sqlx::query_scalar("select count(*) from log_line where draw = $1").bind(draw).fetch_one(pool).await?;
    let mut found: Vec<LineRow> = sqlx::query_as(
        "select l.n, l.line, coalesce(d.title, '') as title, coalesce(o.title, '') as other_title from log_line l
         left join drawn d on d.draw = l.draw and d.key = split_part(l.line, chr(9), 4)
         left join drawn o on o.draw = l.draw and o.key = split_part(l.line, chr(9), 7)
         where l.draw = $1 and l.n > $2 order by l.n limit $3",
    )
    .bind(draw)
    .bind(after.unwrap_or(0))
    .bind(rows + 1)
    .fetch_all(pool)
    .await?;
    let next = pages::cut(&mut found, rows, |row| row.n.to_string());
    Ok((found.into_iter().map(LogLine::from).collect(), next, total))
}
