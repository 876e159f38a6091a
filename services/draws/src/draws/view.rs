//! Draws as the contract shows them. Never the sealed secret: the columns that hold it are not read here.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use kit::{
    auth::Caller,
    error::{Reason, Refusal, Result},
    ledger::timestamp,
    order::{Field, Key, Orders, Page},
    pages,
    workdays::legal_day,
};
use proto::qingtian::draws::v1 as pb;
use sqlx::{AssertSqlSafe, FromRow, PgConnection};

use super::{
    follows,
    rules::State,
    store::{DRAW_COLUMNS, DrawRow, SEEN, Sight},
};

/// How much of a draw is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// All of it.
    Whole,
    /// Without the texts of statement and rules, as in lists.
    Short,
}

#[derive(FromRow)]
struct Stated {
    draw: String,
    stated_at: DateTime<Utc>,
    digest: String,
    statement: String,
    rules: String,
    kid: String,
    signature: String,
    subjects: i64,
    publish_after: Option<String>,
    withheld_files: Vec<String>,
}

#[derive(FromRow)]
struct Revealed {
    draw: String,
    revealed_at: DateTime<Utc>,
    seed: String,
    evidence_blob: String,
    drawn: i64,
}

#[derive(FromRow)]
struct Contributor {
    draw: String,
    contributor: String,
    kind: String,
    unit: Option<String>,
    index: i32,
    value: Option<String>,
    given_at: Option<DateTime<Utc>>,
}

/// Draws by their rows, in the same order.
///
/// # Errors
/// The database fails.
pub async fn draws(conn: &mut PgConnection, rows: Vec<DrawRow>, detail: Detail) -> Result<Vec<pb::Draw>> {
    let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    let contributors: Vec<Contributor> = sqlx::query_as(
        "select draw, contributor, kind, unit, index, value, given_at
         from draw_contributor left join draw_entry using (draw, index) where draw = any($1) order by draw, index",
    )
    .bind(&names)
    .fetch_all(&mut *conn)
    .await?;
    let stated: Vec<Stated> = sqlx::query_as(
        "select draw, stated_at, digest, kid, signature, subjects,
                case when $2 then convert_from(statement, 'UTF8') else '' end as statement,
                case when $2 then convert_from(rules, 'UTF8') else '' end as rules,
                convert_from(rules, 'UTF8')::json -> 'publish_after' ->> 'date' as publish_after,
                array(select json_array_elements_text(convert_from(rules, 'UTF8')::json -> 'withheld' -> 'files')) as withheld_files
         from draw_statement where draw = any($1)",
    )
    .bind(&names)
    .bind(detail == Detail::Whole)
    .fetch_all(&mut *conn)
    .await?;
    let revealed: Vec<Revealed> = sqlx::query_as(
        "select draw, revealed_at, seed, evidence_blob, drawn from draw_reveal join draw_reveal_time using (draw)
         where draw = any($1)",
    )
    .bind(&names)
    .fetch_all(&mut *conn)
    .await?;
    let strata: Vec<(String, String, i64, i64, Option<String>)> = sqlx::query_as(
        "select draw, stratum, subjects, drawn, threshold from draw_stratum left join draw_threshold using (draw, stratum)
         where draw = any($1) order by draw, stratum collate \"C\"",
    )
    .bind(&names)
    .fetch_all(&mut *conn)
    .await?;
    let left_out: Vec<(String, String, i64)> = sqlx::query_as(
        "select draw, reason, subjects from draw_left_out where draw = any($1) order by draw, reason collate \"C\"",
    )
    .bind(&names)
    .fetch_all(&mut *conn)
    .await?;
    let mut shown: Vec<pb::Draw> = rows.into_iter().map(bare).collect();
    let mut places: HashMap<String, &mut pb::Draw> = shown.iter_mut().map(|draw| (draw.name.clone(), draw)).collect();
    for row in contributors {
        let Some(draw) = places.get_mut(&row.draw) else { continue };
        if let (Some(value), Some(at)) = (row.value, row.given_at) {
            let (index, contributor) = (row.index, row.contributor.clone());
            draw.entries.push(pb::Entry { index, contributor, value, create_time: Some(timestamp(at)) });
        }
        let kind = kind_of(&row.kind) as i32;
        draw.contributors.push(pb::Contributor {
            contributor: row.contributor,
            kind,
            unit: row.unit.unwrap_or_default(),
        });
    }
    for link in crate::witnesses::store::links(conn, &names).await? {
        let Some(draw) = places.get_mut(&link.draw) else { continue };
        let place = usize::try_from(link.index - 1).unwrap_or(usize::MAX);
        let contributor = draw.contributors.get(place).map(|one| one.contributor.clone()).unwrap_or_default();
        draw.witness_links.push(crate::witnesses::api::message(&link, contributor, true));
    }
    for row in stated {
        let Some(draw) = places.get_mut(&row.draw) else { continue };
        draw.state_time = Some(timestamp(row.stated_at));
        draw.statement = row.digest;
        draw.statement_json = row.statement;
        draw.rules_json = row.rules;
        draw.kid = row.kid;
        draw.statement_signature = row.signature;
        draw.subjects = row.subjects;
        draw.publish_after = row.publish_after.unwrap_or_default();
        draw.withheld_files = row.withheld_files;
    }
    for (name, chain) in follows::store::chains(conn, &names).await? {
        let Some(draw) = places.get_mut(&name) else { continue };
        (draw.followed_by, draw.replaced_by) = (chain.followed_by, chain.replaced_by);
    }
    for (name, reason, count) in left_out {
        let Some(draw) = places.get_mut(&name) else { continue };
        draw.left_out.push(pb::LeftOutCount { reason, count });
    }
    for row in revealed {
        let Some(draw) = places.get_mut(&row.draw) else { continue };
        draw.reveal_time = Some(timestamp(row.revealed_at));
        draw.seed = row.seed;
        draw.evidence_digest = row.evidence_blob;
        draw.drawn = row.drawn;
    }
    for (name, stratum, subjects, drawn, threshold) in strata {
        let Some(draw) = places.get_mut(&name) else { continue };
        draw.strata.push(pb::Stratum { stratum, subjects, drawn, threshold: threshold.unwrap_or_default() });
    }
    Ok(shown)
}

