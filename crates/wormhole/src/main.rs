#![doc = include_str!("../README.md")]

mod admin;
mod args;
mod ask;
mod canary;
mod demo;
mod doctor;
#[cfg(feature = "kube")]
mod kube;
mod login;
#[cfg(not(feature = "kube"))]
mod no_kube;
mod site;
mod stack;
mod status;
mod terminal;
mod up;

use std::process::ExitCode;

use args::{Cli, Command};
#[cfg(not(feature = "kube"))]
use no_kube as kube;

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
        Command::Login(args) if args.kube.kube => kube::login(&args.kube, &args.bridge.site.account).await,
        Command::Login(args) => Box::pin(login::run(args.bridge)).await,
        Command::Doctor(args) => Box::pin(doctor::run(*args)).await,
        Command::Keys(args) => args.keys.run(args.file.as_deref()),
        Command::Site(args) => site::run(&args),
        Command::Status(args) if args.kube.kube => kube::status(&args.kube).await,
        Command::Status(args) => status::run(args).await,
        Command::Canary(args) => Box::pin(canary::run(args)).await,
        Command::Server(args) => wormhole_server::run(*args).await,
        Command::Bridge(args) => wormhole_bridge::run(*args).await,
        Command::Oai(args) => wormhole_oai::run(*args).await,
    }
}
