//! Whatever happened in identity and catalog, with repeated deliveries and restarts at any moment: what draws keeps of it is what it builds
//! from zero, and what is so there.

use std::collections::{BTreeMap, BTreeSet};

use futures::{FutureExt, future::BoxFuture};
use kit::{
    env::Env,
    ledger::{Audience, Ledger, Schema},
    serve::Part,
    testing::{Harness, Upstream, history_seed, tables},
};
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use prost::{Message, Name};
use proto::qingtian::{
    catalog::{
        events::v1::{CalendarImported, ItemRetired, ItemsPublished},
        v1::{CheckEntry, Item, ItemState},
    },
    identity::events::v1::{AccessRevoked, OfficerChanged, OrganisationChanged},
};
use sqlx::migrate::Migrator;
use std::sync::{Arc, Mutex};

use crate::world::{LONGTING, MARKET, SHUNHE};

kit::log_of!(Identity, "qingtian.identity.v1.Identity");
kit::log_of!(Catalog, "qingtian.catalog.v1.Catalog");

static NO_TABLES: Migrator = Migrator::DEFAULT;
const PEERS: [&str; 2] = ["identity", "catalog"];
const HISTORIES: u32 = 5;
const ITEMS: usize = 5;
const PEOPLE: usize = 4;
const LOST: &str = "insert into organisation (name, title, title_en, district, enforcing) values ('organisations/lost', '', '', '', true)";
const LEFT: &str = "select count(*) from organisation where name = 'organisations/lost'";
/// What draws keeps of others. Stamps of calendars are its own: they grow with every change.
const COPIED: [(&str, &str); 4] = [
    ("organisation", "select to_jsonb(t)::text from organisation t order by 1"),
    ("officer", "select to_jsonb(t)::text from officer t order by 1"),
    ("item", "select to_jsonb(t)::text from item t order by 1"),
    ("workday_year", "select (to_jsonb(t) - 'stamp')::text from workday_year t order by 1"),
];

/// Something that may happen; what cannot happen then and there does not.
#[derive(Debug, Clone)]
enum Act {
    Organisation {
        nth: u8,
        title: u8,
        enforcing: bool,
    },
    /// A person is given a certificate, or another one, or it is extended, with districts and specialties.
    Certify {
        person: usize,
        number: u8,
        until: u8,
        districts: u8,
        specialties: u8,
    },
    /// Frozen, or in office again.
    Freeze {
        person: usize,
        active: bool,
    },
    /// No officer any more.
    Withdraw {
        person: usize,
    },
    Move {
        person: usize,
        organisation: u8,
    },
    Publish {
        items: BTreeSet<usize>,
        title: u8,
        listed: bool,
        checklist: bool,
    },
    Retire {
        item: usize,
    },
    Calendar {
        year: u8,
        holiday: u8,
    },
    Revoke {
        person: usize,
    },
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => (0..3_u8, any::<u8>(), any::<bool>())
            .prop_map(|(nth, title, enforcing)| Act::Organisation { nth, title, enforcing }),
        6 => (0..PEOPLE, 0..6_u8, 1..28_u8, any::<u8>(), any::<u8>()).prop_map(
            |(person, number, until, districts, specialties)| Act::Certify { person, number, until, districts, specialties }
        ),
        3 => (0..PEOPLE, any::<bool>()).prop_map(|(person, active)| Act::Freeze { person, active }),
        2 => (0..PEOPLE).prop_map(|person| Act::Withdraw { person }),
        2 => (0..PEOPLE, 0..3_u8).prop_map(|(person, organisation)| Act::Move { person, organisation }),
        5 => (prop::collection::btree_set(0..ITEMS, 1..4), any::<u8>(), any::<bool>(), any::<bool>())
            .prop_map(|(items, title, listed, checklist)| Act::Publish { items, title, listed, checklist }),
        2 => (0..ITEMS).prop_map(|item| Act::Retire { item }),
        3 => (0..3_u8, 1..28_u8).prop_map(|(year, holiday)| Act::Calendar { year, holiday }),
        1 => (0..PEOPLE).prop_map(|person| Act::Revoke { person }),
        1 => Just(Act::Restart),
    ]
}

type Ledgers = Arc<Mutex<Vec<Ledger>>>;

