//! `qingtian bench`: what the promises of the design cost, measured beside what others do (art. 11, 15). Absolute times say
//! more about a machine than about a program, so every case is a ratio taken in one run on one machine.
//!
//! [`report`] is what every bench comes to; [`draw`] measures the draw.

pub mod draw;
pub mod report;

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
}

/// Runs a bench and prints what it comes to. Status 0 when every bound holds, 1 otherwise.
///
/// # Errors
/// Something that is measured fails, or no server can be run.
pub async fn run(bench: &Bench) -> anyhow::Result<ExitCode> {
    match bench {
        Bench::Draw(args) => {
            let report = draw::run(args).await?;
            if args.json {
                println!("{:#}", report.to_json());
            } else {
                print!("{report}");
            }
            Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
        Bench::DrawAct(args) => {
            println!("{}", draw::act(args).await?);
            Ok(ExitCode::SUCCESS)
        }
    }
}
