//! `wormhole canary`: one question through the whole path, and which hop failed if it was not answered.

mod answer;
mod hops;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;
use wormhole_runtime::{ConfigError, EX_USAGE, SecretString, parse_duration, secret_from};

use crate::admin::AdminPort;
use crate::terminal;
use hops::{Found, Hop};

/// Where `wormhole canary` asks, and what.
#[derive(Debug, clap::Args)]
pub(crate) struct CanaryArgs {
    /// The API's base URL, without `/v1`.
    #[arg(long, default_value = "http://127.0.0.1:11434", value_name = "URL")]
    url: Url,
    /// An API key. Better in the environment or in a file: everybody on a machine can read arguments.
    #[arg(long, env = "WORMHOLE_API_KEY", hide_env_values = true, value_name = "KEY")]
    key: Option<SecretString>,
    /// A file that holds the API key.
    #[arg(long, env = "WORMHOLE_API_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The model to ask; the first one listed if not given.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// How long the whole answer may take.
    #[arg(long, default_value = "2m", value_parser = parse_duration, value_name = "DURATION")]
    timeout: Duration,
    /// One JSON object in place of the lines.
    #[arg(long)]
    json: bool,
    /// The API's admin port, which knows whether it is joined to the hub.
    #[arg(long, env = "WORMHOLE_OAI_ADMIN", default_value = "127.0.0.1:9467", value_name = "ADDRESS")]
    oai_admin: AdminPort,
    /// The bridge's admin port, which knows how the session is.
    #[arg(long, env = "WORMHOLE_BRIDGE_ADMIN", default_value = "127.0.0.1:9466", value_name = "ADDRESS")]
    bridge_admin: AdminPort,
}

/// What is asked, where.
struct Target {
    /// Ends with `/`.
    base: Url,
    key: Option<SecretString>,
    model: Option<String>,
    timeout: Duration,
    oai_admin: AdminPort,
    bridge_admin: AdminPort,
}

impl TryFrom<CanaryArgs> for Target {
    type Error = ConfigError;

    fn try_from(args: CanaryArgs) -> Result<Self, ConfigError> {
        let CanaryArgs { url, key, key_file, model, timeout, json: _, oai_admin, bridge_admin } = args;
        let mut base = url;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(ConfigError::new("--url", "must begin with http:// or https://"));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let key = secret_from(key, key_file.as_deref(), "WORMHOLE_API_KEY")?;
        Ok(Self { base, key, model, timeout, oai_admin, bridge_admin })
    }
}

/// Asks; exit code 0 if the whole path works, 1 if a hop does not.
pub(crate) async fn run(args: CanaryArgs) -> ExitCode {
    let as_json = args.json;
    let target = match Target::try_from(args) {
        Ok(target) => target,
        Err(error) => {
            terminal::line(error);
            return ExitCode::from(EX_USAGE);
        }
    };
    let hops = hops::check(&target).await;
    let failed = hops.iter().find_map(Hop::blames);
    if as_json {
        terminal::line(report(&hops, failed));
    } else {
        hops.iter().for_each(show);
        if let Some(failed) = failed {
            terminal::line(format_args!("the hop that failed: {failed}"));
        }
    }
    if failed.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn show(hop: &Hop) {
    let took = terminal::quiet(&format!("({} ms)", hop.took.as_millis()));
    match &hop.found {
        Found::Well(words) => terminal::step(true, hop.name, format_args!("{words} {took}")),
        Found::Broken { words, .. } => terminal::step(false, hop.name, format_args!("{words} {took}")),
        Found::Unknown(words) => {
            terminal::line(terminal::quiet(&format!("  – {:<15} {words}", hop.name)));
        }
    }
}

fn report(hops: &[Hop], failed: Option<&str>) -> Value {
    let hops: Vec<Value> = hops
        .iter()
        .map(|hop| {
            let (well, words) = match &hop.found {
                Found::Well(words) => (Some(true), words),
                Found::Broken { words, .. } => (Some(false), words),
                Found::Unknown(words) => (None, words),
            };
            json!({"hop": hop.name, "ok": well, "ms": u64::try_from(hop.took.as_millis()).unwrap_or(u64::MAX), "words": words})
        })
        .collect();
    json!({"ok": failed.is_none(), "failed": failed, "hops": hops})
}
