#![doc = include_str!("../README.md")]

mod args;
pub mod browser;
mod calls;
mod canary;
mod chrome;
mod config;
mod cookies;
mod diagnostics;
pub mod doctor;
mod inject;
pub mod login;
mod metrics;
mod relay;
mod running;
mod service;
mod session;
pub mod site;
pub mod tab;
mod turn;

pub use crate::{
    args::{Args, ChromeArgs, HubArgs, LoginArgs, SiteArgs, WaitArgs},
    canary::{CanaryArgs, CanaryConfig},
    config::{Config, SessionTimings},
    diagnostics::{DiagnosticsArgs, DiagnosticsConfig},
    service::{Service, StartError, run},
    session::{Credentials, Password},
};
