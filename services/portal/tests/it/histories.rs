//! Whatever happened, in whatever order the logs came, with repeated deliveries and restarts at any moment: the read model is the one
//! that is built from zero.

use kit::testing::history_seed;
use lottery::testing::{Draw as Lot, Shape};
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use proto::qingtian::{
    catalog::{
        events::v1::ItemRetired,
        v1::{Item, ItemState},
    },
    draws::{
        events::v1::{DeferredVisit, DrawDispatched, VisitsDeferred, WitnessLinkIssued, WitnessLinkOpened},
        v1::{DrawState, WitnessLink},
    },
};

use crate::{
    city::{City, MARKET},
    follow::rows,
    story::Story,
};

const HISTORIES: u32 = 4;
const DRAWS: usize = 3;
const PEERS: [&str; 3] = ["identity", "catalog", "draws"];
const LOST: &str = "insert into organisation values ('organisations/lost', 'lost', '')";
const LEFT: &str = "select count(*) from organisation where name = 'organisations/lost'";

/// Something that may happen; what cannot happen then and there does not.
#[derive(Debug, Clone)]
enum Act {
    Organisation(u8, u8),
    Publish(u8, u8),
    Retire(u8),
    Plan(u8, u8),
    /// A draw's next step.
    Advance(usize),
    /// Abandoned or failed.
    End(usize, bool),
    Issue(usize),
    Open(usize),
    Uphold(usize),
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => (0..3_u8, any::<u8>()).prop_map(|(nth, title)| Act::Organisation(nth, title)),
        3 => (0..4_u8, any::<u8>()).prop_map(|(nth, title)| Act::Publish(nth, title)),
        1 => (0..4_u8).prop_map(Act::Retire),
        2 => (0..3_u8, any::<u8>()).prop_map(|(nth, title)| Act::Plan(nth, title)),
        10 => (0..DRAWS).prop_map(Act::Advance),
        1 => (0..DRAWS, any::<bool>()).prop_map(|(nth, failed)| Act::End(nth, failed)),
        2 => (0..DRAWS).prop_map(Act::Issue),
        2 => (0..DRAWS).prop_map(Act::Open),
        3 => (0..DRAWS).prop_map(Act::Uphold),
        1 => Just(Act::Restart),
    ]
}

/// How far a draw came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    None,
    Created,
    Stated,
    Entered,
    Revealed,
    Dispatched,
    Ended,
}

struct Course {
    story: Story,
    stage: Stage,
    links: Vec<WitnessLink>,
    lines: i64,
}

impl Course {
    fn new(nth: usize) -> Self {
        let shape =
            Shape { subjects: 40, left_out: 5, strata: 2, districts: 2, officers: 3, experts: 3, ..Shape::default() };
        let number = u32::try_from(nth).unwrap() + 1;
        let story = Story::over(number, Lot::random(u64::from(number), &shape).unwrap());
        Self { story, stage: Stage::None, links: Vec::new(), lines: 0 }
    }

    async fn advance(&mut self, city: &City) {
        self.stage = match self.stage {
            Stage::None => {
                self.story.created(city).await;
                Stage::Created
            }
            Stage::Created => {
                self.story.stated(city).await;
                Stage::Stated
            }
            Stage::Stated => {
                self.story.entered(city).await;
                Stage::Entered
            }
            Stage::Entered => {
                self.story.revealed(city).await;
                Stage::Revealed
            }
            Stage::Revealed => {
                self.dispatched(city).await;
                Stage::Dispatched
            }
            Stage::Dispatched | Stage::Ended => self.stage,
        };
    }

    /// The first drawn has had a visit in the quarter, the second finds the budget spent.
    async fn dispatched(&self, city: &City) {
        let draw = self.story.name.clone();
        for (place, other, reason) in [(1, "visits/2026-0000001", "VISITED_THIS_QUARTER"), (2, "", "BUDGET_SPENT")] {
            let deferred = vec![DeferredVisit { place, other_visit: other.to_owned() }];
            let event = VisitsDeferred { draw: draw.clone(), reason: reason.to_owned(), deferred };
            city.announce("draws", &draw, &event).await;
        }
        let event =
            DrawDispatched { draw: draw.clone(), visits: 5, without_team: 1, deferred: 2, ..Default::default() };
        city.announce("draws", &draw, &event).await;
    }

    async fn end(&mut self, city: &City, failed: bool) {
        let ends = match self.stage {
            Stage::Created | Stage::Stated => true,
            Stage::Entered => failed,
            Stage::None | Stage::Revealed | Stage::Dispatched | Stage::Ended => false,
        };
        if ends {
            let (state, reason) =
                if failed { (DrawState::Failed, "ENTRY_MISSING") } else { (DrawState::Abandoned, "名录有误") };
            self.story.ended(city, state, reason).await;
            self.stage = Stage::Ended;
        }
    }