/// One draw as it stands in this transaction.
///
/// # Errors
/// The database fails.
pub async fn draw(conn: &mut PgConnection, row: &DrawRow) -> Result<pb::Draw> {
    let mut shown = draws(conn, vec![row.clone()], Detail::Whole).await?;
    // One row in, one draw out.
    Ok(shown.pop().unwrap_or_default())
}

/// Whether the register of a draw is withheld. Then its strata are, too: from their sizes and the published digest of
/// `strata.tsv` the thresholds could be searched for, and from those which class a drawn enterprise is in.
fn register_withheld(draw: &pb::Draw) -> bool {
    draw.withheld_files.iter().any(|file| file == lottery::frozen::SUBJECTS)
}

/// Whether the result is not public yet on this day (art. 18).
pub fn waits(draw: &pb::Draw, today: NaiveDate) -> bool {
    draw.publish_after.parse().is_ok_and(|day: NaiveDate| today < day)
}

/// A draw as a caller may see it today. The drawing organisation and the city's bodies see all of it; those who contribute see
/// neither seed nor thresholds before the day of publication, and no strata of a register that is withheld.
pub fn shown_to(caller: &Caller, mut draw: pb::Draw, now: DateTime<Utc>) -> pb::Draw {
    if caller.reach().covers(&draw.organisation) {
        return draw;
    }
    if register_withheld(&draw) {
        draw.strata.clear();
    }
    if waits(&draw, legal_day(now)) {
        draw.seed.clear();
        draw.strata.iter_mut().for_each(|stratum| stratum.threshold.clear());
    }
    draw
}

