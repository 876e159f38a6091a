//! The service Experts (art. 13, 15, 44): parse, load, decide, save.

use kit::{
    auth::Caller,
    env::{Clock, Env},
    error::{Reason, Refusal, Result},
    ledger::{Ledger, Tx, timestamp},
    pages,
    sheet::Encoding,
    uploads::{Piece, Uploads, sessions::Sessions},
    workdays::legal_day,
};
use proto::{
    google::api::HttpBody,
    qingtian::{
        common::v1::RowProblem,
        draws::v1::{self as pb, experts_server::Experts},
    },
};
use tokio::sync::mpsc;
use tonic::{Request, Response, Status, Streaming};

use super::{
    changes::{self, Asked},
    keep::{self, Author},
    rules::{self, Act, Content, Private},
    store::{self, ExpertRow, Filter},
    table,
};
use crate::{
    people::secrets::Secrets,
    plans::content::{reason, text},
    registers::{api::Download, store::within},
};

/// Bytes of one upload at the most.
const FILE_BYTES_MAX: usize = 8 << 20;

/// The service.
#[derive(Clone)]
pub struct Api {
    ledger: Ledger,
    clock: Clock,
    uploads: Uploads,
    sessions: Sessions,
    secrets: Secrets,
}

impl Api {
    /// A service over this part's ledger.
    ///
    /// # Errors
    /// The key that seals private words is missing.
    pub fn new(env: &Env, ledger: &Ledger, sessions: &Sessions) -> anyhow::Result<Self> {
        let (clock, uploads, secrets) = (env.clock.clone(), Uploads::new(env), Secrets::of(env)?);
        Ok(Self { ledger: ledger.clone(), clock, uploads, sessions: sessions.clone(), secrets })
    }

    fn year(&self) -> i32 {
        keep::year(self.clock.now())
    }

    /// What a list or an export asks for.
    fn filter(&self, asked: pb::ExportExpertsRequest) -> Result<Filter> {
        if !asked.district.is_empty() {
            kit::codes::DistrictCode::parse(&asked.district)
                .map_err(|error| Refusal::invalid("district", format!("{} / {error}", error.zh())))?;
        }
        let real_name = text("real_name", &asked.real_name, 50)?;
        Ok(Filter {
            organisation: asked.parent,
            query: text("query", &asked.query, 100)?,
            name_digest: (!real_name.is_empty()).then(|| self.secrets.digest(&real_name)),
            specialty: text("specialty", &asked.specialty, 64)?,
            district: asked.district,
            retired: asked_state(asked.state)?,
        })
    }

    /// A page of what a filter asks for, names masked.
    async fn page(
        &self,
        conn: &mut sqlx::PgConnection,
        filter: &Filter,
        order: pb::ExpertOrder,
        after: Option<&str>,
        rows: i64,
    ) -> Result<pb::ListExpertsResponse> {
        let mut found = store::list(conn, filter, (order, self.year()), after, rows + 1).await?;
        let total_size = store::count(conn, filter).await?;
        let next_page_token = pages::cut(&mut found, rows, |row| store::place(order, row));
        let private = keep::open(conn, &self.secrets, &found).await?;
        let masked = |(row, private): (&ExpertRow, Private)| rules::without_private(message(row, private));
        let experts = found.iter().zip(private).map(masked).collect();
        Ok(pb::ListExpertsResponse { experts, next_page_token, total_size })
    }

    /// The expert as it stands in an open act, whole.
    async fn whole(&self, conn: &mut sqlx::PgConnection, organisation: &str, key: &str) -> Result<pb::Expert> {
        let row = store::get(conn, organisation, key, self.year()).await?;
        let private = keep::open(conn, &self.secrets, std::slice::from_ref(&row)).await?;
        let pending_change = store::pending_change(conn, organisation, key).await?.unwrap_or_default();
        Ok(pb::Expert { pending_change, ..message(&row, private.into_iter().next().unwrap_or_default()) })
    }

