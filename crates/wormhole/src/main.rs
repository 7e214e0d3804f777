#![doc = include_str!("../README.md")]

mod args;
mod ask;
mod demo;
mod doctor;
mod site;
mod stack;
mod status;
mod terminal;
mod up;

use std::process::ExitCode;

use args::{Cli, Command};

#[tokio::main]
async fn main() -> ExitCode {
    wormhole_runtime::install_crypto_provider();
    let cli: Cli = match wormhole_runtime::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    match cli.command {
        Command::Demo(args) => Box::pin(demo::run(args)).await,
        Command::Up(args) => up::run(args).await,
        Command::Login(args) => up::login(*args).await,
        Command::Doctor(args) => Box::pin(doctor::run(*args)).await,
        Command::Keys(args) => args.keys.run(args.file.as_deref()),
        Command::Site(args) => site::run(&args),
        Command::Status(args) => status::run(args).await,
        Command::Server(args) => wormhole_server::run(*args).await,
        Command::Bridge(args) => wormhole_bridge::run(*args).await,
        Command::Oai(args) => wormhole_oai::run(*args).await,
    }
}
