//! `wormhole canary` against the whole path, with one hop after the other broken.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use wormhole_testkit::site::{Call, Fault};
use wormhole_testkit::{Setup, Stack};

use crate::WORMHOLE;

/// What the command printed with `--json`, and its exit code.
async fn canary(stack: &Stack, key: &str) -> (Value, Option<i32>) {
    let output = Command::new(WORMHOLE)
        .args(["canary", "--json", "--timeout", "30s", "--model", "practice-echo"])
        .args(["--url", stack.api.base()])
        .env("WORMHOLE_API_KEY", key)
        // By name, as containers know each other.
        .env("WORMHOLE_OAI_ADMIN", format!("localhost:{}", stack.admin_addr("oai").port()))
        .env("WORMHOLE_BRIDGE_ADMIN", stack.admin_addr("bridge").to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = wormhole_testkit::within(Duration::from_mins(1), "the canary", output).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains(key), "the key stays out of it: {text}");
    (serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}")), output.status.code())
}

fn hop<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["hops"].as_array().unwrap().iter().find(|hop| hop["hop"] == name).unwrap()
}

/// Checks that this hop is blamed, and that it says this.
async fn blames(stack: &Stack, blamed: &str, told_by: &str, words: &str) {
    let (report, code) = canary(stack, stack.api.key()).await;
    assert_eq!((report["failed"].as_str(), code), (Some(blamed), Some(1)), "{report}");
    let said = hop(&report, told_by)["words"].as_str().unwrap();
    assert!(said.contains(words), "{report}");
}

#[tokio::test]
async fn the_canary_says_which_hop_failed() {
    let mut stack = Stack::start(WORMHOLE, Setup::default()).await;
    let (report, code) = canary(&stack, stack.api.key()).await;
    assert_eq!((report["ok"].as_bool(), code), (Some(true), Some(0)), "{report}");
    let all = ["api", "hub", "bridge", "answer"];
    assert!(all.iter().all(|name| hop(&report, name)["ok"] == true), "{report}");

    let (report, code) = canary(&stack, "no-such-key").await;
    assert_eq!((report["failed"].as_str(), code), (Some("api"), Some(1)), "{report}");
    assert_eq!(hop(&report, "answer")["ok"], Value::Null, "nothing is asked: {report}");

    assert!(stack.site.misbehave(Call::Turn, Fault::Cut { after_words: 1, abrupt: false }, 1));
    blames(&stack, "site", "answer", "").await;

    // A bridge that is there and not logged in; then one that is not there.
    stack.bridge_link.cut();
    stack.until_readyz("bridge", 503).await;
    blames(&stack, "bridge", "bridge", "hub: ").await;
    stack.bridge.take().unwrap().kill().await;
    blames(&stack, "bridge", "answer", "no page has joined").await;

    stack.server.take().unwrap().kill().await;
    stack.until_readyz("oai", 503).await;
    blames(&stack, "hub", "hub", "hub").await;
    stack.oai.take().unwrap().kill().await;
    blames(&stack, "api", "api", "does not answer").await;
}
