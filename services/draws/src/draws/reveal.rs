//! The reveal (art. 10, 11, 15): one pure computation from frozen files, secret and entries, committed with its result and
//! its evidence bundle in one transaction. Its instant was fixed before, so a crash on the way changes no byte of it.

use std::{collections::HashMap, io::BufWriter};

use bytes::Bytes;
use kit::{
    blob::{Blob, Stored},
    error::{Refusal, Result},
    faults,
    keys::{Keys, Purpose},
    ledger::Audience,
};
use lottery::{
    Secret, Time,
    bundle::{self, BUNDLE_BYTES_MAX, TABLE_BYTES_MAX},
    frozen::{EXCLUSIONS, EXPERTS, LEFT_OUT, OFFICERS, RULES, SUBJECTS},
    reveal::{DRAW, RESULT, Reveal, STRATA},
    rules::Rules,
    sign::{self, SIGNATURES, Signature, Signatures},
    statement::STATEMENT,
};
use proto::qingtian::draws::{events::v1 as events, v1::UnitLoad};

use super::{
    Desk,
    checked::CHUNK_BYTES,
    fairness,
    freeze::{self, Files, NAMES},
    frozen::{self, ClosingRow, FileRow, ResultRow, RevealRow, StatementRow},
    names::Names,
    rules::Event,
    seal,
    state::{count, time},
    store, view, withheld,
};
use crate::PART;

/// What the computation is made from. It runs away from the async threads and knows no database.
struct Work {
    files: Files,
    statement: Vec<u8>,
    signed: Signature,
    closing: Signature,
    secret: Secret,
    values: Vec<String>,
    revealed_at: Time,
    keys: std::sync::Arc<Keys>,
    blobs: Blob,
}

/// What it comes to.
struct Done {
    reveal: Reveal,
    rows: Vec<ResultRow>,
    signature: Signature,
    evidence: Stored,
    /// Of the registered names that may be published; none: all of them may.
    names: Option<Stored>,
    /// None where the list of officers is withheld.
    unit_loads: Vec<UnitLoad>,
}

impl Work {
    fn run(self) -> anyhow::Result<Done> {
        let frozen = self.files.protocol();
        let reveal = lottery::reveal::reveal(&frozen, &self.statement, &self.secret, &self.values, &self.revealed_at)?;
        let signing = self.keys.signing(PART, Purpose::Evidence)?;
        let text = sign::draw_text(&lottery::Digest::of(&reveal.draw_json));
        let signature = Signature { kid: signing.kid.clone(), value: signing.sign(text.as_bytes()) };
        let signatures =
            Signatures { draw: signature.clone(), entries: self.closing.clone(), statement: self.signed.clone() }
                .to_bytes()?;
        let rules = Rules::parse(&self.files.rules)?;
        let evidence = self.bundle(&rules, &reveal, &signatures)?;
        let rows = result_rows(&reveal, &self.blobs, &self.files.names)?;
        let names = match withheld::are_all_names_public(&rules) {
            true => None,
            false => Some(self.public_names(&rules, &reveal)?),
        };
        let unit_loads = match rules.is_withheld(OFFICERS) {
            true => Vec::new(),
            false => fairness::unit_loads(&self.files.officers, false, &reveal.rows)?,
        };
        Ok(Done { reveal, rows, signature, evidence, names, unit_loads })
    }

    /// Keeps the registered names that may be published, as they are read.
    fn public_names(&self, rules: &Rules, reveal: &Reveal) -> anyhow::Result<Stored> {
        faults::point("PutResult", "before_write");
        let mut names = self.files.names.open(&self.blobs)?;
        let mut writer = BufWriter::with_capacity(CHUNK_BYTES, self.blobs.writer(TABLE_BYTES_MAX)?);
        let drawn = reveal.rows.iter().map(|row| row.key.as_str());
        withheld::public_names(rules, &mut names, &self.files.left_out, drawn, &mut writer)?;
        names.finish()?;
        let stored = writer.into_inner().map_err(|error| error.into_error())?.finish()?;
        faults::point("PutResult", "after_write");
        Ok(stored)
    }

    /// Packs the evidence, the same bytes however often; what the law forbids to publish stays out.
    fn bundle(&self, rules: &Rules, reveal: &Reveal, signatures: &[u8]) -> anyhow::Result<Stored> {
        let files: HashMap<&str, &[u8]> = HashMap::from([
            (STATEMENT, self.statement.as_slice()),
            (SUBJECTS, &self.files.subjects),
            (LEFT_OUT, &self.files.left_out),
            (OFFICERS, &self.files.officers),
            (EXPERTS, &self.files.experts),
            (EXCLUSIONS, &self.files.exclusions),
            (RULES, &self.files.rules),
            (DRAW, reveal.draw_json.as_slice()),
            (STRATA, &reveal.strata_tsv),
            (RESULT, &reveal.result_tsv),
            (SIGNATURES, signatures),
        ]);
        faults::point("PutEvidence", "before_write");
        let mut writer = bundle::Writer::new(self.blobs.writer(BUNDLE_BYTES_MAX)?);
        for name in bundle::FILES.into_iter().filter(|name| !withheld::is_absent(rules, name)) {
            if let Some(bytes) = files.get(name) {
                writer.add(name, bytes)?;
            }
        }
        let stored = writer.finish()?.finish()?;
        faults::point("PutEvidence", "after_write");
        Ok(stored)
    }
}

