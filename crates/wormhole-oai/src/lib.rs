#![doc = include_str!("../README.md")]

mod api;
mod args;
mod ask;
mod body;
mod chat;
mod config;
mod conversations;
mod decode;
mod dialect;
mod edge;
mod embeddings;
mod errors;
mod fill;
mod idempotency;
mod images;
mod keys;
mod limits;
mod metrics;
mod models;
mod output;
mod prompt;
mod reply;
mod responses_store;
mod routes;
mod service;
mod shape;
mod store;
mod stream;
mod tools;
mod transcripts;
mod turns;
mod usage;

pub use api::Limits;
pub use args::{
    AccessArgs, Args, BrowserArgs, EmbeddingArgs, HubArgs, ImageArgs, LimitArgs, ModelArgs, PromptArgs,
    SocketArgs, StoreArgs, StorePlace, Switch,
};
pub use ask::AskArgs;
pub use config::{Config, StoreSettings};
pub use conversations::Reuse;
pub use edge::Browsers;
pub use embeddings::EmbeddingsServer;
pub use images::{ImageHosts, ImageSettings};
pub use keys::{Keys, KeysArgs};
pub use models::Names;
pub use service::{Service, StartError, run};
pub use transcripts::TranscriptSettings;
pub use usage::Tokenizer;
