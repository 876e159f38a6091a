//! A city with a published plan over a register of a hundred, and what its people do with draws.

use std::{collections::BTreeMap, path::PathBuf, time::Duration as Wait};

use chrono::{DateTime, Duration, Utc};
use kit::ledger::timestamp;
use proto::qingtian::{
    access::v1::Role,
    draws::v1::{
        self as pb, ContributorKind, DrawState, draws_client::DrawsClient, plans_client::PlansClient, quota::Amount,
        registers_client::RegistersClient, visits_client::VisitsClient,
    },
    identity::events::v1::OrganisationChanged,
};
use tonic::Status;

use crate::world::{HEALTH, ITEM, LONGTING, MARKET, SHUNHE, World, code, register, upload, upload_to};
use kit::testing::{HANG_MAX, UserChannel};

pub const SUPERVISION: &str = "organisations/supervision";
pub const JUSTICE: &str = "organisations/justice";
/// Seconds from the creation to the close, the beacon and the last moment.
pub const CLOSE: i64 = 60;
pub const BEACON: i64 = 120;
pub const REVEAL_BY: i64 = 280;

pub type Draws = DrawsClient<UserChannel>;

pub struct City {
    pub world: World,
    pub plan: String,
}

impl City {
    /// 60 enterprises in one district, 40 in another, three of them out of business; five officers; one published plan.
    pub async fn start() -> Self {
        Self::over(World::start().await, plan()).await
    }

    /// The same in a world of another time.
    pub async fn over(world: World, plan: pb::Plan) -> Self {
        let mut city = Self { world, plan: String::new() };
        city.settle().await;
        city.plan = city.publish(plan).await;
        city
    }

    async fn settle(&self) {
        for (name, title) in
            [(MARKET, "市场监管局"), (HEALTH, "卫生健康委"), (SUPERVISION, "督查局"), (JUSTICE, "司法局")]
        {
            let organisation =
                OrganisationChanged { name: name.to_owned(), title: title.to_owned(), ..Default::default() };
            self.world.identity_says(&organisation).await.unwrap();
        }
        for certificate in ["16020001", "16020002", "16020003", "16020004", "16020005"] {
            self.world.officer(certificate, MARKET, &[LONGTING, SHUNHE]).await;
        }
        self.world.items(1).await;
        self.register(&register(LONGTING, 0..60)).await;
        self.register(&register(SHUNHE, 60..100)).await;
        let gone = register(SHUNHE, 200..203).replace("存续", "注销");
        self.register(&gone).await;
    }

    /// Brings subjects into the register; where a plan waits for its draw with a reason and a second person.
    pub async fn register(&self, csv: &str) {
        let mut clerk = self.world.clerk().await;
        let head = pb::ImportSubjectsRequest { reason: "补录名录".to_owned(), ..upload_to(MARKET) };
        let import = upload(&mut clerk, head, csv.as_bytes()).await.unwrap();
        assert_eq!(import.returned, 0, "{import:?}");
        if !import.change.is_empty() {
            self.world.approve(&import.change).await;
        }
    }

    /// A plan that one person writes and another publishes.
    pub async fn publish(&self, plan: pb::Plan) -> String {
        let mut clerk =
            PlansClient::new(self.world.harness.user("users/clerk", MARKET, &[Role::Handler]).await.unwrap());
        let drafted = clerk
            .create_plan(pb::CreatePlanRequest { plan: Some(plan), ..Default::default() })
            .await
            .unwrap()
            .into_inner();
        let submit = pb::SubmitPlanRequest { name: drafted.name.clone(), etag: drafted.etag, ..Default::default() };
        let submitted = clerk.submit_plan(submit).await.unwrap().into_inner();
        let mut chief =
            PlansClient::new(self.world.harness.user("users/chief", MARKET, &[Role::Reviewer]).await.unwrap());
        let publish = pb::PublishPlanRequest { name: drafted.name.clone(), etag: submitted.etag, ..Default::default() };
        chief.publish_plan(publish).await.unwrap();
        drafted.name
    }

    pub async fn draws(&self, user: &str, organisation: &str, roles: &[Role]) -> Draws {
        DrawsClient::new(self.world.harness.user(user, organisation, roles).await.unwrap())
    }

    /// A handler of the drawing bureau.
    pub async fn handler(&self) -> Draws {
        self.draws("users/clerk", MARKET, &[Role::Handler]).await
    }

    /// The supervision office.
    pub async fn supervision(&self) -> Draws {
        self.draws("users/inspector", SUPERVISION, &[Role::SupervisionOffice]).await
    }

    pub async fn registers(&self) -> RegistersClient<UserChannel> {
        self.world.clerk().await
    }

    pub async fn visits(&self, organisation: &str, certificate: &str) -> VisitsClient<UserChannel> {
        VisitsClient::new(
            self.world.harness.officer("users/o", organisation, &[Role::Officer], certificate).await.unwrap(),
        )
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.world.harness.clock.now()
    }

    pub fn advance(&self, seconds: i64) {
        self.world.harness.clock.advance(Duration::seconds(seconds));
    }

    /// A draw over the plan with the market bureau, the supervision office and the demonstration's lottery.
    pub fn draw(&self) -> pb::Draw {
        let at = |seconds| Some(timestamp(self.now() + Duration::seconds(seconds)));
        pb::Draw {
            plan: self.plan.clone(),
            contributors: vec![department("market"), department("supervision"), beacon("lottery:demo:0")],
            entries_close: at(CLOSE),
            beacon_time: at(BEACON),
            reveal_by: at(REVEAL_BY),
            ..Default::default()
        }
    }

