//! One firm in one draw (art. 10): drawn, in the pool, left out and why, or not in scope; with its ticket, its stratum's
//! threshold, and the proof that it stood in the pool.

use std::{
    collections::VecDeque,
    io::BufReader,
    sync::{Arc, Mutex, PoisonError},
};

use kit::{
    blob::Digest,
    codes::SubjectKey,
    env::Env,
    error::{Reason, Refusal, Result},
};
use lottery::{
    frozen::{LEFT_OUT, SUBJECTS},
    hash::Tickets,
    names::is_name,
    sorted::{Found, Index},
    statement::Statement,
};
use proto::qingtian::portal::v1::{Standing, SubjectStanding};
use sqlx::PgPool;
use tokio::sync::{OnceCell, Semaphore};

use crate::{
    bodies::unreadable,
    drawn, rules,
    store::{self, Shown},
};

/// Files whose index is kept: about a megabyte each for 10,000,000 lines.
const INDEXES_MAX: usize = 24;
/// Keys named to a reader whose firm's name several bear.
const NAMESAKES_MAX: usize = 5;
/// Characters of a key or name at the most.
const SUBJECT_CHARS_MAX: usize = 200;

type Slot = Arc<OnceCell<Arc<Index>>>;

/// Indexes of the frozen files asked for last. Cheap to clone.
#[derive(Clone)]
pub struct Files {
    env: Env,
    indexes: Arc<Mutex<VecDeque<(Digest, Slot)>>>,
    /// Whole files are read one at a time: readers of the public pages never take all cores from a draw.
    whole: Arc<Semaphore>,
}

impl Files {
    /// None yet.
    pub fn new(env: &Env) -> Self {
        Self { env: env.clone(), indexes: Arc::default(), whole: Arc::new(Semaphore::new(1)) }
    }

    /// The file's index. Many who ask at once wait for one reading of it.
    async fn index(&self, digest: Digest) -> Result<Arc<Index>> {
        let slot = {
            let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
            match indexes.iter().position(|(kept, _)| *kept == digest).and_then(|at| indexes.remove(at)) {
                Some(found) => indexes.push_front(found),
                None => indexes.push_front((digest, Slot::default())),
            }
            indexes.truncate(INDEXES_MAX);
            // Just pushed.
            indexes.front().map(|(_, slot)| slot.clone()).unwrap_or_default()
        };
        let read = || async {
            let _turn = self.whole.acquire().await.map_err(Refusal::internal)?;
            self.env.blobs.verify(digest).await.map_err(unreadable)?;
            let file = self.env.blobs.open_blocking(digest).map_err(unreadable)?.0;
            let index = self.env.compute(move || Index::read(BufReader::with_capacity(1 << 20, file))).await;
            index.map_err(Refusal::internal)?.map(Arc::new).map_err(Refusal::internal)
        };
        slot.get_or_try_init(read).await.cloned()
    }

    /// The line of a key.
    async fn find(&self, digest: Option<Digest>, key: &str) -> Result<Option<Found>> {
        let Some(digest) = digest else { return Ok(None) };
        let index = self.index(digest).await?;
        let Some((at, begin, length)) = index.block_of(key.as_bytes()) else { return Ok(None) };
        let block = self.env.blobs.read_range(digest, begin, length).await.map_err(unreadable)?;
        Ok(index.find(at, &block, key.as_bytes()))
    }

    /// Keys of those who bear this registered name, at most [`NAMESAKES_MAX`].
    async fn named(&self, digest: Option<Digest>, title: &str) -> Result<Vec<String>> {
        let Some(digest) = digest else { return Ok(Vec::new()) };
        let _turn = self.whole.acquire().await.map_err(Refusal::internal)?;
        let file = self.env.blobs.open_blocking(digest).map_err(unreadable)?.0;
        let title = title.to_owned();
        let found = self.env.compute(move || drawn::named(file, &title, NAMESAKES_MAX)).await;
        found.map_err(Refusal::internal)?.map_err(Refusal::internal)
    }
}

