//! The acts of a draw, as the service does them (art. 11, 15): the statement over a register in the database, and the reveal
//! from the frozen files it left.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::{Context, anyhow};
use chrono::Utc;
use draws::{
    draws::{
        freeze::{self, Files},
        names::Names,
        seal,
    },
    plans::{
        content::{ANY, Amount, Content, TeamPart},
        exceptions::Exceptions,
        foresees::Foresees,
        rules::{Plan, PlanId},
        shape::{Shape, Withholding},
    },
};
use kit::{
    blob::{self, Blob, Digest},
    codes::DISTRICTS,
    env::{Clock, Databases, Env, Parts},
    keys::Keys,
    peers::Peers,
};
use lottery::{
    Secret, Time,
    bundle::TABLE_BYTES_MAX,
    frozen::{EXCLUSIONS, EXPERTS, FrozenFiles, LEFT_OUT, OFFICERS, Person, RULES, SUBJECTS, Table},
    reveal::{Reveal, reveal},
    rules::{Contributor, Kind, Rules},
    statement::{Intent, state},
};
use proto::qingtian::draws::v1::{PlanKind, Stratification};
use serde::{Deserialize, Serialize};
use sqlx::{Connection, PgConnection};

use super::register::{REGISTER, bureau, certificate};

/// One in a hundred is drawn.
const PPM: u64 = 10_000;
/// Officers of each team.
const TEAM: u32 = 2;
/// What the two contributors give.
const VALUES: [&str; 2] = ["3 1 6 2 5 5", "6 6 1 4 2 3"];

/// What a reveal needs of a statement: where its files are, and what was sealed. Kept beside the blobs, for the reveal in a
/// process of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stated {
    /// Digest of every frozen file.
    files: BTreeMap<String, String>,
    /// `statement.json`.
    statement: String,
    secret: String,
    revealed_at: String,
}

impl Stated {
    /// Reads what [`Stated::write`] wrote.
    ///
    /// # Errors
    /// The file is not there.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(path).with_context(|| path.display().to_string())?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Keeps it for another process.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        Ok(std::fs::write(path, serde_json::to_vec(self)?)?)
    }
}

/// What the acts are given: a database, a place for objects, keys.
///
/// # Errors
/// The folder cannot be used.
pub fn env(database_url: &str, blobs: &Path, peers: Peers) -> anyhow::Result<Env> {
    Env::new(Parts {
        clock: Clock::System,
        keys: Keys::generate(Utc::now(), true)?,
        peers,
        databases: Databases { url: database_url.to_owned(), migrate_url: None, connections_max: 8 },
        blob_folder: blobs.to_owned(),
    })
}

/// What a plan says besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Besides {
    /// Nothing.
    Nothing,
    /// The register is not published (art. 18): every line of it is salted.
    Withheld,
    /// A subject may be visited twice in a quarter (art. 17): nobody asks who was.
    SecondVisits,
}

/// A plan over the whole register with officers of one bureau.
fn plan(officers_each: u32, besides: Besides) -> Plan {
    let now = Utc::now();
    let withheld = || Withholding { basis: "bench".to_owned(), files: vec![SUBJECTS.to_owned()] };
    let second_visit_reason = if besides == Besides::SecondVisits { "bench" } else { "" };
    let content = Content {
        title: "bench".to_owned(),
        kind: PlanKind::Unspecified,
        items: Vec::new(),
        districts: Vec::new(),
        stratification: Stratification::District,
        quotas: BTreeMap::from([(ANY.to_owned(), Amount::Ppm(PPM))]),
        teams: vec![TeamPart { organisation: bureau(officers_each), size: TEAM, specialty: None }],
        cover_district: true,
        start: None,
        end: None,
        method: String::new(),
        frequency: String::new(),
        exceptions: Exceptions::default(),
        foresees: Foresees { second_visit_reason: second_visit_reason.to_owned(), ..Foresees::default() },
        shape: Shape { withheld: (besides == Besides::Withheld).then(withheld), ..Shape::default() },
    };
    Plan::draft(PlanId { year: 2026, number: 1 }, REGISTER, content, "users/bench", now)
}

fn contributors() -> Vec<Contributor> {
    let one = |name: &str, kind| Contributor { contributor: name.to_owned(), kind, unit: Some(name.to_owned()) };
    vec![one("bench", Kind::Department), one("notary", Kind::Witness)]
}

/// States a draw over the register: reads counts, officers, conflicts and the whole pool in one view of the database, writes the
/// sorted files, checks and hashes them, builds the tree, and keeps every file durably. Not measured with it is the handful of
/// rows by which the service remembers the statement.
///
/// # Errors
/// What stands in the way of a draw; the database or the disk fails.
pub async fn statement(env: &Env, officers_each: u32, besides: Besides) -> anyhow::Result<(Files, Stated)> {
    let mut connection = PgConnection::connect(&env.databases.url("draws")).await?;
    let mut view = connection.begin_with("begin isolation level repeatable read").await?;
    let plan = plan(officers_each, besides);
    let files = freeze::from_registers(&mut view, env, &plan, contributors(), "bench", Utc::now()).await?;
    view.rollback().await?;
    let stated = keep(env, &files).await?;
    Ok((files, stated))
}

