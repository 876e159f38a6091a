//! `qingtian`: serve parts, bring up a private city, migrate, verify.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use clap::{Parser, Subcommand};
use kit::{env::Clock, keys::Keys, telemetry::Telemetry};
use qingtian::{
    audit, bench,
    demo::year,
    fleet, followers, migrate, operator,
    settings::{Settings, metrics_address},
    up, verify,
};
use tokio::net::TcpListener;

/// Most of what a request costs besides its own work are small pieces of memory taken and given back by several threads, which the
/// C library's allocators are slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Qingtian, the open supervision platform of a city.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves parts in this process: `all`, or any of identity, catalog, draws, portal, gateway.
    Serve {
        /// Parts to serve.
        parts: Vec<String>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Brings up a whole demonstration city on a private PostgreSQL and Redis; Ctrl-C stops it, data stays.
    Up(up::UpArgs),
    /// Brings the databases to this version, as their owners.
    Migrate {
        /// Services; all when none is named.
        services: Vec<String>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Makes, where missing, the services' databases and their roles. To be repeated at will; changes no data and no password.
    Databases {
        /// A superuser's address, such as `postgres://postgres@localhost/postgres`.
        #[arg(env = "ADMIN_DATABASE_URL")]
        admin_url: String,
    },
    /// Makes the first operator of a new platform and prints the first password, once. Afterwards operators make operators.
    Operator {
        #[command(flatten)]
        args: operator::OperatorArgs,
        #[command(flatten)]
        settings: Settings,
    },
    /// Loads the demonstration city into empty, migrated databases, under demonstration keys; `demo year` tells a whole year instead.
    #[command(args_conflicts_with_subcommands = true)]
    Demo {
        #[command(subcommand)]
        story: Option<Story>,
        #[command(flatten)]
        settings: Settings,
        /// File that receives the accounts with their passwords (mode 0600).
        #[arg(long, default_value = "./var/accounts.json")]
        accounts: PathBuf,
    },
    /// Makes a set of keys in an empty folder.
    Keys {
        /// Folder.
        folder: PathBuf,
        /// Makes demonstration keys: what they sign is refused by verifiers unless told.
        #[arg(long)]
        demo: bool,
    },
    /// Rechecks a draw's evidence bundle. Exit status: 0 verified, 3 in part, 1 not verified, 2 unreadable.
    Verify(verify::VerifyArgs),
    /// Work on the audit logs.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Work on what parts build from each other's events.
    Followers {
        #[command(subcommand)]
        command: followers::Followers,
    },
    /// Measures beside what others do. Exit status 0 when every bound holds, 1 otherwise.
    Bench {
        #[command(subcommand)]
        bench: bench::Bench,
    },
}

#[derive(Debug, Subcommand)]
enum Story {
    /// A full year of a city under a set clock, in minutes, on a private PostgreSQL; then the invariants of supervision are checked.
    /// Exit status 0 when all hold and nothing was too rare, 1 otherwise.
    Year(year::YearArgs),
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Finds the first altered, missing or inserted entry in every service's log. Exit status 1 if there is one.
    Verify {
        #[command(flatten)]
        args: audit::VerifyLogsArgs,
        #[command(flatten)]
        settings: Settings,
    },
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    if let Command::Verify(args) = &command {
        return ExitCode::from(u8::try_from(verify::run(args)).unwrap_or(2));
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("qingtian: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(command)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("qingtian: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve { parts, settings } => serve(&parts, &settings).await?,
        Command::Up(args) => up::run(&args).await?,
        Command::Migrate { services, settings } => {
            let services: Vec<&str> = services.iter().map(String::as_str).collect();
            let services = if services.is_empty() { fleet::SERVICES.to_vec() } else { services };
            let databases = kit::env::Databases {
                url: settings.database_url.clone(),
                migrate_url: settings.migrate_database_url.clone(),
                connections_max: 1,
            };
            migrate::run(&databases, &services).await?;
            println!("migrated {}", services.join(", "));
        }
        Command::Databases { admin_url } => {
            for service in fleet::SERVICES {
                kit::embedded::create_service(&admin_url, service).await.with_context(|| service.to_owned())?;
                println!("database qingtian_{service}, roles qingtian_{service} and qingtian_{service}_owner");
            }
        }
        Command::Operator { args, settings } => {
            let password = operator::make(&args, &settings).await?;
            println!("{} may sign in. First password, not to be seen again: {password}", args.name);
        }
        Command::Demo { story: Some(Story::Year(args)), .. } => {
            return Ok(if year::run(&args).await? { ExitCode::SUCCESS } else { ExitCode::from(1) });
        }
        Command::Demo { story: None, settings, accounts } => {
            qingtian::demo::load(&settings, &accounts).await?;
            println!("loaded the demonstration city; accounts in {}", accounts.display());
        }
        Command::Keys { folder, demo } => {
            Keys::generate(chrono::Utc::now(), demo)?.write(&folder)?;
            println!("made keys in {}", folder.display());
        }
        Command::Verify(args) => return Ok(ExitCode::from(u8::try_from(verify::run(&args)).unwrap_or(2))),
        Command::Audit { command: AuditCommand::Verify { args, settings } } => {
            let env = settings.env(Clock::System)?;
            let whole = audit::verify(&args, &env.databases, &env.keys).await?;
            return Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(1) });
        }
        Command::Followers { command: followers::Followers::List { settings } } => {
            return Ok(if followers::list(&settings).await? { ExitCode::SUCCESS } else { ExitCode::from(1) });
        }
        Command::Followers { command: followers::Followers::Park { args, settings } } => {
            followers::pass_over(&args, &settings).await?;
        }
        Command::Bench { bench } => return bench::run(&bench).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(names: &[String], settings: &Settings) -> anyhow::Result<()> {
    let parts = fleet::parts(names)?;
    let mut stop = up::Stop::listen()?;
    let telemetry = Telemetry::start(&parts.join("+"), "info,sqlx=warn", metrics_address(&settings.metrics)?)?;
    let listener = TcpListener::bind(settings.grpc).await.with_context(|| format!("gRPC on {}", settings.grpc))?;
    let env = settings.env(Clock::System)?;
    let mut running = fleet::Fleet::start(env, &parts, listener, Some((up::gateway_settings(settings)?, None))).await?;
    tracing::info!(parts = parts.join(" "), grpc = %settings.grpc, "serving");
    if let Some(http) = running.http {
        tracing::info!(%http, "gateway");
    }
    tokio::select! {
        () = stop.asked() => tracing::info!("draining"),
        ended = running.ended() => ended.context("a server ended")?,
    }
    running.stop(Duration::from_secs(settings.drain_timeout_secs)).await;
    telemetry.stop();
    Ok(())
}
