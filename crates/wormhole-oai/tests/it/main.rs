//! The API as clients meet it: a real service on real sockets, and a hub played by the test.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails as a test does")]

mod access;
mod ask;
mod browsers;
mod captured;
mod completions;
mod conversations;
mod document;
mod embeddings;
mod errors;
mod generate;
mod hangups;
mod hub;
mod idempotency;
mod images;
mod keys;
mod life;
mod limits;
mod messages;
mod models;
mod ollama;
mod openai;
mod process;
mod responses;
mod stage;
mod strict;
mod tools;