fn parts(ledgers: Ledgers, seed: u64) -> impl for<'e> FnOnce(&'e Env) -> BoxFuture<'e, anyhow::Result<Vec<Part>>> {
    move |env| {
        async move {
            let (identity, catalog) = (Ledger::open(env, "identity")?, Ledger::open(env, "catalog")?);
            let parts = vec![
                Part::new(identity.clone()).with(Identity(Upstream::new(&identity, Some(seed)))),
                Part::new(catalog.clone()).with(Catalog(Upstream::new(&catalog, Some(seed)))),
                draws::start(env).await?,
            ];
            *ledgers.lock().unwrap() = vec![identity, catalog];
            Ok(parts)
        }
        .boxed()
    }
}

/// The city as identity and catalog have it.
struct City {
    harness: Harness,
    ledgers: Ledgers,
    seed: u64,
    officers: BTreeMap<usize, OfficerChanged>,
    items: BTreeMap<usize, Item>,
    years: BTreeMap<i32, i64>,
}

impl City {
    async fn start(seed: u64) -> Self {
        let bare = Schema { migrator: &NO_TABLES, grants: "" };
        let schemas = [("identity", &bare), ("catalog", &bare), ("draws", &draws::SCHEMA)];
        let ledgers = Ledgers::default();
        let harness = Harness::start(&schemas, parts(ledgers.clone(), seed)).await.unwrap();
        let (officers, items, years) = Default::default();
        Self { harness, ledgers, seed, officers, items, years }
    }

    async fn announce<E: Message + Name>(&self, part: &str, aggregate: &str, event: &E) {
        let ledger = self.ledgers.lock().unwrap().iter().find(|ledger| ledger.part() == part).unwrap().clone();
        let mut tx = ledger.begin_job("Announce").await.unwrap();
        tx.emit(aggregate, 1, event, Audience::Public).unwrap();
        tx.commit(&()).await.unwrap();
    }

    async fn organisation(&self, name: &str, title: u8, enforcing: bool) {
        let event = OrganisationChanged {
            name: name.to_owned(),
            title: format!("局{title}"),
            district: LONGTING.to_owned(),
            enforcing,
            ..Default::default()
        };
        self.announce("identity", name, &event).await;
    }

    async fn officer(&self, person: usize) {
        let user = format!("users/{person}");
        let gone = OfficerChanged { user: user.clone(), ..Default::default() };
        self.announce("identity", &user, self.officers.get(&person).unwrap_or(&gone)).await;
    }

    /// Items are told in chunks.
    async fn publish(&mut self, nths: BTreeSet<usize>, title: u8, listed: bool, checklist: bool) {
        let mut told = Vec::new();
        for nth in nths {
            if self.items.get(&nth).is_some_and(|item| item.state() == ItemState::Retired) {
                continue;
            }
            let mut item = Item {
                name: format!("{MARKET}/items/{nth}"),
                title: format!("事项{title}"),
                random_listed: listed,
                checklist: vec![CheckEntry::default(); usize::from(checklist)],
                ..Default::default()
            };
            item.set_state(ItemState::Published);
            self.items.insert(nth, item.clone());
            told.push(item);
        }
        if let Some(first) = told.first() {
            self.announce("catalog", &first.name.clone(), &ItemsPublished { items: told }).await;
        }
    }

