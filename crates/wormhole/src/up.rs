//! `wormhole up`: the whole path to the real site in one process.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use wormhole_runtime::{ConfigError, EX_USAGE, Lifecycle, parse_env};

use crate::args::UpArgs;
use crate::stack::{self, Settings, fresh_token};
use crate::terminal;

/// Runs until a signal.
pub(crate) async fn run(args: UpArgs) -> ExitCode {
    let (settings, grace) = match settings(&args) {
        Ok(settings) => settings,
        Err(code) => return code,
    };
    let lifecycle = Lifecycle::new(grace);
    lifecycle.watch_signals();
    match stack::start(settings, &lifecycle).await {
        Ok(addresses) => {
            terminal::line(format_args!(
                "Wormhole is at http://{}/v1 (Ollama clients: without /v1)",
                addresses.api
            ));
            terminal::line(terminal::quiet("`wormhole status` tells how it is; Ctrl-C ends it."));
            lifecycle.wait().await
        }
        Err(error) => {
            terminal::line(format_args!("wormhole up: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Every service's own settings from the environment; on loopback, with tokens of its own, unless told otherwise.
fn settings(args: &UpArgs) -> Result<(Settings, Duration), ExitCode> {
    let mut server: wormhole_server::Args = parse_env(&[("WORMHOLE_SERVER_ADMIN", "127.0.0.1:9465")])?;
    let mut bridge: wormhole_bridge::Args = parse_env(&[
        ("WORMHOLE_BRIDGE_ADMIN", "127.0.0.1:9466"),
        ("WORMHOLE_CONSOLE_LISTEN", "127.0.0.1:8767"),
    ])?;
    let mut oai: wormhole_oai::Args = parse_env(&[("WORMHOLE_OAI_ADMIN", "127.0.0.1:9467")])?;
    let grace = server.grace;
    server.log.init().map_err(refused)?;
    server.listen = server.listen.or_else(|| Some(([127, 0, 0, 1], server.port).into()));
    oai.sockets.oai_listen = args.listen;
    if server.page_token_file.is_none() {
        let token = server.page_token.take().unwrap_or_else(fresh_token);
        bridge.hub.page_token = Some(token.clone());
        server.page_token = Some(token);
    }
    if server.sender_token_file.is_none() {
        let token = server.sender_token.take().unwrap_or_else(fresh_token);
        oai.hub.sender_token = Some(token.clone());
        server.sender_token = Some(token);
    }
    let server = server.try_into().map_err(refused)?;
    let bridge = bridge.try_into().map_err(refused)?;
    let oai = oai.try_into().map_err(refused)?;
    Ok((Settings { server, bridge, oai }, grace))
}

fn refused(error: ConfigError) -> ExitCode {
    terminal::line(error);
    ExitCode::from(EX_USAGE)
}
