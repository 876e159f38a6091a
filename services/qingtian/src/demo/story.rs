//! What happened in the demonstration city before the newcomer came.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use chrono::Datelike;
use kit::{env::Env, ledger::Ledger};
use proto::qingtian::{
    draws::v1::{
        AddEntryRequest, Contributor, ContributorKind, CreateDrawRequest, Draw, DrawState, GetDrawRequest, Plan,
        PlanKind, Quota, StateDrawRequest, Stratification, TeamPart, draws_client::DrawsClient, quota::Amount,
    },
    identity::v1::{CreateOrganisationRequest, CreateUserRequest, identity_client::IdentityClient},
    portal::{self, v1::portal_client::PortalClient},
};

use super::{
    Account,
    city::{self, EMERGENCY, MARKET, Person, SUPERVISION},
    client::{AsPerson, sign_in},
    desk::{Desk, eventually},
    items, people, subjects, unannounced,
};

/// Columns of the market bureau's register.
const COLUMNS: [&str; 6] = [
    "key=统一社会信用代码",
    "title=企业名称",
    "district=行政区划",
    "industry=行业代码",
    "address=地址",
    "status=登记状态",
];

/// Tells the whole story; answers the accounts.
///
/// # Errors
/// A part refuses.
pub async fn tell(env: &Env) -> anyhow::Result<Vec<Account>> {
    let (accounts, officers) = everybody(env).await.context("organisations and people")?;
    let market = Desk { env, accounts: &accounts, organisation: MARKET };
    let emergency = Desk { organisation: EMERGENCY, ..market };
    let register = subjects::csv();
    market.publish_items(&items::csv()).await.context("items")?;
    market.upload_register(&register, &COLUMNS).await.context("register")?;
    people::tell(&market, &officers, &register).await.context("declarations, leave, experts")?;
    let plan = market.publish_plan(annual_plan(&market).await?).await.context("plan")?;
    unannounced::tell(&emergency).await.context("the department that comes unannounced")?;
    draw(&market, &plan).await.context("draw")?;
    Ok(accounts)
}

pub(super) fn account(person: &Person, organisation: &str, password: String) -> Account {
    Account {
        username: person.user.username.clone(),
        password,
        real_name: person.user.real_name.clone(),
        organisation: organisation.to_owned(),
        duty: person.duty.to_owned(),
    }
}

pub(super) fn password() -> anyhow::Result<String> {
    // 16 hexadecimal digits from the operating system, with a capital and a sign for the password rule.
    Ok(format!("Kf-{}", hex::encode(&kit::keys::random_bytes()?[..8])))
}

/// Makes organisations and people. Answers the accounts that a newcomer is told, and those of the market bureau's officers.
async fn everybody(env: &Env) -> anyhow::Result<(Vec<Account>, Vec<Account>)> {
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
    let mut titles = create_organisations(&mut identity).await?;
    titles.insert(bureau.name.clone(), bureau.title.clone());
    let mut accounts = vec![first];
    for person in city::people() {
        let title = titles.get(&person.user.organisation).cloned().unwrap_or_default();
        let made = account(&person, &title, password()?);
        create_user(&mut identity, &person, &made.password).await?;
        accounts.push(made);
    }
    let mut officers = Vec::new();
    for officer in city::officers().into_iter().chain(city::emergency_officers()) {
        let title = titles.get(&officer.user.organisation).cloned().unwrap_or_default();
        let made = account(&officer, &title, password()?);
        create_user(&mut identity, &officer, &made.password).await?;
        if officer.user.organisation == MARKET {
            officers.push(made);
        }
    }
    // One officer's account is enough to look around with; the others' passwords are nobody's business.
    accounts.extend(officers.first().cloned());
    Ok((accounts, officers))
}

/// Makes every organisation but the bureau; answers their titles by name.
pub(super) async fn create_organisations(
    identity: &mut IdentityClient<AsPerson>,
) -> anyhow::Result<BTreeMap<String, String>> {
    let mut titles = BTreeMap::new();
    for (id, organisation) in city::organisations() {
        titles.insert(organisation.name.clone(), organisation.title.clone());
        let request = CreateOrganisationRequest {
            organisation_id: id,
            organisation: Some(organisation),
            request_id: String::new(),
        };
        identity.create_organisation(request).await?;
    }
    Ok(titles)
}

pub(super) async fn create_user(
    identity: &mut IdentityClient<AsPerson>,
    person: &Person,
    password: &str,
) -> anyhow::Result<()> {
    let request = CreateUserRequest {
        user: Some(person.user.clone()),
        password: password.to_owned(),
        verification: "核验居民身份证原件".to_owned(),
        ..CreateUserRequest::default()
    };
    identity.create_user(request).await.with_context(|| format!("user {}", person.user.username))?;
    Ok(())
}

async fn annual_plan(market: &Desk<'_>) -> anyhow::Result<Plan> {
    let year = market.env.clock.now().year();
    Ok(Plan {
        organisation: MARKET.to_owned(),
        title: format!("{year}年度市场主体“双随机、一公开”抽查工作计划"),
        year,
        kind: PlanKind::Annual as i32,
        items: market.items(4).await?,
        stratification: Stratification::District as i32,
        quotas: vec![Quota { stratum: "*".to_owned(), amount: Some(Amount::Ppm(30_000)) }],
        teams: vec![TeamPart { organisation: MARKET.to_owned(), size: 2, specialty: String::new() }],
        cover_district: true,
        start_date: format!("{year}-01-01"),
        end_date: format!("{year}-12-31"),
        method: "现场检查、书面检查".to_owned(),
        frequency: "每年1次".to_owned(),
        foresees_supplementary: "首次抽查发现问题较多的区划，经局长办公会研究，可在计划期内补充抽取一次。".to_owned(),
        ..Plan::default()
    })
}

async fn draw(market: &Desk<'_>, plan: &str) -> anyhow::Result<()> {
    let env = market.env;
    env.clock.advance(chrono::Duration::days(1));
    let handler = market.handler().await?;
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
        let mut contributor = DrawsClient::new(market.as_person(username).await?);
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
        let mut draws = DrawsClient::new(market.handler().await?);
        let draw = draws.get_draw(GetDrawRequest { name: draw.name.clone() }).await?.into_inner();
        ensure!(draw.state() != DrawState::Failed, "the draw failed: {}", draw.end_reason);
        Ok((draw.state() == DrawState::Dispatched).then_some(draw))
    })
    .await?;
    // A newcomer's first look is at the public site: portal learns of the items, of the draw's end and of its visits by
    // following.
    let items =
        market.items(u32::MAX).await?.len() + Desk { organisation: EMERGENCY, ..*market }.items(u32::MAX).await?.len();
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
