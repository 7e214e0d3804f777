//! Logs: text for people, JSON for machines, and nothing that other people's crates would blurt out.

use std::io::{IsTerminal, stderr};
use std::panic::PanicHookInfo;

use clap::{Args, ValueEnum};
use tracing::{Level, Metadata, error};
use tracing_subscriber::filter::{EnvFilter, FilterExt, FilterFn, LevelFilter};
use tracing_subscriber::layer::{Filter, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::config::ConfigError;

/// Crates that write whole messages (prompts, cookies, tokens) at debug or trace. Only what they say at `info` or above
/// passes, whatever the filter says.
const BLURTERS: &[&str] =
    &["chromiumoxide", "tungstenite", "tokio_tungstenite", "hyper", "h2", "reqwest", "rustls"];

/// The first prints at `warn` the whole message that it could not parse; the second calls every end of Chrome an error,
/// also the one that we asked for (the bridge says which it was).
const SILENCED: &[&str] = &["chromiumoxide::conn::raw_ws::parse_errors", "chromiumoxide::handler"];

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged, and how. Logs go to standard error.
#[derive(Debug, Clone, Args)]
pub struct LogArgs {
    /// How log lines look.
    #[arg(long, env = "LOG_FORMAT", value_enum, ignore_case = true, default_value_t)]
    pub log_format: LogFormat,
    /// What is logged, in the syntax of `RUST_LOG`: `debug`, or `info,wormhole_server=debug`.
    #[arg(long = "log", env = "WORMHOLE_LOG", default_value = "info", value_name = "FILTER")]
    pub log_filter: String,
}

impl Default for LogArgs {
    fn default() -> Self {
        Self { log_format: LogFormat::Text, log_filter: "info".to_owned() }
    }
}

impl LogArgs {
    /// Starts logging, and sends panics to the log. A second call in one process does nothing.
    ///
    /// # Errors
    /// The filter cannot be read.
    pub fn init(&self) -> Result<(), ConfigError> {
        let filter = filter(&self.log_filter)?;
        let lines = fmt::layer().with_writer(stderr);
        let lines: Box<dyn Layer<Registry> + Send + Sync> = match self.log_format {
            LogFormat::Text => lines.with_ansi(stderr().is_terminal()).boxed(),
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
        };
        let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter));
        if subscriber.try_init().is_ok() {
            std::panic::set_hook(Box::new(log_panic));
        }
        Ok(())
    }
}

/// What the operator wants to read, less what other people's crates must not say.
fn filter<S>(directives: &str) -> Result<impl Filter<S> + use<S>, ConfigError> {
    let wanted = EnvFilter::builder().parse(directives).map_err(|error| {
        ConfigError::new("WORMHOLE_LOG", format!("expected a filter such as info or debug: {error}"))
    })?;
    // Without the hint every `trace!` of every crate would be built and dropped at run time.
    let most = wanted.max_level_hint().unwrap_or(LevelFilter::TRACE);
    Ok(wanted.and(FilterFn::new(may_speak).with_max_level_hint(most)))
}

/// A filter of its own and not directives of the operator's: a more specific directive would win over those.
fn may_speak(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let is_of = |crates: &[&str]| {
        crates.iter().any(|name| {
            target.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
    };
    !is_of(SILENCED) && (*metadata.level() <= Level::INFO || !is_of(BLURTERS))
}

/// The place always; the message only if it is a constant, because one that was put together can hold what was being
/// worked on (slicing a `str` inside a character quotes the text).
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let reason = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(not a constant)");
    error!(place, reason, "panic");
}

#[cfg(test)]
mod tests;
