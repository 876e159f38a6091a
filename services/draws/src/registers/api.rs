//! Registers over gRPC (art. 13, 16): parse, load, decide, save.

use std::pin::Pin;

use futures::Stream;
use kit::{
    auth::Caller,
    blob::Digest,
    codes::DistrictCode,
    env::Env,
    error::{Refusal, Result},
    ledger::{Ledger, timestamp},
    pages,
    sheet::{Encoding, Report},
    uploads::{
        Uploads,
        sessions::{Complete, Sessions},
    },
};
use proto::{
    google::api::HttpBody,
    qingtian::{
        common::v1::Import,
        draws::v1::{self as pb, registers_server::Registers},
    },
};
use tonic::{Request, Response, Status, Streaming};

use super::{
    entering::Origin,
    export,
    import::{Head, Importer},
    imports,
    life::Life,
    reading::Manner,
    search::{self, COUNT_MAX, Order},
    store::{self, Edit, SubjectRow, within},
    streamed,
};
use crate::{
    people::{conflicts::acts as conflicts, officers},
    plans::content::{reason, text},
    register_changes::{self, rules::Target, store as changes},
};

/// Bytes of a download.
pub type Download = Pin<Box<dyn Stream<Item = Result<HttpBody, Status>> + Send>>;

/// The service.
pub struct Api {
    env: Env,
    ledger: Ledger,
    uploads: Uploads,
    sessions: Sessions,
}

impl Api {
    pub(super) fn new(env: Env, ledger: Ledger, sessions: Sessions) -> Self {
        Self { uploads: Uploads::new(&env), env, ledger, sessions }
    }

    /// The import that was made from a kept upload, unless it broke off.
    async fn made_from(&self, kept: &Complete) -> Result<Option<Import>> {
        let Some((organisation, id)) = kept.import.split_once("/imports/") else { return Ok(None) };
        let import = imports::get(&mut *self.conn().await?, organisation, id).await?;
        Ok((kept.is_used() || import.state != "INTERRUPTED").then(|| import.message()))
    }

    async fn conn(&self) -> Result<sqlx::pool::PoolConnection<sqlx::Postgres>> {
        Ok(self.ledger.pool().acquire().await?)
    }
}

#[tonic::async_trait]
impl Registers for Api {
    async fn import_subjects(
        &self,
        request: Request<Streaming<pb::ImportSubjectsRequest>>,
    ) -> Result<Response<Import>, Status> {
        let caller = Caller::of(&request)?;
        let mut upload = self.uploads.open(streamed::checked(request.into_inner()))?;
        let Some(first) = upload.next().await? else {
            return Err(Refusal::invalid("file", "没有内容 / nothing was sent").into());
        };
        let mut head = head(&caller, &first)?;
        let importer = Importer::new(self.env.clone(), self.ledger.clone());
        // Before anything is uploaded in vain; asked again with every batch.
        importer.check_guard(&head).await?;
        if !first.upload.is_empty() {
            let kept = self.sessions.complete(&caller, &first.parent, &first.upload).await?;
            if let Some(made) = self.made_from(&kept).await? {
                return Ok(Response::new(made));
            }
            let pieces = self.sessions.pieces(&kept);
            head.from(kept);
            return Ok(Response::new(upload.run_kept(importer.run(caller, head, pieces)).await?));
        }
        let bytes = streamed::bytes;
        Ok(Response::new(upload.run(first, bytes, |pieces| importer.run(caller, head, pieces)).await?))
    }

