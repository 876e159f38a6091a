//! What happens in the year: lists, registers and caps in January, plans until March, and in every month a draw of each department
//! over the same enterprises (art. 9, 12-17).

use anyhow::{Context, ensure};
use chrono::{DateTime, Datelike, Duration, Months, NaiveDate, Utc};
use kit::{env::Env, ledger::Ledger};
use proto::qingtian::{
    catalog::v1::{
        ClaimItemsRequest, ClaimState, IssueItemsRequest, Item, ItemLevel, ListClaimsRequest,
        claims_client::ClaimsClient,
    },
    draws::v1::{
        AddEntryRequest, Cap, CapLimit, Contributor, ContributorKind, CreateCapRequest, CreateDrawRequest, Draw,
        DrawState, GetDrawRequest, Plan, PlanKind, PublishCapRequest, Quota, StateDrawRequest, Stratification,
        TeamPart, caps_client::CapsClient, draws_client::DrawsClient, quota::Amount,
    },
    identity::v1::identity_client::IdentityClient,
};

use super::city::{COLUMNS, DEPARTMENTS, Department, coordinators, register_csv};
use crate::demo::{
    Account,
    city::{self, Person, SUPERVISION},
    client::sign_in,
    desk::{Desk, eventually},
    story::{account, create_organisations, create_user, password},
};

/// How large a year is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Calendar year.
    pub year: i32,
    /// Departments that draw, at most six.
    pub departments: usize,
    /// Enterprises that all of them supervise.
    pub subjects: u32,
    /// Enterprises each of them draws in a month.
    pub drawn: i64,
    /// Months in which they draw, from January on; the plans are published first.
    pub months: u32,
}

/// Planned visits of an enterprise in a year: by one authority, and by all together.
const CAPS: [i32; 2] = [2, 3];

/// Items handed down to every department in January; half of them are claimed in time, the rest in this month, long overdue, and so many
/// never.
const HANDED_DOWN: usize = 40;
const LATE_MONTH: u32 = 5;
const NEVER_CLAIMED: usize = 3;

/// Which of what was handed down is claimed.
#[derive(Debug, Clone, Copy)]
enum Claimed {
    First,
    Rest,
}

/// A year being told.
pub struct Year<'a> {
    env: &'a Env,
    size: Size,
    accounts: Vec<Account>,
}

