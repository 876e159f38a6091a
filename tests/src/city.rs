//! A demonstration city that is up, in one process or in one process per part.

use std::path::PathBuf;

use kit::testing::{TestFleet, TestRedis};
use qingtian::{demo::Account, fleet::SERVICES};

use crate::{
    process::{Process, free_port},
    web::Web,
};

/// How the parts are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `serve all`.
    One,
    /// One process per part.
    Many,
}

/// A city that is up. Its databases live on the tests' server and go with it.
pub struct City {
    /// Address of the site.
    pub url: String,
    /// The demonstration accounts.
    pub accounts: Vec<Account>,
    /// Environment of every process.
    pub environment: Vec<(String, String)>,
    /// Folder with keys, blobs, logs.
    pub folder: tempfile::TempDir,
    layout: Layout,
    /// gRPC addresses of the processes that have parts, in their order.
    grpc: Vec<String>,
    /// Port of the gRPC front.
    front: u16,
    /// The front's certificate.
    tls: qingtian::certificate::Files,
    processes: Vec<Process>,
    /// Databases.
    pub fleet: TestFleet,
}

impl City {
    /// Migrates, loads the demonstration and serves it.
    pub async fn start(layout: Layout) -> Self {
        let redis = TestRedis::new().await.unwrap();
        let url = redis.url().to_owned();
        Self::start_with_redis(layout, &url).await
    }

