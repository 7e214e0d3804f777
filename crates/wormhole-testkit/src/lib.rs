#![doc = include_str!("../README.md")]

mod api;
mod link;
mod logs;
mod ports;
mod process;
mod signals;
mod stack;
mod wait;

pub use api::{Api, Streamed};
pub use link::Link;
pub use ports::free_port;
pub use process::Process;
pub use signals::{chromium_pids, kill_hard, terminate};
pub use stack::{OwnSite, Setup, Stack};
pub use wait::{until, within};

pub use wormhole_playground as site;