    async fn list_imports(
        &self,
        request: Request<pb::ListImportsRequest>,
    ) -> Result<Response<pb::ListImportsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.reaches(&request.parent)?;
        let page = imports::ORDERS.page(&request.order_by, &request.page_token, request.page_size)?;
        let query = text("query", &request.query, 100)?;
        let mut conn = self.conn().await?;
        let mut found = imports::list(&mut conn, &request.parent, &query, &page).await?;
        let next_page_token = page.cut(&mut found);
        let imports = found.iter().map(imports::ImportRow::message).collect();
        Ok(Response::new(pb::ListImportsResponse { imports, next_page_token }))
    }

    async fn get_import(&self, request: Request<pb::GetImportRequest>) -> Result<Response<Import>, Status> {
        let caller = Caller::of(&request)?;
        let name = request.into_inner().name;
        let (organisation, id) = within(&name, "imports", &caller.reach())?;
        Ok(Response::new(imports::get(&mut *self.conn().await?, organisation, id).await?.message()))
    }

    type DownloadImportReportStream = Download;

    async fn download_import_report(
        &self,
        request: Request<pb::DownloadImportReportRequest>,
    ) -> Result<Response<Download>, Status> {
        let caller = Caller::of(&request)?;
        let name = request.into_inner().name;
        let (organisation, id) = within(&name, "imports", &caller.reach())?;
        let import = imports::get(&mut *self.conn().await?, organisation, id).await?;
        // One that waits for a second person has its report already.
        if import.ended_at.is_none() && import.report.is_empty() {
            return Err(Refusal::wrong_state(name, "导入中 RUNNING", "下载 download").into());
        }
        if import.report.is_empty() {
            // The import's process died before the report was whole: what was kept beside it is all there is.
            let mut report = Report::new(Vec::new()).map_err(Refusal::internal)?;
            for problem in import.problems.iter() {
                report.add(problem).map_err(Refusal::internal)?;
            }
            let bytes = report.finish().map_err(Refusal::internal)?;
            return Ok(Response::new(Box::pin(futures::stream::iter([Ok(export::csv(bytes))]))));
        }
        let digest = Digest::parse(&import.report).map_err(Refusal::internal)?;
        let (file, _) = self.env.blobs.open(digest).await.map_err(Refusal::internal)?;
        Ok(Response::new(export::file(file)))
    }

    async fn list_subjects(
        &self,
        request: Request<pb::ListSubjectsRequest>,
    ) -> Result<Response<pb::ListSubjectsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.reaches(&request.parent)?;
        let rows = pages::rows(request.page_size)?;
        let after = pages::after(&request.page_token)?;
        let order = Order::parse(&request.order_by)?;
        let asked = pb::SubjectFilter {
            query: request.query,
            districts: with(request.districts, request.district, String::new()),
            industry: request.industry,
            credit_classes: request.credit_classes,
            statuses: with(request.statuses, request.status, 0),
        };
        let filter = filter(request.parent, asked)?;
        let mut conn = self.conn().await?;
        let mut found = search::subjects(&mut conn, &filter, order, after.as_deref(), rows + 1).await?;
        let next_page_token = pages::cut(&mut found, rows, |subject| order.place(subject));
        let total_size = if after.is_none() && next_page_token.is_empty() {
            // All there are stand on this page: at most a thousand.
            found.len() as i64
        } else {
            search::count(&mut conn, &filter, COUNT_MAX).await?
        };
        let subjects = found.iter().map(subject).collect();
        Ok(Response::new(pb::ListSubjectsResponse { subjects, next_page_token, total_size }))
    }

    type ExportSubjectsStream = Download;

    async fn export_subjects(&self, request: Request<pb::ExportSubjectsRequest>) -> Result<Response<Download>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.reaches(&request.parent)?;
        let order = Order::parse(&request.order_by)?;
        let asked = pb::SubjectFilter {
            query: request.query,
            districts: with(request.districts, request.district, String::new()),
            industry: request.industry,
            credit_classes: request.credit_classes,
            statuses: with(request.statuses, request.status, 0),
        };
        let filter = filter(request.parent, asked)?;
        Ok(Response::new(export::subjects(self.ledger.pool().clone(), filter, order)))
    }

    async fn get_subject(&self, request: Request<pb::GetSubjectRequest>) -> Result<Response<pb::Subject>, Status> {
        let caller = Caller::of(&request)?;
        let name = request.into_inner().name;
        let (organisation, key) = within(&name, "subjects", &caller.reach())?;
        let mut conn = self.conn().await?;
        let mut answer = subject(&store::subject(&mut conn, organisation, key).await?);
        answer.pending_change = changes::pending_of(&mut conn, organisation, key).await?.unwrap_or_default();
        Ok(Response::new(answer))
    }

    async fn set_subject_status(
        &self,
        request: Request<pb::SetSubjectStatusRequest>,
    ) -> Result<Response<pb::Subject>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let (organisation, key) = within(&request.name, "subjects", &caller.own())?;
        let life = asked_life(request.status)?
            .ok_or_else(|| Refusal::invalid("status", "请选择存续状态 / choose a status of life"))?;
        let reason = reason("reason", &request.reason, "请说明理由 / say why")?;
        if request.etag.is_empty() {
            return Err(Refusal::invalid("etag", "须提供读取时的版本 / the etag read before").into());
        }
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let before = store::lock_subject(&mut tx, organisation, key).await?;
        if request.etag != before.revision.to_string() {
            return Err(Refusal::stale(&request.name, &before.changed_by, &before.changed_what).into());
        }
        let keys = [key.to_owned()];
        let plan = register_changes::api::guard(&mut tx, organisation).await?;
        if plan.is_empty() {
            let origin = Origin { by: &caller.actor, why: &reason, with: "", at: tx.now() };
            store::edit(&mut tx, organisation, &keys, Edit::Life(life), origin).await?;
        } else {
            let change = register_changes::api::begin(&mut tx, organisation, &Target::Life(life), &reason, 1).await?;
            changes::insert_chosen(&mut tx, &change.id, organisation, &keys, &[Some(before.revision)]).await?;
        }
        let mut answer = subject(&store::subject(&mut tx, organisation, key).await?);
        answer.pending_change = changes::pending_of(&mut tx, organisation, key).await?.unwrap_or_default();
        tx.changed(&request.name, Some(&subject(&before)), Some(&answer));
        tx.commit(&answer).await?;
        Ok(Response::new(answer))
    }

    async fn list_officers(
        &self,
        request: Request<pb::ListOfficersRequest>,
    ) -> Result<Response<pb::ListOfficersResponse>, Status> {
        let caller = Caller::of(&request)?;
        let answer = officers::answer(&self.ledger, &self.env.clock, &caller, request.into_inner()).await?;
        Ok(Response::new(answer))
    }

    async fn declare_conflict(
        &self,
        request: Request<pb::DeclareConflictRequest>,
    ) -> Result<Response<pb::Conflict>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(conflicts::declare(&self.ledger, &caller, request.into_inner()).await?))
    }

    async fn list_conflicts(
        &self,
        request: Request<pb::ListConflictsRequest>,
    ) -> Result<Response<pb::ListConflictsResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(conflicts::list(&self.ledger, &caller, request.into_inner()).await?))
    }
}

