//! What readers ask.

use chrono::{DateTime, NaiveDate, Utc};
use kit::{
    blob::Digest,
    error::{Refusal, Result},
    pages,
};
use prost::Message;
use proto::qingtian::{
    catalog::v1::Item,
    draws::v1::{Draw, Drawn, Plan},
    portal::v1::{DrawFairness, LoadCount, PublicDraw, PublicPlan, SearchHit},
};
use sqlx::{FromRow, PgPool};

use super::{chain::name_outcomes, units::name_all};
use crate::rules;

/// A draw with what only this part needs to know of it.
pub struct Shown {
    /// As the public sees it on the day asked for.
    pub public: PublicDraw,
    /// The bundle.
    pub evidence: Option<Digest>,
    /// `names.tsv`.
    pub names: Option<Digest>,
    /// `subjects.tsv`.
    pub subjects: Option<Digest>,
    /// `left_out.tsv`.
    pub left_out: Option<Digest>,
    /// Day from which it is public; none: at once.
    pub publish_after: Option<NaiveDate>,
}

#[derive(FromRow)]
struct DrawRow {
    message: Vec<u8>,
    organisation_title: String,
    plan_title: String,
    entries_signature: String,
    evidence_blob: Option<Vec<u8>>,
    evidence_size: i64,
    names_blob: Option<Vec<u8>>,
    subjects_blob: Option<Vec<u8>>,
    left_out_blob: Option<Vec<u8>>,
    publish_after: Option<NaiveDate>,
    without_team: i64,
    load_subjects: Vec<i32>,
    load_officers: Vec<i32>,
    visits: i64,
    fairness: Option<Vec<u8>>,
    log_lines: i64,
    log_head: String,
    replaced_by: String,
    followed_by: Vec<String>,
    deferred: i64,
}

/// Columns of a [`DrawRow`] from `draw d`.
macro_rules! draws {
    ($rest:literal) => {
        concat!(
            "select d.message, coalesce(o.title, '') as organisation_title, coalesce(p.title, d.plan_title) as plan_title,
                d.entries_signature, d.evidence_blob, d.evidence_size, d.names_blob, d.subjects_blob, d.left_out_blob,
                d.publish_after, d.without_team, d.load_subjects, d.load_officers, d.visits, d.fairness,
                (select count(*) from log_line l where l.draw = d.name) as log_lines,
                coalesce((select head from log_line l where l.draw = d.name order by n desc limit 1), '') as log_head,
                coalesce((select r.name from draw r where r.replaces = d.name order by r.year desc, r.number desc limit 1), '')
                    as replaced_by,
                array(select f.name from draw f where f.follows = d.name and f.replaces = '' and f.state <> 7 order by f.year, f.number)
                    as followed_by, d.deferred
             from draw d left join organisation o on o.name = d.organisation left join plan p on p.name = d.plan ",
            $rest
        )
    };
}

impl DrawRow {
    fn shown(self, today: NaiveDate) -> Result<Shown> {
        let mut draw = Draw::decode(self.message.as_slice()).map_err(Refusal::internal)?;
        let mut load: Vec<_> = self
            .load_subjects
            .into_iter()
            .zip(self.load_officers)
            .map(|(subjects, officers)| LoadCount { subjects, officers })
            .collect();
        let (mut without_team, mut visits) = (self.without_team, self.visits);
        let mut fairness = match self.fairness {
            Some(bytes) => Some(DrawFairness::decode(bytes.as_slice()).map_err(Refusal::internal)?),
            None => None,
        };
        if rules::check_public(&draw.name, self.publish_after, today).is_err() {
            draw = rules::before_publication(draw);
            load.clear();
            (without_team, visits, fairness) = (0, 0, None);
        }
        if let Some(fairness) = &mut fairness {
            fairness.inclusion = rules::inclusion(&draw);
        }
        let public = PublicDraw {
            name: draw.name.clone(),
            organisation_title: self.organisation_title,
            plan_title: self.plan_title,
            evidence_size: self.evidence_size,
            load,
            without_team,
            visits,
            fairness,
            entries_signature: self.entries_signature,
            publish_after: self.publish_after.map(|day| day.to_string()).unwrap_or_default(),
            replaced_by: self.replaced_by,
            followed_by: self.followed_by,
            deferred: self.deferred,
            units: Vec::new(),
            log_lines: self.log_lines,
            log_head: self.log_head,
            draw: Some(draw),
        };
        Ok(Shown {
            public,
            evidence: digest(self.evidence_blob)?,
            names: digest(self.names_blob)?,
            subjects: digest(self.subjects_blob)?,
            left_out: digest(self.left_out_blob)?,
            publish_after: self.publish_after,
        })
    }
}

