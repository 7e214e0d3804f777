use clap::Parser;
use wormhole_runtime::ExposeSecret;

use super::*;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

/// The settings from arguments alone; the tests' environment has none of ours.
fn config(arguments: &[&str]) -> Result<Config, ConfigError> {
    let all = ["wormhole-bridge"].iter().chain(arguments);
    Cli::try_parse_from(all).expect("arguments that clap takes").args.try_into()
}

fn good(arguments: &[&str]) -> Config {
    config(&[&["--page-token", "t"], arguments].concat()).expect("settings that can be used")
}

#[track_caller]
fn bad(arguments: &[&str], message: &str) {
    let error = config(&[&["--page-token", "t"], arguments].concat()).expect_err("must not be taken");
    assert_eq!(error.to_string(), message);
}

#[test]
fn the_command_line_is_consistent() {
    use clap::CommandFactory;
    Cli::command().debug_assert();
}

#[test]
fn the_token_is_required_and_the_rest_has_defaults() {
    let error = config(&[]).expect_err("no token");
    assert_eq!(error.to_string(), "WORMHOLE_PAGE_TOKEN: is required: the token that the hub gives to pages");
    let config = good(&[]);
    assert_eq!(config.hub.url.as_str(), "ws://127.0.0.1:8765/");
    assert_eq!(config.hub.token.expose_secret(), "t");
    assert_eq!((config.site.name.as_str(), config.account.as_str()), ("outlier", "default"));
    assert_eq!((config.browser.debug_port, config.browser.headless), (9222, true));
    assert_eq!(config.browser.origins, config.site.origins());
    assert!(config.credentials.is_none());
}

#[test]
fn the_hub_is_found_by_url_or_by_host_and_port() {
    let url = |arguments: &[&str]| good(arguments).hub.url.to_string();
    assert_eq!(url(&["--server-url", "wss://hub.example/x"]), "wss://hub.example/x");
    assert_eq!(url(&["--server-host", "wormhole-server", "--server-port", "1"]), "ws://wormhole-server:1/");
    assert_eq!(url(&["--server-host", "::1"]), "ws://[::1]:8765/");
    bad(
        &["--server-url", "http://hub"],
        "WORMHOLE_SERVER_URL: must be a URL such as ws://wormhole-server:8765 or wss://hub.example",
    );
    bad(&["--server-host", "a/b"], "WORMHOLE_SERVER_HOST: must be a host name or an address");
}

#[test]
fn the_site_is_a_name_or_a_file_and_may_live_elsewhere() {
    let config = good(&["--site", "outlier-expert", "--site-origin", "http://127.0.0.1:1"]);
    assert_eq!(config.site.start_url().as_str(), "http://127.0.0.1:1/expert");
    assert_eq!(config.browser.origins.len(), 1);
    bad(
        &["--site", "outlyer"],
        "WORMHOLE_SITE: no site profile is called \"outlyer\": shipped are outlier, outlier-expert, playground, playground-dom, gradio, chainlit; or give the path of a YAML file",
    );
    let error = Config::try_from(
        Cli::parse_from(["x", "--page-token", "t", "--site-origin", "http://a.example"]).args,
    );
    assert!(error.expect_err("plain http").to_string().starts_with("WORMHOLE_SITE_ORIGIN: "));
}

#[test]
fn credentials_come_in_pairs() {
    assert!(good(&["--email", "", "--password", ""]).credentials.is_none());
    assert!(good(&["--email", "a@b", "--password", "p"]).credentials.is_some());
    bad(&["--email", "a@b"], "OUTLIER_PASSWORD: is required with OUTLIER_EMAIL");
    bad(&["--password", "p"], "OUTLIER_EMAIL: is required with OUTLIER_PASSWORD");
    let both = ["--email", "a@b", "--password", "p", "--password-file", "/x"];
    bad(&both, "OUTLIER_PASSWORD: set either OUTLIER_PASSWORD or OUTLIER_PASSWORD_FILE, not both");
}

