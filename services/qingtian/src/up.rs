//! `qingtian up`: the embedded default. A private PostgreSQL and a private Redis from the installed binaries, keys,
//! migrations, the demonstration city at the first start, then every part in this process until Ctrl-C.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use clap::Args;
use gateway::limits::rate::Rate;
use kit::{
    embedded::{Options, Postgres, Redis, create_service, drop_service_named},
    env::Clock,
    keys::Keys,
    telemetry::Telemetry,
};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};

use crate::{
    certificate, demo,
    fleet::{Fleet, SERVICES, parts},
    migrate,
    settings::{Settings, front_address, metrics_address},
};

/// Connections of the private server: small pools of every part, twice over during the first load, and room for an operator.
const CONNECTIONS_MAX: u16 = 120;
/// Stands in the folder while the demonstration is being loaded; found at a start, the load was cut and begins anew.
const LOADING: &str = "loading-demonstration";
/// The demonstration's accounts; where they are, it was loaded whole.
const ACCOUNTS: &str = "accounts.json";

/// Options of `up`.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// Folder of data, keys and blobs. As root the servers run as user `postgres`, which must reach it.
    #[arg(long, env = "QINGTIAN_DATA_FOLDER")]
    pub folder: Option<PathBuf>,
    /// Where the site is served.
    #[arg(long, env = "HTTP_ADDR", default_value = "127.0.0.1:8080")]
    pub http: SocketAddr,
    /// Where the parts reach each other by gRPC, without TLS.
    #[arg(long, env = "GRPC_ADDR", default_value = "127.0.0.1:50051")]
    pub grpc: SocketAddr,
    /// Where departments' programs come in, by gRPC over TLS with a certificate made at the first start; `none` for nowhere.
    #[arg(long, env = "FRONT_ADDR", default_value = "127.0.0.1:50443")]
    pub front: String,
    /// Where metrics are served; `none` for nowhere.
    #[arg(long, env = "METRICS_ADDR", default_value = "127.0.0.1:9464")]
    pub metrics: String,
    /// Uses these databases instead of private ones (with MIGRATE_DATABASE_URL and, if wanted, REDIS_URL).
    #[arg(long, env = "DATABASE_URL")]
    pub database_url: Option<String>,
    /// Owners of those databases.
    #[arg(long, env = "MIGRATE_DATABASE_URL")]
    pub migrate_database_url: Option<String>,
    /// Redis to use instead of a private one.
    #[arg(long, env = "REDIS_URL")]
    pub redis_url: Option<String>,
}

/// Brings the city up and keeps it until SIGINT or SIGTERM.
///
/// # Errors
/// Something is missing, taken or broken; the text says what to do.
pub async fn run(args: &UpArgs) -> anyhow::Result<()> {
    let telemetry = Telemetry::start("qingtian-up", "warn", metrics_address(&args.metrics)?)?;
    let folder = folder(args)?;
    // Taken first: a port in use should be said before a minute of loading.
    let http = TcpListener::bind(args.http).await.with_context(|| busy("HTTP", args.http, "HTTP_ADDR"))?;
    let grpc = TcpListener::bind(args.grpc).await.with_context(|| busy("gRPC", args.grpc, "GRPC_ADDR"))?;
    let front = match front_address(&args.front)? {
        Some(front) => {
            Some(TcpListener::bind(front).await.with_context(|| busy("gRPC with TLS", front, "FRONT_ADDR"))?)
        }
        None => None,
    };
    let servers = Servers::start(args, &folder).await?;
    let result = serve(args, &folder, &servers, (http, grpc, front)).await;
    servers.stop().await;
    telemetry.stop();
    result
}

async fn serve(
    args: &UpArgs,
    folder: &Path,
    servers: &Servers,
    (http, grpc, front): (TcpListener, TcpListener, Option<TcpListener>),
) -> anyhow::Result<()> {
    let mut stop = Stop::listen()?;
    let tls = certificate::ensure(&folder.join("tls"))?;
    let grpc_address = grpc.local_addr()?;
    let settings = Settings {
        database_url: servers.database_url.clone(),
        migrate_database_url: servers.migrate_database_url.clone(),
        database_connections_max: 8,
        redis_url: servers.redis_url.clone(),
        peer_url: format!("http://{grpc_address}"),
        keys: folder.join("keys"),
        blobs: folder.join("blobs"),
        http: http.local_addr()?,
        grpc: grpc_address,
        front: match &front {
            Some(front) => front.local_addr()?.to_string(),
            None => "none".to_owned(),
        },
        front_certificate: tls.certificate,
        front_key: tls.key,
        metrics: args.metrics.clone(),
        public_url: None,
        oidc_issuer: None,
        oidc_client_id: String::new(),
        oidc_client_secret_file: None,
        oidc_claim: None,
        oidc_authority: None,
        oidc_title: String::new(),
        oidc_title_en: String::new(),
        proxies: 0,
        rate_address: 1_000,
        rate_client: 200,
        web: None,
        drain_timeout_secs: 10,
    };
    if !settings.keys.join("public.json").exists() {
        Keys::generate(chrono::Utc::now(), true)?.write(&settings.keys)?;
    }
    let databases = kit::env::Databases {
        url: settings.database_url.clone(),
        migrate_url: settings.migrate_database_url.clone(),
        connections_max: 1,
    };
    migrate::run(&databases, &SERVICES).await?;
    let accounts = folder.join(ACCOUNTS);
    if !accounts.exists() {
        eprintln!("Loading the demonstration city (only at the first start) ...");
        std::fs::write(folder.join(LOADING), "")?;
        tokio::select! {
            loaded = demo::load(&settings, &accounts) => loaded.context("cannot load the demonstration city")?,
            () = stop.asked() => return Ok(()),
        }
    }
    match std::fs::remove_file(folder.join(LOADING)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        Ok(()) | Err(_) => {}
    }
    let env = settings.env(Clock::System)?;
    let gateway = (gateway_settings(&settings)?, Some(http));
    // Held until here, so that a port in use is said at once; the gateway takes it.
    drop(front);
    let mut fleet = Fleet::start(env, &parts(&["all".to_owned()])?, grpc, Some(gateway)).await?;
    announce(&settings, &tls.authority, &accounts)?;
    let ended = tokio::select! {
        () = stop.asked() => Ok(()),
        ended = fleet.ended() => ended.context("a server ended"),
    };
    eprintln!("Stopping ...");
    fleet.stop(Duration::from_secs(settings.drain_timeout_secs)).await;
    ended
}

