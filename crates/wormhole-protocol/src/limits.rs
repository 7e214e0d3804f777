//! Version, limits and close codes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The major version. A peer of another one is refused with close code 4406, both versions named in the reason.
pub const PROTOCOL_VERSION: u32 = 1;

/// Where the hub takes WebSockets.
pub const HUB_PATH: &str = "/v1/ws";

/// The largest frame any peer may send. Images travel inside turns, so it is large.
pub const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;

/// The most text (answer and reasoning together) one reply may hold.
/// It also bounds what the hub keeps for a slow reader of that reply.
pub const MAX_REPLY_BYTES: usize = 4 * 1024 * 1024;

/// How often each end pings the other.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

/// A peer that was silent for this long (three heartbeats) is gone.
pub const PEER_DEAD_AFTER: Duration = Duration::from_secs(45);

/// RFC 6455: the hub is going down; come back later.
pub const CLOSE_GOING_AWAY: u16 = 1001;
/// The first frame was no `hello`, or could not be read.
pub const CLOSE_MALFORMED: u16 = 4400;
/// The role in `hello` is not the one the token is for.
pub const CLOSE_UNAUTHORISED: u16 = 4401;
/// Another major version of the protocol.
pub const CLOSE_PROTOCOL: u16 = 4406;
/// A newer connection speaks for the same site and account.
pub const CLOSE_REPLACED: u16 = 4409;

/// What the hub allows, announced in `welcome` so that a peer need not guess.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest frame, in bytes.
    pub max_frame_bytes: u64,
    /// Largest reply, in bytes of text.
    pub max_reply_bytes: u64,
    /// Time between pings, in milliseconds.
    pub heartbeat_ms: u64,
    /// Silence after which the hub drops a peer, in milliseconds.
    pub dead_after_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self {
            max_frame_bytes: MAX_FRAME_BYTES as u64,
            max_reply_bytes: MAX_REPLY_BYTES as u64,
            heartbeat_ms: millis(HEARTBEAT),
            dead_after_ms: millis(PEER_DEAD_AFTER),
        }
    }
}