    /// As [`City::start`], with a Redis of the test's own.
    pub async fn start_with_redis(layout: Layout, redis: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("city-").tempdir().unwrap();
        let fleet = TestFleet::new(&SERVICES).await.unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (http, grpc, front) = (free_port(), free_port(), free_port());
        let tls = qingtian::certificate::ensure(&folder.path().join("tls")).unwrap();
        let mut environment: Vec<(String, String)> = [
            ("DATABASE_URL", fleet.database_url.clone()),
            ("MIGRATE_DATABASE_URL", fleet.migrate_database_url.clone()),
            ("REDIS_URL", redis.to_owned()),
            ("QINGTIAN_KEYS", path("keys")),
            ("QINGTIAN_BLOBS", path("blobs")),
            ("HTTP_ADDR", format!("127.0.0.1:{http}")),
            ("GRPC_ADDR", format!("127.0.0.1:{grpc}")),
            ("PEER_URL", format!("http://127.0.0.1:{grpc}")),
            ("FRONT_ADDR", format!("127.0.0.1:{front}")),
            ("FRONT_CERTIFICATE", tls.certificate.display().to_string()),
            ("FRONT_KEY", tls.key.display().to_string()),
            ("METRICS_ADDR", "none".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let grpc: Vec<String> = match layout {
            Layout::One => vec![format!("http://127.0.0.1:{grpc}")],
            Layout::Many => SERVICES.iter().map(|_| format!("http://127.0.0.1:{}", free_port())).collect(),
        };
        if layout == Layout::Many {
            for (service, url) in SERVICES.iter().zip(&grpc) {
                environment.push((format!("PEER_URL_{}", service.to_uppercase()), url.clone()));
            }
        }
        for arguments in
            [vec!["keys", "--demo", &path("keys")], vec!["migrate"], vec!["demo", "--accounts", &path("accounts.json")]]
        {
            // The demonstration is loaded in one process, whatever the layout later.
            let base: Vec<_> = environment.iter().filter(|(name, _)| !name.starts_with("PEER_URL_")).cloned().collect();
            let mut process = Process::start(arguments[0], folder.path().join("setup.log"), &arguments, &base);
            let status = process.ended().await;
            assert!(status.success(), "{}: {}", arguments[0], process.written());
        }
        let accounts = qingtian::demo::accounts(&folder.path().join("accounts.json")).unwrap();
        let url = format!("http://127.0.0.1:{http}");
        let processes = Vec::new();
        let mut city = Self { url, accounts, environment, folder, layout, grpc, front, tls, processes, fleet };
        city.serve(&[]).await;
        city
    }

    /// Starts the processes, with additions to their environment, and waits until all of them serve.
    pub async fn serve(&mut self, additions: &[(String, String)]) {
        self.spawn(additions);
        for (process, url) in self.processes.iter_mut().zip(&self.grpc) {
            process.serving(url).await;
        }
        let url = self.url.clone();
        let gateway = self.processes.last_mut().unwrap();
        gateway.ready(&url).await;
    }

    /// Starts the processes without waiting for them.
    pub fn spawn(&mut self, additions: &[(String, String)]) {
        let mut environment = self.environment.clone();
        environment.extend_from_slice(additions);
        match self.layout {
            Layout::One => self.processes.push(Process::start("all", self.log("all"), &["serve", "all"], &environment)),
            Layout::Many => {
                for part in SERVICES.into_iter().chain(["gateway"]) {
                    self.processes.push(self.start_part(part, &environment));
                }
            }
        }
    }

    fn start_part(&self, part: &str, environment: &[(String, String)]) -> Process {
        let mut own = environment.to_vec();
        let peer = own.iter().find(|(name, _)| *name == format!("PEER_URL_{}", part.to_uppercase()));
        if let Some((_, peer)) = peer {
            own.push(("GRPC_ADDR".to_owned(), peer.trim_start_matches("http://").to_owned()));
        }
        Process::start(part, self.log(part), &["serve", part], &own)
    }

    /// Stops one part of many, lets something be done meanwhile, and starts it again; the others run on.
    pub async fn without(&mut self, part: &str, meanwhile: impl Future<Output = ()>) {
        assert_eq!(self.layout, Layout::Many, "{part} is no process of its own");
        let nth = SERVICES.iter().position(|service| *service == part).unwrap();
        self.processes.remove(nth).terminate().await;
        meanwhile.await;
        let mut process = self.start_part(part, &self.environment);
        process.serving(&self.grpc[nth]).await;
        self.processes.insert(nth, process);
    }

    /// Log of a process.
    pub fn log(&self, part: &str) -> PathBuf {
        self.folder.path().join(format!("{part}.log"))
    }

    /// The processes, in the order of their parts; the last one has the gateway.
    pub fn processes(&mut self) -> &mut Vec<Process> {
        &mut self.processes
    }

    /// Where departments' programs come in: `localhost:PORT`, as its certificate names it.
    pub fn front(&self) -> String {
        format!("localhost:{}", self.front)
    }

    /// Certificate of the front's authority, PEM.
    pub fn authority(&self) -> &std::path::Path {
        &self.tls.authority
    }

    /// Where a part answers over gRPC.
    pub fn grpc_of(&self, part: &str) -> &str {
        let nth = SERVICES.iter().position(|service| *service == part).unwrap();
        self.grpc.get(nth).unwrap_or(&self.grpc[0])
    }

    /// The process with a part.
    pub fn process_of(&mut self, part: &str) -> &mut Process {
        let nth = match self.layout {
            Layout::One => 0,
            Layout::Many => SERVICES.iter().position(|service| *service == part).unwrap(),
        };
        &mut self.processes[nth]
    }

    /// Stops every process that still runs: one as Ctrl-C would, many as those who run servers do.
    pub async fn stop(&mut self) {
        for process in self.processes.drain(..).rev() {
            match self.layout {
                Layout::One => process.stop().await,
                Layout::Many => process.terminate().await,
            }
        }
    }

    /// One of the demonstration's people, signed in.
    pub async fn as_person(&self, username: &str) -> Web {
        let account = self.accounts.iter().find(|a| a.username == username).unwrap();
        Web::sign_in(&self.url, username, &account.password).await
    }

    /// Somebody who has not signed in.
    pub fn anonymous(&self) -> Web {
        Web::anonymous(&self.url)
    }
}
