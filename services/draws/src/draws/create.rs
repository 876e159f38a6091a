//! A draw takes its number (art. 9, 11, 15): over a published plan, with somebody else among those who contribute.

use chrono::Datelike;
use kit::{
    auth::Caller,
    error::{Reason, Refusal, Result},
    ledger::Audience,
};
use lottery::{
    beacon::Beacon,
    rules::{Contributor, Kind},
};
use proto::qingtian::draws::{events::v1 as events, v1 as pb};
use sqlx::{PgConnection, types::Json};

use super::{
    Desk, contributors, follows, freeze, frozen,
    rules::State,
    store::{self, DrawRow},
    view,
};
use crate::plans::rules::{legal_day, quarter};

/// Counter of the demonstration's issues.
const DEMONSTRATION: &str = "lottery:demo";

impl Desk {
    /// Creates a draw of the caller's organisation.
    ///
    /// # Errors
    /// `NO_PUBLISHED_PLAN`, `UNFINISHED_DRAW`, `ONLY_OWN_ENTRIES`, `SCHEDULE_INVALID`, `FAILED_DRAW_WAITS`, `WRONG_STATE` of the
    /// draw it replaces or follows, what [`follows::asked`] refuses, `INVALID`.
    pub(super) async fn create(&self, caller: &Caller, request: pb::CreateDrawRequest) -> Result<pb::Draw> {
        let mut tx = self.ledger.begin(caller, &request.request_id, &request).await?;
        let given = request.draw.unwrap_or_default();
        let now = tx.now();
        let (kind, plan) = follows::asked(&mut tx, caller, &given).await?;
        if !plan.is_published() {
            return Err(Refusal::new(Reason::NoPublishedPlan).with("plan", plan.name()));
        }
        let unit = store::unit_of(&caller.organisation);
        let beacon_waived = contributors::free_text("beacon_waived", &given.beacon_waived)?;
        let mut contributing =
            contributors::parse(&given.contributors, &beacon_waived, unit, self.env.keys.demonstration())?;
        let schedule = contributors::schedule(&given, &contributing, now)?;
        if !self.env.keys.demonstration() {
            contributors::check_issue(&contributing, &schedule)?;
        }
        for unit in contributing.iter().filter_map(|one| one.unit.as_deref()) {
            if !store::unit_exists(&mut tx, unit).await? {
                let problem = format!("没有单位“{unit}” / there is no organisation {unit}");
                return Err(Refusal::invalid("contributors", problem));
            }
        }
        let (year, quarter) = (legal_day(now).year(), quarter(now));
        // One draw over a plan is made after the other, also where the year turns between them: each is seen and can be named.
        store::next_number(&mut tx, &format!("over {}", plan.name())).await?;
        let number = store::next_number(&mut tx, &format!("draws/{year}")).await?;
        let rivalry = kind.rivalry(&caller.organisation);
        if let Some(other) = store::unfinished(&mut tx, (&plan.name(), &rivalry), "").await? {
            return Err(Refusal::new(Reason::UnfinishedDraw).with("draw", other));
        }
        let name = format!("draws/{year}-{number:04}");
        let issue = number_issue(&mut tx, &mut contributing).await?;
        if given.replaces.is_empty() {
            // Nobody draws again without naming the draw that failed.
            if let Some(failed) = follows::store::failed(&mut tx, &plan.name(), &rivalry).await? {
                return Err(Refusal::new(Reason::FailedDrawWaits).with("draw", failed));
            }
        } else {
            check_replaced(&mut tx, &given, &caller.organisation, &contributing, &beacon_waived).await?;
        }
        let row = DrawRow {
            name: name.clone(),
            plan: plan.name(),
            plan_title: plan.content.title.clone(),
            organisation: caller.organisation.clone(),
            unit: unit.to_owned(),
            beacon_waived,
            entries_close: schedule.entries_close,
            beacon_time: schedule.beacon_at,
            reveal_by: schedule.reveal_by,
            replaces: (!given.replaces.is_empty()).then(|| given.replaces.clone()),
            creator: caller.actor.clone(),
            created_at: now,
            state: State::Created.as_str().to_owned(),
            revision: 1,
            quarter,
            changed_by: caller.actor.clone(),
            changed_act: "发起 created".to_owned(),
            end_reason: String::new(),
            dispatched: 0,
            kind: kind.kind.as_str().to_owned(),
            follows: kind.follows,
            quotas: Json(kind.quotas),
            teams: Json(kind.teams),
            cover_district: kind.cover_district,
        };
        store::insert(&mut tx, &row, year, number, &contributing).await?;
        if let Some(issue) = issue {
            store::insert_issue(&mut tx, issue, &name).await?;
        }
        let draw = view::draw(&mut tx, &row).await?;
        tx.emit(&name, 1, &events::DrawCreated { draw: Some(view::public(&draw)) }, Audience::Public)?;
        tx.changed(&name, None, Some(&draw));
        tx.commit(&draw).await?;
        tracing::info!(draw.id = %name, plan.id = %draw.plan, "created draw");
        Ok(draw)
    }
}

/// Gives a demonstration beacon its issue: the next free one, or one nobody has come to yet. Its counter stays locked, so
/// that no issue belongs to two draws.
async fn number_issue(conn: &mut PgConnection, contributing: &mut [Contributor]) -> Result<Option<i64>> {
    let Some(last) = contributing.last_mut().filter(|one| one.kind == Kind::Beacon) else { return Ok(None) };
    if last.contributor == contributors::NEXT_DEMONSTRATION_ISSUE {
        let issue = store::next_number(conn, DEMONSTRATION).await?;
        last.contributor = format!("{DEMONSTRATION}:{issue}");
        return Ok(Some(issue));
    }
    let Ok(Beacon::LotteryDemo { issue }) = Beacon::parse(&last.contributor) else { return Ok(None) };
    let free = match i64::try_from(issue) {
        Ok(issue) => store::take_number(conn, DEMONSTRATION, issue).await?.then_some(issue),
        Err(_) => None,
    };
    free.map(Some).ok_or_else(|| {
        let problem =
            format!("演示期号 {issue} 已用过，请填 lottery:demo:0 / this issue is taken; write lottery:demo:0");
        Refusal::invalid("contributors", problem)
    })
}

/// Checks that the draw to be replaced is a failed one of this plan, and that the new contributors may succeed the old.
async fn check_replaced(
    conn: &mut PgConnection,
    given: &pb::Draw,
    organisation: &str,
    contributing: &[Contributor],
    beacon_waived: &str,
) -> Result<()> {
    let failed = store::lock_own(conn, &given.replaces, organisation).await?;
    let state = State::parse(&failed.state)?;
    if state != State::Failed {
        return Err(Refusal::wrong_state(&failed.name, state.said(), "重新抽签 replace"));
    }
    if failed.plan != given.plan {
        return Err(Refusal::invalid("replaces", "原抽签属于另一计划 / the failed draw is over another plan"));
    }
    let statement = frozen::statement(conn, &failed.name).await?;
    freeze::successor_rules(&statement, contributing.to_vec(), beacon_waived)?;
    Ok(())
}
