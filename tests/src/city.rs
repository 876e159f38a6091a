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
        let (http, grpc) = (free_port(), free_port());
        let mut environment: Vec<(String, String)> = [
            ("DATABASE_URL", fleet.database_url.clone()),
            ("MIGRATE_DATABASE_URL", fleet.migrate_database_url.clone()),
            ("REDIS_URL", redis.to_owned()),
            ("QINGTIAN_KEYS", path("keys")),
            ("QINGTIAN_BLOBS", path("blobs")),
            ("HTTP_ADDR", format!("127.0.0.1:{http}")),
            ("GRPC_ADDR", format!("127.0.0.1:{grpc}")),
            ("PEER_URL", format!("http://127.0.0.1:{grpc}")),
            ("METRICS_ADDR", "none".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if layout == Layout::Many {
            for service in SERVICES {
                environment.push((
                    format!("PEER_URL_{}", service.to_uppercase()),
                    format!("http://127.0.0.1:{}", free_port()),
                ));
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
        let mut city = Self { url, accounts, environment, folder, layout, processes: Vec::new(), fleet };
        city.serve(&[]).await;
        city
    }

    /// Starts the processes, with additions to their environment.
    pub async fn serve(&mut self, additions: &[(String, String)]) {
        self.spawn(additions);
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
                    let mut own = environment.clone();
                    let peer = own.iter().find(|(name, _)| *name == format!("PEER_URL_{}", part.to_uppercase()));
                    if let Some((_, peer)) = peer {
                        own.push(("GRPC_ADDR".to_owned(), peer.trim_start_matches("http://").to_owned()));
                    }
                    self.processes.push(Process::start(part, self.log(part), &["serve", part], &own));
                }
            }
        }
    }

    /// Log of a process.
    pub fn log(&self, part: &str) -> PathBuf {
        self.folder.path().join(format!("{part}.log"))
    }

    /// The processes, in the order of their parts; the last one has the gateway.
    pub fn processes(&mut self) -> &mut Vec<Process> {
        &mut self.processes
    }

    /// Stops every process as Ctrl-C would.
    pub async fn stop(&mut self) {
        for process in self.processes.drain(..).rev() {
            process.stop().await;
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
