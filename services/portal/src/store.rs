//! One function per question to the database. Writers run in the follower's transaction; readers only read.

mod chain;
mod fairness;
mod log;
mod read;
mod units;

pub use chain::*;
pub use fairness::*;
pub use log::*;
pub use read::*;

use chrono::{DateTime, NaiveDate, Utc};
use kit::blob::Digest;
use prost::Message;
use proto::qingtian::{
    catalog::v1::Item,
    draws::v1::{Draw, Plan},
    identity::events::v1::OrganisationChanged,
};
use sqlx::PgConnection;

use crate::{drawn::Row, rules};

/// Rows of one insert.
const CHUNK_ROWS: usize = 2_000;

type Done = anyhow::Result<()>;

pub async fn save_organisation(conn: &mut PgConnection, organisation: &OrganisationChanged) -> Done {
    sqlx::query(
        "insert into organisation (name, title, title_en) values ($1, $2, $3)
         on conflict (name) do update set title = excluded.title, title_en = excluded.title_en",
    )
    .bind(&organisation.name)
    .bind(&organisation.title)
    .bind(&organisation.title_en)
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn save_item(conn: &mut PgConnection, item: Item) -> Done {
    let item = Item { etag: String::new(), ..item };
    sqlx::query(
        "insert into item (name, place, code, title, sub_title, message) values ($1, $2, $3, $4, $5, $6)
         on conflict (name) do update set place = excluded.place, code = excluded.code, title = excluded.title,
            sub_title = excluded.sub_title, message = excluded.message",
    )
    .bind(&item.name)
    .bind(rules::item_place(&item.name, &item.code))
    .bind(&item.code)
    .bind(&item.title)
    .bind(&item.sub_title)
    .bind(item.encode_to_vec())
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn save_plan(conn: &mut PgConnection, plan: Plan, published_at: DateTime<Utc>) -> Done {
    let plan = rules::public_plan(plan);
    sqlx::query(
        "insert into plan (name, year, organisation, title, published_at, items, message) values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (name) do update set year = excluded.year, organisation = excluded.organisation,
            title = excluded.title, published_at = excluded.published_at, items = excluded.items, message = excluded.message",
    )
    .bind(&plan.name)
    .bind(plan.year)
    .bind(&plan.organisation)
    .bind(&plan.title)
    .bind(published_at)
    .bind(&plan.items)
    .bind(plan.encode_to_vec())
    .execute(conn)
    .await?;
    Ok(())
}

/// The draw as it was told so far.
pub async fn known(conn: &mut PgConnection, name: &str) -> anyhow::Result<Option<Draw>> {
    let bytes: Option<Vec<u8>> =
        sqlx::query_scalar("select message from draw where name = $1").bind(name).fetch_optional(conn).await?;
    Ok(bytes.map(|bytes| Draw::decode(bytes.as_slice())).transpose()?)
}

pub async fn save_draw(conn: &mut PgConnection, draw: &Draw) -> Done {
    let (year, number) =
        rules::numbered(&draw.name, "draws").ok_or_else(|| anyhow::anyhow!("{:?} is not a draw's name", draw.name))?;
    sqlx::query(
        "insert into draw (name, year, number, organisation, plan, plan_title, replaces, state, drawn, message, publish_after, subjects,
            follows)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         on conflict (name) do update set organisation = excluded.organisation, plan = excluded.plan,
            plan_title = excluded.plan_title, replaces = excluded.replaces, state = excluded.state, drawn = excluded.drawn,
            message = excluded.message, publish_after = coalesce(excluded.publish_after, draw.publish_after), subjects = excluded.subjects,
            follows = excluded.follows",
    )
    .bind(&draw.name)
    .bind(year)
    .bind(number)
    .bind(&draw.organisation)
    .bind(&draw.plan)
    .bind(&draw.plan_title)
    .bind(&draw.replaces)
    .bind(draw.state)
    .bind(draw.drawn)
    .bind(draw.encode_to_vec())
    .bind(rules::publish_after(draw))
    .bind(draw.subjects)
    .bind(&draw.follows)
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn save_entries_signature(conn: &mut PgConnection, draw: &str, signature: &str) -> Done {
    sqlx::query("update draw set entries_signature = $2 where name = $1")
        .bind(draw)
        .bind(signature)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn save_end(conn: &mut PgConnection, draw: &str, at: DateTime<Utc>) -> Done {
    sqlx::query("update draw set ended_at = $2 where name = $1").bind(draw).bind(at).execute(conn).await?;
    Ok(())
}

pub async fn save_visits(conn: &mut PgConnection, draw: &str, visits: i64, without_team: i64) -> Done {
    sqlx::query("update draw set visits = $2, without_team = $3 where name = $1")
        .bind(draw)
        .bind(visits)
        .bind(without_team)
        .execute(conn)
        .await?;
    Ok(())
}

/// What a reveal adds to a draw.
pub struct Reveal {
    /// When.
    pub at: DateTime<Utc>,
    /// The bundle.
    pub evidence: Digest,
    /// Its bytes.
    pub evidence_size: i64,
    /// `names.tsv`.
    pub names: Option<Digest>,
    /// `subjects.tsv`.
    pub subjects: Option<Digest>,
    /// `left_out.tsv`.
    pub left_out: Option<Digest>,
    /// Day from which it is public; none: at once.
    pub publish_after: Option<NaiveDate>,
}

pub async fn save_reveal(conn: &mut PgConnection, draw: &str, reveal: &Reveal, rows: &[Row]) -> Done {
    let load = rules::load(rows.iter().flat_map(|row| row.officers.split(',').filter(|officer| !officer.is_empty())));
    let (subjects, officers): (Vec<i32>, Vec<i32>) = load.iter().map(|count| (count.subjects, count.officers)).unzip();
    let without_team = rows.iter().filter(|row| row.officers.is_empty()).count();
    let bytes = |digest: Option<Digest>| digest.map(|digest| digest.0.to_vec());
    sqlx::query(
        "update draw set revealed_at = $2, evidence_blob = $3, evidence_size = $4, names_blob = $5, subjects_blob = $6,
            left_out_blob = $7, publish_after = coalesce($8, publish_after), without_team = $9, load_subjects = $10, load_officers = $11
         where name = $1",
    )
    .bind(draw)
    .bind(reveal.at)
    .bind(reveal.evidence.0.to_vec())
    .bind(reveal.evidence_size)
    .bind(bytes(reveal.names))
    .bind(bytes(reveal.subjects))
    .bind(bytes(reveal.left_out))
    .bind(reveal.publish_after)
    .bind(i64::try_from(without_team)?)
    .bind(subjects)
    .bind(officers)
    .execute(&mut *conn)
    .await?;
    sqlx::query("delete from drawn where draw = $1").bind(draw).execute(&mut *conn).await?;
    let mut place = 0;
    for chunk in rows.chunks(CHUNK_ROWS) {
        let column = |take: fn(&Row) -> &str| chunk.iter().map(take).collect::<Vec<_>>();
        sqlx::query(
            "insert into drawn (draw, place, key, title, stratum, district, ticket, officers, experts)
             select $1, $2 + n, key, title, stratum, district, ticket, string_to_array(officers, ','), string_to_array(experts, ',')
             from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
                with ordinality as row (key, title, stratum, district, ticket, officers, experts, n)",
        )
        .bind(draw)
        .bind(place)
        .bind(column(|row| &row.key))
        .bind(column(|row| &row.title))
        .bind(column(|row| &row.stratum))
        .bind(column(|row| &row.district))
        .bind(column(|row| &row.ticket))
        .bind(column(|row| &row.officers))
        .bind(column(|row| &row.experts))
        .execute(&mut *conn)
        .await?;
        place += i32::try_from(chunk.len())?;
    }
    Ok(())
}

pub async fn forget_organisations(conn: &mut PgConnection) -> Done {
    sqlx::query("delete from organisation").execute(conn).await?;
    Ok(())
}

pub async fn forget_items(conn: &mut PgConnection) -> Done {
    sqlx::query("delete from item").execute(conn).await?;
    Ok(())
}

pub async fn forget_draws(conn: &mut PgConnection) -> Done {
    sqlx::query("delete from draw").execute(&mut *conn).await?;
    sqlx::query("delete from plan").execute(conn).await?;
    Ok(())
}
