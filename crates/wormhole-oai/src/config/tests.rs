use clap::{CommandFactory, Parser};

use super::*;

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

/// Without the environment of whoever runs the tests.
fn config(flags: &[&str]) -> Result<Config, ConfigError> {
    let command = Cli::command().mut_args(|arg| arg.env(None));
    let base = ["test", "--sender-token", "s", "--listen", "127.0.0.1:0"];
    let flags = base.iter().chain(flags).filter(|flag| !flag.is_empty());
    let matches = command.args_override_self(true).try_get_matches_from(flags).unwrap();
    Config::try_from(<Cli as clap::FromArgMatches>::from_arg_matches(&matches).unwrap().args)
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_setting_has_a_variable() {
    let command = Cli::command();
    let without: Vec<_> =
        command.get_arguments().filter(|arg| arg.get_env().is_none()).map(clap::Arg::get_id).collect();
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn the_hub_is_named_by_url_or_by_host_and_port() {
    for (flags, url) in [
        (&[][..], "ws://127.0.0.1:8765/"),
        (&["--server-host", "wormhole-server"], "ws://wormhole-server:8765/"),
        (&["--server-host", "h", "--server-port", "1"], "ws://h:1/"),
        (&["--server-host", "h", "--server-url", "wss://x/y"], "wss://x/y"),
    ] {
        assert_eq!(config(flags).unwrap().hub.url.as_str(), url);
    }
}

#[test]
fn a_bad_value_names_its_variable() {
    for (flags, expected) in [
        (
            &["--server-url", "http://x"][..],
            "WORMHOLE_SERVER_URL: must be a URL such as ws://wormhole-server:8765 or wss://hub.example",
        ),
        (&["--model-aliases", "a=b,c"], "WORMHOLE_MODEL_ALIASES: expected alias=model, found 'c'"),
        (&["--api-keys", "a:"], "WORMHOLE_API_KEYS: entry 1"),
        (&["--heartbeat", "0"], "WORMHOLE_HEARTBEAT: expected more than zero"),
        (&["--listen", "0.0.0.0:0"], "WORMHOLE_API_KEYS: needed, because 0.0.0.0:0"),
        (&["--listen", "[::]:0"], "WORMHOLE_API_KEYS: needed"),
    ] {
        let error = config(flags).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn beyond_loopback_it_takes_keys_or_the_word_for_it() {
    let open = &["--listen", "0.0.0.0:0"];
    assert!(config(&[open, &["--api-keys", "k"][..]].concat()).is_ok());
    assert!(config(&[open, &["--allow-anonymous"][..]].concat()).is_ok());
    assert!(config(&[open, &["--allow-anonymous", "true"][..]].concat()).is_ok());
    assert!(config(&[open, &["--allow-anonymous", "false"][..]].concat()).is_err());
}

#[test]
fn aliases_keep_their_pairs_and_secrets_stay_secret() {
    let config = config(&[
        "--model-aliases",
        "gpt-4o = a:1 ,b=c",
        "--api-keys",
        "alice:k3y",
        "--sender-token",
        "t0ken",
    ])
    .unwrap();
    assert_eq!(config.names.aliases["gpt-4o"], "a:1");
    assert_eq!(config.names.aliases["b"], "c");
    let shown = format!("{config:?}");
    assert!(!shown.contains("k3y") && !shown.contains("t0ken"), "{shown}");
}
