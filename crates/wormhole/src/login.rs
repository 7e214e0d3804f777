//! `wormhole login`: a person logs in by hand, at the console of the bridge that runs, or else in a window.

use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, StatusCode, redirect};
use serde::Deserialize;
use tokio::process::Command;
use tokio::time::{MissedTickBehavior, interval, timeout};
use url::Url;
use wormhole_bridge::login::{LoggedIn, LoginWindow, has_display};
use wormhole_runtime::{EX_USAGE, ExposeSecret as _, SecretString, secret_from};

use crate::admin::AdminPort;
use crate::ask;
use crate::stack::fresh_token;
use crate::terminal;

/// How long a person may take to log in.
const WITHIN: Duration = Duration::from_mins(15);

/// How often to ask whether they have, and how long the answer may take.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_secs(5);

/// What a console's answers are known by.
const MARK: &str = "x-wormhole-console";

/// Logs in at the console where one answers, else in a window on the profile.
pub(crate) async fn run(args: wormhole_bridge::Args) -> ExitCode {
    match Console::find(&args).await {
        Ok(Some(console)) => console.log_in().await,
        Ok(None) => window(args).await,
        Err(error) => {
            terminal::line(error);
            ExitCode::from(EX_USAGE)
        }
    }
}

/// The console of a bridge that runs.
struct Console {
    client: Client,
    url: Url,
    token: Option<SecretString>,
    admin: AdminPort,
}

/// What of a console's report is of interest here.
#[derive(Deserialize)]
struct Report {
    state: String,
    detail: String,
}

impl Console {
    /// The console that the settings name, if it answers.
    async fn find(args: &wormhole_bridge::Args) -> Result<Option<Self>> {
        let wormhole_bridge::ConsoleArgs { console_token, console_token_file, console_url, .. } =
            &args.console;
        let token =
            secret_from(console_token.clone(), console_token_file.as_deref(), "WORMHOLE_CONSOLE_TOKEN")?;
        // No redirect: the token belongs to one host.
        let client = Client::builder().timeout(ANSWER).redirect(redirect::Policy::none()).build()?;
        let console = Self { client, url: console_url.clone(), token, admin: args.admin.into() };
        Ok(console.ask().await.is_ok().then_some(console))
    }

    async fn ask(&self) -> Result<reqwest::Response> {
        let mut request = self.client.get(self.url.join("api/status")?);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        let response = request.send().await?;
        if !response.headers().contains_key(MARK) {
            bail!("{} is no console", self.url);
        }
        Ok(response)
    }

    /// Whether the session is ready; if not, how it is.
    async fn look(&self) -> Result<(bool, String)> {
        if self.token.is_none() {
            let (_, words) = ask::readiness(&self.admin).await?;
            let session = words.lines().find(|line| line.starts_with("session:"));
            return Ok((session.is_none(), session.unwrap_or_default().to_owned()));
        }
        let response = self.ask().await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            bail!("the console does not take this WORMHOLE_CONSOLE_TOKEN");
        }
        let report: Report = response.error_for_status()?.json().await.context("the console's answer")?;
        Ok((report.state == "ready", format!("{}: {}", report.state, report.detail)))
    }

    async fn log_in(self) -> ExitCode {
        match self.look().await {
            Ok((true, _)) => {
                terminal::line("You were logged in already.");
                return ExitCode::SUCCESS;
            }
            Ok((false, how)) => terminal::line(terminal::quiet(&how)),
            Err(error) => {
                terminal::line(format_args!("{error:#}"));
                return ExitCode::FAILURE;
            }
        }
        terminal::line(format_args!("Log in at the console: {}", terminal::strong(self.url.as_str())));
        open(&self.url).await;
        if timeout(WITHIN, self.until_ready()).await.is_ok() {
            terminal::line("You are logged in; the session is kept.");
            return ExitCode::SUCCESS;
        }
        terminal::line(format_args!("Nobody logged in within {} minutes.", WITHIN.as_secs() / 60));
        ExitCode::FAILURE
    }

    async fn until_ready(&self) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            // A bridge that restarts meanwhile comes back.
            if matches!(self.look().await, Ok((true, _))) {
                return;
            }
        }
    }
}

/// Shows an address in the person's own browser, where they have one here.
pub(crate) async fn open(url: &Url) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if !cfg!(target_os = "macos") && !has_display() {
        return;
    }
    let opened = Command::new(program)
        .arg(url.as_str())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    // The address stands on the terminal all the same.
    drop(timeout(ANSWER, opened).await);
}

/// Opens a window on the bridge's profile and waits for the person.
async fn window(mut args: wormhole_bridge::Args) -> ExitCode {
    // The hub has no part in this; its token need not be there.
    args.hub.page_token_file = None;
    args.hub.page_token = Some(fresh_token());
    let config = match wormhole_bridge::Config::try_from(args) {
        Ok(config) => config,
        Err(error) => {
            terminal::line(error);
            return ExitCode::from(EX_USAGE);
        }
    };
    let display = has_display();
    let window = LoginWindow { site: config.site, browser: config.browser, deadline: WITHIN, display };
    if display {
        terminal::line("Log in in the window that opens; it closes by itself when you are in.");
    }
    match wormhole_bridge::login::run(window).await {
        Ok(LoggedIn::Already) => terminal::line("You were logged in already."),
        Ok(LoggedIn::Now) => terminal::line("You are logged in; the session is kept."),
        Err(error) => {
            terminal::line(error);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