fn digest(bytes: Option<Vec<u8>>) -> Result<Option<Digest>> {
    bytes.map(|bytes| Digest::from_slice(&bytes)).transpose().map_err(Refusal::internal)
}

/// One draw, as shown on a day.
pub async fn draw(pool: &PgPool, name: &str, today: NaiveDate) -> Result<Shown> {
    let row: Option<DrawRow> = sqlx::query_as(draws!("where d.name = $1")).bind(name).fetch_optional(pool).await?;
    let mut shown = row.ok_or_else(|| Refusal::not_found(name))?.shown(today)?;
    name_all(pool, std::slice::from_mut(&mut shown.public)).await?;
    Ok(shown)
}

/// Which draws a list is asked for; empty, 0 and no: all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// Part of the plan's title or the draw's number.
    pub query: &'a str,
    /// `plans/{plan}`.
    pub plan: &'a str,
    /// `organisations/{organisation}`.
    pub organisation: &'a str,
    /// Year of the number.
    pub year: i32,
    /// Only those abandoned or failed.
    pub ended: bool,
}

/// A page of draws, newest first, with the token of the next one.
pub async fn draws(
    pool: &PgPool,
    (rows, after): (i64, Option<String>),
    wanted: &Wanted<'_>,
    today: NaiveDate,
) -> Result<(Vec<PublicDraw>, String)> {
    let found: Vec<DrawRow> = sqlx::query_as(draws!(
        "where ($1::text is null or (d.year, d.number) < (select year, number from draw where name = $1))
            and (coalesce(p.title, d.plan_title) ilike $2 or d.name ilike $2) and ($3 = '' or d.plan = $3)
            and ($5 = '' or d.organisation = $5) and ($6 = 0 or d.year = $6) and (not $7 or d.state in (7, 8))
         order by d.year desc, d.number desc limit $4"
    ))
    .bind(after)
    .bind(pages::like(wanted.query))
    .bind(wanted.plan)
    .bind(rows + 1)
    .bind(wanted.organisation)
    .bind(wanted.year)
    .bind(wanted.ended)
    .fetch_all(pool)
    .await?;
    let shown = found.into_iter().map(|row| Ok(row.shown(today)?.public));
    let mut shown: Vec<_> = shown.collect::<Result<_>>()?;
    let next = pages::cut(&mut shown, rows, |draw| draw.name.clone());
    name_all(pool, &mut shown).await?;
    Ok((shown, next))
}

#[derive(FromRow)]
struct PlanRow {
    message: Vec<u8>,
    organisation_title: String,
    item_titles: Vec<String>,
    draws: Vec<String>,
}

/// Columns of a [`PlanRow`] from `plan p`.
macro_rules! plans {
    ($rest:literal) => {
        concat!(
            "select p.message, coalesce(o.title, '') as organisation_title,
                array(select coalesce(case when i.sub_title = '' then i.title else i.title || ' · ' || i.sub_title end, '')
                    from unnest(p.items) with ordinality as n (name, place) left join item i on i.name = n.name order by n.place) as item_titles,
                array(select d.name from draw d where d.plan = p.name order by d.year, d.number) as draws
             from plan p left join organisation o on o.name = p.organisation ",
            $rest
        )
    };
}

