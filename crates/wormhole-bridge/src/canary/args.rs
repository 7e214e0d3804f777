//! Settings of the canary.

use std::time::Duration;

use clap::Args as ClapArgs;
use wormhole_runtime::{ConfigError, parse_duration};

use super::CanaryConfig;

/// Each question is a turn on somebody's account.
const LEAST: Duration = Duration::from_mins(1);

/// Whether the bridge asks its site a question now and then.
#[derive(Debug, Clone, ClapArgs)]
#[group(skip)]
pub struct CanaryArgs {
    /// About how often to ask the site a tiny question while nobody else does; never if not given.
    #[arg(long, env = "WORMHOLE_CANARY_EVERY", value_parser = parse_duration, value_name = "DURATION")]
    pub canary_every: Option<Duration>,
    /// The model to ask, by its public name; the site's first if not given.
    #[arg(long, env = "WORMHOLE_CANARY_MODEL", value_name = "MODEL")]
    pub canary_model: Option<String>,
}

impl CanaryArgs {
    /// How often to ask what, if at all.
    ///
    /// # Errors
    /// Too often.
    pub(crate) fn config(self) -> Result<Option<CanaryConfig>, ConfigError> {
        let Self { canary_every, canary_model } = self;
        let Some(every) = canary_every else { return Ok(None) };
        if every < LEAST {
            return Err(ConfigError::new("WORMHOLE_CANARY_EVERY", "must be at least 1m"));
        }
        Ok(Some(CanaryConfig { every, model: canary_model.filter(|model| !model.is_empty()) }))
    }
}
