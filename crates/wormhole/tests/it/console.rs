//! The console's page in a real browser, driven as a person would: see `tests/clients/python/console.py`.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;
use wormhole_playground::Switches;
use wormhole_testkit::site::{Call, Config, Fault};
use wormhole_testkit::{Setup, Stack, Streamed, free_port, until};

use crate::{SEEN_WITHIN, WORMHOLE, clients};

const TOKEN: &str = "console-token-of-the-test";

/// A stack with a console, whatever its session comes to; and where the console is.
async fn with_console(mut setup: Setup) -> (Stack, String) {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/");
    setup.bridge.extend([
        ("WORMHOLE_CONSOLE_TOKEN", TOKEN.to_owned()),
        ("WORMHOLE_CONSOLE_LISTEN", format!("127.0.0.1:{port}")),
        ("WORMHOLE_CONSOLE_URL", url.clone()),
    ]);
    (Stack::start(WORMHOLE, Setup { not_ready: true, ..setup }).await, url)
}

/// Runs the script, which checks what it does.
async fn person(stack: &Stack, arguments: &[&str]) {
    let output = clients::run(stack, "python/console.py", arguments).await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{arguments:?}: {said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.trim(), "ok");
}

#[tokio::test]
async fn a_person_at_the_console_types_a_code_and_the_stack_goes_on() {
    let switches = Switches { one_time_code: true, ..Switches::default() };
    let site = Config { switches, ..Config::default() };
    let (stack, url) = with_console(Setup { site, ..Setup::default() }).await;
    person(&stack, &[&url, TOKEN]).await;
    let seen = stack.site.snapshot();
    assert_eq!((seen.logins_ok, seen.codes_ok, seen.codes_failed), (1, 1, 0));
    stack.until_ready().await;
    // What was typed passed through and stands nowhere: neither a text nor a key.
    stack.stop(&["424242", "pasted-at-the-console", "ScrollLock", TOKEN]).await;
}

#[tokio::test]
async fn wormhole_login_leads_to_the_console_and_ends_with_the_session() {
    let switches = Switches { one_time_code: true, ..Switches::default() };
    let site = Config { switches, ..Config::default() };
    let bridge = vec![("WORMHOLE_PERSON_CHECK", "100ms".to_owned())];
    let (stack, url) = with_console(Setup { site, bridge, ..Setup::default() }).await;
    until(SEEN_WITHIN, "the bridge says challenge", || async {
        let (_, text) = stack.admin("bridge", "/readyz").await?;
        text.contains("challenge").then_some(())
    })
    .await;
    let mut login = Command::new(WORMHOLE);
    // Without a display no browser of the person's is opened.
    login.arg("login").env_clear().env("WORMHOLE_CONSOLE_URL", &url).env("WORMHOLE_CONSOLE_TOKEN", TOKEN);
    let mut login = login.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut said = BufReader::new(login.stdout.take().unwrap()).lines();
    let mut said = async || said.next_line().await.unwrap().unwrap_or_default();
    assert!(said().await.starts_with("challenge: the site asks for a one-time code"));
    assert_eq!(said().await, format!("Log in at the console: {url}"));
    stack.person().await.send("input[autocomplete=one-time-code]", "424242").await;
    assert_eq!(said().await, "You are logged in; the session is kept.");
    assert_eq!(login.wait().await.unwrap().code(), Some(0));
    stack.until_ready().await;
    stack.stop(&[TOKEN]).await;
}

/// What the page of the console is to say.
struct Scene {
    name: &'static str,
    title: &'static str,
    detail: &'static str,
    setup: Setup,
}

fn scenes() -> [Scene; 5] {
    let with = |name: &'static str, value: &str| Setup {
        bridge: vec![(name, value.to_owned())],
        ..Setup::default()
    };
    let captcha = Switches { captcha: true, ..Switches::default() };
    [
        Scene {
            name: "blocked",
            title: "Blocked",
            detail: "the site refused the credentials",
            setup: Setup { password: Some("wrong-password-1".to_owned()), ..Setup::default() },
        },
        Scene {
            name: "captcha",
            title: "A person is needed",
            detail: "the site asks for a captcha to be solved",
            setup: Setup { site: Config { switches: captcha, ..Config::default() }, ..Setup::default() },
        },
        Scene {
            name: "browser-down",
            title: "Browser down",
            detail: "exit status: 1",
            setup: with("CHROME_BIN", "/bin/false"),
        },
        Scene {
            name: "unreachable",
            title: "Starting",
            detail: "net::ERR_CONNECTION_REFUSED",
            setup: with("WORMHOLE_SITE_ORIGIN", &format!("https://127.0.0.1:{}", free_port())),
        },
        Scene { name: "logging-in", title: "Logging in", detail: "", setup: Setup::default() },
    ]
}

#[tokio::test]
async fn the_console_says_in_each_trouble_what_it_is() {
    for Scene { name, title, detail, setup } in scenes() {
        let (stack, url) = with_console(setup).await;
        if name == "logging-in" {
            // Chromium takes longer to start than this does.
            stack.site.misbehave(Call::Login, Fault::HoldResponse, 1);
        }
        person(&stack, &[&url, TOKEN, name, title, detail]).await;
        stack.assert_logs_are_silent(&[TOKEN]);
    }
}

#[tokio::test]
async fn a_session_that_ends_while_an_answer_streams_is_shown_and_so_is_a_bridge_that_goes() {
    let bridge =
        vec![("WORMHOLE_SESSION_CHECK", "200ms".to_owned()), ("WORMHOLE_LOGIN_PATIENCE", "2m".to_owned())];
    let (mut stack, url) = with_console(Setup { bridge, ..Setup::default() }).await;
    stack.until_ready().await;
    let asked = stack.api.chat("practice-gate", "[[words:2]]", true).send().await.unwrap();
    let mut stream = Streamed::of(asked);
    stack.site.release(1);
    stream.until_text("w1").await;
    stack.site.expire_sessions();
    person(&stack, &[&url, TOKEN, "expired", "Session ended", "the site ended the session"]).await;
    stack.site.release(1);
    stream.to_end().await;
    assert!(stream.says_it_is_whole(), "{:?}", stream.lines);

    // The bridge goes under the eyes of somebody who looks, and comes back: they sign in again, without a hint from us.
    let mut watching = clients::command(&stack, "python/console.py", &[&url, TOKEN, "watch"]);
    let mut watching = watching.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(watching.stdout.take().unwrap()).lines();
    assert_eq!(said.next_line().await.unwrap().as_deref(), Some("watching"));
    let gone = stack.bridge.take().unwrap();
    assert_eq!(gone.end(std::time::Duration::from_secs(30)).await, Some(0));
    assert_eq!(said.next_line().await.unwrap().as_deref(), Some("lost"));
    stack.start_bridge();
    let last = said.next_line().await.unwrap();
    let mut errors = String::new();
    watching.stderr.take().unwrap().read_to_string(&mut errors).await.unwrap();
    assert_eq!(last.as_deref(), Some("ok"), "{errors}");
    stack.until_ready().await;
    stack.stop(&[TOKEN]).await;
}
