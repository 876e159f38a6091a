//! Lists: which rows are asked for, in which orders they are offered, how many there are (art. 27).

use chrono::{DateTime, Utc};
use kit::{
    error::Result,
    order::{Field, Key, Orders, Page},
};
use proto::qingtian::{access::v1::Role, identity::v1 as pb};
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};

use super::{MachineClient, Organisation, PERSON, Person, Within, clients::CLIENT};
use crate::rules::{ClientState, PersonState};

/// How far lists count what matches.
const COUNT_MAX: i64 = 100_001;

const ORGANISATION: Key<Organisation> = Key::text("name collate \"C\"", |row| row.name.clone());
/// What organisations are sorted by.
pub const ORGANISATION_ORDERS: Orders<Organisation> = Orders {
    fields: &[
        Field { name: "name", keys: &[ORGANISATION] },
        Field { name: "title", keys: &[Key::text("title collate \"C\"", |row| row.title.clone()), ORGANISATION] },
        Field {
            name: "district",
            keys: &[Key::text("district collate \"C\"", |row| row.district.clone()), ORGANISATION],
        },
    ],
    default: "name",
};

const USERNAME: Key<Listed> = Key::text("username collate \"C\"", |row| row.person.username.clone());
/// What users are sorted by.
pub const USER_ORDERS: Orders<Listed> = Orders {
    fields: &[
        Field { name: "username", keys: &[USERNAME] },
        Field {
            name: "real_name",
            keys: &[Key::text("real_name collate \"C\"", |row| row.person.real_name.clone()), USERNAME],
        },
        Field { name: "create_time", keys: &[Key::moment("person.created_at", |row| row.person.created_at), USERNAME] },
    ],
    default: "username",
};

const CLIENT_NAME: Key<MachineClient> = Key::text("c.name collate \"C\"", |row| row.name.clone());
/// What machine clients are sorted by. One never used comes as the least.
pub const CLIENT_ORDERS: Orders<MachineClient> = Orders {
    fields: &[
        Field { name: "title", keys: &[Key::text("c.title collate \"C\"", |row| row.title.clone()), CLIENT_NAME] },
        Field { name: "create_time", keys: &[Key::moment("c.created_at", |row| row.created_at), CLIENT_NAME] },
        Field {
            name: "last_use_time",
            keys: &[
                Key::moment("coalesce(c.used_at, timestamptz 'epoch')", |row| {
                    row.used_at.unwrap_or(DateTime::UNIX_EPOCH)
                }),
                CLIENT_NAME,
            ],
        },
    ],
    default: "title",
};

/// Rows of one page, the token of the next, and how many match in all.
pub struct Found<R> {
    pub rows: Vec<R>,
    pub next_page_token: String,
    pub total: i64,
}

/// Which organisations are asked for. What is none asks for all.
pub struct Organisations<'a> {
    /// Pattern for either title or the last part of the name.
    pub pattern: Option<&'a str>,
    pub kind: Option<pb::OrganisationKind>,
    pub district: Option<&'a str>,
}

impl Organisations<'_> {
    fn matches(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push(" from organisation where true");
        if let Some(pattern) = self.pattern {
            sql.push(" and (title ilike ").push_bind(pattern.to_owned());
            sql.push(" or title_en ilike ").push_bind(pattern.to_owned());
            sql.push(" or split_part(name, '/', 2) like ").push_bind(pattern.to_lowercase()).push(")");
        }
        if let Some(kind) = self.kind {
            sql.push(" and kind = ").push_bind(kind as i32);
        }
        if let Some(district) = self.district {
            sql.push(" and district = ").push_bind(district.to_owned());
        }
    }

    /// One page of them.
    pub async fn page(&self, pool: &PgPool, page: &Page<Organisation>) -> Result<Found<Organisation>> {
        let sql = QueryBuilder::new("select name, title, title_en, kind, district, parent, responsible, enforcing");
        found(pool, sql, |sql| self.matches(sql), page).await
    }
}

/// A user with the end of a lock.
#[derive(Debug, FromRow)]
pub struct Listed {
    #[sqlx(flatten)]
    pub person: Person,
    pub locked_until: Option<DateTime<Utc>>,
}