impl PlanRow {
    fn shown(self) -> Result<PublicPlan> {
        Ok(PublicPlan {
            // Kept as it was announced, perhaps by an earlier release.
            plan: Some(rules::public_plan(Plan::decode(self.message.as_slice()).map_err(Refusal::internal)?)),
            organisation_title: self.organisation_title,
            item_titles: self.item_titles,
            draws: self.draws,
            units: Vec::new(),
        })
    }
}

/// One plan.
pub async fn plan(pool: &PgPool, name: &str) -> Result<PublicPlan> {
    let row: Option<PlanRow> = sqlx::query_as(plans!("where p.name = $1")).bind(name).fetch_optional(pool).await?;
    let mut shown = row.ok_or_else(|| Refusal::not_found(name))?.shown()?;
    name_all(pool, std::slice::from_mut(&mut shown)).await?;
    Ok(shown)
}

/// A page of plans, newest first, with the token of the next one. `year` 0: of every year.
pub async fn plans(
    pool: &PgPool,
    (rows, after): (i64, Option<String>),
    query: &str,
    year: i32,
) -> Result<(Vec<PublicPlan>, String)> {
    let found: Vec<PlanRow> = sqlx::query_as(plans!(
        "where ($1::text is null or (p.published_at, p.name) < (select published_at, name from plan where name = $1))
            and (p.title ilike $2 or p.name ilike $2) and ($3 = 0 or p.year = $3)
         order by p.published_at desc, p.name desc limit $4"
    ))
    .bind(after)
    .bind(pages::like(query))
    .bind(year)
    .bind(rows + 1)
    .fetch_all(pool)
    .await?;
    let mut shown: Vec<_> = found.into_iter().map(PlanRow::shown).collect::<Result<_>>()?;
    let next =
        pages::cut(&mut shown, rows, |plan| plan.plan.as_ref().map(|plan| plan.name.clone()).unwrap_or_default());
    name_all(pool, &mut shown).await?;
    Ok((shown, next))
}

/// One item.
pub async fn item(pool: &PgPool, name: &str) -> Result<Item> {
    let row: Option<Vec<u8>> =
        sqlx::query_scalar("select message from item where name = $1").bind(name).fetch_optional(pool).await?;
    Item::decode(row.ok_or_else(|| Refusal::not_found(name))?.as_slice()).map_err(Refusal::internal)
}

/// A page of items in the order of their lists, with the token of the next one.
pub async fn items(pool: &PgPool, (rows, after): (i64, Option<String>), query: &str) -> Result<(Vec<Item>, String)> {
    let found: Vec<Vec<u8>> = sqlx::query_scalar(
        "select message from item
         where ($1::text is null or place > (select place from item where name = $1))
            and (code ilike $2 or title ilike $2 or sub_title ilike $2)
         order by place limit $3",
    )
    .bind(after)
    .bind(pages::like(query))
    .bind(rows + 1)
    .fetch_all(pool)
    .await?;
    let items = found.iter().map(|bytes| Item::decode(bytes.as_slice()).map_err(Refusal::internal));
    let mut items: Vec<_> = items.collect::<Result<_>>()?;
    let next = pages::cut(&mut items, rows, |item| item.name.clone());
    Ok((items, next))
}

#[derive(FromRow)]
struct DrawnRow {
    place: i32,
    key: String,
    title: String,
    stratum: String,
    district: String,
    ticket: String,
    officers: Vec<String>,
    experts: Vec<String>,
}

impl From<DrawnRow> for Drawn {
    fn from(row: DrawnRow) -> Self {
        Self {
            place: row.place,
            subject: row.key,
            title: row.title,
            stratum: row.stratum,
            district: row.district,
            ticket: row.ticket,
            officers: row.officers,
            experts: row.experts,
            ..Self::default()
        }
    }
}