    fn is_open(&self) -> bool {
        match self.stage {
            Stage::Created | Stage::Stated => true,
            Stage::None | Stage::Entered | Stage::Revealed | Stage::Dispatched | Stage::Ended => false,
        }
    }

    async fn issue(&mut self, city: &City) {
        if self.is_open() {
            let number = i64::try_from(self.links.len()).unwrap() + 1;
            let link = WitnessLink { number, contributor: "notary-li".to_owned(), ..Default::default() };
            self.links.push(link.clone());
            let draw = self.story.name.clone();
            city.announce("draws", &draw, &WitnessLinkIssued { draw: draw.clone(), link: Some(link) }).await;
        }
    }

    async fn open(&mut self, city: &City) {
        let is_open = self.is_open();
        if let Some(link) = self.links.iter_mut().find(|link| link.open_time.is_none()).filter(|_| is_open) {
            link.open_time = Some(kit::ledger::timestamp(city.harness.clock.now()));
            let draw = self.story.name.clone();
            city.announce("draws", &draw, &WitnessLinkOpened { draw: draw.clone(), link: Some(link.clone()) }).await;
        }
    }

    async fn uphold(&mut self, city: &City) {
        if self.stage == Stage::Dispatched {
            self.lines += 1;
            let line = crate::log::line(&self.story, self.lines, None);
            crate::log::upheld(city, &self.story, self.lines, line).await;
        }
    }
}

async fn retire(city: &City, nth: u8) {
    let mut item = Item { name: format!("{MARKET}/items/i{nth}"), code: nth.to_string(), ..Item::default() };
    item.set_state(ItemState::Retired);
    city.announce("catalog", &item.name.clone(), &ItemRetired { item: Some(item) }).await;
}

async fn live(history: Vec<Act>, seed: u64) -> Result<(), TestCaseError> {
    let mut city = City::troubled(Some(seed)).await;
    city.organisation(MARKET, "市市场监督管理局").await;
    city.item("0", "登记事项检查", "").await;
    city.plan("plans/2026-07", "2026年抽查", 2026).await;
    let mut draws: Vec<Course> = (0..DRAWS).map(Course::new).collect();
    let mut retired = [false; 4];
    let mut items = vec!["0".to_owned()];
    for act in history {
        city.harness.clock.advance(chrono::Duration::seconds(1));
        match act {
            Act::Organisation(nth, title) => {
                city.organisation(&format!("organisations/o{nth}"), &format!("局{title}")).await
            }
            Act::Publish(nth, title) if !retired[usize::from(nth)] => {
                city.item(&nth.to_string(), &format!("事项{title}"), "").await;
                items.push(nth.to_string());
            }
            Act::Retire(nth) if items.contains(&nth.to_string()) => {
                retire(&city, nth).await;
                retired[usize::from(nth)] = true;
            }
            Act::Publish(..) | Act::Retire(_) => {}
            Act::Plan(nth, title) => city.plan(&format!("plans/2026-0{nth}"), &format!("计划{title}"), 2026).await,
            Act::Advance(nth) => draws[nth].advance(&city).await,
            Act::End(nth, failed) => draws[nth].end(&city, failed).await,
            Act::Issue(nth) => draws[nth].issue(&city).await,
            Act::Open(nth) => draws[nth].open(&city).await,
            Act::Uphold(nth) => draws[nth].uphold(&city).await,
            Act::Restart => city.restart().await,
        }
    }
    city.settle().await;
    let lived = rows(&city).await;
    // Not of nothing: every draw that was created is there, every line of its log, everybody it drew.
    let known = |stages: fn(Stage) -> bool| draws.iter().filter(move |draw| stages(draw.stage));
    let drawn = known(|stage| matches!(stage, Stage::Revealed | Stage::Dispatched));
    let drawn: usize = drawn.map(|draw| draw.story.lot.reveal.rows.len()).sum();
    prop_assert_eq!(lived["draw"].len(), known(|stage| stage != Stage::None).count());
    prop_assert_eq!(lived["log_line"].len(), draws.iter().map(|draw| draw.lines as usize).sum::<usize>());
    prop_assert_eq!(lived["drawn"].len(), drawn);
    city.harness.stop().await;
    city.harness.lose_thread("portal", LOST).await.unwrap();
    city.restart().await;
    city.harness.rebuilt("portal", &PEERS, LEFT).await.unwrap();
    let built = rows(&city).await;
    for (table, rows) in &lived {
        prop_assert_eq!(rows, &built[table], "{} built from zero is not what was lived through", table);
    }
    Ok(())
}

#[test]
fn whatever_happened_the_read_model_built_from_zero_is_the_one_that_lived_through_it() {
    let seed = history_seed();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config =
        ProptestConfig { max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::with_cases(HISTORIES) };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let lived = runner.run(&prop::collection::vec(act(), 10..60), |history| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(live(history, seed))
    });
    assert!(lived.is_ok(), "{}", lived.unwrap_err());
}
