#![doc = include_str!("../README.md")]

mod alert;
mod args;
pub mod browser;
mod calls;
mod canary;
mod chrome;
mod config;
mod console;
mod controls;
mod cookies;
mod diagnostics;
pub mod doctor;
mod inject;
#[cfg(feature = "kube")]
mod kube;
pub mod login;
mod metrics;
mod outside;
pub mod page_port;
mod relay;
mod running;
mod service;
mod session;
pub mod site;
pub mod tab;
mod turn;

pub use crate::{
    args::{Args, ChromeArgs, ConsoleArgs, HubArgs, KubeArgs, LoginArgs, PageArgs, SiteArgs, WaitArgs},
    canary::{CanaryArgs, CanaryConfig},
    config::{Config, KubeConfig, SessionTimings},
    console::ConsoleConfig,
    diagnostics::{DiagnosticsArgs, DiagnosticsConfig},
    outside::{Listener, Outside, Permit},
    service::{Service, StartError, run},
    session::{Credentials, Email, Password},
};
