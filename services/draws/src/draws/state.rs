//! Stating a draw (art. 11, 14, 15): everything is frozen, a secret is committed to and sealed, and the signed statement is
//! public, all in one act. From here on nothing of it changes.

use anyhow::anyhow;
use chrono::{DateTime, SubsecRound, Utc};
use kit::{
    auth::Caller,
    error::{Reason, Refusal, Result, is_conflict},
    keys::Purpose,
    ledger::{Audience, Tx},
};
use lottery::{
    Time,
    statement::{Intent, Stated, Statement},
};
use proto::qingtian::draws::{events::v1 as events, v1 as pb};

use super::{
    Desk,
    follows::{self, Following},
    freeze::{self, Files},
    frozen::{self, Counts, StatementRow},
    rules::{Event, text},
    seal,
    store::{self, DrawRow},
    view, withheld,
};
use crate::{
    PART,
    plans::{rules::quarter, store as plans},
};

/// How often the act is begun anew when somebody changed what it had seen.
const ATTEMPTS: usize = 5;

/// An instant as the protocol writes it.
pub(crate) fn time(at: DateTime<Utc>) -> Result<Time> {
    Time::from_epoch_secs(at.timestamp()).map_err(Refusal::internal)
}

impl Desk {
    /// States a draw of the caller's organisation.
    ///
    /// # Errors
    /// `ALREADY_STATED`, `NO_PUBLISHED_PLAN`, `SCHEDULE_INVALID`, `STALE`, `UNFINISHED_DRAW`, and what stands in the way of freezing.
    pub(super) async fn state(&self, caller: &Caller, request: pb::StateDrawRequest) -> Result<pb::Draw> {
        let mut attempt = 1;
        loop {
            match self.state_once(caller, &request).await {
                Err(refusal) if is_conflict(&refusal) && attempt < ATTEMPTS => attempt += 1,
                // The next view sees the other draw over the plan and names it.
                Err(refusal) if refusal.reason() == Reason::UnfinishedDraw && attempt == 1 => attempt = ATTEMPTS,
                Ok(draw) => {
                    self.wake();
                    return Ok(draw);
                }
                refused => return refused,
            }
        }
    }

    async fn state_once(&self, caller: &Caller, request: &pb::StateDrawRequest) -> Result<pb::Draw> {
        let mut tx = self.ledger.begin_view(caller, &request.request_id, request).await?;
        let mut row = store::lock_own(&mut tx, &request.name, &caller.organisation).await?;
        let before = view::draw(&mut tx, &row).await?;
        let state = store::standing(&mut tx, &row.name).await?.apply(Event::State, tx.now())?;
        Refusal::check_etag(&request.etag, row.revision, &row.name, (&row.changed_by, &row.changed_act))?;

        let now = tx.now();
        let stated_at = now.trunc_subsecs(0);
        row.quarter = quarter(stated_at);
        let rivalry = row.given()?.rivalry(&row.organisation);
        if let Some(other) = store::unfinished(&mut tx, (&row.plan, &rivalry), &row.name).await? {
            return Err(Refusal::new(Reason::UnfinishedDraw).with("draw", other));
        }
        let (files, due_date) = self.freeze(&mut tx, &row, now).await?;
        let secret = seal::new_secret().map_err(Refusal::internal)?;
        let key = self.env.keys.secret("draws.seal").map_err(Refusal::internal)?;
        let sealed = seal::seal(key, &row.name, &secret).map_err(Refusal::internal)?;
        let intent = Intent {
            draw_id: row.name.clone(),
            unit: row.unit.clone(),
            stated_at: time(stated_at)?,
            entries_close: time(row.entries_close)?,
            beacon_at: row.beacon_time.map(time).transpose()?,
            reveal_by: time(row.reveal_by)?,
            follows: row.follows.clone(),
            replaces: row.replaces.clone(),
        };
        let computed = files.clone();
        let stating = self.env.compute(move || lottery::statement::state(&computed.protocol(), &intent, &secret));
        let (stated, kept) = tokio::join!(stating, files.keep(&self.env.blobs));
        let stated = stated.map_err(Refusal::internal)?.map_err(Refusal::internal)?;
        if let Some(replaced) = &row.replaces {
            let failed = frozen::statement(&mut tx, replaced).await?;
            let failed = Statement::parse(&failed.statement).map_err(Refusal::internal)?;
            stated.statement.check_succeeds(&failed).map_err(Refusal::internal)?;
        }
        let kept = kept?;
        let statement = self.sign(&row, &files, stated_at, &stated, sealed, due_date)?;
        frozen::insert_statement(&mut tx, &statement, &kept, &counts(&stated, &files)?).await?;
        follows::keep_subjects(&mut tx, &row, &files).await?;
        // Freezing takes a while; what is stated after its own close nobody could contribute to.
        if self.env.clock.now() >= row.entries_close {
            let problem = format!("提交截止时间 {} 已过 / entries_close has passed", text(row.entries_close));
            return Err(Refusal::new(Reason::ScheduleInvalid).with("problem", problem));
        }
        store::save(&mut tx, &mut row, state, &caller.actor, "声明 stated").await?;
        let draw = view::draw(&mut tx, &row).await?;
        tx.emit(&row.name, row.revision, &events::DrawStated { draw: Some(view::public(&draw)) }, Audience::Public)?;
        tx.changed(&row.name, Some(&before), Some(&draw));
        tx.commit(&draw).await?;
        tracing::info!(draw.id = %row.name, subjects = draw.subjects, statement = %draw.statement, "stated draw");
        Ok(draw)
    }

