//! `wormhole-playground`: the practice site as a process of its own.

use std::process::ExitCode;
use std::sync::LazyLock;

use clap::CommandFactory;
use clap::FromArgMatches;
use clap::Parser;
use clap::Subcommand;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing_subscriber::EnvFilter;
use wormhole_playground::Args;
use wormhole_playground::SiteError;

/// `EX_USAGE`, as in the other binaries of this project.
const BAD_SETTING: u8 = 64;

/// Version and revision, as in the other binaries of this project.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    format!("{} ({})", env!("CARGO_PKG_VERSION"), option_env!("WORMHOLE_REVISION").unwrap_or("unknown"))
});

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Ask the running site whether it answers.
    Healthcheck,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let command = Cli::command().version(VERSION.as_str());
    let parsed = command.try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(Cli { args, command: Some(Command::Healthcheck) }) => {
            let healthy = wormhole_playground::healthcheck(args.listen).await;
            Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Ok(Cli { args, command: None }) => serve(args).await,
        Err(error) => {
            error.print()?;
            Ok(if error.use_stderr() { BAD_SETTING.into() } else { ExitCode::SUCCESS })
        }
    }
}

async fn serve(args: Args) -> anyhow::Result<ExitCode> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let on_signal = stop.clone().drop_guard();
    tasks.spawn(async move {
        tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
        drop(on_signal);
    });
    let ran = wormhole_playground::run(args, stop).await;
    if let Err(error @ SiteError::Setting { .. }) = &ran {
        tracing::error!("{error}");
        return Ok(BAD_SETTING.into());
    }
    Ok(ran.map(|()| ExitCode::SUCCESS)?)
}
