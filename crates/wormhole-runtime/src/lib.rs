#![doc = include_str!("../README.md")]

mod admin;
mod backoff;
mod config;
mod healthcheck;
mod lifecycle;
mod listen;
mod log;
mod metrics;
mod parse;
mod process;
mod readiness;
mod secret;
mod tls;
mod version;

pub use admin::Admin;
pub use backoff::Backoff;
pub use config::{ConfigError, EX_USAGE, parse_duration};
pub use healthcheck::{HealthcheckArgs, healthcheck, reachable};
pub use lifecycle::Lifecycle;
pub use listen::{ListenError, listen, serve_http, serve_http_until};
pub use log::{LogArgs, LogFormat};
pub use metrics::{Registry, counter, counter_vec, gauge, gauge_vec, histogram, histogram_vec, registry};
pub use parse::{parse, parse_env};
pub use readiness::{Conditions, Readiness};
pub use secret::{ExposeSecret, SecretString, same_token, secret_from};
pub use tls::install_crypto_provider;
pub use tokio_util::sync::CancellationToken;
pub use version::{VERSION, revision};