impl Year<'_> {
    /// Tells the whole of it, saying each month what it did.
    ///
    /// # Errors
    /// A part refuses.
    pub async fn tell(env: &Env, size: Size) -> anyhow::Result<()> {
        let mut year = Year { env, size, accounts: Vec::new() };
        year.people().await.context("organisations and people")?;
        let departments = &DEPARTMENTS[..size.departments.min(DEPARTMENTS.len())];
        let register = register_csv(size.subjects);
        let mut plans = Vec::new();
        for department in departments {
            let desk = year.desk(department);
            desk.publish_items(&department.items_csv())
                .await
                .with_context(|| format!("items of {}", department.unit()))?;
            desk.upload_register(&register, &COLUMNS)
                .await
                .with_context(|| format!("register of {}", department.unit()))?;
            year.cap(&desk, false).await.with_context(|| format!("caps of {}", department.unit()))?;
        }
        let bureau = Desk { env, accounts: &year.accounts, organisation: city::BUREAU };
        year.cap(&bureau, true).await.context("the city's caps")?;
        year.hand_down(departments).await.context("items from above")?;
        year.until(1, 20)?;
        year.claim(departments, Claimed::First).await.context("claims in time")?;
        year.until(2, 20)?;
        for department in departments {
            let desk = year.desk(department);
            plans.push((department, desk.publish_plan(year.plan(&desk, department).await?).await?));
            env.clock.advance(Duration::days(1));
        }
        for month in 1..=size.months.min(12) {
            year.until(month, 6)?;
            if month == LATE_MONTH {
                year.claim(departments, Claimed::Rest).await.context("late claims")?;
            }
            let drawn = year.draws(&plans).await.with_context(|| format!("draws of month {month}"))?;
            eprintln!("{}-{month:02}: {} draws, {drawn} drawn", size.year, plans.len());
        }
        year.until(12, 31)
    }

    fn desk(&self, department: &Department) -> Desk<'_> {
        Desk { env: self.env, accounts: &self.accounts, organisation: department.organisation }
    }

    /// Moves on to nine o'clock of a day of the year; a day that is over stays so.
    fn until(&self, month: u32, day: u32) -> anyhow::Result<()> {
        let then = morning(NaiveDate::from_ymd_opt(self.size.year, month, day).context("day")?)?;
        let wait = then - self.env.clock.now();
        if wait > Duration::zero() {
            self.env.clock.advance(wait);
        }
        Ok(())
    }

    async fn people(&mut self) -> anyhow::Result<()> {
        let bureau = city::bureau();
        let operator = city::operator();
        let first = account(&operator, &bureau.title, password()?);
        let made = identity::Bootstrap {
            organisation_id: "bureau",
            organisation: bureau,
            username: &operator.user.username,
            real_name: &operator.user.real_name,
            password: &first.password,
        };
        identity::bootstrap(&Ledger::open(self.env, "identity")?, made).await?;
        let mut identity = IdentityClient::new(sign_in(self.env, &first).await?);
        create_organisations(&mut identity).await?;
        self.accounts.push(first);
        let supervision = city::people().into_iter().filter(|person| person.user.username == "supervision");
        let departments = DEPARTMENTS.iter().take(self.size.departments).flat_map(Department::people);
        for person in supervision.chain(coordinators()).chain(departments) {
            let made = account(&person, &person.user.organisation, password()?);
            create_user(&mut identity, &person, &made.password).await?;
            if keeps_password(&person) {
                self.accounts.push(made);
            }
        }
        Ok(())
    }

    /// The coordinator hands items of the province down to every department, each with its clock (art. 6).
    async fn hand_down(&self, departments: &[Department]) -> anyhow::Result<()> {
        let bureau = Desk { env: self.env, accounts: &self.accounts, organisation: city::BUREAU };
        let items = (1..=HANDED_DOWN).map(|nth| Item {
            code: format!("4102{nth:010}"),
            title: format!("省级下发监管事项第{nth}项"),
            ..Item::default()
        });
        let request = IssueItemsRequest {
            items: items.collect(),
            organisations: departments.iter().map(|one| one.organisation.to_owned()).collect(),
            level: ItemLevel::Province as i32,
            request_id: String::new(),
        };
        let coordinator = bureau.handler().await?;
        // Organisations were announced by identity; catalog learns of them by following.
        eventually("catalog to know the departments", async || {
            Ok(ClaimsClient::new(coordinator.clone()).issue_items(request.clone()).await.ok())
        })
        .await?;
        Ok(())
    }

    /// Every department claims some of what was handed down.
    async fn claim(&self, departments: &[Department], which: Claimed) -> anyhow::Result<()> {
        for department in departments {
            let mut claims = ClaimsClient::new(self.desk(department).handler().await?);
            let parent = department.organisation.to_owned();
            let request = ListClaimsRequest {
                parent: parent.clone(),
                page_size: 1_000,
                order_by: "code".to_owned(),
                state: ClaimState::ToClaim as i32,
                ..ListClaimsRequest::default()
            };
            let open = claims.list_claims(request).await?.into_inner().claims;
            let count = match which {
                Claimed::First => open.len() / 2,
                Claimed::Rest => open.len().saturating_sub(NEVER_CLAIMED),
            };
            let names = open.into_iter().take(count).map(|claim| claim.name).collect();
            let request = ClaimItemsRequest { parent, names, request_id: String::new() };
            let answer = claims.claim_items(request).await?.into_inner();
            ensure!(usize::try_from(answer.claimed).is_ok_and(|claimed| claimed == count), "{:?}", answer.results);
        }
        Ok(())
    }

    /// Publishes a version of caps, of one department or of the whole city.
    async fn cap(&self, desk: &Desk<'_>, city_wide: bool) -> anyhow::Result<()> {
        let cap = Cap {
            city_wide,
            year: self.size.year,
            limits: vec![CapLimit { subject_class: "*".to_owned(), visits: CAPS[usize::from(city_wide)] }],
            basis: "国办发〔2024〕54号：公布涉企行政检查年度频次上限".to_owned(),
            effective_date: kit::workdays::legal_day(self.env.clock.now()).to_string(),
            ..Cap::default()
        };
        let request =
            CreateCapRequest { parent: desk.organisation.to_owned(), cap: Some(cap), request_id: String::new() };
        let cap = CapsClient::new(desk.handler().await?).create_cap(request).await?.into_inner();
        let request = PublishCapRequest { name: cap.name, etag: cap.etag, request_id: String::new() };
        CapsClient::new(desk.reviewer().await?).publish_cap(request).await?;
        Ok(())
    }

    async fn plan(&self, desk: &Desk<'_>, department: &Department) -> anyhow::Result<Plan> {
        let year = self.size.year;
        Ok(Plan {
            organisation: department.organisation.to_owned(),
            title: format!("{year}年度{}“双随机、一公开”抽查工作计划", department.matter),
            year,
            kind: PlanKind::Annual as i32,
            items: desk.items(u32::MAX).await?,
            stratification: Stratification::Whole as i32,
            quotas: vec![Quota { stratum: "*".to_owned(), amount: Some(Amount::Count(self.size.drawn)) }],
            teams: vec![TeamPart {
                organisation: department.organisation.to_owned(),
                size: 2,
                specialty: String::new(),
            }],
            cover_district: true,
            start_date: format!("{year}-01-01"),
            end_date: format!("{year}-12-31"),
            method: "现场检查".to_owned(),
            frequency: "每月1次".to_owned(),
            second_visit_reason: department.second_visit_reason.to_owned(),
            ..Plan::default()
        })
    }

    /// A draw over each plan, all at the same time; answers how many were drawn.
    async fn draws(&self, plans: &[(&Department, String)]) -> anyhow::Result<i64> {
        let mut stated = Vec::new();
        for (department, plan) in plans {
            let desk = self.desk(department);
            stated.push((desk, self.state(&desk, plan).await.with_context(|| plan.clone())?));
        }
        for (desk, draw) in &stated {
            for username in [
                format!("{}-handler", desk.organisation.trim_start_matches("organisations/")),
                "supervision".to_owned(),
            ] {
                let request = AddEntryRequest {
                    name: draw.name.clone(),
                    value: hex::encode(&kit::keys::random_bytes()?[..]),
                    statement: draw.statement.clone(),
                    request_id: String::new(),
                };
                DrawsClient::new(desk.as_person(&username).await?).add_entry(request).await?;
            }
        }
        self.env.clock.advance(Duration::minutes(60));
        self.env.clock.advance(Duration::minutes(15));
        let mut drawn = 0;
        for (desk, draw) in &stated {
            let draw = eventually("a draw to be dispatched", async || {
                let mut draws = DrawsClient::new(desk.handler().await?);
                let draw = draws.get_draw(GetDrawRequest { name: draw.name.clone() }).await?.into_inner();
                ensure!(draw.state() != DrawState::Failed, "the draw failed: {}", draw.end_reason);
                Ok((draw.state() == DrawState::Dispatched).then_some(draw))
            })
            .await?;
            drawn += draw.drawn;
        }
        Ok(drawn)
    }

    async fn state(&self, desk: &Desk<'_>, plan: &str) -> anyhow::Result<Draw> {
        let now = self.env.clock.now();
        let after = |minutes: i64| Some(kit::ledger::timestamp(now + Duration::minutes(minutes)));
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
            contributors: vec![department(desk.organisation), department(SUPERVISION), beacon],
            entries_close: after(55),
            beacon_time: after(65),
            reveal_by: after(24 * 60),
            ..Draw::default()
        };
        let handler = desk.handler().await?;
        let request = CreateDrawRequest { draw: Some(draw), request_id: String::new() };
        let draw = DrawsClient::new(handler.clone()).create_draw(request).await?.into_inner();
        // Officers were announced by identity; draws learns of them by following.
        let mut last = None;
        let stated = eventually("draws to know the officers", async || {
            let (name, etag) = (draw.name.clone(), draw.etag.clone());
            let request = StateDrawRequest { name, etag, request_id: String::new() };
            match DrawsClient::new(handler.clone()).state_draw(request).await {
                Ok(stated) => Ok(Some(stated.into_inner())),
                Err(status) => {
                    last = Some(status);
                    Ok(None)
                }
            }
        })
        .await;
        stated.with_context(|| last.map(|status| status.message().to_owned()).unwrap_or_default())
    }
}

/// Whoever acts in the story; officers' passwords are nobody's business.
fn keeps_password(person: &Person) -> bool {
    person.user.certificate.is_none()
}

/// Nine o'clock in Kaifeng.
fn morning(day: NaiveDate) -> anyhow::Result<DateTime<Utc>> {
    Ok(day.and_hms_opt(1, 0, 0).context("nine o'clock")?.and_utc())
}

/// The last whole calendar year before an instant.
pub fn last_year(now: DateTime<Utc>) -> i32 {
    let day = kit::workdays::legal_day(now);
    day.checked_sub_months(Months::new(12)).unwrap_or(day).year()
}

/// When the year is begun to be told: the first working morning.
///
/// # Errors
/// There is no such year.
pub fn begins(year: i32) -> anyhow::Result<DateTime<Utc>> {
    morning(NaiveDate::from_ymd_opt(year, 1, 2).context("no such year")?)
}