    async fn import(
        self,
        caller: Caller,
        head: pb::ImportExpertsRequest,
        pieces: mpsc::Receiver<Piece>,
    ) -> Result<pb::ImportExpertsResponse> {
        let bytes = whole_file(pieces).await?;
        let encoding = match head.encoding.as_str() {
            "" => None,
            "UTF-8" => Some(Encoding::Utf8),
            "GB18030" => Some(Encoding::Gb18030),
            _ => return Err(Refusal::invalid("encoding", "UTF-8, GB18030")),
        };
        let read = tokio::task::spawn_blocking(move || table::read(&bytes, encoding, &head.columns));
        let mut read = read.await.map_err(Refusal::internal)??;
        let mut tx = self.ledger.begin(&caller, "", &()).await?;
        let plan = changes::guard(&mut tx, &head.parent).await?;
        let why = if plan.is_empty() { String::new() } else { changes::why(&plan, &head.reason)? };
        let (author, mut asked) = (Author::acting(&tx), Vec::new());
        read.given.sort_by(|a, b| a.key.cmp(&b.key));
        let keys: Vec<&str> = read.given.iter().map(|given| given.key.as_str()).collect();
        store::lock(&mut tx, &head.parent, &keys).await?;
        let taken = store::taken(&mut tx, &head.parent, &keys).await?;
        let mut known = std::collections::HashMap::new();
        let rows = store::some(&mut tx, &head.parent, &keys).await?;
        for (row, private) in rows.iter().zip(keep::open(&mut tx, &self.secrets, &rows).await?) {
            known.insert(row.key.as_str(), (row, private));
        }
        let mut answer = pb::ImportExpertsResponse { rows: read.rows, returned: read.returned, ..Default::default() };
        for given in &read.given {
            let before = known.get(given.key.as_str());
            let merged = given.over(before.map(|(row, private)| message(row, private.clone())).unwrap_or_default());
            let refused = match Content::parse("", &merged) {
                Err(refusal) => refusal,
                Ok(_) if before.is_some_and(|(row, _)| row.retired_on.is_some()) => {
                    Refusal::new(Reason::ExpertRetired).with("key", &given.key)
                }
                Ok(_) if taken.contains(&given.key) => Refusal::new(Reason::ExpertKeyTaken).with("key", &given.key),
                Ok(content) => {
                    let known = before.map(|(row, private)| (row, content_of(row, private.clone())));
                    match &known {
                        None => answer.created += 1,
                        Some((_, known)) if *known == content => {
                            answer.unchanged += 1;
                            continue;
                        }
                        Some(_) => answer.updated += 1,
                    }
                    if !plan.is_empty() {
                        let known = known.as_ref();
                        let act = if known.is_some() { Act::Change(content) } else { Act::Register(content) };
                        asked.push(ask_of(
                            &given.key,
                            known.map(|(row, _)| row.revision),
                            act,
                            known.map(|(_, was)| was),
                        ));
                    } else if let Some((row, _)) = known {
                        keep::change(&mut tx, &self.secrets, &author, row, &content).await?;
                    } else {
                        keep::create(&mut tx, &self.secrets, &author, &head.parent, &given.key, &content).await?;
                    }
                    continue;
                }
            };
            answer.returned += 1;
            read.problems.push(given.problem(&refused));
        }
        read.problems.sort_by_key(|problem| problem.line);
        answer.problems = read.problems.iter().map(problem).collect();
        if !asked.is_empty() {
            answer.change = changes::ask(&mut tx, &self.secrets, &head.parent, plan, &why, &asked).await?;
        }
        tx.changed(&format!("{}/experts", head.parent), None, Some(&answer));
        tx.commit(&()).await?;
        Ok(answer)
    }
}

