#![doc = include_str!("../README.md")]

mod chunk;
mod codec;
mod frame;
mod ids;
mod limits;
mod reply;
mod state;

pub use chunk::{PageFrame, PageFrameKind};
pub use codec::{DecodeError, decode, encode};
pub use frame::{
    AccountModels, ConversationRef, Directory, Event, FromHub, FromPeer, Hello, Image, ModelInfo, PageHello,
    Post, ProtocolError, Role, Status, Submit, Welcome,
};
pub use ids::{ConversationId, PeerId, TurnId};
pub use limits::{
    CLOSE_GOING_AWAY, CLOSE_MALFORMED, CLOSE_PROTOCOL, CLOSE_REPLACED, CLOSE_UNAUTHORISED, HEARTBEAT,
    HUB_PATH, Limits, MAX_FRAME_BYTES, MAX_REPLY_BYTES, PEER_DEAD_AFTER, PROTOCOL_VERSION,
};
pub use reply::{Body, Failure, FailureCode, Finish, Posted};
pub use state::PageState;
