//! The public API as a process.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use wormhole_oai::{Args, AskArgs, KeysArgs, run};
use wormhole_runtime::HealthcheckArgs;

/// Answers OpenAI and Ollama clients with turns on a chat site.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    args: Args,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask the running service's admin port how it is.
    Healthcheck(HealthcheckArgs),
    /// Make, list and revoke API keys.
    Keys(KeysArgs),
    /// List the models of a running API and stream one answer.
    Ask(AskArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    match wormhole_runtime::parse::<Cli>() {
        Ok(Cli { args, command: Some(Command::Healthcheck(ask)) }) => ask.run(args.sockets.oai_admin).await,
        Ok(Cli { args, command: Some(Command::Keys(keys)) }) => {
            keys.run(args.access.api_keys_file.as_deref())
        }
        Ok(Cli { command: Some(Command::Ask(ask)), .. }) => ask.run().await,
        Ok(Cli { args, command: None }) => run(args).await,
        Err(code) => code,
    }
}