/// Refuses the result of a draw to those who contribute before the day of publication.
///
/// # Errors
/// `NOT_PUBLIC_YET` (art. 18).
pub async fn check_shown(conn: &mut PgConnection, caller: &Caller, row: &DrawRow, now: DateTime<Utc>) -> Result<()> {
    let shown = draws(conn, vec![row.clone()], Detail::Short).await?;
    match shown.first() {
        Some(draw) if waits(draw, legal_day(now)) && !caller.reach().covers(&draw.organisation) => {
            Err(Refusal::new(Reason::NotPublicYet).with("name", &row.name).with("when", &draw.publish_after))
        }
        Some(_) | None => Ok(()),
    }
}

/// A draw as announced to everybody: without account names, and without the strata of a register that is withheld.
pub fn public(draw: &pb::Draw) -> pb::Draw {
    let strata = if register_withheld(draw) { Vec::new() } else { draw.strata.clone() };
    let links = draw.witness_links.iter().map(|link| pb::WitnessLink { issuer: String::new(), ..link.clone() });
    pb::Draw {
        creator: String::new(),
        etag: String::new(),
        strata,
        witness_links: links.collect(),
        // What follows from a draw is told by the draws that follow.
        followed_by: Vec::new(),
        awaiting_teams: Vec::new(),
        replaced_by: String::new(),
        ..draw.clone()
    }
}

/// What a draw's own row says of it.
pub fn bare(row: DrawRow) -> pb::Draw {
    // A constraint keeps other kinds out of the table.
    let given = row.given().ok();
    let mut draw = bare_of(row);
    if let Some(given) = given {
        given.show(&mut draw);
    }
    draw
}

fn bare_of(row: DrawRow) -> pb::Draw {
    pb::Draw {
        state: state_of(&row.state) as i32,
        etag: row.revision.to_string(),
        entries_close: Some(timestamp(row.entries_close)),
        beacon_time: row.beacon_time.map(timestamp),
        reveal_by: Some(timestamp(row.reveal_by)),
        create_time: Some(timestamp(row.created_at)),
        name: row.name,
        plan: row.plan,
        plan_title: row.plan_title,
        organisation: row.organisation,
        beacon_waived: row.beacon_waived,
        replaces: row.replaces.unwrap_or_default(),
        end_reason: row.end_reason,
        creator: row.creator,
        ..Default::default()
    }
}

fn state_of(text: &str) -> pb::DrawState {
    // A constraint keeps other texts out of the table.
    State::parse(text).map_or(pb::DrawState::Unspecified, |state| match state {
        State::Created => pb::DrawState::Created,
        State::Stated => pb::DrawState::Stated,
        State::Contributing => pb::DrawState::Contributing,
        State::Revealed => pb::DrawState::Revealed,
        State::Dispatched => pb::DrawState::Dispatched,
        State::Done => pb::DrawState::Done,
        State::Abandoned => pb::DrawState::Abandoned,
        State::Failed => pb::DrawState::Failed,
    })
}

/// The state a list is asked for, as the database keeps it.
pub fn state_text(state: pb::DrawState) -> Option<&'static str> {
    let state = match state {
        pb::DrawState::Unspecified => return None,
        pb::DrawState::Created => State::Created,
        pb::DrawState::Stated => State::Stated,
        pb::DrawState::Contributing => State::Contributing,
        pb::DrawState::Revealed => State::Revealed,
        pb::DrawState::Dispatched => State::Dispatched,
        pb::DrawState::Done => State::Done,
        pb::DrawState::Abandoned => State::Abandoned,
        pb::DrawState::Failed => State::Failed,
    };
    Some(state.as_str())
}

fn kind_of(text: &str) -> pb::ContributorKind {
    // A constraint keeps other texts out of the table.
    lottery::rules::Kind::parse(text).map_or(pb::ContributorKind::Unspecified, |kind| match kind {
        lottery::rules::Kind::Department => pb::ContributorKind::Department,
        lottery::rules::Kind::Witness => pb::ContributorKind::Witness,
        lottery::rules::Kind::Beacon => pb::ContributorKind::Beacon,
    })
}

/// Which draws a list is asked for.
pub struct Filter<'a> {
    pub sight: &'a Sight,
    pub state: Option<&'static str>,
    pub plan: &'a str,
    pub query: &'a str,
}

