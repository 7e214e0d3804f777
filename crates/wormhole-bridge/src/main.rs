//! The bridge as a program of its own.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use wormhole_runtime::HealthcheckArgs;

/// Wormhole's bridge: keeps a browser logged in to a chat site and posts the hub's turns there.
#[derive(Debug, Parser)]
#[command(name = "wormhole-bridge", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    args: wormhole_bridge::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask the running bridge's admin port how it is.
    Healthcheck(HealthcheckArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { command, args } = match wormhole_runtime::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    match command {
        Some(Command::Healthcheck(check)) => check.run(args.admin).await,
        None => wormhole_bridge::run(args).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
