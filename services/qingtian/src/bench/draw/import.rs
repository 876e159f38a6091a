//! A register uploaded through the API beside a bare COPY of the same rows into the same indexed table (art. 13, 24).

use std::time::Duration;

use anyhow::{Context, ensure};
use kit::{
    auth::{Claims, Minter},
    embedded::Postgres,
    env::Env,
    peers::Peers,
};
use proto::{
    google::api::HttpBody,
    qingtian::{
        access::v1::Role,
        draws::v1::{self as pb, registers_client::RegistersClient},
    },
};
use sqlx::{Connection, PgConnection};
use tokio::{net::TcpListener, task::JoinHandle};
use tonic::{Request, metadata::AsciiMetadataValue, transport::Channel};

use super::{
    acts,
    register::{COLUMNS, CSV_HEADER, Database, REGISTER, Subject},
};
use crate::bench::report::Runs;

/// Bytes of one message of the upload, as the gateway cuts them.
const CHUNK_BYTES: usize = 64 << 10;
/// Bytes handed to COPY at once.
const COPY_BYTES: usize = 1 << 20;

/// The part that keeps registers, served in this process.
struct Served {
    env: Env,
    client: RegistersClient<Channel>,
    token: AsciiMetadataValue,
    server: JoinHandle<anyhow::Result<()>>,
}

impl Served {
    async fn start(database: &Database, blobs: &std::path::Path) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let env = acts::env(&database.url, blobs, Peers::new(&url))?;
        let part = draws::start(&env).await?.migrated_to(&draws::SCHEMA);
        let server = tokio::spawn(kit::serve::serve(env.clone(), vec![part], listener));
        let channel = env.peers.channel("draws")?;
        let claims = Claims {
            sub: "users/bench".to_owned(),
            org: REGISTER.to_owned(),
            district: "410200".to_owned(),
            roles: vec![Role::Handler as i32],
            ..Claims::default()
        };
        let (token, _) = Minter::service("identity", env.keys.clone(), env.clock.clone())?.sign(claims)?;
        let token = format!("Bearer {token}").parse()?;
        Ok(Self { env, client: RegistersClient::new(channel), token, server })
    }

    /// Uploads a file and times the call from its first byte to its answer.
    async fn upload(&mut self, csv: &str, rows: u32) -> anyhow::Result<Duration> {
        let head = pb::ImportSubjectsRequest {
            parent: REGISTER.to_owned(),
            file_name: "register.csv".to_owned(),
            ..Default::default()
        };
        let chunk = |bytes: &[u8]| pb::ImportSubjectsRequest {
            file: Some(HttpBody { data: bytes.to_vec(), ..Default::default() }),
            ..Default::default()
        };
        let chunks: Vec<_> = std::iter::once(head).chain(csv.as_bytes().chunks(CHUNK_BYTES).map(chunk)).collect();
        let mut request = Request::new(futures::stream::iter(chunks));
        request.metadata_mut().insert("authorization", self.token.clone());
        let (took, import) =
            acts::timed(async { Ok(self.client.import_subjects(request).await?.into_inner()) }).await?;
        ensure!(import.created == i64::from(rows), "{} of {rows} rows went in: {:?}", import.created, import.problems);
        Ok(took)
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.env.shutdown.cancel();
        // The channel would hold the drain.
        drop(self.client);
        self.server.await??;
        self.env.tasks.close();
        self.env.tasks.wait().await;
        self.env.close_pools().await;
        Ok(())
    }
}

/// What importing took, and what COPY took.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    pub import: Runs,
    pub copy: Runs,
}

/// Imports and copies the same rows into the same empty table, turn by turn, `runs` times after one round that does not count.
///
/// # Errors
/// A row is refused; the server fails.
pub async fn measure(server: &Postgres, blobs: &std::path::Path, rows: u32, runs: usize) -> anyhow::Result<Measured> {
    let database = Database::empty(server, "qingtian_bench_import").await?;
    let (mut csv, mut lines) = (CSV_HEADER.to_owned(), String::new());
    for index in 0..rows {
        let subject = Subject::nth(index);
        subject.csv_line(&mut csv);
        subject.copy_line(&mut lines);
    }
    let mut served = Served::start(&database, blobs).await?;
    let mut owner = PgConnection::connect(&database.owner_url).await?;
    let mut measured = Measured::default();
    for round in 0..=runs {
        empty(&mut owner).await?;
        let (copied, ()) = acts::timed(copy(&mut owner, &lines)).await.context("COPY")?;
        empty(&mut owner).await?;
        let imported = served.upload(&csv, rows).await.context("import")?;
        eprintln!("import, round {round}: COPY {copied:.2?}, import {imported:.2?}");
        if round > 0 {
            measured.copy.push(copied);
            measured.import.push(imported);
        }
    }
    owner.close().await?;
    served.stop().await?;
    Ok(measured)
}

async fn empty(owner: &mut PgConnection) -> anyhow::Result<()> {
    sqlx::raw_sql("truncate subject").execute(owner).await?;
    Ok(())
}

async fn copy(owner: &mut PgConnection, lines: &str) -> anyhow::Result<()> {
    let mut copy = owner.copy_in_raw(&format!("copy subject ({COLUMNS}) from stdin")).await?;
    for chunk in lines.as_bytes().chunks(COPY_BYTES) {
        copy.send(chunk).await?;
    }
    copy.finish().await?;
    Ok(())
}
