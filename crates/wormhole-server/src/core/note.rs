//! What the core tells its shell to log and to count. It never holds text of a prompt or of a reply.

use std::time::Duration;

use wormhole_protocol::{FailureCode, PageState, PeerId, Role, TurnId};

/// Something worth a log line or a count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Note {
    /// A peer has joined; `page` says for what.
    Joined { peer: PeerId, role: Role, name: String, version: String, page: Option<PageNote> },
    /// A peer is gone; `state` is a page's last.
    Left { peer: PeerId, role: Role, reason: Gone, state: Option<PageState> },
    /// A page's state has changed.
    State { peer: PeerId, from: PageState, page: PageNote },
    /// A turn was given to a page.
    Posted { turn: TurnId, trace: Option<String>, attempt: u32, page: PeerId, waited: Duration },
    /// A turn that was certainly not posted waits again; `code` is missing if its page never saw it.
    Requeued { turn: TurnId, trace: Option<String>, attempt: u32, code: Option<FailureCode> },
    /// A turn's end was put into its sender's outbox; `code` is missing if its reply is whole.
    Ended {
        turn: TurnId,
        trace: Option<String>,
        code: Option<FailureCode>,
        attempt: u32,
        took: Duration,
        bytes: u64,
    },
    /// An event of a page was dropped.
    Stale { turn: TurnId, reason: Stale },
    /// A delta was joined to one that waits for a slow reader.
    Merged,
    /// A site asked for a rest.
    Rests { peer: PeerId, rest: Duration },
    /// A page took longer to stop a turn than it may; its place was freed.
    Overstayed { turn: TurnId, page: PeerId },
    /// A peer says that it could not read our frame.
    Refused { peer: PeerId, message: String },
}

/// Who a page speaks for, and how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageNote {
    pub(crate) site: String,
    pub(crate) account: String,
    pub(crate) state: PageState,
    pub(crate) detail: String,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word for it in logs and metrics.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

words! {
    /// Why an event of a page was dropped.
    Stale {
        /// Nobody waits for this turn (any more).
        UnknownTurn = "unknown_turn",
        /// An attempt that was given up.
        OldAttempt = "old_attempt",
        /// The turn runs on another page.
        WrongPeer = "wrong_peer",
        /// Its number was seen before.
        Duplicate = "duplicate",
        /// A number is missing before it, so its text would stand in the wrong place.
        Gap = "gap",
        /// The sender has been told the turn's end already.
        Ended = "ended",
    }
}

words! {
    /// Why a connection ended, or was never a peer.
    Gone {
        /// It closed the connection, or the connection broke.
        Left = "left",
        /// The hub is going down.
        Drained = "drained",
        /// A newer connection speaks for the same account.
        Replaced = "replaced",
        /// It was silent for too long.
        Silent = "silent",
        /// It read too slowly.
        Slow = "slow",
        /// A frame was over the limit.
        Oversized = "oversized",
        /// No `hello`, or none that could be read.
        Malformed = "malformed",
        /// Another role than its token's.
        Unauthorised = "unauthorised",
        /// Another major version of the protocol.
        Protocol = "protocol",
    }
}
