#![doc = include_str!("../README.md")]

mod address;
mod desk;
mod dial;
mod error;
mod inbox;
mod link;
mod outbox;
mod page;
mod sender;
mod session;
mod turn;

pub use address::{HubAddress, LinkTimings, hub_url};
pub use error::LinkLost;
pub use link::{LinkState, LinkStats};
pub use page::{PageLink, PageOrder, ReplyWriter};
pub use sender::Sender;
pub use turn::{Turn, TurnEvent};
