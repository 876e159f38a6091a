//! `qingtian bench`: what the promises of the design cost, measured beside what others do (art. 11, 15). Absolute times say
//! more about a machine than about a program, so every case is a ratio taken in one run on one machine.
//!
//! [`report`] is what every bench comes to; [`draw`] measures the draw, [`gateway`] the web's door, [`worklist`] a list
//! that many look at.

pub mod draw;
pub mod gateway;
pub mod report;
pub mod worklist;

use std::process::ExitCode;

use clap::Subcommand;

/// The benches.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// The draw beside ORDER BY random() and COPY, its growth, its memory, and an import beside COPY.
    Draw(draw::DrawArgs),
    /// One act of a draw in a process of its own, for its peak memory.
    #[command(hide = true)]
    DrawAct(draw::ActArgs),
    /// JSON through the gateway beside direct gRPC calls and beside Envoy's transcoder.
    Gateway(gateway::GatewayArgs),
    /// The first page of a work list over many visits beside the bare SQL query of that page, asked by many at once.
    Worklist(worklist::WorklistArgs),
    /// The service that `gateway` asks.
    #[command(hide = true)]
    GatewayService(gateway::ServiceArgs),
    /// What asks.
    #[command(hide = true)]
    GatewayLoad(gateway::LoadArgs),
}

/// Runs a bench and prints what it comes to. Status 0 when every bound holds, 1 otherwise.
///
/// # Errors
/// Something that is measured fails, or no server can be run.
pub async fn run(bench: &Bench) -> anyhow::Result<ExitCode> {
    match bench {
        Bench::Draw(args) => Ok(tell(&draw::run(args).await?, args.json)),
        Bench::Gateway(args) => Ok(tell(&gateway::run(args).await?, args.json)),
        Bench::Worklist(args) => Ok(tell(&worklist::run(args).await?, args.json)),
        Bench::DrawAct(args) => {
            println!("{}", draw::act(args).await?);
            Ok(ExitCode::SUCCESS)
        }
        Bench::GatewayService(args) => {
            gateway::service(args).await?;
            Ok(ExitCode::SUCCESS)
        }
        Bench::GatewayLoad(args) => {
            println!("{}", gateway::load(args).await?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn tell(report: &report::Report, json: bool) -> ExitCode {
    if json {
        println!("{:#}", report.to_json());
    } else {
        print!("{report}");
    }
    if report.holds() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