/// Which users are asked for. What is none asks for all.
pub struct Users<'a> {
    /// Only rows of this organisation.
    pub organisation: Option<&'a str>,
    /// Only rows the caller manages.
    pub within: &'a Within,
    /// Pattern for sign-in name or real name.
    pub pattern: Option<&'a str>,
    pub state: Option<PersonState>,
    pub role: Option<Role>,
    /// Locks that are over by then are none.
    pub now: DateTime<Utc>,
}

impl Users<'_> {
    fn matches(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push(" from person left join attempt on key = attempt_key and locked_until > ").push_bind(self.now);
        sql.push(" where true");
        if let Some(organisation) = self.organisation {
            sql.push(" and organisation = ").push_bind(organisation.to_owned());
        }
        if let Some(own) = &self.within.organisation {
            sql.push(" and (organisation = ").push_bind(own.clone());
            sql.push(" or organisation in (select o.name from organisation o where o.district = ");
            sql.push_bind(self.within.district.clone()).push("))");
        }
        if let Some(pattern) = self.pattern {
            sql.push(" and (username like lower(").push_bind(pattern.to_owned());
            sql.push(") or real_name ilike ").push_bind(pattern.to_owned()).push(")");
        }
        if let Some(state) = self.state {
            sql.push(" and person.state = ").push_bind(state.as_str());
        }
        if let Some(role) = self.role {
            sql.push(" and ").push_bind(role as i32).push(" = any (roles)");
        }
    }

    /// One page of them.
    pub async fn page(&self, pool: &PgPool, page: &Page<Listed>) -> Result<Found<Listed>> {
        let sql = QueryBuilder::new(format!("select {PERSON}, locked_until"));
        found(pool, sql, |sql| self.matches(sql), page).await
    }
}

/// Which machine clients are asked for. What is none asks for all.
pub struct Clients<'a> {
    /// Only rows of this organisation.
    pub organisation: Option<&'a str>,
    /// Pattern for the title or the last part of the name.
    pub pattern: Option<&'a str>,
    /// In this state; all but the retired when none.
    pub state: Option<ClientState>,
}

impl Clients<'_> {
    fn matches(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push(" from machine_client c join organisation o on o.name = c.organisation where ");
        match self.state {
            Some(state) => sql.push("c.state = ").push_bind(state.as_str()),
            None => sql.push("c.state <> ").push_bind(ClientState::Retired.as_str()),
        };
        if let Some(organisation) = self.organisation {
            sql.push(" and c.organisation = ").push_bind(organisation.to_owned());
        }
        if let Some(pattern) = self.pattern {
            sql.push(" and (c.title ilike ").push_bind(pattern.to_owned());
            sql.push(" or split_part(c.name, '/', 2) like ").push_bind(pattern.to_lowercase()).push(")");
        }
    }

    /// One page of them.
    pub async fn page(&self, pool: &PgPool, page: &Page<MachineClient>) -> Result<Found<MachineClient>> {
        let sql = QueryBuilder::new(format!("select {CLIENT}"));
        found(pool, sql, |sql| self.matches(sql), page).await
    }
}

async fn found<R>(
    pool: &PgPool,
    mut sql: QueryBuilder<Postgres>,
    matches: impl Fn(&mut QueryBuilder<Postgres>),
    page: &Page<R>,
) -> Result<Found<R>>
where
    R: Send + Unpin + for<'r> FromRow<'r, sqlx::postgres::PgRow>,
{
    matches(&mut sql);
    page.push(&mut sql);
    // Planned with the values it is asked for.
    let mut rows: Vec<R> = sql.build_query_as().persistent(false).fetch_all(pool).await?;
    let next_page_token = page.cut(&mut rows);
    let total = if page.is_first() && next_page_token.is_empty() {
        // All there are stand on this page: at most a thousand.
        rows.len() as i64
    } else {
        let mut sql = QueryBuilder::new("select count(*) from (select 1");
        matches(&mut sql);
        sql.push(" limit ").push_bind(COUNT_MAX).push(") counted");
        sql.build_query_scalar().persistent(false).fetch_one(pool).await?
    };
    Ok(Found { rows, next_page_token, total })
}
