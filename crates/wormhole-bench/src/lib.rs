#![doc = include_str!("../README.md")]

mod args;
mod ask;
mod bars;
mod chromium;
mod clock;
mod connection;
mod load;
mod loads;
mod page;
mod process;
mod procfs;
mod reader;
mod report;
mod run;
mod soak;
mod source;
mod stack;
mod standin;
mod standing;
mod stats;

pub use args::Args;
pub use run::{interrupted, run};
pub use soak::{Recycling, SoakArgs};
