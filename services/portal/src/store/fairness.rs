//! How evenly chance worked, and what became of draws (art. 10, 11).

use chrono::NaiveDate;
use kit::error::Result;
use prost::Message;
use proto::qingtian::portal::v1::{DrawFairness, FairnessYear, Unit};
use sqlx::{FromRow, PgConnection, PgPool};

/// Keeps what a reveal said of its fairness.
pub async fn save_fairness(conn: &mut PgConnection, draw: &str, fairness: &DrawFairness) -> anyhow::Result<()> {
    sqlx::query("update draw set fairness = $2, no_choice = $3 where name = $1")
        .bind(draw)
        .bind(fairness.encode_to_vec())
        .bind(fairness.no_choice)
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(FromRow)]
struct YearRow {
    organisation: String,
    title: String,
    title_en: String,
    year: i32,
    draws: i64,
    revealed: i64,
    abandoned: i64,
    failed: i64,
    replaced: i64,
    subjects: i64,
    drawn: i64,
    without_team: i64,
    no_choice: i64,
}

impl From<YearRow> for FairnessYear {
    fn from(row: YearRow) -> Self {
        Self {
            unit: Some(Unit { name: row.organisation, title: row.title, title_en: row.title_en }),
            year: row.year,
            draws: row.draws,
            going_on: row.draws - row.revealed - row.abandoned - row.failed,
            revealed: row.revealed,
            abandoned: row.abandoned,
            failed: row.failed,
            replaced: row.replaced,
            subjects: row.subjects,
            drawn: row.drawn,
            without_team: row.without_team,
            no_choice: row.no_choice,
        }
    }
}

/// The history of draws by organisation and year, as it may be told on a day. Empty and 0: of all.
pub async fn history(pool: &PgPool, organisation: &str, year: i32, today: NaiveDate) -> Result<Vec<FairnessYear>> {
    let rows: Vec<YearRow> = sqlx::query_as(
        "select d.organisation, coalesce(max(o.title), '') as title, coalesce(max(o.title_en), '') as title_en, d.year,
            count(*) as draws,
            count(*) filter (where d.revealed_at is not null) as revealed,
            count(*) filter (where d.state = 7) as abandoned,
            count(*) filter (where d.state = 8) as failed,
            count(*) filter (where d.state = 8 and exists (select from draw r where r.replaces = d.name)) as replaced,
            coalesce(sum(d.subjects) filter (where d.revealed_at is not null), 0)::bigint as subjects,
            coalesce(sum(d.drawn) filter (where d.revealed_at is not null), 0)::bigint as drawn,
            coalesce(sum(d.without_team) filter (where d.publish_after is null or d.publish_after <= $3), 0)::bigint as without_team,
            coalesce(sum(d.no_choice) filter (where d.publish_after is null or d.publish_after <= $3), 0)::bigint as no_choice
         from draw d left join organisation o on o.name = d.organisation
         where ($1 = '' or d.organisation = $1) and ($2 = 0 or d.year = $2)
         group by d.organisation, d.year order by title, d.organisation, d.year desc",
    )
    .bind(organisation)
    .bind(year)
    .bind(today)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(FairnessYear::from).collect())
}