/// What the gateway is told.
///
/// # Errors
/// PUBLIC_URL is not a URL, FRONT_ADDR neither an address nor `none`.
pub fn gateway_settings(settings: &Settings) -> anyhow::Result<gateway::Settings> {
    let public_url = settings.public_url();
    let public_url = public_url.parse().with_context(|| format!("PUBLIC_URL: {public_url} is not a URL"))?;
    let rate = |per_second: u32| (per_second > 0).then(|| Rate::per_second(per_second, per_second.saturating_mul(5)));
    let limits = gateway::Limits {
        address_rate: rate(settings.rate_address),
        client_rate: rate(settings.rate_client),
        ..gateway::Limits::default()
    };
    let front = front_address(&settings.front)?.map(|address| {
        gateway::front::Settings::new(address, settings.front_certificate.clone(), settings.front_key.clone())
    });
    Ok(gateway::Settings {
        front,
        redis_url: settings.redis_url.clone(),
        web: settings.web.clone(),
        proxies: settings.proxies,
        limits,
        sign_on: settings.oidc_issuer.as_ref().map(|_| (settings.oidc_title.clone(), settings.oidc_title_en.clone())),
        ..gateway::Settings::new(settings.http, public_url)
    })
}

fn announce(settings: &Settings, authority: &Path, accounts: &Path) -> anyhow::Result<()> {
    println!("\nQingtian is up.  Public site: http://{0}/   Work portal: http://{0}/work/", settings.http);
    if let Some(front) = front_address(&settings.front)? {
        println!("Departments' programs: gRPC with TLS on {front} (certificate authority: {})", authority.display());
    }
    println!("Demonstration accounts (kept in {}):", accounts.display());
    for account in demo::accounts(accounts)? {
        println!("  {:<18} {:<26} {}  {}", account.username, account.password, account.organisation, account.duty);
    }
    println!("Ctrl-C stops everything; the data stays.\n");
    Ok(())
}

fn busy(what: &str, address: SocketAddr, variable: &str) -> String {
    format!(
        "cannot listen for {what} on {address}: is another one running? Choose another address with {variable}=127.0.0.1:PORT"
    )
}

fn folder(args: &UpArgs) -> anyhow::Result<PathBuf> {
    let folder = match &args.folder {
        Some(folder) => folder.clone(),
        // PostgreSQL does not run as root; its own user could not reach a checkout below a home of mode 0700.
        None if nix::unistd::Uid::effective().is_root() => PathBuf::from("/var/lib/qingtian"),
        None => std::env::current_dir()?.join("var"),
    };
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    folder.canonicalize().with_context(|| folder.display().to_string())
}

/// SIGINT and SIGTERM. They are heard from the moment this is made, so that who is asked to stop while it starts ends in
/// order, too.
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Begins to hear.
    ///
    /// # Errors
    /// The system has no signals.
    pub fn listen() -> anyhow::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Resolves once a stop has been asked for since then.
    pub async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// PostgreSQL and Redis, private or given.
struct Servers {
    database_url: String,
    migrate_database_url: Option<String>,
    redis_url: Option<String>,
    postgres: Option<Postgres>,
    redis: Option<Redis>,
}

impl Servers {
    async fn start(args: &UpArgs, folder: &std::path::Path) -> anyhow::Result<Self> {
        let redis = match &args.redis_url {
            Some(_) => None,
            None => Some(Redis::start(folder).await?),
        };
        let redis_url = args.redis_url.clone().or_else(|| redis.as_ref().map(|redis| redis.url().to_owned()));
        if let Some(url) = &args.database_url {
            let migrate_database_url = args.migrate_database_url.clone();
            return Ok(Self { database_url: url.clone(), migrate_database_url, redis_url, postgres: None, redis });
        }
        let postgres = Postgres::start(folder, &Options::durable(CONNECTIONS_MAX)).await?;
        // The accounts are written last: with them the city is whole, even if the mark outlived a crash.
        let half_loaded = folder.join(LOADING).exists() && !folder.join(ACCOUNTS).exists();
        for service in SERVICES {
            if half_loaded {
                drop_service_named(postgres.admin_url(), &format!("qingtian_{service}")).await?;
            }
            create_service(postgres.admin_url(), service).await?;
        }
        Ok(Self {
            database_url: postgres.url("qingtian_{service}", "qingtian_{service}"),
            migrate_database_url: Some(postgres.url("qingtian_{service}_owner", "qingtian_{service}")),
            redis_url,
            postgres: Some(postgres),
            redis,
        })
    }

    async fn stop(self) {
        if let Some(postgres) = self.postgres
            && let Err(error) = postgres.stop().await
        {
            tracing::warn!(%error, "PostgreSQL did not stop cleanly");
        }
        if let Some(redis) = self.redis
            && let Err(error) = redis.stop().await
        {
            tracing::warn!(%error, "Redis did not stop cleanly");
        }
    }
}