/// How a firm stood in a revealed draw that is public.
///
/// # Errors
/// `INVALID` for no or an ambiguous name; `WITHHELD` where the law forbids to publish the register.
pub async fn standing(files: &Files, pool: &PgPool, shown: &Shown, subject: &str) -> Result<SubjectStanding> {
    let subject = subject.trim();
    if subject.is_empty() || subject.chars().count() > SUBJECT_CHARS_MAX {
        return Err(Refusal::invalid("subject", format!("1 to {SUBJECT_CHARS_MAX} characters")));
    }
    let draw = shown.public.draw.clone().unwrap_or_default();
    if rules::withheld(&draw, SUBJECTS) {
        return Err(Refusal::new(Reason::Withheld).with("name", format!("{} {SUBJECTS}", draw.name)));
    }
    let left_out_withheld = rules::withheld(&draw, LEFT_OUT);
    let left_out = shown.left_out.filter(|_| !left_out_withheld);
    let look = async |key: &str| -> Result<Option<SubjectStanding>> {
        if let Some(found) = files.find(shown.subjects, key).await? {
            return in_pool(files, pool, shown, key, &found).await.map(Some);
        }
        let Some(found) = files.find(left_out, key).await? else { return Ok(None) };
        let reason = column(&found.line, 1);
        let standing = SubjectStanding {
            standing: Standing::LeftOut.into(),
            key: key.to_owned(),
            title: title(files, shown, key).await?,
            left_out_reason: reason,
            ..SubjectStanding::default()
        };
        Ok(Some(standing))
    };
    for key in keys_of(subject) {
        if let Some(standing) = look(&key).await? {
            return Ok(standing);
        }
    }
    let is_key = SubjectKey::parse(&subject.to_ascii_uppercase()).is_ok();
    let namesakes = if is_key { Vec::new() } else { files.named(shown.names, subject).await? };
    if namesakes.len() > 1 {
        let keys = namesakes.join(", ");
        return Err(Refusal::invalid(
            "subject",
            format!("several bear this name, ask by code / 有同名主体，请用代码查询: {keys}"),
        ));
    }
    if let Some(key) = namesakes.first()
        && let Some(standing) = look(key).await?
    {
        return Ok(standing);
    }
    if left_out_withheld {
        return Err(Refusal::new(Reason::Withheld).with("name", format!("{} {LEFT_OUT}", draw.name)));
    }
    let key = keys_of(subject).next().unwrap_or_default();
    Ok(SubjectStanding { standing: Standing::NotInScope.into(), key, ..SubjectStanding::default() })
}

/// Keys a reader may have meant: as typed, in capitals, or the bare old number of a register.
fn keys_of(subject: &str) -> impl Iterator<Item = String> {
    let capitals = subject.to_ascii_uppercase();
    let old = SubjectKey::from_register(subject).ok().map(|key| key.to_string());
    let mut keys = vec![subject.to_owned()];
    for other in [Some(capitals), old].into_iter().flatten() {
        if !keys.contains(&other) {
            keys.push(other);
        }
    }
    keys.into_iter().filter(|key| is_name(key.as_bytes()))
}

async fn in_pool(files: &Files, pool: &PgPool, shown: &Shown, key: &str, found: &Found) -> Result<SubjectStanding> {
    let draw = shown.public.draw.clone().unwrap_or_default();
    let statement = Statement::parse(draw.statement_json.as_bytes()).map_err(Refusal::internal)?;
    // What is handed out was checked: a reader's own check must not be the first.
    found.proof.check(&statement.merkle_root, &found.line).map_err(Refusal::internal)?;
    let seed = lottery::Digest::parse(&draw.seed).map_err(Refusal::internal)?;
    let (stratum, district) = (column(&found.line, 1), column(&found.line, 2));
    let threshold = draw.strata.iter().find(|known| known.stratum == stratum).map(|known| known.threshold.clone());
    let drawn = store::drawn_one(pool, &draw.name, key).await?;
    let standing = if drawn.is_some() { Standing::Drawn } else { Standing::NotDrawn };
    Ok(SubjectStanding {
        standing: standing.into(),
        key: key.to_owned(),
        title: title(files, shown, key).await?,
        stratum,
        district,
        ticket: Tickets::new(&seed).subject(key.as_bytes()).to_string(),
        threshold: threshold.unwrap_or_default(),
        left_out_reason: String::new(),
        leaf_index: i64::try_from(found.proof.index).unwrap_or(i64::MAX),
        proof: found.proof.path.iter().map(ToString::to_string).collect(),
        merkle_root: statement.merkle_root.to_string(),
        officers: drawn.map(|drawn| drawn.officers).unwrap_or_default(),
    })
}

async fn title(files: &Files, shown: &Shown, key: &str) -> Result<String> {
    Ok(files.find(shown.names, key).await?.map(|found| column(&found.line, 1)).unwrap_or_default())
}

fn column(line: &[u8], at: usize) -> String {
    line.split(|&byte| byte == b'\t')
        .nth(at)
        .map(|column| String::from_utf8_lossy(column).into_owned())
        .unwrap_or_default()
}
