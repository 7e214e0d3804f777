//! The command line of `wormhole-playground`.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::AnswerWith;
use crate::config::Config;
use crate::config::ControlAccess;
use crate::error::SiteError;
use crate::switches::Era;
use crate::switches::Switches;

/// The practice site: a small chat web application that misbehaves on demand.
#[derive(Clone, clap::Parser)]
#[command(name = "wormhole-playground", version)]
pub struct Args {
    /// Where to serve HTTP.
    #[arg(long, env = "PLAYGROUND_LISTEN", default_value = "127.0.0.1:8088")]
    pub listen: SocketAddr,
    /// Where to serve HTTPS with HTTP/2, if at all.
    #[arg(long, env = "PLAYGROUND_LISTEN_TLS")]
    pub listen_tls: Option<SocketAddr>,
    /// Keep the certificate's key in this folder, and its hash as `key-hash`, so that browsers which trust it by the hash
    /// do so after a restart, too.
    #[arg(long, env = "PLAYGROUND_IDENTITY", value_name = "FOLDER")]
    pub identity: Option<PathBuf>,
    /// The account's e-mail address.
    #[arg(long, env = "PLAYGROUND_EMAIL", default_value = "demo@example.test")]
    pub email: String,
    /// The account's password.
    #[arg(long, env = "PLAYGROUND_PASSWORD", default_value = "practice", hide_env_values = true)]
    pub password: String,
    /// Which generation of the real site to be.
    #[arg(long, env = "PLAYGROUND_ERA", value_enum, default_value_t)]
    pub era: Era,
    /// Milliseconds between two words of a practice model.
    #[arg(long, env = "PLAYGROUND_WORD_PACE_MS", default_value_t = 25)]
    pub word_pace_ms: u32,
    /// Base URL of an OpenAI-compatible server that answers for its own models.
    #[arg(long, env = "PLAYGROUND_ANSWER_WITH", value_name = "URL")]
    pub answer_with: Option<String>,
    /// Key for that server.
    #[arg(long, env = "PLAYGROUND_ANSWER_KEY", hide_env_values = true)]
    pub answer_key: Option<String>,
    /// Open `/control/*` to processes on this machine.
    #[arg(long, env = "PLAYGROUND_CONTROL")]
    pub control: bool,
    /// Open `/control/*` to processes on this machine that send this bearer token.
    #[arg(long, env = "PLAYGROUND_CONTROL_TOKEN", hide_env_values = true)]
    pub control_token: Option<String>,
}

impl fmt::Debug for Args {
    // Password, key and token stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Args").field("listen", &self.listen).finish_non_exhaustive()
    }
}

impl TryFrom<Args> for Config {
    type Error = SiteError;

    fn try_from(args: Args) -> Result<Self, SiteError> {
        let Args {
            listen,
            listen_tls,
            identity,
            email,
            password,
            era,
            word_pace_ms,
            answer_with,
            answer_key,
            control,
            control_token,
        } = args;
        let control = match (control_token, control) {
            (Some(token), _) if token.is_empty() => {
                return Err(setting("PLAYGROUND_CONTROL_TOKEN", "is empty; leave it out or set a token"));
            }
            (Some(token), _) => ControlAccess::Token(token),
            (None, true) => ControlAccess::Loopback,
            (None, false) => ControlAccess::Off,
        };
        let answer_with = match answer_with {
            Some(base) if base.starts_with("http://") || base.starts_with("https://") => {
                Some(AnswerWith { base, key: answer_key })
            }
            Some(_) => return Err(setting("PLAYGROUND_ANSWER_WITH", "must be an http:// or https:// URL")),
            None => None,
        };
        Ok(Self {
            http: listen,
            https: listen_tls,
            identity,
            email,
            password,
            control,
            answer_with,
            switches: Switches { era, word_pace_ms, ..Switches::default() },
            ..Self::default()
        })
    }
}

fn setting(setting: &'static str, problem: &str) -> SiteError {
    SiteError::Setting { setting, problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::Parser;

    use super::*;

    fn config(args: &[&str]) -> Result<Config, SiteError> {
        Args::try_parse_from([&["wormhole-playground"], args].concat()).unwrap().try_into()
    }

    #[test]
    fn the_command_line_holds_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn control_is_off_unless_asked_for() {
        assert!(config(&[]).unwrap().control == ControlAccess::Off);
        assert!(config(&["--control"]).unwrap().control == ControlAccess::Loopback);
        let token = config(&["--control-token", "t"]).unwrap();
        assert!(token.control == ControlAccess::Token("t".to_owned()));
    }

    #[test]
    fn a_bad_setting_is_named() {
        let refused = config(&["--answer-with", "localhost:11434"]).unwrap_err();
        assert_eq!(refused.to_string(), "PLAYGROUND_ANSWER_WITH must be an http:// or https:// URL");
    }
}