#[tonic::async_trait]
impl Experts for Api {
    async fn list_experts(
        &self,
        request: Request<pb::ListExpertsRequest>,
    ) -> Result<Response<pb::ListExpertsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.reaches(&request.parent)?;
        let rows = pages::rows(request.page_size)?;
        let after = pages::after(&request.page_token)?;
        let order = pb::ExpertOrder::try_from(request.order)
            .map_err(|_| Refusal::invalid("order", "没有这种排序 / unknown"))?;
        let filter = self.filter(pb::ExportExpertsRequest {
            parent: request.parent.clone(),
            query: request.query.clone(),
            specialty: request.specialty.clone(),
            district: request.district.clone(),
            state: request.state,
            real_name: request.real_name.clone(),
        })?;
        if filter.name_digest.is_none() {
            let mut conn = self.ledger.pool().acquire().await.map_err(Refusal::from)?;
            return Ok(Response::new(self.page(&mut conn, &filter, order, after.as_deref(), rows).await?));
        }
        rules::check_naming(&caller)?;
        let mut tx = self.ledger.begin(&caller, "", &request).await?;
        let answer = self.page(&mut tx, &filter, order, after.as_deref(), rows).await?;
        tx.changed::<pb::Expert>(&format!("{}/experts", request.parent), None, None);
        tx.commit(&()).await?;
        Ok(Response::new(answer))
    }

    async fn get_expert(&self, request: Request<pb::GetExpertRequest>) -> Result<Response<pb::Expert>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let (organisation, key) = within(&request.name, "experts", &caller.reach())?;
        let mut tx = self.ledger.begin(&caller, "", &request).await?;
        let answer = self.whole(&mut tx, organisation, key).await?;
        tx.changed::<pb::Expert>(&answer.name, None, None);
        tx.commit(&()).await?;
        Ok(Response::new(answer))
    }

    async fn create_expert(&self, request: Request<pb::CreateExpertRequest>) -> Result<Response<pb::Expert>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.owns(&request.parent)?;
        let given = request.expert.clone().unwrap_or_default();
        let key = rules::key("expert.key", &given.key)?;
        let content = Content::parse("expert.", &given)?;
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let plan = changes::guard(&mut tx, &request.parent).await?;
        let answer = if plan.is_empty() {
            let author = Author::acting(&tx);
            keep::create(&mut tx, &self.secrets, &author, &request.parent, &key, &content).await?;
            self.whole(&mut tx, &request.parent, &key).await?
        } else {
            let why = changes::why(&plan, &request.reason)?;
            let known = store::some(&mut tx, &request.parent, &[&key]).await?;
            if !known.is_empty() || !store::taken(&mut tx, &request.parent, &[&key]).await?.is_empty() {
                return Err(Refusal::new(Reason::ExpertKeyTaken).with("key", &key).into());
            }
            let shown = new(&request.parent, &key, &content);
            let asked = [ask_of(&key, None, Act::Register(content), None)];
            let pending_change = changes::ask(&mut tx, &self.secrets, &request.parent, plan, &why, &asked).await?;
            pb::Expert { pending_change, ..shown }
        };
        tx.changed(&answer.name, None, Some(&answer));
        answered(tx, answer).await
    }

    async fn update_expert(&self, request: Request<pb::UpdateExpertRequest>) -> Result<Response<pb::Expert>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let given = request.expert.clone().unwrap_or_default();
        let (organisation, key) = within(&given.name, "experts", &caller.own())?;
        let content = Content::parse("expert.", &given)?;
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        store::lock(&mut tx, organisation, &[key]).await?;
        let row = store::get(&mut tx, organisation, key, self.year()).await?;
        Refusal::check_etag(&given.etag, row.revision, &row.name(), (&row.changed_by, &row.changed_what))?;
        let before = self.whole(&mut tx, organisation, key).await?;
        let plan = changes::guard(&mut tx, organisation).await?;
        if plan.is_empty() {
            let author = Author::acting(&tx);
            keep::change(&mut tx, &self.secrets, &author, &row, &content).await?;
        } else {
            if row.retired_on.is_some() {
                return Err(Refusal::new(Reason::ExpertRetired).with("key", key).into());
            }
            let private = keep::open(&mut tx, &self.secrets, std::slice::from_ref(&row)).await?;
            let was = content_of(&row, private.into_iter().next().unwrap_or_default());
            if was == content {
                // Nothing for which a second person would be needed.
                tx.changed(&before.name, Some(&before), Some(&before));
                return answered(tx, before).await;
            }
            let why = changes::why(&plan, &request.reason)?;
            let asked = [ask_of(key, Some(row.revision), Act::Change(content), Some(&was))];
            changes::ask(&mut tx, &self.secrets, organisation, plan, &why, &asked).await?;
        }
        let answer = self.whole(&mut tx, organisation, key).await?;
        tx.changed(&answer.name, Some(&before), Some(&answer));
        answered(tx, answer).await
    }

    async fn set_expert_state(
        &self,
        request: Request<pb::SetExpertStateRequest>,
    ) -> Result<Response<pb::Expert>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let (organisation, key) = within(&request.name, "experts", &caller.own())?;
        let retire = asked_state(request.state)?
            .ok_or_else(|| Refusal::invalid("state", "请选择在册或退出 / active or retired"))?;
        let why = reason("reason", &request.reason, "请说明理由 / say why")?;
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        store::lock(&mut tx, organisation, &[key]).await?;
        let row = store::get(&mut tx, organisation, key, self.year()).await?;
        Refusal::check_etag(&request.etag, row.revision, &row.name(), (&row.changed_by, &row.changed_what))?;
        if retire == row.retired_on.is_some() {
            let (state, act) = if retire {
                ("已退出 RETIRED", "退出 retire")
            } else {
                ("在册 ACTIVE", "恢复在册 take back")
            };
            return Err(Refusal::wrong_state(&request.name, state, act).into());
        }
        let before = self.whole(&mut tx, organisation, key).await?;
        let plan = changes::guard(&mut tx, organisation).await?;
        if plan.is_empty() {
            let author = Author::acting(&tx);
            changes::set_retired(&mut tx, &author, &row, retire.then_some(why.as_str())).await?;
        } else {
            let act = if retire { Act::Retire } else { Act::TakeBack };
            let asked = [ask_of(key, Some(row.revision), act, None)];
            changes::ask(&mut tx, &self.secrets, organisation, plan, &why, &asked).await?;
        }
        let answer = self.whole(&mut tx, organisation, key).await?;
        tx.changed(&answer.name, Some(&before), Some(&answer));
        answered(tx, answer).await
    }

    async fn import_experts(
        &self,
        request: Request<Streaming<pb::ImportExpertsRequest>>,
    ) -> Result<Response<pb::ImportExpertsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut upload = self.uploads.open(request.into_inner())?;
        let Some(first) = upload.next().await? else {
            return Err(Refusal::invalid("file", "没有内容 / nothing was sent").into());
        };
        caller.owns(&first.parent)?;
        let head = pb::ImportExpertsRequest { file: None, ..first.clone() };
        let bytes = |chunk: pb::ImportExpertsRequest| chunk.file.unwrap_or_default().data;
        let importer = self.clone();
        if !first.upload.is_empty() {
            if !bytes(first.clone()).is_empty() {
                return Err(Refusal::invalid(
                    "upload",
                    "已续传的文件与内容不能同时给出 / an upload or bytes, not both",
                )
                .into());
            }
            let kept = self.sessions.complete(&caller, &first.parent, &first.upload).await?;
            if kept.is_used() {
                return Err(Refusal::wrong_state(&kept.name, "已导入 USED", "导入专家 import").into());
            }
            let pieces = self.sessions.pieces(&kept);
            return Ok(Response::new(upload.run_kept(importer.import(caller, head, pieces)).await?));
        }
        Ok(Response::new(upload.run(first, bytes, |pieces| importer.import(caller, head, pieces)).await?))
    }

    type ExportExpertsStream = Download;

    async fn export_experts(&self, request: Request<pb::ExportExpertsRequest>) -> Result<Response<Download>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        caller.reaches(&request.parent)?;
        let resource = format!("{}/experts", request.parent);
        let filter = self.filter(request.clone())?;
        let mut tx = self.ledger.begin(&caller, "", &request).await?;
        let today = legal_day(tx.now());
        let limit = store::export_max(&mut tx, today).await?;
        let n = store::count(&mut tx, &filter).await?;
        if n > limit {
            return Err(Refusal::new(Reason::ExportOverLimit).with("n", n).with("limit", limit).into());
        }
        let asked = (pb::ExpertOrder::Unspecified, self.year());
        let found = store::list(&mut tx, &filter, asked, None, limit).await?;
        let private = keep::open(&mut tx, &self.secrets, &found).await?;
        let data = table::write(&found, &private, &table::watermark(&caller, tx.now()))?;
        tx.changed::<pb::Expert>(&resource, None, None);
        tx.commit(&()).await?;
        let content_type = "text/csv; charset=utf-8".to_owned();
        let pieces = data.chunks(128 << 10).map(|piece| {
            Ok(HttpBody { content_type: content_type.clone(), data: piece.to_vec(), extensions: Vec::new() })
        });
        Ok(Response::new(Box::pin(futures::stream::iter(pieces.collect::<Vec<_>>()))))
    }
}