/// Parses the first chunk of an upload.
fn head(caller: &Caller, first: &pb::ImportSubjectsRequest) -> Result<Head> {
    caller.owns(&first.parent)?;
    let encoding = match first.encoding.as_str() {
        "" => None,
        "UTF-8" => Some(Encoding::Utf8),
        "GB18030" => Some(Encoding::Gb18030),
        _ => return Err(Refusal::invalid("encoding", "UTF-8, GB18030")),
    };
    let default_district = match first.default_district.as_str() {
        "" => None,
        code => Some(
            DistrictCode::parse(code)
                .map_err(|error| Refusal::invalid("default_district", format!("{} / {error}", error.zh())))?,
        ),
    };
    let file_name = text("file_name", &first.file_name, 200)?;
    let reason = match text("reason", &first.reason, 500)? {
        given if given.is_empty() => given,
        given => reason("reason", &given, "请说明理由 / say why")?,
    };
    let by_rows = !first.rows.is_empty();
    if by_rows && !first.columns.is_empty() {
        return Err(Refusal::invalid("columns", "逐行上传不需要列对应 / rows need no columns"));
    }
    let manner = Manner { encoding, columns: first.columns.clone(), default_district, by_rows };
    manner.columns()?;
    if !first.upload.is_empty() && (by_rows || first.file.as_ref().is_some_and(|file| !file.data.is_empty())) {
        return Err(Refusal::invalid("upload", "已续传的文件与内容不能同时给出 / an upload or bytes, not both"));
    }
    Ok(Head { organisation: first.parent.clone(), file_name, reason, manner, kept: None })
}

/// Parses a filter.
///
/// # Errors
/// `INVALID`.
pub fn filter(organisation: String, asked: pb::SubjectFilter) -> Result<search::Filter> {
    for district in &asked.districts {
        DistrictCode::parse(district)
            .map_err(|error| Refusal::invalid("district", format!("{} / {error}", error.zh())))?;
    }
    let class = |class: String| match class.as_str() {
        "NONE" => Ok(String::new()),
        "A" | "B" | "C" | "D" => Ok(class),
        _ => Err(Refusal::invalid("credit_classes", "A, B, C, D, NONE")),
    };
    let lives = asked.statuses.into_iter().filter(|status| *status != 0).map(asked_life);
    Ok(search::Filter {
        organisation,
        query: text("query", &asked.query, 100)?,
        districts: asked.districts,
        industry: text("industry", &asked.industry, 100)?,
        classes: asked.credit_classes.into_iter().map(class).collect::<Result<_>>()?,
        lives: lives.filter_map(Result::transpose).collect::<Result<_>>()?,
    })
}

/// One value beside several, where it is given.
fn with<T: PartialEq>(mut several: Vec<T>, one: T, none: T) -> Vec<T> {
    if one != none {
        several.push(one);
    }
    several
}

/// The status asked for; none when none is given.
///
/// # Errors
/// `INVALID` for an unknown one.
pub fn asked_life(status: i32) -> Result<Option<Life>> {
    match Life::asked(status) {
        None if status != 0 => Err(Refusal::invalid("status", "没有这种状态 / unknown")),
        asked => Ok(asked),
    }
}

/// As the contract shows it.
pub fn subject(row: &SubjectRow) -> pb::Subject {
    pb::Subject {
        name: format!("{}/subjects/{}", row.organisation, row.key),
        key: row.key.clone(),
        title: row.title.clone(),
        district: row.district.clone(),
        industry: row.industry.clone(),
        address: row.address.clone(),
        status: row.life().message() as i32,
        old_number: row.old_number,
        etag: row.revision.to_string(),
        create_time: Some(timestamp(row.created_at)),
        credit_class: row.credit_class.clone(),
        change_time: Some(timestamp(row.changed_at)),
        pending_change: String::new(),
    }
}