/// The result with the registered names, which the protocol leaves out.
fn result_rows(reveal: &Reveal, blobs: &Blob, names: &Names) -> anyhow::Result<Vec<ResultRow>> {
    let keys: Vec<&str> = reveal.rows.iter().map(|row| row.key.as_str()).collect();
    let titles = names.of(blobs, &keys)?;
    let rows = (1..).zip(&reveal.rows).zip(titles).map(|((place, row), title)| ResultRow {
        place,
        subject: row.key.clone(),
        title,
        stratum: row.stratum.clone(),
        district: row.district.clone(),
        ticket: row.ticket.to_string(),
        officers: row.officers.clone(),
        experts: row.experts.clone(),
    });
    Ok(rows.collect())
}

impl Desk {
    /// Reveals a draw whose entries are all there.
    pub(super) async fn reveal(&self, name: &str) -> Result<bool> {
        if !self.fix_reveal(name).await? {
            return Ok(false);
        }
        let Some((mut tx, mut row, standing)) = self.begin_due("RevealDraw", name, Event::Reveal).await? else {
            return Ok(false);
        };
        let state = standing.apply(Event::Reveal, self.env.clock.now())?;
        let started = std::time::Instant::now();
        let statement = frozen::statement(&mut tx, name).await?;
        let kept = frozen::files(&mut tx, name).await?;
        let fixed = frozen::reveal_time(&mut tx, name).await?;
        let fixed =
            fixed.ok_or_else(|| Refusal::internal(anyhow::anyhow!("the reveal of {name} has no fixed instant")))?;
        let closing = frozen::closing(&mut tx, name).await?;
        let work = Work {
            files: freeze::load(&mut tx, &self.env.blobs, name).await?,
            secret: self.unseal(&statement)?,
            signed: Signature { kid: statement.kid, value: statement.signature },
            statement: statement.statement,
            closing: signature(closing),
            values: store::entries(&mut tx, name).await?.into_iter().map(|(_, value)| value).collect(),
            revealed_at: time(fixed)?,
            keys: self.env.keys.clone(),
            blobs: self.env.blobs.clone(),
        };
        let done = self.env.compute(move || work.run()).await.map_err(Refusal::internal)?.map_err(Refusal::internal)?;
        let result = self.put_result(&done.reveal.result_tsv).await?;
        let strata = self.put_result(&done.reveal.strata_tsv).await?;
        // Too late by now: nothing of this is published, and the draw fails.
        standing.apply(Event::Reveal, self.env.clock.now())?;

        let before = view::draw(&mut tx, &row).await?;
        let reveal = RevealRow {
            draw: name.to_owned(),
            seed: done.reveal.seed.to_string(),
            draw_json: done.reveal.draw_json,
            kid: done.signature.kid,
            signature: done.signature.value,
            evidence_blob: done.evidence.digest.to_string(),
            evidence_bytes: count(done.evidence.size)?,
            result_blob: result.digest.to_string(),
            strata_blob: strata.digest.to_string(),
            drawn: count(done.rows.len() as u64)?,
            without_team: count(done.rows.iter().filter(|row| row.officers.is_empty()).count() as u64)?,
        };
        frozen::insert_reveal(&mut tx, &reveal, &done.reveal.strata, &done.rows).await?;
        let actor = tx.caller().actor.clone();
        store::save(&mut tx, &mut row, state, &actor, "揭晓 revealed").await?;
        let draw = view::draw(&mut tx, &row).await?;
        let published = |file: &str| {
            if draw.withheld_files.iter().any(|one| one == file) { String::new() } else { blob_of(&kept, file) }
        };
        let event = events::DrawRevealed {
            draw: Some(view::public(&draw)),
            evidence_blob: reveal.evidence_blob,
            evidence_size: reveal.evidence_bytes,
            names_blob: done.names.map_or_else(|| blob_of(&kept, NAMES), |names| names.digest.to_string()),
            subjects_blob: published(SUBJECTS),
            left_out_blob: published(LEFT_OUT),
            result_blob: reveal.result_blob,
            publish_after: draw.publish_after.clone(),
            withheld_files: draw.withheld_files.clone(),
            unit_loads: done.unit_loads,
            no_choice: fairness::no_choice(&done.reveal.rows),
        };
        // From the seed anybody could compute whose visits are coming: before its day the portal alone hears of it (art. 18).
        let audience = match draw.publish_after.as_str() {
            "" => Audience::Public,
            _ => Audience::Organisations(vec![row.organisation.clone()]),
        };
        tx.emit(name, row.revision, &event, audience)?;
        tx.changed(name, Some(&before), Some(&draw));
        tx.commit(&()).await?;
        metrics::counter!("draws_revealed_total").increment(1);
        tracing::info!(
            draw.id = name,
            subjects = draw.subjects,
            drawn = draw.drawn,
            took_secs = started.elapsed().as_secs_f32(),
            "revealed draw"
        );
        Ok(true)
    }

    fn unseal(&self, statement: &StatementRow) -> Result<Secret> {
        let key = self.env.keys.secret("draws.seal").map_err(Refusal::internal)?;
        seal::open(key, &statement.draw, &statement.sealed).map_err(Refusal::internal)
    }

    async fn put_result(&self, bytes: &[u8]) -> Result<Stored> {
        faults::point("PutResult", "before_write");
        let stored = self.env.blobs.put(Bytes::copy_from_slice(bytes)).await.map_err(Refusal::internal)?;
        faults::point("PutResult", "after_write");
        Ok(stored)
    }
}

fn signature(closing: ClosingRow) -> Signature {
    Signature { kid: closing.kid, value: closing.signature }
}

fn blob_of(kept: &[FileRow], file: &str) -> String {
    kept.iter().find(|row| row.file == file).map(|row| row.blob.clone()).unwrap_or_default()
}