/// Commits a change of an expert. The answer is kept for repetitions as it is given: without what is sealed.
async fn answered(tx: Tx, whole: pb::Expert) -> Result<Response<pb::Expert>, Status> {
    let answer = rules::without_private(whole);
    tx.commit(&answer).await?;
    Ok(Response::new(answer))
}

/// An upload's bytes, once it ended.
async fn whole_file(mut pieces: mpsc::Receiver<Piece>) -> Result<Vec<u8>> {
    let mut whole = Vec::new();
    while let Some(piece) = pieces.recv().await {
        match piece {
            Piece::Bytes(bytes) if whole.len() + bytes.len() > FILE_BYTES_MAX => {
                return Err(Refusal::new(Reason::TooLarge).with("limit", "8 MiB"));
            }
            Piece::Bytes(bytes) => whole.extend_from_slice(&bytes),
            Piece::End => return Ok(whole),
        }
    }
    let problem = "上传中断，没有录入任何内容，请重新上传 / the upload broke off; nothing was entered";
    Err(Refusal::new(Reason::FileUnreadable).with("problem", problem))
}

/// Whether retired ones are asked for.
fn asked_state(state: i32) -> Result<Option<bool>> {
    match pb::ExpertState::try_from(state) {
        Ok(pb::ExpertState::Unspecified) => Ok(None),
        Ok(pb::ExpertState::Active) => Ok(Some(false)),
        Ok(pb::ExpertState::Retired) => Ok(Some(true)),
        Err(_) => Err(Refusal::invalid("state", "没有这种状态 / unknown")),
    }
}