/// By what draws are listed.
pub const ORDERS: Orders<DrawRow> = Orders {
    fields: &[
        Field { name: "number", keys: &[YEAR, NUMBER] },
        Field {
            name: "plan_title",
            keys: &[Key::text("plan_title collate \"C\"", |row| row.plan_title.clone()), YEAR, NUMBER],
        },
        Field { name: "reveal_by", keys: &[Key::moment("reveal_by", |row| row.reveal_by), YEAR, NUMBER] },
    ],
    default: "number desc",
};

const YEAR: Key<DrawRow> = Key::number("year", |row| row.counted().0);
const NUMBER: Key<DrawRow> = Key::number("number", |row| row.counted().1);

/// Rows of the draws of a page.
///
/// # Errors
/// The database fails.
pub async fn list(conn: &mut PgConnection, filter: &Filter<'_>, page: &Page<DrawRow>) -> Result<Vec<DrawRow>> {
    let sql = format!(
        "select {DRAW_COLUMNS} from draw where ($1::text is null or state = $1) and {SEEN}
            and ($4 = '' or plan = $4) and ($5 = '' or plan_title ilike $6 or name ilike $6){}",
        page.sql(7)
    );
    let found = sqlx::query_as(AssertSqlSafe(sql))
        .bind(filter.state)
        .bind(filter.sight.organisation())
        .bind(filter.sight.unit())
        .bind(filter.plan)
        .bind(filter.query)
        .bind(pages::like(filter.query));
    Ok(page.bind(found).fetch_all(conn).await?)
}

/// One draw within a caller's sight.
///
/// # Errors
/// The database fails.
pub async fn find(conn: &mut PgConnection, name: &str, sight: &Sight) -> Result<Option<DrawRow>> {
    let sql = format!("select {DRAW_COLUMNS} from draw where name = $1 and {SEEN}");
    let query = sqlx::query_as(AssertSqlSafe(sql)).bind(name).bind(sight.organisation()).bind(sight.unit());
    Ok(query.fetch_optional(conn).await?)
}

/// One draw, whoever asks.
///
/// # Errors
/// The database fails.
pub async fn row(conn: &mut PgConnection, name: &str) -> Result<Option<DrawRow>> {
    let sql = format!("select {DRAW_COLUMNS} from draw where name = $1");
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(name).fetch_optional(conn).await?)
}

/// Drawn subjects of a draw after a place, those that match.
///
/// # Errors
/// The database fails.
pub async fn drawn(conn: &mut PgConnection, draw: &str, query: &str, after: i64, rows: i64) -> Result<Vec<pb::Drawn>> {
    let sql = "select place, subject, title, stratum, district, ticket, officers, experts from draw_result
               where draw = $1 and place > $2 and ($3 = '' or starts_with(subject, $3) or title ilike $4) order by place limit $5";
    let found: Vec<super::frozen::ResultRow> = sqlx::query_as(sql)
        .bind(draw)
        .bind(after)
        .bind(query)
        .bind(pages::like(query))
        .bind(rows)
        .fetch_all(conn)
        .await?;
    let show = |row: super::frozen::ResultRow| pb::Drawn {
        // Places are counted from 1 and fit: a pool has at most ten million subjects.
        place: i32::try_from(row.place).unwrap_or(i32::MAX),
        subject: row.subject,
        title: row.title,
        stratum: row.stratum,
        district: row.district,
        ticket: row.ticket,
        officers: row.officers,
        experts: row.experts,
        ..Default::default()
    };
    Ok(found.into_iter().map(show).collect())
}

/// How many drawn subjects match.
///
/// # Errors
/// The database fails.
pub async fn count_drawn(conn: &mut PgConnection, draw: &str, query: &str) -> Result<i64> {
    let sql =
        "select count(*) from draw_result where draw = $1 and ($2 = '' or starts_with(subject, $2) or title ilike $3)";
    Ok(sqlx::query_scalar(sql).bind(draw).bind(query).bind(pages::like(query)).fetch_one(conn).await?)
}
