//! What the public sees is built from what identity, catalog and draws announce (art. 9, 10, 33), and from nothing else. Every
//! value comes from an event or from a blob an event names, so a rebuild from zero ends with the same rows.

use std::{fs::File, sync::Arc};

use anyhow::Context;
use chrono::{DateTime, Utc};
use kit::{
    blob::{Blob, Digest},
    env::Env,
    follow::{Follow, method_of, payload},
    ledger::Ledger,
};
use prost::Name;
use proto::qingtian::{
    catalog::events::v1::{ItemRetired, ItemsPublished},
    draws::{
        events::v1::{
            DrawCreated, DrawDispatched, DrawEnded, DrawRevealed, DrawStated, EntriesClosed, EntryAdded, PlanPublished,
            RecusalUpheld, VisitsDeferred, WitnessLinkIssued, WitnessLinkOpened,
        },
        v1::{Draw, DrawState, WitnessLink},
    },
    events::v1::Event,
    identity::events::v1::OrganisationChanged,
    portal::v1::DrawFairness,
};
use sqlx::PgConnection;

use crate::{
    PART, drawn, rules,
    store::{self, Reveal},
};

/// Raised with every release that takes more from the events than the one before it, so that a portal brought up to date reads them
/// anew. 1: fairness, chains of draws and witnesses' links.
const MODEL: i32 = 1;

/// Bytes of a `result.tsv` at the most: a million drawn subjects.
const RESULT_BYTES_MAX: u64 = 512 << 20;

/// Starts the followers.
///
/// # Errors
/// A peer's address or the part's key is missing.
pub fn spawn(env: &Env, ledger: &Ledger) -> anyhow::Result<()> {
    let follow = |peer, types, apply, reset| {
        kit::follow::spawn(
            env,
            ledger.pool().clone(),
            Follow { part: PART, peer, method: method_of(peer)?, types, model: MODEL, apply, reset },
        )
    };
    follow(
        "identity",
        vec![OrganisationChanged::full_name()],
        Arc::new(|conn, event| Box::pin(identity(conn, event))),
        Arc::new(|conn| Box::pin(store::forget_organisations(conn))),
    )?;
    follow(
        "catalog",
        vec![ItemsPublished::full_name(), ItemRetired::full_name()],
        Arc::new(|conn, event| Box::pin(catalog(conn, event))),
        Arc::new(|conn| Box::pin(store::forget_items(conn))),
    )?;
    let for_draws = env.clone();
    follow(
        "draws",
        vec![
            PlanPublished::full_name(),
            DrawCreated::full_name(),
            DrawStated::full_name(),
            EntryAdded::full_name(),
            EntriesClosed::full_name(),
            DrawRevealed::full_name(),
            DrawEnded::full_name(),
            DrawDispatched::full_name(),
            VisitsDeferred::full_name(),
            RecusalUpheld::full_name(),
            WitnessLinkIssued::full_name(),
            WitnessLinkOpened::full_name(),
        ],
        Arc::new(move |conn, event| {
            let env = for_draws.clone();
            Box::pin(async move { draws(&env, conn, event).await })
        }),
        Arc::new(|conn| Box::pin(store::forget_draws(conn))),
    )
}

async fn identity(conn: &mut PgConnection, event: Event) -> anyhow::Result<()> {
    if let Some(organisation) = payload::<OrganisationChanged>(&event)? {
        store::save_organisation(conn, &organisation).await?;
    }
    Ok(())
}

async fn catalog(conn: &mut PgConnection, event: Event) -> anyhow::Result<()> {
    let retired = payload::<ItemRetired>(&event)?.and_then(|retired| retired.item);
    for item in payload::<ItemsPublished>(&event)?.unwrap_or_default().items.into_iter().chain(retired) {
        store::save_item(conn, item).await?;
    }
    Ok(())
}

