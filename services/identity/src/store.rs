//! One function per question to identity's database, and the table that turns its constraints into refusals.

use chrono::{DateTime, NaiveDate, Utc};
use kit::{
    error::{Reason, Refusal, Result, violated},
    ledger::timestamp,
};
use proto::qingtian::{access::v1::Role, identity::v1 as pb};
use sqlx::{FromRow, PgConnection, PgPool};

use crate::rules::{Certificate, Colleague, PersonState};

mod certificates;
mod clients;
mod lists;
mod sign_ins;
mod users;
pub use certificates::{keep_certificate, save_certificate};
pub use clients::{
    MachineClient, NewClient, client, client_within, insert_client, lock_client, save_client, touch_client,
};
pub use lists::{CLIENT_ORDERS, Clients, Listed, ORGANISATION_ORDERS, Organisations, USER_ORDERS, Users};
pub use sign_ins::{attempts, end_sign_in, end_sign_ins, forget, insert_sign_in, judge, lock_sign_in, touch_sign_in};
pub use users::{ACT_ORDERS, Within, acts, keep_act, save_handed_over, save_roles, save_verified, within};

/// An organisation as stored.
#[derive(Debug, Clone, FromRow)]
pub struct Organisation {
    pub name: String,
    pub title: String,
    pub title_en: String,
    pub kind: i32,
    pub district: String,
    pub parent: Option<String>,
    pub responsible: String,
    pub enforcing: bool,
}

impl From<Organisation> for pb::Organisation {
    fn from(row: Organisation) -> Self {
        Self {
            name: row.name,
            title: row.title,
            title_en: row.title_en,
            kind: row.kind,
            district: row.district,
            parent: row.parent.unwrap_or_default(),
            responsible: row.responsible,
            enforcing: row.enforcing,
        }
    }
}

/// A person as stored.
#[derive(Debug, Clone, FromRow)]
pub struct Person {
    pub name: String,
    pub username: String,
    pub real_name: String,
    pub organisation: String,
    pub roles: Vec<i32>,
    pub state: String,
    pub certificate: Option<String>,
    pub certificate_expires: Option<NaiveDate>,
    pub certificate_districts: Vec<String>,
    pub certificate_specialties: Vec<String>,
    pub revision: i64,
    pub created_at: DateTime<Utc>,
    pub changed_by: String,
    pub change: String,
    pub verification: String,
}

const PERSON: &str = "person.name, username, real_name, organisation, roles, person.state, certificate,
    certificate_expires, certificate_districts, certificate_specialties, person.revision, person.created_at, changed_by, change,
    verification";

impl Person {
    /// State of the account.
    pub fn state(&self) -> PersonState {
        PersonState::stored(&self.state)
    }

    /// Roles held.
    pub fn roles(&self) -> Vec<Role> {
        self.roles.iter().filter_map(|number| Role::try_from(*number).ok()).collect()
    }

    /// As somebody who hands over, or takes over.
    pub fn as_colleague<'a>(&'a self, roles: &'a [Role]) -> Colleague<'a> {
        Colleague { name: &self.name, organisation: &self.organisation, state: self.state(), roles }
    }

    /// As shown to whoever may see it.
    pub fn to_user(&self, locked_until: Option<DateTime<Utc>>) -> pb::User {
        let certificate = self.certificate.clone().map(|number| pb::Certificate {
            number,
            expire_date: self.certificate_expires.map(|date| date.to_string()).unwrap_or_default(),
            districts: self.certificate_districts.clone(),
            specialties: self.certificate_specialties.clone(),
        });
        pb::User {
            name: self.name.clone(),
            username: self.username.clone(),
            real_name: self.real_name.clone(),
            organisation: self.organisation.clone(),
            roles: self.roles.clone(),
            state: self.state().shown() as i32,
            certificate,
            etag: self.revision.to_string(),
            create_time: Some(timestamp(self.created_at)),
            locked_until: locked_until.map(timestamp),
            verification: self.verification.clone(),
        }
    }
}

/// What a constraint of these tables means to the caller.
fn refused(error: sqlx::Error, name: &str, certificate: &str) -> Refusal {
    match violated(&error) {
        Some("organisation_pkey" | "person_username_once") => Refusal::new(Reason::AlreadyExists).with("name", name),
        Some("person_certificate_once") => Refusal::new(Reason::AlreadyExists).with("name", certificate),
        Some("organisation_parent_exists") => {
            Refusal::invalid("organisation.parent", "没有该单位 / no such organisation")
        }
        Some("person_organisation_exists" | "machine_client_organisation_exists") => {
            Refusal::invalid("organisation", "没有该单位 / no such organisation")
        }
        Some(_) | None => error.into(),
    }
}

