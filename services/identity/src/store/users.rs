//! What becomes of accounts, and what was done to them (art. 27, 43).

use chrono::{DateTime, Utc};
use kit::{
    auth::{Caller, Reach},
    error::{Refusal, Result},
    ledger::timestamp,
    order::{Field, Key, Orders, Page},
};
use proto::qingtian::{access::v1::Role, identity::v1 as pb};
use sqlx::{FromRow, PgConnection, PgPool};

use super::{PERSON, Person};
use crate::rules::{Act, PersonState};

/// Whose accounts somebody manages: everybody's, those of an organisation, or besides those of the organisations of a district.
#[derive(Debug, Clone, Default)]
pub struct Within {
    /// None for everybody's.
    pub organisation: Option<String>,
    /// Six digits, of a district's administrator.
    pub district: Option<String>,
}

impl Within {
    /// Whose this caller manages.
    pub fn of(caller: &Caller) -> Self {
        match caller.reach() {
            Reach::City => Self::default(),
            Reach::Organisation(_) if caller.has(Role::SecurityAdmin) => Self::default(),
            Reach::Organisation(name) => Self {
                organisation: Some(name),
                district: caller.has(Role::DistrictAdmin).then(|| caller.district.clone()),
            },
        }
    }

    /// Checks that an organisation is within it.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn reaches(&self, db: impl sqlx::PgExecutor<'_>, organisation: &str) -> Result<()> {
        if self.organisation.as_ref().is_none_or(|own| own == organisation) {
            return Ok(());
        }
        let sql = "select exists (select from organisation where name = $1 and district = $2)";
        let there: bool = sqlx::query_scalar(sql).bind(organisation).bind(&self.district).fetch_one(db).await?;
        if there { Ok(()) } else { Err(Refusal::not_found(organisation)) }
    }
}

/// Condition on a person's organisation, with the two values of [`Within`] as parameters of these numbers.
pub fn within(organisation: u8, district: u8) -> String {
    format!(
        "(${organisation}::text is null or organisation = ${organisation}
            or organisation in (select o.name from organisation o where o.district = ${district}))"
    )
}

/// Saves roles, with who changed them.
pub async fn save_roles(db: &mut PgConnection, name: &str, roles: &[Role], changed_by: &str) -> Result<Person> {
    let roles: Vec<i32> = roles.iter().map(|role| *role as i32).collect();
    let sql = format!(
        "update person set roles = $2, revision = revision + 1, changed_by = $3, change = 'roles changed' where name = $1
         returning {PERSON}"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).bind(roles).bind(changed_by).fetch_one(db).await?)
}

/// Saves how a real name was verified; the account is in use from now on.
pub async fn save_verified(db: &mut PgConnection, name: &str, how: &str, changed_by: &str) -> Result<Person> {
    let sql = format!(
        "update person set state = $2, verification = $3, revision = revision + 1, changed_by = $4, change = 'verified'
         where name = $1 returning {PERSON}"
    );
    let saved = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).bind(PersonState::Active.as_str());
    Ok(saved.bind(how).bind(changed_by).fetch_one(db).await?)
}

/// Notes that somebody handed over: whoever read the account before reads it again.
pub async fn save_handed_over(db: &mut PgConnection, name: &str, changed_by: &str) -> Result<Person> {
    let sql = format!(
        "update person set revision = revision + 1, changed_by = $2, change = 'handed over' where name = $1 returning {PERSON}"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).bind(changed_by).fetch_one(db).await?)
}

/// Keeps an act on a locked account, with the roles held afterwards.
pub async fn keep_act(
    db: &mut PgConnection,
    after: &Person,
    (act, reason, successor): (Act, &str, Option<&str>),
    actor: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query(
        "insert into user_act (person, number, kind, actor, acted_at, reason, roles, successor)
         select $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7 from user_act where person = $1",
    )
    .bind(&after.name)
    .bind(act.as_str())
    .bind(actor)
    .bind(now)
    .bind(reason)
    .bind(&after.roles)
    .bind(successor)
    .execute(db)
    .await?;
    Ok(())
}

/// An act as stored.
#[derive(Debug, Clone, FromRow)]
pub struct UserAct {
    number: i32,
    kind: String,
    actor: String,
    acted_at: DateTime<Utc>,
    reason: String,
    roles: Vec<i32>,
    successor: Option<String>,
}

impl From<UserAct> for pb::UserAct {
    fn from(row: UserAct) -> Self {
        Self {
            number: row.number,
            kind: Act::shown(&row.kind) as i32,
            actor: row.actor,
            time: Some(timestamp(row.acted_at)),
            reason: row.reason,
            roles: row.roles,
            successor: row.successor.unwrap_or_default(),
        }
    }
}

/// Acts are listed the newest first.
pub const ACT_ORDERS: Orders<UserAct> = Orders {
    fields: &[Field { name: "number", keys: &[Key::number("number", |row| row.number as i64)] }],
    default: "number desc",
};

/// A page of the acts on an account, and how many there are.
pub async fn acts(pool: &PgPool, person: &str, page: &Page<UserAct>) -> Result<(Vec<UserAct>, i64)> {
    let sql = format!(
        "select number, kind, actor, acted_at, reason, roles, successor from user_act where person = $1{}",
        page.sql(2)
    );
    let rows = page.bind(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(person)).fetch_all(pool).await?;
    let count = sqlx::query_scalar("select count(*) from user_act where person = $1").bind(person);
    Ok((rows, count.fetch_one(pool).await?))
}
