//! The practice site over real HTTP: what it promises to do, and to do wrong when asked.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are tests too; clippy only knows `#[test]` functions"
)]

mod abort;
mod api;
mod control;
mod end;
mod faults;
mod images;
mod login;
mod secure;
mod site;
mod streams;
mod upstream;