#[test]
fn a_password_file_is_kept_as_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "first\n").unwrap();
    let config = good(&["--email", "a@b", "--password-file", file.to_str().unwrap()]);
    let credentials = config.credentials.expect("credentials");
    let mark = credentials.mark();
    std::fs::write(&file, "second\n").unwrap();
    assert_ne!(credentials.mark(), mark);
}

#[test]
fn waits_of_turns_go_into_the_profile() {
    let config = good(&["--turn-idle", "5s", "--session-check", "1s"]);
    assert_eq!(config.site.timeouts.idle, Duration::from_secs(5));
    assert_eq!(config.site.timeouts.first_byte, Duration::from_mins(1));
    assert_eq!(config.session.check, Duration::from_secs(1));
    bad(&["--person-check", "0s"], "WORMHOLE_PERSON_CHECK: must be longer than 0");
}

#[test]
fn arguments_for_chromium_are_split_at_blanks() {
    let config = good(&["--chrome-extra-args", "--disable-quic  --lang=de"]);
    assert_eq!(config.browser.extra_args, ["--disable-quic", "--lang=de"]);
}

#[test]
fn keys_that_are_trusted_come_from_a_file_of_hashes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let file = path.to_str().unwrap();
    let (one, two) =
        ("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=");
    std::fs::write(&path, format!("{one}\n{two}\n")).unwrap();
    let config = good(&["--chrome-trust-keys-file", file]);
    assert_eq!(config.browser.extra_args, [format!("--ignore-certificate-errors-spki-list={one},{two}")]);
    std::fs::write(&path, "\n").unwrap();
    bad(&["--chrome-trust-keys-file", file], &format!("CHROME_TRUST_KEYS_FILE: {file}: holds no key hash"));
    std::fs::write(&path, "*").unwrap();
    let message = format!("CHROME_TRUST_KEYS_FILE: {file}: expected the base64 of a SHA-256, found '*'");
    bad(&["--chrome-trust-keys-file", file], &message);
}

