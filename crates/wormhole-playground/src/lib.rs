#![doc = include_str!("../README.md")]

mod answer;
mod api;
mod app;
mod args;
mod body;
mod config;
mod control;
mod conversations;
mod error;
mod fault;
mod gate;
mod health;
mod images;
mod observe;
mod serve;
mod sessions;
mod site;
mod switches;
mod tls;
mod web;

use tokio_util::sync::CancellationToken;

pub use crate::answer::{AGENT, ECHO, EYES, GATE, STORY, THINKER};
pub use crate::args::Args;
pub use crate::config::{AnswerWith, Config, ControlAccess, Limits};
pub use crate::control::Control;
pub use crate::error::{SiteError, UnknownConversation, Unmet};
pub use crate::fault::{Call, Fault};
pub use crate::health::healthcheck;
pub use crate::images::{MAX_IMAGE_BYTES, MOST_IMAGES};
pub use crate::observe::{Outcome, Snapshot, TurnRecord};
pub use crate::site::Site;
pub use crate::switches::{Era, Shape, Switches};

/// Runs the site as a process of its own until `stop` is cancelled.
///
/// # Errors
/// When the settings are not usable or an address cannot be bound.
pub async fn run(args: Args, stop: CancellationToken) -> Result<(), SiteError> {
    let site = Site::bind(args.try_into()?).await?;
    tracing::info!(origin = site.http_origin(), "the practice site is open");
    if let (Some(origin), Some(spki)) = (site.https_origin(), site.spki_hash()) {
        tracing::info!(origin, spki, "and over TLS; browsers trust it by this key hash");
    }
    site.serve(stop).await;
    Ok(())
}