    /// The files of the draw, and the last day of the plan's window.
    async fn freeze(&self, tx: &mut Tx, row: &DrawRow, now: DateTime<Utc>) -> Result<(Files, String)> {
        let contributing = store::contributors(tx, &row.name).await?;
        if let Some(replaced) = &row.replaces {
            // A successor draws over the very same files; the register as it stands today has no say.
            let failed = frozen::statement(tx, replaced).await?;
            let rules = freeze::successor_rules(&failed, contributing, &row.beacon_waived)?;
            let files = freeze::load(tx, &self.env.blobs, replaced).await?;
            let rules = rules.to_bytes().map_err(Refusal::internal)?.into();
            return Ok((Files { rules, ..files }, failed.due_date));
        }
        let given = row.given()?;
        if let Some(followed) = &given.follows {
            let following = Following { row, given: &given, follows: followed, quarter: &row.quarter, now };
            return follows::freeze(tx, &self.env, &following, contributing).await;
        }
        let plan = plans::load(tx, &row.plan, &kit::auth::Reach::Organisation(row.organisation.clone())).await?;
        if !plan.is_published() {
            return Err(Refusal::new(Reason::NoPublishedPlan).with("plan", plan.name()));
        }
        let files = freeze::from_registers(tx, &self.env, &plan, contributing, &row.beacon_waived, now).await?;
        let due = plan.content.end.ok_or_else(|| Refusal::internal(anyhow!("{} has no last day", plan.name())))?;
        Ok((files, due.format("%Y-%m-%d").to_string()))
    }

    fn sign(
        &self,
        row: &DrawRow,
        files: &Files,
        stated_at: DateTime<Utc>,
        stated: &Stated,
        sealed: Vec<u8>,
        due_date: String,
    ) -> Result<StatementRow> {
        let signing = self.env.keys.signing(PART, Purpose::Evidence).map_err(Refusal::internal)?;
        Ok(StatementRow {
            draw: row.name.clone(),
            stated_at,
            statement: stated.bytes.clone(),
            digest: stated.digest.to_string(),
            rules: files.rules.to_vec(),
            kid: signing.kid.clone(),
            signature: signing.sign(lottery::sign::statement_text(&stated.digest).as_bytes()),
            sealed,
            subjects: count(stated.statement.subjects_n)?,
            due_date,
        })
    }
}

/// A count as the database keeps it.
pub(super) fn count(n: u64) -> Result<i64> {
    i64::try_from(n).map_err(Refusal::internal)
}

fn counts(stated: &Stated, files: &Files) -> Result<Counts> {
    let strata = stated.strata.iter().map(|(name, (n, k))| Ok((name.clone(), count(*n)?, count(*k)?)));
    let left_out = withheld::left_out_counts(&files.left_out).into_iter().map(|(reason, n)| Ok((reason, count(n)?)));
    Ok(Counts { strata: strata.collect::<Result<_>>()?, left_out: left_out.collect::<Result<_>>()? })
}