async fn draws(env: &Env, conn: &mut PgConnection, event: Event) -> anyhow::Result<()> {
    if let Some(published) = payload::<PlanPublished>(&event)? {
        let plan = published.plan.context("PlanPublished without its plan")?;
        return store::save_plan(conn, plan, time_of(&event)?).await;
    }
    if let Some(created) = payload::<DrawCreated>(&event)? {
        return save(conn, created.draw).await.map(drop);
    }
    if let Some(stated) = payload::<DrawStated>(&event)? {
        return save(conn, stated.draw).await.map(drop);
    }
    if let Some(added) = payload::<EntryAdded>(&event)? {
        let entry = added.entry.context("EntryAdded without its entry")?;
        let mut draw = store::known(conn, &added.draw).await?.context("an entry of an unknown draw")?;
        draw.entries.retain(|given| given.index != entry.index);
        draw.entries.push(entry);
        draw.entries.sort_by_key(|given| given.index);
        if draw.state() == DrawState::Stated {
            draw.set_state(DrawState::Contributing);
        }
        return store::save_draw(conn, &draw).await;
    }
    if let Some(closed) = payload::<EntriesClosed>(&event)? {
        return store::save_entries_signature(conn, &closed.draw, &closed.signature).await;
    }
    if let Some(revealed) = payload::<DrawRevealed>(&event)? {
        let at = time_of(&event)?;
        return reveal(env, conn, revealed, at).await;
    }
    if let Some(ended) = payload::<DrawEnded>(&event)? {
        let draw = save(conn, ended.draw).await?;
        return store::save_end(conn, &draw.name, time_of(&event)?).await;
    }
    if let Some(deferred) = payload::<VisitsDeferred>(&event)? {
        return store::save_deferred(conn, &deferred).await;
    }
    if let Some(dispatched) = payload::<DrawDispatched>(&event)? {
        let mut draw = store::known(conn, &dispatched.draw).await?.context("visits of an unknown draw")?;
        draw.set_state(DrawState::Dispatched);
        store::save_draw(conn, &draw).await?;
        store::save_deferred_count(conn, &dispatched.draw, dispatched.deferred).await?;
        return store::save_visits(conn, &dispatched.draw, dispatched.visits, dispatched.without_team).await;
    }
    if let Some(issued) = payload::<WitnessLinkIssued>(&event)? {
        return save_link(conn, &issued.draw, issued.link).await;
    }
    if let Some(opened) = payload::<WitnessLinkOpened>(&event)? {
        return save_link(conn, &opened.draw, opened.link).await;
    }
    if let Some(upheld) = payload::<RecusalUpheld>(&event)? {
        return store::save_log_line(conn, &upheld).await;
    }
    Ok(())
}

async fn save(conn: &mut PgConnection, told: Option<Draw>) -> anyhow::Result<Draw> {
    let told = told.context("an event without its draw")?;
    let known = store::known(conn, &told.name).await?;
    let draw = rules::told(known, told);
    store::save_draw(conn, &draw).await?;
    Ok(draw)
}

/// A witness's link as it stands now.
async fn save_link(conn: &mut PgConnection, draw: &str, link: Option<WitnessLink>) -> anyhow::Result<()> {
    let link = link.context("an event without its link")?;
    let mut draw = store::known(conn, draw).await?.context("a link of an unknown draw")?;
    draw.witness_links.retain(|known| known.number != link.number);
    draw.witness_links.push(link);
    draw.witness_links.sort_by_key(|known| known.number);
    store::save_draw(conn, &draw).await
}

async fn reveal(env: &Env, conn: &mut PgConnection, event: DrawRevealed, at: DateTime<Utc>) -> anyhow::Result<()> {
    let draw = save(conn, event.draw).await?;
    let fairness = DrawFairness { unit_loads: event.unit_loads, no_choice: event.no_choice, ..DrawFairness::default() };
    let reveal = Reveal {
        at,
        evidence: Digest::parse(&event.evidence_blob)?,
        evidence_size: event.evidence_size,
        names: optional(&event.names_blob)?,
        subjects: optional(&event.subjects_blob)?,
        left_out: optional(&event.left_out_blob)?,
        publish_after: match event.publish_after.as_str() {
            "" => None,
            day => Some(day.parse().with_context(|| format!("publish_after {day:?}"))?),
        },
    };
    let result = env.blobs.read(Digest::parse(&event.result_blob)?, RESULT_BYTES_MAX).await.context("result.tsv")?;
    let names = open(&env.blobs, reveal.names).await.context("names.tsv")?;
    // Of a register the law withholds, nothing but the result is shown.
    let withheld = rules::withheld(&draw, lottery::frozen::SUBJECTS);
    let subjects = open(&env.blobs, reveal.subjects.filter(|_| !withheld)).await.context("subjects.tsv")?;
    let rows = env.compute(move || drawn::read(&result, names, subjects)).await??;
    store::save_reveal(conn, &draw.name, &reveal, &rows).await?;
    store::save_fairness(conn, &draw.name, &fairness).await
}

fn optional(digest: &str) -> anyhow::Result<Option<Digest>> {
    if digest.is_empty() { Ok(None) } else { Ok(Some(Digest::parse(digest)?)) }
}

/// Opens a blob for reading after it was checked against its digest.
async fn open(blobs: &Blob, digest: Option<Digest>) -> anyhow::Result<Option<File>> {
    let Some(digest) = digest else { return Ok(None) };
    blobs.verify(digest).await?;
    Ok(Some(blobs.open_blocking(digest)?.0))
}

fn time_of(event: &Event) -> anyhow::Result<DateTime<Utc>> {
    let time = event.time.as_ref().context("an event without its time")?;
    DateTime::from_timestamp(time.seconds, time.nanos.unsigned_abs()).context("an event's time is out of range")
}
