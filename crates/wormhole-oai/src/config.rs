//! Settings that have been checked.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use wormhole_client::{HubAddress, LinkTimings, hub_url};
use wormhole_runtime::{ConfigError, ExposeSecret, secret_from};

use crate::api::Limits;
use crate::args::{
    AccessArgs, Args, BrowserArgs, EmbeddingArgs, HubArgs, ImageArgs, LimitArgs, ModelArgs, PromptArgs,
    SocketArgs, StoreArgs, StorePlace, Switch,
};
use crate::conversations::Reuse;
use crate::edge::Browsers;
use crate::embeddings::EmbeddingsServer;
use crate::images::{ImageHosts, ImageSettings};
use crate::keys::Keys;
use crate::models::Names;
use crate::transcripts::TranscriptSettings;
use crate::usage::Tokenizer;

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
    /// Which web pages may call, and under which names this server answers.
    pub browsers: Browsers,
    /// Where embeddings come from; they are refused if nowhere.
    pub embeddings: Option<EmbeddingsServer>,
    /// Aliases and the default model.
    pub names: Names,
    /// A folder of templates in place of the shipped ones.
    pub templates: Option<PathBuf>,
    /// A file in place of the shipped phrases.
    pub agent_prompts: Option<PathBuf>,
    /// Which pictures are taken, and from where.
    pub images: ImageSettings,
    /// How long one turn may take.
    pub turn_deadline: Duration,
    /// Where conversations and responses are remembered.
    pub store: StoreSettings,
    /// Whether and how conversations go on.
    pub reuse: Reuse,
    /// Where transcripts are kept; nowhere if none.
    pub transcripts: Option<TranscriptSettings>,
    /// How tokens are counted.
    pub tokenizer: Tokenizer,
    /// Times and sizes of the API.
    pub limits: Limits,
}

/// Where things are remembered, how many and how long.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// The data folder; in memory if none.
    pub folder: Option<PathBuf>,
    /// Since they were last used.
    pub age: Duration,
    /// All of them together.
    pub bytes: u64,
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
            browsers: Browsers::default(),
            embeddings: None,
            names: Names::default(),
            templates: None,
            agent_prompts: None,
            images: ImageSettings::default(),
            turn_deadline: Duration::from_mins(10),
            store: StoreSettings { folder: None, age: Duration::from_hours(24), bytes: 64 << 20 },
            reuse: Reuse { on: true, branches: false, ttl: None },
            transcripts: None,
            tokenizer: Tokenizer::Estimate,
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
            prompt: 1 << 20,
            context_length: 32_768,
        }
    }
}

impl TryFrom<Args> for Config {
    type Error = ConfigError;

    fn try_from(args: Args) -> Result<Self, ConfigError> {
        let Args {
            log: _,
            sockets,
            hub,
            access,
            browsers,
            embeddings,
            models,
            images,
            prompts,
            store,
            limits,
        } = args;
        let SocketArgs { oai_listen, oai_admin } = sockets;
        let AccessArgs { api_keys, api_keys_file, allow_anonymous } = access;
        let BrowserArgs { cors_origins, allowed_hosts } = browsers;
        let ModelArgs { model_aliases, default_model, context_length } = models;
        let PromptArgs { templates, agent_prompts, prompt_limit } = prompts;
        let LimitArgs { turn_deadline, heartbeat, status_window, body_limit_mib, grace: _ } = limits;
        let (store, reuse, transcripts, tokenizer) = remembered(store)?;
        let keys = secret_from(api_keys, api_keys_file.as_deref(), "WORMHOLE_API_KEYS")?;
        let keys = match (keys, api_keys_file.filter(|file| !file.as_os_str().is_empty())) {
            (_, Some(file)) => Keys::from_file(&file)?,
            (Some(keys), None) => Keys::parse(keys.expose_secret())?,
            (None, None) => Keys::default(),
        };
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
            keys,
            allow_anonymous,
            browsers: Browsers::parse(
                cors_origins.as_deref().unwrap_or_default(),
                allowed_hosts.as_deref().unwrap_or_default(),
            )?,
            embeddings: embeddings_server(embeddings)?,
            names: Names {
                aliases: aliases(model_aliases.as_deref().unwrap_or_default())?,
                default: default_model,
            },
            templates,
            agent_prompts,
            images: image_settings(images)?,
            turn_deadline,
            store,
            reuse,
            transcripts,
            tokenizer,
            limits: Limits {
                heartbeat,
                status_window,
                body: usize::from(body_limit_mib) << 20,
                prompt: prompt_limit,
                context_length,
            },
        };
        config.check_access()?;
        Ok(config)
    }
}

type Remembered = (StoreSettings, Reuse, Option<TranscriptSettings>, Tokenizer);

fn remembered(args: StoreArgs) -> Result<Remembered, ConfigError> {
    let StoreArgs { data, store, store_age, store_mib, reuse, branches, conversation_ttl, tokenizer, .. } =
        args;
    if store_age.is_zero() {
        return Err(ConfigError::new("WORMHOLE_STORE_AGE", "expected more than zero"));
    }
    let ttl = conversation_ttl.filter(|ttl| !ttl.is_zero());
    if ttl.is_some_and(|ttl| ttl >= store_age) {
        let message = "expected less than WORMHOLE_STORE_AGE: what is not remembered cannot be removed";
        return Err(ConfigError::new("WORMHOLE_CONVERSATION_TTL", message));
    }
    let transcripts = (args.transcripts == Switch::On).then(|| TranscriptSettings {
        folder: data.join("transcripts"),
        file_bytes: u64::from(args.transcripts_mib) << 20,
        age: args.transcripts_age,
    });
    let folder = (store == StorePlace::Disk).then_some(data);
    let store = StoreSettings { folder, age: store_age, bytes: u64::from(store_mib) << 20 };
    let reuse = Reuse { on: reuse == Switch::On, branches: branches == Switch::On, ttl };
    Ok((store, reuse, transcripts, tokenizer))
}

fn image_settings(args: ImageArgs) -> Result<ImageSettings, ConfigError> {
    let ImageArgs { image_hosts, image_count, image_bytes, image_timeout } = args;
    if image_timeout.is_zero() {
        return Err(ConfigError::new("WORMHOLE_IMAGE_TIMEOUT", "expected more than zero"));
    }
    Ok(ImageSettings {
        hosts: ImageHosts::parse(image_hosts.as_deref().unwrap_or_default())?,
        most: usize::from(image_count),
        bytes: usize::try_from(image_bytes).unwrap_or(usize::MAX),
        within: image_timeout,
    })
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

fn embeddings_server(args: EmbeddingArgs) -> Result<Option<EmbeddingsServer>, ConfigError> {
    let EmbeddingArgs { embeddings_url, embeddings_key, embeddings_key_file } = args;
    let key = secret_from(embeddings_key, embeddings_key_file.as_deref(), "WORMHOLE_EMBEDDINGS_KEY")?;
    match embeddings_url {
        None => Ok(None),
        Some(url) if matches!(url.scheme(), "http" | "https") && url.query().is_none() => {
            Ok(Some(EmbeddingsServer { url, key }))
        }
        Some(_) => {
            Err(ConfigError::new("WORMHOLE_EMBEDDINGS_URL", "expected an http:// or https:// address"))
        }
    }
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
