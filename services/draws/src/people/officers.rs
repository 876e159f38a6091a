//! The register of officers as lists show it (执法人员名录库, art. 13): from identity, with leave and declaration.

use chrono::{DateTime, NaiveDate, Utc};
use kit::{
    auth::Caller,
    codes::DistrictCode,
    env::Clock,
    error::{Refusal, Result},
    ledger::Ledger,
    order::{Field, Key, Orders, Page},
    pages,
    workdays::legal_day,
};
use proto::qingtian::draws::v1 as pb;
use sqlx::{AssertSqlSafe, FromRow, PgConnection};

use super::declarations::rules::year_of;
use crate::plans::content::text;

/// An officer as known here.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct OfficerRow {
    pub key: String,
    pub user_name: String,
    pub organisation: String,
    pub districts: Vec<String>,
    pub specialties: Vec<String>,
    /// Last valid day of the certificate.
    pub expire_on: NaiveDate,
    pub active: bool,
    /// Last day of the leave of today.
    pub leave_until: Option<NaiveDate>,
    /// When this year's interests were declared.
    pub declared_at: Option<DateTime<Utc>>,
    /// Whether a draw stated today may send the officer.
    pub candidate: bool,
}

/// `$1`: today; `$2`: the year. The rule of [`super::candidates::officers`], which a test compares.
const OFFICERS: &str = "select * from (
    select known.*, active and expire_on >= $1 and leave_until is null and key ~ '^[0-9A-Za-z:/._-]{1,64}$' as candidate from (
        select o.key, o.user_name, o.organisation, o.districts, o.specialties, o.expire_on, o.active,
            (select max(coalesce(e.last_day, l.last_day)) from leave l left join leave_end e on e.leave = l.id
             where l.holder = o.user_name and l.first_day <= $1 and coalesce(e.last_day, l.last_day) >= $1) as leave_until,
            (select created_at from declaration d where d.holder = o.user_name and d.year = $2) as declared_at
        from officer o) as known) as officers";

/// Which officers are asked for.
#[derive(Debug)]
struct Filter {
    organisation: String,
    query: String,
    district: String,
    specialty: String,
    candidate: bool,
    undeclared: bool,
}

const ORDERS: Orders<OfficerRow> = Orders {
    fields: &[
        Field { name: "key", keys: &[KEY] },
        Field { name: "expire_date", keys: &[Key::day("expire_on", |row| row.expire_on), KEY] },
    ],
    default: "key",
};

const KEY: Key<OfficerRow> = Key::text("key", |row| row.key.clone());

async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    today: NaiveDate,
    page: &Page<OfficerRow>,
) -> Result<Vec<OfficerRow>> {
    let sql = format!(
        "{OFFICERS} where organisation = $3 and key ilike $4 and ($5 = '' or $5 = any(districts))
            and ($6 = '' or $6 = any(specialties)) and (not $7 or candidate) and (not $8 or declared_at is null){}",
        page.sql(9)
    );
    // The text is made of constants.
    let found = sqlx::query_as(AssertSqlSafe(sql))
        .bind(today)
        .bind(year_of(today))
        .bind(&filter.organisation)
        .bind(pages::like(&filter.query))
        .bind(&filter.district)
        .bind(&filter.specialty)
        .bind(filter.candidate)
        .bind(filter.undeclared);
    Ok(page.bind(found).fetch_all(conn).await?)
}

/// The officer with this certificate in an organisation.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn get(conn: &mut PgConnection, organisation: &str, key: &str, today: NaiveDate) -> Result<OfficerRow> {
    let sql = format!("{OFFICERS} where organisation = $3 and key = $4");
    sqlx::query_as(AssertSqlSafe(sql))
        .bind(today)
        .bind(year_of(today))
        .bind(organisation)
        .bind(key)
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| Refusal::not_found(key))
}

/// Answers `Registers.ListOfficers`.
///
/// # Errors
/// `NOT_FOUND`, `INVALID`, `PAGE_TOKEN`.
pub async fn answer(
    ledger: &Ledger,
    clock: &Clock,
    caller: &Caller,
    request: pb::ListOfficersRequest,
) -> Result<pb::ListOfficersResponse> {
    caller.reaches(&request.parent)?;
    let page = ORDERS.page(&request.order_by, &request.page_token, request.page_size)?;
    if !request.district.is_empty() {
        DistrictCode::parse(&request.district)
            .map_err(|error| Refusal::invalid("district", format!("{} / {error}", error.zh())))?;
    }
    let filter = Filter {
        query: text("query", &request.query, 100)?,
        specialty: text("specialty", &request.specialty, 64)?,
        organisation: request.parent,
        district: request.district,
        candidate: request.candidate,
        undeclared: request.undeclared,
    };
    let mut conn = ledger.pool().acquire().await?;
    let mut found = list(&mut conn, &filter, legal_day(clock.now()), &page).await?;
    let next_page_token = page.cut(&mut found);
    Ok(pb::ListOfficersResponse { officers: found.into_iter().map(message).collect(), next_page_token })
}

/// As the contract shows one.
pub fn message(row: OfficerRow) -> pb::Officer {
    let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    pb::Officer {
        key: row.key,
        organisation: row.organisation,
        districts: row.districts,
        specialties: row.specialties,
        expire_date: row.expire_on.to_string(),
        active: row.active,
        leave_until: day(row.leave_until),
        declare_date: day(row.declared_at.map(legal_day)),
        candidate: row.candidate,
    }
}
