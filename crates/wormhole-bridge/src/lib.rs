#![doc = include_str!("../README.md")]

mod args;
pub mod browser;
mod calls;
mod chrome;
mod config;
mod controls;
mod cookies;
pub mod doctor;
mod inject;
pub mod login;
mod metrics;
pub mod page_port;
mod relay;
mod running;
mod service;
mod session;
pub mod site;
pub mod tab;
mod turn;

pub use crate::{
    args::{Args, ChromeArgs, HubArgs, LoginArgs, PageArgs, SiteArgs, WaitArgs},
    config::{Config, SessionTimings},
    service::{Service, StartError, run},
    session::{Credentials, Password},
};
