//! `qingtian bench gateway`: what the web's door costs, as ratios taken in one run. One rpc is asked directly over gRPC, as JSON
//! through the gateway, and as JSON through Envoy's transcoder in front of the same service with the same contract.
//!
//! | answer | what it is |
//! |---|---|
//! | `item` | one item with its checklist, held in the service's memory: bounds are held against it |
//! | `empty` | a search without words, `{"hits":[]}`: nothing but overhead |
//! | `list` | fifty items, held in memory |
//! | `search` | a search over the items in PostgreSQL, which does most of the work |
//!
//! Gateway, Envoy, [`service`] and what asks ([`load`]) are processes of their own with the same number of threads, and share the
//! machine's cores. The gateway is the product's with all its layers, only without rates. The contestants take turns; medians are
//! compared. Envoy is told to print fields that have no value, as the gateway does; then the bodies must be the same bytes.

mod load;
mod servers;
mod service;

use std::{collections::BTreeMap, fmt, path::Path, path::PathBuf, process::Stdio};

use anyhow::{Context, ensure};
use chrono::Utc;
use clap::Args;
use kit::{
    embedded::{Options, Postgres, create_service},
    keys::Keys,
};
use prost::Message;
use proto::qingtian::portal::v1::{GetItemRequest, ListItemsRequest, SearchRequest};

use self::{load::Asked, servers::Server};
pub use self::{load::LoadArgs, service::ServiceArgs};
use super::report::{Bound, Case, Machine, Report};

/// At least so much of the requests per second of direct calls.
const OVER_DIRECT_MIN: f64 = 0.6;
/// At least so many times those of Envoy.
const OVER_ENVOY_MIN: f64 = 1.3;

/// Options of `bench gateway`.
#[derive(Debug, Args)]
pub struct GatewayArgs {
    /// Requests of one turn.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub requests: u32,
    /// Turns each contestant takes at each answer, after one that does not count.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: u32,
    /// Connections, each with one request under way.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub connections: u32,
    /// Threads of each process.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub threads: u32,
    /// Answers to ask for, of `item`, `empty`, `list`, `search`.
    #[arg(long, num_args = 1.., default_values = ["item", "empty", "list", "search"], value_parser = ["item", "empty", "list", "search"])]
    pub answers: Vec<String>,
    /// Envoy's program; without, the one that `scripts/install.sh --prove` puts into `var/tools`.
    #[arg(long)]
    pub envoy: Option<PathBuf>,
    /// Prints the figures as JSON.
    #[arg(long)]
    pub json: bool,
}

/// The act `bench gateway-service`.
///
/// # Errors
/// See [`service::serve`].
pub async fn service(args: &ServiceArgs) -> anyhow::Result<()> {
    service::serve(args).await
}

/// The act `bench gateway-load`: answers what asking came to, as JSON.
///
/// # Errors
/// See [`load::run`].
pub async fn load(args: &LoadArgs) -> anyhow::Result<String> {
    Ok(serde_json::to_string(&load::run(args).await?)?)
}

/// Measures everything. Progress goes to standard error.
///
/// # Errors
/// A server cannot be run; a request is not answered.
pub async fn run(args: &GatewayArgs) -> anyhow::Result<Report> {
    let machine = Machine::here();
    let postgres = Postgres::start_temporary(&Options::throwaway(40)).await?;
    let folder = tempfile::tempdir()?;
    let cases = measure(args, &postgres, folder.path()).await;
    postgres.stop().await?;
    Ok(Report { bench: "gateway", machine, cases: cases? })
}

async fn measure(args: &GatewayArgs, postgres: &Postgres, folder: &Path) -> anyhow::Result<Vec<Case>> {
    Keys::generate(Utc::now(), true)?.write(&folder.join("keys"))?;
    let urls = create_service(postgres.admin_url(), portal::PART).await?;
    portal::SCHEMA.migrate(&urls.owner, &format!("qingtian_{}", portal::PART)).await?;
    service::fill(&urls.owner).await?;

    let threads = args.threads as usize;
    let program = servers::find_envoy(args.envoy.as_deref())?;
    let service = Server::service(folder, &urls.service, threads).await?;
    let gateway = Server::gateway(folder, service.address, threads).await?;
    let envoy = match &program {
        Some(program) => Some(Server::envoy(program, folder, service.address, threads).await?),
        None => {
            eprintln!("no Envoy: scripts/install.sh --prove installs it, or --envoy names it");
            None
        }
    };
    let mut cases = Vec::new();
    for answer in Answer::all().iter().filter(|answer| args.answers.iter().any(|name| name == answer.name)) {
        let bench = Bench { args, answer, service: &service, gateway: &gateway, envoy: envoy.as_ref() };
        cases.extend(bench.measure().await.with_context(|| answer.name)?);
    }
    Ok(cases)
}

