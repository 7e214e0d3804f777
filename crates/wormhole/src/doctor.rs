//! `wormhole doctor`: what `up` needs, a line each, with the remedy for what is missing.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;
use std::time::Duration;

use wormhole_bridge::Config;
use wormhole_bridge::browser::LaunchError;
use wormhole_bridge::doctor::{self, SessionCheck};

use crate::stack::fresh_token;
use crate::terminal::{line, quiet, step};

/// How long the site may take to answer anything at all.
const SITE_WITHIN: Duration = Duration::from_secs(10);

/// Runs every check; exit code 0 if all is well.
pub(crate) async fn run(mut args: wormhole_bridge::Args) -> ExitCode {
    if args.hub.page_token.is_none() && args.hub.page_token_file.is_none() {
        // `up` makes one of its own; a missing one is nothing to complain of.
        args.hub.page_token = Some(fresh_token());
    }
    let debug_port = args.chrome.chrome_debug_port;
    let config = match Config::try_from(args) {
        Ok(config) => config,
        Err(error) => {
            return verdict(&[tell("settings", Err((error.to_string(), "see .env.example".to_owned())))]);
        }
    };
    let mut well = vec![tell("settings", Ok("complete".to_owned()))];
    let chromium = doctor::chromium(config.browser.bin.as_deref()).await;
    let found = chromium.is_ok();
    well.push(tell(
        "Chromium",
        chromium
            .map(|chromium| format!("{} ({})", chromium.version, chromium.path.display()))
            .map_err(|error| (error.to_string(), "apt install chromium, or set CHROME_BIN".to_owned())),
    ));
    well.push(tell("profile", profile(&config)));
    well.extend(ports(debug_port));
    well.push(tell("site", site(&config).await));
    if found {
        well.push(tell("session", session(config).await));
    }
    verdict(&well)
}

/// What a check found, or what is wrong and what helps.
type Finding = Result<String, (String, String)>;

fn tell(what: &str, finding: Finding) -> bool {
    match finding {
        Ok(found) => {
            step(true, what, found);
            true
        }
        Err((wrong, remedy)) => {
            step(false, what, wrong);
            line(quiet(&format!("{:20}remedy: {remedy}", "")));
            false
        }
    }
}

fn verdict(well: &[bool]) -> ExitCode {
    if well.iter().all(|well| *well) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn profile(config: &Config) -> Finding {
    let folder = &config.browser.user_data_dir;
    match doctor::profile_writable(folder) {
        Ok(()) => Ok(format!("{} can be written", folder.display())),
        Err(error) => Err((
            format!("{} cannot be written: {error}", folder.display()),
            "set CHROME_USER_DATA_DIR to a folder of your own".to_owned(),
        )),
    }
}

fn ports(debug_port: u16) -> Vec<bool> {
    let needed = [
        ("API", 11434, "WORMHOLE_OAI_LISTEN"),
        ("hub", 8765, "WORMHOLE_PORT"),
        ("DevTools", debug_port, "CHROME_DEBUG_PORT"),
        ("server admin", 9465, "WORMHOLE_SERVER_ADMIN"),
        ("bridge admin", 9466, "WORMHOLE_BRIDGE_ADMIN"),
        ("API admin", 9467, "WORMHOLE_OAI_ADMIN"),
    ];
    let taken: Vec<_> = needed.iter().filter(|(_, port, _)| *port != 0 && is_taken(*port)).collect();
    if taken.is_empty() {
        return vec![tell("ports", Ok("free".to_owned()))];
    }
    let say = |(what, port, setting): &&(&str, u16, &str)| {
        let remedy = format!("end what listens there (a running Wormhole?), or set {setting}");
        tell("ports", Err((format!("{port} ({what}) is taken"), remedy)))
    };
    taken.iter().map(say).collect()
}

fn is_taken(port: u16) -> bool {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
}

/// Whether anything answers there: whom it lets in is the session's question.
async fn site(config: &Config) -> Finding {
    let url = config.site.start_url();
    let client =
        reqwest::Client::builder().timeout(SITE_WITHIN).redirect(reqwest::redirect::Policy::none()).build();
    let answer = match client {
        Ok(client) => client.get(url.clone()).send().await,
        Err(error) => Err(error),
    };
    let host = url.host_str().unwrap_or_default();
    match answer {
        Ok(reply) => Ok(format!("{host} answers ({})", reply.status())),
        Err(error) => Err((
            format!("{host} does not answer: {}", error.without_url()),
            "check the network, or WORMHOLE_SITE_ORIGIN".to_owned(),
        )),
    }
}

async fn session(config: Config) -> Finding {
    let has_credentials = config.credentials.is_some();
    let log_in = "run `wormhole login`, or set OUTLIER_EMAIL and OUTLIER_PASSWORD".to_owned();
    match doctor::session(config.site, config.browser).await {
        Ok(SessionCheck::Valid { models }) => Ok(format!("logged in, {models} models")),
        Ok(SessionCheck::LoggedOut) if has_credentials => Ok("not logged in; `up` will log in".to_owned()),
        Ok(SessionCheck::LoggedOut) => Err(("not logged in".to_owned(), log_in)),
        Ok(SessionCheck::Challenge(what)) => {
            Err((format!("the site asks for a person: {what}"), "run `wormhole login`".to_owned()))
        }
        Ok(SessionCheck::SiteChanged(what)) => Err((
            format!("the site answers in a new shape: {what}"),
            "mend the site profile (WORMHOLE_SITE)".to_owned(),
        )),
        Ok(SessionCheck::Unreachable(what)) => {
            Err((format!("not checked: {what}"), "see the line about the site".to_owned()))
        }
        Err(error @ LaunchError::ProfileInUse { .. }) => {
            Err((error.to_string(), "a bridge is running on it: ask `wormhole status`".to_owned()))
        }
        Err(error) => Err((error.to_string(), "see the line about Chromium".to_owned())),
    }
}
