//! What happened in the demonstration city before the newcomer came.

use std::time::Duration;

use anyhow::{Context, ensure};
use chrono::Datelike;
use kit::{env::Env, ledger::Ledger};
use proto::{
    google::api::HttpBody,
    qingtian::{
        catalog::v1::{ImportItemsRequest, ListItemsRequest, PublishItemsRequest, catalog_client::CatalogClient},
        common::v1::{Import, ImportState},
        draws::v1::{
            AddEntryRequest, Contributor, ContributorKind, CreateDrawRequest, CreatePlanRequest, Draw, DrawState,
            GetDrawRequest, GetPlanRequest, ImportSubjectsRequest, Plan, PlanKind, PublishPlanRequest, Quota,
            StateDrawRequest, Stratification, SubmitPlanRequest, TeamPart, draws_client::DrawsClient,
            plans_client::PlansClient, quota::Amount, registers_client::RegistersClient,
        },
        identity::v1::{CreateOrganisationRequest, CreateUserRequest, identity_client::IdentityClient},
        portal::{self, v1::portal_client::PortalClient},
    },
};

use super::{
    Account,
    city::{self, MARKET, Person, SUPERVISION},
    client::{AsPerson, sign_in},
    items, subjects,
};

/// Largest part of an upload sent at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// How long to wait for a part to catch up with what another one announced.
const PATIENCE: Duration = Duration::from_secs(300);

/// Tells the whole story; answers the accounts.
///
/// # Errors
/// A part refuses.
pub async fn tell(env: &Env) -> anyhow::Result<Vec<Account>> {
    let accounts = people(env).await.context("organisations and people")?;
    publish_items(env, &accounts).await.context("items")?;
    upload_register(env, &accounts).await.context("register")?;
    let plan = publish_plan(env, &accounts).await.context("plan")?;
    draw(env, &accounts, &plan).await.context("draw")?;
    Ok(accounts)
}

fn account(person: &Person, organisation: &str, password: String) -> Account {
    Account {
        username: person.user.username.clone(),
        password,
        real_name: person.user.real_name.clone(),
        organisation: organisation.to_owned(),
        duty: person.duty.to_owned(),
    }
}

fn password() -> anyhow::Result<String> {
    // 16 hexadecimal digits from the operating system, with a capital and a sign for the password rule.
    Ok(format!("Kf-{}", hex::encode(&kit::keys::random_bytes()?[..8])))
}

async fn people(env: &Env) -> anyhow::Result<Vec<Account>> {
    let bureau = city::bureau();
    let operator = city::operator();
    let first = account(&operator, &bureau.title, password()?);
    let operator_made = identity::Bootstrap {
        organisation_id: "bureau",
        organisation: bureau.clone(),
        username: &operator.user.username,
        real_name: &operator.user.real_name,
        password: &first.password,
    };
    identity::bootstrap(&Ledger::open(env, "identity")?, operator_made).await?;
    let mut identity = IdentityClient::new(sign_in(env, &first).await?);
    let mut titles = std::collections::BTreeMap::from([(bureau.name.clone(), bureau.title.clone())]);
    for (id, organisation) in city::organisations() {
        titles.insert(organisation.name.clone(), organisation.title.clone());
        let request = CreateOrganisationRequest {
            organisation_id: id,
            organisation: Some(organisation),
            request_id: String::new(),
        };
        identity.create_organisation(request).await?;
    }
    let mut accounts = vec![first];
    for person in city::people() {
        let title = titles.get(&person.user.organisation).cloned().unwrap_or_default();
        let made = account(&person, &title, password()?);
        create_user(&mut identity, &person, &made.password).await?;
        accounts.push(made);
    }
    let title = titles.get(MARKET).cloned().unwrap_or_default();
    for (nth, officer) in city::officers().into_iter().enumerate() {
        let made = account(&officer, &title, password()?);
        create_user(&mut identity, &officer, &made.password).await?;
        // One officer's account is enough to look around with; the others' passwords are nobody's business.
        if nth == 0 {
            accounts.push(made);
        }
    }
    Ok(accounts)
}

async fn create_user(identity: &mut IdentityClient<AsPerson>, person: &Person, password: &str) -> anyhow::Result<()> {
    let request =
        CreateUserRequest { user: Some(person.user.clone()), password: password.to_owned(), request_id: String::new() };
    identity.create_user(request).await.with_context(|| format!("user {}", person.user.username))?;
    Ok(())
}

