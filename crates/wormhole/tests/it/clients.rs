//! The official SDKs, unmodified: model list, whole and streamed chat. Streaming is proved by handshake.

use std::path::{Path, PathBuf};
use std::process::Output;

use tokio::process::Command;
use wormhole_testkit::{Setup, Stack};

use crate::{WORMHOLE, with_everything};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Runs one of `tests/clients` against the stack.
pub(crate) async fn run(stack: &Stack, interpreter: &str, script: &str, arguments: &[&str]) -> Output {
    let tools = root().join(".tools");
    let program = if interpreter == "python" { tools.join("venv/bin/python") } else { "node".into() };
    assert!(
        tools.join("clients.stamp").exists(),
        "the SDKs are not installed: run `scripts/setup.sh clients`"
    );
    Command::new(program)
        .arg(root().join("tests/clients").join(script))
        .args(arguments)
        .env("BASE_URL", stack.api.base())
        .env("API_KEY", stack.api.key())
        .env("CONTROL_URL", stack.control_url())
        .env("NODE_CLIENTS", tools.join("node"))
        .env("NO_PROXY", "*")
        .output()
        .await
        .unwrap()
}

async fn passes(stack: &Stack, interpreter: &str, script: &str) {
    let output = run(stack, interpreter, script, &[]).await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{script}: {said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.trim(), "ok", "{script}");
}

#[tokio::test]
async fn the_official_sdks_list_models_and_chat_whole_and_streamed() {
    let stack = Stack::start(WORMHOLE, Setup::default()).await;
    passes(&stack, "python", "openai_python.py").await;
    passes(&stack, "node", "openai_node.mjs").await;
    passes(&stack, "python", "ollama_python.py").await;
    let seen = stack.site.snapshot();
    assert_eq!(seen.logins_ok, 1);
    assert_eq!(seen.turns_aborted, 0);
    stack.stop(&["héllo, wörld"]).await;
}

#[tokio::test]
async fn the_official_sdks_drive_the_other_dialects_tools_included() {
    let stack = with_everything().await;
    passes(&stack, "python", "openai_responses_python.py").await;
    passes(&stack, "node", "openai_responses_node.mjs").await;
    passes(&stack, "python", "anthropic_python.py").await;
    passes(&stack, "node", "anthropic_node.mjs").await;
    passes(&stack, "python", "ollama_generate_python.py").await;
    stack.stop(&["héllo, wörld", "What is the weather in Paris"]).await;
}
