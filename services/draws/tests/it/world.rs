//! A city with two departments, and what they do: upload registers, write plans, become officers.

use kit::{
    codes::{CreditCode, DistrictCode},
    testing::{Harness, UserChannel},
};
use prost::{Message, Name};
use proto::{
    google::api::HttpBody,
    qingtian::{
        access::v1::Role,
        catalog::{
            events::v1::ItemsPublished,
            v1::{CheckEntry, Item, ItemState},
        },
        common::v1::Import,
        draws::v1::{
            self as pb, plans_client::PlansClient, register_changes_client::RegisterChangesClient,
            registers_client::RegistersClient,
        },
        events::v1::Event,
        identity::events::v1::OfficerChanged,
    },
};
use sqlx::PgPool;
use tonic::Status;

pub use kit::testing::{refusal as refused, until};

pub const MARKET: &str = "organisations/market";
pub const HEALTH: &str = "organisations/health";
pub const ITEM: &str = "organisations/market/items/1";
pub const LONGTING: &str = "410202";
pub const SHUNHE: &str = "410203";

pub type Registers = RegistersClient<UserChannel>;
pub type Plans = PlansClient<UserChannel>;
pub type Changes = RegisterChangesClient<UserChannel>;

pub struct World {
    pub harness: Harness,
    pub pool: PgPool,
}

impl World {
    pub async fn start() -> Self {
        Self::start_as("2026-11-23T01:00:00Z", true).await
    }

    /// At another time, under keys of a demonstration or of a city.
    pub async fn start_as(now: &str, demonstration: bool) -> Self {
        let harness = Harness::start_as((now.parse().unwrap(), demonstration), &[("draws", &draws::SCHEMA)], |env| {
            Box::pin(async move { Ok(vec![draws::start(env).await?]) })
        });
        let harness = harness.await.unwrap();
        let pool = harness.pool("draws").await.unwrap();
        Self { harness, pool }
    }

    pub async fn registers(&self, user: &str, organisation: &str, roles: &[Role]) -> Registers {
        RegistersClient::new(self.harness.user(user, organisation, roles).await.unwrap())
    }

    /// A handler of the market bureau at its registers.
    pub async fn clerk(&self) -> Registers {
        self.registers("users/clerk", MARKET, &[Role::Handler]).await
    }

    pub async fn plans(&self, user: &str, organisation: &str, roles: &[Role]) -> Plans {
        PlansClient::new(self.harness.user(user, organisation, roles).await.unwrap())
    }

    /// A person at the changes of a bureau's register.
    pub async fn changes(&self, user: &str, organisation: &str, roles: &[Role]) -> Changes {
        RegisterChangesClient::new(self.harness.user(user, organisation, roles).await.unwrap())
    }

    /// A reviewer of the market bureau at the changes of its register.
    pub async fn chief(&self) -> Changes {
        self.changes("users/chief", MARKET, &[Role::Reviewer]).await
    }

    /// The second person approves a change, and it is applied to its end.
    pub async fn approve(&self, name: &str) -> pb::RegisterChange {
        let mut chief = self.chief().await;
        let change = get_change(&mut chief, name).await;
        let request =
            pb::ApproveRegisterChangeRequest { name: name.to_owned(), etag: change.etag, ..Default::default() };
        let approved = chief.approve_register_change(request).await.unwrap().into_inner();
        assert_eq!((approved.decider.as_str(), approved.state()), ("users/chief", pb::RegisterChangeState::Applying));
        applied(&chief, name).await
    }