/// Adds an organisation.
pub async fn insert_organisation(db: &mut PgConnection, new: &pb::Organisation, now: DateTime<Utc>) -> Result<()> {
    sqlx::query(
        "insert into organisation (name, title, title_en, kind, district, parent, responsible, enforcing, revision, created_at)
         values ($1, $2, $3, $4, $5, nullif($6, ''), $7, $8, 1, $9)",
    )
    .bind(&new.name)
    .bind(&new.title)
    .bind(&new.title_en)
    .bind(new.kind)
    .bind(&new.district)
    .bind(&new.parent)
    .bind(&new.responsible)
    .bind(new.enforcing)
    .bind(now)
    .execute(db)
    .await
    .map(drop)
    .map_err(|error| refused(error, &new.name, ""))
}

/// One organisation.
pub async fn organisation(db: &mut PgConnection, name: &str) -> Result<Option<Organisation>> {
    let row = sqlx::query_as(
        "select name, title, title_en, kind, district, parent, responsible, enforcing from organisation where name = $1",
    );
    Ok(row.bind(name).fetch_optional(db).await?)
}

/// A person to be added.
pub struct NewPerson<'a> {
    pub name: &'a str,
    pub username: &'a str,
    pub real_name: &'a str,
    pub organisation: &'a str,
    pub roles: &'a [Role],
    pub certificate: Option<&'a Certificate>,
    pub password_hash: &'a str,
    pub attempt_key: &'a [u8],
    pub created_by: &'a str,
    /// How the real name was verified; empty: not yet.
    pub verification: &'a str,
}

/// Adds a person, active where the real name was verified.
pub async fn insert_person(db: &mut PgConnection, new: NewPerson<'_>, now: DateTime<Utc>) -> Result<Person> {
    let sql = format!(
        "insert into person (name, username, real_name, organisation, roles, state, password_hash, attempt_key, certificate,
            certificate_expires, certificate_districts, certificate_specialties, revision, created_at, changed_by, change,
            verification)
         values ($1, $2, $3, $4, $5, $14, $6, $7, $8, $9, $10, $11, 1, $12, $13, 'created', $15) returning {PERSON}"
    );
    let state = if new.verification.is_empty() { PersonState::Pending } else { PersonState::Active };
    let roles: Vec<i32> = new.roles.iter().map(|role| *role as i32).collect();
    let certificate = new.certificate;
    sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(new.name)
        .bind(new.username)
        .bind(new.real_name)
        .bind(new.organisation)
        .bind(roles)
        .bind(new.password_hash)
        .bind(new.attempt_key)
        .bind(certificate.map(|c| c.number.as_str()))
        .bind(certificate.map(|c| c.expires))
        .bind(certificate.map(|c| c.districts.clone()).unwrap_or_default())
        .bind(certificate.map(|c| c.specialties.clone()).unwrap_or_default())
        .bind(now)
        .bind(new.created_by)
        .bind(state.as_str())
        .bind(new.verification)
        .fetch_one(db)
        .await
        .map_err(|error| refused(error, new.username, certificate.map_or("", |c| c.number.as_str())))
}

/// One user within reach.
pub async fn user(pool: &PgPool, name: &str, reach: &Within, now: DateTime<Utc>) -> Result<pb::User> {
    let sql = format!(
        "select {PERSON}, locked_until from person left join attempt on key = attempt_key and locked_until > $3
         where person.name = $1 and {}",
        within(2, 4)
    );
    let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).bind(&reach.organisation).bind(now);
    let found: Option<Listed> = query.bind(&reach.district).fetch_optional(pool).await?;
    let found = found.ok_or_else(|| Refusal::not_found(name))?;
    Ok(found.person.to_user(found.locked_until))
}

/// Real name behind an actor, for whoever comes with an old etag.
pub async fn called(db: &mut PgConnection, actor: &str) -> Result<String> {
    let name: Option<String> =
        sqlx::query_scalar("select real_name from person where name = $1").bind(actor).fetch_optional(db).await?;
    Ok(name.unwrap_or_else(|| actor.to_owned()))
}

