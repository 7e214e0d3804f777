//! What the site is opened with. What may change later is in [`Switches`].

use std::fmt;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::switches::Switches;

/// How to open a practice site. The default suits a test: a free loopback port, nothing else.
#[derive(Clone)]
pub struct Config {
    /// Where plain HTTP is served; port 0 takes a free one.
    pub http: SocketAddr,
    /// Where HTTPS with HTTP/2 is served, if at all.
    pub https: Option<SocketAddr>,
    /// The folder that keeps the certificate's key; without one, it is made anew at each start.
    pub identity: Option<PathBuf>,
    /// The one account's e-mail address.
    pub email: String,
    /// The one account's password.
    pub password: String,
    /// The one-time code that is accepted when [`Switches::one_time_code`] is on.
    pub code: String,
    /// Who may use `/control/*`. The in-process [`crate::Control`] always works.
    pub control: ControlAccess,
    /// A model server that answers for models of its own.
    pub answer_with: Option<AnswerWith>,
    /// How much is kept.
    pub limits: Limits,
    /// The behaviour to start with.
    pub switches: Switches,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            http: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            https: None,
            identity: None,
            email: "demo@example.test".to_owned(),
            password: "practice".to_owned(),
            code: "424242".to_owned(),
            control: ControlAccess::Off,
            answer_with: None,
            limits: Limits::default(),
            switches: Switches::default(),
        }
    }
}

impl fmt::Debug for Config {
    // Passwords, codes and tokens stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("http", &self.http)
            .field("https", &self.https)
            .field("limits", &self.limits)
            .field("switches", &self.switches)
            .finish_non_exhaustive()
    }
}

/// Who may use the control endpoint. Whatever is chosen, only callers from loopback.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum ControlAccess {
    /// Nobody: the paths do not exist.
    #[default]
    Off,
    /// Every process on this machine.
    Loopback,
    /// Those that send `Authorization: Bearer <token>`.
    Token(String),
}

/// An OpenAI-compatible server that answers in place of the practice models.
#[derive(Clone)]
pub struct AnswerWith {
    /// The base URL, up to and including `/v1`.
    pub base: String,
    /// The bearer key, if the server wants one.
    pub key: Option<String>,
}

/// How much the site keeps. Past a bound the oldest is forgotten, except where said otherwise.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Sessions; the one unused for longest goes first.
    pub sessions: usize,
    /// Conversations.
    pub conversations: usize,
    /// Turns of one conversation; one more is refused with 409.
    pub turns: usize,
    /// Turns remembered for [`crate::Snapshot::turns`].
    pub records: usize,
    /// Bytes of prompts in all conversations together, and again in all records together.
    pub text_bytes: usize,
    /// Bytes of one request body; more is refused with 413.
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 256,
            conversations: 2_000,
            turns: 500,
            records: 4_096,
            text_bytes: 64 << 20,
            body_bytes: 8 << 20,
        }
    }
}
