//! What draws learns from identity (officers and organisations, art. 13) and catalog (items, art. 9, 12;
//! official calendars, art. 18). Applying an event
//! twice changes nothing, and everything can be built anew from zero.

use std::sync::Arc;

use anyhow::Context;
use chrono::NaiveDate;
use kit::{
    env::Env,
    follow::{Follow, method_of, payload},
    ledger::Ledger,
};
use prost::Name;
use proto::qingtian::{
    catalog::{
        events::v1::{CalendarImported, ItemRetired, ItemsPublished},
        v1::ItemState,
    },
    events::v1::Event,
    identity::events::v1::{DutiesHandedOver, OfficerChanged, OrganisationChanged},
};
use sqlx::PgConnection;

use crate::PART;

/// Starts the followers.
///
/// # Errors
/// A peer's address or the part's key is missing.
pub(crate) fn spawn(env: &Env, ledger: &Ledger) -> anyhow::Result<()> {
    kit::follow::spawn(
        env,
        ledger.pool().clone(),
        Follow {
            part: PART,
            peer: "identity",
            method: method_of("identity")?,
            types: vec![OfficerChanged::full_name(), OrganisationChanged::full_name(), DutiesHandedOver::full_name()],
            model: 0,
            apply: Arc::new(|conn, event| Box::pin(identity(conn, event))),
            reset: Arc::new(|conn| Box::pin(forget_identity(conn))),
        },
    )?;
    kit::follow::spawn(
        env,
        ledger.pool().clone(),
        Follow {
            part: PART,
            peer: "catalog",
            method: method_of("catalog")?,
            types: vec![ItemsPublished::full_name(), ItemRetired::full_name(), CalendarImported::full_name()],
            model: 0,
            apply: Arc::new(|conn, event| Box::pin(catalog(conn, event))),
            reset: Arc::new(|conn| Box::pin(forget_catalog(conn))),
        },
    )
}

/// Applies an event of identity.
///
/// # Errors
/// The event cannot be decoded, or the database fails; the follower then waits and tries again.
pub async fn identity(conn: &mut PgConnection, event: Event) -> anyhow::Result<()> {
    if let Some(officer) = payload::<OfficerChanged>(&event)? {
        return officer_changed(conn, &officer).await;
    }
    if let Some(organisation) = payload::<OrganisationChanged>(&event)? {
        sqlx::query(
            "insert into organisation (name, title, title_en, district, enforcing) values ($1, $2, $3, $4, $5)
             on conflict (name) do update set title = excluded.title, title_en = excluded.title_en,
                district = excluded.district, enforcing = excluded.enforcing",
        )
        .bind(&organisation.name)
        .bind(&organisation.title)
        .bind(&organisation.title_en)
        .bind(&organisation.district)
        .bind(organisation.enforcing)
        .execute(&mut *conn)
        .await?;
    }
    kit::clocks::note_handover(conn, &event).await
}

async fn officer_changed(conn: &mut PgConnection, officer: &OfficerChanged) -> anyhow::Result<()> {
    if officer.certificate.is_empty() {
        // A person without a certificate is no officer.
        sqlx::query("delete from officer where user_name = $1").bind(&officer.user).execute(conn).await?;
        return Ok(());
    }
    let expire_on = NaiveDate::parse_from_str(&officer.expire_date, "%Y-%m-%d")
        .with_context(|| format!("certificate {} ends on {:?}", officer.certificate, officer.expire_date))?;
    // Whoever was given another certificate is not known by the old one any more.
    sqlx::query("delete from officer where user_name = $1 and key <> $2")
        .bind(&officer.user)
        .bind(&officer.certificate)
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "insert into officer (key, user_name, organisation, expire_on, districts, specialties, active)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (key) do update set user_name = excluded.user_name, organisation = excluded.organisation,
            expire_on = excluded.expire_on, districts = excluded.districts, specialties = excluded.specialties,
            active = excluded.active",
    )
    .bind(&officer.certificate)
    .bind(&officer.user)
    .bind(&officer.organisation)
    .bind(expire_on)
    .bind(names(&officer.districts))
    .bind(names(&officer.specialties))
    .bind(officer.active)
    .execute(conn)
    .await?;
    Ok(())
}

/// What can stand in evidence, sorted, without repeats: evidence compares by bytes, so nothing else could ever match.
fn names(given: &[String]) -> Vec<String> {
    let mut names: Vec<String> =
        given.iter().filter(|name| lottery::names::is_name(name.as_bytes())).cloned().collect();
    names.sort();
    names.dedup();
    names
}

/// Applies an event of catalog.
///
/// # Errors
/// As [`identity`].
pub async fn catalog(conn: &mut PgConnection, event: Event) -> anyhow::Result<()> {
    if let Some(calendar) = payload::<CalendarImported>(&event)? {
        return Ok(kit::clocks::keep_year(conn, calendar.year, calendar.version, &calendar.content).await?);
    }
    let retired = payload::<ItemRetired>(&event)?.and_then(|retired| retired.item);
    for item in payload::<ItemsPublished>(&event)?.unwrap_or_default().items.iter().chain(&retired) {
        sqlx::query(
            "insert into item (name, title, published, random_listed, has_checklist) values ($1, $2, $3, $4, $5)
             on conflict (name) do update set title = excluded.title, published = excluded.published,
                random_listed = excluded.random_listed, has_checklist = excluded.has_checklist",
        )
        .bind(&item.name)
        .bind(&item.title)
        .bind(item.state() == ItemState::Published)
        .bind(item.random_listed)
        .bind(!item.checklist.is_empty())
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

async fn forget_identity(conn: &mut PgConnection) -> anyhow::Result<()> {
    sqlx::query("delete from officer").execute(&mut *conn).await?;
    sqlx::query("delete from organisation").execute(&mut *conn).await?;
    kit::clocks::forget_handovers(conn).await
}

async fn forget_catalog(conn: &mut PgConnection) -> anyhow::Result<()> {
    sqlx::query("delete from item").execute(&mut *conn).await?;
    sqlx::query("delete from workday_year").execute(conn).await?;
    Ok(())
}
