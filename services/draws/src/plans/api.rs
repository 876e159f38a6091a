//! Plans over gRPC (art. 9, 14): parse, load, decide, save, announce.

use chrono::NaiveDate;
use kit::{
    auth::Caller,
    env::Clock,
    error::{Refusal, Result},
    ledger::{Audience, Ledger, Tx, timestamp},
};
use proto::qingtian::draws::{
    events::v1::PlanPublished,
    v1::{self as pb, plans_server::Plans},
};
use sqlx::{Connection, PgConnection};
use tonic::{Request, Response, Status};

use super::{
    classes,
    content::{self, Content},
    enough,
    rules::{self, Plan, PlanId, State, Step},
    store,
};
use crate::{
    people::declarations::{rules::year_of, store as declarations},
    registers,
};

/// The service.
pub struct Api {
    ledger: Ledger,
    clock: Clock,
}

impl Api {
    pub(super) fn new(ledger: Ledger, clock: Clock) -> Self {
        Self { ledger, clock }
    }

    /// Locks a plan for a step of somebody who has read its newest revision.
    async fn lock(&self, tx: &mut Tx, name: &str, etag: &str) -> Result<Plan> {
        let own = tx.caller().own();
        let plan = store::lock(tx, name, &own).await?;
        Refusal::check_etag(etag, plan.revision, &plan.name(), (&plan.changed_by, &plan.changed_what))?;
        Ok(plan)
    }

    /// Saves what a step made of a plan, and answers it.
    async fn save(&self, mut tx: Tx, before: &Plan, after: Plan) -> Result<pb::Plan> {
        store::update(&mut tx, &after).await?;
        let answer = message(&after);
        tx.changed(&after.name(), Some(&message(before)), Some(&answer));
        tx.commit(&answer).await?;
        Ok(answer)
    }
}