#[test]
fn no_setting_shows_a_secret() {
    let arguments = ["--email", "someone@example", "--password", "hunter2", "--page-token", "sesame"];
    let cli = Cli::parse_from([&["x"][..], &arguments].concat());
    let config = Config::try_from(cli.args).unwrap();
    let shown = format!("{config:?}");
    for secret in ["hunter2", "sesame", "someone@example"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

#[test]
fn reports_are_kept_unless_switched_off_and_questions_are_asked_if_wished() {
    let config = good(&[]);
    let kept = config.diagnostics.expect("kept by default");
    assert_eq!((kept.folder.as_path(), kept.most_bytes), (Path::new("./data/diagnostics"), 64 << 20));
    assert_eq!(config.canary, None);
    assert_eq!(good(&["--diagnostics", "off"]).diagnostics, None);
    let asks = good(&["--canary-every", "15m", "--canary-model", "m"]).canary.expect("asked for");
    assert_eq!((asks.every, asks.model.as_deref()), (Duration::from_mins(15), Some("m")));
    bad(&["--canary-every", "59s"], "WORMHOLE_CANARY_EVERY: must be at least 1m");
}

#[test]
fn devtools_are_published_to_somebody_and_ceilings_can_be_taken_away() {
    assert_eq!(good(&[]).browser.publish, None);
    let publish = ["--chrome-debug-publish", "0.0.0.0:9222"];
    bad(&publish, "CHROME_DEBUG_ALLOW: is required with CHROME_DEBUG_PUBLISH: who may connect");
    let allowing = |allow: &'static str| [&publish[..], &["--chrome-debug-allow", allow]].concat();
    let published = good(&allowing("10.0.0.0/8, fd00::1")).browser.publish.expect("published");
    assert_eq!(
        published.allow,
        ["10.0.0.0/8", "fd00::1/128"].map(|net| net.parse::<IpNet>().expect("a network"))
    );
    bad(
        &allowing("10.0.0.0/8,everybody"),
        "CHROME_DEBUG_ALLOW: `everybody` is no address and no network such as 10.0.0.0/8",
    );
    let none = good(&[
        "--chrome-memory-mib=0",
        "--chrome-max-age=0",
        "--chrome-tab-memory-mib=0",
        "--chrome-tab-max-age=0",
        "--chrome-sandbox=false",
    ]);
    let Ceilings { memory, age, tab_memory, tab_age, .. } = none.browser.ceilings;
    assert_eq!((memory, age, tab_memory, tab_age), (None, None, None, None));
    assert!(!none.browser.sandbox && good(&[]).browser.sandbox);
    assert_eq!(good(&[]).browser.ceilings.memory, Some(2048 << 20));
}

#[test]
fn a_cluster_is_used_only_where_that_is_wished_and_built_in() {
    assert_eq!(good(&["--pod-name", "bridge-0"]).kube, None);
    if cfg!(feature = "kube") {
        bad(
            &["--in-cluster", "true"],
            "POD_NAME: is required with WORMHOLE_KUBE: the pod's name, by the downward API",
        );
        let kube = good(&["--in-cluster", "true", "--pod-name", "bridge-0"]).kube.expect("a pod");
        assert_eq!((kube.pod.as_str(), kube.lease), ("bridge-0", None));
    } else {
        bad(
            &["--in-cluster", "true"],
            "WORMHOLE_KUBE: this build knows no cluster: it lacks the feature `kube`",
        );
    }
}

#[test]
fn an_email_file_is_kept_as_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("email");
    std::fs::write(&file, "me@example.test\n").unwrap();
    let config = good(&["--email-file", file.to_str().unwrap(), "--password", "p"]);
    let credentials = config.credentials.expect("credentials");
    let mark = credentials.mark();
    std::fs::write(&file, "you@example.test\n").unwrap();
    assert_ne!(credentials.mark(), mark);
    bad(
        &["--email-file", "/nowhere", "--password", "p"],
        "OUTLIER_EMAIL_FILE: cannot read /nowhere: entity not found",
    );
}

#[test]
fn there_is_a_console_only_with_a_token_that_is_long_enough() {
    assert!(good(&[]).console.is_none());
    assert!(good(&["--console-token", ""]).console.is_none());
    let console = good(&["--console-token", "long enough token"]).console.expect("a console");
    assert_eq!(console.listen.port(), 8767);
    assert_eq!(console.url.as_str(), "http://127.0.0.1:8767/");
    bad(&["--console-token", "short"], "WORMHOLE_CONSOLE_TOKEN: must have 12 characters at least");
}

#[test]
fn an_address_for_alerts_is_an_address_and_stands_in_no_error() {
    assert!(good(&["--alert-webhook", ""]).alerts.is_none());
    assert!(good(&["--alert-webhook", "https://hooks.example/secret"]).alerts.is_some());
    let error = "WORMHOLE_ALERT_WEBHOOK: must be an address that begins with http:// or https://";
    bad(&["--alert-webhook", "ftp://hooks.example/secret"], error);
    bad(&["--alert-webhook", "secret"], error);
}

#[test]
fn the_page_port_is_off_unless_it_is_asked_for() {
    assert!(good(&["--page-url", "ws://127.0.0.1:1"]).page_port.is_none());
    let port = good(&["--page-listen", "127.0.0.1:8766"]).page_port.expect("a page port");
    assert_eq!(port.url.unwrap().as_str(), "ws://127.0.0.1:8766/");
    let message = "WORMHOLE_PAGE_URL: must be a plain URL such as ws://127.0.0.1:8766";
    for url in ["http://127.0.0.1:8766", "ws://127.0.0.1:8766/?token=x", "ws://me@127.0.0.1:8766"] {
        bad(&["--page-listen", "127.0.0.1:8766", "--page-url", url], message);
    }
}