    async fn happens(&mut self, act: Act) {
        match act {
            Act::Organisation { nth, title, enforcing } => {
                self.organisation(&format!("organisations/o{nth}"), title, enforcing).await;
            }
            Act::Certify { person, number, until, districts, specialties } => {
                let certificate = format!("豫B{number:04}");
                let taken = |(other, officer): (&usize, &OfficerChanged)| {
                    *other != person && officer.certificate == certificate
                };
                if self.officers.iter().any(taken) {
                    return;
                }
                let some = |bits: u8, names: [&str; 2]| {
                    (0..2).filter(|bit| bits & (1 << bit) != 0).map(|bit| names[bit].to_owned()).collect()
                };
                let before = self.officers.get(&person);
                let officer = OfficerChanged {
                    user: format!("users/{person}"),
                    certificate,
                    organisation: before.map_or_else(|| MARKET.to_owned(), |officer| officer.organisation.clone()),
                    expire_date: format!("2027-03-{until:02}"),
                    districts: some(districts, [SHUNHE, LONGTING]),
                    specialties: some(specialties, ["food", "elevators"]),
                    active: before.is_none_or(|officer| officer.active),
                };
                self.officers.insert(person, officer);
                self.officer(person).await;
            }
            Act::Freeze { person, active } => {
                if let Some(officer) = self.officers.get_mut(&person) {
                    officer.active = active;
                    self.officer(person).await;
                }
            }
            Act::Withdraw { person } => {
                self.officers.remove(&person);
                self.officer(person).await;
            }
            Act::Move { person, organisation } => {
                if let Some(officer) = self.officers.get_mut(&person) {
                    officer.organisation = format!("organisations/o{organisation}");
                    self.officer(person).await;
                }
            }
            Act::Publish { items, title, listed, checklist } => self.publish(items, title, listed, checklist).await,
            Act::Retire { item } => {
                let Some(item) = self.items.get_mut(&item) else { return };
                item.set_state(ItemState::Retired);
                let item = item.clone();
                self.announce("catalog", &item.name.clone(), &ItemRetired { item: Some(item) }).await;
            }
            Act::Calendar { year, holiday } => {
                let year = 2026 + i32::from(year);
                let version = self.years.entry(year).or_default();
                *version += 1;
                let event = CalendarImported {
                    year,
                    version: *version,
                    content: format!(
                        "year,holiday,first,last,make_up,basis\n{year},元旦,{year}-01-{holiday:02},,,通知\n"
                    ),
                    correction: *version > 1,
                };
                self.announce("catalog", &format!("calendars/{year}"), &event).await;
            }
            Act::Revoke { person } => {
                let event = AccessRevoked { actor: format!("users/{person}"), ..Default::default() };
                self.announce("identity", &event.actor.clone(), &event).await;
            }
            Act::Restart => self.restart().await,
        }
    }

    async fn restart(&mut self) {
        self.harness.restart(parts(self.ledgers.clone(), self.seed)).await.unwrap();
    }

    async fn copied(&self) -> BTreeMap<&'static str, Vec<String>> {
        tables(&self.harness.pool("draws").await.unwrap(), &COPIED).await.unwrap()
    }

    /// Certificate, person and office of everybody who is an officer; title and state of every item; version of every year.
    async fn is_told_rightly(&self) -> Result<(), TestCaseError> {
        let pool = self.harness.pool("draws").await.unwrap();
        let officers: BTreeSet<(String, String, String, bool)> =
            sqlx::query_as("select key, user_name, organisation, active from officer")
                .fetch_all(&pool)
                .await
                .unwrap()
                .into_iter()
                .collect();
        let expected = self.officers.values().cloned();
        prop_assert_eq!(
            officers,
            expected.map(|one| (one.certificate, one.user, one.organisation, one.active)).collect::<BTreeSet<_>>()
        );
        let items: BTreeSet<(String, String, bool)> = sqlx::query_as("select name, title, published from item")
            .fetch_all(&pool)
            .await
            .unwrap()
            .into_iter()
            .collect();
        let expected = self.items.values().cloned();
        prop_assert_eq!(
            items,
            expected
                .map(|item| (item.name.clone(), item.title.clone(), item.state() == ItemState::Published))
                .collect::<BTreeSet<_>>()
        );
        let years: BTreeMap<i32, i64> = sqlx::query_as("select year, version from workday_year")
            .fetch_all(&pool)
            .await
            .unwrap()
            .into_iter()
            .collect();
        prop_assert_eq!(&years, &self.years);
        Ok(())
    }
}

async fn live(history: Vec<Act>, seed: u64) -> Result<(), TestCaseError> {
    let mut city = City::start(seed).await;
    city.organisation(MARKET, 0, true).await;
    city.publish([0].into(), 0, true, true).await;
    for act in history {
        city.happens(act).await;
    }
    for peer in PEERS {
        city.harness.followed("draws", peer).await.unwrap();
    }
    city.is_told_rightly().await?;
    let lived = city.copied().await;
    city.harness.stop().await;
    city.harness.lose_thread("draws", LOST).await.unwrap();
    city.restart().await;
    city.harness.rebuilt("draws", &PEERS, LEFT).await.unwrap();
    let built = city.copied().await;
    for (table, rows) in &lived {
        prop_assert_eq!(rows, &built[table], "{} built from zero is not what was lived through", table);
    }
    city.is_told_rightly().await
}

#[test]
fn whatever_happened_what_is_kept_of_others_is_what_is_built_from_zero() {
    let seed = history_seed();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config =
        ProptestConfig { max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::with_cases(HISTORIES) };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let lived = runner.run(&prop::collection::vec(act(), 10..80), |history| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(live(history, seed))
    });
    assert!(lived.is_ok(), "{}", lived.unwrap_err());
}