/// Locks a person within reach together with the administrators on whom it depends whether one more may go: those of the
/// same organisation, and the platform's operators. All in one order, so that two administrators who freeze each other
/// wait, and the second is then refused. Answers the person first. Whoever shall take over is locked with them.
pub async fn lock_with_admins(
    db: &mut PgConnection,
    name: &str,
    reach: &Within,
    successor: &str,
) -> Result<(Person, Vec<Person>)> {
    let sql = format!(
        "select {PERSON} from person where exists (
            select 1 from (select name, organisation from person where name = $1 and {}) one
            where person.name in (one.name, $5) or person.state = 'ACTIVE'
                and ($4 = any (person.roles) or $3 = any (person.roles) and person.organisation = one.organisation))
         order by person.name for update of person",
        within(2, 6)
    );
    let mut locked: Vec<Person> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(name)
        .bind(&reach.organisation)
        .bind(Role::DepartmentAdmin as i32)
        .bind(Role::PlatformOperator as i32)
        .bind(successor)
        .bind(&reach.district)
        .fetch_all(db)
        .await?;
    let place = locked.iter().position(|person| person.name == name).ok_or_else(|| Refusal::not_found(name))?;
    let person = locked.swap_remove(place);
    Ok((person, locked))
}

/// Saves a change of state, with who made it and why.
pub async fn save_state(
    db: &mut PgConnection,
    name: &str,
    state: PersonState,
    reason: &str,
    changed_by: &str,
) -> Result<Person> {
    let sql = format!(
        "update person set state = $2, freeze_reason = $3, revision = revision + 1, changed_by = $4, change = $5
         where name = $1 returning {PERSON}"
    );
    let change = match state {
        PersonState::Pending => "created",
        PersonState::Active => "unfrozen",
        PersonState::Frozen => "frozen",
        PersonState::Closed => "closed",
    };
    let saved = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    Ok(saved.bind(name).bind(state.as_str()).bind(reason).bind(changed_by).bind(change).fetch_one(db).await?)
}

/// What a sign-in name or a person's name is checked against.
#[derive(Debug, FromRow)]
pub struct Credentials {
    pub name: String,
    pub organisation: String,
    pub username: String,
    pub password_hash: String,
    pub attempt_key: Vec<u8>,
}

/// Credentials by sign-in name.
pub async fn credentials_of(pool: &PgPool, username: &str) -> Result<Option<Credentials>> {
    let sql = "select name, organisation, username, password_hash, attempt_key from person where username = $1";
    Ok(sqlx::query_as(sql).bind(username).fetch_optional(pool).await?)
}

/// Credentials by resource name.
pub async fn own_credentials(pool: &PgPool, name: &str) -> Result<Option<Credentials>> {
    let sql = "select name, organisation, username, password_hash, attempt_key from person where name = $1";
    Ok(sqlx::query_as(sql).bind(name).fetch_optional(pool).await?)
}

/// Puts a new password in the place of the one that was checked; none when another call was faster.
pub async fn replace_password(
    db: &mut PgConnection,
    name: &str,
    old_hash: &str,
    new_hash: &str,
) -> Result<Option<Person>> {
    let sql = format!(
        "update person set password_hash = $3, revision = revision + 1, changed_by = name, change = 'password changed'
         where name = $1 and password_hash = $2 and state = 'ACTIVE' returning {PERSON}"
    );
    let saved = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    Ok(saved.bind(name).bind(old_hash).bind(new_hash).fetch_optional(db).await?)
}

/// Holds a person's row as it is until the end of the transaction: no freeze comes between a check and a token.
pub async fn hold_person(db: &mut PgConnection, name: &str) -> Result<Option<Person>> {
    let sql = format!("select {PERSON} from person where name = $1 for share");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).fetch_optional(db).await?)
}

/// Whether the platform has an operator. Holds the place until the end of the transaction, so that two cannot find none.
pub async fn has_operator(db: &mut PgConnection) -> Result<bool> {
    sqlx::query("select pg_advisory_xact_lock(hashtext('qingtian first operator'))").execute(&mut *db).await?;
    let sql = "select exists (select 1 from person where $1 = any (roles))";
    Ok(sqlx::query_scalar(sql).bind(Role::PlatformOperator as i32).fetch_one(db).await?)
}
