//! Settings that have been checked.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use wormhole_protocol::{HEARTBEAT, Limits, MAX_FRAME_BYTES, PEER_DEAD_AFTER};
use wormhole_runtime::{ConfigError, ExposeSecret, SecretString, same_token, secret_from};

use crate::{
    args::{Args, PeerArgs, TurnArgs},
    core::Rules,
};

pub(crate) const PAGE_TOKEN: &str = "WORMHOLE_PAGE_TOKEN";
pub(crate) const SENDER_TOKEN: &str = "WORMHOLE_SENDER_TOKEN";

/// The hub's settings. [`Config::new`] has the defaults of the command line.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where bridges and APIs join.
    pub listen: SocketAddr,
    /// Where probes and metrics are answered.
    pub admin: SocketAddr,
    /// The token that bridges join with.
    pub page_token: SecretString,
    /// The token that APIs join with.
    pub sender_token: SecretString,
    /// Connections that may be open at once.
    pub max_peers: usize,
    /// How long a new connection may take to say `hello`.
    pub hello_within: Duration,
    /// Time between pings.
    pub heartbeat: Duration,
    /// Silence after which a peer is dropped.
    pub dead_after: Duration,
    /// The most bytes of replies that may wait for one slow sender.
    pub outbox_bytes: usize,
    /// What turns are queued by.
    pub rules: Rules,
}

impl Config {
    /// The defaults, with what has none.
    pub fn new(
        listen: SocketAddr,
        admin: SocketAddr,
        page_token: SecretString,
        sender_token: SecretString,
    ) -> Self {
        Self {
            listen,
            admin,
            page_token,
            sender_token,
            max_peers: 256,
            hello_within: Duration::from_secs(10),
            heartbeat: HEARTBEAT,
            dead_after: PEER_DEAD_AFTER,
            outbox_bytes: 64 * 1024 * 1024,
            rules: Rules::default(),
        }
    }

    /// Whether a hub can be started with this.
    ///
    /// # Errors
    /// A token is empty, both are the same, or a time makes no sense; the error names the variable.
    pub fn check(&self) -> Result<(), ConfigError> {
        for (token, name) in [(&self.page_token, PAGE_TOKEN), (&self.sender_token, SENDER_TOKEN)] {
            if token.expose_secret().is_empty() {
                return Err(missing(name));
            }
        }
        if same_token(self.page_token.expose_secret(), &self.sender_token) {
            let message = "must differ from WORMHOLE_PAGE_TOKEN: an API must not be able to pose as a bridge";
            return Err(ConfigError::new(SENDER_TOKEN, message));
        }
        if self.heartbeat.is_zero() {
            return Err(ConfigError::new("WORMHOLE_PEER_HEARTBEAT", "must be longer than 0"));
        }
        if self.dead_after <= self.heartbeat {
            let message = "must be longer than WORMHOLE_PEER_HEARTBEAT, or every quiet peer is dropped";
            return Err(ConfigError::new("WORMHOLE_PEER_DEAD_AFTER", message));
        }
        Ok(())
    }

    /// What peers are told in `welcome`.
    pub(crate) fn limits(&self) -> Limits {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Limits {
            max_frame_bytes: MAX_FRAME_BYTES as u64,
            max_reply_bytes: self.rules.max_reply_bytes,
            heartbeat_ms: millis(self.heartbeat),
            dead_after_ms: millis(self.dead_after),
        }
    }
}

impl TryFrom<Args> for Config {
    type Error = ConfigError;

    fn try_from(args: Args) -> Result<Self, ConfigError> {
        let Args {
            listen,
            port,
            admin,
            page_token,
            page_token_file,
            sender_token,
            sender_token_file,
            grace: _,
            log: _,
            peers,
            turns,
        } = args;
        let PeerArgs { max_peers, hello_within, peer_heartbeat, peer_dead_after, outbox_bytes } = peers;
        let page_token = secret_from(page_token, page_token_file.as_deref(), PAGE_TOKEN)?;
        let sender_token = secret_from(sender_token, sender_token_file.as_deref(), SENDER_TOKEN)?;
        let config = Self {
            listen: listen.unwrap_or_else(|| (Ipv4Addr::UNSPECIFIED, port).into()),
            admin,
            page_token: page_token.ok_or_else(|| missing(PAGE_TOKEN))?,
            sender_token: sender_token.ok_or_else(|| missing(SENDER_TOKEN))?,
            max_peers,
            hello_within,
            heartbeat: peer_heartbeat,
            dead_after: peer_dead_after,
            outbox_bytes,
            rules: turns.into(),
        };
        config.check()?;
        Ok(config)
    }
}

impl From<TurnArgs> for Rules {
    fn from(args: TurnArgs) -> Self {
        let TurnArgs {
            queue_limit,
            max_attempts,
            no_page_wait,
            person_wait,
            cancel_grace,
            forget_wait,
            rate_rest,
            rate_wait,
            retry_pause,
        } = args;
        Self {
            queue_limit,
            max_attempts,
            no_page_wait,
            person_wait,
            cancel_grace,
            forget_wait,
            rest_default: rate_rest,
            rest_wait: rate_wait,
            retry_pause,
            ..Self::default()
        }
    }
}

fn missing(name: &str) -> ConfigError {
    ConfigError::new(name, format!("a token is required, here or in the file that {name}_FILE names"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn config(args: &[&str]) -> Result<Config, ConfigError> {
        let all = ["hub"].iter().chain(args);
        Config::try_from(Cli::try_parse_from(all).unwrap().args)
    }

    const TOKENS: [&str; 2] = ["--page-token=p", "--sender-token=s"];

    #[test]
    fn the_command_lines_defaults_are_the_libraries() {
        let parsed = config(&TOKENS).unwrap();
        let any = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        let built = Config::new(any(8765), any(9465), "p".into(), "s".into());
        // Debug hides the tokens and shows the rest.
        assert_eq!(format!("{parsed:?}"), format!("{built:?}"));
        assert!(!format!("{parsed:?}").contains("\"p\""));
    }

    #[test]
    fn a_listening_address_wins_over_a_port() {
        let with = |args: &[&str]| config(&[&TOKENS[..], args].concat()).unwrap().listen.to_string();
        assert_eq!(with(&["--port=1"]), "0.0.0.0:1");
        assert_eq!(with(&["--port=1", "--listen=127.0.0.1:2"]), "127.0.0.1:2");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let cases: &[(&[&str], &str)] = &[
            (&[], PAGE_TOKEN),
            (&["--page-token=p"], SENDER_TOKEN),
            (&["--page-token=", "--sender-token=s"], PAGE_TOKEN),
            (&["--page-token=same", "--sender-token=same"], SENDER_TOKEN),
            (&[TOKENS[0], TOKENS[1], "--peer-heartbeat=0"], "WORMHOLE_PEER_HEARTBEAT"),
            (&[TOKENS[0], TOKENS[1], "--peer-dead-after=15s"], "WORMHOLE_PEER_DEAD_AFTER"),
        ];
        for (args, variable) in cases {
            assert_eq!(config(args).unwrap_err().variable(), *variable, "{args:?}");
        }
    }
}
