//! Questions to the tables of conflicts and of their ends (art. 16), one function each.

use chrono::{DateTime, Utc};
use kit::{
    error::{Reason, Refusal, Result, violated},
    ledger::timestamp,
    order::{Field, Key, Orders, Page},
    pages,
};
use proto::qingtian::draws::v1 as pb;
use sqlx::{AssertSqlSafe, FromRow, PgConnection};

use crate::people::{Sight, is_expert};

/// A conflict as stored, with the last request to lift it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ConflictRow {
    /// Sorts by time.
    pub id: String,
    /// Organisation of the person when it was declared.
    pub organisation: String,
    /// Certificate or register number when it was declared.
    pub officer: String,
    pub holder: String,
    /// Key of the subject.
    pub subject: String,
    /// Its name in the organisation's register; empty when it is not there.
    pub subject_title: String,
    /// Private.
    pub reason: String,
    pub creator: String,
    pub created_at: DateTime<Utc>,
    /// How often it was written: declared, and each request with its decision.
    pub revision: i64,
    #[sqlx(flatten)]
    pub lift: LiftRow,
}

/// The last request that it end; all empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, FromRow)]
pub struct LiftRow {
    pub lift_id: String,
    /// `REQUESTED`, `LIFTED`, `REJECTED` or empty.
    pub lift_state: String,
    pub lift_reason: String,
    pub lift_creator: String,
    pub lift_created_at: Option<DateTime<Utc>>,
    pub lift_decider: String,
    pub lift_decided_at: Option<DateTime<Utc>>,
    pub lift_reject_reason: String,
}

impl ConflictRow {
    /// `organisations/{organisation}/conflicts/{conflict}`.
    pub fn name(&self) -> String {
        format!("{}/conflicts/{}", self.organisation, self.id)
    }

    /// Whether it excludes.
    pub fn state(&self) -> pb::ConflictState {
        match self.lift.lift_state.as_str() {
            "LIFTED" => pb::ConflictState::Lifted,
            "REQUESTED" => pb::ConflictState::LiftAsked,
            // Never asked, or rejected; the table's constraint lets nothing else in.
            _ => pb::ConflictState::Standing,
        }
    }

    /// Who wrote it last, and what that was.
    pub fn last_act(&self) -> (&str, &str) {
        let lift = &self.lift;
        match lift.lift_state.as_str() {
            "REQUESTED" => (&lift.lift_creator, "申请解除 asked to lift it"),
            "LIFTED" => (&lift.lift_decider, "解除 lifted"),
            "REJECTED" => (&lift.lift_decider, "未予解除 rejected its lifting"),
            // Nobody asked; the table's constraint lets nothing else in.
            _ => (&self.creator, "申报 declared"),
        }
    }

    /// As the contract shows it.
    pub fn message(&self) -> pb::Conflict {
        let lift = &self.lift;
        pb::Conflict {
            name: self.name(),
            officer: self.officer.clone(),
            subject: self.subject.clone(),
            subject_title: self.subject_title.clone(),
            reason: self.reason.clone(),
            creator: self.creator.clone(),
            create_time: Some(timestamp(self.created_at)),
            expert: is_expert(&self.holder),
            state: self.state() as i32,
            lift_reason: lift.lift_reason.clone(),
            lift_asker: lift.lift_creator.clone(),
            lift_ask_time: lift.lift_created_at.map(timestamp),
            lift_decider: lift.lift_decider.clone(),
            lift_decide_time: lift.lift_decided_at.map(timestamp),
            lift_reject_reason: lift.lift_reject_reason.clone(),
            etag: self.revision.to_string(),
        }
    }
}

const CONFLICTS: &str = "select c.id, c.organisation, c.officer, c.holder, c.subject, coalesce(s.title, '') as subject_title, c.reason, c.creator, c.created_at,
        (select 1 + count(*) + count(decided_at) from conflict_lift where conflict = c.id) as revision, coalesce(l.id, '') as lift_id, coalesce(l.state, '') as lift_state, coalesce(l.reason, '') as lift_reason,
        coalesce(l.creator, '') as lift_creator, l.created_at as lift_created_at, coalesce(l.decider, '') as lift_decider,
        l.decided_at as lift_decided_at, coalesce(l.reject_reason, '') as lift_reject_reason
    from conflict c left join subject s on s.organisation = c.organisation and s.key = c.subject left join lateral (select * from conflict_lift where conflict = c.id order by id desc limit 1) l on true";