#[tonic::async_trait]
impl Plans for Api {
    async fn create_plan(&self, request: Request<pb::CreatePlanRequest>) -> Result<Response<pb::Plan>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let given = request.plan.clone().unwrap_or_default();
        let organisation = caller.organisation.clone();
        if organisation.is_empty() || !(given.organisation.is_empty() || given.organisation == organisation) {
            return Err(Refusal::not_found(given.organisation).into());
        }
        let year = content::year(given.year)?;
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let day = rules::legal_day(tx.now());
        let given = offered(&mut tx, given, "", day).await?;
        let content = Content::parse(&given)?;
        let id = store::next_number(&mut tx, year).await?;
        let plan = Plan::draft(id, &organisation, content, &caller.actor, tx.now());
        store::insert(&mut tx, &plan).await?;
        let answer = message(&plan);
        tx.changed(&plan.name(), None, Some(&answer));
        tx.commit(&answer).await?;
        tracing::info!(plan.id = %id, "drafted plan");
        Ok(Response::new(answer))
    }

    async fn update_plan(&self, request: Request<pb::UpdatePlanRequest>) -> Result<Response<pb::Plan>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let mut given = request.plan.clone().unwrap_or_default();
        let id = PlanId::parse(&given.name)?;
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let before = self.lock(&mut tx, &given.name, &given.etag).await?;
        // The year stands in the plan's number, which stays.
        if given.year != 0 && given.year != id.year {
            return Err(Refusal::invalid("year", "年度不能更改 / the year cannot be changed").into());
        }
        given.year = id.year;
        let mut after = before.clone().step(Step::Edit, &caller.actor, tx.now())?;
        // What the draft was begun under stays with it.
        let (version, day) = (before.content.shape.class_setting.clone(), rules::legal_day(tx.now()));
        after.content = Content::parse(&offered(&mut tx, given, &version, day).await?)?;
        Ok(Response::new(self.save(tx, &before, after).await?))
    }

    async fn get_plan(&self, request: Request<pb::GetPlanRequest>) -> Result<Response<pb::Plan>, Status> {
        let caller = Caller::of(&request)?;
        let mut conn = self.ledger.pool().acquire().await.map_err(Refusal::from)?;
        let plan = store::load(&mut conn, &request.into_inner().name, &caller.reach()).await?;
        Ok(Response::new(message(&plan)))
    }

    async fn list_plans(
        &self,
        request: Request<pb::ListPlansRequest>,
    ) -> Result<Response<pb::ListPlansResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let page = store::ORDERS.page(&request.order_by, &request.page_token, request.page_size)?;
        let filter = store::Filter {
            query: content::text("query", &request.query, 100)?,
            state: asked_state(request.state)?,
            year: (request.year != 0).then_some(request.year),
        };
        let mut conn = self.ledger.pool().acquire().await.map_err(Refusal::from)?;
        let mut plans = store::list(&mut conn, &caller.reach(), &filter, &page).await?;
        let next_page_token = page.cut(&mut plans);
        Ok(Response::new(pb::ListPlansResponse { plans: plans.iter().map(message).collect(), next_page_token }))
    }

    async fn preview_plan(
        &self,
        request: Request<pb::PreviewPlanRequest>,
    ) -> Result<Response<pb::PreviewPlanResponse>, Status> {
        let caller = Caller::of(&request)?;
        let name = request.into_inner().name;
        let mut conn = self.ledger.pool().acquire().await.map_err(Refusal::from)?;
        let mut tx = conn.begin_with("begin isolation level repeatable read read only").await.map_err(Refusal::from)?;
        let plan = store::load(&mut tx, &name, &caller.reach()).await?;
        let quarter = plan.spared_quarter(self.clock.now());
        let day = rules::legal_day(self.clock.now());
        let counts = registers::store::counts(&mut tx, &plan, (quarter.as_deref(), Some(day))).await?;
        let people = enough::people(&mut tx, &plan, day).await?;
        let warnings = warnings(&mut tx, &people, day).await?;
        let mut obstacles: Vec<Refusal> = plan.complete().err().into_iter().collect();
        obstacles.extend(store::check_items(&mut tx, &plan.content.items).await.err());
        drop(tx);
        obstacles.extend(rules::obstacles(&plan, &counts, &people, day));
        let strata = preview(&plan, &counts, &people.officers);
        let obstacles = obstacles.iter().map(Refusal::message).collect();
        let experts = i64::try_from(people.experts.len()).unwrap_or(i64::MAX);
        Ok(Response::new(pb::PreviewPlanResponse { strata, obstacles, experts, warnings }))
    }

    async fn submit_plan(&self, request: Request<pb::SubmitPlanRequest>) -> Result<Response<pb::Plan>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let before = self.lock(&mut tx, &request.name, &request.etag).await?;
        let after = before.clone().step(Step::Submit, &caller.actor, tx.now())?;
        check_drawable(&mut tx, &after).await?;
        Ok(Response::new(self.save(tx, &before, after).await?))
    }

    async fn return_plan(&self, request: Request<pb::ReturnPlanRequest>) -> Result<Response<pb::Plan>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let before = self.lock(&mut tx, &request.name, &request.etag).await?;
        let mut after = before.clone().step(Step::Return, &caller.actor, tx.now())?;
        after.return_reason = content::reason("reason", &request.reason, "请说明退回理由 / say why")?;
        Ok(Response::new(self.save(tx, &before, after).await?))
    }

    async fn publish_plan(&self, request: Request<pb::PublishPlanRequest>) -> Result<Response<pb::Plan>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let before = self.lock(&mut tx, &request.name, &request.etag).await?;
        let after = before.clone().step(Step::Publish, &caller.actor, tx.now())?;
        check_drawable(&mut tx, &after).await?;
        // Everybody receives it: no account names, and nothing of what was said on the way to publication.
        let plan = pb::Plan {
            creator: String::new(),
            publisher: String::new(),
            etag: String::new(),
            return_reason: String::new(),
            ..message(&after)
        };
        let event = PlanPublished { plan: Some(plan) };
        tx.emit(&after.name(), after.revision, &event, Audience::Public)?;
        let answer = self.save(tx, &before, after).await?;
        tracing::info!(plan.id = %answer.name, late = answer.late, "published plan");
        Ok(Response::new(answer))
    }
}

/// Refuses a plan over which no draw could ever be stated: an item that may not be drawn for, or a register it divides into
/// more strata than a draw can have. What a register lacks may still be added to it and stands in nobody's way here.
async fn check_drawable(conn: &mut PgConnection, plan: &Plan) -> Result<()> {
    store::check_items(conn, &plan.content.items).await?;
    let counts = registers::store::counts(conn, plan, (None, None)).await?;
    rules::too_many_strata(plan, &counts).map_or(Ok(()), Err)
}

/// What a drafter sent, with what the settings by credit class offer where it says nothing.
async fn offered(conn: &mut PgConnection, mut given: pb::Plan, version: &str, day: NaiveDate) -> Result<pb::Plan> {
    given.class_setting.clear();
    if classes::divides(given.stratification()) {
        let setting = classes::setting(conn, version, day).await?;
        classes::offer(&mut given, &setting);
    }
    Ok(given)
}

