//! What every department of the demonstration does alike: items, register, plan (art. 9, 12-14).

use std::time::Duration;

use anyhow::{Context, ensure};
use kit::env::Env;
use proto::{
    google::api::HttpBody,
    qingtian::{
        catalog::v1::{ImportItemsRequest, ListItemsRequest, PublishItemsRequest, catalog_client::CatalogClient},
        common::v1::{Import, ImportState},
        draws::v1::{
            CreatePlanRequest, ImportSubjectsRequest, Plan, PublishPlanRequest, SubmitPlanRequest,
            plans_client::PlansClient, registers_client::RegistersClient,
        },
    },
};

use super::{
    Account,
    client::{AsPerson, sign_in},
};

/// Largest part of an upload sent at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// How long to wait for a part to catch up with what another one announced.
const PATIENCE: Duration = Duration::from_secs(300);

/// A department at work: its accounts are called `{unit}-handler` and `{unit}-reviewer`.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    pub env: &'a Env,
    pub accounts: &'a [Account],
    /// `organisations/{unit}`.
    pub organisation: &'static str,
}

impl Desk<'_> {
    /// Somebody of the city, signed in.
    ///
    /// # Errors
    /// There is no such account, or identity refuses.
    pub async fn as_person(&self, username: &str) -> anyhow::Result<AsPerson> {
        let account = self.accounts.iter().find(|account| account.username == username);
        sign_in(self.env, account.with_context(|| format!("no account {username}"))?).await
    }

    async fn of_the_department(&self, duty: &str) -> anyhow::Result<AsPerson> {
        self.as_person(&format!("{}-{duty}", self.organisation.trim_start_matches("organisations/"))).await
    }

    /// The department's handler, signed in.
    ///
    /// # Errors
    /// Identity refuses.
    pub async fn handler(&self) -> anyhow::Result<AsPerson> {
        self.of_the_department("handler").await
    }

    /// The department's reviewer, signed in.
    ///
    /// # Errors
    /// Identity refuses.
    pub async fn reviewer(&self) -> anyhow::Result<AsPerson> {
        self.of_the_department("reviewer").await
    }

    /// Imports the random-inspection list with its checklists; the reviewer publishes it.
    ///
    /// # Errors
    /// Catalog refuses, or returns a row.
    pub async fn publish_items(&self, csv: &str) -> anyhow::Result<()> {
        let mut handler = CatalogClient::new(self.handler().await?);
        let requests: Vec<_> = chunks(csv)
            .map(|file| ImportItemsRequest {
                parent: self.organisation.to_owned(),
                file_name: "随机抽查事项清单.csv".to_owned(),
                random_listed: true,
                derive_checklist: true,
                leader: "局分管负责人 赵立新".to_owned(),
                undertaking_unit: "信用监管科".to_owned(),
                handler: "信用监管科 孙晓".to_owned(),
                file: Some(file),
                ..ImportItemsRequest::default()
            })
            .collect();
        all_went_in(handler.import_items(futures::stream::iter(requests)).await?.get_ref())?;
        let mut reviewer = CatalogClient::new(self.reviewer().await?);
        let request =
            PublishItemsRequest { parent: self.organisation.to_owned(), names: Vec::new(), request_id: String::new() };
        let published = reviewer.publish_items(request).await?.into_inner();
        ensure!(published.refused.is_empty(), "{:?}", published.refused);
        Ok(())
    }

    /// Names of the department's items whose numbers are at most `most`.
    ///
    /// # Errors
    /// Catalog refuses.
    pub async fn items(&self, most: u32) -> anyhow::Result<Vec<String>> {
        let mut catalog = CatalogClient::new(self.handler().await?);
        let request =
            ListItemsRequest { parent: self.organisation.to_owned(), page_size: 100, ..ListItemsRequest::default() };
        let items = catalog.list_items(request).await?.into_inner().items.into_iter();
        let wanted = items.filter(|item| item.code.parse::<u32>().is_ok_and(|code| code <= most));
        Ok(wanted.map(|item| item.name).collect())
    }

    /// Uploads the register of subjects; `columns` are `field=header`.
    ///
    /// # Errors
    /// Draws refuses, or returns a row.
    pub async fn upload_register(&self, csv: &str, columns: &[&str]) -> anyhow::Result<()> {
        let mut handler = RegistersClient::new(self.handler().await?);
        let requests: Vec<_> = chunks(csv)
            .map(|file| ImportSubjectsRequest {
                parent: self.organisation.to_owned(),
                file_name: "检查对象名录库.csv".to_owned(),
                columns: columns.iter().map(|column| (*column).to_owned()).collect(),
                file: Some(file),
                ..ImportSubjectsRequest::default()
            })
            .collect();
        all_went_in(handler.import_subjects(futures::stream::iter(requests)).await?.get_ref())
    }

    /// Drafts a plan and submits it, and the reviewer publishes it; answers its name.
    ///
    /// # Errors
    /// Draws refuses.
    pub async fn publish_plan(&self, plan: Plan) -> anyhow::Result<String> {
        let mut plans = PlansClient::new(self.handler().await?);
        let request = CreatePlanRequest { plan: Some(plan), request_id: String::new() };
        let plan = plans.create_plan(request).await?.into_inner();
        // The items were announced by catalog; draws learns of them by following.
        let plan = eventually("draws to know the items", async || {
            let (name, etag) = (plan.name.clone(), plan.etag.clone());
            let request = SubmitPlanRequest { name, etag, request_id: String::new() };
            Ok(plans.clone().submit_plan(request).await.ok().map(tonic::Response::into_inner))
        })
        .await?;
        let mut reviewer = PlansClient::new(self.reviewer().await?);
        let request = PublishPlanRequest { name: plan.name.clone(), etag: plan.etag, request_id: String::new() };
        reviewer.publish_plan(request).await?;
        Ok(plan.name)
    }
}

/// A file as an upload sends it.
pub fn chunks(text: &str) -> impl Iterator<Item = HttpBody> {
    let content = text.as_bytes().to_vec();
    let pieces: Vec<_> = content.chunks(CHUNK_BYTES).map(<[u8]>::to_vec).collect();
    pieces.into_iter().map(|data| HttpBody { content_type: "text/csv".to_owned(), data, extensions: Vec::new() })
}

fn all_went_in(import: &Import) -> anyhow::Result<()> {
    ensure!(
        import.state() == ImportState::Finished && import.returned == 0,
        "{} rows were returned, first: {:?}",
        import.returned,
        import.problems.first()
    );
    Ok(())
}

/// Asks until there is an answer. Parts learn from each other by following, which takes a moment.
///
/// # Errors
/// Those of asking; the wait is over.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    let asking = async {
        loop {
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.with_context(|| format!("waited in vain for {what}"))?
}
