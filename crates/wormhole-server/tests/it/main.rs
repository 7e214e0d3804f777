//! The hub through real sockets.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod harness;
mod joining;
mod program;
mod relaying;
mod stopping;