/// What is asked for.
struct Answer {
    name: &'static str,
    /// Over HTTP.
    path: String,
    /// Over gRPC.
    rpc: &'static str,
    message: Vec<u8>,
    /// Whether bounds are held against it.
    bounded: bool,
}

impl Answer {
    fn all() -> [Self; 4] {
        let item = service::item_name(7);
        [
            Self {
                name: "item",
                path: format!("/v1/public/{item}"),
                rpc: "/qingtian.portal.v1.Portal/GetItem",
                message: GetItemRequest { name: item }.encode_to_vec(),
                bounded: true,
            },
            Self {
                name: "empty",
                path: "/v1/public/search".to_owned(),
                rpc: "/qingtian.portal.v1.Portal/Search",
                message: SearchRequest::default().encode_to_vec(),
                bounded: false,
            },
            Self {
                name: "list",
                path: "/v1/public/items?pageSize=50".to_owned(),
                rpc: "/qingtian.portal.v1.Portal/ListItems",
                message: ListItemsRequest { page_size: 50, ..Default::default() }.encode_to_vec(),
                bounded: false,
            },
            Self {
                name: "search",
                path: "/v1/public/search?query=19".to_owned(),
                rpc: "/qingtian.portal.v1.Portal/Search",
                message: SearchRequest { query: "19".to_owned() }.encode_to_vec(),
                bounded: false,
            },
        ]
    }
}

/// Who asks how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Direct,
    Gateway,
    Envoy,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Gateway => "gateway",
            Self::Envoy => "envoy",
        })
    }
}

/// One turn.
#[derive(Debug, Clone, Copy)]
struct Turn {
    /// Requests a second.
    rate: f64,
    /// Microseconds of processor time per request: of what stands in front of the service, of the service, of what asks.
    between: f64,
    service: f64,
    load: f64,
}

/// The turns of one way.
#[derive(Debug, Default)]
struct Turns(Vec<Turn>);

impl Turns {
    fn sorted(&self, of: fn(&Turn) -> f64) -> Vec<f64> {
        let mut sorted: Vec<f64> = self.0.iter().map(of).collect();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// The middle one; of two middle ones the greater.
    fn median(&self, of: fn(&Turn) -> f64) -> f64 {
        let sorted = self.sorted(of);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rates = self.sorted(|turn| turn.rate);
        let end = |rate: Option<&f64>| rate.copied().unwrap_or(f64::NAN);
        let (least, most) = (end(rates.first()), end(rates.last()));
        write!(f, "{:.0}/s ({least:.0} to {most:.0}, {} runs)", self.median(|turn| turn.rate), rates.len())
    }
}

/// One answer under measurement.
struct Bench<'a> {
    args: &'a GatewayArgs,
    answer: &'a Answer,
    service: &'a Server,
    gateway: &'a Server,
    envoy: Option<&'a Server>,
}

