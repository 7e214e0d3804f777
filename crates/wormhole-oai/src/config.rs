//! Settings that have been checked.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use wormhole_client::{HubAddress, LinkTimings, hub_url};
use wormhole_runtime::{ConfigError, ExposeSecret, secret_from};

use crate::api::Limits;
use crate::args::{AccessArgs, Args, HubArgs, LimitArgs, ModelArgs, PromptArgs, SocketArgs};
use crate::keys::Keys;
use crate::models::Names;

/// Everything the service needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where clients come.
    pub listen: SocketAddr,
    /// Where probes and Prometheus come.
    pub admin: SocketAddr,
    /// Where the hub is.
    pub hub: HubAddress,
    /// How patient the link to it is.
    pub link: LinkTimings,
    /// Who may call; everybody if empty.
    pub keys: Keys,
    /// Everybody may call beyond loopback, too.
    pub allow_anonymous: bool,
    /// Aliases and the default model.
    pub names: Names,
    /// A folder of templates in place of the shipped ones.
    pub templates: Option<PathBuf>,
    /// A file in place of the shipped phrases.
    pub agent_prompts: Option<PathBuf>,
    /// How long one turn may take.
    pub turn_deadline: Duration,
    /// Times and sizes of the API.
    pub limits: Limits,
}

impl Config {
    /// The defaults, on free ports of loopback, for a hub.
    pub fn on_loopback(hub: HubAddress) -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: free,
            admin: free,
            hub,
            link: LinkTimings::default(),
            keys: Keys::default(),
            allow_anonymous: false,
            names: Names::default(),
            templates: None,
            agent_prompts: None,
            turn_deadline: Duration::from_mins(10),
            limits: Limits::default(),
        }
    }

    /// Refuses to serve strangers by accident.
    ///
    /// # Errors
    /// The public socket is not on loopback, there is no key, and that is not said to be meant.
    pub fn check_access(&self) -> Result<(), ConfigError> {
        if self.listen.ip().is_loopback() || !self.keys.is_empty() || self.allow_anonymous {
            return Ok(());
        }
        let listen = self.listen;
        Err(ConfigError::new(
            "WORMHOLE_API_KEYS",
            format!(
                "needed, because {listen} (WORMHOLE_OAI_LISTEN) is not loopback; or set WORMHOLE_ALLOW_ANONYMOUS=true to serve everybody"
            ),
        ))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(10),
            status_window: Duration::from_secs(1),
            body: 32 << 20,
            context_length: 32_768,
        }
    }
}

impl TryFrom<Args> for Config {
    type Error = ConfigError;

    fn try_from(args: Args) -> Result<Self, ConfigError> {
        let Args { log: _, sockets, hub, access, models, prompts, limits } = args;
        let SocketArgs { oai_listen, oai_admin } = sockets;
        let AccessArgs { api_keys, api_keys_file, allow_anonymous } = access;
        let ModelArgs { model_aliases, default_model, context_length } = models;
        let PromptArgs { templates, agent_prompts } = prompts;
        let LimitArgs { turn_deadline, heartbeat, status_window, body_limit_mib, grace: _ } = limits;
        let keys = secret_from(api_keys, api_keys_file.as_deref(), "WORMHOLE_API_KEYS")?;
        for (name, value) in [("WORMHOLE_TURN_DEADLINE", turn_deadline), ("WORMHOLE_HEARTBEAT", heartbeat)] {
            if value.is_zero() {
                return Err(ConfigError::new(name, "expected more than zero"));
            }
        }
        let config = Self {
            listen: oai_listen,
            admin: oai_admin,
            hub: hub_address(hub)?,
            link: LinkTimings::default(),
            keys: keys.map_or_else(|| Ok(Keys::default()), |keys| Keys::parse(keys.expose_secret()))?,
            allow_anonymous,
            names: Names {
                aliases: aliases(model_aliases.as_deref().unwrap_or_default())?,
                default: default_model,
            },
            templates,
            agent_prompts,
            turn_deadline,
            limits: Limits {
                heartbeat,
                status_window,
                body: usize::from(body_limit_mib) << 20,
                context_length,
            },
        };
        config.check_access()?;
        Ok(config)
    }
}

fn hub_address(args: HubArgs) -> Result<HubAddress, ConfigError> {
    let HubArgs { server_url, server_host, server_port, sender_token, sender_token_file } = args;
    let url = hub_url(server_url, server_host.as_deref().unwrap_or("127.0.0.1"), server_port)?;
    let token = secret_from(sender_token, sender_token_file.as_deref(), "WORMHOLE_SENDER_TOKEN")?;
    let token = token.ok_or_else(|| {
        ConfigError::new(
            "WORMHOLE_SENDER_TOKEN",
            "required: the hub's token for senders (or WORMHOLE_SENDER_TOKEN_FILE)",
        )
    })?;
    Ok(HubAddress { url, token, name: "oai".to_owned() })
}

fn aliases(text: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let entries = text.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
    let pairs = entries.map(|entry| match entry.split_once('=') {
        Some((alias, target)) if !alias.trim().is_empty() && !target.trim().is_empty() => {
            Ok((alias.trim().to_owned(), target.trim().to_owned()))
        }
        _ => {
            Err(ConfigError::new("WORMHOLE_MODEL_ALIASES", format!("expected alias=model, found '{entry}'")))
        }
    });
    pairs.collect()
}

#[cfg(test)]
mod tests;