    /// The number a question of the test's own answers.
    pub async fn count(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&self.pool).await.unwrap()
    }

    /// The officer with this certificate, as identity announces one.
    pub async fn officer(&self, certificate: &str, organisation: &str, districts: &[&str]) -> OfficerChanged {
        let officer = OfficerChanged {
            user: format!("users/of-{certificate}"),
            certificate: certificate.to_owned(),
            organisation: organisation.to_owned(),
            expire_date: "2027-12-31".to_owned(),
            districts: districts.iter().map(ToString::to_string).collect(),
            specialties: vec!["food".to_owned()],
            active: true,
        };
        self.identity_says(&officer).await.unwrap();
        officer
    }

    pub async fn identity_says<M: Message + Name>(&self, message: &M) -> anyhow::Result<()> {
        draws::follow::identity(&mut *self.pool.acquire().await?, event(message)).await
    }

    /// Items published by the market bureau, with checklists and on the random-inspection list, numbered from 1.
    pub async fn items(&self, count: u32) {
        let items = (1..=count).map(|number| plannable(&format!("{MARKET}/items/{number}"))).collect();
        self.catalog_says(ItemsPublished { items }).await;
    }

    pub async fn catalog_says(&self, published: ItemsPublished) {
        draws::follow::catalog(&mut self.pool.acquire().await.unwrap(), event(&published)).await.unwrap();
    }
}

/// An item that may be planned.
pub fn plannable(name: &str) -> Item {
    Item {
        name: name.to_owned(),
        title: "登记事项检查".to_owned(),
        random_listed: true,
        checklist: vec![CheckEntry { content: "营业执照".to_owned(), ..Default::default() }],
        state: ItemState::Published as i32,
        ..Default::default()
    }
}

pub fn event<M: Message + Name>(message: &M) -> Event {
    let payload = prost_types::Any { type_url: M::type_url(), value: message.encode_to_vec() };
    Event { payload: Some(payload), ..Default::default() }
}

/// The first chunk of an upload whose columns are named like the fields.
pub fn upload_to(organisation: &str) -> pb::ImportSubjectsRequest {
    pb::ImportSubjectsRequest {
        parent: organisation.to_owned(),
        file_name: "register.csv".to_owned(),
        default_district: LONGTING.to_owned(),
        ..Default::default()
    }
}

/// An upload in chunks of 64 KiB.
pub fn chunks(head: pb::ImportSubjectsRequest, bytes: &[u8]) -> Vec<pb::ImportSubjectsRequest> {
    let mut chunks = vec![head];
    chunks.extend(bytes.chunks(64 << 10).map(|chunk| pb::ImportSubjectsRequest {
        file: Some(HttpBody { data: chunk.to_vec(), ..Default::default() }),
        ..Default::default()
    }));
    chunks
}

pub async fn upload(
    registers: &mut Registers,
    head: pb::ImportSubjectsRequest,
    bytes: &[u8],
) -> Result<Import, Status> {
    let chunks = chunks(head, bytes);
    Ok(registers.import_subjects(futures::stream::iter(chunks)).await?.into_inner())
}

pub async fn get_change(changes: &mut Changes, name: &str) -> pb::RegisterChange {
    let request = pb::GetRegisterChangeRequest { name: name.to_owned() };
    changes.get_register_change(request).await.unwrap().into_inner()
}

/// A change once it is applied to its end.
pub async fn applied(changes: &Changes, name: &str) -> pb::RegisterChange {
    until("the change is applied", || async {
        get_change(&mut changes.clone(), name).await.state() == pb::RegisterChangeState::Applied
    })
    .await;
    get_change(&mut changes.clone(), name).await
}

/// Approved exceptions of these kinds.
pub fn excepting(kinds: &[pb::PlanExceptionKind], reason: &str) -> Vec<pb::PlanException> {
    kinds.iter().map(|kind| pb::PlanException { kind: *kind as i32, reason: reason.to_owned() }).collect()
}

/// The made-up code of a district's enterprise.
pub fn code(district: &str, serial: u32) -> String {
    CreditCode::generate(DistrictCode::parse(district).unwrap(), false, serial).to_string()
}

/// A register of made-up enterprises.
pub fn register(district: &str, serials: std::ops::Range<u32>) -> String {
    let mut csv = String::from("key,title,district,status\n");
    for serial in serials {
        csv += &format!("{},开封市第{serial}商贸有限公司,{district},存续\n", code(district, serial));
    }
    csv
}

pub fn reason<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    refused(answer).0
}
