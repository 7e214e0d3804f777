#![doc = include_str!("../README.md")]

mod alert;
mod args;
pub mod browser;
mod calls;
mod chrome;
mod config;
mod console;
mod cookies;
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
    args::{Args, ChromeArgs, ConsoleArgs, HubArgs, LoginArgs, SiteArgs, WaitArgs},
    config::{Config, SessionTimings},
    console::ConsoleConfig,
    service::{Service, StartError, run},
    session::{Credentials, Email, Password},
};