/// Hashes, states and keeps frozen files.
async fn keep(env: &Env, files: &Files) -> anyhow::Result<Stated> {
    let now = Utc::now().timestamp();
    let after = |minutes: i64| Time::from_epoch_secs(now + minutes * 60);
    let intent = Intent {
        draw_id: "draws/2026-0001".to_owned(),
        unit: "bench".to_owned(),
        stated_at: after(0)?,
        entries_close: after(60)?,
        beacon_at: None,
        reveal_by: after(120)?,
        follows: None,
        replaces: None,
    };
    let secret = seal::new_secret()?;
    let (computed, sealed) = (files.clone(), secret.clone());
    let stating = env.compute(move || state(&computed.protocol(), &intent, &sealed));
    let (stated, kept) = tokio::join!(stating, files.keep(&env.blobs));
    let (stated, kept) = (stated??, kept?);
    Ok(Stated {
        files: kept.into_iter().map(|(file, stored)| (file.to_owned(), stored.digest.to_string())).collect(),
        statement: String::from_utf8(stated.bytes)?,
        secret: secret.reveal(),
        revealed_at: after(90)?.to_string(),
    })
}

/// States the same pool again with the officers of another bureau.
///
/// # Errors
/// The disk fails.
pub async fn restate(env: &Env, files: &Files, officers_each: u32) -> anyhow::Result<Stated> {
    let unit = bureau(officers_each).replace("organisations/", "");
    let mut officers = Table::<Person>::new();
    for district in &DISTRICTS {
        let district = district.code.as_str();
        for nth in 0..officers_each {
            let key = format!("{officers_each}-{}", certificate(district, nth));
            officers.push(&Person { key: &key, unit: &unit, districts: &[district], specialties: &[] })?;
        }
    }
    let mut rules = Rules::parse(&files.rules)?;
    for places in &mut rules.teams {
        places.unit.clone_from(&unit);
    }
    let files = Files { officers: officers.finish()?.into(), rules: rules.to_bytes()?.into(), ..files.clone() };
    keep(env, &files).await
}

/// Reads one frozen file and checks it against its digest.
async fn read(blobs: &Blob, stated: &Stated, file: &str) -> anyhow::Result<Vec<u8>> {
    let digest = stated.files.get(file).ok_or_else(|| anyhow!("no {file} was kept"))?;
    Ok(blobs.read(Digest::parse(digest)?, TABLE_BYTES_MAX).await?)
}

/// Sections 3 to 5 of the protocol: the frozen files are read and checked against their digests twice (as blobs, and as what was
/// stated), subjects and teams are picked, `strata.tsv`, `result.tsv` and `draw.json` are written in memory.
///
/// # Errors
/// A file is gone or was changed.
pub async fn revealed(env: &Env, stated: &Stated) -> anyhow::Result<Reveal> {
    let [subjects, left_out, officers, experts, exclusions, rules] = [
        read(&env.blobs, stated, SUBJECTS).await?,
        read(&env.blobs, stated, LEFT_OUT).await?,
        read(&env.blobs, stated, OFFICERS).await?,
        read(&env.blobs, stated, EXPERTS).await?,
        read(&env.blobs, stated, EXCLUSIONS).await?,
        read(&env.blobs, stated, RULES).await?,
    ];
    let secret = Secret::parse(&stated.secret)?;
    let revealed_at = Time::parse(&stated.revealed_at)?;
    let statement = stated.statement.clone();
    let work = move || {
        let files = FrozenFiles {
            subjects: &subjects,
            left_out: &left_out,
            officers: &officers,
            experts: &experts,
            exclusions: &exclusions,
            rules: &rules,
        };
        reveal(&files, statement.as_bytes(), &secret, &VALUES, &revealed_at)
    };
    Ok(env.compute(work).await??)
}

/// As [`revealed`], and the drawn are named.
///
/// # Errors
/// As [`revealed`].
pub async fn revealed_with_names(env: &Env, stated: &Stated) -> anyhow::Result<(Reveal, Vec<String>)> {
    let done = revealed(env, stated).await?;
    let digest = stated.files.get(freeze::NAMES).ok_or_else(|| anyhow!("no names were kept"))?;
    let digest = Digest::parse(digest)?;
    let names = Names(blob::Stored { digest, size: env.blobs.find(digest).await?.unwrap_or_default() });
    let blobs = env.blobs.clone();
    let work = move || {
        let keys: Vec<&str> = done.rows.iter().map(|row| row.key.as_str()).collect();
        let titles = names.of(&blobs, &keys)?;
        Ok((done, titles))
    };
    env.compute(work).await?
}

/// Times an act; what it made is dropped outside of the time.
///
/// # Errors
/// Those of the act.
pub async fn timed<T>(act: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<(Duration, T)> {
    let began = std::time::Instant::now();
    let made = act.await?;
    Ok((began.elapsed(), made))
}