async fn as_person(env: &Env, accounts: &[Account], username: &str) -> anyhow::Result<AsPerson> {
    let account = accounts.iter().find(|a| a.username == username).with_context(|| format!("no account {username}"))?;
    sign_in(env, account).await
}

fn chunks(text: &str) -> impl Iterator<Item = HttpBody> {
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

async fn publish_items(env: &Env, accounts: &[Account]) -> anyhow::Result<()> {
    let mut handler = CatalogClient::new(as_person(env, accounts, "market-handler").await?);
    let requests: Vec<_> = chunks(&items::csv())
        .map(|file| ImportItemsRequest {
            parent: MARKET.to_owned(),
            file_name: "随机抽查事项清单.csv".to_owned(),
            random_listed: true,
            derive_checklist: true,
            file: Some(file),
            ..ImportItemsRequest::default()
        })
        .collect();
    all_went_in(handler.import_items(futures::stream::iter(requests)).await?.get_ref())?;
    let mut reviewer = CatalogClient::new(as_person(env, accounts, "market-reviewer").await?);
    let request = PublishItemsRequest { parent: MARKET.to_owned(), names: Vec::new(), request_id: String::new() };
    let published = reviewer.publish_items(request).await?.into_inner();
    ensure!(published.refused.is_empty(), "{:?}", published.refused);
    Ok(())
}

async fn upload_register(env: &Env, accounts: &[Account]) -> anyhow::Result<()> {
    let mut handler = RegistersClient::new(as_person(env, accounts, "market-handler").await?);
    let columns = [
        "key=统一社会信用代码",
        "title=企业名称",
        "district=行政区划",
        "industry=行业代码",
        "address=地址",
        "status=登记状态",
    ];
    let requests: Vec<_> = chunks(&subjects::csv())
        .map(|file| ImportSubjectsRequest {
            parent: MARKET.to_owned(),
            file_name: "检查对象名录库.csv".to_owned(),
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
            file: Some(file),
            ..ImportSubjectsRequest::default()
        })
        .collect();
    all_went_in(handler.import_subjects(futures::stream::iter(requests)).await?.get_ref())
}

async fn publish_plan(env: &Env, accounts: &[Account]) -> anyhow::Result<String> {
    let handler = as_person(env, accounts, "market-handler").await?;
    let mut catalog = CatalogClient::new(handler.clone());
    let request = ListItemsRequest { parent: MARKET.to_owned(), page_size: 100, ..ListItemsRequest::default() };
    let items = catalog.list_items(request).await?.into_inner().items;
    let year = env.clock.now().year();
    let plan = Plan {
        organisation: MARKET.to_owned(),
        title: format!("{year}年度市场主体“双随机、一公开”抽查工作计划"),
        year,
        kind: PlanKind::Annual as i32,
        items: items
            .iter()
            .filter(|item| item.code.parse::<u32>().is_ok_and(|code| code <= 4))
            .map(|i| i.name.clone())
            .collect(),
        stratification: Stratification::District as i32,
        quotas: vec![Quota { stratum: "*".to_owned(), amount: Some(Amount::Ppm(30_000)) }],
        teams: vec![TeamPart { organisation: MARKET.to_owned(), size: 2, specialty: String::new() }],
        cover_district: true,
        start_date: format!("{year}-01-01"),
        end_date: format!("{year}-12-31"),
        method: "现场检查、书面检查".to_owned(),
        frequency: "每年1次".to_owned(),
        ..Plan::default()
    };
    let mut plans = PlansClient::new(handler.clone());
    let plan = plans.create_plan(CreatePlanRequest { plan: Some(plan), request_id: String::new() }).await?.into_inner();
    // The items were announced by catalog; draws learns of them by following.
    let plan = eventually("draws to know the items", async || {
        let request = SubmitPlanRequest { name: plan.name.clone(), etag: plan.etag.clone(), request_id: String::new() };
        Ok(PlansClient::new(handler.clone()).submit_plan(request).await.ok().map(tonic::Response::into_inner))
    })
    .await?;
    let mut reviewer = PlansClient::new(as_person(env, accounts, "market-reviewer").await?);
    let request = PublishPlanRequest { name: plan.name.clone(), etag: plan.etag, request_id: String::new() };
    reviewer.publish_plan(request).await?;
    Ok(plan.name)
}

async fn draw(env: &Env, accounts: &[Account], plan: &str) -> anyhow::Result<()> {
    env.clock.advance(chrono::Duration::days(1));
    let handler = as_person(env, accounts, "market-handler").await?;
    let mut plans = PlansClient::new(handler.clone());
    plans.get_plan(GetPlanRequest { name: plan.to_owned() }).await?;
    let now = env.clock.now();
    let after = |minutes: i64| Some(kit::ledger::timestamp(now + chrono::Duration::minutes(minutes)));
    let department = |organisation: &str| {
        let unit = organisation.trim_start_matches("organisations/").to_owned();
        Contributor { contributor: unit.clone(), kind: ContributorKind::Department as i32, unit }
    };
    let beacon = Contributor {
        contributor: "lottery:demo:0".to_owned(),
        kind: ContributorKind::Beacon as i32,
        unit: String::new(),
    };
    let draw = Draw {
        plan: plan.to_owned(),
        contributors: vec![department(MARKET), department(SUPERVISION), beacon],
        entries_close: after(30),
        beacon_time: after(40),
        reveal_by: after(24 * 60),
        ..Draw::default()
    };
    let mut draws = DrawsClient::new(handler.clone());
    let draw = draws.create_draw(CreateDrawRequest { draw: Some(draw), request_id: String::new() }).await?.into_inner();
    // Officers were announced by identity; draws learns of them by following.
    let draw = eventually("draws to know the officers", async || {
        let request = StateDrawRequest { name: draw.name.clone(), etag: draw.etag.clone(), request_id: String::new() };
        Ok(DrawsClient::new(handler.clone()).state_draw(request).await.ok().map(tonic::Response::into_inner))
    })
    .await?;
    env.clock.advance(chrono::Duration::minutes(4));
    for (username, dice) in [("market-handler", "4 2 6 1 3 5"), ("supervision", "6 6 1 2 5 3")] {
        let mut contributor = DrawsClient::new(as_person(env, accounts, username).await?);
        let request = AddEntryRequest {
            name: draw.name.clone(),
            value: dice.to_owned(),
            statement: draw.statement.clone(),
            request_id: String::new(),
        };
        contributor.add_entry(request).await?;
    }
    env.clock.advance(chrono::Duration::minutes(27));
    env.clock.advance(chrono::Duration::minutes(10));
    let draw = eventually("the draw to be revealed and dispatched", async || {
        let mut draws = DrawsClient::new(as_person(env, accounts, "market-handler").await?);
        let draw = draws.get_draw(GetDrawRequest { name: draw.name.clone() }).await?.into_inner();
        ensure!(draw.state() != DrawState::Failed, "the draw failed: {}", draw.end_reason);
        Ok((draw.state() == DrawState::Dispatched).then_some(draw))
    })
    .await?;
    // A newcomer's first look is at the public site: portal learns of the items, of the draw's end and of its visits by
    // following.
    let request = ListItemsRequest { parent: MARKET.to_owned(), page_size: 100, ..ListItemsRequest::default() };
    // The handler's first token is over: forty minutes have passed.
    let handler = as_person(env, accounts, "market-handler").await?;
    let items = CatalogClient::new(handler).list_items(request).await?.into_inner().items.len();
    let mut portal = PortalClient::new(env.peers.channel("portal")?);
    eventually("the portal to show the items, the draw and its visits", async || {
        let overview =
            portal.get_overview(portal::v1::GetOverviewRequest {}).await.ok().map(tonic::Response::into_inner);
        if overview.is_none_or(|overview| usize::try_from(overview.items) != Ok(items)) {
            return Ok(None);
        }
        let request = portal::v1::GetDrawRequest { name: draw.name.clone() };
        let shown = portal.get_draw(request).await.ok().map(tonic::Response::into_inner).unwrap_or_default();
        let dispatched = shown.draw.is_some_and(|shown| shown.state() == DrawState::Dispatched);
        Ok((dispatched && shown.visits == draw.drawn && shown.evidence_size > 0).then_some(()))
    })
    .await
}

/// Asks until there is an answer. Parts learn from each other by following, which takes a moment.
async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
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
