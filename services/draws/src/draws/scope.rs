//! Everybody in a plan's scope (art. 11, 13): one pass over the register as it lies, sorted on the way, in memory that holds the
//! pool and little else.

use std::sync::mpsc as blocking;

use anyhow::{Context, anyhow};
use futures::TryStreamExt;
use kit::{
    blob::{Blob, Stored},
    env::Env,
    error::{Refusal, Result},
    faults,
};
use lottery::{
    bundle::TABLE_BYTES_MAX,
    frozen::{LEFT_OUT, LeftOut, SUBJECTS, Subject, Table},
    rules::Rules,
};
use rayon::prelude::*;
use sqlx::{Connection, PgConnection};
use tokio::sync::mpsc;

use super::{
    sorting::{Range, Sorted, Sorter},
    withheld,
};
use crate::{
    plans::rules::{Plan, PoolCount},
    registers::{
        rules::PoolSubject,
        store::{self as registers, Spared},
    },
};

/// Bytes handed over at once.
const CHUNK_BYTES: usize = 256 << 10;
/// Bytes of the register that one core merges at once.
const RANGE_BYTES: u64 = 8 << 20;
/// Bytes of names between two flushes to the disk, so that the last one finds little left to do.
const FLUSH_BYTES: usize = 64 << 20;

/// Everybody in the plan's scope.
#[derive(Debug)]
pub struct Scope {
    /// By district and credit class, sorted.
    pub counts: Vec<PoolCount>,
    /// `subjects.tsv`.
    pub subjects: Vec<u8>,
    /// `left_out.tsv`.
    pub left_out: Vec<u8>,
    /// `names.tsv`, kept already: it is larger than everything else, and nothing is computed from it.
    pub names: Stored,
}

/// Reads the plan's scope once, without those visited in the quarter or with no visit left this year; of the rules only which
/// files are withheld counts.
///
/// # Errors
/// The database or the disk fails; what the register holds is not fit for a draw.
pub async fn read(
    conn: &mut PgConnection,
    env: &Env,
    (plan, spared): (&Plan, Spared<'_>),
    rules: &Rules,
) -> Result<Scope> {
    let (sender, receiver) = mpsc::channel(4);
    let salted = [SUBJECTS, LEFT_OUT].map(|file| rules.is_withheld(file));
    let (blobs, manner) = (env.blobs.clone(), Manner { plan: plan.clone(), salted });
    let write = env.compute(move || gather(receiver, &manner, &blobs));
    // What is set for the pass alone is gone with the savepoint.
    let mut pass = conn.begin().await?;
    let read = async {
        let mut lines = registers::pool(&mut pass, plan, spared).await?;
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        while let Some(line) = lines.try_next().await? {
            if chunk.len() + line.len() > CHUNK_BYTES && !chunk.is_empty() {
                let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK_BYTES));
                // The writer is gone only when it refused a line; its reason counts.
                if sender.send(full).await.is_err() {
                    return Ok(());
                }
            }
            chunk.extend_from_slice(&line);
        }
        let _ = sender.send(chunk).await;
        drop(sender);
        Ok::<_, Refusal>(())
    };
    let (written, read) = tokio::join!(write, read);
    read?;
    pass.rollback().await?;
    written.map_err(Refusal::internal)?.map_err(Refusal::internal)
}

/// How the files are written.
struct Manner {
    plan: Plan,
    /// Whether subjects and left-out are withheld.
    salted: [bool; 2],
}

/// Sorts lines that come in any order, and writes the files.
fn gather(mut chunks: mpsc::Receiver<Vec<u8>>, manner: &Manner, blobs: &Blob) -> anyhow::Result<Scope> {
    let mut sorter = Sorter::default();
    while let Some(chunk) = chunks.blocking_recv() {
        sorter.add(&chunk)?;
    }
    let sorted = sorter.finish()?;
    std::thread::scope(|threads| {
        let (sender, names) = blocking::sync_channel(2 * rayon::current_num_threads());
        let keep = threads.spawn(move || keep(names, blobs));
        let merged = merge(&sorted, manner, &sender);
        drop(sender);
        // Why names were not taken any more is told by who did not take them.
        let names = keep.join().map_err(|_| anyhow!("the writer of names panicked"))??;
        let Files { counts, subjects, left_out, .. } = merged?;
        Ok(Scope { counts, subjects, left_out, names })
    })
}