/// What is asked of one expert, seen at a revision or new.
fn ask_of(key: &str, seen: Option<i64>, act: Act, before: Option<&Content>) -> Asked {
    Asked { key: key.to_owned(), revision: seen.unwrap_or(0), note: act.told(before), act }
}

/// Somebody who is not registered yet.
fn new(organisation: &str, key: &str, content: &Content) -> pb::Expert {
    pb::Expert {
        name: format!("{organisation}/experts/{key}"),
        key: key.to_owned(),
        real_name: content.private.real_name.clone(),
        employer: content.employer.clone(),
        specialties: content.specialties.clone(),
        districts: content.districts.clone(),
        interests: content.private.interests.iter().cloned().map(interest).collect(),
        state: pb::ExpertState::Active as i32,
        ..Default::default()
    }
}

fn interest(one: rules::Interest) -> pb::Interest {
    pb::Interest { title: one.title, subject: one.subject, relation: one.relation }
}

fn content_of(row: &ExpertRow, private: Private) -> Content {
    Content {
        private,
        employer: row.employer.clone(),
        specialties: row.specialties.clone(),
        districts: row.districts.clone(),
    }
}

fn message(row: &ExpertRow, private: Private) -> pb::Expert {
    let state = if row.retired_on.is_some() { pb::ExpertState::Retired } else { pb::ExpertState::Active };
    pb::Expert {
        name: row.name(),
        key: row.key.clone(),
        real_name: private.real_name,
        employer: row.employer.clone(),
        specialties: row.specialties.clone(),
        districts: row.districts.clone(),
        interests: private.interests.into_iter().map(interest).collect(),
        state: state as i32,
        retire_date: row.retired_on.map(|day| day.to_string()).unwrap_or_default(),
        retire_reason: row.retire_reason.clone(),
        declare_date: row.declared_at.map(|at| legal_day(at).to_string()).unwrap_or_default(),
        conflicts: i32::try_from(row.conflicts).unwrap_or(i32::MAX),
        etag: row.revision.to_string(),
        create_time: Some(timestamp(row.created_at)),
        change_time: Some(timestamp(row.changed_at)),
        pending_change: String::new(),
    }
}

fn problem(problem: &kit::sheet::Problem) -> RowProblem {
    RowProblem {
        line: i64::try_from(problem.line).unwrap_or(i64::MAX),
        field: problem.field.clone(),
        value: problem.value.clone(),
        reason: problem.reason.to_string(),
        message: problem.zh.clone(),
        message_en: problem.en.clone(),
    }
}