/// Writes a conflict.
///
/// # Errors
/// `ALREADY_EXISTS` when the person has declared it before and it stands.
pub async fn insert(conn: &mut PgConnection, conflict: &ConflictRow) -> Result<()> {
    let exists = || {
        let name = format!("{} – {}", conflict.officer, conflict.subject);
        Refusal::new(Reason::AlreadyExists).with("name", name)
    };
    if standing_subjects(conn, &conflict.holder).await?.contains(&conflict.subject) {
        return Err(exists());
    }
    let inserted = sqlx::query(
        "insert into conflict (id, organisation, officer, holder, subject, reason, creator, created_at, turn)
         select $1, $2, $3, $4, $5, $6, $7, $8, (select count(*) from conflict c join conflict_lift l on l.conflict = c.id
            where l.state = 'LIFTED' and c.organisation = $2 and c.officer = $3 and c.subject = $5)",
    )
    .bind(&conflict.id)
    .bind(&conflict.organisation)
    .bind(&conflict.officer)
    .bind(&conflict.holder)
    .bind(&conflict.subject)
    .bind(&conflict.reason)
    .bind(&conflict.creator)
    .bind(conflict.created_at)
    .execute(conn)
    .await;
    match inserted {
        Ok(_) => Ok(()),
        Err(error) if violated(&error) == Some("conflict_declared_once") => Err(exists()),
        Err(error) => Err(error.into()),
    }
}

/// Subjects a person is excluded from, by key in the order of bytes.
///
/// # Errors
/// The database fails.
pub async fn standing_subjects(conn: &mut PgConnection, holder: &str) -> Result<Vec<String>> {
    let sql = "select distinct subject from conflict c where (c.holder = $1 or (c.holder = '' and exists
            (select from officer o where o.key = c.officer and o.user_name = $1)))
            and not exists (select from conflict_lift l where l.conflict = c.id and l.state = 'LIFTED') order by subject";
    Ok(sqlx::query_scalar(sql).bind(holder).fetch_all(conn).await?)
}

/// Name of a subject in an organisation's register; empty when it is not there.
///
/// # Errors
/// The database fails.
pub async fn title_of(conn: &mut PgConnection, organisation: &str, subject: &str) -> Result<String> {
    let sql = "select coalesce((select title from subject where organisation = $1 and key = $2), '')";
    Ok(sqlx::query_scalar(sql).bind(organisation).bind(subject).fetch_one(conn).await?)
}

/// Which conflicts a list is asked for.
#[derive(Debug)]
pub struct Filter<'a> {
    pub organisation: &'a str,
    pub sight: &'a Sight,
    pub query: &'a str,
    /// `REQUESTED`, `LIFTED`, empty for those that stand unasked; none for all.
    pub lift: Option<&'static str>,
}

/// The caller's own when `$2` is his certificate.
const SEEN: &str = "($2::text is null or c.officer = $2 or c.holder = (select user_name from officer where key = $2))";

/// By what conflicts are listed.
pub const ORDERS: Orders<ConflictRow> = Orders {
    fields: &[
        Field { name: "create_time", keys: &[ID] },
        Field { name: "officer", keys: &[Key::text("c.officer", |row| row.officer.clone()), ID] },
        Field { name: "subject", keys: &[Key::text("c.subject", |row| row.subject.clone()), ID] },
    ],
    default: "create_time desc",
};

/// Sorts by time.
const ID: Key<ConflictRow> = Key::text("c.id", |row| row.id.clone());

