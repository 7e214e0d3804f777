//! `wormhole-playground`: the practice site as a process of its own.

use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing_subscriber::EnvFilter;
use wormhole_playground::Args;
use wormhole_playground::SiteError;

/// `EX_USAGE`, as in the other binaries of this project.
const BAD_SETTING: u8 = 64;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            error.print()?;
            return Ok(if error.use_stderr() { BAD_SETTING.into() } else { ExitCode::SUCCESS });
        }
    };
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
