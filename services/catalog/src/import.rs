//! Takes an uploaded list in (art. 7, 24): rows go in while they arrive, 200 to a transaction, each with its audit entry. It
//! runs to its end even when the uploader hangs up, so that the end is noted.

use kit::{
    auth::Caller,
    error::{Refusal, Result},
    sheet::Problem,
    uploads::{Piece, sessions::Complete},
};
use proto::qingtian::{
    catalog::v1::ImportItemsRequest,
    common::v1::{Import, ImportState},
};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{
    api::Api,
    reading::{self, Batch, Manner, Step, Upload},
    rules::{Deed, Wishes, merge},
    store::{self, Counts},
};

/// What stands in the first chunk of an upload.
pub struct Order {
    pub caller: Caller,
    pub organisation: String,
    pub file_name: String,
    pub manner: Manner,
    pub wishes: Wishes,
    /// The upload it is made from; none where its bytes come with it.
    pub kept: Option<Complete>,
}

impl Order {
    /// Understands the first chunk.
    ///
    /// # Errors
    /// `NOT_FOUND` outside the caller's reach; `INVALID`.
    pub fn parse(caller: Caller, first: &ImportItemsRequest) -> Result<Self> {
        caller.reaches(&first.parent)?;
        let text = |text: &String| text.trim().to_owned();
        let wishes = Wishes {
            random_listed: first.random_listed,
            derive_checklist: first.derive_checklist,
            leader: text(&first.leader),
            undertaking_unit: text(&first.undertaking_unit),
            handler: text(&first.handler),
        };
        wishes.check()?;
        let file_name: String = first.file_name.chars().filter(|c| !c.is_control()).take(200).collect();
        let manner = Manner::parse(&first.encoding, &first.columns)?;
        if !first.upload.is_empty() && first.file.as_ref().is_some_and(|file| !file.data.is_empty()) {
            return Err(Refusal::invalid("upload", "已续传的文件与内容不能同时给出 / an upload or bytes, not both"));
        }
        Ok(Self { caller, organisation: first.parent.clone(), file_name, manner, wishes, kept: None })
    }

    /// Has the bytes come from a kept upload, which also knows the file's name.
    pub fn from(&mut self, kept: Complete) {
        if self.file_name.is_empty() {
            self.file_name.clone_from(&kept.file_name);
        }
        self.kept = Some(kept);
    }
}

/// The import that was made from a kept upload, unless it broke off.
///
/// # Errors
/// The database fails.
pub async fn made_from(api: &Api, kept: &Complete) -> Result<Option<Import>> {
    if kept.import.is_empty() {
        return Ok(None);
    }
    let import = store::import(api.ledger.pool(), &kept.import, None).await?;
    Ok((kept.is_used() || import.state() != ImportState::Interrupted).then_some(import))
}

/// Takes a file in and answers what became of its rows.
///
/// # Errors
/// `FILE_UNREADABLE` before anything was done; `UNAVAILABLE` when the database is gone: what is in stays in.
pub async fn run(api: &Api, order: &Order, pieces: mpsc::Receiver<Piece>) -> Result<Import> {
    let (sender, mut steps) = mpsc::channel(2);
    let manner = order.manner.clone();
    let reader = tokio::task::spawn_blocking(move || reading::read(Upload::new(pieces), &manner, &sender));
    let Some(Step::Opened) = steps.recv().await else {
        reader.await.map_err(Refusal::internal)??;
        return Err(Refusal::internal(anyhow::anyhow!("the reader ended without a word")));
    };
    let name = format!("{}/itemImports/{}", order.organisation, Uuid::now_v7().simple());
    let mut tx = api.ledger.begin(&order.caller, "", &()).await?;
    let now = tx.now();
    store::insert_import(&mut tx, &name, &order.organisation, &order.file_name, &order.caller.actor, now).await?;
    if let Some(kept) = &order.kept {
        kept.link(&mut tx, &name).await?;
    }
    tx.changed::<()>(&name, None, None);
    tx.commit(&()).await?;

    let result = take(api, order, &name, &mut steps).await;
    let (whole, encoding) = result.as_ref().copied().unwrap_or((false, ""));
    end(api, order, &name, whole, encoding).await?;
    result?;
    store::import(api.ledger.pool(), &name, None).await
}

/// Takes batches in until the reader has no more; answers whether the file was whole, and its encoding.
async fn take(api: &Api, order: &Order, name: &str, steps: &mut mpsc::Receiver<Step>) -> Result<(bool, &'static str)> {
    while let Some(step) = steps.recv().await {
        match step {
            Step::Opened => {}
            Step::Rows(batch) => take_batch(api, order, name, batch).await?,
            Step::End { whole, encoding } => return Ok((whole, encoding)),
        }
    }
    Err(Refusal::internal(anyhow::anyhow!("the reader of {name} ended without a word")))
}

async fn take_batch(api: &Api, order: &Order, name: &str, batch: Batch) -> Result<()> {
    if batch.rows.is_empty() && batch.problems.is_empty() {
        return Ok(());
    }
    let mut tx = api.ledger.begin(&order.caller, "", &()).await?;
    let now = tx.now();
    let mut counts = Counts { returned: batch.returned, ..Counts::default() };
    let mut problems = batch.problems;
    store::lock_list(&mut tx, &order.organisation).await?;
    for (line, row) in batch.rows {
        let existing = store::lock_same(&mut tx, &order.organisation, &row).await?;
        let called = row.called();
        let known = existing.as_ref().map(|item| (&item.content, item.state));
        match (merge(known, row, &order.wishes), &existing) {
            (Deed::Create(content), _) => {
                let id = format!("{}/items/{}", order.organisation, Uuid::now_v7().simple());
                store::insert_item(&mut tx, &id, &order.organisation, &content, &order.caller.actor, now).await?;
                counts.created += 1;
            }
            (Deed::Update(content), Some(item)) => {
                store::save_content(&mut tx, item, &content, &order.caller.actor, "imported again").await?;
                counts.updated += 1;
            }
            // An update is decided only where something exists.
            (Deed::Unchanged, _) | (Deed::Update(_), None) => counts.unchanged += 1,
            (Deed::Frozen, _) => {
                let zh = "该事项已发布或已取消，不能就地修改；已发布的请先发起修订再导入，或恢复原内容。".to_owned();
                let en = "the item is published or retired and not edited in place; open a revision first";
                problems.push(Problem::new(line, "title", &called, "PUBLISHED", zh, en));
                counts.returned += 1;
            }
        }
    }
    problems.sort_by_key(|problem| problem.line);
    store::add_progress(&mut tx, name, counts, &problems, now).await?;
    tx.changed::<()>(name, None, None);
    tx.commit(&()).await
}

async fn end(api: &Api, order: &Order, name: &str, whole: bool, encoding: &str) -> Result<()> {
    let mut tx = api.ledger.begin(&order.caller, "", &()).await?;
    let now = tx.now();
    store::end_import(&mut tx, name, whole, encoding, now).await?;
    // One that broke off is made anew from the same bytes.
    if let Some(kept) = order.kept.as_ref().filter(|_| whole) {
        kept.used(&mut tx).await?;
    }
    tx.changed::<()>(name, None, None);
    tx.commit(&()).await?;
    tracing::info!(import.name = %name, whole, "ended import of items");
    Ok(())
}
