#![doc = include_str!("../README.md")]

use std::{io::Write, process::ExitCode};

use wormhole_runtime::{EX_USAGE, Lifecycle};

mod args;
mod auth;
mod config;
mod core;
mod hub;
mod join;
mod metrics;
mod outbox;
mod service;
mod tokens;
mod ws;

pub use crate::{
    args::Args,
    config::Config,
    core::Rules,
    service::{Service, StartError},
    tokens::{TokensArgs, fresh_token},
};

/// Serves until a signal, and drains. Exit code 64 for settings that cannot be used, 1 for whatever else failed.
pub async fn run(args: Args) -> ExitCode {
    let grace = args.grace;
    let config = match args.log.init().and_then(|()| Config::try_from(args)) {
        Ok(config) => config,
        Err(error) => return refuse(&error, EX_USAGE),
    };
    let lifecycle = Lifecycle::new(grace);
    lifecycle.watch_signals();
    match Service::bind(config).await {
        Ok(service) => service.spawn(&lifecycle),
        Err(error @ StartError::Config(_)) => return refuse(&error, EX_USAGE),
        Err(error) => return refuse(&error, 1),
    }
    lifecycle.wait().await
}

/// One line on standard error, whatever the log's filter says.
fn refuse(error: &dyn std::error::Error, code: u8) -> ExitCode {
    // Nobody may be listening; the exit code still counts.
    let _ = writeln!(std::io::stderr(), "{error}");
    ExitCode::from(code)
}
