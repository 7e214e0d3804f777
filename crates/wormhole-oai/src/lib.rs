#![doc = include_str!("../README.md")]

mod api;
mod args;
mod body;
mod chat;
mod config;
mod decode;
mod dialect;
mod edge;
mod errors;
mod keys;
mod metrics;
mod models;
mod prompt;
mod reply;
mod service;
mod stream;
mod turns;
mod usage;

pub use api::Limits;
pub use args::{AccessArgs, Args, HubArgs, LimitArgs, ModelArgs, PromptArgs, SocketArgs};
pub use config::Config;
pub use keys::Keys;
pub use models::Names;
pub use service::{Service, StartError, run};