    pub async fn create(&self, draw: pb::Draw) -> Result<pb::Draw, Status> {
        let request = pb::CreateDrawRequest { draw: Some(draw), ..Default::default() };
        Ok(self.handler().await.create_draw(request).await?.into_inner())
    }

    pub async fn state(&self, draw: &pb::Draw) -> Result<pb::Draw, Status> {
        let request = pb::StateDrawRequest { name: draw.name.clone(), etag: draw.etag.clone(), ..Default::default() };
        Ok(self.handler().await.state_draw(request).await?.into_inner())
    }

    /// A draw that was created and stated.
    pub async fn stated(&self) -> pb::Draw {
        let created = self.create(self.draw()).await.unwrap();
        self.state(&created).await.unwrap()
    }

    /// Both departments give their dice.
    pub async fn enter_both(&self, draw: &pb::Draw) {
        enter(&mut self.handler().await, draw, "3 1 6 2 5 5").await.unwrap();
        enter(&mut self.supervision().await, draw, "6 6 1 4 2 3").await.unwrap();
    }

    pub async fn get(&self, name: &str) -> pb::Draw {
        self.handler().await.get_draw(pb::GetDrawRequest { name: name.to_owned() }).await.unwrap().into_inner()
    }

    /// Waits until the jobs brought a draw into a state.
    pub async fn until(&self, name: &str, state: DrawState) -> pb::Draw {
        self.until_seen(MARKET, name, state).await
    }

    /// The same, as a handler of an organisation sees the draw.
    pub async fn until_seen(&self, organisation: &str, name: &str, state: DrawState) -> pb::Draw {
        self.until_holds(organisation, name, &format!("{state:?}"), |draw| draw.state() == state).await
    }

    /// Waits until the entries of a draw are closed and signed.
    pub async fn until_closed(&self, name: &str) {
        let closed = || async { self.world.count("select count(*) from draw_closing").await > 0 };
        crate::world::until(&format!("{name} closed"), closed).await;
    }

    async fn until_holds(
        &self,
        organisation: &str,
        name: &str,
        what: &str,
        holds: impl Fn(&pb::Draw) -> bool,
    ) -> pb::Draw {
        let mut client = self.draws("users/clerk", organisation, &[Role::Handler]).await;
        let waiting = async {
            loop {
                let draw = client.get_draw(pb::GetDrawRequest { name: name.to_owned() }).await.unwrap().into_inner();
                if holds(&draw) {
                    return draw;
                }
                tokio::time::sleep(Wait::from_millis(20)).await;
            }
        };
        tokio::time::timeout(HANG_MAX, waiting).await.unwrap_or_else(|_| panic!("{name} never {what}"))
    }

    /// A draw from its creation to its dispatch.
    pub async fn whole_draw(&self) -> pb::Draw {
        let stated = self.stated().await;
        self.enter_both(&stated).await;
        self.advance(CLOSE);
        self.until_closed(&stated.name).await;
        self.advance(BEACON - CLOSE);
        self.until(&stated.name, DrawState::Dispatched).await
    }

    /// Every object kept so far, by its place.
    pub fn blobs(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.world.harness.folder().join("blobs")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.insert(path.clone(), std::fs::read(path).unwrap());
                }
            }
        }
        found
    }

    /// Rechecks the evidence of a revealed draw as a stranger would.
    pub async fn verify(&self, draw: &pb::Draw) -> lottery::verify::Report {
        let env = &self.world.harness.env;
        let digest = kit::blob::Digest::parse(&draw.evidence_digest).unwrap();
        let bundle = env.blobs.read(digest, 1 << 30).await.unwrap();
        let jwks = env.keys.jwks();
        let options = lottery::verify::Options { jwks: Some(&jwks), demo: true, ..Default::default() };
        lottery::verify::verify(bundle.as_slice(), &options)
    }
}

/// The plan most tests draw over: ten percent of each district, teams of two.
pub fn plan() -> pb::Plan {
    pb::Plan {
        title: "2026年度双随机抽查工作计划".to_owned(),
        year: 2026,
        kind: pb::PlanKind::Annual as i32,
        items: vec![ITEM.to_owned()],
        stratification: pb::Stratification::District as i32,
        quotas: vec![pb::Quota { stratum: "*".to_owned(), amount: Some(Amount::Ppm(100_000)) }],
        teams: vec![pb::TeamPart { organisation: MARKET.to_owned(), size: 2, specialty: String::new() }],
        cover_district: true,
        start_date: "2026-11-24".to_owned(),
        end_date: "2026-12-31".to_owned(),
        method: "现场检查".to_owned(),
        frequency: "每年1次".to_owned(),
        ..Default::default()
    }
}

pub fn department(unit: &str) -> pb::Contributor {
    pb::Contributor { contributor: unit.to_owned(), kind: ContributorKind::Department as i32, unit: unit.to_owned() }
}

pub fn beacon(contributor: &str) -> pb::Contributor {
    pb::Contributor { contributor: contributor.to_owned(), kind: ContributorKind::Beacon as i32, unit: String::new() }
}

pub async fn enter(client: &mut Draws, draw: &pb::Draw, value: &str) -> Result<pb::Draw, Status> {
    let request = pb::AddEntryRequest {
        name: draw.name.clone(),
        value: value.to_owned(),
        statement: draw.statement.clone(),
        ..Default::default()
    };
    Ok(client.add_entry(request).await?.into_inner())
}

pub async fn report(client: &mut Draws, draw: &pb::Draw, value: &str) -> Result<pb::Draw, Status> {
    let request = pb::ReportBeaconRequest { name: draw.name.clone(), value: value.to_owned(), ..Default::default() };
    Ok(client.report_beacon(request).await?.into_inner())
}

/// An enterprise that is out of business.
pub fn gone() -> String {
    code(SHUNHE, 200)
}
