//! The hub as a program of its own.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use wormhole_runtime::HealthcheckArgs;

/// Wormhole's hub: bridges and APIs join it; it queues turns and gives them to pages.
#[derive(Debug, Parser)]
#[command(name = "wormhole-server", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    args: wormhole_server::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask the running hub's admin port how it is.
    Healthcheck(HealthcheckArgs),
    /// Make the tokens that services join each other with, where they are missing.
    Tokens(wormhole_server::TokensArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { command, args } = match wormhole_runtime::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    match command {
        Some(Command::Healthcheck(check)) => check.run(args.admin).await,
        Some(Command::Tokens(tokens)) => tokens.run(),
        None => wormhole_server::run(args).await,
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
