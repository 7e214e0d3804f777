//! `wormhole-bench`: measures Wormhole here and now.

use std::process::ExitCode;

use clap::Parser;
use wormhole_bench::Args;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    // Dropping the run ends every child process by its handle.
    tokio::select! {
        code = wormhole_bench::run(Args::parse()) => code,
        signal = wormhole_bench::interrupted() => signal.map(|()| ExitCode::from(130)),
    }
}
