//! The frames. One JSON object a text frame, tagged by `type`; unknown fields are ignored, unknown types refused.

use serde::{Deserialize, Serialize};

use crate::ids::{ConversationId, PeerId, TurnId};
use crate::limits::Limits;
use crate::reply::{Body, Failure, FailureCode};
use crate::state::PageState;

/// What a peer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A bridge, speaking for one logged-in tab.
    Page,
    /// An API, submitting turns.
    Sender,
}

/// A frame from a peer to the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromPeer {
    /// Any peer, first: who it is.
    Hello(Hello),
    /// Sender: post this.
    Submit(Box<Submit>),
    /// Page: a step of a reply.
    Event(Event),
    /// Sender: stop this turn. Unknown turns are ignored (its end may have crossed it).
    Cancel {
        /// Which.
        turn: TurnId,
    },
    /// Page: how it is now.
    Status(Status),
    /// Sender: remove a conversation from the site.
    Forget {
        /// The account that owns it.
        account: String,
        /// Which.
        conversation: ConversationId,
    },
    /// Page: it is removed.
    Forgotten {
        /// The account that owned it.
        account: String,
        /// Which.
        conversation: ConversationId,
    },
    /// Page: it could not be removed.
    ForgetFailed {
        /// The account that owns it.
        account: String,
        /// Which.
        conversation: ConversationId,
        /// Why not.
        failure: Failure,
    },
    /// Any peer: the hub's last frame could not be understood.
    Error(ProtocolError),
}

/// A frame from the hub to a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromHub {
    /// Any peer: it has joined.
    Welcome(Welcome),
    /// Sender: which accounts and models there are, on joining and whenever that changes.
    Directory(Directory),
    /// Sender: the turn waits; again when the number changes, at most once a second.
    Queued {
        /// Which.
        turn: TurnId,
        /// Turns before it.
        ahead: u32,
    },
    /// Page: post this.
    Post(Box<Post>),
    /// Sender: a step of a reply.
    Event(Event),
    /// Page: stop this turn.
    Cancel {
        /// Which.
        turn: TurnId,
    },
    /// Page: remove a conversation from the site.
    Forget {
        /// The account that owns it.
        account: String,
        /// Which.
        conversation: ConversationId,
    },
    /// Sender: it is removed.
    Forgotten {
        /// The account that owned it.
        account: String,
        /// Which.
        conversation: ConversationId,
    },
    /// Sender: it could not be removed.
    ForgetFailed {
        /// The account that owns it.
        account: String,
        /// Which.
        conversation: ConversationId,
        /// Why not.
        failure: Failure,
    },
    /// Any peer: its last frame could not be understood.
    Error(ProtocolError),
}

/// Who a peer is: the first frame it sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The major version it speaks.
    pub protocol: u32,
    /// What it wants to be; must agree with its token.
    pub role: Role,
    /// A name for logs (host name, pod name).
    pub name: String,
    /// The program's version, for logs.
    pub version: String,
    /// What a page adds; required for `page`, ignored for `sender`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<PageHello>,
}

/// What a page says of itself when it joins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageHello {
    /// The site profile's name.
    pub site: String,
    /// The account: one browser profile, logged in to one site.
    pub account: String,
    /// Turns it runs at once.
    pub capacity: u32,
    /// The smallest gap between two posts on this account, in milliseconds; from the site profile.
    #[serde(default)]
    pub gap_ms: u64,
    /// How it is.
    pub state: PageState,
    /// Why, for people; empty when there is nothing to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The models the site offers; empty until it has been asked.
    #[serde(default)]
    pub models: Vec<ModelInfo>,
}

/// A model as the site names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// The public name, which clients use.
    pub name: String,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Who makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// It takes images.
    #[serde(default)]
    pub images: bool,
}

/// The hub's answer to `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The hub's major version.
    pub protocol: u32,
    /// What the hub calls this connection.
    pub peer: PeerId,
    /// What the hub allows.
    pub limits: Limits,
}

/// How a page is, sent whenever it changes. What is absent stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The state.
    pub state: PageState,
    /// Why, for people; empty when there is nothing to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The models, where they changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<ModelInfo>>,
    /// The capacity, where it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
}

/// Every account that has joined, for senders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// One entry a page, sorted by site and account.
    pub accounts: Vec<AccountModels>,
}

/// One account of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountModels {
    /// The site profile's name.
    pub site: String,
    /// The account.
    pub account: String,
    /// How its page is.
    pub state: PageState,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// What it offers.
    pub models: Vec<ModelInfo>,
}

/// Where a turn goes on: the site's thread, and the turn in it that this one follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationRef {
    /// The site's thread.
    pub id: ConversationId,
    /// The number of turns the thread has so far, which is the site's index of the next one.
    pub parent: u32,
}

/// A picture that travels with a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Such as `image/png`.
    pub media_type: String,
    /// The bytes, in base64.
    pub data: String,
}

/// A sender's request: post this and stream the reply back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submit {
    /// Made by the sender.
    pub turn: TurnId,
    /// The name of the API key (never the key), for fairness between callers.
    pub caller: String,
    /// The model's public name.
    pub model: String,
    /// Only on this site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Only on this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Go on here; a new thread if absent. Needs `account`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationRef>,
    /// The text to post, whole.
    pub text: String,
    /// Pictures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// How long the whole turn may take from now on, in milliseconds.
    pub deadline_ms: u64,
    /// The request's id at the rim, so that a line in one log joins a line in another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// The hub's order to a page: post this. The rest of the `submit`, with the attempt it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Which.
    pub turn: TurnId,
    /// Counts from 1; every event names it, so that a late event of an older attempt is known as such.
    pub attempt: u32,
    /// The model's public name.
    pub model: String,
    /// Go on here; a new thread if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationRef>,
    /// The text to post, whole.
    pub text: String,
    /// Pictures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// What is left of the deadline, in milliseconds.
    pub deadline_ms: u64,
    /// As in `submit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// A step of a reply, from page to hub and from hub to sender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Which turn.
    pub turn: TurnId,
    /// Which attempt of it.
    pub attempt: u32,
    /// Counts from 0 without gaps on each hop, for each attempt.
    pub seq: u64,
    /// What happened.
    pub body: Body,
}

/// A frame could not be understood. The connection goes on; whoever sent it has a defect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtocolError {
    /// Always `protocol` in version 1.
    pub code: FailureCode,
    /// What was wrong, where.
    pub message: String,
}
