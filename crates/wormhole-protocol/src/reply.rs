//! What a reply is made of: its events, its end, and the ways it can fail.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::ConversationId;

/// One step of a reply. Externally tagged: `{"text":{"delta":"…"}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// The site took the message. From here on a lost link means the message *was* posted.
    Accepted {
        /// The site's thread; absent where the site names it only at the end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conversation: Option<ConversationId>,
        /// The account it was posted on.
        account: String,
    },
    /// More of the answer.
    Text {
        /// What to append.
        delta: String,
    },
    /// More of the reasoning that precedes the answer.
    Reasoning {
        /// What to append.
        delta: String,
    },
    /// The reply is whole: the site said so.
    Done {
        /// Why the site ended it.
        finish: Finish,
        /// Where the next turn of this thread goes; absent where the site has no threads.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conversation: Option<crate::frame::ConversationRef>,
        /// UTF-8 bytes of all `text` and `reasoning` deltas together, so that the reader can prove nothing is missing.
        bytes: u64,
    },
    /// The reply ended without being whole.
    Failed(Failure),
}

impl Body {
    /// Nothing follows this event.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Failed(_))
    }
}

/// Why a site ended a reply that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model was done.
    Stop,
    /// The site's own length limit was reached.
    Length,
    /// The site's filter ended it.
    ContentFilter,
}

/// A turn's failure. `message` is written for the person who called; it never holds a prompt, a cookie or a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure.
    pub code: FailureCode,
    /// What happened, on what, in lower case.
    pub message: String,
    /// The same turn, submitted again later, may well succeed.
    pub retryable: bool,
    /// Whether the site has the message.
    pub posted: Posted,
    /// How long the site (or the hub) asked to wait, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The site's HTTP status, with `site_error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl Failure {
    /// A failure of a turn that was certainly not posted; may be submitted again where the code allows it.
    pub fn not_posted(code: FailureCode, message: impl Into<String>) -> Self {
        Self::new(code, Posted::No, message)
    }

    /// A failure of a turn with what is known about its posting. `retryable` follows the code.
    pub fn new(code: FailureCode, posted: Posted, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retryable: code.is_retryable(),
            posted,
            retry_after_ms: None,
            status: None,
        }
    }

    /// Names how long to wait before the next try.
    #[must_use]
    pub fn retry_after_ms(mut self, millis: u64) -> Self {
        self.retry_after_ms = Some(millis);
        self
    }

    /// Names the site's HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// Whether the site has the message of a failed turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Posted {
    /// Certainly: posting again would post twice.
    Yes,
    /// Certainly not: it may be given to another page.
    No,
    /// Nobody can tell: only the caller may decide.
    Unknown,
}

macro_rules! failure_codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, retryable: $retryable:literal;)*) => {
        /// Kinds of failure, the closed set of wire.md.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum FailureCode {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl FailureCode {
            /// Every code, in the order of the enum: for tables and for metrics that pre-create their series.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word for it, as on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// A later try of the same turn may succeed without anybody changing anything.
            pub fn is_retryable(self) -> bool {
                match self { $(Self::$variant => $retryable,)* }
            }
        }
    };
}

failure_codes! {
    /// No page serves this model, site or account.
    NoPage = "no_page", retryable: true;
    /// The hub's queue is full.
    QueueFull = "queue_full", retryable: true;
    /// The turn's own deadline passed.
    Deadline = "deadline", retryable: true;
    /// Either side asked to stop.
    Cancelled = "cancelled", retryable: false;
    /// The page's link or tab died with the turn in it.
    PageLost = "page_lost", retryable: true;
    /// The link between sender and hub died with the turn in it.
    HubLost = "hub_lost", retryable: true;
    /// The site has no session, and Wormhole cannot make one by itself.
    LoginRequired = "login_required", retryable: true;
    /// The site asks for a person.
    Challenge = "challenge", retryable: true;
    /// The site's own rate limit; `retry_after_ms` says how long.
    RateLimited = "rate_limited", retryable: true;
    /// No site has a model of this name.
    ModelUnknown = "model_unknown", retryable: false;
    /// The site does not know the conversation (any more).
    ConversationUnknown = "conversation_unknown", retryable: false;
    /// The site refused this message (its content, its size, its model).
    Refused = "refused", retryable: false;
    /// The site answered with an error; `status` says which.
    SiteError = "site_error", retryable: true;
    /// The site answered in a shape the adapter does not know; the message names the call and the field.
    SiteChanged = "site_changed", retryable: false;
    /// The stream ended without the site saying that the reply is whole.
    Truncated = "truncated", retryable: true;
    /// The site sent nothing for too long.
    Stalled = "stalled", retryable: true;
    /// The reply, or what waits for a slow reader of it, is over the limit.
    TooLarge = "too_large", retryable: false;
    /// A peer broke the protocol.
    Protocol = "protocol", retryable: false;
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
