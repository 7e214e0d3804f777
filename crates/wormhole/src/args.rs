//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::admin::AdminPort;

/// Offers your own AI chat session, in a real Chrome, as an OpenAI- and Ollama-compatible endpoint.
#[derive(Debug, Parser)]
#[command(name = "wormhole", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The practice site and the whole path in one process: asks one question and stays up.
    Demo(DemoArgs),
    /// The whole path to the real site in one process, settings from the environment.
    Up(UpArgs),
    /// Log in by hand: at the console of the bridge that runs, here or in a cluster, else in a window on its profile.
    Login(Box<LoginArgs>),
    /// Check everything that `up` needs, with a remedy for each thing that is missing.
    Doctor(Box<wormhole_bridge::Args>),
    /// Make, list and revoke API keys.
    Keys(KeysFileArgs),
    /// List, show and check site profiles.
    Site(SiteToolArgs),
    /// Ask the three running services how they are.
    Status(StatusArgs),
    /// Ask one tiny question through the whole path and say which hop fails.
    Canary(crate::canary::CanaryArgs),
    /// The hub by itself.
    Server(Box<wormhole_server::Args>),
    /// The bridge by itself.
    Bridge(Box<wormhole_bridge::Args>),
    /// The public API by itself.
    Oai(Box<wormhole_oai::Args>),
}

/// Settings of `wormhole demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// The API's port; 11434 or any free one if not given.
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// End after the answer: exit code 0, or 1 if there was none.
    #[arg(long)]
    pub(crate) once: bool,
    /// Show Chromium's window (needs a display).
    #[arg(long)]
    pub(crate) window: bool,
    /// What is logged to standard error, in the syntax of RUST_LOG.
    #[arg(long = "log", env = "WORMHOLE_LOG", default_value = "error", value_name = "FILTER")]
    pub(crate) log: String,
    /// Base URL of an OpenAI-compatible server that answers behind the practice site.
    #[arg(long, value_name = "URL")]
    pub(crate) answer_with: Option<String>,
}

/// Settings of `wormhole up` that are not each service's own; those are read from the environment (see `.env.example`).
#[derive(Debug, clap::Args)]
pub(crate) struct UpArgs {
    /// The API's address.
    #[arg(long, env = "WORMHOLE_OAI_LISTEN", default_value = "127.0.0.1:11434")]
    pub(crate) listen: SocketAddr,
}

/// API keys, in the file that the API reads.
#[derive(Debug, clap::Args)]
pub(crate) struct KeysFileArgs {
    /// The file.
    #[arg(long, env = "WORMHOLE_API_KEYS_FILE")]
    pub(crate) file: Option<PathBuf>,
    /// What to do.
    #[command(flatten)]
    pub(crate) keys: wormhole_oai::KeysArgs,
}

/// What to do with site profiles.
#[derive(Debug, clap::Args)]
pub(crate) struct SiteToolArgs {
    #[command(subcommand)]
    pub(crate) command: SiteCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SiteCommand {
    /// Read a profile and say what it describes, or where it is wrong (exit code 64).
    Check {
        /// A file, or the name of a shipped profile.
        profile: String,
    },
    /// The shipped profiles.
    List,
    /// Print a shipped profile, to begin one of your own with.
    Show {
        /// Its name.
        name: String,
    },
}

/// An installation in a cluster in place of one on this machine.
#[derive(Debug, clap::Args)]
pub(crate) struct KubeArgs {
    /// Ask the cluster that the kubeconfig speaks of (only in builds with the feature `kube`, such as the images).
    #[arg(long)]
    pub(crate) kube: bool,
    /// Its namespace; the kubeconfig's own if not given.
    #[arg(long, requires = "kube", value_name = "NAME")]
    pub(crate) namespace: Option<String>,
}

/// Where somebody logs in.
#[derive(Debug, clap::Args)]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    pub(crate) kube: KubeArgs,
    #[command(flatten)]
    pub(crate) bridge: wormhole_bridge::Args,
}

/// Where `wormhole status` asks.
#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) kube: KubeArgs,
    /// The hub's admin port: an address or a name.
    #[arg(long, env = "WORMHOLE_SERVER_ADMIN", default_value = "127.0.0.1:9465")]
    pub(crate) server: AdminPort,
    /// The bridge's admin port: an address or a name.
    #[arg(long, env = "WORMHOLE_BRIDGE_ADMIN", default_value = "127.0.0.1:9466")]
    pub(crate) bridge: AdminPort,
    /// The API's admin port: an address or a name.
    #[arg(long, env = "WORMHOLE_OAI_ADMIN", default_value = "127.0.0.1:9467")]
    pub(crate) oai: AdminPort,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
