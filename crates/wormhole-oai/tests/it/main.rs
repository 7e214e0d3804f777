//! The API as clients meet it: a real service on real sockets, and a hub played by the test.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails as a test does")]

mod access;
mod errors;
mod hangups;
mod hub;
mod life;
mod models;
mod ollama;
mod openai;
mod process;
mod stage;