impl Bench<'_> {
    async fn measure(&self) -> anyhow::Result<Vec<Case>> {
        let body = load::fetch(self.gateway.address, &self.answer.path).await?;
        if let Some(envoy) = self.envoy {
            let other = load::fetch(envoy.address, &self.answer.path).await.context("through Envoy")?;
            ensure!(body == other, "gateway and Envoy differ:\n{}\n{}", lossy(&body), lossy(&other));
        }
        let mut turns: BTreeMap<Way, Turns> = BTreeMap::new();
        for round in 0..=self.args.runs {
            for way in [Way::Direct, Way::Gateway, Way::Envoy] {
                let Some(turn) = self.turn(way).await.with_context(|| format!("{way}, round {round}"))? else {
                    continue;
                };
                let Turn { rate, between, service, load } = turn;
                eprintln!(
                    "{}, round {round}: {way} {rate:.0}/s; CPU us per request: between {between:.1}, service {service:.1}, load {load:.1}",
                    self.answer.name
                );
                if round > 0 {
                    turns.entry(way).or_default().0.push(turn);
                }
            }
        }
        Ok(self.tell(&turns, body.len()))
    }

    /// Asks as often as one turn does; none where there is nobody to ask.
    async fn turn(&self, way: Way) -> anyhow::Result<Option<Turn>> {
        let between = match way {
            Way::Direct => None,
            Way::Gateway => Some(self.gateway),
            Way::Envoy if self.envoy.is_none() => return Ok(None),
            Way::Envoy => self.envoy,
        };
        let cpu = || anyhow::Ok((between.map(Server::cpu_seconds).transpose()?, self.service.cpu_seconds()?));
        let before = cpu()?;
        let asked = self.ask(way, between.unwrap_or(self.service)).await?;
        let after = cpu()?;
        let micros = |seconds: f64| seconds * 1e6 / f64::from(asked.requests);
        Ok(Some(Turn {
            rate: f64::from(self.args.requests) / asked.seconds,
            between: micros(after.0.unwrap_or_default() - before.0.unwrap_or_default()),
            service: micros(after.1 - before.1),
            load: asked.cpu_seconds * 1e6 / f64::from(self.args.requests),
        }))
    }

    async fn ask(&self, way: Way, server: &Server) -> anyhow::Result<Asked> {
        let mut child = tokio::process::Command::new(std::env::current_exe()?);
        child.env_clear().env("TOKIO_WORKER_THREADS", self.args.threads.to_string());
        child.args(["bench", "gateway-load", "--target", &server.address.to_string()]);
        child.args(["--requests", &self.args.requests.to_string()]);
        child.args(["--connections", &self.args.connections.to_string()]);
        match way {
            Way::Direct => child.args(["--path", self.answer.rpc, "--message", &hex::encode(&self.answer.message)]),
            Way::Gateway | Way::Envoy => child.args(["--path", &self.answer.path]),
        };
        let output = child.stdin(Stdio::null()).kill_on_drop(true).output().await?;
        ensure!(output.status.success(), "{}", lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn tell(&self, turns: &BTreeMap<Way, Turns>, bytes: usize) -> Vec<Case> {
        let name = self.answer.name;
        let none = Turns::default();
        let [direct, gateway, envoy] =
            [Way::Direct, Way::Gateway, Way::Envoy].map(|way| turns.get(&way).unwrap_or(&none));
        let rate = |turns: &Turns| turns.median(|turn| turn.rate);
        let bound = |least: f64| self.answer.bounded.then_some(Bound::AtLeast(least));
        let skipped = || "no Envoy: scripts/install.sh --prove installs it, or --envoy names it".to_owned();
        let (over_envoy, said) = match self.envoy {
            Some(_) => {
                (Some(rate(gateway) / rate(envoy)), format!("the same {bytes} bytes, {gateway} over Envoy's {envoy}"))
            }
            None => (None, skipped()),
        };
        let mut cases = vec![
            Case {
                name: format!("{name}.over-direct"),
                value: Some(rate(gateway) / rate(direct)),
                unit: "ratio",
                bound: bound(OVER_DIRECT_MIN),
                said: format!("requests through the gateway {gateway} over direct calls {direct}"),
            },
            Case {
                name: format!("{name}.over-envoy"),
                value: over_envoy,
                unit: "ratio",
                bound: bound(OVER_ENVOY_MIN),
                said,
            },
        ];
        let others = |turns: &Turns| {
            let (service, load) = (turns.median(|turn| turn.service), turns.median(|turn| turn.load));
            format!("the service's own {service:.1}, what asks {load:.1}")
        };
        for (way, turns) in [(Way::Gateway, gateway), (Way::Envoy, envoy)] {
            let measured = !turns.0.is_empty();
            cases.push(Case {
                name: format!("{name}.cpu-{way}"),
                value: measured.then(|| turns.median(|turn| turn.between)),
                unit: "us",
                bound: None,
                said: if measured { format!("processor time per request; {}", others(turns)) } else { skipped() },
            });
        }
        cases.push(Case {
            name: format!("{name}.cpu-service"),
            value: Some(direct.median(|turn| turn.service)),
            unit: "us",
            bound: None,
            said: format!("processor time per direct call; {}", others(direct)),
        });
        cases
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