/// Everything but the names, which are handed on.
fn merge(sorted: &Sorted, manner: &Manner, names: &blocking::SyncSender<Vec<u8>>) -> anyhow::Result<Files> {
    let mut all = Files::default();
    for ranges in sorted.ranges(RANGE_BYTES).chunks(2 * rayon::current_num_threads()) {
        let files: Vec<Files> =
            ranges.par_iter().map(|range| files(sorted, *range, manner)).collect::<anyhow::Result<_>>()?;
        for files in files {
            all.subjects.extend_from_slice(&files.subjects);
            all.left_out.extend_from_slice(&files.left_out);
            for count in files.counts {
                let sum = count_of(&mut all.counts, &count.district, &count.class);
                sum.subjects += count.subjects;
                sum.left_out += count.left_out;
            }
            names.send(files.names).context("names are not taken any more")?;
        }
    }
    all.counts.sort_unstable_by(|one, other| (&one.district, &one.class).cmp(&(&other.district, &other.class)));
    Ok(all)
}

/// The count of a district and class, few as they are.
fn count_of<'c>(counts: &'c mut Vec<PoolCount>, district: &str, class: &str) -> &'c mut PoolCount {
    let at = counts.iter().position(|count| count.district == district && count.class == class);
    let at = at.unwrap_or_else(|| {
        counts.push(PoolCount { district: district.to_owned(), class: class.to_owned(), ..PoolCount::default() });
        counts.len() - 1
    });
    &mut counts[at]
}

/// What a range of the register comes to.
#[derive(Default)]
struct Files {
    counts: Vec<PoolCount>,
    subjects: Vec<u8>,
    left_out: Vec<u8>,
    names: Vec<u8>,
}

fn files(sorted: &Sorted, range: Range<'_>, manner: &Manner) -> anyhow::Result<Files> {
    let Manner { plan, salted } = manner;
    let (mut counts, mut names) = (Vec::new(), Vec::new());
    let (subjects, left_out) = withheld::table_and(salted[0], |subjects: &mut Table<'_, Subject<'_>>| {
        let (left_out, ()) = withheld::table_and(salted[1], |left_out: &mut Table<'_, LeftOut<'_>>| {
            sorted.each(range, |line| {
                let one = PoolSubject::of_line(line).with_context(|| String::from_utf8_lossy(line).into_owned())?;
                let count = count_of(&mut counts, one.district, one.class);
                if let Some(reason) = one.left_out {
                    count.left_out += 1;
                    left_out.push(&LeftOut { key: one.key, reason })?;
                } else {
                    count.subjects += 1;
                    let stratum = plan.stratum(one.district, one.class);
                    subjects.push(&Subject { key: one.key, stratum: &stratum, district: one.district })?;
                }
                names.extend_from_slice(one.key.as_bytes());
                names.push(b'\t');
                one.write_title(&mut names);
                names.push(b'\n');
                anyhow::Ok(())
            })
        })?;
        Ok(left_out)
    })?;
    Ok(Files { counts, subjects, left_out, names })
}

/// Keeps `names.tsv`.
fn keep(names: blocking::Receiver<Vec<u8>>, blobs: &Blob) -> anyhow::Result<Stored> {
    faults::point("PutFrozen", "before_write");
    let mut writer = blobs.writer(TABLE_BYTES_MAX)?;
    let mut unflushed = 0;
    for piece in names {
        writer.write(&piece)?;
        unflushed += piece.len();
        if unflushed >= FLUSH_BYTES {
            writer.sync()?;
            unflushed = 0;
        }
    }
    let stored = writer.finish()?;
    faults::point("PutFrozen", "after_write");
    Ok(stored)
}
