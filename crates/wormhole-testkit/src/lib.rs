#![doc = include_str!("../README.md")]

mod api;
mod link;
mod logs;
mod person;
mod ports;
mod process;
mod signals;
mod stack;
mod wait;

pub use api::{Api, Streamed};
pub use link::Link;
pub use person::Person;
pub use ports::free_port;
pub use process::Process;
pub use signals::{chromium_pids, kill_hard, terminate};
pub use stack::{Account, OwnSite, Setup, Stack};
pub use wait::{until, within};

pub use wormhole_playground as site;
