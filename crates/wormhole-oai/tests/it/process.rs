//! The program: refusals, exit codes, and what its log never holds.

use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use wormhole_protocol::{Failure, FailureCode, Posted};
use wormhole_runtime::{Lifecycle, install_crypto_provider};

use crate::hub::{FakeHub, TOKEN, directory};
use crate::stage::soon;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wormhole-oai"));
    command.env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]).env("WORMHOLE_STORE", "memory");
    command
}

async fn refused(change: impl FnOnce(&mut Command)) -> (Option<i32>, String) {
    let mut command = program();
    change(&mut command);
    let Output { status, stderr, .. } = soon(command.output()).await.unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[tokio::test]
async fn bad_settings_end_in_one_line_and_code_64() {
    for (variable, value, expected) in [
        ("WORMHOLE_HEARTBEAT", "soon", "WORMHOLE_HEARTBEAT: "),
        ("WORMHOLE_OAI_LISTEN", "0.0.0.0:0", "WORMHOLE_API_KEYS: needed, because 0.0.0.0:0"),
        ("WORMHOLE_TEMPLATES", "/nowhere", "WORMHOLE_TEMPLATES: cannot read /nowhere"),
        ("WORMHOLE_AGENT_PROMPTS", "/nowhere", "WORMHOLE_AGENT_PROMPTS: cannot read /nowhere"),
        ("WORMHOLE_SENDER_TOKEN", "", "WORMHOLE_SENDER_TOKEN: required"),
        ("WORMHOLE_API_KEYS_FILE", "/nowhere", "WORMHOLE_API_KEYS_FILE: cannot read /nowhere"),
        (
            "WORMHOLE_CONVERSATION_TTL",
            "60d",
            "WORMHOLE_CONVERSATION_TTL: expected less than WORMHOLE_STORE_AGE",
        ),
        ("WORMHOLE_STORE", "disk", "WORMHOLE_DATA: cannot make /proc/nowhere: "),
    ] {
        let (code, text) = refused(|command| {
            command
                .env("WORMHOLE_SENDER_TOKEN", "t")
                .env("WORMHOLE_LOG", "off")
                .env("WORMHOLE_DATA", "/proc/nowhere");
            command.env(variable, value);
            if variable == "WORMHOLE_OAI_LISTEN" {
                *command = Command::new(env!("CARGO_BIN_EXE_wormhole-oai"));
                command
                    .env_clear()
                    .env("WORMHOLE_SENDER_TOKEN", "t")
                    .env("WORMHOLE_LOG", "off")
                    .env(variable, value);
            }
        })
        .await;
        assert_eq!(code, Some(64), "{text}");
        assert!(text.starts_with(expected) && text.lines().count() == 1, "{text}");
    }
}

/// A running program whose log is read.
struct Running {
    child: Child,
    log: BufReader<tokio::process::ChildStderr>,
    read: String,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log, read: String::new() }
    }

    /// Reads the log up to a line that holds `text`, and returns that line.
    async fn line_with(&mut self, text: &str) -> String {
        soon(async {
            loop {
                let mut line = String::new();
                assert!(self.log.read_line(&mut line).await.unwrap() > 0, "the log ended:\n{}", self.read);
                self.read.push_str(&line);
                if line.contains(text) {
                    return line;
                }
            }
        })
        .await
    }
}

#[tokio::test]
async fn no_prompt_answer_or_key_is_in_the_log_at_debug() {
    install_crypto_provider();
    let lifecycle = Lifecycle::new(std::time::Duration::from_secs(5));
    let hub = FakeHub::start(&lifecycle, directory(&[("site", &["echo"])])).await;
    let mut command = program();
    command.env("WORMHOLE_SENDER_TOKEN", TOKEN).env("WORMHOLE_SERVER_URL", format!("ws://{}", hub.addr));
    command
        .env("WORMHOLE_API_KEYS", "alice:s3cret-key")
        .env("WORMHOLE_LOG", "debug")
        .env("LOG_FORMAT", "json");
    let mut program = Running::start(command);
    let serving: Value = serde_json::from_str(&program.line_with("\"serving\"").await).unwrap();
    program.line_with("waiting for the hub").await;
    program.line_with("joined the hub").await;
    let url = format!("http://{}/v1/chat/completions", serving["addr"].as_str().unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = |body: Value| {
        client.post(&url).bearer_auth("s3cret-key").header("x-request-id", "id-7").json(&body).send()
    };
    let prompt = json!([{"role": "system", "content": "pr0mpt-a"}, {"role": "user", "content": "pr0mpt-b"}]);
    for stream in [false, true] {
        let body = json!({"model": "echo", "messages": prompt, "stream": stream, "stop": ["pr0mpt-c"]});
        let (response, ()) = tokio::join!(ask(body), async { hub.turn().await.answer("answ3r") });
        assert!(soon(response.unwrap().text()).await.unwrap().contains("answ3r"));
    }
    let (response, ()) = tokio::join!(ask(json!({"model": "echo", "messages": prompt})), async {
        hub.turn().await.begun("answ3r").fail(Failure::new(FailureCode::Truncated, Posted::Yes, "cut"));
    });
    assert_eq!(response.unwrap().status(), 502);
    assert_eq!(ask(json!({"model": "echo", "messages": "pr0mpt-d"})).await.unwrap().status(), 400);
    let failed = program.line_with("turn failed").await;
    assert!(failed.contains("id-7") && failed.contains("truncated"), "{failed}");
    end(program, &["pr0mpt", "answ3r", "s3cret", TOKEN]).await;
}

async fn end(mut program: Running, secrets: &[&str]) {
    let pid = program.child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    program.line_with("\"ended\"").await;
    assert_eq!(soon(program.child.wait()).await.unwrap().code(), Some(0));
    for secret in secrets {
        assert!(!program.read.contains(secret), "{secret} in\n{}", program.read);
    }
}