/// A page of the drawn in the order of the result, the token of the next one, and how many match.
pub async fn drawn(
    pool: &PgPool,
    draw: &str,
    (rows, after): (i64, Option<i32>),
    query: &str,
    stratum: &str,
) -> Result<(Vec<Drawn>, String, i64)> {
    let total: i64 = sqlx::query_scalar(
        "select count(*) from drawn where draw = $1 and (key ilike substr($2, 2) or title ilike $2) and ($3 = '' or stratum = $3)",
    )
    .bind(draw)
    .bind(pages::like(query))
    .bind(stratum)
    .fetch_one(pool)
    .await?;
    let mut found: Vec<DrawnRow> = sqlx::query_as(
        "select place, key, title, stratum, district, ticket, officers, experts from drawn
         where draw = $1 and (key ilike substr($2, 2) or title ilike $2) and ($3 = '' or stratum = $3) and place > $4
         order by place limit $5",
    )
    .bind(draw)
    .bind(pages::like(query))
    .bind(stratum)
    .bind(after.unwrap_or(0))
    .bind(rows + 1)
    .fetch_all(pool)
    .await?;
    let next = pages::cut(&mut found, rows, |row| row.place.to_string());
    let mut drawn: Vec<Drawn> = found.into_iter().map(Drawn::from).collect();
    name_outcomes(pool, draw, &mut drawn).await?;
    Ok((drawn, next, total))
}

/// One drawn subject.
pub async fn drawn_one(pool: &PgPool, draw: &str, key: &str) -> Result<Option<Drawn>> {
    let row: Option<DrawnRow> = sqlx::query_as(
        "select place, key, title, stratum, district, ticket, officers, experts from drawn where draw = $1 and key = $2",
    )
    .bind(draw)
    .bind(key)
    .fetch_optional(pool)
    .await?;
    let mut drawn = row.map(Drawn::from);
    name_outcomes(pool, draw, drawn.as_mut_slice()).await?;
    Ok(drawn)
}

/// Plans, draws and items whose title or number holds the words; whole matches first, then beginnings, then the newest.
pub async fn search(pool: &PgPool, query: &str, hits_max: i64) -> Result<Vec<SearchHit>> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "select name, title, kind from (
            select p.name, p.title, 'plan' as kind, 1 as sort, split_part(p.name, '/', 2) as number, p.published_at::text as age
                from plan p
            union all
            select d.name, coalesce(p.title, d.plan_title), 'draw', 2, split_part(d.name, '/', 2), to_char(d.number, 'FM0000000000')
                from draw d left join plan p on p.name = d.plan
            union all
            select i.name, case when i.sub_title = '' then i.title else i.title || ' · ' || i.sub_title end, 'item', 3, i.code, ''
                from item i
         ) found
         where title ilike $1 or name ilike $1 or number ilike $1
         order by (lower(title) = lower($2) or lower(number) = lower($2) or lower(name) = lower($2)) desc,
            (title ilike substr($1, 2) or number ilike substr($1, 2)) desc, sort, age desc, name desc
         limit $3",
    )
    .bind(pages::like(query))
    .bind(query)
    .bind(hits_max)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|(name, title, kind)| SearchHit { name, title, kind }).collect())
}

/// Figures of the home page.
#[derive(Debug, FromRow)]
pub struct Figures {
    /// Published items.
    pub items: i64,
    /// Plans of the year.
    pub plans: i64,
    /// Draws revealed in it.
    pub draws: i64,
    /// Subjects drawn in it.
    pub drawn: i64,
    /// Draws abandoned or failed in it.
    pub ended: i64,
}

/// Figures of a year, which lasts from `begin` to before `end`.
pub async fn figures(pool: &PgPool, year: i32, begin: DateTime<Utc>, end: DateTime<Utc>) -> Result<Figures> {
    Ok(sqlx::query_as(
        "select (select count(*) from item) as items,
            (select count(*) from plan where year = $1) as plans,
            (select count(*) from draw where revealed_at >= $2 and revealed_at < $3) as draws,
            (select coalesce(sum(drawn), 0)::bigint from draw where revealed_at >= $2 and revealed_at < $3) as drawn,
            (select count(*) from draw where ended_at >= $2 and ended_at < $3) as ended",
    )
    .bind(year)
    .bind(begin)
    .bind(end)
    .fetch_one(pool)
    .await?)
}