/// The conflicts of a page that an organisation declared.
///
/// # Errors
/// The database fails.
pub async fn list(conn: &mut PgConnection, filter: &Filter<'_>, page: &Page<ConflictRow>) -> Result<Vec<ConflictRow>> {
    let sql = format!(
        "{CONFLICTS} where c.organisation = $1 and {SEEN}
            and ($3 = '' or c.officer ilike $4 or starts_with(c.subject, $3) or s.title ilike $4)
            and ($5::text is null or coalesce(nullif(l.state, 'REJECTED'), '') = $5){}",
        page.sql(6)
    );
    // The text is made of constants.
    let found = sqlx::query_as(AssertSqlSafe(sql))
        .bind(filter.organisation)
        .bind(filter.sight.certificate())
        .bind(filter.query)
        .bind(pages::like(filter.query))
        .bind(filter.lift);
    Ok(page.bind(found).fetch_all(conn).await?)
}

/// Conflicts of an officer that stand, by subject, at most 1,000.
///
/// # Errors
/// The database fails.
pub async fn standing(conn: &mut PgConnection, holder: &str) -> Result<Vec<ConflictRow>> {
    let sql = format!(
        "{CONFLICTS} where c.holder = $1 and coalesce(l.state, '') <> 'LIFTED' order by c.subject, c.id limit 1000"
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(holder).fetch_all(conn).await?)
}

/// One conflict within sight.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn get(conn: &mut PgConnection, organisation: &str, id: &str, sight: &Sight) -> Result<ConflictRow> {
    let sql = format!("{CONFLICTS} where c.organisation = $1 and {SEEN} and c.id = $3");
    sqlx::query_as(AssertSqlSafe(sql))
        .bind(organisation)
        .bind(sight.certificate())
        .bind(id)
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| Refusal::not_found(format!("{organisation}/conflicts/{id}")))
}

/// Locks the last request about a conflict until the transaction ends.
///
/// # Errors
/// The database fails.
pub async fn lock_lift(conn: &mut PgConnection, conflict: &str) -> Result<()> {
    let sql = "select from conflict_lift where conflict = $1 order by id for update";
    sqlx::query(sql).bind(conflict).execute(conn).await?;
    Ok(())
}

/// Certificate and account of whoever a conflict is about, as of now; none where identity knows him no more, or an expert.
///
/// # Errors
/// The database fails.
pub async fn concerned(conn: &mut PgConnection, conflict: &ConflictRow) -> Result<Option<(String, String)>> {
    let sql = "select key, user_name from officer where user_name = $1 or ($1 = '' and key = $2)";
    Ok(sqlx::query_as(sql).bind(&conflict.holder).bind(&conflict.officer).fetch_optional(conn).await?)
}

/// Writes a request to lift a conflict.
///
/// # Errors
/// `LIFT_OPEN` when another act asked in the same moment.
pub async fn ask_lift(
    conn: &mut PgConnection,
    conflict: &ConflictRow,
    id: &str,
    reason: &str,
    (by, at): (&str, DateTime<Utc>),
) -> Result<()> {
    sqlx::query(
        "insert into conflict_lift (id, conflict, organisation, reason, creator, created_at, state)
         values ($1, $2, $3, $4, $5, $6, 'REQUESTED')",
    )
    .bind(id)
    .bind(&conflict.id)
    .bind(&conflict.organisation)
    .bind(reason)
    .bind(by)
    .bind(at)
    .execute(conn)
    .await
    .map_err(|error| match violated(&error) {
        Some("conflict_lift_once") => Refusal::new(Reason::LiftOpen).with("asker", by),
        _ => error.into(),
    })?;
    Ok(())
}

/// Decides a request; an empty reason lifts the conflict, another one rejects that.
///
/// # Errors
/// `OWN_ACT`; the database fails.
pub async fn decide_lift(
    conn: &mut PgConnection,
    id: &str,
    reject_reason: &str,
    (by, at): (&str, DateTime<Utc>),
) -> Result<()> {
    let sql = "update conflict_lift set state = $2, decider = $3, decided_at = $4, reject_reason = $5 where id = $1";
    sqlx::query(sql)
        .bind(id)
        .bind(if reject_reason.is_empty() { "LIFTED" } else { "REJECTED" })
        .bind(by)
        .bind(at)
        .bind(reject_reason)
        .execute(conn)
        .await
        .map_err(|error| match violated(&error) {
            Some("conflict_lift_decided_by_another") => Refusal::new(Reason::OwnAct),
            _ => error.into(),
        })?;
    Ok(())
}
