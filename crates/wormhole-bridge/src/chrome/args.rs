//! The argument list. It is readable by everybody on the machine: nothing secret may ever stand in it.

use std::ffi::OsString;

use crate::browser::BrowserConfig;

/// `Browser.close` and the heartbeat need no automation banner, so none of the `enable-automation` flags is here.
const ALWAYS: [&str; 14] = [
    // The dead man's switch: Chromium ends when the pipe on fd 3 does, which is when we do, however we do.
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    // No keyring on servers. The profile is plaintext then, and so is guarded like a secret.
    "--password-store=basic",
    // Our tab is never in front of anybody.
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    // After a crash, a bubble that asks to restore tabs would stand in the way of a person at the window.
    "--hide-crash-restore-bubble",
    // Nobody can answer a prompt: what would ask is denied at once, and the page goes on.
    "--deny-permission-prompts",
    // Its crash handlers leave the process group and outlive it, and their dumps hold the session's cookies.
    "--disable-breakpad",
];

/// A document that comes back from the cache, or that was rendered in advance, would not run our script anew.
const DISABLED_FEATURES: &str = "BackForwardCache,Prerender2";

/// Chromium takes only the last list of each kind, so ours and the operator's become one.
const DISABLE_FEATURES: &str = "--disable-features=";

/// All arguments for this configuration.
pub(crate) fn arguments(config: &BrowserConfig, no_sandbox: bool) -> Vec<OsString> {
    let mut disabled = DISABLED_FEATURES.to_owned();
    let mut list: Vec<OsString> = ALWAYS.iter().map(OsString::from).collect();
    // Published or not, Chromium's own port is on loopback; the one that was asked for is then taken by us.
    let port = if config.publish.is_some() { 0 } else { config.debug_port };
    list.push(format!("--remote-debugging-port={port}").into());
    let mut profile = OsString::from("--user-data-dir=");
    profile.push(&config.user_data_dir);
    list.push(profile);
    list.push(format!("--window-size={},{}", config.window.0, config.window.1).into());
    if config.headless {
        list.push("--headless=new".into());
    }
    if no_sandbox {
        list.push("--no-sandbox".into());
    }
    for extra in &config.extra_args {
        match extra.strip_prefix(DISABLE_FEATURES) {
            Some(more) => disabled = format!("{disabled},{more}"),
            None => list.push(extra.into()),
        }
    }
    list.push(format!("{DISABLE_FEATURES}{disabled}").into());
    // Without an address the new headless opens a tab page with requests of its own.
    list.push("about:blank".into());
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(config: &BrowserConfig, no_sandbox: bool) -> Vec<String> {
        arguments(config, no_sandbox).into_iter().map(|argument| argument.into_string().unwrap()).collect()
    }

    #[test]
    fn the_sandbox_is_on_unless_it_is_to_be_off() {
        let config = BrowserConfig::new("/profile", Vec::new());
        assert!(listed(&config, true).contains(&"--no-sandbox".to_owned()));
        assert!(!listed(&config, false).contains(&"--no-sandbox".to_owned()));
    }

    #[test]
    fn certificate_errors_are_never_ignored_unless_an_argument_names_the_key() {
        let config = BrowserConfig::new("/profile", Vec::new());
        assert!(!listed(&config, true).iter().any(|argument| argument.contains("certificate")));
    }

    #[test]
    fn lists_of_features_become_one() {
        let mut config = BrowserConfig::new("/profile", Vec::new());
        config.extra_args = vec!["--disable-features=Translate".to_owned(), "--mute-audio".to_owned()];
        let list = listed(&config, false);
        let features: Vec<_> = list.iter().filter(|argument| argument.contains("-features")).collect();
        assert_eq!(features, ["--disable-features=BackForwardCache,Prerender2,Translate"]);
        assert!(list.contains(&"--mute-audio".to_owned()));
        assert_eq!(list.last().unwrap(), "about:blank");
    }
}