/// What should be seen to before the draw: candidates whose interests of the year nobody has declared (art. 16).
async fn warnings(
    conn: &mut PgConnection,
    people: &enough::People,
    day: chrono::NaiveDate,
) -> Result<Vec<pb::PlanWarning>> {
    let officers: Vec<&str> = people.officers.iter().map(|officer| officer.key.as_str()).collect();
    let experts: Vec<&str> = people.experts.iter().map(|expert| expert.key.as_str()).collect();
    let year = year_of(day);
    let (officers_n, experts_n) = declarations::undeclared_among(conn, &officers, &experts, year).await?;
    let warning = |zh: &str, en: &str, undeclared: i64, all: usize| {
        let message = format!(
            "可派的 {all} 名{zh}中，有 {undeclared} 名尚未作 {year} 年度利害关系申报。他们仍参加抽取，请在声明前督促申报（第十六条）。"
        );
        let message_en = format!(
            "{undeclared} of {all} available {en} have not declared their interests for {year}. They are drawn all the same; have \
             them declare before the statement (art. 16)."
        );
        (undeclared > 0).then_some(pb::PlanWarning { message, message_en })
    };
    let officers = warning("执法人员", "officers", officers_n, officers.len());
    let experts = warning("专家", "experts", experts_n, experts.len());
    Ok(officers.into_iter().chain(experts).collect())
}

/// What a draw would find in each stratum.
fn preview(
    plan: &Plan,
    counts: &[rules::PoolCount],
    officers: &[registers::rules::Officer],
) -> Vec<pb::StratumPreview> {
    let strata = rules::strata(plan, counts);
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let strata = strata.iter().map(|(stratum, count)| {
        let quotas = rules::resolve(plan, [stratum.as_str()]).unwrap_or_default();
        let within = counts.iter().filter(|n| plan.stratum(&n.district, &n.class) == stratum.as_str());
        let districts: Vec<&str> = within.map(|n| n.district.as_str()).collect();
        let serves = |officer: &&registers::rules::Officer| {
            !plan.content.cover_district || officer.districts.iter().any(|own| districts.contains(&own.as_str()))
        };
        pb::StratumPreview {
            stratum: stratum.clone(),
            subjects: number(count.subjects),
            left_out: number(count.left_out),
            drawn: quotas.get(stratum).map_or(0, |quota| number(quota.places(count.subjects))),
            officers: number(officers.iter().filter(serves).count() as u64),
        }
    });
    strata.collect()
}

fn asked_state(state: i32) -> Result<Option<State>> {
    match pb::PlanState::try_from(state) {
        Ok(pb::PlanState::Unspecified) => Ok(None),
        Ok(pb::PlanState::Draft) => Ok(Some(State::Draft)),
        Ok(pb::PlanState::InReview) => Ok(Some(State::InReview)),
        Ok(pb::PlanState::Published) => Ok(Some(State::Published)),
        Ok(pb::PlanState::Finished) => Ok(Some(State::Finished)),
        Err(_) => Err(Refusal::invalid("state", "没有这种状态 / unknown")),
    }
}

/// A plan as the contract shows it.
pub fn message(plan: &Plan) -> pb::Plan {
    let content = &plan.content;
    let state = match plan.state {
        State::Draft => pb::PlanState::Draft,
        State::InReview => pb::PlanState::InReview,
        State::Published => pb::PlanState::Published,
        State::Finished => pb::PlanState::Finished,
    };
    let team = |part: &rules::TeamPart| pb::TeamPart {
        organisation: part.organisation.clone(),
        size: i32::try_from(part.size).unwrap_or(i32::MAX),
        specialty: part.specialty.clone().unwrap_or_default(),
    };
    let mut shown = pb::Plan {
        name: plan.name(),
        organisation: plan.organisation.clone(),
        title: content.title.clone(),
        year: plan.id.year,
        kind: content.kind as i32,
        state: state as i32,
        items: content.items.clone(),
        districts: content.districts.clone(),
        stratification: content.stratification as i32,
        quotas: content.quotas.iter().map(content::shown).collect(),
        teams: content.teams.iter().map(team).collect(),
        cover_district: content.cover_district,
        start_date: content.start.map(|day| day.to_string()).unwrap_or_default(),
        end_date: content.end.map(|day| day.to_string()).unwrap_or_default(),
        method: content.method.clone(),
        frequency: content.frequency.clone(),
        exceptions: content.exceptions.shown(),
        foresees_supplementary: content.foresees.supplementary.clone(),
        county_units: content.foresees.units(),
        second_visit_reason: content.foresees.second_visit_reason.clone(),
        etag: plan.revision.to_string(),
        creator: plan.creator.clone(),
        publisher: plan.publisher.clone(),
        create_time: Some(timestamp(plan.created_at)),
        publish_time: plan.published_at.map(timestamp),
        return_reason: plan.return_reason.clone(),
        late: plan.late,
        ..Default::default()
    };
    content.shape.show(&mut shown);
    shown
}
